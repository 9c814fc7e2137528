package huawei

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the signature OBS documents
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// bucketClasses prefixes the classes that map to storage classes of OBS: bucket/standard → STANDARD.
const bucketClasses = "bucket/"

const gib = 1 << 30

// bucketKind is an OBS bucket named by its mark, with a quota. OBS is called directly: its SDK takes a context for a
// client, not for a call. Names are unique in all of Huawei Cloud, so that the mark is a natural key.
type bucketKind struct{ *Cloud }

func (b bucketKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: func(c driver.Change) ([]driver.Step, error) {
			_, err := b.storageClass(c.After.(duoyun.BucketSpec).Class)
			return []driver.Step{principal("bucket"), step("quota")}, err
		}, Update: planQuota, Delete: table.Fixed(principal("delete-bucket"))},
		Verbs: map[string]table.Verb{
			"bucket":        {Run: b.create, Look: b.look},
			"quota":         {Run: b.setQuota, Look: b.lookQuota},
			"delete-bucket": {Run: b.remove, Look: b.lookGone},
		},
		Reading: b.observe, Listing: b.list,
	}
}

// planQuota: a bucket may also shrink; OBS then refuses new objects until it is below its quota.
func planQuota(c driver.Change) ([]driver.Step, error) {
	before, after := c.Before.(duoyun.BucketSpec), c.After.(duoyun.BucketSpec)
	switch {
	case before == after:
		return nil, nil
	case before.Class != after.Class:
		return nil, table.Impossible("spec.class", "存储桶的类型不能改", "the class of a bucket cannot be changed")
	}
	return []driver.Step{step("quota")}, nil
}

// storageClass maps a class; standard needs no mapping.
func (b bucketKind) storageClass(class string) (string, error) {
	if class == "standard" && b.account.Mapping.Classes[bucketClasses+class] == "" {
		return "STANDARD", nil
	}
	return b.class(bucketClasses + class)
}

// host is where a bucket is: in the host's name as OBS has it, in the path where the endpoint is an address.
func (b bucketKind) host(bucket string) (root, path string) {
	root, path = b.endpoint(obs), "/"
	u, err := url.Parse(root)
	switch {
	case bucket == "" || err != nil:
	case net.ParseIP(u.Hostname()) != nil:
		path = "/" + bucket
	default:
		root = u.Scheme + "://" + bucket + "." + u.Host
	}
	return root, path
}

// send calls OBS: query is a subresource such as "quota", headers are x-obs-* ones in lower case and in order.
func (b bucketKind) send(ctx context.Context, method, bucket, query string, headers [][2]string, body string) ([]byte, http.Header, error) {
	root, path := b.host(bucket)
	r, err := http.NewRequestWithContext(ctx, method, root+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, nil, table.Refuse(driver.Invalid, err)
	}
	r.URL.RawQuery = query
	date := time.Now().UTC().Format(http.TimeFormat)
	r.Header.Set("Date", date)
	if body != "" {
		r.Header.Set("Content-Type", "application/xml")
	}
	text := method + "\n\n" + r.Header.Get("Content-Type") + "\n" + date + "\n"
	for _, h := range headers {
		r.Header.Set(h[0], h[1])
		text += h[0] + ":" + h[1] + "\n"
	}
	text += resource(bucket, query)
	r.Header.Set("Authorization", "OBS "+b.account.AccessKey+":"+obsSignature(b.account.Secret, text))
	resp, err := b.http.Do(r)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answerBody, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = obsRefusal(resp, answerBody)
	}
	return answerBody, resp.Header, err
}

// resource is the canonical resource of OBS's signature.
func resource(bucket, query string) string {
	path := "/"
	if bucket != "" {
		path = "/" + bucket + "/"
	}
	if query != "" {
		path += "?" + query
	}
	return path
}

// obsSignature is HMAC-SHA1 in base64 (api-obs, "user signature in a header").
func obsSignature(secret driver.Secret, text string) string {
	h := hmac.New(sha1.New, []byte(secret.Reveal()))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

func obsRefusal(resp *http.Response, body []byte) error {
	var e struct{ Code, Message string }
	_ = xml.Unmarshal(body, &e) // no XML: the status alone
	return &answer{status: resp.StatusCode, code: e.Code, message: e.Message, requestID: resp.Header.Get("X-Obs-Request-Id")}
}

// create is refused with 409 where the name is taken: by this request's first arrival, or, since names are the vendor's
// whole, by a stranger, which the look will not find ours.
func (b bucketKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	class, err := b.storageClass(c.After.(duoyun.BucketSpec).Class)
	if err != nil {
		return driver.Reply{}, err
	}
	var headers [][2]string
	if b.account.ResourceGroup != "" {
		headers = append(headers, [2]string{"x-obs-epid", b.account.ResourceGroup})
	}
	headers = append(headers, [2]string{"x-obs-storage-class", class})
	_, h, err := b.send(ctx, http.MethodPut, c.Mark, "", headers,
		"<CreateBucketConfiguration><Location>"+b.account.Region+"</Location></CreateBucketConfiguration>")
	if err != nil {
		return driver.Reply{}, twice(err)
	}
	return driver.Reply{ID: c.Mark, RequestID: h.Get("X-Obs-Request-Id")}, nil
}

func (b bucketKind) setQuota(ctx context.Context, c driver.Call) (driver.Reply, error) {
	_, h, err := b.send(ctx, http.MethodPut, c.Mark, "quota", nil,
		fmt.Sprintf("<Quota><StorageQuota>%d</StorageQuota></Quota>", c.After.(duoyun.BucketSpec).SizeGiB*gib))
	return driver.Reply{RequestID: h.Get("X-Obs-Request-Id")}, err
}

// remove is refused with 409 (NotReady) while there are objects in it: the department takes its data out first.
func (b bucketKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	_, h, err := b.send(ctx, http.MethodDelete, c.Mark, "", nil, "")
	return driver.Reply{RequestID: h.Get("X-Obs-Request-Id")}, table.Ignoring(Code, err, driver.NotFound)
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
		if o.Spec.(duoyun.BucketSpec).SizeGiB != c.After.(duoyun.BucketSpec).SizeGiB {
			return driver.Absent, o.ID, string(o.Raw)
		}
		return driver.Done, o.ID, ""
	})
}

// observe reads the quota, which only the owner may (a stranger's bucket is refused), and the class.
func (b bucketKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	body, _, err := b.send(ctx, http.MethodGet, id, "quota", nil, "")
	if err != nil {
		return driver.Observation{}, err
	}
	var quota struct {
		XMLName xml.Name `xml:"Quota"`
		Bytes   *int64   `xml:"StorageQuota"`
	}
	if err := xml.Unmarshal(body, &quota); err != nil || quota.Bytes == nil {
		return driver.Observation{}, errNoObject
	}
	_, h, err := b.send(ctx, http.MethodHead, id, "", nil, "")
	if err != nil {
		return driver.Observation{}, err
	}
	class := h.Get("X-Obs-Storage-Class")
	o := observedBucket(id)
	spec := duoyun.BucketSpec{SizeGiB: *quota.Bytes / gib, Class: b.classOf(bucketClasses, class)}
	if spec.Class == "" && class == "STANDARD" {
		spec.Class = "standard"
	}
	o.Spec, o.Raw = spec, raw(map[string]any{"storage_class": class, "quota_bytes": *quota.Bytes, "location": h.Get("X-Obs-Bucket-Location")})
	return o, nil
}

func observedBucket(name string) driver.Observation {
	return driver.Observation{ID: name, Mark: table.MarkIn(name), Name: name, State: driver.Active, Spec: duoyun.BucketSpec{}}
}

// list shows the account's buckets in its region; OBS answers with all of them at once (an account has 100 at most).
func (b bucketKind) list(ctx context.Context, _ string) (driver.Page, error) {
	body, _, err := b.send(ctx, http.MethodGet, "", "", nil, "")
	if err != nil {
		return driver.Page{}, err
	}
	var all struct {
		XMLName xml.Name `xml:"ListAllMyBucketsResult"`
		Buckets *struct {
			Bucket []struct{ Name, CreationDate, Location string }
		}
	}
	if err := xml.Unmarshal(body, &all); err != nil || all.Buckets == nil {
		return driver.Page{}, errNoListing
	}
	p := driver.Page{}
	for _, v := range all.Buckets.Bucket {
		if v.Location != "" && v.Location != b.account.Region {
			continue
		}
		o := observedBucket(v.Name)
		o.CreatedAt = moment(v.CreationDate)
		p.Items = append(p.Items, o)
	}
	slices.SortFunc(p.Items, func(x, y driver.Observation) int { return strings.Compare(x.ID, y.ID) })
	return p, nil
}
