package broker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
)

// demand is what one component needs of a pool and a contract.
type demand struct {
	units    []duoyun.Unit
	period   duoyun.Period
	requires duoyun.Requires
	level    duoyun.Protection
	pins     []string  // ids of the pools where what it hangs on, or what hangs on it, runs
	supplier string    // id of the one that has to serve it too; "": any
	failures []Failure // of its units
	at       time.Time
}

// demandOf is what some of all the order's units need.
func demandOf(in inputs, units, all []duoyun.Unit) demand {
	d := demand{units: units, period: in.Requested.Period, requires: in.Requested.Requires, level: in.Level, supplier: in.Supplier, at: in.At}
	own := map[unitKey]bool{}
	for _, u := range units {
		own[keyOf(u)] = true
	}
	pin := func(pool string) {
		if pool != "" && !slices.Contains(d.pins, pool) {
			d.pins = append(d.pins, pool)
		}
	}
	for _, u := range all {
		for _, p := range u.Parents {
			above := unitKey{p.Line, p.Ordinal}
			switch {
			case own[keyOf(u)] && p.Resource != "":
				pin(in.Pinned[p.Resource])
			case own[keyOf(u)] && !own[above]:
				pin(in.Bought[above.String()])
			case !own[keyOf(u)] && own[above]:
				pin(in.Bought[u.Name()])
			}
		}
	}
	d.failures = failuresOf(in.Failures, units)
	return d
}

func failuresOf(all []Failure, units []duoyun.Unit) (failures []Failure) {
	if len(all) == 0 {
		return nil
	}
	names := map[string]bool{}
	for _, u := range units {
		names[u.Name()] = true
	}
	for _, f := range all {
		if names[f.Unit] {
			failures = append(failures, f)
		}
	}
	return failures
}

func because(zh, en string, args ...any) duoyun.Text {
	return duoyun.Text{ZH: fmt.Sprintf(zh, args...), EN: fmt.Sprintf(en, args...)}
}

// kinds lists the kinds of the units, as a document presents them.
func (d demand) kinds() []duoyun.Kind {
	return slices.DeleteFunc(duoyun.Kinds(), func(k duoyun.Kind) bool {
		return !slices.ContainsFunc(d.units, func(u duoyun.Unit) bool { return u.Kind == k })
	})
}

// people reports whether the component is nothing but people's work, which runs nowhere.
func (d demand) people() bool {
	return !slices.ContainsFunc(d.units, func(u duoyun.Unit) bool { return u.Kind != duoyun.KindService })
}

// misfits gives every reason why the offer can never serve the demand as it stands.
func (d demand) misfits(o duoyun.Offer) []duoyun.Text {
	why := d.misfitKinds(o.Pool)
	why = append(why, d.misfitContract(o)...)
	if d.supplier != "" && d.supplier != o.Supplier.ID {
		why = append(why, because("要求同一云服务商：已开通的部分由另一家提供", "one supplier is asked for, and another has delivered what is there already"))
	}
	if d.people() {
		return why
	}
	why = append(why, d.misfitPlace(o.Pool)...)
	why = append(why, d.misfitXinchuang(o.Pool.Xinchuang)...)
	if d.level > o.Pool.Level {
		why = append(why, because("系统为等保第 %d 级，资源池为第 %d 级", "the system is of protection level %d, the pool of %d", d.level, o.Pool.Level))
	}
	if until := o.Supplier.AssessmentUntil; until.Before(duoyun.DateOf(d.at)) {
		why = append(why, because("云计算服务安全评估已于 %s 到期", "the cloud security assessment expired on %s", until))
	}
	return why
}

func (d demand) misfitKinds(p duoyun.Pool) (why []duoyun.Text) {
	if !p.Active {
		why = append(why, because("资源池已停用", "the pool is not active"))
	}
	for _, k := range d.kinds() {
		switch {
		case !slices.Contains(p.Kinds, k):
			why = append(why, because("不提供%[1]s", "does not offer %[2]s", KindName(k), string(k)))
		case k == duoyun.KindService && p.Driver != "workorder":
			why = append(why, because("人工服务须由工单资源池承接（本池驱动为 %s）", "people's work needs a work-order pool, not %s", p.Driver))
		}
	}
	return why
}

func (d demand) misfitPlace(p duoyun.Pool) (why []duoyun.Text) {
	if sites := d.requires.Sites; len(sites) > 0 && !slices.Contains(sites, p.Site) {
		why = append(why, because("位于 %s，要求 %s", "is at %s; asked for: %s", p.Site, strings.Join(sites, "、")))
	}
	var zones, names []string
	for _, u := range d.units {
		if u.Zone != "" && !slices.Contains(p.Zones, u.Zone) && !slices.Contains(zones, u.Zone) {
			zones, names = append(zones, u.Zone), append(names, duoyun.ZoneName(u.Zone))
		}
	}
	if len(zones) > 0 {
		why = append(why, because("没有%[1]s", "has no zone %[2]s", strings.Join(names, "、"), strings.Join(zones, ", ")))
	}
	if len(d.pins) > 1 || len(d.pins) == 1 && d.pins[0] != p.ID {
		why = append(why, because("所引用的资源在另一资源池", "what it refers to runs in another pool"))
	}
	return why
}

func (d demand) misfitXinchuang(x duoyun.Xinchuang) (why []duoyun.Text) {
	asked := d.requires.Xinchuang
	if !asked.Required {
		return nil
	}
	if !meets(x.CPU, asked.CPU) {
		why = append(why, because("信创处理器不符：提供 %s，要求 %s", "its processor families are %s; asked for: %s", listed(x.CPU), listed(asked.CPU)))
	}
	if !meets(x.OS, asked.OS) {
		why = append(why, because("信创操作系统不符：提供 %s，要求 %s", "its operating systems are %s; asked for: %s", listed(x.OS), listed(asked.OS)))
	}
	var missing []string
	for _, u := range d.units {
		if v, ok := u.Spec.(duoyun.ServerSpec); ok && !slices.Contains(x.OS, v.Image) && !slices.Contains(missing, v.Image) {
			missing = append(missing, v.Image)
		}
	}
	if len(missing) > 0 {
		why = append(why, because("没有信创操作系统 %s", "does not offer the operating system %s", listed(missing)))
	}
	return why
}

// meets reports whether one of the families offered is among those asked for; asking for none in particular takes any.
func meets(offered, asked []string) bool {
	if len(asked) == 0 {
		return len(offered) > 0
	}
	return slices.ContainsFunc(asked, func(a string) bool { return slices.Contains(offered, a) })
}

func listed(names []string) string {
	if len(names) == 0 {
		return "—"
	}
	return strings.Join(names, "、")
}

// misfitContract asks that the contract is in force and outlasts the period.
func (d demand) misfitContract(o duoyun.Offer) (why []duoyun.Text) {
	today, c := duoyun.DateOf(d.at), o.Contract
	if c.State != "" && c.State != "active" {
		why = append(why, because("合同 %s 未生效", "contract %s is not active", c.Number))
	}
	if today.Before(c.Start) || !today.Before(c.End) {
		why = append(why, because("合同期为 %s 至 %s", "the contract runs from %s to %s", c.Start, c.End.AddDays(-1)))
	} else if end := d.end(); !end.IsZero() && c.End.Before(end) {
		why = append(why, because("合同于 %s 到期，早于使用期限 %s", "the contract ends on %s, before the period does on %s", c.End.AddDays(-1), end.AddDays(-1)))
	}
	return why
}

// end is the first day after the period; zero when it is open-ended.
func (d demand) end() duoyun.Date { return periodEnd(d.period) }

func periodEnd(p duoyun.Period) duoyun.Date {
	if p.Months == 0 || p.Start.IsZero() {
		return duoyun.Date{}
	}
	return p.Start.AddMonths(p.Months)
}

// shortages gives the dimensions of the pool's declared capacity that do not suffice now.
func (d demand) shortages(o duoyun.Offer) (why []duoyun.Text) {
	need := map[duoyun.Dimension]int64{}
	for _, u := range d.units {
		for dim, n := range u.Spec.Quota() {
			need[dim] += n
		}
	}
	for _, dim := range duoyun.Dimensions() {
		limit, declared := o.Pool.Capacity[dim]
		if left := limit - o.Pool.Used[dim]; declared && need[dim] > left {
			why = append(why, because("容量不足：%[1]s剩余 %[3]d，需要 %[4]d", "not enough capacity: %[2]s has %[3]d left, %[4]d are needed", dim.Text().ZH, dim.Text().EN, left, need[dim]))
		}
	}
	return why
}
