//go:build openstack && chaos

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

const (
	realTimeout  = 15 * time.Second // of a call to a lab on two busy cores
	realSettling = 5 * time.Second
	realPatience = 25 * time.Minute
)

// proxy is the fault layer in front of every service of a real cloud.
type proxy struct {
	simcloud.Faults
	account account
}

// newProxy reads the real catalogue and puts every service of it below one address.
func newProxy(t *testing.T, real account) *proxy {
	t.Helper()
	p := &proxy{}
	mux := http.NewServeMux()
	s := httptest.NewServer(p.Wrap(mux))
	t.Cleanup(s.Close)
	through := func(name, origin string) string {
		at, err := url.Parse(origin)
		check(t, err)
		host := &url.URL{Scheme: at.Scheme, Host: at.Host}
		mux.Handle("/"+name+"/", http.StripPrefix("/"+name, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(host) }}))
		return s.URL + "/" + name + at.Path
	}
	b := body{}
	for k, v := range real.body {
		b[k] = v
	}
	endpoints := body{}
	for kind, origin := range catalogue(t, real) {
		endpoints[kind] = through(kind, origin)
	}
	b["endpoint"], b["endpoints"] = through("identity", real.of("endpoint")), endpoints
	b["timeout"], b["settling"] = int64(realTimeout), int64(realSettling)
	p.account = account{body: b, secret: real.secret}
	return p
}

func (a account) of(setting string) string {
	s, _ := a.body[setting].(string)
	return s
}

// catalogue asks Keystone itself where its services are.
func catalogue(t *testing.T, real account) map[string]string {
	t.Helper()
	domain := body{"name": real.of("domain")}
	raw, err := json.Marshal(body{"auth": body{
		"identity": body{"methods": []string{"password"}, "password": body{"user": body{"name": real.body["user"], "password": real.secret, "domain": domain}}},
		"scope":    body{"project": body{"name": real.body["project"], "domain": domain}}}})
	check(t, err)
	resp, err := http.Post(real.of("endpoint")+"/auth/tokens", "application/json", bytes.NewReader(raw))
	check(t, err)
	defer resp.Body.Close()
	var answer struct {
		Token struct {
			Catalog []struct {
				Type      string
				Endpoints []struct{ Interface, URL string }
			}
		}
	}
	check(t, json.NewDecoder(resp.Body).Decode(&answer))
	found := map[string]string{}
	for _, service := range answer.Token.Catalog {
		for _, e := range service.Endpoints {
			if e.Interface == "public" && service.Type != "identity" && service.Type != "placement" {
				found[service.Type] = e.URL
			}
		}
	}
	if found["compute"] == "" || found["network"] == "" {
		t.Fatalf("the catalogue has no compute or no network: %s", resp.Status)
	}
	return found
}

// The same faults by a proxy in front of a real OpenStack's endpoints, and a server that is killed at random: afterwards
// its services hold exactly what Duoyun says, and after the release nothing.
func TestChaosRealOpenStack(t *testing.T) {
	before := inventory(t)
	p := newProxy(t, realAccount(t))
	s := newStorm(t, store.SQLite)
	s.pools = 1
	var city *scenario
	s.open(1, func(c *scenario) map[string]account {
		city = c
		all := map[string]account{}
		for _, name := range c.cloudNames() {
			all[name] = p.account
		}
		return all
	})
	s.began = time.Now()
	odds := chaosOdds()
	delete(odds, simcloud.Misnamed) // somebody else's id in a real cloud is not to be tried by deleting it
	p.Play(simcloud.Plan{Seed: s.seed, Odds: odds, Timeout: realTimeout, Lag: realSettling * 3 / 4})
	s.feed(setting(t, "CHAOS_ORDERS", 20))
	killer := &front{every: time.Minute, strike: s.kill} // a doubt takes the better part of one to settle here
	s.until("delivered", func() { killer.maybe(s.dice, 0) }, `SELECT COUNT(*) FROM orders WHERE state IN ('placing', 'provisioning', 'undoing')
		AND id NOT IN (SELECT i.order_id FROM intents i JOIN findings f ON f.subject_id = i.resource_id WHERE i.order_id IS NOT NULL AND f.state = 'open' AND f.kind <> 'bad_reply')`)
	p.Clear()
	s.until("at rest", func() {}, `SELECT COUNT(*) FROM intents WHERE state NOT IN ('verified', 'cancelled', 'failed', 'compensated')
		AND resource_id NOT IN (SELECT subject_id FROM findings WHERE state = 'open' AND kind <> 'bad_reply')`)
	s.compareReal(before)
	storetest.CheckHolds(t, s.house.store)
	fmt.Printf("real OpenStack, seed %d: %d orders, %d units, %d kills, %s; faults injected:\n%s\n", s.seed, s.fed,
		s.count(`SELECT COUNT(*) FROM resources`), s.kills, time.Since(s.began).Round(time.Second), strings.Join(printed(dealt(&p.Faults)), "\n"))
	s.giveBack(city)
	left, n := inventory(t).since(before), 0
	for _, k := range left {
		n += k
	}
	s.reconcile()
	told := s.count(`SELECT COUNT(*) FROM findings WHERE state = 'open' AND kind IN ('orphan', 'surplus')`)
	t.Logf("left behind by requests that the network doubled: %v; findings about them: %d", left, told)
	if n > told {
		t.Errorf("seed %d: left behind: %v", s.seed, left)
	}
}

func dealt(f *simcloud.Faults) map[string]int {
	n := map[string]int{}
	for trouble, k := range f.Dealt() {
		n[string(trouble)] = k
	}
	return n
}

// until waits until a count is nought.
func (s *storm) until(what string, meanwhile func(), query string) {
	s.t.Helper()
	deadline := time.Now().Add(realPatience)
	for last := time.Now(); s.count(query) > 0; time.Sleep(500 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("seed %d: not %s: %s\n%s", s.seed, what, strings.Join(s.unresolved(), "\n"), s.replicas[0].log())
		}
		meanwhile()
		if time.Since(last) > 20*time.Second {
			last = time.Now()
			s.t.Logf("%s: %d not yet %s, %d kills", time.Since(s.began).Round(time.Second), s.count(query), what, s.kills)
		}
	}
}

// compareReal holds what the services show to what is recorded; what a finding is about is known.
func (s *storm) compareReal(before holdings) {
	s.t.Helper()
	now, kinds := inventory(s.t), realKinds()
	recorded := map[string]bool{}
	for _, id := range s.texts(`SELECT vendor_id FROM resources WHERE state IN ('delivered', 'running', 'stopped', 'updating', 'releasing')`) {
		recorded[id] = true
	}
	for _, row := range s.texts(`SELECT kind || ' ' || vendor_id FROM resources WHERE state IN ('delivered', 'running', 'stopped', 'updating', 'releasing')
		AND id NOT IN (SELECT subject_id FROM findings WHERE state = 'open' AND kind <> 'bad_reply')`) {
		kind, id, _ := strings.Cut(row, " ")
		if service := kinds[duoyun.Kind(kind)]; service != "" {
			if _, there := now[service][id]; !there {
				s.t.Errorf("seed %d: %s does not show the %s %s", s.seed, service, kind, id)
			}
		}
	}
	known := s.count(`SELECT COUNT(*) FROM findings WHERE state = 'open' AND kind IN ('conflict', 'surplus', 'orphan')`)
	for _, service := range []string{"servers", "volumes", "networks", "load_balancers", "containers"} {
		var extra []string
		for id := range now[service] {
			if _, was := before[service][id]; !was && !recorded[id] {
				extra = append(extra, id)
			}
		}
		if len(extra) > known {
			s.t.Errorf("seed %d: %s holds what nobody recorded: %v", s.seed, service, extra)
		}
	}
}

// giveBack releases everything, the platform's networks last.
func (s *storm) giveBack(city *scenario) {
	s.t.Helper()
	for _, task := range s.texts(`SELECT id FROM tasks WHERE kind = 'confirm_delivery' AND state = 'pending'`) {
		s.tolerate(second(s.orders.Decide(context.Background(), duoyun.SystemActor(), duoyun.Once{}, task, confirmed())))
	}
	for _, order := range s.texts(`SELECT id FROM orders WHERE form = 'open' AND state = 'confirmed'`) {
		s.change(order, duoyun.FormRelease)
	}
	const left = `SELECT COUNT(*) FROM resources WHERE state NOT IN ('terminated', 'cancelled', 'failed')
		AND id NOT IN (SELECT subject_id FROM findings WHERE state = 'open' AND kind <> 'bad_reply')`
	s.until("released", func() {}, left+` AND kind <> 'network'`)
	for _, pool := range city.Pools {
		if pool.Cloud != "" {
			code, _ := pool.Pool["code"].(string)
			_, err := s.orders.RetireNetworks(context.Background(), duoyun.SystemActor(), code)
			check(s.t, err)
		}
	}
	s.until("gone", func() {}, left)
}
