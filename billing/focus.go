package billing

import (
	"context"
	"io"

	"github.com/duoyun/duoyun"
)

// Charge is one statement line with the names an export needs.
type Charge struct {
	Line      duoyun.StatementLine
	Statement duoyun.Statement
	Contract  struct{ Number, Name string }
	Supplier  struct{ Code, Name string }
	Resource  struct {
		Number, Name, VendorID, Zone string
		Kind                         duoyun.Kind
	}
	Pool        struct{ Code, Name, Region, Site string }
	User, Payer struct{ Code, Name string }
	System      struct{ Code, Name string }
	Price       struct {
		Name, Unit string
		List       duoyun.Price
	}
}

// FOCUS writes soon.
func (s *Service) FOCUS(ctx context.Context, actor duoyun.Actor, month duoyun.Month, w io.Writer) error {
	panic("soon")
}
