package drivertest

import (
	"context"
	"slices"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// spoiled tries every kind against every fault the cloud can play.
func (w *world) spoiled(t *testing.T) {
	f := w.h.Faults
	for _, k := range inOrder() {
		if !w.offered(k) {
			continue
		}
		fault := func(name string, start func(duoyun.Kind) func(), test func(*testing.T, duoyun.Kind, func(duoyun.Kind) func())) {
			if start != nil {
				t.Run(string(k)+": "+name, func(t *testing.T) { test(t, k, start) })
			}
		}
		fault("a lost request is in doubt, then proven absent", f.LoseRequest, w.lostRequest)
		fault("a lost answer is in doubt, then found by mark", f.LoseAnswer, w.lostAnswer)
		fault("a failure after the fact is in doubt, then found by mark", f.Fail, w.lostAnswer)
		fault("an answer after the deadline is in doubt, then found by mark", f.HoldAnswer, w.lostAnswer)
		fault("a throttled call did nothing", f.Throttle, w.throttled)
	}
	if f.Revoke != nil {
		t.Run("a revoked login is replaced", w.revoked)
	}
}

// upToMain walks a creation to its main step, which it returns unsent.
func (w *world) upToMain(t *testing.T, k duoyun.Kind) (*driver.Change, driver.Step, driver.Call) {
	t.Helper()
	c := w.change(t, k)
	steps := w.plan(t, c)
	i := slices.IndexFunc(steps, func(s driver.Step) bool { return s.Main })
	w.walk(t, &c, steps[:i])
	return &c, steps[i], driver.Call{Change: c, Step: steps[i].Name, Token: duoyun.StepToken(c.Mark, 0, i)}
}

// spoil sends a call under a fault and returns its code.
func (w *world) spoil(t *testing.T, call driver.Call, start func(duoyun.Kind) func()) driver.Code {
	t.Helper()
	ctx := t.Context()
	if p := w.h.Faults.Patience; p > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p)
		defer cancel()
	}
	end := start(call.Kind)
	defer end()
	_, err := w.resource(call.Kind).Run(ctx, call)
	return w.cloud.Code(err)
}

func (w *world) lostAnswer(t *testing.T, k duoyun.Kind, start func(duoyun.Kind) func()) {
	c, step, call := w.upToMain(t, k)
	if code := w.spoil(t, call, start); code != driver.InDoubt {
		t.Errorf("code %q, want in_doubt", code)
	}
	e := w.until(t, call, driver.Done)
	if e.ID == "" {
		t.Fatalf("found without an id: %+v", e)
	}
	w.keep(c, step, e.ID)
	w.remove(t, &unit{Change: *c})
}

func (w *world) lostRequest(t *testing.T, k duoyun.Kind, start func(duoyun.Kind) func()) {
	sentinel := w.buy(t, w.change(t, k))
	c, step, call := w.upToMain(t, k)
	if code := w.spoil(t, call, start); code != driver.InDoubt {
		t.Errorf("code %q, want in_doubt", code)
	}
	call.Sentinel = sentinel.ID
	if e := w.until(t, call, driver.Absent); !e.Complete || !e.SentinelSeen {
		t.Errorf("absence is not proven: %+v", e)
	}
	w.keep(c, step, w.run(t, call).ID)
	w.until(t, call, driver.Done)
	w.remove(t, &unit{Change: *c})
	w.remove(t, sentinel)
}

func (w *world) throttled(t *testing.T, k duoyun.Kind, start func(duoyun.Kind) func()) {
	c, _, call := w.upToMain(t, k)
	if code := w.spoil(t, call, start); code != driver.Throttled {
		t.Errorf("code %q, want throttled", code)
	}
	w.until(t, call, driver.Absent)
	w.remove(t, &unit{Change: *c})
}

// cancelled: what was not sent may be said to be unavailable, but never refused.
func (w *world) cancelled(t *testing.T) {
	for _, k := range inOrder() {
		if !w.offered(k) {
			continue
		}
		c := w.change(t, k)
		call := driver.Call{Change: c, Step: w.plan(t, c)[0].Name, Token: duoyun.StepToken(c.Mark, 0, 0)}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.resource(k).Run(ctx, call)
		if code := w.cloud.Code(err); code != driver.InDoubt && code != driver.Unavailable {
			t.Errorf("%s: code %q: %v", k, code, err)
		}
		w.until(t, call, driver.Absent)
	}
}

// revoked: reads go on at once; a mutation may be refused once, and is never made twice.
func (w *world) revoked(t *testing.T) {
	k := inOrder()[slices.IndexFunc(inOrder(), w.offered)]
	u := w.buy(t, w.change(t, k))
	w.h.Faults.Revoke()
	if _, err := w.resource(k).Observe(t.Context(), u.ID); err != nil {
		t.Errorf("a read after the login was revoked: %v", err)
	}
	w.h.Faults.Revoke()
	w.remove(t, u)
	w.h.Faults.Revoke()
	again := w.buy(t, w.change(t, k))
	w.listed(t, again)
	w.remove(t, again)
}
