//go:build bench

package main

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/jobs"
	"github.com/duoyun/duoyun/providers/simcloud"
)

const (
	deliverDepartments = 10
	deliverOrders      = 150 // a run, of four units each
	deliverUnits       = 4 * deliverOrders
	deliverLimit       = 15 * time.Minute // a guard: a real cloud on a busy machine takes minutes
)

const deliverDocument = `form: open
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
  - {kind: server, name: app, quantity: 2, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}, login: key}
  - {kind: bucket, name: archive, quantity: 2, spec: {size_gib: 2048, class: standard}}
requires: {on_shortage: hold}
`

// TestBenchDeliver measures units from placed to delivered on a cloud whose things are there at once, through the real
// driver and SDK over HTTP on loopback: a second replica works the jobs that wait when it starts. A server is three wire
// calls and its observation, a bucket one and its observation.
func TestBenchDeliver(t *testing.T) {
	s := newRig(t, instantClouds(t), nil)
	order := s.signed(t, "hrss", deliverDocument)
	var departments []string
	for i := range deliverDepartments {
		departments = append(departments, s.department(t, order, i))
	}
	for _, o := range departments {
		must(t, s.orders.Place(t.Context(), o))
	}
	s.deliver(t, departments) // with them their departments' networks
	var units []float64
	for range runs {
		var orders []string
		for _, o := range departments {
			orders = append(orders, s.copies(t, o, deliverOrders/deliverDepartments)...)
		}
		for _, o := range orders {
			must(t, s.orders.Place(t.Context(), o))
		}
		units = append(units, deliverUnits/s.deliver(t, orders).Seconds())
	}
	line("%-34s %7.0f units/s (%s)   aim ≥ 300 %s", "placed → delivered", median(units), spread(units, "%.0f"), verdict(median(units) >= 300))
}

// instantClouds starts one cloud without latency for each of the scenario's.
func instantClouds(t *testing.T) map[string]account {
	t.Helper()
	all := clouds{}
	for _, name := range []string{"jd-suqian", "telecom-suqian", "mobile-suqian", "inspur-suqian"} {
		all = append(all, instantCloud(t, name))
	}
	return all.accounts()
}

// instantCloud starts one cloud without latency or quota; it ends with the test.
func instantCloud(t *testing.T, name string) *simulated {
	t.Helper()
	return quotaless(t, name, nil)
}

// quotaless starts a cloud without latency or quota, behind what wrap puts before it.
func quotaless(t *testing.T, name string, wrap func(*simcloud.Cloud, http.Handler) http.Handler) *simulated {
	t.Helper()
	unlimited := map[simcloud.Item]int64{}
	for item := range simcloud.DefaultQuota() {
		unlimited[item] = -1
	}
	c, err := newCloud(name, "openstack", simcloud.Options{Quota: unlimited})
	must(t, err)
	if wrap != nil {
		c.handler = wrap(c.cloud, c.handler)
	}
	must(t, c.listen("127.0.0.1:0"))
	t.Cleanup(func() { _ = c.server.Close() })
	return c
}

// deliver works jobs until every unit of the orders has been delivered, and returns how long that took. Workers come and
// go; connections, tokens and prepared statements stay, as they do in a server that has run for more than a second.
func (s *rig) deliver(t *testing.T, orders []string) time.Duration {
	t.Helper()
	buyer := broker.NewPurchaser(s.store, s.clouds, s.orders, broker.PurchaseOptions{})
	workers, err := jobs.Open(t.Context(), s.store.DB(), false, jobs.Services{Placer: s.orders, Buyer: buyer}, jobs.Options{ListenerURL: s.config.Database})
	must(t, err)
	began := time.Now()
	must(t, workers.Start(t.Context()))
	defer func() {
		ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
		defer stop()
		must(t, workers.Stop(ctx))
	}()
	const look = 20 * time.Millisecond
	for ; s.text(t, underWay, orders) != "0"; time.Sleep(look) {
		if time.Since(began) > deliverLimit {
			t.Fatalf("not delivered within %s: %s", deliverLimit, s.text(t, `SELECT string_agg(DISTINCT state || ' ' || reason, '; ') FROM intents WHERE order_id = ANY($1)`, orders))
		}
	}
	took := time.Since(began)
	if n := s.text(t, `SELECT COUNT(*)::text FROM orders WHERE id = ANY($1) AND state <> $2`, orders, string(duoyun.OrderDelivered)); n != "0" {
		t.Fatalf("%s orders were not delivered: %s", n, s.text(t, `SELECT string_agg(DISTINCT state || ' ' || reason, '; ') FROM orders WHERE id = ANY($1)`, orders)+
			s.text(t, `SELECT string_agg(DISTINCT state || ' ' || kind || ' ' || reason, '; ') FROM intents WHERE order_id = ANY($1)`, orders))
	}
	return took
}

const underWay = `SELECT COUNT(*)::text FROM orders WHERE id = ANY($1) AND state IN ('placing', 'provisioning')`
