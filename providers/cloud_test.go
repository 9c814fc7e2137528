package providers_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// stub is a driver whose answers a test gives.
type stub struct {
	run     func(ctx context.Context) (driver.Reply, error)
	observe func() (driver.Observation, error)
	plan    []driver.Step
	code    driver.Code
}

func (s *stub) Capabilities() driver.Capabilities {
	return driver.Capabilities{CallTimeout: 50 * time.Millisecond, Settling: time.Second}
}
func (s *stub) Kind(k duoyun.Kind) (driver.Resource, bool) { return s, k == duoyun.KindServer }
func (s *stub) Code(error) driver.Code                     { return s.code }
func (s *stub) Plan(driver.Change) ([]driver.Step, error)  { return s.plan, nil }
func (s *stub) Run(ctx context.Context, _ driver.Call) (driver.Reply, error) {
	return s.run(ctx)
}
func (s *stub) Look(context.Context, driver.Call) (driver.Evidence, error) {
	return driver.Evidence{State: "nonsense"}, nil
}
func (s *stub) Observe(context.Context, string) (driver.Observation, error) { return s.observe() }
func (s *stub) List(context.Context, string) (driver.Page, error) {
	return driver.Page{Next: "same"}, nil
}
func (s *stub) Quota(context.Context) (map[duoyun.Dimension]driver.Allowance, error) { return nil, nil }

var server = duoyun.ServerSpec{VCPU: 1, RAMGiB: 1, SystemDiskGiB: 20, Image: "kylin-v10"}

func call() (driver.Step, driver.Call) {
	return driver.Step{Name: "server", Main: true}, driver.Call{Step: "server", Change: driver.Change{Op: duoyun.OpCreate,
		Kind: duoyun.KindServer, Mark: duoyun.Mark(duoyun.NewID(time.Now())), After: server}}
}

func open(c driver.Cloud, o providers.Options) *providers.Cloud {
	if o.Pause == nil {
		o.Pause = func(context.Context, time.Duration) error { return nil }
	}
	return providers.NewCloud(duoyun.Pool{ID: "p", Code: "telecom-1"}, driver.Account{Secret: driver.NewSecret("hunter2")}, c, o)
}

func TestAMutationIsNeverRepeatedAndAReadIs(t *testing.T) {
	t.Parallel()
	runs, reads := 0, 0
	s := &stub{code: driver.Throttled,
		run:     func(context.Context) (driver.Reply, error) { runs++; return driver.Reply{}, errors.New("slow down") },
		observe: func() (driver.Observation, error) { reads++; return driver.Observation{}, errors.New("slow down") }}
	var events []providers.Event
	c := open(s, providers.Options{Observe: func(_ context.Context, e providers.Event) { events = append(events, e) }})
	step, in := call()
	if _, err := c.Run(context.Background(), step, in); providers.CodeOf(err) != driver.Throttled || runs != 1 {
		t.Fatalf("run: %v after %d calls", err, runs)
	}
	if _, err := c.Observe(context.Background(), duoyun.KindServer, "x"); err == nil || reads != 3 {
		t.Fatalf("observe: %v after %d calls", err, reads)
	}
	if len(events) != 4 || !events[0].Mutation || events[0].Code != driver.Throttled || events[1].Op != "observe" {
		t.Fatalf("every wire call is observed: %+v", events)
	}
}

func TestAnErrorNobodyKnowsLeavesAMutationInDoubt(t *testing.T) {
	t.Parallel()
	for _, code := range []driver.Code{"", "brand new", driver.InDoubt} {
		s := &stub{code: code, run: func(context.Context) (driver.Reply, error) { return driver.Reply{}, errors.New("what?") }}
		step, in := call()
		if _, err := open(s, providers.Options{}).Run(context.Background(), step, in); providers.CodeOf(err) != driver.InDoubt {
			t.Errorf("code %q: %v", code, err)
		}
	}
}

func TestASuccessThatNamesNothingIsInDoubt(t *testing.T) {
	t.Parallel()
	s := &stub{run: func(context.Context) (driver.Reply, error) { return driver.Reply{RequestID: "r"}, nil }}
	step, in := call()
	if _, err := open(s, providers.Options{}).Run(context.Background(), step, in); providers.CodeOf(err) != driver.InDoubt {
		t.Fatalf("%v", err)
	}
}

func TestAMutationEndsAtTheCallTimeout(t *testing.T) {
	t.Parallel()
	s := &stub{code: driver.InDoubt, run: func(ctx context.Context) (driver.Reply, error) {
		<-ctx.Done()
		return driver.Reply{}, ctx.Err()
	}}
	step, in := call()
	if _, err := open(s, providers.Options{}).Run(context.Background(), step, in); providers.CodeOf(err) != driver.InDoubt {
		t.Fatalf("%v", err)
	}
}

func TestErrorsAreForPeopleAndHoldNoSecret(t *testing.T) {
	t.Parallel()
	s := &stub{code: driver.Quota, run: func(context.Context) (driver.Reply, error) {
		return driver.Reply{}, errors.New("user hunter2 has no quota " + strings.Repeat("很", 1000))
	}}
	step, in := call()
	_, err := open(s, providers.Options{}).Run(context.Background(), step, in)
	var e *duoyun.Error
	if !errors.As(err, &e) || e.Code != duoyun.CodeVendor || e.Vendor == nil || !strings.Contains(e.Message.ZH, "云账号配额不足") {
		t.Fatalf("%#v", err)
	}
	if strings.Contains(err.Error(), "hunter2") || len(e.Message.ZH) > 700 {
		t.Fatalf("%v", err)
	}
}

func TestWhatAVendorShowsIsKeptWithoutCredentials(t *testing.T) {
	t.Parallel()
	s := &stub{observe: func() (driver.Observation, error) {
		return driver.Observation{Raw: []byte(`{"id":"1","adminPass":"p","meta":[{"X-Auth-Token":"t"},"see hunter2"]}`)}, nil
	}}
	o, err := open(s, providers.Options{}).Observe(context.Background(), duoyun.KindServer, "1")
	if err != nil || string(o.Raw) != `{"adminPass":"(secret)","id":"1","meta":[{"X-Auth-Token":"(secret)"},"see (secret)"]}` {
		t.Fatalf("%s %v", o.Raw, err)
	}
}

func TestAPlanWithoutItsMarkOrMainStepIsInvalid(t *testing.T) {
	t.Parallel()
	_, in := call()
	c := open(&stub{plan: []driver.Step{{Name: "a"}}}, providers.Options{})
	if _, err := c.Plan(in.Change); providers.CodeOf(err) != driver.Invalid {
		t.Errorf("no main step: %v", err)
	}
	in.Mark = "app"
	c = open(&stub{plan: []driver.Step{{Name: "a", Main: true}}}, providers.Options{})
	if _, err := c.Plan(in.Change); providers.CodeOf(err) != driver.Invalid {
		t.Errorf("no mark: %v", err)
	}
	in.Kind = duoyun.KindDisk
	if _, err := c.Plan(in.Change); providers.CodeOf(err) != driver.Invalid {
		t.Errorf("a kind that is not offered: %v", err)
	}
}

func TestAnUnknownEvidenceIsAConflictAndAListingThatGoesRoundIsAnError(t *testing.T) {
	t.Parallel()
	c := open(&stub{}, providers.Options{})
	_, in := call()
	if e, err := c.Look(context.Background(), in); err != nil || e.State != driver.Conflict {
		t.Errorf("%+v %v", e, err)
	}
	if _, err := c.List(context.Background(), duoyun.KindServer, "same"); err == nil {
		t.Error("the same page twice")
	}
}

func TestACallAboveTheLimitIsThrottledWithoutTheVendor(t *testing.T) {
	t.Parallel()
	runs := 0
	s := &stub{run: func(context.Context) (driver.Reply, error) { runs++; return driver.Reply{ID: "1"}, nil }}
	now := time.Now()
	c := open(s, providers.Options{Limiter: providers.NewMemoryLimiter(func() time.Time { return now }), Limit: providers.Limit{Every: time.Minute, Burst: 1}})
	step, in := call()
	if _, err := c.Run(context.Background(), step, in); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Run(context.Background(), step, in); providers.CodeOf(err) != driver.Throttled || runs != 1 {
		t.Fatalf("%v after %d calls", err, runs)
	}
	if _, ok := driver.As[driver.QuotaReader](c.Driver()); !ok {
		t.Fatal("decorators hide what the driver can do beside")
	}
}

// pools is a table of one pool.
type pools struct {
	version int64
	reads   int
	err     error
}

func (p *pools) PoolAccount(context.Context, string) (duoyun.Pool, string, error) {
	p.reads++
	return duoyun.Pool{ID: "p", Driver: "stub", Version: p.version, Account: []byte(`{"region":"r"}`)}, "hunter2", p.err
}

func TestADirectoryOpensACloudOnceAVersion(t *testing.T) {
	t.Parallel()
	now, opened, broken := time.Now(), 0, true
	p := &pools{version: 1}
	d := providers.NewDirectory(p, map[string]driver.Opener{"stub": func(_ context.Context, a driver.Account) (driver.Cloud, error) {
		opened++
		if broken {
			return nil, errors.New("no route with hunter2")
		}
		if a.Pool != "p" || a.Region != "r" || a.Secret.Reveal() != "hunter2" {
			t.Errorf("account %+v", a)
		}
		return &stub{}, nil
	}}, providers.Options{}, func() time.Time { return now })
	get := func() (*providers.Cloud, error) { return d.Cloud(context.Background(), "p") }
	for range 3 {
		if _, err := get(); providers.CodeOf(err) != driver.Unavailable || strings.Contains(err.Error(), "hunter2") {
			t.Fatalf("%v", err)
		}
	}
	if opened != 1 {
		t.Fatalf("a vendor that is down was tried %d times at once", opened)
	}
	now, broken = now.Add(time.Minute), false
	first, err := get()
	if err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Minute)
	if again, _ := get(); again != first {
		t.Fatal("opened anew without need")
	}
	p.version, now = 2, now.Add(time.Minute)
	if again, _ := get(); again == first {
		t.Fatal("an account that changed is not opened anew")
	}
}

func TestAnAnswerNobodyUnderstandsIsKeptWordForWord(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, answer, want string }{
		{"another type", `["what", {"adminPass": "x"}, "hunter2"]`, `["what",{"adminPass":"(secret)"},"(secret)"]`},
		{"no JSON", "gateway says hunter2", "gateway says (secret)"},
		{"cut off", "", ""},
	} {
		vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.answer == "" {
				w.Header().Set("Content-Length", "100")
				return // and the connection is closed
			}
			_, _ = io.WriteString(w, c.answer)
		}))
		client := http.Client{Transport: driver.Listener{Base: http.DefaultTransport}}
		s := &stub{code: driver.InDoubt, run: func(ctx context.Context) (driver.Reply, error) {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, vendor.URL, nil)
			if err != nil {
				return driver.Reply{}, err
			}
			resp, err := client.Do(r)
			if err != nil {
				return driver.Reply{}, err
			}
			defer resp.Body.Close()
			_, err = io.ReadAll(resp.Body)
			return driver.Reply{}, err
		}}
		step, in := call()
		_, err := open(s, providers.Options{}).Run(t.Context(), step, in)
		if got := providers.BadReply(err); providers.CodeOf(err) != driver.InDoubt || got != c.want {
			t.Errorf("%s: %q, want %q (%v)", c.name, got, c.want, err)
		}
		vendor.Close()
	}
}
