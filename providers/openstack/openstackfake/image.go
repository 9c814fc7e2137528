package openstackfake

import (
	"net/http"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// glanceError words an error as Glance does: a page, not JSON.
func glanceError(r refusal) any {
	title := itoa(r.status) + " " + http.StatusText(r.status)
	return page{"text/html; charset=UTF-8", "<html><head><title>" + title + "</title></head><body><h1>" + title + "</h1>" + r.text + "</body></html>"}
}

// image serves what Glance shows (docs.openstack.org/api-ref/image/v2); images are only read.
func (f *Fake) image() {
	f.open("GET /image/{$}", func(_ http.ResponseWriter, r *http.Request) (int, any) {
		region, _ := r.Context().Value(regionKey{}).(string)
		links := []any{object{"rel": "self", "href": f.base(r, region) + "/image/v2/"}}
		return 300, object{"versions": []any{object{"id": "v2.15", "status": "CURRENT", "links": links}, object{"id": "v2.0", "status": "SUPPORTED", "links": links}}}
	})
	s := &service{Fake: f, prefix: "/image/v2", word: glanceError, translate: func(e *simcloud.Error) refusal {
		if e.Reason == simcloud.Missing {
			return refuse(404, "No image found with ID %s", e.ID)
		}
		return badRequest("%s", e.Detail)
	}}
	s.route("GET /images", listImages)
	s.route("GET /images/{id}", func(c *call) (int, any, error) {
		i, err := simcloud.Get[simcloud.Image](c.sim, c.owner, c.id())
		if err != nil {
			return 0, nil, err
		}
		return 200, imageView(i), nil
	})
}

func imageView(i *simcloud.Image) object {
	return object{
		"id": i.ID, "name": i.Name, "status": "active", "visibility": "public", "protected": false, "os_hidden": false,
		"container_format": "bare", "disk_format": "qcow2", "min_disk": i.MinDiskGiB, "min_ram": i.MinRAMMiB, "size": i.SizeBytes,
		"virtual_size": i.MinDiskGiB << 30, "owner": nameID("project", Domain, "admin"), "checksum": nameID("image", i.ID), "tags": list(i.Tags),
		"os_distro": i.OS, "architecture": i.Arch, "hw_architecture": i.Arch, "created_at": when(i.Created, zulu), "updated_at": when(i.Updated, zulu),
		"self": "/v2/images/" + i.ID, "file": "/v2/images/" + i.ID + "/file", "schema": "/v2/schemas/image",
	}
}

// listImages pages over images; name may list several after "in:". The next link is a path, as Glance's is.
func listImages(c *call) (int, any, error) {
	limit, err := c.limit(c.options.MaxPage)
	if err != nil {
		return 0, nil, err
	}
	names := []string{c.query("name")}
	if rest, ok := strings.CutPrefix(names[0], "in:"); ok {
		names = strings.Split(rest, ",")
	}
	status, visibility, os := c.query("status"), c.query("visibility"), c.query("os_distro")
	q := simcloud.Query{Owner: c.owner, After: c.query("marker"), Limit: limit}
	if names[0] != "" && len(names) == 1 {
		q.Where = append(q.Where, simcloud.Named(names[0]))
	}
	found, err := simcloud.List(c.sim, q, func(i *simcloud.Image) bool {
		return (names[0] == "" || contains(names, i.Name)) && (status == "" || status == "active") &&
			(visibility == "" || visibility == "public" || visibility == "all") && (os == "" || os == i.OS)
	})
	if err != nil {
		return 0, nil, err
	}
	views := make([]any, len(found))
	for i, x := range found {
		views[i] = imageView(x)
	}
	body := object{"images": views, "first": "/v2/images", "schema": "/v2/schemas/images"}
	if len(found) == limit {
		q := c.r.URL.Query()
		q.Set("marker", found[limit-1].ID)
		body["next"] = "/v2/images?" + q.Encode()
	}
	return 200, body, nil
}

// contains reports whether quoted or plain names hold one.
func contains(names []string, name string) bool {
	for _, n := range names {
		if strings.Trim(n, `"`) == name {
			return true
		}
	}
	return false
}
