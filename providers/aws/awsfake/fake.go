// Package awsfake speaks AWS over a simulated cloud: the Query interface of EC2, Elastic Load Balancing v2, RDS, ElastiCache
// and CloudWatch, the JSON interface of Service Quotas, Price List and Cost Explorer, and S3's buckets. It is written
// from the vendor's documents and shares nothing with the driver: what either side has misread shows as a failed test.
//
// Every service is served at one address: calls are told apart by the scope of their signature.
package awsfake

import (
	"net/http"
	"sync"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// The key pair that is accepted, and the account it belongs to.
const (
	AccessKey = "AKIASIMULATEDDUOYUN1"
	Secret    = "simulated/secret+of+forty+characters+DUO"
	Account   = "123456789012"
)

// Options of New; the zero value works.
type Options struct {
	MaxPage int // the longest page of any listing; default 100
}

// Fake is the handler of one cloud. It is safe for concurrent use.
type Fake struct {
	Faults  simcloud.Faults // spoils calls; a call's path is /<service>/<action> to it, and its method GET where it reads
	sim     *simcloud.Cloud
	maxPage int
	actions map[string]action
	chain   http.Handler

	once   sync.Mutex // calls that change anything come one after another, as names are to be unique
	tokens map[string]answered
	ended  map[string]ended        // terminated servers, by id
	groups map[string]*targetGroup // by name
	ears   map[string][]listener   // listeners, by load balancer
	places map[string]subnetGroup  // by service and name
}

// New puts an AWS over a simulated cloud, to whose catalogue it adds the vendor's volume types.
func New(sim *simcloud.Cloud, o Options) *Fake {
	if o.MaxPage == 0 {
		o.MaxPage = 100
	}
	f := &Fake{sim: sim, maxPage: o.MaxPage, actions: map[string]action{}, tokens: map[string]answered{}, ended: map[string]ended{},
		groups: map[string]*targetGroup{}, ears: map[string][]listener{}, places: map[string]subnetGroup{}}
	for _, set := range [][]action{networkActions(), groupActions(), serverActions(), diskActions(), addressActions(), catalogueActions(), balancerActions(),
		databaseActions(), cacheActions(), accountActions()} {
		for _, a := range set {
			f.actions[a.service+"/"+a.name] = a
		}
	}
	for _, name := range []string{"gp3", "gp2"} {
		sim.AddVolumeType(simcloud.VolumeType{Object: simcloud.Object{Name: name}})
	}
	f.chain = f.Faults.Wrap(sim.Paced(http.HandlerFunc(f.serve)))
	return f
}

// Owner is the simulated account behind the key pair, in the first region.
func (f *Fake) Owner() simcloud.Owner {
	return simcloud.Owner{Region: f.sim.Regions()[0].Name, Tenant: Account}
}

// ended is a server that was terminated: it is shown for an hour more.
type ended struct {
	at   time.Time
	show object
}

// ServeHTTP serves every service. The fault layer sees a call by what it does: Query sends everything by POST to one path.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o, err := told(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.chain.ServeHTTP(&worded{ResponseWriter: w, service: o.scope.service}, o.seen(r))
}

func (f *Fake) serve(w http.ResponseWriter, r *http.Request) {
	o, ok := r.Context().Value(originalKey{}).(*original)
	if !ok {
		http.Error(w, "no call of this fake", http.StatusInternalServerError)
		return
	}
	if o.scope.service == "s3" {
		f.s3(w, o)
		return
	}
	f.query(w, o)
}
