package billing_test

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/apd/v3"
	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
)

var march = duoyun.Month{Year: 2026, Month: time.March}

// life draws one meter's intervals: chains and gaps, quantities and standstills, on whole minutes around March.
func life(t *rapid.T) billing.Metered {
	m := billing.Metered{ResourceID: "r", AgencyID: "a", PayerID: "p"}
	at := march.Start().Add(time.Duration(rapid.IntRange(-20*1440, 25*1440).Draw(t, "begin")) * time.Minute)
	n := rapid.IntRange(1, 6).Draw(t, "intervals")
	for i := range n {
		if rapid.Bool().Draw(t, "gap") {
			at = at.Add(time.Duration(rapid.IntRange(1, 5*1440).Draw(t, "gap minutes")) * time.Minute)
		}
		u := duoyun.UsageInterval{Meter: "x", Quantity: rapid.Int64Range(1, 64).Draw(t, "quantity"), Start: at, Stopped: rapid.IntRange(0, 3).Draw(t, "stopped") == 0}
		at = at.Add(time.Duration(rapid.IntRange(1, 12*1440).Draw(t, "minutes")) * time.Minute)
		if u.End = at; i == n-1 && rapid.Bool().Draw(t, "open") {
			u.End = time.Time{}
		}
		m.Intervals = append(m.Intervals, u)
	}
	m.Begun = m.Intervals[0].Start
	return m
}

func clauses(t *rapid.T, prorations ...duoyun.Proration) duoyun.ContractRules {
	return duoyun.ContractRules{
		Proration:       rapid.SampledFrom(prorations).Draw(t, "proration"),
		CountStopDay:    rapid.Bool().Draw(t, "count stop day"),
		ChargeStopped:   rapid.Bool().Draw(t, "charge stopped"),
		ResizeEffective: rapid.SampledFrom([]string{"", "at_once", "next_day", "next_half", "next_month"}).Draw(t, "resize"),
		BillingStart:    rapid.SampledFrom([]string{"", "next_day", "next_month"}).Draw(t, "start"),
	}
}

func everyProration() []duoyun.Proration {
	return []duoyun.Proration{duoyun.ProrateSecond, duoyun.ProrateByDay, duoyun.ProrateByDay30, duoyun.ProrateHalfMonth, duoyun.ProrateNextMonth, duoyun.ProrateWholeMonth}
}

// twoPrices changes from 1.23 to 4.56 in the middle of the month.
func twoPrices(per string) []duoyun.PriceItem {
	a, b := price("p1", "x", per, "1.23"), price("p2", "x", per, "4.56")
	a.Until = march.Start().Add(16*24*time.Hour + 7*time.Hour)
	b.From = a.Until
	return []duoyun.PriceItem{a, b}
}

func exactSum(t *rapid.T, terms *billing.Terms, m billing.Metered) (sum duoyun.Amount) {
	lines, err := billing.Rate(terms, m, march, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines {
		if l.Exact.Sign() < 0 || l.List.Cmp(l.Exact) < 0 {
			t.Fatalf("list ≥ contracted ≥ 0 does not hold: %s, %s", l.List, l.Exact)
		}
		sum = sum.Plus(l.Exact)
	}
	return sum
}

func TestSplittingIntervalsPreservesTheCost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := life(t)
		rules := clauses(t, everyProration()...)
		terms := terms(rules, twoPrices(rapid.SampledFrom([]string{"month", "hour"}).Draw(t, "per"))...)
		whole := exactSum(t, terms, m)
		split := m
		split.Intervals = nil
		for _, u := range m.Intervals {
			end := u.End
			if end.IsZero() {
				end = u.Start.Add(60 * 24 * time.Hour)
			}
			minutes := int(end.Sub(u.Start) / time.Minute)
			if minutes < 2 || rapid.Bool().Draw(t, "leave") {
				split.Intervals = append(split.Intervals, u)
				continue
			}
			first, second := u, u
			first.End = u.Start.Add(time.Duration(rapid.IntRange(1, minutes-1).Draw(t, "cut")) * time.Minute)
			second.Start = first.End
			split.Intervals = append(split.Intervals, second, first)
		}
		if got := exactSum(t, terms, split); got.Cmp(whole) != 0 {
			t.Fatalf("split %s, whole %s", got, whole)
		}
	})
}

// oracle says, minute by minute and without any of the rating's code, what runs: 0 is nothing.
func oracle(m billing.Metered, chargeStopped bool) []int64 {
	minutes := make([]int64, march.Days()*1440)
	for i := range minutes {
		at := march.Start().Add(time.Duration(i) * time.Minute)
		for _, u := range m.Intervals {
			if !at.Before(u.Start) && (u.End.IsZero() || at.Before(u.End)) && (!u.Stopped || chargeStopped) {
				minutes[i] = u.Quantity
			}
		}
	}
	return minutes
}

func TestABruteForceOracleAgreesByTheMinute(t *testing.T) {
	t.Parallel()
	ctx := apd.BaseContext.WithPrecision(60)
	rapid.Check(t, func(t *rapid.T) {
		m, stopped := life(t), rapid.Bool().Draw(t, "charge stopped")
		per := rapid.SampledFrom([]string{"month", "hour"}).Draw(t, "per")
		prices := twoPrices(per)
		got := exactSum(t, terms(duoyun.ContractRules{Proration: duoyun.ProrateSecond, ChargeStopped: stopped}, prices...), m)
		taken := map[string]int64{} // unit-minutes at each price
		for i, q := range oracle(m, stopped) {
			yuan := "1.23"
			if at := march.Start().Add(time.Duration(i) * time.Minute); !at.Before(prices[1].From) {
				yuan = "4.56"
			}
			taken[yuan] += q
		}
		sum := new(apd.Decimal)
		for yuan, n := range taken {
			p, _, err := apd.NewFromString(yuan)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ctx.Mul(p, p, apd.New(n, 0)); err != nil {
				t.Fatal(err)
			}
			if _, err := ctx.Add(sum, sum, p); err != nil {
				t.Fatal(err)
			}
		}
		den := int64(60)
		if per == "month" {
			den = int64(march.Days() * 1440)
		}
		want, ok := new(big.Rat).SetString(sum.Text('f'))
		if !ok {
			t.Fatal(sum)
		}
		want.Quo(want, big.NewRat(den, 1))
		text, _ := got.MarshalText()
		if r, _ := new(big.Rat).SetString(string(text)); r.Cmp(want) != 0 {
			t.Fatalf("rated %s, oracle %s", r.FloatString(9), want.FloatString(9))
		}
	})
}

// By day, resized at once: without the stop day, a day counts when the meter runs at its end; with it, when it ran at
// all; at the quantity it last had.
func TestABruteForceOracleAgreesByTheDay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m := life(t)
		rules := clauses(t, duoyun.ProrateByDay)
		rules.ResizeEffective, rules.BillingStart = "", ""
		got := exactSum(t, terms(rules, price("p", "x", "month", "31")), m)
		minutes, want := oracle(m, rules.ChargeStopped), int64(0)
		for d := range march.Days() {
			day := minutes[d*1440 : (d+1)*1440]
			last := day[1439]
			for i := 1439; i >= 0 && rules.CountStopDay && last == 0; i-- {
				last = day[i]
			}
			want += last
		}
		if got.Cmp(duoyun.Fen(want*100).Amount()) != 0 {
			t.Fatalf("rated %s, oracle %d", got, want)
		}
	})
}

func TestSpreadPartsAddUpAndStayWithinOneFen(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "n")
		exact := make([]duoyun.Amount, n)
		var sum duoyun.Amount
		for i := range exact {
			exact[i] = duoyun.Fen(rapid.Int64Range(0, 1e9).Draw(t, "fen")).Amount().Over(rapid.Int64Range(1, 997).Draw(t, "over"))
			sum = sum.Plus(exact[i])
		}
		var total duoyun.Fen
		for i, p := range billing.Spread(exact) {
			total += p
			if p < exact[i].Floor() || p > exact[i].Floor()+1 {
				t.Fatalf("part %s of %s", p, exact[i])
			}
		}
		if total != sum.HalfUp() {
			t.Fatalf("parts %s, sum %s", total, sum)
		}
	})
}

// Golden case G33: a period re-run in random shard order, by 1 to 16 workers, gives one hash.
func TestGoldenG33AnyOrderAndNumberOfWorkersGivesOneHash(t *testing.T) {
	t.Parallel()
	var all []billing.Metered
	for i := range 200 {
		m := server(t, fmt.Sprintf("2026-03-%02d 10:%02d:00", 1+i%28, i%60), "")
		m.ResourceID = fmt.Sprintf("r%03d", i)
		all = append(all, m)
	}
	rules := terms(duoyun.ContractRules{Proration: duoyun.ProrateSecond}, serverItems()...)
	first := ""
	for run := range 100 {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if h := hashOf(t, rules, all, 1+run%16); first == "" {
			first = h
		} else if h != first {
			t.Fatalf("run %d: another hash", run)
		}
	}
}

func hashOf(t *testing.T, terms *billing.Terms, all []billing.Metered, workers int) string {
	t.Helper()
	shards := make([][]billing.Line, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(all); i += workers {
				lines, err := billing.Rate(terms, all[i], march, time.Time{})
				if err != nil {
					t.Error(err)
				}
				shards[w] = append(shards[w], lines...)
			}
		})
	}
	wait.Wait()
	lines := slices.Concat(shards...)
	slices.SortStableFunc(lines, func(a, b billing.Line) int { return strings.Compare(a.ResourceID, b.ResourceID) })
	billing.Settle(lines)
	h := sha256.New()
	for _, l := range lines {
		fmt.Fprintf(h, "%+v\n", l.StatementLine)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// BenchmarkRate reports rated rows a second of one core.
func BenchmarkRate(b *testing.B) {
	rules := terms(duoyun.ContractRules{Proration: duoyun.ProrateByDay}, serverItems()...)
	m := server(b, "2026-03-12 10:00:00", "")
	rows := 0
	b.ReportAllocs()
	for b.Loop() {
		lines, err := billing.Rate(rules, m, march, time.Time{})
		if err != nil {
			b.Fatal(err)
		}
		billing.Settle(lines)
		rows += len(lines)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
