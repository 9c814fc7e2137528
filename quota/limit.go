package quota

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/duoyun/duoyun"
)

// Filter narrows a listing of quotas; zero fields do not.
type Filter struct {
	Agency    string // id or code: this agency alone
	Dimension duoyun.Dimension
}

// Quotas lists the quotas of the agencies in the actor's scope, with limit and use. A dimension that was neither limited
// nor used has no row yet.
func (s *Service) Quotas(ctx context.Context, actor duoyun.Actor, f Filter, p duoyun.Page) (duoyun.Listing[duoyun.Quota], error) {
	scope, err := readers(actor)
	if err != nil {
		return duoyun.Listing[duoyun.Quota]{}, err
	}
	return s.store.Quotas(ctx, scope, f, p)
}

// maxLimit bounds a limit; more is a slip of the pen.
const maxLimit = 1_000_000_000_000

// SetLimit sets the limit of an agency in a dimension, nil for none (system administrator or procurement, over the
// agency). A limit below what is used is CodeConflict.
func (s *Service) SetLimit(ctx context.Context, actor duoyun.Actor, agency string, d duoyun.Dimension, limit *int64) (duoyun.Quota, error) {
	if err := checkLimit(d, limit); err != nil {
		return duoyun.Quota{}, err
	}
	var id string
	err := s.store.InTx(ctx, func(tx *sql.Tx) error {
		a, err := s.covered(ctx, tx, actor, agency, duoyun.RoleSystemAdmin, duoyun.RoleProcurement)
		if err != nil {
			return err
		}
		rows, err := s.store.QuotaRows(ctx, tx, []QuotaKey{{a.ID, d}})
		if err != nil {
			return err
		}
		id = rows[0].ID
		if err := s.setLimit(ctx, tx, rows[0], limit); err != nil {
			return err
		}
		return s.store.Audit(ctx, tx, entry(ctx, actor, "quota.limit", "quota", id, map[string]any{"limit": limit}))
	})
	if err != nil {
		return duoyun.Quota{}, err
	}
	return s.store.FindQuota(ctx, id)
}

func (s *Service) setLimit(ctx context.Context, tx *sql.Tx, r Row, limit *int64) error {
	ok, err := s.store.SetQuotaLimit(ctx, tx, r.ID, limit)
	if err == nil && !ok {
		name := r.name()
		err = duoyun.Fail(duoyun.CodeConflict, "limit", name.ZH+"的限额 %d 低于已用量", name.EN+": the limit %d is below what is used", *limit)
	}
	return err
}

func checkLimit(d duoyun.Dimension, limit *int64) error {
	var f duoyun.Faults
	if !slices.Contains(duoyun.Dimensions(), d) {
		f.Add("dimension", string(d), "未知的配额维度", "no such quota dimension")
	}
	if limit != nil && (*limit < 0 || *limit > maxLimit) {
		f.Add("limit", fmt.Sprint(*limit), fmt.Sprintf("限额应在 0 与 %d 之间，不填为不限", maxLimit), fmt.Sprintf("must be between 0 and %d, or left out for none", maxLimit))
	}
	return f.Err()
}

func entry(ctx context.Context, actor duoyun.Actor, action, noun, id string, detail map[string]any) duoyun.AuditEntry {
	e := duoyun.AuditEntry{ActorID: actor.UserID, Actor: actor.Name, Action: action, Subject: noun, Key: id, TraceID: duoyun.TraceOf(ctx)}
	e.Detail, _ = json.Marshal(detail) // numbers and text always marshal
	return e
}
