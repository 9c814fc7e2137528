package broker

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
)

// Settled moves what hangs on a purchase intent that has ended: the resource's state, number, holds and meters, and the
// order once nothing of it is under way any more. It runs in the intent's own transaction, the order's row held first.
// What the vendor told is stored already, so the resource is read again here.
func (s *Service) Settled(ctx context.Context, tx *sql.Tx, in duoyun.Intent, _ duoyun.Resource) error {
	rs, err := s.store.LockResources(ctx, tx, []string{in.ResourceID})
	if err != nil {
		return err
	}
	if len(rs) != 1 {
		return duoyun.NotFound("资源", "resource", in.ResourceID)
	}
	r := rs[0]
	switch in.Op {
	case duoyun.OpCreate:
		err = s.created(ctx, tx, in, &r)
	case duoyun.OpDelete:
		err = s.deleted(ctx, tx, in, &r)
	case duoyun.OpRenew:
		err = s.renewed(ctx, tx, in, r)
	default:
		err = s.updated(ctx, tx, in, &r)
	}
	if err != nil || in.OrderID == "" {
		return err
	}
	return s.conclude(ctx, tx, in.OrderID)
}

// created settles a purchase. One that exists with another spec keeps its holds and waits for a person, unbilled.
func (s *Service) created(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r *duoyun.Resource) error {
	switch in.State {
	case duoyun.IntentVerified:
		return s.delivered(ctx, tx, in, r)
	case duoyun.IntentMismatched:
		return s.moveResource(ctx, tx, r, duoyun.ResourceCreating)
	case duoyun.IntentCancelled:
		return s.lost(ctx, tx, r, duoyun.ResourceCancelled)
	case duoyun.IntentFailed:
		return s.lost(ctx, tx, r, duoyun.ResourceFailed)
	case duoyun.IntentCompensated:
		return s.moveResource(ctx, tx, r, duoyun.ResourceTerminated)
	}
	return nil
}

// delivered gives a verified unit its number and delivery date; the platform's own networks run at once.
func (s *Service) delivered(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r *duoyun.Resource) error {
	to := duoyun.ResourceDelivered
	if r.Kind == duoyun.KindNetwork {
		to = duoyun.ResourceRunning
	}
	now := s.now()
	r.Spec, r.Delivered = in.After, now
	var err error
	if r.Number == "" {
		if r.Number, err = s.store.NextNumber(ctx, tx, duoyun.NumberResource, r.AgencyID, now); err != nil {
			return err
		}
	}
	if err := s.moveResource(ctx, tx, r, duoyun.ResourceCreating, to); err != nil {
		return err
	}
	return s.meters.Start(ctx, tx, *r, now) // only a contract that charges from delivery starts its meters here
}

// lost ends a unit that could not be had and gives back what it held.
func (s *Service) lost(ctx context.Context, tx *sql.Tx, r *duoyun.Resource, to duoyun.ResourceState) error {
	if err := s.moveResource(ctx, tx, r, to); err != nil {
		return err
	}
	return s.quota.Release(ctx, tx, []quota.Free{{ResourceID: r.ID}})
}

// moveResource takes a resource along its lifecycle and writes it; a state it is in already is passed over.
func (s *Service) moveResource(ctx context.Context, tx *sql.Tx, r *duoyun.Resource, path ...duoyun.ResourceState) error {
	for _, to := range path {
		if r.State == to {
			continue
		}
		state, err := duoyun.ResourceLifecycle().Move(r.State, to)
		if err != nil {
			return err
		}
		r.State = state
	}
	r.UpdatedAt = s.now()
	return s.store.UpdateResource(ctx, tx, *r)
}

// resting is the state of a resource that nothing is being done to.
func resting(r duoyun.Resource) duoyun.ResourceState {
	if r.Confirmed.IsZero() && r.OrderID != "" {
		return duoyun.ResourceDelivered
	}
	if v, ok := r.Spec.(duoyun.ServerSpec); ok && v.Stopped {
		return duoyun.ResourceStopped
	}
	return duoyun.ResourceRunning
}

// updated settles a change: the spec, the price, the meters, and what the smaller spec gives back.
func (s *Service) updated(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r *duoyun.Resource) error {
	switch in.State {
	case duoyun.IntentVerified:
		was := *r
		r.Spec = in.After
		if monthly, given, err := s.giveBack(ctx, tx, was, *r); err != nil {
			return err
		} else if given {
			r.Monthly = monthly
		}
		if err := s.moveResource(ctx, tx, r, resting(*r)); err != nil {
			return err
		}
		if err := s.meters.Change(ctx, tx, *r, s.now()); err != nil || r.Confirmed.IsZero() {
			return err
		}
		return s.quota.Commit(ctx, tx, []string{r.ID})
	case duoyun.IntentFailed, duoyun.IntentCancelled:
		if err := s.quota.Undo(ctx, tx, in.OrderID, []string{r.ID}); err != nil {
			return err
		}
		return s.unchanged(ctx, tx, in, r, "变更")
	}
	return nil
}

// deleted settles a release: only its proof closes the meters and gives back the holds, but for what has accrued.
func (s *Service) deleted(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r *duoyun.Resource) error {
	switch in.State {
	case duoyun.IntentVerified:
		now := s.now()
		r.Terminated = now
		if err := s.moveResource(ctx, tx, r, duoyun.ResourceTerminated); err != nil {
			return err
		}
		if err := s.endsNoMore(ctx, tx, *r, "资源已释放，系统自动办结本事项"); err != nil {
			return err
		}
		if err := s.meters.Stop(ctx, tx, *r, now); err != nil {
			return err
		}
		accrued, err := s.meters.Accrued(ctx, tx, *r, now)
		if err != nil {
			return err
		}
		return s.quota.Release(ctx, tx, []quota.Free{{ResourceID: r.ID, Accrued: accrued}})
	case duoyun.IntentFailed, duoyun.IntentCancelled:
		return s.unchanged(ctx, tx, in, r, "释放")
	}
	return nil
}

// unchanged puts a resource back to where it was when its change or release failed, and says so on the order.
func (s *Service) unchanged(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r *duoyun.Resource, what string) error {
	if err := s.moveResource(ctx, tx, r, resting(*r)); err != nil || in.OrderID == "" {
		return err
	}
	o, err := s.store.LockOrder(ctx, tx, in.OrderID)
	if err != nil {
		return err
	}
	note := r.Number + " " + what + "未成：" + in.Reason
	if o.Reason != "" {
		note = "；" + note
	}
	o.Reason += note
	return s.save(ctx, tx, &o)
}
