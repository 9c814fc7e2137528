package aliyunfake

import (
	"net/netip"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func networkActions() []action {
	return []action{
		{product: "Vpc", name: "CreateVpc", takes: "CidrBlock:cidr VpcName Description", token: "ClientToken", do: createVPC},
		{product: "Vpc", name: "DescribeVpcs", takes: "VpcId" + pages, do: describeVPCs},
		{product: "Vpc", name: "DeleteVpc", needs: "VpcId", do: func(c *call) (object, error) {
			return object{}, c.sim.DeleteVPC(c.owner, c.get("VpcId"))
		}},
		{product: "Vpc", name: "CreateVSwitch", needs: "VpcId CidrBlock:cidr ZoneId", takes: "VSwitchName Description", token: "ClientToken", do: createVSwitch},
		{product: "Vpc", name: "DescribeVSwitches", takes: "VSwitchId VpcId" + pages, do: describeVSwitches},
		{product: "Vpc", name: "DeleteVSwitch", needs: "VSwitchId", do: func(c *call) (object, error) {
			return object{}, c.sim.DeleteSubnet(c.owner, c.get("VSwitchId"))
		}},
	}
}

// described checks a description as the products do: it begins with a letter and is no link.
func (c *call) described() error {
	d := c.get("Description")
	if d != "" && (len(d) < 2 || len(d) > 256 || d[0] < 'A' || d[0] > 'z') {
		return invalid("Description", "The specified description is not valid.")
	}
	return nil
}

func createVPC(c *call) (object, error) {
	if err := c.described(); err != nil {
		return nil, err
	}
	cidr, err := netip.ParsePrefix(either(c.get("CidrBlock") != "", c.get("CidrBlock"), "172.16.0.0/12"))
	if err != nil || cidr.Bits() < 8 || cidr.Bits() > 28 || !cidr.Addr().IsPrivate() {
		return nil, invalid("CidrBlock", "Specified CIDR block is not valid.")
	}
	n, err := c.sim.CreateVPC(simcloud.Object{Owner: c.owner, Name: c.get("VpcName"), Description: c.get("Description")}, cidr)
	if err != nil {
		return nil, err
	}
	return object{"VpcId": n.ID, "VRouterId": "vrt-" + n.ID, "RouteTableId": "vtb-" + n.ID, "ResourceGroupId": "rg-default"}, nil
}

func describeVPCs(c *call) (object, error) {
	all, err := find[simcloud.Network](c, "VpcId", nil)
	if err != nil {
		return nil, err
	}
	return paged(c, all, "Vpcs", "Vpc", func(n *simcloud.Network) object {
		return object{"VpcId": n.ID, "VpcName": n.Name, "Description": n.Description, "CidrBlock": n.CIDR.String(), "Status": "Available",
			"CreationTime": seconds(n.Created), "RegionId": n.Region, "IsDefault": false}
	})
}

func createVSwitch(c *call) (object, error) {
	if err := c.described(); err != nil {
		return nil, err
	}
	if err := c.inZone("ZoneId"); err != nil {
		return nil, err
	}
	cidr, err := netip.ParsePrefix(c.get("CidrBlock"))
	if err != nil || cidr.Bits() < 16 || cidr.Bits() > 29 {
		return nil, invalid("CidrBlock", "Specified CIDR block is not valid.")
	}
	s, err := c.sim.CreateSubnet(simcloud.Subnet{Object: simcloud.Object{Owner: c.owner, Zone: c.get("ZoneId"), Name: c.get("VSwitchName"),
		Description: c.get("Description")}, NetworkID: c.get("VpcId"), CIDR: cidr, Gateway: cidr.Addr().Next(), DHCP: true})
	if err != nil {
		return nil, err
	}
	return object{"VSwitchId": s.ID}, nil
}

func describeVSwitches(c *call) (object, error) {
	all, err := find(c, "VSwitchId", func(s *simcloud.Subnet) bool { return c.get("VpcId") == "" || s.NetworkID == c.get("VpcId") })
	if err != nil {
		return nil, err
	}
	return paged(c, all, "VSwitches", "VSwitch", func(s *simcloud.Subnet) object {
		return object{"VSwitchId": s.ID, "VSwitchName": s.Name, "Description": s.Description, "VpcId": s.NetworkID, "CidrBlock": s.CIDR.String(),
			"ZoneId": s.Zone, "Status": "Available", "CreationTime": seconds(s.Created)}
	})
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
	return refuse(404, "InvalidZoneId.NotFound", "The specified zone does not exist.")
}
