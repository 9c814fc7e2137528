package providers

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// Pools tells how to reach a pool: its row and its opened secret, "" for a driver that needs none.
type Pools interface {
	PoolAccount(ctx context.Context, poolID string) (duoyun.Pool, string, error)
}

// Directory opens the clouds of pools when they are first needed and keeps them while the pool's version stands. It is
// safe for concurrent use.
type Directory struct {
	pools   Pools
	openers map[string]driver.Opener
	options Options
	now     duoyun.Clock

	mu   sync.Mutex
	open map[string]*entry
}

type entry struct {
	mu      sync.Mutex // one goroutine opens, the others wait for it
	cloud   *Cloud
	version int64
	checked time.Time
	failure error // why it could not be opened at that time
}

const (
	// recheck is how long a cloud serves before the pool's version is read again.
	recheck = 10 * time.Second
	// retryOpen is how long a vendor that could not be reached is left alone: workers do not queue up before it.
	retryOpen = 5 * time.Second
)

// NewDirectory returns a directory over the drivers by name (package all lists them). A nil clock is time.Now.
func NewDirectory(pools Pools, openers map[string]driver.Opener, o Options, now duoyun.Clock) *Directory {
	if now == nil {
		now = time.Now
	}
	return &Directory{pools: pools, openers: openers, options: o, now: now, open: map[string]*entry{}}
}

// Cloud returns the cloud of a pool, opened if need be. An account that changed is opened anew within 10 s.
func (d *Directory) Cloud(ctx context.Context, poolID string) (*Cloud, error) {
	e := d.entry(poolID)
	e.mu.Lock()
	defer e.mu.Unlock()
	now := d.now()
	if e.cloud != nil && now.Sub(e.checked) < recheck {
		return e.cloud, nil
	}
	if e.failure != nil && now.Sub(e.checked) < retryOpen {
		return nil, e.failure
	}
	pool, secret, err := d.pools.PoolAccount(ctx, poolID)
	if err != nil {
		return nil, err
	}
	if e.cloud == nil || e.version != pool.Version {
		c, err := d.connect(ctx, pool, secret)
		e.cloud, e.version, e.failure = c, pool.Version, err
	}
	e.checked = d.now()
	return e.cloud, e.failure
}

func (d *Directory) entry(poolID string) *entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.open[poolID]
	if !ok {
		e = &entry{}
		d.open[poolID] = e
	}
	return e
}

func (d *Directory) connect(ctx context.Context, p duoyun.Pool, secret string) (*Cloud, error) {
	opener, ok := d.openers[p.Driver]
	if !ok {
		return nil, duoyun.Fail(duoyun.CodeInvalid, "driver", "没有名为 %s 的驱动", "there is no driver named %s", p.Driver)
	}
	var a driver.Account
	if len(p.Account) > 0 {
		if err := json.Unmarshal(p.Account, &a); err != nil {
			return nil, duoyun.Fail(duoyun.CodeInvalid, "account", "资源池 %s 的账号配置无法读取", "the account of pool %s cannot be read", p.Code).Because(err)
		}
	}
	a.Pool, a.Secret = p.ID, driver.NewSecret(secret)
	wrapper := &Cloud{pool: p, account: a, cloud: closed{}}
	c, err := opener(ctx, a)
	if err != nil {
		return nil, wrapper.wrap("open", "account", err)
	}
	return NewCloud(p, a, c, d.options), nil
}

// closed stands for a cloud that could not be opened: it only classifies.
type closed struct{}

func (closed) Capabilities() driver.Capabilities        { return driver.Capabilities{} }
func (closed) Kind(duoyun.Kind) (driver.Resource, bool) { return nil, false }
func (closed) Code(error) driver.Code                   { return driver.Unavailable }
