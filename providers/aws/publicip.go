package aws

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// publicIPKind is an Elastic IP address. It has no bandwidth of its own: what it is on decides, and traffic is charged as it
// flows. A network load balancer takes addresses at its birth alone, so that they are associated with servers only.
type publicIPKind struct{ *Cloud }

func (f publicIPKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: planPublicIP, Delete: table.Fixed(
			driver.Step{Name: "disassociate", Await: true}, driver.Step{Name: "delete-public_ip", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"public_ip":        {Run: f.allocate, Look: f.addresses().shelf().LookMainMade},
			"associate":        {Run: f.associate, Look: f.lookAssociated},
			"disassociate":     {Run: f.disassociate, Look: f.lookDisassociated},
			"delete-public_ip": {Run: f.addresses().removal("", "ReleaseAddress", "AllocationId"), Look: f.addresses().shelf().LookMainUnmade},
		},
		Reading: f.observe, Listing: f.addresses().listed(address.observed),
	}
}

func planPublicIP(c driver.Change) ([]driver.Step, error) {
	steps := []driver.Step{{Name: "public_ip", Main: true, Await: true}}
	if parent, ok := table.Link(c, duoyun.RelAttach); ok {
		if parent.Kind != duoyun.KindServer {
			return nil, table.Impossible("attach", "%s 不能挂载公网地址", "a %s takes no public address", string(parent.Kind))
		}
		steps = append(steps, driver.Step{Name: "associate", Await: true})
	}
	return steps, nil
}

// address is an Elastic IP address as DescribeAddresses shows it.
type address struct {
	ID            string `xml:"allocationId"`
	IP            string `xml:"publicIp"`
	ServerID      string `xml:"instanceId"`
	AssociationID string `xml:"associationId"`
	Tags          tags   `xml:"tagSet>item"`
}

func (v address) key() string { return v.ID }

func (v address) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Tags.value(tagMark), State: driver.Active}
}

func (v address) observed() driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Tags.value(tagMark)), Name: v.Tags.value(tagName), State: driver.Active,
		Spec: duoyun.PublicIPSpec{}, Addresses: []string{v.IP}, Raw: raw(v)}
	if v.ServerID != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: {v.ServerID}}
	}
	return o
}

func (c *Cloud) addresses() listing[address] {
	return listing[address]{cloud: c, service: ec2, action: "DescribeAddresses", list: "addressesSet", fits: begins("eipalloc-"), id: "AllocationId.1", whole: true}
}

func (f publicIPKind) allocate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	in := params{"Domain": "vpc"}
	return f.create(ctx, ec2, "AllocateAddress", in.labelled("elastic-ip", c.Mark, table.Title(c.Change, longestName)), "allocationId")
}

func (f publicIPKind) associate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	parent, _ := table.Link(c.Change, duoyun.RelAttach)
	v, err := f.addresses().need(ctx, c.ID, c.Mark, "public_ip")
	if err != nil || v.ServerID == parent.ID {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return f.change(ctx, ec2, "AssociateAddress", params{"AllocationId": v.ID, "InstanceId": parent.ID, "AllowReassociation": "false"})
}

func (f publicIPKind) lookAssociated(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	parent, _ := table.Link(c.Change, duoyun.RelAttach)
	v, err := f.addresses().need(ctx, c.ID, c.Mark, "public_ip")
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch {
		case v.AssociationID == "":
			return driver.Absent, v.ID, ""
		case v.ServerID == parent.ID:
			return driver.Done, v.ID, ""
		}
		return driver.Conflict, v.ID, v.ServerID
	})
}

// disassociate takes the address off whatever it is on: the vendor releases only what is on nothing.
func (f publicIPKind) disassociate(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, ok, err := f.addresses().find(ctx, c.ID, c.Mark)
	if err != nil || !ok || v.AssociationID == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	reply, err := f.change(ctx, ec2, "DisassociateAddress", params{"AssociationId": v.AssociationID})
	return reply, table.Ignoring(Code, err, driver.NotFound)
}

func (f publicIPKind) lookDisassociated(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, _, err := f.addresses().find(ctx, c.ID, c.Mark)
	return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) {
		if v.AssociationID != "" {
			return driver.Absent, v.ID, v.ServerID
		}
		return driver.Done, v.ID, ""
	})
}

func (f publicIPKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := f.addresses().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	return v.observed(), nil
}
