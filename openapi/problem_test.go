package openapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/openapi"
	"github.com/duoyun/duoyun/store/storetest"
)

const system = `{"code": "hrss-mail", "name": "邮件系统", "agency": "suqian/hrss", "level": 2, "cloud": "not"}`

func TestBadRequestsAreProblemsThatNameTheFault(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t, nil), openapi.Options{})
	post := func(body string) request {
		return request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: body}
	}
	for name, c := range map[string]struct {
		request
		status int
		code   string
		path   string // of a fault, or the field
	}{
		"broken JSON":        {post(`{"code": `), 400, "invalid", "body"},
		"two documents":      {post(system + system), 400, "invalid", "body"},
		"not an object":      {post(`[]`), 400, "invalid", ""},
		"null":               {post(`null`), 400, "invalid", ""},
		"no body":            {post(""), 400, "invalid", "body"},
		"unknown field":      {post(strings.Replace(system, `"level"`, `"colour": 1, "level"`, 1)), 400, "invalid", "colour"},
		"missing field":      {post(strings.Replace(system, `"level": 2, `, "", 1)), 400, "invalid", "level"},
		"wrong type":         {post(strings.Replace(system, `"level": 2`, `"level": "2"`, 1)), 400, "invalid", "level"},
		"fraction":           {post(strings.Replace(system, `"level": 2`, `"level": 2.5`, 1)), 400, "invalid", "level"},
		"absurd number":      {post(strings.Replace(system, `"level": 2`, `"level": 2, "users": 1e400`, 1)), 400, "invalid", "users"},
		"beyond int64":       {post(strings.Replace(system, `"level": 2`, `"level": 2, "users": 99999999999999999999`, 1)), 400, "invalid", "users"},
		"too long":           {post(strings.Replace(system, "hrss-mail", strings.Repeat("a", 61), 1)), 400, "invalid", "code"},
		"not of the enum":    {post(strings.Replace(system, `"not"`, `"maybe"`, 1)), 400, "invalid", "cloud"},
		"bad UTF-8":          {post(strings.Replace(system, "邮件", "\xff\xfe", 1)), 400, "invalid", "body"},
		"oversize":           {post(`{"code": "` + strings.Repeat("a", 1<<20) + `"}`), 413, "too_large", "body"},
		"deep":               {post(strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)), 400, "invalid", ""},
		"other content type": {request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: system, kind: "text/plain"}, 415, "unsupported_media_type", "Content-Type"},
		"compressed": {request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: system,
			header: map[string]string{"Content-Encoding": "gzip"}}, 415, "unsupported_media_type", "Content-Encoding"},
		"no key":             {request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: system, key: "none"}, 400, "invalid", "Idempotency-Key"},
		"Chinese key":        {request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: system, key: "键"}, 400, "invalid", "Idempotency-Key"},
		"long key":           {request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: system, key: strings.Repeat("k", 201)}, 400, "invalid", "Idempotency-Key"},
		"unknown query":      {request{method: "GET", path: "/v1/systems?colour=red", login: "city-reviewer"}, 400, "invalid", "colour"},
		"query twice":        {request{method: "GET", path: "/v1/systems?limit=1&limit=2", login: "city-reviewer"}, 400, "invalid", "limit"},
		"limit too high":     {request{method: "GET", path: "/v1/systems?limit=501", login: "city-reviewer"}, 400, "invalid", "limit"},
		"limit not a number": {request{method: "GET", path: "/v1/systems?limit=many", login: "city-reviewer"}, 400, "invalid", "limit"},
		"absurd limit":       {request{method: "GET", path: "/v1/systems?limit=1" + strings.Repeat("0", 40), login: "city-reviewer"}, 400, "invalid", "limit"},
		"bad cursor":         {request{method: "GET", path: "/v1/systems?after=%27%3B--", login: "city-reviewer"}, 400, "invalid", "after"},
		"no cursor":          {request{method: "GET", path: "/v1/systems?after=zzz", login: "city-reviewer"}, 400, "invalid", "after"},
		"half a cursor":      {request{method: "GET", path: "/v1/offers?after=0198-1", login: "city-reviewer"}, 400, "invalid", "after"},
		"bad query escape":   {request{method: "GET", path: "/v1/systems?after=%zz", login: "city-reviewer"}, 400, "invalid", "query"},
		"body on none":       {request{method: "POST", path: "/v1/orders/x/retry", login: "hrss-applicant", body: `{}`}, 400, "invalid", "body"},
		"bad month":          {request{method: "GET", path: "/v1/availability?month=2026-13", login: "city-reviewer"}, 400, "invalid", "month"},
		"no such path":       {request{method: "GET", path: "/v1/nothing", login: "city-reviewer"}, 404, "not_found", ""},
		"no such method":     {request{method: "DELETE", path: "/v1/systems", login: "city-reviewer"}, 405, "method_not_allowed", ""},
		"no such row":        {request{method: "GET", path: "/v1/systems/none", login: "city-reviewer"}, 404, "not_found", ""},
		"long path":          {request{method: "GET", path: "/v1/systems/" + strings.Repeat("a", 201), login: "city-reviewer"}, 400, "invalid", "key"},
		"money with commas": {request{method: "POST", path: "/v1/projects", login: "city-reviewer",
			body: `{"number": "P-1", "name": "项目", "agency": "suqian/hrss", "approved": "1,000.00", "year": 2026}`}, 400, "invalid", "approved"},
		"money as a number": {request{method: "POST", path: "/v1/projects", login: "city-reviewer",
			body: `{"number": "P-1", "name": "项目", "agency": "suqian/hrss", "approved": 1000, "year": 2026}`}, 400, "invalid", "approved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := a.do(t, c.request).problem(t, c.status)
			if p.Code != c.code || c.path != "" && p.Field != c.path {
				t.Errorf("code %s field %s faults %v", p.Code, p.Field, p.Faults)
			}
		})
	}
}

func TestWhatCannotBeReadIsRepeatedWithItsRange(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t, nil), openapi.Options{})
	users := func(n string) request {
		return request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: strings.Replace(system, `"level": 2`, `"level": 2, "users": `+n, 1)}
	}
	for name, c := range map[string]struct {
		request
		path, given, rule string
	}{
		"limit no number":   {request{method: "GET", path: "/v1/systems?limit=abc", login: "city-reviewer"}, "limit", "abc", "between 1 and 500"},
		"limit a fraction":  {request{method: "GET", path: "/v1/systems?limit=1.5", login: "city-reviewer"}, "limit", "1.5", "between 1 and 500"},
		"limit beyond":      {request{method: "GET", path: "/v1/systems?limit=99999999999999999999", login: "city-reviewer"}, "limit", "99999999999999999999", "between 1 and 500"},
		"all neither":       {request{method: "GET", path: "/v1/tasks?all=maybe", login: "city-reviewer"}, "all", "maybe", "boolean"},
		"users beyond":      {users("100000000000000000000"), "users", "100000000000000000000", "and 2000000000"},
		"users in words":    {users(`"many"`), "users", "many", "and 2000000000"},
		"users past bounds": {users("3000000000"), "users", "3000000000", "at most 2000000000"},
	} {
		c.header = map[string]string{"Accept-Language": "en"}
		p := a.do(t, c.request).problem(t, http.StatusBadRequest)
		if len(p.Faults) == 0 || p.Faults[0].Path != c.path || p.Faults[0].Given != c.given || !strings.Contains(p.Faults[0].Rule, c.rule) {
			t.Errorf("%s: %+v", name, p.Faults)
		}
	}
}

func TestWhatPeopleReadIsNotWrittenAsAProgramWrites(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t, nil), openapi.Options{})
	for name, c := range map[string]struct {
		request
		zh string
	}{
		"kind":  {request{method: "POST", path: "/v1/orders", login: "hrss-applicant", body: "x", kind: "text/plain"}, "内容类型应为：application/json、application/yaml"},
		"enum":  {request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: strings.Replace(system, `"not"`, `"maybe"`, 1)}, "应为以下之一："},
		"query": {request{method: "GET", path: "/v1/systems?colour=red", login: "city-reviewer"}, "未知的查询参数，可用："},
		"key":   {request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: system, key: "键"}, "应为 1 至 200 个"},
	} {
		got := string(a.do(t, c.request).body)
		if !strings.Contains(got, c.zh) || strings.Contains(got, "：[") || strings.Contains(got, "应为 [") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t, nil), openapi.Options{})
	body := `{"code": "", "name": "邮件系统", "agency": "suqian/hrss", "level": 9, "cloud": "perhaps", "colour": "red"}`
	p := a.do(t, request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: body}).problem(t, 400)
	seen := map[string]openapi.Fault{}
	for _, f := range p.Faults {
		seen[f.Path] = f
	}
	for _, path := range []string{"code", "level", "cloud", "colour"} {
		if seen[path].Rule == "" {
			t.Errorf("%s is not named among %v", path, p.Faults)
		}
	}
	if f := seen["level"]; f.Given != "9" || f.Rule != "不能大于 5" {
		t.Errorf("level: %+v", f)
	}
}

func TestProblemsSpeakTheReadersLanguage(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t, nil), openapi.Options{})
	for header, want := range map[string]string{"": "系统不存在", "en": "not found", "en-US,en;q=0.9": "not found", "fr, zh;q=0.5": "系统不存在", "zh-CN,en": "系统不存在"} {
		p := a.do(t, request{method: "GET", path: "/v1/systems/none", login: "city-reviewer", header: map[string]string{"Accept-Language": header}}).problem(t, 404)
		if !strings.Contains(p.Detail, want) {
			t.Errorf("Accept-Language %q: %s", header, p.Detail)
		}
	}
}

// broken is a directory of names that fails, or panics.
type broken struct{ panics bool }

func (b broken) Names(context.Context, map[string][]string) (map[string]map[string]duoyun.Name, error) {
	if b.panics {
		panic("password=hunter2")
	}
	return nil, errors.New("dial tcp 10.0.0.7:5432: password=hunter2")
}

func TestNothingInternalLeaksAndPanicsAreRecovered(t *testing.T) {
	t.Parallel()
	s := storetest.SQLite(t, nil)
	a := newAPI(t, s, openapi.Options{})
	var log bytes.Buffer
	for _, panics := range []bool{false, true} {
		all := services(s, nil)
		all.Names = broken{panics}
		var err error
		if a.handler, err = openapi.New(all, openapi.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))}); err != nil {
			t.Fatal(err)
		}
		x := a.do(t, request{method: "GET", path: "/v1/agencies", login: "city-reviewer"})
		p := x.problem(t, 500)
		if p.Code != "internal" || bytes.Contains(x.body, []byte("hunter2")) || bytes.Contains(x.body, []byte("goroutine")) {
			t.Errorf("leaks: %s", x.body)
		}
		if !strings.Contains(log.String(), p.TraceID) || !strings.Contains(log.String(), "dial tcp") {
			t.Errorf("the log does not say why: %s", log.String())
		}
	}
}

func TestTraceIdGoesThroughAndOtherwiseIsMade(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := newAPI(t, storetest.SQLite(t, nil), openapi.Options{Logger: slog.New(slog.NewJSONHandler(&log, nil))})
	const given = "4bf92f3577b34da6a3ce929d0e0e4736"
	x := a.do(t, request{method: "GET", path: "/v1/whoami", login: "sysadmin", header: map[string]string{"Traceparent": "00-" + given + "-00f067aa0ba902b7-01"}})
	if got := x.ok(t).header.Get("Trace-Id"); got != given {
		t.Errorf("trace id %s", got)
	}
	for _, bad := range []string{"", "00-xyz-1-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "ff-" + given + "-00f067aa0ba902b7-01"} {
		x := a.do(t, request{method: "GET", path: "/v1/whoami", login: "sysadmin", header: map[string]string{"Traceparent": bad}})
		if got := x.header.Get("Trace-Id"); len(got) != 32 || got == given {
			t.Errorf("for %q the trace id is %q", bad, got)
		}
	}
	var line struct {
		Operation string `json:"operation"`
		Status    int    `json:"status"`
		Trace     string `json:"trace_id"`
		Actor     string `json:"actor"`
	}
	if err := json.Unmarshal(bytes.SplitN(log.Bytes(), []byte("\n"), 2)[0], &line); err != nil {
		t.Fatal(err)
	}
	if line.Operation != "whoami" || line.Status != 200 || line.Trace != given || line.Actor != a.ID("sysadmin") {
		t.Errorf("access log: %s", log.String())
	}
	if strings.Contains(log.String(), a.tokens["sysadmin"]) {
		t.Error("the log holds a token")
	}
}

func TestObserverIsToldOperationAndStatus(t *testing.T) {
	t.Parallel()
	var calls []openapi.Call
	a := newAPI(t, storetest.SQLite(t, nil), openapi.Options{Observe: func(c openapi.Call) { calls = append(calls, c) }})
	a.do(t, request{method: "GET", path: "/v1/systems/hrss-core", login: "hrss-applicant"})
	a.do(t, request{method: "GET", path: "/v1/systems/none", login: "hrss-applicant"})
	a.do(t, request{method: "GET", path: "/v1/systems"})
	want := []struct {
		operation string
		status    int
	}{{"getSystem", 200}, {"getSystem", 404}, {"listSystems", 401}}
	for i, w := range want {
		if calls[i].Operation != w.operation || calls[i].Status != w.status || calls[i].Method != http.MethodGet {
			t.Errorf("call %d: %+v", i, calls[i])
		}
	}
}

func TestOpenEndpointsNeedNoToken(t *testing.T) {
	t.Parallel()
	down := errors.New("dial tcp: refused")
	var ready error
	h, err := openapi.New(openapi.Services{}, openapi.Options{Ready: func(context.Context) error { return ready },
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })})
	if err != nil {
		t.Fatal(err)
	}
	a := &api{handler: h}
	get := func(path string) answer { return a.do(t, request{method: "GET", path: path}) }
	for path, want := range map[string]string{"/healthz": "ok", "/readyz": "ready", "/metrics": "up 1", "/openapi.yaml": "openapi: 3.0.3",
		"/docs": "swagger-ui-bundle.js", "/docs/start.js": "openapi.yaml", "/docs/swagger-ui-bundle.js": "SwaggerUIBundle", "/docs/swagger-ui.css": ".swagger-ui"} {
		if x := get(path).ok(t); !bytes.Contains(x.body, []byte(want)) {
			t.Errorf("%s does not hold %s", path, want)
		}
	}
	page := get("/docs")
	if csp := page.header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
	if bytes.Contains(page.body, []byte("<script>")) || bytes.Contains(page.body, []byte("http")) {
		t.Errorf("the page has a script of its own or asks elsewhere: %s", page.body)
	}
	ready = down
	if p := get("/readyz").problem(t, 503); strings.Contains(p.Detail, "dial") {
		t.Errorf("leaks: %s", p.Detail)
	}
}
