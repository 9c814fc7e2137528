package openstack

import (
	"context"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/pools"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// balancerKind is an Octavia load balancer with one TCP listener and one pool. Octavia takes one change at a time: each
// step waits until the balancer is ACTIVE again. The members are set by one batch update, so that a change of members
// is the same step with another list.
type balancerKind struct{ *Cloud }

func (b balancerKind) kind() *table.Kind {
	await := func(name string) driver.Step { return driver.Step{Name: name, Await: true} }
	return &table.Kind{
		Plans: table.Plans{
			Create: func(c driver.Change) ([]driver.Step, error) {
				_, err := table.PlatformNetwork(c)
				return []driver.Step{{Name: "load_balancer", Main: true, Await: true}, await("listener"), await("pool"), await("members")}, err
			},
			Update: planBalancerChange,
			Delete: table.Fixed(driver.Step{Name: "delete-load_balancer", Main: true, Await: true}),
		},
		Verbs: map[string]table.Verb{
			"load_balancer":        {Run: b.create, Look: b.shelf().LookMainMade},
			"listener":             {Run: b.makeListener, Look: b.lookListener},
			"pool":                 {Run: b.makePool, Look: b.lookPool},
			"members":              {Run: b.setMembers, Look: b.lookMembers},
			"delete-load_balancer": {Run: b.remove, Look: b.shelf().LookMainUnmade},
		},
		Reading: b.observe, Listing: b.list,
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
	return []driver.Step{{Name: "members", Await: true}}, nil
}

// create puts the balancer's address on the platform network's subnet, or on the network where the subnet's id is not
// known.
func (b balancerKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	network, err := table.PlatformNetwork(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	opts := loadbalancers.CreateOpts{Name: table.Title(c.Change, longestName), Description: c.Mark}
	if opts.VipSubnetID = network.Parts["subnet"]; opts.VipSubnetID == "" {
		opts.VipNetworkID = network.ID
	}
	r := loadbalancers.Create(ctx, b.balancer, opts)
	v, err := r.Extract()
	if err != nil {
		return driver.Reply{}, err
	}
	answer := reply(v.ID, r.Header)
	answer.Addresses = vip(*v)
	return answer, nil
}

func vip(v loadbalancers.LoadBalancer) []string {
	if v.VipAddress == "" {
		return nil
	}
	return []string{v.VipAddress}
}

// makeListener and makePool look for what they hang on by its description, so that they need no ids of earlier steps.
func (b balancerKind) makeListener(ctx context.Context, c driver.Call) (driver.Reply, error) {
	lb, err := b.read(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := listeners.Create(ctx, b.balancer, listeners.CreateOpts{LoadbalancerID: lb.ID, Protocol: listeners.ProtocolTCP,
		ProtocolPort: c.After.(duoyun.LoadBalancerSpec).Port, Name: c.Mark, Description: table.Note(c.Mark, "listener")})
	v, err := r.Extract()
	if err != nil {
		return driver.Reply{}, twice(err)
	}
	return reply(v.ID, r.Header), nil
}

func (b balancerKind) makePool(ctx context.Context, c driver.Call) (driver.Reply, error) {
	found, err := b.listeners(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if len(found) == 0 {
		return driver.Reply{}, table.Missing("listener")
	}
	r := pools.Create(ctx, b.balancer, pools.CreateOpts{ListenerID: found[0].ID, Protocol: pools.ProtocolTCP, LBMethod: pools.LBMethodRoundRobin,
		Name: c.Mark, Description: table.Note(c.Mark, "pool")})
	v, err := r.Extract()
	if err != nil {
		return driver.Reply{}, twice(err)
	}
	return reply(v.ID, r.Header), nil
}

// setMembers replaces the pool's members by those of the links, in one call. A member bears its server's id as name.
func (b balancerKind) setMembers(ctx context.Context, c driver.Call) (driver.Reply, error) {
	found, err := b.pools(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if len(found) == 0 {
		return driver.Reply{}, table.Missing("pool")
	}
	want, err := members(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	r := pools.BatchUpdateMembers(ctx, b.balancer, found[0].ID, want)
	return reply("", r.Header), r.Err
}

// members are the servers a balancer shall spread over; a server without an address is refused.
func members(c driver.Change) ([]pools.BatchUpdateMemberOpts, error) {
	spec := c.After.(duoyun.LoadBalancerSpec)
	port := spec.MemberPort
	if port == 0 {
		port = spec.Port
	}
	network, _ := table.Link(c, duoyun.RelNetwork)
	want := []pools.BatchUpdateMemberOpts{} // not nil: an empty list empties the pool
	for _, l := range c.Links[duoyun.RelMember] {
		if len(l.Addresses) == 0 {
			return nil, table.Impossible("members", "成员 %s 没有地址", "member %s has no address", l.ID)
		}
		m := pools.BatchUpdateMemberOpts{Address: l.Addresses[0], ProtocolPort: port, Name: &l.ID}
		if subnet := network.Parts["subnet"]; subnet != "" {
			m.SubnetID = &subnet
		}
		want = append(want, m)
	}
	return want, nil
}

// remove takes listener, pool and members along; Octavia then keeps the record for a while as DELETED.
func (b balancerKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := b.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := loadbalancers.Delete(ctx, b.balancer, id, loadbalancers.DeleteOpts{Cascade: true})
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

// step judges a step within a balancer: it is done once what it makes is there and the balancer is at rest.
func (b balancerKind) step(ctx context.Context, c driver.Call, judge func() (driver.EvidenceState, string, error)) (driver.Evidence, error) {
	lb, err := b.read(ctx, c)
	if err != nil {
		return table.Effect(Code, err, driver.Absent, nil)
	}
	state, id, err := judge()
	if err != nil {
		return driver.Evidence{}, err
	}
	return table.Effect(Code, nil, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch {
		case lb.ProvisioningStatus == "ERROR":
			return driver.Broken, id, lb.ProvisioningStatus
		case lb.ProvisioningStatus != "ACTIVE":
			return driver.Pending, id, lb.ProvisioningStatus
		}
		return state, id, lb.ProvisioningStatus
	})
}

func (b balancerKind) lookListener(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	return b.step(ctx, c, func() (driver.EvidenceState, string, error) {
		found, err := b.listeners(ctx, c)
		state, id := single(found, func(l listeners.Listener) string { return l.ID })
		return state, id, err
	})
}

func (b balancerKind) lookPool(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	return b.step(ctx, c, func() (driver.EvidenceState, string, error) {
		found, err := b.pools(ctx, c)
		state, id := single(found, func(p pools.Pool) string { return p.ID })
		return state, id, err
	})
}

// single is the evidence of a part of which there shall be one.
func single[T any](found []T, id func(T) string) (driver.EvidenceState, string) {
	switch len(found) {
	case 0:
		return driver.Absent, ""
	case 1:
		return driver.Done, id(found[0])
	}
	return driver.Conflict, id(found[0])
}

// lookMembers compares addresses and ports, whatever their order.
func (b balancerKind) lookMembers(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	return b.step(ctx, c, func() (driver.EvidenceState, string, error) {
		want, err := members(c.Change)
		if err != nil {
			return "", "", err
		}
		found, err := b.pools(ctx, c)
		if err != nil || len(found) == 0 {
			return driver.Absent, "", err
		}
		have, err := b.members(ctx, found[0].ID)
		if err != nil {
			return "", "", err
		}
		if !sameMembers(want, have) {
			return driver.Absent, "", nil
		}
		return driver.Done, "", nil
	})
}

func sameMembers(want []pools.BatchUpdateMemberOpts, have []pools.Member) bool {
	type place struct {
		address string
		port    int
	}
	left := map[place]bool{}
	for _, w := range want {
		left[place{w.Address, w.ProtocolPort}] = true
	}
	for _, h := range have {
		p := place{h.Address, h.ProtocolPort}
		if !left[p] || strings.HasPrefix(h.ProvisioningStatus, "PENDING") {
			return false
		}
		delete(left, p)
	}
	return len(left) == 0
}

// read returns the balancer of a call, or an error with code NotFound.
func (b balancerKind) read(ctx context.Context, c driver.Call) (*loadbalancers.LoadBalancer, error) {
	id, err := b.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, table.Missing("load_balancer")
	}
	return loadbalancers.Get(ctx, b.balancer, id).Extract()
}

// listeners and pools of the balancer of a call that its steps made.
func (b balancerKind) listeners(ctx context.Context, c driver.Call) ([]listeners.Listener, error) {
	lb, err := b.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil || lb == "" {
		return nil, err
	}
	all, err := everything(ctx, func(marker string) pagination.Pager {
		return listeners.List(b.balancer, listeners.ListOpts{LoadbalancerID: lb, Limit: pageSize, Marker: marker})
	}, listeners.ExtractListeners, func(l listeners.Listener) string { return l.ID })
	return slices.DeleteFunc(all, func(l listeners.Listener) bool { return l.Description != table.Note(c.Mark, "listener") }), err
}

func (b balancerKind) pools(ctx context.Context, c driver.Call) ([]pools.Pool, error) {
	lb, err := b.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil || lb == "" {
		return nil, err
	}
	all, err := b.poolsOf(ctx, lb)
	return slices.DeleteFunc(all, func(p pools.Pool) bool { return p.Description != table.Note(c.Mark, "pool") }), err
}

// poolsOf lists every pool of a balancer, ours or added by hand.
func (b balancerKind) poolsOf(ctx context.Context, lb string) ([]pools.Pool, error) {
	return everything(ctx, func(marker string) pagination.Pager {
		return pools.List(b.balancer, pools.ListOpts{LoadbalancerID: lb, Limit: pageSize, Marker: marker})
	}, pools.ExtractPools, func(p pools.Pool) string { return p.ID })
}

func (b balancerKind) members(ctx context.Context, pool string) ([]pools.Member, error) {
	return everything(ctx, func(marker string) pagination.Pager {
		return pools.ListMembers(b.balancer, pool, pools.ListMembersOpts{Limit: pageSize, Marker: marker})
	}, pools.ExtractMembers, func(m pools.Member) string { return m.ID })
}
