package access_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/access"
	"github.com/duoyun/duoyun/store/storetest"
)

// call is one thing that may be asked of the service.
type call struct {
	name   string
	roles  []duoyun.Role // that may; nil: everybody, within their scope
	writes bool
	do     func(ctx context.Context, actor duoyun.Actor) error
}

// calls lists everything, about a user and an agency within the city. Writes are undone by the next of the same name.
func (b *bench) calls(n func() string) []call {
	sys, sec := []duoyun.Role{duoyun.RoleSystemAdmin}, []duoyun.Role{duoyun.RoleSecurityAdmin}
	readers := []duoyun.Role{duoyun.RoleSystemAdmin, duoyun.RoleSecurityAdmin, duoyun.RoleAuditAdmin, duoyun.RoleAuditor}
	confirmer := access.GrantInput{Role: duoyun.RoleConfirmer, Agency: storetest.HRSS}
	return []call{
		{"create agency", sys, true, func(ctx context.Context, a duoyun.Actor) error {
			_, err := b.svc.CreateAgency(ctx, a, duoyun.Once{}, access.AgencyInput{Code: "suqian/hrss/" + n(), Name: "处", Short: "宿" + n()})
			return err
		}},
		{"set rule", sys, true, func(ctx context.Context, a duoyun.Actor) error {
			return b.svc.SetApprovalRule(ctx, a, duoyun.ApprovalRule{AgencyID: storetest.HRSS, Form: duoyun.FormRenew})
		}},
		{"create user", sys, true, func(ctx context.Context, a duoyun.Actor) error {
			_, err := b.svc.CreateUser(ctx, a, duoyun.Once{}, access.UserInput{Login: "u" + n(), Name: "某人"})
			return err
		}},
		{"allow user", sys, true, func(ctx context.Context, a duoyun.Actor) error {
			_, err := b.svc.SetUserActive(ctx, a, "hrss-approver", true)
			return err
		}},
		{"grant", sec, true, func(ctx context.Context, a duoyun.Actor) error {
			_, err := b.svc.Grant(ctx, a, "hrss-approver", confirmer)
			return err
		}},
		{"revoke", sec, true, func(ctx context.Context, a duoyun.Actor) error {
			_, err := b.svc.Revoke(ctx, a, "hrss-approver", confirmer)
			return err
		}},
		{"issue token", sec, true, func(ctx context.Context, a duoyun.Actor) error {
			_, _, err := b.svc.IssueToken(ctx, a, duoyun.Once{}, "hrss-approver", access.TokenInput{Label: "x", Life: time.Hour})
			return err
		}},
		{"revoke token", sec, true, func(ctx context.Context, a duoyun.Actor) error {
			tokens, err := b.Store.Tokens(ctx, b.ID("hrss-approver"))
			if err != nil || len(tokens) == 0 {
				return fmt.Errorf("no token to revoke: %w", err)
			}
			return b.svc.RevokeToken(ctx, a, "hrss-approver", tokens[0].ID)
		}},
		{"list tokens", sec, false, func(ctx context.Context, a duoyun.Actor) error {
			_, err := b.svc.Tokens(ctx, a, "hrss-approver")
			return err
		}},
		{"list users", readers, false, func(ctx context.Context, a duoyun.Actor) error {
			_, err := b.svc.Users(ctx, a, duoyun.Page{})
			return err
		}},
		{"read user", readers, false, func(ctx context.Context, a duoyun.Actor) error {
			_, err := b.svc.User(ctx, a, "hrss-approver")
			return err
		}},
		{"list agencies", nil, false, func(ctx context.Context, a duoyun.Actor) error {
			_, err := b.svc.Agencies(ctx, a, duoyun.Page{})
			return err
		}},
	}
}

func (b *bench) audited(t *testing.T) (n int64) {
	t.Helper()
	err := b.Store.InTx(context.Background(), func(tx *sql.Tx) error { return tx.QueryRow(`SELECT COUNT(*) FROM audit_entries`).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Every call by every role: allowed to those that may and to nobody else, and audited once, in the name of who asked, when
// it wrote and not at all when it was refused.
func TestEveryCallByEveryRole(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, made := context.Background(), 0
		next := func() string { made++; return fmt.Sprint("n", made) }
		_, _, err := b.svc.IssueToken(ctx, b.Actor(t, "secadmin"), duoyun.Once{}, "hrss-approver", access.TokenInput{Label: "x", Life: time.Hour})
		wantCode(t, err, "")
		for _, c := range b.calls(next) {
			for _, role := range append(duoyun.Roles(), "") {
				actor := duoyun.Actor{UserID: "someone", Name: "某人", Grants: []duoyun.Grant{{Role: role, AgencyID: b.ID(storetest.City), Depth: 1}}}
				if role == duoyun.RoleSupplier {
					actor.Grants = []duoyun.Grant{{Role: role, SupplierID: b.ID("jd-suqian")}}
				} else if role == "" {
					actor.Grants = nil
				}
				before, want := b.audited(t), duoyun.Code("")
				if c.roles != nil && !slices.Contains(c.roles, role) {
					want = duoyun.CodeForbidden
				}
				if err := c.do(ctx, actor); duoyun.CodeOf(err) != want {
					t.Errorf("%s by %q: %v, want %q", c.name, role, err, want)
				}
				entries := int64(0)
				if c.writes && want == "" {
					entries = 1
				}
				if n := b.audited(t) - before; n != entries {
					t.Errorf("%s by %q: %d audit entries, want %d", c.name, role, n, entries)
				}
			}
		}
	})
}

// 三员分立, exhaustively: whatever role a person holds, and whatever role is to be added, over whatever agencies. Two
// administrators' roles never meet; everything else may.
func TestRolesThatMayNotMeet(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, sys, sec := context.Background(), b.Actor(t, "sysadmin"), b.Actor(t, "secadmin")
		admins := []duoyun.Role{duoyun.RoleSystemAdmin, duoyun.RoleSecurityAdmin, duoyun.RoleAuditAdmin}
		in := func(role duoyun.Role, agency string) access.GrantInput {
			if role == duoyun.RoleSupplier {
				return access.GrantInput{Role: role, Supplier: "jd-suqian"}
			}
			return access.GrantInput{Role: role, Agency: agency}
		}
		for i, first := range duoyun.Roles() {
			for j, second := range duoyun.Roles() {
				login := fmt.Sprintf("p-%d-%d", i, j)
				_, err := b.svc.CreateUser(ctx, sys, duoyun.Once{}, access.UserInput{Login: login, Name: "某人"})
				wantCode(t, err, "")
				_, err = b.svc.Grant(ctx, sec, login, in(first, storetest.City))
				wantCode(t, err, "")
				want := duoyun.Code("")
				if first != second && slices.Contains(admins, first) && slices.Contains(admins, second) {
					want = duoyun.CodeSeparation
				}
				u, err := b.svc.Grant(ctx, sec, login, in(second, storetest.City))
				if duoyun.CodeOf(err) != want {
					t.Errorf("%s beside %s: %v, want %q", second, first, err, want)
				}
				if want == "" && first == second && len(u.Grants) != 1 {
					t.Errorf("%s twice: %+v", first, u.Grants)
				}
			}
		}
	})
}

// A role is given over what the giver is over: a bureau's security administrator gives nothing in the city, nor a token or
// a stop to people whose roles reach beyond the bureau, through which it would rise above itself.
func TestAnAdministratorOfABureauHasNoHandInTheCity(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, sys, sec := context.Background(), b.Actor(t, "sysadmin"), b.Actor(t, "secadmin")
		for login, role := range map[string]duoyun.Role{"hrss-sys": duoyun.RoleSystemAdmin, "hrss-sec": duoyun.RoleSecurityAdmin} {
			_, err := b.svc.CreateUser(ctx, sys, duoyun.Once{}, access.UserInput{Login: login, Name: "局管理员"})
			wantCode(t, err, "")
			_, err = b.svc.Grant(ctx, sec, login, access.GrantInput{Role: role, Agency: storetest.HRSS})
			wantCode(t, err, "")
		}
		hrssSys, hrssSec := b.Actor(t, "hrss-sys"), b.Actor(t, "hrss-sec")
		for login, own := range map[string]bool{"hrss-applicant": true, "hrss-approver": true, "edu-applicant": false, "city-finance": false, "sysadmin": false, "secadmin": false, "sup-jd": false} {
			want := duoyun.CodeForbidden
			if own {
				want = ""
			}
			token, _, err := b.svc.IssueToken(ctx, hrssSec, duoyun.Once{}, login, access.TokenInput{Label: "x", Life: time.Hour})
			if duoyun.CodeOf(err) != want {
				t.Errorf("a token for %s: %v", login, err)
			}
			if token, _, err = b.svc.IssueToken(ctx, sec, duoyun.Once{}, login, access.TokenInput{Label: "x", Life: time.Hour}); err == nil {
				if err := b.svc.RevokeToken(ctx, hrssSec, login, token.ID); duoyun.CodeOf(err) != want {
					t.Errorf("revoking a token of %s: %v", login, err)
				}
			}
			if _, err := b.svc.SetUserActive(ctx, hrssSys, login, true); duoyun.CodeOf(err) != want {
				t.Errorf("allowing %s: %v", login, err)
			}
			in := access.GrantInput{Role: duoyun.RoleConfirmer, Agency: storetest.HRSS} // within, to whomever: a role more in the bureau
			_, err = b.svc.Grant(ctx, hrssSec, login, in)
			wantCode(t, err, "")
			_, err = b.svc.Revoke(ctx, hrssSec, login, in)
			wantCode(t, err, "")
			for _, agency := range []string{storetest.City, storetest.Edu} {
				_, err = b.svc.Grant(ctx, hrssSec, login, access.GrantInput{Role: duoyun.RoleConfirmer, Agency: agency})
				wantCode(t, err, duoyun.CodeNotFound)
			}
			_, err = b.svc.Grant(ctx, hrssSec, login, access.GrantInput{Role: duoyun.RoleSupplier, Supplier: "jd-suqian"})
			wantCode(t, err, duoyun.CodeForbidden)
		}
		for code, want := range map[string]duoyun.Code{"suqian/hrss/x": "", "suqian/x": duoyun.CodeNotFound, "suqian/edu/x": duoyun.CodeNotFound} {
			_, err := b.svc.CreateAgency(ctx, hrssSys, duoyun.Once{}, access.AgencyInput{Code: code, Name: "处", Short: "短" + code[7:]})
			wantCode(t, err, want)
		}
		wantCode(t, b.svc.SetApprovalRule(ctx, hrssSys, duoyun.ApprovalRule{AgencyID: storetest.Edu, Form: duoyun.FormOpen}), duoyun.CodeNotFound)
		wantCode(t, b.svc.SetApprovalRule(ctx, hrssSys, duoyun.ApprovalRule{AgencyID: storetest.HRSS, Form: duoyun.FormOpen}), "")
	})
}

// What a scope covers is what the database shows of it, for any roles anywhere in a tree.
func TestTheScopeInMemoryIsTheScopeInTheDatabase(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, sys := context.Background(), b.Actor(t, "sysadmin")
		codes := []string{storetest.City}
		for _, code := range []string{"a", "a/b", "a/b/c", "a/b/d", "a/e", "f"} { // up to the fourth level
			_, err := b.svc.CreateAgency(ctx, sys, duoyun.Once{}, access.AgencyInput{Code: storetest.HRSS + "/" + strings.ReplaceAll(code, "/", ""), Name: "处", Short: "短" + code})
			wantCode(t, err, "")
			codes = append(codes, storetest.HRSS+"/"+strings.ReplaceAll(code, "/", ""))
		}
		_, err := b.svc.CreateAgency(ctx, sys, duoyun.Once{}, access.AgencyInput{Code: storetest.HRSS + "/a/z", Name: "处", Short: "短z"})
		wantCode(t, err, "")
		whole, err := b.svc.Agencies(ctx, sys, duoyun.Page{Limit: 500})
		wantCode(t, err, "")
		rapid.Check(t, func(t *rapid.T) {
			var actor duoyun.Actor
			for _, a := range rapid.SliceOfN(rapid.SampledFrom(whole.Items), 0, 3).Draw(t, "over") {
				actor.Grants = append(actor.Grants, duoyun.Grant{Role: rapid.SampledFrom(duoyun.Roles()).Draw(t, "role"), AgencyID: a.ID, Depth: a.Depth})
			}
			got, err := b.svc.Agencies(ctx, actor, duoyun.Page{Limit: 500})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range whole.Items {
				covered := actor.ScopeFor().Covers(a)
				listed := slices.ContainsFunc(got.Items, func(x duoyun.Agency) bool { return x.ID == a.ID })
				_, err := b.svc.Agency(ctx, actor, a.Code)
				if covered != listed || covered != (err == nil) || err != nil && duoyun.CodeOf(err) != duoyun.CodeNotFound {
					t.Fatalf("%s: covered %v, listed %v, read %v", a.Code, covered, listed, err)
				}
			}
		})
	})
}

// A token serves from its issue until the instant it expires, and by no other spelling of it.
func TestATokenServesUntilTheInstantItExpires(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, sec := context.Background(), b.Actor(t, "secadmin")
		b.now = time.Date(2026, 11, 25, 1, 2, 3, 456789000, time.UTC)
		begun := b.now
		token, secret, err := b.svc.IssueToken(ctx, sec, duoyun.Once{}, "hrss-applicant", access.TokenInput{Label: "x", Life: time.Minute})
		wantCode(t, err, "")
		for _, other := range []string{strings.ToUpper(secret), secret + " ", " " + secret, secret[:len(secret)-1], secret + "a", strings.TrimPrefix(secret, "dyt_"), token.ID, "dyt_" + token.ID} {
			_, err := b.svc.Authenticate(ctx, other)
			wantCode(t, err, duoyun.CodeUnauthorized)
		}
		for after, want := range map[time.Duration]duoyun.Code{0: "", time.Minute - time.Microsecond: "", time.Minute: duoyun.CodeUnauthorized, time.Hour: duoyun.CodeUnauthorized} {
			b.now = begun.Add(after)
			_, err := b.svc.Authenticate(ctx, secret)
			wantCode(t, err, want)
		}
		for life, want := range map[time.Duration]duoyun.Code{0: duoyun.CodeInvalid, -time.Hour: duoyun.CodeInvalid, time.Minute - 1: duoyun.CodeInvalid, access.MaxTokenLife: "", access.MaxTokenLife + 1: duoyun.CodeInvalid, 1 << 62: duoyun.CodeInvalid} {
			_, _, err := b.svc.IssueToken(ctx, sec, duoyun.Once{}, "hrss-applicant", access.TokenInput{Label: "x", Life: life})
			wantCode(t, err, want)
		}
		var kept string
		err = b.Store.InTx(ctx, func(tx *sql.Tx) error {
			return tx.QueryRow(`SELECT hash FROM tokens WHERE id = $1`, token.ID).Scan(&kept)
		})
		if err != nil || strings.Contains(kept, secret[4:]) || len(kept) != 64 {
			t.Errorf("kept as %q, %v", kept, err)
		}
		// A role that is taken away is gone from a token issued before.
		b.now = begun
		_, err = b.svc.Revoke(ctx, sec, "hrss-applicant", access.GrantInput{Role: duoyun.RoleApplicant, Agency: storetest.HRSS})
		wantCode(t, err, "")
		if actor, err := b.svc.Authenticate(ctx, secret); err != nil || len(actor.Grants) != 0 || !actor.ScopeFor().Empty() {
			t.Errorf("after its only role was taken away: %+v, %v", actor, err)
		}
		// One sees and ends one's own tokens, and nobody else's.
		own := duoyun.Actor{UserID: b.ID("hrss-applicant")}
		tokens, err := b.svc.Tokens(ctx, own, own.UserID)
		if err != nil || len(tokens) != 2 {
			t.Errorf("own tokens %v, %v", tokens, err)
		}
		wantCode(t, b.svc.RevokeToken(ctx, duoyun.Actor{UserID: b.ID("edu-applicant")}, own.UserID, token.ID), duoyun.CodeForbidden)
		wantCode(t, b.svc.RevokeToken(ctx, own, own.UserID, token.ID), "")
		wantCode(t, b.svc.RevokeToken(ctx, own, own.UserID, token.ID), duoyun.CodeNotFound)
	})
}

// Names people read are one line of visible text, alike on both engines: nothing that hides, turns round or breaks a list.
func TestHostileNamesAreRefusedWithTheirField(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, sys, sec := context.Background(), b.Actor(t, "sysadmin"), b.Actor(t, "secadmin")
		for _, bad := range []string{"", " ", "a\x00b", "a\x1bb", "a\u202eb", "a\u200bb", "a\nb", "a\u2028b", "\xff", " a", "a\u00a0", strings.Repeat("字", 500)} {
			_, err := b.svc.CreateUser(ctx, sys, duoyun.Once{}, access.UserInput{Login: "fine", Name: bad})
			if duoyun.CodeOf(err) != duoyun.CodeInvalid {
				t.Errorf("a person called %q: %v", bad, err)
			}
			_, err = b.svc.CreateAgency(ctx, sys, duoyun.Once{}, access.AgencyInput{Code: "suqian/x", Name: "处", Short: bad})
			if duoyun.CodeOf(err) != duoyun.CodeInvalid {
				t.Errorf("an agency called %q: %v", bad, err)
			}
			_, _, err = b.svc.IssueToken(ctx, sec, duoyun.Once{}, "hrss-applicant", access.TokenInput{Label: bad, Life: time.Hour})
			if duoyun.CodeOf(err) != duoyun.CodeInvalid {
				t.Errorf("a token called %q: %v", bad, err)
			}
			_, err = b.svc.User(ctx, sys, bad)
			wantCode(t, err, duoyun.CodeNotFound)
			_, err = b.svc.Grant(ctx, sec, "hrss-applicant", access.GrantInput{Role: duoyun.RoleFinance, Agency: bad})
			if c := duoyun.CodeOf(err); c != duoyun.CodeNotFound && c != duoyun.CodeInvalid {
				t.Errorf("a role over %q: %v", bad, err)
			}
		}
		for _, in := range []access.GrantInput{{}, {Role: "root", Agency: storetest.City}, {Role: duoyun.RoleSupplier, Agency: storetest.City}, {Role: duoyun.RoleFinance, Supplier: "jd-suqian"},
			{Role: duoyun.RoleSupplier, Agency: storetest.City, Supplier: "jd-suqian"}, {Role: duoyun.RoleSupplier}} {
			_, err := b.svc.Grant(ctx, sec, "hrss-applicant", in)
			if duoyun.CodeOf(err) != duoyun.CodeInvalid {
				t.Errorf("%+v: %v", in, err)
			}
		}
	})
}
