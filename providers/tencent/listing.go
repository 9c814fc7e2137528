package tencent

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// pageSize is the longest page that every Describe action takes.
const pageSize = 100

// seen is one thing as its product shows it. Mark is what it bears: for a part of a unit "mark part".
type seen struct {
	driver.Observation
	status  string // in the product's words
	busy    bool   // the product is at work on it
	prepaid bool   // a subscription 包年包月
	binned  bool   // it was given back and lies in the recycle bin 回收站
	host    string // what a disk or an address is attached to
	size    string // instance type
	groups  []string
}

// rack is where things of one sort are read and listed.
type rack struct {
	get   func(ctx context.Context, id string) (seen, error)
	page  func(ctx context.Context, cursor string) (all []seen, next string, partial bool, err error)
	vouch func(ctx context.Context, id string) (bool, error)
}

// listing is one Describe action: where its list is, how it takes ids, and what an entry says.
type listing struct {
	product, action, member string
	ids                     string // the parameter that takes ids
	prefix                  string // what every id begins with: another string is nobody's id
	text                    bool   // offset and limit are strings, as in VPC
	filters                 []params
	view                    func(json.RawMessage) (seen, error)
}

// filter is an entry of Filters.
func filter(name string, values ...string) params { return params{"Name": name, "Values": values} }

// entry makes a listing's view of a function over the entry's own type.
func entry[T any](view func(T) seen) func(json.RawMessage) (seen, error) {
	return func(raw json.RawMessage) (seen, error) {
		var v T
		if err := json.Unmarshal(raw, &v); err != nil {
			return seen{}, errors.Join(errHollow, err)
		}
		s := view(v)
		if s.ID == "" {
			return seen{}, errHollow
		}
		return s, nil
	}
}

// rack reads a listing with an account.
func (l listing) rack(c *Cloud) rack {
	return rack{
		get:  func(ctx context.Context, id string) (seen, error) { return l.get(ctx, c, id) },
		page: func(ctx context.Context, cursor string) ([]seen, string, bool, error) { return l.page(ctx, c, cursor) },
	}
}

// get reads one thing by its id. The product answers an unknown id with an error or with an empty list, depending on the
// product; both are its own word that there is none.
func (l listing) get(ctx context.Context, c *Cloud, id string) (seen, error) {
	none := table.Refuse(driver.NotFound, duoyun.NotFound("资源", "resource", id))
	if !strings.HasPrefix(id, l.prefix) {
		return seen{}, none
	}
	in := params{l.ids: []string{id}}
	if l.ids == "db-instance-id" { // PostgreSQL takes ids only as a filter
		in = params{"Filters": []params{filter(l.ids, id)}}
	}
	all, _, err := l.read(ctx, c, in)
	if err != nil {
		return seen{}, err
	}
	for _, s := range all {
		if s.ID == id {
			return s, nil
		}
	}
	return seen{}, none
}

// read makes one call and decodes its list. A list may be null only where the count says that there is nothing.
func (l listing) read(ctx context.Context, c *Cloud, in params) (all []seen, total int, err error) {
	var out map[string]json.RawMessage
	if _, err := c.call(ctx, l.product, l.action, in, &out); err != nil {
		return nil, 0, err
	}
	var list []json.RawMessage
	raw, there := out[l.member]
	if !there || json.Unmarshal(out["TotalCount"], &total) != nil || json.Unmarshal(raw, &list) != nil || list == nil && total != 0 {
		return nil, 0, errHollow
	}
	for _, entry := range list {
		s, err := l.view(entry)
		if err != nil {
			return nil, 0, err
		}
		all = append(all, s)
	}
	return all, total, nil
}

// page reads on where the page before ended. Pages are cut by offset alone, so that what is made or deleted in between
// would shift them unseen: each page therefore begins with the last entry of the one before, whose id the cursor
// carries, and a listing where another stands there is not whole.
func (l listing) page(ctx context.Context, c *Cloud, cursor string) (all []seen, next string, partial bool, err error) {
	at, last, _ := strings.Cut(cursor, ":")
	offset := 0
	if cursor != "" {
		if err := json.Unmarshal([]byte(at), &offset); err != nil || offset < 0 {
			return nil, "", false, table.Impossible("cursor", "游标 %q 无法读取", "cursor %q cannot be read", cursor)
		}
	}
	in := params{"Offset": offset, "Limit": pageSize}
	if l.text {
		in = params{"Offset": number(offset), "Limit": number(pageSize)}
	}
	if l.filters != nil {
		in["Filters"] = l.filters
	}
	all, total, err := l.read(ctx, c, in)
	if err != nil {
		return nil, "", false, err
	}
	if last != "" {
		if len(all) == 0 || all[0].ID != last {
			return all, "", true, nil
		}
		all, offset = all[1:], offset+1
	}
	end := offset + len(all)
	switch {
	case end >= total:
		return all, "", false, nil
	case len(all) == 0:
		return nil, "", true, nil
	}
	return all, number(end-1) + ":" + all[len(all)-1].ID, false, nil
}

// shelf is the rack as looks see it; keep is given everything that is read.
func (r rack) shelf(keep func(seen)) table.Shelf {
	thing := func(s seen) table.Thing {
		keep(s)
		return table.Thing{ID: s.ID, Note: s.Mark, State: s.State, Detail: s.status}
	}
	return table.Shelf{Code: Code, Vouch: r.vouch,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			s, err := r.get(ctx, id)
			if err != nil {
				return table.Thing{}, err
			}
			return thing(s), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, partial, err := r.page(ctx, cursor)
			return table.Things(all, thing), next, partial, err
		},
	}
}

// plain is the shelf of looks that need no more than a thing's state.
func (r rack) plain() table.Shelf { return r.shelf(func(seen) {}) }

// search finds what bears a note, or has an id, with what it was seen to be; nil where there is none.
func (r rack) search(ctx context.Context, c driver.Call, id, note string) (*seen, driver.Evidence, error) {
	read := map[string]seen{}
	found, ev, err := r.shelf(func(s seen) { read[s.ID] = s }).Find(ctx, c, id, note)
	if err != nil || len(found) == 0 {
		return nil, ev, err
	}
	s := read[found[0].ID]
	return &s, ev, nil
}

// find returns a unit's main object, or an error with code NotFound.
func (r rack) find(ctx context.Context, c driver.Call) (seen, error) {
	s, _, err := r.search(ctx, c, c.ID, c.Mark)
	if err == nil && s == nil {
		err = table.Missing(string(c.Kind))
	}
	if err != nil {
		return seen{}, err
	}
	return *s, nil
}

// look is a Look that judges a unit's main object. gone is what it means that there is none: an absence that means Done
// must be a whole listing's.
func (r rack) look(gone driver.EvidenceState, judge func(driver.Call, seen) driver.EvidenceState) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		s, ev, err := r.search(ctx, c, c.ID, c.Mark)
		switch {
		case err != nil:
			return driver.Evidence{}, err
		case s == nil && gone == driver.Done:
			return table.Unmade(nil, ev), nil
		case s == nil:
			ev.State = gone
			return ev, nil
		}
		return driver.Evidence{State: judge(c, *s), ID: s.ID, Complete: true, SentinelSeen: true, Detail: s.status}, nil
	}
}

// unless prepares a mutation of a unit's main object; done tells that there is nothing left to do.
func (r rack) unless(done func(driver.Call, seen) bool, in func(driver.Call, seen) (params, error)) func(context.Context, driver.Call) (params, error) {
	return func(ctx context.Context, c driver.Call) (params, error) {
		s, err := r.find(ctx, c)
		if err != nil || done(c, s) {
			return nil, err
		}
		return in(c, s)
	}
}

// never is the condition of what is always sent.
func never(driver.Call, seen) bool { return false }

// removal takes something away, unless it is gone or on its way; what is gone is no error. part "" is the main object.
func (c *Cloud) removal(r rack, part, product, action string, in func(id string) params) func(context.Context, driver.Call) (driver.Reply, error) {
	run := c.act(product, action, "", func(ctx context.Context, call driver.Call) (params, error) {
		id, note := call.ID, call.Mark
		if part != "" {
			id, note = call.Parts[part], table.Note(call.Mark, part)
		}
		s, _, err := r.search(ctx, call, id, note)
		if err != nil || s == nil || s.State == driver.Deleting {
			return nil, err
		}
		return in(s.ID), nil
	})
	return func(ctx context.Context, call driver.Call) (driver.Reply, error) {
		reply, err := run(ctx, call)
		return reply, table.Ignoring(Code, err, driver.NotFound)
	}
}

// isolation gives something back into the recycle bin, from which a removal then takes it: the one way out for a
// subscription, and for every database and cache. What needs no such step is left alone.
func (c *Cloud) isolation(r rack, product, action string, needed func(seen) bool, in func(id string) params) table.Verb {
	done := func(_ driver.Call, s seen) bool { return s.binned || s.State == driver.Deleting || !needed(s) }
	run := c.act(product, action, "", r.unless(done, func(_ driver.Call, s seen) (params, error) { return in(s.ID), nil }))
	return table.Verb{
		Run: func(ctx context.Context, call driver.Call) (driver.Reply, error) {
			reply, err := run(ctx, call)
			return reply, table.Ignoring(Code, err, driver.NotFound)
		},
		Look: r.look(driver.Done, func(call driver.Call, s seen) driver.EvidenceState {
			switch {
			case done(call, s):
				return driver.Done
			case s.busy:
				return driver.Pending
			}
			return driver.Absent
		}),
	}
}

// renewal buys a further term. What proves it is the end of the term alone, since no product keeps a token for it.
func (c *Cloud) renewal(r rack, product, action string, in func(id string, months int) params) table.Verb {
	return table.Verb{
		Run: c.act(product, action, "", r.unless(renewed, func(call driver.Call, s seen) (params, error) { return in(s.ID, call.Months), nil })),
		Look: r.look(driver.Absent, func(call driver.Call, s seen) driver.EvidenceState {
			switch {
			case renewed(call, s):
				return driver.Done
			case s.PaidUntil.Equal(call.PaidUntil):
				return driver.Absent
			}
			return driver.Conflict
		}),
	}
}

func renewed(c driver.Call, s seen) bool { return s.PaidUntil.After(c.PaidUntil) }

// planRenewal is the plan of every kind that is sold by subscription.
func planRenewal(c driver.Change) ([]driver.Step, error) {
	if c.Months < 1 {
		return nil, table.Impossible("months", "续费须写明月数", "a renewal says for how many months")
	}
	return []driver.Step{{Name: "renew", Await: true}}, nil
}

// observe and list are a kind's Reading and Listing.
func (r rack) observe(ctx context.Context, id string) (driver.Observation, error) {
	s, err := r.get(ctx, id)
	return s.Observation, err
}

func (r rack) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, partial, err := r.page(ctx, cursor)
	p := driver.Page{Next: next, Partial: partial}
	for _, s := range all {
		p.Items = append(p.Items, s.Observation)
	}
	return p, err
}

// moment reads a time: ISO 8601 in UTC, or Beijing time without a zone, as the older products write it. What cannot be
// read, or is the zero of MySQL, is no time.
func moment(s string) time.Time {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.UTC()
	}
	t, err := time.ParseInLocation(time.DateTime, s, duoyun.Civil)
	if err != nil || t.Year() < 2000 {
		return time.Time{}
	}
	return t.UTC()
}

// raw keeps the product's own words that a dispute may need, and nothing secret.
func raw(v params) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // a plain map of strings and numbers always marshals
	}
	return b
}
