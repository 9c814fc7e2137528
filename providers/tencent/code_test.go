package tencent_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	sdk "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	"github.com/tencentyun/cos-go-sdk-v5"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
	"github.com/duoyun/duoyun/providers/tencent"
)

func TestDocumentedErrorsHaveTheirCodesAndAllOthersAreInDoubt(t *testing.T) {
	t.Parallel()
	for vendor, want := range map[string]driver.Code{
		"RequestLimitExceeded": driver.Throttled, "RequestLimitExceeded.UinLimitExceeded": driver.Throttled, "LimitExceeded.ActionLimited": driver.Throttled,
		"AuthFailure.SignatureExpire": driver.Auth, "AuthFailure.SecretIdNotFound": driver.Auth, "UnauthorizedOperation.MFANotFound": driver.Auth,
		"OperationDenied.UserHasNoStrategy": driver.Auth, "InvalidParameter.PermissionDenied": driver.Auth,
		"LimitExceeded.InstanceQuota": driver.Quota, "AddressQuotaLimitExceeded.DailyAllocate": driver.Quota, "InvalidAccount.InsufficientBalance": driver.Quota,
		"FailedOperation.BalanceInsufficient": driver.Quota, "InsufficientRefundQuota": driver.Quota, "ResourceInsufficient.OverRefundQuota": driver.Quota, "VpcLimitExceeded": driver.Quota,
		"ResourceInsufficient.SpecifiedInstanceType": driver.SoldOut, "ResourcesSoldOut.AvailableZone": driver.SoldOut, "ResourceUnavailable.SaleOut": driver.SoldOut,
		"InvalidInstanceId.NotFound": driver.NotFound, "InvalidParameter.LBIdNotFound": driver.NotFound, "ResourceNotFound.InstanceNotExists": driver.NotFound,
		"InvalidParameterValue.VpcIdNotExist": driver.NotFound, "InvalidSecurityGroupID.NotFound": driver.NotFound,
		"UnsupportedOperation.InstanceStateStopping": driver.NotReady, "OperationDenied.InstanceOperationInProgress": driver.NotReady, "ResourceInUse": driver.NotReady,
		"MutexOperation.TaskRunning": driver.NotReady, "FailedOperation.ResourceInOperating": driver.NotReady, "InvalidAddressIdStatus.NotPermit": driver.NotReady,
		"ResourceUnavailable.InstanceStatusError": driver.NotReady, "ResourceBusy": driver.NotReady, "TradeDealConflict": driver.NotReady,
		"InvalidParameterValue.Range": driver.Invalid, "MissingParameter": driver.Invalid, "UnknownParameter": driver.Invalid, "UnsupportedRegion": driver.Invalid,
		"InvalidParameterValue.LimitExceeded": driver.Invalid, "LimitExceeded.PeriodExceedMaxLimit": driver.Invalid, "NoSuchVersion": driver.Invalid, "OperationDenied": driver.Invalid,
		"UnsupportedOperation.UnsupportedChangeInstanceFamily": driver.Invalid,

		"ResourceUnavailable.Attached": driver.InDoubt, "InvalidParameterValue.SubnetConflict": driver.InDoubt, "UnsupportedOperation.IdempotentParameterMismatch": driver.InDoubt,
		"InvalidParameter.PortCheckFailed": driver.InDoubt, "InternalError": driver.InDoubt, "InternalError.TradeError": driver.InDoubt, "InternalServerError": driver.InDoubt,
		"FailedOperation": driver.InDoubt, "FailedOperation.PayFailed": driver.InDoubt, "CdbError": driver.InDoubt, "ServiceUnavailable": driver.InDoubt,
		"ClientError.NetworkError": driver.InDoubt, "ClientError.HttpStatusCodeError": driver.InDoubt, "ClientError.ParseJsonError": driver.InDoubt, "WhatWasNeverSaid": driver.InDoubt, "": driver.InDoubt,
	} {
		if got := tencent.Code(fmt.Errorf("wrapped: %w", sdk.NewTencentCloudSDKError(vendor, "words", "request"))); got != want {
			t.Errorf("%q: %q, want %q", vendor, got, want)
		}
	}
}

func TestErrorsOfBucketsHaveTheirCodes(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		status int
		code   string
		want   driver.Code
	}{
		{http.StatusNotFound, "NoSuchBucket", driver.NotFound}, {http.StatusForbidden, "AccessDenied", driver.Auth}, {http.StatusForbidden, "SignatureDoesNotMatch", driver.Auth},
		{http.StatusConflict, "BucketNotEmpty", driver.NotReady}, {http.StatusConflict, "BucketAlreadyOwnedByYou", driver.InDoubt}, {http.StatusServiceUnavailable, "SlowDown", driver.Throttled},
		{http.StatusServiceUnavailable, "ServiceUnavailable", driver.InDoubt}, {http.StatusInternalServerError, "InternalError", driver.InDoubt}, {http.StatusBadRequest, "TooManyBuckets", driver.Quota},
		{http.StatusBadRequest, "InvalidBucketName", driver.Invalid}, {http.StatusFound, "", driver.InDoubt},
	} {
		answer := &cos.ErrorResponse{Response: &http.Response{StatusCode: x.status}, Code: x.code}
		if got := tencent.Code(answer); got != x.want {
			t.Errorf("%d %s: %q, want %q", x.status, x.code, got, x.want)
		}
	}
}

func TestWhatCouldNotHaveBeenSentIsKnownThroughBothSDKs(t *testing.T) {
	t.Parallel()
	unsent := table.Refuse(driver.Unavailable, errors.New("no connection"))
	if got := tencent.Code(sdk.NewTencentCloudSDKErrorWithCause("ClientError.NetworkError", "Fail to get response", "", unsent)); got != driver.Unavailable {
		t.Errorf("through the core: %q", got)
	}
	if got := tencent.Code(&cos.RetryError{Errs: []error{unsent}}); got != driver.Unavailable {
		t.Errorf("through COS: %q", got)
	}
	if got := tencent.Code(&cos.RetryError{Errs: []error{context.DeadlineExceeded}}); got != driver.InDoubt {
		t.Errorf("a deadline through COS: %q", got)
	}
	if got := tencent.Code(nil); got != driver.OK {
		t.Errorf("no error: %q", got)
	}
}
