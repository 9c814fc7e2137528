package broker_test

import (
	"database/sql"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store/storetest"
)

// several are servers with a disk each, over two fiscal years.
const several = `form: open
agency: suqian/hrss
payer: suqian/data
project: SQ-2026-017
system: hrss-core
purpose: 测试
period: {start: 2026-12-01, months: 3}
funding:
  - {year: 2026, item: 信息系统运行维护费, limit: "20000"}
  - {year: 2027, item: 信息系统运行维护费, limit: "40000", status: intent}
lines:
  - {kind: server, name: app, quantity: 3, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}}
  - {kind: disk, name: data, attach: app, per: each, spec: {size_gib: 333, class: ssd}}
requires: {on_shortage: hold}
`

// stock makes pools sell so many servers more and no others; pools that are not named sell all.
func (o *office) stock(left map[string]int) {
	byID := map[string]int{}
	for code, n := range left {
		byID[o.pool(code)] = n
	}
	o.fate = func(in duoyun.Intent) duoyun.IntentState {
		n, limited := byID[in.PoolID]
		if !limited || in.Kind != duoyun.KindServer || in.Op != duoyun.OpCreate {
			return duoyun.IntentVerified
		}
		if n == 0 {
			return duoyun.IntentFailed
		}
		byID[in.PoolID]--
		return duoyun.IntentVerified
	}
}

func (o *office) pool(code string) string {
	o.Helper()
	p, err := o.s.FindPool(ctx, duoyun.Scope{All: true}, code)
	if err != nil {
		o.Fatal(err)
	}
	return p.ID
}

// openPool opens a second pool of JD, alike and under the same contract.
func (o *office) openPool(code string) {
	o.Helper()
	o.tx(func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO pools (id, code, name, supplier_id, driver, site, region, zones, kinds, level, xinchuang, plan,
			networks_used, simulated, account, sealed, active, version) SELECT $1, $2, $2, supplier_id, driver, site, region, zones, kinds,
			level, xinchuang, plan, networks_used, simulated, account, sealed, active, version FROM pools WHERE code = 'jd-1'`, duoyun.NewID(time.Now()), code)
		return err
	})
}

// held brings a document to an order of which the pool telecom-1 could sell two servers only.
func (o *office) held(doc duoyun.OrderRequest, want duoyun.OrderState) duoyun.Order {
	o.Helper()
	order := o.signed(doc)
	o.stock(map[string]int{"telecom-1": 2})
	o.place(order)
	o.exact()
	o.work()
	o.exact()
	return o.state(order.ID, want)
}

func (o *office) reselect(order duoyun.Order) (duoyun.Order, duoyun.Component) {
	o.Helper()
	if _, err := o.svc.Reselect(ctx, o.actor("city-procurement"), duoyun.Once{}, order.ID, "资源池售罄"); err != nil {
		o.Fatal(err)
	}
	got := o.state(order.ID, duoyun.OrderRecommended)
	if len(got.Recommended.Components) != 1 {
		o.Fatalf("components: %+v", got.Recommended.Components)
	}
	o.exact()
	return got, got.Recommended.Components[0]
}

// agreed brings a reselected order to its placing and through it.
func (o *office) agreed(order duoyun.Order, pool string) {
	o.Helper()
	o.confirm(order, pool)
	o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
	o.decide(order, duoyun.TaskSign, "city-finance", broker.Approve)
	o.exact()
	o.place(order)
	o.exact()
	o.work()
	o.exact()
}

// charged reads what contracts and budgets hold.
func (o *office) charged(contract string) (sum duoyun.Fen) {
	o.Helper()
	o.tx(func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, `SELECT used FROM contracts WHERE number = $1`, contract).Scan((*int64)(&sum))
	})
	return sum
}

// tallies holds that what is signed is what is held, contract by contract and year by year, to the fen.
func (o *office) tallies(order duoyun.Order) {
	o.Helper()
	got := o.order(order.ID)
	contracts, years := map[string]duoyun.Fen{}, map[int]duoyun.Fen{}
	var total duoyun.Fen
	for _, c := range got.Chosen {
		contracts[c.Candidate.Contract] += c.Candidate.Total
		total += c.Candidate.Total
		for _, y := range c.Candidate.Years {
			years[y.Year] += y.Amount
		}
	}
	if got.Total != total {
		o.Errorf("the total is %s, the choices come to %s", got.Total, total)
	}
	for number, sum := range contracts {
		if n := o.charged(number); n != sum {
			o.Errorf("contract %s: %s signed, %s held", number, sum, n)
		}
	}
	for year, sum := range years {
		if n := o.spent(year); n != sum {
			o.Errorf("%d: %s signed, %s held", year, sum, n)
		}
	}
}

func (o *office) decisions(order duoyun.Order) []duoyun.OrderDecision {
	o.Helper()
	l, err := o.svc.Decisions(ctx, o.actor("city-auditor"), order.ID, duoyun.Page{})
	if err != nil {
		o.Fatal(err)
	}
	return l.Items
}

func TestWhatAPoolCannotSellIsHadFromTheNextBestOne(t *testing.T) {
	inOffice(t, func(o *office) {
		first := o.held(o.doc(several), duoyun.OrderHeld)
		was := o.charged("SQ-C-1")
		got, c := o.reselect(first)
		if len(c.Lines) != 0 || len(c.Units) != 2 || !strings.HasPrefix(c.Units[0], "app-") || !strings.HasPrefix(c.Units[1], "data-") {
			o.Fatalf("to be had elsewhere: %v %v", c.Lines, c.Units)
		}
		best, failed := c.Candidates[0], candidate(c, "telecom-1")
		if best.Pool != "jd-1" || c.Candidates[1].Pool != "telecom-1" || len(failed.Dropped) > 0 || len(failed.Failed) != 1 ||
			!strings.Contains(failed.Failed[0].ZH, c.Units[0]+"：测试：failed") || len(best.Failed) > 0 {
			o.Errorf("candidates: %+v", c.Candidates)
		}
		if len(got.Chosen) != 1 || len(got.Chosen[0].Units) != 4 || got.Chosen[0].Candidate.Total != was || was == 0 {
			o.Errorf("what stands: %+v, held %s", got.Chosen, was)
		}
		for _, x := range o.tasksOf(first, duoyun.TaskSign) {
			if x.State != duoyun.TaskVoid {
				o.Errorf("a signature is %s", x.State)
			}
		}
		o.agreed(first, "jd-1")
		done := o.state(first.ID, duoyun.OrderDelivered)
		if len(done.Chosen) != 2 || done.ContentHash == first.ContentHash || done.ContentHash != broker.ContentHash(done) {
			o.Errorf("chosen: %+v", done.Chosen)
		}
		o.tallies(first)
		if o.charged("SQ-C-1") != was || o.used(duoyun.QuotaServers) != 3 || o.used(duoyun.QuotaDiskGiB) != 3*(333+100) {
			o.Errorf("SQ-C-1 holds %s, before %s; %d servers, %d GiB", o.charged("SQ-C-1"), was, o.used(duoyun.QuotaServers), o.used(duoyun.QuotaDiskGiB))
		}
		for _, r := range o.resources(first) {
			if at := r.PoolID == o.pool("jd-1"); r.State.Live() && at != slices.Contains(c.Units, r.Name) {
				o.Errorf("%s stands in the wrong pool", r.Name)
			}
		}
		o.kept(first, o.decisions(first))
		o.decide(first, duoyun.TaskConfirmDelivery, "hrss-confirmer", broker.Approve)
		o.state(first.ID, duoyun.OrderConfirmed)
		o.exact()
	})
}

// kept holds that the first decision can still be read as it was signed.
func (o *office) kept(first duoyun.Order, ds []duoyun.OrderDecision) {
	o.Helper()
	if len(ds) == 0 {
		o.Fatal("no decision was kept")
	}
	d := ds[len(ds)-1]
	if d.ContentHash != first.ContentHash || d.Total != first.Total || !reflect.DeepEqual(d.Chosen, first.Chosen) ||
		!reflect.DeepEqual(d.Recommended, first.Recommended) || d.Action != "reselect" || d.Actor != "city-procurement" || d.Note == "" {
		o.Errorf("kept: %+v\nfirst: %+v", d, first)
	}
	if l, err := o.svc.Decisions(ctx, o.actor("sup-telecom"), first.ID, duoyun.Page{}); err != nil || len(l.Items) > 0 {
		o.Errorf("a supplier sees decisions: %v %v", l.Items, err)
	}
}

func (o *office) tasksOf(order duoyun.Order, kind duoyun.TaskKind) []duoyun.Task {
	o.Helper()
	l, err := o.svc.Tasks(ctx, duoyun.SystemActor(), broker.TaskFilter{Order: order.Number, Kind: kind, All: true}, duoyun.Page{})
	if err != nil {
		o.Fatal(err)
	}
	return l.Items
}

func TestAnOrderMayBeReselectedTwice(t *testing.T) {
	inOffice(t, func(o *office) {
		o.openPool("jd-2")
		first := o.held(o.doc(several, "quantity: 3", "quantity: 4"), duoyun.OrderHeld)
		o.reselect(first)
		o.stock(map[string]int{"telecom-1": 0, "jd-1": 1})
		o.agreed(first, "jd-1")
		o.state(first.ID, duoyun.OrderHeld)
		_, c := o.reselect(first)
		pools := []string{c.Candidates[0].Pool, c.Candidates[1].Pool, c.Candidates[2].Pool}
		if len(c.Units) != 2 || pools[0] != "jd-2" || slices.Contains(pools, "people-1") || len(c.Candidates[1].Failed) == 0 || len(c.Candidates[2].Failed) == 0 {
			o.Errorf("%v from %v: %+v", c.Units, pools, c.Candidates)
		}
		o.agreed(first, "jd-2")
		done := o.state(first.ID, duoyun.OrderDelivered)
		if len(done.Chosen) != 3 || len(done.Chosen[0].Units) != 4 || len(done.Chosen[1].Units) != 2 || len(done.Chosen[2].Units) != 2 {
			o.Errorf("chosen: %+v", done.Chosen)
		}
		o.tallies(first)
		if n := o.used(duoyun.QuotaServers); n != 4 {
			o.Errorf("%d servers held", n)
		}
		ds := o.decisions(first)
		o.kept(first, ds)
		if len(ds) != 2 || len(ds[0].Chosen) != 2 {
			o.Errorf("decisions: %+v", ds)
		}
	})
}

func TestOnlyWhatIsMissingIsReselectedAndOnlyByProcurement(t *testing.T) {
	inOffice(t, func(o *office) {
		officer := o.actor("city-procurement")
		order := o.held(o.doc(several), duoyun.OrderHeld)
		for _, login := range []string{"hrss-applicant", "hrss-approver", "city-reviewer", "city-finance", "city-auditor"} {
			_, err := o.svc.Reselect(ctx, o.actor(login), duoyun.Once{}, order.ID, "想要")
			o.refused(err, duoyun.CodeForbidden)
		}
		_, err := o.svc.Reselect(ctx, o.actor("edu-applicant"), duoyun.Once{}, order.ID, "想要")
		o.refused(err, duoyun.CodeNotFound)
		_, err = o.svc.Reselect(ctx, officer, duoyun.Once{}, order.ID, " ")
		o.refused(err, duoyun.CodeInvalid, "note", "理由")
		o.state(order.ID, duoyun.OrderHeld)
		once := duoyun.Once{Key: "k", Route: "reselect", BodyHash: "h"}
		for range 2 {
			if _, err := o.svc.Reselect(ctx, officer, once, order.ID, "售罄"); err != nil {
				o.Fatal(err)
			}
		}
		if n := len(o.decisions(order)); n != 1 {
			o.Errorf("%d decisions of one call", n)
		}
		_, err = o.svc.Reselect(ctx, officer, duoyun.Once{}, order.ID, "再来")
		o.refused(err, duoyun.CodeConflict, "没有可改选的缺额")
		o.agreed(order, "jd-1")
		o.state(order.ID, duoyun.OrderDelivered)
		_, err = o.svc.Reselect(ctx, officer, duoyun.Once{}, order.ID, "再来")
		o.refused(err, duoyun.CodeConflict)
	})
}

// What was delivered and given back since is not missed: it is neither bought again nor chosen anew.
func TestWhatTheDepartmentGaveBackIsNotMissing(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(small))
		o.place(order)
		o.failing(order, "app")
		o.work()
		o.fate = nil
		for _, line := range []string{"data", "app"} {
			for _, r := range o.resources(order) {
				if r.Line == line && r.State == duoyun.ResourceDelivered {
					o.giveBack(r)
				}
			}
		}
		_, c := o.reselect(order)
		if !slices.Equal(c.Units, []string{"app-1", "data-1"}) {
			o.Errorf("to be had elsewhere: %v", c.Units)
		}
		o.agreed(order, "jd-1")
		o.state(order.ID, duoyun.OrderDelivered)
		o.tallies(order)
		if n := o.used(duoyun.QuotaServers); n != 1 {
			o.Errorf("%d servers held", n)
		}
	})
}

// giveBack makes a delivered unit a proven deletion, as a release order would.
func (o *office) giveBack(r duoyun.Resource) {
	o.Helper()
	r.State, r.Terminated = duoyun.ResourceTerminated, o.tick()
	o.tx(func(tx *sql.Tx) error {
		if err := o.s.UpdateResource(ctx, tx, r); err != nil {
			return err
		}
		return o.quota.Release(ctx, tx, []quota.Free{{ResourceID: r.ID}})
	})
}

func TestAnOrderOfWhichNothingWasBoughtIsReselectedWhole(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(several))
		o.limit(duoyun.QuotaVCPU, 11)
		o.place(order)
		o.state(order.ID, duoyun.OrderHeld)
		got, c := o.reselect(order)
		if len(got.Chosen) != 0 || len(c.Units) != 0 || !slices.Equal(c.Lines, []string{"app", "data"}) || c.Candidates[0].Pool != "telecom-1" {
			o.Errorf("chosen %+v, component %v %v", got.Chosen, c.Lines, c.Units)
		}
		o.limit(duoyun.QuotaVCPU, 12)
		o.agreed(order, "jd-1")
		o.state(order.ID, duoyun.OrderDelivered)
		o.tallies(order)
		if o.charged("SQ-C-1") != 0 {
			o.Errorf("SQ-C-1 holds %s", o.charged("SQ-C-1"))
		}
	})
}

func TestARefusedReselectionLeavesWhatWasBought(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.held(o.doc(several), duoyun.OrderHeld)
		o.reselect(order)
		o.decide(order, duoyun.TaskConfirmSupplier, "city-procurement", broker.Return)
		o.state(order.ID, duoyun.OrderHeld)
		o.reselect(order)
		o.confirm(order, "jd-1")
		o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
		o.decide(order, duoyun.TaskSign, "city-finance", broker.Reject)
		held := o.state(order.ID, duoyun.OrderHeld)
		if len(held.Chosen) != 1 || len(held.Chosen[0].Units) != 4 || !slices.Contains(o.findings(), "shortage") {
			o.Errorf("what stands: %+v", held.Chosen)
		}
		_, err := o.svc.Retry(ctx, o.actor("city-procurement"), duoyun.Once{}, order.ID)
		o.refused(err, duoyun.CodeConflict, "尚未选定供应商", "改选")
		o.retryHeld(0)
		_, err = o.svc.Cancel(ctx, o.actor("hrss-applicant"), duoyun.Once{}, order.ID, "不要了")
		o.refused(err, duoyun.CodeConflict)
		o.exact()
		ds := o.decisions(order)
		if len(ds) != 3 || ds[0].Action != "reject" || len(ds[0].Chosen) != 2 {
			o.Errorf("decisions: %+v", ds)
		}
		o.kept(order, ds)
		o.reselect(order)
		o.agreed(order, "jd-1")
		o.state(order.ID, duoyun.OrderDelivered)
		o.tallies(order)
	})
}

func TestAPartialOrderIsReselectedBeforeItIsConfirmed(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.held(o.doc(several, "on_shortage: hold", "on_shortage: partial"), duoyun.OrderPartial)
		o.reselect(order)
		o.confirm(order, "jd-1")
		o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Return)
		o.state(order.ID, duoyun.OrderPartial)
		o.task(order, duoyun.TaskConfirmDelivery, "hrss-confirmer") // asked for again
		o.reselect(order)
		o.agreed(order, "jd-1")
		o.state(order.ID, duoyun.OrderDelivered)
		o.tallies(order)
		o.decide(order, duoyun.TaskConfirmDelivery, "hrss-confirmer", broker.Approve)
		_, err := o.svc.Reselect(ctx, o.actor("city-procurement"), duoyun.Once{}, order.ID, "再来")
		o.refused(err, duoyun.CodeConflict)
		o.exact()
	})
}

func TestOneSupplierServesTheRestTooWhereTheDocumentAsksForIt(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.held(o.doc(several, "requires: {", "requires: {same_supplier: true, "), duoyun.OrderHeld)
		_, c := o.reselect(order)
		if jd := joinedReasons(candidate(c, "jd-1")); !strings.Contains(jd, "同一云服务商") || c.Candidates[0].Pool != "telecom-1" || len(c.Candidates[0].Failed) == 0 {
			o.Errorf("jd-1: %s; first %+v", jd, c.Candidates[0])
		}
		o.stock(nil)
		o.agreed(order, "telecom-1")
		o.state(order.ID, duoyun.OrderDelivered)
		o.tallies(order)
	})
}

func TestWhatHangsOnABoughtUnitStaysInItsPool(t *testing.T) {
	inOffice(t, func(o *office) {
		doc := o.doc(several, "requires:", "  - {kind: load_balancer, name: entry, members: app, spec: {port: 443}}\nrequires:")
		order := o.held(doc, duoyun.OrderHeld)
		_, c := o.reselect(order)
		if len(c.Units) != 3 || c.Candidates[0].Pool != "telecom-1" || !strings.Contains(joinedReasons(candidate(c, "jd-1")), "另一资源池") {
			o.Errorf("%v: %+v", c.Units, c.Candidates)
		}
	})
}

func TestTheFreePartIsHadElsewhereThoughAnotherIsTied(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.signed(o.doc(several))
		o.place(order)
		fail := map[string]bool{}
		for _, r := range o.resources(order) {
			fail[r.ID] = r.Name == "data-1" || r.Name == "app-2"
		}
		o.fate = func(in duoyun.Intent) duoyun.IntentState {
			if fail[in.ResourceID] {
				return duoyun.IntentFailed
			}
			return duoyun.IntentVerified
		}
		o.work()
		if _, err := o.svc.Reselect(ctx, o.actor("city-procurement"), duoyun.Once{}, order.ID, "售罄"); err != nil {
			o.Fatal(err)
		}
		got := map[string]string{}
		for _, c := range o.order(order.ID).Recommended.Components {
			got[strings.Join(c.Units, " ")] = c.Candidates[0].Pool
		}
		if want := map[string]string{"data-1": "telecom-1", "app-2 data-2": "jd-1"}; !reflect.DeepEqual(got, want) {
			o.Errorf("parts and their first candidates: %v", got)
		}
		task := o.task(order, duoyun.TaskConfirmSupplier, "city-procurement")
		if _, err := o.svc.Decide(ctx, o.actor("city-procurement"), duoyun.Once{}, task.ID, broker.Decision{Verdict: broker.Approve}); err != nil {
			o.Fatal(err)
		}
		o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
		o.decide(order, duoyun.TaskSign, "city-finance", broker.Approve)
		o.fate = nil
		o.place(order)
		o.work()
		o.state(order.ID, duoyun.OrderDelivered)
		o.tallies(order)
		o.exact()
	})
}

func TestAReselectionStaysWithinTheMoneyAskedFor(t *testing.T) {
	inOffice(t, func(o *office) {
		doc := o.doc(several)
		o.held(doc, duoyun.OrderHeld)
		probe := o.order(o.held(doc, duoyun.OrderHeld).ID)
		year := probe.Chosen[0].Candidate.Years[0]
		tight := o.doc(several, `"20000"`, `"`+year.Amount.String()+`"`)
		order := o.held(tight, duoyun.OrderHeld)
		_, c := o.reselect(order)
		if candidate(c, "jd-1").Years[0].Amount <= year.Amount/3 {
			o.Fatal("jd is no dearer: the test proves nothing")
		}
		task := o.task(order, duoyun.TaskConfirmSupplier, "city-procurement")
		_, err := o.svc.ConfirmSupplier(ctx, o.actor("city-procurement"), duoyun.Once{}, task.ID, []broker.Pick{{Pool: "jd-1"}})
		o.refused(err, duoyun.CodeShortage, "2026 年度", "申报限额")
		o.exact()
	})
}

// A price that rose while an order was held sends the missing part alone back: what was bought stands as it was signed.
func TestADearerOfferSendsTheMissingPartAloneBack(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.held(o.doc(several), duoyun.OrderHeld)
		was := o.charged("SQ-C-1")
		o.alter(`UPDATE price_items SET price = '60' WHERE item = 'vcpu' AND contract_id = (SELECT id FROM contracts WHERE number = 'SQ-C-1')`)
		if _, err := o.svc.Retry(ctx, o.actor("city-procurement"), duoyun.Once{}, order.ID); err != nil {
			o.Fatal(err)
		}
		o.place(order)
		got := o.state(order.ID, duoyun.OrderRecommended)
		if len(got.Chosen) != 1 || got.Chosen[0].Candidate.Total != was || len(got.Recommended.Components[0].Units) != 2 {
			o.Errorf("what stands: %+v", got.Chosen)
		}
		if ds := o.decisions(order); len(ds) != 1 || ds[0].Action != "offer_changed" || ds[0].ContentHash != order.ContentHash {
			o.Errorf("decisions: %+v", ds)
		}
		o.stock(nil)
		o.agreed(order, "telecom-1")
		o.state(order.ID, duoyun.OrderDelivered)
		o.tallies(order)
	})
}

func TestARetryDrawsOnWhatIsLeftOfEachBudgetItem(t *testing.T) {
	inOffice(t, func(o *office) {
		_, err := o.quota.SetBudget(ctx, o.actor("city-finance"), duoyun.Once{}, quota.BudgetInput{Payer: storetest.Data, Year: 2026, Item: "二", Limit: 1_000_000})
		if err != nil {
			o.Fatal(err)
		}
		order := o.signed(o.doc(small, `limit: "90000"}`, `limit: "1480"}, {year: 2026, item: 二, limit: "9000"}`))
		o.place(order)
		o.failing(order, "data")
		o.work()
		o.fate = nil
		if _, err := o.svc.Retry(ctx, o.actor("city-procurement"), duoyun.Once{}, order.ID); err != nil {
			o.Fatal(err)
		}
		o.place(order)
		o.work()
		o.state(order.ID, duoyun.OrderDelivered)
		holds, err := o.svc.Holds(ctx, o.actor("hrss-applicant"), order.ID)
		if err != nil {
			o.Fatal(err)
		}
		for _, h := range holds {
			if want := map[string]int64{storetest.Item: 148_000, "二": 120_000}[h.Item]; h.Kind == duoyun.HoldBudget && h.Amount != want {
				o.Errorf("%s holds %d, want %d", h.Item, h.Amount, want)
			}
		}
		o.exact()
	})
}

func TestAHeldOrderShowsWhatItHolds(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.held(o.doc(several), duoyun.OrderHeld)
		got, err := o.svc.Holds(ctx, o.actor("hrss-applicant"), order.Number)
		if err != nil {
			o.Fatal(err)
		}
		var years []int
		var money, contract duoyun.Fen
		for _, h := range got {
			switch {
			case h.State != duoyun.HoldHeld:
				o.Errorf("%+v", h)
			case h.Kind == duoyun.HoldBudget:
				years, money = append(years, h.Year), money+duoyun.Fen(h.Amount)
			case h.Kind == duoyun.HoldContract:
				contract += duoyun.Fen(h.Amount)
				if h.Owner != "SQ-C-1" || h.Units != 4 {
					o.Errorf("%+v", h)
				}
			case h.Kind == duoyun.HoldQuota && h.Dimension == duoyun.QuotaServers && (h.Amount != 2 || h.Units != 2):
				o.Errorf("%+v", h)
			}
		}
		if !slices.Equal(years, []int{2026, 2027}) || money != contract || money != o.charged("SQ-C-1") {
			o.Errorf("%v: %s of budgets, %s of the contract", years, money, contract)
		}
		if l, err := o.svc.Holds(ctx, o.actor("sup-telecom"), order.Number); err != nil || len(l) > 0 {
			o.Errorf("a supplier sees holds: %+v %v", l, err)
		}
	})
}
