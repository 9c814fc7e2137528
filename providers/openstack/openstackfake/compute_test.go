package openstackfake_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/instanceactions"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/tags"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/usage"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"
	"github.com/gophercloud/gophercloud/v2/openstack/utils"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/duoyun/duoyun/providers/openstack/openstackfake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

var bg = context.Background()

func (b *bundle) create(t testing.TB, c *gophercloud.ServiceClient, change func(*servers.CreateOpts)) (*servers.Server, error) {
	t.Helper()
	o := servers.CreateOpts{Name: "app-1", FlavorRef: b.flavor(t, 2, 4), ImageRef: b.image(t), Networks: "none"}
	if change != nil {
		change(&o)
	}
	return servers.Create(bg, c, o, nil).Extract()
}

func (b *bundle) status(t testing.TB, c *gophercloud.ServiceClient, id string) string {
	t.Helper()
	s, err := servers.Get(bg, c, id).Extract()
	if code(err) == 404 {
		return "gone"
	}
	ok(t, err)
	return strings.TrimSuffix(s.Status+" "+s.TaskState, " ")
}

func TestAServersLife(t *testing.T) {
	t.Parallel()
	latency := simcloud.Latency{Create: time.Second, Change: time.Second, Delete: time.Second}
	b := setup(t, simcloud.Options{Latency: latency}, openstackfake.Options{})
	c := b.compute(t)
	network, _ := b.network(t, "10.1.0.0/24")
	made, err := b.create(t, c, func(o *servers.CreateOpts) {
		o.Tags, o.Metadata = []string{"duoyun-mark"}, map[string]string{"k": "v"}
		o.Networks = []servers.Network{{UUID: network}}
	})
	ok(t, err)
	steps := []struct {
		name      string
		act       func() error
		via, then string
	}{
		{"create", func() error { return nil }, "BUILD spawning", "ACTIVE"},
		{"stop", func() error { return servers.Stop(bg, c, made.ID).ExtractErr() }, "ACTIVE powering-off", "SHUTOFF"},
		{"start", func() error { return servers.Start(bg, c, made.ID).ExtractErr() }, "SHUTOFF powering-on", "ACTIVE"},
		{"resize", func() error {
			return servers.Resize(bg, c, made.ID, servers.ResizeOpts{FlavorRef: b.flavor(t, 4, 8)}).ExtractErr()
		}, "RESIZE resize_migrating", "VERIFY_RESIZE"},
		{"confirm", func() error { return servers.ConfirmResize(bg, c, made.ID).ExtractErr() }, "VERIFY_RESIZE", "ACTIVE"},
		{"delete", func() error { return servers.Delete(bg, c, made.ID).ExtractErr() }, "ACTIVE deleting", "gone"},
	}
	for _, s := range steps {
		ok(t, s.act())
		same(t, s.name+" at once", b.status(t, c, made.ID), s.via)
		b.clock.pass(time.Second)
		same(t, s.name+" later", b.status(t, c, made.ID), s.then)
		if s.name == "confirm" {
			b.fullyShown(t, c, made.ID)
		}
	}
	same(t, "ports left", len(b.sim.Inventory().Ports), 0)
}

// fullyShown checks what a server that was resized shows.
func (b *bundle) fullyShown(t *testing.T, c *gophercloud.ServiceClient, id string) {
	t.Helper()
	s, err := servers.Get(bg, c, id).Extract()
	ok(t, err)
	same(t, "vcpus", fmt.Sprint(s.Flavor["vcpus"]), "4")
	same(t, "tags", strings.Join(*s.Tags, ","), "duoyun-mark")
	same(t, "metadata", s.Metadata["k"], "v")
	addresses, ok1 := s.Addresses["net"].([]any)
	if !ok1 || len(addresses) != 1 || !strings.HasPrefix(addresses[0].(map[string]any)["addr"].(string), "10.1.0.") {
		t.Errorf("addresses %v", s.Addresses)
	}
}

func TestWhatWasDoneToAServerIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.compute(t)
	s, err := b.create(t, c, nil)
	ok(t, err)
	ok(t, servers.Resize(bg, c, s.ID, servers.ResizeOpts{FlavorRef: b.flavor(t, 4, 8)}).ExtractErr())
	b.clock.pass(time.Second)
	ok(t, servers.ConfirmResize(bg, c, s.ID).ExtractErr())
	pages, err := instanceactions.List(c, s.ID, nil).AllPages(bg)
	ok(t, err)
	all, err := instanceactions.ExtractInstanceActions(pages)
	ok(t, err)
	var names []string
	for _, a := range all {
		names = append(names, a.Action)
	}
	same(t, "newest first", strings.Join(names, " "), "confirmResize resize create")
	one, err := instanceactions.Get(bg, c, s.ID, all[1].RequestID).Extract()
	ok(t, err)
	same(t, "one", one.Action, "resize")
}

func TestStatesThatRefuse(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.compute(t)
	s, err := b.create(t, c, nil)
	ok(t, err)
	same(t, "start of an active server", code(servers.Start(bg, c, s.ID).ExtractErr()), 409)
	same(t, "confirm without resize", code(servers.ConfirmResize(bg, c, s.ID).ExtractErr()), 409)
	same(t, "resize to the same flavor", code(servers.Resize(bg, c, s.ID, servers.ResizeOpts{FlavorRef: b.flavor(t, 2, 4)}).ExtractErr()), 400)
	same(t, "resize to no flavor", code(servers.Resize(bg, c, s.ID, servers.ResizeOpts{FlavorRef: "none"}).ExtractErr()), 400)
	same(t, "an unknown server", code(servers.Stop(bg, c, "nope").ExtractErr()), 404)
}

func TestMicroversionsDecideWhatIsAccepted(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	cases := []struct {
		version string
		change  func(*servers.CreateOpts)
		want    int
	}{
		{"", func(o *servers.CreateOpts) { o.Networks = nil }, 0},
		{"2.36", func(o *servers.CreateOpts) { o.Networks = nil }, 0},
		{"2.51", func(o *servers.CreateOpts) { o.Tags = []string{"x"} }, 400},
		{"2.52", func(o *servers.CreateOpts) { o.Tags = []string{"x"} }, 0},
		{"2.52", func(o *servers.CreateOpts) { o.Tags = []string{strings.Repeat("x", 61)} }, 400},
		{"2.52", func(o *servers.CreateOpts) { o.Tags = []string{"a/b"} }, 400},
		{"2.89", func(o *servers.CreateOpts) { o.Hostname = "h" }, 400},
		{"2.93", func(o *servers.CreateOpts) { o.Hostname = "h" }, 0},
		{"2.94", nil, 406},
		{"1.1", nil, 406},
		{"x", nil, 400},
	}
	for _, k := range cases {
		_, err := b.create(t, b.client(t, openstack.NewComputeV2, k.version), k.change)
		same(t, "microversion "+k.version, code(err), k.want)
	}
}

func TestTheSDKFindsTheMicroversions(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	got, err := utils.GetSupportedMicroversions(bg, b.compute(t))
	ok(t, err)
	same(t, "newest", got.MaxMinor, 93)
	same(t, "oldest", got.MinMinor, 1)
}

func TestBadServersAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Quota: map[simcloud.Item]int64{simcloud.ItemVCPU: 2}}, openstackfake.Options{})
	c := b.compute(t)
	b.network(t, "10.1.0.0/24")
	b.network(t, "10.2.0.0/24")
	cases := []struct {
		name   string
		change func(*servers.CreateOpts)
		want   int
	}{
		{"flavor", func(o *servers.CreateOpts) { o.FlavorRef = "nope" }, 400},
		{"image", func(o *servers.CreateOpts) { o.ImageRef = "nope" }, 400},
		{"network", func(o *servers.CreateOpts) { o.Networks = []servers.Network{{UUID: "nope"}} }, 400},
		{"several networks", func(o *servers.CreateOpts) { o.Networks = "auto" }, 409},
		{"group", func(o *servers.CreateOpts) { o.SecurityGroups = []string{"nope"} }, 400},
		{"zone", func(o *servers.CreateOpts) { o.AvailabilityZone = "nope" }, 400},
		{"metadata", func(o *servers.CreateOpts) { o.Metadata = map[string]string{"k": strings.Repeat("v", 256)} }, 400},
		{"quota", func(o *servers.CreateOpts) { o.FlavorRef = b.flavor(t, 4, 8) }, 403},
	}
	for _, k := range cases {
		_, err := b.create(t, c, k.change)
		same(t, k.name, code(err), k.want)
	}
	_, err := c.Post(bg, c.ServiceURL("servers"), map[string]any{"server": map[string]any{"name": "x", "unknown": 1}}, nil, nil)
	same(t, "an unknown field", code(err), 400)
	same(t, "servers made", b.sim.Servers(), 0)
}

func TestAFullCloudMakesAServerInError(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	b.sim.SellOut(simcloud.KindServer, 1)
	c := b.compute(t)
	first, err := b.create(t, c, nil)
	ok(t, err)
	second, err := b.create(t, c, nil)
	ok(t, err)
	same(t, "first", b.status(t, c, first.ID), "ACTIVE")
	s, err := servers.Get(bg, c, second.ID).Extract()
	ok(t, err)
	same(t, "second", s.Status, "ERROR")
	if !strings.HasPrefix(s.Fault.Message, "No valid host was found") {
		t.Errorf("fault %+v", s.Fault)
	}
	ok(t, servers.Delete(bg, c, second.ID).ExtractErr())
	same(t, "deleted", b.status(t, c, second.ID), "gone")
}

func TestBootFromVolume(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.compute(t)
	s, err := b.create(t, c, func(o *servers.CreateOpts) {
		o.BlockDevice = []servers.BlockDevice{{
			SourceType: servers.SourceImage, DestinationType: servers.DestinationVolume, UUID: o.ImageRef, VolumeSize: 100, VolumeType: "ssd", DeleteOnTermination: true,
		}}
		o.ImageRef = ""
	})
	ok(t, err)
	v := b.sim.Inventory().Volumes
	if len(v) != 1 || v[0].SizeGiB != 100 || v[0].Type != "ssd" || v[0].ServerID != s.ID {
		t.Fatalf("system volume %+v", v)
	}
	ok(t, servers.Delete(bg, c, s.ID).ExtractErr())
	same(t, "volumes left", b.sim.Volumes(), 0)
}

func TestVolumesAttachAndDetach(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Latency: simcloud.Latency{Change: time.Second}}, openstackfake.Options{})
	c, cinder := b.compute(t), b.client(t, openstack.NewBlockStorageV3, "3.59")
	s, err := b.create(t, c, nil)
	ok(t, err)
	v, err := volumes.Create(bg, cinder, volumes.CreateOpts{Size: 10}, nil).Extract()
	ok(t, err)
	a, err := volumeattach.Create(bg, c, s.ID, volumeattach.CreateOpts{VolumeID: v.ID}).Extract()
	ok(t, err)
	same(t, "device", a.Device, "/dev/vdb")
	state := func() string {
		x, err := volumes.Get(bg, cinder, v.ID).Extract()
		ok(t, err)
		return x.Status
	}
	same(t, "at once", state(), "attaching")
	b.clock.pass(time.Second)
	same(t, "later", state(), "in-use")
	_, err = volumeattach.Create(bg, c, s.ID, volumeattach.CreateOpts{VolumeID: v.ID}).Extract()
	same(t, "twice", code(err), 400)
	same(t, "deleting it", code(volumes.Delete(bg, cinder, v.ID, nil).ExtractErr()), 400)
	ok(t, volumeattach.Delete(bg, c, s.ID, v.ID).ExtractErr())
	same(t, "letting go", state(), "detaching")
	b.clock.pass(time.Second)
	same(t, "let go", state(), "available")
	pages, err := volumeattach.List(c, s.ID).AllPages(bg)
	ok(t, err)
	left, err := volumeattach.ExtractVolumeAttachments(pages)
	ok(t, err)
	same(t, "attachments left", len(left), 0)
	same(t, "letting go twice", code(volumeattach.Delete(bg, c, s.ID, v.ID).ExtractErr()), 404)
}

func TestServersArePagedAndFiltered(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{MaxPage: 7})
	c := b.compute(t)
	for i := range 14 {
		_, err := b.create(t, c, func(o *servers.CreateOpts) {
			o.Name = fmt.Sprintf("s%02d", i)
			o.Tags = []string{fmt.Sprintf("mark-%d", i), "all"}
		})
		ok(t, err)
	}
	var names []string
	pages := 0
	ok(t, servers.List(c, servers.ListOpts{Limit: 5}).EachPage(bg, func(_ context.Context, p pagination.Page) (bool, error) {
		l, err := servers.ExtractServers(p)
		for _, s := range l {
			names = append(names, s.Name)
		}
		pages++
		return true, err
	}))
	same(t, "servers", len(names), 14)
	same(t, "pages", pages, 3)
	same(t, "the newest is first", names[0], "s13")
	for name, k := range map[string]struct {
		o    servers.ListOpts
		want int
	}{
		"one mark":          {servers.ListOpts{Tags: "mark-3"}, 1},
		"both tags":         {servers.ListOpts{Tags: "all,mark-3"}, 1},
		"either":            {servers.ListOpts{TagsAny: "mark-3,mark-4"}, 2},
		"none of":           {servers.ListOpts{NotTagsAny: "mark-3,mark-4"}, 12},
		"part of a name":    {servers.ListOpts{Name: "s0"}, 10},
		"a whole name":      {servers.ListOpts{Name: "^s03$"}, 1},
		"state":             {servers.ListOpts{Status: "ACTIVE"}, 14},
		"everything, pages": {servers.ListOpts{}, 14},
	} {
		p, err := servers.List(c, k.o).AllPages(bg)
		ok(t, err)
		l, err := servers.ExtractServers(p)
		ok(t, err)
		same(t, name, len(l), k.want)
	}
	_, err := servers.List(c, servers.ListOpts{Marker: "nope"}).AllPages(bg)
	same(t, "an unknown marker", code(err), 400)
	_, err = servers.List(c, servers.ListOpts{AllTenants: true}).AllPages(bg)
	same(t, "all tenants", code(err), 403)
}

func TestServerTagsAndMetadata(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.compute(t)
	s, err := b.create(t, c, nil)
	ok(t, err)
	ok(t, tags.Add(bg, c, s.ID, "one").ExtractErr())
	_, err = tags.ReplaceAll(bg, c, s.ID, tags.ReplaceAllOpts{Tags: []string{"two", "three"}}).Extract()
	ok(t, err)
	ok(t, tags.Delete(bg, c, s.ID, "two").ExtractErr())
	got, err := tags.List(bg, c, s.ID).Extract()
	ok(t, err)
	if !slices.Equal(got, []string{"three"}) {
		t.Errorf("tags %v", got)
	}
	_, err = servers.UpdateMetadata(bg, c, s.ID, servers.MetadataOpts{"a": "1", "b": "2"}).Extract()
	ok(t, err)
	ok(t, servers.DeleteMetadatum(bg, c, s.ID, "a").ExtractErr())
	m, err := servers.Metadata(bg, c, s.ID).Extract()
	ok(t, err)
	if len(m) != 1 || m["b"] != "2" {
		t.Errorf("metadata %v", m)
	}
}

func TestKeyPairsFlavorsAndZones(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.compute(t)
	key := keypairs.CreateOpts{Name: "k", PublicKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFjCJJGTZ3M1c4ePJxUP4tIzGeLVnTg3ntYqR8cEBhbp x"}
	_, err := keypairs.Create(bg, c, key).Extract()
	ok(t, err)
	_, err = keypairs.Create(bg, c, key).Extract()
	same(t, "twice", code(err), 409)
	s, err := b.create(t, c, func(o *servers.CreateOpts) { o.Networks = "none" })
	ok(t, err)
	same(t, "key of a server without", s.KeyName, "")
	ok(t, keypairs.Delete(bg, c, "k", nil).ExtractErr())
	_, err = keypairs.Get(bg, c, "k", nil).Extract()
	same(t, "gone", code(err), 404)
	p, err := flavors.ListDetail(c, flavors.ListOpts{Limit: 5}).AllPages(bg)
	ok(t, err)
	fl, err := flavors.ExtractFlavors(p)
	ok(t, err)
	if len(fl) < 20 {
		t.Errorf("%d flavors", len(fl))
	}
	p, err = availabilityzones.List(c).AllPages(bg)
	ok(t, err)
	z, err := availabilityzones.ExtractAvailabilityZones(p)
	ok(t, err)
	same(t, "zone", z[0].ZoneName, "nova")
}

func TestComputeQuotaAndUsage(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Quota: map[simcloud.Item]int64{simcloud.ItemServers: 9}}, openstackfake.Options{TokenLife: 48 * time.Hour})
	c := b.compute(t)
	s, err := b.create(t, c, nil)
	ok(t, err)
	same(t, "state", b.status(t, c, s.ID), "ACTIVE")
	l, err := limits.Get(bg, c, nil).Extract()
	ok(t, err)
	same(t, "limit", l.Absolute.MaxTotalInstances, 9)
	same(t, "cores used", l.Absolute.TotalCoresUsed, 2)
	q, err := quotasets.GetDetail(bg, c, b.owner.Tenant).Extract()
	ok(t, err)
	same(t, "instances in use", q.Instances.InUse, 1)
	start := b.clock.now()
	b.clock.pass(10 * time.Hour)
	ok(t, servers.Delete(bg, c, s.ID).ExtractErr())
	b.clock.pass(10 * time.Hour)
	end := b.clock.now()
	var u *usage.TenantUsage
	ok(t, usage.SingleTenant(c, b.owner.Tenant, usage.SingleTenantOpts{Start: &start, End: &end}).EachPage(bg, func(_ context.Context, p pagination.Page) (more bool, err error) {
		u, err = usage.ExtractSingleTenant(p)
		return true, err
	}))
	same(t, "hours of a server that is gone", u.TotalHours, 10)
	same(t, "core hours", u.TotalVCPUsUsage, 20)
	same(t, "its name", u.ServerUsages[0].Name, "app-1")
}
