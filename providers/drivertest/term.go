package drivertest

import (
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// subscription buys a unit for a month, renews it for two, and gives it back before its time.
func (w *world) subscription(t *testing.T, k duoyun.Kind) {
	c := w.change(t, k)
	c.Months = 1
	u := w.buy(t, c)
	bought := w.paidFor(t, u, w.now(), c.Months)

	r := u.Change
	r.Op, r.Before, r.After, r.Secret, r.Months, r.PaidUntil = duoyun.OpRenew, u.After, u.After, driver.Secret{}, 2, bought
	steps := w.plan(t, r)
	if len(steps) == 0 {
		t.Fatal("no steps renew it")
	}
	w.until(t, driver.Call{Change: r, Step: steps[0].Name}, driver.Absent)
	w.walk(t, &r, steps)
	w.paidFor(t, u, bought, r.Months)
	w.remove(t, u)
}

// paidFor checks that a unit is paid for so many months from a moment, and returns until when. Vendors may add what is
// left of the last day.
func (w *world) paidFor(t *testing.T, u *unit, from time.Time, months int) time.Time {
	t.Helper()
	o, err := w.resource(u.Kind).Observe(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	const day = 24 * time.Hour
	least, most := from.Add(time.Duration(28*months)*day), from.Add(time.Duration(31*months+1)*day)
	if o.PaidUntil.Before(least) || o.PaidUntil.After(most) || o.PaidUntil.Location() != time.UTC {
		t.Errorf("paid until %s, want %d months from %s, in UTC", o.PaidUntil, months, from)
	}
	return o.PaidUntil
}
