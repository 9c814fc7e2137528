package store

import (
	"context"
	"database/sql"
	"time"
)

// HeldOrders lists held orders that have no resources, oldest first.
func (s *Store) HeldOrders(ctx context.Context, after string, limit int) ([]string, error) {
	return collect(ctx, s.reader(), scanText, `SELECT o.id FROM orders o WHERE o.state = 'held' AND o.id > $1
		AND NOT EXISTS (SELECT 1 FROM resources r WHERE r.order_id = o.id) ORDER BY o.id LIMIT $2`, after, limit)
}

// CloseFindings closes the open findings of these kinds about one subject.
func (s *Store) CloseFindings(ctx context.Context, tx *sql.Tx, subject, id string, kinds []string, resolution, by string, now time.Time) ([]string, error) {
	return collect(ctx, tx, scanText, `UPDATE findings SET state = 'resolved', resolution = $1, resolved_by = $2, resolved_at = $3
		WHERE state = 'open' AND subject = $4 AND subject_id = $5 AND `+among("kind", 6, len(kinds))+` RETURNING id`,
		append([]any{resolution, by, ts(now), subject, id}, anys(kinds)...)...)
}

// LatePlacings lists orders that wait to be placed since before the given business time.
func (s *Store) LatePlacings(ctx context.Context, before time.Time, limit int) ([]string, error) {
	return collect(ctx, s.reader(), scanText, `SELECT id FROM orders WHERE state = 'placing' AND updated_at <= $1 ORDER BY id LIMIT $2`,
		ts(before), limit)
}
