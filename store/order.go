package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

const orderColumns = `o.id, o.number, o.state, o.requested, o.approved, o.recommended, o.chosen, o.content_hash, o.agency_id,
	o.payer_id, o.system_id, o.project_id, o.applicant_id, o.total_fen, o.reason, o.version, o.created_at, o.updated_at`

func scanOrder(r row) (o duoyun.Order, err error) {
	err = r.Scan(&o.ID, &o.Number, &o.State, into(&o.Requested), into(&o.Approved), into(&o.Recommended), into(&o.Chosen),
		&o.ContentHash, &o.AgencyID, &o.PayerID, opt(&o.SystemID), opt(&o.ProjectID), &o.ApplicantID, &o.Total, &o.Reason,
		&o.Version, at(&o.CreatedAt), at(&o.UpdatedAt))
	return o, err
}

// InsertOrder writes a new order; its ancestors come from its agency's row.
func (s *Store) InsertOrder(ctx context.Context, tx *sql.Tx, o duoyun.Order) error {
	return later1(ctx, tx, duoyun.NotFound("单位", "agency", o.AgencyID), `INSERT INTO orders (id, number, form, state, requested, approved,
		recommended, chosen, content_hash, agency_id, a1, a2, a3, a4, payer_id, system_id, project_id, applicant_id, total_fen,
		reason, version, created_at, updated_at)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, a.id, a.a1, a.a2, a.a3, a.a4, $10, $11, $12, $13, $14, $15, $16, $17, $18
		FROM agencies a WHERE a.id = $19`,
		o.ID, o.Number, string(o.Requested.Form), string(o.State), asJSON(o.Requested), asJSON(o.Approved), asJSON(o.Recommended),
		asJSON(o.Chosen), o.ContentHash, o.PayerID, null(o.SystemID), null(o.ProjectID), o.ApplicantID, int64(o.Total), o.Reason,
		o.Version, ts(o.CreatedAt), ts(o.UpdatedAt), o.AgencyID)
}

// LockOrder reads an order by id or number, without its recommendation, and holds it until the transaction ends.
func (s *Store) LockOrder(ctx context.Context, tx *sql.Tx, key string) (duoyun.Order, error) {
	columns := strings.Replace(orderColumns, "o.recommended", "''", 1)
	return one(ctx, tx, scanOrder, noOrder(key), s.lock(`SELECT `+columns+` FROM orders o WHERE o.`+byKey("number", key)), key)
}

// Recommendation reads what was recommended for an order; nil when nothing was yet.
func (s *Store) Recommendation(ctx context.Context, tx *sql.Tx, orderID string) (*duoyun.Recommendation, error) {
	return one(ctx, tx, func(r row) (rec *duoyun.Recommendation, err error) {
		err = r.Scan(into(&rec))
		return rec, err
	}, noOrder(orderID), `SELECT recommended FROM orders WHERE id = $1`, orderID)
}

func noOrder(key string) error { return duoyun.NotFound("申请单", "order", key) }

// UpdateOrder writes what moves of a locked order; the requested layer never does, and a recommendation that was not
// read stays as it is: it is by far the largest part of an order.
func (s *Store) UpdateOrder(ctx context.Context, tx *sql.Tx, o duoyun.Order) error {
	moved := duoyun.Fail(duoyun.CodeConflict, "", "申请单 %s 已被他人更新，请重试", "order %s was changed meanwhile: try again", o.Number)
	return later1(ctx, tx, moved, `UPDATE orders SET state = $1, approved = $2, recommended = COALESCE($3, recommended), chosen = $4, content_hash = $5,
		total_fen = $6, reason = $7, updated_at = $8, version = version + 1 WHERE id = $9 AND version = $10`,
		string(o.State), asJSON(o.Approved), kept(o.Recommended), asJSON(o.Chosen), o.ContentHash, int64(o.Total), o.Reason,
		ts(o.UpdatedAt), o.ID, o.Version)
}

func kept(r *duoyun.Recommendation) any {
	if r == nil {
		return nil
	}
	return asJSON(r)
}

// InsertOrderEvent appends to an order's history.
func (s *Store) InsertOrderEvent(ctx context.Context, tx *sql.Tx, e duoyun.OrderEvent) error {
	return later(ctx, tx, nil, `INSERT INTO order_events (id, order_id, at, actor_id, actor, action, from_state, to_state, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		e.ID, e.OrderID, ts(e.At), e.ActorID, e.Actor, e.Action, string(e.From), string(e.To), e.Note)
}

// PlacedWith records which suppliers see the order from now on.
func (s *Store) PlacedWith(ctx context.Context, tx *sql.Tx, orderID string, supplierIDs []string) error {
	for _, id := range supplierIDs {
		err := later(ctx, tx, nil, `INSERT INTO order_suppliers (supplier_id, order_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id, orderID)
		if err != nil {
			return err
		}
	}
	return nil
}

// ProjectSpend sums the totals of a project's orders that still count.
func (s *Store) ProjectSpend(ctx context.Context, tx *sql.Tx, projectID string) (sum duoyun.Fen, err error) {
	err = tx.QueryRowContext(ctx, `SELECT COALESCE(SUM(total_fen), 0) FROM orders
		WHERE project_id = $1 AND state NOT IN ('returned', 'rejected', 'cancelled', 'failed', 'undone')`, projectID).Scan((*int64)(&sum))
	return sum, err
}

// OrderBusy reports whether a resource the order made or is about is still on its way.
func (s *Store) OrderBusy(ctx context.Context, tx *sql.Tx, orderID string) (bool, error) {
	var n int64
	err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM (
		SELECT 1 AS one FROM resources r WHERE r.order_id = $1 AND r.state IN ('reserved', 'creating', 'updating', 'releasing')
		UNION ALL
		SELECT 1 FROM order_targets x JOIN resources r ON r.id = x.resource_id
			WHERE x.order_id = $1 AND x.open AND r.state IN ('updating', 'releasing')
		LIMIT 1) AS busy`, orderID).Scan(&n)
	return n > 0, err
}

// OrderFunding reads the funding lines of an order without holding it.
func (s *Store) OrderFunding(ctx context.Context, tx *sql.Tx, orderID string) ([]duoyun.Funding, error) {
	doc, err := requested(ctx, tx, orderID)
	return doc.Funding, err
}

// requested reads an order's document, which never changes, without holding the order.
func requested(ctx context.Context, tx *sql.Tx, orderID string) (duoyun.OrderRequest, error) {
	return one(ctx, tx, func(r row) (doc duoyun.OrderRequest, err error) {
		err = r.Scan(into(&doc))
		return doc, err
	}, noOrder(orderID), `SELECT requested FROM orders WHERE id = $1`, orderID)
}

// placedOrders keeps a supplier to the orders placed with it.
const placedOrders = `o.id IN (SELECT x.order_id FROM order_suppliers x WHERE x.supplier_id = $?)`

// FindOrder reads an order in scope by id or number.
func (s *Store) FindOrder(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Order, error) {
	w := where{args: []any{key}, conds: []string{"o." + byKey("number", key)}}
	w.scope(scope, "o.", placedOrders)
	return one(ctx, s.reader(), scanOrder, noOrder(key), `SELECT `+orderColumns+` FROM orders o`+w.String(), w.args...)
}

// Orders lists the orders in scope, newest first.
func (s *Store) Orders(ctx context.Context, scope duoyun.Scope, f broker.OrderFilter, p duoyun.Page) (duoyun.Listing[duoyun.Order], error) {
	var w where
	w.scope(scope, "o.", placedOrders)
	if f.State != "" {
		w.and("o.state = $?", string(f.State))
	}
	if f.Form != "" {
		w.and("o.form = $?", string(f.Form))
	}
	if f.System != "" {
		w.and("o.system_id = (SELECT y.id FROM systems y WHERE y."+keyed("code", f.System)+")", f.System)
	}
	if err := s.under(ctx, &w, scope, "o.", f.Agency); err != nil {
		return duoyun.Listing[duoyun.Order]{}, err
	}
	order := w.page("o.id", p)
	rows, err := collect(ctx, s.reader(), scanOrder, `SELECT `+orderColumns+` FROM orders o`+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(o duoyun.Order) string { return o.ID }), err
}

// keyed is byKey for a condition of where.
func keyed(column, key string) string { return strings.Replace(byKey(column, key), "$1", "$?", 1) }

// under keeps the rows of an agency in scope, by id or code, and of all below it; "" keeps every row.
func (s *Store) under(ctx context.Context, w *where, scope duoyun.Scope, alias, agency string) error {
	if agency == "" {
		return nil
	}
	a, err := s.FindAgency(ctx, scope, agency)
	if err == nil {
		w.and(fmt.Sprintf("%sa%d = $?", alias, a.Depth), a.ID)
	}
	return err
}

// OrderEvents lists an order's history, oldest first.
func (s *Store) OrderEvents(ctx context.Context, orderID string) ([]duoyun.OrderEvent, error) {
	return collect(ctx, s.reader(), scanOrderEvent, `SELECT id, order_id, at, actor_id, actor, action, from_state, to_state, note
		FROM order_events WHERE order_id = $1 ORDER BY at, id LIMIT 2000`, orderID)
}

func scanOrderEvent(r row) (e duoyun.OrderEvent, err error) {
	err = r.Scan(&e.ID, &e.OrderID, at(&e.At), &e.ActorID, &e.Actor, &e.Action, &e.From, &e.To, &e.Note)
	return e, err
}
