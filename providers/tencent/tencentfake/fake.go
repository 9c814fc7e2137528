// Package tencentfake speaks Tencent Cloud's API 3.0 and COS over a simulated cloud, as far as a driver needs them: CVM, CBS,
// VPC with EIP, CLB, CDB, PostgreSQL, Redis, Monitor, Billing, and buckets. It is written from the vendor's documents and
// shares nothing with the driver or the vendor's SDK: what either side has misread shows as a failed test.
//
// Every product answers at every host: the signature says which one is meant. A bucket is the first label of the Host
// header. For faults the calls have paths of their own: /cvm/RunInstances (reads as GET, though all arrive as POST), and
// /cos/<bucket>.
package tencentfake

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// The account of the zero Options.
const (
	SecretID  = "AKIDsimulatedsimulatedsimulated00001"
	SecretKey = "simulatedsecretkeysimulated00001"
	AppID     = "1250000001"
)

// Options of New; the zero value works.
type Options struct {
	MaxPage int // the longest page of a listing; default 100, which is also the most a call may ask for
}

// Fake is the handler of one account. It is safe for concurrent use.
type Fake struct {
	Faults  simcloud.Faults // spoils calls; see simcloud.Rule
	sim     *simcloud.Cloud
	options Options
	actions map[string]action
	chain   http.Handler

	mu     sync.Mutex
	tokens map[string]kept // by product, action and client token
	boots  map[string]bool // servers that a resize leaves to be started
}

// kept is the first answer to a client token.
type kept struct {
	body   string
	answer object
	at     time.Time
}

// tokenLife is how long a client token is kept; CDB states 48 hours, the others nothing.
const tokenLife = 48 * time.Hour

// New puts Tencent Cloud over a simulated cloud.
func New(sim *simcloud.Cloud, o Options) *Fake {
	if o.MaxPage == 0 {
		o.MaxPage = maxLimit
	}
	f := &Fake{sim: sim, options: o, actions: map[string]action{}, tokens: map[string]kept{}, boots: map[string]bool{}}
	for _, more := range []map[string]action{cvmActions(), cbsActions(), vpcActions(), eipActions(), clbActions(), cdbActions(), postgresActions(), redisActions(), otherActions()} {
		for name, a := range more {
			f.actions[name] = a
		}
	}
	f.chain = f.Faults.Wrap(sim.Paced(http.HandlerFunc(f.enter)))
	return f
}

// Owner is the simulated account, in the first region.
func (f *Fake) Owner() simcloud.Owner {
	return simcloud.Owner{Region: f.sim.Regions()[0].Name, Tenant: AppID}
}

// maxBody is more than any body a driver sends.
const maxBody = 4 << 20

// ServeHTTP gives a call the path that faults know it by. What a fault answers in HTTP's own words is put into Tencent's.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	clone := r.Clone(r.Context())
	if name := r.Header.Get("X-TC-Action"); name != "" {
		if r.Method != http.MethodPost || r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		clone.URL.Path = "/" + scope(r.Header.Get("Authorization")).service + "/" + name
		if reads(name) {
			clone.Method = http.MethodGet
		}
		f.chain.ServeHTTP(&worded{ResponseWriter: w, say: sayAPI}, clone)
		return
	}
	clone.URL.Path = "/cos" + strings.TrimSuffix("/"+bucketOf(r.Host), "/") + strings.TrimSuffix(r.URL.Path, "/")
	f.chain.ServeHTTP(&worded{ResponseWriter: w, say: sayCOS}, clone)
}

func reads(action string) bool {
	return slices.ContainsFunc([]string{"Describe", "Get", "Inquiry"}, func(p string) bool { return strings.HasPrefix(action, p) })
}

// worded puts what a fault answers in HTTP's own words into those of the service: 429 for coming too fast, 403 for what may
// not be done, 409 for what is sold out.
type worded struct {
	http.ResponseWriter
	say  func(w http.ResponseWriter, status int) bool // false: the service says it like this
	done bool
}

// WriteHeader implements http.ResponseWriter.
func (w *worded) WriteHeader(status int) {
	if strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") { // http.Error: no service answers so
		w.Header().Del("Content-Length")
		if w.done = w.say(w.ResponseWriter, status); w.done {
			return
		}
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *worded) Write(b []byte) (int, error) {
	if w.done {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets a fault flush.
func (w *worded) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// enter serves a call that no fault has kept.
func (f *Fake) enter(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return // the caller has gone
	}
	if r.Header.Get("X-TC-Action") == "" {
		f.serveBuckets(w, r, body)
		return
	}
	answer, err := f.act(r, body)
	reply(w, answer, err)
}
