package duoyun

import (
	"encoding/json"
	"time"
)

// AuditEntry 审计记录 is written in the transaction it describes.
type AuditEntry struct {
	ID      string
	At      time.Time // real clock
	ActorID string
	Actor   string
	Action  string // order.submit, task.sign …
	Subject string // noun
	Key     string // id of the subject
	Detail  json.RawMessage
	TraceID string
}

// FindingState is the state of a finding.
type FindingState string

// The states of a finding.
const (
	FindingOpen     FindingState = "open"
	FindingResolved FindingState = "resolved"
)

// Finding 待处理事项 is what no rule can decide: it goes to a person, with the evidence and what may safely be done.
type Finding struct {
	ID         string
	Number     string
	Kind       string // shortage, in_doubt, mismatched, surplus, orphan, ghost, drift, over_project …
	State      FindingState
	Subject    string // noun
	SubjectID  string
	AgencyID   string
	SupplierID string
	Message    Text
	Evidence   json.RawMessage
	Actions    []FindingAction
	Resolution string
	ResolvedBy string
	CreatedAt  time.Time
	ResolvedAt time.Time
}

// FindingAction is something that may safely be done about a finding: by the platform, where it names a remedy, or by people.
type FindingAction struct {
	Remedy Remedy `json:"remedy,omitempty"`
	Text
}

// Remedy 处置 is what the platform does about a purchase that waits, once a person has chosen it and says why.
type Remedy string

// The remedies. Without one a finding is closed by saying what people did.
const (
	RemedyLook     Remedy = "look_again" // look at the vendor now
	RemedyBuyAgain Remedy = "buy_again"  // the supplier vouches that nothing was made: buy it anew
	RemedyAdopt    Remedy = "adopt"      // of several that bear the mark, this one is the unit
	RemedyGiveUp   Remedy = "give_up"    // buy, change or delete it no more; what stands of a purchase is taken away
	RemedyClear    Remedy = "clear"      // take away once more what stands of a failed purchase
)

// Numbers 单号 are per form, agency and year: 宿政云申〔2026〕0123号.
const (
	NumberOrder     = "申"
	NumberTask      = "办"
	NumberResource  = "资"
	NumberStatement = "结"
	NumberIncident  = "障"
	NumberFinding   = "督"
)
