package simcloud

import (
	"container/heap"
	"time"
)

// Query selects a page of a kind.
type Query struct {
	Owner  Owner    // the account that asks; zero: the vendor, who sees all
	Own    bool     // without what is shared
	Where  []string // index keys that must all hold: Named, Tagged, Marked, Of …
	After  string   // id of the last object of the page before; it may be gone by now
	Limit  int      // 0: everything
	Newest bool     // newest first; otherwise in the order of creation
}

// Get reads one object of the owner, or one that it may see; the zero owner sees all.
func Get[T any, P Noun[T]](c *Cloud, o Owner, id string) (*T, error) {
	return within(c, func() (*T, error) { return see[T, P](c, o, id) })
}

// List reads a page; keep may be nil. An unknown After is an error with the reason Missing.
func List[T any, P Noun[T]](c *Cloud, q Query, keep func(*T) bool) (page []*T, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settle()
	return P(nil).in(c).list(q, keep, c.time())
}

// Edit changes an object's descriptive fields: name, description, tags, metadata. f works on a copy, replaces slices and
// maps instead of writing to them, and may refuse; it runs under the cloud's lock and calls nothing of it.
func Edit[T any, P Noun[T]](c *Cloud, o Owner, id string, f func(*T) error) (*T, error) {
	return within(c, func() (*T, error) {
		old, err := see[T, P](c, o, id)
		if err != nil {
			return nil, err
		}
		changed := *old
		if err := f(&changed); err != nil {
			return nil, err
		}
		return edit[T, P](c, id, func(x *T) { *x = changed; P(x).Self().Updated = c.time() }), nil
	})
}

func see[T any, P Noun[T]](c *Cloud, o Owner, id string) (*T, error) {
	t := P(nil).in(c)
	obj := t.get(id)
	if obj == nil || o != (Owner{}) && !P(obj).Self().visible(o) {
		return nil, missing(t.kind, id)
	}
	return obj, nil
}

// put stores a new object: it gets an id unless it has one, its time, and, while it is Building, its due time.
func put[T any, P Noun[T]](c *Cloud, obj *T) *T {
	t, o, now := P(nil).in(c), P(obj).Self(), c.time()
	if o.ID == "" {
		o.ID = newID()
	}
	o.Created, o.Updated = now, now
	switch o.State {
	case "":
		o.State = Active
	case Building:
		if o.Next == "" {
			o.Next = Active
		}
		P(obj).begin(Building, now)
		o.Due = now.Add(c.times(t.kind).Create)
		c.destine(t.kind, o)
	}
	c.subscribe(t.kind, P(obj))
	c.seq++
	seq := c.seq
	t.insert(obj, seq)
	c.count(P(obj), 1)
	c.await(t.kind, o)
	c.journal.put(t.kind, seq, obj)
	c.meter(t.kind, P(obj))
	return obj
}

// edit stores a new version of an object, which must exist.
func edit[T any, P Noun[T]](c *Cloud, id string, f func(*T)) *T {
	t := P(nil).in(c)
	e := t.ids[id]
	changed := *e.obj
	f(&changed)
	c.count(P(e.obj), -1)
	t.replace(e, &changed)
	c.count(P(&changed), 1)
	c.await(t.kind, P(&changed).Self())
	c.journal.put(t.kind, e.seq, &changed)
	c.meter(t.kind, P(&changed))
	return &changed
}

// drop removes an object now, and what goes with it; one that is gone already is no matter.
func drop[T any, P Noun[T]](c *Cloud, id string) {
	t := P(nil).in(c)
	e := t.ids[id]
	if e == nil {
		return
	}
	c.count(P(e.obj), -1)
	t.remove(e, c.time())
	c.journal.drop(t.kind, id)
	c.endRun(t.kind, id)
	P(e.obj).leave(c)
}

// change moves an object into a passing state that ends in another after the kind's time for changes.
func change[T any, P Noun[T]](c *Cloud, id string, via, to State, f func(*T)) *T {
	return edit[T, P](c, id, func(x *T) {
		P(x).Self().move(via, to, c.time(), c.times(P(nil).in(c).kind).Change)
		P(x).begin(via, c.time())
		if f != nil {
			f(x)
		}
	})
}

// vanish moves an object to Deleting, and out of the cloud after the kind's time for it. One on its way out stays so.
func vanish[T any, P Noun[T]](c *Cloud, obj *T) *T {
	if P(obj).Self().State == Deleting {
		return obj
	}
	return edit[T, P](c, P(obj).Self().ID, func(x *T) {
		P(x).Self().move(Deleting, Gone, c.time(), c.times(P(nil).in(c).kind).Delete)
		P(x).begin(Deleting, c.time())
	})
}

// dueItem is a moment at which an object takes its next state.
type dueItem struct {
	at   time.Time
	seq  uint64 // of scheduling: equal times keep their order
	kind Kind
	id   string
}

type dueHeap []dueItem

func (h dueHeap) Len() int      { return len(h) }
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(dueItem)) }
func (h dueHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].seq < h[j].seq
}

func (h *dueHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// await remembers when an object is due. Earlier reminders of it go stale: ripen compares the times.
func (c *Cloud) await(kind Kind, o *Object) {
	if o.Next != "" {
		c.seq++
		heap.Push(&c.due, dueItem{o.Due, c.seq, kind, o.ID})
	}
}

// time is the moment at which what is done now happens: the clock's, or, for what settle catches up with, when it was due.
func (c *Cloud) time() time.Time {
	if !c.moment.IsZero() {
		return c.moment
	}
	return c.now()
}

// settle does everything that is due by now, in the order it became due.
func (c *Cloud) settle() {
	now := c.now()
	for len(c.due) > 0 && !c.due[0].at.After(now) {
		d := heap.Pop(&c.due).(dueItem)
		c.moment = d.at
		c.byKind[d.kind].ripen(c, d)
	}
	c.moment = time.Time{}
	for _, k := range c.kinds {
		c.byKind[k].fade(now)
	}
}

// ripen gives one object its next state, unless a later change has overtaken this reminder.
func (t *table[T]) ripen(c *Cloud, d dueItem) {
	e := t.ids[d.id]
	if e == nil {
		return
	}
	o := t.as(e.obj).Self()
	if o.Next == "" || !o.Due.Equal(d.at) {
		return
	}
	if o.Next == Gone {
		c.count(t.as(e.obj), -1)
		t.remove(e, d.at)
		c.journal.drop(t.kind, d.id)
		c.endRun(t.kind, d.id)
		t.as(e.obj).leave(c)
		return
	}
	changed := *e.obj
	n := t.as(&changed)
	via := n.Self().State
	n.Self().State, n.Self().Next, n.Self().Due, n.Self().Updated = o.Next, "", time.Time{}, d.at
	c.count(t.as(e.obj), -1)
	t.replace(e, &changed)
	c.count(n, 1)
	c.journal.put(t.kind, e.seq, &changed)
	c.meter(t.kind, n)
	n.arrive(c, via)
}
