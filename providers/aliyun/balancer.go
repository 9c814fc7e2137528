package aliyun

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// balancerKind is a classic load balancer (CLB) in the agency's VPC with one TCP listener over its default server group.
// Its name is the mark: there is no description. The members are added and taken away by one call each.
type balancerKind struct{ *Cloud }

// classBalancer is the name under which an account maps the specification of balancers (slb.s1.small); without it the
// public cloud charges by use, the only way it still sells, and Apsara Stack gives what it has.
const classBalancer = "load_balancer"

// maxMembers is how many servers AddBackendServers takes at a time.
const maxMembers = 20

func (b balancerKind) kind() *table.Kind {
	await := func(name string) driver.Step { return driver.Step{Name: name, Await: true} }
	return &table.Kind{
		Plans: table.Plans{
			Create: terms(false, func(c driver.Change) ([]driver.Step, error) {
				return []driver.Step{{Name: "load_balancer", Main: true, Await: true}, await("members"), await("listener"), await("start")}, sellable(c)
			}),
			Update: planBalancerChange,
			Delete: table.Fixed(driver.Step{Name: "delete-load_balancer", Main: true, Await: true}),
		},
		Verbs: map[string]table.Verb{
			"load_balancer":        {Run: b.make, Look: b.balancers().shelf().LookMainMade, Token: true},
			"members":              {Run: b.addMembers, Look: b.lookMembers(true)},
			"remove-members":       {Run: b.removeMembers, Look: b.lookMembers(false)},
			"listener":             {Run: b.listen, Look: b.lookListener(false)},
			"start":                {Run: b.start, Look: b.lookListener(true)},
			"delete-load_balancer": {Run: b.balancers().removal("", "DeleteLoadBalancer", "LoadBalancerId"), Look: b.balancers().shelf().LookMainUnmade},
		},
		Reading: b.observe, Listing: b.balancers().listed(balancer.observed),
	}
}

func sellable(c driver.Change) error {
	if len(c.Links[duoyun.RelMember]) > maxMembers {
		return table.Impossible("members", "负载均衡最多 %d 个成员", "a load balancer has at most %d members", maxMembers)
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

// balancer is a load balancer as DescribeLoadBalancers shows it.
type balancer struct {
	ID         string `json:"LoadBalancerId"`
	Name       string `json:"LoadBalancerName"`
	Status     string `json:"LoadBalancerStatus"`
	VpcID      string `json:"VpcId"`
	Address    string
	CreateTime string
}

func (v balancer) key() string { return v.ID }

func (v balancer) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Name, State: driver.Active, Detail: v.Status}
}

func (v balancer) observed() driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Name), Name: v.Name, State: balancerState(v.Status), Spec: duoyun.LoadBalancerSpec{},
		Addresses: []string{v.Address}, CreatedAt: when(v.CreateTime), Raw: raw(v)}
	if v.VpcID != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VpcID}}
	}
	return o
}

// balancerState: a balancer without a started listener is inactive only where somebody stopped it; locked is for debts.
func balancerState(status string) driver.ObservedState {
	switch status {
	case "inactive":
		return driver.Stopped
	case "locked":
		return driver.Errored
	}
	return driver.Active
}

func (c *Cloud) balancers() listing[balancer] {
	return listing[balancer]{cloud: c, product: slb, action: "DescribeLoadBalancers", outer: "LoadBalancers", inner: "LoadBalancer", id: "LoadBalancerId"}
}

func (b balancerKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	subnet, err := b.subnetOf(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	in := params{"LoadBalancerName": c.Mark, "AddressType": "intranet", "VpcId": subnet.VpcID, "VSwitchId": subnet.ID, "ClientToken": c.Token,
		"LoadBalancerSpec": b.account.Mapping.Classes[classBalancer]}
	if in["LoadBalancerSpec"] == "" && b.account.Platform != apsara {
		in["InstanceChargeType"] = "PayByCLCU"
	}
	return b.create(ctx, slb, "CreateLoadBalancer", in, func(m made) string { return m.LoadBalancerID })
}

// detail is what only the attributes of a balancer show.
type detail struct {
	id            string
	ListenerPorts struct{ ListenerPort []int }
	Backends      struct {
		Server []struct {
			ID string `json:"ServerId"`
		} `json:"BackendServer"`
	} `json:"BackendServers"`
}

func (d detail) members() map[string]bool {
	all := map[string]bool{}
	for _, s := range d.Backends.Server {
		all[s.ID] = true
	}
	return all
}

// detail reads the attributes of a call's balancer.
func (b balancerKind) detail(ctx context.Context, id, mark string) (detail, error) {
	id, err := b.balancers().shelf().ID(ctx, id, mark)
	if err != nil {
		return detail{}, err
	}
	if id == "" {
		return detail{}, table.Missing("load_balancer")
	}
	d := detail{id: id}
	_, err = b.call(ctx, slb, "DescribeLoadBalancerAttribute", params{"LoadBalancerId": id}, &d)
	if err == nil && (d.ListenerPorts.ListenerPort == nil || d.Backends.Server == nil) {
		err = errHollow
	}
	return d, err
}

// missing are the wanted members that are not there, extra those that are there and not wanted; both in order.
func (d detail) missing(c driver.Change) (missing, extra []string) {
	there := d.members()
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
	d, err := b.detail(ctx, c.ID, c.Mark)
	missing, _ := d.missing(c.Change)
	if err != nil || len(missing) == 0 {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return b.change(ctx, slb, "AddBackendServers", params{"LoadBalancerId": d.id, "BackendServers": backends(missing)})
}

func (b balancerKind) removeMembers(ctx context.Context, c driver.Call) (driver.Reply, error) {
	d, err := b.detail(ctx, c.ID, c.Mark)
	_, extra := d.missing(c.Change)
	if err != nil || len(extra) == 0 {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return b.change(ctx, slb, "RemoveBackendServers", params{"LoadBalancerId": d.id, "BackendServers": backends(extra)})
}

// backends is the JSON that the server group's calls take.
func backends(ids []string) string {
	type backend struct {
		ServerID string `json:"ServerId"`
		Weight   string
		Type     string
	}
	all := make([]backend, len(ids))
	for i, id := range ids {
		all[i] = backend{id, "100", "ecs"}
	}
	return string(raw(all))
}

// lookMembers sees that none is missing, or that there is none too many.
func (b balancerKind) lookMembers(adding bool) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		d, err := b.detail(ctx, c.ID, c.Mark)
		return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
			missing, extra := d.missing(c.Change)
			if adding && len(missing) > 0 || !adding && len(extra) > 0 {
				return driver.Absent, "", ""
			}
			return driver.Done, "", ""
		})
	}
}

// listen makes the listener with the health check by connecting; what the check says is the vendor's default.
func (b balancerKind) listen(ctx context.Context, c driver.Call) (driver.Reply, error) {
	d, err := b.detail(ctx, c.ID, c.Mark)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	spec := c.After.(duoyun.LoadBalancerSpec)
	if spec.MemberPort == 0 {
		spec.MemberPort = spec.Port
	}
	return b.change(ctx, slb, "CreateLoadBalancerTCPListener", params{"LoadBalancerId": d.id, "ListenerPort": strconv.Itoa(spec.Port),
		"BackendServerPort": strconv.Itoa(spec.MemberPort), "Bandwidth": "-1", "HealthCheckSwitch": "on", "HealthCheckType": "tcp", "Description": table.Note(c.Mark, "listener")})
}

func (b balancerKind) start(ctx context.Context, c driver.Call) (driver.Reply, error) {
	d, err := b.detail(ctx, c.ID, c.Mark)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return b.change(ctx, slb, "StartLoadBalancerListener", params{"LoadBalancerId": d.id, "ListenerProtocol": "tcp",
		"ListenerPort": strconv.Itoa(c.After.(duoyun.LoadBalancerSpec).Port)})
}

// listener is the state of a balancer's listener.
type listener struct {
	BackendServerPort int
	Status            string
}

func (b balancerKind) listener(ctx context.Context, id string, port int) (l listener, err error) {
	_, err = b.call(ctx, slb, "DescribeLoadBalancerTCPListenerAttribute", params{"LoadBalancerId": id, "ListenerPort": strconv.Itoa(port)}, &l)
	if err == nil && l.Status == "" {
		err = errHollow
	}
	return l, err
}

// lookListener sees that there is one, and that it runs: a new one is stopped.
func (b balancerKind) lookListener(running bool) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		port := c.After.(duoyun.LoadBalancerSpec).Port
		d, err := b.detail(ctx, c.ID, c.Mark)
		var l listener
		there := err == nil && slices.Contains(d.ListenerPorts.ListenerPort, port)
		if there {
			l, err = b.listener(ctx, d.id, port)
		}
		return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
			switch {
			case !there:
				return driver.Absent, "", ""
			case l.Status == "starting", l.Status == "configuring":
				return driver.Pending, "", l.Status
			case running && l.Status != "running":
				return driver.Absent, "", l.Status
			}
			return driver.Done, "", ""
		})
	}
}

// observe adds the ports and the members.
func (b balancerKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := b.balancers().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := v.observed()
	d, err := b.detail(ctx, id, "")
	if err != nil {
		return o, err
	}
	if o.Links == nil {
		o.Links = map[duoyun.Relation][]string{}
	}
	o.Links[duoyun.RelMember] = slices.Sorted(maps.Keys(d.members()))
	if len(d.ListenerPorts.ListenerPort) > 0 {
		spec := duoyun.LoadBalancerSpec{Port: d.ListenerPorts.ListenerPort[0]}
		l, err := b.listener(ctx, id, spec.Port)
		if err != nil {
			return o, err
		}
		spec.MemberPort = l.BackendServerPort
		o.Spec = spec
	}
	return o, nil
}
