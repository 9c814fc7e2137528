package duoyun

import "context"

type traceKey struct{}

// WithTrace carries a trace id from the API call through jobs to the vendor call, so that one search finds all of them.
func WithTrace(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, traceKey{}, id)
}

// TraceOf returns the trace id of ctx, "" when it has none.
func TraceOf(ctx context.Context) string {
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}
