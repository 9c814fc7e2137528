package openstackfake_test

import (
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/monitors"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/pools"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/attributestags"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/quotas"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/duoyun/duoyun/providers/openstack/openstackfake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// network makes a network with one subnet and returns both ids.
func (b *bundle) network(t testing.TB, cidr string) (network, subnet string) {
	t.Helper()
	c := b.client(t, openstack.NewNetworkV2, "")
	n, err := networks.Create(bg, c, networks.CreateOpts{Name: "net", Description: "mark-" + cidr}).Extract()
	ok(t, err)
	s, err := subnets.Create(bg, c, subnets.CreateOpts{NetworkID: n.ID, CIDR: cidr, IPVersion: 4}).Extract()
	ok(t, err)
	return n.ID, s.ID
}

func (b *bundle) external(t testing.TB) string {
	t.Helper()
	yes := true
	p, err := networks.List(b.client(t, openstack.NewNetworkV2, ""), external.ListOptsExt{ListOptsBuilder: networks.ListOpts{}, External: &yes}).AllPages(bg)
	ok(t, err)
	l, err := networks.ExtractNetworks(p)
	ok(t, err)
	if len(l) != 1 {
		t.Fatalf("external networks: %v", l)
	}
	return l[0].ID
}

func TestANetworkIsBuiltAndTakenAway(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.client(t, openstack.NewNetworkV2, "")
	network, subnet := b.network(t, "10.9.0.0/24")
	_, err := subnets.Create(bg, c, subnets.CreateOpts{NetworkID: network, CIDR: "10.9.0.0/25", IPVersion: 4}).Extract()
	same(t, "an overlapping subnet", code(err), 400)
	r, err := routers.Create(bg, c, routers.CreateOpts{Name: "r", GatewayInfo: &routers.GatewayInfo{NetworkID: b.external(t)}}).Extract()
	ok(t, err)
	if len(r.GatewayInfo.ExternalFixedIPs) != 1 {
		t.Errorf("gateway %+v", r.GatewayInfo)
	}
	info, err := routers.AddInterface(bg, c, r.ID, routers.AddInterfaceOpts{SubnetID: subnet}).Extract()
	ok(t, err)
	same(t, "interface", info.SubnetID, subnet)
	_, err = routers.AddInterface(bg, c, r.ID, routers.AddInterfaceOpts{SubnetID: subnet}).Extract()
	same(t, "twice", code(err), 400)
	p, err := ports.Create(bg, c, ports.CreateOpts{NetworkID: network, Description: "mark-p"}).Extract()
	ok(t, err)
	same(t, "gateway is not given away", p.FixedIPs[0].IPAddress, "10.9.0.2")
	f, err := floatingips.Create(bg, c, floatingips.CreateOpts{FloatingNetworkID: b.external(t), PortID: p.ID, Description: "mark-f"}).Extract()
	ok(t, err)
	same(t, "fixed", f.FixedIP, "10.9.0.2")
	same(t, "router with an interface", code(routers.Delete(bg, c, r.ID).ExtractErr()), 409)
	_, err = routers.RemoveInterface(bg, c, r.ID, routers.RemoveInterfaceOpts{SubnetID: subnet}).Extract()
	same(t, "an interface a floating ip needs", code(err), 409)
	same(t, "subnet in use", code(subnets.Delete(bg, c, subnet).ExtractErr()), 409)
	same(t, "network in use", code(networks.Delete(bg, c, network).ExtractErr()), 409)
	ok(t, floatingips.Delete(bg, c, f.ID).ExtractErr())
	ok(t, ports.Delete(bg, c, p.ID).ExtractErr())
	_, err = routers.RemoveInterface(bg, c, r.ID, routers.RemoveInterfaceOpts{SubnetID: subnet}).Extract()
	ok(t, err)
	ok(t, routers.Delete(bg, c, r.ID).ExtractErr())
	ok(t, subnets.Delete(bg, c, subnet).ExtractErr())
	ok(t, networks.Delete(bg, c, network).ExtractErr())
	for kind, n := range b.sim.Inventory().Counts() {
		same(t, "left of "+string(kind), n, 0)
	}
}

func TestAFloatingIPNeedsARouter(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.client(t, openstack.NewNetworkV2, "")
	network, _ := b.network(t, "10.9.0.0/24")
	p, err := ports.Create(bg, c, ports.CreateOpts{NetworkID: network}).Extract()
	ok(t, err)
	_, err = floatingips.Create(bg, c, floatingips.CreateOpts{FloatingNetworkID: b.external(t), PortID: p.ID}).Extract()
	same(t, "without a router", code(err), 404)
	_, err = floatingips.Create(bg, c, floatingips.CreateOpts{FloatingNetworkID: network}).Extract()
	same(t, "of a private network", code(err), 400)
	f, err := floatingips.Create(bg, c, floatingips.CreateOpts{FloatingNetworkID: b.external(t)}).Extract()
	ok(t, err)
	same(t, "state", f.Status, "DOWN")
}

func TestNetworkThingsAreFilteredTaggedAndPaged(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Quota: map[simcloud.Item]int64{simcloud.ItemPorts: 9}}, openstackfake.Options{})
	c := b.client(t, openstack.NewNetworkV2, "")
	network, subnet := b.network(t, "10.9.0.0/24")
	var last string
	for range 9 {
		p, err := ports.Create(bg, c, ports.CreateOpts{NetworkID: network, Name: "p", Description: "mark"}).Extract()
		ok(t, err)
		last = p.ID
	}
	_, err := ports.Create(bg, c, ports.CreateOpts{NetworkID: network}).Extract()
	same(t, "over the quota", code(err), 409)
	_, err = attributestags.ReplaceAll(bg, c, "ports", last, attributestags.ReplaceAllOpts{Tags: []string{"t1"}}).Extract()
	ok(t, err)
	for name, k := range map[string]struct {
		o    ports.ListOpts
		want int
	}{
		"paged":           {ports.ListOpts{Limit: 4}, 9},
		"description":     {ports.ListOpts{Description: "mark", Limit: 2}, 9},
		"tag":             {ports.ListOpts{Tags: "t1"}, 1},
		"not the tag":     {ports.ListOpts{NotTags: "t1"}, 8},
		"network":         {ports.ListOpts{NetworkID: network}, 9},
		"another network": {ports.ListOpts{NetworkID: "x"}, 0},
		"address":         {ports.ListOpts{FixedIPs: []ports.FixedIPOpts{{IPAddress: "10.9.0.4"}}}, 1},
		"subnet":          {ports.ListOpts{FixedIPs: []ports.FixedIPOpts{{SubnetID: subnet}}}, 9},
		"id":              {ports.ListOpts{ID: last}, 1},
	} {
		p, err := ports.List(c, k.o).AllPages(bg)
		ok(t, err)
		l, err := ports.ExtractPorts(p)
		ok(t, err)
		same(t, name, len(l), k.want)
	}
	q, err := quotas.GetDetail(bg, c, b.owner.Tenant).Extract()
	ok(t, err)
	same(t, "ports used", q.Port.Used, 9)
	_, err = c.Post(bg, c.ServiceURL("ports"), map[string]any{"port": map[string]any{"network_id": network, "foo": 1}}, nil, nil)
	same(t, "an unknown field", code(err), 400)
	_, err = c.Get(bg, c.ServiceURL("ports")+"?foo=1", nil, nil)
	same(t, "an unknown filter", code(err), 400)
}

func TestSecurityGroups(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.client(t, openstack.NewNetworkV2, "")
	g, err := groups.Create(bg, c, groups.CreateOpts{Name: "web", Description: "mark-g"}).Extract()
	ok(t, err)
	same(t, "rules of a new group", len(g.Rules), 2)
	rule := rules.CreateOpts{SecGroupID: g.ID, Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolTCP, PortRangeMin: 443, PortRangeMax: 443}
	_, err = rules.Create(bg, c, rule).Extract()
	ok(t, err)
	_, err = rules.Create(bg, c, rule).Extract()
	same(t, "twice", code(err), 409)
	rule.PortRangeMin = 500
	_, err = rules.Create(bg, c, rule).Extract()
	same(t, "a range backwards", code(err), 400)
	p, err := groups.List(c, groups.ListOpts{Description: "mark-g"}).AllPages(bg)
	ok(t, err)
	l, err := groups.ExtractGroups(p)
	ok(t, err)
	same(t, "by description", len(l), 1)
	same(t, "rules", len(l[0].Rules), 3)
	network, _ := b.network(t, "10.9.0.0/24")
	port, err := ports.Create(bg, c, ports.CreateOpts{NetworkID: network, SecurityGroups: &[]string{g.ID}}).Extract()
	ok(t, err)
	same(t, "in use", code(groups.Delete(bg, c, g.ID).ExtractErr()), 409)
	_, err = ports.Update(bg, c, port.ID, ports.UpdateOpts{SecurityGroups: &[]string{}}).Extract()
	ok(t, err)
	ok(t, groups.Delete(bg, c, g.ID).ExtractErr())
}

func TestABalancerIsImmutableWhileAtWork(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Kinds: map[simcloud.Kind]simcloud.Latency{
		simcloud.KindBalancer: {Create: 2 * time.Second, Change: time.Second, Delete: time.Second},
		simcloud.KindListener: {Create: time.Second},
	}}, openstackfake.Options{})
	c := b.client(t, openstack.NewLoadBalancerV2, "")
	_, subnet := b.network(t, "10.9.0.0/24")
	lb, err := loadbalancers.Create(bg, c, loadbalancers.CreateOpts{Name: "入口", VipSubnetID: subnet, Tags: []string{"mark-lb"}}).Extract()
	ok(t, err)
	same(t, "state", lb.ProvisioningStatus, "PENDING_CREATE")
	listener := listeners.CreateOpts{LoadbalancerID: lb.ID, Protocol: listeners.ProtocolTCP, ProtocolPort: 443, Tags: []string{"mark-l"}}
	_, err = listeners.Create(bg, c, listener).Extract()
	same(t, "a listener too early", code(err), 409)
	b.clock.pass(2 * time.Second)
	l, err := listeners.Create(bg, c, listener).Extract()
	ok(t, err)
	pool := pools.CreateOpts{ListenerID: l.ID, Protocol: pools.ProtocolTCP, LBMethod: pools.LBMethodRoundRobin}
	_, err = pools.Create(bg, c, pool).Extract()
	same(t, "a pool too early", code(err), 409)
	lb, err = loadbalancers.Get(bg, c, lb.ID).Extract()
	ok(t, err)
	same(t, "at work", lb.ProvisioningStatus, "PENDING_UPDATE")
	b.clock.pass(time.Second)
	p, err := pools.Create(bg, c, pool).Extract()
	ok(t, err)
	b.clock.pass(time.Second)
	l, err = listeners.Get(bg, c, l.ID).Extract()
	ok(t, err)
	same(t, "default pool", l.DefaultPoolID, p.ID)
	same(t, "delete with children", code(loadbalancers.Delete(bg, c, lb.ID, nil).ExtractErr()), 400)
	ok(t, loadbalancers.Delete(bg, c, lb.ID, loadbalancers.DeleteOpts{Cascade: true}).ExtractErr())
	b.clock.pass(time.Second)
	_, err = loadbalancers.Get(bg, c, lb.ID).Extract()
	same(t, "gone", code(err), 404)
	left := b.sim.Inventory()
	same(t, "parts left", len(left.Listeners)+len(left.Pools)+len(left.Ports), 0)
}

func TestMembersOfAPool(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.client(t, openstack.NewLoadBalancerV2, "")
	network, subnet := b.network(t, "10.9.0.0/24")
	lb, err := loadbalancers.Create(bg, c, loadbalancers.CreateOpts{VipNetworkID: network, Description: "mark"}).Extract()
	ok(t, err)
	p, err := pools.Create(bg, c, pools.CreateOpts{LoadbalancerID: lb.ID, Protocol: pools.ProtocolTCP, LBMethod: pools.LBMethodRoundRobin}).Extract()
	ok(t, err)
	add := func(address string) error {
		_, err := pools.CreateMember(bg, c, p.ID, pools.CreateMemberOpts{Address: address, ProtocolPort: 80, SubnetID: subnet}).Extract()
		return err
	}
	ok(t, add("10.9.0.50"))
	ok(t, add("10.9.0.51"))
	same(t, "twice", code(add("10.9.0.51")), 409)
	same(t, "not an address", code(add("x")), 400)
	ok(t, pools.BatchUpdateMembers(bg, c, p.ID, []pools.BatchUpdateMemberOpts{{Address: "10.9.0.51", ProtocolPort: 80}, {Address: "10.9.0.52", ProtocolPort: 80}}).ExtractErr())
	pages, err := pools.ListMembers(c, p.ID, pools.ListMembersOpts{}).AllPages(bg)
	ok(t, err)
	l, err := pools.ExtractMembers(pages)
	ok(t, err)
	same(t, "members", len(l), 2)
	_, err = monitors.Create(bg, c, monitors.CreateOpts{PoolID: p.ID, Type: monitors.TypeTCP, Delay: 5, Timeout: 3, MaxRetries: 3}).Extract()
	ok(t, err)
	ok(t, pools.DeleteMember(bg, c, p.ID, l[0].ID).ExtractErr())
	pages, err = loadbalancers.List(c, loadbalancers.ListOpts{Description: "mark"}).AllPages(bg)
	ok(t, err)
	found, err := loadbalancers.ExtractLoadBalancers(pages)
	ok(t, err)
	same(t, "balancers by description", len(found), 1)
	tree, err := loadbalancers.GetStatuses(bg, c, lb.ID).Extract()
	ok(t, err)
	same(t, "members in the tree", len(tree.Loadbalancer.Pools[0].Members), 1)
	ok(t, pools.Delete(bg, c, p.ID).ExtractErr())
	same(t, "members go with the pool", len(b.sim.Inventory().Members), 0)
}
