package openapi

import (
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/duoyun/duoyun"
)

// Call is what Options.Observe is told of every finished request.
type Call struct {
	Operation string // operationId, "" for what is not in the specification
	Method    string
	Status    int
	Took      time.Duration
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// log writes one access line per request and tells the metrics; bodies, queries and tokens are never logged.
func (s *server) log(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, rec := s.now(), &recorder{ResponseWriter: w}
		next.ServeHTTP(rec, r)
		c, took := callOf(r.Context()), s.now().Sub(start)
		level := slog.LevelInfo
		if rec.status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		attrs := []slog.Attr{slog.String("trace_id", c.trace), slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.String("operation", c.operation), slog.Int("status", rec.status), slog.Int64("bytes", rec.bytes),
			slog.Duration("took", took), slog.String("actor", c.actor.UserID), slog.String("remote", r.RemoteAddr)}
		if c.failure != nil {
			attrs = append(attrs, slog.String("error", c.failure.Error()))
		}
		s.logger.LogAttrs(r.Context(), level, "http", attrs...)
		s.observe(Call{Operation: c.operation, Method: r.Method, Status: rec.status, Took: took})
	})
}

// recovered turns a panic into a plain 500; the stack goes to the log.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler: // the client is gone; net/http wants to see it
				panic(p)
			default:
				s.logger.ErrorContext(r.Context(), "panic", "trace_id", callOf(r.Context()).trace, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
				s.fail(w, r, duoyun.Fail(duoyun.CodeInternal, "", "服务器内部错误", "internal error").Because(fmt.Errorf("panic: %v", p)))
			}
		}()
		next.ServeHTTP(w, r)
	})
}
