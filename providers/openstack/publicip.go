package openstack

import (
	"context"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// publicIPKind is a floating address. OpenStack lets only administrators limit its bandwidth (Neutron QoS), so that
// bandwidth_mbps is what is bought and billed, not what the cloud enforces or shows.
type publicIPKind struct{ *Cloud }

func (f publicIPKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: planPublicIP, Delete: table.Fixed(driver.Step{Name: "delete-floating_ip", Main: true})},
		Verbs: map[string]table.Verb{
			"floating_ip":        {Run: f.create, Look: f.shelf().LookMainMade},
			"associate":          {Run: f.associate, Look: f.lookAssociated},
			"delete-floating_ip": {Run: f.remove, Look: f.shelf().LookMainUnmade},
		},
		Reading: f.observe, Listing: f.list,
	}
}

// planPublicIP associates in a second step, though Neutron would do both in one: an address that was got and a port that
// refused it are told apart so.
func planPublicIP(c driver.Change) ([]driver.Step, error) {
	steps := []driver.Step{{Name: "floating_ip", Main: true}}
	if _, ok := table.Link(c, duoyun.RelAttach); ok {
		steps = append(steps, driver.Step{Name: "associate"})
	}
	return steps, nil
}

func (f publicIPKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	external, err := f.externalNetwork(ctx)
	if err != nil {
		return driver.Reply{}, err
	}
	r := floatingips.Create(ctx, f.network, floatingips.CreateOpts{FloatingNetworkID: external, Description: c.Mark})
	v, err := r.Extract()
	if err != nil {
		return driver.Reply{}, err
	}
	answer := reply(v.ID, r.Header)
	answer.Addresses = []string{v.FloatingIP}
	return answer, nil
}

func (f publicIPKind) associate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := f.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if id == "" {
		return driver.Reply{}, table.Missing("floating_ip")
	}
	port, err := f.parentPort(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := floatingips.Update(ctx, f.network, id, floatingips.UpdateOpts{PortID: &port})
	return reply("", r.Header), r.Err
}

// parentPort finds the port of what the address is attached to.
func (f publicIPKind) parentPort(ctx context.Context, c driver.Call) (string, error) {
	parent, ok := table.Link(c.Change, duoyun.RelAttach)
	if !ok {
		return "", table.Impossible("attach", "没有要挂载的资源", "there is nothing to attach to")
	}
	switch parent.Kind {
	case duoyun.KindAddress:
		return parent.ID, nil
	case duoyun.KindLoadBalancer:
		if f.balancer == nil {
			break
		}
		lb, err := loadbalancers.Get(ctx, f.balancer, parent.ID).Extract()
		if err != nil {
			return "", err
		}
		return lb.VipPortID, nil
	case duoyun.KindServer:
		all, err := f.portsOf(ctx, parent.ID)
		if err != nil || len(all) > 0 {
			return firstPort(all), err
		}
	}
	return "", table.Impossible("attach", "%s 没有可挂载公网地址的端口", "a %s has no port to attach a public address to", string(parent.Kind))
}

// firstPort is the same port on every replica.
func firstPort(all []ports.Port) string {
	if len(all) == 0 {
		return ""
	}
	first := all[0].ID
	for _, p := range all[1:] {
		first = min(first, p.ID)
	}
	return first
}

// lookAssociated compares ports: another port than the parent's was set by somebody else.
func (f publicIPKind) lookAssociated(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	id, err := f.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return driver.Evidence{}, err
	}
	if id == "" {
		return driver.Evidence{}, table.Missing("floating_ip")
	}
	want, err := f.parentPort(ctx, c)
	if err != nil {
		return driver.Evidence{}, err
	}
	v, err := floatingips.Get(ctx, f.network, id).Extract()
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch v.PortID {
		case want:
			return driver.Done, v.ID, ""
		case "":
			return driver.Absent, v.ID, ""
		}
		return driver.Conflict, v.ID, v.PortID
	})
}

// remove needs no disassociation before it.
func (f publicIPKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := f.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := floatingips.Delete(ctx, f.network, id)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

func (f publicIPKind) shelf() table.Shelf {
	view := func(v floatingips.FloatingIP) table.Thing {
		return table.Thing{ID: v.ID, Note: v.Description, State: neutronState(v.Status), Detail: v.Status}
	}
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := floatingips.Get(ctx, f.network, id).Extract()
			if err != nil {
				return table.Thing{}, err
			}
			return view(*v), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := f.page(ctx, cursor)
			return table.Things(all, view), next, false, err
		},
	}
}

func (f publicIPKind) page(ctx context.Context, cursor string) ([]floatingips.FloatingIP, string, error) {
	var body struct {
		Floating []floatingips.FloatingIP `json:"floatingips"`
		Links    links                    `json:"floatingips_links"`
	}
	err := fetch(ctx, f.network, f.network.ServiceURL("floatingips"), f.project, cursor, &body)
	return paged(body.Floating, body.Links, err, func(v floatingips.FloatingIP) string { return v.ID })
}

func (f publicIPKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := floatingips.Get(ctx, f.network, id).Extract()
	if err != nil {
		return driver.Observation{}, err
	}
	o := observedPublicIP(*v)
	if v.PortID == "" {
		return o, nil
	}
	p, err := ports.Get(ctx, f.network, v.PortID).Extract()
	if err != nil {
		return o, table.Ignoring(Code, err, driver.NotFound)
	}
	parent := p.ID // an address is its port
	if p.DeviceID != "" {
		parent = strings.TrimPrefix(p.DeviceID, "lb-") // Octavia names the device of a VIP port so
	}
	o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: {parent}}
	return o, nil
}

func observedPublicIP(v floatingips.FloatingIP) driver.Observation {
	return driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.FloatingIP, State: neutronState(v.Status), Spec: duoyun.PublicIPSpec{},
		Addresses: []string{v.FloatingIP}, CreatedAt: v.CreatedAt, Raw: raw(map[string]any{"status": v.Status, "port_id": v.PortID, "fixed_ip": v.FixedIP})}
}

func (f publicIPKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, err := f.page(ctx, cursor)
	p := driver.Page{Next: next}
	for _, v := range all {
		p.Items = append(p.Items, observedPublicIP(v))
	}
	return p, err
}
