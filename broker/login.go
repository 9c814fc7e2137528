package broker

import (
	"context"
	"database/sql"
	"encoding/base32"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
)

// LoginSecret is a line's login that asks for a password instead of a key.
const LoginSecret = "secret"

// Deriver makes secrets that need not be kept; store.Store does.
type Deriver interface {
	// Derive gives 32 bytes that the house's seal key and the label alone determine. Without a seal key it is unavailable.
	Derive(label string) ([]byte, error)
}

// LoginStore tells which login secrets have been shown.
type LoginStore interface {
	Deriver
	// Subject reads a resource with how its order wants people to log in.
	Subject(ctx context.Context, tx *sql.Tx, resourceID string) (Subject, error)
	// ShowLogin notes that a resource's login secret is shown now; first is false where it has been shown before.
	ShowLogin(ctx context.Context, tx *sql.Tx, resourceID string, now time.Time) (first bool, err error)
}

// Login shows the applicant the password that a server was booted with, or a database or cache was made with, once: a
// second call is a conflict, whoever makes it and whatever its idempotency key. Of servers only one that is live and whose
// line asked for a password has one.
func (s *Service) Login(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Resource, string, error) {
	r, err := s.store.FindResource(ctx, actor.ScopeFor(), key)
	if err != nil {
		return r, "", err
	}
	secret := ""
	err = s.store.InTx(ctx, func(tx *sql.Tx) (err error) {
		if err := s.duty(ctx, tx, actor, r.AgencyID, duoyun.RoleApplicant); err != nil {
			return err
		}
		if err := s.hasPassword(ctx, tx, r); err != nil {
			return err
		}
		first, err := s.store.ShowLogin(ctx, tx, r.ID, s.real())
		if err != nil {
			return err
		}
		if !first {
			return duoyun.Fail(duoyun.CodeConflict, "", "%s 的登录口令已显示过，不能再次显示；遗失时请云服务商重置", "the password of %s has been shown already: if it is lost, have the supplier reset it", called(r))
		}
		if secret, err = loginSecret(s.store, r.Mark()); err != nil {
			return err
		}
		return s.store.Audit(ctx, tx, entry(ctx, actor, "resource.login", "resource", r.ID))
	})
	if err != nil {
		return r, "", err
	}
	return r, secret, nil
}

// hasPassword refuses what is not there, or was not made with a password.
func (s *Service) hasPassword(ctx context.Context, tx *sql.Tx, r duoyun.Resource) error {
	sub, err := s.store.Subject(ctx, tx, r.ID)
	switch {
	case err != nil:
		return err
	case sub.Login != LoginSecret:
		return duoyun.Fail(duoyun.CodeConflict, "", "%s 不以口令登录", "%s has no password", called(r))
	case !sub.Resource.State.Live():
		return duoyun.Fail(duoyun.CodeConflict, "", "%[1]s 当前为“%[2]s”，没有可用的登录口令", "%[1]s is %[3]s: there is no password to use",
			called(r), duoyun.ResourceLifecycle().Name(sub.Resource.State), string(sub.Resource.State))
	}
	return nil
}

// passwordLetters are 32 letters and digits, none of which is taken for another: no 0, O, 1, I or l, and no letter in both
// cases. Their order is part of every password given out.
const passwordLetters = "23456789ABEFGJLMNQRTcdhkpsuvwxyz"

const passwordLength = 20 // of five bits each

// loginSecret is the password of the resource with this mark, the same whenever it is asked for, so that a creation that is sent
// again carries the same one. It has an upper-case letter, a lower-case letter and a digit, as password rules ask.
func loginSecret(d Deriver, mark string) (string, error) {
	letters := base32.NewEncoding(passwordLetters).WithPadding(base32.NoPadding)
	for label := mark + ":login"; ; label += "'" {
		key, err := d.Derive(label)
		if err != nil {
			return "", err
		}
		if p := letters.EncodeToString(key)[:passwordLength]; mixed(p) {
			return p, nil
		}
	}
}

func mixed(p string) bool {
	return strings.ContainsAny(p, "23456789") && strings.ToLower(p) != p && strings.ToUpper(p) != p
}
