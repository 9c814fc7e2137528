package store_test

import (
	"database/sql"
	"errors"
	"math"
	"slices"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store/storetest"
)

// account is one row of every kind that may be charged, as a model keeps it.
type account struct {
	kind  duoyun.HoldKind
	table string
	id    string
	limit *int64
	used  int64
	open  bool
}

// accounts gives two rows of every kind, one of ten and one without a limit, and a contract that is suspended.
func (b *bench) accounts() (rows []*account) {
	b.t.Helper()
	closed := duoyun.Contract{ID: newID(), Number: "closed", SupplierID: b.ID("jd-suqian"), State: "suspended"}
	var capacity, intents, quotas []quota.Row
	b.tx(func(tx *sql.Tx) error {
		ok(b.t, b.InsertContract(b.ctx, tx, closed))
		budget := quota.BudgetKey{PayerID: b.ID(storetest.Edu), Year: 2027, Item: "i"}
		ok(b.t, b.InsertIntentBudgets(b.ctx, tx, []quota.BudgetKey{budget}))
		var err1, err2, err3 error
		pools := []quota.CapacityKey{{PoolID: b.ID("jd-1"), Dimension: duoyun.QuotaVCPU}, {PoolID: b.ID("telecom-1"), Dimension: duoyun.QuotaVCPU}}
		capacity, err1 = b.CapacityRows(b.ctx, tx, append(pools, pools[0]))
		intents, err2 = b.BudgetRows(b.ctx, tx, []quota.BudgetKey{budget, {PayerID: budget.PayerID, Year: 2028, Item: "i"}})
		agencies := []quota.QuotaKey{{AgencyID: b.ID(storetest.Edu), Dimension: duoyun.QuotaVCPU}, {AgencyID: b.ID(storetest.HRSS), Dimension: duoyun.QuotaVCPU}}
		quotas, err3 = b.QuotaRows(b.ctx, tx, agencies)
		return errors.Join(err1, err2, err3)
	})
	if len(capacity) != 2 || len(intents) != 1 || len(quotas) != 2 {
		b.t.Fatalf("%d capacities, %d budgets, %d quotas", len(capacity), len(intents), len(quotas))
	}
	ten := int64(10)
	rows = []*account{
		{duoyun.HoldContract, "contracts", b.ID("SQ-C-1"), &ten, 0, true}, {duoyun.HoldContract, "contracts", b.ID("SQ-C-2"), nil, 0, true},
		{duoyun.HoldContract, "contracts", closed.ID, nil, 0, false},
		{duoyun.HoldPool, "pool_capacity", capacity[0].ID, &ten, 0, true}, {duoyun.HoldPool, "pool_capacity", capacity[1].ID, nil, 0, true},
		{duoyun.HoldBudget, "budgets", b.ID("budget"), &ten, 0, true}, {duoyun.HoldBudget, "budgets", intents[0].ID, nil, 0, true},
		{duoyun.HoldQuota, "quotas", quotas[0].ID, &ten, 0, true}, {duoyun.HoldQuota, "quotas", quotas[1].ID, nil, 0, true},
	}
	for _, a := range rows {
		b.exec(`UPDATE `+a.table+` SET lim = $1 WHERE id = $2`, a.limit, a.id)
	}
	return rows
}

func (b *bench) used(a *account) int64 {
	b.t.Helper()
	return b.count(`SELECT used FROM `+a.table+` WHERE id = $1`, a.id)
}

// charge is the guards' rule: in the order given, up to a row with too little left. Giving back always passes, but a
// row never falls below nought: that is an error.
func charge(rows []*account, amounts []quota.Amount) (short int, negative bool) {
	for i, x := range amounts {
		n := slices.IndexFunc(rows, func(a *account) bool { return a.id == x.RowID && a.kind == x.Kind })
		if n < 0 {
			return i, false
		}
		a := rows[n]
		if x.Add > 0 && (!a.open || a.limit != nil && a.used+x.Add > *a.limit) {
			return i, false
		}
		if a.used += x.Add; a.used < 0 {
			return -1, true
		}
	}
	return -1, false
}

var errUndo = errors.New("undone")

// SQLite runs a guard a statement and PostgreSQL a function of its own: they agree with one model, row by row, whatever
// is charged and given back in whatever order.
func TestTheGuardsAreTheSameOnBothEngines(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		rows := b.accounts()
		property(t, func(t *rapid.T) {
			var amounts []quota.Amount
			for range rapid.IntRange(0, 6).Draw(t, "amounts") {
				a := rapid.SampledFrom(rows).Draw(t, "row")
				x := quota.Amount{Kind: a.kind, RowID: a.id, Add: rapid.Int64Range(-4, 6).Draw(t, "add")}
				switch rapid.IntRange(0, 20).Draw(t, "odd") {
				case 0:
					x.RowID = newID()
				case 1:
					x.Kind = rapid.SampledFrom([]duoyun.HoldKind{duoyun.HoldContract, duoyun.HoldPool, duoyun.HoldBudget, duoyun.HoldQuota}).Draw(t, "kind")
				}
				amounts = append(amounts, x)
			}
			before := make([]int64, len(rows))
			for i, a := range rows {
				before[i] = a.used
			}
			want, negative := charge(rows, amounts)
			var short int
			err := b.InTx(b.ctx, func(tx *sql.Tx) (err error) {
				if short, err = b.Charge(b.ctx, tx, amounts); err == nil && short >= 0 {
					return errUndo // as the services do with a shortage
				}
				return err
			})
			undone := want >= 0 || negative
			if undone {
				for i, a := range rows {
					a.used = before[i]
				}
			}
			if negative != (err != nil && !errors.Is(err, errUndo)) || !negative && short != want {
				t.Fatalf("%+v: short of %d, %v; want %d, negative %v", amounts, short, err, want, negative)
			}
			for _, a := range rows {
				if got := b.used(a); got != a.used {
					t.Fatalf("%s: %d used, want %d after %+v", a.kind, got, a.used, amounts)
				}
			}
		})
	})
}

// Sums beyond 64 bits are an error, never a row that turns negative, a fraction, or free again.
func TestAChargeBeyondAllNumbersChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, a := range b.accounts() {
			if a.limit != nil || !a.open {
				continue
			}
			b.exec(`UPDATE `+a.table+` SET used = 5 WHERE id = $1`, a.id)
			err := b.InTx(b.ctx, func(tx *sql.Tx) error {
				short, err := b.Charge(b.ctx, tx, []quota.Amount{{Kind: a.kind, RowID: a.id, Add: math.MaxInt64}})
				if err == nil && short < 0 {
					t.Errorf("%s took %d beside 5", a.kind, int64(math.MaxInt64))
				}
				return errors.Join(err, errUndo)
			})
			if n := b.used(a); n != 5 || err == nil {
				t.Errorf("%s: %d used, %v", a.kind, n, err)
			}
		}
	})
}

func TestConcurrentChargesTakeExactlyWhatThereIs(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, a := range b.accounts() {
			if a.limit == nil {
				continue
			}
			var taken atomic.Int64
			together(16, func(int) {
				err := b.InTx(b.ctx, func(tx *sql.Tx) error {
					short, err := b.Charge(b.ctx, tx, []quota.Amount{{Kind: a.kind, RowID: a.id, Add: 1}})
					if err == nil && short >= 0 {
						err = errUndo
					}
					return err
				})
				if err == nil {
					taken.Add(1)
				} else if !errors.Is(err, errUndo) {
					t.Error(err)
				}
			})
			if n := b.used(a); taken.Load() != 10 || n != 10 {
				t.Errorf("%s of 10: %d taken, %d used", a.kind, taken.Load(), n)
			}
		}
	})
}

// No limit is set below what is used, nor a missing row called limited.
func TestALimitBelowWhatIsUsedIsNotWritten(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		rows := b.accounts()
		for _, a := range rows {
			b.exec(`UPDATE `+a.table+` SET used = 7 WHERE id = $1`, a.id)
		}
		for n, want := range map[int64]bool{6: false, 7: true, 8: true} {
			b.tx(func(tx *sql.Tx) error {
				contract, err1 := b.Contract(b.ctx, tx, "SQ-C-1")
				contract.Ceiling = duoyun.Fen(n)
				got := map[string]bool{}
				var err2, err3, err4, err5 error
				got["contract"], err2 = b.UpdateContract(b.ctx, tx, contract)
				got["pool"], err3 = b.SetCapacity(b.ctx, tx, b.ID("jd-1"), duoyun.QuotaVCPU, &n)
				got["budget"], err4 = b.IssueBudget(b.ctx, tx, b.ID("budget"), duoyun.Fen(n))
				got["quota"], err5 = b.SetQuotaLimit(b.ctx, tx, rows[7].id, &n)
				same(t, "limits written", got, map[string]bool{"contract": want, "pool": want, "budget": want, "quota": want})
				return errors.Join(err1, err2, err3, err4, err5)
			})
		}
		b.tx(func(tx *sql.Tx) error {
			free, err := b.SetQuotaLimit(b.ctx, tx, rows[7].id, nil)
			none, err2 := b.SetQuotaLimit(b.ctx, tx, newID(), nil)
			if !free || none {
				t.Errorf("a limit taken away %v, of a quota that is not there %v", free, none)
			}
			return errors.Join(err, err2)
		})
	})
}

// Several transactions that need the same missing rows at once make each once.
func TestMissingRowsAreMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		var keys []quota.QuotaKey
		for _, d := range duoyun.Dimensions() {
			keys = append(keys, quota.QuotaKey{AgencyID: b.ID(storetest.Edu), Dimension: d}, quota.QuotaKey{AgencyID: b.ID(storetest.Data), Dimension: d})
		}
		together(12, func(i int) {
			mine := slices.Clone(keys)
			if i%2 == 1 {
				slices.Reverse(mine)
			}
			err := b.InTx(b.ctx, func(tx *sql.Tx) error {
				rows, err := b.QuotaRows(b.ctx, tx, mine)
				if len(rows) != len(keys) {
					t.Errorf("%d rows of %d", len(rows), len(keys))
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
		if n := b.count(`SELECT COUNT(*) FROM quotas WHERE agency_id = $1`, b.ID(storetest.Edu)); n != int64(len(duoyun.Dimensions())) {
			t.Errorf("%d rows of one agency", n)
		}
	})
}

// A hold names the row it charged: it is released there, and the sums are told to be right only when they are.
func TestHoldsAreLiveUntilTheyEndAndAddUp(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		o, rs := b.order(2)
		_, other := b.order(1)
		mk := func(r duoyun.Resource, state duoyun.HoldState, amount int64) duoyun.Hold {
			return duoyun.Hold{ID: newID(), OrderID: r.OrderID, ResourceID: r.ID, Kind: duoyun.HoldBudget, RowID: b.ID("budget"), Amount: amount, State: state}
		}
		hs := []duoyun.Hold{mk(rs[0], duoyun.HoldHeld, 1), mk(rs[0], duoyun.HoldCommitted, 2), mk(rs[0], duoyun.HoldAccrued, 4),
			mk(rs[0], duoyun.HoldReleased, 8), mk(rs[1], duoyun.HoldHeld, 16), mk(other[0], duoyun.HoldHeld, 32)}
		b.tx(func(tx *sql.Tx) error { return b.InsertHolds(b.ctx, tx, hs) })
		live := func(orderID string, ids ...string) (sum int64) {
			b.tx(func(tx *sql.Tx) error {
				got, err := b.LiveHolds(b.ctx, tx, ids, orderID)
				for _, h := range got {
					sum += h.Amount
				}
				if !slices.IsSortedFunc(got, func(x, y duoyun.Hold) int { return slices.Compare([]byte(x.ID), []byte(y.ID)) }) {
					t.Error("holds are not locked in the order of their ids")
				}
				return err
			})
			return sum
		}
		ids := []string{rs[0].ID, rs[1].ID, other[0].ID}
		if a, b := live("", ids...), live(o.ID, ids...); a != 1+2+16+32 || b != 1+2+16 {
			t.Errorf("live: %d of any order, %d of one", a, b)
		}
		wrong, err := b.HoldMismatches(b.ctx)
		if err != nil || len(wrong) != 1 || wrong[0] != (quota.Mismatch{Kind: duoyun.HoldBudget, RowID: b.ID("budget"), Used: 0, Held: 1 + 2 + 4 + 16 + 32}) {
			t.Errorf("mismatches %+v, %v", wrong, err)
		}
		b.exec(`UPDATE budgets SET used = 55 WHERE id = $1`, b.ID("budget"))
		if wrong, err = b.HoldMismatches(b.ctx); err != nil || len(wrong) != 0 {
			t.Errorf("mismatches %+v, %v", wrong, err)
		}
		b.tx(func(tx *sql.Tx) error {
			return errors.Join(b.CommitHolds(b.ctx, tx, []string{rs[1].ID}), b.EndHolds(b.ctx, tx, []string{hs[0].ID, hs[4].ID}), b.EndHolds(b.ctx, tx, nil))
		})
		if n := live("", ids...); n != 2+32 {
			t.Errorf("%d live after two ended", n)
		}
	})
}
