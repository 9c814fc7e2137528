package ctyun

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// classDatabase is the name under which an account maps the disks of databases.
const classDatabase = "database"

// passwordKey is the public key under which the vendor takes a database's password; it publishes it with its API.
const passwordKey = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCCoIfL5oXcaYAmfo5Fpl3Fypo29JIhwuQTcmiwn/FBBW7L4L2Hm8rKbBpLZl/osCmoM6WSK8S9s/anp3ka1KIExUQDXYR8IH1cMse1+CzXcDZW/8Tp+NTPC/m6ymF00dUAi7k13q1Gv1Ez0jLx6ZqEu5tFpyVi0LRdLPc5G/T0DwIDAQAB"

// databaseKind is an instance of the vendor's MySQL or PostgreSQL, bought as an order of its database platform. That takes
// no token, so that the mark is looked for before it is bought. Experimental: docs/drivers/ctyun.md says what is not known.
type databaseKind struct{ *Cloud }

// database is an instance as the vendor lists it; MySQL and PostgreSQL differ in the member that is its id.
type database struct {
	Outer   text   `json:"outerProdInstId"`
	Inner   text   `json:"prodInstId"`
	Name    string `json:"prodInstName"`
	Order   text   `json:"prodOrderStatus"`
	Running text   `json:"prodRunningStatus"`
	Alone   text   `json:"prodRunninStatus"`
	Kind    text   `json:"prodType"` // 0 single, 1 with a standby
	Address string `json:"vip"`
	Spec    string `json:"machineSpec"`
	Disk    text   `json:"diskSize"`
	Engine  string `json:"prodDbEngine"`
	MySQL   string `json:"newMysqlVersion"`
	Created text   `json:"createTime"`
	Expires text   `json:"expireTime"`
	Network string `json:"vpcId"`

	engine string // ours
}

func (d databaseKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: planDatabase, Update: planDatabaseChange, Delete: table.Fixed(driver.Step{Name: "delete-database", Main: true, Await: true},
			driver.Step{Name: "destroy-database", Await: true}, driver.Step{Name: "delete-security_group"})},
		Verbs: d.sharing(d.guarded(map[string]table.Verb{
			"database":         {Run: d.create, Look: d.lookMade},
			"extend":           {Run: d.upgrade, Look: d.lookUpgraded},
			"resize":           {Run: d.upgrade, Look: d.lookUpgraded},
			"delete-database":  {Run: d.end("refundOrder", driver.Active, driver.Stopped, driver.Building, driver.Errored), Look: d.lookEnded(driver.Deleting)},
			"destroy-database": {Run: d.end("destroyOrder", driver.Deleting), Look: d.lookEnded()},
		}, d.vouch)),
		Reading: d.observe, Listing: d.list, Parts: map[string]table.Shelf{"security_group": d.groups().table()},
	}
}

// sharing leaves a security group to the other instance that bears the mark, where there is one: a purchase without a token
// that the network doubled makes two of one group.
func (d databaseKind) sharing(verbs map[string]table.Verb) map[string]table.Verb {
	const step = "delete-security_group"
	alone := verbs[step]
	others := func(ctx context.Context, c driver.Call) ([]table.Thing, error) {
		found, _, err := d.shelfOf(d.engineOf(c)).Find(ctx, c, "", c.Mark)
		return found, err
	}
	verbs[step] = table.Verb{
		Run: func(ctx context.Context, c driver.Call) (driver.Reply, error) {
			if found, err := others(ctx, c); err != nil || len(found) > 0 {
				return driver.Reply{}, table.Unsent(Code, err)
			}
			return alone.Run(ctx, c)
		},
		Look: func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
			if found, err := others(ctx, c); err != nil || len(found) > 0 {
				return gone(true, err)
			}
			return alone.Look(ctx, c)
		},
	}
	return verbs
}

func planDatabase(c driver.Change) ([]driver.Step, error) {
	if _, err := table.PlatformNetwork(c); err != nil {
		return nil, err
	}
	port := 3306
	if c.After.(duoyun.DatabaseSpec).Engine == duoyun.EnginePostgreSQL {
		port = 5432
	}
	if c.Months > 0 { // how a subscription is renewed is not known, and what cannot be renewed is not sold
		return nil, table.Impossible("months", "天翼云数据库暂只按量购买", "databases of this vendor are bought on demand")
	}
	return append(guards([]int{port}), driver.Step{Name: "database", Main: true, Await: true}), nil
}

// planDatabaseChange grows the storage before the machine changes: each is an order of its own.
func planDatabaseChange(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.DatabaseSpec), c.After.(duoyun.DatabaseSpec)
	same := before
	same.VCPU, same.RAMGiB, same.StorageGiB = after.VCPU, after.RAMGiB, after.StorageGiB
	if same != after || after.StorageGiB < before.StorageGiB {
		return nil, table.Impossible("spec", "数据库只能改规格和扩容存储", "only size and storage of a database can be changed, and storage only grows")
	}
	var steps []driver.Step
	if before.StorageGiB != after.StorageGiB {
		steps = append(steps, driver.Step{Name: "extend", Await: true})
	}
	if before.VCPU != after.VCPU || before.RAMGiB != after.RAMGiB {
		steps = append(steps, driver.Step{Name: "resize", Await: true})
	}
	return steps, nil
}

// product is where an engine is managed.
func product(engine string) string {
	if engine == duoyun.EnginePostgreSQL {
		return pgsql
	}
	return mysql
}

// shop is a call of the database platform, which sells every engine.
func (d databaseKind) shop(engine, path string, a args) request {
	return get(product(engine), "/teledb-acceptor/v2/openapi/accept-order-info/"+path, a)
}

func (d databaseKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.DatabaseSpec)
	found, _, err := d.find(ctx, c)
	if err != nil || len(found) > 0 {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	sealed, err := seal(c.Secret)
	if err != nil {
		return driver.Reply{}, err
	}
	on, err := table.PlatformNetwork(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	subnet, err := d.subnetOf(ctx, on)
	if err != nil {
		return driver.Reply{}, err
	}
	group, _, err := d.groupOf(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	model, err := d.model(ctx, spec)
	if err != nil {
		return driver.Reply{}, err
	}
	zone, err := d.zone(ctx, c, spec.Engine)
	if err != nil {
		return driver.Reply{}, err
	}
	a := args{"billMode": "2", "regionId": d.account.Region, "prodVersion": model.version, "prodId": model.id, "vpcId": on.ID, "subnetId": subnet,
		"securityGroupId": group.ID, "hostType": model.Family, "cpuType": model.Arch, "osType": "11", "name": c.Mark, "password": sealed, "count": 1,
		"autoRenewStatus": 0, "mysqlNodeInfoList": []args{d.nodes(spec, model, zone)}}
	r := d.shop(spec.Engine, "accept", a)
	r.method, r.reads = http.MethodPost, false
	return d.mutate(ctx, r, ordered)
}

// nodes describes the master, and the standby through its zones.
func (d databaseKind) nodes(spec duoyun.DatabaseSpec, m model, zone string) args {
	disks := defaultSystemDisk
	if mapped := d.account.Mapping.Classes[classDatabase]; mapped != "" {
		disks = mapped
	}
	zones := []args{{"availabilityZoneName": zone, "availabilityZoneCount": 1, "nodeType": "master"}}
	if spec.Standby {
		zones = append(zones, args{"availabilityZoneName": zone, "availabilityZoneCount": 1, "nodeType": "slave"})
	}
	return args{"nodeType": "master", "instSpec": generalModels, "storageType": disks, "storageSpace": spec.StorageGiB,
		"prodPerformanceSpec": m.Name, "disks": 1, "availabilityZoneInfo": zones}
}

// seal encrypts a password for the vendor, as it asks for: RSA with PKCS #1 v1.5 padding.
func seal(secret driver.Secret) (string, error) {
	value := table.Password(secret)
	if value == "" {
		return "", table.Impossible("login", "数据库须设密码", "a database needs a password")
	}
	der, err := base64.StdEncoding.DecodeString(passwordKey)
	if err != nil {
		return "", err // a constant
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	key, ok := parsed.(*rsa.PublicKey)
	if err != nil || !ok {
		return "", table.Impossible("login", "厂商公钥无效", "the vendor's public key is not one")
	}
	//lint:ignore SA1019 the padding is the vendor's choice; the call itself goes over TLS
	sealed, err := rsa.EncryptPKCS1v15(rand.Reader, key, []byte(value))
	if err != nil {
		return "", table.Impossible("login", "密码过长", "the password is too long")
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// generalModels are the vendor's general purpose machines, of the three sorts it numbers.
const generalModels = "1"

// model is what a database can be made of: a size with the product and version it belongs to.
type model struct {
	driver.Flavor
	id, version string
}

// model chooses among what the platform sells now: the cheapest size of the version, single or with a standby.
func (d databaseKind) model(ctx context.Context, spec duoyun.DatabaseSpec) (model, error) {
	code := map[string]string{duoyun.EngineMySQL: "MYSQL", duoyun.EnginePostgreSQL: "POSTGRESQL"}[spec.Engine]
	var offers []struct {
		ID      text   `json:"prodId"`
		Name    string `json:"prodSpecName"`
		Version string `json:"prodVersion"`
		Sizes   []struct {
			Size       string `json:"prodPerformanceSpec"`
			CPU        string `json:"cpuType"`
			Generation string `json:"generation"`
		} `json:"instSpecInfoList"`
	}
	err := d.fetch(ctx, d.shop(spec.Engine, "template", args{"prodType": 1, "prodCode": code, "regionId": d.account.Region, "instanceType": generalModels}), &offers)
	if err != nil {
		return model{}, table.Unsent(Code, err)
	}
	kind := "单机版"
	if spec.Standby {
		kind = "一主一备"
	}
	for _, o := range offers {
		if o.Name != kind || !sameVersion(spec.Version, o.Version) {
			continue
		}
		var sizes []driver.Flavor
		for i, s := range o.Sizes {
			cpu, ram := size(s.Size)
			sizes = append(sizes, driver.Flavor{ID: strconv.Itoa(i), Name: s.Size, VCPU: cpu, RAMMiB: ram * 1024, Family: s.Generation, Arch: s.CPU})
		}
		if f, ok := driver.Choose(sizes, driver.Demand{VCPU: spec.VCPU, RAMGiB: spec.RAMGiB, Volume: true, Exact: d.account.Mapping.ExactFlavor}); ok {
			return model{f, string(o.ID), o.Version}, nil
		}
	}
	return model{}, table.Impossible("spec", "厂商没有 %s %s 的此种规格", "the vendor sells no %s %s of that size", spec.Engine, spec.Version)
}

// sameVersion lets 15 be 15.14: PostgreSQL's minor versions are the vendor's choice.
func sameVersion(asked, sold string) bool { return asked == sold || strings.HasPrefix(sold, asked+".") }

// size reads "4C8G"; 0 where it is none.
func size(s string) (cpu, ram int64) {
	if _, err := fmt.Sscanf(s, "%dC%dG", &cpu, &ram); err != nil {
		return 0, 0
	}
	return cpu, ram
}

// zone is that of the line, or the first that sells databases.
func (d databaseKind) zone(ctx context.Context, c driver.Call, engine string) (string, error) {
	if mapped := d.account.Mapping.Zones[c.Zone]; mapped != "" {
		return mapped, nil
	}
	var zones []struct {
		Name string `json:"availabilityZoneName"`
	}
	err := d.fetch(ctx, d.shop(engine, "availabilityZone", args{"regionId": d.account.Region}), &zones)
	if err != nil || len(zones) == 0 {
		return "", table.Unsent(Code, err)
	}
	return zones[0].Name, nil
}

// upgrade orders more storage (extend), or the machine of the new demand (resize). It takes no token, and is not sent where
// the instance shows the new size already.
func (d databaseKind) upgrade(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.DatabaseSpec)
	found, _, err := d.find(ctx, c)
	if err == nil && len(found) == 0 {
		err = table.Missing("database")
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if ev, err := d.lookUpgraded(ctx, c); err != nil || ev.State == driver.Done || ev.State == driver.Pending {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	a := args{"instId": found[0].ID, "nodeType": "master"}
	if c.Step == "extend" {
		a["diskVolume"] = spec.StorageGiB
	} else {
		m, err := d.model(ctx, spec)
		if err != nil {
			return driver.Reply{}, err
		}
		a["prodPerformanceSpec"] = m.Name
	}
	r := d.shop(spec.Engine, "upgrade", a)
	r.method, r.reads = http.MethodPost, false
	return d.mutate(ctx, r, ordered)
}

// end sends what takes a database one state further out: a refund of what stands, the destruction of what is refunded.
// Both are GET at this vendor, and mutations all the same.
func (d databaseKind) end(path string, from ...driver.ObservedState) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		found, _, err := d.find(ctx, c)
		if err != nil || len(found) == 0 || !slices.Contains(from, found[0].State) {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		r := d.shop(d.engineOf(c), path, args{"instId": found[0].ID})
		r.reads = false
		reply, err := d.mutate(ctx, r, "")
		return reply, hindered(err)
	}
}
