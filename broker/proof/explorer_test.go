package proof_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
)

// worker is where one worker stands: what it works on, what it has done since it took it, and what it would do next.
type worker struct {
	intent  int // index; -1: it is idle
	past    []act
	blocked string
}

// node is one moment of the world.
type node struct {
	state   *state
	now     time.Time
	workers []worker
	faults  int // that may still be injected
}

// choice is one way on from a node.
type choice struct {
	name string
	next func() node
}

// explorer goes through every interleaving of the workers' acts, every fault at every act and every passing of time, from
// a beginning, and holds each moment to the invariants. Moments that are alike but for the time of day, and for what lies
// behind them, are one.
type explorer struct {
	run    *run
	tokens time.Duration
	seen   map[[16]byte]int8
	path   []string
	edges  int
	ends   map[string]int
	check  func(n node) string
}

const onPath = int8(64) // a moment that the present path has come through

func (x *explorer) explore(n node) error {
	key := x.key(n)
	if s, ok := x.seen[key]; ok {
		if s&onPath != 0 && int(s&^onPath) == n.faults {
			return x.fail("the world goes in a circle: it never ends")
		}
		if int(s&^onPath) >= n.faults {
			return nil
		}
	}
	if why := x.check(n); why != "" {
		return x.fail(why)
	}
	if ended(n) {
		x.seen[key] = int8(n.faults)
		x.ends[outcome(n)]++
		if why := atEnd(n); why != "" {
			return x.fail(why)
		}
		return nil
	}
	x.seen[key] = int8(n.faults) | onPath
	choices := x.choices(n)
	if len(choices) == 0 {
		return x.fail("nothing can happen any more, and it is not ended")
	}
	for _, c := range choices {
		x.edges++
		x.path = append(x.path, c.name)
		if err := x.explore(c.next()); err != nil {
			return err
		}
		x.path = x.path[:len(x.path)-1]
	}
	x.seen[key] = int8(n.faults)
	return nil
}

func (x *explorer) fail(why string) error {
	return fmt.Errorf("%s, after\n  %s", why, strings.Join(x.path, "\n  "))
}

// choices are all the ways on.
func (x *explorer) choices(n node) []choice {
	out := x.arrivals(n)
	startable, running, idle := false, false, false
	for i, w := range n.workers {
		if w.intent >= 0 {
			running = true
			out = append(out, x.acts(n, i)...)
			continue
		}
		if idle {
			continue // idle workers are alike
		}
		idle = true
		for j, in := range n.state.intents {
			if !due(in, n.now) {
				continue
			}
			startable = true
			out = append(out, choice{fmt.Sprintf("worker %d takes intent %d", i, j), func() node { return x.step(n, i, j, nil, "") }})
		}
	}
	return append(out, x.passing(n, running || startable)...)
}

// due is when a job or the sweeper may wake a worker for an intent.
func due(in duoyun.Intent, now time.Time) bool {
	switch in.State {
	case duoyun.IntentWaiting, duoyun.IntentVerified, duoyun.IntentCancelled, duoyun.IntentCompensated, duoyun.IntentFailed:
		return false
	}
	if !in.LeaseUntil.IsZero() {
		return !in.LeaseUntil.After(now)
	}
	return !in.WakeAt.After(now)
}

// acts are what a worker may do next, and what may befall it.
func (x *explorer) acts(n node, i int) []choice {
	w := n.workers[i]
	go1 := func(fault string, cost int) choice {
		name := fmt.Sprintf("worker %d: %s", i, w.blocked)
		if fault != "" {
			name += " (" + fault + ")"
		}
		return choice{name, func() node {
			n := n
			n.faults -= cost
			return x.step(n, i, w.intent, w.past, fault)
		}}
	}
	out := []choice{go1("", 0)}
	for _, f := range faultsOf(w.blocked) {
		if cost := 1 + strings.Count(f, "+"); cost <= n.faults {
			out = append(out, go1(f, cost))
		}
	}
	if n.faults > 0 {
		out = append(out, choice{fmt.Sprintf("worker %d is killed before its %s", i, w.blocked), func() node {
			m := n.with(i, worker{intent: -1})
			m.faults--
			return m
		}})
	}
	return out
}

// faultsOf lists what may befall an act; each + costs one fault more.
func faultsOf(kind string) []string {
	switch kind {
	case "tx":
		return []string{"rollback", "unsure"}
	case "look":
		return []string{"auth", "partial"}
	case "observe":
		return []string{"auth"}
	case "run create":
		return []string{"drop", "lose", "late", "throttled", "auth", "sold_out", "lag", "lose+lag", "twice", "lose+twice", "breaks", "smaller", "no id"}
	case "run update":
		return []string{"drop", "lose", "late", "throttled", "sold_out", "lag", "lose+lag"}
	case "run renew":
		return []string{"drop", "lose", "late", "throttled", "sold_out", "lag", "lose+lag"}
	case "run delete":
		return []string{"drop", "lose", "late", "not_ready", "lag", "lose+lag"}
	}
	panic(kind)
}

func (n node) with(i int, w worker) node {
	n.workers = append([]worker(nil), n.workers...)
	n.workers[i] = w
	return n
}

// step takes a worker one act further; without a past it takes the intent first.
func (x *explorer) step(n node, i, intent int, past []act, fault string) node {
	r := x.run
	r.name, r.past, r.played, r.blocked = workerNames[i], past[:len(past):len(past)], 0, ""
	r.at, r.now, r.state, r.grant, r.fault = n.now, n.now, n.state, true, fault
	r.work(n.state.intents[intent].ID)
	n.state = r.state
	if r.blocked == "" {
		return n.with(i, worker{intent: -1})
	}
	return n.with(i, worker{intent: intent, past: r.past, blocked: r.blocked})
}

var workerNames = [...]string{"worker 0", "worker 1"}

// arrivals are requests that reach the vendor after their caller has given up.
func (x *explorer) arrivals(n node) (out []choice) {
	for i, q := range n.state.flying {
		out = append(out, choice{"a late " + q.call.Step + " arrives", func() node {
			n := n
			s := n.state.clone()
			s.flying = append(s.flying[:i], s.flying[i+1:]...)
			rack{cloud{tokens: x.tokens}, q.call.Kind}.act(s, q.call, n.now, "")
			n.state = s
			return n
		}})
	}
	return out
}

// passing lets time go on to when something changes by itself. While a worker could do something, standing still is a
// fault: a paused process.
func (x *explorer) passing(n node, busy bool) []choice {
	if busy && n.faults == 0 {
		return nil
	}
	next := time.Time{}
	soonest := func(t time.Time) {
		if t.After(n.now) && (next.IsZero() || t.Before(next)) {
			next = t
		}
	}
	for _, q := range n.state.flying {
		if !q.until.After(n.now) {
			return nil // it has to arrive first
		}
		soonest(q.until)
	}
	for _, in := range n.state.intents {
		if !in.State.Settled() {
			soonest(in.LeaseUntil)
			soonest(in.WakeAt)
		}
	}
	for _, t := range n.state.things {
		soonest(t.visible)
		soonest(t.gone)
		soonest(t.specAt)
	}
	if next.IsZero() {
		return nil
	}
	return []choice{{fmt.Sprint(next.Sub(n.now), " pass"), func() node {
		n := n
		n.now = next
		if busy {
			n.faults--
		}
		return n
	}}}
}

// key names a moment by all that matters for what can follow; times count from now.
func (x *explorer) key(n node) (key [16]byte) {
	e := encoder{now: n.now, tokens: x.tokens}
	e.state(n.state)
	for _, w := range n.workers {
		e.int(w.intent)
		if w.intent < 0 {
			continue
		}
		e.text(w.blocked)
		for _, a := range w.past {
			e.text(a.kind)
			e.text(a.fault)
			e.past(a.at, time.Minute)
			switch a.kind {
			case "tx":
				e.intent(a.after, a.after.intents[w.intent])
			case "read":
				if id, ok := a.read.(string); ok {
					e.text(id)
				}
			default:
				e.text(a.said)
			}
		}
	}
	sum := sha256.Sum256(e.b)
	copy(key[:], sum[:])
	return key
}

type encoder struct {
	b      []byte
	now    time.Time
	tokens time.Duration
}

func (e *encoder) int(n int) { e.b = binary.AppendVarint(e.b, int64(n)) }

func (e *encoder) text(s string) {
	e.int(len(s))
	e.b = append(e.b, s...)
}

func (e *encoder) bool(v bool) {
	if v {
		e.int(1)
	} else {
		e.int(0)
	}
}

// future writes how far off a time is; what has passed, has passed.
func (e *encoder) future(t time.Time) {
	if t.IsZero() {
		e.int(-1)
		return
	}
	e.int(int(max(0, t.Sub(e.now))))
}

// past writes how long ago a time was, as far as anything asks.
func (e *encoder) past(t time.Time, longest time.Duration) {
	if t.IsZero() {
		e.int(-1)
		return
	}
	e.int(int(min(longest, e.now.Sub(t))))
}

// spec writes what tells the specs of the scenarios apart.
func (e *encoder) spec(s duoyun.Spec) {
	if v, ok := s.(duoyun.ServerSpec); ok {
		e.int(int(v.VCPU))
	}
}

func (e *encoder) state(s *state) {
	e.int(len(s.intents))
	for _, in := range s.intents {
		e.intent(s, in)
	}
	for i, r := range s.resources {
		e.text(string(r.State))
		e.text(r.VendorID)
		e.bool(r.PaidUntil.After(paidUntil(0)))
		e.bool(s.held[i])
		e.int(s.doubled[i])
	}
	e.int(len(s.findings))
	for _, f := range s.findings {
		e.text(f.kind)
		e.text(f.subject)
	}
	e.int(len(s.things))
	for _, t := range s.things {
		e.text(t.id)
		e.text(t.mark + t.step + string(t.state))
		e.spec(t.spec)
		e.int(t.renewed)
		e.future(t.specAt)
		e.future(t.visible)
		e.future(t.gone)
		if e.tokens > 0 {
			e.text(t.token)
			e.past(t.made, e.tokens)
		}
	}
	e.int(len(s.flying))
	for _, q := range s.flying {
		e.text(q.call.Mark + q.call.Token)
		e.future(q.until)
	}
}

// longestAge is how long ago a reply still matters for when it is looked at again.
const longestAge = 2 * time.Minute

func (e *encoder) intent(s *state, in duoyun.Intent) {
	e.text(string(in.Op) + string(in.State) + in.Owner)
	e.int(in.Step)
	e.int(in.Generation)
	e.int(in.Attempt)
	e.future(in.LeaseUntil)
	e.future(in.WakeAt)
	e.future(in.Doubt.SettleFrom)
	e.past(in.Doubt.FirstAbsent, settling)
	e.text(in.Doubt.Sentinel)
	for _, st := range s.stepsOf(in.ID) {
		e.int(st.Ordinal)
		e.int(st.Generation)
		e.text(st.VendorID + st.Outcome)
		e.past(st.SentAt, max(longestAge, e.tokens))
		e.past(st.RepliedAt, longestAge)
	}
}
