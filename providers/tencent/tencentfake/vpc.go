package tencentfake

import (
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func vpcActions() map[string]action {
	return map[string]action{
		"vpc/CreateVpc":                       on((*call).createVPC),
		"vpc/DescribeVpcs":                    on((*call).describeVPCs),
		"vpc/DeleteVpc":                       on((*call).deleteVPC),
		"vpc/CreateSubnet":                    on((*call).createSubnet),
		"vpc/DescribeSubnets":                 on((*call).describeSubnets),
		"vpc/DeleteSubnet":                    on((*call).deleteSubnet),
		"vpc/CreateSecurityGroupWithPolicies": on((*call).createGroup),
		"vpc/DescribeSecurityGroups":          on((*call).describeGroups),
		"vpc/DescribeSecurityGroupPolicies":   on((*call).describePolicies),
		"vpc/DeleteSecurityGroup":             on((*call).deleteGroup),
	}
}

func vpcWords(err error) error { return words(err, nil) }

// textPage is how VPC's older actions page: by strings.
type textPage struct{ Offset, Limit string }

func (p textPage) numbers() (paging, error) {
	offset, err1 := strconv.Atoi("0" + p.Offset)
	limit, err2 := strconv.Atoi("0" + p.Limit)
	if errors.Join(err1, err2) != nil {
		return paging{}, refuse("InvalidParameterValue.Malformed", "Offset and Limit are numbers as text")
	}
	return paging{offset, limit}, nil
}

func (c *call) createVPC(in struct {
	VpcName   string `need:""`
	CidrBlock string `need:""`
	Tags      []tag
}) (object, error) {
	cidr, err := netip.ParsePrefix(in.CidrBlock)
	if err != nil || !cidr.Addr().IsPrivate() || cidr.Bits() > 28 {
		return nil, refuse("InvalidParameterValue.VpcCidr", "%s is no private range of at most 28 bits", in.CidrBlock)
	}
	n, err := c.sim.CreateVPC(simcloud.Object{Owner: c.owner, Name: in.VpcName, Meta: meta(in.Tags)}, cidr)
	if err != nil {
		return nil, vpcWords(err)
	}
	return object{"Vpc": c.viewVPC(n)}, nil
}

func (c *call) viewVPC(n *simcloud.Network) object {
	return object{"VpcId": "vpc-" + n.ID, "VpcName": n.Name, "CidrBlock": n.CIDR.String(), "IsDefault": false, "CreatedTime": beijing(n.Created), "TagSet": tags(n.Meta, "Key", "Value")}
}

func (c *call) describeVPCs(in struct {
	VpcIds        []string
	Offset, Limit string
}) (object, error) {
	p, err := textPage{in.Offset, in.Limit}.numbers()
	if err != nil {
		return nil, err
	}
	return listed(c, "VpcSet", in.VpcIds, "vpc-", p, nil, (*call).viewVPC)
}

func (c *call) deleteVPC(in struct {
	VpcId string `need:""`
}) (object, error) {
	id, err := bare(in.VpcId, "vpc-", "InvalidParameterValue.Malformed")
	if err != nil {
		return nil, err
	}
	return object{}, vpcWords(c.sim.DeleteVPC(c.owner, id))
}

func (c *call) createSubnet(in struct {
	VpcId      string `need:""`
	SubnetName string `need:""`
	CidrBlock  string `need:""`
	Zone       string `need:""`
}) (object, error) {
	vpc, err := bare(in.VpcId, "vpc-", "InvalidParameterValue.Malformed")
	if err != nil {
		return nil, err
	}
	cidr, err := netip.ParsePrefix(in.CidrBlock)
	if err != nil {
		return nil, refuse("InvalidParameterValue.SubnetRange", "%v", err)
	}
	all, err := simcloud.List[simcloud.Subnet](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Of(simcloud.KindNetwork, vpc)}}, nil)
	for _, s := range all {
		if s.CIDR.Overlaps(cidr) {
			return nil, refuse("InvalidParameterValue.SubnetConflict", "the range is that of %s", s.Name)
		}
	}
	if err != nil {
		return nil, vpcWords(err)
	}
	s, err := c.sim.CreateSubnet(simcloud.Subnet{Object: simcloud.Object{Owner: c.owner, Name: in.SubnetName, Zone: in.Zone}, NetworkID: vpc, CIDR: cidr, Gateway: cidr.Addr().Next(), DHCP: true})
	if err != nil {
		return nil, words(err, map[simcloud.Reason]string{simcloud.Invalid: "InvalidParameterValue.SubnetRange"})
	}
	return object{"Subnet": c.viewSubnet(s)}, nil
}

func (c *call) viewSubnet(s *simcloud.Subnet) object {
	return object{"SubnetId": "subnet-" + s.ID, "SubnetName": s.Name, "VpcId": "vpc-" + s.NetworkID, "CidrBlock": s.CIDR.String(), "Zone": s.Zone, "CreatedTime": beijing(s.Created), "TagSet": []object{}}
}

func (c *call) describeSubnets(in struct {
	SubnetIds     []string
	Offset, Limit string
}) (object, error) {
	p, err := textPage{in.Offset, in.Limit}.numbers()
	if err != nil {
		return nil, err
	}
	return listed(c, "SubnetSet", in.SubnetIds, "subnet-", p, nil, (*call).viewSubnet)
}

func (c *call) deleteSubnet(in struct {
	SubnetId string `need:""`
}) (object, error) {
	id, err := bare(in.SubnetId, "subnet-", "InvalidParameterValue.Malformed")
	if err != nil {
		return nil, err
	}
	return object{}, vpcWords(c.sim.DeleteSubnet(c.owner, id))
}

// policy is a rule of a security group.
type policy struct{ Protocol, Port, CidrBlock, Action, PolicyDescription string }

// createGroup makes a group with what it lets in. The simulated cloud's groups let everything out by themselves, VPC's only
// where they are told to, so that a group that is not told is refused here.
func (c *call) createGroup(in struct {
	GroupName              string `need:""`
	GroupDescription       string `need:""`
	SecurityGroupPolicySet struct{ Egress, Ingress []policy }
}) (object, error) {
	if out := in.SecurityGroupPolicySet.Egress; len(out) != 1 || out[0] != (policy{Protocol: "ALL", CidrBlock: "0.0.0.0/0", Action: "ACCEPT"}) {
		return nil, refuse("UnsupportedOperation", "this cloud's groups let everything out")
	}
	var open []simcloud.GroupRule
	for _, p := range in.SecurityGroupPolicySet.Ingress {
		port, err := strconv.Atoi(p.Port)
		if err != nil || p.Action != "ACCEPT" || !strings.EqualFold(p.Protocol, "tcp") {
			return nil, refuse("InvalidParameterValue.Malformed", "a rule is a TCP port that is accepted")
		}
		open = append(open, simcloud.GroupRule{Ingress: true, Protocol: "tcp", PortMin: port, PortMax: port, RemoteCIDR: p.CidrBlock})
	}
	g, err := c.sim.CreateGroup(simcloud.Object{Owner: c.owner, Name: in.GroupName, Description: in.GroupDescription})
	if err != nil {
		return nil, vpcWords(err)
	}
	for _, r := range open {
		r.Owner, r.GroupID = c.owner, g.ID
		if _, err := c.sim.CreateRule(r); err != nil {
			_ = c.sim.DeleteGroup(c.owner, g.ID) // all or nothing
			return nil, words(err, map[simcloud.Reason]string{simcloud.Exists: "UnsupportedOperation.DuplicatePolicy"})
		}
	}
	return object{"SecurityGroup": c.viewGroup(g)}, nil
}

func (c *call) viewGroup(g *simcloud.Group) object {
	return object{"SecurityGroupId": "sg-" + g.ID, "SecurityGroupName": g.Name, "SecurityGroupDesc": g.Description, "IsDefault": g.Default, "CreatedTime": beijing(g.Created), "TagSet": []object{}}
}

func (c *call) describeGroups(in struct {
	SecurityGroupIds []string
	Offset, Limit    string
}) (object, error) {
	p, err := textPage{in.Offset, in.Limit}.numbers()
	if err != nil {
		return nil, err
	}
	return listed(c, "SecurityGroupSet", in.SecurityGroupIds, "sg-", p, nil, (*call).viewGroup)
}

// group reads the group an action is about.
func (c *call) group(given string) (string, error) {
	id, err := bare(given, "sg-", "InvalidSecurityGroupID.Malformed")
	if err != nil {
		return "", err
	}
	_, err = simcloud.Get[simcloud.Group](c.sim, c.owner, id)
	return id, words(err, map[simcloud.Reason]string{simcloud.Missing: "InvalidSecurityGroupID.NotFound"})
}

func (c *call) describePolicies(in struct {
	SecurityGroupId string `need:""`
}) (object, error) {
	id, err := c.group(in.SecurityGroupId)
	if err != nil {
		return nil, err
	}
	ingress, egress := []object{}, []object{}
	for i, r := range c.sim.Rules(id) {
		p := object{"PolicyIndex": i, "Protocol": strings.ToUpper(r.Protocol), "Port": strconv.Itoa(r.PortMin), "CidrBlock": r.RemoteCIDR, "Action": "ACCEPT"}
		if r.Protocol == "" {
			p["Protocol"], p["Port"] = "ALL", "ALL"
		}
		if r.Ingress {
			ingress = append(ingress, p)
		} else {
			egress = append(egress, p)
		}
	}
	return object{"SecurityGroupPolicySet": object{"Version": "1", "Ingress": ingress, "Egress": egress}}, nil
}

func (c *call) deleteGroup(in struct {
	SecurityGroupId string `need:""`
}) (object, error) {
	id, err := c.group(in.SecurityGroupId)
	if err != nil {
		return nil, err
	}
	return object{}, vpcWords(c.sim.DeleteGroup(c.owner, id))
}
