package openapi

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

func wantFinding(d *directory, f duoyun.Finding) {
	d.want("agency", f.AgencyID, "supplier", f.SupplierID)
	if hasName(f.Subject) {
		d.want(f.Subject, f.SubjectID)
	}
}

// hasName reports whether people have names for rows of the noun; a finding may be about others too.
func hasName(noun string) bool {
	switch noun {
	case "agency", "system", "project", "user", "supplier", "pool", "contract", "order", "resource":
		return true
	}
	return false
}

func viewFindingIn(lang string) func(*directory, duoyun.Finding) Finding {
	return func(d *directory, f duoyun.Finding) Finding {
		v := Finding{ID: f.ID, Number: f.Number, Kind: f.Kind, State: f.State, About: f.Subject, Subject: d.ref(f.Subject, f.SubjectID),
			Agency: d.ref("agency", f.AgencyID), Supplier: d.ref("supplier", f.SupplierID), Message: f.Message.In(lang), Evidence: f.Evidence,
			Resolution: f.Resolution, ResolvedBy: f.ResolvedBy, CreatedAt: local(f.CreatedAt), ResolvedAt: local(f.ResolvedAt)}
		for _, a := range f.Actions {
			v.Actions = append(v.Actions, FindingAction{Remedy: a.Remedy, Text: a.In(lang)})
		}
		return v
	}
}

func (s *server) ListFindings(ctx context.Context, r ListFindingsRequestObject) (ListFindingsResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Findings.List(ctx, actor, broker.FindingFilter{State: r.Params.State, Kind: r.Params.Kind}, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantFinding, viewFindingIn(callOf(ctx).lang))
	return ListFindings200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) GetFinding(ctx context.Context, r GetFindingRequestObject) (GetFindingResponseObject, error) {
	actor, _ := caller(ctx)
	f, err := s.Findings.Finding(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, f, wantFinding, viewFindingIn(callOf(ctx).lang))
	return GetFinding200JSONResponse(v), err
}

func (s *server) ResolveFinding(ctx context.Context, r ResolveFindingRequestObject) (ResolveFindingResponseObject, error) {
	actor, once := caller(ctx)
	f, err := s.Findings.Resolve(ctx, actor, once, r.Key, broker.Resolution{Remedy: r.Body.Remedy, VendorID: r.Body.VendorID, Note: r.Body.Note})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, f, wantFinding, viewFindingIn(callOf(ctx).lang))
	return ResolveFinding200JSONResponse(v), err
}

func (s *server) ReconcilePool(ctx context.Context, r ReconcilePoolRequestObject) (ReconcilePoolResponseObject, error) {
	actor, _ := caller(ctx)
	x, err := s.Reconciler.Reconcile(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	incomplete := x.Incomplete
	if incomplete == nil {
		incomplete = []duoyun.Kind{}
	}
	return ReconcilePool200JSONResponse{Pool: Ref{ID: x.Pool.ID, Code: x.Pool.Code, Name: x.Pool.Name}, StartedAt: local(x.StartedAt),
		EndedAt: local(x.EndedAt), Seen: x.Seen, Ours: x.Ours, Moving: x.Moving, Orphans: x.Orphans, Ghosts: x.Ghosts, Drift: x.Drift,
		Surplus: x.Surplus, Strangers: x.Strangers, Incomplete: incomplete}, nil
}
