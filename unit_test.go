package duoyun_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
)

func server(name string, n int64) duoyun.Line {
	return duoyun.Line{Kind: duoyun.KindServer, Name: name, Quantity: n, Zone: duoyun.ZoneExtranetPublic, Login: "key",
		Spec: duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10"}}
}

func disk(name, attach string, n int64, per string) duoyun.Line {
	return duoyun.Line{Kind: duoyun.KindDisk, Name: name, Quantity: n, Zone: duoyun.ZoneExtranetPublic, Attach: duoyun.Reference(attach), Per: per,
		Spec: duoyun.DiskSpec{SizeGiB: 500, Class: "ssd"}}
}

func order(lines ...duoyun.Line) duoyun.OrderRequest {
	return duoyun.OrderRequest{Form: duoyun.FormOpen, Agency: "suqian/hrss", Payer: "suqian/data", System: "hrss-core", Stage: "production",
		Purpose: "扩容", Period: duoyun.Period{Start: duoyun.Date{Year: 2026, Month: 12, Day: 1}, Months: 12, Renew: "ask"},
		Funding: []duoyun.Funding{{Year: 2026, Item: "运行维护费", Limit: 720000, Status: "hold"}, {Year: 2027, Item: "运行维护费", Limit: 7920000, Status: "intent"}},
		Lines:   lines}
}

func count(units []duoyun.Unit, line string) (n int) {
	for _, u := range units {
		if u.Line == line {
			n++
		}
	}
	return n
}

func TestPerEachMultipliesAndACutShrinksWhatHangsOnIt(t *testing.T) {
	t.Parallel()
	r := order(server("app", 3), disk("data", "app", 2, "each"))
	if err := r.Check().Err(); err != nil {
		t.Fatal(err)
	}
	units, err := r.Units(nil)
	if err != nil || count(units, "app") != 3 || count(units, "data") != 6 {
		t.Fatalf("%d servers, %d disks, %v", count(units, "app"), count(units, "data"), err)
	}
	units, err = r.Units([]duoyun.Cut{{Line: "app", Approved: 1, Reason: "峰值不足"}})
	if err != nil || count(units, "app") != 1 || count(units, "data") != 2 {
		t.Fatalf("after the cut: %d servers, %d disks, %v", count(units, "app"), count(units, "data"), err)
	}
}

func TestAServiceIsOneUnitThatCarriesItsQuantity(t *testing.T) {
	t.Parallel()
	mig := duoyun.Line{Kind: duoyun.KindService, Name: "mig", Quantity: 10, Spec: duoyun.ServiceSpec{Name: "迁移服务", Unit: "人天"}}
	r := order(server("app", 2), mig)
	if err := r.Check().Err(); err != nil {
		t.Fatal(err)
	}
	for approved, want := range map[int64]int64{10: 10, 4: 4, 0: 0} {
		units, err := r.Units([]duoyun.Cut{{Line: "mig", Approved: approved, Reason: "工作量核减"}})
		if err != nil {
			t.Fatal(err)
		}
		var got int64
		for _, u := range units {
			if u.Line != "mig" {
				continue
			}
			got += u.Quantity()
			if items := u.Spec.Items(); len(items) != 1 || items[0] != (duoyun.ItemQuantity{Item: "service:迁移服务", Quantity: want}) {
				t.Errorf("%d 人天 are priced as %v", approved, items)
			}
		}
		if got != want || count(units, "mig") > 1 {
			t.Errorf("%d 人天 make %d units of %d in all", approved, count(units, "mig"), got)
		}
	}
	r.Lines[1].Spec = duoyun.ServiceSpec{Name: "迁移服务", Unit: "人天", Quantity: 3}
	if f := r.Check(); len(f) != 1 || f[0].Path != "lines[1].quantity" {
		t.Errorf("a quantity beside the line's: %v", f)
	}
}

func TestEqualQuantitiesPairByOrdinalAndOthersAreRefused(t *testing.T) {
	t.Parallel()
	units, err := order(server("app", 3), disk("data", "app", 3, "")).Units(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range units {
		if u.Line == "data" && u.Parents[0].Ordinal != u.Ordinal {
			t.Errorf("disk %d hangs on server %d", u.Ordinal, u.Parents[0].Ordinal)
		}
	}
	f := order(server("app", 3), disk("data", "app", 2, "")).Check()
	if len(f) != 1 || f[0].Path != "lines[1].quantity" {
		t.Fatal(f)
	}
}

func TestParentsComeBeforeTheirChildren(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 5).Draw(t, "servers")
		lb := duoyun.Line{Kind: duoyun.KindLoadBalancer, Name: "entry", Quantity: 1, Zone: duoyun.ZoneExtranetPublic,
			Members: []duoyun.Reference{"app"}, Spec: duoyun.LoadBalancerSpec{Port: 443}}
		lines := rapid.Permutation([]duoyun.Line{lb, disk("data", "app", rapid.Int64Range(1, 3).Draw(t, "disks"), "each"), server("app", n)}).Draw(t, "lines")
		units, err := order(lines...).Units(nil)
		if err != nil {
			t.Fatal(err)
		}
		done := map[duoyun.Parent]bool{}
		for _, u := range units {
			for _, p := range u.Parents {
				p.Relation = ""
				if !done[p] {
					t.Fatalf("%s %d stands before its parent %v", u.Line, u.Ordinal, p)
				}
			}
			done[duoyun.Parent{Line: u.Line, Ordinal: u.Ordinal}] = true
		}
	})
}

func TestCutsNeverGrowAndStateTheirReason(t *testing.T) {
	t.Parallel()
	r := order(server("app", 2))
	big := duoyun.ServerSpec{VCPU: 8, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10"}
	for name, c := range map[string]duoyun.Cut{
		"cuts[0].approved": {Line: "app", Approved: 3, Reason: "多"},
		"cuts[0].reason":   {Line: "app", Approved: 1},
		"cuts[0].line":     {Line: "none", Approved: 1, Reason: "无"},
		"cuts[0].spec":     {Line: "app", Approved: 2, Spec: big, Reason: "加"},
	} {
		_, err := r.Units([]duoyun.Cut{c})
		if duoyun.CodeOf(err) != duoyun.CodeInvalid || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAbsurdQuantitiesAreRefusedWithoutOverflow(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, -1, 1 << 62, 2001} {
		if f := order(server("app", n), disk("data", "app", 1<<62, "each")).Check(); len(f) == 0 {
			t.Errorf("%d servers were taken", n)
		}
	}
}

func TestLinesJoinedByReferencesFormOneComponent(t *testing.T) {
	t.Parallel()
	bucket := duoyun.Line{Kind: duoyun.KindBucket, Name: "archive", Quantity: 1, Spec: duoyun.BucketSpec{SizeGiB: 10, Class: "standard"}}
	got := order(disk("data", "app", 1, "each"), bucket, server("app", 1), server("web", 1)).Components()
	if len(got) != 3 || strings.Join(got[0], " ") != "data app" || got[1][0] != "archive" || got[2][0] != "web" {
		t.Fatal(got)
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	r := order(server("App!", 0), disk("data", "none", 1, "twice"))
	r.Agency, r.Stage, r.Period.Months = "Suqian", "live", -1
	paths := map[string]bool{}
	for _, f := range r.Check() {
		paths[f.Path] = true
		if f.Rule.ZH == "" || f.Rule.EN == "" {
			t.Errorf("%s has no rule in both languages", f.Path)
		}
	}
	for _, p := range []string{"agency", "stage", "period.months", "lines[0].name", "lines[0].quantity", "lines[1].attach", "lines[1].per"} {
		if !paths[p] {
			t.Errorf("%s is not named", p)
		}
	}
}

func TestMarksRoundTripAndNothingElseIsOne(t *testing.T) {
	t.Parallel()
	id := "01890a5d-ac96-774b-bcce-b302099a8057"
	if m := duoyun.Mark(id); !duoyun.IsMark(m) || duoyun.ResourceOfMark(m) != id || len(duoyun.StepToken(m, 99, 99)) > 64 {
		t.Error(m)
	}
	for _, s := range []string{"", "dy-", "dy-" + strings.Repeat("g", 32), "xx-" + strings.Repeat("0", 32), "dy-" + strings.Repeat("0", 33)} {
		if duoyun.IsMark(s) {
			t.Errorf("%q passes for a mark", s)
		}
	}
}
