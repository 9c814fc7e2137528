package tencent

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

func (c *Cloud) servers() rack {
	return listing{product: "cvm", action: "DescribeInstances", member: "InstanceSet", ids: "InstanceIds", prefix: "ins-", view: entry(instanceSeen)}.rack(c)
}

// instanceEntry is an entry of DescribeInstances.
type instanceEntry struct {
	InstanceId, InstanceName, InstanceType, InstanceState, InstanceChargeType string
	CPU, Memory                                                               int64
	LatestOperation, LatestOperationState, LatestOperationErrorMsg            string
	CreatedTime, ExpiredTime, RestrictState                                   string
	PrivateIpAddresses, SecurityGroupIds                                      []string
	SystemDisk                                                                struct{ DiskSize int64 }
	VirtualPrivateCloud                                                       struct{ VpcId string }
	Placement                                                                 struct{ Zone string }
	Tags                                                                      []tag
}

func instanceSeen(v instanceEntry) seen {
	paid := v.InstanceChargeType == prepaid
	o := driver.Observation{ID: v.InstanceId, Mark: markOf(v.Tags, ""), Name: v.InstanceName, State: instanceState(v.InstanceState), CreatedAt: moment(v.CreatedTime),
		Spec: duoyun.ServerSpec{VCPU: v.CPU, RAMGiB: v.Memory, SystemDiskGiB: v.SystemDisk.DiskSize, Image: valueOf(v.Tags, tagImage),
			Stopped: v.InstanceState == "STOPPED" || v.InstanceState == "SHUTDOWN"},
		Addresses: v.PrivateIpAddresses,
		Raw: raw(params{"state": v.InstanceState, "type": v.InstanceType, "zone": v.Placement.Zone, "restrict_state": v.RestrictState,
			"latest_operation": v.LatestOperation, "latest_operation_state": v.LatestOperationState, "error": v.LatestOperationErrorMsg})}
	if v.VirtualPrivateCloud.VpcId != "" {
		o.Links = map[duoyun.Relation][]string{duoyun.RelNetwork: {v.VirtualPrivateCloud.VpcId}}
	}
	if paid {
		o.PaidUntil = moment(v.ExpiredTime)
	}
	return seen{Observation: o, status: v.InstanceState, busy: v.LatestOperationState == "OPERATING" || o.State == driver.Building,
		prepaid: paid, binned: v.InstanceState == "SHUTDOWN", size: v.InstanceType, groups: v.SecurityGroupIds}
}

// instanceState follows the table of instance states (document 213/15753). SHUTDOWN lies in the recycle bin.
func instanceState(state string) driver.ObservedState {
	switch state {
	case "RUNNING":
		return driver.Active
	case "STOPPED", "SHUTDOWN":
		return driver.Stopped
	case "TERMINATING":
		return driver.Deleting
	case "LAUNCH_FAILED":
		return driver.Errored
	}
	return driver.Building
}

// groups vouches for a server of ours by its security group, as VPC shows it.
func (c *Cloud) groups() rack {
	r := listing{product: "vpc", action: "DescribeSecurityGroups", member: "SecurityGroupSet", ids: "SecurityGroupIds", prefix: "sg-", text: true, view: entry(func(v struct {
		SecurityGroupId, SecurityGroupName string
	}) seen {
		return seen{Observation: driver.Observation{ID: v.SecurityGroupId, Mark: noteOf(v.SecurityGroupName), State: driver.Active}}
	})}.rack(c)
	r.vouch = func(ctx context.Context, id string) (bool, error) {
		v, err := c.servers().get(ctx, id)
		if err != nil || len(v.groups) == 0 {
			return false, table.Ignoring(Code, err, driver.NotFound)
		}
		g, err := r.get(ctx, v.groups[0])
		return g.ID != "", table.Ignoring(Code, err, driver.NotFound)
	}
	return r
}

// observe reads beside a server of ours the rules of its group.
func (s serverKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := s.servers().get(ctx, id)
	if err != nil || v.Mark == "" || len(v.groups) == 0 {
		return v.Observation, err
	}
	spec := v.Spec.(duoyun.ServerSpec)
	spec.Ports, err = s.openPorts(ctx, v.groups[0])
	v.Spec = spec
	return v.Observation, err
}

// openPorts is what a group lets in; empty but not nil when it is closed.
func (s serverKind) openPorts(ctx context.Context, group string) ([]int, error) {
	var out struct {
		SecurityGroupPolicySet *struct {
			Ingress []struct{ Protocol, Port, Action string }
		}
	}
	if _, err := s.call(ctx, "vpc", "DescribeSecurityGroupPolicies", params{"SecurityGroupId": group}, &out); err != nil {
		return nil, err
	}
	if out.SecurityGroupPolicySet == nil {
		return nil, errHollow
	}
	open := []int{}
	for _, r := range out.SecurityGroupPolicySet.Ingress {
		if port, err := strconv.Atoi(r.Port); err == nil && strings.EqualFold(r.Protocol, "tcp") && r.Action == "ACCEPT" {
			open = append(open, port)
		}
	}
	slices.Sort(open)
	return open, nil
}

// imageID finds what a portable name means here: the account's mapping gives its id or name, otherwise the portable name
// is the image's own. Among images of one name the newest is taken.
func (c *Cloud) imageID(ctx context.Context, portable string) (string, error) {
	name := cmp.Or(c.account.Mapping.Images[portable], portable)
	if strings.HasPrefix(name, "img-") {
		return name, nil
	}
	var out struct {
		ImageSet []struct{ ImageId, ImageName, ImageState, CreatedTime string }
	}
	if _, err := c.call(ctx, "cvm", "DescribeImages", params{"Filters": []params{filter("image-name", name)}, "Limit": pageSize}, &out); err != nil {
		return "", err
	}
	id, newest := "", ""
	for _, i := range out.ImageSet {
		if i.ImageName == name && i.ImageState == "NORMAL" && (id == "" || i.CreatedTime > newest) {
			id, newest = i.ImageId, i.CreatedTime
		}
	}
	if id == "" {
		return "", table.Impossible("image", "云上没有镜像 %s（%s）", "the cloud has no image %s (%s)", portable, name)
	}
	return id, nil
}

// flavor is the instance type that a server's spec gets in its zone. The type it has now counts as one that can be had.
func (s serverKind) flavor(ctx context.Context, c driver.Change, now string) (driver.Flavor, error) {
	spec := c.After.(duoyun.ServerSpec)
	zone, err := s.zone(c.Zone)
	if err != nil {
		return driver.Flavor{}, err
	}
	paying := onDemand
	if c.Months > 0 {
		paying = prepaid
	}
	all, err := s.flavors(ctx, filter("zone", zone), filter("instance-charge-type", paying))
	if err != nil {
		return driver.Flavor{}, err
	}
	for i := range all {
		all[i].SoldOut = all[i].SoldOut && all[i].ID != now
	}
	d := driver.Demand{VCPU: spec.VCPU, RAMGiB: spec.RAMGiB, Exact: s.account.Mapping.ExactFlavor, Volume: true, Families: s.account.Mapping.Families}
	f, ok := driver.Choose(all, d)
	if !ok {
		return f, table.Refuse(driver.SoldOut, duoyun.Fail(duoyun.CodeInvalid, "spec", "可用区 %s 没有 %d 核 %d GiB 的在售机型",
			"zone %s sells no instance type of %d vCPU and %d GiB", zone, spec.VCPU, spec.RAMGiB))
	}
	return f, nil
}

// flavors are the instance types on sale, without those that have accelerators: Choose knows no price of these.
func (c *Cloud) flavors(ctx context.Context, filters ...params) ([]driver.Flavor, error) {
	var out struct {
		InstanceTypeQuotaSet []struct {
			InstanceType, InstanceFamily, Status string
			Cpu, Memory, Gpu, Fpga               int64
		}
	}
	if _, err := c.call(ctx, "cvm", "DescribeZoneInstanceConfigInfos", params{"Filters": filters}, &out); err != nil {
		return nil, err
	}
	if out.InstanceTypeQuotaSet == nil {
		return nil, errHollow
	}
	var all []driver.Flavor
	for _, t := range out.InstanceTypeQuotaSet {
		if t.Gpu == 0 && t.Fpga == 0 {
			all = append(all, driver.Flavor{ID: t.InstanceType, Name: t.InstanceType, VCPU: t.Cpu, RAMMiB: t.Memory * 1024, Family: t.InstanceFamily, SoldOut: t.Status != "SELL"})
		}
	}
	return all, nil
}

// Flavors implements driver.Catalogue: what the region sells on demand, once a type, on sale where any zone has it.
func (c *Cloud) Flavors(ctx context.Context) ([]driver.Flavor, error) {
	all, err := c.flavors(ctx, filter("instance-charge-type", onDemand))
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	var out []driver.Flavor
	for _, f := range all {
		if i, known := at[f.ID]; known {
			out[i].SoldOut = out[i].SoldOut && f.SoldOut
			continue
		}
		at[f.ID] = len(out)
		out = append(out, f)
	}
	return out, nil
}
