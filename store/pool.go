package store

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/quota"
)

const poolColumns = `p.id, p.code, p.name, p.supplier_id, p.driver, p.site, p.region, p.zones, p.kinds, p.level, p.xinchuang, p.plan,
	p.simulated, p.account, p.active, p.version`

func poolFields(x *duoyun.Pool, account *string) []any {
	return []any{&x.ID, &x.Code, &x.Name, &x.SupplierID, &x.Driver, &x.Site, &x.Region, into(&x.Zones), into(&x.Kinds), &x.Level,
		into(&x.Xinchuang), into(&x.Plan), &x.Simulated, account, &x.Active, &x.Version}
}

func scanPool(r row) (x duoyun.Pool, err error) {
	var account string
	err = r.Scan(poolFields(&x, &account)...)
	x.Account = []byte(account)
	return x, err
}

func noPool(key string) error { return duoyun.NotFound("资源池", "pool", key) }

// InsertPool writes a new pool with a capacity row for every dimension.
func (s *Store) InsertPool(ctx context.Context, tx *sql.Tx, x duoyun.Pool) error {
	_, err := exec(ctx, tx, `INSERT INTO pools (id, code, name, supplier_id, driver, site, region, zones, kinds, level, xinchuang,
		plan, networks_used, simulated, account, sealed, active, version)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14, NULL, $15, 1)`,
		x.ID, x.Code, x.Name, x.SupplierID, x.Driver, x.Site, x.Region, asJSON(x.Zones), asJSON(x.Kinds), int64(x.Level),
		asJSON(x.Xinchuang), asJSON(x.Plan), x.Simulated, string(x.Account), x.Active)
	if duplicate(err) {
		return duoyun.Fail(duoyun.CodeConflict, "code", "资源池编码已存在：%s", "a pool has this code already: %s", x.Code)
	}
	if err != nil {
		return err
	}
	var rows [][]any
	for _, d := range duoyun.Dimensions() {
		var limit any
		if n, declared := x.Capacity[d]; declared {
			limit = n
		}
		rows = append(rows, []any{duoyun.NewID(s.now()), x.ID, string(d), limit})
	}
	return insertRows(ctx, tx, nil, `INSERT INTO pool_capacity (id, pool_id, dimension, lim) VALUES`, rows)
}

// UpdatePool writes what may change of a locked pool and raises its version.
func (s *Store) UpdatePool(ctx context.Context, tx *sql.Tx, x duoyun.Pool) error {
	return must1(ctx, tx, noPool(x.Code), `UPDATE pools SET name = $1, zones = $2, kinds = $3, level = $4, xinchuang = $5, plan = $6,
		account = $7, active = $8, version = version + 1 WHERE id = $9`,
		x.Name, asJSON(x.Zones), asJSON(x.Kinds), int64(x.Level), asJSON(x.Xinchuang), asJSON(x.Plan), string(x.Account), x.Active, x.ID)
}

// SealPool seals a secret under the store's key and keeps it; "" forgets the one there was.
func (s *Store) SealPool(ctx context.Context, tx *sql.Tx, poolID, secret string) error {
	var sealed []byte
	if secret != "" {
		var err error
		if sealed, err = s.seal(poolID, secret); err != nil {
			return err
		}
	}
	return must1(ctx, tx, noPool(poolID), `UPDATE pools SET sealed = $1 WHERE id = $2`, sealed, poolID)
}

// PoolAccount reads a pool with its secret, for the directory of clouds alone: no service returns it.
func (s *Store) PoolAccount(ctx context.Context, poolID string) (pool duoyun.Pool, secret string, err error) {
	var account string
	var sealed []byte
	err = s.reader().QueryRowContext(ctx, `SELECT `+poolColumns+`, p.sealed FROM pools p WHERE p.id = $1`, poolID).
		Scan(append(poolFields(&pool, &account), &sealed)...)
	if err == sql.ErrNoRows {
		return pool, "", noPool(poolID)
	}
	if err != nil {
		return pool, "", err
	}
	pool.Account = []byte(account)
	secret, err = s.unseal(poolID, sealed)
	return pool, secret, err
}

// Pool reads a pool by id or code.
func (s *Store) Pool(ctx context.Context, tx *sql.Tx, key string) (duoyun.Pool, error) {
	return one(ctx, tx, scanPool, noPool(key), `SELECT `+poolColumns+` FROM pools p WHERE p.`+byKey("code", key), key)
}

// LockPool reads a pool by id or code and holds it until the transaction ends.
func (s *Store) LockPool(ctx context.Context, tx *sql.Tx, key string) (duoyun.Pool, error) {
	return one(ctx, tx, scanPool, noPool(key), s.lock(`SELECT `+poolColumns+` FROM pools p WHERE p.`+byKey("code", key)), key)
}

// PoolNetworks is how many networks have been cut from the pool's address plan.
func (s *Store) PoolNetworks(ctx context.Context, tx *sql.Tx, poolID string) (n int64, err error) {
	err = tx.QueryRowContext(ctx, `SELECT networks_used FROM pools WHERE id = $1`, poolID).Scan(&n)
	return n, err
}

// PoolInUse reports whether a pool has resources that are not at their end, or purchases under way.
func (s *Store) PoolInUse(ctx context.Context, tx *sql.Tx, poolID string) (used bool, err error) {
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM resources WHERE pool_id = $1 AND state NOT IN ('terminated', 'cancelled', 'failed'))
		OR EXISTS (SELECT 1 FROM intents WHERE pool_id = $1
			AND state IN ('waiting', 'intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched'))`, poolID).Scan(&used)
	return used, err
}

// FindPool reads a pool in scope by id or code, with its capacity.
func (s *Store) FindPool(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Pool, error) {
	w := where{args: []any{key}, conds: []string{"p." + byKey("code", key)}}
	w.scope(scope, "", "p.supplier_id = $?")
	x, err := one(ctx, s.reader(), scanPool, noPool(key), `SELECT `+poolColumns+` FROM pools p`+w.String(), w.args...)
	if err != nil {
		return x, err
	}
	pools := []duoyun.Pool{x}
	err = capacities(ctx, s.reader(), pools)
	return pools[0], err
}

// Pools lists the pools in scope with their capacities.
func (s *Store) Pools(ctx context.Context, scope duoyun.Scope, f procurement.PoolFilter, p duoyun.Page) (duoyun.Listing[duoyun.Pool], error) {
	var w where
	w.scope(scope, "", "p.supplier_id = $?")
	w.named("s.", "code", f.Supplier)
	if f.Site != "" {
		w.and("p.site = $?", f.Site)
	}
	order := w.page("p.id", p)
	rows, err := collect(ctx, s.reader(), scanPool, `SELECT `+poolColumns+` FROM pools p JOIN suppliers s ON s.id = p.supplier_id`+w.String()+order, w.args...)
	if err != nil {
		return duoyun.Listing[duoyun.Pool]{}, err
	}
	l := duoyun.Paged(rows, p, func(x duoyun.Pool) string { return x.ID })
	return l, capacities(ctx, s.reader(), l.Items)
}

const capacityRows = `SELECT c.id, c.pool_id, p.name, c.dimension, c.lim, c.used FROM pool_capacity c JOIN pools p ON p.id = c.pool_id`

func scanCapacityRow(r row) (x quota.Row, err error) {
	x.Kind, x.Open = duoyun.HoldPool, true
	err = r.Scan(&x.ID, &x.OwnerID, &x.Owner, &x.Dimension, &x.Limit, &x.Used)
	return x, err
}

// CapacityRows reads the capacity rows of pools in dimensions and makes those that are missing, without a limit.
func (s *Store) CapacityRows(ctx context.Context, tx *sql.Tx, keys []quota.CapacityKey) ([]quota.Row, error) {
	return ensured(keys, func(r quota.Row) quota.CapacityKey {
		return quota.CapacityKey{PoolID: r.OwnerID, Dimension: r.Dimension}
	},
		func() ([]quota.Row, error) {
			var w where
			in(&w, "c.pool_id", keys, func(k quota.CapacityKey) string { return k.PoolID })
			in(&w, "c.dimension", keys, func(k quota.CapacityKey) string { return string(k.Dimension) })
			return collect(ctx, tx, scanCapacityRow, capacityRows+w.String(), w.args...)
		},
		func(missing []quota.CapacityKey) error {
			rows := make([][]any, len(missing))
			for i, k := range missing {
				rows[i] = []any{duoyun.NewID(s.now()), k.PoolID, string(k.Dimension)}
			}
			return insertMissing(ctx, tx, `INSERT INTO pool_capacity (id, pool_id, dimension) VALUES`, rows)
		})
}

// SetCapacity declares a pool's capacity in a dimension, nil for unlimited; false when more is used already.
func (s *Store) SetCapacity(ctx context.Context, tx *sql.Tx, poolID string, d duoyun.Dimension, limit *int64) (bool, error) {
	if _, err := s.CapacityRows(ctx, tx, []quota.CapacityKey{{PoolID: poolID, Dimension: d}}); err != nil {
		return false, err
	}
	n, err := exec(ctx, tx, `UPDATE pool_capacity SET lim = $1 WHERE pool_id = $2 AND dimension = $3 AND (CAST($1 AS BIGINT) IS NULL OR used <= $1)`,
		limit, poolID, string(d))
	return n == 1, err
}

// capacities fills in what pools declare and what is used of it.
func capacities(ctx context.Context, q querier, pools []duoyun.Pool) error {
	if len(pools) == 0 {
		return nil
	}
	at := make(map[string]*duoyun.Pool, len(pools))
	for i := range pools {
		pools[i].Capacity, pools[i].Used = map[duoyun.Dimension]int64{}, map[duoyun.Dimension]int64{}
		at[pools[i].ID] = &pools[i]
	}
	var w where
	in(&w, "pool_id", pools, func(p duoyun.Pool) string { return p.ID })
	return each(ctx, q, func(r row) error {
		var id string
		var d duoyun.Dimension
		var limit *int64
		var used int64
		if err := r.Scan(&id, &d, &limit, &used); err != nil {
			return err
		}
		if limit != nil {
			at[id].Capacity[d] = *limit
		}
		at[id].Used[d] = used
		return nil
	}, `SELECT pool_id, dimension, lim, used FROM pool_capacity`+w.String(), w.args...)
}
