package quota_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store/storetest"
)

func sorted(ids []string) []string { slices.Sort(ids); return ids }

// Sixty-four workers of three agencies want four times what the city's quota has. Half of them release what they took in
// every second round, in a transaction of its own, so that holds and releases meet on the same rows. The rows of two
// agencies do not exist before.
func TestSixtyFourWorkersNeverOversellAndNeverDeadlock(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		const workers, rounds, limit = 64, roundsEach, 16 * roundsEach
		setLimit(t, b, storetest.City, duoyun.QuotaServers, limit)
		codes := []string{storetest.HRSS, storetest.Data, storetest.Edu}
		agencies, orders, units := make([]duoyun.Agency, 3), make([]string, 3), make([][]string, 3)
		for i, code := range codes {
			agencies[i] = b.agency(t, code)
			orders[i], units[i] = b.order(t, code, workers*rounds)
		}
		template := b.server(t, "")
		var runs, calls, held atomic.Int64
		failed := make(chan error, workers)
		tx := func(f func(tx *sql.Tx) error) error {
			calls.Add(1)
			return b.Store.InTx(context.Background(), func(tx *sql.Tx) error { runs.Add(1); return f(tx) })
		}
		work := func(w int) error {
			for r := range rounds {
				i := (w + r) % 3
				c := template
				c.ResourceID, c.Agency = units[i][w*rounds+r], agencies[i]
				err := tx(func(tx *sql.Tx) error { return b.svc.Hold(context.Background(), tx, orders[i], []quota.Charge{c}) })
				switch {
				case duoyun.CodeOf(err) == duoyun.CodeShortage:
					continue
				case err != nil:
					return fmt.Errorf("worker %d: %w", w, err)
				}
				held.Add(1)
				if w%2 == 0 || r%2 == 1 {
					continue
				}
				free := []quota.Free{{ResourceID: c.ResourceID}}
				if err := tx(func(tx *sql.Tx) error { return b.svc.Release(context.Background(), tx, free) }); err != nil {
					return fmt.Errorf("worker %d: %w", w, err)
				}
				held.Add(-1)
			}
			return nil
		}
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				if err := work(w); err != nil {
					failed <- err
				}
			})
		}
		all.Wait()
		close(failed)
		for err := range failed {
			t.Error(err)
		}
		if runs.Load() != calls.Load() {
			t.Errorf("%d transactions ran %d times: some deadlocked", calls.Load(), runs.Load())
		}
		if n := held.Load(); n > limit || n == 0 {
			t.Errorf("%d units are held of %d", n, limit)
		}
		b.wantUsed(t, map[string]int64{"pool": 121 * held.Load(), "contract": 100_000 * held.Load(), "quota": 2 * 121 * held.Load()})
	})
}

// Two releases of one resource at the same time give it back once.
func TestConcurrentReleasesOfOneResourceGiveItBackOnce(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		order, rs := b.order(t, storetest.HRSS, 2)
		if err := b.hold(order, b.server(t, rs[0]), b.server(t, rs[1])); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				err := b.Store.InTx(context.Background(), func(tx *sql.Tx) error {
					return b.svc.Release(context.Background(), tx, []quota.Free{{ResourceID: rs[0]}})
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		b.wantUsed(t, map[string]int64{"contract": 100_000, "pool": 121, "quota": 242})
	})
}
