package procurement

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
)

// cost is what one unit of an item, or a set of items, comes to over the term: exact.
type cost struct {
	years   []duoyun.Amount // as pricer.years
	monthly duoyun.Amount
	once    duoyun.Amount
}

// pricer prices items over one term with one offer. Each item is priced once for one unit; lines multiply.
type pricer struct {
	offer  duoyun.Offer
	term   Term
	years  []int
	pieces []piece
	items  map[duoyun.Item]cost
	used   map[string]string // price item id → price
	gaps   []gap
}

// gap is an item without a price from a day on.
type gap struct {
	item duoyun.Item
	name string
	from duoyun.Date
}

func newPricer(o duoyun.Offer, term Term) *pricer {
	return &pricer{offer: o, term: term, years: term.Years(), pieces: term.pieces(), items: map[duoyun.Item]cost{}, used: map[string]string{}}
}

// sum is the cost of quantities of items.
func (p *pricer) sum(quantities map[duoyun.Item]int64) cost {
	out := cost{years: make([]duoyun.Amount, len(p.years))}
	for item, n := range quantities {
		c := p.item(item)
		for y := range out.years {
			out.years[y] = out.years[y].Plus(c.years[y].Times(n))
		}
		out.monthly = out.monthly.Plus(c.monthly.Times(n))
		out.once = out.once.Plus(c.once.Times(n))
	}
	return out
}

func (p *pricer) item(item duoyun.Item) cost {
	if c, known := p.items[item]; known {
		return c
	}
	c := p.price(item)
	p.items[item] = c
	return c
}

// price walks the term with the item's prices, each piece split where a price ends.
func (p *pricer) price(item duoyun.Item) cost {
	c := cost{years: make([]duoyun.Amount, len(p.years))}
	first, ok := p.at(item, p.term.From)
	if !ok {
		return c
	}
	switch first.Per {
	case "once":
		c.once = p.gross(first.Price.Amount())
		c.years[0] = c.once
		return c
	case "hour":
		c.monthly = p.gross(first.Price.Times(24 * int64(duoyun.DaysIn(p.term.From.Year, p.term.From.Month))))
	default:
		c.monthly = p.gross(first.Price.Amount())
	}
	for _, x := range p.pieces {
		for x.days > 0 {
			price, ok := p.at(item, x.from)
			if !ok {
				return c
			}
			days := min(x.days, daysLeft(price, x.from))
			y := x.from.Year - p.term.From.Year
			c.years[y] = c.years[y].Plus(p.gross(amountOf(price, days, x.month)))
			x.from, x.days = x.from.AddDays(days), x.days-days
		}
	}
	return c
}

func amountOf(i duoyun.PriceItem, days, month int) duoyun.Amount {
	if i.Per == "hour" {
		return i.Price.Times(24 * int64(days))
	}
	return i.Price.Amount().Share(int64(days), int64(month))
}

// daysLeft is for how many days from a day on a price holds, that day included: prices end at civil midnight.
func daysLeft(i duoyun.PriceItem, from duoyun.Date) int {
	const ever = 1 << 20
	if i.Until.IsZero() {
		return ever
	}
	return max(1, from.DaysUntil(duoyun.DateOf(i.Until)))
}

// gross is what is paid: prices of a contract that are net of tax take it on top.
func (p *pricer) gross(a duoyun.Amount) duoyun.Amount {
	rules := p.offer.Contract.Rules
	if !rules.TaxExclusive {
		return a
	}
	return a.Plus(a.Scaled(rules.TaxPercent.Amount(), duoyun.Fen(100_00).Amount()))
}

// at finds the price of an item on a day and remembers that it was used, or that there is none.
func (p *pricer) at(item duoyun.Item, day duoyun.Date) (duoyun.PriceItem, bool) {
	i, ok := p.offer.PriceAt(item, day.Time())
	if !ok {
		p.gaps = append(p.gaps, gap{item: item, name: p.name(item), from: day})
		return i, false
	}
	p.used[i.ID] = i.Price.String()
	return i, true
}

// name is what the contract calls an item, if it ever had a price.
func (p *pricer) name(item duoyun.Item) string {
	k := slices.IndexFunc(p.offer.Items, func(i duoyun.PriceItem) bool { return i.Item == item })
	if k < 0 {
		return string(item)
	}
	return p.offer.Items[k].Name
}

// missing names the items that have no price for the whole term.
func (p *pricer) missing() error {
	if len(p.gaps) == 0 {
		return nil
	}
	slices.SortFunc(p.gaps, func(a, b gap) int { return strings.Compare(string(a.item), string(b.item)) })
	var f duoyun.Faults
	var zh, en []string
	for _, g := range p.gaps {
		day := g.from.Time().Format(time.DateOnly)
		zh = append(zh, fmt.Sprintf("%s（%s 起）", g.name, day))
		en = append(en, fmt.Sprintf("%s (from %s)", g.item, day))
		f.Add("items."+string(g.item), day, "合同 "+p.offer.Contract.Number+" 自该日起没有此计价项的价格", "contract "+p.offer.Contract.Number+" has no price of the item from that day on")
	}
	return &duoyun.Error{Code: duoyun.CodeInvalid, Field: f[0].Path, Faults: f, Message: duoyun.Text{
		ZH: "合同 " + p.offer.Contract.Number + " 没有价格：" + strings.Join(zh, "、"),
		EN: "contract " + p.offer.Contract.Number + " has no price for " + strings.Join(en, ", ")}}
}
