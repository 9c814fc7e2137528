package openstackfake_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumetypes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/objectstorage/v1/accounts"
	"github.com/gophercloud/gophercloud/v2/openstack/objectstorage/v1/containers"
	"github.com/gophercloud/gophercloud/v2/openstack/objectstorage/v1/objects"

	"github.com/duoyun/duoyun/providers/openstack/openstackfake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

func TestAVolumesLife(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Latency: simcloud.Latency{Create: time.Second, Change: time.Second, Delete: time.Second}}, openstackfake.Options{})
	c := b.client(t, openstack.NewBlockStorageV3, "3.59")
	v, err := volumes.Create(bg, c, volumes.CreateOpts{Size: 10, VolumeType: "ssd", Name: "数据盘", Metadata: map[string]string{"duoyun": "m1"}}, nil).Extract()
	ok(t, err)
	state := func() string {
		x, err := volumes.Get(bg, c, v.ID).Extract()
		if code(err) == 404 {
			return "gone"
		}
		ok(t, err)
		return fmt.Sprint(x.Status, " ", x.Size)
	}
	same(t, "made", state(), "creating 10")
	same(t, "extend too early", code(volumes.ExtendSize(bg, c, v.ID, volumes.ExtendSizeOpts{NewSize: 20}).ExtractErr()), 400)
	b.clock.pass(time.Second)
	same(t, "there", state(), "available 10")
	ok(t, volumes.ExtendSize(bg, c, v.ID, volumes.ExtendSizeOpts{NewSize: 20}).ExtractErr())
	same(t, "growing", state(), "extending 10")
	b.clock.pass(time.Second)
	same(t, "grown", state(), "available 20")
	same(t, "shrink", code(volumes.ExtendSize(bg, c, v.ID, volumes.ExtendSizeOpts{NewSize: 5}).ExtractErr()), 400)
	ok(t, volumes.Delete(bg, c, v.ID, nil).ExtractErr())
	same(t, "going", state(), "deleting 20")
	b.clock.pass(time.Second)
	same(t, "gone", state(), "gone")
}

func TestAVolumeInUseGrowsSince342(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	s, err := b.create(t, b.compute(t), nil)
	ok(t, err)
	older, newer := b.client(t, openstack.NewBlockStorageV3, "3.41"), b.client(t, openstack.NewBlockStorageV3, "3.42")
	v, err := volumes.Create(bg, older, volumes.CreateOpts{Size: 10}, nil).Extract()
	ok(t, err)
	_, err = volumeattach.Create(bg, b.compute(t), s.ID, volumeattach.CreateOpts{VolumeID: v.ID}).Extract()
	ok(t, err)
	same(t, "3.41", code(volumes.ExtendSize(bg, older, v.ID, volumes.ExtendSizeOpts{NewSize: 20}).ExtractErr()), 400)
	ok(t, volumes.ExtendSize(bg, newer, v.ID, volumes.ExtendSizeOpts{NewSize: 20}).ExtractErr())
}

func TestVolumesAreFiltered(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Quota: map[simcloud.Item]int64{simcloud.ItemDiskGiB: 100, simcloud.ItemVolumes: 6}}, openstackfake.Options{MaxPage: 2})
	c := b.client(t, openstack.NewBlockStorageV3, "3.59")
	for i := range 5 {
		_, err := volumes.Create(bg, c, volumes.CreateOpts{Size: 10, Name: fmt.Sprint("v", i), Metadata: map[string]string{"duoyun": fmt.Sprint("m", i), "x": "y"}}, nil).Extract()
		ok(t, err)
	}
	for name, k := range map[string]struct {
		o    volumes.ListOpts
		want int
	}{
		"all":      {volumes.ListOpts{}, 5},
		"metadata": {volumes.ListOpts{Metadata: map[string]string{"duoyun": "m3"}}, 1},
		"both":     {volumes.ListOpts{Metadata: map[string]string{"duoyun": "m3", "x": "z"}}, 0},
		"name":     {volumes.ListOpts{Name: "v2"}, 1},
		"state":    {volumes.ListOpts{Status: "available", Limit: 3}, 5},
	} {
		p, err := volumes.List(c, k.o).AllPages(bg)
		ok(t, err)
		l, err := volumes.ExtractVolumes(p)
		ok(t, err)
		same(t, name, len(l), k.want)
	}
	_, err := volumes.Create(bg, c, volumes.CreateOpts{Size: 60}, nil).Extract()
	same(t, "over the gigabytes", code(err), 413)
	_, err = volumes.Create(bg, c, volumes.CreateOpts{Size: 1, VolumeType: "nope"}, nil).Extract()
	same(t, "unknown type", code(err), 404)
	q, err := quotasets.GetUsage(bg, c, b.owner.Tenant).Extract()
	ok(t, err)
	same(t, "gigabytes in use", q.Gigabytes.InUse, 50)
	l, err := limits.Get(bg, c).Extract()
	ok(t, err)
	same(t, "volumes used", l.Absolute.TotalVolumesUsed, 5)
	p, err := volumetypes.List(c, nil).AllPages(bg)
	ok(t, err)
	kinds, err := volumetypes.ExtractVolumeTypes(p)
	ok(t, err)
	same(t, "types", len(kinds), 2)
}

func TestASoldOutVolumeIsInError(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Capacity: map[simcloud.Item]int64{simcloud.ItemDiskGiB: 15}}, openstackfake.Options{})
	c := b.client(t, openstack.NewBlockStorageV3, "")
	for _, want := range []string{"available", "error"} {
		v, err := volumes.Create(bg, c, volumes.CreateOpts{Size: 10}, nil).Extract()
		ok(t, err)
		v, err = volumes.Get(bg, c, v.ID).Extract()
		ok(t, err)
		same(t, "state", v.Status, want)
	}
}

func TestImagesAreListed(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.client(t, openstack.NewImageV2, "")
	p, err := images.List(c, images.ListOpts{Limit: 2}).AllPages(bg)
	ok(t, err)
	all, err := images.ExtractImages(p)
	ok(t, err)
	if len(all) < 7 {
		t.Errorf("%d images", len(all))
	}
	p, err = images.List(c, images.ListOpts{Name: "openeuler-22.03"}).AllPages(bg)
	ok(t, err)
	one, err := images.ExtractImages(p)
	ok(t, err)
	same(t, "by name", len(one), 1)
	_, err = images.Get(bg, c, "nope").Extract()
	same(t, "unknown", code(err), 404)
}

func TestContainers(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	c := b.client(t, openstack.NewObjectStorageV1, "")
	for i := range 7 {
		ok(t, containers.Create(bg, c, fmt.Sprint("b", i), containers.CreateOpts{Metadata: map[string]string{"Mark": fmt.Sprint("m", i), "Quota-Bytes": "10"}}).Err)
	}
	got := containers.Get(bg, c, "b3", nil)
	meta, err := got.ExtractMetadata()
	ok(t, err)
	same(t, "metadata", meta["Mark"], "m3")
	p, err := containers.List(c, containers.ListOpts{Limit: 3}).AllPages(bg)
	ok(t, err)
	infos, err := containers.ExtractInfo(p)
	ok(t, err)
	same(t, "containers on all pages", len(infos), 7)
	if !slices.IsSortedFunc(infos, func(a, b containers.Container) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) }) {
		t.Error("not by name")
	}
	ok(t, objects.Create(bg, c, "b3", "a/b.txt", objects.CreateOpts{Content: bytes.NewReader([]byte("hello"))}).Err)
	same(t, "over the container's quota", code(objects.Create(bg, c, "b3", "c", objects.CreateOpts{Content: bytes.NewReader([]byte("too much"))}).Err), 413)
	same(t, "not empty", code(containers.Delete(bg, c, "b3").Err), 409)
	a, err := accounts.Get(bg, c, nil).Extract()
	ok(t, err)
	same(t, "bytes of the account", a.BytesUsed, 5)
	ok(t, objects.Delete(bg, c, "b3", "a/b.txt", nil).Err)
	ok(t, containers.Delete(bg, c, "b3").Err)
	same(t, "twice", code(containers.Delete(bg, c, "b3").Err), 404)
}
