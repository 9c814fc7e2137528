package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/duoyun/duoyun"
)

const userColumns = `u.id, u.login, u.name, u.active`

func scanUser(r row) (u duoyun.User, err error) {
	err = r.Scan(&u.ID, &u.Login, &u.Name, &u.Active)
	return u, err
}

// InsertUser writes a new user without grants; a login that is taken is a conflict.
func (s *Store) InsertUser(ctx context.Context, tx *sql.Tx, u duoyun.User) error {
	_, err := exec(ctx, tx, `INSERT INTO users (id, login, name, active, created_at) VALUES ($1, $2, $3, $4, $5)`,
		u.ID, u.Login, u.Name, u.Active, ts(s.now()))
	if duplicate(err) {
		return duoyun.Fail(duoyun.CodeConflict, "login", "登录名已存在：%s", "the login is taken: %s", u.Login)
	}
	return err
}

// SetUserActive allows or stops a user; a stopped user's tokens no longer serve.
func (s *Store) SetUserActive(ctx context.Context, tx *sql.Tx, userID string, active bool) error {
	return must1(ctx, tx, duoyun.NotFound("用户", "user", userID), `UPDATE users SET active = $1 WHERE id = $2`, active, userID)
}

// InsertGrant gives a user a role. A second administrator's role is refused by the database (三员分立).
func (s *Store) InsertGrant(ctx context.Context, tx *sql.Tx, userID string, g duoyun.Grant) error {
	_, err := exec(ctx, tx, `INSERT INTO grants (id, user_id, role, agency_id, supplier_id) VALUES ($1, $2, $3, $4, $5)`,
		duoyun.NewID(s.now()), userID, string(g.Role), null(g.AgencyID), null(g.SupplierID))
	if duplicate(err) {
		return duoyun.Fail(duoyun.CodeSeparation, "role", "三员分立：系统、安全、审计管理员不得由同一人兼任",
			"the system, security and audit administrators must be different people")
	}
	return err
}

// DeleteGrant takes a role away; it reports whether the user had it.
func (s *Store) DeleteGrant(ctx context.Context, tx *sql.Tx, userID string, g duoyun.Grant) (bool, error) {
	n, err := exec(ctx, tx, `DELETE FROM grants WHERE user_id = $1 AND role = $2
		AND COALESCE(agency_id, '') = $3 AND COALESCE(supplier_id, '') = $4`, userID, string(g.Role), g.AgencyID, g.SupplierID)
	return n > 0, err
}

// User reads a user with its grants by id or login.
func (s *Store) User(ctx context.Context, tx *sql.Tx, key string) (duoyun.User, error) {
	return s.user(ctx, tx, key)
}

// FindUser is User outside a transaction.
func (s *Store) FindUser(ctx context.Context, key string) (duoyun.User, error) {
	return s.user(ctx, s.reader(), key)
}

func (s *Store) user(ctx context.Context, q querier, key string) (duoyun.User, error) {
	u, err := one(ctx, q, scanUser, duoyun.NotFound("用户", "user", key),
		`SELECT `+userColumns+` FROM users u WHERE `+byKey("login", key), key)
	if err != nil {
		return u, err
	}
	users := []duoyun.User{u}
	err = s.loadGrants(ctx, q, users)
	return users[0], err
}

// Users lists users with their grants.
func (s *Store) Users(ctx context.Context, p duoyun.Page) (duoyun.Listing[duoyun.User], error) {
	var w where
	order := w.page("u.id", p)
	rows, err := collect(ctx, s.reader(), scanUser, `SELECT `+userColumns+` FROM users u`+w.String()+order, w.args...)
	if err == nil {
		err = s.loadGrants(ctx, s.reader(), rows)
	}
	return duoyun.Paged(rows, p, func(u duoyun.User) string { return u.ID }), err
}

func (s *Store) loadGrants(ctx context.Context, q querier, users []duoyun.User) error {
	for i := range users {
		grants, err := collect(ctx, q, scanGrant, `SELECT g.role, g.agency_id, COALESCE(a.depth, 0), g.supplier_id
			FROM grants g LEFT JOIN agencies a ON a.id = g.agency_id WHERE g.user_id = $1 ORDER BY g.id`, users[i].ID)
		if err != nil {
			return err
		}
		users[i].Grants = grants
	}
	return nil
}

func scanGrant(r row) (g duoyun.Grant, err error) {
	err = r.Scan(&g.Role, opt(&g.AgencyID), &g.Depth, opt(&g.SupplierID))
	return g, err
}

// InsertToken keeps the hash of a token.
func (s *Store) InsertToken(ctx context.Context, tx *sql.Tx, t duoyun.Token, hash string) error {
	_, err := exec(ctx, tx, `INSERT INTO tokens (id, user_id, label, hash, expires_at, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		t.ID, t.UserID, t.Label, hash, ts(t.ExpiresAt), ts(t.CreatedAt))
	return err
}

func scanToken(r row) (t duoyun.Token, err error) {
	err = r.Scan(&t.ID, &t.UserID, &t.Label, at(&t.ExpiresAt), at(&t.CreatedAt))
	return t, err
}

// Tokens lists a user's tokens.
func (s *Store) Tokens(ctx context.Context, userID string) ([]duoyun.Token, error) {
	return collect(ctx, s.reader(), scanToken,
		`SELECT id, user_id, label, expires_at, created_at FROM tokens WHERE user_id = $1 ORDER BY id DESC LIMIT 500`, userID)
}

// DeleteToken revokes a token by its id.
func (s *Store) DeleteToken(ctx context.Context, tx *sql.Tx, userID, id string) error {
	return must1(ctx, tx, duoyun.NotFound("令牌", "token", id), `DELETE FROM tokens WHERE id = $1 AND user_id = $2`, id, userID)
}

// Holder reads, in one query, the active user who holds the token of this hash, with grants, and when the token
// expires. No such token, or a stopped user, is an empty id.
func (s *Store) Holder(ctx context.Context, hash string) (u duoyun.User, expires time.Time, err error) {
	err = each(ctx, s.reader(), func(r row) error {
		var g duoyun.Grant
		var role string
		err := r.Scan(&u.ID, &u.Login, &u.Name, &u.Active, at(&expires), opt(&role), opt(&g.AgencyID), &g.Depth, opt(&g.SupplierID))
		if role != "" {
			g.Role = duoyun.Role(role)
			u.Grants = append(u.Grants, g)
		}
		return err
	}, `SELECT `+userColumns+`, t.expires_at, g.role, g.agency_id, COALESCE(a.depth, 0), g.supplier_id
		FROM tokens t JOIN users u ON u.id = t.user_id
		LEFT JOIN grants g ON g.user_id = u.id LEFT JOIN agencies a ON a.id = g.agency_id
		WHERE t.hash = $1 AND u.active ORDER BY g.id`, hash)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return u, expires, err
}
