package aliyun

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// image is a system image.
type image struct {
	ID           string `json:"ImageId"`
	Name         string `json:"ImageName"`
	CreationTime string
}

func (i image) key() string        { return i.ID }
func (i image) thing() table.Thing { return table.Thing{ID: i.ID, Note: i.Name, State: driver.Active} }

func (c *Cloud) images(more params) listing[image] {
	return listing[image]{cloud: c, product: ecs, action: "DescribeImages", outer: "Images", inner: "Image", id: "ImageId", more: more}
}

// isImageID tells an id from a name: own images are m-…, public ones are files.
func isImageID(s string) bool { return strings.HasPrefix(s, "m-") || strings.HasSuffix(s, ".vhd") }

// imageID finds the image of a portable name: the account's mapping, an id or a name; of several of one name the newest.
func (c *Cloud) imageID(ctx context.Context, portable string) (string, error) {
	wanted := portable
	if mapped := c.account.Mapping.Images[portable]; mapped != "" {
		wanted = mapped
	}
	by := params{"ImageName": wanted}
	if isImageID(wanted) {
		by = params{"ImageId": wanted}
	}
	all, err := c.images(by).every(ctx)
	if err != nil {
		return "", err
	}
	all = slices.DeleteFunc(all, func(i image) bool { return i.Name != wanted && i.ID != wanted })
	if len(all) == 0 {
		return "", table.Impossible("image", "云上没有镜像 %s", "the cloud has no image %s", wanted)
	}
	return slices.MaxFunc(all, func(a, b image) int { return strings.Compare(a.CreationTime+a.ID, b.CreationTime+b.ID) }).ID, nil
}

// imageName is the portable name of an image; "" for one that is gone.
func (c *Cloud) imageName(ctx context.Context, id string) (string, error) {
	name := id
	if v, err := c.images(nil).get(ctx, id); err == nil {
		name = v.Name
	} else if Code(err) != driver.NotFound {
		return "", err
	}
	for portable, mapped := range c.account.Mapping.Images {
		if mapped == id || mapped == name {
			return portable, nil
		}
	}
	if name == id {
		return "", nil
	}
	return name, nil
}

// flavor chooses among what can be had in a zone.
func (c *Cloud) flavor(ctx context.Context, spec duoyun.ServerSpec, zone string, subscribed bool) (driver.Flavor, error) {
	all, err := c.flavors(ctx, zone, subscribed)
	if err != nil {
		return driver.Flavor{}, err
	}
	d := driver.Demand{VCPU: spec.VCPU, RAMGiB: spec.RAMGiB, Exact: c.account.Mapping.ExactFlavor, Volume: true, Families: c.account.Mapping.Families}
	if f, ok := driver.Choose(all, d); ok {
		return f, nil
	}
	for i := range all {
		all[i].SoldOut = false
	}
	code := driver.Invalid
	if _, ok := driver.Choose(all, d); ok {
		code = driver.SoldOut
	}
	return driver.Flavor{}, table.Refuse(code, duoyun.Fail(duoyun.CodeInvalid, "spec", "没有可购的云主机规格满足 %d vCPU、%d GiB 内存",
		"no instance type on sale covers %d vCPU and %d GiB of memory", spec.VCPU, spec.RAMGiB))
}

// Flavors implements driver.Catalogue for the region, whatever the zone.
func (c *Cloud) Flavors(ctx context.Context) ([]driver.Flavor, error) {
	return c.flavors(ctx, "", false)
}

// flavors reads all types and which of them are on sale. Types with accelerators are left out: nobody orders them by vCPU.
func (c *Cloud) flavors(ctx context.Context, zone string, subscribed bool) ([]driver.Flavor, error) {
	selling, err := c.onSale(ctx, zone, subscribed)
	if err != nil {
		return nil, err
	}
	var all []driver.Flavor
	for next := ""; ; {
		var answer struct {
			NextToken     string
			InstanceTypes struct{ InstanceType []instanceType }
		}
		if _, err := c.call(ctx, ecs, "DescribeInstanceTypes", params{"MaxResults": "100", "NextToken": next}, &answer); err != nil {
			return nil, err
		}
		if answer.InstanceTypes.InstanceType == nil {
			return nil, errHollow
		}
		for _, t := range answer.InstanceTypes.InstanceType {
			if t.GPUAmount == 0 {
				all = append(all, t.flavor(!selling[t.ID]))
			}
		}
		if answer.NextToken == "" || answer.NextToken == next {
			return all, nil
		}
		next = answer.NextToken
	}
}

// instanceType is a type as DescribeInstanceTypes shows it; its memory is in GiB, of which there are halves.
type instanceType struct {
	ID              string `json:"InstanceTypeId"`
	Family          string `json:"InstanceTypeFamily"`
	CPUCoreCount    int64  `json:"CpuCoreCount"`
	MemorySize      word
	CPUArchitecture string `json:"CpuArchitecture"`
	GPUAmount       int
}

func (t instanceType) flavor(soldOut bool) driver.Flavor {
	gib, err := strconv.ParseFloat(string(t.MemorySize), 64)
	if err != nil {
		gib = 0 // covers nothing
	}
	arch := map[string]string{"X86": "x86_64", "ARM": "aarch64"}[strings.ToUpper(t.CPUArchitecture)]
	return driver.Flavor{ID: t.ID, Name: t.ID, VCPU: t.CPUCoreCount, RAMMiB: int64(math.Round(gib * 1024)), Family: t.Family, Arch: arch, SoldOut: soldOut}
}

// onSale reads which types a zone, or any zone of the region, sells now.
func (c *Cloud) onSale(ctx context.Context, zone string, subscribed bool) (map[string]bool, error) {
	in := params{"DestinationResource": "InstanceType", "IoOptimized": "optimized", "ZoneId": zone, "InstanceChargeType": "PostPaid"}
	if subscribed {
		in["InstanceChargeType"] = prePaid
	}
	var answer struct {
		AvailableZones struct {
			AvailableZone []struct {
				AvailableResources struct {
					AvailableResource []struct {
						SupportedResources struct {
							SupportedResource []struct{ Value, Status string }
						}
					}
				}
			}
		}
	}
	if _, err := c.call(ctx, ecs, "DescribeAvailableResource", in, &answer); err != nil {
		return nil, err
	}
	if answer.AvailableZones.AvailableZone == nil {
		return nil, errHollow
	}
	selling := map[string]bool{}
	for _, z := range answer.AvailableZones.AvailableZone {
		for _, r := range z.AvailableResources.AvailableResource {
			for _, v := range r.SupportedResources.SupportedResource {
				selling[v.Value] = selling[v.Value] || v.Status == "Available"
			}
		}
	}
	return selling, nil
}
