package broker

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

// confirmDelivery is 开通确认: what was delivered runs, its meters start as the contract says, and its holds become
// commitments. Contract acceptance 履约验收 is another matter.
func (s *Service) confirmDelivery(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, t *duoyun.Task, note string) error {
	if err := s.decided(ctx, tx, actor, t, duoyun.TaskApproved, note, ""); err != nil {
		return err
	}
	rs, err := s.store.OrderResources(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	now := s.now()
	byState := map[duoyun.ResourceState][]string{}
	var confirmed []duoyun.Resource
	for _, r := range rs {
		if r.State != duoyun.ResourceDelivered {
			continue
		}
		r.Confirmed = now
		r.State = resting(r)
		byState[r.State] = append(byState[r.State], r.ID)
		confirmed = append(confirmed, r)
	}
	for _, state := range []duoyun.ResourceState{duoyun.ResourceRunning, duoyun.ResourceStopped} {
		if err := s.store.SetResourceStates(ctx, tx, byState[state], state, now, now); err != nil {
			return err
		}
	}
	for _, r := range confirmed {
		if err := s.meters.Start(ctx, tx, r, now); err != nil {
			return err
		}
	}
	if err := s.move(ctx, tx, actor, o, duoyun.OrderConfirmed, "confirm_delivery", note); err != nil {
		return err
	}
	return s.quota.Commit(ctx, tx, ids(confirmed))
}

// refuseDelivery follows a confirmer's no: a rejection takes everything back; a return leaves it as it is, for the
// platform's people to see to, and asks again.
func (s *Service) refuseDelivery(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, t duoyun.Task, d Decision) error {
	rs, err := s.store.OrderResources(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	live := liveOf(rs)
	if d.Verdict == Reject {
		o.Reason = d.Note
		return s.undo(ctx, tx, actor, o, live, "reject_delivery", d.Note)
	}
	if err := s.record(ctx, tx, actor, *o, o.State, "object_delivery", d.Note); err != nil {
		return err
	}
	err = s.finding(ctx, tx, *o, FindingDisputed, duoyun.Text{ZH: "申请单 " + o.Number + " 的开通有异议：" + d.Note,
		EN: "the delivery of order " + o.Number + " is disputed: " + d.Note})
	if err != nil {
		return err
	}
	return s.askConfirmation(ctx, tx, *o, live)
}

// silentBatch is how many deliveries one run of ConfirmSilent takes on.
const silentBatch = 200

// ConfirmSilent confirms the deliveries nobody objected to within the contract's working days; it returns how many. A
// periodic job calls it; calling it twice is harmless.
func (s *Service) ConfirmSilent(ctx context.Context) (int, error) {
	due, err := s.store.SilentTasks(ctx, s.now(), silentBatch)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, t := range due {
		_, err := s.Decide(ctx, duoyun.SystemActor(), duoyun.Once{}, t.ID, Decision{Verdict: Approve, Note: "逾期未提出异议，视为确认"})
		switch {
		case duoyun.CodeOf(err) == duoyun.CodeConflict: // decided meanwhile
		case err != nil:
			return n, err
		default:
			n++
		}
	}
	return n, nil
}
