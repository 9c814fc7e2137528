package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// server is a database server's clock beside the monotonic clock of this machine.
type server struct {
	at      time.Time
	elapsed time.Duration // on this machine since the test began
	err     error
}

func (s *server) pass(d time.Duration) { s.at, s.elapsed = s.at.Add(d), s.elapsed+d }

func (s *server) clock(t *testing.T) *store.SharedClock {
	t.Helper()
	moments := map[time.Time]time.Duration{} // machine moments by when they were on the test's own time
	c := &store.SharedClock{Read: func(context.Context) (time.Time, error) { return s.at, s.err },
		Elapsed: func(since time.Time) time.Duration {
			if _, seen := moments[since]; !seen {
				moments[since] = s.elapsed
			}
			return s.elapsed - moments[since]
		}}
	if err := c.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheSharedClockIsTheServersAndGoesOnByItselfBetweenReadings(t *testing.T) {
	t.Parallel()
	dawn := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	s := &server{at: dawn}
	c := s.clock(t)
	want := func(at time.Time, why string) {
		t.Helper()
		if got := c.Now(); !got.Equal(at) {
			t.Fatalf("%s: %v, want %v", why, got, at)
		}
	}
	sync := func() {
		t.Helper()
		if err := c.Sync(t.Context()); err != nil && !errors.Is(err, s.err) {
			t.Fatal(err)
		}
	}
	want(dawn, "at first it is the server's")
	s.pass(5 * time.Second)
	want(dawn.Add(5*time.Second), "between readings it goes on by itself")
	s.at = s.at.Add(time.Hour)
	sync()
	want(dawn.Add(time.Hour+5*time.Second), "what the server says holds")
	s.at = dawn
	sync()
	want(dawn, "back as well")
	s.err = errors.New("no connection")
	s.pass(5 * time.Second)
	sync()
	want(dawn.Add(5*time.Second), "without the server it goes on by itself")
}

func TestTheSharedClockOfEveryEngineIsNearTheRealTime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		c, err := s.SharedClock(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if off := time.Until(c.Now()).Abs(); off > time.Minute {
			t.Fatalf("it is %v off", off)
		}
	})
}
