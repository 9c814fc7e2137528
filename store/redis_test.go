package store_test

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/store"
)

// limiters runs one suite over the limiter in memory, the one on Redis, and the one on a Redis that has gone.
func limiters(t *testing.T, suite func(t *testing.T, l providers.Limiter, clock *clock)) {
	t.Helper()
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		suite(t, providers.NewMemoryLimiter(c.Now), c)
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		suite(t, openRedis(t, c), c)
	})
	t.Run("redis gone", func(t *testing.T) {
		t.Parallel()
		c := newClock()
		r := openRedis(t, c)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		suite(t, r, c)
	})
}

// testRedis is a Redis of one test, which may be opened again as another replica does.
type testRedis struct {
	*store.Redis
	prefix string
	clock  *clock
}

func (r testRedis) Replica(t *testing.T) testRedis { return openRedisAt(t, r.clock, r.prefix) }

func openRedis(t *testing.T, c *clock) testRedis {
	t.Helper()
	return openRedisAt(t, c, "test:"+duoyun.NewID(time.Now())+":")
}

func openRedisAt(t *testing.T, c *clock, prefix string) testRedis {
	t.Helper()
	url := os.Getenv("DUOYUN_TEST_REDIS")
	if url == "" {
		t.Fatal("DUOYUN_TEST_REDIS is not set: run `make test`, or `deploy/test/with-services go test ./...`")
	}
	r, err := store.OpenRedis(url, store.RedisOptions{Prefix: prefix, Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return testRedis{r, prefix, c}
}

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func TestALimiterGrantsTheBurstThenTheRate(t *testing.T) {
	t.Parallel()
	limiters(t, func(t *testing.T, l providers.Limiter, clock *clock) {
		limit := providers.Limit{Every: 100 * time.Millisecond, Burst: 3}
		take := func() time.Duration {
			t.Helper()
			wait, err := l.Take(context.Background(), "account", limit)
			if err != nil {
				t.Fatal(err)
			}
			return wait
		}
		for range 3 {
			if wait := take(); wait != 0 {
				t.Fatalf("within the burst: wait %v", wait)
			}
		}
		if wait := take(); wait != 100*time.Millisecond {
			t.Fatalf("above the burst: wait %v", wait)
		}
		clock.Advance(99 * time.Millisecond)
		if wait := take(); wait != time.Millisecond {
			t.Fatalf("a moment early: wait %v", wait)
		}
		clock.Advance(time.Millisecond)
		if wait := take(); wait != 0 {
			t.Fatalf("after the wait it asked for: wait %v", wait)
		}
		if wait := take(); wait == 0 {
			t.Fatal("a refused call was counted, or a counted one was not")
		}
		clock.Advance(time.Hour)
		for range 3 {
			if wait := take(); wait != 0 {
				t.Fatalf("the burst is whole again after a rest: wait %v", wait)
			}
		}
		if take() == 0 {
			t.Fatal("a rest saves up no more than the burst")
		}
	})
}

func TestALimiterCountsEachKeyApart(t *testing.T) {
	t.Parallel()
	limiters(t, func(t *testing.T, l providers.Limiter, _ *clock) {
		limit := providers.Limit{Every: time.Second, Burst: 1}
		for _, key := range []string{"a", "b"} {
			if wait, err := l.Take(context.Background(), key, limit); wait != 0 || err != nil {
				t.Fatalf("%s: %v %v", key, wait, err)
			}
		}
		if wait, _ := l.Take(context.Background(), "a", limit); wait == 0 {
			t.Fatal("a was not counted")
		}
	})
}

func TestConcurrentCallersNeverTakeMoreThanTheBurst(t *testing.T) {
	t.Parallel()
	limiters(t, func(t *testing.T, l providers.Limiter, _ *clock) {
		var granted atomic.Int64
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				for range 20 {
					if wait, err := l.Take(context.Background(), "shared", providers.Limit{Every: time.Minute, Burst: 50}); err == nil && wait == 0 {
						granted.Add(1)
					}
				}
			})
		}
		all.Wait()
		if granted.Load() != 50 {
			t.Fatalf("%d calls were granted, the burst is 50", granted.Load())
		}
	})
}
