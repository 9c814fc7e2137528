package drivertest

import (
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// world is the account under test with what the suite has bought in it.
type world struct {
	h     Harness
	cloud *ear
	marks map[string]duoyun.Kind // every mark the suite ever used
	net   *unit                  // the platform network, once something needs it
	host  *unit                  // a server others hang on
}

// unit is one bought resource.
type unit struct {
	driver.Change
	Addresses []string
}

func open(t *testing.T, h Harness) *world {
	c, err := h.Open(t.Context(), h.Account)
	if err != nil {
		t.Fatalf("the account cannot be opened: %v", err)
	}
	w := &world{h: h, cloud: &ear{Cloud: c}, marks: map[string]duoyun.Kind{}}
	t.Cleanup(func() { w.sweep(t) })
	return w
}

func (w *world) offered(k duoyun.Kind) bool { _, ok := w.cloud.Kind(k); return ok }

func (w *world) resource(k duoyun.Kind) driver.Resource {
	r, _ := w.cloud.Kind(k)
	return r
}

func (w *world) mark(k duoyun.Kind) string {
	m := duoyun.Mark(duoyun.NewID(time.Now()))
	w.marks[m] = k
	return m
}

// strangerID is an id of the vendor's form that nothing has.
func (w *world) strangerID(k duoyun.Kind) string {
	if slices.Contains(w.h.NaturalKeys, k) {
		return duoyun.Mark(duoyun.NewID(time.Now()))
	}
	return duoyun.NewID(time.Now())
}

// change is the creation of a unit of a kind with the parents it needs.
func (w *world) change(t *testing.T, k duoyun.Kind) driver.Change {
	t.Helper()
	s := w.h.Samples
	c := driver.Change{Op: duoyun.OpCreate, Kind: k, Mark: w.mark(k), Name: "一致性测试-" + string(k), Zone: s.Zone, Parts: map[string]string{},
		Links: map[duoyun.Relation][]driver.Link{}}
	network := func() { c.Links[duoyun.RelNetwork] = []driver.Link{w.network(t).link()} }
	switch k {
	case duoyun.KindServer:
		network()
		c.After, c.Secret = s.Server, driver.NewSecret("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBuTJxLRUQ1x5yO2hq2qZ3yA4m0d8Wl8o7V5b1oSx2vG suite")
	case duoyun.KindDisk:
		c.After = s.Disk
		if w.offered(duoyun.KindServer) {
			c.Links[duoyun.RelAttach] = []driver.Link{w.server(t).link()}
		}
	case duoyun.KindNetwork:
		c.After = s.Network
	case duoyun.KindAddress:
		network()
		c.After = duoyun.AddressSpec{Count: 1}
	case duoyun.KindLoadBalancer:
		network()
		c.After = s.LoadBalancer
		if w.offered(duoyun.KindServer) {
			c.Links[duoyun.RelMember] = []driver.Link{w.server(t).link()}
		}
	case duoyun.KindPublicIP:
		c.After = s.PublicIP
		if w.offered(duoyun.KindServer) {
			c.Links[duoyun.RelAttach] = []driver.Link{w.server(t).link()}
		}
	case duoyun.KindBucket:
		c.After = s.Bucket
	case duoyun.KindDatabase:
		network()
		c.After, c.Secret = s.Database, driver.NewSecret(password)
	case duoyun.KindCache:
		network()
		c.After, c.Secret = s.Cache, driver.NewSecret(password)
	}
	return c
}

func (u *unit) link() driver.Link {
	return driver.Link{Kind: u.Kind, ID: u.ID, Parts: u.Parts, Addresses: u.Addresses}
}

func (w *world) network(t *testing.T) *unit {
	if w.net == nil && w.offered(duoyun.KindNetwork) {
		w.net = w.buy(t, w.change(t, duoyun.KindNetwork))
	}
	if w.net == nil {
		return &unit{}
	}
	return w.net
}

func (w *world) server(t *testing.T) *unit {
	if w.host == nil {
		w.host = w.buy(t, w.change(t, duoyun.KindServer))
	}
	return w.host
}

// plan asks twice: a plan depends on its change alone.
func (w *world) plan(t *testing.T, c driver.Change) []driver.Step {
	t.Helper()
	r := w.resource(c.Kind)
	steps, err := r.Plan(c)
	if err != nil {
		t.Fatalf("plan %s %s: %v", c.Op, c.Kind, err)
	}
	again, err := r.Plan(c)
	if err != nil || !reflect.DeepEqual(steps, again) {
		t.Fatalf("plan %s %s: another plan the second time: %v, then %v, %v", c.Op, c.Kind, steps, again, err)
	}
	names := map[string]bool{}
	mains := 0
	for _, s := range steps {
		if s.Name == "" || names[s.Name] {
			t.Fatalf("plan %s %s: step %q is nameless or twice there", c.Op, c.Kind, s.Name)
		}
		names[s.Name] = true
		if s.Main {
			mains++
		}
	}
	if c.Op == duoyun.OpCreate && mains != 1 {
		t.Fatalf("plan %s %s: %d main steps: %v", c.Op, c.Kind, mains, steps)
	}
	return steps
}

// buy takes a creation through all its steps, and observes what came of it.
func (w *world) buy(t *testing.T, c driver.Change) *unit {
	t.Helper()
	w.walk(t, &c, w.plan(t, c))
	return w.settled(t, c)
}

// settled waits until a unit is at rest and returns it.
func (w *world) settled(t *testing.T, c driver.Change) *unit {
	t.Helper()
	for range w.h.Looks {
		o, err := w.resource(c.Kind).Observe(t.Context(), c.ID)
		if err != nil {
			t.Fatalf("observe %s %s: %v", c.Kind, c.ID, err)
		}
		if o.State == driver.Active || o.State == driver.Stopped {
			return &unit{Change: c, Addresses: o.Addresses}
		}
		if o.State == driver.Errored {
			t.Fatalf("observe %s %s: %s: %s", c.Kind, c.ID, o.State, o.Raw)
		}
		w.wait(t.Context())
	}
	t.Fatalf("observe %s %s: it does not come to rest", c.Kind, c.ID)
	return nil
}

// walk runs steps one by one, each until its effect is seen, and keeps the vendor ids in c.
func (w *world) walk(t *testing.T, c *driver.Change, steps []driver.Step) {
	t.Helper()
	token := tokens(*c)
	for i, s := range steps {
		call := driver.Call{Change: *c, Step: s.Name, Token: token(i)}
		reply := w.run(t, call)
		w.keep(c, s, reply.ID)
		call.Change = *c
		e := w.until(t, call, driver.Done)
		w.keep(c, s, e.ID)
	}
}

// tokens gives a change's steps their idempotency tokens as the protocol does: of the unit for its creation, which must
// find itself again, of the change alone for every other.
func tokens(c driver.Change) func(step int) string {
	of := c.Mark
	if c.Op != duoyun.OpCreate {
		of = duoyun.Mark(duoyun.NewID(time.Now()))
	}
	return func(step int) string { return duoyun.StepToken(of, 0, step) }
}

// keep stores a vendor id as the protocol does.
func (w *world) keep(c *driver.Change, s driver.Step, id string) {
	if id == "" || c.Op != duoyun.OpCreate {
		return
	}
	c.Parts = maps.Clone(c.Parts)
	if c.Parts[s.Name] == "" {
		c.Parts[s.Name] = id
	}
	if s.Main && c.ID == "" {
		c.ID = id
	}
}

// run sends a step, again where the vendor refused without doing anything.
func (w *world) run(t *testing.T, call driver.Call) driver.Reply {
	t.Helper()
	var err error
	for range w.h.Looks {
		var r driver.Reply
		if r, err = w.resource(call.Kind).Run(t.Context(), call); err == nil {
			return r
		}
		switch code := w.cloud.Code(err); code {
		case driver.NotReady, driver.Throttled, driver.Unavailable:
			w.wait(t.Context())
		default:
			t.Fatalf("run %s %s %s: %s: %v", call.Op, call.Kind, call.Step, code, err)
		}
	}
	t.Fatalf("run %s %s %s: refused again and again: %v", call.Op, call.Kind, call.Step, err)
	return driver.Reply{}
}

// until looks for a step's effect until it is what is wanted.
func (w *world) until(t *testing.T, call driver.Call, want driver.EvidenceState) driver.Evidence {
	t.Helper()
	var e driver.Evidence
	for range w.h.Looks {
		var err error
		if e, err = w.resource(call.Kind).Look(t.Context(), call); err != nil {
			t.Fatalf("look %s %s %s: %v", call.Op, call.Kind, call.Step, err)
		}
		if e.State == want {
			return e
		}
		if e.State == driver.Broken || e.State == driver.Conflict {
			break
		}
		w.wait(t.Context())
	}
	t.Fatalf("look %s %s %s: %+v, want %s", call.Op, call.Kind, call.Step, e, want)
	return e
}

// now is the cloud's clock.
func (w *world) now() time.Time {
	if w.h.Now != nil {
		return w.h.Now().UTC()
	}
	return time.Now().UTC()
}

func (w *world) wait(ctx context.Context) {
	if w.h.Wait != nil {
		w.h.Wait(ctx)
	}
}

// deletion is the change that takes a unit away.
func (u *unit) deletion() driver.Change {
	c := u.Change
	c.Op, c.Before, c.After, c.Secret = duoyun.OpDelete, u.After, nil, driver.Secret{}
	return c
}

// remove takes a unit away and sees it gone.
func (w *world) remove(t *testing.T, u *unit) {
	t.Helper()
	c := u.deletion()
	w.walk(t, &c, w.plan(t, c))
	if u.ID == "" {
		return
	}
	_, err := w.resource(u.Kind).Observe(t.Context(), u.ID)
	if code := w.cloud.Code(err); code != driver.NotFound {
		t.Errorf("observe %s %s after its deletion: code %q: %v", u.Kind, u.ID, code, err)
	}
}

// everything lists a kind, page by page.
func (w *world) everything(ctx context.Context, k duoyun.Kind) ([]driver.Observation, error) {
	var all []driver.Observation
	for cursor, pages := "", 0; ; pages++ {
		p, err := w.resource(k).List(ctx, cursor)
		if err != nil {
			return nil, err
		}
		if p.Partial {
			return nil, fmt.Errorf("the listing of %s is partial", k)
		}
		all = append(all, p.Items...)
		if p.Next == "" {
			return all, nil
		}
		if p.Next == cursor || pages > 10_000 {
			return nil, fmt.Errorf("the listing of %s does not end: %q follows itself", k, p.Next)
		}
		cursor = p.Next
	}
}

// sweep takes away what a failed test has left, as far as it can: in the reverse of the order of purchase, by mark
// alone, so that parts without their main object go too.
func (w *world) sweep(t *testing.T) {
	if !t.Failed() {
		return // the last test saw that nothing is left
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	kinds := inOrder()
	slices.Reverse(kinds)
	for _, k := range kinds {
		for mark, of := range w.marks {
			if of != k {
				continue
			}
			if err := w.clear(ctx, k, mark); err != nil {
				t.Logf("the %ss of this run may not all be gone: %v", k, err)
				break
			}
		}
	}
}

// clear runs the deletion of a mark that may have left anything or nothing.
func (w *world) clear(ctx context.Context, k duoyun.Kind, mark string) error {
	c := driver.Change{Op: duoyun.OpDelete, Kind: k, Mark: mark, Parts: map[string]string{}}
	steps, err := w.resource(k).Plan(c)
	if err != nil {
		return err
	}
	for _, s := range steps {
		if err := w.clearStep(ctx, driver.Call{Change: c, Step: s.Name}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) clearStep(ctx context.Context, call driver.Call) error {
	r, err := w.resource(call.Kind), error(nil)
	for range w.h.Looks {
		if _, err = r.Run(ctx, call); err == nil {
			var e driver.Evidence
			if e, err = r.Look(ctx, call); err == nil && e.State == driver.Done {
				return nil
			}
		}
		if code := w.cloud.Code(err); code == driver.Auth || code == driver.Unavailable || ctx.Err() != nil {
			return err
		}
		w.wait(ctx)
	}
	return err
}
