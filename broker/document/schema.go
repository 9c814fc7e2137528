package document

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/duoyun/duoyun"
)

// order is a document while it is read: its lines still have their specs unread.
type order struct {
	duoyun.OrderRequest
	lines []line
}

// line is a line while it is read: the spec waits for the kind, and a service's fields stand on the line itself.
type line struct {
	duoyun.Line
	spec       *yaml.Node
	item, unit string
}

func orderFields() []field[order] {
	type o = order
	return []field[order]{
		choiceField("form", "单据类型", formNames(), func(o *o) *duoyun.Form { return &o.Form }),
		textField("agency", "使用单位", func(o *o) *string { return &o.Agency }),
		textField("payer", "付费单位", func(o *o) *string { return &o.Payer }),
		textField("project", "立项", func(o *o) *string { return &o.Project }),
		textField("system", "信息系统", func(o *o) *string { return &o.System }),
		choiceField("stage", "环境", stageNames(), func(o *o) *string { return &o.Stage }),
		textField("purpose", "申请事由", func(o *o) *string { return &o.Purpose }),
		nestedField("period", "使用期限", periodFields(), func(o *o) *duoyun.Period { return &o.Period }),
		manyField("funding", "资金", fundingFields(), duoyun.MaxLines, duoyun.Funding{}, func(o *o) *[]duoyun.Funding { return &o.Funding }),
		manyField("lines", "明细", lineFields(), duoyun.MaxLines, line{Line: duoyun.Line{Quantity: 1}}, func(o *o) *[]line { return &o.lines }),
		nestedField("requires", "约束", requiresFields(), func(o *o) *duoyun.Requires { return &o.Requires }),
		nestedField("supplier_wish", "意向供应商", wishFields(), func(o *o) *duoyun.SupplierWish { return &o.SupplierWish }),
		textsField("attachments", "附件", nil, func(o *o) *[]string { return &o.Attachments }),
	}
}

func periodFields() []field[duoyun.Period] {
	type p = duoyun.Period
	return []field[p]{
		dateField("start", "开始日期", func(p *p) *duoyun.Date { return &p.Start }),
		wholeField("months", "月数", func(p *p) *int { return &p.Months }),
		choiceField("renew", "到期处理", renewNames(), func(p *p) *string { return &p.Renew }),
	}
}

func fundingFields() []field[duoyun.Funding] {
	type f = duoyun.Funding
	return []field[f]{
		wholeField("year", "年度", func(f *f) *int { return &f.Year }),
		textField("item", "预算科目", func(f *f) *string { return &f.Item }),
		yuanField("limit", "限额", func(f *f) *duoyun.Fen { return &f.Limit }),
		choiceField("status", "资金状态", fundingNames(), func(f *f) *string { return &f.Status }),
	}
}

func requiresFields() []field[duoyun.Requires] {
	type q = duoyun.Requires
	return []field[q]{
		textsField("sites", "站点", nil, func(q *q) *[]string { return &q.Sites }),
		nestedField("xinchuang", "信创", xinchuangFields(), func(q *q) *duoyun.Xinchuang { return &q.Xinchuang }),
		flagField("same_supplier", "同一供应商", func(q *q) *bool { return &q.SameSupplier }),
		choiceField("on_shortage", "不足时", shortageNames(), func(q *q) *string { return &q.OnShortage }),
		flagField("exact_flavor", "规格一致", func(q *q) *bool { return &q.ExactFlavor }),
	}
}

func xinchuangFields() []field[duoyun.Xinchuang] {
	type x = duoyun.Xinchuang
	return []field[x]{
		flagField("required", "必须", func(x *x) *bool { return &x.Required }),
		textsField("cpu", "处理器", cpuNames(), func(x *x) *[]string { return &x.CPU }),
		textsField("os", "操作系统", systemNames(), func(x *x) *[]string { return &x.OS }),
	}
}

func wishFields() []field[duoyun.SupplierWish] {
	type w = duoyun.SupplierWish
	return []field[w]{
		textField("use", "供应商", func(w *w) *string { return &w.Use }),
		textField("reason", "理由", func(w *w) *string { return &w.Reason }),
	}
}

func lineFields() []field[line] {
	type l = line
	return []field[l]{
		choiceField("kind", "类型", kindNames(), func(l *l) *duoyun.Kind { return &l.Kind }),
		textField("name", "名称", func(l *l) *string { return &l.Name }),
		wholeField("quantity", "数量", func(l *l) *int64 { return &l.Quantity }),
		choiceField("zone", "网络分区", zoneNames(), func(l *l) *string { return &l.Zone }),
		textField("item", "服务项", func(l *l) *string { return &l.item }),
		textField("unit", "单位", func(l *l) *string { return &l.unit }),
		{"spec", "规格", func(_ *reader, _ string, n *yaml.Node, l *l) { l.spec = n }, func(l *l) *yaml.Node { return l.spec }},
		textField("attach", "挂载到", func(l *l) *duoyun.Reference { return &l.Attach }),
		choiceField("per", "配比", perNames(), func(l *l) *string { return &l.Per }),
		textsField("members", "成员", nil, func(l *l) *[]duoyun.Reference { return &l.Members }),
		choiceField("login", "登录方式", loginNames(), func(l *l) *string { return &l.Login }),
		textField("resource", "资源单号", func(l *l) *string { return &l.Resource }),
		choiceField("action", "操作", actionNames(), func(l *l) *duoyun.Action { return &l.Action }),
	}
}

// elsewhere tells where a key would be right, for a key written one level too high or too low.
func elsewhere(key string) (string, bool) {
	for _, p := range places() {
		for _, n := range p.keys {
			if key == n.key || key == n.zh[0] {
				return p.path, true
			}
		}
	}
	return "", false
}

type place struct {
	path string
	keys []names
}

// places lists every mapping of a document with its keys.
func places() []place {
	all := []place{
		{"document", namesOf(orderFields())},
		{"period", namesOf(periodFields())},
		{"funding[]", namesOf(fundingFields())},
		{"lines[]", namesOf(lineFields())},
		{"requires", namesOf(requiresFields())},
		{"requires.xinchuang", namesOf(xinchuangFields())},
		{"supplier_wish", namesOf(wishFields())},
	}
	for _, k := range duoyun.Kinds() {
		if keys := specNames(k); len(keys) > 0 {
			all = append(all, place{fmt.Sprintf("lines[].spec (%s)", k), keys})
		}
	}
	return all
}
