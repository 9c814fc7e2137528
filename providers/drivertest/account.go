package drivertest

import (
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// optional calls what the cloud has beside its kinds.
func (w *world) optional(t *testing.T) {
	ctx := t.Context()
	if q, ok := driver.As[driver.QuotaReader](w.cloud); ok {
		all, err := q.Quota(ctx)
		if w.cloud.hear(err) != nil || len(all) == 0 {
			t.Errorf("quota: %v, %v", all, err)
		}
	}
	if c, ok := driver.As[driver.Checker](w.cloud); ok {
		for _, f := range c.Check(ctx) {
			t.Errorf("the account does not pass its own check: %v", f)
		}
	}
	if u, ok := driver.As[driver.UsageReader](w.cloud); ok {
		now := w.now()
		if _, err := u.Usage(ctx, now.Add(-time.Hour), now.Add(time.Hour)); w.cloud.hear(err) != nil {
			t.Errorf("usage: %v", err)
		}
	}
	if c, ok := driver.As[driver.Catalogue](w.cloud); ok {
		t.Run("its catalogue has what the suite buys", func(t *testing.T) { w.catalogue(t, c) })
	}
	if q, ok := driver.As[driver.Quoter](w.cloud); ok && w.h.Money.Quote != nil {
		t.Run("its quotes are exact", func(t *testing.T) { w.quotes(t, q) })
	}
	if b, ok := driver.As[driver.BillReader](w.cloud); ok && w.h.Money.Bill != nil && w.h.Pass != nil {
		t.Run("its bill is exact", func(t *testing.T) { w.bill(t, b) })
	}
	if b, ok := driver.As[driver.BalanceReader](w.cloud); ok && w.h.Money.Balance != nil {
		t.Run("its balance is exact", func(t *testing.T) {
			got, err := b.Balance(ctx)
			if want := w.h.Money.Balance(); w.cloud.hear(err) != nil || got.Available.Cmp(want) != 0 || got.Currency != yuan {
				t.Errorf("%s %s, %v, want %s", got.Available, got.Currency, err, want)
			}
		})
	}
	if m, ok := driver.As[driver.MetricsReader](w.cloud); ok && w.h.Pass != nil && w.offered(duoyun.KindServer) {
		t.Run("its metrics have gaps where nothing was measured", func(t *testing.T) { w.metrics(t, m) })
	}
}

// yuan is the currency of every cloud of this country.
const yuan = "CNY"

func (w *world) catalogue(t *testing.T, c driver.Catalogue) {
	all, err := c.Flavors(t.Context())
	if w.cloud.hear(err) != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range all {
		if f.ID == "" || f.VCPU < 1 || f.RAMMiB < 1 || seen[f.ID] {
			t.Errorf("a flavor twice, or without a size: %+v", f)
		}
		seen[f.ID] = true
	}
	s := w.h.Samples.Server
	if _, ok := driver.Choose(all, driver.Demand{VCPU: s.VCPU, RAMGiB: s.RAMGiB, DiskGiB: s.SystemDiskGiB, Families: w.h.Account.Mapping.Families}); !ok {
		t.Errorf("none of %d flavors serves %s", len(all), duoyun.EncodeSpec(s))
	}
}

// quotes asks for an hour of each kind that the cloud sells, and for a year where it sells terms.
func (w *world) quotes(t *testing.T, q driver.Quoter) {
	for _, k := range inOrder() {
		if !w.offered(k) {
			continue
		}
		for _, months := range []int{0, 12} {
			c := w.change(t, k)
			c.Months = months
			want, sold := w.h.Money.Quote(c)
			if !sold {
				continue
			}
			per := map[bool]string{true: "hour", false: "month"}[months == 0]
			got, err := q.Quote(t.Context(), c)
			if w.cloud.hear(err) != nil || got.Amount.Cmp(want) != 0 || got.Months != months || got.Per != per || got.Currency != yuan {
				t.Errorf("%s for %d months: %+v, %v, want %s per %s", k, months, got, err, want, per)
			}
		}
	}
}

// bill lets what is charged run for some hours and compares every unit's lines with what the cloud charged for it.
func (w *world) bill(t *testing.T, b driver.BillReader) {
	var units []*unit
	for _, k := range []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk, duoyun.KindPublicIP, duoyun.KindDatabase, duoyun.KindCache} {
		if w.offered(k) {
			units = append(units, w.buy(t, w.change(t, k)))
		}
	}
	w.h.Pass(3*time.Hour + 20*time.Minute)
	month := duoyun.MonthOf(w.now())
	sums := w.billed(t, b, month)
	for _, u := range units {
		want, got := w.h.Money.Bill(u.ID, month), sums[u.ID]
		if got.Cmp(want) != 0 || want.Sign() <= 0 {
			t.Errorf("%s %s is billed %s, want %s", u.Kind, u.ID, got, want)
		}
	}
	for i := len(units) - 1; i >= 0; i-- {
		w.remove(t, units[i])
	}
}

// billed reads a month's bill page by page, checks each line, and sums what is payable by resource.
func (w *world) billed(t *testing.T, b driver.BillReader, month duoyun.Month) map[string]duoyun.Amount {
	t.Helper()
	sums := map[string]duoyun.Amount{}
	for cursor, pages := "", 1; ; pages++ {
		lines, next, err := b.Bill(t.Context(), month, cursor)
		if w.cloud.hear(err) != nil {
			t.Fatal(err)
		}
		for _, l := range lines {
			sums[l.VendorID] = sums[l.VendorID].Plus(l.Payable)
			if l.List.Minus(l.Discount).Cmp(l.Payable) != 0 || l.Currency != yuan || l.Product == "" {
				t.Errorf("a line does not add up: %+v", l)
			}
			if l.Start.Location() != time.UTC || l.End.Location() != time.UTC || l.End.Before(l.Start) {
				t.Errorf("a line's times are not in UTC, or end before they begin: %s to %s", l.Start, l.End)
			}
		}
		if next == "" {
			return sums
		}
		if next == cursor || pages > 10_000 {
			t.Fatalf("the bill does not end: %q follows itself", next)
		}
		cursor = next
	}
}

// slack is how far a vendor's points may lie from the moment at which a server was stopped or started.
const slack = 10 * time.Minute

// metrics reads three hours of a server that was stopped for the second.
func (w *world) metrics(t *testing.T, m driver.MetricsReader) {
	host, begin := w.server(t), w.now()
	running := host.After.(duoyun.ServerSpec)
	off := running
	off.Stopped = true
	w.h.Pass(time.Hour)
	w.update(t, host, off)
	stopped := w.now()
	w.h.Pass(time.Hour)
	started := w.now()
	w.update(t, host, running)
	w.h.Pass(time.Hour)
	all, err := m.Metrics(t.Context(), host.ID, begin, w.now())
	if w.cloud.hear(err) != nil || len(all) == 0 {
		t.Fatalf("%v, %v", all, err)
	}
	for _, series := range all {
		var before, after int
		last := begin.Add(-time.Second)
		for _, p := range series.Points {
			if !p.At.After(last) || p.At.After(w.now()) || p.At.Location() != time.UTC {
				t.Errorf("%s: a point at %s, after %s", series.Name, p.At, last)
			}
			if last = p.At; p.At.After(stopped.Add(slack)) && p.At.Before(started.Add(-slack)) {
				t.Errorf("%s: %v at %s, while it was stopped", series.Name, p.Value, p.At)
			}
			if p.At.Before(stopped) {
				before++
			} else if p.At.After(started) {
				after++
			}
		}
		if series.Name == "" || series.Unit == "" || before == 0 || after == 0 {
			t.Errorf("%q in %q: %d points before the stop, %d after the start", series.Name, series.Unit, before, after)
		}
	}
}
