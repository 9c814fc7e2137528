package simcloud_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

var slow = simcloud.Latency{Create: 3 * time.Second, Change: 2 * time.Second, Delete: time.Second}

func mine(name string) simcloud.Object { return simcloud.Object{Owner: me, Name: name} }

// vpc makes what a cloud with VPCs needs before anything is bought in one.
func (b *bundle) vpc(t *testing.T) (*simcloud.Network, *simcloud.Subnet, *simcloud.Group) {
	t.Helper()
	n, err := b.CreateVPC(mine("vpc"), netip.MustParsePrefix("10.8.0.0/16"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.CreateSubnet(simcloud.Subnet{Object: mine("subnet"), NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.8.1.0/24")})
	if err != nil {
		t.Fatal(err)
	}
	g, err := b.CreateVPCGroup(mine("group"), n.ID)
	if err != nil {
		t.Fatal(err)
	}
	return n, s, g
}

func (b *bundle) database(subnet string, months int) (*simcloud.Database, error) {
	return b.CreateDatabase(simcloud.DatabaseInput{Object: mine("数据库"), Purchase: simcloud.Purchase{Months: months},
		Endpoint: simcloud.Endpoint{SubnetID: subnet, Port: 3306}, Engine: "mysql", Version: "8.0",
		Size: simcloud.DatabaseSize{Class: "mysql.n2.medium", VCPU: 2, RAMMiB: 4096, StorageGiB: 50}, Standby: true})
}

func TestADatabaseIsBuiltGrownResizedAndTakesItsAddressAlong(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Latency: slow})
	_, subnet, _ := b.vpc(t)
	d, err := b.database(subnet.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	if d.State != simcloud.Building || !subnet.CIDR.Contains(netip.MustParseAddr(d.Address)) || d.Port != 3306 || d.Zone == "" {
		t.Errorf("made: %+v", d)
	}
	if _, err := b.ResizeDatabase(me, d.ID, simcloud.DatabaseSize{StorageGiB: 80}); reasonOf(err) != simcloud.Busy {
		t.Errorf("while it is built: %v", err)
	}
	b.clock.pass(3 * time.Second)
	if _, err := b.ResizeDatabase(me, d.ID, simcloud.DatabaseSize{StorageGiB: 40}); reasonOf(err) != simcloud.Invalid {
		t.Errorf("shrinking: %v", err)
	}
	if _, err := b.ResizeDatabase(me, d.ID, simcloud.DatabaseSize{Class: "mysql.n4.large", VCPU: 4, StorageGiB: 80}); err != nil {
		t.Fatal(err)
	}
	b.clock.pass(2 * time.Second)
	got, err := simcloud.Get[simcloud.Database](b.Cloud, me, d.ID)
	want := simcloud.DatabaseSize{Class: "mysql.n4.large", VCPU: 4, RAMMiB: 4096, StorageGiB: 80}
	if err != nil || got.State != simcloud.Active || got.Size != want {
		t.Errorf("resized: %+v, %v", got, err)
	}
	if err := b.DeleteSubnet(me, subnet.ID); reasonOf(err) != simcloud.InUse {
		t.Errorf("deleting its subnet: %v", err)
	}
	if _, err := b.DeleteDatabase(me, d.ID); err != nil {
		t.Fatal(err)
	}
	b.clock.pass(time.Second)
	if have := b.Inventory(); len(have.Databases)+len(have.Ports) > 0 {
		t.Errorf("left: %v", have.Counts())
	}
}

func TestACacheIsBuiltResizedAndTakenAway(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Latency: slow})
	_, subnet, group := b.vpc(t)
	x, err := b.CreateCache(simcloud.CacheInput{Object: mine("cache"), Endpoint: simcloud.Endpoint{SubnetID: subnet.ID, GroupIDs: []string{group.ID}, Port: 6379},
		Version: "7.0", Size: simcloud.CacheSize{Class: "redis.2g", RAMMiB: 2048}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteGroup(me, group.ID); reasonOf(err) != simcloud.InUse {
		t.Errorf("deleting its group: %v", err)
	}
	b.clock.pass(3 * time.Second)
	if _, err := b.ResizeCache(me, x.ID, simcloud.CacheSize{Class: "redis.4g", RAMMiB: 4096}); err != nil {
		t.Fatal(err)
	}
	b.clock.pass(2 * time.Second)
	if got, err := simcloud.Get[simcloud.Cache](b.Cloud, me, x.ID); err != nil || got.Size.RAMMiB != 4096 || got.State != simcloud.Active {
		t.Errorf("resized: %+v, %v", got, err)
	}
	if _, err := b.DeleteCache(me, x.ID); err != nil {
		t.Fatal(err)
	}
	b.clock.pass(time.Second)
	if have := b.Inventory(); len(have.Caches)+len(have.Ports) > 0 {
		t.Errorf("left: %v", have.Counts())
	}
}

func TestADatabaseIsRefusedByQuotaStockAndCapacity(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Quota: map[simcloud.Item]int64{simcloud.ItemDatabases: 2}})
	_, subnet, _ := b.vpc(t)
	b.SellOut(simcloud.KindDatabase, 1)
	if _, err := b.database(subnet.ID, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := b.database(subnet.ID, 0); reasonOf(err) != simcloud.SoldOut {
		t.Errorf("beyond the stock: %v", err)
	}
	b.Restock(simcloud.KindDatabase)
	b.SetCapacity(map[simcloud.Item]int64{simcloud.ItemVCPU: 7}) // two nodes of two each are there
	if _, err := b.database(subnet.ID, 0); reasonOf(err) != simcloud.SoldOut {
		t.Errorf("beyond the capacity: %v", err)
	}
	b.SetCapacity(nil)
	if _, err := b.database(subnet.ID, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := b.database(subnet.ID, 0); reasonOf(err) != simcloud.Exceeded {
		t.Errorf("beyond the quota: %v", err)
	}
	if n := len(b.Inventory().Ports); n != 2 {
		t.Errorf("%d ports of 2 databases: a refusal left one", n)
	}
}

func TestAVPCHoldsItsSubnetsAndGoesLast(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	n, subnet, group := b.vpc(t)
	if _, err := b.CreateSubnet(simcloud.Subnet{Object: mine(""), NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.9.0.0/24")}); reasonOf(err) != simcloud.Invalid {
		t.Errorf("a subnet outside: %v", err)
	}
	s, err := b.CreateServer(simcloud.ServerInput{Object: mine("web"), FlavorID: b.flavor, ImageID: b.image, GroupIDs: []string{group.ID},
		Nics: []simcloud.Nic{{SubnetID: subnet.ID, Address: "10.8.1.77"}}})
	if err != nil {
		t.Fatal(err)
	}
	ports := b.Inventory().Ports
	if len(ports) != 1 || ports[0].Fixed[0] != (simcloud.FixedIP{SubnetID: subnet.ID, Address: "10.8.1.77"}) || ports[0].GroupIDs[0] != group.ID {
		t.Errorf("the server's ports: %+v", ports)
	}
	if err := b.DeleteVPC(me, n.ID); reasonOf(err) != simcloud.InUse {
		t.Errorf("with a server: %v", err)
	}
	if _, err := b.DeleteServer(me, s.ID); err != nil {
		t.Fatal(err)
	}
	b.Servers() // what is due happens at a call
	for _, step := range []func() error{
		func() error { return b.DeleteSubnet(me, subnet.ID) }, func() error { return b.DeleteGroup(me, group.ID) },
	} {
		if err := b.DeleteVPC(me, n.ID); reasonOf(err) != simcloud.InUse {
			t.Errorf("with parts: %v", err)
		}
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.DeleteVPC(me, n.ID); err != nil {
		t.Error(err)
	}
}

func TestAnAddressIsBoundWithoutARouter(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	_, subnet, _ := b.vpc(t)
	f, err := b.AllocateFloatingIP(simcloud.FloatingInput{Object: mine("eip"), BandwidthMbps: 5})
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.server("web", simcloud.Nic{SubnetID: subnet.ID})
	if err != nil {
		t.Fatal(err)
	}
	l, err := b.CreateBalancer(simcloud.Balancer{Object: mine("slb"), SubnetID: subnet.ID})
	if err != nil {
		t.Fatal(err)
	}
	b.Servers() // what is due happens at a call
	if f, err = b.BindFloatingIP(me, f.ID, s.ID); err != nil || f.TargetID != s.ID || f.TargetKind != simcloud.KindServer || f.FixedIP == "" {
		t.Fatalf("bound: %+v, %v", f, err)
	}
	found, err := simcloud.List[simcloud.FloatingIP](b.Cloud, simcloud.Query{Owner: me, Where: []string{simcloud.Of(simcloud.KindServer, s.ID)}}, nil)
	if err != nil || len(found) != 1 {
		t.Errorf("by its server: %v, %v", found, err)
	}
	if _, err := b.BindFloatingIP(me, f.ID, l.ID); reasonOf(err) != simcloud.InUse {
		t.Errorf("bound twice: %v", err)
	}
	if _, err := b.BindFloatingIP(me, f.ID, ""); err != nil {
		t.Fatal(err)
	}
	if f, err = b.BindFloatingIP(me, f.ID, l.ID); err != nil || f.FixedIP != l.Address {
		t.Errorf("bound to the balancer: %+v, %v", f, err)
	}
	if err := b.DeleteBalancer(me, l.ID, true); err != nil {
		t.Fatal(err)
	}
	b.Servers() // as above
	if f, err = simcloud.Get[simcloud.FloatingIP](b.Cloud, me, f.ID); err != nil || f.TargetID != "" || f.PortID != "" {
		t.Errorf("its balancer is gone: %+v, %v", f, err)
	}
	if f, err = b.SetBandwidth(me, f.ID, 20); err != nil || f.BandwidthMbps != 20 {
		t.Errorf("wider: %+v, %v", f, err)
	}
}

func TestAFlavorThatIsSoldOutMakesNoServer(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	if _, err := simcloud.Edit(b.Cloud, simcloud.Owner{}, b.flavor, func(f *simcloud.Flavor) error { f.SoldOut = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := b.server("a"); reasonOf(err) != simcloud.SoldOut {
		t.Errorf("made: %v", err)
	}
}

func TestAnOrderIsPlacedThenDoneAndFoundByWhatItIsAbout(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Kinds: map[simcloud.Kind]simcloud.Latency{simcloud.KindOrder: slow}})
	r, err := b.PlaceOrder(simcloud.Order{Object: mine(""), Type: "new", ResourceIDs: []string{"a", "b"}})
	if err != nil || r.State != simcloud.Building {
		t.Fatalf("placed: %+v, %v", r, err)
	}
	b.clock.pass(3 * time.Second)
	found, err := simcloud.List[simcloud.Order](b.Cloud, simcloud.Query{Owner: me, Where: []string{simcloud.Ordered("b")}}, nil)
	if err != nil || len(found) != 1 || found[0].ID != r.ID || found[0].State != simcloud.Active {
		t.Errorf("found: %v, %v", found, err)
	}
	if _, err := b.PlaceOrder(simcloud.Order{Object: mine("")}); reasonOf(err) != simcloud.Invalid {
		t.Errorf("an order of nothing: %v", err)
	}
}
