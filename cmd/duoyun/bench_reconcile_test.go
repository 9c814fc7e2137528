//go:build bench

package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/netip"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/openstack"
	"github.com/duoyun/duoyun/providers/openstack/openstackfake"
	"github.com/duoyun/duoyun/providers/simcloud"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// TestBenchReconcile measures the comparison of one account of 100,000 resources with its records, on PostgreSQL and
// through the real driver and SDK over HTTP on loopback, and what the comparison adds to the live heap. One in a thousand
// has another spec than recorded, is gone, or has no record.
func TestBenchReconcile(t *testing.T) {
	for _, n := range []int{10_000, 100_000} {
		took, used, peak := reconcileBench(t, n)
		aim := ""
		if n == 100_000 {
			aim = fmt.Sprintf("   aim < 60 s %s", verdict(took < time.Minute))
		}
		line("reconcile: %7d resources %6.1f s (CPU of process and fake %.1f s), live heap ≤ +%d MiB%s", n, took.Seconds(), used.Seconds(), peak>>20, aim)
	}
}

func reconcileBench(t *testing.T, n int) (took, used time.Duration, peak uint64) {
	t.Helper()
	s, err := store.Open(t.Context(), storetest.Database(t), store.Options{})
	must(t, err)
	defer s.Close()
	w, cloud := storetest.NewWorld(t, s), instantCloud(t, "reconciled")
	filled(t, s, w, cloud, n)
	_, err = s.DB().Exec(`ANALYZE`)
	must(t, err)
	account := cloud.account()
	raw, err := json.Marshal(account.body)
	must(t, err)
	pool := duoyun.Pool{ID: w.ID("telecom-1"), Code: "telecom-1", Driver: "openstack", SupplierID: w.ID("telecom-suqian"), Account: raw}
	var heap heapWatch
	clouds := providers.NewDirectory(fixedPools{pool, cloud}, map[string]driver.Opener{"openstack": openstack.Open},
		providers.Options{Limiter: providers.NewMemoryLimiter(nil), Breaker: providers.NewMemoryBreaker(nil), Observe: heap.look}, nil)
	r := broker.NewReconciler(s, clouds, time.Now)
	cpu, began := processTime(t), time.Now()
	report, err := r.Reconcile(t.Context(), duoyun.SystemActor(), pool.ID)
	took, used = time.Since(began), processTime(t)-cpu
	must(t, err)
	if want := n / 1000; report.Drift != want || report.Ghosts != want || report.Orphans != want || report.Strangers != want+1 || report.Seen != n-want+1 {
		t.Fatalf("found %+v, want %d of each in %d", report.Tally, want, n)
	}
	heap.begin()
	_, err = r.Reconcile(t.Context(), duoyun.SystemActor(), pool.ID) // once more, for its heap
	must(t, err)
	return took, used, heap.most - heap.start
}

// processTime is the CPU time this process has used.
func processTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// fixedPools tells how the one pool's cloud is reached.
type fixedPools struct {
	pool  duoyun.Pool
	cloud *simulated
}

func (f fixedPools) PoolAccount(context.Context, string) (duoyun.Pool, string, error) {
	return f.pool, openstackfake.Password, nil
}

// filling puts things into a cloud and their records into a pool.
type filling struct {
	t     *testing.T
	store *store.Store
	world *storetest.World
	sim   *simcloud.Cloud
	owner simcloud.Owner
	net   *simcloud.Network
	size  *simcloud.Flavor
	image *simcloud.Image
	rows  []duoyun.Resource
}

// filled makes n things: servers, disks, networks and buckets, as departments have them.
func filled(t *testing.T, s *store.Store, w *storetest.World, c *simulated, n int) {
	t.Helper()
	f := &filling{t: t, store: s, world: w, sim: c.cloud, owner: c.owner}
	f.prepare()
	for i := range n {
		f.make(i)
	}
	f.flush()
}

// prepare makes what servers hang on; it is a stranger of its own, recorded as a network.
func (f *filling) prepare() {
	sizes, err := simcloud.List[simcloud.Flavor](f.sim, simcloud.Query{Owner: f.owner}, func(x *simcloud.Flavor) bool { return x.DiskGiB > 0 && x.VCPU > 1 })
	must(f.t, err)
	images, err := simcloud.List[simcloud.Image](f.sim, simcloud.Query{Owner: f.owner}, nil)
	must(f.t, err)
	f.size, f.image = sizes[0], images[0]
	f.net = f.network("", 0)
	_, err = f.sim.CreateSubnet(simcloud.Subnet{Object: simcloud.Object{Owner: f.owner}, NetworkID: f.net.ID, CIDR: netip.MustParsePrefix("10.0.0.0/8")})
	must(f.t, err)
}

func (f *filling) network(mark string, i int) *simcloud.Network {
	v, err := f.sim.CreateNetwork(simcloud.Object{Owner: f.owner, Name: fmt.Sprint("net-", i), Description: mark})
	must(f.t, err)
	return v
}

// make makes the i-th thing with its record. Of a thousand, one has another spec than recorded, one is not there, one has
// no record, and one bears no mark.
func (f *filling) make(i int) {
	id := duoyun.NewID(time.Now())
	mark, vendorID := duoyun.Mark(id), ""
	server := duoyun.ServerSpec{VCPU: f.size.VCPU, RAMGiB: f.size.RAMMiB / 1024, SystemDiskGiB: f.size.DiskGiB, Image: "kylin-v10", Ports: []int{22}}
	var spec duoyun.Spec = server
	o := simcloud.Object{Owner: f.owner, Name: fmt.Sprint("unit-", i), Description: mark, Tags: []string{mark}, Meta: map[string]string{"duoyun_mark": mark, "duoyun_image": "kylin-v10"}}
	divergence := i % 1000
	if divergence == 3 {
		o = simcloud.Object{Owner: f.owner, Name: o.Name, Meta: map[string]string{}}
	}
	switch m := i % 100; {
	case divergence == 1:
		vendorID = id // gone
	case m < 65:
		v, err := f.sim.CreateServer(simcloud.ServerInput{Object: o, FlavorID: f.size.ID, ImageID: f.image.ID, Nics: []simcloud.Nic{{NetworkID: f.net.ID}}})
		must(f.t, err)
		vendorID = v.ID
		if divergence == 0 {
			server.VCPU++
			spec = server
		}
	case m < 95:
		v, err := f.sim.CreateVolume(simcloud.VolumeInput{Object: o, SizeGiB: 100, Type: "ssd"})
		must(f.t, err)
		vendorID, spec = v.ID, duoyun.DiskSpec{SizeGiB: 100, Class: "ssd"}
	case m < 98:
		vendorID, spec = f.network(mark, i).ID, duoyun.NetworkSpec{CIDR: "10.0.0.0/24"}
	default:
		_, _, err := f.sim.PutBucket(f.owner, mark, func(b *simcloud.Bucket) {
			b.Meta = map[string]string{"X-Container-Meta-Mark": mark, "X-Container-Meta-Quota-Bytes": "1099511627776"}
		})
		must(f.t, err)
		vendorID, spec = mark, duoyun.BucketSpec{SizeGiB: 1024, Class: "standard"}
	}
	if divergence == 2 || divergence == 3 {
		return // without a record
	}
	now := time.Now().Add(-time.Hour)
	f.rows = append(f.rows, duoyun.Resource{ID: id, Line: "l", Ordinal: 1, Kind: spec.Kind(), Name: o.Name, AgencyID: f.world.ID(storetest.HRSS),
		PayerID: f.world.ID(storetest.Data), SupplierID: f.world.ID("telecom-suqian"), PoolID: f.world.ID("telecom-1"), State: duoyun.ResourceRunning,
		Spec: spec, VendorID: vendorID, CreatedAt: now, UpdatedAt: now})
	if len(f.rows) == 1000 {
		f.flush()
	}
}

// flush writes the records, each with the intent that made it.
func (f *filling) flush() {
	ctx, now := f.t.Context(), time.Now().Add(-time.Hour)
	must(f.t, f.store.InTx(ctx, func(tx *sql.Tx) error {
		if err := f.store.InsertResources(ctx, tx, f.rows); err != nil {
			return err
		}
		var ins []duoyun.Intent
		var ids, vendorIDs []string
		for _, r := range f.rows {
			ids, vendorIDs = append(ids, r.ID), append(vendorIDs, r.VendorID)
			ins = append(ins, duoyun.Intent{ID: duoyun.NewID(now), ResourceID: r.ID, PoolID: r.PoolID, Kind: r.Kind, Op: duoyun.OpCreate, After: r.Spec,
				State: duoyun.IntentVerified, WakeAt: now, CreatedAt: now, UpdatedAt: now})
		}
		_, err := tx.ExecContext(ctx, `UPDATE resources SET vendor_id = v.vendor FROM unnest($1::text[], $2::text[]) AS v(id, vendor) WHERE resources.id = v.id`, ids, vendorIDs)
		if err != nil {
			return err
		}
		return f.store.InsertIntents(ctx, tx, ins)
	}))
	f.rows = nil
}

// heapWatch collects the garbage after every 25th wire call and keeps the most that was left. The simulated cloud is in
// this process too, and does not grow.
type heapWatch struct {
	on          bool
	calls       int
	start, most uint64
}

func (h *heapWatch) begin() {
	h.start = liveHeap()
	h.on, h.most = true, h.start
}

func (h *heapWatch) look(context.Context, providers.Event) {
	if h.calls++; h.on && h.calls%25 == 0 {
		h.most = max(h.most, liveHeap())
	}
}

func liveHeap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
