package procurement

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
)

// OfferFilter narrows a listing of offers; zero fields do not.
type OfferFilter struct {
	Item     duoyun.Item
	Kind     duoyun.Kind // pools that sell the kind, and the items it is priced by
	Site     string
	Supplier string // id or code
}

// OfferPrice is one price at which one pool sells.
type OfferPrice struct {
	Pool     duoyun.Pool // without account and capacity
	Supplier duoyun.Supplier
	Contract string // number
	Item     duoyun.PriceItem
}

// Offers lists what can be bought today from whom at what price.
func (s *Service) Offers(ctx context.Context, actor duoyun.Actor, f OfferFilter, p duoyun.Page) (duoyun.Listing[OfferPrice], error) {
	return s.store.OfferPrices(ctx, sight(actor), f, s.business(), p)
}

// OffersAt lists every active pool under each contract of its supplier in force, by pool code and contract number.
func (s *Service) OffersAt(ctx context.Context, tx *sql.Tx, at time.Time) ([]duoyun.Offer, error) {
	return s.store.OffersAt(ctx, tx, at)
}

// OfferAt reads one offer, for placing what was chosen: pool and contract by id. CodeConflict says why nothing may be
// bought from it any more.
func (s *Service) OfferAt(ctx context.Context, tx *sql.Tx, poolID, contractID string, at time.Time) (duoyun.Offer, error) {
	o, err := s.store.OfferOf(ctx, tx, poolID, contractID)
	if err != nil {
		return o, err
	}
	today := duoyun.DateOf(at)
	switch {
	case !o.Pool.Active:
		err = duoyun.Fail(duoyun.CodeConflict, "pool", "资源池 %s 已停止接单", "pool %s takes no orders", o.Pool.Name)
	case o.Contract.State != StateActive:
		err = duoyun.Fail(duoyun.CodeConflict, "contract", "合同 %s 已暂停或终止", "contract %s is suspended or terminated", o.Contract.Number)
	case today.Before(o.Contract.Start) || !today.Before(o.Contract.End):
		err = duoyun.Fail(duoyun.CodeConflict, "contract", "合同 %s 不在有效期内：%s 至 %s", "contract %s is not in force: %s to %s", o.Contract.Number, o.Contract.Start, o.Contract.End)
	}
	return o, err
}
