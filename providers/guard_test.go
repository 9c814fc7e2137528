package providers_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// ward is a cloud behind a breaker, with a clock that tests move.
type ward struct {
	t            *testing.T
	now          time.Time
	breaker      *providers.MemoryBreaker
	cloud        *providers.Cloud
	runs, lists  int
	silent, mute bool // of everything; of mutations alone
	code         driver.Code
}

func newWard(t *testing.T) *ward {
	w := &ward{t: t, now: time.Now(), code: driver.InDoubt}
	w.breaker = providers.NewMemoryBreaker(func() time.Time { return w.now })
	w.cloud = open(w, providers.Options{Breaker: w.breaker})
	return w
}

func (w *ward) Capabilities() driver.Capabilities {
	return driver.Capabilities{CallTimeout: time.Second, Settling: time.Second}
}
func (w *ward) Kind(k duoyun.Kind) (driver.Resource, bool) { return w, k == duoyun.KindServer }
func (w *ward) Code(error) driver.Code                     { return w.code }
func (w *ward) Plan(driver.Change) ([]driver.Step, error)  { return nil, nil }
func (w *ward) Run(context.Context, driver.Call) (driver.Reply, error) {
	w.runs++
	return driver.Reply{ID: "1"}, w.failing(w.silent || w.mute)
}
func (w *ward) Look(context.Context, driver.Call) (driver.Evidence, error) {
	return driver.Evidence{State: driver.Done}, w.failing(w.silent)
}
func (w *ward) Observe(context.Context, string) (driver.Observation, error) {
	return driver.Observation{}, w.failing(w.silent)
}
func (w *ward) List(context.Context, string) (driver.Page, error) {
	w.lists++
	return driver.Page{}, w.failing(w.silent)
}

func (w *ward) failing(yes bool) error {
	if yes {
		return errors.New("no answer")
	}
	return nil
}

func (w *ward) run() driver.Code {
	step, in := call()
	_, err := w.cloud.Run(context.Background(), step, in)
	return providers.CodeOf(err)
}

func (w *ward) look() driver.Code {
	_, in := call()
	_, err := w.cloud.Look(context.Background(), in)
	return providers.CodeOf(err)
}

func TestMutationsThatGoUnansweredAreBarredAndReadsAreNot(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.mute = true
	for range providers.OpenAfter {
		if got := w.run(); got != driver.InDoubt {
			t.Fatalf("code %q", got)
		}
	}
	if got := w.run(); got != driver.Unavailable || w.runs != providers.OpenAfter || !providers.Refused(got) {
		t.Fatalf("%q after %d calls: what is barred was not sent", got, w.runs)
	}
	if got := w.look(); got != driver.OK {
		t.Fatalf("doubts are settled by reads: %q", got)
	}
}

func TestAHalfOpenAccountIsReadBeforeAMutationIsTried(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.silent = true
	for range providers.OpenAfter {
		w.run()
	}
	w.now = w.now.Add(providers.OpenFor)
	if got := w.run(); got != driver.Unavailable || w.runs != providers.OpenAfter || w.lists != 1 {
		t.Fatalf("%q: %d mutations, %d reads", got, w.runs, w.lists)
	}
	if got := w.run(); got != driver.Unavailable || w.lists != 1 {
		t.Fatalf("%q: the trial failed, and %d more were made", got, w.lists-1)
	}
	w.silent = false
	w.now = w.now.Add(2 * providers.OpenFor)
	if got := w.run(); got != driver.OK || w.lists != 2 {
		t.Fatalf("%q after %d reads", got, w.lists)
	}
	if got := w.run(); got != driver.OK || w.lists != 2 {
		t.Fatalf("closed: %q after %d reads", got, w.lists)
	}
}

func TestNoMutationIsSentToAnAccountThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.silent = true
	for w.look() == driver.InDoubt {
	}
	if got := w.run(); got != driver.Unavailable || w.runs != 0 {
		t.Fatalf("%q after %d calls", got, w.runs)
	}
}

func TestWhatAVendorRefusesItHasAnswered(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.mute = true
	for _, code := range []driver.Code{driver.Quota, driver.SoldOut, driver.Invalid, driver.Auth, driver.NotFound, driver.NotReady, driver.Throttled} {
		w.code = code
		for range 2 * providers.OpenAfter {
			if got := w.run(); got != code {
				t.Fatalf("%q became %q", code, got)
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w.code = driver.InDoubt
	for range 2 * providers.OpenAfter {
		step, in := call()
		_, _ = w.cloud.Run(ctx, step, in)
	}
	if got := w.run(); got != driver.InDoubt {
		t.Fatalf("calls that we broke off say nothing of the vendor: %q", got)
	}
}

// deaf is a breaker that has lost its mind.
type deaf struct{}

func (deaf) Allow(context.Context, string) (providers.Leave, error) {
	return providers.Barred, errors.New("gone")
}
func (deaf) Report(context.Context, string, providers.Leave, providers.Outcome) error {
	return errors.New("gone")
}
func (deaf) Health(context.Context, string) (duoyun.Health, error) {
	return duoyun.Health{State: duoyun.CircuitOpen}, errors.New("gone")
}

func TestABreakerThatDoesNotKnowBarsNothing(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	w.cloud = open(w, providers.Options{Breaker: deaf{}})
	if run, look := w.run(), w.look(); run != driver.OK || look != driver.OK {
		t.Fatalf("run %q, look %q", run, look)
	}
}

func TestADirectoryBarsAnAccountThatCannotBeReadButProbesIt(t *testing.T) {
	t.Parallel()
	w := newWard(t)
	d := providers.NewDirectory(&pools{version: 1}, map[string]driver.Opener{"stub": func(context.Context, driver.Account) (driver.Cloud, error) { return w, nil }},
		providers.Options{Breaker: w.breaker, Pause: func(context.Context, time.Duration) error { return nil }}, func() time.Time { return w.now })
	get := func() driver.Code { _, err := d.Cloud(context.Background(), "p"); return providers.CodeOf(err) }
	if got := get(); got != driver.OK {
		t.Fatal(got)
	}
	w.silent = true
	for w.look() == driver.InDoubt {
	}
	if got := get(); got != driver.Unavailable {
		t.Fatalf("open: %q", got)
	}
	if err := d.Probe(context.Background(), "p"); providers.CodeOf(err) != driver.InDoubt || w.lists != 1 {
		t.Fatalf("a probe asks the vendor itself: %v after %d calls", err, w.lists)
	}
	w.silent = false
	if err := d.Probe(context.Background(), "p"); err != nil {
		t.Fatal(err)
	}
	if got := get(); got != driver.OK {
		t.Fatalf("a probe that is answered closes the circuit: %q", got)
	}
}

func TestNobodyWaitsInLineForAnAccountThatTakesLongToOpen(t *testing.T) {
	t.Parallel()
	release, opening := make(chan struct{}), make(chan struct{})
	d := providers.NewDirectory(&pools{version: 1}, map[string]driver.Opener{"stub": func(context.Context, driver.Account) (driver.Cloud, error) {
		close(opening)
		<-release
		return &stub{}, nil
	}}, providers.Options{}, nil)
	var first sync.WaitGroup
	first.Go(func() {
		if _, err := d.Cloud(context.Background(), "p"); err != nil {
			t.Error(err)
		}
	})
	<-opening
	if _, err := d.Cloud(context.Background(), "p"); providers.CodeOf(err) != driver.Unavailable {
		t.Errorf("%v", err)
	}
	close(release)
	first.Wait()
}

func TestAPoolTakesNoMoreWorkersThanItsShare(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := open(&stub{}, providers.Options{Workers: 4, Now: func() time.Time { return now }})
	var leaves []func()
	for range 4 {
		leave, wait := c.Enter()
		if wait != 0 {
			t.Fatalf("wait %v with room left", wait)
		}
		leaves = append(leaves, leave)
	}
	now = now.Add(4 * time.Second)
	for i := range 20 {
		_, wait := c.Enter()
		if want := min(time.Duration(i+1)*time.Second, 10*time.Second); wait != want {
			t.Fatalf("the %d-th is told to come in %v, want %v: visits take 4 s and 4 have room", i, wait, want)
		}
	}
	leaves[0]()
	if leave, wait := c.Enter(); wait != 0 || leave == nil {
		t.Fatalf("wait %v though one has left", wait)
	}
}

func TestAtAPoolWhoseVisitsAreShortAWorkerWaitsForThePlaceThatComesFree(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := open(&stub{}, providers.Options{Workers: 1, Now: func() time.Time { return now }})
	leave, _ := c.Enter()
	entered := make(chan time.Duration)
	go func() {
		second, wait := c.Enter()
		if second != nil {
			second()
		}
		entered <- wait
	}()
	leave()
	if wait := <-entered; wait != 0 {
		t.Fatalf("turned away for %v, though a place came free", wait)
	}
}
