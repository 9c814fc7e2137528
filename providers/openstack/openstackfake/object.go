package openstackfake

import (
	"crypto/md5" // Swift's ETag is an MD5
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// swiftError words an error as Swift does: a short page.
func swiftError(r refusal) any {
	title := http.StatusText(r.status)
	return page{"text/html; charset=UTF-8", "<html><h1>" + title + "</h1><p>" + r.text + "</p></html>"}
}

// swiftRefusal words what the simulated cloud refused; a container that is not empty is a conflict.
func swiftRefusal(e *simcloud.Error) refusal {
	switch e.Reason {
	case simcloud.Missing:
		return refuse(404, "The resource could not be found.")
	case simcloud.InUse:
		return refuse(409, "There was a conflict when trying to complete your request.")
	case simcloud.Exceeded:
		return refuse(413, "Upload exceeds quota.")
	}
	return badRequest("%s", e.Detail)
}

// swiftPage is Swift's longest listing.
const swiftPage = 10_000

// objectStore serves Swift (docs.openstack.org/api-ref/object-store). Objects are kept by size and hash alone, so that GET
// of an object is the one call that is missing.
func (f *Fake) objectStore() {
	f.open("GET /object-store/info", func(http.ResponseWriter, *http.Request) (int, any) {
		return 200, object{"swift": object{"version": "2.30.0", "account_listing_limit": swiftPage, "container_listing_limit": swiftPage, "max_container_name_length": 256}}
	})
	s := &service{Fake: f, prefix: "/object-store/v1/{account}", word: swiftError, translate: swiftRefusal}
	in := func(pattern string, h func(*call) (int, any, error)) {
		s.route(pattern, func(c *call) (int, any, error) {
			c.header.Set("X-Trans-Id", "tx"+nameID(randomID()))
			if c.r.PathValue("account") != "AUTH_"+c.owner.Tenant {
				return 0, nil, refuse(403, "Access was denied to this resource.")
			}
			return h(c)
		})
	}
	in("GET /{$}", listContainers)
	in("GET ", listContainers)
	in("HEAD ", headAccount)
	in("HEAD /{$}", headAccount)
	in("PUT /{container}", putContainer)
	in("POST /{container}", postContainer)
	in("HEAD /{container}", headContainer)
	in("GET /{container}", listBlobs)
	in("DELETE /{container}", func(c *call) (int, any, error) { return 204, nil, c.sim.DeleteBucket(c.owner, c.container()) })
	in("PUT /{container}/{object...}", putBlob)
	in("HEAD /{container}/{object...}", headBlob)
	in("DELETE /{container}/{object...}", func(c *call) (int, any, error) {
		return 204, nil, c.sim.DeleteBlob(c.owner, c.container(), c.r.PathValue("object"))
	})
}

func (c *call) container() string { return c.r.PathValue("container") }

// accountHeaders tell what the account holds.
func accountHeaders(c *call, buckets []*simcloud.Bucket) {
	var bytes, count int64
	for _, b := range buckets {
		bytes, count = bytes+b.Bytes, count+b.Count
	}
	c.header.Set("X-Account-Container-Count", itoa(len(buckets)))
	c.header.Set("X-Account-Object-Count", strconv.FormatInt(count, 10))
	c.header.Set("X-Account-Bytes-Used", strconv.FormatInt(bytes, 10))
}

func headAccount(c *call) (int, any, error) {
	all, err := simcloud.List[simcloud.Bucket](c.sim, simcloud.Query{Owner: c.owner, Own: true}, nil)
	accountHeaders(c, all)
	return 204, nil, err
}

// listContainers lists containers by name.
func listContainers(c *call) (int, any, error) {
	all, err := simcloud.List[simcloud.Bucket](c.sim, simcloud.Query{Owner: c.owner, Own: true}, nil)
	if err != nil {
		return 0, nil, err
	}
	accountHeaders(c, all)
	found, err := between(c, all, func(b *simcloud.Bucket) string { return b.Name })
	if err != nil {
		return 0, nil, err
	}
	views, names := []any{}, []string{}
	for _, b := range found {
		names = append(names, b.Name)
		views = append(views, object{"name": b.Name, "count": b.Count, "bytes": b.Bytes, "last_modified": when(b.Updated, micros)})
	}
	return listing(c, names, views)
}

// listing answers names, or views where JSON is asked for.
func listing(c *call, names []string, views []any) (int, any, error) {
	if c.query("format") == "json" || strings.Contains(c.r.Header.Get("Accept"), "application/json") {
		return 200, views, nil
	}
	if len(names) == 0 {
		return 204, nil, nil
	}
	return 200, page{"text/plain; charset=utf-8", strings.Join(names, "\n") + "\n"}, nil
}

// between sorts by name and cuts by marker, end_marker, prefix, reverse and limit.
func between[T any](c *call, all []*T, name func(*T) string) ([]*T, error) {
	limit, err := c.limit(swiftPage)
	if err != nil {
		return nil, refuse(412, "Precondition Failed")
	}
	marker, end, prefix, reverse := c.query("marker"), c.query("end_marker"), c.query("prefix"), c.query("reverse") == "true"
	kept := all[:0:0]
	for _, x := range all {
		n := name(x)
		after, before := marker == "" || n > marker, end == "" || n < end
		if reverse {
			after, before = marker == "" || n < marker, end == "" || n > end
		}
		if after && before && strings.HasPrefix(n, prefix) {
			kept = append(kept, x)
		}
	}
	slices.SortFunc(kept, func(a, b *T) int {
		if reverse {
			a, b = b, a
		}
		return strings.Compare(name(a), name(b))
	})
	return kept[:min(limit, len(kept))], nil
}

// containerMeta is the prefix of a container's metadata headers.
const containerMeta = "X-Container-Meta-"

// kept reports which headers a container keeps beside its metadata.
func keptHeader(name string) bool {
	return slices.Contains([]string{"X-Container-Read", "X-Container-Write", "X-Storage-Policy"}, name)
}

// remeta applies a request's metadata headers to what there was; an empty value or X-Remove-… takes one away.
func remeta(have map[string]string, h http.Header) map[string]string {
	out := maps.Clone(dict(have))
	for name, values := range h {
		switch removed, remove := strings.CutPrefix(name, "X-Remove-Container-"); {
		case remove:
			delete(out, "X-Container-"+removed)
		case !strings.HasPrefix(name, containerMeta) && !keptHeader(name):
		case values[0] == "":
			delete(out, name)
		default:
			out[name] = values[0]
		}
	}
	return out
}

func putContainer(c *call) (int, any, error) {
	name := c.container()
	if len(name) > 256 {
		return 0, nil, badRequest("Container name length of %d longer than 256", len(name))
	}
	_, made, err := c.sim.PutBucket(c.owner, name, func(b *simcloud.Bucket) { b.Meta = remeta(b.Meta, c.r.Header) })
	if made {
		return 201, nil, err
	}
	return 202, nil, err
}

func postContainer(c *call) (int, any, error) {
	_, err := simcloud.Edit(c.sim, c.owner, simcloud.BucketID(c.owner, c.container()), func(b *simcloud.Bucket) error {
		b.Meta = remeta(b.Meta, c.r.Header)
		return nil
	})
	return 204, nil, err
}

// bucket finds the container and tells of it in the headers.
func (c *call) bucket() (*simcloud.Bucket, error) {
	b, err := simcloud.Get[simcloud.Bucket](c.sim, c.owner, simcloud.BucketID(c.owner, c.container()))
	if err != nil {
		return nil, err
	}
	c.header.Set("X-Container-Object-Count", strconv.FormatInt(b.Count, 10))
	c.header.Set("X-Container-Bytes-Used", strconv.FormatInt(b.Bytes, 10))
	c.header.Set("X-Timestamp", fmt.Sprintf("%d.%05d", b.Created.Unix(), b.Created.Nanosecond()/10_000))
	c.header.Set("X-Storage-Policy", "Policy-0")
	c.header.Set("Accept-Ranges", "bytes")
	c.header.Set("Last-Modified", b.Updated.UTC().Format(http.TimeFormat))
	for k, v := range b.Meta {
		c.header.Set(k, v)
	}
	return b, nil
}

func headContainer(c *call) (int, any, error) {
	c.header.Set("Content-Type", "text/plain; charset=utf-8")
	_, err := c.bucket()
	return 204, nil, err
}

func listBlobs(c *call) (int, any, error) {
	b, err := c.bucket()
	if err != nil {
		return 0, nil, err
	}
	all, err := simcloud.List[simcloud.Blob](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Of(simcloud.KindBucket, b.ID)}}, nil)
	if err != nil {
		return 0, nil, err
	}
	found, err := between(c, all, func(b *simcloud.Blob) string { return b.Name })
	if err != nil {
		return 0, nil, err
	}
	views, names := []any{}, []string{}
	for _, x := range found {
		names = append(names, x.Name)
		views = append(views, object{"name": x.Name, "bytes": x.Bytes, "hash": x.Hash, "content_type": x.Type, "last_modified": when(x.Updated, micros)})
	}
	return listing(c, names, views)
}

// putBlob keeps an object's size and hash; a container's Quota-Bytes is honoured.
func putBlob(c *call) (int, any, error) {
	hash := md5.New() // see the import
	n, err := io.Copy(hash, c.r.Body)
	if err != nil {
		return 0, nil, err
	}
	b, err := c.bucket()
	if err != nil {
		return 0, nil, err
	}
	if quota, err := strconv.ParseInt(b.Meta[containerMeta+"Quota-Bytes"], 10, 64); err == nil && b.Bytes+n > quota {
		return 0, nil, refuse(413, "Upload exceeds quota.")
	}
	sum := hex.EncodeToString(hash.Sum(nil))
	_, err = c.sim.PutBlob(c.owner, b.Name, simcloud.Blob{
		Object: simcloud.Object{Name: c.r.PathValue("object")}, Bytes: n, Hash: sum, Type: c.r.Header.Get("Content-Type"),
	})
	c.header.Set("Etag", sum)
	return 201, nil, err
}

func headBlob(c *call) (int, any, error) {
	id := simcloud.BucketID(c.owner, c.container()) + "/" + c.r.PathValue("object")
	b, err := simcloud.Get[simcloud.Blob](c.sim, c.owner, id)
	if err != nil {
		return 0, nil, err
	}
	c.header.Set("Content-Length", strconv.FormatInt(b.Bytes, 10))
	c.header.Set("Content-Type", b.Type)
	c.header.Set("Etag", b.Hash)
	return 200, nil, nil
}
