package broker

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
)

// PurchaseJob wakes a worker to look at one purchase intent; what to do stands in the intent's row.
type PurchaseJob struct {
	IntentID string `json:"intent_id"`
}

// Kind names the job and its queue.
func (PurchaseJob) Kind() string { return "purchase" }

// ProtocolStore keeps intents and what they are about.
type ProtocolStore interface {
	InTx(ctx context.Context, f func(tx *sql.Tx) error) error
	Enqueue(ctx context.Context, tx *sql.Tx, jobs ...duoyun.Job) error
	IntentStore
	SettlementStore
	Deriver
}

// IntentStore keeps the purchase protocol's own rows.
type IntentStore interface {
	// Intent reads an intent outside any transaction.
	Intent(ctx context.Context, id string) (duoyun.Intent, error)
	// LockIntent reads an intent and holds it until the transaction ends.
	LockIntent(ctx context.Context, tx *sql.Tx, id string) (duoyun.Intent, error)
	// SaveIntent is the compare-and-set of the protocol: it writes in only while the row has the state and owner of was;
	// otherwise the error is LostLease.
	SaveIntent(ctx context.Context, tx *sql.Tx, was Lease, in duoyun.Intent) error
	InsertIntents(ctx context.Context, tx *sql.Tx, intents []duoyun.Intent) error
	// LatestIntent reads the newest intent of a resource: where one is not at its end, it is this.
	LatestIntent(ctx context.Context, resourceID string) (duoyun.Intent, error)
	// IntentSteps lists the steps sent so far, by ordinal and generation.
	IntentSteps(ctx context.Context, tx *sql.Tx, intentID string) ([]duoyun.IntentStep, error)
	// SaveStep writes a step; repeating a generation's step keeps the time of its first send.
	SaveStep(ctx context.Context, tx *sql.Tx, st duoyun.IntentStep) error
	// Subject reads the resource of an intent with what it hangs on.
	Subject(ctx context.Context, tx *sql.Tx, resourceID string) (Subject, error)
	// Sentinel returns the vendor id of a live resource of r's kind in r's pool other than r, the next one after the
	// given id and around; "" when there is none.
	Sentinel(ctx context.Context, r duoyun.Resource, after string) (string, error)
	// DueIntents takes note of intents that no worker has, though one should: those whose lease ended before now, and
	// those without a lease whose time was before lost. Each is given to one caller alone until it is due again.
	DueIntents(ctx context.Context, tx *sql.Tx, now, lost time.Time, limit int) ([]string, error)
}

// SettlementStore keeps what an intent's end moves.
type SettlementStore interface {
	// HoldOrder holds an order's row until the transaction ends: before its intents, in the order of locks.
	HoldOrder(ctx context.Context, tx *sql.Tx, orderID string) error
	// RecordVendor writes what the vendor told of a resource: vendor id, parts, addresses, its own words.
	RecordVendor(ctx context.Context, tx *sql.Tx, r duoyun.Resource) error
	// WaitingOn locks and lists, by id, the waiting intents that a resource's creation (its children's), or deletion (its
	// parents'), lets go on.
	WaitingOn(ctx context.Context, tx *sql.Tx, resourceID string, op duoyun.Op) ([]duoyun.Intent, error)
	// Hindered reports whether something that has to come before a waiting intent is still open.
	Hindered(ctx context.Context, tx *sql.Tx, in duoyun.Intent) (bool, error)
	// QueueAges is how long the next job of each queue has been due; queues without a due job are left out.
	QueueAges(ctx context.Context) (map[string]time.Duration, error)
	// LeftWaiting lists intents that wait since before the given time though nothing hinders them.
	LeftWaiting(ctx context.Context, before time.Time, limit int) ([]duoyun.Intent, error)
	OpenFinding(ctx context.Context, tx *sql.Tx, f duoyun.Finding) (duoyun.Finding, error)
	// WatchPool brings a pool's next reconciliation forward to at the latest at.
	WatchPool(ctx context.Context, tx *sql.Tx, poolID string, at time.Time) error
	// CloseSettled closes open findings of these kinds about resources with whose purchase, change or release nothing is
	// amiss any more, and returns their ids.
	CloseSettled(ctx context.Context, tx *sql.Tx, kinds []string, resolution, by string, now time.Time) ([]string, error)
	Audit(ctx context.Context, tx *sql.Tx, e duoyun.AuditEntry) error
}

// Lease is what a compare-and-set of an intent compares.
type Lease struct {
	State duoyun.IntentState
	Owner string
}

// LostLease says that somebody else has taken the intent meanwhile.
type LostLease struct{}

func (LostLease) Error() string { return "the intent is somebody else's now" }

// Subject is the resource of an intent with what it hangs on.
type Subject struct {
	Resource duoyun.Resource
	Login    string // of a server's line: key, secret or ""
	Parents  []Above
}

// Above is one parent of a resource.
type Above struct {
	Relation duoyun.Relation
	Resource duoyun.Resource
}

// Clouds finds the cloud of a pool; providers.Directory does.
type Clouds interface {
	Cloud(ctx context.Context, poolID string) (*providers.Cloud, error)
}

// Outcomes is told, in the same transaction, that an intent reached verified, failed, cancelled, compensated or
// mismatched; what the vendor told of r is stored already. It moves the resource's state, holds, meters and order. The
// delete intent that takes away a failed creation's remains is not told of itself: its end is the creation's
// compensated.
type Outcomes interface {
	Settled(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r duoyun.Resource) error
}

// PurchaseOptions of a Purchaser; the zero value works.
type PurchaseOptions struct {
	Now    duoyun.Clock  // real clock; default time.Now
	Margin time.Duration // by how much a lease outlives the wire call it covers; default 5 s
}

// Purchaser runs the purchase protocol: each vendor mutation is sent exactly once, whatever breaks. It keeps nothing
// between calls and is safe for concurrent use, by any number of replicas.
type Purchaser struct {
	store    ProtocolStore
	clouds   Clouds
	outcomes Outcomes
	now      duoyun.Clock
	margin   time.Duration
}

// NewPurchaser returns a Purchaser.
func NewPurchaser(store ProtocolStore, clouds Clouds, outcomes Outcomes, o PurchaseOptions) *Purchaser {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Margin == 0 {
		o.Margin = 5 * time.Second
	}
	return &Purchaser{store: store, clouds: clouds, outcomes: outcomes, now: o.Now, margin: o.Margin}
}
