package store

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
)

const quotaRows = `SELECT q.id, q.agency_id, a.name, a.depth, q.dimension, q.lim, q.used
	FROM quotas q JOIN agencies a ON a.id = q.agency_id`

func scanQuotaRow(r row) (x quota.Row, err error) {
	x.Kind, x.Open = duoyun.HoldQuota, true
	err = r.Scan(&x.ID, &x.OwnerID, &x.Owner, &x.Depth, &x.Dimension, &x.Limit, &x.Used)
	return x, err
}

// QuotaRows reads the quotas of agencies in dimensions and makes those that are missing, without a limit.
func (s *Store) QuotaRows(ctx context.Context, tx *sql.Tx, keys []quota.QuotaKey) ([]quota.Row, error) {
	return ensured(keys, func(r quota.Row) quota.QuotaKey { return quota.QuotaKey{AgencyID: r.OwnerID, Dimension: r.Dimension} },
		func() ([]quota.Row, error) {
			var w where
			in(&w, "q.agency_id", keys, func(k quota.QuotaKey) string { return k.AgencyID })
			in(&w, "q.dimension", keys, func(k quota.QuotaKey) string { return string(k.Dimension) })
			return collect(ctx, tx, scanQuotaRow, quotaRows+w.String(), w.args...)
		},
		func(missing []quota.QuotaKey) error {
			rows := make([][]any, len(missing))
			for i, k := range missing {
				rows[i] = []any{duoyun.NewID(s.now()), k.AgencyID, string(k.Dimension)}
			}
			return insertMissing(ctx, tx, `INSERT INTO quotas (id, agency_id, dimension) VALUES`, rows)
		})
}

// SetQuotaLimit writes a limit, nil for none; false when more is used already.
func (s *Store) SetQuotaLimit(ctx context.Context, tx *sql.Tx, id string, limit *int64) (bool, error) {
	n, err := exec(ctx, tx, `UPDATE quotas SET lim = $1 WHERE id = $2 AND (CAST($1 AS BIGINT) IS NULL OR used <= $1)`, limit, id)
	return n == 1, err
}

func scanQuota(r row) (q duoyun.Quota, err error) {
	err = r.Scan(&q.ID, &q.AgencyID, &q.Dimension, &q.Limit, &q.Used)
	return q, err
}

const quotaColumns = `SELECT q.id, q.agency_id, q.dimension, q.lim, q.used FROM quotas q JOIN agencies a ON a.id = q.agency_id`

// FindQuota reads a quota by id.
func (s *Store) FindQuota(ctx context.Context, id string) (duoyun.Quota, error) {
	return one(ctx, s.reader(), scanQuota, duoyun.NotFound("配额", "quota", id), quotaColumns+` WHERE q.id = $1`, id)
}

// Quotas lists the quotas of the agencies in scope.
func (s *Store) Quotas(ctx context.Context, scope duoyun.Scope, f quota.Filter, p duoyun.Page) (duoyun.Listing[duoyun.Quota], error) {
	var w where
	w.scope(scope, "a.", "")
	w.named("a.", "code", f.Agency)
	if f.Dimension != "" {
		w.and("q.dimension = $?", string(f.Dimension))
	}
	order := w.page("q.id", p)
	rows, err := collect(ctx, s.reader(), scanQuota, quotaColumns+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(q duoyun.Quota) string { return q.ID }), err
}
