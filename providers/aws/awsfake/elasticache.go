package awsfake

import (
	"net/http"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func cacheActions() []action {
	const tags = " Tags.Tag.N.Key Tags.Tag.N.Value"
	const s = "elasticache"
	return []action{
		{service: s, name: "CreateCacheSubnetGroup", needs: "CacheSubnetGroupName CacheSubnetGroupDescription SubnetIds.SubnetIdentifier.N", takes: tags, do: createSubnetGroup("Cache", 1)},
		{service: s, name: "DescribeCacheSubnetGroups", takes: "CacheSubnetGroupName" + pages, do: describeSubnetGroups("Cache")},
		{service: s, name: "DeleteCacheSubnetGroup", needs: "CacheSubnetGroupName", do: deleteSubnetGroup("Cache", "CacheSubnetGroupInUse")},
		{service: s, name: "CreateReplicationGroup", needs: "ReplicationGroupId ReplicationGroupDescription", takes: "Engine EngineVersion CacheNodeType NumCacheClusters:int" +
			" AutomaticFailoverEnabled:bool MultiAZEnabled:bool CacheSubnetGroupName SecurityGroupIds.SecurityGroupId.N TransitEncryptionEnabled:bool AuthToken" + tags, do: createCache},
		{service: s, name: "DescribeReplicationGroups", takes: "ReplicationGroupId" + pages, do: describeCaches},
		{service: s, name: "ModifyReplicationGroup", needs: "ReplicationGroupId", takes: "CacheNodeType ApplyImmediately:bool", do: modifyCache},
		{service: s, name: "DeleteReplicationGroup", needs: "ReplicationGroupId", takes: "RetainPrimaryCluster:bool", do: deleteCache},
	}
}

// node is the size of a node type.
func node(name string) (simcloud.CacheSize, error) {
	mib := map[string]int64{"cache.t3.micro": 512, "cache.t3.small": 1402, "cache.t3.medium": 3164, "cache.r6g.large": 13387, "cache.r6g.xlarge": 26952}[name]
	if mib == 0 {
		return simcloud.CacheSize{}, bad("InvalidParameterValue", "The specified node type %q is not supported.", name)
	}
	return simcloud.CacheSize{Class: name, RAMMiB: mib}, nil
}

func createCache(c *call) (object, error) {
	name, g := c.get("ReplicationGroupId"), c.places["Cache/"+c.get("CacheSubnetGroupName")]
	size, unknown := node(c.get("CacheNodeType"))
	group, err := one[simcloud.Group](c, simcloud.KindGroup, "SecurityGroupIds.SecurityGroupId.1")
	found, listed := c.caches(name)
	token := len(c.get("AuthToken"))
	switch {
	case listed != nil:
		return nil, listed
	case len(found) > 0:
		return nil, bad("ReplicationGroupAlreadyExists", "Replication group %s already exists", name)
	case !identifier.MatchString(name) || len(name) > 40:
		return nil, bad("InvalidParameterValue", "The parameter ReplicationGroupId is not a valid identifier.")
	case g.name == "":
		return nil, refuse(http.StatusNotFound, "CacheSubnetGroupNotFoundFault", "Cache Subnet group %s does not exist.", c.get("CacheSubnetGroupName"))
	case err != nil || group.NetworkID != g.subnets[0].NetworkID:
		return nil, bad("InvalidParameterValue", "The security group is not of the subnet group's VPC.")
	case unknown != nil:
		return nil, unknown
	case token > 0 && (token < 16 || token > 128 || c.get("TransitEncryptionEnabled") != "true"):
		return nil, bad("InvalidParameterCombination", "AuthToken has 16 to 128 characters, and encryption in transit must be enabled.")
	case c.get("AutomaticFailoverEnabled") == "true" && c.number("NumCacheClusters") < 2:
		return nil, bad("InvalidParameterCombination", "Automatic failover needs at least 2 nodes.")
	}
	x, err := c.sim.CreateCache(simcloud.CacheInput{Object: simcloud.Object{Owner: c.owner, Name: name, Zone: g.subnets[0].Zone, Meta: kept(c.pairs("Tags.Tag"), metaPlace, g.name)},
		Version: c.get("EngineVersion"), Size: size, Standby: c.number("NumCacheClusters") > 1,
		Endpoint: simcloud.Endpoint{SubnetID: g.subnets[0].ID, GroupIDs: []string{group.ID}, Port: 6379}})
	if err != nil {
		return nil, err
	}
	return object{"ReplicationGroup": cache(x)}, nil
}

// caches finds those of a name; "" is all.
func (c *call) caches(name string) ([]*simcloud.Cache, error) {
	return simcloud.List(c.sim, simcloud.Query{Owner: c.owner}, func(x *simcloud.Cache) bool { return name == "" || x.Name == name })
}

func (c *call) cache() (*simcloud.Cache, error) {
	found, err := c.caches(c.get("ReplicationGroupId"))
	if err == nil && len(found) == 0 {
		err = refuse(http.StatusNotFound, "ReplicationGroupNotFoundFault", "ReplicationGroup %s not found.", c.get("ReplicationGroupId"))
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

func cache(x *simcloud.Cache) object {
	status := map[simcloud.State]string{simcloud.Building: "creating", simcloud.Resizing: "modifying", simcloud.Deleting: "deleting", simcloud.Failed: "create-failed"}[x.State]
	nodes := []string{x.Name + "-001"}
	if x.Standby {
		nodes = append(nodes, x.Name+"-002")
	}
	o := object{"ReplicationGroupId": x.Name, "Status": either(status == "", "available", status), "CacheNodeType": x.Size.Class, "MemberClusters": listOf("ClusterId", nodes),
		"ReplicationGroupCreateTime": x.Created, "AuthTokenEnabled": true}
	if x.State != simcloud.Building {
		o["NodeGroups"] = listOf("NodeGroup", []object{{"NodeGroupId": "0001", "PrimaryEndpoint": object{"Address": "master." + x.Name + ".cache.amazonaws.com.cn", "Port": x.Port}}})
	}
	return o
}

func describeCaches(c *call) (object, error) {
	name := c.get("ReplicationGroupId")
	all, err := c.caches(name)
	if err == nil && name != "" && len(all) == 0 {
		_, err = c.cache()
	}
	if err != nil {
		return nil, err
	}
	return slice(c, all, func(x *simcloud.Cache) string { return x.Name }, "ReplicationGroups", "ReplicationGroup", cache), nil
}

func modifyCache(c *call) (object, error) {
	x, err := c.cache()
	if err != nil {
		return nil, err
	}
	size, err := node(c.get("CacheNodeType"))
	if err != nil {
		return nil, err
	}
	if x, err = c.sim.ResizeCache(c.owner, x.ID, size); err != nil {
		return nil, err
	}
	return object{"ReplicationGroup": cache(x)}, nil
}

func deleteCache(c *call) (object, error) {
	x, err := c.cache()
	if err == nil && x.State == simcloud.Deleting {
		err = bad("InvalidReplicationGroupState", "Replication group %s has status deleting which is not valid for deletion.", x.Name)
	}
	if err != nil {
		return nil, err
	}
	if x, err = c.sim.DeleteCache(c.owner, x.ID); err != nil {
		return nil, err
	}
	return object{"ReplicationGroup": cache(x)}, nil
}
