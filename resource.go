package duoyun

import (
	"encoding/json"
	"time"
)

// ResourceState is the state of a cloud resource 云资源.
type ResourceState string

// The states of a resource; billing runs from confirmation to proven deletion, as the contract says.
const (
	ResourceReserved   ResourceState = "reserved"
	ResourceCreating   ResourceState = "creating"
	ResourceDelivered  ResourceState = "delivered" // verified, waits for the department's confirmation
	ResourceRunning    ResourceState = "running"
	ResourceStopped    ResourceState = "stopped"
	ResourceUpdating   ResourceState = "updating"
	ResourceReleasing  ResourceState = "releasing"
	ResourceTerminated ResourceState = "terminated" // deletion proven by observation
	ResourceCancelled  ResourceState = "cancelled"  // never bought
	ResourceFailed     ResourceState = "failed"     // could not be bought
)

// ResourceLifecycle is the transition table of a resource.
func ResourceLifecycle() Lifecycle[ResourceState] {
	type s = ResourceState
	return Lifecycle[s]{Noun: Text{"云资源", "resource"}, Edges: []Edge[s]{
		{ResourceReserved, "已预留", []s{ResourceCreating, ResourceCancelled, ResourceFailed}},
		{ResourceCreating, "开通中", []s{ResourceDelivered, ResourceRunning, ResourceCancelled, ResourceFailed}},
		{ResourceDelivered, "待开通确认", []s{ResourceRunning, ResourceUpdating, ResourceReleasing}},
		{ResourceRunning, "运行中", []s{ResourceUpdating, ResourceStopped, ResourceReleasing}},
		{ResourceStopped, "已停止", []s{ResourceUpdating, ResourceRunning, ResourceReleasing}},
		{ResourceUpdating, "变更中", []s{ResourceRunning, ResourceStopped, ResourceDelivered, ResourceReleasing}},
		{ResourceReleasing, "释放中", []s{ResourceTerminated, ResourceRunning, ResourceStopped, ResourceDelivered}},
		{ResourceTerminated, "已释放", nil},
		{ResourceCancelled, "已取消", nil},
		{ResourceFailed, "开通失败", []s{ResourceTerminated}},
	}}
}

// Live reports whether a resource in this state exists at its vendor as far as we know.
func (s ResourceState) Live() bool {
	switch s {
	case ResourceDelivered, ResourceRunning, ResourceStopped, ResourceUpdating, ResourceReleasing:
		return true
	}
	return false
}

// Resource 云资源 is one unit of an order line, or a network the platform prepared.
type Resource struct {
	ID         string
	Number     string // 宿政云资〔2026〕0042号, given on delivery
	OrderID    string
	Line       string // name of the order line
	Ordinal    int    // 1-based among the line's units
	Kind       Kind
	Name       string
	AgencyID   string
	PayerID    string
	SystemID   string
	ProjectID  string
	SupplierID string
	PoolID     string
	ContractID string
	Zone       string
	State      ResourceState
	Spec       Spec              // as ordered and verified
	Monthly    Fen               // list of its price items per month under the contract, when it was bought
	VendorID   string            // the vendor's id of the main part
	Parts      map[string]string // vendor ids by step name
	Addresses  []string
	Observed   json.RawMessage // the vendor's own words, redacted
	Period     Period
	Delivered  time.Time // business clock
	Confirmed  time.Time // business clock: billing starts as the contract says
	Terminated time.Time // business clock
	PaidUntil  time.Time // real clock: when the subscription ends at its vendor; zero for what is bought on demand
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// Mark is the name the resource bears at its vendor.
func (r Resource) Mark() string { return Mark(r.ID) }

// Relation names how one resource depends on another.
type Relation string

// The relations of resources; the child refers to the parent, is bought after it and released before it.
const (
	RelNetwork Relation = "network" // child's network
	RelAttach  Relation = "attach"  // disk to server, public_ip to server or address
	RelMember  Relation = "member"  // load balancer to its member servers
)

// Link is one reference between resources.
type Link struct {
	ChildID  string
	ParentID string
	Relation Relation
}
