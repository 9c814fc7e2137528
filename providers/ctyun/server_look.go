package ctyun

import (
	"context"
	"slices"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

func (c *Cloud) servers() shelf[server] {
	return shelf[server]{Cloud: c, list: ask(ecs, "/v4/ecs/list-instances", nil), member: "results", size: 50,
		show: func(id string) request { return get(ecs, "/v4/ecs/instance-details", args{"instanceID": id}) },
		view: func(v server) table.Thing {
			return table.Thing{ID: v.ID, Note: v.Name, State: serverState(v.Status), Detail: v.Status}
		}}
}

// vouch finds the security group of a server in the service of groups.
func (s serverKind) vouch(ctx context.Context, id string) (bool, error) {
	v, err := s.servers().read(ctx, id)
	if err != nil || len(v.Groups) == 0 {
		return false, table.Ignoring(Code, err, driver.NotFound)
	}
	_, err = s.groups().read(ctx, v.Groups[0].ID)
	return err == nil, table.Ignoring(Code, err, driver.NotFound)
}

// serverState follows the vendor's table of a server's states; a server that is frozen or has expired is off.
func serverState(status string) driver.ObservedState {
	switch status {
	case "creating", "master_order_creating":
		return driver.Building
	case "stopped", "shelve", "expired", "freezing":
		return driver.Stopped
	case "unsubscribing", "unsubscribed", "deleting":
		return driver.Deleting
	case "error":
		return driver.Errored
	}
	return driver.Active
}

// powered judges whether a server is off (stop) or on.
func powered(stop bool) func(driver.Call, server) (driver.EvidenceState, string) {
	want, from := "running", "stopped"
	if stop {
		want, from = from, want
	}
	return func(_ driver.Call, v server) (driver.EvidenceState, string) {
		switch v.Status {
		case want:
			return driver.Done, ""
		case from:
			return driver.Absent, v.Status
		case "error":
			return driver.Broken, v.Status
		case "expired", "freezing", "unsubscribed", "unsubscribing":
			return driver.Conflict, v.Status
		}
		return driver.Pending, v.Status
	}
}

// stoppedForGood is powered for a server that is to go: off, or on its way out, or past being stopped.
func stoppedForGood(_ driver.Call, v server) (driver.EvidenceState, string) {
	switch v.Status {
	case "running":
		return driver.Absent, v.Status
	case "stopping", "starting", "restarting", "creating", "master_order_creating", "rebuild", "shelving":
		return driver.Pending, v.Status
	}
	return driver.Done, v.Status
}

// released judges an unsubscription: the server is gone, or lies in the recycle bin.
func released(_ driver.Call, v server) (driver.EvidenceState, string) {
	switch v.Status {
	case "unsubscribed":
		return driver.Done, v.Status
	case "unsubscribing", "deleting":
		return driver.Pending, v.Status
	}
	return driver.Absent, v.Status
}

// lookResize: a server shows its new flavor once the order is done; the order's failure leaves the old one.
func (s serverKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := s.servers().must(ctx, c, "server")
	var target driver.Flavor
	if err == nil {
		if target, err = s.flavor(ctx, c.After.(duoyun.ServerSpec), v.Zone); err != nil {
			return driver.Evidence{}, err
		}
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.ServerSpec)
		seen := s.observed(*v).Spec.(duoyun.ServerSpec)
		switch {
		case v.Status == "error":
			return driver.Broken, v.ID, v.Status
		case v.Status != "running" && v.Status != "stopped":
			return driver.Pending, v.ID, v.Status
		case v.Flavor.ID == target.ID:
			return driver.Done, v.ID, ""
		case seen.VCPU >= before.VCPU && seen.RAMGiB >= before.RAMGiB:
			return driver.Absent, v.ID, v.Flavor.Name
		}
		return driver.Conflict, v.ID, v.Flavor.Name
	})
}

// observe reads, beside the server, what its own security group lets in.
func (s serverKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := s.servers().read(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := s.observed(v)
	for _, g := range v.Groups {
		if g.Name != v.Name {
			continue
		}
		spec := o.Spec.(duoyun.ServerSpec)
		if spec.Ports, err = s.openPorts(ctx, g.ID); table.Ignoring(Code, err, driver.NotFound) != nil {
			return driver.Observation{}, err
		}
		o.Spec = spec
	}
	return o, nil
}

// observed leaves out the size of the system disk, which the vendor shows with the disk alone.
func (s serverKind) observed(v server) driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Name), Name: v.Title, State: serverState(v.Status), CreatedAt: v.Created.when(),
		Spec: duoyun.ServerSpec{VCPU: v.Flavor.CPU, RAMGiB: v.memory(), Stopped: serverState(v.Status) == driver.Stopped,
			Image: portable(s.account.Mapping.Images, "", v.Image.ID, v.Image.Name)},
		Raw: raw(map[string]any{"status": v.Status, "flavor": v.Flavor.Name, "image": v.Image.Name, "availability_zone": v.Zone, "expires": v.Expires})}
	if v.Network != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {v.Network}}
	}
	if !v.OnDemand {
		o.PaidUntil = v.Expires.when()
	}
	for _, card := range v.Cards {
		if card.Address != "" {
			o.Addresses = append(o.Addresses, card.Address)
		}
	}
	slices.Sort(o.Addresses)
	return o
}

// memory is a server's memory in GiB. The vendor documents no unit where it shows a server's flavor, and sells neither
// more than 64 GiB nor less than 256 MiB for a processor: what is above 64 is MiB.
func (v server) memory() int64 {
	if v.Flavor.RAM > 64*max(v.Flavor.CPU, 1) {
		return v.Flavor.RAM / 1024
	}
	return v.Flavor.RAM
}
