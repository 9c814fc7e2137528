package tencent

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// inquiry is one action that tells a price.
type inquiry struct {
	product, action string
	in              params
	at              string // the member that holds the price; "" for an answer that is the price itself, in fen
}

// Quote implements driver.Quoter: what Tencent would charge after discounts, for an hour on demand, or for the whole term
// of a subscription or a renewal.
func (c *Cloud) Quote(ctx context.Context, ch driver.Change) (duoyun.Quote, error) {
	q, err := c.inquiry(ctx, ch)
	if err != nil {
		return duoyun.Quote{}, err
	}
	var out map[string]json.RawMessage
	if _, err := c.call(ctx, q.product, q.action, q.in, &out); err != nil {
		return duoyun.Quote{}, err
	}
	quote := duoyun.Quote{Per: "hour", Currency: "CNY"}
	names := []string{"UnitPriceDiscount", "DiscountPrice", "UnitPrice"}
	if ch.Months > 0 {
		quote.Per, quote.Months, names = "month", ch.Months, []string{"DiscountPrice", "OriginalPrice"}
	}
	if q.at == "" {
		fen, ok := money(out["Price"])
		if !ok {
			return duoyun.Quote{}, errHollow
		}
		quote.Amount = fen.Over(100)
		return quote, nil
	}
	for name := range strings.SplitSeq(q.at, ".") {
		raw := out[name]
		out = nil
		if json.Unmarshal(raw, &out) != nil {
			return duoyun.Quote{}, errHollow
		}
	}
	for _, name := range names {
		if a, ok := money(out[name]); ok {
			quote.Amount = a
			return quote, nil
		}
	}
	return duoyun.Quote{}, errHollow
}

// inquiry is how a change is asked about; only a subscription is renewed.
func (c *Cloud) inquiry(ctx context.Context, ch driver.Change) (inquiry, error) {
	if ch.Op == duoyun.OpRenew {
		return renewalInquiry(ch)
	}
	switch s := ch.After.(type) {
	case duoyun.ServerSpec:
		kind := serverKind{c}
		flavor, err := kind.flavor(ctx, ch, "")
		if err != nil {
			return inquiry{}, err
		}
		image, err := c.imageID(ctx, s.Image)
		if err != nil {
			return inquiry{}, err
		}
		in, err := kind.instance(ch, flavor.ID, image)
		return inquiry{"cvm", "InquiryPriceRunInstances", in, "Price.InstancePrice"}, err
	case duoyun.DiskSpec:
		in, err := diskKind{c}.disk(ch)
		return inquiry{"cbs", "InquiryPriceCreateDisks", in, "DiskPrice"}, err
	case duoyun.PublicIPSpec:
		in := publicIPKind{c}.address(ch)
		delete(in, "AddressCount")
		return inquiry{"vpc", "InquiryPriceAllocateAddresses", in, "Price.AddressPrice"}, nil
	case duoyun.LoadBalancerSpec:
		in := charged(params{"LoadBalancerType": "INTERNAL", "GoodsNum": 1}, ch.Months, "LoadBalancerChargeType", "LoadBalancerChargePrepaid")
		return inquiry{"clb", "InquiryPriceCreateLoadBalancer", in, "Price.InstancePrice"}, nil
	case duoyun.DatabaseSpec:
		return databaseKind{c}.inquiry(ctx, ch, s)
	case duoyun.CacheSpec:
		in, err := cacheKind{c}.cache(ch)
		return inquiry{"redis", "InquiryPriceCreateInstance", in, ""}, err
	}
	return inquiry{}, table.Impossible("kind", "%s 不能询价", "there is no price of a %s to ask for", string(ch.Kind))
}

func (d databaseKind) inquiry(ctx context.Context, ch driver.Change, s duoyun.DatabaseSpec) (inquiry, error) {
	if s.Engine == duoyun.EnginePostgreSQL {
		in, err := d.postgreSQL(ctx, ch)
		return inquiry{"postgres", "InquiryPriceCreateDBInstances", in, ""}, err
	}
	in, err := d.mysql(ch)
	in["PayType"] = "HOUR_PAID"
	if ch.Months > 0 {
		in["PayType"], in["Period"] = "PRE_PAID", ch.Months
	}
	return inquiry{"cdb", "DescribeDBPrice", in, ""}, err
}

func renewalInquiry(ch driver.Change) (inquiry, error) {
	term := params{"Period": ch.Months, "RenewFlag": noRenew}
	switch kind := ch.Kind; {
	case kind == duoyun.KindServer:
		return inquiry{"cvm", "InquiryPriceRenewInstances", params{"InstanceIds": []string{ch.ID}, "InstanceChargePrepaid": term}, "Price.InstancePrice"}, nil
	case kind == duoyun.KindDisk:
		return inquiry{"cbs", "InquiryPriceRenewDisks", params{"DiskIds": []string{ch.ID}, "DiskChargePrepaids": []params{term}}, "DiskPrice"}, nil
	case kind == duoyun.KindPublicIP:
		in := params{"AddressIds": []string{ch.ID}, "AddressChargePrepaid": params{"Period": ch.Months, "AutoRenewFlag": 0}}
		return inquiry{"vpc", "InquiryPriceRenewAddresses", in, "Price.AddressPrice"}, nil
	case kind == duoyun.KindLoadBalancer:
		return inquiry{"clb", "InquiryPriceRenewLoadBalancer", params{"LoadBalancerId": ch.ID, "LoadBalancerChargePrepaid": term}, "Price.InstancePrice"}, nil
	case kind == duoyun.KindDatabase && isMySQL(ch.ID):
		return inquiry{"cdb", "DescribeDBPrice", params{"InstanceId": ch.ID, "Period": ch.Months}, ""}, nil
	case kind == duoyun.KindDatabase:
		return inquiry{"postgres", "InquiryPriceRenewDBInstance", params{"DBInstanceId": ch.ID, "Period": ch.Months}, ""}, nil
	case kind == duoyun.KindCache:
		return inquiry{"redis", "InquiryPriceRenewInstance", params{"InstanceId": ch.ID, "Period": ch.Months}, ""}, nil
	}
	return inquiry{}, table.Impossible("kind", "%s 不能续费", "a %s is not renewed", string(ch.Kind))
}

var _ driver.Quoter = (*Cloud)(nil)
