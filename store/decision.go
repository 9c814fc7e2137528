package store

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// Supersede keeps the stored recommendation and choice of an order as d tells of it; an order without either keeps none.
// The row is copied where it lies: a recommendation is by far the largest part of an order.
func (s *Store) Supersede(ctx context.Context, tx *sql.Tx, d duoyun.OrderDecision) error {
	_, err := exec(ctx, tx, `INSERT INTO order_decisions (id, order_id, at, actor_id, actor, action, note, recommended, chosen, content_hash, total_fen)
		SELECT $1, o.id, $2, $3, $4, $5, $6, o.recommended, o.chosen, o.content_hash, o.total_fen
		FROM orders o WHERE o.id = $7 AND (o.recommended <> 'null' OR o.chosen NOT IN ('null', '[]'))`,
		d.ID, ts(d.At), d.ActorID, d.Actor, d.Action, d.Note, d.OrderID)
	return err
}

func scanDecision(r row) (d duoyun.OrderDecision, err error) {
	err = r.Scan(&d.ID, &d.OrderID, at(&d.At), &d.ActorID, &d.Actor, &d.Action, &d.Note, into(&d.Recommended), into(&d.Chosen),
		&d.ContentHash, &d.Total)
	return d, err
}

// Decisions lists what was superseded of an order, newest first.
func (s *Store) Decisions(ctx context.Context, orderID string, p duoyun.Page) (duoyun.Listing[duoyun.OrderDecision], error) {
	w := where{args: []any{orderID}, conds: []string{"d.order_id = $1"}}
	order := w.page("d.id", p)
	rows, err := collect(ctx, s.reader(), scanDecision, `SELECT d.id, d.order_id, d.at, d.actor_id, d.actor, d.action, d.note, d.recommended,
		d.chosen, d.content_hash, d.total_fen FROM order_decisions d`+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(d duoyun.OrderDecision) string { return d.ID }), err
}

// Failures lists the purchases of an order that failed for good, oldest first.
func (s *Store) Failures(ctx context.Context, tx *sql.Tx, orderID string) ([]broker.Failure, error) {
	return collect(ctx, tx, scanFailure, `SELECT r.line, r.ordinal, i.pool_id, i.reason FROM intents i JOIN resources r ON r.id = i.resource_id
		WHERE i.order_id = $1 AND i.op = 'create' AND i.state IN ('failed', 'compensated') ORDER BY i.id`, orderID)
}

func scanFailure(r row) (f broker.Failure, err error) {
	var line string
	var ordinal int
	err = r.Scan(&line, &ordinal, &f.PoolID, &f.Reason)
	f.Unit = duoyun.UnitName(line, ordinal)
	return f, err
}

// UnitMoney lists what the units of an order hold of budgets, held or committed.
func (s *Store) UnitMoney(ctx context.Context, tx *sql.Tx, orderID string) ([]broker.UnitMoney, error) {
	return collect(ctx, tx, scanUnitMoney, `SELECT h.resource_id, b.year, b.item, h.amount FROM holds h JOIN budgets b ON b.id = h.row_id
		WHERE h.order_id = $1 AND h.kind = 'budget' AND h.state IN ('held', 'committed') ORDER BY b.year, b.item, h.id`, orderID)
}

func scanUnitMoney(r row) (m broker.UnitMoney, err error) {
	err = r.Scan(&m.ResourceID, &m.Year, &m.Item, &m.Amount)
	return m, err
}

// OrderHolds sums what the units of an order hold, by row and state.
func (s *Store) OrderHolds(ctx context.Context, orderID string) ([]broker.HeldSum, error) {
	return collect(ctx, s.reader(), scanHeldSum, `SELECT h.kind, COALESCE(c.number, p.name, a.name), COALESCE(pc.dimension, q.dimension, ''),
			COALESCE(b.year, 0), COALESCE(b.item, ''), h.state, CAST(SUM(h.amount) AS BIGINT), COUNT(DISTINCT h.resource_id)
		FROM holds h
			LEFT JOIN contracts c ON h.kind = 'contract' AND c.id = h.row_id
			LEFT JOIN pool_capacity pc ON h.kind = 'pool' AND pc.id = h.row_id LEFT JOIN pools p ON p.id = pc.pool_id
			LEFT JOIN budgets b ON h.kind = 'budget' AND b.id = h.row_id
			LEFT JOIN quotas q ON h.kind = 'quota' AND q.id = h.row_id
			LEFT JOIN agencies a ON a.id = COALESCE(b.payer_id, q.agency_id)
		WHERE h.order_id = $1 AND h.state <> 'released' GROUP BY 1, 2, 3, 4, 5, 6
		ORDER BY CASE h.kind WHEN 'contract' THEN 0 WHEN 'budget' THEN 1 WHEN 'pool' THEN 2 ELSE 3 END, 2, 4, 5, 3, 6`, orderID)
}

func scanHeldSum(r row) (x broker.HeldSum, err error) {
	err = r.Scan(&x.Kind, &x.Owner, &x.Dimension, &x.Year, &x.Item, &x.State, &x.Amount, &x.Units)
	return x, err
}
