package openapi

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/duoyun/duoyun"
)

// docsPolicy lets the viewer run its own script and talk to this server, and nothing else (CSP level 3).
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// readyTimeout bounds how long /readyz waits for the store.
const readyTimeout = 2 * time.Second

// open adds what needs no token: the specification and its viewer, health and metrics.
func (s *server) open(r chi.Router) {
	r.Get("/", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/docs", http.StatusFound) })
	r.Get("/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(specification)
	})
	r.Get("/docs", s.page("docs/index.html", "text/html; charset=utf-8"))
	r.Get("/docs/", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs", http.StatusMovedPermanently)
	})
	r.Get("/docs/start.js", s.page("docs/start.js", "text/javascript; charset=utf-8"))
	r.Get("/docs/swagger-ui-bundle.js", s.page("docs/swagger-ui-bundle.js", "text/javascript; charset=utf-8"))
	r.Get("/docs/swagger-ui.css", s.page("docs/swagger-ui.css", "text/css; charset=utf-8"))
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { plainText(w, "ok\n") })
	r.Get("/readyz", s.readiness)
	if s.metrics != nil {
		r.Method(http.MethodGet, "/metrics", s.metrics)
	}
}

// page serves one embedded file.
func (s *server) page(name, kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := fs.ReadFile(docs, name)
		if err != nil {
			s.fail(w, r, fmt.Errorf("docs: %w", err))
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Security-Policy", docsPolicy)
		w.Header().Set("Referrer-Policy", "no-referrer")
		_, _ = w.Write(body)
	}
}

// readiness answers 200 while the server can serve, 503 otherwise.
func (s *server) readiness(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
	defer cancel()
	if err := s.ready(ctx); err != nil {
		s.fail(w, r, duoyun.Fail(duoyun.CodeUnavailable, "", "尚未就绪", "not ready").Because(err))
		return
	}
	plainText(w, "ready\n")
}

func plainText(w http.ResponseWriter, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(text))
}
