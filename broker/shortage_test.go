package broker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/store/storetest"
)

func (o *office) limit(d duoyun.Dimension, n int64) {
	o.Helper()
	if _, err := o.quota.SetLimit(ctx, o.actor("city-procurement"), storetest.HRSS, d, &n); err != nil {
		o.Fatal(err)
	}
}

func TestAShortageHoldsTheOrderWholeAndItsSignaturesStand(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		o.limit(duoyun.QuotaVCPU, 7)
		got := o.place(order)
		if got.State != duoyun.OrderHeld || got.Reason == "" {
			o.Fatalf("%s %q", got.State, got.Reason)
		}
		if n := len(o.resources(order)); n != 0 || o.used(duoyun.QuotaVCPU) != 0 || o.used(duoyun.QuotaServers) != 0 || o.spent(2026) != 0 {
			o.Errorf("something was taken: %d resources, %d vCPU, %s", n, o.used(duoyun.QuotaVCPU), o.spent(2026))
		}
		if !slices.Contains(o.findings(), "shortage") {
			o.Errorf("findings: %v", o.findings())
		}
		o.limit(duoyun.QuotaVCPU, 8)
		if _, err := o.svc.Retry(ctx, o.actor("hrss-applicant"), duoyun.Once{}, order.ID); err != nil {
			o.Fatal(err)
		}
		if got := o.place(order); got.State != duoyun.OrderProvisioning || got.ContentHash != order.ContentHash {
			o.Errorf("retried: %s", got.State)
		}
		o.exact()
	})
}

// failing makes the creation of one unit fail.
func (o *office) failing(order duoyun.Order, line string) {
	o.Helper()
	id := o.one(order, line).ID
	o.fate = func(in duoyun.Intent) duoyun.IntentState {
		if in.ResourceID == id && in.Op == duoyun.OpCreate {
			return duoyun.IntentFailed
		}
		return duoyun.IntentVerified
	}
}

func TestHoldKeepsWhatThereIsAndBuysTheRestOnRetry(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		o.place(order)
		o.failing(order, "app")
		o.work()
		o.state(order.ID, duoyun.OrderHeld)
		states := o.states(order)
		if states[duoyun.ResourceDelivered] != 2 || states[duoyun.ResourceFailed] != 1 || states[duoyun.ResourceCancelled] != 1 {
			o.Errorf("a failed server takes its disk with it: %v", states)
		}
		if n := o.used(duoyun.QuotaServers); n != 1 {
			o.Errorf("%d servers held", n)
		}
		o.fate = nil
		if _, err := o.svc.Retry(ctx, o.actor("city-procurement"), duoyun.Once{}, order.ID); err != nil {
			o.Fatal(err)
		}
		o.place(order)
		o.work()
		o.state(order.ID, duoyun.OrderDelivered)
		if states := o.states(order); states[duoyun.ResourceDelivered] != 4 || o.used(duoyun.QuotaServers) != 2 {
			o.Errorf("after the retry: %v", states)
		}
		o.exact()
	})
}

func (o *office) states(order duoyun.Order) map[duoyun.ResourceState]int {
	n := map[duoyun.ResourceState]int{}
	for _, r := range o.resources(order) {
		n[r.State]++
	}
	return n
}

func TestPartialHandsOverWhatThereIs(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small, "on_shortage: hold", "on_shortage: partial"))
		o.place(order)
		o.failing(order, "app")
		o.work()
		o.state(order.ID, duoyun.OrderPartial)
		o.decide(order, duoyun.TaskConfirmDelivery, "hrss-confirmer", broker.Approve)
		o.state(order.ID, duoyun.OrderConfirmed)
		if states := o.states(order); states[duoyun.ResourceRunning] != 2 {
			o.Errorf("running: %v", states)
		}
		o.exact()
	})
}

func TestUndoTakesBackWhatWasBoughtChildrenFirst(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small, "on_shortage: hold", "on_shortage: undo"))
		o.place(order)
		o.failing(order, "data")
		o.work()
		o.state(order.ID, duoyun.OrderUndone)
		for _, r := range o.resources(order) {
			if r.State.Live() {
				o.Errorf("%s is %s", r.Name, r.State)
			}
		}
		var gone []duoyun.Kind
		for _, in := range o.done {
			if in.Op == duoyun.OpDelete {
				gone = append(gone, in.Kind)
			}
		}
		if i, j := slices.Index(gone, duoyun.KindDisk), len(gone)-1; len(gone) != 3 || i == j {
			o.Errorf("taken back in the order %v", gone)
		}
		if o.used(duoyun.QuotaServers) != 0 || o.used(duoyun.QuotaDiskGiB) != 0 || o.spent(2026) != 0 {
			o.Errorf("held after undoing: %d servers, %d GiB, %s", o.used(duoyun.QuotaServers), o.used(duoyun.QuotaDiskGiB), o.spent(2026))
		}
		o.exact()
	})
}

func TestNothingHadIsAFailure(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small, "on_shortage: hold", "on_shortage: partial"))
		o.place(order)
		o.fate = func(duoyun.Intent) duoyun.IntentState { return duoyun.IntentFailed }
		o.work()
		o.state(order.ID, duoyun.OrderFailed)
		if o.used(duoyun.QuotaServers) != 0 || o.spent(2026) != 0 {
			o.Error("a failed order holds something")
		}
		o.fate = nil
		again := o.signed(o.doc(small)) // the network that failed is made anew
		o.place(again)
		o.work()
		o.state(again.ID, duoyun.OrderDelivered)
	})
}

func TestAMismatchKeepsItsHoldsAndWaitsForAPerson(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		o.place(order)
		id := o.one(order, "data").ID
		o.fate = func(in duoyun.Intent) duoyun.IntentState {
			if in.ResourceID == id {
				return duoyun.IntentMismatched
			}
			return duoyun.IntentVerified
		}
		o.work()
		o.state(order.ID, duoyun.OrderProvisioning)
		if n := o.used(duoyun.QuotaDiskGiB); n != 2*(500+100) {
			o.Errorf("%d GiB held", n)
		}
	})
}

func TestARejectedDeliveryIsTakenBackAndAReturnedOneStays(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		o.place(order)
		o.work()
		o.decide(order, duoyun.TaskConfirmDelivery, "hrss-confirmer", broker.Return)
		o.state(order.ID, duoyun.OrderDelivered)
		if !slices.Contains(o.findings(), "delivery_disputed") {
			o.Errorf("findings: %v", o.findings())
		}
		o.decide(order, duoyun.TaskConfirmDelivery, "hrss-confirmer", broker.Reject)
		o.state(order.ID, duoyun.OrderUndoing)
		o.work()
		o.state(order.ID, duoyun.OrderUndone)
		o.exact()
	})
}

func TestAnOrderWhosePlacingNobodyIsAtIsPlacedWithinSeconds(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		if _, err := o.s.DB().Exec(`DELETE FROM river_job`); err != nil { // its worker was killed
			o.Fatal(err)
		}
		wake := func(want int) {
			o.Helper()
			if err := o.svc.Sweep(ctx); err != nil {
				o.Fatal(err)
			}
			var n int
			if err := o.s.DB().QueryRow(`SELECT COUNT(*) FROM river_job WHERE kind = 'place'`).Scan(&n); err != nil || n != want {
				o.Fatalf("%d jobs, want %d: %v", n, want, err)
			}
		}
		wake(0)
		o.clock.Advance(16 * time.Second)
		wake(1)
		o.place(order)
		o.clock.Advance(time.Minute)
		wake(1)
	})
}

func (o *office) retryHeld(want int) {
	o.Helper()
	if n, err := o.svc.RetryHeld(ctx); n != want || err != nil {
		o.Fatalf("%d orders went on, want %d: %v", n, want, err)
	}
}

func TestAnOrderOnHoldIsPlacedByItselfOnceThereIsRoom(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		o.limit(duoyun.QuotaVCPU, 7)
		o.place(order)
		was, events := o.order(order.ID), o.events(order)
		for range 3 {
			o.retryHeld(0)
		}
		if got := o.order(order.ID); got.State != duoyun.OrderHeld || got.Version != was.Version || o.events(order) != events {
			o.Errorf("tried in vain it has changed: %s, version %d after %d, %d events after %d", got.State, got.Version, was.Version, o.events(order), events)
		}
		if got := o.findings(); len(got) != 1 || got[0] != "shortage" {
			o.Errorf("findings: %v", got)
		}
		o.limit(duoyun.QuotaVCPU, 8)
		o.retryHeld(1)
		if got := o.state(order.ID, duoyun.OrderProvisioning); got.ContentHash != order.ContentHash || got.Reason != "" {
			o.Errorf("%q", got.Reason)
		}
		l, err := broker.NewFindings(o.s, nil, nil).List(ctx, duoyun.SystemActor(), broker.FindingFilter{State: duoyun.FindingOpen}, duoyun.Page{})
		if err != nil || len(l.Items) != 0 {
			o.Errorf("still open: %+v %v", l.Items, err)
		}
		o.retryHeld(0)
		o.exact()
	})
}

func (o *office) events(order duoyun.Order) int {
	o.Helper()
	l, err := o.svc.Events(ctx, duoyun.SystemActor(), order.ID)
	if err != nil {
		o.Fatal(err)
	}
	return len(l)
}

func TestTheOldestOrderOnHoldComesFirst(t *testing.T) {
	inOffice(t, func(o *office) {
		o.limit(duoyun.QuotaVCPU, 7)
		first, second := o.signed(o.doc(small)), o.signed(o.doc(small))
		o.place(second)
		o.place(first)
		o.limit(duoyun.QuotaVCPU, 8)
		o.retryHeld(1)
		o.state(first.ID, duoyun.OrderProvisioning)
		o.state(second.ID, duoyun.OrderHeld)
	})
}

func TestUnitsTheVendorFailedAreNotBoughtAgainByThemselves(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		o.place(order)
		o.fate = func(duoyun.Intent) duoyun.IntentState { return duoyun.IntentFailed }
		o.work()
		o.state(order.ID, duoyun.OrderHeld)
		o.retryHeld(0)
		o.state(order.ID, duoyun.OrderHeld)
	})
}

func TestAnUndoingThatGotStuckIsTakenUpAgain(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small, "on_shortage: hold", "on_shortage: undo"))
		o.place(order)
		kept, gone := o.one(order, "app").ID, o.one(order, "data").ID
		o.fate = func(in duoyun.Intent) duoyun.IntentState {
			if in.ResourceID == kept && in.Op == duoyun.OpDelete || in.ResourceID == gone && in.Op == duoyun.OpCreate {
				return duoyun.IntentFailed
			}
			return duoyun.IntentVerified
		}
		o.work()
		o.state(order.ID, duoyun.OrderUndoing)
		if !slices.Contains(o.findings(), "undo_stuck") || o.used(duoyun.QuotaServers) != 1 {
			o.Errorf("findings %v, %d servers held", o.findings(), o.used(duoyun.QuotaServers))
		}
		o.exact()
		_, err := o.svc.Retry(ctx, o.actor("hrss-approver"), duoyun.Once{}, order.ID)
		o.refused(err, duoyun.CodeForbidden)
		if _, err := o.svc.Retry(ctx, o.actor("city-reviewer"), duoyun.Once{}, order.ID); err != nil {
			o.Fatal(err)
		}
		_, err = o.svc.Retry(ctx, o.actor("city-reviewer"), duoyun.Once{}, order.ID)
		o.refused(err, duoyun.CodeConflict, "正在办理")
		o.exact()
		o.fate = nil
		o.work()
		o.state(order.ID, duoyun.OrderUndone)
		if o.used(duoyun.QuotaServers) != 0 || o.spent(2026) != 0 {
			o.Errorf("%d servers, %s held after undoing", o.used(duoyun.QuotaServers), o.spent(2026))
		}
		o.exact()
	})
}
