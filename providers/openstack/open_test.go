package openstack_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/openstack"
)

// keystone answers as much of an OpenStack as opening an account needs, and whatever else a test puts in routes.
type keystone struct {
	*httptest.Server
	mu      sync.Mutex
	calls   []string // method, path, and what a test is curious about
	tokens  int
	revoked bool
	micro   string
	routes  map[string]http.HandlerFunc // "GET /compute/v2.1/servers/x"
}

func newKeystone(t *testing.T, start func(http.Handler) *httptest.Server) *keystone {
	k := &keystone{micro: "2.93", routes: map[string]http.HandlerFunc{}}
	k.Server = start(k)
	t.Cleanup(k.Close)
	return k
}

func (k *keystone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	token := r.Header.Get("X-Auth-Token")
	k.calls = append(k.calls, strings.Join([]string{r.Method, r.URL.Path, token, r.Header.Get("X-OpenStack-Nova-API-Version")}, " "))
	if r.URL.Path == "/identity/v3/auth/tokens" {
		k.grant(w, r)
		return
	}
	if k.revoked && token == "token-1" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if f := k.routes[r.Method+" "+r.URL.Path]; f != nil {
		f(w, r)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/compute/v2.1/") {
		_, _ = fmt.Fprintf(w, `{"version": {"id": "v2.1", "version": %q, "min_version": "2.1"}}`, k.micro)
		return
	}
	w.WriteHeader(http.StatusNotFound)
}

func (k *keystone) grant(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Auth struct {
			Identity struct {
				Methods  []string
				Password struct{ User struct{ Password string } }
				Cred     struct{ ID, Secret string } `json:"application_credential"`
			}
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil ||
		asked.Auth.Identity.Password.User.Password != "right" && asked.Auth.Identity.Cred.Secret != "right" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	k.tokens++
	w.Header().Set("X-Subject-Token", fmt.Sprint("token-", k.tokens))
	w.WriteHeader(http.StatusCreated)
	catalog := []any{}
	for service, types := range map[string]string{"compute": "compute", "volume": "volumev3", "network": "network", "image": "image"} {
		var endpoints []any
		for _, region := range []string{"north", "south"} {
			endpoints = append(endpoints, map[string]any{"interface": "public", "region_id": region, "region": region, "url": k.URL + "/" + region + "/" + service},
				map[string]any{"interface": "admin", "region_id": region, "region": region, "url": "http://admin.invalid/"})
		}
		catalog = append(catalog, map[string]any{"type": types, "name": service, "endpoints": endpoints})
	}
	now := time.Now().UTC()
	_ = json.NewEncoder(w).Encode(map[string]any{"token": map[string]any{"expires_at": now.Add(time.Hour), "issued_at": now,
		"project": map[string]any{"id": "p1", "name": "duoyun"}, "catalog": catalog}})
}

// seen counts the calls whose record has the prefix.
func (k *keystone) seen(prefix string) int {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	for _, c := range k.calls {
		if strings.HasPrefix(c, prefix) {
			n++
		}
	}
	return n
}

func account(k *keystone) driver.Account {
	return driver.Account{Endpoint: k.URL + "/identity/v3", Region: "south", Project: "duoyun", User: "u", Secret: driver.NewSecret("right")}
}

func TestTheRegionOfTheAccountIsUsedAndOverridesWin(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewServer)
	a := account(k)
	a.Endpoints = map[string]string{"volumev3": k.URL + "/mine/v3/%(project_id)s"}
	c, err := openstack.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	for kind, path := range map[duoyun.Kind]string{duoyun.KindServer: "/south/compute/v2.1/servers/x", duoyun.KindDisk: "/mine/v3/p1/volumes/x",
		duoyun.KindNetwork: "/south/network/v2.0/networks/x"} {
		r, ok := c.Kind(kind)
		if !ok {
			t.Fatalf("%s is not offered", kind)
		}
		if _, err := r.Observe(t.Context(), "x"); c.Code(err) != driver.NotFound {
			t.Errorf("%s: %v", kind, err)
		}
		if k.seen("GET "+path+" ") != 1 {
			t.Errorf("%s was not asked at %s: %q", kind, path, k.calls)
		}
	}
	for _, kind := range []duoyun.Kind{duoyun.KindBucket, duoyun.KindLoadBalancer, duoyun.KindPublicIP, duoyun.KindService} {
		if _, ok := c.Kind(kind); ok {
			t.Errorf("%s is offered without its service or external network", kind)
		}
	}
}

func TestMicroversionIsTheBestBothSpeak(t *testing.T) {
	t.Parallel()
	for cloud, want := range map[string]string{"2.93": "2.69", "2.60": "2.60", "2.51": ""} {
		k := newKeystone(t, httptest.NewServer)
		k.micro = cloud
		c, err := openstack.Open(t.Context(), account(k))
		if want == "" {
			if openstack.Code(err) != driver.Invalid {
				t.Errorf("Nova %s, which cannot mark servers at boot, was taken: %v", cloud, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r, _ := c.Kind(duoyun.KindServer)
		_, _ = r.Observe(t.Context(), "x")
		if k.seen("GET /south/compute/v2.1/servers/x token-1 "+want) != 1 {
			t.Errorf("Nova %s was not asked in %s: %q", cloud, want, k.calls)
		}
	}
}

func TestApplicationCredentialOpens(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewServer)
	a := account(k)
	a.User, a.Project, a.AppCredID = "", "", "cred"
	if _, err := openstack.Open(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

func TestOpenersErrorsKnowTheirCode(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewServer)
	wrong, elsewhere, nobody, garbled := account(k), account(k), account(k), account(k)
	wrong.Secret = driver.NewSecret("wrong")
	elsewhere.Region = "west"
	nobody.Endpoint = "http://127.0.0.1:1/v3"
	garbled.CA = "not PEM"
	for want, a := range map[driver.Code]driver.Account{driver.Auth: wrong, driver.Invalid: elsewhere, driver.Unavailable: nobody} {
		_, err := openstack.Open(t.Context(), a)
		var known driver.Coded
		if !errors.As(err, &known) || known.DriverCode() != want {
			t.Errorf("%v, want code %s", err, want)
		}
	}
	if _, err := openstack.Open(t.Context(), garbled); openstack.Code(err) != driver.Invalid {
		t.Errorf("a CA that is no PEM: %v", err)
	}
}

func TestAPrivateCAIsTrustedOnlyWhereTheAccountNamesIt(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewTLSServer)
	a := account(k)
	if _, err := openstack.Open(t.Context(), a); openstack.Code(err) != driver.Unavailable {
		t.Errorf("an unknown authority was trusted: %v", err)
	}
	a.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate().Raw}))
	if _, err := openstack.Open(t.Context(), a); err != nil {
		t.Errorf("the account's own authority was not trusted: %v", err)
	}
}

func TestARevokedTokenRepeatsReadsAndNeverMutations(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewServer)
	k.routes["POST /south/network/v2.0/networks"] = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write([]byte(`{"network": {"id": "n1"}}`))
	}
	c, err := openstack.Open(t.Context(), account(k))
	if err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	k.revoked = true
	k.mu.Unlock()
	r, _ := c.Kind(duoyun.KindNetwork)
	call := driver.Call{Change: driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindNetwork, Mark: "dy-1", After: duoyun.NetworkSpec{CIDR: "10.0.0.0/24"}}, Step: "network"}
	if _, err := r.Run(t.Context(), call); c.Code(err) != driver.NotReady {
		t.Errorf("code %q: %v", c.Code(err), err)
	}
	if n := k.seen("POST /south/network/v2.0/networks"); n != 1 {
		t.Fatalf("the mutation was sent %d times", n)
	}
	if reply, err := r.Run(t.Context(), call); err != nil || reply.ID != "n1" {
		t.Errorf("with the new token: %+v, %v", reply, err)
	}
}

func TestManyCallsAfterARevocationShareOneNewToken(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewServer)
	k.routes["GET /south/network/v2.0/networks/n1"] = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"network": {"id": "n1", "status": "ACTIVE", "description": "dy-1"}}`))
	}
	c, err := openstack.Open(t.Context(), account(k))
	if err != nil {
		t.Fatal(err)
	}
	k.mu.Lock()
	k.revoked = true
	k.mu.Unlock()
	r, _ := c.Kind(duoyun.KindNetwork)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if o, err := r.Observe(t.Context(), "n1"); err != nil || o.Mark != "dy-1" {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
	all.Wait()
	if n := k.seen("POST /identity/v3/auth/tokens"); n != 2 {
		t.Errorf("%d tokens were asked for, want the first and one more", n)
	}
}

func TestMutationsAreSentOnceWhateverIsAnswered(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewServer)
	c, err := openstack.Open(t.Context(), account(k))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := c.Kind(duoyun.KindNetwork)
	call := driver.Call{Change: driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindNetwork, Mark: "dy-1", After: duoyun.NetworkSpec{CIDR: "10.0.0.0/24"}}, Step: "network"}
	answers := []struct {
		status int
		want   driver.Code
	}{{429, driver.Throttled}, {500, driver.InDoubt}, {503, driver.InDoubt}, {307, driver.InDoubt}, {201, driver.InDoubt}}
	for i, a := range answers {
		k.mu.Lock()
		k.routes["POST /south/network/v2.0/networks"] = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(a.status)
			_, _ = w.Write([]byte(`{"network": `)) // cut short
		}
		k.mu.Unlock()
		if _, err := r.Run(t.Context(), call); c.Code(err) != a.want {
			t.Errorf("%d: code %q: %v", a.status, c.Code(err), err)
		}
		if n := k.seen("POST "); n != i+2 { // and one for the token
			t.Errorf("after %d: %d calls", a.status, n)
		}
	}
}

func TestAListingWithAServerOfADeadCellIsNotWhole(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewServer)
	k.routes["GET /south/compute/v2.1/servers/detail"] = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"servers": [{"id": "s1", "status": "ACTIVE", "tags": ["dy-1"]}, {"id": "s2", "status": "UNKNOWN"}]}`))
	}
	c, err := openstack.Open(t.Context(), account(k))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := c.Kind(duoyun.KindServer)
	e, err := r.Look(t.Context(), driver.Call{Change: driver.Change{Kind: duoyun.KindServer, Mark: "dy-2"}, Step: "server", Sentinel: "s1"})
	if err != nil || e.State != driver.Absent || e.Complete || !e.SentinelSeen {
		t.Errorf("%+v, %v", e, err)
	}
	if p, err := r.List(t.Context(), ""); err != nil || !p.Partial {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestAnAnswerWithoutAListingProvesNoAbsence(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewServer)
	answer := ""
	k.routes["GET /south/compute/v2.1/servers/detail"] = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) }
	c, err := openstack.Open(t.Context(), account(k))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := c.Kind(duoyun.KindServer)
	for _, answer = range []string{`{}`, `{"servers": null}`, `{"servers": {}}`, `[]`, ``} {
		e, err := r.Look(t.Context(), driver.Call{Change: driver.Change{Kind: duoyun.KindServer, Mark: "dy-2"}, Step: "server"})
		if c.Code(err) != driver.InDoubt {
			t.Errorf("%q: %+v, %v", answer, e, err)
		}
	}
}

func TestTwoOfOneMarkAreAConflictAndOneThatGoesIsNot(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewServer)
	var states []string
	k.routes["GET /south/compute/v2.1/servers/detail"] = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"servers": [{"id": "s1", "status": "ERROR", "OS-EXT-STS:task_state": %q, "tags": ["dy-1"]},
			{"id": "s2", "status": "ACTIVE", "metadata": {"duoyun_mark": "dy-1"}}]}`, states[0])
	}
	c, err := openstack.Open(t.Context(), account(k))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := c.Kind(duoyun.KindServer)
	call := driver.Call{Change: driver.Change{Kind: duoyun.KindServer, Mark: "dy-1"}, Step: "server"}
	states = []string{""}
	if e, err := r.Look(t.Context(), call); err != nil || e.State != driver.Conflict {
		t.Errorf("two: %+v, %v", e, err)
	}
	states = []string{"deleting"}
	if e, err := r.Look(t.Context(), call); err != nil || e.State != driver.Done || e.ID != "s2" {
		t.Errorf("one of them is being deleted: %+v, %v", e, err)
	}
}

func TestPagesAreReadToTheEnd(t *testing.T) {
	t.Parallel()
	k := newKeystone(t, httptest.NewServer)
	ids := []string{"s1", "s2", "s3"}
	k.routes["GET /south/compute/v2.1/servers/detail"] = func(w http.ResponseWriter, r *http.Request) {
		i := slices.Index(ids, r.URL.Query().Get("marker")) + 1
		next := ""
		if i+1 < len(ids) {
			next = `, "servers_links": [{"rel": "next", "href": "http://inside.invalid/"}]`
		}
		_, _ = fmt.Fprintf(w, `{"servers": [{"id": %q, "status": "ACTIVE", "tags": ["dy-%[1]s"]}]%s}`, ids[i], next)
	}
	c, err := openstack.Open(t.Context(), account(k))
	if err != nil {
		t.Fatal(err)
	}
	r, _ := c.Kind(duoyun.KindServer)
	e, err := r.Look(t.Context(), driver.Call{Change: driver.Change{Kind: duoyun.KindServer, Mark: "dy-s3"}, Step: "server", Sentinel: "s2"})
	if err != nil || e.State != driver.Done || e.ID != "s3" || !e.SentinelSeen || !e.Complete {
		t.Errorf("%+v, %v", e, err)
	}
}
