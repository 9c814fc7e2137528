package store

import (
	"context"
	"database/sql"
	"fmt"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
)

const statementColumns = `st.id, st.number, st.contract_id, st.supplier_id, st.month, st.state, st.total_fen, st.net_fen, st.tax_fen,
	st.hash, st.closed_at`

// statementFields are where a row's columns go; the month is read as text by month.
func statementFields(st *duoyun.Statement) []any {
	return []any{&st.ID, &st.Number, &st.ContractID, &st.SupplierID, civilMonth{&st.Month}, &st.State, &st.Total, &st.Net, &st.Tax,
		&st.Hash, at(&st.ClosedAt)}
}

func scanStatement(r row) (st duoyun.Statement, err error) {
	err = r.Scan(statementFields(&st)...)
	return st, err
}

// civilMonth scans a month written 2026-10.
type civilMonth struct{ m *duoyun.Month }

func (c civilMonth) Scan(src any) (err error) {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("month column holds %T", src)
	}
	*c.m, err = duoyun.ParseMonth(text)
	return err
}

// InsertStatement takes a contract's month; one that has its statement already is a conflict.
func (s *Store) InsertStatement(ctx context.Context, tx *sql.Tx, st duoyun.Statement) error {
	_, err := exec(ctx, tx, `INSERT INTO statements (id, number, contract_id, supplier_id, month, state, total_fen, net_fen, tax_fen, hash, closed_at)
		VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, '', NULL)`, st.ID, st.Number, st.ContractID, st.SupplierID, st.Month.String(), string(st.State))
	if duplicate(err) {
		return duoyun.Fail(duoyun.CodeConflict, "month", "该合同 %s 的结算单已关账，不可更改", "the contract's statement of %s is closed and cannot be changed", st.Month)
	}
	return err
}

// CloseStatement writes what an open statement came to and closes it; a closed one never changes again.
func (s *Store) CloseStatement(ctx context.Context, tx *sql.Tx, st duoyun.Statement) error {
	closed := duoyun.Fail(duoyun.CodeConflict, "state", "结算单已关账", "the statement is closed already")
	return must1(ctx, tx, closed, `UPDATE statements SET number = $1, state = $2, total_fen = $3, net_fen = $4, tax_fen = $5, hash = $6, closed_at = $7
		WHERE id = $8 AND state = 'open'`, st.Number, string(st.State), int64(st.Total), int64(st.Net), int64(st.Tax), st.Hash, ts(st.ClosedAt), st.ID)
}

// Statement reads a statement by id.
func (s *Store) Statement(ctx context.Context, tx *sql.Tx, id string) (duoyun.Statement, error) {
	return one(ctx, tx, scanStatement, noStatement(id), `SELECT `+statementColumns+` FROM statements st WHERE st.id = $1`, id)
}

func noStatement(key string) error { return duoyun.NotFound("结算单", "statement", key) }

// ContractTerms reads what a contract says, by id or number, without a lock: the ceiling's state is not among it.
func (s *Store) ContractTerms(ctx context.Context, tx *sql.Tx, key string) (duoyun.Contract, error) {
	return one(ctx, tx, func(r row) (c duoyun.Contract, err error) {
		err = r.Scan(&c.ID, &c.Number, &c.SupplierID, &c.Name, day(&c.Start), day(&c.End), into(&c.Rules), into(&c.SLA), &c.State)
		return c, err
	}, duoyun.NotFound("合同", "contract", key), `SELECT id, number, supplier_id, name, start_day, end_day, rules, sla, state
		FROM contracts WHERE `+byKey("number", key), key)
}

const lineColumns = `l.id, l.statement_id, l.ordinal, l.charge, l.resource_id, l.agency_id, l.payer_id, l.system_id, l.line_group, l.item,
	l.price_id, l.price, l.per, l.quantity, l.start_at, l.end_at, l.share, l.exact, l.amount_fen, l.list_fen, l.note`

func lineFields(l *duoyun.StatementLine) []any {
	return []any{&l.ID, &l.StatementID, &l.Ordinal, &l.Charge, opt(&l.ResourceID), opt(&l.AgencyID), opt(&l.PayerID), opt(&l.SystemID),
		&l.Group, &l.Item, opt(&l.PriceID), &l.Price, &l.Per, &l.Quantity, at(&l.Start), at(&l.End), &l.Share, exact{&l.Exact},
		&l.Amount, &l.ListAmount, into(&l.Note)}
}

func scanLine(r row) (l duoyun.StatementLine, err error) {
	err = r.Scan(lineFields(&l)...)
	return l, err
}

// exact scans an exact amount from its text.
type exact struct{ a *duoyun.Amount }

func (e exact) Scan(src any) error {
	text, ok := src.(string)
	if !ok {
		return fmt.Errorf("amount column holds %T", src)
	}
	return e.a.UnmarshalText([]byte(text))
}

func exactText(a duoyun.Amount) string {
	text, err := a.MarshalText()
	if err != nil {
		panic(err) // a rational number always has a text
	}
	return string(text)
}

// InsertLines writes a statement's lines, many at once.
func (s *Store) InsertLines(ctx context.Context, tx *sql.Tx, lines []duoyun.StatementLine) error {
	rows := make([][]any, len(lines))
	for i, l := range lines {
		rows[i] = []any{l.ID, l.StatementID, l.Ordinal, l.Charge, null(l.ResourceID), null(l.AgencyID), null(l.PayerID), null(l.SystemID),
			l.Group, string(l.Item), null(l.PriceID), l.Price.String(), l.Per, l.Quantity, ts(l.Start), ts(l.End), l.Share, exactText(l.Exact),
			int64(l.Amount), int64(l.ListAmount), asJSON(l.Note)}
	}
	for len(rows) > 0 {
		n := min(s.rowsAtOnce(len(rows[0])), len(rows))
		err := insertRows(ctx, tx, nil, `INSERT INTO statement_lines (id, statement_id, ordinal, charge, resource_id, agency_id, payer_id, system_id,
			line_group, item, price_id, price, per, quantity, start_at, end_at, share, exact, amount_fen, list_fen, note) VALUES`, rows[:n])
		if err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// lineScope is the condition under which a line is in scope: its agency uses or pays what the line charges. A supplier
// sees whole statements, by the given condition with one $?.
func (w *where) lineScope(scope duoyun.Scope, supplierCond string) string {
	if scope.All {
		return "1 = 1"
	}
	some := []string{"1 = 0"}
	for _, g := range scope.Agencies {
		if g.Depth >= 1 && g.Depth <= duoyun.MaxDepth {
			subtree := fmt.Sprintf("(SELECT a.id FROM agencies a WHERE a.a%d = %s)", g.Depth, w.bind(g.AgencyID))
			some = append(some, "l.agency_id IN "+subtree, "l.payer_id IN "+subtree)
		}
	}
	for _, id := range scope.Suppliers {
		if supplierCond != "" {
			some = append(some, strings.Replace(supplierCond, "$?", w.bind(id), 1))
		}
	}
	return "(" + strings.Join(some, " OR ") + ")"
}

// statementScope keeps the statements with a line in scope, those of the supplier, and, for the root of the tree, those
// without any line.
func (w *where) statementScope(scope duoyun.Scope) {
	if scope.All {
		return
	}
	some := []string{"EXISTS (SELECT 1 FROM statement_lines l WHERE l.statement_id = st.id AND " + w.lineScope(scope, "") + ")"}
	for _, id := range scope.Suppliers {
		some = append(some, "st.supplier_id = "+w.bind(id))
	}
	for _, g := range scope.Agencies {
		if g.Depth == 1 {
			some = append(some, "NOT EXISTS (SELECT 1 FROM statement_lines l WHERE l.statement_id = st.id)")
			break
		}
	}
	w.conds = append(w.conds, "("+strings.Join(some, " OR ")+")")
}

const accounts = `SELECT ` + statementColumns + `, c.rules FROM statements st JOIN contracts c ON c.id = st.contract_id`

func scanAccount(r row) (a billing.Account, err error) {
	err = r.Scan(append(statementFields(&a.Statement), into(&a.Rules))...)
	return a, err
}

// Statements lists the statements in scope, newest first.
func (s *Store) Statements(ctx context.Context, scope duoyun.Scope, f billing.StatementFilter, p duoyun.Page) (duoyun.Listing[billing.Account], error) {
	var w where
	w.statementScope(scope)
	if f.Contract != "" {
		w.and("st.contract_id = (SELECT x.id FROM contracts x WHERE x."+keyed("number", f.Contract)+")", f.Contract)
	}
	if f.Month != (duoyun.Month{}) {
		w.and("st.month = $?", f.Month.String())
	}
	order := w.page("st.id", p)
	rows, err := collect(ctx, s.reader(), scanAccount, accounts+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(a billing.Account) string { return a.ID }), err
}

// FindStatement reads a statement in scope by id or number.
func (s *Store) FindStatement(ctx context.Context, scope duoyun.Scope, key string) (billing.Account, error) {
	w := where{args: []any{key}, conds: []string{"st." + byKey("number", key)}}
	w.statementScope(scope)
	return one(ctx, s.reader(), scanAccount, noStatement(key), accounts+w.String(), w.args...)
}

// Lines lists a statement's lines in scope, in the statement's order; the cursor is a line's ordinal.
func (s *Store) Lines(ctx context.Context, scope duoyun.Scope, statementID string, p duoyun.Page) (duoyun.Listing[duoyun.StatementLine], error) {
	var none duoyun.Listing[duoyun.StatementLine]
	w := where{args: []any{statementID}, conds: []string{"l.statement_id = $1"}}
	w.conds = append(w.conds, w.lineScope(scope, "st.supplier_id = $?"))
	if p.After != "" {
		after, err := strconv.ParseInt(p.After, 10, 64)
		if err != nil {
			return none, duoyun.Fail(duoyun.CodeInvalid, "after", "游标无效：%q", "not a cursor: %q", p.After)
		}
		w.and("l.ordinal > $?", after)
	}
	rows, err := collect(ctx, s.reader(), scanLine, fmt.Sprintf(`SELECT `+lineColumns+` FROM statement_lines l
		JOIN statements st ON st.id = l.statement_id%s ORDER BY l.ordinal LIMIT %d`, w.String(), p.Size()+1), w.args...)
	return duoyun.Paged(rows, p, func(l duoyun.StatementLine) string { return strconv.FormatInt(l.Ordinal, 10) }), err
}

// PartSums gives, per statement, what the lines in scope come to.
func (s *Store) PartSums(ctx context.Context, scope duoyun.Scope, statementIDs []string) (map[string]duoyun.Fen, error) {
	w := where{args: anys(statementIDs), conds: []string{among("l.statement_id", 1, len(statementIDs))}}
	w.conds = append(w.conds, w.lineScope(scope, "st.supplier_id = $?"))
	sums := map[string]duoyun.Fen{}
	err := each(ctx, s.reader(), func(r row) error {
		var id string
		var sum int64
		err := r.Scan(&id, &sum)
		sums[id] = duoyun.Fen(sum)
		return err
	}, `SELECT l.statement_id, CAST(SUM(l.amount_fen) AS BIGINT) FROM statement_lines l
		JOIN statements st ON st.id = l.statement_id`+w.String()+` GROUP BY l.statement_id`, w.args...)
	return sums, err
}

// EachCharge gives every line in scope of the month's closed statements to f, in statement and line order.
func (s *Store) EachCharge(ctx context.Context, scope duoyun.Scope, month duoyun.Month, f func(billing.Charge) error) error {
	w := where{args: []any{month.String()}, conds: []string{"st.month = $1 AND st.state = 'closed'"}}
	w.conds = append(w.conds, w.lineScope(scope, "st.supplier_id = $?"))
	return each(ctx, s.reader(), func(r row) error {
		c, err := scanCharge(r)
		if err != nil {
			return err
		}
		return f(c)
	}, `SELECT `+lineColumns+`, `+statementColumns+`, c.number, c.name, c.rules, sp.code, sp.name, r.number, r.name, r.kind, r.vendor_id, r.zone,
		p.code, p.name, p.region, p.site, ua.code, ua.name, pa.code, pa.name, sy.code, sy.name, i.name, i.unit, i.list_price
		FROM statement_lines l
		JOIN statements st ON st.id = l.statement_id
		JOIN contracts c ON c.id = st.contract_id
		JOIN suppliers sp ON sp.id = st.supplier_id
		LEFT JOIN resources r ON r.id = l.resource_id
		LEFT JOIN pools p ON p.id = r.pool_id
		LEFT JOIN agencies ua ON ua.id = l.agency_id
		LEFT JOIN agencies pa ON pa.id = l.payer_id
		LEFT JOIN systems sy ON sy.id = l.system_id
		LEFT JOIN price_items i ON i.id = l.price_id`+w.String()+` ORDER BY st.number, l.ordinal`, w.args...)
}

func scanCharge(r row) (c billing.Charge, err error) {
	var kind, list string
	fields := append(lineFields(&c.Line), statementFields(&c.Statement)...)
	err = r.Scan(append(fields, &c.Contract.Number, &c.Contract.Name, into(&c.Contract.Rules), &c.Supplier.Code, &c.Supplier.Name,
		opt(&c.Resource.Number), opt(&c.Resource.Name), opt(&kind), opt(&c.Resource.VendorID), opt(&c.Resource.Zone),
		opt(&c.Pool.Code), opt(&c.Pool.Name), opt(&c.Pool.Region), opt(&c.Pool.Site), opt(&c.User.Code), opt(&c.User.Name),
		opt(&c.Payer.Code), opt(&c.Payer.Name), opt(&c.System.Code), opt(&c.System.Name), opt(&c.Price.Name), opt(&c.Price.Unit), opt(&list))...)
	c.Resource.Kind = duoyun.Kind(kind)
	if err == nil && list != "" {
		c.Price.List, err = duoyun.ParsePrice(list)
	}
	return c, err
}
