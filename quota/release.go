package quota

import (
	"context"
	"database/sql"
	"slices"

	"github.com/duoyun/duoyun"
)

// Free says that a resource gives back what it holds. Accrued, by year, is what its use has cost so far.
type Free struct {
	ResourceID string
	Accrued    []duoyun.YearFen
}

// Release gives back what resources hold, to the rows that were charged, though the tree has changed since: quota and
// capacity wholly, money but for what accrued. Releasing twice is harmless.
func (s *Service) Release(ctx context.Context, tx *sql.Tx, frees []Free) error {
	accrued := map[string]*accrual{}
	ids := make([]string, 0, len(frees))
	for _, f := range frees {
		ids = append(ids, f.ResourceID)
		accrued[f.ResourceID] = newAccrual(f.Accrued)
	}
	return s.giveBack(ctx, tx, ids, "", func(h duoyun.Hold, r Row) int64 { return accrued[h.ResourceID].keep(h, r) })
}

// Undo gives back all that resources took for one order, as when its change failed for good. Repeating it is harmless.
func (s *Service) Undo(ctx context.Context, tx *sql.Tx, orderID string, resourceIDs []string) error {
	return s.giveBack(ctx, tx, resourceIDs, orderID, func(duoyun.Hold, Row) int64 { return 0 })
}

// giveBack ends the live holds of resources but for what keep says of each, and takes the rest off their rows.
func (s *Service) giveBack(ctx context.Context, tx *sql.Tx, resourceIDs []string, orderID string, keep func(duoyun.Hold, Row) int64) error {
	holds, rows, err := s.live(ctx, tx, resourceIDs, orderID)
	if err != nil || len(holds) == 0 {
		return err
	}
	var ended []string
	sums := map[string]int64{}
	for _, h := range holds {
		kept := keep(h, rows[h.RowID])
		sums[h.RowID] += kept - h.Amount
		if kept == 0 {
			ended = append(ended, h.ID)
			continue
		}
		if err := s.store.SetHold(ctx, tx, h.ID, kept, duoyun.HoldAccrued); err != nil {
			return err
		}
	}
	if err := s.store.EndHolds(ctx, tx, ended); err != nil {
		return err
	}
	return s.charge(ctx, tx, values(rows), sums)
}

// live locks the live holds of resources, oldest first, and reads the rows they were charged to.
func (s *Service) live(ctx context.Context, tx *sql.Tx, resourceIDs []string, orderID string) ([]duoyun.Hold, map[string]Row, error) {
	holds, err := s.store.LiveHolds(ctx, tx, resourceIDs, orderID)
	if err != nil {
		return nil, nil, err
	}
	rows := map[string]Row{}
	for _, h := range holds {
		rows[h.RowID] = Row{Kind: h.Kind, ID: h.RowID}
	}
	for kind, ids := range byKind(values(rows)) {
		found, err := s.store.Rows(ctx, tx, kind, ids)
		if err != nil {
			return nil, nil, err
		}
		for _, r := range found {
			rows[r.ID] = r
		}
	}
	return holds, rows, nil
}

// accrual is what one resource's use has cost, as its holds take their part of it, the oldest first.
type accrual struct {
	years map[int]int64
	total int64 // of the contract
}

func newAccrual(years []duoyun.YearFen) *accrual {
	a := &accrual{years: map[int]int64{}}
	for _, y := range years {
		n := max(0, int64(y.Amount)) // a credit frees nothing beyond the hold
		a.years[y.Year] += n
		a.total += n
	}
	return a
}

// keep is how much of a hold stays charged. Money is kept up to what was held: a hold never grows by a release.
func (a *accrual) keep(h duoyun.Hold, r Row) int64 {
	switch h.Kind {
	case duoyun.HoldContract:
		kept := min(h.Amount, a.total)
		a.total -= kept
		return kept
	case duoyun.HoldBudget:
		kept := min(h.Amount, a.years[r.Year])
		a.years[r.Year] -= kept
		return kept
	}
	return 0
}

func values(rows map[string]Row) []Row {
	out := make([]Row, 0, len(rows))
	for _, r := range rows {
		out = append(out, r)
	}
	inLockOrder(out)
	return out
}

// Resize takes the positive parts of a change to one resource, as Hold does; charge has the differences. The negative
// parts are given back by Shrink once the change is verified, and what Resize took by Undo when it fails for good.
func (s *Service) Resize(ctx context.Context, tx *sql.Tx, orderID string, charge Charge) error {
	more := charge
	more.Years, more.Quota = nil, map[duoyun.Dimension]int64{}
	for _, y := range charge.Years {
		if y.Amount > 0 {
			more.Years = append(more.Years, y)
		}
	}
	for d, n := range charge.Quota {
		if n > 0 {
			more.Quota[d] = n
		}
	}
	return s.Hold(ctx, tx, orderID, []Charge{more})
}

// Shrink gives back the negative parts of a change to one resource once it is verified; charge is what Resize had. The
// newest holds shrink first, and none below nought, so that a shrink too many is harmless. It is not to be repeated.
func (s *Service) Shrink(ctx context.Context, tx *sql.Tx, charge Charge) error {
	holds, rows, err := s.live(ctx, tx, []string{charge.ResourceID}, "")
	if err != nil || len(holds) == 0 {
		return err
	}
	less, sums := lessOf(charge, rows), map[string]int64{}
	for _, h := range slices.Backward(holds) {
		n := min(h.Amount, less[h.RowID])
		if n == 0 {
			continue
		}
		less[h.RowID] -= n
		sums[h.RowID] -= n
		if err := s.store.SetHold(ctx, tx, h.ID, h.Amount-n, h.State); err != nil {
			return err
		}
	}
	return s.charge(ctx, tx, values(rows), sums)
}

// lessOf tells by how much each row's charge shrinks.
func lessOf(charge Charge, rows map[string]Row) map[string]int64 {
	var total int64
	years := map[int]int64{}
	for _, y := range charge.Years {
		if y.Amount < 0 {
			total -= int64(y.Amount)
			years[y.Year] -= int64(y.Amount)
		}
	}
	less := map[string]int64{}
	for id, r := range rows {
		switch r.Kind {
		case duoyun.HoldContract:
			less[id] = total
		case duoyun.HoldBudget:
			less[id] = years[r.Year]
		default:
			less[id] = max(0, -charge.Quota[r.Dimension])
		}
	}
	return less
}
