package access

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
)

// tokenPrefix lets scanners of repositories and logs recognise a leaked token.
const tokenPrefix = "dyt_"

// MaxTokenLife is the longest a token may live.
const MaxTokenLife = 366 * 24 * time.Hour

// TokenInput asks for a bearer token.
type TokenInput struct {
	Label string
	Life  time.Duration // at most MaxTokenLife
}

// IssueToken makes a bearer token for a user (security administrator) and returns it: the only time it is seen, since
// only its hash is kept. A repeated call cannot show it again and is a conflict: revoke that token and ask for another.
func (s *Service) IssueToken(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string, in TokenInput) (duoyun.Token, string, error) {
	if err := actor.Need(duoyun.RoleSecurityAdmin); err != nil {
		return duoyun.Token{}, "", err
	}
	var f duoyun.Faults
	line(&f, "label", in.Label, 40)
	if in.Life < time.Minute || in.Life > MaxTokenLife {
		f.Add("life", in.Life.String(), "有效期应在 1 分钟与 366 天之间", "must be between 1 minute and 366 days")
	}
	if err := f.Err(); err != nil {
		return duoyun.Token{}, "", err
	}
	secret := tokenPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(random(32)))
	now := s.now()
	t := duoyun.Token{ID: duoyun.NewID(now), Label: in.Label, CreatedAt: now, ExpiresAt: now.Add(in.Life)}
	_, err := s.changeUser(ctx, actor, key, "token.issue", func(tx *sql.Tx, u duoyun.User) error {
		if err := s.reaches(ctx, tx, actor, duoyun.RoleSecurityAdmin, u); err != nil {
			return err
		}
		if id, err := s.store.Recall(ctx, tx, actor, once); err != nil || id != "" {
			return errors.Join(err, duoyun.Fail(duoyun.CodeConflict, "Idempotency-Key", "该令牌已签发，不能再次显示：请吊销后重新签发",
				"this token has been issued and cannot be shown again: revoke it and ask for another"))
		}
		t.UserID = u.ID
		if err := s.store.InsertToken(ctx, tx, t, hash(secret)); err != nil {
			return err
		}
		return s.store.Remember(ctx, tx, actor, once, t.ID)
	})
	return t, secret, err
}

// Tokens lists a user's tokens, without their secrets: one's own, or anyone's for the security administrator.
func (s *Service) Tokens(ctx context.Context, actor duoyun.Actor, key string) ([]duoyun.Token, error) {
	u, err := s.tokenOwner(ctx, actor, key)
	if err != nil {
		return nil, err
	}
	return s.store.Tokens(ctx, u.ID)
}

// RevokeToken ends a token at once: one's own, or anyone's for the security administrator.
func (s *Service) RevokeToken(ctx context.Context, actor duoyun.Actor, key, id string) error {
	u, err := s.tokenOwner(ctx, actor, key)
	if err != nil {
		return err
	}
	_, err = s.changeUser(ctx, actor, u.ID, "token.revoke", func(tx *sql.Tx, u duoyun.User) error {
		if err := s.reaches(ctx, tx, actor, duoyun.RoleSecurityAdmin, u); err != nil {
			return err
		}
		return s.store.DeleteToken(ctx, tx, u.ID, id)
	})
	return err
}

func (s *Service) tokenOwner(ctx context.Context, actor duoyun.Actor, key string) (duoyun.User, error) {
	if key == actor.UserID && key != "" {
		return s.store.FindUser(ctx, key)
	}
	if err := actor.Need(duoyun.RoleSecurityAdmin); err != nil {
		return duoyun.User{}, err
	}
	return s.store.FindUser(ctx, key)
}

// Authenticate turns a bearer token into the actor it stands for. Unknown, expired and stopped tokens look alike.
func (s *Service) Authenticate(ctx context.Context, bearer string) (duoyun.Actor, error) {
	if strings.HasPrefix(bearer, tokenPrefix) && len(bearer) < 200 {
		u, expires, err := s.store.Holder(ctx, hash(bearer))
		if err != nil {
			return duoyun.Actor{}, fmt.Errorf("authenticate: %w", err)
		}
		if u.ID != "" && s.now().Before(expires) {
			return duoyun.Actor{UserID: u.ID, Name: u.Name, Grants: u.Grants, TraceID: duoyun.TraceOf(ctx)}, nil
		}
	}
	return duoyun.Actor{}, duoyun.Fail(duoyun.CodeUnauthorized, "Authorization", "令牌无效或已过期", "the token is not valid, or has expired")
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails on a supported system; Go ends the process otherwise
	return b
}
