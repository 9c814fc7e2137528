package huawei

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// balancerKind is a dedicated load balancer 独享型 with one TCP listener, one pool with a health check, and its members.
// Members are added and taken away by two calls, so that a change of members is two steps; either may find nothing to do.
type balancerKind struct{ *Cloud }

type balancerInfo struct {
	ID, Name, Description string
	Provisioning          string `json:"provisioning_status"`
	Operating             string `json:"operating_status"`
	Address               string `json:"vip_address"`
	Port                  string `json:"vip_port_id"`
	VpcID                 string `json:"vpc_id"`
	Billing               string `json:"billing_info"` // order:product:region:project of a subscription
	CreatedAt             string `json:"created_at"`
}

// partInfo is a listener, a pool or a health check.
type partInfo struct {
	ID, Name, Description string
	Port                  int `json:"protocol_port"`
}

type memberInfo struct {
	ID, Name, Address string
	Port              int `json:"protocol_port"`
}

func (b balancerKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: b.plan, Update: planMembers, Renew: b.renewable, Delete: table.Fixed(principal("delete-load_balancer"))},
		Verbs: map[string]table.Verb{
			"load_balancer":        {Run: b.create, Look: b.built(bss, b.shelf())},
			"listener":             {Run: b.makeListener, Look: b.lookPart("listener")},
			"pool":                 {Run: b.makePool, Look: b.lookPart("pool")},
			"health_check":         {Run: b.makeCheck, Look: b.lookPart("health_check")},
			"drop_members":         {Run: b.drop, Look: b.lookMembers(false)},
			"members":              {Run: b.add, Look: b.lookMembers(true)},
			"renew":                {Run: b.renew, Look: b.lookRenewed},
			"delete-load_balancer": {Run: b.remove, Look: b.shelf().LookMainUnmade},
		},
		Reading: b.observe, Listing: b.list,
	}
}

func (b balancerKind) plan(c driver.Change) ([]driver.Step, error) {
	if _, err := table.PlatformNetwork(c); err != nil {
		return nil, err
	}
	steps := []driver.Step{principal("load_balancer"), step("listener"), step("pool"), step("health_check"), step("members")}
	return steps, b.subscribable(c)
}

// planMembers sets the members anew: who they are is in the links, which have no before.
func planMembers(c driver.Change) ([]driver.Step, error) {
	if c.Before.(duoyun.LoadBalancerSpec).Port != c.After.(duoyun.LoadBalancerSpec).Port {
		return nil, table.Impossible("spec.port", "负载均衡的监听端口不能改", "the listener's port cannot be changed")
	}
	if duoyun.SameSpec(c.Before, c.After) && len(c.Links[duoyun.RelMember]) == 0 {
		return nil, nil
	}
	return []driver.Step{step("members"), step("drop_members")}, nil
}

// create leaves the size out: ELB takes its default flavor.
func (b balancerKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	network, subnet, err := b.place(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	zone, err := b.mapped(ctx, c.Zone)
	if err != nil {
		return driver.Reply{}, err
	}
	body := map[string]any{"name": table.Title(c.Change, 250), "description": c.Mark, "vpc_id": network.ID, "vip_subnet_cidr_id": subnet.Neutron,
		"availability_zone_list": []string{zone}, "guaranteed": true}
	b.grouped(body)
	if c.Months > 0 {
		terms := map[string]any{}
		if err := withTerm(terms, c.Change, termNames{"", "period_type", "period_num", "auto_renew", "auto_pay", false}); err != nil {
			return driver.Reply{}, err
		}
		body["prepaid_options"] = terms
	}
	var reply struct {
		Balancer balancerInfo `json:"loadbalancer"`
		ID       string       `json:"loadbalancer_id"`
		OrderID  string       `json:"order_id"`
	}
	id, err := b.call(ctx, operation{service: elb, method: http.MethodPost, path: "/v3/{p}/elb/loadbalancers", body: map[string]any{"loadbalancer": body}}, &reply)
	if reply.ID == "" {
		reply.ID = reply.Balancer.ID
	}
	r, err := made(reply.ID, reply.OrderID, id, err)
	r.Addresses = address(reply.Balancer.Address)
	return r, err
}

func address(a string) []string {
	if a == "" {
		return nil
	}
	return []string{a}
}

// part makes a listener, pool or health check; its answer is under its own name.
func (b balancerKind) part(ctx context.Context, path, name string, body map[string]any) (driver.Reply, error) {
	var reply map[string]json.RawMessage
	id, err := b.call(ctx, operation{service: elb, method: http.MethodPost, path: "/v3/{p}/elb/" + path, body: map[string]any{name: body}}, &reply)
	var p partInfo
	if err == nil && reply[name] != nil {
		err = json.Unmarshal(reply[name], &p)
	}
	return made(p.ID, "", id, twice(err))
}

func (b balancerKind) makeListener(ctx context.Context, c driver.Call) (driver.Reply, error) {
	lb, err := b.find(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return b.part(ctx, "listeners", "listener", map[string]any{"loadbalancer_id": lb, "protocol": "TCP",
		"protocol_port": c.After.(duoyun.LoadBalancerSpec).Port, "name": c.Mark, "description": table.Note(c.Mark, "listener")})
}

func (b balancerKind) makePool(ctx context.Context, c driver.Call) (driver.Reply, error) {
	listener, err := b.one(ctx, c, "listener")
	if err != nil {
		return driver.Reply{}, err
	}
	return b.part(ctx, "pools", "pool", map[string]any{"listener_id": listener, "protocol": "TCP", "lb_algorithm": "ROUND_ROBIN",
		"name": c.Mark, "description": table.Note(c.Mark, "pool")})
}

// makeCheck bears its note in its name: a health check has no description.
func (b balancerKind) makeCheck(ctx context.Context, c driver.Call) (driver.Reply, error) {
	pool, err := b.one(ctx, c, "pool")
	if err != nil {
		return driver.Reply{}, err
	}
	return b.part(ctx, "healthmonitors", "healthmonitor", map[string]any{"pool_id": pool, "type": "TCP", "delay": 5, "timeout": 3, "max_retries": 3,
		"name": table.Note(c.Mark, "health_check")})
}

// one is the id of a part that an earlier step has made.
func (b balancerKind) one(ctx context.Context, c driver.Call, part string) (string, error) {
	found, err := b.parts(ctx, c, part)
	if err != nil {
		return "", table.Unsent(Code, err)
	}
	if len(found) == 0 {
		return "", table.Missing(part)
	}
	return found[0].ID, nil
}

// parts finds the parts of a unit that its steps have made: by what they hang on, and by their note.
func (b balancerKind) parts(ctx context.Context, c driver.Call, part string) ([]partInfo, error) {
	note, found := table.Note(c.Mark, part), []partInfo(nil)
	path, query := "healthmonitors", url.Values{"name": {note}}
	if part != "health_check" {
		lb, err := b.find(ctx, c)
		if err != nil {
			return nil, table.Ignoring(Code, err, driver.NotFound)
		}
		path, query = part+"s", url.Values{"loadbalancer_id": {lb}}
	}
	all, err := b.all(ctx, path, query)
	for _, p := range all {
		if p.Description == note || p.Name == note {
			found = append(found, p)
		}
	}
	return found, err
}

// all reads every listener, pool or health check that a query asks for.
func (b balancerKind) all(ctx context.Context, path string, query url.Values) ([]partInfo, error) {
	return everything(func(cursor string) ([]partInfo, string, error) {
		return listed[partInfo](ctx, b.Cloud, path, path, query, cursor)
	})
}

// listed is one page of an ELB listing; its page_info tells the next, and has no next_marker on the last page.
func listed[T any](ctx context.Context, c *Cloud, path, name string, query url.Values, cursor string) ([]T, string, error) {
	q := after(cursor)
	for k, v := range query {
		q[k] = v
	}
	var reply map[string]json.RawMessage
	if _, err := c.call(ctx, operation{service: elb, method: http.MethodGet, path: "/v3/{p}/elb/" + path, query: q}, &reply); err != nil {
		return nil, "", err
	}
	var all []T
	var info struct {
		Next string `json:"next_marker"`
	}
	if reply[name] == nil || reply["page_info"] == nil {
		return nil, "", errNoListing
	}
	err := errors.Join(json.Unmarshal(reply[name], &all), json.Unmarshal(reply["page_info"], &info))
	if err == nil && all == nil {
		err = errNoListing
	}
	return all, info.Next, err
}

// lookPart: a part of a balancer is there at once or not at all.
func (b balancerKind) lookPart(part string) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		found, err := b.parts(ctx, c, part)
		return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
			switch len(found) {
			case 0:
				return driver.Absent, "", ""
			case 1:
				return driver.Done, found[0].ID, ""
			}
			return driver.Conflict, found[0].ID, found[1].ID
		})
	}
}

// wanted are the members a balancer shall have, by address; a server without one is refused.
func wanted(c driver.Change) ([]memberInfo, error) {
	spec := c.After.(duoyun.LoadBalancerSpec)
	port := spec.MemberPort
	if port == 0 {
		port = spec.Port
	}
	var want []memberInfo
	for _, l := range c.Links[duoyun.RelMember] {
		if len(l.Addresses) == 0 {
			return nil, table.Impossible("members", "成员 %s 没有地址", "member %s has no address", l.ID)
		}
		want = append(want, memberInfo{Name: l.ID, Address: l.Addresses[0], Port: port})
	}
	return want, nil
}

// without are the members of a that b lacks.
func without(a, b []memberInfo) (left []memberInfo) {
	has := map[string]bool{}
	for _, m := range b {
		has[m.place()] = true
	}
	for _, m := range a {
		if !has[m.place()] {
			left = append(left, m)
		}
	}
	return left
}

func (m memberInfo) place() string { return m.Address + " " + strconv.Itoa(m.Port) }

// difference reads the pool: what is missing in it, and what is too much.
func (b balancerKind) difference(ctx context.Context, c driver.Call) (pool string, missing, extra []memberInfo, err error) {
	want, err := wanted(c.Change)
	if err != nil {
		return "", nil, nil, err
	}
	if pool, err = b.one(ctx, c, "pool"); err != nil {
		return "", nil, nil, err
	}
	have, err := b.membersOf(ctx, pool)
	return pool, without(want, have), without(have, want), table.Unsent(Code, err)
}

func (b balancerKind) membersOf(ctx context.Context, pool string) ([]memberInfo, error) {
	return everything(func(cursor string) ([]memberInfo, string, error) {
		return listed[memberInfo](ctx, b.Cloud, "pools/"+pool+"/members", "members", nil, cursor)
	})
}

// add adds the members that are missing, in one call; each bears its server's id as name.
func (b balancerKind) add(ctx context.Context, c driver.Call) (driver.Reply, error) {
	pool, missing, _, err := b.difference(ctx, c)
	if err != nil || len(missing) == 0 {
		return driver.Reply{}, err
	}
	_, subnet, err := b.place(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	members := make([]any, len(missing))
	for i, m := range missing {
		members[i] = map[string]any{"name": m.Name, "address": m.Address, "protocol_port": m.Port, "subnet_cidr_id": subnet.Neutron}
	}
	id, err := b.call(ctx, operation{service: elb, method: http.MethodPost, path: "/v3/{p}/elb/pools/" + pool + "/members/batch-add",
		body: map[string]any{"members": members}}, nil)
	return driver.Reply{RequestID: id}, twice(err)
}

// drop takes away the members that are too much, in one call.
func (b balancerKind) drop(ctx context.Context, c driver.Call) (driver.Reply, error) {
	pool, _, extra, err := b.difference(ctx, c)
	if err != nil || len(extra) == 0 {
		return driver.Reply{}, err
	}
	members := make([]any, len(extra))
	for i, m := range extra {
		members[i] = map[string]any{"id": m.ID}
	}
	return gone(b.call(ctx, operation{service: elb, method: http.MethodPost, path: "/v3/{p}/elb/pools/" + pool + "/members/batch-delete",
		body: map[string]any{"members": members}}, nil))
}

// lookMembers says whether all that are wanted are there (add), or none that is not.
func (b balancerKind) lookMembers(adding bool) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		_, missing, extra, err := b.difference(ctx, c)
		if !adding {
			missing = extra
		}
		return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
			if len(missing) > 0 {
				return driver.Absent, "", missing[0].Address
			}
			return driver.Done, "", ""
		})
	}
}

// remove takes listener, pool, health check and members along. A subscription is unsubscribed as it is.
func (b balancerKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := b.find(ctx, c)
	var lb balancerInfo
	if err == nil {
		lb, err = b.balancer(ctx, id)
	}
	if Code(err) == driver.NotFound || err == nil && balancerState(lb.Provisioning) == driver.Deleting {
		return driver.Reply{}, nil
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return b.release(ctx, id, lb.Billing != "", operation{service: elb, method: http.MethodDelete, path: "/v3/{p}/elb/loadbalancers/" + id + "/force-elb"})
}

// find is the id of the balancer of a call; none is an error with code NotFound.
func (b balancerKind) find(ctx context.Context, c driver.Call) (string, error) {
	id, err := b.shelf().ID(ctx, c.ID, c.Mark)
	if err == nil && id == "" {
		err = table.Missing("load_balancer")
	}
	return id, err
}

func (c *Cloud) balancer(ctx context.Context, id string) (balancerInfo, error) {
	var reply struct {
		Balancer balancerInfo `json:"loadbalancer"`
	}
	_, err := c.call(ctx, operation{service: elb, method: http.MethodGet, path: "/v3/{p}/elb/loadbalancers/" + id}, &reply)
	return whole(reply.Balancer, reply.Balancer.ID, err)
}

// balancers is one page of the balancers that a query asks for.
func (c *Cloud) balancers(ctx context.Context, query url.Values) ([]balancerInfo, string, error) {
	return listed[balancerInfo](ctx, c, "loadbalancers", "loadbalancers", query, query.Get("marker"))
}

func balancerThing(v balancerInfo) table.Thing {
	return table.Thing{ID: v.ID, Note: v.Description, State: balancerState(v.Provisioning), Detail: v.Provisioning}
}

func (b balancerKind) shelf() table.Shelf {
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := b.balancer(ctx, id)
			return balancerThing(v), err
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := b.balancers(ctx, b.ours(cursor))
			return table.Things(all, balancerThing), next, false, err
		},
	}
}

// balancerState: the documents name ACTIVE and PENDING_DELETE; the others are those of the v2 API.
func balancerState(status string) driver.ObservedState {
	switch status {
	case "PENDING_CREATE":
		return driver.Building
	case "PENDING_DELETE", "DELETED":
		return driver.Deleting
	case "ERROR":
		return driver.Errored
	}
	return driver.Active
}

// observe reads the first listener and all members; a member's name is the vendor id of its server.
func (b balancerKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := b.balancer(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o, spec := observedBalancer(v), duoyun.LoadBalancerSpec{}
	listeners, err := b.all(ctx, "listeners", url.Values{"loadbalancer_id": {id}})
	if err != nil {
		return driver.Observation{}, err
	}
	if len(listeners) > 0 {
		spec.Port = listeners[0].Port
	}
	pools, err := b.all(ctx, "pools", url.Values{"loadbalancer_id": {id}})
	if err != nil {
		return driver.Observation{}, err
	}
	for _, p := range pools {
		have, err := b.membersOf(ctx, p.ID)
		if err != nil {
			return driver.Observation{}, err
		}
		for _, m := range have {
			spec.MemberPort = m.Port
			o.Links[duoyun.RelMember] = append(o.Links[duoyun.RelMember], m.Name)
		}
	}
	o.Spec = spec
	return b.subscribed(ctx, o, v.Billing != "")
}

func observedBalancer(v balancerInfo) driver.Observation {
	return driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: balancerState(v.Provisioning), Spec: duoyun.LoadBalancerSpec{},
		Addresses: address(v.Address), Links: map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VpcID}}, CreatedAt: moment(v.CreatedAt),
		Raw: raw(map[string]any{"provisioning_status": v.Provisioning, "operating_status": v.Operating, "vip_port_id": v.Port, "billing_info": v.Billing})}
}

func (b balancerKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, err := b.balancers(ctx, b.ours(cursor))
	return observations(all, observedBalancer, next, false, err)
}
