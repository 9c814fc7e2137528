package openstackfake

import (
	"net/netip"
	"slices"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func listenerView(_ *call, l *simcloud.Listener) object {
	return lbaas(&l.Object, object{
		"protocol": l.Protocol, "protocol_port": l.Port, "default_pool_id": orNull(l.PoolID), "connection_limit": -1,
		"loadbalancers": []object{{"id": l.BalancerID}}, "l7policies": []any{}, "insert_headers": object{}, "allowed_cidrs": nil,
		"default_tls_container_ref": nil, "sni_container_refs": []any{}, "timeout_client_data": 50000, "timeout_member_connect": 5000,
		"timeout_member_data": 50000, "timeout_tcp_inspect": 0,
	})
}

func poolView(c *call, p *simcloud.Pool) object {
	monitors := refs[simcloud.Monitor](c, simcloud.KindPool, p.ID, nil)
	v := lbaas(&p.Object, object{
		"protocol": p.Protocol, "lb_algorithm": p.Algorithm, "session_persistence": nil, "loadbalancers": []object{{"id": p.BalancerID}},
		"listeners": refs(c, simcloud.KindBalancer, p.BalancerID, func(l *simcloud.Listener) bool { return l.PoolID == p.ID }),
		"members":   refs[simcloud.Member](c, simcloud.KindPool, p.ID, nil), "healthmonitor_id": nil, "tls_enabled": false,
	})
	if len(monitors) > 0 {
		v["healthmonitor_id"] = monitors[0]["id"]
	}
	return v
}

func memberView(_ *call, m *simcloud.Member) object {
	v := lbaas(&m.Object, object{
		"address": m.Address, "protocol_port": m.Port, "subnet_id": orNull(m.SubnetID), "weight": m.Weight, "backup": false,
		"monitor_address": nil, "monitor_port": nil, "operating_status": "NO_MONITOR",
	})
	delete(v, "description")
	return v
}

func monitorView(_ *call, m *simcloud.Monitor) object {
	return lbaas(&m.Object, object{
		"type": m.Type, "delay": m.Delay, "timeout": m.Timeout, "max_retries": m.MaxRetries, "max_retries_down": 3,
		"url_path": orNull(m.Path), "pools": []object{{"id": m.PoolID}}, "http_method": nil, "expected_codes": nil,
	})
}

// parts serves listing, reading and removal of a kind of balancer's part.
func parts[T any, P simcloud.NounPart[T]](s *service, sh shelf[T]) {
	s.route("GET /"+sh.many, browse[T, P](sh))
	s.route("GET /"+sh.many+"/{id}", show[T, P](sh))
	s.route("DELETE /"+sh.many+"/{id}", func(c *call) (int, any, error) {
		return 204, nil, simcloud.DeletePart[T, P](c.sim, c.owner, c.id())
	})
}

type listenerRequest struct {
	lbBorn
	BalancerID string         `json:"loadbalancer_id"`
	Protocol   string         `json:"protocol"`
	Port       int            `json:"protocol_port"`
	PoolID     *string        `json:"default_pool_id"`
	Limit      *int           `json:"connection_limit"`
	Headers    map[string]any `json:"insert_headers"`
	CIDRs      []string       `json:"allowed_cidrs"`
	Client     *int           `json:"timeout_client_data"`
	Connect    *int           `json:"timeout_member_connect"`
	Data       *int           `json:"timeout_member_data"`
	Inspect    *int           `json:"timeout_tcp_inspect"`
}

func (s *service) listeners() {
	sh := shelf[simcloud.Listener]{one: "listener", many: "listeners", view: listenerView, index: map[string]func(string) string{"loadbalancer_id": of(simcloud.KindBalancer)}}
	parts(s, sh)
	s.route("POST /listeners", func(c *call) (int, any, error) {
		var in struct {
			Listener listenerRequest `json:"listener"`
		}
		if err := c.read(&in); err != nil {
			return 0, nil, err
		}
		r := in.Listener
		if !slices.Contains([]string{"TCP", "UDP", "HTTP", "HTTPS", "TERMINATED_HTTPS", "SCTP", "PROMETHEUS"}, r.Protocol) || r.Port < 1 || r.Port > 65535 {
			return 0, nil, badRequest("Invalid input for field/attribute protocol or protocol_port. Value: '%s' '%d'", r.Protocol, r.Port)
		}
		o, err := r.object(c)
		if err != nil {
			return 0, nil, err
		}
		l, err := simcloud.CreatePart(c.sim, &simcloud.Listener{
			Part: simcloud.Part{Object: o, BalancerID: r.BalancerID}, Protocol: r.Protocol, Port: r.Port, PoolID: orElse(r.PoolID, ""),
		})
		return created(c, sh, l, err)
	})
	s.route("PUT /listeners/{id}", func(c *call) (int, any, error) {
		var in struct {
			Listener listenerRequest `json:"listener"`
		}
		if err := c.read(&in); err != nil {
			return 0, nil, err
		}
		l, err := simcloud.EditPart(c.sim, c.owner, c.id(), func(l *simcloud.Listener) {
			in.Listener.apply(&l.Object)
			l.PoolID = orElse(in.Listener.PoolID, l.PoolID)
		})
		return changed(c, sh, l, err)
	})
}

func created[T any](c *call, sh shelf[T], x *T, err error) (int, any, error) {
	if err != nil {
		return 0, nil, err
	}
	return 201, object{sh.one: sh.view(c, x)}, nil
}

func changed[T any](c *call, sh shelf[T], x *T, err error) (int, any, error) {
	if err != nil {
		return 0, nil, err
	}
	return 200, object{sh.one: sh.view(c, x)}, nil
}

type poolRequest struct {
	lbBorn
	Protocol    string `json:"protocol"`
	Algorithm   string `json:"lb_algorithm"`
	BalancerID  string `json:"loadbalancer_id"`
	ListenerID  string `json:"listener_id"`
	Persistence any    `json:"session_persistence"`
	TLS         *bool  `json:"tls_enabled"`
}

func (s *service) pools() {
	sh := shelf[simcloud.Pool]{one: "pool", many: "pools", view: poolView, index: map[string]func(string) string{"loadbalancer_id": of(simcloud.KindBalancer)}}
	parts(s, sh)
	s.route("POST /pools", func(c *call) (int, any, error) {
		var in struct {
			Pool poolRequest `json:"pool"`
		}
		if err := c.read(&in); err != nil {
			return 0, nil, err
		}
		p, err := createPool(c, in.Pool)
		return created(c, sh, p, err)
	})
	s.route("PUT /pools/{id}", func(c *call) (int, any, error) {
		var in struct {
			Pool poolRequest `json:"pool"`
		}
		if err := c.read(&in); err != nil {
			return 0, nil, err
		}
		p, err := simcloud.EditPart(c.sim, c.owner, c.id(), func(p *simcloud.Pool) {
			in.Pool.apply(&p.Object)
			if in.Pool.Algorithm != "" {
				p.Algorithm = in.Pool.Algorithm
			}
		})
		return changed(c, sh, p, err)
	})
}

// createPool makes a pool of a balancer, or of a listener, whose default pool it becomes.
func createPool(c *call, r poolRequest) (*simcloud.Pool, error) {
	if !slices.Contains([]string{"ROUND_ROBIN", "LEAST_CONNECTIONS", "SOURCE_IP", "SOURCE_IP_PORT"}, r.Algorithm) {
		return nil, badRequest("Invalid input for field/attribute lb_algorithm. Value: '%s'", r.Algorithm)
	}
	o, err := r.object(c)
	if err != nil {
		return nil, err
	}
	balancer := r.BalancerID
	switch {
	case r.ListenerID != "":
		l, err := simcloud.Get[simcloud.Listener](c.sim, c.owner, r.ListenerID)
		if err != nil {
			return nil, err
		}
		if l.PoolID != "" {
			return nil, refuse(409, "Listener %s already has a default pool.", l.ID)
		}
		balancer = l.BalancerID
	case balancer == "":
		return nil, badRequest("Validation failure: Must provide at least one of: loadbalancer_id, listener_id")
	}
	p, err := simcloud.CreatePart(c.sim, &simcloud.Pool{Part: simcloud.Part{Object: o, BalancerID: balancer}, Protocol: r.Protocol, Algorithm: r.Algorithm})
	if err == nil && r.ListenerID != "" {
		_, err = simcloud.Edit(c.sim, c.owner, r.ListenerID, func(l *simcloud.Listener) error { l.PoolID = p.ID; return nil })
	}
	return p, err
}

type memberRequest struct {
	lbBorn
	Address        string  `json:"address"`
	Port           int     `json:"protocol_port"`
	SubnetID       *string `json:"subnet_id"`
	Weight         *int    `json:"weight"`
	Backup         *bool   `json:"backup"`
	MonitorAddress *string `json:"monitor_address"`
	MonitorPort    *int    `json:"monitor_port"`
}

func (r *memberRequest) member(c *call, pool *simcloud.Pool) (*simcloud.Member, error) {
	if _, err := netip.ParseAddr(r.Address); err != nil || r.Port < 1 || r.Port > 65535 {
		return nil, badRequest("Invalid input for field/attribute address or protocol_port. Value: '%s' '%d'", r.Address, r.Port)
	}
	o, err := r.object(c)
	return &simcloud.Member{
		Part: simcloud.Part{Object: o, BalancerID: pool.BalancerID}, PoolID: pool.ID, Address: r.Address, Port: r.Port,
		SubnetID: orElse(r.SubnetID, ""), Weight: orElse(r.Weight, 1),
	}, err
}

func (s *service) members() {
	sh := shelf[simcloud.Member]{one: "member", many: "members", view: memberView}
	in := func(pattern string, h func(*call, *simcloud.Pool) (int, any, error)) {
		s.route(pattern, func(c *call) (int, any, error) {
			p, err := simcloud.Get[simcloud.Pool](c.sim, c.owner, c.r.PathValue("pool"))
			if err != nil {
				return 0, nil, err
			}
			return h(c, p)
		})
	}
	in("GET /pools/{pool}/members", func(c *call, p *simcloud.Pool) (int, any, error) {
		q := c.r.URL.Query()
		q.Set("pool_id", p.ID)
		c.r.URL.RawQuery = q.Encode()
		return browse(shelf[simcloud.Member]{one: sh.one, many: sh.many, view: sh.view, index: map[string]func(string) string{"pool_id": of(simcloud.KindPool)}})(c)
	})
	in("GET /pools/{pool}/members/{id}", func(c *call, _ *simcloud.Pool) (int, any, error) { return show(sh)(c) })
	in("POST /pools/{pool}/members", createMember)
	in("PUT /pools/{pool}/members", replaceMembers)
	in("PUT /pools/{pool}/members/{id}", updateMember)
	in("DELETE /pools/{pool}/members/{id}", func(c *call, _ *simcloud.Pool) (int, any, error) {
		return 204, nil, simcloud.DeletePart[simcloud.Member](c.sim, c.owner, c.id())
	})
}

func createMember(c *call, p *simcloud.Pool) (int, any, error) {
	var in struct {
		Member memberRequest `json:"member"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	m, err := in.Member.member(c, p)
	if err != nil {
		return 0, nil, err
	}
	if m, err = simcloud.CreatePart(c.sim, m); err != nil {
		return 0, nil, err
	}
	return 201, object{"member": memberView(c, m)}, nil
}

func updateMember(c *call, _ *simcloud.Pool) (int, any, error) {
	var in struct {
		Member struct {
			lbBorn
			Weight *int  `json:"weight"`
			Backup *bool `json:"backup"`
		} `json:"member"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	m, err := simcloud.EditPart(c.sim, c.owner, c.id(), func(m *simcloud.Member) {
		in.Member.apply(&m.Object)
		m.Weight = orElse(in.Member.Weight, m.Weight)
	})
	if err != nil {
		return 0, nil, err
	}
	return 200, object{"member": memberView(c, m)}, nil
}

// replaceMembers makes a pool's members those of the request, all at once; with additive_only none is removed.
func replaceMembers(c *call, p *simcloud.Pool) (int, any, error) {
	var in struct {
		Members []memberRequest `json:"members"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	wanted := make([]*simcloud.Member, len(in.Members))
	for i := range in.Members {
		m, err := in.Members[i].member(c, p)
		if err != nil {
			return 0, nil, err
		}
		wanted[i] = m
	}
	return 202, nil, c.sim.ReplaceMembers(c.owner, p.ID, wanted, c.query("additive_only") == "true")
}

func (s *service) monitors() {
	sh := shelf[simcloud.Monitor]{one: "healthmonitor", many: "healthmonitors", view: monitorView}
	parts(s, sh)
	s.route("POST /healthmonitors", func(c *call) (int, any, error) {
		var in struct {
			Monitor struct {
				lbBorn
				PoolID     string  `json:"pool_id"`
				Type       string  `json:"type"`
				Delay      int     `json:"delay"`
				Timeout    int     `json:"timeout"`
				MaxRetries int     `json:"max_retries"`
				Down       int     `json:"max_retries_down"`
				Path       string  `json:"url_path"`
				Method     string  `json:"http_method"`
				Codes      string  `json:"expected_codes"`
				Version    float64 `json:"http_version"`
				DomainName string  `json:"domain_name"`
			} `json:"healthmonitor"`
		}
		if err := c.read(&in); err != nil {
			return 0, nil, err
		}
		r := in.Monitor
		p, err := simcloud.Get[simcloud.Pool](c.sim, c.owner, r.PoolID)
		if err != nil {
			return 0, nil, err
		}
		o, err := r.object(c)
		if err != nil {
			return 0, nil, err
		}
		m, err := simcloud.CreatePart(c.sim, &simcloud.Monitor{
			Part: simcloud.Part{Object: o, BalancerID: p.BalancerID}, PoolID: p.ID, Type: r.Type,
			Delay: r.Delay, Timeout: r.Timeout, MaxRetries: r.MaxRetries, Path: r.Path,
		})
		return created(c, sh, m, err)
	})
}
