package aws

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// diskKind is an EBS volume.
type diskKind struct{ *Cloud }

func (d diskKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: d.planCreate, Update: planGrow, Delete: table.Fixed(
			driver.Step{Name: "detach", Await: true}, driver.Step{Name: "delete-volume", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"volume":        {Run: d.make, Look: d.disks().shelf().LookMainMade},
			"attach":        {Run: d.attach, Look: d.lookAttached},
			"extend":        {Run: d.extend, Look: d.lookExtended},
			"detach":        {Run: d.detach, Look: d.lookDetached},
			"delete-volume": {Run: d.disks().removal("", "DeleteVolume", "VolumeId"), Look: d.disks().shelf().LookMainUnmade},
		},
		Reading: d.observe, Listing: d.list,
	}
}

func (d diskKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if _, err := d.volumeType(c.After.(duoyun.DiskSpec).Class); err != nil {
		return nil, err
	}
	steps := []driver.Step{{Name: "volume", Main: true, Await: true}}
	if _, attached := table.Link(c, duoyun.RelAttach); attached {
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

// volumeType maps a class to a volume type such as gp3; a class that is not mapped is not bought.
func (c *Cloud) volumeType(class string) (string, error) {
	if mapped := c.account.Mapping.Classes[class]; mapped != "" {
		return mapped, nil
	}
	return "", table.Impossible("class", "资源池没有把存储类型 %s 对应到卷类型", "the account maps no volume type to class %s", class)
}

// classOf is the one class that is mapped to a volume type; "" where several or none are.
func (c *Cloud) classOf(volumeType string) string {
	found := ""
	for class, mapped := range c.account.Mapping.Classes {
		if mapped != volumeType || class == classSystem || class == classDatabase || isCacheSize(class) {
			continue
		}
		if found != "" {
			return ""
		}
		found = class
	}
	return found
}

// disk is a volume as DescribeVolumes shows it.
type disk struct {
	ID       string `xml:"volumeId"`
	Size     int64  `xml:"size"` // GiB
	Type     string `xml:"volumeType"`
	Zone     string `xml:"availabilityZone"`
	State    string `xml:"status"`
	Created  string `xml:"createTime"`
	Attached []struct {
		ServerID string `xml:"instanceId"`
		State    string `xml:"status"`
		Owned    bool   `xml:"deleteOnTermination"`
	} `xml:"attachmentSet>item"`
	Tags tags `xml:"tagSet>item"`
}

func (v disk) key() string { return v.ID }

func (v disk) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Tags.value(tagMark), State: diskState(v.State), Detail: v.State}
}

// at is the server a disk is on, with the attachment's state.
func (v disk) at() (server, state string) {
	if len(v.Attached) == 0 {
		return "", ""
	}
	return v.Attached[0].ServerID, v.Attached[0].State
}

func diskState(state string) driver.ObservedState {
	switch state {
	case "creating":
		return driver.Building
	case "deleting", "deleted":
		return driver.Deleting
	case "error":
		return driver.Errored
	}
	return driver.Active
}

func (c *Cloud) disks() listing[disk] {
	return listing[disk]{cloud: c, service: ec2, action: "DescribeVolumes", list: "volumeSet", fits: begins("vol-"), id: "VolumeId.1"}
}

// make puts the disk into the zone of the server it shall hang on: a disk cannot leave its zone.
func (d diskKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.DiskSpec)
	kind, err := d.volumeType(spec.Class)
	if err != nil {
		return driver.Reply{}, err
	}
	var zone string
	if host, attached := table.Link(c.Change, duoyun.RelAttach); attached {
		var v server
		v, err = d.servers().get(ctx, host.ID)
		zone = v.Zone
	} else {
		zone, _, err = d.zonesFor(ctx, c.Zone)
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	in := params{"AvailabilityZone": zone, "Size": strconv.FormatInt(spec.SizeGiB, 10), "VolumeType": kind, "ClientToken": c.Token}
	return d.create(ctx, ec2, "CreateVolume", in.labelled("volume", c.Mark, table.Title(c.Change, longestName)), "volumeId")
}

func (d diskKind) attach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	host, ok := table.Link(c.Change, duoyun.RelAttach)
	if !ok {
		return driver.Reply{}, table.Impossible("attach", "没有要挂载的云主机", "there is no server to attach to")
	}
	v, err := d.disks().need(ctx, c.ID, c.Mark, "volume")
	if at, _ := v.at(); err != nil || at == host.ID {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	s, err := d.servers().get(ctx, host.ID)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	device, err := s.freeDevice()
	if err != nil {
		return driver.Reply{}, err
	}
	return d.change(ctx, ec2, "AttachVolume", params{"InstanceId": s.ID, "VolumeId": v.ID, "Device": device})
}

// freeDevice is a name that no disk of a server has, among those the vendor recommends for data volumes
// (docs.aws.amazon.com/ebs/latest/userguide/device_naming.html).
func (v server) freeDevice() (string, error) {
	for letter := 'f'; letter <= 'p'; letter++ {
		name := fmt.Sprintf("/dev/sd%c", letter)
		if !slices.ContainsFunc(v.Disks, func(d mapped) bool { return d.Device == name }) {
			return name, nil
		}
	}
	return "", table.Impossible("attach", "云主机最多挂载 11 块数据盘", "a server takes at most 11 data disks")
}

func (d diskKind) lookAttached(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	host, _ := table.Link(c.Change, duoyun.RelAttach)
	v, err := d.disks().need(ctx, c.ID, c.Mark, "volume")
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch at, state := v.at(); {
		case at == "":
			return driver.Absent, v.ID, v.State
		case at != host.ID:
			return driver.Conflict, v.ID, at
		case state != "attached":
			return driver.Pending, v.ID, state
		}
		return driver.Done, v.ID, ""
	})
}

// extend grows the disk where it is, on a running server too.
func (d diskKind) extend(ctx context.Context, c driver.Call) (driver.Reply, error) {
	want := c.After.(duoyun.DiskSpec).SizeGiB
	v, err := d.disks().need(ctx, c.ID, c.Mark, "volume")
	if err != nil || v.Size >= want {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return d.change(ctx, ec2, "ModifyVolume", params{"VolumeId": v.ID, "Size": strconv.FormatInt(want, 10)})
}

// modifying is whether a volume is on its way to another size, which it shows only when it is there.
func (d diskKind) modifying(ctx context.Context, id string) (bool, error) {
	answer, err := d.call(ctx, ec2, "DescribeVolumesModifications", params{"Filter.1.Name": "volume-id", "Filter.1.Value.1": id})
	if err != nil {
		return false, err
	}
	all, err := items[struct {
		State string `xml:"modificationState"`
	}](answer, "volumeModificationSet")
	return len(all) > 0 && all[len(all)-1].State == "modifying", err
}

func (d diskKind) lookExtended(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := d.disks().need(ctx, c.ID, c.Mark, "volume")
	var busy bool
	if err == nil {
		busy, err = d.modifying(ctx, v.ID)
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.DiskSpec)
		switch {
		case v.Size == c.After.(duoyun.DiskSpec).SizeGiB:
			return driver.Done, v.ID, ""
		case busy:
			return driver.Pending, v.ID, "modifying"
		case v.Size == before.SizeGiB:
			return driver.Absent, v.ID, v.State
		}
		return driver.Conflict, v.ID, strconv.FormatInt(v.Size, 10)
	})
}

// detach takes the disk off whatever server it is on; a disk that is on none, or gone, needs no call.
func (d diskKind) detach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, ok, err := d.disks().find(ctx, c.ID, c.Mark)
	at, _ := v.at()
	if err != nil || !ok || at == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	reply, err := d.change(ctx, ec2, "DetachVolume", params{"InstanceId": at, "VolumeId": v.ID})
	return reply, table.Ignoring(Code, err, driver.NotFound)
}

// lookDetached finds the disk by listing where its id is lost; no disk is on no server.
func (d diskKind) lookDetached(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, _, err := d.disks().find(ctx, c.ID, c.Mark)
	return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) {
		switch at, state := v.at(); {
		case state == "detaching":
			return driver.Pending, v.ID, state
		case at != "":
			return driver.Absent, v.ID, state
		}
		return driver.Done, v.ID, ""
	})
}

func (d diskKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := d.disks().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	return d.observed(v), nil
}

func (d diskKind) observed(v disk) driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Tags.value(tagMark)), Name: v.Tags.value(tagName), State: diskState(v.State),
		Spec: duoyun.DiskSpec{SizeGiB: v.Size, Class: d.classOf(v.Type)}, CreatedAt: when(v.Created), Raw: raw(v)}
	if at, _ := v.at(); at != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: {at}}
	}
	return o
}

// list leaves out what goes with its server: system disks.
func (d diskKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, partial, err := d.disks().page(ctx, cursor)
	p := driver.Page{Next: next, Partial: partial}
	for _, v := range all {
		if len(v.Attached) == 0 || !v.Attached[0].Owned {
			p.Items = append(p.Items, d.observed(v))
		}
	}
	return p, err
}
