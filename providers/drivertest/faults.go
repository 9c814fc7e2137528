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
		fault("an answer cut in the middle is in doubt, then found by mark", f.CutAnswer, w.lostAnswer)
		fault("a throttled call did nothing", f.Throttle, w.refused(driver.Throttled))
		fault("what is sold out is told so, and did nothing", f.SellOut, w.refused(driver.SoldOut))
		fault("what the quota refuses is told so, and did nothing", f.OverQuota, w.refused(driver.Quota))
		fault("what the credentials may not do is told so, and did nothing", f.Deny, w.refused(driver.Auth))
		fault("a request that acts twice is never taken for a refusal, and both are seen", f.Duplicate, w.duplicated)
		if f.DuplicateAll != nil {
			t.Run(string(k)+": what follows, changes and deletions whose every request acts twice are done once", func(t *testing.T) { w.allTwice(t, k) })
		}
		if !slices.Contains(w.h.NaturalKeys, k) { // which needs neither an id in the answer nor a listing
			fault("an answer of another type is in doubt, then found by mark", f.Mistype, w.lostAnswer)
			fault("a stale list hides nothing that is known by its id", f.StaleLists, w.staleLists)
			fault("a list with nothing in it proves no absence", f.HollowLists, w.hollowLists)
		}
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

// refused sends a creation that the vendor refuses with a code: it did nothing.
func (w *world) refused(want driver.Code) func(*testing.T, duoyun.Kind, func(duoyun.Kind) func()) {
	return func(t *testing.T, k duoyun.Kind, start func(duoyun.Kind) func()) {
		c, _, call := w.upToMain(t, k)
		if code := w.spoil(t, call, start); code != want {
			t.Errorf("code %q, want %s", code, want)
		}
		w.until(t, call, driver.Absent)
		w.remove(t, &unit{Change: *c})
	}
}

// duplicated: a vendor without idempotency tokens may make two. The driver does not hide it: the second answer, though it
// may be a refusal caused by the first, is no refusal, and whoever looks by mark sees one thing or a contradiction.
func (w *world) duplicated(t *testing.T, k duoyun.Kind, start func(duoyun.Kind) func()) {
	c, step, call := w.upToMain(t, k)
	if code := w.spoil(t, call, start); code != driver.OK && code != driver.InDoubt {
		t.Errorf("code %q: the first of the two acted", code)
	}
	marked := w.marked(t, k, c.Mark)
	if len(marked) == 0 {
		t.Fatal("nothing bears the mark")
	}
	e, err := w.rested(t, call)
	if err != nil || len(marked) > 1 && e.State != driver.Conflict || len(marked) == 1 && e.State != driver.Done {
		t.Errorf("%d bear the mark, and the look by it says %+v, %v", len(marked), e, err)
	}
	for _, id := range marked {
		twin := *c
		w.keep(&twin, step, id)
		w.remove(t, &unit{Change: twin})
	}
}

// allTwice finishes a unit, changes it and takes it away, while every request acts twice: the second answer
// may be a refusal that the first caused, and leads nobody to believe that it was not done.
func (w *world) allTwice(t *testing.T, k duoyun.Kind) {
	bought := w.change(t, k)
	steps := w.plan(t, bought)
	main := slices.IndexFunc(steps, func(s driver.Step) bool { return s.Main }) + 1
	w.walk(t, &bought, steps[:main])
	end := w.h.Faults.DuplicateAll()
	defer end()
	w.persist(t, &bought, steps, main)
	u := w.settled(t, bought)
	for _, after := range w.updates(u) {
		c := u.Change
		c.Op, c.Before, c.After = duoyun.OpUpdate, u.After, after
		w.persist(t, &c, w.plan(t, c), 0)
		u.After = after
	}
	gone := u.deletion()
	w.persist(t, &gone, w.plan(t, gone), 0)
	end()
	w.remove(t, u)
}

// updates are what a unit may become, one after another.
func (w *world) updates(u *unit) []duoyun.Spec {
	switch s := u.After.(type) {
	case duoyun.ServerSpec:
		stopped := s
		stopped.Stopped = true
		return []duoyun.Spec{stopped, s, w.h.Samples.ResizedServer}
	case duoyun.DiskSpec:
		return []duoyun.Spec{w.h.Samples.GrownDisk}
	case duoyun.BucketSpec:
		return []duoyun.Spec{w.h.Samples.GrownBucket}
	case duoyun.DatabaseSpec:
		return []duoyun.Spec{w.h.Samples.GrownDatabase, w.h.Samples.ResizedDatabase}
	case duoyun.CacheSpec:
		return []duoyun.Spec{w.h.Samples.ResizedCache}
	}
	return nil
}

// persist walks a change from one of its steps on as the protocol does: what is refused for the moment is sent again, what is in doubt is looked
// for, and nothing may be refused for good.
func (w *world) persist(t *testing.T, c *driver.Change, steps []driver.Step, from int) {
	t.Helper()
	token := tokens(*c)
	for i, s := range steps[from:] {
		call := driver.Call{Change: *c, Step: s.Name, Token: token(from + i)}
		for tries := 0; ; tries++ {
			_, err := w.resource(c.Kind).Run(t.Context(), call)
			if code := w.cloud.Code(err); code == driver.Invalid || code == driver.NotFound || code == driver.Auth || code == driver.Quota || code == driver.SoldOut {
				t.Errorf("%s %s: code %q: the first of the two acted: %v", c.Op, s.Name, code, err)
			}
			if e, err := w.rested(t, call); err == nil && (e.State == driver.Done || e.State == driver.Conflict) {
				w.keep(c, s, e.ID)
				break
			}
			if tries == 10 {
				t.Fatalf("%s %s is never done", c.Op, s.Name)
			}
			w.wait(t.Context())
		}
	}
}

// marked waits for what bears a mark to be listed and returns the ids.
func (w *world) marked(t *testing.T, k duoyun.Kind, mark string) (ids []string) {
	t.Helper()
	for range w.h.Looks {
		all, err := w.everything(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			if o.Mark == mark {
				ids = append(ids, o.ID)
			}
		}
		if len(ids) > 0 {
			return ids
		}
		w.wait(t.Context())
	}
	return nil
}

// rested looks until the vendor is no longer at it.
func (w *world) rested(t *testing.T, call driver.Call) (e driver.Evidence, err error) {
	t.Helper()
	for range w.h.Looks {
		if e, err = w.resource(call.Kind).Look(t.Context(), call); err != nil || e.State != driver.Pending {
			return e, err
		}
		w.wait(t.Context())
	}
	return e, err
}

func (w *world) staleLists(t *testing.T, k duoyun.Kind, start func(duoyun.Kind) func()) {
	c, step, call := w.upToMain(t, k)
	end := start(k)
	defer end()
	if _, err := w.everything(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	w.keep(c, step, w.run(t, call).ID)
	if _, err := w.resource(k).Observe(t.Context(), c.ID); err != nil {
		t.Errorf("observed by its id: %v", err)
	}
	known := call
	known.Change = *c
	w.until(t, known, driver.Done)
	if e, err := w.rested(t, call); err != nil || e.State != driver.Absent || e.ID != "" {
		t.Errorf("the look by mark through the stale list: %+v, %v", e, err)
	}
	end()
	w.until(t, call, driver.Done)
	w.remove(t, &unit{Change: *c})
}

func (w *world) hollowLists(t *testing.T, k duoyun.Kind, start func(duoyun.Kind) func()) {
	c, step, call := w.upToMain(t, k)
	w.keep(c, step, w.run(t, call).ID)
	w.until(t, call, driver.Done)
	end := start(k)
	defer end()
	e, err := w.resource(k).Look(t.Context(), call)
	if err == nil && e.State == driver.Absent && e.Complete {
		t.Errorf("a listing with nothing in it: %+v", e)
	}
	if p, err := w.resource(k).List(t.Context(), ""); err == nil && !p.Partial {
		t.Errorf("a listing with nothing in it is taken for a whole one: %+v", p)
	}
	end()
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
