package huawei

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// publicIPKind is an elastic public IP with a bandwidth of its own, charged by bandwidth.
type publicIPKind struct{ *Cloud }

// defaultIPType is the dynamic BGP line; an account's external network names another, such as 5_telcom or 5_sbgp.
const defaultIPType = "5_bgp"

type publicIPInfo struct {
	ID, Status, Alias string
	Address           string `json:"public_ip_address"`
	PortID            string `json:"port_id"`
	Bandwidth         int64  `json:"bandwidth_size"`
	BandwidthName     string `json:"bandwidth_name"`
	CreatedAt         string `json:"create_time"`
	Profile           struct {
		OrderID string `json:"order_id"`
	}
}

// mark is the IP's name, or that of its bandwidth where somebody has renamed the IP.
func (v publicIPInfo) mark() string {
	if m := table.MarkIn(v.Alias); m != "" {
		return m
	}
	return table.MarkIn(v.BandwidthName)
}

func (p publicIPKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: func(c driver.Change) ([]driver.Step, error) {
			steps := []driver.Step{principal("public_ip")}
			if _, ok := table.Link(c, duoyun.RelAttach); ok {
				steps = append(steps, step("associate"))
			}
			return steps, p.subscribable(c)
		}, Renew: p.renewable, Delete: table.Fixed(step("disassociate"), principal("delete-public_ip"))},
		Verbs: map[string]table.Verb{
			"public_ip":        {Run: p.create, Look: p.built(bss, p.shelf())},
			"associate":        {Run: p.associate, Look: p.lookAssociated},
			"disassociate":     {Run: p.disassociate, Look: p.lookDisassociated},
			"renew":            {Run: p.renew, Look: p.lookRenewed},
			"delete-public_ip": {Run: p.remove, Look: p.shelf().LookMainUnmade},
		},
		Reading: p.observe, Listing: p.list,
	}
}

// create allocates on demand by v1 and as a subscription by v2.0.
func (p publicIPKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	line := p.account.Mapping.ExternalNetwork
	if line == "" {
		line = defaultIPType
	}
	body := map[string]any{"publicip": map[string]string{"type": line, "alias": c.Mark},
		"bandwidth": map[string]any{"name": c.Mark, "size": c.After.(duoyun.PublicIPSpec).BandwidthMbps, "share_type": "PER", "charge_mode": "bandwidth"}}
	p.grouped(body)
	path := "/v1/{p}/publicips"
	if c.Months > 0 {
		path = "/v2.0/{p}/publicips"
		terms := map[string]any{}
		if err := withTerm(terms, c.Change, termNames{"charge_mode", "period_type", "period_num", "is_auto_renew", "is_auto_pay", false}); err != nil {
			return driver.Reply{}, err
		}
		body["extendParam"] = terms
	}
	var reply struct {
		PublicIP publicIPInfo
		OrderID  string `json:"order_id"`
		ID       string `json:"publicip_id"`
	}
	id, err := p.call(ctx, operation{service: vpc, method: http.MethodPost, path: path, body: body}, &reply)
	if reply.ID == "" {
		reply.ID = reply.PublicIP.ID
	}
	r, err := made(reply.ID, reply.OrderID, id, err)
	if a := reply.PublicIP.Address; a != "" {
		r.Addresses = []string{a}
	}
	return r, err
}

func (p publicIPKind) associate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := p.find(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	port, err := p.portOf(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r, err := p.bind(ctx, v.ID, port)
	return r, twice(err)
}

// bind gives a public IP a port; "" takes it off.
func (p publicIPKind) bind(ctx context.Context, id, port string) (driver.Reply, error) {
	requestID, err := p.call(ctx, operation{service: vpc, method: http.MethodPut, path: "/v1/{p}/publicips/" + id,
		body: map[string]any{"publicip": map[string]string{"port_id": port}}}, nil)
	return driver.Reply{RequestID: requestID}, err
}

// portOf finds the port of what the IP is attached to: a server's first, a load balancer's own.
func (p publicIPKind) portOf(ctx context.Context, c driver.Call) (string, error) {
	parent, ok := table.Link(c.Change, duoyun.RelAttach)
	if !ok {
		return "", table.Impossible("attach", "没有要绑定的资源", "there is nothing to attach to")
	}
	switch parent.Kind {
	case duoyun.KindServer:
		v, err := p.server(ctx, parent.ID)
		if _, ports := v.ports(); err != nil || len(ports) > 0 {
			return first(ports), err
		}
	case duoyun.KindLoadBalancer:
		lb, err := p.balancer(ctx, parent.ID)
		if err != nil || lb.Port != "" {
			return lb.Port, err
		}
	}
	return "", table.Impossible("attach", "%s 没有可绑定公网地址的端口", "a %s has no port to attach a public IP to", string(parent.Kind))
}

// lookAssociated compares ports: another port than the parent's was set by somebody else.
func (p publicIPKind) lookAssociated(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	want, err := p.portOf(ctx, c)
	if err != nil {
		return driver.Evidence{}, err
	}
	v, err := p.find(ctx, c)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch {
		case strings.HasPrefix(v.Status, "BINDING"):
			return driver.Pending, v.ID, v.Status
		case v.PortID == want:
			return driver.Done, v.ID, ""
		case v.PortID == "":
			return driver.Absent, v.ID, v.Status
		}
		return driver.Conflict, v.ID, v.PortID
	})
}

func (p publicIPKind) disassociate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := p.find(ctx, c)
	if Code(err) == driver.NotFound || err == nil && v.PortID == "" {
		return driver.Reply{}, nil
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r, err := p.bind(ctx, v.ID, "")
	return r, table.Ignoring(Code, err, driver.NotFound)
}

func (p publicIPKind) lookDisassociated(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	found, ev, err := p.shelf().Find(ctx, c, c.ID, c.Mark)
	if err != nil || len(found) == 0 {
		ev.State = driver.Done
		return ev, err
	}
	v, err := p.publicIP(ctx, found[0].ID)
	return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) {
		if v.PortID != "" {
			return driver.Absent, v.ID, v.PortID
		}
		return driver.Done, v.ID, ""
	})
}

func (p publicIPKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := p.find(ctx, c)
	if Code(err) == driver.NotFound {
		return driver.Reply{}, nil
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return p.release(ctx, v.ID, v.Profile.OrderID != "", operation{service: vpc, method: http.MethodDelete, path: "/v1/{p}/publicips/" + v.ID})
}

// find reads the public IP of a call; none is an error with code NotFound.
func (p publicIPKind) find(ctx context.Context, c driver.Call) (publicIPInfo, error) {
	id, err := p.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return publicIPInfo{}, err
	}
	if id == "" {
		return publicIPInfo{}, table.Missing("public_ip")
	}
	return p.publicIP(ctx, id)
}

func (p publicIPKind) publicIP(ctx context.Context, id string) (publicIPInfo, error) {
	var reply struct{ PublicIP publicIPInfo }
	_, err := p.call(ctx, operation{service: vpc, method: http.MethodGet, path: "/v1/{p}/publicips/" + id}, &reply)
	return whole(reply.PublicIP, reply.PublicIP.ID, err)
}

func publicIPThing(v publicIPInfo) table.Thing {
	return table.Thing{ID: v.ID, Note: v.mark(), State: publicIPState(v.Status), Detail: v.Status}
}

func (p publicIPKind) shelf() table.Shelf {
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := p.publicIP(ctx, id)
			return publicIPThing(v), err
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := p.page(ctx, cursor)
			return table.Things(all, publicIPThing), next, false, err
		},
	}
}

func (p publicIPKind) page(ctx context.Context, cursor string) ([]publicIPInfo, string, error) {
	var reply struct{ PublicIPs []publicIPInfo }
	_, err := p.call(ctx, operation{service: vpc, method: http.MethodGet, path: "/v1/{p}/publicips", query: p.ours(cursor)}, &reply)
	return paged(reply.PublicIPs, func(v publicIPInfo) string { return v.ID }, err)
}

// publicIPState follows api-eip: DOWN is an IP that is bound to nothing, ELB one at a load balancer; a frozen one is there.
func publicIPState(status string) driver.ObservedState {
	switch status {
	case "PENDING_CREATE", "NOTIFYING":
		return driver.Building
	case "PENDING_DELETE", "NOTIFY_DELETE":
		return driver.Deleting
	case "ERROR", "BIND_ERROR":
		return driver.Errored
	}
	return driver.Active
}

// observe follows the port to what has it: a port tells its server, and a load balancer is found by its port.
func (p publicIPKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := p.publicIP(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := observedPublicIP(v)
	if v.PortID != "" {
		parent, err := p.owner(ctx, v.PortID)
		if err != nil {
			return driver.Observation{}, err
		}
		if parent != "" {
			o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: {parent}}
		}
	}
	return p.subscribed(ctx, o, v.Profile.OrderID != "")
}

func (p publicIPKind) owner(ctx context.Context, port string) (string, error) {
	var reply struct {
		Port struct {
			DeviceID    string `json:"device_id"`
			DeviceOwner string `json:"device_owner"`
		}
	}
	_, err := p.call(ctx, operation{service: vpc, method: http.MethodGet, path: "/v1/{p}/ports/" + port}, &reply)
	if err != nil || strings.HasPrefix(reply.Port.DeviceOwner, "compute:") {
		return reply.Port.DeviceID, table.Ignoring(Code, err, driver.NotFound)
	}
	all, _, err := p.balancers(ctx, url.Values{"vip_port_id": {port}})
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0].ID, nil
}

func observedPublicIP(v publicIPInfo) driver.Observation {
	return driver.Observation{ID: v.ID, Mark: v.mark(), Name: v.Address, State: publicIPState(v.Status), Addresses: []string{v.Address},
		Spec: duoyun.PublicIPSpec{BandwidthMbps: v.Bandwidth}, CreatedAt: moment(strings.Replace(v.CreatedAt, " ", "T", 1)),
		Raw: raw(map[string]any{"status": v.Status, "port_id": v.PortID, "order_id": v.Profile.OrderID})}
}

func (p publicIPKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, err := p.page(ctx, cursor)
	return observations(all, observedPublicIP, next, false, err)
}
