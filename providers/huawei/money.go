package huawei

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// amount reads money from the text the vendor sent: exactly, never through a float. Java writes small ones as 1E-7; an
// exponent beyond 30 is none. "" (and null) is nought.
func amount(n json.Number) (duoyun.Amount, error) {
	text := strings.ToUpper(n.String())
	mantissa, exponent, scientific := strings.Cut(text, "E")
	if text == "" {
		return duoyun.Amount{}, nil
	}
	a, err := duoyun.ParseAmount(mantissa)
	if err != nil || !scientific {
		return a, err
	}
	e, err := strconv.Atoi(exponent)
	if err != nil || e < -30 || e > 30 {
		return duoyun.Amount{}, duoyun.Fail(duoyun.CodeInvalid, "", "金额不是数字：%q", "not an amount: %q", text)
	}
	for ; e > 0; e-- {
		a = a.Times(10)
	}
	for ; e < 0; e++ {
		a = a.Over(10)
	}
	return a, nil
}

// billReply is what res-fee-records answers (api-oce, ListCustomerselfResourceRecords).
type billReply struct {
	Total    int `json:"total_count"`
	Currency string
	Records  []billRecord `json:"fee_records"`
}

type billRecord struct {
	ResourceID     string      `json:"resource_id"`
	Service        string      `json:"cloud_service_type"`
	ResourceType   string      `json:"resource_type"`
	UsageType      string      `json:"usage_type"`
	Usage          json.Number `json:"usage"`
	UsageMeasureID int         `json:"usage_measure_id"`
	UnitPrice      json.Number `json:"unit_price"`
	Official       json.Number `json:"official_amount"`
	Discount       json.Number `json:"discount_amount"`
	Amount         json.Number `json:"amount"`
	Effective      string      `json:"effective_time"`
	Expire         string      `json:"expire_time"`
	TradeTime      string      `json:"trade_time"`
}

// lines turns the records into lines of a bill.
func (r billReply) lines() ([]duoyun.BillLine, error) {
	if r.Records == nil {
		return nil, errNoListing
	}
	lines := make([]duoyun.BillLine, len(r.Records))
	for i, x := range r.Records {
		l := duoyun.BillLine{VendorID: x.ResourceID, Product: x.Service, Meter: strings.TrimSuffix(x.ResourceType+"/"+x.UsageType, "/"),
			Unit: measure(x.UsageMeasureID), Currency: cmp.Or(r.Currency, "CNY"),
			Start: moment(cmp.Or(x.Effective, x.TradeTime)), End: moment(cmp.Or(x.Expire, x.TradeTime))}
		for _, f := range []struct {
			into *duoyun.Amount
			text json.Number
		}{{&l.Quantity, x.Usage}, {&l.Price, x.UnitPrice}, {&l.List, x.Official}, {&l.Discount, x.Discount}, {&l.Payable, x.Amount}} {
			var err error
			if *f.into, err = amount(f.text); err != nil {
				return nil, err
			}
		}
		lines[i] = l
	}
	return lines, nil
}

// measure names the units of usage that the documents name; another is left as the vendor's number.
func measure(id int) string {
	switch id {
	case 0:
		return ""
	case measureHour:
		return "hour"
	case measureMbps:
		return "Mbps"
	case measureGB:
		return "GB"
	}
	return "measure " + strconv.Itoa(id)
}

// Units of the billing service (api-oce, ListMeasureUnits and the price inquiries).
const (
	measureHour = 4
	measureMbps = 15
	measureGB   = 17
)

// balanceReply is what balances answers.
type balanceReply struct {
	Accounts []struct {
		Type   int `json:"account_type"`
		Amount json.Number
	} `json:"account_balances"`
	Debt     json.Number `json:"debt_amount"`
	Currency string
}

const accountDeposit = 7

func (r balanceReply) balance() (duoyun.Balance, error) {
	if r.Accounts == nil {
		return duoyun.Balance{}, errNoListing
	}
	b := duoyun.Balance{Currency: cmp.Or(r.Currency, "CNY")}
	for _, a := range r.Accounts {
		n, err := amount(a.Amount)
		if err != nil {
			return duoyun.Balance{}, err
		}
		if a.Type != accountDeposit {
			b.Available = b.Available.Plus(n)
		}
	}
	debt, err := amount(r.Debt)
	b.Available = b.Available.Minus(debt)
	return b, err
}

// product is one line of a price inquiry.
type product struct {
	service, resource, spec string
	size                    int64
	measure                 int
}

// Quote implements driver.Quoter for servers, disks and public IPs; the billing service prices those by the specs that
// its documents list. Other kinds are Invalid: their spec codes are not documented.
func (c billing) Quote(ctx context.Context, ch driver.Change) (duoyun.Quote, error) {
	if ch.Op == duoyun.OpRenew {
		return c.renewalQuote(ctx, ch)
	}
	products, err := c.products(ctx, ch)
	if err != nil {
		return duoyun.Quote{}, err
	}
	infos := make([]any, len(products))
	for i, p := range products {
		info := map[string]any{"id": strconv.Itoa(i + 1), "cloud_service_type": p.service, "resource_type": p.resource, "resource_spec": p.spec,
			"region": c.account.Region, "subscription_num": 1}
		if zone := c.account.Mapping.Zones[ch.Zone]; zone != "" {
			info["available_zone"] = zone
		}
		if p.size > 0 {
			info["resource_size"], info["size_measure_id"] = p.size, p.measure
		}
		if ch.Months == 0 {
			info["usage_factor"], info["usage_value"], info["usage_measure_id"] = "Duration", 1, measureHour
		} else if err := period(info, ch.Months, mostMonths); err != nil {
			return duoyun.Quote{}, err
		}
		infos[i] = info
	}
	path := "/v2/bills/ratings/on-demand-resources"
	if ch.Months > 0 {
		path = "/v2/bills/ratings/period-resources/subscribe-rate"
	}
	return c.rate(ctx, path, map[string]any{"project_id": c.account.Project, "product_infos": infos}, ch.Months)
}

// period writes a term as the billing service does: 2 is months and 3 years.
func period(into map[string]any, months, most int) error {
	unit, n, err := term(months, most)
	into["period_type"], into["period_num"] = map[string]int{"month": 2, "year": 3}[unit], n
	return err
}

func (c *Cloud) renewalQuote(ctx context.Context, ch driver.Change) (duoyun.Quote, error) {
	body := map[string]any{"resource_ids": []string{ch.ID}}
	if err := period(body, ch.Months, mostRenewal); err != nil {
		return duoyun.Quote{}, err
	}
	return c.rate(ctx, "/v2/bills/ratings/period-resources/renew-rate", body, ch.Months)
}

// products are what a unit is billed as. The system is said to be Linux: Windows licences are priced apart.
func (c *Cloud) products(ctx context.Context, ch driver.Change) ([]product, error) {
	switch spec := ch.After.(type) {
	case duoyun.ServerSpec:
		f, err := serverKind{c}.flavor(ctx, spec, c.account.Mapping.Zones[ch.Zone])
		return []product{{"hws.service.type.ec2", "hws.resource.type.vm", f.ID + ".linux", 0, 0},
			{"hws.service.type.ebs", "hws.resource.type.volume", c.systemType(), spec.SystemDiskGiB, measureGB}}, err
	case duoyun.DiskSpec:
		class, err := c.class(spec.Class)
		return []product{{"hws.service.type.ebs", "hws.resource.type.volume", class, spec.SizeGiB, measureGB}}, err
	case duoyun.PublicIPSpec:
		line := cmp.Or(c.account.Mapping.ExternalNetwork, defaultIPType)
		return []product{{"hws.service.type.vpc", "hws.resource.type.ip", line, 0, 0},
			{"hws.service.type.vpc", "hws.resource.type.bandwidth", "19_" + strings.TrimPrefix(line, "5_"), spec.BandwidthMbps, measureMbps}}, nil
	}
	return nil, table.Impossible("kind", "%s 没有询价", "there is no price inquiry for a %s", string(ch.Kind))
}

// rating is what any price inquiry answers: on demand an amount, for a term the list price with discounts beside it.
type rating struct {
	Amount   json.Number
	Currency string
	Official *struct {
		Amount json.Number `json:"official_website_amount"`
	} `json:"official_website_rating_result"`
	Discounts []struct {
		Amount json.Number
		Best   int `json:"best_offer"`
	} `json:"optional_discount_rating_results"`
}

func (c *Cloud) rate(ctx context.Context, path string, body map[string]any, months int) (duoyun.Quote, error) {
	var reply rating
	if _, err := c.call(ctx, operation{service: bss, method: http.MethodPost, path: path, body: body}, &reply); err != nil {
		return duoyun.Quote{}, err
	}
	return reply.quote(months)
}

func (r rating) quote(months int) (duoyun.Quote, error) {
	text, per := r.Amount, "hour"
	if months > 0 {
		per, text = "month", ""
		if r.Official != nil {
			text = r.Official.Amount
		}
		for _, d := range r.Discounts {
			if d.Best == 1 {
				text = d.Amount
			}
		}
	}
	if text == "" {
		return duoyun.Quote{}, errNoObject
	}
	a, err := amount(text)
	return duoyun.Quote{Amount: a, Per: per, Months: months, Currency: cmp.Or(r.Currency, "CNY")}, err
}
