package aws_test

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
	"github.com/duoyun/duoyun/providers/aws"
	"github.com/duoyun/duoyun/providers/driver"
)

// answering opens an account whose vendor answers everything alike.
func answering(t testing.TB, status int, body *string) driver.Cloud {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, *body)
	}))
	t.Cleanup(s.Close)
	c, err := aws.Open(t.Context(), driver.Account{Endpoint: s.URL, Region: region, AccessKey: "AKIA", Secret: driver.NewSecret("secret")})
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

// The codes are those of the services' own error lists: EC2's errors-overview, S3's ErrorResponses, and each action's of
// the others.
func TestRefusalsAreClassifiedAsTheServicesMeanThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		want   driver.Code
	}{
		{503, "RequestLimitExceeded", driver.Throttled}, {400, "Throttling", driver.Throttled}, {400, "ThrottlingException", driver.Throttled}, {503, "SlowDown", driver.Throttled},
		{400, "TooManyRequestsException", driver.Throttled}, {429, "", driver.Throttled},
		{401, "AuthFailure", driver.Auth}, {403, "UnauthorizedOperation", driver.Auth}, {403, "InvalidClientTokenId", driver.Auth}, {403, "SignatureDoesNotMatch", driver.Auth},
		{403, "MissingAuthenticationToken", driver.Auth}, {401, "OptInRequired", driver.Auth}, {400, "PendingVerification", driver.Auth}, {400, "Blocked", driver.Auth},
		{400, "RequestExpired", driver.Auth}, {403, "AccessDenied", driver.Auth}, {400, "AccessDeniedException", driver.Auth}, {403, "InvalidAccessKeyId", driver.Auth},
		{403, "RequestTimeTooSkewed", driver.Auth}, {400, "UnrecognizedClientException", driver.Auth}, {400, "InvalidSignatureException", driver.Auth},
		{400, "ExpiredToken", driver.Auth}, {403, "IncompleteSignature", driver.Auth},
		{400, "IdempotentParameterMismatch", driver.InDoubt}, {400, "IdempotentInstanceTerminated", driver.InDoubt}, {400, "InvalidGroup.Duplicate", driver.InDoubt},
		{400, "InvalidPermission.Duplicate", driver.InDoubt}, {400, "RouteAlreadyExists", driver.InDoubt}, {400, "Resource.AlreadyAssociated", driver.InDoubt},
		{400, "DuplicateLoadBalancerName", driver.InDoubt}, {400, "DuplicateListener", driver.InDoubt}, {400, "DBInstanceAlreadyExists", driver.InDoubt},
		{400, "DBSubnetGroupAlreadyExists", driver.InDoubt}, {400, "ReplicationGroupAlreadyExists", driver.InDoubt}, {409, "BucketAlreadyExists", driver.InDoubt},
		{409, "BucketAlreadyOwnedByYou", driver.InDoubt}, {400, "InvalidSubnet.Conflict", driver.InDoubt},
		{400, "VcpuLimitExceeded", driver.Quota}, {400, "InstanceLimitExceeded", driver.Quota}, {400, "AddressLimitExceeded", driver.Quota}, {400, "VpcLimitExceeded", driver.Quota},
		{400, "VolumeLimitExceeded", driver.Quota}, {400, "InstanceQuotaExceeded", driver.Quota}, {400, "StorageQuotaExceeded", driver.Quota},
		{400, "NodeQuotaForCustomerExceeded", driver.Quota}, {400, "TooManyLoadBalancers", driver.Quota}, {400, "TooManyBuckets", driver.Quota},
		{400, "InsufficientFreeAddressesInSubnet", driver.Quota},
		{500, "InsufficientInstanceCapacity", driver.SoldOut}, {500, "InsufficientVolumeCapacity", driver.SoldOut}, {400, "InsufficientDBInstanceCapacity", driver.SoldOut},
		{400, "InsufficientCacheClusterCapacity", driver.SoldOut}, {400, "InsufficientAddressCapacity", driver.SoldOut},
		{400, "InvalidVpcID.NotFound", driver.NotFound}, {400, "InvalidInstanceID.NotFound", driver.NotFound}, {400, "InvalidInstanceID.Malformed", driver.NotFound},
		{400, "InvalidVolume.NotFound", driver.NotFound}, {404, "DBInstanceNotFound", driver.NotFound}, {404, "ReplicationGroupNotFoundFault", driver.NotFound},
		{400, "LoadBalancerNotFound", driver.NotFound}, {404, "NoSuchBucket", driver.NotFound},
		{400, "InvalidAMIID.NotFound", driver.Invalid}, {400, "InvalidAMIID.Malformed", driver.Invalid}, {400, "UnknownVolumeType", driver.Invalid},
		{400, "InvalidParameterValue", driver.Invalid}, {400, "MissingParameter", driver.Invalid}, {400, "ValidationError", driver.Invalid}, {400, "InvalidAction", driver.Invalid},
		{400, "Unsupported", driver.Invalid}, {400, "InvalidParameterCombination", driver.Invalid}, {400, "OperationNotPermitted", driver.Invalid},
		{400, "DBSubnetGroupDoesNotCoverEnoughAZs", driver.Invalid}, {400, "IllegalLocationConstraintException", driver.Invalid},
		{400, "DependencyViolation", driver.NotReady}, {400, "IncorrectState", driver.NotReady}, {400, "IncorrectInstanceState", driver.NotReady}, {400, "VolumeInUse", driver.NotReady},
		{400, "InvalidDBInstanceState", driver.NotReady}, {400, "InvalidDBSubnetGroupStateFault", driver.NotReady}, {400, "InvalidReplicationGroupState", driver.NotReady},
		{400, "CacheSubnetGroupInUse", driver.NotReady}, {400, "ResourceInUse", driver.NotReady}, {409, "BucketNotEmpty", driver.NotReady}, {409, "OperationAborted", driver.NotReady},
		{400, "VolumeModificationRateExceeded", driver.NotReady}, {400, "InvalidIPAddress.InUse", driver.NotReady},
		{500, "InternalError", driver.InDoubt}, {503, "Unavailable", driver.InDoubt}, {503, "ServiceUnavailable", driver.InDoubt}, {500, "", driver.InDoubt}, {504, "", driver.InDoubt},
		{400, "WhatNobodyDocumented", driver.InDoubt}, {301, "PermanentRedirect", driver.InDoubt},
	} {
		if got := aws.Code(&aws.Refusal{Status: c.status, Code: c.code}); got != c.want {
			t.Errorf("HTTP %d %s: %s, want %s", c.status, c.code, got, c.want)
		}
	}
}

func TestTheErrorsOfEveryProtocolAreRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind duoyun.Kind
		body string
	}{
		"EC2": {duoyun.KindNetwork, `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors><RequestID>r-1</RequestID></Response>`},
		"Query": {duoyun.KindDatabase, `<ErrorResponse xmlns="http://rds.amazonaws.com/doc/2014-10-31/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>
			<RequestId>r-1</RequestId></ErrorResponse>`},
		"S3": {duoyun.KindBucket, `<Error><Code>AccessDenied</Code><Message>no</Message><RequestId>r-1</RequestId></Error>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cloud := answering(t, http.StatusForbidden, &c.body)
			_, err := list(t, cloud, c.kind)
			if cloud.Code(err) != driver.Auth || !strings.Contains(fmt.Sprint(err), "r-1") {
				t.Errorf("%q: %v", cloud.Code(err), err)
			}
		})
	}
	body := `{"__type":"com.amazonaws.servicequotas#AccessDeniedException","message":"no"}`
	cloud := answering(t, http.StatusBadRequest, &body)
	quotas, _ := driver.As[driver.QuotaReader](cloud)
	if _, err := quotas.Quota(t.Context()); cloud.Code(err) != driver.Auth {
		t.Errorf("JSON: %q: %v", cloud.Code(err), err)
	}
}

func TestAnAnswerWithoutItsListProvesNothing(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"<DescribeVpcsResponse/>", "<a><b/></a>", "", "{}", "<html>", "<Response><vpcSet>", "<ListAllMyBucketsResult/>"} {
		cloud := answering(t, http.StatusOK, &body)
		for _, k := range duoyun.Kinds() {
			if _, ok := cloud.Kind(k); !ok {
				continue
			}
			if p, err := list(t, cloud, k); err == nil {
				t.Errorf("%q is taken for a listing of %s: %+v", body, k, p)
			}
		}
	}
}

func TestWhatNeverLeftIsUnavailableAndWhatBrokeIsInDoubt(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	c, err := aws.Open(t.Context(), driver.Account{Endpoint: s.URL, Region: region, AccessKey: "AKIA", Secret: driver.NewSecret("secret")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := list(t, c, duoyun.KindServer); c.Code(err) != driver.InDoubt || strings.Contains(fmt.Sprint(err), s.URL) {
		t.Errorf("a broken connection: %q, %v", c.Code(err), err)
	}
	s.Close()
	if _, err := list(t, c, duoyun.KindServer); c.Code(err) != driver.Unavailable {
		t.Errorf("nobody there: %q, %v", c.Code(err), err)
	}
	if code := c.Code(context.DeadlineExceeded); code != driver.InDoubt {
		t.Errorf("a deadline: %q", code)
	}
	if code := c.Code(errors.New("?")); code != driver.InDoubt {
		t.Errorf("anything: %q", code)
	}
}

func TestAParentThatTheVendorDoesNotKnowYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.FormValue("Action") {
		case "DescribeVpcs":
			_, _ = io.WriteString(w, "<R><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></R>")
		case "DescribeAvailabilityZones":
			_, _ = io.WriteString(w, "<R><availabilityZoneInfo><item><zoneName>a</zoneName><zoneState>available</zoneState></item><item><zoneName>b</zoneName><zoneState>available</zoneState></item></availabilityZoneInfo></R>")
		default:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, "<Response><Errors><Error><Code>InvalidVpcID.NotFound</Code></Error></Errors></Response>")
		}
	}))
	t.Cleanup(s.Close)
	c, err := aws.Open(t.Context(), driver.Account{Endpoint: s.URL, Region: region, AccessKey: "AKIA", Secret: driver.NewSecret("secret")})
	if err != nil {
		t.Fatal(err)
	}
	network, _ := c.Kind(duoyun.KindNetwork)
	change := driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindNetwork, Mark: "dy-1", ID: "vpc-1", After: duoyun.NetworkSpec{CIDR: "10.0.0.0/24"}}
	if _, err := network.Run(t.Context(), driver.Call{Change: change, Step: "subnet"}); c.Code(err) != driver.NotReady {
		t.Errorf("a creation: %q, %v", c.Code(err), err)
	}
	change.Op, change.After = duoyun.OpDelete, nil
	if _, err := network.Run(t.Context(), driver.Call{Change: change, Step: "delete-network"}); err != nil {
		t.Errorf("a deletion: %q, %v", c.Code(err), err)
	}
}
