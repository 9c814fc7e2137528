package billing_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// tenOff takes 10.00 off one resource.
type tenOff struct{ resource string }

func (c *tenOff) Credits(ctx context.Context, _ *sql.Tx, contract duoyun.Contract, m duoyun.Month, fee billing.Fee) ([]duoyun.Credit, error) {
	cash, err := fee(ctx, c.resource)
	return []duoyun.Credit{{ContractID: contract.ID, ResourceID: c.resource, Month: m, Fee: cash.HalfUp(), Percent: duoyun.MustPrice("10"), Amount: 10_00,
		Note: duoyun.Text{ZH: "扣减", EN: "credit"}}}, err
}

func (c *tenOff) Credited(context.Context, *sql.Tx, []duoyun.Credit) error { return nil }

func readCSV(t *testing.T, r *room, login string) []map[string]string {
	t.Helper()
	var b bytes.Buffer
	r.ok(r.s.FOCUS(context.Background(), r.Actor(t, login), month(t, "2026-03"), &b))
	rows, err := csv.NewReader(&b).ReadAll()
	r.ok(err)
	var out []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = row[i]
		}
		out = append(out, m)
	}
	return out
}

func TestTheFOCUSExportAddsUpAndRunsNoFormula(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		credit := &tenOff{}
		r := newRoom(t, s, credit)
		all := append(r.servers(storetest.HRSS, 1), r.servers(storetest.Edu, 1)...)
		credit.resource = all[0].ID
		r.now = civil(t, "2026-03-12 10:00:00")
		for _, x := range all {
			r.ok(r.meter(r.s.Start, x, "2026-03-12 10:00:00"))
		}
		r.ok(r.in(func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE resources SET name = '=HYPERLINK("http://x")'`)
			return err
		}))
		r.now = civil(t, "2026-04-01")
		st, err := r.close("city-finance", "2026-03")
		r.ok(err)
		rows := readCSV(t, r, "city-finance")
		if len(rows) != 7 {
			t.Fatalf("%d rows", len(rows))
		}
		var sum duoyun.Fen
		for _, row := range rows {
			billed, err := duoyun.ParseFen(row["BilledCost"])
			r.ok(err)
			sum += billed
			if row["BillingCurrency"] != "CNY" || row["BillingPeriodStart"] != "2026-02-28T16:00:00Z" || row["BillingPeriodEnd"] != "2026-03-31T16:00:00Z" || row["InvoiceId"] != st.Number {
				t.Errorf("row %v", row)
			}
			if row["ResourceName"] != `'=HYPERLINK("http://x")` {
				t.Errorf("a formula: %s", row["ResourceName"])
			}
		}
		if sum != st.Total {
			t.Errorf("rows come to %s, the statement to %s", sum, st.Total)
		}
		i := slices.IndexFunc(rows, func(row map[string]string) bool { return row["ChargeCategory"] == "Credit" })
		if i < 0 || rows[i]["BilledCost"] != "-10.00" || rows[i]["ListUnitPrice"] != "" {
			t.Errorf("the credit stays a number: %v", rows)
		}
		if rows[0]["ChargeCategory"] != "Usage" || rows[0]["PricingUnit"] == "" || rows[0]["PricingQuantity"] == "" || rows[0]["ServiceCategory"] != "Compute" {
			t.Errorf("usage row %v", rows[0])
		}
		for _, row := range rows {
			if strings.HasSuffix(row["SkuId"], "_gib") && (row["PricingUnit"] != "GiB-Months" || row["ConsumedUnit"] != "GiB-Months") {
				t.Errorf("%s is counted in %s, sold in %s", row["SkuId"], row["ConsumedUnit"], row["PricingUnit"])
			}
		}
		if own := readCSV(t, r, "hrss-applicant"); len(own) != 4 {
			t.Errorf("HRSS has three lines and a credit, not %d", len(own))
		}
		if none := readCSV(t, r, "sup-jd"); len(none) != 0 {
			t.Errorf("another supplier has none, not %d", len(none))
		}
	})
}

func TestNetPricesGetATaxRow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		r := newRoom(t, s, nil)
		r.ok(r.in(func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE contracts SET rules = '{"proration":"by_day_actual","billing_start":"","tax_percent":"6","tax_exclusive":true}'`)
			return err
		}))
		r.ok(r.meter(r.s.Start, r.servers(storetest.HRSS, 1)[0], "2026-03-01"))
		r.now = civil(t, "2026-04-01")
		st, err := r.close("city-finance", "2026-03")
		r.ok(err)
		rows := readCSV(t, r, "city-finance")
		if last := rows[len(rows)-1]; st.Total.String() != "784.40" || st.Net.String() != "740.00" || last["ChargeCategory"] != "Tax" || last["BilledCost"] != "44.40" {
			t.Errorf("%+v, last row %v", st, last)
		}
	})
}

func TestDatabasesAndCachesAreBilledUnderTheirFOCUSService(t *testing.T) {
	t.Parallel()
	r := newRoom(t, storetest.SQLite(t, nil), nil)
	for _, x := range r.bought(storetest.HRSS, duoyun.DatabaseSpec{Engine: duoyun.EngineMySQL, Version: "8.0", VCPU: 2, RAMGiB: 8, StorageGiB: 100, Standby: true},
		duoyun.CacheSpec{Version: "7.0", MemoryGiB: 2}) {
		r.ok(r.meter(r.s.Start, x, "2026-03-01"))
	}
	r.now = civil(t, "2026-04-01")
	_, err := r.close("city-finance", "2026-03")
	r.ok(err)
	want := map[string][3]string{"mysql_vcpu": {"Relational Databases", "云数据库", "320.00"}, "mysql_ram_gib": {"Relational Databases", "云数据库", "960.00"},
		"database_storage_gib": {"Relational Databases", "云数据库", "300.00"}, "cache_gib": {"Caching", "云缓存", "180.00"}}
	rows := readCSV(t, r, "city-finance")
	for _, row := range rows {
		got := [3]string{row["ServiceSubcategory"], row["ServiceName"], row["BilledCost"]}
		if row["ServiceCategory"] != "Databases" || got != want[row["SkuId"]] {
			t.Errorf("%s: %s, %v, want %v", row["SkuId"], row["ServiceCategory"], got, want[row["SkuId"]])
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d rows", len(rows))
	}
}

func TestTheFOCUSColumnsAreTheSpecifications(t *testing.T) {
	t.Parallel()
	r := newRoom(t, storetest.SQLite(t, nil), nil)
	var b bytes.Buffer
	r.ok(r.s.FOCUS(context.Background(), r.Actor(t, "city-finance"), month(t, "2026-03"), &b))
	rows, err := csv.NewReader(&b).ReadAll()
	r.ok(err)
	head := rows[0]
	if len(head) != 57 || !slices.IsSorted(head) {
		t.Errorf("FOCUS 1.2 has 57 columns, not %d, in order", len(head))
	}
	for _, name := range []string{"BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory",
		"ChargeClass", "ChargeDescription", "ChargePeriodEnd", "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost",
		"PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"} {
		if !slices.Contains(head, name) {
			t.Errorf("the mandatory column %s is missing", name)
		}
	}
}

func FuzzPlainTextNeverBeginsAFormula(f *testing.F) {
	for _, s := range []string{"", "a", "=1", "+1", "-1", "@x", "\tx", "\r=1", "＝1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := billing.Plain(s)
		if got != "" && bytes.ContainsAny([]byte(got[:1]), "=+-@\t\r\n") {
			t.Errorf("%q begins a formula", got)
		}
		if got != s && got != "'"+s {
			t.Errorf("%q became %q", s, got)
		}
	})
}
