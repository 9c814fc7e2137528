package duoyun

import (
	"errors"
	"fmt"
	"strings"
)

// Code classifies an Error; openapi turns each code into one HTTP status.
type Code string

// The codes a service may answer with.
const (
	CodeInvalid      Code = "invalid"      // 400: the caller's input breaks a rule
	CodeUnauthorized Code = "unauthorized" // 401: no valid token
	CodeForbidden    Code = "forbidden"    // 403: the role may not do this
	CodeNotFound     Code = "not_found"    // 404: no such row, or outside the caller's scope
	CodeConflict     Code = "conflict"     // 409: the state has moved on, or the key was used with another body
	CodeShortage     Code = "shortage"     // 409: quota, budget, ceiling or capacity does not suffice
	CodeSeparation   Code = "separation"   // 403: one person in two roles that must be apart
	CodeVendor       Code = "vendor"       // 502: the vendor refused
	CodeUnavailable  Code = "unavailable"  // 503: try again later
	CodeInternal     Code = "internal"     // 500: ours to mend
)

// Text is a message in the two languages the product speaks.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// In returns the text in lang, Chinese unless lang begins with "en".
func (t Text) In(lang string) string {
	if strings.HasPrefix(lang, "en") && t.EN != "" {
		return t.EN
	}
	return t.ZH
}

// Fault is one broken rule in a document or request.
type Fault struct {
	Path  string `json:"path"`  // where, such as lines[0].spec.vcpu
	Rule  Text   `json:"rule"`  // what was expected
	Given string `json:"given"` // what was found
}

func (f Fault) String() string { return fmt.Sprintf("%s: %s (%s)", f.Path, f.Rule.EN, f.Given) }

// Faults collects every fault of an input, so that the user mends all at once.
type Faults []Fault

// Add appends a fault.
func (f *Faults) Add(path, given, zh, en string) {
	*f = append(*f, Fault{Path: path, Rule: Text{ZH: zh, EN: en}, Given: given})
}

// Err returns nil without faults, otherwise one CodeInvalid error that carries them all.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	e := Fail(CodeInvalid, f[0].Path, "输入有 %d 处不符合规则", "%d rules are broken", len(f))
	e.Faults = f
	return e
}

// Error is the one error type that reaches users. Message is fit for them; Err is the cause, for logs only.
type Error struct {
	Code    Code
	Field   string // the input field at fault, if one is
	Message Text
	Faults  Faults
	Vendor  *VendorRefusal
	Err     error
}

// VendorRefusal keeps what a vendor's cloud answered, so that its support can be asked.
type VendorRefusal struct {
	Supplier  string `json:"supplier,omitempty"`
	Code      string `json:"code,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// Fail makes an Error with one message in both languages; args fill both.
func Fail(code Code, field, zh, en string, args ...any) *Error {
	if len(args) > 0 {
		zh, en = fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)
	}
	return &Error{Code: code, Field: field, Message: Text{ZH: zh, EN: en}}
}

// Because attaches the cause and returns e.
func (e *Error) Because(err error) *Error { e.Err = err; return e }

// Error gives the English message with field and cause, for logs.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if e.Field != "" {
		b.WriteString(" " + e.Field)
	}
	b.WriteString(": " + e.Message.EN)
	for _, f := range e.Faults {
		b.WriteString("; " + f.String())
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// CodeOf returns the code of err, CodeInternal when it is not an Error, and "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}

// NotFound says that what (a noun, both languages) with this name is not there, or not for this caller.
func NotFound(zh, en, given string) *Error {
	return Fail(CodeNotFound, "", zh+"不存在：%s", en+" not found: %s", given)
}
