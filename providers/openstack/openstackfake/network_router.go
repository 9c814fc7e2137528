package openstackfake

import (
	"github.com/duoyun/duoyun/providers/simcloud"
)

type gatewayInfo struct {
	NetworkID  string    `json:"network_id"`
	EnableSNAT *bool     `json:"enable_snat"`
	FixedIPs   []fixedIP `json:"external_fixed_ips"`
}

func routerView(c *call, r *simcloud.Router) object {
	var gateway any
	if r.External != "" {
		ips := []object{}
		if p, err := simcloud.Get[simcloud.Port](c.sim, simcloud.Owner{}, r.GatewayPortID); err == nil {
			for _, f := range p.Fixed {
				ips = append(ips, object{"subnet_id": f.SubnetID, "ip_address": f.Address})
			}
		}
		gateway = object{"network_id": r.External, "enable_snat": true, "external_fixed_ips": ips}
	}
	return common(&r.Object, object{
		"status": "ACTIVE", "admin_state_up": true, "external_gateway_info": gateway, "routes": []any{}, "distributed": false, "ha": false,
		"availability_zone_hints": []string{}, "availability_zones": c.zones(), "flavor_id": nil,
	})
}

func (s *service) routers() {
	routers := shelf[simcloud.Router]{one: "router", many: "routers", view: routerView}
	s.route("GET /routers", browse(routers))
	s.route("GET /routers/{id}", show(routers))
	s.route("POST /routers", createRouter)
	s.route("PUT /routers/{id}", updateRouter)
	s.route("DELETE /routers/{id}", func(c *call) (int, any, error) { return 204, nil, c.sim.DeleteRouter(c.owner, c.id()) })
	s.route("PUT /routers/{id}/add_router_interface", func(c *call) (int, any, error) { return changeInterface(c, c.sim.AddInterface) })
	s.route("PUT /routers/{id}/remove_router_interface", func(c *call) (int, any, error) { return changeInterface(c, c.sim.RemoveInterface) })
}

func createRouter(c *call) (int, any, error) {
	var in struct {
		Router struct {
			born
			Gateway     *gatewayInfo `json:"external_gateway_info"`
			Distributed *bool        `json:"distributed"`
			HA          *bool        `json:"ha"`
		} `json:"router"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	o, err := in.Router.object(c)
	if err != nil {
		return 0, nil, err
	}
	r, err := c.sim.CreateRouter(o, orElse(in.Router.Gateway, gatewayInfo{}).NetworkID)
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"router": routerView(c, r)}, nil
}

func updateRouter(c *call) (int, any, error) {
	var in struct {
		Router struct {
			descriptive
			Gateway *gatewayInfo `json:"external_gateway_info"`
			Routes  *[]any       `json:"routes"`
		} `json:"router"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	r, err := simcloud.Edit(c.sim, c.owner, c.id(), func(r *simcloud.Router) error { in.Router.apply(&r.Object); return nil })
	if err == nil && in.Router.Gateway != nil {
		r, err = c.sim.SetGateway(c.owner, c.id(), in.Router.Gateway.NetworkID)
	}
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"router": routerView(c, r)}, nil
}

// changeInterface joins or parts a router and a subnet, named by the subnet or by a port.
func changeInterface(c *call, change func(o simcloud.Owner, id, subnetID, portID string) (*simcloud.Port, error)) (int, any, error) {
	var in struct {
		SubnetID string `json:"subnet_id"`
		PortID   string `json:"port_id"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if in.SubnetID == "" && in.PortID == "" {
		return 0, nil, refusal{400, "BadRequest", "Bad router request: Either subnet_id or port_id must be specified."}
	}
	p, err := change(c.owner, c.id(), in.SubnetID, in.PortID)
	if err != nil {
		return 0, nil, routerError(c, in.SubnetID, err)
	}
	subnets := []string{}
	for _, f := range p.Fixed {
		subnets = append(subnets, f.SubnetID)
	}
	body := object{"id": c.id(), "tenant_id": p.Tenant, "project_id": p.Tenant, "port_id": p.ID, "network_id": p.NetworkID, "subnet_ids": subnets, "tags": []string{}}
	if len(subnets) > 0 {
		body["subnet_id"] = subnets[0]
	}
	return 200, body, nil
}

func routerError(c *call, subnet string, err error) error {
	e := cause(err)
	switch {
	case e.Reason == simcloud.Missing && e.Kind == simcloud.KindPort:
		return refusal{404, "RouterInterfaceNotFoundForSubnet", "Router " + c.id() + " has no interface on subnet " + subnet}
	case e.Reason == simcloud.Invalid:
		return refusal{400, "BadRequest", "Bad router request: " + e.Detail + "."}
	}
	return err
}

func floatingView(_ *call, f *simcloud.FloatingIP) object {
	status := "DOWN"
	if f.PortID != "" {
		status = "ACTIVE"
	}
	return common(&f.Object, object{
		"floating_network_id": f.NetworkID, "floating_ip_address": f.Address, "port_id": orNull(f.PortID), "fixed_ip_address": orNull(f.FixedIP),
		"router_id": orNull(f.RouterID), "status": status, "port_details": nil, "port_forwardings": []any{},
	})
}

func (s *service) floatingIPs() {
	floating := shelf[simcloud.FloatingIP]{one: "floatingip", many: "floatingips", view: floatingView, index: map[string]func(string) string{
		"floating_network_id": of(simcloud.KindNetwork), "port_id": of(simcloud.KindPort), "floating_ip_address": simcloud.Addressed,
	}}
	s.route("GET /floatingips", browse(floating))
	s.route("GET /floatingips/{id}", show(floating))
	s.route("POST /floatingips", createFloatingIP)
	s.route("PUT /floatingips/{id}", updateFloatingIP)
	s.route("DELETE /floatingips/{id}", func(c *call) (int, any, error) { return 204, nil, c.sim.DeleteFloatingIP(c.owner, c.id()) })
}

func createFloatingIP(c *call) (int, any, error) {
	var in struct {
		IP struct {
			Description string  `json:"description"`
			TenantID    string  `json:"tenant_id"`
			ProjectID   string  `json:"project_id"`
			NetworkID   string  `json:"floating_network_id"`
			Address     string  `json:"floating_ip_address"`
			PortID      *string `json:"port_id"`
			FixedIP     string  `json:"fixed_ip_address"`
			SubnetID    string  `json:"subnet_id"`
			QoS         string  `json:"qos_policy_id"`
			DNSName     string  `json:"dns_name"`
			DNSDomain   string  `json:"dns_domain"`
		} `json:"floatingip"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if in.IP.Address != "" {
		return 0, nil, refuse(403, "rule:create_floatingip:floating_ip_address is disallowed by policy")
	}
	b := born{Description: in.IP.Description, TenantID: in.IP.TenantID, ProjectID: in.IP.ProjectID}
	o, err := b.object(c)
	if err != nil {
		return 0, nil, err
	}
	f, err := c.sim.CreateFloatingIP(o, in.IP.NetworkID, orElse(in.IP.PortID, ""), in.IP.FixedIP)
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"floatingip": floatingView(c, f)}, nil
}

// updateFloatingIP changes the description, and the port where port_id is given; null takes it off.
func updateFloatingIP(c *call) (int, any, error) {
	var in struct {
		IP struct {
			Description *string  `json:"description"`
			PortID      optional `json:"port_id"`
			FixedIP     string   `json:"fixed_ip_address"`
		} `json:"floatingip"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	f, err := simcloud.Edit(c.sim, c.owner, c.id(), func(f *simcloud.FloatingIP) error {
		f.Description = orElse(in.IP.Description, f.Description)
		return nil
	})
	if err == nil && in.IP.PortID.given {
		f, err = c.sim.AimFloatingIP(c.owner, c.id(), in.IP.PortID.value, in.IP.FixedIP)
	}
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"floatingip": floatingView(c, f)}, nil
}
