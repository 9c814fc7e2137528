package openapi

import (
	"context"
	"maps"
	"slices"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
)

func viewSupplier(x duoyun.Supplier) Supplier {
	return Supplier{ID: x.ID, Code: x.Code, Name: x.Name, Class: x.Class, AssessmentUntil: x.AssessmentUntil}
}

func (s *server) ListSuppliers(ctx context.Context, r ListSuppliersRequestObject) (ListSuppliersResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Procurement.Suppliers(ctx, actor, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	out := ListSuppliers200JSONResponse{Items: []Supplier{}, Next: l.Next}
	for _, x := range l.Items {
		out.Items = append(out.Items, viewSupplier(x))
	}
	return out, nil
}

func (s *server) CreateSupplier(ctx context.Context, r CreateSupplierRequestObject) (CreateSupplierResponseObject, error) {
	actor, once := caller(ctx)
	in := r.Body
	x, err := s.Procurement.CreateSupplier(ctx, actor, once, procurement.SupplierInput{Code: in.Code, Name: in.Name, Class: in.Class,
		AssessmentUntil: in.AssessmentUntil})
	return CreateSupplier201JSONResponse(viewSupplier(x)), err
}

func (s *server) GetSupplier(ctx context.Context, r GetSupplierRequestObject) (GetSupplierResponseObject, error) {
	actor, _ := caller(ctx)
	x, err := s.Procurement.Supplier(ctx, actor, r.Key)
	return GetSupplier200JSONResponse(viewSupplier(x)), err
}

func (s *server) UpdateSupplier(ctx context.Context, r UpdateSupplierRequestObject) (UpdateSupplierResponseObject, error) {
	actor, _ := caller(ctx)
	in := r.Body
	x, err := s.Procurement.UpdateSupplier(ctx, actor, r.Key, procurement.SupplierInput{Name: in.Name, Class: in.Class, AssessmentUntil: in.AssessmentUntil})
	return UpdateSupplier200JSONResponse(viewSupplier(x)), err
}

func wantPool(d *directory, x duoyun.Pool) { d.want("supplier", x.SupplierID) }

func viewPool(d *directory, x duoyun.Pool) Pool {
	return Pool{ID: x.ID, Code: x.Code, Name: x.Name, Supplier: d.ref("supplier", x.SupplierID), Driver: x.Driver, Site: x.Site, Region: x.Region,
		Zones: x.Zones, Kinds: x.Kinds, Level: int(x.Level), Xinchuang: x.Xinchuang, Capacity: x.Capacity, Used: x.Used, Plan: x.Plan,
		Simulated: x.Simulated, Account: x.Account, Active: x.Active, Version: x.Version}
}

// pools views pools with how their accounts are.
func (s *server) pools(ctx context.Context, rows ...duoyun.Pool) ([]Pool, error) {
	items, err := viewed(ctx, s, rows, wantPool, viewPool)
	if err != nil {
		return nil, err
	}
	health, err := s.Vitals.Pools(ctx, rows)
	for i, h := range health {
		worst := h.Worst()
		items[i].Health = PoolHealth{State: Circuit(worst.State), Since: local(worst.Since), Read: Circuit(h.Read.State),
			Mutate: Circuit(h.Mutate.State), OldestWaiting: local(h.OldestWaiting)}
	}
	return items, err
}

func (s *server) pool(ctx context.Context, row duoyun.Pool) (Pool, error) {
	items, err := s.pools(ctx, row)
	if err != nil {
		return Pool{}, err
	}
	return items[0], nil
}

func (s *server) ListPools(ctx context.Context, r ListPoolsRequestObject) (ListPoolsResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Procurement.Pools(ctx, actor, procurement.PoolFilter{Supplier: r.Params.Supplier, Site: r.Params.Site}, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := s.pools(ctx, l.Items...)
	return ListPools200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) CreatePool(ctx context.Context, r CreatePoolRequestObject) (CreatePoolResponseObject, error) {
	actor, once := caller(ctx)
	in := r.Body
	x, err := s.Procurement.CreatePool(ctx, actor, once, procurement.PoolInput{Code: in.Code, Name: in.Name, Supplier: in.Supplier, Driver: in.Driver,
		Site: in.Site, Region: in.Region, Zones: in.Zones, Kinds: in.Kinds, Level: duoyun.Protection(in.Level), Xinchuang: in.Xinchuang,
		Capacity: in.Capacity, Plan: in.Plan, Simulated: in.Simulated, Account: in.Account, Secret: in.Secret})
	if err != nil {
		return nil, err
	}
	v, err := s.pool(ctx, x)
	return CreatePool201JSONResponse(v), err
}

func (s *server) GetPool(ctx context.Context, r GetPoolRequestObject) (GetPoolResponseObject, error) {
	actor, _ := caller(ctx)
	x, err := s.Procurement.Pool(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := s.pool(ctx, x)
	return GetPool200JSONResponse(v), err
}

func (s *server) UpdatePool(ctx context.Context, r UpdatePoolRequestObject) (UpdatePoolResponseObject, error) {
	actor, _ := caller(ctx)
	in := r.Body
	x, err := s.Procurement.UpdatePool(ctx, actor, r.Key, procurement.PoolUpdate{Name: in.Name, Zones: in.Zones, Kinds: in.Kinds,
		Level: (*duoyun.Protection)(in.Level), Xinchuang: in.Xinchuang, Capacity: in.Capacity, Plan: in.Plan, Account: in.Account,
		Secret: in.Secret, Active: in.Active})
	if err != nil {
		return nil, err
	}
	v, err := s.pool(ctx, x)
	return UpdatePool200JSONResponse(v), err
}

func (s *server) RetireNetworks(ctx context.Context, r RetireNetworksRequestObject) (RetireNetworksResponseObject, error) {
	actor, _ := caller(ctx)
	n, err := s.Broker.RetireNetworks(ctx, actor, r.Key)
	return RetireNetworks200JSONResponse{Networks: n}, err
}

func (s *server) CheckPool(ctx context.Context, r CheckPoolRequestObject) (CheckPoolResponseObject, error) {
	actor, _ := caller(ctx)
	x, err := s.Vitals.Check(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v := PoolCheck{Pool: Ref{ID: x.Pool.ID, Code: x.Pool.Code, Name: x.Pool.Name}, Ok: len(x.Faults) == 0, Faults: []Fault{},
		Kinds: append([]duoyun.Kind{}, x.Kinds...), Flavors: x.Flavors, Allowances: []PoolAllowance{}}
	for _, f := range x.Faults {
		v.Faults = append(v.Faults, Fault{Path: f.Path, Rule: f.Rule.In(callOf(ctx).lang), Given: f.Given})
	}
	for _, d := range slices.Sorted(maps.Keys(x.Quota)) {
		v.Allowances = append(v.Allowances, PoolAllowance{Dimension: d, Limit: max(x.Quota[d].Limit, -1), Used: x.Quota[d].Used})
	}
	if b := x.Balance; b != nil {
		v.Balance, v.Currency = b.Available.String(), b.Currency
	}
	return CheckPool200JSONResponse(v), nil
}
