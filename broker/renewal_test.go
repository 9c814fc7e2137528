package broker_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/providers/driver"
)

// subscribed buys a server for a month.
func (x *shop) subscribed() duoyun.Intent {
	x.t.Helper()
	x.months = 1
	in := x.order("app", aServer, duoyun.IntentIntended)
	x.until(in, time.Minute)
	x.want(in, duoyun.IntentVerified)
	return in
}

// renewal writes a renewal for two months of what stands.
func (x *shop) renewal(of duoyun.Intent) duoyun.Intent {
	x.t.Helper()
	now, r := x.clock.Now(), x.resource(of)
	in := duoyun.Intent{ID: duoyun.NewID(time.Now()), ResourceID: of.ResourceID, PoolID: of.PoolID, Kind: of.Kind, Op: duoyun.OpRenew, Before: r.Spec,
		After: r.Spec, Months: 2, PaidUntil: r.PaidUntil, State: duoyun.IntentIntended, WakeAt: now, CreatedAt: now, UpdatedAt: now}
	x.tx(func(tx *sql.Tx) error { return x.store.InsertIntents(context.Background(), tx, []duoyun.Intent{in}) })
	return in
}

// paidFor asks that the vendor was paid for so many months in all, and that the record says so.
func (x *shop) paidFor(in duoyun.Intent, months int) {
	x.t.Helper()
	want := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC).AddDate(0, months, 0)
	if got := x.live()[0].paidUntil; !got.Equal(want) {
		x.t.Errorf("the vendor was paid until %s, want %s", got, want)
	}
	if r := x.resource(in); !r.PaidUntil.Equal(want) || r.State != duoyun.ResourceRunning || r.VendorID != "v-1" || r.Parts["renew"] != "" {
		x.t.Errorf("on record: %s, paid until %s, %s %v", r.State, r.PaidUntil, r.VendorID, r.Parts)
	}
}

func TestASubscriptionIsRecordedUntilWhenItIsPaidAndRenewedFromThere(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		bought := x.subscribed()
		if got := x.runs[0].Months; got != 1 {
			t.Errorf("bought for %d months", got)
		}
		x.paidFor(bought, 1)
		resize := x.change(bought, duoyun.OpUpdate, duoyun.ServerSpec{VCPU: 8, RAMGiB: 32, SystemDiskGiB: 100, Image: "kylin-v10"})
		x.until(resize, time.Minute)
		x.want(resize, duoyun.IntentVerified)
		x.paidFor(bought, 1) // a change leaves it
		renew := x.renewal(bought)
		if x.work(renew) != 0 {
			t.Error("a renewal that is seen at once asks for more")
		}
		x.want(renew, duoyun.IntentVerified)
		x.paidFor(bought, 3)
		x.wantSent(3)
		if c := x.runs[2]; c.Months != 2 || !c.PaidUntil.Equal(renew.PaidUntil) || c.ID != "v-1" || c.Before == nil || c.After == nil {
			t.Errorf("the driver was told %+v", c.Change)
		}
		onDemand := x.order("other", aServer, duoyun.IntentIntended)
		x.tx(func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE intents SET months = 0 WHERE id = $1`, onDemand.ID)
			return err
		})
		x.until(onDemand, time.Minute)
		if got := x.resource(onDemand).PaidUntil; !got.IsZero() {
			t.Errorf("what is on demand is paid until %s", got)
		}
	})
}

// Also where the vendor keeps tokens: a renewal goes by none.
func TestARenewalWhoseReplyIsLostIsNotSentAgain(t *testing.T) {
	for _, life := range []time.Duration{0, time.Hour} {
		t.Run(life.String(), func(t *testing.T) {
			each(t, func(t *testing.T, x *shop) {
				bought := x.subscribed()
				x.caps.TokenLife = life
				x.fail("renew", "lost")
				renew := x.renewal(bought)
				x.until(renew, time.Hour)
				x.want(renew, duoyun.IntentVerified)
				x.wantSent(2)
				x.paidFor(bought, 3)
			})
		})
	}
}

func TestARenewalIsSentAgainOnlyWhenItIsProvenThatItWasNotMade(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		bought := x.subscribed()
		x.caps.TokenLife = time.Hour
		x.fail("renew", "dropped")
		renew, began := x.renewal(bought), x.clock.Now()
		for x.sent() < 3 {
			if wait := x.work(renew); x.sent() < 3 {
				x.clock.Advance(wait)
			}
		}
		if passed := x.clock.Now().Sub(began); passed < 55*time.Second {
			t.Errorf("sent again after %v: before its absence was proven", passed)
		}
		x.until(renew, time.Hour)
		if got := x.want(renew, duoyun.IntentVerified); got.Generation != 1 {
			t.Errorf("generation %d", got.Generation)
		}
		x.paidFor(bought, 3)
	})
}

func TestARenewalWhoseWorkerIsKilledIsMadeOnce(t *testing.T) {
	for _, acted := range []bool{true, false} {
		t.Run(map[bool]string{true: "acted", false: "not acted"}[acted], func(t *testing.T) {
			each(t, func(t *testing.T, x *shop) {
				bought := x.subscribed()
				renew := x.renewal(bought)
				x.killIn(renew, acted)
				x.clock.Advance(26 * time.Second)
				x.work(renew)
				x.wantSent(1) // a step found sent is not sent by whoever finds it
				x.until(renew, time.Hour)
				x.want(renew, duoyun.IntentVerified)
				x.paidFor(bought, 3)
			})
		})
	}
}

// killIn leaves a renewal as a worker does that is killed within its wire call.
func (x *shop) killIn(in duoyun.Intent, acted bool) {
	x.t.Helper()
	sent := in
	sent.State, sent.Owner, sent.LeaseUntil, sent.Attempt = duoyun.IntentSent, "dead", x.clock.Now().Add(25*time.Second), 1
	x.tx(func(tx *sql.Tx) error {
		st := duoyun.IntentStep{IntentID: in.ID, Name: "renew", Token: "t", SentAt: x.clock.Now(), Outcome: "sent"}
		if err := x.store.SaveStep(context.Background(), tx, st); err != nil {
			return err
		}
		return x.store.SaveIntent(context.Background(), tx, broker.Lease{State: in.State}, sent)
	})
	if acted {
		x.vendor.mu.Lock()
		defer x.vendor.mu.Unlock()
		shelf{x.vendor, in.Kind}.act(driver.Call{Change: driver.Change{Op: duoyun.OpRenew, ID: "v-1", Months: in.Months}, Step: "renew"})
	}
}

// A person gave up a renewal in doubt, and it came after all; the next one finds it, and is not sent.
func TestARenewalThatCameAfterAllIsNotMadeASecondTime(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		bought := x.subscribed()
		renew := x.renewal(bought)
		x.killIn(renew, true)
		x.lookErr = vendorError{driver.Unavailable, "the vendor is away"}
		x.clock.Advance(26 * time.Second)
		x.until(renew, time.Hour)
		x.want(renew, duoyun.IntentInDoubt)
		x.mustResolve("in_doubt", broker.Resolution{Remedy: duoyun.RemedyGiveUp})
		x.want(renew, duoyun.IntentFailed)
		if got := x.findings(); got != "not_renewed" {
			t.Errorf("findings %q", got)
		}
		x.lookErr = nil
		again := x.renewal(bought)
		x.until(again, time.Minute)
		x.want(again, duoyun.IntentVerified)
		x.wantSent(1)
		x.paidFor(bought, 3)
	})
}

// Whether the renewal was made already cannot be seen: it waits.
func TestARenewalWaitsForAVendorThatShowsNothing(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		bought := x.subscribed()
		x.lookErr = vendorError{driver.Unavailable, "the vendor is away"}
		renew := x.renewal(bought)
		x.until(renew, 10*time.Minute)
		x.want(renew, duoyun.IntentIntended)
		x.wantSent(1)
		x.lookErr = nil
		x.until(renew, time.Hour)
		x.want(renew, duoyun.IntentVerified)
		x.wantSent(2)
		x.paidFor(bought, 3)
	})
}

func TestARenewalThatIsRefusedForGoodIsTold(t *testing.T) {
	for _, code := range []driver.Code{driver.Quota, driver.Invalid} {
		t.Run(string(code), func(t *testing.T) {
			each(t, func(t *testing.T, x *shop) {
				bought := x.subscribed()
				x.fail("renew", string(code))
				renew := x.renewal(bought)
				x.until(renew, time.Minute)
				x.want(renew, duoyun.IntentFailed)
				if got := x.findings(); got != "not_renewed" {
					t.Errorf("findings %q", got)
				}
				x.wantTold("app: create verified", "app: renew failed")
				x.paidFor(bought, 1)
			})
		})
	}
}

// A disk's term ends with its server's: the vendor renews both at once.
func TestWhatIsRenewedWithItsServerWaitsForThat(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		server := x.subscribed()
		disk := x.order("data", duoyun.DiskSpec{SizeGiB: 100, Class: "ssd"}, duoyun.IntentIntended, server)
		x.until(disk, time.Minute)
		waits, renew := x.renewal(disk), x.renewal(server)
		x.until(waits, 10*time.Minute)
		x.want(waits, duoyun.IntentMaterialised)
		x.until(renew, time.Minute)
		x.until(waits, 10*time.Minute)
		x.want(waits, duoyun.IntentVerified)
		x.wantSent(3)
		if a, b := x.resource(server).PaidUntil, x.resource(disk).PaidUntil; !a.Equal(b) {
			t.Errorf("the server is paid until %s, its disk until %s", a, b)
		}
	})
}

func TestWhatNeverComesToBeRenewedWithItsServerIsTold(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		server := x.subscribed()
		disk := x.order("data", duoyun.DiskSpec{SizeGiB: 100, Class: "ssd"}, duoyun.IntentIntended, server)
		x.until(disk, time.Minute)
		waits := x.renewal(disk)
		x.until(waits, 3*time.Hour)
		x.want(waits, duoyun.IntentMaterialised)
		if got := x.findings(); got != "slow" {
			t.Errorf("findings %q", got)
		}
		x.mustResolve("slow", broker.Resolution{Remedy: duoyun.RemedyGiveUp})
		x.want(waits, duoyun.IntentFailed)
	})
}
