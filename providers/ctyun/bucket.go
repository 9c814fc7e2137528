package ctyun

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// bucketClasses begins the names under which an account maps storage types: "bucket/cold" is that of class cold.
const bucketClasses = "bucket/"

// kib is how many KiB, in which quotas are given, a GiB has.
const kib = int64(1) << 20

// bucketKind is a bucket of ZOS, managed through the open platform; its objects are S3's. Its name is the mark: a natural
// key, so that a look needs no listing.
type bucketKind struct{ *Cloud }

// bucket is a bucket as the vendor shows it; its listing shows the first two, and the date under another name.
type bucket struct {
	Name    string `json:"bucket"`
	Type    string `json:"storageType"`
	Created text   `json:"ctime"`
	Dated   text   `json:"creationDate"`
	Quota   struct {
		Enabled bool  `json:"enabled"`
		KiB     int64 `json:"maxSizeKb"`
	} `json:"bucketQuota"`
	Usage struct {
		Objects int64 `json:"numObjects"`
	} `json:"usage"`
}

func (b bucketKind) kind() *table.Kind {
	all := b.buckets()
	return &table.Kind{
		Plans: table.Plans{Create: b.planCreate, Update: planQuota, Delete: table.Fixed(driver.Step{Name: "delete-bucket", Main: true, Await: true})},
		Verbs: map[string]table.Verb{
			"bucket": {Run: b.create, Look: func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
				c.ID = c.Mark
				return all.table().LookMainMade(ctx, c)
			}},
			"quota": {Run: b.setQuota, Look: b.lookQuota},
			"delete-bucket": {Run: b.remove, Look: func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
				c.ID = c.Mark
				return all.table().LookMainUnmade(ctx, c)
			}},
		},
		Reading: func(ctx context.Context, id string) (driver.Observation, error) {
			v, err := all.read(ctx, id)
			return b.observed(v), err
		},
		Listing: all.observations(func(v bucket) (driver.Observation, bool) { return b.observed(v), true }),
	}
}

func (b bucketKind) planCreate(c driver.Change) ([]driver.Step, error) {
	_, err := b.class(bucketClasses, c.After.(duoyun.BucketSpec).Class, "STANDARD")
	return []driver.Step{{Name: "bucket", Main: true, Await: true}, {Name: "quota", Await: true}}, err
}

// planQuota: a bucket may also shrink; the vendor then refuses new objects.
func planQuota(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.BucketSpec), c.After.(duoyun.BucketSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Class != after.Class:
		return nil, table.Impossible("spec.class", "存储桶的类型不能改", "the class of a bucket cannot be changed")
	}
	return []driver.Step{{Name: "quota", Await: true}}, nil
}

func (b bucketKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	class, err := b.class(bucketClasses, c.After.(duoyun.BucketSpec).Class, "STANDARD")
	if err != nil {
		return driver.Reply{}, err
	}
	reply, err := b.mutate(ctx, post(zos, "/v4/oss/create-bucket", b.project(args{"bucket": c.Mark, "ACL": "private", "storageType": class})), "")
	if err != nil {
		return driver.Reply{}, err
	}
	reply.ID = c.Mark
	return reply, nil
}

func (b bucketKind) setQuota(ctx context.Context, c driver.Call) (driver.Reply, error) {
	return b.mutate(ctx, post(zos, "/v4/oss/put-bucket-quota", args{"bucket": c.Mark, "enabled": true,
		"maxSizeKb": c.After.(duoyun.BucketSpec).SizeGiB * kib}), "")
}

func (b bucketKind) lookQuota(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	v, err := b.buckets().read(ctx, c.Mark)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		if v.Quota.Enabled && v.Quota.KiB == c.After.(duoyun.BucketSpec).SizeGiB*kib {
			return driver.Done, v.Name, ""
		}
		return driver.Absent, v.Name, ""
	})
}

// remove asks first whether the bucket is empty: with which code the vendor refuses to delete one that is not is not
// documented. The department takes its data out first.
func (b bucketKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	v, err := b.buckets().read(ctx, c.Mark)
	switch {
	case Code(err) == driver.NotFound:
		return driver.Reply{}, nil
	case err != nil:
		return driver.Reply{}, table.Unsent(Code, err)
	case v.Usage.Objects > 0:
		return driver.Reply{}, table.Refuse(driver.NotReady, duoyun.Fail(duoyun.CodeConflict, "bucket", "存储桶中还有对象", "there are objects in the bucket"))
	}
	reply, err := b.mutate(ctx, post(zos, "/v4/oss/delete-bucket", args{"bucket": c.Mark}), "")
	return reply, hindered(err)
}

func (c *Cloud) buckets() shelf[bucket] {
	return shelf[bucket]{Cloud: c, list: get(zos, "/v4/oss/list-buckets", nil), member: "bucketList", size: 50,
		show: func(id string) request { return get(zos, "/v4/oss/get-bucket-info", args{"bucket": id}) },
		view: func(v bucket) table.Thing {
			return table.Thing{ID: v.Name, Note: v.Name, State: driver.Active}
		}}
}

func (b bucketKind) observed(v bucket) driver.Observation {
	o := driver.Observation{ID: v.Name, Mark: table.MarkIn(v.Name), Name: v.Name, State: driver.Active, CreatedAt: (v.Created + v.Dated).when(),
		Raw: raw(map[string]any{"storage_type": v.Type, "objects": v.Usage.Objects, "quota_kib": v.Quota.KiB})}
	spec := duoyun.BucketSpec{Class: b.classOf(bucketClasses, v.Type, "STANDARD")}
	if v.Quota.Enabled {
		spec.SizeGiB = v.Quota.KiB / kib
	}
	o.Spec = spec
	return o
}
