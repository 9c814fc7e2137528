package aws

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// balancerKind is a network load balancer within the agency's VPC: one TCP listener over one target group, which checks its
// members by connecting. Balancer and group are named by the mark's 32 digits, the longest name there is; names are unique
// in account and region, so that a balancer's name is its id here.
type balancerKind struct{ *Cloud }

// maxMembers is how many targets a call of this driver registers.
const maxMembers = 100

// isName: the services refuse longer names for what they are, not for what is not there.
func isName(s string) bool { return len(s) <= 32 }

func digits(mark string) string { return strings.TrimPrefix(mark, "dy-") }

func (b balancerKind) kind() *table.Kind {
	await := func(name string) driver.Step { return driver.Step{Name: name, Await: true} }
	return &table.Kind{
		Plans: table.Plans{
			Create: func(c driver.Change) ([]driver.Step, error) {
				return []driver.Step{{Name: "load_balancer", Main: true, Await: true}, {Name: "target_group"}, await("members"), {Name: "listener"}}, sellable(c)
			},
			Update: planBalancerChange,
			Delete: table.Fixed(driver.Step{Name: "delete-load_balancer", Main: true, Await: true}, await("delete-target_group")),
		},
		Verbs: map[string]table.Verb{
			"load_balancer":        {Run: b.make, Look: b.balancers().named(digits, table.Made)},
			"target_group":         {Run: b.makeGroup, Look: b.targetGroups().named(digits, table.Made)},
			"members":              {Run: b.addMembers, Look: b.lookMembers(true)},
			"remove-members":       {Run: b.removeMembers, Look: b.lookMembers(false)},
			"listener":             {Run: b.listen, Look: b.lookListener},
			"delete-load_balancer": {Run: b.remove, Look: b.balancers().named(digits, table.Unmade)},
			"delete-target_group":  {Run: b.removeGroup, Look: b.targetGroups().named(digits, table.Unmade)},
		},
		Reading: b.observe, Listing: b.balancers().listed(balancer.observed), Parts: map[string]table.Shelf{"target_group": b.targetGroups().shelf()},
	}
}

func sellable(c driver.Change) error {
	if len(c.Links[duoyun.RelMember]) > maxMembers {
		return table.Impossible("members", "负载均衡最多 %d 个成员", "a load balancer has at most %d members", maxMembers)
	}
	if !duoyun.IsMark(c.Mark) {
		return table.Impossible("mark", "标记 %q 不能作负载均衡的名称", "the mark %q makes no name of a load balancer", c.Mark)
	}
	_, err := table.PlatformNetwork(c)
	return err
}

// planBalancerChange sets the members anew: who they are is in the links, which have no before.
func planBalancerChange(c driver.Change) ([]driver.Step, error) {
	if c.Before.(duoyun.LoadBalancerSpec) != c.After.(duoyun.LoadBalancerSpec) {
		return nil, table.Impossible("spec", "负载均衡的端口不能改", "the ports of a load balancer cannot be changed")
	}
	if len(c.Links[duoyun.RelMember]) == 0 {
		return nil, nil
	}
	return []driver.Step{{Name: "members", Await: true}, {Name: "remove-members", Await: true}}, sellable(c)
}

// balancer is a load balancer as DescribeLoadBalancers shows it, of whatever type.
type balancer struct {
	ARN     string `xml:"LoadBalancerArn"`
	Name    string `xml:"LoadBalancerName"`
	DNSName string
	State   string `xml:"State>Code"`
	Reason  string `xml:"State>Reason"`
	VpcID   string `xml:"VpcId"`
	Created string `xml:"CreatedTime"`
}

func (v balancer) key() string { return v.Name }

func (v balancer) thing() table.Thing {
	return table.Thing{ID: v.Name, Note: "dy-" + v.Name, State: balancerState(v.State), Detail: v.Reason}
}

func balancerState(state string) driver.ObservedState {
	switch state {
	case "provisioning":
		return driver.Building
	case "failed":
		return driver.Errored
	}
	return driver.Active
}

func (v balancer) observed() driver.Observation {
	o := driver.Observation{ID: v.Name, Name: v.Name, State: balancerState(v.State), Spec: duoyun.LoadBalancerSpec{}, Addresses: []string{v.DNSName},
		CreatedAt: when(v.Created), Raw: raw(v)}
	if mark := "dy-" + v.Name; duoyun.IsMark(mark) {
		o.Mark = mark
	}
	if v.VpcID != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VpcID}}
	}
	return o
}

// targetGroup is what a balancer sends to.
type targetGroup struct {
	ARN  string `xml:"TargetGroupArn"`
	Name string `xml:"TargetGroupName"`
	Port int
}

func (v targetGroup) key() string { return v.Name }

func (v targetGroup) thing() table.Thing {
	return table.Thing{ID: v.Name, Note: table.Note("dy-"+v.Name, "target_group"), State: driver.Active}
}

func (c *Cloud) balancers() listing[balancer] {
	return listing[balancer]{cloud: c, service: elb, action: "DescribeLoadBalancers", list: "LoadBalancers", id: "Names.member.1", fits: isName}
}

func (c *Cloud) targetGroups() listing[targetGroup] {
	return listing[targetGroup]{cloud: c, service: elb, action: "DescribeTargetGroups", list: "TargetGroups", id: "Names.member.1", fits: isName}
}

func (b balancerKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	subnet, _, err := b.subnetOf(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	in := params{"Name": digits(c.Mark), "Type": "network", "Scheme": "internal", "Subnets.member.1": subnet.ID}
	return b.create(ctx, elb, "CreateLoadBalancer", in.tagged("member", c.Change), "CreateLoadBalancerResult", "LoadBalancers", "member", "LoadBalancerName")
}

func (b balancerKind) makeGroup(ctx context.Context, c driver.Call) (driver.Reply, error) {
	network, err := table.PlatformNetwork(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	spec := c.After.(duoyun.LoadBalancerSpec)
	if spec.MemberPort == 0 {
		spec.MemberPort = spec.Port
	}
	in := params{"Name": digits(c.Mark), "Protocol": "TCP", "Port": strconv.Itoa(spec.MemberPort), "VpcId": network.ID, "TargetType": "instance", "HealthCheckProtocol": "TCP"}
	return b.create(ctx, elb, "CreateTargetGroup", in.tagged("member", c.Change), "CreateTargetGroupResult", "TargetGroups", "member", "TargetGroupName")
}

// members reads the target group of a call and who is in it; a target that is draining has been taken out already.
func (b balancerKind) members(ctx context.Context, name string) (g targetGroup, there map[string]bool, err error) {
	g, err = b.targetGroups().get(ctx, name)
	if err != nil {
		return g, nil, err
	}
	answer, err := b.call(ctx, elb, "DescribeTargetHealth", params{"TargetGroupArn": g.ARN})
	if err != nil {
		return g, nil, err
	}
	all, err := items[struct {
		ID    string `xml:"Target>Id"`
		State string `xml:"TargetHealth>State"`
	}](answer, "DescribeTargetHealthResult", "TargetHealthDescriptions")
	there = map[string]bool{}
	for _, t := range all {
		if t.State != "draining" {
			there[t.ID] = true
		}
	}
	return g, there, err
}

// difference are the wanted members that are not there, and those that are there and not wanted; both in order.
func difference(c driver.Change, there map[string]bool) (missing, extra []string) {
	there = maps.Clone(there)
	for _, l := range c.Links[duoyun.RelMember] {
		if !there[l.ID] {
			missing = append(missing, l.ID)
		}
		delete(there, l.ID)
	}
	slices.Sort(missing)
	return missing, slices.Sorted(maps.Keys(there))
}

func (b balancerKind) addMembers(ctx context.Context, c driver.Call) (driver.Reply, error) {
	g, there, err := b.members(ctx, digits(c.Mark))
	missing, _ := difference(c.Change, there)
	if err != nil || len(missing) == 0 {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return b.change(ctx, elb, "RegisterTargets", targets(g, missing))
}

func (b balancerKind) removeMembers(ctx context.Context, c driver.Call) (driver.Reply, error) {
	g, there, err := b.members(ctx, digits(c.Mark))
	_, extra := difference(c.Change, there)
	if err != nil || len(extra) == 0 {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return b.change(ctx, elb, "DeregisterTargets", targets(g, extra))
}

func targets(g targetGroup, ids []string) params {
	in := params{"TargetGroupArn": g.ARN}
	for i, id := range ids {
		in[fmt.Sprintf("Targets.member.%d.Id", i+1)] = id
	}
	return in
}

// lookMembers sees that none is missing, or that there is none too many.
func (b balancerKind) lookMembers(adding bool) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		_, there, err := b.members(ctx, digits(c.Mark))
		return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
			missing, extra := difference(c.Change, there)
			if adding && len(missing) > 0 || !adding && len(extra) > 0 {
				return driver.Absent, "", ""
			}
			return driver.Done, "", ""
		})
	}
}

func (b balancerKind) listen(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := b.balancers().get(ctx, digits(c.Mark))
	var g targetGroup
	if err == nil {
		g, err = b.targetGroups().get(ctx, digits(c.Mark))
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	in := params{"LoadBalancerArn": v.ARN, "Protocol": "TCP", "Port": strconv.Itoa(c.After.(duoyun.LoadBalancerSpec).Port),
		"DefaultActions.member.1.Type": "forward", "DefaultActions.member.1.TargetGroupArn": g.ARN}
	return b.create(ctx, elb, "CreateListener", in, "CreateListenerResult", "Listeners", "member", "ListenerArn")
}

// listener is where a balancer listens.
type listener struct {
	ARN  string `xml:"ListenerArn"`
	Port int
}

func (b balancerKind) listeners(ctx context.Context, v balancer) ([]listener, error) {
	answer, err := b.call(ctx, elb, "DescribeListeners", params{"LoadBalancerArn": v.ARN})
	if err != nil {
		return nil, err
	}
	return items[listener](answer, "DescribeListenersResult", "Listeners")
}

func (b balancerKind) lookListener(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := b.balancers().get(ctx, digits(c.Mark))
	var all []listener
	if err == nil {
		all, err = b.listeners(ctx, v)
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		for _, l := range all {
			if l.Port == c.After.(duoyun.LoadBalancerSpec).Port {
				return driver.Done, l.ARN, ""
			}
		}
		return driver.Absent, "", ""
	})
}

// remove takes the balancer's listeners along.
func (b balancerKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := b.balancers().get(ctx, digits(c.Mark))
	if err != nil {
		return driver.Reply{}, table.Ignoring(Code, table.Unsent(Code, err), driver.NotFound)
	}
	reply, err := b.change(ctx, elb, "DeleteLoadBalancer", params{"LoadBalancerArn": v.ARN})
	return reply, table.Ignoring(Code, err, driver.NotFound)
}

func (b balancerKind) removeGroup(ctx context.Context, c driver.Call) (driver.Reply, error) {
	g, err := b.targetGroups().get(ctx, digits(c.Mark))
	if err != nil {
		return driver.Reply{}, table.Ignoring(Code, table.Unsent(Code, err), driver.NotFound)
	}
	reply, err := b.change(ctx, elb, "DeleteTargetGroup", params{"TargetGroupArn": g.ARN})
	return reply, table.Ignoring(Code, err, driver.NotFound)
}

// observe adds the ports and the members.
func (b balancerKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := b.balancers().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := v.observed()
	all, err := b.listeners(ctx, v)
	if err != nil || len(all) == 0 {
		return o, err
	}
	spec := duoyun.LoadBalancerSpec{Port: all[0].Port}
	g, there, err := b.members(ctx, id)
	if err == nil {
		spec.MemberPort = g.Port
		o.Links[duoyun.RelMember] = slices.Sorted(maps.Keys(there))
	}
	o.Spec = spec
	return o, table.Ignoring(Code, err, driver.NotFound) // of a stranger, whose groups have other names
}
