package openapi

import (
	"context"
	"io"
	"net/http"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
)

// monthOf reads a month that may be left out.
func monthOf(s string) (duoyun.Month, error) {
	if s == "" {
		return duoyun.Month{}, nil
	}
	return duoyun.ParseMonth(s)
}

func wantUsage(d *directory, u duoyun.UsageInterval) {
	d.want("resource", u.ResourceID, "contract", u.ContractID)
}

func viewUsage(d *directory, u duoyun.UsageInterval) UsageInterval {
	return UsageInterval{Resource: d.ref("resource", u.ResourceID), Contract: d.ref("contract", u.ContractID), Meter: string(u.Meter),
		Quantity: u.Quantity, Start: local(u.Start), End: local(u.End), Stopped: u.Stopped}
}

func (s *server) ListUsage(ctx context.Context, r ListUsageRequestObject) (ListUsageResponseObject, error) {
	actor, _ := caller(ctx)
	month, err := monthOf(r.Params.Month)
	if err != nil {
		return nil, err
	}
	l, err := s.Billing.Usage(ctx, actor, billing.UsageFilter{Resource: r.Params.Resource, Month: month}, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantUsage, viewUsage)
	return ListUsage200JSONResponse{Items: items, Next: l.Next}, err
}

func wantStatement(d *directory, st duoyun.Statement) {
	d.want("contract", st.ContractID, "supplier", st.SupplierID)
}

func viewStatement(d *directory, st duoyun.Statement) Statement {
	return Statement{ID: st.ID, Number: st.Number, Contract: d.ref("contract", st.ContractID), Supplier: d.ref("supplier", st.SupplierID),
		Month: st.Month.String(), State: StatementState(st.State), Total: st.Total, Net: st.Net, Tax: st.Tax, Hash: st.Hash, ClosedAt: local(st.ClosedAt)}
}

func (s *server) ListStatements(ctx context.Context, r ListStatementsRequestObject) (ListStatementsResponseObject, error) {
	actor, _ := caller(ctx)
	month, err := monthOf(r.Params.Month)
	if err != nil {
		return nil, err
	}
	l, err := s.Billing.Statements(ctx, actor, billing.StatementFilter{Contract: r.Params.Contract, Month: month}, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantStatement, viewStatement)
	return ListStatements200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) CloseStatement(ctx context.Context, r CloseStatementRequestObject) (CloseStatementResponseObject, error) {
	actor, once := caller(ctx)
	month, err := monthOf(r.Body.Month)
	if err != nil {
		return nil, err
	}
	st, err := s.Billing.Close(ctx, actor, once, r.Body.Contract, month)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, st, wantStatement, viewStatement)
	return CloseStatement201JSONResponse(v), err
}

func (s *server) PreviewStatement(ctx context.Context, r PreviewStatementRequestObject) (PreviewStatementResponseObject, error) {
	actor, _ := caller(ctx)
	month, err := monthOf(r.Params.Month)
	if err != nil {
		return nil, err
	}
	p, err := s.Billing.Preview(ctx, actor, r.Params.Contract, month)
	if err != nil {
		return nil, err
	}
	st, err := single(ctx, s, p.Statement, wantStatement, viewStatement)
	if err != nil {
		return nil, err
	}
	lines, err := viewed(ctx, s, p.Lines, wantLine, viewLineIn(callOf(ctx).lang))
	return PreviewStatement200JSONResponse{Statement: st, Lines: lines, Count: p.Count}, err
}

func (s *server) GetStatement(ctx context.Context, r GetStatementRequestObject) (GetStatementResponseObject, error) {
	actor, _ := caller(ctx)
	st, err := s.Billing.Statement(ctx, actor, r.Key)
	if err != nil {
		return nil, err
	}
	v, err := single(ctx, s, st, wantStatement, viewStatement)
	return GetStatement200JSONResponse(v), err
}

func wantLine(d *directory, l duoyun.StatementLine) {
	d.want("resource", l.ResourceID, "agency", l.AgencyID, "agency", l.PayerID, "system", l.SystemID)
}

func viewLineIn(lang string) func(*directory, duoyun.StatementLine) StatementLine {
	return func(d *directory, l duoyun.StatementLine) StatementLine {
		return StatementLine{Ordinal: l.Ordinal, Charge: StatementLineCharge(l.Charge), Resource: d.ref("resource", l.ResourceID),
			Agency: d.ref("agency", l.AgencyID), Payer: d.ref("agency", l.PayerID), System: d.ref("system", l.SystemID), Group: l.Group,
			Item: string(l.Item), Price: l.Price, Per: l.Per, Quantity: l.Quantity, Start: local(l.Start), End: local(l.End), Share: l.Share,
			Exact: l.Exact, Amount: l.Amount, ListAmount: l.ListAmount, Note: l.Note.In(lang)}
	}
}

func (s *server) ListStatementLines(ctx context.Context, r ListStatementLinesRequestObject) (ListStatementLinesResponseObject, error) {
	actor, _ := caller(ctx)
	l, err := s.Billing.Lines(ctx, actor, r.Key, page(r.Params.After, r.Params.Limit))
	if err != nil {
		return nil, err
	}
	items, err := viewed(ctx, s, l.Items, wantLine, viewLineIn(callOf(ctx).lang))
	return ListStatementLines200JSONResponse{Items: items, Next: l.Next}, err
}

func (s *server) ExportFocus(ctx context.Context, r ExportFocusRequestObject) (ExportFocusResponseObject, error) {
	actor, _ := caller(ctx)
	month, err := monthOf(r.Params.Month)
	if err != nil {
		return nil, err
	}
	return export{name: "focus-" + month.String() + ".csv", write: func(w io.Writer) error { return s.Billing.FOCUS(ctx, actor, month, w) }}, nil
}

// export streams a CSV file: memory stays flat however long it is. An error before the first byte is a problem like any
// other; one after it breaks the connection off, so that nobody takes half a file for the whole.
type export struct {
	name  string
	write func(w io.Writer) error
}

// VisitExportFocusResponse writes the file.
func (e export) VisitExportFocusResponse(w http.ResponseWriter) error {
	out := &started{w: w, name: e.name}
	err := e.write(out)
	if err != nil && out.begun {
		panic(http.ErrAbortHandler)
	}
	if err == nil && !out.begun {
		_, err = out.Write(nil)
	}
	return err
}

// started sends the headers with the first byte.
type started struct {
	w     http.ResponseWriter
	name  string
	begun bool
}

func (s *started) Write(b []byte) (int, error) {
	if !s.begun {
		s.begun = true
		s.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		s.w.Header().Set("Content-Disposition", `attachment; filename="`+s.name+`"`)
		s.w.WriteHeader(http.StatusOK)
	}
	return s.w.Write(b)
}
