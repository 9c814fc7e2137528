package store_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store/storetest"
)

// A key is one actor's, is remembered for seven days to the microsecond, and may then be used for something else.
func TestAKeyIsRememberedForSevenDays(t *testing.T) {
	clocked(t, func(t *testing.T, b *bench, c *clock) {
		const kept = 7 * 24 * time.Hour
		one, two := duoyun.Actor{UserID: "one"}, duoyun.Actor{UserID: "two"}
		key := duoyun.Once{Key: "k", Route: "POST /v1/orders", BodyHash: "h"}
		remember := func(a duoyun.Actor, k duoyun.Once, id string) error {
			return b.InTx(b.ctx, func(tx *sql.Tx) error { return b.Remember(b.ctx, tx, a, k, id) })
		}
		recall := func(a duoyun.Actor, k duoyun.Once) (id string, err error) {
			err = b.InTx(b.ctx, func(tx *sql.Tx) (err error) { id, err = b.Recall(b.ctx, tx, a, k); return err })
			return id, err
		}
		ok(t, remember(one, key, "first"))
		ok(t, remember(two, key, "another's"))
		wantCode(t, remember(one, key, "second"), duoyun.CodeConflict)
		ok(t, remember(one, duoyun.Once{}, "no key"))
		ok(t, remember(one, duoyun.Once{}, "no key"))
		c.Advance(kept - time.Microsecond)
		for actor, want := range map[string]string{"one": "first", "two": "another's", "three": ""} {
			if id, err := recall(duoyun.Actor{UserID: actor}, key); id != want || err != nil {
				t.Errorf("%s recalls %q, %v", actor, id, err)
			}
		}
		for _, other := range []duoyun.Once{{Key: "k", Route: "POST /v1/tokens", BodyHash: "h"}, {Key: "k", Route: key.Route, BodyHash: "i"}} {
			_, err := recall(one, other)
			wantCode(t, err, duoyun.CodeConflict)
		}
		if n := b.forget(t, 100); n != 0 {
			t.Errorf("%d keys forgotten too early", n)
		}
		c.Advance(time.Microsecond)
		if id, err := recall(one, key); id != "" || err != nil {
			t.Errorf("after seven days: %q, %v", id, err)
		}
		ok(t, remember(one, key, "new")) // over the row that is still there
		if id, err := recall(one, key); id != "new" || err != nil {
			t.Errorf("used again: %q, %v", id, err)
		}
		if n := b.forget(t, 100); n != 1 {
			t.Errorf("%d keys forgotten, want the other's", n)
		}
		for i := range 5 {
			ok(t, remember(one, duoyun.Once{Key: fmt.Sprint(i)}, "x"))
		}
		c.Advance(kept)
		if a, z := b.forget(t, 4), b.forget(t, 4); a != 4 || z != 2 {
			t.Errorf("forgotten %d and %d in batches of 4", a, z)
		}
	})
}

func (b *bench) forget(t *testing.T, batch int) (n int64) {
	t.Helper()
	b.tx(func(tx *sql.Tx) (err error) { n, err = b.Forget(b.ctx, tx, batch); return err })
	return n
}

// Sixteen calls with one key at once make one thing. The others get its id or are told to try again, and then get it.
func TestOneKeyMakesOneThing(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		key, actor := duoyun.Once{Key: "k", Route: "r", BodyHash: "h"}, duoyun.Actor{UserID: "u"}
		var mu sync.Mutex
		got := map[string]bool{}
		together(16, func(i int) {
			for range 3 {
				var id string
				err := b.InTx(b.ctx, func(tx *sql.Tx) (err error) {
					if id, err = b.Recall(b.ctx, tx, actor, key); err != nil || id != "" {
						return err
					}
					id = fmt.Sprint("made by ", i)
					return errors.Join(b.SetSetting(b.ctx, tx, id, "made"), b.Remember(b.ctx, tx, actor, key, id))
				})
				if err == nil {
					mu.Lock()
					got[id] = true
					mu.Unlock()
					return
				}
				wantCode(t, err, duoyun.CodeConflict)
			}
			t.Error("refused three times")
		})
		if n := b.count(`SELECT COUNT(*) FROM settings WHERE value = 'made'`); n != 1 || len(got) != 1 {
			t.Errorf("%d things were made, and told as %v", n, got)
		}
	})
}

// Numbers are unique per form, agency and civil year, count up without repeating, and may have gaps where a transaction
// was undone. A year begins at midnight in Shanghai.
func TestNumbersAreUniquePerFormAgencyAndYear(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		const workers, rounds = 16, 6
		newYear := time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)
		var mu sync.Mutex
		taken := map[string][]string{}
		var undone atomic.Int64
		together(workers, func(w int) {
			for r := range rounds {
				form, code := []string{duoyun.NumberOrder, duoyun.NumberTask}[w%2], []string{storetest.HRSS, storetest.Edu}[r%2]
				at := newYear.Add(-time.Microsecond * time.Duration(r%3%2))
				var number string
				err := b.InTx(b.ctx, func(tx *sql.Tx) (err error) {
					if number, err = b.NextNumber(b.ctx, tx, form, b.ID(code), at); err == nil && w%8 == 7 {
						err = errUndo
					}
					return err
				})
				switch {
				case errors.Is(err, errUndo):
					undone.Add(1)
				case err != nil:
					t.Error(err)
				default:
					mu.Lock()
					key := fmt.Sprintf("%s政云%s〔%d〕", map[string]string{storetest.HRSS: "宿人社", storetest.Edu: "宿教"}[code], form, duoyun.DateOf(at).Year)
					taken[key] = append(taken[key], number)
					mu.Unlock()
				}
			}
		})
		total := 0
		for key, numbers := range taken {
			slices.Sort(numbers)
			if total += len(numbers); len(slices.Compact(slices.Clone(numbers))) != len(numbers) {
				t.Errorf("%s: a number twice in %v", key, numbers)
			}
			for _, n := range numbers {
				if !strings.HasPrefix(n, key) || !strings.HasSuffix(n, "号") {
					t.Errorf("%s: %s", key, n)
				}
			}
		}
		if len(taken) != 8 || total+int(undone.Load()) != workers*rounds {
			t.Errorf("%d series, %d numbers, %d undone", len(taken), total, undone.Load())
		}
		b.exec(`UPDATE counters SET last = 9999 WHERE form = $1`, duoyun.NumberOrder)
		b.tx(func(tx *sql.Tx) error {
			n, err := b.NextNumber(b.ctx, tx, duoyun.NumberOrder, b.ID(storetest.HRSS), newYear)
			if n != "宿人社政云申〔2027〕10000号" {
				t.Errorf("the ten-thousandth is %s", n)
			}
			return err
		})
		if err := b.InTx(b.ctx, func(tx *sql.Tx) error { _, err := b.NextNumber(b.ctx, tx, "申", newID(), newYear); return err }); err == nil {
			t.Error("an agency that is not there has numbers")
		}
	})
}

// An audit entry is of the transaction it describes, in real time, and keeps every field.
func TestAnAuditEntryStandsOrFallsWithWhatItDescribes(t *testing.T) {
	clocked(t, func(t *testing.T, b *bench, c *clock) {
		var e duoyun.AuditEntry
		fill(&e)
		read := func() (got duoyun.AuditEntry) {
			b.tx(func(tx *sql.Tx) error {
				var at any
				var detail string
				err := tx.QueryRow(`SELECT id, at, actor_id, actor, action, subject, key, detail, trace_id FROM audit_entries ORDER BY id LIMIT 1`).
					Scan(&got.ID, &at, &got.ActorID, &got.Actor, &got.Action, &got.Subject, &got.Key, &detail, &got.TraceID)
				got.Detail = []byte(detail)
				switch v := at.(type) {
				case time.Time:
					got.At = v.UTC()
				case string:
					got.At, _ = time.Parse(time.RFC3339Nano, v)
				}
				return err
			})
			return got
		}
		b.tx(func(tx *sql.Tx) error { return b.Audit(b.ctx, tx, e) })
		same(t, "entry", read(), e)
		b.exec(`DELETE FROM audit_entries`)
		b.tx(func(tx *sql.Tx) error { return b.Audit(b.ctx, tx, duoyun.AuditEntry{Action: "x"}) })
		if got := read(); !got.At.Equal(c.Now()) || !duoyun.IsID(got.ID) {
			t.Errorf("an entry without time and id: %+v at %v", got, c.Now())
		}
	})
}

// The business clock is one for all replicas, goes forward only, and starts where it is told to before anything is dated.
func TestTheBusinessClockIsSharedAndGoesForwardOnly(t *testing.T) {
	clocked(t, func(t *testing.T, b *bench, c *clock) {
		mine, err := b.BusinessClock(b.ctx)
		ok(t, err)
		if !mine.Now().Equal(c.Now()) {
			t.Errorf("it begins at %v, not %v", mine.Now(), c.Now())
		}
		start := c.Now().AddDate(-1, 0, 0)
		ok(t, mine.StartAt(b.ctx, start)) // a story may begin in the past
		ok(t, mine.StartAt(b.ctx, start.AddDate(-1, 0, 0)))
		c.Advance(time.Hour)
		if want := start.Add(time.Hour); !mine.Now().Equal(want) {
			t.Errorf("it is %v, want %v", mine.Now(), want)
		}
		other, err := b.BusinessClock(b.ctx)
		ok(t, err)
		ok(t, mine.AdvanceTo(b.ctx, start.AddDate(0, 1, 0)))
		if !other.Now().Equal(start.Add(time.Hour)) {
			t.Error("another replica moved by itself")
		}
		ok(t, other.Refresh(b.ctx))
		if !other.Now().Equal(mine.Now()) {
			t.Errorf("replicas are at %v and %v", other.Now(), mine.Now())
		}
		before := mine.Now()
		wantCode(t, mine.AdvanceTo(b.ctx, before.Add(-time.Nanosecond)), duoyun.CodeInvalid)
		ok(t, mine.AdvanceTo(b.ctx, before))
		if !mine.Now().Equal(before) {
			t.Errorf("a refused move moved it to %v", mine.Now())
		}
	})
}
