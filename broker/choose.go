package broker

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
)

// ConfirmSupplier is the named officer's choice of one pool per component 系统推荐、人工确认: one that was not dropped, with
// the reason where it is not the first. It seals what will be signed.
func (s *Service) ConfirmSupplier(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string, picks []Pick) (duoyun.Task, error) {
	return s.onTask(ctx, actor, once, key, func(tx *sql.Tx, o *duoyun.Order, t *duoyun.Task) error {
		if t.Kind != duoyun.TaskConfirmSupplier {
			return duoyun.Fail(duoyun.CodeConflict, "", "任务 %s 不是供应商确认", "task %s is not a supplier confirmation", t.Number)
		}
		return s.confirmSupplier(ctx, tx, actor, o, t, picks, "")
	})
}

func (s *Service) confirmSupplier(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, t *duoyun.Task, picks []Pick, note string) error {
	if err := s.withRecommendation(ctx, tx, o); err != nil {
		return err
	}
	chosen, err := choose(*o, picks, actor.UserID)
	if err != nil {
		return err
	}
	o.Chosen = append(slices.Clone(o.Chosen), chosen...) // what was bought before stands
	if err := s.seal(ctx, tx, o); err != nil {
		return err
	}
	reason := note
	for _, p := range picks {
		if p.Reason != "" {
			reason = strings.TrimPrefix(reason+"；"+p.Reason, "；")
		}
	}
	if err := s.decided(ctx, tx, actor, t, duoyun.TaskApproved, reason, o.ContentHash); err != nil {
		return err
	}
	return s.advance(ctx, tx, actor, o, "confirm_supplier", reason)
}

// withRecommendation reads the recommendation into a locked order.
func (s *Service) withRecommendation(ctx context.Context, tx *sql.Tx, o *duoyun.Order) (err error) {
	if o.Recommended == nil {
		o.Recommended, err = s.store.Recommendation(ctx, tx, o.ID)
	}
	if err == nil && o.Recommended == nil {
		err = duoyun.Fail(duoyun.CodeConflict, "", "申请单 %s 还没有推荐", "order %s has no recommendation", o.Number)
	}
	return err
}

// firstPicks takes the best candidate of every component.
func firstPicks(rec *duoyun.Recommendation) []Pick {
	var picks []Pick
	for i, c := range rec.Components {
		if len(c.Candidates) > 0 {
			picks = append(picks, Pick{Component: i, Pool: c.Candidates[0].PoolID, Contract: c.Candidates[0].ContractID})
		}
	}
	return picks
}

// choose turns the picks into choices of what is missing.
func choose(o duoyun.Order, picks []Pick, by string) ([]duoyun.Choice, error) {
	components := o.Recommended.Components
	chosen, picked := make([]duoyun.Choice, len(components)), make([]bool, len(components))
	var f duoyun.Faults
	for i, p := range picks {
		path := fmt.Sprintf("picks[%d]", i)
		switch {
		case p.Component < 0 || p.Component >= len(components):
			f.Add(path+".component", fmt.Sprint(p.Component), fmt.Sprintf("应为 0 至 %d", len(components)-1), fmt.Sprintf("must be 0 to %d", len(components)-1))
		case picked[p.Component]:
			f.Add(path+".component", fmt.Sprint(p.Component), "该组件已选过", "this component has a pick already")
		default:
			checkNote(&f, path+".reason", p.Reason)
			c := components[p.Component]
			picked[p.Component] = true
			chosen[p.Component] = duoyun.Choice{Lines: c.Lines, Units: c.Units, By: by, Reason: p.Reason, Candidate: pickOne(&f, path, c, p)}
		}
	}
	for i, c := range components {
		if names := append(slices.Clone(c.Lines), c.Units...); !picked[i] {
			f.Add("picks", fmt.Sprint(i), fmt.Sprintf("组件 %d（%s）未选供应商", i, strings.Join(names, "、")),
				fmt.Sprintf("component %d (%s) has no pick", i, strings.Join(names, ", ")))
		}
	}
	if len(f) == 0 && o.Requested.Requires.SameSupplier {
		checkSameSupplier(&f, append(slices.Clone(o.Chosen), chosen...))
	}
	return chosen, f.Err()
}

// pickOne finds the candidate a pick names: not a dropped one, and with the reason where it is not the first.
func pickOne(f *duoyun.Faults, path string, c duoyun.Component, p Pick) duoyun.Candidate {
	for i, x := range c.Candidates {
		if !among(p.Pool, x.Pool, x.PoolID) || p.Contract != "" && !among(p.Contract, x.Contract, x.ContractID) {
			continue
		}
		if len(x.Dropped) > 0 {
			f.Add(path+".pool", p.Pool, "该候选已被排除："+joined(x.Dropped, "zh"), "this candidate was dropped: "+joined(x.Dropped, "en"))
		}
		if i > 0 && strings.TrimSpace(p.Reason) == "" {
			f.Add(path+".reason", "", "不选推荐第一名须写明理由", "a reason is needed where the first candidate is not taken")
		}
		return x
	}
	f.Add(path+".pool", p.Pool, "推荐表中没有这个资源池", "the recommendation has no such pool")
	return duoyun.Candidate{}
}

func joined(ts []duoyun.Text, lang string) string {
	parts := make([]string, len(ts))
	for i, t := range ts {
		parts[i] = t.In(lang)
	}
	return strings.Join(parts, "; ")
}

func checkSameSupplier(f *duoyun.Faults, chosen []duoyun.Choice) {
	for _, c := range chosen {
		if c.Candidate.SupplierID != chosen[0].Candidate.SupplierID {
			f.Add("picks", c.Candidate.Supplier, "申请单要求同一云服务商", "the order asks for one supplier")
			return
		}
	}
}
