package broker

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// await looks for the effect of a step that the vendor took.
func (w *work) await(ctx context.Context) error {
	if len(w.plan) == 0 {
		return w.verify(ctx)
	}
	if over, err := w.shows(ctx); over || err != nil {
		return err
	}
	e, err := w.cloud.Look(ctx, w.call())
	if err != nil {
		return w.unread(ctx, err)
	}
	switch e.State {
	case driver.Done:
		return w.effective(ctx, e)
	case driver.Pending:
		return w.pending(ctx, e)
	case driver.Broken:
		return w.broken(ctx, e)
	case driver.Conflict:
		return w.person(ctx, FindingConflict, e.Detail)
	}
	if w.age() < w.cloud.Capabilities().Settling {
		return w.rest(ctx, w.poll(), "", nil)
	}
	// Taken, and past settling there is still nothing: what the vendor said is in doubt.
	return w.save(ctx, func(_ *sql.Tx, in *duoyun.Intent) error {
		return w.doubt(in, w.now(), "云平台已受理，但至今看不到结果")
	})
}

// shows looks at a creation's last step by observing what it made: where nothing is wrong with it, that is at once the
// observation which verifies, and saves a wire call for every unit. What is wrong, a look tells better.
func (w *work) shows(ctx context.Context) (over bool, err error) {
	id := w.known().ID
	if w.in.Op != duoyun.OpCreate || !w.last() || !w.step().Main || id == "" {
		return false, nil
	}
	o, err := w.cloud.Observe(ctx, w.in.Kind, id)
	switch {
	case err != nil || o.State == driver.Errored || o.State == driver.Deleting:
		return false, nil
	case o.State == driver.Building:
		return true, w.pending(ctx, driver.Evidence{ID: o.ID, Detail: "the vendor shows it building"})
	}
	return true, w.compare(ctx, o)
}

// effective goes on to the next step, or, after the last, to what came of all of them.
func (w *work) effective(ctx context.Context, e driver.Evidence) error {
	found, err := w.found(ctx, e)
	if err != nil {
		return err
	}
	if found.VendorID == "" && w.in.Op == duoyun.OpCreate && w.step().Main {
		return w.person(ctx, FindingConflict, "the driver sees the resource and names no id")
	}
	if w.last() {
		return w.verify(ctx)
	}
	var sending *duoyun.IntentStep
	err = w.save(ctx, func(tx *sql.Tx, in *duoyun.Intent) (err error) {
		sending, err = w.advance(ctx, tx, in)
		return err
	})
	if err == nil {
		w.keep(sending)
	}
	return err
}

// found keeps the vendor id that a look brought for the step, where the reply had none.
func (w *work) found(ctx context.Context, e driver.Evidence) (duoyun.IntentStep, error) {
	st := w.stepRow()
	if e.ID == "" || st.VendorID != "" {
		return st, nil
	}
	st.VendorID = e.ID
	err := w.save(ctx, func(tx *sql.Tx, in *duoyun.Intent) error {
		w.extend(in)
		return w.store.SaveStep(ctx, tx, st)
	})
	if err == nil {
		w.keep(&st)
	}
	return st, err
}

// slowAfter is how long a vendor may be at it before a person is told; people who fulfil work orders may take longer.
const (
	slowAfter       = 2 * time.Hour
	slowAfterPeople = 30 * 24 * time.Hour
)

func (w *work) pending(ctx context.Context, e driver.Evidence) error {
	if _, err := w.found(ctx, e); err != nil {
		return err
	}
	if w.slow() {
		return w.person(ctx, FindingSlow, e.Detail)
	}
	return w.rest(ctx, w.poll(), "", nil)
}

func (w *work) slow() bool {
	if w.in.Kind == duoyun.KindService {
		return w.age() > slowAfterPeople
	}
	return w.age() > slowAfter
}

// unread puts off an intent whose vendor could not be asked.
func (w *work) unread(ctx context.Context, cause error) error {
	if w.slow() {
		return w.person(ctx, FindingSlow, words(cause))
	}
	return w.rest(ctx, w.poll(), words(cause), func(tx *sql.Tx, _ *duoyun.Intent) error { return w.tellLogin(ctx, tx, cause) })
}

// tellLogin files that the pool's credentials do not serve, where that is the cause: its orders wait for a person.
func (w *work) tellLogin(ctx context.Context, tx *sql.Tx, cause error) error {
	if providers.CodeOf(cause) != driver.Auth {
		return nil
	}
	_, err := w.store.OpenFinding(ctx, tx, authFinding(w.cloud.Pool(), words(cause), w.now()))
	return err
}

// broken is a thing that will not come right. A creation has failed, and what stands of it is taken away; a change or a
// deletion waits for a person, since the resource is in use.
func (w *work) broken(ctx context.Context, e driver.Evidence) error {
	if _, err := w.found(ctx, e); err != nil {
		return err
	}
	if w.in.Op != duoyun.OpCreate {
		return w.person(ctx, FindingBroken, e.Detail)
	}
	return w.fail(ctx, duoyun.Fail(duoyun.CodeVendor, "", "云平台未能建成：%s", "the cloud could not build it: %s", e.Detail))
}

// age is how long ago the vendor replied to the present step, or was last asked.
func (w *work) age() time.Duration {
	st := w.stepRow()
	if st.RepliedAt.IsZero() {
		return w.now().Sub(st.SentAt)
	}
	return w.now().Sub(st.RepliedAt)
}

// poll waits a quarter of the time passed: quick things are seen at once and slow ones cost few calls.
func (w *work) poll() time.Duration {
	age := w.age()
	if age > time.Hour {
		return 5 * time.Minute
	}
	return min(max(age/4, 300*time.Millisecond), 30*time.Second)
}

// verify compares what came of the steps with what was ordered.
func (w *work) verify(ctx context.Context) error {
	if w.in.Op == duoyun.OpDelete {
		return w.proveGone(ctx)
	}
	c := w.known()
	if c.ID == "" {
		return w.person(ctx, FindingConflict, "every step is done and no vendor id is known")
	}
	o, err := w.cloud.Observe(ctx, w.in.Kind, c.ID)
	switch {
	case err != nil && providers.CodeOf(err) == driver.NotFound && w.age() > w.cloud.Capabilities().Settling && w.in.State == duoyun.IntentAccepted:
		return w.save(ctx, func(_ *sql.Tx, in *duoyun.Intent) error { return w.doubt(in, w.now(), words(err)) })
	case err != nil:
		return w.unread(ctx, err)
	}
	return w.compare(ctx, o)
}

// compare holds what the vendor shows to what was ordered.
func (w *work) compare(ctx context.Context, o driver.Observation) error {
	c := w.known()
	switch {
	case o.Mark != "" && o.Mark != c.Mark || o.ID != "" && o.ID != c.ID:
		return w.person(ctx, FindingConflict, "the resource under our id is not ours: "+o.ID+" "+o.Mark)
	case w.in.Op == duoyun.OpRenew:
		return w.prolonged(ctx, o)
	case o.State == driver.Errored:
		return w.broken(ctx, driver.Evidence{ID: o.ID, Detail: "the vendor shows it in error"})
	case o.State == driver.Building || o.State == driver.Deleting:
		return w.rest(ctx, w.poll(), "", nil)
	case !driver.Meets(w.in.After, o.Spec) && w.in.State == duoyun.IntentMismatched:
		return w.rest(ctx, personWait, mismatch(w.in.After, o.Spec), nil)
	case !driver.Meets(w.in.After, o.Spec):
		return w.settle(ctx, settlement{path: w.onward(duoyun.IntentMismatched), seen: &o, reason: mismatch(w.in.After, o.Spec)})
	}
	return w.settle(ctx, settlement{path: w.onward(duoyun.IntentVerified), seen: &o})
}

// onward is the path from where the intent is, accepted or materialised, to the given end.
func (w *work) onward(to duoyun.IntentState) []duoyun.IntentState {
	if w.in.State == duoyun.IntentAccepted {
		return []duoyun.IntentState{duoyun.IntentMaterialised, to}
	}
	return []duoyun.IntentState{to}
}

// proveGone asks for every step of a deletion whether its thing is gone, and for the resource itself by its id. Only
// that closes the meter.
func (w *work) proveGone(ctx context.Context) error {
	for i, s := range w.plan {
		if i == w.in.Step && w.in.State == duoyun.IntentAccepted {
			continue // seen a moment ago
		}
		call := w.call()
		call.Step = s.Name
		e, err := w.cloud.Look(ctx, call)
		if err != nil {
			return w.unread(ctx, err)
		}
		if e.State != driver.Done {
			return w.remains(ctx, s.Name+": "+e.Detail)
		}
	}
	if w.base.ID != "" {
		_, err := w.cloud.Observe(ctx, w.in.Kind, w.base.ID)
		if err == nil {
			return w.remains(ctx, w.base.ID)
		}
		if providers.CodeOf(err) != driver.NotFound {
			return w.unread(ctx, err)
		}
	}
	seen, err := w.othersInSight(ctx)
	switch {
	case err != nil:
		return w.unread(ctx, err)
	case !seen:
		return w.person(ctx, FindingInDoubt, "the vendor shows none of our known resources of this kind: that this one is gone is not proven")
	}
	return w.settle(ctx, settlement{path: w.onward(duoyun.IntentVerified)})
}

// witnesses is how many known resources may be missing before what the account shows is no longer believed.
const witnesses = 3

// othersInSight reads live resources of ours of the same kind in the same pool, and reports whether the vendor shows one
// of the first few, or there is none to ask for. An account that shows none of them is the wrong one, or blind: what it
// does not show is not gone.
func (w *work) othersInSight(ctx context.Context) (bool, error) {
	asked := map[string]bool{}
	for last := ""; len(asked) < witnesses; {
		id, err := w.store.Sentinel(ctx, w.subject.Resource, last)
		if err != nil {
			return false, err
		}
		if id == "" || asked[id] {
			return len(asked) == 0, nil
		}
		_, err = w.cloud.Observe(ctx, w.in.Kind, id)
		if err == nil {
			return true, nil
		}
		if providers.CodeOf(err) != driver.NotFound {
			return false, err
		}
		asked[id], last = true, id
	}
	return false, nil
}

// remains waits for what should be gone and is not.
func (w *work) remains(ctx context.Context, detail string) error {
	if w.slow() {
		return w.person(ctx, FindingSlow, detail)
	}
	return w.rest(ctx, w.poll(), "", nil)
}

// personWait is how often an intent that waits for a person is looked at again: whatever they mend is seen then.
const personWait = 10 * time.Minute

// person files a finding for what no rule decides; the intent stays as it is and is looked at now and then.
func (w *work) person(ctx context.Context, kind, detail string) error {
	return w.rest(ctx, personWait, detail, func(tx *sql.Tx, in *duoyun.Intent) error {
		_, err := w.store.OpenFinding(ctx, tx, w.finding(kind, *in, w.subject.Resource, detail))
		return err
	})
}
