package huawei

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

type serverInfo struct {
	ID, Name, Description, Status, Created string
	TaskState                              string `json:"OS-EXT-STS:task_state"`
	Zone                                   string `json:"OS-EXT-AZ:availability_zone"`
	Flavor                                 struct{ ID, VCPUs, RAM string }
	Metadata                               map[string]string
	Tags                                   []string
	Fault                                  struct{ Message string }
	Groups                                 []struct{ ID, Name string } `json:"security_groups"`
	Volumes                                []struct {
		ID        string
		BootIndex string
	} `json:"os-extended-volumes:volumes_attached"`
	Addresses map[string][]struct {
		Addr   string
		Type   string `json:"OS-EXT-IPS:type"`
		PortID string `json:"OS-EXT-IPS:port_id"`
	}
}

// prepaid: ECS keeps the charging mode in the metadata, "1" for a subscription.
func (v serverInfo) prepaid() bool { return v.Metadata["charging_mode"] == "1" }

// mark is in the description, or in the tag where somebody has written another.
func (v serverInfo) mark() string {
	if m := table.MarkIn(v.Description); m != "" {
		return m
	}
	for _, t := range v.Tags {
		if m, ok := strings.CutPrefix(t, tagMark); ok && len(m) > 1 {
			return table.MarkIn(m[1:]) // key=value, or key.value as it was given
		}
	}
	return ""
}

// ports are the server's own, each with its private address; public IPs are resources by themselves.
func (v serverInfo) ports() (addresses, ids []string) {
	for _, network := range v.Addresses {
		for _, a := range network {
			if a.Type != "floating" {
				addresses, ids = append(addresses, a.Addr), append(ids, a.PortID)
			}
		}
	}
	slices.Sort(addresses)
	slices.Sort(ids)
	return addresses, ids
}

func whole64(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // no number: not shown
	return n
}

func (c *Cloud) server(ctx context.Context, id string) (serverInfo, error) {
	var reply struct{ Server serverInfo }
	_, err := c.call(ctx, operation{service: ecs, method: http.MethodGet, path: "/v1/{p}/cloudservers/" + id}, &reply)
	return whole(reply.Server, reply.Server.ID, err)
}

// find reads the server of a call, by id or by mark; none is an error with code NotFound.
func (s serverKind) find(ctx context.Context, c driver.Call) (serverInfo, error) {
	id, err := s.shelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return serverInfo{}, err
	}
	if id == "" {
		return serverInfo{}, table.Missing("server")
	}
	return s.server(ctx, id)
}

func serverThing(v serverInfo) table.Thing {
	return table.Thing{ID: v.ID, Note: v.mark(), State: serverState(v), Detail: v.Fault.Message}
}

func (s serverKind) shelf() table.Shelf {
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := s.server(ctx, id)
			return serverThing(v), err
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := s.page(ctx, cursor)
			return table.Things(all, serverThing), next, false, err
		},
	}
}

// page lists by marker: by page number, a server that goes would hide another.
func (s serverKind) page(ctx context.Context, cursor string) ([]serverInfo, string, error) {
	var reply struct{ Servers []serverInfo }
	_, err := s.call(ctx, operation{service: ecs, method: http.MethodGet, path: "/v1/{p}/cloudservers/detail", query: s.ours(cursor)}, &reply)
	return paged(reply.Servers, func(v serverInfo) string { return v.ID }, err)
}

// serverState follows the states of api-ecs ecs_08_0002. VERIFY_RESIZE is a resize that ECS itself confirms.
func serverState(v serverInfo) driver.ObservedState {
	if strings.HasSuffix(v.TaskState, "deleting") {
		return driver.Deleting
	}
	switch v.Status {
	case "ACTIVE":
		return driver.Active
	case "SHUTOFF", "PAUSED", "SUSPENDED", "SHELVED", "SHELVED_OFFLOADED":
		return driver.Stopped
	case "DELETED", "SOFT_DELETED":
		return driver.Deleting
	case "ERROR":
		return driver.Errored
	}
	return driver.Building
}

func (s serverKind) lookPower(stop bool) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		now, err := s.find(ctx, c)
		return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
			state, detail := powered(now, stop)
			return state, now.ID, detail
		})
	}
}

// powered says whether a server is off (stop) or on.
func powered(now serverInfo, stop bool) (driver.EvidenceState, string) {
	want := "ACTIVE"
	if stop {
		want = "SHUTOFF"
	}
	switch {
	case now.Status == "ERROR":
		return driver.Broken, now.Fault.Message
	case now.TaskState != "" || now.Status != "ACTIVE" && now.Status != "SHUTOFF":
		return driver.Pending, now.Status + " " + now.TaskState
	case now.Status == want:
		return driver.Done, ""
	}
	return driver.Absent, now.Status
}

// lookResize judges a server at rest by its size; a resize that failed leaves the old one. A size that covers both what
// was and what shall be is told by choosing again.
func (s serverKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	now, err := s.find(ctx, c)
	after, before := c.After.(duoyun.ServerSpec), c.Before.(duoyun.ServerSpec)
	target := now.Flavor.ID
	if err == nil && now.covers(after) && now.covers(before) && (after.VCPU < before.VCPU || after.RAMGiB < before.RAMGiB) {
		f, err := s.flavor(ctx, after, now.Zone)
		if err != nil {
			return driver.Evidence{}, err
		}
		target = f.ID
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch state, detail := powered(now, now.Status == "SHUTOFF"); {
		case state != driver.Done:
			return state, now.ID, detail
		case now.covers(after) && now.Flavor.ID == target:
			return driver.Done, now.ID, ""
		case now.covers(before):
			return driver.Absent, now.ID, now.Flavor.ID
		}
		return driver.Conflict, now.ID, now.Flavor.ID
	})
}

func (v serverInfo) covers(spec duoyun.ServerSpec) bool {
	return whole64(v.Flavor.VCPUs) >= spec.VCPU && whole64(v.Flavor.RAM) >= spec.RAMGiB*1024
}

// observe reads beside the server its system disk and its group's rules, so that what is verified is what the cloud has;
// only the image's portable name is our own note.
func (s serverKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := s.server(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := observedServer(v)
	spec := o.Spec.(duoyun.ServerSpec)
	for _, d := range v.Volumes {
		if d.BootIndex != "0" {
			continue
		}
		disk, err := s.volume(ctx, d.ID)
		if table.Ignoring(Code, err, driver.NotFound) != nil {
			return driver.Observation{}, err
		}
		spec.SystemDiskGiB = disk.Size
	}
	for _, g := range v.Groups {
		if g.Name != o.Mark || o.Mark == "" {
			continue
		}
		if spec.Ports, err = s.openPorts(ctx, g.ID); err != nil {
			return driver.Observation{}, err
		}
	}
	o.Spec = spec
	return s.subscribed(ctx, o, v.prepaid())
}

// openPorts reads what a security group lets in; empty but not nil when it is closed.
func (c *Cloud) openPorts(ctx context.Context, group string) ([]int, error) {
	all, err := c.rules(ctx, group)
	open := []int{}
	for _, r := range all {
		if p := opens(r); p > 0 {
			open = append(open, p)
		}
	}
	slices.Sort(open)
	return open, err
}

// observedServer is what a server's own record shows; ECS puts the VPC's id into the metadata.
func observedServer(v serverInfo) driver.Observation {
	addresses, _ := v.ports()
	o := driver.Observation{ID: v.ID, Mark: v.mark(), Name: v.Name, State: serverState(v), Addresses: addresses, CreatedAt: moment(v.Created),
		Spec: duoyun.ServerSpec{VCPU: whole64(v.Flavor.VCPUs), RAMGiB: whole64(v.Flavor.RAM) / 1024, Image: v.Metadata[metaImage],
			Stopped: v.Status == "SHUTOFF"},
		Raw: raw(map[string]any{"status": v.Status, "task_state": v.TaskState, "flavor": v.Flavor.ID, "availability_zone": v.Zone,
			"charging_mode": v.Metadata["charging_mode"], "order_id": v.Metadata["metering.order_id"], "fault": v.Fault.Message})}
	if network := v.Metadata["vpc_id"]; network != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {network}}
	}
	return o
}

// list shows what the listing itself shows; what needs a call for each server is left to Observe.
func (s serverKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, err := s.page(ctx, cursor)
	return observations(all, observedServer, next, false, err)
}
