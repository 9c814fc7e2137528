package broker

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/duoyun/duoyun"
)

// heldBatch is how many held orders are read at a time.
const heldBatch = 100

// errStill rolls a placing back that has come to nothing: the order stays on hold as it was.
var errStill = errors.New("still on hold")

// RetryHeld places the orders again that their placing put on hold, oldest first, in case what was short has come free
// since; it returns how many went on. A periodic job calls it; calling it twice is harmless. An order for which something
// is still short stays as it is, with its finding and no entry in its history; one of which the vendor failed units is
// left to people, since every try would be another purchase.
func (s *Service) RetryHeld(ctx context.Context) (n int, err error) {
	for after := ""; ; {
		ids, readErr := s.store.HeldOrders(ctx, after, heldBatch)
		if readErr != nil {
			return n, errors.Join(err, readErr)
		}
		for _, id := range ids {
			placed, placeErr := s.retryHeld(ctx, id)
			if placed {
				n++
			}
			err = errors.Join(err, placeErr) // one order hinders no other
		}
		if len(ids) < heldBatch || ctx.Err() != nil {
			return n, err
		}
		after = ids[len(ids)-1]
	}
}

func (s *Service) retryHeld(ctx context.Context, orderID string) (placed bool, err error) {
	err = s.store.InTx(ctx, func(tx *sql.Tx) error {
		o, err := s.store.LockOrder(ctx, tx, orderID)
		if err != nil || o.State != duoyun.OrderHeld {
			return errors.Join(err, errStill)
		}
		if err := s.settle(ctx, tx, duoyun.SystemActor(), o, "所缺已补足，系统已重新落单", heldKinds()...); err != nil {
			return err
		}
		if err := s.move(ctx, tx, duoyun.SystemActor(), &o, duoyun.OrderPlacing, "retry", ""); err != nil {
			return err
		}
		if err := s.place(ctx, tx, &o); err != nil {
			return err
		}
		if o.State == duoyun.OrderHeld {
			return errStill
		}
		return nil
	})
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, errStill), placeFault(err):
		return false, nil
	}
	return false, err
}

// Sweep wakes workers for orders that wait to be placed for longer than the line of such jobs is: a worker was killed with
// one. Every replica may call it at any time; a job too many finds the order placed.
func (s *Service) Sweep(ctx context.Context) error {
	ages, err := s.store.QueueAges(ctx)
	if err != nil {
		return err
	}
	late, err := s.store.LatePlacings(ctx, s.now().Add(-lostAfter-ages[PlaceJob{}.Kind()]), sweepBatch)
	if err != nil || len(late) == 0 {
		return err
	}
	jobs := make([]duoyun.Job, len(late))
	for i, id := range late {
		jobs[i] = PlaceJob{OrderID: id}
	}
	return s.store.InTx(ctx, func(tx *sql.Tx) error { return s.store.Enqueue(ctx, tx, jobs...) })
}

// heldKinds are the findings that say that an order is held.
func heldKinds() []string { return []string{FindingShortage, FindingNotPlaced} }

// settle closes an order's findings of these kinds.
func (s *Service) settle(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o duoyun.Order, how string, kinds ...string) error {
	return s.closed(ctx, tx, actor, matter{"order", o.ID, o.Number, s.now()}, how, kinds)
}

// matter is what findings are about, and when they come to their end.
type matter struct {
	subject, id, number string
	at                  time.Time
}

// closed closes the findings of these kinds about a matter.
func (s *Service) closed(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, m matter, how string, kinds []string) error {
	ids, err := s.store.CloseFindings(ctx, tx, m.subject, m.id, kinds, how, actor.Name, m.at)
	if err != nil {
		return err
	}
	for _, id := range ids {
		e := entry(ctx, actor, "finding.resolve", "finding", id)
		e.Detail = detail(map[string]string{m.subject: m.number, "note": how})
		if err := s.store.Audit(ctx, tx, e); err != nil {
			return err
		}
	}
	return nil
}
