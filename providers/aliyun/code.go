package aliyun

import (
	"errors"
	"net/http"
	"strings"

	"github.com/aliyun/alibabacloud-oss-go-sdk-v2/oss"

	"github.com/duoyun/duoyun/providers/driver"
)

// Code classifies what the vendor answers, by its error codes (api.aliyun.com/document/<product>/errorCode). What they do
// not document as a refusal is in doubt: timeouts, broken connections, every 5xx, answers that cannot be read.
func Code(err error) driver.Code {
	if err == nil {
		return driver.OK
	}
	var known driver.Coded
	if errors.As(err, &known) {
		return known.DriverCode()
	}
	var refusal *Refusal
	if errors.As(err, &refusal) {
		return refused(refusal.Status, refusal.Code)
	}
	var service *oss.ServiceError
	if errors.As(err, &service) {
		return refused(service.StatusCode, service.Code)
	}
	return driver.InDoubt
}

// says is a part of an error code and what it means.
type says struct {
	words string
	code  driver.Code
}

// meanings are read from the first: the more exact come before the more general.
//
// A nonce that was used means that this very request has arrived before, and may have been acted on. So do a client token
// used with other parameters or still at work, and "exists already": what exists may be what an earlier call made.
func meanings() []says {
	return []says{
		{"SignatureNonceUsed", driver.InDoubt}, {"Idempotent", driver.InDoubt}, {"LastTokenProcessing", driver.InDoubt},
		{"BucketAlreadyExists", driver.InDoubt}, {"AlreadyExist", driver.InDoubt}, {"Duplicate", driver.InDoubt},

		{"InvalidAccessKeyId", driver.Auth}, {"SignatureDoesNotMatch", driver.Auth}, {"IncompleteSignature", driver.Auth},
		{"InvalidTimeStamp", driver.Auth}, {"RequestTimeTooSkewed", driver.Auth}, {"InvalidSecurityToken", driver.Auth},
		{"NoPermission", driver.Auth}, {"NotAuthorized", driver.Auth}, {"Unauthorized", driver.Auth}, {"AccessDenied", driver.Auth},
		{"RealNameAuthenticationError", driver.Auth}, {"SecurityTokenExpired", driver.Auth},

		{"NoSuch", driver.NotFound}, {"Quota", driver.Quota}, {"LimitExceed", driver.Quota}, {"TooManyBuckets", driver.Quota}, {"NotEnoughBalance", driver.Quota},
		{"INSUFFICIENT_BALANCE", driver.Quota}, {"Arrear", driver.Quota},

		{"NoStock", driver.SoldOut}, {"NotOnSale", driver.SoldOut}, {"ResourceNotAvailable", driver.SoldOut},
		{"InsufficientResourceCapacity", driver.SoldOut}, {"ResourceNotEnough", driver.SoldOut}, {"LackResource", driver.SoldOut},

		{"Image.NotFound", driver.Invalid}, {"InvalidImageId", driver.Invalid}, {"InvalidAction", driver.Invalid}, {"InvalidVersion", driver.Invalid},
		{"InvalidZoneId", driver.Invalid}, {"InvalidRegionId", driver.Invalid}, {"InvalidInstanceType", driver.Invalid},

		{"NotFound", driver.NotFound}, {"NotExist", driver.NotFound}, // ResourceNotExists: BssOpenApi

		{"DependencyViolation", driver.NotReady}, {"Conflict", driver.NotReady}, {"BucketNotEmpty", driver.NotReady}, {"configuring", driver.NotReady},
		{"Configuring", driver.NotReady}, {"InstanceStatusNotSupport", driver.NotReady}, {"OperationDenied.DBInstanceStatus", driver.NotReady},
		{"OperationDenied.DBStatus", driver.NotReady}, {"InvalidOperation.InvalidEipStatus", driver.NotReady}, {"InUse", driver.NotReady},
		{"OperationDenied.InstanceOperationInProgress", driver.NotReady}, {"DiskCreatingSnapshot", driver.NotReady}, {"InstanceNotReady", driver.NotReady},

		{"OperationDenied", driver.Invalid}, {"OperationUnsupported", driver.Invalid}, {"UnsupportedOperation", driver.Invalid}, {"NotSupport", driver.Invalid},
		{"Missing", driver.Invalid}, {"Malformed", driver.Invalid}, {"IllegalParam", driver.Invalid}, {"Invalid", driver.Invalid}, {"Forbidden", driver.Auth},
	}
}

// refused reads a refusal. Flow control is documented to come before anything is done, whatever HTTP status it has.
// Everything else that a product answers with 5xx may have been done.
func refused(status int, code string) driver.Code {
	switch {
	case strings.HasPrefix(code, "Throttling"), status == http.StatusTooManyRequests:
		return driver.Throttled
	case status >= 500:
		return driver.InDoubt
	case strings.HasPrefix(code, "Incorrect") && strings.Contains(code, "Stat"): // IncorrectInstanceStatus, IncorrectDBInstanceState
		return driver.NotReady
	}
	for _, m := range meanings() {
		if strings.Contains(code, m.words) {
			return m.code
		}
	}
	if code == "BadErrorResponse" && status == http.StatusNotFound { // OSS: a HEAD has no body to name the error in
		return driver.NotFound
	}
	return driver.InDoubt
}
