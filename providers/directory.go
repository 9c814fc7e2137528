package providers

import (
	"context"
	"encoding/json"
	"errors"
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
	opening chan struct{} // one goroutine opens or rechecks at a time: it holds the place

	mu      sync.Mutex // of what follows
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

// Cloud returns the cloud of a pool, opened if need be. An account that changed is opened anew within 10 s. An account
// that does not answer is Unavailable at once, and so is one that takes long to open: nobody waits in line for it.
func (d *Directory) Cloud(ctx context.Context, poolID string) (*Cloud, error) {
	c, err := d.opened(ctx, poolID)
	if err == nil && c.guard != nil && c.guard.health(ctx, verbRead).State == duoyun.CircuitOpen {
		return nil, c.wrap("open", "account", errShut())
	}
	return c, err
}

// opened is Cloud whatever its circuit.
func (d *Directory) opened(ctx context.Context, poolID string) (*Cloud, error) {
	e := d.entry(poolID)
	if c, err, fresh := e.latest(d.now()); fresh {
		return c, err
	}
	if !e.turn(ctx) {
		if c, err, _ := e.latest(d.now()); c != nil || err != nil {
			return c, err // what there was before will do
		}
		return nil, (&Cloud{pool: duoyun.Pool{ID: poolID, Code: poolID}, cloud: closed{}}).wrap("open", "account", errOpening())
	}
	defer func() { <-e.opening }()
	if c, err, fresh := e.latest(d.now()); fresh {
		return c, err
	}
	pool, secret, err := d.pools.PoolAccount(ctx, poolID)
	if err != nil {
		return nil, err
	}
	c, failure, known := e.of(pool.Version)
	if !known {
		c, failure = d.connect(ctx, pool, secret)
	}
	e.keep(c, pool.Version, d.now(), failure)
	return c, failure
}

// Health tells how a pool's account has answered lately; without a breaker nobody knows otherwise than well.
func (d *Directory) Health(ctx context.Context, poolID string) (read, mutate duoyun.Health) {
	if d.options.Breaker == nil {
		well := duoyun.Health{State: duoyun.CircuitNormal}
		return well, well
	}
	g := guard{breaker: d.options.Breaker, pool: poolID}
	return g.health(ctx, verbRead), g.health(ctx, verbMutate)
}

// latest is what is known, and whether it may be used without asking anew.
func (e *entry) latest(now time.Time) (c *Cloud, failure error, fresh bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	age := now.Sub(e.checked)
	return e.cloud, e.failure, e.cloud != nil && age < recheck || e.failure != nil && age < retryOpen
}

// of is the cloud of a version.
func (e *entry) of(version int64) (c *Cloud, failure error, known bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.cloud, e.failure, e.cloud != nil && e.version == version
}

func (e *entry) keep(c *Cloud, version int64, now time.Time, failure error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cloud, e.version, e.checked, e.failure = c, version, now, failure
}

// longestOpen is how long a caller waits for another that is opening the same account.
const longestOpen = time.Second

// turn waits for its turn to open; false when that takes too long.
func (e *entry) turn(ctx context.Context) bool {
	select {
	case e.opening <- struct{}{}:
		return true
	default:
	}
	t := time.NewTimer(longestOpen)
	defer t.Stop()
	select {
	case e.opening <- struct{}{}:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	return false
}

func (d *Directory) entry(poolID string) *entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	e, ok := d.open[poolID]
	if !ok {
		e = &entry{opening: make(chan struct{}, 1)}
		d.open[poolID] = e
	}
	return e
}

func (d *Directory) connect(ctx context.Context, p duoyun.Pool, secret string) (*Cloud, error) {
	opener, a, err := d.account(p, secret)
	if err != nil {
		return nil, err
	}
	wrapper := &Cloud{pool: p, account: a, cloud: closed{}}
	c, err := opener(ctx, a)
	if err != nil {
		return nil, wrapper.wrap("open", "account", err)
	}
	o := d.options
	o.Now = d.now
	return NewCloud(p, a, c, o), nil
}

// account is how a pool is reached, and by which driver.
func (d *Directory) account(p duoyun.Pool, secret string) (driver.Opener, driver.Account, error) {
	var a driver.Account
	opener, ok := d.openers[p.Driver]
	if !ok {
		return nil, a, duoyun.Fail(duoyun.CodeInvalid, "driver", "没有名为 %s 的驱动", "there is no driver named %s", p.Driver)
	}
	if len(p.Account) > 0 {
		if err := json.Unmarshal(p.Account, &a); err != nil {
			return nil, a, duoyun.Fail(duoyun.CodeInvalid, "account", "资源池 %s 的账号配置无法读取", "the account of pool %s cannot be read", p.Code).Because(err)
		}
	}
	a.Pool, a.Secret = p.ID, driver.NewSecret(secret)
	return opener, a, nil
}

func errOpening() error { return shut{errors.New("the account is being opened, and that takes long")} }

// closed stands for a cloud that could not be opened: it only classifies.
type closed struct{}

func (closed) Capabilities() driver.Capabilities        { return driver.Capabilities{} }
func (closed) Kind(duoyun.Kind) (driver.Resource, bool) { return nil, false }
func (closed) Code(error) driver.Code                   { return driver.Unavailable }
