// Package aliyunfake speaks Alibaba Cloud over a simulated cloud: the RPC interface of ECS, VPC, SLB, RDS, Redis, CloudMonitor
// and BSS (signature 1.0, help.aliyun.com/document_detail/25492.html), and OSS (signature version 4). It is written from the
// vendor's documents and shares nothing with the driver: what either side has misread shows as a failed test.
//
// Every product is served at one address: RPC calls are told apart by their Version and Action, OSS by its signature.
package aliyunfake

import (
	"net/http"
	"sync"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// The key pair that is accepted, and the account it belongs to.
const (
	AccessKey = "LTAI5tSimulatedKeyOfDuoyun"
	Secret    = "simulated-secret-of-30-letters"
	Account   = "1234567890123456"
)

// Options of New; the zero value works.
type Options struct {
	MaxPage int // the longest page of any listing; default 100
}

// Fake is the handler of one cloud. It is safe for concurrent use.
type Fake struct {
	Faults  simcloud.Faults // spoils calls; a call's path is /<product>/<action> to it, and its method GET where it reads
	sim     *simcloud.Cloud
	maxPage int
	actions map[string]action
	chain   http.Handler

	mu     sync.Mutex
	nonces map[string]time.Time
	once   sync.Mutex // calls with a client token come one after another
	tokens map[string]answered
}

// New puts an Alibaba Cloud over a simulated cloud.
func New(sim *simcloud.Cloud, o Options) *Fake {
	if o.MaxPage == 0 {
		o.MaxPage = 100
	}
	f := &Fake{sim: sim, maxPage: o.MaxPage, actions: map[string]action{}, nonces: map[string]time.Time{}, tokens: map[string]answered{}}
	for _, set := range [][]action{networkActions(), addressActions(), serverActions(), groupActions(), diskActions(), catalogueActions(), balancerActions(),
		databaseActions(), cacheActions(), accountActions()} {
		for _, a := range set {
			f.actions[a.product+"/"+a.name] = a
		}
	}
	f.chain = f.Faults.Wrap(sim.Paced(http.HandlerFunc(f.serve)))
	return f
}

// Owner is the simulated account behind the key pair, in the first region.
func (f *Fake) Owner() simcloud.Owner {
	return simcloud.Owner{Region: f.sim.Regions()[0].Name, Tenant: Account}
}

// ServeHTTP serves every product. The fault layer sees a call by what it does: RPC sends everything by POST to one path.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if isObjectCall(r) {
		f.chain.ServeHTTP(&worded{ResponseWriter: w, refuse: objectWords}, r)
		return
	}
	seen, err := told(r)
	if err != nil {
		fail(w, refuse(http.StatusBadRequest, "InvalidParameter", "%v", err), "")
		return
	}
	f.chain.ServeHTTP(&worded{ResponseWriter: w, refuse: rpcWords}, seen)
}

func (f *Fake) serve(w http.ResponseWriter, r *http.Request) {
	if isObjectCall(r) {
		f.object(w, r)
		return
	}
	f.rpc(w, r)
}
