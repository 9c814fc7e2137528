package broker

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
)

// move takes a locked order to another state of its lifecycle, with its event and audit entry. An order at its end
// voids the tasks that still wait and frees the resources it was about.
func (s *Service) move(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, to duoyun.OrderState, action, note string) error {
	from := o.State
	state, err := duoyun.OrderLifecycle().Move(from, to)
	if err != nil {
		return err
	}
	o.State = state
	if err := s.save(ctx, tx, o); err != nil {
		return err
	}
	if err := s.record(ctx, tx, actor, *o, from, action, note); err != nil {
		return err
	}
	if !duoyun.OrderLifecycle().Final(to) {
		return nil
	}
	if err := s.voidTasks(ctx, tx, o.ID, func(t duoyun.Task) bool { return t.State == duoyun.TaskPending && t.Kind != duoyun.TaskAcknowledge }); err != nil {
		return err
	}
	return s.store.FreeTargets(ctx, tx, o.ID)
}

// save writes a locked order.
func (s *Service) save(ctx context.Context, tx *sql.Tx, o *duoyun.Order) error {
	o.UpdatedAt = s.now()
	if err := s.store.UpdateOrder(ctx, tx, *o); err != nil {
		return err
	}
	o.Version++
	return nil
}

// record writes the event and the audit entry of one step of an order.
func (s *Service) record(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o duoyun.Order, from duoyun.OrderState, action, note string) error {
	now := s.now()
	err := s.store.InsertOrderEvent(ctx, tx, duoyun.OrderEvent{ID: duoyun.NewID(now), OrderID: o.ID, At: now, ActorID: actor.UserID,
		Actor: actor.Name, Action: action, From: from, To: o.State, Note: note})
	if err != nil {
		return err
	}
	e := entry(ctx, actor, "order."+action, "order", o.ID)
	e.Detail = detail(map[string]string{"number": o.Number, "from": string(from), "to": string(o.State), "note": note})
	return s.store.Audit(ctx, tx, e)
}

func detail(v map[string]string) json.RawMessage {
	for k, x := range v {
		if x == "" {
			delete(v, k)
		}
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // a map of strings
	}
	return raw
}

// assignment is a task to be made.
type assignment struct {
	kind     duoyun.TaskKind
	role     duoyun.Role
	agency   string // id
	position int
	hash     string
	due      time.Time
}

// assign makes a task of an order. It takes a number 单号, so it comes late in its transaction.
func (s *Service) assign(ctx context.Context, tx *sql.Tx, o duoyun.Order, a assignment) error {
	now := s.now()
	number, err := s.store.NextNumber(ctx, tx, duoyun.NumberTask, o.AgencyID, now)
	if err != nil {
		return err
	}
	return s.store.InsertTask(ctx, tx, duoyun.Task{ID: duoyun.NewID(now), Number: number, OrderID: o.ID, Order: o.Number, Kind: a.kind,
		Role: a.role, AgencyID: a.agency, Position: a.position, State: duoyun.TaskPending, Hash: a.hash, CreatedAt: now, DueAt: a.due})
}

// voidTasks voids the tasks of an order that which picks.
func (s *Service) voidTasks(ctx context.Context, tx *sql.Tx, orderID string, which func(duoyun.Task) bool) error {
	tasks, err := s.store.OrderTasks(ctx, tx, orderID)
	if err != nil {
		return err
	}
	for _, t := range tasks {
		if !duoyun.TaskLifecycle().Can(t.State, duoyun.TaskVoid) || !which(t) {
			continue
		}
		t.State = duoyun.TaskVoid
		if err := s.store.UpdateTask(ctx, tx, t); err != nil {
			return err
		}
	}
	return nil
}

// finding files what a person has to look at, seen by the order's agency.
func (s *Service) finding(ctx context.Context, tx *sql.Tx, o duoyun.Order, kind string, message duoyun.Text, actions ...duoyun.FindingAction) error {
	_, err := s.store.OpenFinding(ctx, tx, duoyun.Finding{Kind: kind, State: duoyun.FindingOpen, Subject: "order", SubjectID: o.ID,
		AgencyID: o.AgencyID, Message: message, Actions: actions, CreatedAt: s.now()})
	return err
}

// onOrder runs f over a locked order that the actor sees, unless the same call was made before; it returns the order.
func (s *Service) onOrder(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string, f func(tx *sql.Tx, o *duoyun.Order) error) (duoyun.Order, error) {
	seen, err := s.store.FindOrder(ctx, actor.ScopeFor(), key)
	if err != nil {
		return seen, err
	}
	var o duoyun.Order
	err = s.store.InTx(ctx, func(tx *sql.Tx) error {
		done, err := s.store.Recall(ctx, tx, actor, once)
		if err != nil {
			return err
		}
		if o, err = s.store.LockOrder(ctx, tx, seen.ID); err != nil || done != "" {
			return err
		}
		if err := f(tx, &o); err != nil {
			return err
		}
		return s.store.Remember(ctx, tx, actor, once, o.ID)
	})
	return o, err
}

// duty asks that the actor holds one of the roles over the agency.
func (s *Service) duty(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, agencyID string, roles ...duoyun.Role) error {
	if actor.IsSystem() {
		return nil
	}
	if err := actor.Need(roles...); err != nil {
		return err
	}
	a, err := s.store.Agency(ctx, tx, agencyID)
	if err != nil {
		return err
	}
	if !actor.ScopeFor(roles...).Covers(a) {
		return duoyun.Fail(duoyun.CodeForbidden, "", "您在“%s”没有办理此事的角色", "you hold no role for this over %s", a.Name)
	}
	return nil
}

// among reports whether a state is one of several.
func among[T comparable](v T, of ...T) bool { return slices.Contains(of, v) }
