package broker_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/store/storetest"
)

// brittle is the shop's cloud, whose n-th read fails.
type brittle struct {
	*shop
	reads  int
	failAt int
	code   driver.Code
}

func (b *brittle) Cloud(context.Context, string) (*providers.Cloud, error) {
	return providers.NewCloud(duoyun.Pool{ID: b.world.ID("telecom-1"), Code: "telecom-1", SupplierID: b.world.ID("telecom-suqian")},
		driver.Account{}, brittleCloud{b.vendor, b}, providers.Options{}), nil
}

type brittleCloud struct {
	*vendor
	b *brittle
}

func (c brittleCloud) Kind(k duoyun.Kind) (driver.Resource, bool) {
	r, ok := c.vendor.Kind(k)
	return brittleResource{r, c.b}, ok
}

type brittleResource struct {
	driver.Resource
	b *brittle
}

func (r brittleResource) List(ctx context.Context, cursor string) (driver.Page, error) {
	if err := r.b.read(); err != nil {
		return driver.Page{}, err
	}
	return r.Resource.List(ctx, cursor)
}

func (r brittleResource) Observe(ctx context.Context, id string) (driver.Observation, error) {
	if err := r.b.read(); err != nil {
		return driver.Observation{}, err
	}
	return r.Resource.Observe(ctx, id)
}

func (b *brittle) read() error {
	if b.reads++; b.reads == b.failAt {
		return vendorError{b.code, "not now"}
	}
	return nil
}

func (b *brittle) reconcile(failAt int) (broker.Report, error) {
	b.reads, b.failAt = 0, failAt
	return broker.NewReconciler(b.store, b, b.clock.Now).Reconcile(context.Background(), b.world.Actor(b.t, "sysadmin"), "telecom-1")
}

// stand writes a resource that stands, without the purchase that made it, and the vendor's thing.
func (x *shop) stand(i int, spec duoyun.Spec) (duoyun.Resource, *thing) {
	x.t.Helper()
	now := x.clock.Now()
	r := duoyun.Resource{ID: duoyun.NewID(time.Now()), Line: fmt.Sprint("r", i), Ordinal: 1, Kind: spec.Kind(), Name: fmt.Sprint("r", i),
		AgencyID: x.world.ID(storetest.HRSS), PayerID: x.world.ID(storetest.Data), SupplierID: x.world.ID("telecom-suqian"),
		PoolID: x.world.ID("telecom-1"), State: duoyun.ResourceRunning, Spec: spec, VendorID: fmt.Sprintf("stands-%04d", i), CreatedAt: now, UpdatedAt: now}
	x.write(r)
	y := &thing{id: r.VendorID, mark: r.Mark(), step: string(r.Kind), kind: r.Kind, spec: spec, state: driver.Active}
	x.things = append(x.things, y)
	return r, y
}

func (x *shop) write(r duoyun.Resource) {
	x.t.Helper()
	x.tx(func(tx *sql.Tx) error { return x.store.InsertResources(context.Background(), tx, []duoyun.Resource{r}) })
	x.tx(func(tx *sql.Tx) error { return x.store.RecordVendor(context.Background(), tx, r) })
}

// diverge makes one thing, as recorded or not, and counts in want what is to be said of it.
func (x *shop) diverge(r *rand.Rand, i int, want *broker.Tally) {
	x.t.Helper()
	spec := []duoyun.Spec{aServer, duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}}[r.IntN(2)]
	res, y := x.stand(i, spec)
	want.Seen++
	switch r.IntN(8) {
	case 0: // gone at the vendor
		y.goneAt = x.clock.Now()
		want.Seen--
		want.Ghosts++
	case 1: // changed at the vendor
		y.spec = map[duoyun.Kind]duoyun.Spec{duoyun.KindServer: duoyun.ServerSpec{VCPU: 1, RAMGiB: 1}, duoyun.KindDisk: duoyun.DiskSpec{SizeGiB: 99}}[spec.Kind()]
		want.Drift++
	case 2: // of which we have no record
		y.mark = duoyun.Mark(duoyun.NewID(time.Now()))
		y.id = "lost-" + y.id
		want.Orphans++
		want.Ghosts++
	case 3: // released by our record
		res.State, res.Terminated = duoyun.ResourceTerminated, x.clock.Now()
		x.tx(func(tx *sql.Tx) error { return x.store.UpdateResource(context.Background(), tx, res) })
		want.Orphans++
	case 4: // twice there
		second := *y
		second.id = "second-" + y.id
		x.things = append(x.things, &second)
		want.Seen++
		want.Ours++
		want.Surplus++
	case 5: // somebody else's
		x.things = append(x.things, &thing{id: "theirs-" + y.id, mark: "theirs", step: y.step, kind: y.kind, spec: spec, state: driver.Active})
		want.Seen++
		want.Ours++
		want.Strangers++
	case 6: // being changed
		x.change(duoyun.Intent{ResourceID: res.ID, PoolID: res.PoolID, Kind: res.Kind, After: spec}, duoyun.OpUpdate, spec)
		want.Moving++
	default:
		want.Ours++
	}
}

func TestWhatDiffersIsFoundExactlyAndARunThatFailedAnywhereFindsTheSame(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		r, b := rand.New(rand.NewPCG(seed, 1)), &brittle{shop: x}
		var want broker.Tally
		for i := range 40 {
			x.diverge(r, i, &want)
		}
		codes := []driver.Code{driver.Auth, driver.Invalid} // neither is tried again by itself; to a cursor Invalid may mean that it is stale
		whole, err := b.reconcile(0)
		if err != nil || !reflect.DeepEqual(whole.Tally, want) {
			t.Fatalf("found %+v %v, want %+v", whole.Tally, err, want)
		}
		reads, findings := b.reads, x.findings()
		for at := 1; at <= reads; at++ {
			b.code = codes[at%2]
			if _, err := b.reconcile(at); err == nil {
				t.Fatalf("read %d failed, and the run did not", at)
			}
			first := b.reads
			got, err := b.reconcile(0)
			if err != nil || !reflect.DeepEqual(got.Tally, want) {
				t.Fatalf("after a failure at read %d of %d: %+v %v, want %+v", at, reads, got.Tally, err, want)
			}
			if again := first - 1 + b.reads; again > reads+25 {
				t.Fatalf("%d reads after a failure at read %d: a run of %d was begun anew", b.reads, at, reads)
			}
		}
		if got := x.findings(); got != findings {
			t.Fatalf("findings were filed twice: %q, then %q", findings, got)
		}
	})
}

func TestACursorThatMeansNothingAnyMoreBeginsItsKindAnew(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		b := &brittle{shop: x, code: driver.Auth}
		for i := range 10 {
			x.stand(i, aServer)
		}
		x.things[9].goneAt = x.clock.Now()
		if _, err := b.reconcile(4); err == nil {
			t.Fatal("the fourth page fails")
		}
		b.code = driver.Invalid
		got, err := b.reconcile(1)
		if want := (broker.Tally{Seen: 9, Ours: 9, Ghosts: 1}); err != nil || !reflect.DeepEqual(got.Tally, want) {
			t.Fatalf("%+v %v, want %+v", got.Tally, err, want)
		}
	})
}

func TestARunIsOneCallersAlone(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		ctx := context.Background()
		save := func(run broker.Run) error {
			return x.store.InTx(ctx, func(tx *sql.Tx) error { return x.store.SaveRun(ctx, tx, run, []uint64{1, 1 << 63}) })
		}
		run := broker.Run{PoolID: x.world.ID("telecom-1"), Seed: 1 << 63, StartedAt: x.clock.Now(), Kind: duoyun.KindServer, Whole: true, Cursor: "c",
			Page: 1, Tally: broker.Tally{Seen: 2, Incomplete: []duoyun.Kind{duoyun.KindDisk}}}
		if err := save(run); err != nil {
			t.Fatal(err)
		}
		got, err := x.store.FindRun(ctx, run.PoolID)
		run.Version = 1
		if err != nil || !reflect.DeepEqual(got, run) {
			t.Fatalf("%+v %v, want %+v", got, err, run)
		}
		if err := save(broker.Run{PoolID: run.PoolID, StartedAt: x.clock.Now(), Page: 1}); duoyun.CodeOf(err) != duoyun.CodeConflict {
			t.Fatalf("a second run began beside it: %v", err)
		}
		run.Page = 2
		if err := save(run); err != nil {
			t.Fatal(err)
		}
		var pages [][]uint64
		if err := x.store.Pages(ctx, run.PoolID, func(p []uint64) { pages = append(pages, p) }); err != nil || len(pages) != 2 || pages[0][1] != 1<<63 {
			t.Fatalf("%v %v", pages, err)
		}
	})
}

func TestWhatWeChangedIsComparedTenSecondsAfterItsEnd(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.caps.Settling = time.Minute // listings may be that late
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Hour)
		bigger := duoyun.ServerSpec{VCPU: 8, RAMGiB: 32, SystemDiskGiB: 100, Image: "kylin-v10"}
		x.until(x.change(in, duoyun.OpUpdate, bigger), time.Hour)
		ended := x.clock.Now()
		check := func(after time.Duration, want broker.Tally) {
			t.Helper()
			x.clock.Advance(ended.Add(after).Sub(x.clock.Now()))
			if r := x.reconcile(); !reflect.DeepEqual(r.Tally, want) {
				t.Fatalf("%v after its end: %+v, want %+v", after, r.Tally, want)
			}
		}
		x.stale = aServer
		check(9*time.Second, broker.Tally{Seen: 1, Moving: 1})
		check(11*time.Second, broker.Tally{Seen: 1, Ours: 1})
		x.things[0].spec = duoyun.ServerSpec{VCPU: 1, RAMGiB: 1, SystemDiskGiB: 100, Image: "kylin-v10"}
		check(12*time.Second, broker.Tally{Seen: 1, Drift: 1})
	})
}

func TestAPoolInWhichAPurchaseWasGivenUpIsWatchedHourlyForADay(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		ctx := context.Background()
		clouds := cloudsOf(func(pool string) (*providers.Cloud, error) {
			if pool != x.world.ID("telecom-1") {
				return nil, errors.New("not this one")
			}
			return x.Cloud(ctx, pool)
		})
		runs := func(want int) {
			t.Helper()
			if n, _ := broker.NewReconciler(x.store, clouds, x.clock.Now).ReconcileDue(ctx); n != want {
				t.Fatalf("%d pools were reconciled, want %d", n, want)
			}
		}
		runs(1)
		x.clock.Advance(2 * time.Hour)
		runs(0)
		x.fail("server", "dropped")
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
		x.tx(func(tx *sql.Tx) error {
			return x.store.WatchPool(ctx, tx, in.PoolID, broker.WatchAt(x.clock.Now()))
		})
		for range 23 {
			x.clock.Advance(time.Hour)
			runs(1)
		}
		x.clock.Advance(2 * time.Hour)
		runs(1) // which sees that a day has passed
		x.clock.Advance(23 * time.Hour)
		runs(0)
		x.clock.Advance(time.Hour)
		runs(1)
		x.tx(func(tx *sql.Tx) error {
			if err := x.store.WatchPool(ctx, tx, in.PoolID, x.clock.Now().Add(48*time.Hour)); err != nil {
				return err
			}
			return x.store.WatchPool(ctx, tx, in.PoolID, x.clock.Now())
		})
		runs(1)
	})
}
