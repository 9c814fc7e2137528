// Package store holds all SQL: one file a noun, one query text for PostgreSQL and SQLite. Its methods take the
// transaction where they write or lock; methods without one read, and may not be called inside InTx.
package store

import (
	"context"
	"crypto/cipher"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
	"github.com/riverqueue/river"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/duoyun/duoyun"
)

// Engine is the database engine behind a store.
type Engine string

// The engines.
const (
	PostgreSQL Engine = "postgres"
	SQLite     Engine = "sqlite"
)

// Store keeps everything in one database. It is safe for concurrent use.
type Store struct {
	Engine  Engine
	write   *sql.DB // transactions and River
	read    *sql.DB // lists and exports
	queue   *river.Client[*sql.Tx]
	numbers *numbers // nil on SQLite, where one transaction writes at a time
	now     duoyun.Clock
	strict  *nesting // nil outside tests

	sealing cipher.AEAD // nil without a seal key
	sealKey []byte      // what Derive derives from
}

// Options of Open; the zero value works.
type Options struct {
	Clock    duoyun.Clock // real time; default time.Now
	MaxConns int          // PostgreSQL connections; default 32
	SealKey  []byte       // 32 bytes: seals secrets at rest; without it no secret can be kept
	Strict   bool         // for tests: calls inside InTx that do not take its transaction panic
}

// Open connects to a database: a postgres:// URL, or the path of an SQLite file, which is made where it is missing.
// Run Migrate before anything else.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	s := &Store{now: o.Clock, sealKey: slices.Clone(o.SealKey)}
	if s.now == nil {
		s.now = time.Now
	}
	if o.Strict {
		s.strict = newNesting()
	}
	var err error
	if s.sealing, err = newSeal(o.SealKey); err != nil {
		return nil, err
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		err = s.openPostgres(dsn, o)
	} else {
		err = s.openSQLite(dsn)
	}
	if err != nil {
		return nil, err
	}
	if err := s.write.PingContext(ctx); err != nil {
		s.Close()
		return nil, duoyun.Fail(duoyun.CodeUnavailable, "database", "无法连接数据库", "the database cannot be reached").Because(err)
	}
	return s, s.openQueue()
}

func (s *Store) openPostgres(dsn string, o Options) (err error) {
	s.Engine = PostgreSQL
	if s.write, err = openPipelined(dsn); err != nil {
		return err
	}
	conns := max(o.MaxConns, 2) // Migrate keeps one while it works with another
	if o.MaxConns == 0 {
		conns = 32
	}
	s.write.SetMaxOpenConns(conns)
	s.write.SetMaxIdleConns(conns)
	s.read = s.write
	counters, err := sql.Open("pgx", dsn)
	if err != nil {
		return err
	}
	counters.SetMaxOpenConns(1)
	s.numbers = &numbers{db: counters}
	return nil
}

// openSQLite opens the file twice: one connection that writes, each transaction taking the lock at its start, and four
// that only read. Without the immediate lock most contended transactions fail.
func (s *Store) openSQLite(path string) (err error) {
	s.Engine = SQLite
	if err := private(path); err != nil {
		return err
	}
	common := url.Values{"_pragma": {"busy_timeout(10000)", "foreign_keys(1)", "journal_mode(WAL)", "synchronous(FULL)"}}
	write := url.Values{"_txlock": {"immediate"}, "_pragma": common["_pragma"]}
	read := url.Values{"_pragma": append([]string{"query_only(1)"}, common["_pragma"]...)}
	if s.write, err = sql.Open("sqlite", "file:"+path+"?"+write.Encode()); err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	if err := s.write.Ping(); err != nil { // creates the file before the readers open it
		return err
	}
	if s.read, err = sql.Open("sqlite", "file:"+path+"?"+read.Encode()); err != nil {
		return err
	}
	s.read.SetMaxOpenConns(4)
	s.read.SetMaxIdleConns(4)
	return nil
}

// private makes a missing file for its owner's eyes only: it holds everybody's orders. SQLite gives the files beside it
// (-wal, -shm) the same mode. A file that is there keeps the mode that somebody gave it.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return duoyun.Fail(duoyun.CodeUnavailable, "database", "数据库文件无法打开：%s", "the database file cannot be opened: %s", path).Because(err)
	}
	return f.Close()
}

// Close closes the connections.
func (s *Store) Close() error {
	if s.read != s.write && s.read != nil {
		_ = s.read.Close()
	}
	if s.numbers != nil {
		_ = s.numbers.db.Close()
	}
	return s.write.Close()
}

// Ready reports whether the database answers.
func (s *Store) Ready(ctx context.Context) error { return s.reader().PingContext(ctx) }

// DB returns the writing connection pool, for River's drivers alone.
func (s *Store) DB() *sql.DB { return s.write }

// reader returns the connections for reads outside transactions.
func (s *Store) reader() *sql.DB {
	s.strict.refuse()
	return s.read
}

const maxTries = 5

// InTx runs f in one transaction and commits it when f returns nil. On a serialisation failure, deadlock or busy
// database the whole closure runs again, at most 5 times: it must have no outside effect. Inside f only methods that
// take the transaction may be called.
func (s *Store) InTx(ctx context.Context, f func(tx *sql.Tx) error) error {
	s.strict.enter()
	defer s.strict.leave()
	for try := 1; ; try++ {
		err := s.once(ctx, f)
		if err == nil || try == maxTries || !transient(err) {
			return err
		}
		if err := pause(ctx, time.Duration(rand.IntN(10*try)+1)*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *Store) once(ctx context.Context, f func(tx *sql.Tx) error) error {
	tx, err := s.write.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// transient reports whether the engine asks for the transaction to be run again.
func transient(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}

// duplicate reports whether err is a unique violation, by code on both engines.
func duplicate(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && (lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY)
}

// lock makes a SELECT take its rows' locks; SQLite's transaction holds the whole database already.
func (s *Store) lock(query string) string {
	if s.Engine == PostgreSQL {
		return query + " FOR UPDATE"
	}
	return query
}
