package aws_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aws"
	"github.com/duoyun/duoyun/providers/aws/awsfake"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/drivertest"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// simulated is a wire fake with a clock of its own and things that take time.
type simulated struct {
	*awsfake.Fake
	*httptest.Server
	sim *simcloud.Cloud
	mu  sync.Mutex
	now time.Time
}

const region = "cn-north-1"

func simulate(t testing.TB, o awsfake.Options) *simulated {
	s := &simulated{now: time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC)}
	s.sim = simcloud.New(simcloud.Options{Clock: s.clock, Regions: []simcloud.Region{{Name: region, Zones: []string{region + "a", region + "b"}}},
		Latency: simcloud.Latency{Create: 3 * time.Second, Change: 2 * time.Second, Delete: 2 * time.Second}})
	s.Fake = awsfake.New(s.sim, o)
	s.Server = httptest.NewServer(s.Fake)
	t.Cleanup(s.Close)
	return s
}

func (s *simulated) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *simulated) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *simulated) advance(context.Context) { s.pass(time.Second) }

func (s *simulated) account() driver.Account {
	return driver.Account{Endpoint: s.URL, Region: region, AccessKey: awsfake.AccessKey, Secret: driver.NewSecret(awsfake.Secret),
		Mapping: driver.Mapping{Classes: map[string]string{"ssd": "gp3", "system": "gp3"}, Zones: map[string]string{duoyun.ZoneExtranetPublic: region + "b"}}}
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
		return s.fault(func(r *simcloud.Rule) { r.Status = http.StatusInsufficientStorage })(k)
	}
	s.sim.SellOut(kind, 0)
	return func() { s.sim.Restock(kind) }
}

func (s *simulated) overQuota(k duoyun.Kind) func() {
	_, item := simulatedKind(k)
	s.sim.SetQuota(s.Owner(), map[simcloud.Item]int64{item: 0})
	return func() { s.sim.SetQuota(s.Owner(), map[simcloud.Item]int64{item: simcloud.DefaultQuota()[item]}) }
}

// quote is the list price of an hour.
func (s *simulated) quote(c driver.Change) (duoyun.Amount, bool) {
	if c.Months > 0 {
		return duoyun.Amount{}, false
	}
	switch spec := c.After.(type) {
	case duoyun.ServerSpec:
		server := simcloud.Server{Size: simcloud.Size{VCPU: spec.VCPU, RAMMiB: spec.RAMGiB << 10}}
		return simcloud.PriceOf(s.sim, &server, 0).Plus(simcloud.PriceOf(s.sim, &simcloud.Volume{Type: "gp3", SizeGiB: spec.SystemDiskGiB}, 0)), true
	case duoyun.DiskSpec:
		return simcloud.PriceOf(s.sim, &simcloud.Volume{Type: "gp3", SizeGiB: spec.SizeGiB}, 0), true
	case duoyun.DatabaseSpec:
		size := simcloud.DatabaseSize{VCPU: spec.VCPU, RAMMiB: spec.RAMGiB << 10, StorageGiB: spec.StorageGiB}
		return simcloud.PriceOf(s.sim, &simcloud.Database{Engine: spec.Engine, Standby: spec.Standby, Size: size}, 0), true
	case duoyun.CacheSpec:
		return simcloud.PriceOf(s.sim, &simcloud.Cache{Standby: spec.Standby, Size: simcloud.CacheSize{RAMMiB: 1402}}, 0), true
	}
	return duoyun.Amount{}, false
}

// bill is what the simulated cloud charged for a unit by the tag it bears: a server's bill is with its system disk.
func (s *simulated) bill(id string, m duoyun.Month) (sum duoyun.Amount) {
	mark := s.markOf(id)
	for _, l := range s.sim.Bill(s.Owner(), m) {
		if s.markOf(l.VendorID) == mark && mark != "" {
			sum = sum.Plus(l.Payable)
		}
	}
	return sum
}

// markOf is the mark of an object by its id at the vendor or in the simulated cloud.
func (s *simulated) markOf(id string) string {
	inventory := s.sim.Inventory()
	var all []simcloud.Object
	for _, x := range inventory.Servers {
		all = append(all, x.Object)
	}
	for _, x := range inventory.Volumes {
		all = append(all, x.Object)
	}
	for _, x := range inventory.Floating {
		all = append(all, x.Object)
	}
	for _, x := range inventory.Databases {
		all = append(all, x.Object)
	}
	for _, x := range inventory.Caches {
		all = append(all, x.Object)
	}
	for _, o := range all {
		if o.ID == id || o.Name == id && id != "" || strings.HasSuffix(id, "-"+strings.ReplaceAll(o.ID, "-", "")) {
			mark, _, _ := strings.Cut(o.Meta["tag:duoyun-mark"], " ")
			return mark
		}
	}
	return ""
}

// calls are the creation of a kind's main part, and its listing, as the fault layer sees them.
func calls() map[duoyun.Kind][2]string {
	return map[duoyun.Kind][2]string{
		duoyun.KindNetwork: {"/ec2/CreateVpc", "/ec2/DescribeVpcs"}, duoyun.KindServer: {"/ec2/RunInstances", "/ec2/DescribeInstances"},
		duoyun.KindDisk: {"/ec2/CreateVolume", "/ec2/DescribeVolumes"}, duoyun.KindPublicIP: {"/ec2/AllocateAddress", "/ec2/DescribeAddresses"},
		duoyun.KindLoadBalancer: {"/elasticloadbalancing/CreateLoadBalancer", "/elasticloadbalancing/DescribeLoadBalancers"},
		duoyun.KindDatabase:     {"/rds/CreateDBInstance", "/rds/DescribeDBInstances"},
		duoyun.KindCache:        {"/elasticache/CreateReplicationGroup", "/elasticache/DescribeReplicationGroups"}, duoyun.KindBucket: {"/**", "/"},
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

// hollow empties all listings: what is left is XML with nothing in it.
func (s *simulated) hollow(k duoyun.Kind) func() {
	s.Faults.Add(simcloud.Rule{Method: http.MethodGet, Path: calls()[k][1], Garble: func([]byte) []byte { return []byte("<Response></Response>") }})
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
	return drivertest.Harness{Open: aws.Open, Account: s.account(), Wait: s.advance, Kinds: kinds, Crowd: kinds, Now: s.clock, Pass: s.pass,
		Money:       drivertest.Money{Quote: s.quote, Bill: s.bill},
		NaturalKeys: []duoyun.Kind{duoyun.KindBucket, duoyun.KindLoadBalancer, duoyun.KindDatabase, duoyun.KindCache},
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

func TestSimulatedAWSKeepsTheContract(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, simulate(t, awsfake.Options{MaxPage: 7}).harness())
}

func TestTheContractHoldsWithPagesOfTwo(t *testing.T) {
	t.Parallel()
	h := simulate(t, awsfake.Options{MaxPage: 2}).harness()
	h.Faults = drivertest.Faults{}
	drivertest.Run(t, h)
}
