package tencent

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
	"github.com/duoyun/duoyun/providers/driver/wire"
)

// classStandard is the one class: COS gives classes to objects, not to buckets.
const classStandard = "standard"

// bucketKind is a COS bucket. Its name is the mark and the account's APPID: a natural key, so that a look needs no listing.
// COS has no quota of a bucket: the size that is bought stands in a tag, for people and for the bill, and limits nothing.
type bucketKind struct{ *Cloud }

func (b bucketKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: planBucket, Update: planBucketSize, Delete: table.Fixed(driver.Step{Name: "delete-bucket", Main: true})},
		Verbs: map[string]table.Verb{
			"bucket":        {Run: b.create, Look: b.look},
			"size":          {Run: b.setSize, Look: b.lookSize},
			"delete-bucket": {Run: b.remove, Look: b.lookGone},
		},
		Reading: b.observe, Listing: b.list,
	}
}

func planBucket(c driver.Change) ([]driver.Step, error) {
	if class := c.After.(duoyun.BucketSpec).Class; class != classStandard {
		return nil, table.Impossible("class", "对象存储没有类型为 %s 的桶：类型是对象的", "COS has no bucket of class %s: classes are those of objects", class)
	}
	return []driver.Step{{Name: "bucket", Main: true}}, nil
}

func planBucketSize(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.BucketSpec), c.After.(duoyun.BucketSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Class != after.Class:
		return nil, table.Impossible("spec.class", "存储桶的类型不能改", "the class of a bucket cannot be changed")
	}
	return []driver.Step{{Name: "size"}}, nil
}

// bucketClients makes clients of COS's SDK, which has one for each bucket.
type bucketClients struct {
	http *http.Client
	base url.URL
	// direct: the base is connected to as it stands, and the bucket is in the Host header alone. So is an endpoint that the
	// account gives as a URL.
	direct bool
	suffix string // what a bucket's name ends in
}

// connectBuckets gives COS's SDK our transport below its signature.
func (c *Cloud) connectBuckets() error {
	client, err := wire.Client(c.account, isRead)
	if err != nil {
		return err
	}
	client.Transport = &cos.AuthorizationTransport{SecretID: c.account.AccessKey, SecretKey: c.account.Secret.Reveal(), Transport: client.Transport}
	scheme, host := c.endpoint("cos")
	given := c.account.Endpoints["cos"]
	if given == "" {
		given = c.account.Endpoint
	}
	c.buckets = &bucketClients{http: client, base: url.URL{Scheme: scheme, Host: host}, direct: strings.Contains(given, "://"), suffix: "-" + c.account.Project}
	return nil
}

// client is the client of a bucket, or with "" of the account. The SDK's three tries become one.
func (b *bucketClients) client(name string) *cos.Client {
	at := b.base
	if name != "" && !b.direct {
		at.Host = name + b.suffix + "." + at.Host
	}
	c := cos.NewClient(&cos.BaseURL{BucketURL: &at, ServiceURL: &at}, b.http)
	c.Conf.RetryOpt.Count = 1
	if name != "" && b.direct {
		c.Host = name + b.suffix + "." + at.Host
	}
	return c
}

// marks are a bucket's tags.
func marks(c driver.Change) []cos.BucketTaggingTag {
	size := number(c.After.(duoyun.BucketSpec).SizeGiB)
	return []cos.BucketTaggingTag{{Key: tagMark, Value: c.Mark}, {Key: tagName, Value: title(c, 60)}, {Key: tagSize, Value: size}}
}

func (b bucketKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	query := url.Values{}
	for _, t := range marks(c.Change) {
		query.Set(t.Key, t.Value)
	}
	resp, err := b.buckets.client(c.Mark).Bucket.Put(ctx, &cos.BucketPutOptions{XCosTagging: query.Encode()})
	return done(resp, c.Mark), err
}

// setSize writes all tags anew: COS has no call for one of them.
func (b bucketKind) setSize(ctx context.Context, c driver.Call) (driver.Reply, error) {
	resp, err := b.buckets.client(c.Mark).Bucket.PutTagging(ctx, &cos.BucketPutTaggingOptions{TagSet: marks(c.Change)})
	return done(resp, ""), err
}

// remove is refused while there are objects in the bucket (NotReady): the department takes its data out first.
func (b bucketKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	resp, err := b.buckets.client(c.Mark).Bucket.Delete(ctx)
	return done(resp, ""), table.Ignoring(Code, err, driver.NotFound)
}

func done(resp *cos.Response, id string) driver.Reply {
	if resp == nil || resp.Response == nil {
		return driver.Reply{}
	}
	return driver.Reply{ID: id, RequestID: resp.Header.Get("X-Cos-Request-Id")}
}

func (b bucketKind) look(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	o, err := b.observe(ctx, c.Mark)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		if o.Mark != c.Mark {
			return driver.Conflict, o.ID, "the bucket of this name does not bear our mark"
		}
		return driver.Done, o.ID, ""
	})
}

func (b bucketKind) lookGone(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	o, err := b.observe(ctx, c.Mark)
	return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) { return driver.Absent, o.ID, "" })
}

func (b bucketKind) lookSize(ctx context.Context, c driver.Call) (driver.Evidence, error) {
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

// observe reads the tags, which tells at once whether the bucket is there.
func (b bucketKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	out, _, err := b.buckets.client(id).Bucket.GetTagging(ctx)
	o := driver.Observation{ID: id, Name: id, State: driver.Active, Spec: duoyun.BucketSpec{}}
	var refused *cos.ErrorResponse
	if errors.As(err, &refused) && refused.Code == "NoSuchTagSet" {
		return o, nil // it is there, and bears nothing
	}
	if err != nil {
		return driver.Observation{}, err
	}
	if out.XMLName.Local == "" {
		return driver.Observation{}, errHollow
	}
	all := make([]tag, len(out.TagSet))
	for i, t := range out.TagSet {
		all[i] = tag{Key: t.Key, Value: t.Value}
	}
	size, _ := strconv.ParseInt(valueOf(all, tagSize), 10, 64) // no number: no size shown
	o.Mark, o.Spec, o.Raw = markOf(all, ""), duoyun.BucketSpec{SizeGiB: size, Class: classStandard}, raw(params{"tags": all})
	if name := valueOf(all, tagName); name != "" {
		o.Name = name
	}
	return o, nil
}

// list reads the tags of the buckets whose name could be ours; a name alone proves nothing.
func (b bucketKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	out, _, err := b.buckets.client("").Service.Get(ctx, &cos.ServiceGetOptions{MaxKeys: 1000, Marker: cursor})
	if err != nil {
		return driver.Page{}, err
	}
	if out.XMLName.Local == "" {
		return driver.Page{}, errHollow
	}
	p := driver.Page{}
	if out.IsTruncated {
		p.Next, p.Partial = out.NextMarker, out.NextMarker == ""
	}
	for _, v := range out.Buckets {
		if v.Region != "" && v.Region != b.account.Region {
			continue
		}
		id := strings.TrimSuffix(v.Name, b.buckets.suffix)
		o := driver.Observation{ID: id, Name: v.Name, State: driver.Active, Spec: duoyun.BucketSpec{}}
		if table.MarkIn(id) != "" {
			if o, err = b.observe(ctx, id); Code(err) == driver.NotFound {
				continue // deleted since it was listed
			} else if err != nil {
				return driver.Page{}, err
			}
		}
		o.CreatedAt = moment(v.CreationDate)
		p.Items = append(p.Items, o)
	}
	return p, nil
}
