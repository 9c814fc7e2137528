package aliyunfake

import (
	"github.com/duoyun/duoyun/providers/simcloud"
)

func diskActions() []action {
	return []action{
		{product: "Ecs", name: "CreateDisk", takes: "ZoneId InstanceId DiskCategory Size:int DiskName Description", token: "ClientToken", do: createDisk},
		{product: "Ecs", name: "DescribeDisks", takes: "DiskIds:list InstanceId DiskType" + pages, do: describeDisks},
		{product: "Ecs", name: "AttachDisk", needs: "InstanceId DiskId", takes: "DeleteWithInstance:bool", do: func(c *call) (object, error) {
			_, err := c.sim.AttachVolume(c.owner, c.get("InstanceId"), c.get("DiskId"), "", c.get("DeleteWithInstance") == "true")
			return object{}, err
		}},
		{product: "Ecs", name: "DetachDisk", needs: "InstanceId DiskId", do: detachDisk},
		{product: "Ecs", name: "ModifyDiskChargeType", needs: "InstanceId DiskIds:list", takes: "DiskChargeType AutoPay:bool", token: "ClientToken", do: chargeDisk},
		{product: "Ecs", name: "ResizeDisk", needs: "DiskId NewSize:int", takes: "Type", token: "ClientToken", do: resizeDisk},
		{product: "Ecs", name: "DeleteDisk", needs: "DiskId", do: func(c *call) (object, error) {
			_, err := c.sim.DeleteVolume(c.owner, c.get("DiskId"))
			return object{}, err
		}},
	}
}

// createDisk: either a zone, or a subscribed server that the disk belongs to from then on.
func createDisk(c *call) (object, error) {
	if err := c.described(); err != nil {
		return nil, err
	}
	in := simcloud.VolumeInput{SizeGiB: c.number("Size"), Type: c.get("DiskCategory"),
		Object: simcloud.Object{Owner: c.owner, Zone: c.get("ZoneId"), Name: c.get("DiskName"), Description: c.get("Description")}}
	host := c.get("InstanceId")
	if host != "" {
		s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, host)
		if err != nil {
			return nil, err
		}
		if s.PaidUntil.IsZero() || in.Zone != "" {
			return nil, refuse(400, "InvalidInstanceChargeType", "the server is not a subscription, or a zone is given as well")
		}
		in.Zone, in.Purchase = s.Zone, simcloud.Purchase{Months: s.Months}
	} else if err := c.inZone("ZoneId"); err != nil {
		return nil, err
	}
	v, err := c.sim.CreateVolume(in)
	if err != nil {
		return nil, err
	}
	return object{"DiskId": v.ID, "OrderId": orderOf(in.Purchase, v.ID)}, nil
}

// detachDisk refuses a subscribed disk.
func detachDisk(c *call) (object, error) {
	v, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, c.get("DiskId"))
	if err == nil && !v.PaidUntil.IsZero() {
		err = refuse(403, "InvalidOperation.DiskChargeTypeViolation", "The disk is a subscription.")
	}
	if err != nil {
		return nil, err
	}
	return object{}, c.sim.DetachVolume(c.owner, c.get("InstanceId"), v.ID)
}

// chargeDisk puts a subscribed disk on demand.
func chargeDisk(c *call) (object, error) {
	ids, _ := c.ids("DiskIds")
	if len(ids) != 1 || c.get("DiskChargeType") != "PostPaid" {
		return nil, invalid("DiskIds", "one disk at a time, to be charged on demand")
	}
	_, err := simcloud.Edit(c.sim, c.owner, ids[0], func(v *simcloud.Volume) error {
		if v.ServerID != c.get("InstanceId") {
			return refuse(403, "IncorrectDiskStatus", "The disk is on another server.")
		}
		v.Purchase = simcloud.Purchase{}
		return nil
	})
	return object{"OrderId": "2000000000007"}, err
}

func describeDisks(c *call) (object, error) {
	all, err := find(c, "DiskIds", func(v *simcloud.Volume) bool {
		return (c.get("InstanceId") == "" || v.ServerID == c.get("InstanceId")) && (c.get("DiskType") == "" || c.get("DiskType") == diskType(v))
	})
	if err != nil {
		return nil, err
	}
	return paged(c, all, "Disks", "Disk", func(v *simcloud.Volume) object {
		return object{"DiskId": v.ID, "DiskName": v.Name, "Description": v.Description, "InstanceId": v.ServerID, "Status": diskStatus(v), "Category": v.Type,
			"Type": diskType(v), "ZoneId": v.Zone, "RegionId": v.Region, "Size": v.SizeGiB, "DiskChargeType": charge(v.Purchase), "CreationTime": seconds(v.Created),
			"ExpiredTime": expires(v.Purchase), "Device": v.Device}
	})
}

func diskType(v *simcloud.Volume) string { return either(v.ImageID != "", "system", "data") }

func diskStatus(v *simcloud.Volume) string {
	switch v.State {
	case simcloud.Building:
		return "Creating"
	case simcloud.Attaching:
		return "Attaching"
	case simcloud.Detaching:
		return "Detaching"
	}
	return either(v.ServerID != "", "In_use", "Available")
}

func resizeDisk(c *call) (object, error) {
	v, err := simcloud.Get[simcloud.Volume](c.sim, c.owner, c.get("DiskId"))
	if err != nil {
		return nil, err
	}
	if v.ServerID != "" && c.get("Type") != "online" {
		return nil, refuse(403, "IncorrectDiskStatus", "The current disk status does not support this operation.")
	}
	_, err = c.sim.ExtendVolume(c.owner, v.ID, c.number("NewSize"))
	return object{"OrderId": orderOf(v.Purchase, v.ID)}, err
}
