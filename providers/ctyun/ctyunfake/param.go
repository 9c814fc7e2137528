package ctyunfake

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// parameters reads a query or a body against what the API takes: words of a name, "!" where it must be there, and ":i", ":b",
// ":l" or ":o" where it is a number, truth, list or object instead of a text. What is not among them is refused. regionID is
// taken everywhere: "header" among the words says that the region comes as a header instead.
func (c *call) parameters(r route, q *http.Request, body []byte) (map[string]any, error) {
	in := map[string]any{}
	if r.method == http.MethodGet {
		values, err := url.ParseQuery(q.URL.RawQuery)
		if err != nil {
			return nil, c.wrong("query")
		}
		for k, v := range values {
			in[k] = v[0]
		}
	} else {
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		if err := d.Decode(&in); err != nil {
			return nil, c.wrong("body")
		}
	}
	words := strings.Fields(r.takes)
	region, _ := in["regionID"].(string)
	if slices.Contains(words, "header") {
		region = q.Header.Get("regionId")
	} else {
		words = append(words, "regionID!")
	}
	if !slices.ContainsFunc(c.sim.Regions(), func(x simcloud.Region) bool { return x.Name == region }) {
		return nil, c.wrong("regionID")
	}
	c.owner.Region = region
	return c.checked(words, in, r.method == http.MethodGet)
}

func (c *call) checked(words []string, in map[string]any, query bool) (map[string]any, error) {
	out := map[string]any{}
	for _, word := range words {
		name, kind, _ := strings.Cut(word, ":")
		name, must := strings.CutSuffix(name, "!")
		v, given := in[name]
		if text, ok := v.(string); given && ok && query && kind == "i" {
			v = json.Number(text)
		}
		switch {
		case !given && must, v == "" && must, given && !fits(v, kind):
			return nil, c.wrong(name)
		case given:
			out[name] = v
		}
		delete(in, name)
	}
	for name := range in {
		return nil, c.wrong(name)
	}
	return out, nil
}

func fits(v any, kind string) bool {
	ok := false
	switch kind {
	case "i":
		var n json.Number
		if n, ok = v.(json.Number); ok {
			_, err := strconv.ParseInt(string(n), 10, 64)
			ok = err == nil
		}
	case "b":
		_, ok = v.(bool)
	case "l":
		_, ok = v.([]any)
	case "o":
		_, ok = v.(map[string]any)
	default:
		_, ok = v.(string)
	}
	return ok
}

func (c *call) wrong(name string) refusal {
	return refuse(module(c.path)+".Parameter."+name+"Invalid", "parameter %s is missing, unknown or wrong", name)
}

func (c *call) text(name string) string { s, _ := c.in[name].(string); return s }

func (c *call) truth(name string) bool { b, _ := c.in[name].(bool); return b }

func (c *call) number(name string) int64 { return number(c.in[name]) }

func number(v any) int64 {
	n, _ := v.(json.Number)
	i, _ := n.Int64()
	return i
}

func (c *call) list(name string) []any { l, _ := c.in[name].([]any); return l }

func str(v any) string { s, _ := v.(string); return s }

// months reads a term: a unit and a count, of which months end at eleven and years at three.
func (c *call) months(unit string) (int, error) {
	count := int(c.number("cycleCount"))
	switch strings.ToLower(unit) {
	case "month":
		if count >= 1 && count <= 11 {
			return count, nil
		}
	case "year":
		if count >= 1 && count <= 3 {
			return 12 * count, nil
		}
	}
	return 0, c.wrong("cycleCount")
}

// page answers one page of a listing under its member, with the total under another.
func page[T any](c *call, member, total string, names [2]string, most int, all []T) (any, error) {
	no, size := int(c.number(names[0])), int(c.number(names[1]))
	if no < 1 {
		no = 1
	}
	if size < 1 {
		size = 10
	}
	if size > most {
		return nil, c.wrong(names[1])
	}
	if c.options.MaxPage > 0 {
		size = min(size, c.options.MaxPage)
	}
	from := min((no-1)*size, len(all))
	part := append([]T{}, all[from:min(from+size, len(all))]...)
	return object{member: part, total: len(all), "currentCount": len(part), "totalPage": (len(all) + size - 1) / size}, nil
}

// paged is page with the vendor's usual names.
func paged[T any](c *call, member string, most int, all []T) (any, error) {
	return page(c, member, "totalCount", [2]string{"pageNo", "pageSize"}, most, all)
}

// pageWords are the parameters of a usual page.
const pageWords = " pageNo:i pageSize:i"

// views lists the things of an account that keep lets through.
func views[T any, P simcloud.Noun[T]](c *call, view func(*T) object, keep func(*T) bool) ([]object, error) {
	all, err := simcloud.List[T, P](c.sim, simcloud.Query{Owner: c.owner, Own: true}, keep)
	out := []object{}
	for _, v := range all {
		out = append(out, view(v))
	}
	return out, err
}

// mine reads one thing of the account itself, not one that is merely shared.
func mine[T any, P simcloud.Noun[T]](c *call, kind simcloud.Kind, id string) (*T, error) {
	v, err := simcloud.Get[T, P](c.sim, c.owner, id)
	if err == nil && P(v).Self().Owner != c.owner {
		err = &simcloud.Error{Reason: simcloud.Missing, Kind: kind, ID: id}
	}
	return v, err
}

// order puts an order about something into the ledger and answers with it.
func (c *call) order(kind string, ids ...string) (object, error) {
	o, err := c.sim.PlaceOrder(simcloud.Order{Object: simcloud.Object{Owner: c.owner}, Type: kind, ResourceIDs: ids})
	if err != nil {
		return nil, err
	}
	return object{"masterOrderID": o.ID, "masterOrderNO": "20" + o.ID[:8], "regionID": c.owner.Region}, nil
}

// note changes the metadata of a thing.
func note(meta map[string]string, key, value string) map[string]string {
	out := map[string]string{key: value}
	for k, v := range meta {
		if k != key {
			out[k] = v
		}
	}
	return out
}
