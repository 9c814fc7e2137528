package openstackfake

import (
	"slices"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// novaQuota are the quota items that Nova has under its names.
func novaQuota() map[string]simcloud.Item {
	return map[string]simcloud.Item{
		"instances": simcloud.ItemServers, "cores": simcloud.ItemVCPU, "ram": simcloud.ItemRAMMiB, "key_pairs": simcloud.ItemKeyPairs,
	}
}

// computeQuota are limits, quota sets and usage.
func (s *service) computeQuota() {
	s.route("GET /limits", func(c *call) (int, any, error) {
		l, u := c.sim.Quota(c.owner)
		return 200, object{"limits": object{"rate": []any{}, "absolute": object{
			"maxTotalInstances": l[simcloud.ItemServers], "totalInstancesUsed": u[simcloud.ItemServers],
			"maxTotalCores": l[simcloud.ItemVCPU], "totalCoresUsed": u[simcloud.ItemVCPU],
			"maxTotalRAMSize": l[simcloud.ItemRAMMiB], "totalRAMUsed": u[simcloud.ItemRAMMiB],
			"maxTotalKeypairs": l[simcloud.ItemKeyPairs], "maxServerMeta": 128, "maxServerGroups": 10, "maxServerGroupMembers": 10,
			"totalServerGroupsUsed": 0,
		}}}, nil
	})
	s.route("GET /os-quota-sets/{id}", func(c *call) (int, any, error) { return quotaSet(c, novaQuota(), false) })
	s.route("GET /os-quota-sets/{id}/defaults", func(c *call) (int, any, error) { return quotaSet(c, novaQuota(), false) })
	s.route("GET /os-quota-sets/{id}/detail", func(c *call) (int, any, error) { return quotaSet(c, novaQuota(), true) })
	s.route("GET /os-simple-tenant-usage/{id}", tenantUsage)
}

// quotaSet answers a project's limits, with what is used of them where detail asks for it.
func quotaSet(c *call, items map[string]simcloud.Item, detail bool) (int, any, error) {
	if c.id() != c.owner.Tenant {
		return 0, nil, refuse(403, "Policy doesn't allow os-quota-sets:show to be performed.")
	}
	limits, used := c.sim.Quota(c.owner)
	set := object{"id": c.id()}
	for name, item := range items {
		set[name] = limits[item]
		if detail {
			set[name] = object{"limit": limits[item], "in_use": used[item], "reserved": 0}
		}
	}
	return 200, object{"quota_set": set}, nil
}

// tenantUsage counts what a project's servers used between start and end; a server counts at its latest size. Since 2.40 it
// comes in pages, and the sums are those of the page.
func tenantUsage(c *call) (int, any, error) {
	if c.id() != c.owner.Tenant {
		return 0, nil, refuse(403, "Policy doesn't allow os_compute_api:os-simple-tenant-usage:show to be performed.")
	}
	now := c.sim.Now().UTC()
	start, err1 := usageTime(c.query("start"), now.AddDate(0, 0, -28))
	end, err2 := usageTime(c.query("end"), now)
	if err1 != nil || err2 != nil || end.Before(start) {
		return 0, nil, badRequest("Invalid start or end time.")
	}
	limit, err := c.limit(c.options.MaxPage)
	if err != nil {
		return 0, nil, err
	}
	runs := c.sim.Runs(c.owner, simcloud.KindServer)
	if c.minor < 40 {
		return 200, object{"tenant_usage": usageView(c, runs, start, end, now)}, nil
	}
	if marker := c.query("marker"); marker != "" {
		i := slices.IndexFunc(runs, func(r *simcloud.Run) bool { return r.ResourceID == marker })
		if i < 0 {
			return 0, nil, badRequest("marker [%s] not found", marker)
		}
		runs = runs[i+1:]
	}
	body := object{}
	if len(runs) > limit {
		runs = runs[:limit]
		body["tenant_usage_links"] = []any{c.nextLink(runs[limit-1].ResourceID)}
	}
	body["tenant_usage"] = usageView(c, runs, start, end, now)
	return 200, body, nil
}

func usageTime(s string, otherwise time.Time) (time.Time, error) {
	if s == "" {
		return otherwise, nil
	}
	for _, layout := range []string{plain, micros, "2006-01-02 15:04:05.000000", time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return time.Time{}, badRequest("Invalid time")
}

func usageView(c *call, runs []*simcloud.Run, start, end, now time.Time) object {
	var servers []any
	var hours, memory, cores, local float64
	for _, r := range runs {
		until := r.Until
		if until.IsZero() {
			until = now
		}
		h := earlier(until, end).Sub(later(r.From, start)).Hours()
		if h < 0 || r.From.After(end) {
			continue
		}
		hours, memory = hours+h, memory+h*float64(r.Size.RAMMiB)
		cores, local = cores+h*float64(r.Size.VCPU), local+h*float64(r.Size.DiskGiB)
		servers = append(servers, runView(r, h, until))
	}
	if len(servers) == 0 {
		return object{}
	}
	v := object{
		"tenant_id": c.owner.Tenant, "start": when(start, micros), "stop": when(end, micros), "total_hours": hours,
		"total_memory_mb_usage": memory, "total_vcpus_usage": cores, "total_local_gb_usage": local,
	}
	v["server_usages"] = servers
	return v
}

func runView(r *simcloud.Run, hours float64, until time.Time) object {
	state := "active"
	if !r.Until.IsZero() {
		state = "terminated"
	}
	return object{
		"instance_id": r.ResourceID, "name": r.Name, "tenant_id": r.Tenant, "flavor": r.FlavorID, "hours": hours, "state": state,
		"vcpus": r.Size.VCPU, "memory_mb": r.Size.RAMMiB, "local_gb": r.Size.DiskGiB,
		"started_at": when(r.From, micros), "ended_at": when(r.Until, micros), "uptime": int(until.Sub(r.From).Seconds()),
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
