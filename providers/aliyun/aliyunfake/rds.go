package aliyunfake

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func databaseActions() []action {
	return []action{
		{product: "Rds", name: "CreateDBInstance", needs: "Engine EngineVersion DBInstanceClass DBInstanceStorage:int DBInstanceNetType PayType SecurityIPList",
			takes: "DBInstanceStorageType Category DBInstanceDescription InstanceNetworkType VPCId VSwitchId ZoneId Period UsedTime:int AutoRenew:bool", token: "ClientToken", do: createDatabase},
		{product: "Rds", name: "DescribeDBInstances", takes: "DBInstanceId" + pages, do: describeDatabases},
		{product: "Rds", name: "DescribeDBInstanceAttribute", needs: "DBInstanceId", do: describeDatabase},
		{product: "Rds", name: "DescribeAvailableClasses", needs: "ZoneId Engine EngineVersion DBInstanceStorageType Category InstanceChargeType", takes: "OrderType", do: availableClasses},
		{product: "Rds", name: "ListClasses", needs: "CommodityCode OrderType", do: listClasses},
		{product: "Rds", name: "CreateAccount", needs: "DBInstanceId AccountName AccountPassword", takes: "AccountType", do: createAccount},
		{product: "Rds", name: "DescribeAccounts", needs: "DBInstanceId", takes: "AccountName", do: describeAccounts},
		{product: "Rds", name: "ModifyDBInstanceSpec", needs: "DBInstanceId PayType", takes: "DBInstanceClass DBInstanceStorage:int Direction", token: "ClientToken", do: modifyDatabase},
		{product: "Rds", name: "RenewInstance", needs: "DBInstanceId Period:int", takes: "AutoPay:bool AutoRenew:bool", token: "ClientToken", do: renewDatabase},
		{product: "Rds", name: "DeleteDBInstance", needs: "DBInstanceId", takes: "ReleasedKeepPolicy", do: deleteDatabase},
		{product: "Rds", name: "DescribePrice", needs: "Engine EngineVersion DBInstanceClass DBInstanceStorage:int PayType CommodityCode Quantity:int",
			takes: "DBInstanceStorageType ZoneId OrderType InstanceUsedType TimeType UsedTime:int", do: databasePrice},
	}
}

// databaseClass is a class by its code: engine.n2.<vcpu>c<gib>g.1 with one node, .2c with two.
type databaseClass struct {
	engine    string
	vcpu, gib int64
	standby   bool
}

func (k databaseClass) code() string {
	return fmt.Sprintf("%s.n2.%dc%dg.%s", k.engine, k.vcpu, k.gib, either(k.standby, "2c", "1"))
}

func databaseClasses() (all []databaseClass) {
	for _, engine := range []string{"mysql", "pg"} {
		for _, vcpu := range []int64{1, 2, 4, 8, 16} {
			for _, per := range []int64{1, 2, 4, 8} {
				all = append(all, databaseClass{engine, vcpu, vcpu * per, false}, databaseClass{engine, vcpu, vcpu * per, true})
			}
		}
	}
	return all
}

// classNamed finds a class; engines have versions of their own.
func (c *call) classNamed(code string) (databaseClass, error) {
	all := databaseClasses()
	i := slices.IndexFunc(all, func(k databaseClass) bool { return k.code() == code })
	if i < 0 {
		return databaseClass{}, refuse(404, "InvalidDBInstanceClass.NotFound", "Specified DB instance class is not found.")
	}
	return all[i], nil
}

// engineOf checks engine and version.
func (c *call) engineOf() (prefix, engine string, err error) {
	versions := map[string][]string{"MySQL": {"5.7", "8.0"}, "PostgreSQL": {"13.0", "14.0", "15.0", "16.0"}}[c.get("Engine")]
	if !slices.Contains(versions, c.get("EngineVersion")) {
		return "", "", invalid("EngineVersion", "Specified engine version is not valid.")
	}
	return either(c.get("Engine") == "MySQL", "mysql", "pg"), strings.ToLower(c.get("Engine")), nil
}

func createDatabase(c *call) (object, error) {
	prefix, engine, err := c.engineOf()
	if err != nil {
		return nil, err
	}
	class, err := c.classNamed(c.get("DBInstanceClass"))
	if err != nil {
		return nil, err
	}
	how, err := c.term("PayType", "UsedTime")
	gib := c.number("DBInstanceStorage")
	switch {
	case err != nil:
		return nil, err
	case class.engine != prefix, class.standby != (c.get("Category") == "HighAvailability"):
		return nil, refuse(400, "InvalidDBInstanceClass.Format", "the class is of another engine or category")
	case gib < 20 || gib%5 != 0:
		return nil, invalid("DBInstanceStorage", "Specified DB instance storage is not valid.")
	case c.get("InstanceNetworkType") != "VPC" || c.get("VSwitchId") == "":
		return nil, invalid("InstanceNetworkType", "only VPCs are served here")
	case how.Months > 0 && (c.get("Period") != "Month" || c.get("AutoRenew") != "false"):
		return nil, invalid("Period", "a month is what is sold here, and without automatic renewal")
	}
	d, err := c.sim.CreateDatabase(simcloud.DatabaseInput{Purchase: how, Engine: engine, Version: c.get("EngineVersion"), Standby: class.standby,
		Object:   simcloud.Object{Owner: c.owner, Zone: c.get("ZoneId"), Description: c.get("DBInstanceDescription")},
		Endpoint: simcloud.Endpoint{SubnetID: c.get("VSwitchId"), Port: 3306},
		Size:     simcloud.DatabaseSize{Class: class.code(), VCPU: class.vcpu, RAMMiB: class.gib << 10, StorageGiB: gib}})
	if err != nil {
		return nil, err
	}
	return object{"DBInstanceId": d.ID, "OrderId": "2" + digits(d.ID), "ConnectionString": d.ID + ".mysql.rds.aliyuncs.com", "Port": "3306"}, nil
}

// term reads how something is bought where the length has a parameter of its own.
func (c *call) term(charge, length string) (simcloud.Purchase, error) {
	if !strings.EqualFold(c.get(charge), "PrePaid") {
		return simcloud.Purchase{}, nil
	}
	months := c.number(length)
	if months < 1 || months > 60 {
		return simcloud.Purchase{}, invalid(length, "The specified period is not valid.")
	}
	return simcloud.Purchase{Months: int(months)}, nil
}

func describeDatabases(c *call) (object, error) {
	all, err := find[simcloud.Database](c, "DBInstanceId", nil)
	if err != nil {
		return nil, err
	}
	answer, err := paged(c, all, "Items", "DBInstance", databaseView)
	if err == nil {
		answer["TotalRecordCount"] = answer["TotalCount"]
		delete(answer, "TotalCount")
	}
	return answer, err
}

func databaseView(d *simcloud.Database) object {
	status := "Running"
	switch d.State {
	case simcloud.Building:
		status = "Creating"
	case simcloud.Deleting:
		status = "Deleting"
	case simcloud.Resizing:
		status = "DBInstanceClassChanging"
	}
	view := object{"DBInstanceId": d.ID, "DBInstanceDescription": d.Description, "DBInstanceStatus": status, "DBInstanceClass": d.Size.Class, "DBInstanceCPU": strconv.FormatInt(d.Size.VCPU, 10),
		"DBInstanceMemory": d.Size.RAMMiB, "Engine": either(d.Engine == "mysql", "MySQL", "PostgreSQL"), "EngineVersion": d.Version,
		"Category": either(d.Standby, "HighAvailability", "Basic"), "PayType": either(d.PaidUntil.IsZero(), "Postpaid", "Prepaid"), "VpcId": d.NetworkID, "ZoneId": d.Zone,
		"ConnectionString": d.ID + ".mysql.rds.aliyuncs.com", "CreateTime": seconds(d.Created), "ExpireTime": ""}
	if !d.PaidUntil.IsZero() {
		view["ExpireTime"] = seconds(d.PaidUntil)
	}
	return view
}

func describeDatabase(c *call) (object, error) {
	d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, c.get("DBInstanceId"))
	if err != nil {
		return nil, err
	}
	view := databaseView(d)
	view["DBInstanceStorage"] = d.Size.StorageGiB
	return object{"Items": object{"DBInstanceAttribute": []object{view}}}, nil
}

func availableClasses(c *call) (object, error) {
	prefix, _, err := c.engineOf()
	if err == nil {
		err = c.inZone("ZoneId")
	}
	if err != nil {
		return nil, err
	}
	views := []object{}
	for _, k := range databaseClasses() {
		if k.engine == prefix && k.standby == (c.get("Category") == "HighAvailability") {
			views = append(views, object{"DBInstanceClass": k.code(), "StorageRange": "20-32000", "DBInstanceStorageRange": object{"MinValue": 20, "MaxValue": 32000, "Step": 5}})
		}
	}
	return object{"DBInstanceClasses": views}, nil
}

func listClasses(c *call) (object, error) {
	if !slices.Contains([]string{"rds", "bards"}, c.get("CommodityCode")) {
		return nil, invalid("CommodityCode", "Specified commodity code is not valid.")
	}
	views := []object{}
	for _, k := range databaseClasses() {
		views = append(views, object{"ClassCode": k.code(), "Cpu": strconv.FormatInt(k.vcpu, 10), "MemoryClass": fmt.Sprintf("%dGB（通用型）", k.gib), "MaxConnections": "2000"})
	}
	return object{"Items": views}, nil
}

// createAccount refuses a name that is taken and a password that is too simple.
func createAccount(c *call) (object, error) {
	name, password := c.get("AccountName"), c.get("AccountPassword")
	if len(password) < 8 || len(password) > 32 {
		return nil, refuse(400, "InvalidAccountPassword.Format", "Specified account password is not valid.")
	}
	d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, c.get("DBInstanceId"))
	if err != nil {
		return nil, err
	}
	if d.State != simcloud.Active {
		return nil, refuse(403, "IncorrectDBInstanceState", "Current DB instance state does not support this operation.")
	}
	_, err = simcloud.Edit(c.sim, c.owner, d.ID, func(d *simcloud.Database) error {
		if slices.Contains(d.Users, name) {
			return refuse(400, "InvalidAccountName.Duplicate", "Specified account name already exists in the DB instance.")
		}
		d.Users = append(slices.Clone(d.Users), name)
		return nil
	})
	return object{}, err
}

func describeAccounts(c *call) (object, error) {
	d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, c.get("DBInstanceId"))
	if err != nil {
		return nil, err
	}
	views := []object{}
	for _, name := range d.Users {
		if c.get("AccountName") == "" || c.get("AccountName") == name {
			views = append(views, object{"AccountName": name, "AccountStatus": "Available", "AccountType": "Super", "DBInstanceId": d.ID})
		}
	}
	return object{"Accounts": object{"DBInstanceAccount": views}}, nil
}

func modifyDatabase(c *call) (object, error) {
	d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, c.get("DBInstanceId"))
	if err != nil {
		return nil, err
	}
	if strings.EqualFold(c.get("PayType"), "Prepaid") == d.PaidUntil.IsZero() {
		return nil, invalid("PayType", "the instance is charged otherwise")
	}
	to := simcloud.DatabaseSize{StorageGiB: c.number("DBInstanceStorage")}
	if code := c.get("DBInstanceClass"); code != "" {
		class, err := c.classNamed(code)
		if err != nil {
			return nil, err
		}
		to.Class, to.VCPU, to.RAMMiB = code, class.vcpu, class.gib<<10
	}
	_, err = c.sim.ResizeDatabase(c.owner, d.ID, to)
	return object{"DBInstanceId": d.ID, "OrderId": 2_000_000_000_001}, err
}

func renewDatabase(c *call) (object, error) {
	d, err := simcloud.Renew[simcloud.Database](c.sim, c.owner, c.get("DBInstanceId"), int(c.number("Period")))
	if err != nil {
		return nil, err
	}
	return object{"OrderId": 2_000_000_000_002, "DBInstanceId": d.ID}, nil
}

// deleteDatabase refuses a subscription.
func deleteDatabase(c *call) (object, error) {
	d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, c.get("DBInstanceId"))
	switch {
	case err != nil:
		return nil, err
	case !d.PaidUntil.IsZero():
		return nil, refuse(403, "OperationDenied.PayType", "The specified pay type does not support this operation.")
	}
	_, err = c.sim.DeleteDatabase(c.owner, d.ID)
	return object{}, err
}

func databasePrice(c *call) (object, error) {
	_, engine, err := c.engineOf()
	if err != nil {
		return nil, err
	}
	class, err := c.classNamed(c.get("DBInstanceClass"))
	if err != nil {
		return nil, err
	}
	how, err := c.term("PayType", "UsedTime")
	if err != nil {
		return nil, err
	}
	return object{"PriceInfo": c.price(simcloud.PriceOf(c.sim, &simcloud.Database{Engine: engine, Standby: class.standby,
		Size: simcloud.DatabaseSize{VCPU: class.vcpu, RAMMiB: class.gib << 10, StorageGiB: c.number("DBInstanceStorage")}}, how.Months))}, nil
}
