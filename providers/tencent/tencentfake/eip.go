package tencentfake

import (
	"encoding/json"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

func eipActions() map[string]action {
	return map[string]action{
		"vpc/AllocateAddresses":             on((*call).allocate),
		"vpc/DescribeAddresses":             on((*call).describeAddresses),
		"vpc/AssociateAddress":              on((*call).associate),
		"vpc/DisassociateAddress":           on((*call).disassociate),
		"vpc/ReleaseAddresses":              on((*call).release),
		"vpc/RenewAddresses":                on((*call).renewAddresses),
		"vpc/InquiryPriceAllocateAddresses": on((*call).priceAddress),
		"vpc/InquiryPriceRenewAddresses":    on((*call).priceAddressRenewal),
		"vpc/DescribeAddressQuota": on(func(c *call, _ struct{}) (object, error) {
			limits, used := c.sim.Quota(c.owner)
			return object{"QuotaSet": []object{{"QuotaId": "TOTAL_EIP_QUOTA", "QuotaCurrent": used[simcloud.ItemFloating], "QuotaLimit": limits[simcloud.ItemFloating]}}}, nil
		}),
	}
}

func eipWords(err error) error {
	return words(err, map[simcloud.Reason]string{simcloud.Missing: "InvalidAddressId.NotFound", simcloud.InUse: "UnsupportedOperation.AddressStatusNotPermit",
		simcloud.Busy: "UnsupportedOperation.InstanceStateNotSupported", simcloud.Exceeded: "AddressQuotaLimitExceeded"})
}

// addressTerm is how a subscription of an address is asked for.
type addressTerm struct{ Period, AutoRenewFlag int }

func addressMonths(chargeType string, t *addressTerm) (int, error) {
	switch {
	case chargeType == "BANDWIDTH_POSTPAID_BY_HOUR":
		return 0, nil
	case chargeType != "BANDWIDTH_PREPAID_BY_MONTH":
		return 0, refuse("InvalidParameterValue.AddressInternetChargeTypeConflict", "no charge type %s", chargeType)
	case t == nil || t.Period < 1 || t.AutoRenewFlag == 1:
		return 0, refuse("InvalidParameterValue.Combination", "a subscription has a period, and is renewed by hand")
	}
	return t.Period, nil
}

func (c *call) allocate(in struct {
	AddressCount            int
	InternetChargeType      string `need:""`
	InternetMaxBandwidthOut int64  `need:""`
	AddressChargePrepaid    *addressTerm
	AddressName             string
	ClientToken             string
	Tags                    []tag
}) (object, error) {
	n, err := addressMonths(in.InternetChargeType, in.AddressChargePrepaid)
	if err != nil {
		return nil, err
	}
	if in.AddressCount > 1 || len([]rune(in.AddressName)) > 20 {
		return nil, refuse("InvalidParameterValue.Range", "one address, with a name of 20 characters at most")
	}
	f, err := c.sim.AllocateFloatingIP(simcloud.FloatingInput{Object: simcloud.Object{Owner: c.owner, Name: in.AddressName, Meta: meta(in.Tags)},
		Purchase: simcloud.Purchase{Months: n}, BandwidthMbps: in.InternetMaxBandwidthOut})
	if err != nil {
		return nil, eipWords(err)
	}
	return object{"AddressSet": []string{"eip-" + f.ID}, "TaskId": "1"}, nil
}

func (c *call) describeAddresses(in struct {
	AddressIds    []string
	Offset, Limit int
}) (object, error) {
	return listed(c, "AddressSet", in.AddressIds, "eip-", paging{in.Offset, in.Limit}, nil, func(_ *call, f *simcloud.FloatingIP) object {
		v := object{"AddressId": "eip-" + f.ID, "AddressName": f.Name, "AddressStatus": "UNBIND", "AddressIp": f.Address, "InstanceId": nil, "CreatedTime": zulu(f.Created),
			"InternetChargeType": "BANDWIDTH_POSTPAID_BY_HOUR", "DeadlineDate": beijing(f.PaidUntil), "Bandwidth": f.BandwidthMbps, "TagSet": tags(f.Meta, "Key", "Value")}
		if f.Months > 0 {
			v["InternetChargeType"] = "BANDWIDTH_PREPAID_BY_MONTH"
		}
		if f.TargetID != "" {
			v["AddressStatus"], v["InstanceId"] = "BIND", map[simcloud.Kind]string{simcloud.KindServer: "ins-", simcloud.KindBalancer: "lb-"}[f.TargetKind]+f.TargetID
		}
		return v
	})
}

// address reads the one address an action is about.
func (c *call) address(all ...string) (*simcloud.FloatingIP, error) {
	if len(all) != 1 {
		return nil, refuse("InvalidParameterValue.Range", "one address at a time")
	}
	id, err := bare(all[0], "eip-", "InvalidParameterValue.AddressIdMalformed")
	if err != nil {
		return nil, err
	}
	f, err := simcloud.Get[simcloud.FloatingIP](c.sim, c.owner, id)
	return f, eipWords(err)
}

func (c *call) associate(in struct {
	AddressId  string `need:""`
	InstanceId string `need:""`
}) (object, error) {
	f, err := c.address(in.AddressId)
	if err != nil {
		return nil, err
	}
	target := strings.TrimPrefix(strings.TrimPrefix(in.InstanceId, "ins-"), "lb-")
	_, err = c.sim.BindFloatingIP(c.owner, f.ID, target)
	return object{"TaskId": "1"}, words(err, map[simcloud.Reason]string{simcloud.Missing: "InvalidInstanceId.NotFound", simcloud.InUse: "UnsupportedOperation.AddressStatusNotPermit",
		simcloud.Busy: "UnsupportedOperation.InstanceStateNotSupported"})
}

func (c *call) disassociate(in struct {
	AddressId string `need:""`
}) (object, error) {
	f, err := c.address(in.AddressId)
	if err == nil && f.TargetID == "" {
		err = refuse("InvalidAddressIdStatus.NotPermit", "the address is bound to nothing")
	}
	if err != nil {
		return nil, err
	}
	_, err = c.sim.BindFloatingIP(c.owner, f.ID, "")
	return object{"TaskId": "1"}, eipWords(err)
}

func (c *call) release(in struct {
	AddressIds []string `need:""`
}) (object, error) {
	f, err := c.address(in.AddressIds...)
	if err == nil && f.TargetID != "" {
		err = refuse("UnsupportedOperation.AddressStatusNotPermit", "the address is bound")
	}
	if err != nil {
		return nil, err
	}
	return object{"TaskId": "1"}, eipWords(c.sim.DeleteFloatingIP(c.owner, f.ID))
}

func (c *call) renewAddresses(in struct {
	AddressIds           []string    `need:""`
	AddressChargePrepaid addressTerm `need:""`
}) (object, error) {
	f, err := c.address(in.AddressIds...)
	if err != nil {
		return nil, err
	}
	_, err = simcloud.Renew[simcloud.FloatingIP](c.sim, c.owner, f.ID, in.AddressChargePrepaid.Period)
	return object{}, words(err, map[simcloud.Reason]string{simcloud.Invalid: "UnsupportedOperation.InvalidAddressInternetChargeType"})
}

func (c *call) priceAddress(in struct {
	InternetChargeType      string `need:""`
	InternetMaxBandwidthOut int64  `need:""`
	AddressChargePrepaid    *addressTerm
}) (object, error) {
	n, err := addressMonths(in.InternetChargeType, in.AddressChargePrepaid)
	if err != nil {
		return nil, err
	}
	return object{"Price": object{"AddressPrice": addressPrice(simcloud.PriceOf(c.sim, &simcloud.FloatingIP{BandwidthMbps: in.InternetMaxBandwidthOut}, n), n)}}, nil
}

func (c *call) priceAddressRenewal(in struct {
	AddressIds           []string    `need:""`
	AddressChargePrepaid addressTerm `need:""`
}) (object, error) {
	f, err := c.address(in.AddressIds...)
	if err != nil {
		return nil, err
	}
	n := in.AddressChargePrepaid.Period
	return object{"Price": object{"AddressPrice": addressPrice(simcloud.PriceOf(c.sim, f, n), n)}}, nil
}

// addressPrice names what an hour costs after discounts otherwise than the other products do.
func addressPrice(a duoyun.Amount, months int) object {
	n := json.Number(a.String())
	if months > 0 {
		return object{"OriginalPrice": n, "DiscountPrice": n}
	}
	return object{"UnitPrice": json.Number(a.Times(2).String()), "DiscountPrice": n, "ChargeUnit": "HOUR"}
}
