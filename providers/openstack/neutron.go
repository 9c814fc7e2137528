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
	"github.com/duoyun/duoyun/providers/driver/table"
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

func (c *Cloud) ports() table.Shelf {
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			p, err := ports.Get(ctx, c.network, id).Extract()
			if err != nil {
				return table.Thing{}, err
			}
			return portThing(*p), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := c.portPage(ctx, cursor)
			return table.Things(all, portThing), next, false, err
		},
		Vouch: c.vouchServer,
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
func portThing(p ports.Port) table.Thing {
	return table.Thing{ID: p.ID, Note: p.Description, State: driver.Active, Detail: p.Status}
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
func (c *Cloud) groups() table.Shelf {
	view := func(g groups.SecGroup) table.Thing {
		return table.Thing{ID: g.ID, Note: g.Description, State: driver.Active}
	}
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			g, err := groups.Get(ctx, c.network, id).Extract()
			if err != nil {
				return table.Thing{}, err
			}
			return view(*g), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := onePage(ctx, groups.List(c.network, groups.ListOpts{ProjectID: c.project, Limit: pageSize, Marker: cursor}),
				groups.ExtractGroups, func(g groups.SecGroup) string { return g.ID })
			return table.Things(all, view), next, false, err
		},
		Vouch: c.vouchServer,
	}
}

func (c *Cloud) routers() table.Shelf {
	view := func(r routers.Router) table.Thing {
		return table.Thing{ID: r.ID, Note: r.Description, State: neutronState(r.Status), Detail: r.Status}
	}
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			r, err := routers.Get(ctx, c.network, id).Extract()
			if err != nil {
				return table.Thing{}, err
			}
			return view(*r), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := onePage(ctx, routers.List(c.network, routers.ListOpts{ProjectID: c.project, Limit: pageSize, Marker: cursor}),
				routers.ExtractRouters, func(r routers.Router) string { return r.ID })
			return table.Things(all, view), next, false, err
		},
		Vouch: c.vouchNetwork,
	}
}

func (c *Cloud) subnets() table.Shelf {
	view := func(s subnets.Subnet) table.Thing {
		return table.Thing{ID: s.ID, Note: s.Description, State: driver.Active}
	}
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			s, err := subnets.Get(ctx, c.network, id).Extract()
			if err != nil {
				return table.Thing{}, err
			}
			return view(*s), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := onePage(ctx, subnets.List(c.network, subnets.ListOpts{ProjectID: c.project, Limit: pageSize, Marker: cursor}),
				subnets.ExtractSubnets, func(s subnets.Subnet) string { return s.ID })
			return table.Things(all, view), next, false, err
		},
		Vouch: c.vouchNetwork,
	}
}

// vouchNetwork sees a network of ours at the service that keeps its routers and subnets.
func (c *Cloud) vouchNetwork(ctx context.Context, id string) (bool, error) {
	n, err := networks.Get(ctx, c.network, id).Extract()
	if err != nil {
		return false, table.Ignoring(Code, err, driver.NotFound)
	}
	return n.ID == id, nil
}
