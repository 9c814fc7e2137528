package tencentfake

import (
	"encoding/json"
	"fmt"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// The engines, by which CDB and PostgreSQL keep out of each other's listings.
const (
	mysql    = "mysql"
	postgres = "postgresql"
)

func dbWords(missing string) func(error) error {
	return func(err error) error {
		return words(err, map[simcloud.Reason]string{simcloud.Missing: missing, simcloud.Busy: "OperationDenied.InstanceStatusError"})
	}
}

func cdbActions() map[string]action {
	return map[string]action{
		"cdb/CreateDBInstanceHour": on(func(c *call, in createMySQL) (object, error) { return c.createMySQL(in, 0) }),
		"cdb/CreateDBInstance": on(func(c *call, in createMySQL) (object, error) {
			if in.Period < 1 || in.AutoRenewFlag == 1 {
				return nil, refuse("InvalidParameter", "a subscription has a period, and is renewed by hand")
			}
			return c.createMySQL(in, in.Period)
		}),
		"cdb/DescribeDBInstances": on((*call).describeMySQL),
		"cdb/IsolateDBInstance": on(func(c *call, in struct {
			InstanceId string `need:""`
		}) (object, error) {
			return c.isolateDatabase("cdb-", "InvalidParameter.InstanceNotFound", in.InstanceId)
		}),
		"cdb/OfflineIsolatedInstances": on(func(c *call, in struct {
			InstanceIds []string `need:""`
		}) (object, error) {
			return c.destroyDatabase("cdb-", "InvalidParameter.InstanceNotFound", in.InstanceIds[0])
		}),
		"cdb/RenewDBInstance": on(func(c *call, in struct {
			InstanceId string `need:""`
			TimeSpan   int    `need:""`
		}) (object, error) {
			return c.renewDatabase("cdb-", "InvalidParameter.InstanceNotFound", in.InstanceId, in.TimeSpan)
		}),
		"cdb/UpgradeDBInstance": on(func(c *call, in struct {
			InstanceId string `need:""`
			Memory     int64  `need:""`
			Volume     int64  `need:""`
			Cpu        int64
			WaitSwitch int
		}) (object, error) {
			return c.resizeDatabase("cdb-", "InvalidParameter.InstanceNotFound", in.InstanceId, simcloud.DatabaseSize{VCPU: in.Cpu, RAMMiB: in.Memory / 1000 * 1024, StorageGiB: in.Volume})
		}),
		"cdb/DescribeDBPrice": on((*call).priceMySQL),
	}
}

type createMySQL struct {
	Zone          string `need:""`
	GoodsNum      int    `need:""`
	Memory        int64  `need:""`
	Volume        int64  `need:""`
	Cpu           int64
	InstanceRole  string
	DeviceType    string
	InstanceNodes int
	UniqVpcId     string
	UniqSubnetId  string
	EngineVersion string
	InstanceName  string
	ClientToken   string
	Password      string
	Period        int
	AutoRenewFlag int
	ResourceTags  []struct {
		TagKey   string
		TagValue []string
	}
}

func (c *call) createMySQL(in createMySQL, n int) (object, error) {
	if in.Memory%1000 != 0 || len(in.Password) < 8 || in.GoodsNum != 1 || len(in.InstanceName) > 60 || (in.InstanceNodes == 1) != (in.DeviceType == "BASIC_V2") {
		return nil, refuse("InvalidParameter", "one instance of a size that is sold, with a password")
	}
	subnet, err := bare(in.UniqSubnetId, "subnet-", "InvalidParameter")
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for _, t := range in.ResourceTags {
		if len(t.TagValue) != 1 {
			return nil, refuse("InvalidParameter", "a tag has one value")
		}
		m[t.TagKey] = t.TagValue[0]
	}
	d, err := c.sim.CreateDatabase(simcloud.DatabaseInput{Object: simcloud.Object{Owner: c.owner, Zone: in.Zone, Name: in.InstanceName, Meta: m}, Purchase: simcloud.Purchase{Months: n},
		Endpoint: simcloud.Endpoint{SubnetID: subnet, Port: 3306}, Engine: mysql, Version: in.EngineVersion, Standby: in.InstanceNodes > 1, Users: []string{"root"},
		Size: simcloud.DatabaseSize{Class: in.DeviceType, VCPU: in.Cpu, RAMMiB: in.Memory / 1000 * 1024, StorageGiB: in.Volume}})
	if err != nil {
		return nil, dbWords("InvalidParameter.InstanceNotFound")(err)
	}
	return object{"DealIds": []string{"deal-" + d.ID}, "InstanceIds": []string{"cdb-" + d.ID}}, nil
}

// describeMySQL shows no tags of an instance that is being made, as CDB does not.
func (c *call) describeMySQL(in struct {
	InstanceIds   []string
	Offset, Limit int
}) (object, error) {
	return listed(c, "Items", in.InstanceIds, "cdb-", paging{in.Offset, in.Limit}, func(d *simcloud.Database) bool { return d.Engine == mysql }, func(_ *call, d *simcloud.Database) object {
		status, task, pay := 1, 0, 1
		shown := tags(d.Meta, "TagKey", "TagValue")
		switch {
		case d.State == simcloud.Building:
			status, shown = 0, nil
		case d.State == simcloud.Deleting:
			status = 6
		case d.Meta[binKey] != "":
			status = 5
		case d.State == simcloud.Resizing:
			task = 1
		}
		if d.Months > 0 {
			pay = 0
		}
		return object{"InstanceId": "cdb-" + d.ID, "InstanceName": d.Name, "Status": status, "TaskStatus": task, "PayType": pay, "EngineVersion": d.Version, "Cpu": d.Size.VCPU, "Memory": d.Size.RAMMiB / 1024 * 1000,
			"Volume": d.Size.StorageGiB, "InstanceNodes": nodes(d.Standby), "Vip": d.Address, "UniqVpcId": "vpc-" + d.NetworkID, "Zone": d.Zone, "CreateTime": beijing(d.Created),
			"DeadlineTime": orZero(beijing(d.PaidUntil)), "TagList": shown}
	})
}

func orZero(t any) any {
	if t == nil {
		return "0000-00-00 00:00:00"
	}
	return t
}

func nodes(standby bool) int {
	if standby {
		return 2
	}
	return 1
}

// database reads the one database an action is about.
func (c *call) database(prefix, missing, given string) (*simcloud.Database, error) {
	id, err := bare(given, prefix, missing)
	if err != nil {
		return nil, err
	}
	d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, id)
	return d, dbWords(missing)(err)
}

func (c *call) isolateDatabase(prefix, missing, given string) (object, error) {
	d, err := c.database(prefix, missing, given)
	if err != nil {
		return nil, err
	}
	if d.State != simcloud.Active || d.Meta[binKey] != "" {
		return nil, refuse("OperationDenied.InstanceStatusError", "the instance is %s", d.State)
	}
	return object{"AsyncRequestId": "1"}, bin[simcloud.Database](c, d.ID)
}

func (c *call) destroyDatabase(prefix, missing, given string) (object, error) {
	d, err := c.database(prefix, missing, given)
	if err != nil {
		return nil, err
	}
	if d.Meta[binKey] == "" || d.State == simcloud.Deleting {
		return nil, refuse("OperationDenied.InstanceStatusError", "the instance is not isolated")
	}
	_, err = c.sim.DeleteDatabase(c.owner, d.ID)
	return object{}, dbWords(missing)(err)
}

func (c *call) resizeDatabase(prefix, missing, given string, to simcloud.DatabaseSize) (object, error) {
	d, err := c.database(prefix, missing, given)
	if err != nil {
		return nil, err
	}
	_, err = c.sim.ResizeDatabase(c.owner, d.ID, to)
	return object{"DealIds": []string{"deal-" + d.ID}}, dbWords(missing)(err)
}

func (c *call) renewDatabase(prefix, missing, given string, n int) (object, error) {
	d, err := c.database(prefix, missing, given)
	if err != nil {
		return nil, err
	}
	_, err = simcloud.Renew[simcloud.Database](c.sim, c.owner, d.ID, n)
	return object{"DealId": "deal-" + d.ID}, words(err, map[simcloud.Reason]string{simcloud.Invalid: "OperationDenied.ActionNotSupport"})
}

// fen is a price in fen, a JSON number.
func fen(a duoyun.Amount) json.Number { return json.Number(fmt.Sprint(int64(a.HalfUp()))) }

// parts is a price in fen with its fractions, as Redis and the balance have it.
func parts(a duoyun.Amount) json.Number { return json.Number(a.Times(100).String()) }

func (c *call) priceMySQL(in struct {
	InstanceId    string
	Period        int
	Zone          string
	GoodsNum      int
	Memory        int64
	Volume        int64
	Cpu           int64
	InstanceRole  string
	DeviceType    string
	InstanceNodes int
	PayType       string
}) (object, error) {
	d := &simcloud.Database{Engine: mysql, Standby: in.InstanceNodes > 1, Size: simcloud.DatabaseSize{VCPU: in.Cpu, RAMMiB: in.Memory / 1000 * 1024, StorageGiB: in.Volume}}
	if in.InstanceId != "" {
		var err error
		if d, err = c.database("cdb-", "InvalidParameter.InstanceNotFound", in.InstanceId); err != nil {
			return nil, err
		}
	} else if in.Zone == "" || in.GoodsNum != 1 || (in.PayType == "PRE_PAID") != (in.Period > 0) {
		return nil, refuse("InvalidParameter", "a new instance has a zone, a number and a way of paying")
	}
	p := fen(simcloud.PriceOf(c.sim, d, in.Period))
	return object{"Price": p, "OriginalPrice": p, "Currency": "CNY"}, nil
}

func postgresActions() map[string]action {
	missing := "ResourceNotFound.InstanceNotFoundError"
	return map[string]action{
		"postgres/CreateInstances":     on((*call).createPostgres),
		"postgres/DescribeDBInstances": on((*call).describePostgres),
		"postgres/DescribeClasses": on(func(_ *call, in struct {
			Zone           string `need:""`
			DBEngine       string `need:""`
			DBMajorVersion string `need:""`
		}) (object, error) {
			out := []object{}
			for _, s := range classes() {
				out = append(out, object{"SpecCode": s.Class, "CPU": s.VCPU, "Memory": s.RAMMiB, "MinStorage": 10, "MaxStorage": 6000})
			}
			return object{"ClassInfoSet": out}, nil
		}),
		"postgres/IsolateDBInstances": on(func(c *call, in struct {
			DBInstanceIdSet []string `need:""`
		}) (object, error) {
			return c.isolateDatabase("postgres-", missing, in.DBInstanceIdSet[0])
		}),
		"postgres/DestroyDBInstance": on(func(c *call, in struct {
			DBInstanceId string `need:""`
		}) (object, error) {
			return c.destroyDatabase("postgres-", missing, in.DBInstanceId)
		}),
		"postgres/RenewInstance": on(func(c *call, in struct {
			DBInstanceId string `need:""`
			Period       int    `need:""`
		}) (object, error) {
			return c.renewDatabase("postgres-", missing, in.DBInstanceId, in.Period)
		}),
		"postgres/ModifyDBInstanceSpec": on(func(c *call, in struct {
			DBInstanceId string `need:""`
			Memory       int64  `need:""`
			Storage      int64  `need:""`
			Cpu          int64
			SwitchTag    int
		}) (object, error) {
			return c.resizeDatabase("postgres-", missing, in.DBInstanceId, simcloud.DatabaseSize{VCPU: in.Cpu, RAMMiB: in.Memory * 1024, StorageGiB: in.Storage})
		}),
		"postgres/InquiryPriceCreateDBInstances": on((*call).pricePostgres),
		"postgres/InquiryPriceRenewDBInstance": on(func(c *call, in struct {
			DBInstanceId string `need:""`
			Period       int    `need:""`
		}) (object, error) {
			d, err := c.database("postgres-", missing, in.DBInstanceId)
			if err != nil {
				return nil, err
			}
			return object{"Price": fen(simcloud.PriceOf(c.sim, d, in.Period)), "Currency": "CNY"}, nil
		}),
	}
}

// classes are the sizes of PostgreSQL on sale.
func classes() (all []simcloud.DatabaseSize) {
	for vcpu := int64(1); vcpu <= 32; vcpu *= 2 {
		for _, per := range []int64{2, 4} {
			all = append(all, simcloud.DatabaseSize{Class: fmt.Sprintf("pg.it.%dc%dg", vcpu, vcpu*per), VCPU: vcpu, RAMMiB: vcpu * per * 1024})
		}
	}
	return all
}

// orderPostgres is what decides a PostgreSQL instance's price.
type orderPostgres struct {
	Zone               string `need:""`
	SpecCode           string `need:""`
	Storage            int64  `need:""`
	InstanceCount      int    `need:""`
	Period             int    `need:""`
	InstanceChargeType string
}

func (c *call) sized(in orderPostgres) (size simcloud.DatabaseSize, n int, err error) {
	for _, s := range classes() {
		if s.Class == in.SpecCode {
			size = s
			size.StorageGiB = in.Storage
		}
	}
	if in.InstanceChargeType != "POSTPAID_BY_HOUR" {
		n = in.Period
	}
	if size.Class == "" || in.InstanceCount != 1 || n == 0 && in.Period != 1 {
		err = refuse("InvalidParameterValue", "one instance of a class on sale, for one period on demand")
	}
	return size, n, err
}

func (c *call) createPostgres(in struct {
	Zone               string `need:""`
	SpecCode           string `need:""`
	Storage            int64  `need:""`
	InstanceCount      int    `need:""`
	Period             int    `need:""`
	InstanceChargeType string
	Charset            string `need:""`
	AdminName          string `need:""`
	AdminPassword      string `need:""`
	DBMajorVersion     string
	VpcId              string
	SubnetId           string
	AutoRenewFlag      int
	Name               string
	TagList            []otherTag
}) (object, error) {
	size, n, err := c.sized(orderPostgres{in.Zone, in.SpecCode, in.Storage, in.InstanceCount, in.Period, in.InstanceChargeType})
	if err != nil {
		return nil, err
	}
	subnet, err := bare(in.SubnetId, "subnet-", "InvalidParameterValue")
	if err != nil {
		return nil, err
	}
	if in.AdminName == "postgres" || len(in.AdminPassword) < 8 || in.AutoRenewFlag == 1 {
		return nil, refuse("InvalidParameterValue", "a login of one's own, a password, and no renewal by itself")
	}
	d, err := c.sim.CreateDatabase(simcloud.DatabaseInput{Object: simcloud.Object{Owner: c.owner, Zone: in.Zone, Name: in.Name, Meta: otherMeta(in.TagList)}, Purchase: simcloud.Purchase{Months: n},
		Endpoint: simcloud.Endpoint{SubnetID: subnet, Port: 5432}, Engine: postgres, Version: in.DBMajorVersion, Standby: true, Users: []string{in.AdminName}, Size: size})
	if err != nil {
		return nil, words(err, nil)
	}
	answer := object{"DealNames": []string{"deal-" + d.ID}, "BillId": "1", "DBInstanceIdSet": nil}
	if n == 0 { // the id is known at once only where nothing is paid beforehand
		answer["DBInstanceIdSet"] = []string{"postgres-" + d.ID}
	}
	return answer, nil
}

func (c *call) pricePostgres(in orderPostgres) (object, error) {
	size, n, err := c.sized(in)
	if err != nil {
		return nil, err
	}
	p := fen(simcloud.PriceOf(c.sim, &simcloud.Database{Engine: postgres, Standby: true, Size: size}, n))
	return object{"OriginalPrice": p, "Price": p, "Currency": "CNY"}, nil
}

func (c *call) describePostgres(in struct {
	Filters       []filter
	Offset, Limit int
}) (object, error) {
	var ids []string
	for _, f := range in.Filters {
		if f.Name != "db-instance-id" {
			return nil, refuse("InvalidParameterValue", "no filter %s", f.Name)
		}
		ids = f.Values
	}
	return listed(c, "DBInstanceSet", ids, "postgres-", paging{in.Offset, in.Limit}, func(d *simcloud.Database) bool { return d.Engine == postgres }, func(_ *call, d *simcloud.Database) object {
		status, pay := "running", "postpaid"
		switch {
		case d.State == simcloud.Building:
			status = "initing"
		case d.State == simcloud.Deleting:
			status = "recycling"
		case d.Meta[binKey] != "":
			status = "isolated"
		case d.State == simcloud.Resizing:
			status = "expanding"
		}
		if d.Months > 0 {
			pay = "prepaid"
		}
		return object{"DBInstanceId": "postgres-" + d.ID, "DBInstanceName": d.Name, "DBInstanceStatus": status, "PayType": pay, "DBMajorVersion": d.Version, "DBInstanceCpu": d.Size.VCPU,
			"DBInstanceMemory": d.Size.RAMMiB / 1024, "DBInstanceStorage": d.Size.StorageGiB, "VpcId": "vpc-" + d.NetworkID, "Zone": d.Zone, "CreateTime": beijing(d.Created),
			"ExpireTime": orZero(beijing(d.PaidUntil)), "TagList": tags(d.Meta, "TagKey", "TagValue"), "DBInstanceNetInfo": []object{{"Ip": d.Address, "NetType": "private", "Port": 5432}}}
	})
}
