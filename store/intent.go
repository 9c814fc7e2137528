package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

const intentColumns = `i.id, i.order_id, i.resource_id, i.pool_id, i.kind, i.op, i.before_spec, i.after_spec, i.months, i.paid_until,
	i.state, i.step, i.generation, i.owner, i.lease_until, i.wake_at, i.attempt, i.reason, i.doubt, i.compensate, i.created_at, i.updated_at`

func scanIntent(r row) (in duoyun.Intent, err error) {
	var before, after string
	err = r.Scan(&in.ID, opt(&in.OrderID), &in.ResourceID, &in.PoolID, &in.Kind, &in.Op, &before, &after, &in.Months,
		at(&in.PaidUntil), &in.State, &in.Step, &in.Generation, &in.Owner, at(&in.LeaseUntil), at(&in.WakeAt), &in.Attempt, &in.Reason, into(&in.Doubt), &in.Compensate,
		at(&in.CreatedAt), at(&in.UpdatedAt))
	if err != nil {
		return in, err
	}
	if in.Before, err = decodeSpec(in.Kind, before); err != nil {
		return in, err
	}
	in.After, err = decodeSpec(in.Kind, after)
	return in, err
}

func noIntent(id string) error { return duoyun.NotFound("采购意图", "purchase intent", id) }

// Intent reads an intent.
func (s *Store) Intent(ctx context.Context, id string) (duoyun.Intent, error) {
	return one(ctx, s.reader(), scanIntent, noIntent(id), `SELECT `+intentColumns+` FROM intents i WHERE i.id = $1`, id)
}

// LockIntent reads an intent and holds it until the transaction ends.
func (s *Store) LockIntent(ctx context.Context, tx *sql.Tx, id string) (duoyun.Intent, error) {
	return one(ctx, tx, scanIntent, noIntent(id), s.lock(`SELECT `+intentColumns+` FROM intents i WHERE i.id = $1`), id)
}

// LatestIntent reads the newest intent of a resource, outside any transaction.
func (s *Store) LatestIntent(ctx context.Context, resourceID string) (duoyun.Intent, error) {
	return one(ctx, s.reader(), scanIntent, noIntent(resourceID), `SELECT `+intentColumns+` FROM intents i WHERE i.resource_id = $1
		ORDER BY i.created_at DESC, i.id DESC LIMIT 1`, resourceID)
}

// OrderIntents lists the intents of an order by id.
func (s *Store) OrderIntents(ctx context.Context, tx *sql.Tx, orderID string) ([]duoyun.Intent, error) {
	return collect(ctx, tx, scanIntent, `SELECT `+intentColumns+` FROM intents i WHERE i.order_id = $1 ORDER BY i.id`, orderID)
}

// InsertIntents writes new intents. A second one that is not at its end for the same resource is a conflict.
func (s *Store) InsertIntents(ctx context.Context, tx *sql.Tx, intents []duoyun.Intent) error {
	rows := make([][]any, len(intents))
	for i, in := range intents {
		if in.WakeAt.IsZero() {
			in.WakeAt = s.now()
		}
		rows[i] = []any{in.ID, null(in.OrderID), in.ResourceID, in.PoolID, string(in.Kind), string(in.Op),
			string(duoyun.EncodeSpec(in.Before)), string(duoyun.EncodeSpec(in.After)), in.Months, ts(in.PaidUntil), string(in.State), in.Step, in.Generation,
			in.Owner, ts(in.LeaseUntil), ts(in.WakeAt), in.Attempt, in.Reason, asJSON(in.Doubt), in.Compensate,
			ts(in.CreatedAt), ts(in.UpdatedAt)}
	}
	busy := duoyun.Fail(duoyun.CodeConflict, "", "该资源已有办理中的采购", "the resource has a purchase under way already")
	return insertRows(ctx, tx, orDuplicate(busy), `INSERT INTO intents (id, order_id, resource_id, pool_id, kind, op, before_spec, after_spec, months, paid_until,
		state, step, generation, owner, lease_until, wake_at, attempt, reason, doubt, compensate, created_at, updated_at) VALUES`, rows)
}

// SaveIntent writes what moves of an intent while the row has the state and owner of was: the compare-and-set of the
// purchase protocol.
func (s *Store) SaveIntent(ctx context.Context, tx *sql.Tx, was broker.Lease, in duoyun.Intent) error {
	return later1(ctx, tx, broker.LostLease{}, `UPDATE intents SET state = $1, step = $2, generation = $3, owner = $4, lease_until = $5,
		wake_at = $6, attempt = $7, reason = $8, doubt = $9, updated_at = $10 WHERE id = $11 AND state = $12 AND owner = $13`,
		string(in.State), in.Step, in.Generation, in.Owner, ts(in.LeaseUntil), ts(in.WakeAt), in.Attempt, in.Reason,
		asJSON(in.Doubt), ts(in.UpdatedAt), in.ID, string(was.State), was.Owner)
}

// IntentSteps lists the steps an intent has sent, by ordinal and generation.
func (s *Store) IntentSteps(ctx context.Context, tx *sql.Tx, intentID string) ([]duoyun.IntentStep, error) {
	return collect(ctx, tx, scanStep, `SELECT intent_id, ordinal, generation, name, token, vendor_id, order_ref, request_id, sent_at,
		replied_at, outcome FROM intent_steps WHERE intent_id = $1 ORDER BY ordinal, generation`, intentID)
}

func scanStep(r row) (st duoyun.IntentStep, err error) {
	err = r.Scan(&st.IntentID, &st.Ordinal, &st.Generation, &st.Name, &st.Token, &st.VendorID, &st.OrderID, &st.RequestID,
		at(&st.SentAt), at(&st.RepliedAt), &st.Outcome)
	return st, err
}

// SaveStep writes a step. Repeating a generation's step keeps the time of its first send, from which the life of its
// token counts, and never forgets an id.
func (s *Store) SaveStep(ctx context.Context, tx *sql.Tx, st duoyun.IntentStep) error {
	return later(ctx, tx, nil, `INSERT INTO intent_steps (intent_id, ordinal, generation, name, token, vendor_id, order_ref, request_id,
		sent_at, replied_at, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (intent_id, ordinal, generation) DO UPDATE SET
			vendor_id = CASE WHEN excluded.vendor_id = '' THEN intent_steps.vendor_id ELSE excluded.vendor_id END,
			order_ref = CASE WHEN excluded.order_ref = '' THEN intent_steps.order_ref ELSE excluded.order_ref END,
			request_id = CASE WHEN excluded.request_id = '' THEN intent_steps.request_id ELSE excluded.request_id END,
			replied_at = excluded.replied_at, outcome = excluded.outcome`,
		st.IntentID, st.Ordinal, st.Generation, st.Name, st.Token, st.VendorID, st.OrderID, st.RequestID, ts(st.SentAt),
		ts(st.RepliedAt), st.Outcome)
}

// Subject reads the resource of an intent with what it hangs on.
func (s *Store) Subject(ctx context.Context, tx *sql.Tx, resourceID string) (broker.Subject, error) {
	var sub broker.Subject
	var err error
	sub.Resource, err = one(ctx, tx, scanResource, noResource(resourceID), `SELECT `+resourceColumns+` FROM resources r WHERE r.id = $1`, resourceID)
	if err != nil {
		return sub, err
	}
	if sub.Login, err = loginOf(ctx, tx, sub.Resource); err != nil {
		return sub, err
	}
	links, err := collect(ctx, tx, scanLink, `SELECT child_id, parent_id, relation FROM resource_links WHERE child_id = $1 ORDER BY parent_id, relation`, resourceID)
	if err != nil || len(links) == 0 {
		return sub, err
	}
	parents, err := collect(ctx, tx, scanResource, `SELECT `+resourceColumns+` FROM resources r
		WHERE r.id IN (SELECT l.parent_id FROM resource_links l WHERE l.child_id = $1)`, resourceID)
	byID := map[string]duoyun.Resource{}
	for _, p := range parents {
		byID[p.ID] = p
	}
	for _, l := range links {
		sub.Parents = append(sub.Parents, broker.Above{Relation: l.Relation, Resource: byID[l.ParentID]})
	}
	return sub, err
}

// loginOf reads how the line that a resource was ordered with wants people to log in; most kinds have nothing to log in to.
func loginOf(ctx context.Context, tx *sql.Tx, r duoyun.Resource) (string, error) {
	if !slices.Contains([]duoyun.Kind{duoyun.KindServer, duoyun.KindDatabase, duoyun.KindCache}, r.Kind) || r.OrderID == "" {
		return "", nil
	}
	doc, err := requested(ctx, tx, r.OrderID)
	line, _ := doc.Line(r.Line)
	return line.Login, err
}

// Sentinel finds a live resource of ours beside r, of its kind and in its pool: the next by vendor id after the given
// one, and around.
func (s *Store) Sentinel(ctx context.Context, r duoyun.Resource, after string) (string, error) {
	for _, from := range []string{after, ""} {
		var id string
		err := s.reader().QueryRowContext(ctx, `SELECT vendor_id FROM resources WHERE pool_id = $1 AND kind = $2 AND vendor_id > $3
			AND id <> $4 AND state IN ('delivered', 'running', 'stopped', 'updating') ORDER BY vendor_id LIMIT 1`,
			r.PoolID, string(r.Kind), from, r.ID).Scan(&id)
		if !errors.Is(err, sql.ErrNoRows) {
			return id, err
		}
		if from == "" {
			break
		}
	}
	return "", nil
}

// sweptAgain is how soon an intent whose lease ran out is given to a caller again.
const sweptAgain = 5 * time.Second

// DueIntents lists intents that nobody has though somebody should, and marks them so that each is told once in a while.
func (s *Store) DueIntents(ctx context.Context, tx *sql.Tx, now, lost time.Time, limit int) ([]string, error) {
	pick := `SELECT d.id FROM intents d WHERE d.state IN ('intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched')
		AND d.wake_at <= $2 AND (d.lease_until <= $3 OR (d.lease_until IS NULL AND d.wake_at <= $4)) ORDER BY d.wake_at LIMIT $5`
	if s.Engine == PostgreSQL {
		pick += ` FOR UPDATE SKIP LOCKED`
	}
	return collect(ctx, tx, scanText, `UPDATE intents SET wake_at = $1 WHERE id IN (`+pick+`) RETURNING id`,
		ts(now), ts(now.Add(-sweptAgain)), ts(now), ts(lost), limit)
}

// HoldOrder holds an order's row until the transaction ends.
func (s *Store) HoldOrder(ctx context.Context, tx *sql.Tx, orderID string) error {
	_, err := one(ctx, tx, scanText, noOrder(orderID), s.lock(`SELECT id FROM orders WHERE id = $1`), orderID)
	return err
}

// RecordVendor writes what the vendor told of a resource.
func (s *Store) RecordVendor(ctx context.Context, tx *sql.Tx, r duoyun.Resource) error {
	return later1(ctx, tx, noResource(r.ID), `UPDATE resources SET vendor_id = $1, parts = $2, addresses = $3, observed = $4,
		paid_until = $5 WHERE id = $6`, r.VendorID, asJSON(r.Parts), asJSON(r.Addresses), string(r.Observed), ts(r.PaidUntil), r.ID)
}

// WaitingOn locks and lists the waiting intents that a resource's creation or deletion may let go on: creations of its
// children, or deletions of its parents.
func (s *Store) WaitingOn(ctx context.Context, tx *sql.Tx, resourceID string, op duoyun.Op) ([]duoyun.Intent, error) {
	next := `SELECT l.child_id FROM resource_links l WHERE l.parent_id = $1`
	if op == duoyun.OpDelete {
		next = `SELECT l.parent_id FROM resource_links l WHERE l.child_id = $1`
	}
	return collect(ctx, tx, scanIntent, s.lock(`SELECT `+intentColumns+` FROM intents i
		WHERE i.resource_id IN (`+next+`) AND i.state = 'waiting' AND i.op = $2 ORDER BY i.id`), resourceID, string(op))
}

// openBefore tells whether what has to come before waiting intent i is still open: the creation of a parent, or the
// deletion of a child.
const openBefore = `EXISTS (SELECT 1 FROM resource_links l JOIN intents p
	ON p.op = i.op AND p.state NOT IN ('verified', 'cancelled', 'failed', 'compensated')
	AND ((i.op = 'delete' AND l.parent_id = i.resource_id AND p.resource_id = l.child_id)
		OR (i.op <> 'delete' AND l.child_id = i.resource_id AND p.resource_id = l.parent_id))
	WHERE l.child_id = i.resource_id OR l.parent_id = i.resource_id)`

// Hindered reports whether a parent's creation, or a child's deletion, is still open before a waiting intent.
func (s *Store) Hindered(ctx context.Context, tx *sql.Tx, in duoyun.Intent) (bool, error) {
	var n int64
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM intents i WHERE i.id = $1 AND `+openBefore, in.ID).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("hindered: %w", err)
	}
	return n > 0, nil
}

// LeftWaiting lists intents that wait since before the given time though nothing hinders them, oldest first.
func (s *Store) LeftWaiting(ctx context.Context, before time.Time, limit int) ([]duoyun.Intent, error) {
	return collect(ctx, s.reader(), scanIntent, `SELECT `+intentColumns+` FROM intents i
		WHERE i.state = 'waiting' AND i.created_at <= $1 AND NOT `+openBefore+` ORDER BY i.created_at LIMIT $2`, ts(before), limit)
}
