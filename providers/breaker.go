package providers

import (
	"context"
	"sync"
	"time"

	"github.com/duoyun/duoyun"
)

// Breaker 熔断器 keeps a circuit by key for every replica that shares it: calls to what does not answer are barred for a
// while, and then one at a time is let through to find out. It is safe for concurrent use. An error means that it does
// not know, not that the call may not be made.
type Breaker interface {
	// Allow asks leave for one call.
	Allow(ctx context.Context, key string) (Leave, error)
	// Report tells what came of a call that had leave. Whoever was given Trial reports it within TrialTime.
	Report(ctx context.Context, key string, l Leave, o Outcome) error
	// Health reads the circuit.
	Health(ctx context.Context, key string) (duoyun.Health, error)
}

// Leave is a breaker's answer to a call that wants to be made.
type Leave int

// The answers.
const (
	Pass  Leave = iota // the circuit is closed
	Trial              // it is half open, and this is the one call that finds out
	Barred
)

// Outcome is what a call says of the account.
type Outcome int

// The outcomes. A refusal (quota, sold out, invalid, …) is an answer.
const (
	Answered Outcome = iota
	Unanswered
	Untold // the call was broken off by ourselves
)

// How a circuit moves. It opens when, lately, calls without an answer outnumber those with one by OpenAfter, for OpenFor;
// each trial that fails doubles that, to OpenAtMost.
const (
	OpenAfter  = 5
	OpenFor    = 5 * time.Second
	OpenAtMost = time.Minute
	TrialTime  = time.Minute     // after it a trial counts as lost, and another may be made
	ForgetIn   = 5 * time.Minute // what is older says nothing of now
)

// circuit is the state of one key; the zero value is closed. The one on Redis moves alike: one suite drives both.
type circuit struct {
	bad    int       // unanswered calls less answered ones, never below 0
	last   time.Time // when bad last changed
	opened time.Time // zero: closed
	until  time.Time // barred until then
	trial  time.Time // a trial is under way until then
	trips  int       // trials that failed
}

func (c *circuit) allow(now time.Time) Leave {
	switch {
	case c.opened.IsZero():
		return Pass
	case now.Before(c.until), now.Before(c.trial):
		return Barred
	}
	c.trial = now.Add(TrialTime)
	return Trial
}

func (c *circuit) report(now time.Time, l Leave, o Outcome) {
	switch {
	case c.opened.IsZero():
		c.count(now, o)
	case l != Trial: // begun before it opened: known already
	case o == Answered:
		*c = circuit{}
	case o == Unanswered:
		c.trips++
		c.until, c.trial = now.Add(min(OpenFor<<min(c.trips, 16), OpenAtMost)), time.Time{}
	default:
		c.trial = time.Time{}
	}
}

func (c *circuit) count(now time.Time, o Outcome) {
	if now.Sub(c.last) > ForgetIn {
		c.bad = 0
	}
	switch o {
	case Answered:
		c.bad = max(0, c.bad-1)
	case Unanswered:
		c.bad++
	}
	c.last = now
	if c.bad >= OpenAfter {
		*c = circuit{opened: now, until: now.Add(OpenFor)}
	}
}

func (c *circuit) health(now time.Time) duoyun.Health {
	switch {
	case c.opened.IsZero():
		return duoyun.Health{State: duoyun.CircuitNormal}
	case now.Before(c.until):
		return duoyun.Health{State: duoyun.CircuitOpen, Since: c.opened}
	}
	return duoyun.Health{State: duoyun.CircuitHalfOpen, Since: c.opened}
}

// MemoryBreaker is the breaker of one process.
type MemoryBreaker struct {
	now      duoyun.Clock
	mu       sync.Mutex
	circuits map[string]*circuit // two a pool
}

// NewMemoryBreaker returns a breaker; a nil clock is time.Now.
func NewMemoryBreaker(now duoyun.Clock) *MemoryBreaker {
	if now == nil {
		now = time.Now
	}
	return &MemoryBreaker{now: now, circuits: map[string]*circuit{}}
}

func (m *MemoryBreaker) with(key string, f func(c *circuit, now time.Time)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.circuits[key]
	if !ok {
		c = &circuit{}
		m.circuits[key] = c
	}
	f(c, m.now())
}

// Allow implements Breaker.
func (m *MemoryBreaker) Allow(_ context.Context, key string) (l Leave, err error) {
	m.with(key, func(c *circuit, now time.Time) { l = c.allow(now) })
	return l, nil
}

// Report implements Breaker.
func (m *MemoryBreaker) Report(_ context.Context, key string, l Leave, o Outcome) error {
	m.with(key, func(c *circuit, now time.Time) { c.report(now, l, o) })
	return nil
}

// Health implements Breaker.
func (m *MemoryBreaker) Health(_ context.Context, key string) (h duoyun.Health, err error) {
	m.with(key, func(c *circuit, now time.Time) { h = c.health(now) })
	return h, nil
}
