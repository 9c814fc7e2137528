package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// movingColumn tells whether an intent of resource r is open, or moved since the time that the placeholder binds.
func movingColumn(since string) string {
	return `EXISTS (SELECT 1 FROM intents i WHERE i.resource_id = r.id AND (i.updated_at >= ` + since + `
		OR i.state IN ('waiting', 'intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched')))`
}

func scanRecorded(r row) (x broker.Recorded, err error) {
	x.Resource, err = scanResource(withMore{r, []any{&x.Moving}})
	return x, err
}

// withMore scans further columns behind a noun's own.
type withMore struct {
	row
	more []any
}

func (m withMore) Scan(dest ...any) error { return m.row.Scan(append(dest, m.more...)...) }

// Recorded reads resources by id, with whether the protocol is at work on each or was since the given time.
func (s *Store) Recorded(ctx context.Context, ids []string, since time.Time) (map[string]broker.Recorded, error) {
	out := make(map[string]broker.Recorded, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	err := each(ctx, s.reader(), func(r row) error {
		x, err := scanRecorded(r)
		out[x.Resource.ID] = x
		return err
	}, `SELECT `+resourceColumns+`, `+movingColumn("$1")+` FROM resources r WHERE `+among("r.id", 2, len(ids)), append([]any{ts(since)}, anys(ids)...)...)
	return out, err
}

// LiveInPool lists a pool's live resources of a kind that have a vendor id, by vendor id after the given one.
func (s *Store) LiveInPool(ctx context.Context, poolID string, kind duoyun.Kind, after string, since time.Time, limit int) ([]broker.Recorded, error) {
	return collect(ctx, s.reader(), scanRecorded, `SELECT `+resourceColumns+`, `+movingColumn("$1")+` FROM resources r
		WHERE r.pool_id = $2 AND r.kind = $3 AND r.vendor_id > $4 AND r.state IN ('delivered', 'running', 'stopped', 'updating')
		ORDER BY r.vendor_id LIMIT $5`, ts(since), poolID, string(kind), after, limit)
}

// TakeDuePool gives an active pool whose next reconciliation is due by now to one caller alone, until next; "" when none
// is due.
func (s *Store) TakeDuePool(ctx context.Context, tx *sql.Tx, now, next time.Time) (string, error) {
	const due = `active AND (reconcile_at IS NULL OR reconcile_at <= $1)`
	taken, err := collect(ctx, tx, scanText, `UPDATE pools SET reconcile_at = $2
		WHERE id = (SELECT id FROM pools WHERE `+due+` ORDER BY id LIMIT 1) AND `+due+` RETURNING id`, ts(now), ts(next))
	return first(taken), err
}

// ReconcileAgain says when a pool's next reconciliation is due.
func (s *Store) ReconcileAgain(ctx context.Context, tx *sql.Tx, poolID string, at time.Time) error {
	return must1(ctx, tx, noPool(poolID), `UPDATE pools SET reconcile_at = $1 WHERE id = $2`, ts(at), poolID)
}
