package openstack

import (
	"context"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// networkKind is a platform network: network and subnet, and where the account names an external network a router
// between them.
type networkKind struct{ *Cloud }

func (n networkKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: n.planCreate, Delete: table.Fixed(driver.Step{Name: "delete-interface"}, driver.Step{Name: "delete-router"},
			driver.Step{Name: "delete-subnet"}, driver.Step{Name: "delete-network", Main: true})},
		Verbs: map[string]table.Verb{
			"network":          {Run: n.makeNetwork, Look: n.networkShelf().LookMainMade},
			"subnet":           {Run: n.makeSubnet, Look: n.subnets().LookMade("subnet")},
			"router":           {Run: n.makeRouter, Look: n.routers().LookMade("router")},
			"interface":        {Run: n.join, Look: n.lookJoined(driver.Done, driver.Absent)},
			"delete-interface": {Run: n.part, Look: n.lookJoined(driver.Absent, driver.Done)},
			"delete-router":    {Run: n.deleteRouter, Look: n.routers().LookUnmade("router")},
			"delete-subnet":    {Run: n.deleteSubnet, Look: n.subnets().LookUnmade("subnet")},
			"delete-network":   {Run: n.deleteNetwork, Look: n.networkShelf().LookMainUnmade},
		},
		Reading: n.observe, Listing: n.list,
		Parts: map[string]table.Shelf{"subnet": n.subnets(), "router": n.routers()},
	}
}

// planCreate: without an external network the platform network stays closed, which some zones of a government extranet
// want.
func (n networkKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if c.After.(duoyun.NetworkSpec).CIDR == "" {
		return nil, table.Impossible("spec.cidr", "网络没有网段", "the network has no CIDR")
	}
	steps := []driver.Step{{Name: "network", Main: true}, {Name: "subnet"}}
	if n.account.Mapping.ExternalNetwork != "" {
		steps = append(steps, driver.Step{Name: "router"}, driver.Step{Name: "interface"})
	}
	return steps, nil
}

// makeNetwork: everything in Neutron is named for people and marked in its description, which a project may set and
// which stays through every update.
func (n networkKind) makeNetwork(ctx context.Context, c driver.Call) (driver.Reply, error) {
	r := networks.Create(ctx, n.network, networks.CreateOpts{Name: table.Title(c.Change, longestName), Description: c.Mark})
	v, err := r.Extract()
	if err != nil {
		return driver.Reply{}, err
	}
	return reply(v.ID, r.Header), nil
}

func (n networkKind) makeSubnet(ctx context.Context, c driver.Call) (driver.Reply, error) {
	network, err := n.networkShelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if network == "" {
		return driver.Reply{}, table.Missing("network")
	}
	r := subnets.Create(ctx, n.network, subnets.CreateOpts{NetworkID: network, CIDR: c.After.(duoyun.NetworkSpec).CIDR,
		IPVersion: gophercloud.IPv4, Name: table.Title(c.Change, longestName), Description: table.Note(c.Mark, "subnet")})
	v, err := r.Extract()
	if err != nil {
		return driver.Reply{}, twice(err)
	}
	return reply(v.ID, r.Header), nil
}

// makeRouter sets the gateway in the same call, so that a router without a way out never exists.
func (n networkKind) makeRouter(ctx context.Context, c driver.Call) (driver.Reply, error) {
	external, err := n.externalNetwork(ctx)
	if err != nil {
		return driver.Reply{}, err
	}
	r := routers.Create(ctx, n.network, routers.CreateOpts{Name: table.Title(c.Change, longestName), Description: table.Note(c.Mark, "router"),
		GatewayInfo: &routers.GatewayInfo{NetworkID: external}})
	v, err := r.Extract()
	if err != nil {
		return driver.Reply{}, err
	}
	return reply(v.ID, r.Header), nil
}

// externalNetwork finds the network the account's mapping names, by id or by name.
func (c *Cloud) externalNetwork(ctx context.Context) (string, error) {
	name := c.account.Mapping.ExternalNetwork
	if duoyun.IsID(name) {
		return name, nil
	}
	found, err := everything(ctx, func(marker string) pagination.Pager {
		return networks.List(c.network, networks.ListOpts{Name: name, Limit: pageSize, Marker: marker})
	}, networks.ExtractNetworks, func(n networks.Network) string { return n.ID })
	if err != nil {
		return "", table.Unsent(Code, err)
	}
	if len(found) != 1 {
		return "", table.Impossible("external_network", "名为 %s 的外部网络有 %d 个", "%[2]d networks are called %[1]s", name, len(found))
	}
	return found[0].ID, nil
}

// ends finds the router and the subnet of a network; "" where one is not there.
func (n networkKind) ends(ctx context.Context, c driver.Call) (router, subnet string, err error) {
	if router, err = n.routers().ID(ctx, c.Parts["router"], table.Note(c.Mark, "router")); err != nil {
		return "", "", err
	}
	subnet, err = n.subnets().ID(ctx, c.Parts["subnet"], table.Note(c.Mark, "subnet"))
	return router, subnet, err
}

// join looks first: Neutron answers 400 to a second interface on one subnet, which would seem a refusal for good.
func (n networkKind) join(ctx context.Context, c driver.Call) (driver.Reply, error) {
	router, subnet, err := n.ends(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if router == "" || subnet == "" {
		return driver.Reply{}, table.Missing("router")
	}
	if joined, err := n.joined(ctx, router, subnet); err != nil || joined != "" {
		return driver.Reply{ID: joined}, table.Unsent(Code, err)
	}
	r := routers.AddInterface(ctx, n.network, router, routers.AddInterfaceOpts{SubnetID: subnet})
	v, err := r.Extract()
	if err != nil {
		return driver.Reply{}, twice(err)
	}
	return reply(v.PortID, r.Header), nil
}

// part takes the router's interface off the subnet.
func (n networkKind) part(ctx context.Context, c driver.Call) (driver.Reply, error) {
	router, subnet, err := n.ends(ctx, c)
	if err != nil || router == "" || subnet == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := routers.RemoveInterface(ctx, n.network, router, routers.RemoveInterfaceOpts{SubnetID: subnet})
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

// joined returns the port by which a router is plugged into a subnet, or "".
func (n networkKind) joined(ctx context.Context, router, subnet string) (string, error) {
	all, err := n.portsOf(ctx, router)
	for _, p := range all {
		for _, ip := range p.FixedIPs {
			if ip.SubnetID == subnet {
				return p.ID, err
			}
		}
	}
	return "", err
}

// lookJoined serves joining and parting, which read the same and mean the opposite by it.
func (n networkKind) lookJoined(there, gone driver.EvidenceState) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		ev := driver.Evidence{State: gone, Complete: true, SentinelSeen: true}
		router, subnet, err := n.ends(ctx, c)
		if err != nil || router == "" || subnet == "" {
			return ev, err
		}
		if ev.ID, err = n.joined(ctx, router, subnet); err == nil && ev.ID != "" {
			ev.State = there
		}
		return ev, err
	}
}

func (n networkKind) deleteRouter(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := n.routers().ID(ctx, c.Parts["router"], table.Note(c.Mark, "router"))
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := routers.Delete(ctx, n.network, id)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

func (n networkKind) deleteSubnet(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := n.subnets().ID(ctx, c.Parts["subnet"], table.Note(c.Mark, "subnet"))
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := subnets.Delete(ctx, n.network, id)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

// deleteNetwork is refused with 409 (NotReady) while ports are left: whatever stands on a network goes first.
func (n networkKind) deleteNetwork(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := n.networkShelf().ID(ctx, c.ID, c.Mark)
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := networks.Delete(ctx, n.network, id)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

func (n networkKind) networkShelf() table.Shelf {
	view := func(v networks.Network) table.Thing {
		return table.Thing{ID: v.ID, Note: v.Description, State: neutronState(v.Status), Detail: v.Status}
	}
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := networks.Get(ctx, n.network, id).Extract()
			if err != nil {
				return table.Thing{}, err
			}
			return view(*v), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := n.page(ctx, cursor)
			return table.Things(all, view), next, false, err
		},
	}
}

func (n networkKind) page(ctx context.Context, cursor string) ([]networks.Network, string, error) {
	var body struct {
		Networks []networks.Network
		Links    links `json:"networks_links"`
	}
	err := fetch(ctx, n.network, n.network.ServiceURL("networks"), n.project, cursor, &body)
	return paged(body.Networks, body.Links, err, func(v networks.Network) string { return v.ID })
}

// observe reads the range from the subnet, of which a platform network has one.
func (n networkKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := networks.Get(ctx, n.network, id).Extract()
	if err != nil {
		return driver.Observation{}, err
	}
	o := observedNetwork(*v)
	if len(v.Subnets) > 0 {
		s, err := subnets.Get(ctx, n.network, v.Subnets[0]).Extract()
		if err != nil {
			return driver.Observation{}, err
		}
		o.Spec = duoyun.NetworkSpec{CIDR: s.CIDR}
	}
	return o, nil
}

func observedNetwork(v networks.Network) driver.Observation {
	return driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: neutronState(v.Status), Spec: duoyun.NetworkSpec{},
		CreatedAt: v.CreatedAt, Raw: raw(map[string]any{"status": v.Status, "subnets": v.Subnets, "shared": v.Shared})}
}

func (n networkKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, err := n.page(ctx, cursor)
	p := driver.Page{Next: next}
	for _, v := range all {
		p.Items = append(p.Items, observedNetwork(v))
	}
	return p, err
}
