package broker

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/quota"
)

// cost is what one step of a change comes to over the rest of the resource's term, by its own contract's prices.
type cost struct {
	step
	offer   duoyun.Offer
	monthly duoyun.Fen       // of the resource after the step
	years   []duoyun.YearFen // difference, negative where it becomes cheaper
	version string           // price version
}

// priceChange fills what a change order's signatures are over: per step, the resource's own pool and contract, and what
// the change costs. Nothing is recommended: the supplier is the resource's.
func (s *Service) priceChange(ctx context.Context, tx *sql.Tx, o *duoyun.Order) error {
	_, costs, err := s.pricedSteps(ctx, tx, *o)
	if err != nil {
		return err
	}
	o.Chosen = nil
	for _, c := range costs {
		pool, contract := c.offer.Pool, c.offer.Contract
		o.Chosen = append(o.Chosen, duoyun.Choice{Lines: []string{c.line.Name}, Candidate: duoyun.Candidate{
			PoolID: pool.ID, Pool: pool.Code, PoolName: pool.Name, SupplierID: c.target.SupplierID, ContractID: contract.ID,
			Contract: contract.Number, Region: pool.Region, Monthly: c.monthly - c.target.Monthly, Total: more(c.years), Years: positive(c.years),
			Lines: []duoyun.LinePrice{{Line: c.line.Name, Units: 1, Monthly: c.monthly}}, Prices: c.version}})
	}
	return nil
}

// pricedSteps are the approved steps of a change or renewal, and what they cost now.
func (s *Service) pricedSteps(ctx context.Context, tx *sql.Tx, o duoyun.Order) (steps []step, costs []cost, err error) {
	if steps, err = s.stepsOf(ctx, tx, o); err != nil {
		return nil, nil, err
	}
	costs, err = s.costsOf(ctx, tx, o, steps)
	return steps, costs, err
}

func (s *Service) heldAsDearer(ctx context.Context, tx *sql.Tx, o *duoyun.Order, now duoyun.Fen) error {
	return s.held(ctx, tx, o, FindingNotPlaced, because("现价 %s 元，高于签署的 %s 元；请撤回后重新申请",
		"it now costs %s yuan, more than the %s signed: cancel and hand it in again", now, o.Total))
}

// costsOf prices the steps. Starting, stopping and releasing need no price: what was held covers them.
func (s *Service) costsOf(ctx context.Context, tx *sql.Tx, o duoyun.Order, steps []step) ([]cost, error) {
	var costs []cost
	for _, st := range steps {
		c := cost{step: st, monthly: st.target.Monthly}
		var err error
		switch {
		case o.Requested.Form == duoyun.FormRenew:
			err = s.costOfRenewal(ctx, tx, o, &c)
		case st.after != nil && !sameItems(st.after, st.target.Spec):
			err = s.costOfChange(ctx, tx, &c)
		default:
			if st.after == nil {
				c.monthly = 0
			}
			err = s.namesOf(ctx, tx, &c)
		}
		if err != nil {
			return nil, err
		}
		costs = append(costs, c)
	}
	return costs, nil
}

func sameItems(a, b duoyun.Spec) bool {
	x, y := a.Items(), b.Items()
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] != y[i] {
			return false
		}
	}
	return true
}

// namesOf reads pool and contract where no price is needed, so that a contract that has ended hinders no release.
func (s *Service) namesOf(ctx context.Context, tx *sql.Tx, c *cost) (err error) {
	if c.offer.Pool, err = s.store.Pool(ctx, tx, c.target.PoolID); err != nil || c.target.ContractID == "" {
		return err
	}
	c.offer.Contract, err = s.store.Contract(ctx, tx, c.target.ContractID)
	return err
}

func unitOf(r duoyun.Resource, spec duoyun.Spec) []duoyun.Unit {
	return []duoyun.Unit{{Line: r.Line, Ordinal: 1, Kind: r.Kind, Zone: r.Zone, Spec: spec}}
}

func (s *Service) costOfChange(ctx context.Context, tx *sql.Tx, c *cost) (err error) {
	now := s.now()
	if c.offer, err = s.offers.OfferAt(ctx, tx, c.target.PoolID, c.target.ContractID, now); err != nil {
		return err
	}
	term := restOf(procurement.TermOf(c.offer, c.target.Period, now), duoyun.DateOf(now))
	after, err := procurement.PriceTerm(c.offer, unitOf(c.target, c.after), term)
	if err != nil {
		return err
	}
	before, err := procurement.PriceTerm(c.offer, unitOf(c.target, c.target.Spec), term)
	if err != nil {
		return err
	}
	c.years, c.version = minus(after.Years, before.Years), after.Version
	month, err := procurement.Price(c.offer, unitOf(c.target, c.after), duoyun.Period{Start: duoyun.DateOf(now), Months: 1}, now)
	c.monthly = month.Monthly
	return err
}

// restOf is what is left of a term from a day on; a term that is over leaves its last day, so that something is held.
func restOf(t procurement.Term, today duoyun.Date) procurement.Term {
	if !t.From.Before(today) {
		return t
	}
	if !today.Before(t.Until) {
		today = t.Until.AddDays(-1)
	}
	return procurement.Term{From: today, Until: t.Until}
}

func (s *Service) costOfRenewal(ctx context.Context, tx *sql.Tx, o duoyun.Order, c *cost) (err error) {
	now := s.now()
	if c.offer, err = s.offers.OfferAt(ctx, tx, c.target.PoolID, c.target.ContractID, now); err != nil {
		return err
	}
	extension := duoyun.Period{Start: periodEnd(c.target.Period), Months: o.Requested.Period.Months}
	if end := periodEnd(extension); c.offer.Contract.End.Before(end) {
		return duoyun.Fail(duoyun.CodeConflict, "period", "合同于 %s 到期，不足以续期至 %s", "the contract ends on %s, before a renewal to %s would",
			c.offer.Contract.End.AddDays(-1), end.AddDays(-1))
	}
	q, err := procurement.Price(c.offer, unitOf(c.target, c.target.Spec), extension, now)
	c.years, c.monthly, c.version = q.Years, q.Monthly, q.Version
	return err
}

// positive keeps what a change takes more, year by year; what it takes less is given back once it is verified.
func positive(years []duoyun.YearFen) (out []duoyun.YearFen) {
	for _, y := range years {
		if y.Amount > 0 {
			out = append(out, y)
		}
	}
	return out
}

func more(years []duoyun.YearFen) duoyun.Fen { return totalOf(positive(years)) }

func totalCost(costs []cost) (sum duoyun.Fen) {
	for _, c := range costs {
		sum += more(c.years)
	}
	return sum
}

// takeMore holds what the steps need beyond what their resources hold already, all in one: last of the transaction.
func (s *Service) takeMore(ctx context.Context, tx *sql.Tx, o duoyun.Order, costs []cost) error {
	agency, err := s.store.Agency(ctx, tx, o.AgencyID)
	if err != nil {
		return err
	}
	var charges []quota.Charge
	for _, c := range costs {
		charge := quota.Charge{ResourceID: c.target.ID, Agency: agency, PoolID: c.target.PoolID, ContractID: c.target.ContractID,
			Payer: c.target.PayerID, Years: positive(c.years), Quota: difference(c.after, c.target.Spec)}
		if len(charge.Years) == 0 && len(charge.Quota) == 0 {
			continue
		}
		p, err := s.purseFor(ctx, tx, o, c.target)
		if err != nil {
			return err
		}
		charges = append(charges, p.charges(charge)...)
	}
	if len(charges) == 0 {
		return nil
	}
	return s.quota.Hold(ctx, tx, o.ID, charges)
}

// purseFor is the money a change names, or else that of the order the resource was bought with.
func (s *Service) purseFor(ctx context.Context, tx *sql.Tx, o duoyun.Order, r duoyun.Resource) (*purse, error) {
	if len(o.Requested.Funding) > 0 || r.OrderID == "" {
		return newPurse(o.Requested.Funding), nil
	}
	lines, err := s.store.OrderFunding(ctx, tx, r.OrderID)
	return newPurse(lines), err
}

// difference is what a changed spec takes more of each quota dimension; a release takes nothing more.
func difference(after, before duoyun.Spec) map[duoyun.Dimension]int64 {
	out := map[duoyun.Dimension]int64{}
	if after == nil {
		return out
	}
	for dim, n := range after.Quota() {
		if d := n - before.Quota()[dim]; d > 0 {
			out[dim] = d
		}
	}
	return out
}

// giveBack returns what a verified change takes less than before, and the resource's new monthly price; given is false
// where the change had no price.
func (s *Service) giveBack(ctx context.Context, tx *sql.Tx, was, is duoyun.Resource) (monthly duoyun.Fen, given bool, err error) {
	if was.ContractID == "" || sameItems(was.Spec, is.Spec) {
		return 0, false, nil
	}
	c := cost{step: step{target: was, after: is.Spec}}
	switch err := s.costOfChange(ctx, tx, &c); {
	case duoyun.CodeOf(err) == duoyun.CodeConflict: // the offer has gone since: the price is as it was held
		return 0, false, nil
	case err != nil:
		return 0, false, err
	}
	agency, err := s.store.Agency(ctx, tx, was.AgencyID)
	if err != nil {
		return 0, false, err
	}
	less := quota.Charge{ResourceID: was.ID, Agency: agency, PoolID: was.PoolID, ContractID: was.ContractID, Payer: was.PayerID,
		Quota: map[duoyun.Dimension]int64{}}
	for dim, n := range difference(was.Spec, is.Spec) {
		less.Quota[dim] = -n
	}
	for _, y := range c.years {
		if y.Amount < 0 {
			less.Years = append(less.Years, y)
		}
	}
	if len(less.Quota) == 0 && len(less.Years) == 0 {
		return c.monthly, true, nil
	}
	return c.monthly, true, s.quota.Shrink(ctx, tx, less)
}

// placeRenewal prolongs the period of resources and holds the money; nothing is sent to the vendor, whose own renewal is
// off.
func (s *Service) placeRenewal(ctx context.Context, tx *sql.Tx, o *duoyun.Order) error {
	steps, costs, err := s.pricedSteps(ctx, tx, *o)
	if err != nil {
		return err
	}
	if sum := totalCost(costs); sum > o.Total {
		return s.heldAsDearer(ctx, tx, o, sum)
	}
	for _, c := range costs {
		r := c.target
		r.Period.Months += o.Requested.Period.Months
		r.UpdatedAt = s.now()
		if err := s.store.UpdateResource(ctx, tx, r); err != nil {
			return err
		}
	}
	if err := s.move(ctx, tx, duoyun.SystemActor(), o, duoyun.OrderConfirmed, "renew", ""); err != nil {
		return err
	}
	if err := s.takeMore(ctx, tx, *o, costs); err != nil {
		return err
	}
	return s.quota.Commit(ctx, tx, ids(targetsOfSteps(steps)))
}

func targetsOfSteps(steps []step) []duoyun.Resource {
	var rs []duoyun.Resource
	for _, st := range steps {
		rs = append(rs, st.target)
	}
	return rs
}
