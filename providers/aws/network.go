package aws

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// networkKind is a VPC with a subnet over each half of its range: one in the zone of the line, the other in another zone,
// which databases cannot do without (a DB subnet group covers two zones at least). Its internet gateway lets what bears a
// public address be reached; what bears none is not.
type networkKind struct{ *Cloud }

func (n networkKind) kind() *table.Kind {
	subnets, gateways := n.subnets().shelf(), n.gateways().shelf()
	await := func(name string) driver.Step { return driver.Step{Name: name, Await: true} }
	return &table.Kind{
		Plans: table.Plans{Create: planNetwork, Delete: table.Fixed(await("detach-internet_gateway"), await("delete-internet_gateway"),
			await("delete-standby_subnet"), await("delete-subnet"), driver.Step{Name: "delete-network", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"network":                 {Run: n.makeVPC, Look: n.vpcs().shelf().LookMainMade},
			"subnet":                  {Run: n.makeSubnet("subnet"), Look: subnets.LookMade("subnet")},
			"standby_subnet":          {Run: n.makeSubnet("standby_subnet"), Look: subnets.LookMade("standby_subnet")},
			"internet_gateway":        {Run: n.makeGateway, Look: gateways.LookMade("internet_gateway")},
			"attach-internet_gateway": {Run: n.attach, Look: n.lookAttached},
			"route":                   {Run: n.makeRoute, Look: n.lookRoute},
			"detach-internet_gateway": {Run: n.detach, Look: n.lookDetached},
			"delete-internet_gateway": {Run: n.gateways().removal("internet_gateway", "DeleteInternetGateway", "InternetGatewayId"), Look: gateways.LookUnmade("internet_gateway")},
			"delete-standby_subnet":   {Run: n.subnets().removal("standby_subnet", "DeleteSubnet", "SubnetId"), Look: subnets.LookUnmade("standby_subnet")},
			"delete-subnet":           {Run: n.subnets().removal("subnet", "DeleteSubnet", "SubnetId"), Look: subnets.LookUnmade("subnet")},
			"delete-network":          {Run: n.vpcs().removal("", "DeleteVpc", "VpcId"), Look: n.vpcs().shelf().LookMainUnmade},
		},
		Reading: n.observe, Listing: n.vpcs().listed(vpc.observed),
		Parts: map[string]table.Shelf{"subnet": subnets, "standby_subnet": subnets, "internet_gateway": gateways},
	}
}

func planNetwork(c driver.Change) ([]driver.Step, error) {
	if _, err := half(c, "subnet"); err != nil {
		return nil, err
	}
	return []driver.Step{{Name: "network", Main: true, Await: true}, {Name: "subnet", Await: true}, {Name: "standby_subnet", Await: true},
		{Name: "internet_gateway"}, {Name: "attach-internet_gateway", Await: true}, {Name: "route"}}, nil
}

// half is the lower half of a network's range for its subnet, the upper for the standby's. Subnets are /16 to /28.
func half(c driver.Change, part string) (string, error) {
	all, err := netip.ParsePrefix(c.After.(duoyun.NetworkSpec).CIDR)
	if err != nil || !all.Addr().Is4() || all != all.Masked() || all.Bits() < 16 || all.Bits() > 27 {
		return "", table.Impossible("spec.cidr", "网段应为 /16 至 /27 的 IPv4 网段", "the CIDR is an IPv4 range of /16 to /27")
	}
	at := all.Addr().As4()
	if part == "standby_subnet" {
		at[all.Bits()/8] |= 0x80 >> (all.Bits() % 8)
	}
	return netip.PrefixFrom(netip.AddrFrom4(at), all.Bits()+1).String(), nil
}

// vpc is a VPC as DescribeVpcs shows it.
type vpc struct {
	ID    string `xml:"vpcId"`
	State string `xml:"state"`
	CIDR  string `xml:"cidrBlock"`
	Tags  tags   `xml:"tagSet>item"`
}

func (v vpc) key() string { return v.ID }

func (v vpc) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Tags.value(tagMark), State: netState(v.State), Detail: v.State}
}

// netState: VPCs and subnets are pending, then available; a subnet may fail.
func netState(state string) driver.ObservedState {
	switch state {
	case "pending":
		return driver.Building
	case "failed", "failed-insufficient-capacity":
		return driver.Errored
	}
	return driver.Active
}

func (v vpc) observed() driver.Observation {
	return driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Tags.value(tagMark)), Name: v.Tags.value(tagName), State: netState(v.State),
		Spec: duoyun.NetworkSpec{CIDR: v.CIDR}, Raw: raw(v)}
}

// subnet lies in one zone.
type subnet struct {
	ID    string `xml:"subnetId"`
	VpcID string `xml:"vpcId"`
	Zone  string `xml:"availabilityZone"`
	State string `xml:"state"`
	Tags  tags   `xml:"tagSet>item"`
}

func (v subnet) key() string { return v.ID }

func (v subnet) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Tags.value(tagMark), State: netState(v.State), Detail: v.State}
}

// gateway is an internet gateway, attached to one VPC or to none.
type gateway struct {
	ID       string `xml:"internetGatewayId"`
	Attached []struct {
		VpcID string `xml:"vpcId"`
		State string `xml:"state"`
	} `xml:"attachmentSet>item"`
	Tags tags `xml:"tagSet>item"`
}

func (v gateway) key() string { return v.ID }

func (v gateway) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Tags.value(tagMark), State: driver.Active}
}

// at is the VPC a gateway is attached to, with the attachment's state.
func (v gateway) at() (vpc, state string) {
	if len(v.Attached) == 0 {
		return "", ""
	}
	return v.Attached[0].VpcID, v.Attached[0].State
}

func (c *Cloud) vpcs() listing[vpc] {
	return listing[vpc]{cloud: c, service: ec2, action: "DescribeVpcs", list: "vpcSet", fits: begins("vpc-"), id: "VpcId.1"}
}

func (c *Cloud) subnets() listing[subnet] {
	return listing[subnet]{cloud: c, service: ec2, action: "DescribeSubnets", list: "subnetSet", fits: begins("subnet-"), id: "SubnetId.1", vouch: c.vpcs().exists}
}

func (c *Cloud) gateways() listing[gateway] {
	return listing[gateway]{cloud: c, service: ec2, action: "DescribeInternetGateways", list: "internetGatewaySet", fits: begins("igw-"), id: "InternetGatewayId.1", vouch: c.vpcs().exists}
}

func (n networkKind) makeVPC(ctx context.Context, c driver.Call) (driver.Reply, error) {
	in := params{"CidrBlock": c.After.(duoyun.NetworkSpec).CIDR}
	return n.create(ctx, ec2, "CreateVpc", in.labelled("vpc", c.Mark, table.Title(c.Change, longestName)), "vpc", "vpcId")
}

func (n networkKind) makeSubnet(part string) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		within, err := half(c.Change, part)
		if err != nil {
			return driver.Reply{}, err
		}
		network, err := n.vpcs().need(ctx, c.ID, c.Mark, "network")
		if err != nil {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		zone, other, err := n.zonesFor(ctx, c.Zone)
		if err != nil {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		if part == "standby_subnet" {
			zone = other
		}
		in := params{"VpcId": network.ID, "CidrBlock": within, "AvailabilityZone": zone}
		return n.create(ctx, ec2, "CreateSubnet", in.labelled("subnet", table.Note(c.Mark, part), table.Title(c.Change, longestName)), "subnet", "subnetId")
	}
}

func (n networkKind) makeGateway(ctx context.Context, c driver.Call) (driver.Reply, error) {
	in := params{}.labelled("internet-gateway", table.Note(c.Mark, "internet_gateway"), table.Title(c.Change, longestName))
	return n.create(ctx, ec2, "CreateInternetGateway", in, "internetGateway", "internetGatewayId")
}

// gateway finds the gateway of a call, and its network.
func (n networkKind) gateway(ctx context.Context, c driver.Call) (g gateway, network string, err error) {
	if g, err = n.gateways().need(ctx, c.Parts["internet_gateway"], table.Note(c.Mark, "internet_gateway"), "internet_gateway"); err != nil {
		return g, "", err
	}
	v, err := n.vpcs().need(ctx, c.ID, c.Mark, "network")
	return g, v.ID, err
}

func (n networkKind) attach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	g, network, err := n.gateway(ctx, c)
	if at, _ := g.at(); err != nil || at == network {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return n.change(ctx, ec2, "AttachInternetGateway", params{"InternetGatewayId": g.ID, "VpcId": network})
}

func (n networkKind) lookAttached(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	g, network, err := n.gateway(ctx, c)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch at, state := g.at(); {
		case at == "":
			return driver.Absent, "", ""
		case at != network:
			return driver.Conflict, "", at
		case state == "attaching":
			return driver.Pending, "", state
		}
		return driver.Done, "", ""
	})
}

func (n networkKind) detach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	g, ok, err := n.gateways().find(ctx, c.Parts["internet_gateway"], table.Note(c.Mark, "internet_gateway"))
	network, _ := g.at()
	if err != nil || !ok || network == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	reply, err := n.change(ctx, ec2, "DetachInternetGateway", params{"InternetGatewayId": g.ID, "VpcId": network})
	return reply, table.Ignoring(Code, err, driver.NotFound)
}

// lookDetached finds the gateway by listing where its id is lost; no gateway is attached to nothing.
func (n networkKind) lookDetached(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	g, ok, err := n.gateways().find(ctx, c.Parts["internet_gateway"], table.Note(c.Mark, "internet_gateway"))
	return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) {
		if at, state := g.at(); ok && at != "" {
			return driver.Absent, "", state
		}
		return driver.Done, "", ""
	})
}

// everywhere is where a default route leads.
const everywhere = "0.0.0.0/0"

// routes is a VPC's main route table, which every subnet without one of its own follows.
type routes struct {
	ID     string `xml:"routeTableId"`
	Routes []struct {
		To      string `xml:"destinationCidrBlock"`
		Gateway string `xml:"gatewayId"`
	} `xml:"routeSet>item"`
}

func (v routes) key() string        { return v.ID }
func (v routes) thing() table.Thing { return table.Thing{ID: v.ID, State: driver.Active} }

func (v routes) via() string {
	for _, r := range v.Routes {
		if r.To == everywhere {
			return r.Gateway
		}
	}
	return ""
}

func (n networkKind) mainRoutes(ctx context.Context, network string) (routes, error) {
	l := listing[routes]{cloud: n.Cloud, service: ec2, action: "DescribeRouteTables", list: "routeTableSet",
		more: params{"Filter.1.Name": "vpc-id", "Filter.1.Value.1": network, "Filter.2.Name": "association.main", "Filter.2.Value.1": "true"}}
	all, err := l.every(ctx)
	if err == nil && len(all) != 1 {
		err = table.Missing("network")
	}
	if err != nil {
		return routes{}, err
	}
	return all[0], nil
}

func (n networkKind) makeRoute(ctx context.Context, c driver.Call) (driver.Reply, error) {
	g, network, err := n.gateway(ctx, c)
	var main routes
	if err == nil {
		main, err = n.mainRoutes(ctx, network)
	}
	if err != nil || main.via() == g.ID {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return n.change(ctx, ec2, "CreateRoute", params{"RouteTableId": main.ID, "DestinationCidrBlock": everywhere, "GatewayId": g.ID})
}

func (n networkKind) lookRoute(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	g, network, err := n.gateway(ctx, c)
	var main routes
	if err == nil {
		main, err = n.mainRoutes(ctx, network)
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch main.via() {
		case g.ID:
			return driver.Done, "", ""
		case "":
			return driver.Absent, "", ""
		}
		return driver.Conflict, "", main.via()
	})
}

func (n networkKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := n.vpcs().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	return v.observed(), nil
}

// zonesFor is the availability zone of a network zone (the account's mapping, or the first of the region) and the first
// other one, for what stands by.
func (c *Cloud) zonesFor(ctx context.Context, name string) (zone, other string, err error) {
	all, err := c.zones(ctx)
	if err != nil {
		return "", "", err
	}
	if zone = c.account.Mapping.Zones[name]; zone == "" && len(all) > 0 {
		zone = all[0]
	}
	all = slices.DeleteFunc(all, func(z string) bool { return z == zone })
	if zone == "" || len(all) == 0 {
		return "", "", table.Impossible("zone", "地域 %s 没有两个可用区", "region %s has no two availability zones", c.account.Region)
	}
	return zone, all[0], nil
}

// zones are the region's availability zones in the order of their names, without local and wavelength zones.
func (c *Cloud) zones(ctx context.Context) ([]string, error) {
	answer, err := c.call(ctx, ec2, "DescribeAvailabilityZones", params{"Filter.1.Name": "zone-type", "Filter.1.Value.1": "availability-zone"})
	if err != nil {
		return nil, err
	}
	all, err := items[struct {
		Name  string `xml:"zoneName"`
		State string `xml:"zoneState"`
	}](answer, "availabilityZoneInfo")
	var names []string
	for _, z := range all {
		if z.State == "available" {
			names = append(names, z.Name)
		}
	}
	slices.Sort(names)
	return names, err
}

// subnetOf is the subnet of a platform network that a unit is put on, and the one that stands by.
func (c *Cloud) subnetOf(ctx context.Context, change driver.Change) (main, standby subnet, err error) {
	network, err := table.PlatformNetwork(change)
	if err != nil {
		return main, standby, err
	}
	l := c.subnets()
	l.more = params{"Filter.1.Name": "vpc-id", "Filter.1.Value.1": network.ID}
	all, err := l.every(ctx)
	for _, s := range all {
		switch _, part, _ := strings.Cut(s.Tags.value(tagMark), " "); part {
		case "subnet":
			main = s
		case "standby_subnet":
			standby = s
		}
	}
	if err == nil && main.ID == "" {
		err = table.Missing("subnet")
	}
	return main, standby, table.Unsent(Code, err)
}
