package duoyun

import "time"

// SLAClause is the executable clause of a contract: when a minute counts as bad, how incidents round, exclusions,
// tiers and cap.
type SLAClause struct {
	Kind       Kind      `json:"kind,omitempty"`        // what it speaks of; "": every kind probed
	Target     Price     `json:"target"`                // per cent, such as 99.95
	MinOutage  int       `json:"min_outage_minutes"`    // an outage shorter than this does not count
	RoundUp    bool      `json:"round_up,omitempty"`    // each outage is rounded up to whole minutes
	NoticeDays int       `json:"notice_days,omitempty"` // maintenance announced this many days before is excluded
	Tiers      []SLATier `json:"tiers,omitempty"`       // best first
	Cap        Price     `json:"cap,omitempty"`         // per cent of the month's fee
}

// SLATier gives the credit when availability is below a bound.
type SLATier struct {
	Below  Price `json:"below"`  // per cent
	Credit Price `json:"credit"` // per cent of the month's cash fee
}

// ProbeTarget is what the prober looks at.
type ProbeTarget struct {
	ID         string
	Name       string
	ResourceID string // or
	PoolID     string // a canary of a pool
	Method     string // tcp | http | cloud
	Address    string
	Vantage    string // extranet | internet
	Active     bool
}

// ProbeResult is one minute of one target from one vantage point.
type ProbeResult struct {
	TargetID string
	Minute   time.Time // start of the minute, UTC
	Outcome  string    // good | bad | unknown
	Millis   int64
	Detail   string
}

// IncidentState is the state of an incident 故障.
type IncidentState string

// The states of an incident; attribution comes before money.
const (
	IncidentOpen       IncidentState = "open"
	IncidentAttributed IncidentState = "attributed"
	IncidentExcused    IncidentState = "excused"
	IncidentCredited   IncidentState = "credited"
)

// IncidentLifecycle is the transition table of an incident.
func IncidentLifecycle() Lifecycle[IncidentState] {
	type s = IncidentState
	return Lifecycle[s]{Noun: Text{"故障", "incident"}, Edges: []Edge[s]{
		{IncidentOpen, "待认定", []s{IncidentAttributed, IncidentExcused}},
		{IncidentAttributed, "已认定", []s{IncidentExcused, IncidentCredited}},
		{IncidentExcused, "免责", nil},
		{IncidentCredited, "已扣减", nil},
	}}
}

// Incident 故障 is an outage of a resource or a pool.
type Incident struct {
	ID          string
	Number      string
	SupplierID  string
	PoolID      string
	ResourceID  string
	State       IncidentState
	Source      string // probe | notice | work_order
	Start       time.Time
	End         time.Time // zero while it lasts
	Attribution string    // platform | carrier | upstream | application | department | force_majeure | maintenance
	Announced   time.Time // when maintenance was announced; zero: not
	Note        string
}

// Availability of one resource or pool in one month under one clause.
type Availability struct {
	ContractID string
	ResourceID string
	PoolID     string
	Month      Month
	Total      int64 // minutes known
	Bad        int64 // minutes, after exclusions
	Unknown    int64
	Percent    string // six decimals
	Met        bool
	Certified  bool // false when more than 5 % of the minutes are unknown
	Credit     Price
}

// Credit 扣减 is what a clause takes off a month's fee.
type Credit struct {
	ID         string
	ContractID string
	ResourceID string
	Month      Month
	Fee        Fen
	Percent    Price
	Amount     Fen
	Note       Text
}
