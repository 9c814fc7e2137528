package billing

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
)

// maxAhead is how far ahead of the business clock an interval may begin or end (golden case G29).
const maxAhead = 5 * time.Minute

// Start opens one interval per price item of r's spec. Call it when a unit is delivered and again when it is confirmed:
// a unit that still waits for confirmation starts only where the contract charges from delivery, and a meter that runs
// already is left alone. A resource without a contract is not metered. An instant more than five minutes ahead of the
// business clock, or one before the meter's last interval ended, is refused.
func (s *Service) Start(ctx context.Context, tx *sql.Tx, r duoyun.Resource, at time.Time) error {
	if r.ContractID == "" || r.Spec == nil || len(r.Spec.Items()) == 0 {
		return nil
	}
	c, err := s.store.ContractTerms(ctx, tx, r.ContractID)
	if err != nil {
		return err
	}
	fromDelivery := c.Rules.BillingStart == "delivery"
	if r.State == duoyun.ResourceDelivered && !fromDelivery {
		return nil
	}
	if fromDelivery && !r.Delivered.IsZero() && r.Delivered.Before(at) {
		at = r.Delivered
	}
	open, err := s.metering(ctx, tx, r, at)
	if err != nil {
		return err
	}
	if len(open) > 0 {
		return nil
	}
	return s.open(ctx, tx, r, r.Spec.Items(), at)
}

// Change closes the intervals whose quantity or running state is no longer r's and opens them with r's present spec
// and state. A resource whose meters do not run yet is left alone: its start will take the spec it then has.
func (s *Service) Change(ctx context.Context, tx *sql.Tx, r duoyun.Resource, at time.Time) error {
	open, err := s.metering(ctx, tx, r, at)
	if err != nil || len(open) == 0 {
		return err
	}
	var fresh []duoyun.ItemQuantity
	wanted := map[duoyun.Item]int64{}
	for _, q := range r.Spec.Items() {
		wanted[q.Item] = q.Quantity
	}
	for _, u := range open {
		if q, keeps := wanted[u.Meter]; keeps && q == u.Quantity && u.Stopped == stopped(r) {
			delete(wanted, u.Meter)
			continue
		}
		if err := s.close(ctx, tx, u, at); err != nil {
			return err
		}
	}
	for _, q := range r.Spec.Items() {
		if _, missing := wanted[q.Item]; missing {
			fresh = append(fresh, q)
		}
	}
	return s.open(ctx, tx, r, fresh, at)
}

// Stop closes every open interval of r: only a proven deletion may call it.
func (s *Service) Stop(ctx context.Context, tx *sql.Tx, r duoyun.Resource, at time.Time) error {
	open, err := s.metering(ctx, tx, r, at)
	if err != nil {
		return err
	}
	for _, u := range open {
		if err := s.close(ctx, tx, u, at); err != nil {
			return err
		}
	}
	return nil
}

// metering locks the resource and returns its open intervals, after checking that at may be written.
func (s *Service) metering(ctx context.Context, tx *sql.Tx, r duoyun.Resource, at time.Time) ([]duoyun.UsageInterval, error) {
	if limit := s.now().Add(maxAhead); at.After(limit) {
		return nil, duoyun.Fail(duoyun.CodeInvalid, "at", "计量时间 %s 晚于当前时间 5 分钟以上", "metering at %s is more than 5 minutes in the future",
			at.In(duoyun.Civil).Format(time.DateTime))
	}
	return s.store.OpenUsage(ctx, tx, r.ID)
}

func (s *Service) open(ctx context.Context, tx *sql.Tx, r duoyun.Resource, items []duoyun.ItemQuantity, at time.Time) error {
	for _, q := range items {
		u := duoyun.UsageInterval{ID: duoyun.NewID(s.now()), ResourceID: r.ID, ContractID: r.ContractID, Meter: q.Item,
			Quantity: q.Quantity, Start: at, Stopped: stopped(r)}
		if err := s.store.InsertUsage(ctx, tx, u); err != nil {
			return err
		}
	}
	return nil
}

// close ends an interval; what began in the same microsecond, which is as fine as an instant is kept, metered nothing.
func (s *Service) close(ctx context.Context, tx *sql.Tx, u duoyun.UsageInterval, at time.Time) error {
	if at.Truncate(time.Microsecond).Equal(u.Start.Truncate(time.Microsecond)) {
		return s.store.DropUsage(ctx, tx, u.ID)
	}
	return s.store.CloseUsage(ctx, tx, u, at)
}

// stopped reports whether a server is off; the contract says whether it is charged then.
func stopped(r duoyun.Resource) bool {
	server, ok := r.Spec.(duoyun.ServerSpec)
	return r.State == duoyun.ResourceStopped || ok && server.Stopped
}

// Accrued gives what r has cost up to at, by fiscal year: the part of a commitment that a release keeps. Intervals still
// open are taken to end at at; each year is rounded once, half up. Amounts are as the contract's prices state them:
// tax-inclusive unless it says otherwise.
func (s *Service) Accrued(ctx context.Context, tx *sql.Tx, r duoyun.Resource, at time.Time) ([]duoyun.YearFen, error) {
	if r.ContractID == "" {
		return nil, nil
	}
	terms, err := s.terms(ctx, tx, r.ContractID)
	if err != nil {
		return nil, err
	}
	m, err := s.store.MeteredResource(ctx, tx, r.ContractID, r.ID, time.Time{}, at)
	if err != nil || len(m.Intervals) == 0 {
		return nil, err
	}
	years := map[int]duoyun.Amount{}
	for month := duoyun.MonthOf(m.first()); month.Start().Before(at); month = duoyun.MonthOf(month.End()) {
		lines, err := Rate(terms, m, month, at)
		if err != nil {
			return nil, err
		}
		for _, l := range lines {
			years[month.Year] = years[month.Year].Plus(l.Exact)
		}
	}
	var out []duoyun.YearFen
	for year, sum := range years {
		out = append(out, duoyun.YearFen{Year: year, Amount: sum.HalfUp()})
	}
	slices.SortFunc(out, func(a, b duoyun.YearFen) int { return cmp.Compare(a.Year, b.Year) })
	return out, nil
}

func (s *Service) terms(ctx context.Context, tx *sql.Tx, key string) (*Terms, error) {
	c, err := s.store.ContractTerms(ctx, tx, key)
	if err != nil {
		return nil, err
	}
	items, err := s.store.PriceItems(ctx, tx, c.ID)
	if err != nil {
		return nil, err
	}
	return NewTerms(c, items), nil
}

// Usage lists usage intervals of the resources in the actor's scope, newest first.
func (s *Service) Usage(ctx context.Context, actor duoyun.Actor, f UsageFilter, p duoyun.Page) (duoyun.Listing[duoyun.UsageInterval], error) {
	scope, err := s.readingOf(actor, f.Month)
	if err != nil {
		return duoyun.Listing[duoyun.UsageInterval]{}, err
	}
	return s.store.Usage(ctx, scope, f, p)
}
