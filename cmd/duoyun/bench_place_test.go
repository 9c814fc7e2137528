//go:build bench

package main

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
)

const (
	placeWorkers = 8   // as many as the placing queue has
	placeOrders  = 800 // a run
)

const placeDocument = `form: open
agency: suqian/hrss
payer: suqian/data
project: SQ-2026-017
system: hrss-core
stage: production
purpose: 社保核心业务扩容
period: {start: 2026-12-01, months: 12}
funding:
  - {year: 2026, item: 信息系统运行维护费, limit: "7200.00"}
  - {year: 2027, item: 信息系统运行维护费, limit: "79200.00", status: intent}
lines:
  - {kind: server, name: app, quantity: 1, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}, login: key}
  - {kind: disk, name: data, attach: app, per: each, spec: {size_gib: 500, class: ssd}}
requires: {on_shortage: hold}
`

// TestBenchPlace measures placing: the offer looked at again, two resources and their intents, holds on contract, pool
// capacity, two budget years and the quotas of two levels, an event, an audit entry, a job. Shared: eight departments of
// one city, which buy under one contract from one budget. Separate: as many cities, each with its own supplier.
func TestBenchPlace(t *testing.T) {
	s := newRig(t, nil, nil)
	order := s.signed(t, "hrss", placeDocument)
	var shared, separate []string
	for i := range placeWorkers {
		shared = append(shared, s.department(t, order, i))
		separate = append(separate, s.city(t, order, i))
	}
	s.settleNetworks(t, append(shared, separate...))
	y := newYardstick(t)
	one := &rates{name: "place, one shared quota root", aim: 0.12}
	many := &rates{name: "place, separate quota roots", aim: 0.20}
	before := y.measure(t)
	for range runs {
		before = one.compare(t, y, before, s.placing(t, shared))
		before = many.compare(t, y, before, s.placing(t, separate))
	}
	one.report()
	many.report()
}

// department makes a further department of the city with a signed order, which it returns.
func (s *rig) department(t *testing.T, order string, i int) string {
	t.Helper()
	id := duoyun.NewID(time.Now())
	s.exec(t, `INSERT INTO agencies (id, code, name, short, parent_id, depth, a1, a2, a3, a4, approver_id, payer_id)
		SELECT $1, $2, $2, $2, parent_id, depth, a1, $1, a3, a4, approver_id, payer_id FROM agencies WHERE code = 'suqian/hrss'`, id, fmt.Sprintf("suqian/d%d", i))
	made := s.copies(t, order, 1)[0]
	s.exec(t, `UPDATE orders SET agency_id = $2, a2 = $2 WHERE id = $1`, made, id)
	return made
}

// city makes a root of its own with a department, a budget, and a supplier with pool, contract and prices, as the given
// order has them; it returns a signed order of that department with that supplier.
func (s *rig) city(t *testing.T, order string, i int) string {
	t.Helper()
	made := s.copies(t, order, 1)[0]
	news := map[string]string{}
	for _, noun := range []string{"root", "agency", "payer", "supplier", "pool", "contract"} {
		news[noun] = duoyun.NewID(time.Now())
	}
	name := fmt.Sprintf("city%d", i)
	s.exec(t, `INSERT INTO agencies (id, code, name, short, depth, a1, a2, a3, a4, approver_id, payer_id) VALUES ($1, $4, $4, $4, 1, $1, '', '', '', $1, $1),
		($2, $4 || '/d', $4 || '/d', $4 || '/d', 2, $1, $2, '', '', $2, $3), ($3, $4 || '/p', $4 || '/p', $4 || '/p', 2, $1, $3, '', '', $3, $3)`,
		news["root"], news["agency"], news["payer"], name)
	s.exec(t, `INSERT INTO budgets (id, payer_id, year, item, lim, used, issued) SELECT $1 || id, $1, year, item, lim, 0, issued FROM budgets
		WHERE payer_id = (SELECT payer_id FROM orders WHERE id = $2)`, news["payer"], order)
	var old struct{ pool, contract, supplier string }
	must(t, s.db.QueryRow(`SELECT p.id, c.id, p.supplier_id FROM orders o
		JOIN pools p ON p.id = o.chosen::json->0->'candidate'->>'pool_id'
		JOIN contracts c ON c.id = o.chosen::json->0->'candidate'->>'contract_id' WHERE o.id = $1`, order).Scan(&old.pool, &old.contract, &old.supplier))
	s.exec(t, `INSERT INTO suppliers (id, code, name, class, assessment_until) SELECT $1, $2, $2, class, assessment_until FROM suppliers WHERE id = $3`,
		news["supplier"], name, old.supplier)
	s.exec(t, `INSERT INTO pools (id, code, name, supplier_id, driver, site, region, zones, kinds, level, xinchuang, plan, simulated, account, sealed, active, version)
		SELECT $1, $2, $2, $3, driver, site, region, zones, kinds, level, xinchuang, plan, simulated, account, sealed, active, version FROM pools WHERE id = $4`,
		news["pool"], name, news["supplier"], old.pool)
	s.exec(t, `INSERT INTO pool_capacity (id, pool_id, dimension) SELECT $1 || dimension, $1, dimension FROM pool_capacity WHERE pool_id = $2`, news["pool"], old.pool)
	s.exec(t, `INSERT INTO contracts (id, number, supplier_id, name, start_day, end_day, rules, sla, allocation, share, state)
		SELECT $1, $2, $3, $2, start_day, end_day, rules, sla, allocation, share, state FROM contracts WHERE id = $4`, news["contract"], name, news["supplier"], old.contract)
	s.exec(t, `INSERT INTO price_items (id, contract_id, item, name, per, unit, price, list_price, ceiling, valid_from, valid_until)
		SELECT $1 || item, $1, item, name, per, unit, price, list_price, ceiling, valid_from, valid_until FROM price_items WHERE contract_id = $2`, news["contract"], old.contract)
	s.exec(t, `UPDATE orders SET agency_id = $2, a1 = $3, a2 = $2, payer_id = $4,
		chosen = replace(replace(replace(chosen, $5, $6), $7, $8), $9, $10) WHERE id = $1`,
		made, news["agency"], news["root"], news["payer"], old.pool, news["pool"], old.contract, news["contract"], old.supplier, news["supplier"])
	return made
}

// settleNetworks places one order of each department and lets the platform network it brings about exist, so that what
// is measured is the order, not its department's first.
func (s *rig) settleNetworks(t *testing.T, orders []string) {
	t.Helper()
	for _, o := range orders {
		must(t, s.orders.Place(t.Context(), s.copies(t, o, 1)[0]))
	}
	s.exec(t, `UPDATE resources SET state = 'running' WHERE kind = 'network'`)
}

// placing prepares a run: orders like each of those given, and returns what places them, in orders a second.
func (s *rig) placing(t *testing.T, like []string) func() float64 {
	t.Helper()
	queue := make(chan string, placeOrders)
	each := make([][]string, len(like))
	for i, o := range like {
		each[i] = s.copies(t, o, placeOrders/len(like))
	}
	for i := range placeOrders {
		queue <- each[i%len(like)][i/len(like)]
	}
	close(queue)
	return func() float64 {
		var workers sync.WaitGroup
		began := time.Now()
		for range placeWorkers {
			workers.Go(func() {
				for id := range queue {
					if err := s.orders.Place(t.Context(), id); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		workers.Wait()
		took := time.Since(began)
		s.wantPlaced(t, each)
		return placeOrders / took.Seconds()
	}
}

func (s *rig) wantPlaced(t *testing.T, each [][]string) {
	t.Helper()
	for _, ids := range each {
		if n := s.text(t, `SELECT COUNT(*)::text FROM orders WHERE id = ANY($1) AND state = 'provisioning'`, ids); n != fmt.Sprint(len(ids)) {
			t.Errorf("%s of %d orders were placed: %s", n, len(ids), s.text(t, `SELECT string_agg(DISTINCT state || ' ' || reason, '; ') FROM orders WHERE id = ANY($1)`, ids))
		}
	}
}
