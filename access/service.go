// Package access says who may come in and what they stand for: the agency tree, users, their roles, and the tokens
// they present. 三员分立 (GB/T 22239-2019): the system administrator makes accounts, the security administrator gives
// roles and tokens, the audit administrator only reads; no person is two of these.
package access

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
)

// Store is what access needs kept. Methods with a transaction write or lock.
type Store interface {
	InTx(ctx context.Context, f func(tx *sql.Tx) error) error
	Recall(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once) (string, error)
	Remember(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once, id string) error
	Audit(ctx context.Context, tx *sql.Tx, e duoyun.AuditEntry) error
	AgencyStore
	UserStore
}

// AgencyStore keeps the agency tree.
type AgencyStore interface {
	InsertAgency(ctx context.Context, tx *sql.Tx, a duoyun.Agency) error
	UpdateAgency(ctx context.Context, tx *sql.Tx, a duoyun.Agency) error
	Agency(ctx context.Context, tx *sql.Tx, key string) (duoyun.Agency, error)
	Agencies(ctx context.Context, scope duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Agency], error)
	FindAgency(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Agency, error)
	PutApprovalRule(ctx context.Context, tx *sql.Tx, r duoyun.ApprovalRule) error
}

// UserStore keeps users, grants and tokens.
type UserStore interface {
	LockSupplier(ctx context.Context, tx *sql.Tx, key string) (duoyun.Supplier, error)
	InsertUser(ctx context.Context, tx *sql.Tx, u duoyun.User) error
	SetUserActive(ctx context.Context, tx *sql.Tx, userID string, active bool) error
	InsertGrant(ctx context.Context, tx *sql.Tx, userID string, g duoyun.Grant) error
	DeleteGrant(ctx context.Context, tx *sql.Tx, userID string, g duoyun.Grant) (bool, error)
	User(ctx context.Context, tx *sql.Tx, key string) (duoyun.User, error)
	FindUser(ctx context.Context, key string) (duoyun.User, error)
	Users(ctx context.Context, p duoyun.Page) (duoyun.Listing[duoyun.User], error)
	InsertToken(ctx context.Context, tx *sql.Tx, t duoyun.Token, hash string) error
	Tokens(ctx context.Context, userID string) ([]duoyun.Token, error)
	DeleteToken(ctx context.Context, tx *sql.Tx, userID, id string) error
	Holder(ctx context.Context, hash string) (u duoyun.User, expires time.Time, err error)
}

// Service is the way in.
type Service struct {
	store Store
	now   duoyun.Clock // real clock: ids and tokens
}

// New returns the service; now is the real clock.
func New(store Store, now duoyun.Clock) *Service { return &Service{store: store, now: now} }

// once runs make unless an earlier call with the same key did; it returns the id of what either made, in one
// transaction with the audit entry and the key.
func (s *Service) once(ctx context.Context, actor duoyun.Actor, once duoyun.Once, action, subject string, make func(tx *sql.Tx) (string, error)) (id string, err error) {
	err = s.store.InTx(ctx, func(tx *sql.Tx) error {
		if id, err = s.store.Recall(ctx, tx, actor, once); err != nil || id != "" {
			return err
		}
		if id, err = make(tx); err != nil {
			return err
		}
		if err := s.store.Audit(ctx, tx, s.entry(ctx, actor, action, subject, id)); err != nil {
			return err
		}
		return s.store.Remember(ctx, tx, actor, once, id)
	})
	return id, err
}

func (s *Service) entry(ctx context.Context, actor duoyun.Actor, action, subject, key string) duoyun.AuditEntry {
	return duoyun.AuditEntry{ActorID: actor.UserID, Actor: actor.Name, Action: action, Subject: subject, Key: key, TraceID: duoyun.TraceOf(ctx)}
}
