package document_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker/document"
)

// data orders a database and a cache, in both languages.
const data = `form: open
agency: suqian/hrss
system: hrss-core
purpose: 测试
period: {start: 2026-12-01, months: 1}
funding: [{year: 2026, item: 运维, limit: "9000"}]
lines:
  - {kind: database, name: db, zone: extranet_public, spec: {engine: mysql, version: "8.0", vcpu: 2, ram_gib: 8, storage_gib: 100, standby: true}}
  - {类型: 云缓存, 名称: hot, 网络分区: 公用网络区, 规格: {版本: "7.0", 内存: 2}}
`

func TestDatabasesAndCachesAreReadAndWritten(t *testing.T) {
	t.Parallel()
	req := parse(t, data)
	db, _ := req.Line("db")
	hot, _ := req.Line("hot")
	if db.Spec != (duoyun.DatabaseSpec{Engine: "mysql", Version: "8.0", VCPU: 2, RAMGiB: 8, StorageGiB: 100, Standby: true}) {
		t.Errorf("database: %+v", db)
	}
	if hot.Kind != duoyun.KindCache || hot.Spec != (duoyun.CacheSpec{Version: "7.0", MemoryGiB: 2}) {
		t.Errorf("cache: %+v", hot)
	}
	if db.Login != "secret" || hot.Login != "secret" {
		t.Errorf("logins %q, %q: their administrators have passwords", db.Login, hot.Login)
	}
	if again := parse(t, string(document.Marshal(req))); !reflect.DeepEqual(req, again) {
		t.Errorf("read back:\n%+v\nwas:\n%+v", again, req)
	}
}

func TestAWrongDatabaseIsToldWhatIsMeant(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]struct{ path, rule string }{
		"engine: mysql\x00engine: oracle":                       {"lines[0].spec.engine", "mysql or postgresql"},
		"version: \"8.0\"\x00version: 8.0":                      {"lines[0].spec.version", "quotes"},
		"storage_gib: 100\x00storage_gib: 10":                   {"lines[0].spec.storage_gib", "between 20 and 32768"},
		"storage_gib: 100\x00size_gib: 100":                     {"lines[0].spec.size_gib", "storage_gib"},
		"zone: extranet_public, spec: {engine\x00spec: {engine": {"lines[0].zone", "must be one of"},
		"standby: true}}\x00standby: true}, login: key}":        {"lines[0].login", "secret"},
	} {
		from, to, _ := strings.Cut(given, "\x00")
		faults := refusal(t, strings.Replace(data, from, to, 1))
		if f := faults[want.path]; !strings.Contains(f.Rule.EN, want.rule) {
			t.Errorf("%s: %+v", to, faults)
		}
	}
}
