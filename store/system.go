package store

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

const systemColumns = `s.id, s.code, s.name, s.agency_id, s.level, s.filing, s.classified, s.builder, s.operator, s.users, s.cloud, s.reason`

func scanSystem(r row) (y duoyun.System, err error) {
	err = r.Scan(&y.ID, &y.Code, &y.Name, &y.AgencyID, &y.Level, &y.Filing, &y.Classified, &y.Builder, &y.Operator,
		&y.Users, &y.Cloud, &y.Reason)
	return y, err
}

// InsertSystem enters a system into the ledger; a code that is taken is a conflict.
func (s *Store) InsertSystem(ctx context.Context, tx *sql.Tx, y duoyun.System) error {
	_, err := exec(ctx, tx, `INSERT INTO systems (id, code, name, agency_id, level, filing, classified, builder, operator, users, cloud, reason)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		y.ID, y.Code, y.Name, y.AgencyID, int64(y.Level), y.Filing, y.Classified, y.Builder, y.Operator, y.Users, string(y.Cloud), y.Reason)
	if duplicate(err) {
		return duoyun.Fail(duoyun.CodeConflict, "code", "信息系统代码已存在：%s", "a system has this code already: %s", y.Code)
	}
	return err
}

// SetCloudState writes where a system stands on its way to the cloud.
func (s *Store) SetCloudState(ctx context.Context, tx *sql.Tx, systemID string, state duoyun.CloudState, reason string) error {
	return must1(ctx, tx, duoyun.NotFound("信息系统", "system", systemID),
		`UPDATE systems SET cloud = $1, reason = $2 WHERE id = $3`, string(state), reason, systemID)
}

// System reads a system by id or code.
func (s *Store) System(ctx context.Context, tx *sql.Tx, key string) (duoyun.System, error) {
	return one(ctx, tx, scanSystem, duoyun.NotFound("信息系统", "system", key),
		`SELECT `+systemColumns+` FROM systems s WHERE `+byKey("code", key), key)
}

const systemsInScope = ` FROM systems s JOIN agencies a ON a.id = s.agency_id`

// FindSystem reads a system in scope by id or code.
func (s *Store) FindSystem(ctx context.Context, scope duoyun.Scope, key string) (duoyun.System, error) {
	w := where{args: []any{key}, conds: []string{"s." + byKey("code", key)}}
	w.scope(scope, "a.", "")
	return one(ctx, s.reader(), scanSystem, duoyun.NotFound("信息系统", "system", key),
		`SELECT `+systemColumns+systemsInScope+w.String(), w.args...)
}

// Systems lists the systems in scope, all of them or those in one cloud state.
func (s *Store) Systems(ctx context.Context, scope duoyun.Scope, state duoyun.CloudState, p duoyun.Page) (duoyun.Listing[duoyun.System], error) {
	var w where
	w.scope(scope, "a.", "")
	if state != "" {
		w.and("s.cloud = $?", string(state))
	}
	order := w.page("s.id", p)
	rows, err := collect(ctx, s.reader(), scanSystem, `SELECT `+systemColumns+systemsInScope+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(y duoyun.System) string { return y.ID }), err
}

// CountSystems counts the systems in scope, and those on the cloud.
func (s *Store) CountSystems(ctx context.Context, scope duoyun.Scope) (total, onCloud int64, err error) {
	w := where{args: []any{string(duoyun.CloudOn)}}
	w.scope(scope, "a.", "")
	err = s.reader().QueryRowContext(ctx, `SELECT COUNT(*), COUNT(CASE WHEN s.cloud = $1 THEN 1 END)`+systemsInScope+w.String(),
		w.args...).Scan(&total, &onCloud)
	return total, onCloud, err
}
