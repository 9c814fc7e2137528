package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/duoyun/duoyun"
)

//go:embed migrations/postgres/*.sql migrations/sqlite/*.sql
var migrations embed.FS

// Migrate brings the schema up to date, River's tables included. Migrations go forward only and are safe for the
// previous release, so that replicas may be replaced one by one. Several processes may call it at once.
func (s *Store) Migrate(ctx context.Context) error {
	if s.Engine == SQLite {
		return s.migrateSQLite(ctx)
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer conn.Close()
	const migrating = 7302 // one process at a time; the others then find nothing left to do
	if _, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrating); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), `SELECT pg_advisory_unlock($1)`, migrating)
	}()
	return s.migrate(ctx)
}

// migrateSQLite tries again where another process that started at the same moment was ahead: SQLite has no lock that
// outlives a transaction, and whoever comes late fails on the tables that are there by then.
func (s *Store) migrateSQLite(ctx context.Context) error {
	for try := 1; ; try++ {
		err := s.migrate(ctx)
		if err == nil || try == maxTries {
			return err
		}
		if err := pause(ctx, time.Duration(try)*50*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *Store) migrate(ctx context.Context) error {
	dialect := goose.DialectPostgres
	if s.Engine == SQLite {
		dialect = goose.DialectSQLite3
	}
	folder, err := fs.Sub(migrations, "migrations/"+string(s.Engine))
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(dialect, s.write, folder, goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	m, err := rivermigrate.New(s.riverDriver(), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("migrate river: %w", err)
	}
	return nil
}

func (s *Store) riverDriver() riverdriver.Driver[*sql.Tx] {
	if s.Engine == SQLite {
		return riversqlite.New(s.write)
	}
	return riverdatabasesql.New(s.write)
}

// openQueue makes the client that only inserts jobs; package jobs runs the one that works them.
func (s *Store) openQueue() (err error) {
	s.queue, err = river.NewClient(s.riverDriver(), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	return err
}

// Enqueue inserts jobs in the transaction of the rows they are about.
func (s *Store) Enqueue(ctx context.Context, tx *sql.Tx, jobs ...duoyun.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(jobs))
	for i, j := range jobs {
		params[i] = river.InsertManyParams{Args: j, InsertOpts: &river.InsertOpts{Queue: j.Kind(), MaxAttempts: 25}}
	}
	_, err := s.queue.InsertManyFastTx(context.WithValue(ctx, waitKey{}, &wait{}), tx, params)
	return err
}

// SchemaDigest names the schema: databases migrated by binaries of the same digest are alike.
func SchemaDigest() string {
	h := sha256.New()
	for _, engine := range []Engine{PostgreSQL, SQLite} {
		names, err := fs.Glob(migrations, "migrations/"+string(engine)+"/*.sql")
		if err != nil {
			panic(err) // the pattern is a constant
		}
		for _, name := range names {
			b, err := migrations.ReadFile(name)
			if err != nil {
				panic(err) // embedded
			}
			h.Write(b)
		}
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
