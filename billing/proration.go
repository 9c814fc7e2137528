package billing

import (
	"strconv"
	"time"

	"github.com/duoyun/duoyun"
)

// fraction is the charged part of a price's period; its numerator is summed and divided once.
type fraction struct{ num, den int64 }

// of makes the fraction that s is of a period, in microseconds: the resolution of our times.
func (s span) of(period time.Duration) fraction {
	return fraction{s.end.Sub(s.start).Microseconds(), period.Microseconds()}
}

func (f fraction) plus(o fraction) fraction {
	if f.den == o.den {
		return fraction{f.num + o.num, f.den}
	}
	gcd := f.den
	for rest := o.den; rest != 0; {
		gcd, rest = rest, gcd%rest
	}
	return fraction{f.num*(o.den/gcd) + o.num*(f.den/gcd), f.den / gcd * o.den}
}

func (f fraction) of(a duoyun.Amount) duoyun.Amount { return a.Share(f.num, f.den) }

// String writes the part as people check it: 20/31, or seconds 1200/3600; a whole period is 1.
func (f fraction) String() string {
	if f.num == f.den {
		return "1"
	}
	if f.num%1e6 == 0 && f.den%1e6 == 0 {
		f.num, f.den = f.num/1e6, f.den/1e6
	}
	return strconv.FormatInt(f.num, 10) + "/" + strconv.FormatInt(f.den, 10)
}

// dayUse is what one civil day of the month is charged by: quantity and price in force at its last charged instant.
type dayUse struct {
	counted  bool
	quantity int64
	price    *duoyun.PriceItem
}

const daySpan = 24 * time.Hour // Asia/Shanghai has no daylight saving

// days lays the pieces on the civil days of the month. The day of a start counts; the day of a stop only where the
// contract says so; on the day of a resize the later quantity holds.
func (r *rating) days(parts []piece) ([]dayUse, error) {
	days := make([]dayUse, r.month.Days())
	for _, p := range parts {
		first, after := r.day(p.start), r.day(p.end)
		if p.ends && r.terms.Contract.Rules.CountStopDay {
			after = r.day(p.end.Add(-time.Microsecond)) + 1
		}
		for d := first; d < after; d++ {
			last := earlier(p.end, r.dayStart(d+1)).Add(-time.Microsecond)
			price, err := r.terms.price(r.item, last)
			if err != nil {
				return nil, err
			}
			days[d] = dayUse{price.Per == "month", p.quantity, price}
		}
	}
	return days, nil
}

func (r *rating) day(t time.Time) int            { return int(t.Sub(r.month.Start()) / daySpan) }
func (r *rating) dayStart(d int) time.Time       { return r.month.Start().Add(time.Duration(d) * daySpan) }
func (r *rating) daysSpan(first, after int) span { return span{r.dayStart(first), r.dayStart(after)} }

func counted(days []dayUse) (n int) {
	for _, d := range days {
		if d.counted {
			n++
		}
	}
	return n
}

// prorate charges monthly prices under the contract's proration rule (practice.md, 15):
//
//   - by_day_actual: counted days ÷ days of the month;
//   - by_day_30: counted days ÷ 30; a full month is one month, or its days ÷ 30 where the contract says full_month: days;
//   - half_month: each half (1st–15th, 16th–end) with a counted day is half a month, at the quantity it ends with;
//   - whole_month: a month with a counted day is charged whole, at the quantity it ends with;
//   - next_month: a month is charged whole when the meter ran at its first instant, at the quantity it then had.
//
// Where a price changes within a half or a month, the charge is divided by the days counted under each price.
func (r *rating) prorate(parts []piece) error {
	days, err := r.days(parts)
	if err != nil {
		return err
	}
	rules := r.terms.Contract.Rules
	switch rules.Proration {
	case duoyun.ProrateByDay, "":
		r.byDay(days, len(days))
	case duoyun.ProrateByDay30:
		if counted(days) == len(days) && rules.FullMonth != "days" {
			r.byDay(days, len(days))
		} else {
			r.byDay(days, 30)
		}
	case duoyun.ProrateHalfMonth:
		r.block(days, 0, 15, 2, lastQuantity(days[:15]))
		r.block(days, 15, len(days), 2, lastQuantity(days[15:]))
	case duoyun.ProrateWholeMonth:
		r.block(days, 0, len(days), 1, lastQuantity(days))
	case duoyun.ProrateNextMonth:
		if days[0].counted && parts[0].start.Equal(r.month.Start()) {
			r.block(days, 0, len(days), 1, parts[0].quantity)
		}
	default:
		return duoyun.Fail(duoyun.CodeInvalid, "rules.proration", "未知的计费折算规则 %q", "unknown proration rule %q", string(rules.Proration))
	}
	return nil
}

func (r *rating) byDay(days []dayUse, den int) {
	for d, use := range days {
		if use.counted {
			r.add(use.price, use.quantity, fraction{1, int64(den)}, r.daysSpan(d, d+1))
		}
	}
}

// block charges 1/parts of a month for the days [first, after) when any of them counts.
func (r *rating) block(days []dayUse, first, after, parts int, quantity int64) {
	n := counted(days[first:after])
	for d := first; d < after; d++ {
		if days[d].counted {
			r.add(days[d].price, quantity, fraction{1, int64(parts * n)}, r.daysSpan(d, d+1))
		}
	}
}

func lastQuantity(days []dayUse) (q int64) {
	for _, d := range days {
		if d.counted {
			q = d.quantity
		}
	}
	return q
}
