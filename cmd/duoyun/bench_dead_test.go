//go:build bench

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/jobs"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/openstack"
	"github.com/duoyun/duoyun/providers/openstack/openstackfake"
	"github.com/duoyun/duoyun/providers/simcloud"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

const (
	deadUnits   = 150                    // in each pool, a run
	deadLatency = 100 * time.Millisecond // of every call: buying waits for vendors, not for processors
)

// TestBenchDead measures what four vendors deliver while the fifth answers, while it takes calls and keeps them, and
// while it refuses connections; its purchases are first in line. Each call takes 100 ms, a timeout 20 s.
func TestBenchDead(t *testing.T) {
	b := newBourse(t)
	b.run(t, deadUnits/5) // opens connections
	var normal, silent, refusing []float64
	for range runs {
		b.mood.Store(answering)
		normal = append(normal, b.run(t, deadUnits))
		b.mood.Store(keeping)
		silent = append(silent, b.run(t, deadUnits))
	}
	b.dead.server.Close()
	for range runs {
		refusing = append(refusing, b.run(t, deadUnits))
	}
	share := func(of []float64) float64 { return 100 * median(of) / median(normal) }
	line("four of five vendors: %.0f units/s (%s); the fifth silent %.0f (%s), %.0f %%; refusing %.0f (%s), %.0f %%   aim ≥ 90 %% %s",
		median(normal), spread(normal, "%.0f"), median(silent), spread(silent, "%.0f"), share(silent), median(refusing), spread(refusing, "%.0f"),
		share(refusing), verdict(share(silent) >= 90 && share(refusing) >= 90))
}

const (
	answering int32 = iota
	keeping
)

// bourse is five vendors and the workers that buy of them.
type bourse struct {
	store *store.Store
	world *storetest.World
	pools map[string]duoyun.Pool
	order []string // pool ids, the dying one first
	dead  *simulated
	mood  atomic.Int32
	done  atomic.Int64 // units of the other four
}

func newBourse(t *testing.T) *bourse {
	t.Helper()
	s, err := store.Open(t.Context(), storetest.Database(t), store.Options{})
	must(t, err)
	t.Cleanup(func() { _ = s.Close() })
	b := &bourse{store: s, world: storetest.NewWorld(t, s), pools: map[string]duoyun.Pool{}}
	for i := range 5 {
		first := i == 0
		c := quotaless(t, fmt.Sprint("vendor-", i), func(_ *simcloud.Cloud, next http.Handler) http.Handler { return b.slow(next, first) })
		if first {
			b.dead = c
		}
		a := c.account()
		a.body["timeout"] = int64(20 * time.Second)
		raw, err := json.Marshal(a.body)
		must(t, err)
		p := duoyun.Pool{ID: duoyun.NewID(time.Now()), Code: c.name, Name: c.name, Driver: "openstack", SupplierID: b.world.ID("telecom-suqian"),
			Account: raw, Active: true, Version: 1}
		must(t, s.InTx(t.Context(), func(tx *sql.Tx) error { return s.InsertPool(t.Context(), tx, p) }))
		b.pools[p.ID], b.order = p, append(b.order, p.ID)
	}
	clouds := providers.NewDirectory(b, map[string]driver.Opener{"openstack": openstack.Open}, providers.Options{
		Limiter: providers.NewMemoryLimiter(nil), Limit: providers.Limit{Every: time.Microsecond, Burst: 1000},
		Breaker: providers.NewMemoryBreaker(nil), Workers: jobs.WorkersAPool}, nil)
	buyer := broker.NewPurchaser(s, clouds, b, broker.PurchaseOptions{})
	workers, err := jobs.Open(t.Context(), s.DB(), false, jobs.Services{Placer: b, Buyer: buyer}, jobs.Options{})
	must(t, err)
	must(t, workers.Start(t.Context()))
	t.Cleanup(func() {
		ctx, stop := context.WithTimeout(context.Background(), time.Minute)
		defer stop()
		_ = workers.Stop(ctx)
	})
	return b
}

// slow takes its time, or keeps a call without ever answering.
func (b *bourse) slow(next http.Handler, dying bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if dying && b.mood.Load() == keeping {
			<-r.Context().Done()
			return
		}
		time.Sleep(deadLatency)
		next.ServeHTTP(w, r)
	})
}

func (b *bourse) PoolAccount(_ context.Context, id string) (duoyun.Pool, string, error) {
	return b.pools[id], openstackfake.Password, nil
}

func (b *bourse) Settled(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r duoyun.Resource) error {
	if in.PoolID != b.order[0] && in.State == duoyun.IntentVerified {
		b.done.Add(1)
	}
	r.State = duoyun.ResourceDelivered
	return b.store.UpdateResource(ctx, tx, r)
}

func (b *bourse) Place(context.Context, string) error        { return nil }
func (b *bourse) ConfirmSilent(context.Context) (int, error) { return 0, nil }
func (b *bourse) RetryHeld(context.Context) (int, error)     { return 0, nil }
func (b *bourse) Sweep(context.Context) error                { return nil }

// run orders n buckets in every pool and returns how many a second the four deliver.
func (b *bourse) run(t *testing.T, n int) float64 {
	t.Helper()
	b.done.Store(0)
	began := time.Now()
	must(t, b.store.InTx(t.Context(), func(tx *sql.Tx) error {
		for _, pool := range b.order {
			if err := b.place(t.Context(), tx, pool, n); err != nil {
				return err
			}
		}
		return nil
	}))
	for b.done.Load() < int64(4*n) {
		if time.Since(began) > 5*time.Minute {
			t.Fatalf("%d of %d units were delivered", b.done.Load(), 4*n)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return float64(4*n) / time.Since(began).Seconds()
}

func (b *bourse) place(ctx context.Context, tx *sql.Tx, pool string, n int) error {
	spec, now := duoyun.BucketSpec{SizeGiB: 10, Class: "standard"}, time.Now()
	var rs []duoyun.Resource
	var ins []duoyun.Intent
	var wake []duoyun.Job
	for i := range n {
		r := duoyun.Resource{ID: duoyun.NewID(now), Line: "b", Ordinal: i + 1, Kind: duoyun.KindBucket, Name: "b", AgencyID: b.world.ID(storetest.HRSS),
			PayerID: b.world.ID(storetest.Data), SupplierID: b.world.ID("telecom-suqian"), PoolID: pool, State: duoyun.ResourceReserved,
			Spec: spec, CreatedAt: now, UpdatedAt: now}
		in := duoyun.Intent{ID: duoyun.NewID(now), ResourceID: r.ID, PoolID: pool, Kind: r.Kind, Op: duoyun.OpCreate, After: spec,
			State: duoyun.IntentIntended, WakeAt: now, CreatedAt: now, UpdatedAt: now}
		rs, ins, wake = append(rs, r), append(ins, in), append(wake, broker.PurchaseJob{IntentID: in.ID})
	}
	if err := b.store.InsertResources(ctx, tx, rs); err != nil {
		return err
	}
	if err := b.store.InsertIntents(ctx, tx, ins); err != nil {
		return err
	}
	return b.store.Enqueue(ctx, tx, wake...)
}
