//go:build chaos

package main

import (
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// setting reads a number of the run from the environment.
func setting(t *testing.T, name string, otherwise int) int {
	t.Helper()
	given := os.Getenv(name)
	if given == "" {
		return otherwise
	}
	n, err := strconv.Atoi(given)
	check(t, err)
	return n
}

// TestChaosSQLite: one server on SQLite that is killed and started again.
func TestChaosSQLite(t *testing.T) {
	t.Parallel()
	s := newStorm(t, store.SQLite)
	s.run(1)
}

// TestChaosPostgreSQL: two servers on one PostgreSQL and one Redis, each killed at random, sometimes both; database
// connections are cut and Redis is killed too.
func TestChaosPostgreSQL(t *testing.T) {
	t.Parallel()
	s := newStorm(t, store.PostgreSQL)
	s.database = storetest.Database(t)
	s.redis = startRedis(t)
	s.run(2)
}

func newStorm(t *testing.T, engine store.Engine) *storm {
	seed := uint64(setting(t, "CHAOS_SEED", 1))
	return &storm{t: t, engine: engine, seed: seed, dice: rand.New(rand.NewPCG(seed, 0))}
}

const (
	underWayLimit = 300 // orders under way at once
	batch         = 40  // orders handed in at once
	stormTick     = 100 * time.Millisecond
)

// run storms until so many orders were handed in and most are done, then lets the weather clear, and compares.
func (s *storm) run(replicas int) {
	orders := setting(s.t, "CHAOS_ORDERS", 200)
	s.open(replicas, func(city *scenario) map[string]account {
		s.sellBy(city, os.Getenv("CHAOS_DRIVER"))
		s.clouds = startStorm(s.t, city.Pools)
		return stormAccounts(s.clouds)
	})
	s.began = time.Now()
	for i, c := range s.clouds {
		c.rage(s.seed<<8 + uint64(i))
	}
	weather := s.weather()
	for last := time.Now(); ; time.Sleep(stormTick) {
		open := s.count(`SELECT COUNT(*) FROM orders WHERE state IN ('placing', 'provisioning', 'undoing')
			AND id NOT IN (SELECT i.order_id FROM intents i JOIN findings f ON f.subject_id = i.resource_id WHERE i.order_id IS NOT NULL AND f.state = 'open' AND f.kind <> 'bad_reply')`)
		if n := min(batch, underWayLimit-open, orders-s.fed); n > 0 {
			s.feed(n)
		} else if s.fed >= orders && open < max(10, orders/20) {
			break
		}
		s.follow(batch)
		for _, w := range weather {
			w.maybe(s.dice, s.fed-open)
		}
		if time.Since(last) > 15*time.Second {
			last = time.Now()
			s.t.Logf("%s: %d handed in, %d under way, %d kills", time.Since(s.began).Round(time.Second), s.fed, open, s.kills)
		}
	}
	s.clear()
	s.judge()
}

// front is a part of the weather: what strikes at random, but no more often than the orders get on, so that a slow machine
// sees as many strikes an order as a quick one.
type front struct {
	every  time.Duration
	orders int // that have to be done with between two strikes, or ten times every goes by
	strike func()
	next   time.Time
	after  int
}

func (w *front) maybe(dice *rand.Rand, done int) {
	now := time.Now()
	if w.next.IsZero() {
		w.next = now.Add(w.every / 2)
	}
	if now.Before(w.next) || done < w.after && now.Before(w.next.Add(9*w.every)) {
		return
	}
	w.strike()
	w.next = time.Now().Add(w.every/2 + time.Duration(dice.Int64N(int64(w.every))))
	w.after = done + w.orders
}

func (s *storm) weather() []*front {
	w := []*front{
		{every: 2 * time.Second, strike: s.supervise},
		{every: 5 * time.Second, orders: 50, strike: s.kill},
		{every: 5 * time.Second, orders: 50, strike: func() { s.clouds[s.dice.IntN(len(s.clouds))].sellOut(s.dice) }},
		{every: 3 * time.Second, strike: func() {
			for _, c := range s.clouds {
				c.restock()
			}
		}},
	}
	if s.engine == store.PostgreSQL {
		w = append(w, &front{every: 2 * time.Second, orders: 20, strike: s.cut})
	}
	if s.redis != nil {
		w = append(w, &front{every: 10 * time.Second, orders: 100, strike: s.dry})
	}
	return w
}

// kill ends one replica, every fourth time all of them, without a word, and starts them again.
func (s *storm) kill() {
	at := s.dice.IntN(len(s.replicas))
	all := s.dice.IntN(4) == 0
	var dead []*process
	for i, p := range s.replicas {
		if all || i == at {
			dead = append(dead, p)
		}
	}
	for _, p := range dead {
		p.kill()
		s.kills++
	}
	time.Sleep(time.Duration(s.dice.Int64N(int64(time.Second))))
	for _, p := range dead {
		p.start()
	}
}

// supervise starts what has ended by itself, as a service manager does: a server whose database is cut off while it
// starts gives up.
func (s *storm) supervise() {
	for _, p := range s.replicas {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
		if err == nil {
			_ = c.Close()
			continue
		}
		p.kill()
		p.start()
		s.ended++
	}
}

// cut ends some of the servers' connections to the database, or all of them.
func (s *storm) cut() {
	share := []string{"0.05", "0.3", "1.1"}[s.dice.IntN(3)]
	s.cuts += s.count(`SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name <> 'people' AND pid <> pg_backend_pid() AND random() < ` + share)
}

// dry kills Redis and starts another, empty, a moment later.
func (s *storm) dry() {
	s.redis.stop()
	s.outages++
	time.Sleep(time.Duration(s.dice.Int64N(int64(time.Second))))
	s.redis.start()
}

const chaosPatience = 6 * time.Minute

// clear ends all faults, and waits until nothing moves any more that no person is told of.
func (s *storm) clear() {
	for _, c := range s.clouds {
		c.calm()
	}
	s.t.Logf("%s: the weather clears; handed in %d orders, %.1f a second", time.Since(s.began).Round(time.Second), s.fed, float64(s.fed)/time.Since(s.began).Seconds())
	deadline := time.Now().Add(chaosPatience)
	for last := time.Now(); ; time.Sleep(time.Second) {
		s.follow(1000)
		s.supervise()
		open := s.unresolved()
		moving := s.count(`SELECT COUNT(*) FROM orders WHERE state IN ('placing', 'undoing')`) - s.count(stuckOrders)
		if len(open) == 0 && moving <= 0 {
			break
		}
		if time.Now().After(deadline) {
			break // judged as unresolved
		}
		if time.Since(last) > 15*time.Second {
			last = time.Now()
			s.t.Logf("%s: %d intents still move, %d orders; for example %s", time.Since(s.began).Round(time.Second), len(open), moving, example(open))
		}
	}
	time.Sleep(2 * chaosSettling)
}

const stuckOrders = `SELECT COUNT(*) FROM orders o WHERE o.state = 'undoing' AND EXISTS (SELECT 1 FROM findings f
	JOIN intents i ON i.resource_id = f.subject_id WHERE i.order_id = o.id AND f.state = 'open' AND f.kind <> 'bad_reply')`

func example(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return all[0]
}

// unresolved are the intents that are not at their end, that no finding is about, and that wait for none that has one.
func (s *storm) unresolved() []string {
	return s.texts(`WITH RECURSIVE open AS (
			SELECT i.id, i.resource_id, i.op, i.kind, i.state, i.reason, i.attempt FROM intents i
			WHERE i.state NOT IN ('verified', 'cancelled', 'failed', 'compensated')
		), told AS (
			SELECT o.id, o.resource_id FROM open o JOIN findings f ON f.subject_id = o.resource_id AND f.state = 'open' AND f.kind <> 'bad_reply'
			UNION
			SELECT o.id, o.resource_id FROM open o JOIN resource_links l ON l.child_id = o.resource_id OR l.parent_id = o.resource_id
			JOIN told t ON t.resource_id = l.parent_id OR t.resource_id = l.child_id WHERE o.state = 'waiting'
		)
		SELECT o.op || ' ' || o.kind || ' ' || o.state || ' attempt ' || o.attempt || ' ' || o.resource_id || ' ' || o.reason FROM open o
		WHERE o.id NOT IN (SELECT id FROM told)`)
}

// ownRedis is a Redis of the storm's own: others' tests are not to feel it.
type ownRedis struct {
	t       *testing.T
	address string
	cmd     *exec.Cmd
}

func startRedis(t *testing.T) *ownRedis {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	r := &ownRedis{t: t, address: l.Addr().String()}
	check(t, l.Close())
	r.start()
	t.Cleanup(r.stop)
	return r
}

func (r *ownRedis) start() {
	r.t.Helper()
	_, port, err := net.SplitHostPort(r.address)
	check(r.t, err)
	r.cmd = exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no")
	check(r.t, r.cmd.Start())
	for range 200 {
		if c, err := net.Dial("tcp", r.address); err == nil {
			_ = c.Close()
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.t.Fatal("redis-server does not answer")
}

func (r *ownRedis) stop() {
	_ = r.cmd.Process.Kill()
	_ = r.cmd.Wait()
}
