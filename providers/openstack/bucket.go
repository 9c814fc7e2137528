package openstack

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/gophercloud/gophercloud/v2/openstack/objectstorage/v1/containers"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// What a container's metadata says of it.
const (
	headMark  = "Mark"
	headTitle = "Title" // percent-encoded: headers are ASCII
	headQuota = "Quota-Bytes"
)

// bucketClasses begins the names under which an account maps storage policies: "bucket/cold" is that of class cold.
const bucketClasses = "bucket/"

const gib = int64(1) << 30

// bucketKind is a Swift container. Its name is the mark: a natural key, so that a look needs no listing and creating it
// twice makes one container. Swift's container_quotas middleware enforces the size.
type bucketKind struct{ *Cloud }

func (b bucketKind) kind() *table.Kind {
	return &table.Kind{
		Plans: table.Plans{Create: b.planCreate, Update: planQuota, Delete: table.Fixed(driver.Step{Name: "delete-container", Main: true})},
		Verbs: map[string]table.Verb{
			"container":        {Run: b.create, Look: b.look},
			"quota":            {Run: b.setQuota, Look: b.lookQuota},
			"delete-container": {Run: b.remove, Look: b.lookGone},
		},
		Reading: b.observe, Listing: b.list,
	}
}

func (b bucketKind) planCreate(c driver.Change) ([]driver.Step, error) {
	if _, err := b.policy(c.After.(duoyun.BucketSpec).Class); err != nil {
		return nil, err
	}
	return []driver.Step{{Name: "container", Main: true}}, nil
}

// planQuota: a bucket may also shrink; Swift then refuses new objects until it is below its quota.
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

// policy maps a class to a storage policy; a class that is not mapped is not bought.
func (b bucketKind) policy(class string) (string, error) {
	mapped, ok := b.account.Mapping.Classes[bucketClasses+class]
	if !ok && class != classStandard {
		return "", table.Impossible("class", "资源池没有把存储桶类型 %s 对应到云上的存储策略", "the account maps no storage policy to bucket class %s", class)
	}
	return mapped, nil
}

// create is a PUT, which Swift makes idempotent by the container's name. The policy cannot be changed later.
func (b bucketKind) create(ctx context.Context, c driver.Call) (driver.Reply, error) {
	spec := c.After.(duoyun.BucketSpec)
	policy, err := b.policy(spec.Class)
	if err != nil {
		return driver.Reply{}, err
	}
	r := containers.Create(ctx, b.object, c.Mark, containers.CreateOpts{StoragePolicy: policy, Metadata: map[string]string{
		headMark: c.Mark, headTitle: url.QueryEscape(table.Title(c.Change, longestName)), headQuota: strconv.FormatInt(spec.SizeGiB*gib, 10)}})
	if r.Err != nil {
		return driver.Reply{}, r.Err
	}
	return reply(c.Mark, r.Header), nil
}

func (b bucketKind) setQuota(ctx context.Context, c driver.Call) (driver.Reply, error) {
	r := containers.Update(ctx, b.object, c.Mark, containers.UpdateOpts{Metadata: map[string]string{
		headQuota: strconv.FormatInt(c.After.(duoyun.BucketSpec).SizeGiB*gib, 10)}})
	return reply("", r.Header), r.Err
}

// remove deletes the container, which Swift refuses with 409 (NotReady) while there are objects in it: the department
// takes its data out first.
func (b bucketKind) remove(ctx context.Context, c driver.Call) (driver.Reply, error) {
	r := containers.Delete(ctx, b.object, c.Mark)
	return reply("", r.Header), table.Ignoring(Code, r.Err, driver.NotFound)
}

// look asks for the newest replica: Swift is eventually consistent, but a container's name is in one place.
func (b bucketKind) look(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	o, err := b.observe(ctx, c.Mark)
	return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
		if o.Mark != c.Mark {
			return driver.Conflict, o.ID, "the container of this name does not bear our mark"
		}
		return driver.Done, o.ID, ""
	})
}

func (b bucketKind) lookGone(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	o, err := b.observe(ctx, c.Mark)
	return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) { return driver.Absent, o.ID, string(o.Raw) })
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

func (b bucketKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	r := containers.Get(ctx, b.object, id, containers.GetOpts{Newest: true})
	if r.Err != nil {
		return driver.Observation{}, r.Err
	}
	return b.observed(id, r.Header), nil
}

// observed reads headers only: Swift counts objects and bytes with a delay of its own.
func (b bucketKind) observed(id string, h http.Header) driver.Observation {
	meta := func(name string) string { return h.Get("X-Container-Meta-" + name) }
	name, err := url.QueryUnescape(meta(headTitle))
	if err != nil || name == "" {
		name = id
	}
	quota, _ := strconv.ParseInt(meta(headQuota), 10, 64) // no number: no quota shown
	o := driver.Observation{ID: id, Mark: meta(headMark), Name: name, State: driver.Active,
		Spec: duoyun.BucketSpec{SizeGiB: quota / gib, Class: b.classOf(bucketClasses, h.Get("X-Storage-Policy"))},
		Raw: raw(map[string]any{"bytes": h.Get("X-Container-Bytes-Used"), "objects": h.Get("X-Container-Object-Count"),
			"policy": h.Get("X-Storage-Policy"), "quota_bytes": meta(headQuota)})}
	if s, err := strconv.ParseFloat(h.Get("X-Timestamp"), 64); err == nil {
		o.CreatedAt = time.UnixMicro(int64(s * 1e6)).UTC()
	}
	return o
}

// list reads the metadata of the containers whose name could be ours; a name alone proves nothing.
func (b bucketKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	page := driver.Page{}
	all, next, err := onePage(ctx, containers.List(b.object, containers.ListOpts{Limit: pageSize, Marker: cursor}),
		containers.ExtractInfo, func(v containers.Container) string { return v.Name })
	page.Next = next
	for _, v := range all {
		o := driver.Observation{ID: v.Name, Name: v.Name, State: driver.Active, Spec: duoyun.BucketSpec{}}
		if table.MarkIn(v.Name) != "" {
			if o, err = b.observe(ctx, v.Name); Code(err) == driver.NotFound {
				continue // deleted since it was listed
			} else if err != nil {
				return driver.Page{}, err
			}
		}
		page.Items = append(page.Items, o)
	}
	return page, err
}
