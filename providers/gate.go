package providers

import (
	"sync"
	"time"

	"github.com/duoyun/duoyun"
)

// gate bounds how many workers are at one pool's calls at once, in this process: while a vendor is silent its workers
// wait for its timeouts, and those of the other vendors must not. Whoever finds it full does not wait in line but comes
// again later, each at its own time and about when there will be room, so that a long backlog costs little.
type gate struct {
	limit int // 0: no bound
	now   duoyun.Clock

	mu     sync.Mutex
	inside map[*visit]struct{}
	stay   time.Duration // how long visits take, a moving average
	next   time.Time     // when the last one that was turned away comes again
}

type visit struct{ began time.Time }

// Bounds of how soon one that was turned away comes again.
const (
	returnSoonest = 20 * time.Millisecond
	returnLatest  = 10 * time.Second
)

func newGate(limit int, now duoyun.Clock) *gate {
	if now == nil {
		now = time.Now
	}
	return &gate{limit: limit, now: now, inside: map[*visit]struct{}{}}
}

// enter lets a worker in until it calls leave; wait > 0 means that there is no room, and when to come again.
func (g *gate) enter() (leave func(), wait time.Duration) {
	if g.limit <= 0 {
		return func() {}, 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	if len(g.inside) >= g.limit {
		return nil, g.later(now)
	}
	v := &visit{began: now}
	g.inside[v] = struct{}{}
	return func() { g.leave(v) }, 0
}

func (g *gate) leave(v *visit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.inside, v)
	g.stay = (7*g.stay + g.now().Sub(v.began)) / 8
}

// later spaces those that are turned away as the pool's visits end.
func (g *gate) later(now time.Time) time.Duration {
	stay := g.stay
	for v := range g.inside {
		stay = max(stay, now.Sub(v.began)) // a visit that lasts tells more than those that are over
	}
	if g.next.Before(now) {
		g.next = now
	}
	g.next = g.next.Add(stay / time.Duration(g.limit))
	if latest := now.Add(returnLatest); g.next.After(latest) {
		g.next = latest
	}
	return max(g.next.Sub(now), returnSoonest)
}
