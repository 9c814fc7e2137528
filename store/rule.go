package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/duoyun/duoyun"
)

// PutApprovalRule writes the rule of one form for an agency's approval subtree, over the one it had.
func (s *Store) PutApprovalRule(ctx context.Context, tx *sql.Tx, r duoyun.ApprovalRule) error {
	_, err := exec(ctx, tx, `INSERT INTO approval_rules (id, agency_id, form, rule) VALUES ($1, $2, $3, $4)
		ON CONFLICT (agency_id, form) DO UPDATE SET rule = excluded.rule`, r.ID, r.AgencyID, string(r.Form), asJSON(r))
	return err
}

// ApprovalRule reads the rule that holds for an order of this form: the deepest one on the way up from the agency that
// approves for a. Without any, every order is reviewed, its supplier confirmed, and signed by the leader and finance.
func (s *Store) ApprovalRule(ctx context.Context, tx *sql.Tx, a duoyun.Agency, form duoyun.Form) (duoyun.ApprovalRule, error) {
	approver := a
	if a.ApproverID != "" && a.ApproverID != a.ID {
		var err error
		if approver, err = s.Agency(ctx, tx, a.ApproverID); err != nil {
			return duoyun.ApprovalRule{}, err
		}
	}
	x := approver.Ancestors
	rule, err := one(ctx, tx, scanRule, sql.ErrNoRows, `SELECT r.rule FROM approval_rules r JOIN agencies a ON a.id = r.agency_id
		WHERE r.form = $1 AND r.agency_id IN ($2, $3, $4, $5) ORDER BY a.depth DESC LIMIT 1`, string(form), x[0], x[1], x[2], x[3])
	if errors.Is(err, sql.ErrNoRows) {
		return duoyun.ApprovalRule{AgencyID: approver.ID, Form: form, Review: true, Confirm: true,
			Signers: []duoyun.Sign{{Role: duoyun.RoleApprover}, {Role: duoyun.RoleFinance}}}, nil
	}
	return rule, err
}

func scanRule(r row) (rule duoyun.ApprovalRule, err error) {
	err = r.Scan(into(&rule))
	return rule, err
}
