// Package huaweifake speaks Huawei Cloud's REST APIs over a simulated cloud: VPC and EIP, ECS, IMS, EVS, ELB v3, RDS v3,
// DCS v2, CES, BSS and OBS, all at one URL, as far as a driver needs them. It is written from Huawei's API references and
// the fields of its SDK's models, and shares nothing with the driver nor with that SDK: what either side has misread
// shows as a failed test.
//
// Not known from any document, and chosen here: how long listings lag, ECS's and RDS's codes for a client token that comes
// with other parameters and ECS's time for keeping one, and the codes of ELB and DCS, and those for stock but ECS's.
package huaweifake

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// The account that the fake serves: a made-up key pair and the project that it may use.
const (
	AccessKey = "DUOYUNSIMULATEDAK001"
	SecretKey = "simulated-secret-key-of-no-account-0000"
	Project   = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
)

// Options of New; the zero value works.
type Options struct {
	MaxPage int // the longest page of any listing; 0: what the service documents
}

// Fake is the handler of one account in the first region of a cloud. It is safe for concurrent use.
type Fake struct {
	Faults  simcloud.Faults // spoils calls; see simcloud.Rule
	sim     *simcloud.Cloud
	options Options
	mux     *http.ServeMux
	chain   http.Handler

	mu   sync.Mutex
	jobs map[string]job
	seen map[string]remembered // by client token
}

// New puts Huawei Cloud over a simulated cloud.
func New(sim *simcloud.Cloud, o Options) *Fake {
	f := &Fake{sim: sim, options: o, mux: http.NewServeMux(), jobs: map[string]job{}, seen: map[string]remembered{}}
	f.networks()
	f.addresses()
	f.servers()
	f.disks()
	f.balancers()
	f.databases()
	f.caches()
	f.billing()
	f.monitoring()
	f.chain = f.Faults.Wrap(sim.Paced(http.HandlerFunc(f.enter)))
	return f
}

// ServeHTTP serves every service.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.chain.ServeHTTP(w, r) }

// Owner is the simulated account behind the project.
func (f *Fake) Owner() simcloud.Owner {
	return simcloud.Owner{Region: f.sim.Regions()[0].Name, Tenant: Project}
}

// enter tells OBS, which has a signature of its own, from the services behind the API gateway.
func (f *Fake) enter(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.Header.Get("Authorization"), "OBS ") {
		f.objects(w, r)
		return
	}
	w.Header().Set("X-Request-Id", randomID())
	if err := verify(r, time.Now()); err != nil {
		answer(w, err.status, object{"error_code": err.code, "error_msg": err.text, "request_id": w.Header().Get("X-Request-Id")})
		return
	}
	if _, pattern := f.mux.Handler(r); pattern == "" {
		answer(w, http.StatusNotFound, object{"error_code": "APIGW.0101", "error_msg": "The API does not exist or has not been published in the environment"})
		return
	}
	f.mux.ServeHTTP(w, r)
}

// job is something asynchronous that ECS and EVS do: with an object, whose state tells how far it is.
type job struct {
	kind    simcloud.Kind
	id      string
	making  bool // the object's absence is a failure
	refused string
}

func (f *Fake) addJob(j job) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := randomID()
	f.jobs[id] = j
	return id
}

func randomID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
