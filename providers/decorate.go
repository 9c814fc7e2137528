package providers

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// wire is one call on its way to the vendor.
type wire struct {
	Op       string // run, look, observe, list
	Kind     duoyun.Kind
	Step     string
	Mutation bool
}

// around surrounds a wire call; call makes it. Every decorator is one such function, so that all of them cover the same
// calls.
type around func(ctx context.Context, w wire, call func(ctx context.Context) error) error

// decorated is a cloud whose every wire call goes through around.
type decorated struct {
	driver.Cloud
	around around
}

func decorate(c driver.Cloud, a around) driver.Cloud { return decorated{Cloud: c, around: a} }

// Unwrap implements driver.Unwrapper.
func (d decorated) Unwrap() driver.Cloud { return d.Cloud }

// Kind implements driver.Cloud.
func (d decorated) Kind(k duoyun.Kind) (driver.Resource, bool) {
	r, ok := d.Cloud.Kind(k)
	if !ok {
		return nil, false
	}
	return decoratedResource{Resource: r, kind: k, around: d.around}, true
}

type decoratedResource struct {
	driver.Resource // Plan makes no calls: it passes as it is
	kind            duoyun.Kind
	around          around
}

func (r decoratedResource) Run(ctx context.Context, c driver.Call) (reply driver.Reply, err error) {
	err = r.around(ctx, wire{Op: "run", Kind: r.kind, Step: c.Step, Mutation: true}, func(ctx context.Context) (err error) {
		reply, err = r.Resource.Run(ctx, c)
		return err
	})
	return reply, err
}

func (r decoratedResource) Look(ctx context.Context, c driver.Call) (e driver.Evidence, err error) {
	err = r.around(ctx, wire{Op: "look", Kind: r.kind, Step: c.Step}, func(ctx context.Context) (err error) {
		e, err = r.Resource.Look(ctx, c)
		return err
	})
	return e, err
}

func (r decoratedResource) Observe(ctx context.Context, id string) (o driver.Observation, err error) {
	err = r.around(ctx, wire{Op: "observe", Kind: r.kind}, func(ctx context.Context) (err error) {
		o, err = r.Resource.Observe(ctx, id)
		return err
	})
	return o, err
}

func (r decoratedResource) List(ctx context.Context, cursor string) (p driver.Page, err error) {
	err = r.around(ctx, wire{Op: "list", Kind: r.kind}, func(ctx context.Context) (err error) {
		p, err = r.Resource.List(ctx, cursor)
		return err
	})
	return p, err
}

// ListParts implements driver.PartLister; a driver that does not tell of parts has none.
func (r decoratedResource) ListParts(ctx context.Context, cursor string) (parts []driver.Part, next string, err error) {
	l, ok := r.Resource.(driver.PartLister)
	if !ok {
		return nil, "", nil
	}
	err = r.around(ctx, wire{Op: "list", Kind: r.kind}, func(ctx context.Context) (err error) {
		parts, next, err = l.ListParts(ctx, cursor)
		return err
	})
	return parts, next, err
}

const readTries = 3

// retried repeats reads that the vendor limited or could not answer; a mutation passes once, whatever comes of it:
// only the purchase protocol sends a mutation again.
func retried(c driver.Cloud, pause func(context.Context, time.Duration) error) around {
	return func(ctx context.Context, w wire, call func(context.Context) error) error {
		err := call(ctx)
		if w.Mutation {
			return err
		}
		for try := 1; try < readTries && worthRepeating(c, err); try++ {
			backOff := time.Duration(100<<try+rand.IntN(100)) * time.Millisecond
			if pause(ctx, backOff) != nil {
				break
			}
			err = call(ctx)
		}
		return err
	}
}

func worthRepeating(c driver.Cloud, err error) bool {
	var own shut
	if err == nil || errors.As(err, &own) {
		return false
	}
	switch codeWithin(c, err) {
	case driver.Throttled, driver.Unavailable, driver.InDoubt:
		return true
	}
	return false
}

// Event is one wire call that has ended.
type Event struct {
	Pool     duoyun.Pool
	Kind     duoyun.Kind
	Op       string // run, look, observe, list
	Step     string
	Code     driver.Code
	Took     time.Duration
	TraceID  string
	Mutation bool
}

// Observer is told of every wire call, from many goroutines at once: metrics, traces and logs hang on it.
type Observer func(ctx context.Context, e Event)

func observed(p duoyun.Pool, c driver.Cloud, tell Observer) around {
	return func(ctx context.Context, w wire, call func(context.Context) error) error {
		if tell == nil {
			return call(ctx)
		}
		start := time.Now()
		err := call(ctx)
		tell(ctx, Event{Pool: p, Kind: w.Kind, Op: w.Op, Step: w.Step, Code: codeWithin(c, err), Took: time.Since(start),
			TraceID: duoyun.TraceOf(ctx), Mutation: w.Mutation})
		return err
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
