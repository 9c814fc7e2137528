package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store"
)

// World is a small city for tests: four agencies, a person in every role, two suppliers that sell cloud and one that
// sells people's work, a contract each, quotas, and one issued budget.
type World struct {
	Store *store.Store
	ids   map[string]string // code, login or number → id
}

// The codes and logins of the world.
const (
	City = "suqian"
	HRSS = "suqian/hrss" // orders; paid for by Data
	Data = "suqian/data" // pays
	Edu  = "suqian/edu"  // out of the others' scope
	Item = "信息系统运行维护费"
	Year = 2026 // the budget of Data is issued for this year only
)

// NewWorld fills an empty store.
func NewWorld(t testing.TB, s *store.Store) *World {
	t.Helper()
	w := &World{Store: s, ids: map[string]string{}}
	err := s.InTx(context.Background(), func(tx *sql.Tx) error {
		b := builder{World: w, tx: tx, t: t}
		b.agencies()
		b.people()
		b.supply()
		b.money()
		b.ledger()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// ID returns the id of a code, login or number of the world; unknown names panic.
func (w *World) ID(name string) string {
	id, ok := w.ids[name]
	if !ok {
		panic("storetest: the world has no " + name)
	}
	return id
}

// Actor returns the person with this login: hrss-applicant, hrss-approver, hrss-confirmer, edu-applicant, city-reviewer,
// city-procurement, city-finance, city-auditor, sysadmin, secadmin, auditadmin, sup-telecom, sup-jd.
func (w *World) Actor(t testing.TB, login string) duoyun.Actor {
	t.Helper()
	u, err := w.Store.FindUser(context.Background(), login)
	if err != nil {
		t.Fatal(err)
	}
	return duoyun.Actor{UserID: u.ID, Name: u.Name, Grants: u.Grants}
}

type builder struct {
	*World
	tx *sql.Tx
	t  testing.TB
}

func (b builder) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b builder) id(name string) string {
	id := duoyun.NewID(time.Now())
	b.ids[name] = id
	return id
}

func (b builder) insert(query string, args ...any) {
	b.t.Helper()
	_, err := b.tx.ExecContext(context.Background(), query, args...)
	b.ok(err)
}

func (b builder) agencies() {
	for _, a := range []struct{ code, name, short, parent string }{
		{City, "宿迁市", "宿", ""}, {HRSS, "宿迁市人力资源和社会保障局", "宿人社", City},
		{Data, "宿迁市数据局", "宿数", City}, {Edu, "宿迁市教育局", "宿教", City},
	} {
		x := duoyun.Agency{ID: b.id(a.code), Code: a.code, Name: a.name, Short: a.short, Depth: 1}
		x.ApproverID, x.PayerID = x.ID, x.ID
		if a.parent != "" {
			x.ParentID, x.Depth = b.ID(a.parent), 2
			x.Ancestors[0] = x.ParentID
		}
		x.Ancestors[x.Depth-1] = x.ID
		b.ok(b.Store.InsertAgency(context.Background(), b.tx, x))
	}
}

func (b builder) people() {
	for _, code := range []string{"telecom-suqian", "jd-suqian"} {
		b.insert(`INSERT INTO suppliers (id, code, name, class, assessment_until) VALUES ($1, $2, $3, $4, '2030-12-31')`,
			b.id(code), code, map[string]string{"telecom-suqian": "天翼云宿迁", "jd-suqian": "京东云宿迁"}[code], map[string]string{"telecom-suqian": "telecom", "jd-suqian": "internet"}[code])
	}
	for _, p := range []struct {
		login string
		role  duoyun.Role
		at    string
	}{
		{"hrss-applicant", duoyun.RoleApplicant, HRSS}, {"hrss-approver", duoyun.RoleApprover, HRSS},
		{"hrss-confirmer", duoyun.RoleConfirmer, HRSS}, {"edu-applicant", duoyun.RoleApplicant, Edu},
		{"city-reviewer", duoyun.RoleReviewer, City}, {"city-procurement", duoyun.RoleProcurement, City},
		{"city-finance", duoyun.RoleFinance, City}, {"city-auditor", duoyun.RoleAuditor, City},
		{"sysadmin", duoyun.RoleSystemAdmin, City}, {"secadmin", duoyun.RoleSecurityAdmin, City}, {"auditadmin", duoyun.RoleAuditAdmin, City},
		{"sup-telecom", duoyun.RoleSupplier, "telecom-suqian"}, {"sup-jd", duoyun.RoleSupplier, "jd-suqian"},
	} {
		u := duoyun.User{ID: b.id(p.login), Login: p.login, Name: p.login, Active: true}
		b.ok(b.Store.InsertUser(context.Background(), b.tx, u))
		g := duoyun.Grant{Role: p.role, AgencyID: b.ID(p.at)}
		if p.role == duoyun.RoleSupplier {
			g = duoyun.Grant{Role: p.role, SupplierID: b.ID(p.at)}
		}
		b.ok(b.Store.InsertGrant(context.Background(), b.tx, u.ID, g))
	}
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

var machineKinds = []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk, duoyun.KindNetwork, duoyun.KindAddress,
	duoyun.KindLoadBalancer, duoyun.KindPublicIP, duoyun.KindBucket, duoyun.KindDatabase, duoyun.KindCache}

func (b builder) supply() {
	pools := []struct {
		code, supplier, driver string
		kinds                  []duoyun.Kind
	}{
		{"telecom-1", "telecom-suqian", "openstack", machineKinds},
		{"jd-1", "jd-suqian", "openstack", machineKinds},
		{"people-1", "telecom-suqian", "workorder", []duoyun.Kind{duoyun.KindService}},
	}
	for i, p := range pools {
		b.insert(`INSERT INTO pools (id, code, name, supplier_id, driver, site, region, zones, kinds, level, xinchuang, plan,
			networks_used, simulated, account, sealed, active, version)
			VALUES ($1, $2, $3, $4, $5, 'suqian', 'RegionOne', $6, $7, 3, $8, $9, 0, $10, '{}', NULL, $11, 1)`,
			b.id(p.code), p.code, p.code, b.ID(p.supplier), p.driver, text(duoyun.Zones()), text(p.kinds),
			text(duoyun.Xinchuang{CPU: []string{"kunpeng", "hygon"}, OS: []string{"kylin-v10", "openeuler-22.03"}}),
			text(duoyun.AddressPlan{CIDR: fmt.Sprintf("10.%d.0.0/16", 32+i), Prefix: 24}), true, true)
	}
	b.contract("telecom-suqian", "SQ-C-1", "45", "30", "0.80")
	b.contract("jd-suqian", "SQ-C-2", "48", "32", "0.75")
}

func (b builder) contract(supplier, number, vcpu, ram, disk string) {
	rules := duoyun.ContractRules{Proration: duoyun.ProrateByDay, TaxPercent: duoyun.MustPrice("6")}
	sla := duoyun.SLAClause{Target: duoyun.MustPrice("99.95"), MinOutage: 1, Cap: duoyun.MustPrice("50"),
		Tiers: []duoyun.SLATier{{Below: duoyun.MustPrice("99.95"), Credit: duoyun.MustPrice("10")}, {Below: duoyun.MustPrice("99"), Credit: duoyun.MustPrice("25")}}}
	b.insert(`INSERT INTO contracts (id, number, supplier_id, name, start_day, end_day, lim, used, rules, sla, allocation, share, state)
		VALUES ($1, $2, $3, $4, '2026-01-01', '2029-01-01', 1000000000, 0, $5, $6, 'score', 50, 'active')`,
		b.id(number), number, b.ID(supplier), supplier+" 云服务合同", text(rules), text(sla))
	for _, i := range []struct{ item, name, per, unit, price string }{
		{"vcpu", "vCPU", "month", "核", vcpu}, {"ram_gib", "内存", "month", "GiB", ram},
		{"system_disk_gib", "系统盘", "month", "GiB", disk}, {"disk_ssd_gib", "云硬盘 SSD", "month", "GiB", "1.20"},
		{"disk_standard_gib", "云硬盘", "month", "GiB", "0.60"}, {"bucket_standard_gib", "对象存储", "month", "GiB", "0.10"},
		{"load_balancer", "负载均衡", "month", "个", "200"}, {"address", "地址", "month", "个", "10"},
		{"mysql_vcpu", "MySQL vCPU", "month", "核", "80"}, {"mysql_ram_gib", "MySQL 内存", "month", "GiB", "60"},
		{"postgresql_vcpu", "PostgreSQL vCPU", "month", "核", "85"}, {"postgresql_ram_gib", "PostgreSQL 内存", "month", "GiB", "62"},
		{"database_storage_gib", "数据库存储", "month", "GiB", "1.50"}, {"cache_gib", "云缓存", "month", "GiB", "90"},
		{"public_ip", "公网地址", "month", "个", "50"}, {"bandwidth_mbps", "带宽", "month", "Mbps", "30"},
		{"service:迁移服务", "迁移服务", "once", "人天", "1500"},
	} {
		b.insert(`INSERT INTO price_items (id, contract_id, item, name, per, unit, price, list_price, ceiling, valid_from, valid_until)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '0', $9, NULL)`,
			b.id(number+" "+i.item), b.ID(number), i.item, i.name, i.per, i.unit, i.price, i.price, "2025-12-31T16:00:00.000000Z")
	}
}

// money gives the city and HRSS quotas of 1,000 in every dimension (100,000 GiB of disk and buckets), and Data a budget.
func (b builder) money() {
	for _, code := range []string{City, HRSS} {
		for _, d := range duoyun.Dimensions() {
			limit := 1000
			if d == duoyun.QuotaDiskGiB || d == duoyun.QuotaBucketGiB {
				limit = 100_000
			}
			b.insert(`INSERT INTO quotas (id, agency_id, dimension, lim, used) VALUES ($1, $2, $3, $4, 0)`,
				b.id(code+" "+string(d)), b.ID(code), string(d), limit)
		}
	}
	b.insert(`INSERT INTO budgets (id, payer_id, year, item, lim, used, issued) VALUES ($1, $2, $3, $4, 100000000, 0, $5)`,
		b.id("budget"), b.ID(Data), Year, Item, true)
}

func (b builder) ledger() {
	ctx := context.Background()
	for _, y := range []duoyun.System{
		{Code: "hrss-core", Name: "社保核心业务系统", AgencyID: b.ID(HRSS), Level: 3, Cloud: duoyun.CloudOn},
		{Code: "hrss-secret", Name: "涉密系统", AgencyID: b.ID(HRSS), Level: 3, Classified: true, Cloud: duoyun.CloudUnsuitable, Reason: "涉密"},
		{Code: "hrss-four", Name: "四级系统", AgencyID: b.ID(HRSS), Level: 4, Cloud: duoyun.CloudUnsuitable, Reason: "等保四级"},
		{Code: "edu-web", Name: "教育门户", AgencyID: b.ID(Edu), Level: 2, Cloud: duoyun.CloudNot},
	} {
		y.ID = b.id(y.Code)
		b.ok(b.Store.InsertSystem(ctx, b.tx, y))
	}
	b.ok(b.Store.InsertProject(ctx, b.tx, duoyun.Project{ID: b.id("SQ-2026-017"), Number: "SQ-2026-017", Name: "社保扩容",
		AgencyID: b.ID(HRSS), Approved: 50_000_000, Funds: "财政资金", Year: 2026}))
	b.ok(b.Store.PutApprovalRule(ctx, b.tx, duoyun.ApprovalRule{ID: b.id("rule"), AgencyID: b.ID(City), Form: duoyun.FormOpen,
		Review: true, Confirm: true, NeedsProject: true,
		Signers: []duoyun.Sign{{Role: duoyun.RoleApprover}, {Role: duoyun.RoleFinance, At: City}}}))
}
