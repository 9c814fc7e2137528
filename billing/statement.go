package billing

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"time"

	"github.com/duoyun/duoyun"
)

// Batch sizes: resources read and lines written at a time.
const (
	readBatch  = 500
	writeBatch = 200
)

// Close rates a contract's month from our own meter, takes off the SLA's credits and writes the statement, which
// nothing changes afterwards: a second Close is a conflict. The month must be over by the business clock. The actor is
// of finance or procurement, and its scope must hold every agency the contract served in the month (404 when it holds
// none of them, 403 when it holds some).
func (s *Service) Close(ctx context.Context, actor duoyun.Actor, once duoyun.Once, contract string, month duoyun.Month) (duoyun.Statement, error) {
	var st duoyun.Statement
	if err := actor.Need(duoyun.RoleFinance, duoyun.RoleProcurement); err != nil {
		return st, err
	}
	err := s.store.InTx(ctx, func(tx *sql.Tx) error {
		id, err := s.store.Recall(ctx, tx, actor, once)
		if err != nil {
			return err
		}
		if id == "" {
			if id, err = s.closing(ctx, tx, actor, contract, month); err != nil {
				return err
			}
			if err := s.store.Remember(ctx, tx, actor, once, id); err != nil {
				return err
			}
		}
		st, err = s.store.Statement(ctx, tx, id)
		return err
	})
	return st, err
}

func (s *Service) closing(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, contract string, month duoyun.Month) (string, error) {
	now := s.now()
	if err := month.Begun(now); err != nil {
		return "", err
	}
	if now.Before(month.End()) {
		return "", duoyun.Fail(duoyun.CodeConflict, "month", "%s 尚未结束，不能关账", "%s is not over yet and cannot be closed", month)
	}
	b, err := s.bill(ctx, tx, actor.ScopeFor(duoyun.RoleFinance, duoyun.RoleProcurement), contract, month)
	if err != nil {
		return "", err
	}
	b.write = true
	b.st.ID, b.st.State = duoyun.NewID(now), duoyun.StatementOpen
	b.st.Number = b.st.ID // until it is closed: numbers are taken last
	if err := s.store.InsertStatement(ctx, tx, b.st); err != nil {
		return "", err
	}
	if err := b.run(ctx, time.Time{}); err != nil {
		return "", err
	}
	if b.st.State, err = duoyun.StatementLifecycle().Move(b.st.State, duoyun.StatementClosed); err != nil {
		return "", err
	}
	b.st.ClosedAt = now
	if b.st.Number, err = s.store.NextNumber(ctx, tx, duoyun.NumberStatement, numbering(actor, b.agencies), now); err != nil {
		return "", err
	}
	if err := s.store.CloseStatement(ctx, tx, b.st); err != nil {
		return "", err
	}
	detail, _ := json.Marshal(map[string]string{"number": b.st.Number, "month": month.String(), "total": b.st.Total.String(), "hash": b.st.Hash})
	return b.st.ID, s.store.Audit(ctx, tx, duoyun.AuditEntry{ActorID: actor.UserID, Actor: actor.Name, Action: "statement.close",
		Subject: "statement", Key: b.st.ID, Detail: detail, TraceID: duoyun.TraceOf(ctx)})
}

// numbering names the agency whose register the statement is numbered in: the closing person's own, or, when the
// platform closes, the root above the first agency served.
func numbering(actor duoyun.Actor, served []duoyun.Agency) string {
	for _, g := range actor.ScopeFor(duoyun.RoleFinance, duoyun.RoleProcurement).Agencies {
		return g.AgencyID
	}
	if len(served) > 0 {
		return served[0].Ancestors[0]
	}
	return ""
}

// Preview says what Close would write, up to now where the month still runs, and writes nothing. Finance, procurement
// and auditors whose scope holds every agency served may ask, and the supplier of the contract.
func (s *Service) Preview(ctx context.Context, actor duoyun.Actor, contract string, month duoyun.Month) (Preview, error) {
	roles := []duoyun.Role{duoyun.RoleFinance, duoyun.RoleProcurement, duoyun.RoleAuditor, duoyun.RoleSupplier}
	if err := actor.Need(roles...); err != nil {
		return Preview{}, err
	}
	var out Preview
	err := month.Begun(s.now())
	if err != nil {
		return out, err
	}
	err = s.store.InTx(ctx, func(tx *sql.Tx) error {
		b, err := s.bill(ctx, tx, actor.ScopeFor(roles...), contract, month)
		if err != nil {
			return err
		}
		b.st.State = duoyun.StatementOpen
		if err := b.run(ctx, s.now()); err != nil {
			return err
		}
		out = Preview{Statement: b.st, Lines: b.shown, Count: b.count}
		return nil
	})
	return out, err
}

// billing run of one contract and month, in one transaction.
type bill struct {
	service  *Service
	tx       *sql.Tx
	terms    *Terms
	month    duoyun.Month
	until    time.Time
	agencies []duoyun.Agency
	write    bool
	st       duoyun.Statement
	hash     hash.Hash
	sum      duoyun.Fen
	count    int64
	shown    []duoyun.StatementLine
}

// bill prepares a run for a caller who may see the whole of it.
func (s *Service) bill(ctx context.Context, tx *sql.Tx, scope duoyun.Scope, contract string, month duoyun.Month) (*bill, error) {
	terms, err := s.terms(ctx, tx, contract)
	if err != nil {
		return nil, err
	}
	c := terms.Contract
	agencies, err := s.store.MeteredAgencies(ctx, tx, c.ID, month.Start(), month.End())
	if err != nil {
		return nil, err
	}
	if err := covers(scope, c, agencies); err != nil {
		return nil, err
	}
	return &bill{service: s, tx: tx, terms: terms, month: month, agencies: agencies, hash: sha256.New(),
		st: duoyun.Statement{ContractID: c.ID, SupplierID: c.SupplierID, Month: month}}, nil
}

// covers refuses a scope that does not hold all that the contract served.
func covers(scope duoyun.Scope, c duoyun.Contract, served []duoyun.Agency) error {
	for _, id := range scope.Suppliers {
		if id == c.SupplierID {
			return nil
		}
	}
	missing := 0
	for _, a := range served {
		if !scope.Covers(a) {
			missing++
		}
	}
	switch {
	case missing == 0 && (scope.All || len(scope.Agencies) > 0):
		return nil
	case missing == len(served):
		return duoyun.NotFound("合同", "contract", c.Number)
	}
	return duoyun.Fail(duoyun.CodeForbidden, "contract", "合同 %s 还服务于您管理范围以外的单位", "contract %s also serves agencies outside your scope", c.Number)
}

// run rates agency by agency, so that memory holds one agency's lines, then the credits, and totals the statement.
func (b *bill) run(ctx context.Context, until time.Time) error {
	b.until = until
	for _, a := range b.agencies {
		lines, err := b.agency(ctx, a)
		if err != nil {
			return err
		}
		Settle(lines)
		if err := b.emit(ctx, lines); err != nil {
			return err
		}
	}
	if err := b.credits(ctx); err != nil {
		return err
	}
	b.st.Total, b.st.Net, b.st.Tax = Tax(b.terms.Contract.Rules, b.sum)
	fmt.Fprintf(b.hash, "%s|%s|%s|%s|%s\n", b.terms.Contract.Number, b.month, b.st.Total, b.st.Net, b.st.Tax)
	b.st.Hash = hex.EncodeToString(b.hash.Sum(nil))
	return nil
}

func (b *bill) agency(ctx context.Context, a duoyun.Agency) ([]Line, error) {
	var lines []Line
	for after := ""; ; {
		batch, err := b.service.store.Metered(ctx, b.tx, b.terms.Contract.ID, a, b.month.Start(), b.month.End(), after, readBatch)
		if err != nil || len(batch) == 0 {
			return lines, err
		}
		for _, m := range batch {
			rated, err := Rate(b.terms, m, b.month, b.until)
			if err != nil {
				return nil, err
			}
			lines = append(lines, rated...)
		}
		after = batch[len(batch)-1].ResourceID
	}
}

// emit numbers lines, feeds them to the hash, and writes or shows them.
func (b *bill) emit(ctx context.Context, lines []Line) error {
	batch := make([]duoyun.StatementLine, 0, min(len(lines), writeBatch))
	for i, l := range lines {
		b.count++
		l.ID, l.StatementID, l.Ordinal = duoyun.NewID(b.service.now()), b.st.ID, b.count
		b.sum += l.Amount
		hashLine(b.hash, l.StatementLine)
		if len(b.shown) < PreviewLines {
			b.shown = append(b.shown, l.StatementLine)
		}
		batch = append(batch, l.StatementLine)
		if b.write && (len(batch) == writeBatch || i == len(lines)-1) {
			if err := b.service.store.InsertLines(ctx, b.tx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}

// hashLine covers what a line says, without its id, which is random: the same inputs give the same hash.
func hashLine(h hash.Hash, l duoyun.StatementLine) {
	exact, _ := l.Exact.MarshalText()
	fmt.Fprintf(h, "%d|%s|%s|%s|%s|%s|%s|%s|%s|%s|%d|%s|%s|%s|%s|%s|%s\n", l.Ordinal, l.Charge, l.ResourceID, l.AgencyID,
		l.PayerID, l.SystemID, l.Item, l.PriceID, l.Price, l.Per, l.Quantity, l.Start.UTC().Format(time.RFC3339Nano),
		l.End.UTC().Format(time.RFC3339Nano), l.Share, exact, l.Amount, l.ListAmount)
}

// credits puts each credit on the statement as one line of its own.
func (b *bill) credits(ctx context.Context) error {
	if b.service.credit == nil {
		return nil
	}
	served := map[string]Metered{}
	fee := func(ctx context.Context, resourceID string) (sum duoyun.Amount, err error) {
		m, err := b.service.store.MeteredResource(ctx, b.tx, b.terms.Contract.ID, resourceID, b.month.Start(), b.month.End())
		if err != nil {
			return sum, err
		}
		served[resourceID] = Metered{ResourceID: m.ResourceID, AgencyID: m.AgencyID, PayerID: m.PayerID, SystemID: m.SystemID}
		lines, err := Rate(b.terms, m, b.month, b.until)
		for _, l := range lines {
			if l.Charge == "usage" {
				sum = sum.Plus(l.Exact)
			}
		}
		return sum, err
	}
	credits, err := b.service.credit.Credits(ctx, b.tx, b.terms.Contract, b.month, fee)
	if err != nil {
		return err
	}
	var lines []Line
	for _, c := range credits {
		lines = append(lines, creditLine(c, served[c.ResourceID]))
	}
	if err := b.emit(ctx, lines); err != nil || !b.write {
		return err
	}
	return b.service.credit.Credited(ctx, b.tx, credits)
}

func creditLine(c duoyun.Credit, of Metered) Line {
	off := -c.Amount
	return Line{StatementLine: duoyun.StatementLine{Charge: "credit", ResourceID: c.ResourceID, AgencyID: of.AgencyID,
		PayerID: of.PayerID, SystemID: of.SystemID, Group: "credit/" + c.ResourceID, Item: "sla_credit", Per: "once", Quantity: 1,
		Start: c.Month.Start().UTC(), End: c.Month.End().UTC(), Share: c.Percent.String() + "%", Exact: off.Amount(), Amount: off, Note: c.Note}}
}

// Statements lists the statements with a line in the actor's scope, newest first; a supplier sees those of its own
// contracts. Below the root of the tree, totals are those of the scope's own lines: what others pay is not shown.
func (s *Service) Statements(ctx context.Context, actor duoyun.Actor, f StatementFilter, p duoyun.Page) (duoyun.Listing[duoyun.Statement], error) {
	var out duoyun.Listing[duoyun.Statement]
	scope, err := s.readingOf(actor, f.Month)
	if err != nil {
		return out, err
	}
	list, err := s.store.Statements(ctx, scope, f, p)
	if err != nil {
		return out, err
	}
	if err := s.ownPart(ctx, scope, list.Items); err != nil {
		return out, err
	}
	out.Next = list.Next
	for _, a := range list.Items {
		out.Items = append(out.Items, a.Statement)
	}
	return out, nil
}

// Statement returns one statement by id or number, as Statements shows it.
func (s *Service) Statement(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Statement, error) {
	scope, err := reading(actor)
	if err != nil {
		return duoyun.Statement{}, err
	}
	a, err := s.store.FindStatement(ctx, scope, key)
	if err != nil {
		return duoyun.Statement{}, err
	}
	one := []Account{a}
	err = s.ownPart(ctx, scope, one)
	return one[0].Statement, err
}

// ownPart replaces totals by what the scope's own lines come to, for callers who see neither the whole tree nor the
// supplier's side.
func (s *Service) ownPart(ctx context.Context, scope duoyun.Scope, accounts []Account) error {
	var parts []string
	for _, a := range accounts {
		if !whole(scope, a.SupplierID) {
			parts = append(parts, a.ID)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	sums, err := s.store.PartSums(ctx, scope, parts)
	if err != nil {
		return err
	}
	for i, a := range accounts {
		if !whole(scope, a.SupplierID) {
			accounts[i].Total, accounts[i].Net, accounts[i].Tax = Tax(a.Rules, sums[a.ID])
		}
	}
	return nil
}

func whole(scope duoyun.Scope, supplierID string) bool {
	if scope.All {
		return true
	}
	for _, g := range scope.Agencies {
		if g.Depth == 1 {
			return true
		}
	}
	for _, id := range scope.Suppliers {
		if id == supplierID {
			return true
		}
	}
	return false
}

// Lines lists a statement's lines in the actor's scope (its agencies use or pay; a supplier: its own contracts), last
// line first; key is the statement's id or number.
func (s *Service) Lines(ctx context.Context, actor duoyun.Actor, key string, p duoyun.Page) (duoyun.Listing[duoyun.StatementLine], error) {
	scope, err := reading(actor)
	if err != nil {
		return duoyun.Listing[duoyun.StatementLine]{}, err
	}
	a, err := s.store.FindStatement(ctx, scope, key)
	if err != nil {
		return duoyun.Listing[duoyun.StatementLine]{}, err
	}
	return s.store.Lines(ctx, scope, a.ID, p)
}
