package store

import (
	"context"
	"strconv"
	"strings"
)

// bulkArgs bounds the arguments of one statement: SQLite takes 32,766, PostgreSQL 65,535.
const bulkArgs = 16_000

// insertRows inserts many rows in few statements, which may run later; insert is the statement up to and including
// VALUES, and every row has as many values as it names columns.
func insertRows(ctx context.Context, q querier, check func(n int64, err error) error, insert string, rows [][]any) error {
	for len(rows) > 0 {
		n := min(len(rows), max(1, bulkArgs/len(rows[0])))
		query, args := multiRow(insert, rows[:n])
		if err := later(ctx, q, check, query, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// orDuplicate tells what a unique violation means.
func orDuplicate(otherwise error) func(int64, error) error {
	return func(_ int64, err error) error {
		if duplicate(err) {
			return otherwise
		}
		return err
	}
}

func multiRow(insert string, rows [][]any) (string, []any) {
	var b strings.Builder
	b.WriteString(insert)
	var args []any
	for i, row := range rows {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(" (")
		for j, v := range row {
			if j > 0 {
				b.WriteByte(',')
			}
			args = append(args, v)
			b.WriteByte('$')
			b.WriteString(strconv.Itoa(len(args)))
		}
		b.WriteByte(')')
	}
	return b.String(), args
}

// among writes column IN ($1, $2 …) for values that begin at the given argument; of no values nothing is one.
func among(column string, first int, n int) string {
	if n == 0 {
		return "1 = 0"
	}
	var b strings.Builder
	b.WriteString(column + " IN (")
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(first + i))
	}
	return b.String() + ")"
}

// anys makes strings bindable.
func anys(ss []string) []any {
	out := make([]any, len(ss))
	for i, s := range ss {
		out[i] = s
	}
	return out
}
