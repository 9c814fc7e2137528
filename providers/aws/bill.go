package aws

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
)

// period is a span of days, the end not in it.
type period struct{ Start, End string }

// spent is an amount as Cost Explorer writes it: exact text.
type spent struct{ Amount, Unit string }

// costAnswer is a page of GetCostAndUsage.
type costAnswer struct {
	NextPageToken string
	ResultsByTime []struct {
		TimePeriod period
		Groups     []struct {
			Keys    []string
			Metrics struct{ UnblendedCost, UsageQuantity *spent }
		}
	}
}

// Bill implements driver.BillReader by Cost Explorer, grouped by the tag that bears the mark and by usage type: the vendor
// shows costs by resource for the last 14 days alone. The tag must be activated for cost allocation in the account's
// billing console; what bears none is charged to the account. Days are the vendor's, in UTC.
func (c *Cloud) Bill(ctx context.Context, month duoyun.Month, cursor string) ([]duoyun.BillLine, string, error) {
	first := time.Date(month.Year, month.Month, 1, 0, 0, 0, 0, time.UTC)
	in := map[string]any{"TimePeriod": period{first.Format(time.DateOnly), first.AddDate(0, 1, 0).Format(time.DateOnly)}, "Granularity": "MONTHLY",
		"Metrics": []string{"UnblendedCost", "UsageQuantity"},
		"GroupBy": []map[string]string{{"Type": "TAG", "Key": tagMark}, {"Type": "DIMENSION", "Key": "USAGE_TYPE"}}}
	if cursor != "" {
		in["NextPageToken"] = cursor
	}
	var answer costAnswer
	if err := c.ask(ctx, costs, "GetCostAndUsage", in, &answer); err != nil {
		return nil, "", err
	}
	owners, err := c.owners(ctx)
	if err != nil {
		return nil, "", err
	}
	lines, err := answer.lines(owners)
	return lines, answer.NextPageToken, err
}

// lines reads a page; owners give a mark the id it has at the vendor.
func (a costAnswer) lines(owners map[string]string) ([]duoyun.BillLine, error) {
	if a.ResultsByTime == nil {
		return nil, errHollow
	}
	var lines []duoyun.BillLine
	for _, r := range a.ResultsByTime {
		start, err1 := time.Parse(time.DateOnly, r.TimePeriod.Start)
		end, err2 := time.Parse(time.DateOnly, r.TimePeriod.End)
		for _, g := range r.Groups {
			cost, usage := g.Metrics.UnblendedCost, g.Metrics.UsageQuantity
			if err1 != nil || err2 != nil || len(g.Keys) != 2 || cost == nil || usage == nil {
				return nil, errHollow
			}
			payable, err := duoyun.ParseAmount(plain(cost.Amount))
			if err != nil {
				return nil, err
			}
			quantity, err := duoyun.ParseAmount(plain(usage.Amount))
			if err != nil {
				return nil, err
			}
			_, note, _ := strings.Cut(g.Keys[0], "$") // duoyun-mark$dy-…
			mark, _, _ := strings.Cut(note, " ")
			id, known := owners[mark]
			if !known {
				id = mark // of what is gone, or named by its mark
			}
			lines = append(lines, duoyun.BillLine{VendorID: id, Product: "AWS", Meter: g.Keys[1], Quantity: quantity, Unit: usage.Unit, List: payable, Payable: payable,
				Currency: cost.Unit, Start: start, End: end})
		}
	}
	return lines, nil
}

// plain writes a number without its exponent: small sums come as 1.2E-7.
func plain(s string) string {
	digits, power, ok := strings.Cut(strings.ToUpper(s), "E-")
	var n int
	if _, err := fmt.Sscanf(power, "%d", &n); !ok || err != nil || n < 1 || n > 30 {
		return s
	}
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	whole = strings.Repeat("0", n) + whole
	return sign + whole[:len(whole)-n] + "." + whole[len(whole)-n:] + fraction
}

// owners are the ids of what bears marks and is not named by them.
func (c *Cloud) owners(ctx context.Context) (map[string]string, error) {
	all := map[string]string{}
	for _, k := range []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk, duoyun.KindPublicIP, duoyun.KindLoadBalancer} {
		for cursor := ""; ; {
			p, err := c.kinds[k].List(ctx, cursor)
			if err != nil {
				return nil, err
			}
			for _, o := range p.Items {
				if o.Mark != "" {
					all[o.Mark] = o.ID
				}
			}
			if p.Next == "" || p.Next == cursor {
				break
			}
			cursor = p.Next
		}
	}
	return all, nil
}
