package aliyunfake

import (
	"fmt"
	"slices"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func cacheActions() []action {
	return []action{
		{product: "R-kvstore", name: "CreateInstance", takes: "InstanceName InstanceType EngineVersion InstanceClass ZoneId NetworkType VpcId VSwitchId ChargeType NodeType Password Period:int AutoRenew:bool",
			token: "Token", do: createCache},
		{product: "R-kvstore", name: "DescribeInstances", takes: "InstanceIds" + pages, do: describeCaches},
		{product: "R-kvstore", name: "DescribeAvailableResource", takes: "ZoneId InstanceChargeType Engine OrderType", do: availableCaches},
		{product: "R-kvstore", name: "ModifySecurityIps", needs: "InstanceId SecurityIps", takes: "SecurityIpGroupName ModifyMode", do: allow},
		{product: "R-kvstore", name: "DescribeSecurityIps", needs: "InstanceId", do: allowed},
		{product: "R-kvstore", name: "ModifyInstanceSpec", needs: "InstanceId InstanceClass", takes: "AutoPay:bool EffectiveTime", token: "ClientToken", do: modifyCache},
		{product: "R-kvstore", name: "RenewInstance", needs: "InstanceId Period:int", takes: "AutoPay:bool AutoRenew:bool", token: "ClientToken", do: renewCache},
		{product: "R-kvstore", name: "DeleteInstance", needs: "InstanceId", do: deleteCache},
		{product: "R-kvstore", name: "DescribePrice", needs: "OrderType", takes: "InstanceClass ZoneId Quantity:int ChargeType Period:int", do: cachePrice},
	}
}

// cacheClass is a class by its code: redis.<master|basic>.<gib>g.default.
type cacheClass struct {
	gib     int64
	standby bool
}

func (k cacheClass) code() string {
	return fmt.Sprintf("redis.%s.%dg.default", either(k.standby, "master", "basic"), k.gib)
}

func cacheClasses() (all []cacheClass) {
	for _, gib := range []int64{1, 2, 4, 8, 16, 32} {
		all = append(all, cacheClass{gib, false}, cacheClass{gib, true})
	}
	return all
}

func (c *call) cacheClass() (cacheClass, error) {
	all := cacheClasses()
	i := slices.IndexFunc(all, func(k cacheClass) bool { return k.code() == c.get("InstanceClass") })
	if i < 0 {
		return cacheClass{}, refuse(404, "InvalidInstanceClass.NotFound", "The specified instance class does not exist.")
	}
	return all[i], nil
}

// cacheVersions are the versions of Redis on sale.
func cacheVersions() []string { return []string{"5.0", "6.0", "7.0"} }

func createCache(c *call) (object, error) {
	class, err := c.cacheClass()
	if err != nil {
		return nil, err
	}
	how, err := c.term("ChargeType", "Period")
	switch password := c.get("Password"); {
	case err != nil:
		return nil, err
	case !slices.Contains(cacheVersions(), c.get("EngineVersion")) || c.get("InstanceType") != "Redis":
		return nil, invalid("EngineVersion", "The specified engine version is not valid.")
	case class.standby != (c.get("NodeType") == "MASTER_SLAVE"):
		return nil, invalid("NodeType", "the class has another number of nodes")
	case password != "" && (len(password) < 8 || len(password) > 32):
		return nil, refuse(400, "InvalidPassword.Format", "The specified password is not valid.")
	case c.get("VSwitchId") == "" || c.get("NetworkType") != "VPC":
		return nil, invalid("NetworkType", "only VPCs are served here")
	case how.Months > 0 && c.get("AutoRenew") != "false":
		return nil, invalid("AutoRenew", "automatic renewal is not wanted here")
	}
	x, err := c.sim.CreateCache(simcloud.CacheInput{Purchase: how, Version: c.get("EngineVersion"), Standby: class.standby,
		Object:   simcloud.Object{Owner: c.owner, Zone: c.get("ZoneId"), Name: c.get("InstanceName"), Meta: map[string]string{metaAllowed: "127.0.0.1"}},
		Endpoint: simcloud.Endpoint{SubnetID: c.get("VSwitchId"), Port: 6379},
		Size:     simcloud.CacheSize{Class: class.code(), RAMMiB: class.gib << 10}})
	if err != nil {
		return nil, err
	}
	return object{"InstanceId": x.ID, "InstanceName": x.Name, "InstanceStatus": "Creating", "OrderId": 2_000_000_000_003, "Port": 6379, "Capacity": x.Size.RAMMiB}, nil
}

// metaAllowed is where a cache keeps its white list.
const metaAllowed = "allowed"

func describeCaches(c *call) (object, error) {
	all, err := find[simcloud.Cache](c, "InstanceIds", nil)
	if err != nil {
		return nil, err
	}
	return paged(c, all, "Instances", "KVStoreInstance", func(x *simcloud.Cache) object {
		status := "Normal"
		switch x.State {
		case simcloud.Building:
			status = "Creating"
		case simcloud.Resizing:
			status = "Changing"
		case simcloud.Deleting:
			status = "Released"
		}
		return object{"InstanceId": x.ID, "InstanceName": x.Name, "InstanceStatus": status, "InstanceClass": x.Size.Class, "Capacity": x.Size.RAMMiB, "EngineVersion": x.Version,
			"NodeType": either(x.Standby, "double", "single"), "ChargeType": charge(x.Purchase), "ConnectionDomain": x.ID + ".redis.rds.aliyuncs.com", "VpcId": x.NetworkID,
			"ZoneId": x.Zone, "CreateTime": seconds(x.Created), "EndTime": either(x.PaidUntil.IsZero(), "", expires(x.Purchase)), "InstanceType": "Redis"}
	})
}

func availableCaches(c *call) (object, error) {
	if err := c.inZone("ZoneId"); err != nil {
		return nil, err
	}
	nodes := []object{}
	for _, standby := range []bool{true, false} {
		classes := []object{}
		for _, k := range cacheClasses() {
			if k.standby == standby {
				classes = append(classes, object{"InstanceClass": k.code(), "Capacity": k.gib << 10, "InstanceClassRemark": ""})
			}
		}
		nodes = append(nodes, object{"SupportedNodeType": either(standby, "double", "single"), "AvailableResources": object{"AvailableResource": classes}})
	}
	shards := []object{{"ShardNumber": "1", "SupportedNodeTypes": object{"SupportedNodeType": nodes}}}
	architectures := []object{{"Architecture": "standard", "SupportedShardNumbers": object{"SupportedShardNumber": shards}}}
	versions := []object{}
	for _, v := range cacheVersions() {
		versions = append(versions, object{"Version": v, "SupportedArchitectureTypes": object{"SupportedArchitectureType": architectures}})
	}
	series := []object{{"SeriesType": "enhanced_performance_type", "SupportedEngineVersions": object{"SupportedEngineVersion": versions}}}
	editions := []object{{"EditionType": "Community", "SupportedSeriesTypes": object{"SupportedSeriesType": series}}}
	engines := []object{{"Engine": "Redis", "SupportedEditionTypes": object{"SupportedEditionType": editions}}}
	return object{"AvailableZones": object{"AvailableZone": []object{{"ZoneId": c.get("ZoneId"), "SupportedEngines": object{"SupportedEngine": engines}}}}}, nil
}

// allow sets the white list, at rest only.
func allow(c *call) (object, error) {
	x, err := simcloud.Get[simcloud.Cache](c.sim, c.owner, c.get("InstanceId"))
	if err == nil && x.State != simcloud.Active {
		err = refuse(403, "IncorrectDBInstanceState", "The current state of the instance does not support this operation.")
	}
	if err != nil {
		return nil, err
	}
	_, err = simcloud.Edit(c.sim, c.owner, x.ID, func(x *simcloud.Cache) error {
		x.Meta = map[string]string{metaAllowed: c.get("SecurityIps")}
		return nil
	})
	return object{}, err
}

func allowed(c *call) (object, error) {
	x, err := simcloud.Get[simcloud.Cache](c.sim, c.owner, c.get("InstanceId"))
	if err != nil {
		return nil, err
	}
	return object{"SecurityIpGroups": object{"SecurityIpGroup": []object{{"SecurityIpGroupName": "default", "SecurityIpList": x.Meta[metaAllowed]}}}}, nil
}

func modifyCache(c *call) (object, error) {
	class, err := c.cacheClass()
	if err != nil {
		return nil, err
	}
	_, err = c.sim.ResizeCache(c.owner, c.get("InstanceId"), simcloud.CacheSize{Class: class.code(), RAMMiB: class.gib << 10})
	return object{"OrderId": "2000000000004"}, err
}

func renewCache(c *call) (object, error) {
	x, err := simcloud.Renew[simcloud.Cache](c.sim, c.owner, c.get("InstanceId"), int(c.number("Period")))
	if err != nil {
		return nil, err
	}
	return object{"OrderId": "2000000000005", "EndTime": minutes(x.PaidUntil)}, nil
}

// deleteCache refuses a subscription.
func deleteCache(c *call) (object, error) {
	x, err := simcloud.Get[simcloud.Cache](c.sim, c.owner, c.get("InstanceId"))
	switch {
	case err != nil:
		return nil, err
	case !x.PaidUntil.IsZero():
		return nil, refuse(403, "ChargeTypeViolation", "The operation is not permitted due to charge type of the instance.")
	}
	_, err = c.sim.DeleteCache(c.owner, x.ID)
	return object{}, err
}

func cachePrice(c *call) (object, error) {
	class, err := c.cacheClass()
	if err != nil {
		return nil, err
	}
	how, err := c.term("ChargeType", "Period")
	if err != nil {
		return nil, err
	}
	sum := simcloud.PriceOf(c.sim, &simcloud.Cache{Standby: class.standby, Size: simcloud.CacheSize{RAMMiB: class.gib << 10}}, how.Months)
	return object{"Order": object{"TradeAmount": sum.String(), "OriginalAmount": sum.String(), "Currency": "CNY"}}, nil
}
