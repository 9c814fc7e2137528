package jobs_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/jobs"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// instant is a cloud without latency that counts what it makes by mark.
type instant struct {
	mu    sync.Mutex
	made  map[string]int
	specs map[string]duoyun.Spec
	busy  atomic.Int64 // refusals still to come
}

func (v *instant) Capabilities() driver.Capabilities {
	return driver.Capabilities{Driver: "instant", CallTimeout: time.Second, Settling: 100 * time.Millisecond}
}
func (v *instant) Kind(duoyun.Kind) (driver.Resource, bool) { return v, true }
func (v *instant) Code(err error) driver.Code {
	if err == nil {
		return driver.OK
	}
	return driver.NotReady
}
func (v *instant) Plan(c driver.Change) ([]driver.Step, error) {
	return []driver.Step{{Name: string(c.Kind), Main: true, Await: true}}, nil
}
func (v *instant) Run(_ context.Context, c driver.Call) (driver.Reply, error) {
	if v.busy.Add(-1) >= 0 {
		return driver.Reply{}, fmt.Errorf("not yet")
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.made[c.Mark]++
	v.specs[c.Mark] = c.After
	return driver.Reply{ID: c.Mark}, nil
}
func (v *instant) Look(_ context.Context, c driver.Call) (driver.Evidence, error) {
	return driver.Evidence{State: driver.Done, ID: c.Mark, Complete: true, SentinelSeen: true}, nil
}
func (v *instant) Observe(_ context.Context, id string) (driver.Observation, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return driver.Observation{ID: id, Mark: id, State: driver.Active, Spec: v.specs[id]}, nil
}
func (v *instant) List(context.Context, string) (driver.Page, error) { return driver.Page{}, nil }

// town is a world with an instant cloud, its protocol, and the workers.
type town struct {
	store *store.Store
	world *storetest.World
	cloud *providers.Cloud
	*instant
	buyer   *broker.Purchaser
	runner  *jobs.Runner
	ended   chan string // intent ids
	placed  chan string // order ids
	due     chan struct{}
	retried chan struct{}
	renewed chan struct{}
}

func newTown(t testing.TB, s *store.Store, listener string) *town {
	v := &instant{made: map[string]int{}, specs: map[string]duoyun.Spec{}}
	x := &town{store: s, world: storetest.NewWorld(t, s), instant: v, ended: make(chan string, 100_000), placed: make(chan string, 10), due: make(chan struct{}, 10), retried: make(chan struct{}, 10), renewed: make(chan struct{}, 10)}
	x.cloud = providers.NewCloud(duoyun.Pool{ID: x.world.ID("telecom-1"), Code: "telecom-1"}, driver.Account{}, v, providers.Options{})
	x.buyer = broker.NewPurchaser(s, x, x, broker.PurchaseOptions{Margin: time.Second})
	var err error
	x.runner, err = jobs.Open(context.Background(), s.DB(), s.Engine == store.SQLite, jobs.Services{Placer: x, Buyer: x.buyer, Reconciler: x, Renewer: x}, jobs.Options{ListenerURL: listener})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *town) Cloud(context.Context, string) (*providers.Cloud, error) { return x.cloud, nil }

func (x *town) Settled(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r duoyun.Resource) error {
	r.State = duoyun.ResourceDelivered
	if err := x.store.UpdateResource(ctx, tx, r); err != nil {
		return err
	}
	x.ended <- in.ID
	return nil
}

func (x *town) ReconcileDue(context.Context) (int, error)     { x.due <- struct{}{}; return 0, nil }
func (x *town) Place(_ context.Context, orderID string) error { x.placed <- orderID; return nil }
func (x *town) ConfirmSilent(context.Context) (int, error)    { return 0, nil }
func (x *town) RenewSubscriptions(context.Context) (int, error) {
	select {
	case x.renewed <- struct{}{}:
	default: // nobody looks
	}
	return 0, nil
}
func (x *town) Sweep(context.Context) error { return nil }
func (x *town) RetryHeld(context.Context) (int, error) {
	select {
	case x.retried <- struct{}{}:
	default: // nobody looks
	}
	return 0, nil
}

// order places n servers with their jobs, and returns their intents.
func (x *town) order(t testing.TB, n int, jobless bool) []duoyun.Intent {
	t.Helper()
	ctx, now := context.Background(), time.Now()
	spec := duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10"}
	var rs []duoyun.Resource
	var ins []duoyun.Intent
	var wake []duoyun.Job
	for i := range n {
		r := duoyun.Resource{ID: duoyun.NewID(now), Line: "app", Ordinal: i + 1, Kind: duoyun.KindServer, Name: fmt.Sprint("app-", i), AgencyID: x.world.ID(storetest.HRSS),
			PayerID: x.world.ID(storetest.Data), SupplierID: x.world.ID("telecom-suqian"), PoolID: x.world.ID("telecom-1"), State: duoyun.ResourceReserved,
			Spec: spec, CreatedAt: now, UpdatedAt: now}
		in := duoyun.Intent{ID: duoyun.NewID(now), ResourceID: r.ID, PoolID: r.PoolID, Kind: r.Kind, Op: duoyun.OpCreate, After: spec,
			State: duoyun.IntentIntended, WakeAt: now, CreatedAt: now, UpdatedAt: now}
		rs, ins, wake = append(rs, r), append(ins, in), append(wake, broker.PurchaseJob{IntentID: in.ID})
	}
	err := x.store.InTx(ctx, func(tx *sql.Tx) error {
		if err := x.store.InsertResources(ctx, tx, rs); err != nil {
			return err
		}
		if err := x.store.InsertIntents(ctx, tx, ins); err != nil {
			return err
		}
		if jobless {
			return nil
		}
		return x.store.Enqueue(ctx, tx, wake...)
	})
	if err != nil {
		t.Fatal(err)
	}
	return ins
}

func (x *town) start(t testing.TB) {
	t.Helper()
	if err := x.runner.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func (x *town) stop(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := x.runner.Stop(ctx); err != nil {
		t.Fatal(err)
	}
}

func (x *town) wait(t testing.TB, n int) {
	t.Helper()
	limit := time.After(90 * time.Second)
	for i := range n {
		select {
		case <-x.ended:
		case <-limit:
			t.Fatalf("%d of %d units ended", i, n)
		}
	}
}

func (x *town) wantBought(t testing.TB, ins []duoyun.Intent) {
	t.Helper()
	for _, in := range ins {
		got, err := x.store.Intent(context.Background(), in.ID)
		if err != nil {
			t.Fatal(err)
		}
		if n := x.made[duoyun.Mark(in.ResourceID)]; got.State != duoyun.IntentVerified || n != 1 {
			t.Errorf("%s: %s, bought %d times", in.ID, got.State, n)
		}
	}
}

// each runs f on SQLite, on PostgreSQL with notices of new jobs, and on PostgreSQL by polling.
func each(t *testing.T, f func(t *testing.T, x *town)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); f(t, newTown(t, storetest.SQLite(t, nil), "")) })
	t.Run("postgres polled", func(t *testing.T) { t.Parallel(); f(t, newTown(t, storetest.PostgreSQL(t, nil), "")) })
	t.Run("postgres notified", func(t *testing.T) {
		t.Parallel()
		s, url := postgres(t)
		f(t, newTown(t, s, url))
	})
}

func postgres(t testing.TB) (*store.Store, string) {
	t.Helper()
	url := storetest.Database(t)
	s, err := store.Open(context.Background(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, url
}

func TestPlacedUnitsAreBoughtOnceByTheWorkers(t *testing.T) {
	each(t, func(t *testing.T, x *town) {
		x.busy.Store(3) // some are refused at first, snoozed, and come again
		ins := x.order(t, 40, false)
		x.start(t)
		x.wait(t, len(ins))
		x.stop(t)
		x.wantBought(t, ins)
	})
}

func TestUnitsWhoseJobsWereLostAreSweptUpAtStart(t *testing.T) {
	each(t, func(t *testing.T, x *town) {
		ins := x.order(t, 5, true)
		err := x.store.InTx(context.Background(), func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE intents SET wake_at = $1`, time.Now().Add(-time.Minute).UTC().Format("2006-01-02T15:04:05.000000Z"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		x.start(t)
		x.wait(t, len(ins))
		x.stop(t)
		x.wantBought(t, ins)
	})
}

func TestAnOrderIsPlacedByItsOwnQueue(t *testing.T) {
	each(t, func(t *testing.T, x *town) {
		err := x.store.InTx(context.Background(), func(tx *sql.Tx) error {
			return x.store.Enqueue(context.Background(), tx, broker.PlaceJob{OrderID: "o"})
		})
		if err != nil {
			t.Fatal(err)
		}
		x.start(t)
		if got := <-x.placed; got != "o" {
			t.Fatalf("placed %q", got)
		}
		x.stop(t)
	})
}

func TestPoolsThatAreDueAreReconciledFromTheStart(t *testing.T) {
	each(t, func(t *testing.T, x *town) {
		x.start(t)
		select {
		case <-x.due:
		case <-time.After(30 * time.Second):
			t.Error("nobody looked for pools that are due")
		}
		x.stop(t)
	})
}

func TestOrdersOnHoldAreTriedAgainByThemselves(t *testing.T) {
	each(t, func(t *testing.T, x *town) {
		x.start(t)
		select {
		case <-x.retried:
		case <-time.After(30 * time.Second):
			t.Error("nobody tried the orders on hold again")
		}
		x.stop(t)
	})
}

func TestSubscriptionsThatEndAreSeenToByThemselves(t *testing.T) {
	each(t, func(t *testing.T, x *town) {
		x.start(t)
		select {
		case <-x.renewed:
		case <-time.After(30 * time.Second):
			t.Error("nobody looked for subscriptions that end")
		}
		x.stop(t)
	})
}

// BenchmarkPlacedUnits measures from the placing transaction's commit to the last unit's verification, on a cloud
// without latency.
func BenchmarkPlacedUnits(b *testing.B) {
	engines := map[string]func() *town{
		"sqlite":   func() *town { return newTown(b, storetest.SQLite(b, nil), "") },
		"postgres": func() *town { s, url := postgres(b); return newTown(b, s, url) },
	}
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			if name == "postgres" && os.Getenv("DUOYUN_TEST_PG") == "" {
				b.Fatal("DUOYUN_TEST_PG is not set")
			}
			x := open()
			x.start(b)
			defer x.stop(b)
			units := 0
			for b.Loop() {
				units += len(x.order(b, 300, false))
				x.wait(b, 300)
			}
			b.ReportMetric(float64(units)/b.Elapsed().Seconds(), "units/s")
		})
	}
}
