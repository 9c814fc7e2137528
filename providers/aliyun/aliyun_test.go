package aliyun_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aliyun"
	"github.com/duoyun/duoyun/providers/aliyun/aliyunfake"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
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
	kind := map[duoyun.Kind]simcloud.Kind{duoyun.KindNetwork: simcloud.KindNetwork, duoyun.KindServer: simcloud.KindServer, duoyun.KindDisk: simcloud.KindVolume,
		duoyun.KindPublicIP: simcloud.KindFloatingIP, duoyun.KindLoadBalancer: simcloud.KindBalancer, duoyun.KindDatabase: simcloud.KindDatabase,
		duoyun.KindCache: simcloud.KindCache}[k]
	s.sim.SetListLag(kind, time.Hour)
	return func() { s.sim.SetListLag(kind, 0) }
}

// own is a cloud whose changes have tokens of their own, as the broker makes them: the suite's are the unit's, and a vendor
// that keeps tokens would take a second change for the first.
type own struct{ driver.Cloud }

func (o own) Unwrap() driver.Cloud { return o.Cloud }

func (o own) Kind(k duoyun.Kind) (driver.Resource, bool) {
	r, ok := o.Cloud.Kind(k)
	if t, is := r.(*table.Kind); is {
		return ownKind{t}, ok
	}
	return nil, false
}

type ownKind struct{ *table.Kind }

func (k ownKind) Run(ctx context.Context, c driver.Call) (driver.Reply, error) {
	if c.Op != duoyun.OpCreate {
		sum := sha256.Sum256(fmt.Append(nil, c.Op, duoyun.EncodeSpec(c.Before), duoyun.EncodeSpec(c.After), c.Token, c.PaidUntil))
		c.Token = hex.EncodeToString(sum[:16])
	}
	return k.Kind.Run(ctx, c)
}

func open(ctx context.Context, a driver.Account) (driver.Cloud, error) {
	c, err := aliyun.Open(ctx, a)
	if err != nil {
		return nil, err
	}
	return own{c}, nil
}

func (s *simulated) harness() drivertest.Harness {
	return drivertest.Harness{Open: open, Account: s.account(), Wait: s.advance, NaturalKeys: []duoyun.Kind{duoyun.KindBucket},
		Kinds: []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk, duoyun.KindNetwork, duoyun.KindLoadBalancer, duoyun.KindPublicIP, duoyun.KindBucket},
		Faults: drivertest.Faults{
			LoseRequest: s.fault(func(r *simcloud.Rule) { r.Drop = true }),
			LoseAnswer:  s.fault(func(r *simcloud.Rule) { r.Drop, r.When = true, simcloud.After }),
			HoldAnswer:  s.fault(func(r *simcloud.Rule) { r.Delay, r.When = 2*time.Second, simcloud.After }),
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
			Patience:    500 * time.Millisecond}} // Revoke: a key pair is no login that expires
}

func TestSimulatedAlibabaCloudKeepsTheContract(t *testing.T) {
	t.Parallel()
	drivertest.Run(t, simulate(t, aliyunfake.Options{}).harness())
}

func TestTheContractHoldsWithPagesOfTwo(t *testing.T) {
	t.Parallel()
	h := simulate(t, aliyunfake.Options{MaxPage: 2}).harness()
	h.Faults = drivertest.Faults{}
	drivertest.Run(t, h)
}
