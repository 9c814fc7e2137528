package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
)

// The guards of the design, by kind: one row a statement, which changes it only when enough is left. Giving back, a
// negative amount, always passes.
func guard(kind duoyun.HoldKind) string {
	switch kind {
	case duoyun.HoldContract:
		return `UPDATE contracts SET used = used + $1 WHERE id = $2 AND ($1 <= 0 OR state = 'active' AND (lim IS NULL OR used + $1 <= lim))`
	case duoyun.HoldPool:
		return `UPDATE pool_capacity SET used = used + $1 WHERE id = $2 AND ($1 <= 0 OR lim IS NULL OR used + $1 <= lim)`
	case duoyun.HoldBudget:
		return `UPDATE budgets SET used = used + $1 WHERE id = $2 AND ($1 <= 0 OR lim IS NULL OR used + $1 <= lim)`
	default:
		return `UPDATE quotas SET used = used + $1 WHERE id = $2 AND ($1 <= 0 OR lim IS NULL OR used + $1 <= lim)`
	}
}

// Charge adds each amount to its row in the order given and returns the index of the first row that has not enough left,
// or -1. PostgreSQL runs the same guards in one round trip, since shared rows stay locked from their guard to COMMIT.
func (s *Store) Charge(ctx context.Context, tx *sql.Tx, amounts []quota.Amount) (int, error) {
	if s.Engine == PostgreSQL && len(amounts) > 0 {
		return chargeAtOnce(ctx, tx, amounts)
	}
	for i, a := range amounts {
		n, err := exec(ctx, tx, guard(a.Kind), a.Add, a.RowID)
		if err != nil {
			return i, fmt.Errorf("charge %s: %w", a.Kind, err)
		}
		if n != 1 {
			return i, nil
		}
	}
	return -1, nil
}

func chargeAtOnce(ctx context.Context, tx *sql.Tx, amounts []quota.Amount) (short int, err error) {
	kinds, ids, adds := make([]string, len(amounts)), make([]string, len(amounts)), make([]int64, len(amounts))
	for i, a := range amounts {
		kinds[i], ids[i], adds[i] = string(a.Kind), a.RowID, a.Add
	}
	if err := tx.QueryRowContext(ctx, `SELECT charge_rows($1, $2, $3)`, kinds, ids, adds).Scan(&short); err != nil {
		return 0, fmt.Errorf("charge: %w", err)
	}
	return short, nil
}

// InsertHolds writes holds, many rows a statement.
func (s *Store) InsertHolds(ctx context.Context, tx *sql.Tx, holds []duoyun.Hold) error {
	rows := make([][]any, len(holds))
	for i, h := range holds {
		rows[i] = []any{h.ID, h.OrderID, h.ResourceID, string(h.Kind), h.RowID, h.Amount, string(h.State)}
	}
	return insertRows(ctx, tx, nil, `INSERT INTO holds (id, order_id, resource_id, kind, row_id, amount, state) VALUES`, rows)
}

func scanHold(r row) (h duoyun.Hold, err error) {
	err = r.Scan(&h.ID, &h.OrderID, &h.ResourceID, &h.Kind, &h.RowID, &h.Amount, &h.State)
	return h, err
}

// LiveHolds locks and reads the holds of resources that are held or committed, by id; orderID "" is any order's.
func (s *Store) LiveHolds(ctx context.Context, tx *sql.Tx, resourceIDs []string, orderID string) ([]duoyun.Hold, error) {
	var holds []duoyun.Hold
	slices.Sort(resourceIDs)
	for ids := range slices.Chunk(resourceIDs, bulkArgs) {
		w := where{conds: []string{`state IN ('held', 'committed')`}}
		in(&w, "resource_id", ids, func(id string) string { return id })
		if orderID != "" {
			w.and("order_id = $?", orderID)
		}
		some, err := collect(ctx, tx, scanHold, s.lock(`SELECT id, order_id, resource_id, kind, row_id, amount, state FROM holds`+
			w.String()+` ORDER BY id`), w.args...)
		if err != nil {
			return nil, err
		}
		holds = append(holds, some...)
	}
	return holds, nil
}

// CommitHolds turns the holds of resources into commitments.
func (s *Store) CommitHolds(ctx context.Context, tx *sql.Tx, resourceIDs []string) error {
	return s.setHolds(ctx, tx, `UPDATE holds SET state = 'committed'`, `state = 'held'`, "resource_id", resourceIDs)
}

// EndHolds marks holds released, by id.
func (s *Store) EndHolds(ctx context.Context, tx *sql.Tx, ids []string) error {
	return s.setHolds(ctx, tx, `UPDATE holds SET state = 'released'`, `state <> 'released'`, "id", ids)
}

func (s *Store) setHolds(ctx context.Context, tx *sql.Tx, update, cond, column string, ids []string) error {
	for some := range slices.Chunk(ids, bulkArgs) {
		w := where{conds: []string{cond}}
		in(&w, column, some, func(id string) string { return id })
		if _, err := exec(ctx, tx, update+w.String(), w.args...); err != nil {
			return err
		}
	}
	return nil
}

// SetHold writes amount and state of one hold.
func (s *Store) SetHold(ctx context.Context, tx *sql.Tx, id string, amount int64, state duoyun.HoldState) error {
	return must1(ctx, tx, duoyun.NotFound("冻结", "hold", id), `UPDATE holds SET amount = $1, state = $2 WHERE id = $3`, amount, string(state), id)
}

// Rows reads rows by kind and id, with what people call them.
func (s *Store) Rows(ctx context.Context, tx *sql.Tx, kind duoyun.HoldKind, ids []string) ([]quota.Row, error) {
	var query, column string
	scan := scanQuotaRow
	switch kind {
	case duoyun.HoldContract:
		query, column, scan = contractRows, "c.id", scanContractRow
	case duoyun.HoldPool:
		query, column, scan = capacityRows, "c.id", scanCapacityRow
	case duoyun.HoldBudget:
		query, column, scan = budgetRows, "b.id", scanBudgetRow
	default:
		query, column = quotaRows, "q.id"
	}
	var rows []quota.Row
	for some := range slices.Chunk(ids, bulkArgs) {
		var w where
		in(&w, column, some, func(id string) string { return id })
		found, err := collect(ctx, tx, scan, query+w.String(), w.args...)
		if err != nil {
			return nil, err
		}
		rows = append(rows, found...)
	}
	return rows, nil
}

// HoldMismatches lists the rows whose used amount is not the sum of the holds that were not released. It reads whole
// tables: for tests and auditors.
func (s *Store) HoldMismatches(ctx context.Context) ([]quota.Mismatch, error) {
	var all []quota.Mismatch
	for kind, table := range map[duoyun.HoldKind]string{duoyun.HoldContract: "contracts", duoyun.HoldPool: "pool_capacity",
		duoyun.HoldBudget: "budgets", duoyun.HoldQuota: "quotas"} {
		rows, err := collect(ctx, s.reader(), func(r row) (m quota.Mismatch, err error) {
			m.Kind = kind
			err = r.Scan(&m.RowID, &m.Used, &m.Held)
			return m, err
		}, `SELECT t.id, t.used, COALESCE(h.held, 0) FROM `+table+` t LEFT JOIN (
				SELECT row_id, CAST(SUM(amount) AS BIGINT) AS held FROM holds WHERE kind = $1 AND state <> 'released' GROUP BY row_id
			) h ON h.row_id = t.id WHERE t.used <> COALESCE(h.held, 0) ORDER BY t.id`, string(kind))
		if err != nil {
			return nil, fmt.Errorf("hold mismatches: %w", err)
		}
		all = append(all, rows...)
	}
	return all, nil
}

// in adds column IN (…) with the distinct values of the keys.
func in[K any](w *where, column string, keys []K, value func(K) string) {
	seen := map[string]bool{}
	var marks []string
	for _, k := range keys {
		if v := value(k); !seen[v] {
			seen[v] = true
			marks = append(marks, w.bind(v))
		}
	}
	if marks == nil {
		w.conds = append(w.conds, "1 = 0")
		return
	}
	w.conds = append(w.conds, column+" IN ("+strings.Join(marks, ", ")+")")
}

// named keeps the row with the given id, or code or number in the column; "" keeps all.
func (w *where) named(alias, column, key string) {
	if duoyun.IsID(key) {
		column = "id"
	}
	if key != "" {
		w.and(alias+column+" = $?", key)
	}
}

// ensured reads rows by key, makes the missing ones and reads again. Making waits for other transactions that make the
// same rows.
func ensured[K comparable](keys []K, keyOf func(quota.Row) K, read func() ([]quota.Row, error), insert func([]K) error) ([]quota.Row, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	missing := map[K]bool{}
	for _, k := range keys {
		missing[k] = true
	}
	wanted := maps.Clone(missing)
	rows, err := read()
	for _, r := range rows {
		delete(missing, keyOf(r))
	}
	if err == nil && len(missing) > 0 {
		if err = insert(slices.Collect(maps.Keys(missing))); err == nil {
			rows, err = read()
		}
	}
	return slices.DeleteFunc(rows, func(r quota.Row) bool { return !wanted[keyOf(r)] }), err
}

// insertMissing inserts rows that another transaction may be making too, in the order of their keys, so that two of them
// wait for each other in one direction only; the first value of a row is its id.
func insertMissing(ctx context.Context, tx *sql.Tx, insert string, rows [][]any) error {
	slices.SortFunc(rows, func(a, b []any) int { return cmp.Compare(fmt.Sprint(a[1:]...), fmt.Sprint(b[1:]...)) })
	query, args := multiRow(insert, rows)
	_, err := exec(ctx, tx, query+` ON CONFLICT DO NOTHING`, args...)
	return err
}
