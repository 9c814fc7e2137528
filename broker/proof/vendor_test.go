package proof_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// The vendor settles within ten seconds; a call takes at most twenty.
const (
	settling    = 10 * time.Second
	callTimeout = 20 * time.Second
)

// thing is one object at the vendor.
type thing struct {
	id, mark, step, token string
	kind                  duoyun.Kind
	spec                  duoyun.Spec
	was                   duoyun.Spec // shown until specAt
	specAt                time.Time
	renewed, renewedWas   int // how often; the latter is shown until specAt
	state                 driver.ObservedState
	made                  time.Time
	visible               time.Time // listings by mark show it from here; by its id it is seen at once
	gone                  time.Time // zero: stays; it is shown until then
}

func (t thing) there(now time.Time) bool { return t.gone.IsZero() || t.gone.After(now) }

func (t thing) shown(now time.Time) duoyun.Spec {
	if t.specAt.After(now) {
		return t.was
	}
	return t.spec
}

// paidUntil is when a subscription ends that was renewed so often, each time for a month.
func paidUntil(renewed int) time.Time { return dawn.AddDate(0, renewed, 7) }

func (t thing) shownPaid(now time.Time) time.Time {
	if t.specAt.After(now) {
		return paidUntil(t.renewedWas)
	}
	return paidUntil(t.renewed)
}

// request is a mutation on its way, of which nobody waits for the answer any more.
type request struct {
	call  driver.Call
	until time.Time // it has arrived by then
}

// cloud is the vendor as one run of a worker meets it.
type cloud struct {
	run    *run
	tokens time.Duration // how long it keeps tokens
}

func (c cloud) Capabilities() driver.Capabilities {
	return driver.Capabilities{Driver: "model", Settling: settling, CallTimeout: callTimeout, TokenLife: c.tokens}
}

func (c cloud) Kind(k duoyun.Kind) (driver.Resource, bool) { return rack{c, k}, true }

func (c cloud) Code(err error) driver.Code {
	var e refusal
	if errors.As(err, &e) {
		return driver.Code(e)
	}
	return driver.InDoubt
}

type refusal driver.Code

func (r refusal) Error() string { return "the vendor says " + string(r) }

// rack is one kind: a server is made in one step, a network in two, and each is deleted by as many.
type rack struct {
	cloud
	kind duoyun.Kind
}

// Plan: a vendor that keeps tokens keeps one of every step but a renewal.
func (r rack) Plan(c driver.Change) ([]driver.Step, error) {
	steps, err := r.steps(c)
	for i := range steps {
		steps[i].Token = r.tokens > 0 && c.Op != duoyun.OpRenew
	}
	return steps, err
}

func (r rack) steps(c driver.Change) ([]driver.Step, error) {
	network := r.kind == duoyun.KindNetwork
	switch {
	case c.Op == duoyun.OpUpdate:
		return []driver.Step{{Name: "resize", Await: true}}, nil
	case c.Op == duoyun.OpRenew:
		return []driver.Step{{Name: "renew", Await: true}}, nil
	case c.Op == duoyun.OpDelete && network:
		var steps []driver.Step
		for _, part := range []string{"subnet", "network"} {
			if c.Parts[part] != "" {
				steps = append(steps, driver.Step{Name: "delete-" + part, Await: true})
			}
		}
		return steps, nil
	case c.Op == duoyun.OpDelete:
		return []driver.Step{{Name: "delete-server", Await: true}}, nil
	case network:
		return []driver.Step{{Name: "network", Main: true}, {Name: "subnet"}}, nil
	}
	return []driver.Step{{Name: "server", Main: true, Await: true}}, nil
}

type answer struct {
	reply       driver.Reply
	evidence    driver.Evidence
	observation driver.Observation
	err         error
}

func (a answer) String() string {
	return fmt.Sprint(a.reply.ID, a.evidence.State, a.evidence.ID, a.evidence.Complete, a.evidence.SentinelSeen, a.observation.ID,
		a.observation.State, a.observation.Spec, a.observation.PaidUntil, a.err)
}

// Run meets the fault that the explorer has chosen.
func (r rack) Run(_ context.Context, c driver.Call) (driver.Reply, error) {
	a := r.run.call("run "+string(c.Op), func(s *state, fault string) answer {
		now := r.run.at
		lost := answer{err: errors.New("no answer")}
		if now.After(r.run.leased().Add(callTimeout)) {
			return lost // its deadline has passed: it is not even written
		}
		switch fault {
		case "drop":
			return lost
		case "late":
			s.flying = append(s.flying, request{c, now.Add(callTimeout)})
			return lost
		case "throttled", "sold_out", "not_ready", "auth":
			return answer{err: refusal(fault)}
		}
		id := r.act(s, c, now, fault)
		switch {
		case strings.HasPrefix(fault, "lose"):
			return lost
		case fault == "no id":
			return answer{}
		}
		return answer{reply: driver.Reply{ID: id}}
	})
	return a.reply, a.err
}

// act is what the vendor does, once or, where the network delivered the call twice, twice.
func (r rack) act(s *state, c driver.Call, now time.Time, fault string) (id string) {
	visible := now
	if strings.HasSuffix(fault, "lag") {
		visible = now.Add(settling - time.Second)
	}
	switch c.Op {
	case duoyun.OpUpdate:
		for i, t := range s.things {
			if t.id == c.ID && t.there(now) {
				s.things[i].was, s.things[i].spec, s.things[i].specAt = t.spec, c.After, visible
			}
		}
	case duoyun.OpRenew: // whatever its token
		for i, t := range s.things {
			if t.id == c.ID && t.there(now) {
				s.things[i].renewedWas, s.things[i].renewed, s.things[i].specAt = t.renewed, t.renewed+1, visible
			}
		}
	case duoyun.OpDelete:
		for i, t := range s.things {
			if t.id == c.Parts[strings.TrimPrefix(c.Step, "delete-")] && t.gone.IsZero() {
				s.things[i].gone = visible
			}
		}
	case duoyun.OpCreate:
		id = r.make(s, c, now, visible, fault)
		if strings.HasSuffix(fault, "twice") {
			if again := r.make(s, c, now, visible, fault); again != id {
				s.doubled[s.resource(duoyun.ResourceOfMark(c.Mark))]++
			}
		}
	}
	return id
}

func (r rack) make(s *state, c driver.Call, now, visible time.Time, fault string) string {
	for _, t := range s.things {
		if t.token == c.Token && now.Before(t.made.Add(r.tokens)) {
			return t.id
		}
	}
	s.serial++
	t := thing{id: fmt.Sprintf("v%d", s.serial), mark: c.Mark, step: c.Step, token: c.Token, kind: c.Kind, spec: c.After, state: driver.Active, made: now, visible: visible}
	switch fault {
	case "breaks":
		t.state = driver.Errored
	case "smaller":
		t.spec = duoyun.ServerSpec{VCPU: 1}
	}
	s.things = append(s.things, t)
	return t.id
}

// Look searches by mark in listings that may lag, or reads by the id that is known.
func (r rack) Look(_ context.Context, c driver.Call) (driver.Evidence, error) {
	a := r.run.call("look", func(s *state, fault string) answer {
		if fault == "auth" {
			return answer{err: refusal(driver.Auth)}
		}
		return answer{evidence: r.look(s, c, r.run.at, fault == "partial")}
	})
	return a.evidence, a.err
}

func (r rack) look(s *state, c driver.Call, now time.Time, partial bool) driver.Evidence {
	part := strings.TrimPrefix(c.Step, "delete-")
	byID := c.Op != duoyun.OpCreate || c.Parts[c.Step] != ""
	e := driver.Evidence{State: driver.Absent, Complete: byID || !partial, SentinelSeen: byID || c.Sentinel == ""}
	var hits []thing
	for _, t := range s.things {
		if !t.there(now) {
			continue
		}
		listed := !t.visible.After(now) && !partial
		e.SentinelSeen = e.SentinelSeen || listed && t.id == c.Sentinel
		if byID && t.id == cmp.Or(c.Parts[part], c.ID) || !byID && listed && t.mark == c.Mark && t.step == c.Step {
			hits = append(hits, t)
		}
	}
	switch {
	case len(hits) > 1:
		e.State = driver.Conflict
	case c.Op == duoyun.OpDelete && len(hits) == 0:
		e.State = driver.Done
	case c.Op == duoyun.OpDelete && !hits[0].gone.IsZero():
		e.State = driver.Pending
	case len(hits) == 0 || c.Op == duoyun.OpDelete:
	case c.Op == duoyun.OpUpdate && duoyun.SameSpec(hits[0].shown(now), c.Before):
	case c.Op == duoyun.OpRenew && !hits[0].shownPaid(now).After(c.PaidUntil):
	case hits[0].state == driver.Errored:
		e.State, e.ID = driver.Broken, hits[0].id
	default:
		e.State, e.ID = driver.Done, hits[0].id
	}
	return e
}

func (r rack) Observe(_ context.Context, id string) (driver.Observation, error) {
	a := r.run.call("observe", func(s *state, fault string) answer {
		if fault == "auth" {
			return answer{err: refusal(driver.Auth)}
		}
		i := slices.IndexFunc(s.things, func(t thing) bool { return t.id == id && t.there(r.run.at) })
		if i < 0 {
			return answer{err: refusal(driver.NotFound)}
		}
		t := s.things[i]
		return answer{observation: driver.Observation{ID: t.id, Mark: t.mark, State: t.state, Spec: t.shown(r.run.at), PaidUntil: t.shownPaid(r.run.at)}}
	})
	return a.observation, a.err
}

func (r rack) List(context.Context, string) (driver.Page, error) { return driver.Page{}, errUnused }
