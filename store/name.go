package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
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

// Names tells what people call rows, by noun and id, in one query; ids that are not there are left out. It asks nobody's
// scope: callers name only what a row they may see refers to. A page names some thousands of rows at most.
func (s *Store) Names(ctx context.Context, wanted map[string][]string) (map[string]map[string]duoyun.Name, error) {
	out := make(map[string]map[string]duoyun.Name, len(wanted))
	var w where
	var parts []string
	for _, noun := range slices.Sorted(maps.Keys(wanted)) {
		table, code, name, ok := named(noun)
		if !ok {
			return nil, fmt.Errorf("names of %q are not kept", noun)
		}
		out[noun] = make(map[string]duoyun.Name, len(wanted[noun]))
		if len(wanted[noun]) == 0 {
			continue
		}
		marks := make([]string, len(wanted[noun]))
		for i, id := range wanted[noun] {
			marks[i] = w.bind(id)
		}
		parts = append(parts, "SELECT '"+noun+"', id, "+code+", "+name+" FROM "+table+" WHERE id IN ("+strings.Join(marks, ", ")+")")
	}
	if len(parts) == 0 {
		return out, nil
	}
	err := each(ctx, s.reader(), func(r row) error {
		var noun, id string
		var v duoyun.Name
		err := r.Scan(&noun, &id, &v.Code, &v.Name)
		if err == nil {
			out[noun][id] = v
		}
		return err
	}, strings.Join(parts, " UNION ALL "), w.args...)
	return out, err
}
