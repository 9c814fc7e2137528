package aliyunfake

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

func accountActions() []action {
	return []action{
		{product: "Ecs", name: "DescribePrice", takes: "ResourceType InstanceType Amount:int PriceUnit Period:int SystemDisk.Category SystemDisk.Size:int DataDisk.1.Category DataDisk.1.Size:int", do: serverPrice},
		{product: "BssOpenApi", name: "QueryAccountBalance", do: accountBalance},
		{product: "BssOpenApi", name: "DescribeInstanceBill", needs: "BillingCycle", takes: "IsBillingItem:bool MaxResults:int NextToken", do: instanceBill},
		{product: "BssOpenApi", name: "RefundInstance", needs: "ProductCode ProductType InstanceId ImmediatelyRelease", token: "ClientToken", do: refund},
		{product: "Cms", name: "DescribeMetricList", needs: "Namespace MetricName", takes: "Period:int Length:int Dimensions StartTime:int EndTime:int NextToken", do: metricList},
	}
}

// price words a price as ECS and RDS do: numbers, not text.
func (c *call) price(sum duoyun.Amount) object {
	n := json.Number(sum.String())
	return object{"TradePrice": n, "OriginalPrice": n, "DiscountPrice": 0, "Currency": "CNY"}
}

func serverPrice(c *call) (object, error) {
	months := 0
	switch c.get("PriceUnit") {
	case "", "Hour":
	case "Month":
		months = int(max(c.number("Period"), 1))
	default:
		return nil, invalid("PriceUnit", "The specified price unit is not valid.")
	}
	var sum duoyun.Amount
	switch c.get("ResourceType") {
	case "instance":
		f, err := simcloud.Get[simcloud.Flavor](c.sim, c.owner, flavorID(c, c.get("InstanceType")))
		if err != nil {
			return nil, err
		}
		sum = simcloud.PriceOf(c.sim, &simcloud.Server{FlavorID: f.ID, Size: simcloud.Size{VCPU: f.VCPU, RAMMiB: f.RAMMiB}}, months).
			Plus(simcloud.PriceOf(c.sim, &simcloud.Volume{Type: c.get("SystemDisk.Category"), SizeGiB: c.number("SystemDisk.Size")}, months))
	case "disk":
		sum = simcloud.PriceOf(c.sim, &simcloud.Volume{Type: c.get("DataDisk.1.Category"), SizeGiB: c.number("DataDisk.1.Size")}, months)
	default:
		return nil, invalid("ResourceType", "The specified resource type is not valid.")
	}
	return object{"PriceInfo": object{"Price": c.price(sum)}}, nil
}

// settled is what BssOpenApi says around its data.
func settled(data object) object {
	return object{"Code": "Success", "Message": "Successful!", "Success": true, "Data": data}
}

func accountBalance(c *call) (object, error) {
	b := c.sim.Balance(c.owner)
	return settled(object{"AvailableAmount": thousands(b.Available.String()), "AvailableCashAmount": "0.00", "CreditAmount": "0.00", "Currency": b.Currency}), nil
}

// thousands sets commas, as the real answer has them.
func thousands(s string) string {
	whole := len(s)
	for i, r := range s {
		if r == '.' {
			whole = i
			break
		}
	}
	out := s[whole:]
	for i := whole; i > 0; i -= 3 {
		from := max(i-3, 0)
		out = either(from > 0, ",", "") + s[from:i] + out
	}
	return out
}

// instanceBill pages by a token, which is the number of lines before.
func instanceBill(c *call) (object, error) {
	at, err := time.ParseInLocation("2006-01", c.get("BillingCycle"), duoyun.Civil)
	if err != nil {
		return nil, invalid("BillingCycle", "The specified billing cycle is not valid.")
	}
	lines := c.sim.Bill(c.owner, duoyun.MonthOf(at))
	from := int(min(c.number("NextToken"), int64(len(lines))))
	to := min(from+min(int(max(c.number("MaxResults"), 20)), c.maxPage), len(lines))
	items := []object{}
	for _, l := range lines[from:to] {
		items = append(items, object{"InstanceID": l.VendorID, "ProductCode": l.Product, "BillingItem": l.Meter, "Usage": l.Quantity.String(), "UsageUnit": l.Unit,
			"ListPrice": l.Price.String(), "ListPriceUnit": "元/" + l.Unit, "PretaxGrossAmount": json.Number(l.List.String()), "PretaxAmount": json.Number(l.Payable.String()),
			"InvoiceDiscount": json.Number(l.Discount.String()), "Currency": l.Currency, "SubscriptionType": "PayAsYouGo"})
	}
	next := ""
	if to < len(lines) {
		next = strconv.Itoa(to)
	}
	return settled(object{"BillingCycle": c.get("BillingCycle"), "AccountID": Account, "TotalCount": len(lines), "NextToken": next, "Items": items}), nil
}

// refund gives a subscription back; what is none of this account's is said with HTTP 200.
func refund(c *call) (object, error) {
	id, err := c.get("InstanceId"), error(nil)
	paid := false
	switch c.get("ProductCode") {
	case "ecs":
		var s *simcloud.Server
		if s, err = simcloud.Get[simcloud.Server](c.sim, c.owner, id); err == nil && !s.PaidUntil.IsZero() {
			paid = true
			_, err = c.sim.DeleteServer(c.owner, id)
		}
	case "rds":
		var d *simcloud.Database
		if d, err = simcloud.Get[simcloud.Database](c.sim, c.owner, id); err == nil && !d.PaidUntil.IsZero() {
			paid = true
			_, err = c.sim.DeleteDatabase(c.owner, id)
		}
	case "redisa":
		var x *simcloud.Cache
		if x, err = simcloud.Get[simcloud.Cache](c.sim, c.owner, id); err == nil && !x.PaidUntil.IsZero() {
			paid = true
			_, err = c.sim.DeleteCache(c.owner, id)
		}
	default:
		return nil, refuse(http.StatusOK, "ProductNotSupport", "the product cannot be refunded by call")
	}
	if err != nil || !paid {
		return nil, refuse(http.StatusOK, "ResourceNotExists", "The resource does not exist.")
	}
	return settled(object{"HostId": "cn", "OrderId": 2_000_000_000_006}), nil
}

// metricList answers the points as JSON in a text, as the real one does.
func metricList(c *call) (object, error) {
	name := map[string]string{"CPUUtilization": simcloud.MetricCPU, "memory_usedutilization": simcloud.MetricMemory, "DiskReadBPS": simcloud.MetricDiskRead,
		"DiskWriteBPS": simcloud.MetricDiskWrite, "IntranetInRate": simcloud.MetricNetworkIn, "IntranetOutRate": simcloud.MetricNetworkOut}[c.get("MetricName")]
	var dimensions []struct {
		InstanceID string `json:"instanceId"`
	}
	if c.get("Namespace") != "acs_ecs_dashboard" || name == "" || json.Unmarshal([]byte(c.get("Dimensions")), &dimensions) != nil || len(dimensions) != 1 {
		return nil, refuse(400, "InvalidParameterValue", "The specified metric is not valid.")
	}
	step := time.Duration(max(c.number("Period"), 60)) * time.Second
	points, err := c.sim.Metric(c.owner, simcloud.KindServer, dimensions[0].InstanceID, name, time.UnixMilli(c.number("StartTime")).UTC(), time.UnixMilli(c.number("EndTime")).UTC(), step)
	if err != nil {
		return nil, err
	}
	from := int(min(c.number("NextToken"), int64(len(points))))
	to := min(from+min(int(max(c.number("Length"), 1)), 30), len(points))
	views := []object{}
	for _, p := range points[from:to] {
		views = append(views, object{"timestamp": p.At.UnixMilli(), "instanceId": dimensions[0].InstanceID, "Average": p.Value, "Minimum": p.Value, "Maximum": p.Value})
	}
	text, err := json.Marshal(views)
	next := ""
	if to < len(points) {
		next = strconv.Itoa(to)
	}
	return object{"Code": "200", "Success": true, "Period": c.get("Period"), "Datapoints": string(text), "NextToken": next}, err
}
