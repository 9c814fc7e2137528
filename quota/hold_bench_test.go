package quota_test

import (
	"context"
	"database/sql"
	"sync"
	"testing"

	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store/storetest"
)

// BenchmarkHold takes the holds of one server on PostgreSQL, eight at a time as the placing queue does, under one shared
// quota root: contract, four capacities, two budgets, four quotas on two levels. Compare with `pgbench -N` on the server.
func BenchmarkHold(b *testing.B) {
	x := newBench(b, storetest.PostgreSQL(b, nil))
	x.tx(b, func(tx *sql.Tx) error {
		for _, q := range []string{`UPDATE contracts SET lim = NULL`, `UPDATE budgets SET lim = NULL`, `UPDATE quotas SET lim = NULL`} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	})
	var orders [8]string
	var units [8][]string
	for w := range orders {
		orders[w], units[w] = x.order(b, storetest.HRSS, b.N/8+1)
	}
	template := x.server(b, "")
	b.ResetTimer()
	var all sync.WaitGroup
	for w := range orders {
		all.Go(func() {
			for _, id := range units[w][:b.N/8] {
				c := template
				c.ResourceID = id
				err := x.Store.InTx(context.Background(), func(tx *sql.Tx) error {
					return x.svc.Hold(context.Background(), tx, orders[w], []quota.Charge{c})
				})
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "holds/s")
}
