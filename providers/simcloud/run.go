package simcloud

import (
	"slices"
	"time"
)

// Run is the life of something that is bought, from when it first was there until it was gone: what usage records, bills
// and metrics are made of.
type Run struct {
	Object               // ID is of the run, Owner and Name of what ran
	Of         Kind      `json:"of"`
	ResourceID string    `json:"resource_id"`
	FlavorID   string    `json:"flavor_id,omitempty"` // a server's latest
	Size       Size      `json:"size,omitzero"`       // as above
	From       time.Time `json:"from"`
	Until      time.Time `json:"until,omitzero"` // zero: it is there
	Paid       bool      `json:"paid,omitempty"` // a subscription
	Stretches  []Stretch `json:"stretches"`      // without gaps, oldest first
}

// Stretch is a part of a run in which nothing changed.
type Stretch struct {
	Uses    []Use     `json:"uses"`
	Stopped bool      `json:"stopped,omitempty"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until,omitzero"`
}

// Use is how much of a meter an object takes while it is there.
type Use struct {
	Meter    Meter  `json:"meter"`
	Variant  string `json:"variant,omitempty"` // flavor, volume type, class or engine, which may have prices of its own
	Quantity int64  `json:"quantity"`
}

func (*Run) in(c *Cloud) *table[Run] { return c.runs }

func runID(kind Kind, id string) string { return string(kind) + "/" + id }

// meter keeps the run of an object that is bought, whenever there is a new version of it. What failed before it was there
// never ran.
func (c *Cloud) meter(kind Kind, n noun) {
	uses, o := n.uses(), n.Self()
	if len(uses) == 0 {
		return
	}
	run := c.runs.get(runID(kind, o.ID))
	switch {
	case run != nil && !run.says(n, uses):
		edit(c, run.ID, func(r *Run) { r.end(c.time()); r.turn(n, uses, c.time()) })
	case run == nil && o.State != Building && o.State != Failed:
		r := &Run{Object: Object{ID: runID(kind, o.ID), Owner: o.Owner}, Of: kind, ResourceID: o.ID, From: c.time()}
		r.Paid = n.bought() != nil && !n.bought().PaidUntil.IsZero()
		r.turn(n, uses, c.time())
		put(c, r)
	}
}

// endRun closes the run of an object that is gone; one without length was made and taken back in one call.
func (c *Cloud) endRun(kind Kind, id string) {
	run := c.runs.get(runID(kind, id))
	switch {
	case run == nil:
	case !c.time().After(run.From):
		drop[Run](c, run.ID)
	default:
		edit(c, run.ID, func(r *Run) { r.end(c.time()); r.Until = c.time() })
	}
}

// says reports whether a run's last stretch is of what an object is now.
func (r *Run) says(n noun, uses []Use) bool {
	last := r.Stretches[len(r.Stretches)-1]
	return r.Name == n.Self().Name && last.Stopped == (n.Self().State == Stopped) && slices.Equal(last.Uses, uses)
}

// turn begins a stretch.
func (r *Run) turn(n noun, uses []Use, now time.Time) {
	r.Name = n.Self().Name
	if s, ok := n.(*Server); ok {
		r.FlavorID, r.Size = s.FlavorID, s.Size
	}
	r.Stretches = append(slices.Clone(r.Stretches), Stretch{Uses: uses, Stopped: n.Self().State == Stopped, From: now})
}

// end closes the last stretch; one without length was never there.
func (r *Run) end(now time.Time) {
	n := len(r.Stretches) - 1
	r.Stretches = slices.Clone(r.Stretches)
	if r.Stretches[n].Until = now; !now.After(r.Stretches[n].From) {
		r.Stretches = r.Stretches[:n]
	}
}

// Runs lists what an account has had of a kind, also what is gone, in the order in which it came to be there.
func (c *Cloud) Runs(o Owner, kind Kind) []*Run {
	var out []*Run
	c.locked(func() {
		out, _ = c.runs.list(Query{Owner: o, Own: true}, func(r *Run) bool { return r.Of == kind }, c.time()) // fails on markers alone
	})
	return out
}
