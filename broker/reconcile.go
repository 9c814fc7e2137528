package broker

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// ReconcileStore keeps what a pool's account is compared with.
type ReconcileStore interface {
	InTx(ctx context.Context, f func(tx *sql.Tx) error) error
	Audit(ctx context.Context, tx *sql.Tx, e duoyun.AuditEntry) error
	OpenFinding(ctx context.Context, tx *sql.Tx, f duoyun.Finding) (duoyun.Finding, error)
	FindPool(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Pool, error)
	// Recorded reads resources by id.
	Recorded(ctx context.Context, ids []string) (map[string]Recorded, error)
	// LiveInPool gives a pool's live resources of a kind that have a vendor id, by vendor id after the given one.
	LiveInPool(ctx context.Context, poolID string, kind duoyun.Kind, after string, limit int) ([]Recorded, error)
	// TakeDuePool gives an active pool whose next reconciliation is due by now to one caller alone, until next; "" when
	// none is due.
	TakeDuePool(ctx context.Context, tx *sql.Tx, now, next time.Time) (poolID string, err error)
	// ReconcileAgain says when a pool's next reconciliation is due.
	ReconcileAgain(ctx context.Context, tx *sql.Tx, poolID string, at time.Time) error
	// Superseded reports whether a purchase in a pool was given up since then, though it had been sent: its vendor may
	// yet deliver.
	Superseded(ctx context.Context, tx *sql.Tx, poolID string, since time.Time) (bool, error)
	RunStore
}

// RunStore keeps how far runs have come, so that one that was killed goes on where it was.
type RunStore interface {
	// FindRun reads a pool's run that is not at its end; its Version is 0 where there is none.
	FindRun(ctx context.Context, poolID string) (Run, error)
	// SaveRun writes how far a run has come, with what its last page showed, and raises its Version; the first page of a
	// kind forgets the pages before it. Another's move since is a conflict.
	SaveRun(ctx context.Context, tx *sql.Tx, run Run, page []uint64) error
	// Pages gives what the pages of a run's present kind have shown.
	Pages(ctx context.Context, poolID string, f func(page []uint64)) error
	// EndRun forgets a run.
	EndRun(ctx context.Context, tx *sql.Tx, run Run) error
}

// Recorded is a resource as we have it, with whether an intent of it is open, and when one last moved.
type Recorded struct {
	Resource duoyun.Resource
	Open     bool
	MovedAt  time.Time
}

// Run is how far the comparison of a pool has come.
type Run struct {
	PoolID    string
	Version   int64
	Seed      uint64 // of the sieve
	StartedAt time.Time
	Kind      duoyun.Kind // that it is at; "" before the first
	Listed    bool        // its listing is through: ghosts are looked for
	Whole     bool        // its listing was whole so far
	Cursor    string      // what comes next: of the listing, or the vendor id before the next record
	Page      int         // pages of the listing so far
	Tally     Tally       // of what was found so far
	Before    Tally       // as its kind began
}

// Report 对账报告 is what one comparison of a pool's account with our records found.
type Report struct {
	Pool      duoyun.Pool
	StartedAt time.Time // real clock
	EndedAt   time.Time
	Tally
}

// Tally counts what a comparison found.
type Tally struct {
	Seen       int           // resources at the vendor
	Ours       int           // bear a mark of ours and are as recorded
	Moving     int           // ours, with a purchase, change or release under way: left to it
	Orphans    int           // bear a mark of ours without a live record
	Ghosts     int           // recorded as live, and proven gone
	Drift      int           // exist with another spec than recorded
	Surplus    int           // a second one bears a mark
	Strangers  int           // not ours: counted, never touched
	Incomplete []duoyun.Kind // whose listing was not whole: no ghosts were looked for
}

// Reconciler compares accounts with our records. It files findings and deletes nothing.
type Reconciler struct {
	store  ReconcileStore
	clouds Clouds
	now    duoyun.Clock
}

// NewReconciler returns a Reconciler; now is the real clock.
func NewReconciler(store ReconcileStore, clouds Clouds, now duoyun.Clock) *Reconciler {
	if now == nil {
		now = time.Now
	}
	return &Reconciler{store: store, clouds: clouds, now: now}
}

const (
	reconcileEvery = 24 * time.Hour // each active pool
	reconcileRetry = time.Hour      // a pool whose cloud did not answer to the end, or whose worker was killed
	// watchEvery is for a pool in which a purchase was given up, though it had been sent, within the last watchFor: what
	// was given up may yet come, and is then a surplus or an orphan. After that the daily run goes on watching, for more
	// than the 30 days it takes.
	watchEvery = time.Hour
	watchFor   = 24 * time.Hour
	// ownVisible is how soon after its end a change of our own is compared like everything else.
	ownVisible = 10 * time.Second
)

// WatchAt is when a pool is to be reconciled at the latest, in which a purchase is given up now that had been sent.
func WatchAt(now time.Time) time.Time { return now.Add(watchEvery) }

// ReconcileDue compares, one after another and in the platform's own name, the active pools that nobody has compared for a
// day, and returns how many it compared. A pool that fails does not keep the others waiting; it is tried again in an hour.
// Any number of replicas may call it at once.
func (r *Reconciler) ReconcileDue(ctx context.Context) (int, error) {
	done, errs := 0, []error(nil)
	for {
		pool := ""
		err := r.store.InTx(ctx, func(tx *sql.Tx) (err error) {
			now := r.now()
			pool, err = r.store.TakeDuePool(ctx, tx, now, now.Add(reconcileRetry))
			return err
		})
		if err != nil || pool == "" {
			return done, errors.Join(append(errs, err)...)
		}
		if _, err := r.Reconcile(ctx, duoyun.SystemActor(), pool); err != nil {
			errs = append(errs, err)
			continue
		}
		done++
	}
}

// recordBatch is how many records are read at once.
const recordBatch = 500

// Reconcile compares one pool, by id or code, kind by kind and page by page: memory does not grow with the account.
// Vendor errors end it with what was found so far filed already, and the next run goes on from there.
func (r *Reconciler) Reconcile(ctx context.Context, actor duoyun.Actor, poolKey string) (Report, error) {
	if err := actor.Need(duoyun.RoleSystemAdmin, duoyun.RoleProcurement, duoyun.RoleReviewer); err != nil {
		return Report{}, err
	}
	pool, err := r.store.FindPool(ctx, duoyun.Scope{All: true}, poolKey) // every role above sees every pool
	if err != nil {
		return Report{}, err
	}
	cloud, err := r.clouds.Cloud(ctx, pool.ID)
	if err != nil {
		return Report{}, err
	}
	c, err := r.begin(ctx, pool, cloud)
	if err == nil {
		err = c.kinds(ctx)
	}
	report := Report{Pool: pool, StartedAt: c.run.StartedAt, Tally: c.run.Tally}
	if err != nil {
		return report, err
	}
	report.EndedAt = r.now()
	return report, c.end(ctx, actor, report)
}

// begin takes up the run that did not come to its end within a day, or begins one.
func (r *Reconciler) begin(ctx context.Context, pool duoyun.Pool, cloud *providers.Cloud) (*comparison, error) {
	c := &comparison{Reconciler: r, cloud: cloud, pool: pool}
	run, err := r.store.FindRun(ctx, pool.ID)
	if err != nil {
		return c, err
	}
	now := r.now()
	if run.Version == 0 || run.StartedAt.Before(now.Add(-reconcileEvery)) || !slices.Contains(c.offered(), run.Kind) {
		run = Run{PoolID: pool.ID, Version: run.Version, Seed: rand.Uint64(), StartedAt: now}
	}
	c.run, c.seen, c.resumed = run, newSieve(run.Seed), run.Kind != ""
	if !c.resumed {
		return c, nil
	}
	return c, r.store.Pages(ctx, pool.ID, func(page []uint64) {
		for _, h := range page {
			c.seen.put(h)
		}
	})
}

// comparison is one run over one account.
type comparison struct {
	*Reconciler
	cloud   *providers.Cloud
	pool    duoyun.Pool
	run     Run
	seen    sieve // of the present kind
	resumed bool  // the cursor is one of an earlier call
}

// offered are the pool's kinds, always in the same order.
func (c *comparison) offered() []duoyun.Kind {
	return slices.DeleteFunc(duoyun.Kinds(), func(k duoyun.Kind) bool { return !c.cloud.Offers(k) })
}

func (c *comparison) kinds(ctx context.Context) error {
	all := c.offered()
	for _, k := range all[max(0, slices.Index(all, c.run.Kind)):] {
		if c.run.Kind != k {
			c.run.Before = c.run.Tally
			c.enter(k)
		}
		if err := c.list(ctx); err != nil {
			return err
		}
		if err := c.parts(ctx); err != nil {
			return err
		}
		if err := c.ghosts(ctx); err != nil {
			return err
		}
	}
	return nil
}

// enter begins a kind, or begins it anew.
func (c *comparison) enter(k duoyun.Kind) {
	c.run.Kind, c.run.Listed, c.run.Whole, c.run.Cursor, c.run.Page, c.run.Tally = k, false, true, "", 0, c.run.Before
	c.run.Tally.Incomplete = slices.Clone(c.run.Before.Incomplete)
	c.seen, c.resumed = newSieve(c.run.Seed), false
}

// list compares every page of the present kind's listing, and stores after each how far it has come.
func (c *comparison) list(ctx context.Context) error {
	for !c.run.Listed {
		page, err := c.cloud.List(ctx, c.run.Kind, c.run.Cursor)
		if code := providers.CodeOf(err); c.resumed && c.run.Cursor != "" && (code == driver.Invalid || code == driver.NotFound) {
			c.enter(c.run.Kind) // the cursor of an earlier call means nothing to the vendor any more
			continue
		}
		if err != nil {
			return err
		}
		before := c.run
		if err := c.page(ctx, page); err != nil {
			c.run = before // the page is read again, and counts once
			return err
		}
		c.resumed = false
	}
	return nil
}

func (c *comparison) page(ctx context.Context, page driver.Page) error {
	var found []duoyun.Finding
	hashes := make([]uint64, 0, len(page.Items))
	for part := range slices.Chunk(page.Items, recordBatch) {
		for _, o := range part {
			hashes = append(hashes, c.seen.add(o.ID))
		}
		more, err := c.part(ctx, part)
		if err != nil {
			return err
		}
		found = append(found, more...)
	}
	c.run.Page++
	c.run.Whole, c.run.Cursor, c.run.Listed = c.run.Whole && !page.Partial, page.Next, page.Next == ""
	if c.run.Listed && !c.run.Whole {
		c.run.Tally.Incomplete = append(c.run.Tally.Incomplete, c.run.Kind)
	}
	return c.save(ctx, found, hashes)
}

// part compares what the vendor shows with what we have of it.
func (c *comparison) part(ctx context.Context, items []driver.Observation) ([]duoyun.Finding, error) {
	var ids []string
	for _, o := range items {
		if duoyun.IsMark(o.Mark) {
			ids = append(ids, duoyun.ResourceOfMark(o.Mark))
		}
	}
	records, err := c.store.Recorded(ctx, ids)
	if err != nil {
		return nil, err
	}
	var found []duoyun.Finding
	for _, o := range items {
		f, err := c.compare(ctx, o, records)
		if err != nil {
			return nil, err
		}
		if f != nil {
			found = append(found, *f)
		}
	}
	return found, nil
}

// compare judges one thing the vendor shows; nil where nothing is amiss. What moved so lately that the listing may not
// show it yet is asked for before anything is said of it.
func (c *comparison) compare(ctx context.Context, o driver.Observation, records map[string]Recorded) (*duoyun.Finding, error) {
	var rec Recorded
	known := false
	if duoyun.IsMark(o.Mark) {
		rec, known = records[duoyun.ResourceOfMark(o.Mark)]
	}
	t := &c.run.Tally
	t.Seen++
	if known && c.moving(rec, c.now()) {
		t.Moving++
		return nil, nil
	}
	v := c.judge(o, rec, known)
	if known && v.amiss() && rec.MovedAt.After(c.now().Add(-c.cloud.Capabilities().Settling)) {
		now, err := c.cloud.Observe(ctx, c.run.Kind, o.ID)
		switch {
		case providers.CodeOf(err) == driver.NotFound:
			t.Moving++
			return nil, nil
		case err != nil:
			return nil, err
		}
		o, v = now, c.judge(now, rec, known)
	}
	return c.count(v, o, rec, known), nil
}

// verdict is what is to be said of one thing at the vendor.
type verdict int

const (
	asRecorded verdict = iota
	aStranger
	anOrphan
	aSurplus
	drifted
)

func (v verdict) amiss() bool { return v >= anOrphan }

func (c *comparison) judge(o driver.Observation, rec Recorded, known bool) verdict {
	r := rec.Resource
	switch {
	case !duoyun.IsMark(o.Mark):
		return aStranger
	case !known:
		return anOrphan
	case r.Kind != c.run.Kind: // a part that another kind's listing shows too
		return asRecorded
	case !r.State.Live():
		return anOrphan
	case r.VendorID != o.ID && !part(r, o.ID):
		return aSurplus
	case !driver.Meets(r.Spec, o.Spec):
		return drifted
	}
	return asRecorded
}

func (c *comparison) count(v verdict, o driver.Observation, rec Recorded, known bool) *duoyun.Finding {
	t, r := &c.run.Tally, rec.Resource
	switch v {
	case aStranger:
		t.Strangers++
	case anOrphan:
		t.Orphans++
		if !known {
			return c.orphan(c.run.Kind, o, nil)
		}
		return c.orphan(c.run.Kind, o, &r)
	case aSurplus:
		t.Surplus++
		f := surplus(r, shown(o, r), o.ID, c.now())
		return &f
	case drifted:
		t.Drift++
		return c.drift(o, r)
	default:
		t.Ours++
	}
	return nil
}

// moving reports whether the protocol is at work on a resource, or was a moment before the given time.
func (c *comparison) moving(rec Recorded, at time.Time) bool {
	return rec.Open || rec.MovedAt.After(at.Add(-min(ownVisible, c.cloud.Capabilities().Settling)))
}

func part(r duoyun.Resource, id string) bool {
	for _, p := range r.Parts {
		if p == id {
			return true
		}
	}
	return false
}

// ghosts looks for records that the whole listing did not show, batch by batch. The listing alone proves nothing: each is
// asked for. What moved since the run began may have come after its page was read.
func (c *comparison) ghosts(ctx context.Context) error {
	for more := c.run.Whole; more; {
		records, err := c.store.LiveInPool(ctx, c.pool.ID, c.run.Kind, c.run.Cursor, recordBatch)
		if err != nil {
			return err
		}
		var found []duoyun.Finding
		for _, rec := range records {
			gone, err := c.gone(ctx, rec)
			if err != nil {
				return err
			}
			if gone {
				found = append(found, c.ghost(rec.Resource))
			}
		}
		if more = len(records) == recordBatch; !more && len(found) == 0 {
			return nil
		}
		before := c.run
		c.run.Tally.Ghosts += len(found)
		c.run.Cursor = records[len(records)-1].Resource.VendorID
		if err := c.save(ctx, found, nil); err != nil {
			c.run = before
			return err
		}
	}
	return nil
}

func (c *comparison) gone(ctx context.Context, rec Recorded) (bool, error) {
	if c.moving(rec, c.run.StartedAt) || c.seen.has(rec.Resource.VendorID) {
		return false, nil
	}
	_, err := c.cloud.Observe(ctx, c.run.Kind, rec.Resource.VendorID)
	if err != nil && providers.CodeOf(err) != driver.NotFound {
		return false, err
	}
	return err != nil, nil
}

// save files what was found and stores how far the run has come, in one transaction: what is counted is filed once.
func (c *comparison) save(ctx context.Context, found []duoyun.Finding, page []uint64) error {
	err := c.store.InTx(ctx, func(tx *sql.Tx) error {
		if err := c.store.SaveRun(ctx, tx, c.run, page); err != nil {
			return err
		}
		for _, f := range found {
			if _, err := c.store.OpenFinding(ctx, tx, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		c.run.Version++
	}
	return err
}

// end forgets the run and says when the next is due: counted from its beginning, since what came to be behind a run that
// took long, or was taken up again, waits for the next.
func (c *comparison) end(ctx context.Context, actor duoyun.Actor, r Report) error {
	return c.store.InTx(ctx, func(tx *sql.Tx) error {
		next := reconcileEvery
		superseded, err := c.store.Superseded(ctx, tx, c.pool.ID, r.EndedAt.Add(-watchFor))
		if err != nil {
			return err
		}
		if superseded {
			next = watchEvery
		}
		if err := c.store.ReconcileAgain(ctx, tx, c.pool.ID, r.StartedAt.Add(next)); err != nil {
			return err
		}
		if err := c.store.EndRun(ctx, tx, c.run); err != nil {
			return err
		}
		e := entry(ctx, actor, "pool.reconcile", "pool", c.pool.ID)
		e.Detail = detail(map[string]string{"pool": c.pool.Code, "seen": fmt.Sprint(r.Seen), "orphans": fmt.Sprint(r.Orphans),
			"ghosts": fmt.Sprint(r.Ghosts), "drift": fmt.Sprint(r.Drift), "strangers": fmt.Sprint(r.Strangers)})
		return c.store.Audit(ctx, tx, e)
	})
}
