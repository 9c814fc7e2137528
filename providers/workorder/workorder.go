// Package workorder is the driver through which people fulfil what has no API: each line of a service is one work order
// 工单 in a supplier's hands, for the whole quantity. The purchase protocol, holds, meters and statements are the same as for machines.
package workorder

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// State is the state of a work order.
type State string

// The states of a work order.
const (
	Open     State = "open"     // with the supplier's people
	Done     State = "done"     // fulfilled
	Rejected State = "rejected" // the supplier will not or cannot
	Closed   State = "closed"   // taken back, or released after it was done
)

// Order 工单 is a quantity of a service in a supplier's hands.
type Order struct {
	ID        string
	Token     string // idempotency token: the same token is the same order
	Mark      string // of the unit
	State     State
	Name      string // 迁移服务
	Quantity  int64  // 10
	Unit      string // 人天
	Note      string // what the supplier wrote
	CreatedAt time.Time
	DecidedAt time.Time
}

// Store keeps work orders; each method is one transaction of its own and may be repeated.
type Store interface {
	// OpenWorkOrder writes an order with a task for the supplier of the mark's resource, or returns the one that the token
	// opened before.
	OpenWorkOrder(ctx context.Context, o Order) (Order, error)
	// MarkedWorkOrders lists the orders that bear a mark, oldest first.
	MarkedWorkOrders(ctx context.Context, mark string) ([]Order, error)
	// FindWorkOrder reads an order; ok is false where there is none.
	FindWorkOrder(ctx context.Context, id string) (o Order, ok bool, err error)
	// CloseWorkOrder takes an order back; an order that is not there, or closed already, is no error.
	CloseWorkOrder(ctx context.Context, id string) error
	// PoolWorkOrders lists the orders of a pool's resources that are not closed, by id, after the given one.
	PoolWorkOrders(ctx context.Context, poolID, after string, limit int) ([]Order, error)
}

// Opener returns the driver over a store. A nil clock is time.Now.
func Opener(store Store, now duoyun.Clock) driver.Opener {
	if now == nil {
		now = time.Now
	}
	return func(_ context.Context, a driver.Account) (driver.Cloud, error) {
		return cloud{services{store: store, pool: a.Pool, now: now}}, nil
	}
}

type cloud struct{ services services }

// Capabilities implements driver.Cloud. Our own rows settle at once, and tokens are kept for good.
func (cloud) Capabilities() driver.Capabilities {
	return driver.Capabilities{Driver: "workorder", Settling: time.Second, CallTimeout: 10 * time.Second, TokenLife: 10 * 365 * 24 * time.Hour}
}

// Kind implements driver.Cloud.
func (c cloud) Kind(k duoyun.Kind) (driver.Resource, bool) {
	return c.services, k == duoyun.KindService
}

// Code implements driver.Cloud: what our own store did not do is repeated with the same token.
func (cloud) Code(err error) driver.Code {
	var e coded
	switch {
	case err == nil:
		return driver.OK
	case errors.As(err, &e):
		return e.code
	case duoyun.CodeOf(err) == duoyun.CodeInvalid:
		return driver.Invalid
	}
	return driver.InDoubt
}

type coded struct {
	code driver.Code
	error
}

const (
	stepOrder = "order"
	stepClose = "close"
)

// services is the driver of kind service.
type services struct {
	store Store
	pool  string
	now   duoyun.Clock
}

// Plan implements driver.Resource: a service is ordered or taken back, never changed.
func (services) Plan(c driver.Change) ([]driver.Step, error) {
	switch c.Op {
	case duoyun.OpCreate:
		return []driver.Step{{Name: stepOrder, Main: true, Await: true, Token: true}}, nil
	case duoyun.OpDelete:
		return []driver.Step{{Name: stepClose, Await: true, Token: true}}, nil
	}
	return nil, coded{driver.Invalid, fmt.Errorf("a work order cannot be changed by %s", c.Op)}
}

// Run implements driver.Resource.
func (s services) Run(ctx context.Context, c driver.Call) (driver.Reply, error) {
	if c.Step == stepClose {
		id, err := s.id(ctx, c)
		if err != nil || id == "" {
			return driver.Reply{}, err
		}
		return driver.Reply{}, s.store.CloseWorkOrder(ctx, id)
	}
	spec, ok := c.After.(duoyun.ServiceSpec)
	if !ok {
		return driver.Reply{}, coded{driver.Invalid, fmt.Errorf("not a service: %s", c.Kind)}
	}
	o, err := s.store.OpenWorkOrder(ctx, Order{ID: duoyun.NewID(s.now()), Token: c.Token, Mark: c.Mark, State: Open,
		Name: spec.Name, Quantity: spec.Amount(), Unit: spec.Unit})
	return driver.Reply{ID: o.ID, OrderID: o.ID}, err
}

// id is the work order a call is about: by its id, or by its mark where no reply told the id.
func (s services) id(ctx context.Context, c driver.Call) (string, error) {
	if c.ID != "" {
		return c.ID, nil
	}
	orders, err := s.live(ctx, c.Mark)
	if err != nil || len(orders) == 0 {
		return "", err
	}
	return orders[0].ID, nil
}

func (s services) live(ctx context.Context, mark string) ([]Order, error) {
	orders, err := s.store.MarkedWorkOrders(ctx, mark)
	var live []Order
	for _, o := range orders {
		if o.State != Closed {
			live = append(live, o)
		}
	}
	return live, err
}

// Look implements driver.Resource.
func (s services) Look(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	orders, err := s.live(ctx, c.Mark)
	e := driver.Evidence{Complete: true, SentinelSeen: true}
	switch {
	case err != nil:
		return driver.Evidence{}, err
	case len(orders) > 1:
		e.State, e.Detail = driver.Conflict, fmt.Sprintf("%d work orders bear the mark", len(orders))
	case c.Step == stepClose && len(orders) == 0:
		e.State = driver.Done
	case c.Step == stepClose || len(orders) == 0:
		e.State = driver.Absent
	default:
		e.ID, e.Detail = orders[0].ID, orders[0].Note
		e.State = map[State]driver.EvidenceState{Open: driver.Pending, Done: driver.Done, Rejected: driver.Broken}[orders[0].State]
	}
	return e, nil
}

// Observe implements driver.Resource.
func (s services) Observe(ctx context.Context, id string) (driver.Observation, error) {
	o, ok, err := s.store.FindWorkOrder(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	if !ok || o.State == Closed {
		return driver.Observation{}, coded{driver.NotFound, errors.New("no such work order")}
	}
	return observe(o), nil
}

func observe(o Order) driver.Observation {
	state := map[State]driver.ObservedState{Open: driver.Building, Done: driver.Active, Rejected: driver.Errored}[o.State]
	return driver.Observation{ID: o.ID, Mark: o.Mark, Name: o.Name, State: state, CreatedAt: o.CreatedAt,
		Spec: duoyun.ServiceSpec{Name: o.Name, Unit: o.Unit, Quantity: o.Quantity}}
}

const pageSize = 200

// List implements driver.Resource.
func (s services) List(ctx context.Context, cursor string) (driver.Page, error) {
	orders, err := s.store.PoolWorkOrders(ctx, s.pool, cursor, pageSize)
	p := driver.Page{}
	for _, o := range orders {
		p.Items = append(p.Items, observe(o))
	}
	if len(orders) == pageSize {
		p.Next = orders[pageSize-1].ID
	}
	return p, err
}
