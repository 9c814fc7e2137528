package broker_test

import (
	"database/sql"
	"regexp"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// deliver buys everything of an order from a scripted vendor, through the protocol, and returns the vendor.
func (o *office) deliver(order duoyun.Order) *vendor {
	o.Helper()
	clock := &testClock{t: o.swept} // the protocol's own
	x := &shop{t: o.T, store: o.s, world: o.w, clock: clock, vendor: newVendor(clock)}
	buyer := broker.NewPurchaser(o.s, x, o.svc, broker.PurchaseOptions{Now: clock.Now})
	for o.order(order.ID).State == duoyun.OrderProvisioning {
		clock.Advance(time.Minute)
		var due []string
		o.tx(func(tx *sql.Tx) (err error) {
			due, err = o.s.DueIntents(ctx, tx, clock.Now(), clock.Now(), 1000)
			return err
		})
		for _, id := range due {
			if _, err := buyer.Work(ctx, id); err != nil {
				o.Fatal(err)
			}
		}
		if clock.Now().Sub(o.swept) > time.Hour {
			o.Fatal("nothing is delivered")
		}
	}
	o.state(order.ID, duoyun.OrderDelivered)
	return x.vendor
}

func TestAPasswordIsBootedWithAndShownToTheApplicantOnce(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small, "image: kylin-v10}}", "image: kylin-v10}, login: secret}"))
		o.place(order)
		app := o.one(order, "app")
		_, _, err := o.svc.Login(ctx, o.actor("hrss-applicant"), app.ID)
		o.refused(err, duoyun.CodeConflict)
		given := map[string]string{} // by mark, as the vendor was told
		for _, c := range o.deliver(order).runs {
			if secret := c.Secret.Reveal(); secret != "" {
				given[c.Mark] = secret
			}
		}
		if len(given) != 2 {
			o.Fatalf("two servers, %d passwords", len(given))
		}
		sheet, err := o.svc.DeliverySheet(ctx, o.actor("hrss-applicant"), order.ID)
		if err != nil || sheet.Items[0].Login.ZH == "" {
			o.Fatal(err)
		}
		_, _, err = o.svc.Login(ctx, o.actor("edu-applicant"), app.ID)
		o.refused(err, duoyun.CodeNotFound)
		_, _, err = o.svc.Login(ctx, o.actor("city-reviewer"), app.ID)
		o.refused(err, duoyun.CodeForbidden)
		_, _, err = o.svc.Login(ctx, o.actor("hrss-applicant"), o.one(order, "data").ID)
		o.refused(err, duoyun.CodeConflict)

		_, secret, err := o.svc.Login(ctx, o.actor("hrss-applicant"), app.ID)
		if err != nil || secret != given[app.Mark()] {
			o.Fatalf("shown %q, booted with %q, %v", secret, given[app.Mark()], err)
		}
		for _, rule := range []string{`^[2-9A-HJ-Za-km-z]{20}$`, `[A-Z]`, `[a-z]`, `[0-9]`} {
			if !regexp.MustCompile(rule).MatchString(secret) {
				o.Errorf("%q does not meet %s", secret, rule)
			}
		}
		_, again, err := o.svc.Login(ctx, o.actor("hrss-applicant"), app.ID)
		o.refused(err, duoyun.CodeConflict, "已显示过")
		if again != "" {
			o.Error("a refusal shows the password")
		}
	})
}

func TestServersOfAnotherLoginHaveNoPassword(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newOffice(t, s)
		order := o.signed(o.doc(small))
		o.place(order)
		for _, c := range o.deliver(order).runs {
			if c.Secret.Reveal() != "" {
				o.Errorf("%s was given a secret nobody asked for", c.Name)
			}
		}
		_, _, err := o.svc.Login(ctx, o.actor("hrss-applicant"), o.one(order, "app").ID)
		o.refused(err, duoyun.CodeConflict, "不以口令登录")
	})
}
