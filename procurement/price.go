package procurement

import (
	"time"

	"github.com/duoyun/duoyun"
)

// Quote is what units cost with one offer over a term. Money is what will be paid, tax included; it is rounded once per
// line and year, half up, so that lines, years and total agree.
type Quote struct {
	Term    Term
	Monthly duoyun.Fen // of the first month
	Total   duoyun.Fen
	Years   []duoyun.YearFen // ascending; every year of the term
	Lines   []duoyun.LinePrice
	PerUnit map[string][]UnitPrice // by line, in the order of its units; they add up to the line
	Version string                 // hash of the price items used: the price version
}

// UnitPrice is one unit's part of its line.
type UnitPrice struct {
	Ordinal int
	Monthly duoyun.Fen
	Years   []duoyun.YearFen // as Quote.Years
}

// Term is a half-open range of civil days. Whole says that it is counted in whole months from its first day.
type Term struct {
	From, Until duoyun.Date
	Whole       bool
}

// Price prices units with an offer over an order's period; at is now. Open-ended periods are priced to the end of the
// budget year they begin in, or of the contract, whichever is first. CodeInvalid names the items that have no price, and
// since when.
func Price(o duoyun.Offer, units []duoyun.Unit, period duoyun.Period, at time.Time) (Quote, error) {
	return PriceTerm(o, units, TermOf(o, period, at))
}

// TermOf is the range of days an order's period holds money for.
func TermOf(o duoyun.Offer, period duoyun.Period, at time.Time) Term {
	panic("soon")
}

// PriceTerm prices units over any range of days: the rest of a period, for a change.
func PriceTerm(o duoyun.Offer, units []duoyun.Unit, term Term) (Quote, error) {
	panic("soon")
}
