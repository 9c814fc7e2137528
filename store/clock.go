package store

import (
	"context"
	"database/sql"
	"sync/atomic"
	"time"

	"github.com/duoyun/duoyun"
)

// BusinessClock dates orders, usage and statements. It is the real clock plus an offset that all replicas share; only
// demonstrations and tests ever move it, and only forwards.
type BusinessClock struct {
	store  *Store
	offset atomic.Int64 // nanoseconds
}

const clockSetting = "business_clock_offset"

// BusinessClock returns the business clock at the stored offset; call Refresh from time to time to learn of other
// replicas' moves.
func (s *Store) BusinessClock(ctx context.Context) (*BusinessClock, error) {
	c := &BusinessClock{store: s}
	return c, c.Refresh(ctx)
}

// Refresh reads the offset again.
func (c *BusinessClock) Refresh(ctx context.Context) error {
	v, err := c.store.Setting(ctx, clockSetting)
	if err != nil || v == "" {
		return err
	}
	d, err := time.ParseDuration(v)
	if err == nil {
		c.offset.Store(int64(d))
	}
	return err
}

// Now is the business time.
func (c *BusinessClock) Now() time.Time { return c.store.now().Add(time.Duration(c.offset.Load())) }

// StartAt sets the business clock before anything has been dated by it: where a demonstration's story begins. A clock
// that was set before is left alone, so that a demonstration that is run again goes on.
func (c *BusinessClock) StartAt(ctx context.Context, t time.Time) error {
	set, err := c.store.Setting(ctx, clockSetting)
	if err != nil || set != "" {
		return err
	}
	return c.set(ctx, t.Sub(c.store.now()))
}

// AdvanceTo moves the business clock forward to t; an earlier t is refused.
func (c *BusinessClock) AdvanceTo(ctx context.Context, t time.Time) error {
	d := t.Sub(c.store.now())
	if d < time.Duration(c.offset.Load()) {
		return duoyun.Fail(duoyun.CodeInvalid, "to", "业务时钟只能向前：现在是 %s", "the business clock only moves forward: it is %s now",
			c.Now().In(duoyun.Civil).Format(time.DateTime))
	}
	return c.set(ctx, d)
}

func (c *BusinessClock) set(ctx context.Context, d time.Duration) error {
	err := c.store.InTx(ctx, func(tx *sql.Tx) error { return c.store.SetSetting(ctx, tx, clockSetting, d.String()) })
	if err == nil {
		c.offset.Store(int64(d))
	}
	return err
}
