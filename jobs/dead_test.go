package jobs_test

import (
	"context"
	"database/sql"
	"fmt"
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

// dying is an instant cloud that can stop answering: it takes calls and keeps them, or refuses connections.
type dying struct {
	*instant
	silent, refusing atomic.Bool
	calls, inside    atomic.Int64
	most             atomic.Int64 // callers inside at once
	broken           atomic.Int64 // calls that came back without an answer
	hangUp           chan struct{}
}

func (v *dying) Kind(duoyun.Kind) (driver.Resource, bool) { return v, true }
func (v *dying) Capabilities() driver.Capabilities {
	return driver.Capabilities{Driver: "dying", CallTimeout: 20 * time.Second, Settling: 100 * time.Millisecond}
}
func (v *dying) Code(err error) driver.Code {
	if v.refusing.Load() {
		return driver.Unavailable
	}
	return driver.InDoubt
}

func (v *dying) answer(ctx context.Context) error {
	v.calls.Add(1)
	n := v.inside.Add(1)
	defer v.inside.Add(-1)
	for m := v.most.Load(); n > m && !v.most.CompareAndSwap(m, n); m = v.most.Load() {
	}
	switch {
	case v.refusing.Load():
		return fmt.Errorf("connection refused")
	case v.silent.Load():
		select {
		case <-ctx.Done():
		case <-v.hangUp:
		}
		v.broken.Add(1)
		return fmt.Errorf("connection reset")
	}
	return nil
}

func (v *dying) Run(ctx context.Context, c driver.Call) (driver.Reply, error) {
	if err := v.answer(ctx); err != nil {
		return driver.Reply{}, err
	}
	return v.instant.Run(ctx, c)
}
func (v *dying) Look(ctx context.Context, c driver.Call) (driver.Evidence, error) {
	if err := v.answer(ctx); err != nil {
		return driver.Evidence{}, err
	}
	return v.instant.Look(ctx, c)
}
func (v *dying) Observe(ctx context.Context, id string) (driver.Observation, error) {
	if err := v.answer(ctx); err != nil {
		return driver.Observation{}, err
	}
	return v.instant.Observe(ctx, id)
}
func (v *dying) List(ctx context.Context, _ string) (driver.Page, error) {
	return driver.Page{}, v.answer(ctx)
}

// market is a town with five vendors; the last may die.
type market struct {
	*town
	pools  []string
	clouds map[string]*providers.Cloud
	dead   *dying
	done   map[string]*atomic.Int64 // verified units by pool
}

func newMarket(t *testing.T, s *store.Store, listener string) *market {
	m := &market{town: &town{store: s, world: storetest.NewWorld(t, s)}, clouds: map[string]*providers.Cloud{}, done: map[string]*atomic.Int64{}}
	breaker := providers.NewMemoryBreaker(nil)
	for i := range 5 {
		id := duoyun.NewID(time.Now())
		v := &dying{instant: &instant{made: map[string]int{}, specs: map[string]duoyun.Spec{}}, hangUp: make(chan struct{})}
		p := duoyun.Pool{ID: id, Code: fmt.Sprint("market-", i), Name: id, SupplierID: m.world.ID("telecom-suqian"), Driver: "dying"}
		m.pools, m.done[id], m.dead = append(m.pools, id), &atomic.Int64{}, v
		m.clouds[id] = providers.NewCloud(p, driver.Account{}, v, providers.Options{Breaker: breaker, Workers: jobs.WorkersAPool})
		err := s.InTx(context.Background(), func(tx *sql.Tx) error { return s.InsertPool(context.Background(), tx, p) })
		if err != nil {
			t.Fatal(err)
		}
	}
	buyer := broker.NewPurchaser(s, m, m, broker.PurchaseOptions{Margin: time.Second})
	var err error
	m.runner, err = jobs.Open(context.Background(), s.DB(), s.Engine == store.SQLite, jobs.Services{Placer: m, Buyer: buyer}, jobs.Options{ListenerURL: listener})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *market) Cloud(_ context.Context, pool string) (*providers.Cloud, error) {
	return m.clouds[pool], nil
}

func (m *market) Settled(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r duoyun.Resource) error {
	if in.State == duoyun.IntentVerified {
		m.done[in.PoolID].Add(1)
	}
	r.State = duoyun.ResourceDelivered
	return m.store.UpdateResource(ctx, tx, r)
}

// order places n buckets in every pool, those of the last pool first in line.
func (m *market) order(t *testing.T, n int) {
	t.Helper()
	ctx, spec := context.Background(), duoyun.BucketSpec{SizeGiB: 10, Class: "standard"}
	err := m.store.InTx(ctx, func(tx *sql.Tx) error {
		for i := range m.pools {
			pool, now := m.pools[len(m.pools)-1-i], time.Now()
			var rs []duoyun.Resource
			var ins []duoyun.Intent
			var wake []duoyun.Job
			for j := range n {
				r := duoyun.Resource{ID: duoyun.NewID(now), Line: "b", Ordinal: j + 1, Kind: duoyun.KindBucket, Name: "b", AgencyID: m.world.ID(storetest.HRSS),
					PayerID: m.world.ID(storetest.Data), SupplierID: m.world.ID("telecom-suqian"), PoolID: pool, State: duoyun.ResourceReserved,
					Spec: spec, CreatedAt: now, UpdatedAt: now}
				in := duoyun.Intent{ID: duoyun.NewID(now), ResourceID: r.ID, PoolID: pool, Kind: r.Kind, Op: duoyun.OpCreate, After: spec,
					State: duoyun.IntentIntended, WakeAt: now, CreatedAt: now, UpdatedAt: now}
				rs, ins, wake = append(rs, r), append(ins, in), append(wake, broker.PurchaseJob{IntentID: in.ID})
			}
			if err := m.store.InsertResources(ctx, tx, rs); err != nil {
				return err
			}
			if err := m.store.InsertIntents(ctx, tx, ins); err != nil {
				return err
			}
			if err := m.store.Enqueue(ctx, tx, wake...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// others waits until the four that live have delivered n units each.
func (m *market) others(t *testing.T, n int) {
	t.Helper()
	limit := time.After(90 * time.Second)
	for _, p := range m.pools[:4] {
		for m.done[p].Load() < int64(n) {
			select {
			case <-limit:
				t.Fatalf("%d of %d units of %s were delivered", m.done[p].Load(), n, p)
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
}

// units are ordered in each pool: more than a pool's share of workers.
const units = jobs.WorkersAPool + 9

// bazaars runs f on both engines.
func bazaars(t *testing.T, f func(t *testing.T, m *market)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); f(t, newMarket(t, storetest.SQLite(t, nil), "")) })
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		s, url := postgres(t)
		f(t, newMarket(t, s, url))
	})
}

func TestAVendorThatTakesCallsAndKeepsThemHoldsItsShareOfWorkersAndNoMore(t *testing.T) {
	bazaars(t, func(t *testing.T, m *market) {
		m.dead.silent.Store(true)
		m.order(t, units)
		m.start(t)
		m.others(t, units)
		if n := m.dead.broken.Load(); n > 0 && m.dead.calls.Load() > n+jobs.WorkersAPool {
			t.Errorf("%d calls were made to a silent vendor, %d of which had timed out", m.dead.calls.Load(), n)
		}
		if most := m.dead.most.Load(); most != jobs.WorkersAPool {
			t.Errorf("a silent vendor held %d workers, its share is %d", most, jobs.WorkersAPool)
		}
		close(m.dead.hangUp)
		m.stop(t)
	})
}

func TestAVendorThatRefusesConnectionsIsLeftAlone(t *testing.T) {
	bazaars(t, func(t *testing.T, m *market) {
		m.dead.refusing.Store(true)
		m.order(t, units)
		m.start(t)
		m.others(t, units)
		if n, most := m.dead.calls.Load(), int64(providers.OpenAfter+jobs.WorkersAPool+10); n > most {
			t.Errorf("%d calls were made to a vendor that refuses them, at most %d", n, most)
		}
		m.stop(t)
	})
}
