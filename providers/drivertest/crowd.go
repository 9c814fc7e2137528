package drivertest

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// crowdSize is how many are bought at once: what a province's workers may send one account.
const crowdSize = 16

// crowd makes sixteen of a kind at once: each is one thing with its own mark, and all are in the listing once, whatever
// the pages.
func (w *world) crowd(t *testing.T, k duoyun.Kind) {
	var units []*unit
	var mains []driver.Step
	calls := make([]driver.Call, crowdSize)
	for i := range calls {
		c, main, call := w.upToMain(t, k)
		units, mains, calls[i] = append(units, &unit{Change: *c}), append(mains, main), call
	}
	errs := make([]error, crowdSize)
	var group sync.WaitGroup
	for i := range calls {
		group.Go(func() {
			var reply driver.Reply
			reply, errs[i] = w.insist(t.Context(), calls[i])
			w.keep(&units[i].Change, mains[i], reply.ID)
		})
	}
	group.Wait()
	for i, u := range units {
		if errs[i] != nil {
			t.Errorf("one of many: code %q: %v", w.cloud.Code(errs[i]), errs[i])
			continue
		}
		calls[i].Change = u.Change
		w.keep(&u.Change, mains[i], w.until(t, calls[i], driver.Done).ID)
	}
	w.counted(t, k, units)
	for _, u := range units {
		w.remove(t, u)
	}
}

// insist sends a step again where the vendor refused without doing anything.
func (w *world) insist(ctx context.Context, call driver.Call) (reply driver.Reply, err error) {
	for range w.h.Looks {
		reply, err = w.resource(call.Kind).Run(ctx, call)
		switch w.cloud.Code(err) {
		case driver.NotReady, driver.Throttled, driver.Unavailable:
			w.wait(ctx)
		default:
			return reply, err
		}
	}
	return reply, err
}

func (w *world) counted(t *testing.T, k duoyun.Kind, units []*unit) {
	all, err := w.everything(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range units {
		same := slices.DeleteFunc(slices.Clone(all), func(o driver.Observation) bool { return o.Mark != u.Mark })
		if len(same) != 1 || same[0].ID != u.ID {
			t.Errorf("%d bear the mark of %s: %+v", len(same), u.ID, same)
		}
	}
}
