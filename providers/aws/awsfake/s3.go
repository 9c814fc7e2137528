package awsfake

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// s3 serves buckets by path, without their objects.
func (f *Fake) s3(w http.ResponseWriter, o *original) {
	f.once.Lock()
	defer f.once.Unlock()
	err := o.authentic()
	if err == nil && o.header.Get("X-Amz-Content-Sha256") != hash(o.body) {
		err = bad("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	if err == nil {
		err = f.bucket(w, o, simcloud.Owner{Region: o.scope.region, Tenant: Account})
	}
	if reason(err, simcloud.Missing) {
		err = refuse(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist")
	}
	if err != nil {
		fail(w, "s3", err)
	}
}

func (f *Fake) bucket(w http.ResponseWriter, o *original, owner simcloud.Owner) error {
	query, err := url.ParseQuery(o.query)
	if err != nil {
		return bad("InvalidURI", "Couldn't parse the specified URI.")
	}
	name := strings.TrimPrefix(o.path, "/")
	switch {
	case name == "" && o.method == http.MethodGet:
		return f.listBuckets(w, query, owner)
	case o.method == http.MethodPut && query.Has("tagging"):
		return f.labelBucket(o, name, owner)
	case o.method == http.MethodGet && query.Has("tagging"):
		return f.bucketLabels(w, name, owner)
	case o.method == http.MethodGet && query.Has("location"):
		if _, err := simcloud.Get[simcloud.Bucket](f.sim, owner, simcloud.BucketID(owner, name)); err != nil {
			return err
		}
		sendXML(w, http.StatusOK, "LocationConstraint", owner.Region)
		return nil
	case o.method == http.MethodPut && len(query) == 0:
		return f.makeBucket(o, name, owner)
	case o.method == http.MethodDelete && len(query) == 0:
		if err := f.sim.DeleteBucket(owner, name); err != nil {
			return err
		}
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return refuse(http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource.")
}

func (f *Fake) makeBucket(o *original, name string, owner simcloud.Owner) error {
	var config struct{ LocationConstraint string }
	if err := xml.Unmarshal(o.body, &config); err != nil || config.LocationConstraint != owner.Region {
		return bad("IllegalLocationConstraintException", "The location constraint is incompatible for the region specific endpoint this request was sent to.")
	}
	if !identifier.MatchString(name) || len(name) < 3 || len(name) > 63 {
		return bad("InvalidBucketName", "The specified bucket is not valid.")
	}
	if _, err := simcloud.Get[simcloud.Bucket](f.sim, owner, simcloud.BucketID(owner, name)); err == nil {
		return refuse(http.StatusConflict, "BucketAlreadyOwnedByYou", "Your previous request to create the named bucket succeeded and you already own it.")
	}
	_, _, err := f.sim.PutBucket(owner, name, func(*simcloud.Bucket) {})
	return err
}

// labelBucket needs a checksum of the body, as every call does that sets a configuration.
func (f *Fake) labelBucket(o *original, name string, owner simcloud.Owner) error {
	sum := sha256.Sum256(o.body)
	if o.header.Get("X-Amz-Checksum-Sha256") != base64.StdEncoding.EncodeToString(sum[:]) {
		return bad("InvalidRequest", "Missing required header for this request: Content-MD5 or a checksum")
	}
	var given struct {
		Tags []struct{ Key, Value string } `xml:"TagSet>Tag"`
	}
	if xml.Unmarshal(o.body, &given) != nil || len(given.Tags) == 0 || len(given.Tags) > 50 {
		return bad("MalformedXML", "The XML you provided was not well-formed")
	}
	_, err := simcloud.Edit(f.sim, owner, simcloud.BucketID(owner, name), func(b *simcloud.Bucket) error {
		b.Meta = map[string]string{}
		for _, t := range given.Tags {
			b.Meta[tag+t.Key] = t.Value
		}
		return nil
	})
	return err
}

func (f *Fake) bucketLabels(w http.ResponseWriter, name string, owner simcloud.Owner) error {
	b, err := simcloud.Get[simcloud.Bucket](f.sim, owner, simcloud.BucketID(owner, name))
	if err == nil && len(b.Meta) == 0 {
		err = refuse(http.StatusNotFound, "NoSuchTagSet", "The TagSet does not exist")
	}
	if err != nil {
		return err
	}
	var all []object
	for _, key := range slices.Sorted(maps.Keys(b.Meta)) {
		all = append(all, object{"Key": strings.TrimPrefix(key, tag), "Value": b.Meta[key]})
	}
	sendXML(w, http.StatusOK, "Tagging", object{"TagSet": listOf("Tag", all)})
	return nil
}

func (f *Fake) listBuckets(w http.ResponseWriter, query url.Values, owner simcloud.Owner) error {
	limit, err := strconv.Atoi(query.Get("max-buckets"))
	if err != nil || limit < 1 || limit > 10000 {
		return bad("InvalidArgument", "max-buckets is between 1 and 10000")
	}
	limit = min(limit, f.maxPage)
	all, err := simcloud.List[simcloud.Bucket](f.sim, simcloud.Query{Owner: owner, After: query.Get("continuation-token"), Limit: limit + 1}, nil)
	if err != nil {
		return err
	}
	answer := object{"Owner": object{"ID": Account}}
	if len(all) > limit {
		all = all[:limit]
		answer["ContinuationToken"] = all[limit-1].ID
	}
	var views []object
	for _, b := range all {
		views = append(views, object{"Name": b.Name, "CreationDate": b.Created, "BucketRegion": owner.Region})
	}
	answer["Buckets"] = listOf("Bucket", views)
	sendXML(w, http.StatusOK, "ListAllMyBucketsResult", answer)
	return nil
}
