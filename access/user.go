package access

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
)

// UserInput describes a new account.
type UserInput struct {
	Login string
	Name  string
}

// CreateUser makes an account without any role (system administrator).
func (s *Service) CreateUser(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in UserInput) (duoyun.User, error) {
	if err := actor.Need(duoyun.RoleSystemAdmin); err != nil {
		return duoyun.User{}, err
	}
	var f duoyun.Faults
	if n := len(in.Login); n == 0 || n > 60 || strings.Trim(in.Login, "abcdefghijklmnopqrstuvwxyz0123456789.-_@") != "" {
		f.Add("login", in.Login, "应为 1 至 60 个小写字母、数字、点、横线", "must be 1 to 60 lower-case letters, digits, dots and dashes")
	}
	line(&f, "name", in.Name, 40)
	if err := f.Err(); err != nil {
		return duoyun.User{}, err
	}
	id, err := s.once(ctx, actor, once, "user.create", "user", func(tx *sql.Tx) (string, error) {
		u := duoyun.User{ID: duoyun.NewID(s.now()), Login: in.Login, Name: in.Name, Active: true}
		return u.ID, s.store.InsertUser(ctx, tx, u)
	})
	if err != nil {
		return duoyun.User{}, err
	}
	return s.store.FindUser(ctx, id)
}

// SetUserActive stops or allows an account (system administrator).
func (s *Service) SetUserActive(ctx context.Context, actor duoyun.Actor, key string, active bool) (duoyun.User, error) {
	if err := actor.Need(duoyun.RoleSystemAdmin); err != nil {
		return duoyun.User{}, err
	}
	u, err := s.changeUser(ctx, actor, key, "user.active", func(tx *sql.Tx, u duoyun.User) error {
		if err := s.reaches(ctx, tx, actor, duoyun.RoleSystemAdmin, u); err != nil {
			return err
		}
		return s.store.SetUserActive(ctx, tx, u.ID, active)
	})
	return u, err
}

// GrantInput names a role over an agency's subtree, or, for the supplier role, of a supplier.
type GrantInput struct {
	Role     duoyun.Role
	Agency   string // id or code
	Supplier string // id or code
}

// Grant gives a role (security administrator, never to oneself). Roles that must be apart are refused by the store.
func (s *Service) Grant(ctx context.Context, actor duoyun.Actor, key string, in GrantInput) (duoyun.User, error) {
	return s.changeGrants(ctx, actor, key, "grant.give", in, func(tx *sql.Tx, u duoyun.User, g duoyun.Grant) error {
		if slices.Contains(u.Grants, g) {
			return nil
		}
		return s.store.InsertGrant(ctx, tx, u.ID, g)
	})
}

// Revoke takes a role away (security administrator).
func (s *Service) Revoke(ctx context.Context, actor duoyun.Actor, key string, in GrantInput) (duoyun.User, error) {
	return s.changeGrants(ctx, actor, key, "grant.revoke", in, func(tx *sql.Tx, u duoyun.User, g duoyun.Grant) error {
		had, err := s.store.DeleteGrant(ctx, tx, u.ID, g)
		if err == nil && !had {
			return duoyun.NotFound("授权", "grant", string(in.Role))
		}
		return err
	})
}

func (s *Service) changeGrants(ctx context.Context, actor duoyun.Actor, key, action string, in GrantInput, change func(*sql.Tx, duoyun.User, duoyun.Grant) error) (duoyun.User, error) {
	if err := actor.Need(duoyun.RoleSecurityAdmin); err != nil {
		return duoyun.User{}, err
	}
	if err := in.check(); err != nil {
		return duoyun.User{}, err
	}
	return s.changeUser(ctx, actor, key, action, func(tx *sql.Tx, u duoyun.User) error {
		if u.ID == actor.UserID {
			return duoyun.Fail(duoyun.CodeSeparation, "user", "不能给自己授权", "nobody grants to themselves")
		}
		g, err := s.grant(ctx, tx, actor, in)
		if err != nil {
			return err
		}
		return change(tx, u, g)
	})
}

// grant finds what a role is to be over.
func (s *Service) grant(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, in GrantInput) (duoyun.Grant, error) {
	if in.Supplier != "" {
		if !overAll(actor, duoyun.RoleSecurityAdmin) {
			return duoyun.Grant{}, beyond()
		}
		p, err := s.store.LockSupplier(ctx, tx, in.Supplier)
		return duoyun.Grant{Role: in.Role, SupplierID: p.ID}, err
	}
	a, err := s.store.Agency(ctx, tx, in.Agency)
	if err == nil && !actor.ScopeFor(duoyun.RoleSecurityAdmin).Covers(a) {
		err = duoyun.NotFound("单位", "agency", in.Agency)
	}
	return duoyun.Grant{Role: in.Role, AgencyID: a.ID, Depth: a.Depth}, err
}

// reaches refuses a user who holds any role beyond what the actor is over in its own: with a token of theirs a bureau's
// administrator would rise to the city's.
func (s *Service) reaches(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, role duoyun.Role, u duoyun.User) error {
	if actor.IsSystem() || u.ID == actor.UserID {
		return nil
	}
	scope := actor.ScopeFor(role)
	for _, g := range u.Grants {
		if g.SupplierID != "" {
			if !overAll(actor, role) {
				return beyond()
			}
			continue
		}
		a, err := s.store.Agency(ctx, tx, g.AgencyID)
		if err != nil {
			return err
		}
		if !scope.Covers(a) {
			return beyond()
		}
	}
	return nil
}

// overAll reports whether the actor holds the role at the root of a tree: suppliers stand below no agency.
func overAll(actor duoyun.Actor, role duoyun.Role) bool {
	return actor.IsSystem() || slices.ContainsFunc(actor.Grants, func(g duoyun.Grant) bool { return g.Role == role && g.Depth == 1 })
}

func beyond() error {
	return duoyun.Fail(duoyun.CodeForbidden, "user", "该用户或供应商超出您的管理范围", "this user or supplier is beyond what you administer")
}

func (in GrantInput) check() error {
	var f duoyun.Faults
	if !slices.Contains(duoyun.Roles(), in.Role) {
		f.Add("role", string(in.Role), "未知的角色", "no such role")
	}
	if (in.Role == duoyun.RoleSupplier) != (in.Supplier != "") || (in.Agency != "") == (in.Supplier != "") {
		f.Add("agency", in.Agency, "云服务商角色须写供应商，其余角色须写单位", "the supplier role names a supplier, every other role an agency")
	}
	return f.Err()
}

// changeUser runs change on the user in one transaction with its audit entry, and returns the user as it is then.
func (s *Service) changeUser(ctx context.Context, actor duoyun.Actor, key, action string, change func(*sql.Tx, duoyun.User) error) (duoyun.User, error) {
	err := s.store.InTx(ctx, func(tx *sql.Tx) error {
		u, err := s.store.User(ctx, tx, key)
		if err != nil {
			return err
		}
		if err := change(tx, u); err != nil {
			return err
		}
		return s.store.Audit(ctx, tx, s.entry(ctx, actor, action, "user", u.ID))
	})
	if err != nil {
		return duoyun.User{}, err
	}
	return s.store.FindUser(ctx, key)
}

// Users lists accounts (the administrators and the auditor).
func (s *Service) Users(ctx context.Context, actor duoyun.Actor, p duoyun.Page) (duoyun.Listing[duoyun.User], error) {
	if err := actor.Need(duoyun.RoleSystemAdmin, duoyun.RoleSecurityAdmin, duoyun.RoleAuditAdmin, duoyun.RoleAuditor); err != nil {
		return duoyun.Listing[duoyun.User]{}, err
	}
	return s.store.Users(ctx, p)
}

// User reads one account: one's own, or any for the administrators and the auditor.
func (s *Service) User(ctx context.Context, actor duoyun.Actor, key string) (duoyun.User, error) {
	u, err := s.store.FindUser(ctx, key)
	if err == nil && u.ID != actor.UserID {
		err = actor.Need(duoyun.RoleSystemAdmin, duoyun.RoleSecurityAdmin, duoyun.RoleAuditAdmin, duoyun.RoleAuditor)
	}
	if err != nil {
		return duoyun.User{}, err
	}
	return u, nil
}
