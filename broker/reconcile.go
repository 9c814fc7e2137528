package broker

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
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
	// Recorded reads resources by id, with whether the protocol is at work on each or was since the given time.
	Recorded(ctx context.Context, ids []string, since time.Time) (map[string]Recorded, error)
	// LiveInPool gives a pool's live resources of a kind that have a vendor id, by vendor id after the given one.
	LiveInPool(ctx context.Context, poolID string, kind duoyun.Kind, after string, since time.Time, limit int) ([]Recorded, error)
	// TakeDuePool gives an active pool whose next reconciliation is due by now to one caller alone, until next; "" when
	// none is due.
	TakeDuePool(ctx context.Context, tx *sql.Tx, now, next time.Time) (poolID string, err error)
	// ReconcileAgain says when a pool's next reconciliation is due.
	ReconcileAgain(ctx context.Context, tx *sql.Tx, poolID string, at time.Time) error
}

// Recorded is a resource as we have it; Moving tells that an intent of it is open, or ended a moment ago.
type Recorded struct {
	Resource duoyun.Resource
	Moving   bool
}

// Report 对账报告 is what one comparison of a pool's account with our records found.
type Report struct {
	Pool       duoyun.Pool
	StartedAt  time.Time // real clock
	EndedAt    time.Time
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
)

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
// Vendor errors end it with what was found so far filed already.
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
	c := comparison{Reconciler: r, cloud: cloud, report: Report{Pool: pool, StartedAt: r.now()}}
	c.since = c.report.StartedAt.Add(-cloud.Capabilities().Settling)
	for _, k := range duoyun.Kinds() {
		if !cloud.Offers(k) {
			continue
		}
		if err := c.kind(ctx, k); err != nil {
			return c.report, err
		}
	}
	c.report.EndedAt = r.now()
	return c.report, r.store.InTx(ctx, func(tx *sql.Tx) error {
		if err := r.store.ReconcileAgain(ctx, tx, pool.ID, c.report.EndedAt.Add(reconcileEvery)); err != nil {
			return err
		}
		e := entry(ctx, actor, "pool.reconcile", "pool", pool.ID)
		e.Detail = detail(map[string]string{"pool": pool.Code, "seen": fmt.Sprint(c.report.Seen), "orphans": fmt.Sprint(c.report.Orphans),
			"ghosts": fmt.Sprint(c.report.Ghosts), "drift": fmt.Sprint(c.report.Drift), "strangers": fmt.Sprint(c.report.Strangers)})
		return r.store.Audit(ctx, tx, e)
	})
}

// comparison is one run over one account.
type comparison struct {
	*Reconciler
	cloud  *providers.Cloud
	since  time.Time // what moved after this may not be settled at the vendor
	report Report
}

func (c *comparison) kind(ctx context.Context, k duoyun.Kind) error {
	seen, whole := newSieve(), true
	for cursor := ""; ; {
		page, err := c.cloud.List(ctx, k, cursor)
		if err != nil {
			return err
		}
		whole = whole && !page.Partial
		if err := c.page(ctx, k, page.Items, seen); err != nil {
			return err
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if !whole {
		c.report.Incomplete = append(c.report.Incomplete, k)
		return nil
	}
	return c.ghosts(ctx, k, seen)
}

// page compares what the vendor shows with what we have of it.
func (c *comparison) page(ctx context.Context, k duoyun.Kind, items []driver.Observation, seen sieve) error {
	for part := range slices.Chunk(items, recordBatch) {
		var ids []string
		for _, o := range part {
			seen.add(o.ID)
			if duoyun.IsMark(o.Mark) {
				ids = append(ids, duoyun.ResourceOfMark(o.Mark))
			}
		}
		records, err := c.store.Recorded(ctx, ids, c.since)
		if err != nil {
			return err
		}
		var found []duoyun.Finding
		for _, o := range part {
			if f := c.compare(k, o, records); f != nil {
				found = append(found, *f)
			}
		}
		if err := c.file(ctx, found); err != nil {
			return err
		}
	}
	return nil
}

// compare judges one thing the vendor shows; nil where nothing is amiss.
func (c *comparison) compare(k duoyun.Kind, o driver.Observation, records map[string]Recorded) *duoyun.Finding {
	c.report.Seen++
	if !duoyun.IsMark(o.Mark) {
		c.report.Strangers++
		return nil
	}
	rec, known := records[duoyun.ResourceOfMark(o.Mark)]
	r := rec.Resource
	switch {
	case !known:
		c.report.Orphans++
		return c.orphan(k, o, nil)
	case rec.Moving:
		c.report.Moving++
	case r.Kind != k:
		c.report.Ours++ // a part that another kind's listing shows too
	case !r.State.Live():
		c.report.Orphans++
		return c.orphan(k, o, &r)
	case r.VendorID != o.ID && !part(r, o.ID):
		c.report.Surplus++
		f := surplus(r, shown(o, r), o.ID, c.now())
		return &f
	case !driver.Meets(r.Spec, o.Spec):
		c.report.Drift++
		return c.drift(o, r)
	default:
		c.report.Ours++
	}
	return nil
}

func part(r duoyun.Resource, id string) bool {
	for _, p := range r.Parts {
		if p == id {
			return true
		}
	}
	return false
}

// ghosts looks for records that the whole listing did not show. The listing alone proves nothing: each is asked for.
func (c *comparison) ghosts(ctx context.Context, k duoyun.Kind, seen sieve) error {
	for after := ""; ; {
		records, err := c.store.LiveInPool(ctx, c.report.Pool.ID, k, after, c.since, recordBatch)
		if err != nil {
			return err
		}
		var found []duoyun.Finding
		for _, rec := range records {
			if rec.Moving || seen.has(rec.Resource.VendorID) {
				continue
			}
			_, err := c.cloud.Observe(ctx, k, rec.Resource.VendorID)
			if err == nil {
				continue
			}
			if providers.CodeOf(err) != driver.NotFound {
				return err
			}
			c.report.Ghosts++
			found = append(found, c.ghost(rec.Resource))
		}
		if err := c.file(ctx, found); err != nil || len(records) < recordBatch {
			return err
		}
		after = records[len(records)-1].Resource.VendorID
	}
}

func (c *comparison) file(ctx context.Context, found []duoyun.Finding) error {
	if len(found) == 0 {
		return nil
	}
	return c.store.InTx(ctx, func(tx *sql.Tx) error {
		for _, f := range found {
			if _, err := c.store.OpenFinding(ctx, tx, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *comparison) orphan(k duoyun.Kind, o driver.Observation, r *duoyun.Resource) *duoyun.Finding {
	f := duoyun.Finding{Kind: FindingOrphan, State: duoyun.FindingOpen, Subject: "vendor_resource", SubjectID: string(k) + " " + o.ID,
		SupplierID: c.report.Pool.SupplierID, CreatedAt: c.now(), Evidence: shown(o, duoyun.Resource{})}
	f.Message = duoyun.Text{ZH: fmt.Sprintf("资源池 %s 中有带我方标记而无在用记录的资源：%s %s", c.report.Pool.Name, k, o.ID),
		EN: fmt.Sprintf("pool %s holds a %s with our mark and no live record: %s", c.report.Pool.Code, k, o.ID)}
	if r != nil {
		f.AgencyID, f.Evidence = r.AgencyID, shown(o, *r)
		f.Message.ZH += "（" + called(*r) + " " + duoyun.ResourceLifecycle().Name(r.State) + "）"
	}
	f.Actions = []duoyun.FindingAction{byPeople("核实后请云服务商删除并核销费用", "have the supplier delete it and credit it"),
		byPeople("若为误标，请云服务商去掉标记", "if it bears the mark by mistake, have the mark taken off")}
	return &f
}

func (c *comparison) ghost(r duoyun.Resource) duoyun.Finding {
	f := about(FindingGhost, r, shown(driver.Observation{}, r), c.now())
	f.Message = duoyun.Text{ZH: called(r) + " 在云平台上已不存在", EN: called(r) + " is gone at the cloud"}
	f.Actions = []duoyun.FindingAction{byPeople("请云服务商说明原因并恢复", "have the supplier explain and restore it"),
		byPeople("提交注销单，停止计费", "submit a release order, which stops its billing")}
	return f
}

func (c *comparison) drift(o driver.Observation, r duoyun.Resource) *duoyun.Finding {
	f := about(FindingDrift, r, shown(o, r), c.now())
	f.Message = duoyun.Text{ZH: called(r) + " 的实际规格与记录不符：" + mismatch(r.Spec, o.Spec), EN: called(r) + " differs from its record"}
	f.Actions = []duoyun.FindingAction{byPeople("请云服务商恢复规格", "have the supplier restore its spec"),
		byPeople("提交变更单，使记录与实际一致", "submit a change order that brings both together")}
	return &f
}

// shown is the evidence: both sides, side by side.
func shown(o driver.Observation, r duoyun.Resource) json.RawMessage {
	raw, err := json.Marshal(map[string]any{"vendor_id": o.ID, "mark": o.Mark, "vendor_name": o.Name, "vendor_state": o.State,
		"vendor_spec": o.Spec, "recorded_id": r.VendorID, "recorded_spec": r.Spec, "recorded_state": r.State})
	if err != nil {
		panic(err) // plain values
	}
	return raw
}

// sieve remembers which ids were seen in a fixed megabyte (a Bloom filter). What it has not seen was not seen; it may
// wrongly know one id in many thousands, with another seed every run: a ghost missed today is found tomorrow.
type sieve struct {
	seed maphash.Seed
	bits []uint64
}

const sieveWords = 1 << 17

func newSieve() sieve { return sieve{seed: maphash.MakeSeed(), bits: make([]uint64, sieveWords)} }

// places are four bits drawn from one hash by double hashing (Kirsch and Mitzenmacher).
func (s sieve) places(id string) [4]uint64 {
	h := maphash.String(s.seed, id)
	step := h>>32 | 1
	var at [4]uint64
	for i := range at {
		at[i] = (h + uint64(i)*step) % (sieveWords * 64)
	}
	return at
}

func (s sieve) add(id string) {
	for _, p := range s.places(id) {
		s.bits[p/64] |= 1 << (p % 64)
	}
}

func (s sieve) has(id string) bool {
	for _, p := range s.places(id) {
		if s.bits[p/64]&(1<<(p%64)) == 0 {
			return false
		}
	}
	return true
}
