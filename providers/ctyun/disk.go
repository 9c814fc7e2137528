package ctyun

import (
	"context"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// classStandard needs no mapping: it is what every pool sells, SATA disks and STANDARD buckets.
const classStandard = "standard"

// smallestDisk is what the vendor sells at least, in GiB.
const smallestDisk = 10

// diskKind is a data disk 云硬盘, named by its mark: names are unique in an account.
type diskKind struct{ *Cloud }

// disk is a disk as the vendor shows it.
type disk struct {
	ID       string `json:"diskID"`
	Name     string `json:"diskName"`
	Size     int64  `json:"diskSize"`
	Type     string `json:"diskType"`
	Status   string `json:"diskStatus"`
	Zone     string `json:"azName"`
	Created  text   `json:"createTime"`
	Expires  text   `json:"expireTime"`
	System   bool   `json:"isSystemVolume"`
	Server   string `json:"instanceID"`
	OnDemand bool   `json:"onDemand"`
}

func (d diskKind) kind() *table.Kind {
	all := d.disks()
	return &table.Kind{
		Plans: table.Plans{Create: d.planCreate, Update: planGrow, Renew: planRenew, Delete: table.Fixed(
			driver.Step{Name: "detach", Await: true}, driver.Step{Name: "delete-volume", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"volume": {Run: d.create, Look: all.lookBought, Token: true},
			"attach": {Run: d.attach, Look: all.effect(driver.Absent, attached)},
			"extend": {Run: d.extend, Look: all.effect(driver.Absent, extended)},
			"renew":  {Run: d.renew, Look: all.effect(driver.Absent, func(c driver.Call, v disk) (driver.EvidenceState, string) { return renewed(c, d.observed(v)) })},
			"detach": {Run: d.detach, Look: all.effect(driver.Done, detached)},
			"delete-volume": {Look: all.table().LookMainUnmade, Run: all.remove("", func(c driver.Call, v disk) request {
				return post(ebs, "/v4/ebs/refund-ebs", args{"clientToken": token(c), "diskID": v.ID})
			})},
		},
		Reading: func(ctx context.Context, id string) (driver.Observation, error) {
			v, err := all.read(ctx, id)
			return d.observed(v), err
		},
		// system disks belong to their server, which takes them along
		Listing: all.observations(func(v disk) (driver.Observation, bool) { return d.observed(v), !v.System }),
	}
}

func (d diskKind) planCreate(c driver.Change) ([]driver.Step, error) {
	spec := c.After.(duoyun.DiskSpec)
	if _, err := d.class("", spec.Class, defaultSystemDisk); err != nil {
		return nil, err
	}
	if spec.SizeGiB < smallestDisk {
		return nil, table.Impossible("size_gib", "天翼云云硬盘至少 10 GiB", "a disk of this vendor has 10 GiB at least")
	}
	steps := []driver.Step{{Name: "volume", Main: true, Await: true}}
	if _, ok := table.Link(c, duoyun.RelAttach); ok {
		steps = append(steps, driver.Step{Name: "attach", Await: true})
	}
	return steps, terms(c)
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

// class maps a portable class, under a prefix, to the vendor's; one that is not mapped is not bought.
func (c *Cloud) class(prefix, class, standard string) (string, error) {
	mapped, ok := c.account.Mapping.Classes[prefix+class]
	switch {
	case ok && mapped != "":
		return mapped, nil
	case class == classStandard:
		return standard, nil
	}
	return "", table.Impossible("class", "资源池没有把类型 %s 对应到云上的类型", "the account maps class %s to no type of the vendor", prefix+class)
}

// classOf is the portable class of the vendor's type.
func (c *Cloud) classOf(prefix, kind, standard string) string {
	if c.account.Mapping.Classes[prefix+classStandard] == "" && kind == standard {
		return classStandard
	}
	return portable(c.account.Mapping.Classes, prefix, kind)
}

// create orders the disk in the zone of the line: it must be that of the server it is for.
func (d diskKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.DiskSpec)
	class, err := d.class("", spec.Class, defaultSystemDisk)
	if err != nil {
		return driver.Reply{}, err
	}
	a := d.project(args{"clientToken": token(c), "diskName": c.Mark, "diskType": class, "diskSize": spec.SizeGiB, "diskMode": "VBD",
		"multiAttach": false, "isEncrypt": false, "onDemand": c.Months == 0})
	if c.Months > 0 {
		a["cycleType"], a["cycleCount"] = cycle(c.Months)
	}
	if zone := d.account.Mapping.Zones[c.Zone]; zone != "" {
		a["azName"] = zone
	}
	return d.mutate(ctx, post(ebs, "/v4/ebs/new-ebs", a), ordered)
}

func (d diskKind) attach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	server, ok := table.Link(c.Change, duoyun.RelAttach)
	if !ok {
		return driver.Reply{}, table.Impossible("attach", "没有要挂载的云主机", "there is no server to attach to")
	}
	v, err := d.disks().must(ctx, c, "volume")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if v.Server == server.ID {
		return driver.Reply{}, nil
	}
	return d.mutate(ctx, post(ebs, "/v4/ebs/attach-ebs", args{"diskID": v.ID, "instanceID": server.ID}), "")
}

func attached(c driver.Call, v disk) (driver.EvidenceState, string) {
	server, _ := table.Link(c.Change, duoyun.RelAttach)
	switch {
	case v.broken():
		return driver.Broken, v.Status
	case v.busy():
		return driver.Pending, v.Status
	case v.Server == server.ID && server.ID != "":
		return driver.Done, ""
	case v.Server == "":
		return driver.Absent, v.Status
	}
	return driver.Conflict, v.Server
}

func (d diskKind) extend(ctx context.Context, c driver.Call) (driver.Reply, error) {
	want := c.After.(duoyun.DiskSpec).SizeGiB
	v, err := d.disks().must(ctx, c, "volume")
	if err != nil || v.Size >= want {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return d.mutate(ctx, post(ebs, "/v4/ebs/resize-ebs", args{"clientToken": token(c), "diskID": v.ID, "diskSize": want}), "")
}

func extended(c driver.Call, v disk) (driver.EvidenceState, string) {
	before, _ := c.Before.(duoyun.DiskSpec)
	switch {
	case v.broken():
		return driver.Broken, v.Status
	case v.busy():
		return driver.Pending, v.Status
	case v.Size == c.After.(duoyun.DiskSpec).SizeGiB:
		return driver.Done, ""
	case v.Size == before.SizeGiB:
		return driver.Absent, ""
	}
	return driver.Conflict, v.Status
}

func (d diskKind) renew(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := d.disks().must(ctx, c, "volume")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	unit, count := cycle(c.Months)
	return d.mutate(ctx, post(ebs, "/v4/ebs/renew-ebs", args{"clientToken": token(c), "diskID": v.ID, "cycleType": unit, "cycleCount": count}), "")
}

// detach takes the disk off the server it is on; one that is on none, or gone, needs no call.
func (d diskKind) detach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := d.disks().of(ctx, c)
	if err != nil || v == nil || v.Server == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return d.mutate(ctx, post(ebs, "/v4/ebs/detach-ebs", args{"diskID": v.ID, "instanceID": v.Server}), "")
}

func detached(_ driver.Call, v disk) (driver.EvidenceState, string) {
	switch {
	case v.Status == "detaching":
		return driver.Pending, v.Status
	case v.Server != "":
		return driver.Absent, v.Status
	}
	return driver.Done, ""
}

func (v disk) broken() bool { return strings.HasPrefix(v.Status, "error") }

// busy reports whether something is being done to the disk: all such states end so.
func (v disk) busy() bool { return strings.HasSuffix(v.Status, "ing") && v.Status != "freezing" }

func (c *Cloud) disks() shelf[disk] {
	return shelf[disk]{Cloud: c, list: get(ebs, "/v4/ebs/list-ebs", nil), member: "diskList", size: 300,
		show: func(id string) request { return get(ebs, "/v4/ebs/info-ebs", args{"diskID": id}) },
		view: func(v disk) table.Thing {
			return table.Thing{ID: v.ID, Note: v.Name, State: v.state(), Detail: v.Status}
		}}
}

// state follows the vendor's table of a disk's states. A disk that failed to grow or to be attached is there all the same.
func (v disk) state() driver.ObservedState {
	switch v.Status {
	case "creating":
		return driver.Building
	case "deleting":
		return driver.Deleting
	case "error", "error_deleting":
		return driver.Errored
	case "expired", "freezing":
		return driver.Stopped
	}
	return driver.Active
}

func (d diskKind) observed(v disk) driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Name), Name: v.Name, State: v.state(), CreatedAt: v.Created.when(),
		Spec: duoyun.DiskSpec{SizeGiB: v.Size, Class: d.classOf("", v.Type, defaultSystemDisk)},
		Raw:  raw(map[string]any{"status": v.Status, "type": v.Type, "availability_zone": v.Zone, "expires": v.Expires})}
	if v.Server != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: {v.Server}}
	}
	if !v.OnDemand {
		o.PaidUntil = v.Expires.when()
	}
	return o
}
