package broker

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
)

// inputs is all a recommendation depends on: the same inputs give the same answer, whenever it is asked again.
type inputs struct {
	At          time.Time           `json:"at"` // business clock: prices and contracts in force then
	Requested   duoyun.OrderRequest `json:"requested"`
	Approved    []duoyun.Cut        `json:"approved"`
	Level       duoyun.Protection   `json:"level"`       // of the system
	Pinned      map[string]string   `json:"pinned"`      // number of a resource referred to → id of its pool
	Offers      []duoyun.Offer      `json:"offers"`      // in a fixed order
	Reliability map[string]int64    `json:"reliability"` // pool id → hundredths of a per cent

	// Where the order has got a part already:
	Bought   map[string]string `json:"bought,omitempty"`   // name of a unit → id of its pool, "" where it was given back
	Supplier string            `json:"supplier,omitempty"` // id of the one that has to serve the rest too
	Failures []Failure         `json:"failures,omitempty"` // of what is missing, the latest of each unit and pool
}

// hash names the inputs; accounts and secrets are none of them.
func (in inputs) hash() string {
	in.Offers = slices.Clone(in.Offers)
	for i := range in.Offers {
		in.Offers[i].Pool.Account, in.Offers[i].Pool.Sealed = nil, nil
	}
	raw, err := json.Marshal(in)
	if err != nil {
		panic(err) // our nouns always marshal
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// recommend looks at every offer for every component of what is missing. Each component goes whole to one pool; every
// candidate is kept, scored or with every reason it was dropped. It is a pure function of its inputs.
func recommend(in inputs) (duoyun.Recommendation, error) {
	units, err := in.Requested.Units(in.Approved)
	if err != nil {
		return duoyun.Recommendation{}, err
	}
	rec := duoyun.Recommendation{At: in.At, InputsHash: in.hash()}
	for _, p := range in.lots(units) {
		d := demandOf(in, p.units, units)
		c := duoyun.Component{Lines: p.lines, Units: p.names}
		for _, o := range in.Offers {
			c.Candidates = append(c.Candidates, d.candidate(o))
		}
		rec.Components = append(rec.Components, c)
	}
	if in.Requested.Requires.SameSupplier {
		joinSuppliers(rec.Components)
	}
	for i := range rec.Components {
		score(rec.Components[i].Candidates, in, jointTotals(rec.Components, i, in.Requested.Requires.SameSupplier))
	}
	return rec, nil
}

// candidate is one offer as an answer to the demand.
func (d demand) candidate(o duoyun.Offer) duoyun.Candidate {
	c := duoyun.Candidate{PoolID: o.Pool.ID, Pool: o.Pool.Code, PoolName: o.Pool.Name, SupplierID: o.Supplier.ID, Supplier: o.Supplier.Code,
		ContractID: o.Contract.ID, Contract: o.Contract.Number, Region: o.Pool.Region}
	c.Dropped, c.Failed = append(d.misfits(o), d.shortages(o)...), d.failedAt(o.Pool.ID)
	q, err := procurement.Price(o, d.units, d.period, d.at)
	if err != nil {
		c.Dropped = append(c.Dropped, messageOf(err))
		return c
	}
	c.Monthly, c.Total, c.Years, c.Lines, c.Prices = q.Monthly, q.Total, q.Years, q.Lines, q.Version
	if left := o.Contract.Ceiling - o.Contract.Used; o.Contract.Ceiling > 0 && q.Total > left {
		c.Dropped = append(c.Dropped, because("合同余额 %s 元，不足 %s 元", "the contract has %s yuan left, %s are needed", left, q.Total))
	}
	return c
}

// joinSuppliers drops the candidates of suppliers that cannot serve every component.
func joinSuppliers(components []duoyun.Component) {
	serves := map[string]int{} // supplier → how many components it can serve
	for _, c := range components {
		seen := map[string]bool{}
		for _, x := range c.Candidates {
			if len(x.Dropped) == 0 && !seen[x.SupplierID] {
				seen[x.SupplierID] = true
				serves[x.SupplierID]++
			}
		}
	}
	for _, c := range components {
		for j := range c.Candidates {
			if x := &c.Candidates[j]; len(x.Dropped) == 0 && serves[x.SupplierID] < len(components) {
				x.Dropped = append(x.Dropped, because("要求同一云服务商：%s 不能提供全部内容", "one supplier is asked for: %s cannot serve everything", x.Supplier))
			}
		}
	}
}

// jointTotals gives, by supplier, what the other components cost at least with it, where one supplier has to serve all:
// a candidate is then judged by the whole, not by its part.
func jointTotals(components []duoyun.Component, of int, joint bool) map[string]duoyun.Fen {
	sum := map[string]duoyun.Fen{}
	if !joint {
		return sum
	}
	for i, c := range components {
		if i == of {
			continue
		}
		least := map[string]duoyun.Fen{}
		for _, x := range c.Candidates {
			if n, seen := least[x.SupplierID]; len(x.Dropped) == 0 && (!seen || x.Total < n) {
				least[x.SupplierID] = x.Total
			}
		}
		for supplier, n := range least {
			sum[supplier] += n
		}
	}
	return sum
}

// recommendTo computes the recommendation of what is missing of a reviewed order and asks a procurement officer to confirm
// a supplier. What was recommended and chosen before is kept; of the choice, what was bought by it stands.
func (s *Service) recommendTo(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, action, note string) error {
	in, got, err := s.inputsOf(ctx, tx, *o)
	if err != nil {
		return err
	}
	rec, err := recommend(in)
	if err != nil {
		return err
	}
	if err := s.supersede(ctx, tx, actor, *o, action, note); err != nil {
		return err
	}
	o.Recommended, o.Chosen = &rec, got.standing(o.Chosen)
	if o.State == duoyun.OrderRecommended {
		if err := s.save(ctx, tx, o); err != nil {
			return err
		}
		if err := s.record(ctx, tx, actor, *o, o.State, action, note); err != nil {
			return err
		}
	} else if err := s.move(ctx, tx, actor, o, duoyun.OrderRecommended, action, note); err != nil {
		return err
	}
	waiting := func(t duoyun.Task) bool { // who chose what stands has had a part in the order
		return t.Kind == duoyun.TaskConfirmSupplier && (t.State == duoyun.TaskPending || len(o.Chosen) == 0)
	}
	if err := s.voidTasks(ctx, tx, o.ID, waiting); err != nil {
		return err
	}
	if unserved(rec) {
		err := s.finding(ctx, tx, *o, FindingNoOffer, duoyun.Text{ZH: "申请单 " + o.Number + " 有内容没有任何资源池可以提供，原因见推荐表",
			EN: "no pool can serve a part of order " + o.Number + "; the recommendation says why"})
		if err != nil {
			return err
		}
	}
	return s.assign(ctx, tx, *o, assignment{kind: duoyun.TaskConfirmSupplier, role: duoyun.RoleProcurement, agency: o.AgencyID})
}

func unserved(rec duoyun.Recommendation) bool {
	return slices.ContainsFunc(rec.Components, func(c duoyun.Component) bool { return len(c.Candidates) == 0 || len(c.Candidates[0].Dropped) > 0 })
}

// inputsOf is what a recommendation depends on, with what the order has got already.
func (s *Service) inputsOf(ctx context.Context, tx *sql.Tx, o duoyun.Order) (in inputs, got gotten, err error) {
	if got, err = s.gottenOf(ctx, tx, o); err != nil {
		return in, got, err
	}
	if in, err = s.demandsOf(ctx, tx, o, got); err != nil {
		return in, got, err
	}
	if in.Offers, err = s.offers.OffersAt(ctx, tx, in.At); err != nil {
		return in, got, err
	}
	if s.history != nil {
		in.Reliability, err = s.history.Reliability(ctx, tx, in.At)
	}
	return in, got, err
}

// demandsOf is the order's side of the inputs alone.
func (s *Service) demandsOf(ctx context.Context, tx *sql.Tx, o duoyun.Order, got gotten) (inputs, error) {
	in := inputs{At: s.now().UTC().Truncate(time.Microsecond), Requested: o.Requested, Approved: o.Approved, Pinned: map[string]string{}}
	if o.SystemID != "" {
		y, err := s.store.System(ctx, tx, o.SystemID)
		if err != nil {
			return in, err
		}
		in.Level = y.Level
	}
	pinned, err := s.store.LockResources(ctx, tx, referred(o.Requested))
	if err != nil {
		return in, err
	}
	for _, r := range pinned {
		in.Pinned[r.Number] = r.PoolID
	}
	got.tell(&in)
	return in, nil
}

// Recommend computes the recommendation of a waiting order again, for instance once prices or pools have been added
// (procurement over its agency).
func (s *Service) Recommend(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string) (duoyun.Order, error) {
	return s.onOrder(ctx, actor, once, key, func(tx *sql.Tx, o *duoyun.Order) error {
		if err := s.duty(ctx, tx, actor, o.AgencyID, duoyun.RoleProcurement); err != nil {
			return err
		}
		if o.State != duoyun.OrderRecommended {
			return duoyun.Fail(duoyun.CodeConflict, "", "申请单 %s 不在待确认供应商状态", "order %s does not wait for a supplier", o.Number)
		}
		return s.recommendTo(ctx, tx, actor, o, "recommend", "")
	})
}
