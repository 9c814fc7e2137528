package huawei_test

import (
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/huawei"
	"github.com/duoyun/duoyun/providers/huawei/huaweifake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// made runs one step of a creation and returns the id of what it made.
func made(t *testing.T, c driver.Cloud, ch driver.Change, step string) string {
	t.Helper()
	r, _ := c.Kind(ch.Kind)
	reply, err := r.Run(t.Context(), driver.Call{Change: ch, Step: step, Token: duoyun.StepToken(ch.Mark, 0, 0)})
	if err != nil {
		t.Fatalf("%s: %v", step, err)
	}
	return reply.ID
}

// onNetwork is a creation on a platform network of its own.
func onNetwork(t *testing.T, c driver.Cloud, k duoyun.Kind, spec duoyun.Spec) driver.Change {
	t.Helper()
	n := driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindNetwork, Mark: duoyun.Mark(duoyun.NewID(time.Now())), After: duoyun.NetworkSpec{CIDR: "10.9.0.0/24"}}
	n.ID = made(t, c, n, "vpc")
	link := driver.Link{Kind: n.Kind, ID: n.ID, Parts: map[string]string{"subnet": made(t, c, n, "subnet")}}
	return driver.Change{Op: duoyun.OpCreate, Kind: k, Mark: duoyun.Mark(duoyun.NewID(time.Now())), Name: "窗口", Zone: duoyun.ZoneExtranetPublic, After: spec,
		Parts: map[string]string{}, Links: map[duoyun.Relation][]driver.Link{duoyun.RelNetwork: {link}}, Secret: driver.NewSecret("7Tkz3hcN9sQ2vRpd5JxE")}
}

// Networks and buckets take nothing that could run out.
func TestWhatIsSoldOutIsToldSo(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		kind  duoyun.Kind
		of    simcloud.Kind
		spec  duoyun.Spec
		steps []string // the last is refused
	}{
		{duoyun.KindServer, simcloud.KindServer, duoyun.ServerSpec{VCPU: 1, RAMGiB: 2, SystemDiskGiB: 40, Image: "kylin-v10"}, []string{"security_group", "server"}},
		{duoyun.KindDisk, simcloud.KindVolume, duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}, []string{"volume"}},
		{duoyun.KindPublicIP, simcloud.KindFloatingIP, duoyun.PublicIPSpec{BandwidthMbps: 5}, []string{"public_ip"}},
		{duoyun.KindLoadBalancer, simcloud.KindBalancer, duoyun.LoadBalancerSpec{Port: 443}, []string{"load_balancer"}},
		{duoyun.KindDatabase, simcloud.KindDatabase, duoyun.DatabaseSpec{Engine: "mysql", Version: "8.0", VCPU: 2, RAMGiB: 4, StorageGiB: 40}, []string{"security_group", "database"}},
		{duoyun.KindCache, simcloud.KindCache, duoyun.CacheSpec{Version: "7.0", MemoryGiB: 1}, []string{"cache"}},
	} {
		t.Run(string(x.kind), func(t *testing.T) {
			t.Parallel()
			s := simulate(t, huaweifake.Options{})
			c, err := huawei.Open(t.Context(), s.account())
			if err != nil {
				t.Fatal(err)
			}
			ch := onNetwork(t, c, x.kind, x.spec)
			s.sim.SellOut(x.of, 0)
			last := len(x.steps) - 1
			for _, step := range x.steps[:last] {
				ch.Parts[step] = made(t, c, ch, step)
			}
			r, _ := c.Kind(x.kind)
			if _, err := r.Run(t.Context(), driver.Call{Change: ch, Step: x.steps[last], Token: "t"}); c.Code(err) != driver.SoldOut {
				t.Errorf("code %q: %v", c.Code(err), err)
			}
		})
	}
}
