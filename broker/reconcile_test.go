package broker_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

func (x *shop) reconcile() broker.Report {
	x.t.Helper()
	r, err := broker.NewReconciler(x.store, x, x.clock.Now).Reconcile(context.Background(), x.world.Actor(x.t, "sysadmin"), "telecom-1")
	if err != nil {
		x.t.Fatal(err)
	}
	return r
}

func TestReconcilingFilesWhatDiffersAndDeletesNothing(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		var ins []duoyun.Intent
		for i := range 5 {
			in := x.order(fmt.Sprintf("app%d", i), aServer, duoyun.IntentIntended)
			x.until(in, time.Minute)
			ins = append(ins, in)
		}
		x.clock.Advance(time.Hour)
		by := map[string]*thing{}
		for _, y := range x.things {
			by[y.mark] = y
		}
		at := func(i int) *thing { return by[duoyun.Mark(ins[i].ResourceID)] }
		at(1).goneAt = x.clock.Now()                                       // a ghost
		at(2).spec = duoyun.ServerSpec{VCPU: 1, RAMGiB: 1, Image: "other"} // drift
		x.things = append(x.things,
			&thing{id: "second", mark: duoyun.Mark(ins[3].ResourceID), step: "server", kind: duoyun.KindServer, spec: aServer, state: driver.Active},
			&thing{id: "orphan", mark: duoyun.Mark(duoyun.NewID(time.Now())), step: "server", kind: duoyun.KindServer, spec: aServer, state: driver.Active},
			&thing{id: "stranger", mark: "somebody's", step: "server", kind: duoyun.KindServer, spec: aServer, state: driver.Active})
		moving := x.order("moving", aServer, duoyun.IntentIntended)
		x.kill(moving, true)

		r := x.reconcile()
		if r.Seen != 8 || r.Ours != 3 || r.Ghosts != 1 || r.Drift != 1 || r.Surplus != 1 || r.Orphans != 1 || r.Strangers != 1 || r.Moving != 1 {
			t.Fatalf("report %+v", r)
		}
		if got := x.findings(); got != "drift ghost orphan surplus" {
			t.Fatalf("findings %q", got)
		}
		x.reconcile()
		if got := x.findings(); got != "drift ghost orphan surplus" {
			t.Fatalf("the same matter was filed twice: %q", got)
		}
		x.wantThings(8)
	})
}

func TestAPartThatNoRecordHasIsToldOfOnce(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		net := x.order("net", duoyun.NetworkSpec{CIDR: "10.0.0.0/24"}, duoyun.IntentIntended)
		x.until(net, time.Minute)
		doubled := *x.things[slices.IndexFunc(x.things, func(y *thing) bool { return y.step == "router" })]
		doubled.id = "a second router"
		x.things = append(x.things, &doubled,
			&thing{id: "of nothing", mark: duoyun.Mark(duoyun.NewID(time.Now())), step: "router", kind: duoyun.KindNetwork})
		if r := x.reconcile(); r.Orphans != 1 {
			t.Fatalf("the network has just moved: its router may yet be recorded: %+v", r)
		}
		x.clock.Advance(time.Hour)
		for range 2 {
			if r := x.reconcile(); r.Orphans != 2 || r.Ours != 1 {
				t.Fatalf("report %+v", r)
			}
			if got := x.findings(); got != "orphan orphan" {
				t.Fatalf("findings %q", got)
			}
		}
		x.until(x.change(net, duoyun.OpDelete, nil), time.Minute)
		x.clock.Advance(time.Hour)
		if r := x.reconcile(); r.Orphans != 1 {
			t.Fatalf("the deletion took both routers with it: %+v", r)
		}
	})
}

func TestAnIncompleteListingMakesNoGhosts(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Minute)
		x.clock.Advance(time.Hour)
		x.things[0].goneAt = x.clock.Now()
		x.partial = true
		if r := x.reconcile(); r.Ghosts != 0 || len(r.Incomplete) == 0 {
			t.Fatalf("report %+v", r)
		}
	})
}

func TestReconcilingIsForThoseWhoRunThePlatform(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		_, err := broker.NewReconciler(x.store, x, x.clock.Now).Reconcile(context.Background(), x.world.Actor(t, "hrss-applicant"), "telecom-1")
		if duoyun.CodeOf(err) != duoyun.CodeForbidden {
			t.Fatalf("an applicant may reconcile: %v", err)
		}
	})
}

func TestEachActivePoolIsReconciledOnceADayAndAFailedOneInAnHour(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		ctx, down := context.Background(), ""
		clouds := cloudsOf(func(pool string) (*providers.Cloud, error) {
			if pool == down {
				return nil, duoyun.Fail(duoyun.CodeUnavailable, "", "云平台不可达", "the cloud cannot be reached")
			}
			return x.Cloud(ctx, pool)
		})
		r := broker.NewReconciler(x.store, clouds, x.clock.Now)
		pools, err := x.store.Pools(ctx, duoyun.Scope{All: true}, procurement.PoolFilter{}, duoyun.Page{})
		if err != nil {
			t.Fatal(err)
		}
		run := func(want int, code duoyun.Code) {
			t.Helper()
			n, err := r.ReconcileDue(ctx)
			if n != want || err != nil && code == "" || code != "" && !strings.Contains(fmt.Sprint(err), "cannot be reached") {
				t.Fatalf("%d pools, %v; want %d", n, err, want)
			}
		}
		all := len(pools.Items)
		down = x.world.ID("jd-1")
		run(all-1, duoyun.CodeUnavailable)
		run(0, "")
		x.clock.Advance(time.Hour)
		run(0, duoyun.CodeUnavailable)
		down = ""
		x.clock.Advance(time.Hour)
		run(1, "")
		x.clock.Advance(23 * time.Hour)
		x.reconcile() // by hand: that is today's
		x.tx(func(tx *sql.Tx) error {
			gone, err := x.store.Pool(ctx, tx, "people-1")
			if err != nil {
				return err
			}
			gone.Active = false
			return x.store.UpdatePool(ctx, tx, gone)
		})
		run(all-3, "") // not the one that was late, the one by hand, or the one that is closed
		x.clock.Advance(2 * time.Hour)
		run(1, "")
	})
}

type cloudsOf func(poolID string) (*providers.Cloud, error)

func (f cloudsOf) Cloud(_ context.Context, poolID string) (*providers.Cloud, error) { return f(poolID) }

func TestAFindingIsResolvedOnceByWhoSeesIt(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		ctx := context.Background()
		x.observed = func(duoyun.Spec) duoyun.Spec { return duoyun.ServerSpec{VCPU: 2, RAMGiB: 16} }
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Hour)
		f := broker.NewFindings(x.store, x.purchaser, x.clock.Now)
		list, err := f.List(ctx, x.world.Actor(t, "hrss-applicant"), broker.FindingFilter{}, duoyun.Page{})
		if err != nil || len(list.Items) != 1 {
			t.Fatalf("its own agency does not see it: %v %v", list, err)
		}
		found := list.Items[0]
		if found.Number == "" || len(found.Actions) < 2 || !strings.Contains(string(found.Evidence), duoyun.Mark(in.ResourceID)) {
			t.Fatalf("a finding has a number, the evidence and what may be done: %+v", found)
		}
		for _, login := range []string{"edu-applicant", "sup-telecom"} {
			if _, err := f.Finding(ctx, x.world.Actor(t, login), found.Number); duoyun.CodeOf(err) != duoyun.CodeNotFound {
				t.Errorf("%s sees it: %v", login, err)
			}
		}
		if _, err := f.Resolve(ctx, x.world.Actor(t, "hrss-applicant"), duoyun.Once{}, found.Number, broker.Resolution{Note: "已改正"}); duoyun.CodeOf(err) != duoyun.CodeForbidden {
			t.Errorf("an applicant may resolve: %v", err)
		}
		admin, once := x.world.Actor(t, "sysadmin"), duoyun.Once{Key: "k", Route: "POST", BodyHash: "h"}
		if _, err := f.Resolve(ctx, admin, duoyun.Once{}, found.Number, broker.Resolution{Note: " "}); duoyun.CodeOf(err) != duoyun.CodeInvalid {
			t.Errorf("resolved without a word: %v", err)
		}
		if done, err := f.Resolve(ctx, admin, once, found.Number, broker.Resolution{Note: "已改正"}); err != nil || done.State != duoyun.FindingResolved {
			t.Fatalf("%+v %v", done, err)
		}
		if again, err := f.Resolve(ctx, admin, once, found.Number, broker.Resolution{Note: "已改正"}); err != nil || again.State != duoyun.FindingResolved {
			t.Errorf("a repeated call: %+v %v", again, err)
		}
		if _, err := f.Resolve(ctx, admin, duoyun.Once{}, found.Number, broker.Resolution{Note: "再次"}); duoyun.CodeOf(err) != duoyun.CodeConflict {
			t.Errorf("resolved twice: %v", err)
		}
	})
}

func TestAChildThatNobodyWokeIsSweptUp(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		parent := x.order("parent", aServer, duoyun.IntentIntended)
		x.until(parent, time.Minute)
		x.fail("server", "sold_out")
		failed := x.order("failed", aServer, duoyun.IntentIntended)
		x.until(failed, time.Minute)
		disk := duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}
		lucky := x.order("lucky", disk, duoyun.IntentWaiting, parent)
		unlucky := x.order("unlucky", disk, duoyun.IntentWaiting, parent, failed)
		x.clock.Advance(time.Minute)
		if err := x.purchaser.Sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
		x.want(lucky, duoyun.IntentIntended)
		x.want(unlucky, duoyun.IntentCancelled)
	})
}
