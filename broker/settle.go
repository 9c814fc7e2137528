package broker

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// settlement is how an intent ends.
type settlement struct {
	path   []duoyun.IntentState
	seen   *driver.Observation
	reason string
	step   *duoyun.IntentStep // a last word about the present step
	cause  error              // why it failed
}

// told is an ending that Outcomes is to hear of.
type told struct {
	in duoyun.Intent
	r  duoyun.Resource
}

// fail ends an intent that can never be fulfilled. What stands of a creation is taken away by an intent of its own; a
// change or a deletion that stopped half-way goes to a person.
func (w *work) fail(ctx context.Context, cause error) error {
	if !duoyun.IntentLifecycle().Can(w.in.State, duoyun.IntentFailed) {
		return w.person(ctx, FindingBroken, words(cause))
	}
	s := settlement{path: []duoyun.IntentState{duoyun.IntentFailed}, reason: words(cause), cause: cause}
	if w.in.State == duoyun.IntentSent {
		st := w.replied(driver.Reply{}, "refused:"+string(providers.CodeOf(cause)))
		s.step = &st
	}
	return w.settle(ctx, s)
}

// settle stores an ending with everything that hangs on it, in one transaction and in the order of locks: the order,
// this intent, those that wait for it, the jobs, and last what Outcomes moves.
func (w *work) settle(ctx context.Context, s settlement) error {
	w.over = true
	return w.store.InTx(ctx, func(tx *sql.Tx) error { return w.settleIn(ctx, tx, s) })
}

func (w *work) settleIn(ctx context.Context, tx *sql.Tx, s settlement) error {
	in, err := w.end(ctx, tx, s)
	if err != nil {
		return err
	}
	e := ending{Purchaser: w.Purchaser, tx: tx}
	if err := w.consequences(ctx, &e, in, w.facts(s)); err != nil {
		return err
	}
	return e.close(ctx)
}

// end writes the intent's own end and what the vendor told of its resource.
func (w *work) end(ctx context.Context, tx *sql.Tx, s settlement) (duoyun.Intent, error) {
	in := w.in
	if in.OrderID != "" {
		if err := w.store.HoldOrder(ctx, tx, in.OrderID); err != nil {
			return in, err
		}
	}
	if err := moveIntent(&in, s.path...); err != nil {
		return in, err
	}
	in.Reason, in.Owner, in.LeaseUntil, in.UpdatedAt = s.reason, "", time.Time{}, w.now()
	if in.State == duoyun.IntentMismatched {
		w.wait = personWait
		in.WakeAt = in.UpdatedAt.Add(w.wait)
	}
	if err := w.store.SaveIntent(ctx, tx, leaseOf(w.in), in); err != nil {
		return in, err
	}
	if s.step != nil {
		if err := w.store.SaveStep(ctx, tx, *s.step); err != nil {
			return in, err
		}
	}
	if in.Op == duoyun.OpDelete {
		return in, nil // what is gone keeps the names it had
	}
	return in, w.store.RecordVendor(ctx, tx, w.facts(s))
}

// facts is the resource with what the vendor told of it.
func (w *work) facts(s settlement) duoyun.Resource {
	r, c := w.subject.Resource, w.known()
	if w.in.Op != duoyun.OpRenew { // which makes nothing, whatever its order is called
		r.VendorID, r.Parts = c.ID, c.Parts
	}
	if s.seen == nil {
		return r
	}
	if buys := w.in.Op == duoyun.OpCreate || w.in.Op == duoyun.OpRenew; buys && s.path[len(s.path)-1] == duoyun.IntentVerified {
		r.PaidUntil = s.seen.PaidUntil
	}
	if len(s.seen.Addresses) > 0 {
		r.Addresses = s.seen.Addresses
	}
	if s.seen.Raw != nil {
		r.Observed = s.seen.Raw
	}
	return r
}

// consequences moves what waits for this intent and collects who is to be told what.
func (w *work) consequences(ctx context.Context, e *ending, in duoyun.Intent, r duoyun.Resource) error {
	if in.Compensate != "" {
		return w.compensated(ctx, e, in, r)
	}
	e.tell(in, r)
	switch in.State {
	case duoyun.IntentVerified:
		return e.wake(ctx, r.ID, in.Op)
	case duoyun.IntentMismatched:
		e.findings = append(e.findings, w.finding(FindingMismatched, in, r, in.Reason))
		return nil
	}
	if err := w.leftovers(ctx, e, in, r); err != nil {
		return err
	}
	return e.cancelWaiting(ctx, r.ID, in.Op)
}

// compensated ends a deletion that took away what stood of a failed creation: it is the creation that is settled.
func (w *work) compensated(ctx context.Context, e *ending, in duoyun.Intent, r duoyun.Resource) error {
	if in.State != duoyun.IntentVerified {
		e.findings = append(e.findings, w.finding(FindingLeftover, in, r, in.Reason))
		return nil
	}
	creation, err := w.store.LockIntent(ctx, e.tx, in.Compensate)
	if err != nil {
		return err
	}
	was := leaseOf(creation)
	if err := moveIntent(&creation, duoyun.IntentCompensated); err != nil {
		return err
	}
	creation.UpdatedAt = w.now()
	e.tell(creation, r)
	return w.store.SaveIntent(ctx, e.tx, was, creation)
}

// leftovers sees to what a failed intent left at the vendor.
func (w *work) leftovers(ctx context.Context, e *ending, in duoyun.Intent, r duoyun.Resource) error {
	switch {
	case in.Op == duoyun.OpRenew:
		e.findings = append(e.findings, w.finding(FindingNotRenewed, in, r, in.Reason))
		return nil
	case in.Op != duoyun.OpCreate:
		if in.Step > 0 || in.Op == duoyun.OpDelete {
			e.findings = append(e.findings, w.finding(FindingHalfway, in, r, in.Reason))
		}
		return nil
	}
	if r.VendorID == "" && len(r.Parts) == 0 {
		return nil
	}
	now := w.now()
	undo := duoyun.Intent{ID: duoyun.NewID(now), OrderID: in.OrderID, ResourceID: in.ResourceID, PoolID: in.PoolID, Kind: in.Kind,
		Op: duoyun.OpDelete, Before: in.After, State: duoyun.IntentIntended, WakeAt: now, Compensate: in.ID, CreatedAt: now, UpdatedAt: now}
	e.jobs = append(e.jobs, PurchaseJob{IntentID: undo.ID})
	return w.store.InsertIntents(ctx, e.tx, []duoyun.Intent{undo})
}

// ending collects the consequences of an intent's end within its transaction.
type ending struct {
	*Purchaser
	tx       *sql.Tx
	jobs     []duoyun.Job
	told     []told
	findings []duoyun.Finding
}

func (e *ending) tell(in duoyun.Intent, r duoyun.Resource) { e.told = append(e.told, told{in, r}) }

// wake lets go on what waited for a resource's creation (its children's) or deletion (its parents'), unless something
// else still hinders it.
func (e *ending) wake(ctx context.Context, resourceID string, op duoyun.Op) error {
	waiting, err := e.waiting(ctx, resourceID, op)
	if err != nil {
		return err
	}
	for _, in := range waiting {
		hindered, err := e.store.Hindered(ctx, e.tx, in)
		if err != nil {
			return err
		}
		if hindered {
			continue
		}
		if err := e.release(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// release lets a waiting intent go on.
func (e *ending) release(ctx context.Context, in duoyun.Intent) error {
	e.jobs = append(e.jobs, PurchaseJob{IntentID: in.ID})
	return e.put(ctx, in, duoyun.IntentIntended, "")
}

// cancelWaiting cancels what waited for a resource that failed or was cancelled, and what waits for that in turn.
func (e *ending) cancelWaiting(ctx context.Context, resourceID string, op duoyun.Op) error {
	waiting, err := e.waiting(ctx, resourceID, op)
	if err != nil {
		return err
	}
	for _, in := range waiting {
		if err := e.cancel(ctx, in); err != nil {
			return err
		}
	}
	return nil
}

// cancel ends a waiting intent, and what waits for it in turn.
func (e *ending) cancel(ctx context.Context, in duoyun.Intent) error {
	if err := e.put(ctx, in, duoyun.IntentCancelled, "所依赖的资源未能办成"); err != nil {
		return err
	}
	s, err := e.store.Subject(ctx, e.tx, in.ResourceID)
	if err != nil {
		return err
	}
	in.State = duoyun.IntentCancelled
	e.tell(in, s.Resource)
	return e.cancelWaiting(ctx, in.ResourceID, in.Op)
}

func (e *ending) waiting(ctx context.Context, resourceID string, op duoyun.Op) ([]duoyun.Intent, error) {
	if op != duoyun.OpCreate && op != duoyun.OpDelete {
		return nil, nil
	}
	return e.store.WaitingOn(ctx, e.tx, resourceID, op)
}

func (e *ending) put(ctx context.Context, in duoyun.Intent, to duoyun.IntentState, reason string) error {
	was := leaseOf(in)
	if err := moveIntent(&in, to); err != nil {
		return err
	}
	now := e.now()
	in.Reason, in.WakeAt, in.UpdatedAt = reason, now, now
	return e.store.SaveIntent(ctx, e.tx, was, in)
}

// close writes what was collected: the jobs, then what Outcomes moves, then findings, which take numbers.
func (e *ending) close(ctx context.Context) error {
	if err := e.store.Enqueue(ctx, e.tx, e.jobs...); err != nil {
		return err
	}
	for _, t := range e.told {
		if err := e.outcomes.Settled(ctx, e.tx, t.in, t.r); err != nil {
			return err
		}
	}
	for _, f := range e.findings {
		if _, err := e.store.OpenFinding(ctx, e.tx, f); err != nil {
			return err
		}
	}
	return nil
}

// evidence is what a finding shows of an intent: its steps with the vendor's ids and the vendor's words.
func (w *work) evidence(words string) json.RawMessage {
	type step struct {
		Name       string    `json:"name"`
		Generation int       `json:"generation"`
		Token      string    `json:"token"`
		VendorID   string    `json:"vendor_id,omitempty"`
		OrderID    string    `json:"order_id,omitempty"`
		RequestID  string    `json:"request_id,omitempty"`
		Outcome    string    `json:"outcome"`
		SentAt     time.Time `json:"sent_at"`
	}
	var steps []step
	for _, s := range w.steps {
		steps = append(steps, step{s.Name, s.Generation, s.Token, s.VendorID, s.OrderID, s.RequestID, s.Outcome, s.SentAt})
	}
	shown := map[string]any{"pool": w.cloud.Pool().Code, "mark": w.base.Mark, "op": w.in.Op, "state": w.in.State, "words": words,
		"doubt": w.in.Doubt, "steps": steps}
	if w.badly != "" {
		shown["reply"] = w.badly
	}
	raw, err := json.Marshal(shown)
	if err != nil {
		panic(err) // plain values
	}
	return raw
}
