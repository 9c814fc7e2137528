package aliyunfake

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// action is one operation: the parameters it cannot do without, those it takes beside them, and what it does. A parameter
// is "Name", or "Name:int", "Name:bool", "Name:cidr", "Name:list" (a JSON array of text) where its type is checked.
type action struct {
	product, name string
	needs, takes  string
	token         string // the parameter that makes it idempotent
	do            func(*call) (object, error)
}

// check refuses what is missing, mistyped or unknown. The real service ignores what it does not know; here a misspelt
// parameter shall not go unseen.
func (a action) check(in url.Values) error {
	known := envelope()
	if a.token != "" {
		known = append(known, a.token)
		if token := in.Get(a.token); len(token) > 64 {
			return invalid(a.token, "a token is at most 64 characters")
		}
	}
	for i, list := range []string{a.needs, a.takes} {
		for _, p := range strings.Fields(list) {
			name, kind, _ := strings.Cut(p, ":")
			known = append(known, name)
			value, there := in[name]
			if !there && i == 0 {
				return refuse(http.StatusBadRequest, "MissingParameter", "The input parameter %q that is mandatory for processing this request is not supplied.", name)
			}
			if there && !typed(kind, value[0]) {
				return invalid(name, "The specified value %q is no %s.", value[0], kind)
			}
		}
	}
	for name, values := range in {
		if !slices.Contains(known, name) || len(values) > 1 {
			return refuse(http.StatusBadRequest, "InvalidParameter", "%s of %s is unknown or given twice", name, a.name)
		}
	}
	return nil
}

func typed(kind, value string) bool {
	var err error
	switch kind {
	case "int":
		_, err = strconv.ParseInt(value, 10, 64)
	case "bool":
		_, err = strconv.ParseBool(value)
	case "cidr":
		_, err = netip.ParsePrefix(value)
	case "list":
		var list []string
		err = json.Unmarshal([]byte(value), &list)
	}
	return err == nil
}

// number reads a parameter that check has found to be one; 0 where it is not given.
func (c *call) number(name string) int64 {
	n, _ := strconv.ParseInt(c.get(name), 10, 64)
	return n
}

// ids reads the ids that a listing is asked for: a JSON array or one id; ok is whether any were given.
func (c *call) ids(name string) (ids []string, ok bool) {
	value := c.get(name)
	if value == "" {
		return nil, false
	}
	if json.Unmarshal([]byte(value), &ids) != nil {
		ids = []string{value}
	}
	return ids, true
}

// find lists an account's objects of a kind: those of the ids where some are given, as they are now; otherwise all that
// pass, as the listing's lag shows them.
func find[T any, P simcloud.Noun[T]](c *call, parameter string, keep func(*T) bool) ([]*T, error) {
	ids, given := c.ids(parameter)
	if !given {
		return simcloud.List[T, P](c.sim, simcloud.Query{Owner: c.owner, Own: true}, keep)
	}
	found := []*T{}
	for _, id := range ids {
		x, err := simcloud.Get[T, P](c.sim, c.owner, id)
		if err == nil && (keep == nil || keep(x)) {
			found = append(found, x)
		}
	}
	return found, nil
}

// pages are the parameters of a numbered listing.
const pages = " PageNumber:int PageSize:int"

// paged answers one page of a listing in the form outer.inner.
func paged[T any](c *call, all []T, outer, inner string, view func(T) object) (object, error) {
	number, size := max(c.number("PageNumber"), 1), c.number("PageSize")
	if size == 0 {
		size = 10
	}
	size = min(size, int64(c.maxPage))
	from := min((number-1)*size, int64(len(all)))
	views := []object{}
	for _, x := range all[from:min(from+size, int64(len(all)))] {
		views = append(views, view(x))
	}
	return object{"TotalCount": len(all), "PageNumber": number, "PageSize": size, outer: object{inner: views}}, nil
}

// minutes and seconds are how the products write times.
func minutes(t time.Time) string { return t.UTC().Format("2006-01-02T15:04Z") }
func seconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// either is a when the condition holds.
func either(condition bool, a, b string) string {
	if condition {
		return a
	}
	return b
}

// expires is when a subscription ends, or the end of time on demand.
func expires(p simcloud.Purchase) string {
	if p.PaidUntil.IsZero() {
		return "2099-12-31T15:59Z"
	}
	return minutes(p.PaidUntil)
}

// charge is the charge type of a purchase.
func charge(p simcloud.Purchase) string { return either(p.PaidUntil.IsZero(), "PostPaid", "PrePaid") }
