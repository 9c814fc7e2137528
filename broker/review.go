package broker

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/duoyun/duoyun"
)

// CutBack writes the reviewer's layer 核定 beside the requested one and approves the review: per line a quantity, a
// smaller spec and the reason 核减理由; lines left out stay as asked for. The applicant is told by a task 知悉 and may
// object until the order is placed. Cutting everything away is refused: that is a rejection.
func (s *Service) CutBack(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string, cuts []duoyun.Cut, note string) (duoyun.Task, error) {
	return s.onTask(ctx, actor, once, key, func(tx *sql.Tx, o *duoyun.Order, t *duoyun.Task) error {
		if t.Kind != duoyun.TaskReview {
			return duoyun.Fail(duoyun.CodeConflict, "", "任务 %s 不是技术评审", "task %s is not a review", t.Number)
		}
		return s.approveReview(ctx, tx, actor, o, t, cuts, note)
	})
}

func (s *Service) approveReview(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, t *duoyun.Task, cuts []duoyun.Cut, note string) error {
	if _, err := o.Requested.Units(cuts); err != nil {
		return err
	}
	layer, bites := approvedLayer(o.Requested, cuts)
	if units, err := o.Requested.Units(layer); err != nil {
		return err
	} else if len(units) == 0 {
		return duoyun.Fail(duoyun.CodeInvalid, "cuts", "全部核减等于不同意，请改用驳回", "cutting everything away is a rejection: reject the task instead")
	}
	o.Approved = layer
	if err := s.decided(ctx, tx, actor, t, duoyun.TaskApproved, note, ""); err != nil {
		return err
	}
	if bites {
		if err := s.assign(ctx, tx, *o, assignment{kind: duoyun.TaskAcknowledge, role: duoyun.RoleApplicant, agency: o.AgencyID}); err != nil {
			return err
		}
	}
	return s.reviewed(ctx, tx, actor, o, note)
}

// approvedLayer completes the reviewer's cuts with the lines left as they were asked for; bites tells whether anything
// was cut at all.
func approvedLayer(doc duoyun.OrderRequest, cuts []duoyun.Cut) (layer []duoyun.Cut, bites bool) {
	layer = uncut(doc)
	for i, l := range doc.Lines {
		for _, c := range cuts {
			if c.Line != l.Name {
				continue
			}
			if c.Spec != nil && l.Spec != nil && duoyun.SameSpec(c.Spec, l.Spec) {
				c.Spec = nil
			}
			layer[i] = c
			bites = bites || c.Approved != l.Quantity || c.Spec != nil
		}
	}
	return layer, bites
}

// uncut is the approved layer of an order that nobody cut.
func uncut(doc duoyun.OrderRequest) []duoyun.Cut {
	layer := make([]duoyun.Cut, len(doc.Lines))
	for i, l := range doc.Lines {
		layer[i] = duoyun.Cut{Line: l.Name, Approved: l.Quantity}
	}
	return layer
}

// reviewed goes on after the review: open orders to the recommendation, the others, whose supplier is known, to the
// signatures.
func (s *Service) reviewed(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, note string) error {
	if o.Requested.Form == duoyun.FormOpen {
		return s.recommendTo(ctx, tx, actor, o, "review", note)
	}
	if err := s.supersede(ctx, tx, actor, *o, "review", note); err != nil {
		return err
	}
	if err := s.priceChange(ctx, tx, o); err != nil {
		return err
	}
	if err := s.seal(ctx, tx, o); err != nil {
		return err
	}
	return s.advance(ctx, tx, actor, o, "review", note)
}

// object takes an order back to the review because the applicant does not accept the cuts.
func (s *Service) object(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, note string) error {
	if !among(o.State, duoyun.OrderRecommended, duoyun.OrderSigning) {
		return duoyun.Fail(duoyun.CodeConflict, "", "申请单已%s，异议期已过", "the order is %s: the time for objections is over", OrderStateName(o.State))
	}
	rs, err := s.store.OrderResources(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	if len(liveOf(rs)) > 0 {
		return duoyun.Fail(duoyun.CodeConflict, "", "申请单 %s 已有资源开通，异议期已过", "something of order %s was bought already: the time for objections is over", o.Number)
	}
	err = s.voidTasks(ctx, tx, o.ID, func(t duoyun.Task) bool {
		return t.Kind == duoyun.TaskReview || t.Kind == duoyun.TaskConfirmSupplier || t.Kind == duoyun.TaskSign && t.State == duoyun.TaskPending
	})
	if err != nil {
		return err
	}
	if err := s.move(ctx, tx, actor, o, duoyun.OrderReviewing, "object", note); err != nil {
		return err
	}
	return s.assign(ctx, tx, *o, assignment{kind: duoyun.TaskReview, role: duoyun.RoleReviewer, agency: o.AgencyID})
}

// OrderStateName is what users call a state.
func OrderStateName(s duoyun.OrderState) string { return duoyun.OrderLifecycle().Name(s) }

// KindName is what users call a kind, in Chinese.
func KindName(k duoyun.Kind) string {
	switch k {
	case duoyun.KindServer:
		return "云主机"
	case duoyun.KindDisk:
		return "云硬盘"
	case duoyun.KindNetwork:
		return "平台网络"
	case duoyun.KindAddress:
		return "地址"
	case duoyun.KindLoadBalancer:
		return "负载均衡"
	case duoyun.KindPublicIP:
		return "公网地址"
	case duoyun.KindBucket:
		return "对象存储桶"
	case duoyun.KindDatabase:
		return "云数据库"
	case duoyun.KindCache:
		return "云缓存"
	case duoyun.KindService:
		return "人工服务"
	}
	return fmt.Sprint(k)
}
