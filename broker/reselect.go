package broker

import (
	"context"
	"database/sql"
	"strings"

	"github.com/duoyun/duoyun"
)

// Reselect 改选 sends what is missing of an order, that is held or could be delivered in part only, back to the
// recommendation (procurement over its agency): a supplier is confirmed by name and signed for anew, for the missing
// units alone. What was bought stands, with its holds. Nothing missing, or something still under way, is CodeConflict.
func (s *Service) Reselect(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key, note string) (duoyun.Order, error) {
	var f duoyun.Faults
	if strings.TrimSpace(note) == "" {
		f.Add("note", "", "改选须写明理由", "a reselection states its reason")
	}
	checkNote(&f, "note", note)
	if err := f.Err(); err != nil {
		return duoyun.Order{}, err
	}
	return s.onOrder(ctx, actor, once, key, func(tx *sql.Tx, o *duoyun.Order) error {
		if err := s.duty(ctx, tx, actor, o.AgencyID, duoyun.RoleProcurement); err != nil {
			return err
		}
		if err := s.reselectable(ctx, tx, *o); err != nil {
			return err
		}
		return s.reselect(ctx, tx, actor, o, note)
	})
}

func (s *Service) reselectable(ctx context.Context, tx *sql.Tx, o duoyun.Order) error {
	if o.Requested.Form != duoyun.FormOpen {
		return duoyun.Fail(duoyun.CodeConflict, "", "申请单 %s 的云服务商就是资源所在的云服务商，不能改选", "order %s is about existing resources: their supplier is not chosen", o.Number)
	}
	if !among(o.State, duoyun.OrderHeld, duoyun.OrderPartial) {
		return duoyun.Fail(duoyun.CodeConflict, "", "申请单 %[1]s 为“%[2]s”，没有可改选的缺额", "order %[1]s is %[3]s: nothing of it waits to be had elsewhere",
			o.Number, OrderStateName(o.State), string(o.State))
	}
	if err := s.atRest(ctx, tx, o); err != nil {
		return err
	}
	got, err := s.gottenOf(ctx, tx, o)
	if err != nil {
		return err
	}
	if len(got.missing()) == 0 {
		return duoyun.Fail(duoyun.CodeConflict, "", "申请单 %s 的资源已全部开通，没有缺额", "nothing of order %s is missing", o.Number)
	}
	return nil
}

func (s *Service) reselect(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, note string) error {
	if err := s.settle(ctx, tx, actor, *o, "已改选："+note, heldKinds()...); err != nil {
		return err
	}
	// The department confirms the whole once the rest is there, or once it is clear that it cannot be had.
	if err := s.voidTasks(ctx, tx, o.ID, func(t duoyun.Task) bool { return among(t.Kind, duoyun.TaskSign, duoyun.TaskConfirmDelivery) }); err != nil {
		return err
	}
	o.Reason = ""
	return s.recommendTo(ctx, tx, actor, o, "reselect", note)
}

// backToWhatIs follows a refusal of a reselection: what was bought does not end with it. The order is held, or partial
// where it asked for that, as before; back is false where nothing was bought.
func (s *Service) backToWhatIs(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, d Decision) (back bool, err error) {
	if !among(o.State, duoyun.OrderRecommended, duoyun.OrderSigning) || o.Requested.Form != duoyun.FormOpen {
		return false, nil
	}
	got, err := s.gottenOf(ctx, tx, *o)
	if err != nil || len(got.units) == 0 {
		return false, err
	}
	if o.State == duoyun.OrderSigning {
		if err := s.supersede(ctx, tx, actor, *o, string(d.Verdict), d.Note); err != nil {
			return false, err
		}
	}
	o.Chosen = got.standing(o.Chosen)
	stale := func(t duoyun.Task) bool {
		return t.Kind == duoyun.TaskSign || t.Kind == duoyun.TaskConfirmSupplier && t.State == duoyun.TaskPending
	}
	if err := s.voidTasks(ctx, tx, o.ID, stale); err != nil {
		return false, err
	}
	return true, s.asBefore(ctx, tx, actor, o, got, d)
}

func (s *Service) asBefore(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, got gotten, d Decision) error {
	if o.Requested.Requires.OnShortage == "partial" {
		if err := s.move(ctx, tx, actor, o, duoyun.OrderPartial, string(d.Verdict), d.Note); err != nil {
			return err
		}
		rs, err := s.store.OrderResources(ctx, tx, o.ID)
		if err != nil {
			return err
		}
		return s.askConfirmation(ctx, tx, *o, liveOf(rs))
	}
	if err := s.move(ctx, tx, actor, o, duoyun.OrderHeld, string(d.Verdict), d.Note); err != nil {
		return err
	}
	names := strings.Join(namesOf(got.missing()), "、")
	return s.finding(ctx, tx, *o, FindingShortage, because("申请单 %s 挂起：%s 的改选未获同意：%s", "order %s is held: the reselection for %s was refused: %s", o.Number, names, d.Note),
		byPeople("再次改选", "reselect once more"))
}

// atRest refuses while something of the order is under way.
func (s *Service) atRest(ctx context.Context, tx *sql.Tx, o duoyun.Order) error {
	busy, err := s.store.OrderBusy(ctx, tx, o.ID)
	if err == nil && busy {
		err = duoyun.Fail(duoyun.CodeConflict, "", "申请单 %s 还有资源正在办理", "something of order %s is still under way", o.Number)
	}
	return err
}
