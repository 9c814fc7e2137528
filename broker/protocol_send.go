package broker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// send makes the one wire call of a step that this worker moved from intended to sent.
func (w *work) send(ctx context.Context) error {
	if w.in.Op == duoyun.OpRenew {
		if over, err := w.renewedBefore(ctx); over || err != nil {
			return err
		}
	}
	timeout := w.cloud.Capabilities().CallTimeout
	if w.now().Add(timeout).After(w.in.LeaseUntil) {
		return w.unsent(ctx) // we were held up: the call could outlive the lease
	}
	reply, err := w.mutate(ctx)
	if err == nil {
		return w.accept(ctx, reply)
	}
	switch code := providers.CodeOf(err); code {
	case driver.Throttled, driver.NotReady, driver.Unavailable, driver.Auth:
		return w.refused(ctx, code, err)
	case driver.Quota, driver.SoldOut, driver.Invalid, driver.NotFound:
		return w.fail(ctx, err)
	}
	return w.unclear(ctx, reply, err)
}

// unsent gives back the right to a call that was not made.
func (w *work) unsent(ctx context.Context) error {
	return w.rest(ctx, 0, "", func(_ *sql.Tx, in *duoyun.Intent) error { return moveIntent(in, duoyun.IntentIntended) })
}

// accept stores what the vendor replied before anything else. Where the next step need not wait for this one's effect,
// the same transaction sends it on its way.
func (w *work) accept(ctx context.Context, reply driver.Reply) error {
	st := w.replied(reply, "accepted")
	var sending *duoyun.IntentStep
	err := w.save(ctx, func(tx *sql.Tx, in *duoyun.Intent) (err error) {
		if err := w.store.SaveStep(ctx, tx, st); err != nil {
			return err
		}
		if err := moveIntent(in, duoyun.IntentAccepted); err != nil {
			return err
		}
		in.Attempt, in.Reason, in.Doubt = 0, "", duoyun.DoubtNote{}
		w.extend(in)
		if !w.step().Await && !w.last() {
			sending, err = w.advance(ctx, tx, in)
		}
		return err
	})
	if lost(err) {
		return w.late(ctx, st)
	}
	if err == nil {
		w.keep(&st)
		w.keep(sending)
	}
	return err
}

// advance begins the step after one that is done.
func (w *work) advance(ctx context.Context, tx *sql.Tx, in *duoyun.Intent) (*duoyun.IntentStep, error) {
	if err := moveIntent(in, duoyun.IntentIntended); err != nil {
		return nil, err
	}
	in.Step++
	w.extend(in)
	return w.begin(ctx, tx, in)
}

func (w *work) replied(reply driver.Reply, outcome string) duoyun.IntentStep {
	st := w.stepRow()
	st.RepliedAt, st.Outcome = w.now(), outcome
	if reply.ID != "" {
		st.VendorID = reply.ID
	}
	if reply.OrderID != "" {
		st.OrderID = reply.OrderID
	}
	if reply.RequestID != "" {
		st.RequestID = reply.RequestID
	}
	return st
}

// late keeps a reply that came after somebody else had taken the intent. A thing made for a generation that was given
// up is a surplus: it is never adopted in silence.
func (w *work) late(ctx context.Context, st duoyun.IntentStep) error {
	w.over = true
	return w.store.InTx(ctx, func(tx *sql.Tx) error {
		in, err := w.store.LockIntent(ctx, tx, w.in.ID)
		if err != nil {
			return err
		}
		steps, err := w.store.IntentSteps(ctx, tx, w.in.ID)
		if err != nil {
			return err
		}
		second := slices.ContainsFunc(steps, func(s duoyun.IntentStep) bool {
			return s.Ordinal == st.Ordinal && s.Generation == st.Generation && s.VendorID != "" && s.VendorID != st.VendorID
		})
		if !second {
			if err := w.store.SaveStep(ctx, tx, st); err != nil {
				return err
			}
		}
		if st.VendorID == "" || !second && in.Generation == st.Generation && !over(in.State) {
			return nil // whoever has the intent now finds the id in its row, or by its mark
		}
		_, err = w.store.OpenFinding(ctx, tx, surplus(w.subject.Resource, w.evidence("late reply"), st.VendorID, w.now()))
		return err
	})
}

// over reports whether an intent in this state was given up.
func over(s duoyun.IntentState) bool {
	return s == duoyun.IntentFailed || s == duoyun.IntentCompensated || s == duoyun.IntentCancelled
}

// How often a vendor may refuse a step for the moment before a person is told: about an hour of outage, which the pool's
// health shows from its first minute; about four minutes of a thing that is not ready, for something may be in its way.
const (
	toldSends    = 60
	toldNotReady = 10
)

// refused returns a step that the vendor did not act on to intended, for later. An outage, or credentials that do not
// serve, fail no order: it waits, and a person is told who may give it up.
func (w *work) refused(ctx context.Context, code driver.Code, cause error) error {
	return w.rest(ctx, backOff(w.in.Attempt, code), words(cause), func(tx *sql.Tx, in *duoyun.Intent) error {
		if err := w.store.SaveStep(ctx, tx, w.replied(driver.Reply{}, "refused:"+string(code))); err != nil {
			return err
		}
		if err := moveIntent(in, duoyun.IntentIntended); err != nil {
			return err
		}
		patience := toldSends
		if code == driver.NotReady {
			patience = toldNotReady
		}
		if code == driver.Auth || in.Attempt < patience {
			return w.tellLogin(ctx, tx, cause)
		}
		_, err := w.store.OpenFinding(ctx, tx, w.finding(FindingSlow, *in, w.subject.Resource, in.Reason))
		return err
	})
}

// backOff doubles from half a second to a minute (to five for credentials, which mend slowly), spread by a quarter so
// that a batch does not come back as one.
func backOff(attempt int, code driver.Code) time.Duration {
	longest := time.Minute
	if code == driver.Auth {
		longest = 5 * time.Minute
	}
	d := min(longest, 500*time.Millisecond<<min(max(attempt-1, 0), 12))
	return d + rand.N(d/4+1)
}

// unclear puts a step whose outcome is not known in doubt, with whatever the reply did say, and goes on to look.
func (w *work) unclear(ctx context.Context, reply driver.Reply, cause error) error {
	st := w.replied(reply, "in_doubt")
	w.badly = providers.BadReply(cause)
	err := w.save(ctx, func(tx *sql.Tx, in *duoyun.Intent) error {
		if err := w.store.SaveStep(ctx, tx, st); err != nil {
			return err
		}
		if err := w.doubt(in, in.LeaseUntil, words(cause)); err != nil || w.badly == "" {
			return err
		}
		_, err := w.store.OpenFinding(ctx, tx, w.finding(FindingBadReply, *in, w.subject.Resource, in.Reason))
		return err
	})
	if lost(err) {
		return w.late(ctx, st)
	}
	if err == nil {
		w.keep(&st)
	}
	return err
}

// doubt moves a sent or accepted step in doubt. Nothing seen before leaseEnd + timeout proves that it had no effect: the
// call may still be on its way until then.
func (w *work) doubt(in *duoyun.Intent, leaseEnd time.Time, reason string) error {
	if err := moveIntent(in, duoyun.IntentInDoubt); err != nil {
		return err
	}
	in.Reason = reason
	in.Doubt = duoyun.DoubtNote{SettleFrom: leaseEnd.Add(w.cloud.Capabilities().CallTimeout), Endpoint: w.cloud.Endpoint()}
	return nil
}

// rest stores a move, gives the lease back and asks to be woken after wait.
func (w *work) rest(ctx context.Context, wait time.Duration, reason string, f func(tx *sql.Tx, in *duoyun.Intent) error) error {
	w.over, w.wait = true, max(wait, time.Millisecond)
	return w.save(ctx, func(tx *sql.Tx, in *duoyun.Intent) error {
		in.Owner, in.LeaseUntil, in.WakeAt = "", time.Time{}, w.now().Add(w.wait)
		if reason != "" {
			in.Reason = reason
		}
		if f == nil {
			return nil
		}
		return f(tx, in)
	})
}

// postpone puts an intent off whose cloud cannot be opened. Nothing was sent and nothing is claimed for longer.
func (p *Purchaser) postpone(ctx context.Context, id string, cause error) (wait time.Duration, err error) {
	err = p.store.InTx(ctx, func(tx *sql.Tx) error {
		wait = 0
		in, err := p.store.LockIntent(ctx, tx, id)
		if err != nil {
			return err
		}
		now := p.now()
		ok, again := due(in, now)
		if !ok || in.State == duoyun.IntentSent {
			wait = again // a dead call waits for its cloud; the sweeper comes back
			return nil
		}
		was := leaseOf(in)
		wait = 15*time.Second + rand.N(5*time.Second)
		in.Owner, in.LeaseUntil, in.WakeAt, in.Reason, in.UpdatedAt = "", time.Time{}, now.Add(wait), words(cause), now
		if err := p.store.SaveIntent(ctx, tx, was, in); err != nil || providers.CodeOf(cause) != driver.Auth {
			return err
		}
		_, err = p.store.OpenFinding(ctx, tx, authFinding(poolOf(in.PoolID, cause), words(cause), now))
		return err
	})
	return wait, ignoreLost(err)
}

// poolOf is what an error of a cloud that could not be opened tells of its pool.
func poolOf(id string, cause error) duoyun.Pool {
	p := duoyun.Pool{ID: id, Code: id}
	var e *duoyun.Error
	if errors.As(cause, &e) && e.Vendor != nil {
		p.Name = e.Vendor.Supplier
	}
	return p
}

// words is an error as it may be kept and shown: Chinese first.
func words(err error) string {
	var e *duoyun.Error
	if errors.As(err, &e) {
		return e.Message.ZH
	}
	return strings.ToValidUTF8(fmt.Sprint(err), "�")
}
