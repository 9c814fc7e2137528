package duoyun

import "time"

// StatementState is the state of a statement 结算单.
type StatementState string

// The states of a statement here; the road to payment comes later.
const (
	StatementOpen   StatementState = "open"
	StatementClosed StatementState = "closed" // immutable
)

// StatementLifecycle is the transition table of a statement.
func StatementLifecycle() Lifecycle[StatementState] {
	type s = StatementState
	return Lifecycle[s]{Noun: Text{"结算单", "statement"}, Edges: []Edge[s]{
		{StatementOpen, "未关账", []s{StatementClosed}},
		{StatementClosed, "已关账", nil},
	}}
}

// Statement 结算单 is what one contract charges for one month, rated from our own meter.
type Statement struct {
	ID         string
	Number     string
	ContractID string
	SupplierID string
	Month      Month
	State      StatementState
	Total      Fen // tax-inclusive payable, credits deducted
	Net        Fen // without tax
	Tax        Fen
	Hash       string // over the lines: the same inputs give the same hash
	ClosedAt   time.Time
}

// StatementLine is one rated line: one resource, price item and price.
type StatementLine struct {
	ID          string
	StatementID string
	Ordinal     int64
	Charge      string // usage | credit | once
	ResourceID  string // "" for credits not of one resource
	AgencyID    string
	PayerID     string
	SystemID    string
	Group       string // line group: rounded once, the remainder spread over its lines
	Item        Item
	PriceID     string
	Price       Price
	Per         string
	Quantity    int64 // units of the item
	Start       time.Time
	End         time.Time
	Share       string // the part of the period charged, such as 20/31 or 1200/3600
	Exact       Amount
	Amount      Fen
	ListAmount  Fen
	Note        Text
}
