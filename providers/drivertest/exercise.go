package drivertest

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// exercise buys one unit of a kind, sees it in every way, changes it, and takes it away.
func (w *world) exercise(t *testing.T, k duoyun.Kind) {
	u := w.buy(t, w.change(t, k))
	t.Run("is observed as asked", func(t *testing.T) { w.observed(t, u) })
	t.Run("is listed once, with its mark", func(t *testing.T) { w.listed(t, u) })
	t.Run("is found by its mark alone", func(t *testing.T) { w.foundByMark(t, u) })
	t.Run("absence of another mark is proven", func(t *testing.T) { w.absenceProven(t, u) })
	t.Run("an impossible change is refused in planning", func(t *testing.T) { w.impossible(t, u) })
	t.Run("its parts are listed with its mark", func(t *testing.T) { w.partsListed(t, u) })
	t.Run("changes", func(t *testing.T) { w.changes(t, u) })
	t.Run("is taken away, and taking it away again is no error", func(t *testing.T) { w.takenAway(t, u) })
}

func (w *world) observed(t *testing.T, u *unit) {
	o, err := w.resource(u.Kind).Observe(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if o.ID != u.ID || o.Mark != u.Mark {
		t.Errorf("observed %q with mark %q, want %q with %q", o.ID, o.Mark, u.ID, u.Mark)
	}
	if o.State != driver.Active {
		t.Errorf("state %q, want active", o.State)
	}
	if !driver.Meets(u.After, o.Spec) {
		t.Errorf("observed %s, asked for %s", duoyun.EncodeSpec(o.Spec), duoyun.EncodeSpec(u.After))
	}
	if u.Months == 0 && !o.PaidUntil.IsZero() {
		t.Errorf("bought on demand, it is paid until %s", o.PaidUntil)
	}
	if han := strings.ContainsFunc(o.Name, func(r rune) bool { return unicode.Is(unicode.Han, r) }); !utf8.ValidString(o.Name) || han && !strings.Contains(o.Name, u.Name) {
		t.Errorf("it is called %q, want %q", o.Name, u.Name)
	}
	for relation, links := range u.Links {
		for _, l := range links {
			if seen, shown := o.Links[relation]; shown && !slices.Contains(seen, l.ID) {
				t.Errorf("link %s: %v, want %s", relation, seen, l.ID)
			}
		}
	}
	addressed := []duoyun.Kind{duoyun.KindServer, duoyun.KindAddress, duoyun.KindLoadBalancer, duoyun.KindPublicIP, duoyun.KindDatabase, duoyun.KindCache}
	if slices.Contains(addressed, u.Kind) && len(o.Addresses) == 0 {
		t.Error("it has no address")
	}
}

func (w *world) listed(t *testing.T, u *unit) {
	all, err := w.everything(t.Context(), u.Kind)
	if err != nil {
		t.Fatal(err)
	}
	var marked, known int
	for _, o := range all {
		if o.Mark == u.Mark {
			marked++
		}
		if o.ID == u.ID {
			known++
		}
	}
	if marked != 1 || known != 1 {
		t.Errorf("in the listing are %d with its mark and %d with its id, want one each", marked, known)
	}
}

// partsListed holds what a kind tells of its units' parts against what was bought.
func (w *world) partsListed(t *testing.T, u *unit) {
	r, _ := w.cloud.Cloud.Kind(u.Kind)
	lister, ok := r.(driver.PartLister)
	if !ok {
		return
	}
	for cursor, more := "", true; more; {
		parts, next, err := lister.ListParts(t.Context(), cursor)
		if w.cloud.hear(err) != nil || next == cursor && next != "" {
			t.Fatalf("after %q: %q, %v", cursor, next, err)
		}
		for _, p := range parts {
			if p.Mark == u.Mark && u.Parts[p.Step] != p.ID {
				t.Errorf("the %s that bears its mark is %s, want %s", p.Step, p.ID, u.Parts[p.Step])
			}
		}
		cursor, more = next, next != ""
	}
}

// mainCall is the creation's main step as a worker knows it that has lost every id.
func (w *world) mainCall(t *testing.T, c driver.Change) driver.Call {
	t.Helper()
	c.Op, c.ID, c.Parts = duoyun.OpCreate, "", map[string]string{}
	steps := w.plan(t, c)
	i := slices.IndexFunc(steps, func(s driver.Step) bool { return s.Main })
	return driver.Call{Change: c, Step: steps[i].Name, Token: duoyun.StepToken(c.Mark, 0, i)}
}

func (w *world) foundByMark(t *testing.T, u *unit) {
	call := w.mainCall(t, u.Change)
	call.Sentinel = u.ID
	e := w.until(t, call, driver.Done)
	if e.ID != u.ID {
		t.Errorf("found %q, want %q", e.ID, u.ID)
	}
}

// absenceProven looks for a mark that nothing bears, in its main step and in its first, with this unit as sentinel.
func (w *world) absenceProven(t *testing.T, u *unit) {
	main := w.mainCall(t, u.Change)
	main.Mark = w.mark(u.Kind)
	first := main
	first.Step = w.plan(t, main.Change)[0].Name
	for _, call := range []driver.Call{first, main} {
		call.Sentinel = u.ID
		e := w.until(t, call, driver.Absent)
		if !e.Complete || !e.SentinelSeen || e.ID != "" {
			t.Errorf("step %s of an unknown mark: %+v, want absent, complete, with the sentinel seen", call.Step, e)
		}
		if slices.Contains(w.h.NaturalKeys, u.Kind) {
			continue
		}
		call.Sentinel = w.strangerID(u.Kind)
		if e = w.until(t, call, driver.Absent); e.SentinelSeen {
			t.Errorf("step %s: a sentinel that is not there was seen: %+v", call.Step, e)
		}
	}
}

// impossible asks for what no cloud sells: a unit that becomes one of another kind, and shrinking.
func (w *world) impossible(t *testing.T, u *unit) {
	c := u.Change
	c.Op, c.Before, c.After = duoyun.OpUpdate, u.After, duoyun.ServiceSpec{Name: "迁移服务", Unit: "人天"}
	_, err := w.resource(u.Kind).Plan(c)
	if code := w.cloud.Code(err); code != driver.Invalid {
		t.Errorf("becoming another kind: code %q: %v", code, err)
	}
	for _, smaller := range shrunk(u.After) {
		c.After = smaller
		_, err := w.resource(u.Kind).Plan(c)
		if code := w.cloud.Code(err); code != driver.Invalid {
			t.Errorf("becoming %s: code %q: %v", duoyun.EncodeSpec(smaller), code, err)
		}
	}
	c.After = u.After
	if steps, err := w.resource(u.Kind).Plan(c); err != nil {
		t.Errorf("staying as it is: %v, %v", steps, err)
	}
}

// shrunk are specs with less storage, or another engine: what a spec can never become.
func shrunk(of duoyun.Spec) []duoyun.Spec {
	switch s := of.(type) {
	case duoyun.DiskSpec:
		s.SizeGiB--
		return []duoyun.Spec{s}
	case duoyun.DatabaseSpec:
		smaller, other := s, s
		smaller.StorageGiB--
		other.Engine = "oracle"
		return []duoyun.Spec{smaller, other}
	}
	return nil
}

// changes takes a unit through the updates its kind has.
func (w *world) changes(t *testing.T, u *unit) {
	switch s := u.After.(type) {
	case duoyun.ServerSpec:
		stopped := s
		stopped.Stopped = true
		w.update(t, u, stopped)
		w.update(t, u, s)
		w.update(t, u, w.h.Samples.ResizedServer)
		both := s
		both.Stopped = true
		w.update(t, u, both) // back to its size, and off, in one change
	case duoyun.DiskSpec:
		w.update(t, u, w.h.Samples.GrownDisk)
	case duoyun.BucketSpec:
		w.update(t, u, w.h.Samples.GrownBucket)
	case duoyun.DatabaseSpec:
		w.update(t, u, w.h.Samples.GrownDatabase)
		w.update(t, u, w.h.Samples.ResizedDatabase)
	case duoyun.CacheSpec:
		w.update(t, u, w.h.Samples.ResizedCache)
	}
}

// update changes a unit, and looks at every step beforehand: none of it may seem done.
func (w *world) update(t *testing.T, u *unit, after duoyun.Spec) {
	t.Helper()
	c := u.Change
	c.Op, c.Before, c.After = duoyun.OpUpdate, u.After, after
	steps := w.plan(t, c)
	if len(steps) == 0 {
		t.Fatalf("no steps lead from %s to %s", duoyun.EncodeSpec(c.Before), duoyun.EncodeSpec(after))
	}
	w.until(t, driver.Call{Change: c, Step: steps[0].Name}, driver.Absent)
	w.walk(t, &c, steps)
	u.After = after
	o, err := w.resource(u.Kind).Observe(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	if !driver.Meets(after, o.Spec) {
		t.Errorf("after the change %s is observed, want %s", duoyun.EncodeSpec(o.Spec), duoyun.EncodeSpec(after))
	}
	if s, ok := after.(duoyun.ServerSpec); ok && s.Stopped != (o.State == driver.Stopped) {
		t.Errorf("state %q with stopped %v", o.State, s.Stopped)
	}
}

func (w *world) takenAway(t *testing.T, u *unit) {
	c := u.deletion()
	steps := w.plan(t, c)
	for _, s := range steps {
		if s.Main {
			w.until(t, driver.Call{Change: c, Step: s.Name}, driver.Absent)
		}
	}
	w.remove(t, u)
	for _, s := range steps {
		call := driver.Call{Change: c, Step: s.Name}
		if _, err := w.resource(u.Kind).Run(t.Context(), call); err != nil {
			t.Errorf("step %s again: %v", s.Name, err)
		}
		lost := call // a worker that has lost every id sees the same
		lost.ID, lost.Parts = "", map[string]string{}
		if _, err := w.resource(u.Kind).Run(t.Context(), lost); err != nil {
			t.Errorf("step %s again, without ids: %v", s.Name, err)
		}
		w.until(t, lost, driver.Done)
	}
	all, err := w.everything(t.Context(), u.Kind)
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(all, func(o driver.Observation) bool { return o.ID == u.ID || o.Mark == u.Mark }) {
		t.Error("the listing still shows it")
	}
}

// unknownImage: the purchase stops at the step that needs the image, and what stands of it is taken away by mark.
func (w *world) unknownImage(t *testing.T) {
	if !w.offered(duoyun.KindServer) {
		return
	}
	c := w.change(t, duoyun.KindServer)
	spec := w.h.Samples.Server
	spec.Image = "no-such-system-9"
	c.After = spec
	code := w.firstRefusal(t, &c)
	if code != driver.Invalid {
		t.Errorf("code %q, want invalid", code)
	}
	w.remove(t, &unit{Change: c})
}

// firstRefusal walks a creation until a step is refused.
func (w *world) firstRefusal(t *testing.T, c *driver.Change) driver.Code {
	t.Helper()
	for i, s := range w.plan(t, *c) {
		call := driver.Call{Change: *c, Step: s.Name, Token: duoyun.StepToken(c.Mark, 0, i)}
		reply, err := w.resource(c.Kind).Run(t.Context(), call)
		if err != nil {
			return w.cloud.Code(err)
		}
		w.keep(c, s, reply.ID)
		call.Change = *c
		w.keep(c, s, w.until(t, call, driver.Done).ID)
	}
	return driver.OK
}

// leftBehind takes away what the tests shared, then looks for every mark there ever was.
func (w *world) leftBehind(t *testing.T) {
	for _, shared := range []*unit{w.host, w.net} {
		if shared != nil {
			w.remove(t, shared)
		}
	}
	w.host, w.net = nil, nil
	for _, k := range inOrder() {
		if !w.offered(k) {
			continue
		}
		all, err := w.everything(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range all {
			if _, ours := w.marks[o.Mark]; ours {
				t.Errorf("a %s is left: %s %s", k, o.ID, o.Mark)
			}
		}
	}
}
