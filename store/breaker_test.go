package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
)

// breakers runs one suite over the breaker in memory, the one on Redis, and the one on a Redis that has gone.
func breakers(t *testing.T, suite func(t *testing.T, b breaking)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		b := providers.NewMemoryBreaker(c.Now)
		suite(t, breaking{t, b, b, c})
	})
	t.Run("redis, two replicas", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		first := openRedis(t, c)
		suite(t, breaking{t, first, first.Replica(t), c})
	})
	t.Run("redis gone", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		r := openRedis(t, c)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		suite(t, breaking{t, r, r, c})
	})
}

// breaking is a breaker as two replicas see it.
type breaking struct {
	t          *testing.T
	one, other providers.Breaker
	clock      *clock
}

func (b breaking) allow(of providers.Breaker) providers.Leave {
	b.t.Helper()
	l, err := of.Allow(context.Background(), "account")
	if err != nil {
		b.t.Fatal(err)
	}
	return l
}

func (b breaking) report(of providers.Breaker, l providers.Leave, o providers.Outcome) {
	b.t.Helper()
	if err := of.Report(context.Background(), "account", l, o); err != nil {
		b.t.Fatal(err)
	}
}

func (b breaking) want(of providers.Breaker, leave providers.Leave, when string) {
	b.t.Helper()
	if got := b.allow(of); got != leave {
		b.t.Fatalf("%s: leave %d, want %d", when, got, leave)
	}
}

func (b breaking) wantState(s duoyun.Circuit) duoyun.Health {
	b.t.Helper()
	h, err := b.other.Health(context.Background(), "account")
	if err != nil || h.State != s || h.Since.IsZero() != (s == duoyun.CircuitNormal) {
		b.t.Fatalf("health %+v %v, want %s", h, err, s)
	}
	return h
}

// open brings the circuit to its opening, as one replica sees it.
func (b breaking) open() {
	b.t.Helper()
	for range providers.OpenAfter {
		b.want(b.one, providers.Pass, "closed")
		b.report(b.one, providers.Pass, providers.Unanswered)
	}
	b.clock.Advance(time.Second) // within which the other replica hears of it
}

func TestACircuitOpensForAllReplicasWhenCallsGoUnanswered(t *testing.T) {
	t.Parallel()
	breakers(t, func(t *testing.T, b breaking) {
		b.wantState(duoyun.CircuitNormal)
		b.want(b.other, providers.Pass, "closed")
		b.open()
		b.want(b.one, providers.Barred, "open")
		b.want(b.other, providers.Barred, "open, at the other replica")
		h := b.wantState(duoyun.CircuitOpen)
		if want := b.clock.Now().Add(-time.Second); !h.Since.Equal(want) {
			t.Fatalf("since %v, want %v", h.Since, want)
		}
		if l, err := b.one.Allow(context.Background(), "another account"); l != providers.Pass || err != nil {
			t.Fatalf("another account: %d %v", l, err)
		}
	})
}

func TestAnswersOutweighCallsThatGoUnanswered(t *testing.T) {
	t.Parallel()
	breakers(t, func(t *testing.T, b breaking) {
		for range 10 * providers.OpenAfter {
			b.report(b.one, providers.Pass, providers.Unanswered)
			b.report(b.one, providers.Pass, providers.Untold)
			b.report(b.one, providers.Pass, providers.Answered)
		}
		b.want(b.one, providers.Pass, "as many answers")
		for range providers.OpenAfter - 1 {
			b.report(b.one, providers.Pass, providers.Unanswered)
		}
		b.clock.Advance(providers.ForgetIn + time.Second)
		b.report(b.one, providers.Pass, providers.Unanswered)
		b.want(b.one, providers.Pass, "what is long ago says nothing")
	})
}

func TestOneTrialAtATimeFindsOutWhetherAnAccountAnswersAgain(t *testing.T) {
	t.Parallel()
	breakers(t, func(t *testing.T, b breaking) {
		b.open()
		b.clock.Advance(providers.OpenFor)
		b.wantState(duoyun.CircuitHalfOpen)
		b.want(b.other, providers.Trial, "its time has passed")
		b.want(b.one, providers.Barred, "a trial is under way")
		b.report(b.one, providers.Pass, providers.Answered) // of a call begun long ago
		b.want(b.one, providers.Barred, "only the trial counts")
		b.report(b.other, providers.Trial, providers.Untold)
		b.want(b.one, providers.Trial, "the trial was broken off")
		b.report(b.one, providers.Trial, providers.Answered)
		b.wantState(duoyun.CircuitNormal)
		b.want(b.one, providers.Pass, "it answers")
		b.want(b.other, providers.Pass, "it answers")
	})
}

func TestEachTrialThatFailsDoublesTheRestUpToItsBound(t *testing.T) {
	t.Parallel()
	breakers(t, func(t *testing.T, b breaking) {
		b.open()
		opened := b.wantState(duoyun.CircuitOpen).Since
		b.clock.Advance(providers.OpenFor)
		for rest := providers.OpenFor; rest < 4*providers.OpenAtMost; {
			b.want(b.one, providers.Trial, "after the rest")
			b.report(b.one, providers.Trial, providers.Unanswered)
			rest *= 2
			b.clock.Advance(min(rest, providers.OpenAtMost) - time.Millisecond)
			b.want(b.one, providers.Barred, "a moment early")
			b.clock.Advance(time.Millisecond)
		}
		if h := b.wantState(duoyun.CircuitHalfOpen); !h.Since.Equal(opened) {
			t.Fatalf("since %v, want %v", h.Since, opened)
		}
		b.want(b.one, providers.Trial, "after the rest")
		b.clock.Advance(providers.TrialTime)
		b.want(b.other, providers.Trial, "the trial was lost")
	})
}

func TestOfManyCallersOneIsGivenTheTrial(t *testing.T) {
	t.Parallel()
	breakers(t, func(t *testing.T, b breaking) {
		b.open()
		b.clock.Advance(providers.OpenFor)
		var trials atomic.Int64
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				of := b.one
				if i%2 == 1 {
					of = b.other
				}
				if l, err := of.Allow(context.Background(), "account"); err != nil || l == providers.Trial {
					trials.Add(1)
				}
			})
		}
		all.Wait()
		if trials.Load() != 1 {
			t.Fatalf("%d trials", trials.Load())
		}
	})
}
