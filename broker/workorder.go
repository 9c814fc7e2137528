package broker

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

// WorkOrderStore keeps what suppliers' people fulfil.
type WorkOrderStore interface {
	// DecideWorkOrders writes what the supplier made of the open units of a task, and returns the intents to be woken.
	DecideWorkOrders(ctx context.Context, tx *sql.Tx, taskID string, fulfilled bool, note string) ([]string, error)
}

// fulfil decides a work order 工单: approved means that its people have done it, rejected that the supplier will not. The
// purchase protocol then sees it as it sees any vendor's answer.
func (s *Service) fulfil(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, t *duoyun.Task, d Decision) error {
	state := duoyun.TaskApproved
	switch d.Verdict {
	case Reject:
		state = duoyun.TaskRejected
	case Return:
		return duoyun.Fail(duoyun.CodeInvalid, "verdict", "工单只能完成或拒绝", "a work order is fulfilled or rejected")
	}
	if err := s.decided(ctx, tx, actor, t, state, d.Note, ""); err != nil {
		return err
	}
	woken, err := s.store.DecideWorkOrders(ctx, tx, t.ID, d.Verdict == Approve, d.Note)
	if err != nil {
		return err
	}
	jobs := make([]duoyun.Job, len(woken))
	for i, id := range woken {
		jobs[i] = PurchaseJob{IntentID: id}
	}
	return s.store.Enqueue(ctx, tx, jobs...)
}
