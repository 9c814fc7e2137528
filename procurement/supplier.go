package procurement

import (
	"context"

	"github.com/duoyun/duoyun"
)

// SupplierInput describes a supplier 云服务商. Code never changes.
type SupplierInput struct {
	Code            string
	Name            string
	Class           string      // telecom | it | internet | integrator
	AssessmentUntil duoyun.Date // last day of its 云计算服务安全评估; zero: none, so that nothing is ordered from it
}

// CreateSupplier admits a supplier (procurement).
func (s *Service) CreateSupplier(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in SupplierInput) (duoyun.Supplier, error) {
	panic("soon")
}

// UpdateSupplier writes name, class and assessment of a supplier (procurement); in.Code may be left out.
func (s *Service) UpdateSupplier(ctx context.Context, actor duoyun.Actor, key string, in SupplierInput) (duoyun.Supplier, error) {
	panic("soon")
}

// Suppliers lists suppliers; a supplier sees itself alone.
func (s *Service) Suppliers(ctx context.Context, actor duoyun.Actor, p duoyun.Page) (duoyun.Listing[duoyun.Supplier], error) {
	return s.store.Suppliers(ctx, sight(actor), p)
}

// Supplier reads one supplier by id or code.
func (s *Service) Supplier(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Supplier, error) {
	return s.store.FindSupplier(ctx, sight(actor), key)
}
