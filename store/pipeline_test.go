package store_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store/storetest"
)

// A statement that may run later fails its transaction all the same, in its own words, whoever has to hear of it: the
// next query, the end, or the end of a transaction that would not listen.
func TestAStatementThatMayWaitFailsItsTransaction(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		missing := duoyun.Task{ID: duoyun.NewID(time.Now()), Number: "no such task"}
		for name, goOn := range map[string]func(tx *sql.Tx) error{
			"at the end": func(tx *sql.Tx) error { return nil },
			"at the next query": func(tx *sql.Tx) error {
				_, err := b.Agency(b.ctx, tx, storetest.HRSS)
				return err
			},
			"not listened to": func(tx *sql.Tx) error {
				_, _ = b.Agency(b.ctx, tx, storetest.HRSS)
				_ = b.SetSetting(b.ctx, tx, "afterwards", "x")
				return nil
			},
		} {
			err := b.InTx(b.ctx, func(tx *sql.Tx) error {
				ok(t, b.Audit(b.ctx, tx, duoyun.AuditEntry{Action: name}))
				if err := b.UpdateTask(b.ctx, tx, missing); err != nil {
					return err // at once, where nothing waits
				}
				return goOn(tx)
			})
			if duoyun.CodeOf(err) != duoyun.CodeNotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n := b.count(`SELECT (SELECT COUNT(*) FROM audit_entries) + (SELECT COUNT(*) FROM settings)`); n != 0 {
			t.Errorf("%d rows of transactions that failed", n)
		}
	})
}

// What waits is written before whatever comes after it, and in its order.
func TestATransactionSeesWhatItWrote(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.tx(func(tx *sql.Tx) error {
			for _, action := range []string{"first", "second"} {
				ok(t, b.Audit(b.ctx, tx, duoyun.AuditEntry{Action: action}))
			}
			var n int
			ok(t, tx.QueryRowContext(b.ctx, `SELECT COUNT(*) FROM audit_entries`).Scan(&n))
			if n != 2 {
				t.Errorf("%d entries within the transaction", n)
			}
			return b.Audit(b.ctx, tx, duoyun.AuditEntry{Action: "third"})
		})
		if n := b.count(`SELECT COUNT(*) FROM audit_entries`); n != 3 {
			t.Errorf("%d entries", n)
		}
	})
}
