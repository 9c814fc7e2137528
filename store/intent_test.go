package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/store/storetest"
)

func intentStates() []duoyun.IntentState {
	var states []duoyun.IntentState
	for _, e := range duoyun.IntentLifecycle().Edges {
		states = append(states, e.From)
	}
	return states
}

func (b *bench) insertIntents(is ...duoyun.Intent) {
	b.t.Helper()
	b.tx(func(tx *sql.Tx) error { return b.InsertIntents(b.ctx, tx, is) })
}

func TestEveryFieldOfAnIntentIsReadAsItWasWritten(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		_, rs := b.order(1)
		in := b.anIntent(rs[0], duoyun.IntentInDoubt)
		in.Before, in.LeaseUntil = duoyun.ServerSpec{VCPU: 2}, day.Add(time.Minute)
		in.Doubt = duoyun.DoubtNote{SettleFrom: day, FirstAbsent: day.Add(time.Hour), Sentinel: "v", Endpoint: "https://e"}
		fill(&in)
		roundTrip(b, in, noun[duoyun.Intent]{func(tx *sql.Tx, v duoyun.Intent) error { return b.InsertIntents(b.ctx, tx, []duoyun.Intent{v}) },
			func(tx *sql.Tx) (duoyun.Intent, error) { return b.LockIntent(b.ctx, tx, in.ID) }},
			func(v *duoyun.Intent) {
				v.State, v.Step, v.Generation, v.Owner, v.LeaseUntil, v.WakeAt = duoyun.IntentAccepted, 3, 2, "w2", time.Time{}, day.Add(time.Second)
				v.Attempt, v.Reason, v.Doubt, v.UpdatedAt = 5, "r", duoyun.DoubtNote{}, day.Add(time.Hour)
			},
			func(tx *sql.Tx, v duoyun.Intent) error {
				return b.SaveIntent(b.ctx, tx, broker.Lease{State: in.State, Owner: in.Owner}, v)
			})
	})
}

// Of the workers that hold the same lease in their hands one writes, and the others learn that it is no longer theirs.
func TestALeaseIsSpentByOneWorker(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		_, rs := b.order(1)
		in := b.anIntent(rs[0], duoyun.IntentIntended)
		b.insertIntents(in)
		var won atomic.Int64
		together(16, func(i int) {
			mine := in
			mine.State, mine.Owner = duoyun.IntentSent, fmt.Sprint("worker ", i)
			err := b.InTx(b.ctx, func(tx *sql.Tx) error {
				return b.SaveIntent(b.ctx, tx, broker.Lease{State: in.State, Owner: in.Owner}, mine)
			})
			if err == nil {
				won.Add(1)
			} else if !errors.Is(err, broker.LostLease{}) {
				t.Error(err)
			}
		})
		got, err := b.Intent(b.ctx, in.ID)
		if ok(t, err); won.Load() != 1 || got.State != duoyun.IntentSent {
			t.Errorf("%d of 16 sent; the intent is %s", won.Load(), got.State)
		}
		for _, was := range []broker.Lease{{State: duoyun.IntentIntended, Owner: got.Owner}, {State: duoyun.IntentSent, Owner: "another"}, {}} {
			err := b.InTx(b.ctx, func(tx *sql.Tx) error { return b.SaveIntent(b.ctx, tx, was, in) })
			if !errors.Is(err, broker.LostLease{}) {
				t.Errorf("a lease of %+v: %v", was, err)
			}
		}
	})
}

// The database keeps a resource to one intent that is not at its end, whoever tries and however many at once.
func TestAResourceHasOneIntentThatIsNotAtItsEnd(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		states := intentStates()
		_, rs := b.order(len(states) + 1)
		for i, s := range states {
			b.insertIntents(b.anIntent(rs[i], s))
			err := b.InTx(b.ctx, func(tx *sql.Tx) error {
				return b.InsertIntents(b.ctx, tx, []duoyun.Intent{b.anIntent(rs[i], duoyun.IntentWaiting)})
			})
			free := duoyun.IntentLifecycle().Final(s) || s == duoyun.IntentFailed // a failed one's remains are taken away by another
			if want := map[bool]duoyun.Code{true: "", false: duoyun.CodeConflict}[free]; duoyun.CodeOf(err) != want {
				t.Errorf("beside one that is %s: %v", s, err)
			}
		}
		var made atomic.Int64
		together(16, func(int) {
			err := b.InTx(b.ctx, func(tx *sql.Tx) error {
				return b.InsertIntents(b.ctx, tx, []duoyun.Intent{b.anIntent(rs[len(states)], duoyun.IntentIntended)})
			})
			if err == nil {
				made.Add(1)
			} else if duoyun.CodeOf(err) != duoyun.CodeConflict {
				t.Error(err)
			}
		})
		if made.Load() != 1 {
			t.Errorf("%d intents were made at once", made.Load())
		}
	})
}

func TestAStepKeepsItsFirstSendAndEveryIDItWasTold(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		_, rs := b.order(1)
		in := b.anIntent(rs[0], duoyun.IntentSent)
		b.insertIntents(in)
		first := duoyun.IntentStep{IntentID: in.ID}
		fill(&first)
		again := first
		again.SentAt, again.Name, again.Token = first.SentAt.Add(time.Hour), "another name", "another token"
		again.VendorID, again.OrderID, again.RequestID = "", "", ""
		again.RepliedAt, again.Outcome = first.RepliedAt.Add(time.Hour), "accepted"
		told := again
		told.RequestID = "a second request"
		next := first
		next.Generation++
		want := first
		want.RepliedAt, want.Outcome, want.RequestID = again.RepliedAt, again.Outcome, told.RequestID
		b.tx(func(tx *sql.Tx) error {
			for _, s := range []duoyun.IntentStep{next, first, again, told} {
				ok(t, b.SaveStep(b.ctx, tx, s))
			}
			got, err := b.IntentSteps(b.ctx, tx, in.ID)
			same(t, "steps", got, []duoyun.IntentStep{want, next})
			return err
		})
	})
}

// Sixteen sweepers at once: each intent that is due is given to one of them, none twice, and none that is not due.
func TestEachDueIntentIsGivenToOneCaller(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		const due = 120
		now := day.Add(time.Hour)
		_, rs := b.order(due + 5)
		var is []duoyun.Intent
		for i, r := range rs {
			in := b.anIntent(r, []duoyun.IntentState{duoyun.IntentIntended, duoyun.IntentSent, duoyun.IntentAccepted, duoyun.IntentInDoubt}[i%4])
			in.LeaseUntil, in.WakeAt = now.Add(-time.Minute), now.Add(-time.Minute)
			switch i - due { // the last five are not due
			case 0:
				in.LeaseUntil = now.Add(time.Microsecond)
			case 1:
				in.WakeAt = now.Add(-time.Second)
			case 2:
				in.State = duoyun.IntentVerified
			case 3:
				in.State = duoyun.IntentWaiting
			case 4:
				in.LeaseUntil, in.WakeAt = time.Time{}, now.Add(-10*time.Second) // its job is not lost yet
			}
			is = append(is, in)
		}
		b.insertIntents(is...)
		var mu sync.Mutex
		given := map[string]int{}
		together(16, func(int) {
			for {
				var ids []string
				err := b.InTx(b.ctx, func(tx *sql.Tx) (err error) {
					ids, err = b.DueIntents(b.ctx, tx, now, now.Add(-30*time.Second), 7)
					return err
				})
				if err != nil || len(ids) > 7 {
					t.Errorf("%d at once, %v", len(ids), err)
				}
				mu.Lock()
				for _, id := range ids {
					given[id]++
				}
				mu.Unlock()
				if err != nil || len(ids) == 0 {
					return
				}
			}
		})
		for i, in := range is {
			if want := map[bool]int{true: 1}[i < due]; given[in.ID] != want {
				t.Errorf("intent %d was given %d times, want %d", i, given[in.ID], want)
			}
		}
	})
}

// family is a network, a server in it and a disk on the server, each with a waiting intent.
func (b *bench) family(op duoyun.Op) (rs []duoyun.Resource, is []duoyun.Intent) {
	b.t.Helper()
	_, rs = b.order(3)
	for _, r := range rs {
		in := b.anIntent(r, duoyun.IntentWaiting)
		in.Op = op
		is = append(is, in)
	}
	b.tx(func(tx *sql.Tx) error {
		return b.InsertLinks(b.ctx, tx, []duoyun.Link{{ChildID: rs[1].ID, ParentID: rs[0].ID, Relation: duoyun.RelNetwork},
			{ChildID: rs[2].ID, ParentID: rs[1].ID, Relation: duoyun.RelAttach}})
	})
	b.insertIntents(is...)
	return rs, is
}

// Creations wait for their parents and deletions for their children: walking the family in that order, each is hindered
// until the one before it is at its end, and is then found by whoever looks for what was left waiting.
func TestWaitingIntentsAreHinderedByWhatComesBeforeThem(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, op := range []duoyun.Op{duoyun.OpCreate, duoyun.OpDelete} {
			rs, is := b.family(op)
			if op == duoyun.OpDelete {
				slices.Reverse(rs)
				slices.Reverse(is)
			}
			for i := range is {
				b.tx(func(tx *sql.Tx) error {
					for j := i; j < len(is); j++ {
						if h, err := b.Hindered(b.ctx, tx, is[j]); h != (j > i) || err != nil {
							t.Errorf("%s: the %d. is hindered before the %d.: %v, %v", op, j, i, h, err)
						}
					}
					next, err := b.WaitingOn(b.ctx, tx, rs[i].ID, op)
					if want := is[i+1 : min(i+2, len(is))]; len(next) != len(want) || len(want) > 0 && next[0].ID != want[0].ID {
						t.Errorf("%s: after the %d. comes %v", op, i, next)
					}
					return err
				})
				left, err := b.LeftWaiting(b.ctx, day, 10)
				if err != nil || len(left) != 1 || left[0].ID != is[i].ID {
					t.Errorf("%s: left waiting: %+v, %v", op, left, err)
				}
				done := is[i]
				done.State = duoyun.IntentVerified
				b.tx(func(tx *sql.Tx) error { return b.SaveIntent(b.ctx, tx, broker.Lease{State: is[i].State}, done) })
			}
		}
		if left, err := b.LeftWaiting(b.ctx, day, 10); len(left) != 0 || err != nil {
			t.Errorf("left waiting: %+v, %v", left, err)
		}
	})
}

// Orders that need the platform's network at once share one, and agencies get ranges of their own.
func TestANetworkIsMadeOncePerPoolAgencyAndZone(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		o, _ := b.order(0)
		agencies := []string{b.ID(storetest.HRSS), b.ID(storetest.Edu), b.ID(storetest.Data)}
		var mu sync.Mutex
		indexes := map[int64]string{}
		together(12, func(i int) {
			agency := agencies[i%3]
			var slot broker.NetworkSlot
			err := b.InTx(b.ctx, func(tx *sql.Tx) (err error) {
				if slot, err = b.PlatformNetwork(b.ctx, tx, b.ID("jd-1"), agency, "z"); err != nil || slot.ResourceID != "" {
					return err
				}
				r := b.aServer(agency)
				r.OrderID, r.Kind, r.Spec, r.State = o.ID, duoyun.KindNetwork, duoyun.NetworkSpec{}, duoyun.ResourceReserved
				if err := b.InsertResources(b.ctx, tx, []duoyun.Resource{r}); err != nil {
					return err
				}
				return b.SetPlatformNetwork(b.ctx, tx, b.ID("jd-1"), agency, "z", r.ID)
			})
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if slot.ResourceID == "" {
				if other, taken := indexes[slot.Index]; taken {
					t.Errorf("index %d was given to %s and %s", slot.Index, other, agency)
				}
				indexes[slot.Index] = agency
			}
		})
		if len(indexes) != 3 {
			t.Errorf("networks %v, want one an agency", indexes)
		}
	})
}

func TestAPoolThatIsDueIsGivenToOneCaller(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.exec(`UPDATE pools SET active = $1 WHERE code = 'people-1'`, false)
		var mu sync.Mutex
		given := map[string]int{}
		for range 3 { // a caller that meets another comes away with nothing, and asks again at the next turn
			together(8, func(int) {
				var id string
				err := b.InTx(b.ctx, func(tx *sql.Tx) (err error) {
					id, err = b.TakeDuePool(b.ctx, tx, day, day.Add(24*time.Hour))
					return err
				})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				given[id]++
				mu.Unlock()
			})
		}
		delete(given, "")
		same(t, "given", given, map[string]int{b.ID("jd-1"): 1, b.ID("telecom-1"): 1})
		b.tx(func(tx *sql.Tx) error {
			ok(t, b.ReconcileAgain(b.ctx, tx, b.ID("jd-1"), day.Add(time.Hour)))
			for at, want := range map[time.Time]string{day.Add(time.Hour - time.Microsecond): "", day.Add(time.Hour): b.ID("jd-1")} {
				if id, err := b.TakeDuePool(context.Background(), tx, at, at); id != want || err != nil {
					t.Errorf("at %v: %q, %v", at, id, err)
				}
			}
			return nil
		})
	})
}
