package billing

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
)

// Terms are the price items and money clauses of one contract, ready for rating. They are safe for concurrent use.
type Terms struct {
	Contract duoyun.Contract
	items    map[duoyun.Item][]duoyun.PriceItem // latest validity first
}

// NewTerms indexes a contract's price items. Where two are valid at once, the one valid from later holds.
func NewTerms(c duoyun.Contract, items []duoyun.PriceItem) *Terms {
	t := &Terms{Contract: c, items: map[duoyun.Item][]duoyun.PriceItem{}}
	for _, p := range items {
		t.items[p.Item] = append(t.items[p.Item], p)
	}
	for _, ps := range t.items {
		slices.SortFunc(ps, func(a, b duoyun.PriceItem) int { return cmp.Or(b.From.Compare(a.From), cmp.Compare(a.ID, b.ID)) })
	}
	return t
}

func (t *Terms) price(item duoyun.Item, at time.Time) (*duoyun.PriceItem, error) {
	prices := t.items[item]
	for i := range prices {
		if prices[i].ValidAt(at) {
			return &prices[i], nil
		}
	}
	return nil, duoyun.Fail(duoyun.CodeConflict, "price", "合同 %s 的计价项 %s 在 %s 没有单价",
		"contract %s has no price of %s at %s", t.Contract.Number, item, at.In(duoyun.Civil).Format(time.DateTime))
}

// next returns the first instant after at, and not after end, at which the item's price may change.
func (t *Terms) next(item duoyun.Item, at, end time.Time) time.Time {
	prices := t.items[item]
	for i := range prices {
		for _, edge := range [2]time.Time{prices[i].From, prices[i].Until} {
			if edge.After(at) && edge.Before(end) {
				end = edge
			}
		}
	}
	return end
}

// once reports whether the item is paid once, not by time.
func (t *Terms) once(item duoyun.Item) bool {
	return len(t.items[item]) > 0 && !slices.ContainsFunc(t.items[item], func(p duoyun.PriceItem) bool { return p.Per != "once" })
}

// Line is a rated line before rounding, with what the list price would have made.
type Line struct {
	duoyun.StatementLine
	List duoyun.Amount
}

// Rate turns one resource's intervals into exact lines for one civil month: one line per price item, price and
// quantity, in a fixed order, so that the same inputs give the same lines. Intervals are half-open and UTC, the month
// is cut in Asia/Shanghai. Open intervals are taken to end at until, or at the month's end where until is zero or later.
// It reads nothing else and keeps nothing: any number may run at once. Amounts are not rounded; Settle does that.
//
// Prices per hour are charged by exact time under every rule. Prices per month follow the contract's proration. A price
// per once is charged in the month the meter first began.
func Rate(t *Terms, m Metered, month duoyun.Month, until time.Time) ([]Line, error) {
	window := span{month.Start(), month.End()}
	if !until.IsZero() {
		window.end = earlier(window.end, until)
	}
	meters, err := m.meters()
	if err != nil {
		return nil, err
	}
	var out []Line
	for _, intervals := range meters {
		r := rating{terms: t, month: month, item: intervals[0].Meter}
		if t.once(r.item) {
			err = r.chargeOnce(m.Begun, intervals[0], window)
		} else {
			err = r.charge(pieces(t.Contract.Rules, m.Begun, intervals, window))
		}
		if err != nil {
			return nil, err
		}
		out = append(out, r.lines(m)...)
	}
	return out, nil
}

// rating sums one meter's numerators per price and quantity; each sum is divided once, by its denominator.
type rating struct {
	terms *Terms
	month duoyun.Month
	item  duoyun.Item
	sums  []sum
}

type sum struct {
	price    *duoyun.PriceItem
	quantity int64
	share    fraction
	span
}

func (r *rating) add(p *duoyun.PriceItem, quantity int64, part fraction, s span) {
	i := slices.IndexFunc(r.sums, func(o sum) bool { return o.price == p && o.quantity == quantity })
	if i < 0 {
		r.sums = append(r.sums, sum{p, quantity, part, s})
		return
	}
	r.sums[i].share = r.sums[i].share.plus(part)
	r.sums[i].span = span{earlier(r.sums[i].start, s.start), later(r.sums[i].end, s.end)}
}

func (r *rating) chargeOnce(begun time.Time, first duoyun.UsageInterval, window span) error {
	if !first.Start.Equal(begun) || first.Start.Before(window.start) || !first.Start.Before(window.end) {
		return nil
	}
	p, err := r.terms.price(r.item, first.Start)
	if err == nil {
		r.add(p, first.Quantity, fraction{1, 1}, span{first.Start, first.Start.Add(time.Microsecond)})
	}
	return err
}

func (r *rating) charge(parts []piece) error {
	exact := r.terms.Contract.Rules.Proration == duoyun.ProrateSecond
	monthly := false
	for _, part := range parts {
		for at := part.start; at.Before(part.end); {
			p, err := r.terms.price(r.item, at)
			if err != nil {
				return err
			}
			s := span{at, r.terms.next(r.item, at, part.end)}
			switch {
			case p.Per == "hour":
				r.add(p, part.quantity, s.of(time.Hour), s)
			case p.Per == "month" && exact:
				r.add(p, part.quantity, s.of(r.month.End().Sub(r.month.Start())), s)
			case p.Per == "month":
				monthly = true
			}
			at = s.end
		}
	}
	if !monthly {
		return nil
	}
	return r.prorate(parts)
}

func (r *rating) lines(m Metered) []Line {
	slices.SortFunc(r.sums, func(a, b sum) int {
		return cmp.Or(a.price.From.Compare(b.price.From), cmp.Compare(a.price.ID, b.price.ID), cmp.Compare(a.quantity, b.quantity))
	})
	out := make([]Line, 0, len(r.sums))
	for _, s := range r.sums {
		charge := "usage"
		if s.price.Per == "once" {
			charge = "once"
		}
		list := s.price.ListPrice
		if list.IsZero() {
			list = s.price.Price
		}
		out = append(out, Line{List: s.share.of(list.Times(s.quantity)), StatementLine: duoyun.StatementLine{
			Charge: charge, ResourceID: m.ResourceID, AgencyID: m.AgencyID, PayerID: m.PayerID, SystemID: m.SystemID,
			Group: m.AgencyID + "/" + m.PayerID, Item: r.item,
			PriceID: s.price.ID, Price: s.price.Price, Per: s.price.Per, Quantity: s.quantity,
			Start: s.start.UTC(), End: s.end.UTC(), Share: s.share.String(), Exact: s.share.of(s.price.Price.Times(s.quantity)),
			Note: r.note(s)}})
	}
	return out
}

func (r *rating) note(s sum) duoyun.Text {
	per := map[string][2]string{"month": {"月", "month"}, "hour": {"小时", "hour"}, "once": {"次", "once"}}[s.price.Per]
	name := s.price.Name
	if name == "" {
		name = string(r.item)
	}
	return duoyun.Text{
		ZH: fmt.Sprintf("%s：%d %s × %s 元/%s × %s", name, s.quantity, s.price.Unit, s.price.Price, per[0], s.share),
		EN: fmt.Sprintf("%s: %d × %s yuan per %s × %s", r.item, s.quantity, s.price.Price, per[1], s.share),
	}
}
