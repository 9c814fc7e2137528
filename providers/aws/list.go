package aws

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

var (
	errHollow  = errors.New("the answer lacks its list")
	errIgnored = errors.New("the answer to a question for one thing holds others")
)

// element is any XML element, with what stands in it as it came.
type element struct {
	XMLName xml.Name
	Inner   []byte `xml:",innerxml"`
}

// within returns what stands in the element at a path below the root, and whether there is one; an error is no XML.
func within(doc []byte, path ...string) ([]byte, bool, error) {
	root, err := inside(doc)
	for i := 0; err == nil && i < len(path); i++ {
		n := slices.IndexFunc(root.All, func(e element) bool { return e.XMLName.Local == path[i] })
		if n < 0 {
			return nil, false, nil
		}
		doc = wrapped(root.All[n].Inner)
		root, err = inside(doc)
	}
	if err != nil {
		return nil, false, fmt.Errorf("the answer cannot be read: %w", err)
	}
	return doc, true, nil
}

func inside(doc []byte) (root struct {
	All []element `xml:",any"`
}, err error) {
	return root, xml.Unmarshal(doc, &root)
}

func wrapped(inner []byte) []byte {
	return slices.Concat([]byte("<in>"), inner, []byte("</in>"))
}

// text is what the element at a path says; "" where there is none.
func text(doc []byte, path ...string) (string, error) {
	inner, _, err := within(doc, path...)
	if err != nil || inner == nil {
		return "", err
	}
	var said struct {
		Text string `xml:",chardata"`
	}
	err = xml.Unmarshal(inner, &said)
	return strings.TrimSpace(said.Text), err
}

// items decodes the list at a path. A missing list is an error: taken for an empty one it would prove absence.
func items[T any](doc []byte, path ...string) ([]T, error) {
	inner, there, err := within(doc, path...)
	if err == nil && !there {
		err = errHollow
	}
	if err != nil {
		return nil, err
	}
	var list struct {
		All []T `xml:",any"`
	}
	if err := xml.Unmarshal(inner, &list); err != nil {
		return nil, fmt.Errorf("the answer's list: %w", err)
	}
	return list.All, nil
}

// tags are what a thing of EC2 is labelled with.
type tags []struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

func (t tags) value(key string) string {
	for _, x := range t {
		if x.Key == key {
			return x.Value
		}
	}
	return ""
}

// The tags that a unit's objects bear.
const (
	tagMark = "duoyun-mark"
	tagName = "Name"
)

// labelled gives a creation of EC2 its tags: the mark or note, and the name for people where it has one.
func (p params) labelled(resource, note, name string) params {
	p["TagSpecification.1.ResourceType"] = resource
	p["TagSpecification.1.Tag.1.Key"], p["TagSpecification.1.Tag.1.Value"] = tagMark, note
	if name != "" {
		p["TagSpecification.1.Tag.2.Key"], p["TagSpecification.1.Tag.2.Value"] = tagName, name
	}
	return p
}

// tagged gives a creation of another service its tags; member is how the service writes lists.
func (p params) tagged(member string, c driver.Change) params {
	for i, t := range [][2]string{{tagMark, c.Mark}, {tagName, table.Title(c, longestName)}} {
		at := fmt.Sprintf("Tags.%s.%d.", member, i+1)
		p[at+"Key"], p[at+"Value"] = t[0], t[1]
	}
	return p
}

// longestName is in bytes what a tag's value takes: 256 characters.
const longestName = 255

// item is one thing of a listing.
type item interface {
	key() string
	thing() table.Thing
}

// listing says how a service lists things of one sort: all of the account in this region, in every state.
type listing[T item] struct {
	cloud   *Cloud
	service service
	action  string
	list    string // where the answer holds the list
	nested  string // EC2 groups instances: the list within each of the list
	id      string // the parameter that picks one thing
	whole   bool   // the action has no pages
	more    params
	// fits tells what may be an id: the vendor refuses others in as many words as it has services. nil: anything.
	fits func(id string) bool
	// over tells what is listed for a while although it is gone.
	over func(T) bool
	// vouch proves a sentinel of another sort than these things; nil: it is one of them.
	vouch func(context.Context, string) error
}

// begins is what ids of EC2 are like.
func begins(prefix string) func(string) bool {
	return func(id string) bool { return strings.HasPrefix(id, prefix) }
}

// paging is how a service takes and gives cursors.
func (l listing[T]) paging() (size, most, cursor, next string) {
	switch l.service {
	case ec2:
		return "MaxResults", "500", "NextToken", "nextToken"
	case elb:
		return "PageSize", "400", "Marker", "NextMarker"
	}
	return "MaxRecords", "100", "Marker", "Marker"
}

// read makes one call.
func (l listing[T]) read(ctx context.Context, in params) (things []T, next string, err error) {
	all := params{}
	for _, p := range []params{in, l.more} {
		for name, value := range p {
			all[name] = value
		}
	}
	answer, err := l.cloud.call(ctx, l.service, l.action, all)
	if err != nil {
		return nil, "", err
	}
	return l.decode(answer)
}

func (l listing[T]) decode(answer []byte) (things []T, next string, err error) {
	var at []string
	if l.service != ec2 {
		at = []string{l.action + "Result"}
	}
	_, _, _, name := l.paging()
	if next, err = text(answer, append(at, name)...); err != nil {
		return nil, "", err
	}
	if l.nested == "" {
		things, err = items[T](answer, append(at, l.list)...)
	} else {
		var groups []element
		groups, err = items[element](answer, append(at, l.list)...)
		for i := 0; err == nil && i < len(groups); i++ {
			var some []T
			some, err = items[T](wrapped(groups[i].Inner), l.nested)
			things = append(things, some...)
		}
	}
	if l.over != nil {
		things = slices.DeleteFunc(things, l.over)
	}
	return things, next, err
}

// get reads one thing by its id.
func (l listing[T]) get(ctx context.Context, id string) (T, error) {
	var none T
	var things []T
	var err error
	if l.fits == nil || l.fits(id) {
		things, _, err = l.read(ctx, params{l.id: id})
	}
	switch {
	case err != nil:
		return none, err
	case len(things) == 0:
		return none, table.Refuse(driver.NotFound, duoyun.NotFound("资源", "resource", id))
	case len(things) > 1 || things[0].key() != id:
		return none, errIgnored
	}
	return things[0], nil
}

// page reads the page a cursor names: the vendor's own cursor.
func (l listing[T]) page(ctx context.Context, at string) ([]T, string, bool, error) {
	size, most, cursor, _ := l.paging()
	in := params{size: most, cursor: at}
	if l.whole {
		in = nil
	}
	things, next, err := l.read(ctx, in)
	return things, next, false, err
}

// every reads all pages.
func (l listing[T]) every(ctx context.Context) ([]T, error) {
	var all []T
	for cursor := ""; ; {
		things, next, _, err := l.page(ctx, cursor)
		if err != nil {
			return nil, err
		}
		if all = append(all, things...); next == "" {
			return all, nil
		}
		if next == cursor {
			return nil, errIgnored
		}
		cursor = next
	}
}

func (l listing[T]) shelf() table.Shelf {
	s := table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := l.get(ctx, id)
			if err != nil {
				return table.Thing{}, err
			}
			return v.thing(), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, partial, err := l.page(ctx, cursor)
			return table.Things(all, T.thing), next, partial, err
		},
	}
	if l.vouch != nil {
		s.Vouch = func(ctx context.Context, sentinel string) (bool, error) {
			err := l.vouch(ctx, sentinel)
			return err == nil, table.Ignoring(Code, err, driver.NotFound)
		}
	}
	return s
}

// named is the look of a thing whose name is made of its mark: a natural key, which needs no listing.
func (l listing[T]) named(name func(mark string) string, verdict func([]table.Thing, driver.Evidence) driver.Evidence) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		found, ev, err := l.shelf().Find(ctx, c, name(c.Mark), "")
		if err != nil {
			return driver.Evidence{}, err
		}
		return verdict(found, ev), nil
	}
}

// same is the name of what is called as its mark.
func same(mark string) string { return mark }

// exists is whether there is a thing with an id.
func (l listing[T]) exists(ctx context.Context, id string) error {
	_, err := l.get(ctx, id)
	return err
}

// listed makes a kind's listing of what the listing itself shows; what needs a call for each thing is left to Observe.
func (l listing[T]) listed(see func(T) driver.Observation) func(context.Context, string) (driver.Page, error) {
	return func(ctx context.Context, cursor string) (driver.Page, error) {
		all, next, partial, err := l.page(ctx, cursor)
		p := driver.Page{Next: next, Partial: partial}
		for _, v := range all {
			p.Items = append(p.Items, see(v))
		}
		return p, err
	}
}

// find returns the thing of a call, by id or by note; false when there is none.
func (l listing[T]) find(ctx context.Context, id, note string) (T, bool, error) {
	var none T
	id, err := l.shelf().ID(ctx, id, note)
	if err != nil || id == "" {
		return none, false, err
	}
	v, err := l.get(ctx, id)
	if Code(err) == driver.NotFound {
		return none, false, nil
	}
	return v, err == nil, err
}

// need is find where the thing must be there.
func (l listing[T]) need(ctx context.Context, id, note, step string) (T, error) {
	v, ok, err := l.find(ctx, id, note)
	if err == nil && !ok {
		err = table.Missing(step)
	}
	return v, err
}

// removal deletes what is found by id or note, by one call that names it; what is gone needs none.
func (l listing[T]) removal(part, action, parameter string) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		id, note := c.ID, c.Mark
		if part != "" {
			id, note = c.Parts[part], table.Note(c.Mark, part)
		}
		id, err := l.shelf().ID(ctx, id, note)
		if err != nil || id == "" {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		reply, err := l.cloud.change(ctx, l.service, action, params{parameter: id})
		return reply, table.Ignoring(Code, err, driver.NotFound)
	}
}

// when reads a time as the services write it; a zero time for what is none.
func when(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// raw keeps the vendor's own words that a dispute may need.
func raw(v any) json.RawMessage {
	var b bytes.Buffer
	if json.NewEncoder(&b).Encode(v) != nil {
		return nil // plain structs of text and numbers always marshal
	}
	return bytes.TrimSpace(b.Bytes())
}
