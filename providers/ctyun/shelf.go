package ctyun

import (
	"context"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// shelf is where the things of one sort are listed and read: each of the vendor's listings is paged by number, with the
// names of its parameters and members alone differing.
type shelf[T any] struct {
	*Cloud
	list   request
	member string    // the list in the reply; "": the reply is the list, whole
	pages  [2]string // the parameters for the page's number and size; none: pageNo and pageSize
	size   int       // the longest page the vendor gives
	show   func(id string) request
	view   func(T) table.Thing
}

// page reads one page. The cursor is the page's number, how many things came before it, and how many there were: a listing
// whose length changed on the way may have lost some, and is not whole.
func (s shelf[T]) page(ctx context.Context, cursor string) (all []T, next string, partial bool, err error) {
	if s.member == "" {
		err = s.fetch(ctx, s.list, &all)
		return all, "", false, err
	}
	number, seen, total := 1, 0, 0
	if cursor != "" {
		if n, err := fmt.Sscanf(cursor, "%d:%d:%d", &number, &seen, &total); n != 3 || err != nil {
			return nil, "", false, table.Impossible("cursor", "游标 %q 无效", "the cursor %q is not one", cursor)
		}
	}
	names := s.pages
	if names[0] == "" {
		names = [2]string{"pageNo", "pageSize"}
	}
	r := s.list
	r.args = args{names[0]: number, names[1]: s.size}
	for k, v := range s.list.args {
		r.args[k] = v
	}
	a, err := s.send(ctx, r)
	if err != nil {
		return nil, "", false, err
	}
	all, now, err := listed[T](a.result, s.member)
	if err != nil {
		return nil, "", false, err
	}
	partial = cursor != "" && now != total || len(all) == 0 && seen < now
	if seen += len(all); seen < now && len(all) > 0 {
		next = fmt.Sprintf("%d:%d:%d", number+1, seen, now)
	}
	return all, next, partial, nil
}

// listed reads a page: without its list or its total it is no page, since an empty one would prove absence.
func listed[T any](raw json.RawMessage, key string) (all []T, total int, err error) {
	var body map[string]json.RawMessage
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, 0, fmt.Errorf("%w: %w", errGarbled, err)
	}
	count, ok := body["totalCount"]
	if !ok {
		count = body["total"]
	}
	if err := json.Unmarshal(count, &total); err != nil || total < 0 {
		return nil, 0, fmt.Errorf("%w: the page does not tell how many there are", errGarbled)
	}
	list := body[key]
	if err := json.Unmarshal(list, &all); err != nil || all == nil && total > 0 {
		return nil, 0, fmt.Errorf("%w: the page has no %s", errGarbled, key)
	}
	return all, total, nil
}

// read reads one thing by its id; some readings answer with a list of one.
func (s shelf[T]) read(ctx context.Context, id string) (T, error) {
	var one T
	a, err := s.send(ctx, s.show(id))
	if err != nil {
		return one, err
	}
	if len(a.result) > 0 && a.result[0] == '[' {
		var many []T
		if err := a.decode(&many); err != nil || len(many) == 1 {
			return append(many, one)[0], err
		}
		return one, table.Refuse(driver.NotFound, duoyun.NotFound("资源", "resource", id))
	}
	if err := a.decode(&one); err != nil {
		return one, err
	}
	if s.view(one).ID != id {
		return one, fmt.Errorf("%w: it tells of another thing than %s", errGarbled, id)
	}
	return one, nil
}

// table is the shelf as the looks see it.
func (s shelf[T]) table() table.Shelf {
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := s.read(ctx, id)
			return s.view(v), err
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, partial, err := s.page(ctx, cursor)
			return table.Things(all, s.view), next, partial, err
		},
	}
}

// of returns the main thing of a call, by its id or its mark; nil when there is none.
func (s shelf[T]) of(ctx context.Context, c driver.Call) (*T, error) {
	return s.noted(ctx, c.ID, c.Mark)
}

// noted returns the thing with this id, or else with this note; nil when there is none.
func (s shelf[T]) noted(ctx context.Context, id, note string) (*T, error) {
	id, err := s.table().ID(ctx, id, note)
	if err != nil || id == "" {
		return nil, err
	}
	v, err := s.read(ctx, id)
	if err != nil {
		return nil, table.Ignoring(Code, err, driver.NotFound)
	}
	return &v, nil
}

// must is of, with an error where there is none.
func (s shelf[T]) must(ctx context.Context, c driver.Call, step string) (*T, error) {
	v, err := s.of(ctx, c)
	if err == nil && v == nil {
		err = table.Missing(step)
	}
	return v, err
}

// effect judges the main thing of a call; gone is what its absence means.
func (s shelf[T]) effect(gone driver.EvidenceState, judge func(driver.Call, T) (driver.EvidenceState, string)) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		v, err := s.must(ctx, c, c.Step)
		return table.Effect(Code, err, gone, func() (driver.EvidenceState, string, string) {
			state, detail := judge(c, *v)
			return state, s.view(*v).ID, detail
		})
	}
}

// remove finds the thing of a call and sends what takes it away. What is on its way out is left to it.
func (s shelf[T]) remove(part string, how func(c driver.Call, v T) request) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		id, note := c.ID, c.Mark
		if part != "" {
			id, note = c.Parts[part], table.Note(c.Mark, part)
		}
		v, err := s.noted(ctx, id, note)
		if err != nil || v == nil || s.view(*v).State == driver.Deleting {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		reply, err := s.mutate(ctx, how(c, *v), "")
		return reply, hindered(err)
	}
}

// hindered is an error of a deletion. The vendor documents hardly any of the codes with which it refuses to delete what
// something still hangs on; since a deletion sent again does nothing twice, every refusal in its own words is one for now.
func hindered(err error) error {
	if untold(err) && Code(err) == driver.InDoubt {
		return table.Refuse(driver.NotReady, err)
	}
	return table.Ignoring(Code, err, driver.NotFound)
}

// observations makes the listing of a kind.
func (s shelf[T]) observations(observed func(T) (driver.Observation, bool)) func(context.Context, string) (driver.Page, error) {
	return func(ctx context.Context, cursor string) (driver.Page, error) {
		all, next, partial, err := s.page(ctx, cursor)
		p := driver.Page{Next: next, Partial: partial}
		for _, v := range all {
			if o, ok := observed(v); ok {
				p.Items = append(p.Items, o)
			}
		}
		return p, err
	}
}

// lookBought looks for what an order makes: by its id, by the order, or by its mark. An order that failed made nothing and
// makes nothing; its token answers no more. An order that is not told of, or that names what is not there, proves nothing.
func (s shelf[T]) lookBought(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	if c.ID != "" || c.OrderID == "" {
		return s.table().LookMainMade(ctx, c)
	}
	o, err := s.order(ctx, c.OrderID)
	if untold(err) {
		return s.table().LookMainMade(ctx, c)
	}
	if err != nil {
		return driver.Evidence{}, err
	}
	switch {
	case o.failed():
		return driver.Evidence{State: driver.Broken, Complete: true, SentinelSeen: true, Detail: "order " + c.OrderID + " is in state " + string(o.Status)}, nil
	case o.Status != orderDone:
		return driver.Evidence{State: driver.Pending, Complete: true, SentinelSeen: true, Detail: "order " + c.OrderID}, nil
	case len(o.Resources) == 1: // a server's order may name its system disk too
		known := c
		known.ID = o.Resources[0]
		if ev, err := s.table().LookMainMade(ctx, known); err != nil || ev.State != driver.Absent {
			return ev, err
		}
	}
	return s.table().LookMainMade(ctx, c)
}

// untold reports whether the vendor answered that it will not tell, as of an order that is not its own.
func untold(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.status == http.StatusOK && Code(err) != driver.Auth
}

// purchase is an order as /v4/order/query-uuid shows it.
type purchase struct {
	Status    text     `json:"orderStatus"`
	Resources []string `json:"resourceUuid"`
}

// orderDone is the state of an order that has made what it is for.
const orderDone = "3"

// failed reports whether an order came to nothing: 4 cancelled, 5 failed, 11 revoked, 13 unsubscribed, 22 not paid. The
// states between (1 and 2 payment, 7 paying, 8 to 10 review, 12 unsubscribing, 14 being opened) pass.
func (p purchase) failed() bool {
	switch p.Status {
	case "4", "5", "11", "13", "22":
		return true
	}
	return false
}

func (c *Cloud) order(ctx context.Context, id string) (p purchase, err error) {
	err = c.fetch(ctx, get(ecs, "/v4/order/query-uuid", args{"masterOrderId": id}), &p)
	if err == nil && p.Status == "" {
		err = fmt.Errorf("%w: the order has no state", errGarbled)
	}
	return p, err
}

// cycle is a term in the vendor's words: months are sold up to eleven, then years.
func cycle(months int) (unit string, count int) {
	if months%12 == 0 {
		return "year", months / 12
	}
	return "month", months
}

// terms refuses a term that the vendor does not sell: 1 to 11 months, or 1 to 3 years.
func terms(c driver.Change) error {
	if c.Months < 0 || c.Months > 36 || c.Months > 11 && c.Months%12 != 0 {
		return table.Impossible("months", "天翼云只售 1 至 11 个月或 1 至 3 年", "the vendor sells 1 to 11 months or 1 to 3 years")
	}
	return nil
}

// planRenew is the one step of every renewal.
func planRenew(c driver.Change) ([]driver.Step, error) {
	if c.Months == 0 {
		return nil, table.Impossible("months", "续订须写明月数", "a renewal is for some months")
	}
	return []driver.Step{{Name: "renew", Await: true}}, terms(c)
}

// renewed judges a renewal by when what was paid for ends.
func renewed(c driver.Call, o driver.Observation) (driver.EvidenceState, string) {
	if o.PaidUntil.After(c.PaidUntil) {
		return driver.Done, ""
	}
	return driver.Absent, o.PaidUntil.String()
}

var briefs = base32.HexEncoding.WithPadding(base32.NoPadding)

// brief is a mark in 29 characters: dy- and its 16 bytes in base 32. What is no mark of ours stays as it is.
func brief(mark string) string {
	raw, err := hex.DecodeString(strings.TrimPrefix(mark, "dy-"))
	if err != nil || len(raw) != 16 {
		return mark
	}
	return "dy-" + strings.ToLower(briefs.EncodeToString(raw))
}

// unbrief is the mark of a name that brief made, or "".
func unbrief(name string) string {
	if len(name) != 29 || !strings.HasPrefix(name, "dy-") {
		return ""
	}
	raw, err := briefs.DecodeString(strings.ToUpper(name[3:]))
	if err != nil {
		return ""
	}
	return "dy-" + hex.EncodeToString(raw)
}

// portable is the one portable name that a mapping gives to one of the vendor's; "" where none or several do.
func portable(mapping map[string]string, prefix string, vendor ...string) (found string) {
	for k, v := range mapping {
		name, ok := strings.CutPrefix(k, prefix)
		if !ok || strings.Contains(name, "/") || name == classSystem {
			continue
		}
		for _, x := range vendor {
			if x == "" || v != x {
				continue
			}
			if found != "" && found != name {
				return ""
			}
			found = name
		}
	}
	return found
}

// raw keeps the vendor's own words that a dispute may need, and nothing secret.
func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // a plain map of strings and times always marshals
	}
	return b
}
