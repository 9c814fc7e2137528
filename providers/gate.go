package providers

import (
	"sync"
	"time"

	"github.com/duoyun/duoyun"
)

// gate bounds how many workers are at one pool's calls at once, in this process: while a vendor is silent its workers
// wait for its timeouts, and those of the other vendors must not. Whoever finds it full waits in line while visits are
// short; at a vendor whose visits last, it comes again later, each at its own time and about when there will be room, so
// that a long backlog costs little. (Turning all away made 35 units a second of 160: River looks for jobs whose time has
// come twice a second.)
type gate struct {
	room chan struct{} // a place each; nil: no bound
	now  duoyun.Clock

	mu      sync.Mutex
	inside  map[*visit]struct{}
	waiting int
	stay    time.Duration // how long visits take, a moving average
	next    time.Time     // when the last one that was turned away comes again
}

type visit struct{ began time.Time }

// longestLine is how long one waits in line at most.
const longestLine = time.Second

// Bounds of how soon one that was turned away comes again.
const (
	returnSoonest = 20 * time.Millisecond
	returnLatest  = 10 * time.Second
)

func newGate(limit int, now duoyun.Clock) *gate {
	if now == nil {
		now = time.Now
	}
	g := &gate{now: now, inside: map[*visit]struct{}{}}
	if limit > 0 {
		g.room = make(chan struct{}, limit)
	}
	return g
}

// enter lets a worker in until it calls leave; wait > 0 means that there is no room, and when to come again.
func (g *gate) enter() (leave func(), wait time.Duration) {
	if g.room == nil {
		return func() {}, 0
	}
	if !g.find() {
		g.mu.Lock()
		defer g.mu.Unlock()
		return nil, g.later(g.now())
	}
	v := &visit{began: g.now()}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside[v] = struct{}{}
	return func() { g.leave(v) }, 0
}

// find takes a place, at once or after a short wait in line where there is hope of one.
func (g *gate) find() bool {
	select {
	case g.room <- struct{}{}:
		return true
	default:
	}
	if !g.join() {
		return false
	}
	defer g.part()
	t := time.NewTimer(longestLine)
	defer t.Stop()
	select {
	case g.room <- struct{}{}:
		return true
	case <-t.C:
		return false
	}
}

// join gets in line if visits are short and so is the line.
func (g *gate) join() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	stay := g.longest(g.now())
	if stay > longestLine || time.Duration(g.waiting)*stay > longestLine*time.Duration(cap(g.room)) {
		return false
	}
	g.waiting++
	return true
}

func (g *gate) part() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waiting--
}

func (g *gate) leave(v *visit) {
	g.mu.Lock()
	delete(g.inside, v)
	g.stay = (7*g.stay + g.now().Sub(v.began)) / 8
	g.mu.Unlock()
	<-g.room
}

// longest is how long visits take: one that lasts tells more than those that are over.
func (g *gate) longest(now time.Time) time.Duration {
	stay := g.stay
	for v := range g.inside {
		stay = max(stay, now.Sub(v.began))
	}
	return stay
}

// later spaces those that are turned away as the pool's visits end.
func (g *gate) later(now time.Time) time.Duration {
	if g.next.Before(now) {
		g.next = now
	}
	g.next = g.next.Add(g.longest(now) / time.Duration(cap(g.room)))
	if latest := now.Add(returnLatest); g.next.After(latest) {
		g.next = latest
	}
	return max(g.next.Sub(now), returnSoonest)
}
