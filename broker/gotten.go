package broker

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
)

// gotten is how far an open order has got: the units it has or is getting, and what they hold.
type gotten struct {
	all      []duoyun.Unit // of the order, parents before children
	units    map[unitKey]duoyun.Resource
	back     map[unitKey]bool // delivered and given back since: nobody misses them
	money    []UnitMoney
	failures []Failure
}

// gottenOf reads it; an order that was never placed costs one look.
func (s *Service) gottenOf(ctx context.Context, tx *sql.Tx, o duoyun.Order) (g gotten, err error) {
	if g.all, err = o.Requested.Units(o.Approved); err != nil {
		return g, err
	}
	rs, err := s.store.OrderResources(ctx, tx, o.ID)
	if err != nil || len(rs) == 0 {
		return g, err
	}
	g.units, g.back = map[unitKey]duoyun.Resource{}, map[unitKey]bool{}
	for _, r := range rs {
		switch {
		case !among(r.State, duoyun.ResourceFailed, duoyun.ResourceCancelled, duoyun.ResourceTerminated):
			g.units[unitKey{r.Line, r.Ordinal}] = r
		case !r.Delivered.IsZero():
			g.back[unitKey{r.Line, r.Ordinal}] = true
		}
	}
	if g.money, err = s.store.UnitMoney(ctx, tx, o.ID); err != nil {
		return g, err
	}
	g.failures, err = s.store.Failures(ctx, tx, o.ID)
	return g, err
}

// lacks reports whether a unit is still to be bought.
func (g gotten) lacks(u duoyun.Unit) bool {
	_, got := g.units[keyOf(u)]
	return !got && !g.back[keyOf(u)]
}

// missing lists what is still to be bought.
func (g gotten) missing() (units []duoyun.Unit) {
	for _, u := range g.all {
		if g.lacks(u) {
			units = append(units, u)
		}
	}
	return units
}

// unchosen names the missing units that no choice is about.
func (g gotten) unchosen(chosen []duoyun.Choice) (names []string) {
	for _, u := range g.missing() {
		if !slices.ContainsFunc(chosen, func(c duoyun.Choice) bool { return c.Covers(u) }) {
			names = append(names, u.Name())
		}
	}
	return names
}

// covered are the units a choice is about.
func covered(c duoyun.Choice, all []duoyun.Unit) (units []duoyun.Unit) {
	for _, u := range all {
		if c.Covers(u) {
			units = append(units, u)
		}
	}
	return units
}

// tell adds to the inputs of a recommendation what the order has got and what failed of the rest.
func (g gotten) tell(in *inputs) {
	for key := range g.back {
		in.Bought = with(in.Bought, key.String(), "")
	}
	for key, r := range g.units {
		in.Bought = with(in.Bought, key.String(), r.PoolID)
		if in.Requested.Requires.SameSupplier {
			in.Supplier = r.SupplierID
		}
	}
	for _, f := range g.failures {
		if _, got := in.Bought[f.Unit]; got {
			continue
		}
		same := func(x Failure) bool { return x.Unit == f.Unit && x.PoolID == f.PoolID }
		in.Failures = append(slices.DeleteFunc(in.Failures, same), f)
	}
}

func with(m map[string]string, key, value string) map[string]string {
	if m == nil {
		m = map[string]string{}
	}
	m[key] = value
	return m
}

// standing is what stands of the choices: each for the units that were bought by it, at what these hold, so that the
// amounts signed are those committed, to the fen.
func (g gotten) standing(chosen []duoyun.Choice) (stand []duoyun.Choice) {
	for _, c := range chosen {
		var bought []duoyun.Unit
		units := covered(c, g.all)
		for _, u := range units {
			if _, got := g.units[keyOf(u)]; got {
				bought = append(bought, u)
			}
		}
		if len(bought) == 0 {
			continue
		}
		if len(bought) < len(units) {
			c.Lines, c.Units = []string{}, namesOf(bought)
		}
		c.Candidate = g.priced(c.Candidate, units, bought)
		stand = append(stand, c)
	}
	return stand
}

func namesOf(units []duoyun.Unit) []string {
	names := make([]string, len(units))
	for i, u := range units {
		names[i] = u.Name()
	}
	return names
}

// priced is a candidate for some of its units, at what these hold; the price version stays the one that was signed.
func (g gotten) priced(c duoyun.Candidate, of, bought []duoyun.Unit) duoyun.Candidate {
	c.Monthly, c.Years = 0, nil
	ids, monthly, lines := map[string]bool{}, map[string]duoyun.Fen{}, map[string]int64{}
	for _, u := range bought {
		r := g.units[keyOf(u)]
		ids[r.ID] = true
		c.Monthly += r.Monthly
		monthly[u.Line] += r.Monthly
		lines[u.Line]++
	}
	for _, m := range g.money {
		if ids[m.ResourceID] {
			c.Years = addYears(c.Years, []duoyun.YearFen{m.YearFen})
		}
	}
	c.Total = totalOf(c.Years)
	c.Lines = partOf(c.Lines, of, lines, monthly)
	return c
}

// partOf gives the prices of the lines for the units that were bought of each.
func partOf(whole []duoyun.LinePrice, of []duoyun.Unit, bought map[string]int64, monthly map[string]duoyun.Fen) (part []duoyun.LinePrice) {
	for _, l := range whole {
		var n int64
		for _, u := range of {
			if u.Line == l.Line {
				n++
			}
		}
		k := bought[l.Line]
		switch {
		case k == 0:
			continue
		case k < n:
			l.Units, l.Once = k, l.Once*duoyun.Fen(k)/duoyun.Fen(n)
		}
		l.Monthly = monthly[l.Line]
		part = append(part, l)
	}
	return part
}

// lot is what goes to one pool: whole lines, or the units of lines that are missing.
type lot struct {
	lines []string
	names []string // of the units, where these are not all of the lines
	units []duoyun.Unit
}

// lots groups what is missing: the lines that references join, cut away ones left out. Where some units of such lines
// were bought, what is missing of them stays together, but for units that hang on, or are hung on by, bought ones: those
// are tied to these units' pool and leave the others free.
func (in inputs) lots(all []duoyun.Unit) (lots []lot) {
	for _, lines := range in.Requested.Components() {
		var units, missing []duoyun.Unit
		for _, u := range all {
			if !slices.Contains(lines, u.Line) {
				continue
			}
			units = append(units, u)
			if _, got := in.Bought[u.Name()]; !got {
				missing = append(missing, u)
			}
		}
		switch len(missing) {
		case 0:
		case len(units):
			lots = append(lots, lot{lines: lines, units: units})
		default:
			lots = append(lots, in.byPins(missing, all)...)
		}
	}
	return lots
}

// byPins groups units by the pools that what they hang together with is tied to.
func (in inputs) byPins(units, all []duoyun.Unit) (lots []lot) {
	at := map[string]int{}
	for _, group := range tied(units) {
		pins := demandOf(in, group, all).pins
		slices.Sort(pins)
		key := strings.Join(pins, " ")
		i, seen := at[key]
		if !seen {
			i, at[key] = len(lots), len(lots)
			lots = append(lots, lot{lines: []string{}})
		}
		lots[i].units, lots[i].names = append(lots[i].units, group...), append(lots[i].names, namesOf(group)...)
	}
	return lots
}

// tied groups units, parents before children, that hang together.
func tied(units []duoyun.Unit) [][]duoyun.Unit {
	at := map[unitKey]int{}
	groups := make([][]duoyun.Unit, len(units))
	for i, u := range units {
		into := i
		groups[i], at[keyOf(u)] = []duoyun.Unit{u}, i
		for _, p := range u.Parents {
			j, here := at[unitKey{p.Line, p.Ordinal}]
			if !here || j == into {
				continue
			}
			from, to := max(into, j), min(into, j)
			for _, x := range groups[from] {
				at[keyOf(x)] = to
			}
			groups[to], groups[from] = append(groups[to], groups[from]...), nil
			into = to
		}
	}
	return slices.DeleteFunc(groups, func(g []duoyun.Unit) bool { return g == nil })
}

// failedAt tells what could not be had of a pool, each reason once.
func (d demand) failedAt(poolID string) (why []duoyun.Text) {
	var reasons []string
	units := map[string][]string{}
	for _, f := range d.failures {
		if f.PoolID != poolID {
			continue
		}
		if units[f.Reason] == nil {
			reasons = append(reasons, f.Reason)
		}
		units[f.Reason] = append(units[f.Reason], f.Unit)
	}
	for _, r := range reasons {
		why = append(why, because("此前未能开通 %s：%s", "could not deliver %s before: %s", strings.Join(units[r], "、"), r))
	}
	return why
}
