package openapi_test

import (
	"database/sql"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/openapi"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

// attempt is one operation made ready to be called.
type attempt struct {
	id, method, template string
	roles                []duoyun.Role
	hasBody              bool
}

func attempts(t testing.TB) []attempt {
	t.Helper()
	var out []attempt
	for path, item := range specification(t).Paths.Map() {
		for method, op := range item.Operations() {
			a := attempt{id: op.OperationID, method: method, template: path, hasBody: op.RequestBody != nil}
			for _, r := range op.Extensions["x-roles"].([]any) {
				a.roles = append(a.roles, duoyun.Role(fmt.Sprint(r)))
			}
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b attempt) int { return strings.Compare(a.template+a.method, b.template+b.method) })
	return out
}

// keys makes a row of every noun in the scope of suqian/hrss, or of the supplier telecom-suqian, and names them. The
// order is under way; the task is the review of another.
func (a *api) keys(t testing.TB) map[string]string {
	t.Helper()
	keys := map[string]string{"users": "hrss-applicant", "agencies": "suqian/hrss", "systems": "hrss-core", "projects": "SQ-2026-017",
		"suppliers": "telecom-suqian", "pools": "telecom-1", "contracts": "SQ-C-1"}
	keys["orders"] = a.placed(t).Number
	keys["tasks"] = a.task(t, "city-reviewer", duoyun.TaskReview, a.submit(t)).Number
	var resources openapi.ResourceList
	a.do(t, request{method: "GET", path: "/v1/resources?kind=server", login: "hrss-applicant"}).ok(t).decode(t, &resources)
	keys["resources"] = resources.Items[0].ID
	var incident openapi.Incident
	a.do(t, request{method: "POST", path: "/v1/incidents", login: "hrss-applicant", body: `{"resource": "` + keys["resources"] +
		`", "source": "work_order", "start": "2026-11-01T08:00:00+08:00", "end": "2026-11-01T09:00:00+08:00"}`}).ok(t).decode(t, &incident)
	keys["incidents"] = incident.Number
	var statement openapi.Statement
	a.do(t, request{method: "POST", path: "/v1/statements", login: "city-finance", body: bodies()["closeStatement"]}).ok(t).decode(t, &statement)
	keys["statements"] = statement.Number
	var probe openapi.Probe
	a.do(t, request{method: "POST", path: "/v1/probes", login: "sysadmin", body: bodies()["createProbe"]}).ok(t).decode(t, &probe)
	keys["probes"] = probe.ID
	keys["findings"] = a.finding(t).Number
	return keys
}

// finding files one about the agency suqian/hrss.
func (a *api) finding(t testing.TB) (f duoyun.Finding) {
	t.Helper()
	err := a.Store.InTx(t.Context(), func(tx *sql.Tx) (err error) {
		f, err = a.Store.OpenFinding(t.Context(), tx, duoyun.Finding{Kind: "shortage", State: duoyun.FindingOpen, Subject: "system",
			SubjectID: a.ID("hrss-core"), AgencyID: a.ID("suqian/hrss"), Message: duoyun.Text{ZH: "额度不足", EN: "short"}, CreatedAt: now()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// path fills the template; nouns without a row of their own get an id that is nobody's.
func (x attempt) path(keys map[string]string) string {
	noun := strings.Split(x.template, "/")[2]
	key := keys[noun]
	if key == "" {
		key = "01890000-0000-7000-8000-000000000000"
	}
	p := strings.NewReplacer("{key}", escape(key), "{form}", "open", "{dimension}", "vcpu", "{token}", "01890000-0000-7000-8000-000000000000").Replace(x.template)
	return p + queries()[x.id]
}

func escape(key string) string { return url.PathEscape(key) }

// queries are the required query parameters.
func queries() map[string]string {
	const month = "?month=2026-10"
	return map[string]string{"exportFocus": month, "reportAvailability": month, "reportPoolAvailability": month,
		"previewStatement": month + "&contract=SQ-C-1", "revokeRole": "?role=approver&agency=suqian/hrss"}
}

// bodies are ones the specification accepts.
func bodies() map[string]string {
	note := `{"note": "说明"}`
	return map[string]string{
		"createUser": `{"login": "matrix-%d", "name": "测试"}`, "setUserActive": `{"active": true}`, "grantRole": `{"role": "approver", "agency": "suqian/hrss"}`,
		"issueToken": `{"label": "测试", "hours": 1}`, "createAgency": `{"code": "suqian/m%d", "name": "测试", "short": "测%d"}`,
		"setApprovalRule": `{"review": true, "confirm": true, "needs_project": true, "signers": [{"role": "approver"}]}`,
		"createSystem":    `{"code": "matrix-%d", "name": "测试", "agency": "suqian/hrss", "level": 2, "cloud": "not"}`, "setCloudState": `{"cloud": "on"}`,
		"createProject": `{"number": "M-%d", "name": "测试", "agency": "suqian/hrss", "approved": "100.00", "year": 2026}`,
		"submitOrder":   order, "lintOrder": order, "cancelOrder": note, "reselectOrder": note, "decideTask": `{"verdict": "return", "note": "说明"}`, "cutBack": `{"cuts": []}`,
		"confirmSupplier": `{"picks": [{"component": 0, "pool": "telecom-1"}]}`, "closeStatement": `{"contract": "SQ-C-1", "month": "2026-10"}`,
		"raiseIncident": `{"pool": "telecom-1", "source": "work_order", "start": "2026-11-01T08:00:00+08:00"}`, "answerIncident": note,
		"attributeIncident": `{"attribution": "platform"}`, "createProbe": `{"name": "探测", "pool": "telecom-1", "method": "cloud", "address": "", "vantage": "extranet"}`,
		"createSupplier": `{"code": "matrix-%d", "name": "测试", "class": "it"}`, "updateSupplier": `{"name": "天翼云宿迁", "class": "telecom", "assessment_until": "2030-12-31"}`,
		"createPool":     `{"code": "matrix-%d", "name": "测试", "supplier": "telecom-suqian", "driver": "openstack", "site": "suqian", "region": "RegionOne", "zones": ["extranet_public"], "kinds": ["server"], "level": 3, "account": {"endpoint": "https://cloud.example/v3"}, "secret": "秘密"}`,
		"updatePool":     `{"active": true}`,
		"createContract": `{"number": "M-%d", "supplier": "telecom-suqian", "name": "测试", "start": "2026-12-01", "end": "2027-12-01", "ceiling": "1000.00", "rules": {"proration": "by_day_actual", "tax_percent": "6"}, "sla": {"target": "99.9"}, "items": [{"item": "vcpu", "name": "vCPU", "per": "month", "unit": "核", "price": "40"}]}`,
		"updateContract": `{"name": "云服务合同"}`, "setPrices": `{"items": [{"item": "disk_matrix_gib", "name": "盘", "per": "month", "unit": "GiB", "price": "1"}]}`,
		"setQuota": `{"limit": 2000}`, "setBudget": `{"payer": "suqian/data", "year": 2027, "item": "信息系统运行维护费", "limit": "1000000.00"}`,
		"resolveFinding": note, "advanceClock": `{"to": "2026-11-20T09:00:00+08:00"}`,
	}
}

func (x attempt) request(login, path string, n int) request {
	r := request{method: x.method, path: path, login: login}
	if x.hasBody {
		r.body = strings.ReplaceAll(bodies()[x.id], "%d", fmt.Sprint(n))
		if r.body == order {
			r.kind = "application/yaml"
		}
	}
	return r
}

func (x attempt) permits(role duoyun.Role) bool {
	return len(x.roles) == 0 || slices.Contains(x.roles, role)
}

func TestEveryOperationWithEveryRole(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		keys, n := a.keys(t), 0
		for _, x := range attempts(t) {
			if x.hasBody && bodies()[x.id] == "" {
				t.Errorf("%s has no body to try", x.id)
			}
			path := x.path(keys)
			a.do(t, x.request("", path, n)).problem(t, http.StatusUnauthorized)
			a.tokens["nobody"] = "dyt_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			a.do(t, x.request("nobody", path, n)).problem(t, http.StatusUnauthorized)
			for _, login := range slices.Sorted(maps.Keys(logins())) {
				n++
				role := logins()[login]
				got := a.do(t, x.request(login, path, n))
				switch {
				case got.status >= 500 && !(x.id == "reconcilePool" && got.status == 503): // its cloud cannot be reached here
					t.Errorf("%s by %s: %d %s", x.id, login, got.status, got.body)
				case !x.permits(role) && got.status != http.StatusForbidden:
					t.Errorf("%s by %s: %d, want 403", x.id, login, got.status)
				case x.permits(role) && got.status == http.StatusForbidden && !mayRefuse(x.id):
					t.Errorf("%s by %s, whose role it lists: %s", x.id, login, got.body)
				case x.method == http.MethodGet && x.permits(role) && got.status != http.StatusOK && strings.HasPrefix(login, "city-") && x.id != "getDeliverySheet" && !mayRefuse(x.id):
					t.Errorf("%s by %s, who sees the whole city: %d %s", x.id, login, got.status, got.body)
				case got.status == http.StatusUnauthorized || got.status == http.StatusBadRequest && !mayBeInvalid(x.id):
					t.Errorf("%s by %s: %d %s", x.id, login, got.status, got.body)
				}
			}
		}
	})
}

// outside are the people in whose scope no row of the test lies.
func outside(login string) bool { return login == "edu-applicant" || login == "sup-jd" }

// mayRefuse lists what hangs on more than the role: whose row it is, who may decide the very task, or separation.
func mayRefuse(id string) bool {
	return slices.Contains([]string{"getUser", "listTokens", "revokeToken", "decideTask", "cutBack", "confirmSupplier", "cancelOrder",
		"submitOrder", "closeStatement", "previewStatement", "grantRole", "retryOrder"}, id)
}

// mayBeInvalid lists what the state of the world forbids whatever is written.
func mayBeInvalid(id string) bool {
	return slices.Contains([]string{"advanceClock", "confirmSupplier", "cutBack", "setPrices", "setBudget", "closeStatement"}, id)
}

func TestRowsOutsideTheScopeDoNotExist(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		keys := a.keys(t)
		agencies := []string{"agencies", "systems", "projects", "orders", "tasks", "resources", "incidents", "findings"}
		supply := []string{"suppliers", "pools", "contracts", "orders", "tasks", "resources", "incidents", "statements"}
		for n, x := range attempts(t) {
			noun := strings.Split(x.template, "/")[2]
			if !strings.Contains(x.template, "{key}") {
				continue
			}
			try := func(login string) {
				if !x.permits(logins()[login]) {
					return
				}
				if got := a.do(t, x.request(login, x.path(keys), n)); got.status != http.StatusNotFound {
					t.Errorf("%s %s by %s: %d %s", x.id, x.path(keys), login, got.status, got.body)
				}
			}
			if slices.Contains(agencies, noun) {
				try("edu-applicant")
			}
			if slices.Contains(supply, noun) {
				try("sup-jd")
			}
		}
	})
}

func TestRowsThatAreNotThereAreNotFound(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		for n, x := range attempts(t) {
			if !strings.Contains(x.template, "{key}") {
				continue
			}
			for _, key := range []string{"01890000-0000-7000-8000-000000000000", "没有这一个〔2026〕0001号", "' OR 1=1 --", "../../etc", "%", "."} {
				noun := strings.Split(x.template, "/")[2]
				path := x.path(map[string]string{noun: key})
				for login, role := range logins() {
					if !x.permits(role) || outside(login) {
						continue
					}
					got := a.do(t, x.request(login, path, n))
					own := (noun == "users") && got.status == http.StatusForbidden
					if got.status != http.StatusNotFound && !own {
						t.Errorf("%s %s by %s: %d %s", x.id, path, login, got.status, got.body)
					}
				}
			}
		}
	})
}

func TestListsHoldTheScopeAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		o := a.submit(t)
		for path, want := range map[string]map[string]bool{
			"/v1/orders":         {"hrss-applicant": true, "city-reviewer": true, "edu-applicant": false, "sup-telecom": false, "sup-jd": false},
			"/v1/systems":        {"hrss-applicant": true, "edu-applicant": false, "sup-jd": false},
			"/v1/projects":       {"hrss-applicant": true, "edu-applicant": false, "sup-jd": false},
			"/v1/quotas":         {"hrss-applicant": true, "edu-applicant": false},
			"/v1/contracts":      {"city-procurement": true, "sup-telecom": true, "sup-jd": false},
			"/v1/pools":          {"hrss-applicant": true, "sup-telecom": true, "sup-jd": false},
			"/v1/tasks?all=true": {"city-reviewer": true, "edu-applicant": false, "sup-jd": false},
		} {
			marks := map[string]string{"/v1/orders": o.Number, "/v1/systems": "hrss-core", "/v1/projects": "SQ-2026-017", "/v1/quotas": "suqian/hrss",
				"/v1/contracts": "SQ-C-1", "/v1/pools": "telecom-1", "/v1/tasks?all=true": o.Number}
			for login, sees := range want {
				x := a.do(t, request{method: "GET", path: path, login: login}).ok(t)
				if strings.Contains(string(x.body), marks[path]) != sees {
					t.Errorf("%s by %s: %s", path, login, x.body)
				}
			}
		}
	})
}
