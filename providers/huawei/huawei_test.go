package huawei_test

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
	"github.com/duoyun/duoyun/providers/huawei"
	"github.com/duoyun/duoyun/providers/huawei/huaweifake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// simulated is a wire fake with a clock of its own and things that take time. ELB does what it is asked at once.
type simulated struct {
	*huaweifake.Fake
	*httptest.Server
	sim *simcloud.Cloud
	mu  sync.Mutex
	now time.Time
}

func simulate(t *testing.T, o huaweifake.Options) *simulated {
	s := &simulated{now: time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC)}
	at := map[simcloud.Kind]simcloud.Latency{}
	for _, k := range []simcloud.Kind{simcloud.KindBalancer, simcloud.KindListener, simcloud.KindPool, simcloud.KindMember, simcloud.KindMonitor} {
		at[k] = simcloud.Latency{}
	}
	s.sim = simcloud.New(simcloud.Options{Clock: s.clock, Kinds: at, Regions: []simcloud.Region{{Name: "cn-north-4", Zones: []string{"cn-north-4a", "cn-north-4b"}}},
		Latency: simcloud.Latency{Create: 3 * time.Second, Change: 2 * time.Second, Delete: 2 * time.Second}})
	s.Fake = huaweifake.New(s.sim, o)
	s.Server = httptest.NewServer(s.Fake)
	t.Cleanup(s.Close)
	return s
}

func (s *simulated) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *simulated) advance(context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(time.Second)
}

func (s *simulated) account() driver.Account {
	return driver.Account{Endpoint: s.URL, Region: "cn-north-4", Project: huaweifake.Project, AccessKey: huaweifake.AccessKey,
		Secret: driver.NewSecret(huaweifake.SecretKey), Mapping: driver.Mapping{Classes: map[string]string{"ssd": "SSD", "standard": "SAS"},
			Zones: map[string]string{duoyun.ZoneExtranetPublic: "cn-north-4b"}}}
}

func (s *simulated) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// quote is the simulated cloud's price of what the driver would buy for a change.
func (s *simulated) quote(c driver.Change) (duoyun.Amount, bool) {
	switch spec := c.After.(type) {
	case duoyun.ServerSpec:
		server := simcloud.Server{Size: simcloud.Size{VCPU: spec.VCPU, RAMMiB: spec.RAMGiB << 10}}
		return simcloud.PriceOf(s.sim, &server, c.Months).Plus(simcloud.PriceOf(s.sim, &simcloud.Volume{Type: "ssd", SizeGiB: spec.SystemDiskGiB}, c.Months)), true
	case duoyun.DiskSpec:
		return simcloud.PriceOf(s.sim, &simcloud.Volume{Type: spec.Class, SizeGiB: spec.SizeGiB}, c.Months), true
	case duoyun.PublicIPSpec:
		return simcloud.PriceOf(s.sim, &simcloud.FloatingIP{BandwidthMbps: spec.BandwidthMbps}, c.Months), true
	}
	return duoyun.Amount{}, false // their specs are not documented to be asked about
}

func (s *simulated) bill(id string, m duoyun.Month) (sum duoyun.Amount) {
	for _, l := range s.sim.Bill(s.Owner(), m) {
		if l.VendorID == id {
			sum = sum.Plus(l.Payable)
		}
	}
	return sum
}

// simulatedKind is what a kind's main part is in the simulated cloud, and how its quota is counted.
func simulatedKind(k duoyun.Kind) (simcloud.Kind, simcloud.Item) {
	both := map[duoyun.Kind]struct {
		kind simcloud.Kind
		item simcloud.Item
	}{duoyun.KindNetwork: {simcloud.KindNetwork, simcloud.ItemNetworks}, duoyun.KindServer: {simcloud.KindServer, simcloud.ItemServers},
		duoyun.KindDisk: {simcloud.KindVolume, simcloud.ItemVolumes}, duoyun.KindPublicIP: {simcloud.KindFloatingIP, simcloud.ItemFloating},
		duoyun.KindLoadBalancer: {simcloud.KindBalancer, simcloud.ItemBalancers}, duoyun.KindDatabase: {simcloud.KindDatabase, simcloud.ItemDatabases},
		duoyun.KindCache: {simcloud.KindCache, simcloud.ItemCaches}, duoyun.KindBucket: {simcloud.KindBucket, simcloud.ItemBuckets}}[k]
	return both.kind, both.item
}

func (s *simulated) overQuota(k duoyun.Kind) func() {
	_, item := simulatedKind(k)
	s.sim.SetQuota(s.Owner(), map[simcloud.Item]int64{item: 0})
	return func() { s.sim.SetQuota(s.Owner(), map[simcloud.Item]int64{item: simcloud.DefaultQuota()[item]}) }
}

// stale makes listings show what was there an hour ago; reads by id stay true.
func (s *simulated) stale(k duoyun.Kind) func() {
	kind, _ := simulatedKind(k)
	s.sim.SetListLag(kind, time.Hour)
	return func() { s.sim.SetListLag(kind, 0) }
}

// creation is the call that makes the main part of a kind.
func creation(k duoyun.Kind) simcloud.Rule {
	path := map[duoyun.Kind]string{duoyun.KindServer: "/v1/*/cloudservers", duoyun.KindDisk: "/v2.1/*/cloudvolumes", duoyun.KindNetwork: "/v1/*/vpcs",
		duoyun.KindPublicIP: "/v1/*/publicips", duoyun.KindLoadBalancer: "/v3/*/elb/loadbalancers", duoyun.KindBucket: "/dy-*",
		duoyun.KindDatabase: "/v3/*/instances", duoyun.KindCache: "/v2/*/instances"}[k]
	method := http.MethodPost
	if k == duoyun.KindBucket {
		method = http.MethodPut
	}
	return simcloud.Rule{Method: method, Path: path, Times: 1}
}

// listing is the call that lists a kind.
func listing(k duoyun.Kind) simcloud.Rule {
	r := creation(k)
	r.Method, r.Times = http.MethodGet, 0
	switch k {
	case duoyun.KindServer:
		r.Path = "/v1/*/cloudservers/detail"
	case duoyun.KindDisk:
		r.Path = "/v2/*/cloudvolumes/detail"
	}
	return r
}

// spoiled plays one rule on the calls of a kind.
func (s *simulated) spoiled(calls func(duoyun.Kind) simcloud.Rule, spoil func(*simcloud.Rule)) func(duoyun.Kind) func() {
	return func(k duoyun.Kind) func() {
		r := calls(k)
		spoil(&r)
		s.Faults.Add(r)
		return s.Faults.Clear
	}
}

func (s *simulated) faults() drivertest.Faults {
	fault := func(spoil func(*simcloud.Rule)) func(duoyun.Kind) func() { return s.spoiled(creation, spoil) }
	return drivertest.Faults{
		OverQuota: s.overQuota, Deny: fault(func(r *simcloud.Rule) { r.Status = http.StatusForbidden }),
		LoseRequest: fault(func(r *simcloud.Rule) { r.Drop = true }),
		LoseAnswer:  fault(func(r *simcloud.Rule) { r.Drop, r.When = true, simcloud.After }),
		HoldAnswer:  fault(func(r *simcloud.Rule) { r.Delay, r.When = 2500*time.Millisecond, simcloud.After }),
		Fail:        fault(func(r *simcloud.Rule) { r.Status, r.When = http.StatusInternalServerError, simcloud.After }),
		Throttle:    fault(func(r *simcloud.Rule) { r.Status = http.StatusTooManyRequests }),
		Duplicate:   fault(func(r *simcloud.Rule) { r.Twice = true }),
		DuplicateAll: func() func() {
			s.Faults.Play(simcloud.Plan{Odds: map[simcloud.Trouble]float64{simcloud.Duplicated: 1}})
			return s.Faults.Clear
		},
		CutAnswer:   fault(func(r *simcloud.Rule) { r.Cut = true }),
		Mistype:     fault(func(r *simcloud.Rule) { r.Garble = simcloud.WrongType }),
		StaleLists:  s.stale,
		HollowLists: s.spoiled(listing, func(r *simcloud.Rule) { r.Garble = simcloud.Hollow }),
		Patience:    1500 * time.Millisecond}
}

func (s *simulated) harness() drivertest.Harness {
	sold := []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk, duoyun.KindPublicIP, duoyun.KindLoadBalancer, duoyun.KindDatabase, duoyun.KindCache}
	kinds := append([]duoyun.Kind{duoyun.KindNetwork, duoyun.KindBucket}, sold...)
	return drivertest.Harness{Open: huawei.Open, Account: s.account(), Wait: s.advance, NaturalKeys: []duoyun.Kind{duoyun.KindBucket}, Faults: s.faults(),
		Kinds: kinds, Crowd: kinds, Subscribed: sold, Now: s.clock, Pass: s.pass,
		Money: drivertest.Money{Quote: s.quote, Bill: s.bill, Balance: func() duoyun.Amount { return s.sim.Balance(s.Owner()).Available }}}
}

// Revoke is left out: a key pair is no login that expires.
func TestSimulatedHuaweiCloudKeepsTheContract(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, simulate(t, huaweifake.Options{MaxPage: 7}).harness())
}

func TestTheContractHoldsWithPagesOfTwoAnEnterpriseProjectAndNoZonesMapped(t *testing.T) {
	t.Parallel()
	h := simulate(t, huaweifake.Options{MaxPage: 2}).harness()
	h.Account.Mapping.Zones, h.Account.ResourceGroup = nil, "8f2a3f1e-3a3c-4f8e-9a51-0d1c6d3c2b11"
	h.Faults = drivertest.Faults{}
	drivertest.Run(t, h)
}
