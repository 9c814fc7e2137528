package duoyun

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of an order document. They keep one document from occupying the platform; an agency that needs more writes
// several orders.
const (
	MaxLines       = 200  // lines per order
	MaxUnits       = 2000 // units per order, all lines expanded
	MaxMonths      = 60   // length of a period
	maxFunding     = 40
	maxListed      = 50                // entries of requires and attachments
	maxFunds   Fen = 1_000_000_000_000 // ten thousand million yuan on one line is a slip of the pen
	firstYear      = 2020
	lastYear       = 2060
)

// Check names every rule the document breaks, as far as the document alone can tell: whether agencies, systems and
// resources exist, and whether money suffices, is the broker's to say. Paths are those of the document, such as
// lines[0].spec.vcpu. Defaults must have been filled.
func (r OrderRequest) Check() Faults { return r.CheckOn(Date{}) }

// CheckOn is Check on a day: an open order may not begin before it, which would plan on days that are over and on the
// budget of a year that may be closed. A renewal goes on where its resource ends. The zero day asks for nothing.
func (r OrderRequest) CheckOn(today Date) Faults {
	var f Faults
	if !slices.Contains([]Form{FormOpen, FormChange, FormRenew, FormRelease}, r.Form) {
		f.Add("form", string(r.Form), "单据类型应为 open（新申请）、change（变更）、renew（续期）或 release（注销）",
			"must be open, change, renew or release")
		return f
	}
	r.checkHead(&f)
	r.checkPeriod(&f, today)
	r.checkFunding(&f, today)
	r.checkRequires(&f)
	r.checkLines(&f)
	return f
}

func (r OrderRequest) checkHead(f *Faults) {
	agencyCode(f, "agency", r.Agency, true)
	agencyCode(f, "payer", r.Payer, false)
	oneLine(f, "project", r.Project, 60)
	switch {
	case r.System != "":
		portableName(f, "system", r.System)
	case r.Form == FormOpen:
		f.Add("system", "", "新申请须写明台账中的信息系统", "an open order names a system of the ledger")
	}
	oneOf(f, "stage", r.Stage, "", "production", "test", "dr")
	if strings.TrimSpace(r.Purpose) == "" && r.Form == FormOpen {
		f.Add("purpose", "", "须写明申请事由", "an open order states its purpose")
	}
	prose(f, "purpose", r.Purpose, 500)
	if w := r.SupplierWish; w.Use != "" || w.Reason != "" {
		portableName(f, "supplier_wish.use", w.Use)
		prose(f, "supplier_wish.reason", w.Reason, 200)
	}
	atMost(f, "attachments", len(r.Attachments), maxListed)
	for i, a := range r.Attachments {
		if path := fmt.Sprintf("attachments[%d]", i); a == "" {
			f.Add(path, "", "附件名称不能为空", "an attachment has a name")
		} else {
			oneLine(f, path, a, 200)
		}
	}
}

func (r OrderRequest) checkPeriod(f *Faults, today Date) {
	p := r.Period
	switch r.Form {
	case FormChange, FormRelease:
		if p != (Period{}) {
			f.Add("period", p.Start.String(), "变更和注销不写使用期限", "change and release orders have no period")
		}
		return
	case FormOpen:
		if p.Start.IsZero() {
			f.Add("period.start", "", "须写明开始日期，如 2026-12-01", "an open order states its start date, such as 2026-12-01")
		}
	case FormRenew:
		if p.Months == 0 {
			f.Add("period.months", "", "续期须写明月数", "a renewal states its months")
		}
	}
	switch {
	case p.Start.IsZero():
	case r.begun(today):
		f.Add("period.start", p.Start.String(), "开始日期不能早于今天（"+today.String()+"）", "the start may not be before today ("+today.String()+")")
	case p.Start.Year < firstYear || p.Start.Year > lastYear:
		f.Add("period.start", p.Start.String(), fmt.Sprintf("年份应在 %d 与 %d 之间", firstYear, lastYear),
			fmt.Sprintf("the year must be between %d and %d", firstYear, lastYear))
	}
	between(f, "period.months", int64(p.Months), 0, MaxMonths)
	oneOf(f, "period.renew", p.Renew, "", "ask", "no")
}

// begun reports whether the period of an open order began before today.
func (r OrderRequest) begun(today Date) bool {
	return r.Form == FormOpen && !r.Period.Start.IsZero() && r.Period.Start.Before(today)
}

// checkFunding asks for one line per budget year of the period, since a hold is taken on the (payer, year, item) the
// document names. A year that nothing names could not be charged; a year outside the period would hold money for nothing.
// Of a start that is refused as past the years say nothing: they change with it.
func (r OrderRequest) checkFunding(f *Faults, today Date) {
	if r.Form == FormRelease {
		if len(r.Funding) > 0 {
			f.Add("funding", fmt.Sprint(len(r.Funding)), "注销不写资金", "a release asks for no money")
		}
		return
	}
	atMost(f, "funding", len(r.Funding), maxFunding)
	years, known := r.Period.years()
	known = known && !r.begun(today)
	seen := map[string]bool{}
	for i, x := range r.Funding {
		path := fmt.Sprintf("funding[%d]", i)
		x.check(f, path)
		key := fmt.Sprint(x.Year, x.Item)
		if seen[key] {
			f.Add(path, fmt.Sprint(x.Year, " ", x.Item), "同一年度、同一科目只能写一行", "one line per year and budget item")
		}
		seen[key] = true
		if known && r.Period.Months > 0 && !slices.Contains(years, x.Year) {
			f.Add(path+".year", fmt.Sprint(x.Year), "该年度不在使用期限之内", "the year is outside the period")
		}
	}
	if !known || r.Form == FormChange {
		return
	}
	for _, y := range years {
		if !slices.ContainsFunc(r.Funding, func(x Funding) bool { return x.Year == y }) {
			f.Add("funding", fmt.Sprint(y), fmt.Sprintf("缺少 %d 年度的资金", y), fmt.Sprintf("there is no line for the year %d", y))
		}
	}
}

func (x Funding) check(f *Faults, path string) {
	between(f, path+".year", int64(x.Year), firstYear, lastYear+MaxMonths/12)
	if strings.TrimSpace(x.Item) == "" {
		f.Add(path+".item", x.Item, "须写明预算科目", "a funding line names its budget item")
	}
	oneLine(f, path+".item", x.Item, 60)
	if x.Limit <= 0 || x.Limit > maxFunds {
		f.Add(path+".limit", x.Limit.String(), "限额应大于 0 且不超过 "+maxFunds.String()+" 元",
			"must be above 0 and at most "+maxFunds.String()+" yuan")
	}
	oneOf(f, path+".status", x.Status, "", "hold", "intent")
}

// years lists the budget years (calendar years) the period touches; false when it has no start. An open-ended period
// is known to touch only its first.
func (p Period) years() ([]int, bool) {
	if p.Start.IsZero() || p.Months < 0 || p.Months > MaxMonths {
		return nil, false
	}
	last := p.Start.Year
	if p.Months > 0 {
		last = p.Start.AddMonths(p.Months).AddDays(-1).Year
	}
	var years []int
	for y := p.Start.Year; y <= last; y++ {
		years = append(years, y)
	}
	return years, true
}

// CPUFamilies lists the 信创 processor families an order may ask for and a pool may offer.
func CPUFamilies() []string {
	return []string{"kunpeng", "hygon", "phytium", "loongson", "zhaoxin", "sunway"}
}

// OSFamilies lists the 信创 operating system families; a name is a family, a dash and a version, such as kylin-v10.
func OSFamilies() []string {
	return []string{"kylin", "uos", "openeuler", "anolis", "nfschina", "euleros", "kos"}
}

func (r OrderRequest) checkRequires(f *Faults) {
	q := r.Requires
	oneOf(f, "requires.on_shortage", q.OnShortage, "", "hold", "partial", "undo")
	if r.Form != FormOpen {
		q.OnShortage = ""
		if len(q.Sites)+len(q.Xinchuang.CPU)+len(q.Xinchuang.OS) > 0 || q.SameSupplier || q.ExactFlavor || q.Xinchuang.Required {
			f.Add("requires", "", "只有新申请可以写约束（不足时 on_shortage 除外）", "only open orders may limit what serves them (on_shortage aside)")
		}
		return
	}
	atMost(f, "requires.sites", len(q.Sites), maxListed)
	for i, s := range q.Sites {
		portableName(f, fmt.Sprintf("requires.sites[%d]", i), s)
	}
	q.Xinchuang.Check("requires.xinchuang", f)
	for i, l := range r.Lines {
		s, ok := l.Spec.(ServerSpec)
		if ok && q.Xinchuang.Required && len(q.Xinchuang.OS) > 0 && s.Image != "" && !slices.Contains(q.Xinchuang.OS, s.Image) {
			f.Add(fmt.Sprintf("lines[%d].spec.image", i), s.Image, "镜像不在约束所列的信创操作系统之中："+strings.Join(q.Xinchuang.OS, "、"),
				"the image is none of the systems requires.xinchuang.os lists: "+strings.Join(q.Xinchuang.OS, ", "))
		}
	}
}

// Check asks that every family is a known one.
func (x Xinchuang) Check(path string, f *Faults) {
	atMost(f, path+".cpu", len(x.CPU), maxListed)
	atMost(f, path+".os", len(x.OS), maxListed)
	for i, c := range x.CPU {
		oneOf(f, fmt.Sprintf("%s.cpu[%d]", path, i), c, CPUFamilies()...)
	}
	for i, s := range x.OS {
		family, version, _ := strings.Cut(s, "-")
		if !slices.Contains(OSFamilies(), family) || version == "" {
			f.Add(fmt.Sprintf("%s.os[%d]", path, i), s, "应为 系统-版本，如 kylin-v10，系统为："+strings.Join(OSFamilies(), "、"),
				"must be family-version, such as kylin-v10, the family one of "+strings.Join(OSFamilies(), ", "))
		} else {
			portableName(f, fmt.Sprintf("%s.os[%d]", path, i), s)
		}
	}
}

func oneOf(f *Faults, path, given string, allowed ...string) {
	if slices.Contains(allowed, given) {
		return
	}
	named := slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" })
	f.Add(path, given, "应为："+strings.Join(named, "、"), "must be one of: "+strings.Join(named, ", "))
}

func atMost(f *Faults, path string, n, most int) {
	if n > most {
		f.Add(path, fmt.Sprint(n), fmt.Sprintf("最多 %d 项", most), fmt.Sprintf("at most %d entries", most))
	}
}

func agencyCode(f *Faults, path, code string, required bool) {
	if code == "" && !required {
		return
	}
	parts := strings.Split(code, "/")
	bad := len(parts) > MaxDepth || len(code) > 200
	for _, p := range parts {
		bad = bad || p == "" || strings.Trim(p, "abcdefghijklmnopqrstuvwxyz0123456789-") != ""
	}
	if bad {
		f.Add(path, code, "应为单位代码，如 suqian/hrss：小写字母、数字、横线，以 / 分级，最多 4 级",
			"must be an agency code such as suqian/hrss: lower-case letters, digits and dashes, at most 4 levels apart by /")
	}
}

// oneLine bounds text that stands in lists, numbers and file names: no line breaks, nothing invisible.
func oneLine(f *Faults, path, s string, most int) {
	if utf8.RuneCountInString(s) > most || strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) }) || strings.TrimSpace(s) != s {
		f.Add(path, s, fmt.Sprintf("应为一行可见文字，首尾无空格，不超过 %d 字", most),
			fmt.Sprintf("must be one line of visible text without outer spaces, at most %d characters", most))
	}
}

func prose(f *Faults, path, s string, most int) {
	hidden := func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' && r != '\t' }
	if utf8.RuneCountInString(s) > most || strings.ContainsFunc(s, hidden) {
		f.Add(path, s, fmt.Sprintf("应为可见文字，不超过 %d 字", most), fmt.Sprintf("must be visible text of at most %d characters", most))
	}
}
