package openstackfake_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/duoyun/duoyun/providers/openstack/openstackfake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// hand is a clock that is moved by hand.
type hand struct {
	mu sync.Mutex
	t  time.Time
}

func (h *hand) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.t
}

func (h *hand) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.t = h.t.Add(d)
}

// bundle is a fake cloud behind a real socket, with the SDK's clients of it.
type bundle struct {
	sim      *simcloud.Cloud
	fake     *openstackfake.Fake
	url      string
	clock    *hand
	owner    simcloud.Owner
	provider *gophercloud.ProviderClient
	region   string
}

func setup(t testing.TB, so simcloud.Options, fo openstackfake.Options) *bundle {
	t.Helper()
	b := &bundle{clock: &hand{t: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}}
	so.Clock = b.clock.now
	b.sim = simcloud.New(so)
	b.fake = openstackfake.New(b.sim, fo)
	b.owner = b.fake.Owner(openstackfake.Project)
	b.region = b.owner.Region
	s := httptest.NewServer(b.fake)
	t.Cleanup(s.Close)
	b.url = s.URL
	b.provider = b.login(t, password(b.url))
	return b
}

func password(url string) gophercloud.AuthOptions {
	return gophercloud.AuthOptions{
		IdentityEndpoint: url + "/identity/v3", Username: openstackfake.User, Password: openstackfake.Password,
		DomainName: openstackfake.Domain, TenantName: openstackfake.Project,
	}
}

func (b *bundle) login(t testing.TB, o gophercloud.AuthOptions) *gophercloud.ProviderClient {
	t.Helper()
	p, err := openstack.AuthenticatedClient(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

type opener func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)

func (b *bundle) client(t testing.TB, open opener, microversion string) *gophercloud.ServiceClient {
	t.Helper()
	c, err := open(b.provider, gophercloud.EndpointOpts{Region: b.region})
	if err != nil {
		t.Fatal(err)
	}
	c.Microversion = microversion
	return c
}

func (b *bundle) compute(t testing.TB) *gophercloud.ServiceClient {
	return b.client(t, openstack.NewComputeV2, "2.93")
}

func (b *bundle) flavor(t testing.TB, vcpu, ramGiB int64) string {
	t.Helper()
	l, err := simcloud.List(b.sim, simcloud.Query{}, func(f *simcloud.Flavor) bool { return f.VCPU == vcpu && f.RAMMiB == ramGiB<<10 })
	if err != nil || len(l) != 1 {
		t.Fatalf("flavor: %v %v", l, err)
	}
	return l[0].ID
}

func (b *bundle) image(t testing.TB) string {
	t.Helper()
	l, err := simcloud.List[simcloud.Image](b.sim, simcloud.Query{Where: []string{simcloud.Named("kylin-v10")}}, nil)
	if err != nil || len(l) != 1 {
		t.Fatalf("image: %v %v", l, err)
	}
	return l[0].ID
}

// code is the HTTP status that an SDK's error carries; 0 for none.
func code(err error) int {
	for _, s := range []int{400, 401, 403, 404, 406, 409, 413, 429, 500, 503} {
		if err != nil && gophercloud.ResponseCodeIs(err, s) {
			return s
		}
	}
	return 0
}

// same fails the test unless got is wanted.
func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryLoginThatKeystoneKnows(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	cases := []struct {
		name   string
		change func(*gophercloud.AuthOptions)
		want   int
	}{
		{"password", func(*gophercloud.AuthOptions) {}, 0},
		{"versionless endpoint", func(o *gophercloud.AuthOptions) { o.IdentityEndpoint = b.url + "/identity" }, 0},
		{"wrong password", func(o *gophercloud.AuthOptions) { o.Password = "x" }, 401},
		{"wrong project", func(o *gophercloud.AuthOptions) { o.TenantName = "x" }, 401},
		{"wrong domain", func(o *gophercloud.AuthOptions) { o.DomainName = "x" }, 401},
		{"project id", func(o *gophercloud.AuthOptions) {
			o.TenantName, o.TenantID = "", openstackfake.ProjectID(openstackfake.Domain, openstackfake.Project)
		}, 0},
		{"application credential", func(o *gophercloud.AuthOptions) {
			*o = gophercloud.AuthOptions{
				IdentityEndpoint: o.IdentityEndpoint, ApplicationCredentialID: openstackfake.AppCredID, ApplicationCredentialSecret: openstackfake.AppCredSecret,
			}
		}, 0},
		{"wrong secret", func(o *gophercloud.AuthOptions) {
			*o = gophercloud.AuthOptions{
				IdentityEndpoint: o.IdentityEndpoint, ApplicationCredentialID: openstackfake.AppCredID, ApplicationCredentialSecret: "x",
			}
		}, 401},
	}
	for _, c := range cases {
		o := password(b.url)
		c.change(&o)
		p, err := openstack.AuthenticatedClient(context.Background(), o)
		if code(err) != c.want || (err == nil) != (c.want == 0) {
			t.Errorf("%s: %v, want %d", c.name, err, c.want)
		}
		if err != nil {
			continue
		}
		nova, err := openstack.NewComputeV2(p, gophercloud.EndpointOpts{Region: b.region})
		ok(t, err)
		_, err = servers.List(nova, nil).AllPages(context.Background())
		ok(t, err)
	}
}

func TestATokenExpires(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{TokenLife: time.Hour})
	nova := b.compute(t)
	list := func() error {
		_, err := servers.List(nova, nil).AllPages(context.Background())
		return err
	}
	b.clock.pass(59 * time.Minute)
	ok(t, list())
	b.clock.pass(2 * time.Minute)
	same(t, "after its life", code(list()), 401)
	b.provider = b.login(t, password(b.url))
	nova = b.compute(t)
	ok(t, list())
	b.fake.ExpireTokens()
	same(t, "after it was revoked", code(list()), 401)
}

func TestATokenTellsItsLifeAndProject(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{TokenLife: 30 * time.Minute})
	identity, err := openstack.NewIdentityV3(b.provider, gophercloud.EndpointOpts{})
	ok(t, err)
	r := tokens.Get(context.Background(), identity, b.provider.Token())
	token, err := r.ExtractToken()
	ok(t, err)
	same(t, "expires", token.ExpiresAt, b.clock.now().Add(30*time.Minute))
	project, err := r.ExtractProject()
	ok(t, err)
	same(t, "project", project.ID, b.owner.Tenant)
}

func TestWithoutATokenNothingIsServed(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	for _, path := range []string{
		"/compute/v2.1/servers", "/volume/v3/" + b.owner.Tenant + "/volumes", "/network/v2.0/networks", "/load-balancer/v2.0/lbaas/loadbalancers",
		"/image/v2/images", "/object-store/v1/AUTH_" + b.owner.Tenant,
	} {
		r, err := http.Get(b.url + path)
		ok(t, err)
		r.Body.Close()
		same(t, path, r.StatusCode, 401)
	}
	r, err := http.Get(b.url + "/compute/v9/servers")
	ok(t, err)
	r.Body.Close()
	same(t, "an unknown path", r.StatusCode, 404)
}

func TestRegionsAreApart(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{Regions: []simcloud.Region{{Name: "suqian", Zones: []string{"az1", "az2"}}, {Name: "nanjing", Zones: []string{"nj"}}}}, openstackfake.Options{})
	here := b.compute(t)
	_, err := servers.Create(context.Background(), here, servers.CreateOpts{Name: "a", FlavorRef: b.flavor(t, 1, 1), ImageRef: b.image(t), Networks: "none", AvailabilityZone: "az2"}, nil).Extract()
	ok(t, err)
	b.region = "nanjing"
	there := b.compute(t)
	if here.Endpoint == there.Endpoint || !strings.Contains(there.Endpoint, "nanjing") {
		t.Fatalf("endpoints %s and %s", here.Endpoint, there.Endpoint)
	}
	for c, want := range map[*gophercloud.ServiceClient]int{here: 1, there: 0} {
		pages, err := servers.List(c, nil).AllPages(context.Background())
		ok(t, err)
		found, err := servers.ExtractServers(pages)
		ok(t, err)
		same(t, c.Endpoint, len(found), want)
	}
	_, err = servers.Create(context.Background(), there, servers.CreateOpts{Name: "a", FlavorRef: b.flavor(t, 1, 1), ImageRef: b.image(t), Networks: "none", AvailabilityZone: "az2"}, nil).Extract()
	same(t, "another region's zone", code(err), 400)
}
