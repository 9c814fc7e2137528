package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

const taskColumns = `t.id, t.number, t.order_id, o.number, t.kind, t.role, t.agency_id, t.supplier_id, t.position, t.state,
	t.actor_id, t.actor, t.note, t.hash, t.created_at, t.decided_at, t.due_at`

const tasksOfOrders = ` FROM tasks t JOIN orders o ON o.id = t.order_id LEFT JOIN agencies a ON a.id = t.agency_id`

func scanTask(r row) (t duoyun.Task, err error) {
	err = r.Scan(&t.ID, &t.Number, &t.OrderID, &t.Order, &t.Kind, &t.Role, opt(&t.AgencyID), opt(&t.SupplierID), &t.Position, &t.State,
		&t.ActorID, &t.Actor, &t.Note, &t.Hash, at(&t.CreatedAt), at(&t.DecidedAt), at(&t.DueAt))
	return t, err
}

// InsertTask writes a new task.
func (s *Store) InsertTask(ctx context.Context, tx *sql.Tx, t duoyun.Task) error {
	return later(ctx, tx, nil, `INSERT INTO tasks (id, number, order_id, kind, role, agency_id, supplier_id, position, state, actor_id,
		actor, note, hash, created_at, decided_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
		t.ID, t.Number, t.OrderID, string(t.Kind), string(t.Role), null(t.AgencyID), null(t.SupplierID), t.Position, string(t.State),
		t.ActorID, t.Actor, t.Note, t.Hash, ts(t.CreatedAt), ts(t.DecidedAt), ts(t.DueAt))
}

// UpdateTask writes a decision.
func (s *Store) UpdateTask(ctx context.Context, tx *sql.Tx, t duoyun.Task) error {
	return later1(ctx, tx, noTask(t.Number), `UPDATE tasks SET state = $1, actor_id = $2, actor = $3, note = $4, hash = $5, decided_at = $6
		WHERE id = $7`, string(t.State), t.ActorID, t.Actor, t.Note, t.Hash, ts(t.DecidedAt), t.ID)
}

func noTask(key string) error { return duoyun.NotFound("任务", "task", key) }

// Task reads a task by id or number.
func (s *Store) Task(ctx context.Context, tx *sql.Tx, key string) (duoyun.Task, error) {
	return one(ctx, tx, scanTask, noTask(key), `SELECT `+taskColumns+tasksOfOrders+` WHERE t.`+byKey("number", key), key)
}

// OrderTasks lists the tasks of an order, oldest first.
func (s *Store) OrderTasks(ctx context.Context, tx *sql.Tx, orderID string) ([]duoyun.Task, error) {
	return collect(ctx, tx, scanTask, `SELECT `+taskColumns+tasksOfOrders+` WHERE t.order_id = $1 ORDER BY t.id`, orderID)
}

// FindTask reads a task that the actor may decide, or whose order it sees.
func (s *Store) FindTask(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Task, error) {
	w := where{args: []any{key}, conds: []string{"t." + byKey("number", key)}}
	w.either(func(w *where) { w.decidable(actor) }, func(w *where) { w.scope(actor.ScopeFor(), "o.", "t.supplier_id = $?") })
	return one(ctx, s.reader(), scanTask, noTask(key), `SELECT `+taskColumns+tasksOfOrders+w.String(), w.args...)
}

// Tasks lists what the actor may decide, or, when the filter says all, every task of the orders it sees.
func (s *Store) Tasks(ctx context.Context, actor duoyun.Actor, f broker.TaskFilter, p duoyun.Page) (duoyun.Listing[duoyun.Task], error) {
	var w where
	if f.All {
		w.scope(actor.ScopeFor(), "o.", "t.supplier_id = $?")
	} else {
		w.decidable(actor)
	}
	switch {
	case f.State != "":
		w.and("t.state = $?", string(f.State))
	case !f.All:
		w.and("t.state = 'pending'")
	}
	if f.Kind != "" {
		w.and("t.kind = $?", string(f.Kind))
	}
	if f.Order != "" {
		w.and("o."+keyed("number", f.Order), f.Order)
	}
	order := w.page("t.id", p)
	rows, err := collect(ctx, s.reader(), scanTask, `SELECT `+taskColumns+tasksOfOrders+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(t duoyun.Task) string { return t.ID }), err
}

// SilentTasks lists pending delivery confirmations that were due by at, oldest first.
func (s *Store) SilentTasks(ctx context.Context, by time.Time, limit int) ([]duoyun.Task, error) {
	return collect(ctx, s.reader(), scanTask, `SELECT `+taskColumns+tasksOfOrders+` WHERE t.state = 'pending' AND t.due_at IS NOT NULL
		AND t.due_at <= $1 AND t.kind = 'confirm_delivery' ORDER BY t.due_at, t.id LIMIT $2`, ts(by), limit)
}

// decidable keeps the tasks that one of the actor's roles may decide, whoever decides first.
func (w *where) decidable(actor duoyun.Actor) {
	if actor.IsSystem() {
		return
	}
	var may []string
	for _, g := range actor.Grants {
		switch {
		case g.SupplierID != "":
			may = append(may, fmt.Sprintf("t.role = %s AND t.supplier_id = %s", w.bind(string(g.Role)), w.bind(g.SupplierID)))
		case g.Depth >= 1 && g.Depth <= duoyun.MaxDepth:
			may = append(may, fmt.Sprintf("t.role = %s AND a.a%d = %s", w.bind(string(g.Role)), g.Depth, w.bind(g.AgencyID)))
		}
	}
	if len(may) == 0 {
		may = []string{"1 = 0"}
	}
	w.conds = append(w.conds, "("+strings.Join(may, " OR ")+")")
}

// either keeps the rows that at least one branch keeps.
func (w *where) either(branches ...func(*where)) {
	before, alternatives := w.conds, []string{}
	for _, b := range branches {
		w.conds = nil
		b(w)
		if len(w.conds) == 0 {
			w.conds = []string{"1 = 1"}
		}
		alternatives = append(alternatives, "("+strings.Join(w.conds, " AND ")+")")
	}
	w.conds = append(before, "("+strings.Join(alternatives, " OR ")+")")
}
