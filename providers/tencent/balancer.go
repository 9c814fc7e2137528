package tencent

import (
	"cmp"
	"context"
	"slices"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// balancerKind is an internal CLB with one TCP listener, which checks its members' health. CLB adds and removes members by
// calls of their own, so that a change of members is two steps, each of what is wanting or too much by then.
type balancerKind struct{ *Cloud }

func (b balancerKind) kind() *table.Kind {
	all := b.balancers()
	await := func(name string) driver.Step { return driver.Step{Name: name, Await: true} }
	ids := func(id string) params { return params{"LoadBalancerIds": []string{id}} }
	return &table.Kind{
		Plans: table.Plans{
			Create: func(c driver.Change) ([]driver.Step, error) {
				_, _, err := subnet(c)
				return []driver.Step{{Name: "load_balancer", Main: true, Await: true}, await("listener"), await("members")}, err
			},
			Update: planBalancerChange, Renew: planRenewal,
			Delete: table.Fixed(await("isolate"), driver.Step{Name: "delete-load_balancer", Main: true, Await: true}),
		},
		Verbs: map[string]table.Verb{
			"load_balancer": {Run: b.act("clb", "CreateLoadBalancer", "LoadBalancerIds", b.create), Look: all.plain().LookMainMade},
			"listener":      {Run: b.act("clb", "CreateListener", "ListenerIds", all.unless(never, makeListener)), Look: b.lookListener},
			"members":       {Run: b.act("clb", "RegisterTargets", "", b.targets(wanting)), Look: b.lookTargets(wanting)},
			"retire":        {Run: b.act("clb", "DeregisterTargets", "", b.targets(surplus)), Look: b.lookTargets(surplus)},
			"renew": b.renewal(all, "clb", "RenewLoadBalancers", func(id string, months int) params {
				return params{"LoadBalancerIds": []string{id}, "LBChargePrepaid": params{"Period": months, "RenewFlag": noRenew}}
			}),
			"isolate":              b.isolation(all, "clb", "DeleteLoadBalancer", func(v seen) bool { return v.prepaid }, ids),
			"delete-load_balancer": {Run: b.removal(all, "", "clb", "DeleteLoadBalancer", ids), Look: all.plain().LookMainUnmade},
		},
		Reading: b.observe, Listing: all.list,
	}
}

// planBalancerChange sets the members anew: who they are is in the links, which have no before.
func planBalancerChange(c driver.Change) ([]driver.Step, error) {
	if c.Before.(duoyun.LoadBalancerSpec).Port != c.After.(duoyun.LoadBalancerSpec).Port {
		return nil, table.Impossible("spec.port", "负载均衡的监听端口不能改", "the listener's port cannot be changed")
	}
	if duoyun.SameSpec(c.Before, c.After) && len(c.Links[duoyun.RelMember]) == 0 {
		return nil, nil
	}
	return []driver.Step{{Name: "members", Await: true}, {Name: "retire", Await: true}}, nil
}

// create: only accounts that Tencent has let into that trial may buy a CLB by subscription through the API.
func (b balancerKind) create(_ context.Context, c driver.Call) (params, error) {
	vpc, subnet, err := subnet(c.Change)
	in := params{"LoadBalancerType": "INTERNAL", "VpcId": vpc, "SubnetId": subnet, "Number": 1, "LoadBalancerName": title(c.Change, 60),
		"Tags": otherTags(tagMark, c.Mark), "ClientToken": c.Token}
	return charged(in, c.Months, "LBChargeType", "LBChargePrepaid"), err
}

func makeListener(c driver.Call, lb seen) (params, error) {
	return params{"LoadBalancerId": lb.ID, "Ports": []int{c.After.(duoyun.LoadBalancerSpec).Port}, "Protocol": "TCP", "Scheduler": "WRR",
		"ListenerNames": []string{table.Note(c.Mark, "listener")}, "HealthCheck": params{"HealthSwitch": 1}}, nil
}

// listener is an entry of DescribeListeners.
type listener struct {
	ListenerId, ListenerName string
	Port                     int
}

// target is a member: an instance and the port it serves.
type target struct {
	InstanceId string
	Port       int
}

func (b balancerKind) listeners(ctx context.Context, lb string) ([]listener, error) {
	var out struct{ Listeners []listener }
	if _, err := b.call(ctx, "clb", "DescribeListeners", params{"LoadBalancerId": lb}, &out); err != nil {
		return nil, err
	}
	if out.Listeners == nil {
		return nil, errHollow
	}
	return out.Listeners, nil
}

// members are the targets of a balancer's listeners, by listener.
func (b balancerKind) members(ctx context.Context, lb string) (map[string][]target, error) {
	var out struct {
		Listeners []struct {
			ListenerId string
			Targets    []target
		}
	}
	if _, err := b.call(ctx, "clb", "DescribeTargets", params{"LoadBalancerId": lb}, &out); err != nil {
		return nil, err
	}
	if out.Listeners == nil {
		return nil, errHollow
	}
	all := map[string][]target{}
	for _, l := range out.Listeners {
		all[l.ListenerId] = l.Targets
	}
	return all, nil
}

// ours is the listener that the step made, with its balancer; nil where it is not there.
func (b balancerKind) ours(ctx context.Context, c driver.Call) (lb *seen, found []listener, ev driver.Evidence, err error) {
	lb, ev, err = b.balancers().search(ctx, c, c.ID, c.Mark)
	if err != nil || lb == nil {
		return nil, nil, ev, err
	}
	found, err = b.listeners(ctx, lb.ID)
	found = slices.DeleteFunc(found, func(l listener) bool { return l.ListenerName != table.Note(c.Mark, "listener") })
	return lb, found, driver.Evidence{State: driver.Absent, Complete: true, SentinelSeen: true, Detail: lb.status}, err
}

func (b balancerKind) lookListener(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	_, found, ev, err := b.ours(ctx, c)
	if err != nil || len(found) == 0 {
		ev.State = driver.Absent
		return ev, err
	}
	ev.ID, ev.State = found[0].ListenerId, driver.Done
	if len(found) > 1 {
		ev.State = driver.Conflict
	}
	return ev, nil
}

// wanting are the targets that are wanted and not there, surplus those that are there and not wanted.
func wanting(want, have []target) []target { return without(want, have) }
func surplus(want, have []target) []target { return without(have, want) }

func without(all, some []target) []target {
	return slices.DeleteFunc(slices.Clone(all), func(t target) bool { return slices.Contains(some, t) })
}

// wanted are the members of the links.
func wanted(c driver.Change) []target {
	spec := c.After.(duoyun.LoadBalancerSpec)
	var all []target
	for _, l := range c.Links[duoyun.RelMember] {
		all = append(all, target{l.ID, cmp.Or(spec.MemberPort, spec.Port)})
	}
	return all
}

func (b balancerKind) targets(differ func(want, have []target) []target) func(context.Context, driver.Call) (params, error) {
	return func(ctx context.Context, c driver.Call) (params, error) {
		lb, found, _, err := b.ours(ctx, c)
		if err != nil {
			return nil, err
		}
		if lb == nil || len(found) == 0 {
			return nil, table.Missing("listener")
		}
		have, err := b.members(ctx, lb.ID)
		if err != nil {
			return nil, err
		}
		change := differ(wanted(c.Change), have[found[0].ListenerId])
		if len(change) == 0 {
			return nil, nil
		}
		return params{"LoadBalancerId": lb.ID, "ListenerId": found[0].ListenerId, "Targets": change}, nil
	}
}

func (b balancerKind) lookTargets(differ func(want, have []target) []target) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		lb, found, ev, err := b.ours(ctx, c)
		if err != nil || len(found) == 0 {
			ev.State = driver.Absent
			return ev, err
		}
		have, err := b.members(ctx, lb.ID)
		if err == nil && len(differ(wanted(c.Change), have[found[0].ListenerId])) == 0 {
			ev.State = driver.Done
		}
		return ev, err
	}
}

// observe reads the listener and the members beside the balancer.
func (b balancerKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := b.balancers().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	found, err := b.listeners(ctx, id)
	if err != nil || len(found) == 0 {
		return v.Observation, err
	}
	have, err := b.members(ctx, id)
	spec := duoyun.LoadBalancerSpec{Port: found[0].Port}
	for _, t := range have[found[0].ListenerId] {
		spec.MemberPort = t.Port
		v.Links[duoyun.RelMember] = append(v.Links[duoyun.RelMember], t.InstanceId)
	}
	v.Spec = spec
	return v.Observation, err
}

func (c *Cloud) balancers() rack {
	return listing{product: "clb", action: "DescribeLoadBalancers", member: "LoadBalancerSet", ids: "LoadBalancerIds", prefix: "lb-", view: entry(func(v struct {
		LoadBalancerId, LoadBalancerName, VpcId, CreateTime, ExpireTime, ChargeType string
		Status, Isolation                                                           int
		LoadBalancerVips                                                            []string
		Tags                                                                        []tag
	}) seen {
		o := driver.Observation{ID: v.LoadBalancerId, Mark: markOf(v.Tags, ""), Name: v.LoadBalancerName, State: driver.Active, CreatedAt: moment(v.CreateTime),
			Spec: duoyun.LoadBalancerSpec{}, Addresses: v.LoadBalancerVips, Links: map[duoyun.Relation][]string{}, Raw: raw(params{"status": v.Status, "isolation": v.Isolation})}
		s := seen{status: number(v.Status), prepaid: v.ChargeType == prepaid, binned: v.Isolation == 1}
		switch {
		case s.binned:
			o.State = driver.Stopped
		case v.Status == 0:
			o.State, s.busy = driver.Building, true
		}
		if v.VpcId != "" {
			o.Links[duoyun.RelNetwork] = []string{v.VpcId}
		}
		if s.prepaid {
			o.PaidUntil = moment(v.ExpireTime)
		}
		s.Observation = o
		return s
	})}.rack(c)
}
