package billing

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
)

// Charge is one line of a closed statement with the names an export needs.
type Charge struct {
	Line      duoyun.StatementLine
	Statement duoyun.Statement
	Contract  struct {
		Number, Name string
		Rules        duoyun.ContractRules
	}
	Supplier struct{ Code, Name string }
	Resource struct {
		Number, Name, VendorID, Zone string
		Kind                         duoyun.Kind
	}
	Pool   struct{ Code, Name, Region, Site string }
	User   struct{ Code, Name string } // the agency that uses
	Payer  struct{ Code, Name string }
	System struct{ Code, Name string }
	Price  struct {
		Name, Unit string
		List       duoyun.Price
	}
}

// FOCUS writes the lines in scope of the month's closed statements as CSV with the columns of FOCUS 1.2
// (focus.finops.org/focus-specification/v1-2), one row a line, as they are read: memory does not grow with the month.
// Costs are yuan as the statement states them, tax-inclusive unless the contract says otherwise, in which case a row of
// the category Tax follows the statement's lines. Text that a spreadsheet would run as a formula is made plain;
// numbers, negative ones too, stay numbers.
func (s *Service) FOCUS(ctx context.Context, actor duoyun.Actor, month duoyun.Month, w io.Writer) error {
	scope, err := s.readingOf(actor, month)
	if err != nil {
		return err
	}
	e := export{csv: csv.NewWriter(w), columns: focusColumns()}
	if err := e.head(); err != nil {
		return err
	}
	if err := s.store.EachCharge(ctx, scope, month, e.charge); err != nil {
		return err
	}
	if err := e.tax(); err != nil {
		return err
	}
	e.csv.Flush()
	return e.csv.Error()
}

// export writes charges and keeps no more than the statement it is in.
type export struct {
	csv     *csv.Writer
	columns []column
	last    Charge // of the statement under way
	sum     duoyun.Fen
}

func (e *export) head() error {
	names := make([]string, len(e.columns))
	for i, c := range e.columns {
		names[i] = c.name
	}
	return e.csv.Write(names)
}

func (e *export) charge(c Charge) error {
	if e.last.Statement.ID != c.Statement.ID {
		if err := e.tax(); err != nil {
			return err
		}
		e.sum = 0
	}
	e.last = c
	e.sum += c.Line.Amount
	return e.row(c)
}

// tax closes a statement whose prices are net with one row for its tax.
func (e *export) tax() error {
	if !e.last.Contract.Rules.TaxExclusive {
		return nil
	}
	_, _, tax := Tax(e.last.Contract.Rules, e.sum)
	c := Charge{Statement: e.last.Statement, Contract: e.last.Contract, Supplier: e.last.Supplier}
	c.Line = duoyun.StatementLine{Charge: "tax", Per: "once", Quantity: 1, Amount: tax, ListAmount: tax,
		Start: c.Statement.Month.Start(), End: c.Statement.Month.End(), Note: duoyun.Text{ZH: "增值税", EN: "value-added tax"}}
	return e.row(c)
}

func (e *export) row(c Charge) error {
	cells := make([]string, len(e.columns))
	for i, col := range e.columns {
		switch {
		case col.text != nil:
			cells[i] = Plain(col.text(c))
		case col.number != nil:
			cells[i] = col.number(c)
		}
	}
	return e.csv.Write(cells)
}

// Plain keeps a spreadsheet from running a cell: text that begins as a formula would gets an apostrophe before it.
func Plain(s string) string {
	if s != "" && strings.ContainsAny(s[:1], "=+-@\t\r\n") || strings.HasPrefix(s, "＝") || strings.HasPrefix(s, "＋") ||
		strings.HasPrefix(s, "－") || strings.HasPrefix(s, "＠") {
		return "'" + s
	}
	return s
}

// column is one column of the export: text, or a number that is written as it is; neither: always empty.
type column struct {
	name   string
	text   func(Charge) string
	number func(Charge) string
}

// focusColumns lists the columns of FOCUS 1.2 in the specification's (alphabetical) order. What we never have
// (commitment discounts, capacity reservations, a second currency) is there and empty.
func focusColumns() []column {
	empty := func(name string) column { return column{name: name} }
	text := func(name string, f func(Charge) string) column { return column{name: name, text: f} }
	number := func(name string, f func(Charge) string) column { return column{name: name, number: f} }
	amount := func(c Charge) string { return c.Line.Amount.String() }
	supplier := func(c Charge) string { return c.Supplier.Name }
	return []column{
		empty("AvailabilityZone"),
		number("BilledCost", amount),
		text("BillingAccountId", func(c Charge) string { return c.Contract.Number }),
		text("BillingAccountName", func(c Charge) string { return c.Contract.Name }),
		text("BillingAccountType", func(Charge) string { return "合同" }),
		text("BillingCurrency", func(Charge) string { return "CNY" }),
		text("BillingPeriodEnd", func(c Charge) string { return iso(c.Statement.Month.End()) }),
		text("BillingPeriodStart", func(c Charge) string { return iso(c.Statement.Month.Start()) }),
		empty("CapacityReservationId"), empty("CapacityReservationStatus"),
		text("ChargeCategory", chargeCategory),
		empty("ChargeClass"), // Correction, once there are any
		text("ChargeDescription", func(c Charge) string { return c.Line.Note.ZH }),
		text("ChargeFrequency", chargeFrequency),
		text("ChargePeriodEnd", func(c Charge) string { return iso(c.Line.End) }),
		text("ChargePeriodStart", func(c Charge) string { return iso(c.Line.Start) }),
		empty("CommitmentDiscountCategory"), empty("CommitmentDiscountId"), empty("CommitmentDiscountName"),
		empty("CommitmentDiscountQuantity"), empty("CommitmentDiscountStatus"), empty("CommitmentDiscountType"), empty("CommitmentDiscountUnit"),
		number("ConsumedQuantity", func(c Charge) string { return ifUsage(c, pricingQuantity(c)) }),
		text("ConsumedUnit", func(c Charge) string { return ifUsage(c, pricingUnit(c)) }),
		number("ContractedCost", amount),
		number("ContractedUnitPrice", func(c Charge) string { return ifPriced(c, c.Line.Price.String()) }),
		number("EffectiveCost", amount),
		text("InvoiceId", func(c Charge) string { return c.Statement.Number }),
		text("InvoiceIssuerName", supplier),
		number("ListCost", listCost),
		number("ListUnitPrice", func(c Charge) string { return ifPriced(c, listPrice(c).String()) }),
		text("PricingCategory", func(c Charge) string { return ifPriced(c, "Standard") }),
		empty("PricingCurrency"), empty("PricingCurrencyContractedUnitPrice"), empty("PricingCurrencyEffectiveCost"), empty("PricingCurrencyListUnitPrice"),
		number("PricingQuantity", func(c Charge) string { return ifPriced(c, pricingQuantity(c)) }),
		text("PricingUnit", func(c Charge) string { return ifPriced(c, pricingUnit(c)) }),
		text("ProviderName", supplier),
		text("PublisherName", supplier),
		text("RegionId", func(c Charge) string { return c.Pool.Code }),
		text("RegionName", func(c Charge) string { return c.Pool.Name }),
		text("ResourceId", func(c Charge) string { return c.Resource.Number }),
		text("ResourceName", func(c Charge) string { return c.Resource.Name }),
		text("ResourceType", func(c Charge) string { return string(c.Resource.Kind) }),
		text("ServiceCategory", func(c Charge) string { return serviceOf(c.Resource.Kind).category }),
		text("ServiceName", func(c Charge) string { return serviceOf(c.Resource.Kind).name }),
		text("ServiceSubcategory", func(c Charge) string { return serviceOf(c.Resource.Kind).sub }),
		text("SkuId", func(c Charge) string { return string(c.Line.Item) }),
		text("SkuMeter", func(c Charge) string { return c.Price.Name }),
		empty("SkuPriceDetails"),
		text("SkuPriceId", func(c Charge) string { return c.Line.PriceID }),
		text("SubAccountId", func(c Charge) string { return c.User.Code }),
		text("SubAccountName", func(c Charge) string { return c.User.Name }),
		text("SubAccountType", func(c Charge) string { return ifText(c.User.Code, "使用单位") }),
		text("Tags", tags),
	}
}

func iso(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

func chargeCategory(c Charge) string {
	return map[string]string{"usage": "Usage", "once": "Purchase", "credit": "Credit", "tax": "Tax"}[c.Line.Charge]
}

func chargeFrequency(c Charge) string {
	if c.Line.Charge == "usage" {
		return "Usage-Based"
	}
	return "One-Time"
}

func listCost(c Charge) string {
	if c.Line.Charge == "credit" {
		return c.Line.Amount.String()
	}
	return c.Line.ListAmount.String()
}

func listPrice(c Charge) duoyun.Price {
	if c.Price.List.IsZero() {
		return c.Line.Price
	}
	return c.Price.List
}

func ifUsage(c Charge, s string) string {
	if c.Line.Charge != "usage" {
		return ""
	}
	return s
}

func ifPriced(c Charge, s string) string {
	if c.Line.Charge != "usage" && c.Line.Charge != "once" {
		return ""
	}
	return s
}

func ifText(cond, s string) string {
	if cond == "" {
		return ""
	}
	return s
}

// pricingQuantity is units × the charged part of the period, with up to 12 decimals.
func pricingQuantity(c Charge) string {
	part, err := duoyun.ParseAmount(c.Line.Share)
	if err != nil {
		return ""
	}
	return part.Times(c.Line.Quantity).String()
}

func pricingUnit(c Charge) string {
	unit := c.Price.Unit
	if unit == "" {
		unit = "Units"
	}
	switch c.Line.Per {
	case "month":
		return unit + "-Months"
	case "hour":
		return unit + "-Hours"
	}
	return unit
}

type service struct{ category, sub, name string }

// serviceOf gives a kind its FOCUS service category and subcategory, and the name users know it by.
func serviceOf(k duoyun.Kind) service {
	switch k {
	case duoyun.KindServer:
		return service{"Compute", "Virtual Machines", "云主机"}
	case duoyun.KindDisk:
		return service{"Storage", "Block Storage", "云硬盘"}
	case duoyun.KindBucket:
		return service{"Storage", "Object Storage", "对象存储"}
	case duoyun.KindDatabase:
		return service{"Databases", "Relational Databases", "云数据库"}
	case duoyun.KindCache:
		return service{"Databases", "Caching", "云缓存"}
	case duoyun.KindLoadBalancer:
		return service{"Networking", "Application Networking", "负载均衡"}
	case duoyun.KindNetwork, duoyun.KindAddress:
		return service{"Networking", "Network Infrastructure", "地址"}
	case duoyun.KindPublicIP:
		return service{"Networking", "Network Connectivity", "公网地址"}
	}
	return service{"Other", "Other (Other)", "服务"}
}

func tags(c Charge) string {
	t := map[string]string{}
	for name, v := range map[string]string{"system": c.System.Code, "payer": c.Payer.Code, "site": c.Pool.Site, "zone": c.Resource.Zone, "vendor_id": c.Resource.VendorID} {
		if v != "" {
			t[name] = v
		}
	}
	raw, err := json.Marshal(t) // keys in order
	if err != nil {
		return "{}"
	}
	return string(raw)
}
