package ctyun

import (
	"context"
	"errors"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// cacheKind is an instance of the vendor's Redis (DCS2), named by its mark: names are unique. Its purchase takes no token,
// so that the mark is looked for before it. Experimental: docs/drivers/ctyun.md says what is not known.
type cacheKind struct{ *Cloud }

// redisPort is where an instance listens.
const redisPort = 6379

// cache is an instance as the vendor lists it; where it shows one alone, that is within userInfo.
type cache struct {
	ID       string `json:"prodInstId"`
	Name     string `json:"instanceName"`
	Address  string `json:"vip"`
	Status   text   `json:"status"`
	Capacity text   `json:"capacity"` // GB
	Version  string `json:"engineVersion"`
	Pay      text   `json:"payType"`  // 0 subscription, 1 on demand
	Nodes    text   `json:"nodeType"` // 1 two, 2 one
	Created  text   `json:"createTime"`
	Expires  text   `json:"expTime"`
	Alone    *cache `json:"userInfo"`
}

func (v cache) flat() cache {
	if v.Alone != nil {
		return *v.Alone
	}
	return v
}

func (x cacheKind) kind() *table.Kind {
	all := x.caches()
	return &table.Kind{
		Plans: table.Plans{Create: planCache, Update: planCacheChange, Renew: planCacheRenewal, Delete: table.Fixed(driver.Step{Name: "delete-cache", Main: true, Await: true},
			driver.Step{Name: "destroy-cache", Await: true}, driver.Step{Name: "delete-security_group"})},
		Verbs: x.guarded(map[string]table.Verb{
			"cache":  {Run: x.create, Look: all.lookBought},
			"resize": {Run: x.resize, Look: all.effect(driver.Absent, recapped)},
			"renew": {Run: x.renew, Look: all.effect(driver.Absent, func(c driver.Call, v cache) (driver.EvidenceState, string) {
				return renewed(c, observedCache(v.flat()))
			})},
			"delete-cache": {Look: all.effect(driver.Done, unsubscribed), Run: all.remove("", func(_ driver.Call, v cache) request {
				return post(redis, "/v2/lifeCycleServant/deleteInstance", args{"prodInstId": v.flat().ID})
			})},
			"destroy-cache": {Run: x.destroy, Look: all.table().LookMainUnmade},
		}, func(ctx context.Context, id string) (bool, error) {
			_, err := all.read(ctx, id)
			return err == nil, table.Ignoring(Code, err, driver.NotFound)
		}),
		Reading: func(ctx context.Context, id string) (driver.Observation, error) {
			v, err := all.read(ctx, id)
			return observedCache(v.flat()), err
		},
		Listing: all.observations(func(v cache) (driver.Observation, bool) { return observedCache(v), true }),
		Parts:   map[string]table.Shelf{"security_group": x.groups().table()},
	}
}

func planCache(c driver.Change) ([]driver.Step, error) {
	if _, err := table.PlatformNetwork(c); err != nil {
		return nil, err
	}
	return append(guards([]int{redisPort}), driver.Step{Name: "cache", Main: true, Await: true}), cacheTerms(c)
}

// cacheTerms: Redis is sold for 1 to 6, 12, 24 or 36 months.
func cacheTerms(c driver.Change) error {
	if c.Months < 0 || c.Months > 6 && c.Months != 12 && c.Months != 24 && c.Months != 36 {
		return table.Impossible("months", "天翼云 Redis 只售 1 至 6、12、24 或 36 个月", "the vendor sells Redis for 1 to 6, 12, 24 or 36 months")
	}
	return nil
}

func planCacheRenewal(c driver.Change) ([]driver.Step, error) {
	steps, err := planRenew(c)
	return steps, errors.Join(err, cacheTerms(c))
}

func planCacheChange(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.CacheSpec), c.After.(duoyun.CacheSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Version != after.Version || before.Standby != after.Standby:
		return nil, table.Impossible("spec", "云缓存只能改内存", "only the memory of a cache can be changed")
	}
	return []driver.Step{{Name: "resize", Await: true}}, nil
}

// resize orders another memory. It takes no token, and is not sent where the instance has it already.
func (x cacheKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := x.caches().must(ctx, c, "cache")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if state, _ := recapped(c, *v); state == driver.Done || state == driver.Pending {
		return driver.Reply{}, nil
	}
	order := "EXPANSION"
	before, _ := c.Before.(duoyun.CacheSpec)
	want := c.After.(duoyun.CacheSpec).MemoryGiB
	if want < before.MemoryGiB {
		order = "CONTRACTION"
	}
	memory := strconv.FormatInt(want, 10)
	return x.mutate(ctx, post(redis, "/v2/lifeCycleServant/modifyInstanceSpec", args{"prodInstId": v.flat().ID, "orderType": order,
		"capacity": memory, "shardMemSize": memory, "autoPay": true}), ordered)
}

func recapped(c driver.Call, v cache) (driver.EvidenceState, string) {
	v = v.flat()
	switch {
	case v.Status == "4":
		return driver.Broken, string(v.Status)
	case v.Status == "1" || v.Status == "3":
		return driver.Pending, string(v.Status)
	case string(v.Capacity) == strconv.FormatInt(c.After.(duoyun.CacheSpec).MemoryGiB, 10):
		return driver.Done, ""
	}
	return driver.Absent, string(v.Capacity)
}

func (x cacheKind) renew(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := x.caches().must(ctx, c, "cache")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return x.mutate(ctx, post(redis, "/v2/lifeCycleServant/renewInstance", args{"prodInstId": v.flat().ID, "period": c.Months, "autoPay": true}), "")
}

func (x cacheKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.CacheSpec)
	if v, err := x.caches().of(ctx, c); err != nil || v != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	on, err := table.PlatformNetwork(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	subnet, err := x.subnetOf(ctx, on)
	if err != nil {
		return driver.Reply{}, err
	}
	group, _, err := x.groupOf(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	secret := table.Password(c.Secret)
	if secret == "" {
		return driver.Reply{}, table.Impossible("login", "云缓存须设密码", "a cache needs a password")
	}
	memory := strconv.FormatInt(spec.MemoryGiB, 10)
	a := args{"chargeType": "PostPaid", "autoPay": true, "autoRenew": false, "engineVersion": spec.Version, "version": "BASIC", "edition": "StandardSingle",
		"hostType": "S", "dataDiskType": "SAS", "shardMemSize": memory, "capacity": memory, "size": 1,
		"instanceName": c.Mark, "vpcId": on.ID, "subnetId": subnet, "secgroups": group.ID, "password": secret}
	if zone := x.account.Mapping.Zones[c.Zone]; zone != "" {
		a["zoneName"] = zone
	}
	if spec.Standby {
		a["edition"], a["copiesCount"] = "StandardDual", 2
	}
	if c.Months > 0 {
		a["chargeType"], a["period"] = "PrePaid", c.Months
	}
	return x.mutate(ctx, post(redis, "/v2/lifeCycleServant/createInstance", a), ordered)
}

// unsubscribed judges a deletion: the instance is gone, or waits to be destroyed.
func unsubscribed(_ driver.Call, v cache) (driver.EvidenceState, string) {
	if v.flat().Status == "8" {
		return driver.Done, "8"
	}
	return driver.Absent, string(v.flat().Status)
}

func (x cacheKind) destroy(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := x.caches().of(ctx, c)
	if err != nil || v == nil || v.flat().Status != "8" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	reply, err := x.mutate(ctx, post(redis, "/v2/lifeCycleServant/destroyInstance", args{"prodInstId": v.flat().ID}), "")
	return reply, hindered(err)
}

func (c *Cloud) caches() shelf[cache] {
	return shelf[cache]{Cloud: c, list: get(redis, "/v2/instanceManageMgrServant/describeInstances", nil), member: "rows",
		pages: [2]string{"pageIndex", "pageSize"}, size: 50,
		show: func(id string) request {
			return get(redis, "/v2/instanceManageMgrServant/describeInstancesOverview", args{"prodInstId": id})
		},
		view: func(v cache) table.Thing {
			v = v.flat()
			return table.Thing{ID: v.ID, Note: v.Name, State: cacheState(string(v.Status)), Detail: string(v.Status)}
		}}
}

// cacheState follows the vendor's table: 0 running, 1 being made, 2 paused, 3 changing, 4 failed, 5 and 6 stopped, 8
// unsubscribed.
func cacheState(status string) driver.ObservedState {
	switch status {
	case "1":
		return driver.Building
	case "2", "5", "6":
		return driver.Stopped
	case "4":
		return driver.Errored
	case "8":
		return driver.Deleting
	}
	return driver.Active
}

func observedCache(v cache) driver.Observation {
	memory, _ := strconv.ParseInt(string(v.Capacity), 10, 64) // no number: not shown
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Name), Name: v.Name, State: cacheState(string(v.Status)), CreatedAt: v.Created.when(),
		Spec: duoyun.CacheSpec{Version: v.Version, MemoryGiB: memory, Standby: v.Nodes == "1"}, Raw: raw(map[string]any{"status": v.Status})}
	if v.Pay == "0" {
		o.PaidUntil = v.Expires.when()
	}
	if v.Address != "" {
		o.Addresses = []string{v.Address}
	}
	return o
}
