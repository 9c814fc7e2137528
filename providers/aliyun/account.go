package aliyun

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// public is an account on the public cloud, which tells prices, bills and balances; Apsara Stack has no such product.
type public struct{ *Cloud }

// Check implements driver.Checker: it reads each product once, and everything the account's mapping names.
func (c *Cloud) Check(ctx context.Context) []duoyun.Fault {
	var f duoyun.Faults
	for name, read := range map[string]func() error{
		"ecs": func() error { _, _, err := c.servers().read(ctx, nil); return err }, "vpc": func() error { _, _, err := c.vpcs().read(ctx, nil); return err },
		"slb": func() error { _, _, err := c.balancers().read(ctx, nil); return err }, "rds": func() error { _, _, err := c.databases().read(ctx, nil); return err },
		"r-kvstore": func() error { _, _, err := c.caches().read(ctx, nil); return err },
		"oss":       func() error { _, err := c.objects.ListBuckets(ctx, &oss.ListBucketsRequest{MaxKeys: 1}); return err },
	} {
		if err := read(); err != nil {
			f.Add("permissions."+name, string(Code(sent(err))), "此产品无法读取：密钥无权限、产品未开通或地址有误", "the product cannot be read: the key may not, it is not open, or the endpoint is wrong")
		}
	}
	for portable := range c.account.Mapping.Images {
		if _, err := c.imageID(ctx, portable); err != nil {
			f.Add("mapping.images."+portable, c.account.Mapping.Images[portable], "云上没有此镜像", "the cloud has no such image")
		}
	}
	c.checkZones(ctx, &f)
	c.checkFamilies(ctx, &f)
	return f
}

// checkZones holds zones and disk categories against what the region shows.
func (c *Cloud) checkZones(ctx context.Context, f *duoyun.Faults) {
	zones, categories, err := c.zones(ctx)
	if err != nil {
		f.Add("mapping.zones", string(Code(err)), "可用区无法读取", "the zones cannot be read")
		return
	}
	for name, zone := range c.account.Mapping.Zones {
		if zone != "" && !slices.Contains(zones, zone) {
			f.Add("mapping.zones."+name, zone, "云上没有此可用区", "the cloud has no such zone")
		}
	}
	for class, word := range c.account.Mapping.Classes {
		if _, disk := cutClass(class, ""); (disk || class == classSystem) && !slices.Contains(categories, word) {
			f.Add("mapping.classes."+class, word, "云上没有此云盘种类", "the cloud has no such disk category")
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
			f.Add("mapping.families", family, "云上没有此规格族", "the cloud has no such instance family")
		}
	}
}

// price is a price as ECS and RDS answer it, money as it stands in the text.
type price struct {
	TradePrice word
	Currency   string
}

// Quote implements driver.Quoter for what has a price by call: servers, disks, databases and caches.
func (c public) Quote(ctx context.Context, change driver.Change) (duoyun.Quote, error) {
	p, err := c.priced(ctx, change)
	if err != nil {
		return duoyun.Quote{}, err
	}
	sum, err := amount(p.TradePrice)
	if err != nil || p.TradePrice == "" {
		return duoyun.Quote{}, errHollow
	}
	q := duoyun.Quote{Amount: sum, Per: "hour", Months: change.Months, Currency: "CNY"}
	if change.Months > 0 {
		q.Per = "month"
	}
	if p.Currency != "" {
		q.Currency = p.Currency
	}
	return q, nil
}

func (c public) priced(ctx context.Context, change driver.Change) (price, error) {
	zone, err := c.zone(ctx, change.Zone)
	if err != nil {
		return price{}, err
	}
	in := params{"PriceUnit": "Hour", "Period": "1"}
	if change.Months > 0 {
		in["PriceUnit"], in["Period"] = "Month", strconv.Itoa(change.Months)
	}
	switch spec := change.After.(type) {
	case duoyun.ServerSpec:
		f, err := c.flavor(ctx, spec, zone, change.Months > 0)
		if err != nil {
			return price{}, err
		}
		in["ResourceType"], in["InstanceType"], in["Amount"] = "instance", f.ID, "1"
		in["SystemDisk.Category"], in["SystemDisk.Size"] = c.account.Mapping.Classes[classSystem], strconv.FormatInt(spec.SystemDiskGiB, 10)
		return c.ecsPrice(ctx, in)
	case duoyun.DiskSpec:
		category, err := c.category(spec.Class)
		if err != nil {
			return price{}, err
		}
		in["ResourceType"], in["DataDisk.1.Category"], in["DataDisk.1.Size"] = "disk", category, strconv.FormatInt(spec.SizeGiB, 10)
		return c.ecsPrice(ctx, in)
	case duoyun.DatabaseSpec:
		return c.databasePrice(ctx, spec, zone, change.Months)
	case duoyun.CacheSpec:
		return c.cachePrice(ctx, spec, zone, change.Months)
	}
	return price{}, table.Impossible("kind", "云上没有 %s 的询价接口", "the cloud has no price of a %s by call", string(change.Kind))
}

func (c public) ecsPrice(ctx context.Context, in params) (price, error) {
	var answer struct{ PriceInfo struct{ Price price } }
	_, err := c.call(ctx, ecs, "DescribePrice", in, &answer)
	return answer.PriceInfo.Price, err
}

func (c public) databasePrice(ctx context.Context, spec duoyun.DatabaseSpec, zone string, months int) (price, error) {
	in, err := databaseKind(c).describe(ctx, spec, zone, months)
	if err != nil {
		return price{}, err
	}
	in["CommodityCode"], in["OrderType"], in["Quantity"], in["InstanceUsedType"] = commodity(months > 0), "BUY", "1", "0"
	if months > 0 {
		in["TimeType"], in["UsedTime"] = "Month", strconv.Itoa(months)
	}
	var answer struct{ PriceInfo price }
	_, err = c.call(ctx, rds, "DescribePrice", in, &answer)
	return answer.PriceInfo, err
}

func (c public) cachePrice(ctx context.Context, spec duoyun.CacheSpec, zone string, months int) (price, error) {
	class, err := cacheKind(c).class(ctx, spec, zone, months > 0)
	if err != nil {
		return price{}, err
	}
	in := params{"OrderType": "BUY", "InstanceClass": class, "ZoneId": zone, "Quantity": "1", "ChargeType": "PostPaid"}
	if months > 0 {
		in["ChargeType"], in["Period"] = prePaid, strconv.Itoa(months)
	}
	var answer struct {
		Order struct {
			TradeAmount word
			Currency    string
		}
	}
	_, err = c.call(ctx, redis, "DescribePrice", in, &answer)
	return price{answer.Order.TradeAmount, answer.Order.Currency}, err
}

// Balance implements driver.BalanceReader.
func (c public) Balance(ctx context.Context) (duoyun.Balance, error) {
	var answer struct {
		Data struct {
			AvailableAmount string
			Currency        string
		}
	}
	if _, err := c.call(ctx, bss, "QueryAccountBalance", nil, &answer); err != nil {
		return duoyun.Balance{}, err
	}
	if answer.Data.AvailableAmount == "" {
		return duoyun.Balance{}, errHollow
	}
	sum, err := amount(word(answer.Data.AvailableAmount))
	return duoyun.Balance{Available: sum, Currency: answer.Data.Currency}, err
}

// billItem is a line of DescribeInstanceBill, one for each billing item of a resource.
type billItem struct {
	InstanceID        string `json:"InstanceID"`
	ProductCode       string
	BillingItem       string
	Usage             word
	UsageUnit         string
	ListPrice         word
	PretaxGrossAmount word
	PretaxAmount      word
	Currency          string
}

// line reads amounts as they stand. The vendor gives discount and deductions apart; what is payable is what counts, and
// the discount is what leads to it. The call shows no times: a line is of the whole month.
func (b billItem) line(m duoyun.Month) (duoyun.BillLine, error) {
	l := duoyun.BillLine{VendorID: b.InstanceID, Product: b.ProductCode, Meter: b.BillingItem, Unit: b.UsageUnit, Currency: b.Currency,
		Start: m.Start().UTC(), End: m.End().UTC()}
	var err error
	for _, field := range []struct {
		from word
		to   *duoyun.Amount
	}{{b.Usage, &l.Quantity}, {b.ListPrice, &l.Price}, {b.PretaxGrossAmount, &l.List}, {b.PretaxAmount, &l.Payable}} {
		if *field.to, err = amount(field.from); err != nil {
			return l, err
		}
	}
	if b.PretaxGrossAmount == "" || b.PretaxAmount == "" {
		return l, errHollow
	}
	l.Discount = l.List.Minus(l.Payable)
	return l, nil
}

// Bill implements driver.BillReader (DescribeInstanceBill, by billing item). The current month is a day behind, and final
// on the third day of the next.
func (c public) Bill(ctx context.Context, month duoyun.Month, cursor string) ([]duoyun.BillLine, string, error) {
	var answer struct {
		Data struct {
			NextToken string
			Items     []billItem
		}
	}
	_, err := c.call(ctx, bss, "DescribeInstanceBill", params{"BillingCycle": month.String(), "IsBillingItem": "true", "MaxResults": "300", "NextToken": cursor}, &answer)
	if err != nil {
		return nil, "", err
	}
	if answer.Data.Items == nil {
		return nil, "", errHollow
	}
	lines := make([]duoyun.BillLine, len(answer.Data.Items))
	for i, item := range answer.Data.Items {
		if lines[i], err = item.line(month); err != nil {
			return nil, "", err
		}
	}
	return lines, answer.Data.NextToken, nil
}

// measured names a metric of CloudMonitor's namespace acs_ecs_dashboard.
type measured struct{ name, unit, metric string }

// metrics are what ECS measures of a server; memory needs the vendor's agent in it.
func metrics() []measured {
	return []measured{{"cpu", "%", "CPUUtilization"}, {"memory", "%", "memory_usedutilization"}, {"disk_read", "B/s", "DiskReadBPS"},
		{"disk_write", "B/s", "DiskWriteBPS"}, {"network_in", "bit/s", "IntranetInRate"}, {"network_out", "bit/s", "IntranetOutRate"}}
}

// Metrics implements driver.MetricsReader for servers, a point each five minutes. A metric that this CloudMonitor does not
// have is left out: its versions differ in the names of disk rates.
func (c *Cloud) Metrics(ctx context.Context, id string, from, to time.Time) ([]duoyun.Metric, error) {
	var all []duoyun.Metric
	for _, m := range metrics() {
		points, err := c.points(ctx, m.metric, id, from, to)
		if err = table.Ignoring(Code, err, driver.Invalid, driver.NotFound); err != nil {
			return nil, err
		}
		if len(points) > 0 {
			all = append(all, duoyun.Metric{Name: m.name, Unit: m.unit, Points: points})
		}
	}
	return all, nil
}

func (c *Cloud) points(ctx context.Context, metric, id string, from, to time.Time) ([]duoyun.Point, error) {
	in := params{"Namespace": "acs_ecs_dashboard", "MetricName": metric, "Period": "300", "Length": "1000", "Dimensions": string(raw([]map[string]string{{"instanceId": id}})),
		"StartTime": strconv.FormatInt(from.UnixMilli(), 10), "EndTime": strconv.FormatInt(to.UnixMilli(), 10)}
	var all []duoyun.Point
	for {
		var answer struct{ NextToken, Datapoints string }
		if _, err := c.call(ctx, cms, "DescribeMetricList", in, &answer); err != nil {
			return nil, err
		}
		points, err := datapoints(answer.Datapoints)
		if err != nil {
			return nil, err
		}
		all = append(all, points...)
		if answer.NextToken == "" || answer.NextToken == in["NextToken"] {
			slices.SortFunc(all, func(a, b duoyun.Point) int { return a.At.Compare(b.At) })
			return all, nil
		}
		in["NextToken"] = answer.NextToken
	}
}

// datapoints reads the JSON that CloudMonitor puts as text into its answer; a point without an average is a gap.
func datapoints(text string) ([]duoyun.Point, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errHollow
	}
	var given []struct {
		Timestamp int64    `json:"timestamp"` // ms
		Average   *float64 // a measurement
	}
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return nil, err
	}
	var points []duoyun.Point
	for _, p := range given {
		if p.Average != nil {
			points = append(points, duoyun.Point{At: time.UnixMilli(p.Timestamp).UTC(), Value: *p.Average})
		}
	}
	return points, nil
}

var (
	_ driver.Checker       = (*Cloud)(nil)
	_ driver.Catalogue     = (*Cloud)(nil)
	_ driver.MetricsReader = (*Cloud)(nil)
	_ driver.Quoter        = public{}
	_ driver.BillReader    = public{}
	_ driver.BalanceReader = public{}
)
