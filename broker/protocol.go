package broker

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// work is one worker's lease on one intent, from taking it to resting it or settling it.
type work struct {
	*Purchaser
	cloud   *providers.Cloud
	in      duoyun.Intent // as stored
	subject Subject
	base    driver.Change // as the intent began: plans are made from it, so that every replica plans alike
	plan    []driver.Step
	planErr error
	steps   []duoyun.IntentStep
	leased  time.Time // real time, whatever clock the lease goes by: a wire call's deadline counts from here
	badly   string    // the vendor's last answer, where nobody can make sense of it
	over    bool
	wait    time.Duration
}

// Work takes an intent as far as it goes without waiting: it claims the lease, makes the wire calls outside any
// transaction, and stores what came of each before the next. wait > 0 asks for another call then; 0 means that nothing
// is to be done, or that somebody else does it. An error leaves the intent to its lease's end and the sweeper.
//
// A worker that is told to stop ends the call it is in: half a call is a doubt.
func (p *Purchaser) Work(ctx context.Context, intentID string) (wait time.Duration, err error) {
	ctx = context.WithoutCancel(ctx)
	in, err := p.store.Intent(ctx, intentID)
	if err != nil || !active(in.State) {
		return 0, err
	}
	if duoyun.TraceOf(ctx) == "" {
		ctx = duoyun.WithTrace(ctx, in.ID)
	}
	cloud, err := p.clouds.Cloud(ctx, in.PoolID)
	if err != nil {
		return p.postpone(ctx, intentID, err)
	}
	leave, wait := cloud.Enter()
	if wait > 0 {
		return wait, nil // its pool has its share of the workers; the others are for other pools
	}
	defer leave()
	w, wait, err := p.take(ctx, cloud, intentID)
	if err != nil || w == nil {
		return wait, ignoreLost(err)
	}
	for !w.over {
		if err := w.next(ctx); err != nil {
			return 0, ignoreLost(err)
		}
	}
	return w.wait, nil
}

// active reports whether a worker may move an intent in this state. A mismatched one is looked at now and then: once the
// supplier has put it right, it is verified.
func active(s duoyun.IntentState) bool { return !s.Settled() && s != duoyun.IntentWaiting }

// ignoreLost forgets that somebody else has taken the intent: the row is theirs, and so is the job.
func ignoreLost(err error) error {
	if lost(err) {
		return nil
	}
	return err
}

func lost(err error) bool {
	var l LostLease
	return errors.As(err, &l)
}

// skew is by how much a wake-up may come early before it counts as somebody else's.
const skew = 250 * time.Millisecond

// due reports whether a worker may take an intent now, and otherwise when this very job should come again: 0 where it
// is somebody else's job.
func due(in duoyun.Intent, now time.Time) (ok bool, again time.Duration) {
	if !active(in.State) {
		return false, 0
	}
	if !in.LeaseUntil.IsZero() {
		return !in.LeaseUntil.After(now), 0
	}
	if early := in.WakeAt.Sub(now); early > 0 {
		if early <= skew {
			return false, early
		}
		return false, 0
	}
	return true, 0
}

// take claims the lease. In the same transaction an intended step becomes sent, which is the right to make its one wire
// call, and a step found sent under a dead lease becomes in doubt: it is never sent from here.
func (p *Purchaser) take(ctx context.Context, cloud *providers.Cloud, id string) (*work, time.Duration, error) {
	var w *work
	var wait time.Duration
	var sending *duoyun.IntentStep
	err := p.store.InTx(ctx, func(tx *sql.Tx) error {
		w, wait, sending = nil, 0, nil
		leased := time.Now()
		in, err := p.store.LockIntent(ctx, tx, id)
		if err != nil {
			return err
		}
		ok, again := due(in, p.now())
		if !ok {
			wait = again
			return nil
		}
		if w, err = p.load(ctx, tx, cloud, in); err != nil {
			return err
		}
		was := leaseOf(in)
		if sending, err = w.claim(ctx, tx, &in); err != nil {
			return err
		}
		w.in, w.leased = in, leased
		return p.store.SaveIntent(ctx, tx, was, in)
	})
	if err != nil || w == nil {
		return nil, wait, err
	}
	w.keep(sending)
	return w, 0, nil
}

// claim is what taking an intent does to its row.
func (w *work) claim(ctx context.Context, tx *sql.Tx, in *duoyun.Intent) (*duoyun.IntentStep, error) {
	in.Owner = duoyun.NewID(w.now())
	w.extend(in)
	switch in.State {
	case duoyun.IntentSent:
		// Should the clocks of replicas ever disagree, the call may have begun only now: it is given all its time from here.
		return nil, w.doubt(in, w.now().Add(w.cloud.Capabilities().CallTimeout), "处理该步骤的进程中断，是否已执行不明")
	case duoyun.IntentIntended:
		return w.begin(ctx, tx, in)
	}
	return nil, nil
}

func leaseOf(in duoyun.Intent) Lease { return Lease{State: in.State, Owner: in.Owner} }

// extend lets the lease cover one more wire call and what comes after it.
func (w *work) extend(in *duoyun.Intent) {
	in.UpdatedAt = w.now()
	in.LeaseUntil = in.UpdatedAt.Add(w.cloud.Capabilities().CallTimeout + w.margin)
}

// load reads what the intent is about and plans its steps.
func (p *Purchaser) load(ctx context.Context, tx *sql.Tx, cloud *providers.Cloud, in duoyun.Intent) (*work, error) {
	w := &work{Purchaser: p, cloud: cloud}
	var err error
	if w.subject, err = p.store.Subject(ctx, tx, in.ResourceID); err != nil {
		return nil, err
	}
	if w.steps, err = p.store.IntentSteps(ctx, tx, in.ID); err != nil {
		return nil, err
	}
	w.base = change(in, w.subject)
	if w.plan, w.planErr = cloud.Plan(w.base); w.planErr != nil || in.Op != duoyun.OpCreate || w.subject.Login != LoginSecret {
		return w, nil
	}
	secret, err := loginSecret(p.store, w.base.Mark)
	w.base.Secret, w.planErr = driver.NewSecret(secret), err
	return w, nil
}

// change is the intent as its driver sees it, as the intent began.
func change(in duoyun.Intent, s Subject) driver.Change {
	r := s.Resource
	c := driver.Change{Op: in.Op, Kind: in.Kind, Mark: r.Mark(), Name: r.Name, Zone: r.Zone, Before: in.Before, After: in.After,
		ID: r.VendorID, Parts: copied(r.Parts), Months: in.Months, PaidUntil: in.PaidUntil}
	if in.Op == duoyun.OpCreate {
		c.ID, c.Parts = "", map[string]string{} // nothing can exist before the first step
	}
	for _, a := range s.Parents {
		if c.Links == nil {
			c.Links = map[duoyun.Relation][]driver.Link{}
		}
		c.Links[a.Relation] = append(c.Links[a.Relation], driver.Link{Kind: a.Resource.Kind, ID: a.Resource.VendorID,
			Parts: a.Resource.Parts, Addresses: a.Resource.Addresses})
	}
	return c
}

func copied(parts map[string]string) map[string]string {
	out := make(map[string]string, len(parts))
	for k, v := range parts {
		out[k] = v
	}
	return out
}

// begin moves an intended step to sent and writes its row; the caller saves the intent in the same transaction. Without
// a step to send (the plan is empty, or cannot be made) the intent stays as it is.
func (w *work) begin(ctx context.Context, tx *sql.Tx, in *duoyun.Intent) (*duoyun.IntentStep, error) {
	if w.planErr != nil || in.Step >= len(w.plan) {
		return nil, nil
	}
	if err := moveIntent(in, duoyun.IntentSent); err != nil {
		return nil, err
	}
	in.Attempt++
	st := duoyun.IntentStep{IntentID: in.ID, Ordinal: in.Step, Generation: in.Generation, Name: w.plan[in.Step].Name,
		Token: token(*in), SentAt: w.now(), Outcome: "sent"}
	return &st, w.store.SaveStep(ctx, tx, st)
}

// token names one mutation. A unit is created once, so its mark serves; it is changed many times, so a change is named
// by its intent.
func token(in duoyun.Intent) string {
	if in.Op == duoyun.OpCreate {
		return duoyun.StepToken(duoyun.Mark(in.ResourceID), in.Generation, in.Step)
	}
	return duoyun.StepToken(duoyun.Mark(in.ID), in.Generation, in.Step)
}

// moveIntent takes an intent along the protocol's transition table, and nowhere else.
func moveIntent(in *duoyun.Intent, path ...duoyun.IntentState) error {
	for _, to := range path {
		state, err := duoyun.IntentLifecycle().Move(in.State, to)
		if err != nil {
			return duoyun.Fail(duoyun.CodeInternal, "state", "采购意图状态错误", "the purchase protocol took a wrong turn").Because(err)
		}
		in.State = state
	}
	return nil
}

// keep remembers a step that was stored.
func (w *work) keep(st *duoyun.IntentStep) {
	if st == nil {
		return
	}
	for i, s := range w.steps {
		if s.Ordinal == st.Ordinal && s.Generation == st.Generation {
			w.steps[i] = *st
			return
		}
	}
	w.steps = append(w.steps, *st)
}

// save stores one move of the intent while this worker has it. f may run again: it changes nothing but the copy it is
// given and the database.
func (w *work) save(ctx context.Context, f func(tx *sql.Tx, in *duoyun.Intent) error) error {
	var in duoyun.Intent
	var began time.Time
	err := w.store.InTx(ctx, func(tx *sql.Tx) error {
		in, began = w.in, time.Now()
		in.UpdatedAt = w.now()
		if err := f(tx, &in); err != nil {
			return err
		}
		return w.store.SaveIntent(ctx, tx, leaseOf(w.in), in)
	})
	if err != nil {
		return err
	}
	if in.LeaseUntil.After(w.in.LeaseUntil) {
		w.leased = began
	}
	w.in = in
	return nil
}

var errStoodStill = errors.New("the machine stood still for longer than the call had time: nothing was sent")

// mutate makes one wire call. Its deadline counts from before the lease was taken: a process that is stopped for a while
// wherever it stands, and goes on when the lease is over, sends nothing any more. The deadline goes by the monotonic
// clock, which stands still with a suspended machine; the wall clock does not.
func (w *work) mutate(ctx context.Context) (driver.Reply, error) {
	timeout := w.cloud.Capabilities().CallTimeout
	if time.Now().Round(0).Sub(w.leased.Round(0)) > timeout {
		return driver.Reply{}, errStoodStill
	}
	ctx, cancel := context.WithDeadline(ctx, w.leased.Add(timeout))
	defer cancel()
	return w.cloud.Run(ctx, w.step(), w.call())
}

// next does what the state asks for: this switch and the transition table are the protocol.
func (w *work) next(ctx context.Context) error {
	switch w.in.State {
	case duoyun.IntentIntended:
		return w.unsendable(ctx)
	case duoyun.IntentSent:
		return w.send(ctx)
	case duoyun.IntentAccepted:
		return w.await(ctx)
	case duoyun.IntentMaterialised, duoyun.IntentMismatched:
		return w.verify(ctx)
	case duoyun.IntentInDoubt:
		return w.resolve(ctx)
	case duoyun.IntentAbsent:
		return w.again(ctx)
	}
	w.over = true
	return nil
}

// unsendable is an intended intent without a step to send: it cannot be planned, or there is nothing to do.
func (w *work) unsendable(ctx context.Context) error {
	if w.planErr != nil {
		return w.fail(ctx, w.planErr)
	}
	return w.save(ctx, func(_ *sql.Tx, in *duoyun.Intent) error {
		in.Step = max(0, len(w.plan)-1)
		return moveIntent(in, duoyun.IntentSent, duoyun.IntentAccepted, duoyun.IntentMaterialised)
	})
}

func (w *work) step() driver.Step {
	if w.in.Step < len(w.plan) {
		return w.plan[w.in.Step]
	}
	return driver.Step{Name: "none"}
}

func (w *work) last() bool { return w.in.Step >= len(w.plan)-1 }

// stepRow is the row of the step the intent is at, in its present generation.
func (w *work) stepRow() duoyun.IntentStep {
	for _, s := range w.steps {
		if s.Ordinal == w.in.Step && s.Generation == w.in.Generation {
			return s
		}
	}
	return duoyun.IntentStep{IntentID: w.in.ID, Ordinal: w.in.Step, Generation: w.in.Generation, Name: w.step().Name,
		Token: token(w.in), SentAt: w.in.UpdatedAt}
}

// known is the change with all vendor ids known by now. An id counts while the step it came from stands: what a proven
// absence gave up is gone, and must not speak for what took its place.
func (w *work) known() driver.Change { return w.knownBut(-1) }

// knownBut is known without what the step of this ordinal made.
func (w *work) knownBut(ordinal int) driver.Change {
	c := w.base
	c.Parts = copied(c.Parts)
	for _, s := range w.steps {
		if s.VendorID == "" || s.Ordinal == ordinal || !w.stands(s) {
			continue
		}
		c.Parts[s.Name] = s.VendorID
		if i := slices.IndexFunc(w.plan, func(p driver.Step) bool { return p.Name == s.Name }); i >= 0 && w.plan[i].Main {
			c.ID = s.VendorID
		}
	}
	return c
}

// stands reports whether a step's row speaks for what is there: it was not given up as absent, and no later generation
// of the step has begun. The step under way stands in its present generation alone.
func (w *work) stands(s duoyun.IntentStep) bool {
	if s.Outcome == outcomeAbsent || s.Ordinal == w.in.Step && s.Generation != w.in.Generation {
		return false
	}
	return !slices.ContainsFunc(w.steps, func(o duoyun.IntentStep) bool {
		return o.Ordinal == s.Ordinal && o.Generation > s.Generation
	})
}

// outcomeAbsent is the outcome of a step whose absence was proven.
const outcomeAbsent = "absent"

func (w *work) call() driver.Call {
	st := w.stepRow()
	return driver.Call{Change: w.known(), Step: st.Name, Token: st.Token, OrderID: st.OrderID}
}
