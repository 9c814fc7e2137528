package quota

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

// Charge is what one resource shall take. Missing parts take nothing: a renewal has no Quota, a network no money.
type Charge struct {
	ResourceID string
	Agency     duoyun.Agency
	PoolID     string
	ContractID string
	Payer      string // agency id
	Item       string // budget item
	Years      []duoyun.YearFen
	Intent     map[int]bool // years funded as intent 跨年意向
	Quota      map[duoyun.Dimension]int64
}

// Free says that a resource gives back what it holds. Accrued, by year, is what its use has cost so far.
type Free struct {
	ResourceID string
	Accrued    []duoyun.YearFen
}

// Hold takes what the charges need on contract ceilings, pool capacities, budgets and quotas, all or nothing, in the
// design's lock order; call it last before the transaction ends. CodeShortage names every row that has not enough, with
// what was asked and what is left; the transaction must then be rolled back.
func (s *Service) Hold(ctx context.Context, tx *sql.Tx, orderID string, charges []Charge) error {
	panic("soon")
}

// Resize takes the positive parts of a change to one resource, as Hold does; charge has the differences. The negative
// parts are given back by Shrink once the change is verified, and what Resize took by Undo when it fails for good.
func (s *Service) Resize(ctx context.Context, tx *sql.Tx, orderID string, charge Charge) error {
	panic("soon")
}

// Commit turns the holds of resources into commitments; repeating it changes nothing.
func (s *Service) Commit(ctx context.Context, tx *sql.Tx, resourceIDs []string) error {
	return s.store.CommitHolds(ctx, tx, resourceIDs)
}

// Release gives back what resources hold, to the rows that were charged, though the tree has changed since: quota and
// capacity wholly, money but for what accrued. Releasing twice is harmless.
func (s *Service) Release(ctx context.Context, tx *sql.Tx, frees []Free) error {
	panic("soon")
}

// Shrink gives back the negative parts of a change to one resource once it is verified; charge is what Resize had.
func (s *Service) Shrink(ctx context.Context, tx *sql.Tx, charge Charge) error {
	panic("soon")
}

// Undo gives back all that resources took for one order, as when its change failed for good. Repeating it is harmless.
func (s *Service) Undo(ctx context.Context, tx *sql.Tx, orderID string, resourceIDs []string) error {
	panic("soon")
}
