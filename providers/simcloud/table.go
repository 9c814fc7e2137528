package simcloud

import (
	"cmp"
	"slices"
	"time"
)

// entry is an object's place in its table; the object in it is replaced by every change.
type entry[T any] struct {
	obj  *T
	seq  uint64
	keys []string
	gone time.Time // removed then, but listings lag behind
}

// table keeps the objects of one kind in the order of their creation, by id and by key. Every list is ordered by seq,
// so that a page begins with a binary search wherever its marker is.
type table[T any] struct {
	kind   Kind
	as     func(*T) noun
	ids    map[string]*entry[T]
	lists  map[string][]*entry[T] // by key; allKey holds everything
	graves map[string]uint64      // seq of what is gone, for markers
	lag    time.Duration
	fading []*entry[T]
	watch  func(before, after *T) // nil: nobody
}

const allKey = ""

// keeper is a table whatever it holds.
type keeper interface {
	ripen(c *Cloud, d dueItem)
	fade(now time.Time)
	setLag(d time.Duration)
	dump(w *journal)
	restore(c *Cloud, l line) error
}

// open makes a cloud's table of a kind.
func open[T any, P interface {
	*T
	noun
}](c *Cloud, kind Kind) *table[T] {
	t := &table[T]{
		kind: kind, as: func(x *T) noun { return P(x) },
		ids: map[string]*entry[T]{}, lists: map[string][]*entry[T]{}, graves: map[string]uint64{},
	}
	c.kinds, c.byKind[kind] = append(c.kinds, kind), t
	return t
}

func (t *table[T]) get(id string) *T {
	if e := t.ids[id]; e != nil {
		return e.obj
	}
	return nil
}

func (t *table[T]) insert(obj *T, seq uint64) {
	n := t.as(obj)
	e := &entry[T]{obj: obj, seq: seq, keys: keys(n)}
	t.ids[n.Self().ID] = e
	t.link(allKey, e)
	for _, k := range e.keys {
		t.link(k, e)
	}
	if t.watch != nil {
		t.watch(nil, obj)
	}
}

func (t *table[T]) replace(e *entry[T], obj *T) {
	if t.watch != nil {
		t.watch(e.obj, obj)
	}
	before, after := e.keys, keys(t.as(obj))
	e.obj, e.keys = obj, after
	for _, k := range before {
		if !slices.Contains(after, k) {
			t.unlink(k, e)
		}
	}
	for _, k := range after {
		if !slices.Contains(before, k) {
			t.link(k, e)
		}
	}
}

// remove takes an object out; with a lag it stays in the lists until it has faded.
func (t *table[T]) remove(e *entry[T], now time.Time) {
	id := t.as(e.obj).Self().ID
	delete(t.ids, id)
	t.graves[id] = e.seq
	if t.watch != nil {
		t.watch(e.obj, nil)
	}
	if t.lag > 0 {
		e.gone = now
		t.fading = append(t.fading, e)
		return
	}
	t.erase(e)
}

func (t *table[T]) erase(e *entry[T]) {
	t.unlink(allKey, e)
	for _, k := range e.keys {
		t.unlink(k, e)
	}
}

func (t *table[T]) fade(now time.Time) {
	n := 0
	for n < len(t.fading) && !t.fading[n].gone.Add(t.lag).After(now) {
		t.erase(t.fading[n])
		n++
	}
	t.fading = slices.Delete(t.fading, 0, n)
}

func (t *table[T]) setLag(d time.Duration) { t.lag = d }

func (t *table[T]) link(key string, e *entry[T]) {
	l := t.lists[key]
	if n := len(l); n == 0 || l[n-1].seq < e.seq {
		t.lists[key] = append(l, e)
		return
	}
	if i, found := find(l, e.seq); !found {
		t.lists[key] = slices.Insert(l, i, e)
	}
}

func (t *table[T]) unlink(key string, e *entry[T]) {
	l := t.lists[key]
	i, found := find(l, e.seq)
	switch {
	case !found:
	case len(l) == 1:
		delete(t.lists, key)
	default:
		t.lists[key] = slices.Delete(l, i, i+1)
	}
}

func find[T any](l []*entry[T], seq uint64) (int, bool) {
	return slices.BinarySearchFunc(l, seq, func(e *entry[T], s uint64) int { return cmp.Compare(e.seq, s) })
}

// shown reports whether listings show an entry.
func (t *table[T]) shown(e *entry[T], now time.Time) bool {
	if t.lag == 0 {
		return true
	}
	asOf := now.Add(-t.lag)
	return !t.as(e.obj).Self().Created.After(asOf) && (e.gone.IsZero() || e.gone.After(asOf))
}

// base returns the shortest list that holds everything q asks for.
func (t *table[T]) base(q Query) []*entry[T] {
	var best []*entry[T]
	if q.Owner == (Owner{}) {
		best = t.lists[allKey]
	} else {
		best = t.lists[ownerKey(q.Owner)]
		if shared := t.lists[sharedKey]; !q.Own && len(shared) > 0 {
			best = append(slices.Clone(best), shared...)
			slices.SortFunc(best, func(a, b *entry[T]) int { return cmp.Compare(a.seq, b.seq) })
		}
	}
	for _, k := range q.Where {
		if l := t.lists[k]; len(l) < len(best) {
			best = l
		}
	}
	return best
}

func (t *table[T]) matches(e *entry[T], q Query) bool {
	o := t.as(e.obj).Self()
	switch {
	case q.Owner == (Owner{}):
	case q.Own && o.Owner != q.Owner, !o.visible(q.Owner):
		return false
	}
	for _, k := range q.Where {
		if !slices.Contains(e.keys, k) {
			return false
		}
	}
	return true
}

// seqOf finds a marker, also of what is gone.
func (t *table[T]) seqOf(id string) (uint64, bool) {
	if e := t.ids[id]; e != nil {
		return e.seq, true
	}
	seq, ok := t.graves[id]
	return seq, ok
}

// after cuts a list down to what follows the marker, in the query's order.
func (t *table[T]) after(l []*entry[T], q Query) ([]*entry[T], error) {
	if q.After == "" {
		return l, nil
	}
	seq, ok := t.seqOf(q.After)
	if !ok {
		return nil, missing(t.kind, q.After)
	}
	i, found := find(l, seq)
	if q.Newest {
		return l[:i], nil
	}
	if found {
		i++
	}
	return l[i:], nil
}

func (t *table[T]) list(q Query, keep func(*T) bool, now time.Time) ([]*T, error) {
	l, err := t.after(t.base(q), q)
	if err != nil {
		return nil, err
	}
	out := make([]*T, 0, min(len(l), max(q.Limit, 16)))
	for i := range l {
		e := l[i]
		if q.Newest {
			e = l[len(l)-1-i]
		}
		if !t.shown(e, now) || !t.matches(e, q) || keep != nil && !keep(e.obj) {
			continue
		}
		if out = append(out, e.obj); len(out) == q.Limit {
			break
		}
	}
	return out, nil
}
