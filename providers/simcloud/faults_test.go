package simcloud_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// shop is the smallest cloud: a POST makes a thing and answers its id, a GET lists all.
type shop struct {
	mu    sync.Mutex
	made  []string
	acted chan struct{}
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodGet {
		_ = json.NewEncoder(w).Encode(map[string]any{"things": append([]string{}, s.made...)})
		return
	}
	s.made = append(s.made, string(raw))
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"thing": map[string]any{"id": fmt.Sprint("id-", len(s.made)), "name": string(raw)}})
	select {
	case s.acted <- struct{}{}:
	default:
	}
}

func (s *shop) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.made)
}

// counter is a shop behind the layer: as it is, and as a proxy in front of it.
type counter struct {
	*shop
	*simcloud.Faults
	url string
}

func eachWay(t *testing.T, f func(t *testing.T, c *counter)) {
	t.Parallel()
	for _, proxied := range []bool{false, true} {
		t.Run(map[bool]string{false: "over a fake", true: "as a proxy"}[proxied], func(t *testing.T) {
			t.Parallel()
			c := &counter{shop: &shop{acted: make(chan struct{}, 100)}, Faults: &simcloud.Faults{}}
			var inner http.Handler = c.shop
			if proxied {
				origin := httptest.NewServer(c.shop)
				t.Cleanup(origin.Close)
				at, err := url.Parse(origin.URL)
				if err != nil {
					t.Fatal(err)
				}
				inner = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(at) }}
			}
			s := httptest.NewServer(c.Wrap(inner))
			t.Cleanup(s.Close)
			c.url = s.URL
			f(t, c)
		})
	}
}

// call sends one request on a connection of its own; status 0 and what there is of a body when the answer did not come whole.
func (c *counter) call(ctx context.Context, method, body string) (int, string, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.url+"/things", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("X-Auth-Token", "t")
	once := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := once.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw), err
}

const ordinary = `{"thing":{"id":"id-1","name":"a"}}`

func TestEveryFaultDoesWhatItSaysOverAFakeAndAsAProxy(t *testing.T) {
	cases := []struct {
		name   string
		rule   simcloud.Rule
		status int
		body   string // "": any
		broken bool   // the answer does not come, or not whole
		made   int
	}{
		{"request lost", simcloud.Rule{Drop: true}, 0, "", true, 0},
		{"reply lost", simcloud.Rule{Drop: true, When: simcloud.After}, 0, "", true, 1},
		{"twice", simcloud.Rule{Twice: true}, 201, `{"thing":{"id":"id-2","name":"a"}}`, false, 2},
		{"twice, reply lost", simcloud.Rule{Twice: true, Drop: true, When: simcloud.After}, 0, "", true, 2},
		{"429 before", simcloud.Rule{Status: 429, Retry: 3}, 429, "", false, 0},
		{"500 before", simcloud.Rule{Status: 500}, 500, "", false, 0},
		{"503 after", simcloud.Rule{Status: 503, When: simcloud.After}, 503, "", false, 1},
		{"cut", simcloud.Rule{Cut: true}, 201, "", true, 1},
		{"another type", simcloud.Rule{Garble: simcloud.WrongType}, 201, `["what","is","this"]`, false, 1},
		{"nothing in it", simcloud.Rule{Garble: simcloud.Hollow}, 201, `{}`, false, 1},
		{"no id", simcloud.Rule{Garble: simcloud.WithoutID}, 201, `{"thing":{"name":"a"}}`, false, 1},
		{"somebody else's", simcloud.Rule{Garble: simcloud.WithID("theirs")}, 201, `{"thing":{"id":"theirs","name":"a"}}`, false, 1},
		{"counted only", simcloud.Rule{}, 201, ordinary, false, 1},
	}
	eachWay(t, func(t *testing.T, c *counter) {
		for _, k := range cases {
			c.mu.Lock()
			c.made = nil
			c.mu.Unlock()
			k.rule.Method = http.MethodPost
			f := c.Add(k.rule)
			status, body, err := c.call(t.Context(), http.MethodPost, "a")
			if status != k.status || (err != nil) != k.broken || k.body != "" && strings.TrimSpace(body) != k.body {
				t.Errorf("%s: %d %q %v", k.name, status, body, err)
			}
			if n := c.count(); n != k.made || f.Struck() != 1 {
				t.Errorf("%s: made %d, want %d; struck %d", k.name, n, k.made, f.Struck())
			}
			c.Clear()
		}
	})
}

func TestALateRequestIsActedOnThoughItsCallerHasGone(t *testing.T) {
	eachWay(t, func(t *testing.T, c *counter) {
		c.Add(simcloud.Rule{Delay: 200 * time.Millisecond, Times: 1})
		ctx, gone := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer gone()
		if _, _, err := c.call(ctx, http.MethodPost, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the caller waited: %v", err)
		}
		if n := c.count(); n != 0 {
			t.Fatalf("made %d before its time", n)
		}
		select {
		case <-c.acted:
		case <-time.After(10 * time.Second):
			t.Fatal("the request was forgotten")
		}
	})
}

func TestALateAnswerIsOfSomethingThatWasDoneAtOnce(t *testing.T) {
	eachWay(t, func(t *testing.T, c *counter) {
		c.Add(simcloud.Rule{Delay: time.Minute, When: simcloud.After})
		ctx, gone := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer gone()
		if _, _, err := c.call(ctx, http.MethodPost, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("the caller waited: %v", err)
		}
		if n := c.count(); n != 1 {
			t.Fatalf("made %d", n)
		}
	})
}

func TestAStaleListLagsNoLongerThanItShall(t *testing.T) {
	eachWay(t, func(t *testing.T, c *counter) {
		list := func() int {
			_, body, err := c.call(t.Context(), http.MethodGet, "")
			if err != nil {
				t.Fatal(err)
			}
			return strings.Count(body, `"a"`)
		}
		const lag = 300 * time.Millisecond
		c.Add(simcloud.Rule{Method: http.MethodGet, Stale: lag})
		if n := list(); n != 0 {
			t.Fatalf("the first list shows %d", n)
		}
		if _, _, err := c.call(t.Context(), http.MethodPost, "a"); err != nil {
			t.Fatal(err)
		}
		if n := list(); n != 0 {
			t.Errorf("a stale list shows %d", n)
		}
		made := time.Now()
		for list() == 0 {
			if time.Since(made) > 10*lag {
				t.Fatal("it stays stale for ever")
			}
		}
	})
}

func TestAPlanReplaysBySeedAndNumber(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(http.MethodPost, "/things", nil)
	r.Header.Set("X-Auth-Token", "t")
	sequence := func(seed uint64) string {
		p := simcloud.Plan{Seed: seed, Timeout: time.Second, Odds: map[simcloud.Trouble]float64{simcloud.LostReply: .2, simcloud.LateAct: .2, simcloud.Duplicated: .2}}
		var b strings.Builder
		for n := range uint64(200) {
			trouble, rule, ok := p.At(n, r)
			fmt.Fprintln(&b, trouble, rule.Delay, ok)
		}
		return b.String()
	}
	first := sequence(7)
	if again := sequence(7); first != again {
		t.Error("the same seed plays otherwise the second time")
	}
	if first == sequence(8) {
		t.Error("another seed plays the same")
	}
}

func TestAPlanCountsWhatItPlaysAndStrikesOnlyWhatItCan(t *testing.T) {
	eachWay(t, func(t *testing.T, c *counter) {
		c.Play(simcloud.Plan{Seed: 1, Odds: map[simcloud.Trouble]float64{simcloud.Duplicated: .5, simcloud.StaleList: .4}, Lag: time.Millisecond})
		for range 40 {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if _, _, err := c.call(t.Context(), method, "a"); err != nil {
					t.Fatal(err)
				}
			}
		}
		dealt := c.Dealt()
		if dealt[simcloud.Duplicated] == 0 || dealt[simcloud.StaleList] == 0 || c.count() != 40+dealt[simcloud.Duplicated] {
			t.Errorf("dealt %v, made %d", dealt, c.count())
		}
		c.Clear()
		before := c.count()
		if _, _, err := c.call(t.Context(), http.MethodPost, "a"); err != nil || c.count() != before+1 {
			t.Errorf("after the plan: %v", err)
		}
	})
}

func TestEveryTroubleOfAPlanDoesSomething(t *testing.T) {
	t.Parallel()
	read := httptest.NewRequest(http.MethodGet, "/things", nil)
	act := httptest.NewRequest(http.MethodPost, "/things", bytes.NewReader(nil))
	login := httptest.NewRequest(http.MethodPost, "/auth/tokens", nil)
	for _, r := range []*http.Request{read, act} {
		r.Header.Set("X-Auth-Token", "t")
	}
	for _, trouble := range simcloud.Troubles() {
		p := simcloud.Plan{Timeout: time.Second, Lag: time.Second, Odds: map[simcloud.Trouble]float64{trouble: 1}}
		_, rule, onRead := p.At(1, read)
		_, _, onAct := p.At(1, act)
		if !onRead && !onAct {
			t.Errorf("%s strikes nothing", trouble)
		}
		if (rule.Delay > 0) != (trouble == simcloud.LateAct || trouble == simcloud.LateReply) || rule.Delay > 2*time.Second {
			t.Errorf("%s is late by %s", trouble, rule.Delay)
		}
	}
	if _, _, ok := (&simcloud.Plan{Odds: map[simcloud.Trouble]float64{simcloud.Expiring: 1}}).At(1, login); ok {
		t.Error("a login is told that its token has expired")
	}
}

func TestThingsMayComeLateInErrorOrNever(t *testing.T) {
	t.Parallel()
	fates := map[string]struct {
		fate  simcloud.Fate
		after time.Duration
		want  simcloud.State // "": gone
	}{
		"usual":   {simcloud.Fate{}, time.Second, simcloud.Active},
		"not yet": {simcloud.Fate{Late: time.Minute}, time.Second, simcloud.Building},
		"late":    {simcloud.Fate{Late: time.Minute}, 61 * time.Second, simcloud.Active},
		"error":   {simcloud.Fate{Fault: "No valid host was found."}, time.Second, simcloud.Failed},
		"never":   {simcloud.Fate{Never: true}, time.Second, ""},
	}
	for name, k := range fates {
		now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
		c := simcloud.New(simcloud.Options{Clock: func() time.Time { return now }, Latency: simcloud.Latency{Create: time.Second}})
		c.SetFates(func(simcloud.Kind) simcloud.Fate { return k.fate })
		o := simcloud.Owner{Region: "RegionOne", Tenant: "t"}
		v, err := c.CreateVolume(simcloud.VolumeInput{Object: simcloud.Object{Owner: o}, SizeGiB: 1})
		if err != nil {
			t.Fatal(err)
		}
		now = now.Add(k.after)
		got, err := simcloud.Get[simcloud.Volume](c, o, v.ID)
		switch {
		case k.want == "" && err == nil:
			t.Errorf("%s: it is %s", name, got.State)
		case k.want != "" && (err != nil || got.State != k.want || got.Fault != k.fate.Fault):
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
