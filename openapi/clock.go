package openapi

import (
	"context"

	"github.com/duoyun/duoyun"
)

func (s *server) clock() ClockView { return ClockView{Now: local(s.Clock.Now()), Movable: s.advance} }

func (s *server) GetClock(context.Context, GetClockRequestObject) (GetClockResponseObject, error) {
	return GetClock200JSONResponse(s.clock()), nil
}

// AdvanceClock moves the business clock; where that is not configured, nobody's role suffices.
func (s *server) AdvanceClock(ctx context.Context, r AdvanceClockRequestObject) (AdvanceClockResponseObject, error) {
	if !s.advance {
		return nil, duoyun.Fail(duoyun.CodeForbidden, "", "业务时钟只能在演示环境拨快", "the business clock moves only where demonstrations are configured")
	}
	if err := s.Clock.AdvanceTo(ctx, r.Body.To); err != nil {
		return nil, err
	}
	return AdvanceClock200JSONResponse(s.clock()), nil
}
