// Package drivertest is the one conformance suite of vendors' drivers. A vendor's test is one call of Run: against its
// wire fake, and against a real cloud where there is one. It acts as the purchase protocol does: plan, run one step, look
// until its effect is there, go on.
//
// What a harness leaves out is not tested. Beside the kinds, a driver shows its worth by Subscribed (terms 包年包月), Crowd
// (sixteen at once, found on three pages), Pass with Money (quotes, bills and balances to the last digit; metrics) and every
// fault that its wire fake can play. Whatever is said in a run is searched for the account's secret and for the login
// that databases and caches are made with.
package drivertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// Harness plugs one cloud into the suite. The account must be empty of the suite's own marks; strangers may be in it.
type Harness struct {
	Open    driver.Opener
	Account driver.Account
	Kinds   []duoyun.Kind // kinds this cloud must offer; what else it offers is exercised too
	Samples Samples

	// Wait lets the cloud go on between two looks: it advances the fake's clock, or waits on a real cloud. nil: the
	// cloud acts at once.
	Wait func(ctx context.Context)
	// Looks is how many times the suite looks for an effect before it fails; 0: 200.
	Looks int
	// NaturalKeys are the kinds whose creation is looked for without a listing, so that a sentinel has no part in it.
	NaturalKeys []duoyun.Kind
	// Subscribed are the kinds that this cloud sells for terms of months.
	Subscribed []duoyun.Kind
	// Crowd are the kinds of which sixteen are bought at once; a small real cloud has no room for it. A wire fake shows at
	// most seven a page, of bills too, so that a crowd is found on three.
	Crowd []duoyun.Kind
	// Now is the cloud's clock; nil: time.Now.
	Now func() time.Time
	// Pass moves the cloud's clock on. nil: it is real, and what takes hours to show is left out.
	Pass  func(time.Duration)
	Money Money
	// Faults spoil calls. A nil func is a fault this cloud cannot play, and its tests are left out.
	Faults Faults
}

// Money is what the cloud itself says of prices and charges, by which the driver's answers are judged; a nil func leaves
// its test out.
type Money struct {
	// Quote is the price of a creation: of an hour where Months is 0, of the whole term otherwise; false: the cloud does not
	// sell it so.
	Quote func(driver.Change) (duoyun.Amount, bool)
	// Bill is what a resource was charged in a month.
	Bill func(vendorID string, m duoyun.Month) duoyun.Amount
	// Balance is what the account may still spend.
	Balance func() duoyun.Amount
}

// Faults spoil the next creation of a kind's main part: the one wire call of that step, nothing before it. Each returns
// what ends the fault.
type Faults struct {
	LoseRequest  func(duoyun.Kind) func() // the connection breaks and nothing was done
	LoseAnswer   func(duoyun.Kind) func() // it is done, and the connection breaks
	HoldAnswer   func(duoyun.Kind) func() // it is done, and the answer comes after Patience
	Throttle     func(duoyun.Kind) func() // refused for coming too fast
	SellOut      func(duoyun.Kind) func() // refused, since the vendor has none left
	OverQuota    func(duoyun.Kind) func() // refused by the account's quota
	Deny         func(duoyun.Kind) func() // refused, since the credentials may not do it
	Fail         func(duoyun.Kind) func() // 5xx or what the vendor has like it, after it was done
	Duplicate    func(duoyun.Kind) func() // it arrives twice; the second answer is given
	DuplicateAll func() func()            // every mutation arrives twice; the second answer is given
	CutAnswer    func(duoyun.Kind) func() // it is done, and the connection breaks in the middle of the answer
	Mistype      func(duoyun.Kind) func() // it is done, and the answer is of another type than was promised
	StaleLists   func(duoyun.Kind) func() // from the second listing of the kind on, all show what the first showed
	HollowLists  func(duoyun.Kind) func() // listings of the kind are answered with nothing in them
	Revoke       func()                   // every login so far has become invalid
	Patience     time.Duration            // deadline of the call whose answer is held
}

// Samples are the specs the suite buys; a zero field is DefaultSamples'.
type Samples struct {
	Server, ResizedServer duoyun.ServerSpec
	Disk, GrownDisk       duoyun.DiskSpec
	Network               duoyun.NetworkSpec
	LoadBalancer          duoyun.LoadBalancerSpec
	PublicIP              duoyun.PublicIPSpec
	Bucket, GrownBucket   duoyun.BucketSpec
	Database              duoyun.DatabaseSpec
	GrownDatabase         duoyun.DatabaseSpec // more storage, the rest as it was
	ResizedDatabase       duoyun.DatabaseSpec // GrownDatabase with more processors and memory
	Cache, ResizedCache   duoyun.CacheSpec
	Zone                  string
}

// DefaultSamples are small.
func DefaultSamples() Samples {
	server := duoyun.ServerSpec{VCPU: 1, RAMGiB: 2, SystemDiskGiB: 40, Image: "kylin-v10", Ports: []int{22, 443}}
	resized := server
	resized.VCPU, resized.RAMGiB = 2, 4
	database := duoyun.DatabaseSpec{Engine: duoyun.EngineMySQL, Version: "8.0", VCPU: 2, RAMGiB: 4, StorageGiB: 40, Standby: true}
	grown := database
	grown.StorageGiB = 60
	larger := grown
	larger.VCPU, larger.RAMGiB = 4, 8
	return Samples{Server: server, ResizedServer: resized,
		Disk: duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}, GrownDisk: duoyun.DiskSpec{SizeGiB: 12, Class: "ssd"},
		Network: duoyun.NetworkSpec{CIDR: "10.199.7.0/24"}, LoadBalancer: duoyun.LoadBalancerSpec{Port: 443, MemberPort: 8443},
		PublicIP: duoyun.PublicIPSpec{BandwidthMbps: 5}, Bucket: duoyun.BucketSpec{SizeGiB: 1, Class: "standard"},
		GrownBucket: duoyun.BucketSpec{SizeGiB: 2, Class: "standard"}, Zone: duoyun.ZoneExtranetPublic,
		Database: database, GrownDatabase: grown, ResizedDatabase: larger,
		Cache: duoyun.CacheSpec{Version: "7.0", MemoryGiB: 1}, ResizedCache: duoyun.CacheSpec{Version: "7.0", MemoryGiB: 2}}
}

func (s Samples) filled() Samples {
	d := DefaultSamples()
	if s.Server.VCPU == 0 {
		s.Server, s.ResizedServer = d.Server, d.ResizedServer
	}
	if s.Disk.SizeGiB == 0 {
		s.Disk, s.GrownDisk = d.Disk, d.GrownDisk
	}
	if s.Network.CIDR == "" {
		s.Network = d.Network
	}
	if s.LoadBalancer.Port == 0 {
		s.LoadBalancer = d.LoadBalancer
	}
	if s.PublicIP.BandwidthMbps == 0 {
		s.PublicIP = d.PublicIP
	}
	if s.Bucket.SizeGiB == 0 {
		s.Bucket, s.GrownBucket = d.Bucket, d.GrownBucket
	}
	if s.Database.VCPU == 0 {
		s.Database, s.GrownDatabase, s.ResizedDatabase = d.Database, d.GrownDatabase, d.ResizedDatabase
	}
	if s.Cache.MemoryGiB == 0 {
		s.Cache, s.ResizedCache = d.Cache, d.ResizedCache
	}
	if s.Zone == "" {
		s.Zone = d.Zone
	}
	return s
}

// Run holds a driver to its contract. Its subtests share one account and run one after another.
func Run(t *testing.T, h Harness) {
	h.Samples = h.Samples.filled()
	if h.Looks == 0 {
		h.Looks = 200
	}
	w := open(t, h)
	t.Run("capabilities are stated", w.capabilities)
	t.Run("bad credentials are an auth error", w.badCredentials)
	for _, k := range duoyun.Kinds() {
		if w.offered(k) {
			t.Run("an unknown id of a "+string(k)+" is not found", func(t *testing.T) { w.unknownID(t, k) })
		}
	}
	for _, k := range inOrder() {
		if w.offered(k) {
			t.Run(string(k), func(t *testing.T) { w.exercise(t, k) })
		}
	}
	for _, k := range w.h.Subscribed {
		t.Run(string(k)+": a subscription is bought, renewed and given back", func(t *testing.T) { w.subscription(t, k) })
	}
	for _, k := range w.h.Crowd {
		t.Run(string(k)+": sixteen bought at once are sixteen, on every page of the listing", func(t *testing.T) { w.crowd(t, k) })
	}
	t.Run("an unknown image is refused", w.unknownImage)
	t.Run("a cancelled mutation is never said to be refused by the vendor", w.cancelled)
	t.Run("optional capabilities answer", w.optional)
	w.spoiled(t)
	t.Run("nothing is left behind", w.leftBehind)
	t.Run("no secret was told", w.secretive)
}

// inOrder is the order of exercise: parents first, so that a broken parent is told before its children.
func inOrder() []duoyun.Kind {
	return []duoyun.Kind{duoyun.KindNetwork, duoyun.KindBucket, duoyun.KindAddress, duoyun.KindDatabase, duoyun.KindCache,
		duoyun.KindServer, duoyun.KindDisk, duoyun.KindLoadBalancer, duoyun.KindPublicIP}
}

func (w *world) capabilities(t *testing.T) {
	c := w.cloud.Capabilities()
	if c.Driver == "" || c.CallTimeout <= 0 || c.Settling < 0 {
		t.Errorf("capabilities say too little: %+v", c)
	}
	for _, k := range w.h.Kinds {
		if !w.offered(k) {
			t.Errorf("%s is not offered", k)
		}
	}
	if code := w.cloud.Code(nil); code != driver.OK {
		t.Errorf("no error has code %q", code)
	}
	if code := w.cloud.Code(errors.New("what the vendor never said")); code != driver.InDoubt {
		t.Errorf("an unknown error has code %q, want in_doubt", code)
	}
}

// wrongSecret is no account's.
const wrongSecret = "not the secret of anybody"

// badCredentials: the error may come from the opener or from the first call.
func (w *world) badCredentials(t *testing.T) {
	a := w.h.Account
	a.Secret = driver.NewSecret(wrongSecret)
	c, err := w.h.Open(t.Context(), a)
	if err == nil {
		for _, k := range inOrder() {
			if r, ok := c.Kind(k); ok {
				_, err = r.List(t.Context(), "")
				break
			}
		}
	}
	w.cloud.hear(err)
	if err == nil {
		t.Fatal("wrong credentials were taken")
	}
	code := w.cloud.Code(err)
	var known driver.Coded
	if errors.As(err, &known) {
		code = known.DriverCode()
	}
	if code != driver.Auth {
		t.Errorf("wrong credentials have code %q: %v", code, err)
	}
}

func (w *world) unknownID(t *testing.T, k duoyun.Kind) {
	_, err := w.resource(k).Observe(t.Context(), w.strangerID(k))
	if code := w.cloud.Code(err); code != driver.NotFound {
		t.Errorf("code %q: %v", code, err)
	}
}
