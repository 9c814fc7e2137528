package openstackfake

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// shelf is a kind of thing that Neutron or Octavia lists: both have one way of filtering and paging.
type shelf[T any] struct {
	one, many string
	view      func(*call, *T) object
	index     map[string]func(string) string // filters that the cloud's index answers, beside name, description and tags
}

// show answers one thing.
func show[T any, P simcloud.Noun[T]](s shelf[T]) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		x, err := simcloud.Get[T, P](c.sim, c.owner, c.id())
		if err != nil {
			return 0, nil, err
		}
		return 200, object{s.one: s.view(c, x)}, nil
	}
}

// browse answers a page of things in the order of their creation.
func browse[T any, P simcloud.Noun[T]](s shelf[T]) func(*call) (int, any, error) {
	return func(c *call) (int, any, error) {
		limit, err := c.limit(0)
		if err != nil {
			return 0, nil, err
		}
		views, last, err := collect[T, P](c, s, limit)
		if err != nil {
			return 0, nil, err
		}
		body := object{s.many: views}
		if limit > 0 && len(views) == limit {
			body[s.many+"_links"] = []any{c.nextLink(last)}
		}
		return 200, body, nil
	}
}

// batch is how many things are looked at between two looks at the clock.
const batch = 1000

// collect gathers what the query asks for, up to limit; it returns the last one's id.
func collect[T any, P simcloud.Noun[T]](c *call, s shelf[T], limit int) (views []object, last string, err error) {
	filters := c.r.URL.Query()
	q := simcloud.Query{Owner: c.owner, After: filters.Get("marker"), Limit: batch}
	q.Where = s.keys(filters)
	views = []object{}
	for {
		if limit > 0 && len(filters) == 0 {
			q.Limit = min(batch, limit-len(views))
		}
		found, err := simcloud.List[T, P](c.sim, q, nil)
		if err != nil {
			return nil, "", err
		}
		for _, x := range found {
			v := s.view(c, x)
			ok, err := passes(v, filters)
			if err != nil {
				return nil, "", err
			}
			if !ok {
				continue
			}
			last = P(x).Self().ID
			if views = append(views, cut(v, c.r.URL.Query()["fields"])); len(views) == limit {
				return views, last, nil
			}
		}
		if len(found) < q.Limit {
			return views, last, nil
		}
		q.After = P(found[len(found)-1]).Self().ID
	}
}

// keys takes out of the filters what the index answers, and what is not a filter.
func (s shelf[T]) keys(filters url.Values) (keys []string) {
	for _, name := range []string{"limit", "marker", "fields", "sort_key", "sort_dir", "page_reverse", "all_tenants"} {
		filters.Del(name)
	}
	take := func(name string, key func(string) string) {
		if v := filters[name]; len(v) == 1 && v[0] != "" {
			keys = append(keys, key(v[0]))
			filters.Del(name)
		}
	}
	take("name", simcloud.Named)
	take("description", simcloud.Described)
	for name, key := range s.index {
		take(name, key)
	}
	for _, v := range filters["tags"] {
		for _, t := range strings.Split(v, ",") {
			keys = append(keys, simcloud.Tagged(t))
		}
	}
	filters.Del("tags")
	return keys
}

// passes applies the filters that are left to a view: any of a filter's values must equal the field.
func passes(v object, filters url.Values) (bool, error) {
	for name, wanted := range filters {
		if strings.HasSuffix(name, "tags-any") || name == "not-tags" {
			have, _ := v["tags"].([]string)
			if !tagsMatch(name, have, strings.Split(wanted[0], ",")) {
				return false, nil
			}
			continue
		}
		got, ok := v[name]
		if !ok {
			return false, badRequest("[%s] is invalid attribute for filtering", name)
		}
		if !slices.ContainsFunc(wanted, func(w string) bool { return equals(got, w) }) {
			return false, nil
		}
	}
	return true, nil
}

// equals compares a field with a filter's text; of a list of dictionaries (fixed_ips) the text names key=value.
func equals(got any, wanted string) bool {
	switch g := got.(type) {
	case nil:
		return wanted == ""
	case string:
		return g == wanted
	case bool:
		return strings.EqualFold(fmt.Sprint(g), wanted) || wanted == "1" && g || wanted == "0" && !g
	case []string:
		return slices.Contains(g, wanted)
	case []object:
		key, value, _ := strings.Cut(wanted, "=")
		return slices.ContainsFunc(g, func(o object) bool { return fmt.Sprint(o[key]) == value })
	}
	return fmt.Sprint(got) == wanted
}

// cut keeps the fields asked for.
func cut(v object, fields []string) object {
	if len(fields) == 0 {
		return v
	}
	out := object{}
	for _, f := range fields {
		if x, ok := v[f]; ok {
			out[f] = x
		}
	}
	return out
}

// of is the index key of a filter that names what something belongs to.
func of(kind simcloud.Kind) func(string) string {
	return func(id string) string { return simcloud.Of(kind, id) }
}
