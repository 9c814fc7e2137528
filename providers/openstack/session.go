package openstack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	sdk "github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
	"github.com/duoyun/duoyun/providers/driver/wire"
)

// session keeps the token of one account and signs every call with it. It is the transport of all service clients, so
// that the SDK itself knows no token and cannot re-send a mutation after a 401.
type session struct {
	account driver.Account
	wire    http.RoundTripper
	now     duoyun.Clock
	gate    chan struct{} // one authentication at a time; holds the right to change held
	held    atomic.Pointer[grant]
}

// grant is what Keystone gave.
type grant struct {
	token   string
	renew   time.Time // on our clock: ask for another from here on
	project string
	catalog []tokens.CatalogEntry
}

var errTokenReplaced = errors.New("the token had been revoked; nothing was done, and there is a new one now")

// newSession prepares the transport. Only GETs reuse connections: Swift's answers to HEAD and DELETE can leave bytes behind.
func newSession(a driver.Account) (*session, error) {
	t, err := wire.Transport(a, func(r *http.Request) bool { return r.Method == http.MethodGet })
	if err != nil {
		return nil, err
	}
	return &session{account: a, wire: t, now: time.Now, gate: make(chan struct{}, 1)}, nil
}

// client is the HTTP client of service calls (signed) or of Keystone itself (not). Redirects are not followed: a
// redirected POST would arrive as GET.
func (s *session) client(signed bool) http.Client {
	c := http.Client{Transport: s.wire, Timeout: s.account.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if signed {
		c.Transport = driver.Listener{Base: s}
	}
	return c
}

// RoundTrip signs a call. A read whose token was revoked is repeated with a new one; a mutation is not: it fails as
// NotReady, since Keystone's middleware refuses before the service sees anything.
func (s *session) RoundTrip(r *http.Request) (*http.Response, error) {
	g, err := s.token(r.Context(), "")
	if err != nil {
		discard(r.Body)
		return nil, table.Unsent(Code, err)
	}
	resp, err := s.wire.RoundTrip(signed(r, g))
	if err != nil || resp.StatusCode != http.StatusUnauthorized {
		return sound(resp, err)
	}
	fresh, err := s.token(r.Context(), g.token)
	if err != nil {
		discard(resp.Body)
		return nil, table.Unsent(Code, err)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		discard(resp.Body)
		return nil, table.Refuse(driver.NotReady, errTokenReplaced)
	}
	discard(resp.Body)
	return sound(s.wire.RoundTrip(signed(r, fresh)))
}

var errHollow = errors.New("the answer to a read has nothing in it")

// sound refuses a read's answer with nothing in it. No OpenStack API says {}; the SDK would take it for a whole listing of
// nothing, and the protocol for a proof of absence.
func sound(resp *http.Response, err error) (*http.Response, error) {
	if err != nil || resp.Request.Method != http.MethodGet || resp.StatusCode != http.StatusOK {
		return resp, err
	}
	body := bufio.NewReader(resp.Body)
	start, err := body.Peek(len("{}\n\n"))
	if errors.Is(err, io.EOF) && string(bytes.TrimSpace(start)) == "{}" {
		_ = resp.Body.Close()
		return nil, errHollow
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{body, resp.Body}
	return resp, nil
}

// token returns the token held, or a new one where it is about to expire or is the one that was refused.
func (s *session) token(ctx context.Context, refused string) (*grant, error) {
	if g := s.held.Load(); s.good(g, refused) {
		return g, nil
	}
	select {
	case s.gate <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.gate }()
	if g := s.held.Load(); s.good(g, refused) {
		return g, nil
	}
	g, err := s.authenticate(ctx)
	if err != nil {
		return nil, err
	}
	s.keep(g)
	return g, nil
}

// keep makes a grant the one that calls are signed with; readers need no lock.
func (s *session) keep(g *grant) { s.held.Store(g) }

// good reports whether a grant may sign a call: it is not the one just refused, and does not end within the call.
func (s *session) good(g *grant, refused string) bool {
	return g != nil && g.token != refused && s.now().Before(g.renew)
}

// authenticate asks Keystone for a token of the account's project.
func (s *session) authenticate(ctx context.Context) (*grant, error) {
	provider, err := sdk.NewClient(s.account.Endpoint)
	if err != nil {
		return nil, table.Refuse(driver.Invalid, err)
	}
	provider.HTTPClient = s.client(false)
	identity, err := sdk.NewIdentityV3(provider, gophercloud.EndpointOpts{})
	if err != nil {
		return nil, table.Refuse(driver.Invalid, err)
	}
	began := s.now()
	result := tokens.Create(ctx, identity, s.credentials())
	token, err := result.ExtractToken()
	if err != nil {
		return nil, err
	}
	var life struct {
		IssuedAt time.Time `json:"issued_at"`
	}
	catalog, err1 := result.ExtractServiceCatalog()
	project, err2 := result.ExtractProject()
	if err := errors.Join(err1, err2, result.ExtractInto(&life)); err != nil {
		return nil, err
	}
	if project == nil {
		return nil, table.Refuse(driver.Auth, duoyun.Fail(duoyun.CodeInvalid, "project", "凭据不属于任何项目", "the credential is of no project"))
	}
	if err := s.expected(project); err != nil {
		return nil, err
	}
	// The token's length is measured on Keystone's clock and counted on ours, so that clocks need not agree.
	length := token.ExpiresAt.Sub(life.IssuedAt)
	return &grant{token: token.ID, renew: began.Add(length - min(length/2, 2*time.Minute)), project: project.ID, catalog: catalog.Entries}, nil
}

// expected refuses a token of another project than the account names. An application credential carries its project
// within, so that one of the wrong project would serve without a word; what is not seen there would pass for gone.
func (s *session) expected(p *tokens.Project) error {
	a := s.account
	if a.AppCredID == "" || a.Project == "" { // a password's token is of the project it asked for
		return nil
	}
	if p.Name == a.Project && (a.Domain == "" || p.Domain.Name == a.Domain) {
		return nil
	}
	return table.Refuse(driver.Auth, duoyun.Fail(duoyun.CodeInvalid, "project", "凭据属于项目 %[2]s，账号写的是 %[1]s",
		"the credential is of project %[2]s, and the account names %[1]s", a.Project, p.Name))
}

// credentials: an application credential carries its project within, and Keystone answers 401 to one that names a scope.
func (s *session) credentials() *gophercloud.AuthOptions {
	a := s.account
	if a.AppCredID != "" {
		return &gophercloud.AuthOptions{ApplicationCredentialID: a.AppCredID, ApplicationCredentialSecret: a.Secret.Reveal()}
	}
	return &gophercloud.AuthOptions{Username: a.User, Password: a.Secret.Reveal(), DomainName: a.Domain,
		Scope: &gophercloud.AuthScope{ProjectName: a.Project, DomainName: a.Domain}}
}

// signed copies the request, since a RoundTripper may not change the one it was given.
func signed(r *http.Request, g *grant) *http.Request {
	r = r.Clone(r.Context())
	r.Header.Set("X-Auth-Token", g.token)
	return r
}

// discard reads what is left of a body, so that its connection can serve again, but not without end.
func discard(body io.ReadCloser) {
	if body != nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(body, 1<<16))
		_ = body.Close()
	}
}
