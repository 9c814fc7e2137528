package driver

import (
	"context"
	"time"

	"github.com/duoyun/duoyun"
)

// Unwrapper is a decorator that shows the cloud below it.
type Unwrapper interface{ Unwrap() Cloud }

// As finds an optional capability of c, looking through decorators.
func As[T any](c Cloud) (T, bool) {
	for c != nil {
		if t, ok := c.(T); ok {
			return t, true
		}
		u, ok := c.(Unwrapper)
		if !ok {
			break
		}
		c = u.Unwrap()
	}
	var none T
	return none, false
}

// PartLister is a Resource whose units have parts beside their main object (a server's security group, a network's router)
// that List does not show: it pages over those that bear a mark of ours, whosever they are. "" is the first page.
type PartLister interface {
	ListParts(ctx context.Context, cursor string) (parts []Part, next string, err error)
}

// Part is a part of a unit as its vendor shows it.
type Part struct {
	ID   string
	Mark string // of the unit
	Step string // that makes it
}

// QuotaReader tells what the account may still create.
type QuotaReader interface {
	Quota(ctx context.Context) (map[duoyun.Dimension]Allowance, error)
}

// Quoter asks the vendor what a creation or renewal would cost.
type Quoter interface {
	Quote(ctx context.Context, c Change) (duoyun.Quote, error)
}

// Catalogue lists the server sizes the account can buy now.
type Catalogue interface {
	Flavors(ctx context.Context) ([]Flavor, error)
}

// BillReader reads the vendor's bill of a month page by page; cursor "" is the first page.
type BillReader interface {
	Bill(ctx context.Context, month duoyun.Month, cursor string) (lines []duoyun.BillLine, next string, err error)
}

// BalanceReader tells what the account may still spend.
type BalanceReader interface {
	Balance(ctx context.Context) (duoyun.Balance, error)
}

// Allowance is the account's own limit for a dimension.
type Allowance = duoyun.Allowance

// Checker proves an account with read-only calls and names what it may not do or what a mapping lacks.
type Checker interface {
	Check(ctx context.Context) []duoyun.Fault
}

// MetricsReader reads what a resource used; a gap in Points is unknown, never nought.
type MetricsReader interface {
	Metrics(ctx context.Context, id string, from, to time.Time) ([]duoyun.Metric, error)
}

// UsageReader reads the vendor's own record of what ran: evidence beside our meter.
type UsageReader interface {
	Usage(ctx context.Context, from, to time.Time) ([]duoyun.VendorUsage, error)
}

// Coded is an error that knows its code. What an Opener returns is one, since there is no Cloud yet to ask.
type Coded interface {
	error
	DriverCode() Code
}
