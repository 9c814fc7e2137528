package broker_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// testClock is a clock that tests move.
type testClock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *testClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// thing is one object at the vendor.
type thing struct {
	id, mark, step string
	kind           duoyun.Kind
	spec           duoyun.Spec
	state          driver.ObservedState
	visible        time.Time // listings show it from here
	goneAt         time.Time // zero: stays
	token          string
	paidUntil      time.Time // of a subscription
}

// vendor is a scripted cloud: servers are made in one step, networks in three, and each call may meet a fault.
type vendor struct {
	clock *testClock
	caps  driver.Capabilities

	mu       sync.Mutex
	things   []*thing
	runs     []driver.Call
	faults   map[string][]string // by step: what the next calls meet
	lag      time.Duration       // until a listing shows what was made
	fading   time.Duration       // how long a deletion takes
	partial  bool                // listings are not whole
	hidden   string              // vendor id that listings leave out
	blind    bool                // it shows nothing at all, as another account would
	stale    duoyun.Spec         // what listings still show of every spec; nil: what is there
	observed func(duoyun.Spec) duoyun.Spec
	during   func() // called within a mutation, after it acted
	looking  func() // called within a look
	lookErr  error
	deadline time.Time // of the last mutation, real time
}

func newVendor(c *testClock) *vendor {
	return &vendor{clock: c, faults: map[string][]string{}, caps: driver.Capabilities{Driver: "scripted", Settling: 10 * time.Second, CallTimeout: 20 * time.Second}}
}

type vendorError struct {
	code driver.Code
	msg  string
}

func (e vendorError) Error() string { return e.msg }

func (v *vendor) Capabilities() driver.Capabilities { return v.caps }

func (v *vendor) Kind(k duoyun.Kind) (driver.Resource, bool) {
	return shelf{v, k}, k != duoyun.KindBucket
}

func (v *vendor) Code(err error) driver.Code {
	var e vendorError
	if errors.As(err, &e) {
		return e.code
	}
	return driver.InDoubt
}

// fail scripts what the next calls of a step meet: lost (acts, no reply), dropped (does not act, no reply), vanishes
// (acts and replies, and the thing is gone at once), nameless (acts, and the reply has no id), or a code.
func (v *vendor) fail(step string, faults ...string) {
	v.faults[step] = append(v.faults[step], faults...)
}

func (v *vendor) live() []*thing {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.present()
}

func (v *vendor) present() []*thing {
	var out []*thing
	if v.blind {
		return nil
	}
	for _, t := range v.things {
		if t.goneAt.IsZero() || t.goneAt.After(v.clock.Now()) {
			out = append(out, t)
		}
	}
	return out
}

func (v *vendor) sent() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.runs)
}

type shelf struct {
	*vendor
	kind duoyun.Kind
}

// Plan: a vendor that keeps tokens keeps one of every step but a renewal.
func (s shelf) Plan(c driver.Change) ([]driver.Step, error) {
	steps, err := s.steps(c)
	for i := range steps {
		steps[i].Token = s.caps.TokenLife > 0 && c.Op != duoyun.OpRenew
	}
	return steps, err
}

func (s shelf) steps(c driver.Change) ([]driver.Step, error) {
	switch {
	case c.Op == duoyun.OpDelete && s.kind == duoyun.KindNetwork:
		var steps []driver.Step
		for _, name := range []string{"router", "subnet", "network"} {
			if c.Parts[name] != "" {
				steps = append(steps, driver.Step{Name: "delete-" + name, Await: true})
			}
		}
		return steps, nil
	case c.Op == duoyun.OpDelete:
		return []driver.Step{{Name: "delete-" + string(s.kind), Await: true}}, nil
	case c.Op == duoyun.OpUpdate:
		return []driver.Step{{Name: "resize", Await: true}}, nil
	case c.Op == duoyun.OpRenew && s.kind == duoyun.KindDisk: // with its server
		return nil, nil
	case c.Op == duoyun.OpRenew:
		return []driver.Step{{Name: "renew", Await: true}}, nil
	case s.kind == duoyun.KindNetwork:
		return []driver.Step{{Name: "network", Main: true}, {Name: "subnet"}, {Name: "router"}}, nil
	}
	return []driver.Step{{Name: string(s.kind), Main: true, Await: true}}, nil
}

func (s shelf) Run(ctx context.Context, c driver.Call) (driver.Reply, error) {
	s.mu.Lock()
	s.deadline, _ = ctx.Deadline()
	s.runs = append(s.runs, c)
	fault := ""
	if f := s.faults[c.Step]; len(f) > 0 {
		fault, s.faults[c.Step] = f[0], f[1:]
	}
	var r driver.Reply
	if fault == "" || fault == "lost" || fault == "vanishes" || fault == "nameless" {
		r = s.act(c)
	}
	if fault == "vanishes" {
		s.things[len(s.things)-1].goneAt = s.clock.Now()
		fault = ""
	}
	during := s.during
	s.during = nil
	s.mu.Unlock()
	if during != nil {
		during()
	}
	switch fault {
	case "":
		return r, nil
	case "nameless":
		answer(ctx, `{"id":null}`)
		return driver.Reply{}, nil
	case "lost", "dropped":
		return driver.Reply{}, vendorError{driver.InDoubt, "connection reset"}
	}
	return driver.Reply{}, vendorError{driver.Code(fault), "the vendor says " + fault}
}

// answer is what a driver's transport would have heard.
func answer(ctx context.Context, body string) {
	wire := driver.Listener{Base: spoken(body)}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://cloud", nil)
	if err != nil {
		panic(err) // a constant address
	}
	resp, _ := wire.RoundTrip(r)
	_, _ = io.ReadAll(resp.Body)
}

type spoken string

func (s spoken) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusCreated, Body: io.NopCloser(strings.NewReader(string(s)))}, nil
}

func (s shelf) act(c driver.Call) driver.Reply {
	switch c.Op {
	case duoyun.OpCreate:
		if s.caps.TokenLife > 0 {
			for _, t := range s.things {
				if t.token == c.Token {
					return driver.Reply{ID: t.id}
				}
			}
		}
		t := &thing{id: fmt.Sprintf("v-%d", len(s.things)+1), mark: c.Mark, step: c.Step, kind: s.kind, spec: c.After, state: driver.Active,
			visible: s.clock.Now().Add(s.lag), token: c.Token}
		if c.Months > 0 {
			t.paidUntil = s.clock.Now().AddDate(0, c.Months, 0)
		}
		if s.observed != nil {
			t.spec = s.observed(t.spec)
		}
		s.things = append(s.things, t)
		return driver.Reply{ID: t.id, RequestID: "req"}
	case duoyun.OpUpdate:
		for _, t := range s.things {
			if t.id == c.ID {
				t.spec = c.After
			}
		}
	case duoyun.OpRenew: // no token keeps it from being done twice
		for _, t := range s.things {
			if t.id == c.ID || t.kind == duoyun.KindDisk && !t.paidUntil.IsZero() { // disks are renewed with their server
				t.paidUntil = t.paidUntil.AddDate(0, c.Months, 0)
			}
		}
		return driver.Reply{ID: "renewal order", OrderID: "o-1"}
	case duoyun.OpDelete:
		for _, t := range s.things {
			if t.mark == c.Mark && "delete-"+t.step == c.Step {
				t.goneAt = s.clock.Now().Add(s.fading)
			}
		}
	}
	return driver.Reply{}
}

func (s shelf) Look(_ context.Context, c driver.Call) (driver.Evidence, error) {
	if f := s.looking; f != nil {
		s.looking = nil
		f()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lookErr != nil {
		return driver.Evidence{}, s.lookErr
	}
	e := driver.Evidence{State: driver.Absent, Complete: !s.partial, SentinelSeen: c.Sentinel == ""}
	byID := c.Op == duoyun.OpCreate && c.Parts[c.Step] != "" // as vendors are: what has an id is read by it, and no listing is made
	if byID {
		e.Complete, e.SentinelSeen = true, true
	}
	var hits []*thing
	for _, t := range s.present() {
		seen := !t.visible.After(s.clock.Now()) && t.id != s.hidden
		if seen && t.id == c.Sentinel {
			e.SentinelSeen = true
		}
		switch {
		case c.Op == duoyun.OpCreate && !byID && t.mark == c.Mark && t.step == c.Step && seen,
			byID && t.id == c.Parts[c.Step],
			c.Op == duoyun.OpDelete && t.mark == c.Mark && "delete-"+t.step == c.Step,
			(c.Op == duoyun.OpUpdate || c.Op == duoyun.OpRenew) && t.id == c.ID:
			hits = append(hits, t)
		}
	}
	switch {
	case len(hits) > 1:
		e.State = driver.Conflict
	case c.Op == duoyun.OpDelete && len(hits) == 0:
		e.State = driver.Done
	case c.Op == duoyun.OpDelete && !hits[0].goneAt.IsZero():
		e.State = driver.Pending
	case c.Op == duoyun.OpDelete:
		e.State = driver.Absent
	case len(hits) == 0:
	case c.Op == duoyun.OpUpdate && duoyun.SameSpec(hits[0].spec, c.Before):
		e.SentinelSeen = true
	case c.Op == duoyun.OpRenew && !hits[0].paidUntil.After(c.PaidUntil):
		e.SentinelSeen = true
	case hits[0].state == driver.Building:
		e.State, e.ID = driver.Pending, hits[0].id
	case hits[0].state == driver.Errored:
		e.State, e.ID, e.Detail = driver.Broken, hits[0].id, "no valid host"
	default:
		e.State, e.ID = driver.Done, hits[0].id
	}
	return e, nil
}

func (s shelf) Observe(_ context.Context, id string) (driver.Observation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lookErr != nil {
		return driver.Observation{}, s.lookErr
	}
	for _, t := range s.present() {
		if t.id == id {
			return t.observe(), nil
		}
	}
	return driver.Observation{}, vendorError{driver.NotFound, "no such thing"}
}

func (t *thing) observe() driver.Observation {
	return driver.Observation{ID: t.id, Mark: t.mark, State: t.state, Spec: t.spec, Addresses: []string{"10.32.0.5"}, PaidUntil: t.paidUntil, Raw: []byte(`{"adminPass":"x","id":"` + t.id + `"}`)}
}

// ListParts implements driver.PartLister over what is not a unit's main object.
func (s shelf) ListParts(context.Context, string) ([]driver.Part, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []driver.Part
	for _, t := range s.present() {
		if t.kind == s.kind && t.step != string(t.kind) {
			all = append(all, driver.Part{ID: t.id, Mark: t.mark, Step: t.step})
		}
	}
	return all, "", nil
}

func (s shelf) List(_ context.Context, cursor string) (driver.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []driver.Observation
	for _, t := range s.present() {
		if t.kind == s.kind && (t.step == string(t.kind)) {
			o := t.observe()
			if s.stale != nil {
				o.Spec = s.stale
			}
			all = append(all, o)
		}
	}
	slices.SortFunc(all, func(a, b driver.Observation) int { return len(a.ID) - len(b.ID) })
	at := 0
	if cursor != "" {
		_, _ = fmt.Sscan(cursor, &at)
	}
	p := driver.Page{Items: all[min(at, len(all)):min(at+2, len(all))], Partial: s.partial}
	if at+2 < len(all) {
		p.Next = fmt.Sprint(at + 2)
	}
	return p, nil
}
