package openstack

import (
	"context"
	"strings"
	"time"

	cinder "github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumetypes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/availabilityzones"
	nova "github.com/gophercloud/gophercloud/v2/openstack/compute/v2/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/usage"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/quotas"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// Quota implements driver.QuotaReader: what Nova, Cinder and Neutron allow the project. Addresses are counted by ports,
// which servers take too. Swift has no quota of an account that a project may read.
func (c *Cloud) Quota(ctx context.Context) (map[duoyun.Dimension]driver.Allowance, error) {
	all := map[duoyun.Dimension]driver.Allowance{}
	if c.compute != nil {
		l, err := nova.Get(ctx, c.compute, nil).Extract()
		if err != nil {
			return nil, err
		}
		a := l.Absolute
		all[duoyun.QuotaServers] = allowance(a.MaxTotalInstances, a.TotalInstancesUsed)
		all[duoyun.QuotaVCPU] = allowance(a.MaxTotalCores, a.TotalCoresUsed)
		ram := allowance(a.MaxTotalRAMSize, a.TotalRAMUsed) // MiB: the limit is rounded down, the use up
		if ram.Limit > 0 {
			ram.Limit /= 1024
		}
		ram.Used = (ram.Used + 1023) / 1024
		all[duoyun.QuotaRAMGiB] = ram
	}
	if c.volume != nil {
		l, err := cinder.Get(ctx, c.volume).Extract()
		if err != nil {
			return nil, err
		}
		all[duoyun.QuotaDiskGiB] = allowance(l.Absolute.MaxTotalVolumeGigabytes, l.Absolute.TotalGigabytesUsed)
	}
	if c.network != nil {
		q, err := quotas.GetDetail(ctx, c.network, c.project).Extract()
		if err != nil {
			return nil, err
		}
		all[duoyun.QuotaAddresses] = allowance(q.Port.Limit, q.Port.Used+q.Port.Reserved)
	}
	return all, nil
}

// allowance: every service says -1 for unlimited.
func allowance(limit, used int) driver.Allowance {
	return driver.Allowance{Limit: int64(max(limit, -1)), Used: int64(used)}
}

// Check implements driver.Checker: it reads each service once and everything the account's mapping names.
func (c *Cloud) Check(ctx context.Context) []duoyun.Fault {
	var f duoyun.Faults
	for name, there := range map[string]bool{"compute": c.compute != nil, "network": c.network != nil, "image": c.image != nil} {
		if !there {
			f.Add("endpoints."+name, "", "服务目录中没有此服务", "the catalogue has no such service")
		}
	}
	if _, err := c.Quota(ctx); err != nil {
		f.Add("account", string(c.Code(err)), "配额无法读取", "the quotas cannot be read")
	}
	if c.compute != nil && c.image != nil {
		for portable := range c.account.Mapping.Images {
			if _, err := c.imageID(ctx, portable); err != nil {
				f.Add("mapping.images."+portable, c.account.Mapping.Images[portable], "云上没有此镜像", "the cloud has no such image")
			}
		}
		c.checkZones(ctx, &f)
	}
	if c.network != nil && c.account.Mapping.ExternalNetwork != "" {
		if _, err := c.externalNetwork(ctx); err != nil {
			f.Add("mapping.external_network", c.account.Mapping.ExternalNetwork, "云上没有此外部网络", "the cloud has no such external network")
		}
	}
	if c.volume != nil {
		c.checkTypes(ctx, &f)
	}
	return f
}

// checkZones: a zone that is down today is a fault as much as one that never was.
func (c *Cloud) checkZones(ctx context.Context, f *duoyun.Faults) {
	page, err := availabilityzones.List(c.compute).AllPages(ctx)
	if err != nil {
		f.Add("mapping.zones", string(c.Code(err)), "可用区无法读取", "the availability zones cannot be read")
		return
	}
	zones, err := availabilityzones.ExtractAvailabilityZones(page)
	open := map[string]bool{"": true}
	for _, z := range zones {
		open[z.ZoneName] = z.ZoneState.Available
	}
	for zone, name := range c.account.Mapping.Zones {
		if err != nil || !open[name] {
			f.Add("mapping.zones."+zone, name, "云上没有此可用区，或不可用", "the cloud has no such availability zone, or it is down")
		}
	}
}

// checkTypes leaves storage policies out: Swift shows them only in its public info, and there only where the operator
// lets it.
func (c *Cloud) checkTypes(ctx context.Context, f *duoyun.Faults) {
	types, err := everything(ctx, func(marker string) pagination.Pager {
		return volumetypes.List(c.volume, volumetypes.ListOpts{Limit: pageSize, Marker: marker})
	}, volumetypes.ExtractVolumeTypes, func(t volumetypes.VolumeType) string { return t.ID })
	if err != nil {
		f.Add("mapping.classes", string(c.Code(err)), "卷类型无法读取", "the volume types cannot be read")
		return
	}
	known := map[string]bool{"": true}
	for _, t := range types {
		known[t.Name], known[t.ID] = true, true
	}
	for class, name := range c.account.Mapping.Classes {
		if !strings.HasPrefix(class, bucketClasses) && !known[name] {
			f.Add("mapping.classes."+class, name, "云上没有此卷类型", "the cloud has no such volume type")
		}
	}
}

// Usage implements driver.UsageReader from Nova's os-simple-tenant-usage: every server that ran in [from, to), also
// those deleted since. Disks and addresses are not in it.
func (c *Cloud) Usage(ctx context.Context, from, to time.Time) ([]duoyun.VendorUsage, error) {
	if c.compute == nil {
		return nil, nil
	}
	from, to = from.UTC(), to.UTC()
	all, err := everything(ctx, func(marker string) pagination.Pager {
		return usage.SingleTenant(c.compute, c.project, usage.SingleTenantOpts{Start: &from, End: &to, Limit: pageSize, Marker: marker})
	}, serverUsages, func(u usage.ServerUsage) string { return u.InstanceID })
	if err != nil {
		return nil, err
	}
	out := make([]duoyun.VendorUsage, len(all))
	for i, u := range all {
		out[i] = duoyun.VendorUsage{VendorID: u.InstanceID, Name: u.Name, Start: u.StartedAt, End: u.EndedAt,
			VCPU: int64(u.VCPUs), RAMGiB: int64(u.MemoryMB) / 1024, DiskGiB: int64(u.LocalGB)}
	}
	return out, nil
}

func serverUsages(page pagination.Page) ([]usage.ServerUsage, error) {
	t, err := usage.ExtractSingleTenant(page)
	if err != nil || t == nil {
		return nil, err
	}
	return t.ServerUsages, nil
}

var (
	_ driver.QuotaReader = (*Cloud)(nil)
	_ driver.Checker     = (*Cloud)(nil)
	_ driver.UsageReader = (*Cloud)(nil)
)
