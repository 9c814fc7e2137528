package openapi

import (
	"bytes"
	"context"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/broker/document"
)

func wantOrder(d *directory, o duoyun.Order) {
	d.want("agency", o.AgencyID, "agency", o.PayerID, "system", o.SystemID, "project", o.ProjectID, "user", o.ApplicantID)
	wantChoices(d, o.Chosen)
}

func wantChoices(d *directory, chosen []duoyun.Choice) {
	for _, c := range chosen {
		d.want("user", c.By)
	}
}

func viewChoices(d *directory, chosen []duoyun.Choice) (views []Choice) {
	for _, c := range chosen {
		views = append(views, Choice{Lines: c.LineNames(), Units: c.Units, Supplier: c.Candidate.Supplier, Pool: c.Candidate.Pool,
			PoolName: c.Candidate.PoolName, Contract: c.Candidate.Contract, Monthly: c.Candidate.Monthly, Total: c.Candidate.Total,
			Years: c.Candidate.Years, By: d.ref("user", c.By).Name, Reason: c.Reason})
	}
	return views
}

func viewOrder(d *directory, o duoyun.Order) Order {
	return Order{ID: o.ID, Number: o.Number, Form: o.Requested.Form, State: o.State, StateName: duoyun.OrderLifecycle().Name(o.State),
		Agency: d.ref("agency", o.AgencyID), Payer: d.ref("agency", o.PayerID), System: d.ref("system", o.SystemID),
		Project: d.ref("project", o.ProjectID), Applicant: d.ref("user", o.ApplicantID), Requested: o.Requested, Approved: o.Approved,
		Chosen: viewChoices(d, o.Chosen),
		Total:  o.Total, ContentHash: o.ContentHash, Reason: o.Reason, Version: o.Version, CreatedAt: local(o.CreatedAt), UpdatedAt: local(o.UpdatedAt)}
}

func (s *server) order(ctx context.Context, o duoyun.Order) (Order, error) {
	return single(ctx, s, o, wantOrder, viewOrder)
}

func (s *server) ListOrders(ctx context.Context, r ListOrdersRequestObject) (ListOrdersResponseObject, error) {
	actor, _ := caller(ctx)
	p := r.Params
	l, err := s.Broker.Orders(ctx, actor, broker.OrderFilter{State: p.State, Form: p.Form, Agency: p.Agency, System: p.System}, page(p.After, p.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantOrder, viewOrder)
	return ListOrders200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) SubmitOrder(ctx context.Context, _ SubmitOrderRequestObject) (SubmitOrderResponseObject, error) {
	actor, once := caller(ctx)
	doc, err := document.ParseOn(callOf(ctx).body, duoyun.DateOf(s.Clock.Now()))
	if err != nil {
		return nil, err
	}
	o, err := s.Broker.Submit(ctx, actor, once, doc)
	if err != nil {
		return nil, err
	}
	v, err := s.order(ctx, o)
	return SubmitOrder201JSONResponse(v), err
}

func (s *server) LintOrder(ctx context.Context, _ LintOrderRequestObject) (LintOrderResponseObject, error) {
	today := duoyun.DateOf(s.Clock.Now())
	doc, err := document.ParseOn(callOf(ctx).body, today)
	if err == nil {
		err = doc.CheckOn(today).Err()
	}
	return LintOrder200JSONResponse(doc), err
}

func (s *server) GetOrder(ctx context.Context, r GetOrderRequestObject) (GetOrderResponseObject, error) {
	actor, _ := caller(ctx)
	o, err := s.Broker.Order(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := s.order(ctx, o)
	return GetOrder200JSONResponse(v), err
}

func (s *server) GetOrderDocument(ctx context.Context, r GetOrderDocumentRequestObject) (GetOrderDocumentResponseObject, error) {
	actor, _ := caller(ctx)
	o, err := s.Broker.Order(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	raw := document.Marshal(o.Requested)
	return GetOrderDocument200ApplicationYamlResponse{Body: bytes.NewReader(raw), ContentLength: int64(len(raw))}, nil
}

func (s *server) ListOrderEvents(ctx context.Context, r ListOrderEventsRequestObject) (ListOrderEventsResponseObject, error) {
	actor, _ := caller(ctx)
	events, err := s.Broker.Events(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	out := ListOrderEvents200JSONResponse{Items: []OrderEvent{}}
	for _, e := range events {
		out.Items = append(out.Items, OrderEvent{At: local(e.At), Actor: e.Actor, Action: e.Action, From: e.From, To: e.To, Note: e.Note})
	}
	return out, nil
}

func (s *server) GetRecommendation(ctx context.Context, r GetRecommendationRequestObject) (GetRecommendationResponseObject, error) {
	actor, _ := caller(ctx)
	o, err := s.Broker.Order(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	if o.Recommended == nil {
		return nil, duoyun.NotFound("推荐", "recommendation", o.Number)
	}
	return GetRecommendation200JSONResponse(*o.Recommended), nil
}

func (s *server) RecommendAgain(ctx context.Context, r RecommendAgainRequestObject) (RecommendAgainResponseObject, error) {
	actor, once := caller(ctx)
	o, err := s.Broker.Recommend(ctx, actor, once, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := s.order(ctx, o)
	return RecommendAgain201JSONResponse(v), err
}

func (s *server) CancelOrder(ctx context.Context, r CancelOrderRequestObject) (CancelOrderResponseObject, error) {
	actor, once := caller(ctx)
	o, err := s.Broker.Cancel(ctx, actor, once, r.Key, r.Body.Note)
	if err != nil {
		return nil, err
	}
	v, err := s.order(ctx, o)
	return CancelOrder200JSONResponse(v), err
}

func (s *server) RetryOrder(ctx context.Context, r RetryOrderRequestObject) (RetryOrderResponseObject, error) {
	actor, once := caller(ctx)
	o, err := s.Broker.Retry(ctx, actor, once, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := s.order(ctx, o)
	return RetryOrder200JSONResponse(v), err
}

func (s *server) ReselectOrder(ctx context.Context, r ReselectOrderRequestObject) (ReselectOrderResponseObject, error) {
	actor, once := caller(ctx)
	o, err := s.Broker.Reselect(ctx, actor, once, r.Key, r.Body.Note)
	if err != nil {
		return nil, err
	}
	v, err := s.order(ctx, o)
	return ReselectOrder200JSONResponse(v), err
}

func (s *server) ListOrderDecisions(ctx context.Context, r ListOrderDecisionsRequestObject) (ListOrderDecisionsResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Broker.Decisions(ctx, actor, r.Key, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, func(d *directory, x duoyun.OrderDecision) { wantChoices(d, x.Chosen) }, viewDecision)
	return ListOrderDecisions200JSONResponse{Items: items, Next: l.Next}, err
}

func viewDecision(d *directory, x duoyun.OrderDecision) OrderDecision {
	v := OrderDecision{ID: x.ID, At: local(x.At), Actor: x.Actor, Action: x.Action, Note: x.Note, Chosen: viewChoices(d, x.Chosen),
		ContentHash: x.ContentHash, Total: x.Total}
	if x.Recommended != nil {
		v.Recommendation = *x.Recommended
	}
	if v.Chosen == nil {
		v.Chosen = []Choice{} // nothing had been chosen yet
	}
	return v
}

func (s *server) ListOrderHolds(ctx context.Context, r ListOrderHoldsRequestObject) (ListOrderHoldsResponseObject, error) {
	actor, _ := caller(ctx)
	sums, err := s.Broker.Holds(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	out := ListOrderHolds200JSONResponse{Items: []OrderHold{}}
	for _, h := range sums {
		v := OrderHold{Kind: OrderHoldKind(h.Kind), Owner: h.Owner, Year: h.Year, Item: h.Item, Dimension: string(h.Dimension),
			State: OrderHoldState(h.State), Units: h.Units}
		if h.Money() {
			v.Amount = duoyun.Fen(h.Amount)
		} else {
			v.Quantity = h.Amount
		}
		out.Items = append(out.Items, v)
	}
	return out, nil
}

func (s *server) GetDeliverySheet(ctx context.Context, r GetDeliverySheetRequestObject) (GetDeliverySheetResponseObject, error) {
	actor, _ := caller(ctx)
	sheet, err := s.Broker.DeliverySheet(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	o, err := s.order(ctx, sheet.Order)
	if err != nil {
		return nil, err
	}
	lang := callOf(ctx).lang
	items, err := viewed(ctx, s, sheet.Items, func(d *directory, i broker.SheetItem) { wantResource(d, i.Resource) },
		func(d *directory, i broker.SheetItem) SheetItem {
			return SheetItem{Resource: viewResource(d, i.Resource), Supplier: i.Supplier, Pool: i.Pool, Simulated: i.Simulated,
				Os: i.OS, Work: i.Work, Login: i.Login.In(lang), Expires: i.Expires}
		})
	return GetDeliverySheet200JSONResponse{Order: o, Items: items}, err
}
