package access_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/access"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

type bench struct {
	*storetest.World
	svc *access.Service
	now time.Time
}

func each(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := &bench{World: storetest.NewWorld(t, s), now: time.Now()}
		b.svc = access.New(s, func() time.Time { return b.now })
		f(t, b)
	})
}

func wantCode(t *testing.T, err error, code duoyun.Code) {
	t.Helper()
	if got := duoyun.CodeOf(err); got != code {
		t.Fatalf("code %q, want %q (%v)", got, code, err)
	}
}

func TestATokenStandsForItsUserUntilItExpiresOrIsRevoked(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, sec := context.Background(), b.Actor(t, "secadmin")
		issue := func(life time.Duration) (duoyun.Token, string) {
			tok, secret, err := b.svc.IssueToken(ctx, sec, duoyun.Once{}, "hrss-applicant", access.TokenInput{Label: "laptop", Life: life})
			wantCode(t, err, "")
			return tok, secret
		}
		_, secret := issue(time.Hour)
		actor, err := b.svc.Authenticate(ctx, secret)
		wantCode(t, err, "")
		if actor.UserID != b.ID("hrss-applicant") || !actor.Has(duoyun.RoleApplicant) || actor.Grants[0].Depth != 2 {
			t.Fatalf("actor %+v", actor)
		}
		b.now = b.now.Add(2 * time.Hour)
		_, err = b.svc.Authenticate(ctx, secret)
		wantCode(t, err, duoyun.CodeUnauthorized)

		tok, secret := issue(time.Hour)
		wantCode(t, b.svc.RevokeToken(ctx, sec, "hrss-applicant", tok.ID), "")
		_, err = b.svc.Authenticate(ctx, secret)
		wantCode(t, err, duoyun.CodeUnauthorized)

		_, secret = issue(time.Hour)
		_, err = b.svc.SetUserActive(ctx, b.Actor(t, "sysadmin"), "hrss-applicant", false)
		wantCode(t, err, "")
		_, err = b.svc.Authenticate(ctx, secret)
		wantCode(t, err, duoyun.CodeUnauthorized)
	})
}

func TestHostileBearersAreRefusedAlike(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, bearer := range []string{"", "dyt_", "dyt_' OR 1=1 --", strings.Repeat("x", 1<<16), "dyt_" + strings.Repeat("a", 1<<16), "dyt_\x00\xff"} {
			_, err := b.svc.Authenticate(context.Background(), bearer)
			wantCode(t, err, duoyun.CodeUnauthorized)
		}
	})
}

func TestARepeatedIssueIsAConflictSinceTheTokenCannotBeShownAgain(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, sec, once := context.Background(), b.Actor(t, "secadmin"), duoyun.Once{Key: "k", Route: "r", BodyHash: "h"}
		in := access.TokenInput{Label: "x", Life: time.Hour}
		_, _, err := b.svc.IssueToken(ctx, sec, once, "sup-jd", in)
		wantCode(t, err, "")
		_, _, err = b.svc.IssueToken(ctx, sec, once, "sup-jd", in)
		wantCode(t, err, duoyun.CodeConflict)
	})
}

func TestNoPersonHoldsTwoAdministratorsRoles(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, sec := context.Background(), b.Actor(t, "secadmin")
		_, err := b.svc.Grant(ctx, sec, "sysadmin", access.GrantInput{Role: duoyun.RoleAuditAdmin, Agency: storetest.City})
		wantCode(t, err, duoyun.CodeSeparation)
		_, err = b.svc.Grant(ctx, sec, "secadmin", access.GrantInput{Role: duoyun.RoleFinance, Agency: storetest.City})
		wantCode(t, err, duoyun.CodeSeparation) // nobody grants to themselves
		u, err := b.svc.Grant(ctx, sec, "hrss-approver", access.GrantInput{Role: duoyun.RoleConfirmer, Agency: storetest.HRSS})
		wantCode(t, err, "")
		if len(u.Grants) != 2 {
			t.Fatalf("grants %v", u.Grants)
		}
		u, err = b.svc.Revoke(ctx, sec, "hrss-approver", access.GrantInput{Role: duoyun.RoleConfirmer, Agency: storetest.HRSS})
		wantCode(t, err, "")
		if len(u.Grants) != 1 {
			t.Fatalf("grants %v", u.Grants)
		}
	})
}

func TestOnlyTheRightAdministratorMakesAccountsRolesAndTokens(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := context.Background()
		for _, login := range []string{"hrss-applicant", "auditadmin", "city-auditor", "sup-jd"} {
			actor := b.Actor(t, login)
			_, err := b.svc.CreateUser(ctx, actor, duoyun.Once{}, access.UserInput{Login: "x", Name: "x"})
			wantCode(t, err, duoyun.CodeForbidden)
			_, err = b.svc.Grant(ctx, actor, "sup-jd", access.GrantInput{Role: duoyun.RoleFinance, Agency: storetest.City})
			wantCode(t, err, duoyun.CodeForbidden)
			_, _, err = b.svc.IssueToken(ctx, actor, duoyun.Once{}, "sysadmin", access.TokenInput{Label: "x", Life: time.Hour})
			wantCode(t, err, duoyun.CodeForbidden)
		}
		_, err := b.svc.CreateUser(ctx, b.Actor(t, "sysadmin"), duoyun.Once{}, access.UserInput{Login: "New User", Name: ""})
		wantCode(t, err, duoyun.CodeInvalid)
	})
}

func TestAgenciesStandBelowTheirParentAndOutsideScopeDoNotExist(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, sys := context.Background(), b.Actor(t, "sysadmin")
		once := duoyun.Once{Key: "k", Route: "r", BodyHash: "h"}
		in := access.AgencyInput{Code: "suqian/hrss/jobs", Name: "就业处", Short: "宿就", Payer: storetest.Data}
		a, err := b.svc.CreateAgency(ctx, sys, once, in)
		wantCode(t, err, "")
		if a.Depth != 3 || a.Ancestors[1] != b.ID(storetest.HRSS) || a.PayerID != b.ID(storetest.Data) || a.ApproverID != a.ID {
			t.Fatalf("agency %+v", a)
		}
		again, err := b.svc.CreateAgency(ctx, sys, once, in)
		wantCode(t, err, "")
		if again.ID != a.ID {
			t.Fatal("a repeated call made another agency")
		}
		_, err = b.svc.Agency(ctx, b.Actor(t, "hrss-applicant"), "suqian/hrss/jobs")
		wantCode(t, err, "")
		_, err = b.svc.Agency(ctx, b.Actor(t, "edu-applicant"), "suqian/hrss/jobs")
		wantCode(t, err, duoyun.CodeNotFound)
		for code, want := range map[string]duoyun.Code{"suqian/none/x": duoyun.CodeNotFound, "other": duoyun.CodeForbidden,
			"suqian/hrss": duoyun.CodeConflict, "a/b/c/d/e": duoyun.CodeInvalid, "suqian/../x": duoyun.CodeInvalid} {
			_, err = b.svc.CreateAgency(ctx, sys, duoyun.Once{}, access.AgencyInput{Code: code, Name: "某处", Short: "宿某" + code[:1]})
			wantCode(t, err, want)
		}
	})
}

func TestListsArePagedByKeyset(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, sys, seen := context.Background(), b.Actor(t, "sysadmin"), map[string]bool{}
		for p := (duoyun.Page{Limit: 3}); ; {
			l, err := b.svc.Agencies(ctx, sys, p)
			wantCode(t, err, "")
			for _, a := range l.Items {
				seen[a.Code] = true
			}
			if p.After = l.Next; l.Next == "" {
				break
			}
		}
		if len(seen) != 4 {
			t.Fatalf("saw %v", seen)
		}
	})
}
