package aliyunfake

import (
	"errors"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func groupActions() []action {
	return []action{
		{product: "Ecs", name: "CreateSecurityGroup", takes: "VpcId SecurityGroupName Description", token: "ClientToken", do: createGroup},
		{product: "Ecs", name: "DescribeSecurityGroups", takes: "SecurityGroupIds:list VpcId" + pages, do: describeGroups},
		{product: "Ecs", name: "DescribeSecurityGroupAttribute", needs: "SecurityGroupId", takes: "NicType Direction", do: describeGroup},
		{product: "Ecs", name: "AuthorizeSecurityGroup", needs: "SecurityGroupId IpProtocol PortRange SourceCidrIp:cidr", takes: "NicType Policy Priority:int Description",
			token: "ClientToken", do: authorize},
		{product: "Ecs", name: "DeleteSecurityGroup", needs: "SecurityGroupId", do: func(c *call) (object, error) {
			return object{}, c.sim.DeleteGroup(c.owner, c.get("SecurityGroupId"))
		}},
	}
}

func createGroup(c *call) (object, error) {
	if err := c.described(); err != nil {
		return nil, err
	}
	g, err := c.sim.CreateVPCGroup(simcloud.Object{Owner: c.owner, Name: c.get("SecurityGroupName"), Description: c.get("Description")}, c.get("VpcId"))
	if err != nil {
		return nil, err
	}
	return object{"SecurityGroupId": g.ID}, nil
}

func describeGroups(c *call) (object, error) {
	all, err := find(c, "SecurityGroupIds", func(g *simcloud.Group) bool {
		return !g.Default && (c.get("VpcId") == "" || g.NetworkID == c.get("VpcId"))
	})
	if err != nil {
		return nil, err
	}
	return paged(c, all, "SecurityGroups", "SecurityGroup", func(g *simcloud.Group) object {
		return object{"SecurityGroupId": g.ID, "SecurityGroupName": g.Name, "Description": g.Description, "VpcId": g.NetworkID, "CreationTime": seconds(g.Created)}
	})
}

func describeGroup(c *call) (object, error) {
	g, err := simcloud.Get[simcloud.Group](c.sim, c.owner, c.get("SecurityGroupId"))
	if err != nil {
		return nil, err
	}
	rules := []object{}
	for _, r := range c.sim.Rules(g.ID) {
		if r.Ingress {
			ports := strconv.Itoa(r.PortMin) + "/" + strconv.Itoa(r.PortMax)
			rules = append(rules, object{"IpProtocol": strings.ToUpper(r.Protocol), "PortRange": ports, "SourceCidrIp": r.RemoteCIDR, "Policy": "Accept", "Direction": "ingress",
				"NicType": "intranet", "Description": r.Description, "CreateTime": seconds(r.Created)})
		}
	}
	return object{"SecurityGroupId": g.ID, "SecurityGroupName": g.Name, "Description": g.Description, "VpcId": g.NetworkID, "Permissions": object{"Permission": rules}}, nil
}

// authorize: a rule that is there already is no error and no second rule.
func authorize(c *call) (object, error) {
	from, to, ok := strings.Cut(c.get("PortRange"), "/")
	low, err1 := strconv.Atoi(from)
	high, err2 := strconv.Atoi(to)
	if !ok || err1 != nil || err2 != nil || low < 1 || high < low || high > 65535 || c.get("IpProtocol") != "tcp" {
		return nil, invalid("PortRange", "The parameter PortRange is not valid.")
	}
	_, err := c.sim.CreateRule(simcloud.GroupRule{Object: simcloud.Object{Owner: c.owner, Description: c.get("Description")}, GroupID: c.get("SecurityGroupId"), Ingress: true,
		Protocol: "tcp", PortMin: low, PortMax: high, RemoteCIDR: c.get("SourceCidrIp")})
	var e *simcloud.Error
	if errors.As(err, &e) && e.Reason == simcloud.Exists {
		err = nil
	}
	return object{}, err
}
