package openapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/duoyun/duoyun/openapi"
	"github.com/duoyun/duoyun/store/storetest"
)

func TestMonthsToComeAreRefused(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t, nil), openapi.Options{})
	get := func(path string) request { return request{method: "GET", path: path, login: "city-finance"} }
	for _, r := range []request{get("/v1/usage?month=2026-12"), get("/v1/usage?month=9999-12"), get("/v1/statements?month=2026-12"),
		get("/v1/statements/preview?contract=SQ-C-1&month=2026-12"), get("/v1/exports/focus?month=2026-12"), get("/v1/availability?month=2026-12"),
		get("/v1/availability/pools?month=2026-12"),
		{method: "POST", path: "/v1/statements", login: "city-finance", body: `{"contract": "SQ-C-1", "month": "2026-12"}`}} {
		p := a.do(t, r).problem(t, http.StatusBadRequest)
		if p.Field != "month" || len(p.Faults) != 1 || !strings.Contains(r.path+r.body, p.Faults[0].Given) || !strings.Contains(p.Faults[0].Rule, "2026-11") {
			t.Errorf("%s: %+v", r.path, p)
		}
	}
	a.do(t, get("/v1/usage?month=2026-11")).ok(t)
}
