package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/duoyun/duoyun"
)

// Audit inserts an entry in the transaction it describes.
func (s *Store) Audit(ctx context.Context, tx *sql.Tx, e duoyun.AuditEntry) error {
	if e.At.IsZero() {
		e.At = s.now()
	}
	if e.ID == "" {
		e.ID = duoyun.NewID(e.At)
	}
	return later(ctx, tx, nil, `INSERT INTO audit_entries (id, at, actor_id, actor, action, subject, key, detail, trace_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.ID, ts(e.At), e.ActorID, e.Actor, e.Action, e.Subject, e.Key, string(e.Detail), e.TraceID)
}

// Recall returns the id of what an earlier call with the same key made, "" when there was none, and a conflict when the
// key was used with another route or body. Keys older than 7 days are forgotten.
func (s *Store) Recall(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once) (string, error) {
	if once.Key == "" {
		return "", nil
	}
	var route, body, id string
	err := tx.QueryRowContext(ctx, `SELECT route, body_hash, result_id FROM idempotency_keys
		WHERE actor_id = $1 AND key = $2 AND created_at > $3`,
		actor.UserID, once.Key, ts(s.now().Add(-onceKept))).Scan(&route, &body, &id)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("recall: %w", err)
	case route != once.Route || body != once.BodyHash:
		return "", duoyun.Fail(duoyun.CodeConflict, "Idempotency-Key", "该幂等键已用于另一请求：%s", "this idempotency key was used for another request: %s", once.Key)
	}
	return id, nil
}

// onceKept is how long an idempotency key is remembered.
const onceKept = 7 * 24 * time.Hour

// Remember keeps the id of what a call made. A concurrent call with the same key is a conflict: it may be repeated.
func (s *Store) Remember(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once, id string) error {
	if once.Key == "" {
		return nil
	}
	now := s.now()
	busy := func(n int64, err error) error {
		if err == nil && n == 0 {
			return duoyun.Fail(duoyun.CodeConflict, "Idempotency-Key", "相同幂等键的请求正在处理，请重试", "a request with this idempotency key is under way: try again")
		}
		return err
	}
	return later(ctx, tx, busy, `INSERT INTO idempotency_keys (actor_id, key, route, body_hash, result_id, created_at)
		VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (actor_id, key) DO UPDATE SET route = excluded.route, body_hash = excluded.body_hash,
			result_id = excluded.result_id, created_at = excluded.created_at WHERE idempotency_keys.created_at <= $7`,
		actor.UserID, once.Key, once.Route, once.BodyHash, id, ts(now), ts(now.Add(-onceKept)))
}

// Forget deletes idempotency keys past their time, a batch at a call; it returns how many.
func (s *Store) Forget(ctx context.Context, tx *sql.Tx, batch int) (int64, error) {
	return exec(ctx, tx, `DELETE FROM idempotency_keys WHERE (actor_id, key) IN
		(SELECT actor_id, key FROM idempotency_keys WHERE created_at <= $1 LIMIT $2)`, ts(s.now().Add(-onceKept)), batch)
}

// Setting reads a setting of the platform; "" when it was never set.
func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	var v string
	err := s.reader().QueryRowContext(ctx, `SELECT value FROM settings WHERE name = $1`, name).Scan(&v)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return v, err
}

// SetSetting writes a setting of the platform.
func (s *Store) SetSetting(ctx context.Context, tx *sql.Tx, name, value string) error {
	_, err := exec(ctx, tx, `INSERT INTO settings (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}
