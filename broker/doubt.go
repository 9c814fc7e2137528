package broker

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// resolve looks for the way out of doubt: the vendor's order, the mark, or the same token again; and, failing all of
// them, the proof that nothing was made. What is in doubt is never bought again before that proof.
func (w *work) resolve(ctx context.Context) error {
	call := w.call()
	sentinel, err := w.store.Sentinel(ctx, w.subject.Resource, w.in.Doubt.Sentinel)
	if err != nil {
		return err
	}
	call.Sentinel = sentinel
	began := w.now()
	e, err := w.seek(ctx, call)
	if err != nil {
		return w.undecided(ctx, words(err), func(tx *sql.Tx, _ *duoyun.Intent) error { return w.tellLogin(ctx, tx, err) })
	}
	switch e.State {
	case driver.Done, driver.Pending:
		return w.turnedUp(ctx, e)
	case driver.Broken:
		return w.turnedUpBroken(ctx, e)
	case driver.Conflict:
		return w.person(ctx, FindingConflict, e.Detail)
	}
	if w.tokenServes() {
		return w.resend(ctx)
	}
	return w.weigh(ctx, e, sentinel, began)
}

// seek looks by the id the step's reply gave and, where that shows nothing, by the mark alone: an id that is gone says
// nothing of a thing that bears the mark under another, and a single 404 is no complete listing.
func (w *work) seek(ctx context.Context, call driver.Call) (driver.Evidence, error) {
	e, err := w.cloud.Look(ctx, call)
	if err != nil || e.State != driver.Absent || w.in.Op != duoyun.OpCreate || w.stepRow().VendorID == "" {
		return e, err
	}
	call.Change = w.knownBut(w.in.Step)
	return w.cloud.Look(ctx, call)
}

// turnedUp takes up a step whose effect is there after all, or is being made.
func (w *work) turnedUp(ctx context.Context, e driver.Evidence) error {
	st := w.replied(driver.Reply{ID: e.ID}, "found")
	if w.in.Op == duoyun.OpCreate && w.step().Main && st.VendorID == "" && st.OrderID == "" {
		return w.undecided(ctx, "云平台显示已建，但未给出标识", nil)
	}
	err := w.save(ctx, func(tx *sql.Tx, in *duoyun.Intent) error {
		if err := w.store.SaveStep(ctx, tx, st); err != nil {
			return err
		}
		in.Attempt, in.Reason, in.Doubt = 0, "", duoyun.DoubtNote{}
		w.extend(in)
		return moveIntent(in, duoyun.IntentAccepted)
	})
	if err == nil {
		w.keep(&st)
	}
	return err
}

// turnedUpBroken is a thing of ours that exists and will not come right.
func (w *work) turnedUpBroken(ctx context.Context, e driver.Evidence) error {
	if w.in.Op != duoyun.OpCreate {
		return w.person(ctx, FindingBroken, e.Detail)
	}
	return w.broken(ctx, e)
}

// tokenServes reports whether the same token may be sent again: the vendor keeps one of this step, and half the time for
// which it does has not gone by since the first send. Many vendors keep tokens of some calls only, and of renewals none.
func (w *work) tokenServes() bool {
	return w.step().Token && w.now().Before(w.stepRow().SentAt.Add(w.cloud.Capabilities().TokenLife/2))
}

// resend sends the same token again, under a new lease: the vendor acts once for a token. A refusal of the second call
// says nothing of the first, so only success decides.
func (w *work) resend(ctx context.Context) error {
	err := w.save(ctx, func(_ *sql.Tx, in *duoyun.Intent) error {
		w.extend(in)
		in.Doubt.SettleFrom = in.LeaseUntil.Add(w.cloud.Capabilities().CallTimeout)
		in.Doubt.FirstAbsent = time.Time{}
		return nil
	})
	if err != nil {
		return err
	}
	reply, err := w.mutate(ctx)
	if err != nil {
		return w.undecided(ctx, words(err), nil)
	}
	return w.accept(ctx, reply)
}

// weigh decides what a look that shows nothing is worth. Absence is proven by two complete looks one settling time
// apart, both begun after the call can no longer be under way, at the endpoint it went to, with a known resource of ours
// in sight wherever there is one.
func (w *work) weigh(ctx context.Context, e driver.Evidence, sentinel string, began time.Time) error {
	d, settling := w.in.Doubt, w.cloud.Capabilities().Settling
	switch {
	case began.Before(d.SettleFrom):
		return w.lookAgain(ctx, d.SettleFrom, nil)
	case d.Endpoint != w.cloud.Endpoint():
		return w.person(ctx, FindingInDoubt, "the account's endpoint has changed since the call")
	case !e.Complete || sentinel != "" && !e.SentinelSeen:
		return w.undecided(ctx, "云平台的清单不完整，不能证明不存在", func(_ *sql.Tx, in *duoyun.Intent) error { in.Doubt.Sentinel = sentinel; return nil })
	case d.FirstAbsent.IsZero():
		first := w.now()
		return w.lookAgain(ctx, first.Add(settling), func(_ *sql.Tx, in *duoyun.Intent) error {
			in.Doubt.FirstAbsent, in.Doubt.Sentinel = first, sentinel
			return nil
		})
	case began.Before(d.FirstAbsent.Add(settling)):
		return w.lookAgain(ctx, d.FirstAbsent.Add(settling), nil)
	}
	return w.absent(ctx)
}

func (w *work) lookAgain(ctx context.Context, when time.Time, note func(tx *sql.Tx, in *duoyun.Intent) error) error {
	return w.rest(ctx, when.Sub(w.now()), "", note)
}

// doubtTold is how long after settling a doubt may last before a person is told; it is looked into all the same.
const doubtTold = 15 * time.Minute

// undecided looks again later; a look that shows anything but a proof leaves the proof where it was.
func (w *work) undecided(ctx context.Context, reason string, note func(tx *sql.Tx, in *duoyun.Intent) error) error {
	over := w.now().Sub(w.in.Doubt.SettleFrom)
	wait := min(max(over/4, 2*time.Second), time.Minute)
	return w.rest(ctx, wait, reason, func(tx *sql.Tx, in *duoyun.Intent) error {
		if note != nil {
			if err := note(tx, in); err != nil {
				return err
			}
		}
		if over < doubtTold {
			return nil
		}
		_, err := w.store.OpenFinding(ctx, tx, w.finding(FindingInDoubt, *in, w.subject.Resource, reason))
		return err
	})
}

// maxGenerations bounds how often a step is begun anew after its absence was proven.
const maxGenerations = 5

// absent records the proof and, in the same transaction, the generation it begins.
func (w *work) absent(ctx context.Context) error {
	gone := w.replied(driver.Reply{}, outcomeAbsent)
	if w.in.Generation+1 >= maxGenerations {
		return w.settle(ctx, settlement{path: []duoyun.IntentState{duoyun.IntentAbsent, duoyun.IntentFailed},
			reason: "云平台多次未执行该请求", step: &gone})
	}
	return w.renewed(ctx, []duoyun.IntentState{duoyun.IntentAbsent, duoyun.IntentIntended}, &gone)
}

// again goes on from an absence that is recorded already.
func (w *work) again(ctx context.Context) error {
	return w.renewed(ctx, []duoyun.IntentState{duoyun.IntentIntended}, nil)
}

// watch has the account compared with our records soon: what a superseded generation made after all is found as a
// surplus, within the hour on the first day and daily from then on.
func (w *work) watch(ctx context.Context, tx *sql.Tx) error {
	return w.store.WatchPool(ctx, tx, w.in.PoolID, WatchAt(w.now()))
}

func (w *work) renewed(ctx context.Context, path []duoyun.IntentState, gone *duoyun.IntentStep) error {
	var sending *duoyun.IntentStep
	err := w.save(ctx, func(tx *sql.Tx, in *duoyun.Intent) (err error) {
		if gone != nil {
			if err := w.store.SaveStep(ctx, tx, *gone); err != nil {
				return err
			}
		}
		if err := moveIntent(in, path...); err != nil {
			return err
		}
		if gone != nil {
			in.Generation++
		}
		in.Attempt, in.Reason, in.Doubt = 0, "", duoyun.DoubtNote{}
		w.extend(in)
		if sending, err = w.begin(ctx, tx, in); err != nil || gone == nil {
			return err
		}
		return w.watch(ctx, tx)
	})
	if err == nil {
		w.keep(gone)
		w.keep(sending)
	}
	return err
}
