package store

import (
	"context"
	"database/sql"
	"slices"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
)

const budgetRows = `SELECT b.id, b.payer_id, a.name, b.year, b.item, b.lim, b.used, b.issued
	FROM budgets b JOIN agencies a ON a.id = b.payer_id`

func scanBudgetRow(r row) (x quota.Row, err error) {
	x.Kind = duoyun.HoldBudget
	err = r.Scan(&x.ID, &x.OwnerID, &x.Owner, &x.Year, &x.Item, &x.Limit, &x.Used, &x.Open)
	return x, err
}

// BudgetRows reads the budgets there are among the keys.
func (s *Store) BudgetRows(ctx context.Context, tx *sql.Tx, keys []quota.BudgetKey) ([]quota.Row, error) {
	wanted := map[quota.BudgetKey]bool{}
	for _, k := range keys {
		wanted[k] = true
	}
	var w where
	in(&w, "b.payer_id", keys, func(k quota.BudgetKey) string { return k.PayerID })
	in(&w, "b.item", keys, func(k quota.BudgetKey) string { return k.Item })
	rows, err := collect(ctx, tx, scanBudgetRow, budgetRows+w.String(), w.args...)
	return slices.DeleteFunc(rows, func(r quota.Row) bool {
		return !wanted[quota.BudgetKey{PayerID: r.OwnerID, Year: r.Year, Item: r.Item}] // other years
	}), err
}

// YearIssued reports whether any budget of the payer has been issued for the year.
func (s *Store) YearIssued(ctx context.Context, tx *sql.Tx, payerID string, year int) (issued bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM budgets WHERE payer_id = $1 AND year = $2 AND issued)`, payerID, year).Scan(&issued)
	return issued, err
}

// InsertIntentBudgets makes budgets that are not issued yet; those there already stay as they are.
func (s *Store) InsertIntentBudgets(ctx context.Context, tx *sql.Tx, keys []quota.BudgetKey) error {
	rows := make([][]any, len(keys))
	for i, k := range keys {
		rows[i] = []any{duoyun.NewID(s.now()), k.PayerID, k.Year, k.Item, false}
	}
	return insertMissing(ctx, tx, `INSERT INTO budgets (id, payer_id, year, item, issued) VALUES`, rows)
}

// IssueBudget writes a budget's limit and marks it issued; false when more is used already.
func (s *Store) IssueBudget(ctx context.Context, tx *sql.Tx, id string, limit duoyun.Fen) (bool, error) {
	n, err := exec(ctx, tx, `UPDATE budgets SET lim = $1, issued = $2 WHERE id = $3 AND used <= $1`, int64(limit), true, id)
	return n == 1, err
}

func scanBudget(r row) (b duoyun.Budget, err error) {
	err = r.Scan(&b.ID, &b.Payer, &b.Year, &b.Item, &b.Limit, &b.Used, &b.Issued)
	return b, err
}

const budgetColumns = `SELECT b.id, b.payer_id, b.year, b.item, b.lim, b.used, b.issued FROM budgets b JOIN agencies a ON a.id = b.payer_id`

// FindBudget reads a budget by id.
func (s *Store) FindBudget(ctx context.Context, id string) (duoyun.Budget, error) {
	return one(ctx, s.reader(), scanBudget, duoyun.NotFound("预算", "budget", id), budgetColumns+` WHERE b.id = $1`, id)
}

// Budgets lists the budgets of the payers in scope.
func (s *Store) Budgets(ctx context.Context, scope duoyun.Scope, f quota.BudgetFilter, p duoyun.Page) (duoyun.Listing[duoyun.Budget], error) {
	var w where
	w.scope(scope, "a.", "")
	w.named("a.", "code", f.Payer)
	if f.Year != 0 {
		w.and("b.year = $?", f.Year)
	}
	order := w.page("b.id", p)
	rows, err := collect(ctx, s.reader(), scanBudget, budgetColumns+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(b duoyun.Budget) string { return b.ID }), err
}
