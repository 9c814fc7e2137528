package openapi

import (
	"cmp"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/go-chi/chi/v5"

	"github.com/duoyun/duoyun"
)

// validate holds the request to the specification. The filter is called with the operation the router has found, since
// asking its own router again would walk every route a second time.
func (s *server) validate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		op := operationOf(r.Context())
		if err := conforms(r, op, callOf(r.Context()).body); err != nil {
			s.fail(w, r, err)
			return
		}
		if op.document { // JSON is YAML to the document's reader; the decoder of the generated code is not asked
			r.Header.Set("Content-Type", "application/yaml")
		}
		next.ServeHTTP(w, r)
	})
}

func conforms(r *http.Request, op operation, body []byte) error {
	if err := acceptable(r, op, body); err != nil {
		return err
	}
	query, err := queryOf(r, op)
	if err != nil {
		return err
	}
	params, err := pathParams(r)
	if err != nil {
		return err
	}
	return faultsOf(openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: params, QueryParams: query, Route: op.route,
		Options: &openapi3filter.Options{
			ExcludeRequestBody: op.document, RejectWhenRequestBodyNotSpecified: true, MultiError: true,
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SkipSettingDefaults: true, KeepValidatedValue: true,
		},
	}))
}

// acceptable refuses a body of a kind the operation does not take, and a document that is missing.
func acceptable(r *http.Request, op operation, body []byte) error {
	ref := op.route.Operation.RequestBody
	switch {
	case ref == nil:
		return nil
	case len(body) == 0 && op.document:
		return duoyun.Fail(duoyun.CodeInvalid, "body", "请求体是空的", "the request body is empty")
	case len(body) == 0:
		return nil // whether that is allowed is the validator's to say
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || ref.Value.Content[kind] == nil {
		var kinds []string
		for k := range ref.Value.Content {
			kinds = append(kinds, k)
		}
		slices.Sort(kinds)
		return duoyun.Fail(codeMedia, "Content-Type", "内容类型应为："+strings.Join(kinds, "、"), "the content type must be one of: "+strings.Join(kinds, ", "))
	}
	return nil
}

// queryOf reads the query strictly: a parameter nobody knows, or one given twice, is a slip the caller should hear of.
func queryOf(r *http.Request, op operation) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, duoyun.Fail(duoyun.CodeInvalid, "query", "查询参数无法读取", "the query cannot be read").Because(err)
	}
	var f duoyun.Faults
	for name, values := range query {
		if !slices.Contains(op.queries, name) {
			f.Add(short(name), short(values[0]), "未知的查询参数，可用："+strings.Join(op.queries, "、"), "unknown query parameter; known are: "+strings.Join(op.queries, ", "))
		} else if len(values) > 1 {
			f.Add(name, fmt.Sprint(len(values)), "只能写一次", "may be given once")
		}
	}
	slices.SortFunc(f, func(a, b duoyun.Fault) int { return cmp.Compare(a.Path, b.Path) })
	return query, f.Err()
}

// pathParams gives the path parameters unescaped: codes hold slashes, which travel as %2F.
func pathParams(r *http.Request) (map[string]string, error) {
	route, params := chi.RouteContext(r.Context()), map[string]string{}
	for i, key := range route.URLParams.Keys {
		value := route.URLParams.Values[i]
		if r.URL.RawPath != "" {
			plain, err := url.PathUnescape(value)
			if err != nil {
				return nil, duoyun.Fail(duoyun.CodeInvalid, key, "路径无法读取", "the path cannot be read").Because(err)
			}
			value = plain
		}
		params[key] = value
	}
	return params, nil
}

// badParameter translates what the generated code says of a parameter it cannot bind.
func badParameter(err error) error {
	var invalid *InvalidParamFormatError
	var required *RequiredParamError
	var header *RequiredHeaderError
	field := ""
	switch {
	case errors.As(err, &invalid):
		field = invalid.ParamName
	case errors.As(err, &required):
		field = required.ParamName
	case errors.As(err, &header):
		field = header.ParamName
	}
	return duoyun.Fail(duoyun.CodeInvalid, field, "参数缺失或无法读取", "the parameter is missing or cannot be read").Because(err)
}
