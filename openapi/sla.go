package openapi

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/sla"
)

func wantIncident(d *directory, i duoyun.Incident) {
	d.want("supplier", i.SupplierID, "pool", i.PoolID, "resource", i.ResourceID)
}

func viewIncident(d *directory, i duoyun.Incident) Incident {
	return Incident{ID: i.ID, Number: i.Number, Supplier: d.ref("supplier", i.SupplierID), Pool: d.ref("pool", i.PoolID),
		Resource: d.ref("resource", i.ResourceID), State: i.State, StateName: duoyun.IncidentLifecycle().Name(i.State), Source: i.Source,
		Start: local(i.Start), End: local(i.End), Attribution: i.Attribution, Announced: local(i.Announced), Note: i.Note}
}

func (s *server) ListIncidents(ctx context.Context, r ListIncidentsRequestObject) (ListIncidentsResponseObject, error) {
	actor, _ := caller(ctx)
	p := r.Params
	l, err := s.SLA.Incidents(ctx, actor, sla.IncidentFilter{State: p.State, Supplier: p.Supplier, Pool: p.Pool, Resource: p.Resource}, page(p.After, p.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantIncident, viewIncident)
	return ListIncidents200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) RaiseIncident(ctx context.Context, r RaiseIncidentRequestObject) (RaiseIncidentResponseObject, error) {
	actor, once := caller(ctx)
	in := r.Body
	i, err := s.SLA.Raise(ctx, actor, once, sla.Raised{ResourceID: in.Resource, PoolID: in.Pool, Source: in.Source, Start: in.Start, End: in.End,
		Announced: in.Announced, Note: in.Note})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, i, wantIncident, viewIncident)
	return RaiseIncident201JSONResponse(v), err
}

func (s *server) GetIncident(ctx context.Context, r GetIncidentRequestObject) (GetIncidentResponseObject, error) {
	actor, _ := caller(ctx)
	i, err := s.SLA.Incident(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, i, wantIncident, viewIncident)
	return GetIncident200JSONResponse(v), err
}

func (s *server) AnswerIncident(ctx context.Context, r AnswerIncidentRequestObject) (AnswerIncidentResponseObject, error) {
	actor, once := caller(ctx)
	i, err := s.SLA.Answer(ctx, actor, once, r.Key, r.Body.Note)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, i, wantIncident, viewIncident)
	return AnswerIncident200JSONResponse(v), err
}

func (s *server) AttributeIncident(ctx context.Context, r AttributeIncidentRequestObject) (AttributeIncidentResponseObject, error) {
	actor, once := caller(ctx)
	in := r.Body
	i, err := s.SLA.Attribute(ctx, actor, once, r.Key, sla.Attribution{To: in.Attribution, End: in.End, Announced: in.Announced, Note: in.Note})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, i, wantIncident, viewIncident)
	return AttributeIncident200JSONResponse(v), err
}

func wantAvailability(d *directory, a duoyun.Availability) {
	d.want("contract", a.ContractID, "resource", a.ResourceID, "pool", a.PoolID)
}

func viewAvailability(d *directory, a duoyun.Availability) Availability {
	return Availability{Month: a.Month.String(), Contract: d.ref("contract", a.ContractID), Resource: d.ref("resource", a.ResourceID),
		Pool: d.ref("pool", a.PoolID), Total: a.Total, Bad: a.Bad, Unknown: a.Unknown, Percent: a.Percent, Met: a.Met, Certified: a.Certified, Credit: a.Credit}
}

func (s *server) ReportAvailability(ctx context.Context, r ReportAvailabilityRequestObject) (ReportAvailabilityResponseObject, error) {
	actor, _ := caller(ctx)
	month, err := monthOf(r.Params.Month)
	if err != nil {
		return nil, err
	}
	l, err := s.SLA.Report(ctx, actor, month, sla.ReportFilter{Contract: r.Params.Contract, Resource: r.Params.Resource}, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantAvailability, viewAvailability)
	return ReportAvailability200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) ReportPoolAvailability(ctx context.Context, r ReportPoolAvailabilityRequestObject) (ReportPoolAvailabilityResponseObject, error) {
	actor, _ := caller(ctx)
	month, err := monthOf(r.Params.Month)
	if err != nil {
		return nil, err
	}
	pools, err := s.SLA.Pools(ctx, actor, month)
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, pools, wantAvailability, viewAvailability)
	return ReportPoolAvailability200JSONResponse{Items: items}, err
}

func wantProbe(d *directory, t duoyun.ProbeTarget) {
	d.want("resource", t.ResourceID, "pool", t.PoolID)
}

func viewProbe(d *directory, t duoyun.ProbeTarget) Probe {
	return Probe{ID: t.ID, Name: t.Name, Resource: d.ref("resource", t.ResourceID), Pool: d.ref("pool", t.PoolID), Method: t.Method,
		Address: t.Address, Vantage: t.Vantage, Active: t.Active}
}

func (s *server) ListProbes(ctx context.Context, r ListProbesRequestObject) (ListProbesResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.SLA.Targets(ctx, actor, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantProbe, viewProbe)
	return ListProbes200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) CreateProbe(ctx context.Context, r CreateProbeRequestObject) (CreateProbeResponseObject, error) {
	actor, once := caller(ctx)
	in := r.Body
	t, err := s.SLA.Watch(ctx, actor, once, duoyun.ProbeTarget{Name: in.Name, ResourceID: in.Resource, PoolID: in.Pool, Method: in.Method,
		Address: in.Address, Vantage: in.Vantage})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, t, wantProbe, viewProbe)
	return CreateProbe201JSONResponse(v), err
}

func (s *server) EndProbe(ctx context.Context, r EndProbeRequestObject) (EndProbeResponseObject, error) {
	actor, _ := caller(ctx)
	if err := s.SLA.Unwatch(ctx, actor, r.Key); err != nil {
		return nil, err
	}
	return EndProbe204Response{}, nil
}
