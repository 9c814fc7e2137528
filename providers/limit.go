package providers

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/duoyun/duoyun/providers/driver"
)

// Limit is how often something may happen: once every Every in the long run, Burst times at once.
type Limit struct {
	Every time.Duration
	Burst int
}

// DefaultLimit is 50 calls a second and account, 100 at once: below what public vendors allow by default.
func DefaultLimit() Limit { return Limit{Every: 20 * time.Millisecond, Burst: 100} }

// Limiter counts calls by key, for every replica that shares it. Take counts one call and returns 0, or counts nothing
// and returns how long to wait before asking again. It is safe for concurrent use; an error means that it cannot count,
// not that the call may not be made.
type Limiter interface {
	Take(ctx context.Context, key string, l Limit) (wait time.Duration, err error)
}

// longestWait is how long a call waits for its turn within a worker; beyond it the call counts as throttled, and the
// intent goes back to sleep instead of the worker.
const longestWait = time.Second

// limited holds calls back to the account's limit. A call that was not made is Throttled: nothing was done.
func limited(l Limiter, key string, limit Limit, pause func(context.Context, time.Duration) error) around {
	return func(ctx context.Context, w wire, call func(context.Context) error) error {
		for {
			wait, err := l.Take(ctx, key, limit)
			switch {
			case err != nil || wait <= 0:
				return call(ctx)
			case wait > longestWait || pause(ctx, wait) != nil:
				return throttled{errors.New("our own limit for this account is reached")}
			}
		}
	}
}

// throttled is our own refusal, before the vendor heard of the call.
type throttled struct{ error }

func (throttled) DriverCode() driver.Code { return driver.Throttled }

// codeWithin asks the error first, since our own decorators make some, then the driver.
func codeWithin(c driver.Cloud, err error) driver.Code {
	var known driver.Coded
	if errors.As(err, &known) {
		return known.DriverCode()
	}
	return c.Code(err)
}

// MemoryLimiter is the limiter of one process: the generic cell rate algorithm (ITU-T I.371), as the one on Redis is.
type MemoryLimiter struct {
	now func() time.Time
	mu  sync.Mutex
	due map[string]time.Time // theoretical arrival time
}

// NewMemoryLimiter returns a limiter; a nil clock is time.Now.
func NewMemoryLimiter(now func() time.Time) *MemoryLimiter {
	if now == nil {
		now = time.Now
	}
	return &MemoryLimiter{now: now, due: map[string]time.Time{}}
}

// forgetAbove bounds the keys that are kept: those whose burst is whole again are as good as new.
const forgetAbove = 10_000

// Take implements Limiter.
func (m *MemoryLimiter) Take(_ context.Context, key string, l Limit) (time.Duration, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	due := m.due[key]
	if due.Before(now) {
		due = now
	}
	next := due.Add(l.Every)
	if wait := next.Add(-time.Duration(max(l.Burst, 1)) * l.Every).Sub(now); wait > 0 {
		return wait, nil
	}
	m.due[key] = next
	if len(m.due) > forgetAbove {
		m.forget(now)
	}
	return 0, nil
}

func (m *MemoryLimiter) forget(now time.Time) {
	for k, due := range m.due {
		if due.Before(now) {
			delete(m.due, k)
		}
	}
}
