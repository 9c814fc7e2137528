package aliyun_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aliyun"
	"github.com/duoyun/duoyun/providers/aliyun/aliyunfake"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/drivertest"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// simulated is a wire fake with a clock of its own and things that take time.
type simulated struct {
	*aliyunfake.Fake
	*httptest.Server
	sim *simcloud.Cloud
	mu  sync.Mutex
	now time.Time
}

const region = "cn-suqian"

func simulate(t testing.TB, o aliyunfake.Options) *simulated {
	s := &simulated{now: time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC)}
	s.sim = simcloud.New(simcloud.Options{Clock: s.clock, Regions: []simcloud.Region{{Name: region, Zones: []string{region + "-a", region + "-b"}}},
		Latency: simcloud.Latency{Create: 3 * time.Second, Change: 2 * time.Second, Delete: 2 * time.Second}})
	s.Fake = aliyunfake.New(s.sim, o)
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
	case duoyun.DatabaseSpec:
		size := simcloud.DatabaseSize{VCPU: spec.VCPU, RAMMiB: spec.RAMGiB << 10, StorageGiB: spec.StorageGiB}
		return simcloud.PriceOf(s.sim, &simcloud.Database{Engine: spec.Engine, Standby: spec.Standby, Size: size}, c.Months), true
	case duoyun.CacheSpec:
		return simcloud.PriceOf(s.sim, &simcloud.Cache{Standby: spec.Standby, Size: simcloud.CacheSize{RAMMiB: spec.MemoryGiB << 10}}, c.Months), true
	}
	return duoyun.Amount{}, false
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
	kinds := map[duoyun.Kind]simcloud.Kind{duoyun.KindNetwork: simcloud.KindNetwork, duoyun.KindServer: simcloud.KindServer, duoyun.KindDisk: simcloud.KindVolume,
		duoyun.KindPublicIP: simcloud.KindFloatingIP, duoyun.KindLoadBalancer: simcloud.KindBalancer, duoyun.KindDatabase: simcloud.KindDatabase,
		duoyun.KindCache: simcloud.KindCache, duoyun.KindBucket: simcloud.KindBucket}
	items := map[duoyun.Kind]simcloud.Item{duoyun.KindNetwork: simcloud.ItemNetworks, duoyun.KindServer: simcloud.ItemServers, duoyun.KindDisk: simcloud.ItemVolumes,
		duoyun.KindPublicIP: simcloud.ItemFloating, duoyun.KindLoadBalancer: simcloud.ItemBalancers, duoyun.KindDatabase: simcloud.ItemDatabases,
		duoyun.KindCache: simcloud.ItemCaches, duoyun.KindBucket: simcloud.ItemBuckets}
	return kinds[k], items[k]
}

// soldOut leaves nothing of a kind. Networks and buckets take nothing that could run out: theirs is said by the fault layer.
func (s *simulated) soldOut(k duoyun.Kind) func() {
	kind, _ := simulatedKind(k)
	if k == duoyun.KindNetwork || k == duoyun.KindBucket {
		return s.fault(func(r *simcloud.Rule) { r.Status = http.StatusConflict })(k)
	}
	s.sim.SellOut(kind, 0)
	return func() { s.sim.Restock(kind) }
}

func (s *simulated) overQuota(k duoyun.Kind) func() {
	_, item := simulatedKind(k)
	s.sim.SetQuota(s.Owner(), map[simcloud.Item]int64{item: 0})
	return func() { s.sim.SetQuota(s.Owner(), map[simcloud.Item]int64{item: simcloud.DefaultQuota()[item]}) }
}

func (s *simulated) account() driver.Account {
	return driver.Account{Endpoint: s.URL, Endpoints: map[string]string{"oss": s.URL}, Region: region, AccessKey: aliyunfake.AccessKey,
		Secret: driver.NewSecret(aliyunfake.Secret), Mapping: driver.Mapping{Classes: map[string]string{"ssd": "ssd", "standard": "standard", "system": "ssd"},
			Zones: map[string]string{duoyun.ZoneExtranetPublic: region + "-b"}}}
}

// calls are the creation of a kind's main part, and its listing, as the fault layer sees them.
func calls() map[duoyun.Kind][2]string {
	return map[duoyun.Kind][2]string{
		duoyun.KindNetwork: {"/Vpc/CreateVpc", "/Vpc/DescribeVpcs"}, duoyun.KindServer: {"/Ecs/RunInstances", "/Ecs/DescribeInstances"},
		duoyun.KindDisk: {"/Ecs/CreateDisk", "/Ecs/DescribeDisks"}, duoyun.KindPublicIP: {"/Vpc/AllocateEipAddress", "/Vpc/DescribeEipAddresses"},
		duoyun.KindLoadBalancer: {"/Slb/CreateLoadBalancer", "/Slb/DescribeLoadBalancers"}, duoyun.KindDatabase: {"/Rds/CreateDBInstance", "/Rds/DescribeDBInstances"},
		duoyun.KindCache: {"/R-kvstore/CreateInstance", "/R-kvstore/DescribeInstances"}, duoyun.KindBucket: {"/**", "/"},
	}
}

// fault plays one rule on the next creation.
func (s *simulated) fault(spoil func(*simcloud.Rule)) func(duoyun.Kind) func() {
	return func(k duoyun.Kind) func() {
		r := simcloud.Rule{Method: http.MethodPost, Path: calls()[k][0], Times: 1}
		if k == duoyun.KindBucket {
			r.Method = http.MethodPut
		}
		spoil(&r)
		s.Faults.Add(r)
		return s.Faults.Clear
	}
}

// hollow empties all listings.
func (s *simulated) hollow(k duoyun.Kind) func() {
	s.Faults.Add(simcloud.Rule{Method: http.MethodGet, Path: calls()[k][1], Garble: simcloud.Hollow})
	return s.Faults.Clear
}

// stale makes listings show what was there an hour ago.
func (s *simulated) stale(k duoyun.Kind) func() {
	kind, _ := simulatedKind(k)
	s.sim.SetListLag(kind, time.Hour)
	return func() { s.sim.SetListLag(kind, 0) }
}

func (s *simulated) harness() drivertest.Harness {
	kinds := []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk, duoyun.KindNetwork, duoyun.KindLoadBalancer, duoyun.KindPublicIP, duoyun.KindBucket,
		duoyun.KindDatabase, duoyun.KindCache}
	return drivertest.Harness{Open: aliyun.Open, Account: s.account(), Wait: s.advance, NaturalKeys: []duoyun.Kind{duoyun.KindBucket}, Kinds: kinds,
		Subscribed: []duoyun.Kind{duoyun.KindServer, duoyun.KindDatabase, duoyun.KindCache}, Crowd: kinds, Now: s.clock, Pass: s.pass,
		Money: drivertest.Money{Quote: s.quote, Bill: s.bill, Balance: func() duoyun.Amount { return s.sim.Balance(s.Owner()).Available }},
		Faults: drivertest.Faults{
			SellOut: s.soldOut, OverQuota: s.overQuota, Deny: s.fault(func(r *simcloud.Rule) { r.Status = http.StatusForbidden }),
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
			StaleLists:  s.stale,
			HollowLists: s.hollow,
			Patience:    1500 * time.Millisecond}} // Revoke: a key pair is no login that expires
}

func TestSimulatedAlibabaCloudKeepsTheContract(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, simulate(t, aliyunfake.Options{MaxPage: 7}).harness())
}

func TestTheContractHoldsWithPagesOfTwo(t *testing.T) {
	t.Parallel()
	h := simulate(t, aliyunfake.Options{MaxPage: 2}).harness()
	h.Faults = drivertest.Faults{}
	drivertest.Run(t, h)
}
