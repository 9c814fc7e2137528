package openapi

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

func wantTask(d *directory, t duoyun.Task) {
	d.want("order", t.OrderID, "agency", t.AgencyID, "supplier", t.SupplierID)
}

func viewTask(d *directory, t duoyun.Task) Task {
	return Task{ID: t.ID, Number: t.Number, Kind: t.Kind, Role: t.Role, State: t.State, StateName: duoyun.TaskLifecycle().Name(t.State),
		Order: d.ref("order", t.OrderID), Agency: d.ref("agency", t.AgencyID), Supplier: d.ref("supplier", t.SupplierID),
		Position: t.Position, Actor: t.Actor, Note: t.Note, Hash: t.Hash,
		CreatedAt: local(t.CreatedAt), DecidedAt: local(t.DecidedAt), DueAt: local(t.DueAt)}
}

func (s *server) ListTasks(ctx context.Context, r ListTasksRequestObject) (ListTasksResponseObject, error) {
	actor, _ := caller(ctx)
	p := r.Params
	l, err := s.Broker.Tasks(ctx, actor, broker.TaskFilter{State: p.State, Kind: p.Kind, Order: p.Order, All: p.All}, page(p.After, p.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantTask, viewTask)
	return ListTasks200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) GetTask(ctx context.Context, r GetTaskRequestObject) (GetTaskResponseObject, error) {
	actor, _ := caller(ctx)
	t, err := s.Broker.Task(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, t, wantTask, viewTask)
	return GetTask200JSONResponse(v), err
}

func (s *server) DecideTask(ctx context.Context, r DecideTaskRequestObject) (DecideTaskResponseObject, error) {
	actor, once := caller(ctx)
	t, err := s.Broker.Decide(ctx, actor, once, r.Key, broker.Decision{Verdict: broker.Verdict(r.Body.Verdict), Note: r.Body.Note, Hash: r.Body.Hash})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, t, wantTask, viewTask)
	return DecideTask200JSONResponse(v), err
}

func (s *server) CutBack(ctx context.Context, r CutBackRequestObject) (CutBackResponseObject, error) {
	actor, once := caller(ctx)
	t, err := s.Broker.CutBack(ctx, actor, once, r.Key, r.Body.Cuts, r.Body.Note)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, t, wantTask, viewTask)
	return CutBack200JSONResponse(v), err
}

func (s *server) ConfirmSupplier(ctx context.Context, r ConfirmSupplierRequestObject) (ConfirmSupplierResponseObject, error) {
	actor, once := caller(ctx)
	var picks []broker.Pick
	for _, p := range r.Body.Picks {
		picks = append(picks, broker.Pick{Component: p.Component, Pool: p.Pool, Contract: p.Contract, Reason: p.Reason})
	}
	t, err := s.Broker.ConfirmSupplier(ctx, actor, once, r.Key, picks)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, t, wantTask, viewTask)
	return ConfirmSupplier200JSONResponse(v), err
}
