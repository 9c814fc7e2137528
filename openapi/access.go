package openapi

import (
	"context"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/access"
)

func wantUser(d *directory, u duoyun.User) {
	for _, g := range u.Grants {
		d.want("agency", g.AgencyID, "supplier", g.SupplierID)
	}
}

func viewUser(d *directory, u duoyun.User) User {
	v := User{ID: u.ID, Login: u.Login, Name: u.Name, Active: u.Active, Grants: []Grant{}}
	for _, g := range u.Grants {
		v.Grants = append(v.Grants, Grant{Role: g.Role, Agency: d.ref("agency", g.AgencyID), Supplier: d.ref("supplier", g.SupplierID)})
	}
	return v
}

func (s *server) Whoami(ctx context.Context, _ WhoamiRequestObject) (WhoamiResponseObject, error) {
	actor, _ := caller(ctx)
	u, err := s.Access.User(ctx, actor, actor.UserID)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, u, wantUser, viewUser)
	return Whoami200JSONResponse(v), err
}

func (s *server) ListUsers(ctx context.Context, r ListUsersRequestObject) (ListUsersResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Access.Users(ctx, actor, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantUser, viewUser)
	return ListUsers200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) CreateUser(ctx context.Context, r CreateUserRequestObject) (CreateUserResponseObject, error) {
	actor, once := caller(ctx)
	u, err := s.Access.CreateUser(ctx, actor, once, access.UserInput{Login: r.Body.Login, Name: r.Body.Name})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, u, wantUser, viewUser)
	return CreateUser201JSONResponse(v), err
}

func (s *server) GetUser(ctx context.Context, r GetUserRequestObject) (GetUserResponseObject, error) {
	actor, _ := caller(ctx)
	u, err := s.Access.User(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, u, wantUser, viewUser)
	return GetUser200JSONResponse(v), err
}

func (s *server) SetUserActive(ctx context.Context, r SetUserActiveRequestObject) (SetUserActiveResponseObject, error) {
	actor, _ := caller(ctx)
	u, err := s.Access.SetUserActive(ctx, actor, r.Key, r.Body.Active)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, u, wantUser, viewUser)
	return SetUserActive200JSONResponse(v), err
}

func (s *server) GrantRole(ctx context.Context, r GrantRoleRequestObject) (GrantRoleResponseObject, error) {
	actor, _ := caller(ctx)
	u, err := s.Access.Grant(ctx, actor, r.Key, access.GrantInput{Role: r.Body.Role, Agency: r.Body.Agency, Supplier: r.Body.Supplier})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, u, wantUser, viewUser)
	return GrantRole200JSONResponse(v), err
}

func (s *server) RevokeRole(ctx context.Context, r RevokeRoleRequestObject) (RevokeRoleResponseObject, error) {
	actor, _ := caller(ctx)
	u, err := s.Access.Revoke(ctx, actor, r.Key, access.GrantInput{Role: r.Params.Role, Agency: r.Params.Agency, Supplier: r.Params.Supplier})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, u, wantUser, viewUser)
	return RevokeRole200JSONResponse(v), err
}

func viewToken(t duoyun.Token) Token {
	return Token{ID: t.ID, Label: t.Label, CreatedAt: local(t.CreatedAt), ExpiresAt: local(t.ExpiresAt)}
}

func (s *server) ListTokens(ctx context.Context, r ListTokensRequestObject) (ListTokensResponseObject, error) {
	actor, _ := caller(ctx)
	tokens, err := s.Access.Tokens(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	out := ListTokens200JSONResponse{Items: []Token{}}
	for _, t := range tokens {
		out.Items = append(out.Items, viewToken(t))
	}
	return out, nil
}

func (s *server) IssueToken(ctx context.Context, r IssueTokenRequestObject) (IssueTokenResponseObject, error) {
	actor, once := caller(ctx)
	t, secret, err := s.Access.IssueToken(ctx, actor, once, r.Key, access.TokenInput{Label: r.Body.Label, Life: time.Duration(r.Body.Hours) * time.Hour})
	if err != nil {
		return nil, err
	}
	v := viewToken(t)
	v.Secret = secret
	return IssueToken201JSONResponse(v), nil
}

func (s *server) RevokeToken(ctx context.Context, r RevokeTokenRequestObject) (RevokeTokenResponseObject, error) {
	actor, _ := caller(ctx)
	if err := s.Access.RevokeToken(ctx, actor, r.Key, r.Token); err != nil {
		return nil, err
	}
	return RevokeToken204Response{}, nil
}
