package billing_test

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// room is a store with a world, a business clock that tests move, and the service.
type room struct {
	*storetest.World
	t   testing.TB
	now time.Time
	s   *billing.Service
}

func newRoom(t testing.TB, s *store.Store, credit billing.Creditor) *room {
	t.Helper()
	r := &room{World: storetest.NewWorld(t, s), t: t, now: civil(t, "2026-03-01")}
	r.s = billing.New(s, func() time.Time { return r.now }, credit)
	return r
}

func (r *room) in(f func(tx *sql.Tx) error) error { return r.Store.InTx(context.Background(), f) }

func (r *room) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// server makes resources of an agency: a running server of 4 vCPU, 16 GiB, 100 GiB each, under SQ-C-1.
func (r *room) servers(agency string, n int) []duoyun.Resource {
	r.t.Helper()
	return r.bought(agency, slices.Repeat([]duoyun.Spec{duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10"}}, n)...)
}

// bought writes a confirmed resource of the agency for each spec.
func (r *room) bought(agency string, specs ...duoyun.Spec) []duoyun.Resource {
	r.t.Helper()
	out := make([]duoyun.Resource, len(specs))
	for i, spec := range specs {
		out[i] = duoyun.Resource{ID: duoyun.NewID(time.Now()), Line: "app", Ordinal: i + 1, Kind: spec.Kind(), Name: "app",
			AgencyID: r.ID(agency), PayerID: r.ID(agency), SupplierID: r.ID("telecom-suqian"), PoolID: r.ID("telecom-1"),
			ContractID: r.ID("SQ-C-1"), State: duoyun.ResourceRunning, CreatedAt: r.now, UpdatedAt: r.now, Delivered: r.now, Confirmed: r.now,
			Spec: spec}
	}
	r.ok(r.in(func(tx *sql.Tx) error { return r.Store.InsertResources(context.Background(), tx, out) }))
	return out
}

// meter runs one of the meter's calls in a transaction.
func (r *room) meter(f func(context.Context, *sql.Tx, duoyun.Resource, time.Time) error, x duoyun.Resource, at string) error {
	r.t.Helper()
	return r.in(func(tx *sql.Tx) error { return f(context.Background(), tx, x, civil(r.t, at)) })
}

func (r *room) usage(x duoyun.Resource) []duoyun.UsageInterval {
	r.t.Helper()
	list, err := r.s.Usage(context.Background(), duoyun.SystemActor(), billing.UsageFilter{Resource: x.ID}, duoyun.Page{Limit: 500})
	r.ok(err)
	return list.Items
}

func (r *room) close(login string, m string) (duoyun.Statement, error) {
	return r.s.Close(context.Background(), r.Actor(r.t, login), duoyun.Once{}, "SQ-C-1", month(r.t, m))
}

func TestTheMeterFollowsTheResource(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s, nil)
		r.now = civil(t, "2026-05-01")
		x := r.servers(storetest.HRSS, 1)[0]
		r.ok(r.meter(r.s.Start, x, "2026-03-12 10:00:00"))
		r.ok(r.meter(r.s.Start, x, "2026-03-13 10:00:00")) // it runs already
		if got := r.usage(x); len(got) != 3 {
			t.Fatalf("one interval per price item, not %d", len(got))
		}
		x.Spec = duoyun.ServerSpec{VCPU: 8, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10"}
		r.ok(r.meter(r.s.Change, x, "2026-03-20 10:00:00"))
		if got := r.usage(x); len(got) != 4 {
			t.Fatalf("only the vCPU meter has changed: 4 intervals, not %d", len(got))
		}
		x.State = duoyun.ResourceStopped
		r.ok(r.meter(r.s.Change, x, "2026-04-01 08:00:00"))
		r.ok(r.meter(r.s.Stop, x, "2026-04-10 08:00:00"))
		r.ok(r.meter(r.s.Stop, x, "2026-04-11 08:00:00")) // nothing is open
		got := r.usage(x)
		if len(got) != 7 {
			t.Fatalf("%d intervals", len(got))
		}
		for _, u := range got {
			if u.End.IsZero() || u.ContractID != x.ContractID {
				t.Errorf("left open, or without its contract: %+v", u)
			}
		}
		err := r.in(func(tx *sql.Tx) error {
			years, err := r.s.Accrued(context.Background(), tx, x, civil(t, "2026-04-10 08:00:00"))
			// March: 8 days of 740, 12 of 920; April: off from the 1st, and its stop day is free.
			if len(years) != 1 || years[0].Year != 2026 || years[0].Amount.String() != "547.10" {
				t.Errorf("accrued %v", years)
			}
			return err
		})
		r.ok(err)
	})
}

func TestTheMeterRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s, nil)
		x := r.servers(storetest.HRSS, 1)[0]
		refused := func(what string, err error) {
			t.Helper()
			if c := duoyun.CodeOf(err); c != duoyun.CodeConflict && c != duoyun.CodeInvalid {
				t.Errorf("%s: %v", what, err)
			}
		}
		refused("more than five minutes ahead", r.meter(r.s.Start, x, "2026-03-01 00:05:01"))
		r.ok(r.meter(r.s.Start, x, "2026-03-01 00:05:00"))
		refused("an end before the start", r.meter(r.s.Stop, x, "2026-03-01"))
		r.now = civil(t, "2026-03-10")
		r.ok(r.meter(r.s.Stop, x, "2026-03-05"))
		refused("an overlap", r.meter(r.s.Start, x, "2026-03-04"))
		r.ok(r.meter(r.s.Start, x, "2026-03-05"))
		r.ok(r.meter(r.s.Stop, x, "2026-03-05")) // the same instant meters nothing
		if got := r.usage(x); len(got) != 3 {
			t.Errorf("%d intervals", len(got))
		}
		err := r.in(func(tx *sql.Tx) error {
			return s.InsertUsage(context.Background(), tx, duoyun.UsageInterval{ID: "u", ResourceID: x.ID, Meter: "vcpu", Start: civil(t, "2026-02-28"), End: civil(t, "2026-02-28")})
		})
		refused("an empty interval", err)
	})
}

func TestBillingStartClauseSaysWhichCallOpensTheMeter(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s, nil)
		r.now = civil(t, "2026-03-20")
		both := r.servers(storetest.HRSS, 2)
		for i := range both {
			both[i].Delivered = civil(t, "2026-03-05")
		}
		waiting := both[0]
		waiting.State = duoyun.ResourceDelivered
		r.ok(r.meter(r.s.Start, waiting, "2026-03-05"))
		if got := r.usage(waiting); len(got) != 0 {
			t.Errorf("not confirmed, not charged: %v", got)
		}
		r.ok(r.in(func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE contracts SET rules = '{"proration":"by_day_actual","billing_start":"delivery","tax_percent":"6"}' WHERE number = 'SQ-C-1'`)
			return err
		}))
		r.ok(r.meter(r.s.Start, waiting, "2026-03-05 01:00:00"))
		r.ok(r.meter(r.s.Start, both[1], "2026-03-12")) // confirmed first, charged from delivery
		for _, x := range both {
			if got := r.usage(x); len(got) != 3 || !got[0].Start.Equal(civil(t, "2026-03-05")) {
				t.Errorf("charged from delivery: %v", got)
			}
		}
	})
}

func TestConcurrentStartsLeaveOneOpenInterval(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s, nil)
		x := r.servers(storetest.HRSS, 1)[0]
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				if err := r.meter(r.s.Start, x, "2026-03-01"); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if got := r.usage(x); len(got) != 3 {
			t.Errorf("%d intervals, want 3", len(got))
		}
	})
}

func TestAStatementIsClosedOnceAndForEver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s, nil)
		for _, x := range append(r.servers(storetest.HRSS, 2), r.servers(storetest.Edu, 1)...) {
			r.ok(r.meter(r.s.Start, x, "2026-03-01"))
		}
		r.now = civil(t, "2026-03-31 23:59:59")
		if _, err := r.close("city-finance", "2026-03"); duoyun.CodeOf(err) != duoyun.CodeConflict {
			t.Fatalf("March is not over: %v", err)
		}
		r.now = civil(t, "2026-04-01")
		ctx, finance := context.Background(), r.Actor(t, "city-finance")
		preview, err := r.s.Preview(ctx, finance, "SQ-C-1", month(t, "2026-03"))
		r.ok(err)
		once := duoyun.Once{Key: "k", Route: "POST /v1/statements", BodyHash: "b"}
		st, err := r.s.Close(ctx, finance, once, "SQ-C-1", month(t, "2026-03"))
		r.ok(err)
		if st.Total.String() != "2220.00" || st.Net+st.Tax != st.Total || st.Tax.String() != "125.66" || st.State != duoyun.StatementClosed || !strings.HasPrefix(st.Number, "宿政云结〔2026〕") {
			t.Errorf("statement %+v", st)
		}
		if preview.Statement.Hash != st.Hash || preview.Count != 9 || len(preview.Lines) != 9 {
			t.Errorf("the preview said otherwise: %+v", preview.Statement)
		}
		again, err := r.s.Close(ctx, finance, once, "SQ-C-1", month(t, "2026-03"))
		if err != nil || again != st {
			t.Errorf("the same key gives the same statement: %+v, %v", again, err)
		}
		if _, err := r.close("city-procurement", "2026-03"); duoyun.CodeOf(err) != duoyun.CodeConflict {
			t.Errorf("closed twice: %v", err)
		}
		lines, err := r.s.Lines(ctx, finance, st.Number, duoyun.Page{Limit: 4})
		r.ok(err)
		sum, seen := duoyun.Fen(0), 0
		for {
			for _, l := range lines.Items {
				sum, seen = sum+l.Amount, seen+1
				if l.Ordinal != int64(seen) || l.Exact.Sign() <= 0 || l.Note.ZH == "" {
					t.Errorf("line %+v", l)
				}
			}
			if lines.Next == "" {
				break
			}
			lines, err = r.s.Lines(ctx, finance, st.ID, duoyun.Page{Limit: 4, After: lines.Next})
			r.ok(err)
		}
		if seen != 9 || sum != st.Total {
			t.Errorf("%d lines come to %s", seen, sum)
		}
	})
}

func TestStatementsShowEachItsOwn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s, nil)
		for _, x := range append(r.servers(storetest.HRSS, 2), r.servers(storetest.Data, 1)...) {
			r.ok(r.meter(r.s.Start, x, "2026-03-01"))
		}
		r.now = civil(t, "2026-04-01")
		st, err := r.close("city-finance", "2026-03")
		r.ok(err)
		ctx := context.Background()
		for login, want := range map[string]string{"city-auditor": "2220.00", "hrss-applicant": "1480.00", "sup-telecom": "2220.00"} {
			got, err := r.s.Statement(ctx, r.Actor(t, login), st.Number)
			if err != nil || got.Total.String() != want || got.Net+got.Tax != got.Total {
				t.Errorf("%s: %s, %v", login, got.Total, err)
			}
			list, err := r.s.Statements(ctx, r.Actor(t, login), billing.StatementFilter{Contract: "SQ-C-1", Month: month(t, "2026-03")}, duoyun.Page{})
			if err != nil || len(list.Items) != 1 || list.Items[0].Total.String() != want {
				t.Errorf("%s lists %v, %v", login, list.Items, err)
			}
		}
		for _, login := range []string{"edu-applicant", "sup-jd"} {
			if _, err := r.s.Statement(ctx, r.Actor(t, login), st.Number); duoyun.CodeOf(err) != duoyun.CodeNotFound {
				t.Errorf("%s: %v", login, err)
			}
			if list, err := r.s.Usage(ctx, r.Actor(t, login), billing.UsageFilter{}, duoyun.Page{}); err != nil || len(list.Items) != 0 {
				t.Errorf("%s sees usage %v, %v", login, list.Items, err)
			}
		}
		lines, err := r.s.Lines(ctx, r.Actor(t, "hrss-applicant"), st.ID, duoyun.Page{})
		if err != nil || len(lines.Items) != 6 {
			t.Errorf("HRSS has 6 lines, not %d, %v", len(lines.Items), err)
		}
		for _, login := range []string{"sysadmin", "secadmin", "auditadmin"} {
			if _, err := r.s.Statements(ctx, r.Actor(t, login), billing.StatementFilter{}, duoyun.Page{}); duoyun.CodeOf(err) != duoyun.CodeForbidden {
				t.Errorf("%s: %v", login, err)
			}
		}
	})
}

func TestOnlyWhoSeesAllThatAContractServedMayCloseIt(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s, nil)
		for _, x := range append(r.servers(storetest.HRSS, 1), r.servers(storetest.Data, 1)...) {
			r.ok(r.meter(r.s.Start, x, "2026-03-01"))
		}
		r.now = civil(t, "2026-04-01")
		ctx := context.Background()
		for agency, want := range map[string]duoyun.Code{storetest.HRSS: duoyun.CodeForbidden, storetest.Edu: duoyun.CodeNotFound} {
			actor := duoyun.Actor{UserID: "u", Grants: []duoyun.Grant{{Role: duoyun.RoleFinance, AgencyID: r.ID(agency), Depth: 2}}}
			if _, err := r.s.Close(ctx, actor, duoyun.Once{}, "SQ-C-1", month(t, "2026-03")); duoyun.CodeOf(err) != want {
				t.Errorf("finance of %s: %v", agency, err)
			}
		}
		for login, want := range map[string]duoyun.Code{"hrss-applicant": duoyun.CodeForbidden, "sup-telecom": duoyun.CodeForbidden} {
			if _, err := r.close(login, "2026-03"); duoyun.CodeOf(err) != want {
				t.Errorf("%s: %v", login, err)
			}
		}
		if _, err := r.s.Preview(ctx, r.Actor(t, "sup-telecom"), "SQ-C-1", month(t, "2026-03")); err != nil {
			t.Errorf("the supplier may look: %v", err)
		}
		if _, err := r.s.Preview(ctx, r.Actor(t, "sup-jd"), "SQ-C-1", month(t, "2026-03")); duoyun.CodeOf(err) != duoyun.CodeNotFound {
			t.Errorf("another supplier: %v", err)
		}
	})
}

func TestAStatementOfManyResourcesAddsUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s, nil)
		r.ok(r.in(func(tx *sql.Tx) error { // 31 days never divide evenly
			_, err := tx.Exec(`UPDATE price_items SET price = '1.005' WHERE item = 'vcpu'`)
			return err
		}))
		all := append(r.servers(storetest.HRSS, 501), r.servers(storetest.Edu, 20)...)
		r.ok(r.in(func(tx *sql.Tx) error {
			for _, x := range all {
				if err := r.s.Start(context.Background(), tx, x, civil(t, "2026-03-01")); err != nil {
					return err
				}
			}
			return nil
		}))
		r.now = civil(t, "2026-04-01")
		st, err := r.close("city-finance", "2026-03")
		r.ok(err)
		// 4 × 1.005 + 480 + 80 = 564.02 each
		if st.Total.String() != "293854.42" {
			t.Errorf("total %s", st.Total)
		}
	})
}
