package broker

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/duoyun/duoyun"
)

// targetsOf finds what a change, renewal or release is about: the agency's own resources, at rest, to which the action
// can be done, and nothing that stays hanging on what goes.
func (s *Service) targetsOf(ctx context.Context, tx *sql.Tx, f *duoyun.Faults, in intake) ([]duoyun.Resource, error) {
	var numbers []string
	for _, l := range in.doc.Lines {
		numbers = append(numbers, l.Resource)
	}
	found, err := s.byNumber(ctx, tx, in.agency, numbers)
	if err != nil {
		return nil, err
	}
	var targets []duoyun.Resource
	for i, l := range in.doc.Lines {
		path := fmt.Sprintf("lines[%d]", i)
		r, ok := found[l.Resource]
		if !ok {
			f.Add(path+".resource", l.Resource, "本单位没有这个资源", "the agency has no such resource")
			continue
		}
		checkTarget(f, path, in.doc.Form, l, r)
		targets = append(targets, r)
	}
	return targets, s.checkDependents(ctx, tx, f, in.doc, targets)
}

func checkTarget(f *duoyun.Faults, path string, form duoyun.Form, l duoyun.Line, r duoyun.Resource) {
	switch {
	case r.Kind == duoyun.KindNetwork:
		f.Add(path+".resource", l.Resource, "平台网络由平台管理", "the network is the platform's")
	case l.Kind != "" && l.Kind != r.Kind:
		f.Add(path+".kind", string(l.Kind), "该资源是"+KindName(r.Kind), "the resource is a "+string(r.Kind))
	case !among(r.State, duoyun.ResourceRunning, duoyun.ResourceStopped) && !(form == duoyun.FormRelease && r.State == duoyun.ResourceDelivered):
		f.Add(path+".resource", l.Resource, "资源"+duoyun.ResourceLifecycle().Name(r.State)+"，现在不能办理", "the resource is "+string(r.State)+" and cannot be changed now")
	case form == duoyun.FormRenew && r.Period.Months == 0:
		f.Add(path+".resource", l.Resource, "资源没有到期日，不必续期", "the resource has no end to renew")
	case form != duoyun.FormRenew:
		after, err := l.After(r.Spec)
		if err != nil {
			why := messageOf(err)
			f.Add(path+".action", string(l.Action), why.ZH, why.EN)
		} else if after != nil && duoyun.SameSpec(after, r.Spec) {
			f.Add(path+".action", string(l.Action), "资源已是如此", "the resource is that already")
		}
	}
}

// checkDependents refuses to release what something else hangs on that stays.
func (s *Service) checkDependents(ctx context.Context, tx *sql.Tx, f *duoyun.Faults, doc duoyun.OrderRequest, targets []duoyun.Resource) error {
	going := map[string]string{}
	for _, r := range targets {
		if i := slices.IndexFunc(doc.Lines, func(l duoyun.Line) bool { return l.Resource == r.Number && l.Action == duoyun.ActionRelease }); i >= 0 {
			going[r.ID] = fmt.Sprintf("lines[%d].resource", i)
		}
	}
	parents := make([]string, 0, len(going))
	for _, r := range targets {
		if going[r.ID] != "" {
			parents = append(parents, r.ID)
		}
	}
	links, err := s.store.Dependents(ctx, tx, parents)
	for _, l := range links {
		if going[l.ChildID] == "" {
			i := slices.IndexFunc(targets, func(r duoyun.Resource) bool { return r.ID == l.ParentID })
			f.Add(going[l.ParentID], targets[i].Number, fmt.Sprintf("%s %s（%s）还挂在它上面，须一并注销", KindName(l.Kind), l.Name, cmp.Or(l.Number, "尚无单号")),
				fmt.Sprintf("the %s %s (%s) still hangs on it and must be released with it", l.Kind, l.Name, cmp.Or(l.Number, "without a number yet")))
		}
	}
	return err
}

// approvedLines are the lines of a change the reviewer left standing, with the spec as cut.
func approvedLines(o duoyun.Order) []duoyun.Line {
	var lines []duoyun.Line
	for _, l := range o.Requested.Lines {
		for _, c := range o.Approved {
			if c.Line == l.Name && c.Approved > 0 {
				if c.Spec != nil {
					l.Spec = c.Spec
				}
				lines = append(lines, l)
			}
		}
	}
	return lines
}

// step is one thing a change order does.
type step struct {
	line   duoyun.Line
	target duoyun.Resource
	after  duoyun.Spec // nil: a release
}

// stepsOf pairs the approved lines with their resources, locked.
func (s *Service) stepsOf(ctx context.Context, tx *sql.Tx, o duoyun.Order) ([]step, error) {
	targets, err := s.store.OrderTargets(ctx, tx, o.ID)
	if err != nil {
		return nil, err
	}
	var steps []step
	for _, l := range approvedLines(o) {
		i := slices.IndexFunc(targets, func(r duoyun.Resource) bool { return r.Number == l.Resource })
		if i < 0 {
			return nil, duoyun.NotFound("资源", "resource", l.Resource)
		}
		st := step{line: l, target: targets[i], after: targets[i].Spec}
		if o.Requested.Form != duoyun.FormRenew {
			if st.after, err = l.After(targets[i].Spec); err != nil {
				return nil, err
			}
		}
		steps = append(steps, st)
	}
	return steps, nil
}

// placeChange writes the intents of a change or release and takes what the change needs more.
func (s *Service) placeChange(ctx context.Context, tx *sql.Tx, o *duoyun.Order) error {
	steps, costs, err := s.pricedSteps(ctx, tx, *o)
	if err != nil {
		return err
	}
	if sum := totalCost(costs); sum > o.Total {
		return s.heldAsDearer(ctx, tx, o, sum)
	}
	var going []duoyun.Resource
	var intents []duoyun.Intent
	for _, st := range steps {
		if st.after == nil {
			going = append(going, st.target)
			continue
		}
		in := intentFor(st.target, duoyun.OpUpdate, s.real())
		in.OrderID, in.Before, in.After = o.ID, st.target.Spec, st.after
		intents = append(intents, in)
		if err := s.moveResource(ctx, tx, &st.target, duoyun.ResourceUpdating); err != nil {
			return err
		}
	}
	if err := s.store.InsertIntents(ctx, tx, intents); err != nil {
		return err
	}
	if err := s.takeBack(ctx, tx, o.ID, going); err != nil {
		return err
	}
	if err := s.startChange(ctx, tx, o, steps, wakeUps(intents)); err != nil {
		return err
	}
	return s.takeMore(ctx, tx, *o, costs)
}

func (s *Service) startChange(ctx context.Context, tx *sql.Tx, o *duoyun.Order, steps []step, jobs []duoyun.Job) error {
	var suppliers []string
	for _, st := range steps {
		if !slices.Contains(suppliers, st.target.SupplierID) {
			suppliers = append(suppliers, st.target.SupplierID)
		}
	}
	if err := s.store.PlacedWith(ctx, tx, o.ID, suppliers); err != nil {
		return err
	}
	o.Reason = ""
	if err := s.move(ctx, tx, duoyun.SystemActor(), o, duoyun.OrderProvisioning, "place", ""); err != nil {
		return err
	}
	return s.store.Enqueue(ctx, tx, jobs...)
}

// takeBack writes the release of resources. What others of them hang on waits until those are proven gone.
func (s *Service) takeBack(ctx context.Context, tx *sql.Tx, orderID string, rs []duoyun.Resource) error {
	links, err := s.store.Dependents(ctx, tx, ids(rs))
	if err != nil {
		return err
	}
	var intents []duoyun.Intent
	for _, r := range rs {
		in := intentFor(r, duoyun.OpDelete, s.real())
		in.OrderID, in.Before = orderID, r.Spec
		if slices.ContainsFunc(links, func(l Dependent) bool { return l.ParentID == r.ID }) {
			in.State = duoyun.IntentWaiting
		}
		intents = append(intents, in)
		if err := s.moveResource(ctx, tx, &r, duoyun.ResourceReleasing); err != nil {
			return err
		}
	}
	if err := s.store.InsertIntents(ctx, tx, intents); err != nil {
		return err
	}
	return s.store.Enqueue(ctx, tx, wakeUps(intents)...)
}

// concludeChange ends a change order: confirmed when everything was done, partial when something was not, failed when
// nothing was.
func (s *Service) concludeChange(ctx context.Context, tx *sql.Tx, o *duoyun.Order) error {
	if o.Reason == "" {
		return s.move(ctx, tx, duoyun.SystemActor(), o, duoyun.OrderConfirmed, "done", "")
	}
	steps, err := s.stepsDone(ctx, tx, *o)
	if err != nil {
		return err
	}
	if steps == 0 {
		return s.move(ctx, tx, duoyun.SystemActor(), o, duoyun.OrderFailed, "fail", o.Reason)
	}
	return s.handOver(ctx, tx, o, nil, duoyun.OrderPartial, o.Reason)
}

// stepsDone counts the targets that are as the order wanted them.
func (s *Service) stepsDone(ctx context.Context, tx *sql.Tx, o duoyun.Order) (n int, err error) {
	targets, err := s.store.OrderTargets(ctx, tx, o.ID)
	if err != nil {
		return 0, err
	}
	for _, l := range approvedLines(o) {
		for _, r := range targets {
			if r.Number != l.Resource {
				continue
			}
			after, err := l.After(r.Spec) // an action that changes nothing any more, or cannot be done again, was done
			if r.State == duoyun.ResourceTerminated || l.Action != duoyun.ActionRelease && (err != nil || duoyun.SameSpec(after, r.Spec)) {
				n++
			}
		}
	}
	return n, nil
}
