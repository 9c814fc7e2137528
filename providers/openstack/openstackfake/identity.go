package openstackfake

import (
	"net/http"
	"strings"
	"time"
)

// grant is what a token stands for.
type grant struct {
	login   Login
	project string // id; "" for an unscoped token
	issued  time.Time
	expires time.Time
}

// granted finds a token that has not expired.
func (f *Fake) granted(token string) (grant, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g, ok := f.tokens[token]
	return g, ok && f.sim.Now().Before(g.expires)
}

// issue makes a token and forgets those that have expired.
func (f *Fake) issue(l Login, project string) (string, grant) {
	now := f.sim.Now()
	g := grant{l, project, now, now.Add(f.options.TokenLife)}
	token := "gAAAAA" + strings.ReplaceAll(randomID()+randomID(), "-", "")
	f.mu.Lock()
	defer f.mu.Unlock()
	for t, old := range f.tokens {
		if !now.Before(old.expires) {
			delete(f.tokens, t)
		}
	}
	f.tokens[token] = g
	return token, g
}

// ref names a domain, user or project by id or name.
type ref struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Password string `json:"password"`
	Secret   string `json:"secret"`
	Domain   *ref   `json:"domain"`
	User     *ref   `json:"user"`
}

type authRequest struct {
	Auth struct {
		Identity struct {
			Methods  []string `json:"methods"`
			Password struct {
				User ref `json:"user"`
			} `json:"password"`
			AppCred ref `json:"application_credential"`
			Token   ref `json:"token"`
		} `json:"identity"`
		Scope *struct {
			Project *ref `json:"project"`
			Domain  *ref `json:"domain"`
			System  any  `json:"system"`
		} `json:"scope"`
	} `json:"auth"`
}

func keystoneError(r refusal) any {
	return object{"error": object{"code": r.status, "title": http.StatusText(r.status), "message": r.text}}
}

// identity serves Keystone (docs.openstack.org/api-ref/identity/v3): tokens by password, application credential or another
// token, and what a project's user may see of itself.
func (f *Fake) identity() {
	f.open("GET /identity/{$}", f.identityVersions)
	f.open("GET /identity/v3/{$}", f.identityVersion)
	f.open("GET /identity/v3", f.identityVersion)
	f.open("POST /identity/v3/auth/tokens", f.createToken)
	f.open("GET /identity/v3/auth/tokens", f.showToken)
	f.open("HEAD /identity/v3/auth/tokens", f.showToken)
	f.open("DELETE /identity/v3/auth/tokens", f.revokeToken)
	s := &service{Fake: f, prefix: "/identity/v3", word: keystoneError}
	s.route("GET /auth/catalog", func(c *call) (int, any, error) {
		return 200, object{"catalog": c.catalog(c.r, c.grant), "links": object{"self": c.self()}}, nil
	})
	s.route("GET /auth/projects", func(c *call) (int, any, error) {
		return 200, object{"projects": []any{projectView(c.grant.login)}, "links": object{"self": c.self(), "next": nil, "previous": nil}}, nil
	})
	s.route("GET /projects/{id}", func(c *call) (int, any, error) {
		if c.id() != c.grant.project {
			return 0, nil, refuse(http.StatusForbidden, "You are not authorized to perform the requested action: identity:get_project.")
		}
		return 200, object{"project": projectView(c.grant.login)}, nil
	})
	s.route("GET /users/{id}", func(c *call) (int, any, error) {
		return 200, object{"user": object{"id": c.userID(), "name": c.grant.login.User, "enabled": true}}, nil
	})
}

func projectView(l Login) object {
	return object{
		"id": ProjectID(l.Domain, l.Project), "name": l.Project, "domain_id": domainID(l.Domain),
		"enabled": true, "is_domain": false, "description": "", "tags": []string{}, "options": object{},
	}
}

func domainID(name string) string {
	if name == Domain {
		return "default"
	}
	return nameID("domain", name)
}

// open serves a pattern without a token.
func (f *Fake) open(pattern string, h func(http.ResponseWriter, *http.Request) (int, any)) {
	f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Openstack-Request-Id", "req-"+randomID())
		status, body := h(w, r)
		reply(w, status, body)
	})
}

func (f *Fake) identityVersions(_ http.ResponseWriter, r *http.Request) (int, any) {
	return http.StatusMultipleChoices, object{"versions": object{"values": []any{f.v3(r)}}}
}

func (f *Fake) identityVersion(_ http.ResponseWriter, r *http.Request) (int, any) {
	return http.StatusOK, object{"version": f.v3(r)}
}

func (f *Fake) v3(r *http.Request) object {
	return object{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []any{object{"rel": "self", "href": f.base(r, f.sim.Regions()[0].Name) + "/identity/v3/"}},
		"media-types": []any{object{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
}

// unauthorized says no more than Keystone does: whether user, password, domain or project was wrong is not told.
func unauthorized() (int, any) {
	return http.StatusUnauthorized, keystoneError(refuse(http.StatusUnauthorized, "The request you have made requires authentication."))
}

func (f *Fake) createToken(w http.ResponseWriter, r *http.Request) (int, any) {
	var in authRequest
	c := &call{r: r}
	if err := c.read(&in); err != nil {
		return http.StatusBadRequest, keystoneError(badRequest("%v", err))
	}
	l, method, ok := f.login(in)
	if !ok {
		return unauthorized()
	}
	project := ""
	switch scope := in.Auth.Scope; {
	case method == "application_credential" && scope != nil:
		return http.StatusBadRequest, keystoneError(badRequest("Application credentials cannot request a scope."))
	case method == "application_credential":
		project = ProjectID(l.Domain, l.Project)
	case scope != nil:
		if scope.Project == nil || !names(*scope.Project, ProjectID(l.Domain, l.Project), l.Project, l.Domain) {
			return unauthorized()
		}
		project = ProjectID(l.Domain, l.Project)
	}
	token, g := f.issue(l, project)
	w.Header().Set("X-Subject-Token", token)
	return http.StatusCreated, f.tokenView(r, g, method, true)
}

// login finds who the request proves to be, and by which method.
func (f *Fake) login(in authRequest) (Login, string, bool) {
	id := in.Auth.Identity
	if len(id.Methods) != 1 {
		return Login{}, "", false
	}
	if id.Methods[0] == "token" {
		g, ok := f.granted(id.Token.ID)
		return g.login, "token", ok
	}
	for _, l := range f.options.Logins {
		userID := nameID("user", l.Domain, l.User)
		switch id.Methods[0] {
		case "password":
			if u := id.Password.User; names(u, userID, l.User, l.Domain) && u.Password == l.Password {
				return l, "password", true
			}
		case "application_credential":
			a := id.AppCred
			byID := a.ID == l.AppCredID
			byName := a.ID == "" && a.Name == l.AppCredID && a.User != nil && names(*a.User, userID, l.User, l.Domain)
			if l.AppCredID != "" && a.Secret == l.AppCredSecret && (byID || byName) {
				return l, "application_credential", true
			}
		}
	}
	return Login{}, "", false
}

// names reports whether a reference means the thing of this id, or of this name in this domain.
func names(r ref, id, name, domain string) bool {
	if r.ID != "" {
		return r.ID == id
	}
	return r.Name == name && r.Domain != nil && (r.Domain.Name == domain || r.Domain.ID == domainID(domain))
}

func (f *Fake) showToken(w http.ResponseWriter, r *http.Request) (int, any) {
	if _, ok := f.granted(r.Header.Get("X-Auth-Token")); !ok {
		return unauthorized()
	}
	subject := r.Header.Get("X-Subject-Token")
	g, ok := f.granted(subject)
	if !ok {
		return http.StatusNotFound, keystoneError(refuse(http.StatusNotFound, "Could not recognize Fernet token"))
	}
	w.Header().Set("X-Subject-Token", subject)
	return http.StatusOK, f.tokenView(r, g, "password", true)
}

func (f *Fake) revokeToken(_ http.ResponseWriter, r *http.Request) (int, any) {
	if _, ok := f.granted(r.Header.Get("X-Auth-Token")); !ok {
		return unauthorized()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.tokens, r.Header.Get("X-Subject-Token"))
	return http.StatusNoContent, nil
}

func (f *Fake) tokenView(r *http.Request, g grant, method string, catalog bool) any {
	l := g.login
	domain := object{"id": domainID(l.Domain), "name": l.Domain}
	t := object{
		"methods": []string{method}, "audit_ids": []string{randomID()[:22]},
		"issued_at": when(g.issued, micros+"Z"), "expires_at": when(g.expires, micros+"Z"),
		"user": object{"id": nameID("user", l.Domain, l.User), "name": l.User, "domain": domain, "password_expires_at": nil},
	}
	if g.project != "" {
		t["project"] = object{"id": g.project, "name": l.Project, "domain": domain}
		t["is_domain"] = false
		t["roles"] = []any{
			object{"id": nameID("role", "member"), "name": "member"},
			object{"id": nameID("role", "load-balancer_member"), "name": "load-balancer_member"},
		}
		if catalog {
			t["catalog"] = f.catalog(r, g)
		}
	}
	return object{"token": t}
}

// catalog lists every service in every region.
func (f *Fake) catalog(r *http.Request, g grant) []any {
	var out []any
	for _, s := range []struct{ kind, name, path string }{
		{"identity", "keystone", "/identity"},
		{"compute", "nova", "/compute/v2.1"},
		{"volumev3", "cinderv3", "/volume/v3/" + g.project},
		{"network", "neutron", "/network"},
		{"load-balancer", "octavia", "/load-balancer"},
		{"image", "glance", "/image"},
		{"object-store", "swift", "/object-store/v1/AUTH_" + g.project},
	} {
		var endpoints []any
		for _, region := range f.sim.Regions() {
			base := f.base(r, region.Name)
			if s.kind == "identity" {
				base = f.base(r, f.sim.Regions()[0].Name)
			}
			for _, face := range []string{"public", "internal"} {
				endpoints = append(endpoints, object{
					"id": nameID("endpoint", s.name, region.Name, face), "interface": face, "url": base + s.path,
					"region": region.Name, "region_id": region.Name,
				})
			}
		}
		out = append(out, object{"id": nameID("service", s.name), "type": s.kind, "name": s.name, "endpoints": endpoints})
	}
	return out
}
