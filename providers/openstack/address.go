package openstack

import (
	"context"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// addressKind is one address of a platform network, held by a port of its own so that nothing else gets it.
type addressKind struct{ *Cloud }

func (a addressKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: func(c driver.Change) ([]driver.Step, error) {
			_, err := table.PlatformNetwork(c)
			return []driver.Step{{Name: "address", Main: true}}, err
		}, Delete: table.Fixed(driver.Step{Name: "delete-address", Main: true})},
		Verbs: map[string]table.Verb{
			"address":        {Run: a.create, Look: a.shelf().LookMainMade},
			"delete-address": {Run: a.remove, Look: a.shelf().LookMainUnmade},
		},
		Reading: a.observe, Listing: a.list,
	}
}

// create lets Neutron choose the address: it alone knows what is free, and departments are given addresses, never choose
// them. A network without a free one answers 409, which is SoldOut.
func (a addressKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	network, err := table.PlatformNetwork(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	r := ports.Create(ctx, a.network, ports.CreateOpts{NetworkID: network.ID, Name: table.Title(c.Change, longestName), Description: c.Mark})
	p, err := r.Extract()
	if err != nil {
		return driver.Reply{}, err
	}
	answer := reply(p.ID, r.Header)
	answer.Addresses = fixedIPs(*p)
	return answer, nil
}

func (a addressKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := a.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := ports.Delete(ctx, a.network, id)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

// shelf is the ports, where an address is its own sentinel.
func (a addressKind) shelf() table.Shelf {
	s := a.ports()
	s.Vouch = nil
	return s
}

func (a addressKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	p, err := ports.Get(ctx, a.network, id).Extract()
	if err != nil {
		return driver.Observation{}, err
	}
	return observedPort(*p), nil
}

func observedPort(p ports.Port) driver.Observation {
	return driver.Observation{ID: p.ID, Mark: table.MarkIn(p.Description), Name: p.Name, State: driver.Active, Spec: duoyun.AddressSpec{Count: 1},
		Addresses: fixedIPs(p), Links: map[duoyun.Relation][]string{duoyun.RelNetwork: {p.NetworkID}}, CreatedAt: p.CreatedAt,
		Raw: raw(map[string]any{"status": p.Status, "device_owner": p.DeviceOwner, "mac_address": p.MACAddress})}
}

// list shows the ports that are addresses: ours by mark, and strangers that no server, router or balancer uses. The
// ports of our servers bear "mark port" and belong to them.
func (a addressKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, err := a.portPage(ctx, cursor)
	page := driver.Page{Next: next}
	for _, p := range all {
		part := strings.HasPrefix(p.Description, "dy-") && table.MarkIn(p.Description) == ""
		if table.MarkIn(p.Description) != "" || p.DeviceOwner == "" && !part {
			page.Items = append(page.Items, observedPort(p))
		}
	}
	return page, err
}
