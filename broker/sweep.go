package broker

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
)

const (
	// lostAfter is how long a wake-up may be late before it counts as lost: a worker was killed between storing an intent
	// and its job.
	lostAfter  = 15 * time.Second
	sweepBatch = 500
)

// Sweep wakes workers for intents that nobody has: a killed worker's lease has run out, or its wake-up was lost. Every
// replica may call it at any time, every few seconds and at start; a job too many is harmless.
func (p *Purchaser) Sweep(ctx context.Context) error {
	for {
		n := 0
		err := p.store.InTx(ctx, func(tx *sql.Tx) error {
			now := p.now()
			ids, err := p.store.DueIntents(ctx, tx, now, now.Add(-lostAfter), sweepBatch)
			if err != nil {
				return err
			}
			n = len(ids)
			jobs := make([]duoyun.Job, n)
			for i, id := range ids {
				jobs[i] = PurchaseJob{IntentID: id}
			}
			return p.store.Enqueue(ctx, tx, jobs...)
		})
		if err != nil || n < sweepBatch {
			return err
		}
	}
}
