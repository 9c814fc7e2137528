package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode"

	"go.yaml.in/yaml/v4"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/broker/document"
	"github.com/duoyun/duoyun/deploy/scenarios"
)

func TestTablesAlignByDisplayWidthAndShowNoForeignForms(t *testing.T) {
	t.Parallel()
	a := &app{getenv: func(string) string { return "" }, output: "table"}
	var out bytes.Buffer
	rows := []any{map[string]any{"kind": "server", "at": "2026-12-01T01:00:00Z", "spec": map[string]any{"vcpu": 4.0, "image": "kylin"}, "note": "a\x1b[31mb\n"}}
	if err := a.print(&out, rows, rows, []column{{"类型", "KIND", "kind:kind"}, {"时间", "AT", "at"}, {"规格", "SPEC", "spec"}, {"备注", "NOTE", "note"}}); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if displayWidth(lines[0][:strings.Index(lines[0], "时间")]) != displayWidth(lines[1][:strings.Index(lines[1], "2026")]) {
		t.Errorf("columns do not align:\n%s", out.String())
	}
	for _, want := range []string{"云主机", "2026-12-01 09:00", "image=kylin vcpu=4"} {
		if !strings.Contains(lines[1], want) {
			t.Errorf("%q is missing in %q", want, lines[1])
		}
	}
	if strings.ContainsRune(out.String(), 0x1b) {
		t.Error("a control character reaches the terminal")
	}
}

// codesOf reads the enumerations of the API's specification.
func codesOf(t *testing.T) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile("../../openapi/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Components struct {
			Schemas map[string]struct {
				Enum       []string
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	if err := yaml.Unmarshal(raw, &spec); err != nil {
		t.Fatal(err)
	}
	codes := map[string][]string{}
	for name, s := range spec.Components.Schemas {
		codes[name] = s.Enum
		for property, p := range s.Properties {
			codes[name+"."+property] = p.Enum
		}
	}
	return codes
}

func TestEveryCodeOfTheAPIIsSaidInChineseAndInEnglish(t *testing.T) {
	t.Parallel()
	codes := codesOf(t)
	codes["findings"] = slices.Collect(maps.Keys(broker.FindingKinds()))
	codes["actions"] = slices.Collect(maps.Keys(orderActions()))
	for schema, vocabulary := range map[string]string{"OrderState": "order", "TaskKind": "task_kind", "TaskState": "task", "ResourceState": "resource",
		"IncidentState": "incident", "Statement.state": "statement", "FindingState": "finding", "Kind": "kind", "Role": "role", "Dimension": "dimension",
		"CloudState": "cloud", "Attribution": "attribution", "SupplierClass": "supplier_class", "Circuit": "circuit", "findings": "finding_kind", "actions": "action"} {
		if len(codes[schema]) == 0 {
			t.Errorf("the specification has no codes of %s", schema)
		}
		for _, code := range codes[schema] {
			got := words(vocabulary, code)
			if got.ZH == code || got.EN == "" || !strings.ContainsFunc(got.ZH, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
				t.Errorf("%s %s: %+v", schema, code, got)
			}
		}
	}
}

func TestMetersSpecsAndAnswersAreSaidInTheUsersLanguage(t *testing.T) {
	t.Parallel()
	row := map[string]any{"meter": "disk_ssd_gib", "work": "service:迁移服务", "simulated": true, "state": "signing",
		"spec": map[string]any{"class": "ssd", "size_gib": 500.0, "image": "", "vcpu": 0.0}}
	columns := []column{{"计量项", "METER", "meter:item"}, {"服务", "WORK", "work:item"}, {"模拟", "SIMULATED", "simulated"},
		{"状态", "STATE", "state:order"}, {"规格", "SPEC", "spec:spec"}}
	for lang, want := range map[string]string{
		"zh-CN": "云硬盘 固态（GiB） 迁移服务 是 审批会签 存储类型=固态 容量 GiB=500",
		"en":    "disk_ssd_gib service:迁移服务 yes signing class=ssd size_gib=500",
	} {
		a := &app{getenv: func(string) string { return "" }, output: "table", lang: lang}
		var out bytes.Buffer
		if err := a.table(&out, []any{row}, columns); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(strings.Fields(strings.Split(out.String(), "\n")[1]), " "); got != want {
			t.Errorf("%s: %s, want %s", lang, got, want)
		}
	}
}

func TestCandidatesWithoutPriceOrScoreShowNone(t *testing.T) {
	t.Parallel()
	dropped := []any{map[string]any{"zh": "没有价格", "en": "no price"}, map[string]any{"zh": "容量不足", "en": "too small"}}
	component := map[string]any{"candidates": []any{
		map[string]any{"pool": "best", "monthly": "10.00", "total": "120.00", "score": 8500.0, "prices": "h"},
		map[string]any{"pool": "priced", "monthly": "9.00", "total": "108.00", "score": 0.0, "prices": "h", "dropped": dropped[1:]},
		map[string]any{"pool": "unpriced", "monthly": "0.00", "total": "0.00", "score": 0.0, "prices": "", "dropped": dropped},
	}}
	var out bytes.Buffer
	if err := (&app{getenv: func(string) string { return "" }}).candidates(&out, component); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"best 10.00 120.00 8500", "priced 9.00 108.00 — 容量不足", "unpriced — — — 没有价格；容量不足"} {
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), want) {
			t.Errorf("%q is missing in\n%s", want, out.String())
		}
	}
}

func TestAllPagesMakeOneDocument(t *testing.T) {
	t.Parallel()
	for pages := range 4 {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n, _ := strconv.Atoi(r.URL.Query().Get("after"))
			page := map[string]any{"items": []any{}}
			if n < pages {
				page["items"] = []any{map[string]any{"number": fmt.Sprint("<", 2*n), "spec": map[string]any{"ports": []any{1, 2}}}, map[string]any{"number": fmt.Sprint("<", 2*n+1)}}
			}
			if n+1 < pages {
				page["next"] = fmt.Sprint(n + 1)
			}
			_ = json.NewEncoder(w).Encode(page)
		}))
		defer s.Close()
		for form, read := range map[string]func([]byte, any) error{"json": json.Unmarshal, "yaml": func(raw []byte, v any) error { return yaml.Unmarshal(raw, v) }} {
			var out bytes.Buffer
			cmd := (&app{getenv: func(string) string { return "" }}).command()
			cmd.SetOut(&out)
			cmd.SetArgs([]string{"get", "orders", "--all-pages", "-o", form, "--server", s.URL, "--token", "t"})
			if err := cmd.ExecuteContext(t.Context()); err != nil {
				t.Fatal(err)
			}
			var got struct{ Items []struct{ Number string } }
			if err := read(out.Bytes(), &got); err != nil || len(got.Items) != 2*pages {
				t.Fatalf("%s, %d pages: %v\n%s", form, pages, err, out.String())
			}
			for i, x := range got.Items {
				if x.Number != fmt.Sprint("<", i) {
					t.Errorf("%s, entry %d: %s", form, i, x.Number)
				}
			}
		}
	}
}

func TestConfigurationIsFileThenEnvironmentAndNamesEveryFault(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "c.yaml")
	write := func(s string) {
		if err := os.WriteFile(file, []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	env := map[string]string{"DUOYUN_DATABASE": "other.db"}
	get := func(k string) string { return env[k] }
	write("listen: 127.0.0.1:9\ndatabase: file.db\n")
	c, err := loadConfig(file, true, get)
	if err != nil || c.Listen != "127.0.0.1:9" || c.Database != "other.db" || c.Role != "all" {
		t.Fatalf("%+v, %v", c, err)
	}
	env["DUOYUN_VENDOR_RATE"] = "many"
	write("role: boss\nlisten: nowhere\nlog_level: loud\nredis: here\n")
	_, err = loadConfig(file, true, get)
	var e *duoyun.Error
	if !errors.As(err, &e) || len(e.Faults) != 6 {
		t.Fatalf("faults: %v", err)
	}
	write("lisen: x\n")
	if _, err = loadConfig(file, true, get); duoyun.CodeOf(err) != duoyun.CodeInvalid || !strings.Contains(err.Error(), "lisen") {
		t.Fatalf("an unknown key: %v", err)
	}
	if _, err := loadConfig(file+".none", true, get); duoyun.CodeOf(err) != duoyun.CodeInvalid {
		t.Fatalf("a named file that is missing: %v", err)
	}
	if _, err := loadConfig(file+".none", false, func(string) string { return "" }); err != nil {
		t.Fatalf("defaults: %v", err)
	}
}

func TestTheSealKeyIsMadeOnceHoweverManyStartAtATime(t *testing.T) {
	t.Parallel()
	c := config{SealKeyFile: filepath.Join(t.TempDir(), "key")}
	keys := make([]string, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			k, err := c.sealKey()
			if err != nil {
				t.Error(err)
			}
			keys[i] = string(k)
		})
	}
	wg.Wait()
	for _, k := range keys {
		if k != keys[0] || len(k) != 32 {
			t.Fatal("two starts have two keys")
		}
	}
	if info, err := os.Stat(c.SealKeyFile); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

func TestACallWhoseReplyIsLostIsMadeAgainUnderItsKeyAndARefusalIsNot(t *testing.T) {
	t.Parallel()
	var keys []string
	answers := []int{http.StatusServiceUnavailable, http.StatusOK, http.StatusConflict}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		status := answers[len(keys)-1]
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"detail": "说明", "code": "conflict", "faults": []any{map[string]any{"path": "p", "rule": "r", "given": "g"}}})
	}))
	defer s.Close()
	c := newClient(s.URL, "t", "zh-CN")
	if err := c.post(t.Context(), "/x", body{}, nil); err != nil {
		t.Fatal(err)
	}
	if len(keys) != 2 || keys[0] == "" || keys[0] != keys[1] {
		t.Fatalf("keys %v", keys)
	}
	err := c.post(t.Context(), "/x", body{}, nil)
	if len(keys) != 3 || exitCode(err) != exitConflict || !strings.Contains(err.Error(), "p: r ← g") {
		t.Fatalf("%d calls, %v", len(keys), err)
	}
}

func TestEveryDocumentOfTheScenarioIsSound(t *testing.T) {
	t.Parallel()
	files, err := fs.Sub(scenarios.Suqian, "suqian")
	if err != nil {
		t.Fatal(err)
	}
	s, err := readScenario(files)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Departments) != 61 || len(s.Systems) != 153 || len(s.Story.Orders) == 0 {
		t.Errorf("%d departments, %d systems", len(s.Departments), len(s.Systems))
	}
	for _, c := range s.Story.Orders {
		raw, err := fs.ReadFile(files, c.File)
		if err == nil {
			_, err = document.Parse(raw)
		}
		if err != nil {
			t.Errorf("%s: %v", c.File, err)
		}
	}
}
