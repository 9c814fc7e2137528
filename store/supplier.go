package store

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

const supplierColumns = `s.id, s.code, s.name, s.class, s.assessment_until`

func scanSupplier(r row) (x duoyun.Supplier, err error) {
	err = r.Scan(&x.ID, &x.Code, &x.Name, &x.Class, day(&x.AssessmentUntil))
	return x, err
}

func noSupplier(key string) error { return duoyun.NotFound("供应商", "supplier", key) }

// InsertSupplier writes a new supplier; a code already taken is a conflict.
func (s *Store) InsertSupplier(ctx context.Context, tx *sql.Tx, x duoyun.Supplier) error {
	_, err := exec(ctx, tx, `INSERT INTO suppliers (id, code, name, class, assessment_until) VALUES ($1, $2, $3, $4, $5)`,
		x.ID, x.Code, x.Name, x.Class, x.AssessmentUntil.String())
	if duplicate(err) {
		return duoyun.Fail(duoyun.CodeConflict, "code", "供应商编码已存在：%s", "a supplier has this code already: %s", x.Code)
	}
	return err
}

// UpdateSupplier writes what may change of a supplier.
func (s *Store) UpdateSupplier(ctx context.Context, tx *sql.Tx, x duoyun.Supplier) error {
	return must1(ctx, tx, noSupplier(x.Code), `UPDATE suppliers SET name = $1, class = $2, assessment_until = $3 WHERE id = $4`,
		x.Name, x.Class, x.AssessmentUntil.String(), x.ID)
}

// LockSupplier reads a supplier by id or code and holds it until the transaction ends.
func (s *Store) LockSupplier(ctx context.Context, tx *sql.Tx, key string) (duoyun.Supplier, error) {
	return one(ctx, tx, scanSupplier, noSupplier(key), s.lock(`SELECT `+supplierColumns+` FROM suppliers s WHERE s.`+byKey("code", key)), key)
}

// FindSupplier reads a supplier in scope by id or code.
func (s *Store) FindSupplier(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Supplier, error) {
	w := where{args: []any{key}, conds: []string{"s." + byKey("code", key)}}
	w.scope(scope, "", "s.id = $?")
	return one(ctx, s.reader(), scanSupplier, noSupplier(key), `SELECT `+supplierColumns+` FROM suppliers s`+w.String(), w.args...)
}

// Suppliers lists the suppliers in scope.
func (s *Store) Suppliers(ctx context.Context, scope duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Supplier], error) {
	var w where
	w.scope(scope, "", "s.id = $?")
	order := w.page("s.id", p)
	rows, err := collect(ctx, s.reader(), scanSupplier, `SELECT `+supplierColumns+` FROM suppliers s`+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(x duoyun.Supplier) string { return x.ID }), err
}
