package simcloud

// Inventory is everything that accounts hold in the cloud; the vendor's own objects and the default security groups are
// not in it, so that what an account has given back altogether leaves it empty.
type Inventory struct {
	Servers   []*Server
	Volumes   []*Volume
	Networks  []*Network
	Subnets   []*Subnet
	Ports     []*Port
	Routers   []*Router
	Groups    []*Group
	Floating  []*FloatingIP
	Balancers []*Balancer
	Listeners []*Listener
	Pools     []*Pool
	Members   []*Member
	Monitors  []*Monitor
	Buckets   []*Bucket
	KeyPairs  []*KeyPair
	Databases []*Database
	Caches    []*Cache
}

// Counts is the number of objects of each kind.
func (i Inventory) Counts() map[Kind]int {
	return map[Kind]int{
		KindServer: len(i.Servers), KindVolume: len(i.Volumes), KindNetwork: len(i.Networks), KindSubnet: len(i.Subnets),
		KindPort: len(i.Ports), KindRouter: len(i.Routers), KindGroup: len(i.Groups), KindFloatingIP: len(i.Floating),
		KindBalancer: len(i.Balancers), KindListener: len(i.Listeners), KindPool: len(i.Pools), KindMember: len(i.Members),
		KindMonitor: len(i.Monitors), KindBucket: len(i.Buckets), KindKeyPair: len(i.KeyPairs),
		KindDatabase: len(i.Databases), KindCache: len(i.Caches),
	}
}

// Inventory shows what there is now, in the order of creation, whatever lag listings have.
func (c *Cloud) Inventory() (i Inventory) {
	c.locked(func() {
		i = Inventory{
			Servers: held(c.servers), Volumes: held(c.volumes), Networks: held(c.networks), Subnets: held(c.subnets),
			Ports: held(c.ports), Routers: held(c.routers), Floating: held(c.floating), Balancers: held(c.balancers),
			Listeners: held(c.listeners), Pools: held(c.pools), Members: held(c.members), Monitors: held(c.monitors),
			Buckets: held(c.buckets), KeyPairs: held(c.keyPairs), Databases: held(c.databases), Caches: held(c.caches),
		}
		for _, g := range held(c.groups) {
			if !g.Default {
				i.Groups = append(i.Groups, g)
			}
		}
	})
	return i
}

// held are the objects of a kind that an account has.
func held[T any](t *table[T]) []*T {
	out := make([]*T, 0, len(t.ids))
	for _, e := range t.lists[allKey] {
		if e.gone.IsZero() && t.as(e.obj).Self().Tenant != "" {
			out = append(out, e.obj)
		}
	}
	return out
}

// Servers counts the servers that exist.
func (c *Cloud) Servers() int { return len(c.Inventory().Servers) }

// Volumes counts the volumes that exist.
func (c *Cloud) Volumes() int { return len(c.Inventory().Volumes) }

// Networks counts the accounts' networks.
func (c *Cloud) Networks() int { return len(c.Inventory().Networks) }

// Balancers counts the load balancers.
func (c *Cloud) Balancers() int { return len(c.Inventory().Balancers) }

// Buckets counts the buckets.
func (c *Cloud) Buckets() int { return len(c.Inventory().Buckets) }
