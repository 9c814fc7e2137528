package store_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/sla"
	"github.com/duoyun/duoyun/store/storetest"
)

func TestInstantsAreKeptToTheMicrosecondInUTC(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		_, rs := b.order(1)
		r := rs[0]
		property(t, func(t *rapid.T) {
			at := func(name string) time.Time {
				zone := time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600)
				return time.Unix(rapid.Int64Range(-60_000_000_000, 250_000_000_000).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).In(zone)
			}
			r.Delivered, r.Confirmed, r.UpdatedAt, r.Terminated = at("delivered"), at("confirmed"), at("updated"), time.Time{}
			ok(t, b.InTx(b.ctx, func(tx *sql.Tx) error { return b.UpdateResource(b.ctx, tx, r) }))
			got, err := b.FindResource(b.ctx, all(), r.ID)
			ok(t, err)
			for _, x := range [][2]time.Time{{got.Delivered, r.Delivered}, {got.Confirmed, r.Confirmed}, {got.UpdatedAt, r.UpdatedAt}} {
				if want := x[1].UTC().Truncate(time.Microsecond); x[0] != want { // the zone as well
					t.Fatalf("got %v, want %v", x[0], want)
				}
			}
			if !got.Terminated.IsZero() {
				t.Fatalf("never, read as %v", got.Terminated)
			}
		})
	})
}

func TestInstantsAreComparedAsInstants(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		target := duoyun.ProbeTarget{ID: newID(), Name: "x", PoolID: b.ID("jd-1"), Active: true}
		minute := time.Date(2026, 1, 1, 0, 0, 0, 0, duoyun.Civil)
		var results []duoyun.ProbeResult
		for i := range 300 {
			results = append(results, duoyun.ProbeResult{TargetID: target.ID, Minute: minute.Add(time.Duration(i) * time.Minute), Outcome: []string{"good", "bad", "unknown"}[i%3]})
		}
		results = append(results, duoyun.ProbeResult{TargetID: target.ID, Minute: minute, Outcome: "unknown"}) // the first result stands
		known := 0
		b.tx(func(tx *sql.Tx) error {
			ok(t, b.InsertTarget(b.ctx, tx, target))
			ok(t, b.InsertResults(b.ctx, tx, results))
			return b.KnownMinutes(b.ctx, tx, "", target.PoolID, minute.Add(10*time.Minute), minute.Add(250*time.Minute), func(at time.Time) {
				if i := int(at.Sub(minute) / time.Minute); i < 10 || i >= 250 || i%3 == 2 {
					t.Errorf("minute %d is none of them", i)
				}
				known++
			})
		})
		if known != 160 {
			t.Errorf("%d of 160 minutes known", known)
		}
		first, err := b.ProbedPools(b.ctx, nil)
		if err != nil || len(first) != 1 || !first[target.PoolID].Equal(minute) {
			t.Errorf("first looked at %v, %v", first, err)
		}
	})
}

func TestTextIsKeptAsItIs(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		property(t, func(t *rapid.T) {
			v := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", " ", "'; DROP TABLE users; --", `\`, "%_", "$1", "多云\n", "é", "e\u0301", "\u202e", strings.Repeat("字", 100_000)})).Draw(t, "text")
			v = strings.ReplaceAll(v, "\x00", "")
			ok(t, b.InTx(b.ctx, func(tx *sql.Tx) error { return b.SetSetting(b.ctx, tx, "text", v) }))
			if got, err := b.Setting(b.ctx, "text"); got != v || err != nil {
				t.Fatalf("%q became %q, %v", v, got, err)
			}
		})
	})
}

// What is no text is a row that is not there to whoever looks for it, an empty page or a refusal to whoever lists by it,
// and a refusal to whoever writes it: never an internal error, and alike on both engines.
func TestWhatIsNoTextIsRefusedAlike(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, bad := range []string{"a\x00b", "\xff\xfe", "\xed\xa0\x80"} {
			looks := map[string]func() error{
				"agency":    func() error { _, err := b.FindAgency(b.ctx, all(), bad); return err },
				"system":    func() error { _, err := b.FindSystem(b.ctx, all(), bad); return err },
				"project":   func() error { _, err := b.FindProject(b.ctx, all(), bad); return err },
				"user":      func() error { _, err := b.FindUser(b.ctx, bad); return err },
				"supplier":  func() error { _, err := b.FindSupplier(b.ctx, all(), bad); return err },
				"pool":      func() error { _, err := b.FindPool(b.ctx, all(), bad); return err },
				"contract":  func() error { _, err := b.FindContract(b.ctx, all(), bad); return err },
				"order":     func() error { _, err := b.FindOrder(b.ctx, all(), bad); return err },
				"resource":  func() error { _, err := b.FindResource(b.ctx, all(), bad); return err },
				"task":      func() error { _, err := b.FindTask(b.ctx, duoyun.SystemActor(), bad); return err },
				"finding":   func() error { _, err := b.FindFinding(b.ctx, all(), bad); return err },
				"incident":  func() error { _, err := b.FindIncident(b.ctx, all(), bad); return err },
				"statement": func() error { _, err := b.FindStatement(b.ctx, all(), bad); return err },
				"quota":     func() error { _, err := b.FindQuota(b.ctx, bad); return err },
				"budget":    func() error { _, err := b.FindBudget(b.ctx, bad); return err },
			}
			for noun, look := range looks {
				if err := look(); duoyun.CodeOf(err) != duoyun.CodeNotFound {
					t.Errorf("%s %q: %v", noun, bad, err)
				}
			}
			p := duoyun.Page{After: bad}
			lists := map[string]func() error{
				"agencies": func() error { _, err := b.Agencies(b.ctx, all(), p); return err },
				"orders of": func() error {
					_, err := b.Orders(b.ctx, all(), broker.OrderFilter{System: bad}, duoyun.Page{})
					return err
				},
				"tasks of": func() error {
					_, err := b.Tasks(b.ctx, duoyun.SystemActor(), broker.TaskFilter{Order: bad}, duoyun.Page{})
					return err
				},
				"pools of": func() error {
					_, err := b.Pools(b.ctx, all(), procurement.PoolFilter{Site: bad}, duoyun.Page{})
					return err
				},
				"budgets of": func() error {
					_, err := b.Budgets(b.ctx, all(), quota.BudgetFilter{Payer: bad}, duoyun.Page{})
					return err
				},
				"incidents of": func() error {
					_, err := b.Incidents(b.ctx, all(), sla.IncidentFilter{Pool: bad}, duoyun.Page{})
					return err
				},
				"usage of": func() error {
					_, err := b.Usage(b.ctx, all(), billing.UsageFilter{Resource: bad}, duoyun.Page{})
					return err
				},
				"a user": func() error {
					return b.InTx(b.ctx, func(tx *sql.Tx) error {
						return b.InsertUser(b.ctx, tx, duoyun.User{ID: newID(), Login: "x", Name: bad})
					})
				},
				"a resource": func() error {
					r := b.aServer(b.ID(storetest.HRSS))
					r.Name = bad
					return b.InTx(b.ctx, func(tx *sql.Tx) error { return b.InsertResources(b.ctx, tx, []duoyun.Resource{r}) })
				},
			}
			for what, list := range lists {
				if err := list(); duoyun.CodeOf(err) != duoyun.CodeInvalid {
					t.Errorf("%s %q: %v", what, bad, err)
				}
			}
			if utf8.ValidString(bad) && !strings.Contains(bad, "\x00") {
				t.Errorf("%q is text", bad)
			}
		}
	})
}

func TestNoValuesAreFoundAmongNoneAndUnknownNounsHaveNoNames(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		sums, err := b.PartSums(b.ctx, all(), nil)
		if err != nil || len(sums) != 0 {
			t.Errorf("sums of no statements: %v, %v", sums, err)
		}
		b.tx(func(tx *sql.Tx) error {
			closed, err := b.CloseSettled(b.ctx, tx, nil, "", "", day)
			if len(closed) != 0 {
				t.Errorf("closed %v", closed)
			}
			return err
		})
		got, err := b.Names(b.ctx, map[string][]string{"agency": {b.ID(storetest.HRSS), newID()}, "user": nil, "pool": {b.ID("jd-1")}})
		ok(t, err)
		same(t, "names", got, map[string]map[string]duoyun.Name{
			"agency": {b.ID(storetest.HRSS): {Code: storetest.HRSS, Name: "宿迁市人力资源和社会保障局"}}, "user": {}, "pool": {b.ID("jd-1"): {Code: "jd-1", Name: "jd-1"}}})
		if _, err := b.Names(b.ctx, map[string][]string{"tokens; --": {"x"}}); err == nil {
			t.Error("an unknown noun has names")
		}
	})
}
