package aws

import (
	"errors"
	"net/http"
	"strings"

	"github.com/duoyun/duoyun/providers/driver"
)

// Code classifies what the vendor answers, by the error codes of EC2 (docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html),
// S3 (…/AmazonS3/latest/API/ErrorResponses.html) and of each action of the others. What they do not document as a refusal is
// in doubt: timeouts, broken connections, every other 5xx, answers that cannot be read.
func Code(err error) driver.Code {
	if err == nil {
		return driver.OK
	}
	var known driver.Coded
	if errors.As(err, &known) {
		return known.DriverCode()
	}
	var r *Refusal
	if errors.As(err, &r) {
		return refused(r.Status, r.Code)
	}
	return driver.InDoubt
}

// says is a part of an error code and what it means.
type says struct {
	words string
	code  driver.Code
}

// always hold whatever the HTTP status: EC2 refuses for its rate and its capacity with 500 and 503.
func always() []says {
	return []says{
		{"RequestLimitExceeded", driver.Throttled}, {"Throttl", driver.Throttled}, {"TooManyRequests", driver.Throttled}, {"SlowDown", driver.Throttled},
		{"RequestThrottled", driver.Throttled}, {"BandwidthLimitExceeded", driver.Throttled},

		{"Capacity", driver.SoldOut}, {"NotAvailableInAZ", driver.SoldOut},
	}
}

// meanings are read from the first: the more exact come before the more general.
//
// A token used with other parameters, or of an instance that has ended, was seen before. So was what exists already: it may
// be what an earlier call made.
func meanings() []says {
	return []says{
		{"Idempotent", driver.InDoubt}, {"AlreadyExist", driver.InDoubt}, {"AlreadyOwned", driver.InDoubt}, {"Duplicate", driver.InDoubt},
		{"AlreadyAssociated", driver.InDoubt}, {"AlreadyAssigned", driver.InDoubt}, {"AlreadyAttached", driver.InDoubt}, {"InvalidSubnet.Conflict", driver.InDoubt},

		{"AuthFailure", driver.Auth}, {"Unauthorized", driver.Auth}, {"InvalidClientTokenId", driver.Auth}, {"Signature", driver.Auth},
		{"MissingAuthenticationToken", driver.Auth}, {"OptInRequired", driver.Auth}, {"PendingVerification", driver.Auth}, {"Blocked", driver.Auth},
		{"RequestExpired", driver.Auth}, {"AccessDenied", driver.Auth}, {"InvalidAccessKeyId", driver.Auth}, {"RequestTimeTooSkewed", driver.Auth},
		{"ExpiredToken", driver.Auth}, {"UnrecognizedClient", driver.Auth}, {"NotSignedUp", driver.Auth},

		{"VolumeModificationRateExceeded", driver.NotReady}, {"PriorRequestNotComplete", driver.NotReady},
		{"LimitExceeded", driver.Quota}, {"QuotaExceeded", driver.Quota}, {"QuotaFor", driver.Quota}, {"TooMany", driver.Quota}, {"InsufficientFreeAddresses", driver.Quota},

		{"InvalidAMI", driver.Invalid}, {"InvalidAction", driver.Invalid}, {"InvalidInstanceType", driver.Invalid}, {"InvalidZone", driver.Invalid},
		{"UnknownVolumeType", driver.Invalid},

		{"NotFound", driver.NotFound}, {"NoSuch", driver.NotFound}, {"ID.Malformed", driver.NotFound}, {"Id.Malformed", driver.NotFound},

		{"DependencyViolation", driver.NotReady}, {"IncorrectState", driver.NotReady}, {"IncorrectInstanceState", driver.NotReady},
		{"IncorrectModificationState", driver.NotReady}, {"InvalidDBInstanceState", driver.NotReady}, {"InvalidDBSubnetGroupState", driver.NotReady},
		{"InvalidReplicationGroupState", driver.NotReady}, {"InvalidCacheClusterState", driver.NotReady}, {"InUse", driver.NotReady},
		{"BucketNotEmpty", driver.NotReady}, {"NotAttached", driver.NotReady}, {"OperationAborted", driver.NotReady},

		{"Invalid", driver.Invalid}, {"Missing", driver.Invalid}, {"Malformed", driver.Invalid}, {"Validation", driver.Invalid},
		{"Unsupported", driver.Invalid}, {"NotSupported", driver.Invalid}, {"Unknown", driver.Invalid}, {"OperationNotPermitted", driver.Invalid},
		{"DoesNotCoverEnoughAZs", driver.Invalid}, {"IllegalLocationConstraint", driver.Invalid},
	}
}

// refused reads a refusal.
func refused(status int, code string) driver.Code {
	if m, ok := meaning(always(), code); ok {
		return m
	}
	if status >= http.StatusInternalServerError || status < http.StatusBadRequest {
		return driver.InDoubt
	}
	if status == http.StatusTooManyRequests {
		return driver.Throttled
	}
	if m, ok := meaning(meanings(), code); ok {
		return m
	}
	return driver.InDoubt
}

func meaning(all []says, code string) (driver.Code, bool) {
	for _, m := range all {
		if strings.Contains(code, m.words) {
			return m.code, true
		}
	}
	return "", false
}
