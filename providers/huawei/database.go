package huawei

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// classDatabase is the name under which an account maps the storage type of databases; CLOUDSSD where it does not.
const classDatabase = "database"

// databaseKind: a security group with the engine's port, and an RDS instance of it.
type databaseKind struct{ *Cloud }

type databaseInfo struct {
	ID, Name, Status, Type, Created string
	CPU, Mem                        string
	Flavor                          string `json:"flavor_ref"`
	VpcID                           string `json:"vpc_id"`
	Zones                           []struct {
		Zone string `json:"availability_zone"`
	} `json:"nodes"`
	PrivateIPs []string `json:"private_ips"`
	Expires    string   `json:"expiration_time"`
	Datastore  struct{ Type, Version string }
	Volume     struct {
		Type string
		Size int64
	}
	Charge struct {
		Mode string `json:"charge_mode"`
	} `json:"charge_info"`
}

func (v databaseInfo) covers(spec duoyun.DatabaseSpec) bool {
	return whole64(v.CPU) >= spec.VCPU && whole64(v.Mem) >= spec.RAMGiB
}

func (d databaseKind) groups() groupKind {
	return groupKind{d.Cloud, func(ctx context.Context, id string) (bool, error) {
		_, err := d.database(ctx, id)
		return err == nil, table.Ignoring(Code, err, driver.NotFound)
	}}
}

func (d databaseKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: d.plan, Update: planDatabaseChange, Renew: d.renewable,
			Delete: table.Fixed(principal("delete-database"), driver.Step{Name: "delete-security_group"})},
		Verbs: d.groups().verbs(map[string]table.Verb{
			"database":        {Run: d.create, Look: d.built(bss, d.shelf())},
			"resize":          {Run: d.resize, Look: d.lookResize},
			"enlarge":         {Run: d.enlarge, Look: d.lookEnlarged},
			"renew":           {Run: d.renew, Look: d.lookRenewed},
			"delete-database": {Run: d.remove, Look: d.shelf().LookMainUnmade},
		}),
		Reading: d.observe, Listing: d.list, Parts: map[string]table.Shelf{"security_group": d.groups().shelf()},
	}
}

// engine is what RDS calls an engine, and the port it listens at.
func engine(name string) (vendor string, port int) {
	if name == duoyun.EnginePostgreSQL {
		return "PostgreSQL", 5432
	}
	return "MySQL", 3306
}

func (d databaseKind) plan(c driver.Change) ([]driver.Step, error) {
	if _, err := table.PlatformNetwork(c); err != nil {
		return nil, err
	}
	_, port := engine(c.After.(duoyun.DatabaseSpec).Engine)
	return append(opening(port), principal("database")), d.subscribable(c)
}

func planDatabaseChange(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.DatabaseSpec), c.After.(duoyun.DatabaseSpec)
	if before.Engine != after.Engine || before.Version != after.Version || before.Standby != after.Standby || after.StorageGiB < before.StorageGiB {
		return nil, table.Impossible("spec", "云数据库只能改 vCPU、内存和扩大存储", "only vcpu, ram_gib and a larger storage_gib of a database can be changed")
	}
	var steps []driver.Step
	if before.VCPU != after.VCPU || before.RAMGiB != after.RAMGiB {
		steps = append(steps, step("resize"))
	}
	if storage(after.StorageGiB) != storage(before.StorageGiB) {
		steps = append(steps, step("enlarge"))
	}
	return steps, nil
}

// storage is what RDS sells for a demand: 40 GB at least, in tens.
func storage(gib int64) int64 { return max(40, (gib+9)/10*10) }

// create names the instance by its mark. A standby is in the same zone: which zones may be paired differs by region.
func (d databaseKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.DatabaseSpec)
	network, subnet, err := d.place(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	zone, err := d.mapped(ctx, c.Zone)
	if err != nil {
		return driver.Reply{}, err
	}
	flavor, err := d.size(ctx, spec, zone)
	if err != nil {
		return driver.Reply{}, err
	}
	group, err := d.groups().of(ctx, c)
	if err != nil {
		return driver.Reply{}, err
	}
	vendor, _ := engine(spec.Engine)
	body := map[string]any{"name": c.Mark, "datastore": map[string]string{"type": vendor, "version": spec.Version}, "flavor_ref": flavor.ID,
		"volume": map[string]any{"type": d.storageType(), "size": storage(spec.StorageGiB)}, "region": d.account.Region, "availability_zone": zone,
		"vpc_id": network.ID, "subnet_id": subnet.ID, "security_group_id": group, "password": c.Secret.Reveal(),
		"tags": []any{map[string]string{"key": tagMark, "value": c.Mark}}}
	d.grouped(body)
	if spec.Standby {
		body["availability_zone"] = zone + "," + zone
		body["ha"] = map[string]string{"mode": "Ha", "replication_mode": "async"}
	}
	if c.Months > 0 {
		terms := map[string]any{}
		if err := withTerm(terms, c.Change, termNames{"charge_mode", "period_type", "period_num", "is_auto_renew", "is_auto_pay", false}); err != nil {
			return driver.Reply{}, err
		}
		body["charge_info"] = terms
	}
	var reply struct {
		Instance struct{ ID string }
		OrderID  string `json:"order_id"`
	}
	id, err := d.call(ctx, operation{service: rds, method: http.MethodPost, path: "/v3/{p}/instances", token: c.Token, body: body}, &reply)
	return made(reply.Instance.ID, reply.OrderID, id, err)
}

func (d databaseKind) storageType() string {
	if t := d.account.Mapping.Classes[classDatabase]; t != "" {
		return t
	}
	return "CLOUDSSD"
}

// size chooses the RDS flavor for a demand in a zone: of the engine's version, single or with a standby.
func (d databaseKind) size(ctx context.Context, spec duoyun.DatabaseSpec, zone string) (driver.Flavor, error) {
	vendor, _ := engine(spec.Engine)
	var reply struct {
		Flavors []struct {
			VCPUs string
			RAM   int64
			Code  string            `json:"spec_code"`
			Mode  string            `json:"instance_mode"`
			Zones map[string]string `json:"az_status"`
			Group string            `json:"group_type"`
		}
	}
	_, err := d.call(ctx, operation{service: rds, method: http.MethodGet, path: "/v3/{p}/flavors/" + vendor,
		query: url.Values{"version_name": {spec.Version}}}, &reply)
	if err == nil && reply.Flavors == nil {
		err = errNoListing
	}
	if err != nil {
		return driver.Flavor{}, table.Unsent(Code, err)
	}
	mode := map[bool]string{false: "single", true: "ha"}[spec.Standby]
	var all []driver.Flavor
	for _, f := range reply.Flavors {
		if f.Mode == mode {
			all = append(all, driver.Flavor{ID: f.Code, Name: f.Code, VCPU: whole64(f.VCPUs), RAMMiB: f.RAM * 1024, Family: f.Group,
				SoldOut: f.Zones[zone] != "normal"})
		}
	}
	return chosen(all, driver.Demand{VCPU: spec.VCPU, RAMGiB: spec.RAMGiB, Volume: true, Exact: d.account.Mapping.ExactFlavor})
}

// chosen is driver.Choose with its refusals: sold out where only that stands in the way.
func chosen(all []driver.Flavor, demand driver.Demand) (driver.Flavor, error) {
	f, ok := driver.Choose(all, demand)
	if ok {
		return f, nil
	}
	for i := range all {
		all[i].SoldOut = false
	}
	if _, ok = driver.Choose(all, demand); ok {
		return f, table.Refuse(driver.SoldOut, duoyun.Fail(duoyun.CodeInvalid, "spec", "云上此规格已售罄", "the cloud has sold out this size"))
	}
	return f, table.Impossible("spec", "云上没有 %d vCPU %d GiB 的规格", "the cloud has no size of %d vCPU and %d GiB", demand.VCPU, demand.RAMGiB)
}

func (d databaseKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := d.find(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	target, err := d.size(ctx, c.After.(duoyun.DatabaseSpec), now.zone())
	if err != nil || target.ID == now.Flavor {
		return driver.Reply{}, err
	}
	return d.act(ctx, now, "resize_flavor", map[string]any{"spec_code": target.ID})
}

func (d databaseKind) enlarge(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := d.find(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	want := storage(c.After.(duoyun.DatabaseSpec).StorageGiB)
	if now.Volume.Size >= want {
		return driver.Reply{}, nil
	}
	return d.act(ctx, now, "enlarge_volume", map[string]any{"size": want})
}

// act changes an instance; what a subscription's change costs is paid at once.
func (d databaseKind) act(ctx context.Context, now databaseInfo, name string, body map[string]any) (driver.Reply, error) {
	if now.prepaid() {
		body["is_auto_pay"] = true
	}
	return d.job(ctx, operation{service: rds, method: http.MethodPost, path: "/v3/{p}/instances/" + now.ID + "/action", body: map[string]any{name: body}})
}

func (v databaseInfo) prepaid() bool { return v.Charge.Mode == "prePaid" }

func (v databaseInfo) zone() string {
	if len(v.Zones) == 0 {
		return ""
	}
	return v.Zones[0].Zone
}

// lookResize is as that of servers: what covers both sizes is told by choosing again.
func (d databaseKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	now, err := d.find(ctx, c)
	after, before := c.After.(duoyun.DatabaseSpec), c.Before.(duoyun.DatabaseSpec)
	target := now.Flavor
	if err == nil && now.covers(after) && now.covers(before) && (after.VCPU < before.VCPU || after.RAMGiB < before.RAMGiB) {
		f, err := d.size(ctx, after, now.zone())
		if err != nil {
			return driver.Evidence{}, err
		}
		target = f.ID
	}
	return changed(now, err, func() driver.EvidenceState {
		switch {
		case now.covers(after) && now.Flavor == target:
			return driver.Done
		case now.covers(before):
			return driver.Absent
		}
		return driver.Conflict
	})
}

func (d databaseKind) lookEnlarged(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	now, err := d.find(ctx, c)
	return changed(now, err, func() driver.EvidenceState {
		if now.Volume.Size >= storage(c.After.(duoyun.DatabaseSpec).StorageGiB) {
			return driver.Done
		}
		return driver.Absent
	})
}

// changed judges an instance once it is at rest.
func changed(now databaseInfo, err error, judge func() driver.EvidenceState) (driver.Evidence, error) {
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch now.Status {
		case "ACTIVE", "STORAGE FULL":
			return judge(), now.ID, now.Flavor
		case "FAILED":
			return driver.Broken, now.ID, now.Status
		}
		return driver.Pending, now.ID, now.Status
	})
}

func (d databaseKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := d.find(ctx, c)
	if Code(err) == driver.NotFound || err == nil && databaseState(now.Status) == driver.Deleting {
		return driver.Reply{}, nil
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return d.release(ctx, now.ID, now.prepaid(), operation{service: rds, method: http.MethodDelete, path: "/v3/{p}/instances/" + now.ID})
}

// find reads the instance of a call; none is an error with code NotFound.
func (d databaseKind) find(ctx context.Context, c driver.Call) (databaseInfo, error) {
	id, err := d.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return databaseInfo{}, err
	}
	if id == "" {
		return databaseInfo{}, table.Missing("database")
	}
	return d.database(ctx, id)
}

// database reads one instance: RDS has no operation for one but the listing of its id.
func (d databaseKind) database(ctx context.Context, id string) (databaseInfo, error) {
	all, err := d.instances(ctx, url.Values{"id": {id}})
	if err != nil {
		return databaseInfo{}, err
	}
	for _, v := range all {
		if v.ID == id {
			return v, nil
		}
	}
	return databaseInfo{}, table.Refuse(driver.NotFound, duoyun.NotFound("云数据库", "database", id))
}

func (d databaseKind) instances(ctx context.Context, query url.Values) ([]databaseInfo, error) {
	var reply struct{ Instances []databaseInfo }
	_, err := d.call(ctx, operation{service: rds, method: http.MethodGet, path: "/v3/{p}/instances", query: query}, &reply)
	if err == nil && reply.Instances == nil {
		err = errNoListing
	}
	return reply.Instances, err
}

// page: RDS takes 100 at most.
func (d databaseKind) page(ctx context.Context, cursor string) ([]databaseInfo, string, bool, error) {
	return overlapped(cursor, func(v databaseInfo) string { return v.ID }, func(offset int) ([]databaseInfo, error) {
		return d.instances(ctx, url.Values{"offset": {strconv.Itoa(offset)}, "limit": {"100"}})
	})
}

func databaseThing(v databaseInfo) table.Thing {
	return table.Thing{ID: v.ID, Note: v.Name, State: databaseState(v.Status), Detail: v.Status}
}

func (d databaseKind) shelf() table.Shelf {
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := d.database(ctx, id)
			return databaseThing(v), err
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, partial, err := d.page(ctx, cursor)
			return table.Things(all, databaseThing), next, partial, err
		},
	}
}

// databaseState follows api-rds, ListInstances; the other states are of an instance that is there and busy.
func databaseState(status string) driver.ObservedState {
	switch {
	case status == "BUILD":
		return driver.Building
	case status == "FAILED":
		return driver.Errored
	case status == "SHUTDOWN":
		return driver.Stopped
	case strings.HasPrefix(status, "DELET"):
		return driver.Deleting
	}
	return driver.Active
}

func (d databaseKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := d.database(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := observedDatabase(v)
	return d.subscribed(ctx, o, v.prepaid() && o.PaidUntil.IsZero())
}

func observedDatabase(v databaseInfo) driver.Observation {
	return driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Name), Name: v.Name, State: databaseState(v.Status), Addresses: v.PrivateIPs,
		CreatedAt: moment(v.Created), PaidUntil: moment(v.Expires), Links: map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VpcID}},
		Spec: duoyun.DatabaseSpec{Engine: strings.ToLower(v.Datastore.Type), Version: v.Datastore.Version, VCPU: whole64(v.CPU), RAMGiB: whole64(v.Mem),
			StorageGiB: v.Volume.Size, Standby: v.Type == "Ha"},
		Raw: raw(map[string]any{"status": v.Status, "flavor": v.Flavor, "type": v.Type, "charge_mode": v.Charge.Mode})}
}

func (d databaseKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, partial, err := d.page(ctx, cursor)
	return observations(all, observedDatabase, next, partial, err)
}
