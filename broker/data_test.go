package broker_test

import (
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
)

// database is one database and one cache of the agency.
var database = strings.NewReplacer(
	"kind: server, name: app, quantity: 2, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}",
	`kind: database, name: db, zone: extranet_public, spec: {engine: mysql, version: "8.0", vcpu: 2, ram_gib: 8, storage_gib: 100, standby: true}`,
	"kind: disk, name: data, attach: app, quantity: 2, spec: {size_gib: 500, class: ssd}",
	`kind: cache, name: hot, zone: extranet_public, spec: {version: "7.0", memory_gib: 2}`).Replace(small)

func TestADatabaseStandsOnTheNetworkOfItsZoneAndItsPasswordIsShownOnce(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(database))
		o.place(order)
		given := map[string]string{} // by mark, as the vendor was told
		for _, c := range o.deliver(order).runs {
			if c.Kind != duoyun.KindNetwork && len(c.Links[duoyun.RelNetwork]) != 1 {
				o.Errorf("%s was made on %v", c.Name, c.Links)
			}
			if secret := c.Secret.Reveal(); secret != "" {
				given[c.Mark] = secret
			}
		}
		for _, line := range []string{"db", "hot"} {
			r := o.one(order, line)
			_, secret, err := o.svc.Login(ctx, o.actor("hrss-applicant"), r.ID)
			if err != nil || secret == "" || secret != given[r.Mark()] {
				o.Errorf("%s: shown %q, made with %q, %v", line, secret, given[r.Mark()], err)
			}
			_, _, err = o.svc.Login(ctx, o.actor("hrss-applicant"), r.ID)
			o.refused(err, duoyun.CodeConflict, "已显示过")
		}
		sheet, err := o.svc.DeliverySheet(ctx, o.actor("hrss-applicant"), order.ID)
		if err != nil || !strings.Contains(sheet.Items[0].Login.ZH, "管理员口令") {
			o.Errorf("the sheet: %+v, %v", sheet.Items, err)
		}
	})
}

func TestADatabaseIsResizedGrownAndReleasedByOrder(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.bought(o.doc(database))
		db, hot := o.one(order, "db"), o.one(order, "hot")
		if n := o.used(duoyun.QuotaDatabases); n != 1 || o.used(duoyun.QuotaCaches) != 1 || o.used(duoyun.QuotaVCPU) != 4 {
			o.Errorf("held: %d databases, %d caches, %d vCPU", n, o.used(duoyun.QuotaCaches), o.used(duoyun.QuotaVCPU))
		}
		money := o.spent(2026)
		for _, change := range []string{
			"resource: " + db.Number + ", action: resize, kind: database, spec: {vcpu: 4, ram_gib: 16}",
			"resource: " + db.Number + ", action: grow, kind: database, spec: {storage_gib: 200}",
			"resource: " + hot.Number + ", action: resize, kind: cache, spec: {memory_gib: 4}",
		} {
			if got := o.changed(o.form("change", change)); got.State != duoyun.OrderConfirmed {
				o.Fatalf("%s: %s %s", change, got.State, got.Reason)
			}
		}
		db, hot = o.one(order, "db"), o.one(order, "hot")
		if s := db.Spec.(duoyun.DatabaseSpec); s.VCPU != 4 || s.StorageGiB != 200 || !s.Standby || hot.Spec.(duoyun.CacheSpec).MemoryGiB != 4 {
			o.Errorf("changed: %+v, %+v", db.Spec, hot.Spec)
		}
		if o.used(duoyun.QuotaVCPU) != 8 || o.used(duoyun.QuotaDiskGiB) != 400 || o.spent(2026) <= money {
			o.Errorf("held: %d vCPU, %d GiB, %s", o.used(duoyun.QuotaVCPU), o.used(duoyun.QuotaDiskGiB), o.spent(2026))
		}
		o.metered(db)
		o.exact()
		o.refusedSubmit("hrss-applicant", o.form("change", "resource: "+db.Number+", action: grow, kind: database, spec: {storage_gib: 100}"), duoyun.CodeInvalid, "200")
		if got := o.changed(o.form("release", "resource: "+db.Number, "resource: "+hot.Number)); got.State != duoyun.OrderConfirmed {
			o.Fatalf("%s %s", got.State, got.Reason)
		}
		if o.used(duoyun.QuotaDatabases)+o.used(duoyun.QuotaCaches)+o.used(duoyun.QuotaVCPU) != 0 {
			o.Error("the release gave back too little")
		}
		o.exact()
	})
}
