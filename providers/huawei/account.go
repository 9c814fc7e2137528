package huawei

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// Quota implements driver.QuotaReader: what ECS, EVS, EIP, RDS and DCS allow the project. OBS has no quota of sizes.
func (c *Cloud) Quota(ctx context.Context) (map[duoyun.Dimension]driver.Allowance, error) {
	all := map[duoyun.Dimension]driver.Allowance{}
	for _, read := range []func(context.Context, map[duoyun.Dimension]driver.Allowance) error{c.serverQuota, c.diskQuota, c.namedQuotas} {
		if err := read(ctx, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (c *Cloud) serverQuota(ctx context.Context, all map[duoyun.Dimension]driver.Allowance) error {
	var reply struct {
		Absolute *struct {
			MaxTotalInstances, TotalInstancesUsed, MaxTotalCores, TotalCoresUsed, MaxTotalRAMSize, TotalRAMUsed int64
		}
	}
	_, err := c.call(ctx, operation{service: ecs, method: http.MethodGet, path: "/v1/{p}/cloudservers/limits"}, &reply)
	if err == nil && reply.Absolute == nil {
		err = errNoObject
	}
	if err != nil {
		return err
	}
	a := reply.Absolute
	all[duoyun.QuotaServers] = allowance(a.MaxTotalInstances, a.TotalInstancesUsed)
	all[duoyun.QuotaVCPU] = allowance(a.MaxTotalCores, a.TotalCoresUsed)
	ram := allowance(a.MaxTotalRAMSize, (a.TotalRAMUsed+1023)/1024) // MiB: the limit is rounded down, the use up
	if ram.Limit > 0 {
		ram.Limit /= 1024
	}
	all[duoyun.QuotaRAMGiB] = ram
	return nil
}

func (c *Cloud) diskQuota(ctx context.Context, all map[duoyun.Dimension]driver.Allowance) error {
	var reply struct {
		Set *struct {
			Gigabytes struct {
				Limit int64
				InUse int64 `json:"in_use"`
			}
		} `json:"quota_set"`
	}
	_, err := c.call(ctx, operation{service: evs, method: http.MethodGet, path: "/v2/{p}/os-quota-sets/" + c.account.Project,
		query: url.Values{"usage": {"True"}}}, &reply)
	if err == nil && reply.Set == nil {
		err = errNoObject
	}
	if err == nil {
		all[duoyun.QuotaDiskGiB] = allowance(reply.Set.Gigabytes.Limit, reply.Set.Gigabytes.InUse)
	}
	return err
}

// namedQuotas are those that say {"quotas":{"resources":[{"type","quota","used"}]}}.
func (c *Cloud) namedQuotas(ctx context.Context, all map[duoyun.Dimension]driver.Allowance) error {
	for _, q := range []struct {
		service, path, kind string
		of                  duoyun.Dimension
	}{
		{vpc, "/v1/{p}/quotas", "publicIp", duoyun.QuotaAddresses},
		{rds, "/v3/{p}/quotas", "instance", duoyun.QuotaDatabases},
		{dcs, "/v2/{p}/quota", "instance", duoyun.QuotaCaches},
	} {
		var reply struct {
			Quotas struct {
				Resources []struct {
					Type        string
					Quota, Used int64
				}
			}
		}
		_, err := c.call(ctx, operation{service: q.service, method: http.MethodGet, path: q.path}, &reply)
		if err == nil && reply.Quotas.Resources == nil {
			err = errNoListing
		}
		if err != nil {
			return err
		}
		for _, r := range reply.Quotas.Resources {
			if r.Type == q.kind {
				all[q.of] = allowance(r.Quota, r.Used)
			}
		}
	}
	return nil
}

func allowance(limit, used int64) driver.Allowance {
	return driver.Allowance{Limit: max(limit, -1), Used: used}
}

// Flavors implements driver.Catalogue for every zone of the region.
func (c *Cloud) Flavors(ctx context.Context) ([]driver.Flavor, error) { return c.flavors(ctx, "") }

// Check implements driver.Checker: it reads each service once and everything the account's mapping names.
func (c *Cloud) Check(ctx context.Context) []duoyun.Fault {
	var f duoyun.Faults
	kinds := map[string]duoyun.Kind{vpc: duoyun.KindNetwork, ecs: duoyun.KindServer, evs: duoyun.KindDisk, elb: duoyun.KindLoadBalancer,
		obs: duoyun.KindBucket, rds: duoyun.KindDatabase, dcs: duoyun.KindCache}
	for _, service := range []string{vpc, ecs, evs, elb, obs, rds, dcs} {
		if _, err := c.kinds[kinds[service]].List(ctx, ""); err != nil {
			f.Add("account."+service, string(Code(err)), "服务 "+service+" 无法读取：密钥缺少权限，或端点不对", "service "+service+" cannot be read: the key lacks a permission, or the endpoint is wrong")
		}
	}
	for portable, name := range c.account.Mapping.Images {
		if _, err := c.image(ctx, portable); err != nil {
			f.Add("mapping.images."+portable, name, "云上没有此镜像", "the cloud has no such image")
		}
	}
	c.checkZones(ctx, &f)
	c.checkClasses(ctx, &f)
	c.checkFamilies(ctx, &f)
	return f
}

func (c *Cloud) checkZones(ctx context.Context, f *duoyun.Faults) {
	open, err := c.zones(ctx)
	if err != nil {
		f.Add("mapping.zones", string(Code(err)), "可用区无法读取", "the availability zones cannot be read")
		return
	}
	for zone, name := range c.account.Mapping.Zones {
		if name != "" && !slices.Contains(open, name) {
			f.Add("mapping.zones."+zone, name, "云上没有此可用区，或不可用", "the cloud has no such availability zone, or it is down")
		}
	}
}

// checkClasses leaves storage classes and those of databases out: no call lists them.
func (c *Cloud) checkClasses(ctx context.Context, f *duoyun.Faults) {
	var reply struct {
		Types []struct{ Name string } `json:"volume_types"`
	}
	_, err := c.call(ctx, operation{service: evs, method: http.MethodGet, path: "/v2/{p}/types"}, &reply)
	if err != nil || reply.Types == nil {
		f.Add("mapping.classes", string(Code(err)), "云硬盘类型无法读取", "the volume types cannot be read")
		return
	}
	for class, name := range c.account.Mapping.Classes {
		known := slices.ContainsFunc(reply.Types, func(t struct{ Name string }) bool { return t.Name == name })
		if !known && class != classDatabase && !strings.Contains(class, "/") {
			f.Add("mapping.classes."+class, name, "云上没有此云硬盘类型", "the cloud has no such volume type")
		}
	}
}

func (c *Cloud) checkFamilies(ctx context.Context, f *duoyun.Faults) {
	all, err := c.flavors(ctx, "")
	if err != nil {
		f.Add("mapping.families", string(Code(err)), "规格无法读取", "the server sizes cannot be read")
		return
	}
	for _, family := range c.account.Mapping.Families {
		if !slices.ContainsFunc(all, func(x driver.Flavor) bool { return x.Family == family }) {
			f.Add("mapping.families", family, "云上没有此规格族", "the cloud has no such family")
		}
	}
}

// measured are the metrics of a server by the names that CES gives them (namespace SYS.ECS), with our names and units.
func measured() map[string]duoyun.Metric {
	return map[string]duoyun.Metric{
		"cpu_util":                           {Name: "cpu", Unit: "%"},
		"mem_util":                           {Name: "memory", Unit: "%"},
		"disk_read_bytes_rate":               {Name: "disk_read", Unit: "B/s"},
		"disk_write_bytes_rate":              {Name: "disk_write", Unit: "B/s"},
		"network_incoming_bytes_rate_inband": {Name: "network_in", Unit: "B/s"},
		"network_outgoing_bytes_rate_inband": {Name: "network_out", Unit: "B/s"},
	}
}

// Metrics implements driver.MetricsReader for servers: means of five minutes. CES leaves out what it did not measure.
func (c *Cloud) Metrics(ctx context.Context, id string, from, to time.Time) ([]duoyun.Metric, error) {
	names := measured()
	var asked []any
	for name := range names {
		asked = append(asked, map[string]any{"namespace": "SYS.ECS", "metric_name": name, "dimensions": []any{map[string]string{"name": "instance_id", "value": id}}})
	}
	var reply struct {
		Metrics []struct {
			Name   string `json:"metric_name"`
			Points []struct {
				Average   *float64
				Timestamp int64
			} `json:"datapoints"`
		}
	}
	_, err := c.call(ctx, operation{service: ces, method: http.MethodPost, path: "/V1.0/{p}/batch-query-metric-data",
		body: map[string]any{"metrics": asked, "from": from.UnixMilli(), "to": to.UnixMilli(), "period": "300", "filter": "average"}}, &reply)
	if err == nil && reply.Metrics == nil {
		err = errNoListing
	}
	var out []duoyun.Metric
	for _, m := range reply.Metrics {
		metric, known := names[m.Name]
		for _, p := range m.Points {
			if p.Average != nil {
				metric.Points = append(metric.Points, duoyun.Point{At: time.UnixMilli(p.Timestamp).UTC(), Value: *p.Average})
			}
		}
		if known && len(metric.Points) > 0 {
			out = append(out, metric)
		}
	}
	slices.SortFunc(out, func(a, b duoyun.Metric) int { return strings.Compare(a.Name, b.Name) })
	return out, err
}

// billPage is how many lines of a bill are asked for at once.
const billPage = 500

// Bill implements driver.BillReader from the records of what each resource of the account itself (not of those that it pays
// for) cost; a cursor is an offset. The billing
// service counts its lines, so that a page of none before the last is an error.
func (c billing) Bill(ctx context.Context, month duoyun.Month, cursor string) ([]duoyun.BillLine, string, error) {
	offset, _ := strconv.Atoi(cursor) // "" is the first page
	var reply billReply
	_, err := c.call(ctx, operation{service: bss, method: http.MethodGet, path: "/v2/bills/customer-bills/res-fee-records",
		query: url.Values{"cycle": {month.Start().Format("2006-01")}, "offset": {strconv.Itoa(offset)}, "limit": {strconv.Itoa(billPage)},
			"method": {"oneself"}}}, &reply)
	if err != nil {
		return nil, "", err
	}
	lines, err := reply.lines()
	next := offset + len(lines)
	if err != nil || next >= reply.Total {
		return lines, "", err
	}
	if len(lines) == 0 {
		return nil, "", errNoListing
	}
	return lines, strconv.Itoa(next), nil
}

// Balance implements driver.BalanceReader: cash, credit and bonus, without the deposit (type 7) and less the debt.
func (c billing) Balance(ctx context.Context) (duoyun.Balance, error) {
	var reply balanceReply
	if _, err := c.call(ctx, operation{service: bss, method: http.MethodGet, path: "/v2/accounts/customer-accounts/balances"}, &reply); err != nil {
		return duoyun.Balance{}, err
	}
	return reply.balance()
}

var (
	_ driver.QuotaReader   = (*Cloud)(nil)
	_ driver.Checker       = (*Cloud)(nil)
	_ driver.Catalogue     = (*Cloud)(nil)
	_ driver.MetricsReader = (*Cloud)(nil)
	_ driver.BillReader    = billing{}
	_ driver.BalanceReader = billing{}
	_ driver.Quoter        = billing{}
)
