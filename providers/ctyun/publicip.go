package ctyun

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// publicIPKind is an elastic address 弹性 IP with its bandwidth. It has no description: its name is the mark's brief form.
type publicIPKind struct{ *Cloud }

// publicIP is an address as the vendor shows it.
type publicIP struct {
	ID        string `json:"ID"`
	Name      string `json:"name"`
	Address   string `json:"eipAddress"`
	On        string `json:"associationID"`
	OnKind    string `json:"associationType"`
	Bandwidth int64  `json:"bandwidth"`
	Status    string `json:"status"`
	Billing   string `json:"billingMethod"`
	Created   text   `json:"createdAt"`
	Expires   text   `json:"expiredAt"`
}

func (p publicIPKind) kind() *table.Kind {
	all := p.publicIPs()
	return &table.Kind{
		Plans: table.Plans{Create: planPublicIP, Update: planBandwidth, Renew: planRenew, Delete: table.Fixed(
			driver.Step{Name: "disassociate", Await: true}, driver.Step{Name: "delete-eip", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"eip":          {Run: p.create, Look: all.lookBought, Token: true},
			"associate":    {Run: p.associate, Look: all.effect(driver.Absent, associated)},
			"bandwidth":    {Run: p.setBandwidth, Look: all.effect(driver.Absent, widened)},
			"renew":        {Run: p.renew, Look: all.effect(driver.Absent, func(c driver.Call, v publicIP) (driver.EvidenceState, string) { return renewed(c, observedIP(v)) })},
			"disassociate": {Run: p.disassociate, Look: all.effect(driver.Done, disassociated)},
			"delete-eip": {Look: all.table().LookMainUnmade, Run: all.remove("", func(c driver.Call, v publicIP) request {
				return post(vpc, "/v4/eip/delete", args{"clientToken": token(c), "eipID": v.ID})
			})},
		},
		Reading: func(ctx context.Context, id string) (driver.Observation, error) {
			v, err := all.read(ctx, id)
			return observedIP(v), err
		},
		Listing: all.observations(func(v publicIP) (driver.Observation, bool) { return observedIP(v), true }),
	}
}

func planPublicIP(c driver.Change) ([]driver.Step, error) {
	steps := []driver.Step{{Name: "eip", Main: true, Await: true}}
	if _, ok := table.Link(c, duoyun.RelAttach); ok {
		steps = append(steps, driver.Step{Name: "associate", Await: true})
	}
	return steps, terms(c)
}

func planBandwidth(c driver.Change) ([]driver.Step, error) {
	if duoyun.SameSpec(c.Before, c.After) {
		return nil, nil
	}
	return []driver.Step{{Name: "bandwidth", Await: true}}, nil
}

func (p publicIPKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	a := p.project(args{"clientToken": token(c), "name": brief(c.Mark), "bandwidth": c.After.(duoyun.PublicIPSpec).BandwidthMbps,
		"cycleType": "on_demand", "demandBillingType": "bandwidth"})
	if c.Months > 0 {
		a["cycleType"], a["cycleCount"] = cycle(c.Months)
		delete(a, "demandBillingType")
	}
	return p.mutate(ctx, post(vpc, "/v4/eip/create", a), "eipID")
}

// associate binds an address to a server through the network's service, and to a load balancer through the balancer's.
func (p publicIPKind) associate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	on, ok := table.Link(c.Change, duoyun.RelAttach)
	if !ok {
		return driver.Reply{}, table.Impossible("attach", "没有要绑定的资源", "there is nothing to attach to")
	}
	v, err := p.publicIPs().must(ctx, c, "eip")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	switch {
	case v.On == on.ID:
		return driver.Reply{}, nil
	case on.Kind == duoyun.KindLoadBalancer:
		return p.mutate(ctx, post(elb, "/v4/elb/associate-eip-to", args{"clientToken": token(c), "elbID": on.ID, "eipID": v.ID}), "")
	case on.Kind == duoyun.KindServer:
		return p.mutate(ctx, post(vpc, "/v4/eip/associate", args{"clientToken": token(c), "eipID": v.ID, "associationID": on.ID, "associationType": 1}), "")
	}
	return driver.Reply{}, table.Impossible("attach", "公网地址不能绑定到 %s", "a public address cannot be attached to a %s", string(on.Kind))
}

func associated(c driver.Call, v publicIP) (driver.EvidenceState, string) {
	on, _ := table.Link(c.Change, duoyun.RelAttach)
	switch {
	case v.busy():
		return driver.Pending, v.Status
	case v.On == on.ID && on.ID != "":
		return driver.Done, ""
	case v.On == "":
		return driver.Absent, v.Status
	}
	return driver.Conflict, v.On
}

func (p publicIPKind) setBandwidth(ctx context.Context, c driver.Call) (driver.Reply, error) {
	want := c.After.(duoyun.PublicIPSpec).BandwidthMbps
	v, err := p.publicIPs().must(ctx, c, "eip")
	if err != nil || v.Bandwidth == want {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return p.mutate(ctx, post(vpc, "/v4/eip/modify-spec", args{"clientToken": token(c), "eipID": v.ID, "bandwidth": want}), "")
}

func widened(c driver.Call, v publicIP) (driver.EvidenceState, string) {
	before, _ := c.Before.(duoyun.PublicIPSpec)
	switch {
	case v.busy():
		return driver.Pending, v.Status
	case v.Bandwidth == c.After.(duoyun.PublicIPSpec).BandwidthMbps:
		return driver.Done, ""
	case v.Bandwidth == before.BandwidthMbps:
		return driver.Absent, ""
	}
	return driver.Conflict, v.Status
}

func (p publicIPKind) renew(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := p.publicIPs().must(ctx, c, "eip")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	unit, count := cycle(c.Months)
	return p.mutate(ctx, post(vpc, "/v4/eip/renew", args{"clientToken": token(c), "eipID": v.ID, "cycleType": unit, "cycleCount": count}), "")
}

func (p publicIPKind) disassociate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := p.publicIPs().of(ctx, c)
	if err != nil || v == nil || v.On == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if v.OnKind == "LOADBALANCER" {
		return p.mutate(ctx, post(elb, "/v4/elb/disassociate-eip-from", args{"clientToken": token(c), "elbID": v.On, "eipID": v.ID}), "")
	}
	return p.mutate(ctx, post(vpc, "/v4/eip/disassociate", args{"clientToken": token(c), "eipID": v.ID}), "")
}

func disassociated(_ driver.Call, v publicIP) (driver.EvidenceState, string) {
	switch {
	case v.busy():
		return driver.Pending, v.Status
	case v.On != "":
		return driver.Absent, v.On
	}
	return driver.Done, ""
}

func (v publicIP) busy() bool { return v.Status == "UPDATING" || v.Status == "BANDING_OR_UNBANGDING" }

func (c *Cloud) publicIPs() shelf[publicIP] {
	return shelf[publicIP]{Cloud: c, list: ask(vpc, "/v4/eip/new-list", nil), member: "eips", size: 50,
		show: func(id string) request { return get(vpc, "/v4/eip/show", args{"eipID": id}) },
		view: func(v publicIP) table.Thing {
			return table.Thing{ID: v.ID, Note: unbrief(v.Name), State: v.state(), Detail: v.Status}
		}}
}

// state follows the vendor's table: ACTIVE is bound, DOWN is not.
func (v publicIP) state() driver.ObservedState {
	switch v.Status {
	case "ERROR":
		return driver.Errored
	case "DELETING", "DELETED":
		return driver.Deleting
	case "EXPIRED", "FREEZING":
		return driver.Stopped
	}
	return driver.Active
}

func observedIP(v publicIP) driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: unbrief(v.Name), Name: v.Name, State: v.state(), Addresses: []string{v.Address},
		Spec: duoyun.PublicIPSpec{BandwidthMbps: v.Bandwidth}, CreatedAt: v.Created.when(),
		Raw: raw(map[string]any{"status": v.Status, "billing": v.Billing, "expires": v.Expires})}
	if v.On != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: {v.On}}
	}
	if v.Billing == "periodic" {
		o.PaidUntil = v.Expires.when()
	}
	return o
}
