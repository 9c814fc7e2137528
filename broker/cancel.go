package broker

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

// Cancel withdraws an order 撤回 (an applicant of its agency) while nothing has been bought for it. Afterwards it is a
// conflict: what is there is released by a release order.
func (s *Service) Cancel(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key, note string) (duoyun.Order, error) {
	var f duoyun.Faults
	checkNote(&f, "note", note)
	if err := f.Err(); err != nil {
		return duoyun.Order{}, err
	}
	return s.onOrder(ctx, actor, once, key, func(tx *sql.Tx, o *duoyun.Order) error {
		if err := s.duty(ctx, tx, actor, o.AgencyID, submitters(o.Requested)...); err != nil {
			return err
		}
		if !duoyun.OrderLifecycle().Can(o.State, duoyun.OrderCancelled) {
			return duoyun.Fail(duoyun.CodeConflict, "", "申请单 %[1]s 已%[2]s，不能撤回；已开通的资源请用注销单", "order %[1]s is %[3]s and can no longer be withdrawn: release what it bought instead",
				o.Number, OrderStateName(o.State), string(o.State))
		}
		rs, err := s.store.OrderResources(ctx, tx, o.ID)
		if err != nil {
			return err
		}
		if len(liveOf(rs)) > 0 {
			return duoyun.Fail(duoyun.CodeConflict, "", "申请单 %s 已有资源开通，不能撤回；请重试落单，或用注销单释放", "order %s has resources already: retry it, or release them", o.Number)
		}
		o.Reason = note
		return s.move(ctx, tx, actor, o, duoyun.OrderCancelled, "cancel", note)
	})
}
