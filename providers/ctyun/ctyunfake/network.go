package ctyunfake

import (
	"net/netip"
	"regexp"
	"strconv"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// vpcName is what the vendor takes as the name of a network, subnet, address or part of a balancer.
var vpcName = regexp.MustCompile(`^[\p{Han}A-Za-z][\p{Han}A-Za-z0-9_-]{1,31}$`)

func (c *call) named(name string) error {
	if !vpcName.MatchString(name) {
		return c.wrong("name")
	}
	return nil
}

// described is what a new object of the network bears.
func (c *call) described() (simcloud.Object, error) {
	text := c.text("description")
	if len(text) > 128 {
		return simcloud.Object{}, c.wrong("description")
	}
	return simcloud.Object{Owner: c.owner, Name: c.text("name"), Description: text}, nil
}

func (f *Fake) network() {
	f.post("/v4/vpc/create", "clientToken! name! CIDR! description enableIpv6:b projectID", func(c *call) (any, error) {
		o, err := c.described()
		if err != nil || c.named(o.Name) != nil {
			return nil, c.wrong("name")
		}
		cidr, err := netip.ParsePrefix(c.text("CIDR"))
		if err != nil {
			return nil, c.wrong("CIDR")
		}
		n, err := c.sim.CreateVPC(o, cidr)
		if err != nil {
			return nil, err
		}
		return object{"vpcID": n.ID}, nil
	})
	f.get("/v4/vpc/query", "vpcID!", func(c *call) (any, error) {
		n, err := mine[simcloud.Network](c, simcloud.KindNetwork, c.text("vpcID"))
		if err != nil {
			return nil, err
		}
		return showNetwork(n), nil
	})
	f.get("/v4/vpc/new-list", pageWords, func(c *call) (any, error) {
		all, err := views(c, showNetwork, nil)
		if err != nil {
			return nil, err
		}
		return paged(c, "vpcs", 50, all)
	})
	f.post("/v4/vpc/delete", "clientToken! vpcID!", func(c *call) (any, error) {
		return object{"vpcID": c.text("vpcID")}, c.sim.DeleteVPC(c.owner, c.text("vpcID"))
	})
	f.subnet()
	f.securityGroup()
}

func showNetwork(n *simcloud.Network) object {
	return object{"vpcID": n.ID, "name": n.Name, "description": n.Description, "CIDR": n.CIDR.String(), "ipv6Enabled": false,
		"createdAt": n.Created.UTC().Format("2006-01-02T15:04:05Z")}
}

func (f *Fake) subnet() {
	f.post("/v4/vpc/create-subnet", "clientToken! vpcID! name! CIDR! description enableIpv6:b dnsList:l subnetType", func(c *call) (any, error) {
		o, err := c.described()
		if err != nil || c.named(o.Name) != nil {
			return nil, c.wrong("name")
		}
		cidr, err := netip.ParsePrefix(c.text("CIDR"))
		if err != nil {
			return nil, c.wrong("CIDR")
		}
		s, err := c.sim.CreateSubnet(simcloud.Subnet{Object: o, NetworkID: c.text("vpcID"), CIDR: cidr, Gateway: cidr.Addr().Next(), DHCP: true})
		if err != nil {
			return nil, err
		}
		return object{"subnetID": s.ID}, nil
	})
	f.get("/v4/vpc/query-subnet", "subnetID!", func(c *call) (any, error) {
		s, err := mine[simcloud.Subnet](c, simcloud.KindSubnet, c.text("subnetID"))
		if err != nil {
			return nil, err
		}
		return showSubnet(s), nil
	})
	f.get("/v4/vpc/new-list-subnet", "vpcID"+pageWords, func(c *call) (any, error) {
		all, err := views(c, showSubnet, func(s *simcloud.Subnet) bool { return c.text("vpcID") == "" || s.NetworkID == c.text("vpcID") })
		if err != nil {
			return nil, err
		}
		return paged(c, "subnets", 50, all)
	})
	f.post("/v4/vpc/delete-subnet", "clientToken! subnetID!", func(c *call) (any, error) {
		return object{"subnetID": c.text("subnetID")}, c.sim.DeleteSubnet(c.owner, c.text("subnetID"))
	})
}

func showSubnet(s *simcloud.Subnet) object {
	return object{"subnetID": s.ID, "name": s.Name, "description": s.Description, "vpcID": s.NetworkID, "CIDR": s.CIDR.String()}
}

func (f *Fake) securityGroup() {
	f.post("/v4/vpc/create-security-group", "clientToken! vpcID! name! description projectID", func(c *call) (any, error) {
		o, err := c.described()
		if err != nil || len(o.Name) > 64 {
			return nil, c.wrong("name")
		}
		same, err := views(c, c.showGroup, func(g *simcloud.Group) bool { return g.Name == o.Name })
		if err != nil || len(same) > 0 {
			return nil, refuse("Openapi.SecurityGroup.NameRepeat", "the name is taken")
		}
		g, err := c.sim.CreateVPCGroup(o, c.text("vpcID"))
		if err != nil {
			return nil, err
		}
		return object{"securityGroupID": g.ID}, nil
	})
	f.get("/v4/vpc/new-query-security-groups", "vpcID"+pageWords, func(c *call) (any, error) {
		all, err := views(c, c.showGroup, nil)
		if err != nil {
			return nil, err
		}
		return paged(c, "securityGroups", 50, all)
	})
	f.get("/v4/vpc/describe-security-group-attribute", "securityGroupID! direction", func(c *call) (any, error) {
		g, err := mine[simcloud.Group](c, simcloud.KindGroup, c.text("securityGroupID"))
		if err != nil {
			return nil, err
		}
		return c.showGroup(g), nil
	})
	f.post("/v4/vpc/create-security-group-ingress", "clientToken! securityGroupID! securityGroupRules!:l", (*call).openGroup)
	f.post("/v4/vpc/delete-security-group", "clientToken! securityGroupID!", func(c *call) (any, error) {
		return object{"securityGroupID": c.text("securityGroupID")}, c.sim.DeleteGroup(c.owner, c.text("securityGroupID"))
	})
}

func (c *call) openGroup() (any, error) {
	made := []string{}
	for _, item := range c.list("securityGroupRules") {
		r, err := (&call{Fake: c.Fake, path: c.path}).rule(item)
		if err != nil {
			return nil, err
		}
		r.Owner, r.GroupID = c.owner, c.text("securityGroupID")
		rule, err := c.sim.CreateRule(r)
		if err != nil {
			return nil, err
		}
		made = append(made, rule.ID)
	}
	return object{"sgRuleIDs": made}, nil
}

// rule reads one rule of a request.
func (c *call) rule(item any) (simcloud.GroupRule, error) {
	given, _ := item.(map[string]any)
	in, err := c.checked([]string{"direction!", "remoteType:i", "action!", "priority!:i", "protocol!", "ethertype!", "destCidrIp", "range", "description"}, given, false)
	if err != nil {
		return simcloud.GroupRule{}, err
	}
	port, err := strconv.Atoi(str(in["range"]))
	if err != nil || in["direction"] != "ingress" || in["action"] != "accept" || in["protocol"] != "TCP" || number(in["priority"]) < 1 {
		return simcloud.GroupRule{}, c.wrong("securityGroupRules")
	}
	return simcloud.GroupRule{Ingress: true, Protocol: "tcp", PortMin: port, PortMax: port, RemoteCIDR: str(in["destCidrIp"])}, nil
}

func (c *call) showGroup(g *simcloud.Group) object {
	rules := []object{}
	for _, r := range c.sim.Rules(g.ID) {
		if r.Ingress && r.PortMin > 0 {
			rules = append(rules, object{"id": r.ID, "direction": "ingress", "protocol": "TCP", "range": strconv.Itoa(r.PortMin), "action": "accept",
				"ethertype": "IPv4", "destCidrIp": r.RemoteCIDR, "priority": 1})
		}
	}
	return object{"id": g.ID, "securityGroupName": g.Name, "description": g.Description, "vpcID": g.NetworkID, "securityGroupRuleList": rules}
}
