package aliyun_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aliyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// answering opens an account whose vendor answers everything alike.
func answering(t testing.TB, status int, body string) driver.Cloud {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	c, err := aliyun.Open(t.Context(), driver.Account{Endpoint: s.URL, Endpoints: map[string]string{"oss": s.URL}, Region: region, AccessKey: "LTAI", Secret: driver.NewSecret("secret")})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// list asks for the first page of a kind.
func list(t testing.TB, c driver.Cloud, k duoyun.Kind) (driver.Page, error) {
	t.Helper()
	r, ok := c.Kind(k)
	if !ok {
		t.Fatalf("%s is not offered", k)
	}
	return r.List(t.Context(), "")
}

// The codes are those of the products' own error lists (api.aliyun.com/document/<product>/errorCode).
func TestRefusalsAreClassifiedAsTheProductsMeanThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		want   driver.Code
	}{
		{400, "Throttling.User", driver.Throttled}, {400, "Throttling", driver.Throttled}, {503, "Throttling.Api", driver.Throttled}, {429, "", driver.Throttled},
		{404, "InvalidAccessKeyId.NotFound", driver.Auth}, {400, "InvalidAccessKeyId.Inactive", driver.Auth}, {400, "SignatureDoesNotMatch", driver.Auth},
		{400, "IncompleteSignature", driver.Auth}, {400, "InvalidTimeStamp.Expired", driver.Auth}, {403, "Forbidden.RAM", driver.Auth}, {403, "NoPermission", driver.Auth},
		{403, "AccessDenied", driver.Auth},
		{400, "SignatureNonceUsed", driver.InDoubt}, {400, "IdempotentParameterMismatch", driver.InDoubt}, {400, "IdempotentProcessing", driver.InDoubt},
		{400, "LastTokenProcessing", driver.InDoubt}, {409, "BucketAlreadyExists", driver.InDoubt}, {400, "ListenerAlreadyExists", driver.InDoubt},
		{400, "InvalidAccountName.Duplicate", driver.InDoubt},
		{403, "QuotaExceed.ElasticQuota", driver.Quota}, {400, "QuotaExceeded.Eip", driver.Quota}, {403, "InvalidAccountStatus.NotEnoughBalance", driver.Quota},
		{400, "PAY.INSUFFICIENT_BALANCE", driver.Quota}, {400, "TooManyBuckets", driver.Quota},
		{403, "OperationDenied.NoStock", driver.SoldOut}, {403, "Zone.NotOnSale", driver.SoldOut}, {403, "InsufficientResourceCapacity", driver.SoldOut},
		{404, "InvalidInstanceId.NotFound", driver.NotFound}, {404, "InvalidVpcId.NotFound", driver.NotFound}, {404, "InvalidDBInstanceId.NotFound", driver.NotFound},
		{404, "NoSuchBucket", driver.NotFound}, {404, "NoSuchQuotaConfiguration", driver.NotFound}, {200, "ResourceNotExists", driver.NotFound},
		{403, "IncorrectInstanceStatus", driver.NotReady}, {403, "IncorrectDiskStatus", driver.NotReady}, {400, "IncorrectEipStatus", driver.NotReady},
		{403, "IncorrectDBInstanceState", driver.NotReady}, {400, "DependencyViolation", driver.NotReady}, {409, "OperationConflict", driver.NotReady},
		{400, "TaskConflict", driver.NotReady}, {400, "BackendServer.configuring", driver.NotReady}, {409, "BucketNotEmpty", driver.NotReady},
		{404, "InvalidImageId.NotFound", driver.Invalid}, {404, "InvalidAction.NotFound", driver.Invalid}, {400, "MissingParameter", driver.Invalid},
		{400, "InvalidParameter.CidrBlock", driver.Invalid}, {400, "UnsupportedOperation", driver.Invalid}, {403, "OperationDenied.PayType", driver.Invalid},
		{500, "InternalError", driver.InDoubt}, {503, "ServiceUnavailable", driver.InDoubt}, {500, "InvalidParameter", driver.InDoubt},
		{504, "", driver.InDoubt}, {302, "", driver.InDoubt}, {400, "SomethingNobodyEverSaid", driver.InDoubt}, {400, "", driver.InDoubt},
	} {
		body := fmt.Sprintf(`{"RequestId":"R","HostId":"ecs.aliyuncs.com","Code":%q,"Message":"m"}`, c.code)
		_, err := list(t, answering(t, c.status, body), duoyun.KindNetwork)
		if got := aliyun.Code(err); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.status, c.code, got, c.want)
		}
	}
}

func TestRefusalsWithHTTP200AndOfTheGatewayAreRefusals(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]driver.Code{
		`{"Code":"NotAuthorized","Message":"m","Success":false}`:                         driver.Auth,
		`{"asapiSuccess":false,"asapiErrorCode":"NoPermission","asapiErrorMessage":"m"}`: driver.Auth,
		`{"errorKey":"InvalidInstanceId.NotFound","errorMessage":"m"}`:                   driver.NotFound,
		`{"Code":200,"Success":true,"Vpcs":{"Vpc":[]},"TotalCount":0}`:                   driver.OK,
		`{"Code":"200","asapiSuccess":true,"Vpcs":{"Vpc":[]},"TotalCount":0}`:            driver.OK,
		`{"Vpcs":{"Vpc":[]}}`:                  driver.InDoubt,
		`{"TotalCount":0}`:                     driver.InDoubt,
		`{"Vpcs":{},"TotalCount":0}`:           driver.InDoubt,
		`{"Vpcs":{"Vpc":null},"TotalCount":0}`: driver.InDoubt,
		`<html>`:                               driver.InDoubt,
		`["what"]`:                             driver.InDoubt,
		``:                                     driver.InDoubt,
	} {
		if _, err := list(t, answering(t, http.StatusOK, body), duoyun.KindNetwork); aliyun.Code(err) != want {
			t.Errorf("%s: %q, want %q", body, aliyun.Code(err), want)
		}
	}
}

func TestWhatIsNotDocumentedIsInDoubt(t *testing.T) {
	t.Parallel()
	for _, err := range []error{context.DeadlineExceeded, context.Canceled, io.EOF, io.ErrUnexpectedEOF, errors.New("?")} {
		if got := aliyun.Code(fmt.Errorf("wrapped: %w", err)); got != driver.InDoubt {
			t.Errorf("%v: %q", err, got)
		}
	}
	if got := aliyun.Code(nil); got != driver.OK {
		t.Errorf("no error: %q", got)
	}
}

func TestErrorsBearNeitherKeyNorSignature(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	t.Cleanup(s.Close)
	c, err := aliyun.Open(t.Context(), driver.Account{Endpoint: s.URL, Endpoints: map[string]string{"oss": s.URL}, Region: region, AccessKey: "LTAI5tPublicHalf", Secret: driver.NewSecret("hush")})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []duoyun.Kind{duoyun.KindServer, duoyun.KindBucket} {
		_, err = list(t, c, k)
		if err == nil || strings.Contains(err.Error(), "LTAI5t") || strings.Contains(err.Error(), "Signature") || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", k, err)
		}
	}
}
