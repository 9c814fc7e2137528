package document_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker/document"
)

// example is the document of the reference page.
const example = `form: open                 # 单据类型
agency: suqian/hrss        # 使用单位
payer: suqian/data         # 付费单位
project: SQ-2026-017       # 立项
system: hrss-core          # 信息系统
stage: production          # 环境
purpose: 社保核心业务扩容    # 申请事由
period: {start: 2026-12-01, months: 12, renew: ask}   # 使用期限
funding:                   # 资金
  - {year: 2026, item: 信息系统运行维护费, limit: "7200.00"}
  - {year: 2027, item: 信息系统运行维护费, limit: "79200.00", status: intent}
lines:
  - {kind: server, name: app, quantity: 3, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}, login: key}
  - {kind: disk, name: data, attach: app, per: each, spec: {size_gib: 500, class: ssd}}
  - {kind: load_balancer, name: entry, members: app, spec: {port: 443}}
  - {kind: bucket, name: archive, spec: {size_gib: 2048, class: standard}}
  - {kind: address, name: vip, zone: extranet_public, spec: {count: 1}}
  - {kind: service, name: mig, item: 迁移服务, quantity: 10, unit: 人天}
requires:
  sites: [suqian]
  xinchuang: {required: true, cpu: [kunpeng, hygon], os: [kylin-v10]}
  same_supplier: true
  on_shortage: hold
supplier_wish: {use: telecom-suqian, reason: 与现有系统同云}
attachments: []
`

// parse reads a document that has to be good.
func parse(t *testing.T, text string) duoyun.OrderRequest {
	t.Helper()
	req, err := document.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// refusal reads a document that has to be refused, and gives its faults by path.
func refusal(t *testing.T, text string) map[string]duoyun.Fault {
	t.Helper()
	_, err := document.Parse([]byte(text))
	var e *duoyun.Error
	if !errors.As(err, &e) || e.Code != duoyun.CodeInvalid {
		t.Fatalf("want a refusal, got %v", err)
	}
	faults := map[string]duoyun.Fault{}
	for _, f := range e.Faults {
		if f.Rule.ZH == "" || f.Rule.EN == "" {
			t.Errorf("%s is told in one language only: %+v", f.Path, f.Rule)
		}
		faults[f.Path] = f
	}
	return faults
}

func TestTheExampleMeansWhatItSays(t *testing.T) {
	t.Parallel()
	req := parse(t, example)
	if req.Form != duoyun.FormOpen || req.Agency != "suqian/hrss" || req.Payer != "suqian/data" || req.Period.Months != 12 {
		t.Errorf("head: %+v", req)
	}
	if len(req.Funding) != 2 || req.Funding[0].Limit != 720_000 || req.Funding[0].Status != "hold" || req.Funding[1].Status != "intent" {
		t.Errorf("funding: %+v", req.Funding)
	}
	app, _ := req.Line("app")
	if want := (duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10"}); !reflect.DeepEqual(app.Spec, duoyun.Spec(want)) || app.Quantity != 3 {
		t.Errorf("app: %+v", app)
	}
	entry, _ := req.Line("entry")
	if entry.Zone != "extranet_public" || !reflect.DeepEqual(entry.Members, []duoyun.Reference{"app"}) {
		t.Errorf("a load balancer stands in the zone of its servers: %+v", entry)
	}
	mig, _ := req.Line("mig")
	if mig.Spec != (duoyun.ServiceSpec{Name: "迁移服务", Unit: "人天"}) || mig.Quantity != 10 {
		t.Errorf("mig: %+v", mig)
	}
	units, err := req.Units(nil)
	if err != nil || len(units) != 3+3+1+1+1+1 {
		t.Errorf("%d units, %v", len(units), err)
	}
}

func TestWhatIsWrittenReadsBackTheSame(t *testing.T) {
	t.Parallel()
	req := parse(t, example)
	written := document.Marshal(req)
	again := parse(t, string(written))
	if !reflect.DeepEqual(req, again) {
		t.Errorf("read back:\n%+v\nwas:\n%+v", again, req)
	}
	if twice := document.Marshal(again); string(twice) != string(written) {
		t.Errorf("written twice:\n%s\nonce:\n%s", twice, written)
	}
	raw, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	var stored duoyun.OrderRequest
	if err := json.Unmarshal(raw, &stored); err != nil || !reflect.DeepEqual(req, stored) {
		t.Errorf("stored and read: %v\n%+v", err, stored)
	}
}

// chinese is the example with Chinese keys and values.
const chinese = `单据类型: 新申请
使用单位: suqian/hrss
付费单位: suqian/data
立项: SQ-2026-017
信息系统: hrss-core
环境: 生产
申请事由: 社保核心业务扩容
使用期限: {开始日期: 2026-12-01, 月数: 12}
资金:
  - {年度: 2026, 预算科目: 信息系统运行维护费, 限额: "7200.00"}
  - {年度: 2027, 预算科目: 信息系统运行维护费, 限额: "79200.00", 资金状态: intent}
明细:
  - {类型: 云主机, 名称: app, 数量: 3, 网络分区: extranet_public, 规格: {核数: 4, 内存: 16, 系统盘: 100, 镜像: kylin-v10}}
  - {类型: 云硬盘, 名称: data, 挂载到: app, 配比: each, 规格: {容量: 500, 存储类型: ssd}}
`

func TestChineseKeysSayTheSameAsEnglishOnes(t *testing.T) {
	t.Parallel()
	zh, en := parse(t, chinese), parse(t, example)
	en.Lines, en.Requires, en.SupplierWish, en.Attachments = en.Lines[:2], duoyun.Requires{OnShortage: "hold"}, duoyun.SupplierWish{}, nil
	zh.Attachments = nil
	if !reflect.DeepEqual(zh, en) {
		t.Errorf("zh: %+v\nen: %+v", zh, en)
	}
}

func TestJSONIsReadToo(t *testing.T) {
	t.Parallel()
	req := parse(t, `{"form":"release","agency":"suqian/hrss","purpose":"下线","lines":[{"resource":"宿人社政云资〔2026〕0001号"}]}`)
	if req.Lines[0].Action != duoyun.ActionRelease || req.Lines[0].Name == "" || req.Lines[0].Quantity != 1 {
		t.Errorf("a release line: %+v", req.Lines[0])
	}
}

func TestAnUnknownKeyNamesTheNearest(t *testing.T) {
	t.Parallel()
	for wrong, meant := range map[string]string{
		"agencies: suqian/hrss":      "agency",
		"使用部门: suqian/hrss":          "agency",
		"purpos: 扩容":                 "purpose",
		"reqires: {sites: [suqian]}": "requires",
	} {
		key, _, _ := strings.Cut(wrong, ":")
		f, told := refusal(t, example+wrong+"\n")[key]
		if !told || !strings.Contains(f.Rule.EN, meant) || !strings.Contains(f.Rule.ZH, meant) {
			t.Errorf("%s: %+v", wrong, f)
		}
	}
	inSpec := strings.Replace(example, "ram_gib: 16", "memory: 16", 1)
	if f := refusal(t, inSpec)["lines[0].spec.memory"]; !strings.Contains(f.Rule.EN, "ram_gib") {
		t.Errorf("memory: %+v", f)
	}
}

func TestEveryFaultIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	bad := strings.NewReplacer("vcpu: 4", "vcpu: 0", "size_gib: 500", "size_gib: -1", "attach: app", "attach: ap", "port: 443", "port: 70000",
		`limit: "7200.00"`, `limit: "7200.001"`, "extranet_public", "moon", "months: 12", "months: 999", "on_shortage: hold", "on_shortage: pray").Replace(example)
	faults := refusal(t, bad)
	for _, path := range []string{"lines[0].spec.vcpu", "lines[0].zone", "lines[1].spec.size_gib", "lines[1].attach", "lines[2].spec.port",
		"funding[0].limit", "period.months", "requires.on_shortage"} {
		if f, told := faults[path]; !told || f.Given == "" {
			t.Errorf("%s is not told: %+v", path, f)
		}
	}
}

func TestANullThatIsWrittenOutIsAFaultAndABlankIsNot(t *testing.T) {
	t.Parallel()
	for _, null := range []string{"null", "~", "Null"} {
		f := refusal(t, strings.Replace(example, "quantity: 3", "quantity: "+null, 1))["lines[0].quantity"]
		if f.Given != null || !strings.Contains(f.Rule.ZH, "不能为 null") {
			t.Errorf("%s: %+v", null, f)
		}
	}
	if f := refusal(t, `{"form": "open", "agency": null}`)["agency"]; !strings.Contains(f.Rule.EN, "may not be null") {
		t.Errorf("JSON: %+v", f)
	}
	if req := parse(t, strings.Replace(example, "payer: suqian/data", "payer:", 1)); req.Payer != "" {
		t.Errorf("blank: %q", req.Payer)
	}
}

func TestANumberTooLongNamesTheFieldsBounds(t *testing.T) {
	t.Parallel()
	for written, want := range map[string]duoyun.Fault{
		"quantity: 99999999999999999999": {Path: "lines[0].quantity", Rule: duoyun.Text{EN: "2000"}},
		"vcpu: 99999999999999999999":     {Path: "lines[0].spec.vcpu", Rule: duoyun.Text{EN: "between 1 and"}},
		"months: -99999999999999999999":  {Path: "period.months", Rule: duoyun.Text{EN: "between 0 and 60"}},
	} {
		key, given, _ := strings.Cut(written, ": ")
		was := map[string]string{"quantity": "quantity: 3", "vcpu": "vcpu: 4", "months": "months: 12"}[key]
		faults := refusal(t, strings.Replace(example, was, written, 1))
		if f := faults[want.Path]; f.Given != given || !strings.Contains(f.Rule.EN, want.Rule.EN) {
			t.Errorf("%s: %+v", written, faults)
		}
	}
}

func TestHostileTextIsRefusedWhole(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty":                     "",
		"comment only":              "# nothing\n",
		"a list":                    "- form: open\n",
		"a billion laughs":          "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n",
		"an alias":                  strings.Replace(example, "payer: suqian/data", "payer: &p suqian/data", 1),
		"a merge key":               "<<: {form: open}\n" + example,
		"a tag":                     strings.Replace(example, "form: open", "form: !!str open", 1),
		"a key twice":               example + "form: open\n",
		"a key twice, once Chinese": example + "单据类型: open\n",
		"two documents":             example + "---\n" + example,
		"deep nesting":              "form: " + strings.Repeat("[", 500) + strings.Repeat("]", 500) + "\n",
		"deep JSON":                 strings.Repeat(`{"form":`, 500) + "1" + strings.Repeat("}", 500),
		"a control char":            strings.Replace(example, "社保", "社\x00保", 1),
		"bad UTF-8":                 strings.Replace(example, "社保", "\xff\xfe", 1),
		"a byte order mark":         "\xef\xbb\xbf" + example,
		"too large":                 example + "# " + strings.Repeat("x", document.MaxBytes),
		"a float quantity":          strings.Replace(example, "quantity: 3", "quantity: 3.5", 1),
		"money as a float":          strings.Replace(example, `"7200.00"`, "7.2e3", 1),
		"absurd quantity":           strings.Replace(example, "quantity: 3", "quantity: 99999999999999999999", 1),
		"too many units":            strings.Replace(example, "quantity: 3", "quantity: 1500", 1),
		"octal":                     strings.Replace(example, "quantity: 3", "quantity: 0o3", 1),
		"yes for true":              strings.Replace(example, "same_supplier: true", "same_supplier: yes", 1),
		"broken YAML":               "form: [open\n",
	} {
		if faults := refusal(t, text); len(faults) == 0 {
			t.Errorf("%s is refused without a reason", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{example, chinese, "", "form: open", `{"form":"open"}`, "a: &a [*a]", "form: [", "<<: {}", "lines: [{kind: server}]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		req, err := document.Parse(raw)
		if err != nil {
			if duoyun.CodeOf(err) != duoyun.CodeInvalid {
				t.Fatalf("refused with %q: %v", duoyun.CodeOf(err), err)
			}
			return
		}
		again, err := document.Parse(document.Marshal(req))
		if err != nil || !reflect.DeepEqual(req, again) {
			t.Fatalf("what was read does not read back: %v\n%+v\n%+v", err, req, again)
		}
	})
}

func TestAStartInThePastIsNamedWithoutTheFundingThatFollowsFromIt(t *testing.T) {
	t.Parallel()
	today := duoyun.Date{Year: 2027, Month: 1, Day: 1}
	text := "form: open\nagency: suqian/hrss\nsystem: hrss-core\npurpose: 测试\nperiod: {start: 2026-01-01, months: 12}\nfunding: [{year: YEAR, item: 运维, limit: \"1\"}]\n" +
		"lines:\n  - {kind: disk, name: data, spec: {size_gib: 10, class: ssd}}\n"
	_, err := document.ParseOn([]byte(strings.Replace(text, "YEAR", "2027", 1)), today)
	if duoyun.CodeOf(err) != duoyun.CodeInvalid {
		t.Fatal(err)
	}
	if f := err.(*duoyun.Error).Faults; len(f) != 1 || f[0].Path != "period.start" || f[0].Given != "2026-01-01" {
		t.Errorf("%+v", f)
	}
	if _, err := document.ParseOn([]byte(strings.Replace(text, "YEAR", "2026", 1)), today); err != nil {
		t.Errorf("a document that may have been taken before is read: %v", err)
	}
}
