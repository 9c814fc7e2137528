package driver

import (
	"slices"

	"github.com/duoyun/duoyun"
)

// Meets reports whether what a vendor shows is what was asked for. Fields the vendor does not show are zero and prove
// nothing. A server or its system disk may be larger than asked, since vendors sell sizes: a flavor that covers the
// demand meets it; everything else must be equal.
func Meets(asked, seen duoyun.Spec) bool {
	if asked == nil || seen == nil {
		return asked == nil && seen == nil
	}
	if asked.Kind() != seen.Kind() {
		return false
	}
	switch a := asked.(type) {
	case duoyun.ServerSpec:
		s := seen.(duoyun.ServerSpec)
		return covers(a.VCPU, s.VCPU) && covers(a.RAMGiB, s.RAMGiB) && covers(a.SystemDiskGiB, s.SystemDiskGiB) &&
			same(a.Image, s.Image) && a.Stopped == s.Stopped && (s.Ports == nil || samePorts(a.Ports, s.Ports))
	case duoyun.DiskSpec:
		s := seen.(duoyun.DiskSpec)
		return same(a.SizeGiB, s.SizeGiB) && same(a.Class, s.Class)
	case duoyun.NetworkSpec:
		return same(a.CIDR, seen.(duoyun.NetworkSpec).CIDR)
	case duoyun.LoadBalancerSpec:
		s := seen.(duoyun.LoadBalancerSpec)
		return same(a.Port, s.Port) && same(orElse(a.MemberPort, a.Port), orElse(s.MemberPort, s.Port))
	case duoyun.PublicIPSpec:
		return same(a.BandwidthMbps, seen.(duoyun.PublicIPSpec).BandwidthMbps)
	case duoyun.BucketSpec:
		s := seen.(duoyun.BucketSpec)
		return same(a.SizeGiB, s.SizeGiB) && same(a.Class, s.Class)
	case duoyun.DatabaseSpec:
		s := seen.(duoyun.DatabaseSpec)
		return same(a.Engine, s.Engine) && same(a.Version, s.Version) && covers(a.VCPU, s.VCPU) && covers(a.RAMGiB, s.RAMGiB) &&
			covers(a.StorageGiB, s.StorageGiB) && a.Standby == s.Standby
	case duoyun.CacheSpec:
		s := seen.(duoyun.CacheSpec)
		return same(a.Version, s.Version) && covers(a.MemoryGiB, s.MemoryGiB) && a.Standby == s.Standby
	}
	return true // addresses are one each; a service is what its sheet says
}

func covers(asked, seen int64) bool { return seen == 0 || seen >= asked }

func same[T comparable](asked, seen T) bool {
	var hidden T
	return seen == hidden || seen == asked
}

func samePorts(asked, seen []int) bool {
	a, s := slices.Sorted(slices.Values(asked)), slices.Sorted(slices.Values(seen))
	return slices.Equal(slices.Compact(a), slices.Compact(s))
}

func orElse(n, other int) int {
	if n == 0 {
		return other
	}
	return n
}
