package sla_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/sla"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// room is a store with a world, a business clock that tests move, and the service.
type room struct {
	*storetest.World
	t     testing.TB
	now   time.Time
	s     *sla.Service
	cloud cloud
}

// cloud answers per pool.
type cloud map[string]error

func (c cloud) Probe(_ context.Context, poolID string) error { return c[poolID] }

func newRoom(t testing.TB, s *store.Store) *room {
	t.Helper()
	r := &room{World: storetest.NewWorld(t, s), t: t, now: june().End, cloud: cloud{}}
	r.s = sla.New(s, func() time.Time { return r.now }, r.cloud)
	return r
}

func (r *room) ok(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) in(f func(tx *sql.Tx) error) error { return r.Store.InTx(context.Background(), f) }

// served is how many minutes of June the resources of these tests run: a short service time keeps evidence small.
const served = 2880

func (r *room) server(agency string) duoyun.Resource {
	r.t.Helper()
	since := june().Start
	x := duoyun.Resource{ID: duoyun.NewID(time.Now()), Line: "app", Ordinal: 1, Kind: duoyun.KindServer, Name: "app",
		AgencyID: r.ID(agency), PayerID: r.ID(agency), SupplierID: r.ID("telecom-suqian"), PoolID: r.ID("telecom-1"),
		ContractID: r.ID("SQ-C-1"), State: duoyun.ResourceTerminated, CreatedAt: since, UpdatedAt: since, Delivered: since, Confirmed: since, Terminated: minute(served),
		Spec: duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10"}}
	r.ok(r.in(func(tx *sql.Tx) error { return r.Store.InsertResources(context.Background(), tx, []duoyun.Resource{x}) }))
	return x
}

func (r *room) watch(t duoyun.ProbeTarget) duoyun.ProbeTarget {
	r.t.Helper()
	if t.Name == "" {
		t.Name = t.Method
	}
	out, err := r.s.Watch(context.Background(), r.Actor(r.t, "city-procurement"), duoyun.Once{}, t)
	r.ok(err)
	return out
}

func (r *room) canary(vantage string) duoyun.ProbeTarget {
	return r.watch(duoyun.ProbeTarget{PoolID: r.ID("telecom-1"), Method: "tcp", Address: "10.0.0.1:22", Vantage: vantage})
}

func minute(n int) time.Time { return june().Start.Add(time.Duration(n) * time.Minute) }

// results makes one result a minute of [from, to).
func results(t duoyun.ProbeTarget, from, to int, outcome string) []duoyun.ProbeResult {
	var out []duoyun.ProbeResult
	for n := from; n < to; n++ {
		out = append(out, duoyun.ProbeResult{TargetID: t.ID, Minute: minute(n), Outcome: outcome})
	}
	return out
}

func (r *room) record(sets ...[]duoyun.ProbeResult) {
	r.t.Helper()
	var all []duoyun.ProbeResult
	for _, s := range sets {
		all = append(all, s...)
	}
	r.ok(r.s.Record(context.Background(), all))
}

func (r *room) incidents(login string) []duoyun.Incident {
	r.t.Helper()
	list, err := r.s.Incidents(context.Background(), r.Actor(r.t, login), sla.IncidentFilter{}, duoyun.Page{})
	r.ok(err)
	return list.Items
}

func TestBadMinutesBecomeOneIncident(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s)
		r.server(storetest.HRSS)
		a, b := r.canary("extranet"), r.canary("internet")
		all := [][]duoyun.ProbeResult{
			results(a, 0, 10, "good"), results(b, 0, 10, "good"),
			results(a, 10, 15, "bad"), results(b, 10, 15, "good"), // one vantage point alone
			results(a, 15, 20, "bad"), results(b, 15, 18, "bad"), results(b, 18, 20, "unknown"),
			// nobody looked from 20 to 25
			results(a, 25, 27, "bad"), results(a, 27, 30, "good"), results(b, 25, 30, "bad"),
		}
		r.record(all...)
		r.record(all...) // the same results change nothing
		got := r.incidents("city-procurement")
		if len(got) != 1 || !got[0].Start.Equal(minute(15)) || !got[0].End.Equal(minute(27)) || got[0].Source != "probe" || got[0].Number == "" {
			t.Fatalf("incidents %+v", got)
		}
		r.record(results(a, 30, 32, "bad"), results(b, 30, 32, "bad"))
		if got := r.incidents("city-procurement"); len(got) != 2 || !got[0].End.IsZero() {
			t.Errorf("a second one lasts: %+v", got)
		}
		for login, n := range map[string]int{"hrss-applicant": 2, "sup-telecom": 2, "edu-applicant": 0, "sup-jd": 0} {
			if got := r.incidents(login); len(got) != n {
				t.Errorf("%s sees %d", login, len(got))
			}
		}
	})
}

func TestTheVendorsInterfaceAloneNeverClearsTheVendor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s)
		r.server(storetest.HRSS)
		own := r.canary("extranet")
		api := r.watch(duoyun.ProbeTarget{PoolID: r.ID("telecom-1"), Method: "cloud", Vantage: "internet"})
		r.record(results(own, 0, 5, "bad"), results(api, 0, 5, "good"), results(own, 5, 6, "good"), results(api, 5, 6, "bad"))
		if got := r.incidents("city-procurement"); len(got) != 1 || !got[0].Start.Equal(minute(0)) || !got[0].End.Equal(minute(5)) {
			t.Errorf("incidents %+v", got)
		}
	})
}

func TestTheProberLooksByEveryMethod(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s)
		r.server(storetest.HRSS)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		r.ok(err)
		defer l.Close()
		closed, err := net.Listen("tcp", "127.0.0.1:0")
		r.ok(err)
		_ = closed.Close()
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/broken" {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		}))
		defer web.Close()
		r.cloud[r.ID("jd-1")] = errors.New("refused\x00by the vendor")
		want := map[string]string{}
		add := func(outcome string, x duoyun.ProbeTarget) { want[r.watch(x).ID] = outcome }
		telecom, jd := r.ID("telecom-1"), r.ID("jd-1")
		add("good", duoyun.ProbeTarget{PoolID: telecom, Method: "tcp", Address: l.Addr().String(), Vantage: "extranet"})
		add("bad", duoyun.ProbeTarget{PoolID: jd, Method: "tcp", Address: closed.Addr().String(), Vantage: "extranet"})
		add("good", duoyun.ProbeTarget{PoolID: telecom, Method: "http", Address: web.URL, Vantage: "internet"})
		add("bad", duoyun.ProbeTarget{PoolID: jd, Method: "http", Address: web.URL + "/broken", Vantage: "internet"})
		add("good", duoyun.ProbeTarget{PoolID: telecom, Method: "cloud", Vantage: "internet"})
		add("bad", duoyun.ProbeTarget{PoolID: jd, Method: "cloud", Vantage: "internet"})
		ctx := context.Background()
		r.ok(r.s.ProbeAll(ctx, minute(7)))
		r.ok(r.s.ProbeAll(ctx, minute(7)))
		err = r.in(func(tx *sql.Tx) error {
			rows, err := tx.Query(`SELECT target_id, outcome FROM probe_results`)
			if err != nil {
				return err
			}
			defer rows.Close()
			seen := 0
			for rows.Next() {
				var id, outcome string
				if err := rows.Scan(&id, &outcome); err != nil {
					return err
				}
				if seen++; want[id] != outcome {
					t.Errorf("%s is %s, want %s", id, outcome, want[id])
				}
			}
			if seen != len(want) {
				t.Errorf("%d results, want %d", seen, len(want))
			}
			return rows.Err()
		})
		r.ok(err)
		if got := r.incidents("sup-jd"); len(got) != 1 || got[0].PoolID != jd {
			t.Errorf("incidents %+v", got)
		}
	})
}

func TestAttributionComesBeforeMoneyAndCreditsCountOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s)
		ctx, month := context.Background(), duoyun.Month{Year: 2026, Month: time.June}
		bill := billing.New(s, func() time.Time { return r.now }, r.s)
		x := r.server(storetest.HRSS)
		r.ok(r.in(func(tx *sql.Tx) error {
			if err := bill.Start(ctx, tx, x, x.Confirmed); err != nil {
				return err
			}
			return bill.Stop(ctx, tx, x, x.Terminated)
		}))
		a := r.canary("extranet")
		own := r.watch(duoyun.ProbeTarget{ResourceID: x.ID, Method: "tcp", Address: "10.0.0.2:443", Vantage: "extranet"})
		r.record(results(a, 0, 1000, "good"), results(a, 1000, 1030, "bad"), results(a, 1030, served, "good"),
			results(own, 0, 1010, "good"), results(own, 1010, 1035, "bad"), results(own, 1035, served, "good"))
		finance, procurement := r.Actor(t, "city-finance"), r.Actor(t, "city-procurement")

		report, err := r.s.Report(ctx, r.Actor(t, "hrss-applicant"), month, sla.ReportFilter{}, duoyun.Page{})
		r.ok(err)
		if len(report.Items) != 1 || report.Items[0].Bad != 35 || report.Items[0].Met || !report.Items[0].Certified || !report.Items[0].Credit.IsZero() || report.Items[0].Percent != "98.784722" {
			t.Errorf("nobody has said whose it is yet: %+v", report.Items)
		}
		preview, err := bill.Preview(ctx, finance, "SQ-C-1", month)
		if err != nil || preview.Statement.Total.String() != "49.33" {
			t.Errorf("no credit without attribution: %+v, %v", preview.Statement, err)
		}
		for _, i := range r.incidents("city-procurement") {
			_, err := r.s.Attribute(ctx, procurement, duoyun.Once{}, i.Number, sla.Attribution{To: "platform", Note: "主机房电源"})
			r.ok(err)
		}
		report, err = r.s.Report(ctx, r.Actor(t, "sup-telecom"), month, sla.ReportFilter{Contract: "SQ-C-1"}, duoyun.Page{})
		if err != nil || len(report.Items) != 1 || report.Items[0].Credit.String() != "25" {
			t.Errorf("25 %% below 99: %+v, %v", report.Items, err)
		}
		pools, err := r.s.Pools(ctx, procurement, month)
		if err != nil || len(pools) != 1 || pools[0].Bad != 30 || pools[0].Total != served || pools[0].Certified {
			t.Errorf("pools %+v, %v", pools, err)
		}
		r.ok(r.in(func(tx *sql.Tx) error {
			past, err := r.s.Reliability(ctx, tx, minute(served))
			if want := int64(9895); len(past) != 1 || past[r.ID("telecom-1")] != want { // 30 of 2880 minutes
				t.Errorf("reliability %v", past)
			}
			return err
		}))
		st, err := bill.Close(ctx, finance, duoyun.Once{}, "SQ-C-1", month)
		r.ok(err)
		if st.Total.String() != "37.00" {
			t.Errorf("two days of 740.00 less a quarter: %s", st.Total)
		}
		lines, err := bill.Lines(ctx, finance, st.ID, duoyun.Page{})
		r.ok(err)
		credits := 0
		for _, l := range lines.Items {
			if l.Charge == "credit" {
				if credits++; l.Amount.String() != "-12.33" || l.ResourceID != x.ID || l.AgencyID != x.AgencyID {
					t.Errorf("credit line %+v", l)
				}
			}
		}
		if credits != 1 {
			t.Errorf("one outage of the pool and one of the resource overlap: one credit, not %d", credits)
		}
		for _, i := range r.incidents("city-procurement") {
			if i.State != duoyun.IncidentCredited {
				t.Errorf("%s is %s", i.Number, i.State)
			}
		}
		err = r.in(func(tx *sql.Tx) error {
			return r.s.Credited(ctx, tx, []duoyun.Credit{{ID: "again", ContractID: x.ContractID, ResourceID: x.ID, Month: month, Amount: 1}})
		})
		if duoyun.CodeOf(err) != duoyun.CodeConflict {
			t.Errorf("the same month credited twice: %v", err)
		}
	})
}

func TestOnlyTheSuppliersOwnOutagesCostItMoney(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s)
		ctx, month := context.Background(), duoyun.Month{Year: 2026, Month: time.June}
		r.server(storetest.HRSS)
		a := r.canary("extranet")
		r.record(results(a, 0, 1000, "good"), results(a, 1000, 1040, "bad"), results(a, 1040, 2000, "good"), results(a, 2000, 2060, "bad"), results(a, 2060, served, "good"))
		procurement := r.Actor(t, "city-procurement")
		bad := func() int64 {
			t.Helper()
			report, err := r.s.Report(ctx, procurement, month, sla.ReportFilter{}, duoyun.Page{})
			r.ok(err)
			return report.Items[0].Bad
		}
		if bad() != 100 {
			t.Errorf("both: %d", bad())
		}
		got := r.incidents("city-procurement") // newest first
		_, err := r.s.Attribute(ctx, procurement, duoyun.Once{}, got[0].ID, sla.Attribution{To: "department"})
		r.ok(err)
		if bad() != 40 {
			t.Errorf("the department's own is excused: %d", bad())
		}
		r.now = minute(900) // the supplier announces before it begins
		_, err = r.s.Raise(ctx, r.Actor(t, "sup-telecom"), duoyun.Once{}, sla.Raised{PoolID: r.ID("telecom-1"), Source: "notice", Start: minute(1000), End: minute(1030), Announced: minute(1)})
		r.ok(err)
		r.now = june().End
		if bad() != 10 {
			t.Errorf("announced in time (the clause asks no days): %d", bad())
		}
		if _, err := r.s.Attribute(ctx, procurement, duoyun.Once{}, got[0].ID, sla.Attribution{To: "platform"}); duoyun.CodeOf(err) != duoyun.CodeConflict {
			t.Errorf("an excused incident stays excused: %v", err)
		}
		if _, err := r.s.Attribute(ctx, r.Actor(t, "hrss-applicant"), duoyun.Once{}, got[1].ID, sla.Attribution{To: "platform"}); duoyun.CodeOf(err) != duoyun.CodeForbidden {
			t.Errorf("departments do not attribute: %v", err)
		}
	})
}

func TestASupplierAnswersItsOwnIncidentsOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s)
		ctx := context.Background()
		x := r.server(storetest.HRSS)
		once := duoyun.Once{Key: "k", Route: "POST /v1/incidents", BodyHash: "b"}
		in := sla.Raised{ResourceID: x.ID, Source: "work_order", Start: minute(10), Note: "无法登录"}
		i, err := r.s.Raise(ctx, r.Actor(t, "hrss-applicant"), once, in)
		r.ok(err)
		again, err := r.s.Raise(ctx, r.Actor(t, "hrss-applicant"), once, in)
		if err != nil || again.ID != i.ID || i.SupplierID != r.ID("telecom-suqian") {
			t.Errorf("the same key: %+v, %v", again, err)
		}
		if _, err := r.s.Raise(ctx, r.Actor(t, "edu-applicant"), duoyun.Once{}, in); duoyun.CodeOf(err) != duoyun.CodeNotFound {
			t.Errorf("another department's resource: %v", err)
		}
		if _, err := r.s.Answer(ctx, r.Actor(t, "sup-jd"), duoyun.Once{}, i.Number, "不是我们"); duoyun.CodeOf(err) != duoyun.CodeNotFound {
			t.Errorf("another supplier: %v", err)
		}
		got, err := r.s.Answer(ctx, r.Actor(t, "sup-telecom"), duoyun.Once{}, i.Number, "客户防火墙所致")
		if err != nil || got.Note != "无法登录\nsup-telecom：客户防火墙所致" {
			t.Errorf("answer %q, %v", got.Note, err)
		}
		if _, err := r.s.Incident(ctx, r.Actor(t, "edu-applicant"), i.Number); duoyun.CodeOf(err) != duoyun.CodeNotFound {
			t.Errorf("out of scope: %v", err)
		}
		bad := sla.Raised{Source: "rumour", Note: string(make([]byte, 3000))}
		var e *duoyun.Error
		if _, err := r.s.Raise(ctx, r.Actor(t, "hrss-applicant"), duoyun.Once{}, bad); !errors.As(err, &e) || len(e.Faults) != 4 {
			t.Errorf("every fault at once: %v", err)
		}
	})
}

func TestMinutesWithoutAResultAreUnknown(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s)
		r.server(storetest.HRSS)
		a := r.canary("extranet")
		r.record(results(a, 0, 2000, "good"), results(a, 2015, served, "good"))
		procurement, month := r.Actor(t, "city-procurement"), duoyun.Month{Year: 2026, Month: time.June}
		report, err := r.s.Report(context.Background(), procurement, month, sla.ReportFilter{}, duoyun.Page{})
		r.ok(err)
		if v := report.Items[0]; v.Unknown != 15 || v.Total != served-15 || v.Percent != "100.000000" || !v.Certified || !v.Met {
			t.Errorf("%+v", v)
		}
		pools, err := r.s.Pools(context.Background(), procurement, month)
		if err != nil || pools[0].Certified || pools[0].Unknown != 43200-served+15 {
			t.Errorf("most of the month nobody looked at the pool: %+v, %v", pools, err)
		}
	})
}
