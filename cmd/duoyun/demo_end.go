package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// summary is what a director would ask for.
func (d *demo) summary(ctx context.Context) error {
	d.tell.title("小结（模拟环境，示例价格）", "Summary (simulated clouds, example prices)")
	for _, part := range []func(context.Context) error{d.placement, d.bySupplier, d.savings, d.money, d.adoption} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return nil
}

// placement shows one component's candidates: every supplier's price and the reasons.
func (d *demo) placement(ctx context.Context) error {
	var r map[string]any
	if err := d.play.as("procurement").get(ctx, "/v1/orders/"+url.PathEscape(d.numbers[0])+"/recommendation", nil, &r); err != nil {
		return err
	}
	first := rowsOf(r, "components")[0]
	d.tell.say("▸ 选型 %s：%s", "▸ placement of %s: %s", d.numbers[0], text(first, "lines"))
	return d.candidates(d.tell.w, first)
}

func (d *demo) bySupplier(ctx context.Context) error {
	resources, err := d.play.all(ctx, "auditor", "/v1/resources", nil)
	if err != nil {
		return err
	}
	orders, err := d.play.all(ctx, "auditor", "/v1/orders", url.Values{"state": {string(duoyun.OrderConfirmed)}})
	if err != nil {
		return err
	}
	counts := map[string]map[string]int{}
	for _, r := range resources {
		if s := duoyun.ResourceState(text(r, "state")); !s.Live() {
			continue
		}
		name := text(r, "supplier.name")
		if counts[name] == nil {
			counts[name] = map[string]int{}
		}
		counts[name][text(r, "kind")]++
	}
	d.tell.say("▸ 已办结申请单 %d 张", "▸ orders completed: %d", len(orders))
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(counts[name])) {
			parts = append(parts, fmt.Sprintf("%s %d", words("kind", k).In(d.tell.app.language()), counts[name][k]))
		}
		d.tell.say("▸ %s：%s", "▸ %s: %s", name, strings.Join(parts, "，"))
	}
	return nil
}

// savings compares what was requested with what was approved, at the chosen suppliers' prices.
func (d *demo) savings(ctx context.Context) error {
	var total duoyun.Fen
	for _, number := range d.numbers {
		var order, advice map[string]any
		if err := d.play.as("auditor").get(ctx, "/v1/orders/"+url.PathEscape(number), nil, &order); err != nil {
			return err
		}
		if err := d.play.as("auditor").get(ctx, "/v1/orders/"+url.PathEscape(number)+"/recommendation", nil, &advice); err != nil {
			return err
		}
		saved, err := d.saved(order, advice)
		if err != nil {
			return err
		}
		total += saved
	}
	d.tell.say("▸ 核减节约 %s 元（申报与核定之差，按中选价格与使用期限计）", "▸ saved by cutting back: %s yuan (requested less approved, at the chosen prices over the terms)", total)
	return nil
}

// saved is the requested units that were not approved, at the price the chosen candidate asked per unit: by the month,
// or once.
func (d *demo) saved(order, advice map[string]any) (duoyun.Fen, error) {
	req, err := d.play.requested(order)
	if err != nil {
		return 0, err
	}
	units, err := req.Units(nil)
	if err != nil {
		return 0, err
	}
	asked := map[string]int64{}
	for _, u := range units {
		asked[u.Line] += u.Quantity()
	}
	raw, err := json.Marshal(advice)
	if err != nil {
		return 0, err
	}
	var r duoyun.Recommendation
	if err := json.Unmarshal(raw, &r); err != nil {
		return 0, err
	}
	var saved duoyun.Fen
	for _, c := range r.Components {
		for _, l := range c.Candidates[0].Lines {
			if l.Units > 0 {
				cut := asked[l.Line] - l.Units
				saved += l.Monthly.Amount().Share(cut*int64(req.Period.Months), l.Units).Plus(l.Once.Amount().Share(cut, l.Units)).HalfUp()
			}
		}
	}
	return saved, nil
}

func (d *demo) money(ctx context.Context) error {
	budgets, err := d.play.all(ctx, "auditor", "/v1/budgets", nil)
	if err != nil {
		return err
	}
	years := map[string]duoyun.Fen{}
	for _, b := range budgets {
		used, err := duoyun.ParseFen(text(b, "used"))
		if err != nil {
			return err
		}
		years[text(b, "year")] += used
	}
	for _, y := range slices.Sorted(maps.Keys(years)) {
		d.tell.say("▸ %s 年度承诺 %s 元", "▸ committed for %s: %s yuan", y, years[y])
	}
	total, err := d.statementTotal(ctx)
	if err == nil {
		d.tell.say("▸ %s 结算合计 %s 元", "▸ statements of %s: %s yuan", d.scenario.Story.Month, total)
	}
	return err
}

func (d *demo) statementTotal(ctx context.Context) (total duoyun.Fen, err error) {
	statements, err := d.play.all(ctx, "finance", "/v1/statements", url.Values{"month": {d.scenario.Story.Month}})
	for _, s := range statements {
		f, perr := duoyun.ParseFen(text(s, "total"))
		total, err = total+f, errors.Join(err, perr)
	}
	return total, err
}

func (d *demo) adoption(ctx context.Context) error {
	var a map[string]any
	if err := d.play.as("auditor").get(ctx, "/v1/adoption", nil, &a); err != nil {
		return err
	}
	d.tell.say("▸ 上云率 %s/%s = %s %%，未上云：", "▸ adoption %s/%s = %s %%; not on the cloud:", text(a, "on_cloud"), text(a, "total"), text(a, "percent"))
	return d.tell.table(rowsOf(a, "not_on"), []column{{"系统", "SYSTEM", "name"}, {"单位", "AGENCY", "agency.name"}, {"状态", "STATE", "cloud:cloud"}, {"原因", "REASON", "reason"}})
}

// verify compares what the system says with what the store and the simulated clouds hold, and names every difference.
func (d *demo) verify(ctx context.Context) error {
	if err := d.tell.during("核对", "verifying", func() error {
		return errors.Join(d.verifyClouds(ctx), d.verifyHolds(ctx), d.verifyFigures(ctx))
	}); err != nil {
		return fmt.Errorf("demo: the end state is wrong: %w", err)
	}
	d.tell.say("✓ 系统、账本与各模拟云一致", "✓ system, ledger and simulated clouds agree")
	return nil
}

// verifyClouds counts, per pool and kind, what the clouds hold against what we say we have there.
func (d *demo) verifyClouds(ctx context.Context) error {
	resources, err := d.play.all(ctx, "auditor", "/v1/resources", nil)
	if err != nil {
		return err
	}
	ours := map[string]int{} // pool and simulated kind → live resources
	for _, r := range resources {
		kind, bought := simulatedKinds()[duoyun.Kind(text(r, "kind"))]
		if !bought || !duoyun.ResourceState(text(r, "state")).Live() {
			continue
		}
		ours[text(r, "pool.code")+" "+string(kind)]++
		if kind == simcloud.KindServer { // it boots from a volume of its own
			ours[text(r, "pool.code")+" "+string(simcloud.KindVolume)]++
		}
	}
	var errs []error
	for _, p := range d.scenario.Pools {
		i := slices.IndexFunc(d.clouds, func(c *simulated) bool { return c.name == p.Cloud })
		if i < 0 {
			continue
		}
		theirs := d.clouds[i].cloud.Inventory().Counts()
		for _, kind := range simulatedKinds() {
			key := fmt.Sprint(p.Pool["code"], " ", kind)
			if theirs[kind] != ours[key] {
				errs = append(errs, fmt.Errorf("%s: the cloud holds %d, the system says %d", key, theirs[kind], ours[key]))
			}
		}
	}
	return errors.Join(errs...)
}

// simulatedKinds pairs kinds with what a simulated cloud counts as one of them.
func simulatedKinds() map[duoyun.Kind]simcloud.Kind {
	return map[duoyun.Kind]simcloud.Kind{duoyun.KindServer: simcloud.KindServer, duoyun.KindDisk: simcloud.KindVolume,
		duoyun.KindLoadBalancer: simcloud.KindBalancer, duoyun.KindBucket: simcloud.KindBucket, duoyun.KindNetwork: simcloud.KindNetwork,
		duoyun.KindDatabase: simcloud.KindDatabase, duoyun.KindCache: simcloud.KindCache}
}

func (d *demo) verifyHolds(ctx context.Context) error {
	wrong, err := d.house.store.HoldMismatches(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, w := range wrong {
		errs = append(errs, fmt.Errorf("hold: %+v", w))
	}
	return errors.Join(errs...)
}

// verifyFigures holds the white paper's figures, the orders' ends and the statements' sums.
func (d *demo) verifyFigures(ctx context.Context) error {
	var errs []error
	var a map[string]any
	if err := d.play.as("auditor").get(ctx, "/v1/adoption", nil, &a); err != nil {
		return err
	}
	if got := text(a, "on_cloud") + "/" + text(a, "total") + " " + text(a, "percent"); got != "146/153 95.4" {
		errs = append(errs, errors.New("adoption is "+got))
	}
	orders, err := d.play.all(ctx, "auditor", "/v1/orders", nil)
	if err != nil {
		return err
	}
	for _, o := range orders {
		if text(o, "state") != string(duoyun.OrderConfirmed) {
			errs = append(errs, fmt.Errorf("order %s is %s", text(o, "number"), text(o, "state")))
		}
	}
	return errors.Join(append(errs, d.verifyStatements(ctx))...)
}

func (d *demo) verifyStatements(ctx context.Context) error {
	statements, err := d.play.all(ctx, "finance", "/v1/statements", nil)
	if err != nil {
		return err
	}
	if len(statements) != len(d.scenario.Contracts) {
		return fmt.Errorf("%d statements for %d contracts", len(statements), len(d.scenario.Contracts))
	}
	for _, s := range statements {
		lines, err := d.play.all(ctx, "finance", "/v1/statements/"+url.PathEscape(text(s, "id"))+"/lines", nil)
		if err != nil {
			return err
		}
		var sum duoyun.Fen
		for _, l := range lines {
			f, err := duoyun.ParseFen(text(l, "amount"))
			if err != nil {
				return err
			}
			sum += f
		}
		if sum.String() != text(s, "total") {
			return fmt.Errorf("statement %s: lines add up to %s, total is %s", text(s, "number"), sum, text(s, "total"))
		}
	}
	return nil
}
