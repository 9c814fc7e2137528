// Package procurement says what can be bought from whom at what price: suppliers, their pools, the contracts with
// their price items, the offers that follow from these, and what a set of units costs under one over a term.
package procurement

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
)

// Store is what procurement needs kept. Methods with a transaction write, lock, or read inside it; the others read
// outside. No method returns a pool's secret.
type Store interface {
	Journal
	SupplierStore
	PoolStore
	ContractStore
	OfferStore
}

// Journal is the bookkeeping around every write.
type Journal interface {
	InTx(ctx context.Context, f func(tx *sql.Tx) error) error
	Recall(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once) (string, error)
	Remember(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once, id string) error
	Audit(ctx context.Context, tx *sql.Tx, e duoyun.AuditEntry) error
}

// SupplierStore keeps suppliers.
type SupplierStore interface {
	// InsertSupplier writes a new supplier; a code already taken is a conflict.
	InsertSupplier(ctx context.Context, tx *sql.Tx, x duoyun.Supplier) error
	UpdateSupplier(ctx context.Context, tx *sql.Tx, x duoyun.Supplier) error
	// LockSupplier reads a supplier by id or code and holds it until the transaction ends.
	LockSupplier(ctx context.Context, tx *sql.Tx, key string) (duoyun.Supplier, error)
	FindSupplier(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Supplier, error)
	Suppliers(ctx context.Context, scope duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Supplier], error)
}

// PoolStore keeps pools and their capacities.
type PoolStore interface {
	// InsertPool writes a new pool with its capacities; a code already taken is a conflict.
	InsertPool(ctx context.Context, tx *sql.Tx, x duoyun.Pool) error
	// UpdatePool writes what may change of a locked pool and raises its version, by which caches know.
	UpdatePool(ctx context.Context, tx *sql.Tx, x duoyun.Pool) error
	// SetCapacity declares a pool's capacity in a dimension, nil for unlimited; false when more is used already.
	SetCapacity(ctx context.Context, tx *sql.Tx, poolID string, d duoyun.Dimension, limit *int64) (bool, error)
	// SealPool seals a secret under the store's key and keeps it; without a key it is CodeUnavailable.
	SealPool(ctx context.Context, tx *sql.Tx, poolID, secret string) error
	// LockPool reads a pool by id or code and holds it until the transaction ends.
	LockPool(ctx context.Context, tx *sql.Tx, key string) (duoyun.Pool, error)
	// PoolNetworks is how many networks have been cut from the pool's address plan.
	PoolNetworks(ctx context.Context, tx *sql.Tx, poolID string) (int64, error)
	// PoolInUse reports whether the pool has resources that are not at their end, or purchases under way.
	PoolInUse(ctx context.Context, tx *sql.Tx, poolID string) (bool, error)
	FindPool(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Pool, error)
	Pools(ctx context.Context, scope duoyun.Scope, f PoolFilter, p duoyun.Page) (duoyun.Listing[duoyun.Pool], error)
}

// ContractStore keeps contracts and their price items.
type ContractStore interface {
	// InsertContract writes a new contract; a number already taken is a conflict.
	InsertContract(ctx context.Context, tx *sql.Tx, x duoyun.Contract) error
	// UpdateContract writes what may change of a locked contract; false when its ceiling would be below what is used.
	UpdateContract(ctx context.Context, tx *sql.Tx, x duoyun.Contract) (bool, error)
	// LockContract reads a contract by id or number and holds it until the transaction ends.
	LockContract(ctx context.Context, tx *sql.Tx, key string) (duoyun.Contract, error)
	InsertPriceItems(ctx context.Context, tx *sql.Tx, items []duoyun.PriceItem) error
	// EndPriceItem sets the first instant a price no longer holds.
	EndPriceItem(ctx context.Context, tx *sql.Tx, id string, until time.Time) error
	// PriceItems lists every validity of a contract's items, by item and time.
	PriceItems(ctx context.Context, tx *sql.Tx, contractID string) ([]duoyun.PriceItem, error)
	FindContract(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Contract, error)
	Contracts(ctx context.Context, scope duoyun.Scope, f ContractFilter, p duoyun.Page) (duoyun.Listing[duoyun.Contract], error)
	// ContractPrices is PriceItems outside a transaction.
	ContractPrices(ctx context.Context, contractID string) ([]duoyun.PriceItem, error)
}

// OfferStore reads what can be bought.
type OfferStore interface {
	// OffersAt reads every active pool under each contract of its supplier in force at the instant, by pool code and
	// contract number. Pools come without their account.
	OffersAt(ctx context.Context, tx *sql.Tx, at time.Time) ([]duoyun.Offer, error)
	// OfferOf reads one pool under one contract of its supplier, whether or not they may still be bought from.
	OfferOf(ctx context.Context, tx *sql.Tx, poolID, contractID string) (duoyun.Offer, error)
	// OfferPrices lists prices that hold at the instant on active pools, newest price item first.
	OfferPrices(ctx context.Context, scope duoyun.Scope, f OfferFilter, at time.Time, p duoyun.Page) (duoyun.Listing[OfferPrice], error)
}

// Deps is what a Service works with.
type Deps struct {
	Store    Store
	Now      duoyun.Clock // real clock, for ids
	Business duoyun.Clock // tells today
	Drivers  []string     // the drivers a pool may have; nil: any
}

// Service keeps suppliers, pools and contracts. It is safe for concurrent use.
type Service struct {
	store    Store
	now      duoyun.Clock
	business duoyun.Clock
	drivers  []string
}

// New returns the service.
func New(d Deps) *Service {
	s := &Service{store: d.Store, now: d.Now, business: d.Business, drivers: d.Drivers}
	if s.now == nil {
		s.now = time.Now
	}
	if s.business == nil {
		s.business = time.Now
	}
	return s
}

// create runs insert unless an earlier call with the same key did; it returns the id of what either made, in one
// transaction with the audit entry and the key.
func (s *Service) create(ctx context.Context, actor duoyun.Actor, once duoyun.Once, action, noun string, insert func(tx *sql.Tx) (string, error)) (id string, err error) {
	err = s.store.InTx(ctx, func(tx *sql.Tx) error {
		if id, err = s.store.Recall(ctx, tx, actor, once); err != nil || id != "" {
			return err
		}
		if id, err = insert(tx); err != nil {
			return err
		}
		if err := s.store.Audit(ctx, tx, entry(ctx, actor, action, noun, id)); err != nil {
			return err
		}
		return s.store.Remember(ctx, tx, actor, once, id)
	})
	return id, err
}

func entry(ctx context.Context, actor duoyun.Actor, action, noun, id string) duoyun.AuditEntry {
	return duoyun.AuditEntry{ActorID: actor.UserID, Actor: actor.Name, Action: action, Subject: noun, Key: id, TraceID: duoyun.TraceOf(ctx)}
}

// sight is the scope of supply: a supplier sees its own rows, everybody else all of them.
func sight(actor duoyun.Actor) duoyun.Scope {
	all := actor.ScopeFor()
	if len(all.Agencies) > 0 {
		return duoyun.Scope{All: true}
	}
	return duoyun.Scope{All: all.All, Suppliers: all.Suppliers}
}
