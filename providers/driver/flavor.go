package driver

import (
	"cmp"
	"slices"
)

// Flavor is a server size as a cloud sells it: what choosing among them needs.
type Flavor struct {
	ID, Name string
	VCPU     int64
	RAMMiB   int64
	DiskGiB  int64  // local system disk; 0: the server boots from a volume
	Family   string // as the vendor names it; "" where it has none
	Arch     string // x86_64, aarch64; "" where the vendor does not say
	SoldOut  bool   // the vendor says that it cannot be had now
}

// Demand is what a flavor must cover.
type Demand struct {
	VCPU, RAMGiB, DiskGiB int64
	Exact                 bool     // vCPU and memory equal the demand, and a local disk does too
	Volume                bool     // the system disk is a volume, whatever the flavor's own disk
	Local                 bool     // the system disk is on the host: the cloud has no volumes, or the server is there already
	Families              []string // which families may be taken, the preferred first; empty: all alike
}

// Choose returns the cheapest flavor that covers the demand and can be had: fewest vCPU, then least memory, then the family
// the demand prefers, then a local disk that is large enough with the least waste, then a volume of just the size asked
// for; names and ids break ties, so that every replica chooses alike. Clouds price flavors by vCPU first; which of two
// families is the cheaper, the account's mapping says.
func Choose(all []Flavor, d Demand) (Flavor, bool) {
	var fit []Flavor
	for _, f := range all {
		enough := f.VCPU >= d.VCPU && f.RAMMiB >= d.RAMGiB*1024
		exact := f.VCPU == d.VCPU && f.RAMMiB == d.RAMGiB*1024 && (d.IsLocal(f) == (f.DiskGiB > 0 && !d.Volume)) &&
			(!d.IsLocal(f) || f.DiskGiB == d.DiskGiB)
		if enough && !f.SoldOut && d.family(f) >= 0 && (exact || !d.Exact) && (d.IsLocal(f) || !d.Local) {
			fit = append(fit, f)
		}
	}
	if len(fit) == 0 {
		return Flavor{}, false
	}
	waste := func(f Flavor) int64 {
		if d.IsLocal(f) {
			return f.DiskGiB - d.DiskGiB
		}
		return 1 << 40 // after every local disk
	}
	return slices.MinFunc(fit, func(a, b Flavor) int {
		return cmp.Or(cmp.Compare(a.VCPU, b.VCPU), cmp.Compare(a.RAMMiB, b.RAMMiB), cmp.Compare(d.family(a), d.family(b)), cmp.Compare(waste(a), waste(b)),
			cmp.Compare(a.DiskGiB, b.DiskGiB), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	}), true
}

// IsLocal reports whether a server of the flavor has its system disk on the host.
func (d Demand) IsLocal(f Flavor) bool { return !d.Volume && f.DiskGiB >= d.DiskGiB && f.DiskGiB > 0 }

// family is a flavor's place among the families that may be taken; -1: it may not.
func (d Demand) family(f Flavor) int {
	if len(d.Families) == 0 {
		return 0
	}
	return slices.Index(d.Families, f.Family)
}
