package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/quota"
)

const contractColumns = `c.id, c.number, c.supplier_id, c.name, c.start_day, c.end_day, COALESCE(c.lim, 0), c.used, c.rules, c.sla,
	c.allocation, c.share, c.state`

func contractFields(c *duoyun.Contract) []any {
	return []any{&c.ID, &c.Number, &c.SupplierID, &c.Name, day(&c.Start), day(&c.End), (*int64)(&c.Ceiling), (*int64)(&c.Used),
		into(&c.Rules), into(&c.SLA), &c.Allocation, &c.Share, &c.State}
}

func scanContract(r row) (c duoyun.Contract, err error) {
	err = r.Scan(contractFields(&c)...)
	return c, err
}

func noContract(key string) error { return duoyun.NotFound("合同", "contract", key) }

const contractRows = `SELECT c.id, c.id, c.number, c.lim, c.used, c.state = 'active' FROM contracts c`

func scanContractRow(r row) (x quota.Row, err error) {
	x.Kind = duoyun.HoldContract
	err = r.Scan(&x.ID, &x.OwnerID, &x.Owner, &x.Limit, &x.Used, &x.Open)
	return x, err
}

// InsertContract writes a new contract; a number already taken is a conflict.
func (s *Store) InsertContract(ctx context.Context, tx *sql.Tx, c duoyun.Contract) error {
	_, err := exec(ctx, tx, `INSERT INTO contracts (id, number, supplier_id, name, start_day, end_day, lim, used, rules, sla, allocation, share, state)
		VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9, $10, $11, $12)`,
		c.ID, c.Number, c.SupplierID, c.Name, c.Start.String(), c.End.String(), int64(c.Ceiling), asJSON(c.Rules), asJSON(c.SLA),
		c.Allocation, c.Share, c.State)
	if duplicate(err) {
		return duoyun.Fail(duoyun.CodeConflict, "number", "合同编号已存在：%s", "a contract has this number already: %s", c.Number)
	}
	return err
}

// UpdateContract writes what may change of a locked contract; false when its ceiling would be below what is used.
func (s *Store) UpdateContract(ctx context.Context, tx *sql.Tx, c duoyun.Contract) (bool, error) {
	n, err := exec(ctx, tx, `UPDATE contracts SET name = $1, end_day = $2, lim = $3, allocation = $4, share = $5, state = $6
		WHERE id = $7 AND used <= $3`, c.Name, c.End.String(), int64(c.Ceiling), c.Allocation, c.Share, c.State, c.ID)
	return n == 1, err
}

// Contract reads a contract by id or number.
func (s *Store) Contract(ctx context.Context, tx *sql.Tx, key string) (duoyun.Contract, error) {
	return one(ctx, tx, scanContract, noContract(key), `SELECT `+contractColumns+` FROM contracts c WHERE c.`+byKey("number", key), key)
}

// LockContract reads a contract by id or number and holds it until the transaction ends.
func (s *Store) LockContract(ctx context.Context, tx *sql.Tx, key string) (duoyun.Contract, error) {
	return one(ctx, tx, scanContract, noContract(key), s.lock(`SELECT `+contractColumns+` FROM contracts c WHERE c.`+byKey("number", key)), key)
}

// FindContract reads a contract in scope by id or number.
func (s *Store) FindContract(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Contract, error) {
	w := where{args: []any{key}, conds: []string{"c." + byKey("number", key)}}
	w.scope(scope, "", "c.supplier_id = $?")
	return one(ctx, s.reader(), scanContract, noContract(key), `SELECT `+contractColumns+` FROM contracts c`+w.String(), w.args...)
}

// Contracts lists the contracts in scope.
func (s *Store) Contracts(ctx context.Context, scope duoyun.Scope, f procurement.ContractFilter, p duoyun.Page) (duoyun.Listing[duoyun.Contract], error) {
	var w where
	w.scope(scope, "", "c.supplier_id = $?")
	w.named("s.", "code", f.Supplier)
	if f.State != "" {
		w.and("c.state = $?", f.State)
	}
	order := w.page("c.id", p)
	rows, err := collect(ctx, s.reader(), scanContract, `SELECT `+contractColumns+` FROM contracts c JOIN suppliers s ON s.id = c.supplier_id`+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(c duoyun.Contract) string { return c.ID }), err
}

const priceColumns = `i.id, i.contract_id, i.item, i.name, i.per, i.unit, i.price, i.list_price, i.ceiling, i.valid_from, i.valid_until`

func priceFields(i *duoyun.PriceItem) []any {
	return []any{&i.ID, &i.ContractID, &i.Item, &i.Name, &i.Per, &i.Unit, &i.Price, &i.ListPrice, &i.Ceiling, at(&i.From), at(&i.Until)}
}

func scanPrice(r row) (i duoyun.PriceItem, err error) {
	err = r.Scan(priceFields(&i)...)
	return i, err
}

// InsertPriceItems writes prices; the service has seen to it that none overlap.
func (s *Store) InsertPriceItems(ctx context.Context, tx *sql.Tx, items []duoyun.PriceItem) error {
	rows := make([][]any, len(items))
	for n, i := range items {
		rows[n] = []any{i.ID, i.ContractID, string(i.Item), i.Name, i.Per, i.Unit, i.Price, i.ListPrice, i.Ceiling, ts(i.From), ts(i.Until)}
	}
	return insertRows(ctx, tx, nil, `INSERT INTO price_items (id, contract_id, item, name, per, unit, price, list_price, ceiling, valid_from, valid_until) VALUES`, rows)
}

// EndPriceItem sets the first instant a price no longer holds.
func (s *Store) EndPriceItem(ctx context.Context, tx *sql.Tx, id string, until time.Time) error {
	return must1(ctx, tx, duoyun.NotFound("计价项", "price item", id), `UPDATE price_items SET valid_until = $1 WHERE id = $2`, ts(until), id)
}

// PriceItems lists every validity of a contract's items, by item and time.
func (s *Store) PriceItems(ctx context.Context, tx *sql.Tx, contractID string) ([]duoyun.PriceItem, error) {
	return priceItems(ctx, tx, contractID)
}

// ContractPrices is PriceItems outside a transaction.
func (s *Store) ContractPrices(ctx context.Context, contractID string) ([]duoyun.PriceItem, error) {
	return priceItems(ctx, s.reader(), contractID)
}

func priceItems(ctx context.Context, q querier, contractIDs ...string) ([]duoyun.PriceItem, error) {
	var w where
	in(&w, "i.contract_id", contractIDs, func(id string) string { return id })
	return collect(ctx, q, scanPrice, `SELECT `+priceColumns+` FROM price_items i`+w.String()+` ORDER BY i.contract_id, i.item, i.valid_from`, w.args...)
}
