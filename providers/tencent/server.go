package tencent

import (
	"context"
	"encoding/base64"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// classSystem is the name under which an account maps the disk type of system disks; unmapped, CVM takes one in stock.
const classSystem = "system"

// serverKind is a security group with its rules, made in one call, and a CVM instance in it.
type serverKind struct{ *Cloud }

func (s serverKind) kind() *table.Kind {
	servers, groups := s.servers(), s.groups()
	isolate := s.isolation(servers, "cvm", "TerminateInstances", func(v seen) bool { return v.prepaid }, instances)
	return &table.Kind{
		Plans: table.Plans{Create: s.planCreate, Update: planServerChange, Renew: planRenewal, Delete: table.Fixed(driver.Step{Name: "isolate", Await: true},
			driver.Step{Name: "delete-server", Main: true, Await: true}, driver.Step{Name: "delete-security_group"})},
		Verbs: map[string]table.Verb{
			"security_group": {Run: s.act("vpc", "CreateSecurityGroupWithPolicies", "SecurityGroup.SecurityGroupId", makeGroup), Look: groups.plain().LookMade("security_group")},
			"server":         {Run: s.act("cvm", "RunInstances", "InstanceIdSet", s.boot), Look: servers.plain().LookMainMade},
			"start":          {Run: s.act("cvm", "StartInstances", "", servers.unless(powered("RUNNING"), anInstance)), Look: servers.look(driver.Absent, lookPowered("RUNNING"))},
			"stop":           {Run: s.act("cvm", "StopInstances", "", servers.unless(powered("STOPPED"), stopping)), Look: servers.look(driver.Absent, lookPowered("STOPPED"))},
			"resize":         {Run: s.act("cvm", "ResetInstancesType", "", s.resize), Look: s.lookResized},
			"renew":          s.renewal(servers, "cvm", "RenewInstances", renewInstances),
			"isolate":        isolate,
			"delete-server":  {Run: s.removal(servers, "", "cvm", "TerminateInstances", instances), Look: servers.plain().LookMainUnmade},
			"delete-security_group": {Look: groups.plain().LookUnmade("security_group"),
				Run: s.removal(groups, "security_group", "vpc", "DeleteSecurityGroup", func(id string) params { return params{"SecurityGroupId": id} })},
		},
		Reading: s.observe, Listing: servers.list, Parts: map[string]table.Shelf{"security_group": groups.plain()},
	}
}

func instances(id string) params                       { return params{"InstanceIds": []string{id}} }
func anInstance(_ driver.Call, v seen) (params, error) { return instances(v.ID), nil }
func renewInstances(id string, months int) params {
	return params{"InstanceIds": []string{id}, "InstanceChargePrepaid": params{"Period": months, "RenewFlag": noRenew}}
}

// stopping lets the system shut down first.
func stopping(_ driver.Call, v seen) (params, error) {
	return params{"InstanceIds": []string{v.ID}, "StopType": "SOFT_FIRST"}, nil
}

// planCreate: CVM boots what it makes, so a server ordered off is stopped in a step of its own.
func (s serverKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if _, _, err := subnet(c); err != nil {
		return nil, err
	}
	if _, err := s.zone(c.Zone); err != nil {
		return nil, err
	}
	steps := []driver.Step{{Name: "security_group"}, {Name: "server", Main: true, Await: true}}
	if c.After.(duoyun.ServerSpec).Stopped {
		steps = append(steps, driver.Step{Name: "stop", Await: true})
	}
	return steps, nil
}

// planServerChange: a resized instance is running when it is done (ResetInstancesType), whatever it was before.
func planServerChange(c driver.Change) ([]driver.Step, error) {
	before, after, resized, err := table.ServerChange(c)
	if err != nil {
		return nil, err
	}
	var steps []driver.Step
	if resized {
		steps = append(steps, driver.Step{Name: "resize", Await: true})
	}
	switch {
	case after.Stopped && (resized || !before.Stopped):
		steps = append(steps, driver.Step{Name: "stop", Await: true})
	case before.Stopped && !after.Stopped:
		steps = append(steps, driver.Step{Name: "start", Await: true})
	}
	return steps, nil
}

// makeGroup lets everything out and the ports in: a new group of VPC refuses both ways.
func makeGroup(_ context.Context, c driver.Call) (params, error) {
	rules := []params{}
	for _, p := range table.Ports(c.After.(duoyun.ServerSpec).Ports) {
		rules = append(rules, params{"Protocol": "TCP", "Port": strconv.Itoa(p), "CidrBlock": "0.0.0.0/0", "Action": "ACCEPT"})
	}
	policies := params{"Egress": []params{{"Protocol": "ALL", "CidrBlock": "0.0.0.0/0", "Action": "ACCEPT"}}}
	if len(rules) > 0 {
		policies["Ingress"] = rules
	}
	return params{"GroupName": table.Note(c.Mark, "security_group"), "GroupDescription": table.Note(c.Mark, "security_group"), "SecurityGroupPolicySet": policies}, nil
}

func (s serverKind) boot(ctx context.Context, c driver.Call) (params, error) {
	spec := c.After.(duoyun.ServerSpec)
	group, err := s.groups().plain().ID(ctx, c.Parts["security_group"], table.Note(c.Mark, "security_group"))
	if err == nil && group == "" {
		err = table.Missing("security_group")
	}
	if err != nil {
		return nil, err
	}
	flavor, err := s.flavor(ctx, c.Change, "")
	if err != nil {
		return nil, err
	}
	image, err := s.imageID(ctx, spec.Image)
	if err != nil {
		return nil, err
	}
	in, err := s.instance(c.Change, flavor.ID, image)
	if err != nil {
		return nil, err
	}
	vpc, subnet, err := subnet(c.Change)
	in["VirtualPrivateCloud"] = params{"VpcId": vpc, "SubnetId": subnet}
	in["SecurityGroupIds"], in["ClientToken"], in["InstanceName"] = []string{group}, c.Token, title(c.Change, 60)
	in["TagSpecification"] = []params{{"ResourceType": "instance", "Tags": tags(tagMark, c.Mark, tagImage, spec.Image)}}
	login(in, c.Secret)
	return in, err
}

// instance is what of a server decides its price: RunInstances and its inquiry take it alike.
func (s serverKind) instance(c driver.Change, flavor, image string) (params, error) {
	spec := c.After.(duoyun.ServerSpec)
	zone, err := s.zone(c.Zone)
	if err != nil {
		return nil, err
	}
	disk := params{"DiskSize": spec.SystemDiskGiB}
	if t := s.account.Mapping.Classes[classSystem]; t != "" {
		disk["DiskType"] = t
	}
	in := params{"Placement": params{"Zone": zone}, "InstanceType": flavor, "ImageId": image, "SystemDisk": disk, "InstanceCount": 1}
	return charged(in, c.Months, "InstanceChargeType", "InstanceChargePrepaid"), nil
}

// login lets the department in: a password as CVM's own setting, a public key by cloud-init, since a key pair would be one
// more thing to make.
func login(in params, secret driver.Secret) {
	if key := table.AuthorizedKey(secret); key != nil {
		in["UserData"] = base64.StdEncoding.EncodeToString(key)
	} else if value := table.Password(secret); value != "" {
		in["LoginSettings"] = params{"Password": value}
	}
}

// powered is the condition of a start or stop that has nothing left to do.
func powered(want string) func(driver.Call, seen) bool {
	return func(_ driver.Call, v seen) bool { return v.status == want && !v.busy }
}

func lookPowered(want string) func(driver.Call, seen) driver.EvidenceState {
	return func(_ driver.Call, v seen) driver.EvidenceState {
		switch {
		case v.State == driver.Errored:
			return driver.Broken
		case v.busy:
			return driver.Pending
		case v.status == want:
			return driver.Done
		}
		return driver.Absent
	}
}

// resize asks for the flavor of the new demand; CVM stops the server for it, and starts it again.
func (s serverKind) resize(ctx context.Context, c driver.Call) (params, error) {
	v, err := s.servers().find(ctx, c)
	if err != nil {
		return nil, err
	}
	target, err := s.flavor(ctx, c.Change, v.size)
	if err != nil || sized(v, target) {
		return nil, err
	}
	return params{"InstanceIds": []string{v.ID}, "InstanceType": target.ID, "ForceStop": true}, nil
}

// lookResized compares sizes: CVM shows the new one from the moment that it takes effect.
func (s serverKind) lookResized(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, ev, err := s.servers().search(ctx, c, c.ID, c.Mark)
	if err != nil || v == nil {
		ev.State = driver.Absent
		return ev, err
	}
	target, err := s.flavor(ctx, c.Change, v.size)
	if err != nil {
		return driver.Evidence{}, err
	}
	ev = driver.Evidence{State: driver.Conflict, ID: v.ID, Complete: true, SentinelSeen: true, Detail: v.size}
	before, _ := c.Before.(duoyun.ServerSpec)
	have := v.Spec.(duoyun.ServerSpec)
	switch {
	case v.busy:
		ev.State = driver.Pending
	case sized(*v, target):
		ev.State = driver.Done
	case have.VCPU >= before.VCPU && have.RAMGiB >= before.RAMGiB:
		ev.State = driver.Absent
	}
	return ev, nil
}

func sized(v seen, f driver.Flavor) bool {
	have := v.Spec.(duoyun.ServerSpec)
	return have.VCPU == f.VCPU && have.RAMGiB*1024 == f.RAMMiB
}
