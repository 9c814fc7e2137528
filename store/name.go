package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/duoyun/duoyun"
)

// named lists where people's names of rows are kept: the columns with code or number, and with the name.
func named(noun string) (table, code, name string, ok bool) {
	switch noun {
	case "agency":
		return "agencies", "code", "name", true
	case "system":
		return "systems", "code", "name", true
	case "project":
		return "projects", "number", "name", true
	case "user":
		return "users", "login", "name", true
	case "supplier":
		return "suppliers", "code", "name", true
	case "pool":
		return "pools", "code", "name", true
	case "contract":
		return "contracts", "number", "name", true
	case "order":
		return "orders", "number", "number", true
	case "resource":
		return "resources", "coalesce(number, '')", "name", true
	}
	return "", "", "", false
}

// maxNamed bounds the ids of one query; a page of a listing names fewer of one noun.
const maxNamed = 1000

// Names tells what people call rows, by id; ids that are not there are left out. It asks nobody's scope: callers name
// only what a row they may see refers to.
func (s *Store) Names(ctx context.Context, noun string, ids []string) (map[string]duoyun.Name, error) {
	table, code, name, ok := named(noun)
	if !ok {
		return nil, fmt.Errorf("names of %q are not kept", noun)
	}
	out := make(map[string]duoyun.Name, len(ids))
	for len(ids) > 0 {
		n := min(len(ids), maxNamed)
		var w where
		marks := make([]string, n)
		for i, id := range ids[:n] {
			marks[i] = w.bind(id)
		}
		err := each(ctx, s.reader(), func(r row) error {
			var id string
			var v duoyun.Name
			err := r.Scan(&id, &v.Code, &v.Name)
			out[id] = v
			return err
		}, "SELECT id, "+code+", "+name+" FROM "+table+" WHERE id IN ("+strings.Join(marks, ", ")+")", w.args...)
		if err != nil {
			return nil, err
		}
		ids = ids[n:]
	}
	return out, nil
}
