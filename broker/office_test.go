package broker_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/broker/document"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// office is the order side of a broker over the small city, with clouds that do what the test says.
type office struct {
	*testing.T
	s     *store.Store
	w     *storetest.World
	clock *testClock
	svc   *broker.Service
	quota *quota.Service
	fate  func(duoyun.Intent) duoyun.IntentState // nil: everything succeeds
	swept time.Time
	done  []duoyun.Intent // in the order they ended
}

var ctx = context.Background()

func newOffice(t *testing.T, s *store.Store) *office {
	o := &office{T: t, s: s, w: storetest.NewWorld(t, s), clock: &testClock{t: time.Date(2026, 11, 20, 9, 0, 0, 0, duoyun.Civil)},
		swept: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	o.quota = quota.New(s, time.Now, o.tick)
	o.svc = o.service(nil)
	return o
}

// tick is the business clock: no two readings are the same, so that histories have an order.
func (o *office) tick() time.Time { o.clock.Advance(time.Millisecond); return o.clock.Now() }

func (o *office) service(h broker.History) *broker.Service {
	return broker.New(broker.Deps{Store: o.s, Quota: o.quota, Offers: procurement.New(procurement.Deps{Store: o.s, Business: o.tick}),
		Meters: billing.New(o.s, o.tick, nil), History: h, Business: o.tick})
}

func inOffice(t *testing.T, f func(o *office)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) { f(newOffice(t, s)) })
}

func (o *office) tx(f func(tx *sql.Tx) error) {
	o.Helper()
	if err := o.s.InTx(ctx, f); err != nil {
		o.Fatal(err)
	}
}

func (o *office) actor(login string) duoyun.Actor { o.Helper(); return o.w.Actor(o, login) }

// refused asks for an error of this code that mentions the words.
func (o *office) refused(err error, code duoyun.Code, words ...string) {
	o.Helper()
	if duoyun.CodeOf(err) != code {
		o.Fatalf("want %s, got %v", code, err)
	}
	for _, w := range words {
		if !strings.Contains(fmt.Sprintf("%+v", errText(err)), w) {
			o.Errorf("%q is not in %s", w, errText(err))
		}
	}
}

func errText(err error) string {
	e := err.(*duoyun.Error)
	text := e.Message.ZH + " " + e.Message.EN
	for _, f := range e.Faults {
		text += " " + f.Path + " " + f.Rule.ZH + " " + f.Rule.EN
	}
	return text
}

// doc reads a document, with some of its text replaced.
func (o *office) doc(text string, replace ...string) duoyun.OrderRequest {
	o.Helper()
	req, err := document.Parse([]byte(strings.NewReplacer(replace...).Replace(text)))
	if err != nil {
		o.Fatal(err)
	}
	return req
}

func (o *office) submit(doc duoyun.OrderRequest) duoyun.Order {
	o.Helper()
	order, err := o.svc.Submit(ctx, o.actor("hrss-applicant"), duoyun.Once{}, doc)
	if err != nil {
		o.Fatal(err)
	}
	return order
}

func (o *office) order(id string) duoyun.Order {
	o.Helper()
	order, err := o.svc.Order(ctx, duoyun.SystemActor(), id)
	if err != nil {
		o.Fatal(err)
	}
	return order
}

func (o *office) state(id string, want duoyun.OrderState) duoyun.Order {
	o.Helper()
	order := o.order(id)
	if order.State != want {
		o.Fatalf("order is %s (%s), want %s", order.State, order.Reason, want)
	}
	return order
}

// task is the pending task of this kind; the person who may decide it sees it among their own.
func (o *office) task(order duoyun.Order, kind duoyun.TaskKind, login string) duoyun.Task {
	o.Helper()
	l, err := o.svc.Tasks(ctx, o.actor(login), broker.TaskFilter{Kind: kind, Order: order.Number}, duoyun.Page{})
	if err != nil || len(l.Items) != 1 {
		all, _ := o.svc.Tasks(ctx, duoyun.SystemActor(), broker.TaskFilter{Order: order.Number, All: true}, duoyun.Page{})
		o.Fatalf("%s has %d tasks of kind %s (%v); there are %+v", login, len(l.Items), kind, err, all.Items)
	}
	return l.Items[0]
}

func (o *office) decide(order duoyun.Order, kind duoyun.TaskKind, login string, v broker.Verdict) duoyun.Task {
	o.Helper()
	t := o.task(order, kind, login)
	note := ""
	if v != broker.Approve {
		note = "不合要求"
	}
	t, err := o.svc.Decide(ctx, o.actor(login), duoyun.Once{}, t.ID, broker.Decision{Verdict: v, Note: note, Hash: t.Hash})
	if err != nil {
		o.Fatalf("%s by %s: %v", kind, login, err)
	}
	return t
}

// confirm takes the people-work pool for services and the named pool for the rest.
func (o *office) confirm(order duoyun.Order, pool string) duoyun.Task {
	o.Helper()
	t := o.task(order, duoyun.TaskConfirmSupplier, "city-procurement")
	var picks []broker.Pick
	for i, c := range o.order(order.ID).Recommended.Components {
		p := broker.Pick{Component: i, Pool: pool, Reason: "与现有系统同云"}
		if slices.ContainsFunc(c.Candidates, func(x duoyun.Candidate) bool { return x.Pool == "people-1" && len(x.Dropped) == 0 }) {
			p.Pool = "people-1"
		}
		picks = append(picks, p)
	}
	t, err := o.svc.ConfirmSupplier(ctx, o.actor("city-procurement"), duoyun.Once{}, t.ID, picks)
	if err != nil {
		o.Fatal(err)
	}
	return t
}

// signed brings a new order through review, choice and both signatures.
func (o *office) signed(doc duoyun.OrderRequest) duoyun.Order {
	o.Helper()
	order := o.submit(doc)
	o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Approve)
	if doc.Form == duoyun.FormOpen {
		o.confirm(order, "telecom-1")
	}
	o.decide(order, duoyun.TaskSign, "hrss-approver", broker.Approve)
	o.decide(order, duoyun.TaskSign, "city-finance", broker.Approve)
	return o.state(order.ID, duoyun.OrderPlacing)
}

func (o *office) place(order duoyun.Order) duoyun.Order {
	o.Helper()
	if err := o.svc.Place(ctx, order.ID); err != nil {
		o.Fatal(err)
	}
	return o.order(order.ID)
}

// bought is a small order, confirmed and running.
func (o *office) bought(doc duoyun.OrderRequest) duoyun.Order {
	o.Helper()
	order := o.signed(doc)
	o.place(order)
	o.work()
	o.state(order.ID, duoyun.OrderDelivered)
	o.decide(order, duoyun.TaskConfirmDelivery, "hrss-confirmer", broker.Approve)
	return o.state(order.ID, duoyun.OrderConfirmed)
}

// work ends every intent that is due as the test says, and wakes or cancels what waits for it, as the protocol does.
func (o *office) work() {
	o.Helper()
	for {
		var due []string
		o.swept = o.swept.Add(time.Hour)
		o.tx(func(tx *sql.Tx) (err error) {
			due, err = o.s.DueIntents(ctx, tx, o.swept, o.swept, 1000)
			return err
		})
		ended := len(o.done)
		for _, id := range due {
			o.tx(func(tx *sql.Tx) error { return o.end(tx, id) })
		}
		if ended == len(o.done) {
			return
		}
	}
}

func (o *office) end(tx *sql.Tx, id string) error {
	in, err := o.s.LockIntent(ctx, tx, id)
	if err != nil || in.State == duoyun.IntentMismatched {
		return err
	}
	state := duoyun.IntentVerified
	if o.fate != nil {
		state = o.fate(in)
	}
	return o.settle(tx, in, state)
}

func (o *office) settle(tx *sql.Tx, in duoyun.Intent, state duoyun.IntentState) error {
	if in.OrderID != "" {
		if err := o.s.HoldOrder(ctx, tx, in.OrderID); err != nil {
			return err
		}
	}
	was := broker.Lease{State: in.State, Owner: in.Owner}
	in.State, in.Reason = state, "测试："+string(state)
	if err := o.s.SaveIntent(ctx, tx, was, in); err != nil {
		return err
	}
	sub, err := o.s.Subject(ctx, tx, in.ResourceID)
	if err != nil {
		return err
	}
	r := sub.Resource
	if in.Op == duoyun.OpCreate && state == duoyun.IntentVerified {
		r.VendorID, r.Addresses = "v-"+r.ID, []string{"10.32.0.9"}
		if err := o.s.RecordVendor(ctx, tx, r); err != nil {
			return err
		}
	}
	if err := o.svc.Settled(ctx, tx, in, r); err != nil {
		return err
	}
	o.done = append(o.done, in)
	return o.follow(tx, in)
}

func (o *office) follow(tx *sql.Tx, in duoyun.Intent) error {
	if in.Op == duoyun.OpUpdate || in.State == duoyun.IntentMismatched {
		return nil
	}
	waiting, err := o.s.WaitingOn(ctx, tx, in.ResourceID, in.Op)
	if err != nil {
		return err
	}
	for _, w := range waiting {
		if in.State != duoyun.IntentVerified {
			if err := o.settle(tx, w, duoyun.IntentCancelled); err != nil {
				return err
			}
			continue
		}
		hindered, err := o.s.Hindered(ctx, tx, w)
		if err != nil {
			return err
		}
		if hindered {
			continue
		}
		was := broker.Lease{State: w.State, Owner: w.Owner}
		w.State = duoyun.IntentIntended
		if err := o.s.SaveIntent(ctx, tx, was, w); err != nil {
			return err
		}
	}
	return nil
}

func (o *office) resources(order duoyun.Order) []duoyun.Resource {
	o.Helper()
	l, err := o.svc.Resources(ctx, duoyun.SystemActor(), broker.ResourceFilter{Order: order.Number}, duoyun.Page{Limit: 500})
	if err != nil {
		o.Fatal(err)
	}
	return l.Items
}

// one is the resource of a line.
func (o *office) one(order duoyun.Order, line string) duoyun.Resource {
	o.Helper()
	for _, r := range o.resources(order) {
		if r.Line == line && r.Ordinal == 1 {
			return r
		}
	}
	o.Fatalf("order %s has no %s", order.Number, line)
	return duoyun.Resource{}
}

// used reads what is held and committed on a quota of HRSS.
func (o *office) used(d duoyun.Dimension) int64 {
	o.Helper()
	l, err := o.quota.Quotas(ctx, o.actor("city-finance"), quota.Filter{Agency: storetest.HRSS, Dimension: d}, duoyun.Page{})
	if err != nil || len(l.Items) != 1 {
		o.Fatalf("quota of %s: %+v, %v", d, l.Items, err)
	}
	return l.Items[0].Used
}

// spent reads what the year's budget holds.
func (o *office) spent(year int) duoyun.Fen {
	o.Helper()
	l, err := o.quota.Budgets(ctx, o.actor("city-finance"), quota.BudgetFilter{Year: year}, duoyun.Page{})
	if err != nil {
		o.Fatal(err)
	}
	var sum duoyun.Fen
	for _, b := range l.Items {
		sum += b.Used
	}
	return sum
}

func (o *office) findings() []string {
	o.Helper()
	l, err := broker.NewFindings(o.s, nil, nil).List(ctx, duoyun.SystemActor(), broker.FindingFilter{}, duoyun.Page{})
	if err != nil {
		o.Fatal(err)
	}
	var kinds []string
	for _, f := range l.Items {
		kinds = append(kinds, f.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

// exact holds that no row was ever charged other than by live holds, and every unit holds what its state says.
func (o *office) exact() {
	o.Helper()
	if m, err := o.quota.Mismatches(ctx, o.actor("city-finance")); err != nil || len(m) > 0 {
		o.Errorf("holds and rows differ: %+v %v", m, err)
	}
	storetest.CheckHolds(o, o.s)
}
