package quota_test

import (
	"context"
	"database/sql"
	"testing"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store/storetest"
)

// model runs random holds, commitments, changes and releases against the service, and knows what is alive.
type model struct {
	b        *bench
	t        testing.TB
	agencies []duoyun.Agency
	orders   map[string]string // agency code → order
	fresh    map[string][]string
	alive    map[string]quota.Charge
	kept     bool // something accrued: the rows do not come back to nought
}

func newModel(t testing.TB, b *bench, units int) *model {
	m := &model{b: b, t: t, orders: map[string]string{}, fresh: map[string][]string{}, alive: map[string]quota.Charge{}}
	for _, code := range []string{storetest.HRSS, storetest.Data, storetest.City} {
		m.agencies = append(m.agencies, b.agency(t, code))
		m.orders[code], m.fresh[code] = b.order(t, code, units)
	}
	return m
}

// charge draws what one resource may take; small limits make shortages common.
func (m *model) charge(t *rapid.T, a duoyun.Agency, resource string) quota.Charge {
	c := quota.Charge{ResourceID: resource, Agency: a, ContractID: m.b.ID(rapid.SampledFrom([]string{"SQ-C-1", "SQ-C-2"}).Draw(t, "contract")),
		PoolID: m.b.ID(rapid.SampledFrom([]string{"telecom-1", "jd-1"}).Draw(t, "pool")), Payer: m.b.ID(storetest.Data), Item: storetest.Item,
		Intent: map[int]bool{2027: true}, Quota: map[duoyun.Dimension]int64{}}
	for _, year := range []int{2026, 2027} {
		c.Years = append(c.Years, duoyun.YearFen{Year: year, Amount: duoyun.Fen(rapid.IntRange(0, 40).Draw(t, "fen"))})
	}
	for _, d := range []duoyun.Dimension{duoyun.QuotaServers, duoyun.QuotaVCPU, duoyun.QuotaDiskGiB} {
		c.Quota[d] = int64(rapid.IntRange(0, 6).Draw(t, "quota"))
	}
	return c
}

func (m *model) hold(t *rapid.T) {
	a := rapid.SampledFrom(m.agencies).Draw(t, "agency")
	fresh := m.fresh[a.Code]
	n := min(rapid.IntRange(1, 3).Draw(t, "units"), len(fresh))
	if n == 0 {
		return
	}
	var charges []quota.Charge
	for _, id := range fresh[:n] {
		charges = append(charges, m.charge(t, a, id))
	}
	m.fresh[a.Code] = fresh[n:]
	if m.took(t, m.b.hold(m.orders[a.Code], charges...)) {
		for _, c := range charges {
			m.alive[c.ResourceID] = c
		}
	}
}

// took reports whether a hold succeeded; anything but a shortage is a failure of the test.
func (m *model) took(t *rapid.T, err error) bool {
	if err != nil && duoyun.CodeOf(err) != duoyun.CodeShortage {
		t.Fatal(err)
	}
	return err == nil
}

func (m *model) any(t *rapid.T) (quota.Charge, bool) {
	var ids []string
	for _, a := range []string{storetest.HRSS, storetest.Data, storetest.City} {
		for id, c := range m.alive {
			if c.Agency.Code == a {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return quota.Charge{}, false
	}
	return m.alive[rapid.SampledFrom(sorted(ids)).Draw(t, "resource")], true
}

func (m *model) commit(t *rapid.T) {
	if c, ok := m.any(t); ok {
		m.b.tx(m.t, func(tx *sql.Tx) error { return m.b.svc.Commit(context.Background(), tx, []string{c.ResourceID}) })
	}
}

func (m *model) resize(t *rapid.T) {
	c, ok := m.any(t)
	if !ok {
		return
	}
	d := m.charge(t, c.Agency, c.ResourceID)
	d.ContractID, d.PoolID = c.ContractID, c.PoolID
	for i := range d.Years {
		d.Years[i].Amount -= 20
	}
	for k := range d.Quota {
		d.Quota[k] -= 3
	}
	ctx := context.Background()
	err := m.b.Store.InTx(ctx, func(tx *sql.Tx) error { return m.b.svc.Resize(ctx, tx, m.orders[c.Agency.Code], d) })
	if m.took(t, err) {
		m.b.tx(m.t, func(tx *sql.Tx) error { return m.b.svc.Shrink(ctx, tx, d) })
	}
}

func (m *model) release(t *rapid.T) {
	c, ok := m.any(t)
	if !ok {
		return
	}
	f := quota.Free{ResourceID: c.ResourceID}
	if rapid.Bool().Draw(t, "accrued") {
		f.Accrued = []duoyun.YearFen{{Year: 2026, Amount: duoyun.Fen(rapid.IntRange(-5, 5).Draw(t, "cost"))}}
		m.kept = true
	}
	for range rapid.IntRange(1, 2).Draw(t, "times") {
		m.b.release(m.t, f)
	}
	delete(m.alive, c.ResourceID)
}

func TestNothingIsOversoldAndAReleaseRestoresWhateverHappened(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		tight(t, b)
		runs := 0
		rapid.Check(t, func(rt *rapid.T) {
			if runs++; runs > propertyRuns {
				return
			}
			before := b.used(t)
			m := newModel(t, b, 6)
			steps := map[string]func(*rapid.T){"hold": m.hold, "commit": m.commit, "resize": m.resize, "release": m.release}
			for n := range rapid.IntRange(3, 15).Draw(rt, "steps") {
				steps[rapid.SampledFrom([]string{"hold", "hold", "hold", "commit", "resize", "release"}).Draw(rt, "step")](rt)
				if n%5 == 4 {
					b.wantSound(t)
				}
			}
			for id := range m.alive {
				b.release(t, quota.Free{ResourceID: id})
			}
			after := b.used(t)
			for _, k := range []string{"pool", "quota"} {
				if after[k] != before[k] {
					rt.Fatalf("%s: %d before, %d after all was released", k, before[k], after[k])
				}
			}
			for _, k := range []string{"contract", "2026", "2027"} {
				if after[k] != before[k] && !m.kept || after[k] < before[k] {
					rt.Fatalf("%s: %d before, %d after all was released", k, before[k], after[k])
				}
			}
			b.wantSound(t)
			if t.Failed() {
				rt.FailNow()
			}
		})
	})
}

// tight sets limits that a handful of units reach.
func tight(t testing.TB, b *bench) {
	t.Helper()
	setLimit(t, b, storetest.City, duoyun.QuotaVCPU, 30)
	setLimit(t, b, storetest.HRSS, duoyun.QuotaServers, 12)
	b.tx(t, func(tx *sql.Tx) error {
		for _, q := range []string{`UPDATE contracts SET lim = 100000`, `UPDATE budgets SET lim = 2000`} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		n := int64(20)
		_, err := b.Store.SetCapacity(context.Background(), tx, b.ID("jd-1"), duoyun.QuotaDiskGiB, &n)
		return err
	})
}
