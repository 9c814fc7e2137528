package aws

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
)

// series is a metric of CloudWatch and what it is here. A sum is of a period: it is divided by it.
type series struct {
	namespace, dimension, vendor string
	name, unit                   string
	sum                          bool
}

// measured are the metrics of what an id names (docs.aws.amazon.com/AWSEC2/latest/UserGuide/viewing_metrics_with_cloudwatch.html
// and its like of RDS and ElastiCache). The memory of a server is not measured without an agent in it. Databases and caches
// have ids of one form: what the id is not has no points.
func measured(id string) []series {
	if strings.HasPrefix(id, "i-") {
		of := func(vendor, name string) series { return series{"AWS/EC2", "InstanceId", vendor, name, "B/s", true} }
		return []series{{"AWS/EC2", "InstanceId", "CPUUtilization", "cpu", "%", false}, of("EBSReadBytes", "disk_read"), of("EBSWriteBytes", "disk_write"),
			of("NetworkIn", "network_in"), of("NetworkOut", "network_out")}
	}
	db := func(vendor, name, unit string) series {
		return series{"AWS/RDS", "DBInstanceIdentifier", vendor, name, unit, false}
	}
	node := func(vendor, name, unit string, sum bool) series {
		return series{"AWS/ElastiCache", "CacheClusterId", vendor, name, unit, sum}
	}
	return []series{db("CPUUtilization", "cpu", "%"), db("ReadThroughput", "disk_read", "B/s"), db("WriteThroughput", "disk_write", "B/s"),
		db("NetworkReceiveThroughput", "network_in", "B/s"), db("NetworkTransmitThroughput", "network_out", "B/s"), node("CPUUtilization", "cpu", "%", false),
		node("DatabaseMemoryUsagePercentage", "memory", "%", false), node("NetworkBytesIn", "network_in", "B/s", true), node("NetworkBytesOut", "network_out", "B/s", true)}
}

// step is how far points lie apart: CloudWatch keeps five minutes for 63 days, hours for longer.
func step(from time.Time) time.Duration {
	if time.Since(from) > 60*24*time.Hour {
		return time.Hour
	}
	return 5 * time.Minute
}

// Metrics implements driver.MetricsReader. Series without a point are left out.
func (c *Cloud) Metrics(ctx context.Context, id string, from, to time.Time) ([]duoyun.Metric, error) {
	wanted, every := measured(id), step(from)
	in := params{"StartTime": from.UTC().Format(time.RFC3339), "EndTime": to.UTC().Format(time.RFC3339), "ScanBy": "TimestampAscending"}
	for i, s := range wanted {
		value, stat := id, "Average"
		if s.dimension == "CacheClusterId" {
			value += "-001" // its first node
		}
		if s.sum {
			stat = "Sum"
		}
		at := fmt.Sprintf("MetricDataQueries.member.%d.", i+1)
		in[at+"Id"], in[at+"MetricStat.Stat"], in[at+"MetricStat.Period"] = "m"+strconv.Itoa(i), stat, strconv.Itoa(int(every/time.Second))
		in[at+"MetricStat.Metric.Namespace"], in[at+"MetricStat.Metric.MetricName"] = s.namespace, s.vendor
		in[at+"MetricStat.Metric.Dimensions.member.1.Name"], in[at+"MetricStat.Metric.Dimensions.member.1.Value"] = s.dimension, value
	}
	all := make([]duoyun.Metric, len(wanted))
	for i, s := range wanted {
		all[i] = duoyun.Metric{Name: s.name, Unit: s.unit}
	}
	for {
		next, err := c.points(ctx, in, wanted, every, all)
		if err != nil {
			return nil, err
		}
		if next == "" || next == in["NextToken"] {
			break
		}
		in["NextToken"] = next
	}
	return slices.DeleteFunc(all, func(m duoyun.Metric) bool { return len(m.Points) == 0 }), nil
}

// points reads one page into the series it belongs to.
func (c *Cloud) points(ctx context.Context, in params, wanted []series, every time.Duration, all []duoyun.Metric) (next string, err error) {
	answer, err := c.call(ctx, watch, "GetMetricData", in)
	if err != nil {
		return "", err
	}
	results, err := items[result](answer, "GetMetricDataResult", "MetricDataResults")
	if err != nil {
		return "", err
	}
	for _, r := range results {
		i, err := strconv.Atoi(strings.TrimPrefix(r.ID, "m"))
		if err != nil || i < 0 || i >= len(all) || len(r.Times) != len(r.Values) {
			return "", errIgnored
		}
		for n, at := range r.Times {
			p := duoyun.Point{At: when(at), Value: r.Values[n]}
			if wanted[i].sum {
				p.Value /= every.Seconds()
			}
			all[i].Points = append(all[i].Points, p)
		}
	}
	return text(answer, "GetMetricDataResult", "NextToken")
}

// result is a page of one metric's points.
type result struct {
	ID     string    `xml:"Id"`
	Times  []string  `xml:"Timestamps>member"`
	Values []float64 `xml:"Values>member"`
}
