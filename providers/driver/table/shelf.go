package table

import (
	"context"
	"strings"

	"github.com/duoyun/duoyun/providers/driver"
)

// Thing is one object of a cloud as a look sees it.
type Thing struct {
	ID     string
	Note   string // the mark, or "mark part"
	State  driver.ObservedState
	Detail string // the vendor's words, for people
}

// Note is what a part of a unit bears in its description, so that it is never mistaken for a unit itself.
func Note(mark, part string) string { return mark + " " + part }

// MarkIn returns the mark of a description when it is that of a main object.
func MarkIn(description string) string {
	if strings.HasPrefix(description, "dy-") && !strings.Contains(description, " ") {
		return description
	}
	return ""
}

// Shelf is where things of one sort are found.
type Shelf struct {
	Code Codes
	Get  func(ctx context.Context, id string) (Thing, error) // an unknown id: code NotFound
	Page func(ctx context.Context, cursor string) (things []Thing, next string, partial bool, err error)
	// Vouch proves a sentinel that is of another sort than the things listed: it reads it from the same service. nil:
	// the sentinel is in the listing itself.
	Vouch func(ctx context.Context, sentinel string) (bool, error)
}

// Things views what a page holds.
func Things[T any](all []T, view func(T) Thing) []Thing {
	out := make([]Thing, len(all))
	for i, v := range all {
		out[i] = view(v)
	}
	return out
}

// Find looks for the thing with this id where it is known, otherwise for all that bear the note, through the whole
// listing and over every state.
func (s Shelf) Find(ctx context.Context, c driver.Call, id, note string) ([]Thing, driver.Evidence, error) {
	if id != "" {
		return s.known(ctx, id)
	}
	ev := driver.Evidence{Complete: true, SentinelSeen: c.Sentinel == ""}
	var found []Thing
	for cursor := ""; ; {
		things, next, partial, err := s.Page(ctx, cursor)
		if err != nil {
			return nil, driver.Evidence{}, err
		}
		ev.Complete = ev.Complete && !partial
		for _, t := range things {
			ev.SentinelSeen = ev.SentinelSeen || t.ID == c.Sentinel
			if t.Note == note {
				found = append(found, t)
			}
		}
		if next == "" || next == cursor {
			ev.Complete = ev.Complete && next == ""
			break
		}
		cursor = next
	}
	if !ev.SentinelSeen && s.Vouch != nil {
		seen, err := s.Vouch(ctx, c.Sentinel)
		if err != nil {
			return nil, driver.Evidence{}, err
		}
		ev.SentinelSeen = seen
	}
	return found, ev, nil
}

// known reads one thing by its id. No listing has a part in it, so that it is whole and needs no sentinel; "not found"
// is the service's own word that the thing is gone.
func (s Shelf) known(ctx context.Context, id string) ([]Thing, driver.Evidence, error) {
	ev := driver.Evidence{Complete: true, SentinelSeen: true}
	t, err := s.Get(ctx, id)
	if s.Code(err) == driver.NotFound {
		return nil, ev, nil
	}
	if err != nil {
		return nil, driver.Evidence{}, err
	}
	return []Thing{t}, ev, nil
}

// ID returns the vendor id of a part, from what is known or by its note; "" when there is none.
func (s Shelf) ID(ctx context.Context, known, note string) (string, error) {
	if known != "" {
		return known, nil
	}
	found, _, err := s.Find(ctx, driver.Call{}, "", note)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].ID, nil
}

// LookMade and LookUnmade are the looks of a part whose step has the part's name.
func (s Shelf) LookMade(part string) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		found, ev, err := s.Find(ctx, c, c.Parts[part], Note(c.Mark, part))
		if err != nil {
			return driver.Evidence{}, err
		}
		return Made(found, ev), nil
	}
}

// LookUnmade is LookMade for a deletion.
func (s Shelf) LookUnmade(part string) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		found, ev, err := s.Find(ctx, c, c.Parts[part], Note(c.Mark, part))
		if err != nil {
			return driver.Evidence{}, err
		}
		return Unmade(found, ev), nil
	}
}

// LookMainMade and LookMainUnmade do the same for a unit's main object, which bears the mark alone.
func (s Shelf) LookMainMade(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	found, ev, err := s.Find(ctx, c, c.ID, c.Mark)
	if err != nil {
		return driver.Evidence{}, err
	}
	return Made(found, ev), nil
}

// LookMainUnmade is LookMainMade for a deletion.
func (s Shelf) LookMainUnmade(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	found, ev, err := s.Find(ctx, c, c.ID, c.Mark)
	if err != nil {
		return driver.Evidence{}, err
	}
	return Unmade(found, ev), nil
}

// Made says whether what was found is what a creation shall leave.
func Made(found []Thing, ev driver.Evidence) driver.Evidence {
	alive := living(found)
	if len(alive) == 0 {
		ev.State = driver.Absent
		if len(found) > 0 { // it is being deleted: neither there nor gone
			ev.State, ev.ID, ev.Detail = driver.Pending, found[0].ID, found[0].Detail
		}
		return ev
	}
	ev.ID, ev.Detail = alive[0].ID, alive[0].Detail
	switch {
	case len(alive) > 1:
		ev.State, ev.Detail = driver.Conflict, ids(alive)
	case alive[0].State == driver.Errored:
		ev.State = driver.Broken
	case alive[0].State == driver.Building:
		ev.State = driver.Pending
	default:
		ev.State = driver.Done
	}
	return ev
}

// Unmade says whether a deletion has left nothing; a listing that is not whole cannot say that it has.
func Unmade(found []Thing, ev driver.Evidence) driver.Evidence {
	alive := living(found)
	switch {
	case len(found) == 0 && !(ev.Complete && ev.SentinelSeen):
		ev.State, ev.Detail = driver.Pending, "the listing is not whole"
	case len(found) == 0:
		ev.State = driver.Done
	case len(alive) == 0:
		ev.State, ev.ID, ev.Detail = driver.Pending, found[0].ID, found[0].Detail
	default:
		ev.State, ev.ID, ev.Detail = driver.Absent, alive[0].ID, alive[0].Detail
	}
	return ev
}

// living leaves out what is being deleted: a superseded creation on its way out does not hide, or contradict, the one
// that took its place.
func living(found []Thing) []Thing {
	var alive []Thing
	for _, t := range found {
		if t.State != driver.Deleting {
			alive = append(alive, t)
		}
	}
	return alive
}

func ids(things []Thing) string {
	all := make([]string, len(things))
	for i, t := range things {
		all[i] = t.ID
	}
	return strings.Join(all, ", ")
}
