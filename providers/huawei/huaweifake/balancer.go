package huaweifake

import (
	"net/http"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func (f *Fake) balancers() {
	s := &service{f, flat, "ELB.8902", "ELB.8904", "ELB.8907", "ELB.8905", "ELB.8910", http.StatusConflict, http.StatusConflict, http.StatusConflict, tokenRules{}}
	s.route("POST /v3/{project}/elb/loadbalancers", createBalancer)
	s.route("GET /v3/{project}/elb/loadbalancers", listBalancers)
	s.route("GET /v3/{project}/elb/loadbalancers/{id}", showBalancer)
	s.route("DELETE /v3/{project}/elb/loadbalancers/{id}/force-elb", deleteBalancer)
	s.route("POST /v3/{project}/elb/listeners", createListener)
	s.route("GET /v3/{project}/elb/listeners", listParts("listeners", listenerView))
	s.route("POST /v3/{project}/elb/pools", createPool)
	s.route("GET /v3/{project}/elb/pools", listParts("pools", poolView))
	s.route("POST /v3/{project}/elb/healthmonitors", createMonitor)
	s.route("GET /v3/{project}/elb/healthmonitors", listParts("healthmonitors", monitorView))
	s.route("GET /v3/{project}/elb/pools/{id}/members", listMembers)
	s.route("POST /v3/{project}/elb/pools/{id}/members/batch-add", addMembers)
	s.route("POST /v3/{project}/elb/pools/{id}/members/batch-delete", deleteMembers)
}

func createBalancer(c *call) (int, any, error) {
	var in struct {
		Balancer struct {
			Name, Description string
			VPC               string   `json:"vpc_id"`
			Subnet            string   `json:"vip_subnet_cidr_id"`
			Zones             []string `json:"availability_zone_list"`
			Guaranteed        *bool
			Enterprise        string `json:"enterprise_project_id"`
			Prepaid           *struct {
				Unit  string `json:"period_type"`
				N     int    `json:"period_num"`
				Renew bool   `json:"auto_renew"`
				Pay   bool   `json:"auto_pay"`
			} `json:"prepaid_options"`
		} `json:"loadbalancer"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	b := in.Balancer
	if len(b.Zones) == 0 || b.Guaranteed == nil || !*b.Guaranteed || len(b.Name) > 255 || len(b.Description) > 255 {
		return 0, nil, c.invalid("availability_zone_list and guaranteed=true are required")
	}
	if err := c.need("vpc_id", b.VPC, "vip_subnet_cidr_id", b.Subnet); err != nil {
		return 0, nil, err
	}
	bought := simcloud.Purchase{}
	if b.Prepaid != nil {
		var err error
		if bought, err = c.term("prePaid", b.Prepaid.Unit, b.Prepaid.N); err != nil || b.Prepaid.Renew {
			return 0, nil, c.invalid("prepaid_options is illegal")
		}
	}
	made, err := c.sim.CreateBalancer(simcloud.Balancer{Object: simcloud.Object{Owner: c.owner, Zone: b.Zones[0], Name: b.Name, Description: b.Description},
		Purchase: bought, SubnetID: neutron(b.Subnet)})
	if err != nil {
		return 0, nil, err
	}
	if bought.Months > 0 {
		order, err := c.order("purchase", made.ID)
		return 201, object{"request_id": randomID(), "loadbalancer_id": made.ID, "order_id": order}, err
	}
	return 201, object{"request_id": randomID(), "loadbalancer": balancerView(made)}, nil
}

func balancerView(b *simcloud.Balancer) object {
	status := map[simcloud.State]string{simcloud.Building: "PENDING_CREATE", simcloud.Deleting: "PENDING_DELETE", simcloud.Failed: "ERROR"}[b.State]
	if status == "" {
		status = "ACTIVE"
	}
	billing := ""
	if b.Months > 0 {
		billing = "CS" + b.ID[:8] + ":OFFI:" + b.Region + ":" + Project
	}
	return object{"id": b.ID, "name": b.Name, "description": b.Description, "provisioning_status": status, "operating_status": "ONLINE", "vpc_id": b.NetworkID,
		"vip_address": b.Address, "vip_port_id": b.PortID, "vip_subnet_cidr_id": neutron(b.SubnetID), "billing_info": billing, "guaranteed": true,
		"availability_zone_list": []string{b.Zone}, "created_at": when(b.Created), "listeners": []any{}, "pools": []any{}}
}

func listBalancers(c *call) (int, any, error) {
	port := c.query("vip_port_id")
	views, next, err := byMarker(c, simcloud.Query{}, 2000, func(b *simcloud.Balancer) bool { return port == "" || b.PortID == port }, balancerView)
	return 200, object{"request_id": randomID(), "loadbalancers": views, "page_info": info(next, len(views))}, err
}

func showBalancer(c *call) (int, any, error) {
	b, err := simcloud.Get[simcloud.Balancer](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"request_id": randomID(), "loadbalancer": balancerView(b)}, nil
}

func deleteBalancer(c *call) (int, any, error) {
	b, err := simcloud.Get[simcloud.Balancer](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	if b.Months > 0 {
		return 0, nil, c.invalid("a load balancer in yearly/monthly billing is unsubscribed")
	}
	return 204, nil, c.sim.DeleteBalancer(c.owner, b.ID, true)
}

func createListener(c *call) (int, any, error) {
	var in struct {
		Listener struct {
			Name, Description, Protocol string
			Port                        int    `json:"protocol_port"`
			Balancer                    string `json:"loadbalancer_id"`
		}
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	l := in.Listener
	if l.Protocol != "TCP" || l.Port < 1 || l.Port > 65535 {
		return 0, nil, c.invalid("protocol or protocol_port is illegal")
	}
	made, err := simcloud.CreatePart(c.sim, &simcloud.Listener{Part: c.part(l.Name, l.Description, l.Balancer), Protocol: l.Protocol, Port: l.Port})
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"request_id": randomID(), "listener": listenerView(made)}, nil
}

func (c *call) part(name, description, balancer string) simcloud.Part {
	return simcloud.Part{Object: simcloud.Object{Owner: c.owner, Name: name, Description: description}, BalancerID: balancer}
}

func listenerView(l *simcloud.Listener) object {
	return object{"id": l.ID, "name": l.Name, "description": l.Description, "protocol": l.Protocol, "protocol_port": l.Port, "default_pool_id": l.PoolID,
		"loadbalancers": []any{object{"id": l.BalancerID}}}
}

func createPool(c *call) (int, any, error) {
	var in struct {
		Pool struct {
			Name, Description, Protocol string
			Algorithm                   string `json:"lb_algorithm"`
			Listener                    string `json:"listener_id"`
		}
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	l, err := simcloud.Get[simcloud.Listener](c.sim, c.owner, in.Pool.Listener)
	if err != nil {
		return 0, nil, err
	}
	if l.PoolID != "" {
		return 0, nil, &refusal{http.StatusConflict, "ELB.8907", "the listener already has a default pool"}
	}
	made, err := simcloud.CreatePart(c.sim, &simcloud.Pool{Part: c.part(in.Pool.Name, in.Pool.Description, l.BalancerID), Protocol: in.Pool.Protocol, Algorithm: in.Pool.Algorithm})
	if err != nil {
		return 0, nil, err
	}
	_, err = simcloud.EditPart(c.sim, c.owner, l.ID, func(l *simcloud.Listener) { l.PoolID = made.ID })
	return 201, object{"request_id": randomID(), "pool": poolView(made)}, err
}

func poolView(p *simcloud.Pool) object {
	return object{"id": p.ID, "name": p.Name, "description": p.Description, "protocol": p.Protocol, "lb_algorithm": p.Algorithm,
		"loadbalancers": []any{object{"id": p.BalancerID}}}
}

func createMonitor(c *call) (int, any, error) {
	var in struct {
		Monitor struct {
			Name, Type     string
			Pool           string `json:"pool_id"`
			Delay, Timeout int
			Retries        int `json:"max_retries"`
		} `json:"healthmonitor"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	m := in.Monitor
	p, err := simcloud.Get[simcloud.Pool](c.sim, c.owner, m.Pool)
	if err != nil {
		return 0, nil, err
	}
	if m.Delay < 1 || m.Delay > 50 || m.Retries < 1 || m.Retries > 10 || m.Timeout < 1 {
		return 0, nil, c.invalid("delay, max_retries or timeout is illegal")
	}
	made, err := simcloud.CreatePart(c.sim, &simcloud.Monitor{Part: c.part(m.Name, "", p.BalancerID), PoolID: p.ID, Type: m.Type, Delay: m.Delay, Timeout: m.Timeout, MaxRetries: m.Retries})
	if err != nil {
		return 0, nil, err
	}
	return 201, object{"request_id": randomID(), "healthmonitor": monitorView(made)}, nil
}

func monitorView(m *simcloud.Monitor) object {
	return object{"id": m.ID, "name": m.Name, "type": m.Type, "delay": m.Delay, "timeout": m.Timeout, "max_retries": m.MaxRetries, "pools": []any{object{"id": m.PoolID}}}
}

// listParts lists the parts of a balancer, or those with a name.
func listParts[T any, P simcloud.Noun[T]](name string, view func(*T) object) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		q := simcloud.Query{}
		if id := c.query("loadbalancer_id"); id != "" {
			q.Where = append(q.Where, simcloud.Of(simcloud.KindBalancer, id))
		}
		if n := c.query("name"); n != "" {
			q.Where = append(q.Where, simcloud.Named(n))
		}
		views, next, err := byMarker[T, P](c, q, 2000, nil, view)
		return 200, object{"request_id": randomID(), name: views, "page_info": info(next, len(views))}, err
	}
}

func memberView(m *simcloud.Member) object {
	return object{"id": m.ID, "name": m.Name, "address": m.Address, "protocol_port": m.Port, "subnet_cidr_id": neutron(m.SubnetID), "weight": m.Weight,
		"operating_status": "ONLINE", "member_type": "instance"}
}

func listMembers(c *call) (int, any, error) {
	if _, err := simcloud.Get[simcloud.Pool](c.sim, c.owner, c.id()); err != nil {
		return 0, nil, err
	}
	views, next, err := byMarker(c, simcloud.Query{Where: []string{simcloud.Of(simcloud.KindPool, c.id())}}, 2000,
		func(m *simcloud.Member) bool { return m.State != simcloud.Deleting }, memberView)
	return 200, object{"request_id": randomID(), "members": views, "page_info": info(next, len(views))}, err
}

func addMembers(c *call) (int, any, error) {
	var in struct {
		Members []struct {
			Name, Address string
			Port          int    `json:"protocol_port"`
			Subnet        string `json:"subnet_cidr_id"`
		}
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	p, err := simcloud.Get[simcloud.Pool](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	var wanted []*simcloud.Member
	views := []object{}
	for _, m := range in.Members {
		if m.Address == "" || m.Port < 1 || m.Subnet == "" {
			return 0, nil, c.invalid("address, protocol_port and subnet_cidr_id are required")
		}
		x := &simcloud.Member{Part: c.part(m.Name, "", p.BalancerID), PoolID: p.ID, Address: m.Address, Port: m.Port, SubnetID: neutron(m.Subnet), Weight: 1}
		wanted = append(wanted, x)
		views = append(views, memberView(x))
	}
	if len(wanted) == 0 {
		return 0, nil, c.invalid("members is required")
	}
	return 201, object{"request_id": randomID(), "members": views}, c.sim.ReplaceMembers(c.owner, p.ID, wanted, true)
}

func deleteMembers(c *call) (int, any, error) {
	var in struct{ Members []struct{ ID string } }
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	for _, m := range in.Members {
		if err := simcloud.DeletePart[simcloud.Member](c.sim, c.owner, m.ID); err != nil {
			return 0, nil, err
		}
	}
	return 200, object{"request_id": randomID(), "members": []any{}}, nil
}
