package duoyun

import "strings"

// MaxDepth is how deep the agency tree may be: province, city, department, office. Rows carry one ancestor per depth,
// so that a listing of any subtree is one index range.
const MaxDepth = 4

// Agency 单位 is a node of the tree that says where a unit belongs (the scope of sight). Who approves for it and who
// pays for it are separate relations.
type Agency struct {
	ID         string
	Code       string // path of codes, such as suqian/hrss
	Name       string
	Short      string // begins its numbers 单号: 宿人社政云申〔2026〕0123号; no two agencies share one
	ParentID   string
	Depth      int              // 1 is a root
	Ancestors  [MaxDepth]string // ids by depth, own id at Depth-1, "" below
	ApproverID string           // agency whose approvers decide for it; default: itself
	PayerID    string           // agency that pays for it unless the order says otherwise; default: itself
}

// ParentCode returns the code of the parent, "" for a root.
func (a Agency) ParentCode() string {
	if i := strings.LastIndexByte(a.Code, '/'); i >= 0 {
		return a.Code[:i]
	}
	return ""
}

// Protection 等保 level of a system or pool, 1 to 5 (GB/T 22240-2020); 0 is not graded.
type Protection int

// CloudState 上云状态 of a system in the ledger.
type CloudState string

// The cloud states; adoption 上云率 is systems on the cloud over all systems.
const (
	CloudNot        CloudState = "not"        // 未上云
	CloudMigrating  CloudState = "migrating"  // 迁移中
	CloudOn         CloudState = "on"         // 已上云
	CloudUnsuitable CloudState = "unsuitable" // 不宜上云
)

// System 信息系统 is an entry of the system ledger 信息系统台账.
type System struct {
	ID         string
	Code       string
	Name       string
	AgencyID   string // owner
	Level      Protection
	Filing     string // 等保 filing number
	Classified bool   // 涉密: never on this platform
	Builder    string // 承建单位
	Operator   string // 运维单位
	Users      int64
	Cloud      CloudState
	Reason     string // why it is not, or not yet, on the cloud
}

// Adoption 上云率: which systems of a scope are on the cloud.
type Adoption struct {
	Total, OnCloud int64
	NotOn          []System
}

// Percent returns the rate with one decimal, half up: 146 of 153 is 95.4.
func (a Adoption) Percent() string {
	if a.Total == 0 {
		return "0.0"
	}
	tenths := (a.OnCloud*2000 + a.Total) / (2 * a.Total)
	return Fen(tenths * 10).String()[:len(Fen(tenths*10).String())-1]
}

// Project 立项 is an approved undertaking that orders may have to name.
type Project struct {
	ID       string
	Number   string // SQ-2026-017
	Name     string
	AgencyID string
	Approved Fen
	Funds    string // source of funds
	Year     int
}
