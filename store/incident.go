package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/sla"
)

const incidentColumns = `i.id, i.number, i.supplier_id, i.pool_id, i.resource_id, i.state, i.source, i.start_at, i.end_at, i.attribution,
	i.announced, i.note`

func scanIncident(r row) (i duoyun.Incident, err error) {
	err = r.Scan(&i.ID, &i.Number, &i.SupplierID, &i.PoolID, opt(&i.ResourceID), &i.State, &i.Source, at(&i.Start), at(&i.End),
		&i.Attribution, at(&i.Announced), &i.Note)
	return i, err
}

// IncidentSubject reads and locks what an incident strikes: a resource, or a pool where resourceID is "". Incidents of a pool
// are numbered at the root of the tree.
func (s *Store) IncidentSubject(ctx context.Context, tx *sql.Tx, resourceID, poolID string) (sla.Subject, error) {
	if resourceID != "" {
		return one(ctx, tx, func(r row) (x sla.Subject, err error) {
			err = r.Scan(&x.ResourceID, &x.PoolID, &x.SupplierID, &x.AgencyID, &x.Ancestors[0], &x.Ancestors[1], &x.Ancestors[2], &x.Ancestors[3])
			return x, err
		}, noResource(resourceID), s.lock(`SELECT id, pool_id, supplier_id, agency_id, a1, a2, a3, a4 FROM resources WHERE `+byKey("number", resourceID)), resourceID)
	}
	x, err := one(ctx, tx, func(r row) (x sla.Subject, err error) {
		err = r.Scan(&x.PoolID, &x.SupplierID)
		return x, err
	},
		duoyun.NotFound("资源池", "pool", poolID), s.lock(`SELECT id, supplier_id FROM pools WHERE `+byKey("code", poolID)), poolID)
	if err != nil {
		return x, err
	}
	x.AgencyID, err = one(ctx, tx, scanText, duoyun.NotFound("单位", "agency", ""), `SELECT id FROM agencies WHERE depth = 1 ORDER BY code LIMIT 1`)
	return x, err
}

// InsertIncident writes a new incident.
func (s *Store) InsertIncident(ctx context.Context, tx *sql.Tx, i duoyun.Incident) error {
	_, err := exec(ctx, tx, `INSERT INTO incidents (id, number, supplier_id, pool_id, resource_id, state, source, start_at, end_at, attribution, announced, note)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`, i.ID, i.Number, i.SupplierID, i.PoolID, null(i.ResourceID), string(i.State),
		i.Source, ts(i.Start), ts(i.End), i.Attribution, ts(i.Announced), i.Note)
	return err
}

// UpdateIncident writes what may change of an incident, if its state still is from.
func (s *Store) UpdateIncident(ctx context.Context, tx *sql.Tx, i duoyun.Incident, from duoyun.IncidentState) error {
	moved := duoyun.Fail(duoyun.CodeConflict, "state", "故障 %s 已被他人处理", "incident %s has been dealt with meanwhile", i.Number)
	return must1(ctx, tx, moved, `UPDATE incidents SET state = $1, end_at = $2, attribution = $3, announced = $4, note = $5
		WHERE id = $6 AND state = $7`, string(i.State), ts(i.End), i.Attribution, ts(i.Announced), i.Note, i.ID, string(from))
}

func noIncident(key string) error { return duoyun.NotFound("故障", "incident", key) }

// Incident reads and locks an incident by id or number.
func (s *Store) Incident(ctx context.Context, tx *sql.Tx, key string) (duoyun.Incident, error) {
	return one(ctx, tx, scanIncident, noIncident(key), s.lock(`SELECT `+incidentColumns+` FROM incidents i WHERE i.`+byKey("number", key)), key)
}

// LastProbed returns the subject's latest incident that came from probes; a zero one when there is none.
func (s *Store) LastProbed(ctx context.Context, tx *sql.Tx, x sla.Subject) (duoyun.Incident, error) {
	w := where{args: []any{x.PoolID}, conds: []string{"i.pool_id = $1 AND i.source = 'probe'"}}
	if x.ResourceID != "" {
		w.and("i.resource_id = $?", x.ResourceID)
	} else {
		w.and("i.resource_id IS NULL")
	}
	none := errors.New("none")
	i, err := one(ctx, tx, scanIncident, none, `SELECT `+incidentColumns+` FROM incidents i`+w.String()+` ORDER BY i.start_at DESC LIMIT 1`, w.args...)
	if errors.Is(err, none) {
		return duoyun.Incident{}, nil
	}
	return i, err
}

// struck keeps rows about resources in scope and about pools: those in which the scope has a resource, every one for the
// root of the tree, and, by the given condition with one $?, the supplier's own.
func (w *where) struck(scope duoyun.Scope, resource, pool, supplierCond string) {
	if scope.All {
		return
	}
	some := []string{"1 = 0"}
	for _, g := range scope.Agencies {
		if g.Depth < 1 || g.Depth > duoyun.MaxDepth {
			continue
		}
		own := fmt.Sprintf("r.a%d = %s", g.Depth, w.bind(g.AgencyID))
		some = append(some, "EXISTS (SELECT 1 FROM resources r WHERE r.id = "+resource+" AND "+own+")")
		if g.Depth == 1 {
			some = append(some, resource+" IS NULL")
		} else {
			some = append(some, resource+" IS NULL AND EXISTS (SELECT 1 FROM resources r WHERE r.pool_id = "+pool+" AND "+own+")")
		}
	}
	for _, id := range scope.Suppliers {
		some = append(some, strings.Replace(supplierCond, "$?", w.bind(id), 1))
	}
	w.conds = append(w.conds, "("+strings.Join(some, " OR ")+")")
}

// FindIncident reads an incident in scope by id or number.
func (s *Store) FindIncident(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Incident, error) {
	w := where{args: []any{key}, conds: []string{"i." + byKey("number", key)}}
	w.struck(scope, "i.resource_id", "i.pool_id", "i.supplier_id = $?")
	return one(ctx, s.reader(), scanIncident, noIncident(key), `SELECT `+incidentColumns+` FROM incidents i`+w.String(), w.args...)
}

// Incidents lists the incidents in scope, newest first.
func (s *Store) Incidents(ctx context.Context, scope duoyun.Scope, f sla.IncidentFilter, p duoyun.Page) (duoyun.Listing[duoyun.Incident], error) {
	var w where
	w.struck(scope, "i.resource_id", "i.pool_id", "i.supplier_id = $?")
	if f.State != "" {
		w.and("i.state = $?", string(f.State))
	}
	if f.Supplier != "" {
		w.and("i.supplier_id = (SELECT x.id FROM suppliers x WHERE x."+keyed("code", f.Supplier)+")", f.Supplier)
	}
	if f.Pool != "" {
		w.and("i.pool_id = (SELECT x.id FROM pools x WHERE x."+keyed("code", f.Pool)+")", f.Pool)
	}
	if f.Resource != "" {
		w.and("i.resource_id = (SELECT x.id FROM resources x WHERE x."+keyed("number", f.Resource)+")", f.Resource)
	}
	order := w.page("i.id", p)
	rows, err := collect(ctx, s.reader(), scanIncident, `SELECT `+incidentColumns+` FROM incidents i`+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(i duoyun.Incident) string { return i.ID }), err
}

// Touching lists the incidents of the pool and, where resourceID is not "", of the resource that touch [from, to).
func (s *Store) Touching(ctx context.Context, tx *sql.Tx, resourceID, poolID string, from, to time.Time) ([]duoyun.Incident, error) {
	return collect(ctx, s.via(tx), scanIncident, `SELECT `+incidentColumns+` FROM incidents i
		WHERE i.pool_id = $1 AND (i.resource_id IS NULL OR i.resource_id = $2) AND i.start_at < $3 AND (i.end_at IS NULL OR i.end_at > $4)
		ORDER BY i.start_at, i.id`, poolID, resourceID, ts(to), ts(from))
}

const servedColumns = `c.id, c.sla, r.id, r.pool_id, r.kind, COALESCE(r.confirmed_at, r.delivered_at), r.terminated_at`

func scanServed(r row) (x sla.Served, err error) {
	err = r.Scan(&x.ContractID, into(&x.Clause), &x.ResourceID, &x.PoolID, &x.Kind, at(&x.Start), at(&x.End))
	return x, err
}

// served keeps resources that ran within [from, to); networks and people's work have no availability.
func (w *where) served(from, to time.Time) {
	w.and(`COALESCE(r.confirmed_at, r.delivered_at) < $? AND (r.terminated_at IS NULL OR r.terminated_at > $?)
		AND r.kind NOT IN ('network', 'service')`, ts(to), ts(from))
}

// Struck lists the contract's resources with an attributed incident of their own or of their pool within [from, to).
func (s *Store) Struck(ctx context.Context, tx *sql.Tx, contractID string, from, to time.Time, after string, limit int) ([]sla.Served, error) {
	w := where{args: []any{contractID, after}, conds: []string{"r.contract_id = $1 AND r.id > $2"}}
	w.served(from, to)
	w.and(`EXISTS (SELECT 1 FROM incidents i WHERE i.pool_id = r.pool_id AND (i.resource_id IS NULL OR i.resource_id = r.id)
		AND i.state IN ('attributed', 'credited') AND i.start_at < $? AND (i.end_at IS NULL OR i.end_at > $?))`, ts(to), ts(from))
	return collect(ctx, tx, scanServed, fmt.Sprintf(`SELECT `+servedColumns+` FROM resources r JOIN contracts c ON c.id = r.contract_id%s
		ORDER BY r.id LIMIT %d`, w.String(), limit), w.args...)
}

// ServedResources lists the resources in scope that ran within [from, to) under a contract, newest first.
func (s *Store) ServedResources(ctx context.Context, scope duoyun.Scope, f sla.ReportFilter, from, to time.Time, p duoyun.Page) (duoyun.Listing[sla.Served], error) {
	var w where
	w.scope(scope, "r.", "r.supplier_id = $?")
	w.served(from, to)
	if f.Contract != "" {
		w.and("c."+keyed("number", f.Contract), f.Contract)
	}
	if f.Resource != "" {
		w.and("r."+keyed("number", f.Resource), f.Resource)
	}
	order := w.page("r.id", p)
	rows, err := collect(ctx, s.reader(), scanServed,
		`SELECT `+servedColumns+` FROM resources r JOIN contracts c ON c.id = r.contract_id`+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(x sla.Served) string { return x.ResourceID }), err
}

// ServedPools lists contract and pool of everything in scope that ran within [from, to).
func (s *Store) ServedPools(ctx context.Context, scope duoyun.Scope, from, to time.Time) ([]sla.Served, error) {
	var w where
	w.scope(scope, "r.", "r.supplier_id = $?")
	w.served(from, to)
	return collect(ctx, s.reader(), func(r row) (x sla.Served, err error) {
		err = r.Scan(&x.ContractID, into(&x.Clause), &x.PoolID)
		return x, err
	}, `SELECT c.id, c.sla, p.id FROM contracts c JOIN pools p ON p.supplier_id = c.supplier_id
		WHERE EXISTS (SELECT 1 FROM resources r`+w.String()+` AND r.pool_id = p.id AND r.contract_id = c.id)
		ORDER BY c.number, p.code`, w.args...)
}

// InsertCredits records credits; one for a contract, resource and month that has its own already is a conflict.
func (s *Store) InsertCredits(ctx context.Context, tx *sql.Tx, credits []duoyun.Credit) error {
	rows := make([][]any, len(credits))
	for i, c := range credits {
		rows[i] = []any{c.ID, c.ContractID, c.ResourceID, c.Month.String(), int64(c.Fee), c.Percent.String(), int64(c.Amount), asJSON(c.Note)}
	}
	entered := duoyun.Fail(duoyun.CodeConflict, "credit", "该资源当月的扣减已入账", "the resource's credit of this month is on a statement already")
	return insertRows(ctx, tx, orDuplicate(entered),
		`INSERT INTO credits (id, contract_id, resource_id, month, fee_fen, percent, amount_fen, note) VALUES`, rows)
}

// MarkCredited moves the resource's and its pool's attributed incidents that ended by the month's end to credited.
func (s *Store) MarkCredited(ctx context.Context, tx *sql.Tx, resourceID string, month duoyun.Month) error {
	to, err := duoyun.IncidentLifecycle().Move(duoyun.IncidentAttributed, duoyun.IncidentCredited)
	if err != nil {
		return err
	}
	_, err = exec(ctx, tx, `UPDATE incidents SET state = $1 WHERE state = 'attributed' AND end_at > $2 AND end_at <= $3
		AND pool_id = (SELECT r.pool_id FROM resources r WHERE r.id = $4) AND (resource_id IS NULL OR resource_id = $4)`,
		string(to), ts(month.Start()), ts(month.End()), resourceID)
	return err
}
