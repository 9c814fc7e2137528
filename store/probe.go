package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/sla"
)

const targetColumns = `t.id, t.name, t.resource_id, t.pool_id, t.method, t.address, t.vantage, t.active`

func targetFields(t *duoyun.ProbeTarget) []any {
	return []any{&t.ID, &t.Name, opt(&t.ResourceID), opt(&t.PoolID), &t.Method, &t.Address, &t.Vantage, &t.Active}
}

func scanTarget(r row) (t duoyun.ProbeTarget, err error) {
	err = r.Scan(targetFields(&t)...)
	return t, err
}

// InsertTarget writes a probe target.
func (s *Store) InsertTarget(ctx context.Context, tx *sql.Tx, t duoyun.ProbeTarget) error {
	_, err := exec(ctx, tx, `INSERT INTO probe_targets (id, name, resource_id, pool_id, method, address, vantage, active)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`, t.ID, t.Name, null(t.ResourceID), null(t.PoolID), t.Method, t.Address, t.Vantage, t.Active)
	return err
}

func noTarget(id string) error { return duoyun.NotFound("探测目标", "probe target", id) }

// SetTargetActive starts or ends the probing of a target.
func (s *Store) SetTargetActive(ctx context.Context, tx *sql.Tx, id string, active bool) error {
	return must1(ctx, tx, noTarget(id), `UPDATE probe_targets SET active = $1 WHERE id = $2`, active, id)
}

// Target reads a probe target.
func (s *Store) Target(ctx context.Context, tx *sql.Tx, id string) (duoyun.ProbeTarget, error) {
	return one(ctx, tx, scanTarget, noTarget(id), `SELECT `+targetColumns+` FROM probe_targets t WHERE t.id = $1`, id)
}

// targetsOfSubjects reads targets with the pool each belongs to in the end.
const targetsOfSubjects = `SELECT ` + targetColumns + `, COALESCE(t.pool_id, r.pool_id)
	FROM probe_targets t LEFT JOIN resources r ON r.id = t.resource_id`

func scanSubjectTarget(r row) (t sla.Target, err error) {
	err = r.Scan(append(targetFields(&t.ProbeTarget), &t.Subject.PoolID)...)
	t.Subject.ResourceID = t.ResourceID
	return t, err
}

// ActiveTargets lists what the prober looks at.
func (s *Store) ActiveTargets(ctx context.Context) ([]sla.Target, error) {
	return collect(ctx, s.reader(), scanSubjectTarget, targetsOfSubjects+` WHERE t.active ORDER BY t.id`)
}

// SubjectTargets reads the given targets.
func (s *Store) SubjectTargets(ctx context.Context, tx *sql.Tx, ids []string) ([]sla.Target, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	return collect(ctx, tx, scanSubjectTarget, targetsOfSubjects+` WHERE `+among("t.id", 1, len(ids)), anys(ids)...)
}

// Targets lists probe targets of resources in scope, and those of pools for the root of the tree and the pool's supplier.
func (s *Store) Targets(ctx context.Context, scope duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.ProbeTarget], error) {
	var w where
	w.struck(scope, "t.resource_id", "t.pool_id", `EXISTS (SELECT 1 FROM pools x WHERE x.supplier_id = $?
		AND x.id = COALESCE(t.pool_id, (SELECT r.pool_id FROM resources r WHERE r.id = t.resource_id)))`)
	order := w.page("t.id", p)
	rows, err := collect(ctx, s.reader(), scanTarget, `SELECT `+targetColumns+` FROM probe_targets t`+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(t duoyun.ProbeTarget) string { return t.ID }), err
}

// InsertResults writes results, many at once; a target's minute that is there already keeps its first result.
func (s *Store) InsertResults(ctx context.Context, tx *sql.Tx, results []duoyun.ProbeResult) error {
	for len(results) > 0 {
		n := min(s.rowsAtOnce(5), len(results))
		rows := make([][]any, n)
		for i, r := range results[:n] {
			rows[i] = []any{r.TargetID, ts(r.Minute), r.Outcome, r.Millis, r.Detail}
		}
		query, args := multiRow(`INSERT INTO probe_results (target_id, minute, outcome, millis, detail) VALUES`, rows)
		if _, err := exec(ctx, tx, query+` ON CONFLICT (target_id, minute) DO NOTHING`, args...); err != nil {
			return err
		}
		results = results[n:]
	}
	return nil
}

// rowsAtOnce is how many rows one statement inserts. SQLite looks every $n up among those before it, which is quadratic:
// 5,000 arguments at once take ten times as long as 100 at a time (measured).
func (s *Store) rowsAtOnce(columns int) int {
	if s.Engine == SQLite {
		return max(1, 100/columns)
	}
	return max(1, 5000/columns)
}

// via reads in the transaction, or outside where there is none.
func (s *Store) via(tx *sql.Tx) querier {
	if tx != nil {
		return tx
	}
	return s.reader()
}

// KnownMinutes gives f every minute of [from, to) in which a target of the subject saw good or bad.
func (s *Store) KnownMinutes(ctx context.Context, tx *sql.Tx, resourceID, poolID string, from, to time.Time, f func(time.Time)) error {
	column, id := "t.pool_id", poolID
	if resourceID != "" {
		column, id = "t.resource_id", resourceID
	}
	return each(ctx, s.via(tx), func(r row) error {
		var minute time.Time
		err := r.Scan(at(&minute))
		f(minute)
		return err
	}, fmt.Sprintf(`SELECT x.minute FROM probe_targets t JOIN probe_results x ON x.target_id = t.id
		WHERE %s = $1 AND x.minute >= $2 AND x.minute < $3 AND x.outcome IN ('good', 'bad')`, column), id, ts(from), ts(to))
}

// ProbedPools gives, by pool id, when the pool's canaries were first looked at; each look-up is the start of one index.
func (s *Store) ProbedPools(ctx context.Context, tx *sql.Tx) (map[string]time.Time, error) {
	first := map[string]time.Time{}
	err := each(ctx, s.via(tx), func(r row) error {
		var pool string
		var since time.Time
		err := r.Scan(&pool, at(&since))
		if known, seen := first[pool]; !since.IsZero() && (!seen || since.Before(known)) {
			first[pool] = since
		}
		return err
	}, `SELECT t.pool_id, (SELECT MIN(x.minute) FROM probe_results x WHERE x.target_id = t.id) FROM probe_targets t WHERE t.pool_id IS NOT NULL`)
	return first, err
}
