package tencent

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// networkKind is a VPC with one subnet of the same range. Neither has a client token: the mark proves what was made.
type networkKind struct{ *Cloud }

func (n networkKind) kind() *table.Kind {
	vpcs, subnets := n.vpcs(), n.subnets()
	return &table.Kind{
		Plans: table.Plans{Create: n.planCreate, Delete: table.Fixed(driver.Step{Name: "delete-subnet"}, driver.Step{Name: "delete-network", Main: true})},
		Verbs: map[string]table.Verb{
			"network": {Run: n.act("vpc", "CreateVpc", "Vpc.VpcId", makeVPC), Look: vpcs.plain().LookMainMade},
			"subnet":  {Run: n.act("vpc", "CreateSubnet", "Subnet.SubnetId", vpcs.unless(never, n.makeSubnet)), Look: subnets.plain().LookMade("subnet")},
			"delete-subnet": {Look: subnets.plain().LookUnmade("subnet"),
				Run: n.removal(subnets, "subnet", "vpc", "DeleteSubnet", func(id string) params { return params{"SubnetId": id} })},
			"delete-network": {Look: vpcs.plain().LookMainUnmade,
				Run: n.removal(vpcs, "", "vpc", "DeleteVpc", func(id string) params { return params{"VpcId": id} })},
		},
		Reading: vpcs.observe, Listing: vpcs.list, Parts: map[string]table.Shelf{"subnet": subnets.plain()},
	}
}

func (n networkKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if c.After.(duoyun.NetworkSpec).CIDR == "" {
		return nil, table.Impossible("spec.cidr", "网络没有网段", "the network has no CIDR")
	}
	_, err := n.zone(c.Zone)
	return []driver.Step{{Name: "network", Main: true}, {Name: "subnet"}}, err
}

func makeVPC(_ context.Context, c driver.Call) (params, error) {
	return params{"VpcName": title(c.Change, 60), "CidrBlock": c.After.(duoyun.NetworkSpec).CIDR, "Tags": tags(tagMark, c.Mark)}, nil
}

func (n networkKind) makeSubnet(c driver.Call, vpc seen) (params, error) {
	zone, err := n.zone(c.Zone)
	return params{"VpcId": vpc.ID, "SubnetName": table.Note(c.Mark, "subnet"), "CidrBlock": c.After.(duoyun.NetworkSpec).CIDR, "Zone": zone}, err
}

func (c *Cloud) vpcs() rack {
	return listing{product: "vpc", action: "DescribeVpcs", member: "VpcSet", ids: "VpcIds", prefix: "vpc-", text: true, view: entry(func(v struct {
		VpcId, VpcName, CidrBlock, CreatedTime string
		IsDefault                              bool
		TagSet                                 []tag
	}) seen {
		return seen{Observation: driver.Observation{ID: v.VpcId, Mark: markOf(v.TagSet, ""), Name: v.VpcName, State: driver.Active,
			Spec: duoyun.NetworkSpec{CIDR: v.CidrBlock}, CreatedAt: moment(v.CreatedTime), Raw: raw(params{"default": v.IsDefault})}}
	})}.rack(c)
}

func (c *Cloud) subnets() rack {
	r := listing{product: "vpc", action: "DescribeSubnets", member: "SubnetSet", ids: "SubnetIds", prefix: "subnet-", text: true, view: entry(func(v struct {
		SubnetId, SubnetName string
	}) seen {
		return seen{Observation: driver.Observation{ID: v.SubnetId, Mark: noteOf(v.SubnetName), State: driver.Active}}
	})}.rack(c)
	r.vouch = func(ctx context.Context, id string) (bool, error) {
		v, err := c.vpcs().get(ctx, id)
		return v.ID != "", table.Ignoring(Code, err, driver.NotFound)
	}
	return r
}
