package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
)

func (a *app) describeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "describe order|finding KEY", Short: "申请单或待处理事项全貌 · everything about an order or a finding", Args: cobra.ExactArgs(2),
		ValidArgs: []string{"order", "finding"},
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.connect()
			if err != nil {
				return err
			}
			switch args[0] {
			case "order":
				return a.describe(cmd, c, "/v1/orders/"+url.PathEscape(args[1]))
			case "finding":
				return a.describeFinding(cmd, c, args[1])
			}
			return duoyun.Fail(duoyun.CodeInvalid, "kind", "只能描述 order 或 finding，收到 %s", "an order or a finding can be described, not %s", args[0])
		},
	}
}

// describe reads what the caller may see of an order; parts that are not there yet, or not for this caller, are left
// out.
func (a *app) describe(cmd *cobra.Command, c *client, path string) error {
	var order, advice, sheet map[string]any
	if err := c.get(cmd.Context(), path, nil, &order); err != nil {
		return err
	}
	optional := func(err error) error {
		if code := exitCode(err); code == exitNotFound || code == exitConflict || code == exitForbidden {
			return nil
		}
		return err
	}
	if err := optional(c.get(cmd.Context(), path+"/recommendation", nil, &advice)); err != nil {
		return err
	}
	if err := optional(c.get(cmd.Context(), path+"/delivery-sheet", nil, &sheet)); err != nil {
		return err
	}
	var events, holds, decisions map[string]any
	if err := c.get(cmd.Context(), path+"/events", nil, &events); err != nil {
		return err
	}
	if err := optional(c.get(cmd.Context(), path+"/holds", nil, &holds)); err != nil {
		return err
	}
	if err := optional(c.get(cmd.Context(), path+"/decisions", nil, &decisions)); err != nil {
		return err
	}
	if a.output != "table" {
		return a.print(cmd.OutOrStdout(), map[string]any{"order": order, "recommendation": advice, "delivery_sheet": sheet, "events": events["items"],
			"holds": holds["items"], "decisions": decisions["items"]}, nil, nil)
	}
	if err := a.describeText(cmd.OutOrStdout(), order, advice, sheet, holds); err != nil {
		return err
	}
	return a.historyText(cmd.OutOrStdout(), decisions, events)
}

func (a *app) section(w io.Writer, zh, en string) { fmt.Fprintf(w, "\n%s\n", a.say(zh, en)) }

func (a *app) describeText(w io.Writer, order, advice, sheet, holds map[string]any) error {
	if err := a.table(w, []any{order}, orderColumns()); err != nil {
		return err
	}
	section := func(zh, en string) { a.section(w, zh, en) }
	section("申报", "Requested")
	if err := a.table(w, rowsOf(order, "requested.lines"), []column{{"名称", "LINE", "name"}, {"类型", "KIND", "kind:kind"}, {"数量", "QUANTITY", "quantity"}, {"规格", "SPEC", "spec:spec"}}); err != nil {
		return err
	}
	section("核定", "Approved")
	if err := a.table(w, rowsOf(order, "approved"), []column{{"名称", "LINE", "line"}, {"核定", "APPROVED", "approved"}, {"核减理由", "REASON", "reason"}}); err != nil {
		return err
	}
	for _, component := range rowsOf(advice, "components") {
		section("推荐："+served(component), "Recommendation for "+served(component))
		if err := a.candidates(w, component); err != nil {
			return err
		}
	}
	section("选定", "Chosen")
	if err := a.choices(w, order); err != nil {
		return err
	}
	section("冻结与承诺", "Held and committed")
	if err := a.table(w, rowsOf(holds, "items"), holdColumns()); err != nil {
		return err
	}
	section("资源交付单", "Delivery sheet")
	return a.table(w, rowsOf(sheet, "items"), sheetColumns())
}

// historyText tells what was decided before, and every step.
func (a *app) historyText(w io.Writer, decisions, events map[string]any) error {
	for _, d := range rowsOf(decisions, "items") {
		a.section(w, "此前的选择，"+text(d, "at")+" 起由“"+words("action", text(d, "action")).ZH+"”取代："+text(d, "note"),
			"Chosen before, until "+text(d, "at")+", superseded by "+words("action", text(d, "action")).EN+": "+text(d, "note"))
		if err := a.choices(w, d); err != nil {
			return err
		}
	}
	a.section(w, "办理记录", "Events")
	return a.table(w, rowsOf(events, "items"), []column{{"时间", "AT", "at"}, {"办理人", "ACTOR", "actor"}, {"事项", "ACTION", "action:action"}, {"状态", "TO", "to:order"}, {"意见", "NOTE", "note"}})
}

// choices are the pools confirmed by name, each for its lines or, after a reselection, for some of their units.
func (a *app) choices(w io.Writer, of any) error {
	rows := [][]string{{a.say("内容", "FOR"), a.say("资源池", "POOL"), a.say("合同", "CONTRACT"), a.say("月价(元)", "MONTHLY (yuan)"), a.say("期内(元)", "TERM (yuan)"),
		a.say("年度(元)", "YEARS (yuan)"), a.say("确认人", "BY"), a.say("理由", "REASON")}}
	for _, c := range rowsOf(of, "chosen") {
		var years []string
		for _, y := range rowsOf(c, "years") {
			years = append(years, text(y, "year")+": "+text(y, "amount"))
		}
		rows = append(rows, []string{served(c), text(c, "pool"), text(c, "contract"), text(c, "monthly"), text(c, "total"), strings.Join(years, ", "), text(c, "by"), text(c, "reason")})
	}
	return writeTable(w, rows)
}

// served names what a component or choice is about: whole lines, or units of them.
func served(of any) string {
	if units := text(of, "units"); units != "" {
		return units
	}
	return text(of, "lines")
}

func holdColumns() []column {
	return []column{{"事项", "WHAT", "kind:hold"}, {"合同/单位/资源池", "WHOSE", "owner"}, {"年度", "YEAR", "year"}, {"科目", "ITEM", "item"}, {"维度", "DIMENSION", "dimension:dimension"},
		{"金额(元)", "AMOUNT (yuan)", "amount"}, {"数量", "QUANTITY", "quantity"}, {"资源数", "UNITS", "units"}, {"状态", "STATE", "state:held"}}
}

func sheetColumns() []column {
	return []column{{"资源单号", "NUMBER", "resource.number"}, {"类型", "KIND", "resource.kind:kind"}, {"名称", "NAME", "resource.name"}, {"资源池", "POOL", "pool"},
		{"地址", "ADDRESSES", "resource.addresses"}, {"系统", "OS", "os"}, {"服务量", "WORK", "work"}, {"登录", "LOGIN", "login"}, {"到期", "EXPIRES", "expires"}, {"包年包月至", "PAID UNTIL", "resource.paid_until"}, {"模拟环境", "SIMULATED", "simulated"}}
}

// candidates is the placement table of one component: every supplier's price for it, or why it was dropped. What has no
// price, or no score, shows none.
func (a *app) candidates(w io.Writer, component any) error {
	rows := [][]string{{a.say("资源池", "POOL"), a.say("供应商", "SUPPLIER"), a.say("月价(元)", "MONTHLY (yuan)"), a.say("期内(元)", "TERM (yuan)"), a.say("得分", "SCORE"), a.say("理由", "REASONS")}}
	for _, c := range rowsOf(component, "candidates") {
		row := []string{text(c, "pool"), text(c, "supplier"), text(c, "monthly"), text(c, "total"), text(c, "score"), a.reasons(c)}
		if text(c, "prices") == "" {
			row[2], row[3] = "—", "—"
		}
		if len(rowsOf(c, "dropped")) > 0 {
			row[4] = "—"
		}
		rows = append(rows, row)
	}
	return writeTable(w, rows)
}

func (a *app) reasons(candidate any) string {
	var all []string
	for _, d := range append(rowsOf(candidate, "dropped"), rowsOf(candidate, "failed")...) {
		all = append(all, a.say(text(d, "zh"), text(d, "en")))
	}
	for _, p := range rowsOf(candidate, "parts") {
		all = append(all, a.say(text(p, "reason.zh"), text(p, "reason.en")))
	}
	return strings.Join(all, a.say("；", "; "))
}

// rowsOf reads a list at a dotted path.
func rowsOf(v any, path string) []any {
	rows, _ := dig(v, path).([]any)
	return rows
}
