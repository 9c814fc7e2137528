//go:build chaos

package main

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store"
)

// shape is a kind of order that the storm copies.
type shape struct {
	name, lines string
	share       int
}

const chaosHead = `form: open
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
requires: {on_shortage: hold}
lines:
`

const addressLine = `  - {kind: address, name: vip, zone: extranet_public, spec: {count: 1}}
`

func shapes() []shape {
	return []shape{
		{"server and disk", `  - {kind: server, name: app, quantity: 1, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}, login: key}
  - {kind: disk, name: data, attach: app, per: each, spec: {size_gib: 500, class: ssd}}
`, 40},
		{"two buckets", `  - {kind: bucket, name: archive, quantity: 2, spec: {size_gib: 2048, class: standard}}
`, 30},
		{"two balanced servers and an address", `  - {kind: server, name: app, quantity: 2, zone: extranet_public, spec: {vcpu: 2, ram_gib: 4, system_disk_gib: 40, image: kylin-v10}, login: key}
  - {kind: load_balancer, name: entry, members: app, spec: {port: 443}}
` + addressLine, 20},
		{"server with an internet address", `  - {kind: server, name: app, quantity: 1, zone: internet_access, spec: {vcpu: 2, ram_gib: 4, system_disk_gib: 40, image: kylin-v10}, login: key}
  - {kind: public_ip, name: out, attach: app, spec: {bandwidth_mbps: 5}}
`, 10},
	}
}

// storm is one run: replicas that are killed, clouds that rage, and what the storm itself does to the database they share
// in the name of people.
type storm struct {
	t        *testing.T
	seed     uint64
	dice     *rand.Rand
	engine   store.Engine
	database string
	redis    *ownRedis // nil: none
	clouds   []*stormy
	replicas []*process
	house    *house // wired as a server's, for what people do
	orders   *broker.Service
	db       *sql.DB
	patterns []pattern
	pools    int // among how many the orders are spread; 0: three
	// addressless: the clouds sell no addresses of their own.
	addressless bool
	agencies    []string
	kills       int
	ended       int // servers that ended by themselves and were started again
	cuts        int
	outages     int
	fed         int
	began       time.Time
}

// pattern is a signed order to copy.
type pattern struct {
	order     string // id
	requested string
	share     int
}

// replicas on one database: the second has another folder, and the same seal key.
func (s *storm) open(n int, accounts func(*scenario) map[string]account) {
	s.t.Helper()
	dir := s.t.TempDir()
	if s.engine == store.SQLite {
		s.database = filepath.Join(dir, "duoyun.db")
	}
	env := []string{"DUOYUN_START_CLOCK=2026-11-25T09:00:00+08:00", "DUOYUN_VENDOR_RATE=100000", "DUOYUN_DATABASE=" + s.database,
		"DUOYUN_SEAL_KEY_FILE=" + filepath.Join(dir, "key"), "DUOYUN_LOG_LEVEL=warn"}
	if s.redis != nil {
		env = append(env, "DUOYUN_REDIS=redis://"+s.redis.address)
	}
	for range n {
		s.replicas = append(s.replicas, newProcess(s.t, env...))
	}
	s.t.Cleanup(func() {
		for _, p := range s.replicas {
			p.kill()
		}
	})
	story := stage(s.t, s.replicas[0], accounts)
	for _, p := range s.replicas[1:] {
		p.start()
	}
	c := defaultConfig()
	c.Database, c.SealKeyFile, c.Role = s.database, filepath.Join(dir, "key"), "api"
	if s.engine == store.PostgreSQL {
		c.Database = named(s.database, "people")
	}
	var err error
	s.house, err = build(context.Background(), c, logger("error", io.Discard))
	check(s.t, err)
	s.t.Cleanup(func() { _ = s.house.Close() })
	s.db = s.house.store.DB()
	st, clock := s.house.store, s.house.clock.Now
	s.orders = broker.New(broker.Deps{Store: st, Quota: quota.New(st, time.Now, clock),
		Offers: procurement.New(procurement.Deps{Store: st, Now: time.Now, Business: clock}),
		Meters: billing.New(st, clock, s.house.levels), History: s.house.levels, Business: clock, Real: time.Now})
	for _, table := range []string{"quotas", "pool_capacity", "budgets", "contracts"} {
		s.exec(`UPDATE ` + table + ` SET lim = NULL`)
	}
	s.exec(`UPDATE pools SET plan = '{"cidr":"10.0.0.0/8","prefix":16}'`)
	s.sign(story)
	s.departments(8)
}

// named gives a connection a name, so that a storm cuts the servers' connections and not its own.
func named(dsn, name string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return dsn
	}
	q := u.Query()
	q.Set("application_name", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// sellBy makes the clouds of a scenario speak the protocols of drivers, in turn where there are several (aliyun,ctyun,huawei);
// "" leaves them OpenStack. Only OpenStack sells addresses of their own.
func (s *storm) sellBy(city *scenario, drivers string) {
	if drivers == "" {
		return
	}
	names, n := strings.Split(drivers, ","), 0
	s.addressless = true
	for _, p := range city.Pools {
		if p.Cloud != "" {
			p.Pool["driver"] = names[n%len(names)]
			p.Pool["kinds"] = []string{"server", "disk", "network", "load_balancer", "public_ip", "bucket"}
			delete(p.Pool, "region")
			n++
		}
	}
}

// sign takes one order of each shape at each pool through every hand, with the people of the scenario.
func (s *storm) sign(story *play) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for _, sh := range shapes() {
		if s.addressless {
			sh.lines = strings.ReplaceAll(sh.lines, addressLine, "")
		}
		for pool := range cmp.Or(s.pools, 3) {
			number, err := s.handIn(ctx, story, chaosHead+sh.lines, pool)
			check(s.t, err)
			p := pattern{share: sh.share}
			check(s.t, s.db.QueryRow(`SELECT id, requested FROM orders WHERE number = $1`, number).Scan(&p.order, &p.requested))
			s.patterns = append(s.patterns, p)
		}
	}
}

func (s *storm) handIn(ctx context.Context, story *play, document string, pool int) (string, error) {
	who := "hrss-applicant"
	if strings.Contains(document, "public_ip") {
		who = "sysadmin" // internet addresses are ordered by the platform's people
	}
	var order map[string]any
	if err := story.as(who).call(ctx, http.MethodPost, "/v1/orders", "application/yaml", []byte(document), &order); err != nil {
		return "", err
	}
	number := text(order, "number")
	return number, story.decideUntil(ctx, number, chapter{Who: "hrss"}, pool)
}

// decideUntil is until, with the pool-th candidate that serves confirmed instead of the first.
func (p *play) decideUntil(ctx context.Context, number string, c chapter, pool int) error {
	for {
		var order map[string]any
		if err := p.as("auditor").get(ctx, "/v1/orders/"+url.PathEscape(number), nil, &order); err != nil {
			return err
		}
		switch duoyun.OrderState(text(order, "state")) {
		case duoyun.OrderReviewing, duoyun.OrderSigning:
			if _, err := p.act(ctx, number, c); err != nil {
				return err
			}
		case duoyun.OrderRecommended:
			if err := p.chooseNth(ctx, number, pool); err != nil {
				return err
			}
		default:
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (p *play) chooseNth(ctx context.Context, number string, n int) error {
	var page map[string]any
	if err := p.as("auditor").get(ctx, "/v1/tasks", url.Values{"order": {number}, "all": {"true"}, "state": {"pending"}, "kind": {string(duoyun.TaskConfirmSupplier)}}, &page); err != nil {
		return err
	}
	var r duoyun.Recommendation
	if err := p.as("procurement").get(ctx, "/v1/orders/"+url.PathEscape(number)+"/recommendation", nil, &r); err != nil {
		return err
	}
	var picks []body
	for i, component := range r.Components {
		var serving []string
		for _, candidate := range component.Candidates {
			if len(candidate.Dropped) == 0 {
				serving = append(serving, candidate.Pool)
			}
		}
		if len(serving) == 0 {
			return fmt.Errorf("nobody can serve %v", component.Lines)
		}
		picks = append(picks, body{"component": i, "pool": serving[n%len(serving)], "reason": "分散风险"})
	}
	for _, t := range rowsOf(page, "items") {
		if err := p.as("procurement").post(ctx, taskPath(text(t, "number"), "")+"/confirm-supplier", body{"picks": picks}, nil); err != nil {
			return err
		}
	}
	return nil
}

// departments makes further departments of the city: each needs a network of its own in every pool and zone.
func (s *storm) departments(n int) {
	s.t.Helper()
	for i := range n {
		id := duoyun.NewID(time.Now())
		s.exec(`INSERT INTO agencies (id, code, name, short, parent_id, depth, a1, a2, a3, a4, approver_id, payer_id)
			SELECT $1, $2, $3, $4, parent_id, depth, a1, $5, a3, a4, approver_id, payer_id FROM agencies WHERE code = 'suqian/hrss'`,
			id, fmt.Sprint("suqian/d", i), fmt.Sprint("部门", i), fmt.Sprint("宿部", i), id)
		s.agencies = append(s.agencies, id)
	}
}

// feed hands in n signed orders at once.
func (s *storm) feed(n int) {
	s.t.Helper()
	total := 0
	for _, p := range s.patterns {
		total += p.share
	}
	err := s.house.store.InTx(context.Background(), func(tx *sql.Tx) error {
		for range n {
			if err := s.copy(tx, total); err != nil {
				return err
			}
		}
		return nil
	})
	check(s.t, err)
	s.fed += n
}

func (s *storm) copy(tx *sql.Tx, total int) error {
	pick, i := s.dice.IntN(total), 0
	for ; pick >= s.patterns[i].share; i++ {
		pick -= s.patterns[i].share
	}
	p, id := s.patterns[i], duoyun.NewID(time.Now())
	onShortage := []string{"hold", "partial", "undo"}[s.dice.IntN(3)]
	agency := s.agencies[s.dice.IntN(len(s.agencies))]
	_, err := tx.Exec(`INSERT INTO orders (id, number, form, state, requested, approved, recommended, chosen, content_hash, agency_id, a1, a2, a3,
		a4, payer_id, system_id, project_id, applicant_id, total_fen, reason, version, created_at, updated_at)
		SELECT $1, $2, form, 'placing', $3, approved, 'null', chosen, content_hash, $4, a1, $5, a3,
		a4, payer_id, system_id, project_id, applicant_id, total_fen, '', 1, created_at, updated_at FROM orders WHERE id = $6`,
		id, id, strings.Replace(p.requested, `"on_shortage":"hold"`, `"on_shortage":"`+onShortage+`"`, 1), agency, agency, p.order)
	if err != nil {
		return err
	}
	return s.house.store.Enqueue(context.Background(), tx, broker.PlaceJob{OrderID: id})
}

// follow does what people do about orders that were delivered: most are confirmed, some rejected; of what runs, some is
// changed and some released.
func (s *storm) follow(limit int) {
	s.t.Helper()
	for _, task := range s.texts(`SELECT t.id FROM tasks t JOIN orders o ON o.id = t.order_id
		WHERE t.kind = 'confirm_delivery' AND t.state = 'pending' AND o.form = 'open' ORDER BY t.id LIMIT ` + fmt.Sprint(limit)) {
		d := broker.Decision{Verdict: broker.Approve}
		if s.dice.IntN(12) == 0 {
			d = broker.Decision{Verdict: broker.Reject, Note: "不合用"}
		}
		s.tolerate(second(s.orders.Decide(context.Background(), duoyun.SystemActor(), duoyun.Once{}, task, d)))
	}
	for _, order := range s.texts(`SELECT o.id FROM orders o WHERE o.form = 'open' AND o.state = 'confirmed' AND o.version < 1000
		ORDER BY o.updated_at LIMIT ` + fmt.Sprint(limit)) {
		s.exec(`UPDATE orders SET version = version + 1000 WHERE id = $1`, order) // seen to
		switch n := s.dice.IntN(10); {
		case n < 4:
			s.change(order, duoyun.FormRelease)
		case n < 7:
			s.change(order, duoyun.FormChange)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// tolerate lets pass what people meet in a storm: somebody was quicker, or the row is held by a worker.
func (s *storm) tolerate(err error) {
	s.t.Helper()
	if err != nil && duoyun.CodeOf(err) != duoyun.CodeConflict {
		s.t.Logf("people: %v", err)
	}
}

// change hands in a signed order about what an earlier one delivered: the release of everything, or one change of each.
func (s *storm) change(of string, form duoyun.Form) {
	s.t.Helper()
	ctx := context.Background()
	err := s.house.store.InTx(ctx, func(tx *sql.Tx) error {
		o, err := s.house.store.LockOrder(ctx, tx, of)
		if err != nil {
			return err
		}
		rs, err := s.house.store.OrderResources(ctx, tx, of)
		if err != nil {
			return err
		}
		o.ID, o.State, o.Reason, o.Total, o.Version, o.Chosen, o.Approved = duoyun.NewID(time.Now()), duoyun.OrderPlacing, "", 1<<50, 1, nil, nil
		o.Number, o.Requested.Form, o.Requested.Lines = o.ID, form, nil
		var targets []string
		for _, r := range rs {
			if r.State != duoyun.ResourceRunning && r.State != duoyun.ResourceStopped {
				continue
			}
			l := duoyun.Line{Name: fmt.Sprint("l", len(targets)), Resource: r.Number, Kind: r.Kind, Action: duoyun.ActionRelease, Quantity: 1}
			if form == duoyun.FormChange && !s.becomes(&l, r.Spec) {
				continue
			}
			o.Requested.Lines = append(o.Requested.Lines, l)
			o.Approved = append(o.Approved, duoyun.Cut{Line: l.Name, Approved: 1})
			targets = append(targets, r.ID)
		}
		if len(targets) == 0 {
			return nil
		}
		if err := s.house.store.InsertOrder(ctx, tx, o); err != nil {
			return err
		}
		for _, id := range targets {
			if _, err := tx.Exec(`INSERT INTO order_targets (order_id, resource_id, open) VALUES ($1, $2, $3)`, o.ID, id, true); err != nil {
				return err
			}
		}
		return s.house.store.Enqueue(ctx, tx, broker.PlaceJob{OrderID: o.ID})
	})
	s.tolerate(err)
}

// becomes gives a line the change that a unit of this spec can have.
func (s *storm) becomes(l *duoyun.Line, spec duoyun.Spec) bool {
	switch v := spec.(type) {
	case duoyun.ServerSpec:
		switch s.dice.IntN(3) {
		case 0:
			l.Action = duoyun.ActionStop
		default:
			l.Action, l.Spec = duoyun.ActionResize, duoyun.ServerSpec{VCPU: 8, RAMGiB: 16}
		}
		return true
	case duoyun.DiskSpec:
		v.SizeGiB += 100
		l.Action, l.Spec = duoyun.ActionGrow, v
		return true
	case duoyun.BucketSpec:
		v.SizeGiB += 1024
		l.Action, l.Spec = duoyun.ActionGrow, v
		return true
	}
	return false
}

func (s *storm) exec(query string, args ...any) {
	s.t.Helper()
	if _, err := s.db.Exec(query, args...); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
}

func (s *storm) count(query string, args ...any) (n int) {
	s.t.Helper()
	if err := s.db.QueryRow(query, args...).Scan(&n); err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	return n
}

func (s *storm) texts(query string, args ...any) (all []string) {
	s.t.Helper()
	rows, err := s.db.Query(query, args...)
	if err != nil {
		s.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var v string
		check(s.t, rows.Scan(&v))
		all = append(all, v)
	}
	check(s.t, rows.Err())
	return all
}

func confirmed() broker.Decision { return broker.Decision{Verdict: broker.Approve} }
