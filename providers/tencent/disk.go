package tencent

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// diskKind is a CBS data disk.
type diskKind struct{ *Cloud }

func (d diskKind) kind() *table.Kind {
	disks := d.disks()
	ids := func(id string) params { return params{"DiskIds": []string{id}} }
	return &table.Kind{
		Plans: table.Plans{Create: d.planCreate, Update: planGrow, Renew: planRenewal, Delete: table.Fixed(driver.Step{Name: "detach", Await: true},
			driver.Step{Name: "isolate", Await: true}, driver.Step{Name: "delete-disk", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"disk":   {Run: d.act("cbs", "CreateDisks", "DiskIdSet", d.create), Look: disks.plain().LookMainMade},
			"attach": {Run: d.act("cbs", "AttachDisks", "", disks.unless(attached, attaching)), Look: disks.look(driver.Absent, lookAttached)},
			"extend": {Run: d.act("cbs", "ResizeDisk", "", disks.unless(grown, growing)), Look: disks.look(driver.Absent, lookGrown)},
			"detach": {Run: d.detach(disks), Look: disks.look(driver.Done, lookDetached)},
			"renew": d.renewal(disks, "cbs", "RenewDisk", func(id string, months int) params {
				return params{"DiskId": id, "DiskChargePrepaid": params{"Period": months, "RenewFlag": noRenew}}
			}),
			"isolate":     d.isolation(disks, "cbs", "TerminateDisks", func(v seen) bool { return v.prepaid }, ids),
			"delete-disk": {Run: d.removal(disks, "", "cbs", "TerminateDisks", ids), Look: disks.plain().LookMainUnmade},
		},
		Reading: disks.observe, Listing: disks.list,
	}
}

func (d diskKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if _, err := d.diskType(c.After.(duoyun.DiskSpec).Class); err != nil {
		return nil, err
	}
	if _, err := d.zone(c.Zone); err != nil {
		return nil, err
	}
	steps := []driver.Step{{Name: "disk", Main: true, Await: true}}
	if _, ok := table.Link(c, duoyun.RelAttach); ok {
		steps = append(steps, driver.Step{Name: "attach", Await: true})
	}
	return steps, nil
}

func planGrow(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.DiskSpec), c.After.(duoyun.DiskSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Class != after.Class || after.SizeGiB < before.SizeGiB:
		return nil, table.Impossible("spec", "云硬盘只能扩容", "a disk can only grow")
	}
	return []driver.Step{{Name: "extend", Await: true}}, nil
}

// diskType maps a class; one that is not mapped is not bought, since CBS has no default.
func (c *Cloud) diskType(class string) (string, error) {
	if t := c.account.Mapping.Classes[class]; t != "" {
		return t, nil
	}
	return "", table.Impossible("class", "资源池没有把存储类型 %s 对应到云盘类型", "the account maps no disk type to class %s", class)
}

// classOf is the portable class of a disk type; "" where several or none map to it.
func (c *Cloud) classOf(diskType string) string {
	found := ""
	for class, t := range c.account.Mapping.Classes {
		if t != diskType || class == classSystem {
			continue
		}
		if found != "" {
			return ""
		}
		found = class
	}
	return found
}

func (d diskKind) create(_ context.Context, c driver.Call) (params, error) {
	in, err := d.disk(c.Change)
	if err != nil {
		return nil, err
	}
	zone, err := d.zone(c.Zone)
	in["Placement"], in["ClientToken"], in["DiskName"], in["Tags"] = params{"Zone": zone}, c.Token, title(c.Change, 60), tags(tagMark, c.Mark)
	return in, err
}

// disk is what of a disk decides its price.
func (d diskKind) disk(c driver.Change) (params, error) {
	spec := c.After.(duoyun.DiskSpec)
	t, err := d.diskType(spec.Class)
	return charged(params{"DiskType": t, "DiskSize": spec.SizeGiB, "DiskCount": 1}, c.Months, "DiskChargeType", "DiskChargePrepaid"), err
}

// parent is the id of what a unit shall be attached to.
func parent(c driver.Change) string {
	l, _ := table.Link(c, duoyun.RelAttach)
	return l.ID
}

func attached(c driver.Call, v seen) bool { return v.host != "" && v.host == parent(c.Change) }

func attaching(c driver.Call, v seen) (params, error) {
	if parent(c.Change) == "" {
		return nil, table.Impossible("attach", "没有要挂载的云主机", "there is no server to attach to")
	}
	return params{"InstanceId": parent(c.Change), "DiskIds": []string{v.ID}}, nil
}

func lookAttached(c driver.Call, v seen) driver.EvidenceState {
	switch {
	case v.busy:
		return driver.Pending
	case attached(c, v):
		return driver.Done
	case v.host == "":
		return driver.Absent
	}
	return driver.Conflict
}

func grown(c driver.Call, v seen) bool {
	return v.Spec.(duoyun.DiskSpec).SizeGiB >= c.After.(duoyun.DiskSpec).SizeGiB
}

func growing(c driver.Call, v seen) (params, error) {
	return params{"DiskId": v.ID, "DiskSize": c.After.(duoyun.DiskSpec).SizeGiB}, nil
}

func lookGrown(c driver.Call, v seen) driver.EvidenceState {
	before, _ := c.Before.(duoyun.DiskSpec)
	switch size := v.Spec.(duoyun.DiskSpec).SizeGiB; {
	case v.busy:
		return driver.Pending
	case size == c.After.(duoyun.DiskSpec).SizeGiB:
		return driver.Done
	case size == before.SizeGiB:
		return driver.Absent
	}
	return driver.Conflict
}

// detach takes the disk off the server it is on; a disk that is on none, or gone, needs no call.
func (d diskKind) detach(disks rack) func(context.Context, driver.Call) (driver.Reply, error) {
	run := d.act("cbs", "DetachDisks", "", disks.unless(func(_ driver.Call, v seen) bool { return v.host == "" },
		func(_ driver.Call, v seen) (params, error) {
			return params{"InstanceId": v.host, "DiskIds": []string{v.ID}}, nil
		}))
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		reply, err := run(ctx, c)
		return reply, table.Ignoring(Code, err, driver.NotFound)
	}
}

func lookDetached(_ driver.Call, v seen) driver.EvidenceState {
	switch {
	case v.busy:
		return driver.Pending
	case v.host != "":
		return driver.Absent
	}
	return driver.Done
}

// disks are the data disks; a system disk belongs to its server, and bears the server's tags.
func (c *Cloud) disks() rack {
	return listing{product: "cbs", action: "DescribeDisks", member: "DiskSet", ids: "DiskIds", prefix: "disk-", filters: []params{filter("disk-usage", "DATA_DISK")}, view: entry(func(v struct {
		DiskId, DiskName, DiskType, DiskState, DiskChargeType, InstanceId, DeadlineTime, CreateTime string
		DiskSize                                                                                    int64
		Tags                                                                                        []tag
		Placement                                                                                   struct{ Zone string }
	}) seen {
		o := driver.Observation{ID: v.DiskId, Mark: markOf(v.Tags, ""), Name: v.DiskName, State: driver.Active, CreatedAt: moment(v.CreateTime),
			Spec: duoyun.DiskSpec{SizeGiB: v.DiskSize, Class: c.classOf(v.DiskType)},
			Raw:  raw(params{"state": v.DiskState, "type": v.DiskType, "zone": v.Placement.Zone})}
		s := seen{status: v.DiskState, prepaid: v.DiskChargeType == prepaid, binned: v.DiskState == "TORECYCLE", host: v.InstanceId}
		switch v.DiskState {
		case "UNATTACHED", "ATTACHED":
		case "TORECYCLE":
			o.State = driver.Stopped
		case "ATTACHING", "DETACHING", "EXPANDING", "ROLLBACKING", "DUMPING":
			s.busy = true // it is there, and at work
		default:
			o.State, s.busy = driver.Building, true
		}
		if s.prepaid {
			o.PaidUntil = moment(v.DeadlineTime)
		}
		if v.InstanceId != "" {
			o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: {v.InstanceId}}
		}
		s.Observation = o
		return s
	})}.rack(c)
}
