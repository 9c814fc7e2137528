package store_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/workorder"
	"github.com/duoyun/duoyun/sla"
	"github.com/duoyun/duoyun/store/storetest"
)

// Intervals of one meter never overlap and at most one is open, whatever is written in whatever order; half-open: one may
// begin where another ends.
func TestIntervalsOfOneMeterNeverOverlap(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		_, rs := b.order(1)
		property(t, func(t *rapid.T) {
			b.exec(`DELETE FROM usage_intervals`)
			type span struct{ from, to int64 } // to 0: open
			model := map[duoyun.Item][]span{}
			for range rapid.IntRange(1, 12).Draw(t, "intervals") {
				meter := rapid.SampledFrom([]duoyun.Item{"vcpu", "ram_gib"}).Draw(t, "meter")
				s := span{rapid.Int64Range(1, 12).Draw(t, "from"), rapid.Int64Range(0, 12).Draw(t, "to")}
				u := duoyun.UsageInterval{ID: newID(), ResourceID: rs[0].ID, Meter: meter, Quantity: 1, Start: day.Add(time.Duration(s.from) * time.Microsecond)}
				if s.to > 0 {
					u.End = day.Add(time.Duration(s.to) * time.Microsecond)
				}
				overlaps := slices.ContainsFunc(model[meter], func(o span) bool { return (o.to == 0 || o.to > s.from) && (s.to == 0 || o.from < s.to) })
				err := b.InTx(b.ctx, func(tx *sql.Tx) error { return b.InsertUsage(b.ctx, tx, u) })
				if bad := overlaps || s.to > 0 && s.to <= s.from; bad {
					wantCode(t, err, duoyun.CodeConflict)
					continue
				}
				ok(t, err)
				model[meter] = append(model[meter], s)
			}
		})
	})
}

func TestAnIntervalIsClosedOnceAndAfterItsStart(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		_, rs := b.order(1)
		u := duoyun.UsageInterval{ID: newID(), ResourceID: rs[0].ID, ContractID: b.ID("SQ-C-1"), Meter: "vcpu", Quantity: 4, Start: day}
		var opened atomic.Int64
		together(8, func(int) {
			err := b.InTx(b.ctx, func(tx *sql.Tx) error {
				if open, err := b.OpenUsage(b.ctx, tx, rs[0].ID); err != nil || len(open) > 0 {
					return err
				}
				opened.Add(1)
				mine := u
				if opened.Load() > 1 {
					mine.ID = newID()
				}
				return b.InsertUsage(b.ctx, tx, mine)
			})
			if err != nil {
				t.Error(err)
			}
		})
		if n := b.count(`SELECT COUNT(*) FROM usage_intervals`); n != 1 {
			t.Fatalf("%d intervals were opened", n)
		}
		closeAt := func(end time.Time) error {
			return b.InTx(b.ctx, func(tx *sql.Tx) error { return b.CloseUsage(b.ctx, tx, u, end) })
		}
		for _, end := range []time.Time{day, day.Add(-time.Second), day.Add(time.Nanosecond)} { // the last is the same microsecond
			wantCode(t, closeAt(end), duoyun.CodeConflict)
		}
		empty := u
		empty.ID, empty.Meter, empty.End = newID(), "ram_gib", day.Add(999)
		wantCode(t, b.InTx(b.ctx, func(tx *sql.Tx) error { return b.InsertUsage(b.ctx, tx, empty) }), duoyun.CodeConflict)
		ok(t, closeAt(day.Add(time.Microsecond)))
		wantCode(t, closeAt(day.Add(time.Hour)), duoyun.CodeConflict)
		wantCode(t, b.InTx(b.ctx, func(tx *sql.Tx) error { return b.DropUsage(b.ctx, tx, u.ID) }), duoyun.CodeConflict)
		b.tx(func(tx *sql.Tx) error {
			m, err := b.MeteredResource(b.ctx, tx, b.ID("SQ-C-1"), rs[0].ID, time.Time{}, day.Add(time.Hour))
			if len(m.Intervals) != 1 || m.Intervals[0].End != day.Add(time.Microsecond) || m.Begun != day {
				t.Errorf("metered %+v", m)
			}
			return err
		})
	})
}

// What is metered within a month is found page by page, of each agency, with the intervals that touch the month alone.
func TestWhatTouchesAPeriodIsMetered(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		from, to := day, day.Add(time.Hour)
		ends := []time.Duration{-time.Microsecond, 0, time.Microsecond, 2 * time.Hour, 3 * time.Hour}
		starts := []time.Duration{-time.Hour, -time.Hour, -time.Hour, time.Hour - time.Microsecond, time.Hour}
		_, rs := b.order(len(ends))
		b.tx(func(tx *sql.Tx) error {
			for i, r := range rs {
				u := duoyun.UsageInterval{ID: newID(), ResourceID: r.ID, ContractID: b.ID("SQ-C-1"), Meter: "vcpu", Quantity: 1, Start: from.Add(starts[i]), End: from.Add(ends[i])}
				ok(t, b.InsertUsage(b.ctx, tx, u))
			}
			agencies, err := b.MeteredAgencies(b.ctx, tx, b.ID("SQ-C-1"), from, to)
			if ok(t, err); len(agencies) != 1 || agencies[0].Code != storetest.HRSS {
				t.Fatalf("agencies %v", agencies)
			}
			got := map[string]int{}
			for after := ""; ; {
				page, err := b.Metered(b.ctx, tx, b.ID("SQ-C-1"), agencies[0], from, to, after, 1)
				if ok(t, err); len(page) == 0 {
					break
				}
				after = page[0].ResourceID
				got[after] += len(page[0].Intervals)
			}
			same(t, "metered", got, map[string]int{rs[2].ID: 1, rs[3].ID: 1})
			none, err := b.MeteredAgencies(b.ctx, tx, b.ID("SQ-C-2"), from, to)
			if len(none) != 0 {
				t.Errorf("under another contract: %v", none)
			}
			return err
		})
	})
}

func TestAStatementIsClosedOnceAndItsLinesAreExact(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		_, rs := b.order(1)
		st := duoyun.Statement{ID: newID(), ContractID: b.ID("SQ-C-1"), SupplierID: b.ID("telecom-suqian"), State: duoyun.StatementOpen}
		fill(&st)
		l := duoyun.StatementLine{ID: newID(), StatementID: st.ID, ResourceID: rs[0].ID, AgencyID: b.ID(storetest.HRSS), PayerID: b.ID(storetest.Data),
			SystemID: b.ID("hrss-core"), PriceID: b.ID("SQ-C-1 vcpu")}
		fill(&l)
		bare := duoyun.StatementLine{ID: newID(), StatementID: st.ID, Ordinal: l.Ordinal + 1, Start: day, End: day}
		b.tx(func(tx *sql.Tx) error {
			ok(t, b.InsertStatement(b.ctx, tx, st))
			return b.InsertLines(b.ctx, tx, []duoyun.StatementLine{l, bare})
		})
		lines, err := b.Lines(b.ctx, all(), st.ID, duoyun.Page{})
		if ok(t, err); len(lines.Items) != 2 || lines.Items[0].Exact.Cmp(l.Exact) != 0 {
			t.Fatalf("lines %+v", lines.Items)
		}
		lines.Items[0].Exact = l.Exact // the same number
		same(t, "line", lines.Items[0], l)
		closed := st
		closed.State = duoyun.StatementClosed
		var won atomic.Int64
		together(8, func(i int) {
			mine := closed
			mine.Hash = fmt.Sprint(i)
			err := b.InTx(b.ctx, func(tx *sql.Tx) error { return b.CloseStatement(b.ctx, tx, mine) })
			if err == nil {
				won.Add(1)
				closed.Hash = mine.Hash
			} else if duoyun.CodeOf(err) != duoyun.CodeConflict {
				t.Error(err)
			}
		})
		found, err := b.FindStatement(b.ctx, all(), st.Number)
		ok(t, err)
		if won.Load() != 1 {
			t.Errorf("closed %d times", won.Load())
		}
		same(t, "statement", found.Statement, closed)
	})
}

// The same matter is one finding until it is resolved, however many file it at once; then it may come up again.
func TestOneMatterIsOneOpenFinding(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		f := duoyun.Finding{Kind: "orphan", Subject: "pool", SubjectID: b.ID("jd-1")}
		file := func() (filed duoyun.Finding, err error) {
			err = b.InTx(b.ctx, func(tx *sql.Tx) error { filed, err = b.OpenFinding(b.ctx, tx, f); return err })
			return filed, err
		}
		var mu sync.Mutex
		numbers := map[string]bool{}
		together(12, func(int) {
			filed, err := file()
			if err != nil || filed.Number == "" || filed.AgencyID != b.ID(storetest.City) {
				t.Errorf("filed %+v, %v", filed, err)
			}
			mu.Lock()
			numbers[filed.Number] = true
			mu.Unlock()
		})
		if n := b.count(`SELECT COUNT(*) FROM findings`); n != 1 || len(numbers) != 1 {
			t.Fatalf("%d findings, told as %v", n, numbers)
		}
		filed, err := file()
		ok(t, err)
		resolve := func() error {
			return b.InTx(b.ctx, func(tx *sql.Tx) error { return b.ResolveFinding(b.ctx, tx, filed) })
		}
		filed.Resolution, filed.ResolvedBy, filed.ResolvedAt = "seen to", "who", day
		ok(t, resolve())
		wantCode(t, resolve(), duoyun.CodeConflict)
		if again, err := file(); err != nil || again.Number == filed.Number || again.State != duoyun.FindingOpen {
			t.Errorf("it came up again as %+v, %v", again, err)
		}
	})
}

// Findings about purchases close by themselves when nothing is under way, and nothing is left of a failed one.
func TestFindingsCloseWithThePurchaseTheyAreAbout(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		states := intentStates()
		_, rs := b.order(len(states) + 1)
		want := map[string]bool{}
		b.tx(func(tx *sql.Tx) error {
			for i, s := range states {
				in := b.anIntent(rs[i], s)
				ok(t, b.InsertIntents(b.ctx, tx, []duoyun.Intent{in}))
				if i == 0 {
					failed := b.anIntent(rs[len(states)], duoyun.IntentFailed)
					remains := b.anIntent(rs[len(states)], duoyun.IntentVerified)
					remains.Op, remains.Compensate = duoyun.OpDelete, failed.ID
					ok(t, b.InsertIntents(b.ctx, tx, []duoyun.Intent{failed, remains})) // it failed, and what stands is to be taken away
				}
			}
			for i, r := range rs {
				f, err := b.OpenFinding(b.ctx, tx, duoyun.Finding{Kind: "in_doubt", Subject: "resource", SubjectID: r.ID})
				ok(t, err)
				if i < len(states) && slices.Contains([]duoyun.IntentState{duoyun.IntentVerified, duoyun.IntentCancelled, duoyun.IntentCompensated, duoyun.IntentFailed}, states[i]) {
					want[f.ID] = true // a failed one of which nothing is left
				}
			}
			_, err := b.OpenFinding(b.ctx, tx, duoyun.Finding{Kind: "orphan", Subject: "resource", SubjectID: rs[0].ID})
			ok(t, err)
			ids, err := b.CloseSettled(b.ctx, tx, []string{"in_doubt", "mismatched"}, "settled", "系统", day)
			got := map[string]bool{}
			for _, id := range ids {
				got[id] = true
			}
			same(t, "closed", got, want)
			return err
		})
	})
}

// An incident moves on once from where it stood; those of a month are credited when they ended within it.
func TestIncidentsMoveOnceAndAreCreditedInTheMonthTheyEnded(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		_, rs := b.order(2)
		month := duoyun.Month{Year: 2026, Month: 11}
		mk := func(resource string, end time.Time, state duoyun.IncidentState) duoyun.Incident {
			i := duoyun.Incident{ID: newID(), SupplierID: b.ID("telecom-suqian"), PoolID: b.ID("telecom-1"), ResourceID: resource, State: state, Start: month.Start().Add(-time.Hour), End: end}
			i.Number = i.ID
			return i
		}
		at, open := duoyun.IncidentAttributed, duoyun.IncidentOpen
		is := []duoyun.Incident{mk(rs[0].ID, month.Start(), at), mk(rs[0].ID, month.Start().Add(time.Microsecond), at), mk("", month.End(), at),
			mk(rs[0].ID, month.End().Add(time.Microsecond), at), mk(rs[1].ID, month.End(), at), mk(rs[0].ID, time.Time{}, at), mk(rs[0].ID, month.End(), open)}
		b.tx(func(tx *sql.Tx) error {
			for _, i := range is {
				ok(t, b.InsertIncident(b.ctx, tx, i))
			}
			touching, err := b.Touching(b.ctx, tx, rs[0].ID, b.ID("telecom-1"), month.Start(), month.End())
			if ok(t, err); len(touching) != 5 { // not the one that ended as the month began, nor the other resource's
				t.Errorf("%d incidents touch the month", len(touching))
			}
			ok(t, b.MarkCredited(b.ctx, tx, rs[0].ID, month))
			for n, i := range is {
				got, err := b.Incident(b.ctx, tx, i.ID)
				want := i.State
				if n == 1 || n == 2 {
					want = duoyun.IncidentCredited
				}
				if got.State != want || err != nil {
					t.Errorf("incident %d is %s, want %s; %v", n, got.State, want, err)
				}
			}
			return nil
		})
		moved := is[6]
		moved.State = duoyun.IncidentExcused
		update := func() error {
			return b.InTx(b.ctx, func(tx *sql.Tx) error { return b.UpdateIncident(b.ctx, tx, moved, open) })
		}
		ok(t, update())
		wantCode(t, update(), duoyun.CodeConflict)
		b.tx(func(tx *sql.Tx) error {
			last, err := b.LastProbed(b.ctx, tx, sla.Subject{PoolID: b.ID("jd-1")})
			same(t, "last probed", last, duoyun.Incident{})
			return err
		})
	})
}

// One token is one work order, and the open units of a line are one task, however many workers ask at once.
func TestAWorkOrderIsOpenedOnceATokenAndATaskOnceALine(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		_, rs := b.order(2, func(_ int, r *duoyun.Resource) {
			r.Kind, r.Spec, r.PoolID = duoyun.KindService, duoyun.ServiceSpec{Name: "迁移", Unit: "人天"}, b.ID("people-1")
		})
		mk := func(i int) workorder.Order {
			return workorder.Order{ID: newID(), Token: duoyun.StepToken(rs[i].Mark(), 1, 0), Mark: rs[i].Mark(), State: workorder.Open, Name: "迁移", Quantity: 3, Unit: "人天"}
		}
		var mu sync.Mutex
		ids := map[string]bool{}
		together(12, func(i int) {
			o, err := b.OpenWorkOrder(b.ctx, mk(i%2))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			ids[o.ID] = true
			mu.Unlock()
		})
		if n := b.count(`SELECT COUNT(*) FROM tasks`); n != 1 || len(ids) != 2 {
			t.Fatalf("%d tasks, %d work orders", n, len(ids))
		}
		for _, mark := range []string{"", "dy-", strings.Repeat("x", 35), duoyun.Mark(newID())} {
			o := mk(0)
			o.Mark, o.Token = mark, "t"+mark
			_, err := b.OpenWorkOrder(b.ctx, o)
			wantCode(t, err, duoyun.CodeInvalid)
		}
		marked, err := b.MarkedWorkOrders(b.ctx, rs[0].Mark())
		if ok(t, err); len(marked) != 1 {
			t.Fatalf("marked %+v", marked)
		}
		ok(t, b.CloseWorkOrder(b.ctx, marked[0].ID))
		if n := b.count(`SELECT COUNT(*) FROM tasks WHERE state = 'pending'`); n != 1 {
			t.Error("the task went with the first of its units")
		}
		left, err := b.PoolWorkOrders(b.ctx, b.ID("people-1"), "", 10)
		if err != nil || len(left) != 1 || left[0].Mark != rs[1].Mark() {
			t.Fatalf("open: %+v, %v", left, err)
		}
		in := b.anIntent(rs[1], duoyun.IntentAccepted)
		in.WakeAt = day.AddDate(1, 0, 0)
		b.insertIntents(in)
		b.tx(func(tx *sql.Tx) error {
			var task string
			ok(t, tx.QueryRow(`SELECT id FROM tasks`).Scan(&task))
			woken, err := b.DecideWorkOrders(b.ctx, tx, task, true, "done")
			same(t, "woken", woken, []string{in.ID})
			again, _ := b.DecideWorkOrders(b.ctx, tx, task, false, "no")
			same(t, "woken again", again, []string(nil))
			return err
		})
		done, found, err := b.FindWorkOrder(b.ctx, left[0].ID)
		if err != nil || !found || done.State != workorder.Done || done.Note != "done" || done.DecidedAt.IsZero() {
			t.Errorf("decided as %+v, %v", done, err)
		}
		ok(t, b.CloseWorkOrder(b.ctx, done.ID))
		ok(t, b.CloseWorkOrder(b.ctx, newID()))
		if n := b.count(`SELECT COUNT(*) FROM tasks WHERE state = 'void'`); n != 1 {
			t.Error("the task outlives its last unit")
		}
	})
}

// Offers are what is in force at the instant: from a price's first instant until the first it no longer holds.
func TestPricesHoldFromTheirFirstInstantToTheFirstAfter(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		id := b.ID("SQ-C-2 vcpu")
		b.tx(func(tx *sql.Tx) error {
			ok(t, b.EndPriceItem(b.ctx, tx, id, day))
			next := duoyun.PriceItem{ID: newID(), ContractID: b.ID("SQ-C-2"), Item: "vcpu", Per: "month", Unit: "核", Price: duoyun.MustPrice("50"), From: day}
			ok(t, b.InsertPriceItems(b.ctx, tx, []duoyun.PriceItem{next}))
			o, err := b.OfferOf(b.ctx, tx, b.ID("jd-1"), b.ID("SQ-C-2"))
			for at, want := range map[time.Time]string{day.Add(-time.Microsecond): "48", day: "50"} {
				if p, held := o.PriceAt("vcpu", at); !held || p.Price.String() != want {
					t.Errorf("at %v: %s", at, p.Price)
				}
			}
			return err
		})
		for at, want := range map[time.Time]int{
			duoyun.Date{Year: 2026, Month: 1, Day: 1}.Time().Add(-1): 0, duoyun.Date{Year: 2026, Month: 1, Day: 1}.Time(): 3,
			duoyun.Date{Year: 2029, Month: 1, Day: 1}.Time().Add(-1): 3, duoyun.Date{Year: 2029, Month: 1, Day: 1}.Time(): 0,
		} {
			b.tx(func(tx *sql.Tx) error {
				offers, err := b.OffersAt(b.ctx, tx, at)
				if len(offers) != want {
					t.Errorf("%d offers at %v, want %d", len(offers), at, want)
				}
				return err
			})
		}
	})
}
