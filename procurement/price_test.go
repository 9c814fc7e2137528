package procurement_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
)

func date(s string) duoyun.Date {
	d, err := duoyun.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

func item(code, per, price, from, until string) duoyun.PriceItem {
	i := duoyun.PriceItem{ID: code + from, Item: duoyun.Item(code), Name: "名-" + code, Per: per, Unit: "个", Price: duoyun.MustPrice(price), From: date(from).Time()}
	if until != "" {
		i.Until = date(until).Time()
	}
	return i
}

// offer sells vCPU at 45, memory at 30 and disk at 0.80 a month.
func offer(more ...duoyun.PriceItem) duoyun.Offer {
	return duoyun.Offer{Contract: duoyun.Contract{Number: "SQ-C-1", Start: date("2026-01-01"), End: date("2029-01-01")}, Items: append([]duoyun.PriceItem{
		item("vcpu", "month", "45", "2026-01-01", ""), item("ram_gib", "month", "30", "2026-01-01", ""),
		item("system_disk_gib", "month", "0.80", "2026-01-01", "")}, more...)}
}

func servers(n int) []duoyun.Unit {
	var units []duoyun.Unit
	for i := range n {
		units = append(units, duoyun.Unit{Line: "app", Ordinal: i + 1, Kind: duoyun.KindServer,
			Spec: duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10"}})
	}
	return units
}

func unit(line string, s duoyun.Spec) duoyun.Unit {
	return duoyun.Unit{Line: line, Ordinal: 1, Kind: s.Kind(), Spec: s}
}

func price(t *testing.T, o duoyun.Offer, units []duoyun.Unit, start string, months int) procurement.Quote {
	t.Helper()
	q, err := procurement.Price(o, units, duoyun.Period{Start: date(start), Months: months}, date(start).Time())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func years(q procurement.Quote) string {
	var out []string
	for _, y := range q.Years {
		out = append(out, fmt.Sprintf("%d=%s", y.Year, y.Amount))
	}
	return strings.Join(out, " ")
}

// The order document of the issue asks for 7200.00 in December 2026 and 79200.00 for the eleven months of 2027.
func TestTheFundingOfTheIssueFollowsFromItsMonthlyPrice(t *testing.T) {
	t.Parallel()
	o := duoyun.Offer{Contract: offer().Contract, Items: []duoyun.PriceItem{item("disk_ssd_gib", "month", "1.2", "2026-01-01", "")}}
	q := price(t, o, []duoyun.Unit{unit("data", duoyun.DiskSpec{SizeGiB: 6000, Class: "ssd"})}, "2026-12-01", 12)
	if q.Monthly.String() != "7200.00" || years(q) != "2026=7200.00 2027=79200.00" || q.Total.String() != "86400.00" {
		t.Fatalf("monthly %s, %s, total %s", q.Monthly, years(q), q.Total)
	}
}

func TestMonthsAreWholeAndAStraddlingOneIsSplitByDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		start  string
		months int
		want   string
	}{
		{"2026-12-01", 1, "2026=2220.00"},
		{"2026-02-10", 1, "2026=2220.00"},                // 28 days, and still one month
		{"2026-12-16", 2, "2026=1145.81 2027=3294.19"},   // 16/31; 15/31 and a whole month
		{"2026-01-31", 12, "2026=24491.61 2027=2148.39"}, // 11 1/31; 30/31
	} {
		q := price(t, offer(), servers(3), c.start, c.months)
		if got := years(q); got != c.want {
			t.Errorf("%s for %d months: %s, want %s", c.start, c.months, got, c.want)
		}
		if want := duoyun.Fen(222_000 * c.months); q.Total != want {
			t.Errorf("%s for %d months: total %s, want %s", c.start, c.months, q.Total, want)
		}
	}
}

func TestAnOpenEndedPeriodReachesToTheEndOfTheYearOrContract(t *testing.T) {
	t.Parallel()
	o := offer()
	q := price(t, o, servers(1), "2026-11-25", 0) // 6/30 of November and December
	if years(q) != "2026=888.00" || q.Monthly.String() != "740.00" || q.Term.Until != date("2027-01-01") {
		t.Fatalf("%s %s %v", years(q), q.Monthly, q.Term)
	}
	o.Contract.End = date("2026-12-16")
	q = price(t, o, servers(1), "2026-12-01", 0) // 15/31
	if years(q) != "2026=358.06" {
		t.Fatal(years(q))
	}
	_, err := procurement.Price(o, servers(1), duoyun.Period{}, date("2027-03-01").Time())
	if duoyun.CodeOf(err) != duoyun.CodeInvalid {
		t.Fatalf("a contract that has ended: %v", err)
	}
}

func TestAPriceKnownTodayCountsFromItsFirstDay(t *testing.T) {
	t.Parallel()
	disk := []duoyun.Unit{unit("data", duoyun.DiskSpec{SizeGiB: 310, Class: "ssd"})}
	o := offer(item("disk_ssd_gib", "month", "1", "2026-01-01", "2026-03-11"), item("disk_ssd_gib", "month", "2", "2026-03-11", ""))
	q := price(t, o, disk, "2026-03-01", 2) // 10/31 × 310 + 21/31 × 620, then 620
	if years(q) != "2026=1140.00" || q.Monthly.String() != "310.00" {
		t.Fatal(years(q), q.Monthly)
	}
	other := price(t, o, disk, "2026-01-01", 1)
	if other.Version == q.Version || other.Version != price(t, o, disk, "2026-02-01", 1).Version {
		t.Fatal("the version is that of the prices used")
	}
}

func TestOnceAndHourlyItems(t *testing.T) {
	t.Parallel()
	o := offer(item("service:迁移服务", "once", "1500", "2026-01-01", ""), item("address", "hour", "0.015", "2026-01-01", ""))
	units := []duoyun.Unit{unit("mig", duoyun.ServiceSpec{Name: "迁移服务", Unit: "人天", Quantity: 10}), unit("vip", duoyun.AddressSpec{Count: 1})}
	q := price(t, o, units, "2026-12-01", 2)
	if q.Lines[0].Once.String() != "15000.00" || q.Lines[0].Units != 10 || q.Lines[0].Monthly != 0 || q.Lines[1].Monthly.String() != "11.16" {
		t.Fatalf("lines %+v", q.Lines)
	}
	if years(q) != "2026=15011.16 2027=11.16" || q.PerUnit["mig"][0].Total().String() != "15000.00" {
		t.Fatalf("%s, unit %+v", years(q), q.PerUnit["mig"])
	}
}

func TestNetPricesTakeTheirTaxOnTop(t *testing.T) {
	t.Parallel()
	o := offer()
	o.Contract.Rules = duoyun.ContractRules{TaxExclusive: true, TaxPercent: duoyun.MustPrice("6")}
	if q := price(t, o, servers(1), "2026-06-01", 1); q.Total.String() != "784.40" || q.Monthly.String() != "784.40" {
		t.Fatal(q.Total, q.Monthly)
	}
}

func TestItemsWithoutAPriceAreNamedAllAtOnce(t *testing.T) {
	t.Parallel()
	o := offer(item("load_balancer", "month", "200", "2026-01-01", "2026-07-01"))
	units := append(servers(1), unit("data", duoyun.DiskSpec{SizeGiB: 1, Class: "ssd"}), unit("entry", duoyun.LoadBalancerSpec{Port: 443}))
	_, err := procurement.Price(o, units, duoyun.Period{Start: date("2026-06-01"), Months: 12}, time.Now())
	if duoyun.CodeOf(err) != duoyun.CodeInvalid {
		t.Fatal(err)
	}
	if m := err.(*duoyun.Error).Message; m.ZH != "合同 SQ-C-1 没有价格：disk_ssd_gib（2026-06-01 起）、名-load_balancer（2026-07-01 起）" || !strings.Contains(m.EN, "disk_ssd_gib (from 2026-06-01), load_balancer (from 2026-07-01)") {
		t.Fatal(m)
	}
}

func TestWhatIsNotPricedCostsNothing(t *testing.T) {
	t.Parallel()
	q := price(t, offer(), []duoyun.Unit{unit("net", duoyun.NetworkSpec{CIDR: "10.32.0.0/24"})}, "2026-06-01", 12)
	if q.Total != 0 || q.Monthly != 0 || len(q.PerUnit["net"]) != 1 || years(q) != "2026=0.00 2027=0.00" {
		t.Fatalf("%+v", q)
	}
}

func TestLinesYearsUnitsAndTotalAlwaysAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Custom(func(t *rapid.T) string {
			return fmt.Sprintf("%d.%04d", rapid.IntRange(0, 99).Draw(t, "yuan"), rapid.IntRange(0, 9999).Draw(t, "frac"))
		})
		change := date("2026-01-01").AddDays(rapid.IntRange(1, 900).Draw(t, "change"))
		o := offer()
		o.Items = nil
		for _, code := range []string{"vcpu", "ram_gib", "system_disk_gib", "disk_ssd_gib"} {
			per := rapid.SampledFrom([]string{"month", "hour"}).Draw(t, "per")
			o.Items = append(o.Items, item(code, per, amount.Draw(t, code), "2026-01-01", change.String()), item(code, per, amount.Draw(t, code), change.String(), ""))
		}
		units := servers(rapid.IntRange(1, 7).Draw(t, "servers"))
		for n := range rapid.IntRange(0, 3).Draw(t, "disks") {
			units = append(units, duoyun.Unit{Line: "data", Ordinal: n + 1, Spec: duoyun.DiskSpec{SizeGiB: 500, Class: "ssd"}})
		}
		start := date("2026-01-01").AddDays(rapid.IntRange(0, 364).Draw(t, "start"))
		q, err := procurement.Price(o, units, duoyun.Period{Start: start, Months: rapid.IntRange(0, 30).Draw(t, "months")}, start.Time())
		if err != nil {
			t.Fatal(err)
		}
		var byYear, byUnit, monthly, unitMonthly duoyun.Fen
		perYear := make([]duoyun.Fen, len(q.Years))
		for _, y := range q.Years {
			byYear += y.Amount
		}
		for _, l := range q.Lines {
			monthly += l.Monthly
			for _, u := range q.PerUnit[l.Line] {
				byUnit, unitMonthly = byUnit+u.Total(), unitMonthly+u.Monthly
				for i, y := range u.Years {
					perYear[i] += y.Amount
				}
			}
		}
		if byYear != q.Total || byUnit != q.Total || monthly != q.Monthly || unitMonthly != q.Monthly {
			t.Fatalf("total %s: by year %s, by unit %s; monthly %s: %s, %s", q.Total, byYear, byUnit, q.Monthly, monthly, unitMonthly)
		}
		for i, y := range q.Years {
			if perYear[i] != y.Amount {
				t.Fatalf("year %d: units %s, %s in all", y.Year, perYear[i], y.Amount)
			}
		}
		again, _ := procurement.Price(o, units, duoyun.Period{Start: start, Months: 30}, start.Time())
		if again.Version == "" {
			t.Fatal("no version")
		}
	})
}
