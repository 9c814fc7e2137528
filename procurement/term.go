package procurement

import (
	"time"

	"github.com/duoyun/duoyun"
)

// Term is a half-open range of civil days. Whole says that it is counted in whole months from its first day.
type Term struct {
	From, Until duoyun.Date
	Whole       bool
}

// TermOf is the range of days an order's period holds money for. A period without a start begins today; an open-ended
// one reaches to the end of the budget year it begins in, or of the contract, whichever is first.
func TermOf(o duoyun.Offer, period duoyun.Period, at time.Time) Term {
	from := period.Start
	if from.IsZero() {
		from = duoyun.DateOf(at)
	}
	if period.Months > 0 {
		return Term{From: from, Until: from.AddMonths(period.Months), Whole: true}
	}
	until := duoyun.Date{Year: from.Year + 1, Month: time.January, Day: 1}
	if end := o.Contract.End; !end.IsZero() && end.Before(until) {
		until = end
	}
	return Term{From: from, Until: until}
}

// Years lists the fiscal years of the term (the calendar year, 预算法 art. 18), ascending.
func (t Term) Years() []int {
	var years []int
	for y := t.From.Year; y <= t.Until.AddDays(-1).Year; y++ {
		years = append(years, y)
	}
	return years
}

// piece is a part of the term within one fiscal year and one month, of which it is days ÷ month.
type piece struct {
	from  duoyun.Date
	days  int
	month int // days that make the whole month
}

// pieces cuts the term. Whole months count one each however many days they have; a month that straddles two years is
// split by the days of each civil month (December and January have 31 each, so that the parts make one). What is no
// whole month counts the days of each civil month, as a meter would.
func (t Term) pieces() []piece {
	if !t.Whole {
		return civilPieces(t.From, t.Until)
	}
	var out []piece
	for n := 0; ; n++ {
		from, until := t.From.AddMonths(n), t.From.AddMonths(n+1)
		switch {
		case !from.Before(t.Until):
			return out
		case t.Until.Before(until):
			return append(out, civilPieces(from, t.Until)...)
		case from.Year != until.AddDays(-1).Year:
			out = append(out, civilPieces(from, until)...)
		default:
			days := from.DaysUntil(until)
			out = append(out, piece{from: from, days: days, month: days})
		}
	}
}

func civilPieces(from, until duoyun.Date) []piece {
	var out []piece
	for from.Before(until) {
		next := duoyun.Date{Year: from.Year, Month: from.Month, Day: 1}.AddMonths(1)
		if until.Before(next) {
			next = until
		}
		out = append(out, piece{from: from, days: from.DaysUntil(next), month: duoyun.DaysIn(from.Year, from.Month)})
		from = next
	}
	return out
}
