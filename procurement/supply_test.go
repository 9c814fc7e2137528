package procurement_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

type bench struct {
	*storetest.World
	svc   *procurement.Service
	today time.Time
}

// each starts in November 2026.
func each(t *testing.T, f func(t *testing.T, b *bench)) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		b := &bench{World: storetest.NewWorld(t, s), today: date("2026-11-25").Time()}
		b.svc = procurement.New(procurement.Deps{Store: s, Business: func() time.Time { return b.today }, Drivers: []string{"openstack", "workorder"}})
		f(t, b)
	})
}

func wantCode(t testing.TB, err error, code duoyun.Code) {
	t.Helper()
	if got := duoyun.CodeOf(err); got != code {
		t.Fatalf("code %q, want %q (%v)", got, code, err)
	}
}

// wantFaults asks for exactly these paths.
func wantFaults(t testing.TB, err error, paths ...string) {
	t.Helper()
	wantCode(t, err, duoyun.CodeInvalid)
	var got []string
	for _, f := range err.(*duoyun.Error).Faults {
		got = append(got, f.Path)
		if f.Rule.ZH == "" || f.Rule.EN == "" || len(f.Given) > 200 {
			t.Errorf("fault %+v", f)
		}
	}
	if strings.Join(got, " ") != strings.Join(paths, " ") {
		t.Fatalf("faults at %v, want %v", got, paths)
	}
}

func (b *bench) officer(t testing.TB) duoyun.Actor { return b.Actor(t, "city-procurement") }

func pool() procurement.PoolInput {
	return procurement.PoolInput{Code: "jd-2", Name: "京东云宿迁二区", Supplier: "jd-suqian", Driver: "openstack", Site: "suqian", Region: "RegionOne",
		Zones: duoyun.Zones(), Kinds: []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk}, Level: 3,
		Xinchuang: duoyun.Xinchuang{CPU: []string{"kunpeng"}, OS: []string{"kylin-v10"}},
		Capacity:  map[duoyun.Dimension]int64{duoyun.QuotaVCPU: 1000}, Plan: duoyun.AddressPlan{CIDR: "10.64.0.0/16", Prefix: 24},
		Account: json.RawMessage(`{"endpoint":"https://keystone.example/v3","app_credential_id":"abc"}`), Secret: "s3cret-值"}
}

func TestSuppliersAreAdmittedByProcurementAndSeeThemselvesAlone(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, once := context.Background(), duoyun.Once{Key: "k", Route: "r", BodyHash: "h"}
		in := procurement.SupplierInput{Code: "inspur-suqian", Name: "浪潮云", Class: "it", AssessmentUntil: date("2027-06-30")}
		x, err := b.svc.CreateSupplier(ctx, b.officer(t), once, in)
		wantCode(t, err, "")
		again, err := b.svc.CreateSupplier(ctx, b.officer(t), once, in)
		wantCode(t, err, "")
		if again != x || x.AssessmentUntil != date("2027-06-30") {
			t.Fatalf("suppliers %+v %+v", x, again)
		}
		_, err = b.svc.CreateSupplier(ctx, b.officer(t), duoyun.Once{}, in)
		wantCode(t, err, duoyun.CodeConflict)
		_, err = b.svc.CreateSupplier(ctx, b.Actor(t, "hrss-applicant"), duoyun.Once{}, in)
		wantCode(t, err, duoyun.CodeForbidden)
		_, err = b.svc.CreateSupplier(ctx, b.officer(t), duoyun.Once{}, procurement.SupplierInput{Code: "A B", Name: "\x00" + strings.Repeat("长", 1<<16), Class: "cloud"})
		wantFaults(t, err, "code", "name", "class")
		x, err = b.svc.UpdateSupplier(ctx, b.officer(t), "inspur-suqian", procurement.SupplierInput{Name: "浪潮云宿迁", Class: "it"})
		wantCode(t, err, "")
		if x.Name != "浪潮云宿迁" || !x.AssessmentUntil.IsZero() {
			t.Fatalf("supplier %+v", x)
		}
		l, err := b.svc.Suppliers(ctx, b.Actor(t, "sup-jd"), duoyun.Page{})
		wantCode(t, err, "")
		if len(l.Items) != 1 || l.Items[0].Code != "jd-suqian" {
			t.Fatalf("a supplier sees %+v", l.Items)
		}
		_, err = b.svc.Supplier(ctx, b.Actor(t, "sup-jd"), "telecom-suqian")
		wantCode(t, err, duoyun.CodeNotFound)
		l, err = b.svc.Suppliers(ctx, duoyun.Actor{}, duoyun.Page{})
		wantCode(t, err, "")
		if len(l.Items) != 0 {
			t.Fatalf("nobody sees %+v", l.Items)
		}
	})
}

func TestAPoolsSecretIsSealedAndNeverReturned(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := context.Background()
		x, err := b.svc.CreatePool(ctx, b.officer(t), duoyun.Once{}, pool())
		wantCode(t, err, "")
		if x.Sealed != nil || !bytes.Contains(x.Account, []byte("app_credential_id")) || x.Capacity[duoyun.QuotaVCPU] != 1000 || len(x.Capacity) != 1 {
			t.Fatalf("pool %+v", x)
		}
		var sealed []byte
		wantCode(t, b.Store.InTx(ctx, func(tx *sql.Tx) error {
			return tx.QueryRow(`SELECT sealed FROM pools WHERE id = $1`, x.ID).Scan(&sealed)
		}), "")
		if len(sealed) < 20 || bytes.Contains(sealed, []byte("s3cret")) {
			t.Fatalf("sealed %q", sealed)
		}
		got, secret, err := b.Store.PoolAccount(ctx, x.ID)
		wantCode(t, err, "")
		if secret != "s3cret-值" || got.Code != "jd-2" || got.Version != 1 {
			t.Fatalf("secret %q of %+v", secret, got)
		}
		wantCode(t, b.Store.InTx(ctx, func(tx *sql.Tx) error { // a sealed secret opens in no other row
			_, err := tx.Exec(`UPDATE pools SET sealed = $1 WHERE id = $2`, sealed, b.ID("jd-1"))
			return err
		}), "")
		_, _, err = b.Store.PoolAccount(ctx, b.ID("jd-1"))
		wantCode(t, err, duoyun.CodeUnavailable)
		_, secret, err = b.Store.PoolAccount(ctx, b.ID("telecom-1"))
		wantCode(t, err, "")
		if secret != "" {
			t.Fatalf("secret %q of a pool without one", secret)
		}
		_, _, err = b.Store.PoolAccount(ctx, "no such")
		wantCode(t, err, duoyun.CodeNotFound)
	})
}

func TestWithoutASealKeyNoSecretIsKept(t *testing.T) {
	t.Parallel()
	ctx, path := context.Background(), t.TempDir()+"/x.db"
	_, err := store.Open(ctx, path, store.Options{SealKey: []byte("short")})
	wantCode(t, err, duoyun.CodeInvalid)
	s, err := store.Open(ctx, path, store.Options{})
	wantCode(t, err, "")
	defer s.Close()
	wantCode(t, s.Migrate(ctx), "")
	storetest.NewWorld(t, s)
	svc := procurement.New(procurement.Deps{Store: s})
	_, err = svc.CreatePool(ctx, duoyun.SystemActor(), duoyun.Once{}, pool())
	wantCode(t, err, duoyun.CodeUnavailable)
	_, err = svc.Pool(ctx, duoyun.SystemActor(), "jd-2")
	wantCode(t, err, duoyun.CodeNotFound) // nothing half-done
	in := pool()
	in.Secret = ""
	_, err = svc.CreatePool(ctx, duoyun.SystemActor(), duoyun.Once{}, in)
	wantCode(t, err, "")
}

func TestABadPoolIsRefusedWithEveryFault(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		in := procurement.PoolInput{Code: "../x", Name: "a\nb", Supplier: "jd-suqian", Driver: "aliyun", Site: "", Zones: []string{"dmz", "extranet_public", "extranet_public"},
			Kinds: nil, Level: 9, Capacity: map[duoyun.Dimension]int64{"gpu": 1, duoyun.QuotaVCPU: -1},
			Plan: duoyun.AddressPlan{CIDR: "8.8.8.0/24", Prefix: 24}, Account: json.RawMessage(`{"auth":{"Password":"hunter2"}}`), Secret: strings.Repeat("x", 1<<20)}
		_, err := b.svc.CreatePool(context.Background(), b.officer(t), duoyun.Once{}, in)
		wantFaults(t, err, "code", "name", "driver", "site", "zones[0]", "zones[2]", "level", "kinds", "capacity", "capacity.vcpu", "plan.cidr", "account.auth.Password", "secret")
		if strings.Contains(err.Error(), "hunter2") {
			t.Fatal("the error tells the password")
		}
		for _, account := range []string{`[]`, `null`, `{`, `{"a":"` + strings.Repeat("x", 1<<17) + `"}`, strings.Repeat("[", 20_000), "{\"a\":\"\xff\"}"} {
			in := pool()
			in.Account = json.RawMessage(account)
			_, err := b.svc.CreatePool(context.Background(), b.officer(t), duoyun.Once{}, in)
			wantFaults(t, err, "account")
		}
		for term, want := range map[string]string{"0": "", "1": "", "9": "", "12": "", "36": "", "10": "account.subscribe_months", "-1": "account.subscribe_months",
			"1.5": "account.subscribe_months", `"12"`: "account.subscribe_months", "48": "account.subscribe_months"} {
			in := pool()
			in.Code, in.Account = fmt.Sprintf("jd-term-%d", len(term)*100+int(term[0])), json.RawMessage(`{"subscribe_months":`+term+`}`)
			_, err := b.svc.CreatePool(context.Background(), b.officer(t), duoyun.Once{}, in)
			if want == "" {
				wantCode(t, err, "")
				continue
			}
			wantFaults(t, err, want)
		}
	})
}

func TestAPoolChangesButForWhatResourcesRestOn(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, off, secret := context.Background(), false, "another"
		_, err := b.svc.CreatePool(ctx, b.officer(t), duoyun.Once{}, pool())
		wantCode(t, err, "")
		x, err := b.svc.UpdatePool(ctx, b.officer(t), "jd-2", procurement.PoolUpdate{Active: &off, Secret: &secret, Plan: &duoyun.AddressPlan{CIDR: "10.80.0.0/16", Prefix: 25},
			Capacity: map[duoyun.Dimension]int64{duoyun.QuotaServers: 7}})
		wantCode(t, err, "")
		if x.Active || x.Version != 2 || x.Plan.Prefix != 25 || x.Capacity[duoyun.QuotaServers] != 7 || len(x.Capacity) != 1 || x.Name != "京东云宿迁二区" {
			t.Fatalf("pool %+v", x)
		}
		_, got, err := b.Store.PoolAccount(ctx, x.ID)
		if wantCode(t, err, ""); got != "another" {
			t.Fatalf("secret %q", got)
		}
		wantCode(t, b.Store.InTx(ctx, func(tx *sql.Tx) error {
			if _, err := tx.Exec(`UPDATE pools SET networks_used = 3 WHERE id = $1`, x.ID); err != nil {
				return err
			}
			_, err := tx.Exec(`UPDATE pool_capacity SET used = 5 WHERE pool_id = $1 AND dimension = 'servers'`, x.ID)
			return err
		}), "")
		_, err = b.svc.UpdatePool(ctx, b.officer(t), "jd-2", procurement.PoolUpdate{Plan: &duoyun.AddressPlan{CIDR: "10.96.0.0/16", Prefix: 24}})
		wantCode(t, err, duoyun.CodeConflict)
		_, err = b.svc.UpdatePool(ctx, b.officer(t), "jd-2", procurement.PoolUpdate{Capacity: map[duoyun.Dimension]int64{duoyun.QuotaServers: 4}})
		wantCode(t, err, duoyun.CodeConflict)
		_, err = b.svc.UpdatePool(ctx, b.Actor(t, "sup-jd"), "jd-2", procurement.PoolUpdate{})
		wantCode(t, err, duoyun.CodeForbidden)
	})
}

func TestAPoolThatHoldsResourcesKeepsItsAccountAndMayRotateItsCredentials(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, in := context.Background(), pool()
		in.Account = json.RawMessage(`{"endpoint":"https://keystone.example/v3","project":"gov","app_credential_id":"abc"}`)
		x, err := b.svc.CreatePool(ctx, b.officer(t), duoyun.Once{}, in)
		wantCode(t, err, "")
		update := func(account string) error {
			_, err := b.svc.UpdatePool(ctx, b.officer(t), "jd-2", procurement.PoolUpdate{Account: json.RawMessage(account)})
			return err
		}
		wantCode(t, update(`{"endpoint":"https://keystone.example/v3","project":"other","app_credential_id":"abc"}`), "") // nothing is there yet
		wantCode(t, update(`{"endpoint":"https://keystone.example/v3","project":"gov","app_credential_id":"abc"}`), "")
		now := time.Now()
		wantCode(t, b.Store.InTx(ctx, func(tx *sql.Tx) error {
			return b.Store.InsertResources(ctx, tx, []duoyun.Resource{{ID: duoyun.NewID(now), Line: "app", Ordinal: 1, Kind: duoyun.KindServer, Name: "app-1",
				AgencyID: b.ID(storetest.HRSS), PayerID: b.ID(storetest.Data), SupplierID: b.ID("jd-suqian"), PoolID: x.ID, State: duoyun.ResourceRunning,
				Spec: duoyun.ServerSpec{VCPU: 1}, CreatedAt: now, UpdatedAt: now}})
		}), "")
		for _, other := range []string{`{"endpoint":"https://keystone.example/v3","project":"other","app_credential_id":"abc"}`,
			`{"endpoint":"https://elsewhere.example/v3","project":"gov","app_credential_id":"abc"}`, `{"endpoint":"https://keystone.example/v3"}`,
			`{"endpoint":"https://keystone.example/v3","project":"gov","endpoints":{"compute":"https://other.example"}}`} {
			wantCode(t, update(other), duoyun.CodeConflict)
		}
		wantCode(t, update(`{"endpoint":"https://keystone.example/v3","project":"gov","app_credential_id":"next","mapping":{"classes":{"ssd":"fast"}},"subscribe_months":12}`), "")
	})
}

func TestAnAccountIsShownToThoseWhoHaveToDoWithIt(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := context.Background()
		_, err := b.svc.CreatePool(ctx, b.officer(t), duoyun.Once{}, pool())
		wantCode(t, err, "")
		for login, shown := range map[string]bool{"city-procurement": true, "sysadmin": true, "sup-jd": true, "hrss-applicant": false, "city-auditor": false} {
			x, err := b.svc.Pool(ctx, b.Actor(t, login), "jd-2")
			wantCode(t, err, "")
			l, err := b.svc.Pools(ctx, b.Actor(t, login), procurement.PoolFilter{Supplier: "jd-suqian", Site: "suqian"}, duoyun.Page{Limit: 1})
			wantCode(t, err, "")
			if (x.Account != nil) != shown || len(l.Items) != 1 || (l.Items[0].Account != nil) != shown {
				t.Errorf("%s: %s %+v", login, x.Account, l.Items)
			}
		}
		_, err = b.svc.Pool(ctx, b.Actor(t, "sup-telecom"), "jd-2")
		wantCode(t, err, duoyun.CodeNotFound)
	})
}
