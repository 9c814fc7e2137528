package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
)

const usageColumns = `u.id, u.resource_id, u.contract_id, u.meter, u.quantity, u.start_at, u.end_at, u.stopped`

func scanUsage(r row) (u duoyun.UsageInterval, err error) {
	err = r.Scan(&u.ID, &u.ResourceID, opt(&u.ContractID), &u.Meter, &u.Quantity, at(&u.Start), at(&u.End), &u.Stopped)
	return u, err
}

// OpenUsage locks the resource, so that no one else writes its intervals, and reads those that are open, by meter.
func (s *Store) OpenUsage(ctx context.Context, tx *sql.Tx, resourceID string) ([]duoyun.UsageInterval, error) {
	_, err := one(ctx, tx, scanText, noResource(resourceID), s.lock(`SELECT id FROM resources WHERE id = $1`), resourceID)
	if err != nil {
		return nil, err
	}
	return collect(ctx, tx, scanUsage, `SELECT `+usageColumns+` FROM usage_intervals u
		WHERE u.resource_id = $1 AND u.end_at IS NULL ORDER BY u.meter`, resourceID)
}

// InsertUsage writes an interval. One that ends no later than it begins, or overlaps another of the same resource and
// meter, is refused (golden case G29). The resource must be locked by OpenUsage.
func (s *Store) InsertUsage(ctx context.Context, tx *sql.Tx, u duoyun.UsageInterval) error {
	if !u.End.IsZero() && !asStored(u.End).After(asStored(u.Start)) {
		return emptyUsage(u)
	}
	w := where{}
	w.and("resource_id = $? AND meter = $? AND (end_at IS NULL OR end_at > $?)", u.ResourceID, string(u.Meter), ts(u.Start))
	if !u.End.IsZero() {
		w.and("start_at < $?", ts(u.End))
	}
	overlaps, err := collect(ctx, tx, scanText, `SELECT id FROM usage_intervals`+w.String()+` LIMIT 1`, w.args...)
	if err != nil {
		return err
	}
	if len(overlaps) > 0 {
		return overlappingUsage(u)
	}
	_, err = exec(ctx, tx, `INSERT INTO usage_intervals (id, resource_id, contract_id, meter, quantity, start_at, end_at, stopped)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		u.ID, u.ResourceID, null(u.ContractID), string(u.Meter), u.Quantity, ts(u.Start), ts(u.End), u.Stopped)
	if duplicate(err) {
		return overlappingUsage(u)
	}
	return err
}

// asStored is an instant as it is kept, to the microsecond: two that differ by less are one.
func asStored(t time.Time) time.Time { return t.Truncate(time.Microsecond) }

func emptyUsage(u duoyun.UsageInterval) error {
	return duoyun.Fail(duoyun.CodeConflict, "end", "用量区间的结束须晚于开始：计量项 %s", "an interval ends after it begins: meter %s", u.Meter)
}

func overlappingUsage(u duoyun.UsageInterval) error {
	return duoyun.Fail(duoyun.CodeConflict, "start", "用量区间与已有区间重叠：计量项 %s，开始于 %s", "the interval overlaps another: meter %s, from %s",
		u.Meter, u.Start.In(duoyun.Civil).Format(time.DateTime))
}

// CloseUsage ends an open interval; an end that is not after its start is refused.
func (s *Store) CloseUsage(ctx context.Context, tx *sql.Tx, u duoyun.UsageInterval, end time.Time) error {
	if !asStored(end).After(asStored(u.Start)) {
		return emptyUsage(u)
	}
	gone := duoyun.Fail(duoyun.CodeConflict, "", "用量区间已关闭：计量项 %s", "the interval is closed already: meter %s", u.Meter)
	return must1(ctx, tx, gone, `UPDATE usage_intervals SET end_at = $1 WHERE id = $2 AND end_at IS NULL`, ts(end), u.ID)
}

// DropUsage removes an open interval that metered nothing.
func (s *Store) DropUsage(ctx context.Context, tx *sql.Tx, id string) error {
	gone := duoyun.Fail(duoyun.CodeConflict, "", "用量区间已关闭", "the interval is closed already")
	return must1(ctx, tx, gone, `DELETE FROM usage_intervals WHERE id = $1 AND end_at IS NULL`, id)
}

// MeteredAgencies lists the agencies with resources metered under the contract within [from, to), by id.
func (s *Store) MeteredAgencies(ctx context.Context, tx *sql.Tx, contractID string, from, to time.Time) ([]duoyun.Agency, error) {
	return collect(ctx, tx, scanAgency, `SELECT `+agencyColumns+` FROM agencies WHERE id IN
		(SELECT r.agency_id FROM usage_intervals u JOIN resources r ON r.id = u.resource_id
		WHERE u.contract_id = $1 AND u.start_at < $2 AND (u.end_at IS NULL OR u.end_at > $3)) ORDER BY id`,
		contractID, ts(to), ts(from))
}

const meteredColumns = `r.id, r.agency_id, r.payer_id, r.system_id,
	(SELECT MIN(x.start_at) FROM usage_intervals x WHERE x.resource_id = r.id)`

func scanMetered(r row) (m billing.Metered, err error) {
	err = r.Scan(&m.ResourceID, &m.AgencyID, &m.PayerID, opt(&m.SystemID), at(&m.Begun))
	return m, err
}

// Metered reads the next resources of one agency with their intervals. The agency's column leads the index, so that a
// page costs the same wherever it lies.
func (s *Store) Metered(ctx context.Context, tx *sql.Tx, contractID string, agency duoyun.Agency, from, to time.Time, after string, limit int) ([]billing.Metered, error) {
	ms, err := collect(ctx, tx, scanMetered, fmt.Sprintf(`SELECT `+meteredColumns+` FROM resources r
		WHERE r.a%d = $1 AND r.agency_id = $1 AND r.id > $2 AND EXISTS (SELECT 1 FROM usage_intervals u
			WHERE u.contract_id = $3 AND u.resource_id = r.id AND u.start_at < $4 AND (u.end_at IS NULL OR u.end_at > $5))
		ORDER BY r.id LIMIT %d`, agency.Depth, limit), agency.ID, after, contractID, ts(to), ts(from))
	if err != nil || len(ms) == 0 {
		return nil, err
	}
	return ms, fillMetered(ctx, tx, contractID, ms, from, to)
}

// MeteredResource reads one resource's intervals under the contract that touch [from, to); a zero from is for ever.
func (s *Store) MeteredResource(ctx context.Context, tx *sql.Tx, contractID, resourceID string, from, to time.Time) (billing.Metered, error) {
	m, err := one(ctx, tx, scanMetered, noResource(resourceID), `SELECT `+meteredColumns+` FROM resources r WHERE r.id = $1`, resourceID)
	if err != nil {
		return m, err
	}
	ms := []billing.Metered{m}
	err = fillMetered(ctx, tx, contractID, ms, from, to)
	return ms[0], err
}

// fillMetered reads the intervals of all of ms, which are in the order of their ids, in one query.
func fillMetered(ctx context.Context, tx *sql.Tx, contractID string, ms []billing.Metered, from, to time.Time) error {
	index := make(map[string]int, len(ms))
	ids := make([]any, len(ms))
	for i, m := range ms {
		index[m.ResourceID], ids[i] = i, m.ResourceID
	}
	w := where{args: ids, conds: []string{among("u.resource_id", 1, len(ids))}}
	w.and("u.contract_id = $? AND u.start_at < $?", contractID, ts(to))
	if !from.IsZero() {
		w.and("(u.end_at IS NULL OR u.end_at > $?)", ts(from))
	}
	return each(ctx, tx, func(r row) error {
		u, err := scanUsage(r)
		if err == nil {
			i := index[u.ResourceID]
			ms[i].Intervals = append(ms[i].Intervals, u)
		}
		return err
	}, `SELECT `+usageColumns+` FROM usage_intervals u`+w.String()+` ORDER BY u.resource_id, u.meter, u.start_at`, w.args...)
}

// Usage lists intervals of resources in scope, newest first.
func (s *Store) Usage(ctx context.Context, scope duoyun.Scope, f billing.UsageFilter, p duoyun.Page) (duoyun.Listing[duoyun.UsageInterval], error) {
	var w where
	w.scope(scope, "r.", "r.supplier_id = $?")
	if f.Resource != "" {
		w.and("u.resource_id = (SELECT x.id FROM resources x WHERE x."+keyed("number", f.Resource)+")", f.Resource)
	}
	if f.Month != (duoyun.Month{}) {
		w.and("u.start_at < $? AND (u.end_at IS NULL OR u.end_at > $?)", ts(f.Month.End()), ts(f.Month.Start()))
	}
	order := w.page("u.id", p)
	rows, err := collect(ctx, s.reader(), scanUsage,
		`SELECT `+usageColumns+` FROM usage_intervals u JOIN resources r ON r.id = u.resource_id`+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(u duoyun.UsageInterval) string { return u.ID }), err
}
