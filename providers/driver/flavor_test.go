package driver_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun/providers/driver"
)

func sizes() []driver.Flavor {
	return []driver.Flavor{
		{ID: "a", Name: "c2m4d0", VCPU: 2, RAMMiB: 4096},
		{ID: "b", Name: "c2m8d40", VCPU: 2, RAMMiB: 8192, DiskGiB: 40},
		{ID: "c", Name: "c4m16d40", VCPU: 4, RAMMiB: 16384, DiskGiB: 40},
		{ID: "d", Name: "c4m16d200", VCPU: 4, RAMMiB: 16384, DiskGiB: 200},
		{ID: "e", Name: "c4m16d100", VCPU: 4, RAMMiB: 16384, DiskGiB: 100},
		{ID: "f", Name: "c4m32d100", VCPU: 4, RAMMiB: 32768, DiskGiB: 100},
		{ID: "g", Name: "c8m16d100", VCPU: 8, RAMMiB: 16384, DiskGiB: 100},
	}
}

func TestTheCheapestFlavorThatCoversTheDemandIsChosen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		demand driver.Demand
		want   string // "": none
	}{
		"the least local disk that is large enough":      {driver.Demand{VCPU: 4, RAMGiB: 16, DiskGiB: 100}, "e"},
		"a larger size where none is equal":              {driver.Demand{VCPU: 3, RAMGiB: 10, DiskGiB: 100}, "e"},
		"a volume where no local disk is large enough":   {driver.Demand{VCPU: 4, RAMGiB: 16, DiskGiB: 500}, "c"},
		"vCPU count before memory":                       {driver.Demand{VCPU: 4, RAMGiB: 20, DiskGiB: 100}, "f"},
		"no flavor is large enough":                      {driver.Demand{VCPU: 16, RAMGiB: 16, DiskGiB: 100}, ""},
		"system disks on volumes: the flavor's is waste": {driver.Demand{VCPU: 4, RAMGiB: 16, DiskGiB: 100, Volume: true}, "c"},
		"local disks only":                               {driver.Demand{VCPU: 2, RAMGiB: 4, DiskGiB: 100, Local: true}, "e"},
		"exactly what was asked":                         {driver.Demand{VCPU: 4, RAMGiB: 16, DiskGiB: 100, Exact: true}, "e"},
		"exact, on a volume of just that size":           {driver.Demand{VCPU: 2, RAMGiB: 4, DiskGiB: 70, Exact: true}, "a"},
		"exact, and only larger ones are there":          {driver.Demand{VCPU: 3, RAMGiB: 16, DiskGiB: 100, Exact: true}, ""},
	} {
		got, ok := driver.Choose(sizes(), c.demand)
		if got.ID != c.want || ok != (c.want != "") {
			t.Errorf("%s: %+v, %v; want %q", name, got, ok, c.want)
		}
	}
}

func TestTheChoiceDoesNotDependOnTheOrderOfTheCatalogueAndAlwaysCovers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := driver.Demand{VCPU: rapid.Int64Range(1, 10).Draw(t, "vcpu"), RAMGiB: rapid.Int64Range(1, 40).Draw(t, "ram"),
			DiskGiB: rapid.Int64Range(20, 300).Draw(t, "disk"), Volume: rapid.Bool().Draw(t, "volume")}
		first, ok := driver.Choose(sizes(), d)
		other, again := driver.Choose(rapid.Permutation(sizes()).Draw(t, "order"), d)
		if first != other || ok != again {
			t.Fatalf("%+v, then %+v", first, other)
		}
		if ok && (first.VCPU < d.VCPU || first.RAMMiB < d.RAMGiB*1024) {
			t.Fatalf("%+v does not cover %+v", first, d)
		}
		if !ok && d.VCPU <= 4 && d.RAMGiB <= 32 {
			t.Fatalf("nothing chosen for %+v", d)
		}
	})
}
