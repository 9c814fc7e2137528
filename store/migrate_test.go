package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// schema lists, a line each, the tables of ours with their columns, keys and indexes, in words both engines share.
func schema(t *testing.T, s *store.Store) []string {
	t.Helper()
	queries := []string{
		`SELECT m.name || ' strict' FROM sqlite_master m JOIN pragma_table_list l ON l.name = m.name WHERE m.type = 'table' AND l.strict = 1`,
		`SELECT m.name || '.' || c.name || ' ' || c.type || CASE WHEN c."notnull" = 1 OR c.pk > 0 THEN ' not null' ELSE '' END
			FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'`,
		`SELECT m.name || '.' || f."from" || ' -> ' || f."table" FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`,
		`SELECT m.name || ' index ' || CASE WHEN i."unique" = 1 THEN 'unique ' ELSE '' END || CASE WHEN i.partial = 1 THEN 'partial ' ELSE '' END ||
			(SELECT group_concat(name, ',') FROM (SELECT x.name FROM pragma_index_info(i.name) x ORDER BY x.seqno))
			FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table'`,
	}
	if s.Engine == store.PostgreSQL {
		queries = []string{
			`SELECT tablename || ' strict' FROM pg_tables WHERE schemaname = 'public'`,
			`SELECT table_name || '.' || column_name || ' ' || CASE data_type WHEN 'text' THEN 'TEXT' WHEN 'timestamp with time zone' THEN 'TEXT'
				WHEN 'bigint' THEN 'INTEGER' WHEN 'boolean' THEN 'INTEGER' WHEN 'bytea' THEN 'BLOB' ELSE data_type END ||
				CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END FROM information_schema.columns WHERE table_schema = 'public'`,
			`SELECT c.conrelid::regclass || '.' || a.attname || ' -> ' || c.confrelid::regclass FROM pg_constraint c
				JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'`,
			`SELECT i.indrelid::regclass || ' index ' || CASE WHEN i.indisunique THEN 'unique ' ELSE '' END || CASE WHEN i.indpred IS NOT NULL THEN 'partial ' ELSE '' END ||
				(SELECT string_agg(a.attname, ',' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k(att, n)
					JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.att)
				FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'`,
		}
	}
	var lines []string
	for _, q := range queries {
		lines = append(lines, texts(t, s, q)...)
	}
	lines = slices.DeleteFunc(lines, func(l string) bool {
		return strings.HasPrefix(l, "river_") || strings.HasPrefix(l, "goose_") || strings.HasPrefix(l, "sqlite_")
	})
	slices.Sort(lines)
	return lines
}

func texts(t *testing.T, s *store.Store, query string) (out []string) {
	t.Helper()
	ok(t, s.InTx(context.Background(), func(tx *sql.Tx) error {
		rows, err := tx.Query(query)
		if err != nil {
			return fmt.Errorf("%s: %w", query, err)
		}
		defer rows.Close()
		for rows.Next() {
			var v string
			if err := rows.Scan(&v); err != nil {
				return err
			}
			out = append(out, v)
		}
		return rows.Err()
	}))
	return out
}

func TestBothEnginesHaveTheSameTablesColumnsKeysAndIndexes(t *testing.T) {
	t.Parallel()
	lite, pg := schema(t, storetest.SQLite(t, nil)), schema(t, storetest.PostgreSQL(t, nil))
	if len(lite) < 300 {
		t.Fatalf("only %d lines of schema", len(lite))
	}
	for _, l := range lite {
		if !slices.Contains(pg, l) {
			t.Errorf("SQLite alone has: %s", l)
		}
	}
	for _, l := range pg {
		if !slices.Contains(lite, l) {
			t.Errorf("PostgreSQL alone has: %s", l)
		}
	}
}

func TestMigratingAgainChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		before, rows := schema(t, b.Store), b.count(`SELECT COUNT(*) FROM agencies`)
		done := b.count(`SELECT COUNT(*) FROM goose_db_version`)
		ok(t, b.Migrate(b.ctx))
		same(t, "schema", schema(t, b.Store), before)
		if n := b.count(`SELECT COUNT(*) FROM agencies`); n != rows || n == 0 {
			t.Errorf("%d agencies, %d before", n, rows)
		}
		if n := b.count(`SELECT COUNT(*) FROM goose_db_version`); n != done {
			t.Errorf("%d migrations, %d before", n, done)
		}
	})
}

// Replicas that start together, all on an empty database, find it migrated once.
func TestSeveralProcessesMayMigrateAtOnce(t *testing.T) {
	t.Parallel()
	for engine, place := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "new.db") },
		"postgres": func(t *testing.T) string { return storetest.EmptyDatabase(t, "zh") },
	} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			dsn := place(t)
			together(5, func(int) {
				s, err := store.Open(t.Context(), dsn, store.Options{})
				if err == nil {
					defer s.Close()
					err = s.Migrate(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			})
			s := storetest.Open(t, dsn, nil)
			if n := texts(t, s, `SELECT CAST(MAX(n) AS TEXT) FROM (SELECT COUNT(*) AS n FROM goose_db_version GROUP BY version_id) v`); n[0] != "1" {
				t.Errorf("a migration was run %s times", n[0])
			}
			newBench(t, s)
		})
	}
}

// A production database may have been made with any locale: what is listed in the order of its text is listed by bytes
// all the same, as on SQLite.
func TestTextIsOrderedByBytesWhateverTheDatabasesLocale(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t, storetest.EmptyDatabase(t, "zh"), nil)
	ok(t, s.Migrate(t.Context()))
	foreign := texts(t, s, `SELECT DISTINCT a.attrelid::regclass || '.' || a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
		JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int[])
		WHERE n.nspname = 'public' AND c.relname NOT LIKE 'river%' AND c.relname NOT LIKE 'goose%' AND a.atttypid = 'text'::regtype
		AND a.attcollation <> (SELECT oid FROM pg_collation WHERE collname = 'C') ORDER BY 1`)
	if len(foreign) > 0 {
		t.Errorf("indexed by the database's locale: %v", foreign)
	}
	for _, b := range []*bench{newBench(t, s), newBench(t, storetest.SQLite(t, nil))} {
		names := []string{"云", "a-1", "多", "B", "a1", "Z", "_", "z", "阿", "1", "ａ", "A"}
		o, _ := b.order(len(names), func(i int, r *duoyun.Resource) { r.Line = names[i] })
		b.tx(func(tx *sql.Tx) error {
			for _, n := range names {
				p := duoyun.Pool{ID: newID(), Code: n, SupplierID: b.ID("jd-suqian"), Active: true}
				if err := b.InsertPool(b.ctx, tx, p); err != nil {
					return err
				}
			}
			rs, err := b.OrderResources(b.ctx, tx, o.ID)
			var lines []string
			for _, r := range rs {
				lines = append(lines, r.Line)
			}
			same(t, string(b.Engine)+" lines", lines, slices.Sorted(slices.Values(names)))
			if err != nil {
				return err
			}
			offers, err := b.OffersAt(b.ctx, tx, day)
			var codes []string
			for _, x := range offers {
				codes = append(codes, x.Pool.Code)
			}
			if len(codes) != len(names)+3 || !slices.IsSorted(codes) {
				t.Errorf("%s pools: %q", b.Engine, codes)
			}
			return err
		})
	}
}
