package simcloud

// FloatingIP is an address of the external network that may stand for a port's: through a router that joins both, or,
// where it is bound, without one.
type FloatingIP struct {
	Object
	Purchase
	NetworkID     string `json:"network_id"`
	Address       string `json:"address"`
	BandwidthMbps int64  `json:"bandwidth_mbps,omitempty"` // 0: the vendor sells none
	PoolPort      string `json:"pool_port"`                // the port that holds the address
	PortID        string `json:"port_id,omitempty"`
	FixedIP       string `json:"fixed_ip,omitempty"`
	RouterID      string `json:"router_id,omitempty"`
	TargetKind    Kind   `json:"target_kind,omitempty"` // what it is bound to
	TargetID      string `json:"target_id,omitempty"`
}

// FloatingInput is what AllocateFloatingIP takes.
type FloatingInput struct {
	Object
	Purchase
	NetworkID     string // "": the external network of the region
	BandwidthMbps int64
}

func (*FloatingIP) in(c *Cloud) *table[FloatingIP] { return c.floating }

func (f *FloatingIP) takes() []Take     { return []Take{{ItemFloating, 1}} }
func (f *FloatingIP) bought() *Purchase { return &f.Purchase }

func (f *FloatingIP) uses() []Use {
	if f.BandwidthMbps == 0 {
		return []Use{{MeterFloatingIP, "", 1}}
	}
	return []Use{{MeterFloatingIP, "", 1}, {MeterBandwidth, "", f.BandwidthMbps}}
}

func (f *FloatingIP) index() []string {
	out := []string{Of(KindNetwork, f.NetworkID), Addressed(f.Address)}
	if f.PortID != "" {
		out = append(out, Of(KindPort, f.PortID))
	}
	if f.TargetID != "" && f.TargetID != f.PortID {
		out = append(out, Of(f.TargetKind, f.TargetID))
	}
	return out
}

// release lets go of the port.
func (f *FloatingIP) release() {
	f.PortID, f.FixedIP, f.RouterID, f.TargetKind, f.TargetID = "", "", "", "", ""
}

// CreateFloatingIP takes an address of an external network, for a port where portID is given.
func (c *Cloud) CreateFloatingIP(o Object, network, portID, fixedIP string) (*FloatingIP, error) {
	return within(c, func() (*FloatingIP, error) {
		return c.createFloating(&FloatingIP{Object: o, NetworkID: network}, portID, fixedIP)
	})
}

// AllocateFloatingIP takes an address of an external network, with its bandwidth, for nothing yet.
func (c *Cloud) AllocateFloatingIP(in FloatingInput) (*FloatingIP, error) {
	return within(c, func() (*FloatingIP, error) {
		if in.NetworkID == "" {
			all, err := c.networks.list(Query{Owner: in.Owner}, func(n *Network) bool { return n.External }, c.time())
			if err != nil || len(all) == 0 {
				return nil, invalid(KindFloatingIP, "region %s has no external network", in.Region)
			}
			in.NetworkID = all[0].ID
		}
		f := &FloatingIP{Object: in.Object, Purchase: in.Purchase, NetworkID: in.NetworkID, BandwidthMbps: in.BandwidthMbps}
		return c.createFloating(f, "", "")
	})
}

func (c *Cloud) createFloating(f *FloatingIP, portID, fixedIP string) (*FloatingIP, error) {
	if err := c.external(KindFloatingIP, f.Owner, f.NetworkID); err != nil {
		return nil, err
	}
	if err := c.admit(KindFloatingIP, f.Owner, Take{ItemFloating, 1}); err != nil {
		return nil, err
	}
	if err := c.aim(f, portID, fixedIP); err != nil {
		return nil, err
	}
	if err := c.place(KindFloatingIP, f.Region, f.Zone); err != nil {
		return nil, err
	}
	f.ID = newID()
	p, err := c.createPort(PortInput{
		Object: Object{Owner: Owner{Region: f.Region}}, NetworkID: f.NetworkID,
		DeviceID: f.ID, DeviceOwner: FloatingOwner, system: true,
	})
	if err != nil {
		return nil, err
	}
	if len(p.Fixed) > 0 {
		f.Address = p.Fixed[0].Address
	}
	f.PoolPort = p.ID
	return put(c, f), nil
}

// SetBandwidth changes the bandwidth of a floating IP.
func (c *Cloud) SetBandwidth(o Owner, id string, mbps int64) (*FloatingIP, error) {
	return within(c, func() (*FloatingIP, error) {
		if _, err := own[FloatingIP](c, o, id); err != nil {
			return nil, err
		}
		if mbps < 1 {
			return nil, invalid(KindFloatingIP, "bandwidth %d is below 1 Mbps", mbps)
		}
		return edit(c, id, func(f *FloatingIP) { f.BandwidthMbps, f.Updated = mbps, c.time() }), nil
	})
}

// BindFloatingIP points a floating IP at what has a port, a server, balancer, database or cache by its id, or at a port, as
// clouds do whose networks need no router; target "" takes it off. Both must be free.
func (c *Cloud) BindFloatingIP(o Owner, id, target string) (*FloatingIP, error) {
	return within(c, func() (*FloatingIP, error) {
		f, err := own[FloatingIP](c, o, id)
		switch {
		case err != nil:
			return nil, err
		case target == "":
			return edit(c, id, func(f *FloatingIP) { f.release(); f.Updated = c.time() }), nil
		case f.PortID != "":
			return nil, inUse(KindFloatingIP, id, "it is bound to "+f.TargetID)
		}
		kind, p, err := c.portOf(o, target)
		if err != nil {
			return nil, err
		}
		if bound := children(c.floating, KindPort, p.ID); len(bound) > 0 {
			return nil, inUse(kind, target, "it has the floating IP "+bound[0].ID)
		}
		return edit(c, id, func(f *FloatingIP) {
			f.PortID, f.TargetKind, f.TargetID, f.Updated = p.ID, kind, target, c.time()
			if len(p.Fixed) > 0 {
				f.FixedIP = p.Fixed[0].Address
			}
		}), nil
	})
}

// portOf is the first port of what has that id, which must be ready.
func (c *Cloud) portOf(o Owner, id string) (Kind, *Port, error) {
	kind, port, object := KindPort, id, (*Object)(nil)
	if s := c.servers.get(id); s != nil {
		kind, object = KindServer, &s.Object
		if port = ""; len(s.PortIDs) > 0 {
			port = s.PortIDs[0]
		}
	} else if b := c.balancers.get(id); b != nil {
		kind, port, object = KindBalancer, b.PortID, &b.Object
	} else if d := c.databases.get(id); d != nil {
		kind, port, object = KindDatabase, d.PortID, &d.Object
	} else if x := c.caches.get(id); x != nil {
		kind, port, object = KindCache, x.PortID, &x.Object
	}
	if object != nil && object.Owner == o && object.State != Active && object.State != Stopped {
		return kind, nil, busy(kind, object)
	}
	p, err := own[Port](c, o, port)
	if err != nil {
		err = missing(kind, id)
	}
	return kind, p, err
}

// aim points a floating IP at a port, which a router must join to the external network; "" points it nowhere.
func (c *Cloud) aim(f *FloatingIP, portID, fixedIP string) error {
	f.release()
	if portID == "" {
		return nil
	}
	p, err := see[Port](c, f.Owner, portID)
	if err != nil {
		return err
	}
	for _, x := range p.Fixed {
		if fixedIP != "" && x.Address != fixedIP {
			continue
		}
		for _, q := range children(c.ports, KindRouter, p.NetworkID) {
			r := c.routers.get(q.DeviceID)
			if r != nil && r.External == f.NetworkID && q.Fixed[0].SubnetID == x.SubnetID {
				f.PortID, f.FixedIP, f.RouterID = portID, x.Address, r.ID
				return nil
			}
		}
	}
	return &Error{Reason: Missing, Kind: KindRouter, Detail: "External network " + f.NetworkID + " is not reachable from the port " + portID + ". Therefore, cannot associate it with a Floating IP."}
}

// AimFloatingIP points a floating IP at a port; "" takes it off.
func (c *Cloud) AimFloatingIP(o Owner, id, portID, fixedIP string) (*FloatingIP, error) {
	return within(c, func() (*FloatingIP, error) {
		f, err := own[FloatingIP](c, o, id)
		if err != nil {
			return nil, err
		}
		changed := *f
		if err := c.aim(&changed, portID, fixedIP); err != nil {
			return nil, err
		}
		return edit(c, id, func(f *FloatingIP) { *f = changed; f.Updated = c.time() }), nil
	})
}

// DeleteFloatingIP gives an address back.
func (c *Cloud) DeleteFloatingIP(o Owner, id string) error {
	_, err := within(c, func() (*FloatingIP, error) {
		f, err := own[FloatingIP](c, o, id)
		if err != nil {
			return nil, err
		}
		drop[FloatingIP](c, id)
		drop[Port](c, f.PoolPort)
		return f, nil
	})
	return err
}
