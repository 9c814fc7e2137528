// Package openstackfake speaks OpenStack over a simulated cloud: Keystone v3, Nova (microversions 2.1 to 2.93), Cinder v3,
// Neutron v2.0, Octavia v2, Glance v2 and Swift, all below one base URL, as far as a driver needs them. It is written from
// OpenStack's own API documents and shares nothing with the driver: what either side has misread shows as a failed test.
//
// The paths are those of a devstack: /identity, /compute, /volume, /network, /load-balancer, /image, /object-store.
// Regions after the first live below /regions/<name>.
package openstackfake

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// The login that the zero Options accept; with AppCredID and AppCredSecret as the application credential.
const (
	User          = "duoyun"
	Password      = "simulated-password"
	Domain        = "Default"
	Project       = "duoyun"
	AppCredID     = "b0a7d5c2e1f34d0f9c1e7a6b5d4c3b2a"
	AppCredSecret = "simulated-secret"
)

// Login is a user with the project it may use.
type Login struct {
	User, Password, Domain, Project string
	AppCredID, AppCredSecret        string // "": it has no application credential
}

// Options of New; the zero value works.
type Options struct {
	BaseURL   string        // what the catalogue's URLs begin with; default: http:// and the request's Host
	Logins    []Login       // default: the one of the constants
	TokenLife time.Duration // default 1 h
	MaxPage   int           // the longest page of servers, volumes and images; default 1000
}

// Fake is the handler of one cloud. It is safe for concurrent use.
type Fake struct {
	Faults  simcloud.Faults // spoils calls; see simcloud.Rule
	sim     *simcloud.Cloud
	options Options
	mux     *http.ServeMux
	chain   http.Handler

	mu     sync.Mutex
	tokens map[string]grant
}

// New puts an OpenStack over a simulated cloud.
func New(sim *simcloud.Cloud, o Options) *Fake {
	if len(o.Logins) == 0 {
		o.Logins = []Login{{User, Password, Domain, Project, AppCredID, AppCredSecret}}
	}
	if o.TokenLife == 0 {
		o.TokenLife = time.Hour
	}
	if o.MaxPage == 0 {
		o.MaxPage = 1000
	}
	f := &Fake{sim: sim, options: o, mux: http.NewServeMux(), tokens: map[string]grant{}}
	f.identity()
	f.compute()
	f.volume()
	f.network()
	f.balancer()
	f.image()
	f.objectStore()
	f.chain = f.Faults.Wrap(sim.Paced(http.HandlerFunc(f.enter)))
	return f
}

// ServeHTTP serves every service.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.chain.ServeHTTP(w, r) }

// Owner is the simulated account behind a project of the default domain, in the first region.
func (f *Fake) Owner(project string) simcloud.Owner {
	return simcloud.Owner{Region: f.sim.Regions()[0].Name, Tenant: ProjectID(Domain, project)}
}

// ProjectID is the id of a project.
func ProjectID(domain, project string) string { return nameID("project", domain, project) }

// ExpireTokens makes every token given so far invalid.
func (f *Fake) ExpireTokens() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.tokens)
}

// nameID makes an id of 32 hexadecimal digits, as Keystone's are, out of a name.
func nameID(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

type regionKey struct{}

// enter finds the region a call is for.
func (f *Fake) enter(w http.ResponseWriter, r *http.Request) {
	region := f.sim.Regions()[0].Name
	if rest, ok := strings.CutPrefix(r.URL.Path, "/regions/"); ok {
		name, path, _ := strings.Cut(rest, "/")
		if !slices.ContainsFunc(f.sim.Regions(), func(x simcloud.Region) bool { return x.Name == name }) {
			http.NotFound(w, r)
			return
		}
		u := *r.URL
		u.Path, u.RawPath, region = "/"+path, "", name
		clone := *r
		r = &clone
		r.URL = &u
	}
	f.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), regionKey{}, region)))
}

// base is the URL that everything of a region is below.
func (f *Fake) base(r *http.Request, region string) string {
	base := f.options.BaseURL
	if base == "" {
		base = "http://" + r.Host
	}
	if region != f.sim.Regions()[0].Name {
		base += "/regions/" + region
	}
	return base
}
