package document_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker/document"
)

// faultsOf gives every fault of a document that has to be refused, in order.
func faultsOf(t *testing.T, raw []byte) duoyun.Faults {
	t.Helper()
	_, err := document.Parse(raw)
	var e *duoyun.Error
	if !errors.As(err, &e) || e.Code != duoyun.CodeInvalid || len(e.Faults) == 0 {
		t.Fatalf("want a refusal, got %v of %.200q", err, raw)
	}
	return e.Faults
}

// full names every text, number and choice a document may hold, as JSON, so that any of them may be replaced.
const full = `{"form":"open","agency":"suqian/hrss","payer":"suqian/data","project":"P-1","system":"core","stage":"production","purpose":"扩容",
"period":{"start":"2026-12-01","months":3,"renew":"ask"},
"funding":[{"year":2026,"item":"运维费","limit":"7200.00","status":"hold"},{"year":2027,"item":"运维费","limit":"7200.00","status":"intent"}],
"lines":[{"kind":"server","name":"app","quantity":2,"zone":"extranet_public","spec":{"vcpu":4,"ram_gib":16,"system_disk_gib":100,"image":"kylin-v10","ports":[22]},"login":"key"},
{"kind":"disk","name":"data","attach":"app","per":"each","spec":{"size_gib":500,"class":"ssd"}},
{"kind":"load_balancer","name":"entry","members":["app"],"spec":{"port":443,"member_port":8443}},
{"kind":"public_ip","name":"pub","attach":"entry","spec":{"bandwidth_mbps":10}},
{"kind":"address","name":"vip","zone":"extranet_public","spec":{"count":1}},
{"kind":"service","name":"mig","item":"迁移服务","quantity":10,"unit":"人天"}],
"requires":{"sites":["suqian"],"xinchuang":{"required":true,"cpu":["kunpeng"],"os":["kylin-v10"]},"same_supplier":true,"on_shortage":"hold","exact_flavor":true},
"supplier_wish":{"use":"telecom","reason":"同云"},"attachments":["a.pdf"]}`

// leaves calls f for every scalar of the document, with its path and what replaces it.
func leaves(v any, path string, set func(any), f func(path string, was any, set func(any))) {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			leaves(e, strings.TrimPrefix(path+"."+k, "."), func(n any) { x[k] = n }, f)
		}
	case []any:
		for i, e := range x {
			leaves(e, fmt.Sprintf("%s[%d]", path, i), func(n any) { x[i] = n }, f)
		}
	default:
		f(path, v, set)
	}
}

// stands reports whether a fault at told is about the value at path: there, around it, below it, or where the line that it
// names or hangs on is spoken of. What no parser is given is told by its line.
func stands(path, told string) bool {
	line, _, _ := strings.Cut(path, ".")
	named := strings.HasSuffix(path, ".name") && (strings.Contains(told, ".attach") || strings.Contains(told, ".members"))
	return strings.HasPrefix(told, path) || strings.HasPrefix(path, told) || told == "line 1" || named ||
		strings.HasSuffix(path, ".attach") && strings.HasPrefix(told, line+".")
}

// Whatever single value is replaced by something hostile, the document is refused and the fault stands at that value, or
// at what refers to it; never another error, never a crash, and nothing hostile is repeated to a terminal.
func TestAHostileValueAnywhereIsFaultedWhereItStands(t *testing.T) {
	t.Parallel()
	if _, err := document.Parse([]byte(full)); err != nil {
		t.Fatal(err)
	}
	hostile := []any{"a\x00b", "\u202egpj.exe", "a\u200bb", "\x1b[2J", "a\r\nb", strings.Repeat("长", 3000), "", " ", "a\u2028b", json.Number("1e400"), json.Number("-1"), json.Number("99999999999999999999"),
		json.Number("1.5"), json.Number("9223372036854775808"), true, []any{}, []any{[]any{}}, map[string]any{}, map[string]any{"x": "y"}, "＝ＳＵＭ（）\x7f", "-0", "0x10", "null"}
	var root any
	decoder := json.NewDecoder(strings.NewReader(full))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		t.Fatal(err)
	}
	tried := 0
	leaves(root, "", nil, func(path string, was any, set func(any)) {
		defer set(was)
		for _, bad := range hostile {
			set(bad)
			raw, err := json.Marshal(root)
			if err != nil {
				t.Fatal(err)
			}
			tried++
			req, err := document.Parse(raw)
			if err == nil { // not every value is wrong everywhere; what is taken is clean and stays what it is
				if again, err := document.Parse(document.Marshal(req)); err != nil || !reflect.DeepEqual(req, again) {
					t.Errorf("%s = %.40q is taken and does not read back: %v", path, fmt.Sprint(bad), err)
				}
				if s, isText := bad.(string); isText && strings.ContainsAny(s, "\x00\x1b\x7f\r\u202e\u200b\u2028") {
					t.Errorf("%s = %q is taken", path, s)
				}
				continue
			}
			var told *duoyun.Error
			if !errors.As(err, &told) || told.Code != duoyun.CodeInvalid {
				t.Errorf("%s = %.40q: %v", path, fmt.Sprint(bad), err)
				continue
			}
			near := false
			for _, f := range told.Faults {
				near = near || stands(path, f.Path)
				if strings.ContainsAny(f.Given+f.Path, "\x00\x1b\x7f\r\n\u202e\u200b\u2028") || len([]rune(f.Given)) > 100 || f.Rule.ZH == "" || f.Rule.EN == "" {
					t.Errorf("%s = %.40q is told as %+v", path, fmt.Sprint(bad), f)
				}
			}
			if !near {
				t.Errorf("%s = %.40q is not told where it stands: %v", path, fmt.Sprint(bad), told.Faults)
			}
		}
	})
	if tried < 1000 {
		t.Errorf("only %d values were tried", tried)
	}
}

// Faults in several places are all named in one answer, each once, whichever places they are.
func TestEveryFaultyPlaceIsNamedInOneAnswer(t *testing.T) {
	t.Parallel()
	breaks := map[string][2]string{ // path → what it is, and a value no document may have there
		"agency": {`"suqian/hrss"`, `"宿迁"`}, "project": {`"P-1"`, `"P\t1"`}, "system": {`"core"`, `"Core"`}, "stage": {`"production"`, `"prod"`},
		"period.months": {`"months":3`, `"months":-3`}, "funding[0].limit": {`"7200.00","status":"hold"`, `7200.00,"status":"hold"`}, "funding[1].status": {`"intent"`, `"later"`},
		"lines[4].spec.count": {`"count":1`, `"count":99`}, "lines[0].spec.vcpu": {`"vcpu":4`, `"vcpu":1024`}, "lines[0].spec.ports[0]": {`[22]`, `[70000]`},
		"lines[1].spec.size_gib": {`500`, `0`}, "lines[2].spec.port": {`"port":443`, `"port":"443"`}, "lines[3].spec.bandwidth_mbps": {`"bandwidth_mbps":10`, `"bandwidth_mbps":10.5`},
		"lines[5].unit": {`"人天"`, `""`}, "requires.xinchuang.cpu[0]": {`"kunpeng"`, `"intel"`}, "requires.same_supplier": {`"same_supplier":true`, `"same_supplier":"true"`},
		"requires.on_shortage": {`"on_shortage":"hold"`, `"on_shortage":"wait"`}, "supplier_wish.use": {`"telecom"`, `"电信"`}, "attachments[0]": {`"a.pdf"`, `" a.pdf"`},
	}
	for path, b := range breaks {
		if strings.Count(full, b[0]) != 1 {
			t.Fatalf("%s: %s stands %d times", path, b[0], strings.Count(full, b[0]))
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		paths := slices.Sorted(maps.Keys(breaks))
		chosen := rapid.SliceOfNDistinct(rapid.SampledFrom(paths), 1, len(paths), rapid.ID[string]).Draw(rt, "broken")
		text := full
		for _, path := range chosen {
			text = strings.Replace(text, breaks[path][0], breaks[path][1], 1)
		}
		_, err := document.Parse([]byte(text))
		var e *duoyun.Error
		if !errors.As(err, &e) {
			rt.Fatalf("%v is taken", chosen)
		}
		told := map[string]int{}
		for _, f := range e.Faults {
			told[f.Path]++
		}
		for _, path := range chosen {
			if told[path] != 1 {
				rt.Fatalf("%s is told %d times: %v", path, told[path], e.Faults)
			}
			delete(told, path)
		}
		for path := range told {
			rt.Fatalf("%s is told though it is sound: %v", path, e.Faults)
		}
	})
}

// Any document that Check lets pass is written so that it reads back as itself, whatever its texts hold.
func TestAnySoundDocumentReadsBackAsItself(t *testing.T) {
	t.Parallel()
	word := rapid.OneOf(rapid.StringMatching(`[a-z0-9][a-z0-9.-]{0,8}`), rapid.SampledFrom([]string{"null", "true", "no", "~", "1e3", "0x1f", "1.5", "2026-12-01", "-1", ".inf", "12", "0o7", "yes"}))
	odd := rapid.SampledFrom([]string{"null", "true", "~", "- a", "# no", "a: b", "a #b", "{", "[x]", "'", "\"", "\\", "|", ">", "%", "@", "`", "&a", "*a", "!t", "---", "...", "?", "<<", "=", "是", "2026-12-01", "1_000", "é", "：", "𠮷", "0"})
	texts := func(most int) *rapid.Generator[string] {
		return rapid.OneOf(odd, rapid.Custom(func(t *rapid.T) string {
			return strings.TrimSpace(strings.Join(rapid.SliceOfN(rapid.OneOf(odd, word), 1, most).Draw(t, "parts"), rapid.SampledFrom([]string{" ", ""}).Draw(t, "between")))
		}))
	}
	prose := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(texts(3), 1, 4).Draw(t, "lines"), rapid.SampledFrom([]string{"\n", "\n\n", "\t", "\n ", "  ", " \n"}).Draw(t, "breaks")) + rapid.SampledFrom([]string{"", "\n", " ", "\t"}).Draw(t, "end")
	})
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(g *rapid.Generator[string], name string) string { return g.Draw(rt, name) }
		name := rapid.StringMatching(`[a-z0-9一-龥-]{1,10}`)
		req := duoyun.OrderRequest{Form: duoyun.FormOpen, Agency: "suqian", Payer: rapid.SampledFrom([]string{"", "a/b"}).Draw(rt, "payer"), Project: draw(texts(2), "project"),
			System: draw(word, "system"), Stage: "test", Purpose: draw(prose, "purpose"), Period: duoyun.Period{Start: duoyun.Date{Year: 2026, Month: 12, Day: 1}, Renew: "no"},
			Requires:    duoyun.Requires{OnShortage: "undo", Sites: rapid.SliceOfN(word, 0, 3).Draw(rt, "sites"), SameSupplier: rapid.Bool().Draw(rt, "same")},
			Attachments: rapid.SliceOfN(texts(3), 0, 3).Draw(rt, "attachments")}
		if rapid.Bool().Draw(rt, "wish") {
			req.SupplierWish = duoyun.SupplierWish{Use: draw(word, "use"), Reason: draw(prose, "reason")}
		}
		for i := range rapid.IntRange(1, 2).Draw(rt, "fundings") {
			req.Funding = append(req.Funding, duoyun.Funding{Year: 2026, Item: fmt.Sprint(draw(texts(2), "item"), i), Limit: duoyun.Fen(rapid.Int64Range(1, 1e11).Draw(rt, "limit")), Status: "hold"})
		}
		server := draw(name, "server")
		req.Lines = []duoyun.Line{
			{Kind: duoyun.KindServer, Name: server, Quantity: rapid.Int64Range(1, 9).Draw(rt, "n"), Zone: duoyun.ZoneExtranetPublic, Login: "secret",
				Spec: duoyun.ServerSpec{VCPU: 1, RAMGiB: 1, SystemDiskGiB: 20, Image: draw(word, "image"), Ports: rapid.SliceOfN(rapid.IntRange(1, 65535), 0, 3).Draw(rt, "ports")}},
			{Kind: duoyun.KindDisk, Name: server + "d", Quantity: 1, Zone: duoyun.ZoneExtranetPublic, Attach: duoyun.Reference(server), Spec: duoyun.DiskSpec{SizeGiB: 1, Class: draw(word, "class")}},
			{Kind: duoyun.KindService, Name: server + "s", Quantity: 1, Spec: duoyun.ServiceSpec{Name: draw(texts(2), "service"), Unit: draw(word, "unit")}},
			{Kind: duoyun.KindAddress, Name: server + "a", Quantity: 1, Zone: duoyun.ZoneExtranetPublic, Spec: duoyun.AddressSpec{Count: rapid.Int64Range(0, 3).Draw(rt, "count")}},
		}
		if req.Check() != nil {
			return // not a sound one
		}
		for i := range req.Requires.Sites {
			if len(req.Requires.Sites) == 0 || req.Requires.Sites[i] == "" {
				return
			}
		}
		if len(req.Requires.Sites) == 0 {
			req.Requires.Sites = nil
		}
		if len(req.Attachments) == 0 {
			req.Attachments = nil
		}
		if s := req.Lines[0].Spec.(duoyun.ServerSpec); len(s.Ports) == 0 {
			s.Ports = nil
			req.Lines[0].Spec = s
		}
		written := document.Marshal(req)
		again, err := document.Parse(written)
		if err != nil || !reflect.DeepEqual(req, again) {
			rt.Fatalf("%v\nwritten:\n%s\nread: %+v\nwas:  %+v", err, written, again, req)
		}
		if twice := document.Marshal(again); string(twice) != string(written) {
			rt.Fatalf("written again otherwise:\n%s\n%s", written, twice)
		}
	})
}

// Every name of a choice, in either language, means its code; nothing else is one.
func TestEveryChoiceHasItsChineseName(t *testing.T) {
	t.Parallel()
	for zh, en := range map[string]string{
		"生产": "stage: production", "测试": "stage: test", "灾备": "stage: dr", "挂起": "requires: {on_shortage: hold}", "部分开通": "requires: {on_shortage: partial}", "撤销": "requires: {on_shortage: undo}",
	} {
		key, code, _ := strings.Cut(strings.TrimSuffix(en[strings.LastIndexAny(en, "{")+1:], "}"), ": ")
		old := map[string]string{"stage": "stage: production", "on_shortage": "on_shortage: hold"}[key]
		a, b := parse(t, strings.Replace(example, old, key+": "+zh, 1)), parse(t, strings.Replace(example, old, key+": "+code, 1))
		if !reflect.DeepEqual(a, b) {
			t.Errorf("%s is not %s", zh, en)
		}
		refusal(t, strings.Replace(example, old, key+": "+zh+"吧", 1))
	}
	for zh, want := range map[string]duoyun.Form{"变更": duoyun.FormChange, "注销": duoyun.FormRelease, "续期": duoyun.FormRenew} {
		_, err := document.Parse([]byte("单据类型: " + zh + "\n"))
		_, same := document.Parse([]byte("form: " + string(want) + "\n"))
		if err == nil || same == nil || err.Error() != same.Error() {
			t.Errorf("%s: %v\n%s: %v", zh, err, want, same)
		}
	}
}
