package quota

import (
	"cmp"
	"slices"

	"github.com/duoyun/duoyun"
)

// QuotaKey names a quota by agency and dimension.
type QuotaKey struct {
	AgencyID  string
	Dimension duoyun.Dimension
}

// CapacityKey names the capacity of a pool in a dimension.
type CapacityKey struct {
	PoolID    string
	Dimension duoyun.Dimension
}

// BudgetKey names a budget.
type BudgetKey struct {
	PayerID string
	Year    int
	Item    string
}

// Row is one counter that holds are charged to: a contract's ceiling, a pool's capacity in a dimension, a budget, or a
// quota. Amounts are fen for contracts and budgets, units of the dimension otherwise.
type Row struct {
	Kind      duoyun.HoldKind
	ID        string
	OwnerID   string           // contract, pool, payer or agency
	Owner     string           // what people call it: contract number, pool name, agency name
	Depth     int              // quota: depth of the agency
	Dimension duoyun.Dimension // pool and quota
	Year      int              // budget
	Item      string           // budget
	Limit     *int64           // nil: none
	Used      int64
	Open      bool // contract: active; budget: issued; otherwise true
}

// Amount is what one statement adds to one row.
type Amount struct {
	Kind  duoyun.HoldKind
	RowID string
	Add   int64
}

// Mismatch is a row whose used amount is not the sum of its live holds.
type Mismatch struct {
	Kind  duoyun.HoldKind
	RowID string
	Used  int64
	Held  int64
}

// inLockOrder sorts rows as every transaction must lock them: contract ceilings, pool capacities, budgets, then quotas
// from the deepest agency up; within that by owner, then dimension, or year and item. The shared roots come last, so
// that they stay locked for the shortest time.
func inLockOrder(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(b.Depth, a.Depth), cmp.Compare(a.OwnerID, b.OwnerID),
			cmp.Compare(a.Dimension, b.Dimension), cmp.Compare(a.Year, b.Year), cmp.Compare(a.Item, b.Item))
	})
}
