package store

import (
	"context"
	"sync"
	"time"
)

// SharedClock is the real time that all replicas agree on: the database server's, carried on by this machine's monotonic
// clock. Leases and timeouts go by it, so that a machine whose clock is wrong, or jumps, neither takes another's lease
// for dead nor holds on to its own. It starts at the machine's own time until the first Sync. It is safe for concurrent
// use.
type SharedClock struct {
	// Read asks for the server's time; nil where there is no server, and the machine's own time at the start serves.
	Read func(ctx context.Context) (time.Time, error)
	// Elapsed is how long ago a moment of this machine was; nil: by its monotonic clock.
	Elapsed func(since time.Time) time.Duration

	mu    sync.RWMutex
	local time.Time // with a monotonic reading
	told  time.Time // the shared time at local; zero before the first reading
}

// SharedClock returns the clock of this store's database. An embedded database is used by one process, whose own clock
// it goes by.
func (s *Store) SharedClock(ctx context.Context) (*SharedClock, error) {
	c := &SharedClock{}
	if s.Engine == PostgreSQL {
		c.Read = func(ctx context.Context) (t time.Time, err error) {
			err = s.reader().QueryRowContext(ctx, `SELECT clock_timestamp()`).Scan(&t)
			return t, err
		}
	}
	return c, c.Sync(ctx)
}

// Now is the shared time, in UTC and microseconds.
func (c *SharedClock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.told.IsZero() {
		return time.Now().UTC().Truncate(time.Microsecond)
	}
	return c.told.Add(c.since(c.local)).UTC().Truncate(time.Microsecond)
}

func (c *SharedClock) since(t time.Time) time.Duration {
	if c.Elapsed != nil {
		return c.Elapsed(t)
	}
	return time.Since(t)
}

// Sync sets the clock by the server's.
func (c *SharedClock) Sync(ctx context.Context) error {
	asked := time.Now()
	told := asked
	if c.Read != nil {
		var err error
		if told, err = c.Read(ctx); err != nil {
			return err
		}
		told = told.Add(-c.since(asked) / 2)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told.IsZero() || c.Read != nil {
		c.local, c.told = asked, told
	}
	return nil
}
