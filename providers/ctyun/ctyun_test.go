package ctyun_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/ctyun"
	"github.com/duoyun/duoyun/providers/ctyun/ctyunfake"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/drivertest"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// simulated is a wire fake with a clock of its own and things that take time.
type simulated struct {
	*ctyunfake.Fake
	*httptest.Server
	sim *simcloud.Cloud
	mu  sync.Mutex
	now time.Time
}

// region is a pool's id, as the vendor forms them.
const region = "bb9fdb42056f11eda1610242ac110002"

func simulate(t testing.TB, o ctyunfake.Options) *simulated {
	s := &simulated{now: time.Date(2026, 12, 1, 1, 0, 0, 0, time.UTC)}
	s.sim = simcloud.New(simcloud.Options{Clock: s.clock, Regions: []simcloud.Region{{Name: region, Zones: []string{"cn-xinan1-xn1A-public-ctcloud", "cn-xinan1-xn2A-public-ctcloud"}}},
		Latency: simcloud.Latency{Create: 3 * time.Second, Change: 2 * time.Second, Delete: 2 * time.Second}})
	s.Fake = ctyunfake.New(s.sim, o)
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
	return driver.Account{Endpoint: s.URL, Region: region, AccessKey: ctyunfake.AccessKey, Secret: driver.NewSecret(ctyunfake.SecretKey),
		Mapping: driver.Mapping{Images: map[string]string{"kylin-v10": "kylin-v10"}, Classes: map[string]string{"ssd": "SSD", "system": "SSD"},
			Zones: map[string]string{duoyun.ZoneExtranetPublic: "cn-xinan1-xn2A-public-ctcloud"}}}
}

// open plugs the driver in as the purchase protocol would use it: an order's id is kept, and its look tells the ids.
func (s *simulated) open(ctx context.Context, a driver.Account) (driver.Cloud, error) {
	c, err := ctyun.Open(ctx, a)
	if err != nil {
		return nil, err
	}
	return keeper{c, s}, nil
}

// keeper is a cloud whose orders are followed until they tell what they made.
type keeper struct {
	driver.Cloud
	s *simulated
}

func (k keeper) Unwrap() driver.Cloud { return k.Cloud }

func (k keeper) Kind(kind duoyun.Kind) (driver.Resource, bool) {
	r, ok := k.Cloud.Kind(kind)
	return kept{r, k.s}, ok
}

type kept struct {
	driver.Resource
	s *simulated
}

func (k kept) Run(ctx context.Context, c driver.Call) (driver.Reply, error) {
	reply, err := k.Resource.Run(ctx, c)
	if err != nil || reply.OrderID == "" || reply.ID != "" || c.Op != duoyun.OpCreate {
		return reply, err
	}
	c.OrderID = reply.OrderID
	for range 100 {
		e, err := k.Look(ctx, c)
		if err != nil || e.ID != "" {
			reply.ID = e.ID
			break
		}
		k.s.advance(ctx)
	}
	return reply, nil
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
	return duoyun.Amount{}, false
}

// part is what a kind's main part is: at the vendor its creation and listing, in the simulated cloud its kind and quota.
type part struct {
	create, list string
	kind         simcloud.Kind
	item         simcloud.Item
}

func parts() map[duoyun.Kind]part {
	return map[duoyun.Kind]part{
		duoyun.KindNetwork:      {"/v4/vpc/create", "/v4/vpc/new-list", simcloud.KindNetwork, simcloud.ItemNetworks},
		duoyun.KindServer:       {"/v4/ecs/create-instance", "/v4/ecs/list-instances", simcloud.KindServer, simcloud.ItemServers},
		duoyun.KindDisk:         {"/v4/ebs/new-ebs", "/v4/ebs/list-ebs", simcloud.KindVolume, simcloud.ItemVolumes},
		duoyun.KindPublicIP:     {"/v4/eip/create", "/v4/eip/new-list", simcloud.KindFloatingIP, simcloud.ItemFloating},
		duoyun.KindLoadBalancer: {"/v4/elb/create-loadbalancer", "/v4/elb/list-loadbalancer", simcloud.KindBalancer, simcloud.ItemBalancers},
		duoyun.KindBucket:       {"/v4/oss/create-bucket", "/v4/oss/list-buckets", simcloud.KindBucket, simcloud.ItemBuckets},
		duoyun.KindDatabase: {"/teledb-acceptor/v2/openapi/accept-order-info/accept", "/RDS2/v1/open-api/instance/instance-list",
			simcloud.KindDatabase, simcloud.ItemDatabases},
		duoyun.KindCache: {"/v2/lifeCycleServant/createInstance", "/v2/instanceManageMgrServant/describeInstances", simcloud.KindCache, simcloud.ItemCaches},
	}
}

// fault plays one rule on the next creation.
func (s *simulated) fault(spoil func(*simcloud.Rule)) func(duoyun.Kind) func() {
	return func(k duoyun.Kind) func() {
		r := simcloud.Rule{Method: http.MethodPost, Path: parts()[k].create, Times: 1}
		spoil(&r)
		s.Faults.Add(r)
		return s.Faults.Clear
	}
}

// soldOut leaves nothing of a kind. Networks and buckets take nothing that could run out.
func (s *simulated) soldOut(k duoyun.Kind) func() {
	if k == duoyun.KindNetwork || k == duoyun.KindBucket {
		return s.Refuse(parts()[k].create, "Openapi.Resource.SoldOut")
	}
	s.sim.SellOut(parts()[k].kind, 0)
	return func() { s.sim.Restock(parts()[k].kind) }
}

func (s *simulated) overQuota(k duoyun.Kind) func() {
	item, owner := parts()[k].item, s.Owner(ctyunfake.AccessKey)
	s.sim.SetQuota(owner, map[simcloud.Item]int64{item: 0})
	return func() { s.sim.SetQuota(owner, map[simcloud.Item]int64{item: simcloud.DefaultQuota()[item]}) }
}

func (s *simulated) hollow(k duoyun.Kind) func() {
	s.Faults.Add(simcloud.Rule{Path: parts()[k].list, Garble: simcloud.Hollow})
	return s.Faults.Clear
}

// stale makes listings show what was there an hour ago: the fault layer knows listings by GET alone.
func (s *simulated) stale(k duoyun.Kind) func() {
	s.sim.SetListLag(parts()[k].kind, time.Hour)
	return func() { s.sim.SetListLag(parts()[k].kind, 0) }
}

func (s *simulated) harness() drivertest.Harness {
	kinds := []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk, duoyun.KindNetwork, duoyun.KindLoadBalancer, duoyun.KindPublicIP, duoyun.KindBucket,
		duoyun.KindDatabase, duoyun.KindCache}
	return drivertest.Harness{Open: s.open, Account: s.account(), Wait: s.advance, NaturalKeys: []duoyun.Kind{duoyun.KindBucket}, Kinds: kinds,
		Subscribed: []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk, duoyun.KindPublicIP, duoyun.KindCache}, Crowd: kinds, Now: s.clock, Pass: s.pass,
		Money: drivertest.Money{Quote: s.quote},
		Faults: drivertest.Faults{
			SellOut: s.soldOut, OverQuota: s.overQuota, Deny: func(k duoyun.Kind) func() { return s.Refuse(parts()[k].create, "CTIAM_1044") },
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

func TestSimulatedCtyunKeepsTheContract(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, simulate(t, ctyunfake.Options{MaxPage: 7, Replays: true}).harness())
}

// The vendor reads by POST too, so that a cloud that takes no request twice would fail every read where all arrive twice.
func TestTheContractHoldsWithPagesOfTwoWhereNoRequestMayComeTwice(t *testing.T) {
	t.Parallel()
	h := simulate(t, ctyunfake.Options{MaxPage: 2}).harness()
	h.Faults = drivertest.Faults{Duplicate: h.Faults.Duplicate}
	drivertest.Run(t, h)
}
