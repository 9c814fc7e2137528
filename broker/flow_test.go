package broker_test

import (
	"database/sql"
	"slices"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// example is the document of the reference page.
const example = `form: open
agency: suqian/hrss
payer: suqian/data
project: SQ-2026-017
system: hrss-core
stage: production
purpose: 社保核心业务扩容
period: {start: 2026-12-01, months: 12, renew: ask}
funding:
  - {year: 2026, item: 信息系统运行维护费, limit: "20000.00"}
  - {year: 2027, item: 信息系统运行维护费, limit: "79200.00", status: intent}
lines:
  - {kind: server, name: app, quantity: 3, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}, login: key}
  - {kind: disk, name: data, attach: app, per: each, spec: {size_gib: 500, class: ssd}}
  - {kind: load_balancer, name: entry, members: app, spec: {port: 443}}
  - {kind: bucket, name: archive, spec: {size_gib: 2048, class: standard}}
  - {kind: address, name: vip, zone: extranet_public, spec: {count: 1}}
  - {kind: service, name: mig, item: 迁移服务, quantity: 10, unit: 人天}
requires:
  sites: [suqian]
  xinchuang: {required: true, cpu: [kunpeng, hygon], os: [kylin-v10]}
  same_supplier: true
  on_shortage: hold
supplier_wish: {use: telecom-suqian, reason: 与现有系统同云}
attachments: []
`

// small is one server with its disk.
const small = `form: open
agency: suqian/hrss
payer: suqian/data
project: SQ-2026-017
system: hrss-core
purpose: 测试
period: {start: 2026-12-01, months: 1}
funding: [{year: 2026, item: 信息系统运行维护费, limit: "90000"}]
lines:
  - {kind: server, name: app, quantity: 2, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}}
  - {kind: disk, name: data, attach: app, quantity: 2, spec: {size_gib: 500, class: ssd}}
requires: {on_shortage: hold}
`

func TestTheExampleGoesFromSubmissionToConfirmation(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(example))
		if order.Number != "宿人社政云申〔2026〕0001号" || order.State != duoyun.OrderReviewing {
			o.Errorf("submitted: %s %s", order.Number, order.State)
		}
		o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Approve)
		o.state(order.ID, duoyun.OrderRecommended)
		o.confirm(order, "telecom-1")
		signing := o.state(order.ID, duoyun.OrderSigning)
		if signing.ContentHash == "" || signing.ContentHash != broker.ContentHash(signing) || signing.Total == 0 {
			o.Errorf("what is signed: %q, %s", signing.ContentHash, signing.Total)
		}
		o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
		o.decide(order, duoyun.TaskSign, "city-finance", broker.Approve)
		o.state(order.ID, duoyun.OrderPlacing)

		if o.place(order).State != duoyun.OrderProvisioning {
			o.Fatal("not placed")
		}
		if n := o.used(duoyun.QuotaVCPU); n != 12 {
			o.Errorf("vCPU held: %d", n)
		}
		o.exact()
		o.work()
		o.delivered(order)

		o.clock.Advance(24 * time.Hour)
		o.decide(order, duoyun.TaskConfirmDelivery, "hrss-confirmer", broker.Approve)
		o.state(order.ID, duoyun.OrderConfirmed)
		for _, r := range o.resources(order) {
			if r.State != duoyun.ResourceRunning || r.Confirmed.IsZero() || r.Monthly == 0 && r.Kind != duoyun.KindService {
				o.Errorf("%s: %s, confirmed %s, %s a month", r.Name, r.State, r.Confirmed, r.Monthly)
			}
			o.metered(r)
		}
		o.exact()
	})
}

// metered holds that a running resource has one open interval per price item.
func (o *office) metered(r duoyun.Resource) {
	o.Helper()
	o.tx(func(tx *sql.Tx) error {
		open, err := o.s.OpenUsage(ctx, tx, r.ID)
		if len(open) != len(r.Spec.Items()) {
			o.Errorf("%s has %d open meters for %v", r.Name, len(open), r.Spec.Items())
		}
		return err
	})
}

func (o *office) delivered(order duoyun.Order) {
	o.Helper()
	got := o.state(order.ID, duoyun.OrderDelivered)
	rs := o.resources(order)
	if len(rs) != 10 {
		o.Errorf("%d resources", len(rs))
	}
	numbers := map[string]bool{}
	for _, r := range rs {
		numbers[r.Number] = true
		if r.State != duoyun.ResourceDelivered || r.Delivered.IsZero() {
			o.Errorf("%s is %s", r.Name, r.State)
		}
	}
	if len(numbers) != 10 || numbers[""] {
		o.Errorf("numbers: %v", numbers)
	}
	sheet, err := o.svc.DeliverySheet(ctx, o.actor("hrss-applicant"), got.Number)
	if err != nil || len(sheet.Items) != 10 {
		o.Fatalf("delivery sheet: %d items, %v", len(sheet.Items), err)
	}
	for _, it := range sheet.Items {
		if it.Resource.Kind == duoyun.KindService && it.Work != "迁移服务 10 人天" {
			o.Errorf("the work on the sheet: %q", it.Work)
		}
		if it.Resource.Kind == duoyun.KindServer && (it.OS != "kylin-v10" || it.Login.ZH == "" || it.Supplier == "" || !it.Simulated ||
			it.Expires.String() != "2027-12-01" || len(it.Resource.Addresses) == 0) {
			o.Errorf("sheet: %+v", it)
		}
	}
}

func TestParentsAreBoughtBeforeTheirChildrenAndTheNetworkOnce(t *testing.T) {
	inOffice(t, func(o *office) {
		first := o.signed(o.doc(small))
		o.place(first)
		o.work()
		second := o.signed(o.doc(small))
		o.place(second)
		o.work()
		o.state(second.ID, duoyun.OrderDelivered)
		var kinds []duoyun.Kind
		for _, in := range o.done {
			kinds = append(kinds, in.Kind)
		}
		want := []duoyun.Kind{"network", "server", "server", "disk", "disk", "server", "server", "disk", "disk"}
		if !slices.Equal(kinds, want) {
			o.Errorf("bought in the order %v", kinds)
		}
		nets, err := o.svc.Resources(ctx, o.actor("hrss-applicant"), broker.ResourceFilter{Kind: duoyun.KindNetwork}, duoyun.Page{})
		if err != nil || len(nets.Items) != 1 || nets.Items[0].Spec != (duoyun.NetworkSpec{CIDR: "10.32.0.0/24"}) {
			o.Errorf("networks: %+v %v", nets.Items, err)
		}
	})
}

func TestAnOrderSubmittedTwiceIsOne(t *testing.T) {
	inOffice(t, func(o *office) {
		who, once := o.actor("hrss-applicant"), duoyun.Once{Key: "k1", Route: "POST /v1/orders", BodyHash: "a"}
		a, err := o.svc.Submit(ctx, who, once, o.doc(small))
		if err != nil {
			o.Fatal(err)
		}
		b, err := o.svc.Submit(ctx, who, once, o.doc(small))
		if err != nil || a.ID != b.ID || a.Number != b.Number {
			o.Errorf("again: %s %s %v", a.Number, b.Number, err)
		}
		once.BodyHash = "b"
		_, err = o.svc.Submit(ctx, who, once, o.doc(small))
		o.refused(err, duoyun.CodeConflict)

		review := o.task(a, duoyun.TaskReview, "city-reviewer")
		yes := broker.Decision{Verdict: broker.Approve}
		for range 2 {
			if _, err := o.svc.Decide(ctx, o.actor("city-reviewer"), duoyun.Once{Key: "k2", BodyHash: "c"}, review.Number, yes); err != nil {
				o.Fatal(err)
			}
		}
		_, err = o.svc.Decide(ctx, o.actor("city-reviewer"), duoyun.Once{}, review.ID, yes)
		o.refused(err, duoyun.CodeConflict, "已通过")
	})
}

func TestADuplicatePlaceJobBuysNothingMore(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		o.place(order)
		o.place(order)
		if n := len(o.resources(order)); n != 4 {
			o.Errorf("%d resources", n)
		}
		if n := o.used(duoyun.QuotaServers); n != 2 {
			o.Errorf("%d servers held", n)
		}
	})
}

func TestCutsStandBesideWhatWasAskedForAndBindTheRest(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(example))
		t := o.task(order, duoyun.TaskReview, "city-reviewer")
		cuts := []duoyun.Cut{{Line: "app", Approved: 2, Reason: "利用率低"}, {Line: "mig", Approved: 4, Reason: "工作量核减"}}
		if _, err := o.svc.CutBack(ctx, o.actor("city-reviewer"), duoyun.Once{}, t.ID, cuts, "核减一台"); err != nil {
			o.Fatal(err)
		}
		got := o.state(order.ID, duoyun.OrderRecommended)
		if app, _ := got.Requested.Line("app"); app.Quantity != 3 {
			o.Errorf("the requested layer was changed: %d", app.Quantity)
		}
		if len(got.Approved) != 6 || got.Approved[0].Approved != 2 || got.Approved[0].Reason != "利用率低" || got.Approved[2].Approved != 1 {
			o.Errorf("approved layer: %+v", got.Approved)
		}
		o.decide(order, duoyun.TaskAcknowledge, "hrss-applicant", broker.Approve)
		o.confirm(order, "telecom-1")
		o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
		o.decide(order, duoyun.TaskSign, "city-finance", broker.Approve)
		o.place(order)
		if n := len(o.resources(order)); n != 2+2+1+1+1+1 {
			o.Errorf("%d resources", n)
		}
		if mig := o.one(order, "mig").Spec.(duoyun.ServiceSpec); mig.Quantity != 4 {
			o.Errorf("bought: %+v", mig)
		}
	})
}

func TestCutsThatAreNoneAreRefused(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(small))
		t := o.task(order, duoyun.TaskReview, "city-reviewer")
		for name, cuts := range map[string][]duoyun.Cut{
			"more than asked":  {{Line: "app", Approved: 9, Reason: "x"}},
			"without a reason": {{Line: "app", Approved: 1}},
			"unknown line":     {{Line: "nope", Approved: 1, Reason: "x"}},
			"everything away":  {{Line: "app", Approved: 0, Reason: "x"}, {Line: "data", Approved: 0, Reason: "x"}},
		} {
			_, err := o.svc.CutBack(ctx, o.actor("city-reviewer"), duoyun.Once{}, t.ID, cuts, "")
			if duoyun.CodeOf(err) != duoyun.CodeInvalid {
				o.Errorf("%s: %v", name, err)
			}
		}
		o.state(order.ID, duoyun.OrderReviewing)
	})
}

func TestAnObjectionToTheCutsGoesBackToTheReview(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(small))
		t := o.task(order, duoyun.TaskReview, "city-reviewer")
		cuts := []duoyun.Cut{{Line: "app", Approved: 1, Reason: "利用率低"}, {Line: "data", Approved: 1, Reason: "利用率低"}}
		if _, err := o.svc.CutBack(ctx, o.actor("city-reviewer"), duoyun.Once{}, t.ID, cuts, ""); err != nil {
			o.Fatal(err)
		}
		o.decide(order, duoyun.TaskAcknowledge, "hrss-applicant", broker.Return)
		o.state(order.ID, duoyun.OrderReviewing)
		o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Approve)
		o.confirm(order, "telecom-1")
		if got := o.order(order.ID); got.Approved[0].Approved != 2 {
			o.Errorf("approved after the objection: %+v", got.Approved)
		}
	})
}

func TestADearerOfferGoesBackToTheOfficerAndVoidsTheSignaturesOverTheOldOne(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		before := o.order(order.ID)
		o.reprice("SQ-C-1", "vcpu", "60")
		got := o.place(order)
		if got.State != duoyun.OrderRecommended || got.Reason == "" || len(o.resources(order)) != 0 {
			o.Fatalf("after the price rise: %s %q", got.State, got.Reason)
		}
		o.confirm(order, "telecom-1")
		after := o.state(order.ID, duoyun.OrderSigning)
		if after.ContentHash == before.ContentHash || after.Total <= before.Total {
			o.Errorf("sealed again: %s then %s", before.Total, after.Total)
		}
		all, err := o.svc.Tasks(ctx, duoyun.SystemActor(), broker.TaskFilter{Order: order.ID, Kind: duoyun.TaskSign, All: true}, duoyun.Page{})
		if err != nil {
			o.Fatal(err)
		}
		states := map[duoyun.TaskState]int{}
		for _, t := range all.Items {
			states[t.State]++
		}
		if states[duoyun.TaskVoid] != 2 || states[duoyun.TaskPending] != 1 {
			o.Errorf("signatures: %v", states)
		}
		o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
		o.decide(order, duoyun.TaskSign, "city-finance", broker.Approve)
		if got := o.place(order); got.State != duoyun.OrderProvisioning {
			o.Errorf("placed again: %s", got.State)
		}
	})
}

// reprice ends an item's price and gives it another from now on.
func (o *office) reprice(contract, item, price string) {
	o.Helper()
	o.tx(func(tx *sql.Tx) error {
		now := o.clock.Now()
		if err := o.s.EndPriceItem(ctx, tx, o.w.ID(contract+" "+item), now); err != nil {
			return err
		}
		return o.s.InsertPriceItems(ctx, tx, []duoyun.PriceItem{{ID: duoyun.NewID(now), ContractID: o.w.ID(contract), Item: duoyun.Item(item),
			Name: item, Per: "month", Unit: "核", Price: duoyun.MustPrice(price), From: now}})
	})
}

func TestASignatureIsOverWhatWasShown(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(small))
		o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Approve)
		o.confirm(order, "telecom-1")
		t := o.task(order, duoyun.TaskSign, "hrss-approver")
		_, err := o.svc.Decide(ctx, o.actor("hrss-approver"), duoyun.Once{}, t.ID, broker.Decision{Verdict: broker.Approve})
		o.refused(err, duoyun.CodeInvalid)
		_, err = o.svc.Decide(ctx, o.actor("hrss-approver"), duoyun.Once{}, t.ID, broker.Decision{Verdict: broker.Approve, Hash: "stale"})
		o.refused(err, duoyun.CodeConflict)
		got := o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
		if got.Hash != o.order(order.ID).ContentHash || got.Actor == "" || got.DecidedAt.IsZero() {
			o.Errorf("signature: %+v", got)
		}
	})
}

func TestAReturnedOrRejectedOrderIsAtItsEnd(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(small))
		t := o.task(order, duoyun.TaskReview, "city-reviewer")
		_, err := o.svc.Decide(ctx, o.actor("city-reviewer"), duoyun.Once{}, t.ID, broker.Decision{Verdict: broker.Return})
		o.refused(err, duoyun.CodeInvalid, "理由")
		o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Return)
		if got := o.state(order.ID, duoyun.OrderReturned); got.Reason == "" {
			o.Error("returned without a reason")
		}
		again := o.submit(o.doc(small))
		o.decide(again, duoyun.TaskReview, "city-reviewer", broker.Approve)
		o.confirm(again, "telecom-1")
		o.decide(again, duoyun.TaskSign, "hrss-approver", broker.Reject)
		o.state(again.ID, duoyun.OrderRejected)
		if l, _ := o.svc.Tasks(ctx, duoyun.SystemActor(), broker.TaskFilter{}, duoyun.Page{}); len(l.Items) != 0 {
			o.Errorf("tasks left: %+v", l.Items)
		}
	})
}

func TestSilenceConfirmsAfterTheWorkingDays(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		o.place(order)
		o.work()
		o.clock.Advance(5 * 24 * time.Hour) // from Friday: three working days
		if n, err := o.svc.ConfirmSilent(ctx); n != 0 || err != nil {
			o.Fatalf("too early: %d %v", n, err)
		}
		o.clock.Advance(3 * 24 * time.Hour)
		if n, err := o.svc.ConfirmSilent(ctx); n != 1 || err != nil {
			o.Fatalf("silence: %d %v", n, err)
		}
		o.state(order.ID, duoyun.OrderConfirmed)
		if n, err := o.svc.ConfirmSilent(ctx); n != 0 || err != nil {
			o.Errorf("again: %d %v", n, err)
		}
	})
}

func TestAnOrderIsWithdrawnOnlyBeforeAnythingIsBought(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(small))
		_, err := o.svc.Cancel(ctx, o.actor("city-reviewer"), duoyun.Once{}, order.ID, "")
		o.refused(err, duoyun.CodeForbidden)
		got, err := o.svc.Cancel(ctx, o.actor("hrss-applicant"), duoyun.Once{}, order.Number, "不需要了")
		if err != nil || got.State != duoyun.OrderCancelled {
			o.Fatalf("%s %v", got.State, err)
		}
		placed := o.signed(o.doc(small))
		o.place(placed)
		_, err = o.svc.Cancel(ctx, o.actor("hrss-applicant"), duoyun.Once{}, placed.ID, "")
		o.refused(err, duoyun.CodeConflict, "开通中", "注销")
	})
}

func TestTheHistoryTellsEveryStep(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.bought(o.doc(small))
		events, err := o.svc.Events(ctx, o.actor("city-auditor"), order.Number)
		if err != nil {
			o.Fatal(err)
		}
		var steps []string
		for _, e := range events {
			steps = append(steps, e.Action+" "+string(e.To))
		}
		want := []string{"submit reviewing", "review recommended", "confirm_supplier signing", "sign signing", "sign placing",
			"place provisioning", "deliver delivered", "confirm_delivery confirmed"}
		if !slices.Equal(steps, want) {
			o.Errorf("history: %v", steps)
		}
	})
}
