package broker

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// SubscriptionStore tells which subscriptions 包年包月 end soon.
type SubscriptionStore interface {
	// Expiring lists live resources, other than those being released, that are paid until now + within or earlier, by id
	// after the given one.
	Expiring(ctx context.Context, now time.Time, within time.Duration, after string, limit int) ([]Expiry, error)
}

// Expiry is a subscription that ends soon, or has ended.
type Expiry struct {
	Resource duoyun.Resource
	Open     bool // an intent of it is not at its end
	Failed   bool // its renewal failed, and nobody has resolved that yet
	Warned   bool // that it ends was told within so long before now
	Told     bool // that it has ended was told
}

const (
	// renewAhead is how long before its end a subscription is renewed, or its end is told: time enough for people to top up
	// an account or to write an order, and for a renewal in doubt to be settled.
	renewAhead  = 7 * 24 * time.Hour
	expiryBatch = 200
	// lastMinute is by how much a term may fall short of the day it is wanted until: some vendors end a day at 23:59:59.
	lastMinute = time.Minute
)

// RenewSubscriptions writes a renewal for every subscription that ends within seven days while the period it was ordered
// for goes on, and tells people of those that end with their period, and of those that have ended; it returns how many
// renewals it wrote. A renewal takes no holds: the department pays the contract's price, however its resource is bought.
// One that failed is not tried again until a person has resolved that. A periodic job calls it; calling it twice, or on
// several replicas at once, is harmless.
func (s *Service) RenewSubscriptions(ctx context.Context) (n int, err error) {
	for after := ""; ; {
		batch, readErr := s.store.Expiring(ctx, s.real(), renewAhead, after, expiryBatch)
		if readErr != nil {
			return n, errors.Join(err, readErr)
		}
		for _, x := range batch {
			renewed, oneErr := s.expire(ctx, x)
			if renewed {
				n++
			}
			err = errors.Join(err, oneErr) // one resource hinders no other
		}
		if len(batch) < expiryBatch || ctx.Err() != nil {
			return n, err
		}
		after = batch[len(batch)-1].Resource.ID
	}
}

// expire does what one subscription that ends asks for.
func (s *Service) expire(ctx context.Context, x Expiry) (renewed bool, err error) {
	r := x.Resource
	over := !r.PaidUntil.After(s.real())
	if over && !x.Told {
		if err := s.onEnding(ctx, r, func(tx *sql.Tx) error { return s.file(ctx, tx, expired(r, s.real())) }); err != nil {
			return false, err
		}
	}
	switch {
	case x.Open || x.Failed:
		return false, nil
	case goesOn(r):
		err := s.onEnding(ctx, r, func(tx *sql.Tx) error { renewed = true; return s.renew(ctx, tx, r) })
		if duoyun.CodeOf(err) == duoyun.CodeConflict { // another intent has come first
			return false, nil
		}
		return renewed && err == nil, err
	case !over && !x.Warned:
		return false, s.onEnding(ctx, r, func(tx *sql.Tx) error { return s.file(ctx, tx, expiring(r, s.real())) })
	}
	return false, nil
}

// goesOn reports whether the period that a resource was ordered for lasts longer than it is paid for.
func goesOn(r duoyun.Resource) bool {
	end := periodEnd(r.Period)
	return end.IsZero() || r.PaidUntil.Add(lastMinute).Before(end.Time())
}

// onEnding runs f while the resource is held and still ends when it was read to.
func (s *Service) onEnding(ctx context.Context, r duoyun.Resource, f func(tx *sql.Tx) error) error {
	return s.store.InTx(ctx, func(tx *sql.Tx) error {
		rs, err := s.store.LockResources(ctx, tx, []string{r.ID})
		if err != nil || len(rs) != 1 || !rs[0].State.Live() || !rs[0].PaidUntil.Equal(r.PaidUntil) {
			return err
		}
		return f(tx)
	})
}

// renew writes the renewal of a resource that this transaction holds: for as long as its pool buys, or as its period takes.
func (s *Service) renew(ctx context.Context, tx *sql.Tx, r duoyun.Resource) error {
	pool, err := s.store.Pool(ctx, tx, r.PoolID)
	if err != nil {
		return err
	}
	in := intentFor(r, duoyun.OpRenew, s.real())
	in.Before, in.After, in.PaidUntil = r.Spec, r.Spec, r.PaidUntil
	in.Months = duoyun.TermMonths(pool.SubscribeMonths(), duoyun.DateOf(r.PaidUntil), periodEnd(r.Period))
	if err := s.store.InsertIntents(ctx, tx, []duoyun.Intent{in}); err != nil {
		return err
	}
	if err := s.store.Audit(ctx, tx, entry(ctx, duoyun.SystemActor(), "resource.renew", "resource", r.ID)); err != nil {
		return err
	}
	return s.store.Enqueue(ctx, tx, PurchaseJob{IntentID: in.ID})
}

func (s *Service) file(ctx context.Context, tx *sql.Tx, f duoyun.Finding) error {
	_, err := s.store.OpenFinding(ctx, tx, f)
	return err
}

// renewed settles a renewal. One that failed has its finding from the protocol; the resource stays as it is either way.
func (s *Service) renewed(ctx context.Context, tx *sql.Tx, in duoyun.Intent, r duoyun.Resource) error {
	if in.State != duoyun.IntentVerified {
		return nil
	}
	return s.endsNoMore(ctx, tx, r, "已续费至 "+civil(r.PaidUntil)+"，系统自动办结本事项")
}

// endsNoMore closes what was told of a subscription's end.
func (s *Service) endsNoMore(ctx context.Context, tx *sql.Tx, r duoyun.Resource, how string) error {
	return s.closed(ctx, tx, duoyun.SystemActor(), matter{"resource", r.ID, r.Number, s.real()}, how,
		[]string{FindingExpiring, FindingExpired, FindingNotRenewed})
}

// civil is an instant as people read it.
func civil(t time.Time) string { return t.In(duoyun.Civil).Format("2006-01-02 15:04") }

func expiring(r duoyun.Resource, now time.Time) duoyun.Finding {
	f := about(FindingExpiring, r, untilWhen(r), now)
	f.Message = duoyun.Text{ZH: called(r) + " 的使用期限届满，包年包月将于 " + civil(r.PaidUntil) + " 到期，系统不再续费",
		EN: called(r) + " is at the end of its period: its subscription ends at " + civil(r.PaidUntil) + " and will not be renewed"}
	f.Actions = []duoyun.FindingAction{byPeople("仍需使用的，提交续期单", "submit a renewal order for what is still needed"),
		byPeople("不再需要的，备份数据后提交注销单", "save its data and submit a release order for what is not")}
	return f
}

func expired(r duoyun.Resource, now time.Time) duoyun.Finding {
	f := about(FindingExpired, r, untilWhen(r), now)
	f.Message = duoyun.Text{ZH: called(r) + " 的包年包月已于 " + civil(r.PaidUntil) + " 到期，未续费；云平台可能已停止或删除它",
		EN: "the subscription of " + called(r) + " ended at " + civil(r.PaidUntil) + " without a renewal: the cloud may stop or delete it"}
	f.Actions = []duoyun.FindingAction{byPeople("仍需使用的，提交续期单，并请云服务商保留", "submit a renewal order for what is still needed, and have the supplier keep it"),
		byPeople("不再需要的，提交注销单，停止计费", "submit a release order for what is not, which stops its billing")}
	return f
}

func untilWhen(r duoyun.Resource) json.RawMessage {
	raw, err := json.Marshal(map[string]any{"paid_until": r.PaidUntil, "period": r.Period, "vendor_id": r.VendorID})
	if err != nil {
		panic(err) // plain values
	}
	return raw
}

// renewedBefore looks, before a renewal is sent, whether the subscription lasts longer by now than when it was written:
// an earlier renewal that was given up has come after all, or a person renewed it at the vendor. It is then done. over
// means that nothing is to be sent.
func (w *work) renewedBefore(ctx context.Context) (over bool, err error) {
	e, err := w.cloud.Look(ctx, w.call())
	switch code := providers.CodeOf(err); {
	case code == driver.NotFound || code == driver.Invalid:
		return true, w.fail(ctx, err)
	case err != nil:
		return true, w.refused(ctx, code, err)
	case e.State == driver.Done:
		return true, w.accept(ctx, driver.Reply{})
	}
	return false, w.save(ctx, func(_ *sql.Tx, in *duoyun.Intent) error { w.extend(in); return nil }) // the look took of the call's time
}

// prolonged judges a renewal by until when the subscription is paid; whatever else has become of it is the
// reconciliation's matter. What the vendor renews together with what it hangs on has no step of its own and waits here.
func (w *work) prolonged(ctx context.Context, o driver.Observation) error {
	if o.PaidUntil.After(w.in.PaidUntil) {
		return w.settle(ctx, settlement{path: w.onward(duoyun.IntentVerified), seen: &o})
	}
	if w.now().Sub(w.in.CreatedAt) > slowAfter {
		return w.person(ctx, FindingSlow, "the vendor shows it paid until "+civil(o.PaidUntil)+", as before")
	}
	return w.rest(ctx, time.Minute, "", nil)
}
