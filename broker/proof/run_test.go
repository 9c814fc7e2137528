package proof_test

import (
	"context"
	"errors"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// act is one thing a worker did to the outside, with what it got: a transaction, a call or a read.
type act struct {
	kind, fault string
	at          time.Time
	before      *state // of a transaction: what it began on
	after       *state
	answer      answer // of a call
	said        string // the answer, for telling moments apart
	read        any
}

// run takes a worker one act further. Workers are the real Purchaser: what one had done since it took its intent is
// replayed from its acts, then it does one more, and is stopped where it would do the next.
type run struct {
	purchaser *broker.Purchaser
	cloud     *providers.Cloud

	name    string // of the worker
	past    []act
	played  int
	at      time.Time // the worker's clock
	now     time.Time // the world's clock
	state   *state
	scratch *state
	grant   bool   // one more act may be done
	fault   string // that it meets
	blocked string // the act it would do next; "" when it has returned
}

// halt is panicked with where a worker would do the act after the one it was granted.
type halt struct{}

var errDatabase = errors.New("the connection to the database was lost")

// work runs the worker on an intent until it blocks or returns.
func (r *run) work(intentID string) {
	defer func() {
		if x := recover(); x != nil {
			if _, ok := x.(halt); !ok {
				panic(x)
			}
		}
	}()
	_, _ = r.purchaser.Work(context.Background(), intentID) // an error leaves the intent to its lease's end
	r.blocked = ""
}

// newRun is what all runs of one exploration share: it goes by the values that step puts into it.
func newRun(tokens time.Duration) *run {
	r := &run{}
	r.cloud = providers.NewCloud(duoyun.Pool{ID: "pool", Code: "pool"}, driver.Account{Endpoint: "https://cloud"}, cloud{r, tokens},
		providers.Options{Pause: func(context.Context, time.Duration) error { return nil }})
	r.purchaser = broker.NewPurchaser(memory{r}, r, memory{r}, broker.PurchaseOptions{Now: func() time.Time { return r.at }})
	return r
}

// Cloud implements broker.Clouds.
func (r *run) Cloud(context.Context, string) (*providers.Cloud, error) { return r.cloud, nil }

// replay returns the act that the worker did at this point before, and sets its clock to then.
func (r *run) replay() (act, bool) {
	if r.played == len(r.past) {
		return act{}, false
	}
	a := r.past[r.played]
	r.played++
	r.at = a.at
	return a, true
}

// begin stops the worker here unless one more act is granted, and returns the fault that act meets.
func (r *run) begin(kind string) string {
	if !r.grant {
		r.blocked = kind
		panic(halt{})
	}
	r.grant, r.at = false, r.now
	return r.fault
}

func (r *run) done(a act) {
	a.at = r.at
	r.past = append(r.past, a)
	r.played++
}

// transaction is serialisable, and may fail before or after its commit.
func (r *run) transaction(f func() error) error {
	a, again := r.replay()
	if !again {
		a = act{kind: "tx", fault: r.begin("tx"), before: r.state}
	}
	r.scratch = a.before.clone()
	err := f()
	if !again {
		if err == nil && a.fault != "rollback" {
			r.state = r.scratch
		}
		a.after = r.state
		r.done(a)
	}
	if a.fault != "" {
		return errDatabase
	}
	return err
}

func (r *run) call(kind string, f func(s *state, fault string) answer) answer {
	if a, again := r.replay(); again {
		return a.answer
	}
	fault := r.begin(kind)
	s := r.state.clone()
	answer := f(s, fault)
	r.state = s
	r.done(act{kind: kind, fault: fault, answer: answer, said: answer.String()})
	return answer
}

// leased is when the worker last took or extended its lease: a mutation follows at once on the transaction that did.
func (r *run) leased() (t time.Time) {
	for _, a := range r.past {
		if a.kind == "tx" {
			t = a.at
		}
	}
	return t
}

// read is a read outside any transaction. It happens together with the act before it.
func read[T any](r *run, f func(s *state) T) T {
	if a, again := r.replay(); again {
		return a.read.(T)
	}
	v := f(r.state)
	r.done(act{kind: "read", read: v})
	return v
}
