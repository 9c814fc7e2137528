package simcloud

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Network is a private network, or the vendor's External one.
type Network struct {
	Object
	External bool         `json:"external,omitempty"`
	CIDR     netip.Prefix `json:"cidr,omitzero"` // of a VPC: its subnets lie within
}

// Subnet is a range of addresses of a network.
type Subnet struct {
	Object
	NetworkID string       `json:"network_id"`
	CIDR      netip.Prefix `json:"cidr"`
	Gateway   netip.Addr   `json:"gateway,omitzero"`
	DHCP      bool         `json:"dhcp"`
	DNS       []string     `json:"dns,omitempty"`
	Ranges    []Range      `json:"ranges,omitempty"` // none: all but network, gateway and broadcast
	External  bool         `json:"external,omitempty"`
}

// Range is a span of addresses, both ends included.
type Range struct{ Start, End netip.Addr }

func (*Network) in(c *Cloud) *table[Network] { return c.networks }
func (*Subnet) in(c *Cloud) *table[Subnet]   { return c.subnets }

func (n *Network) takes() []Take  { return []Take{{ItemNetworks, 1}} }
func (s *Subnet) takes() []Take   { return []Take{{ItemSubnets, 1}} }
func (s *Subnet) index() []string { return []string{Of(KindNetwork, s.NetworkID)} }

// CreateNetwork makes a private network.
func (c *Cloud) CreateNetwork(o Object) (*Network, error) {
	return within(c, func() (*Network, error) {
		if err := c.admit(KindNetwork, o.Owner, Take{ItemNetworks, 1}); err != nil {
			return nil, err
		}
		return put(c, &Network{Object: o}), nil
	})
}

// DeleteNetwork removes a network without ports, and its subnets.
func (c *Cloud) DeleteNetwork(o Owner, id string) error {
	_, err := within(c, func() (*Network, error) {
		n, err := own[Network](c, o, id)
		switch {
		case err != nil:
			return nil, err
		case len(children(c.ports, KindNetwork, id)) > 0:
			return nil, inUse(KindNetwork, id, "There are one or more ports still in use on the network.")
		}
		for _, s := range children(c.subnets, KindNetwork, id) {
			drop[Subnet](c, s.ID)
		}
		drop[Network](c, id)
		return n, nil
	})
	return err
}

// CreateSubnet gives a network a range that overlaps none of its others.
func (c *Cloud) CreateSubnet(s Subnet) (*Subnet, error) {
	return within(c, func() (*Subnet, error) {
		n, err := own[Network](c, s.Owner, s.NetworkID)
		if err != nil {
			return nil, err
		}
		if !s.CIDR.IsValid() || s.CIDR != s.CIDR.Masked() {
			return nil, invalid(KindSubnet, "'%s' isn't a recognized IP subnet cidr.", s.CIDR)
		}
		if n.CIDR.IsValid() && (!n.CIDR.Contains(s.CIDR.Addr()) || s.CIDR.Bits() < n.CIDR.Bits()) {
			return nil, invalid(KindSubnet, "%s does not lie within %s of network %s.", s.CIDR, n.CIDR, n.ID)
		}
		for _, other := range children(c.subnets, KindNetwork, s.NetworkID) {
			if other.CIDR.Overlaps(s.CIDR) {
				return nil, invalid(KindSubnet, "Requested subnet with cidr: %s for network: %s overlaps with another subnet.", s.CIDR, s.NetworkID)
			}
		}
		if err := c.admit(KindSubnet, s.Owner, Take{ItemSubnets, 1}); err != nil {
			return nil, err
		}
		return put(c, &s), nil
	})
}

// DeleteSubnet removes a subnet from which no port has an address.
func (c *Cloud) DeleteSubnet(o Owner, id string) error {
	_, err := within(c, func() (*Subnet, error) {
		s, err := own[Subnet](c, o, id)
		switch {
		case err != nil:
			return nil, err
		case len(c.taken[id]) > 0:
			return nil, inUse(KindSubnet, id, "One or more ports have an IP allocation from this subnet.")
		}
		drop[Subnet](c, id)
		return s, nil
	})
	return err
}

// own is see without what is merely shared.
func own[T any, P Noun[T]](c *Cloud, o Owner, id string) (*T, error) {
	obj, err := see[T, P](c, o, id)
	if err == nil && o != (Owner{}) && P(obj).Self().Owner != o {
		return nil, missing(P(nil).in(c).kind, id)
	}
	return obj, err
}

// children are what belongs to an object of a kind.
func children[T any](t *table[T], of Kind, id string) []*T {
	l := t.lists[Of(of, id)]
	out := make([]*T, 0, len(l))
	for _, e := range l {
		if e.gone.IsZero() {
			out = append(out, e.obj)
		}
	}
	return out
}

// Pools are the ranges a subnet gives addresses from.
func (s *Subnet) Pools() []Range {
	if len(s.Ranges) > 0 {
		return s.Ranges
	}
	first, last := s.CIDR.Addr().Next(), lastOf(s.CIDR)
	if s.CIDR.Addr().Is4() && s.CIDR.Bits() < 31 {
		last = last.Prev()
	}
	switch {
	case s.Gateway == first:
		return []Range{{first.Next(), last}}
	case s.Gateway == last:
		return []Range{{first, last.Prev()}}
	case s.Gateway.IsValid() && s.CIDR.Contains(s.Gateway):
		return []Range{{first, s.Gateway.Prev()}, {s.Gateway.Next(), last}}
	}
	return []Range{{first, last}}
}

// lastOf is the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().As16()
	host := 128 - p.Bits()
	if p.Addr().Is4() {
		host = 32 - p.Bits()
	}
	for i := 15; host > 0; i, host = i-1, host-8 {
		b[i] |= byte(1<<min(host, 8) - 1)
	}
	if p.Addr().Is4() {
		return netip.AddrFrom4([4]byte(b[12:]))
	}
	return netip.AddrFrom16(b)
}

// allocate takes a free address of a subnet, or the one wanted. It goes on where it last was, so that a subnet fills
// without being searched from its start each time.
func (c *Cloud) allocate(s *Subnet, want string) (string, error) {
	if want != "" {
		a, err := netip.ParseAddr(want)
		if err != nil || !s.CIDR.Contains(a) {
			return "", invalid(KindPort, "IP address %s is not a valid IP for the specified subnet.", want)
		}
		if _, used := c.taken[s.ID][a.String()]; used {
			return "", &Error{Reason: Exists, Kind: KindPort, Detail: "IP address " + want + " already allocated in subnet " + s.ID}
		}
		return a.String(), nil
	}
	last, _ := netip.ParseAddr(c.cursor[s.ID])
	pools := s.Pools()
	for _, from := range []netip.Addr{last, {}} {
		for _, p := range pools {
			if a, ok := c.firstFree(s.ID, p, from); ok {
				c.cursor[s.ID] = a.String()
				return a.String(), nil
			}
		}
	}
	return "", &Error{Reason: SoldOut, Kind: KindPort, ID: s.NetworkID, Detail: "No more IP addresses available on network " + s.NetworkID + "."}
}

// firstFree is the first free address of a range after from.
func (c *Cloud) firstFree(subnetID string, p Range, from netip.Addr) (netip.Addr, bool) {
	a := p.Start
	if from.IsValid() && from.Compare(p.Start) >= 0 {
		a = from.Next()
	}
	for ; a.IsValid() && a.Compare(p.End) <= 0; a = a.Next() {
		if _, used := c.taken[subnetID][a.String()]; !used {
			return a, true
		}
	}
	return a, false
}

// watchPort keeps the addresses that ports have taken.
func (c *Cloud) watchPort(before, after *Port) {
	if before != nil && after != nil && slices.Equal(before.Fixed, after.Fixed) {
		return
	}
	if before != nil {
		for _, f := range before.Fixed {
			delete(c.taken[f.SubnetID], f.Address)
		}
	}
	if after == nil {
		return
	}
	for _, f := range after.Fixed {
		if c.taken[f.SubnetID] == nil {
			c.taken[f.SubnetID] = map[string]struct{}{}
		}
		c.taken[f.SubnetID][f.Address] = struct{}{}
	}
}

// mac makes a hardware address out of a number, in the range OpenStack and others use.
func mac(n uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], n)
	const hex = "0123456789abcdef"
	out := []byte("fa:16:3e")
	for _, x := range b[5:] {
		out = append(out, ':', hex[x>>4], hex[x&15])
	}
	return string(out)
}
