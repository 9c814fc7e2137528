// Package quota is the quota tree and the budget ledger: limits of agencies, budgets of payers, and the holds that every
// bought unit takes on contract ceiling, pool capacity, budget and quota. What is held can never exceed a limit: each
// row is charged by one guarded statement, in one lock order, within the transaction that buys.
package quota

import (
	"context"
	"database/sql"
	"slices"

	"github.com/duoyun/duoyun"
)

// Store is what quota needs kept. Methods with a transaction write, lock, or read inside it; the others read outside.
type Store interface {
	Journal
	LimitStore
	BudgetStore
	HoldStore
}

// Journal is the bookkeeping around every write.
type Journal interface {
	InTx(ctx context.Context, f func(tx *sql.Tx) error) error
	Recall(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once) (string, error)
	Remember(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once, id string) error
	Audit(ctx context.Context, tx *sql.Tx, e duoyun.AuditEntry) error
	Agency(ctx context.Context, tx *sql.Tx, key string) (duoyun.Agency, error)
}

// LimitStore keeps quotas.
type LimitStore interface {
	// QuotaRows reads the quotas of agencies in dimensions and makes those that are missing, without a limit.
	QuotaRows(ctx context.Context, tx *sql.Tx, keys []QuotaKey) ([]Row, error)
	// SetQuotaLimit writes a limit, nil for none; false when more is used already.
	SetQuotaLimit(ctx context.Context, tx *sql.Tx, id string, limit *int64) (bool, error)
	FindQuota(ctx context.Context, id string) (duoyun.Quota, error)
	Quotas(ctx context.Context, scope duoyun.Scope, f Filter, p duoyun.Page) (duoyun.Listing[duoyun.Quota], error)
}

// BudgetStore keeps budgets.
type BudgetStore interface {
	// BudgetRows reads the budgets there are among the keys.
	BudgetRows(ctx context.Context, tx *sql.Tx, keys []BudgetKey) ([]Row, error)
	// YearIssued reports whether any budget of the payer has been issued for the year.
	YearIssued(ctx context.Context, tx *sql.Tx, payerID string, year int) (bool, error)
	// InsertIntentBudgets makes budgets that are not issued yet; those there already stay as they are.
	InsertIntentBudgets(ctx context.Context, tx *sql.Tx, keys []BudgetKey) error
	// IssueBudget writes a budget's limit and marks it issued; false when more is used already.
	IssueBudget(ctx context.Context, tx *sql.Tx, id string, limit duoyun.Fen) (bool, error)
	FindBudget(ctx context.Context, id string) (duoyun.Budget, error)
	Budgets(ctx context.Context, scope duoyun.Scope, f BudgetFilter, p duoyun.Page) (duoyun.Listing[duoyun.Budget], error)
}

// HoldStore keeps holds and charges the rows they speak of.
type HoldStore interface {
	// CapacityRows reads the capacity rows of pools in dimensions and makes those that are missing, without a limit.
	CapacityRows(ctx context.Context, tx *sql.Tx, keys []CapacityKey) ([]Row, error)
	InsertHolds(ctx context.Context, tx *sql.Tx, holds []duoyun.Hold) error
	// Charge adds each amount to its row, one guarded statement a row in the order given, and returns the index of the
	// first row that has not enough left (what precedes it is charged), or -1. Negative amounts always pass.
	Charge(ctx context.Context, tx *sql.Tx, amounts []Amount) (int, error)
	// LiveHolds locks and reads the holds of resources that are held or committed, by id; orderID "" is any order's.
	LiveHolds(ctx context.Context, tx *sql.Tx, resourceIDs []string, orderID string) ([]duoyun.Hold, error)
	CommitHolds(ctx context.Context, tx *sql.Tx, resourceIDs []string) error
	// EndHolds marks holds released, by id.
	EndHolds(ctx context.Context, tx *sql.Tx, ids []string) error
	// SetHold writes amount and state of one hold.
	SetHold(ctx context.Context, tx *sql.Tx, id string, amount int64, state duoyun.HoldState) error
	// Rows reads rows by kind and id, with what people call them.
	Rows(ctx context.Context, tx *sql.Tx, kind duoyun.HoldKind, ids []string) ([]Row, error)
	HoldMismatches(ctx context.Context) ([]Mismatch, error)
}

// Service keeps limits and holds. It is safe for concurrent use.
type Service struct {
	store    Store
	now      duoyun.Clock
	business duoyun.Clock
}

// New returns the service; now is the real clock, for ids, and business tells the budget year.
func New(store Store, now, business duoyun.Clock) *Service {
	return &Service{store: store, now: now, business: business}
}

// Mismatches lists the rows whose used amount is not the sum of their live holds: none, unless someone wrote to the
// database by hand (finance, auditors and administrators).
func (s *Service) Mismatches(ctx context.Context, actor duoyun.Actor) ([]Mismatch, error) {
	if err := actor.Need(duoyun.RoleFinance, duoyun.RoleAuditor, duoyun.RoleAuditAdmin, duoyun.RoleSystemAdmin); err != nil {
		return nil, err
	}
	return s.store.HoldMismatches(ctx)
}

// covered reads an agency that the actor holds one of the roles over. Where the scope does not reach, it does not exist.
func (s *Service) covered(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, key string, roles ...duoyun.Role) (duoyun.Agency, error) {
	if err := actor.Need(roles...); err != nil {
		return duoyun.Agency{}, err
	}
	a, err := s.store.Agency(ctx, tx, key)
	if err == nil && !actor.ScopeFor(roles...).Covers(a) {
		err = duoyun.NotFound("单位", "agency", key)
	}
	return a, err
}

// readers is the scope of those who may read limits and money: everyone but suppliers, over their agencies.
func readers(actor duoyun.Actor) (duoyun.Scope, error) {
	roles := slices.DeleteFunc(duoyun.Roles(), func(r duoyun.Role) bool { return r == duoyun.RoleSupplier })
	return actor.ScopeFor(roles...), actor.Need(roles...)
}
