package procurement

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
)

// Quote is what units cost with one offer over a term. Money is what will be paid, tax included; it is rounded once per
// line and year, half up, so that lines, years and total agree.
type Quote struct {
	Term    Term
	Monthly duoyun.Fen // at the prices of the term's first day
	Total   duoyun.Fen
	Years   []duoyun.YearFen // ascending; every year of the term
	Lines   []duoyun.LinePrice
	PerUnit map[string][]UnitPrice // by line, in the order of its units; they add up to the line
	Version string                 // hash of the price items used and their prices: the price version
}

// UnitPrice is one unit's part of its line.
type UnitPrice struct {
	Ordinal int
	Monthly duoyun.Fen
	Years   []duoyun.YearFen // as Quote.Years
}

// Total is the unit's price over the term.
func (u UnitPrice) Total() (sum duoyun.Fen) {
	for _, y := range u.Years {
		sum += y.Amount
	}
	return sum
}

// Price prices units with an offer over an order's period; at is now. Later prices that are known today count from their
// first day. CodeInvalid names the items that have no price, and since when.
func Price(o duoyun.Offer, units []duoyun.Unit, period duoyun.Period, at time.Time) (Quote, error) {
	return PriceTerm(o, units, TermOf(o, period, at))
}

// PriceTerm prices units over any range of days: the rest of a period, for a change.
func PriceTerm(o duoyun.Offer, units []duoyun.Unit, term Term) (Quote, error) {
	if !term.From.Before(term.Until) {
		return Quote{}, duoyun.Fail(duoyun.CodeInvalid, "period", "使用期限为空：%s 至 %s", "the term is empty: %s to %s", term.From, term.Until)
	}
	p := newPricer(o, term)
	lines, names := byLine(units)
	q := Quote{Term: term, PerUnit: make(map[string][]UnitPrice, len(lines)), Years: zeros(p.years)}
	for _, name := range names {
		p.line(&q, name, lines[name])
	}
	if err := p.missing(); err != nil {
		return Quote{}, err
	}
	q.Version = p.version()
	return q, nil
}

func byLine(units []duoyun.Unit) (lines map[string][]duoyun.Unit, names []string) {
	lines = map[string][]duoyun.Unit{}
	for _, u := range units {
		if _, seen := lines[u.Line]; !seen {
			names = append(names, u.Line)
		}
		lines[u.Line] = append(lines[u.Line], u)
	}
	return lines, names
}

func zeros(years []int) []duoyun.YearFen {
	out := make([]duoyun.YearFen, len(years))
	for i, y := range years {
		out[i].Year = y
	}
	return out
}

// line adds a line's units to the quote: exact sums over all of them, rounded once per year, then shared out.
func (p *pricer) line(q *Quote, name string, units []duoyun.Unit) {
	quantities, amount := map[duoyun.Item]int64{}, int64(0)
	for _, u := range units {
		amount += u.Quantity()
		for _, i := range u.Spec.Items() {
			quantities[i.Item] += i.Quantity
		}
	}
	sum := p.sum(quantities)
	shares := make([]UnitPrice, len(units))
	for i, u := range units {
		shares[i] = UnitPrice{Ordinal: u.Ordinal, Years: zeros(p.years)}
	}
	for y, amount := range sum.years {
		fen := amount.HalfUp()
		q.Years[y].Amount += fen
		q.Total += fen
		for i, part := range share(fen, len(units)) {
			shares[i].Years[y].Amount = part
		}
	}
	monthly := sum.monthly.HalfUp()
	for i, part := range share(monthly, len(units)) {
		shares[i].Monthly = part
	}
	q.Monthly += monthly
	q.PerUnit[name] = shares
	q.Lines = append(q.Lines, duoyun.LinePrice{Line: name, Units: amount, Monthly: monthly, Once: sum.once.HalfUp()})
}

// share spreads fen over the units of a line, the whole exactly. They are alike, so that each has the same part, and the
// fen that are left go to the first.
func share(fen duoyun.Fen, units int) []duoyun.Fen {
	out := make([]duoyun.Fen, units)
	for i := range out {
		out[i] = fen / duoyun.Fen(units)
		if duoyun.Fen(i) < fen%duoyun.Fen(units) {
			out[i]++
		}
	}
	return out
}

// version hashes the price items used, so that a signature covers the prices it was given for.
func (p *pricer) version() string {
	ids := make([]string, 0, len(p.used))
	for id, price := range p.used {
		ids = append(ids, id+" "+price)
	}
	slices.Sort(ids)
	h := sha256.New()
	for _, id := range ids {
		h.Write([]byte(id + "\n"))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
