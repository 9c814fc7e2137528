package sla_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/sla"
)

// june has 30 days: 43,200 minutes.
func june() sla.Span {
	m := duoyun.Month{Year: 2026, Month: time.June}
	return sla.Span{Start: m.Start(), End: m.End()}
}

func span(t testing.TB, start, end string) sla.Span {
	t.Helper()
	var s sla.Span
	for text, at := range map[string]*time.Time{start: &s.Start, end: &s.End} {
		v, err := time.ParseInLocation("2006-01-02 15:04:05", text, duoyun.Civil)
		if err != nil {
			t.Fatal(err)
		}
		*at = v
	}
	return s
}

// lasting is an outage of n minutes from noon of the 10th of June.
func lasting(n int) []sla.Span {
	start := june().Start.Add(9*24*time.Hour + 12*time.Hour)
	return []sla.Span{{Start: start, End: start.Add(time.Duration(n) * time.Minute)}}
}

func clause(target string) duoyun.SLAClause {
	return duoyun.SLAClause{Target: duoyun.MustPrice(target), MinOutage: 1, Cap: duoyun.MustPrice("50"), Tiers: []duoyun.SLATier{
		{Below: duoyun.MustPrice(target), Credit: duoyun.MustPrice("10")}, {Below: duoyun.MustPrice("99"), Credit: duoyun.MustPrice("25")},
		{Below: duoyun.MustPrice("95"), Credit: duoyun.MustPrice("100")}}}
}

func TestGoldenRows1And2AvailabilityIsJudgedExactly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		bad             int
		target, percent string
		met             bool
		credit          string
	}{
		{10, "99.975", "99.976852", true, "0"},
		{11, "99.975", "99.974537", false, "10"},
		{21, "99.95", "99.951389", true, "0"},
		{22, "99.95", "99.949074", false, "10"},
	} {
		v := sla.Evaluate(clause(c.target), sla.Evidence{Period: june(), Outages: lasting(c.bad)})
		if v.Percent != c.percent || v.Met != c.met || v.Credit.String() != c.credit || v.Total != 43200 || v.Bad != int64(c.bad) || !v.Certified {
			t.Errorf("%d bad minutes under %s: %+v", c.bad, c.target, v)
		}
	}
}

func TestGoldenRow3ErrorBudgets(t *testing.T) {
	t.Parallel()
	for target, want := range map[string][3]string{"99.95": {"20.16", "21.60", "22.32"}, "99.9": {"40.32", "43.20", "44.64"}} {
		for i, days := range []int{28, 30, 31} {
			if got := sla.Budget(duoyun.MustPrice(target), time.Duration(days)*24*time.Hour); got != want[i] {
				t.Errorf("%s over %d days: %s min, want %s", target, days, got, want[i])
			}
		}
	}
}

func TestGoldenRow4RoundUpAndTheShortestOutage(t *testing.T) {
	t.Parallel()
	c := clause("99.95")
	c.RoundUp = true
	hour := []sla.Span{span(t, "2026-06-10 14:01:01", "2026-06-10 15:01:29")}
	if v := sla.Evaluate(c, sla.Evidence{Period: june(), Outages: hour}); v.Bad != 61 {
		t.Errorf("rounded up: %d min, want 61", v.Bad)
	}
	short := []sla.Span{span(t, "2026-06-10 14:00:00", "2026-06-10 14:00:59")}
	if v := sla.Evaluate(c, sla.Evidence{Period: june(), Outages: short}); v.Bad != 0 || v.Percent != "100.000000" {
		t.Errorf("59 s under a one-minute clause: %+v", v)
	}
}

func TestGoldenRow5AnOutageOverTheMonthsEndIsCut(t *testing.T) {
	t.Parallel()
	over := []sla.Span{span(t, "2026-06-30 23:50:00", "2026-07-01 00:20:00")}
	july := duoyun.Month{Year: 2026, Month: time.July}
	c := clause("99.95")
	c.MinOutage = 25 // the outage is judged whole before it is cut
	if v := sla.Evaluate(c, sla.Evidence{Period: june(), Outages: over}); v.Bad != 10 {
		t.Errorf("June: %d min", v.Bad)
	}
	if v := sla.Evaluate(c, sla.Evidence{Period: sla.Span{Start: july.Start(), End: july.End()}, Outages: over}); v.Bad != 20 {
		t.Errorf("July: %d min", v.Bad)
	}
}

func TestGoldenRow6MaintenanceIsExcludedOnlyWhenAnnouncedInTime(t *testing.T) {
	t.Parallel()
	c := clause("99.95")
	c.NoticeDays = 3
	outage := lasting(30)
	window := sla.Window{Span: sla.Span{Start: outage[0].Start.Add(5 * time.Minute), End: outage[0].Start.Add(25 * time.Minute)}}
	for days, want := range map[int]int64{3: 10, 2: 30, 0: 30} {
		window.Announced = window.Start.AddDate(0, 0, -days)
		if days == 0 {
			window.Announced = time.Time{}
		}
		v := sla.Evaluate(c, sla.Evidence{Period: june(), Outages: outage, Maintenance: []sla.Window{window}})
		if v.Bad != want {
			t.Errorf("announced %d days before: %d bad min, want %d", days, v.Bad, want)
		}
	}
}

func TestGoldenRow7UnknownMinutesAreInNeitherSum(t *testing.T) {
	t.Parallel()
	gap := []sla.Span{{Start: lasting(1)[0].Start.Add(-5 * time.Minute), End: lasting(1)[0].Start.Add(10 * time.Minute)}}
	v := sla.Evaluate(clause("99.95"), sla.Evidence{Period: june(), Outages: lasting(22), Unknown: gap})
	if v.Unknown != 15 || v.Total != 43185 || v.Bad != 12 || !v.Certified {
		t.Errorf("15 minutes without a prober: %+v", v)
	}
	day := []sla.Span{{Start: june().Start, End: june().Start.Add(36*time.Hour + time.Minute)}}
	v = sla.Evaluate(clause("99.95"), sla.Evidence{Period: june(), Outages: lasting(500), Unknown: day})
	if v.Certified || !v.Credit.IsZero() || v.Met {
		t.Errorf("more than 5 %% unknown cannot be certified: %+v", v)
	}
	v = sla.Evaluate(clause("99.95"), sla.Evidence{Period: june(), Unknown: []sla.Span{june()}})
	if v.Certified || v.Met || v.Percent != "" {
		t.Errorf("nothing known: %+v", v)
	}
}

func TestGoldenRow8CreditOnTheCashPartOnly(t *testing.T) {
	t.Parallel()
	if got := sla.CreditOf(duoyun.Fen(800_00).Amount(), duoyun.MustPrice("25")); got.String() != "200.00" {
		t.Errorf("got %s", got)
	}
}

func TestTheCapBoundsTheCredit(t *testing.T) {
	t.Parallel()
	v := sla.Evaluate(clause("99.95"), sla.Evidence{Period: june(), Outages: lasting(3000)})
	if v.Credit.String() != "50" {
		t.Errorf("below 95 %%: tier 100, cap 50, got %s", v.Credit)
	}
}

// Overlaps count once: the order, the cutting and the doubling of outages change nothing.
func TestOverlappingOutagesCountOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var outages []sla.Span
		minutes := map[int]bool{}
		for range rapid.IntRange(1, 8).Draw(t, "n") {
			at, n := rapid.IntRange(0, 43000).Draw(t, "at"), rapid.IntRange(1, 300).Draw(t, "minutes")
			start := june().Start.Add(time.Duration(at) * time.Minute)
			outages = append(outages, sla.Span{Start: start, End: start.Add(time.Duration(n) * time.Minute)})
			for i := at; i < min(at+n, 43200); i++ {
				minutes[i] = true
			}
		}
		outages = append(outages, outages[rapid.IntRange(0, len(outages)-1).Draw(t, "twice")])
		if v := sla.Evaluate(clause("99.95"), sla.Evidence{Period: june(), Outages: outages}); v.Bad != int64(len(minutes)) {
			t.Fatalf("%d bad minutes, counted %d", v.Bad, len(minutes))
		}
	})
}
