package simcloud

import "slices"

// Who owns a port that is not a server's.
const (
	RouterInterface = "network:router_interface"
	RouterGateway   = "network:router_gateway"
	FloatingOwner   = "network:floatingip"
)

// Router joins subnets, and the external network where it has a gateway.
type Router struct {
	Object
	External      string `json:"external,omitempty"` // network of its gateway
	GatewayPortID string `json:"gateway_port_id,omitempty"`
}

func (*Router) in(c *Cloud) *table[Router] { return c.routers }

func (r *Router) takes() []Take { return []Take{{ItemRouters, 1}} }

// CreateRouter makes a router, with a gateway where external names a network.
func (c *Cloud) CreateRouter(o Object, external string) (*Router, error) {
	return within(c, func() (*Router, error) {
		if err := c.admit(KindRouter, o.Owner, Take{ItemRouters, 1}); err != nil {
			return nil, err
		}
		r := &Router{Object: o}
		r.ID = newID()
		if external != "" {
			p, err := c.gateway(r, external)
			if err != nil {
				return nil, err
			}
			r.External, r.GatewayPortID = external, p.ID
		}
		return put(c, r), nil
	})
}

func (c *Cloud) gateway(r *Router, external string) (*Port, error) {
	if err := c.external(KindRouter, r.Owner, external); err != nil {
		return nil, err
	}
	return c.createPort(PortInput{
		Object: Object{Owner: Owner{Region: r.Region}}, NetworkID: external,
		DeviceID: r.ID, DeviceOwner: RouterGateway, system: true,
	})
}

// external checks that a network is there and an external one.
func (c *Cloud) external(kind Kind, o Owner, network string) error {
	n, err := see[Network](c, o, network)
	if err == nil && !n.External {
		err = invalid(kind, "Network %s is not a valid external network.", network)
	}
	return err
}

// SetGateway changes a router's gateway; "" takes it away.
func (c *Cloud) SetGateway(o Owner, id, external string) (*Router, error) {
	return within(c, func() (*Router, error) {
		r, err := own[Router](c, o, id)
		if err != nil || r.External == external {
			return r, err
		}
		var port string
		if external != "" {
			p, err := c.gateway(r, external)
			if err != nil {
				return nil, err
			}
			port = p.ID
		}
		if err := c.gatewayFree(r); err != nil {
			drop[Port](c, port)
			return nil, err
		}
		drop[Port](c, r.GatewayPortID)
		return edit(c, id, func(r *Router) { r.External, r.GatewayPortID = external, port }), nil
	})
}

// gatewayFree refuses while a floating IP is reached through the router's gateway.
func (c *Cloud) gatewayFree(r *Router) error {
	for _, f := range children(c.floating, KindNetwork, r.External) {
		if f.RouterID == r.ID {
			return inUse(KindRouter, r.ID, "Gateway cannot be updated for router "+r.ID+", since a gateway to external network is required by one or more floating IPs.")
		}
	}
	return nil
}

// AddInterface joins a subnet to a router at the subnet's gateway address, or by a port of its own; one of both is given.
func (c *Cloud) AddInterface(o Owner, id, subnetID, portID string) (*Port, error) {
	return within(c, func() (*Port, error) {
		r, err := own[Router](c, o, id)
		if err != nil {
			return nil, err
		}
		if portID != "" {
			p, err := own[Port](c, o, portID)
			if err == nil && p.DeviceID != "" {
				err = inUse(KindPort, portID, "it belongs to "+p.DeviceID)
			}
			if err != nil {
				return nil, err
			}
			return edit(c, portID, func(p *Port) { p.DeviceID, p.DeviceOwner = r.ID, RouterInterface }), nil
		}
		s, err := own[Subnet](c, o, subnetID)
		if err != nil {
			return nil, err
		}
		if !s.Gateway.IsValid() {
			return nil, invalid(KindRouter, "Subnet for router interface must have a gateway IP")
		}
		if _, err := c.interfaceOf(r.ID, subnetID); err == nil {
			return nil, invalid(KindRouter, "Router already has a port on subnet %s", subnetID)
		}
		return c.createPort(PortInput{
			Object: Object{Owner: o}, NetworkID: s.NetworkID, Fixed: []FixedIP{{s.ID, s.Gateway.String()}},
			DeviceID: r.ID, DeviceOwner: RouterInterface, Open: true,
		})
	})
}

func (c *Cloud) interfaceOf(routerID, subnetID string) (*Port, error) {
	for _, p := range children(c.ports, KindServer, routerID) {
		if p.DeviceOwner == RouterInterface && slices.ContainsFunc(p.Fixed, func(f FixedIP) bool { return f.SubnetID == subnetID }) {
			return p, nil
		}
	}
	return nil, missing(KindPort, subnetID)
}

// RemoveInterface takes a subnet from a router, by the subnet or by the port.
func (c *Cloud) RemoveInterface(o Owner, id, subnetID, portID string) (*Port, error) {
	return within(c, func() (*Port, error) {
		r, err := own[Router](c, o, id)
		if err != nil {
			return nil, err
		}
		p, err := c.interfaceOf(id, subnetID)
		if portID != "" {
			p, err = own[Port](c, o, portID)
		}
		if err != nil || p.DeviceID != id || p.DeviceOwner != RouterInterface {
			return nil, missing(KindPort, subnetID+portID)
		}
		for _, f := range children(c.floating, KindNetwork, r.External) {
			if q := c.ports.get(f.PortID); f.RouterID == id && q != nil && q.NetworkID == p.NetworkID {
				return nil, inUse(KindRouter, id, "Router interface for subnet "+p.Fixed[0].SubnetID+" on router "+id+" cannot be deleted, as it is required by one or more floating IPs.")
			}
		}
		drop[Port](c, p.ID)
		return p, nil
	})
}

// DeleteRouter removes a router without interfaces.
func (c *Cloud) DeleteRouter(o Owner, id string) error {
	_, err := within(c, func() (*Router, error) {
		r, err := own[Router](c, o, id)
		if err != nil {
			return nil, err
		}
		for _, p := range children(c.ports, KindServer, id) {
			if p.DeviceOwner == RouterInterface {
				return nil, inUse(KindRouter, id, "Router "+id+" still has ports")
			}
		}
		drop[Port](c, r.GatewayPortID)
		drop[Router](c, id)
		return r, nil
	})
	return err
}
