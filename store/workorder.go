package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/workorder"
)

const workOrderColumns = `w.id, w.token, w.mark, w.state, w.name, w.quantity, w.unit, w.note, w.created_at, w.decided_at`

func scanWorkOrder(r row) (o workorder.Order, err error) {
	err = r.Scan(&o.ID, &o.Token, &o.Mark, &o.State, &o.Name, &o.Quantity, &o.Unit, &o.Note, at(&o.CreatedAt), at(&o.DecidedAt))
	return o, err
}

// OpenWorkOrder writes a work order and gives it to its supplier's people as a task: one task for all open units of an
// order's line. A token that opened one before returns that.
func (s *Store) OpenWorkOrder(ctx context.Context, o workorder.Order) (workorder.Order, error) {
	missing := duoyun.Fail(duoyun.CodeInvalid, "mark", "标记无效：%s", "not a mark of ours: %s", o.Mark)
	if !duoyun.IsMark(o.Mark) {
		return o, missing
	}
	err := s.InTx(ctx, func(tx *sql.Tx) error {
		r, err := one(ctx, tx, scanResource, missing, `SELECT `+resourceColumns+` FROM resources r WHERE r.id = $1`, duoyun.ResourceOfMark(o.Mark))
		if err != nil {
			return err
		}
		if r.OrderID == "" {
			return duoyun.Fail(duoyun.CodeInvalid, "order", "服务须随申请单购买", "a service is bought with an order")
		}
		if err := s.HoldOrder(ctx, tx, r.OrderID); err != nil {
			return err
		}
		before, err := collect(ctx, tx, scanWorkOrder, `SELECT `+workOrderColumns+` FROM work_orders w WHERE w.token = $1`, o.Token)
		if err != nil || len(before) > 0 {
			o = first(before)
			return err
		}
		task, err := s.workTask(ctx, tx, r)
		if err != nil {
			return err
		}
		o.CreatedAt = s.now()
		_, err = exec(ctx, tx, `INSERT INTO work_orders (token, id, mark, resource_id, task_id, state, name, quantity, unit, note, created_at, decided_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, '', $10, NULL)`,
			o.Token, o.ID, o.Mark, r.ID, task, string(o.State), o.Name, o.Quantity, o.Unit, ts(o.CreatedAt))
		return err
	})
	return o, err
}

// workTask returns the pending task for the line of a resource, made where there is none; the order is locked.
func (s *Store) workTask(ctx context.Context, tx *sql.Tx, r duoyun.Resource) (string, error) {
	var id string
	err := tx.QueryRowContext(ctx, `SELECT t.id FROM tasks t WHERE t.order_id = $1 AND t.kind = 'work_order' AND t.state = 'pending'
		AND t.supplier_id = $2 AND EXISTS (SELECT 1 FROM work_orders w JOIN resources x ON x.id = w.resource_id
			WHERE w.task_id = t.id AND x.line = $3) ORDER BY t.id LIMIT 1`, r.OrderID, r.SupplierID, r.Line).Scan(&id)
	if !errors.Is(err, sql.ErrNoRows) {
		return id, err
	}
	now := s.now()
	number, err := s.NextNumber(ctx, tx, duoyun.NumberTask, r.AgencyID, now)
	if err != nil {
		return "", err
	}
	id = duoyun.NewID(now)
	return id, s.InsertTask(ctx, tx, duoyun.Task{ID: id, Number: number, OrderID: r.OrderID, Kind: duoyun.TaskWorkOrder,
		Role: duoyun.RoleSupplier, SupplierID: r.SupplierID, State: duoyun.TaskPending, CreatedAt: now})
}

// MarkedWorkOrders lists the work orders that bear a mark, oldest first.
func (s *Store) MarkedWorkOrders(ctx context.Context, mark string) ([]workorder.Order, error) {
	return collect(ctx, s.reader(), scanWorkOrder, `SELECT `+workOrderColumns+` FROM work_orders w WHERE w.mark = $1 ORDER BY w.id`, mark)
}

// FindWorkOrder reads a work order; ok is false where there is none.
func (s *Store) FindWorkOrder(ctx context.Context, id string) (o workorder.Order, ok bool, err error) {
	rows, err := collect(ctx, s.reader(), scanWorkOrder, `SELECT `+workOrderColumns+` FROM work_orders w WHERE w.id = $1`, id)
	return first(rows), len(rows) > 0, err
}

// CloseWorkOrder takes a work order back, and its task with the last of its open units.
func (s *Store) CloseWorkOrder(ctx context.Context, id string) error {
	return s.InTx(ctx, func(tx *sql.Tx) error {
		rows, err := collect(ctx, tx, scanText, `SELECT r.order_id FROM work_orders w JOIN resources r ON r.id = w.resource_id WHERE w.id = $1`, id)
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := s.HoldOrder(ctx, tx, rows[0]); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, `UPDATE work_orders SET state = 'closed' WHERE id = $1`, id); err != nil {
			return err
		}
		_, err = exec(ctx, tx, `UPDATE tasks SET state = 'void' WHERE state = 'pending'
			AND id = (SELECT w.task_id FROM work_orders w WHERE w.id = $1)
			AND NOT EXISTS (SELECT 1 FROM work_orders o WHERE o.task_id = tasks.id AND o.state = 'open')`, id)
		return err
	})
}

// PoolWorkOrders lists the work orders of a pool's resources that are not closed, by id.
func (s *Store) PoolWorkOrders(ctx context.Context, poolID, after string, limit int) ([]workorder.Order, error) {
	return collect(ctx, s.reader(), scanWorkOrder, `SELECT `+workOrderColumns+` FROM work_orders w JOIN resources r ON r.id = w.resource_id
		WHERE r.pool_id = $1 AND w.id > $2 AND w.state <> 'closed' ORDER BY w.id LIMIT $3`, poolID, after, limit)
}

// DecideWorkOrders writes what the supplier made of the open units of a task, and returns the open intents to be woken:
// their rows are due now.
func (s *Store) DecideWorkOrders(ctx context.Context, tx *sql.Tx, taskID string, fulfilled bool, note string) ([]string, error) {
	state, now := workorder.Rejected, ts(s.now())
	if fulfilled {
		state = workorder.Done
	}
	units, err := collect(ctx, tx, scanText, `UPDATE work_orders SET state = $1, note = $2, decided_at = $3
		WHERE task_id = $4 AND state = 'open' RETURNING resource_id`, string(state), note, now, taskID)
	if err != nil || len(units) == 0 {
		return nil, err
	}
	return collect(ctx, tx, scanText, `UPDATE intents SET wake_at = $1 WHERE lease_until IS NULL
		AND state IN ('accepted', 'in_doubt') AND `+among("resource_id", 2, len(units))+` RETURNING id`,
		append([]any{now}, anys(units)...)...)
}
