package duoyun_test

import (
	"testing"

	"github.com/duoyun/duoyun"
)

func TestADatabaseIsResizedAndGrownAndACacheIsResized(t *testing.T) {
	t.Parallel()
	type database = duoyun.DatabaseSpec
	type cache = duoyun.CacheSpec
	was := database{Engine: duoyun.EngineMySQL, Version: "8.0", VCPU: 2, RAMGiB: 8, StorageGiB: 100, Standby: true}
	bigger, grown := was, was
	bigger.VCPU, bigger.RAMGiB = 4, 16
	grown.StorageGiB = 200
	small := cache{Version: "7.0", MemoryGiB: 2}
	for name, c := range map[string]struct {
		before duoyun.Spec
		action duoyun.Action
		asked  duoyun.Spec
		want   duoyun.Spec // nil: refused
	}{
		"resize":                        {was, duoyun.ActionResize, database{VCPU: 4, RAMGiB: 16}, bigger},
		"resize, the rest as it is":     {was, duoyun.ActionResize, bigger, bigger},
		"resize to another version":     {was, duoyun.ActionResize, database{Version: "5.7", VCPU: 4, RAMGiB: 16}, nil},
		"resize that grows":             {was, duoyun.ActionResize, database{VCPU: 4, RAMGiB: 16, StorageGiB: 200}, nil},
		"grow":                          {was, duoyun.ActionGrow, database{StorageGiB: 200}, grown},
		"grow that resizes":             {was, duoyun.ActionGrow, database{VCPU: 4, StorageGiB: 200}, nil},
		"shrink":                        {was, duoyun.ActionGrow, database{StorageGiB: 50}, nil},
		"stop":                          {was, duoyun.ActionStop, nil, nil},
		"resize a database as a server": {was, duoyun.ActionResize, duoyun.ServerSpec{VCPU: 4, RAMGiB: 16}, nil},
		"resize a cache":                {small, duoyun.ActionResize, cache{MemoryGiB: 4}, cache{Version: "7.0", MemoryGiB: 4}},
		"resize a cache to another":     {small, duoyun.ActionResize, cache{Version: "6.0", MemoryGiB: 4}, nil},
		"a standby where there is none": {small, duoyun.ActionResize, cache{MemoryGiB: 4, Standby: true}, nil},
		"grow a cache":                  {small, duoyun.ActionGrow, cache{MemoryGiB: 4}, nil},
	} {
		got, err := duoyun.Line{Action: c.action, Spec: c.asked}.After(c.before)
		if c.want == nil && duoyun.CodeOf(err) != duoyun.CodeInvalid || c.want != nil && (err != nil || !duoyun.SameSpec(got, c.want)) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	for _, before := range []duoyun.Spec{was, small} {
		if got, err := (duoyun.Line{Action: duoyun.ActionRelease}).After(before); got != nil || err != nil {
			t.Errorf("release of %s: %v, %v", before.Kind(), got, err)
		}
	}
}

func TestBothNodesOfAStandbyAreChargedAndCounted(t *testing.T) {
	t.Parallel()
	s := duoyun.DatabaseSpec{Engine: duoyun.EnginePostgreSQL, Version: "15", VCPU: 2, RAMGiB: 8, StorageGiB: 100, Standby: true}
	items, quota := map[duoyun.Item]int64{}, s.Quota()
	for _, i := range s.Items() {
		items[i.Item] = i.Quantity
	}
	if items["postgresql_vcpu"] != 4 || items["postgresql_ram_gib"] != 16 || items["database_storage_gib"] != 200 || len(items) != 3 {
		t.Errorf("items: %v", items)
	}
	if quota[duoyun.QuotaDatabases] != 1 || quota[duoyun.QuotaVCPU] != 4 || quota[duoyun.QuotaRAMGiB] != 16 || quota[duoyun.QuotaDiskGiB] != 200 {
		t.Errorf("quota: %v", quota)
	}
	for item := range items {
		if len(item.Units()) == 0 {
			t.Errorf("%s has no unit", item)
		}
	}
}
