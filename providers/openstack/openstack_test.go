package openstack_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/drivertest"
	"github.com/duoyun/duoyun/providers/openstack"
	"github.com/duoyun/duoyun/providers/openstack/openstackfake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// simulated is a wire fake with a clock of its own and things that take time.
type simulated struct {
	*openstackfake.Fake
	*httptest.Server
	mu  sync.Mutex
	now time.Time
}

func simulate(t *testing.T, o openstackfake.Options) *simulated {
	s := &simulated{now: time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC)}
	sim := simcloud.New(simcloud.Options{Clock: s.clock, Latency: simcloud.Latency{Create: 3 * time.Second, Change: 2 * time.Second, Delete: 2 * time.Second}})
	s.Fake = openstackfake.New(sim, o)
	s.Server = httptest.NewServer(s.Fake)
	t.Cleanup(s.Close)
	return s
}

func (s *simulated) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *simulated) advance(context.Context) { s.pass(time.Second) }

func (s *simulated) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *simulated) account() driver.Account {
	return driver.Account{Endpoint: s.URL + "/identity/v3", Region: "RegionOne", Project: openstackfake.Project, User: openstackfake.User,
		Secret: driver.NewSecret(openstackfake.Password), Mapping: driver.Mapping{ExternalNetwork: "external",
			Classes: map[string]string{"ssd": "ssd", "standard": "standard"}}}
}

// creation is the call that makes the main part of a kind.
func creation(k duoyun.Kind) simcloud.Rule {
	path := map[duoyun.Kind]string{duoyun.KindServer: "/compute/v2.1/servers", duoyun.KindDisk: "/volume/v3/*/volumes",
		duoyun.KindNetwork: "/network/v2.0/networks", duoyun.KindAddress: "/network/v2.0/ports", duoyun.KindPublicIP: "/network/v2.0/floatingips",
		duoyun.KindLoadBalancer: "/load-balancer/v2.0/lbaas/loadbalancers", duoyun.KindBucket: "/object-store/**"}[k]
	method := http.MethodPost
	if k == duoyun.KindBucket {
		method = http.MethodPut
	}
	return simcloud.Rule{Method: method, Path: path, Times: 1}
}

// fault plays one rule on the next creation.
func (s *simulated) fault(spoil func(*simcloud.Rule)) func(duoyun.Kind) func() {
	return func(k duoyun.Kind) func() {
		r := creation(k)
		spoil(&r)
		s.Faults.Add(r)
		return s.Faults.Clear
	}
}

// listing is the call that lists a kind.
func listing(k duoyun.Kind) simcloud.Rule {
	r := creation(k)
	r.Method, r.Times = http.MethodGet, 0
	if k == duoyun.KindServer || k == duoyun.KindDisk {
		r.Path += "/detail"
	}
	return r
}

// lists plays one rule on all listings.
func (s *simulated) lists(spoil func(*simcloud.Rule)) func(duoyun.Kind) func() {
	return func(k duoyun.Kind) func() {
		r := listing(k)
		spoil(&r)
		s.Faults.Add(r)
		return s.Faults.Clear
	}
}

func (s *simulated) harness() drivertest.Harness {
	return drivertest.Harness{Open: openstack.Open, Account: s.account(), Wait: s.advance, Now: s.clock, Pass: s.pass, NaturalKeys: []duoyun.Kind{duoyun.KindBucket},
		Kinds: []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk, duoyun.KindNetwork, duoyun.KindAddress, duoyun.KindLoadBalancer,
			duoyun.KindPublicIP, duoyun.KindBucket},
		Faults: drivertest.Faults{
			LoseRequest: s.fault(func(r *simcloud.Rule) { r.Drop = true }),
			LoseAnswer:  s.fault(func(r *simcloud.Rule) { r.Drop, r.When = true, simcloud.After }),
			HoldAnswer:  s.fault(func(r *simcloud.Rule) { r.Delay, r.When = 2500*time.Millisecond, simcloud.After }),
			Fail:        s.fault(func(r *simcloud.Rule) { r.Status, r.When = http.StatusInternalServerError, simcloud.After }),
			Throttle:    s.fault(func(r *simcloud.Rule) { r.Status = http.StatusTooManyRequests }),
			Duplicate:   s.fault(func(r *simcloud.Rule) { r.Twice = true }),
			DuplicateAll: func() func() {
				s.Faults.Play(simcloud.Plan{Odds: map[simcloud.Trouble]float64{simcloud.Duplicated: 1}})
				return s.Faults.Clear
			},
			CutAnswer:   s.fault(func(r *simcloud.Rule) { r.Cut = true }),
			Mistype:     s.fault(func(r *simcloud.Rule) { r.Garble = simcloud.WrongType }),
			StaleLists:  s.lists(func(r *simcloud.Rule) { r.Stale = time.Hour }),
			HollowLists: s.lists(func(r *simcloud.Rule) { r.Garble = simcloud.Hollow }),
			Revoke:      s.ExpireTokens, Patience: 1500 * time.Millisecond}}
}

func TestSimulatedOpenStackKeepsTheContract(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, simulate(t, openstackfake.Options{}).harness())
}

func TestTheContractHoldsWithAnApplicationCredentialAndPagesOfTwo(t *testing.T) {
	t.Parallel()
	s := simulate(t, openstackfake.Options{MaxPage: 2})
	h := s.harness()
	h.Account.User, h.Account.Project, h.Account.AppCredID = "", "", openstackfake.AppCredID
	h.Account.Secret = driver.NewSecret(openstackfake.AppCredSecret)
	h.Account.Mapping.Classes["system"] = "ssd" // every server boots from a volume
	h.Crowd = h.Kinds
	h.Faults = drivertest.Faults{}
	drivertest.Run(t, h)
}

func TestAnApplicationCredentialOfAnotherProjectThanTheAccountNamesIsRefused(t *testing.T) {
	t.Parallel()
	a := simulate(t, openstackfake.Options{}).harness().Account
	a.User, a.AppCredID, a.Secret = "", openstackfake.AppCredID, driver.NewSecret(openstackfake.AppCredSecret)
	if _, err := openstack.Open(t.Context(), a); err != nil {
		t.Fatalf("the project it is of: %v", err)
	}
	a.Project = "another"
	if _, err := openstack.Open(t.Context(), a); openstack.Code(err) != driver.Auth {
		t.Fatalf("another project: %v", err)
	}
}
