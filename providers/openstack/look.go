package openstack

import (
	"context"
	"strings"

	"github.com/duoyun/duoyun/providers/driver"
)

// pageSize is how many things one page of a listing holds; clouds may cap it lower.
const pageSize = 500

// thing is one object of a cloud as a look sees it.
type thing struct {
	id     string
	note   string // the mark, or "mark part"
	state  driver.ObservedState
	detail string
}

// note is what a part of a unit bears in its description.
func note(mark, part string) string { return mark + " " + part }

// markIn returns the mark of a description when it is that of a main object.
func markIn(description string) string {
	if strings.HasPrefix(description, "dy-") && !strings.Contains(description, " ") {
		return description
	}
	return ""
}

// shelf is where things of one sort are found.
type shelf struct {
	get  func(ctx context.Context, id string) (thing, error)
	page func(ctx context.Context, cursor string) (things []thing, next string, partial bool, err error)
	// vouch proves a sentinel that is of another sort than the things listed: it reads it from the same service. nil:
	// the sentinel is in the listing itself.
	vouch func(ctx context.Context, sentinel string) (bool, error)
}

// find looks for the thing with this id where it is known, otherwise for all that bear the note, through the whole
// listing and over every state.
func (s shelf) find(ctx context.Context, c driver.Call, id, note string) ([]thing, driver.Evidence, error) {
	if id != "" {
		return s.known(ctx, id)
	}
	ev := driver.Evidence{Complete: true, SentinelSeen: c.Sentinel == ""}
	var found []thing
	for cursor := ""; ; {
		things, next, partial, err := s.page(ctx, cursor)
		if err != nil {
			return nil, driver.Evidence{}, err
		}
		ev.Complete = ev.Complete && !partial
		for _, t := range things {
			ev.SentinelSeen = ev.SentinelSeen || t.id == c.Sentinel
			if t.note == note {
				found = append(found, t)
			}
		}
		if next == "" || next == cursor {
			ev.Complete = ev.Complete && next == ""
			break
		}
		cursor = next
	}
	if !ev.SentinelSeen && s.vouch != nil {
		seen, err := s.vouch(ctx, c.Sentinel)
		if err != nil {
			return nil, driver.Evidence{}, err
		}
		ev.SentinelSeen = seen
	}
	return found, ev, nil
}

// known reads one thing by its id. No listing has a part in it, so that it is whole and needs no sentinel; 404 is the
// service's own word that the thing is gone.
func (s shelf) known(ctx context.Context, id string) ([]thing, driver.Evidence, error) {
	ev := driver.Evidence{Complete: true, SentinelSeen: true}
	t, err := s.get(ctx, id)
	if notFound(err) {
		return nil, ev, nil
	}
	if err != nil {
		return nil, driver.Evidence{}, err
	}
	return []thing{t}, ev, nil
}

// id returns the vendor id of a part, from what is known or by its note; "" when there is none.
func (s shelf) id(ctx context.Context, known, note string) (string, error) {
	if known != "" {
		return known, nil
	}
	found, _, err := s.find(ctx, driver.Call{}, "", note)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].id, nil
}

// made says whether what was found is what a creation shall leave.
func made(found []thing, ev driver.Evidence) driver.Evidence {
	alive := living(found)
	if len(alive) == 0 {
		ev.State = driver.Absent
		if len(found) > 0 { // it is being deleted: neither there nor gone
			ev.State, ev.ID, ev.Detail = driver.Pending, found[0].id, found[0].detail
		}
		return ev
	}
	ev.ID, ev.Detail = alive[0].id, alive[0].detail
	switch {
	case len(alive) > 1:
		ev.State, ev.Detail = driver.Conflict, ids(alive)
	case alive[0].state == driver.Errored:
		ev.State = driver.Broken
	case alive[0].state == driver.Building:
		ev.State = driver.Pending
	default:
		ev.State = driver.Done
	}
	return ev
}

// unmade says whether a deletion has left nothing; a listing that is not whole cannot say that it has.
func unmade(found []thing, ev driver.Evidence) driver.Evidence {
	alive := living(found)
	switch {
	case len(found) == 0 && !(ev.Complete && ev.SentinelSeen):
		ev.State, ev.Detail = driver.Pending, "the listing is not whole"
	case len(found) == 0:
		ev.State = driver.Done
	case len(alive) == 0:
		ev.State, ev.ID, ev.Detail = driver.Pending, found[0].id, found[0].detail
	default:
		ev.State, ev.ID, ev.Detail = driver.Absent, alive[0].id, alive[0].detail
	}
	return ev
}

// living leaves out what is being deleted: a superseded creation on its way out does not hide, or contradict, the one
// that took its place.
func living(found []thing) []thing {
	var alive []thing
	for _, t := range found {
		if t.state != driver.Deleting {
			alive = append(alive, t)
		}
	}
	return alive
}

func ids(things []thing) string {
	all := make([]string, len(things))
	for i, t := range things {
		all[i] = t.id
	}
	return strings.Join(all, ", ")
}

// effect turns one reading of a known object into evidence: gone is what its absence means for the step.
func effect(err error, gone driver.EvidenceState, read func() (driver.EvidenceState, string, string)) (driver.Evidence, error) {
	ev := driver.Evidence{Complete: true, SentinelSeen: true}
	if notFound(err) {
		ev.State = gone
		return ev, nil
	}
	if err != nil {
		return driver.Evidence{}, err
	}
	ev.State, ev.ID, ev.Detail = read()
	return ev, nil
}
