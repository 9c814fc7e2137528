package openapi_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-chi/chi/v5"

	"github.com/duoyun/duoyun/openapi"
)

func specification(t testing.TB) *openapi3.T {
	t.Helper()
	raw, err := os.ReadFile("openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	spec, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestRouterAndSpecificationHaveTheSameOperations(t *testing.T) {
	t.Parallel()
	h, err := openapi.New(openapi.Services{}, openapi.Options{Metrics: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	var routed, specified, open []string
	err = chi.Walk(h.(chi.Routes), func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if strings.HasPrefix(route, "/v1/") {
			routed = append(routed, method+" "+route)
		} else {
			open = append(open, method+" "+route)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range specification(t).Paths.Map() {
		for method := range item.Operations() {
			specified = append(specified, method+" "+path)
		}
	}
	slices.Sort(routed)
	slices.Sort(specified)
	if !slices.Equal(routed, specified) {
		t.Errorf("the router has\n%s\nthe specification\n%s", strings.Join(routed, "\n"), strings.Join(specified, "\n"))
	}
	slices.Sort(open)
	want := []string{"GET /", "GET /docs", "GET /docs/", "GET /docs/start.js", "GET /docs/swagger-ui-bundle.js", "GET /docs/swagger-ui.css",
		"GET /healthz", "GET /metrics", "GET /openapi.yaml", "GET /readyz"}
	if !slices.Equal(open, want) {
		t.Errorf("open to everyone: %v", open)
	}
}

func TestARefusedMethodNamesThoseThatThePathTakesAndTheRootLeadsToTheDocs(t *testing.T) {
	t.Parallel()
	h, err := openapi.New(openapi.Services{}, openapi.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/v1/systems": "GET, POST", "/v1/agencies/a%2Fb/rules/open": "PUT", "/healthz": "GET"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodDelete, path, nil))
		if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != want {
			t.Errorf("DELETE %s: %d, Allow: %s", path, w.Code, w.Header().Get("Allow"))
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusFound || w.Header().Get("Location") != "/docs" {
		t.Errorf("GET /: %d to %s", w.Code, w.Header().Get("Location"))
	}
}

func TestEveryOperationIsDescribedAndBounded(t *testing.T) {
	t.Parallel()
	spec := specification(t)
	for path, item := range spec.Paths.Map() {
		for method, op := range item.Operations() {
			name := method + " " + path
			if op.OperationID == "" || !hasChinese(op.Summary) || op.Description == "" || len(op.Tags) != 1 || op.Extensions["x-roles"] == nil {
				t.Errorf("%s lacks operationId, Chinese summary, description, one tag or x-roles", name)
			}
			if op.Responses.Value("4XX") == nil || op.Responses.Value("5XX") == nil {
				t.Errorf("%s lacks its problems", name)
			}
			params := slices.Concat(item.Parameters, op.Parameters)
			for _, p := range params {
				if why := unbounded(p.Value.Schema.Value); why != "" {
					t.Errorf("%s: parameter %s %s", name, p.Value.Name, why)
				}
			}
			if method == "POST" && !slices.ContainsFunc(params, func(p *openapi3.ParameterRef) bool { return p.Value.Name == "Idempotency-Key" && p.Value.Required }) {
				t.Errorf("%s takes no Idempotency-Key", name)
			}
			if op.RequestBody != nil && op.Extensions["x-document"] == nil {
				checkBody(t, name, op.RequestBody.Value.Content["application/json"].Schema.Value)
			}
		}
	}
}

// checkBody walks a request body: objects are closed, strings and lists have an end.
func checkBody(t *testing.T, where string, s *openapi3.Schema) {
	t.Helper()
	if why := unbounded(s); why != "" {
		t.Errorf("%s %s", where, why)
	}
	if s.Type.Is("object") && len(s.Properties) > 0 && (s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has) {
		t.Errorf("%s takes unknown fields", where)
	}
	for name, p := range s.Properties {
		checkBody(t, where+"."+name, p.Value)
	}
	if s.Items != nil {
		checkBody(t, where+"[]", s.Items.Value)
	}
	for _, a := range s.AllOf {
		checkBody(t, where, a.Value)
	}
}

func unbounded(s *openapi3.Schema) string {
	switch {
	case s.Type.Is("string") && len(s.Enum) == 0 && s.MaxLength == nil && s.Pattern == "":
		return "has no maxLength"
	case s.Type.Is("integer") && (s.Min == nil || s.Max == nil):
		return "has no minimum or maximum"
	case s.Type.Is("array") && s.MaxItems == nil:
		return "has no maxItems"
	}
	return ""
}

func hasChinese(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff })
}

func TestSpecificationMakesNoPromiseTheServerBreaks(t *testing.T) {
	t.Parallel()
	if err := specification(t).Validate(t.Context()); err != nil {
		t.Error(err)
	}
}
