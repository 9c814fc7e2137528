package openapi

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/access"
)

func wantAgency(d *directory, a duoyun.Agency) { d.want("agency", a.ApproverID, "agency", a.PayerID) }

func viewAgency(d *directory, a duoyun.Agency) Agency {
	return Agency{ID: a.ID, Code: a.Code, Name: a.Name, Short: a.Short, Parent: a.ParentCode(),
		Approver: d.ref("agency", a.ApproverID), Payer: d.ref("agency", a.PayerID)}
}

func (s *server) ListAgencies(ctx context.Context, r ListAgenciesRequestObject) (ListAgenciesResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Access.Agencies(ctx, actor, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantAgency, viewAgency)
	return ListAgencies200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) CreateAgency(ctx context.Context, r CreateAgencyRequestObject) (CreateAgencyResponseObject, error) {
	actor, once := caller(ctx)
	in := r.Body
	a, err := s.Access.CreateAgency(ctx, actor, once, access.AgencyInput{Code: in.Code, Name: in.Name, Short: in.Short,
		Approver: in.Approver, Payer: in.Payer})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, a, wantAgency, viewAgency)
	return CreateAgency201JSONResponse(v), err
}

func (s *server) GetAgency(ctx context.Context, r GetAgencyRequestObject) (GetAgencyResponseObject, error) {
	actor, _ := caller(ctx)
	a, err := s.Access.Agency(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, a, wantAgency, viewAgency)
	return GetAgency200JSONResponse(v), err
}

func (s *server) SetApprovalRule(ctx context.Context, r SetApprovalRuleRequestObject) (SetApprovalRuleResponseObject, error) {
	actor, _ := caller(ctx)
	err := s.Access.SetApprovalRule(ctx, actor, duoyun.ApprovalRule{AgencyID: r.Key, Form: r.Form, Review: r.Body.Review,
		Confirm: r.Body.Confirm, Signers: r.Body.Signers, NeedsProject: r.Body.NeedsProject})
	if err != nil {
		return nil, err
	}
	return SetApprovalRule204Response{}, nil
}
