package huaweifake

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// vpcService words errors as the VPC and EIP APIs v1 do; the v3 API has the form of the gateway.
func (f *Fake) vpcService(word func(code, text string) any) *service {
	return &service{f, word, "VPC.0101", "VPC.0003", "VPC.0120", "VPC.0114", "VPC.0503", http.StatusConflict, http.StatusConflict, http.StatusConflict, tokenRules{}}
}

func (f *Fake) networks() {
	s := f.vpcService(plain)
	s.route("POST /v1/{project}/vpcs", createVPC)
	s.route("GET /v1/{project}/vpcs", listVPCs)
	s.route("GET /v1/{project}/vpcs/{id}", showVPC)
	s.route("DELETE /v1/{project}/vpcs/{id}", func(c *call) (int, any, error) { return 204, nil, c.sim.DeleteVPC(c.owner, c.id()) })
	s.route("POST /v1/{project}/subnets", createSubnet)
	s.route("GET /v1/{project}/subnets", listSubnets)
	s.route("GET /v1/{project}/subnets/{id}", showSubnet)
	s.route("DELETE /v1/{project}/vpcs/{vpc}/subnets/{id}", func(c *call) (int, any, error) {
		return 204, nil, c.sim.DeleteSubnet(c.owner, c.id())
	})
	s.route("GET /v1/{project}/ports/{id}", showPort)
	s.route("GET /v1/{project}/quotas", addressQuota)
	v3 := f.vpcService(flat)
	v3.route("POST /v3/{project}/vpc/security-groups", createGroup)
	v3.route("GET /v3/{project}/vpc/security-groups", listGroups)
	v3.route("GET /v3/{project}/vpc/security-groups/{id}", showGroup)
	v3.route("DELETE /v3/{project}/vpc/security-groups/{id}", func(c *call) (int, any, error) {
		return 204, nil, c.sim.DeleteGroup(c.owner, c.id())
	})
	v3.route("POST /v3/{project}/vpc/security-group-rules", createRule)
}

// named checks a name as most services take them: 1 to 64 of Chinese, English, digits and _-.
func (c *call) named(name string) error {
	n := 0
	for _, r := range name {
		n++
		if !(r >= 0x4e00 && r <= 0x9fa5 || strings.ContainsRune("_-.", r) || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return c.invalid("the name %q has a letter that is not allowed", name)
		}
	}
	if n < 1 || n > 64 {
		return c.invalid("the name %q is not of 1 to 64 letters", name)
	}
	return nil
}

func createVPC(c *call) (int, any, error) {
	var in struct {
		VPC struct {
			Name, Description, CIDR string
			Enterprise              string `json:"enterprise_project_id"`
		}
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	cidr, err := netip.ParsePrefix(in.VPC.CIDR)
	if err != nil || cidr.Bits() > 28 {
		return 0, nil, c.invalid("the cidr %q is illegal", in.VPC.CIDR)
	}
	if err := c.named(in.VPC.Name); err != nil {
		return 0, nil, err
	}
	n, err := c.sim.CreateVPC(simcloud.Object{Owner: c.owner, Name: in.VPC.Name, Description: in.VPC.Description}, cidr)
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"vpc": vpcView(n)}, nil
}

func vpcView(n *simcloud.Network) object {
	return object{"id": n.ID, "name": n.Name, "description": n.Description, "cidr": n.CIDR.String(), "status": "OK", "routes": []any{},
		"enterprise_project_id": "0", "created_at": when(n.Created), "updated_at": when(n.Updated)}
}

func listVPCs(c *call) (int, any, error) {
	views, _, err := byMarker(c, simcloud.Query{}, 2000, func(n *simcloud.Network) bool { return n.CIDR.IsValid() }, vpcView)
	return 200, object{"vpcs": views}, err
}

func showVPC(c *call) (int, any, error) {
	n, err := simcloud.Get[simcloud.Network](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"vpc": vpcView(n)}, nil
}

func createSubnet(c *call) (int, any, error) {
	var in struct {
		Subnet struct {
			Name, Description, CIDR string
			Gateway                 string `json:"gateway_ip"`
			VPC                     string `json:"vpc_id"`
		}
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	s := in.Subnet
	if err := c.need("name", s.Name, "cidr", s.CIDR, "gateway_ip", s.Gateway, "vpc_id", s.VPC); err != nil {
		return 0, nil, err
	}
	cidr, err1 := netip.ParsePrefix(s.CIDR)
	gateway, err2 := netip.ParseAddr(s.Gateway)
	if err1 != nil || err2 != nil || !cidr.Contains(gateway) {
		return 0, nil, c.invalid("cidr or gateway_ip is illegal")
	}
	made, err := c.sim.CreateSubnet(simcloud.Subnet{Object: simcloud.Object{Owner: c.owner, Name: s.Name, Description: s.Description},
		NetworkID: s.VPC, CIDR: cidr, Gateway: gateway, DHCP: true})
	if err != nil {
		return 0, nil, err
	}
	view := subnetView(made)
	view["status"] = "UNKNOWN" // until it hangs on its VPC
	return 200, object{"subnet": view}, nil
}

func subnetView(s *simcloud.Subnet) object {
	return object{"id": s.ID, "name": s.Name, "description": s.Description, "cidr": s.CIDR.String(), "gateway_ip": s.Gateway.String(), "vpc_id": s.NetworkID,
		"status": "ACTIVE", "dhcp_enable": true, "neutron_network_id": s.ID, "neutron_subnet_id": neutron(s.ID), "created_at": when(s.Created)}
}

// neutron is the id that OpenStack's API and ELB have for a subnet; of that it gives the subnet's own again.
func neutron(id string) string {
	b := []byte(id)
	for i, j := 24, len(b)-1; i < j; i, j = i+1, j-1 {
		b[i], b[j] = b[j], b[i]
	}
	return string(b)
}

func listSubnets(c *call) (int, any, error) {
	q := simcloud.Query{}
	if vpc := c.query("vpc_id"); vpc != "" {
		q.Where = []string{simcloud.Of(simcloud.KindNetwork, vpc)}
	}
	views, _, err := byMarker(c, q, 2000, nil, subnetView)
	return 200, object{"subnets": views}, err
}

func showSubnet(c *call) (int, any, error) {
	s, err := simcloud.Get[simcloud.Subnet](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"subnet": subnetView(s)}, nil
}

func showPort(c *call) (int, any, error) {
	p, err := simcloud.Get[simcloud.Port](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	owner := p.DeviceOwner
	if owner == "Octavia" {
		owner = "neutron:LOADBALANCERV2"
	}
	return 200, object{"port": object{"id": p.ID, "network_id": p.NetworkID, "device_id": p.DeviceID, "device_owner": owner, "status": "ACTIVE",
		"security_groups": p.GroupIDs}}, nil
}

func addressQuota(c *call) (int, any, error) {
	limits, used := c.sim.Quota(c.owner)
	return 200, object{"quotas": object{"resources": []any{
		object{"type": "publicIp", "quota": limits[simcloud.ItemFloating], "used": used[simcloud.ItemFloating], "min": 0},
		object{"type": "vpc", "quota": limits[simcloud.ItemNetworks], "used": used[simcloud.ItemNetworks], "min": 0}}}}, nil
}

func createGroup(c *call) (int, any, error) {
	var in struct {
		Group struct {
			Name, Description string
			Enterprise        string `json:"enterprise_project_id"`
		} `json:"security_group"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if err := c.named(in.Group.Name); err != nil {
		return 0, nil, err
	}
	g, err := c.sim.CreateGroup(simcloud.Object{Owner: c.owner, Name: in.Group.Name, Description: in.Group.Description})
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"request_id": randomID(), "security_group": c.groupView(g)}, nil
}

func (c *call) groupView(g *simcloud.Group) object {
	rules := []any{}
	for _, r := range c.sim.Rules(g.ID) {
		rules = append(rules, ruleView(r))
	}
	view := groupSummary(g)
	view["security_group_rules"] = rules
	return view
}

func groupSummary(g *simcloud.Group) object {
	return object{"id": g.ID, "name": g.Name, "description": g.Description, "project_id": Project, "enterprise_project_id": "0", "created_at": when(g.Created)}
}

func ruleView(r *simcloud.GroupRule) object {
	direction, ethertype, ports := "egress", "IPv4", ""
	if r.Ingress {
		direction = "ingress"
	}
	if r.IPv6 {
		ethertype = "IPv6"
	}
	if r.PortMin > 0 {
		ports = strconv.Itoa(r.PortMin)
		if r.PortMax != r.PortMin {
			ports += "-" + strconv.Itoa(r.PortMax)
		}
	}
	return object{"id": r.ID, "description": r.Description, "security_group_id": r.GroupID, "direction": direction, "protocol": r.Protocol,
		"ethertype": ethertype, "multiport": ports, "action": "allow", "priority": 100, "remote_ip_prefix": r.RemoteCIDR, "remote_group_id": r.RemoteGroup}
}

func listGroups(c *call) (int, any, error) {
	q := simcloud.Query{}
	if name := c.query("name"); name != "" {
		q.Where = []string{simcloud.Named(name)}
	}
	views, next, err := byMarker(c, q, 2000, nil, groupSummary)
	return 200, object{"request_id": randomID(), "security_groups": views, "page_info": info(next, len(views))}, err
}

func showGroup(c *call) (int, any, error) {
	g, err := simcloud.Get[simcloud.Group](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"request_id": randomID(), "security_group": c.groupView(g)}, nil
}

func createRule(c *call) (int, any, error) {
	var in struct {
		Rule struct {
			Group                                                  string `json:"security_group_id"`
			RemoteIP                                               string `json:"remote_ip_prefix"`
			Direction, Ethertype, Protocol, Multiport, Description string
		} `json:"security_group_rule"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	port, err := strconv.Atoi(in.Rule.Multiport)
	if err != nil || port < 1 || port > 65535 || in.Rule.Direction != "ingress" && in.Rule.Direction != "egress" {
		return 0, nil, c.invalid("multiport %q or direction %q is illegal", in.Rule.Multiport, in.Rule.Direction)
	}
	r, err := c.sim.CreateRule(simcloud.GroupRule{Object: simcloud.Object{Owner: c.owner, Description: in.Rule.Description}, GroupID: in.Rule.Group,
		Ingress: in.Rule.Direction == "ingress", Protocol: in.Rule.Protocol, PortMin: port, PortMax: port, RemoteCIDR: in.Rule.RemoteIP})
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"request_id": randomID(), "security_group_rule": ruleView(r)}, nil
}
