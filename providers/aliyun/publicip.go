package aliyun

import (
	"context"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// publicIPKind is an elastic IP address, charged by its bandwidth. A subscribed one takes neither name nor description
// when it is bought (AllocateEipAddress), so that a lost answer could never be found again: it is not sold.
type publicIPKind struct{ *Cloud }

func (f publicIPKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: terms(false, planPublicIP), Update: planBandwidth, Delete: table.Fixed(
			driver.Step{Name: "disassociate", Await: true}, driver.Step{Name: "delete-public_ip", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"public_ip":        {Run: f.allocate, Look: f.addresses().shelf().LookMainMade, Token: true},
			"associate":        {Run: f.associate, Look: f.addresses().look("public_ip", lookAssociated)},
			"bandwidth":        {Run: f.setBandwidth, Look: f.addresses().look("public_ip", lookBandwidth)},
			"disassociate":     {Run: f.disassociate, Look: lookFree(f.addresses(), "Associating", "Unassociating")},
			"delete-public_ip": {Run: f.addresses().removal("", "ReleaseEipAddress", "AllocationId"), Look: f.addresses().shelf().LookMainUnmade},
		},
		Reading: f.addresses().observing(address.observed), Listing: f.addresses().listed(address.observed),
	}
}

func planPublicIP(c driver.Change) ([]driver.Step, error) {
	steps := []driver.Step{{Name: "public_ip", Main: true, Await: true}}
	if parent, ok := table.Link(c, duoyun.RelAttach); ok {
		if attachable(parent.Kind) == "" {
			return nil, table.Impossible("attach", "%s 不能挂载公网地址", "a %s takes no public address", string(parent.Kind))
		}
		steps = append(steps, driver.Step{Name: "associate", Await: true})
	}
	return steps, nil
}

func planBandwidth(c driver.Change) ([]driver.Step, error) {
	if duoyun.SameSpec(c.Before, c.After) {
		return nil, nil
	}
	return []driver.Step{{Name: "bandwidth", Await: true}}, nil
}

// attachable is what the vendor calls that which an address can be associated with; "" for what it cannot.
func attachable(k duoyun.Kind) string {
	return map[duoyun.Kind]string{duoyun.KindServer: "EcsInstance", duoyun.KindLoadBalancer: "SlbInstance"}[k]
}

// address is an elastic address as DescribeEipAddresses shows it. Its description is misspelt in some versions.
type address struct {
	ID             string `json:"AllocationId"`
	IP             string `json:"IpAddress"`
	Bandwidth      word
	InstanceID     string `json:"InstanceId"`
	InstanceType   string
	Name           string
	Description    string
	Misspelt       string `json:"Descritpion"`
	Status         string
	AllocationTime string
}

func (v address) key() string            { return v.ID }
func (v address) on() (host, now string) { return v.InstanceID, v.Status }

func (v address) note() string {
	if v.Description != "" {
		return v.Description
	}
	return v.Misspelt
}

func (v address) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.note(), State: addressState(v.Status), Detail: v.Status}
}

// addressState: Associating and Unassociating are addresses that are there and busy.
func addressState(status string) driver.ObservedState {
	if status == "Releasing" {
		return driver.Deleting
	}
	return driver.Active
}

func (v address) observed() driver.Observation {
	mbps, err := strconv.ParseInt(string(v.Bandwidth), 10, 64)
	if err != nil {
		mbps = 0 // not shown
	}
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.note()), Name: v.Name, State: addressState(v.Status), Spec: duoyun.PublicIPSpec{BandwidthMbps: mbps},
		Addresses: []string{v.IP}, CreatedAt: when(v.AllocationTime), Raw: raw(v)}
	if v.InstanceID != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: {v.InstanceID}}
	}
	return o
}

func (c *Cloud) addresses() listing[address] {
	return listing[address]{cloud: c, product: vpc, action: "DescribeEipAddresses", outer: "EipAddresses", inner: "EipAddress", id: "AllocationId"}
}

func (f publicIPKind) allocate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	return f.create(ctx, vpc, "AllocateEipAddress", params{"Bandwidth": strconv.FormatInt(c.After.(duoyun.PublicIPSpec).BandwidthMbps, 10),
		"InternetChargeType": "PayByBandwidth", "InstanceChargeType": "PostPaid", "Name": named(c.Change),
		"Description": c.Mark, "ClientToken": c.Token}, func(m made) string { return m.AllocationID })
}

func (f publicIPKind) associate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	parent, _ := table.Link(c.Change, duoyun.RelAttach)
	v, err := f.addresses().need(ctx, c.ID, c.Mark, "public_ip")
	if err != nil || v.InstanceID == parent.ID {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return f.change(ctx, vpc, "AssociateEipAddress", params{"AllocationId": v.ID, "InstanceId": parent.ID, "InstanceType": attachable(parent.Kind), "ClientToken": c.Token})
}

func lookAssociated(v address, c driver.Call) (driver.EvidenceState, string) {
	parent, _ := table.Link(c.Change, duoyun.RelAttach)
	switch {
	case v.Status == "Associating" || v.Status == "Unassociating":
		return driver.Pending, v.Status
	case v.InstanceID == parent.ID:
		return driver.Done, ""
	case v.InstanceID == "":
		return driver.Absent, v.Status
	}
	return driver.Conflict, v.InstanceID
}

func (f publicIPKind) setBandwidth(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := f.addresses().need(ctx, c.ID, c.Mark, "public_ip")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return f.change(ctx, vpc, "ModifyEipAddressAttribute", params{"AllocationId": v.ID, "Bandwidth": strconv.FormatInt(c.After.(duoyun.PublicIPSpec).BandwidthMbps, 10)})
}

func lookBandwidth(v address, c driver.Call) (driver.EvidenceState, string) {
	switch v.observed().Spec {
	case c.After:
		return driver.Done, ""
	case c.Before:
		return driver.Absent, ""
	}
	return driver.Conflict, string(v.Bandwidth)
}

// disassociate takes the address off whatever it is on: the vendor releases only what is on nothing.
func (f publicIPKind) disassociate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, ok, err := f.addresses().find(ctx, c.ID, c.Mark)
	if err != nil || !ok || v.InstanceID == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	reply, err := f.change(ctx, vpc, "UnassociateEipAddress", params{"AllocationId": v.ID, "InstanceId": v.InstanceID, "InstanceType": v.InstanceType, "ClientToken": c.Token})
	return reply, table.Ignoring(Code, err, driver.NotFound)
}
