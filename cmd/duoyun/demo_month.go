package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker/document"
)

// month lets a month go by: the prober's results of every minute are made up, as the clouds are, with the story's
// outage in them; from there on everything is the system's own work.
func (d *demo) month(ctx context.Context) error {
	d.tell.title("运行一个月（模拟）", "A month goes by (simulated)")
	month, err := duoyun.ParseMonth(d.scenario.Story.Month)
	if err != nil {
		return err
	}
	targets := map[string]string{} // pool code → probe target
	for _, p := range d.scenario.Pools {
		if p.Cloud == "" {
			continue
		}
		code := fmt.Sprint(p.Pool["code"])
		var probe struct{ ID string }
		err := d.play.as("procurement").post(ctx, "/v1/probes", body{"name": "哨兵 " + code, "pool": code, "method": "cloud", "address": "", "vantage": "extranet"}, &probe)
		if err != nil {
			return err
		}
		targets[code] = probe.ID
	}
	err = d.tell.during("记录探测结果", "recording probe results", func() error {
		for code, id := range targets {
			if err := d.house.levels.Record(ctx, d.minutes(month, code, id)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.tell.say("▸ %s 每分钟探测 %d 个资源池，共 %d 条结果", "▸ %s: %d pools probed every minute, %d results", month, len(targets), len(targets)*month.Days()*24*60)
	return d.advance(ctx, month.End().Add(9*time.Hour))
}

func (d *demo) minutes(month duoyun.Month, pool, target string) []duoyun.ProbeResult {
	var all []duoyun.ProbeResult
	o := d.scenario.Story.Outage
	for t := month.Start(); t.Before(month.End()); t = t.Add(time.Minute) {
		r := duoyun.ProbeResult{TargetID: target, Minute: t.UTC(), Outcome: "good", Millis: 20}
		if pool == o.Pool && !t.Before(o.Start) && t.Before(o.End) {
			r.Outcome, r.Detail = "bad", "模拟中断"
		}
		all = append(all, r)
	}
	return all
}

// settle attributes the outage, reports the SLA, and closes the month's statements.
func (d *demo) settle(ctx context.Context) error {
	d.tell.title("SLA 与结算", "SLA and settlement")
	if err := d.attribute(ctx); err != nil {
		return err
	}
	var report map[string]any
	if err := d.play.as("procurement").get(ctx, "/v1/availability/pools", url.Values{"month": {d.scenario.Story.Month}}, &report); err != nil {
		return err
	}
	d.tell.say("▸ SLA 报告 %s", "▸ SLA report %s", d.scenario.Story.Month)
	err := d.tell.table(rowsOf(report, "items"), []column{{"资源池", "POOL", "pool.name"}, {"合同", "CONTRACT", "contract.code"}, {"可用率 %", "AVAILABILITY %", "percent"},
		{"不可用分钟", "BAD MINUTES", "bad"}, {"未知分钟", "UNKNOWN", "unknown"}, {"达标", "MET", "met"}, {"扣减 %", "CREDIT %", "credit"}})
	if err != nil {
		return err
	}
	for _, c := range d.scenario.Contracts {
		var s map[string]any
		err := d.play.as("finance").post(ctx, "/v1/statements", body{"contract": c["number"], "month": d.scenario.Story.Month}, &s)
		if err != nil {
			return fmt.Errorf("statement of %v: %w", c["number"], err)
		}
		d.tell.say("▸ 结算单 %s %s 含税 %s 元（税额 %s 元）", "▸ statement %s %s %s yuan with tax (tax %s)", text(s, "number"), text(s, "supplier.name"), text(s, "total"), text(s, "tax"))
	}
	return nil
}

func (d *demo) attribute(ctx context.Context) error {
	var page map[string]any
	if err := d.play.as("procurement").get(ctx, "/v1/incidents", url.Values{"state": {"open"}}, &page); err != nil {
		return err
	}
	for _, i := range rowsOf(page, "items") {
		err := d.play.as("procurement").post(ctx, "/v1/incidents/"+url.PathEscape(text(i, "number"))+"/attribute", body{"attribution": "platform", "note": "控制面与数据面同时中断"}, nil)
		if err != nil {
			return err
		}
		d.tell.say("▸ 故障 %s %s 认定为平台责任", "▸ incident %s %s attributed to the platform", text(i, "number"), text(i, "pool.name"))
	}
	return nil
}

// changeOrder orders an action on the resources of an earlier order: a resize of its first server, or the release of
// everything it delivered.
func (p *play) changeOrder(ctx context.Context, of string, c chapter, action duoyun.Action) (string, error) {
	resources, err := p.all(ctx, "auditor", "/v1/resources", url.Values{"order": {of}})
	if err != nil {
		return "", err
	}
	req := duoyun.OrderRequest{Form: duoyun.FormRelease, Purpose: "测试结束，资源退还"}
	if action == duoyun.ActionResize {
		req.Form, req.Purpose = duoyun.FormChange, "访问量增长，升级配置"
		req.Funding = []duoyun.Funding{{Year: 2027, Item: "信息系统运行维护费", Limit: 1_000_000, Status: "hold"}}
	}
	for _, r := range resources {
		l := duoyun.Line{Resource: text(r, "number"), Action: action, Quantity: 1}
		if action == duoyun.ActionResize {
			if text(r, "kind") != string(duoyun.KindServer) {
				continue
			}
			l.Kind, l.Spec = duoyun.KindServer, duoyun.ServerSpec{VCPU: 8, RAMGiB: 16}
		}
		req.Agency, req.Payer, req.System = text(r, "agency.code"), text(r, "payer.code"), text(r, "system.code")
		req.Lines = append(req.Lines, l)
		if action == duoyun.ActionResize {
			break
		}
	}
	if len(req.Lines) == 0 {
		return "", errors.New(of + " has no resources for " + string(action))
	}
	var order map[string]any
	err = p.as(c.Who+"-applicant").call(ctx, http.MethodPost, "/v1/orders", "application/yaml", document.Marshal(req), &order)
	if err == nil {
		p.tell.say("▸ %s %s：%s", "▸ %s %s: %s", words("change", string(action)).In(p.tell.app.language()), text(order, "number"), req.Purpose)
	}
	return text(order, "number"), err
}

// all reads every page of a listing.
func (c *cast) all(ctx context.Context, login, path string, query url.Values) ([]any, error) {
	var items []any
	q := url.Values{"limit": {"500"}}
	for k, v := range query {
		q[k] = v
	}
	for {
		var page map[string]any
		if err := c.as(login).get(ctx, path, q, &page); err != nil {
			return nil, err
		}
		items = append(items, rowsOf(page, "items")...)
		next := text(page, "next")
		if next == "" {
			return items, nil
		}
		q.Set("after", next)
	}
}
