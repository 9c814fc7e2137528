package awsfake

import (
	"slices"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func diskActions() []action {
	return []action{
		{service: "ec2", name: "CreateVolume", needs: "AvailabilityZone", takes: "Size:int VolumeType" + tagging, token: "ClientToken", do: createVolume},
		{service: "ec2", name: "DescribeVolumes", takes: "VolumeId.N" + filters, do: describeVolumes},
		{service: "ec2", name: "AttachVolume", needs: "Device InstanceId VolumeId", do: attachVolume},
		{service: "ec2", name: "DetachVolume", needs: "VolumeId", takes: "InstanceId", do: detachVolume},
		{service: "ec2", name: "ModifyVolume", needs: "VolumeId", takes: "Size:int", do: modifyVolume},
		{service: "ec2", name: "DescribeVolumesModifications", takes: "VolumeId.N" + filters, do: describeModifications},
		{service: "ec2", name: "DeleteVolume", needs: "VolumeId", do: deleteVolume},
	}
}

func createVolume(c *call) (object, error) {
	if err := c.inZone("AvailabilityZone"); err != nil {
		return nil, err
	}
	v, err := c.sim.CreateVolume(simcloud.VolumeInput{SizeGiB: c.number("Size"), Type: c.get("VolumeType"),
		Object: simcloud.Object{Owner: c.owner, Zone: c.get("AvailabilityZone"), Meta: c.tags("volume")}})
	if err != nil {
		return nil, err
	}
	return c.volume(v), nil
}

func describeVolumes(c *call) (object, error) {
	return described(c, simcloud.KindVolume, "VolumeId", "volumeSet", nil, c.volume)
}

func (c *call) volume(v *simcloud.Volume) object {
	var at []object
	if v.ServerID != "" {
		status := map[simcloud.State]string{simcloud.Attaching: "attaching", simcloud.Detaching: "detaching"}[v.State]
		at = append(at, object{"volumeId": out("vol", v.ID), "instanceId": out("i", v.ServerID), "device": v.Device, "status": either(status == "", "attached", status),
			"deleteOnTermination": c.goesWith(v)})
	}
	return object{"volumeId": out("vol", v.ID), "size": v.SizeGiB, "volumeType": v.Type, "availabilityZone": v.Zone, "status": volumeState(v), "createTime": v.Created,
		"attachmentSet": listOf("item", at), "tagSet": tagSet(v.Meta)}
}

// goesWith is whether a volume goes when its server goes.
func (c *call) goesWith(v *simcloud.Volume) bool {
	s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, v.ServerID)
	return err == nil && slices.ContainsFunc(s.Volumes, func(a simcloud.Attachment) bool { return a.VolumeID == v.ID && a.Owned })
}

func volumeState(v *simcloud.Volume) string {
	switch v.State {
	case simcloud.Building:
		return "creating"
	case simcloud.Deleting:
		return "deleting"
	case simcloud.Failed:
		return "error"
	}
	return either(v.ServerID != "", "in-use", "available")
}

func attachVolume(c *call) (object, error) {
	s, err := one[simcloud.Server](c, simcloud.KindServer, "InstanceId")
	if err != nil {
		return nil, err
	}
	v, err := one[simcloud.Volume](c, simcloud.KindVolume, "VolumeId")
	switch {
	case err != nil:
		return nil, err
	case v.Zone != s.Zone:
		return nil, bad("InvalidVolume.ZoneMismatch", "The volume is not in the same availability zone as the instance")
	case slices.ContainsFunc(s.Volumes, func(a simcloud.Attachment) bool { return a.Device == c.get("Device") }) && v.ServerID == "":
		return nil, bad("InvalidParameterValue", "Attachment point %s is already in use", c.get("Device"))
	}
	_, err = c.sim.AttachVolume(c.owner, s.ID, v.ID, c.get("Device"), false)
	return object{"volumeId": c.get("VolumeId"), "instanceId": c.get("InstanceId"), "status": "attaching"}, err
}

func detachVolume(c *call) (object, error) {
	v, err := one[simcloud.Volume](c, simcloud.KindVolume, "VolumeId")
	if err == nil && v.ServerID == "" {
		err = bad("IncorrectState", "Volume '%s' is in the 'available' state.", c.get("VolumeId"))
	}
	if err != nil {
		return nil, err
	}
	return object{"volumeId": c.get("VolumeId"), "status": "detaching"}, c.sim.DetachVolume(c.owner, v.ServerID, v.ID)
}

func modifyVolume(c *call) (object, error) {
	v, err := one[simcloud.Volume](c, simcloud.KindVolume, "VolumeId")
	if err == nil && v.State == simcloud.Extending {
		err = bad("IncorrectModificationState", "Volume %s is already being modified.", c.get("VolumeId"))
	}
	if err != nil {
		return nil, err
	}
	_, err = c.sim.ExtendVolume(c.owner, v.ID, c.number("Size"))
	return object{"volumeModification": object{"modificationState": "modifying", "targetSize": c.get("Size")}}, err
}

func describeModifications(c *call) (object, error) {
	of := c.filter("volume-id")
	answer, err := described(c, simcloud.KindVolume, "VolumeId", "volumeModificationSet", func(v *simcloud.Volume) bool {
		return v.State == simcloud.Extending && (of == "" || of == out("vol", v.ID))
	}, func(v *simcloud.Volume) object {
		return object{"volumeId": out("vol", v.ID), "modificationState": "modifying", "targetSize": v.NewGiB}
	})
	return answer, err
}

func deleteVolume(c *call) (object, error) {
	v, err := one[simcloud.Volume](c, simcloud.KindVolume, "VolumeId")
	if err != nil {
		return nil, err
	}
	_, err = c.sim.DeleteVolume(c.owner, v.ID)
	return object{"return": true}, err
}
