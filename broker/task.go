package broker

import (
	"context"
	"database/sql"
	"strings"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
)

// Tasks lists what the actor's roles may decide, newest first; the filter may ask for every task of the orders it sees.
func (s *Service) Tasks(ctx context.Context, actor duoyun.Actor, f TaskFilter, p duoyun.Page) (duoyun.Listing[duoyun.Task], error) {
	return s.store.Tasks(ctx, actor, f, p)
}

// Task reads a task by id or number.
func (s *Service) Task(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Task, error) {
	return s.store.FindTask(ctx, actor, key)
}

// maxNote bounds what people write beside a decision, in characters.
const maxNote = 500

func (d Decision) check() error {
	var f duoyun.Faults
	switch d.Verdict {
	case Approve, Reject, Return:
	default:
		f.Add("verdict", string(d.Verdict), "应为 approve（通过）、reject（驳回）或 return（退回）", "must be approve, reject or return")
	}
	if d.Verdict != Approve && strings.TrimSpace(d.Note) == "" {
		f.Add("note", "", "驳回或退回须写明理由", "a rejection or return states its reason")
	}
	checkNote(&f, "note", d.Note)
	return f.Err()
}

func checkNote(f *duoyun.Faults, path, note string) {
	if utf8.RuneCountInString(note) > maxNote || !utf8.ValidString(note) {
		f.Add(path, "", "不超过 500 字", "at most 500 characters")
	}
}

// Decide writes a person's verdict on a task and moves its order on. The person must hold the task's role over its
// agency and have no other part in the order (requester ≠ approver ≠ confirmer): CodeSeparation. A task that is decided
// already, or a signature over content that has changed, is a conflict. Approving a review approves it uncut; approving
// a supplier confirmation takes the first candidate of every component.
func (s *Service) Decide(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string, d Decision) (duoyun.Task, error) {
	if err := d.check(); err != nil {
		return duoyun.Task{}, err
	}
	return s.onTask(ctx, actor, once, key, func(tx *sql.Tx, o *duoyun.Order, t *duoyun.Task) error {
		if t.Kind == duoyun.TaskWorkOrder {
			return s.fulfil(ctx, tx, actor, t, d)
		}
		if d.Verdict == Approve {
			return s.approve(ctx, tx, actor, o, t, d)
		}
		return s.refuse(ctx, tx, actor, o, t, d)
	})
}

func (s *Service) approve(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, t *duoyun.Task, d Decision) error {
	switch t.Kind {
	case duoyun.TaskReview:
		return s.approveReview(ctx, tx, actor, o, t, nil, d.Note)
	case duoyun.TaskConfirmSupplier:
		if err := s.withRecommendation(ctx, tx, o); err != nil {
			return err
		}
		return s.confirmSupplier(ctx, tx, actor, o, t, firstPicks(o.Recommended), d.Note)
	case duoyun.TaskSign:
		return s.sign(ctx, tx, actor, o, t, d)
	case duoyun.TaskConfirmDelivery:
		return s.confirmDelivery(ctx, tx, actor, o, t, d.Note)
	}
	return s.decided(ctx, tx, actor, t, duoyun.TaskApproved, d.Note, "") // acknowledged 知悉
}

// refuse rejects or returns: before anything was bought that ends the order; an acknowledgement refused is an objection to the
// cuts; a delivery refused is taken back, one returned stays as it is until the matter is settled.
func (s *Service) refuse(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, t *duoyun.Task, d Decision) error {
	state, to := duoyun.TaskRejected, duoyun.OrderRejected
	if d.Verdict == Return {
		state, to = duoyun.TaskReturned, duoyun.OrderReturned
	}
	if err := s.decided(ctx, tx, actor, t, state, d.Note, ""); err != nil {
		return err
	}
	switch t.Kind {
	case duoyun.TaskAcknowledge:
		return s.object(ctx, tx, actor, o, d.Note)
	case duoyun.TaskConfirmDelivery:
		return s.refuseDelivery(ctx, tx, actor, o, *t, d)
	}
	o.Reason = d.Note
	if back, err := s.backToWhatIs(ctx, tx, actor, o, d); back || err != nil {
		return err
	}
	return s.move(ctx, tx, actor, o, to, string(d.Verdict), d.Note)
}

// onTask runs f over a pending task, its order locked, for an actor who may decide it, unless the same call was made
// before; it returns the task.
func (s *Service) onTask(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string, f func(tx *sql.Tx, o *duoyun.Order, t *duoyun.Task) error) (duoyun.Task, error) {
	seen, err := s.store.FindTask(ctx, actor, key)
	if err != nil {
		return seen, err
	}
	var t duoyun.Task
	err = s.store.InTx(ctx, func(tx *sql.Tx) error {
		done, err := s.store.Recall(ctx, tx, actor, once)
		if err != nil {
			return err
		}
		o, err := s.store.LockOrder(ctx, tx, seen.OrderID)
		if err != nil {
			return err
		}
		if t, err = s.store.Task(ctx, tx, seen.ID); err != nil || done != "" {
			return err
		}
		if err := s.mayDecide(ctx, tx, actor, o, t); err != nil {
			return err
		}
		if err := f(tx, &o, &t); err != nil {
			return err
		}
		return s.store.Remember(ctx, tx, actor, once, t.ID)
	})
	return t, err
}

func (s *Service) mayDecide(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o duoyun.Order, t duoyun.Task) error {
	if err := s.holdsTask(ctx, tx, actor, t); err != nil {
		return err
	}
	if t.State != duoyun.TaskPending {
		return duoyun.Fail(duoyun.CodeConflict, "", "任务 %s "+duoyun.TaskLifecycle().Name(t.State), "task %s is "+string(t.State)+" already", t.Number)
	}
	return s.apart(ctx, tx, actor, o, t)
}

func (s *Service) holdsTask(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, t duoyun.Task) error {
	if t.SupplierID == "" {
		return s.duty(ctx, tx, actor, t.AgencyID, t.Role)
	}
	for _, id := range actor.ScopeFor(t.Role).Suppliers {
		if id == t.SupplierID {
			return nil
		}
	}
	return duoyun.Fail(duoyun.CodeForbidden, "", "任务 %s 由供应商办理", "task %s is the supplier's", t.Number)
}

// apart keeps one person to one part in an order: who asks does not review, choose, sign or accept, and of those nobody
// does two. The platform itself is nobody.
func (s *Service) apart(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o duoyun.Order, t duoyun.Task) error {
	if actor.IsSystem() || t.Kind == duoyun.TaskAcknowledge {
		return nil
	}
	if actor.UserID == o.ApplicantID {
		return duoyun.Fail(duoyun.CodeSeparation, "", "申请人不得办理本单的其他环节", "who asks for an order has no other part in it")
	}
	tasks, err := s.store.OrderTasks(ctx, tx, o.ID)
	if err != nil {
		return err
	}
	for _, other := range tasks {
		same := other.Kind == t.Kind && other.Position == t.Position
		if other.ActorID == actor.UserID && other.State == duoyun.TaskApproved && other.Kind != duoyun.TaskAcknowledge && !same {
			return duoyun.Fail(duoyun.CodeSeparation, "", "您已办理本单的任务 %s，同一人不得兼办", "you have decided task %s of this order: one person has one part", other.Number)
		}
	}
	return nil
}

// decided writes a task's outcome; hash is what a signature is over.
func (s *Service) decided(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, t *duoyun.Task, state duoyun.TaskState, note, hash string) error {
	to, err := duoyun.TaskLifecycle().Move(t.State, state)
	if err != nil {
		return err
	}
	t.State, t.ActorID, t.Actor, t.Note, t.DecidedAt = to, actor.UserID, actor.Name, note, s.now()
	if hash != "" {
		t.Hash = hash
	}
	if err := s.store.UpdateTask(ctx, tx, *t); err != nil {
		return err
	}
	e := entry(ctx, actor, "task."+string(to), "task", t.ID)
	e.Detail = detail(map[string]string{"number": t.Number, "order": t.Order, "kind": string(t.Kind), "note": note, "hash": t.Hash})
	return s.store.Audit(ctx, tx, e)
}
