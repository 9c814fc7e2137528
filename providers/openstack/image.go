package openstack

import (
	"cmp"
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// imageID finds the image of a portable name: the account's mapping gives its id or name, otherwise the portable name
// is the image's own. Among images of one name the newest is taken.
func (c *Cloud) imageID(ctx context.Context, portable string) (string, error) {
	name := portable
	if mapped := c.account.Mapping.Images[portable]; mapped != "" {
		name = mapped
	}
	if duoyun.IsID(name) {
		return name, nil
	}
	all, err := everything(ctx, func(marker string) pagination.Pager {
		return images.List(c.image, images.ListOpts{Name: name, Status: images.ImageStatusActive, Limit: pageSize, Marker: marker})
	}, images.ExtractImages, func(i images.Image) string { return i.ID })
	if err != nil {
		return "", table.Unsent(Code, err)
	}
	all = slices.DeleteFunc(all, func(i images.Image) bool { return i.Name != name || i.Status != images.ImageStatusActive })
	if len(all) == 0 {
		return "", table.Refuse(driver.Invalid, duoyun.Fail(duoyun.CodeInvalid, "image", "云上没有镜像 %s（%s）", "the cloud has no image %s (%s)", portable, name))
	}
	return slices.MaxFunc(all, func(a, b images.Image) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	}).ID, nil
}
