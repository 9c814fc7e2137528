package ctyun

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// balancerKind is a classic load balancer, which costs nothing and has no subscription: health check, target group with a
// target for each member, one TCP listener that forwards to the group. Since a target is one call, other members are
// another group: the listener is pointed at it, and the old one goes.
type balancerKind struct{ *Cloud }

// balancer is a load balancer as the vendor shows it.
type balancer struct {
	ID          string `json:"ID"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Network     string `json:"vpcID"`
	Address     string `json:"privateIpAddress"`
	Status      string `json:"status"`
	Created     text   `json:"createdTime"`
}

// part is a listener, health check or target group as the vendor shows it.
type part struct {
	ID          string `json:"ID"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Balancer    string `json:"loadBalancerID"`
	Port        int    `json:"protocolPort"`
	Action      struct {
		Forward struct {
			Groups []struct {
				ID string `json:"targetGroupID"`
			} `json:"targetGroups"`
		} `json:"forwardConfig"`
	} `json:"defaultAction"`
}

// target is a member of a target group.
type target struct {
	ID     string `json:"ID"`
	Server string `json:"instanceID"`
	Port   int    `json:"protocolPort"`
}

func (b balancerKind) kind() *table.Kind {
	all, checks := b.balancers(), b.parts("health-check", "healthCheckID")
	return &table.Kind{
		Plans: table.Plans{Create: planBalancer, Update: planMembers, Delete: table.Fixed(driver.Step{Name: "delete-listener", Await: true},
			driver.Step{Name: "delete-load_balancer", Main: true, Await: true}, driver.Step{Name: "delete-old_target_group", Await: true},
			driver.Step{Name: "delete-target_group", Await: true}, driver.Step{Name: "delete-health_check", Await: true})},
		Verbs: map[string]table.Verb{
			"load_balancer": {Run: b.create, Look: all.table().LookMainMade, Token: true},
			"health_check":  {Run: b.makeCheck, Look: checks.table().LookMade("health_check")},
			"target_group":  {Run: b.makeGroup, Look: b.lookGroup},
			"member":        {Run: b.addMember, Look: b.lookMember},
			"listener":      {Run: b.listen, Look: b.lookListener},
			"prune":         {Run: b.prune(b.stale, 0), Look: b.lookPruned(b.stale, 0)},
			"delete-listener": {Run: b.unlisten, Look: func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
				l, err := b.listener(ctx, c)
				return gone(l == nil, err)
			}},
			"delete-load_balancer": {Look: all.table().LookMainUnmade, Run: all.remove("", func(c driver.Call, v balancer) request {
				return post(elb, "/v4/elb/delete-loadbalancer", args{"clientToken": token(c), "elbID": v.ID})
			})},
			"delete-old_target_group": {Run: b.prune(b.groupsOf, 1), Look: b.lookPruned(b.groupsOf, 1)},
			"delete-target_group":     {Run: b.prune(b.groupsOf, 0), Look: b.lookPruned(b.groupsOf, 0)},
			"delete-health_check": {Look: checks.table().LookUnmade("health_check"), Run: checks.remove("health_check", func(c driver.Call, v part) request {
				return post(elb, "/v4/elb/delete-health-check", args{"clientToken": token(c), "healthCheckID": v.ID})
			})},
		},
		Reading: b.observe,
		Listing: all.observations(func(v balancer) (driver.Observation, bool) { return observedBalancer(v), true }),
		Parts:   map[string]table.Shelf{"health_check": checks.table(), "listener": b.parts("listener", "listenerID").table()},
	}
}

func planBalancer(c driver.Change) ([]driver.Step, error) {
	if c.Months > 0 {
		return nil, table.Impossible("months", "天翼云经典型负载均衡不售包年包月", "the vendor's classic load balancer has no subscription")
	}
	if _, err := table.PlatformNetwork(c); err != nil {
		return nil, err
	}
	steps := []driver.Step{{Name: "load_balancer", Main: true, Await: true}, {Name: "health_check", Await: true}}
	return append(append(steps, membership(c)...), driver.Step{Name: "listener", Await: true}), nil
}

// membership are the steps that make a target group of a change's members.
func membership(c driver.Change) []driver.Step {
	steps := []driver.Step{{Name: "target_group", Await: true}}
	for _, id := range servers(c) {
		steps = append(steps, driver.Step{Name: "member:" + id, Await: true})
	}
	return steps
}

// planMembers makes the group anew: who the members are is in the links, which have no before.
func planMembers(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.LoadBalancerSpec), c.After.(duoyun.LoadBalancerSpec)
	switch {
	case before.Port != after.Port:
		return nil, table.Impossible("spec.port", "负载均衡的监听端口不能改", "the listener's port cannot be changed")
	case before == after && len(c.Links[duoyun.RelMember]) == 0:
		return nil, nil
	}
	return append(membership(c), driver.Step{Name: "listener", Await: true}, driver.Step{Name: "prune", Await: true}), nil
}

// servers are the members' ids, each once.
func servers(c driver.Change) []string {
	var all []string
	for _, l := range c.Links[duoyun.RelMember] {
		all = append(all, l.ID)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func memberPort(c driver.Change) int {
	spec := c.After.(duoyun.LoadBalancerSpec)
	if spec.MemberPort != 0 {
		return spec.MemberPort
	}
	return spec.Port
}

// groupName tells the groups of one unit apart by a digest of their members; it ends as the brief mark does.
func groupName(c driver.Change) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%v %d", servers(c), memberPort(c)))
	return "tg" + strings.ToLower(base32.HexEncoding.EncodeToString(sum[:])[:4]) + strings.TrimPrefix(brief(c.Mark), "dy-")
}

func (b balancerKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	on, err := table.PlatformNetwork(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	subnet, err := b.subnetOf(ctx, on)
	if err != nil {
		return driver.Reply{}, err
	}
	return b.mutate(ctx, post(elb, "/v4/elb/create-loadbalancer", b.project(args{"clientToken": token(c), "vpcID": on.ID, "subnetID": subnet,
		"name": brief(c.Mark), "description": c.Mark, "slaName": "elb.default", "resourceType": "internal"})), "ID")
}

func (b balancerKind) makeCheck(ctx context.Context, c driver.Call) (driver.Reply, error) {
	return b.mutate(ctx, post(elb, "/v4/elb/create-health-check", args{"clientToken": token(c), "name": brief(c.Mark),
		"description": table.Note(c.Mark, "health_check"), "protocol": "TCP", "interval": 5, "timeout": 2, "maxRetry": 2}), "ID")
}

func (b balancerKind) makeGroup(ctx context.Context, c driver.Call) (driver.Reply, error) {
	lb, err := b.balancers().must(ctx, c, "load_balancer")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	check, err := b.parts("health-check", "healthCheckID").noted(ctx, c.Parts["health_check"], table.Note(c.Mark, "health_check"))
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if check == nil {
		return driver.Reply{}, table.Missing("health_check")
	}
	if there, err := b.group(ctx, c); err != nil || there != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return b.mutate(ctx, post(elb, "/v4/elb/create-target-group", args{"clientToken": token(c), "name": groupName(c.Change), "vpcID": lb.Network,
		"healthCheckID": check.ID, "protocol": "TCP", "algorithm": "rr"}), "ID")
}

func (b balancerKind) addMember(ctx context.Context, c driver.Call) (driver.Reply, error) {
	g, err := b.group(ctx, c)
	if err == nil && g == nil {
		err = table.Missing("target_group")
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	_, id, _ := strings.Cut(c.Step, ":")
	return b.mutate(ctx, post(elb, "/v4/elb/create-target", args{"clientToken": token(c), "targetGroupID": g.ID, "instanceType": "VM",
		"instanceID": id, "protocolPort": memberPort(c.Change), "weight": 100}), "ID")
}

// listen makes the listener, or points the one there is at the group of the present members.
func (b balancerKind) listen(ctx context.Context, c driver.Call) (driver.Reply, error) {
	lb, err := b.balancers().must(ctx, c, "load_balancer")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	l, err := b.listener(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	g, err := b.group(ctx, c)
	if err == nil && g == nil {
		err = table.Missing("target_group")
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	forward := args{"type": "forward", "forwardConfig": args{"targetGroups": []args{{"targetGroupID": g.ID, "weight": 100}}}}
	switch {
	case l == nil:
		return b.mutate(ctx, post(elb, "/v4/elb/create-listener", args{"clientToken": token(c), "loadBalancerID": lb.ID, "name": brief(c.Mark),
			"description": table.Note(c.Mark, "listener"), "protocol": "TCP", "protocolPort": c.After.(duoyun.LoadBalancerSpec).Port, "defaultAction": forward}), "ID")
	case l.forwards(g.ID):
		return driver.Reply{}, nil
	}
	return b.mutate(ctx, post(elb, "/v4/elb/update-listener", args{"clientToken": token(c), "listenerID": l.ID, "defaultAction": forward}), "")
}

func (l part) forwards(group string) bool {
	return len(l.Action.Forward.Groups) == 1 && l.Action.Forward.Groups[0].ID == group
}

func (b balancerKind) unlisten(ctx context.Context, c driver.Call) (driver.Reply, error) {
	l, err := b.listener(ctx, c)
	if err != nil || l == nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	reply, err := b.mutate(ctx, post(elb, "/v4/elb/delete-listener", args{"clientToken": token(c), "listenerID": l.ID}), "")
	return reply, hindered(err)
}

// prune deletes one target group of those found, where there are more than may be left; it makes one call.
func (b balancerKind) prune(which func(context.Context, driver.Call) ([]part, error), left int) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		all, err := which(ctx, c)
		if err != nil || len(all) <= left {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		reply, err := b.mutate(ctx, post(elb, "/v4/elb/delete-target-group", args{"clientToken": token(c), "targetGroupID": all[0].ID}), "")
		return reply, hindered(err)
	}
}

func (b balancerKind) lookPruned(which func(context.Context, driver.Call) ([]part, error), left int) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		all, err := which(ctx, c)
		return gone(len(all) <= left, err)
	}
}

// gone is the evidence of a deletion that a whole list tells of: the vendor does not page the parts of balancers.
func gone(done bool, err error) (driver.Evidence, error) {
	ev := driver.Evidence{State: driver.Absent, Complete: true, SentinelSeen: true}
	if err != nil {
		return driver.Evidence{}, err
	}
	if done {
		ev.State = driver.Done
	}
	return ev, nil
}
