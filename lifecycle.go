package duoyun

import "slices"

// Lifecycle is a state machine as one declarative table: from each state, the states it may move to. State changes
// nowhere else; the docs draw the machines from these tables.
type Lifecycle[S ~string] struct {
	Noun  Text
	Edges []Edge[S]
}

// Edge lists where a state may move.
type Edge[S ~string] struct {
	From S
	Name string // 中文名
	To   []S
}

// Can reports whether from may move to to.
func (l Lifecycle[S]) Can(from, to S) bool {
	for _, e := range l.Edges {
		if e.From == from {
			return slices.Contains(e.To, to)
		}
	}
	return false
}

// Final reports whether nothing follows s.
func (l Lifecycle[S]) Final(s S) bool {
	for _, e := range l.Edges {
		if e.From == s {
			return len(e.To) == 0
		}
	}
	return true
}

// Name returns the Chinese name of a state; users never see the English one in Chinese text.
func (l Lifecycle[S]) Name(s S) string {
	for _, e := range l.Edges {
		if e.From == s {
			return e.Name
		}
	}
	return string(s)
}

// Move returns to, or a conflict that names both states when the table has no such edge.
func (l Lifecycle[S]) Move(from, to S) (S, error) {
	if l.Can(from, to) {
		return to, nil
	}
	return from, &Error{Code: CodeConflict, Field: "state", Message: Text{
		ZH: l.Noun.ZH + "处于“" + l.Name(from) + "”，不能转为“" + l.Name(to) + "”",
		EN: l.Noun.EN + " is " + string(from) + " and cannot become " + string(to),
	}}
}
