// Package driver declares what a vendor's driver implements. Drivers are dumb: they turn one step into one wire call
// and report what the vendor said. They never retry, sleep, log or keep state; package providers adds validation,
// timeouts, tracing, redaction, limiting and retried reads, and package broker runs the purchase protocol over them.
package driver

import (
	"context"
	"encoding/json"
	"time"

	"github.com/duoyun/duoyun"
)

// Cloud is one vendor account in one region. Implementations are safe for concurrent use.
type Cloud interface {
	// Capabilities says what this cloud is and how long it takes to settle.
	Capabilities() Capabilities
	// Kind returns the resource driver of a kind, or false where this cloud does not offer it.
	Kind(k duoyun.Kind) (Resource, bool)
	// Code classifies any error this cloud's methods returned; nil is OK. Errors that were not documented by the vendor
	// as "nothing was done" are InDoubt.
	Code(err error) Code
}

// Resource plans, runs and observes one kind. All methods may be called at any time, by several replicas at once.
type Resource interface {
	// Plan returns the steps that lead from c.Before to c.After: one vendor mutation each, in order. It makes no calls
	// and depends on c alone, so that every replica plans alike. A change the kind cannot make is an error with code
	// Invalid. No steps means there is nothing to do.
	Plan(c Change) ([]Step, error)
	// Run makes the one wire mutation of c.Step. It may read before (an image's id) but never after. An error whose
	// code is not InDoubt or Unavailable means that nothing was done. A delete of what is gone already is no error.
	Run(ctx context.Context, c Call) (Reply, error)
	// Look tells from the vendor whether c.Step's effect is there. It only reads. For creations it searches by mark over
	// all states in a complete listing, or by the ids in c where they are known.
	Look(ctx context.Context, c Call) (Evidence, error)
	// Observe reads one resource by its vendor id; an unknown id is an error with code NotFound.
	Observe(ctx context.Context, id string) (Observation, error)
	// List pages over every resource of the kind in the account, ours or not; cursor "" is the first page.
	List(ctx context.Context, cursor string) (Page, error)
}

// Capabilities describes a cloud.
type Capabilities struct {
	Driver      string        // openstack, workorder …
	Settling    time.Duration // how long after a mutation a complete listing may still not show it
	CallTimeout time.Duration // longest a single mutation may take before its outcome is in doubt
	TokenLife   time.Duration // how long the vendor keeps the idempotency tokens of the steps that have one; 0: none has
}

// Step is one vendor mutation of a plan.
type Step struct {
	Name  string
	Main  bool // its vendor id is the resource's own id
	Await bool // its effect must be seen (Look: Done) before the next step is sent
	Token bool // Call.Token goes with it, and within TokenLife the vendor makes one thing of any number of calls that bear it
}

// Change is one intent as the driver sees it: from Before to After, with all the vendor ids known so far.
type Change struct {
	Op     duoyun.Op
	Kind   duoyun.Kind
	Mark   string      // full mark of the unit, ASCII, ≤ 64 bytes: part of every create call
	Name   string      // name for people, may be Chinese
	Zone   string      // network zone of the line
	Before duoyun.Spec // nil for create
	After  duoyun.Spec // nil for delete
	ID     string      // vendor id of the resource; "" while unknown
	Parts  map[string]string
	Links  map[duoyun.Relation][]Link
	Secret Secret // one-time login (public key or password), for create only

	// Months is the term a subscription 包年包月 is bought or renewed for; 0: on demand 按量. The vendor's own renewal is
	// always off: renewal is an intent of ours.
	Months int
	// PaidUntil is, for a renewal, until when the subscription was paid before it: later than that proves it done.
	PaidUntil time.Time
}

// Link is a parent as its vendor knows it.
type Link struct {
	Kind      duoyun.Kind
	ID        string
	Parts     map[string]string
	Addresses []string
}

// Call is one step of a change.
type Call struct {
	Change
	Step     string
	Token    string // idempotency token: ≤ 64 ASCII bytes, one per generation and step
	OrderID  string // the vendor's order of this step, where it made one
	Sentinel string // Look: vendor id of a resource of ours that a complete listing must show; "" for none
}

// Reply is what the vendor answered to a mutation.
type Reply struct {
	ID        string // vendor id of what the step made, "" where it made nothing
	OrderID   string
	RequestID string
	Addresses []string
}

// EvidenceState is what Look found out about a step.
type EvidenceState string

// What Look may find.
const (
	Absent   EvidenceState = "absent"   // a complete look does not show the effect
	Pending  EvidenceState = "pending"  // the vendor is at it
	Done     EvidenceState = "done"     // the effect is there
	Broken   EvidenceState = "broken"   // the thing is there, in the vendor's error state: it will not come right
	Conflict EvidenceState = "conflict" // more than one bears the mark, or what is there is neither before nor after
)

// Evidence is what Look saw.
type Evidence struct {
	State        EvidenceState
	ID           string // vendor id, where something was found
	Complete     bool   // the listing was whole: no partial-result flag, every page read
	SentinelSeen bool   // Call.Sentinel was in the listing; true also where the look needed no listing
	Detail       string // the vendor's words, for people
}

// ObservedState is a resource's state, made portable.
type ObservedState string

// The portable states.
const (
	Building ObservedState = "building"
	Active   ObservedState = "active"
	Stopped  ObservedState = "stopped"
	Deleting ObservedState = "deleting"
	Errored  ObservedState = "error"
)

// Observation is one resource as its vendor shows it.
type Observation struct {
	ID        string
	Mark      string // "" when it bears none: a stranger
	Name      string
	State     ObservedState
	Spec      duoyun.Spec // what the vendor shows of it, in portable names; fields the vendor does not show are zero
	Addresses []string
	Links     map[duoyun.Relation][]string // vendor ids of what it hangs on
	CreatedAt time.Time
	PaidUntil time.Time // when a subscription ends; zero for on demand
	Raw       json.RawMessage
}

// Page is one page of a listing.
type Page struct {
	Items   []Observation
	Next    string // "" after the last page
	Partial bool   // the vendor said that the answer is not whole
}

// Code classifies a vendor's answer.
type Code string

// The codes a driver reports.
const (
	OK          Code = ""
	Throttled   Code = "throttled"   // too many calls: nothing was done
	Quota       Code = "quota"       // the account's quota does not suffice: nothing was done
	SoldOut     Code = "sold_out"    // the vendor has no capacity: nothing was done
	Auth        Code = "auth"        // the credentials do not serve: nothing was done
	Invalid     Code = "invalid"     // the vendor will never take this call: nothing was done
	NotFound    Code = "not_found"   // no such thing
	NotReady    Code = "not_ready"   // the thing is in a state that refuses the call now: nothing was done
	InDoubt     Code = "in_doubt"    // whether the vendor acted is not known
	Unavailable Code = "unavailable" // the vendor could not be reached: the connection was never made, nothing was done
)

// Account is how to reach one vendor account. Its secret values redact themselves in logs.
type Account struct {
	Pool      string            `json:"-"`        // our own id of the pool: set by whoever opens the account
	Endpoint  string            `json:"endpoint"` // identity endpoint
	Region    string            `json:"region"`
	Domain    string            `json:"domain,omitempty"`
	Project   string            `json:"project,omitempty"`
	User      string            `json:"user,omitempty"`
	AccessKey string            `json:"access_key,omitempty"` // public half of a key pair; Secret is the other
	AppCredID string            `json:"app_credential_id,omitempty"`
	Endpoints map[string]string `json:"endpoints,omitempty"` // overrides by service name
	CA        string            `json:"ca,omitempty"`        // PEM of a private CA; verification is never off
	Proxy     string            `json:"proxy,omitempty"`     // URL of an HTTP proxy to the vendor
	Platform  string            `json:"platform,omitempty"`  // the vendor's private-cloud product, as its driver names it: apsara, hcs, tce
	// Organization and ResourceGroup are where a private cloud books what is bought (Apsara Stack, Huawei enterprise project).
	Organization  string        `json:"organization,omitempty"`
	ResourceGroup string        `json:"resource_group,omitempty"`
	Secret        Secret        `json:"-"` // password or application credential secret
	Mapping       Mapping       `json:"mapping,omitzero"`
	Timeout       time.Duration `json:"timeout,omitempty"`  // per call; 0: 20 s
	Settling      time.Duration `json:"settling,omitempty"` // 0: the driver's own
	// SubscribeMonths is for how many months things are bought 包年包月: one of duoyun.SubscriptionTerms; 0: on demand 按量.
	SubscribeMonths int `json:"subscribe_months,omitempty"`
}

// Mapping turns portable names into the account's own.
type Mapping struct {
	Images          map[string]string `json:"images,omitempty"`           // kylin-v10 → image name or id
	Classes         map[string]string `json:"classes,omitempty"`          // ssd → volume type
	Zones           map[string]string `json:"zones,omitempty"`            // extranet_public → availability zone, "" for the cloud's default
	ExternalNetwork string            `json:"external_network,omitempty"` // where routers and public addresses come from
	ExactFlavor     bool              `json:"exact_flavor,omitempty"`     // take only a flavor that equals the demand
	Families        []string          `json:"families,omitempty"`         // flavor families that may be bought, the preferred first; empty: all
}

// Secret is a credential: it prints as "(secret)" everywhere but through Reveal. It is behind a pointer, because fmt calls no
// methods on unexported fields: printing a struct that holds one shows an address.
type Secret struct{ value *string }

// NewSecret wraps a credential.
func NewSecret(s string) Secret { return Secret{&s} }

// Reveal returns the credential, for the wire only.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

func (s Secret) String() string   { return "(secret)" }
func (s Secret) GoString() string { return "(secret)" }

// MarshalText keeps secrets out of JSON and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte("(secret)"), nil }

// Opener connects an account. It makes no mutation; it may authenticate.
type Opener func(ctx context.Context, a Account) (Cloud, error)
