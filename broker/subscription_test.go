package broker_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// subscriber is an office over a scripted vendor whose pool telecom-1 buys by subscription; both go by one clock.
type subscriber struct {
	*office
	*vendor
	buyer *broker.Purchaser
}

func subscribing(t *testing.T, months int, f func(o *subscriber)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := &subscriber{office: newOffice(t, s)}
		o.office.clock.t = o.office.clock.t.Truncate(time.Second)
		o.vendor = newVendor(o.office.clock)
		o.svc = broker.New(broker.Deps{Store: s, Quota: o.quota, Offers: procurement.New(procurement.Deps{Store: s, Business: o.tick}),
			Meters: billing.New(s, o.tick, nil), Business: o.tick, Real: o.office.clock.Now})
		x := &shop{t: t, store: s, world: o.w, clock: o.office.clock, vendor: o.vendor}
		o.buyer = broker.NewPurchaser(s, x, o.svc, broker.PurchaseOptions{Now: o.office.clock.Now})
		o.buys(months)
		f(o)
	})
}

// buys sets for how many months the pool buys.
func (o *subscriber) buys(months int) {
	o.Helper()
	o.tx(func(tx *sql.Tx) error {
		_, err := tx.Exec(`UPDATE pools SET account = $1 WHERE code = 'telecom-1'`, fmt.Sprintf(`{"subscribe_months":%d}`, months))
		return err
	})
}

// purchase works every intent as far as it goes within an hour.
func (o *subscriber) purchase() {
	o.Helper()
	for range 60 {
		var due []string
		now := o.office.clock.Now()
		o.tx(func(tx *sql.Tx) (err error) {
			due, err = o.s.DueIntents(ctx, tx, now, now, 1000)
			return err
		})
		for _, id := range due {
			if _, err := o.buyer.Work(ctx, id); err != nil {
				o.Fatal(err)
			}
		}
		o.office.clock.Advance(time.Minute)
	}
}

// owns is an order of one server with its disk, running; it is for the given period.
func (o *subscriber) owns(period string) duoyun.Order {
	o.Helper()
	order := o.signed(o.doc(small, "{start: 2026-12-01, months: 1}", period, "quantity: 2, ", "", "attach: app, ", "attach: app, "))
	o.place(order)
	o.purchase()
	o.state(order.ID, duoyun.OrderDelivered)
	o.decide(order, duoyun.TaskConfirmDelivery, "hrss-confirmer", broker.Approve)
	return o.state(order.ID, duoyun.OrderConfirmed)
}

// renews runs the periodic job and asks how many renewals it wrote.
func (o *subscriber) renews(want int) {
	o.Helper()
	if n, err := o.svc.RenewSubscriptions(ctx); n != want || err != nil {
		o.Fatalf("%d renewals written, want %d: %v", n, want, err)
	}
}

func (o *subscriber) goTo(t time.Time) { o.office.clock.Advance(t.Sub(o.office.clock.Now())) }

// open lists the findings that are open, by kind.
func (o *subscriber) open() string {
	o.Helper()
	l, err := broker.NewFindings(o.s, nil, nil).List(ctx, duoyun.SystemActor(), broker.FindingFilter{State: duoyun.FindingOpen}, duoyun.Page{})
	if err != nil {
		o.Fatal(err)
	}
	var kinds []string
	for _, f := range l.Items {
		kinds = append(kinds, f.Kind)
	}
	slices.Sort(kinds)
	return strings.Join(kinds, " ")
}

func (o *subscriber) wantOpen(want string) {
	o.Helper()
	if got := o.open(); got != want {
		o.Fatalf("open findings %q, want %q", got, want)
	}
}

// resolveAll closes the open findings of a kind as a person does.
func (o *subscriber) resolveAll(kind string) {
	o.Helper()
	fs := broker.NewFindings(o.s, nil, o.office.clock.Now)
	l, err := fs.List(ctx, duoyun.SystemActor(), broker.FindingFilter{State: duoyun.FindingOpen, Kind: kind}, duoyun.Page{})
	if err != nil || len(l.Items) == 0 {
		o.Fatalf("%v %v", l.Items, err)
	}
	for _, f := range l.Items {
		if _, err := fs.Resolve(ctx, o.actor("city-procurement"), duoyun.Once{}, f.ID, broker.Resolution{Note: "已处理"}); err != nil {
			o.Fatal(err)
		}
	}
}

const openEnded = "{start: 2026-12-01, renew: ask}"

func TestAPoolThatSubscribesBuysEveryAttemptForTheSameTerm(t *testing.T) {
	subscribing(t, 12, func(o *subscriber) {
		order := o.signed(o.doc(small, "{start: 2026-12-01, months: 1}", openEnded))
		o.place(order)
		o.buys(1) // the term is the intents' own by now
		o.vendor.fail("server", "dropped", "throttled")
		o.purchase()
		for _, c := range o.vendor.runs {
			if want := map[bool]int{true: 12}[c.Kind != duoyun.KindNetwork]; c.Months != want {
				o.Errorf("%s %s was bought for %d months, want %d", c.Kind, c.Name, c.Months, want)
			}
		}
		for _, r := range o.resources(order) {
			if r.PaidUntil.Year() != 2027 || r.PaidUntil.Month() != time.November {
				o.Errorf("%s is paid until %s", r.Name, r.PaidUntil)
			}
		}
		if len(o.vendor.runs) != 3+2+2+2 {
			o.Errorf("%d mutations", len(o.vendor.runs))
		}
	})
}

// Whoever orders for six weeks is not bought a year.
func TestNoTermIsBoughtThatIsLongerThanThePeriodNeeds(t *testing.T) {
	subscribing(t, 12, func(o *subscriber) {
		order := o.owns("{start: 2026-12-01, months: 1}") // on 20 November: two begun months
		for _, r := range o.resources(order) {
			if day := duoyun.DateOf(r.PaidUntil).String(); day != "2027-01-20" {
				o.Errorf("%s is paid until %s", r.Name, day)
			}
		}
	})
}

func TestASubscriptionIsRenewedAWeekBeforeItEndsAndItsHoldsStay(t *testing.T) {
	subscribing(t, 1, func(o *subscriber) {
		order := o.owns(openEnded)
		until, held := o.one(order, "app").PaidUntil, o.spent(2026)
		o.goTo(until.Add(-8 * 24 * time.Hour))
		o.renews(0)
		o.goTo(until.Add(-7 * 24 * time.Hour).Add(time.Hour))
		o.buys(2)
		o.renews(2) // the server and its disk
		o.renews(0) // they are under way
		o.purchase()
		o.renews(0)
		for _, line := range []string{"app", "data"} {
			if r := o.one(order, line); !r.PaidUntil.After(until.AddDate(0, 1, 27)) || r.State != duoyun.ResourceRunning {
				o.Errorf("%s is %s, paid until %s; it was until %s", line, r.State, r.PaidUntil, until)
			}
		}
		if now := o.spent(2026); now != held {
			o.Errorf("the budget holds %s, it held %s", now, held)
		}
		o.exact()
		o.wantOpen("")
	})
}

// Two workers, or two replicas: one renewal a resource, by the database's own rule.
func TestRenewalsAreWrittenOnceHoweverManyAskForThem(t *testing.T) {
	subscribing(t, 1, func(o *subscriber) {
		order := o.owns(openEnded)
		o.goTo(o.one(order, "app").PaidUntil.Add(-24 * time.Hour))
		counts := make(chan int, 4)
		for range cap(counts) {
			go func() {
				n, err := o.svc.RenewSubscriptions(ctx)
				if err != nil {
					o.Error(err)
				}
				counts <- n
			}()
		}
		sum := 0
		for range cap(counts) {
			sum += <-counts
		}
		if sum != 2 {
			o.Errorf("%d renewals of two resources", sum)
		}
	})
}

func TestTheEndOfAPeriodIsToldOnceAndNotRenewed(t *testing.T) {
	subscribing(t, 1, func(o *subscriber) {
		order := o.owns("{start: 2026-12-01, months: 1}") // until 2027-01-01; paid until 20 December, then 20 January
		o.goTo(o.one(order, "app").PaidUntil.Add(-24 * time.Hour))
		o.renews(2)
		o.purchase()
		until := o.one(order, "app").PaidUntil
		o.goTo(until.Add(-6 * 24 * time.Hour))
		o.renews(0)
		o.wantOpen("expiring expiring")
		o.renews(0)
		o.resolveAll("expiring") // let it end, they say
		o.goTo(until.Add(-time.Hour))
		o.renews(0)
		o.wantOpen("")
		o.goTo(until.Add(time.Hour))
		o.renews(0)
		o.renews(0)
		o.wantOpen("expired expired")
		if r := o.one(order, "app"); r.State != duoyun.ResourceRunning {
			o.Errorf("it is %s", r.State)
		}
		o.resolveAll("expired")
		o.renews(0)
		o.wantOpen("")
		o.exact()
	})
}

func TestAWarningSettlesItselfWhenTheResourceIsRenewedOrReleased(t *testing.T) {
	subscribing(t, 1, func(o *subscriber) {
		order := o.owns("{start: 2026-11-20, months: 1}")
		app, data := o.one(order, "app"), o.one(order, "data")
		o.goTo(app.PaidUntil.Add(-5 * 24 * time.Hour))
		o.renews(0)
		o.wantOpen("expiring expiring")

		doc := o.doc(fmt.Sprintf("form: renew\nagency: suqian/hrss\npayer: suqian/data\nperiod: {months: 3}\nfunding: [{year: 2026, item: 信息系统运行维护费, limit: \"5000\"}, {year: 2027, item: 信息系统运行维护费, limit: \"5000\", status: intent}]\nlines:\n  - {resource: %s}\n", app.Number))
		o.place(o.signed(doc))
		release := o.signed(o.form("release", "resource: "+data.Number+", action: release"))
		o.place(release)
		o.purchase()
		o.state(release.ID, duoyun.OrderConfirmed)
		o.wantOpen("expiring") // of the server, whose renewal is not made yet
		o.buys(12)
		o.renews(1)
		o.purchase()
		o.wantOpen("")
		last := o.vendor.runs[len(o.vendor.runs)-1]
		if last.Op != duoyun.OpRenew || last.Months != 3 { // from 20 December until 20 March
			o.Errorf("%s for %d months", last.Op, last.Months)
		}
		o.exact()
	})
}

func TestARenewalThatFailedIsTriedAgainWhenAPersonHasMendedTheCause(t *testing.T) {
	subscribing(t, 1, func(o *subscriber) {
		order := o.owns(openEnded)
		app, held := o.one(order, "app"), o.spent(2026)
		o.goTo(app.PaidUntil.Add(-24 * time.Hour))
		o.vendor.fail("renew", "quota")
		o.renews(2)
		o.purchase()
		o.wantOpen("not_renewed")
		o.renews(0)
		if r := o.one(order, "app"); r.State != duoyun.ResourceRunning || !r.PaidUntil.Equal(app.PaidUntil) || o.spent(2026) != held {
			o.Errorf("it is %s, paid until %s, and %s are held", r.State, r.PaidUntil, o.spent(2026))
		}
		o.resolveAll("not_renewed")
		o.renews(1)
		o.purchase()
		o.wantOpen("")
		if r := o.one(order, "app"); !r.PaidUntil.After(app.PaidUntil) {
			o.Errorf("it is paid until %s still", r.PaidUntil)
		}
		o.exact()
	})
}

// The platform stood still for two weeks: what has ended is told, renewed all the same, and then told no more.
func TestASubscriptionThatHasEndedIsRenewedLate(t *testing.T) {
	subscribing(t, 1, func(o *subscriber) {
		order := o.owns(openEnded)
		o.goTo(o.one(order, "app").PaidUntil.Add(24 * time.Hour))
		o.renews(2)
		o.wantOpen("expired expired")
		o.purchase()
		o.wantOpen("")
	})
}

func TestAPoolThatHasGoneOverToBuyingOnDemandRenewsByTheMonth(t *testing.T) {
	subscribing(t, 1, func(o *subscriber) {
		order := o.owns(openEnded)
		o.buys(0)
		o.goTo(o.one(order, "app").PaidUntil.Add(-24 * time.Hour))
		o.renews(2)
		o.purchase()
		if c := o.vendor.runs[len(o.vendor.runs)-1]; c.Op != duoyun.OpRenew || c.Months != 1 {
			o.Errorf("%s for %d months", c.Op, c.Months)
		}
	})
}
