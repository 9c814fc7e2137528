package store_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

func TestATokenIsKeptByItsHashAndTellsWhoHoldsIt(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		id := b.ID("hrss-applicant")
		tok := duoyun.Token{ID: newID(), UserID: id, Label: "laptop", ExpiresAt: day.Add(time.Hour), CreatedAt: day}
		b.tx(func(tx *sql.Tx) error {
			ok(t, b.InsertToken(b.ctx, tx, tok, "the hash"))
			return b.InsertGrant(b.ctx, tx, id, duoyun.Grant{Role: duoyun.RoleSupplier, SupplierID: b.ID("jd-suqian")})
		})
		holder := func(hash string) duoyun.User {
			t.Helper()
			u, expires, err := b.Holder(b.ctx, hash)
			ok(t, err)
			if u.ID != "" && expires != tok.ExpiresAt {
				t.Errorf("expires at %v", expires)
			}
			return u
		}
		want, err := b.FindUser(b.ctx, "hrss-applicant")
		ok(t, err)
		if len(want.Grants) != 2 || want.Grants[0].Depth != 2 {
			t.Fatalf("grants %+v", want.Grants)
		}
		same(t, "holder", holder("the hash"), want)
		for _, other := range []string{"", "the hash ", "THE HASH", "%", tok.ID} {
			same(t, "holder of "+other, holder(other), duoyun.User{})
		}
		tokens, err := b.Tokens(b.ctx, id)
		ok(t, err)
		same(t, "tokens", tokens, []duoyun.Token{tok})
		b.tx(func(tx *sql.Tx) error { return b.SetUserActive(b.ctx, tx, id, false) })
		same(t, "a stopped user", holder("the hash"), duoyun.User{})
		b.tx(func(tx *sql.Tx) error { return b.SetUserActive(b.ctx, tx, id, true) })
		err = b.InTx(b.ctx, func(tx *sql.Tx) error { return b.DeleteToken(b.ctx, tx, b.ID("sysadmin"), tok.ID) })
		wantCode(t, err, duoyun.CodeNotFound) // another's
		b.tx(func(tx *sql.Tx) error { return b.DeleteToken(b.ctx, tx, id, tok.ID) })
		same(t, "after it was revoked", holder("the hash"), duoyun.User{})
	})
}

// Of two administrators' roles the database keeps a person to one, in whatever order and however many ask at once.
func TestTheDatabaseKeepsAPersonToOneAdministratorsRole(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		admins := []duoyun.Role{duoyun.RoleSystemAdmin, duoyun.RoleSecurityAdmin, duoyun.RoleAuditAdmin}
		u := duoyun.User{ID: newID(), Login: "new", Active: true}
		b.tx(func(tx *sql.Tx) error { return b.InsertUser(b.ctx, tx, u) })
		together(12, func(i int) {
			err := b.InTx(b.ctx, func(tx *sql.Tx) error {
				return b.InsertGrant(b.ctx, tx, u.ID, duoyun.Grant{Role: admins[i%3], AgencyID: b.ID(storetest.City)})
			})
			if c := duoyun.CodeOf(err); c != "" && c != duoyun.CodeSeparation {
				t.Error(err)
			}
		})
		got, err := b.FindUser(b.ctx, "new")
		if err != nil || len(got.Grants) != 1 {
			t.Fatalf("grants %+v, %v", got.Grants, err)
		}
		b.tx(func(tx *sql.Tx) error {
			for _, g := range []duoyun.Grant{{Role: duoyun.RoleFinance, AgencyID: b.ID(storetest.City)}, {Role: got.Grants[0].Role, AgencyID: b.ID(storetest.Edu)}} {
				if had, err := b.DeleteGrant(b.ctx, tx, u.ID, g); had || err != nil {
					t.Errorf("took away %+v that was not there: %v", g, err)
				}
			}
			had, err := b.DeleteGrant(b.ctx, tx, u.ID, got.Grants[0])
			if !had {
				t.Error("the role is not taken away")
			}
			return err
		})
	})
}

// A secret goes in sealed, comes out only by PoolAccount, opens only in its own row and under its own key, and is found
// nowhere in the database.
func TestASecretIsSealedToItsRow(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		const secret = "correct horse battery staple 密码"
		jd, telecom := b.ID("jd-1"), b.ID("telecom-1")
		b.tx(func(tx *sql.Tx) error { return b.SealPool(b.ctx, tx, jd, secret) })
		pool, got, err := b.PoolAccount(b.ctx, jd)
		if err != nil || got != secret || pool.Sealed != nil {
			t.Fatalf("%q, %v, sealed %x", got, err, pool.Sealed)
		}
		if _, none, err := b.PoolAccount(b.ctx, telecom); none != "" || err != nil {
			t.Errorf("a pool without a secret: %q, %v", none, err)
		}
		pools, err := b.Pools(b.ctx, all(), procurement.PoolFilter{}, duoyun.Page{})
		ok(t, err)
		b.tx(func(tx *sql.Tx) error {
			for _, key := range []string{jd, "jd-1"} {
				p, err := b.Pool(b.ctx, tx, key)
				ok(t, err)
				pools.Items = append(pools.Items, p)
			}
			offers, err := b.OffersAt(b.ctx, tx, day)
			for _, o := range offers {
				pools.Items = append(pools.Items, o.Pool)
			}
			return err
		})
		for _, p := range pools.Items {
			if strings.Contains(fmt.Sprintf("%+v", p), secret) || p.Sealed != nil {
				t.Errorf("%s is returned with its secret", p.Code)
			}
		}
		seal := b.sealed(jd)
		b.tx(func(tx *sql.Tx) error { return b.SealPool(b.ctx, tx, jd, secret) })
		if again := b.sealed(jd); bytes.Equal(seal, again) || bytes.Contains(seal, []byte("horse")) || len(seal) < len(secret)+28 {
			t.Errorf("sealed as %x and %x", seal, again)
		}
		for what, broken := range map[string][]byte{"another row's": seal, "cut": seal[:20], "short": {1}, "of another version": append([]byte{9}, seal[1:]...), "altered": append(seal[:len(seal)-1:len(seal)-1], seal[len(seal)-1]^1)} {
			row := jd
			if what == "another row's" {
				row = telecom
			}
			b.exec(`UPDATE pools SET sealed = $1 WHERE id = $2`, broken, row)
			_, got, err := b.PoolAccount(b.ctx, row)
			if duoyun.CodeOf(err) != duoyun.CodeUnavailable || got != "" {
				t.Errorf("%s seal opens: %q, %v", what, got, err)
			}
		}
		b.tx(func(tx *sql.Tx) error { return b.SealPool(b.ctx, tx, jd, "") })
		if n := b.count(`SELECT COUNT(*) FROM pools WHERE sealed IS NOT NULL AND id = $1`, jd); n != 0 {
			t.Error("a secret that was taken away is still there")
		}
	})
}

func (b *bench) sealed(id string) (v []byte) {
	b.t.Helper()
	b.tx(func(tx *sql.Tx) error { return tx.QueryRow(`SELECT sealed FROM pools WHERE id = $1`, id).Scan(&v) })
	return v
}

func TestAStoreWithoutItsKeyKeepsAndOpensNoSecret(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.db")
	key := bytes.Repeat([]byte{7}, 32)
	open := func(key []byte) *store.Store {
		s, err := store.Open(t.Context(), path, store.Options{SealKey: key})
		ok(t, err)
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	s := open(key)
	ok(t, s.Migrate(t.Context()))
	b := newBench(t, s)
	b.tx(func(tx *sql.Tx) error { return b.SealPool(b.ctx, tx, b.ID("jd-1"), "s") })
	for what, other := range map[string]*store.Store{"no key": open(nil), "another key": open(bytes.Repeat([]byte{8}, 32))} {
		if _, got, err := other.PoolAccount(b.ctx, b.ID("jd-1")); duoyun.CodeOf(err) != duoyun.CodeUnavailable || got != "" {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	err := open(nil).InTx(b.ctx, func(tx *sql.Tx) error { return open(nil).SealPool(b.ctx, tx, b.ID("jd-1"), "t") })
	wantCode(t, err, duoyun.CodeUnavailable)
	for _, n := range []int{1, 16, 31, 33} {
		if _, err := store.Open(t.Context(), path, store.Options{SealKey: make([]byte, n)}); duoyun.CodeOf(err) != duoyun.CodeInvalid {
			t.Errorf("a key of %d bytes: %v", n, err)
		}
	}
}

// The rule that holds for an order is the deepest on the way up from whoever approves for its agency.
func TestTheDeepestRuleOnTheWayUpHolds(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.tx(func(tx *sql.Tx) error {
			hrss, err := b.World.Store.Agency(b.ctx, tx, storetest.HRSS)
			ok(t, err)
			rule := func(a duoyun.Agency, form duoyun.Form) duoyun.ApprovalRule {
				r, err := b.ApprovalRule(b.ctx, tx, a, form)
				ok(t, err)
				return r
			}
			city := rule(hrss, duoyun.FormOpen)
			if !city.NeedsProject || len(city.Signers) != 2 {
				t.Errorf("the city's rule: %+v", city)
			}
			if r := rule(hrss, duoyun.FormChange); !r.Review || !r.Confirm || len(r.Signers) != 2 || r.Signers[1].At != "" {
				t.Errorf("without a rule: %+v", r)
			}
			own := duoyun.ApprovalRule{ID: newID(), AgencyID: b.ID(storetest.HRSS), Form: duoyun.FormOpen, Signers: []duoyun.Sign{{Role: duoyun.RoleFinance, At: "x", From: 5}}}
			ok(t, b.PutApprovalRule(b.ctx, tx, own))
			same(t, "its own rule", rule(hrss, duoyun.FormOpen), own)
			own.Signers, own.Review = nil, true
			ok(t, b.PutApprovalRule(b.ctx, tx, own)) // over the one it had
			same(t, "its own rule", rule(hrss, duoyun.FormOpen), own)
			hrss.ApproverID = b.ID(storetest.Edu)
			same(t, "where Edu approves", rule(hrss, duoyun.FormOpen), city)
			return nil
		})
	})
}
