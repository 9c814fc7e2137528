package aliyun

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// pageSize is the most that all products allow (VPC: 50).
const pageSize = 50

var (
	errHollow  = errors.New("the answer lacks its list")
	errIgnored = errors.New("the answer to a question for one thing holds others")
)

// item is one thing of a listing.
type item interface {
	key() string
	thing() table.Thing
}

// listing says how a product lists things of one sort: all of the account in this region, in every state.
type listing[T item] struct {
	cloud        *Cloud
	product      product
	action       string
	outer, inner string // where the answer holds the list
	id           string // the parameter that picks one thing
	array        bool   // its value is a JSON array
	more         params
	// vouch proves a sentinel of another sort than these things, from the same service; nil: it is one of them.
	vouch func(context.Context, string) error
}

// read makes one call. An answer without its list or its total is an error: taken for an empty listing it would prove
// absence.
func (l listing[T]) read(ctx context.Context, in params) ([]T, int, error) {
	all := params{"PageSize": strconv.Itoa(pageSize)}
	for _, p := range []params{l.more, in} {
		for name, value := range p {
			all[name] = value
		}
	}
	var answer map[string]json.RawMessage
	if _, err := l.cloud.call(ctx, l.product, l.action, all, &answer); err != nil {
		return nil, 0, err
	}
	return l.decode(answer)
}

func (l listing[T]) decode(answer map[string]json.RawMessage) ([]T, int, error) {
	var total *int
	for _, name := range []string{"TotalCount", "TotalRecordCount"} {
		if raw, ok := answer[name]; ok {
			if err := json.Unmarshal(raw, &total); err != nil {
				return nil, 0, fmt.Errorf("the answer's total: %w", err)
			}
		}
	}
	var within map[string]json.RawMessage
	var things []T
	if err := json.Unmarshal(orNull(answer[l.outer]), &within); err != nil {
		return nil, 0, fmt.Errorf("the answer's list: %w", err)
	}
	if err := json.Unmarshal(orNull(within[l.inner]), &things); err != nil {
		return nil, 0, fmt.Errorf("the answer's list: %w", err)
	}
	if things == nil || total == nil {
		return nil, 0, errHollow
	}
	return things, *total, nil
}

func orNull(raw json.RawMessage) json.RawMessage {
	if raw == nil {
		return json.RawMessage("null")
	}
	return raw
}

// get reads one thing by its id. The products answer an unknown id with an empty list.
func (l listing[T]) get(ctx context.Context, id string) (T, error) {
	var none T
	value := id
	if l.array {
		value = string(raw([]string{id}))
	}
	things, _, err := l.read(ctx, params{l.id: value})
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

// page reads the page a cursor names: "page/seen/total". Pages are numbered, so that whatever vanishes from one moves the
// next thing out of sight: a total that has changed since the first page says that the listing is not whole.
func (l listing[T]) page(ctx context.Context, cursor string) (things []T, next string, partial bool, err error) {
	number, seen, expected := 1, 0, -1
	if cursor != "" {
		if n, err := fmt.Sscanf(cursor, "%d/%d/%d", &number, &seen, &expected); n != 3 || err != nil {
			return nil, "", false, table.Impossible("cursor", "游标无效", "the cursor is none of ours")
		}
	}
	things, total, err := l.read(ctx, params{"PageNumber": strconv.Itoa(number)})
	if err != nil {
		return nil, "", false, err
	}
	seen += len(things)
	switch {
	case expected >= 0 && expected != total, seen < total && len(things) == 0:
		return things, "", true, nil
	case seen < total:
		next = fmt.Sprintf("%d/%d/%d", number+1, seen, total)
	}
	return things, next, false, nil
}

// every reads all pages.
func (l listing[T]) every(ctx context.Context) ([]T, error) {
	var all []T
	for cursor := ""; ; {
		things, next, partial, err := l.page(ctx, cursor)
		if err != nil {
			return nil, err
		}
		if partial {
			return nil, errHollow
		}
		if all = append(all, things...); next == "" {
			return all, nil
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

// observing makes a kind's reading of what the listing itself shows.
func (l listing[T]) observing(see func(T) driver.Observation) func(context.Context, string) (driver.Observation, error) {
	return func(ctx context.Context, id string) (driver.Observation, error) {
		v, err := l.get(ctx, id)
		if err != nil {
			return driver.Observation{}, err
		}
		return see(v), nil
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
		reply, err := l.cloud.change(ctx, l.product, action, params{parameter: id})
		return reply, table.Ignoring(Code, err, driver.NotFound)
	}
}

// look reads the thing of a call, which an earlier step made, and judges it.
func (l listing[T]) look(step string, judge func(T, driver.Call) (state driver.EvidenceState, detail string)) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		v, err := l.need(ctx, c.ID, c.Mark, step)
		return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
			state, detail := judge(v, c)
			return state, v.key(), detail
		})
	}
}

// attached is something that may be on something else.
type attached interface {
	item
	on() (host, status string)
}

// lookFree sees that a thing is on nothing; a thing that is not there is on nothing.
func lookFree[T attached](l listing[T], via ...string) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		found, ev, err := l.shelf().Find(ctx, c, c.ID, c.Mark)
		if err != nil || len(found) == 0 {
			ev.State = driver.Done
			return ev, err
		}
		v, err := l.get(ctx, found[0].ID)
		return table.Effect(Code, err, driver.Done, func() (driver.EvidenceState, string, string) {
			host, status := v.on()
			switch {
			case slices.Contains(via, status):
				return driver.Pending, v.key(), status
			case host != "":
				return driver.Absent, v.key(), status
			}
			return driver.Done, v.key(), ""
		})
	}
}

// when reads a time as the products write it: in UTC, to the minute or the second; a zero time for what is none.
func when(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// raw keeps the vendor's own words that a dispute may need.
func raw(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		return nil // plain structs of text and numbers always marshal
	}
	return b
}
