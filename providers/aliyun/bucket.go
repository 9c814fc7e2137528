package aliyun

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"
	osskeys "github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/credentials"
	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss/retry"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// bucketClasses begins the names under which an account maps storage classes: "bucket/cold" is that of class cold.
const bucketClasses = "bucket/"

// classStandard needs no mapping: it is the vendor's default.
const classStandard = "standard"

const gibBytes = int64(1) << 30

// bucketKind is an OSS bucket. Its name is the mark: a natural key, so that a look needs no listing. The storage quota
// refuses what goes beyond it (Strict).
type bucketKind struct{ *Cloud }

func (b bucketKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: b.planCreate, Update: planQuota, Delete: table.Fixed(driver.Step{Name: "delete-bucket", Main: true})},
		Verbs: map[string]table.Verb{
			"bucket":        {Run: b.make, Look: b.look},
			"quota":         {Run: b.setQuota, Look: b.lookQuota},
			"delete-bucket": {Run: b.remove, Look: b.lookGone},
		},
		Reading: b.observe, Listing: b.list,
	}
}

// storage makes the OSS client: no retries, no clock correction, this project's transport.
func (c *Cloud) storage() (*oss.Client, error) {
	cfg := oss.NewConfig().WithRegion(c.account.Region).WithCredentialsProvider(osskeys.NewStaticCredentialsProvider(c.account.AccessKey, c.account.Secret.Reveal())).
		WithHttpClient(c.http).WithRetryer(retry.NopRetryer{})
	if base := c.account.Endpoints["oss"]; base != "" {
		cfg = cfg.WithEndpoint(base)
	} else if root := c.account.Endpoint; root != "" && !strings.Contains(root, "://") {
		cfg = cfg.WithEndpoint("https://oss-" + c.account.Region + "." + root)
	}
	return oss.NewClient(cfg, func(o *oss.Options) { o.FeatureFlags &^= oss.FeatureCorrectClockSkew }), nil
}

func (b bucketKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if _, err := b.storageClass(c.After.(duoyun.BucketSpec).Class); err != nil {
		return nil, err
	}
	return []driver.Step{{Name: "bucket", Main: true}, {Name: "quota"}}, nil
}

// planQuota: a bucket may also shrink; the vendor then refuses new objects until it is below its quota.
func planQuota(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.BucketSpec), c.After.(duoyun.BucketSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Class != after.Class:
		return nil, table.Impossible("spec.class", "存储桶的类型不能改", "the class of a bucket cannot be changed")
	}
	return []driver.Step{{Name: "quota"}}, nil
}

// storageClass maps a class to OSS's (Standard, IA, Archive …); a class that is not mapped is not bought.
func (b bucketKind) storageClass(class string) (string, error) {
	if mapped := b.account.Mapping.Classes[bucketClasses+class]; mapped != "" {
		return mapped, nil
	}
	if class == classStandard {
		return "Standard", nil
	}
	return "", table.Impossible("class", "资源池没有把存储桶类型 %s 对应到云上的存储类型", "the account maps no storage class to bucket class %s", class)
}

// cutClass takes a mapped name's prefix off; names of another family are none of the caller's.
func cutClass(name, prefix string) (string, bool) {
	class, ok := strings.CutPrefix(name, prefix)
	return class, ok && !slices.Contains([]string{classSystem, classBalancer, classDatabase}, class) && !strings.Contains(class, "/")
}

// sent unwraps what the OSS client makes of an error: its own texts carry the request's URL.
func sent(err error) error {
	var service *oss.ServiceError
	if errors.As(err, &service) {
		if status := service.StatusCode; status >= 300 && status < 400 || service.Code == "" {
			service.Code = http.StatusText(status)
		}
		return &Refusal{service.StatusCode, service.Code, service.Message, service.RequestID}
	}
	return bare(err)
}

func (b bucketKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	class, err := b.storageClass(c.After.(duoyun.BucketSpec).Class)
	if err != nil {
		return driver.Reply{}, err
	}
	r, err := b.objects.PutBucket(ctx, &oss.PutBucketRequest{Bucket: &c.Mark, Acl: oss.BucketACLPrivate,
		CreateBucketConfiguration: &oss.CreateBucketConfiguration{StorageClass: oss.StorageClassType(class)}})
	if err != nil {
		return driver.Reply{}, sent(err)
	}
	return driver.Reply{ID: c.Mark, RequestID: r.Headers.Get("X-Oss-Request-Id")}, nil
}

func (b bucketKind) setQuota(ctx context.Context, c driver.Call) (driver.Reply, error) {
	bytes := c.After.(duoyun.BucketSpec).SizeGiB * gibBytes
	r, err := b.objects.PutBucketStorageQuota(ctx, &oss.PutBucketStorageQuotaRequest{Bucket: &c.Mark,
		QuotaConfiguration: &oss.QuotaConfiguration{StorageQuota: &bytes, Mode: oss.StorageQuotaModeStrict}})
	if err != nil {
		return driver.Reply{}, sent(err)
	}
	return driver.Reply{RequestID: r.Headers.Get("X-Oss-Request-Id")}, nil
}

// remove deletes the bucket, which the vendor refuses (NotReady) while there are objects in it: the department takes its
// data out first.
func (b bucketKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	r, err := b.objects.DeleteBucket(ctx, &oss.DeleteBucketRequest{Bucket: &c.Mark})
	if err != nil {
		return driver.Reply{}, table.Ignoring(Code, sent(err), driver.NotFound)
	}
	return driver.Reply{RequestID: r.Headers.Get("X-Oss-Request-Id")}, nil
}

func (b bucketKind) look(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	o, err := b.observe(ctx, c.Mark)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) { return driver.Done, o.ID, "" })
}

func (b bucketKind) lookGone(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	o, err := b.observe(ctx, c.Mark)
	return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) { return driver.Absent, o.ID, "" })
}

func (b bucketKind) lookQuota(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	o, err := b.observe(ctx, c.Mark)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		before, _ := c.Before.(duoyun.BucketSpec)
		switch o.Spec.(duoyun.BucketSpec).SizeGiB {
		case c.After.(duoyun.BucketSpec).SizeGiB:
			return driver.Done, o.ID, ""
		case before.SizeGiB:
			return driver.Absent, o.ID, ""
		}
		return driver.Conflict, o.ID, string(o.Raw)
	})
}

// observe reads what the bucket is and its quota, of which a new one has none.
func (b bucketKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	r, err := b.objects.GetBucketInfo(ctx, &oss.GetBucketInfoRequest{Bucket: &id})
	if err != nil {
		return driver.Observation{}, sent(err)
	}
	if oss.ToString(r.BucketInfo.Name) != id {
		return driver.Observation{}, errHollow
	}
	class := oss.ToString(r.BucketInfo.StorageClass)
	spec := duoyun.BucketSpec{Class: b.bucketClass(class)}
	q, err := b.objects.GetBucketStorageQuota(ctx, &oss.GetBucketStorageQuotaRequest{Bucket: &id})
	switch {
	case err == nil && q.QuotaConfiguration != nil && q.QuotaConfiguration.StorageQuota != nil:
		spec.SizeGiB = *q.QuotaConfiguration.StorageQuota / gibBytes
	case err != nil && Code(sent(err)) != driver.NotFound:
		return driver.Observation{}, sent(err)
	}
	return driver.Observation{ID: id, Mark: table.MarkIn(id), Name: id, State: driver.Active, Spec: spec, CreatedAt: oss.ToTime(r.BucketInfo.CreationDate),
		Raw: raw(map[string]any{"storage_class": class, "location": r.BucketInfo.Location, "comment": r.BucketInfo.Comment})}, nil
}

func (b bucketKind) bucketClass(class string) string {
	if found := b.classOf(bucketClasses, class); found != "" || class != "Standard" {
		return found
	}
	return classStandard
}

// list shows the account's buckets of this region; the service lists those of all regions.
func (b bucketKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	in := &oss.ListBucketsRequest{MaxKeys: 100}
	if cursor != "" {
		in.Marker = &cursor
	}
	r, err := b.objects.ListBuckets(ctx, in)
	if err != nil {
		return driver.Page{}, sent(err)
	}
	if r.Owner == nil || r.IsTruncated && oss.ToString(r.NextMarker) == "" {
		return driver.Page{}, errHollow
	}
	page := driver.Page{}
	if r.IsTruncated {
		page.Next = oss.ToString(r.NextMarker)
	}
	for _, v := range r.Buckets {
		if region := oss.ToString(v.Region); region != "" && region != b.account.Region {
			continue
		}
		name := oss.ToString(v.Name)
		page.Items = append(page.Items, driver.Observation{ID: name, Mark: table.MarkIn(name), Name: name, State: driver.Active,
			Spec: duoyun.BucketSpec{Class: b.bucketClass(oss.ToString(v.StorageClass))}, CreatedAt: oss.ToTime(v.CreationDate)})
	}
	return page, nil
}
