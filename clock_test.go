package duoyun_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
)

func TestGoldenG1AMonthIsHalfOpenInShanghai(t *testing.T) {
	t.Parallel()
	feb, err := duoyun.ParseMonth("2026-02")
	if err != nil {
		t.Fatal(err)
	}
	start, end := time.Date(2026, 1, 31, 16, 0, 0, 0, time.UTC), time.Date(2026, 2, 28, 16, 0, 0, 0, time.UTC)
	if !feb.Start().Equal(start) || !feb.End().Equal(end) || feb.End().Sub(feb.Start()) != 672*time.Hour {
		t.Errorf("%s to %s", feb.Start().UTC(), feb.End().UTC())
	}
	if got := duoyun.MonthOf(start.Add(-time.Microsecond)).String(); got != "2026-01" {
		t.Error(got)
	}
	if got := duoyun.MonthOf(start).String(); got != "2026-02" {
		t.Error(got)
	}
	leap := duoyun.Month{Year: 2028, Month: time.February}
	if leap.End().Sub(leap.Start()) != 696*time.Hour {
		t.Error(leap.End().Sub(leap.Start()))
	}
}

func TestMonthsAddedEndWithTheMonth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from string
		n    int
		want string
	}{{"2026-01-31", 1, "2026-02-28"}, {"2028-01-31", 1, "2028-02-29"}, {"2026-12-01", 12, "2027-12-01"}, {"2026-03-31", -1, "2026-02-28"}, {"2026-11-30", 3, "2027-02-28"}} {
		d, err := duoyun.ParseDate(c.from)
		if err != nil || d.AddMonths(c.n).String() != c.want {
			t.Errorf("%s + %d months: %s, %v", c.from, c.n, d.AddMonths(c.n), err)
		}
	}
}

func TestDaysAreCountedAndWrittenAlike(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := duoyun.Date{Year: 2020, Month: 1, Day: 1}.AddDays(rapid.IntRange(0, 20000).Draw(t, "day"))
		n := rapid.IntRange(0, 5000).Draw(t, "n")
		if got := d.DaysUntil(d.AddDays(n)); got != n {
			t.Fatalf("%s + %d: %d", d, n, got)
		}
		if back, err := duoyun.ParseDate(d.String()); err != nil || back != d {
			t.Fatalf("%s: %s, %v", d, back, err)
		}
	})
}

func TestDatesThatDoNotExistAreRefused(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"2026-02-29", "2026-13-01", "2026-1-1", "26-01-01", "", "2026-12-01T00:00:00Z", "二〇二六"} {
		if d, err := duoyun.ParseDate(s); duoyun.CodeOf(err) != duoyun.CodeInvalid {
			t.Errorf("%q was read as %s, %v", s, d, err)
		}
	}
}
