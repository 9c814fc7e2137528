// Package proof explores the purchase protocol exhaustively: the real Purchaser, over a store and a vendor in memory, in
// every interleaving of two workers' transactions and wire calls, with every fault at every one of them, a kill before
// every one, and every passing of time, up to a number of faults. What it proves holds for vendors that settle within
// their settling time and for requests that have arrived within a call's timeout after their caller gave up.
package proof_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

var dawn = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)

// unit is the n-th unit of a scenario, with its open intent.
func unit(n int, op duoyun.Op, state duoyun.IntentState, before, after duoyun.Spec) (duoyun.Resource, duoyun.Intent) {
	spec := after
	if spec == nil {
		spec = before
	}
	r := duoyun.Resource{ID: fmt.Sprintf("00000000-0000-7000-8000-%012d", n), Name: fmt.Sprint("unit ", n), Kind: spec.Kind(),
		PoolID: "pool", State: duoyun.ResourceReserved, Spec: before}
	in := duoyun.Intent{ID: fmt.Sprintf("00000000-0000-7000-9000-%012d", n), ResourceID: r.ID, PoolID: r.PoolID, Kind: r.Kind, Op: op,
		Before: before, After: after, State: state, WakeAt: dawn, CreatedAt: dawn, UpdatedAt: dawn}
	return r, in
}

func (s *state) add(r duoyun.Resource, in duoyun.Intent) {
	s.resources, s.intents = append(s.resources, r), append(s.intents, in)
	s.held, s.doubled = append(s.held, true), append(s.doubled, 0)
}

// stand puts a resource at the vendor, as an earlier purchase left it.
func (s *state) stand(r *duoyun.Resource, steps ...string) {
	r.State, r.Parts = duoyun.ResourceRunning, map[string]string{}
	for i, step := range steps {
		s.serial++
		t := thing{id: fmt.Sprintf("v%d", s.serial), mark: r.Mark(), step: step, kind: r.Kind, spec: r.Spec, state: driver.Active, visible: dawn}
		s.things = append(s.things, t)
		r.Parts[step] = t.id
		if i == 0 {
			r.VendorID = t.id
		}
	}
}

var (
	small   = duoyun.ServerSpec{VCPU: 4, RAMGiB: 16}
	large   = duoyun.ServerSpec{VCPU: 8, RAMGiB: 32}
	network = duoyun.NetworkSpec{CIDR: "10.0.0.0/24"}
)

// scenarios are the beginnings that are explored.
func scenarios() map[string]func() *state {
	return map[string]func() *state{
		"a server": func() *state {
			s := &state{}
			s.add(unit(1, duoyun.OpCreate, duoyun.IntentIntended, nil, small))
			return s
		},
		"two servers": func() *state {
			s := &state{}
			s.add(unit(1, duoyun.OpCreate, duoyun.IntentIntended, nil, small))
			s.add(unit(2, duoyun.OpCreate, duoyun.IntentIntended, nil, small))
			return s
		},
		"a network and a server in it": func() *state {
			s := &state{}
			s.add(unit(1, duoyun.OpCreate, duoyun.IntentIntended, nil, network))
			s.add(unit(2, duoyun.OpCreate, duoyun.IntentWaiting, nil, small))
			s.links = []duoyun.Link{{ChildID: s.resources[1].ID, ParentID: s.resources[0].ID, Relation: duoyun.RelNetwork}}
			return s
		},
		"a resize beside a purchase": func() *state {
			s := &state{}
			r, in := unit(1, duoyun.OpUpdate, duoyun.IntentIntended, small, large)
			s.stand(&r, "server")
			s.add(r, in)
			s.add(unit(2, duoyun.OpCreate, duoyun.IntentIntended, nil, small))
			return s
		},
		"a renewal": func() *state {
			s := &state{}
			r, in := unit(1, duoyun.OpRenew, duoyun.IntentIntended, small, small)
			r.PaidUntil, in.PaidUntil, in.Months = paidUntil(0), paidUntil(0), 1
			s.stand(&r, "server")
			s.add(r, in)
			return s
		},
		"a server and its network released": func() *state {
			s := &state{}
			r, in := unit(1, duoyun.OpDelete, duoyun.IntentIntended, small, nil)
			s.stand(&r, "server")
			s.add(r, in)
			r, in = unit(2, duoyun.OpDelete, duoyun.IntentWaiting, network, nil)
			s.stand(&r, "network", "subnet")
			s.add(r, in)
			s.links = []duoyun.Link{{ChildID: s.resources[0].ID, ParentID: s.resources[1].ID, Relation: duoyun.RelNetwork}}
			return s
		},
	}
}

// bounds are how many faults a run may meet: DUOYUN_PROOF_FAULTS, or 1 in the ordinary tests.
func bounds(t *testing.T) int {
	text := os.Getenv("DUOYUN_PROOF_FAULTS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 5 {
		t.Fatalf("DUOYUN_PROOF_FAULTS is a number of faults up to 5, not %q", text)
	}
	return n
}

func TestEveryUnitIsBoughtExactlyOnceWhateverBreaks(t *testing.T) {
	faults := bounds(t)
	for _, name := range slices.Sorted(maps.Keys(scenarios())) {
		for _, tokens := range []time.Duration{0, time.Minute} {
			title := name + map[bool]string{true: ", by tokens"}[tokens > 0]
			t.Run(title, func(t *testing.T) {
				t.Parallel()
				x := &explorer{run: newRun(tokens), tokens: tokens, seen: map[[16]byte]int8{}, ends: map[string]int{}, check: invariants}
				began := time.Now()
				n := node{state: scenarios()[name](), now: dawn, workers: []worker{{intent: -1}, {intent: -1}}, faults: faults}
				if err := x.explore(n); err != nil {
					t.Fatal(err)
				}
				t.Logf("%d faults: %d moments, %d ways on, in %.1f s; ends: %s", faults, len(x.seen), x.edges, time.Since(began).Seconds(), counted(x.ends))
			})
		}
	}
}

func counted(n map[string]int) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(n)) {
		parts = append(parts, fmt.Sprintf("%s ×%d", k, n[k]))
	}
	return strings.Join(parts, "; ")
}

// ended: nothing is under way, and whatever is not final has been told to a person.
func ended(n node) bool {
	if len(n.state.flying) > 0 {
		return false
	}
	for _, w := range n.workers {
		if w.intent >= 0 {
			return false
		}
	}
	for _, in := range n.state.intents {
		if !in.State.Settled() && !n.state.told(in) && !(in.State == duoyun.IntentWaiting && n.state.waitsForTold(in)) {
			return false
		}
	}
	return true
}

// waitsForTold reports whether a waiting intent waits for one that a person has been told of.
func (s *state) waitsForTold(in duoyun.Intent) bool {
	return slices.ContainsFunc(s.intents, func(o duoyun.Intent) bool { return o.ID != in.ID && !o.State.Settled() && s.told(o) })
}

func outcome(n node) string {
	var parts []string
	for _, in := range n.state.intents {
		parts = append(parts, string(in.Op)+" "+string(in.State))
	}
	for _, f := range n.state.findings {
		parts = append(parts, f.kind+"!")
	}
	return strings.Join(parts, ", ")
}

// invariants hold at every moment: no unit is at the vendor twice, but for what the network itself delivered twice, and
// none is renewed twice.
func invariants(n node) string {
	for _, t := range n.state.things {
		if t.renewed > 1 {
			return fmt.Sprintf("%s was renewed %d times", t.id, t.renewed)
		}
	}
	for i, r := range n.state.resources {
		for _, step := range []string{"server", "network", "subnet"} {
			if live := n.state.live(r, step, n.now); live > 1+n.state.doubled[i] {
				return fmt.Sprintf("%s has %d live %ss", r.Name, live, step)
			}
		}
	}
	return ""
}

func (s *state) live(r duoyun.Resource, step string, now time.Time) (n int) {
	for _, t := range s.things {
		if t.mark == r.Mark() && t.step == step && t.there(now) {
			n++
		}
	}
	return n
}

// atEnd holds once nothing is under way: what the vendor has is on record, what is on record the vendor has, and holds
// stand for exactly the units that are there or still wanted. A renewal was made and is on record, or a person was told.
func atEnd(n node) string {
	for _, in := range n.state.intents {
		if r := n.state.resources[n.state.resource(in.ResourceID)]; in.Op == duoyun.OpRenew && !n.state.told(in) &&
			(in.State != duoyun.IntentVerified || !r.PaidUntil.Equal(paidUntil(1)) || n.state.things[0].renewed != 1) {
			return fmt.Sprintf("a renewal is %s, paid until %s on record, renewed %d times", in.State, r.PaidUntil, n.state.things[0].renewed)
		}
	}
	for i, r := range n.state.resources {
		main := "server"
		if r.Kind == duoyun.KindNetwork {
			main = "network"
		}
		live := n.state.live(r, main, n.now)
		open := slices.ContainsFunc(n.state.intents, func(in duoyun.Intent) bool { return in.ResourceID == r.ID && !in.State.Settled() })
		switch {
		case r.State.Live() && live == 0 && !open:
			return r.Name + " is on record and not at the vendor"
		case r.State.Live() && !open && !slices.ContainsFunc(n.state.things, func(t thing) bool { return t.id == r.VendorID && t.there(n.now) }):
			return r.Name + " is on record under another's id"
		case !r.State.Live() && !open && live > n.state.doubled[i] && !n.state.found(r):
			return r.Name + " is at the vendor without a record"
		case n.state.held[i] != (r.State.Live() || open && r.State != duoyun.ResourceFailed):
			return fmt.Sprintf("the holds of %s (%s) stand: %v", r.Name, r.State, n.state.held[i])
		}
	}
	return ""
}

func (s *state) found(r duoyun.Resource) bool {
	return slices.ContainsFunc(s.findings, func(f finding) bool { return f.subject == r.ID })
}
