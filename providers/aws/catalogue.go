package aws

import (
	"context"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// image is a machine image.
type image struct {
	ID      string `xml:"imageId"`
	Name    string `xml:"name"`
	Arch    string `xml:"architecture"`
	Root    string `xml:"rootDeviceName"`
	Created string `xml:"creationDate"`
}

func (i image) key() string        { return i.ID }
func (i image) thing() table.Thing { return table.Thing{ID: i.ID, Note: i.Name, State: driver.Active} }

func (c *Cloud) images() listing[image] {
	return listing[image]{cloud: c, service: ec2, action: "DescribeImages", list: "imagesSet", fits: begins("ami-"), id: "ImageId.1"}
}

// image finds the image of a portable name: the account's mapping, an id or a name; of several of one name the newest.
// Anybody may publish an image under any name, so that names are those of the account, the vendor and its marketplace.
func (c *Cloud) image(ctx context.Context, portable string) (image, error) {
	wanted := portable
	if mapped := c.account.Mapping.Images[portable]; mapped != "" {
		wanted = mapped
	}
	unknown := table.Impossible("image", "云上没有镜像 %s", "the cloud has no image %s", wanted)
	if strings.HasPrefix(wanted, "ami-") {
		v, err := c.images().get(ctx, wanted)
		if Code(err) == driver.NotFound {
			err = unknown
		}
		return v, err
	}
	l := c.images()
	l.more = params{"Filter.1.Name": "name", "Filter.1.Value.1": wanted, "Owner.1": "self", "Owner.2": "amazon", "Owner.3": "aws-marketplace"}
	all, err := l.every(ctx)
	if err != nil {
		return image{}, err
	}
	if len(all) == 0 {
		return image{}, unknown
	}
	return slices.MaxFunc(all, func(a, b image) int { return strings.Compare(a.Created+a.ID, b.Created+b.ID) }), nil
}

// imageName is the portable name of an image; "" for one that is gone.
func (c *Cloud) imageName(ctx context.Context, id string) (string, error) {
	v, err := c.images().get(ctx, id)
	if err != nil && Code(err) != driver.NotFound && Code(err) != driver.Invalid {
		return "", err
	}
	for portable, mapped := range c.account.Mapping.Images {
		if mapped == id || mapped == v.Name && mapped != "" {
			return portable, nil
		}
	}
	return v.Name, nil
}

// instanceType is a type as DescribeInstanceTypes shows it. Types with accelerators are nobody's choice by vCPU.
type instanceType struct {
	Name  string   `xml:"instanceType"`
	VCPU  int64    `xml:"vCpuInfo>defaultVCpus"`
	RAM   int64    `xml:"memoryInfo>sizeInMiB"`
	Archs []string `xml:"processorInfo>supportedArchitectures>item"`
	GPUs  []string `xml:"gpuInfo>gpus>item>name"`
}

func (t instanceType) key() string        { return t.Name }
func (t instanceType) thing() table.Thing { return table.Thing{ID: t.Name, State: driver.Active} }

func (t instanceType) flavor() driver.Flavor {
	family, _, _ := strings.Cut(t.Name, ".")
	f := driver.Flavor{ID: t.Name, Name: t.Name, VCPU: t.VCPU, RAMMiB: t.RAM, Family: family}
	switch {
	case slices.Contains(t.Archs, "x86_64"):
		f.Arch = "x86_64"
	case slices.Contains(t.Archs, "arm64"):
		f.Arch = "aarch64"
	}
	return f
}

func (c *Cloud) types(more params) listing[instanceType] {
	all := params{"MaxResults": "100"} // the most this action takes
	for name, value := range more {
		all[name] = value
	}
	return listing[instanceType]{cloud: c, service: ec2, action: "DescribeInstanceTypes", list: "instanceTypeSet", more: all}
}

// sizeOf reads the size of a type; that of one that is no longer sold is not shown.
func (c *Cloud) sizeOf(ctx context.Context, name string) (driver.Flavor, error) {
	all, err := c.types(params{"Filter.1.Name": "instance-type", "Filter.1.Value.1": name}).every(ctx)
	if err != nil || len(all) == 0 {
		return driver.Flavor{}, err
	}
	return all[0].flavor(), nil
}

// offering is a type that is sold somewhere.
type offering struct {
	Name string `xml:"instanceType"`
}

func (o offering) key() string        { return o.Name }
func (o offering) thing() table.Thing { return table.Thing{ID: o.Name, State: driver.Active} }

// Flavors implements driver.Catalogue for the region, whatever the zone: types of the current generation. The vendor does not tell what is sold out: a
// launch that finds no capacity is refused.
func (c *Cloud) Flavors(ctx context.Context) ([]driver.Flavor, error) {
	all, err := c.types(params{"Filter.1.Name": "current-generation", "Filter.1.Value.1": "true"}).every(ctx)
	var flavors []driver.Flavor
	for _, t := range all {
		if len(t.GPUs) == 0 {
			flavors = append(flavors, t.flavor())
		}
	}
	return flavors, err
}

// flavor chooses among the types that a zone sells for an architecture, in the vendor's words.
func (c *Cloud) flavor(ctx context.Context, spec duoyun.ServerSpec, zone, arch string) (driver.Flavor, error) {
	l := listing[offering]{cloud: c, service: ec2, action: "DescribeInstanceTypeOfferings", list: "instanceTypeOfferingSet",
		more: params{"LocationType": "availability-zone", "Filter.1.Name": "location", "Filter.1.Value.1": zone}}
	sold, err := l.every(ctx)
	if err != nil {
		return driver.Flavor{}, err
	}
	return c.choose(ctx, sold, spec.VCPU, spec.RAMGiB, arch)
}

// choose takes the cheapest type of those that are sold.
func (c *Cloud) choose(ctx context.Context, sold []offering, vcpu, ramGiB int64, arch string) (driver.Flavor, error) {
	all, err := c.Flavors(ctx)
	if err != nil {
		return driver.Flavor{}, err
	}
	arch = strings.ReplaceAll(arch, "arm64", "aarch64")
	all = slices.DeleteFunc(all, func(f driver.Flavor) bool {
		return !slices.Contains(sold, offering{f.ID}) || arch != "" && f.Arch != arch
	})
	if f, ok := driver.Choose(all, driver.Demand{VCPU: vcpu, RAMGiB: ramGiB, Exact: c.account.Mapping.ExactFlavor, Volume: true, Families: c.account.Mapping.Families}); ok {
		return f, nil
	}
	return driver.Flavor{}, table.Impossible("spec", "没有可购的规格满足 %d vCPU、%d GiB 内存", "no type on sale covers %d vCPU and %d GiB of memory", vcpu, ramGiB)
}
