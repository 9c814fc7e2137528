package broker

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// Remedy prepares what a person has chosen about the newest purchase, change or release of a resource, and returns it to
// be done in the transaction that closes the finding. An intent that a worker has at this moment is CodeConflict: the
// person tries again in a moment.
func (p *Purchaser) Remedy(ctx context.Context, resourceID string, r Resolution) (func(ctx context.Context, tx *sql.Tx) error, error) {
	in, err := p.store.LatestIntent(ctx, resourceID)
	if err != nil {
		return nil, err
	}
	cloud, err := p.clouds.Cloud(ctx, in.PoolID)
	if err != nil {
		return nil, err
	}
	if r.Remedy == duoyun.RemedyAdopt {
		if err := adoptable(ctx, cloud, in, r.VendorID); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context, tx *sql.Tx) error {
		w, err := p.idle(ctx, tx, cloud, in)
		if err != nil {
			return err
		}
		return w.apply(ctx, tx, r)
	}, nil
}

// adoptable proves that a thing at the vendor bears the mark of the intent's resource.
func adoptable(ctx context.Context, cloud *providers.Cloud, in duoyun.Intent, vendorID string) error {
	o, err := cloud.Observe(ctx, in.Kind, vendorID)
	if providers.CodeOf(err) == driver.NotFound {
		return duoyun.Fail(duoyun.CodeInvalid, "vendor_id", "云平台上没有 %s", "the cloud has no %s", vendorID)
	}
	if err != nil {
		return err
	}
	if want := duoyun.Mark(in.ResourceID); o.Mark != want {
		return duoyun.Fail(duoyun.CodeInvalid, "vendor_id", "%s 没有该资源的标记 %s", "%s does not bear the resource's mark %s", vendorID, want)
	}
	return nil
}

// idle locks an intent, its order first, that no worker has.
func (p *Purchaser) idle(ctx context.Context, tx *sql.Tx, cloud *providers.Cloud, in duoyun.Intent) (*work, error) {
	if in.OrderID != "" {
		if err := p.store.HoldOrder(ctx, tx, in.OrderID); err != nil {
			return nil, err
		}
	}
	in, err := p.store.LockIntent(ctx, tx, in.ID)
	if err != nil {
		return nil, err
	}
	if !in.LeaseUntil.IsZero() || in.State == duoyun.IntentSent {
		return nil, duoyun.Fail(duoyun.CodeConflict, "remedy", "系统正在办理，请稍后再试", "the platform is at it right now; try again in a moment")
	}
	w, err := p.load(ctx, tx, cloud, in)
	if err == nil {
		w.in = in
	}
	return w, err
}

// offers reports whether a remedy can be had for an intent as it stands: findings offer these, and no others are done.
func (w *work) offers(in duoyun.Intent, do duoyun.Remedy) bool {
	creates := in.Op == duoyun.OpCreate
	switch do {
	case duoyun.RemedyLook:
		return active(in.State)
	case duoyun.RemedyBuyAgain:
		return creates && in.State == duoyun.IntentInDoubt
	case duoyun.RemedyAdopt:
		return creates && w.step().Main && (in.State == duoyun.IntentInDoubt || in.State == duoyun.IntentAccepted)
	case duoyun.RemedyGiveUp:
		return duoyun.IntentLifecycle().Can(in.State, duoyun.IntentFailed)
	case duoyun.RemedyClear:
		return in.Compensate != "" && in.State == duoyun.IntentFailed
	}
	return false
}

// apply does a remedy to an intent that this transaction holds.
func (w *work) apply(ctx context.Context, tx *sql.Tx, r Resolution) error {
	if !w.offers(w.in, r.Remedy) {
		state := duoyun.IntentLifecycle().Name(w.in.State)
		return duoyun.Fail(duoyun.CodeConflict, "remedy", "办理状态现为“%s”，此处置不适用", "the purchase is at %q: this remedy does not apply", state)
	}
	switch r.Remedy {
	case duoyun.RemedyBuyAgain:
		return w.vouchAbsent(ctx, tx)
	case duoyun.RemedyAdopt:
		return w.adopt(ctx, tx, r.VendorID)
	case duoyun.RemedyGiveUp:
		return w.giveUp(ctx, tx, r.Note)
	case duoyun.RemedyClear:
		return w.clear(ctx, tx)
	}
	return w.put(ctx, tx, func(*duoyun.Intent) error { return nil }) // look again, at once
}

// put moves the intent and has it worked on at once.
func (w *work) put(ctx context.Context, tx *sql.Tx, f func(in *duoyun.Intent) error) error {
	in := w.in
	if err := f(&in); err != nil {
		return err
	}
	in.UpdatedAt = w.now()
	in.WakeAt = in.UpdatedAt
	if err := w.store.SaveIntent(ctx, tx, leaseOf(w.in), in); err != nil {
		return err
	}
	return w.store.Enqueue(ctx, tx, PurchaseJob{IntentID: in.ID})
}

// giveUp fails the intent. Where it was in doubt, the account is watched for what it made after all.
func (w *work) giveUp(ctx context.Context, tx *sql.Tx, note string) error {
	err := w.settleIn(ctx, tx, settlement{path: []duoyun.IntentState{duoyun.IntentFailed}, reason: "人工决定放弃：" + note})
	if err != nil || w.in.State != duoyun.IntentInDoubt {
		return err
	}
	return w.watch(ctx, tx)
}

// vouchAbsent begins a new generation on the supplier's word that the present one made nothing. What turns up of it
// nevertheless is a surplus, for the supplier to take back.
func (w *work) vouchAbsent(ctx context.Context, tx *sql.Tx) error {
	if err := w.store.SaveStep(ctx, tx, w.replied(driver.Reply{}, outcomeAbsent)); err != nil {
		return err
	}
	err := w.put(ctx, tx, func(in *duoyun.Intent) error {
		in.Generation++
		in.Attempt, in.Reason, in.Doubt = 0, "", duoyun.DoubtNote{}
		return moveIntent(in, duoyun.IntentAbsent, duoyun.IntentIntended)
	})
	if err != nil {
		return err
	}
	return w.watch(ctx, tx)
}

// adopt takes the thing of this id for the unit; it is verified like any other.
func (w *work) adopt(ctx context.Context, tx *sql.Tx, vendorID string) error {
	if err := w.store.SaveStep(ctx, tx, w.replied(driver.Reply{ID: vendorID}, "adopted")); err != nil {
		return err
	}
	return w.put(ctx, tx, func(in *duoyun.Intent) error {
		in.Attempt, in.Reason, in.Doubt = 0, "", duoyun.DoubtNote{}
		if in.State == duoyun.IntentAccepted {
			return nil
		}
		return moveIntent(in, duoyun.IntentAccepted)
	})
}

// clear takes away once more what stands of a failed purchase.
func (w *work) clear(ctx context.Context, tx *sql.Tx) error {
	now := w.now()
	undo := w.in
	undo.ID, undo.State, undo.Step, undo.Generation, undo.Attempt = duoyun.NewID(now), duoyun.IntentIntended, 0, 0, 0
	undo.Reason, undo.Doubt, undo.LeaseUntil, undo.Owner = "", duoyun.DoubtNote{}, time.Time{}, ""
	undo.WakeAt, undo.CreatedAt, undo.UpdatedAt = now, now, now
	if err := w.store.InsertIntents(ctx, tx, []duoyun.Intent{undo}); err != nil {
		return err
	}
	return w.store.Enqueue(ctx, tx, PurchaseJob{IntentID: undo.ID})
}
