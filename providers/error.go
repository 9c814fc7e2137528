package providers

import (
	"errors"
	"fmt"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// Error is what every call of a Cloud fails with: the driver's classification for the protocol, and below it the
// duoyun.Error that people may read. Its text never holds a secret.
type Error struct {
	Code driver.Code
	Op   string // run server, list …
	Err  *duoyun.Error
	// Reply is the vendor's answer word for word, redacted, where it says that a mutation succeeded and is not what the
	// vendor's protocol promises.
	Reply string
}

func (e *Error) Error() string { return e.Op + ": " + string(e.Code) + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// DriverCode implements driver.Coded.
func (e *Error) DriverCode() driver.Code { return e.Code }

// BadReply returns the answer within err that is not what the vendor's protocol promises; "" where there is none.
func BadReply(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Reply
	}
	return ""
}

// CodeOf returns the driver's code within err: OK for nil, InDoubt for an error that has none.
func CodeOf(err error) driver.Code {
	if err == nil {
		return driver.OK
	}
	var c driver.Coded
	if errors.As(err, &c) {
		return c.DriverCode()
	}
	return driver.InDoubt
}

// Refused reports whether a mutation that ended with this code did nothing at the vendor.
func Refused(c driver.Code) bool {
	switch c {
	case driver.Throttled, driver.Quota, driver.SoldOut, driver.Auth, driver.Invalid, driver.NotFound, driver.NotReady,
		driver.Unavailable:
		return true
	}
	return false
}

// wrap is the one place where a driver's error becomes ours.
func (c *Cloud) wrap(op string, k duoyun.Kind, err error) *Error {
	code := c.cloud.Code(err)
	var known driver.Coded
	if errors.As(err, &known) {
		code = known.DriverCode()
	}
	if code == driver.OK {
		code = driver.InDoubt // an error is never a success
	}
	return c.fail(op, k, code, err)
}

func (c *Cloud) fail(op string, k duoyun.Kind, code driver.Code, err error) *Error {
	words := c.clean(err.Error())
	t := meaning(code)
	e := duoyun.Fail(duoyun.CodeVendor, "", t.ZH+"：%s", t.EN+": %s", words)
	if code == driver.Throttled || code == driver.Unavailable {
		e.Code = duoyun.CodeUnavailable
	}
	e.Vendor = &duoyun.VendorRefusal{Supplier: c.pool.Name, Code: string(code)}
	return &Error{Code: code, Op: fmt.Sprintf("%s %s %s", c.pool.Code, k, op), Err: e.Because(errors.New(words))}
}

// meaning says a code in words for people.
func meaning(c driver.Code) duoyun.Text {
	switch c {
	case driver.Throttled:
		return duoyun.Text{ZH: "云平台限流", EN: "the cloud limits calls"}
	case driver.Quota:
		return duoyun.Text{ZH: "云账号配额不足", EN: "the account's quota does not suffice"}
	case driver.SoldOut:
		return duoyun.Text{ZH: "云平台资源售罄", EN: "the cloud is sold out"}
	case driver.Auth:
		return duoyun.Text{ZH: "云账号凭据无效", EN: "the account's credentials do not serve"}
	case driver.Invalid:
		return duoyun.Text{ZH: "云平台不接受此请求", EN: "the cloud does not take this request"}
	case driver.NotFound:
		return duoyun.Text{ZH: "云平台上不存在", EN: "the cloud has no such thing"}
	case driver.NotReady:
		return duoyun.Text{ZH: "云平台上的对象尚未就绪", EN: "the thing is not ready at the cloud"}
	case driver.Unavailable:
		return duoyun.Text{ZH: "云平台无法连接", EN: "the cloud cannot be reached"}
	}
	return duoyun.Text{ZH: "云平台是否已执行尚不清楚", EN: "whether the cloud acted is not known"}
}

func errNotOffered(k duoyun.Kind) error {
	return duoyun.Fail(duoyun.CodeInvalid, "kind", "资源池不提供此类资源：%s", "the pool does not offer %s", k)
}

func errSameCursor() error { return errors.New("the listing's next page is the page itself") }
