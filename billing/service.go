// Package billing meters what runs and turns it into money: usage intervals open and close with a resource's own
// changes, a month is rated from intervals × price items under the contract's money clauses, and a statement is closed
// once and for ever.
package billing

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
)

// Store is what billing needs kept. Methods with a transaction write, lock, or read inside it; the others read outside.
type Store interface {
	Journal
	TermsStore
	UsageStore
	StatementStore
}

// Journal is the bookkeeping around every write.
type Journal interface {
	InTx(ctx context.Context, f func(tx *sql.Tx) error) error
	Recall(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once) (string, error)
	Remember(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once, id string) error
	Audit(ctx context.Context, tx *sql.Tx, e duoyun.AuditEntry) error
	NextNumber(ctx context.Context, tx *sql.Tx, form, agencyID string, now time.Time) (string, error)
}

// TermsStore reads what contracts say.
type TermsStore interface {
	// ContractTerms reads a contract by id or number without its ceiling's state, and without a lock: metering must not
	// wait for holds.
	ContractTerms(ctx context.Context, tx *sql.Tx, key string) (duoyun.Contract, error)
	PriceItems(ctx context.Context, tx *sql.Tx, contractID string) ([]duoyun.PriceItem, error)
}

// UsageStore keeps usage intervals.
type UsageStore interface {
	// OpenUsage locks the resource and returns its open intervals by meter: whoever holds it alone may write the
	// resource's intervals until the transaction ends.
	OpenUsage(ctx context.Context, tx *sql.Tx, resourceID string) ([]duoyun.UsageInterval, error)
	// InsertUsage opens an interval; one that overlaps another of the same resource and meter is a conflict.
	InsertUsage(ctx context.Context, tx *sql.Tx, u duoyun.UsageInterval) error
	// CloseUsage ends an open interval; an end that is not after its start is a conflict.
	CloseUsage(ctx context.Context, tx *sql.Tx, u duoyun.UsageInterval, end time.Time) error
	// DropUsage removes an open interval that was changed in the instant it began: it metered nothing.
	DropUsage(ctx context.Context, tx *sql.Tx, id string) error
	// MeteredAgencies lists the agencies that have resources metered under the contract within [from, to), by id.
	MeteredAgencies(ctx context.Context, tx *sql.Tx, contractID string, from, to time.Time) ([]duoyun.Agency, error)
	// Metered reads the next resources of an agency metered under the contract within [from, to), by id after the
	// given one, at most limit, each with its intervals that touch the period.
	Metered(ctx context.Context, tx *sql.Tx, contractID string, agency duoyun.Agency, from, to time.Time, after string, limit int) ([]Metered, error)
	// MeteredResource reads one resource's intervals under the contract that touch [from, to).
	MeteredResource(ctx context.Context, tx *sql.Tx, contractID, resourceID string, from, to time.Time) (Metered, error)
	// Usage lists intervals of resources in scope, newest first.
	Usage(ctx context.Context, scope duoyun.Scope, f UsageFilter, p duoyun.Page) (duoyun.Listing[duoyun.UsageInterval], error)
}

// StatementStore keeps statements and their lines.
type StatementStore interface {
	// InsertStatement takes the contract's month; a month already taken is a conflict.
	InsertStatement(ctx context.Context, tx *sql.Tx, st duoyun.Statement) error
	InsertLines(ctx context.Context, tx *sql.Tx, lines []duoyun.StatementLine) error
	// CloseStatement writes number, totals, hash and state of an open statement; a closed one is a conflict.
	CloseStatement(ctx context.Context, tx *sql.Tx, st duoyun.Statement) error
	Statement(ctx context.Context, tx *sql.Tx, id string) (duoyun.Statement, error)
	Statements(ctx context.Context, scope duoyun.Scope, f StatementFilter, p duoyun.Page) (duoyun.Listing[Account], error)
	FindStatement(ctx context.Context, scope duoyun.Scope, key string) (Account, error)
	Lines(ctx context.Context, scope duoyun.Scope, statementID string, p duoyun.Page) (duoyun.Listing[duoyun.StatementLine], error)
	// PartSums gives, per statement, what the lines in scope come to.
	PartSums(ctx context.Context, scope duoyun.Scope, statementIDs []string) (map[string]duoyun.Fen, error)
	// EachCharge gives every line in scope of the month's closed statements to f, in statement and line order.
	EachCharge(ctx context.Context, scope duoyun.Scope, month duoyun.Month, f func(Charge) error) error
}

// Creditor says what the SLA takes off a contract's month; sla implements it.
type Creditor interface {
	// Credits computes one credit per resource that has one, by resource id; fee gives a resource's cash fee of the
	// month. It writes nothing.
	Credits(ctx context.Context, tx *sql.Tx, contract duoyun.Contract, month duoyun.Month, fee Fee) ([]duoyun.Credit, error)
	// Credited records credits that a closed statement carries; one recorded before is a conflict.
	Credited(ctx context.Context, tx *sql.Tx, credits []duoyun.Credit) error
}

// Fee gives what a resource's usage in the month came to, exactly, before credits.
type Fee = func(ctx context.Context, resourceID string) (duoyun.Amount, error)

// Service meters, rates and closes.
type Service struct {
	store  Store
	now    duoyun.Clock // business clock
	credit Creditor     // nil: no contract gives credits
}

// New returns the service; now is the business clock, credit may be nil.
func New(store Store, now duoyun.Clock, credit Creditor) *Service {
	return &Service{store: store, now: now, credit: credit}
}

// UsageFilter narrows a listing of intervals.
type UsageFilter struct {
	Resource string       // id or number
	Month    duoyun.Month // zero: any; otherwise intervals that touch the month
}

// StatementFilter narrows a listing of statements.
type StatementFilter struct {
	Contract string       // id or number
	Month    duoyun.Month // zero: any
}

// Account is a statement with the clauses its tax follows.
type Account struct {
	duoyun.Statement
	Rules duoyun.ContractRules
}

// Preview is what a statement would say if it were closed now.
type Preview struct {
	Statement duoyun.Statement
	Lines     []duoyun.StatementLine // the first PreviewLines of them
	Count     int64                  // of all lines
}

// PreviewLines is how many lines a preview shows.
const PreviewLines = 500

// readers may see money; the three administrators 三员 may not.
func readers() []duoyun.Role {
	return []duoyun.Role{duoyun.RoleApplicant, duoyun.RoleApprover, duoyun.RoleConfirmer, duoyun.RoleReviewer,
		duoyun.RoleProcurement, duoyun.RoleFinance, duoyun.RoleSupplier, duoyun.RoleAuditor}
}

// reading returns the rows the actor may read, or 403 when none of its roles reads money.
func reading(actor duoyun.Actor) (duoyun.Scope, error) {
	if err := actor.Need(readers()...); err != nil {
		return duoyun.Scope{}, err
	}
	return actor.ScopeFor(readers()...), nil
}

// readingOf is reading for a month, zero being any: one that has not begun is refused.
func (s *Service) readingOf(actor duoyun.Actor, month duoyun.Month) (duoyun.Scope, error) {
	scope, err := reading(actor)
	if err == nil {
		err = month.Begun(s.now())
	}
	return scope, err
}
