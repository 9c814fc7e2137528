package awsfake

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func accountActions() []action {
	const query = "MetricDataQueries.member.N."
	return []action{
		{service: "servicequotas", name: "GetServiceQuota", do: serviceQuota},
		{service: "pricing", name: "GetProducts", do: products},
		{service: "ce", name: "GetCostAndUsage", do: costAndUsage},
		{service: "monitoring", name: "GetMetricData", needs: "StartTime EndTime " + query + "Id " + query + "MetricStat.Stat " + query + "MetricStat.Period:int " +
			query + "MetricStat.Metric.Namespace " + query + "MetricStat.Metric.MetricName", takes: "ScanBy NextToken " + query + "MetricStat.Metric.Dimensions.member.N.Name " +
			query + "MetricStat.Metric.Dimensions.member.N.Value", do: metricData},
	}
}

// said reads a JSON call's parameters, none of which may be unknown.
func (c *call) said(into any) error {
	d := json.NewDecoder(strings.NewReader(string(c.body)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return bad("ValidationException", "%v", err)
	}
	return nil
}

func serviceQuota(c *call) (object, error) {
	var in struct{ ServiceCode, QuotaCode string }
	if err := c.said(&in); err != nil {
		return nil, err
	}
	limits, _ := c.sim.Quota(c.owner)
	item, known := map[string]simcloud.Item{"ec2/L-1216C47A": simcloud.ItemVCPU, "ebs/L-7A658B76": simcloud.ItemDiskGiB, "ec2/L-0263D0A3": simcloud.ItemFloating,
		"rds/L-7B6409FD": simcloud.ItemDatabases, "elasticache/L-DFE45DF3": simcloud.ItemCaches}[in.ServiceCode+"/"+in.QuotaCode]
	if !known {
		return nil, bad("NoSuchResourceException", "The request failed because the specified service quota does not exist.")
	}
	value := float64(limits[item])
	if item == simcloud.ItemDiskGiB {
		value /= 1024
	}
	return object{"Quota": object{"ServiceCode": in.ServiceCode, "QuotaCode": in.QuotaCode, "Value": value}}, nil
}

// marks are the tags of what is charged, by its id.
func (c *call) marks() (map[string]string, error) {
	const mark = tag + "duoyun-mark"
	all := map[string]string{}
	servers, err1 := simcloud.List[simcloud.Server](c.sim, simcloud.Query{Owner: c.owner}, nil)
	volumes, err2 := simcloud.List[simcloud.Volume](c.sim, simcloud.Query{Owner: c.owner}, nil)
	addresses, err3 := simcloud.List[simcloud.FloatingIP](c.sim, simcloud.Query{Owner: c.owner}, nil)
	databases, err4 := c.databases("")
	caches, err5 := c.caches("")
	for _, x := range servers {
		all[x.ID] = x.Meta[mark]
	}
	for _, x := range volumes {
		all[x.ID] = x.Meta[mark]
	}
	for _, x := range addresses {
		all[x.ID] = x.Meta[mark]
	}
	for _, x := range databases {
		all[x.ID] = x.Meta[mark]
	}
	for _, x := range caches {
		all[x.ID] = x.Meta[mark]
	}
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// costs are a month's charges by tag and usage type.
func (c *call) costs(m duoyun.Month, key string) ([]object, error) {
	marks, err := c.marks()
	if err != nil {
		return nil, err
	}
	var order []string
	sums, used := map[string]duoyun.Amount{}, map[string]duoyun.Amount{}
	for _, l := range c.sim.Bill(c.owner, m) {
		group := key + "$" + marks[l.VendorID] + "\n" + l.Meter
		if _, known := sums[group]; !known {
			order = append(order, group)
		}
		sums[group], used[group] = sums[group].Plus(l.Payable), used[group].Plus(l.Quantity)
	}
	slices.Sort(order)
	var groups []object
	for _, group := range order {
		groups = append(groups, object{"Keys": strings.Split(group, "\n"), "Metrics": object{
			"UnblendedCost": object{"Amount": sums[group].String(), "Unit": "CNY"}, "UsageQuantity": object{"Amount": used[group].String(), "Unit": "Hrs"}}})
	}
	return groups, nil
}

func costAndUsage(c *call) (object, error) {
	var in struct {
		TimePeriod                 struct{ Start, End string }
		Granularity, NextPageToken string
		Metrics                    []string
		GroupBy                    []struct{ Type, Key string }
	}
	if err := c.said(&in); err != nil {
		return nil, err
	}
	start, err := time.Parse(time.DateOnly, in.TimePeriod.Start)
	if err != nil || in.Granularity != "MONTHLY" || len(in.GroupBy) != 2 || in.GroupBy[0].Type != "TAG" || in.GroupBy[1].Key != "USAGE_TYPE" {
		return nil, bad("ValidationException", "the request is not valid: %+v", in)
	}
	groups, err := c.costs(duoyun.Month{Year: start.Year(), Month: start.Month()}, in.GroupBy[0].Key)
	if err != nil {
		return nil, err
	}
	at := 0
	if in.NextPageToken != "" {
		if at, err = strconv.Atoi(in.NextPageToken); err != nil || at < 0 || at > len(groups) {
			return nil, bad("InvalidNextTokenException", "The pagination token is invalid.")
		}
	}
	end := min(at+c.maxPage, len(groups))
	answer := object{"ResultsByTime": []object{{"TimePeriod": object{"Start": in.TimePeriod.Start, "End": in.TimePeriod.End}, "Groups": groups[at:end], "Total": object{}, "Estimated": true}}}
	if end < len(groups) {
		answer["NextPageToken"] = strconv.Itoa(end)
	}
	return answer, nil
}

// metricData answers what EC2 measures, as sums of a period where bytes are counted.
func metricData(c *call) (object, error) {
	from, err1 := time.Parse(time.RFC3339, c.get("StartTime"))
	to, err2 := time.Parse(time.RFC3339, c.get("EndTime"))
	if err1 != nil || err2 != nil || !from.Before(to) {
		return nil, bad("ValidationError", "The parameter StartTime must be before EndTime")
	}
	var results []object
	for i := 1; c.in.Has(fmt.Sprintf("MetricDataQueries.member.%d.Id", i)); i++ {
		points, err := c.measured(fmt.Sprintf("MetricDataQueries.member.%d.", i), from, to)
		if err != nil {
			return nil, err
		}
		results = append(results, points)
	}
	return object{"MetricDataResults": listOf("member", results)}, nil
}

func (c *call) measured(at string, from, to time.Time) (object, error) {
	metric, counted := c.get(at+"MetricStat.Metric.MetricName"), true
	name := map[string]string{"EBSReadBytes": simcloud.MetricDiskRead, "EBSWriteBytes": simcloud.MetricDiskWrite, "NetworkIn": simcloud.MetricNetworkIn,
		"NetworkOut": simcloud.MetricNetworkOut}[metric]
	if metric == "CPUUtilization" {
		name, counted = simcloud.MetricCPU, false
	}
	if counted != (c.get(at+"MetricStat.Stat") == "Sum") {
		return nil, bad("ValidationError", "no statistic %q of %s here", c.get(at+"MetricStat.Stat"), metric)
	}
	step := time.Duration(c.number(at+"MetricStat.Period")) * time.Second
	var times []time.Time
	var values []float64
	if id, err := in(simcloud.KindServer, c.get(at+"MetricStat.Metric.Dimensions.member.1.Value")); err == nil && name != "" && step > 0 {
		points, err := c.sim.Metric(c.owner, simcloud.KindServer, id, name, from, to, step)
		if err != nil && !reason(err, simcloud.Missing) {
			return nil, err
		}
		for _, p := range points {
			if counted {
				p.Value *= step.Seconds()
			}
			times, values = append(times, p.At), append(values, p.Value)
		}
	}
	return object{"Id": c.get(at + "Id"), "Label": metric, "StatusCode": "Complete", "Timestamps": listOf("member", times), "Values": listOf("member", values)}, nil
}

// products lists one product for the filters of a size that is sold here, and none otherwise.
func products(c *call) (object, error) {
	var in struct {
		ServiceCode, FormatVersion string
		Filters                    []struct{ Type, Field, Value string }
	}
	if err := c.said(&in); err != nil {
		return nil, err
	}
	by := map[string]string{}
	for _, f := range in.Filters {
		if f.Type != "TERM_MATCH" || by[f.Field] != "" {
			return nil, bad("InvalidParameterException", "filter %+v", f)
		}
		by[f.Field] = f.Value
	}
	price, unit, sold := c.listed(in.ServiceCode, by)
	list := []string{}
	if sold && by["regionCode"] == c.Owner().Region {
		raw, err := json.Marshal(object{"product": object{"attributes": by}, "terms": object{"OnDemand": object{"SKU.T": object{"priceDimensions": object{"SKU.T.R": object{
			"unit": unit, "beginRange": "0", "endRange": "Inf", "pricePerUnit": object{"CNY": price.String()}}}}}}})
		if err != nil {
			return nil, err
		}
		list = append(list, string(raw))
	}
	return object{"FormatVersion": "aws_v1", "PriceList": list}, nil
}

// listed is the price of a unit: of an hour, or of a month of 730 hours for storage.
func (c *call) listed(service string, by map[string]string) (price duoyun.Amount, unit string, sold bool) {
	standby := by["deploymentOption"] == "Multi-AZ"
	engine := strings.ToLower(by["databaseEngine"])
	size := func(name string) (simcloud.Size, bool) {
		id, err := c.flavorID(name)
		if err != nil {
			return simcloud.Size{}, false
		}
		f, err := simcloud.Get[simcloud.Flavor](c.sim, simcloud.Owner{}, id)
		return simcloud.Size{VCPU: f.VCPU, RAMMiB: f.RAMMiB}, err == nil
	}
	switch {
	case service == "AmazonEC2" && by["volumeApiName"] != "":
		return simcloud.PriceOf(c.sim, &simcloud.Volume{Type: by["volumeApiName"], SizeGiB: 1}, 0).Times(730), "GB-Mo", true
	case service == "AmazonEC2" && by["capacitystatus"] == "Used":
		s, ok := size(by["instanceType"])
		return simcloud.PriceOf(c.sim, &simcloud.Server{Size: s}, 0), "Hrs", ok
	case service == "AmazonElastiCache":
		s, err := node(by["instanceType"])
		return simcloud.PriceOf(c.sim, &simcloud.Cache{Size: s}, 0), "Hrs", err == nil
	case service == "AmazonRDS" && by["volumeType"] == "General Purpose-GP3":
		d := simcloud.Database{Standby: standby, Size: simcloud.DatabaseSize{StorageGiB: 1}}
		return simcloud.PriceOf(c.sim, &d, 0).Times(730), "GB-Mo", true
	case service == "AmazonRDS":
		s, ok := size(strings.TrimPrefix(by["instanceType"], "db."))
		d := simcloud.Database{Engine: engine, Standby: standby, Size: simcloud.DatabaseSize{VCPU: s.VCPU, RAMMiB: s.RAMMiB}}
		return simcloud.PriceOf(c.sim, &d, 0), "Hrs", ok
	}
	return price, "", false
}
