package openapi

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

func wantResource(d *directory, r duoyun.Resource) {
	d.want("order", r.OrderID, "agency", r.AgencyID, "agency", r.PayerID, "system", r.SystemID, "project", r.ProjectID,
		"supplier", r.SupplierID, "pool", r.PoolID, "contract", r.ContractID)
}

func viewResource(d *directory, r duoyun.Resource) Resource {
	return Resource{ID: r.ID, Number: r.Number, Order: d.ref("order", r.OrderID), Line: r.Line, Ordinal: r.Ordinal, Kind: r.Kind, Name: r.Name,
		State: r.State, StateName: duoyun.ResourceLifecycle().Name(r.State), Agency: d.ref("agency", r.AgencyID), Payer: d.ref("agency", r.PayerID),
		System: d.ref("system", r.SystemID), Project: d.ref("project", r.ProjectID), Supplier: d.ref("supplier", r.SupplierID),
		Pool: d.ref("pool", r.PoolID), Contract: d.ref("contract", r.ContractID), Zone: r.Zone, Spec: duoyun.EncodeSpec(r.Spec), Monthly: r.Monthly,
		VendorID: r.VendorID, Mark: r.Mark(), Addresses: r.Addresses, Period: r.Period, DeliveredAt: local(r.Delivered), ConfirmedAt: local(r.Confirmed),
		TerminatedAt: local(r.Terminated), PaidUntil: local(r.PaidUntil), CreatedAt: local(r.CreatedAt), UpdatedAt: local(r.UpdatedAt)}
}

func (s *server) ListResources(ctx context.Context, r ListResourcesRequestObject) (ListResourcesResponseObject, error) {
	actor, _ := caller(ctx)
	p := r.Params
	l, err := s.Broker.Resources(ctx, actor, broker.ResourceFilter{Kind: p.Kind, State: p.State, Agency: p.Agency, System: p.System, Order: p.Order},
		page(p.After, p.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantResource, viewResource)
	return ListResources200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) GetResource(ctx context.Context, r GetResourceRequestObject) (GetResourceResponseObject, error) {
	actor, _ := caller(ctx)
	v, err := s.Broker.Resource(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	view, err := single(ctx, s, v, wantResource, viewResource)
	return GetResource200JSONResponse(view), err
}

func (s *server) ShowLogin(ctx context.Context, r ShowLoginRequestObject) (ShowLoginResponseObject, error) {
	actor, _ := caller(ctx)
	v, secret, err := s.Broker.Login(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	return ShowLogin200JSONResponse{Resource: Ref{ID: v.ID, Code: v.Number, Name: v.Name}, Secret: secret}, nil
}
