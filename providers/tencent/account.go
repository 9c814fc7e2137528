package tencent

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// Quota implements driver.QuotaReader: the public addresses of the region (DescribeAddressQuota). What CVM's
// DescribeAccountQuota counts, instances or cores, its document does not say.
func (c *Cloud) Quota(ctx context.Context) (map[duoyun.Dimension]driver.Allowance, error) {
	var out struct {
		QuotaSet []struct {
			QuotaId                  string
			QuotaCurrent, QuotaLimit int64
		}
	}
	if _, err := c.call(ctx, "vpc", "DescribeAddressQuota", nil, &out); err != nil {
		return nil, err
	}
	for _, q := range out.QuotaSet {
		if q.QuotaId == "TOTAL_EIP_QUOTA" {
			return map[duoyun.Dimension]driver.Allowance{duoyun.QuotaAddresses: {Limit: q.QuotaLimit, Used: q.QuotaCurrent}}, nil
		}
	}
	return nil, errHollow
}

// Balance implements driver.BalanceReader. Tencent counts in fen, with fractions (DescribeAccountBalance).
func (c *Cloud) Balance(ctx context.Context) (duoyun.Balance, error) {
	var out struct{ RealBalance, Balance json.RawMessage }
	if _, err := c.call(ctx, "billing", "DescribeAccountBalance", nil, &out); err != nil {
		return duoyun.Balance{}, err
	}
	for _, raw := range []json.RawMessage{out.RealBalance, out.Balance} { // the second is older, and whole
		if fen, ok := money(raw); ok {
			return duoyun.Balance{Available: fen.Over(100), Currency: "CNY"}, nil
		}
	}
	return duoyun.Balance{}, errHollow
}

// billPage is the longest page of DescribeBillDetail.
const billPage = 300

// Bill implements driver.BillReader: a line for each component of each entry of DescribeBillDetail, whose amounts are text.
func (c *Cloud) Bill(ctx context.Context, month duoyun.Month, cursor string) (lines []duoyun.BillLine, next string, err error) {
	offset := 0
	if cursor != "" {
		if offset, err = strconv.Atoi(cursor); err != nil || offset < 0 {
			return nil, "", table.Impossible("cursor", "游标 %q 无法读取", "cursor %q cannot be read", cursor)
		}
	}
	var out struct {
		DetailSet []billEntry
		Total     *int
	}
	in := params{"Month": month.String(), "Offset": offset, "Limit": billPage, "NeedRecordNum": 1}
	if _, err := c.call(ctx, "billing", "DescribeBillDetail", in, &out); err != nil {
		return nil, "", err
	}
	if out.Total == nil || len(out.DetailSet) == 0 && offset < *out.Total {
		return nil, "", errHollow
	}
	for _, e := range out.DetailSet {
		more, err := e.lines()
		if err != nil {
			return nil, "", err
		}
		lines = append(lines, more...)
	}
	if end := offset + len(out.DetailSet); end < *out.Total {
		next = strconv.Itoa(end)
	}
	return lines, next, nil
}

// billEntry is an entry of DescribeBillDetail.
type billEntry struct {
	ResourceId, BusinessCode, ProductCode, FeeBeginTime, FeeEndTime string
	ComponentSet                                                    []struct {
		ComponentCode, ItemCode, UsedAmountUnit                string
		SinglePrice, ContractPrice, UsedAmount, Cost, RealCost json.RawMessage
	}
}

// lines: what a component was listed at is Cost, and what is to be paid RealCost.
func (e billEntry) lines() ([]duoyun.BillLine, error) {
	var all []duoyun.BillLine
	for _, p := range e.ComponentSet {
		l := duoyun.BillLine{VendorID: e.ResourceId, Product: e.BusinessCode, Meter: p.ComponentCode + "/" + p.ItemCode, Unit: p.UsedAmountUnit,
			Currency: "CNY", Start: moment(e.FeeBeginTime), End: moment(e.FeeEndTime)}
		for at, raw := range map[*duoyun.Amount]json.RawMessage{&l.Price: p.SinglePrice, &l.Quantity: p.UsedAmount, &l.List: p.Cost, &l.Payable: p.RealCost} {
			text := strings.Trim(string(raw), `"`)
			if text == "" || text == "null" || text == "-" {
				continue // not measured: a fee without a quantity
			}
			var err error
			if *at, err = duoyun.ParseAmount(text); err != nil {
				return nil, err
			}
		}
		l.Discount = l.List.Minus(l.Payable)
		all = append(all, l)
	}
	return all, nil
}

// series is one metric of Tencent's monitoring.
type series struct{ name, metric, unit string }

// monitored says under which namespace and dimension a resource is measured, and as what (product metrics, document 248).
// CVM's own traffic is that of its private network.
func monitored(id string) (namespace, dimension string, all []series) {
	switch prefix, _, _ := strings.Cut(id, "-"); prefix {
	case "ins":
		return "QCE/CVM", "InstanceId", []series{{"cpu", "CPUUsage", "%"}, {"memory", "MemUsage", "%"},
			{"network_in", "LanIntraffic", "Mbps"}, {"network_out", "LanOuttraffic", "Mbps"}}
	case "disk":
		return "QCE/BLOCK_STORAGE", "diskId", []series{{"disk_read", "DiskReadTraffic", "KB/s"}, {"disk_write", "DiskWriteTraffic", "KB/s"}}
	case "cdb":
		return "QCE/CDB", "InstanceId", []series{{"cpu", "CpuUseRate", "%"}, {"memory", "MemoryUseRate", "%"},
			{"network_in", "BytesReceived", "B/s"}, {"network_out", "BytesSent", "B/s"}}
	case "postgres":
		return "QCE/POSTGRES", "resourceId", []series{{"cpu", "Cpu", "%"}, {"memory", "Memory", "KB"}}
	case "crs":
		return "QCE/REDIS_MEM", "instanceid", []series{{"cpu", "CpuUtil", "%"}, {"memory", "MemUtil", "%"},
			{"network_in", "InFlow", "Mb/s"}, {"network_out", "OutFlow", "Mb/s"}}
	}
	return "", "", nil
}

// mostPoints is what one GetMonitorData answers at most.
const mostPoints = 1440

// Metrics implements driver.MetricsReader, a point each 5 minutes, or each hour where that would be too many.
func (c *Cloud) Metrics(ctx context.Context, id string, from, to time.Time) ([]duoyun.Metric, error) {
	namespace, dimension, all := monitored(id)
	if namespace == "" {
		return nil, table.Refuse(driver.NotFound, duoyun.NotFound("资源", "resource", id))
	}
	period := 300
	if to.Sub(from) > mostPoints*5*time.Minute {
		period = 3600
	}
	var out []duoyun.Metric
	for _, s := range all {
		in := params{"Namespace": namespace, "MetricName": s.metric, "Period": period,
			"StartTime": from.In(duoyun.Civil).Format(time.RFC3339), "EndTime": to.In(duoyun.Civil).Format(time.RFC3339),
			"Instances": []params{{"Dimensions": []params{{"Name": dimension, "Value": id}}}}}
		var reply struct {
			DataPoints []struct {
				Timestamps []float64
				Values     []*float64
			}
		}
		if _, err := c.call(ctx, "monitor", "GetMonitorData", in, &reply); err != nil {
			return nil, err
		}
		m := duoyun.Metric{Name: s.name, Unit: s.unit}
		for _, d := range reply.DataPoints {
			for i, at := range d.Timestamps {
				if i < len(d.Values) && d.Values[i] != nil {
					m.Points = append(m.Points, duoyun.Point{At: time.Unix(int64(at), 0).UTC(), Value: *d.Values[i]})
				}
			}
		}
		out = append(out, m)
	}
	return out, nil
}

// Check implements driver.Checker: it reads each product once, and everything that the account's mapping names.
func (c *Cloud) Check(ctx context.Context) []duoyun.Fault {
	var f duoyun.Faults
	for product, r := range map[string]rack{"vpc": c.vpcs(), "cvm": c.servers(), "cbs": c.disks(), "eip": c.addresses(), "clb": c.balancers(),
		"cdb": c.mysqls(), "postgres": c.postgreses(), "redis": c.caches()} {
		if _, _, _, err := r.page(ctx, ""); err != nil {
			f.Add("account."+product, string(Code(err)), "密钥读不到此产品", "the key cannot read this product")
		}
	}
	if _, err := (bucketKind{c}).list(ctx, ""); err != nil {
		f.Add("account.cos", string(Code(err)), "密钥读不到此产品", "the key cannot read this product")
	}
	for portable, name := range c.account.Mapping.Images {
		if _, err := c.imageID(ctx, portable); err != nil {
			f.Add("mapping.images."+portable, name, "云上没有此镜像", "the cloud has no such image")
		}
	}
	c.checkZones(ctx, &f)
	c.checkDisks(ctx, &f)
	c.checkFamilies(ctx, &f)
	return f
}

func (c *Cloud) checkZones(ctx context.Context, f *duoyun.Faults) {
	var out struct {
		ZoneSet []struct{ Zone, ZoneState string }
	}
	_, err := c.call(ctx, "cvm", "DescribeZones", nil, &out)
	open := map[string]bool{}
	for _, z := range out.ZoneSet {
		open[z.Zone] = z.ZoneState == "AVAILABLE"
	}
	for zone, name := range c.account.Mapping.Zones {
		if err != nil || !open[name] {
			f.Add("mapping.zones."+zone, name, "云上没有此可用区，或不可用", "the cloud has no such availability zone, or it is down")
		}
	}
}

func (c *Cloud) checkDisks(ctx context.Context, f *duoyun.Faults) {
	var out struct {
		DiskConfigSet []struct {
			DiskType  string
			Available bool
		}
	}
	_, err := c.call(ctx, "cbs", "DescribeDiskConfigQuota", params{"InquiryType": "INQUIRY_CBS_CONFIG", "DiskChargeType": onDemand}, &out)
	sold := map[string]bool{}
	for _, d := range out.DiskConfigSet {
		sold[d.DiskType] = sold[d.DiskType] || d.Available
	}
	for class, name := range c.account.Mapping.Classes {
		if err != nil || !sold[name] {
			f.Add("mapping.classes."+class, name, "云上没有此云盘类型，或已售罄", "the cloud sells no such disk type now")
		}
	}
}

func (c *Cloud) checkFamilies(ctx context.Context, f *duoyun.Faults) {
	if len(c.account.Mapping.Families) == 0 {
		return
	}
	all, err := c.Flavors(ctx)
	for _, family := range c.account.Mapping.Families {
		if err != nil || !slices.ContainsFunc(all, func(v driver.Flavor) bool { return v.Family == family }) {
			f.Add("mapping.families", family, "云上没有此机型族", "the cloud has no such family of instance types")
		}
	}
}

var (
	_ driver.QuotaReader   = (*Cloud)(nil)
	_ driver.BalanceReader = (*Cloud)(nil)
	_ driver.BillReader    = (*Cloud)(nil)
	_ driver.MetricsReader = (*Cloud)(nil)
	_ driver.Checker       = (*Cloud)(nil)
	_ driver.Catalogue     = (*Cloud)(nil)
)
