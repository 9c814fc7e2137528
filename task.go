package duoyun

import "time"

// TaskKind is what a task 任务 asks of a person.
type TaskKind string

// The kinds of tasks.
const (
	TaskReview          TaskKind = "review"           // 技术评审: writes the approved layer
	TaskConfirmSupplier TaskKind = "confirm_supplier" // 供应商确认
	TaskSign            TaskKind = "sign"             // 会签: leader, finance
	TaskAcknowledge     TaskKind = "acknowledge"      // 知悉: the applicant reads what was cut
	TaskConfirmDelivery TaskKind = "confirm_delivery" // 开通确认
	TaskWorkOrder       TaskKind = "work_order"       // 工单: the supplier's people fulfil it
)

// TaskState is the state of a task.
type TaskState string

// The states of a task.
const (
	TaskPending  TaskState = "pending"
	TaskApproved TaskState = "approved"
	TaskRejected TaskState = "rejected"
	TaskReturned TaskState = "returned"
	TaskVoid     TaskState = "void" // what it was about has changed or gone
)

// TaskLifecycle is the transition table of a task. A signature is voided when what it signed changes.
func TaskLifecycle() Lifecycle[TaskState] {
	type s = TaskState
	return Lifecycle[s]{Noun: Text{"任务", "task"}, Edges: []Edge[s]{
		{TaskPending, "待办", []s{TaskApproved, TaskRejected, TaskReturned, TaskVoid}},
		{TaskApproved, "已通过", []s{TaskVoid}},
		{TaskRejected, "已驳回", nil},
		{TaskReturned, "已退回", nil},
		{TaskVoid, "已作废", nil},
	}}
}

// Task 任务 waits for one person with a role over an agency (or of a supplier).
type Task struct {
	ID         string
	Number     string
	OrderID    string
	Order      string // number of the order, for people
	Kind       TaskKind
	Role       Role
	AgencyID   string // whose role holders may decide
	SupplierID string // for work orders
	Position   int    // signatures come in this order
	State      TaskState
	ActorID    string // who decided
	Actor      string // name at the time
	Note       string
	Hash       string // what was signed: the order's content hash at that time
	CreatedAt  time.Time
	DecidedAt  time.Time
	DueAt      time.Time // confirm_delivery: silence counts from here
}

// ApprovalRule 审批规则 lists the tasks of one form under an approval subtree; the deepest rule on the way up counts.
type ApprovalRule struct {
	ID           string
	AgencyID     string
	Form         Form
	Review       bool
	Confirm      bool   // a procurement officer confirms the supplier; always so where a supplier is chosen
	Signers      []Sign // in order
	NeedsProject bool   // the document must name a project 立项
}

// Sign is one signature a rule asks for.
type Sign struct {
	Role Role   `json:"role"`
	At   string `json:"at,omitempty"`   // agency code whose role holders sign; "": the approval agency of the order's agency; for finance, the payer
	From Fen    `json:"from,omitempty"` // asked for only when the order's total reaches this
}
