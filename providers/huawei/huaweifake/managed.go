package huaweifake

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func (f *Fake) databases() {
	s := &service{f, flat, "DBS.200001", "DBS.200002", "DBS.200019", "DBS.200046", "DBS.212001", http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusBadRequest,
		tokenRules{"DBS.200001", "DBS.200001", "", 72 * time.Hour}}
	s.route("POST /v3/{project}/instances", createDatabase)
	s.route("GET /v3/{project}/instances", listDatabases)
	s.route("POST /v3/{project}/instances/{id}/action", changeDatabase)
	s.route("DELETE /v3/{project}/instances/{id}", deleteDatabase)
	s.route("GET /v3/{project}/flavors/{engine}", databaseFlavors)
	s.route("GET /v3/{project}/quotas", instanceQuota(simcloud.ItemDatabases))
}

// size is a size of database or cache that the vendor sells.
type size struct {
	code      string
	vcpu, ram int64 // GiB
	mode      string
}

// databaseSizes are the sizes of an engine: 1 to 16 vCPU with twice the memory, single and with a standby.
func databaseSizes(engine string) (all []size) {
	for n := int64(1); n <= 16; n *= 2 {
		for mode, suffix := range map[string]string{"single": "", "ha": ".ha"} {
			all = append(all, size{"rds." + strings.ToLower(engine) + ".n1." + strconv.FormatInt(n, 10) + "u" + suffix, n, 2 * n, mode})
		}
	}
	return all
}

func databaseFlavors(c *call) (int, any, error) {
	engine := c.r.PathValue("engine")
	if err := c.need("version_name", c.query("version_name")); err != nil || engine != "MySQL" && engine != "PostgreSQL" {
		return 0, nil, c.invalid("the engine or version_name is illegal")
	}
	zones := map[string]string{}
	for _, z := range c.sim.Regions()[0].Zones {
		zones[z] = "normal"
	}
	views := []any{}
	for _, s := range databaseSizes(engine) {
		views = append(views, object{"id": randomID(), "vcpus": strconv.FormatInt(s.vcpu, 10), "ram": s.ram, "spec_code": s.code, "instance_mode": s.mode,
			"az_status": zones, "version_name": []string{c.query("version_name")}, "group_type": "normal"})
	}
	return 200, object{"flavors": views}, nil
}

// databaseInput is what a creation takes: every field a driver may send, of the types that are documented.
type databaseInput struct {
	Name, Region, Password string
	Datastore              struct{ Type, Version string }
	Flavor                 string `json:"flavor_ref"`
	Volume                 struct {
		Type string
		Size int64
	}
	Zones  string `json:"availability_zone"`
	VPC    string `json:"vpc_id"`
	Subnet string `json:"subnet_id"`
	Group  string `json:"security_group_id"`
	Tags   []struct{ Key, Value string }
	Ha     *struct {
		Mode        string
		Replication string `json:"replication_mode"`
	}
	Charge struct {
		Mode  string `json:"charge_mode"`
		Unit  string `json:"period_type"`
		N     int    `json:"period_num"`
		Renew bool   `json:"is_auto_renew"`
		Pay   bool   `json:"is_auto_pay"`
	} `json:"charge_info"`
	Enterprise string `json:"enterprise_project_id"`
}

func createDatabase(c *call) (int, any, error) {
	var in databaseInput
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if err := c.need("region", in.Region, "password", in.Password, "vpc_id", in.VPC, "subnet_id", in.Subnet, "security_group_id", in.Group,
		"availability_zone", in.Zones, "volume.type", in.Volume.Type); err != nil {
		return 0, nil, err
	}
	if len(in.Name) < 4 || len(in.Name) > 64 || in.Volume.Size < 40 || in.Volume.Size%10 != 0 || in.Charge.Renew {
		return 0, nil, c.invalid("name or volume.size is illegal")
	}
	bought, err := c.term(in.Charge.Mode, in.Charge.Unit, in.Charge.N)
	if err != nil {
		return 0, nil, err
	}
	zones := strings.Split(in.Zones, ",")
	mode := map[bool]string{false: "single", true: "ha"}[in.Ha != nil]
	s, ok := sized(databaseSizes(in.Datastore.Type), in.Flavor)
	if !ok || s.mode != mode || len(zones) != map[string]int{"single": 1, "ha": 2}[mode] {
		return 0, nil, c.invalid("flavor_ref or availability_zone does not fit the mode %s", mode)
	}
	made, err := c.sim.CreateDatabase(simcloud.DatabaseInput{Object: simcloud.Object{Owner: c.owner, Zone: zones[0], Name: in.Name,
		Meta: map[string]string{"volume": in.Volume.Type}}, Purchase: bought, Endpoint: simcloud.Endpoint{SubnetID: in.Subnet, GroupIDs: []string{in.Group}},
		Engine: in.Datastore.Type, Version: in.Datastore.Version, Standby: in.Ha != nil, Users: []string{"root"},
		Size: simcloud.DatabaseSize{Class: s.code, VCPU: s.vcpu, RAMMiB: s.ram << 10, StorageGiB: in.Volume.Size}})
	if err != nil {
		return 0, nil, err
	}
	reply := object{"instance": object{"id": made.ID, "name": made.Name, "status": "BUILD", "flavor_ref": s.code}}
	if bought.Months > 0 {
		reply["order_id"], err = c.order("purchase", made.ID)
	} else {
		reply["job_id"] = randomID()
	}
	return 202, reply, err
}

func sized(all []size, code string) (size, bool) {
	for _, s := range all {
		if s.code == code {
			return s, true
		}
	}
	return size{}, false
}

func databaseView(d *simcloud.Database) object {
	status := map[simcloud.State]string{simcloud.Building: "BUILD", simcloud.Failed: "FAILED", simcloud.Resizing: "MODIFYING", simcloud.Deleting: "DELETING"}[d.State]
	if status == "" {
		status = "ACTIVE"
	}
	kind, charge := "Single", object{"charge_mode": "postPaid"}
	if d.Standby {
		kind = "Ha"
	}
	view := object{}
	if d.Months > 0 {
		charge["charge_mode"] = "prePaid"
		view["order_id"], view["expiration_time"] = "CS"+d.ID[:8], when(d.PaidUntil)
	}
	for k, v := range (object{"id": d.ID, "name": d.Name, "status": status, "type": kind, "created": d.Created.UTC().Format("2006-01-02T15:04:05-0700"),
		"cpu": strconv.FormatInt(d.Size.VCPU, 10), "mem": strconv.FormatInt(d.Size.RAMMiB>>10, 10), "flavor_ref": d.Size.Class, "vpc_id": d.NetworkID,
		"subnet_id": d.SubnetID, "security_group_id": strings.Join(d.GroupIDs, ","), "private_ips": []string{d.Address}, "port": d.Port, "region": d.Region,
		"nodes":     []any{object{"id": d.ID[:30] + "in01", "role": "master", "availability_zone": d.Zone, "status": status}},
		"datastore": object{"type": d.Engine, "version": d.Version}, "volume": object{"type": d.Meta["volume"], "size": d.Size.StorageGiB}, "charge_info": charge}) {
		view[k] = v
	}
	return view
}

// listDatabases lists all, or the one with an id: an id that nothing has gives an empty list.
func listDatabases(c *call) (int, any, error) {
	if id := c.query("id"); id != "" {
		views := []object{}
		if d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, id); err == nil {
			views = append(views, databaseView(d))
		}
		return 200, object{"instances": views, "total_count": len(views)}, nil
	}
	views, total, err := byOffset(c, 100, databaseView)
	return 200, object{"instances": views, "total_count": total}, err
}

func changeDatabase(c *call) (int, any, error) {
	var in struct {
		Flavor *struct {
			Code string `json:"spec_code"`
			Pay  bool   `json:"is_auto_pay"`
		} `json:"resize_flavor"`
		Volume *struct {
			Size int64
			Pay  bool `json:"is_auto_pay"`
		} `json:"enlarge_volume"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	to := simcloud.DatabaseSize{}
	switch {
	case in.Flavor != nil:
		s, ok := sized(databaseSizes(d.Engine), in.Flavor.Code)
		if !ok || (s.mode == "ha") != d.Standby {
			return 0, nil, c.invalid("spec_code is illegal")
		}
		to = simcloud.DatabaseSize{Class: s.code, VCPU: s.vcpu, RAMMiB: s.ram << 10}
	case in.Volume != nil && in.Volume.Size%10 == 0 && in.Volume.Size > d.Size.StorageGiB:
		to.StorageGiB = in.Volume.Size
	default:
		return 0, nil, c.invalid("the action is illegal")
	}
	if _, err = c.sim.ResizeDatabase(c.owner, d.ID, to); err != nil {
		return 0, nil, err
	}
	if d.Months > 0 {
		order, err := c.order("change", d.ID)
		return 202, object{"order_id": order}, err
	}
	return 202, object{"job_id": randomID()}, nil
}

func deleteDatabase(c *call) (int, any, error) {
	d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	if d.Months > 0 {
		return 0, nil, c.invalid("an instance in yearly/monthly billing is unsubscribed")
	}
	_, err = c.sim.DeleteDatabase(c.owner, d.ID)
	return 202, object{"job_id": randomID()}, err
}

// instanceQuota is the form that RDS and DCS share.
func instanceQuota(item simcloud.Item) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		limits, used := c.sim.Quota(c.owner)
		return 200, object{"quotas": object{"resources": []any{object{"type": "instance", "quota": limits[item], "used": used[item], "min": 0}}}}, nil
	}
}

func (f *Fake) caches() {
	s := &service{f, flat, "DCS.4001", "DCS.4022", "DCS.4026", "DCS.4922", "DCS.4924", http.StatusConflict, http.StatusForbidden, http.StatusBadRequest, tokenRules{}}
	s.route("POST /v2/{project}/instances", createCache)
	s.route("GET /v2/{project}/instances", listCaches)
	s.route("GET /v2/{project}/instances/{id}", showCache)
	s.route("POST /v2/{project}/instances/{id}/resize", resizeCache)
	s.route("DELETE /v2/{project}/instances/{id}", deleteCache)
	s.route("GET /v2/{project}/flavors", cacheFlavors)
	s.route("GET /v2/{project}/quota", instanceQuota(simcloud.ItemCaches))
}

// cacheSizes are 1 to 64 GiB, single and with a standby.
func cacheSizes() (all []size) {
	for n := int64(1); n <= 64; n *= 2 {
		for mode, replica := range map[string]string{"single": "", "ha": "r2."} {
			all = append(all, size{"redis." + mode + ".xu1.large." + replica + strconv.FormatInt(n, 10), 0, n, mode})
		}
	}
	return all
}

func cacheFlavors(c *call) (int, any, error) {
	views := []any{}
	for _, s := range cacheSizes() {
		capacity := strconv.FormatInt(s.ram, 10)
		if mode := c.query("cache_mode"); mode != "" && mode != s.mode || c.query("capacity") != "" && c.query("capacity") != capacity {
			continue
		}
		views = append(views, object{"spec_code": s.code, "cache_mode": s.mode, "engine": "Redis", "engine_version": "4.0;5.0;6.0;7.0", "cpu_type": "x86_64",
			"capacity": []string{capacity}, "billing_mode": []string{"Hourly", "Monthly"},
			"flavors_available_zones": []any{object{"capacity": capacity, "unit": "GB", "az_codes": c.sim.Regions()[0].Zones}}})
	}
	return 200, object{"flavors": views}, nil
}

func createCache(c *call) (int, any, error) {
	var in struct {
		Name, Description, Engine, Password string
		Version                             string `json:"engine_version"`
		Capacity                            int64
		Code                                string   `json:"spec_code"`
		Zones                               []string `json:"az_codes"`
		VPC                                 string   `json:"vpc_id"`
		Subnet                              string   `json:"subnet_id"`
		Tags                                []struct{ Key, Value string }
		Terms                               *struct {
			Mode  string `json:"charging_mode"`
			Unit  string `json:"period_type"`
			N     int    `json:"period_num"`
			Renew string `json:"is_auto_renew"`
			Pay   string `json:"is_auto_pay"`
		} `json:"bss_param"`
		Enterprise string `json:"enterprise_project_id"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if err := c.need("engine_version", in.Version, "vpc_id", in.VPC, "subnet_id", in.Subnet, "password", in.Password); err != nil {
		return 0, nil, err
	}
	s, ok := sized(cacheSizes(), in.Code)
	if !ok || s.ram != in.Capacity || len(in.Zones) != map[string]int{"single": 1, "ha": 2}[s.mode] || in.Engine != "Redis" || len(in.Name) < 4 || len(in.Name) > 64 {
		return 0, nil, c.invalid("spec_code, capacity, az_codes, engine or name is illegal")
	}
	bought := simcloud.Purchase{}
	if in.Terms != nil {
		var err error
		if bought, err = c.term(in.Terms.Mode, in.Terms.Unit, in.Terms.N); err != nil || in.Terms.Renew == "true" {
			return 0, nil, c.invalid("bss_param is illegal")
		}
	}
	made, err := c.sim.CreateCache(simcloud.CacheInput{Object: simcloud.Object{Owner: c.owner, Zone: in.Zones[0], Name: in.Name, Description: in.Description},
		Purchase: bought, Endpoint: simcloud.Endpoint{SubnetID: in.Subnet}, Version: in.Version, Standby: s.mode == "ha",
		Size: simcloud.CacheSize{Class: s.code, RAMMiB: s.ram << 10}})
	if err != nil {
		return 0, nil, err
	}
	reply := object{"instances": []any{object{"instance_id": made.ID, "instance_name": made.Name}}}
	if bought.Months > 0 {
		reply["order_id"], err = c.order("purchase", made.ID)
	}
	return 200, reply, err
}

func cacheView(x *simcloud.Cache) object {
	status := map[simcloud.State]string{simcloud.Building: "CREATING", simcloud.Failed: "CREATEFAILED", simcloud.Resizing: "EXTENDING", simcloud.Deleting: "DELETING"}[x.State]
	if status == "" {
		status = "RUNNING"
	}
	return object{"instance_id": x.ID, "name": x.Name, "description": x.Description, "status": status, "ip": x.Address, "engine": "Redis", "engine_version": x.Version,
		"capacity": x.Size.RAMMiB >> 10, "spec_code": x.Size.Class, "vpc_id": x.NetworkID, "subnet_id": x.SubnetID, "charging_mode": min(x.Months, 1),
		"created_at": x.Created.UTC().Format("2006-01-02T15:04:05.000Z"), "az_codes": []string{x.Zone}}
}

// listCaches leaves out what failed to be created, unless asked for it.
func listCaches(c *call) (int, any, error) {
	views, total, err := byOffset(c, 1000, cacheView)
	kept := []object{}
	for _, v := range views {
		if v["status"] != "CREATEFAILED" || c.query("include_failure") == "true" {
			kept = append(kept, v)
		}
	}
	return 200, object{"instances": kept, "instance_num": total}, err
}

func showCache(c *call) (int, any, error) {
	x, err := simcloud.Get[simcloud.Cache](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, cacheView(x), nil
}

func resizeCache(c *call) (int, any, error) {
	var in struct {
		Code     string `json:"spec_code"`
		Capacity int64  `json:"new_capacity"`
		Terms    *struct {
			Pay string `json:"is_auto_pay"`
		} `json:"bss_param"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	s, ok := sized(cacheSizes(), in.Code)
	if !ok || s.ram != in.Capacity {
		return 0, nil, c.invalid("spec_code or new_capacity is illegal")
	}
	_, err := c.sim.ResizeCache(c.owner, c.id(), simcloud.CacheSize{Class: s.code, RAMMiB: s.ram << 10})
	return 204, nil, err
}

func deleteCache(c *call) (int, any, error) {
	x, err := simcloud.Get[simcloud.Cache](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	if x.Months > 0 {
		return 0, nil, c.invalid("an instance in yearly/monthly billing is unsubscribed")
	}
	_, err = c.sim.DeleteCache(c.owner, x.ID)
	return 204, nil, err
}
