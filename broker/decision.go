package broker

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

// DecisionStore keeps what was decided for orders before, and tells what came of it: what their units hold, and what
// failed.
type DecisionStore interface {
	// Supersede keeps the stored recommendation and choice of an order as d tells of it; an order without either keeps
	// none. It comes before they are written anew.
	Supersede(ctx context.Context, tx *sql.Tx, d duoyun.OrderDecision) error
	Decisions(ctx context.Context, orderID string, p duoyun.Page) (duoyun.Listing[duoyun.OrderDecision], error)
	// Failures lists the purchases of an order that failed for good, oldest first.
	Failures(ctx context.Context, tx *sql.Tx, orderID string) ([]Failure, error)
	// UnitMoney lists what the units of an order hold of budgets, held or committed.
	UnitMoney(ctx context.Context, tx *sql.Tx, orderID string) ([]UnitMoney, error)
	// OrderHolds sums what the units of an order hold, by row and state: contracts, budgets, pools, quotas.
	OrderHolds(ctx context.Context, orderID string) ([]HeldSum, error)
}

// Failure is a purchase that failed for good.
type Failure struct {
	Unit   string `json:"unit"`
	PoolID string `json:"pool_id"`
	Reason string `json:"reason"`
}

// UnitMoney is what one unit holds of one budget.
type UnitMoney struct {
	ResourceID string
	duoyun.YearFen
	Item string
}

// HeldSum is what an order's units hold of one row: a contract's ceiling, a budget, a pool's capacity or a quota.
type HeldSum struct {
	Kind      duoyun.HoldKind
	Owner     string           // contract number, or name of the payer, pool or agency
	Dimension duoyun.Dimension // pool and quota
	Year      int              // budget
	Item      string           // budget
	State     duoyun.HoldState
	Amount    int64 // fen of contracts and budgets, otherwise units of the dimension
	Units     int64 // how many hold it
}

// Money reports whether the amount is fen.
func (h HeldSum) Money() bool { return among(h.Kind, duoyun.HoldContract, duoyun.HoldBudget) }

// supersede keeps what was recommended and chosen for an order, before it is written anew.
func (s *Service) supersede(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o duoyun.Order, action, note string) error {
	now := s.now()
	return s.store.Supersede(ctx, tx, duoyun.OrderDecision{ID: duoyun.NewID(now), OrderID: o.ID, At: now, ActorID: actor.UserID,
		Actor: actor.Name, Action: action, Note: note})
}

// Decisions lists the recommendations and choices of an order that others have taken the place of, newest first; suppliers
// see none.
func (s *Service) Decisions(ctx context.Context, actor duoyun.Actor, key string, p duoyun.Page) (duoyun.Listing[duoyun.OrderDecision], error) {
	o, err := s.store.FindOrder(ctx, actor.ScopeFor(), key)
	if err != nil || supplierOnly(actor) {
		return duoyun.Listing[duoyun.OrderDecision]{}, err
	}
	return s.store.Decisions(ctx, o.ID, p)
}

// Holds sums what an order's units hold, by row and state; suppliers see nothing of it.
func (s *Service) Holds(ctx context.Context, actor duoyun.Actor, key string) ([]HeldSum, error) {
	o, err := s.store.FindOrder(ctx, actor.ScopeFor(), key)
	if err != nil || supplierOnly(actor) {
		return nil, err
	}
	return s.store.OrderHolds(ctx, o.ID)
}
