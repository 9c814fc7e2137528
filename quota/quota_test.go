package quota_test

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

type bench struct {
	*storetest.World
	svc   *quota.Service
	today time.Time
}

// newBench starts in November 2026: the budget of Data is issued for that year alone.
func newBench(t testing.TB, s *store.Store) *bench {
	b := &bench{World: storetest.NewWorld(t, s), today: duoyun.Date{Year: 2026, Month: 11, Day: 25}.Time()}
	b.svc = quota.New(s, time.Now, func() time.Time { return b.today })
	return b
}

func each(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) { f(t, newBench(t, s)) })
}

func wantCode(t testing.TB, err error, code duoyun.Code) {
	t.Helper()
	if got := duoyun.CodeOf(err); got != code {
		t.Fatalf("code %q, want %q (%v)", got, code, err)
	}
}

func (b *bench) tx(t testing.TB, f func(tx *sql.Tx) error) {
	t.Helper()
	if err := b.Store.InTx(context.Background(), f); err != nil {
		t.Fatal(err)
	}
}

// order makes an order of an agency with n reserved servers.
func (b *bench) order(t testing.TB, agency string, n int) (orderID string, resources []string) {
	t.Helper()
	o := duoyun.Order{ID: duoyun.NewID(time.Now()), State: duoyun.OrderPlacing, AgencyID: b.ID(agency), PayerID: b.ID(storetest.Data),
		ApplicantID: b.ID("hrss-applicant"), CreatedAt: b.today, UpdatedAt: b.today}
	o.Number, o.Requested.Form = o.ID, duoyun.FormOpen
	var rs []duoyun.Resource
	for i := range n {
		r := duoyun.Resource{ID: duoyun.NewID(time.Now()), OrderID: o.ID, Line: "app", Ordinal: i + 1, Kind: duoyun.KindServer, Name: "app",
			AgencyID: o.AgencyID, PayerID: o.PayerID, SupplierID: b.ID("telecom-suqian"), PoolID: b.ID("telecom-1"), ContractID: b.ID("SQ-C-1"),
			State: duoyun.ResourceReserved, Spec: duoyun.ServerSpec{VCPU: 1, RAMGiB: 1, SystemDiskGiB: 20, Image: "kylin-v10"},
			CreatedAt: b.today, UpdatedAt: b.today}
		rs, resources = append(rs, r), append(resources, r.ID)
	}
	b.tx(t, func(tx *sql.Tx) error {
		if err := b.Store.InsertOrder(context.Background(), tx, o); err != nil {
			return err
		}
		return b.Store.InsertResources(context.Background(), tx, rs)
	})
	return o.ID, resources
}

func (b *bench) agency(t testing.TB, code string) duoyun.Agency {
	t.Helper()
	a, err := b.Store.FindAgency(context.Background(), duoyun.Scope{All: true}, code)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// server is the charge of one small server of HRSS, paid for by Data: 100.00 yuan this year, 900.00 the next.
func (b *bench) server(t testing.TB, resource string) quota.Charge {
	return quota.Charge{ResourceID: resource, Agency: b.agency(t, storetest.HRSS), PoolID: b.ID("telecom-1"), ContractID: b.ID("SQ-C-1"),
		Payer: b.ID(storetest.Data), Item: storetest.Item, Years: []duoyun.YearFen{{Year: 2026, Amount: 10_000}, {Year: 2027, Amount: 90_000}},
		Intent: map[int]bool{2027: true},
		Quota:  map[duoyun.Dimension]int64{duoyun.QuotaServers: 1, duoyun.QuotaVCPU: 4, duoyun.QuotaRAMGiB: 16, duoyun.QuotaDiskGiB: 100}}
}

func (b *bench) hold(orderID string, charges ...quota.Charge) error {
	return b.Store.InTx(context.Background(), func(tx *sql.Tx) error { return b.svc.Hold(context.Background(), tx, orderID, charges) })
}

func (b *bench) release(t testing.TB, frees ...quota.Free) {
	t.Helper()
	b.tx(t, func(tx *sql.Tx) error { return b.svc.Release(context.Background(), tx, frees) })
}

// used sums what is used by kind, and by dimension for the city's quota.
func (b *bench) used(t testing.TB) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	b.tx(t, func(tx *sql.Tx) error {
		for name, query := range map[string]string{
			"contract": `SELECT CAST(SUM(used) AS BIGINT) FROM contracts`, "pool": `SELECT CAST(COALESCE(SUM(used), 0) AS BIGINT) FROM pool_capacity`,
			"2026": `SELECT CAST(SUM(used) AS BIGINT) FROM budgets WHERE year = 2026`, "2027": `SELECT CAST(COALESCE(SUM(used), 0) AS BIGINT) FROM budgets WHERE year = 2027`,
			"quota": `SELECT CAST(SUM(used) AS BIGINT) FROM quotas`,
		} {
			var n int64
			if err := tx.QueryRow(query).Scan(&n); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			out[name] = n
		}
		return nil
	})
	return out
}

func (b *bench) wantUsed(t testing.TB, want map[string]int64) {
	t.Helper()
	got := b.used(t)
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s: %d used, want %d", k, got[k], n)
		}
	}
	b.wantSound(t)
}

// wantSound says that every row's use is the sum of its live holds, and that none is above its limit.
func (b *bench) wantSound(t testing.TB) {
	t.Helper()
	wrong, err := b.Store.HoldMismatches(context.Background())
	if err != nil || len(wrong) > 0 {
		t.Fatalf("mismatches %v, error %v", wrong, err)
	}
	b.tx(t, func(tx *sql.Tx) error {
		for _, table := range []string{"contracts", "pool_capacity", "budgets", "quotas"} {
			var n int64
			if err := tx.QueryRow(`SELECT COUNT(*) FROM ` + table + ` WHERE lim IS NOT NULL AND used > lim`).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				t.Errorf("%s: %d rows are oversold", table, n)
			}
		}
		return nil
	})
}

func setLimit(t testing.TB, b *bench, agency string, d duoyun.Dimension, n int64) {
	t.Helper()
	_, err := b.svc.SetLimit(context.Background(), b.Actor(t, "sysadmin"), agency, d, &n)
	wantCode(t, err, "")
}
