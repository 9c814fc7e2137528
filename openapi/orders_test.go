package openapi_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/openapi"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

func TestAnOrderIsTakenInYAMLJSONAndWithChineseKeys(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		o := a.submit(t)
		if o.Number == "" || o.State != duoyun.OrderReviewing || o.StateName != "技术评审" || o.Agency.Code != "suqian/hrss" || o.Payer.Code != "suqian/data" ||
			o.System.Code != "hrss-core" || o.Project.Code != "SQ-2026-017" || o.Applicant.Code != "hrss-applicant" {
			t.Errorf("order: %+v", o)
		}
		var doc json.RawMessage
		a.do(t, request{method: "POST", path: "/v1/orders/lint", login: "edu-applicant", body: order, kind: "application/yaml"}).ok(t).decode(t, &doc)
		var second openapi.Order
		a.do(t, request{method: "POST", path: "/v1/orders", login: "hrss-applicant", body: string(doc)}).ok(t).decode(t, &second)
		if second.ID == o.ID || len(second.Requested.Lines) != 2 || second.Requested.Funding[0].Limit != 720000 {
			t.Errorf("from JSON: %+v", second.Requested)
		}
		chinese := strings.NewReplacer("agency:", "使用单位:", "purpose:", "申请事由:", "funding:", "资金:").Replace(order)
		a.do(t, request{method: "POST", path: "/v1/orders", login: "hrss-applicant", body: chinese, kind: "application/yaml; charset=utf-8"}).ok(t)
		yaml := a.do(t, request{method: "GET", path: "/v1/orders/" + o.ID + "/document", login: "hrss-applicant"}).ok(t)
		if yaml.header.Get("Content-Type") != "application/yaml" {
			t.Errorf("content type %q", yaml.header.Get("Content-Type"))
		}
		a.do(t, request{method: "POST", path: "/v1/orders", login: "hrss-applicant", body: string(yaml.body), kind: "application/yaml"}).ok(t)
	})
}

func TestABadOrderIsRefusedWholeWithEveryFault(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t, nil), openapi.Options{})
	bad := strings.NewReplacer("vcpu: 4", "vcpu: 0", "quantity: 2, zone", "quantity: 1000000000000, zone", "purpose:", "porpose:").Replace(order)
	p := a.do(t, request{method: "POST", path: "/v1/orders", login: "hrss-applicant", body: bad, kind: "application/yaml",
		header: map[string]string{"Accept-Language": "en"}}).problem(t, 400)
	for _, path := range []string{"lines[0].spec.vcpu", "lines[0].quantity", "porpose"} {
		if !slices.ContainsFunc(p.Faults, func(f openapi.Fault) bool { return f.Path == path }) {
			t.Errorf("%s is not among %+v", path, p.Faults)
		}
	}
	for name, body := range map[string]string{"anchors": "a: &a [x]\nb: *a\n", "empty": "", "binary": "\x00\x01", "deep": strings.Repeat("[", 5000), "text": "hello"} {
		got := a.do(t, request{method: "POST", path: "/v1/orders/lint", login: "hrss-applicant", body: body, kind: "application/yaml"})
		if got.status != 400 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	a.do(t, request{method: "POST", path: "/v1/orders", login: "hrss-applicant", body: order, kind: "application/xml"}).problem(t, 415)
	var l openapi.OrderList
	a.do(t, request{method: "GET", path: "/v1/orders", login: "hrss-applicant"}).ok(t).decode(t, &l)
	if len(l.Items) != 0 {
		t.Errorf("something was kept: %+v", l.Items)
	}
}

func TestAStartInThePastIsNamedAndNotWhatFollowsFromIt(t *testing.T) {
	t.Parallel()
	a := newAPI(t, storetest.SQLite(t, nil), openapi.Options{})
	past := strings.NewReplacer("start: 2026-12-01", "start: 2025-12-01", "vcpu: 4", "vcpu: 0").Replace(order)
	p := a.do(t, request{method: "POST", path: "/v1/orders", login: "hrss-applicant", body: past, kind: "application/yaml"}).problem(t, 400)
	if len(p.Faults) != 2 || p.Faults[0].Path != "period.start" || p.Faults[0].Given != "2025-12-01" || p.Faults[1].Path != "lines[0].spec.vcpu" {
		t.Errorf("%+v", p.Faults)
	}
	over := strings.Replace(order, "start: 2026-12-01", "start: 2026-11-19", 1)
	p = a.do(t, request{method: "POST", path: "/v1/orders/lint", login: "hrss-applicant", body: over, kind: "application/yaml"}).problem(t, 400)
	if len(p.Faults) != 1 || p.Faults[0].Path != "period.start" {
		t.Errorf("lint: %+v", p.Faults)
	}
}

func TestTheSameKeyGivesTheFirstResultAgainAndAnotherBodyIsAConflict(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		send := func(login, body string) answer {
			return a.do(t, request{method: "POST", path: "/v1/orders", login: login, body: body, kind: "application/yaml", key: "once"})
		}
		first, again := send("hrss-applicant", order).ok(t), send("hrss-applicant", order).ok(t)
		var one, two openapi.Order
		first.decode(t, &one)
		again.decode(t, &two)
		if one.ID != two.ID || first.status != again.status {
			t.Errorf("%s and %s", one.Number, two.Number)
		}
		if p := send("hrss-applicant", strings.Replace(order, "vcpu: 4", "vcpu: 8", 1)).problem(t, 409); p.Field != "Idempotency-Key" {
			t.Errorf("field %q", p.Field)
		}
		// The key belongs to one call: to cancel one order is not to cancel another.
		cancel := func(key string) answer {
			return a.do(t, request{method: "POST", path: "/v1/orders/" + key + "/cancel", login: "hrss-applicant", body: `{"note": "不再需要"}`, key: "cancel"})
		}
		other := a.submit(t)
		cancel(one.ID).ok(t)
		cancel(one.ID).ok(t)
		cancel(other.ID).problem(t, 409)
		if got := send("edu-applicant", order); got.status == 201 {
			t.Errorf("another actor was given the first one's result: %s", got.body)
		}
	})
}

func TestPagesHoldEveryRowOnceNewestFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		for n := range 7 {
			a.do(t, request{method: "POST", path: "/v1/systems", login: "city-reviewer", body: fmt.Sprintf(
				`{"code": "paged-%d", "name": "系统", "agency": "suqian/edu", "level": 1, "cloud": "not"}`, n)}).ok(t)
		}
		var seen []string
		for after := ""; ; {
			var l openapi.SystemList
			a.do(t, request{method: "GET", path: "/v1/systems?limit=3" + after, login: "edu-applicant"}).ok(t).decode(t, &l)
			if len(l.Items) > 3 {
				t.Fatalf("a page of %d", len(l.Items))
			}
			for _, y := range l.Items {
				seen = append(seen, y.Code)
			}
			if l.Next == "" {
				break
			}
			after = "&after=" + l.Next
		}
		want := []string{"paged-6", "paged-5", "paged-4", "paged-3", "paged-2", "paged-1", "paged-0", "edu-web"}
		if !slices.Equal(seen, want) {
			t.Errorf("seen %v", seen)
		}
	})
}

func TestATokenIsShownOnceAndEndsWhenRevoked(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		issue := request{method: "POST", path: "/v1/users/hrss-applicant/tokens", login: "secadmin", body: `{"label": "命令行", "hours": 24}`, key: "t"}
		var token openapi.Token
		a.do(t, issue).ok(t).decode(t, &token)
		a.do(t, issue).problem(t, 409)
		a.tokens["fresh"] = token.Secret
		var me openapi.User
		a.do(t, request{method: "GET", path: "/v1/whoami", login: "fresh"}).ok(t).decode(t, &me)
		if me.Login != "hrss-applicant" || len(me.Grants) != 1 || me.Grants[0].Agency.Code != "suqian/hrss" {
			t.Errorf("whoami: %+v", me)
		}
		list := a.do(t, request{method: "GET", path: "/v1/users/" + me.ID + "/tokens", login: "fresh"}).ok(t)
		if strings.Contains(string(list.body), token.Secret) || !strings.Contains(string(list.body), token.ID) {
			t.Errorf("tokens: %s", list.body)
		}
		if got := a.do(t, request{method: "DELETE", path: "/v1/users/hrss-applicant/tokens/" + token.ID, login: "secadmin"}); got.status != 204 {
			t.Errorf("revoking: %d %s", got.status, got.body)
		}
		a.do(t, request{method: "GET", path: "/v1/whoami", login: "fresh"}).problem(t, 401)
	})
}
