// Package storetest runs one suite over every engine: SQLite in a temporary file, and PostgreSQL in a fresh database of
// the server that DUOYUN_TEST_PG names.
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
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
	return open(t, filepath.Join(t.TempDir(), "duoyun.db"), clock)
}

// PostgreSQL returns a migrated store in a fresh database, dropped when the test ends.
func PostgreSQL(t testing.TB, clock duoyun.Clock) *store.Store {
	t.Helper()
	return open(t, Database(t), clock)
}

// Database makes a fresh PostgreSQL database and returns its URL.
func Database(t testing.TB) string {
	t.Helper()
	dsn := os.Getenv("DUOYUN_TEST_PG")
	if dsn == "" {
		t.Fatal("DUOYUN_TEST_PG is not set: run `make test`, or `deploy/test/with-services go test ./...`")
	}
	admin, err := sql.Open("pgx", dsn)
	if err != nil {
		t.Fatal(err)
	}
	name := "t" + strings.ReplaceAll(duoyun.NewID(time.Now()), "-", "")
	if _, err := admin.Exec("CREATE DATABASE " + name + " TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_, _ = admin.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
		_ = admin.Close()
	})
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

func open(t testing.TB, dsn string, clock duoyun.Clock) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), dsn, store.Options{Clock: clock, MaxConns: 16, Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if err := s.Migrate(context.Background()); err != nil {
		t.Fatal(fmt.Errorf("migrate %s: %w", s.Engine, err))
	}
	return s
}
