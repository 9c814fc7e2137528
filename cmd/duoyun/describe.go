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
	var events map[string]any
	if err := c.get(cmd.Context(), path+"/events", nil, &events); err != nil {
		return err
	}
	if a.output != "table" {
		return a.print(cmd.OutOrStdout(), map[string]any{"order": order, "recommendation": advice, "delivery_sheet": sheet, "events": events["items"]}, nil, nil)
	}
	return a.describeText(cmd.OutOrStdout(), order, advice, sheet, events)
}

func (a *app) describeText(w io.Writer, order, advice, sheet, events map[string]any) error {
	if err := a.table(w, []any{order}, orderColumns()); err != nil {
		return err
	}
	section := func(zh, en string) { fmt.Fprintf(w, "\n%s\n", a.say(zh, en)) }
	section("申报", "Requested")
	if err := a.table(w, rowsOf(order, "requested.lines"), []column{{"名称", "LINE", "name"}, {"类型", "KIND", "kind:kind"}, {"数量", "QUANTITY", "quantity"}, {"规格", "SPEC", "spec:spec"}}); err != nil {
		return err
	}
	section("核定", "Approved")
	if err := a.table(w, rowsOf(order, "approved"), []column{{"名称", "LINE", "line"}, {"核定", "APPROVED", "approved"}, {"核减理由", "REASON", "reason"}}); err != nil {
		return err
	}
	for _, component := range rowsOf(advice, "components") {
		section("推荐："+text(component, "lines"), "Recommendation for "+text(component, "lines"))
		if err := a.candidates(w, component); err != nil {
			return err
		}
	}
	section("资源交付单", "Delivery sheet")
	if err := a.table(w, rowsOf(sheet, "items"), sheetColumns()); err != nil {
		return err
	}
	section("办理记录", "Events")
	return a.table(w, rowsOf(events, "items"), []column{{"时间", "AT", "at"}, {"办理人", "ACTOR", "actor"}, {"事项", "ACTION", "action:action"}, {"状态", "TO", "to:order"}, {"意见", "NOTE", "note"}})
}

func sheetColumns() []column {
	return []column{{"资源单号", "NUMBER", "resource.number"}, {"类型", "KIND", "resource.kind:kind"}, {"名称", "NAME", "resource.name"}, {"资源池", "POOL", "pool"},
		{"地址", "ADDRESSES", "resource.addresses"}, {"系统", "OS", "os"}, {"服务量", "WORK", "work"}, {"登录", "LOGIN", "login"}, {"到期", "EXPIRES", "expires"}, {"模拟环境", "SIMULATED", "simulated"}}
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
	for _, d := range rowsOf(candidate, "dropped") {
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
