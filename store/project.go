package store

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

const projectColumns = `p.id, p.number, p.name, p.agency_id, p.approved_fen, p.funds, p.year`

func scanProject(r row) (p duoyun.Project, err error) {
	err = r.Scan(&p.ID, &p.Number, &p.Name, &p.AgencyID, &p.Approved, &p.Funds, &p.Year)
	return p, err
}

// InsertProject writes an approved project; a number that is taken is a conflict.
func (s *Store) InsertProject(ctx context.Context, tx *sql.Tx, p duoyun.Project) error {
	_, err := exec(ctx, tx, `INSERT INTO projects (id, number, name, agency_id, approved_fen, funds, year) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		p.ID, p.Number, p.Name, p.AgencyID, int64(p.Approved), p.Funds, p.Year)
	if duplicate(err) {
		return duoyun.Fail(duoyun.CodeConflict, "number", "立项编号已存在：%s", "a project has this number already: %s", p.Number)
	}
	return err
}

// Project reads a project by id or number.
func (s *Store) Project(ctx context.Context, tx *sql.Tx, key string) (duoyun.Project, error) {
	return one(ctx, tx, scanProject, duoyun.NotFound("立项", "project", key),
		`SELECT `+projectColumns+` FROM projects p WHERE `+byKey("number", key), key)
}

const projectsInScope = ` FROM projects p JOIN agencies a ON a.id = p.agency_id`

// FindProject reads a project in scope by id or number.
func (s *Store) FindProject(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Project, error) {
	w := where{args: []any{key}, conds: []string{"p." + byKey("number", key)}}
	w.scope(scope, "a.", "")
	return one(ctx, s.reader(), scanProject, duoyun.NotFound("立项", "project", key),
		`SELECT `+projectColumns+projectsInScope+w.String(), w.args...)
}

// Projects lists the projects in scope.
func (s *Store) Projects(ctx context.Context, scope duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Project], error) {
	var w where
	w.scope(scope, "a.", "")
	order := w.page("p.id", p)
	rows, err := collect(ctx, s.reader(), scanProject, `SELECT `+projectColumns+projectsInScope+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(p duoyun.Project) string { return p.ID }), err
}
