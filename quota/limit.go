package quota

import (
	"context"

	"github.com/duoyun/duoyun"
)

// Filter narrows a listing of quotas; zero fields do not.
type Filter struct {
	Agency    string // id or code: this agency alone
	Dimension duoyun.Dimension
}

// Quotas lists the quotas of the agencies in the actor's scope, with limit and use. A dimension that was neither limited
// nor used has no row yet.
func (s *Service) Quotas(ctx context.Context, actor duoyun.Actor, f Filter, p duoyun.Page) (duoyun.Listing[duoyun.Quota], error) {
	panic("soon")
}

// SetLimit sets the limit of an agency in a dimension, nil for none (system administrator or procurement, over the
// agency). A limit below what is used is CodeConflict.
func (s *Service) SetLimit(ctx context.Context, actor duoyun.Actor, agency string, d duoyun.Dimension, limit *int64) (duoyun.Quota, error) {
	panic("soon")
}
