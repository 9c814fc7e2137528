package aliyun_test

import (
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aliyun"
	"github.com/duoyun/duoyun/providers/aliyun/aliyunfake"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// change is an update where both specs are given, otherwise a creation or, with neither, a deletion or renewal.
func change(op duoyun.Op, k duoyun.Kind, before, after duoyun.Spec) driver.Change {
	return driver.Change{Op: op, Kind: k, Mark: "dy-1", Before: before, After: after, Links: map[duoyun.Relation][]driver.Link{
		duoyun.RelNetwork: {{Kind: duoyun.KindNetwork, ID: "vpc-1"}}, duoyun.RelMember: {{Kind: duoyun.KindServer, ID: "i-1"}},
		duoyun.RelAttach: {{Kind: duoyun.KindServer, ID: "i-1"}}}}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	c := answering(t, 500, "")
	server := duoyun.ServerSpec{VCPU: 2, RAMGiB: 4, SystemDiskGiB: 40, Image: "kylin-v10", Ports: []int{443, 22, 443}}
	large, off, largeOff := server, server, server
	large.VCPU, off.Stopped, largeOff.VCPU, largeOff.Stopped = 4, true, 4, true
	database := duoyun.DatabaseSpec{Engine: "mysql", Version: "8.0", VCPU: 2, RAMGiB: 4, StorageGiB: 40}
	grown, other := database, database
	grown.StorageGiB, other.Version = 60, "5.7"
	lb := duoyun.LoadBalancerSpec{Port: 443}
	for name, x := range map[string]struct {
		driver.Change
		want string // steps; "!": refused
	}{
		"a server opens each port once":           {change(duoyun.OpCreate, duoyun.KindServer, nil, server), "security_group rule:22 rule:443 server"},
		"a server ordered off is stopped":         {change(duoyun.OpCreate, duoyun.KindServer, nil, off), "security_group rule:22 rule:443 server stop"},
		"a running server is resized while off":   {change(duoyun.OpUpdate, duoyun.KindServer, server, large), "stop resize start"},
		"a stopped server is resized as it is":    {change(duoyun.OpUpdate, duoyun.KindServer, off, largeOff), "resize"},
		"a stopped server is resized and started": {change(duoyun.OpUpdate, duoyun.KindServer, off, large), "resize start"},
		"a running server is resized and left":    {change(duoyun.OpUpdate, duoyun.KindServer, server, largeOff), "stop resize"},
		"a server is started":                     {change(duoyun.OpUpdate, duoyun.KindServer, off, server), "start"},
		"a server stays":                          {change(duoyun.OpUpdate, duoyun.KindServer, server, server), ""},
		"a server is renewed":                     {change(duoyun.OpRenew, duoyun.KindServer, server, server), "renew"},
		"a server is deleted":                     {change(duoyun.OpDelete, duoyun.KindServer, server, nil), "delete-server delete-security_group"},
		"a network":                               {change(duoyun.OpCreate, duoyun.KindNetwork, nil, duoyun.NetworkSpec{CIDR: "10.0.0.0/24"}), "network vswitch"},
		"a network without a range":               {change(duoyun.OpCreate, duoyun.KindNetwork, nil, duoyun.NetworkSpec{}), "!"},
		"a disk of a class nobody mapped":         {change(duoyun.OpCreate, duoyun.KindDisk, nil, duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}), "!"},
		"an address for a server":                 {change(duoyun.OpCreate, duoyun.KindPublicIP, nil, duoyun.PublicIPSpec{BandwidthMbps: 5}), "public_ip associate"},
		"an address with more bandwidth":          {change(duoyun.OpUpdate, duoyun.KindPublicIP, duoyun.PublicIPSpec{BandwidthMbps: 5}, duoyun.PublicIPSpec{BandwidthMbps: 9}), "bandwidth"},
		"a balancer":                              {change(duoyun.OpCreate, duoyun.KindLoadBalancer, nil, lb), "load_balancer members listener start"},
		"a balancer's members":                    {change(duoyun.OpUpdate, duoyun.KindLoadBalancer, lb, lb), "members remove-members"},
		"a balancer's port":                       {change(duoyun.OpUpdate, duoyun.KindLoadBalancer, lb, duoyun.LoadBalancerSpec{Port: 80}), "!"},
		"a bucket":                                {change(duoyun.OpCreate, duoyun.KindBucket, nil, duoyun.BucketSpec{SizeGiB: 1, Class: "standard"}), "bucket quota"},
		"a bucket of a class nobody mapped":       {change(duoyun.OpCreate, duoyun.KindBucket, nil, duoyun.BucketSpec{SizeGiB: 1, Class: "cold"}), "!"},
		"a database":                              {change(duoyun.OpCreate, duoyun.KindDatabase, nil, database), "database account"},
		"a database that grows":                   {change(duoyun.OpUpdate, duoyun.KindDatabase, database, grown), "resize"},
		"a database that shrinks":                 {change(duoyun.OpUpdate, duoyun.KindDatabase, grown, database), "!"},
		"a database of another version":           {change(duoyun.OpUpdate, duoyun.KindDatabase, database, other), "!"},
		"a cache":                                 {change(duoyun.OpCreate, duoyun.KindCache, nil, duoyun.CacheSpec{Version: "7.0", MemoryGiB: 1}), "cache whitelist"},
		"a cache with a replica":                  {change(duoyun.OpUpdate, duoyun.KindCache, duoyun.CacheSpec{Version: "7.0", MemoryGiB: 1}, duoyun.CacheSpec{Version: "7.0", MemoryGiB: 1, Standby: true}), "!"},
	} {
		r, _ := c.Kind(x.Kind)
		steps, err := r.Plan(x.Change)
		var names []string
		for _, s := range steps {
			names = append(names, s.Name)
		}
		got := strings.Join(names, " ")
		if aliyun.Code(err) == driver.Invalid {
			got = "!"
		}
		if got != x.want {
			t.Errorf("%s: %q, %v, want %q", name, got, err, x.want)
		}
	}
}

func TestSubscribedAddressesAndBalancersAreNotSold(t *testing.T) {
	t.Parallel()
	c := answering(t, 500, "")
	for k, spec := range map[duoyun.Kind]duoyun.Spec{duoyun.KindPublicIP: duoyun.PublicIPSpec{BandwidthMbps: 5}, duoyun.KindLoadBalancer: duoyun.LoadBalancerSpec{Port: 443}} {
		x := change(duoyun.OpCreate, k, nil, spec)
		x.Months = 12
		r, _ := c.Kind(k)
		if _, err := r.Plan(x); aliyun.Code(err) != driver.Invalid {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func TestASizeThatIsSoldOutIsToldFromOneThatNobodySells(t *testing.T) {
	t.Parallel()
	s := simulate(t, aliyunfake.Options{})
	s.sim.AddFlavor(simcloud.Flavor{Object: simcloud.Object{Name: "ecs.huge"}, VCPU: 96, RAMMiB: 384 << 10, Family: "huge", SoldOut: true})
	a := s.account()
	a.Mapping.Families = []string{"huge"}
	c, err := aliyun.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	q, ok := driver.As[driver.Quoter](c)
	if !ok {
		t.Fatal("no quotes")
	}
	for vcpu, want := range map[int64]driver.Code{96: driver.SoldOut, 128: driver.Invalid} {
		_, err := q.Quote(t.Context(), driver.Change{Kind: duoyun.KindServer, After: duoyun.ServerSpec{VCPU: vcpu, RAMGiB: 64, SystemDiskGiB: 40}})
		if code := aliyun.Code(err); code != want {
			t.Errorf("%d vCPU: %q: %v", vcpu, code, err)
		}
	}
}
