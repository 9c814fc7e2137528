package simcloud

import "fmt"

// Reason is why the cloud refused.
type Reason string

// The reasons.
const (
	Missing  Reason = "missing"  // no such object, or not this account's
	Invalid  Reason = "invalid"  // the input breaks a rule
	Exists   Reason = "exists"   // there is one already
	Busy     Reason = "busy"     // its state refuses the change now
	InUse    Reason = "in_use"   // something hangs on it
	Exceeded Reason = "exceeded" // the account's quota does not suffice
	SoldOut  Reason = "sold_out" // the zone has no capacity left
)

// Error is a refusal: nothing was done. Fakes turn it into their vendor's words.
type Error struct {
	Reason Reason
	Kind   Kind
	ID     string
	State  State // Busy: the state it is in
	Item   Item  // Exceeded: of what
	Asked  int64
	Used   int64
	Limit  int64
	Detail string
}

func (e *Error) Error() string {
	s := fmt.Sprintf("simcloud: %s: %s %s", e.Reason, e.Kind, e.ID)
	switch {
	case e.Reason == Exceeded:
		return fmt.Sprintf("%s: %s: asked %d, used %d of %d", s, e.Item, e.Asked, e.Used, e.Limit)
	case e.State != "":
		return fmt.Sprintf("%s is %s", s, e.State)
	case e.Detail != "":
		return s + ": " + e.Detail
	}
	return s
}

func missing(kind Kind, id string) *Error { return &Error{Reason: Missing, Kind: kind, ID: id} }

func busy(kind Kind, o *Object) *Error {
	return &Error{Reason: Busy, Kind: kind, ID: o.ID, State: o.State}
}

func inUse(kind Kind, id, detail string) *Error {
	return &Error{Reason: InUse, Kind: kind, ID: id, Detail: detail}
}

func invalid(kind Kind, detail string, args ...any) *Error {
	return &Error{Reason: Invalid, Kind: kind, Detail: fmt.Sprintf(detail, args...)}
}
