package ctyun

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// networkKind is a VPC with one subnet over its whole range.
type networkKind struct{ *Cloud }

// network is a VPC as the vendor shows it.
type network struct {
	ID          string `json:"vpcID"`
	Name        string `json:"name"`
	Description string `json:"description"`
	CIDR        string `json:"CIDR"`
	CreatedAt   text   `json:"createdAt"`
}

// subnet is a subnet as the vendor shows it.
type subnet struct {
	ID          string `json:"subnetID"`
	Description string `json:"description"`
	NetworkID   string `json:"vpcID"`
}

func (n networkKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{
			Create: table.Fixed(driver.Step{Name: "network", Main: true, Await: true}, driver.Step{Name: "subnet", Await: true}),
			Delete: table.Fixed(driver.Step{Name: "delete-subnet", Await: true}, driver.Step{Name: "delete-network", Main: true, Await: true}),
		},
		Verbs: map[string]table.Verb{
			"network": {Run: n.create, Look: n.networks().table().LookMainMade, Token: true},
			"subnet":  {Run: n.createSubnet, Look: n.subnets().table().LookMade("subnet"), Token: true},
			"delete-subnet": {Look: n.subnets().table().LookUnmade("subnet"), Run: n.subnets().remove("subnet", func(c driver.Call, v subnet) request {
				return post(vpc, "/v4/vpc/delete-subnet", args{"clientToken": token(c), "subnetID": v.ID})
			})},
			"delete-network": {Look: n.networks().table().LookMainUnmade, Run: n.networks().remove("", func(c driver.Call, v network) request {
				return post(vpc, "/v4/vpc/delete", args{"clientToken": token(c), "vpcID": v.ID})
			})},
		},
		Reading: func(ctx context.Context, id string) (driver.Observation, error) {
			v, err := n.networks().read(ctx, id)
			return observedNetwork(v), err
		},
		Listing: n.networks().observations(func(v network) (driver.Observation, bool) { return observedNetwork(v), true }),
		Parts:   map[string]table.Shelf{"subnet": n.subnets().table()},
	}
}

// create names the VPC by its mark: names take letters, digits, underscores and dashes only.
func (n networkKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	return n.mutate(ctx, post(vpc, "/v4/vpc/create", n.project(args{"clientToken": token(c), "name": brief(c.Mark), "description": c.Mark,
		"CIDR": c.After.(duoyun.NetworkSpec).CIDR, "enableIpv6": false})), "vpcID")
}

func (n networkKind) createSubnet(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := n.networks().table().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if id == "" {
		return driver.Reply{}, table.Missing("network")
	}
	return n.mutate(ctx, post(vpc, "/v4/vpc/create-subnet", args{"clientToken": token(c), "vpcID": id, "name": brief(c.Mark),
		"description": table.Note(c.Mark, "subnet"), "CIDR": c.After.(duoyun.NetworkSpec).CIDR, "enableIpv6": false, "subnetType": "common"}), "subnetID")
}

func (c *Cloud) networks() shelf[network] {
	return shelf[network]{Cloud: c, list: get(vpc, "/v4/vpc/new-list", nil), member: "vpcs", size: 50,
		show: func(id string) request { return get(vpc, "/v4/vpc/query", args{"vpcID": id}) },
		view: func(v network) table.Thing {
			return table.Thing{ID: v.ID, Note: v.Description, State: driver.Active}
		}}
}

func (c *Cloud) subnets() shelf[subnet] {
	return shelf[subnet]{Cloud: c, list: get(vpc, "/v4/vpc/new-list-subnet", nil), member: "subnets", size: 50,
		show: func(id string) request { return get(vpc, "/v4/vpc/query-subnet", args{"subnetID": id}) },
		view: func(v subnet) table.Thing {
			return table.Thing{ID: v.ID, Note: v.Description, State: driver.Active}
		}}
}

func observedNetwork(v network) driver.Observation {
	return driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: driver.Active, CreatedAt: v.CreatedAt.when(),
		Spec: duoyun.NetworkSpec{CIDR: v.CIDR}, Raw: raw(map[string]any{"name": v.Name, "cidr": v.CIDR})}
}

// subnetOf is the subnet that a unit on the platform network is put into.
func (c *Cloud) subnetOf(ctx context.Context, on driver.Link) (string, error) {
	if id := on.Parts["subnet"]; id != "" {
		return id, nil
	}
	s := c.subnets()
	s.list.args = args{"vpcID": on.ID}
	all, _, _, err := s.page(ctx, "")
	if err != nil {
		return "", table.Unsent(Code, err)
	}
	for _, v := range all {
		if v.NetworkID == on.ID {
			return v.ID, nil
		}
	}
	return "", table.Missing("subnet")
}

// group is a security group as the vendor shows it, alone or in a listing.
type group struct {
	ID          string `json:"id"`
	Name        string `json:"securityGroupName"`
	Description string `json:"description"`
	Rules       []rule `json:"securityGroupRuleList"`
}

// rule is a rule of a security group.
type rule struct {
	ID        string `json:"id"`
	Direction string `json:"direction"`
	Protocol  string `json:"protocol"`
	Range     string `json:"range"`
	Action    string `json:"action"`
}

// opens returns the one TCP port a rule lets in, or 0.
func (r rule) opens() int {
	port, err := strconv.Atoi(r.Range)
	if err != nil || r.Direction != "ingress" || r.Action != "accept" || !strings.EqualFold(r.Protocol, "tcp") {
		return 0
	}
	return port
}

func (c *Cloud) groups() shelf[group] {
	return shelf[group]{Cloud: c, list: get(vpc, "/v4/vpc/new-query-security-groups", nil), member: "securityGroups", size: 50,
		show: func(id string) request {
			return get(vpc, "/v4/vpc/describe-security-group-attribute", args{"securityGroupID": id, "direction": "all"})
		},
		view: func(v group) table.Thing {
			return table.Thing{ID: v.ID, Note: v.Description, State: driver.Active}
		}}
}

// guarded adds the verbs of a unit's security group, named by the mark, which a server's listing shows. vouch reads the unit
// that a look at groups has for its sentinel.
func (c *Cloud) guarded(verbs map[string]table.Verb, vouch func(context.Context, string) (bool, error)) map[string]table.Verb {
	const part = "security_group"
	shelf := c.groups().table()
	shelf.Vouch = vouch
	verbs[part] = table.Verb{Look: shelf.LookMade(part),
		Run: func(ctx context.Context, call driver.Call) (driver.Reply, error) {
			on, err := table.PlatformNetwork(call.Change)
			if err != nil {
				return driver.Reply{}, err
			}
			return c.mutate(ctx, post(vpc, "/v4/vpc/create-security-group", c.project(args{"clientToken": token(call), "vpcID": on.ID,
				"name": call.Mark, "description": table.Note(call.Mark, part)})), "securityGroupID")
		}}
	verbs["rule"] = table.Verb{Run: c.makeRule, Look: c.lookRule}
	verbs["delete-"+part] = table.Verb{Look: shelf.LookUnmade(part),
		Run: c.groups().remove(part, func(call driver.Call, v group) request {
			return post(vpc, "/v4/vpc/delete-security-group", args{"clientToken": token(call), "securityGroupID": v.ID})
		})}
	return verbs
}

// guards are the steps that make a security group and open its ports, each once and lowest first.
func guards(ports []int) []driver.Step {
	return append([]driver.Step{{Name: "security_group", Await: true}}, table.Rules(ports)...)
}

// groupOf is the security group of a call's unit, and the port of a step "rule:443".
func (c *Cloud) groupOf(ctx context.Context, call driver.Call) (*group, string, error) {
	_, port, _ := strings.Cut(call.Step, ":")
	g, err := c.groups().noted(ctx, call.Parts["security_group"], table.Note(call.Mark, "security_group"))
	if err == nil && g == nil {
		err = table.Missing("security_group")
	}
	return g, port, err
}

func (c *Cloud) makeRule(ctx context.Context, call driver.Call) (driver.Reply, error) {
	g, port, err := c.groupOf(ctx, call)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if slices.ContainsFunc(g.Rules, func(r rule) bool { return strconv.Itoa(r.opens()) == port }) {
		return driver.Reply{}, nil
	}
	return c.mutate(ctx, post(vpc, "/v4/vpc/create-security-group-ingress", args{"clientToken": token(call), "securityGroupID": g.ID,
		"securityGroupRules": []args{{"direction": "ingress", "remoteType": 0, "action": "accept", "priority": 1, "protocol": "TCP",
			"ethertype": "IPv4", "destCidrIp": "0.0.0.0/0", "range": port}}}), "")
}

func (c *Cloud) lookRule(ctx context.Context, call driver.Call) (driver.Evidence, error) {
	g, port, err := c.groupOf(ctx, call)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		for _, r := range g.Rules {
			if strconv.Itoa(r.opens()) == port {
				return driver.Done, r.ID, ""
			}
		}
		return driver.Absent, "", ""
	})
}

// openPorts reads what a group lets in; empty but not nil when it is closed.
func (c *Cloud) openPorts(ctx context.Context, group string) ([]int, error) {
	g, err := c.groups().read(ctx, group)
	open := []int{}
	for _, r := range g.Rules {
		if p := r.opens(); p > 0 {
			open = append(open, p)
		}
	}
	slices.Sort(open)
	return open, err
}
