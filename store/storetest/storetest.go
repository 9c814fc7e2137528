// Package storetest runs one suite over every engine: SQLite in a temporary file, and PostgreSQL in a fresh database of
// the server that DUOYUN_TEST_PG names. Schemas are migrated once and copied, at a tenth of the cost.
package storetest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store"
)

// Each runs f once per engine as a parallel subtest, with a migrated store of its own. A missing PostgreSQL is a
// failure that names the command which mends it; it is never a skip.
func Each(t *testing.T, f func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); f(t, SQLite(t, nil)) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); f(t, PostgreSQL(t, nil)) })
}

// SQLite returns a migrated store in a temporary file.
func SQLite(t testing.TB, clock duoyun.Clock) *store.Store {
	t.Helper()
	file, err := sqliteTemplate()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "duoyun.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return Open(t, path, clock)
}

// PostgreSQL returns a migrated store in a fresh database, dropped when the test ends.
func PostgreSQL(t testing.TB, clock duoyun.Clock) *store.Store {
	t.Helper()
	return Open(t, Database(t), clock)
}

// Database makes a fresh, migrated PostgreSQL database and returns its URL.
func Database(t testing.TB) string {
	t.Helper()
	template, err := postgresTemplate()
	if err != nil {
		t.Fatal(err)
	}
	return create(t, "TEMPLATE "+template)
}

// EmptyDatabase makes a fresh PostgreSQL database without any table, sorted as people of a country sort (ICU locale, such
// as zh) rather than by bytes, and returns its URL.
func EmptyDatabase(t testing.TB, locale string) string {
	t.Helper()
	return create(t, "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE '"+locale+"'")
}

// create makes a database that is dropped when the test ends.
func create(t testing.TB, how string) string {
	t.Helper()
	admin, err := sql.Open("pgx", server())
	if err != nil {
		t.Fatal(err)
	}
	name := "t" + strings.ReplaceAll(duoyun.NewID(time.Now()), "-", "")
	if _, err := admin.Exec("CREATE DATABASE " + name + " " + how); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = admin.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
		_ = admin.Close()
	})
	return databaseURL(name)
}

// Open opens a store as tests have it: calls inside InTx that do not take its transaction panic.
func Open(t testing.TB, dsn string, clock duoyun.Clock) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), dsn, store.Options{Clock: clock, MaxConns: 16, Strict: true, SealKey: sealKey()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func sealKey() []byte { return []byte("a key of 32 bytes, for tests only")[:32] }

func server() string { return os.Getenv("DUOYUN_TEST_PG") }

func databaseURL(name string) string {
	u, err := url.Parse(server())
	if err != nil {
		return ""
	}
	u.Path = "/" + name
	return u.String()
}

// sqliteTemplate migrates one file for the whole test binary.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "duoyun-template")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "template.db")
	if err := migrate(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// postgresTemplate migrates one database for every test binary that has the same schema; the first to come makes it.
var postgresTemplate = sync.OnceValues(func() (string, error) {
	if server() == "" {
		return "", errors.New("DUOYUN_TEST_PG is not set: run `make test`, or `deploy/test/with-services go test ./...`")
	}
	ctx, name := context.Background(), "template_"+store.SchemaDigest()
	admin, err := sql.Open("pgx", server())
	if err != nil {
		return "", err
	}
	defer admin.Close()
	conn, err := admin.Conn(ctx)
	if err != nil {
		return "", fmt.Errorf("DUOYUN_TEST_PG: %w", err)
	}
	defer conn.Close() // gives the lock back
	const makingTemplate = 7301
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock($1)", makingTemplate); err != nil {
		return "", err
	}
	var there bool
	if err := conn.QueryRowContext(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil || there {
		return name, err
	}
	half := name + "_half"
	for _, q := range []string{"DROP DATABASE IF EXISTS " + half, "CREATE DATABASE " + half + " TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return "", err
		}
	}
	if err := migrate(databaseURL(half)); err != nil {
		return "", err
	}
	_, err = conn.ExecContext(ctx, "ALTER DATABASE "+half+" RENAME TO "+name)
	return name, err
})

func migrate(dsn string) error {
	s, err := store.Open(context.Background(), dsn, store.Options{})
	if err != nil {
		return err
	}
	return errors.Join(s.Migrate(context.Background()), s.Close())
}
