package openstack

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// Flavor is a server size as a cloud sells it: what choosing among them needs.
type Flavor struct {
	ID, Name string
	VCPU     int64
	RAMMiB   int64
	DiskGiB  int64 // local system disk; 0: the server boots from a volume
}

// Demand is what a flavor must cover.
type Demand struct {
	VCPU, RAMGiB, DiskGiB int64
	Exact                 bool // vCPU and memory equal the demand, and a local disk does too
	Volume                bool // the system disk is a volume, whatever the flavor's own disk
	Local                 bool // the system disk is on the host: the cloud has no volumes, or the server is there already
}

// Choose returns the cheapest flavor that covers the demand: fewest vCPU, then least memory, then a local disk that is
// large enough with the least waste, then a volume of just the size asked for; names and ids break ties, so that every
// replica chooses alike. OpenStack tells no prices; clouds price flavors by vCPU first.
func Choose(all []Flavor, d Demand) (Flavor, bool) {
	var fit []Flavor
	for _, f := range all {
		enough := f.VCPU >= d.VCPU && f.RAMMiB >= d.RAMGiB*1024
		exact := f.VCPU == d.VCPU && f.RAMMiB == d.RAMGiB*1024 && (d.local(f) == (f.DiskGiB > 0 && !d.Volume)) &&
			(!d.local(f) || f.DiskGiB == d.DiskGiB)
		if enough && (exact || !d.Exact) && (d.local(f) || !d.Local) {
			fit = append(fit, f)
		}
	}
	if len(fit) == 0 {
		return Flavor{}, false
	}
	waste := func(f Flavor) int64 {
		if d.local(f) {
			return f.DiskGiB - d.DiskGiB
		}
		return 1 << 40 // after every local disk
	}
	return slices.MinFunc(fit, func(a, b Flavor) int {
		return cmp.Or(cmp.Compare(a.VCPU, b.VCPU), cmp.Compare(a.RAMMiB, b.RAMMiB), cmp.Compare(waste(a), waste(b)),
			cmp.Compare(a.DiskGiB, b.DiskGiB), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	}), true
}

// local reports whether a server of the flavor has its system disk on the host.
func (d Demand) local(f Flavor) bool { return !d.Volume && f.DiskGiB >= d.DiskGiB && f.DiskGiB > 0 }

// flavor reads the project's flavors and chooses. It reads anew each time: flavors come and go with a cloud's hardware,
// and a driver keeps no state.
func (c *Cloud) flavor(ctx context.Context, d Demand) (Flavor, error) {
	all, err := c.flavors(ctx)
	if err != nil {
		return Flavor{}, unsent(err)
	}
	f, ok := Choose(all, d)
	if !ok {
		return Flavor{}, refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, "spec", "没有满足 %d vCPU、%d GiB 内存的云主机规格",
			"no flavor covers %d vCPU and %d GiB of memory", d.VCPU, d.RAMGiB))
	}
	return f, nil
}

// flavorPage is a page of Nova's flavors with what choosing needs.
type flavorPage struct {
	Flavors []struct {
		ID, Name string
		VCPUs    int64 `json:"vcpus"`
		RAM      int64 `json:"ram"` // MiB
		Disk     int64 `json:"disk"`
	} `json:"flavors"`
	Links []struct{ Rel string } `json:"flavors_links"`
}

// flavors reads the pages of the listing without the SDK's pager: every server boots by it, and the pager parses each
// page seven times.
func (c *Cloud) flavors(ctx context.Context) ([]Flavor, error) {
	var all []Flavor
	for marker := ""; ; {
		query := url.Values{"limit": {strconv.Itoa(pageSize)}}
		if marker != "" {
			query.Set("marker", marker)
		}
		var page flavorPage
		if _, err := c.compute.Get(ctx, c.compute.ServiceURL("flavors", "detail")+"?"+query.Encode(), &page, nil); err != nil {
			return nil, err
		}
		for _, f := range page.Flavors {
			all = append(all, Flavor{ID: f.ID, Name: f.Name, VCPU: f.VCPUs, RAMMiB: f.RAM, DiskGiB: f.Disk})
		}
		if len(page.Links) == 0 || len(page.Flavors) == 0 || all[len(all)-1].ID == marker {
			return all, nil
		}
		marker = all[len(all)-1].ID
	}
}
