package openstackfake

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func groupView(c *call, g *simcloud.Group) object {
	rules := []object{}
	for _, r := range c.sim.Rules(g.ID) {
		rules = append(rules, ruleView(c, r))
	}
	return common(&g.Object, object{"security_group_rules": rules, "stateful": true, "shared": false})
}

func ruleView(_ *call, r *simcloud.GroupRule) object {
	v := common(&r.Object, object{
		"security_group_id": r.GroupID, "direction": "egress", "ethertype": "IPv4", "protocol": orNull(r.Protocol),
		"port_range_min": nil, "port_range_max": nil, "remote_ip_prefix": orNull(r.RemoteCIDR), "remote_group_id": orNull(r.RemoteGroup),
		"remote_address_group_id": nil,
	})
	delete(v, "name")
	if r.Ingress {
		v["direction"] = "ingress"
	}
	if r.IPv6 {
		v["ethertype"] = "IPv6"
	}
	if r.PortMin != 0 || r.PortMax != 0 {
		v["port_range_min"], v["port_range_max"] = r.PortMin, r.PortMax
	}
	return v
}

func (s *service) securityGroups() {
	groups := shelf[simcloud.Group]{one: "security_group", many: "security_groups", view: groupView}
	s.route("GET /security-groups", func(c *call) (int, any, error) {
		c.sim.DefaultGroup(c.owner) // Neutron makes it when a project first looks
		return browse(groups)(c)
	})
	s.route("GET /security-groups/{id}", show(groups))
	s.route("POST /security-groups", createGroup)
	s.route("PUT /security-groups/{id}", func(c *call) (int, any, error) {
		var in struct {
			Group descriptive `json:"security_group"`
		}
		return describe[simcloud.Group](c, &in, &in.Group, groups)
	})
	s.route("DELETE /security-groups/{id}", func(c *call) (int, any, error) { return 204, nil, c.sim.DeleteGroup(c.owner, c.id()) })
	rules := shelf[simcloud.GroupRule]{
		one: "security_group_rule", many: "security_group_rules", view: ruleView,
		index: map[string]func(string) string{"security_group_id": of(simcloud.KindGroup)},
	}
	s.route("GET /security-group-rules", browse(rules))
	s.route("GET /security-group-rules/{id}", show(rules))
	s.route("POST /security-group-rules", createRule)
	s.route("DELETE /security-group-rules/{id}", func(c *call) (int, any, error) { return 204, nil, c.sim.DeleteRule(c.owner, c.id()) })
}

func createGroup(c *call) (int, any, error) {
	var in struct {
		Group struct {
			born
			Stateful *bool `json:"stateful"`
		} `json:"security_group"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	o, err := in.Group.object(c)
	if err != nil {
		return 0, nil, err
	}
	g, err := c.sim.CreateGroup(o)
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"security_group": groupView(c, g)}, nil
}

type ruleRequest struct {
	GroupID      string  `json:"security_group_id"`
	Direction    string  `json:"direction"`
	Ethertype    string  `json:"ethertype"`
	Protocol     *string `json:"protocol"`
	PortMin      *int    `json:"port_range_min"`
	PortMax      *int    `json:"port_range_max"`
	RemotePrefix *string `json:"remote_ip_prefix"`
	RemoteGroup  *string `json:"remote_group_id"`
	Description  string  `json:"description"`
	TenantID     string  `json:"tenant_id"`
	ProjectID    string  `json:"project_id"`
	Addresses    *string `json:"remote_address_group_id"`
}

// createRule makes one rule, or several of one request.
func createRule(c *call) (int, any, error) {
	var in struct {
		Rule  *ruleRequest  `json:"security_group_rule"`
		Rules []ruleRequest `json:"security_group_rules"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	if in.Rule != nil {
		v, err := in.Rule.create(c)
		return 201, object{"security_group_rule": v}, err
	}
	out := []any{}
	for _, r := range in.Rules {
		v, err := r.create(c)
		if err != nil {
			return 0, nil, err
		}
		out = append(out, v)
	}
	return 201, object{"security_group_rules": out}, nil
}

func (r *ruleRequest) create(c *call) (object, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	b := born{Description: r.Description, TenantID: r.TenantID, ProjectID: r.ProjectID}
	o, err := b.object(c)
	if err != nil {
		return nil, err
	}
	made, err := c.sim.CreateRule(simcloud.GroupRule{
		Object: o, GroupID: r.GroupID, Ingress: r.Direction == "ingress", IPv6: r.Ethertype == "IPv6",
		Protocol: strings.ToLower(orElse(r.Protocol, "")), PortMin: orElse(r.PortMin, 0), PortMax: orElse(r.PortMax, 0),
		RemoteCIDR: orElse(r.RemotePrefix, ""), RemoteGroup: orElse(r.RemoteGroup, ""),
	})
	if err != nil {
		return nil, err
	}
	return ruleView(c, made), nil
}

func (r *ruleRequest) check() error {
	ports := r.PortMin != nil || r.PortMax != nil
	low, high := orElse(r.PortMin, 0), orElse(r.PortMax, 0)
	switch {
	case !slices.Contains([]string{"ingress", "egress"}, r.Direction):
		return refusal{400, "HTTPBadRequest", "Invalid input for direction. Reason: '" + r.Direction + "' is not in ['ingress', 'egress']."}
	case !slices.Contains([]string{"", "IPv4", "IPv6"}, r.Ethertype):
		return refusal{400, "HTTPBadRequest", "Invalid input for ethertype. Reason: '" + r.Ethertype + "' is not in ['IPv4', 'IPv6']."}
	case ports && orElse(r.Protocol, "") == "":
		return refusal{400, "SecurityGroupProtocolRequiredWithPorts", "Must also specify protocol if port range is given."}
	case ports && !strings.HasPrefix(*r.Protocol, "icmp") && (low < 1 || high > 65535 || low > high):
		return refusal{400, "SecurityGroupInvalidPortRange", "For TCP/UDP protocols, port_range_min must be <= port_range_max"}
	case r.RemotePrefix != nil && r.RemoteGroup != nil:
		return refusal{400, "SecurityGroupMultipleRemoteEntites", "Only remote_ip_prefix or remote_group_id may be provided."}
	}
	if p := orElse(r.RemotePrefix, ""); p != "" {
		if _, err := netip.ParsePrefix(p); err != nil {
			return refusal{400, "HTTPBadRequest", "Invalid input for remote_ip_prefix. Reason: '" + p + "' is not a valid IP address."}
		}
	}
	return nil
}
