// Package providers is the portable side of the vendors' clouds. Cloud wraps a driver with checks, marks, deadlines,
// limits, retried reads, observation and one kind of error; Directory opens the clouds of pools and keeps them.
package providers

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// Cloud is the portable cloud of one pool. All its methods may be called by many goroutines at once. Their errors are
// *Error; CodeOf tells what an error means for the purchase protocol.
type Cloud struct {
	pool    duoyun.Pool
	cloud   driver.Cloud // decorated
	account driver.Account
	guard   *guard // nil without a breaker
	gate    *gate
}

// Options are the decorations of a Cloud; the zero value works.
type Options struct {
	Limiter Limiter  // nil: calls are not limited
	Limit   Limit    // of one account; zero: DefaultLimit
	Observe Observer // told of every wire call; may be nil
	Breaker Breaker  // nil: a vendor that does not answer is called all the same
	Workers int      // how many may be at one pool's calls at once; 0: any number
	Now     duoyun.Clock
	// Pause waits between the attempts of a read and for a free call; nil: a timer.
	Pause func(ctx context.Context, d time.Duration) error
}

// NewCloud wraps a driver's cloud for a pool: retry(limit(guard(observe(driver)))). Each attempt of a read counts for
// the guard, and what our own limit held back does not.
func NewCloud(pool duoyun.Pool, account driver.Account, c driver.Cloud, o Options) *Cloud {
	if o.Pause == nil {
		o.Pause = pause
	}
	c = decorate(c, observed(pool, c, o.Observe))
	var g *guard
	if o.Breaker != nil {
		g = &guard{breaker: o.Breaker, pool: pool.ID, cloud: c}
		c = decorate(c, g.around)
	}
	if o.Limiter != nil {
		if o.Limit == (Limit{}) {
			o.Limit = DefaultLimit()
		}
		c = decorate(c, limited(o.Limiter, "vendor:"+pool.ID, o.Limit, o.Pause))
	}
	return &Cloud{pool: pool, account: account, cloud: decorate(c, retried(c, o.Pause)), guard: g, gate: newGate(o.Workers, o.Now)}
}

// Enter asks for room among the workers that are at this pool's calls; leave gives it back. wait > 0 means that there is
// none, and when to come again.
func (c *Cloud) Enter() (leave func(), wait time.Duration) { return c.gate.enter() }

// Pool is the pool this cloud belongs to.
func (c *Cloud) Pool() duoyun.Pool { return c.pool }

// Driver is the decorated driver, for driver.As.
func (c *Cloud) Driver() driver.Cloud { return c.cloud }

// Endpoint names the account this cloud is reached through: what one endpoint or project does not show proves nothing
// about another. An application credential stands for its project where the account names none.
func (c *Cloud) Endpoint() string {
	a := c.account
	parts := []string{a.Endpoint, a.Region, a.Domain, a.Project}
	if a.Project == "" {
		parts = append(parts, a.AppCredID)
	}
	for _, service := range slices.Sorted(maps.Keys(a.Endpoints)) {
		parts = append(parts, service+"="+a.Endpoints[service])
	}
	return strings.Join(parts, " ")
}

// Capabilities says how long this cloud takes to settle; the call timeout is never 0.
func (c *Cloud) Capabilities() driver.Capabilities {
	k := c.cloud.Capabilities()
	if k.CallTimeout <= 0 {
		k.CallTimeout = 20 * time.Second
	}
	return k
}

// Offers reports whether the cloud has the kind.
func (c *Cloud) Offers(k duoyun.Kind) bool { _, ok := c.cloud.Kind(k); return ok }

// Plan returns the steps of a change. A change that breaks a rule, or that this cloud cannot make, has code Invalid.
func (c *Cloud) Plan(ch driver.Change) ([]driver.Step, error) {
	r, err := c.resource(ch.Kind)
	if err != nil {
		return nil, err
	}
	if err := checkChange(ch); err != nil {
		return nil, c.fail("plan", ch.Kind, driver.Invalid, err)
	}
	steps, err := r.Plan(ch)
	if err != nil {
		return nil, c.wrap("plan", ch.Kind, err)
	}
	if err := checkSteps(ch, steps); err != nil {
		return nil, c.fail("plan", ch.Kind, driver.Invalid, err)
	}
	return steps, nil
}

// Run makes the one wire mutation of a step, within the cloud's call timeout. Only an error whose code is Refused
// means that nothing was done. A reply that is not what the step promises is in doubt: it is never guessed at.
func (c *Cloud) Run(ctx context.Context, step driver.Step, call driver.Call) (driver.Reply, error) {
	r, err := c.resource(call.Kind)
	if err != nil {
		return driver.Reply{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Capabilities().CallTimeout)
	defer cancel()
	ctx, heard := driver.WithTranscript(ctx)
	op := "run " + call.Step
	reply, err := r.Run(ctx, call)
	var failed *Error
	if err != nil {
		failed = c.wrap(op, call.Kind, err)
	} else if err := checkReply(step, call, reply); err != nil {
		failed = c.fail(op, call.Kind, driver.InDoubt, err)
	} else {
		return reply, nil
	}
	if !Refused(failed.Code) {
		failed.Code = driver.InDoubt // an unknown word about a mutation settles nothing
		failed.Reply = c.verbatim(heard)
	}
	return reply, failed
}

// Look tells whether a step's effect is there. It only reads.
func (c *Cloud) Look(ctx context.Context, call driver.Call) (driver.Evidence, error) {
	r, err := c.resource(call.Kind)
	if err != nil {
		return driver.Evidence{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.readTimeout())
	defer cancel()
	e, err := r.Look(ctx, call)
	if err != nil {
		return e, c.wrap("look "+call.Step, call.Kind, err)
	}
	if !known(e.State) {
		e.State, e.Detail = driver.Conflict, "the driver reports the unknown state "+string(e.State)
	}
	e.Detail = c.clean(e.Detail)
	return e, nil
}

// Observe reads one resource by its vendor id. Code NotFound means that the vendor says it has no such thing.
func (c *Cloud) Observe(ctx context.Context, k duoyun.Kind, id string) (driver.Observation, error) {
	r, err := c.resource(k)
	if err != nil {
		return driver.Observation{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.readTimeout())
	defer cancel()
	o, err := r.Observe(ctx, id)
	if err != nil {
		return o, c.wrap("observe", k, err)
	}
	o.Raw = c.cleanJSON(o.Raw)
	return o, nil
}

// List reads one page of a kind in the account, ours or not; cursor "" is the first page.
func (c *Cloud) List(ctx context.Context, k duoyun.Kind, cursor string) (driver.Page, error) {
	r, err := c.resource(k)
	if err != nil {
		return driver.Page{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.readTimeout())
	defer cancel()
	p, err := r.List(ctx, cursor)
	if err != nil {
		return p, c.wrap("list", k, err)
	}
	if p.Next == cursor && p.Next != "" {
		return p, c.fail("list", k, driver.Unavailable, errSameCursor())
	}
	return p, nil
}

// ListParts pages over the parts of a kind's units beside their main objects; a driver that does not tell has none.
func (c *Cloud) ListParts(ctx context.Context, k duoyun.Kind, cursor string) ([]driver.Part, string, error) {
	r, err := c.resource(k)
	if err != nil {
		return nil, "", err
	}
	l, ok := r.(driver.PartLister)
	if !ok {
		return nil, "", nil
	}
	ctx, cancel := context.WithTimeout(ctx, c.readTimeout())
	defer cancel()
	parts, next, err := l.ListParts(ctx, cursor)
	if err != nil {
		return nil, "", c.wrap("list", k, err)
	}
	if next == cursor && next != "" {
		return nil, "", c.fail("list", k, driver.Unavailable, errSameCursor())
	}
	return parts, next, nil
}

// readTimeout leaves room for a read's attempts, each of which the driver bounds itself.
func (c *Cloud) readTimeout() time.Duration { return 3 * c.Capabilities().CallTimeout }

func (c *Cloud) resource(k duoyun.Kind) (driver.Resource, error) {
	r, ok := c.cloud.Kind(k)
	if !ok {
		return nil, c.fail("plan", k, driver.Invalid, errNotOffered(k))
	}
	return r, nil
}

func (c *Cloud) cleanJSON(raw json.RawMessage) json.RawMessage {
	return redactJSON(raw, c.secrets()...)
}
