package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker/document"
)

// play takes a scenario's orders through the API as the people of the scenario would.
type play struct {
	*cast
	scenario *scenario
	tell     *teller
}

const (
	playPatience = 3 * time.Minute // how long an order may stand still
	playPoll     = 50 * time.Millisecond
)

// submit hands in a chapter's document and returns the order's number.
func (p *play) submit(ctx context.Context, c chapter) (string, error) {
	raw, err := fs.ReadFile(p.scenario.files, c.File)
	if err != nil {
		return "", err
	}
	var order map[string]any
	err = p.as(c.Who+"-applicant").call(ctx, http.MethodPost, "/v1/orders", "application/yaml", raw, &order)
	if err != nil {
		return "", fmt.Errorf("%s: %w", c.File, err)
	}
	p.tell.say("▸ 申报 %s：%s", "▸ requested %s: %s", text(order, "number"), text(order, "requested.purpose"))
	return text(order, "number"), nil
}

// until decides whatever waits for a person, in the name of the right one, until the order is in the state.
func (p *play) until(ctx context.Context, number string, c chapter, goal ...duoyun.OrderState) error {
	deadline := time.Now().Add(playPatience)
	for last := ""; ; time.Sleep(playPoll) {
		var order map[string]any
		if err := p.as("auditor").get(ctx, "/v1/orders/"+url.PathEscape(number), nil, &order); err != nil {
			return err
		}
		state := text(order, "state")
		if state != last {
			p.tell.say("  %s → %s", "  %s → %s", number, p.tell.app.state(order))
			last, deadline = state, time.Now().Add(playPatience)
		}
		for _, g := range goal {
			if state == string(g) {
				return nil
			}
		}
		moved, err := p.act(ctx, number, c)
		switch {
		case err != nil:
			return err
		case moved:
			deadline = time.Now().Add(playPatience)
		case time.Now().After(deadline):
			return fmt.Errorf("%s stands still in state %s: %s", number, state, text(order, "reason"))
		}
	}
}

// act decides the order's pending tasks; it reports whether there were any that are decided before delivery is
// confirmed.
func (p *play) act(ctx context.Context, number string, c chapter) (bool, error) {
	var page map[string]any
	if err := p.as("auditor").get(ctx, "/v1/tasks", url.Values{"order": {number}, "all": {"true"}, "state": {"pending"}}, &page); err != nil {
		return false, err
	}
	moved := false
	for _, t := range rowsOf(page, "items") {
		done, err := p.task(ctx, t, number, c)
		if err != nil {
			return moved, fmt.Errorf("%s %s: %w", text(t, "number"), text(t, "kind"), err)
		}
		moved = moved || done
	}
	return moved, nil
}

func (p *play) task(ctx context.Context, t any, number string, c chapter) (bool, error) {
	at := taskPath(text(t, "number"), "")
	switch duoyun.TaskKind(text(t, "kind")) {
	case duoyun.TaskReview:
		return true, p.review(ctx, at, number, c)
	case duoyun.TaskConfirmSupplier:
		return true, p.choose(ctx, at, number, c)
	case duoyun.TaskAcknowledge:
		return true, p.approve(ctx, c.Who+"-applicant", at, t)
	case duoyun.TaskWorkOrder:
		name, _, _ := strings.Cut(text(t, "supplier.code"), "-")
		return true, p.approve(ctx, "sup-"+name, at, t)
	case duoyun.TaskSign:
		login := c.Who + "-approver"
		if text(t, "role") == string(duoyun.RoleFinance) {
			login = "finance"
		}
		return true, p.approve(ctx, login, at, t)
	}
	return false, nil // delivery is confirmed on its own day
}

func (p *play) approve(ctx context.Context, login, at string, task any) error {
	in := body{"verdict": "approve"}
	if h := text(task, "hash"); h != "" {
		in["hash"] = h
	}
	return p.as(login).post(ctx, at+"/decide", in, nil)
}

func (p *play) review(ctx context.Context, at, number string, c chapter) error {
	cuts := c.Cuts
	if cuts == nil {
		cuts = []body{}
	}
	for _, cut := range cuts {
		p.tell.say("  %s 核减 %v → %v：%v", "  %s cut back %v → %v: %v", number, cut["line"], cut["approved"], cut["reason"])
	}
	return p.as("reviewer").post(ctx, at+"/cut-back", body{"cuts": cuts}, nil)
}

// choose confirms a pool for every component: the recommendation's first, or the one that the chapter gives a reason for.
func (p *play) choose(ctx context.Context, at, number string, c chapter) error {
	var r duoyun.Recommendation
	if err := p.as("procurement").get(ctx, "/v1/orders/"+url.PathEscape(number)+"/recommendation", nil, &r); err != nil {
		return err
	}
	var picks []body
	for i, component := range r.Components {
		want := c.Choose[component.Lines[0]]
		n := max(0, slices.IndexFunc(component.Candidates, func(x duoyun.Candidate) bool { return x.Pool == want.Pool }))
		if len(component.Candidates) == 0 || len(component.Candidates[n].Dropped) > 0 {
			return fmt.Errorf("nobody can serve %v: %+v", component.Lines, component.Candidates)
		}
		best, lines := component.Candidates[n], strings.Join(component.Lines, "、")
		if n == 0 {
			p.tell.say("  %s %s 推荐 %s，月价 %s 元，采购人员确认", "  %s %s: %s recommended at %s yuan a month, confirmed", number, lines, best.PoolName, best.Monthly)
			picks = append(picks, body{"component": i, "pool": best.Pool})
			continue
		}
		p.tell.say("  %s %s 采购人员选 %s，月价 %s 元：%s", "  %s %s: procurement chose %s at %s yuan a month: %s", number, lines, best.PoolName, best.Monthly, want.Reason)
		picks = append(picks, body{"component": i, "pool": best.Pool, "reason": want.Reason})
	}
	return p.as("procurement").post(ctx, at+"/confirm-supplier", body{"picks": picks}, nil)
}

// confirm shows the delivery sheet and confirms delivery in the name of the department.
func (p *play) confirm(ctx context.Context, number string, c chapter) error {
	path := "/v1/orders/" + url.PathEscape(number)
	var sheet map[string]any
	if err := p.as(c.Who+"-applicant").get(ctx, path+"/delivery-sheet", nil, &sheet); err != nil {
		return err
	}
	p.tell.say("▸ 资源交付单 %s", "▸ delivery sheet %s", number)
	if err := p.tell.table(rowsOf(sheet, "items"), sheetColumns()); err != nil {
		return err
	}
	var page map[string]any
	if err := p.as("auditor").get(ctx, "/v1/tasks", url.Values{"order": {number}, "all": {"true"}, "state": {"pending"}, "kind": {string(duoyun.TaskConfirmDelivery)}}, &page); err != nil {
		return err
	}
	for _, t := range rowsOf(page, "items") {
		if err := p.approve(ctx, c.Who+"-confirmer", taskPath(text(t, "number"), ""), t); err != nil {
			return err
		}
	}
	return p.until(ctx, number, c, duoyun.OrderConfirmed)
}

// requested reads the document of an order as it was handed in.
func (p *play) requested(order any) (duoyun.OrderRequest, error) {
	raw, err := json.Marshal(dig(order, "requested"))
	if err != nil {
		return duoyun.OrderRequest{}, err
	}
	return document.Parse(raw)
}
