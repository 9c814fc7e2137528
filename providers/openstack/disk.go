package openstack

import (
	"context"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// classStandard needs no mapping: it is the cloud's default volume type or storage policy.
const classStandard = "standard"

// diskKind is a Cinder volume, attached through Nova.
type diskKind struct{ *Cloud }

func (d diskKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: d.planCreate, Update: planGrow, Delete: table.Fixed(
			driver.Step{Name: "detach", Await: true}, driver.Step{Name: "delete-volume", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"volume":        {Run: d.create, Look: d.shelf().LookMainMade},
			"attach":        {Run: d.attach, Look: d.lookAttached},
			"extend":        {Run: d.extend, Look: d.lookExtended},
			"detach":        {Run: d.detach, Look: d.lookDetached},
			"delete-volume": {Run: d.remove, Look: d.shelf().LookMainUnmade},
		},
		Reading: d.observe, Listing: d.list,
	}
}

func (d diskKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if _, err := d.volumeType(c.After.(duoyun.DiskSpec).Class); err != nil {
		return nil, err
	}
	steps := []driver.Step{{Name: "volume", Main: true, Await: true}}
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

// volumeType maps a class; a class that is not mapped is not bought, since the cloud's default may be another one.
func (c *Cloud) volumeType(class string) (string, error) {
	mapped, ok := c.account.Mapping.Classes[class]
	if !ok && class != classStandard {
		return "", table.Impossible("class", "资源池没有把存储类型 %s 对应到云上的类型", "the account maps no volume type to class %s", class)
	}
	return mapped, nil
}

// classOf is the portable class of a volume type (prefix "") or storage policy; "" where several or none map to it.
func (c *Cloud) classOf(prefix, name string) string {
	found := ""
	for k, v := range c.account.Mapping.Classes {
		class, ok := strings.CutPrefix(k, prefix)
		if !ok || v != name || class == classSystem || strings.Contains(class, "/") {
			continue
		}
		if found != "" {
			return ""
		}
		found = class
	}
	return found
}

func (d diskKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.DiskSpec)
	class, err := d.volumeType(spec.Class)
	if err != nil {
		return driver.Reply{}, err
	}
	r := volumes.Create(ctx, d.volume, volumes.CreateOpts{Size: int(spec.SizeGiB), VolumeType: class, Name: table.Title(c.Change, longestName),
		Description: c.Mark, Metadata: map[string]string{metaMark: c.Mark}}, nil)
	v, err := r.Extract()
	if err != nil {
		return driver.Reply{}, err
	}
	return reply(v.ID, r.Header), nil
}

// attach goes through Nova, which asks Cinder for the connection; the attachment's id is the volume's.
func (d diskKind) attach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	server, ok := table.Link(c.Change, duoyun.RelAttach)
	if !ok || server.ID == "" {
		return driver.Reply{}, table.Impossible("attach", "没有要挂载的云主机", "there is no server to attach to")
	}
	v, err := d.read(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := volumeattach.Create(ctx, d.compute, server.ID, volumeattach.CreateOpts{VolumeID: v.ID})
	a, err := r.Extract()
	if err != nil {
		return driver.Reply{}, twice(err)
	}
	return reply(a.ID, r.Header), nil
}

// lookAttached asks Cinder: the volume is reserved, then attaching, then in-use, and names its server only then.
func (d diskKind) lookAttached(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	server, _ := table.Link(c.Change, duoyun.RelAttach)
	v, err := d.read(ctx, c)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch {
		case attachedTo(*v, server.ID) && v.Status == "in-use":
			return driver.Done, v.ID, ""
		case v.Status == "available":
			return driver.Absent, v.ID, ""
		case strings.HasPrefix(v.Status, "error"):
			return driver.Broken, v.ID, v.Status
		case v.Status == "in-use":
			return driver.Conflict, v.ID, v.Status
		}
		return driver.Pending, v.ID, v.Status
	})
}

func attachedTo(v volumes.Volume, server string) bool {
	return slices.ContainsFunc(v.Attachments, func(a volumes.Attachment) bool { return a.ServerID == server })
}

// extend grows the volume where it is; the microversion lets it be in use.
func (d diskKind) extend(ctx context.Context, c driver.Call) (driver.Reply, error) {
	want := int(c.After.(duoyun.DiskSpec).SizeGiB)
	v, err := d.read(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if v.Size >= want {
		return driver.Reply{}, nil
	}
	online := *d.volume
	online.Microversion = cinderExtend
	r := volumes.ExtendSize(ctx, &online, v.ID, volumes.ExtendSizeOpts{NewSize: want})
	return reply("", r.Header), r.Err
}

// lookExtended: a volume that failed to grow is error_extending at its old size, and its data is whole.
func (d diskKind) lookExtended(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := d.read(ctx, c)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		after, size := c.After.(duoyun.DiskSpec).SizeGiB, int64(v.Size)
		before, _ := c.Before.(duoyun.DiskSpec)
		switch {
		case strings.HasPrefix(v.Status, "error"):
			return driver.Broken, v.ID, v.Status
		case v.Status != "available" && v.Status != "in-use":
			return driver.Pending, v.ID, v.Status
		case size == after:
			return driver.Done, v.ID, ""
		case size == before.SizeGiB:
			return driver.Absent, v.ID, ""
		}
		return driver.Conflict, v.ID, v.Status
	})
}

// detach takes the volume off the server it is on; a volume that is on none, or gone, needs no call.
func (d diskKind) detach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := d.find(ctx, c)
	if err != nil || v == nil || len(v.Attachments) == 0 {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	server := v.Attachments[0].ServerID
	if parent, ok := table.Link(c.Change, duoyun.RelAttach); ok && attachedTo(*v, parent.ID) {
		server = parent.ID
	}
	r := volumeattach.Delete(ctx, d.compute, server, v.ID)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

// lookDetached finds the volume first by listing where its id is lost; no volume is on no server.
func (d diskKind) lookDetached(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	found, ev, err := d.shelf().Find(ctx, c, c.ID, c.Mark)
	if err != nil || len(found) == 0 {
		ev.State = driver.Done
		return ev, err
	}
	v, err := volumes.Get(ctx, d.volume, found[0].ID).Extract()
	return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) {
		switch {
		case v.Status == "detaching":
			return driver.Pending, v.ID, v.Status
		case len(v.Attachments) > 0:
			return driver.Absent, v.ID, v.Status
		}
		return driver.Done, v.ID, ""
	})
}

func (d diskKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	id, err := d.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil || id == "" {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r := volumes.Delete(ctx, d.volume, id, nil)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

// read returns the volume of a call, or an error with code NotFound.
func (d diskKind) read(ctx context.Context, c driver.Call) (*volumes.Volume, error) {
	v, err := d.find(ctx, c)
	if err == nil && v == nil {
		err = table.Missing("volume")
	}
	return v, err
}

// find returns the volume of a call, or nil when there is none.
func (d diskKind) find(ctx context.Context, c driver.Call) (*volumes.Volume, error) {
	id, err := d.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil || id == "" {
		return nil, err
	}
	v, err := volumes.Get(ctx, d.volume, id).Extract()
	if err != nil {
		return nil, table.Ignoring(Code, err, driver.NotFound)
	}
	return v, nil
}

func (d diskKind) shelf() table.Shelf {
	view := func(v volumes.Volume) table.Thing {
		return table.Thing{ID: v.ID, Note: volumeMark(v), State: volumeState(v.Status), Detail: v.Status}
	}
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := volumes.Get(ctx, d.volume, id).Extract()
			if err != nil {
				return table.Thing{}, err
			}
			return view(*v), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := d.page(ctx, cursor)
			return table.Things(all, view), next, false, err
		},
	}
}

func (d diskKind) page(ctx context.Context, cursor string) ([]volumes.Volume, string, error) {
	var body struct {
		Volumes []volumes.Volume
		Links   links `json:"volumes_links"`
	}
	err := fetch(ctx, d.volume, d.volume.ServiceURL("volumes", "detail"), "", cursor, &body)
	return paged(body.Volumes, body.Links, err, func(v volumes.Volume) string { return v.ID })
}

func volumeMark(v volumes.Volume) string {
	if m := v.Metadata[metaMark]; m != "" {
		return m
	}
	return table.MarkIn(v.Description)
}

// volumeState follows Cinder's volume statuses (API reference, v3). Reserved, attaching, extending and the like are
// volumes that are there and busy.
func volumeState(status string) driver.ObservedState {
	switch status {
	case "creating", "downloading", "restoring-backup", "managing":
		return driver.Building
	case "deleting":
		return driver.Deleting
	case "error", "error_deleting", "error_managing", "error_restoring":
		return driver.Errored
	}
	return driver.Active
}

func (d diskKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := volumes.Get(ctx, d.volume, id).Extract()
	if err != nil {
		return driver.Observation{}, err
	}
	return d.observed(*v), nil
}

func (d diskKind) observed(v volumes.Volume) driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: volumeMark(v), Name: v.Name, State: volumeState(v.Status), CreatedAt: v.CreatedAt,
		Spec: duoyun.DiskSpec{SizeGiB: int64(v.Size), Class: d.classOf("", v.VolumeType)},
		Raw:  raw(map[string]any{"status": v.Status, "volume_type": v.VolumeType, "availability_zone": v.AvailabilityZone, "bootable": v.Bootable})}
	for _, a := range v.Attachments {
		if o.Links == nil {
			o.Links = map[duoyun.Relation][]string{}
		}
		o.Links[duoyun.RelAttach] = append(o.Links[duoyun.RelAttach], a.ServerID)
	}
	return o
}

// list leaves out the system volumes of servers: they belong to their server, which deletes them.
func (d diskKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, err := d.page(ctx, cursor)
	p := driver.Page{Next: next}
	for _, v := range all {
		if !systemVolume(v) {
			p.Items = append(p.Items, d.observed(v))
		}
	}
	return p, err
}

// systemVolume recognises what Nova made for a server: bootable, unmarked, and its first device.
func systemVolume(v volumes.Volume) bool {
	if volumeMark(v) != "" || v.Bootable != "true" {
		return false
	}
	return slices.ContainsFunc(v.Attachments, func(a volumes.Attachment) bool {
		return strings.HasSuffix(a.Device, "da") // /dev/vda, /dev/sda, /dev/xvda
	})
}
