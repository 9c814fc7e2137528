package openstack

import (
	"context"
	"net/url"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// flavor reads the project's flavors and chooses. It reads anew each time: flavors come and go with a cloud's hardware,
// and a driver keeps no state.
func (c *Cloud) flavor(ctx context.Context, d driver.Demand) (driver.Flavor, error) {
	all, err := c.flavors(ctx)
	if err != nil {
		return driver.Flavor{}, table.Unsent(Code, err)
	}
	f, ok := driver.Choose(all, d)
	if !ok {
		return driver.Flavor{}, table.Refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, "spec", "没有满足 %d vCPU、%d GiB 内存的云主机规格",
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
func (c *Cloud) flavors(ctx context.Context) ([]driver.Flavor, error) {
	var all []driver.Flavor
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
			all = append(all, driver.Flavor{ID: f.ID, Name: f.Name, VCPU: f.VCPUs, RAMMiB: f.RAM, DiskGiB: f.Disk})
		}
		if len(page.Links) == 0 || len(page.Flavors) == 0 || all[len(all)-1].ID == marker {
			return all, nil
		}
		marker = all[len(all)-1].ID
	}
}
