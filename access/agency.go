package access

import (
	"context"
	"database/sql"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
)

// AgencyInput describes a new agency 单位. Parent follows from the code: suqian/hrss stands below suqian.
type AgencyInput struct {
	Code     string
	Name     string
	Short    string // begins its numbers 单号
	Approver string // code of the agency whose approvers decide for it; "": itself
	Payer    string // code of the agency that pays for it; "": itself
}

func (in AgencyInput) check() error {
	var f duoyun.Faults
	parts := strings.Split(in.Code, "/")
	for _, p := range parts {
		if p == "" || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || len(in.Code) > 200 {
			f.Add("code", in.Code, "应为小写字母、数字、横线，以 / 分级，如 suqian/hrss", "must be lower-case letters, digits and dashes, levels apart by /, such as suqian/hrss")
			break
		}
	}
	if len(parts) > duoyun.MaxDepth {
		f.Add("code", in.Code, "最多 4 级", "at most 4 levels")
	}
	line(&f, "name", in.Name, 80)
	line(&f, "short", in.Short, 12)
	return f.Err()
}

// line asks for one line of 1 to most visible characters: nothing that hides in it or turns it round.
func line(f *duoyun.Faults, path, s string, most int) {
	hidden := func(r rune) bool { return !unicode.IsGraphic(r) }
	if n := utf8.RuneCountInString(s); n == 0 || n > most || strings.TrimSpace(s) != s || strings.ContainsFunc(s, hidden) || !utf8.ValidString(s) {
		f.Add(path, s, "须填写一行文字，不超过字数上限", "must be one line of text within its length")
	}
}

// CreateAgency adds an agency below its parent, which must exist. A root is added by the platform alone.
func (s *Service) CreateAgency(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in AgencyInput) (duoyun.Agency, error) {
	if err := in.check(); err != nil {
		return duoyun.Agency{}, err
	}
	id, err := s.once(ctx, actor, once, "agency.create", "agency", func(tx *sql.Tx) (string, error) {
		a, err := s.placed(ctx, tx, actor, in)
		if err != nil {
			return "", err
		}
		return a.ID, s.store.InsertAgency(ctx, tx, a)
	})
	if err != nil {
		return duoyun.Agency{}, err
	}
	return s.store.FindAgency(ctx, duoyun.Scope{All: true}, id)
}

// placed finds the new agency's place in the tree.
func (s *Service) placed(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, in AgencyInput) (duoyun.Agency, error) {
	a := duoyun.Agency{ID: duoyun.NewID(s.now()), Code: in.Code, Name: in.Name, Short: in.Short, Depth: 1}
	if code := a.ParentCode(); code != "" {
		parent, err := s.store.Agency(ctx, tx, code)
		if err != nil {
			return a, err
		}
		if !actor.ScopeFor(duoyun.RoleSystemAdmin).Covers(parent) {
			return a, s.refuse(actor, duoyun.RoleSystemAdmin, "单位", "agency", code)
		}
		a.ParentID, a.Depth, a.Ancestors = parent.ID, parent.Depth+1, parent.Ancestors
	} else if !actor.IsSystem() {
		return a, duoyun.Fail(duoyun.CodeForbidden, "code", "根单位只能在初始化时建立", "a root agency is made only when the platform is set up")
	}
	a.Ancestors[a.Depth-1] = a.ID
	return a, s.relate(ctx, tx, &a, in.Approver, in.Payer)
}

func (s *Service) relate(ctx context.Context, tx *sql.Tx, a *duoyun.Agency, approver, payer string) error {
	a.ApproverID, a.PayerID = a.ID, a.ID
	for _, r := range []struct {
		code string
		id   *string
	}{{approver, &a.ApproverID}, {payer, &a.PayerID}} {
		if r.code == "" || r.code == a.Code {
			continue
		}
		other, err := s.store.Agency(ctx, tx, r.code)
		if err != nil {
			return err
		}
		*r.id = other.ID
	}
	return nil
}

// refuse tells a caller with the wrong role so; for one whose scope does not reach, the row does not exist.
func (s *Service) refuse(actor duoyun.Actor, role duoyun.Role, zh, en, key string) error {
	if err := actor.Need(role); err != nil {
		return err
	}
	return duoyun.NotFound(zh, en, key)
}

// Agencies lists the agencies in the actor's scope.
func (s *Service) Agencies(ctx context.Context, actor duoyun.Actor, p duoyun.Page) (duoyun.Listing[duoyun.Agency], error) {
	return s.store.Agencies(ctx, actor.ScopeFor(), p)
}

// Agency reads one agency by id or code.
func (s *Service) Agency(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Agency, error) {
	return s.store.FindAgency(ctx, actor.ScopeFor(), key)
}

// SetApprovalRule writes which tasks an order of one form goes through below an agency; rule.AgencyID may be a code.
func (s *Service) SetApprovalRule(ctx context.Context, actor duoyun.Actor, rule duoyun.ApprovalRule) error {
	return s.store.InTx(ctx, func(tx *sql.Tx) error {
		a, err := s.store.Agency(ctx, tx, rule.AgencyID)
		if err != nil {
			return err
		}
		if !actor.ScopeFor(duoyun.RoleSystemAdmin).Covers(a) {
			return s.refuse(actor, duoyun.RoleSystemAdmin, "单位", "agency", rule.AgencyID)
		}
		rule.ID, rule.AgencyID = duoyun.NewID(s.now()), a.ID
		if err := s.store.PutApprovalRule(ctx, tx, rule); err != nil {
			return err
		}
		return s.store.Audit(ctx, tx, s.entry(ctx, actor, "rule.set", "agency", a.ID))
	})
}
