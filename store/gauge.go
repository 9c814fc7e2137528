package store

import (
	"context"
	"fmt"
	"time"
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

// JobLag is how long the longest due intent has waited for a worker; 0 when none is due.
func (s *Store) JobLag(ctx context.Context) (time.Duration, error) {
	var due time.Time
	err := s.reader().QueryRowContext(ctx, `SELECT MIN(wake_at) FROM intents
		WHERE state IN ('intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent')`).Scan(at(&due))
	if err != nil || due.IsZero() {
		return 0, err
	}
	return max(0, s.now().Sub(due)), nil
}
