package openapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/access"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/openapi"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/sla"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// noCloud is a directory whose clouds cannot be reached.
type noCloud struct{}

func (noCloud) Cloud(context.Context, string) (*providers.Cloud, error) {
	return nil, duoyun.Fail(duoyun.CodeUnavailable, "", "云平台无法连接", "the cloud cannot be reached")
}

// Health and Check make noCloud the accounts of pools: all answer, and one image is not mapped.
func (noCloud) Health(context.Context, string) (read, mutate duoyun.Health) {
	well := duoyun.Health{State: duoyun.CircuitNormal}
	return well, well
}

func (noCloud) Check(_ context.Context, pool string) (duoyun.PoolCheck, error) {
	return duoyun.PoolCheck{Pool: duoyun.Pool{ID: pool, Code: "telecom-1"}, Kinds: []duoyun.Kind{duoyun.KindServer}, Flavors: 12,
		Faults:  []duoyun.Fault{{Path: "mapping.images.uos-20", Rule: duoyun.Text{ZH: "云上没有此镜像", EN: "the cloud has no such image"}, Given: "uos-20"}},
		Quota:   map[duoyun.Dimension]duoyun.Allowance{duoyun.QuotaVCPU: {Limit: 100, Used: 7}, duoyun.QuotaServers: {Limit: -5}},
		Balance: &duoyun.Balance{Available: duoyun.MustPrice("12.345").Amount(), Currency: "CNY"}}, nil
}

// logins are the people of the world, by the role each holds.
func logins() map[string]duoyun.Role {
	return map[string]duoyun.Role{
		"hrss-applicant": duoyun.RoleApplicant, "hrss-approver": duoyun.RoleApprover, "hrss-confirmer": duoyun.RoleConfirmer,
		"city-reviewer": duoyun.RoleReviewer, "city-procurement": duoyun.RoleProcurement, "city-finance": duoyun.RoleFinance,
		"city-auditor": duoyun.RoleAuditor, "sysadmin": duoyun.RoleSystemAdmin, "secadmin": duoyun.RoleSecurityAdmin,
		"auditadmin": duoyun.RoleAuditAdmin, "sup-telecom": duoyun.RoleSupplier,
		"edu-applicant": duoyun.RoleApplicant, "sup-jd": duoyun.RoleSupplier,
	}
}

// api is the whole API over a small world, with a token for everybody in it.
type api struct {
	*storetest.World
	openapi.Services
	handler http.Handler
	tokens  map[string]string // by login
	spec    routers.Router
}

// now is when the world's business happens.
func now() time.Time { return time.Date(2026, 11, 20, 9, 0, 0, 0, duoyun.Civil) }

func services(s *store.Store, clock openapi.Clock) openapi.Services {
	q := quota.New(s, time.Now, now)
	p := procurement.New(procurement.Deps{Store: s, Business: now})
	outages := sla.New(s, now, nil)
	meters := billing.New(s, now, outages)
	return openapi.Services{
		Access: access.New(s, time.Now), Ledger: broker.NewLedger(s, time.Now), Findings: broker.NewFindings(s, nil, time.Now),
		Broker:     broker.New(broker.Deps{Store: s, Quota: q, Offers: p, Meters: meters, Business: now}),
		Reconciler: broker.NewReconciler(s, noCloud{}, time.Now), Procurement: p, Quota: q, Billing: meters, SLA: outages, Vitals: broker.NewVitals(s, noCloud{}), Names: s, Clock: clock,
	}
}

func newAPI(t testing.TB, s *store.Store, o openapi.Options) *api {
	t.Helper()
	clock, err := s.BusinessClock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := &api{World: storetest.NewWorld(t, s), Services: services(s, clock), tokens: map[string]string{}}
	if a.spec, err = gorillamux.NewRouter(specification(t)); err != nil {
		t.Fatal(err)
	}
	for login := range logins() {
		_, secret, err := a.Access.IssueToken(t.Context(), duoyun.SystemActor(), duoyun.Once{}, login, access.TokenInput{Label: "test", Life: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		a.tokens[login] = secret
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(io.Discard, nil))
	}
	o.AdvanceClock = true
	if a.handler, err = openapi.New(a.Services, o); err != nil {
		t.Fatal(err)
	}
	return a
}

// answer is a reply, read.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// request describes one call; the zero Key of a POST is a fresh one.
type request struct {
	method, path, login, body, kind, key string
	header                               map[string]string
}

func (a *api) do(t testing.TB, r request) answer {
	t.Helper()
	req := httptest.NewRequest(r.method, r.path, strings.NewReader(r.body))
	if r.login != "" {
		req.Header.Set("Authorization", "Bearer "+a.tokens[r.login])
	}
	if r.body != "" {
		if r.kind == "" {
			r.kind = "application/json"
		}
		req.Header.Set("Content-Type", r.kind)
	}
	if r.method == http.MethodPost && r.key == "" {
		r.key = duoyun.NewID(time.Now())
	}
	if r.method == http.MethodPost && r.key != "none" {
		req.Header.Set("Idempotency-Key", r.key)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, req)
	x := answer{w.Code, w.Result().Header, w.Body.Bytes()}
	a.keepsPromise(t, req, x)
	return x
}

// keepsPromise holds every answer to the specification.
func (a *api) keepsPromise(t testing.TB, req *http.Request, x answer) {
	t.Helper()
	if a.spec == nil {
		return
	}
	route, params, err := a.spec.FindRoute(req)
	if err != nil {
		return // the tests of what is not there
	}
	in := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 x.status, Header: x.header, Body: io.NopCloser(bytes.NewReader(x.body)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: !strings.Contains(x.header.Get("Content-Type"), "json")},
	}
	if err := openapi3filter.ValidateResponse(req.Context(), in); err != nil {
		t.Errorf("%s %s answers %d otherwise than specified: %v", req.Method, req.URL.Path, x.status, err)
	}
}

// decode reads the answer into v, strictly.
func (x answer) decode(t testing.TB, v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(x.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%v in %s", err, x.body)
	}
}

// problem expects a problem of this status and returns it.
func (x answer) problem(t testing.TB, status int) openapi.Problem {
	t.Helper()
	if x.status != status {
		t.Fatalf("status %d, want %d: %s", x.status, status, x.body)
	}
	if got := x.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	var p openapi.Problem
	x.decode(t, &p)
	if p.Status != status || p.Code == "" || p.Title == "" || p.Detail == "" || p.TraceID == "" || p.TraceID != x.header.Get("Trace-Id") {
		t.Errorf("problem is not whole: %s", x.body)
	}
	return p
}

// ok expects success and returns the answer.
func (x answer) ok(t testing.TB) answer {
	t.Helper()
	if x.status >= 300 {
		t.Fatalf("status %d: %s", x.status, x.body)
	}
	return x
}

// order is a document that the world's rules accept.
const order = `form: open
agency: suqian/hrss
payer: suqian/data
project: SQ-2026-017
system: hrss-core
stage: production
purpose: 社保核心业务扩容
period: {start: 2026-12-01, months: 1, renew: ask}
funding:
  - {year: 2026, item: 信息系统运行维护费, limit: "7200.00"}
lines:
  - {kind: server, name: app, quantity: 2, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}, login: key}
  - {kind: disk, name: data, quantity: 2, attach: app, spec: {size_gib: 500, class: ssd}}
`

// submit hands the order in and returns it.
func (a *api) submit(t testing.TB) openapi.Order {
	t.Helper()
	var o openapi.Order
	a.do(t, request{method: "POST", path: "/v1/orders", login: "hrss-applicant", body: order, kind: "application/yaml"}).ok(t).decode(t, &o)
	return o
}
