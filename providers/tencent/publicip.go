package tencent

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// publicIPKind is an EIP 弹性公网 IP, paid by its bandwidth. It is bound to a CVM instance, or to an internal CLB by accounts
// that Tencent has let into that trial (AssociateAddress, document 215/16700).
type publicIPKind struct{ *Cloud }

func (p publicIPKind) kind() *table.Kind {
	all := p.addresses()
	ids := func(id string) params { return params{"AddressIds": []string{id}} }
	return &table.Kind{
		Plans: table.Plans{Create: planPublicIP, Renew: planRenewal, Delete: table.Fixed(driver.Step{Name: "disassociate", Await: true},
			driver.Step{Name: "release", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"public_ip":    {Run: p.act("vpc", "AllocateAddresses", "AddressSet", p.create), Look: all.plain().LookMainMade},
			"associate":    {Run: p.act("vpc", "AssociateAddress", "", all.unless(attached, associating)), Look: all.look(driver.Absent, lookAttached)},
			"disassociate": {Run: p.disassociate(all), Look: all.look(driver.Done, lookDetached)},
			"renew": p.renewal(all, "vpc", "RenewAddresses", func(id string, months int) params {
				return params{"AddressIds": []string{id}, "AddressChargePrepaid": params{"Period": months, "AutoRenewFlag": 0}}
			}),
			"release": {Run: p.removal(all, "", "vpc", "ReleaseAddresses", ids), Look: all.plain().LookMainUnmade},
		},
		Reading: all.observe, Listing: all.list,
	}
}

func planPublicIP(c driver.Change) ([]driver.Step, error) {
	steps := []driver.Step{{Name: "public_ip", Main: true, Await: true}}
	if l, ok := table.Link(c, duoyun.RelAttach); ok {
		if l.Kind != duoyun.KindServer && l.Kind != duoyun.KindLoadBalancer {
			return nil, table.Impossible("attach", "%s 不能挂载公网地址", "a %s takes no public address", string(l.Kind))
		}
		steps = append(steps, driver.Step{Name: "associate", Await: true})
	}
	return steps, nil
}

func (p publicIPKind) create(_ context.Context, c driver.Call) (params, error) {
	in := p.address(c.Change)
	in["ClientToken"], in["AddressName"], in["Tags"] = c.Token, title(c.Change, 20), tags(tagMark, c.Mark)
	return in, nil
}

// address is what of an address decides its price.
func (p publicIPKind) address(c driver.Change) params {
	in := params{"AddressCount": 1, "InternetMaxBandwidthOut": c.After.(duoyun.PublicIPSpec).BandwidthMbps, "InternetChargeType": "BANDWIDTH_POSTPAID_BY_HOUR"}
	if c.Months > 0 {
		in["InternetChargeType"], in["AddressChargePrepaid"] = "BANDWIDTH_PREPAID_BY_MONTH", params{"Period": c.Months, "AutoRenewFlag": 0}
	}
	return in
}

func associating(c driver.Call, v seen) (params, error) {
	if parent(c.Change) == "" {
		return nil, table.Impossible("attach", "没有要挂载的资源", "there is nothing to attach to")
	}
	return params{"AddressId": v.ID, "InstanceId": parent(c.Change)}, nil
}

func (p publicIPKind) disassociate(all rack) func(context.Context, driver.Call) (driver.Reply, error) {
	run := p.act("vpc", "DisassociateAddress", "", all.unless(func(_ driver.Call, v seen) bool { return v.host == "" },
		func(_ driver.Call, v seen) (params, error) { return params{"AddressId": v.ID}, nil }))
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		reply, err := run(ctx, c)
		return reply, table.Ignoring(Code, err, driver.NotFound)
	}
}

func (c *Cloud) addresses() rack {
	return listing{product: "vpc", action: "DescribeAddresses", member: "AddressSet", ids: "AddressIds", prefix: "eip-", view: entry(func(v struct {
		AddressId, AddressName, AddressStatus, AddressIp, InstanceId, CreatedTime, InternetChargeType, DeadlineDate string
		Bandwidth                                                                                                   int64
		TagSet                                                                                                      []tag
	}) seen {
		o := driver.Observation{ID: v.AddressId, Mark: markOf(v.TagSet, ""), Name: v.AddressName, State: driver.Active, CreatedAt: moment(v.CreatedTime),
			Spec: duoyun.PublicIPSpec{BandwidthMbps: v.Bandwidth}, Raw: raw(params{"status": v.AddressStatus, "charge_type": v.InternetChargeType})}
		s := seen{status: v.AddressStatus, host: v.InstanceId, prepaid: v.InternetChargeType == "BANDWIDTH_PREPAID_BY_MONTH"}
		switch v.AddressStatus {
		case "BIND", "UNBIND", "BIND_ENI":
		case "BINDING", "UNBINDING":
			s.busy = true
		case "OFFLINING":
			o.State = driver.Deleting
		case "CREATE_FAILED":
			o.State = driver.Errored
		default:
			o.State, s.busy = driver.Building, true
		}
		if v.AddressIp != "" {
			o.Addresses = []string{v.AddressIp}
		}
		if v.InstanceId != "" {
			o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: {v.InstanceId}}
		}
		if s.prepaid {
			o.PaidUntil = moment(v.DeadlineDate)
		}
		s.Observation = o
		return s
	})}.rack(c)
}
