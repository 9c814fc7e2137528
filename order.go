package duoyun

import (
	"slices"
	"strings"
	"time"
)

// Form is the kind of an order document 单据类型.
type Form string

// The forms.
const (
	FormOpen    Form = "open"    // 新申请
	FormChange  Form = "change"  // 变更
	FormRenew   Form = "renew"   // 续期
	FormRelease Form = "release" // 注销
)

// OrderState is the state of an order 申请单.
type OrderState string

// The states of an order.
const (
	OrderReviewing    OrderState = "reviewing"    // 技术评审
	OrderRecommended  OrderState = "recommended"  // waits for a named supplier confirmation
	OrderSigning      OrderState = "signing"      // 会签
	OrderPlacing      OrderState = "placing"      // 落单
	OrderHeld         OrderState = "held"         // something is short; signatures stand
	OrderProvisioning OrderState = "provisioning" // 开通中
	OrderPartial      OrderState = "partial"      // some units could not be had
	OrderDelivered    OrderState = "delivered"    // waits for the department's confirmation
	OrderConfirmed    OrderState = "confirmed"    // 已确认
	OrderUndoing      OrderState = "undoing"      // what was bought is being taken back
	OrderUndone       OrderState = "undone"
	OrderReturned     OrderState = "returned"  // 退回补正
	OrderRejected     OrderState = "rejected"  // 驳回
	OrderCancelled    OrderState = "cancelled" // 撤回
	OrderFailed       OrderState = "failed"
)

// OrderLifecycle is the transition table of an order.
func OrderLifecycle() Lifecycle[OrderState] {
	type s = OrderState
	return Lifecycle[s]{Noun: Text{"申请单", "order"}, Edges: []Edge[s]{
		{OrderReviewing, "技术评审", []s{OrderRecommended, OrderSigning, OrderPlacing, OrderReturned, OrderRejected, OrderCancelled}},
		{OrderRecommended, "待确认供应商", []s{OrderSigning, OrderPlacing, OrderReviewing, OrderReturned, OrderRejected, OrderCancelled, OrderHeld, OrderPartial}},
		{OrderSigning, "审批会签", []s{OrderPlacing, OrderRecommended, OrderReviewing, OrderReturned, OrderRejected, OrderCancelled, OrderHeld, OrderPartial}},
		{OrderPlacing, "落单", []s{OrderProvisioning, OrderHeld, OrderRecommended, OrderConfirmed, OrderCancelled}},
		{OrderHeld, "挂起", []s{OrderPlacing, OrderProvisioning, OrderRecommended, OrderCancelled}},
		{OrderProvisioning, "开通中", []s{OrderDelivered, OrderPartial, OrderConfirmed, OrderHeld, OrderUndoing, OrderFailed}},
		{OrderPartial, "部分开通", []s{OrderConfirmed, OrderProvisioning, OrderUndoing, OrderRecommended}},
		{OrderDelivered, "待开通确认", []s{OrderConfirmed, OrderUndoing}},
		{OrderUndoing, "撤销中", []s{OrderUndone}},
		{OrderConfirmed, "已确认", nil},
		{OrderUndone, "已撤销", nil},
		{OrderReturned, "退回补正", nil},
		{OrderRejected, "驳回", nil},
		{OrderCancelled, "撤回", nil},
		{OrderFailed, "失败", nil},
	}}
}

// Period 使用期限 is when the order's resources shall run. Months 0 is open-ended: the hold then reaches to the end of
// the budget year or of the contract, whichever is first.
type Period struct {
	Start  Date   `json:"start,omitzero"`
	Months int    `json:"months,omitempty"`
	Renew  string `json:"renew,omitempty"` // ask (default) | no
}

// Funding 资金 is one line of the money an order asks for, by budget year.
type Funding struct {
	Year   int    `json:"year"`
	Item   string `json:"item"`             // budget item 预算科目
	Limit  Fen    `json:"limit"`            // yuan, in documents a string
	Status string `json:"status,omitempty"` // hold (default) | intent: next year's budget is not issued yet
}

// Requires 约束 limits what may serve an order.
type Requires struct {
	Sites        []string  `json:"sites,omitempty"`
	Xinchuang    Xinchuang `json:"xinchuang,omitzero"`
	SameSupplier bool      `json:"same_supplier,omitempty"`
	OnShortage   string    `json:"on_shortage,omitempty"` // hold (default) | partial | undo
	ExactFlavor  bool      `json:"exact_flavor,omitempty"`
}

// Xinchuang 信创 names the domestic families asked for, or, on a pool, offered.
type Xinchuang struct {
	Required bool     `json:"required,omitempty"`
	CPU      []string `json:"cpu,omitempty"` // kunpeng, hygon, phytium, loongson …
	OS       []string `json:"os,omitempty"`  // kylin-v10, uos-20, openeuler-22.03 …
}

// SupplierWish 意向供应商 is advisory and recorded.
type SupplierWish struct {
	Use    string `json:"use,omitempty"` // supplier code
	Reason string `json:"reason,omitempty"`
}

// Reference names another line of the document by name, or an existing resource by number after "res:".
type Reference string

// Action is what a change line does to an existing resource.
type Action string

// The actions of change and release orders.
const (
	ActionStart   Action = "start"
	ActionStop    Action = "stop"
	ActionResize  Action = "resize" // a server
	ActionGrow    Action = "grow"   // a disk or bucket
	ActionRelease Action = "release"
)

// Line is one line of an order document: what is asked for 申报.
type Line struct {
	Kind     Kind        `json:"kind"`
	Name     string      `json:"name"`
	Quantity int64       `json:"quantity"` // units; default 1
	Zone     string      `json:"zone,omitempty"`
	Spec     Spec        `json:"spec,omitempty"`
	Attach   Reference   `json:"attach,omitempty"`   // disk or public_ip: the server it belongs to
	Per      string      `json:"per,omitempty"`      // each: one (× quantity) for every unit of the line referred to
	Members  []Reference `json:"members,omitempty"`  // load balancer: its servers
	Login    string      `json:"login,omitempty"`    // key (default) | secret
	Resource string      `json:"resource,omitempty"` // change and release: number of the resource
	Action   Action      `json:"action,omitempty"`   // change and release
}

// OrderRequest is an order document: the requested layer 申报, as the department wrote it. Codes, not ids.
type OrderRequest struct {
	Form         Form         `json:"form"`
	Agency       string       `json:"agency"`
	Payer        string       `json:"payer,omitempty"`
	Project      string       `json:"project,omitempty"`
	System       string       `json:"system,omitempty"`
	Stage        string       `json:"stage,omitempty"` // production | test | dr
	Purpose      string       `json:"purpose"`
	Period       Period       `json:"period,omitzero"`
	Funding      []Funding    `json:"funding,omitempty"`
	Lines        []Line       `json:"lines"`
	Requires     Requires     `json:"requires,omitzero"`
	SupplierWish SupplierWish `json:"supplier_wish,omitzero"`
	Attachments  []string     `json:"attachments,omitempty"`
}

// Cut is the reviewer's layer 核定 for one line: beside the requested one, never over it.
type Cut struct {
	Line     string `json:"line"`
	Approved int64  `json:"approved"`         // units
	Spec     Spec   `json:"spec,omitempty"`   // smaller spec; nil keeps the requested one
	Reason   string `json:"reason,omitempty"` // 核减理由, required where the line is cut
}

// Order 申请单 with its layers. Requested never changes after submission; Approved is the reviewer's; Chosen is the
// confirmed supplier per component; the signatures are over ContentHash.
type Order struct {
	ID          string
	Number      string
	State       OrderState
	Requested   OrderRequest
	Approved    []Cut
	Recommended *Recommendation
	Chosen      []Choice
	ContentHash string // over requested, approved, chosen offer, price version and amount by year
	AgencyID    string
	PayerID     string
	SystemID    string
	ProjectID   string
	ApplicantID string
	Total       Fen    // of what was chosen, over the whole term; 0 until a supplier is confirmed
	Reason      string // why it is held, returned or failed
	Version     int64
	CreatedAt   time.Time // business clock
	UpdatedAt   time.Time
}

// OrderEvent is one entry of an order's append-only history.
type OrderEvent struct {
	ID      string
	OrderID string
	At      time.Time
	ActorID string
	Actor   string // name at the time
	Action  string
	From    OrderState
	To      OrderState
	Note    string
}

// Component is a set of lines joined by references, or, where some of their units were bought before, of the units still
// missing; it goes to one pool, region and zone.
type Component struct {
	Lines      []string    `json:"lines"`           // whole lines; empty where Units says
	Units      []string    `json:"units,omitempty"` // names of units, such as app-3
	Candidates []Candidate `json:"candidates"`      // every offer that was looked at, best first, dropped ones last
}

// Candidate is one pool under one contract as an answer to a component, with its score or why it was dropped.
type Candidate struct {
	PoolID     string      `json:"pool_id"`
	Pool       string      `json:"pool"` // code
	PoolName   string      `json:"pool_name"`
	SupplierID string      `json:"supplier_id"`
	Supplier   string      `json:"supplier"` // code
	ContractID string      `json:"contract_id"`
	Contract   string      `json:"contract"` // number
	Region     string      `json:"region"`
	Dropped    []Text      `json:"dropped,omitempty"`
	Failed     []Text      `json:"failed,omitempty"` // what is sought anew could not be had here before: it ranks after those that did not fail
	Score      int64       `json:"score"`            // 0 to 10000, higher is better
	Parts      []ScorePart `json:"parts,omitempty"`
	Monthly    Fen         `json:"monthly"`
	Total      Fen         `json:"total"`
	Years      []YearFen   `json:"years,omitempty"`
	Lines      []LinePrice `json:"line_prices,omitempty"`
	Prices     string      `json:"prices"` // hash of the price items used: the price version
}

// ScorePart is one term of a score with its reason.
type ScorePart struct {
	Name   string `json:"name"` // price | share | sla
	Points int64  `json:"points"`
	Reason Text   `json:"reason"`
}

// LinePrice is what one line costs with a candidate.
type LinePrice struct {
	Line    string `json:"line"`
	Units   int64  `json:"units"`   // of a service, its quantity
	Monthly Fen    `json:"monthly"` // all units of the line
	Once    Fen    `json:"once,omitempty"`
}

// YearFen is an amount of one fiscal year (the calendar year, 预算法 art. 18).
type YearFen struct {
	Year   int `json:"year"`
	Amount Fen `json:"amount"`
}

// Recommendation 系统推荐 is kept whole, with every candidate, and the inputs' hash: the same inputs give the same answer.
type Recommendation struct {
	At         time.Time   `json:"at"`
	InputsHash string      `json:"inputs_hash"`
	Components []Component `json:"components"`
}

// Choice is the supplier a named person confirmed for one component. Whole lines and units are never told both, so that
// whoever knows of lines alone buys nothing for a choice of units.
type Choice struct {
	Candidate Candidate `json:"candidate"`
	Lines     []string  `json:"lines"`           // whole lines; empty where Units says
	Units     []string  `json:"units,omitempty"` // names of units, such as app-3
	By        string    `json:"by"`              // user id
	Reason    string    `json:"reason,omitempty"`
}

// Covers reports whether the choice is about a unit.
func (c Choice) Covers(u Unit) bool {
	if len(c.Units) > 0 {
		return slices.Contains(c.Units, u.Name())
	}
	return slices.Contains(c.Lines, u.Line)
}

// LineNames lists the lines that the choice serves, in whole or in part.
func (c Choice) LineNames() []string {
	lines := slices.Clone(c.Lines)
	for _, name := range c.Units {
		if i := strings.LastIndexByte(name, '-'); i > 0 && !slices.Contains(lines, name[:i]) {
			lines = append(lines, name[:i])
		}
	}
	return lines
}

// OrderDecision 选择记录 is a recommendation and what was chosen and signed of it, kept when another takes its place.
type OrderDecision struct {
	ID          string
	OrderID     string
	At          time.Time // when it was superseded, business clock
	ActorID     string
	Actor       string // name at the time
	Action      string // by what: offer_changed, recommend, reselect, review, reject, return
	Note        string
	Recommended *Recommendation // nil of a change, which has none
	Chosen      []Choice
	ContentHash string // as it was signed; signatures over it stay among the tasks
	Total       Fen
}
