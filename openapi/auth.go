package openapi

import (
	"net/http"
	"strings"

	"github.com/duoyun/duoyun"
)

// authenticate turns the bearer token into the actor (RFC 6750); the token itself goes no further.
func (s *server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") || token == "" {
			s.fail(w, r, duoyun.Fail(duoyun.CodeUnauthorized, "Authorization", "请求须带令牌：Authorization: Bearer …",
				"the request needs a token: Authorization: Bearer …"))
			return
		}
		actor, err := s.Access.Authenticate(r.Context(), strings.TrimSpace(token))
		if err != nil {
			s.fail(w, r, err)
			return
		}
		callOf(r.Context()).actor = actor
		next.ServeHTTP(w, r)
	})
}

// permit holds the actor to the roles the specification lists. Services ask again, for the scope of each role: this is
// the outer of two doors.
func (s *server) permit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op := operationOf(r.Context())
		if len(op.roles) > 0 {
			if err := callOf(r.Context()).actor.Need(op.roles...); err != nil {
				s.fail(w, r, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
