package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// Gauge is one number about the whole house, for metrics.
type Gauge struct {
	Name  string // orders, intents, resources, holds_fen, findings
	State string
	Value int64
}

// Gauges counts rows by state. Each count walks an index of its table, so callers keep the answer for some seconds.
func (s *Store) Gauges(ctx context.Context) ([]Gauge, error) {
	var all []Gauge
	for _, q := range []struct{ name, query string }{
		{"orders", `SELECT state, COUNT(*) FROM orders GROUP BY state`},
		{"intents", `SELECT state, COUNT(*) FROM intents WHERE state IN ('waiting', 'intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched') GROUP BY state`},
		{"holds_fen", `SELECT state, SUM(amount) FROM holds WHERE kind = 'contract' GROUP BY state`},
		{"findings", `SELECT state, COUNT(*) FROM findings GROUP BY state`},
	} {
		rows, err := collect(ctx, s.reader(), func(r row) (g Gauge, err error) {
			g.Name = q.name
			return g, r.Scan(&g.State, &g.Value)
		}, q.query)
		if err != nil {
			return nil, fmt.Errorf("gauge %s: %w", q.name, err)
		}
		all = append(all, rows...)
	}
	return all, nil
}

// Waiting gives, by pool, when the oldest purchase that is not at its end was placed, and since when the longest due one
// waits for a worker. It walks the index of open intents.
func (s *Store) Waiting(ctx context.Context) (map[string]duoyun.PoolHealth, error) {
	out := map[string]duoyun.PoolHealth{}
	return out, each(ctx, s.reader(), func(r row) error {
		var h duoyun.PoolHealth
		err := r.Scan(&h.PoolID, at(&h.OldestWaiting), at(&h.OldestDue))
		out[h.PoolID] = h
		return err
	}, `SELECT pool_id, MIN(created_at), MIN(CASE WHEN wake_at <= $1 THEN wake_at END) FROM intents
		WHERE state IN ('intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched') GROUP BY pool_id`, ts(s.now()))
}

// QueueAges is how long the next job of each queue has been due; queues without a due job are left out.
func (s *Store) QueueAges(ctx context.Context) (map[string]time.Duration, error) {
	out := map[string]time.Duration{}
	for _, queue := range []string{broker.PlaceJob{}.Kind(), broker.PurchaseJob{}.Kind()} {
		var due time.Time
		err := s.reader().QueryRowContext(ctx, `SELECT scheduled_at FROM river_job WHERE state = 'available' AND queue = $1
			ORDER BY priority, scheduled_at, id LIMIT 1`, queue).Scan(&due)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("age of queue %s: %w", queue, err)
		}
		if age := s.now().Sub(due); err == nil && age > 0 {
			out[queue] = age
		}
	}
	return out, nil
}
