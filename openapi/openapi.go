// Package openapi is the HTTP API: openapi.yaml is the source of truth, from which the server's types and routes, the
// client, request validation and the roles of every operation come. Handlers are thin, one file a tag: decode, ask the
// service, view. Every error leaves through one funnel as application/problem+json (RFC 9457).
package openapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/access"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/sla"
)

// Services are what the API speaks for.
type Services struct {
	Access      *access.Service
	Ledger      *broker.Ledger
	Broker      *broker.Service
	Findings    *broker.Findings
	Reconciler  *broker.Reconciler
	Procurement *procurement.Service
	Quota       *quota.Service
	Billing     *billing.Service
	SLA         *sla.Service
	Vitals      *broker.Vitals
	Names       Names
	Clock       Clock
}

// Names tells what people call rows whose ids a view holds: code or number, and name. Ids that are not there are left
// out. Noun is agency, system, project, user, supplier, pool, contract, order or resource.
type Names interface {
	Names(ctx context.Context, idsByNoun map[string][]string) (map[string]map[string]duoyun.Name, error)
}

// Clock is the business clock.
type Clock interface {
	Now() time.Time
	// AdvanceTo moves it forward; an earlier time is refused.
	AdvanceTo(ctx context.Context, t time.Time) error
}

// Options of New; the zero value works.
type Options struct {
	Now          duoyun.Clock                    // real clock, for the access log; default time.Now
	Logger       *slog.Logger                    // default slog.Default()
	Observe      func(Call)                      // told of every finished request, for metrics
	Ready        func(ctx context.Context) error // behind /readyz; default: always ready
	Metrics      http.Handler                    // behind /metrics; nil: none
	AdvanceClock bool                            // demonstrations may move the business clock
}

type server struct {
	Services
	operations map[string]operation
	now        duoyun.Clock
	logger     *slog.Logger
	observe    func(Call)
	ready      func(ctx context.Context) error
	metrics    http.Handler
	advance    bool
}

var _ StrictServerInterface = (*server)(nil)

// New returns the handler of the whole API; an error means that the embedded specification is broken.
func New(services Services, o Options) (http.Handler, error) {
	spec, err := load()
	if err != nil {
		return nil, err
	}
	s := &server{Services: services, now: o.Now, logger: o.Logger, observe: o.Observe, ready: o.Ready, metrics: o.Metrics, advance: o.AdvanceClock}
	s.defaults()
	if s.operations, err = index(spec); err != nil {
		return nil, err
	}
	return s.router(), nil
}

func (s *server) defaults() {
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.Default()
	}
	if s.observe == nil {
		s.observe = func(Call) {}
	}
	if s.ready == nil {
		s.ready = func(context.Context) error { return nil }
	}
}

func (s *server) router() http.Handler {
	root := chi.NewRouter()
	root.Use(begin, s.log, s.recovered)
	root.NotFound(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, duoyun.NotFound("路径", "path", short(r.URL.Path)))
	})
	root.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", strings.Join(allowed(root, r.URL.EscapedPath()), ", ")) // RFC 9110 §15.5.6
		s.fail(w, r, duoyun.Fail(codeMethod, "", "此路径不支持 %s", "this path does not take %s", r.Method))
	})
	s.open(root)
	root.Group(func(r chi.Router) {
		r.Use(s.identify, s.authenticate, s.permit, s.read, s.validate)
		HandlerWithOptions(s.strict(), ChiServerOptions{BaseRouter: r, ErrorHandlerFunc: func(w http.ResponseWriter, r *http.Request, err error) {
			s.fail(w, r, badParameter(err))
		}})
	})
	return root
}

// allowed lists the methods that an escaped path takes.
func allowed(routes chi.Routes, path string) []string {
	var methods []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if routes.Match(chi.NewRouteContext(), m, path) {
			methods = append(methods, m)
		}
	}
	return methods
}

// strict joins the handlers to the generated wrapper, whose errors all go through the funnel.
func (s *server) strict() ServerInterface {
	return NewStrictHandlerWithOptions(s, nil, StrictHTTPServerOptions{
		RequestErrorHandlerFunc: func(w http.ResponseWriter, r *http.Request, err error) {
			var known *duoyun.Error
			if !errors.As(err, &known) { // a type's own words are better: which spec, what it lacks
				err = duoyun.Fail(duoyun.CodeInvalid, "body", "请求体无法读取", "the request body cannot be read").Because(err)
			}
			s.fail(w, r, err)
		},
		ResponseErrorHandlerFunc: s.fail,
	})
}
