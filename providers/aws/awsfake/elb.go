package awsfake

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func balancerActions() []action {
	const s = "elasticloadbalancing"
	const tags = " Tags.member.N.Key Tags.member.N.Value"
	return []action{
		{service: s, name: "CreateLoadBalancer", needs: "Name", takes: "Type Scheme Subnets.member.N" + tags, do: createBalancer},
		{service: s, name: "DescribeLoadBalancers", takes: "Names.member.N LoadBalancerArns.member.N PageSize:int Marker", do: describeBalancers},
		{service: s, name: "DeleteLoadBalancer", needs: "LoadBalancerArn", do: deleteBalancer},
		{service: s, name: "CreateTargetGroup", needs: "Name", takes: "Protocol Port:int VpcId TargetType HealthCheckProtocol" + tags, do: createTargetGroup},
		{service: s, name: "DescribeTargetGroups", takes: "Names.member.N TargetGroupArns.member.N PageSize:int Marker", do: describeTargetGroups},
		{service: s, name: "DeleteTargetGroup", needs: "TargetGroupArn", do: deleteTargetGroup},
		{service: s, name: "RegisterTargets", needs: "TargetGroupArn Targets.member.N.Id", do: registerTargets(true)},
		{service: s, name: "DeregisterTargets", needs: "TargetGroupArn Targets.member.N.Id", do: registerTargets(false)},
		{service: s, name: "DescribeTargetHealth", needs: "TargetGroupArn", do: describeTargets},
		{service: s, name: "CreateListener", needs: "LoadBalancerArn DefaultActions.member.N.Type", takes: "Protocol Port:int DefaultActions.member.N.TargetGroupArn" + tags, do: createListener},
		{service: s, name: "DescribeListeners", takes: "LoadBalancerArn ListenerArns.member.N PageSize:int Marker", do: describeListeners},
	}
}

// targetGroup is what a balancer sends to.
type targetGroup struct {
	name, vpc string
	port      int64
	members   map[string]bool // ids of servers as the vendor writes them
}

// listener is where a balancer listens.
type listener struct {
	port  int64
	group string
}

func (c *call) arn(kind, name string) string {
	return fmt.Sprintf("arn:aws-cn:elasticloadbalancing:%s:%s:%s/%s", c.owner.Region, Account, kind, name)
}

// named pages over what has names: those given, or all after a marker.
func named[T any](c *call, all []T, name func(T) string, missing, set string, size int64, view func(T) object) (object, error) {
	answer := object{}
	var found []T
	if given := c.texts("Names.member"); len(given) > 0 {
		for _, n := range given {
			i := slices.IndexFunc(all, func(v T) bool { return name(v) == n })
			if i < 0 {
				return nil, bad(missing, "One or more of what was named is not found")
			}
			found = append(found, all[i])
		}
	} else {
		at := 0
		if marker := c.get("Marker"); marker != "" {
			at = slices.IndexFunc(all, func(v T) bool { return name(v) == marker }) + 1
		}
		if size == 0 {
			size = 100
		}
		end := min(at+int(min(size, int64(c.maxPage))), len(all))
		if found = all[at:end]; end < len(all) {
			answer["NextMarker"] = name(all[end-1])
		}
	}
	views := make([]object, len(found))
	for i, v := range found {
		views[i] = view(v)
	}
	answer[set] = listOf("member", views)
	return answer, nil
}

func (c *call) balancers() ([]*simcloud.Balancer, error) {
	return simcloud.List[simcloud.Balancer](c.sim, simcloud.Query{Owner: c.owner}, nil)
}

// longest is how long the names of balancers and target groups may be.
const longest = 32

// createBalancer answers what is there already with these settings, as the vendor does.
func createBalancer(c *call) (object, error) {
	if len(c.get("Name")) > longest || c.get("Type") != "network" || c.get("Scheme") != "internal" {
		return nil, bad("ValidationError", "The load balancer name '%s' or its type is not valid", c.get("Name"))
	}
	subnet, err := one[simcloud.Subnet](c, simcloud.KindSubnet, "Subnets.member.1")
	if err != nil {
		return nil, bad("SubnetNotFound", "The subnet ID '%s' does not exist", c.get("Subnets.member.1"))
	}
	all, err := c.balancers()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(b *simcloud.Balancer) bool { return b.Name == c.get("Name") })
	var b *simcloud.Balancer
	switch {
	case i >= 0 && all[i].SubnetID != subnet.ID:
		return nil, bad("DuplicateLoadBalancerName", "A load balancer with the same name exists, but with different settings")
	case i >= 0:
		b = all[i]
	default:
		if b, err = c.sim.CreateBalancer(simcloud.Balancer{Object: simcloud.Object{Owner: c.owner, Name: c.get("Name"), Meta: c.pairs("Tags.member")}, SubnetID: subnet.ID}); err != nil {
			return nil, err
		}
	}
	return object{"LoadBalancers": listOf("member", []object{c.balancer(b)})}, nil
}

func (c *call) balancer(b *simcloud.Balancer) object {
	state := map[simcloud.State]string{simcloud.Building: "provisioning", simcloud.Failed: "failed"}[b.State]
	return object{"LoadBalancerArn": c.arn("loadbalancer/net", b.Name), "LoadBalancerName": b.Name, "DNSName": b.Name + ".elb." + c.owner.Region + ".amazonaws.com.cn",
		"Scheme": "internal", "Type": "network", "VpcId": out("vpc", b.NetworkID), "State": object{"Code": either(state == "", "active", state)}, "CreatedTime": b.Created}
}

// describeBalancers hides what is being deleted: to the vendor it is gone at once.
func describeBalancers(c *call) (object, error) {
	all, err := c.balancers()
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(b *simcloud.Balancer) bool { return b.State == simcloud.Deleting })
	return named(c, all, func(b *simcloud.Balancer) string { return b.Name }, "LoadBalancerNotFound", "LoadBalancers", c.number("PageSize"), c.balancer)
}

// byARN finds the balancer that a call names.
func (c *call) byARN() (*simcloud.Balancer, error) {
	all, err := c.balancers()
	for _, b := range all {
		if c.arn("loadbalancer/net", b.Name) == c.get("LoadBalancerArn") && b.State != simcloud.Deleting {
			return b, nil
		}
	}
	if err == nil {
		err = bad("LoadBalancerNotFound", "One or more load balancers not found")
	}
	return nil, err
}

// deleteBalancer takes the listeners along; what does not exist is no error.
func deleteBalancer(c *call) (object, error) {
	b, err := c.byARN()
	if err != nil {
		return object{}, nil
	}
	delete(c.ears, b.Name)
	return object{}, c.sim.DeleteBalancer(c.owner, b.ID, true)
}

func createTargetGroup(c *call) (object, error) {
	name := c.get("Name")
	if len(name) > longest || c.get("Protocol") != "TCP" || c.number("Port") < 1 || c.get("TargetType") != "instance" || c.get("HealthCheckProtocol") != "TCP" {
		return nil, bad("ValidationError", "Target group name '%s' or its settings are not valid", name)
	}
	if _, err := one[simcloud.Network](c, simcloud.KindNetwork, "VpcId"); err != nil {
		return nil, bad("ValidationError", "The VPC ID '%s' is not found", c.get("VpcId"))
	}
	g := c.groups[name]
	if g == nil {
		g = &targetGroup{name, c.get("VpcId"), c.number("Port"), map[string]bool{}}
		c.groups[name] = g
	} else if g.vpc != c.get("VpcId") || g.port != c.number("Port") {
		return nil, bad("DuplicateTargetGroupName", "A target group with the same name '%s' exists, but with different settings", name)
	}
	return object{"TargetGroups": listOf("member", []object{c.targetGroup(g)})}, nil
}

func (c *call) targetGroup(g *targetGroup) object {
	return object{"TargetGroupArn": c.arn("targetgroup", g.name), "TargetGroupName": g.name, "Protocol": "TCP", "Port": g.port, "VpcId": g.vpc, "TargetType": "instance"}
}

func describeTargetGroups(c *call) (object, error) {
	var all []*targetGroup
	for _, name := range slices.Sorted(maps.Keys(c.groups)) {
		all = append(all, c.groups[name])
	}
	return named(c, all, func(g *targetGroup) string { return g.name }, "TargetGroupNotFound", "TargetGroups", c.number("PageSize"), c.targetGroup)
}

func (c *call) groupByARN(parameter string) (*targetGroup, error) {
	for _, g := range c.groups {
		if c.arn("targetgroup", g.name) == c.get(parameter) {
			return g, nil
		}
	}
	return nil, bad("TargetGroupNotFound", "One or more target groups not found")
}

func deleteTargetGroup(c *call) (object, error) {
	g, err := c.groupByARN("TargetGroupArn")
	if err != nil {
		return object{}, nil // what does not exist is no error
	}
	for _, all := range c.ears {
		if slices.ContainsFunc(all, func(l listener) bool { return l.group == g.name }) {
			return nil, bad("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", g.name)
		}
	}
	delete(c.groups, g.name)
	return object{}, nil
}

// registerTargets adds servers, which run on the group's network, or takes them out; either is the same twice.
func registerTargets(add bool) func(*call) (object, error) {
	return func(c *call) (object, error) {
		g, err := c.groupByARN("TargetGroupArn")
		if err != nil {
			return nil, err
		}
		for i := 1; c.in.Has(fmt.Sprintf("Targets.member.%d.Id", i)); i++ {
			name := fmt.Sprintf("Targets.member.%d.Id", i)
			s, err := one[simcloud.Server](c, simcloud.KindServer, name)
			if add && (err != nil || s.State == simcloud.Deleting) {
				return nil, bad("InvalidTarget", "The following targets are not in a running state and cannot be registered: '%s'", c.get(name))
			}
			if g.members[c.get(name)] = true; !add {
				delete(g.members, c.get(name))
			}
		}
		return object{}, nil
	}
}

func describeTargets(c *call) (object, error) {
	g, err := c.groupByARN("TargetGroupArn")
	if err != nil {
		return nil, err
	}
	var all []object
	for _, id := range slices.Sorted(maps.Keys(g.members)) {
		all = append(all, object{"Target": object{"Id": id, "Port": g.port}, "TargetHealth": object{"State": "initial"}, "HealthCheckPort": strconv.FormatInt(g.port, 10)})
	}
	return object{"TargetHealthDescriptions": listOf("member", all)}, nil
}

func createListener(c *call) (object, error) {
	b, err := c.byARN()
	if err != nil {
		return nil, err
	}
	g, err := c.groupByARN("DefaultActions.member.1.TargetGroupArn")
	if err != nil {
		return nil, err
	}
	wanted := listener{c.number("Port"), g.name}
	switch i := slices.IndexFunc(c.ears[b.Name], func(l listener) bool { return l.port == wanted.port }); {
	case c.get("Protocol") != "TCP" || c.get("DefaultActions.member.1.Type") != "forward" || wanted.port < 1:
		return nil, bad("ValidationError", "the listener is not valid")
	case i < 0:
		c.ears[b.Name] = append(c.ears[b.Name], wanted)
	case c.ears[b.Name][i] != wanted:
		return nil, refuse(http.StatusBadRequest, "DuplicateListener", "A listener already exists on this port for this load balancer")
	}
	return object{"Listeners": listOf("member", []object{c.listener(b.Name, wanted)})}, nil
}

func (c *call) listener(balancer string, l listener) object {
	return object{"ListenerArn": c.arn("listener/net", fmt.Sprintf("%s/%d", balancer, l.port)), "LoadBalancerArn": c.arn("loadbalancer/net", balancer), "Port": l.port, "Protocol": "TCP"}
}

func describeListeners(c *call) (object, error) {
	b, err := c.byARN()
	if err != nil {
		return nil, err
	}
	var all []object
	for _, l := range c.ears[b.Name] {
		all = append(all, c.listener(b.Name, l))
	}
	return object{"Listeners": listOf("member", all)}, nil
}
