package huawei

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// term is how a subscription's months are ordered: 1 to most months, or 1 to 3 years.
func term(months, most int) (unit string, n int, err error) {
	switch {
	case months >= 1 && months <= most:
		return "month", months, nil
	case months%12 == 0 && months >= 12 && months <= 36:
		return "year", months / 12, nil
	}
	return "", 0, table.Impossible("months", "华为云包年包月可订 1 至 %d 个月或 1 至 3 年", "Huawei Cloud sells terms of 1 to %d months or 1 to 3 years", most)
}

// mostMonths and mostRenewal are the most months that a purchase and a renewal take (api-ecs, api-oce).
const (
	mostMonths  = 9
	mostRenewal = 11
)

// subscribable checks a creation's term; on demand is always possible.
func (c *Cloud) subscribable(ch driver.Change) error {
	if ch.Months == 0 {
		return nil
	}
	if _, _, err := term(ch.Months, mostMonths); err != nil {
		return err
	}
	return c.billed()
}

// billing is a cloud with the billing service: it has prices, bills and a balance.
type billing struct{ *Cloud }

func (c *Cloud) hasBilling() bool {
	return c.account.Platform != platformStack || c.account.Endpoints[bss] != ""
}

// billed refuses what needs the billing service where there is none.
func (c *Cloud) billed() error {
	if !c.hasBilling() {
		return table.Impossible("endpoints.bss", "私有云账号没有配置计费服务", "the private cloud's account names no billing service")
	}
	return nil
}

// renewable is the plan of a renewal.
func (c *Cloud) renewable(ch driver.Change) ([]driver.Step, error) {
	if _, _, err := term(ch.Months, mostRenewal); err != nil {
		return nil, err
	}
	return []driver.Step{step("renew")}, c.billed()
}

// renew orders the term and pays it from the account's balance.
func (c *Cloud) renew(ctx context.Context, ch driver.Call) (driver.Reply, error) {
	unit, n, err := term(ch.Months, mostRenewal)
	if err != nil {
		return driver.Reply{}, err
	}
	period := map[string]int{"month": 2, "year": 3}[unit]
	var reply struct {
		OrderIDs []string `json:"order_ids"`
	}
	id, err := c.call(ctx, operation{service: bss, method: http.MethodPost, path: "/v2/orders/subscriptions/resources/renew",
		body: map[string]any{"resource_ids": []string{ch.ID}, "period_type": period, "period_num": n, "is_auto_pay": 1}}, &reply)
	return driver.Reply{OrderID: first(reply.OrderIDs), RequestID: id}, err
}

// lookRenewed compares until when it is paid with what it was before. An order that is neither done nor cancelled is
// under way.
func (c *Cloud) lookRenewed(ctx context.Context, ch driver.Call) (driver.Evidence, error) {
	until, err := c.paidUntil(ctx, ch.ID)
	if err != nil {
		return driver.Evidence{}, err
	}
	ev := driver.Evidence{ID: ch.ID, Complete: true, SentinelSeen: true, State: driver.Absent}
	switch {
	case until.After(ch.PaidUntil):
		ev.State = driver.Done
	case until.Before(ch.PaidUntil):
		ev.State, ev.Detail = driver.Conflict, until.Format(time.RFC3339)
	case ch.OrderID != "":
		busy, detail, err := c.progress(ctx, bss, ch.OrderID)
		if err != nil {
			return driver.Evidence{}, err
		}
		if ev.Detail = detail; busy {
			ev.State = driver.Pending
		}
	}
	return ev, nil
}

// paidUntil asks the billing service when a subscription ends; zero when it knows none of this id.
func (c *Cloud) paidUntil(ctx context.Context, id string) (time.Time, error) {
	var reply struct {
		Data []struct {
			ResourceID string `json:"resource_id"`
			ExpireTime string `json:"expire_time"`
		}
	}
	_, err := c.call(ctx, operation{service: bss, method: http.MethodPost, path: "/v2/orders/suscriptions/resources/query",
		body: map[string]any{"resource_ids": []string{id}, "only_main_resource": 0, "limit": 500}}, &reply)
	if err == nil && reply.Data == nil {
		err = errNoListing
	}
	for _, r := range reply.Data {
		if r.ResourceID == id {
			return moment(r.ExpireTime), err
		}
	}
	return time.Time{}, err
}

// subscribed adds to an observation until when it is paid, where it is a subscription.
func (c *Cloud) subscribed(ctx context.Context, o driver.Observation, prepaid bool) (driver.Observation, error) {
	if !prepaid {
		return o, nil
	}
	var err error
	o.PaidUntil, err = c.paidUntil(ctx, o.ID)
	return o, err
}

// release deletes what is on demand and unsubscribes what is not: its own deletion would refuse a subscription. Either
// way it is one mutation; the refund is the billing service's.
func (c *Cloud) release(ctx context.Context, id string, prepaid bool, o operation) (driver.Reply, error) {
	if !prepaid {
		var job struct {
			JobID string `json:"job_id"`
		}
		r, err := gone(c.call(ctx, o, &job))
		r.OrderID = job.JobID
		return r, err
	}
	var reply struct {
		OrderIDs []string `json:"order_ids"`
	}
	r, err := gone(c.call(ctx, operation{service: bss, method: http.MethodPost, path: "/v2/orders/subscriptions/resources/unsubscribe",
		body: map[string]any{"resource_ids": []string{id}, "unsubscribe_type": 1}}, &reply))
	r.OrderID = first(reply.OrderIDs)
	return r, err
}

func first(l []string) string {
	if len(l) == 0 {
		return ""
	}
	return l[0]
}

// built is a shelf's look for a main object; where nothing shows it, the job or order that makes it is asked: a thing may
// not be shown until its job is over.
func (c *Cloud) built(service string, s table.Shelf) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, ch driver.Call) (driver.Evidence, error) {
		ev, err := s.LookMainMade(ctx, ch)
		if err != nil || ev.State != driver.Absent || ch.OrderID == "" {
			return ev, err
		}
		busy, detail, err := c.progress(ctx, service, ch.OrderID)
		if err != nil {
			return driver.Evidence{}, err
		}
		if ev.Detail = detail; busy {
			ev.State = driver.Pending
		}
		return ev, nil
	}
}

// progress tells whether a job (ECS, EVS) or an order of the billing service is still under way. Jobs are forgotten after
// a while: then it is not.
func (c *Cloud) progress(ctx context.Context, service, id string) (busy bool, detail string, err error) {
	if strings.HasPrefix(id, "CS") || service == bss {
		return c.ordered(ctx, id)
	}
	var job struct {
		Status     string
		FailReason string `json:"fail_reason"`
	}
	_, err = c.call(ctx, operation{service: service, method: http.MethodGet, path: "/v1/{p}/jobs/" + id}, &job)
	if Code(err) == driver.NotFound {
		return false, "", nil
	}
	return job.Status == "INIT" || job.Status == "RUNNING", strings.TrimSpace(job.Status + " " + job.FailReason), err
}

// ordered reads an order's status: 4 is cancelled and 5 done (api-oce, ShowCustomerOrderDetails); whatever else is not
// over, such as 6, which waits to be paid.
func (c *Cloud) ordered(ctx context.Context, id string) (busy bool, detail string, err error) {
	var reply struct {
		OrderInfo *struct{ Status int } `json:"order_info"`
	}
	_, err = c.call(ctx, operation{service: bss, method: http.MethodGet, path: "/v2/orders/customer-orders/details/" + id}, &reply)
	if err == nil && reply.OrderInfo == nil {
		err = errNoObject
	}
	if err != nil {
		return false, "", err
	}
	status := reply.OrderInfo.Status
	detail, ok := map[int]string{3: "order in progress", 4: "order cancelled", 5: "order done", 6: "order waits to be paid"}[status]
	if !ok {
		detail = "order under review"
	}
	return status != 4 && status != 5, detail, nil
}

// withTerm adds to a request's parameters what a service calls the term of a subscription; the vendor's own renewal is
// off, and the order is paid at once.
func withTerm(into map[string]any, ch driver.Change, names termNames) error {
	if ch.Months == 0 {
		return nil
	}
	unit, n, err := term(ch.Months, mostMonths)
	if err != nil {
		return err
	}
	var no, yes any = false, true
	if names.quoted {
		no, yes = "false", "true"
	}
	into[names.unit], into[names.number], into[names.renew], into[names.pay] = unit, n, no, yes
	if names.mode != "" {
		into[names.mode] = "prePaid"
	}
	return nil
}

// termNames are how a service spells the parameters of a term.
type termNames struct {
	mode, unit, number, renew, pay string
	quoted                         bool // booleans are text
}
