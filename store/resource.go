package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

const resourceColumns = `r.id, r.number, r.order_id, r.line, r.ordinal, r.kind, r.name, r.agency_id, r.payer_id, r.system_id,
	r.project_id, r.supplier_id, r.pool_id, r.contract_id, r.zone, r.state, r.spec, r.monthly_fen, r.vendor_id, r.parts,
	r.addresses, r.observed, r.period, r.delivered_at, r.confirmed_at, r.terminated_at, r.paid_until,
	r.created_at, r.updated_at`

func scanResource(r row) (x duoyun.Resource, err error) {
	var spec, observed string
	err = r.Scan(&x.ID, opt(&x.Number), opt(&x.OrderID), &x.Line, &x.Ordinal, &x.Kind, &x.Name, &x.AgencyID, &x.PayerID,
		opt(&x.SystemID), opt(&x.ProjectID), &x.SupplierID, &x.PoolID, opt(&x.ContractID), &x.Zone, &x.State, &spec, &x.Monthly,
		&x.VendorID, into(&x.Parts), into(&x.Addresses), &observed, into(&x.Period), at(&x.Delivered), at(&x.Confirmed),
		at(&x.Terminated), at(&x.PaidUntil), at(&x.CreatedAt), at(&x.UpdatedAt))
	if err != nil {
		return x, err
	}
	if observed != "" {
		x.Observed = []byte(observed)
	}
	x.Spec, err = decodeSpec(x.Kind, spec)
	return x, err
}

// InsertResources writes many resources at once; their ancestors come from their agencies' rows.
func (s *Store) InsertResources(ctx context.Context, tx *sql.Tx, rs []duoyun.Resource) error {
	places := map[string]duoyun.Agency{}
	var rows [][]any
	for _, x := range rs {
		a, known := places[x.AgencyID]
		if !known {
			var err error
			if a, err = s.Agency(ctx, tx, x.AgencyID); err != nil {
				return err
			}
			places[x.AgencyID] = a
		}
		rows = append(rows, resourceRow(x, a))
	}
	return insertRows(ctx, tx, nil, `INSERT INTO resources (id, number, order_id, line, ordinal, kind, name, agency_id, a1, a2, a3, a4,
		payer_id, system_id, project_id, supplier_id, pool_id, contract_id, zone, state, spec, monthly_fen, vendor_id, parts,
		addresses, observed, period, delivered_at, confirmed_at, terminated_at, paid_until, created_at, updated_at) VALUES`, rows)
}

func resourceRow(x duoyun.Resource, a duoyun.Agency) []any {
	return []any{x.ID, null(x.Number), null(x.OrderID), x.Line, x.Ordinal, string(x.Kind), x.Name, x.AgencyID,
		a.Ancestors[0], a.Ancestors[1], a.Ancestors[2], a.Ancestors[3], x.PayerID, null(x.SystemID), null(x.ProjectID),
		x.SupplierID, x.PoolID, null(x.ContractID), x.Zone, string(x.State), string(duoyun.EncodeSpec(x.Spec)), int64(x.Monthly),
		x.VendorID, asJSON(x.Parts), asJSON(x.Addresses), string(x.Observed), asJSON(x.Period), ts(x.Delivered), ts(x.Confirmed),
		ts(x.Terminated), ts(x.PaidUntil), ts(x.CreatedAt), ts(x.UpdatedAt)}
}

// InsertLinks writes references between resources.
func (s *Store) InsertLinks(ctx context.Context, tx *sql.Tx, links []duoyun.Link) error {
	rows := make([][]any, len(links))
	for i, l := range links {
		rows[i] = []any{l.ChildID, l.ParentID, string(l.Relation)}
	}
	return insertRows(ctx, tx, nil, `INSERT INTO resource_links (child_id, parent_id, relation) VALUES`, rows)
}

// UpdateResource writes what the order side knows of a resource; what the vendor told stays as it is.
func (s *Store) UpdateResource(ctx context.Context, tx *sql.Tx, x duoyun.Resource) error {
	return later1(ctx, tx, noResource(x.ID), `UPDATE resources SET number = $1, state = $2, spec = $3, monthly_fen = $4, period = $5,
		delivered_at = $6, confirmed_at = $7, terminated_at = $8, updated_at = $9 WHERE id = $10`,
		null(x.Number), string(x.State), string(duoyun.EncodeSpec(x.Spec)), int64(x.Monthly), asJSON(x.Period),
		ts(x.Delivered), ts(x.Confirmed), ts(x.Terminated), ts(x.UpdatedAt), x.ID)
}

// SetResourceStates writes one state to many resources; a confirmation date that is not zero is written too.
func (s *Store) SetResourceStates(ctx context.Context, tx *sql.Tx, ids []string, state duoyun.ResourceState, confirmed, now time.Time) error {
	for len(ids) > 0 {
		n := min(len(ids), bulkArgs)
		args := append([]any{string(state), ts(confirmed), ts(now)}, anys(ids[:n])...)
		_, err := exec(ctx, tx, `UPDATE resources SET state = $1, confirmed_at = COALESCE($2, confirmed_at), updated_at = $3
			WHERE `+among("id", 4, n), args...)
		if err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// ShowLogin notes that a resource's login secret is shown now; first is false where it has been shown before.
func (s *Store) ShowLogin(ctx context.Context, tx *sql.Tx, id string, now time.Time) (first bool, err error) {
	n, err := exec(ctx, tx, `UPDATE resources SET login_shown_at = $1 WHERE id = $2 AND login_shown_at IS NULL`, ts(now), id)
	return n == 1, err
}

func noResource(key string) error { return duoyun.NotFound("资源", "resource", key) }

// LockResources reads and holds resources by id or number, in the order of their ids. Keys that name nothing are left
// out.
func (s *Store) LockResources(ctx context.Context, tx *sql.Tx, keys []string) ([]duoyun.Resource, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	n := len(keys)
	return collect(ctx, tx, scanResource, s.lock(`SELECT `+resourceColumns+` FROM resources r
		WHERE `+among("r.id", 1, n)+` OR `+among("r.number", 1, n)+` ORDER BY r.id`), anys(keys)...)
}

// OrderResources lists what an open order made, by line and ordinal.
func (s *Store) OrderResources(ctx context.Context, tx *sql.Tx, orderID string) ([]duoyun.Resource, error) {
	return collect(ctx, tx, scanResource, `SELECT `+resourceColumns+` FROM resources r WHERE r.order_id = $1 ORDER BY r.line, r.ordinal, r.id`, orderID)
}

// Dependents lists what hangs on any of the parents and is live or coming.
func (s *Store) Dependents(ctx context.Context, tx *sql.Tx, parentIDs []string) ([]broker.Dependent, error) {
	if len(parentIDs) == 0 {
		return nil, nil
	}
	return collect(ctx, tx, scanDependent, `SELECT l.child_id, l.parent_id, l.relation, c.kind, COALESCE(c.number, ''), c.name FROM resource_links l JOIN resources c ON c.id = l.child_id
		WHERE `+among("l.parent_id", 1, len(parentIDs))+` AND c.state NOT IN ('terminated', 'cancelled', 'failed') ORDER BY l.parent_id, l.child_id`, anys(parentIDs)...)
}

func scanLink(r row) (l duoyun.Link, err error) {
	err = r.Scan(&l.ChildID, &l.ParentID, &l.Relation)
	return l, err
}

func scanDependent(r row) (d broker.Dependent, err error) {
	err = r.Scan(&d.ChildID, &d.ParentID, &d.Relation, &d.Kind, &d.Number, &d.Name)
	return d, err
}

// PlatformNetwork finds the network of an agency in a zone of a pool. Where there is none that could be used, the pool
// stays locked, so that two orders do not make two, and the next index of its address plan is taken.
func (s *Store) PlatformNetwork(ctx context.Context, tx *sql.Tx, poolID, agencyID, zone string) (broker.NetworkSlot, error) {
	slot, err := networkSlot(ctx, tx, poolID, agencyID, zone)
	if err != nil || slot.ResourceID != "" {
		return slot, err
	}
	if _, err := one(ctx, tx, scanText, duoyun.NotFound("资源池", "pool", poolID), s.lock(`SELECT id FROM pools WHERE id = $1`), poolID); err != nil {
		return slot, err
	}
	if slot, err = networkSlot(ctx, tx, poolID, agencyID, zone); err != nil || slot.ResourceID != "" {
		return slot, err
	}
	err = tx.QueryRowContext(ctx, `UPDATE pools SET networks_used = networks_used + 1 WHERE id = $1 RETURNING networks_used - 1`, poolID).Scan(&slot.Index)
	return slot, err
}

func networkSlot(ctx context.Context, tx *sql.Tx, poolID, agencyID, zone string) (broker.NetworkSlot, error) {
	var slot broker.NetworkSlot
	var state duoyun.ResourceState
	err := tx.QueryRowContext(ctx, `SELECT r.id, r.state FROM platform_networks n JOIN resources r ON r.id = n.resource_id
		WHERE n.pool_id = $1 AND n.agency_id = $2 AND n.zone = $3 AND r.state NOT IN ('terminated', 'cancelled', 'failed', 'releasing')`,
		poolID, agencyID, zone).Scan(&slot.ResourceID, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return slot, nil
	}
	slot.Verified = state.Live()
	return slot, err
}

func scanText(r row) (v string, err error) {
	err = r.Scan(&v)
	return v, err
}

// SetPlatformNetwork makes a resource the network of an agency in a zone of a pool, in place of one that is gone.
func (s *Store) SetPlatformNetwork(ctx context.Context, tx *sql.Tx, poolID, agencyID, zone, resourceID string) error {
	_, err := exec(ctx, tx, `INSERT INTO platform_networks (pool_id, agency_id, zone, resource_id) VALUES ($1, $2, $3, $4)
		ON CONFLICT (pool_id, agency_id, zone) DO UPDATE SET resource_id = excluded.resource_id`, poolID, agencyID, zone, resourceID)
	return err
}

// IdleNetworks locks and lists running platform networks of a pool in which nothing stands or is to stand.
func (s *Store) IdleNetworks(ctx context.Context, tx *sql.Tx, poolID string, limit int) ([]duoyun.Resource, error) {
	return collect(ctx, tx, scanResource, s.lock(`SELECT `+resourceColumns+` FROM resources r
		WHERE r.pool_id = $1 AND r.kind = 'network' AND r.state = 'running' AND NOT EXISTS (
			SELECT 1 FROM resource_links l JOIN resources c ON c.id = l.child_id
			WHERE l.parent_id = r.id AND c.state NOT IN ('terminated', 'cancelled', 'failed'))
		ORDER BY r.id LIMIT $2`), poolID, limit)
}

// FindResource reads a resource in scope by id or number.
func (s *Store) FindResource(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Resource, error) {
	w := where{args: []any{key}, conds: []string{"r." + byKey("number", key)}}
	w.scope(scope, "r.", "r.supplier_id = $?")
	return one(ctx, s.reader(), scanResource, noResource(key), `SELECT `+resourceColumns+` FROM resources r`+w.String(), w.args...)
}

// Resources lists the resources in scope, newest first.
func (s *Store) Resources(ctx context.Context, scope duoyun.Scope, f broker.ResourceFilter, p duoyun.Page) (duoyun.Listing[duoyun.Resource], error) {
	var w where
	w.scope(scope, "r.", "r.supplier_id = $?")
	if f.Kind != "" {
		w.and("r.kind = $?", string(f.Kind))
	}
	if f.State != "" {
		w.and("r.state = $?", string(f.State))
	}
	if f.System != "" {
		w.and("r.system_id = (SELECT y.id FROM systems y WHERE y."+keyed("code", f.System)+")", f.System)
	}
	if f.Order != "" {
		w.and(fmt.Sprintf(`r.order_id = (SELECT o.id FROM orders o WHERE o.%s)`, keyed("number", f.Order)), f.Order)
	}
	if err := s.under(ctx, &w, scope, "r.", f.Agency); err != nil {
		return duoyun.Listing[duoyun.Resource]{}, err
	}
	order := w.page("r.id", p)
	// The page's ids come first, from the scope's index alone: asked for whole rows, PostgreSQL walks the primary key from
	// its newest end, which takes a subtree of old rows past everybody else's.
	rows, err := collect(ctx, s.reader(), scanResource, `SELECT `+resourceColumns+` FROM resources r
		WHERE r.id IN (SELECT r.id FROM resources r`+w.String()+order+`) ORDER BY r.id DESC`, w.args...)
	return duoyun.Paged(rows, p, func(x duoyun.Resource) string { return x.ID }), err
}

// AllOrderResources lists the resources an order made and those it is about, in scope, by line and ordinal.
func (s *Store) AllOrderResources(ctx context.Context, scope duoyun.Scope, orderID string) ([]duoyun.Resource, error) {
	w := where{args: []any{orderID}, conds: []string{`(r.order_id = $1 OR r.id IN (SELECT x.resource_id FROM order_targets x WHERE x.order_id = $1))`}}
	w.scope(scope, "r.", "r.supplier_id = $?")
	return collect(ctx, s.reader(), scanResource, `SELECT `+resourceColumns+` FROM resources r`+w.String()+` ORDER BY r.line, r.ordinal, r.id`, w.args...)
}
