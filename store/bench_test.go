package store_test

import (
	"context"
	"database/sql"
	"reflect"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// day is when the rows of these tests were made.
var day = time.Date(2026, 11, 25, 1, 2, 3, 456789000, time.UTC)

func all() duoyun.Scope { return duoyun.Scope{All: true} }

// bench is a city on one engine.
type bench struct {
	*storetest.World
	*store.Store
	t   *testing.T
	ctx context.Context
	at  time.Time // of new ids; day unless a test moves it
}

// each runs f on both engines with a city of its own.
func each(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) { f(t, newBench(t, s)) })
}

func newBench(t *testing.T, s *store.Store) *bench {
	return &bench{World: storetest.NewWorld(t, s), Store: s, t: t, ctx: context.Background(), at: day}
}

// clocked is each with stores that tell the time by a clock the test moves.
func clocked(t *testing.T, f func(t *testing.T, b *bench, c *clock)) {
	t.Helper()
	t.Parallel()
	for name, open := range map[string]func(testing.TB, duoyun.Clock) *store.Store{"sqlite": storetest.SQLite, "postgres": storetest.PostgreSQL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClock()
			f(t, newBench(t, open(t, c.Now)), c)
		})
	}
}

func (b *bench) tx(f func(tx *sql.Tx) error) {
	b.t.Helper()
	ok(b.t, b.InTx(b.ctx, f))
}

// count reads one number.
func (b *bench) count(query string, args ...any) (n int64) {
	b.t.Helper()
	b.tx(func(tx *sql.Tx) error { return tx.QueryRow(query, args...).Scan(&n) })
	return n
}

func (b *bench) exec(query string, args ...any) {
	b.t.Helper()
	b.tx(func(tx *sql.Tx) error { _, err := tx.Exec(query, args...); return err })
}

// property checks f for values of its own choice, fewer under the race detector.
func property(t *testing.T, f func(t *rapid.T)) {
	t.Helper()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		if runs++; runs <= propertyRuns {
			f(t)
		}
	})
}

// together runs f in n goroutines at once, numbered from 0.
func together(n int, f func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() { <-start; f(i) })
	}
	close(start)
	all.Wait()
}

// failer is a test, or one run of a property.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

func ok(t failer, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t failer, err error, code duoyun.Code) {
	t.Helper()
	if got := duoyun.CodeOf(err); got != code {
		t.Fatalf("code %q, want %q (%v)", got, code, err)
	}
}

func same(t failer, what string, got, want any) {
	t.Helper()
	if reflect.DeepEqual(got, want) {
		return
	}
	if g, w := reflect.ValueOf(got), reflect.ValueOf(want); g.Kind() == reflect.Struct && g.Type() == w.Type() {
		for i := range g.NumField() { // the fields that differ
			if f := g.Type().Field(i); f.IsExported() {
				same(t, what+"."+f.Name, g.Field(i).Interface(), w.Field(i).Interface())
			}
		}
		return
	}
	t.Errorf("%s:\n got %+v\nwant %+v", what, got, want)
}

func newID() string { return duoyun.NewID(day) }

func (b *bench) newID() string { return duoyun.NewID(b.at) }

// anOrder is an order that hrss-applicant wrote for an agency.
func (b *bench) anOrder(agencyID string) duoyun.Order {
	o := duoyun.Order{ID: b.newID(), State: duoyun.OrderPlacing, AgencyID: agencyID, PayerID: agencyID,
		ApplicantID: b.ID("hrss-applicant"), CreatedAt: day, UpdatedAt: day}
	o.Number, o.Requested.Form = "单-"+o.ID, duoyun.FormOpen
	return o
}

// aServer is a server of an agency in a pool of telecom-suqian.
func (b *bench) aServer(agencyID string) duoyun.Resource {
	return duoyun.Resource{ID: b.newID(), Line: "app", Ordinal: 1, Kind: duoyun.KindServer, Name: "app", AgencyID: agencyID, PayerID: agencyID,
		SupplierID: b.ID("telecom-suqian"), PoolID: b.ID("telecom-1"), ContractID: b.ID("SQ-C-1"), State: duoyun.ResourceRunning,
		Spec: duoyun.ServerSpec{VCPU: 1, RAMGiB: 1, SystemDiskGiB: 20, Image: "kylin-v10"}, CreatedAt: day, UpdatedAt: day}
}

// orders writes an order with n servers and returns it with their ids, in the order of the ids.
func (b *bench) order(n int, change ...func(i int, r *duoyun.Resource)) (duoyun.Order, []duoyun.Resource) {
	b.t.Helper()
	o := b.anOrder(b.ID(storetest.HRSS))
	rs := make([]duoyun.Resource, n)
	for i := range rs {
		rs[i] = b.aServer(o.AgencyID)
		rs[i].OrderID, rs[i].Ordinal = o.ID, i+1
		for _, f := range change {
			f(i, &rs[i])
		}
	}
	b.tx(func(tx *sql.Tx) error {
		if err := b.InsertOrder(b.ctx, tx, o); err != nil {
			return err
		}
		return b.InsertResources(b.ctx, tx, rs)
	})
	return o, rs
}

func (b *bench) anIntent(r duoyun.Resource, state duoyun.IntentState) duoyun.Intent {
	return duoyun.Intent{ID: b.newID(), OrderID: r.OrderID, ResourceID: r.ID, PoolID: r.PoolID, Kind: r.Kind, Op: duoyun.OpCreate,
		After: r.Spec, State: state, CreatedAt: day, UpdatedAt: day, WakeAt: day}
}
