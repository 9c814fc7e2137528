package aliyun

import (
	"context"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// diskKind is a data disk. A subscription is bought with the server it hangs on, which must be one, and ends and is
// renewed with it: the vendor has no subscribed disk by itself (CreateDisk, InstanceId). Such a disk is put on demand
// before it is taken off its server, which the vendor refuses otherwise.
type diskKind struct{ *Cloud }

func (d diskKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: terms(d.subscribes(), d.planCreate), Update: planGrow, Delete: table.Fixed(
			driver.Step{Name: "charge", Await: true}, driver.Step{Name: "detach", Await: true}, driver.Step{Name: "delete-volume", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"volume":        {Run: d.make, Look: d.disks().shelf().LookMainMade, Token: true},
			"attach":        {Run: d.attach, Look: d.disks().look("volume", lookAttached)},
			"extend":        {Run: d.extend, Look: d.disks().look("volume", lookExtended)},
			"charge":        {Run: d.unsubscribe, Look: d.lookUnsubscribed},
			"detach":        {Run: d.detach, Look: lookFree(d.disks(), "Detaching")},
			"delete-volume": {Run: d.disks().removal("", "DeleteDisk", "DiskId"), Look: d.disks().shelf().LookMainUnmade},
		},
		Reading: d.disks().observing(d.observed), Listing: d.list,
	}
}

func (d diskKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if _, err := d.category(c.After.(duoyun.DiskSpec).Class); err != nil {
		return nil, err
	}
	steps := []driver.Step{{Name: "volume", Main: true, Await: true}}
	_, attached := table.Link(c, duoyun.RelAttach)
	switch {
	case c.Months > 0 && !attached:
		return nil, table.Impossible("attach", "包年包月云硬盘须随包年包月云主机购买", "a subscribed disk is bought with the subscribed server it hangs on")
	case attached:
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

// category maps a class to a disk category such as cloud_essd; a class that is not mapped is not bought.
func (c *Cloud) category(class string) (string, error) {
	if mapped := c.account.Mapping.Classes[class]; mapped != "" {
		return mapped, nil
	}
	return "", table.Impossible("class", "资源池没有把存储类型 %s 对应到云盘种类", "the account maps no disk category to class %s", class)
}

// classOf is the one portable class that is mapped to a vendor's word; "" where several or none are. Names of buckets'
// classes begin with prefix "bucket/".
func (c *Cloud) classOf(prefix, word string) string {
	found := ""
	for name, mapped := range c.account.Mapping.Classes {
		class, ok := cutClass(name, prefix)
		if !ok || mapped != word {
			continue
		}
		if found != "" {
			return ""
		}
		found = class
	}
	return found
}

// disk is a disk as DescribeDisks shows it.
type disk struct {
	ID           string `json:"DiskId"`
	Name         string `json:"DiskName"`
	InstanceID   string `json:"InstanceId"`
	ChargeType   string `json:"DiskChargeType"`
	Description  string
	Status       string
	Category     string
	Type         string
	ZoneID       string `json:"ZoneId"`
	Size         int64  // GiB
	CreationTime string
	ExpiredTime  string
}

func (v disk) subscribed() bool       { return v.ChargeType == prePaid }
func (v disk) key() string            { return v.ID }
func (v disk) on() (host, now string) { return v.InstanceID, v.Status }

// thing: Attaching, Detaching and ReIniting are disks that are there and busy.
func (v disk) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Description, State: diskState(v.Status), Detail: v.Status}
}

func diskState(status string) driver.ObservedState {
	if status == "Creating" {
		return driver.Building
	}
	return driver.Active
}

func (c *Cloud) disks() listing[disk] {
	return listing[disk]{cloud: c, product: ecs, action: "DescribeDisks", outer: "Disks", inner: "Disk", id: "DiskIds", array: true}
}

// make puts the disk into the zone of the server it shall hang on: a disk cannot leave its zone.
func (d diskKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.DiskSpec)
	category, err := d.category(spec.Class)
	if err != nil {
		return driver.Reply{}, err
	}
	in := params{"DiskCategory": category, "Size": strconv.FormatInt(spec.SizeGiB, 10), "DiskName": named(c.Change),
		"Description": c.Mark, "ClientToken": c.Token}
	parent, attached := table.Link(c.Change, duoyun.RelAttach)
	switch {
	case c.Months > 0:
		in["InstanceId"] = parent.ID
	case attached:
		var host server
		host, err = d.servers().get(ctx, parent.ID)
		in["ZoneId"] = host.ZoneID
	default:
		in["ZoneId"], err = d.zone(ctx, c.Zone)
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return d.create(ctx, ecs, "CreateDisk", in, func(m made) string { return m.DiskID })
}

func (d diskKind) attach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	host, ok := table.Link(c.Change, duoyun.RelAttach)
	if !ok {
		return driver.Reply{}, table.Impossible("attach", "没有要挂载的云主机", "there is no server to attach to")
	}
	v, err := d.disks().need(ctx, c.ID, c.Mark, "volume")
	if err != nil || v.InstanceID == host.ID {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return d.change(ctx, ecs, "AttachDisk", params{"InstanceId": host.ID, "DiskId": v.ID, "DeleteWithInstance": "false"})
}

func lookAttached(v disk, c driver.Call) (driver.EvidenceState, string) {
	host, _ := table.Link(c.Change, duoyun.RelAttach)
	switch {
	case v.Status == "In_use" && v.InstanceID == host.ID:
		return driver.Done, ""
	case v.Status == "Available":
		return driver.Absent, ""
	case v.Status == "In_use":
		return driver.Conflict, v.InstanceID
	}
	return driver.Pending, v.Status
}

// extend grows the disk where it is: online while a server has it.
func (d diskKind) extend(ctx context.Context, c driver.Call) (driver.Reply, error) {
	want := c.After.(duoyun.DiskSpec).SizeGiB
	v, err := d.disks().need(ctx, c.ID, c.Mark, "volume")
	if err != nil || v.Size >= want {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	in := params{"DiskId": v.ID, "NewSize": strconv.FormatInt(want, 10), "Type": "offline", "ClientToken": c.Token}
	if v.InstanceID != "" {
		in["Type"] = "online"
	}
	return d.change(ctx, ecs, "ResizeDisk", in)
}

func lookExtended(v disk, c driver.Call) (driver.EvidenceState, string) {
	before, _ := c.Before.(duoyun.DiskSpec)
	switch v.Size {
	case c.After.(duoyun.DiskSpec).SizeGiB:
		return driver.Done, ""
	case before.SizeGiB:
		return driver.Absent, v.Status
	}
	return driver.Conflict, strconv.FormatInt(v.Size, 10)
}

// unsubscribe has the disk charged on demand from now on; what was paid ahead is returned by the vendor's rules.
func (d diskKind) unsubscribe(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, ok, err := d.disks().find(ctx, c.ID, c.Mark)
	if err != nil || !ok || !v.subscribed() {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return d.change(ctx, ecs, "ModifyDiskChargeType", params{"InstanceId": v.InstanceID, "DiskIds": string(raw([]string{v.ID})), "DiskChargeType": "PostPaid",
		"AutoPay": "true", "ClientToken": c.Token})
}

func (d diskKind) lookUnsubscribed(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, ok, err := d.disks().find(ctx, c.ID, c.Mark)
	return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) {
		if ok && v.subscribed() {
			return driver.Absent, v.ID, v.ChargeType
		}
		return driver.Done, v.ID, ""
	})
}

// detach takes the disk off whatever server it is on; a disk that is on none, or gone, needs no call.
func (d diskKind) detach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, ok, err := d.disks().find(ctx, c.ID, c.Mark)
	if err != nil || !ok || v.InstanceID == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	reply, err := d.change(ctx, ecs, "DetachDisk", params{"InstanceId": v.InstanceID, "DiskId": v.ID})
	return reply, table.Ignoring(Code, err, driver.NotFound)
}

func (d diskKind) observed(v disk) driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: diskState(v.Status),
		Spec: duoyun.DiskSpec{SizeGiB: v.Size, Class: d.classOf("", v.Category)}, CreatedAt: when(v.CreationTime), Raw: raw(v)}
	if v.InstanceID != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: {v.InstanceID}}
	}
	if v.subscribed() {
		o.PaidUntil = when(v.ExpiredTime)
	}
	return o
}

// list leaves out system disks: they belong to their server, which takes them along.
func (d diskKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, partial, err := d.disks().page(ctx, cursor)
	p := driver.Page{Next: next, Partial: partial}
	for _, v := range all {
		if v.Type != "system" {
			p.Items = append(p.Items, d.observed(v))
		}
	}
	return p, err
}
