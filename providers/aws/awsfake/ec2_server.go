package awsfake

import (
	"encoding/base64"
	"maps"
	"slices"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func serverActions() []action {
	return []action{
		{service: "ec2", name: "RunInstances", needs: "ImageId InstanceType MinCount:int MaxCount:int", takes: "SubnetId SecurityGroupId.N UserData BlockDeviceMapping.N.DeviceName" +
			" BlockDeviceMapping.N.Ebs.VolumeSize:int BlockDeviceMapping.N.Ebs.VolumeType BlockDeviceMapping.N.Ebs.DeleteOnTermination:bool" + tagging, token: "ClientToken", do: runInstances},
		{service: "ec2", name: "DescribeInstances", takes: "InstanceId.N" + filters, do: describeInstances},
		{service: "ec2", name: "StartInstances", needs: "InstanceId.N", do: turn(simcloud.Active, (*simcloud.Cloud).StartServer)},
		{service: "ec2", name: "StopInstances", needs: "InstanceId.N", do: turn(simcloud.Stopped, (*simcloud.Cloud).StopServer)},
		{service: "ec2", name: "ModifyInstanceAttribute", needs: "InstanceId InstanceType.Value", do: modifyInstance},
		{service: "ec2", name: "TerminateInstances", needs: "InstanceId.N", do: terminate},
	}
}

func runInstances(c *call) (object, error) {
	image, err := one[simcloud.Image](c, simcloud.KindImage, "ImageId")
	if err != nil {
		return nil, err
	}
	subnet, err := one[simcloud.Subnet](c, simcloud.KindSubnet, "SubnetId")
	if err != nil {
		return nil, err
	}
	group, err := one[simcloud.Group](c, simcloud.KindGroup, "SecurityGroupId.1")
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(c.get("UserData"))
	switch {
	case err != nil:
		return nil, bad("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data.")
	case group.NetworkID != subnet.NetworkID:
		return nil, bad("InvalidParameter", "Security group and subnet belong to different networks.")
	case c.number("MinCount") != 1 || c.number("MaxCount") != 1:
		return nil, bad("InvalidParameterValue", "one at a time")
	case c.get("BlockDeviceMapping.1.DeviceName") != rootDevice:
		return nil, bad("InvalidBlockDeviceMapping", "it is not the image's root device")
	}
	flavor, err := c.flavorID(c.get("InstanceType"))
	if err != nil {
		return nil, err
	}
	s, err := c.sim.CreateServer(simcloud.ServerInput{FlavorID: flavor, ImageID: image.ID, UserData: string(data), GroupIDs: []string{group.ID},
		Object: simcloud.Object{Owner: c.owner, Zone: subnet.Zone, Meta: c.tags("instance")}, Nics: []simcloud.Nic{{SubnetID: subnet.ID}},
		Disks: []simcloud.Disk{{SizeGiB: c.number("BlockDeviceMapping.1.Ebs.VolumeSize"), Type: c.get("BlockDeviceMapping.1.Ebs.VolumeType"), ImageID: image.ID,
			Owned: c.get("BlockDeviceMapping.1.Ebs.DeleteOnTermination") == "true"}}})
	if err != nil {
		return nil, err
	}
	if len(s.Volumes) > 0 {
		if _, err = simcloud.Edit(c.sim, c.owner, s.Volumes[0].VolumeID, func(v *simcloud.Volume) error { v.Meta = c.tags("volume"); return nil }); err != nil {
			return nil, err
		}
	}
	return object{"reservationId": out("r", s.ID), "ownerId": Account, "instancesSet": listOf("item", []object{c.instance(s)})}, nil
}

// rootDevice is what the images of this cloud call their system disk.
const rootDevice = "/dev/vda"

// flavorID finds a type by its name.
func (c *call) flavorID(name string) (string, error) {
	found, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Named(name)}}, nil)
	if err == nil && len(found) == 0 {
		err = bad("InvalidInstanceType", "The instance type '%s' does not exist", name)
	}
	if err != nil {
		return "", err
	}
	return found[0].ID, nil
}

// state words a server's state. What changes its type is stopped meanwhile.
func state(s simcloud.State) string {
	switch s {
	case simcloud.Building, simcloud.Starting:
		return "pending"
	case simcloud.Stopping:
		return "stopping"
	case simcloud.Active, simcloud.Restarting:
		return "running"
	case simcloud.Deleting:
		return "shutting-down"
	case simcloud.Failed:
		return "terminated"
	}
	return "stopped"
}

// settled ends a change of type: the vendor knows no confirmation.
func (c *call) settled(s *simcloud.Server) *simcloud.Server {
	if s.State != simcloud.Resized {
		return s
	}
	if now, err := c.sim.ConfirmResize(c.owner, s.ID); err == nil {
		return now
	}
	return s
}

// shown is how long a terminated instance is still described.
const shown = time.Hour

func describeInstances(c *call) (object, error) {
	given := c.texts("InstanceId")
	if len(given) == 1 {
		if e, gone := c.ended[given[0]]; gone && c.sim.Now().Sub(e.at) < shown {
			if id, err := in(simcloud.KindServer, given[0]); err == nil {
				if _, err := simcloud.Get[simcloud.Server](c.sim, c.owner, id); err != nil {
					return object{"reservationSet": listOf("item", []object{reservation(e.show)})}, nil
				}
			}
		}
	}
	answer, err := described(c, simcloud.KindServer, "InstanceId", "reservationSet", nil, func(s *simcloud.Server) object { return reservation(c.instance(c.settled(s))) })
	if err != nil || len(given) > 0 || c.get("NextToken") != "" {
		return answer, err
	}
	first := answer["reservationSet"].(list) // the first page shows what has ended, too
	for _, id := range slices.Sorted(maps.Keys(c.ended)) {
		own, err := in(simcloud.KindServer, id)
		if _, gone := simcloud.Get[simcloud.Server](c.sim, c.owner, own); err == nil && gone != nil && c.sim.Now().Sub(c.ended[id].at) < shown {
			first.all = append(first.all, reservation(c.ended[id].show))
		}
	}
	answer["reservationSet"] = first
	return answer, nil
}

func reservation(instance object) object {
	return object{"reservationId": "r-0", "ownerId": Account, "instancesSet": listOf("item", []object{instance})}
}

func (c *call) instance(s *simcloud.Server) object {
	flavor := s.FlavorID
	if s.State == simcloud.Resizing {
		flavor = s.NewFlavor // which holds at once
	}
	name := flavor
	if f, err := simcloud.Get[simcloud.Flavor](c.sim, c.owner, flavor); err == nil {
		name = f.Name
	}
	o := object{"instanceId": out("i", s.ID), "imageId": out("ami", s.ImageID), "instanceState": object{"code": 0, "name": state(s.State)}, "instanceType": name,
		"architecture": "x86_64", "placement": object{"availabilityZone": s.Zone}, "launchTime": s.Created, "rootDeviceName": rootDevice, "tagSet": tagSet(s.Meta)}
	if s.Fault != "" {
		o["stateReason"] = object{"code": "Server.InternalError", "message": s.Fault}
	}
	var groups, disks []object
	for _, id := range s.PortIDs {
		p, err := simcloud.Get[simcloud.Port](c.sim, c.owner, id)
		if err != nil {
			continue
		}
		for _, g := range p.GroupIDs {
			groups = append(groups, object{"groupId": out("sg", g)})
		}
		o["vpcId"] = out("vpc", p.NetworkID)
		for _, a := range p.Fixed {
			o["subnetId"], o["privateIpAddress"] = out("subnet", a.SubnetID), a.Address
		}
	}
	for _, a := range s.Volumes {
		disks = append(disks, object{"deviceName": a.Device, "ebs": object{"volumeId": out("vol", a.VolumeID), "deleteOnTermination": a.Owned, "status": "attached"}})
	}
	o["groupSet"], o["blockDeviceMapping"] = listOf("item", groups), listOf("item", disks)
	return o
}

// turn starts or stops; what is so already is no error.
func turn(to simcloud.State, f func(*simcloud.Cloud, simcloud.Owner, string) (*simcloud.Server, error)) func(*call) (object, error) {
	return func(c *call) (object, error) {
		s, err := one[simcloud.Server](c, simcloud.KindServer, "InstanceId.1")
		if err != nil {
			return nil, err
		}
		if s = c.settled(s); s.State != to && s.Next != to {
			_, err = f(c.sim, c.owner, s.ID)
		}
		return object{"instancesSet": listOf("item", []object{{"instanceId": c.get("InstanceId.1")}})}, err
	}
}

func modifyInstance(c *call) (object, error) {
	s, err := one[simcloud.Server](c, simcloud.KindServer, "InstanceId")
	if err != nil {
		return nil, err
	}
	if s.State != simcloud.Stopped {
		return nil, bad("IncorrectInstanceState", "The instance is not in the 'stopped' state.")
	}
	flavor, err := c.flavorID(c.get("InstanceType.Value"))
	if err == nil && flavor != s.FlavorID {
		_, err = c.sim.ResizeServer(c.owner, s.ID, flavor)
	}
	return object{"return": true}, err
}

// terminate is idempotent, also for what has ended.
func terminate(c *call) (object, error) {
	id := c.get("InstanceId.1")
	s, err := one[simcloud.Server](c, simcloud.KindServer, "InstanceId.1")
	if _, gone := c.ended[id]; err != nil && !gone {
		return nil, err
	}
	if err == nil {
		show := c.instance(s)
		show["instanceState"] = object{"code": 48, "name": "terminated"}
		c.ended[id] = ended{c.sim.Now(), show}
		_, err = c.sim.DeleteServer(c.owner, s.ID)
	} else {
		err = nil
	}
	return object{"instancesSet": listOf("item", []object{{"instanceId": id}})}, err
}
