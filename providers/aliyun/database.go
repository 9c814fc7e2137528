package aliyun

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// classDatabase is the name under which an account maps the storage type of databases; without it they are on ESSD.
const classDatabase = "database"

// databaseAdmin is the login of the administrator that every database gets.
const databaseAdmin = "duoyun"

// databaseKind is an RDS instance for MySQL or PostgreSQL, then its administrator's account. The white list lets the
// agency's own network in.
type databaseKind struct{ *Cloud }

func (d databaseKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: terms(d.subscribes(), planDatabase), Update: planDatabaseChange, Renew: table.Fixed(driver.Step{Name: "renew", Await: true}),
			Delete: table.Fixed(driver.Step{Name: "delete-database", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"database":        {Run: d.make, Look: d.databases().shelf().LookMainMade, Token: true},
			"account":         {Run: d.admit, Look: d.lookAdmitted},
			"resize":          {Run: d.resize, Look: d.lookResize},
			"renew":           {Run: d.renewal(rds, "DBInstanceId", params{"AutoPay": "true", "AutoRenew": "false"}), Look: lookRenewed(d.observe)},
			"delete-database": {Run: retirement(d.databases(), "rds", "DeleteDBInstance", "DBInstanceId", nil), Look: d.databases().shelf().LookMainUnmade},
		},
		Reading: d.observe, Listing: d.databases().listed(database.observed),
	}
}

func planDatabase(c driver.Change) ([]driver.Step, error) {
	_, err := table.PlatformNetwork(c)
	return []driver.Step{{Name: "database", Main: true, Await: true}, {Name: "account", Await: true}}, err
}

func planDatabaseChange(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.DatabaseSpec), c.After.(duoyun.DatabaseSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Engine != after.Engine || before.Version != after.Version || before.Standby != after.Standby || after.StorageGiB < before.StorageGiB:
		return nil, table.Impossible("spec", "云数据库只能改 vCPU、内存和扩容存储", "only vcpu and ram_gib of a database can be changed, and its storage can grow")
	}
	return []driver.Step{{Name: "resize", Await: true}}, nil
}

// database is an instance as DescribeDBInstances shows it, and with its storage as its attributes do.
type database struct {
	ID               string `json:"DBInstanceId"`
	Description      string `json:"DBInstanceDescription"`
	Status           string `json:"DBInstanceStatus"`
	Class            string `json:"DBInstanceClass"`
	CPU              word   `json:"DBInstanceCPU"`
	MemoryMiB        int64  `json:"DBInstanceMemory"`
	StorageGiB       int64  `json:"DBInstanceStorage"`
	Engine           string
	EngineVersion    string
	Category         string
	PayType          string
	ConnectionString string
	VpcID            string `json:"VpcId"`
	ZoneID           string `json:"ZoneId"`
	CreateTime       string
	ExpireTime       string
}

func (v database) key() string      { return v.ID }
func (v database) subscribed() bool { return strings.EqualFold(v.PayType, prePaid) }

func (v database) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Description, State: databaseState(v.Status), Detail: v.Status}
}

// databaseState follows RDS's instance states: whatever is neither being made nor deleted is there, and may be busy.
func databaseState(status string) driver.ObservedState {
	switch status {
	case "Creating":
		return driver.Building
	case "Deleting", "Released":
		return driver.Deleting
	}
	return driver.Active
}

func (v database) vcpu() int64 {
	n, err := strconv.ParseInt(string(v.CPU), 10, 64)
	if err != nil {
		return 0 // not shown
	}
	return n
}

// covers compares processors and memory; storage is what it is to the GiB.
func (v database) covers(s duoyun.DatabaseSpec) bool {
	return v.vcpu() >= s.VCPU && v.MemoryMiB >= s.RAMGiB*1024
}

func (v database) observed() driver.Observation {
	spec := duoyun.DatabaseSpec{Engine: strings.ToLower(v.Engine), Version: v.EngineVersion, VCPU: v.vcpu(), RAMGiB: v.MemoryMiB / 1024,
		StorageGiB: v.StorageGiB, Standby: v.Category != "Basic"}
	if spec.Engine == duoyun.EnginePostgreSQL {
		spec.Version = strings.TrimSuffix(spec.Version, ".0")
	}
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Description, State: databaseState(v.Status), Spec: spec,
		CreatedAt: when(v.CreateTime), Raw: raw(v)}
	if v.ConnectionString != "" {
		o.Addresses = []string{v.ConnectionString}
	}
	if v.VpcID != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VpcID}}
	}
	if v.subscribed() {
		o.PaidUntil = when(v.ExpireTime)
	}
	return o
}

func (c *Cloud) databases() listing[database] {
	return listing[database]{cloud: c, product: rds, action: "DescribeDBInstances", outer: "Items", inner: "DBInstance", id: "DBInstanceId"}
}

// engine is what RDS calls an engine and its version: PostgreSQL's have a minor number.
func engine(s duoyun.DatabaseSpec) (name, version string) {
	if s.Engine == duoyun.EngineMySQL {
		return "MySQL", s.Version
	}
	if !strings.Contains(s.Version, ".") {
		s.Version += ".0"
	}
	return "PostgreSQL", s.Version
}

// stored is how much storage is bought: RDS sells steps of 5 GiB.
func stored(gib int64) int64 { return (gib + 4) / 5 * 5 }

// describe is what both a purchase and a price of a database name.
func (d databaseKind) describe(ctx context.Context, spec duoyun.DatabaseSpec, zone string, months int) (params, error) {
	class, err := d.class(ctx, spec, zone, months > 0)
	if err != nil {
		return nil, err
	}
	name, version := engine(spec)
	return params{"Engine": name, "EngineVersion": version, "DBInstanceClass": class, "DBInstanceStorage": strconv.FormatInt(stored(spec.StorageGiB), 10),
		"DBInstanceStorageType": d.storageType(), "ZoneId": zone, "PayType": payType(months > 0)}, nil
}

func (d databaseKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.DatabaseSpec)
	subnet, err := d.subnetOf(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	in, err := d.describe(ctx, spec, subnet.ZoneID, c.Months)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	for name, value := range map[string]string{"DBInstanceDescription": c.Mark, "DBInstanceNetType": "Intranet", "InstanceNetworkType": "VPC", "VPCId": subnet.VpcID,
		"VSwitchId": subnet.ID, "SecurityIPList": subnet.CIDR, "Category": category(spec.Standby), "ClientToken": c.Token} {
		in[name] = value
	}
	if c.Months > 0 {
		in["Period"], in["UsedTime"], in["AutoRenew"] = "Month", strconv.Itoa(c.Months), "false"
	}
	return d.create(ctx, rds, "CreateDBInstance", in, func(m made) string { return m.DBInstanceID })
}

func payType(subscribed bool) string {
	if subscribed {
		return "Prepaid"
	}
	return "Postpaid"
}

// category: a second node is RDS's high-availability edition.
func category(standby bool) string {
	if standby {
		return "HighAvailability"
	}
	return "Basic"
}

func (c *Cloud) storageType() string {
	if mapped := c.account.Mapping.Classes[classDatabase]; mapped != "" {
		return mapped
	}
	return "cloud_essd"
}

// class chooses among the classes on sale in a zone. What is on sale and what a class is are two answers.
func (d databaseKind) class(ctx context.Context, spec duoyun.DatabaseSpec, zone string, subscribed bool) (string, error) {
	name, version := engine(spec)
	var sale struct {
		Classes []struct {
			Code string `json:"DBInstanceClass"`
		} `json:"DBInstanceClasses"`
	}
	_, err := d.call(ctx, rds, "DescribeAvailableClasses", params{"ZoneId": zone, "InstanceChargeType": payType(subscribed), "Engine": name, "EngineVersion": version,
		"DBInstanceStorageType": d.storageType(), "Category": category(spec.Standby), "OrderType": "BUY"}, &sale)
	if err != nil {
		return "", err
	}
	var all struct{ Items []classItem }
	if _, err := d.call(ctx, rds, "ListClasses", params{"CommodityCode": commodity(subscribed), "OrderType": "BUY"}, &all); err != nil {
		return "", err
	}
	if sale.Classes == nil || all.Items == nil {
		return "", errHollow
	}
	var flavors []driver.Flavor
	for _, c := range sale.Classes {
		if i := slices.IndexFunc(all.Items, func(k classItem) bool { return k.Code == c.Code }); i >= 0 {
			flavors = append(flavors, all.Items[i].flavor())
		}
	}
	f, ok := driver.Choose(flavors, driver.Demand{VCPU: spec.VCPU, RAMGiB: spec.RAMGiB, Exact: d.account.Mapping.ExactFlavor, Volume: true})
	if !ok {
		return "", table.Impossible("spec", "没有可购的云数据库规格满足 %d vCPU、%d GiB 内存", "no database class on sale covers %d vCPU and %d GiB of memory", spec.VCPU, spec.RAMGiB)
	}
	return f.ID, nil
}

// commodity is under which code RDS sells: subscriptions as rds, on demand as bards.
func commodity(subscribed bool) string {
	if subscribed {
		return "rds"
	}
	return "bards"
}

// classItem is a class as ListClasses shows it: its memory is text such as "8GB".
type classItem struct {
	Code   string `json:"ClassCode"`
	CPU    word   `json:"Cpu"`
	Memory string `json:"MemoryClass"`
}

func (k classItem) flavor() driver.Flavor {
	return driver.Flavor{ID: k.Code, Name: k.Code, VCPU: leading(string(k.CPU)), RAMMiB: leading(k.Memory) * 1024}
}

// leading is the number that a text begins with; 0 where it begins with none.
func leading(s string) int64 {
	end := strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	n, err := strconv.ParseInt(s[:end], 10, 32)
	if err != nil {
		return 0
	}
	return n
}

// admit makes the administrator. Its name is fixed: made twice it is one.
func (d databaseKind) admit(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := d.databases().need(ctx, c.ID, c.Mark, "database")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if c.Secret.Reveal() == "" {
		return driver.Reply{}, table.Impossible("login", "云数据库须有管理员口令", "a database needs its administrator's password")
	}
	return d.change(ctx, rds, "CreateAccount", params{"DBInstanceId": v.ID, "AccountName": databaseAdmin, "AccountType": "Super", "AccountPassword": c.Secret.Reveal()})
}

func (d databaseKind) lookAdmitted(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := d.databases().need(ctx, c.ID, c.Mark, "database")
	var answer struct {
		Accounts struct {
			Account []struct {
				Name   string `json:"AccountName"`
				Status string `json:"AccountStatus"`
			} `json:"DBInstanceAccount"`
		}
	}
	if err == nil {
		_, err = d.call(ctx, rds, "DescribeAccounts", params{"DBInstanceId": v.ID, "AccountName": databaseAdmin}, &answer)
	}
	if err == nil && answer.Accounts.Account == nil {
		err = errHollow
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		for _, a := range answer.Accounts.Account {
			if a.Name == databaseAdmin && a.Status == "Available" {
				return driver.Done, "", ""
			} else if a.Name == databaseAdmin {
				return driver.Pending, "", a.Status
			}
		}
		return driver.Absent, "", ""
	})
}

// detail reads an instance's attributes, which alone show its storage.
func (d databaseKind) detail(ctx context.Context, id string) (database, error) {
	var answer struct {
		Items struct{ DBInstanceAttribute []database }
	}
	if _, err := d.call(ctx, rds, "DescribeDBInstanceAttribute", params{"DBInstanceId": id}, &answer); err != nil {
		return database{}, err
	}
	if all := answer.Items.DBInstanceAttribute; len(all) == 1 && all[0].ID == id {
		return all[0], nil
	}
	return database{}, errHollow
}

func (d databaseKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := d.detail(ctx, c.ID)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	after := c.After.(duoyun.DatabaseSpec)
	class, err := d.class(ctx, after, now.ZoneID, now.subscribed())
	if err != nil || class == now.Class && now.StorageGiB == stored(after.StorageGiB) {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	in := params{"DBInstanceId": now.ID, "DBInstanceClass": class, "DBInstanceStorage": strconv.FormatInt(stored(after.StorageGiB), 10),
		"PayType": payType(now.subscribed()), "Direction": "Up", "ClientToken": c.Token}
	if after.VCPU < now.vcpu() || after.RAMGiB*1024 < now.MemoryMiB {
		in["Direction"] = "Down"
	}
	return d.change(ctx, rds, "ModifyDBInstanceSpec", in)
}

// lookResize judges by the size, since the class that was chosen then may not be the one chosen now.
func (d databaseKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	now, err := d.detail(ctx, c.ID)
	before, _ := c.Before.(duoyun.DatabaseSpec)
	after := c.After.(duoyun.DatabaseSpec)
	sized := before.VCPU == after.VCPU && before.RAMGiB == after.RAMGiB || now.covers(after) && !now.covers(before)
	if err == nil && !sized {
		var class string
		if class, err = d.class(ctx, after, now.ZoneID, now.subscribed()); Code(err) == driver.Invalid {
			err = nil
		}
		sized = class == now.Class
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch {
		case now.Status != "Running":
			return driver.Pending, now.ID, now.Status
		case sized && now.StorageGiB == stored(after.StorageGiB):
			return driver.Done, now.ID, ""
		}
		return driver.Absent, now.ID, now.Class
	})
}

// observe joins what the listing and the attributes show.
func (d databaseKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := d.databases().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	more, err := d.detail(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	v.StorageGiB = more.StorageGiB
	return v.observed(), nil
}
