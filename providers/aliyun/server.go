package aliyun

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// classSystem is the name under which an account maps the disk category of system disks; without it the vendor chooses.
const classSystem = "system"

// serverKind: a security group, its rules, the server in it.
type serverKind struct{ *Cloud }

func (s serverKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: terms(s.subscribes(), planServer), Update: table.ResizedOff, Renew: table.Fixed(driver.Step{Name: "renew", Await: true}),
			Delete: table.Fixed(driver.Step{Name: "delete-server", Main: true, Await: true}, driver.Step{Name: "delete-security_group"})},
		Verbs: map[string]table.Verb{
			"security_group":        {Run: s.makeGroup, Look: s.groups().shelf().LookMade("security_group"), Token: true},
			"rule":                  {Run: s.makeRule, Look: s.lookRule},
			"server":                {Run: s.boot, Look: s.servers().shelf().LookMainMade, Token: true},
			"start":                 {Run: s.power(false), Look: s.servers().look("server", lookPower(false))},
			"stop":                  {Run: s.power(true), Look: s.servers().look("server", lookPower(true))},
			"resize":                {Run: s.resize, Look: s.lookResize},
			"renew":                 {Run: s.renewal(ecs, "InstanceId", params{"PeriodUnit": "Month"}), Look: lookRenewed(s.servers().observing(s.observed))},
			"delete-server":         {Run: retirement(s.servers(), "ecs", "DeleteInstance", "InstanceId", params{"Force": "true"}), Look: s.servers().shelf().LookMainUnmade},
			"delete-security_group": {Run: s.groups().removal("security_group", "DeleteSecurityGroup", "SecurityGroupId"), Look: s.groups().shelf().LookUnmade("security_group")},
		},
		Reading: s.observe, Listing: s.servers().listed(s.observed), Parts: map[string]table.Shelf{"security_group": s.groups().shelf()},
	}
}

// planServer: RunInstances starts what it makes, so a server ordered off is stopped in a step of its own.
func planServer(c driver.Change) ([]driver.Step, error) {
	spec := c.After.(duoyun.ServerSpec)
	if _, err := table.PlatformNetwork(c); err != nil {
		return nil, err
	}
	steps := append([]driver.Step{{Name: "security_group"}}, table.Rules(spec.Ports)...)
	steps = append(steps, driver.Step{Name: "server", Main: true, Await: true})
	if spec.Stopped {
		steps = append(steps, driver.Step{Name: "stop", Await: true})
	}
	return steps, nil
}

func (s serverKind) makeGroup(ctx context.Context, c driver.Call) (driver.Reply, error) {
	network, err := table.PlatformNetwork(c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	return s.create(ctx, ecs, "CreateSecurityGroup", params{"VpcId": network.ID, "SecurityGroupName": c.Mark,
		"Description": table.Note(c.Mark, "security_group"), "ClientToken": c.Token}, func(m made) string { return m.SecurityGroupID })
}

// makeRule: a rule that is there already is no error to the vendor, and no second rule.
func (s serverKind) makeRule(ctx context.Context, c driver.Call) (driver.Reply, error) {
	port, group, err := s.rule(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return s.change(ctx, ecs, "AuthorizeSecurityGroup", params{"SecurityGroupId": group, "IpProtocol": "tcp", "PortRange": port + "/" + port,
		"SourceCidrIp": "0.0.0.0/0", "NicType": "intranet", "Policy": "accept", "Priority": "1", "Description": table.Note(c.Mark, c.Step), "ClientToken": c.Token})
}

// rule reads the port of a step "rule:443" and the group it belongs to.
func (s serverKind) rule(ctx context.Context, c driver.Call) (port, group string, err error) {
	_, port, _ = strings.Cut(c.Step, ":")
	if group, err = s.groups().shelf().ID(ctx, c.Parts["security_group"], table.Note(c.Mark, "security_group")); err == nil && group == "" {
		err = table.Missing("security_group")
	}
	return port, group, err
}

// boot makes the server. Its type and image are looked up anew each time: a driver keeps no state.
func (s serverKind) boot(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.ServerSpec)
	subnet, err := s.subnetOf(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	image, err := s.imageID(ctx, spec.Image)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	flavor, err := s.flavor(ctx, spec, subnet.ZoneID, c.Months > 0)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	group, err := s.groups().shelf().ID(ctx, c.Parts["security_group"], table.Note(c.Mark, "security_group"))
	if err == nil && group == "" {
		err = table.Missing("security_group")
	}
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	in := params{"ImageId": image, "InstanceType": flavor.ID, "SecurityGroupId": group, "VSwitchId": subnet.ID, "Amount": "1",
		"InstanceName": named(c.Change), "Description": c.Mark, "ClientToken": c.Token,
		"SystemDisk.Size": strconv.FormatInt(spec.SystemDiskGiB, 10), "SystemDisk.Category": s.account.Mapping.Classes[classSystem]}
	if c.Months > 0 {
		in["InstanceChargeType"], in["Period"], in["PeriodUnit"], in["AutoRenew"], in["AutoPay"] = prePaid, strconv.Itoa(c.Months), "Month", "false", "true"
	}
	login(c.Secret, in)
	return s.create(ctx, ecs, "RunInstances", in, func(m made) string {
		if len(m.InstanceIDSets.InstanceIDSet) != 1 {
			return ""
		}
		return m.InstanceIDSets.InstanceIDSet[0]
	})
}

// prePaid is the charge type of a subscription.
const prePaid = "PrePaid"

// login lets the department in: by its public key, through cloud-init, or by a password.
func login(secret driver.Secret, in params) {
	if key := table.AuthorizedKey(secret); key != nil {
		in["UserData"] = base64.StdEncoding.EncodeToString(key)
	} else if value := table.Password(secret); value != "" {
		in["Password"] = value
	}
}

// power reads first: the vendor refuses to stop what is stopped, which would look like a state that passes. A stopped
// server keeps its place (KeepCharging), so that it can always be started again.
func (s serverKind) power(stop bool) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		now, err := s.servers().need(ctx, c.ID, c.Mark, "server")
		if err != nil {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		if state, _ := powered(now, stop); state == driver.Done {
			return driver.Reply{}, nil
		}
		if stop {
			return s.change(ctx, ecs, "StopInstance", params{"InstanceId": now.ID, "StoppedMode": "KeepCharging"})
		}
		return s.change(ctx, ecs, "StartInstance", params{"InstanceId": now.ID})
	}
}

// resize asks for the type of the new demand; a demand that the present type answers to is no call at all.
func (s serverKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := s.servers().need(ctx, c.ID, c.Mark, "server")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	target, err := s.flavor(ctx, c.After.(duoyun.ServerSpec), now.ZoneID, now.subscribed())
	if err != nil || target.ID == now.InstanceType {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	in := params{"InstanceId": now.ID, "InstanceType": target.ID, "ClientToken": c.Token}
	if !now.subscribed() {
		return s.change(ctx, ecs, "ModifyInstanceSpec", in)
	}
	in["OperatorType"], in["AutoPay"] = "upgrade", "true"
	if after := c.After.(duoyun.ServerSpec); after.VCPU < now.CPU || after.RAMGiB*1024 < now.MemoryMiB {
		in["OperatorType"] = "downgrade"
	}
	return s.change(ctx, ecs, "ModifyPrepayInstanceSpec", in)
}
