package broker

import (
	"cmp"
	"slices"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
)

// purse is the money a document names, by budget year and item, drawn on unit by unit.
type purse struct {
	lines []duoyun.Funding
	left  []duoyun.Fen
}

func newPurse(lines []duoyun.Funding) *purse {
	p := &purse{lines: lines}
	for _, l := range lines {
		p.left = append(p.left, l.Limit)
	}
	return p
}

// spent takes what earlier placings of the order drew already.
func (p *purse) spent(money []UnitMoney) {
	for _, m := range money {
		if i := slices.IndexFunc(p.lines, func(l duoyun.Funding) bool { return l.Year == m.Year && l.Item == m.Item }); i >= 0 {
			p.left[i] -= m.Amount
		}
	}
}

// draw takes a year's amount from the first line of that year that has enough left, otherwise from the year's last
// line: what a year needs beyond the document is the budget's to refuse. A year without a line is charged to the item of
// the last line there is.
func (p *purse) draw(y duoyun.YearFen) (item string, intent bool) {
	last := -1
	for i, l := range p.lines {
		if l.Year != y.Year {
			continue
		}
		if last = i; p.left[i] >= y.Amount {
			break
		}
	}
	if last < 0 {
		if len(p.lines) == 0 {
			return "", false
		}
		return p.lines[len(p.lines)-1].Item, false
	}
	p.left[last] -= y.Amount
	return p.lines[last].Item, p.lines[last].Status == "intent"
}

// charges splits what one unit takes by budget item: nearly always one charge.
func (p *purse) charges(whole quota.Charge) []quota.Charge {
	var out []quota.Charge
	for _, y := range whole.Years {
		item, intent := p.draw(y)
		i := slices.IndexFunc(out, func(c quota.Charge) bool { return c.Item == item })
		if i < 0 {
			c := whole
			c.Item, c.Years, c.Intent = item, nil, map[int]bool{}
			if len(out) > 0 {
				c.PoolID, c.Quota = "", nil // taken once
			}
			out, i = append(out, c), len(out)
		}
		out[i].Years = append(out[i].Years, y)
		out[i].Intent[y.Year] = intent
	}
	if len(out) == 0 {
		return []quota.Charge{whole}
	}
	return out
}

// addYears sums amounts by fiscal year, in order.
func addYears(a, b []duoyun.YearFen) []duoyun.YearFen {
	sum := slices.Clone(a)
	for _, y := range b {
		if i := slices.IndexFunc(sum, func(x duoyun.YearFen) bool { return x.Year == y.Year }); i >= 0 {
			sum[i].Amount += y.Amount
		} else {
			sum = append(sum, y)
		}
	}
	slices.SortFunc(sum, func(x, y duoyun.YearFen) int { return cmp.Compare(x.Year, y.Year) })
	return sum
}

// minus gives a − b by fiscal year.
func minus(a, b []duoyun.YearFen) []duoyun.YearFen {
	negative := make([]duoyun.YearFen, len(b))
	for i, y := range b {
		negative[i] = duoyun.YearFen{Year: y.Year, Amount: -y.Amount}
	}
	return addYears(a, negative)
}

func totalOf(years []duoyun.YearFen) (sum duoyun.Fen) {
	for _, y := range years {
		sum += y.Amount
	}
	return sum
}
