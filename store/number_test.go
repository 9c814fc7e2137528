package store_test

import (
	"database/sql"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store/storetest"
)

// Numbers taken at once are each given once, and none is left out.
func TestNumbersTakenAtOnceAreDistinct(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		const takers, rounds = 16, 8
		var mu sync.Mutex
		seen := map[string]int{}
		take := func(form, agency string) {
			_ = b.InTx(b.ctx, func(tx *sql.Tx) error {
				n, err := b.NextNumber(b.ctx, tx, form, b.ID(agency), day)
				ok(t, err)
				mu.Lock()
				defer mu.Unlock()
				seen[n]++
				return nil
			})
		}
		var all sync.WaitGroup
		for i := range takers {
			form, agency := []string{duoyun.NumberOrder, duoyun.NumberTask}[i%2], []string{storetest.HRSS, storetest.City}[i/2%2]
			all.Go(func() {
				for range rounds {
					take(form, agency)
				}
			})
		}
		all.Wait()
		if len(seen) != takers*rounds {
			t.Errorf("%d numbers for %d", len(seen), takers*rounds)
		}
		if n := b.count(`SELECT SUM(last) FROM counters`); n != takers*rounds {
			t.Errorf("%d numbers counted, %d taken", n, takers*rounds)
		}
	})
}

func TestARolledBackNumberIsNotGivenToTwoRows(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		var kept []string
		for i := range 6 {
			_ = b.InTx(b.ctx, func(tx *sql.Tx) error {
				n, err := b.NextNumber(b.ctx, tx, duoyun.NumberOrder, b.ID(storetest.HRSS), day)
				ok(t, err)
				if i%2 == 1 {
					return errors.New("no")
				}
				kept = append(kept, n)
				return nil
			})
		}
		if len(slices.Compact(slices.Sorted(slices.Values(kept)))) != 3 {
			t.Errorf("numbers %v", kept)
		}
	})
}

// An agency made in the very transaction has numbers too, though no other connection sees it yet.
func TestAnAgencyMadeInTheTransactionHasNumbers(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.tx(func(tx *sql.Tx) error {
			a := duoyun.Agency{ID: duoyun.NewID(day), Code: "new", Name: "新局", Short: "新", Depth: 1}
			a.Ancestors[0], a.ApproverID, a.PayerID = a.ID, a.ID, a.ID
			ok(t, b.InsertAgency(b.ctx, tx, a))
			n, err := b.NextNumber(b.ctx, tx, duoyun.NumberFinding, a.ID, day)
			if ok(t, err); n != "新政云"+duoyun.NumberFinding+"〔2026〕0001号" {
				t.Errorf("number %s", n)
			}
			return nil
		})
	})
}
