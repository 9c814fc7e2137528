package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// openStates are those of an intent that is not at its end.
const openStates = `('waiting', 'intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched')`

// recordedColumns are a resource with whether an intent of it is open, and when one last moved.
const recordedColumns = resourceColumns + `, EXISTS (SELECT 1 FROM intents i WHERE i.resource_id = r.id AND i.state IN ` + openStates + `),
	(SELECT MAX(i.updated_at) FROM intents i WHERE i.resource_id = r.id)`

func scanRecorded(r row) (x broker.Recorded, err error) {
	x.Resource, err = scanResource(withMore{r, []any{&x.Open, at(&x.MovedAt)}})
	return x, err
}

// withMore scans further columns behind a noun's own.
type withMore struct {
	row
	more []any
}

func (m withMore) Scan(dest ...any) error { return m.row.Scan(append(dest, m.more...)...) }

// Recorded reads resources by id.
func (s *Store) Recorded(ctx context.Context, ids []string) (map[string]broker.Recorded, error) {
	out := make(map[string]broker.Recorded, len(ids))
	if len(ids) == 0 {
		return out, nil
	}
	err := each(ctx, s.reader(), func(r row) error {
		x, err := scanRecorded(r)
		out[x.Resource.ID] = x
		return err
	}, `SELECT `+recordedColumns+` FROM resources r WHERE `+among("r.id", 1, len(ids)), anys(ids)...)
	return out, err
}

// LiveInPool lists a pool's live resources of a kind that have a vendor id, by vendor id after the given one.
func (s *Store) LiveInPool(ctx context.Context, poolID string, kind duoyun.Kind, after string, limit int) ([]broker.Recorded, error) {
	return collect(ctx, s.reader(), scanRecorded, `SELECT `+recordedColumns+` FROM resources r
		WHERE r.pool_id = $1 AND r.kind = $2 AND r.vendor_id > $3 AND r.state IN ('delivered', 'running', 'stopped', 'updating')
		ORDER BY r.vendor_id LIMIT $4`, poolID, string(kind), after, limit)
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

// WatchPool brings a pool's next reconciliation forward to at the latest at.
func (s *Store) WatchPool(ctx context.Context, tx *sql.Tx, poolID string, at time.Time) error {
	_, err := exec(ctx, tx, `UPDATE pools SET reconcile_at = $1 WHERE id = $2 AND reconcile_at > $1`, ts(at), poolID)
	return err
}

// Superseded reports whether a purchase in a pool was given up since then, though it had been sent: a step of it was
// proven absent, or it failed with a step whose outcome nobody knows.
func (s *Store) Superseded(ctx context.Context, tx *sql.Tx, poolID string, since time.Time) (yes bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM intent_steps s JOIN intents i ON i.id = s.intent_id
			WHERE s.outcome = 'absent' AND s.replied_at >= $2 AND i.pool_id = $1)
		OR EXISTS (SELECT 1 FROM intent_steps s JOIN intents i ON i.id = s.intent_id
			WHERE s.outcome IN ('sent', 'in_doubt') AND i.pool_id = $1 AND i.state IN ('failed', 'compensated') AND i.updated_at >= $2)`,
		poolID, ts(since)).Scan(&yes)
	return yes, err
}

// FindRun reads a pool's run that is not at its end; its Version is 0 where there is none.
func (s *Store) FindRun(ctx context.Context, poolID string) (broker.Run, error) {
	run := broker.Run{PoolID: poolID}
	var seed int64
	err := s.reader().QueryRowContext(ctx, `SELECT version, seed, started_at, kind, listed, whole, position, page, tally, tally_before
		FROM reconcile_runs WHERE pool_id = $1`, poolID).Scan(&run.Version, &seed, at(&run.StartedAt), &run.Kind, &run.Listed, &run.Whole,
		&run.Cursor, &run.Page, into(&run.Tally), into(&run.Before))
	if errors.Is(err, sql.ErrNoRows) {
		return run, nil
	}
	run.Seed = uint64(seed)
	return run, err
}

// SaveRun writes how far a run has come, with the hashes of what its last page showed, while nobody else has moved it.
func (s *Store) SaveRun(ctx context.Context, tx *sql.Tx, run broker.Run, page []uint64) error {
	busy := duoyun.Fail(duoyun.CodeConflict, "", "该资源池正在对账", "the pool is being reconciled by somebody else")
	err := must1(ctx, tx, busy, `INSERT INTO reconcile_runs (pool_id, version, seed, started_at, kind, listed, whole, position, page, tally, tally_before)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (pool_id) DO UPDATE SET version = excluded.version, seed = excluded.seed, started_at = excluded.started_at,
			kind = excluded.kind, listed = excluded.listed, whole = excluded.whole, position = excluded.position, page = excluded.page,
			tally = excluded.tally, tally_before = excluded.tally_before
		WHERE reconcile_runs.version = $12`, run.PoolID, run.Version+1, int64(run.Seed), ts(run.StartedAt), string(run.Kind), run.Listed, run.Whole,
		run.Cursor, run.Page, asJSON(run.Tally), asJSON(run.Before), run.Version)
	if err != nil || page == nil {
		return err
	}
	if run.Page == 1 {
		if _, err := exec(ctx, tx, `DELETE FROM reconcile_pages WHERE pool_id = $1`, run.PoolID); err != nil {
			return err
		}
	}
	hashes := make([]byte, 0, 8*len(page))
	for _, h := range page {
		hashes = binary.LittleEndian.AppendUint64(hashes, h)
	}
	_, err = exec(ctx, tx, `INSERT INTO reconcile_pages (pool_id, page, hashes) VALUES ($1, $2, $3)`, run.PoolID, run.Page, hashes)
	return err
}

// Pages gives the hashes that the pages of a run's present kind have shown.
func (s *Store) Pages(ctx context.Context, poolID string, f func(page []uint64)) error {
	return each(ctx, s.reader(), func(r row) error {
		var hashes []byte
		if err := r.Scan(&hashes); err != nil {
			return err
		}
		page := make([]uint64, len(hashes)/8)
		for i := range page {
			page[i] = binary.LittleEndian.Uint64(hashes[8*i:])
		}
		f(page)
		return nil
	}, `SELECT hashes FROM reconcile_pages WHERE pool_id = $1`, poolID)
}

// EndRun forgets a run.
func (s *Store) EndRun(ctx context.Context, tx *sql.Tx, run broker.Run) error {
	for _, query := range []string{`DELETE FROM reconcile_pages WHERE pool_id = $1`, `DELETE FROM reconcile_runs WHERE pool_id = $1`} {
		if _, err := exec(ctx, tx, query, run.PoolID); err != nil {
			return err
		}
	}
	return nil
}
