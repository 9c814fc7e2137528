package openstack

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/duoyun/duoyun/providers/driver"
)

// Neutron shows an administrator every project's objects, so that each listing names the account's own project.

// neutronState: Neutron acts within the call, so that whatever is there is there; DOWN only means that nothing is
// plugged in.
func neutronState(status string) driver.ObservedState {
	switch status {
	case "ERROR":
		return driver.Errored
	case "BUILD":
		return driver.Building
	}
	return driver.Active
}

func (c *Cloud) ports() shelf {
	return shelf{
		get: func(ctx context.Context, id string) (thing, error) {
			p, err := ports.Get(ctx, c.network, id).Extract()
			if err != nil {
				return thing{}, err
			}
			return portThing(*p), nil
		},
		page: func(ctx context.Context, cursor string) ([]thing, string, bool, error) {
			all, next, err := c.portPage(ctx, cursor)
			return things(all, portThing), next, false, err
		},
		vouch: c.vouchServer,
	}
}

// portPage is one page of the project's ports, whoever uses them.
func (c *Cloud) portPage(ctx context.Context, cursor string) ([]ports.Port, string, error) {
	var body struct {
		Ports []ports.Port
		Links links `json:"ports_links"`
	}
	err := fetch(ctx, c.network, c.network.ServiceURL("ports"), c.project, cursor, &body)
	return paged(body.Ports, body.Links, err, func(p ports.Port) string { return p.ID })
}

// portThing: a port's status is ERROR only when its binding failed, which the server's own state tells better.
func portThing(p ports.Port) thing {
	return thing{id: p.ID, note: p.Description, state: driver.Active, detail: p.Status}
}

// vouchServer sees a server of ours through Neutron: by a port it is plugged into.
func (c *Cloud) vouchServer(ctx context.Context, server string) (bool, error) {
	all, err := c.portsOf(ctx, server)
	return len(all) > 0, err
}

// portsOf lists the ports plugged into a device.
func (c *Cloud) portsOf(ctx context.Context, device string) ([]ports.Port, error) {
	page, err := ports.List(c.network, ports.ListOpts{DeviceID: device, ProjectID: c.project}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	return ports.ExtractPorts(page)
}

func fixedIPs(p ports.Port) []string {
	var all []string
	for _, ip := range p.FixedIPs {
		all = append(all, ip.IPAddress)
	}
	slices.Sort(all)
	return all
}

// groups, routers and subnets bear "mark part". A sentinel is of the unit's own kind, so it is not among them: it is
// read from the same service instead.
func (c *Cloud) groups() shelf {
	view := func(g groups.SecGroup) thing {
		return thing{id: g.ID, note: g.Description, state: driver.Active}
	}
	return shelf{
		get: func(ctx context.Context, id string) (thing, error) {
			g, err := groups.Get(ctx, c.network, id).Extract()
			if err != nil {
				return thing{}, err
			}
			return view(*g), nil
		},
		page: func(ctx context.Context, cursor string) ([]thing, string, bool, error) {
			all, next, err := onePage(ctx, groups.List(c.network, groups.ListOpts{ProjectID: c.project, Limit: pageSize, Marker: cursor}),
				groups.ExtractGroups, func(g groups.SecGroup) string { return g.ID })
			return things(all, view), next, false, err
		},
		vouch: c.vouchServer,
	}
}

func (c *Cloud) routers() shelf {
	view := func(r routers.Router) thing {
		return thing{id: r.ID, note: r.Description, state: neutronState(r.Status), detail: r.Status}
	}
	return shelf{
		get: func(ctx context.Context, id string) (thing, error) {
			r, err := routers.Get(ctx, c.network, id).Extract()
			if err != nil {
				return thing{}, err
			}
			return view(*r), nil
		},
		page: func(ctx context.Context, cursor string) ([]thing, string, bool, error) {
			all, next, err := onePage(ctx, routers.List(c.network, routers.ListOpts{ProjectID: c.project, Limit: pageSize, Marker: cursor}),
				routers.ExtractRouters, func(r routers.Router) string { return r.ID })
			return things(all, view), next, false, err
		},
		vouch: c.vouchNetwork,
	}
}

func (c *Cloud) subnets() shelf {
	view := func(s subnets.Subnet) thing {
		return thing{id: s.ID, note: s.Description, state: driver.Active}
	}
	return shelf{
		get: func(ctx context.Context, id string) (thing, error) {
			s, err := subnets.Get(ctx, c.network, id).Extract()
			if err != nil {
				return thing{}, err
			}
			return view(*s), nil
		},
		page: func(ctx context.Context, cursor string) ([]thing, string, bool, error) {
			all, next, err := onePage(ctx, subnets.List(c.network, subnets.ListOpts{ProjectID: c.project, Limit: pageSize, Marker: cursor}),
				subnets.ExtractSubnets, func(s subnets.Subnet) string { return s.ID })
			return things(all, view), next, false, err
		},
		vouch: c.vouchNetwork,
	}
}

// vouchNetwork sees a network of ours at the service that keeps its routers and subnets.
func (c *Cloud) vouchNetwork(ctx context.Context, id string) (bool, error) {
	n, err := networks.Get(ctx, c.network, id).Extract()
	if err != nil {
		return false, ignoring(err, driver.NotFound)
	}
	return n.ID == id, nil
}

func things[T any](all []T, view func(T) thing) []thing {
	out := make([]thing, len(all))
	for i, v := range all {
		out[i] = view(v)
	}
	return out
}

// lookMade and lookUnmade are the looks of a part that a shelf holds and whose step has the part's name.
func (s shelf) lookMade(part string) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		found, ev, err := s.find(ctx, c, c.Parts[part], note(c.Mark, part))
		if err != nil {
			return driver.Evidence{}, err
		}
		return made(found, ev), nil
	}
}

func (s shelf) lookUnmade(part string) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		found, ev, err := s.find(ctx, c, c.Parts[part], note(c.Mark, part))
		if err != nil {
			return driver.Evidence{}, err
		}
		return unmade(found, ev), nil
	}
}

// lookMainMade and lookMainUnmade do the same for a unit's main object, which bears the mark alone.
func (s shelf) lookMainMade(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	found, ev, err := s.find(ctx, c, c.ID, c.Mark)
	if err != nil {
		return driver.Evidence{}, err
	}
	return made(found, ev), nil
}

func (s shelf) lookMainUnmade(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	found, ev, err := s.find(ctx, c, c.ID, c.Mark)
	if err != nil {
		return driver.Evidence{}, err
	}
	return unmade(found, ev), nil
}
