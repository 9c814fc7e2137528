package openstackfake

import (
	"net/http"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// octaviaError words an error as Octavia does.
func octaviaError(r refusal) any {
	fault := "Client"
	if r.status >= 500 {
		fault = "Server"
	}
	text := r.text
	if rest, ok := strings.CutPrefix(text, "Additional properties are not allowed ("); ok {
		name, _, _ := strings.Cut(rest, " was")
		text = "Unknown attribute for argument: " + name
	}
	return object{"faultcode": fault, "faultstring": text, "debuginfo": nil}
}

func octaviaNoun(k simcloud.Kind) string {
	return map[simcloud.Kind]string{
		simcloud.KindBalancer: "Load Balancer", simcloud.KindListener: "Listener", simcloud.KindPool: "Pool",
		simcloud.KindMember: "Member", simcloud.KindMonitor: "Health Monitor", simcloud.KindPort: "Port",
		simcloud.KindSubnet: "Subnet", simcloud.KindNetwork: "Network",
	}[k]
}

// octaviaRefusal words what the simulated cloud refused: Octavia answers 403 to an exhausted quota, 409 while a balancer is
// PENDING_*, and 400 to the removal of one with children.
func octaviaRefusal(e *simcloud.Error) refusal {
	switch e.Reason {
	case simcloud.Missing:
		return refuse(404, "%s %s not found.", octaviaNoun(e.Kind), e.ID)
	case simcloud.Exceeded:
		return refuse(403, "Quota has been met for resources: %s", octaviaNoun(e.Kind))
	case simcloud.Busy:
		return refuse(409, "%s %s is immutable and cannot be updated.", octaviaNoun(e.Kind), e.ID)
	case simcloud.InUse:
		return badRequest("Cannot delete %s %s - %s", octaviaNoun(e.Kind), e.ID, e.Detail)
	case simcloud.Exists:
		return refuse(409, "%s", e.Detail)
	case simcloud.SoldOut:
		return refuse(500, "Provider 'amphora' reports error: no capacity left")
	}
	return badRequest("Validation failure: %s", e.Detail)
}

// balancer serves Octavia as its api-ref describes it (docs.openstack.org/api-ref/load-balancer/v2), under /v2 and the older
// /v2.0 alike, as Octavia itself does.
func (f *Fake) balancer() {
	f.open("GET /load-balancer/{$}", func(_ http.ResponseWriter, r *http.Request) (int, any) {
		region, _ := r.Context().Value(regionKey{}).(string)
		links := []any{object{"rel": "self", "href": f.base(r, region) + "/load-balancer/v2"}}
		return 200, object{"versions": []any{
			object{"id": "v2.0", "status": "SUPPORTED", "updated": "2016-12-11T00:00:00Z", "links": links},
			object{"id": "v2.26", "status": "CURRENT", "updated": "2022-03-08T00:00:00Z", "links": links},
		}}
	})
	for _, version := range []string{"/v2.0", "/v2"} {
		s := &service{Fake: f, prefix: "/load-balancer" + version + "/lbaas", word: octaviaError, translate: octaviaRefusal}
		s.loadBalancers()
		s.listeners()
		s.pools()
		s.members()
		s.monitors()
		s.route("GET /providers", func(*call) (int, any, error) {
			return 200, object{"providers": []any{object{"name": "amphora", "description": "The Octavia Amphora driver."}}}, nil
		})
		s.route("GET /quotas/{id}", balancerQuota)
		s.route("GET /quotas/defaults", balancerQuota)
	}
}

func balancerQuota(c *call) (int, any, error) {
	l, _ := c.sim.Quota(c.owner)
	return 200, object{"quota": object{
		"loadbalancer": l[simcloud.ItemBalancers], "load_balancer": l[simcloud.ItemBalancers], "listener": l[simcloud.ItemListeners],
		"pool": l[simcloud.ItemPools], "member": l[simcloud.ItemMembers], "healthmonitor": l[simcloud.ItemMonitors],
		"health_monitor": l[simcloud.ItemMonitors], "l7policy": 10, "l7rule": 10,
	}}, nil
}

// provisioning is a state in Octavia's words.
func provisioning(s simcloud.State) string {
	return map[simcloud.State]string{
		simcloud.Building: "PENDING_CREATE", simcloud.Updating: "PENDING_UPDATE", simcloud.Deleting: "PENDING_DELETE",
		simcloud.Active: "ACTIVE", simcloud.Failed: "ERROR",
	}[s]
}

// lbaas are the fields that everything in Octavia has.
func lbaas(o *simcloud.Object, more object) object {
	operating := "ONLINE"
	if o.State == simcloud.Building || o.State == simcloud.Failed {
		operating = "OFFLINE"
	}
	v := object{
		"id": o.ID, "name": o.Name, "description": o.Description, "project_id": o.Tenant, "tenant_id": o.Tenant, "tags": list(o.Tags),
		"provisioning_status": provisioning(o.State), "operating_status": operating, "admin_state_up": true,
		"created_at": when(o.Created, plain), "updated_at": when(o.Updated, plain),
	}
	for k, x := range more {
		v[k] = x
	}
	return v
}

// refs are the ids of what belongs to something, as Octavia lists them.
func refs[T any, P simcloud.Noun[T]](c *call, kind simcloud.Kind, id string, keep func(*T) bool) []object {
	found, _ := simcloud.List[T, P](c.sim, simcloud.Query{Where: []string{simcloud.Of(kind, id)}}, keep)
	out := []object{}
	for _, x := range found {
		out = append(out, object{"id": P(x).Self().ID})
	}
	return out
}

func balancerView(c *call, b *simcloud.Balancer) object {
	return lbaas(&b.Object, object{
		"vip_address": b.Address, "vip_port_id": b.PortID, "vip_subnet_id": b.SubnetID, "vip_network_id": b.NetworkID, "vip_qos_policy_id": nil,
		"additional_vips": []any{}, "provider": "amphora", "flavor_id": nil, "availability_zone": orNull(b.Zone),
		"listeners": refs[simcloud.Listener](c, simcloud.KindBalancer, b.ID, nil),
		"pools":     refs[simcloud.Pool](c, simcloud.KindBalancer, b.ID, nil),
	})
}

// lbBorn is what everything in Octavia may be created or changed with.
type lbBorn struct {
	Name        *string   `json:"name"`
	Description *string   `json:"description"`
	Tags        *[]string `json:"tags"`
	AdminState  *bool     `json:"admin_state_up"`
	ProjectID   string    `json:"project_id"`
	TenantID    string    `json:"tenant_id"`
}

func (b *lbBorn) apply(o *simcloud.Object) {
	o.Name, o.Description, o.Tags = orElse(b.Name, o.Name), orElse(b.Description, o.Description), orElse(b.Tags, o.Tags)
}

func (b *lbBorn) object(c *call) (simcloud.Object, error) {
	o := simcloud.Object{Owner: c.owner}
	if b.ProjectID != "" && b.ProjectID != c.owner.Tenant || b.TenantID != "" && b.TenantID != c.owner.Tenant {
		return o, refuse(403, "Policy does not allow this request to be performed.")
	}
	b.apply(&o)
	if len([]rune(o.Name)) > 255 || len([]rune(o.Description)) > 255 {
		return o, badRequest("Invalid input for field/attribute name. Value: '%s'. Value should have a maximum character requirement of 255", o.Name)
	}
	return o, nil
}

func (s *service) loadBalancers() {
	balancers := shelf[simcloud.Balancer]{one: "loadbalancer", many: "loadbalancers", view: balancerView, index: map[string]func(string) string{
		"vip_address": simcloud.Addressed, "vip_subnet_id": of(simcloud.KindSubnet),
	}}
	s.route("GET /loadbalancers", browse(balancers))
	s.route("GET /loadbalancers/{id}", show(balancers))
	s.route("POST /loadbalancers", createBalancer)
	s.route("PUT /loadbalancers/{id}", updateBalancer)
	s.route("DELETE /loadbalancers/{id}", func(c *call) (int, any, error) {
		return 204, nil, c.sim.DeleteBalancer(c.owner, c.id(), strings.EqualFold(c.query("cascade"), "true"))
	})
	s.route("GET /loadbalancers/{id}/status", balancerTree)
	s.route("GET /loadbalancers/{id}/stats", func(c *call) (int, any, error) {
		_, err := simcloud.Get[simcloud.Balancer](c.sim, c.owner, c.id())
		return 200, object{"stats": object{"active_connections": 0, "bytes_in": 0, "bytes_out": 0, "request_errors": 0, "total_connections": 0}}, err
	})
}

func createBalancer(c *call) (int, any, error) {
	var in struct {
		LB struct {
			lbBorn
			VipPortID    string  `json:"vip_port_id"`
			VipSubnetID  string  `json:"vip_subnet_id"`
			VipNetworkID string  `json:"vip_network_id"`
			VipAddress   string  `json:"vip_address"`
			VipQoS       *string `json:"vip_qos_policy_id"`
			Provider     string  `json:"provider"`
			FlavorID     string  `json:"flavor_id"`
			Zone         string  `json:"availability_zone"`
		} `json:"loadbalancer"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	r := in.LB
	if r.VipPortID == "" && r.VipSubnetID == "" && r.VipNetworkID == "" {
		return 0, nil, badRequest("Validation failure: VIP must contain one of: vip_port_id, vip_network_id, vip_subnet_id.")
	}
	o, err := r.object(c)
	if err != nil {
		return 0, nil, err
	}
	o.Zone = r.Zone
	b, err := c.sim.CreateBalancer(simcloud.Balancer{Object: o, PortID: r.VipPortID, SubnetID: r.VipSubnetID, NetworkID: r.VipNetworkID, Address: r.VipAddress})
	if e := cause(err); e.Reason == simcloud.Missing {
		err = badRequest("%s %s not found.", octaviaNoun(e.Kind), e.ID)
	}
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"loadbalancer": balancerView(c, b)}, nil
}

func updateBalancer(c *call) (int, any, error) {
	var in struct {
		LB struct {
			lbBorn
			VipQoS *string `json:"vip_qos_policy_id"`
		} `json:"loadbalancer"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	b, err := c.sim.EditBalancer(c.owner, c.id(), func(b *simcloud.Balancer) { in.LB.apply(&b.Object) })
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"loadbalancer": balancerView(c, b)}, nil
}

// balancerTree answers a balancer's states with those of its parts.
func balancerTree(c *call) (int, any, error) {
	b, err := simcloud.Get[simcloud.Balancer](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	node := func(o *simcloud.Object, more object) object {
		v := object{"id": o.ID, "name": o.Name, "provisioning_status": provisioning(o.State), "operating_status": "ONLINE"}
		for k, x := range more {
			v[k] = x
		}
		return v
	}
	where := simcloud.Query{Where: []string{simcloud.Of(simcloud.KindBalancer, b.ID)}}
	pools, _ := simcloud.List[simcloud.Pool](c.sim, where, nil)
	trees := map[string]object{}
	all := []object{}
	for _, p := range pools {
		members, _ := simcloud.List[simcloud.Member](c.sim, simcloud.Query{Where: []string{simcloud.Of(simcloud.KindPool, p.ID)}}, nil)
		nodes := []object{}
		for _, m := range members {
			nodes = append(nodes, node(&m.Object, object{"address": m.Address, "protocol_port": m.Port}))
		}
		trees[p.ID] = node(&p.Object, object{"members": nodes})
		all = append(all, trees[p.ID])
	}
	listeners, _ := simcloud.List[simcloud.Listener](c.sim, where, nil)
	nodes := []object{}
	for _, l := range listeners {
		under := []object{}
		if t, ok := trees[l.PoolID]; ok {
			under = append(under, t)
		}
		nodes = append(nodes, node(&l.Object, object{"pools": under}))
	}
	return 200, object{"statuses": object{"loadbalancer": node(&b.Object, object{"listeners": nodes, "pools": all})}}, nil
}
