package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// busy gives the error of an SQLite file that another connection is writing.
func busy(t *testing.T) error {
	t.Helper()
	dsn := "file:" + filepath.Join(t.TempDir(), "busy.db") + "?_txlock=immediate"
	a, err := sql.Open("sqlite", dsn)
	ok(t, err)
	defer a.Close()
	b, err := sql.Open("sqlite", dsn)
	ok(t, err)
	defer b.Close()
	tx, err := a.Begin()
	ok(t, err)
	defer func() { _ = tx.Rollback() }()
	if _, err = b.Begin(); err == nil {
		t.Fatal("two transactions write at once")
	}
	return err
}

func TestATransactionRunsAgainOnlyWhenTheEngineAsksForIt(t *testing.T) {
	t.Parallel()
	asks := map[string]error{"serialisation": &pgconn.PgError{Code: "40001"}, "deadlock": &pgconn.PgError{Code: "40P01"},
		"busy": busy(t), "wrapped": fmt.Errorf("place: %w", fmt.Errorf("exec: %w", &pgconn.PgError{Code: "40001"}))}
	asksNot := map[string]error{"unique violation": &pgconn.PgError{Code: "23505"}, "cancelled by the server": &pgconn.PgError{Code: "57014"},
		"a refusal": duoyun.Fail(duoyun.CodeConflict, "", "x", "x"), "text only": errors.New("40001 deadlock detected SQLITE_BUSY")}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		run := func(err error, failures int) (runs int, got error) {
			got = s.InTx(ctx, func(tx *sql.Tx) error {
				runs++
				if e := s.SetSetting(ctx, tx, fmt.Sprint("run ", runs), "written"); e != nil {
					return e
				}
				if runs <= failures {
					return err
				}
				return nil
			})
			return runs, got
		}
		for name, err := range asks {
			for _, failures := range []int{1, 4, 5, 100} {
				runs, got := run(err, failures)
				if runs != min(failures+1, 5) || (got == nil) != (failures < 5) || failures >= 5 && !errors.Is(got, err) {
					t.Errorf("%s %d times: %d runs, %v", name, failures, runs, got)
				}
			}
		}
		for name, err := range asksNot {
			if runs, got := run(err, 1); runs != 1 || !errors.Is(got, err) {
				t.Errorf("%s: %d runs, %v", name, runs, got)
			}
		}
		for n, want := range map[int]string{1: "", 2: "written", 3: "", 4: "", 5: "written"} { // the runs that were committed
			if v, err := s.Setting(ctx, fmt.Sprint("run ", n)); v != want || err != nil {
				t.Errorf("run %d left %q, %v", n, v, err)
			}
		}
	})
}

func TestTransactionsThatDeadlockBothSucceed(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.PostgreSQL(t, nil))
	ids := []string{b.ID(storetest.HRSS), b.ID(storetest.Edu)}
	var met sync.WaitGroup
	met.Add(2)
	var runs atomic.Int64
	together(2, func(i int) {
		first := true
		err := b.InTx(b.ctx, func(tx *sql.Tx) error {
			runs.Add(1)
			if _, err := tx.Exec(`SET LOCAL deadlock_timeout = '10ms'`); err != nil {
				return err
			}
			for step, id := range []string{ids[i], ids[1-i]} {
				if _, err := tx.Exec(`UPDATE agencies SET name = name || 'x' WHERE id = $1`, id); err != nil {
					return fmt.Errorf("rename: %w", err)
				}
				if step == 0 && first {
					first = false
					met.Done()
					met.Wait()
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	if n := b.count(`SELECT COUNT(*) FROM agencies WHERE name LIKE '%xx'`); n != 2 || runs.Load() < 3 {
		t.Errorf("%d of 2 agencies renamed twice, in %d runs", n, runs.Load())
	}
}

func TestATransactionThatFailsOrPanicsLeavesNothingAndHoldsNothing(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		gone, cancel := context.WithCancel(b.ctx)
		ends := map[string]func(){
			"error": func() {},
			"panic": func() { panic("in the middle") },
			"the caller went": func() {
				cancel()
			},
		}
		for name, end := range ends {
			func() {
				defer func() { _ = recover() }()
				err := b.InTx(gone, func(tx *sql.Tx) error {
					_ = b.SetSetting(b.ctx, tx, name, "half done")
					_ = b.Audit(b.ctx, tx, duoyun.AuditEntry{Action: name})
					_, _ = b.NextNumber(b.ctx, tx, duoyun.NumberOrder, b.ID(storetest.HRSS), day)
					_ = b.Enqueue(b.ctx, tx, wake{})
					end()
					return errors.New("no")
				})
				if err == nil {
					t.Errorf("%s: committed", name)
				}
			}()
			if v, err := b.Setting(b.ctx, name); v != "" || err != nil { // would wait for ever if a connection was kept
				t.Errorf("%s left %q, %v", name, v, err)
			}
		}
		for _, table := range []string{"audit_entries", "river_job", "settings"} { // counters may: numbers have gaps
			if n := b.count(`SELECT COUNT(*) FROM ` + table); n != 0 {
				t.Errorf("%d rows in %s", n, table)
			}
		}
	})
}

type wake struct {
	ID string `json:"id"`
}

func (wake) Kind() string { return "wake" }

func TestAJobIsInsertedWithTheRowItIsAbout(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.tx(func(tx *sql.Tx) error {
			return errors.Join(b.Enqueue(b.ctx, tx), b.Enqueue(b.ctx, tx, wake{"a"}, wake{"b"}))
		})
		if n := b.count(`SELECT COUNT(*) FROM river_job WHERE kind = 'wake' AND queue = 'wake' AND state = 'available'`); n != 2 {
			t.Errorf("%d jobs", n)
		}
	})
}

// Every method that does not take the transaction refuses to be called inside one: it would wait for ever on SQLite and
// exhaust PostgreSQL's connections. Methods are found by their signature, so that a new one is asked too.
func TestCallsThatDoNotTakeTheTransactionAreRefusedInsideIt(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		v, asked := reflect.ValueOf(b.Store), 0
		for i := range v.NumMethod() {
			name, m := v.Type().Method(i).Name, v.Method(i)
			if m.Type().NumIn() == 0 || m.Type().In(0) != reflect.TypeFor[context.Context]() || name == "Migrate" || name == "OpenWorkOrder" || takesTx(m.Type()) {
				continue
			}
			if name == "SharedClock" && b.Engine == store.SQLite {
				continue // an embedded database is not asked for the time
			}
			asked++
			if said := insideTx(b, m); !strings.Contains(said, "does not take its transaction") {
				t.Errorf("%s inside InTx: %s", name, said)
			}
		}
		if asked < 40 {
			t.Errorf("only %d methods were asked", asked)
		}
		_, err := b.FindAgency(b.ctx, all(), storetest.City) // and outside it all is as before
		ok(t, err)
	})
}

func takesTx(m reflect.Type) bool {
	for i := range m.NumIn() {
		if m.In(i) == reflect.TypeFor[*sql.Tx]() {
			return true
		}
	}
	return false
}

// insideTx calls a method inside a transaction and returns what it panicked with.
func insideTx(b *bench, m reflect.Value) (said string) {
	ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
	defer cancel()
	args := make([]reflect.Value, m.Type().NumIn())
	for i := range args {
		args[i] = reflect.Zero(m.Type().In(i))
		switch m.Type().In(i) {
		case reflect.TypeFor[context.Context]():
			args[i] = reflect.ValueOf(ctx)
		case reflect.TypeFor[[]string]():
			args[i] = reflect.ValueOf([]string{"x"})
		case reflect.TypeFor[map[string][]string]():
			args[i] = reflect.ValueOf(map[string][]string{"agency": {"x"}})
		case reflect.TypeFor[func(*sql.Tx) error]():
			args[i] = reflect.ValueOf(func(*sql.Tx) error { return nil })
		}
	}
	defer func() {
		if p := recover(); p != nil {
			said = fmt.Sprint(p)
		}
	}()
	_ = b.InTx(b.ctx, func(*sql.Tx) error {
		out := m.Call(args)
		said = fmt.Sprint("it answered ", out[len(out)-1])
		return nil
	})
	return said
}
