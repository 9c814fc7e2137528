package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
)

// querier is a connection pool or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// row is what both *sql.Row and *sql.Rows scan.
type row interface{ Scan(dest ...any) error }

// collect runs a query and scans every row; use it only where the number of rows is bounded.
func collect[T any](ctx context.Context, q querier, scan func(row) (T, error), query string, args ...any) ([]T, error) {
	var out []T
	err := each(ctx, q, func(r row) error {
		v, err := scan(r)
		if err == nil {
			out = append(out, v)
		}
		return err
	}, query, args...)
	return out, err
}

// each runs a query and gives every row to f as it arrives: memory stays flat.
func each(ctx context.Context, q querier, f func(row) error, query string, args ...any) error {
	if !storable(args) {
		return unstorable()
	}
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one runs a query for a single row; none is the given not-found error.
func one[T any](ctx context.Context, q querier, scan func(row) (T, error), missing error, query string, args ...any) (v T, err error) {
	if !storable(args) {
		return v, missing
	}
	v, err = scan(q.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return v, missing
	}
	return v, err
}

// exec runs a statement and returns how many rows it changed.
func exec(ctx context.Context, q querier, query string, args ...any) (int64, error) {
	if !storable(args) {
		return 0, unstorable()
	}
	r, err := q.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, fmt.Errorf("exec: %w", err)
	}
	return r.RowsAffected()
}

// storable reports whether every text among args is UTF-8 without NUL. PostgreSQL takes no other and SQLite takes it
// all, so that it is asked here, alike for both.
func storable(args []any) bool {
	return !slices.ContainsFunc(args, func(a any) bool {
		s, ok := a.(string)
		return ok && (!utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0)
	})
}

func unstorable() error {
	return duoyun.Fail(duoyun.CodeInvalid, "", "文字须为 UTF-8，且不含空字符", "text must be UTF-8 without NUL")
}

// must1 is exec for guarded statements that have to change exactly one row; otherwise it returns the given error.
func must1(ctx context.Context, q querier, otherwise error, query string, args ...any) error {
	n, err := exec(ctx, q, query, args...)
	if err == nil && n != 1 {
		return otherwise
	}
	return err
}

// timeLayout is how SQLite stores an instant: fixed width, so that text order is time order.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// ts binds an instant: UTC microseconds as text, which both engines take; the zero time is NULL.
func ts(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format(timeLayout)
}

// instant scans an instant from either engine; NULL is the zero time.
type instant struct{ t *time.Time }

func (i instant) Scan(src any) (err error) {
	switch v := src.(type) {
	case nil:
		*i.t = time.Time{}
	case time.Time:
		*i.t = v.UTC()
	case string:
		*i.t, err = time.Parse(timeLayout, v)
	default:
		err = fmt.Errorf("instant column holds %T", src)
	}
	return err
}

// at scans into t.
func at(t *time.Time) instant { return instant{t} }

// null binds "" as NULL, for references that may be missing.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// text scans NULL as "".
type textOrNull struct{ s *string }

func (n textOrNull) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*n.s = ""
	case string:
		*n.s = v
	case []byte:
		*n.s = string(v)
	default:
		return fmt.Errorf("text column holds %T", src)
	}
	return nil
}

// opt scans a column that may be NULL into s.
func opt(s *string) textOrNull { return textOrNull{s} }

// asJSON binds a document; our nouns always marshal.
func asJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// document scans JSON text into v.
type document struct{ v any }

func (d document) Scan(src any) error {
	var b []byte
	switch v := src.(type) {
	case nil:
		return nil
	case string:
		b = []byte(v)
	case []byte:
		b = v
	default:
		return fmt.Errorf("document column holds %T", src)
	}
	if len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, d.v)
}

// into scans a JSON column into v.
func into(v any) document { return document{v} }

// civil scans a day; "" is the zero day.
type civil struct{ d *duoyun.Date }

func (c civil) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("day column holds %T", src)
	}
	return c.d.UnmarshalText([]byte(s))
}

func day(d *duoyun.Date) civil { return civil{d} }

// spec scans the JSON of a spec whose kind was scanned before it; null is nil.
func decodeSpec(kind duoyun.Kind, raw string) (duoyun.Spec, error) {
	if raw == "" || raw == "null" {
		return nil, nil
	}
	return duoyun.DecodeSpec(kind, []byte(raw))
}

// where builds the WHERE clause of a listing; conditions are constants of this package with $? for each argument.
type where struct {
	conds []string
	args  []any
}

// and adds a condition; every $? takes the next argument.
func (w *where) and(cond string, args ...any) {
	for _, a := range args {
		w.args = append(w.args, a)
		cond = strings.Replace(cond, "$?", fmt.Sprintf("$%d", len(w.args)), 1)
	}
	w.conds = append(w.conds, cond)
}

// bind adds an argument and returns its placeholder.
func (w *where) bind(a any) string {
	w.args = append(w.args, a)
	return fmt.Sprintf("$%d", len(w.args))
}

// scope keeps the rows the caller may see: agencies by the ancestor column of their depth below alias, suppliers by
// the given condition, which holds one $?; "" means that a supplier sees none.
func (w *where) scope(s duoyun.Scope, alias, supplierCond string) {
	if s.All {
		return
	}
	var any []string
	for _, g := range s.Agencies {
		if g.Depth >= 1 && g.Depth <= duoyun.MaxDepth {
			any = append(any, fmt.Sprintf("%sa%d = %s", alias, g.Depth, w.bind(g.AgencyID)))
		}
	}
	for _, id := range s.Suppliers {
		if supplierCond != "" {
			any = append(any, strings.Replace(supplierCond, "$?", w.bind(id), 1))
		}
	}
	if len(any) == 0 {
		any = []string{"1 = 0"}
	}
	w.conds = append(w.conds, "("+strings.Join(any, " OR ")+")")
}

// page keeps the rows below the cursor, newest first, and returns the closing clause. It fetches one row more than the
// page holds, from which duoyun.Paged knows whether another follows.
func (w *where) page(column string, p duoyun.Page) string {
	if p.After != "" {
		w.and(column+" < $?", p.After)
	}
	return fmt.Sprintf(" ORDER BY %s DESC LIMIT %d", column, p.Size()+1)
}

func (w *where) String() string {
	if len(w.conds) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(w.conds, " AND ")
}
