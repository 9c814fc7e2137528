package simcloud

import (
	"cmp"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
)

// yuan is the currency of every price.
const yuan = "CNY"

// defaultCredit is what every account may spend in all, in yuan.
const defaultCredit = 1_000_000

// SetCredit lets an account spend so much in all, in yuan; it is the process's own, as prices are.
func (c *Cloud) SetCredit(o Owner, credit duoyun.Amount) {
	c.locked(func() { c.credit = merged(c.credit, map[Owner]duoyun.Amount{o: credit}) })
}

// Balance is what an account may still spend: its credit less what it has been charged until now.
func (c *Cloud) Balance(o Owner) (b duoyun.Balance) {
	c.locked(func() {
		left, ok := c.credit[o]
		if !ok {
			left = whole(defaultCredit)
		}
		for _, l := range c.charges(o, time.Time{}, c.time()) {
			left = left.Minus(l.Payable)
		}
		b = duoyun.Balance{Available: left, Currency: yuan}
	})
	return b
}

// Bill lists what an account was charged in a month, so far where the month is not over: on demand, a line for each meter
// and stretch at one quantity (its quantity in unit-hours, charged by the second, running or stopped); for a term that was
// bought in the month, a line for each meter (in unit-months). The end of a term that was given back early is not
// refunded. Amounts have at most 12 decimals. Lines are ordered by start, resource and meter; times are UTC.
func (c *Cloud) Bill(o Owner, m duoyun.Month) (lines []duoyun.BillLine) {
	c.locked(func() { lines = c.charges(o, m.Start(), m.End()) })
	return lines
}

func (c *Cloud) charges(o Owner, from, until time.Time) []duoyun.BillLine {
	var lines []duoyun.BillLine
	runs, _ := c.runs.list(Query{Owner: o, Own: true}, func(r *Run) bool { return !r.Paid }, c.time()) // fails on markers alone
	for _, r := range runs {
		for _, s := range r.rated() {
			if s.Until.IsZero() {
				s.Until = c.time()
			}
			s.From, s.Until = latest(s.From, from), earliest(s.Until, until)
			if s.Until.After(s.From) {
				lines = append(lines, c.hours(r, s)...)
			}
		}
	}
	sales, _ := c.sales.list(Query{Owner: o, Own: true}, nil, c.time()) // as above
	for _, s := range sales {
		if !s.Created.Before(from) && s.Created.Before(until) {
			lines = append(lines, s.months()...)
		}
	}
	slices.SortStableFunc(lines, func(a, b duoyun.BillLine) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(a.VendorID, b.VendorID), cmp.Compare(a.Meter, b.Meter))
	})
	return lines
}

// rated joins the stretches that cost the same: being stopped changes no price.
func (r *Run) rated() []Stretch {
	var out []Stretch
	for _, s := range r.Stretches {
		if n := len(out) - 1; n >= 0 && slices.Equal(out[n].Uses, s.Uses) {
			out[n].Until = s.Until
			continue
		}
		out = append(out, s)
	}
	return out
}

func (c *Cloud) hours(r *Run, s Stretch) []duoyun.BillLine {
	var lines []duoyun.BillLine
	for _, u := range s.Uses {
		quantity := whole(u.Quantity).Share(int64(s.Until.Sub(s.From)), int64(time.Hour))
		l := charge(r.ResourceID, r.Of, u, c.rate(u).Hour, quantity, "hour")
		l.Start, l.End = s.From.UTC(), s.Until.UTC()
		lines = append(lines, l)
	}
	return lines
}

func (s *Sale) months() []duoyun.BillLine {
	var lines []duoyun.BillLine
	for _, x := range s.Sold {
		l := charge(s.ResourceID, s.Of, x.Use, x.Price, whole(x.Quantity).Times(int64(s.Months)), "month")
		l.Start, l.End = s.From.UTC(), s.Until.UTC()
		lines = append(lines, l)
	}
	return lines
}

func charge(id string, of Kind, u Use, price duoyun.Price, quantity duoyun.Amount, unit string) duoyun.BillLine {
	sum := decimal(quantity.Scaled(price.Amount(), whole(1)))
	return duoyun.BillLine{VendorID: id, Product: string(of), Meter: string(u.Meter), Quantity: decimal(quantity), Unit: unit,
		Price: price.Amount(), List: sum, Payable: sum, Currency: yuan}
}

func whole(n int64) duoyun.Amount { return duoyun.Fen(n).Amount().Times(100) }

// decimal rounds an amount to the 12 decimals a bill can print.
func decimal(a duoyun.Amount) duoyun.Amount {
	rounded, err := duoyun.ParseAmount(a.String())
	if err != nil {
		panic(err) // String writes a decimal
	}
	return rounded
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
