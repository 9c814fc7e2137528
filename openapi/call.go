package openapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/duoyun/duoyun"
)

// call is what the middleware learns of one request, outermost first; the access log, the error funnel and the handlers
// read it. It belongs to one request and is never shared.
type call struct {
	trace     string
	lang      string // zh or en
	operation string // operationId, "" while unknown
	actor     duoyun.Actor
	once      duoyun.Once
	body      []byte
	failure   error // what the funnel wrote a problem for
}

type callKey struct{}

// callOf returns the request's call; a request that did not come through the middleware has an empty one.
func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// caller returns who calls and what makes the call repeatable.
func caller(ctx context.Context) (duoyun.Actor, duoyun.Once) {
	c := callOf(ctx)
	return c.actor, c.once
}

// begin opens the call and carries its trace id on, also back to the client.
func begin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{trace: traceOf(r.Header.Get("Traceparent")), lang: language(r.Header.Get("Accept-Language"))}
		w.Header().Set("Trace-Id", c.trace)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		ctx := context.WithValue(duoyun.WithTrace(r.Context(), c.trace), callKey{}, c)
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// traceOf takes the trace id of a traceparent header (W3C Trace Context, version 00 and later), or makes a new one.
func traceOf(parent string) string {
	parts := strings.Split(parent, "-")
	if len(parts) >= 4 && len(parts[0]) == 2 && parts[0] != "ff" && isTrace(parts[1]) {
		return parts[1]
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails on a supported system
	return hex.EncodeToString(id[:])
}

func isTrace(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == "" && strings.Trim(s, "0") != ""
}

// language is English when the header prefers it to Chinese, otherwise Chinese. Weights within the header are told by
// order alone: browsers send them so.
func language(header string) string {
	for tag := range strings.SplitSeq(header, ",") {
		tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), ";")
		switch {
		case strings.HasPrefix(tag, "zh"):
			return "zh"
		case strings.HasPrefix(tag, "en"):
			return "en"
		}
	}
	return "zh"
}
