package openapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/duoyun/duoyun"
)

// Codes of what goes wrong before any service is asked.
const (
	codeTooLarge duoyun.Code = "too_large"              // 413
	codeMedia    duoyun.Code = "unsupported_media_type" // 415
	codeMethod   duoyun.Code = "method_not_allowed"     // 405
)

// verdict is how a code appears in HTTP.
type verdict struct {
	status int
	title  duoyun.Text
}

func verdictOf(code duoyun.Code) verdict {
	switch code {
	case duoyun.CodeInvalid:
		return verdict{http.StatusBadRequest, duoyun.Text{ZH: "输入有误", EN: "Invalid input"}}
	case duoyun.CodeUnauthorized:
		return verdict{http.StatusUnauthorized, duoyun.Text{ZH: "未登录", EN: "Not authenticated"}}
	case duoyun.CodeForbidden:
		return verdict{http.StatusForbidden, duoyun.Text{ZH: "没有权限", EN: "Forbidden"}}
	case duoyun.CodeSeparation:
		return verdict{http.StatusForbidden, duoyun.Text{ZH: "职责须分离", EN: "Duties must be separate"}}
	case duoyun.CodeNotFound:
		return verdict{http.StatusNotFound, duoyun.Text{ZH: "不存在", EN: "Not found"}}
	case codeMethod:
		return verdict{http.StatusMethodNotAllowed, duoyun.Text{ZH: "不支持的方法", EN: "Method not allowed"}}
	case duoyun.CodeConflict:
		return verdict{http.StatusConflict, duoyun.Text{ZH: "状态冲突", EN: "Conflict"}}
	case duoyun.CodeShortage:
		return verdict{http.StatusConflict, duoyun.Text{ZH: "额度不足", EN: "Shortage"}}
	case codeTooLarge:
		return verdict{http.StatusRequestEntityTooLarge, duoyun.Text{ZH: "请求过大", EN: "Too large"}}
	case codeMedia:
		return verdict{http.StatusUnsupportedMediaType, duoyun.Text{ZH: "不支持的内容类型", EN: "Unsupported media type"}}
	case duoyun.CodeVendor:
		return verdict{http.StatusBadGateway, duoyun.Text{ZH: "云服务商拒绝", EN: "Refused by the vendor"}}
	case duoyun.CodeUnavailable:
		return verdict{http.StatusServiceUnavailable, duoyun.Text{ZH: "暂不可用", EN: "Unavailable"}}
	}
	return verdict{http.StatusInternalServerError, duoyun.Text{ZH: "服务器内部错误", EN: "Internal error"}}
}

// public is what a user may learn of err: an Error keeps its message and faults, a deadline is "try again", all else is
// an internal error without words of its own.
func public(err error) *duoyun.Error {
	var e *duoyun.Error
	switch {
	case errors.As(err, &e) && e.Code != duoyun.CodeInternal:
		return e
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return duoyun.Fail(duoyun.CodeUnavailable, "", "处理超时，请稍后重试", "this took too long: try again later")
	}
	return duoyun.Fail(duoyun.CodeInternal, "", "服务器内部错误，请凭跟踪号联系运维", "internal error: give the trace id to operations")
}

// fail is the one funnel through which errors become HTTP (RFC 9457).
func (s *server) fail(w http.ResponseWriter, r *http.Request, err error) {
	c, e := callOf(r.Context()), public(err)
	c.failure = err
	v := verdictOf(e.Code)
	p := Problem{Type: "urn:duoyun:problem:" + string(e.Code), Title: v.title.In(c.lang), Status: v.status,
		Detail: e.Message.In(c.lang), Code: string(e.Code), Field: e.Field, TraceID: c.trace}
	for _, f := range e.Faults {
		p.Faults = append(p.Faults, Fault{Path: f.Path, Rule: f.Rule.In(c.lang), Given: f.Given})
	}
	if e.Vendor != nil {
		p.Vendor = VendorRefusal{Supplier: e.Vendor.Supplier, Code: e.Vendor.Code, RequestID: e.Vendor.RequestID}
	}
	switch v.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Bearer realm="duoyun"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	}
	writeProblem(w, p)
}

func writeProblem(w http.ResponseWriter, p Problem) {
	var body bytes.Buffer
	if err := json.NewEncoder(&body).Encode(p); err != nil {
		panic(fmt.Errorf("problem: %w", err)) // strings and numbers always marshal
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_, _ = body.WriteTo(w) // a client that is gone cannot be told
}
