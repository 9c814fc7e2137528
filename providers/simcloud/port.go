package simcloud

import "slices"

// Port is a place on a network, with addresses.
type Port struct {
	Object
	NetworkID   string    `json:"network_id"`
	MAC         string    `json:"mac"`
	Fixed       []FixedIP `json:"fixed,omitempty"`
	DeviceID    string    `json:"device_id,omitempty"`
	DeviceOwner string    `json:"device_owner,omitempty"`
	GroupIDs    []string  `json:"group_ids,omitempty"`
	Owned       bool      `json:"owned,omitempty"` // its device made it, and takes it along
}

// FixedIP is an address of a subnet.
type FixedIP struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"address"`
}

// PortInput is what CreatePort takes. Without Fixed it gets one address of the network's first subnet, Address if given.
// Without GroupIDs it gets the account's default group, unless Open.
type PortInput struct {
	Object
	NetworkID   string
	Address     string
	Fixed       []FixedIP // Address "": any of the subnet; SubnetID "": that of the address
	DeviceID    string
	DeviceOwner string
	GroupIDs    []string
	Open        bool
	Owned       bool
	system      bool // the vendor's own use: on any network, beside any quota
}

func (*Port) in(c *Cloud) *table[Port] { return c.ports }

func (p *Port) takes() []Take { return []Take{{ItemPorts, 1}} }

func (p *Port) index() []string {
	out := []string{Of(KindNetwork, p.NetworkID)}
	if p.DeviceID != "" {
		out = append(out, Of(KindServer, p.DeviceID))
	}
	if p.DeviceOwner == RouterInterface {
		out = append(out, Of(KindRouter, p.NetworkID))
	}
	for _, g := range p.GroupIDs {
		out = append(out, Of(KindGroup, g))
	}
	for _, f := range p.Fixed {
		out = append(out, Addressed(f.Address))
	}
	return out
}

// Addressed is the index key of an address of a port, a load balancer's VIP or a floating IP.
func Addressed(address string) string { return "address:" + address }

// CreatePort makes a port and gives it addresses.
func (c *Cloud) CreatePort(in PortInput) (*Port, error) {
	return within(c, func() (*Port, error) { return c.createPort(in) })
}

// createPortIn makes a port with an address of a subnet, in.Address if given; subnet "" leaves it to in.
func (c *Cloud) createPortIn(subnet string, in PortInput) (*Port, error) {
	if subnet != "" {
		s, err := see[Subnet](c, in.Owner, subnet)
		if err != nil {
			return nil, err
		}
		in.NetworkID, in.Fixed = s.NetworkID, []FixedIP{{s.ID, in.Address}}
	}
	return c.createPort(in)
}

func (c *Cloud) createPort(in PortInput) (*Port, error) {
	who := in.Owner
	if in.system {
		who = Owner{}
	} else if err := c.admit(KindPort, in.Owner, Take{ItemPorts, 1}); err != nil {
		return nil, err
	}
	n, err := see[Network](c, who, in.NetworkID)
	if err != nil {
		return nil, err
	}
	groups, err := c.portGroups(in)
	if err != nil {
		return nil, err
	}
	fixed, err := c.fixedIPs(n, in)
	if err != nil {
		return nil, err
	}
	return put(c, &Port{
		Object: in.Object, NetworkID: n.ID, MAC: mac(c.seq), Fixed: fixed,
		DeviceID: in.DeviceID, DeviceOwner: in.DeviceOwner, GroupIDs: groups, Owned: in.Owned,
	}), nil
}

func (c *Cloud) portGroups(in PortInput) ([]string, error) {
	switch {
	case in.system, in.Open:
		return nil, nil
	case len(in.GroupIDs) == 0:
		return []string{c.defaultGroup(in.Owner).ID}, nil
	}
	for _, id := range in.GroupIDs {
		if _, err := see[Group](c, in.Owner, id); err != nil {
			return nil, err
		}
	}
	return slices.Clone(in.GroupIDs), nil
}

// fixedIPs allocates what a new port asks for; a network without subnets gives none.
func (c *Cloud) fixedIPs(n *Network, in PortInput) ([]FixedIP, error) {
	subnets := children(c.subnets, KindNetwork, n.ID)
	wanted := in.Fixed
	if len(wanted) == 0 {
		if len(subnets) == 0 && in.Address == "" {
			return nil, nil
		}
		wanted = []FixedIP{{Address: in.Address}}
	}
	out := make([]FixedIP, 0, len(wanted))
	for _, w := range wanted {
		got, err := c.fixedIP(n, subnets, w)
		if err != nil {
			return nil, err
		}
		out = append(out, got)
	}
	return out, nil
}

// fixedIP allocates one address: of the subnet named, of the one that holds the address, or of the first with room.
func (c *Cloud) fixedIP(n *Network, subnets []*Subnet, w FixedIP) (FixedIP, error) {
	err := error(invalid(KindPort, "Invalid input for operation: no subnet of network %s serves the fixed IP %s.", n.ID, w.Address))
	for _, s := range subnets {
		if w.SubnetID != "" && w.SubnetID != s.ID {
			continue
		}
		a, e := c.allocate(s, w.Address)
		if e == nil {
			return FixedIP{s.ID, a}, nil
		}
		err = e
	}
	return FixedIP{}, err
}

// DeletePort removes a port that no router or balancer owns; a server loses it.
func (c *Cloud) DeletePort(o Owner, id string) error {
	_, err := within(c, func() (*Port, error) {
		p, err := own[Port](c, o, id)
		if err != nil {
			return nil, err
		}
		switch p.DeviceOwner {
		case RouterInterface, RouterGateway, FloatingOwner:
			return nil, inUse(KindPort, id, "Port "+id+" cannot be deleted directly via the port API: has device owner "+p.DeviceOwner+".")
		}
		if s := c.servers.get(p.DeviceID); s != nil {
			edit(c, s.ID, func(s *Server) { s.PortIDs = without(s.PortIDs, id) })
		}
		drop[Port](c, id)
		return p, nil
	})
	return err
}

// EditPort changes a port's groups, device and descriptive fields.
func (c *Cloud) EditPort(o Owner, id string, f func(*Port) error) (*Port, error) {
	return within(c, func() (*Port, error) {
		p, err := own[Port](c, o, id)
		if err != nil {
			return nil, err
		}
		changed := *p
		if err := f(&changed); err != nil {
			return nil, err
		}
		for _, g := range changed.GroupIDs {
			if _, err := see[Group](c, o, g); err != nil {
				return nil, err
			}
		}
		return edit(c, id, func(p *Port) { *p = changed; p.Updated = c.time() }), nil
	})
}

// leave takes a port's floating IP off it.
func (p *Port) leave(c *Cloud) {
	for _, f := range children(c.floating, KindPort, p.ID) {
		edit(c, f.ID, (*FloatingIP).release)
	}
}
