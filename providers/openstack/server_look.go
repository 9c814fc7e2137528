package openstack

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/instanceactions"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// lookRule reads the rules of the group: its own listing is whole.
func (s serverKind) lookRule(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	port, group, err := s.rule(ctx, c)
	if err != nil {
		return driver.Evidence{}, err
	}
	g, err := groups.Get(ctx, s.network, group).Extract()
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		i := slices.IndexFunc(g.Rules, func(r rules.SecGroupRule) bool { return opens(r) == port })
		if i < 0 {
			return driver.Absent, "", ""
		}
		return driver.Done, g.Rules[i].ID, ""
	})
}

// opens returns the one TCP port a rule lets in, or 0.
func opens(r rules.SecGroupRule) int {
	if r.Direction == string(rules.DirIngress) && r.Protocol == string(rules.ProtocolTCP) && r.PortRangeMin == r.PortRangeMax {
		return r.PortRangeMin
	}
	return 0
}

func (s serverKind) lookPower(stop bool) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		now, err := s.server(ctx, c)
		return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
			state, detail := powered(now, stop)
			return state, now.ID, detail
		})
	}
}

// powered says whether a server is off (stop) or on.
func powered(now *servers.Server, stop bool) (driver.EvidenceState, string) {
	want := "ACTIVE"
	if stop {
		want = "SHUTOFF"
	}
	switch {
	case now.Status == "ERROR":
		return driver.Broken, now.Fault.Message
	case now.TaskState != "" || now.Status == "UNKNOWN":
		return driver.Pending, now.TaskState
	case now.Status == want:
		return driver.Done, ""
	}
	return driver.Absent, now.Status
}

// lookResize: Nova shows the new flavor from VERIFY_RESIZE on. A resize that no host could take falls back to the old one
// without an error, and is absent.
func (s serverKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	return s.resized(ctx, c, func(now *servers.Server, target driver.Flavor) (driver.EvidenceState, string) {
		before, _ := c.Before.(duoyun.ServerSpec)
		switch {
		case sized(now, target):
			return driver.Done, ""
		case number(now.Flavor["vcpus"]) >= before.VCPU && number(now.Flavor["ram"]) >= before.RAMGiB*1024:
			return driver.Absent, ""
		}
		return driver.Conflict, flavorName(now)
	})
}

func (s serverKind) lookConfirm(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	pending, err := s.confirming(ctx, c)
	if err != nil {
		return driver.Evidence{}, err
	}
	return s.resized(ctx, c, func(now *servers.Server, target driver.Flavor) (driver.EvidenceState, string) {
		switch {
		case now.Status == "VERIFY_RESIZE" && pending:
			return driver.Pending, ""
		case now.Status == "VERIFY_RESIZE":
			return driver.Absent, ""
		case sized(now, target):
			return driver.Done, ""
		}
		return driver.Conflict, flavorName(now) // reverted
	})
}

// resized judges a server once it is at rest.
func (s serverKind) resized(ctx context.Context, c driver.Call, judge func(*servers.Server, driver.Flavor) (driver.EvidenceState, string)) (driver.Evidence, error) {
	now, err := s.server(ctx, c)
	var target driver.Flavor
	if err == nil {
		if target, err = s.target(ctx, now, c.After.(duoyun.ServerSpec)); err != nil {
			return driver.Evidence{}, err
		}
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		switch {
		case now.Status == "ERROR":
			return driver.Broken, now.ID, now.Fault.Message
		case now.TaskState != "" && now.TaskState != "resize_finish" || now.Status == "RESIZE" || now.Status == "UNKNOWN":
			return driver.Pending, now.ID, now.TaskState
		}
		state, detail := judge(now, target)
		return state, now.ID, detail
	})
}

// confirming reports whether the last thing asked of a server was to confirm its resize. Nova shows that nowhere else:
// the status stays VERIFY_RESIZE, without a task, until the host has confirmed.
func (s serverKind) confirming(ctx context.Context, c driver.Call) (bool, error) {
	id, err := s.serverShelf().ID(ctx, c.ID, c.Mark)
	if err != nil || id == "" {
		return false, err
	}
	page, err := instanceactions.List(s.compute, id, nil).AllPages(ctx)
	if err != nil {
		return false, table.Ignoring(Code, err, driver.NotFound)
	}
	actions, err := instanceactions.ExtractInstanceActions(page)
	if err != nil || len(actions) == 0 {
		return false, err
	}
	last := slices.MaxFunc(actions, func(a, b instanceactions.InstanceAction) int { return a.StartTime.Compare(b.StartTime) })
	return last.Action == "confirmResize", nil
}

// server reads the server of a call, by id or by mark.
func (s serverKind) server(ctx context.Context, c driver.Call) (*servers.Server, error) {
	id, err := s.serverShelf().ID(ctx, c.ID, c.Mark)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, table.Missing("server")
	}
	return servers.Get(ctx, s.compute, id).Extract()
}

// serverShelf is every server of the project; Nova shows no other project's unless asked for all tenants.
func (s serverKind) serverShelf() table.Shelf {
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := servers.Get(ctx, s.compute, id).Extract()
			if err != nil {
				return table.Thing{}, err
			}
			return serverThing(*v), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, partial, err := s.page(ctx, cursor)
			things := make([]table.Thing, len(all))
			for i, v := range all {
				things[i] = serverThing(v)
			}
			return things, next, partial, err
		},
	}
}

// page lists servers of the project in every state. A server of a cell that is down is shown as UNKNOWN and without
// its tags: such a listing is not whole.
func (s serverKind) page(ctx context.Context, cursor string) (all []servers.Server, next string, partial bool, err error) {
	var body struct {
		Servers []servers.Server
		Links   links `json:"servers_links"`
	}
	err = fetch(ctx, s.compute, s.compute.ServiceURL("servers", "detail"), "", cursor, &body)
	all, next, err = paged(body.Servers, body.Links, err, func(v servers.Server) string { return v.ID })
	return all, next, slices.ContainsFunc(all, func(v servers.Server) bool { return v.Status == "UNKNOWN" }), err
}

func serverThing(v servers.Server) table.Thing {
	return table.Thing{ID: v.ID, Note: serverMark(v), State: serverState(v), Detail: v.Fault.Message}
}

// serverMark reads the mark from metadata, or from the tag where somebody has emptied the metadata.
func serverMark(v servers.Server) string {
	if m := v.Metadata[metaMark]; m != "" {
		return m
	}
	if v.Tags != nil {
		for _, t := range *v.Tags {
			if m := table.MarkIn(t); m != "" {
				return m
			}
		}
	}
	return ""
}

// serverState follows Nova's server states (API guide, "Server concepts"). VERIFY_RESIZE is a change under way; a
// rescued or rebuilding server is neither on nor off.
func serverState(v servers.Server) driver.ObservedState {
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

// observe reads beside the server its system volume, its group's rules and its ports, so that what is verified is what
// the cloud has and not what we noted of it; only the image's portable name is our own note.
func (s serverKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := servers.Get(ctx, s.compute, id).Extract()
	if err != nil {
		return driver.Observation{}, err
	}
	o := observedServer(*v)
	spec := o.Spec.(duoyun.ServerSpec)
	if v.Image == nil && s.volume != nil {
		if spec.SystemDiskGiB, err = s.rootVolume(ctx, *v); err != nil {
			return driver.Observation{}, err
		}
	}
	if o.Mark != "" {
		if spec.Ports, err = s.openPorts(ctx, o.Mark); err != nil {
			return driver.Observation{}, err
		}
	}
	o.Spec = spec
	o.Links, err = s.networksOf(ctx, id)
	return o, err
}

// observedServer is what a server's own record shows; ports and a system volume need further reads.
func observedServer(v servers.Server) driver.Observation {
	spec := duoyun.ServerSpec{VCPU: number(v.Flavor["vcpus"]), RAMGiB: number(v.Flavor["ram"]) / 1024,
		Image: v.Metadata[metaImage], Stopped: v.Status == "SHUTOFF"}
	if v.Image != nil {
		spec.SystemDiskGiB = number(v.Flavor["disk"])
	}
	return driver.Observation{ID: v.ID, Mark: serverMark(v), Name: v.Name, State: serverState(v), Spec: spec,
		Addresses: serverAddresses(v), CreatedAt: v.Created, Raw: rawServer(v)}
}

// rootVolume is the size of the volume a server boots from; data disks made from nothing are not bootable.
func (s serverKind) rootVolume(ctx context.Context, v servers.Server) (int64, error) {
	for _, a := range v.AttachedVolumes {
		vol, err := volumes.Get(ctx, s.volume, a.ID).Extract()
		if err != nil {
			return 0, table.Ignoring(Code, err, driver.NotFound)
		}
		if vol.Bootable == "true" {
			return int64(vol.Size), nil
		}
	}
	return 0, nil
}

// openPorts reads what the server's security group lets in; empty but not nil when it is closed.
func (s serverKind) openPorts(ctx context.Context, mark string) ([]int, error) {
	page, err := groups.List(s.network, groups.ListOpts{Name: mark, ProjectID: s.project}).AllPages(ctx)
	if err != nil {
		return nil, err
	}
	all, err := groups.ExtractGroups(page)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	open := []int{}
	for _, g := range all {
		for _, r := range g.Rules {
			if p := opens(r); p > 0 {
				open = append(open, p)
			}
		}
	}
	slices.Sort(open)
	return open, nil
}

func (s serverKind) networksOf(ctx context.Context, id string) (map[duoyun.Relation][]string, error) {
	all, err := s.portsOf(ctx, id)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	links := map[duoyun.Relation][]string{}
	for _, p := range all {
		links[duoyun.RelNetwork] = append(links[duoyun.RelNetwork], p.NetworkID)
	}
	return links, nil
}

// list shows what the listing itself shows; what needs a call for each server is left to Observe.
func (s serverKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, partial, err := s.page(ctx, cursor)
	p := driver.Page{Next: next, Partial: partial}
	for _, v := range all {
		p.Items = append(p.Items, observedServer(v))
	}
	return p, err
}

// sized reports whether a server has a flavor's size. Nova embeds the size, not the id (since 2.47), and a flavor may have
// been replaced by an equal one. A volume's size is not the flavor's.
func sized(v *servers.Server, f driver.Flavor) bool {
	return number(v.Flavor["vcpus"]) == f.VCPU && number(v.Flavor["ram"]) == f.RAMMiB &&
		(v.Image == nil || number(v.Flavor["disk"]) == f.DiskGiB)
}

func flavorName(v *servers.Server) string {
	name, _ := v.Flavor["original_name"].(string)
	return name
}

// number reads a JSON number of a decoded map; what is none is 0.
func number(v any) int64 {
	switch n := v.(type) {
	case float64:
		return int64(n)
	case json.Number:
		i, _ := n.Int64()
		return i
	}
	return 0
}

// serverAddresses are the server's own: floating addresses are resources by themselves.
func serverAddresses(v servers.Server) []string {
	var all []string
	for _, network := range v.Addresses {
		entries, _ := network.([]any)
		for _, e := range entries {
			entry, _ := e.(map[string]any)
			if a, ok := entry["addr"].(string); ok && entry["OS-EXT-IPS:type"] != "floating" {
				all = append(all, a)
			}
		}
	}
	slices.Sort(all)
	return all
}

// rawServer keeps the vendor's own words that a dispute may need, and nothing secret.
func rawServer(v servers.Server) json.RawMessage {
	return raw(map[string]any{"status": v.Status, "vm_state": v.VmState, "task_state": v.TaskState, "flavor": flavorName(&v),
		"availability_zone": v.AvailabilityZone, "host_id": v.HostID, "fault": v.Fault.Message, "updated": v.Updated})
}

func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // a plain map of strings and times always marshals
	}
	return b
}
