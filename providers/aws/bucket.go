package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// bucketKind is an S3 bucket. Its name is the mark: a natural key, so that a look needs no listing. S3 limits no bucket's
// size: the size that was ordered is kept in its tags, and only metered against. Storage classes are of objects, not of
// buckets, so that only the standard one is sold.
type bucketKind struct{ *Cloud }

const (
	classStandard = "standard"
	tagSize       = "duoyun-size-gib"
)

func (b bucketKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: planBucket, Update: planSize, Delete: table.Fixed(driver.Step{Name: "delete-bucket", Main: true})},
		Verbs: map[string]table.Verb{
			"bucket":        {Run: b.make, Look: b.look},
			"tags":          {Run: b.label, Look: b.lookLabels},
			"delete-bucket": {Run: b.remove, Look: b.lookGone},
		},
		Reading: b.observe, Listing: b.list,
	}
}

func planBucket(c driver.Change) ([]driver.Step, error) {
	if class := c.After.(duoyun.BucketSpec).Class; class != classStandard {
		return nil, table.Impossible("class", "亚马逊云科技没有 %s 类型的存储桶", "there is no bucket of class %s", class)
	}
	return []driver.Step{{Name: "bucket", Main: true}, {Name: "tags"}}, nil
}

func planSize(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.BucketSpec), c.After.(duoyun.BucketSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Class != after.Class:
		return nil, table.Impossible("spec.class", "存储桶的类型不能改", "the class of a bucket cannot be changed")
	}
	return []driver.Step{{Name: "tags"}}, nil
}

// s3 makes one call about a bucket, or about all. Public hosts begin with the bucket's name; an endpoint of the account's
// own has it in the path.
func (b bucketKind) s3(ctx context.Context, method, bucket string, query url.Values, body []byte) ([]byte, error) {
	if method == http.MethodGet {
		ctx = context.WithValue(ctx, reading{}, true)
	}
	base := b.endpoint(objects)
	switch own := b.account.Endpoints[string(objects)] != "" || strings.Contains(b.account.Endpoint, "://"); {
	case bucket == "":
		base += "/"
	case own:
		base += "/" + url.PathEscape(bucket)
	default:
		base = strings.Replace(base, "://", "://"+url.PathEscape(bucket)+".", 1) + "/"
	}
	if len(query) > 0 {
		base += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, base, bytes.NewReader(body))
	if err != nil {
		return nil, bare(err)
	}
	if len(body) > 0 {
		sum := sha256.Sum256(body)
		r.Header.Set("X-Amz-Checksum-Sha256", base64.StdEncoding.EncodeToString(sum[:]))
	}
	return b.send(r, objects, body)
}

// make creates the bucket, which nobody but the account may read: that is the vendor's default.
func (b bucketKind) make(ctx context.Context, c driver.Call) (driver.Reply, error) {
	var body []byte
	if region := b.account.Region; region != "us-east-1" { // which must not be named
		body = fmt.Appendf(nil, `<CreateBucketConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><LocationConstraint>%s</LocationConstraint></CreateBucketConfiguration>`, region)
	}
	if _, err := b.s3(ctx, http.MethodPut, c.Mark, nil, body); err != nil {
		return driver.Reply{}, err
	}
	return driver.Reply{ID: c.Mark}, nil
}

// labels are a bucket's tags.
type labels struct {
	XMLName xml.Name `xml:"Tagging"`
	Set     struct {
		Tags []label `xml:"Tag"`
	} `xml:"TagSet"`
}

type label struct{ Key, Value string }

func (l labels) value(key string) string {
	for _, t := range l.Set.Tags {
		if t.Key == key {
			return t.Value
		}
	}
	return ""
}

// tagging is the part of a bucket that its tags are.
func tagging() url.Values { return url.Values{"tagging": {""}} }

// label sets all tags of the bucket at once.
func (b bucketKind) label(ctx context.Context, c driver.Call) (driver.Reply, error) {
	var l labels
	l.Set.Tags = []label{{tagMark, c.Mark}, {tagName, table.Title(c.Change, longestName)}, {tagSize, strconv.FormatInt(c.After.(duoyun.BucketSpec).SizeGiB, 10)}}
	body, err := xml.Marshal(l)
	if err != nil {
		return driver.Reply{}, table.Unsent(Code, err)
	}
	_, err = b.s3(ctx, http.MethodPut, c.Mark, tagging(), body)
	return driver.Reply{}, err
}

// remove deletes the bucket, which the vendor refuses (NotReady) while there are objects in it: the department takes its
// data out first.
func (b bucketKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	_, err := b.s3(ctx, http.MethodDelete, c.Mark, nil, nil)
	return driver.Reply{}, table.Ignoring(Code, err, driver.NotFound)
}

func (b bucketKind) look(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	o, err := b.observe(ctx, c.Mark)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) { return driver.Done, o.ID, "" })
}

func (b bucketKind) lookGone(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	o, err := b.observe(ctx, c.Mark)
	return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) { return driver.Absent, o.ID, "" })
}

func (b bucketKind) lookLabels(ctx context.Context, c driver.Call) (driver.Evidence, error) {
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

// observe reads where the bucket is and its tags, of which a new one has none.
func (b bucketKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	answer, err := b.s3(ctx, http.MethodGet, id, url.Values{"location": {""}}, nil)
	if err != nil {
		return driver.Observation{}, err
	}
	if _, err := text(answer); err != nil {
		return driver.Observation{}, err
	}
	var l labels
	answer, err = b.s3(ctx, http.MethodGet, id, tagging(), nil)
	if err == nil {
		err = xml.Unmarshal(answer, &l)
	}
	var r *Refusal
	if errors.As(err, &r) && r.Code == "NoSuchTagSet" {
		err = nil
	}
	if err != nil {
		return driver.Observation{}, err
	}
	size, err := strconv.ParseInt(l.value(tagSize), 10, 64)
	if err != nil {
		size = 0 // not shown
	}
	return driver.Observation{ID: id, Mark: table.MarkIn(id), Name: orElse(l.value(tagName), id), State: driver.Active,
		Spec: duoyun.BucketSpec{SizeGiB: size, Class: classStandard}, Raw: raw(l.Set.Tags)}, nil
}

// list shows the account's buckets of this region.
func (b bucketKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	query := url.Values{"max-buckets": {"1000"}, "bucket-region": {b.account.Region}}
	if cursor != "" {
		query.Set("continuation-token", cursor)
	}
	answer, err := b.s3(ctx, http.MethodGet, "", query, nil)
	if err != nil {
		return driver.Page{}, err
	}
	all, err := items[struct{ Name, CreationDate, BucketRegion string }](answer, "Buckets")
	if err != nil {
		return driver.Page{}, err
	}
	page := driver.Page{}
	for _, v := range all {
		if v.BucketRegion == "" || v.BucketRegion == b.account.Region { // older services know neither the filter nor the field
			page.Items = append(page.Items, driver.Observation{ID: v.Name, Mark: table.MarkIn(v.Name), Name: v.Name, State: driver.Active,
				Spec: duoyun.BucketSpec{Class: classStandard}, CreatedAt: when(v.CreationDate)})
		}
	}
	page.Next, err = text(answer, "ContinuationToken")
	return page, err
}
