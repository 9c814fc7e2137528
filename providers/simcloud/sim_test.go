package simcloud_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// hand is a clock that is moved by hand.
type hand struct {
	mu sync.Mutex
	t  time.Time
}

func newHand() *hand { return &hand{t: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)} }

func (h *hand) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.t
}

func (h *hand) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.t = h.t.Add(d)
}

var me = simcloud.Owner{Region: "RegionOne", Tenant: "t1"}

type bundle struct {
	*simcloud.Cloud
	clock  *hand
	flavor string
	bigger string
	image  string
}

func setup(t *testing.T, o simcloud.Options) *bundle {
	t.Helper()
	clock := newHand()
	o.Clock = clock.now
	c := simcloud.New(o)
	return &bundle{c, clock, flavorOf(t, c, 2, 4), flavorOf(t, c, 4, 8), imageOf(t, c, "kylin-v10")}
}

func flavorOf(t *testing.T, c *simcloud.Cloud, vcpu, ramGiB int64) string {
	t.Helper()
	l, err := simcloud.List(c, simcloud.Query{}, func(f *simcloud.Flavor) bool { return f.VCPU == vcpu && f.RAMMiB == ramGiB<<10 })
	if err != nil || len(l) != 1 {
		t.Fatalf("flavor %d/%d: %v %v", vcpu, ramGiB, l, err)
	}
	return l[0].ID
}

func imageOf(t *testing.T, c *simcloud.Cloud, name string) string {
	t.Helper()
	l, err := simcloud.List[simcloud.Image](c, simcloud.Query{Where: []string{simcloud.Named(name)}}, nil)
	if err != nil || len(l) != 1 {
		t.Fatalf("image %s: %v %v", name, l, err)
	}
	return l[0].ID
}

func (b *bundle) network(t *testing.T, cidr string) (*simcloud.Network, *simcloud.Subnet) {
	t.Helper()
	n, err := b.CreateNetwork(simcloud.Object{Owner: me, Name: "net"})
	if err != nil {
		t.Fatal(err)
	}
	p := netip.MustParsePrefix(cidr)
	s, err := b.CreateSubnet(simcloud.Subnet{Object: simcloud.Object{Owner: me}, NetworkID: n.ID, CIDR: p, Gateway: p.Addr().Next(), DHCP: true})
	if err != nil {
		t.Fatal(err)
	}
	return n, s
}

func (b *bundle) server(name string, nics ...simcloud.Nic) (*simcloud.Server, error) {
	return b.CreateServer(simcloud.ServerInput{
		Object: simcloud.Object{Owner: me, Name: name, Tags: []string{"mark-" + name}}, FlavorID: b.flavor, ImageID: b.image, Nics: nics, Late: true,
	})
}

func (b *bundle) state(t *testing.T, id string) simcloud.State {
	t.Helper()
	s, err := simcloud.Get[simcloud.Server](b.Cloud, me, id)
	if reasonOf(err) == simcloud.Missing {
		return simcloud.Gone
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.State
}

func reasonOf(err error) simcloud.Reason {
	var e *simcloud.Error
	errors.As(err, &e)
	if e == nil {
		return ""
	}
	return e.Reason
}

func TestStatesMoveWithTheClockAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Latency: simcloud.Latency{Create: 10 * time.Second, Change: 5 * time.Second, Delete: 3 * time.Second}})
	s, err := b.server("a")
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name string
		act  func() error
		wait time.Duration
		via  simcloud.State
		then simcloud.State
	}{
		{"create", func() error { return nil }, 10 * time.Second, simcloud.Building, simcloud.Active},
		{"stop", func() error { _, err := b.StopServer(me, s.ID); return err }, 5 * time.Second, simcloud.Stopping, simcloud.Stopped},
		{"resize", func() error { _, err := b.ResizeServer(me, s.ID, b.bigger); return err }, 5 * time.Second, simcloud.Resizing, simcloud.Resized},
		{"confirm", func() error { _, err := b.ConfirmResize(me, s.ID); return err }, 5 * time.Second, simcloud.Confirming, simcloud.Stopped},
		{"start", func() error { _, err := b.StartServer(me, s.ID); return err }, 5 * time.Second, simcloud.Starting, simcloud.Active},
		{"delete", func() error { _, err := b.DeleteServer(me, s.ID); return err }, 3 * time.Second, simcloud.Deleting, simcloud.Gone},
	}
	for _, step := range steps {
		if err := step.act(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		b.clock.pass(step.wait - time.Millisecond)
		if got := b.state(t, s.ID); got != step.via {
			t.Errorf("%s: a moment too early it is %s, want %s", step.name, got, step.via)
		}
		b.clock.pass(time.Millisecond)
		if got := b.state(t, s.ID); got != step.then {
			t.Errorf("%s: then it is %s, want %s", step.name, got, step.then)
		}
	}
	runs := b.Runs(me, simcloud.KindServer)
	if len(runs) != 1 || runs[0].Size.VCPU != 4 || runs[0].Until.IsZero() {
		t.Errorf("the run of the server that is gone: %+v", runs)
	}
}

func TestQuotaFollowsCreateResizeAndDelete(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Quota: map[simcloud.Item]int64{simcloud.ItemVCPU: 5, simcloud.ItemServers: 2}})
	s1, err := b.server("a")
	if err != nil {
		t.Fatal(err)
	}
	s2, err := b.server("b")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.server("c"); reasonOf(err) != simcloud.Exceeded {
		t.Errorf("a third server: %v, want exceeded", err)
	}
	if _, err := b.ResizeServer(me, s1.ID, b.bigger); reasonOf(err) != simcloud.Exceeded {
		t.Errorf("a resize to 4 + 2 vcpu of 5: %v, want exceeded", err)
	}
	if _, err := b.DeleteServer(me, s2.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ResizeServer(me, s1.ID, b.bigger); err != nil {
		t.Errorf("a resize to 4 of 5: %v", err)
	}
	b.clock.pass(time.Second)
	if _, err := b.RevertResize(me, s1.ID); err != nil {
		t.Fatal(err)
	}
	if b.state(t, s1.ID) != simcloud.Active {
		t.Error("a reverted server is not active")
	}
	if _, used := b.Quota(me); used[simcloud.ItemVCPU] != 2 || used[simcloud.ItemServers] != 1 {
		t.Errorf("used %v, want 2 vcpu and 1 server", used)
	}
}

func TestAFullZoneRefusesOrFailsLate(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Capacity: map[simcloud.Item]int64{simcloud.ItemVCPU: 3}})
	if _, err := b.server("fits"); err != nil {
		t.Fatal(err)
	}
	late, err := b.server("late")
	if err != nil {
		t.Fatal(err)
	}
	if got := b.state(t, late.ID); got != simcloud.Failed {
		t.Errorf("the second server is %s, want failed", got)
	}
	in := simcloud.ServerInput{Object: simcloud.Object{Owner: me}, FlavorID: b.flavor}
	if _, err := b.CreateServer(in); reasonOf(err) != simcloud.SoldOut {
		t.Errorf("without Late: %v, want sold out", err)
	}
}

func TestSellOutAfterN(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	b.SellOut(simcloud.KindVolume, 2)
	in := simcloud.VolumeInput{Object: simcloud.Object{Owner: me}, SizeGiB: 1}
	for i := range 3 {
		_, err := b.CreateVolume(in)
		if sold := reasonOf(err) == simcloud.SoldOut; sold != (i == 2) {
			t.Errorf("volume %d: %v", i, err)
		}
	}
	b.Restock(simcloud.KindVolume)
	if _, err := b.CreateVolume(in); err != nil {
		t.Error(err)
	}
}

func TestAServerTakesItsOwnPortsAndVolumesAlong(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	n, _ := b.network(t, "10.0.0.0/24")
	kept, err := b.CreatePort(simcloud.PortInput{Object: simcloud.Object{Owner: me}, NetworkID: n.ID})
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.CreateServer(simcloud.ServerInput{
		Object: simcloud.Object{Owner: me}, FlavorID: b.flavor,
		Nics:  []simcloud.Nic{{PortID: kept.ID}, {NetworkID: n.ID}},
		Disks: []simcloud.Disk{{SizeGiB: 40, ImageID: b.image, Owned: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	v, err := b.CreateVolume(simcloud.VolumeInput{Object: simcloud.Object{Owner: me}, SizeGiB: 10})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.AttachVolume(me, s.ID, v.ID, "", false); err != nil {
		t.Fatal(err)
	}
	if _, err := b.DeleteVolume(me, v.ID); reasonOf(err) != simcloud.InUse {
		t.Errorf("deleting an attached volume: %v", err)
	}
	if _, err := b.DeleteServer(me, s.ID); err != nil {
		t.Fatal(err)
	}
	got := b.Inventory()
	if len(got.Servers) != 0 || len(got.Ports) != 1 || len(got.Volumes) != 1 {
		t.Fatalf("left: %v, want the port and the volume that were there before", got.Counts())
	}
	if got.Ports[0].DeviceID != "" || got.Volumes[0].ServerID != "" {
		t.Error("what was left still belongs to the server")
	}
}

func TestAddressesAreEachGivenOnceAndComeBack(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	n, s := b.network(t, "10.0.0.0/29")
	seen := map[string]string{}
	for range 5 { // 8 less network, gateway and broadcast
		p, err := b.CreatePort(simcloud.PortInput{Object: simcloud.Object{Owner: me}, NetworkID: n.ID})
		if err != nil {
			t.Fatal(err)
		}
		if a := p.Fixed[0].Address; seen[a] != "" || a == s.Gateway.String() {
			t.Fatalf("%s was given twice", a)
		}
		seen[p.Fixed[0].Address] = p.ID
	}
	in := simcloud.PortInput{Object: simcloud.Object{Owner: me}, NetworkID: n.ID}
	if _, err := b.CreatePort(in); reasonOf(err) != simcloud.SoldOut {
		t.Errorf("from a full subnet: %v", err)
	}
	if err := b.DeletePort(me, seen["10.0.0.4"]); err != nil {
		t.Fatal(err)
	}
	if p, err := b.CreatePort(in); err != nil || p.Fixed[0].Address != "10.0.0.4" {
		t.Errorf("the freed address was not given again: %+v %v", p, err)
	}
}

func TestPagesAreCompleteWhileThingsComeAndGo(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	for i := range 25 {
		if _, err := b.server(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, newest := range []bool{false, true} {
		seen, after := map[string]bool{}, ""
		for {
			page, err := simcloud.List[simcloud.Server](b.Cloud, simcloud.Query{Owner: me, Limit: 10, After: after, Newest: newest}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, s := range page {
				if seen[s.ID] {
					t.Fatal("twice on the pages")
				}
				seen[s.ID] = true
			}
			after = page[len(page)-1].ID
			if newest {
				continue
			}
			if _, err := b.DeleteServer(me, after); err != nil { // the marker itself goes
				t.Fatal(err)
			}
		}
		if len(seen) < 22 {
			t.Errorf("newest %v: saw %d", newest, len(seen))
		}
	}
}

func TestAnotherAccountSeesNothingButWhatIsShared(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	n, _ := b.network(t, "10.0.0.0/24")
	other := simcloud.Owner{Region: "RegionOne", Tenant: "t2"}
	if _, err := simcloud.Get[simcloud.Network](b.Cloud, other, n.ID); reasonOf(err) != simcloud.Missing {
		t.Errorf("a stranger reads the network: %v", err)
	}
	l, err := simcloud.List[simcloud.Network](b.Cloud, simcloud.Query{Owner: other}, nil)
	if err != nil || len(l) != 1 || !l[0].External {
		t.Errorf("a stranger lists %v %v, want the external network alone", l, err)
	}
}

func TestLaggingListsShowThePast(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	old, err := b.server("old")
	if err != nil {
		t.Fatal(err)
	}
	b.SetListLag(simcloud.KindServer, 30*time.Second)
	b.clock.pass(time.Minute)
	fresh, err := b.server("fresh")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.DeleteServer(me, old.ID); err != nil {
		t.Fatal(err)
	}
	names := func() (out []string) {
		l, err := simcloud.List[simcloud.Server](b.Cloud, simcloud.Query{Owner: me}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range l {
			out = append(out, s.Name)
		}
		return out
	}
	if got := names(); len(got) != 1 || got[0] != "old" {
		t.Errorf("at once: %v, want the past", got)
	}
	if b.state(t, fresh.ID) != simcloud.Active || b.state(t, old.ID) != simcloud.Gone {
		t.Error("reads by id lag too")
	}
	b.clock.pass(31 * time.Second)
	if got := names(); len(got) != 1 || got[0] != "fresh" {
		t.Errorf("after the lag: %v", got)
	}
}

func TestSaveAndLoadKeepEverything(t *testing.T) {
	t.Parallel()
	o := simcloud.Options{Latency: simcloud.Latency{Create: time.Minute}}
	b := setup(t, o)
	n, _ := b.network(t, "10.0.0.0/24")
	s, err := b.server("a", simcloud.Nic{NetworkID: n.ID})
	if err != nil {
		t.Fatal(err)
	}
	b.SetQuota(me, map[simcloud.Item]int64{simcloud.ItemServers: 7})
	var file bytes.Buffer
	if err := b.Save(&file); err != nil {
		t.Fatal(err)
	}
	again := setup(t, o)
	if err := again.Load(&file); err != nil {
		t.Fatal(err)
	}
	if got := again.state(t, s.ID); got != simcloud.Building {
		t.Errorf("the server is %s, want building", got)
	}
	again.clock.pass(time.Minute)
	if got := again.state(t, s.ID); got != simcloud.Active {
		t.Errorf("a minute later it is %s", got)
	}
	limits, used := again.Quota(me)
	if limits[simcloud.ItemServers] != 7 || used[simcloud.ItemServers] != 1 || used[simcloud.ItemPorts] != 1 {
		t.Errorf("quota %d, used %v", limits[simcloud.ItemServers], used)
	}
	p, err := again.CreatePort(simcloud.PortInput{Object: simcloud.Object{Owner: me}, NetworkID: n.ID})
	if err != nil || p.Fixed[0].Address == again.Inventory().Ports[0].Fixed[0].Address {
		t.Errorf("an address was given twice after a load: %+v %v", p, err)
	}
}

func TestABadSnapshotChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{})
	s, err := b.server("a")
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := setup(t, simcloud.Options{}).Save(&file); err != nil {
		t.Fatal(err)
	}
	file.WriteString(`{"kind":"nothing"}` + "\n")
	if err := b.Load(&file); err == nil {
		t.Error("a snapshot with an unknown kind was taken")
	}
	if got := b.state(t, s.ID); got != simcloud.Active {
		t.Errorf("the server is %s after a refused load", got)
	}
}

func TestAFileSurvivesAKill(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "cloud.json")
	f, err := simcloud.Open(path, simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	flavor, image := flavorOf(t, f.Cloud, 2, 4), imageOf(t, f.Cloud, "uos-20")
	s, err := f.CreateServer(simcloud.ServerInput{Object: simcloud.Object{Owner: me, Name: "a"}, FlavorID: flavor, ImageID: image})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.StopServer(me, s.ID); err != nil {
		t.Fatal(err)
	}
	// No Close: the process was killed.
	again, err := simcloud.Open(path, simcloud.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	got, err := simcloud.Get[simcloud.Server](again.Cloud, me, s.ID)
	if err != nil || got.State != simcloud.Stopped || got.Name != "a" {
		t.Errorf("after the kill: %+v %v", got, err)
	}
	if flavorOf(t, again.Cloud, 2, 4) != flavor {
		t.Error("the catalogue has new ids")
	}
}

func TestManyAtOnceNeverPassTheQuota(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Quota: map[simcloud.Item]int64{simcloud.ItemServers: 50}})
	n, _ := b.network(t, "10.0.0.0/24")
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 10 {
				s, err := b.server("x", simcloud.Nic{NetworkID: n.ID})
				if err != nil && reasonOf(err) != simcloud.Exceeded {
					t.Error(err)
				}
				if err == nil && s.Tags[0] != "mark-x" {
					t.Error("lost its tag")
				}
				b.Inventory()
			}
		})
	}
	wg.Wait()
	if n := b.Servers(); n != 50 {
		t.Errorf("%d servers, want 50", n)
	}
}
