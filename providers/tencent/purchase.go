package tencent

import (
	"encoding/json"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// Ways of paying. The vendor's own renewal is off: renewal is an intent of ours.
const (
	onDemand = "POSTPAID_BY_HOUR"
	prepaid  = "PREPAID"
	noRenew  = "NOTIFY_AND_MANUAL_RENEW"
)

// charged adds how something is paid to its parameters, as CVM, CBS and CLB take it.
func charged(in params, months int, typeName, prepaidName string) params {
	in[typeName] = onDemand
	if months > 0 {
		in[typeName], in[prepaidName] = prepaid, params{"Period": months, "RenewFlag": noRenew}
	}
	return in
}

// zone is the availability zone of a change: everything at Tencent but a VPC is in one.
func (c *Cloud) zone(zone string) (string, error) {
	if z := c.account.Mapping.Zones[zone]; z != "" {
		return z, nil
	}
	return "", table.Impossible("zone", "资源池没有把 %s 对应到可用区", "the account maps no availability zone to %s", zone)
}

// subnet is where a unit gets its address.
func subnet(c driver.Change) (vpc, id string, err error) {
	l, err := table.PlatformNetwork(c)
	if err == nil && l.Parts["subnet"] == "" {
		err = table.Impossible("network", "平台网络没有子网", "the platform network has no subnet")
	}
	return l.ID, l.Parts["subnet"], err
}

// money reads an amount from its raw text; the zero amount with false where there is none.
func money(raw json.RawMessage) (duoyun.Amount, bool) {
	a, err := duoyun.ParseAmount(strings.Trim(string(raw), `"`))
	return a, err == nil
}
