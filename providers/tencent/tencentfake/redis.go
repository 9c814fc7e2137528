package tencentfake

import (
	"github.com/duoyun/duoyun/providers/simcloud"
)

func redisWords(err error) error {
	return words(err, map[simcloud.Reason]string{simcloud.Missing: "ResourceNotFound.InstanceNotExists", simcloud.Busy: "ResourceUnavailable.InstanceStatusError",
		simcloud.SoldOut: "ResourceUnavailable.SaleOut", simcloud.Exceeded: "LimitExceeded"})
}

// redisTypes are the types of the standard architecture.
func redisTypes() map[int]string { return map[int]string{6: "4.0", 8: "5.0", 15: "6.2", 17: "7.0"} }

// orderRedis is what decides a cache's price.
type orderRedis struct {
	ZoneName         string
	TypeId           int   `need:""`
	MemSize          int64 `need:""`
	GoodsNum         int   `need:""`
	Period           int   `need:""`
	BillingMode      int
	RedisReplicasNum int
}

func (o orderRedis) check() (months int, err error) {
	if redisTypes()[o.TypeId] == "" || o.MemSize%1024 != 0 || o.GoodsNum != 1 || o.RedisReplicasNum < 1 || o.BillingMode == 0 && o.Period != 1 {
		return 0, refuse("InvalidParameterValue.InvalidInstanceTypeId", "one instance of the standard architecture with a replica")
	}
	if o.BillingMode == 1 {
		months = o.Period
	}
	return months, nil
}

// ofCache are the parameters of actions on one cache; only some take more than the id.
type ofCache struct {
	InstanceId       string `need:""`
	Period           int
	MemSize          int64
	RedisReplicasNum int
}

func redisActions() map[string]action {
	about := func(serve func(*call, *simcloud.Cache, ofCache) (object, error)) action {
		return on(func(c *call, in ofCache) (object, error) {
			x, err := c.cache(in.InstanceId)
			if err != nil {
				return nil, err
			}
			return serve(c, x, in)
		})
	}
	return map[string]action{
		"redis/CreateInstances":         on((*call).createCache),
		"redis/DescribeInstances":       on((*call).describeCaches),
		"redis/DestroyPostpaidInstance": about(isolateCache(false)),
		"redis/DestroyPrepaidInstance":  about(isolateCache(true)),
		"redis/CleanUpInstance":         about((*call).cleanUp),
		"redis/UpgradeInstance": about(func(c *call, x *simcloud.Cache, in ofCache) (object, error) {
			_, err := c.sim.ResizeCache(c.owner, x.ID, simcloud.CacheSize{RAMMiB: in.MemSize})
			return object{"DealId": "deal-" + x.ID}, redisWords(err)
		}),
		"redis/RenewInstance": about(func(c *call, x *simcloud.Cache, in ofCache) (object, error) {
			_, err := simcloud.Renew[simcloud.Cache](c.sim, c.owner, x.ID, in.Period)
			return object{"DealId": "deal-" + x.ID}, redisWords(err)
		}),
		"redis/InquiryPriceRenewInstance": about(func(c *call, x *simcloud.Cache, in ofCache) (object, error) {
			return object{"Price": parts(simcloud.PriceOf(c.sim, x, in.Period))}, nil
		}),
		"redis/InquiryPriceCreateInstance": on(func(c *call, in orderRedis) (object, error) {
			n, err := in.check()
			if err != nil {
				return nil, err
			}
			x := &simcloud.Cache{Standby: true, Size: simcloud.CacheSize{RAMMiB: in.MemSize}}
			return object{"Price": parts(simcloud.PriceOf(c.sim, x, n))}, nil
		}),
	}
}

// isolateCache puts a cache into the recycle bin, by the action of how it is paid.
func isolateCache(paid bool) func(*call, *simcloud.Cache, ofCache) (object, error) {
	return func(c *call, x *simcloud.Cache, _ ofCache) (object, error) {
		switch {
		case (x.Months > 0) != paid:
			return nil, refuse("InvalidParameterValue.UnSupportedType", "the instance is paid otherwise")
		case x.State != simcloud.Active || x.Meta[binKey] != "":
			return nil, refuse("ResourceUnavailable.InstanceStatusError", "the instance is %s", x.State)
		case paid:
			return object{"DealId": "deal-" + x.ID}, bin[simcloud.Cache](c, x.ID)
		}
		return object{"TaskId": 1}, bin[simcloud.Cache](c, x.ID)
	}
}

func (c *call) cleanUp(x *simcloud.Cache, _ ofCache) (object, error) {
	if x.Meta[binKey] == "" || x.State == simcloud.Deleting {
		return nil, refuse("ResourceUnavailable.InstanceStatusAbnormal", "the instance is not isolated")
	}
	_, err := c.sim.DeleteCache(c.owner, x.ID)
	return object{"TaskId": 1}, redisWords(err)
}

func (c *call) cache(given string) (*simcloud.Cache, error) {
	id, err := bare(given, "crs-", "ResourceNotFound.InstanceNotExists")
	if err != nil {
		return nil, err
	}
	x, err := simcloud.Get[simcloud.Cache](c.sim, c.owner, id)
	return x, redisWords(err)
}

func (c *call) createCache(in struct {
	ZoneName         string
	TypeId           int   `need:""`
	MemSize          int64 `need:""`
	GoodsNum         int   `need:""`
	Period           int   `need:""`
	BillingMode      int
	RedisReplicasNum int
	Password         string `need:""`
	VpcId            string `need:""`
	SubnetId         string `need:""`
	InstanceName     string
	AutoRenew        int
	ResourceTags     []otherTag
}) (object, error) {
	n, err := orderRedis{in.ZoneName, in.TypeId, in.MemSize, in.GoodsNum, in.Period, in.BillingMode, in.RedisReplicasNum}.check()
	if err != nil {
		return nil, err
	}
	subnet, err := bare(in.SubnetId, "subnet-", "InvalidParameterValue.InvalidSubnetId")
	if err != nil {
		return nil, err
	}
	if len(in.Password) < 8 || in.AutoRenew == 1 {
		return nil, refuse("InvalidParameterValue.PasswordRuleError", "a password of 8 characters, and no renewal by itself")
	}
	x, err := c.sim.CreateCache(simcloud.CacheInput{Object: simcloud.Object{Owner: c.owner, Zone: in.ZoneName, Name: in.InstanceName, Meta: otherMeta(in.ResourceTags)}, Purchase: simcloud.Purchase{Months: n},
		Endpoint: simcloud.Endpoint{SubnetID: subnet, Port: 6379}, Version: redisTypes()[in.TypeId], Size: simcloud.CacheSize{RAMMiB: in.MemSize}, Standby: true})
	if err != nil {
		return nil, redisWords(err)
	}
	return object{"DealId": "deal-" + x.ID, "InstanceIds": []string{"crs-" + x.ID}}, nil
}

func (c *call) describeCaches(in struct {
	InstanceIds   []string
	Offset, Limit int
}) (object, error) {
	return listed(c, "InstanceSet", in.InstanceIds, "crs-", paging{in.Offset, in.Limit}, nil, func(_ *call, x *simcloud.Cache) object {
		status, billing, kind := 2, 0, 0
		switch {
		case x.State == simcloud.Building:
			status = 0
		case x.State == simcloud.Deleting:
			status = -3
		case x.Meta[binKey] != "":
			status = -2
		case x.State == simcloud.Resizing:
			status = 1
		}
		if x.Months > 0 {
			billing = 1
		}
		for t, version := range redisTypes() {
			if version == x.Version {
				kind = t
			}
		}
		return object{"InstanceId": "crs-" + x.ID, "InstanceName": x.Name, "Status": status, "Type": kind, "Size": x.Size.RAMMiB, "BillingMode": billing, "RedisReplicasNum": 1, "WanIp": x.Address,
			"UniqVpcId": "vpc-" + x.NetworkID, "Createtime": beijing(x.Created), "DeadlineTime": orZero(beijing(x.PaidUntil)), "InstanceTags": tags(x.Meta, "TagKey", "TagValue")}
	})
}
