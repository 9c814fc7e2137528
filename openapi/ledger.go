package openapi

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

func wantSystem(d *directory, y duoyun.System) { d.want("agency", y.AgencyID) }

func viewSystem(d *directory, y duoyun.System) System {
	return System{ID: y.ID, Code: y.Code, Name: y.Name, Agency: d.ref("agency", y.AgencyID), Level: int(y.Level), Filing: y.Filing,
		Classified: y.Classified, Builder: y.Builder, Operator: y.Operator, Users: y.Users, Cloud: y.Cloud, Reason: y.Reason}
}

func (s *server) ListSystems(ctx context.Context, r ListSystemsRequestObject) (ListSystemsResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Ledger.Systems(ctx, actor, r.Params.Cloud, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantSystem, viewSystem)
	return ListSystems200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) CreateSystem(ctx context.Context, r CreateSystemRequestObject) (CreateSystemResponseObject, error) {
	actor, once := caller(ctx)
	in := r.Body
	y, err := s.Ledger.CreateSystem(ctx, actor, once, broker.SystemInput{Agency: in.Agency, System: duoyun.System{
		Code: in.Code, Name: in.Name, Level: duoyun.Protection(in.Level), Filing: in.Filing, Classified: in.Classified,
		Builder: in.Builder, Operator: in.Operator, Users: in.Users, Cloud: in.Cloud, Reason: in.Reason}})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, y, wantSystem, viewSystem)
	return CreateSystem201JSONResponse(v), err
}

func (s *server) GetSystem(ctx context.Context, r GetSystemRequestObject) (GetSystemResponseObject, error) {
	actor, _ := caller(ctx)
	y, err := s.Ledger.System(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, y, wantSystem, viewSystem)
	return GetSystem200JSONResponse(v), err
}

func (s *server) SetCloudState(ctx context.Context, r SetCloudStateRequestObject) (SetCloudStateResponseObject, error) {
	actor, _ := caller(ctx)
	y, err := s.Ledger.SetCloudState(ctx, actor, r.Key, r.Body.Cloud, r.Body.Reason)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, y, wantSystem, viewSystem)
	return SetCloudState200JSONResponse(v), err
}

func (s *server) GetAdoption(ctx context.Context, _ GetAdoptionRequestObject) (GetAdoptionResponseObject, error) {
	actor, _ := caller(ctx)
	a, err := s.Ledger.Adoption(ctx, actor)
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, a.NotOn, wantSystem, viewSystem)
	return GetAdoption200JSONResponse{Total: a.Total, OnCloud: a.OnCloud, Percent: a.Percent(), NotOn: items}, err
}

func wantProject(d *directory, p duoyun.Project) { d.want("agency", p.AgencyID) }

func viewProject(d *directory, p duoyun.Project) Project {
	return Project{ID: p.ID, Number: p.Number, Name: p.Name, Agency: d.ref("agency", p.AgencyID), Approved: p.Approved, Funds: p.Funds, Year: p.Year}
}

func (s *server) ListProjects(ctx context.Context, r ListProjectsRequestObject) (ListProjectsResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Ledger.Projects(ctx, actor, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantProject, viewProject)
	return ListProjects200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) CreateProject(ctx context.Context, r CreateProjectRequestObject) (CreateProjectResponseObject, error) {
	actor, once := caller(ctx)
	in := r.Body
	p, err := s.Ledger.CreateProject(ctx, actor, once, broker.ProjectInput{Agency: in.Agency, Project: duoyun.Project{
		Number: in.Number, Name: in.Name, Approved: in.Approved, Funds: in.Funds, Year: in.Year}})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, p, wantProject, viewProject)
	return CreateProject201JSONResponse(v), err
}

func (s *server) GetProject(ctx context.Context, r GetProjectRequestObject) (GetProjectResponseObject, error) {
	actor, _ := caller(ctx)
	p, err := s.Ledger.Project(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, p, wantProject, viewProject)
	return GetProject200JSONResponse(v), err
}
