package tencent

import (
	"errors"
	"net/http"
	"path"

	sdk "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/duoyun/duoyun/providers/driver"
)

// Code classifies what Tencent answers. What it does not document as a refusal is in doubt: FailedOperation,
// InternalError and the like, timeouts, broken connections, HTTP errors, and answers that cannot be read.
func Code(err error) driver.Code {
	if err == nil {
		return driver.OK
	}
	var known driver.Coded
	if errors.As(err, &known) {
		return known.DriverCode()
	}
	var tries *cos.RetryError // of one try: COS's SDK wraps even that, without Unwrap
	if errors.As(err, &tries) && len(tries.Errs) > 0 {
		return Code(tries.Errs[len(tries.Errs)-1])
	}
	var object *cos.ErrorResponse
	if errors.As(err, &object) {
		return objectCode(object)
	}
	var answer *sdk.TencentCloudSDKError
	if errors.As(err, &answer) {
		return match(documented(), answer.Code)
	}
	return driver.InDoubt
}

// rule gives a code to the vendor's codes of one pattern.
type rule struct {
	pattern string
	code    driver.Code
}

// match is the code of the first pattern that fits.
func match(rules []rule, code string) driver.Code {
	for _, r := range rules {
		if ok, err := path.Match(r.pattern, code); ok && err == nil {
			return r.code
		}
	}
	return driver.InDoubt
}

// documented are the error codes of API 3.0 (common codes: document 213/30435; products: their own lists), the particular
// before the general.
func documented() []rule {
	return []rule{
		// the place is taken: by the same request, before it arrived a second time, as far as this unit goes
		{"ResourceUnavailable.Attached", driver.InDoubt}, {"ResourceUnavailable.RepeatRefund", driver.InDoubt}, {"*.AlreadyBindEip", driver.InDoubt},
		{"*.LBAlreadyBindEip", driver.InDoubt}, {"*.SubnetConflict", driver.InDoubt}, {"*.SubnetOverlap", driver.InDoubt}, {"*.PortCheckFailed", driver.InDoubt},
		{"InvalidParameterValue.Duplicate", driver.InDoubt}, {"*.IdempotentProcessing", driver.InDoubt}, {"*.IdempotentParameterMismatch", driver.InDoubt},

		{"RequestLimitExceeded*", driver.Throttled}, {"LimitExceeded.ActionLimited", driver.Throttled},
		{"AuthFailure*", driver.Auth}, {"UnauthorizedOperation*", driver.Auth}, {"*.UserHasNoStrategy", driver.Auth}, {"*.PermissionDenied", driver.Auth},
		{"*OverQuota", driver.Quota}, {"*RefundQuota", driver.Quota}, {"*InsufficientBalance", driver.Quota}, {"*BalanceInsufficient", driver.Quota}, {"*.AccountBalanceNotEnough", driver.Quota},
		{"*QuotaLimitExceeded*", driver.Quota}, {"LimitExceeded.Period*", driver.Invalid}, {"LimitExceeded.*MemSize*", driver.Invalid}, {"LimitExceeded*", driver.Quota}, {"VpcLimitExceeded", driver.Quota},
		{"ResourceInsufficient*", driver.SoldOut}, {"ResourcesSoldOut*", driver.SoldOut}, {"*.SaleOut", driver.SoldOut}, {"ResourceUnavailable.InstanceType", driver.SoldOut},
		{"*.NoEnoughVipInVPC", driver.SoldOut},

		{"*NotFound", driver.NotFound}, {"*.*NotExist", driver.NotFound}, {"*.*NotExists", driver.NotFound}, {"ResourceNotFound*", driver.NotFound}, {"ResourceUnavailable.InstanceDeleted", driver.NotFound},

		{"ResourceInUse*", driver.NotReady}, {"ResourceBusy*", driver.NotReady}, {"MutexOperation*", driver.NotReady}, {"*TaskRunning", driver.NotReady},
		{"*.InstanceOperationInProgress", driver.NotReady}, {"*.ResourceInOperating", driver.NotReady}, {"*.InvalidLBStatus", driver.NotReady}, {"*.StatusConflict", driver.NotReady},
		{"UnsupportedOperation.*Stat*", driver.NotReady}, {"Invalid*Stat*", driver.NotReady}, {"OperationDenied.*Status*", driver.NotReady}, {"OperationDenied.*Conflict*", driver.NotReady},
		{"OperationDenied.*InProcess", driver.NotReady}, {"ResourceUnavailable.Instance*Stat*", driver.NotReady}, {"*.InstanceIsolated", driver.NotReady}, {"InvalidDisk.Busy", driver.NotReady},
		{"TradeDealConflict", driver.NotReady},

		{"Invalid*", driver.Invalid}, {"MissingParameter*", driver.Invalid}, {"UnknownParameter*", driver.Invalid}, {"Unsupported*", driver.Invalid}, {"OperationDenied*", driver.Invalid},
		{"ResourceUnavailable*", driver.Invalid}, {"NoSuch*", driver.Invalid}, {"ActionOffline", driver.Invalid}, {"AccountQualificationRestrictions", driver.Invalid},
		{"RequestSizeLimitExceeded", driver.Invalid},
	}
}

// objectCode reads a refusal of COS (document 436/7730). That there is no room it documents no code for; API 3.0's is taken.
func objectCode(e *cos.ErrorResponse) driver.Code {
	if code := match([]rule{
		{"SlowDown", driver.Throttled}, {"TooManyBuckets", driver.Quota}, {"BucketNotEmpty", driver.NotReady}, {"ResourceInsufficient", driver.SoldOut},
	}, e.Code); code != driver.InDoubt {
		return code
	}
	switch e.Response.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return driver.Auth
	case http.StatusNotFound:
		return driver.NotFound
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusLengthRequired, http.StatusNotImplemented:
		return driver.Invalid
	}
	return driver.InDoubt
}
