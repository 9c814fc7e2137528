package store_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

func TestAKeyGivesItsFirstResultAgainAndRefusesAnotherBody(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, actor := context.Background(), duoyun.Actor{UserID: "u"}
		first := duoyun.Once{Key: "k", Route: "POST /v1/orders", BodyHash: "a"}
		err := s.InTx(ctx, func(tx *sql.Tx) error { return s.Remember(ctx, tx, actor, first, "made") })
		if err != nil {
			t.Fatal(err)
		}
		err = s.InTx(ctx, func(tx *sql.Tx) error {
			id, err := s.Recall(ctx, tx, actor, first)
			if err != nil || id != "made" {
				t.Errorf("recall: %q, %v", id, err)
			}
			other := first
			other.BodyHash = "b"
			_, err = s.Recall(ctx, tx, actor, other)
			if duoyun.CodeOf(err) != duoyun.CodeConflict {
				t.Errorf("another body: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
