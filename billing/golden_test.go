package billing_test

import (
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
)

// civil reads an instant of Asia/Shanghai.
func civil(t testing.TB, s string) time.Time {
	t.Helper()
	if s == "" {
		return time.Time{}
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", (s + " 00:00:00")[:19], duoyun.Civil)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func price(id string, item duoyun.Item, per, yuan string) duoyun.PriceItem {
	return duoyun.PriceItem{ID: id, Item: item, Per: per, Unit: "个", Price: duoyun.MustPrice(yuan), From: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func terms(rules duoyun.ContractRules, items ...duoyun.PriceItem) *billing.Terms {
	return billing.NewTerms(duoyun.Contract{Number: "SQ-C-1", Rules: rules}, items)
}

// use is one interval as a table writes it.
type use struct {
	meter      duoyun.Item
	quantity   int64
	start, end string
	stopped    bool
}

func metered(t testing.TB, id string, uses ...use) billing.Metered {
	t.Helper()
	m := billing.Metered{ResourceID: id, AgencyID: "agency", PayerID: "payer"}
	for _, u := range uses {
		i := duoyun.UsageInterval{ID: id, ResourceID: id, Meter: u.meter, Quantity: u.quantity, Start: civil(t, u.start), End: civil(t, u.end), Stopped: u.stopped}
		if m.Begun.IsZero() || i.Start.Before(m.Begun) {
			m.Begun = i.Start
		}
		m.Intervals = append(m.Intervals, i)
	}
	return m
}

func month(t testing.TB, s string) duoyun.Month {
	t.Helper()
	m, err := duoyun.ParseMonth(s)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// rate rates and settles, and returns the lines with what they come to.
func rate(t testing.TB, terms *billing.Terms, m string, all ...billing.Metered) ([]billing.Line, duoyun.Fen) {
	t.Helper()
	var lines []billing.Line
	for _, r := range all {
		rated, err := billing.Rate(terms, r, month(t, m), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, rated...)
	}
	billing.Settle(lines)
	var sum duoyun.Fen
	for _, l := range lines {
		sum += l.Amount
	}
	return lines, sum
}

func serverItems() []duoyun.PriceItem {
	return []duoyun.PriceItem{price("p1", "vcpu", "month", "45"), price("p2", "ram_gib", "month", "30"), price("p3", "system_disk_gib", "month", "0.80")}
}

func server(t testing.TB, start, end string) billing.Metered {
	return metered(t, "r", use{"vcpu", 4, start, end, false}, use{"ram_gib", 16, start, end, false}, use{"system_disk_gib", 100, start, end, false})
}

// practice.md, 15: 4×45 + 16×30 + 100×0.80 = 740.00 a month, with every clause's stated value.
func TestProrationClausesGiveTheirStatedValues(t *testing.T) {
	t.Parallel()
	type rules = duoyun.ContractRules
	confirmed := "2026-03-12 10:00:00"
	for _, c := range []struct {
		name              string
		rules             rules
		start, end, month string
		want              string
	}{
		{"example 15 by_day_actual", rules{Proration: duoyun.ProrateByDay}, confirmed, "", "2026-03", "477.42"},
		{"example 15 by_day_30", rules{Proration: duoyun.ProrateByDay30}, confirmed, "", "2026-03", "493.33"},
		{"example 15 next_month", rules{Proration: duoyun.ProrateNextMonth}, confirmed, "", "2026-03", "0.00"},
		{"example 15 half_month", rules{Proration: duoyun.ProrateHalfMonth}, confirmed, "", "2026-03", "740.00"},
		{"whole_month", rules{Proration: duoyun.ProrateWholeMonth}, confirmed, "", "2026-03", "740.00"},
		{"second", rules{Proration: duoyun.ProrateSecond}, confirmed, "", "2026-03", "467.47"},
		{"next_month, the month after", rules{Proration: duoyun.ProrateNextMonth}, confirmed, "", "2026-04", "740.00"},
		{"next_month, released on the 10th", rules{Proration: duoyun.ProrateNextMonth}, confirmed, "2026-05-10 09:00:00", "2026-05", "740.00"},
		{"next_month, from the first instant", rules{Proration: duoyun.ProrateNextMonth}, "2026-03-01", "", "2026-03", "740.00"},
		{"half_month from the 16th", rules{Proration: duoyun.ProrateHalfMonth}, "2026-03-16 08:00:00", "", "2026-03", "370.00"},
		{"half_month released on the 10th", rules{Proration: duoyun.ProrateHalfMonth}, confirmed, "2026-04-10 08:00:00", "2026-04", "370.00"},
		{"half_month released on the 16th, the stop day free", rules{Proration: duoyun.ProrateHalfMonth}, confirmed, "2026-04-16 08:00:00", "2026-04", "370.00"},
		{"half_month released on the 16th, the stop day counts", rules{Proration: duoyun.ProrateHalfMonth, CountStopDay: true}, confirmed, "2026-04-16 08:00:00", "2026-04", "740.00"},
		{"by_day_30, a full month of 31 days", rules{Proration: duoyun.ProrateByDay30}, "2026-02-01", "", "2026-03", "740.00"},
		{"by_day_30, a full month of 28 days", rules{Proration: duoyun.ProrateByDay30}, "2026-02-01", "", "2026-02", "740.00"},
		{"by_day_30 full_month days, 31", rules{Proration: duoyun.ProrateByDay30, FullMonth: "days"}, "2026-02-01", "", "2026-03", "764.67"},
		{"by_day_30 full_month days, 28", rules{Proration: duoyun.ProrateByDay30, FullMonth: "days"}, "2026-02-01", "", "2026-02", "690.67"},
		{"start next_day", rules{Proration: duoyun.ProrateByDay, BillingStart: "next_day"}, confirmed, "", "2026-03", "453.55"},
		{"start next_day at midnight is that day", rules{Proration: duoyun.ProrateByDay, BillingStart: "next_day"}, "2026-03-12", "", "2026-03", "477.42"},
		{"start next_month", rules{Proration: duoyun.ProrateByDay, BillingStart: "next_month"}, confirmed, "", "2026-03", "0.00"},
		{"start next_month, the month after", rules{Proration: duoyun.ProrateByDay, BillingStart: "next_month"}, confirmed, "", "2026-04", "740.00"},
		{"start next_month, released before", rules{Proration: duoyun.ProrateByDay, BillingStart: "next_month"}, confirmed, "2026-03-20 08:00:00", "2026-03", "0.00"},
		{"stop day free: one day", rules{Proration: duoyun.ProrateByDay}, "2026-03-12 10:00:00", "2026-03-13 09:00:00", "2026-03", "23.87"},
		{"stop day counts: two days", rules{Proration: duoyun.ProrateByDay, CountStopDay: true}, "2026-03-12 10:00:00", "2026-03-13 09:00:00", "2026-03", "47.74"},
		{"stop at midnight: the day before was the last", rules{Proration: duoyun.ProrateByDay, CountStopDay: true}, "2026-03-12 10:00:00", "2026-03-13", "2026-03", "23.87"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, sum := rate(t, terms(c.rules, serverItems()...), c.month, server(t, c.start, c.end)); sum.String() != c.want {
				t.Errorf("got %s, want %s", sum, c.want)
			}
		})
	}
}

// A resize and a standstill, each clause with its stated value: 4 → 8 vCPU at 45.00 on 20 March, 10:00 (31 days).
func TestResizeAndStandstillClausesGiveTheirStatedValues(t *testing.T) {
	t.Parallel()
	type rules = duoyun.ContractRules
	resized := []use{{"vcpu", 4, "2026-03-01", "2026-03-20 10:00:00", false}, {"vcpu", 8, "2026-03-20 10:00:00", "", false}}
	stood := []use{{"vcpu", 4, "2026-03-01", "2026-03-10 10:00:00", false}, {"vcpu", 4, "2026-03-10 10:00:00", "2026-03-20 10:00:00", true},
		{"vcpu", 4, "2026-03-20 10:00:00", "", false}}
	for _, c := range []struct {
		name  string
		rules rules
		uses  []use
		want  string
	}{
		{"by day, at once: 19 days of 4, 12 of 8", rules{Proration: duoyun.ProrateByDay}, resized, "249.68"},
		{"by day, next day: 20 of 4, 11 of 8", rules{Proration: duoyun.ProrateByDay, ResizeEffective: "next_day"}, resized, "243.87"},
		{"by day, next half: from April", rules{Proration: duoyun.ProrateByDay, ResizeEffective: "next_half"}, resized, "180.00"},
		{"by day, next month", rules{Proration: duoyun.ProrateByDay, ResizeEffective: "next_month"}, resized, "180.00"},
		{"half month, at once: the second half at 8", rules{Proration: duoyun.ProrateHalfMonth}, resized, "270.00"},
		{"half month, next half: both at 4", rules{Proration: duoyun.ProrateHalfMonth, ResizeEffective: "next_half"}, resized, "180.00"},
		{"whole month, at once: the month at 8", rules{Proration: duoyun.ProrateWholeMonth}, resized, "360.00"},
		{"next month: the month at 4", rules{Proration: duoyun.ProrateNextMonth}, resized, "180.00"},
		{"stood 10 days, free: 9 + 12 days", rules{Proration: duoyun.ProrateByDay}, stood, "121.94"},
		{"stood 10 days, the stop day counts", rules{Proration: duoyun.ProrateByDay, CountStopDay: true}, stood, "127.74"},
		{"stood 10 days, charged", rules{Proration: duoyun.ProrateByDay, ChargeStopped: true}, stood, "180.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, sum := rate(t, terms(c.rules, price("p", "vcpu", "month", "45")), "2026-03", metered(t, "r", c.uses...)); sum.String() != c.want {
				t.Errorf("got %s, want %s", sum, c.want)
			}
		})
	}
}

func TestGoldenG1MonthsAreCutInShanghai(t *testing.T) {
	t.Parallel()
	february := month(t, "2026-02")
	if got := february.Start().UTC().Format(time.RFC3339); got != "2026-01-31T16:00:00Z" {
		t.Errorf("start %s", got)
	}
	if got := february.End().UTC().Format(time.RFC3339); got != "2026-02-28T16:00:00Z" {
		t.Errorf("end %s", got)
	}
	if h := february.End().Sub(february.Start()).Hours(); h != 672 {
		t.Errorf("%v h", h)
	}
	if m := month(t, "2028-02"); m.End().Sub(m.Start()).Hours() != 696 {
		t.Error("February 2028 is 696 h")
	}
	last := time.Date(2026, 1, 31, 15, 59, 59, 999_999_000, time.UTC)
	if duoyun.MonthOf(last).String() != "2026-01" || duoyun.MonthOf(last.Add(time.Microsecond)) != february {
		t.Error("the microsecond before is January's, the next February's")
	}
	hourly := terms(duoyun.ContractRules{}, price("p", "x", "hour", "3600"))
	m := metered(t, "r", use{"x", 1, "2026-01-31 23:59:59", "2026-02-01 00:00:01", false})
	for _, name := range []string{"2026-01", "2026-02"} {
		if lines, sum := rate(t, hourly, name, m); sum != 100 || len(lines) != 1 {
			t.Errorf("%s: one second each, not %s", name, sum)
		}
	}
}

func TestGoldenG2UseOverMidnightIs7200Seconds(t *testing.T) {
	t.Parallel()
	hourly := terms(duoyun.ContractRules{}, price("p", "x", "hour", "1"))
	lines, _ := rate(t, hourly, "2026-03", metered(t, "r", use{"x", 1, "2026-03-10 23:00:00", "2026-03-11", false}, use{"x", 1, "2026-03-11", "2026-03-11 01:00:00", false}))
	if len(lines) != 1 || lines[0].Share != "7200/3600" {
		t.Errorf("split by day: %+v", lines)
	}
	over := metered(t, "r", use{"x", 1, "2026-01-31 23:00:00", "2026-02-01 01:00:00", false})
	for _, m := range []string{"2026-01", "2026-02"} {
		if lines, _ := rate(t, hourly, m, over); lines[0].Share != "1" {
			t.Errorf("%s: %s, want 3600 s", m, lines[0].Share)
		}
	}
}

func TestGoldenG3AMonthByDayIsItsSeconds(t *testing.T) {
	t.Parallel()
	var uses []use
	for d := month(t, "2026-01").Start(); d.Before(month(t, "2026-01").End()); d = d.AddDate(0, 0, 1) {
		uses = append(uses, use{"x", 1, d.Format("2006-01-02 15:04:05"), d.AddDate(0, 0, 1).Format("2006-01-02 15:04:05"), false})
	}
	lines, sum := rate(t, terms(duoyun.ContractRules{}, price("p", "x", "hour", "1")), "2026-01", metered(t, "r", uses...))
	if len(lines) != 1 || lines[0].Share != "2678400/3600" || sum.String() != "744.00" {
		t.Errorf("%s, %s", lines[0].Share, sum)
	}
}

func TestGoldenG4AResizeWithinTheHourIsTwoRows(t *testing.T) {
	t.Parallel()
	m := metered(t, "r", use{"small", 1, "2026-03-10 10:00:00", "2026-03-10 10:24:00", false}, use{"large", 1, "2026-03-10 10:24:00", "2026-03-10 11:00:00", false})
	lines, sum := rate(t, terms(duoyun.ContractRules{}, price("p1", "small", "hour", "0.25"), price("p2", "large", "hour", "0.50")), "2026-03", m)
	got := map[string]duoyun.Fen{}
	for _, l := range lines {
		got[l.PriceID] = l.Amount
	}
	if sum.String() != "0.40" || got["p1"] != 10 || got["p2"] != 30 {
		t.Errorf("%v = %s", got, sum)
	}
}

func TestGoldenG5APriceChangeSplitsTheMonth(t *testing.T) {
	t.Parallel()
	before, after := price("p1", "x", "hour", "0.12"), price("p2", "x", "hour", "0.15")
	before.Until, after.From = civil(t, "2026-02-15"), civil(t, "2026-02-15")
	lines, sum := rate(t, terms(duoyun.ContractRules{}, after, before), "2026-02", metered(t, "r", use{"x", 1, "2026-01-01", "", false}))
	if len(lines) != 2 || lines[0].Amount.String() != "40.32" || lines[1].Amount.String() != "50.40" || sum.String() != "90.72" {
		t.Errorf("%s", sum)
	}
	before, after = price("p1", "x", "month", "280"), price("p2", "x", "month", "560")
	before.Until, after.From = civil(t, "2026-02-15"), civil(t, "2026-02-15")
	for _, rule := range []duoyun.Proration{duoyun.ProrateSecond, duoyun.ProrateByDay, duoyun.ProrateWholeMonth} {
		_, sum = rate(t, terms(duoyun.ContractRules{Proration: rule}, after, before), "2026-02", metered(t, "r", use{"x", 1, "2026-01-01", "", false}))
		if sum.String() != "420.00" {
			t.Errorf("%s: 14 days at 280 and 14 at 560 are 420.00, not %s", rule, sum)
		}
	}
}

func TestGoldenG9AThousandLinesOfOneAndAHalfFenAddUpExactly(t *testing.T) {
	t.Parallel()
	var all []billing.Metered
	for i := range 1000 {
		all = append(all, metered(t, string(rune('a'+i%26))+string(rune('a'+i/26)), use{"x", 1, "2026-01-01", "", false}))
	}
	if _, sum := rate(t, terms(duoyun.ContractRules{}, price("p", "x", "month", "1.005")), "2026-03", all...); sum.String() != "1005.00" {
		t.Errorf("got %s", sum)
	}
}

func TestGoldenG10TheRemainderGoesToTheFirst(t *testing.T) {
	t.Parallel()
	third := duoyun.Fen(100_00).Amount().Over(3)
	got := billing.Spread([]duoyun.Amount{third, third, third})
	if got[0] != 3334 || got[1] != 3333 || got[2] != 3333 {
		t.Errorf("got %v", got)
	}
}

func TestGoldenG12AndG14AmountsAreExact(t *testing.T) {
	t.Parallel()
	quantity, err := duoyun.ParseAmount("123456.789012")
	if err != nil {
		t.Fatal(err)
	}
	product := duoyun.MustPrice("0.123456789012").Amount().Scaled(quantity, duoyun.Fen(100).Amount())
	if text, _ := product.MarshalText(); string(text) != "15241.578753153483936144" {
		t.Errorf("got %s", text)
	}
	var sum duoyun.Amount
	tenth := duoyun.Fen(10).Amount()
	for range 1_000_000 {
		sum = sum.Plus(tenth)
	}
	if sum.String() != "100000" {
		t.Errorf("0.1 a million times is %s", sum)
	}
}

func TestGoldenG19PrepaidFromNoonOfThe15th(t *testing.T) {
	t.Parallel()
	lines, sum := rate(t, terms(duoyun.ContractRules{Proration: duoyun.ProrateSecond}, price("p", "x", "month", "300")), "2026-02",
		metered(t, "r", use{"x", 1, "2026-02-15 12:00:00", "", false}))
	if sum.String() != "144.64" || lines[0].Share != "1166400/2419200" {
		t.Errorf("%s of %s", sum, lines[0].Share)
	}
}

func TestGoldenG21HoursAreChargedByTheSecond(t *testing.T) {
	t.Parallel()
	_, sum := rate(t, terms(duoyun.ContractRules{}, price("p", "x", "hour", "0.36")), "2026-03",
		metered(t, "r", use{"x", 1, "2026-03-10 10:00:00", "2026-03-10 11:00:01", false}))
	if sum.String() != "0.36" {
		t.Errorf("3601 s at 0.36 an hour is %s", sum)
	}
	_, sum = rate(t, terms(duoyun.ContractRules{}, price("p", "x", "hour", "0.015")), "2026-03",
		metered(t, "r", use{"x", 1, "2026-03-10 10:00:00", "2026-03-10 10:20:00", false}))
	if sum.String() != "0.01" {
		t.Errorf("1200 s at 0.015 an hour is 0.005, hence 0.01, not %s", sum)
	}
}

func TestGoldenG22AndG24Tax(t *testing.T) {
	t.Parallel()
	six := duoyun.MustPrice("6")
	for _, c := range []struct {
		name            string
		exclusive       bool
		sum             duoyun.Fen
		total, net, tax string
	}{
		{"G22 net", true, 123456, "1308.63", "1234.56", "74.07"},
		{"G22 gross", false, 123456, "1234.56", "1164.68", "69.88"},
		{"G24 500.00 less a credit of 50.00", true, 50000 - 5000, "477.00", "450.00", "27.00"},
	} {
		total, net, tax := billing.Tax(duoyun.ContractRules{TaxPercent: six, TaxExclusive: c.exclusive}, c.sum)
		if total.String() != c.total || net.String() != c.net || tax.String() != c.tax {
			t.Errorf("%s: %s = %s + %s", c.name, total, net, tax)
		}
	}
}

func TestGoldenG29OverlapsAndEmptyIntervalsAreNotRated(t *testing.T) {
	t.Parallel()
	hourly := terms(duoyun.ContractRules{}, price("p", "x", "hour", "1"))
	for _, uses := range [][]use{
		{{"x", 1, "2026-03-10", "2026-03-12", false}, {"x", 1, "2026-03-11", "", false}},
		{{"x", 1, "2026-03-10", "", false}, {"x", 1, "2026-03-11", "", false}},
		{{"x", 1, "2026-03-10", "2026-03-10", false}},
	} {
		_, err := billing.Rate(hourly, metered(t, "r", uses...), month(t, "2026-03"), time.Time{})
		if duoyun.CodeOf(err) != duoyun.CodeConflict {
			t.Errorf("%v: %v", uses, err)
		}
	}
}

func TestAnItemWithoutAPriceIsNamed(t *testing.T) {
	t.Parallel()
	ended := price("p", "x", "month", "1")
	ended.Until = civil(t, "2026-03-15")
	_, err := billing.Rate(terms(duoyun.ContractRules{}, ended), metered(t, "r", use{"x", 1, "2026-03-01", "", false}), month(t, "2026-03"), time.Time{})
	if duoyun.CodeOf(err) != duoyun.CodeConflict || err.Error() == "" {
		t.Errorf("got %v", err)
	}
}

func TestOnceIsChargedInTheMonthItBegan(t *testing.T) {
	t.Parallel()
	once := terms(duoyun.ContractRules{}, price("p", "service:迁移服务", "once", "1500"))
	m := metered(t, "r", use{"service:迁移服务", 10, "2026-03-12 10:00:00", "", false})
	for name, want := range map[string]string{"2026-02": "0.00", "2026-03": "15000.00", "2026-04": "0.00"} {
		if _, sum := rate(t, once, name, m); sum.String() != want {
			t.Errorf("%s: %s, want %s", name, sum, want)
		}
	}
}
