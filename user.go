package duoyun

import (
	"slices"
	"time"
)

// Role is what a user may do within a scope.
type Role string

// The roles. The three administrators 三员分立 are never combined with each other in one person (GB/T 22239-2019).
const (
	RoleApplicant     Role = "applicant"      // 经办人
	RoleApprover      Role = "approver"       // 审批人
	RoleConfirmer     Role = "confirmer"      // 验收人
	RoleReviewer      Role = "reviewer"       // 技术评审
	RoleProcurement   Role = "procurement"    // 采购人员
	RoleFinance       Role = "finance"        // 财务
	RoleSupplier      Role = "supplier"       // 云服务商
	RoleAuditor       Role = "auditor"        // 审计员: reads, never writes
	RoleSystemAdmin   Role = "system_admin"   // 系统管理员
	RoleSecurityAdmin Role = "security_admin" // 安全管理员
	RoleAuditAdmin    Role = "audit_admin"    // 审计管理员
)

// Roles lists every role.
func Roles() []Role {
	return []Role{RoleApplicant, RoleApprover, RoleConfirmer, RoleReviewer, RoleProcurement, RoleFinance, RoleSupplier,
		RoleAuditor, RoleSystemAdmin, RoleSecurityAdmin, RoleAuditAdmin}
}

// Grant gives a user a role over a subtree of agencies, or, for RoleSupplier, over one supplier's rows.
type Grant struct {
	Role       Role
	AgencyID   string
	Depth      int // of the agency: which ancestor column the scope is on
	SupplierID string
}

// User is a person or an integration with an account.
type User struct {
	ID     string
	Login  string
	Name   string
	Grants []Grant
	Active bool
}

// Token is a bearer token; only its hash is stored.
type Token struct {
	ID        string
	UserID    string
	Label     string
	ExpiresAt time.Time // real clock
	CreatedAt time.Time
}

// Actor is who makes a call: every service method takes one. The platform itself acts as System().
type Actor struct {
	UserID  string
	Name    string
	Grants  []Grant
	TraceID string
	system  bool
}

// SystemActor is the platform itself: jobs, sweeper, reconciler.
func SystemActor() Actor { return Actor{Name: "系统", system: true} }

// IsSystem reports whether the platform itself acts.
func (a Actor) IsSystem() bool { return a.system }

// Has reports whether the actor holds one of the roles anywhere.
func (a Actor) Has(roles ...Role) bool {
	return slices.ContainsFunc(a.Grants, func(g Grant) bool { return slices.Contains(roles, g.Role) })
}

// Need refuses actors that hold none of the roles anywhere; the platform itself may do everything.
func (a Actor) Need(roles ...Role) error {
	if a.system || a.Has(roles...) {
		return nil
	}
	return Fail(CodeForbidden, "", "您的角色不能执行此操作", "your roles may not do this")
}

// Scope is the rows an actor may see: subtrees of agencies by depth, suppliers, or all. Rows outside do not exist for
// the caller; store turns it into SQL.
type Scope struct {
	All       bool
	Agencies  []Grant // AgencyID and Depth
	Suppliers []string
}

// ScopeFor returns the rows the actor sees through the given roles; no roles means through any of its roles.
func (a Actor) ScopeFor(roles ...Role) Scope {
	s := Scope{All: a.system}
	for _, g := range a.Grants {
		switch {
		case len(roles) > 0 && !slices.Contains(roles, g.Role):
		case g.SupplierID != "":
			s.Suppliers = append(s.Suppliers, g.SupplierID)
		case !slices.ContainsFunc(s.Agencies, func(o Grant) bool { return o.AgencyID == g.AgencyID }):
			s.Agencies = append(s.Agencies, g)
		}
	}
	return s
}

// Covers reports whether the scope holds rows of the agency.
func (s Scope) Covers(a Agency) bool {
	return s.All || slices.ContainsFunc(s.Agencies, func(g Grant) bool {
		return g.Depth >= 1 && g.Depth <= MaxDepth && a.Ancestors[g.Depth-1] == g.AgencyID
	})
}

// Empty reports whether the scope holds no row at all.
func (s Scope) Empty() bool { return !s.All && len(s.Agencies) == 0 && len(s.Suppliers) == 0 }

// Page asks for one keyset page of a listing, newest first.
type Page struct {
	After string // cursor of the previous page, "" for the first
	Limit int    // 1 to 500; 0 is 50
}

// Size returns the number of rows to fetch.
func (p Page) Size() int {
	if p.Limit <= 0 {
		return 50
	}
	return min(p.Limit, 500)
}
