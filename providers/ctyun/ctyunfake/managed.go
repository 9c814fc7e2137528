package ctyunfake

import (
	"encoding/base64"
	"fmt"
	"strconv"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// acceptor is where the database platform sells every engine.
const acceptor = "/teledb-acceptor/v2/openapi/accept-order-info/"

// engine is what the platform sells: its product code, versions and ids, of a single machine and of a pair.
type engine struct {
	name, code string
	products   map[int64]product
}

type product struct {
	version string
	pair    bool
}

func engines() []engine {
	return []engine{
		{"mysql", "MYSQL", map[int64]product{10001003: {"5.7", false}, 10001001: {"5.7", true}, 10001103: {"8.0", false}, 10001101: {"8.0", true}}},
		{"postgresql", "POSTGRESQL", map[int64]product{10003013: {"14.19", false}, 10003014: {"14.19", true}, 10003021: {"15.14", false}, 10003022: {"15.14", true}}},
	}
}

func sold(id int64) (engine, product, bool) {
	for _, e := range engines() {
		if p, ok := e.products[id]; ok {
			return e, p, true
		}
	}
	return engine{}, product{}, false
}

// machine reads "4C8G".
func machine(s string) (vcpu, ram int64, ok bool) {
	n, err := fmt.Sscanf(s, "%dC%dG", &vcpu, &ram)
	return vcpu, ram, n == 2 && err == nil
}

func (f *Fake) database() {
	f.get(acceptor+"template", "header prodType!:i prodCode! regionId! instanceType!", func(c *call) (any, error) {
		sizes, offers := []object{}, []object{}
		for vcpu := int64(1); vcpu <= 16; vcpu *= 2 {
			sizes = append(sizes, object{"prodPerformanceSpec": fmt.Sprintf("%dC%dG", vcpu, 2*vcpu), "specName": "通用型", "cpuType": "x86", "generation": "S7", "azList": []string{}})
		}
		for _, e := range engines() {
			for id, p := range e.products {
				if e.code == c.text("prodCode") {
					offers = append(offers, object{"prodId": id, "prodSpecName": map[bool]string{false: "单机版", true: "一主一备"}[p.pair], "prodVersion": p.version, "instSpecInfoList": sizes})
				}
			}
		}
		return offers, nil
	})
	f.get(acceptor+"availabilityZone", "header regionId!", func(c *call) (any, error) {
		zones := []object{}
		for _, z := range c.zones() {
			zones = append(zones, object{"availabilityZoneName": z})
		}
		return zones, nil
	})
	f.post(acceptor+"accept", "header billMode! regionId! prodVersion! prodId! vpcId! subnetId! securityGroupId! hostType! cpuType! osType! name! password! count!:i "+
		"autoRenewStatus!:i period:i mysqlNodeInfoList!:l", (*call).createDatabase)
	f.post(acceptor+"upgrade", "header instId! nodeType diskVolume:i prodPerformanceSpec prodId:i", func(c *call) (any, error) {
		to := simcloud.DatabaseSize{StorageGiB: c.number("diskVolume")}
		if vcpu, ram, ok := machine(c.text("prodPerformanceSpec")); ok {
			to.Class, to.VCPU, to.RAMMiB = c.text("prodPerformanceSpec"), vcpu, ram<<10
		}
		if _, err := c.sim.ResizeDatabase(c.owner, c.text("instId"), to); err != nil {
			return nil, err
		}
		return c.submitted("upgrade", c.text("instId"))
	})
	f.databaseEnds()
	f.databaseViews()
}

// databaseEnds give a database back, and tell which one an order made.
func (f *Fake) databaseEnds() {
	f.get(acceptor+"refundOrder", "header instId!", func(c *call) (any, error) {
		_, err := simcloud.Edit(c.sim, c.owner, c.text("instId"), func(d *simcloud.Database) error {
			if d.Meta[metaBin] != "" {
				return refuse("Teledb.Order.AccessFailed", "it is refunded")
			}
			d.Meta = note(d.Meta, metaBin, "1")
			return nil
		})
		if err != nil {
			return nil, err
		}
		return c.submitted("refund", c.text("instId"))
	})
	f.get(acceptor+"destroyOrder", "header instId!", func(c *call) (any, error) {
		d, err := mine[simcloud.Database](c, simcloud.KindDatabase, c.text("instId"))
		if err == nil && d.Meta[metaBin] == "" {
			err = refuse("Teledb.Order.AccessFailed", "it is not refunded")
		}
		if err != nil {
			return nil, err
		}
		if _, err := c.sim.DeleteDatabase(c.owner, d.ID); err != nil {
			return nil, err
		}
		return c.submitted("destroy", d.ID)
	})
	f.get(acceptor+"getInstIdByOrderId", "header newOrderId!", func(c *call) (any, error) {
		o, err := mine[simcloud.Order](c, simcloud.KindOrder, c.text("newOrderId"))
		if err != nil {
			return nil, err
		}
		if o.State != simcloud.Active {
			return []string{}, nil
		}
		return o.ResourceIDs, nil
	})
}

// databaseViews show the instances of each engine.
func (f *Fake) databaseViews() {
	f.get("/RDS2/v1/open-api/instance", "header outerProdInstId!", func(c *call) (any, error) {
		if c.header.Get("inst-id") != c.text("outerProdInstId") {
			return nil, c.wrong("inst-id")
		}
		return c.showOne("mysql", c.text("outerProdInstId"), refuse("MYSQL_10002", "outerProdInstId not exist"))
	})
	f.get("/PG/v1/product/get-paas-product", "header prodInstId!", func(c *call) (any, error) {
		o, err := c.showOne("postgresql", c.text("prodInstId"), refuse("PG_UNKNOWN", "实例不存在")) // its code is not documented
		if err == nil {
			o["prodRunninStatus"] = o["prodRunningStatus"] // as the vendor spells it
			delete(o, "prodRunningStatus")
		}
		return o, err
	})
	f.post("/RDS2/v1/open-api/instance/instance-list", "header pageNow!:i pageSize!:i", databases("mysql", [2]string{"pageNow", "pageSize"}))
	f.get("/PG/v1/product/page-paas-product", "header pageNum!:i pageSize!:i", databases("postgresql", [2]string{"pageNum", "pageSize"}))
}

// Where Redis is managed.
const (
	life   = "/v2/lifeCycleServant/"
	manage = "/v2/instanceManageMgrServant/"
)

// submitted answers with an order as the managed services do.
func (c *call) submitted(kind, id string) (any, error) {
	o, err := c.order(kind, id)
	if err != nil {
		return nil, err
	}
	return object{"submitted": true, "newOrderId": o["masterOrderID"], "newOrderNo": o["masterOrderNO"], "errorMessage": ""}, nil
}

func (c *call) createDatabase() (any, error) {
	id, _ := strconv.ParseInt(c.text("prodId"), 10, 64)
	e, p, ok := sold(id)
	sealed, err := base64.StdEncoding.DecodeString(c.text("password"))
	if !ok || err != nil || len(sealed) != 128 || p.version != c.text("prodVersion") || c.text("billMode") != "2" || len(c.list("mysqlNodeInfoList")) != 1 {
		return nil, c.wrong("prodId")
	}
	given, _ := c.list("mysqlNodeInfoList")[0].(map[string]any)
	node, err := c.checked([]string{"nodeType!", "instSpec!", "storageType!", "storageSpace!:i", "prodPerformanceSpec!", "disks!:i", "availabilityZoneInfo!:l"}, given, false)
	if err != nil {
		return nil, err
	}
	zones, _ := node["availabilityZoneInfo"].([]any)
	vcpu, ram, ok := machine(str(node["prodPerformanceSpec"]))
	if !ok || node["nodeType"] != "master" || len(zones) != map[bool]int{false: 1, true: 2}[p.pair] {
		return nil, c.wrong("mysqlNodeInfoList")
	}
	d, err := c.sim.CreateDatabase(simcloud.DatabaseInput{Object: simcloud.Object{Owner: c.owner, Name: c.text("name")},
		Endpoint: simcloud.Endpoint{SubnetID: c.text("subnetId"), GroupIDs: []string{c.text("securityGroupId")}}, Engine: e.name, Version: p.version,
		Size: simcloud.DatabaseSize{Class: str(node["prodPerformanceSpec"]), VCPU: vcpu, RAMMiB: ram << 10, StorageGiB: number(node["storageSpace"])}, Standby: p.pair})
	if err != nil {
		return nil, err
	}
	return c.submitted("new", d.ID)
}

// showOne shows an instance of an engine alone.
func (c *call) showOne(engine, id string, unknown refusal) (object, error) {
	d, err := mine[simcloud.Database](c, simcloud.KindDatabase, id)
	if err != nil || d.Engine != engine {
		return nil, unknown
	}
	return showDatabase(d), nil
}

// databases lists the instances of an engine.
func databases(engine string, names [2]string) func(*call) (any, error) {
	return func(c *call) (any, error) {
		all, err := views(c, showDatabase, func(d *simcloud.Database) bool { return d.Engine == engine })
		if err != nil {
			return nil, err
		}
		return page(c, "list", "total", names, 100, all)
	}
}

func showDatabase(d *simcloud.Database) object {
	order, running := 0, 0
	switch {
	case d.State == simcloud.Building:
		order, running = 3, 2000
	case d.State == simcloud.Failed:
		order = 4
	case d.State == simcloud.Deleting:
		order, running = 2, 2002
	case d.Meta[metaBin] != "":
		order, running = 8, 2002
	case d.State != simcloud.Active:
		running = 2005
	}
	o := object{"outerProdInstId": d.ID, "prodInstId": 7000001, "prodInstName": d.Name, "prodOrderStatus": order, "prodRunningStatus": running, "vip": d.Address,
		"machineSpec": d.Size.Class, "diskSize": d.Size.StorageGiB, "newMysqlVersion": d.Version, "prodDbEngine": "MySQL", "prodType": map[bool]int{false: 0, true: 1}[d.Standby],
		"createTime": d.Created.UnixMilli(), "expireTime": nil, "vpcId": d.NetworkID}
	if d.Engine == "postgresql" {
		o["prodInstId"], o["prodDbEngine"] = d.ID, "PostgreSQL "+d.Version
		delete(o, "newMysqlVersion")
	}
	return o
}

func (f *Fake) cache() {
	f.post(life+"createInstance", "header chargeType! autoPay:b autoRenew:b period:i zoneName engineVersion! version! edition! hostType! dataDiskType! shardMemSize! capacity! "+
		"copiesCount:i size:i instanceName! vpcId! subnetId! secgroups! password!", (*call).createCache)
	f.get(manage+"describeInstances", "header pageIndex!:i pageSize!:i", func(c *call) (any, error) {
		all, err := views(c, showCache, nil)
		if err != nil {
			return nil, err
		}
		return page(c, "rows", "total", [2]string{"pageIndex", "pageSize"}, 100, all)
	})
	f.get(manage+"describeInstancesOverview", "header prodInstId!", func(c *call) (any, error) {
		x, err := mine[simcloud.Cache](c, simcloud.KindCache, c.text("prodInstId"))
		if err != nil {
			return nil, err
		}
		return object{"userInfo": showCache(x)}, nil
	})
	f.cacheChanges()
}

// cacheChanges are the calls that change a cache or give it back.
func (f *Fake) cacheChanges() {
	f.post(life+"modifyInstanceSpec", "header prodInstId! orderType! capacity! shardMemSize autoPay:b", func(c *call) (any, error) {
		gib, err := strconv.ParseInt(c.text("capacity"), 10, 64)
		if err != nil {
			return nil, c.wrong("capacity")
		}
		x, err := mine[simcloud.Cache](c, simcloud.KindCache, c.text("prodInstId"))
		if err == nil && (c.text("orderType") == "EXPANSION") != (gib<<10 > x.Size.RAMMiB) {
			err = c.wrong("orderType")
		}
		if err != nil {
			return nil, err
		}
		if _, err := c.sim.ResizeCache(c.owner, x.ID, simcloud.CacheSize{RAMMiB: gib << 10}); err != nil {
			return nil, err
		}
		return c.submitted("upgrade", x.ID)
	})
	f.post(life+"renewInstance", "header prodInstId! period!:i autoPay:b", func(c *call) (any, error) {
		if _, err := simcloud.Renew[simcloud.Cache](c.sim, c.owner, c.text("prodInstId"), int(c.number("period"))); err != nil {
			return nil, err
		}
		o, err := c.submitted("renew", c.text("prodInstId"))
		return object{"submitted": true, "errorMessage": "", "orderPlacedEvents": []any{o}}, err
	})
	f.post(life+"deleteInstance", "header prodInstId!", func(c *call) (any, error) {
		_, err := simcloud.Edit(c.sim, c.owner, c.text("prodInstId"), func(x *simcloud.Cache) error {
			if x.Meta[metaBin] != "" {
				return refuse("Dcs2.Instance.AccessFailed", "it is unsubscribed")
			}
			x.Meta = note(x.Meta, metaBin, "1")
			return nil
		})
		return object{"submitted": err == nil, "errorMessage": ""}, err
	})
	f.post(life+"destroyInstance", "header prodInstId!", func(c *call) (any, error) {
		x, err := mine[simcloud.Cache](c, simcloud.KindCache, c.text("prodInstId"))
		if err == nil && x.Meta[metaBin] == "" {
			err = refuse("Dcs2.Instance.AccessFailed", "it is not unsubscribed")
		}
		if err != nil {
			return nil, err
		}
		_, err = c.sim.DeleteCache(c.owner, x.ID)
		return object{"errorMessage": ""}, err
	})
}

func (c *call) createCache() (any, error) {
	gib, err := strconv.ParseInt(c.text("shardMemSize"), 10, 64)
	name, months := c.text("instanceName"), int(c.number("period"))
	pair := c.text("edition") == "StandardDual"
	if err != nil || gib < 1 || len(name) < 1 || len(name) > 39 || len(c.text("password")) < 8 || len(c.text("password")) > 26 ||
		(c.text("chargeType") == "PrePaid") != (months > 0) || pair && c.number("copiesCount") != 2 {
		return nil, c.wrong("instanceName")
	}
	same, err := views(c, showCache, func(x *simcloud.Cache) bool { return x.Name == name })
	if err != nil || len(same) > 0 {
		return nil, refuse("Dcs2.Instance.NameRepeat", "the name is taken")
	}
	x, err := c.sim.CreateCache(simcloud.CacheInput{Object: simcloud.Object{Owner: c.owner, Zone: c.text("zoneName"), Name: name}, Purchase: simcloud.Purchase{Months: months},
		Endpoint: simcloud.Endpoint{SubnetID: c.text("subnetId"), GroupIDs: []string{c.text("secgroups")}}, Version: c.text("engineVersion"),
		Size: simcloud.CacheSize{RAMMiB: gib << 10}, Standby: pair})
	if err != nil {
		return nil, err
	}
	return c.submitted("new", x.ID)
}

func showCache(x *simcloud.Cache) object {
	status := 3
	switch {
	case x.State == simcloud.Building:
		status = 1
	case x.State == simcloud.Failed:
		status = 4
	case x.State == simcloud.Deleting || x.Meta[metaBin] != "":
		status = 8
	case x.State == simcloud.Active:
		status = 0
	}
	o := object{"prodInstId": x.ID, "instanceName": x.Name, "vip": x.Address, "status": status, "capacity": strconv.FormatInt(x.Size.RAMMiB>>10, 10),
		"engineVersion": x.Version, "payType": 1, "nodeType": map[bool]int{true: 1, false: 2}[x.Standby], "createTime": x.Created.UTC().Format("2006-01-02T15:04:05Z"), "expTime": nil}
	if !x.PaidUntil.IsZero() {
		o["payType"], o["expTime"] = 0, x.PaidUntil.UTC().Format("2006-01-02T15:04:05Z")
	}
	return o
}
