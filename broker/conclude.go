package broker

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
)

// conclude moves an order of which nothing is under way any more.
func (s *Service) conclude(ctx context.Context, tx *sql.Tx, orderID string) error {
	if busy, err := s.store.OrderBusy(ctx, tx, orderID); err != nil || busy {
		return err
	}
	o, err := s.store.LockOrder(ctx, tx, orderID)
	if err != nil {
		return err
	}
	switch o.State {
	case duoyun.OrderProvisioning:
		if o.Requested.Form == duoyun.FormOpen {
			return s.concludeOpen(ctx, tx, &o)
		}
		return s.concludeChange(ctx, tx, &o)
	case duoyun.OrderHeld: // a mismatch that a person settled may have completed it
		return s.concludeOpen(ctx, tx, &o)
	case duoyun.OrderUndoing:
		return s.concludeUndo(ctx, tx, &o)
	}
	return nil
}

// concludeOpen looks at what an open order has got: all, some or none of its units; what is missing follows on_shortage.
func (s *Service) concludeOpen(ctx context.Context, tx *sql.Tx, o *duoyun.Order) error {
	rs, err := s.store.OrderResources(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	missing, err := missingUnits(*o, rs)
	if err != nil {
		return err
	}
	live := liveOf(rs)
	if len(missing) == 0 {
		if o.State == duoyun.OrderHeld {
			if err := s.move(ctx, tx, duoyun.SystemActor(), o, duoyun.OrderProvisioning, "place", ""); err != nil {
				return err
			}
		}
		return s.handOver(ctx, tx, o, live, duoyun.OrderDelivered, "")
	}
	if o.State == duoyun.OrderHeld {
		return nil
	}
	why := because("%d 个资源未能开通：%s", "%d units could not be had: %s", len(missing), missing)
	switch o.Requested.Requires.OnShortage {
	case "partial":
		o.Reason = why.ZH
		if len(live) == 0 {
			return s.move(ctx, tx, duoyun.SystemActor(), o, duoyun.OrderFailed, "fail", why.ZH)
		}
		return s.handOver(ctx, tx, o, live, duoyun.OrderPartial, why.ZH)
	case "undo":
		o.Reason = why.ZH
		return s.undo(ctx, tx, duoyun.SystemActor(), o, live, "undo", why.ZH)
	}
	return s.held(ctx, tx, o, FindingShortage, why)
}

// missingUnits names the units of an order that it has not got. What was delivered and given back since is not missed.
func missingUnits(o duoyun.Order, rs []duoyun.Resource) ([]string, error) {
	units, err := o.Requested.Units(o.Approved)
	if err != nil {
		return nil, err
	}
	had := map[unitKey]bool{}
	for _, r := range rs {
		if r.State.Live() || !r.Delivered.IsZero() {
			had[unitKey{r.Line, r.Ordinal}] = true
		}
	}
	var missing []string
	for _, u := range units {
		if !had[keyOf(u)] {
			missing = append(missing, u.Name())
		}
	}
	return missing, nil
}

func liveOf(rs []duoyun.Resource) []duoyun.Resource {
	return slices.DeleteFunc(slices.Clone(rs), func(r duoyun.Resource) bool { return !r.State.Live() })
}

// handOver asks the department to confirm what was delivered 开通确认.
func (s *Service) handOver(ctx context.Context, tx *sql.Tx, o *duoyun.Order, live []duoyun.Resource, to duoyun.OrderState, note string) error {
	if err := s.move(ctx, tx, duoyun.SystemActor(), o, to, "deliver", note); err != nil {
		return err
	}
	return s.askConfirmation(ctx, tx, *o, live)
}

func (s *Service) askConfirmation(ctx context.Context, tx *sql.Tx, o duoyun.Order, live []duoyun.Resource) error {
	due, err := s.silence(ctx, tx, live)
	if err != nil {
		return err
	}
	return s.assign(ctx, tx, o, assignment{kind: duoyun.TaskConfirmDelivery, role: duoyun.RoleConfirmer, agency: o.AgencyID, due: due})
}

// silentDays is how many working days silence confirms after, where a contract does not say.
const silentDays = 5

// silence is when nobody's objection counts as confirmation: after the longest of the contracts' working days.
func (s *Service) silence(ctx context.Context, tx *sql.Tx, rs []duoyun.Resource) (time.Time, error) {
	days, seen := 0, map[string]bool{"": true}
	for _, r := range rs {
		if seen[r.ContractID] {
			continue
		}
		seen[r.ContractID] = true
		c, err := s.store.Contract(ctx, tx, r.ContractID)
		if err != nil {
			return time.Time{}, err
		}
		days = max(days, c.Rules.SilenceDays)
	}
	if days == 0 {
		days = silentDays
	}
	return AfterWorkingDays(duoyun.DateOf(s.now()), days), nil
}

// AfterWorkingDays is the first instant after n working days that follow a day; Saturdays and Sundays are none. Public
// holidays and their make-up days are not known here yet.
func AfterWorkingDays(d duoyun.Date, n int) time.Time {
	for n > 0 {
		d = d.AddDays(1)
		if w := d.Time().Weekday(); w != time.Saturday && w != time.Sunday {
			n--
		}
	}
	return d.AddDays(1).Time()
}

// undo takes back what an order bought, children before parents.
func (s *Service) undo(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, live []duoyun.Resource, action, note string) error {
	if err := s.move(ctx, tx, actor, o, duoyun.OrderUndoing, action, note); err != nil {
		return err
	}
	if err := s.takeBack(ctx, tx, o.ID, live); err != nil {
		return err
	}
	if len(live) > 0 {
		return nil
	}
	return s.move(ctx, tx, duoyun.SystemActor(), o, duoyun.OrderUndone, "undone", "")
}

func (s *Service) concludeUndo(ctx context.Context, tx *sql.Tx, o *duoyun.Order) error {
	rs, err := s.store.OrderResources(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	if len(liveOf(rs)) == 0 {
		return s.move(ctx, tx, duoyun.SystemActor(), o, duoyun.OrderUndone, "undone", "")
	}
	return s.finding(ctx, tx, *o, FindingUndoStuck, duoyun.Text{ZH: "申请单 " + o.Number + " 有资源未能撤销：" + o.Reason,
		EN: "not everything of order " + o.Number + " could be taken back: " + o.Reason}, byPeople("查明原因后重试撤销", "find out why and retry the order"))
}

// undoAgain takes back what is left of an order whose undoing has got stuck, nothing of it being under way any more.
func (s *Service) undoAgain(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order) error {
	if err := s.atRest(ctx, tx, *o); err != nil {
		return err
	}
	if err := s.settle(ctx, tx, actor, *o, "已重试撤销", FindingUndoStuck); err != nil {
		return err
	}
	rs, err := s.store.OrderResources(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	live := liveOf(rs)
	if len(live) == 0 {
		return s.move(ctx, tx, actor, o, duoyun.OrderUndone, "undone", "")
	}
	if err := s.record(ctx, tx, actor, *o, o.State, "retry", ""); err != nil {
		return err
	}
	return s.takeBack(ctx, tx, o.ID, live)
}
