package ctyun

import (
	"context"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

func (c *Cloud) balancers() shelf[balancer] {
	return shelf[balancer]{Cloud: c, list: get(elb, "/v4/elb/list-loadbalancer", nil),
		show: func(id string) request { return get(elb, "/v4/elb/show-loadbalancer", args{"elbID": id}) },
		view: func(v balancer) table.Thing {
			return table.Thing{ID: v.ID, Note: v.Description, State: balancerState(v.Status), Detail: v.Status}
		}}
}

// balancerState: the vendor knows ACTIVE and DOWN, which a balancer without targets may be.
func balancerState(status string) driver.ObservedState {
	if strings.EqualFold(status, "error") {
		return driver.Errored
	}
	return driver.Active
}

// parts are the listeners, health checks or target groups of the account.
func (c *Cloud) parts(kind, id string) shelf[part] {
	return shelf[part]{Cloud: c, list: get(elb, "/v4/elb/list-"+kind, nil),
		show: func(value string) request { return get(elb, "/v4/elb/show-"+kind, args{id: value}) },
		view: func(v part) table.Thing {
			return table.Thing{ID: v.ID, Note: v.Description, State: driver.Active}
		}}
}

// groupsOf are the target groups of a unit: their names end in its mark's.
func (b balancerKind) groupsOf(ctx context.Context, c driver.Call) ([]part, error) {
	all, _, _, err := b.parts("target-group", "targetGroupID").page(ctx, "")
	mark := strings.TrimPrefix(brief(c.Mark), "dy-")
	return slices.DeleteFunc(all, func(p part) bool { return !strings.HasPrefix(p.Name, "tg") || !strings.HasSuffix(p.Name, mark) }), err
}

// stale are those that are not of the present members.
func (b balancerKind) stale(ctx context.Context, c driver.Call) ([]part, error) {
	all, err := b.groupsOf(ctx, c)
	return slices.DeleteFunc(all, func(p part) bool { return p.Name == groupName(c.Change) }), err
}

// group is the target group of the present members; nil when there is none.
func (b balancerKind) group(ctx context.Context, c driver.Call) (*part, error) {
	all, err := b.groupsOf(ctx, c)
	if i := slices.IndexFunc(all, func(p part) bool { return p.Name == groupName(c.Change) }); i >= 0 {
		return &all[i], err
	}
	return nil, err
}

// listener is that of a unit; nil when there is none.
func (b balancerKind) listener(ctx context.Context, c driver.Call) (*part, error) {
	all, _, _, err := b.parts("listener", "listenerID").page(ctx, "")
	if i := slices.IndexFunc(all, func(p part) bool { return p.Description == table.Note(c.Mark, "listener") }); i >= 0 {
		return &all[i], err
	}
	return nil, err
}

func (b balancerKind) targets(ctx context.Context, group string) (all []target, err error) {
	err = b.fetch(ctx, get(elb, "/v4/elb/list-target", args{"targetGroupID": group}), &all)
	return all, err
}

// there is the evidence of something that a whole list of a balancer's parts tells of.
func there(id string, err error) (driver.Evidence, error) {
	ev, err := gone(id != "", err)
	ev.ID = id
	return ev, err
}

func (b balancerKind) lookGroup(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	g, err := b.group(ctx, c)
	if g == nil {
		return there("", err)
	}
	return there(g.ID, err)
}

func (b balancerKind) lookMember(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	g, err := b.group(ctx, c)
	if err != nil || g == nil {
		return there("", err)
	}
	_, server, _ := strings.Cut(c.Step, ":")
	all, err := b.targets(ctx, g.ID)
	for _, t := range all {
		if t.Server == server && t.Port == memberPort(c.Change) {
			return there(t.ID, err)
		}
	}
	return there("", err)
}

func (b balancerKind) lookListener(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	l, err := b.listener(ctx, c)
	if err != nil || l == nil {
		return there("", err)
	}
	g, err := b.group(ctx, c)
	if err != nil || g == nil || !l.forwards(g.ID) {
		return there("", err)
	}
	return there(l.ID, nil)
}

// observe reads, beside the balancer, its listener and the members behind it.
func (b balancerKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := b.balancers().read(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := observedBalancer(v)
	listeners := b.parts("listener", "listenerID")
	listeners.list.args = args{"loadBalancerID": id}
	all, _, _, err := listeners.page(ctx, "")
	if err != nil || len(all) != 1 {
		return o, err
	}
	spec := duoyun.LoadBalancerSpec{Port: all[0].Port}
	members := []string{}
	for _, g := range all[0].Action.Forward.Groups {
		targets, err := b.targets(ctx, g.ID)
		if err != nil {
			return o, err
		}
		for _, t := range targets {
			members = append(members, t.Server)
			spec.MemberPort = t.Port
		}
	}
	o.Spec = spec
	o.Links[duoyun.RelMember] = members
	return o, nil
}

func observedBalancer(v balancer) driver.Observation {
	return driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: balancerState(v.Status), CreatedAt: v.Created.when(),
		Spec: duoyun.LoadBalancerSpec{}, Addresses: []string{v.Address}, Links: map[duoyun.Relation][]string{duoyun.RelNetwork: {v.Network}},
		Raw: raw(map[string]any{"status": v.Status, "name": v.Name})}
}
