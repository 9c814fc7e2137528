package broker

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
)

// basket is what one placing transaction writes.
type basket struct {
	order     duoyun.Order
	agency    duoyun.Agency
	now, real time.Time
	purse     *purse
	have      map[unitKey]parent // units bought by now
	pinned    map[string]parent  // existing resources by number
	networks  map[placeKey]parent
	terms     map[string]int // by pool: the months it buys for; 0: on demand

	resources []duoyun.Resource
	fresh     []duoyun.Resource // those of resources that are platform networks
	links     []duoyun.Link
	intents   []duoyun.Intent
	charges   []quota.Charge
	suppliers []string
}

type unitKey struct {
	line    string
	ordinal int
}

func keyOf(u duoyun.Unit) unitKey { return unitKey{u.Line, u.Ordinal} }

func (k unitKey) String() string { return duoyun.UnitName(k.line, k.ordinal) }

type placeKey struct{ pool, zone string }

// parent is what a unit hangs on; ready when it exists at its vendor.
type parent struct {
	id    string
	ready bool
}

// fill puts every unit that was not bought before into a basket, parents before children.
func (s *Service) fill(ctx context.Context, tx *sql.Tx, o duoyun.Order, got gotten, parcels []parcel) (*basket, error) {
	b := &basket{order: o, now: s.now(), real: s.real(), purse: newPurse(o.Requested.Funding), have: map[unitKey]parent{},
		pinned: map[string]parent{}, networks: map[placeKey]parent{}, terms: map[string]int{}}
	var err error
	if b.agency, err = s.store.Agency(ctx, tx, o.AgencyID); err != nil {
		return nil, err
	}
	b.purse.spent(got.money)
	for key, r := range got.units {
		b.have[key] = parent{id: r.ID, ready: r.State.Live()}
	}
	if err := s.known(ctx, tx, b); err != nil {
		return nil, err
	}
	for _, p := range parcels {
		pool, err := s.store.Pool(ctx, tx, p.offer.Pool.ID) // offers tell nothing of its account
		if err != nil {
			return nil, err
		}
		b.terms[pool.ID] = pool.SubscribeMonths()
		for _, u := range p.units {
			if !got.lacks(u) {
				continue
			}
			if onNetwork(u.Kind) && u.Zone != "" && slices.Contains(p.offer.Pool.Kinds, duoyun.KindNetwork) {
				if err := b.networked(ctx, tx, s, p, u.Zone); err != nil {
					return nil, err
				}
			}
			if err := b.add(p, u); err != nil {
				return nil, err
			}
		}
		if !slices.Contains(b.suppliers, p.offer.Supplier.ID) {
			b.suppliers = append(b.suppliers, p.offer.Supplier.ID)
		}
	}
	return b, nil
}

// known notes the existing resources that the order's lines hang on.
func (s *Service) known(ctx context.Context, tx *sql.Tx, b *basket) error {
	pinned, err := s.store.LockResources(ctx, tx, referred(b.order.Requested))
	for _, r := range pinned {
		b.pinned[r.Number] = parent{id: r.ID, ready: r.State.Live() && r.State != duoyun.ResourceReleasing}
	}
	return err
}

// add puts one unit into the basket.
func (b *basket) add(p parcel, u duoyun.Unit) error {
	price := p.prices[unitKey{u.Line, u.Ordinal}]
	r := b.resource(p, u)
	r.Monthly = price.Monthly
	parents, err := b.parents(p, u)
	if err != nil {
		return err
	}
	waits := false
	for rel, ps := range parents {
		for _, x := range ps {
			b.links = append(b.links, duoyun.Link{ChildID: r.ID, ParentID: x.id, Relation: rel})
			waits = waits || !x.ready
		}
	}
	b.resources = append(b.resources, r)
	b.have[unitKey{u.Line, u.Ordinal}] = parent{id: r.ID}
	b.intend(r, waits)
	b.charges = append(b.charges, b.purse.charges(quota.Charge{ResourceID: r.ID, Agency: b.agency, PoolID: r.PoolID,
		ContractID: r.ContractID, Payer: b.order.PayerID, Years: price.Years, Quota: u.Spec.Quota()})...)
	return nil
}

// parents finds what a unit hangs on.
func (b *basket) parents(p parcel, u duoyun.Unit) (map[duoyun.Relation][]parent, error) {
	out := map[duoyun.Relation][]parent{}
	for _, x := range u.Parents {
		at, ok := b.have[unitKey{x.Line, x.Ordinal}]
		if x.Resource != "" {
			at, ok = b.pinned[x.Resource]
			ok = ok && at.ready
		}
		if !ok {
			return nil, duoyun.Fail(duoyun.CodeConflict, "lines", "%s 所引用的资源已不在用", "what %s refers to is no longer in use", u.Line)
		}
		out[x.Relation] = append(out[x.Relation], at)
	}
	if net, ok := b.networks[placeKey{p.offer.Pool.ID, u.Zone}]; ok && onNetwork(u.Kind) {
		out[duoyun.RelNetwork] = append(out[duoyun.RelNetwork], net)
	}
	return out, nil
}

func (b *basket) resource(p parcel, u duoyun.Unit) duoyun.Resource {
	o := b.order
	return duoyun.Resource{ID: duoyun.NewID(b.now), OrderID: o.ID, Line: u.Line, Ordinal: u.Ordinal, Kind: u.Kind,
		Name: u.Name(), AgencyID: o.AgencyID, PayerID: o.PayerID, SystemID: o.SystemID,
		ProjectID: o.ProjectID, SupplierID: p.offer.Supplier.ID, PoolID: p.offer.Pool.ID, ContractID: p.offer.Contract.ID,
		Zone: u.Zone, State: duoyun.ResourceReserved, Spec: u.Spec, Period: o.Requested.Period, CreatedAt: b.now, UpdatedAt: b.now}
}

// intend writes the purchase of a resource, and for how long it is paid ahead where its pool buys so; one that waits is
// woken when what it hangs on has been verified.
func (b *basket) intend(r duoyun.Resource, waits bool) {
	in := intentFor(r, duoyun.OpCreate, b.real)
	in.OrderID, in.After = r.OrderID, r.Spec
	if most := b.terms[r.PoolID]; most > 0 && r.Kind.Subscribable() {
		in.Months = duoyun.TermMonths(most, duoyun.DateOf(b.now), periodEnd(r.Period))
	}
	if waits {
		in.State = duoyun.IntentWaiting
	}
	b.intents = append(b.intents, in)
}

func intentFor(r duoyun.Resource, op duoyun.Op, now time.Time) duoyun.Intent {
	return duoyun.Intent{ID: duoyun.NewID(now), ResourceID: r.ID, PoolID: r.PoolID, Kind: r.Kind, Op: op, State: duoyun.IntentIntended,
		WakeAt: now, CreatedAt: now, UpdatedAt: now}
}

func (b *basket) jobs() []duoyun.Job { return wakeUps(b.intents) }

func wakeUps(intents []duoyun.Intent) []duoyun.Job {
	var jobs []duoyun.Job
	for _, in := range intents {
		if in.State == duoyun.IntentIntended {
			jobs = append(jobs, PurchaseJob{IntentID: in.ID})
		}
	}
	return jobs
}
