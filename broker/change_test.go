package broker_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// form writes a change, renewal or release of the agency.
func (o *office) form(form string, lines ...string) duoyun.OrderRequest {
	o.Helper()
	text := "form: " + form + "\nagency: suqian/hrss\npayer: suqian/data\npurpose: 变更\nlines:\n"
	for _, l := range lines {
		text += "  - {" + l + "}\n"
	}
	return o.doc(text)
}

// changed brings a change through review, signatures and purchase.
func (o *office) changed(doc duoyun.OrderRequest) duoyun.Order {
	o.Helper()
	order := o.submit(doc)
	o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Approve)
	o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
	o.decide(order, duoyun.TaskSign, "city-finance", broker.Approve)
	o.place(order)
	o.work()
	return o.order(order.ID)
}

func TestAResizeTakesMoreAndThenGivesBack(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.bought(o.doc(small))
		app := o.one(order, "app")
		money := o.spent(2026)
		got := o.changed(o.form("change", "resource: "+app.Number+", action: resize, kind: server, spec: {vcpu: 8, ram_gib: 32}"))
		if got.State != duoyun.OrderConfirmed || got.Total <= 0 {
			o.Fatalf("%s (%s), %s", got.State, got.Reason, got.Total)
		}
		now := o.one(order, "app")
		if s := now.Spec.(duoyun.ServerSpec); s.VCPU != 8 || now.State != duoyun.ResourceRunning || now.Monthly <= app.Monthly {
			o.Errorf("resized: %+v", now)
		}
		if n := o.used(duoyun.QuotaVCPU); n != 12 || o.spent(2026) <= money {
			o.Errorf("held: %d vCPU, %s", n, o.spent(2026))
		}
		o.metered(now)
		o.exact()
		o.changed(o.form("change", "resource: "+app.Number+", action: resize, kind: server, spec: {vcpu: 2, ram_gib: 8}"))
		if n := o.used(duoyun.QuotaVCPU); n != 6 || o.spent(2026) >= money {
			o.Errorf("given back: %d vCPU, %s", n, o.spent(2026))
		}
		o.exact()
	})
}

func TestAServerStopsAndStarts(t *testing.T) {
	inOffice(t, func(o *office) {
		app := o.one(o.bought(o.doc(small)), "app")
		for action, want := range map[string]duoyun.ResourceState{"stop": duoyun.ResourceStopped} {
			o.changed(o.form("change", "resource: "+app.Number+", action: "+action))
			if got, _ := o.svc.Resource(ctx, duoyun.SystemActor(), app.ID); got.State != want {
				o.Errorf("%s: %s", action, got.State)
			}
		}
		o.refusedSubmit("hrss-applicant", o.form("change", "resource: "+app.Number+", action: stop"), duoyun.CodeInvalid, "已是如此")
		o.changed(o.form("change", "resource: "+app.Number+", action: start"))
		if got, _ := o.svc.Resource(ctx, duoyun.SystemActor(), app.ID); got.State != duoyun.ResourceRunning {
			o.Errorf("started: %s", got.State)
		}
	})
}

func TestAFailedChangeLeavesEverythingAsItWas(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.bought(o.doc(small))
		disk := o.one(order, "data")
		before, money := o.used(duoyun.QuotaDiskGiB), o.spent(2026)
		o.fate = func(duoyun.Intent) duoyun.IntentState { return duoyun.IntentFailed }
		got := o.changed(o.form("change", "resource: "+disk.Number+", action: grow, kind: disk, spec: {size_gib: 900}"))
		if got.State != duoyun.OrderFailed || got.Reason == "" {
			o.Errorf("%s %q", got.State, got.Reason)
		}
		if now := o.one(order, "data"); now.State != duoyun.ResourceRunning || now.Spec != disk.Spec {
			o.Errorf("the disk: %+v", now)
		}
		if o.used(duoyun.QuotaDiskGiB) != before || o.spent(2026) != money {
			o.Errorf("held: %d GiB then %d, %s then %s", before, o.used(duoyun.QuotaDiskGiB), money, o.spent(2026))
		}
		o.exact()
	})
}

func TestAReleaseEndsMetersAndGivesBackAllButWhatAccrued(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.bought(o.doc(small))
		o.clock.Advance(10 * 24 * time.Hour)
		app, disk := o.one(order, "app"), o.one(order, "data")
		o.refusedSubmit("hrss-applicant", o.form("release", "resource: "+app.Number), duoyun.CodeInvalid, "挂在它上面", disk.Number, "云硬盘 "+disk.Name)
		held := o.spent(2026)
		got := o.changed(o.form("release", "resource: "+app.Number, "resource: "+disk.Number))
		if got.State != duoyun.OrderConfirmed {
			o.Fatalf("%s %s", got.State, got.Reason)
		}
		if kinds := []duoyun.Kind{o.done[len(o.done)-2].Kind, o.done[len(o.done)-1].Kind}; !slices.Equal(kinds, []duoyun.Kind{"disk", "server"}) {
			o.Errorf("released in the order %v", kinds)
		}
		gone := o.one(order, "app")
		if gone.State != duoyun.ResourceTerminated || gone.Terminated.IsZero() {
			o.Errorf("released: %s", gone.State)
		}
		gone.Spec = nil
		if left := o.spent(2026); left >= held || left <= held/2 {
			o.Errorf("held %s, left %s: one of two was released after ten days", held, left)
		}
		if n := o.used(duoyun.QuotaServers); n != 1 {
			o.Errorf("%d servers", n)
		}
		o.exact()
	})
}

func TestAResourceHasOneOrderUnderWay(t *testing.T) {
	inOffice(t, func(o *office) {
		app := o.one(o.bought(o.doc(small)), "app")
		first := o.submit(o.form("change", "resource: "+app.Number+", action: stop"))
		o.refusedSubmit("hrss-applicant", o.form("change", "resource: "+app.Number+", action: resize, kind: server, spec: {vcpu: 8, ram_gib: 32}"),
			duoyun.CodeConflict, "另一张单")
		if _, err := o.svc.Cancel(ctx, o.actor("hrss-applicant"), duoyun.Once{}, first.ID, ""); err != nil {
			o.Fatal(err)
		}
		o.submit(o.form("change", "resource: "+app.Number+", action: stop"))
	})
}

func TestOthersResourcesAreNotThereToChange(t *testing.T) {
	inOffice(t, func(o *office) {
		app := o.one(o.bought(o.doc(small)), "app")
		doc := o.form("release", "resource: "+app.Number)
		doc.Agency, doc.Payer = "suqian/edu", ""
		o.refusedSubmit("edu-applicant", doc, duoyun.CodeInvalid, "没有这个资源")
	})
}

func TestARenewalProlongsThePeriodAndHoldsTheMoney(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.bought(o.doc(small))
		disk := o.one(order, "data")
		money := o.spent(2027)
		doc := o.doc(fmt.Sprintf("form: renew\nagency: suqian/hrss\npayer: suqian/data\nperiod: {months: 3}\nfunding: [{year: 2027, item: 信息系统运行维护费, limit: \"5000\", status: intent}]\nlines:\n  - {resource: %s}\n", disk.Number))
		order2 := o.submit(doc)
		o.decide(order2, duoyun.TaskReview, "city-reviewer", broker.Approve)
		o.decide(order2, duoyun.TaskSign, "hrss-approver", broker.Approve)
		o.decide(order2, duoyun.TaskSign, "city-finance", broker.Approve)
		o.place(order2)
		o.state(order2.ID, duoyun.OrderConfirmed)
		if got := o.one(order, "data"); got.Period.Months != 4 {
			o.Errorf("period: %+v", got.Period)
		}
		if more := o.spent(2027) - money; more != 180_000 {
			o.Errorf("three months of 500 GiB at 1.20 came to %s", more)
		}
		o.exact()
	})
}

func TestADiskHangsOnAServerThatIsThere(t *testing.T) {
	inOffice(t, func(o *office) {
		app := o.one(o.bought(o.doc(small)), "app")
		text := "form: open\nagency: suqian/hrss\npayer: suqian/data\nproject: SQ-2026-017\nsystem: hrss-core\npurpose: 加盘\nperiod: {start: 2026-12-01, months: 1}\n" +
			"funding: [{year: 2026, item: 信息系统运行维护费, limit: \"9000\"}]\nlines:\n  - {kind: disk, name: more, attach: \"res:" + app.Number + "\", spec: {size_gib: 100, class: ssd}}\n"
		order := o.submit(o.doc(text))
		o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Approve)
		for _, c := range o.order(order.ID).Recommended.Components[0].Candidates {
			if (c.Pool == "telecom-1") != (len(c.Dropped) == 0) {
				o.Errorf("%s: %v", c.Pool, c.Dropped)
			}
		}
		o.confirm(order, "telecom-1")
		o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
		o.decide(order, duoyun.TaskSign, "city-finance", broker.Approve)
		o.place(order)
		o.work()
		o.state(order.ID, duoyun.OrderDelivered)
		o.refusedSubmit("hrss-applicant", o.doc(text, app.Number, "宿人社政云资〔2026〕9999号"), duoyun.CodeInvalid, "没有这个资源")
	})
}

func TestWhatCannotBePlacedIsHeldWithTheReason(t *testing.T) {
	inOffice(t, func(o *office) {
		first := o.bought(o.doc(small))
		app, disk := o.one(first, "app"), o.one(first, "data")
		more := o.signed(o.doc("form: open\nagency: suqian/hrss\npayer: suqian/data\nproject: SQ-2026-017\nsystem: hrss-core\npurpose: 加盘\nperiod: {start: 2026-12-01, months: 1}\n" +
			"funding: [{year: 2026, item: 信息系统运行维护费, limit: \"9000\"}]\nlines:\n  - {kind: disk, name: more, attach: \"res:" + app.Number + "\", spec: {size_gib: 100, class: ssd}}\n"))
		o.changed(o.form("release", "resource: "+app.Number, "resource: "+disk.Number))
		if got := o.place(more); got.State != duoyun.OrderHeld || !strings.Contains(got.Reason, "不在用") {
			o.Errorf("%s %q", got.State, got.Reason)
		}
		if !slices.Contains(o.findings(), "not_placed") {
			o.Errorf("findings: %v", o.findings())
		}
	})
}
