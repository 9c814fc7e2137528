package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
)

// soldBy is a pool with its supplier.
type soldBy struct {
	pool     duoyun.Pool
	supplier duoyun.Supplier
}

const soldByColumns = poolColumns + `, ` + supplierColumns

func (x *soldBy) fields(account *string) []any {
	return append(poolFields(&x.pool, account), &x.supplier.ID, &x.supplier.Code, &x.supplier.Name, &x.supplier.Class, day(&x.supplier.AssessmentUntil))
}

func scanSoldBy(r row) (x soldBy, err error) {
	var account string // offers carry none
	err = r.Scan(x.fields(&account)...)
	return x, err
}

// OffersAt reads every active pool under each contract of its supplier in force at the instant, by pool code and
// contract number: four statements, whatever their number.
func (s *Store) OffersAt(ctx context.Context, tx *sql.Tx, at time.Time) ([]duoyun.Offer, error) {
	sellers, err := collect(ctx, tx, scanSoldBy, `SELECT `+soldByColumns+` FROM pools p JOIN suppliers s ON s.id = p.supplier_id
		WHERE p.active ORDER BY p.code`)
	if err != nil {
		return nil, err
	}
	contracts, err := collect(ctx, tx, scanContract, `SELECT `+contractColumns+` FROM contracts c
		WHERE c.state = 'active' AND c.start_day <= $1 AND c.end_day > $1 ORDER BY c.number`, duoyun.DateOf(at).String())
	if err != nil {
		return nil, err
	}
	return offers(ctx, tx, sellers, contracts)
}

// OfferOf reads one pool under one contract of its supplier, whether or not they may still be bought from.
func (s *Store) OfferOf(ctx context.Context, tx *sql.Tx, poolID, contractID string) (duoyun.Offer, error) {
	sellers, err := collect(ctx, tx, scanSoldBy, `SELECT `+soldByColumns+` FROM pools p JOIN suppliers s ON s.id = p.supplier_id WHERE p.id = $1`, poolID)
	if err != nil {
		return duoyun.Offer{}, err
	}
	contracts, err := collect(ctx, tx, scanContract, `SELECT `+contractColumns+` FROM contracts c WHERE c.id = $1`, contractID)
	if err != nil {
		return duoyun.Offer{}, err
	}
	found, err := offers(ctx, tx, sellers, contracts)
	if err == nil && len(found) == 0 {
		err = duoyun.NotFound("报价", "offer", poolID)
	}
	if err != nil {
		return duoyun.Offer{}, err
	}
	return found[0], nil
}

// offers joins pools to their suppliers' contracts and reads prices and capacities.
func offers(ctx context.Context, tx *sql.Tx, sellers []soldBy, contracts []duoyun.Contract) ([]duoyun.Offer, error) {
	ids := make([]string, len(contracts))
	for i, c := range contracts {
		ids[i] = c.ID
	}
	items, err := priceItems(ctx, tx, ids...)
	if err != nil {
		return nil, err
	}
	byContract := map[string][]duoyun.PriceItem{}
	for _, i := range items {
		byContract[i.ContractID] = append(byContract[i.ContractID], i)
	}
	pools := make([]duoyun.Pool, len(sellers))
	for i, x := range sellers {
		pools[i] = x.pool
	}
	if err := capacities(ctx, tx, pools); err != nil {
		return nil, err
	}
	var out []duoyun.Offer
	for i, x := range sellers {
		for _, c := range contracts {
			if c.SupplierID == x.supplier.ID {
				out = append(out, duoyun.Offer{Pool: pools[i], Supplier: x.supplier, Contract: c, Items: byContract[c.ID]})
			}
		}
	}
	return out, nil
}

// kindOfItem tells which kind a price item belongs to, as a pattern: items that no kind of ours has match every pool.
const kindOfItem = `CASE WHEN i.item IN ('vcpu', 'ram_gib', 'system_disk_gib') THEN 'server'
	WHEN i.item IN ('public_ip', 'bandwidth_mbps') THEN 'public_ip' WHEN i.item IN ('address', 'load_balancer') THEN i.item
	WHEN i.item LIKE 'mysql_%' OR i.item LIKE 'postgresql_%' OR i.item LIKE 'database_%' THEN 'database' WHEN i.item LIKE 'cache_%' THEN 'cache'
	WHEN i.item LIKE 'disk_%' THEN 'disk' WHEN i.item LIKE 'bucket_%' THEN 'bucket' WHEN i.item LIKE 'service:%' THEN 'service'
	ELSE '%' END`

// OfferPrices lists prices that hold at the instant on active pools that sell what they are for.
func (s *Store) OfferPrices(ctx context.Context, scope duoyun.Scope, f procurement.OfferFilter, at time.Time, p duoyun.Page) (duoyun.Listing[procurement.OfferPrice], error) {
	w := where{conds: []string{`p.active`, `c.state = 'active'`, `p.kinds LIKE '%"' || ` + kindOfItem + ` || '"%'`}}
	w.and("c.start_day <= $? AND c.end_day > $?", duoyun.DateOf(at).String(), duoyun.DateOf(at).String())
	w.and("i.valid_from <= $? AND (i.valid_until IS NULL OR i.valid_until > $?)", ts(at), ts(at))
	w.scope(scope, "", "p.supplier_id = $?")
	w.named("s.", "code", f.Supplier)
	if f.Item != "" {
		w.and("i.item = $?", string(f.Item))
	}
	if f.Kind != "" {
		w.and(kindOfItem+" = $?", string(f.Kind))
	}
	if f.Site != "" {
		w.and("p.site = $?", f.Site)
	}
	order := w.page("i.id || p.id", p)
	rows, err := collect(ctx, s.reader(), scanOfferPrice, `SELECT `+soldByColumns+`, c.number, `+priceColumns+`
		FROM price_items i JOIN contracts c ON c.id = i.contract_id JOIN suppliers s ON s.id = c.supplier_id
		JOIN pools p ON p.supplier_id = s.id`+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(o procurement.OfferPrice) string { return o.Item.ID + o.Pool.ID }), err
}

func scanOfferPrice(r row) (o procurement.OfferPrice, err error) {
	var x soldBy
	var account string
	err = r.Scan(append(append(x.fields(&account), &o.Contract), priceFields(&o.Item)...)...)
	o.Pool, o.Supplier = x.pool, x.supplier
	return o, err
}
