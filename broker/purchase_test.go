package broker_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// shop is a world with one scripted vendor behind the pool telecom-1.
type shop struct {
	t     *testing.T
	store *store.Store
	world *storetest.World
	clock *testClock
	*vendor
	purchaser *broker.Purchaser
	mu        sync.Mutex
	told      []string // "resource name: op state"
	jobs      map[string]int
	locked    time.Time     // real time
	line      time.Duration // how long the next job has been due
	months    int           // what is ordered is bought for so many; 0: on demand
}

func newShop(t *testing.T, s *store.Store) *shop {
	c := &testClock{t: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	x := &shop{t: t, store: s, world: storetest.NewWorld(t, s), clock: c, vendor: newVendor(c), jobs: map[string]int{}}
	x.purchaser = broker.NewPurchaser(counting{s, x}, x, x, broker.PurchaseOptions{Now: c.Now})
	return x
}

func (x *shop) Cloud(context.Context, string) (*providers.Cloud, error) {
	return providers.NewCloud(duoyun.Pool{ID: x.world.ID("telecom-1"), Code: "telecom-1", SupplierID: x.world.ID("telecom-suqian")},
		driver.Account{Endpoint: "https://cloud"}, x.vendor, providers.Options{Pause: func(context.Context, time.Duration) error { return nil }}), nil
}

// Settled does what the order side does: it moves the resource, and here keeps a list.
func (x *shop) Settled(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r duoyun.Resource) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.told = append(x.told, fmt.Sprintf("%s: %s %s", r.Name, in.Op, in.State))
	switch {
	case in.State == duoyun.IntentVerified && in.Op == duoyun.OpDelete, in.State == duoyun.IntentCompensated:
		r.State = duoyun.ResourceTerminated
	case in.State == duoyun.IntentVerified:
		r.State, r.Spec = duoyun.ResourceRunning, in.After
	case in.State == duoyun.IntentCancelled:
		r.State = duoyun.ResourceCancelled
	case in.State == duoyun.IntentFailed && in.Op == duoyun.OpCreate:
		r.State = duoyun.ResourceFailed
	}
	return x.store.UpdateResource(ctx, tx, r)
}

func (x *shop) tx(f func(tx *sql.Tx) error) {
	x.t.Helper()
	if err := x.store.InTx(context.Background(), f); err != nil {
		x.t.Fatal(err)
	}
}

var aServer = duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10"}

// order writes a resource with the intent that creates it; parents must have been ordered before.
func (x *shop) order(name string, spec duoyun.Spec, state duoyun.IntentState, parents ...duoyun.Intent) duoyun.Intent {
	x.t.Helper()
	now := x.clock.Now()
	r := duoyun.Resource{ID: duoyun.NewID(time.Now()), Line: name, Ordinal: 1, Kind: spec.Kind(), Name: name, AgencyID: x.world.ID(storetest.HRSS),
		PayerID: x.world.ID(storetest.Data), SupplierID: x.world.ID("telecom-suqian"), PoolID: x.world.ID("telecom-1"),
		State: duoyun.ResourceReserved, Spec: spec, CreatedAt: now, UpdatedAt: now}
	in := duoyun.Intent{ID: duoyun.NewID(time.Now()), ResourceID: r.ID, PoolID: r.PoolID, Kind: r.Kind, Op: duoyun.OpCreate, After: spec,
		Months: x.months, State: state, WakeAt: now, CreatedAt: now, UpdatedAt: now}
	x.tx(func(tx *sql.Tx) error {
		ctx := context.Background()
		if err := x.store.InsertResources(ctx, tx, []duoyun.Resource{r}); err != nil {
			return err
		}
		var links []duoyun.Link
		for _, p := range parents {
			links = append(links, duoyun.Link{ChildID: r.ID, ParentID: p.ResourceID, Relation: duoyun.RelAttach})
		}
		if err := x.store.InsertLinks(ctx, tx, links); err != nil {
			return err
		}
		return x.store.InsertIntents(ctx, tx, []duoyun.Intent{in})
	})
	return in
}

// change writes a further intent for a resource that stands.
func (x *shop) change(of duoyun.Intent, op duoyun.Op, after duoyun.Spec) duoyun.Intent {
	x.t.Helper()
	now := x.clock.Now()
	in := duoyun.Intent{ID: duoyun.NewID(time.Now()), ResourceID: of.ResourceID, PoolID: of.PoolID, Kind: of.Kind, Op: op, Before: of.After,
		After: after, State: duoyun.IntentIntended, WakeAt: now, CreatedAt: now, UpdatedAt: now}
	x.tx(func(tx *sql.Tx) error { return x.store.InsertIntents(context.Background(), tx, []duoyun.Intent{in}) })
	return in
}

func (x *shop) work(in duoyun.Intent) time.Duration {
	x.t.Helper()
	wait, err := x.purchaser.Work(context.Background(), in.ID)
	if err != nil {
		x.t.Fatal(err)
	}
	return wait
}

// until works the intent, moving the clock by what it asks to wait, until it needs no more work or limit has passed.
func (x *shop) until(in duoyun.Intent, limit time.Duration) duoyun.Intent {
	x.t.Helper()
	end := x.clock.Now().Add(limit)
	for x.clock.Now().Before(end) {
		if wait := x.work(in); wait > 0 {
			x.clock.Advance(wait)
			continue
		}
		got := x.now(in)
		if got.State.Settled() || !got.WakeAt.After(x.clock.Now()) {
			break
		}
		x.clock.Advance(got.WakeAt.Sub(x.clock.Now())) // a wake-up of another call's
	}
	return x.now(in)
}

func (x *shop) now(in duoyun.Intent) duoyun.Intent {
	x.t.Helper()
	got, err := x.store.Intent(context.Background(), in.ID)
	if err != nil {
		x.t.Fatal(err)
	}
	return got
}

func (x *shop) resource(in duoyun.Intent) duoyun.Resource {
	x.t.Helper()
	r, err := x.store.FindResource(context.Background(), duoyun.Scope{All: true}, in.ResourceID)
	if err != nil {
		x.t.Fatal(err)
	}
	return r
}

func (x *shop) want(in duoyun.Intent, state duoyun.IntentState) duoyun.Intent {
	x.t.Helper()
	got := x.now(in)
	if got.State != state {
		x.t.Fatalf("the intent is %s (%s), want %s", got.State, got.Reason, state)
	}
	return got
}

func (x *shop) wantThings(n int) {
	x.t.Helper()
	if got := len(x.live()); got != n {
		x.t.Fatalf("the vendor has %d things, want %d", got, n)
	}
}

func (x *shop) wantSent(n int) {
	x.t.Helper()
	if got := x.sent(); got != n {
		x.t.Fatalf("%d mutations were sent, want %d", got, n)
	}
}

func (x *shop) wantTold(want ...string) {
	x.t.Helper()
	x.mu.Lock()
	defer x.mu.Unlock()
	if !slices.Equal(x.told, want) {
		x.t.Fatalf("told %q, want %q", x.told, want)
	}
}

func (x *shop) findings() string {
	x.t.Helper()
	l, err := x.store.Findings(context.Background(), duoyun.Scope{All: true}, broker.FindingFilter{State: duoyun.FindingOpen}, duoyun.Page{})
	if err != nil {
		x.t.Fatal(err)
	}
	var kinds []string
	for _, f := range l.Items {
		kinds = append(kinds, f.Kind)
	}
	slices.Sort(kinds)
	return strings.Join(kinds, " ")
}

// each runs a test of the protocol on both engines.
func each(t *testing.T, f func(t *testing.T, x *shop)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) { f(t, newShop(t, s)) })
}

func TestAPurchaseIsSentOnceSeenAndVerified(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		if wait := x.work(in); wait != 0 {
			t.Fatalf("a vendor without latency takes one call of Work, it asks for %v", wait)
		}
		x.want(in, duoyun.IntentVerified)
		x.wantSent(1)
		x.wantTold("app: create verified")
		r := x.resource(in)
		if r.VendorID != "v-1" || r.Parts["server"] != "v-1" || len(r.Addresses) != 1 {
			t.Fatalf("what the vendor told was not kept: %+v", r)
		}
		if strings.Contains(string(r.Observed), `"x"`) {
			t.Fatalf("a password was kept: %s", r.Observed)
		}
		if x.work(in) != 0 {
			t.Fatal("a settled intent asks for more")
		}
		x.wantSent(1)
	})
}

func TestALostReplyIsFoundByItsMarkAndBuysOnce(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.fail("server", "lost")
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
		x.wantSent(1)
		x.wantThings(1)
	})
}

func TestNothingMadeIsBoughtAgainOnlyAfterTwoCompleteListings(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.fail("server", "dropped")
		in := x.order("app", aServer, duoyun.IntentIntended)
		start := x.clock.Now()
		for x.sent() < 2 {
			wait := x.work(in)
			if x.sent() < 2 {
				x.clock.Advance(wait)
			}
		}
		// lease (20 s + 5 s) + timeout (20 s), then one settling time (10 s)
		if passed := x.clock.Now().Sub(start); passed < 55*time.Second {
			t.Fatalf("bought again after %v: before absence was proven", passed)
		}
		x.until(in, time.Hour)
		got := x.want(in, duoyun.IntentVerified)
		if got.Generation != 1 {
			t.Fatalf("generation %d, want 1", got.Generation)
		}
		x.wantThings(1)
		if x.runs[0].Mark != x.runs[1].Mark || x.runs[0].Token == x.runs[1].Token {
			t.Fatalf("the mark stays and the token changes with the generation: %q %q", x.runs[0].Token, x.runs[1].Token)
		}
	})
}

// The first generation's thing was taken and vanished. Its id is dead for ever, and must not speak for what the next
// generation made, whose replies are all lost.
func TestAThingThatVanishedNeverHidesTheOneBoughtInItsPlace(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.fail("server", "vanishes", "lost", "lost", "lost")
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, 3*time.Hour)
		x.want(in, duoyun.IntentVerified)
		x.wantSent(2)
		x.wantThings(1)
		if got := x.resource(in).VendorID; got != "v-2" {
			t.Fatalf("the resource bears the vendor id %q", got)
		}
		if old := x.runs[1].ID + x.runs[1].Parts["server"]; old != "" {
			t.Fatalf("the second create carries the first one's id %q", old)
		}
	})
}

// An id that the vendor no longer knows says nothing of a thing that bears our mark under another.
func TestAnIDThatIsGoneIsNoProofWhileTheMarkIsSeen(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.fail("server", "vanishes")
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.work(in)
		x.things = append(x.things, &thing{id: "other", mark: x.runs[0].Mark, step: "server", kind: duoyun.KindServer, spec: aServer, state: driver.Active})
		x.until(in, 3*time.Hour)
		x.want(in, duoyun.IntentVerified)
		x.wantSent(1)
		if got := x.resource(in).VendorID; got != "other" {
			t.Fatalf("the resource bears the vendor id %q", got)
		}
	})
}

func TestAKilledWorkersCallIsNeverSentAgainWithoutProof(t *testing.T) {
	for _, acted := range []bool{true, false} {
		t.Run(fmt.Sprintf("acted=%v", acted), func(t *testing.T) {
			each(t, func(t *testing.T, x *shop) {
				in := x.order("app", aServer, duoyun.IntentIntended)
				x.kill(in, acted)
				if wait := x.work(in); wait != 0 {
					t.Fatalf("the lease still runs, yet the intent was taken: %v", wait)
				}
				x.clock.Advance(26 * time.Second)
				x.work(in)
				if n := x.sent(); n > 1 {
					t.Fatal("a step found sent was sent again")
				}
				x.until(in, time.Hour)
				x.want(in, duoyun.IntentVerified)
				x.wantThings(1)
			})
		})
	}
}

// kill leaves an intent as a worker does that is killed within its wire call.
func (x *shop) kill(in duoyun.Intent, acted bool) {
	x.t.Helper()
	x.tx(func(tx *sql.Tx) error {
		was := broker.Lease{State: in.State}
		sent := in
		sent.State, sent.Owner, sent.LeaseUntil, sent.Attempt = duoyun.IntentSent, "dead", x.clock.Now().Add(25*time.Second), 1
		st := duoyun.IntentStep{IntentID: in.ID, Name: string(in.Kind), Token: "t", SentAt: x.clock.Now(), Outcome: "sent"}
		if err := x.store.SaveStep(context.Background(), tx, st); err != nil {
			return err
		}
		return x.store.SaveIntent(context.Background(), tx, was, sent)
	})
	if acted {
		x.vendor.mu.Lock()
		defer x.vendor.mu.Unlock()
		shelf{x.vendor, in.Kind}.act(driver.Call{Change: driver.Change{Op: duoyun.OpCreate, Mark: duoyun.Mark(in.ResourceID), After: in.After}, Step: string(in.Kind)})
	}
}

func TestAPartialListingNeverProvesAbsence(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.fail("server", "dropped")
		x.partial = true
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, 3*time.Hour)
		x.want(in, duoyun.IntentInDoubt)
		x.wantSent(1)
		if got := x.findings(); got != "in_doubt" {
			t.Fatalf("findings %q", got)
		}
		x.partial = false
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
		x.wantThings(1)
	})
}

func TestAListingThatMissesAKnownResourceNeverProvesAbsence(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		known := x.order("known", aServer, duoyun.IntentIntended)
		x.until(known, time.Minute)
		x.hidden = x.resource(known).VendorID
		x.fail("server", "dropped")
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentInDoubt)
		x.wantSent(2)
		x.hidden = ""
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
		x.wantThings(2)
	})
}

func TestAStaleListingWithinSettlingNeverLeadsToASecondPurchase(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.lag = 9 * time.Second // below settling
		x.during = func() { x.clock.Advance(19 * time.Second) }
		x.fail("server", "lost")
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
		x.wantSent(1)
		x.wantThings(1)
	})
}

func TestWorkersRacingForOneIntentSendItOnce(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				if _, err := x.purchaser.Work(context.Background(), in.ID); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		x.want(in, duoyun.IntentVerified)
		x.wantSent(1)
		x.wantTold("app: create verified")
	})
}

func TestAFailureHalfWayTakesAwayWhatStands(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.fail("router", "invalid")
		in := x.order("net", duoyun.NetworkSpec{CIDR: "10.32.0.0/24"}, duoyun.IntentIntended)
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentFailed)
		x.wantThings(2)
		undo := x.compensation(in)
		x.until(undo, time.Hour)
		x.want(undo, duoyun.IntentVerified)
		x.want(in, duoyun.IntentCompensated)
		x.wantThings(0)
		x.wantTold("net: create failed", "net: create compensated")
		last := x.runs[len(x.runs)-2:]
		if last[0].Step != "delete-subnet" || last[1].Step != "delete-network" {
			t.Fatalf("taken away in the wrong order: %s, %s", last[0].Step, last[1].Step)
		}
	})
}

func (x *shop) compensation(of duoyun.Intent) duoyun.Intent {
	x.t.Helper()
	var id string
	if err := x.store.DB().QueryRow(`SELECT id FROM intents WHERE compensate = $1 ORDER BY id DESC LIMIT 1`, of.ID).Scan(&id); err != nil {
		x.t.Fatal(err)
	}
	return x.now(duoyun.Intent{ID: id})
}

func TestADeletionCountsOnlyWhenSeenGone(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Minute)
		x.fading = 5 * time.Minute
		del := x.change(in, duoyun.OpDelete, nil)
		x.until(del, 4*time.Minute)
		x.want(del, duoyun.IntentAccepted)
		x.wantTold("app: create verified")
		x.until(del, time.Hour)
		x.want(del, duoyun.IntentVerified)
		x.wantThings(0)
		x.wantSent(2)
	})
}

// Another account knows nothing of ours: its 404 is no proof that a server is gone, while others of ours are missing too.
func TestAnAccountThatShowsNothingOfOursProvesNoDeletion(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		first, second := x.order("app", aServer, duoyun.IntentIntended), x.order("web", aServer, duoyun.IntentIntended)
		x.until(first, time.Hour)
		x.until(second, time.Hour)
		x.blind = true
		del := x.change(first, duoyun.OpDelete, nil)
		x.until(del, time.Hour)
		if got := x.now(del); got.State.Settled() || x.findings() != broker.FindingInDoubt {
			t.Fatalf("the deletion is %s, findings %q", got.State, x.findings())
		}
		x.blind = false
		x.until(del, time.Hour)
		x.want(del, duoyun.IntentVerified)
		x.wantThings(1)
	})
}

func TestARefusalForTheMomentIsSentAgainLaterAndForGoodFails(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.fail("server", "throttled", "unavailable", "not_ready")
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Hour)
		if got := x.want(in, duoyun.IntentVerified); got.Generation != 0 {
			t.Fatal("a refusal begins no generation")
		}
		x.wantSent(4)
		x.fail("server", "sold_out")
		other := x.order("other", aServer, duoyun.IntentIntended)
		x.until(other, time.Hour)
		if got := x.want(other, duoyun.IntentFailed); !strings.Contains(got.Reason, "售罄") {
			t.Fatalf("reason %q", got.Reason)
		}
		x.wantThings(1)
		x.wantTold("app: create verified", "other: create failed")
	})
}

func TestBadCredentialsWaitForAPersonAndFailNothing(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.fail("server", slices.Repeat([]string{"auth"}, 80)...)
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, 5*time.Hour)
		x.want(in, duoyun.IntentIntended)
		if got := x.findings(); got != "auth" {
			t.Fatalf("findings %q", got)
		}
		x.faults["server"] = nil
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
	})
}

func TestChildrenAreWokenByTheLastParentAndCancelledByAFailedOne(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		a, b := x.order("a", aServer, duoyun.IntentIntended), x.order("b", aServer, duoyun.IntentIntended)
		child := x.order("child", duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}, duoyun.IntentWaiting, a, b)
		x.until(a, time.Minute)
		x.want(child, duoyun.IntentWaiting)
		x.until(b, time.Minute)
		x.want(child, duoyun.IntentIntended)
		x.until(child, time.Minute)
		x.want(child, duoyun.IntentVerified)
		if links := x.runs[2].Links[duoyun.RelAttach]; len(links) != 2 || links[0].ID == "" {
			t.Fatalf("the child does not know its parents: %+v", links)
		}
		x.fail("server", "sold_out")
		c := x.order("c", aServer, duoyun.IntentIntended)
		d := x.order("d", duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}, duoyun.IntentWaiting, c)
		e := x.order("e", duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}, duoyun.IntentWaiting, d)
		x.until(c, time.Minute)
		x.want(d, duoyun.IntentCancelled)
		x.want(e, duoyun.IntentCancelled)
		x.wantTold("a: create verified", "b: create verified", "child: create verified",
			"c: create failed", "d: create cancelled", "e: create cancelled")
	})
}

func TestParentsAreReleasedAfterTheirChildren(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		a := x.order("a", aServer, duoyun.IntentIntended)
		d := x.order("d", duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}, duoyun.IntentWaiting, a)
		x.until(a, time.Minute)
		x.until(d, time.Minute)
		down := x.change(d, duoyun.OpDelete, nil)
		up := x.change(a, duoyun.OpDelete, nil)
		x.tx(func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE intents SET state = 'waiting' WHERE id = $1`, up.ID)
			return err
		})
		x.until(down, time.Minute)
		x.want(up, duoyun.IntentIntended)
		x.until(up, time.Minute)
		x.want(up, duoyun.IntentVerified)
		x.wantThings(0)
	})
}

func TestAnotherSpecThanOrderedIsMismatchedAndFiled(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.observed = func(duoyun.Spec) duoyun.Spec { return duoyun.ServerSpec{VCPU: 2, RAMGiB: 16} }
		in := x.order("app", aServer, duoyun.IntentIntended)
		child := x.order("child", duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}, duoyun.IntentWaiting, in)
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentMismatched)
		x.wantTold("app: create mismatched")
		x.want(child, duoyun.IntentWaiting)
		if got := x.findings(); got != "mismatched" {
			t.Fatalf("findings %q", got)
		}
		x.things[0].spec = aServer // the supplier puts it right
		x.clock.Advance(time.Hour)
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
		x.want(child, duoyun.IntentIntended)
	})
}

func TestWhatIsBuiltInErrorFailsAndIsTakenAway(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.during = func() { x.things[0].state = driver.Errored }
		x.until(in, time.Hour)
		if got := x.want(in, duoyun.IntentFailed); !strings.Contains(got.Reason, "no valid host") {
			t.Fatalf("reason %q", got.Reason)
		}
		x.until(x.compensation(in), time.Hour)
		x.want(in, duoyun.IntentCompensated)
		x.wantThings(0)
	})
}

func TestAnUpdateInDoubtIsSettledByObserving(t *testing.T) {
	bigger := duoyun.ServerSpec{VCPU: 8, RAMGiB: 32, SystemDiskGiB: 100, Image: "kylin-v10"}
	for fault, sends := range map[string]int{"lost": 1, "dropped": 2} {
		t.Run(fault, func(t *testing.T) {
			each(t, func(t *testing.T, x *shop) {
				in := x.order("app", aServer, duoyun.IntentIntended)
				x.until(in, time.Minute)
				x.fail("resize", fault)
				up := x.change(in, duoyun.OpUpdate, bigger)
				x.until(up, time.Hour)
				x.want(up, duoyun.IntentVerified)
				x.wantSent(1 + sends)
				if got := x.live()[0].spec; !duoyun.SameSpec(got, bigger) {
					t.Fatalf("the vendor has %+v", got)
				}
			})
		})
	}
}

func TestAVendorWithTokensIsAskedAgainWithTheSameToken(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.caps.TokenLife = time.Hour
		x.lag = time.Hour // its listings are no help
		x.fail("server", "lost")
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.work(in)
		x.wantSent(2)
		x.wantThings(1)
		if x.runs[0].Token != x.runs[1].Token {
			t.Fatalf("the tokens differ: %q %q", x.runs[0].Token, x.runs[1].Token)
		}
	})
}

func TestAReplyThatComesAfterAbsenceWasProvenIsASurplus(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.hidden = "v-1" // beyond any promised settling time
		x.during = func() {
			x.clock.Advance(10 * time.Minute)
			x.until(in, time.Hour)
		}
		x.work(in)
		x.want(in, duoyun.IntentVerified)
		x.wantThings(2)
		if got := x.findings(); got != "surplus" {
			t.Fatalf("findings %q: a late arrival is never adopted in silence", got)
		}
	})
}

func TestTwoThingsUnderOneMarkGoToAPerson(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.kill(in, true)
		x.things = append(x.things, &thing{id: "v-2", mark: x.things[0].mark, step: "server", kind: duoyun.KindServer, state: driver.Active})
		x.clock.Advance(time.Minute)
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentInDoubt)
		x.wantSent(0)
		if got := x.findings(); got != "conflict" {
			t.Fatalf("findings %q", got)
		}
		x.things = x.things[:1]
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
	})
}

func TestTheSweeperWakesWhatNobodyHas(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		killed, queued := x.order("killed", aServer, duoyun.IntentIntended), x.order("queued", aServer, duoyun.IntentIntended)
		x.kill(killed, false)
		x.wantSwept(map[string]int{}) // the lease runs, and the job of the other may still come
		x.clock.Advance(26 * time.Second)
		x.wantSwept(map[string]int{killed.ID: 1, queued.ID: 1})
		x.wantSwept(map[string]int{killed.ID: 1, queued.ID: 1}) // told once, not at every sweep
		x.clock.Advance(6 * time.Second)
		x.wantSwept(map[string]int{killed.ID: 2, queued.ID: 1})
	})
}

func TestAWakeUpThatStandsInALongLineIsNotLost(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		killed, queued := x.order("killed", aServer, duoyun.IntentIntended), x.order("queued", aServer, duoyun.IntentIntended)
		x.kill(killed, false)
		x.line = time.Minute
		x.clock.Advance(26 * time.Second)
		x.wantSwept(map[string]int{killed.ID: 1}) // a dead lease is nobody's
		x.line = 0
		x.wantSwept(map[string]int{killed.ID: 1, queued.ID: 1})
	})
}

// wantSwept sweeps and compares how many jobs there are by intent.
func (x *shop) wantSwept(want map[string]int) {
	x.t.Helper()
	if err := x.purchaser.Sweep(context.Background()); err != nil {
		x.t.Fatal(err)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !maps.Equal(x.jobs, want) {
		x.t.Fatalf("jobs %v, want %v", x.jobs, want)
	}
}

func TestAWireCallsDeadlineCountsFromBeforeItsLease(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.until(x.order("app", aServer, duoyun.IntentIntended), time.Minute)
		if latest := x.locked.Add(x.caps.CallTimeout); x.deadline.IsZero() || x.deadline.After(latest) {
			t.Fatalf("a worker that is paused between its lease and its call could still send: deadline %v, want by %v", x.deadline, latest)
		}
	})
}

// counting counts the jobs that the protocol enqueues, and notes when it first took an intent.
type counting struct {
	*store.Store
	shop *shop
}

func (c counting) LockIntent(ctx context.Context, tx *sql.Tx, id string) (duoyun.Intent, error) {
	c.shop.noteLock()
	return c.Store.LockIntent(ctx, tx, id) // may wait for a transaction that is about to enqueue
}

func (x *shop) noteLock() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.locked.IsZero() {
		x.locked = time.Now()
	}
}

func (c counting) QueueAges(context.Context) (map[string]time.Duration, error) {
	return map[string]time.Duration{broker.PurchaseJob{}.Kind(): c.shop.line}, nil
}

func (c counting) Enqueue(ctx context.Context, tx *sql.Tx, jobs ...duoyun.Job) error {
	c.shop.noteJobs(jobs)
	return c.Store.Enqueue(ctx, tx, jobs...)
}

func (x *shop) noteJobs(jobs []duoyun.Job) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, j := range jobs {
		x.jobs[j.(broker.PurchaseJob).IntentID]++
	}
}
