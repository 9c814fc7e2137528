package openapi_test

import (
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/openapi"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// task finds the pending task of this kind that the person may decide about the order.
func (a *api) task(t testing.TB, login string, kind duoyun.TaskKind, o openapi.Order) openapi.Task {
	t.Helper()
	var l openapi.TaskList
	a.do(t, request{method: "GET", path: "/v1/tasks?kind=" + string(kind) + "&order=" + o.ID, login: login}).ok(t).decode(t, &l)
	if len(l.Items) != 1 {
		t.Fatalf("%s has %d tasks of kind %s", login, len(l.Items), kind)
	}
	return l.Items[0]
}

func (a *api) order(t testing.TB, login, id string) openapi.Order {
	t.Helper()
	var o openapi.Order
	a.do(t, request{method: "GET", path: "/v1/orders/" + id, login: login}).ok(t).decode(t, &o)
	return o
}

// placed takes an order through review, choice and signatures over the API, and places it.
func (a *api) placed(t testing.TB) openapi.Order {
	t.Helper()
	o := a.submit(t)
	post := func(login string, task openapi.Task, verb, body string) {
		t.Helper()
		a.do(t, request{method: "POST", path: "/v1/tasks/" + escape(task.Number) + "/" + verb, login: login, body: body}).ok(t)
	}
	review := a.task(t, "city-reviewer", duoyun.TaskReview, o)
	a.do(t, request{method: "POST", path: "/v1/tasks/" + review.ID + "/cut-back", login: "city-reviewer",
		body: `{"cuts": [{"line": "app", "approved": 1, "kind": "server", "spec": {"cores": 2}, "reason": "过多"}]}`}).problem(t, 400)
	post("city-reviewer", review, "cut-back",
		`{"cuts": [{"line": "app", "approved": 1, "kind": "server", "spec": {"vcpu": 2, "ram_gib": 8, "system_disk_gib": 100, "image": "kylin-v10"}, "reason": "峰值低于申报"}, {"line": "data", "approved": 1, "reason": "随主机核减"}], "note": "核减"}`)
	post("city-procurement", a.task(t, "city-procurement", duoyun.TaskConfirmSupplier, o), "confirm-supplier",
		`{"picks": [{"component": 0, "pool": "telecom-1", "reason": "与现有系统同云"}]}`)
	for _, signer := range []string{"hrss-approver", "city-finance"} {
		task := a.task(t, signer, duoyun.TaskSign, o)
		post(signer, task, "decide", `{"verdict": "approve", "hash": "`+task.Hash+`"}`)
	}
	if got := a.order(t, "hrss-applicant", o.ID); got.State != duoyun.OrderPlacing {
		t.Fatalf("signed, the order is %s: %s", got.State, got.Reason)
	}
	if err := a.Broker.Place(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	o = a.order(t, "hrss-applicant", o.ID)
	if o.State != duoyun.OrderProvisioning {
		t.Fatalf("placed, the order is %s: %s", o.State, o.Reason)
	}
	return o
}

func TestAnOrderGoesThroughReviewChoiceAndSignatures(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		o := a.placed(t)
		if len(o.Approved) != 2 || len(o.Chosen) != 1 || o.Chosen[0].Supplier != "telecom-suqian" || o.Chosen[0].By != "city-procurement" ||
			o.Total == 0 || o.Total != o.Chosen[0].Total || o.ContentHash == "" {
			t.Errorf("order: %+v", o)
		}
		var r duoyun.Recommendation
		a.do(t, request{method: "GET", path: "/v1/orders/" + o.ID + "/recommendation", login: "city-procurement"}).ok(t).decode(t, &r)
		if len(r.Components) != 1 || len(r.Components[0].Candidates) < 2 {
			t.Errorf("recommendation: %+v", r)
		}
		var l openapi.ResourceList
		a.do(t, request{method: "GET", path: "/v1/resources?order=" + o.ID, login: "hrss-applicant"}).ok(t).decode(t, &l)
		for _, x := range l.Items {
			if x.Pool.Code != "telecom-1" || x.Supplier.Code != "telecom-suqian" || x.Agency.Code != "suqian/hrss" || x.Monthly == 0 && x.Kind != duoyun.KindNetwork {
				t.Errorf("resource: %+v", x)
			}
		}
		if len(l.Items) < 2 {
			t.Errorf("%d resources", len(l.Items))
		}
		var q openapi.QuotaList
		a.do(t, request{method: "GET", path: "/v1/quotas?agency=suqian/hrss&dimension=vcpu", login: "hrss-applicant"}).ok(t).decode(t, &q)
		if len(q.Items) != 1 || q.Items[0].Used != 2 {
			t.Errorf("quota: %+v", q.Items)
		}
	})
}

func TestAHeldOrderIsReselectedAndWhatWasDecidedFirstStaysReadable(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		other := a.placed(t) // takes 2 vCPU
		var holds openapi.OrderHoldList
		a.do(t, request{method: "GET", path: "/v1/orders/" + other.ID + "/holds", login: "hrss-applicant"}).ok(t).decode(t, &holds)
		var money duoyun.Fen
		for _, h := range holds.Items {
			if h.Kind == "budget" {
				money += h.Amount
			}
			if h.State != "held" || h.Units == 0 || h.Owner == "" || (h.Amount == 0) == (h.Quantity == 0) {
				t.Errorf("hold: %+v", h)
			}
		}
		if money != other.Total {
			t.Errorf("%s of budgets are held, %s were signed", money, other.Total)
		}
		o := a.submit(t)
		limit := int64(3)
		if _, err := a.Quota.SetLimit(t.Context(), duoyun.SystemActor(), storetest.HRSS, duoyun.QuotaVCPU, &limit); err != nil {
			t.Fatal(err)
		}
		path := "/v1/orders/" + o.ID
		a.do(t, request{method: "POST", path: path + "/reselect", login: "city-procurement", body: `{"note": "售罄"}`}).problem(t, 409)
		a.hold(t, o)
		was := a.order(t, "hrss-applicant", o.ID)
		a.do(t, request{method: "POST", path: path + "/reselect", login: "hrss-applicant", body: `{"note": "售罄"}`}).problem(t, 403)
		a.do(t, request{method: "POST", path: path + "/reselect", login: "city-procurement", body: `{}`}).problem(t, 400)
		var got openapi.Order
		a.do(t, request{method: "POST", path: path + "/reselect", login: "city-procurement", body: `{"note": "售罄"}`}).ok(t).decode(t, &got)
		if got.State != duoyun.OrderRecommended || len(got.Chosen) != 0 {
			t.Errorf("reselected: %+v", got)
		}
		var l openapi.OrderDecisionList
		a.do(t, request{method: "GET", path: path + "/decisions", login: "hrss-applicant"}).ok(t).decode(t, &l)
		if len(l.Items) != 1 || l.Items[0].ContentHash != was.ContentHash || l.Items[0].Chosen[0].Pool != was.Chosen[0].Pool || l.Items[0].Action != "reselect" ||
			l.Items[0].Note != "售罄" || len(l.Items[0].Recommendation.Components) != 1 {
			t.Errorf("decisions: %+v", l.Items)
		}
	})
}

// hold signs an order uncut and puts it on hold.
func (a *api) hold(t testing.TB, o openapi.Order) {
	t.Helper()
	post := func(login string, task openapi.Task) {
		t.Helper()
		a.do(t, request{method: "POST", path: "/v1/tasks/" + task.ID + "/decide", login: login, body: `{"verdict": "approve", "hash": "` + task.Hash + `"}`}).ok(t)
	}
	post("city-reviewer", a.task(t, "city-reviewer", duoyun.TaskReview, o))
	post("city-procurement", a.task(t, "city-procurement", duoyun.TaskConfirmSupplier, o))
	post("hrss-approver", a.task(t, "hrss-approver", duoyun.TaskSign, o))
	post("city-finance", a.task(t, "city-finance", duoyun.TaskSign, o))
	if err := a.Broker.Place(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	if got := a.order(t, "hrss-applicant", o.ID); got.State != duoyun.OrderHeld {
		t.Fatalf("the order is %s: %s", got.State, got.Reason)
	}
}

func TestASupplierSeesItsOwnPartAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		o := a.placed(t)
		mine := a.do(t, request{method: "GET", path: "/v1/orders/" + o.ID, login: "sup-telecom"}).ok(t)
		for _, secret := range []string{"jd-suqian", "信息系统运行维护费", "与现有系统同云", "city-procurement"} {
			if strings.Contains(string(mine.body), secret) {
				t.Errorf("the supplier reads %q: %s", secret, mine.body)
			}
		}
		a.do(t, request{method: "GET", path: "/v1/orders/" + o.ID + "/recommendation", login: "sup-telecom"}).problem(t, 403)
		a.do(t, request{method: "GET", path: "/v1/orders/" + o.ID, login: "sup-jd"}).problem(t, 404)
		var theirs openapi.ResourceList
		a.do(t, request{method: "GET", path: "/v1/resources", login: "sup-jd"}).ok(t).decode(t, &theirs)
		if len(theirs.Items) != 0 {
			t.Errorf("the other supplier sees %+v", theirs.Items)
		}
	})
}

func TestASecretGoesInAndNeverComesOut(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		const secret = "hunter2-很长的口令"
		body := strings.NewReplacer("秘密", secret, "%d", "s").Replace(bodies()["createPool"])
		made := a.do(t, request{method: "POST", path: "/v1/pools", login: "city-procurement", body: body}).ok(t)
		read := a.do(t, request{method: "GET", path: "/v1/pools/matrix-s", login: "city-procurement"})
		list := a.do(t, request{method: "GET", path: "/v1/pools", login: "city-procurement"}).ok(t)
		bad := a.do(t, request{method: "POST", path: "/v1/pools", login: "city-procurement", body: strings.Replace(body, secret, strings.Repeat(secret, 100), 1)})
		for _, x := range []answer{made, read, list, bad} {
			if strings.Contains(string(x.body), "hunter2") {
				t.Errorf("the secret comes out: %s", x.body)
			}
		}
		if !strings.Contains(string(made.body), "cloud.example") || bad.status != 400 {
			t.Errorf("made %s, refused %d", made.body, bad.status)
		}
	})
}

func TestAPoolShowsHowItsAccountAnswers(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		for _, path := range []string{"/v1/pools", "/v1/pools/telecom-1"} {
			got := a.do(t, request{method: "GET", path: path, login: "sup-telecom"}).ok(t)
			if !strings.Contains(string(got.body), `"health":{"mutate":"normal","read":"normal","state":"normal"}`) {
				t.Errorf("%s: %s", path, got.body)
			}
		}
	})
}
