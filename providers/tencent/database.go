package tencent

import (
	"context"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// administrator is the login of a PostgreSQL instance; that of MySQL is root.
const administrator = "duoyun"

// databaseKind is a CDB (MySQL) or PostgreSQL instance, told apart by the form of its id. Both go through the recycle bin
// before they are gone.
type databaseKind struct{ *Cloud }

func (d databaseKind) kind() *table.Kind {
	mysql, pg := d.mysqls(), d.postgreses()
	all := either(mysql, pg, isMySQL)
	one := func(name string) func(string) params { return func(id string) params { return params{name: id} } }
	list := func(name string) func(string) params {
		return func(id string) params { return params{name: []string{id}} }
	}
	always := func(seen) bool { return true }
	return &table.Kind{
		Plans: table.Plans{Create: d.planCreate, Update: planDatabaseChange, Renew: planRenewal, Delete: table.Fixed(driver.Step{Name: "isolate", Await: true},
			driver.Step{Name: "delete-database", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"mysql":      {Run: d.createMySQL, Look: mysql.plain().LookMainMade},
			"postgresql": {Run: d.act("postgres", "CreateInstances", "DBInstanceIdSet", d.createPostgreSQL), Look: pg.plain().LookMainMade},
			"resize":     {Run: d.resize(all), Look: d.lookResized(all)},
			"renew": all.split(func(v seen) bool { return isMySQL(v.ID) },
				d.renewal(all, "cdb", "RenewDBInstance", func(id string, months int) params { return params{"InstanceId": id, "TimeSpan": months} }),
				d.renewal(all, "postgres", "RenewInstance", func(id string, months int) params { return params{"DBInstanceId": id, "Period": months} })),
			"isolate": all.split(func(v seen) bool { return isMySQL(v.ID) },
				d.isolation(all, "cdb", "IsolateDBInstance", always, one("InstanceId")),
				d.isolation(all, "postgres", "IsolateDBInstances", always, list("DBInstanceIdSet"))),
			"delete-database": all.split(func(v seen) bool { return isMySQL(v.ID) },
				table.Verb{Run: d.removal(all, "", "cdb", "OfflineIsolatedInstances", list("InstanceIds")), Look: all.plain().LookMainUnmade},
				table.Verb{Run: d.removal(all, "", "postgres", "DestroyDBInstance", one("DBInstanceId"))}),
		},
		Reading: all.observe, Listing: all.list,
	}
}

func isMySQL(id string) bool { return strings.HasPrefix(id, "cdb-") }

// either is one rack of two; first tells whose an id is. The cursor of the second begins with "2".
func either(a, b rack, first func(id string) bool) rack {
	return rack{
		get: func(ctx context.Context, id string) (seen, error) {
			if first(id) {
				return a.get(ctx, id)
			}
			return b.get(ctx, id)
		},
		page: func(ctx context.Context, cursor string) ([]seen, string, bool, error) {
			if rest, second := strings.CutPrefix(cursor, "2 "); second {
				all, next, partial, err := b.page(ctx, rest)
				if next != "" {
					next = "2 " + next
				}
				return all, next, partial, err
			}
			all, next, partial, err := a.page(ctx, cursor)
			if next == "" {
				next = "2 "
			}
			return all, next, partial, err
		},
	}
}

// split is a verb that is sent in one of two ways, by what it is about; what is not there needs no call. Both ways look
// for the same.
func (r rack) split(first func(seen) bool, a, b table.Verb) table.Verb {
	return table.Verb{Look: a.Look, Run: func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		v, _, err := r.search(ctx, c, c.ID, c.Mark)
		if err != nil || v == nil {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		c.ID = v.ID
		if first(*v) {
			return a.Run(ctx, c)
		}
		return b.Run(ctx, c)
	}}
}

func (d databaseKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if _, _, err := subnet(c); err != nil {
		return nil, err
	}
	if _, err := d.zone(c.Zone); err != nil {
		return nil, err
	}
	spec := c.After.(duoyun.DatabaseSpec)
	switch {
	case spec.Engine == duoyun.EngineMySQL:
	case spec.Engine != duoyun.EnginePostgreSQL:
		return nil, table.Impossible("spec.engine", "没有 %s 数据库", "there is no %s database", spec.Engine)
	case !spec.Standby:
		return nil, table.Impossible("spec.standby", "腾讯云的 PostgreSQL 只有主备版", "Tencent Cloud sells PostgreSQL only with a standby")
	}
	return []driver.Step{{Name: spec.Engine, Main: true, Await: true}}, nil
}

// planDatabaseChange: one call changes processors, memory and storage together.
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

// target is the size that a spec gets: PostgreSQL's is that of a class on sale.
func (d databaseKind) target(ctx context.Context, c driver.Change) (duoyun.DatabaseSpec, error) {
	spec := c.After.(duoyun.DatabaseSpec)
	if spec.Engine == duoyun.EnginePostgreSQL {
		class, err := d.class(ctx, c)
		spec.VCPU, spec.RAMGiB = class.VCPU, class.RAMMiB/1024
		return spec, err
	}
	return spec, nil
}

// resize takes effect at once, with a short break of the connections.
func (d databaseKind) resize(all rack) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		to, err := d.target(ctx, c.Change)
		if err != nil {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		same := func(_ driver.Call, v seen) bool { return v.Spec == duoyun.Spec(to) }
		run := d.act("cdb", "UpgradeDBInstance", "", all.unless(same, func(_ driver.Call, v seen) (params, error) {
			return params{"InstanceId": v.ID, "Memory": to.RAMGiB * 1000, "Volume": to.StorageGiB, "Cpu": to.VCPU, "WaitSwitch": 0}, nil
		}))
		if to.Engine == duoyun.EnginePostgreSQL {
			run = d.act("postgres", "ModifyDBInstanceSpec", "", all.unless(same, func(_ driver.Call, v seen) (params, error) {
				return params{"DBInstanceId": v.ID, "Memory": to.RAMGiB, "Storage": to.StorageGiB, "Cpu": to.VCPU, "SwitchTag": 0}, nil
			}))
		}
		return run(ctx, c)
	}
}

func (d databaseKind) lookResized(all rack) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		to, err := d.target(ctx, c.Change)
		if err != nil {
			return driver.Evidence{}, err
		}
		return all.look(driver.Absent, func(c driver.Call, v seen) driver.EvidenceState { return resized(v, c.Before, to) })(ctx, c)
	}
}

// resized judges a database or cache that shall have another size.
func resized(v seen, before, to duoyun.Spec) driver.EvidenceState {
	switch {
	case v.busy:
		return driver.Pending
	case v.Spec == to:
		return driver.Done
	case driver.Meets(before, v.Spec):
		return driver.Absent
	}
	return driver.Conflict
}

// createMySQL has an action for each way of paying.
func (d databaseKind) createMySQL(ctx context.Context, c driver.Call) (driver.Reply, error) {
	action := "CreateDBInstanceHour"
	if c.Months > 0 {
		action = "CreateDBInstance"
	}
	return d.act("cdb", action, "InstanceIds", func(context.Context, driver.Call) (params, error) {
		login, err := adminPassword(c.Secret)
		if err != nil {
			return nil, err
		}
		in, err := d.mysql(c.Change)
		if err != nil {
			return nil, err
		}
		if c.Months > 0 {
			in["Period"], in["AutoRenewFlag"] = c.Months, 0
		}
		vpc, subnet, err := subnet(c.Change)
		in["UniqVpcId"], in["UniqSubnetId"], in["EngineVersion"] = vpc, subnet, c.After.(duoyun.DatabaseSpec).Version
		in["InstanceName"], in["ClientToken"], in["Password"] = c.Mark, c.Token, login
		in["ResourceTags"] = []params{{"TagKey": tagMark, "TagValue": []string{c.Mark}}, {"TagKey": tagName, "TagValue": []string{title(c.Change, 60)}}}
		return in, err
	})(ctx, c)
}

// mysql is what of a MySQL instance decides its price. CDB counts 1,000 MB to the GiB, and sells what has no standby on
// one node alone.
func (d databaseKind) mysql(c driver.Change) (params, error) {
	spec := c.After.(duoyun.DatabaseSpec)
	device := "BASIC_V2"
	if spec.Standby {
		device = "UNIVERSAL"
	}
	zone, err := d.zone(c.Zone)
	return params{"Zone": zone, "GoodsNum": 1, "Memory": spec.RAMGiB * 1000, "Volume": spec.StorageGiB, "Cpu": spec.VCPU,
		"InstanceRole": "master", "DeviceType": device, "InstanceNodes": spec.Nodes()}, err
}

func (d databaseKind) createPostgreSQL(ctx context.Context, c driver.Call) (params, error) {
	login, err := adminPassword(c.Secret)
	if err != nil {
		return nil, err
	}
	in, err := d.postgreSQL(ctx, c.Change)
	if err != nil {
		return nil, err
	}
	vpc, subnet, err := subnet(c.Change)
	in["VpcId"], in["SubnetId"], in["DBMajorVersion"], in["Charset"] = vpc, subnet, c.After.(duoyun.DatabaseSpec).Version, "UTF8"
	in["AdminName"], in["AdminPassword"], in["Name"], in["AutoRenewFlag"] = administrator, login, c.Mark, 0
	in["TagList"] = otherTags(tagMark, c.Mark, tagName, title(c.Change, 60))
	return in, err
}

// class is the size of PostgreSQL that a spec gets.
func (d databaseKind) class(ctx context.Context, c driver.Change) (driver.Flavor, error) {
	spec := c.After.(duoyun.DatabaseSpec)
	zone, err := d.zone(c.Zone)
	if err != nil {
		return driver.Flavor{}, err
	}
	var out struct {
		ClassInfoSet []struct {
			SpecCode                            string
			CPU, Memory, MinStorage, MaxStorage int64
		}
	}
	in := params{"Zone": zone, "DBEngine": "postgresql", "DBMajorVersion": spec.Version}
	if _, err := d.call(ctx, "postgres", "DescribeClasses", in, &out); err != nil {
		return driver.Flavor{}, err
	}
	var sizes []driver.Flavor
	for _, s := range out.ClassInfoSet {
		if spec.StorageGiB >= s.MinStorage && spec.StorageGiB <= s.MaxStorage {
			sizes = append(sizes, driver.Flavor{ID: s.SpecCode, Name: s.SpecCode, VCPU: s.CPU, RAMMiB: s.Memory})
		}
	}
	class, ok := driver.Choose(sizes, driver.Demand{VCPU: spec.VCPU, RAMGiB: spec.RAMGiB, Volume: true, Exact: d.account.Mapping.ExactFlavor})
	if !ok {
		return class, table.Impossible("spec", "可用区 %s 没有满足要求的 PostgreSQL 规格", "zone %s sells no PostgreSQL class that suffices", zone)
	}
	return class, nil
}

// postgreSQL is what of a PostgreSQL instance decides its price.
func (d databaseKind) postgreSQL(ctx context.Context, c driver.Change) (params, error) {
	class, err := d.class(ctx, c)
	if err != nil {
		return nil, err
	}
	paying := onDemand
	if c.Months > 0 {
		paying = prepaid
	}
	return params{"Zone": d.account.Mapping.Zones[c.Zone], "SpecCode": class.ID, "Storage": c.After.(duoyun.DatabaseSpec).StorageGiB, "InstanceCount": 1, "Period": max(c.Months, 1),
		"InstanceChargeType": paying}, nil
}

// adminPassword is the order's one-time login: databases and caches know no public keys.
func adminPassword(secret driver.Secret) (string, error) {
	value := secret.Reveal()
	if value == "" || strings.ContainsAny(value, " \n") {
		return "", table.Impossible("login", "数据库和缓存须有登录密码", "databases and caches need a password to log in with")
	}
	return value, nil
}

// mysqls: 6 and 7 are being taken down after the recycle bin (OfflineIsolatedInstances).
func (c *Cloud) mysqls() rack {
	return listing{product: "cdb", action: "DescribeDBInstances", member: "Items", ids: "InstanceIds", prefix: "cdb-", view: entry(func(v struct {
		InstanceId, InstanceName, EngineVersion, Vip, UniqVpcId, CreateTime, DeadlineTime, Zone string
		Status, TaskStatus, PayType                                                             int
		Cpu, Memory, Volume, InstanceNodes                                                      int64
		TagList                                                                                 []tag
	}) seen {
		o := driver.Observation{ID: v.InstanceId, CreatedAt: moment(v.CreateTime), Spec: duoyun.DatabaseSpec{Engine: duoyun.EngineMySQL, Version: v.EngineVersion,
			VCPU: v.Cpu, RAMGiB: v.Memory / 1000, StorageGiB: v.Volume, Standby: v.InstanceNodes > 1},
			Raw: raw(params{"status": v.Status, "task_status": v.TaskStatus, "zone": v.Zone})}
		s := seen{Observation: o, status: number(v.Status), prepaid: v.PayType == 0, binned: v.Status == 5, busy: v.TaskStatus != 0 || v.Status == 4}
		return s.managed(v.InstanceName, v.TagList, v.Vip, v.UniqVpcId, v.DeadlineTime, map[int]driver.ObservedState{0: driver.Building, 1: driver.Active,
			4: driver.Stopped, 5: driver.Stopped, 6: driver.Deleting, 7: driver.Deleting}[v.Status])
	})}.rack(c)
}

// managed fills in what databases and caches have alike.
func (s seen) managed(name string, tags []tag, address, vpc, until string, state driver.ObservedState) seen {
	s.Mark, s.Name, s.State = markOf(tags, name), name, state
	if n := valueOf(tags, tagName); n != "" {
		s.Name = n
	}
	if state == "" {
		s.State, s.busy = driver.Active, true
	}
	if address != "" {
		s.Addresses = []string{address}
	}
	if vpc != "" {
		s.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {vpc}}
	}
	if s.prepaid {
		s.PaidUntil = moment(until)
	}
	return s
}

func (c *Cloud) postgreses() rack {
	return listing{product: "postgres", action: "DescribeDBInstances", member: "DBInstanceSet", ids: "db-instance-id", prefix: "postgres-", view: entry(func(v struct {
		DBInstanceId, DBInstanceName, DBInstanceStatus, DBMajorVersion, VpcId, CreateTime, ExpireTime, PayType, Zone string
		DBInstanceCpu, DBInstanceMemory, DBInstanceStorage                                                           int64
		DBInstanceNetInfo                                                                                            []struct{ Ip, NetType string }
		TagList                                                                                                      []tag
	}) seen {
		o := driver.Observation{ID: v.DBInstanceId, CreatedAt: moment(v.CreateTime), Spec: duoyun.DatabaseSpec{Engine: duoyun.EnginePostgreSQL, Version: v.DBMajorVersion,
			VCPU: v.DBInstanceCpu, RAMGiB: v.DBInstanceMemory, StorageGiB: v.DBInstanceStorage, Standby: true}, Raw: raw(params{"status": v.DBInstanceStatus, "zone": v.Zone})}
		s := seen{Observation: o, status: v.DBInstanceStatus, prepaid: strings.EqualFold(v.PayType, "prepaid"), binned: v.DBInstanceStatus == "isolated"}
		ip := ""
		for _, n := range v.DBInstanceNetInfo {
			if n.NetType != "public" && n.Ip != "" {
				ip = n.Ip
			}
		}
		s.busy = v.DBInstanceStatus != "running" && v.DBInstanceStatus != "isolated"
		return s.managed(v.DBInstanceName, v.TagList, ip, v.VpcId, v.ExpireTime, map[string]driver.ObservedState{"applying": driver.Building, "init": driver.Building,
			"initing": driver.Building, "running": driver.Active, "isolating": driver.Stopped, "isolated": driver.Stopped, "recycling": driver.Deleting,
			"recycled": driver.Deleting}[v.DBInstanceStatus])
	})}.rack(c)
}
