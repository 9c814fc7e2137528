package ctyunfake

import (
	"regexp"
	"strconv"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// metaType and metaQuota are where a bucket's storage type and quota in KiB are kept.
const (
	metaType  = "storageType"
	metaQuota = "maxSizeKb"
)

var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

func (f *Fake) bucket() {
	f.post("/v4/oss/create-bucket", "bucket! ACL projectID storageType", func(c *call) (any, error) {
		if !bucketName.MatchString(c.text("bucket")) {
			return nil, c.wrong("bucket")
		}
		if _, err := c.bucket(); err == nil {
			return nil, refuse("oss.resource.bucketExisted", "the bucket is there already")
		}
		_, _, err := c.sim.PutBucket(c.owner, c.text("bucket"), func(b *simcloud.Bucket) { b.Meta = map[string]string{metaType: c.text("storageType")} })
		return object{"bucket": c.text("bucket")}, err
	})
	f.get("/v4/oss/get-bucket-info", "bucket!", func(c *call) (any, error) {
		b, err := c.bucket()
		if err != nil {
			return nil, err
		}
		kib, _ := strconv.ParseInt(b.Meta[metaQuota], 10, 64)
		return object{"bucket": b.Name, "storageType": b.Meta[metaType], "ctime": b.Created.UTC().Format("2006-01-02T15:04:05Z"),
			"bucketQuota": object{"enabled": kib > 0, "maxSizeKb": kib, "maxSize": kib << 10}, "usage": object{"numObjects": b.Count, "size": b.Bytes}}, nil
	})
	f.get("/v4/oss/list-buckets", pageWords, func(c *call) (any, error) {
		all, err := views(c, func(b *simcloud.Bucket) object {
			return object{"bucket": b.Name, "storageType": b.Meta[metaType], "creationDate": b.Created.UTC().Format("2006-01-02T15:04:05Z")}
		}, nil)
		if err != nil {
			return nil, err
		}
		return paged(c, "bucketList", 50, all)
	})
	f.post("/v4/oss/put-bucket-quota", "bucket! enabled!:b maxSizeKb!:i", func(c *call) (any, error) {
		if _, err := c.bucket(); err != nil {
			return nil, err
		}
		_, _, err := c.sim.PutBucket(c.owner, c.text("bucket"), func(b *simcloud.Bucket) {
			b.Meta = note(b.Meta, metaQuota, strconv.FormatInt(c.number("maxSizeKb"), 10))
		})
		return object{}, err
	})
	f.post("/v4/oss/delete-bucket", "bucket!", func(c *call) (any, error) {
		return object{}, c.sim.DeleteBucket(c.owner, c.text("bucket"))
	})
}

func (c *call) bucket() (*simcloud.Bucket, error) {
	return mine[simcloud.Bucket](c, simcloud.KindBucket, simcloud.BucketID(c.owner, c.text("bucket")))
}
