package store_test

import (
	"bytes"
	"context"
	"database/sql"
	"path/filepath"
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

func TestADerivedSecretIsMadeAgainAndNeverKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a, err := s.Derive("a")
		if err != nil || len(a) != 32 {
			t.Fatal(a, err)
		}
		again, _ := s.Derive("a")
		other, _ := s.Derive("b")
		if !bytes.Equal(a, again) || bytes.Equal(a, other) {
			t.Errorf("%x, %x again, %x for another label", a, again, other)
		}
	})
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "keyless.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Derive("a"); duoyun.CodeOf(err) != duoyun.CodeUnavailable {
		t.Errorf("derived without a seal key: %v", err)
	}
}
