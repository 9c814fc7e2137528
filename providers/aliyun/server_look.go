package aliyun

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// server is an instance as DescribeInstances shows it.
type server struct {
	ID            string `json:"InstanceId"`
	Name          string `json:"InstanceName"`
	Description   string
	Status        string
	InstanceType  string
	ImageID       string `json:"ImageId"`
	ZoneID        string `json:"ZoneId"`
	ChargeType    string `json:"InstanceChargeType"`
	CPU           int64  `json:"Cpu"`
	MemoryMiB     int64  `json:"Memory"`
	CreationTime  string
	ExpiredTime   string
	VpcAttributes struct {
		VpcID            string `json:"VpcId"`
		PrivateIPAddress struct {
			IPAddress []string `json:"IpAddress"`
		} `json:"PrivateIpAddress"`
	}
	SecurityGroupIDs struct {
		SecurityGroupID []string `json:"SecurityGroupId"`
	} `json:"SecurityGroupIds"`
}

func (v server) key() string      { return v.ID }
func (v server) subscribed() bool { return v.ChargeType == prePaid }

func (v server) thing() table.Thing {
	return table.Thing{ID: v.ID, Note: v.Description, State: serverState(v.Status), Detail: v.Status}
}

// serverState follows the instance statuses of ECS: Pending, Starting, Running, Stopping, Stopped. A server that could not
// be made vanishes; none is shown in error.
func serverState(status string) driver.ObservedState {
	switch status {
	case "Pending", "Starting":
		return driver.Building
	case "Stopped":
		return driver.Stopped
	}
	return driver.Active
}

func (c *Cloud) servers() listing[server] {
	return listing[server]{cloud: c, product: ecs, action: "DescribeInstances", outer: "Instances", inner: "Instance", id: "InstanceIds", array: true}
}

// group is a security group.
type group struct {
	ID          string `json:"SecurityGroupId"`
	Description string
}

func (g group) key() string { return g.ID }
func (g group) thing() table.Thing {
	return table.Thing{ID: g.ID, Note: g.Description, State: driver.Active}
}

func (c *Cloud) groups() listing[group] {
	return listing[group]{cloud: c, product: ecs, action: "DescribeSecurityGroups", outer: "SecurityGroups", inner: "SecurityGroup",
		id: "SecurityGroupIds", array: true, vouch: c.servers().exists}
}

// open reads which single TCP ports a group lets in.
func (s serverKind) open(ctx context.Context, group string) ([]int, error) {
	var answer struct {
		Permissions struct {
			Permission []struct{ IPProtocol, PortRange, Policy string }
		}
	}
	_, err := s.call(ctx, ecs, "DescribeSecurityGroupAttribute", params{"SecurityGroupId": group, "NicType": "intranet", "Direction": "ingress"}, &answer)
	if err != nil {
		return nil, err
	}
	if answer.Permissions.Permission == nil {
		return nil, errHollow
	}
	open := []int{}
	for _, p := range answer.Permissions.Permission {
		from, to, _ := strings.Cut(p.PortRange, "/")
		port, err := strconv.Atoi(from)
		if err == nil && from == to && strings.EqualFold(p.IPProtocol, "tcp") && !strings.EqualFold(p.Policy, "drop") {
			open = append(open, port)
		}
	}
	return open, nil
}

func (s serverKind) lookRule(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	port, group, err := s.rule(ctx, c)
	if err != nil {
		return driver.Evidence{}, err
	}
	open, err := s.open(ctx, group)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		if number, err := strconv.Atoi(port); err != nil || !slices.Contains(open, number) {
			return driver.Absent, "", ""
		}
		return driver.Done, "", ""
	})
}

// lookPower sees that a server is off (stop) or on.
func lookPower(stop bool) func(server, driver.Call) (driver.EvidenceState, string) {
	return func(now server, _ driver.Call) (driver.EvidenceState, string) { return powered(now, stop) }
}

func powered(now server, stop bool) (driver.EvidenceState, string) {
	want, via := "Running", []string{"Starting", "Pending"}
	if stop {
		want, via = "Stopped", []string{"Stopping"}
	}
	switch {
	case now.Status == want:
		return driver.Done, ""
	case slices.Contains(via, now.Status):
		return driver.Pending, now.Status
	}
	return driver.Absent, now.Status
}

// lookResize judges by the size, since the type that was chosen then may not be the one chosen now.
func (s serverKind) lookResize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	now, err := s.servers().need(ctx, c.ID, c.Mark, "server")
	var target driver.Flavor
	if err == nil {
		if target, err = s.flavor(ctx, c.After.(duoyun.ServerSpec), now.ZoneID, now.subscribed()); Code(err) == driver.Invalid {
			err = nil // nothing covers the demand any more; the size says whether it was met
		}
	}
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.ServerSpec)
		after := c.After.(duoyun.ServerSpec)
		switch {
		case now.InstanceType == target.ID, now.covers(after) && !now.covers(before):
			return driver.Done, now.ID, ""
		case now.covers(before):
			return driver.Absent, now.ID, ""
		}
		return driver.Conflict, now.ID, now.InstanceType
	})
}

func (v server) covers(s duoyun.ServerSpec) bool {
	return v.CPU >= s.VCPU && v.MemoryMiB >= s.RAMGiB*1024
}

// observe adds what the listing does not show: the system disk, the image's name and the open ports.
func (s serverKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := s.servers().get(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := s.observed(v)
	spec := o.Spec.(duoyun.ServerSpec)
	if spec.SystemDiskGiB, err = s.systemDisk(ctx, id); err != nil {
		return o, err
	}
	if spec.Image, err = s.imageName(ctx, v.ImageID); err != nil {
		return o, err
	}
	for _, g := range v.SecurityGroupIDs.SecurityGroupID {
		open, err := s.open(ctx, g)
		if err != nil {
			return o, err
		}
		spec.Ports = append(spec.Ports, open...)
	}
	slices.Sort(spec.Ports)
	o.Spec = spec
	return o, nil
}

func (s serverKind) observed(v server) driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: serverState(v.Status),
		Spec:      duoyun.ServerSpec{VCPU: v.CPU, RAMGiB: v.MemoryMiB / 1024, Stopped: v.Status == "Stopped"},
		Addresses: v.VpcAttributes.PrivateIPAddress.IPAddress, CreatedAt: when(v.CreationTime), Raw: raw(v)}
	if v.VpcAttributes.VpcID != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VpcAttributes.VpcID}}
	}
	if v.subscribed() {
		o.PaidUntil = when(v.ExpiredTime)
	}
	return o
}

// systemDisk reads the size of the disk a server boots from; 0 where it is not shown.
func (s serverKind) systemDisk(ctx context.Context, id string) (int64, error) {
	l := s.disks()
	l.more = params{"InstanceId": id, "DiskType": "system"}
	all, _, err := l.read(ctx, nil)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[0].Size, nil
}
