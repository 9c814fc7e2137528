package quota_test

import (
	"context"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store/storetest"
)

func TestALimitBelowWhatIsUsedIsRefused(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, admin := context.Background(), b.Actor(t, "sysadmin")
		order, rs := b.order(t, storetest.HRSS, 1)
		wantCode(t, b.hold(order, b.server(t, rs[0])), "")
		three, four := int64(3), int64(4)
		_, err := b.svc.SetLimit(ctx, admin, storetest.City, duoyun.QuotaVCPU, &three)
		wantCode(t, err, duoyun.CodeConflict)
		q, err := b.svc.SetLimit(ctx, admin, storetest.City, duoyun.QuotaVCPU, &four)
		wantCode(t, err, "")
		if *q.Limit != 4 || q.Used != 4 {
			t.Fatalf("quota %+v", q)
		}
		q, err = b.svc.SetLimit(ctx, b.Actor(t, "city-procurement"), storetest.City, duoyun.QuotaVCPU, nil)
		wantCode(t, err, "")
		if q.Limit != nil {
			t.Fatalf("quota %+v", q)
		}
	})
}

func TestALimitIsSetWithinScopeByTheRightRoleAlone(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, n, minus := context.Background(), int64(5), int64(-1)
		for _, login := range []string{"hrss-applicant", "city-finance", "secadmin", "sup-telecom", "city-auditor"} {
			_, err := b.svc.SetLimit(ctx, b.Actor(t, login), storetest.HRSS, duoyun.QuotaVCPU, &n)
			wantCode(t, err, duoyun.CodeForbidden)
		}
		local := duoyun.Actor{Grants: []duoyun.Grant{{Role: duoyun.RoleSystemAdmin, AgencyID: b.ID(storetest.Edu), Depth: 2}}}
		_, err := b.svc.SetLimit(ctx, local, storetest.HRSS, duoyun.QuotaVCPU, &n)
		wantCode(t, err, duoyun.CodeNotFound)
		_, err = b.svc.SetLimit(ctx, b.Actor(t, "sysadmin"), "suqian/' OR 1=1", duoyun.QuotaVCPU, &n)
		wantCode(t, err, duoyun.CodeNotFound)
		_, err = b.svc.SetLimit(ctx, b.Actor(t, "sysadmin"), storetest.HRSS, "gpu", &minus)
		wantCode(t, err, duoyun.CodeInvalid)
		if f := err.(*duoyun.Error).Faults; len(f) != 2 {
			t.Fatalf("faults %v", f)
		}
	})
}

func TestQuotasAreListedInScopeByPage(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, seen := context.Background(), 0
		for p := (duoyun.Page{Limit: 3}); ; {
			l, err := b.svc.Quotas(ctx, b.Actor(t, "hrss-applicant"), quota.Filter{}, p)
			wantCode(t, err, "")
			for _, q := range l.Items {
				if seen++; q.AgencyID != b.ID(storetest.HRSS) {
					t.Fatalf("saw a quota of another agency: %+v", q)
				}
			}
			if p.After = l.Next; l.Next == "" {
				break
			}
		}
		if seen != len(duoyun.Dimensions()) {
			t.Fatalf("saw %d", seen)
		}
		l, err := b.svc.Quotas(ctx, b.Actor(t, "city-finance"), quota.Filter{Agency: storetest.City, Dimension: duoyun.QuotaVCPU}, duoyun.Page{})
		wantCode(t, err, "")
		if len(l.Items) != 1 || l.Items[0].AgencyID != b.ID(storetest.City) {
			t.Fatalf("filtered %+v", l.Items)
		}
		_, err = b.svc.Quotas(ctx, b.Actor(t, "sup-telecom"), quota.Filter{}, duoyun.Page{})
		wantCode(t, err, duoyun.CodeForbidden)
		l, err = b.svc.Quotas(ctx, b.Actor(t, "edu-applicant"), quota.Filter{Agency: storetest.HRSS}, duoyun.Page{})
		wantCode(t, err, "")
		if len(l.Items) != 0 {
			t.Fatalf("out of scope %+v", l.Items)
		}
	})
}

func TestBudgetsAreIssuedByFinanceOnceAKey(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, finance := context.Background(), b.Actor(t, "city-finance")
		once := duoyun.Once{Key: "k", Route: "r", BodyHash: "h"}
		in := quota.BudgetInput{Payer: storetest.Edu, Year: 2027, Item: "购买服务", Limit: 7_920_000}
		first, err := b.svc.SetBudget(ctx, finance, once, in)
		wantCode(t, err, "")
		again, err := b.svc.SetBudget(ctx, finance, once, in)
		wantCode(t, err, "")
		if first.ID != again.ID || !first.Issued || *first.Limit != 7_920_000 || first.Payer != b.ID(storetest.Edu) {
			t.Fatalf("budgets %+v %+v", first, again)
		}
		_, err = b.svc.SetBudget(ctx, b.Actor(t, "city-procurement"), duoyun.Once{}, in)
		wantCode(t, err, duoyun.CodeForbidden)
		local := duoyun.Actor{Grants: []duoyun.Grant{{Role: duoyun.RoleFinance, AgencyID: b.ID(storetest.HRSS), Depth: 2}}}
		_, err = b.svc.SetBudget(ctx, local, duoyun.Once{}, in)
		wantCode(t, err, duoyun.CodeNotFound)
		_, err = b.svc.SetBudget(ctx, finance, duoyun.Once{}, quota.BudgetInput{Year: 1, Item: " \n" + strings.Repeat("x", 1<<16) + "\xff", Limit: -1})
		wantCode(t, err, duoyun.CodeInvalid)
		if f := err.(*duoyun.Error).Faults; len(f) != 4 {
			t.Fatalf("faults %v", f)
		}
		l, err := b.svc.Budgets(ctx, b.Actor(t, "edu-applicant"), quota.BudgetFilter{Year: 2027}, duoyun.Page{})
		wantCode(t, err, "")
		if len(l.Items) != 1 || l.Items[0].ID != first.ID {
			t.Fatalf("listed %+v", l.Items)
		}
	})
}

func TestABudgetBelowWhatIsIntendedIsNotIssued(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		order, rs := b.order(t, storetest.HRSS, 1)
		wantCode(t, b.hold(order, b.server(t, rs[0])), "")
		in := quota.BudgetInput{Payer: storetest.Data, Year: 2027, Item: storetest.Item, Limit: 89_999}
		_, err := b.svc.SetBudget(context.Background(), b.Actor(t, "city-finance"), duoyun.Once{}, in)
		wantCode(t, err, duoyun.CodeConflict)
		in.Limit = 90_000
		budget, err := b.svc.SetBudget(context.Background(), b.Actor(t, "city-finance"), duoyun.Once{}, in)
		wantCode(t, err, "")
		if !budget.Issued || budget.Used != 90_000 {
			t.Fatalf("budget %+v", budget)
		}
	})
}
