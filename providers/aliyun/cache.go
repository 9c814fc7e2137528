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

// cacheKind is a Redis instance, then its white list, which lets nobody in until it is set. Its name is the mark: there is
// no description.
type cacheKind struct{ *Cloud }

func (k cacheKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: terms(k.subscribes(), planCache), Update: planCacheChange, Renew: table.Fixed(driver.Step{Name: "renew", Await: true}),
			Delete: table.Fixed(driver.Step{Name: "delete-cache", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"cache":        {Run: k.make, Look: k.caches().shelf().LookMainMade},
			"whitelist":    {Run: k.open, Look: k.lookOpen},
			"resize":       {Run: k.resize, Look: k.lookResize},
			"renew":        {Run: k.renewal(redis, "InstanceId", params{"AutoPay": "true", "AutoRenew": "false"}), Look: lookRenewed(k.caches().observing(cache.observed))},
			"delete-cache": {Run: retirement(k.caches(), "redisa", "DeleteInstance", "InstanceId", nil), Look: k.caches().shelf().LookMainUnmade},
		},
		Reading: k.caches().observing(cache.observed), Listing: k.caches().listed(cache.observed),
	}
}

func planCache(c driver.Change) ([]driver.Step, error) {
	_, err := table.PlatformNetwork(c)
	return []driver.Step{{Name: "cache", Main: true, Await: true}, {Name: "whitelist", Await: true}}, err
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

// cache is an instance as DescribeInstances of R-kvstore shows it.
type cache struct {
	ID               string `json:"InstanceId"`
	Name             string `json:"InstanceName"`
	Status           string `json:"InstanceStatus"`
	Class            string `json:"InstanceClass"`
	CapacityMiB      int64  `json:"Capacity"`
	EngineVersion    string
	NodeType         string
	ChargeType       string
	ConnectionDomain string
	VpcID            string `json:"VpcId"`
	ZoneID           string `json:"ZoneId"`
	CreateTime       string
	EndTime          string
}

func (v cache) key() string      { return v.ID }
func (v cache) subscribed() bool { return v.ChargeType == prePaid }

func (v cache) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Name, State: cacheState(v.Status), Detail: v.Status}
}

// cacheState follows the instance states of R-kvstore; Changing, Flushing and the like are caches that are there and busy.
func cacheState(status string) driver.ObservedState {
	switch status {
	case "Creating":
		return driver.Building
	case "Released":
		return driver.Deleting
	case "Error", "Unavailable":
		return driver.Errored
	}
	return driver.Active
}

func (v cache) observed() driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Name), Name: v.Name, State: cacheState(v.Status),
		Spec:      duoyun.CacheSpec{Version: v.EngineVersion, MemoryGiB: v.CapacityMiB / 1024, Standby: slices.Contains([]string{"double", "MASTER_SLAVE"}, v.NodeType)},
		CreatedAt: when(v.CreateTime), Raw: raw(v)}
	if v.ConnectionDomain != "" {
		o.Addresses = []string{v.ConnectionDomain}
	}
	if v.VpcID != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VpcID}}
	}
	if v.subscribed() {
		o.PaidUntil = when(v.EndTime)
	}
	return o
}

func (c *Cloud) caches() listing[cache] {
	return listing[cache]{cloud: c, product: redis, action: "DescribeInstances", outer: "Instances", inner: "KVStoreInstance", id: "InstanceIds"}
}

// cacheSale is what DescribeAvailableResource shows: zone, engine, edition, series, version, architecture, shards, node type.
type cacheSale struct {
	Zones struct {
		Zone []struct {
			Engines struct {
				Engine []struct {
					Engine   string
					Editions struct {
						Edition []struct {
							Series struct {
								Series []struct {
									Versions struct {
										Version []cacheVersion `json:"SupportedEngineVersion"`
									} `json:"SupportedEngineVersions"`
								} `json:"SupportedSeriesType"`
							} `json:"SupportedSeriesTypes"`
						} `json:"SupportedEditionType"`
					} `json:"SupportedEditionTypes"`
				} `json:"SupportedEngine"`
			} `json:"SupportedEngines"`
		} `json:"AvailableZone"`
	} `json:"AvailableZones"`
}

type cacheVersion struct {
	Version       string
	Architectures struct {
		Architecture []struct {
			Architecture string
			Shards       struct {
				Shard []struct {
					Nodes struct {
						Node []cacheNode `json:"SupportedNodeType"`
					} `json:"SupportedNodeTypes"`
				} `json:"SupportedShardNumber"`
			} `json:"SupportedShardNumbers"`
		} `json:"SupportedArchitectureType"`
	} `json:"SupportedArchitectureTypes"`
}

type cacheNode struct {
	Type      string `json:"SupportedNodeType"`
	Resources struct {
		Resource []struct {
			Class    string `json:"InstanceClass"`
			Capacity int64  // MiB
		} `json:"AvailableResource"`
	} `json:"AvailableResources"`
}

// versions are the versions of Redis on sale, of whatever edition and series.
func (s cacheSale) versions() (all []cacheVersion) {
	for _, z := range s.Zones.Zone {
		for _, e := range z.Engines.Engine {
			for _, d := range e.Editions.Edition {
				for _, r := range d.Series.Series {
					if strings.EqualFold(e.Engine, "redis") {
						all = append(all, r.Versions.Version...)
					}
				}
			}
		}
	}
	return all
}

// flavors are the classes of one shard for a spec.
func (v cacheVersion) flavors(standby bool) (all []driver.Flavor) {
	wanted := map[bool]string{true: "double", false: "single"}[standby]
	for _, a := range v.Architectures.Architecture {
		for _, s := range a.Shards.Shard {
			for _, n := range s.Nodes.Node {
				for _, r := range n.Resources.Resource {
					if a.Architecture == "standard" && n.Type == wanted {
						all = append(all, driver.Flavor{ID: r.Class, Name: r.Class, VCPU: 1, RAMMiB: r.Capacity})
					}
				}
			}
		}
	}
	return all
}

// class chooses the smallest class on sale that holds the memory.
func (k cacheKind) class(ctx context.Context, spec duoyun.CacheSpec, zone string, subscribed bool) (string, error) {
	in := params{"ZoneId": zone, "InstanceChargeType": "PostPaid", "Engine": "Redis", "OrderType": "BUY"}
	if subscribed {
		in["InstanceChargeType"] = prePaid
	}
	var sale cacheSale
	if _, err := k.call(ctx, redis, "DescribeAvailableResource", in, &sale); err != nil {
		return "", err
	}
	if sale.Zones.Zone == nil {
		return "", errHollow
	}
	var all []driver.Flavor
	for _, v := range sale.versions() {
		if v.Version == spec.Version {
			all = append(all, v.flavors(spec.Standby)...)
		}
	}
	f, ok := driver.Choose(all, driver.Demand{VCPU: 1, RAMGiB: spec.MemoryGiB, Exact: k.account.Mapping.ExactFlavor, Volume: true})
	if !ok {
		return "", table.Impossible("spec", "没有可购的 Redis %s 规格满足 %d GiB 内存", "no class of Redis %s on sale holds %d GiB", spec.Version, spec.MemoryGiB)
	}
	return f.ID, nil
}

func (k cacheKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.CacheSpec)
	subnet, err := k.subnetOf(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	class, err := k.class(ctx, spec, subnet.ZoneID, c.Months > 0)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	in := params{"InstanceName": c.Mark, "InstanceType": "Redis", "EngineVersion": spec.Version, "InstanceClass": class, "ZoneId": subnet.ZoneID,
		"NetworkType": "VPC", "VpcId": subnet.VpcID, "VSwitchId": subnet.ID, "ChargeType": "PostPaid", "NodeType": "STAND_ALONE",
		"Password": c.Secret.Reveal(), "Token": c.Token}
	if spec.Standby {
		in["NodeType"] = "MASTER_SLAVE"
	}
	if c.Months > 0 {
		in["ChargeType"], in["Period"], in["AutoRenew"] = prePaid, strconv.Itoa(c.Months), "false"
	}
	return k.create(ctx, redis, "CreateInstance", in, func(m made) string { return m.InstanceID })
}

// open sets the white list to the agency's own network; set twice it is the same.
func (k cacheKind) open(ctx context.Context, c driver.Call) (driver.Reply, error) {
	subnet, err := k.subnetOf(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	v, err := k.caches().need(ctx, c.ID, c.Mark, "cache")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return k.change(ctx, redis, "ModifySecurityIps", params{"InstanceId": v.ID, "SecurityIps": subnet.CIDR, "SecurityIpGroupName": "default", "ModifyMode": "Cover"})
}

func (k cacheKind) lookOpen(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	subnet, err := k.subnetOf(ctx, c.Change)
	if err != nil {
		return driver.Evidence{}, err
	}
	v, err := k.caches().need(ctx, c.ID, c.Mark, "cache")
	var answer struct {
		Groups struct {
			Group []struct {
				List string `json:"SecurityIpList"`
			} `json:"SecurityIpGroup"`
		} `json:"SecurityIpGroups"`
	}
	if err == nil {
		_, err = k.call(ctx, redis, "DescribeSecurityIps", params{"InstanceId": v.ID}, &answer)
	}
	if err == nil && answer.Groups.Group == nil {
		err = errHollow
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		for _, g := range answer.Groups.Group {
			if slices.Contains(strings.Split(g.List, ","), subnet.CIDR) {
				return driver.Done, "", ""
			}
		}
		return driver.Absent, "", ""
	})
}

func (k cacheKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := k.caches().need(ctx, c.ID, c.Mark, "cache")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	class, err := k.class(ctx, c.After.(duoyun.CacheSpec), now.ZoneID, now.subscribed())
	if err != nil || class == now.Class {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return k.change(ctx, redis, "ModifyInstanceSpec", params{"InstanceId": now.ID, "InstanceClass": class, "AutoPay": "true", "EffectiveTime": "Immediately", "ClientToken": c.Token})
}

// lookResize judges by the memory, since the class that was chosen then may not be the one chosen now.
func (k cacheKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	now, err := k.caches().need(ctx, c.ID, c.Mark, "cache")
	before, _ := c.Before.(duoyun.CacheSpec)
	after := c.After.(duoyun.CacheSpec)
	sized := now.CapacityMiB >= after.MemoryGiB*1024 && now.CapacityMiB < before.MemoryGiB*1024 ||
		now.CapacityMiB >= after.MemoryGiB*1024 && after.MemoryGiB > before.MemoryGiB
	if err == nil && !sized {
		var class string
		if class, err = k.class(ctx, after, now.ZoneID, now.subscribed()); Code(err) == driver.Invalid {
			err = nil
		}
		sized = class == now.Class
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch {
		case now.Status != "Normal":
			return driver.Pending, now.ID, now.Status
		case sized:
			return driver.Done, now.ID, ""
		}
		return driver.Absent, now.ID, now.Class
	})
}
