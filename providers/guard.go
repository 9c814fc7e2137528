package providers

import (
	"context"
	"errors"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// guard keeps calls away from an account that does not answer: one circuit for its reads, one for its mutations, since a
// cloud may be read while nothing can be made on it. Doubt is settled by reads, which broken mutations do not bar.
type guard struct {
	breaker Breaker
	pool    string
	cloud   driver.Cloud // below the guard
}

// shut is our own refusal, before the vendor heard of the call.
type shut struct{ error }

func (shut) DriverCode() driver.Code { return driver.Unavailable }

func errShut() error {
	return shut{errors.New("the account has not answered lately: it is left alone for a moment")}
}

const (
	verbRead   = "read"
	verbMutate = "mutate"
)

func (g *guard) key(verb string) string { return "circuit:" + g.pool + ":" + verb }

// around is the decorator. A call that was not made is Unavailable: nothing was done.
func (g *guard) around(ctx context.Context, w wire, call func(context.Context) error) error {
	if !w.Mutation {
		return g.judged(ctx, verbRead, g.allow(ctx, verbRead), call)
	}
	if g.health(ctx, verbRead).State == duoyun.CircuitOpen {
		return errShut()
	}
	leave := g.allow(ctx, verbMutate)
	if leave == Trial {
		if o := g.outcome(ctx, g.readable(ctx, w.Kind)); o != Answered {
			g.report(ctx, verbMutate, leave, o)
			return errShut()
		}
	}
	return g.judged(ctx, verbMutate, leave, call)
}

// readable tries an account by a read before a mutation is: a read that is lost leaves no doubt.
func (g *guard) readable(ctx context.Context, k duoyun.Kind) error {
	if end, bounded := ctx.Deadline(); bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, time.Until(end)/2)
		defer cancel()
	}
	return g.judged(ctx, verbRead, g.allow(ctx, verbRead), g.firstPage(k))
}

func (g *guard) firstPage(k duoyun.Kind) func(context.Context) error {
	return func(ctx context.Context) error {
		r, ok := g.cloud.Kind(k)
		if !ok {
			return nil
		}
		_, err := r.List(ctx, "")
		return err
	}
}

// ask reads whatever the circuit says, as its trial.
func (g *guard) ask(ctx context.Context, k duoyun.Kind) error {
	return g.judged(ctx, verbRead, Trial, g.firstPage(k))
}

func (g *guard) judged(ctx context.Context, verb string, l Leave, call func(context.Context) error) error {
	if l == Barred {
		return errShut()
	}
	err := call(ctx)
	g.report(ctx, verb, l, g.outcome(ctx, err))
	return err
}

// outcome: what the vendor refused it has answered. Silence, broken connections and 5xx are Unavailable or InDoubt.
func (g *guard) outcome(ctx context.Context, err error) Outcome {
	var own shut
	switch {
	case err == nil:
		return Answered
	case errors.As(err, &own), errors.Is(err, context.Canceled), errors.Is(ctx.Err(), context.Canceled):
		return Untold
	}
	switch codeWithin(g.cloud, err) {
	case driver.Unavailable, driver.InDoubt:
		return Unanswered
	}
	return Answered
}

// allow lets the call through where the breaker does not know.
func (g *guard) allow(ctx context.Context, verb string) Leave {
	l, err := g.breaker.Allow(ctx, g.key(verb))
	if err != nil {
		return Pass
	}
	return l
}

func (g *guard) report(ctx context.Context, verb string, l Leave, o Outcome) {
	_ = g.breaker.Report(context.WithoutCancel(ctx), g.key(verb), l, o) // what is not counted is counted next time
}

func (g *guard) health(ctx context.Context, verb string) duoyun.Health {
	h, err := g.breaker.Health(ctx, g.key(verb))
	if err != nil {
		return duoyun.Health{State: duoyun.CircuitNormal}
	}
	return h
}
