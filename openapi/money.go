package openapi

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
)

func wantQuota(d *directory, q duoyun.Quota) { d.want("agency", q.AgencyID) }

func viewQuota(d *directory, q duoyun.Quota) Quota {
	return Quota{ID: q.ID, Agency: d.ref("agency", q.AgencyID), Dimension: q.Dimension, Limit: q.Limit, Used: q.Used}
}

func (s *server) ListQuotas(ctx context.Context, r ListQuotasRequestObject) (ListQuotasResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Quota.Quotas(ctx, actor, quota.Filter{Agency: r.Params.Agency, Dimension: r.Params.Dimension}, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantQuota, viewQuota)
	return ListQuotas200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) SetQuota(ctx context.Context, r SetQuotaRequestObject) (SetQuotaResponseObject, error) {
	actor, _ := caller(ctx)
	q, err := s.Quota.SetLimit(ctx, actor, r.Key, r.Dimension, r.Body.Limit)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, q, wantQuota, viewQuota)
	return SetQuota200JSONResponse(v), err
}

func wantBudget(d *directory, b duoyun.Budget) { d.want("agency", b.Payer) }

func viewBudget(d *directory, b duoyun.Budget) Budget {
	v := Budget{ID: b.ID, Payer: d.ref("agency", b.Payer), Year: b.Year, Item: b.Item, Limit: b.Limit, Used: b.Used, Issued: b.Issued}
	if b.Limit != nil {
		left := *b.Limit - b.Used
		v.Left = &left
	}
	return v
}

func (s *server) ListBudgets(ctx context.Context, r ListBudgetsRequestObject) (ListBudgetsResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Quota.Budgets(ctx, actor, quota.BudgetFilter{Payer: r.Params.Payer, Year: r.Params.Year}, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantBudget, viewBudget)
	return ListBudgets200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) SetBudget(ctx context.Context, r SetBudgetRequestObject) (SetBudgetResponseObject, error) {
	actor, once := caller(ctx)
	in := r.Body
	b, err := s.Quota.SetBudget(ctx, actor, once, quota.BudgetInput{Payer: in.Payer, Year: in.Year, Item: in.Item, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, b, wantBudget, viewBudget)
	return SetBudget201JSONResponse(v), err
}
