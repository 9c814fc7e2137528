package broker

import (
	"context"
	"slices"

	"github.com/duoyun/duoyun"
)

// Orders lists the orders in the actor's scope, newest first; suppliers see those placed with them.
func (s *Service) Orders(ctx context.Context, actor duoyun.Actor, f OrderFilter, p duoyun.Page) (duoyun.Listing[duoyun.Order], error) {
	l, err := s.store.Orders(ctx, actor.ScopeFor(), f, p)
	for i := range l.Items {
		l.Items[i] = shownTo(actor, l.Items[i])
	}
	return l, err
}

// Order reads one order by id or number.
func (s *Service) Order(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Order, error) {
	o, err := s.store.FindOrder(ctx, actor.ScopeFor(), key)
	return shownTo(actor, o), err
}

// supplierOnly reports whether the actor sees anything through suppliers alone.
func supplierOnly(actor duoyun.Actor) bool {
	scope := actor.ScopeFor()
	return !scope.All && len(scope.Agencies) == 0
}

// shownTo keeps from a supplier what is not its own: other suppliers' prices, the recommendation, the money.
func shownTo(actor duoyun.Actor, o duoyun.Order) duoyun.Order {
	if !supplierOnly(actor) {
		return o
	}
	mine := actor.ScopeFor().Suppliers
	var lines []string
	o.Chosen = slices.DeleteFunc(slices.Clone(o.Chosen), func(c duoyun.Choice) bool { return !slices.Contains(mine, c.Candidate.SupplierID) })
	o.Total = 0
	for i, c := range o.Chosen {
		o.Chosen[i].Reason, o.Chosen[i].By = "", ""
		o.Total += c.Candidate.Total
		lines = append(lines, c.LineNames()...)
	}
	o.Recommended, o.Reason = nil, ""
	o.Requested.Funding, o.Requested.SupplierWish = nil, duoyun.SupplierWish{}
	o.Requested.Lines = slices.DeleteFunc(slices.Clone(o.Requested.Lines), func(l duoyun.Line) bool { return !slices.Contains(lines, l.Name) })
	o.Approved = slices.DeleteFunc(slices.Clone(o.Approved), func(c duoyun.Cut) bool { return !slices.Contains(lines, c.Line) })
	return o
}

// Events gives an order's history, oldest first; suppliers see when it was placed and what followed, without the notes.
func (s *Service) Events(ctx context.Context, actor duoyun.Actor, key string) ([]duoyun.OrderEvent, error) {
	o, err := s.store.FindOrder(ctx, actor.ScopeFor(), key)
	if err != nil {
		return nil, err
	}
	events, err := s.store.OrderEvents(ctx, o.ID)
	if err != nil || !supplierOnly(actor) {
		return events, err
	}
	placed := slices.IndexFunc(events, func(e duoyun.OrderEvent) bool { return e.To == duoyun.OrderProvisioning })
	if placed < 0 {
		return nil, nil
	}
	events = events[placed:]
	for i := range events {
		events[i].Note, events[i].Actor, events[i].ActorID = "", "", ""
	}
	return events, nil
}

// Resources lists the resources in the actor's scope, newest first.
func (s *Service) Resources(ctx context.Context, actor duoyun.Actor, f ResourceFilter, p duoyun.Page) (duoyun.Listing[duoyun.Resource], error) {
	return s.store.Resources(ctx, actor.ScopeFor(), f, p)
}

// Resource reads one resource by id or number.
func (s *Service) Resource(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Resource, error) {
	return s.store.FindResource(ctx, actor.ScopeFor(), key)
}
