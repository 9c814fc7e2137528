package tencent_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/drivertest"
	"github.com/duoyun/duoyun/providers/simcloud"
	"github.com/duoyun/duoyun/providers/tencent"
	"github.com/duoyun/duoyun/providers/tencent/tencentfake"
)

// region is where everything is simulated.
const region = "ap-nanjing"

// simulated is a wire fake with a clock of its own and things that take time.
type simulated struct {
	*tencentfake.Fake
	*httptest.Server
	cloud *simcloud.Cloud
	mu    sync.Mutex
	now   time.Time
}

func simulate(t *testing.T, o tencentfake.Options) *simulated {
	t.Helper()
	s := &simulated{now: time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC)}
	s.cloud = simcloud.New(simcloud.Options{Clock: s.clock, Regions: []simcloud.Region{{Name: region, Zones: []string{"ap-nanjing-1", "ap-nanjing-2"}}},
		Latency: simcloud.Latency{Create: 3 * time.Second, Change: 2 * time.Second, Delete: 2 * time.Second}})
	s.Fake = tencentfake.New(s.cloud, o)
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
	zones := map[string]string{}
	for _, z := range duoyun.Zones() {
		zones[z] = "ap-nanjing-1"
	}
	return driver.Account{Endpoint: s.URL, Region: region, AccessKey: tencentfake.SecretID, Secret: driver.NewSecret(tencentfake.SecretKey),
		Mapping: driver.Mapping{Zones: zones, Classes: map[string]string{"ssd": "CLOUD_SSD", "standard": "CLOUD_PREMIUM"}, Families: []string{"s1", "s2", "s4"}}}
}

func (s *simulated) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// quote is the simulated cloud's price of what the driver would buy for a change; CDB rounds its own to fen.
func (s *simulated) quote(c driver.Change) (duoyun.Amount, bool) {
	switch spec := c.After.(type) {
	case duoyun.ServerSpec:
		server := simcloud.Server{Size: simcloud.Size{VCPU: spec.VCPU, RAMMiB: spec.RAMGiB << 10}}
		return simcloud.PriceOf(s.cloud, &server, c.Months).Plus(simcloud.PriceOf(s.cloud, &simcloud.Volume{Type: "standard", SizeGiB: spec.SystemDiskGiB}, c.Months)), true
	case duoyun.DiskSpec:
		return simcloud.PriceOf(s.cloud, &simcloud.Volume{Type: spec.Class, SizeGiB: spec.SizeGiB}, c.Months), true
	case duoyun.PublicIPSpec:
		return simcloud.PriceOf(s.cloud, &simcloud.FloatingIP{BandwidthMbps: spec.BandwidthMbps}, c.Months), true
	case duoyun.LoadBalancerSpec:
		return simcloud.PriceOf(s.cloud, &simcloud.Balancer{}, c.Months), true
	case duoyun.DatabaseSpec:
		size := simcloud.DatabaseSize{VCPU: spec.VCPU, RAMMiB: spec.RAMGiB << 10, StorageGiB: spec.StorageGiB}
		return simcloud.PriceOf(s.cloud, &simcloud.Database{Engine: spec.Engine, Standby: spec.Standby, Size: size}, c.Months).HalfUp().Amount(), true
	case duoyun.CacheSpec:
		return simcloud.PriceOf(s.cloud, &simcloud.Cache{Standby: spec.Standby, Size: simcloud.CacheSize{RAMMiB: spec.MemoryGiB << 10}}, c.Months), true
	}
	return duoyun.Amount{}, false
}

func (s *simulated) bill(id string, m duoyun.Month) (sum duoyun.Amount) {
	for _, l := range s.cloud.Bill(s.Owner(), m) {
		if strings.HasSuffix(id, l.VendorID) {
			sum = sum.Plus(l.Payable)
		}
	}
	return sum
}

// soldOut leaves nothing of a kind. Networks and buckets take nothing that could run out: theirs is said by the fault layer.
func (s *simulated) soldOut(k duoyun.Kind) func() {
	if k == duoyun.KindNetwork || k == duoyun.KindBucket {
		return s.fault(func(r *simcloud.Rule) { r.Status = http.StatusConflict })(k)
	}
	_, _, kind := made(k)
	s.cloud.SellOut(kind, 0)
	return func() { s.cloud.Restock(kind) }
}

// overQuota leaves the account no quota of a kind.
func (s *simulated) overQuota(k duoyun.Kind) func() {
	item := map[duoyun.Kind]simcloud.Item{duoyun.KindNetwork: simcloud.ItemNetworks, duoyun.KindServer: simcloud.ItemServers, duoyun.KindDisk: simcloud.ItemVolumes,
		duoyun.KindPublicIP: simcloud.ItemFloating, duoyun.KindLoadBalancer: simcloud.ItemBalancers, duoyun.KindDatabase: simcloud.ItemDatabases,
		duoyun.KindCache: simcloud.ItemCaches, duoyun.KindBucket: simcloud.ItemBuckets}[k]
	s.cloud.SetQuota(s.Owner(), map[simcloud.Item]int64{item: 0})
	return func() { s.cloud.SetQuota(s.Owner(), map[simcloud.Item]int64{item: simcloud.DefaultQuota()[item]}) }
}

// made says which actions make and list the main part of a kind, and what the simulated cloud calls it.
func made(k duoyun.Kind) (create, list string, kind simcloud.Kind) {
	switch k {
	case duoyun.KindNetwork:
		return "/vpc/CreateVpc", "/vpc/DescribeVpcs", simcloud.KindNetwork
	case duoyun.KindServer:
		return "/cvm/RunInstances", "/cvm/DescribeInstances", simcloud.KindServer
	case duoyun.KindDisk:
		return "/cbs/CreateDisks", "/cbs/DescribeDisks", simcloud.KindVolume
	case duoyun.KindPublicIP:
		return "/vpc/AllocateAddresses", "/vpc/DescribeAddresses", simcloud.KindFloatingIP
	case duoyun.KindLoadBalancer:
		return "/clb/CreateLoadBalancer", "/clb/DescribeLoadBalancers", simcloud.KindBalancer
	case duoyun.KindDatabase:
		return "/*/Create*Instance*", "/*/DescribeDBInstances", simcloud.KindDatabase // of either engine
	case duoyun.KindCache:
		return "/redis/CreateInstances", "/redis/DescribeInstances", simcloud.KindCache
	}
	return "/cos/*", "/cos", simcloud.KindBucket
}

// creation is the call that makes the main part of a kind.
func creation(k duoyun.Kind) simcloud.Rule {
	path, _, _ := made(k)
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

// hollow empties all listings of a kind.
func (s *simulated) hollow(k duoyun.Kind) func() {
	_, path, _ := made(k)
	s.Faults.Add(simcloud.Rule{Path: path, Garble: simcloud.Hollow})
	return s.Faults.Clear
}

// stale lets listings of a kind show what there was an hour ago; reads by id stay true.
func (s *simulated) stale(k duoyun.Kind) func() {
	_, _, kind := made(k)
	s.cloud.SetListLag(kind, time.Hour)
	return func() { s.cloud.SetListLag(kind, 0) }
}

func kinds() []duoyun.Kind {
	return []duoyun.Kind{duoyun.KindNetwork, duoyun.KindServer, duoyun.KindDisk, duoyun.KindPublicIP, duoyun.KindLoadBalancer, duoyun.KindBucket,
		duoyun.KindDatabase, duoyun.KindCache}
}

// harness plugs the fake into the suite. There is no login to revoke: every call is signed by itself.
func (s *simulated) harness() drivertest.Harness {
	cache := duoyun.CacheSpec{Version: "7.0", MemoryGiB: 1, Standby: true}
	larger := cache
	larger.MemoryGiB = 2
	return drivertest.Harness{Open: tencent.Open, Account: s.account(), Wait: s.advance, NaturalKeys: []duoyun.Kind{duoyun.KindBucket}, Kinds: kinds(),
		Samples: drivertest.Samples{Cache: cache, ResizedCache: larger}, Subscribed: slices.DeleteFunc(kinds(), func(k duoyun.Kind) bool { return k == duoyun.KindNetwork || k == duoyun.KindBucket }),
		Crowd: kinds(), Now: s.clock, Pass: s.pass,
		Money: drivertest.Money{Quote: s.quote, Bill: s.bill, Balance: func() duoyun.Amount { return s.cloud.Balance(s.Owner()).Available }},
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
			SellOut: s.soldOut, OverQuota: s.overQuota, Deny: s.fault(func(r *simcloud.Rule) { r.Status = http.StatusForbidden }),
			CutAnswer:   s.fault(func(r *simcloud.Rule) { r.Cut = true }),
			Mistype:     s.fault(func(r *simcloud.Rule) { r.Garble = simcloud.WrongType }),
			StaleLists:  s.stale,
			HollowLists: s.hollow,
			Patience:    1500 * time.Millisecond}}
}

func TestSimulatedTencentCloudKeepsTheContract(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, simulate(t, tencentfake.Options{MaxPage: 7}).harness())
}

func TestTheContractHoldsWithPagesOfTwoAndPostgreSQL(t *testing.T) {
	t.Parallel()
	s := simulate(t, tencentfake.Options{MaxPage: 2})
	h := s.harness()
	h.Account.Mapping.Classes["system"] = "CLOUD_PREMIUM"
	database := duoyun.DatabaseSpec{Engine: duoyun.EnginePostgreSQL, Version: "15", VCPU: 2, RAMGiB: 4, StorageGiB: 40, Standby: true}
	grown := database
	grown.StorageGiB = 60
	resized := grown
	resized.VCPU, resized.RAMGiB = 4, 8
	h.Samples.Database, h.Samples.GrownDatabase, h.Samples.ResizedDatabase = database, grown, resized
	h.Account.Mapping.Families, h.Account.Project = nil, tencentfake.AppID
	drivertest.Run(t, h)
}
