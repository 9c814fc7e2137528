package store

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

const agencyColumns = `id, code, name, short, parent_id, depth, a1, a2, a3, a4, approver_id, payer_id`

func scanAgency(r row) (a duoyun.Agency, err error) {
	err = r.Scan(&a.ID, &a.Code, &a.Name, &a.Short, opt(&a.ParentID), &a.Depth,
		&a.Ancestors[0], &a.Ancestors[1], &a.Ancestors[2], &a.Ancestors[3], &a.ApproverID, &a.PayerID)
	return a, err
}

// InsertAgency writes a new agency; its code, or a short name already taken, is a conflict.
func (s *Store) InsertAgency(ctx context.Context, tx *sql.Tx, a duoyun.Agency) error {
	_, err := exec(ctx, tx, `INSERT INTO agencies (`+agencyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		a.ID, a.Code, a.Name, a.Short, null(a.ParentID), a.Depth,
		a.Ancestors[0], a.Ancestors[1], a.Ancestors[2], a.Ancestors[3], a.ApproverID, a.PayerID)
	if duplicate(err) {
		return duoyun.Fail(duoyun.CodeConflict, "code", "单位代码或简称已存在：%s、%s", "an agency has this code or short name already: %s, %s", a.Code, a.Short)
	}
	return err
}

// UpdateAgency writes what may change of an agency: name, who approves and who pays for it. Its place in the tree is
// not among these: a reorganisation is a matter of its own.
func (s *Store) UpdateAgency(ctx context.Context, tx *sql.Tx, a duoyun.Agency) error {
	return must1(ctx, tx, duoyun.NotFound("单位", "agency", a.Code),
		`UPDATE agencies SET name = $1, approver_id = $2, payer_id = $3 WHERE id = $4`, a.Name, a.ApproverID, a.PayerID, a.ID)
}

// Agency reads an agency by id or code.
func (s *Store) Agency(ctx context.Context, tx *sql.Tx, key string) (duoyun.Agency, error) {
	return one(ctx, tx, scanAgency, duoyun.NotFound("单位", "agency", key),
		`SELECT `+agencyColumns+` FROM agencies WHERE `+byKey("code", key), key)
}

// byKey compares the id, or the column that people know a row by, with $1.
func byKey(column, key string) string {
	if duoyun.IsID(key) {
		return "id = $1"
	}
	return column + " = $1"
}

// Agencies lists the agencies in scope.
func (s *Store) Agencies(ctx context.Context, scope duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Agency], error) {
	var w where
	w.scope(scope, "", "")
	order := w.page("id", p)
	rows, err := collect(ctx, s.reader(), scanAgency, `SELECT `+agencyColumns+` FROM agencies`+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(a duoyun.Agency) string { return a.ID }), err
}

// FindAgency reads an agency in scope by id or code.
func (s *Store) FindAgency(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Agency, error) {
	w := where{args: []any{key}, conds: []string{byKey("code", key)}}
	w.scope(scope, "", "")
	return one(ctx, s.reader(), scanAgency, duoyun.NotFound("单位", "agency", key),
		`SELECT `+agencyColumns+` FROM agencies`+w.String(), w.args...)
}
