package simcloud

import "slices"

// Balancer is a load balancer. While it is at work on itself or a part of it, none of them may be changed.
type Balancer struct {
	Object
	Purchase
	NetworkID string `json:"network_id"`
	SubnetID  string `json:"subnet_id"`
	PortID    string `json:"port_id"`
	OwnPort   bool   `json:"own_port"` // it made the port, and takes it along
	Address   string `json:"address"`
}

// Part is what every part of a balancer has.
type Part struct {
	Object
	BalancerID string `json:"balancer_id"`
}

// Listener takes connections on a port and hands them to a pool.
type Listener struct {
	Part
	Protocol string `json:"protocol"`
	Port     int    `json:"port"`
	PoolID   string `json:"pool_id,omitempty"`
}

// Pool spreads connections over its members.
type Pool struct {
	Part
	Protocol  string `json:"protocol"`
	Algorithm string `json:"algorithm"`
}

// Member is a server's address in a pool.
type Member struct {
	Part
	PoolID   string `json:"pool_id"`
	Address  string `json:"address"`
	Port     int    `json:"port"`
	SubnetID string `json:"subnet_id,omitempty"`
	Weight   int    `json:"weight"`
}

// Monitor watches a pool's members.
type Monitor struct {
	Part
	PoolID     string `json:"pool_id"`
	Type       string `json:"type"`
	Delay      int    `json:"delay"`   // s
	Timeout    int    `json:"timeout"` // s
	MaxRetries int    `json:"max_retries"`
	Path       string `json:"path,omitempty"`
}

func (*Balancer) in(c *Cloud) *table[Balancer] { return c.balancers }
func (*Listener) in(c *Cloud) *table[Listener] { return c.listeners }
func (*Pool) in(c *Cloud) *table[Pool]         { return c.pools }
func (*Member) in(c *Cloud) *table[Member]     { return c.members }
func (*Monitor) in(c *Cloud) *table[Monitor]   { return c.monitors }

func (b *Balancer) takes() []Take     { return []Take{{ItemBalancers, 1}} }
func (b *Balancer) bought() *Purchase { return &b.Purchase }
func (b *Balancer) uses() []Use       { return []Use{{MeterBalancer, "", 1}} }
func (b *Balancer) index() []string {
	return []string{Addressed(b.Address), Of(KindSubnet, b.SubnetID)}
}
func (l *Listener) takes() []Take { return []Take{{ItemListeners, 1}} }
func (p *Pool) takes() []Take     { return []Take{{ItemPools, 1}} }
func (m *Member) takes() []Take   { return []Take{{ItemMembers, 1}} }
func (m *Monitor) takes() []Take  { return []Take{{ItemMonitors, 1}} }

func (p *Part) part() *Part        { return p }
func (p *Part) index() []string    { return []string{Of(KindBalancer, p.BalancerID)} }
func (m *Member) index() []string  { return append(m.Part.index(), Of(KindPool, m.PoolID)) }
func (m *Monitor) index() []string { return append(m.Part.index(), Of(KindPool, m.PoolID)) }

// NounPart constrains the generic functions to the parts of a balancer.
type NounPart[T any] interface {
	Noun[T]
	part() *Part
}

// CreateBalancer makes a balancer whose VIP is on the port given, or on a new one in the subnet or network given.
func (c *Cloud) CreateBalancer(b Balancer) (*Balancer, error) {
	return within(c, func() (*Balancer, error) {
		if err := c.admit(KindBalancer, b.Owner, Take{ItemBalancers, 1}); err != nil {
			return nil, err
		}
		if err := c.place(KindBalancer, b.Region, b.Zone); err != nil {
			return nil, err
		}
		b.ID, b.State = newID(), Building
		p, err := c.vip(&b)
		if err != nil {
			return nil, err
		}
		b.PortID, b.NetworkID = p.ID, p.NetworkID
		if len(p.Fixed) > 0 {
			b.SubnetID, b.Address = p.Fixed[0].SubnetID, p.Fixed[0].Address
		}
		return put(c, &b), nil
	})
}

func (c *Cloud) vip(b *Balancer) (*Port, error) {
	if b.PortID != "" {
		return see[Port](c, b.Owner, b.PortID)
	}
	b.OwnPort = true
	return c.createPortIn(b.SubnetID, PortInput{
		Object:    Object{Owner: b.Owner, Name: "octavia-lb-" + b.ID},
		NetworkID: b.NetworkID, Address: b.Address, DeviceID: "lb-" + b.ID, DeviceOwner: "Octavia", Open: true, Owned: true,
	})
}

// CreatePart adds a part to a balancer, which must be Active.
func CreatePart[T any, P NounPart[T]](c *Cloud, obj *T) (*T, error) {
	return within(c, func() (*T, error) {
		p := P(obj).part()
		b, err := c.mutable(p.Owner, p.BalancerID)
		if err != nil {
			return nil, err
		}
		if err := c.fits(obj); err != nil {
			return nil, err
		}
		kind := P(nil).in(c).kind
		if err := c.admit(kind, p.Owner, P(obj).takes()...); err != nil {
			return nil, err
		}
		c.busyBalancer(b)
		p.State, p.Next = Building, Active
		return put[T, P](c, obj), nil
	})
}

// mutable finds a balancer that may be changed now.
func (c *Cloud) mutable(o Owner, id string) (*Balancer, error) {
	b, err := own[Balancer](c, o, id)
	if err == nil && b.State != Active {
		err = busy(KindBalancer, &b.Object)
	}
	return b, err
}

func (c *Cloud) busyBalancer(b *Balancer) { change[Balancer](c, b.ID, Updating, Active, nil) }

// fits checks what a new part refers to and whether its place is free.
func (c *Cloud) fits(part any) error {
	switch x := part.(type) {
	case *Listener:
		for _, l := range children(c.listeners, KindBalancer, x.BalancerID) {
			if l.Port == x.Port && (l.Protocol == "UDP") == (x.Protocol == "UDP") {
				return &Error{Reason: Exists, Kind: KindListener, ID: l.ID, Detail: "Another Listener on this Load Balancer is already using this protocol and protocol_port"}
			}
		}
		return c.hasPool(x.Owner, x.PoolID)
	case *Member:
		for _, m := range children(c.members, KindPool, x.PoolID) {
			if m.Address == x.Address && m.Port == x.Port {
				return &Error{Reason: Exists, Kind: KindMember, ID: m.ID, Detail: "Another member on this pool is already using ip " + x.Address + " on protocol_port"}
			}
		}
		return c.hasPool(x.Owner, x.PoolID)
	case *Monitor:
		if len(children(c.monitors, KindPool, x.PoolID)) > 0 {
			return &Error{Reason: Exists, Kind: KindMonitor, ID: x.PoolID, Detail: "This pool already has a health monitor"}
		}
		return c.hasPool(x.Owner, x.PoolID)
	}
	return nil
}

func (c *Cloud) hasPool(o Owner, id string) error {
	if id == "" {
		return nil
	}
	_, err := own[Pool](c, o, id)
	return err
}

// EditPart changes a part of a balancer, which must be Active.
func EditPart[T any, P NounPart[T]](c *Cloud, o Owner, id string, f func(*T)) (*T, error) {
	return within(c, func() (*T, error) {
		obj, err := own[T, P](c, o, id)
		if err != nil {
			return nil, err
		}
		b, err := c.mutable(o, P(obj).part().BalancerID)
		if err != nil {
			return nil, err
		}
		c.busyBalancer(b)
		return change[T, P](c, id, Updating, Active, f), nil
	})
}

// DeletePart removes a part of a balancer, which must be Active. A pool takes its members and monitor along.
func DeletePart[T any, P NounPart[T]](c *Cloud, o Owner, id string) error {
	_, err := within(c, func() (*T, error) {
		obj, err := own[T, P](c, o, id)
		if err != nil {
			return nil, err
		}
		b, err := c.mutable(o, P(obj).part().BalancerID)
		if err != nil {
			return nil, err
		}
		c.busyBalancer(b)
		return vanish[T, P](c, obj), nil
	})
	return err
}

func (p *Pool) leave(c *Cloud) {
	for _, m := range children(c.members, KindPool, p.ID) {
		drop[Member](c, m.ID)
	}
	for _, m := range children(c.monitors, KindPool, p.ID) {
		drop[Monitor](c, m.ID)
	}
	for _, l := range children(c.listeners, KindBalancer, p.BalancerID) {
		if l.PoolID == p.ID {
			edit(c, l.ID, func(l *Listener) { l.PoolID = "" })
		}
	}
}

// EditBalancer changes a balancer's descriptive fields; it must be Active.
func (c *Cloud) EditBalancer(o Owner, id string, f func(*Balancer)) (*Balancer, error) {
	return within(c, func() (*Balancer, error) {
		if _, err := c.mutable(o, id); err != nil {
			return nil, err
		}
		return change(c, id, Updating, Active, f), nil
	})
}

// DeleteBalancer removes a balancer that is Active or Failed; with parts only where cascade.
func (c *Cloud) DeleteBalancer(o Owner, id string, cascade bool) error {
	_, err := within(c, func() (*Balancer, error) {
		b, err := own[Balancer](c, o, id)
		switch {
		case err != nil:
			return nil, err
		case !slices.Contains([]State{Active, Failed}, b.State):
			return nil, busy(KindBalancer, &b.Object)
		case !cascade && len(children(c.listeners, KindBalancer, id))+len(children(c.pools, KindBalancer, id)) > 0:
			return nil, inUse(KindBalancer, id, "it has children")
		}
		return vanish(c, b), nil
	})
	return err
}

// leave takes a balancer's parts and its own port along.
func (b *Balancer) leave(c *Cloud) {
	for _, l := range children(c.listeners, KindBalancer, b.ID) {
		drop[Listener](c, l.ID)
	}
	for _, p := range children(c.pools, KindBalancer, b.ID) {
		drop[Pool](c, p.ID)
	}
	if b.OwnPort {
		drop[Port](c, b.PortID)
	}
}

// ReplaceMembers makes a pool's members those wanted, as one change of its balancer: what is there by address and port
// stays and takes the new weight, what is not wanted goes unless additive.
func (c *Cloud) ReplaceMembers(o Owner, poolID string, wanted []*Member, additive bool) error {
	_, err := within(c, func() (*Pool, error) {
		p, err := own[Pool](c, o, poolID)
		if err != nil {
			return nil, err
		}
		b, err := c.mutable(o, p.BalancerID)
		if err != nil {
			return nil, err
		}
		if err := c.admit(KindMember, o, Take{ItemMembers, int64(len(wanted))}); err != nil {
			return nil, err
		}
		c.busyBalancer(b)
		have := children(c.members, KindPool, poolID)
		for _, m := range have {
			if !additive && !slices.ContainsFunc(wanted, m.samePlace) {
				vanish(c, m)
			}
		}
		for _, w := range wanted {
			i := slices.IndexFunc(have, w.samePlace)
			if i < 0 {
				w.State, w.Next = Building, Active
				put(c, w)
				continue
			}
			change(c, have[i].ID, Updating, Active, func(m *Member) { m.Weight = w.Weight })
		}
		return p, nil
	})
	return err
}

func (m *Member) samePlace(o *Member) bool { return m.Address == o.Address && m.Port == o.Port }
