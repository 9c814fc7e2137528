package huaweifake

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// billing is BSS. Its business errors come with HTTP 200 (api-oce, error codes).
func (f *Fake) billing() {
	s := &service{f, flat, "CBC.0100", "CBC.30050009", "CBC.3144", "CBC.0100", "CBC.0100", http.StatusOK, http.StatusOK, http.StatusOK, tokenRules{}}
	s.route("POST /v2/orders/subscriptions/resources/renew", renew)
	s.route("POST /v2/orders/subscriptions/resources/unsubscribe", unsubscribe)
	s.route("POST /v2/orders/suscriptions/resources/query", subscriptions)
	s.route("GET /v2/orders/customer-orders/details/{id}", orderDetails)
	s.route("GET /v2/bills/customer-bills/res-fee-records", feeRecords)
	s.route("GET /v2/accounts/customer-accounts/balances", balances)
	s.route("POST /v2/bills/ratings/on-demand-resources", rateOnDemand)
	s.route("POST /v2/bills/ratings/period-resources/subscribe-rate", ratePeriod)
	s.route("POST /v2/bills/ratings/period-resources/renew-rate", rateRenewal)
}

// bought finds what may be a subscription: how it is bought, how it is renewed and given back.
func (c *call) bought(id string) (p simcloud.Purchase, renew func(int) error, drop func() error, ok bool) {
	if s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, id); err == nil {
		return s.Purchase, renewal[simcloud.Server](c, id), func() error { _, err := c.sim.DeleteServer(c.owner, id); return err }, true
	}
	if v, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, id); err == nil {
		return v.Purchase, renewal[simcloud.Volume](c, id), func() error { _, err := c.sim.DeleteVolume(c.owner, id); return err }, true
	}
	if a, err := simcloud.Get[simcloud.FloatingIP](c.sim, c.owner, id); err == nil {
		return a.Purchase, renewal[simcloud.FloatingIP](c, id), func() error { return c.sim.DeleteFloatingIP(c.owner, id) }, true
	}
	if b, err := simcloud.Get[simcloud.Balancer](c.sim, c.owner, id); err == nil {
		return b.Purchase, renewal[simcloud.Balancer](c, id), func() error { return c.sim.DeleteBalancer(c.owner, id, true) }, true
	}
	if d, err := simcloud.Get[simcloud.Database](c.sim, c.owner, id); err == nil {
		return d.Purchase, renewal[simcloud.Database](c, id), func() error { _, err := c.sim.DeleteDatabase(c.owner, id); return err }, true
	}
	if x, err := simcloud.Get[simcloud.Cache](c.sim, c.owner, id); err == nil {
		return x.Purchase, renewal[simcloud.Cache](c, id), func() error { _, err := c.sim.DeleteCache(c.owner, id); return err }, true
	}
	return simcloud.Purchase{}, nil, nil, false
}

func renewal[T any, P simcloud.Noun[T]](c *call, id string) func(int) error {
	return func(months int) error { _, err := simcloud.Renew[T, P](c.sim, c.owner, id, months); return err }
}

// business is an error of the billing service, which comes with HTTP 200.
func business(code, text string) error { return &refusal{http.StatusOK, code, text} }

// only is the one resource that an order is about; it must be a subscription.
func (c *call) only(ids []string) (string, func(int) error, func() error, error) {
	if len(ids) != 1 {
		return "", nil, nil, &refusal{http.StatusBadRequest, "CBC.0100", "resource_ids is illegal"}
	}
	p, renew, drop, ok := c.bought(ids[0])
	if !ok || p.Months == 0 {
		return "", nil, nil, business("CBC.30050009", "The resources do not exist or has been deleted due to expiration.")
	}
	return ids[0], renew, drop, nil
}

func renew(c *call) (int, any, error) {
	var in struct {
		IDs  []string `json:"resource_ids"`
		Unit int      `json:"period_type"`
		N    int      `json:"period_num"`
		Pay  int      `json:"is_auto_pay"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	id, extend, _, err := c.only(in.IDs)
	if err != nil {
		return 0, nil, err
	}
	months := map[int]int{2: in.N, 3: 12 * in.N}[in.Unit]
	if months < 1 || in.Unit == 2 && in.N > 11 || in.Pay != 1 {
		return 0, nil, business("CBC.30050008", "The period type or number of periods for the resource does not exist.")
	}
	if err := extend(months); err != nil {
		return 0, nil, err
	}
	order, err := c.order("renew", id)
	return 200, object{"order_ids": []string{order}}, err
}

func unsubscribe(c *call) (int, any, error) {
	var in struct {
		IDs  []string `json:"resource_ids"`
		Type int      `json:"unsubscribe_type"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	id, _, drop, err := c.only(in.IDs)
	if err != nil {
		return 0, nil, err
	}
	if in.Type != 1 {
		return 0, nil, &refusal{http.StatusBadRequest, "CBC.0100", "unsubscribe_type is illegal"}
	}
	if err := drop(); err != nil {
		return 0, nil, business("CBC.30050011", "The resources are being unsubscribed from or changed: "+err.Error())
	}
	order, err := c.order("unsubscribe", id)
	return 200, object{"order_ids": []string{order}}, err
}

func subscriptions(c *call) (int, any, error) {
	var in struct {
		IDs   []string `json:"resource_ids"`
		Main  int      `json:"only_main_resource"`
		Limit int
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	found := []any{}
	for _, id := range in.IDs {
		if p, _, _, ok := c.bought(id); ok && p.Months > 0 {
			found = append(found, object{"resource_id": id, "is_main_resource": 1, "status": 2, "expire_time": when(p.PaidUntil), "expire_policy": 0})
		}
	}
	return 200, object{"data": found, "total_count": len(found)}, nil
}

func orderDetails(c *call) (int, any, error) {
	o, err := simcloud.Get[simcloud.Order](c.sim, c.owner, c.id())
	if err != nil {
		return 0, nil, err
	}
	status := map[simcloud.State]int{simcloud.Building: 3, simcloud.Failed: 4, simcloud.Active: 5}[o.State]
	return 200, object{"total_count": 1, "order_info": object{"order_id": o.ID, "status": status, "order_type": 1}, "order_line_items": []any{}}, nil
}

// decimal is an amount as a JSON number.
func decimal(a duoyun.Amount) json.RawMessage {
	text, err := a.MarshalText()
	if err != nil || strings.Contains(string(text), "/") {
		return json.RawMessage(a.String())
	}
	return text
}

func feeRecords(c *call) (int, any, error) {
	month, err := duoyun.ParseMonth(c.query("cycle"))
	if err != nil {
		return 0, nil, &refusal{http.StatusBadRequest, "CBC.0100", "cycle is illegal"}
	}
	offset, err := c.number("offset", 0)
	if err != nil {
		return 0, nil, err
	}
	limit, err := c.limit(1000)
	if err != nil {
		return 0, nil, err
	}
	lines := c.sim.Bill(c.owner, month)
	records := []any{}
	for _, l := range lines[min(offset, len(lines)):min(offset+limit, len(lines))] {
		records = append(records, object{"resource_id": l.VendorID, "cloud_service_type": "hws.service.type." + l.Product, "resource_type": "hws.resource.type." + l.Meter,
			"usage_type": "Duration", "usage": decimal(l.Quantity), "usage_measure_id": 4, "unit_price": decimal(l.Price), "official_amount": decimal(l.List),
			"discount_amount": decimal(l.Discount), "amount": decimal(l.Payable), "effective_time": when(l.Start), "expire_time": when(l.End), "measure_id": 1})
	}
	return 200, object{"fee_records": records, "total_count": len(lines), "currency": "CNY"}, nil
}

func balances(c *call) (int, any, error) {
	b := c.sim.Balance(c.owner)
	return 200, object{"account_balances": []any{
		object{"account_id": "A1", "account_type": 1, "amount": decimal(b.Available), "currency": b.Currency, "measure_id": 1},
		object{"account_id": "A7", "account_type": 7, "amount": json.RawMessage("5000.00"), "currency": b.Currency, "measure_id": 1},
	}, "debt_amount": json.RawMessage("0"), "measure_id": 1, "currency": b.Currency}, nil
}

// product is one line of a price inquiry.
type product struct {
	ID       string
	Service  string `json:"cloud_service_type"`
	Resource string `json:"resource_type"`
	Spec     string `json:"resource_spec"`
	Region   string
	Zone     string `json:"available_zone"`
	Number   int    `json:"subscription_num"`
	Size     int64  `json:"resource_size"`
	Measure  int    `json:"size_measure_id"`
	Factor   string `json:"usage_factor"`
	Value    int    `json:"usage_value"`
	Usage    int    `json:"usage_measure_id"`
	Unit     int    `json:"period_type"`
	N        int    `json:"period_num"`
}

// price is what a product costs, by the hour or for a term.
func (c *call) price(p product, months int) (duoyun.Amount, error) {
	switch p.Resource {
	case "hws.resource.type.vm":
		f, err := c.flavor(strings.TrimSuffix(p.Spec, ".linux"))
		if err != nil {
			return duoyun.Amount{}, err
		}
		return simcloud.PriceOf(c.sim, &simcloud.Server{FlavorID: f.ID, Size: simcloud.Size{VCPU: f.VCPU, RAMMiB: f.RAMMiB}}, months), nil
	case "hws.resource.type.volume":
		kind, err := c.volumeType(p.Spec)
		return simcloud.PriceOf(c.sim, &simcloud.Volume{Type: kind, SizeGiB: p.Size}, months), err
	case "hws.resource.type.ip":
		return simcloud.PriceOf(c.sim, &simcloud.FloatingIP{}, months), nil
	case "hws.resource.type.bandwidth":
		both := simcloud.PriceOf(c.sim, &simcloud.FloatingIP{BandwidthMbps: p.Size}, months)
		return both.Minus(simcloud.PriceOf(c.sim, &simcloud.FloatingIP{}, months)), nil
	}
	return duoyun.Amount{}, &refusal{http.StatusBadRequest, "CBC.0100", "the product does not exist: " + p.Resource}
}

// rate sums up an inquiry.
func (c *call) rate(months func(product) int) (duoyun.Amount, error) {
	var in struct {
		Project  string    `json:"project_id"`
		Products []product `json:"product_infos"`
	}
	sum := duoyun.Amount{}
	if err := c.read(&in); err != nil {
		return sum, err
	}
	for _, p := range in.Products {
		n := months(p)
		if n < 0 || p.Number != 1 || p.Region == "" || in.Project != Project {
			return sum, &refusal{http.StatusBadRequest, "CBC.0100", "product_infos is illegal"}
		}
		one, err := c.price(p, n)
		if err != nil {
			return sum, err
		}
		sum = sum.Plus(one)
	}
	return sum, nil
}

func rateOnDemand(c *call) (int, any, error) {
	sum, err := c.rate(func(p product) int {
		if p.Factor != "Duration" || p.Value != 1 || p.Usage != 4 {
			return -1
		}
		return 0
	})
	return 200, object{"amount": decimal(sum), "official_website_amount": decimal(sum), "discount_amount": json.RawMessage("0"), "measure_id": 1, "currency": "CNY"}, err
}

func ratePeriod(c *call) (int, any, error) {
	sum, err := c.rate(func(p product) int { return map[int]int{2: p.N, 3: 12 * p.N}[p.Unit] })
	return 200, object{"official_website_rating_result": object{"official_website_amount": decimal(sum), "measure_id": 1}, "currency": "CNY"}, err
}

// rateRenewal prices the subscriptions of servers, disks and public IPs; a discount of nothing is offered beside the list price.
func rateRenewal(c *call) (int, any, error) {
	var in struct {
		IDs  []string `json:"resource_ids"`
		Unit int      `json:"period_type"`
		N    int      `json:"period_num"`
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	id, _, _, err := c.only(in.IDs)
	months := map[int]int{2: in.N, 3: 12 * in.N}[in.Unit]
	if err != nil || months < 1 {
		return 0, nil, cmp.Or(err, business("CBC.30050008", "The period type or number of periods for the resource does not exist."))
	}
	sum := duoyun.Amount{}
	if s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, id); err == nil {
		sum = simcloud.PriceOf(c.sim, s, months)
	} else if v, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, id); err == nil {
		sum = simcloud.PriceOf(c.sim, v, months)
	} else if a, err := simcloud.Get[simcloud.FloatingIP](c.sim, c.owner, id); err == nil {
		sum = simcloud.PriceOf(c.sim, a, months)
	}
	return 200, object{"currency": "CNY", "renew_inquiry_results": []any{object{"resource_id": id, "amount": sum.String()}},
		"official_website_rating_result":   object{"official_website_amount": decimal(sum), "measure_id": 1},
		"optional_discount_rating_results": []any{object{"discount_id": "D", "amount": decimal(sum), "best_offer": 1, "discount_type": 600}}}, nil
}

// monitoring is CES.
func (f *Fake) monitoring() {
	s := &service{f, flat, "ces.0014", "ces.0040", "ces.0000", "ces.0000", "ces.0000", http.StatusConflict, http.StatusConflict, http.StatusConflict, tokenRules{}}
	s.route("POST /V1.0/{project}/batch-query-metric-data", metricData)
}

// metrics are CES's names of what the simulated cloud measures of a server.
func metrics() map[string]string {
	return map[string]string{"cpu_util": simcloud.MetricCPU, "mem_util": simcloud.MetricMemory, "disk_read_bytes_rate": simcloud.MetricDiskRead,
		"disk_write_bytes_rate": simcloud.MetricDiskWrite, "network_incoming_bytes_rate_inband": simcloud.MetricNetworkIn,
		"network_outgoing_bytes_rate_inband": simcloud.MetricNetworkOut}
}

func metricData(c *call) (int, any, error) {
	var in struct {
		Metrics []struct {
			Namespace  string
			Name       string `json:"metric_name"`
			Dimensions []struct{ Name, Value string }
		}
		From, To       int64
		Period, Filter string
	}
	if err := c.read(&in); err != nil {
		return 0, nil, err
	}
	step, err := strconv.Atoi(in.Period)
	if err != nil || in.From >= in.To || in.Filter != "average" || len(in.Metrics) == 0 {
		return 0, nil, c.invalid("period, filter, from or to is illegal")
	}
	out := []any{}
	for _, m := range in.Metrics {
		name, ok := metrics()[m.Name]
		if !ok || m.Namespace != "SYS.ECS" || len(m.Dimensions) != 1 || m.Dimensions[0].Name != "instance_id" {
			return 0, nil, c.invalid("the metric %s is illegal", m.Name)
		}
		points, _ := c.sim.Metric(c.owner, simcloud.KindServer, m.Dimensions[0].Value, name, time.UnixMilli(in.From), time.UnixMilli(in.To), time.Duration(step)*time.Second)
		data := []any{}
		for _, p := range points {
			data = append(data, object{"average": p.Value, "timestamp": p.At.UnixMilli()})
		}
		out = append(out, object{"namespace": m.Namespace, "metric_name": m.Name, "dimensions": []any{object{"name": "instance_id", "value": m.Dimensions[0].Value}}, "datapoints": data})
	}
	return 200, object{"metrics": out}, nil
}
