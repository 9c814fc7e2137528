package ctyun

import (
	"context"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// Flavors implements driver.Catalogue.
func (c *Cloud) Flavors(ctx context.Context) ([]driver.Flavor, error) { return c.flavors(ctx, "") }

// flavors reads the sizes of a zone, "" being the region. Every system disk is a volume. Graphics flavors are left out: no
// spec asks for one.
func (c *Cloud) flavors(ctx context.Context, zone string) ([]driver.Flavor, error) {
	var body struct {
		List *[]struct {
			ID        string `json:"flavorID"`
			Name      string `json:"flavorName"`
			CPU       int64  `json:"flavorCPU"`
			RAM       int64  `json:"flavorRAM"` // GB
			GPUs      int64  `json:"gpuCount"`
			Available *bool  `json:"available"`
		} `json:"flavorList"`
	}
	a := args{}
	if zone != "" {
		a["azName"] = zone
	}
	if err := c.fetch(ctx, ask(ecs, "/v4/ecs/flavor/list", a), &body); err != nil {
		return nil, err
	}
	if body.List == nil {
		return nil, errGarbled
	}
	var all []driver.Flavor
	for _, f := range *body.List {
		if f.GPUs > 0 {
			continue
		}
		family, _, _ := strings.Cut(f.Name, ".")
		all = append(all, driver.Flavor{ID: f.ID, Name: f.Name, VCPU: f.CPU, RAMMiB: f.RAM * 1024, Family: family, Arch: arch(family),
			SoldOut: f.Available != nil && !*f.Available})
	}
	return all, nil
}

// arch follows the vendor's names of families: k are Kunpeng and f Feiteng, both of 64-bit ARM.
func arch(family string) string {
	if strings.HasPrefix(family, "k") || strings.HasPrefix(family, "f") {
		return "aarch64"
	}
	return "x86_64"
}

// flavor chooses a server's size. It reads anew each time: sizes come and go, and a driver keeps no state.
func (c *Cloud) flavor(ctx context.Context, spec duoyun.ServerSpec, zone string) (driver.Flavor, error) {
	all, err := c.flavors(ctx, zone)
	if err != nil {
		return driver.Flavor{}, table.Unsent(Code, err)
	}
	f, ok := driver.Choose(all, driver.Demand{VCPU: spec.VCPU, RAMGiB: spec.RAMGiB, DiskGiB: spec.SystemDiskGiB, Volume: true,
		Exact: c.account.Mapping.ExactFlavor, Families: c.account.Mapping.Families})
	if !ok {
		return driver.Flavor{}, table.Refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, "spec", "没有满足 %d vCPU、%d GiB 内存的云主机规格",
			"no flavor covers %d vCPU and %d GiB of memory", spec.VCPU, spec.RAMGiB))
	}
	return f, nil
}

// image is an image as the vendor shows it.
type image struct {
	ID         string `json:"imageID"`
	Name       string `json:"imageName"`
	Visibility string `json:"visibility"`
}

// imageKinds are the vendor's sorts of images in the order of the numbers that a purchase gives them.
func imageKinds() []string { return []string{"private", "public", "shared", "safe", "community"} }

func (i image) kind() int { return slices.Index(imageKinds(), i.Visibility) }

// image finds what a portable name maps to, an image's name or id, among the private and public images.
func (c *Cloud) image(ctx context.Context, name string) (image, error) {
	want := c.account.Mapping.Images[name]
	if want == "" {
		want = name
	}
	for _, visibility := range []string{"private", "public"} {
		s := shelf[image]{Cloud: c, list: get(ims, "/v4/image/list", args{"visibility": visibility}), member: "images", size: 50}
		for cursor := ""; ; {
			all, next, _, err := s.page(ctx, cursor)
			if err != nil {
				return image{}, table.Unsent(Code, err)
			}
			if i := slices.IndexFunc(all, func(i image) bool { return i.ID == want || i.Name == want }); i >= 0 {
				all[i].Visibility = visibility
				return all[i], nil
			}
			if next == "" {
				break
			}
			cursor = next
		}
	}
	return image{}, table.Refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, "image", "云上没有镜像 %s", "the cloud has no image %s", want))
}
