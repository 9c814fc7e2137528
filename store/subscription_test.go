package store_test

import (
	"database/sql"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

func TestSubscriptionsThatEndSoonAreListedWithWhatIsKnownOfTheirEnd(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		const week = 7 * 24 * time.Hour
		states := []duoyun.ResourceState{duoyun.ResourceDelivered, duoyun.ResourceRunning, duoyun.ResourceStopped, duoyun.ResourceUpdating,
			duoyun.ResourceRunning, duoyun.ResourceRunning, duoyun.ResourceReleasing, duoyun.ResourceTerminated, duoyun.ResourceCreating}
		ends := []time.Duration{-40 * 24 * time.Hour, week, 0, time.Hour, week + time.Microsecond, 0, 0, 0, 0}
		_, rs := b.order(len(states), func(i int, r *duoyun.Resource) {
			r.State, r.PaidUntil = states[i], day.Add(ends[i])
			if i == 5 {
				r.PaidUntil = time.Time{} // on demand
			}
		})
		in := b.anIntent(rs[1], duoyun.IntentAccepted)
		in.Op, in.Months, in.PaidUntil = duoyun.OpRenew, 3, rs[1].PaidUntil
		b.insertIntents(in, b.anIntent(rs[2], duoyun.IntentVerified))
		file := func(kind string, r duoyun.Resource, at time.Time) {
			b.tx(func(tx *sql.Tx) error {
				_, err := b.OpenFinding(b.ctx, tx, duoyun.Finding{Kind: kind, Subject: "resource", SubjectID: r.ID, CreatedAt: at})
				return err
			})
		}
		file("expired", rs[0], day.Add(-24*time.Hour))
		file("not_renewed", rs[0], day)
		file("expiring", rs[2], day.Add(-week))
		file("expired", rs[2], day.Add(-time.Microsecond)) // of an earlier term
		file("expiring", rs[3], day.Add(-week-time.Microsecond))
		file("not_renewed", rs[3], day)
		b.exec(`UPDATE findings SET state = 'resolved' WHERE subject_id IN ($1, $2)`, rs[2].ID, rs[3].ID)
		var got []broker.Expiry
		for after := ""; ; {
			page, err := b.Expiring(b.ctx, day, week, after, 2)
			ok(t, err)
			got = append(got, page...)
			if len(page) < 2 {
				break
			}
			after = page[1].Resource.ID
		}
		want := []broker.Expiry{{Resource: rs[0], Failed: true, Told: true}, {Resource: rs[1], Open: true}, {Resource: rs[2], Warned: true}, {Resource: rs[3]}}
		slices.SortFunc(want, func(a, b broker.Expiry) int { return strings.Compare(a.Resource.ID, b.Resource.ID) })
		same(t, "expiring", got, want)
	})
}

func TestWhatAVendorToldOfASubscriptionIsKept(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		_, rs := b.order(1)
		r := rs[0]
		for _, until := range []time.Time{day.Add(time.Hour), {}} {
			r.PaidUntil = until
			b.tx(func(tx *sql.Tx) error {
				if err := b.RecordVendor(b.ctx, tx, r); err != nil {
					return err
				}
				was := r
				was.PaidUntil = day.Add(99 * time.Hour)
				return b.UpdateResource(b.ctx, tx, was) // the order side has no say in it
			})
			got, err := b.FindResource(b.ctx, all(), r.ID)
			if ok(t, err); !got.PaidUntil.Equal(until) {
				t.Errorf("paid until %s, want %s", got.PaidUntil, until)
			}
		}
	})
}
