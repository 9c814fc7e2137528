package sla

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/duoyun/duoyun"
)

// Report gives the availability of the resources in scope for a month, resource by resource: from the probes and
// incidents of each and of its pool. Incidents that nobody has attributed yet count as bad time here, but give no
// credit. A month that still runs is judged up to now.
func (s *Service) Report(ctx context.Context, actor duoyun.Actor, month duoyun.Month, f ReportFilter, p duoyun.Page) (duoyun.Listing[duoyun.Availability], error) {
	var out duoyun.Listing[duoyun.Availability]
	scope, err := s.readingOf(actor, month)
	if err != nil {
		return out, err
	}
	list, err := s.store.ServedResources(ctx, scope, f, month.Start(), month.End(), p)
	if err != nil {
		return out, err
	}
	out.Next = list.Next
	b := s.bench(nil, month)
	for _, served := range list.Items {
		if !served.applies() {
			continue
		}
		a, err := b.availability(ctx, served)
		if err != nil {
			return out, err
		}
		out.Items = append(out.Items, a)
	}
	return out, nil
}

// Pools gives the availability of each pool under each contract that serves the scope, from the pool's own canaries and
// incidents.
func (s *Service) Pools(ctx context.Context, actor duoyun.Actor, month duoyun.Month) ([]duoyun.Availability, error) {
	scope, err := s.readingOf(actor, month)
	if err != nil {
		return nil, err
	}
	pools, err := s.store.ServedPools(ctx, scope, month.Start(), month.End())
	if err != nil {
		return nil, err
	}
	b := s.bench(nil, month)
	var out []duoyun.Availability
	for _, served := range pools {
		a, err := b.availability(ctx, served)
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}

// Credits computes what the contract's clause takes off the month, one credit per resource, by resource id. Only
// incidents attributed to the supplier count, only certified months, and overlapping incidents of a resource and its
// pool count once. It writes nothing.
func (s *Service) Credits(ctx context.Context, tx *sql.Tx, contract duoyun.Contract, month duoyun.Month,
	fee func(ctx context.Context, resourceID string) (duoyun.Amount, error)) ([]duoyun.Credit, error) {
	var out []duoyun.Credit
	b := s.bench(tx, month)
	for after := ""; ; {
		struck, err := s.store.Struck(ctx, tx, contract.ID, month.Start(), month.End(), after, 500)
		if err != nil || len(struck) == 0 {
			return out, err
		}
		for _, served := range struck {
			c, err := b.credit(ctx, served, fee)
			if err != nil {
				return nil, err
			}
			if c.Amount > 0 {
				c.ID = duoyun.NewID(s.now())
				out = append(out, c)
			}
		}
		after = struck[len(struck)-1].ResourceID
	}
}

// Credited records the credits a closed statement carries and moves their incidents on.
func (s *Service) Credited(ctx context.Context, tx *sql.Tx, credits []duoyun.Credit) error {
	if err := s.store.InsertCredits(ctx, tx, credits); err != nil {
		return err
	}
	for _, c := range credits {
		if err := s.store.MarkCredited(ctx, tx, c.ResourceID, c.Month); err != nil {
			return err
		}
	}
	return nil
}

// Reliability gives, by pool id, the availability over the year before at in hundredths of a per cent, rounded down: 9995
// is 99.95 %. Only outages attributed to the platform count; a pool whose canaries were never looked at has no history.
func (s *Service) Reliability(ctx context.Context, tx *sql.Tx, at time.Time) (map[string]int64, error) {
	probed, err := s.store.ProbedPools(ctx, tx)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for pool, since := range probed {
		year := Span{at.AddDate(-1, 0, 0), at}
		if since.After(year.Start) {
			year.Start = since
		}
		if !year.Start.Before(year.End) {
			continue
		}
		incidents, err := s.store.Touching(ctx, tx, "", pool, year.Start, year.End)
		if err != nil {
			return nil, err
		}
		var outages []Span
		for _, i := range incidents {
			if i.Attribution == "platform" && i.State != duoyun.IncidentExcused {
				outages = append(outages, Span{i.Start, orElse(i.End, at)})
			}
		}
		whole, bad := year.End.Sub(year.Start), length(merge(clip(outages, year)))
		out[pool] = int64((whole-bad)/time.Second) * 10000 / int64(whole/time.Second)
	}
	return out, nil
}

func orElse(t, otherwise time.Time) time.Time {
	if t.IsZero() {
		return otherwise
	}
	return t
}

// bench judges many resources of one month and reads each pool's evidence once.
type bench struct {
	service *Service
	tx      *sql.Tx // nil: outside
	month   duoyun.Month
	end     time.Time
	pools   map[string]minuteSet
}

func (s *Service) bench(tx *sql.Tx, month duoyun.Month) *bench {
	b := &bench{service: s, tx: tx, month: month, end: month.End(), pools: map[string]minuteSet{}}
	if now := s.now().Truncate(time.Minute); now.Before(b.end) {
		b.end = now
	}
	return b
}

// period is the part of the month in which the resource was served.
func (b *bench) period(served Served) Span {
	p := Span{b.month.Start(), b.end}
	if served.Start.After(p.Start) {
		p.Start = served.Start
	}
	if !served.End.IsZero() && served.End.Before(p.End) {
		p.End = served.End
	}
	if p.End.Before(p.Start) {
		p.End = p.Start
	}
	return p
}

func (b *bench) availability(ctx context.Context, served Served) (duoyun.Availability, error) {
	a := duoyun.Availability{ContractID: served.ContractID, ResourceID: served.ResourceID, PoolID: served.PoolID, Month: b.month}
	all, err := b.evidence(ctx, served, false)
	if err != nil {
		return a, err
	}
	v := Evaluate(served.Clause, all)
	a.Total, a.Bad, a.Unknown, a.Percent, a.Met, a.Certified = v.Total, v.Bad, v.Unknown, v.Percent, v.Met, v.Certified
	if v.Met || !v.Certified {
		return a, nil
	}
	attributed, err := b.evidence(ctx, served, true)
	a.Credit = Evaluate(served.Clause, attributed).Credit
	return a, err
}

func (b *bench) credit(ctx context.Context, served Served, fee func(context.Context, string) (duoyun.Amount, error)) (duoyun.Credit, error) {
	c := duoyun.Credit{ContractID: served.ContractID, ResourceID: served.ResourceID, Month: b.month}
	if !served.applies() {
		return c, nil
	}
	e, err := b.evidence(ctx, served, true)
	if err != nil {
		return c, err
	}
	v := Evaluate(served.Clause, e)
	if v.Credit.IsZero() {
		return c, nil
	}
	cash, err := fee(ctx, served.ResourceID)
	if err != nil {
		return c, err
	}
	c.Fee, c.Percent, c.Amount = cash.HalfUp(), v.Credit, CreditOf(cash, v.Credit)
	c.Note = duoyun.Text{
		ZH: fmt.Sprintf("可用率 %s%%，低于承诺 %s%%：按当月费用 %s 元的 %s%% 扣减", v.Percent, served.Clause.Target, c.Fee, v.Credit),
		EN: fmt.Sprintf("availability %s %%, below the promised %s %%: %s %% off the month's fee of %s yuan", v.Percent, served.Clause.Target, v.Credit, c.Fee),
	}
	return c, nil
}

// evidence gathers outages, maintenance and unknown minutes. Outages are what probes and work orders found; attributed
// asks for those alone that a person gave to the supplier.
func (b *bench) evidence(ctx context.Context, served Served, attributed bool) (Evidence, error) {
	e := Evidence{Period: b.period(served)}
	incidents, err := b.service.store.Touching(ctx, b.tx, served.ResourceID, served.PoolID, b.month.Start(), b.month.End())
	if err != nil {
		return e, err
	}
	for _, i := range incidents {
		s := Span{i.Start, orElse(i.End, b.end)}
		planned := i.Source == "notice" || i.Attribution == "maintenance"
		if planned && i.State != duoyun.IncidentExcused {
			e.Maintenance = append(e.Maintenance, Window{s, i.Announced})
		}
		charged := i.State == duoyun.IncidentAttributed || i.State == duoyun.IncidentCredited
		if i.Source != "notice" && (charged || i.State == duoyun.IncidentOpen && !attributed) {
			e.Outages = append(e.Outages, s)
		}
	}
	known, err := b.known(ctx, served)
	e.Unknown = known.gaps(e.Period)
	return e, err
}

// known gives the minutes with a result from the resource's own targets or its pool's.
func (b *bench) known(ctx context.Context, served Served) (minuteSet, error) {
	pool, read := b.pools[served.PoolID]
	if !read {
		pool = newMinuteSet(b.month)
		if err := b.service.store.KnownMinutes(ctx, b.tx, "", served.PoolID, b.month.Start(), b.month.End(), pool.add); err != nil {
			return pool, err
		}
		b.pools[served.PoolID] = pool
	}
	if served.ResourceID == "" {
		return pool, nil
	}
	own := pool.clone()
	return own, b.service.store.KnownMinutes(ctx, b.tx, served.ResourceID, served.PoolID, b.month.Start(), b.month.End(), own.add)
}

// minuteSet is one bit a minute of a month.
type minuteSet struct {
	start time.Time
	bits  []uint64
	n     int
}

func newMinuteSet(m duoyun.Month) minuteSet {
	n := m.Days() * 24 * 60
	return minuteSet{m.Start(), make([]uint64, (n+63)/64), n}
}

func (s minuteSet) add(minute time.Time) {
	if i := int(minute.Sub(s.start) / time.Minute); i >= 0 && i < s.n {
		s.bits[i/64] |= 1 << (i % 64)
	}
}

func (s minuteSet) has(i int) bool { return s.bits[i/64]&(1<<(i%64)) != 0 }

func (s minuteSet) clone() minuteSet {
	s.bits = append([]uint64(nil), s.bits...)
	return s
}

// gaps gives the stretches of the period without a bit.
func (s minuteSet) gaps(period Span) []Span {
	var out []Span
	for i := range s.n {
		if s.has(i) {
			continue
		}
		at := s.start.Add(time.Duration(i) * time.Minute)
		if n := len(out); n > 0 && out[n-1].End.Equal(at) {
			out[n-1].End = at.Add(time.Minute)
			continue
		}
		out = append(out, Span{at, at.Add(time.Minute)})
	}
	return clip(out, period)
}
