// Package simcloud is one simulated vendor cloud without a wire: regions, zones, accounts, quotas, capacity, and objects
// that take time to become what they shall be. A vendor's wire fake speaks that vendor's protocol over it; nothing here
// knows a protocol, an order or an agency.
//
// Objects are immutable once stored: a change stores a new version. What Get and List return may therefore be kept and
// read without a lock, and must not be written to. States move by the injected clock alone: nothing sleeps and there is
// no goroutine; what is due is done at the start of the next call.
package simcloud

import (
	"slices"
	"sync"
	"time"

	"github.com/duoyun/duoyun"
)

// Region is a vendor's region with its availability zones; the first zone is the default.
type Region struct {
	Name  string
	Zones []string
}

// Latency is how long objects take; zero is at once.
type Latency struct {
	Create time.Duration // from accepted to there
	Change time.Duration // start, stop, resize, attach, extend …
	Delete time.Duration // from accepted to gone
}

// Options of New; the zero value makes one region with unlimited capacity, generous quotas and no latency.
type Options struct {
	Name     string           // of the cloud; seeds the ids of its catalogue
	Regions  []Region         // default: RegionOne with the zone nova
	Clock    duoyun.Clock     // default time.Now
	Latency  Latency          // of every kind
	Kinds    map[Kind]Latency // exceptions
	Call     time.Duration    // what each wire call takes; the fake waits this long
	Quota    map[Item]int64   // of every account, over DefaultQuota; below zero is unlimited
	Capacity map[Item]int64   // of every zone: ItemVCPU, ItemRAMMiB, ItemDiskGiB; absent is unlimited
	Bare     bool             // no catalogue: no flavors, images, volume types, external network
}

// Cloud is one simulated vendor. It is safe for concurrent use.
type Cloud struct {
	name    string
	now     duoyun.Clock
	regions []Region

	mu sync.Mutex
	state
	moment   time.Time // see time
	latency  Latency
	special  map[Kind]Latency
	call     time.Duration
	quota    map[Item]int64
	capacity map[Item]int64
	stock    map[Kind]int
	rates    map[Meter]rate
	credit   map[Owner]duoyun.Amount
	journal  *journal
	fates    func(Kind) Fate // nil: everything comes to be
}

// state is what a snapshot holds, and what follows from it.
type state struct {
	kinds  []Kind // in the order of the tables, which a snapshot keeps
	byKind map[Kind]keeper
	tables
	seq      uint64
	due      dueHeap
	quotas   map[Owner]map[Item]int64
	used     map[Owner]map[Item]int64
	occupied map[Owner]map[Item]int64       // by region and zone
	taken    map[string]map[string]struct{} // addresses, by subnet
	cursor   map[string]string              // where the last address of a subnet was given
}

// tables hold the objects, a kind each.
type tables struct {
	flavors     *table[Flavor]
	images      *table[Image]
	volumeTypes *table[VolumeType]
	keyPairs    *table[KeyPair]
	networks    *table[Network]
	subnets     *table[Subnet]
	groups      *table[Group]
	rules       *table[GroupRule]
	ports       *table[Port]
	routers     *table[Router]
	floating    *table[FloatingIP]
	servers     *table[Server]
	runs        *table[Run]
	sales       *table[Sale]
	orders      *table[Order]
	volumes     *table[Volume]
	balancers   *table[Balancer]
	listeners   *table[Listener]
	pools       *table[Pool]
	members     *table[Member]
	monitors    *table[Monitor]
	buckets     *table[Bucket]
	blobs       *table[Blob]
	databases   *table[Database]
	caches      *table[Cache]
}

// New makes a cloud with its catalogue: flavors, images, volume types and an external network a region.
func New(o Options) *Cloud {
	c := &Cloud{
		name: o.Name, now: o.Clock, regions: o.Regions, latency: o.Latency, special: o.Kinds, call: o.Call,
		quota: merged(DefaultQuota(), o.Quota), capacity: o.Capacity, stock: map[Kind]int{}, rates: defaultRates(),
	}
	if c.now == nil {
		c.now = time.Now
	}
	if len(c.regions) == 0 {
		c.regions = []Region{{Name: "RegionOne", Zones: []string{"nova"}}}
	}
	c.clear()
	if !o.Bare {
		c.seed()
	}
	return c
}

// clear forgets every object.
func (c *Cloud) clear() {
	c.state = state{
		byKind: map[Kind]keeper{}, quotas: map[Owner]map[Item]int64{}, used: map[Owner]map[Item]int64{},
		occupied: map[Owner]map[Item]int64{}, taken: map[string]map[string]struct{}{}, cursor: map[string]string{},
	}
	c.flavors, c.images = open[Flavor](c, KindFlavor), open[Image](c, KindImage)
	c.volumeTypes, c.keyPairs = open[VolumeType](c, KindVolumeType), open[KeyPair](c, KindKeyPair)
	c.networks, c.subnets = open[Network](c, KindNetwork), open[Subnet](c, KindSubnet)
	c.groups, c.rules = open[Group](c, KindGroup), open[GroupRule](c, KindRule)
	c.ports, c.routers, c.floating = open[Port](c, KindPort), open[Router](c, KindRouter), open[FloatingIP](c, KindFloatingIP)
	c.servers, c.runs, c.volumes = open[Server](c, KindServer), open[Run](c, KindRun), open[Volume](c, KindVolume)
	c.balancers, c.listeners = open[Balancer](c, KindBalancer), open[Listener](c, KindListener)
	c.pools, c.members, c.monitors = open[Pool](c, KindPool), open[Member](c, KindMember), open[Monitor](c, KindMonitor)
	c.buckets, c.blobs = open[Bucket](c, KindBucket), open[Blob](c, KindBlob)
	c.databases, c.caches = open[Database](c, KindDatabase), open[Cache](c, KindCache)
	c.sales, c.orders = open[Sale](c, KindSale), open[Order](c, KindOrder)
	c.ports.watch = c.watchPort
}

// Regions lists the regions; the first is the default.
func (c *Cloud) Regions() []Region { return slices.Clone(c.regions) }

// Now is the cloud's clock.
func (c *Cloud) Now() time.Time { return c.now() }

// CallLatency is how long a wire call takes.
func (c *Cloud) CallLatency() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.call
}

// SetCallLatency changes how long a wire call takes.
func (c *Cloud) SetCallLatency(d time.Duration) { c.locked(func() { c.call = d }) }

// SetLatency changes how long objects of a kind take from now on; kind "" is every kind without an exception.
func (c *Cloud) SetLatency(kind Kind, l Latency) {
	c.locked(func() {
		if kind == "" {
			c.latency = l
			return
		}
		c.special = merged(c.special, map[Kind]Latency{kind: l})
	})
}

// SetListLag makes listings of a kind show the cloud as it was d ago: what is newer is missing, what is gone since is
// still there. Reads by id stay true.
func (c *Cloud) SetListLag(kind Kind, d time.Duration) {
	c.locked(func() { c.byKind[kind].setLag(d) })
}

func (c *Cloud) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle()
	f()
}

// within runs an operation that makes or changes one object, under the lock and after what is due was done.
func within[T any](c *Cloud, f func() (*T, error)) (*T, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle()
	return f()
}

func (c *Cloud) times(kind Kind) Latency {
	if l, ok := c.special[kind]; ok {
		return l
	}
	return c.latency
}

// zone checks a zone of a region; "" is the region's first.
func (c *Cloud) zone(region, zone string) (string, error) {
	for _, r := range c.regions {
		switch {
		case r.Name != region || len(r.Zones) == 0:
		case zone == "":
			return r.Zones[0], nil
		case slices.Contains(r.Zones, zone):
			return zone, nil
		}
	}
	return "", &Error{Reason: Invalid, Detail: "The requested availability zone is not available"}
}

// merged returns a with b's entries over it; neither is changed.
func merged[K comparable, V any](a, b map[K]V) map[K]V {
	out := make(map[K]V, len(a)+len(b))
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		out[k] = v
	}
	return out
}
