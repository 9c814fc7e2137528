package ctyun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// Quota implements driver.QuotaReader. The vendor tells limits only; what is used is counted in the listings.
func (c *Cloud) Quota(ctx context.Context) (map[duoyun.Dimension]driver.Allowance, error) {
	var body struct {
		Quotas map[string]text `json:"quotas"`
	}
	if err := c.fetch(ctx, get(ecs, "/v4/region/customer-quotas", nil), &body); err != nil {
		return nil, err
	}
	used := map[duoyun.Dimension]int64{}
	err := c.each(ctx, duoyun.KindServer, func(o driver.Observation) {
		spec := o.Spec.(duoyun.ServerSpec)
		used[duoyun.QuotaServers]++
		used[duoyun.QuotaVCPU] += spec.VCPU
		used[duoyun.QuotaRAMGiB] += spec.RAMGiB
	})
	if err != nil {
		return nil, err
	}
	disks := c.disks()
	for cursor := ""; ; {
		all, next, _, err := disks.page(ctx, cursor)
		if err != nil {
			return nil, err
		}
		for _, v := range all { // system disks count too
			used[duoyun.QuotaDiskGiB] += v.Size
		}
		if cursor = next; next == "" {
			break
		}
	}
	if err := c.each(ctx, duoyun.KindPublicIP, func(driver.Observation) { used[duoyun.QuotaAddresses]++ }); err != nil {
		return nil, err
	}
	all := map[duoyun.Dimension]driver.Allowance{}
	for dimension, name := range map[duoyun.Dimension]string{duoyun.QuotaServers: "vm_limit", duoyun.QuotaVCPU: "vcpu_limit",
		duoyun.QuotaRAMGiB: "memory_limit", duoyun.QuotaDiskGiB: "volume_size_limit", duoyun.QuotaAddresses: "public_ip_limit"} {
		if limit, err := strconv.ParseInt(string(body.Quotas[name]), 10, 64); err == nil {
			all[dimension] = driver.Allowance{Limit: max(limit, -1), Used: used[dimension]}
		}
	}
	return all, nil
}

// each calls f for every resource of a kind.
func (c *Cloud) each(ctx context.Context, k duoyun.Kind, f func(driver.Observation)) error {
	for cursor := ""; ; {
		p, err := c.kinds[k].List(ctx, cursor)
		if err != nil {
			return err
		}
		for _, o := range p.Items {
			f(o)
		}
		if cursor = p.Next; cursor == "" {
			return nil
		}
	}
}

// Check implements driver.Checker: it reads the first page of each service and everything the account's mapping names.
func (c *Cloud) Check(ctx context.Context) []duoyun.Fault {
	var f duoyun.Faults
	for _, k := range duoyun.Kinds() {
		if r, ok := c.kinds[k]; ok {
			if _, err := r.List(ctx, ""); err != nil {
				f.Add("permissions."+string(k), string(Code(err)), "无法读取："+words(err), "it cannot be read: "+words(err))
			}
		}
	}
	for name := range c.account.Mapping.Images {
		if _, err := c.image(ctx, name); err != nil {
			f.Add("mapping.images."+name, c.account.Mapping.Images[name], "云上没有此镜像", "the cloud has no such image")
		}
	}
	c.checkZones(ctx, &f)
	c.checkFamilies(ctx, &f)
	return f
}

// words are the vendor's of an error, or its code where they are none.
func words(err error) string {
	var r *refusal
	if errors.As(err, &r) {
		return r.code + " " + r.message
	}
	return string(Code(err))
}

func (c *Cloud) checkZones(ctx context.Context, f *duoyun.Faults) {
	var body struct {
		Zones []struct {
			Name string `json:"name"`
		} `json:"zoneList"`
	}
	if err := c.fetch(ctx, get(ecs, "/v4/region/get-zones", nil), &body); err != nil {
		f.Add("region", c.account.Region, "资源池无法读取："+words(err), "the region cannot be read: "+words(err))
		return
	}
	known := map[string]bool{"": true}
	for _, z := range body.Zones {
		known[z.Name] = true
	}
	for zone, name := range c.account.Mapping.Zones {
		if !known[name] {
			f.Add("mapping.zones."+zone, name, "云上没有此可用区", "the cloud has no such availability zone")
		}
	}
}

func (c *Cloud) checkFamilies(ctx context.Context, f *duoyun.Faults) {
	all, err := c.Flavors(ctx)
	if err != nil {
		f.Add("mapping.families", string(Code(err)), "云主机规格无法读取", "the flavors cannot be read")
		return
	}
	for _, family := range c.account.Mapping.Families {
		if !slices.ContainsFunc(all, func(x driver.Flavor) bool { return x.Family == family }) {
			f.Add("mapping.families", family, "云上没有此规格族", "the cloud has no such family")
		}
	}
}

// Quote implements driver.Quoter for the creation of servers, disks and public addresses: the vendor prices a purchase by
// its parameters. On demand the price is that of an hour.
func (c *Cloud) Quote(ctx context.Context, ch driver.Change) (duoyun.Quote, error) {
	a, err := c.priced(ctx, ch)
	if err != nil {
		return duoyun.Quote{}, err
	}
	a["count"], a["onDemand"] = 1, ch.Months == 0
	q := duoyun.Quote{Per: "hour", Months: ch.Months, Currency: "CNY"}
	if ch.Months > 0 {
		unit, count := cycle(ch.Months)
		a["cycleType"], a["cycleCount"], q.Per = strings.ToUpper(unit), count, "month"
	}
	var body struct {
		Final json.RawMessage `json:"finalPrice"`
	}
	if err := c.fetch(ctx, ask(ecs, "/v4/new-order/query-price", a), &body); err != nil {
		return duoyun.Quote{}, err
	}
	q.Amount, err = amount(body.Final)
	return q, err
}

// amount reads money from its own digits.
func amount(raw json.RawMessage) (duoyun.Amount, error) {
	var t text
	if err := json.Unmarshal(raw, &t); err != nil || t == "" {
		return duoyun.Amount{}, fmt.Errorf("%w: there is no price", errGarbled)
	}
	return duoyun.ParseAmount(string(t))
}

// priced are the parameters of a price enquiry.
func (c *Cloud) priced(ctx context.Context, ch driver.Change) (args, error) {
	if ch.Op != duoyun.OpCreate {
		return nil, table.Impossible("op", "天翼云只对新购询价", "this vendor quotes purchases only")
	}
	switch spec := ch.After.(type) {
	case duoyun.ServerSpec:
		flavor, err := c.flavor(ctx, spec, c.account.Mapping.Zones[ch.Zone])
		if err != nil {
			return nil, err
		}
		image, err := c.image(ctx, spec.Image)
		return args{"resourceType": "VM", "flavorName": flavor.Name, "imageUUID": image.ID, "sysDiskType": c.systemDisk(),
			"sysDiskSize": max(spec.SystemDiskGiB, smallestSystemDisk)}, err
	case duoyun.DiskSpec:
		class, err := c.class("", spec.Class, defaultSystemDisk)
		return args{"resourceType": "EBS", "diskType": class, "diskSize": spec.SizeGiB, "diskMode": "VBD"}, err
	case duoyun.PublicIPSpec:
		return args{"resourceType": "IP", "bandwidth": spec.BandwidthMbps}, nil
	}
	return nil, table.Impossible("kind", "天翼云没有 %s 的询价", "this vendor quotes no %s", string(ch.Kind))
}

// metricPeriod is the step in which measurements are asked for, the vendor's own.
const metricPeriod = 5 * time.Minute

// series names one measurement: its resource at the vendor's service, its item, and our name and unit.
type series struct{ device, item, name, unit string }

func measured() []series {
	return []series{{"cpu", "cpu_util", "cpu", "%"}, {"mem", "mem_util", "memory", "%"},
		{"disk", "disk_read_bytes_rate", "disk_read", "B/s"}, {"disk", "disk_write_bytes_rate", "disk_write", "B/s"},
		{"network", "net_in_bytes_rate", "network_in", "B/s"}, {"network", "net_out_bytes_rate", "network_out", "B/s"}}
}

// Metrics implements driver.MetricsReader for servers.
func (c *Cloud) Metrics(ctx context.Context, id string, from, to time.Time) ([]duoyun.Metric, error) {
	var out []duoyun.Metric
	read := map[string]map[string][]duoyun.Point{}
	for _, s := range measured() {
		if read[s.device] == nil {
			items, err := c.measurements(ctx, s.device, id, from, to)
			if err != nil {
				return nil, err
			}
			read[s.device] = items
		}
		out = append(out, duoyun.Metric{Name: s.name, Unit: s.unit, Points: read[s.device][s.item]})
	}
	return out, nil
}

// measurements reads one device's items. One server is one entry: more than a page of them is no answer to this.
func (c *Cloud) measurements(ctx context.Context, device, id string, from, to time.Time) (map[string][]duoyun.Point, error) {
	var body struct {
		Result []struct {
			Items map[string]json.RawMessage `json:"itemAggregateList"`
		} `json:"result"`
		Pages int `json:"totalPage"`
	}
	err := c.fetch(ctx, ask(ecs, "/v4/ecs/vm-"+device+"-history-metric-data", args{"deviceIDList": []string{id}, "period": int(metricPeriod.Seconds()),
		"startTime": fmt.Sprint(from.Unix()), "endTime": fmt.Sprint(to.Unix()), "pageNo": 1, "pageSize": 50}), &body)
	if err == nil && body.Pages > 1 {
		err = fmt.Errorf("%w: %d pages of one server", errGarbled, body.Pages)
	}
	items := map[string][]duoyun.Point{}
	for _, r := range body.Result {
		for name, raw := range r.Items {
			points, bad := points(raw)
			items[name] = append(items[name], points...)
			err = errors.Join(err, bad)
		}
	}
	return items, err
}

// points reads what is a list of samples, and nothing from what is not. A sample without a number is a gap.
func points(raw json.RawMessage) (all []duoyun.Point, err error) {
	var samples []struct {
		Value text `json:"value"`
		At    text `json:"samplingTime"`
	}
	if len(raw) == 0 || raw[0] != '[' {
		return nil, nil
	}
	if err := json.Unmarshal(raw, &samples); err != nil {
		return nil, fmt.Errorf("%w: %w", errGarbled, err)
	}
	for _, s := range samples {
		value, err := strconv.ParseFloat(string(s.Value), 64)
		at, bad := strconv.ParseInt(string(s.At), 10, 64)
		if err == nil && bad == nil {
			all = append(all, duoyun.Point{At: time.Unix(at, 0).UTC(), Value: value})
		}
	}
	return all, nil
}
