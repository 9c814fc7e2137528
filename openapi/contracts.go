package openapi

import (
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
)

func wantContract(d *directory, x duoyun.Contract) { d.want("supplier", x.SupplierID) }

func viewContract(d *directory, x duoyun.Contract) Contract {
	if x.Rules.BillingStart == "" {
		x.Rules.BillingStart = "confirmation" // the default, said
	}
	return Contract{ID: x.ID, Number: x.Number, Supplier: d.ref("supplier", x.SupplierID), Name: x.Name, Start: x.Start, End: x.End,
		Ceiling: x.Ceiling, Used: x.Used, Left: x.Ceiling - x.Used, Rules: x.Rules, SLA: x.SLA, Allocation: x.Allocation, Share: x.Share, State: x.State}
}

func (s *server) ListContracts(ctx context.Context, r ListContractsRequestObject) (ListContractsResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Procurement.Contracts(ctx, actor, procurement.ContractFilter{Supplier: r.Params.Supplier, State: r.Params.State},
		page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantContract, viewContract)
	return ListContracts200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) CreateContract(ctx context.Context, r CreateContractRequestObject) (CreateContractResponseObject, error) {
	actor, once := caller(ctx)
	in := r.Body
	x, err := s.Procurement.CreateContract(ctx, actor, once, procurement.ContractInput{Number: in.Number, Supplier: in.Supplier, Name: in.Name,
		Start: in.Start, End: in.End, Ceiling: in.Ceiling, Rules: in.Rules, SLA: in.SLA, Allocation: in.Allocation, Share: in.Share, Items: prices(in.Items)})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, x, wantContract, viewContract)
	return CreateContract201JSONResponse(v), err
}

func (s *server) GetContract(ctx context.Context, r GetContractRequestObject) (GetContractResponseObject, error) {
	actor, _ := caller(ctx)
	x, err := s.Procurement.Contract(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, x, wantContract, viewContract)
	return GetContract200JSONResponse(v), err
}

func (s *server) UpdateContract(ctx context.Context, r UpdateContractRequestObject) (UpdateContractResponseObject, error) {
	actor, _ := caller(ctx)
	in := r.Body
	x, err := s.Procurement.UpdateContract(ctx, actor, r.Key, procurement.ContractUpdate{Name: in.Name, End: in.End, Ceiling: in.Ceiling,
		Allocation: in.Allocation, Share: in.Share, State: in.State})
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, x, wantContract, viewContract)
	return UpdateContract200JSONResponse(v), err
}

func prices(in []PriceInput) []procurement.PriceInput {
	var out []procurement.PriceInput
	for _, p := range in {
		out = append(out, procurement.PriceInput{Item: duoyun.Item(p.Item), Name: p.Name, Per: p.Per, Unit: p.Unit, Price: p.Price,
			ListPrice: p.ListPrice, Ceiling: p.Ceiling, From: p.From, Until: p.Until})
	}
	return out
}

func viewPrice(p duoyun.PriceItem) PriceItem {
	return PriceItem{ID: p.ID, Item: string(p.Item), Name: p.Name, Per: p.Per, Unit: p.Unit, Price: p.Price, ListPrice: p.ListPrice,
		Ceiling: p.Ceiling, From: local(p.From), Until: local(p.Until)}
}

func viewPrices(items []duoyun.PriceItem) PriceItemList {
	out := PriceItemList{Items: []PriceItem{}}
	for _, p := range items {
		out.Items = append(out.Items, viewPrice(p))
	}
	return out
}

func (s *server) ListPrices(ctx context.Context, r ListPricesRequestObject) (ListPricesResponseObject, error) {
	actor, _ := caller(ctx)
	items, err := s.Procurement.Prices(ctx, actor, r.Key)
	return ListPrices200JSONResponse(viewPrices(items)), err
}

func (s *server) SetPrices(ctx context.Context, r SetPricesRequestObject) (SetPricesResponseObject, error) {
	actor, once := caller(ctx)
	items, err := s.Procurement.SetPrices(ctx, actor, once, r.Key, prices(r.Body.Items))
	return SetPrices201JSONResponse(viewPrices(items)), err
}

func (s *server) ListOffers(ctx context.Context, r ListOffersRequestObject) (ListOffersResponseObject, error) {
	actor, _ := caller(ctx)
	p := r.Params
	l, err := s.Procurement.Offers(ctx, actor, procurement.OfferFilter{Item: duoyun.Item(p.Item), Kind: p.Kind, Site: p.Site, Supplier: p.Supplier},
		page(p.After, p.Limit))
	if err != nil {
		return nil, err
	}
	out := ListOffers200JSONResponse{Items: []Offer{}, Next: l.Next}
	for _, o := range l.Items {
		out.Items = append(out.Items, Offer{Pool: Ref{ID: o.Pool.ID, Code: o.Pool.Code, Name: o.Pool.Name},
			Supplier: Ref{ID: o.Supplier.ID, Code: o.Supplier.Code, Name: o.Supplier.Name}, Contract: o.Contract, Site: o.Pool.Site,
			Simulated: o.Pool.Simulated, Item: viewPrice(o.Item)})
	}
	return out, nil
}
