package broker

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
)

const (
	// lostAfter is how long a wake-up may be late before it counts as lost: a worker was killed between storing an intent
	// and its job.
	lostAfter  = 15 * time.Second
	sweepBatch = 500
)

// Sweep wakes workers for intents that nobody has: a killed worker's lease has run out, or its wake-up was lost. Every
// replica may call it at any time, every few seconds and at start; a job too many is harmless.
func (p *Purchaser) Sweep(ctx context.Context) error {
	if err := p.sweepDue(ctx); err != nil {
		return err
	}
	if err := p.sweepWaiting(ctx); err != nil {
		return err
	}
	return p.sweepFindings(ctx)
}

// sweepFindings closes the findings of purchases that have come right by themselves, or by what a person had done.
func (p *Purchaser) sweepFindings(ctx context.Context) error {
	kinds := []string{FindingInDoubt, FindingConflict, FindingBroken, FindingSlow, FindingMismatched, FindingLeftover}
	const resolution = "所涉采购已办结，系统自动办结本事项"
	return p.store.InTx(ctx, func(tx *sql.Tx) error {
		system := duoyun.SystemActor()
		closed, err := p.store.CloseSettled(ctx, tx, kinds, resolution, system.Name, p.now())
		if err != nil {
			return err
		}
		for _, id := range closed {
			e := entry(ctx, system, "finding.resolve", "finding", id)
			e.Detail = detail(map[string]string{"note": resolution})
			if err := p.store.Audit(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// sweepDue wakes workers for what is due. While jobs wait in line, those of the intents that are due since may be among
// them: adding more would only make the line longer.
func (p *Purchaser) sweepDue(ctx context.Context) error {
	ages, err := p.store.QueueAges(ctx)
	if err != nil {
		return err
	}
	late := lostAfter + ages[PurchaseJob{}.Kind()]
	for {
		n := 0
		err := p.store.InTx(ctx, func(tx *sql.Tx) error {
			now := p.now()
			ids, err := p.store.DueIntents(ctx, tx, now, now.Add(-late), sweepBatch)
			if err != nil {
				return err
			}
			n = len(ids)
			jobs := make([]duoyun.Job, n)
			for i, id := range ids {
				jobs[i] = PurchaseJob{IntentID: id}
			}
			return p.store.Enqueue(ctx, tx, jobs...)
		})
		if err != nil || n < sweepBatch {
			return err
		}
	}
}

// sweepWaiting sees to intents that wait though nothing is open before them any more: one was placed while the parent
// it shares with another order was being settled, so that neither transaction saw the other.
func (p *Purchaser) sweepWaiting(ctx context.Context) error {
	left, err := p.store.LeftWaiting(ctx, p.now().Add(-lostAfter), sweepBatch)
	if err != nil {
		return err
	}
	for _, in := range left {
		err := p.store.InTx(ctx, func(tx *sql.Tx) error { return p.letGo(ctx, tx, in) })
		if err != nil && !lost(err) {
			return err
		}
	}
	return nil
}

// letGo wakes a waiting intent that nothing hinders, or cancels it where a parent of its resource never came to be.
func (p *Purchaser) letGo(ctx context.Context, tx *sql.Tx, in duoyun.Intent) error {
	if in.OrderID != "" {
		if err := p.store.HoldOrder(ctx, tx, in.OrderID); err != nil {
			return err
		}
	}
	in, err := p.store.LockIntent(ctx, tx, in.ID)
	if err != nil || in.State != duoyun.IntentWaiting {
		return err
	}
	hindered, err := p.store.Hindered(ctx, tx, in)
	if err != nil || hindered {
		return err
	}
	s, err := p.store.Subject(ctx, tx, in.ResourceID)
	if err != nil {
		return err
	}
	e := ending{Purchaser: p, tx: tx}
	if in.Op == duoyun.OpCreate && slices.ContainsFunc(s.Parents, func(a Above) bool { return gone(a.Resource.State) }) {
		err = e.cancel(ctx, in)
	} else {
		err = e.release(ctx, in)
	}
	if err != nil {
		return err
	}
	return e.close(ctx)
}

// gone reports whether a resource in this state does not exist and never will again.
func gone(s duoyun.ResourceState) bool {
	return s == duoyun.ResourceFailed || s == duoyun.ResourceCancelled || s == duoyun.ResourceTerminated
}
