package aws

import (
	"context"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// cacheKind is an ElastiCache replication group of one node, or two that take over from each other. Its id is the mark. The
// vendor allows a password only over TLS, so that clients speak TLS to it.
type cacheKind struct{ *Cloud }

// redisPort is where Redis listens.
const redisPort = "6379"

func (x cacheKind) guard() guard { return guard{x.Cloud, "cache_group", x.caches().exists} }

func (x cacheKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: x.planCreate, Update: x.planChange, Delete: table.Fixed(driver.Step{Name: "delete-cache", Main: true, Await: true},
			driver.Step{Name: "delete-subnet_group", Await: true}, driver.Step{Name: "delete-cache_group"})},
		Verbs: x.guard().verbs(map[string]table.Verb{
			"subnet_group":        {Run: x.makeSubnets(redis, "Cache"), Look: x.subnets().named(same, table.Made)},
			"cache":               {Run: x.make, Look: x.caches().named(same, table.Made)},
			"resize":              {Run: x.resize, Look: x.lookResize},
			"delete-cache":        {Run: x.remove, Look: x.caches().named(same, table.Unmade)},
			"delete-subnet_group": {Run: x.subnets().dropping("DeleteCacheSubnetGroup", "CacheSubnetGroupName"), Look: x.subnets().named(same, table.Unmade)},
		}, x.neighbours),
		Reading: x.observe, Listing: x.caches().listed(x.observed),
		Parts: map[string]table.Shelf{"cache_group": x.guard().groups().shelf(), "subnet_group": x.subnets().shelf()},
	}
}

// nodeType is a size of cache with its memory in MiB. No action tells it, and these figures are not confirmed: the vendor's
// are docs.aws.amazon.com/AmazonElastiCache/latest/dg/ParameterGroups.Redis.html (maxmemory). An account's mapping goes
// before them.
type nodeType struct {
	name string
	mib  int64
}

func nodeTypes() []nodeType {
	return []nodeType{{"cache.t3.micro", 512}, {"cache.t3.small", 1402}, {"cache.t3.medium", 3164}, {"cache.r6g.large", 13387}, {"cache.r6g.xlarge", 26952},
		{"cache.r6g.2xlarge", 54084}, {"cache.r6g.4xlarge", 108346}, {"cache.r6g.8xlarge", 214577}, {"cache.r6g.12xlarge", 325399}, {"cache.r6g.16xlarge", 429154}}
}

// cacheSizes begins the names under which an account maps sizes to node types of its own: "cache/8" is that of 8 GiB.
const cacheSizes = "cache/"

// nodeType is the smallest that has the memory, or the account's own for just that size.
func (x cacheKind) nodeType(s duoyun.CacheSpec) (string, error) {
	if mapped := x.account.Mapping.Classes[cacheSizes+strconv.FormatInt(s.MemoryGiB, 10)]; mapped != "" {
		return mapped, nil
	}
	for _, t := range nodeTypes() {
		if t.mib >= s.MemoryGiB*1024 {
			return t.name, nil
		}
	}
	return "", table.Impossible("spec.memory_gib", "没有 %d GiB 的缓存节点", "there is no cache node of %d GiB", s.MemoryGiB)
}

func (x cacheKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if _, err := x.nodeType(c.After.(duoyun.CacheSpec)); err != nil {
		return nil, err
	}
	_, err := table.PlatformNetwork(c)
	return []driver.Step{{Name: "cache_group"}, {Name: "rule:" + redisPort}, {Name: "subnet_group"}, {Name: "cache", Main: true, Await: true}}, err
}

func (x cacheKind) planChange(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.CacheSpec), c.After.(duoyun.CacheSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Version != after.Version || before.Standby != after.Standby:
		return nil, table.Impossible("spec", "云缓存只能改内存", "only the memory of a cache can be changed")
	}
	_, err := x.nodeType(after)
	return []driver.Step{{Name: "resize", Await: true}}, err
}

// cache is a replication group as DescribeReplicationGroups shows it.
type cache struct {
	ID       string `xml:"ReplicationGroupId"`
	Status   string
	NodeType string   `xml:"CacheNodeType"`
	Nodes    []string `xml:"MemberClusters>ClusterId"`
	Address  string   `xml:"NodeGroups>NodeGroup>PrimaryEndpoint>Address"`
	Created  string   `xml:"ReplicationGroupCreateTime"`
}

func (v cache) key() string { return v.ID }

func (v cache) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.ID, State: cacheState(v.Status), Detail: v.Status}
}

func cacheState(status string) driver.ObservedState {
	switch status {
	case "creating":
		return driver.Building
	case "deleting":
		return driver.Deleting
	case "create-failed":
		return driver.Errored
	}
	return driver.Active
}

func (c *Cloud) caches() listing[cache] {
	return listing[cache]{cloud: c, service: redis, action: "DescribeReplicationGroups", list: "ReplicationGroups", id: "ReplicationGroupId"}
}

func (x cacheKind) subnets() listing[subnetGroup] {
	return listing[subnetGroup]{cloud: x.Cloud, service: redis, action: "DescribeCacheSubnetGroups", list: "CacheSubnetGroups", id: "CacheSubnetGroupName"}
}

func (x cacheKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.CacheSpec)
	node, err := x.nodeType(spec)
	if err != nil {
		return driver.Reply{}, err
	}
	group, err := x.guard().of(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	in := params{"ReplicationGroupId": c.Mark, "ReplicationGroupDescription": c.Mark, "Engine": "redis", "EngineVersion": spec.Version, "CacheNodeType": node,
		"NumCacheClusters": strconv.FormatInt(spec.Nodes(), 10), "AutomaticFailoverEnabled": strconv.FormatBool(spec.Standby), "MultiAZEnabled": strconv.FormatBool(spec.Standby),
		"CacheSubnetGroupName": c.Mark, "SecurityGroupIds.SecurityGroupId.1": group.ID, "TransitEncryptionEnabled": "true", "AuthToken": c.Secret.Reveal()}
	return x.create(ctx, redis, "CreateReplicationGroup", in.tagged("Tag", c.Change), "CreateReplicationGroupResult", "ReplicationGroup", "ReplicationGroupId")
}

func (x cacheKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	node, err := x.nodeType(c.After.(duoyun.CacheSpec))
	if err != nil {
		return driver.Reply{}, err
	}
	v, err := x.caches().get(ctx, c.Mark)
	if err != nil || v.NodeType == node {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return x.change(ctx, redis, "ModifyReplicationGroup", params{"ReplicationGroupId": c.Mark, "CacheNodeType": node, "ApplyImmediately": "true"})
}

func (x cacheKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := x.caches().get(ctx, c.Mark)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.CacheSpec)
		was, _ := x.nodeType(before)
		shall, _ := x.nodeType(c.After.(duoyun.CacheSpec))
		switch {
		case v.Status == "modifying":
			return driver.Pending, v.ID, v.Status
		case v.NodeType == shall:
			return driver.Done, v.ID, ""
		case v.NodeType == was:
			return driver.Absent, v.ID, ""
		}
		return driver.Conflict, v.ID, v.NodeType
	})
}

func (x cacheKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := x.caches().get(ctx, c.Mark)
	if err != nil || v.Status == "deleting" {
		return driver.Reply{}, table.Ignoring(Code, table.Unsent(Code, err), driver.NotFound)
	}
	reply, err := x.change(ctx, redis, "DeleteReplicationGroup", params{"ReplicationGroupId": c.Mark})
	return reply, table.Ignoring(Code, err, driver.NotFound)
}

func (x cacheKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := x.caches().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	return x.observed(v), nil
}

// observed knows the memory of the types it may have bought; a replication group does not show its version.
func (x cacheKind) observed(v cache) driver.Observation {
	spec := duoyun.CacheSpec{Standby: len(v.Nodes) > 1}
	for _, t := range nodeTypes() {
		if t.name == v.NodeType {
			spec.MemoryGiB = t.mib / 1024
		}
	}
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.ID), Name: v.ID, State: cacheState(v.Status), Spec: spec, CreatedAt: when(v.Created), Raw: raw(v)}
	if v.Address != "" {
		o.Addresses = []string{v.Address}
	}
	return o
}

// isCacheSize tells the names of sizes from those of volume types.
func isCacheSize(class string) bool { return strings.HasPrefix(class, cacheSizes) }
