package procurement

import (
	"fmt"

	"github.com/duoyun/duoyun"
)

// maxCeiling is a hundred thousand million yuan: more on one contract is a slip of the pen.
const maxCeiling duoyun.Fen = 10_000_000_000_000

func (in ContractInput) check() error {
	var f duoyun.Faults
	line(&f, "number", in.Number, 1, 60)
	line(&f, "supplier", in.Supplier, 1, 60)
	line(&f, "name", in.Name, 1, 80)
	if in.Start.IsZero() {
		f.Add("start", "", "须写明合同首日", "names its first day")
	}
	year(&f, "start", in.Start)
	year(&f, "end", in.End)
	if !in.Start.Before(in.End) {
		f.Add("end", in.End.String(), "应晚于合同首日", "must follow the first day")
	}
	checkCeiling(&f, in.Ceiling)
	checkRules(&f, in.Rules)
	checkClause(&f, in.SLA)
	checkAllocation(&f, in.Allocation, in.Share)
	checkPrices(&f, in.Items, in.Start, in.End)
	return f.Err()
}

func (in ContractUpdate) check(c duoyun.Contract) error {
	var f duoyun.Faults
	if in.Name != nil {
		line(&f, "name", *in.Name, 1, 80)
	}
	if in.End != nil {
		year(&f, "end", *in.End)
		if !c.Start.Before(*in.End) {
			f.Add("end", in.End.String(), "应晚于合同首日 "+c.Start.String(), "must follow the first day, "+c.Start.String())
		}
	}
	if in.Ceiling != nil {
		checkCeiling(&f, *in.Ceiling)
	}
	allocation, share := c.Allocation, c.Share
	set(&allocation, in.Allocation)
	set(&share, in.Share)
	checkAllocation(&f, allocation, share)
	if in.State != nil {
		oneOf(&f, "state", *in.State, StateActive, StateSuspended, StateTerminated)
	}
	return f.Err()
}

func checkCeiling(f *duoyun.Faults, ceiling duoyun.Fen) {
	if ceiling <= 0 || ceiling > maxCeiling {
		f.Add("ceiling", ceiling.String(), "合同总价应大于 0 且不超过 "+maxCeiling.String()+" 元", "must be above 0 and at most "+maxCeiling.String()+" yuan")
	}
}

func checkAllocation(f *duoyun.Faults, allocation string, share int64) {
	oneOf(f, "allocation", allocation, "score", "department", "shares")
	between(f, "share", share, 0, 100)
	if allocation == "shares" && share == 0 {
		f.Add("share", "0", "按份额分配须写明份额", "an allocation by shares states the share")
	}
}

func checkRules(f *duoyun.Faults, r duoyun.ContractRules) {
	oneOf(f, "rules.proration", r.Proration, duoyun.ProrateSecond, duoyun.ProrateByDay, duoyun.ProrateByDay30, duoyun.ProrateHalfMonth,
		duoyun.ProrateNextMonth, duoyun.ProrateWholeMonth)
	oneOf(f, "rules.billing_start", r.BillingStart, "", "confirmation", "delivery", "next_day", "next_month")
	oneOf(f, "rules.resize_effective", r.ResizeEffective, "", "at_once", "next_day", "next_half", "next_month")
	oneOf(f, "rules.full_month", r.FullMonth, "", "days")
	percent(f, "rules.tax_percent", r.TaxPercent)
	between(f, "rules.silence_days", int64(r.SilenceDays), 0, 60)
}

// checkClause asks for tiers from the best down, each with a larger credit than the one before, none above the cap.
func checkClause(f *duoyun.Faults, c duoyun.SLAClause) {
	if c.Kind != "" {
		oneOf(f, "sla.kind", c.Kind, duoyun.Kinds()...)
	}
	percent(f, "sla.target", c.Target)
	percent(f, "sla.cap", c.Cap)
	between(f, "sla.min_outage_minutes", int64(c.MinOutage), 0, 24*60)
	between(f, "sla.notice_days", int64(c.NoticeDays), 0, 90)
	if len(c.Tiers) > 20 {
		f.Add("sla.tiers", fmt.Sprint(len(c.Tiers)), "最多 20 档", "at most 20 tiers")
		return
	}
	for i, t := range c.Tiers {
		path := fmt.Sprintf("sla.tiers[%d]", i)
		percent(f, path+".below", t.Below)
		percent(f, path+".credit", t.Credit)
		if i > 0 && (t.Below.Cmp(c.Tiers[i-1].Below) >= 0 || t.Credit.Cmp(c.Tiers[i-1].Credit) <= 0) {
			f.Add(path, t.Below.String()+" "+t.Credit.String(), "各档应由高到低排列，赔付比例逐档增加", "tiers go from the best down, each with a larger credit")
		}
	}
}
