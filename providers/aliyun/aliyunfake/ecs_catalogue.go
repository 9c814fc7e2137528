package aliyunfake

import (
	"strconv"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func catalogueActions() []action {
	return []action{
		{product: "Ecs", name: "DescribeZones", do: describeZones},
		{product: "Ecs", name: "DescribeImages", takes: "ImageId ImageName" + pages, do: describeImages},
		{product: "Ecs", name: "DescribeInstanceTypes", takes: "MaxResults:int NextToken", do: describeTypes},
		{product: "Ecs", name: "DescribeAvailableResource", needs: "DestinationResource", takes: "ZoneId InstanceChargeType IoOptimized", do: describeAvailable},
	}
}

func describeZones(c *call) (object, error) {
	types, err := simcloud.List[simcloud.VolumeType](c.sim, simcloud.Query{Owner: c.owner}, nil)
	if err != nil {
		return nil, err
	}
	categories := []string{}
	for _, t := range types {
		categories = append(categories, t.Name)
	}
	zones := []object{}
	for _, r := range c.sim.Regions() {
		for _, z := range r.Zones {
			if r.Name == c.owner.Region {
				zones = append(zones, object{"ZoneId": z, "LocalName": z, "AvailableDiskCategories": object{"DiskCategories": categories}})
			}
		}
	}
	return object{"Zones": object{"Zone": zones}}, nil
}

func describeImages(c *call) (object, error) {
	all, err := simcloud.List(c.sim, simcloud.Query{Owner: c.owner}, func(i *simcloud.Image) bool {
		return (c.get("ImageId") == "" || i.ID == c.get("ImageId")) && (c.get("ImageName") == "" || i.Name == c.get("ImageName"))
	})
	if err != nil {
		return nil, err
	}
	return paged(c, all, "Images", "Image", func(i *simcloud.Image) object {
		return object{"ImageId": i.ID, "ImageName": i.Name, "Architecture": i.Arch, "OSType": "linux", "Status": "Available", "CreationTime": seconds(i.Created)}
	})
}

// describeTypes pages by a token, which is the number of those before.
func describeTypes(c *call) (object, error) {
	all, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner}, nil)
	if err != nil {
		return nil, err
	}
	from := int(min(c.number("NextToken"), int64(len(all))))
	to := min(from+min(int(max(c.number("MaxResults"), 10)), c.maxPage), len(all))
	views := []object{}
	for _, f := range all[from:to] {
		views = append(views, object{"InstanceTypeId": f.Name, "InstanceTypeFamily": f.Family, "CpuCoreCount": f.VCPU, "MemorySize": float64(f.RAMMiB) / 1024,
			"CpuArchitecture": either(f.Arch == "aarch64", "ARM", "X86"), "GPUAmount": 0})
	}
	next := ""
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return object{"InstanceTypes": object{"InstanceType": views}, "NextToken": next}, nil
}

func describeAvailable(c *call) (object, error) {
	if c.get("DestinationResource") != "InstanceType" {
		return nil, invalid("DestinationResource", "The specified value is not valid.")
	}
	all, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner}, nil)
	if err != nil {
		return nil, err
	}
	types := []object{}
	for _, f := range all {
		types = append(types, object{"Value": f.Name, "Status": either(f.SoldOut, "SoldOut", "Available"), "StatusCategory": either(f.SoldOut, "WithoutStock", "WithStock")})
	}
	zones := []object{}
	for _, r := range c.sim.Regions() {
		for _, z := range r.Zones {
			if r.Name == c.owner.Region && (c.get("ZoneId") == "" || c.get("ZoneId") == z) {
				zones = append(zones, object{"ZoneId": z, "RegionId": r.Name, "Status": "Available", "AvailableResources": object{"AvailableResource": []object{
					{"Type": "InstanceType", "SupportedResources": object{"SupportedResource": types}}}}})
			}
		}
	}
	return object{"AvailableZones": object{"AvailableZone": zones}}, nil
}
