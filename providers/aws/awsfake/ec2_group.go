package awsfake

import (
	"errors"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func groupActions() []action {
	return []action{
		{service: "ec2", name: "CreateSecurityGroup", needs: "GroupName GroupDescription", takes: "VpcId" + tagging, do: createGroup},
		{service: "ec2", name: "DescribeSecurityGroups", takes: "GroupId.N" + filters, do: describeGroups},
		{service: "ec2", name: "AuthorizeSecurityGroupIngress", needs: "GroupId IpPermissions.N.IpProtocol IpPermissions.N.FromPort:int IpPermissions.N.ToPort:int",
			takes: "IpPermissions.N.IpRanges.N.CidrIp:cidr IpPermissions.N.IpRanges.N.Description", do: authorize},
		{service: "ec2", name: "DeleteSecurityGroup", needs: "GroupId", do: deleteGroup},
	}
}

func createGroup(c *call) (object, error) {
	n, err := one[simcloud.Network](c, simcloud.KindNetwork, "VpcId")
	if err != nil {
		return nil, err
	}
	same, err := simcloud.List(c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Named(c.get("GroupName"))}}, func(g *simcloud.Group) bool { return g.NetworkID == n.ID })
	if err == nil && len(same) > 0 {
		err = bad("InvalidGroup.Duplicate", "The security group '%s' already exists for VPC '%s'", c.get("GroupName"), c.get("VpcId"))
	}
	if err != nil {
		return nil, err
	}
	g, err := c.sim.CreateVPCGroup(simcloud.Object{Owner: c.owner, Name: c.get("GroupName"), Description: c.get("GroupDescription"), Meta: c.tags("security-group")}, n.ID)
	if err != nil {
		return nil, err
	}
	return object{"groupId": out("sg", g.ID), "return": true}, nil
}

func describeGroups(c *call) (object, error) {
	return described(c, simcloud.KindGroup, "GroupId", "securityGroupInfo", func(g *simcloud.Group) bool { return !g.Default }, func(g *simcloud.Group) object {
		var rules []object
		for _, r := range c.sim.Rules(g.ID) {
			if r.Ingress {
				rules = append(rules, object{"ipProtocol": r.Protocol, "fromPort": r.PortMin, "toPort": r.PortMax,
					"ipRanges": listOf("item", []object{{"cidrIp": r.RemoteCIDR, "description": r.Description}})})
			}
		}
		return object{"groupId": out("sg", g.ID), "groupName": g.Name, "groupDescription": g.Description, "vpcId": out("vpc", g.NetworkID),
			"ipPermissions": listOf("item", rules), "tagSet": tagSet(g.Meta)}
	})
}

func authorize(c *call) (object, error) {
	g, err := one[simcloud.Group](c, simcloud.KindGroup, "GroupId")
	if err != nil {
		return nil, err
	}
	low, high := int(c.number("IpPermissions.1.FromPort")), int(c.number("IpPermissions.1.ToPort"))
	if low < 1 || high < low || high > 65535 || c.get("IpPermissions.1.IpProtocol") != "tcp" || c.get("IpPermissions.1.IpRanges.1.CidrIp") == "" {
		return nil, bad("InvalidParameterValue", "Invalid rule")
	}
	_, err = c.sim.CreateRule(simcloud.GroupRule{Object: simcloud.Object{Owner: c.owner, Description: c.get("IpPermissions.1.IpRanges.1.Description")}, GroupID: g.ID,
		Ingress: true, Protocol: "tcp", PortMin: low, PortMax: high, RemoteCIDR: c.get("IpPermissions.1.IpRanges.1.CidrIp")})
	return object{"return": true}, err
}

func deleteGroup(c *call) (object, error) {
	g, err := one[simcloud.Group](c, simcloud.KindGroup, "GroupId")
	if err != nil {
		return nil, err
	}
	err = c.sim.DeleteGroup(c.owner, g.ID)
	var e *simcloud.Error
	if errors.As(err, &e) && e.Reason == simcloud.InUse {
		err = bad("DependencyViolation", "resource %s has a dependent object", c.get("GroupId"))
	}
	return object{"return": true}, err
}
