package billing

import (
	"cmp"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
)

// Metered is one resource with the intervals of a period: what rating reads.
type Metered struct {
	ResourceID string
	AgencyID   string
	PayerID    string
	SystemID   string
	Begun      time.Time // the first instant it was ever metered: what the billing-start clause speaks of
	Intervals  []duoyun.UsageInterval
}

func (m Metered) first() time.Time {
	first := m.Intervals[0].Start
	for _, u := range m.Intervals {
		if u.Start.Before(first) {
			first = u.Start
		}
	}
	return first
}

// meters groups the intervals by meter, meters in code order, intervals in time order. Overlapping or empty intervals
// are refused: they cannot be rated, only mended (golden case G29).
func (m Metered) meters() ([][]duoyun.UsageInterval, error) {
	all := slices.Clone(m.Intervals)
	slices.SortFunc(all, func(a, b duoyun.UsageInterval) int {
		return cmp.Or(cmp.Compare(a.Meter, b.Meter), a.Start.Compare(b.Start))
	})
	var out [][]duoyun.UsageInterval
	for i, u := range all {
		if !u.End.IsZero() && !u.End.After(u.Start) {
			return nil, duoyun.Fail(duoyun.CodeConflict, "end", "用量区间的结束不晚于开始（计量项 %s，资源 %s）",
				"an interval of %s of resource %s ends no later than it begins", u.Meter, m.ResourceID)
		}
		if i == 0 || all[i-1].Meter != u.Meter {
			out = append(out, nil)
		} else if end := all[i-1].End; end.IsZero() || end.After(u.Start) {
			return nil, duoyun.Fail(duoyun.CodeConflict, "start", "用量区间重叠（计量项 %s，资源 %s）",
				"intervals of %s of resource %s overlap", u.Meter, m.ResourceID)
		}
		out[len(out)-1] = append(out[len(out)-1], u)
	}
	return out, nil
}

// span is a half-open stretch of time.
type span struct{ start, end time.Time }

// piece is a stretch during which a meter is charged at one quantity, the contract's clauses on start, resize and
// standstill applied.
type piece struct {
	span
	quantity int64
	ends     bool // the meter stops here, by release or standstill: the clause on the stop day speaks
}

// pieces turns one meter's intervals into what is charged within the window.
func pieces(rules duoyun.ContractRules, begun time.Time, intervals []duoyun.UsageInterval, window span) []piece {
	var out []piece
	for from := 0; from < len(intervals); {
		to := from + 1
		for to < len(intervals) && intervals[to].Start.Equal(intervals[to-1].End) {
			to++
		}
		out = append(out, chainPieces(rules, begun, intervals[from:to], window)...)
		from = to
	}
	return out
}

// step is the instant a charged quantity takes effect.
type step struct {
	at       time.Time
	quantity int64
}

// chainPieces does so for intervals that follow each other without a gap.
func chainPieces(rules duoyun.ContractRules, begun time.Time, chain []duoyun.UsageInterval, window span) []piece {
	steps := chainSteps(rules, begun, chain)
	var out []piece
	for _, run := range running(rules.ChargeStopped, chain, window.end) {
		run = span{later(run.start, steps[0].at), run.end}
		for i, s := range steps {
			part := span{later(run.start, s.at), run.end}
			if i+1 < len(steps) {
				part.end = earlier(part.end, steps[i+1].at)
			}
			ends := part.end.Equal(run.end)
			if part = part.within(window); part.start.Before(part.end) {
				out = append(out, piece{part, s.quantity, ends})
			}
		}
	}
	return out
}

func chainSteps(rules duoyun.ContractRules, begun time.Time, chain []duoyun.UsageInterval) []step {
	start := chain[0].Start
	if start.Equal(begun) {
		start = takesEffect(rules.BillingStart, start)
	}
	steps := []step{{start, chain[0].Quantity}}
	for i, u := range chain[1:] {
		if u.Quantity != chain[i].Quantity {
			steps = append(steps, step{later(start, takesEffect(rules.ResizeEffective, u.Start)), u.Quantity})
		}
	}
	return steps
}

// takesEffect moves an instant to the boundary a clause names; an instant on the boundary stays.
func takesEffect(clause string, t time.Time) time.Time {
	day, month := duoyun.DateOf(t), duoyun.MonthOf(t)
	edges := []time.Time{month.Start(), month.End()}
	switch clause {
	case "next_day":
		edges = []time.Time{day.Time(), day.AddDays(1).Time()}
	case "next_half":
		middle := duoyun.Date{Year: day.Year, Month: day.Month, Day: 16}
		edges = []time.Time{month.Start(), middle.Time(), month.End()}
	case "next_month":
	default:
		return t
	}
	for t.After(edges[0]) {
		edges = edges[1:]
	}
	return edges[0]
}

// running gives the stretches of a chain during which it is charged: all of it, or without the times the server was off.
func running(chargeStopped bool, chain []duoyun.UsageInterval, horizon time.Time) []span {
	var out []span
	for _, u := range chain {
		end := u.End
		if end.IsZero() {
			end = later(horizon, u.Start)
		}
		if u.Stopped && !chargeStopped {
			continue
		}
		if n := len(out); n > 0 && out[n-1].end.Equal(u.Start) {
			out[n-1].end = end
			continue
		}
		out = append(out, span{u.Start, end})
	}
	return out
}

func (s span) within(w span) span { return span{later(s.start, w.start), earlier(s.end, w.end)} }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
