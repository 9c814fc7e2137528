package broker_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/store/storetest"
)

func (o *office) refusedSubmit(login string, doc duoyun.OrderRequest, code duoyun.Code, words ...string) {
	o.Helper()
	_, err := o.svc.Submit(ctx, o.actor(login), duoyun.Once{}, doc)
	o.refused(err, code, words...)
}

func TestClassifiedAndLevelFourSystemsAreRefusedWithTheArticle(t *testing.T) {
	inOffice(t, func(o *office) {
		o.refusedSubmit("hrss-applicant", o.doc(small, "hrss-core", "hrss-secret"), duoyun.CodeInvalid, "保守国家秘密法", "第三十一条")
		o.refusedSubmit("hrss-applicant", o.doc(small, "hrss-core", "hrss-four"), duoyun.CodeInvalid, "宿迁市", "第四级")
	})
}

func TestAnAgencyThatIsNotThereAndOneOfOthersLookAlike(t *testing.T) {
	inOffice(t, func(o *office) {
		var said []string
		for _, code := range []string{"suqian/edu", "suqian/non"} {
			_, err := o.svc.Submit(ctx, o.actor("hrss-applicant"), duoyun.Once{}, o.doc(small, "suqian/hrss", code, "hrss-core", "none"))
			o.refused(err, duoyun.CodeNotFound)
			said = append(said, strings.ReplaceAll(err.Error(), code, ""))
		}
		if said[0] != said[1] {
			o.Errorf("%q", said)
		}
	})
}

// faults are the paths of a refusal with what was given.
func (o *office) faults(doc duoyun.OrderRequest) (paths []string, rules map[string]string) {
	o.Helper()
	_, err := o.svc.Submit(ctx, o.actor("hrss-applicant"), duoyun.Once{}, doc)
	o.refused(err, duoyun.CodeInvalid)
	rules = map[string]string{}
	for _, f := range err.(*duoyun.Error).Faults {
		paths, rules[f.Path] = append(paths, f.Path+"="+f.Given), f.Rule.ZH
	}
	return paths, rules
}

func TestEverythingADocumentNamesWronglyIsToldAtOnce(t *testing.T) {
	inOffice(t, func(o *office) {
		few := `{size_gib: 500, class: ssd}}
  - {kind: disk, name: more, attach: "res:宿政云资〔2026〕9999号", spec: {size_gib: 10, class: ssd}}
`
		all, _ := o.faults(o.doc(small, "suqian/data", "suqian/non", "SQ-2026-017", "SQ-0", "hrss-core", "none", "start: 2026-12-01", "start: 2026-11-01", "{size_gib: 500, class: ssd}}\n", few))
		want := []string{"period.start=2026-11-01", "payer=suqian/non", "system=none", "project=SQ-0", "lines[2].attach=res:宿政云资〔2026〕9999号"}
		if !slices.Equal(all, want) {
			o.Errorf("%q", all)
		}
		missing, _ := o.faults(o.doc(small, "project: SQ-2026-017\n", "", "hrss-core", "hrss-secret"))
		if !slices.Equal(missing, []string{"system=hrss-secret", "project="}) {
			o.Errorf("%q", missing)
		}
		_, others := o.faults(o.doc(small, "suqian/data", "nanjing", "hrss-core", "edu-web"))
		_, none := o.faults(o.doc(small, "suqian/data", "beijing", "hrss-core", "edu-nil"))
		for path, rule := range others {
			if len(others) != 2 || strings.NewReplacer("nanjing", "beijing", "edu-web", "edu-nil").Replace(rule) != none[path] {
				o.Errorf("%s: of others %q, not there %q", path, rule, none[path])
			}
		}
		release, _ := o.faults(o.form("release", "resource: 宿政云资〔2026〕9999号", "resource: 宿政云资〔2026〕9998号"))
		if len(release) != 2 {
			o.Errorf("%q", release)
		}
	})
}

func TestAPeriodMayNotBeginBeforeTodayWhenItIsHandedIn(t *testing.T) {
	inOffice(t, func(o *office) {
		for _, start := range []string{"2026-11-19", "2026-11-01", "2025-12-01"} {
			doc := o.doc(small, "start: 2026-12-01", "start: "+start, "{year: 2026", "{year: "+start[:4])
			_, err := o.svc.Submit(ctx, o.actor("hrss-applicant"), duoyun.Once{}, doc)
			o.refused(err, duoyun.CodeInvalid, "不能早于今天（2026-11-20）")
			if f := err.(*duoyun.Error).Faults; len(f) != 1 || f[0].Path != "period.start" || f[0].Given != start {
				o.Errorf("%+v", f)
			}
		}
		once := duoyun.Once{Key: "k", Route: "POST /v1/orders", BodyHash: "h"}
		doc := o.doc(small, "start: 2026-12-01", "start: 2026-11-20")
		first, err := o.svc.Submit(ctx, o.actor("hrss-applicant"), once, doc)
		if err != nil {
			o.Fatalf("today: %v", err)
		}
		o.clock.Advance(40 * 24 * time.Hour)
		if again, err := o.svc.Submit(ctx, o.actor("hrss-applicant"), once, doc); err != nil || again.ID != first.ID {
			o.Errorf("the same call again, later: %v %v", again.Number, err)
		}
	})
}

func TestAnOrderThatWaitsPastItsStartIsPlacedAsSigned(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		o.clock.Advance(20 * 24 * time.Hour)
		if placed := o.place(order); placed.State != duoyun.OrderProvisioning || placed.Total != order.Total {
			o.Errorf("%s (%s), %s", placed.State, placed.Reason, placed.Total)
		}
	})
}

func TestTheRuleSaysWhetherAProjectIsNeeded(t *testing.T) {
	inOffice(t, func(o *office) {
		o.refusedSubmit("hrss-applicant", o.doc(small, "project: SQ-2026-017\n", ""), duoyun.CodeInvalid, "立项")
	})
}

func TestOnlyApplicantsSubmitAndOnlyThePlatformAsksForInternetAddresses(t *testing.T) {
	inOffice(t, func(o *office) {
		o.refusedSubmit("hrss-approver", o.doc(small), duoyun.CodeForbidden, "经办人")
		public := o.doc(small, "requires: {", "  - {kind: public_ip, name: eip, spec: {bandwidth_mbps: 10}}\nrequires: {")
		o.refusedSubmit("hrss-applicant", public, duoyun.CodeForbidden, "公网地址")
		if _, err := o.svc.Submit(ctx, o.actor("city-procurement"), duoyun.Once{}, public); err != nil {
			o.Errorf("the platform's people: %v", err)
		}
		if _, err := o.svc.Submit(ctx, duoyun.SystemActor(), duoyun.Once{}, o.doc(small)); duoyun.CodeOf(err) != duoyun.CodeForbidden {
			o.Errorf("nobody submits: %v", err)
		}
	})
}

func TestRowsOfOthersDoNotExist(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.bought(o.doc(small))
		edu := o.actor("edu-applicant")
		_, err := o.svc.Order(ctx, edu, order.ID)
		o.refused(err, duoyun.CodeNotFound)
		_, err = o.svc.Events(ctx, edu, order.ID)
		o.refused(err, duoyun.CodeNotFound)
		_, err = o.svc.Resource(ctx, edu, o.one(order, "app").Number)
		o.refused(err, duoyun.CodeNotFound)
		_, err = o.svc.DeliverySheet(ctx, edu, order.ID)
		o.refused(err, duoyun.CodeNotFound)
		_, err = o.svc.Cancel(ctx, edu, duoyun.Once{}, order.ID, "")
		o.refused(err, duoyun.CodeNotFound)
		orders, err := o.svc.Orders(ctx, edu, broker.OrderFilter{}, duoyun.Page{})
		if err != nil || len(orders.Items) != 0 {
			o.Errorf("orders: %d %v", len(orders.Items), err)
		}
		rs, err := o.svc.Resources(ctx, edu, broker.ResourceFilter{}, duoyun.Page{})
		if err != nil || len(rs.Items) != 0 {
			o.Errorf("resources: %d %v", len(rs.Items), err)
		}
		next := o.submit(o.doc(small))
		_, err = o.svc.Task(ctx, edu, o.task(next, duoyun.TaskReview, "city-reviewer").ID)
		o.refused(err, duoyun.CodeNotFound)
	})
}

func TestASupplierSeesWhatIsPlacedWithItAndNothingOfOthers(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(example))
		_, err := o.svc.Order(ctx, o.actor("sup-telecom"), order.ID)
		o.refused(err, duoyun.CodeNotFound)
		order = o.bought(o.doc(small))
		got, err := o.svc.Order(ctx, o.actor("sup-telecom"), order.ID)
		if err != nil || got.Recommended != nil || len(got.Requested.Funding) != 0 || len(got.Chosen) != 1 || len(got.Requested.Lines) != 2 {
			o.Errorf("what the supplier sees: %+v %v", got, err)
		}
		_, err = o.svc.Order(ctx, o.actor("sup-jd"), order.ID)
		o.refused(err, duoyun.CodeNotFound)
		mine, err := o.svc.Resources(ctx, o.actor("sup-telecom"), broker.ResourceFilter{Kind: duoyun.KindServer}, duoyun.Page{})
		if err != nil || len(mine.Items) != 2 {
			o.Errorf("its resources: %d %v", len(mine.Items), err)
		}
		events, err := o.svc.Events(ctx, o.actor("sup-telecom"), order.ID)
		if err != nil || len(events) == 0 || events[0].To != duoyun.OrderProvisioning || events[0].Actor != "" {
			o.Errorf("its events: %+v %v", events, err)
		}
	})
}

func TestAWrongRoleIsForbiddenWhereTheRowIsSeen(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(small))
		t := o.task(order, duoyun.TaskReview, "city-reviewer")
		for _, login := range []string{"hrss-applicant", "hrss-approver", "city-auditor", "city-finance"} {
			_, err := o.svc.Decide(ctx, o.actor(login), duoyun.Once{}, t.ID, broker.Decision{Verdict: broker.Approve})
			o.refused(err, duoyun.CodeForbidden)
		}
		_, err := o.svc.Retry(ctx, o.actor("city-auditor"), duoyun.Once{}, order.ID)
		o.refused(err, duoyun.CodeForbidden)
	})
}

// grant gives a person another role, for one call.
func (o *office) also(login string, role duoyun.Role, agency string, depth int) duoyun.Actor {
	o.Helper()
	a := o.actor(login)
	a.Grants = append(a.Grants, duoyun.Grant{Role: role, AgencyID: o.w.ID(agency), Depth: depth})
	return a
}

func TestOnePersonHasOnePartInAnOrder(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(small))
		yes := broker.Decision{Verdict: broker.Approve}
		review := o.task(order, duoyun.TaskReview, "city-reviewer")
		_, err := o.svc.Decide(ctx, o.also("hrss-applicant", duoyun.RoleReviewer, storetest.City, 1), duoyun.Once{}, review.ID, yes)
		o.refused(err, duoyun.CodeSeparation)
		o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Approve)
		o.confirm(order, "telecom-1")
		sign := o.task(order, duoyun.TaskSign, "hrss-approver")
		yes.Hash = sign.Hash
		_, err = o.svc.Decide(ctx, o.also("city-reviewer", duoyun.RoleApprover, storetest.City, 1), duoyun.Once{}, sign.ID, yes)
		o.refused(err, duoyun.CodeSeparation)
		o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
		o.decide(order, duoyun.TaskSign, "city-finance", broker.Approve)
		o.place(order)
		o.work()
		accept := o.task(order, duoyun.TaskConfirmDelivery, "hrss-confirmer")
		_, err = o.svc.Decide(ctx, o.also("hrss-approver", duoyun.RoleConfirmer, storetest.HRSS, 2), duoyun.Once{}, accept.ID, yes)
		o.refused(err, duoyun.CodeSeparation)
	})
}

// onlyLargeOrdersToFinance is a rule under which a small order needs no signature but the leader's.
func (o *office) onlyLargeOrdersToFinance() {
	o.Helper()
	o.tx(func(tx *sql.Tx) error {
		return o.s.PutApprovalRule(ctx, tx, duoyun.ApprovalRule{ID: duoyun.NewID(time.Now()), AgencyID: o.w.ID(storetest.City), Form: duoyun.FormOpen,
			Confirm: true, Signers: []duoyun.Sign{{Role: duoyun.RoleApprover}, {Role: duoyun.RoleFinance, At: storetest.City, From: 100_000_000}}})
	})
}

func TestAmountsRaiseSignatures(t *testing.T) {
	inOffice(t, func(o *office) {
		o.onlyLargeOrdersToFinance()
		o.tx(func(tx *sql.Tx) error { // a standing arrangement: Data pays for HRSS
			a, err := o.s.Agency(ctx, tx, storetest.HRSS)
			if err != nil {
				return err
			}
			a.PayerID = o.w.ID(storetest.Data)
			return o.s.UpdateAgency(ctx, tx, a)
		})
		order := o.submit(o.doc(small))
		if order.State != duoyun.OrderRecommended {
			o.Fatalf("without a review: %s", order.State)
		}
		o.confirm(order, "telecom-1")
		o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
		o.state(order.ID, duoyun.OrderPlacing)
	})
}

func TestNobodysBudgetIsSpentWithoutTheirFinanceWhateverTheRuleSays(t *testing.T) {
	inOffice(t, func(o *office) {
		o.onlyLargeOrdersToFinance()
		order := o.submit(o.doc(small)) // names Data, which has no arrangement with HRSS
		o.confirm(order, "telecom-1")
		o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
		o.state(order.ID, duoyun.OrderSigning)
		if t := o.task(order, duoyun.TaskSign, "city-finance"); t.AgencyID != o.w.ID(storetest.Data) || t.Role != duoyun.RoleFinance {
			o.Fatalf("the second signature is asked of %s at %s", t.Role, t.AgencyID)
		}
		o.decide(order, duoyun.TaskSign, "city-finance", broker.Approve)
		o.state(order.ID, duoyun.OrderPlacing)
	})
}

func TestAnOrderBeyondItsProjectIsAFinding(t *testing.T) {
	inOffice(t, func(o *office) {
		big := o.doc(small, "quantity: 2", "quantity: 200", "months: 1", "months: 13", `limit: "90000"}`,
			`limit: "300000"}, {year: 2027, item: 信息系统运行维护费, limit: "900000", status: intent}`)
		order := o.submit(big)
		o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Approve)
		o.confirm(order, "telecom-1")
		if kinds := strings.Join(o.findings(), " "); !strings.Contains(kinds, "over_project") {
			o.Errorf("findings: %s", kinds)
		}
	})
}
