package awsfake

import (
	"maps"
	"net/netip"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func networkActions() []action {
	return []action{
		{service: "ec2", name: "CreateVpc", needs: "CidrBlock:cidr", takes: tagging, do: createVPC},
		{service: "ec2", name: "DescribeVpcs", takes: "VpcId.N" + filters, do: describeVPCs},
		{service: "ec2", name: "DeleteVpc", needs: "VpcId", do: deleteVPC},
		{service: "ec2", name: "CreateSubnet", needs: "VpcId CidrBlock:cidr", takes: "AvailabilityZone" + tagging, do: createSubnet},
		{service: "ec2", name: "DescribeSubnets", takes: "SubnetId.N" + filters, do: describeSubnets},
		{service: "ec2", name: "DeleteSubnet", needs: "SubnetId", do: deleteSubnet},
		{service: "ec2", name: "CreateInternetGateway", takes: tagging, do: createGateway},
		{service: "ec2", name: "DescribeInternetGateways", takes: "InternetGatewayId.N" + filters, do: describeGateways},
		{service: "ec2", name: "AttachInternetGateway", needs: "InternetGatewayId VpcId", do: attachGateway},
		{service: "ec2", name: "DetachInternetGateway", needs: "InternetGatewayId VpcId", do: detachGateway},
		{service: "ec2", name: "DeleteInternetGateway", needs: "InternetGatewayId", do: deleteGateway},
		{service: "ec2", name: "DescribeRouteTables", takes: "RouteTableId.N" + filters, do: describeRoutes},
		{service: "ec2", name: "CreateRoute", needs: "RouteTableId DestinationCidrBlock:cidr GatewayId", do: createRoute},
	}
}

// What objects keep beside their tags.
const (
	metaVPC   = "vpc"   // of a gateway: where it is attached
	metaRoute = "route" // of a network: its default route
)

// ranged reads a block, which is /16 to /28.
func (c *call) ranged(code string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(c.get("CidrBlock"))
	if err != nil || p.Bits() < 16 || p.Bits() > 28 {
		return p, bad(code, "The CIDR '%s' is invalid.", c.get("CidrBlock"))
	}
	return p, nil
}

func createVPC(c *call) (object, error) {
	cidr, err := c.ranged("InvalidVpc.Range")
	if err != nil {
		return nil, err
	}
	n, err := c.sim.CreateVPC(simcloud.Object{Owner: c.owner, Meta: c.tags("vpc")}, cidr)
	if err != nil {
		return nil, err
	}
	return object{"vpc": vpc(n)}, nil
}

func vpc(n *simcloud.Network) object {
	return object{"vpcId": out("vpc", n.ID), "state": "available", "cidrBlock": n.CIDR, "isDefault": false, "tagSet": tagSet(n.Meta)}
}

func describeVPCs(c *call) (object, error) {
	return described(c, simcloud.KindNetwork, "VpcId", "vpcSet", func(n *simcloud.Network) bool { return !n.External }, vpc)
}

func deleteVPC(c *call) (object, error) {
	id, err := in(simcloud.KindNetwork, c.get("VpcId"))
	if err != nil {
		return nil, err
	}
	attached, err := c.attachedTo(id)
	if err == nil && attached != nil {
		err = bad("DependencyViolation", "The vpc has dependencies and cannot be deleted.")
	}
	if err != nil {
		return nil, err
	}
	return object{"return": true}, c.sim.DeleteVPC(c.owner, id)
}

func (c *call) attachedTo(network string) (*simcloud.Router, error) {
	all, err := simcloud.List[simcloud.Router](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Marked(metaVPC, network)}}, nil)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

func createSubnet(c *call) (object, error) {
	n, err := one[simcloud.Network](c, simcloud.KindNetwork, "VpcId")
	if err != nil {
		return nil, err
	}
	cidr, err := c.ranged("InvalidSubnet.Range")
	if err != nil {
		return nil, err
	}
	if err := c.inZone("AvailabilityZone"); err != nil {
		return nil, err
	}
	s, err := c.sim.CreateSubnet(simcloud.Subnet{Object: simcloud.Object{Owner: c.owner, Zone: c.get("AvailabilityZone"), Meta: c.tags("subnet")},
		NetworkID: n.ID, CIDR: cidr, Gateway: cidr.Addr().Next(), DHCP: true})
	if err != nil {
		return nil, err
	}
	return object{"subnet": subnet(s)}, nil
}

func subnet(s *simcloud.Subnet) object {
	return object{"subnetId": out("subnet", s.ID), "vpcId": out("vpc", s.NetworkID), "state": "available", "cidrBlock": s.CIDR, "availabilityZone": s.Zone, "tagSet": tagSet(s.Meta)}
}

func describeSubnets(c *call) (object, error) {
	of := c.filter("vpc-id")
	return described(c, simcloud.KindSubnet, "SubnetId", "subnetSet", func(s *simcloud.Subnet) bool {
		return !s.External && (of == "" || of == out("vpc", s.NetworkID))
	}, subnet)
}

func deleteSubnet(c *call) (object, error) {
	s, err := one[simcloud.Subnet](c, simcloud.KindSubnet, "SubnetId")
	if err != nil {
		return nil, err
	}
	return object{"return": true}, c.sim.DeleteSubnet(c.owner, s.ID)
}

func createGateway(c *call) (object, error) {
	r, err := c.sim.CreateRouter(simcloud.Object{Owner: c.owner, Meta: c.tags("internet-gateway")}, "")
	if err != nil {
		return nil, err
	}
	return object{"internetGateway": gateway(r)}, nil
}

func gateway(r *simcloud.Router) object {
	var at []object
	if r.Meta[metaVPC] != "" {
		at = append(at, object{"vpcId": out("vpc", r.Meta[metaVPC]), "state": "available"})
	}
	return object{"internetGatewayId": out("igw", r.ID), "attachmentSet": listOf("item", at), "tagSet": tagSet(r.Meta)}
}

func describeGateways(c *call) (object, error) {
	return described(c, simcloud.KindRouter, "InternetGatewayId", "internetGatewaySet", nil, gateway)
}

// attachment reads the gateway and the network of a call.
func (c *call) attachment() (*simcloud.Router, *simcloud.Network, error) {
	r, err := one[simcloud.Router](c, simcloud.KindRouter, "InternetGatewayId")
	if err != nil {
		return nil, nil, err
	}
	n, err := one[simcloud.Network](c, simcloud.KindNetwork, "VpcId")
	return r, n, err
}

// kept changes what an object keeps; "" forgets it.
func kept(meta map[string]string, key, value string) map[string]string {
	meta = maps.Clone(meta)
	if meta == nil {
		meta = map[string]string{}
	}
	if meta[key] = value; value == "" {
		delete(meta, key)
	}
	return meta
}

func attachGateway(c *call) (object, error) {
	r, n, err := c.attachment()
	if err != nil {
		return nil, err
	}
	other, err := c.attachedTo(n.ID)
	if err == nil && (other != nil || r.Meta[metaVPC] != "") {
		err = bad("Resource.AlreadyAssociated", "resource %s is already attached to network %s", out("igw", r.ID), out("vpc", n.ID))
	}
	if err != nil {
		return nil, err
	}
	_, err = simcloud.Edit(c.sim, c.owner, r.ID, func(r *simcloud.Router) error { r.Meta = kept(r.Meta, metaVPC, n.ID); return nil })
	return object{"return": true}, err
}

// detachGateway refuses while something on the network has a public address.
func detachGateway(c *call) (object, error) {
	r, n, err := c.attachment()
	if err == nil && r.Meta[metaVPC] != n.ID {
		err = bad("Gateway.NotAttached", "resource %s is not attached to network %s", out("igw", r.ID), out("vpc", n.ID))
	}
	if err != nil {
		return nil, err
	}
	bound, err := simcloud.List(c.sim, simcloud.Query{Owner: c.owner}, func(f *simcloud.FloatingIP) bool { return f.PortID != "" })
	if err != nil {
		return nil, err
	}
	for _, f := range bound {
		if p, err := simcloud.Get[simcloud.Port](c.sim, c.owner, f.PortID); err == nil && p.NetworkID == n.ID {
			return nil, bad("DependencyViolation", "Network %s has some mapped public address(es).", out("vpc", n.ID))
		}
	}
	_, err = simcloud.Edit(c.sim, c.owner, r.ID, func(r *simcloud.Router) error { r.Meta = kept(r.Meta, metaVPC, ""); return nil })
	return object{"return": true}, err
}

func deleteGateway(c *call) (object, error) {
	r, err := one[simcloud.Router](c, simcloud.KindRouter, "InternetGatewayId")
	if err == nil && r.Meta[metaVPC] != "" {
		err = bad("DependencyViolation", "The internetGateway has dependencies and cannot be deleted.")
	}
	if err != nil {
		return nil, err
	}
	return object{"return": true}, c.sim.DeleteRouter(c.owner, r.ID)
}

// describeRoutes shows the one route table that each network has.
func describeRoutes(c *call) (object, error) {
	of := c.filter("vpc-id")
	answer, err := described(c, simcloud.KindNetwork, "VpcId", "routeTableSet", func(n *simcloud.Network) bool {
		return !n.External && (of == "" || of == out("vpc", n.ID))
	}, func(n *simcloud.Network) object {
		routes := []object{{"destinationCidrBlock": n.CIDR, "gatewayId": "local", "state": "active"}}
		if n.Meta[metaRoute] != "" {
			routes = append(routes, object{"destinationCidrBlock": "0.0.0.0/0", "gatewayId": n.Meta[metaRoute], "state": "active"})
		}
		return object{"routeTableId": out("rtb", n.ID), "vpcId": out("vpc", n.ID), "routeSet": listOf("item", routes)}
	})
	return answer, err
}

func createRoute(c *call) (object, error) {
	id, err := in(simcloud.KindNetwork, strings.Replace(c.get("RouteTableId"), "rtb-", "vpc-", 1))
	if err != nil {
		return nil, bad("InvalidRouteTableID.NotFound", "The routeTable ID '%s' does not exist", c.get("RouteTableId"))
	}
	g, err := one[simcloud.Router](c, simcloud.KindRouter, "GatewayId")
	if err != nil {
		return nil, err
	}
	if g.Meta[metaVPC] != id {
		return nil, bad("InvalidParameterValue", "route table and network gateway belong to different networks")
	}
	_, err = simcloud.Edit(c.sim, c.owner, id, func(n *simcloud.Network) error {
		if n.Meta[metaRoute] != "" {
			return bad("RouteAlreadyExists", "The route identified by 0.0.0.0/0 already exists.")
		}
		n.Meta = kept(n.Meta, metaRoute, out("igw", g.ID))
		return nil
	})
	return object{"return": true}, err
}

// inZone refuses a zone that the region has not.
func (c *call) inZone(parameter string) error {
	for _, r := range c.sim.Regions() {
		for _, z := range r.Zones {
			if r.Name == c.owner.Region && z == c.get(parameter) {
				return nil
			}
		}
	}
	return bad("InvalidZone.NotFound", "The zone '%s' does not exist.", c.get(parameter))
}
