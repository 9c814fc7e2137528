package sla

import (
	"math/big"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
)

// Span is a half-open stretch of time.
type Span struct{ Start, End time.Time }

// Window is planned maintenance and when it was announced; zero: it was not.
type Window struct {
	Span
	Announced time.Time
}

// Evidence is what a clause is executed on.
type Evidence struct {
	Period      Span   // the service time that is judged: a month, or the part of it that was served
	Outages     []Span // whole, though they reach beyond the period; they may overlap
	Maintenance []Window
	Unknown     []Span // times without a result; they may overlap
}

// Verdict is what a clause makes of the evidence.
type Verdict struct {
	Total     int64  // minutes known
	Bad       int64  // minutes, after exclusions, to the nearest
	Unknown   int64  // minutes in neither numerator nor denominator
	Percent   string // availability with six decimals; "" when nothing is known
	Met       bool
	Certified bool         // no more than 5 % of the period is unknown
	Credit    duoyun.Price // per cent of the fee; nought when met or not certified
}

// unknownLimit is the share of unknown time, 1 in 20, beyond which a month cannot be certified.
const unknownLimit = 20

// Evaluate executes a clause (golden/sla.md). In this order: maintenance announced in time is taken out, overlaps are
// merged, outages shorter than the clause's minimum are dropped, the rest is rounded up to whole minutes if the clause
// says so, then cut to the period, and unknown time is taken out. Availability = 1 − bad ÷ known.
func Evaluate(c duoyun.SLAClause, e Evidence) Verdict {
	unknown := merge(clip(e.Unknown, e.Period))
	bad := subtract(clip(counted(c, e), e.Period), unknown)
	period, missing := e.Period.End.Sub(e.Period.Start), length(unknown)
	known := period - missing
	v := Verdict{Total: minutes(known), Bad: minutes(length(bad)), Unknown: minutes(missing)}
	if known <= 0 {
		return v
	}
	v.Certified = missing*unknownLimit <= period
	available := new(big.Rat).SetFrac64(100*int64((known-length(bad)).Microseconds()), known.Microseconds())
	v.Percent = available.FloatString(6)
	v.Met = available.Cmp(rat(c.Target)) >= 0
	if !v.Met && v.Certified {
		v.Credit = creditPercent(c, available)
	}
	return v
}

// counted gives the outages the clause counts, merged.
func counted(c duoyun.SLAClause, e Evidence) []Span {
	var excluded []Span
	for _, w := range e.Maintenance {
		if InTime(c, w.Announced, w.Start) {
			excluded = append(excluded, w.Span)
		}
	}
	out := subtract(merge(e.Outages), merge(excluded))
	out = slices.DeleteFunc(out, func(s Span) bool { return s.End.Sub(s.Start) < time.Duration(c.MinOutage)*time.Minute })
	if c.RoundUp {
		for i, s := range out {
			whole := (s.End.Sub(s.Start) + time.Minute - 1) / time.Minute
			out[i].End = s.Start.Add(whole * time.Minute)
		}
	}
	return merge(out)
}

// InTime reports whether maintenance that begins at start was announced as many days before as the clause asks.
func InTime(c duoyun.SLAClause, announced, start time.Time) bool {
	return !announced.IsZero() && !announced.After(start.AddDate(0, 0, -c.NoticeDays))
}

// creditPercent gives the highest tier that the availability falls below, capped.
func creditPercent(c duoyun.SLAClause, available *big.Rat) (best duoyun.Price) {
	for _, tier := range c.Tiers {
		if available.Cmp(rat(tier.Below)) < 0 && tier.Credit.Cmp(best) > 0 {
			best = tier.Credit
		}
	}
	if !c.Cap.IsZero() && best.Cmp(c.Cap) > 0 {
		best = c.Cap
	}
	return best
}

// CreditOf is what percent takes off the cash part of a fee; vouchers give no credit. Half up to fen.
func CreditOf(cash duoyun.Amount, percent duoyun.Price) duoyun.Fen {
	return cash.Scaled(percent.Amount(), duoyun.Fen(100_00).Amount()).HalfUp()
}

// Budget is the error budget of a target over a window, in minutes with two decimals: (1 − target) × window.
func Budget(target duoyun.Price, window time.Duration) string {
	gap := new(big.Rat).Sub(big.NewRat(100, 1), rat(target))
	return gap.Mul(gap, big.NewRat(int64(window/time.Second), 100*60)).FloatString(2)
}

func rat(p duoyun.Price) *big.Rat {
	r, _ := new(big.Rat).SetString(p.String())
	return r
}

func minutes(d time.Duration) int64 { return int64((d + 30*time.Second) / time.Minute) }

func length(spans []Span) (d time.Duration) {
	for _, s := range spans {
		d += s.End.Sub(s.Start)
	}
	return d
}

// merge sorts spans and joins those that touch; empty ones go.
func merge(spans []Span) []Span {
	sorted := slices.Clone(spans)
	slices.SortFunc(sorted, func(a, b Span) int { return a.Start.Compare(b.Start) })
	var out []Span
	for _, s := range sorted {
		switch n := len(out); {
		case !s.Start.Before(s.End):
		case n > 0 && !s.Start.After(out[n-1].End):
			if s.End.After(out[n-1].End) {
				out[n-1].End = s.End
			}
		default:
			out = append(out, s)
		}
	}
	return out
}

// clip keeps what lies within w.
func clip(spans []Span, w Span) []Span {
	var out []Span
	for _, s := range spans {
		if s.Start.Before(w.Start) {
			s.Start = w.Start
		}
		if s.End.After(w.End) {
			s.End = w.End
		}
		if s.Start.Before(s.End) {
			out = append(out, s)
		}
	}
	return out
}

// subtract takes merged spans b out of merged spans a.
func subtract(a, b []Span) []Span {
	var out []Span
	for _, s := range a {
		for _, x := range b {
			if !x.End.After(s.Start) || !x.Start.Before(s.End) {
				continue
			}
			if x.Start.After(s.Start) {
				out = append(out, Span{s.Start, x.Start})
			}
			s.Start = x.End
			if !s.Start.Before(s.End) {
				break
			}
		}
		if s.Start.Before(s.End) {
			out = append(out, s)
		}
	}
	return out
}
