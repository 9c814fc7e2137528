// Package broker takes an order from its document to running resources: intake, review, recommendation, signatures,
// placing, purchase, confirmation, change and release. Every step is one transaction that moves the order along its
// lifecycle, writes its event and audit entry, and leaves a task for the next person or a job for a worker.
package broker

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
)

// Store is what the order side of the broker needs kept, by concern.
type Store interface {
	Recorder
	OrderStore
	PlacingStore
	TaskStore
	ResourceStore
	NetworkStore
	TargetStore
	ReferenceStore
	PurchaseStore
	WorkOrderStore
	LoginStore
	DecisionStore
	SubscriptionStore
}

// OrderStore keeps orders and their history.
type OrderStore interface {
	InsertOrder(ctx context.Context, tx *sql.Tx, o duoyun.Order) error
	// LockOrder reads an order by id or number, without its recommendation, and holds it until the transaction ends:
	// whoever has it alone may move it.
	LockOrder(ctx context.Context, tx *sql.Tx, key string) (duoyun.Order, error)
	// Recommendation reads what was recommended for an order; nil when nothing was yet.
	Recommendation(ctx context.Context, tx *sql.Tx, orderID string) (*duoyun.Recommendation, error)
	// UpdateOrder writes what moves of a locked order, and its recommendation where it has one; a version that is no
	// longer the stored one is a conflict.
	UpdateOrder(ctx context.Context, tx *sql.Tx, o duoyun.Order) error
	InsertOrderEvent(ctx context.Context, tx *sql.Tx, e duoyun.OrderEvent) error
	// PlacedWith records that suppliers see the order from now on; repeating it changes nothing.
	PlacedWith(ctx context.Context, tx *sql.Tx, orderID string, supplierIDs []string) error
	// ProjectSpend sums the totals of a project's orders that were not refused, withdrawn or undone.
	ProjectSpend(ctx context.Context, tx *sql.Tx, projectID string) (duoyun.Fen, error)
	FindOrder(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Order, error)
	Orders(ctx context.Context, scope duoyun.Scope, f OrderFilter, p duoyun.Page) (duoyun.Listing[duoyun.Order], error)
	OrderEvents(ctx context.Context, orderID string) ([]duoyun.OrderEvent, error)
	// OrderFunding reads the funding lines of an order without holding it.
	OrderFunding(ctx context.Context, tx *sql.Tx, orderID string) ([]duoyun.Funding, error)
}

// PlacingStore tells which orders wait to be placed, and how long the line of jobs is.
type PlacingStore interface {
	// QueueAges is how long the next job of each queue has been due; queues without a due job are left out.
	QueueAges(ctx context.Context) (map[string]time.Duration, error)
	// LatePlacings lists the ids of orders that wait to be placed since before the given business time.
	LatePlacings(ctx context.Context, before time.Time, limit int) ([]string, error)
	// HeldOrders lists the ids of held orders of which nothing was bought, oldest first, after the one given.
	HeldOrders(ctx context.Context, after string, limit int) ([]string, error)
}

// TaskStore keeps tasks.
type TaskStore interface {
	InsertTask(ctx context.Context, tx *sql.Tx, t duoyun.Task) error
	// UpdateTask writes a decision; the order of the task is locked.
	UpdateTask(ctx context.Context, tx *sql.Tx, t duoyun.Task) error
	Task(ctx context.Context, tx *sql.Tx, key string) (duoyun.Task, error)
	OrderTasks(ctx context.Context, tx *sql.Tx, orderID string) ([]duoyun.Task, error)
	// FindTask reads a task the actor may decide, or whose order it sees.
	FindTask(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Task, error)
	Tasks(ctx context.Context, actor duoyun.Actor, f TaskFilter, p duoyun.Page) (duoyun.Listing[duoyun.Task], error)
	// SilentTasks lists pending delivery confirmations whose time for objections ended by at, oldest first.
	SilentTasks(ctx context.Context, at time.Time, limit int) ([]duoyun.Task, error)
}

// ResourceStore keeps resources and their links.
type ResourceStore interface {
	InsertResources(ctx context.Context, tx *sql.Tx, rs []duoyun.Resource) error
	InsertLinks(ctx context.Context, tx *sql.Tx, links []duoyun.Link) error
	// UpdateResource writes state, spec, number, money, period and dates; what the vendor told stays as it is.
	UpdateResource(ctx context.Context, tx *sql.Tx, r duoyun.Resource) error
	// SetResourceStates writes one state to many resources, and a confirmation date that is not zero.
	SetResourceStates(ctx context.Context, tx *sql.Tx, ids []string, state duoyun.ResourceState, confirmed, now time.Time) error
	// LockResources reads and holds resources by id or number, in the order of their ids.
	LockResources(ctx context.Context, tx *sql.Tx, keys []string) ([]duoyun.Resource, error)
	// OrderResources lists what an open order made, by line and ordinal.
	OrderResources(ctx context.Context, tx *sql.Tx, orderID string) ([]duoyun.Resource, error)
	// Dependents lists the live or coming resources that hang on any of the parents.
	Dependents(ctx context.Context, tx *sql.Tx, parentIDs []string) ([]Dependent, error)
	FindResource(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Resource, error)
	Resources(ctx context.Context, scope duoyun.Scope, f ResourceFilter, p duoyun.Page) (duoyun.Listing[duoyun.Resource], error)
	// AllOrderResources lists every resource of an order in scope, those a change order is about included.
	AllOrderResources(ctx context.Context, scope duoyun.Scope, orderID string) ([]duoyun.Resource, error)
}

// Dependent is a resource that hangs on another, with what people know it by.
type Dependent struct {
	duoyun.Link
	Kind   duoyun.Kind
	Number string // "" until it has one
	Name   string
}

// NetworkStore keeps the platform's networks.
type NetworkStore interface {
	// PlatformNetwork finds the network of an agency in a zone of a pool; without a usable one it holds the pool and
	// takes the next index of its address plan for a network the caller shall make.
	PlatformNetwork(ctx context.Context, tx *sql.Tx, poolID, agencyID, zone string) (NetworkSlot, error)
	SetPlatformNetwork(ctx context.Context, tx *sql.Tx, poolID, agencyID, zone, resourceID string) error
	// IdleNetworks locks and lists running platform networks of a pool in which nothing stands or is to stand.
	IdleNetworks(ctx context.Context, tx *sql.Tx, poolID string, limit int) ([]duoyun.Resource, error)
}

// TargetStore keeps which existing resources a change, renewal or release is about.
type TargetStore interface {
	// ClaimTargets makes the order the one under way for each resource; another one under way is a conflict.
	ClaimTargets(ctx context.Context, tx *sql.Tx, orderID string, resourceIDs []string) error
	// OrderTargets locks and lists the resources the order is about.
	OrderTargets(ctx context.Context, tx *sql.Tx, orderID string) ([]duoyun.Resource, error)
	// FreeTargets ends the order's claims: the resources may have another order.
	FreeTargets(ctx context.Context, tx *sql.Tx, orderID string) error
}

// ReferenceStore reads what orders refer to.
type ReferenceStore interface {
	Agency(ctx context.Context, tx *sql.Tx, key string) (duoyun.Agency, error)
	System(ctx context.Context, tx *sql.Tx, key string) (duoyun.System, error)
	Project(ctx context.Context, tx *sql.Tx, key string) (duoyun.Project, error)
	Pool(ctx context.Context, tx *sql.Tx, key string) (duoyun.Pool, error)
	Contract(ctx context.Context, tx *sql.Tx, key string) (duoyun.Contract, error)
	FindPool(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Pool, error)
	FindSupplier(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Supplier, error)
	ApprovalRule(ctx context.Context, tx *sql.Tx, a duoyun.Agency, form duoyun.Form) (duoyun.ApprovalRule, error)
	NextNumber(ctx context.Context, tx *sql.Tx, form, agencyID string, now time.Time) (string, error)
}

// PurchaseStore is where placing hands over to the purchase protocol.
type PurchaseStore interface {
	InsertIntents(ctx context.Context, tx *sql.Tx, intents []duoyun.Intent) error
	// OrderBusy reports whether a resource the order made or is about still has its purchase, change or release under way.
	OrderBusy(ctx context.Context, tx *sql.Tx, orderID string) (bool, error)
	OpenFinding(ctx context.Context, tx *sql.Tx, f duoyun.Finding) (duoyun.Finding, error)
	// CloseFindings closes the open findings of these kinds about one subject and returns their ids.
	CloseFindings(ctx context.Context, tx *sql.Tx, subject, id string, kinds []string, resolution, by string, now time.Time) ([]string, error)
	Enqueue(ctx context.Context, tx *sql.Tx, jobs ...duoyun.Job) error
}

// NetworkSlot is what PlatformNetwork found: the network there is, or the index of the one to make.
type NetworkSlot struct {
	ResourceID string // "": to be made
	Verified   bool   // it exists and may be used at once
	Index      int64  // of the pool's address plan
}

// Holder takes and gives back quota, budget, capacity and contract ceiling; quota.Service does.
type Holder interface {
	Hold(ctx context.Context, tx *sql.Tx, orderID string, charges []quota.Charge) error
	Commit(ctx context.Context, tx *sql.Tx, resourceIDs []string) error
	Release(ctx context.Context, tx *sql.Tx, frees []quota.Free) error
	Shrink(ctx context.Context, tx *sql.Tx, charge quota.Charge) error
	Undo(ctx context.Context, tx *sql.Tx, orderID string, resourceIDs []string) error
}

// Offers lists what can be bought from whom; procurement.Service does.
type Offers interface {
	OffersAt(ctx context.Context, tx *sql.Tx, at time.Time) ([]duoyun.Offer, error)
	// OfferAt reads one offer, pool and contract by id; one that is gone is a conflict.
	OfferAt(ctx context.Context, tx *sql.Tx, poolID, contractID string, at time.Time) (duoyun.Offer, error)
}

// Meters opens and closes usage intervals in the transaction of a resource's own change; billing.Service does.
type Meters interface {
	Start(ctx context.Context, tx *sql.Tx, r duoyun.Resource, at time.Time) error
	Change(ctx context.Context, tx *sql.Tx, r duoyun.Resource, at time.Time) error
	Stop(ctx context.Context, tx *sql.Tx, r duoyun.Resource, at time.Time) error
	Accrued(ctx context.Context, tx *sql.Tx, r duoyun.Resource, at time.Time) ([]duoyun.YearFen, error)
}

// History tells how reliable pools have been.
type History interface {
	// Reliability gives, by pool id, availability over the past year in hundredths of a per cent (9995 is 99.95 %);
	// pools that have no history are missing.
	Reliability(ctx context.Context, tx *sql.Tx, at time.Time) (map[string]int64, error)
}

// Deps is what a Service works with. History may be nil.
type Deps struct {
	Store    Store
	Quota    Holder
	Offers   Offers
	Meters   Meters
	History  History
	Business duoyun.Clock // dates orders, resources and usage
	Real     duoyun.Clock // says when a worker may take an intent; default time.Now
	Rules    []Exclusion  // what may not come here; nil: Exclusions()
}

// Service is the order side of the broker. It is safe for concurrent use.
type Service struct {
	store   Store
	quota   Holder
	offers  Offers
	meters  Meters
	history History
	now     duoyun.Clock // business
	real    duoyun.Clock
	rules   []Exclusion
}

// New returns the service.
func New(d Deps) *Service {
	s := &Service{store: d.Store, quota: d.Quota, offers: d.Offers, meters: d.Meters, history: d.History, now: d.Business, real: d.Real, rules: d.Rules}
	if s.real == nil {
		s.real = time.Now
	}
	if s.now == nil {
		s.now = s.real
	}
	if s.rules == nil {
		s.rules = Exclusions()
	}
	return s
}

// PlaceJob wakes a worker to place an order whose signatures are complete.
type PlaceJob struct {
	OrderID string `json:"order_id"`
}

// Kind names the job and its queue.
func (PlaceJob) Kind() string { return "place" }

// OrderFilter narrows a listing of orders; zero fields do not.
type OrderFilter struct {
	State  duoyun.OrderState
	Form   duoyun.Form
	Agency string // id or code: the agency and all below it
	System string // id or code
}

// TaskFilter narrows a listing of tasks.
type TaskFilter struct {
	State duoyun.TaskState // "": pending
	Kind  duoyun.TaskKind
	Order string // id or number
	All   bool   // every task of the orders in scope, not only what the caller may decide; any state unless State says
}

// ResourceFilter narrows a listing of resources; zero fields do not.
type ResourceFilter struct {
	Kind   duoyun.Kind
	State  duoyun.ResourceState
	Agency string // id or code: the agency and all below it
	System string // id or code
	Order  string // id or number
}

// Verdict is what a person decides about a task.
type Verdict string

// The verdicts.
const (
	Approve Verdict = "approve"
	Reject  Verdict = "reject" // 驳回: the order ends
	Return  Verdict = "return" // 退回补正: the order ends, to be handed in again; at a delivery, an objection
)

// Decision is a verdict on a task.
type Decision struct {
	Verdict Verdict
	Note    string // required for reject and return
	Hash    string // signatures: the content hash that was shown to the signer; Task.Hash has it
}

// Pick names the pool for one component of a recommendation.
type Pick struct {
	Component int    // index into Recommendation.Components
	Pool      string // code or id
	Contract  string // number or id; "": the best candidate of the pool
	Reason    string // required when it is not the first candidate
}

// Sheet is the delivery sheet 资源交付单 of an order.
type Sheet struct {
	Order duoyun.Order
	Items []SheetItem
}

// SheetItem tells how to use one delivered resource.
type SheetItem struct {
	Resource  duoyun.Resource
	Supplier  string // name
	Pool      string // name
	Simulated bool   // 模拟环境
	OS        string // servers
	Work      string // services: what, how much and in which unit, such as 迁移服务 10 人天
	Login     duoyun.Text
	Expires   duoyun.Date // first day after the period; zero: open-ended
}
