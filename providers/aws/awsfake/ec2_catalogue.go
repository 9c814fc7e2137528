package awsfake

import (
	"github.com/duoyun/duoyun/providers/simcloud"
)

func catalogueActions() []action {
	return []action{
		{service: "ec2", name: "DescribeImages", takes: "ImageId.N Owner.N" + filters, do: describeImages},
		{service: "ec2", name: "DescribeInstanceTypes", takes: "InstanceType.N" + filters, do: describeTypes},
		{service: "ec2", name: "DescribeInstanceTypeOfferings", takes: "LocationType" + filters, do: describeOfferings},
		{service: "ec2", name: "DescribeAvailabilityZones", takes: filters, do: describeZones},
	}
}

func describeImages(c *call) (object, error) {
	name := c.filter("name")
	return described(c, simcloud.KindImage, "ImageId", "imagesSet", func(i *simcloud.Image) bool { return name == "" || name == i.Name }, func(i *simcloud.Image) object {
		return object{"imageId": out("ami", i.ID), "name": i.Name, "architecture": i.Arch, "rootDeviceName": rootDevice, "creationDate": i.Created, "imageState": "available"}
	})
}

func describeTypes(c *call) (object, error) {
	if c.number("MaxResults") > 100 {
		return nil, bad("InvalidMaxResults", "The specified value for MaxResults is not valid.")
	}
	name := c.filter("instance-type")
	return described(c, simcloud.KindFlavor, "InstanceType", "instanceTypeSet", func(f *simcloud.Flavor) bool { return name == "" || name == f.Name }, func(f *simcloud.Flavor) object {
		return object{"instanceType": f.Name, "vCpuInfo": object{"defaultVCpus": f.VCPU}, "memoryInfo": object{"sizeInMiB": f.RAMMiB},
			"processorInfo": object{"supportedArchitectures": listOf("item", []string{f.Arch})}}
	})
}

func describeOfferings(c *call) (object, error) {
	at := c.filter("location")
	return described(c, simcloud.KindFlavor, "InstanceType", "instanceTypeOfferingSet", nil, func(f *simcloud.Flavor) object {
		return object{"instanceType": f.Name, "locationType": c.get("LocationType"), "location": at}
	})
}

func describeZones(c *call) (object, error) {
	var zones []object
	for _, r := range c.sim.Regions() {
		if r.Name != c.owner.Region {
			continue
		}
		for _, z := range r.Zones {
			zones = append(zones, object{"zoneName": z, "zoneState": "available", "regionName": r.Name, "zoneType": "availability-zone"})
		}
	}
	return object{"availabilityZoneInfo": listOf("item", zones)}, nil
}
