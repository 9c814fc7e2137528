package tencentfake

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

func otherActions() map[string]action {
	return map[string]action{
		"cam/GetUserAppId": on(func(*call, struct{}) (object, error) {
			return object{"Uin": "100000000001", "OwnerUin": "100000000001", "AppId": json.Number(AppID)}, nil
		}),
		"billing/DescribeAccountBalance": on(func(c *call, _ struct{}) (object, error) {
			left := c.sim.Balance(c.owner).Available
			return object{"Balance": fen(left), "RealBalance": parts(left), "Uin": 100000000001}, nil
		}),
		"billing/DescribeBillDetail": on((*call).bill),
		"monitor/GetMonitorData":     on((*call).monitor),
	}
}

// prefix is what ids of a kind begin with.
func prefix(kind simcloud.Kind, engine string) string {
	if kind == simcloud.KindDatabase {
		return map[string]string{mysql: "cdb-", postgres: "postgres-"}[engine]
	}
	return map[simcloud.Kind]string{simcloud.KindServer: "ins-", simcloud.KindVolume: "disk-", simcloud.KindFloatingIP: "eip-",
		simcloud.KindBalancer: "lb-", simcloud.KindCache: "crs-"}[kind]
}

// bill words the simulated cloud's bill; amounts are text.
func (c *call) bill(in struct {
	Month         string `need:""`
	Offset        int
	Limit         int `need:""`
	NeedRecordNum int
}) (object, error) {
	m, err := duoyun.ParseMonth(in.Month)
	if err != nil {
		return nil, refuse("InvalidParameter", "the month is yyyy-mm")
	}
	if in.Limit > 300 {
		return nil, refuse("InvalidParameterValue", "Limit is 300 at most")
	}
	all := []object{}
	for _, l := range c.sim.Bill(c.owner, m) {
		engine := ""
		if d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, l.VendorID); err == nil {
			engine = d.Engine
		}
		part := object{"ComponentCode": "v_" + l.Meter, "ItemCode": "sv_" + l.Meter, "SinglePrice": l.Price.String(), "UsedAmount": l.Quantity.String(),
			"UsedAmountUnit": l.Unit, "Cost": l.List.String(), "RealCost": l.Payable.String()}
		all = append(all, object{"ResourceId": prefix(simcloud.Kind(l.Product), engine) + l.VendorID, "BusinessCode": "p_" + l.Product,
			"ProductCode": "sp_" + l.Product, "FeeBeginTime": beijing(l.Start), "FeeEndTime": beijing(l.End), "ComponentSet": []object{part}})
	}
	from := min(in.Offset, len(all))
	return object{"DetailSet": all[from:min(len(all), from+min(in.Limit, c.options.MaxPage))], "Total": len(all)}, nil
}

// monitor serves the metrics that the simulated cloud has; its units are bytes, Tencent's mostly not.
func (c *call) monitor(in struct {
	Namespace  string `need:""`
	MetricName string `need:""`
	Period     int
	StartTime  string
	EndTime    string
	Instances  []struct {
		Dimensions []struct{ Name, Value string }
	} `need:""`
}) (object, error) {
	from, err := time.Parse(time.RFC3339, in.StartTime)
	if err != nil {
		return nil, refuse("InvalidParameterValue", "StartTime is RFC 3339")
	}
	to, err := time.Parse(time.RFC3339, in.EndTime)
	if err != nil || len(in.Instances) != 1 || len(in.Instances[0].Dimensions) != 1 {
		return nil, refuse("InvalidParameterValue", "EndTime is RFC 3339, and one instance has one dimension")
	}
	kind := map[string]simcloud.Kind{"QCE/CVM": simcloud.KindServer, "QCE/BLOCK_STORAGE": simcloud.KindVolume, "QCE/CDB": simcloud.KindDatabase,
		"QCE/POSTGRES": simcloud.KindDatabase, "QCE/REDIS_MEM": simcloud.KindCache}[in.Namespace]
	name := simcloud.MetricCPU
	for part, metric := range map[string]string{"Mem": simcloud.MetricMemory, "In": simcloud.MetricNetworkIn, "Received": simcloud.MetricNetworkIn,
		"Out": simcloud.MetricNetworkOut, "Sent": simcloud.MetricNetworkOut, "Read": simcloud.MetricDiskRead, "Write": simcloud.MetricDiskWrite} {
		if strings.Contains(in.MetricName, part) {
			name = metric
		}
	}
	_, id, _ := strings.Cut(in.Instances[0].Dimensions[0].Value, "-")
	points, err := c.sim.Metric(c.owner, kind, id, name, from, to, time.Duration(in.Period)*time.Second)
	if err != nil {
		return nil, words(err, map[simcloud.Reason]string{simcloud.Missing: "InvalidParameterValue"})
	}
	stamps, values := []int64{}, []float64{}
	for _, p := range points {
		stamps, values = append(stamps, p.At.Unix()), append(values, p.Value)
	}
	return object{"MetricName": in.MetricName, "Period": in.Period, "DataPoints": []object{{"Dimensions": in.Instances[0].Dimensions, "Timestamps": stamps, "Values": values}}}, nil
}
