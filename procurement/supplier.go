package procurement

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

// SupplierInput describes a supplier 云服务商. Code never changes.
type SupplierInput struct {
	Code            string
	Name            string
	Class           string      // telecom | it | internet | integrator
	AssessmentUntil duoyun.Date // last day of its 云计算服务安全评估; zero: none, so that nothing is ordered from it
}

func (in SupplierInput) check() error {
	var f duoyun.Faults
	code(&f, "code", in.Code)
	line(&f, "name", in.Name, 1, 80)
	oneOf(&f, "class", in.Class, "telecom", "it", "internet", "integrator")
	year(&f, "assessment_until", in.AssessmentUntil)
	return f.Err()
}

// CreateSupplier admits a supplier (procurement).
func (s *Service) CreateSupplier(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in SupplierInput) (duoyun.Supplier, error) {
	if err := actor.Need(duoyun.RoleProcurement); err != nil {
		return duoyun.Supplier{}, err
	}
	if err := in.check(); err != nil {
		return duoyun.Supplier{}, err
	}
	id, err := s.create(ctx, actor, once, "supplier.create", "supplier", func(tx *sql.Tx) (string, error) {
		x := duoyun.Supplier{ID: duoyun.NewID(s.now()), Code: in.Code, Name: in.Name, Class: in.Class, AssessmentUntil: in.AssessmentUntil}
		return x.ID, s.store.InsertSupplier(ctx, tx, x)
	})
	if err != nil {
		return duoyun.Supplier{}, err
	}
	return s.store.FindSupplier(ctx, everything(), id)
}

// UpdateSupplier writes name, class and assessment of a supplier (procurement); in.Code may be left out.
func (s *Service) UpdateSupplier(ctx context.Context, actor duoyun.Actor, key string, in SupplierInput) (duoyun.Supplier, error) {
	if err := actor.Need(duoyun.RoleProcurement); err != nil {
		return duoyun.Supplier{}, err
	}
	var x duoyun.Supplier
	err := s.store.InTx(ctx, func(tx *sql.Tx) (err error) {
		if x, err = s.store.LockSupplier(ctx, tx, key); err != nil {
			return err
		}
		if in.Code == "" {
			in.Code = x.Code
		}
		if err := in.check(); err != nil {
			return err
		}
		if in.Code != x.Code {
			return duoyun.Fail(duoyun.CodeInvalid, "code", "供应商编码不能更改：%s", "the code of a supplier does not change: %s", x.Code)
		}
		x.Name, x.Class, x.AssessmentUntil = in.Name, in.Class, in.AssessmentUntil
		if err := s.store.UpdateSupplier(ctx, tx, x); err != nil {
			return err
		}
		return s.store.Audit(ctx, tx, entry(ctx, actor, "supplier.update", "supplier", x.ID))
	})
	return x, err
}

// Suppliers lists suppliers; a supplier sees itself alone.
func (s *Service) Suppliers(ctx context.Context, actor duoyun.Actor, p duoyun.Page) (duoyun.Listing[duoyun.Supplier], error) {
	return s.store.Suppliers(ctx, sight(actor), p)
}

// Supplier reads one supplier by id or code.
func (s *Service) Supplier(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Supplier, error) {
	return s.store.FindSupplier(ctx, sight(actor), key)
}

func everything() duoyun.Scope { return duoyun.Scope{All: true} }
