package openapi_test

import (
	"strings"
	"testing"

	"github.com/duoyun/duoyun/openapi"
	"github.com/duoyun/duoyun/store/storetest"
)

// FuzzRequest hands foreign bytes in as body, query and content type: whatever they are, the answer is no server error.
func FuzzRequest(f *testing.F) {
	a := newAPI(f, storetest.SQLite(f, nil), openapi.Options{})
	paths := []string{"/v1/orders/lint", "/v1/orders", "/v1/systems", "/v1/contracts", "/v1/pools", "/v1/tasks/x/cut-back", "/v1/incidents"}
	for i := range paths {
		f.Add(uint8(i), "", "application/json", []byte(system))
		f.Add(uint8(i), "limit=1", "application/yaml", []byte(order))
	}
	f.Add(uint8(2), "after=%ff&limit=1e9", "application/json; charset=gbk", []byte(`{"code": "\ud800", "level": -0, "users": 1E5}`))
	f.Add(uint8(5), "", "application/json", []byte(`{"cuts": [{"line": "app", "approved": 1, "kind": "server", "spec": {"vcpu": {}}}]}`))
	f.Add(uint8(3), "", "application/json", []byte(bodies()["createContract"]))
	f.Fuzz(func(t *testing.T, which uint8, query, kind string, body []byte) {
		path := paths[int(which)%len(paths)]
		if strings.ContainsAny(query, " \x00\r\n\t") || strings.ContainsFunc(query, func(r rune) bool { return r < ' ' || r > '~' }) {
			query = ""
		}
		for _, login := range []string{"hrss-applicant", "city-procurement", "city-reviewer"} {
			got := a.do(t, request{method: "POST", path: path + "?" + query, login: login, body: string(body), header: map[string]string{"Content-Type": kind}})
			if got.status >= 500 {
				t.Errorf("%s by %s: %d %s", path, login, got.status, got.body)
			}
		}
	})
}
