package openapi

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/routers"
	"github.com/go-chi/chi/v5"

	"github.com/duoyun/duoyun"
)

// operation is one operation of the specification, as the middleware needs it.
type operation struct {
	id       string
	roles    []duoyun.Role // x-roles; empty: every authenticated actor
	document bool          // x-document: the body is an order document, which its own reader judges
	queries  []string      // query parameters it knows
	route    *routers.Route
}

// load reads and checks the specification.
func load() (*openapi3.T, error) {
	spec, err := openapi3.NewLoader().LoadFromData(specification)
	if err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	if err := spec.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("openapi.yaml: %w", err)
	}
	return spec, nil
}

// index lists the operations by method and path template.
func index(spec *openapi3.T) (map[string]operation, error) {
	known := map[string]operation{}
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			o := operation{id: op.OperationID, route: &routers.Route{Spec: spec, Path: path, PathItem: item, Method: method, Operation: op}}
			o.document, _ = op.Extensions["x-document"].(bool)
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				if p.Value.In == openapi3.ParameterInQuery {
					o.queries = append(o.queries, p.Value.Name)
				}
			}
			var err error
			if o.roles, err = rolesOf(op); err != nil {
				return nil, fmt.Errorf("openapi.yaml: %s %s: %w", method, path, err)
			}
			known[method+" "+path] = o
		}
	}
	return known, nil
}

func rolesOf(op *openapi3.Operation) ([]duoyun.Role, error) {
	listed, ok := op.Extensions["x-roles"].([]any)
	if !ok {
		return nil, fmt.Errorf("x-roles is missing")
	}
	var roles []duoyun.Role
	for _, v := range listed {
		role := duoyun.Role(fmt.Sprint(v))
		if !slices.Contains(duoyun.Roles(), role) {
			return nil, fmt.Errorf("no such role: %s", role)
		}
		roles = append(roles, role)
	}
	return roles, nil
}

type operationKey struct{}

// identify finds the operation the router has chosen; every route under it comes from the specification.
func (s *server) identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := r.Method + " " + chi.RouteContext(r.Context()).RoutePattern()
		op, ok := s.operations[name]
		if !ok {
			s.fail(w, r, fmt.Errorf("no operation for %s among %v", name, slices.Sorted(maps.Keys(s.operations))))
			return
		}
		callOf(r.Context()).operation = op.id
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), operationKey{}, op)))
	})
}

func operationOf(ctx context.Context) operation {
	op, _ := ctx.Value(operationKey{}).(operation)
	return op
}
