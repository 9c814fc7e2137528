//go:build bench

package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/access"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/deploy/scenarios"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/providers/simcloud"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store/storetest"
)

// rig is a server over a fresh PostgreSQL database with the Suqian scenario in it, its limits lifted: benchmarks
// measure what bookkeeping costs, not when money runs out. It answers the API and works no jobs.
type rig struct {
	*house
	base   string // of the API
	play   *play
	db     *sql.DB
	orders *broker.Service // as the server wires it, for calls without HTTP
	logs   io.Writer
}

func newRig(t *testing.T, accounts map[string]account, adapt func(*scenario)) *rig {
	t.Helper()
	s := &rig{logs: logFile(t)}
	s.house = s.build(t, storetest.Database(t), "api")
	var err error
	s.db, err = sql.Open("pgx", s.config.Database)
	must(t, err)
	t.Cleanup(func() { _ = s.db.Close() })
	s.base = s.start(t, s.house)
	s.wireOrders()
	s.load(t, accounts, adapt)
	s.exec(t, `UPDATE quotas SET lim = NULL`)
	s.exec(t, `UPDATE pool_capacity SET lim = NULL`)
	s.exec(t, `UPDATE budgets SET lim = NULL`)
	s.exec(t, `UPDATE contracts SET lim = NULL`)
	s.exec(t, `UPDATE pools SET plan = '{"cidr":"10.0.0.0/8","prefix":16}'`)
	return s
}

// build wires a server on a database; another on the same one is a second replica.
func (s *rig) build(t *testing.T, database, role string) *house {
	t.Helper()
	c := defaultConfig()
	c.Listen, c.Database, c.Role = "127.0.0.1:0", database, role
	c.SealKeyFile = filepath.Join(keyFolder(t), "duoyun.key")
	c.VendorRate, c.AdvanceClock, c.StartClock = 100_000, true, "2026-11-25T09:00:00+08:00" // the orders begin in December
	h, err := build(t.Context(), c, logger("info", s.logs))
	must(t, err)
	return h
}

// keyFolder is one for all replicas of a test.
func keyFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("duoyun-bench-%d", os.Getpid()))
	must(t, os.MkdirAll(dir, 0o700))
	return dir
}

// logFile takes the servers' logs, so that writing them is part of what is measured.
func logFile(t *testing.T) io.Writer {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "duoyun.log"))
	must(t, err)
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// start serves until the test ends.
func (s *rig) start(t *testing.T, h *house) (base string) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	address, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- h.serve(ctx, func(a string) { address <- a }) }()
	t.Cleanup(func() {
		stop()
		<-ended
		_ = h.Close()
	})
	select {
	case base = <-address:
	case err := <-ended:
		t.Fatal(err)
	}
	return base
}

// wireOrders makes the broker as house.wire does.
func (s *rig) wireOrders() {
	st, clock := s.store, s.clock.Now
	s.orders = broker.New(broker.Deps{Store: st, Quota: quota.New(st, time.Now, clock),
		Offers: procurement.New(procurement.Deps{Store: st, Now: time.Now, Business: clock}),
		Meters: billing.New(st, clock, s.levels), History: s.levels, Business: clock, Real: time.Now})
}

func (s *rig) load(t *testing.T, accounts map[string]account, adapt func(*scenario)) {
	t.Helper()
	ctx := t.Context()
	files, err := fs.Sub(scenarios.Suqian, "suqian")
	must(t, err)
	city, err := readScenario(files)
	must(t, err)
	if accounts == nil {
		accounts = unreachable(city)
	}
	if adapt != nil {
		adapt(city)
	}
	must(t, s.clock.StartAt(ctx, city.Story.Start))
	tokens, err := bootstrap(ctx, s.access, access.AgencyInput{Code: city.Root.Code, Name: city.Root.Name, Short: city.Root.Short})
	must(t, err)
	s.play = &play{cast: newCast(s.base, "en", tokens), scenario: city, tell: &teller{app: &app{getenv: os.Getenv}, w: io.Discard}}
	must(t, city.load(ctx, s.play.cast, accounts, func(string, string, int) {}))
}

// unreachable gives every cloud an account that nothing will be bought through.
func unreachable(city *scenario) map[string]account {
	all := map[string]account{}
	for _, name := range city.cloudNames() {
		c, err := newCloud(name, "openstack", simcloud.Options{})
		if err != nil {
			panic(err) // its driver is there
		}
		c.url = "http://127.0.0.1:1"
		all[name] = c.account()
	}
	return all
}

// signed takes one order through every hand up to its last signature and returns its id: placing is all it waits for.
func (s *rig) signed(t *testing.T, who, document string) string {
	t.Helper()
	ctx, file := t.Context(), "bench.yaml"
	s.play.scenario.files = fstest.MapFS{file: {Data: []byte(document)}}
	c := chapter{File: file, Who: who}
	number, err := s.play.submit(ctx, c)
	must(t, err)
	must(t, s.play.until(ctx, number, c, duoyun.OrderPlacing))
	return s.text(t, `SELECT id FROM orders WHERE number = $1`, number)
}

// copies makes n more signed orders like the given one.
func (s *rig) copies(t *testing.T, order string, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = duoyun.NewID(time.Now())
	}
	s.exec(t, `INSERT INTO orders (id, number, form, state, requested, approved, recommended, chosen, content_hash, agency_id, a1, a2, a3,
		a4, payer_id, system_id, project_id, applicant_id, total_fen, reason, version, created_at, updated_at)
		SELECT n.id, n.id, form, 'placing', requested, approved, recommended, chosen, content_hash, agency_id, a1, a2, a3,
		a4, payer_id, system_id, project_id, applicant_id, total_fen, reason, 1, created_at, updated_at
		FROM orders o, unnest($2::text[]) AS n(id) WHERE o.id = $1`, order, ids)
	return ids
}

func (s *rig) exec(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := s.db.Exec(query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func (s *rig) text(t *testing.T, query string, args ...any) (v string) {
	t.Helper()
	if err := s.db.QueryRow(query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
