package huawei

import (
	"context"
	"net/http"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// diskKind is an EVS volume, attached through ECS.
type diskKind struct{ *Cloud }

type volumeInfo struct {
	ID, Name, Description, Status, Bootable string
	Size                                    int64
	Type                                    string         `json:"volume_type"`
	Zone                                    string         `json:"availability_zone"`
	CreatedAt                               string         `json:"created_at"`
	Metadata                                map[string]any // orderID: it is a subscription
	Attachments                             []struct {
		ServerID string `json:"server_id"`
		Device   string
	}
}

func (v volumeInfo) prepaid() bool {
	return v.Metadata["orderID"] != nil && v.Metadata["orderID"] != ""
}

func (v volumeInfo) servers() (ids []string) {
	for _, a := range v.Attachments {
		ids = append(ids, a.ServerID)
	}
	return ids
}

func (d diskKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: d.plan, Update: planGrow, Renew: d.renewable, Delete: table.Fixed(step("detach"), principal("delete-volume"))},
		Verbs: map[string]table.Verb{
			"volume":        {Run: d.create, Look: d.built(evs, d.shelf())},
			"attach":        {Run: d.attach, Look: d.lookAttached},
			"extend":        {Run: d.extend, Look: d.lookExtended},
			"detach":        {Run: d.detach, Look: d.lookDetached},
			"renew":         {Run: d.renew, Look: d.lookRenewed},
			"delete-volume": {Run: d.remove, Look: d.shelf().LookMainUnmade},
		},
		Reading: d.observe, Listing: d.list,
	}
}

func (d diskKind) plan(c driver.Change) ([]driver.Step, error) {
	if _, err := d.class(c.After.(duoyun.DiskSpec).Class); err != nil {
		return nil, err
	}
	steps := []driver.Step{principal("volume")}
	if _, ok := table.Link(c, duoyun.RelAttach); ok {
		steps = append(steps, step("attach"))
	}
	return steps, d.subscribable(c)
}

func planGrow(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.DiskSpec), c.After.(duoyun.DiskSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Class != after.Class || after.SizeGiB < before.SizeGiB:
		return nil, table.Impossible("spec", "云硬盘只能扩容", "a disk can only grow")
	}
	return []driver.Step{step("extend")}, nil
}

// class maps a class to a volume type, or with a prefix such as "bucket/" to what other kinds have like it. One that is
// not mapped is not bought: there is no default.
func (c *Cloud) class(class string) (string, error) {
	mapped := c.account.Mapping.Classes[class]
	if mapped == "" {
		return "", table.Impossible("class", "资源池没有把存储类型 %s 对应到云上的类型", "the account maps no type to class %s", class)
	}
	return mapped, nil
}

// classOf is the portable class of a type; "" where several or none map to it.
func (c *Cloud) classOf(prefix, name string) string {
	found := ""
	for k, v := range c.account.Mapping.Classes {
		class, ok := strings.CutPrefix(k, prefix)
		if !ok || v != name || class == classSystem || class == classDatabase || strings.Contains(class, "/") {
			continue
		}
		if found != "" {
			return ""
		}
		found = class
	}
	return found
}

// create puts a disk where its server is: ECS attaches only what is in the same zone.
func (d diskKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.DiskSpec)
	class, err := d.class(spec.Class)
	if err != nil {
		return driver.Reply{}, err
	}
	zone, err := d.zoneOf(ctx, c)
	if err != nil {
		return driver.Reply{}, err
	}
	volume := map[string]any{"name": table.Title(c.Change, 255), "description": c.Mark, "size": spec.SizeGiB, "volume_type": class,
		"availability_zone": zone, "tags": map[string]string{tagMark: c.Mark}}
	d.grouped(volume)
	body := map[string]any{"volume": volume}
	if c.Months > 0 {
		terms := map[string]any{}
		if err := withTerm(terms, c.Change, termNames{"chargingMode", "periodType", "periodNum", "isAutoRenew", "isAutoPay", true}); err != nil {
			return driver.Reply{}, err
		}
		body["bssParam"] = terms
	}
	var reply struct {
		JobID     string   `json:"job_id"`
		OrderID   string   `json:"order_id"`
		VolumeIDs []string `json:"volume_ids"`
	}
	id, err := d.call(ctx, operation{service: evs, method: http.MethodPost, path: "/v2.1/{p}/cloudvolumes", token: c.Token, body: body}, &reply)
	order := reply.OrderID
	if order == "" {
		order = reply.JobID
	}
	return made(first(reply.VolumeIDs), order, id, err)
}

func (d diskKind) zoneOf(ctx context.Context, c driver.Call) (string, error) {
	if parent, ok := table.Link(c.Change, duoyun.RelAttach); ok {
		v, err := d.server(ctx, parent.ID)
		return v.Zone, table.Unsent(Code, err)
	}
	return d.mapped(ctx, c.Zone)
}

func (d diskKind) attach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	parent, ok := table.Link(c.Change, duoyun.RelAttach)
	if !ok {
		return driver.Reply{}, table.Impossible("attach", "没有要挂载的云主机", "there is no server to attach to")
	}
	v, err := d.read(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r, err := d.job(ctx, operation{service: ecs, method: http.MethodPost, path: "/v1/{p}/cloudservers/" + parent.ID + "/attachvolume",
		body: map[string]any{"volumeAttachment": map[string]string{"volumeId": v.ID}}})
	return r, twice(err)
}

// lookAttached asks EVS: the volume is attaching, then in-use, and names its server.
func (d diskKind) lookAttached(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	parent, _ := table.Link(c.Change, duoyun.RelAttach)
	v, err := d.read(ctx, c)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch {
		case v.Status == "in-use" && len(v.Attachments) > 0 && v.Attachments[0].ServerID == parent.ID:
			return driver.Done, v.ID, ""
		case v.Status == "available":
			return driver.Absent, v.ID, ""
		case strings.HasPrefix(v.Status, "error"):
			return driver.Broken, v.ID, v.Status
		case v.Status == "in-use":
			return driver.Conflict, v.ID, strings.Join(v.servers(), " ")
		}
		return driver.Pending, v.ID, v.Status
	})
}

// extend grows the volume where it is, attached or not.
func (d diskKind) extend(ctx context.Context, c driver.Call) (driver.Reply, error) {
	want := c.After.(duoyun.DiskSpec).SizeGiB
	v, err := d.read(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	if v.Size >= want {
		return driver.Reply{}, nil
	}
	body := map[string]any{"os-extend": map[string]int64{"new_size": want}}
	if v.prepaid() {
		body["bssParam"] = map[string]string{"isAutoPay": "true"}
	}
	return d.job(ctx, operation{service: evs, method: http.MethodPost, path: "/v2.1/{p}/cloudvolumes/" + v.ID + "/action", body: body})
}

// lookExtended: a volume that failed to grow is error_extending at its old size, and its data is whole.
func (d diskKind) lookExtended(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := d.read(ctx, c)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.DiskSpec)
		switch {
		case strings.HasPrefix(v.Status, "error"):
			return driver.Broken, v.ID, v.Status
		case v.Status != "available" && v.Status != "in-use":
			return driver.Pending, v.ID, v.Status
		case v.Size == c.After.(duoyun.DiskSpec).SizeGiB:
			return driver.Done, v.ID, ""
		case v.Size == before.SizeGiB:
			return driver.Absent, v.ID, ""
		}
		return driver.Conflict, v.ID, v.Status
	})
}

// detach takes the volume off the server it is on; one that is on none, or gone, needs no call.
func (d diskKind) detach(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := d.read(ctx, c)
	if Code(err) == driver.NotFound || err == nil && (len(v.Attachments) == 0 || v.Status == "detaching") {
		return driver.Reply{}, nil
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	r, err := d.job(ctx, operation{service: ecs, method: http.MethodDelete,
		path: "/v1/{p}/cloudservers/" + v.Attachments[0].ServerID + "/detachvolume/" + v.ID})
	return r, table.Ignoring(Code, err, driver.NotFound)
}

// lookDetached finds the volume first by listing where its id is lost; no volume is on no server.
func (d diskKind) lookDetached(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	found, ev, err := d.shelf().Find(ctx, c, c.ID, c.Mark)
	if err != nil || len(found) == 0 {
		ev.State = driver.Done
		return ev, err
	}
	v, err := d.volume(ctx, found[0].ID)
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
	v, err := d.read(ctx, c)
	if Code(err) == driver.NotFound || err == nil && v.Status == "deleting" {
		return driver.Reply{}, nil
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return d.release(ctx, v.ID, v.prepaid(), operation{service: evs, method: http.MethodDelete, path: "/v2/{p}/cloudvolumes/" + v.ID})
}

// read returns the volume of a call; none is an error with code NotFound.
func (d diskKind) read(ctx context.Context, c driver.Call) (volumeInfo, error) {
	id, err := d.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return volumeInfo{}, err
	}
	if id == "" {
		return volumeInfo{}, table.Missing("volume")
	}
	return d.volume(ctx, id)
}

func (c *Cloud) volume(ctx context.Context, id string) (volumeInfo, error) {
	var reply struct{ Volume volumeInfo }
	_, err := c.call(ctx, operation{service: evs, method: http.MethodGet, path: "/v2/{p}/cloudvolumes/" + id}, &reply)
	return whole(reply.Volume, reply.Volume.ID, err)
}

func volumeThing(v volumeInfo) table.Thing {
	return table.Thing{ID: v.ID, Note: v.Description, State: volumeState(v.Status), Detail: v.Status}
}

func (d diskKind) shelf() table.Shelf {
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := d.volume(ctx, id)
			return volumeThing(v), err
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := d.page(ctx, cursor)
			return table.Things(all, volumeThing), next, false, err
		},
	}
}

func (d diskKind) page(ctx context.Context, cursor string) ([]volumeInfo, string, error) {
	var reply struct{ Volumes []volumeInfo }
	_, err := d.call(ctx, operation{service: evs, method: http.MethodGet, path: "/v2/{p}/cloudvolumes/detail", query: d.ours(cursor)}, &reply)
	return paged(reply.Volumes, func(v volumeInfo) string { return v.ID }, err)
}

// volumeState follows the states of api-evs evs_04_0040; those of a busy volume are of one that is there.
func volumeState(status string) driver.ObservedState {
	switch status {
	case "creating", "downloading", "restoring-backup":
		return driver.Building
	case "deleting":
		return driver.Deleting
	case "error", "error_deleting", "error_restoring", "error_extending", "error_rollbacking":
		return driver.Errored
	}
	return driver.Active
}

func (d diskKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := d.volume(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	return d.subscribed(ctx, d.observed(v), v.prepaid())
}

func (d diskKind) observed(v volumeInfo) driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: volumeState(v.Status), CreatedAt: moment(v.CreatedAt),
		Spec: duoyun.DiskSpec{SizeGiB: v.Size, Class: d.classOf("", v.Type)},
		Raw:  raw(map[string]any{"status": v.Status, "volume_type": v.Type, "availability_zone": v.Zone, "bootable": v.Bootable, "order_id": v.Metadata["orderID"]})}
	if on := v.servers(); len(on) > 0 {
		o.Links = map[duoyun.Relation][]string{duoyun.RelAttach: on}
	}
	return o
}

// list leaves out the system disks of servers: they belong to their server, which deletes them.
func (d diskKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, err := d.page(ctx, cursor)
	data := make([]volumeInfo, 0, len(all))
	for _, v := range all {
		if table.MarkIn(v.Description) != "" || v.Bootable != "true" {
			data = append(data, v)
		}
	}
	return observations(data, d.observed, next, false, err)
}
