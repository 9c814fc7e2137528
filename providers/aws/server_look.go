package aws

import (
	"context"
	"maps"
	"slices"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// server is an instance as DescribeInstances shows it.
type server struct {
	ID      string   `xml:"instanceId"`
	ImageID string   `xml:"imageId"`
	State   string   `xml:"instanceState>name"`
	Reason  string   `xml:"stateReason>message"`
	Type    string   `xml:"instanceType"`
	Arch    string   `xml:"architecture"`
	Zone    string   `xml:"placement>availabilityZone"`
	VpcID   string   `xml:"vpcId"`
	Private string   `xml:"privateIpAddress"`
	Root    string   `xml:"rootDeviceName"`
	Launch  string   `xml:"launchTime"`
	Disks   []mapped `xml:"blockDeviceMapping>item"`
	Groups  []struct {
		ID string `xml:"groupId"`
	} `xml:"groupSet>item"`
	Tags tags `xml:"tagSet>item"`
}

// mapped is a disk of a server, under the name the server knows it by.
type mapped struct {
	Device   string `xml:"deviceName"`
	VolumeID string `xml:"ebs>volumeId"`
}

func (v server) key() string { return v.ID }

func (v server) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Tags.value(tagMark), State: serverState(v.State), Detail: v.Reason}
}

// ended: a terminated instance is shown for about an hour, and its id is never used again.
func (v server) ended() bool { return v.State == "terminated" }

// serverState follows the instance states of EC2. A server that could not be started goes from pending to terminated.
func serverState(state string) driver.ObservedState {
	switch state {
	case "pending":
		return driver.Building
	case "shutting-down":
		return driver.Deleting
	case "stopped":
		return driver.Stopped
	}
	return driver.Active
}

func (c *Cloud) servers() listing[server] {
	return listing[server]{cloud: c, service: ec2, action: "DescribeInstances", list: "reservationSet", fits: begins("i-"), nested: "instancesSet", id: "InstanceId.1", over: server.ended}
}

func (s serverKind) lookPower(stop bool) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		now, err := s.servers().need(ctx, c.ID, c.Mark, "server")
		return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
			state, detail := powered(now, stop)
			return state, now.ID, detail
		})
	}
}

// powered says whether a server is off (stop) or on.
func powered(now server, stop bool) (driver.EvidenceState, string) {
	want, via := "running", "pending"
	if stop {
		want, via = "stopped", "stopping"
	}
	switch now.State {
	case want:
		return driver.Done, ""
	case via:
		return driver.Pending, now.State
	}
	return driver.Absent, now.State
}

// lookResize judges by the size, since the type that was chosen then may not be the one chosen now.
func (s serverKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	var size, target driver.Flavor
	now, err := s.servers().need(ctx, c.ID, c.Mark, "server")
	if err == nil {
		size, err = s.sizeOf(ctx, now.Type)
	}
	if err == nil {
		if target, err = s.flavor(ctx, c.After.(duoyun.ServerSpec), now.Zone, now.Arch); Code(err) == driver.Invalid {
			err = nil // nothing covers the demand any more; the size says whether it was met
		}
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.ServerSpec)
		after := c.After.(duoyun.ServerSpec)
		switch {
		case now.Type == target.ID, covers(size, after.VCPU, after.RAMGiB) && !covers(size, before.VCPU, before.RAMGiB):
			return driver.Done, now.ID, ""
		case covers(size, before.VCPU, before.RAMGiB):
			return driver.Absent, now.ID, ""
		}
		return driver.Conflict, now.ID, now.Type
	})
}

func covers(f driver.Flavor, vcpu, ramGiB int64) bool {
	return f.VCPU >= vcpu && f.RAMMiB >= ramGiB*1024
}

// observe adds what the listing does not show: the size of its type and of its system disk, the image's name, the ports.
func (s serverKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := s.servers().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := s.observed(v)
	spec := o.Spec.(duoyun.ServerSpec)
	size, err := s.sizeOf(ctx, v.Type)
	if err != nil {
		return o, err
	}
	spec.VCPU, spec.RAMGiB = size.VCPU, size.RAMMiB/1024
	if spec.SystemDiskGiB, err = s.systemDisk(ctx, v); err != nil {
		return o, err
	}
	if spec.Image, err = s.imageName(ctx, v.ImageID); err != nil {
		return o, err
	}
	for _, x := range v.Groups {
		g, err := s.guard().groups().get(ctx, x.ID)
		if err != nil {
			return o, err
		}
		spec.Ports = append(spec.Ports, slices.Collect(maps.Keys(g.open()))...)
	}
	slices.Sort(spec.Ports)
	o.Spec = spec
	return o, nil
}

func (s serverKind) observed(v server) driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Tags.value(tagMark)), Name: v.Tags.value(tagName), State: serverState(v.State),
		Spec: duoyun.ServerSpec{Stopped: v.State == "stopped"}, CreatedAt: when(v.Launch), Raw: raw(v)}
	if v.Private != "" {
		o.Addresses = []string{v.Private}
	}
	if v.VpcID != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VpcID}}
	}
	return o
}

// systemDisk reads the size of the disk a server boots from; 0 where it is not shown.
func (s serverKind) systemDisk(ctx context.Context, v server) (int64, error) {
	for _, d := range v.Disks {
		if d.Device == v.Root {
			disk, err := s.disks().get(ctx, d.VolumeID)
			return disk.Size, table.Ignoring(Code, err, driver.NotFound)
		}
	}
	return 0, nil
}
