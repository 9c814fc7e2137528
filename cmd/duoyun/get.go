package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/duoyun/duoyun"
)

// listing is one thing `get` can list: where it lies, and what a table of it shows.
type listing struct {
	name    string
	path    string
	columns []column
}

func orderColumns() []column {
	return []column{{"单号", "NUMBER", "number"}, {"状态", "STATE", "state:order"}, {"单位", "AGENCY", "agency.name"},
		{"系统", "SYSTEM", "system.name"}, {"合计(元)", "TOTAL (yuan)", "total"}, {"时间", "AT", "created_at"}, {"原因", "REASON", "reason"}}
}

func listings() []listing {
	return []listing{
		{"orders", "/v1/orders", orderColumns()},
		{"tasks", "/v1/tasks", []column{{"任务", "NUMBER", "number"}, {"类型", "KIND", "kind:task_kind"}, {"状态", "STATE", "state:task"},
			{"申请单", "ORDER", "order.code"}, {"角色", "ROLE", "role:role"}, {"单位", "AGENCY", "agency.name"}, {"时间", "AT", "created_at"}}},
		{"resources", "/v1/resources", []column{{"资源单号", "NUMBER", "number"}, {"类型", "KIND", "kind:kind"}, {"名称", "NAME", "name"}, {"状态", "STATE", "state:resource"},
			{"单位", "AGENCY", "agency.name"}, {"资源池", "POOL", "pool.name"}, {"地址", "ADDRESSES", "addresses"}, {"月价(元)", "MONTHLY (yuan)", "monthly"},
			{"包年包月至", "PAID UNTIL", "paid_until"}}},
		{"offers", "/v1/offers", []column{{"供应商", "SUPPLIER", "supplier.name"}, {"资源池", "POOL", "pool.code"}, {"站点", "SITE", "site"}, {"合同", "CONTRACT", "contract"},
			{"计价项", "ITEM", "item.item:item"}, {"名称", "NAME", "item.name"}, {"单价(元)", "PRICE (yuan)", "item.price"}, {"单位", "UNIT", "item.unit"}, {"周期", "PER", "item.per:per"}}},
		{"quotas", "/v1/quotas", []column{{"单位", "AGENCY", "agency.name"}, {"维度", "DIMENSION", "dimension:dimension"}, {"已用", "USED", "used"}, {"上限", "LIMIT", "limit"}}},
		{"budgets", "/v1/budgets", []column{{"付费单位", "PAYER", "payer.name"}, {"年度", "YEAR", "year"}, {"科目", "ITEM", "item"}, {"已用(元)", "USED (yuan)", "used"}, {"指标(元)", "LIMIT (yuan)", "limit"}}},
		{"statements", "/v1/statements", []column{{"结算单", "NUMBER", "number"}, {"供应商", "SUPPLIER", "supplier.name"}, {"合同", "CONTRACT", "contract.code"}, {"月份", "MONTH", "month"},
			{"状态", "STATE", "state:statement"}, {"合计(元)", "TOTAL (yuan)", "total"}, {"税额(元)", "TAX (yuan)", "tax"}}},
		{"usage", "/v1/usage", []column{{"资源", "RESOURCE", "resource.code"}, {"计量项", "METER", "meter:item"}, {"数量", "QUANTITY", "quantity"}, {"起", "START", "start"}, {"止", "END", "end"}}},
		{"incidents", "/v1/incidents", []column{{"故障", "NUMBER", "number"}, {"资源池", "POOL", "pool.name"}, {"资源", "RESOURCE", "resource.code"}, {"状态", "STATE", "state:incident"}, {"起", "START", "start"}, {"止", "END", "end"}, {"责任", "ATTRIBUTION", "attribution:attribution"}}},
		{"pools", "/v1/pools", []column{{"资源池", "CODE", "code"}, {"名称", "NAME", "name"}, {"供应商", "SUPPLIER", "supplier.name"}, {"驱动", "DRIVER", "driver:driver"}, {"站点", "SITE", "site"}, {"等保", "LEVEL", "level"}, {"模拟环境", "SIMULATED", "simulated"},
			{"健康", "HEALTH", "health.state:circuit"}, {"自", "SINCE", "health.since"}, {"最早待办采购", "OLDEST WAITING", "health.oldest_waiting"}}},
		{"suppliers", "/v1/suppliers", []column{{"编码", "CODE", "code"}, {"名称", "NAME", "name"}, {"类别", "CLASS", "class:supplier_class"}, {"评估有效期", "ASSESSED UNTIL", "assessment_until"}}},
		{"contracts", "/v1/contracts", []column{{"合同", "NUMBER", "number"}, {"供应商", "SUPPLIER", "supplier.name"}, {"起", "START", "start"}, {"止", "END", "end"}, {"总价(元)", "CEILING (yuan)", "ceiling"}, {"已用(元)", "USED (yuan)", "used"}}},
		{"agencies", "/v1/agencies", []column{{"编码", "CODE", "code"}, {"名称", "NAME", "name"}, {"付费单位", "PAYER", "payer.name"}}},
		{"systems", "/v1/systems", []column{{"编码", "CODE", "code"}, {"名称", "NAME", "name"}, {"单位", "AGENCY", "agency.name"}, {"等保", "LEVEL", "level"}, {"上云", "CLOUD", "cloud:cloud"}, {"原因", "REASON", "reason"}}},
		{"projects", "/v1/projects", []column{{"立项", "NUMBER", "number"}, {"名称", "NAME", "name"}, {"单位", "AGENCY", "agency.name"}, {"批复(元)", "APPROVED (yuan)", "approved"}, {"年度", "YEAR", "year"}}},
		{"findings", "/v1/findings", findingColumns()},
	}
}

func findingColumns() []column {
	return []column{{"编号", "NUMBER", "number"}, {"类型", "KIND", "kind:finding_kind"}, {"状态", "STATE", "state:finding"}, {"对象", "SUBJECT", "subject.code"}, {"说明", "MESSAGE", "message"}}
}

func listingNames() []string {
	var names []string
	for _, l := range listings() {
		names = append(names, l.name)
	}
	return names
}

func findListing(name string) (listing, error) {
	for _, l := range listings() {
		if l.name == name || l.name == name+"s" {
			return l, nil
		}
	}
	all := strings.Join(listingNames(), ", ")
	return listing{}, duoyun.Fail(duoyun.CodeInvalid, "kind", "没有 %[1]s，可用：%[2]s", "there is no %[1]s; there are %[2]s", name, all)
}

func (a *app) getCommand() *cobra.Command {
	var filters []string
	var limit int
	var all bool
	cmd := &cobra.Command{
		Use: "get KIND [KEY]", Short: "查询 · list or read " + strings.Join(listingNames(), ", "), Args: cobra.RangeArgs(1, 2),
		ValidArgs: listingNames(),
		RunE: func(cmd *cobra.Command, args []string) error {
			l, err := findListing(args[0])
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			if len(args) == 2 {
				var row map[string]any
				if err := c.get(cmd.Context(), l.path+"/"+url.PathEscape(args[1]), nil, &row); err != nil {
					return err
				}
				return a.print(cmd.OutOrStdout(), row, []any{row}, l.columns)
			}
			query, err := queryOf(filters, limit)
			if err != nil {
				return err
			}
			return a.list(cmd, c, l, query, all)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&filters, "filter", nil, "name=value of the API's filters, such as state=held or agency=suqian/hrss; repeatable")
	f.IntVar(&limit, "limit", 50, "rows a page, at most 500")
	f.BoolVar(&all, "all-pages", false, "every page, not only the first")
	return cmd
}

func queryOf(filters []string, limit int) (url.Values, error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	for _, f := range filters {
		name, value, ok := strings.Cut(f, "=")
		if !ok {
			return nil, duoyun.Fail(duoyun.CodeInvalid, "filter", "过滤条件应为 名称=值：%s", "a filter is name=value, not %s", f)
		}
		q.Set(name, value)
	}
	return q, nil
}

// list prints the first page and says when more follow, or every page.
func (a *app) list(cmd *cobra.Command, c *client, l listing, query url.Values, all bool) error {
	if all {
		return a.listAll(cmd, c, l, query)
	}
	var page map[string]any
	if err := c.get(cmd.Context(), l.path, query, &page); err != nil {
		return err
	}
	if err := a.print(cmd.OutOrStdout(), page, rowsOf(page, "items"), l.columns); err != nil {
		return err
	}
	if next := text(page, "next"); next != "" && a.output == "table" {
		fmt.Fprintln(cmd.ErrOrStderr(), a.say("还有更多：加 --all-pages 或 --filter after="+next, "there are more: --all-pages, or --filter after="+next))
	}
	return nil
}

// listAll prints page after page as they come, in JSON and YAML as one document: memory does not grow with their number.
func (a *app) listAll(cmd *cobra.Command, c *client, l listing, query url.Values) error {
	w := cmd.OutOrStdout()
	for out := (&longList{w: w, form: a.output}); ; {
		var page map[string]any
		if err := c.get(cmd.Context(), l.path, query, &page); err != nil {
			return err
		}
		items, next := rowsOf(page, "items"), text(page, "next")
		var err error
		switch {
		case !out.whole():
			err = a.print(w, page, items, l.columns)
		case next == "":
			err = errors.Join(out.add(items), out.end())
		default:
			err = out.add(items)
		}
		if err != nil || next == "" {
			return err
		}
		query.Set("after", next)
	}
}
