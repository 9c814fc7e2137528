package duoyun

import "time"

// Op is what a purchase intent does to its resource.
type Op string

// The operations of the purchase protocol.
const (
	OpCreate Op = "create"
	OpUpdate Op = "update"
	OpRenew  Op = "renew"
	OpDelete Op = "delete"
)

// IntentState is the state of a purchase intent 采购意图, for the step it is at.
type IntentState string

// The states of the purchase protocol.
const (
	IntentWaiting      IntentState = "waiting"      // a parent is not verified yet
	IntentIntended     IntentState = "intended"     // the next step may be sent
	IntentSent         IntentState = "sent"         // one wire call is, or was, under way
	IntentAccepted     IntentState = "accepted"     // the vendor took it; its effect is not seen yet
	IntentMaterialised IntentState = "materialised" // every step's effect is seen
	IntentVerified     IntentState = "verified"     // seen, and as ordered
	IntentInDoubt      IntentState = "in_doubt"     // whether the vendor acted is not known
	IntentAbsent       IntentState = "absent"       // proven that the vendor did not act
	IntentMismatched   IntentState = "mismatched"   // exists with another spec: holds kept, not billed
	IntentCancelled    IntentState = "cancelled"    // before anything was sent
	IntentFailed       IntentState = "failed"       // refused for good; what stands of it is being taken away
	IntentCompensated  IntentState = "compensated"  // failed or undone, and proven gone
)

// IntentLifecycle is the transition table of the purchase protocol.
func IntentLifecycle() Lifecycle[IntentState] {
	type s = IntentState
	return Lifecycle[s]{Noun: Text{"采购意图", "purchase intent"}, Edges: []Edge[s]{
		{IntentWaiting, "等待前置", []s{IntentIntended, IntentCancelled}},
		{IntentIntended, "待发出", []s{IntentSent, IntentCancelled, IntentFailed}},
		{IntentSent, "已发出", []s{IntentAccepted, IntentInDoubt, IntentIntended, IntentFailed}},
		{IntentAccepted, "已受理", []s{IntentIntended, IntentMaterialised, IntentInDoubt, IntentFailed}},
		{IntentMaterialised, "已生成", []s{IntentVerified, IntentMismatched, IntentFailed}},
		{IntentInDoubt, "存疑", []s{IntentAccepted, IntentAbsent, IntentFailed}},
		{IntentAbsent, "已证实不存在", []s{IntentIntended, IntentFailed}},
		{IntentMismatched, "规格不符", []s{IntentVerified, IntentFailed}},
		{IntentFailed, "失败", []s{IntentCompensated}},
		{IntentVerified, "已核验", nil},
		{IntentCancelled, "已取消", nil},
		{IntentCompensated, "已补偿", nil},
	}}
}

// Settled reports whether the purchase protocol has nothing more to do for an intent in this state: it is final, or the
// intent that takes its remains away moves it on.
func (s IntentState) Settled() bool {
	switch s {
	case IntentVerified, IntentCancelled, IntentCompensated, IntentFailed:
		return true
	}
	return false
}

// Intent 采购意图 is one unit's purchase, change or release at a vendor, written before any vendor call. The row is the
// truth; a job is only a wake-up.
type Intent struct {
	ID         string
	OrderID    string // "" for what the platform prepares for itself
	ResourceID string
	PoolID     string
	Kind       Kind
	Op         Op
	Before     Spec      // nil for create
	After      Spec      // nil for delete
	Months     int       // term of a subscription 包年包月 that is bought or renewed; 0: on demand
	PaidUntil  time.Time // of a renewal: until when it was paid for before
	State      IntentState
	Step       int       // index of the step the state speaks of
	Generation int       // grows only in the transaction that records absent or failed
	Owner      string    // who holds the lease
	LeaseUntil time.Time // real clock
	WakeAt     time.Time // real clock: not before this shall a worker look again
	Attempt    int       // sends of the present step since the last that was accepted
	Reason     string    // why it is in doubt or failed, for people
	Doubt      DoubtNote
	Compensate string // id of the failed intent whose remains this delete takes away
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// DoubtNote is the evidence gathered while an intent is in doubt.
type DoubtNote struct {
	SettleFrom  time.Time `json:"settle_from,omitzero"`  // lease end + timeout: no listing before this proves anything
	FirstAbsent time.Time `json:"first_absent,omitzero"` // when the first complete listing did not show it
	Sentinel    string    `json:"sentinel,omitempty"`    // vendor id of ours that the listing did show, or was last asked to
	Endpoint    string    `json:"endpoint,omitempty"`    // where the call went: another endpoint's listing proves nothing
}

// IntentStep is one vendor mutation of an intent, kept before the next begins.
type IntentStep struct {
	IntentID   string
	Ordinal    int
	Generation int
	Name       string
	Token      string
	VendorID   string // what the vendor calls the thing this step made
	OrderID    string // the vendor's order, where it makes orders
	RequestID  string
	SentAt     time.Time
	RepliedAt  time.Time
	Outcome    string // sent, accepted, refused:<code>, in_doubt, found, absent, adopted
}
