package broker

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
)

// Place is the body of PlaceJob: it looks at the offer once more and then, all or nothing, reserves one resource and
// writes one purchase intent per unit and takes the holds, last of all. An offer that is gone or dearer goes back to the
// officer; what is short puts the order on hold with the reason, its signatures standing. A duplicate job finds the
// order elsewhere and does nothing.
func (s *Service) Place(ctx context.Context, orderID string) error {
	err := s.store.InTx(ctx, func(tx *sql.Tx) error {
		o, err := s.store.LockOrder(ctx, tx, orderID)
		if err != nil || o.State != duoyun.OrderPlacing {
			return err
		}
		return s.place(ctx, tx, &o)
	})
	if placeFault(err) {
		return s.putOnHold(ctx, orderID, err) // no repetition of the job would mend it
	}
	return err
}

// place does the placing of a locked order by its form.
func (s *Service) place(ctx context.Context, tx *sql.Tx, o *duoyun.Order) error {
	switch o.Requested.Form {
	case duoyun.FormOpen:
		return s.placeOpen(ctx, tx, o)
	case duoyun.FormRenew:
		return s.placeRenewal(ctx, tx, o)
	}
	return s.placeChange(ctx, tx, o)
}

// placeFault tells what keeps an order from being placed from a failure of the platform's own.
func placeFault(err error) bool {
	return among(duoyun.CodeOf(err), duoyun.CodeShortage, duoyun.CodeConflict, duoyun.CodeInvalid, duoyun.CodeNotFound)
}

// putOnHold keeps the order until somebody makes room: the placing transaction was rolled back whole.
func (s *Service) putOnHold(ctx context.Context, orderID string, cause error) error {
	return s.store.InTx(ctx, func(tx *sql.Tx) error {
		o, err := s.store.LockOrder(ctx, tx, orderID)
		if err != nil || o.State != duoyun.OrderPlacing {
			return err
		}
		if duoyun.CodeOf(cause) != duoyun.CodeShortage {
			return s.held(ctx, tx, &o, FindingNotPlaced, messageOf(cause))
		}
		return s.held(ctx, tx, &o, FindingShortage, messageOf(cause))
	})
}

// held puts an order on hold, with a finding of this kind.
func (s *Service) held(ctx context.Context, tx *sql.Tx, o *duoyun.Order, kind string, why duoyun.Text) error {
	o.Reason = why.ZH
	if err := s.move(ctx, tx, duoyun.SystemActor(), o, duoyun.OrderHeld, "hold", why.ZH); err != nil {
		return err
	}
	return s.finding(ctx, tx, *o, kind, duoyun.Text{ZH: "申请单 " + o.Number + " 挂起：" + why.ZH, EN: "order " + o.Number + " is held: " + why.EN},
		byPeople("补足后重试落单", "make room and retry the order"), byPeople("撤回申请单", "cancel the order"))
}

// parcel is what one choice buys, with the offer as it stands now.
type parcel struct {
	choice duoyun.Choice
	offer  duoyun.Offer
	units  []duoyun.Unit
	prices map[unitKey]procurement.UnitPrice
}

func (s *Service) placeOpen(ctx context.Context, tx *sql.Tx, o *duoyun.Order) error {
	got, err := s.gottenOf(ctx, tx, *o)
	if err != nil {
		return err
	}
	parcels, gone, err := s.recheck(ctx, tx, *o, got)
	if err != nil {
		return err
	}
	if gone != nil {
		o.Reason = gone.ZH
		return s.recommendTo(ctx, tx, duoyun.SystemActor(), o, "offer_changed", gone.ZH)
	}
	b, err := s.fill(ctx, tx, *o, got, parcels)
	if err != nil {
		return err
	}
	if err := s.buy(ctx, tx, o, b); err != nil {
		return err
	}
	if len(b.intents) == 0 {
		return s.conclude(ctx, tx, o.ID)
	}
	return s.quota.Hold(ctx, tx, o.ID, b.charges)
}

// recheck compares what was signed with its own offers as they are at this moment; gone says why one no longer stands. A
// choice all of which was bought is no longer asked about.
func (s *Service) recheck(ctx context.Context, tx *sql.Tx, o duoyun.Order, got gotten) (parcels []parcel, gone *duoyun.Text, err error) {
	in, err := s.demandsOf(ctx, tx, o, got)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range o.Chosen {
		units := covered(c, got.all)
		if !slices.ContainsFunc(units, got.lacks) {
			continue
		}
		d := demandOf(in, units, got.all)
		offer, err := s.offers.OfferAt(ctx, tx, c.Candidate.PoolID, c.Candidate.ContractID, in.At)
		if among(duoyun.CodeOf(err), duoyun.CodeConflict, duoyun.CodeNotFound) {
			why := messageOf(err)
			return nil, &why, nil
		}
		if err != nil {
			return nil, nil, err
		}
		if why := d.misfits(offer); len(why) > 0 {
			return nil, &why[0], nil
		}
		quote, why := d.dearer(offer, c.Candidate)
		if why != nil {
			return nil, why, nil
		}
		parcels = append(parcels, parcel{choice: c, offer: offer, units: d.units, prices: unitPrices(quote)})
	}
	return parcels, nil, nil
}

// dearer prices the offer as it stands and says why it costs more than what was signed; one that costs less may be taken.
func (d demand) dearer(o duoyun.Offer, signed duoyun.Candidate) (procurement.Quote, *duoyun.Text) {
	q, err := procurement.Price(o, d.units, d.period, d.at)
	if err != nil {
		why := messageOf(err)
		return q, &why
	}
	if q.Total <= signed.Total && q.Monthly <= signed.Monthly {
		return q, nil
	}
	why := because("%s 现价 %s 元，高于签署的 %s 元", "%s now costs %s yuan, more than the %s signed", signed.PoolName, q.Total, signed.Total)
	return q, &why
}

func unitPrices(q procurement.Quote) map[unitKey]procurement.UnitPrice {
	prices := map[unitKey]procurement.UnitPrice{}
	for line, units := range q.PerUnit {
		for _, u := range units {
			prices[unitKey{line, u.Ordinal}] = u
		}
	}
	return prices
}

// buy writes the basket: resources, links, intents and jobs in few statements, whatever their number.
func (s *Service) buy(ctx context.Context, tx *sql.Tx, o *duoyun.Order, b *basket) error {
	if err := s.store.InsertResources(ctx, tx, b.resources); err != nil {
		return err
	}
	for _, r := range b.fresh {
		if err := s.store.SetPlatformNetwork(ctx, tx, r.PoolID, r.AgencyID, r.Zone, r.ID); err != nil {
			return err
		}
	}
	if err := s.store.InsertLinks(ctx, tx, b.links); err != nil {
		return err
	}
	if err := s.store.InsertIntents(ctx, tx, b.intents); err != nil {
		return err
	}
	if err := s.store.PlacedWith(ctx, tx, o.ID, b.suppliers); err != nil {
		return err
	}
	o.Reason = ""
	if err := s.move(ctx, tx, duoyun.SystemActor(), o, duoyun.OrderProvisioning, "place", ""); err != nil {
		return err
	}
	return s.store.Enqueue(ctx, tx, b.jobs()...)
}

// Retry places a held order again at once, from whom it was chosen; RetryHeld would do so within minutes. Of an order
// whose undoing has got stuck it takes back again what is left (applicant, reviewer or procurement over its agency).
func (s *Service) Retry(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string) (duoyun.Order, error) {
	return s.onOrder(ctx, actor, once, key, func(tx *sql.Tx, o *duoyun.Order) error {
		if err := s.duty(ctx, tx, actor, o.AgencyID, duoyun.RoleApplicant, duoyun.RoleReviewer, duoyun.RoleProcurement); err != nil {
			return err
		}
		switch o.State {
		case duoyun.OrderHeld:
			return s.retry(ctx, tx, actor, o)
		case duoyun.OrderUndoing:
			return s.undoAgain(ctx, tx, actor, o)
		}
		return duoyun.Fail(duoyun.CodeConflict, "", "申请单 %s 未挂起", "order %s is not held", o.Number)
	})
}

func (s *Service) retry(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order) error {
	if o.Requested.Form == duoyun.FormOpen {
		got, err := s.gottenOf(ctx, tx, *o)
		if err != nil {
			return err
		}
		if units := got.unchosen(o.Chosen); len(units) > 0 {
			return duoyun.Fail(duoyun.CodeConflict, "", "%s 尚未选定供应商，请改选", "no supplier is chosen for %s: have one reselected", strings.Join(units, "、"))
		}
	}
	if err := s.settle(ctx, tx, actor, *o, "已重试落单", heldKinds()...); err != nil { // filed anew if something is short again
		return err
	}
	return s.toPlacing(ctx, tx, actor, o, "retry", "")
}

// messageOf is an error's message for people.
func messageOf(err error) duoyun.Text {
	var e *duoyun.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return duoyun.Text{ZH: "内部错误", EN: "internal error"}
}
