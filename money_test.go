package duoyun_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
)

func TestFenReadsAndWritesYuan(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]duoyun.Fen{"0": 0, "7200.00": 720000, "7200": 720000, "0.1": 10, "0.01": 1, "-12.30": -1230, "999999999999999.99": 99999999999999999} {
		got, err := duoyun.ParseFen(in)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "-", ".5", "1.", "1.001", "1e3", "1,000", "+1", "１", "NaN", "0x10", "1000000000000000", " 1", "--1"} {
		if got, err := duoyun.ParseFen(in); duoyun.CodeOf(err) != duoyun.CodeInvalid {
			t.Errorf("%q was read as %d, %v", in, got, err)
		}
	}
}

func TestFenSurvivesTextBothWays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := duoyun.Fen(rapid.Int64Range(-99999999999999999, 99999999999999999).Draw(t, "fen"))
		back, err := duoyun.ParseFen(f.String())
		if err != nil || back != f {
			t.Fatalf("%d -> %s -> %d, %v", f, f, back, err)
		}
	})
	if got := duoyun.Fen(math.MinInt64).String(); got != "-92233720368547758.08" {
		t.Error(got)
	}
}

func TestPricesBeyondTwelvePlacesOrBelowNoughtAreRefused(t *testing.T) {
	t.Parallel()
	for _, in := range []string{"0.1234567890123", "-1", "", "abc", "1e5", "99999999999999999999999999999"} {
		if p, err := duoyun.ParsePrice(in); duoyun.CodeOf(err) != duoyun.CodeInvalid {
			t.Errorf("%q was read as %s, %v", in, p, err)
		}
	}
}

func TestGoldenG12ProductsAreExact(t *testing.T) {
	t.Parallel()
	a := duoyun.MustPrice("0.123456789012").Amount()
	b := duoyun.MustPrice("123456.789012").Times(1_000_000)
	scaled, err := duoyun.ParseAmount("15241578753.153483936144")
	if err != nil {
		t.Fatal(err)
	}
	// 123456.789012 × 10⁶ is whole, so that a.Times covers the product exactly.
	whole := int64(123456789012)
	if b.Cmp(amount(t, "123456789012")) != 0 || a.Times(whole).Cmp(scaled) != 0 {
		t.Errorf("got %s", a.Times(whole))
	}
}

func TestGoldenG14AdditionNeverDrifts(t *testing.T) {
	t.Parallel()
	var sum duoyun.Amount
	for range 1_000_000 {
		sum = sum.Plus(amount(t, "0.1"))
	}
	if sum.Cmp(amount(t, "100000")) != 0 {
		t.Error(sum)
	}
}

func amount(t *testing.T, s string) duoyun.Amount {
	t.Helper()
	a, err := duoyun.ParseAmount(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestSecondsAreDividedOnceSoThatHalvesRoundUp(t *testing.T) {
	t.Parallel()
	// 1,200 s at 0.015 an hour is 0.005, hence 0.01.
	if got := duoyun.MustPrice("0.015").Amount().Share(1200, 3600).HalfUp(); got != 1 {
		t.Error(got)
	}
	for in, want := range map[string]duoyun.Fen{"0.005": 1, "0.0049999": 0, "-0.005": -1, "2.675": 268, "1.005": 101} {
		if got := amount(t, in).HalfUp(); got != want {
			t.Errorf("%s: %d", in, got)
		}
	}
}

func TestRoundingStaysWithinHalfAFenAndFloorBelow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := duoyun.Fen(rapid.Int64Range(-1e12, 1e12).Draw(t, "fen")).Amount().Over(rapid.Int64Range(1, 1e6).Draw(t, "den"))
		half := duoyun.Fen(1).Amount().Over(2)
		up, down := a.HalfUp().Amount().Minus(a), a.Minus(a.Floor().Amount())
		if up.Cmp(half) > 0 || up.Cmp(half.Times(-1)) < 0 || down.Sign() < 0 || down.Cmp(duoyun.Fen(1).Amount()) >= 0 {
			t.Fatalf("%s: half up %s, floor %s", a, a.HalfUp(), a.Floor())
		}
	})
}

func TestAmountsSurviveTextExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := duoyun.Fen(rapid.Int64().Draw(t, "fen")).Amount().Over(rapid.Int64Range(1, 1<<40).Draw(t, "den"))
		text, err := a.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back duoyun.Amount
		if err := back.UnmarshalText(text); err != nil || back.Cmp(a) != 0 {
			t.Fatalf("%s -> %s, %v", text, back, err)
		}
	})
}

func FuzzParseFen(f *testing.F) {
	for _, s := range []string{"1.00", "-0.01", "9.999", "1e9", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := duoyun.ParseFen(s)
		if err == nil && len(s) > 0 && s[0] != '-' && v < 0 {
			t.Errorf("%q became %d", s, v)
		}
	})
}
