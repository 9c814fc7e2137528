package tencent

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// cacheKind is a Redis instance of the standard architecture, which always has a replica. It goes through the recycle bin
// before it is gone. Its creation knows no client token.
type cacheKind struct{ *Cloud }

// engines are the types of the standard architecture by version (CreateInstances, document 239/20026).
func engines() map[string]int { return map[string]int{"4.0": 6, "5.0": 8, "6.2": 15, "7.0": 17} }

func (k cacheKind) kind() *table.Kind {
	all := k.caches()
	id := func(id string) params { return params{"InstanceId": id} }
	always := func(seen) bool { return true }
	return &table.Kind{
		Plans: table.Plans{Create: k.planCreate, Update: planCacheChange, Renew: planRenewal, Delete: table.Fixed(driver.Step{Name: "isolate", Await: true},
			driver.Step{Name: "delete-cache", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"cache": {Run: k.act("redis", "CreateInstances", "InstanceIds", k.create), Look: all.plain().LookMainMade},
			"resize": {Run: k.act("redis", "UpgradeInstance", "", all.unless(func(c driver.Call, v seen) bool { return v.Spec == c.After }, func(c driver.Call, v seen) (params, error) {
				return params{"InstanceId": v.ID, "MemSize": c.After.(duoyun.CacheSpec).MemoryGiB * 1024, "RedisReplicasNum": 1}, nil
			})), Look: all.look(driver.Absent, func(c driver.Call, v seen) driver.EvidenceState { return resized(v, c.Before, c.After) })},
			"renew": k.renewal(all, "redis", "RenewInstance", func(id string, months int) params { return params{"InstanceId": id, "Period": months} }),
			"isolate": all.split(func(v seen) bool { return v.prepaid }, k.isolation(all, "redis", "DestroyPrepaidInstance", always, id),
				k.isolation(all, "redis", "DestroyPostpaidInstance", always, id)),
			"delete-cache": {Run: k.removal(all, "", "redis", "CleanUpInstance", id), Look: all.plain().LookMainUnmade},
		},
		Reading: all.observe, Listing: all.list,
	}
}

func (k cacheKind) planCreate(c driver.Change) ([]driver.Step, error) {
	spec := c.After.(duoyun.CacheSpec)
	if _, ok := engines()[spec.Version]; !ok {
		return nil, table.Impossible("spec.version", "没有 Redis %s：可选 4.0、5.0、6.2、7.0", "there is no Redis %s: 4.0, 5.0, 6.2 and 7.0 are sold", spec.Version)
	}
	if !spec.Standby {
		return nil, table.Impossible("spec.standby", "腾讯云的 Redis 只有主备版", "Tencent Cloud sells Redis only with a replica")
	}
	if _, _, err := subnet(c); err != nil {
		return nil, err
	}
	_, err := k.zone(c.Zone)
	return []driver.Step{{Name: "cache", Main: true, Await: true}}, err
}

func planCacheChange(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.CacheSpec), c.After.(duoyun.CacheSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Version != after.Version || before.Standby != after.Standby:
		return nil, table.Impossible("spec", "云缓存只能改内存", "only memory_gib of a cache can be changed")
	}
	return []driver.Step{{Name: "resize", Await: true}}, nil
}

func (k cacheKind) create(_ context.Context, c driver.Call) (params, error) {
	login, err := adminPassword(c.Secret)
	if err != nil {
		return nil, err
	}
	in, err := k.cache(c.Change)
	if err != nil {
		return nil, err
	}
	vpc, subnet, err := subnet(c.Change)
	in["VpcId"], in["SubnetId"], in["Password"], in["InstanceName"], in["AutoRenew"] = vpc, subnet, login, c.Mark, 0
	in["ResourceTags"] = otherTags(tagMark, c.Mark, tagName, title(c.Change, 60))
	return in, err
}

// cache is what of a cache decides its price.
func (k cacheKind) cache(c driver.Change) (params, error) {
	spec := c.After.(duoyun.CacheSpec)
	billing := 0
	if c.Months > 0 {
		billing = 1
	}
	zone, err := k.zone(c.Zone)
	return params{"ZoneName": zone, "TypeId": engines()[spec.Version], "MemSize": spec.MemoryGiB * 1024, "GoodsNum": 1, "RedisReplicasNum": 1,
		"BillingMode": billing, "Period": max(c.Months, 1)}, err
}

func (c *Cloud) caches() rack {
	return listing{product: "redis", action: "DescribeInstances", member: "InstanceSet", ids: "InstanceIds", prefix: "crs-", view: entry(func(v struct {
		InstanceId, InstanceName, WanIp, UniqVpcId, Createtime, DeadlineTime string
		Status, Type, BillingMode, RedisReplicasNum                          int
		Size                                                                 float64 // MB
		InstanceTags                                                         []tag
	}) seen {
		version := ""
		for name, t := range engines() {
			if t == v.Type {
				version = name
			}
		}
		o := driver.Observation{ID: v.InstanceId, CreatedAt: moment(v.Createtime), Raw: raw(params{"status": v.Status, "type": v.Type}),
			Spec: duoyun.CacheSpec{Version: version, MemoryGiB: int64(v.Size) / 1024, Standby: v.RedisReplicasNum > 0}}
		s := seen{Observation: o, status: number(v.Status), prepaid: v.BillingMode == 1, binned: v.Status == -2, busy: v.Status == 1}
		return s.managed(v.InstanceName, v.InstanceTags, v.WanIp, v.UniqVpcId, v.DeadlineTime,
			map[int]driver.ObservedState{0: driver.Building, 1: driver.Building, 2: driver.Active, -2: driver.Stopped, -3: driver.Deleting}[v.Status])
	})}.rack(c)
}
