package driver_test

import (
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

func TestWhatIsSeenMeetsWhatWasAsked(t *testing.T) {
	t.Parallel()
	server := duoyun.ServerSpec{VCPU: 3, RAMGiB: 14, SystemDiskGiB: 100, Image: "kylin-v10", Ports: []int{443, 22}}
	bigger := duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 120, Image: "kylin-v10", Ports: []int{22, 443}}
	stopped, closed, smaller := bigger, bigger, bigger
	stopped.Stopped, closed.Ports, smaller.VCPU = true, []int{}, 2
	for name, c := range map[string]struct {
		asked, seen duoyun.Spec
		want        bool
	}{
		"a flavor that covers the demand":    {server, bigger, true},
		"fields that are not shown":          {server, duoyun.ServerSpec{VCPU: 4}, true},
		"a smaller server":                   {server, smaller, false},
		"a stopped server":                   {server, stopped, false},
		"a server whose ports are closed":    {server, closed, false},
		"a disk of another size":             {duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}, duoyun.DiskSpec{SizeGiB: 11, Class: "ssd"}, false},
		"a disk of another class":            {duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}, duoyun.DiskSpec{SizeGiB: 10, Class: "hdd"}, false},
		"member port left to the listener's": {duoyun.LoadBalancerSpec{Port: 443}, duoyun.LoadBalancerSpec{Port: 443, MemberPort: 443}, true},
		"another member port":                {duoyun.LoadBalancerSpec{Port: 443}, duoyun.LoadBalancerSpec{Port: 443, MemberPort: 80}, false},
		"another kind":                       {duoyun.DiskSpec{SizeGiB: 10}, duoyun.BucketSpec{SizeGiB: 10}, false},
		"gone, as asked":                     {nil, nil, true},
	} {
		if got := driver.Meets(c.asked, c.seen); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
