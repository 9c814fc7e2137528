package simcloud_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// text is a bill as a vendor would print it.
func text(lines []duoyun.BillLine) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = fmt.Sprintf("%s %s %s %s × %s = %s %s", l.Product, l.Meter, l.Quantity, l.Unit, l.Price, l.Payable, l.Currency)
	}
	return out
}

func TestABillIsExactAndFollowsEveryChange(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	b.clock.pass(24 * time.Hour) // 2026-10-02 08:00 in Beijing
	f, err := b.AllocateFloatingIP(simcloud.FloatingInput{Object: mine("eip"), BandwidthMbps: 5})
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.server("web")
	if err != nil {
		t.Fatal(err)
	}
	b.clock.pass(2 * time.Hour)
	if _, err := b.SetBandwidth(me, f.ID, 10); err != nil {
		t.Fatal(err)
	}
	if _, err := b.StopServer(me, s.ID); err != nil {
		t.Fatal(err)
	}
	b.clock.pass(30 * time.Minute)
	if err := b.DeleteFloatingIP(me, f.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.DeleteServer(me, s.ID); err != nil {
		t.Fatal(err)
	}
	b.clock.pass(time.Hour)
	want := []string{
		"floating_ip bandwidth_mbps 10 hour × 0.063 = 0.63 CNY", "floating_ip floating_ip 2 hour × 0.02 = 0.04 CNY",
		"server server_ram_gib 10 hour × 0.0203 = 0.203 CNY", "server server_vcpu 5 hour × 0.0812 = 0.406 CNY",
		"floating_ip bandwidth_mbps 5 hour × 0.063 = 0.315 CNY", "floating_ip floating_ip 0.5 hour × 0.02 = 0.01 CNY",
	}
	got := b.Bill(me, duoyun.Month{Year: 2026, Month: time.October})
	if f.ID > s.ID { // lines that begin together are ordered by resource
		want[0], want[1], want[2], want[3] = want[2], want[3], want[0], want[1]
	}
	if !reflect.DeepEqual(text(got), want) {
		t.Errorf("the bill is %q, want %q", text(got), want)
	}
	if left := b.Balance(me); left.Available.String() != "999998.396" || left.Currency != "CNY" {
		t.Errorf("the balance is %s %s", left.Available, left.Currency)
	}
	if got := b.Bill(me, duoyun.Month{Year: 2026, Month: time.November}); len(got) > 0 {
		t.Errorf("the month after: %q", text(got))
	}
}

func TestAMonthsBillEndsWithTheMonthOfBeijing(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	b.clock.pass(30*24*time.Hour + 15*time.Hour) // 2026-10-31 23:00 in Beijing
	if _, err := b.CreateVolume(simcloud.VolumeInput{Object: mine("d"), SizeGiB: 100, Type: "ssd"}); err != nil {
		t.Fatal(err)
	}
	b.Volumes() // what is due happens at a call
	b.clock.pass(3 * time.Hour)
	october, november := b.Bill(me, duoyun.Month{Year: 2026, Month: time.October}), b.Bill(me, duoyun.Month{Year: 2026, Month: time.November})
	if len(october) != 1 || text(october)[0] != "volume volume_gib 100 hour × 0.00139 = 0.139 CNY" {
		t.Errorf("October: %q", text(october))
	}
	if len(november) != 1 || text(november)[0] != "volume volume_gib 200 hour × 0.00139 = 0.278 CNY" {
		t.Errorf("November: %q", text(november))
	}
	if l := november[0]; l.Start.Location() != time.UTC || !l.Start.Equal(time.Date(2026, 10, 31, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("it starts at %s", l.Start)
	}
}

func TestASubscriptionIsPaidWhenItIsBoughtAndRenewed(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	_, subnet, _ := b.vpc(t)
	if err := b.SetPrice(simcloud.MeterDatabaseVCPU, "mysql", "0.2", "80.5"); err != nil {
		t.Fatal(err)
	}
	b.clock.pass(30 * 24 * time.Hour) // 2026-10-31
	d, err := b.database(subnet.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	b.clock.pass(time.Hour)
	if want := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC); !d.PaidUntil.Equal(want) {
		t.Errorf("paid until %s, want %s", d.PaidUntil, want)
	}
	if err := b.SetPrice(simcloud.MeterDatabaseVCPU, "mysql", "0.3", "100"); err != nil {
		t.Fatal(err)
	}
	want := []string{"database database_ram_gib 8 month × 18.35 = 146.8 CNY", "database database_storage_gib 100 month × 0.85 = 85 CNY",
		"database database_vcpu 4 month × 80.5 = 322 CNY"}
	if got := text(b.Bill(me, duoyun.Month{Year: 2026, Month: time.October})); !reflect.DeepEqual(got, want) {
		t.Errorf("bought: %q", got)
	}
	b.clock.pass(24 * time.Hour)
	if d, err = simcloud.Renew[simcloud.Database](b.Cloud, me, d.ID, 3); err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2027, 2, 28, 0, 0, 0, 0, time.UTC); !d.PaidUntil.Equal(want) {
		t.Errorf("renewed until %s, want %s", d.PaidUntil, want)
	}
	if got := b.Bill(me, duoyun.Month{Year: 2026, Month: time.November}); len(got) != 3 || text(got)[2] != "database database_vcpu 12 month × 100 = 1200 CNY" {
		t.Errorf("renewed: %q", text(got))
	}
	if p := simcloud.PriceOf(b.Cloud, d, 1); p.String() != "631.8" {
		t.Errorf("a month of it costs %s", p)
	}
	if p := simcloud.PriceOf(b.Cloud, d, 0); p.String() != "1.6444" {
		t.Errorf("an hour of it costs %s", p)
	}
	if _, err := b.DeleteDatabase(me, d.ID); err != nil {
		t.Errorf("giving it back: %v", err)
	}
}

func TestWhatRunsOnDemandIsNotRenewed(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	s, err := b.server("a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := simcloud.Renew[simcloud.Server](b.Cloud, me, s.ID, 1); reasonOf(err) != simcloud.Invalid {
		t.Errorf("renewed: %v", err)
	}
}

func TestMetricsAreTheSameHoweverTheyAreAskedForAndHaveGapsWhileStopped(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	begin := b.clock.now()
	s, err := b.server("a")
	if err != nil {
		t.Fatal(err)
	}
	b.clock.pass(10 * time.Minute)
	for _, turn := range []func(simcloud.Owner, string) (*simcloud.Server, error){b.StopServer, b.StartServer} {
		if _, err := turn(me, s.ID); err != nil {
			t.Fatal(err)
		}
		b.clock.pass(10 * time.Minute)
	}
	read := func(from, to time.Duration, step time.Duration) map[time.Time]float64 {
		points, err := b.Metric(me, simcloud.KindServer, s.ID, simcloud.MetricCPU, begin.Add(from), begin.Add(to), step)
		if err != nil {
			t.Fatal(err)
		}
		out := map[time.Time]float64{}
		for _, p := range points {
			if p.Value < 0 || p.Value > 100 {
				t.Errorf("%v %%", p.Value)
			}
			out[p.At] = p.Value
		}
		return out
	}
	all, some := read(-time.Hour, time.Hour, time.Minute), read(0, 30*time.Minute, 5*time.Minute)
	if len(all) != 21 || len(some) != 4 {
		t.Errorf("%d points and %d, want 10 minutes, a gap and 10 minutes until now", len(all), len(some))
	}
	for at, v := range some {
		if all[at] != v {
			t.Errorf("at %s: %v, then %v", at, all[at], v)
		}
	}
	if _, err := b.Metric(me, simcloud.KindServer, "nobody", simcloud.MetricCPU, begin, begin, time.Minute); reasonOf(err) != simcloud.Missing {
		t.Errorf("of nobody: %v", err)
	}
}
