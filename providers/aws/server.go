package aws

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// classSystem is the name under which an account maps the volume type of system disks; without it the vendor's default.
const classSystem = "system"

// serverKind: a security group, its rules, the instance in it.
type serverKind struct{ *Cloud }

func (s serverKind) guard() guard { return guard{s.Cloud, "security_group", s.servers().exists} }

func (s serverKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: planServer, Update: table.ResizedOff, Delete: table.Fixed(
			driver.Step{Name: "delete-server", Main: true, Await: true}, driver.Step{Name: "delete-security_group"})},
		Verbs: s.guard().verbs(map[string]table.Verb{
			"server":        {Run: s.boot, Look: s.servers().shelf().LookMainMade},
			"start":         {Run: s.power(false), Look: s.lookPower(false)},
			"stop":          {Run: s.power(true), Look: s.lookPower(true)},
			"resize":        {Run: s.resize, Look: s.lookResize},
			"delete-server": {Run: s.servers().removal("", "TerminateInstances", "InstanceId.1"), Look: s.servers().shelf().LookMainUnmade},
		}, anywhere),
		Reading: s.observe, Listing: s.servers().listed(s.observed), Parts: map[string]table.Shelf{"security_group": s.guard().groups().shelf()},
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

// boot makes the server. Its type and image are looked up anew each time: a driver keeps no state. Its system disk goes
// when it goes, and bears a note, so that nobody takes it for a disk that was ordered.
func (s serverKind) boot(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.ServerSpec)
	subnet, _, err := s.subnetOf(ctx, c.Change)
	if err != nil {
		return driver.Reply{}, err
	}
	image, err := s.image(ctx, spec.Image)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	flavor, err := s.flavor(ctx, spec, subnet.Zone, image.Arch)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	group, err := s.guard().of(ctx, c)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	data, err := login(c.Secret)
	if err != nil {
		return driver.Reply{}, err
	}
	in := params{"ImageId": image.ID, "InstanceType": flavor.ID, "SubnetId": subnet.ID, "SecurityGroupId.1": group.ID, "MinCount": "1", "MaxCount": "1",
		"ClientToken": c.Token, "UserData": data, "BlockDeviceMapping.1.DeviceName": image.Root, "BlockDeviceMapping.1.Ebs.DeleteOnTermination": "true",
		"BlockDeviceMapping.1.Ebs.VolumeSize": strconv.FormatInt(spec.SystemDiskGiB, 10), "BlockDeviceMapping.1.Ebs.VolumeType": s.account.Mapping.Classes[classSystem],
		"TagSpecification.2.ResourceType": "volume", "TagSpecification.2.Tag.1.Key": tagMark, "TagSpecification.2.Tag.1.Value": table.Note(c.Mark, "system_disk")}
	return s.create(ctx, ec2, "RunInstances", in.labelled("instance", c.Mark, table.Title(c.Change, longestName)), "instancesSet", "item", "instanceId")
}

// login lets the department in, by its public key or a password, through cloud-init. JSON is YAML, so that nothing in a
// password can break out of its value.
func login(secret driver.Secret) (string, error) {
	document, err := table.AuthorizedKey(secret), error(nil)
	if value := table.Password(secret); value != "" {
		var config []byte
		config, err = json.Marshal(map[string]any{"password": value, "ssh_pwauth": true, "chpasswd": map[string]bool{"expire": false}})
		document = fmt.Appendf(nil, "#cloud-config\n%s\n", config)
	}
	return base64.StdEncoding.EncodeToString(document), err
}

// power reads first: a server that is on its way already is asked nothing.
func (s serverKind) power(stop bool) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		now, err := s.servers().need(ctx, c.ID, c.Mark, "server")
		if err != nil {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		if state, _ := powered(now, stop); state == driver.Done {
			return driver.Reply{}, nil
		}
		action := "StartInstances"
		if stop {
			action = "StopInstances"
		}
		return s.change(ctx, ec2, action, params{"InstanceId.1": now.ID})
	}
}

// resize asks for the type of the new demand; a demand that the present type answers to is no call at all.
func (s serverKind) resize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	now, err := s.servers().need(ctx, c.ID, c.Mark, "server")
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	target, err := s.flavor(ctx, c.After.(duoyun.ServerSpec), now.Zone, now.Arch)
	if err != nil || target.ID == now.Type {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	return s.change(ctx, ec2, "ModifyInstanceAttribute", params{"InstanceId": now.ID, "InstanceType.Value": target.ID})
}
