// Package sla executes the service clause of a contract: probes leave per-minute evidence, outages become incidents, a
// person says whose they are, and the clause turns them into availability and into what comes off the month's fee.
package sla

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
)

// Store is what sla needs kept. Methods that take a transaction run in it; where they say so, a nil one reads outside.
type Store interface {
	Journal
	ProbeStore
	IncidentStore
	EvidenceStore
}

// Journal is the bookkeeping around every write.
type Journal interface {
	InTx(ctx context.Context, f func(tx *sql.Tx) error) error
	Recall(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once) (string, error)
	Remember(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once, id string) error
	Audit(ctx context.Context, tx *sql.Tx, e duoyun.AuditEntry) error
	NextNumber(ctx context.Context, tx *sql.Tx, form, agencyID string, now time.Time) (string, error)
}

// ProbeStore keeps what is probed and what was seen.
type ProbeStore interface {
	InsertTarget(ctx context.Context, tx *sql.Tx, t duoyun.ProbeTarget) error
	SetTargetActive(ctx context.Context, tx *sql.Tx, id string, active bool) error
	Target(ctx context.Context, tx *sql.Tx, id string) (duoyun.ProbeTarget, error)
	// ActiveTargets lists what the prober looks at, each with the subject it is evidence for.
	ActiveTargets(ctx context.Context) ([]Target, error)
	// SubjectTargets reads the given targets with their subjects.
	SubjectTargets(ctx context.Context, tx *sql.Tx, ids []string) ([]Target, error)
	Targets(ctx context.Context, scope duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.ProbeTarget], error)
	// InsertResults writes results in batches; a target's minute that is there already keeps its first result.
	InsertResults(ctx context.Context, tx *sql.Tx, results []duoyun.ProbeResult) error
}

// IncidentStore keeps incidents.
type IncidentStore interface {
	// IncidentSubject reads whose a resource or, where resourceID is "", a pool is, and locks it against other writers of its
	// incidents.
	IncidentSubject(ctx context.Context, tx *sql.Tx, resourceID, poolID string) (Subject, error)
	InsertIncident(ctx context.Context, tx *sql.Tx, i duoyun.Incident) error
	// UpdateIncident writes state, end, attribution, announcement and note, if the state still is from.
	UpdateIncident(ctx context.Context, tx *sql.Tx, i duoyun.Incident, from duoyun.IncidentState) error
	// Incident reads and locks an incident by id or number.
	Incident(ctx context.Context, tx *sql.Tx, key string) (duoyun.Incident, error)
	// LastProbed returns the subject's latest incident that came from probes; a zero one when there is none.
	LastProbed(ctx context.Context, tx *sql.Tx, s Subject) (duoyun.Incident, error)
	FindIncident(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Incident, error)
	Incidents(ctx context.Context, scope duoyun.Scope, f IncidentFilter, p duoyun.Page) (duoyun.Listing[duoyun.Incident], error)
}

// EvidenceStore reads what clauses are executed on; a nil transaction reads outside.
type EvidenceStore interface {
	// KnownMinutes gives f every minute of [from, to) in which a target of the resource, or of the pool where resourceID
	// is "", saw good or bad. A minute may come more than once.
	KnownMinutes(ctx context.Context, tx *sql.Tx, resourceID, poolID string, from, to time.Time, f func(time.Time)) error
	// Touching lists the incidents of the pool and, where resourceID is not "", of the resource that touch [from, to).
	Touching(ctx context.Context, tx *sql.Tx, resourceID, poolID string, from, to time.Time) ([]duoyun.Incident, error)
	// Struck lists the contract's resources with an attributed incident of their own or of their pool within [from, to),
	// by id after the given one.
	Struck(ctx context.Context, tx *sql.Tx, contractID string, from, to time.Time, after string, limit int) ([]Served, error)
	// ServedResources lists the resources in scope that ran within [from, to) under a contract, newest first.
	ServedResources(ctx context.Context, scope duoyun.Scope, f ReportFilter, from, to time.Time, p duoyun.Page) (duoyun.Listing[Served], error)
	// ServedPools lists contract and pool of everything in scope that ran within [from, to).
	ServedPools(ctx context.Context, scope duoyun.Scope, from, to time.Time) ([]Served, error)
	// ProbedPools gives, by pool id, when the pool's canaries were first looked at.
	ProbedPools(ctx context.Context, tx *sql.Tx) (map[string]time.Time, error)
	// InsertCredits records credits; one for a contract, resource and month that has its own already is a conflict.
	InsertCredits(ctx context.Context, tx *sql.Tx, credits []duoyun.Credit) error
	// MarkCredited moves the resource's and its pool's attributed incidents that ended by the month's end to credited.
	MarkCredited(ctx context.Context, tx *sql.Tx, resourceID string, month duoyun.Month) error
}

// Cloud asks a pool's cloud for an answer through its API; an error is a bad minute.
type Cloud interface {
	Probe(ctx context.Context, poolID string) error
}

// Service probes, records incidents and executes clauses.
type Service struct {
	store   Store
	now     duoyun.Clock // business clock
	cloud   Cloud        // nil: minutes of the method cloud stay unknown
	methods map[string]method
}

// New returns the service; now is the business clock, cloud may be nil.
func New(store Store, now duoyun.Clock, cloud Cloud) *Service {
	s := &Service{store: store, now: now, cloud: cloud}
	s.methods = map[string]method{"tcp": probeTCP, "http": probeHTTP, "cloud": s.probeCloud}
	return s
}

// Subject is what an incident strikes: a resource, or a whole pool when ResourceID is "".
type Subject struct {
	ResourceID string
	PoolID     string
	SupplierID string
	AgencyID   string // in whose register its incidents are numbered: the resource's agency, or the root
	Ancestors  [duoyun.MaxDepth]string
}

// Within reports whether the subject belongs to the granted subtree.
func (s Subject) Within(g duoyun.Grant) bool {
	return g.Depth >= 1 && g.Depth <= duoyun.MaxDepth && s.Ancestors[g.Depth-1] == g.AgencyID
}

// Target is a probe target with its subject.
type Target struct {
	duoyun.ProbeTarget
	Subject Subject
}

// Served is one resource under its contract's clause, or, with ResourceID "", one pool as a whole.
type Served struct {
	ContractID string
	Clause     duoyun.SLAClause
	ResourceID string
	PoolID     string
	Kind       duoyun.Kind
	Start      time.Time // service time
	End        time.Time // zero while it runs
}

// applies reports whether the clause speaks of this kind of resource.
func (s Served) applies() bool {
	return s.Clause.Kind == "" || s.ResourceID == "" || s.Clause.Kind == s.Kind
}

// IncidentFilter narrows a listing of incidents.
type IncidentFilter struct {
	State    duoyun.IncidentState
	Supplier string // id or code
	Pool     string // id or code
	Resource string // id or number
}

// ReportFilter narrows a report.
type ReportFilter struct {
	Contract string // id or number
	Resource string // id or number
}

func readers() []duoyun.Role {
	return []duoyun.Role{duoyun.RoleApplicant, duoyun.RoleApprover, duoyun.RoleConfirmer, duoyun.RoleReviewer,
		duoyun.RoleProcurement, duoyun.RoleFinance, duoyun.RoleSupplier, duoyun.RoleAuditor}
}

// reading returns the rows the actor may read, or 403 when none of its roles reads service records.
func reading(actor duoyun.Actor) (duoyun.Scope, error) {
	if err := actor.Need(readers()...); err != nil {
		return duoyun.Scope{}, err
	}
	return actor.ScopeFor(readers()...), nil
}

// readingOf is reading for a month; one that has not begun is refused.
func (s *Service) readingOf(actor duoyun.Actor, month duoyun.Month) (duoyun.Scope, error) {
	scope, err := reading(actor)
	if err == nil {
		err = month.Begun(s.now())
	}
	return scope, err
}

func (s *Service) entry(ctx context.Context, actor duoyun.Actor, action, subject, key string) duoyun.AuditEntry {
	return duoyun.AuditEntry{ActorID: actor.UserID, Actor: actor.Name, Action: action, Subject: subject, Key: key, TraceID: duoyun.TraceOf(ctx)}
}
