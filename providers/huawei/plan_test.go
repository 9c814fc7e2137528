package huawei_test

import (
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/huawei"
	"github.com/duoyun/duoyun/providers/huawei/huaweifake"
)

// change is an update where both specs are given, otherwise a creation or, with neither, a deletion or renewal.
func change(op duoyun.Op, k duoyun.Kind, before, after duoyun.Spec, months int) driver.Change {
	return driver.Change{Op: op, Kind: k, Mark: "dy-1", Before: before, After: after, Months: months, Links: map[duoyun.Relation][]driver.Link{
		duoyun.RelNetwork: {{Kind: duoyun.KindNetwork, ID: "vpc-1"}}, duoyun.RelMember: {{Kind: duoyun.KindServer, ID: "i-1"}},
		duoyun.RelAttach: {{Kind: duoyun.KindServer, ID: "i-1"}}}}
}

func TestPlans(t *testing.T) {
	t.Parallel()
	c := opened(t, driver.Account{Endpoint: "http://127.0.0.1:1", Mapping: driver.Mapping{Classes: map[string]string{"ssd": "SSD"}}})
	server := duoyun.ServerSpec{VCPU: 2, RAMGiB: 4, SystemDiskGiB: 40, Image: "kylin-v10", Ports: []int{22}}
	large, off, other := server, server, server
	large.VCPU, off.Stopped, other.Image = 4, true, "uos"
	database := duoyun.DatabaseSpec{Engine: "mysql", Version: "8.0", VCPU: 2, RAMGiB: 4, StorageGiB: 41}
	tens, grown, newer := database, database, database
	tens.StorageGiB, grown.StorageGiB, newer.Version = 50, 60, "5.7"
	disk := duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}
	for name, x := range map[string]struct {
		driver.Change
		want string // steps; "!": refused
	}{
		"a server ordered off is stopped":       {change(duoyun.OpCreate, duoyun.KindServer, nil, off, 0), "security_group rule:22 server stop"},
		"a server is resized":                   {change(duoyun.OpUpdate, duoyun.KindServer, server, large, 0), "resize"},
		"a server is stopped":                   {change(duoyun.OpUpdate, duoyun.KindServer, server, off, 0), "stop"},
		"a server of another image":             {change(duoyun.OpUpdate, duoyun.KindServer, server, other, 0), "!"},
		"a server for 9 months":                 {change(duoyun.OpCreate, duoyun.KindServer, nil, server, 9), "security_group rule:22 server"},
		"a server for 10 months":                {change(duoyun.OpCreate, duoyun.KindServer, nil, server, 10), "!"},
		"a server for 3 years":                  {change(duoyun.OpCreate, duoyun.KindServer, nil, server, 36), "security_group rule:22 server"},
		"a server for 4 years":                  {change(duoyun.OpCreate, duoyun.KindServer, nil, server, 48), "!"},
		"a server is renewed by 11 months":      {change(duoyun.OpRenew, duoyun.KindServer, server, server, 11), "renew"},
		"a server is renewed by 13 months":      {change(duoyun.OpRenew, duoyun.KindServer, server, server, 13), "!"},
		"a disk of a class nobody mapped":       {change(duoyun.OpCreate, duoyun.KindDisk, nil, duoyun.DiskSpec{SizeGiB: 10, Class: "hdd"}, 0), "!"},
		"a disk that shrinks":                   {change(duoyun.OpUpdate, duoyun.KindDisk, disk, duoyun.DiskSpec{SizeGiB: 5, Class: "ssd"}, 0), "!"},
		"a disk for a server":                   {change(duoyun.OpCreate, duoyun.KindDisk, nil, disk, 0), "volume attach"},
		"a network with too small a range":      {change(duoyun.OpCreate, duoyun.KindNetwork, nil, duoyun.NetworkSpec{CIDR: "10.0.0.0/29"}, 0), "!"},
		"a bucket of a class nobody mapped":     {change(duoyun.OpCreate, duoyun.KindBucket, nil, duoyun.BucketSpec{SizeGiB: 1, Class: "cold"}, 0), "!"},
		"a bucket of the standard class":        {change(duoyun.OpCreate, duoyun.KindBucket, nil, duoyun.BucketSpec{SizeGiB: 1, Class: "standard"}, 0), "bucket quota"},
		"a balancer's port":                     {change(duoyun.OpUpdate, duoyun.KindLoadBalancer, duoyun.LoadBalancerSpec{Port: 443}, duoyun.LoadBalancerSpec{Port: 80}, 0), "!"},
		"a database that grows within its tens": {change(duoyun.OpUpdate, duoyun.KindDatabase, database, tens, 0), ""},
		"a database that grows":                 {change(duoyun.OpUpdate, duoyun.KindDatabase, database, grown, 0), "enlarge"},
		"a database that shrinks":               {change(duoyun.OpUpdate, duoyun.KindDatabase, grown, database, 0), "!"},
		"a database of another version":         {change(duoyun.OpUpdate, duoyun.KindDatabase, database, newer, 0), "!"},
		"a cache that gets a standby":           {change(duoyun.OpUpdate, duoyun.KindCache, duoyun.CacheSpec{Version: "7.0", MemoryGiB: 1}, duoyun.CacheSpec{Version: "7.0", MemoryGiB: 1, Standby: true}, 0), "!"},
	} {
		r, _ := c.Kind(x.Kind)
		steps, err := r.Plan(x.Change)
		var names []string
		for _, s := range steps {
			names = append(names, s.Name)
		}
		got := strings.Join(names, " ")
		if c.Code(err) == driver.Invalid {
			got = "!"
		}
		if got != x.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, x.want, err)
		}
	}
}

// Check names what the vendor does not know; it changes nothing.
func TestACheckNamesEveryMappingThatTheVendorDoesNotKnow(t *testing.T) {
	t.Parallel()
	s := simulate(t, huaweifake.Options{})
	a := s.account()
	a.Mapping = driver.Mapping{Images: map[string]string{"kylin-v10": "no-such-image"}, Zones: map[string]string{duoyun.ZoneExtranetPublic: "cn-north-4z"},
		Classes: map[string]string{"ssd": "NVME", "bucket/cold": "COLD", "database": "CLOUDSSD"}, Families: []string{"s99"}}
	c, err := huawei.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	checker, _ := driver.As[driver.Checker](c)
	var fields []string
	for _, f := range checker.Check(t.Context()) {
		fields = append(fields, f.Path)
	}
	if got := strings.Join(fields, " "); got != "mapping.images.kylin-v10 mapping.zones."+duoyun.ZoneExtranetPublic+" mapping.classes.ssd mapping.families" {
		t.Errorf("%s", got)
	}
	s.Close()
	if faults := checker.Check(t.Context()); len(faults) < 7 {
		t.Errorf("a cloud that cannot be reached: %v", faults)
	}
}
