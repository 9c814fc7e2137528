package aliyun

import (
	"context"
	"maps"
	"strconv"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// subscribes reports whether the account sells subscriptions at all: Apsara Stack has no billing of its own.
func (c *Cloud) subscribes() bool { return c.account.Platform != apsara }

// terms refuses a subscription 包年包月 of what is not sold so.
func terms(sold bool, plan func(driver.Change) ([]driver.Step, error)) func(driver.Change) ([]driver.Step, error) {
	return func(c driver.Change) ([]driver.Step, error) {
		if c.Months > 0 && !sold {
			return nil, table.Impossible("months", "%s 不支持包年包月", "a %s is not sold as a subscription", string(c.Kind))
		}
		return plan(c)
	}
}

// renewal extends a subscription from its end by so many months, without automatic renewal from then on.
func (c *Cloud) renewal(p product, parameter string, more params) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, call driver.Call) (driver.Reply, error) {
		in := params{parameter: call.ID, "Period": strconv.Itoa(call.Months), "ClientToken": call.Token}
		maps.Copy(in, more)
		return c.change(ctx, p, "RenewInstance", in)
	}
}

// lookRenewed compares until when a subscription is paid.
func lookRenewed(observe func(context.Context, string) (driver.Observation, error)) func(context.Context, driver.Call) (driver.Evidence, error) {
	return func(ctx context.Context, c driver.Call) (driver.Evidence, error) {
		o, err := observe(ctx, c.ID)
		return table.Effect(Code, err, driver.Absent, func() (driver.EvidenceState, string, string) {
			if o.PaidUntil.After(c.PaidUntil) {
				return driver.Done, o.ID, ""
			}
			return driver.Absent, o.ID, ""
		})
	}
}

// sold is something that may be a subscription.
type sold interface {
	item
	subscribed() bool
}

// retirement deletes what is on demand, and gives a subscription back, which the products refuse to delete before it has
// run out: BssOpenApi RefundInstance, for direct customers, returns what was paid and not used by the vendor's rules.
func retirement[T sold](l listing[T], code, action, parameter string, more params) func(context.Context, driver.Call) (driver.Reply, error) {
	return func(ctx context.Context, c driver.Call) (driver.Reply, error) {
		now, ok, err := l.find(ctx, c.ID, c.Mark)
		if err != nil || !ok {
			return driver.Reply{}, table.Unsent(Code, err)
		}
		var reply driver.Reply
		if now.subscribed() {
			reply, err = l.cloud.change(ctx, bss, "RefundInstance", params{"ProductCode": code, "ProductType": "", "InstanceId": now.key(),
				"ImmediatelyRelease": "1", "ClientToken": c.Token})
		} else {
			in := params{parameter: now.key()}
			maps.Copy(in, more)
			reply, err = l.cloud.change(ctx, l.product, action, in)
		}
		return reply, table.Ignoring(Code, err, driver.NotFound)
	}
}
