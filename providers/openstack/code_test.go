package openstack_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/openstack"
)

// The words are those of the services' own sources and API references.
func TestAnswersAreClassifiedAsTheServicesMeanThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		want   driver.Code
	}{
		{400, `{"badRequest": {"code": 400, "message": "Invalid input for field/attribute imageRef."}}`, driver.Invalid},
		{400, `{"badRequest": {"code": 400, "message": "Invalid volume: Volume status must be available or error or error_restoring"}}`, driver.NotReady},
		{400, `{"badRequest": {"code": 400, "message": "No valid host was found. There are not enough hosts available."}}`, driver.SoldOut},
		{401, `{"error": {"code": 401, "message": "The request you have made requires authentication."}}`, driver.Auth},
		{403, `{"forbidden": {"code": 403, "message": "Policy doesn't allow os_compute_api:servers:create to be performed."}}`, driver.Auth},
		{403, `{"forbidden": {"code": 403, "message": "Quota exceeded for cores, ram: Requested 8, but already used 16 of 20 cores"}}`, driver.Quota},
		{403, `{"forbidden": {"code": 403, "message": "Maximum number of ports exceeded"}}`, driver.Quota},
		{403, `{"faultcode": "Client", "faultstring": "Quota has been met for resources: Load Balancer", "debuginfo": null}`, driver.Quota},
		{404, `{"itemNotFound": {"code": 404, "message": "Instance could not be found."}}`, driver.NotFound},
		{409, `{"conflictingRequest": {"code": 409, "message": "Cannot 'stop' instance while it is in vm_state stopped"}}`, driver.NotReady},
		{409, `{"NeutronError": {"type": "OverQuota", "message": "Quota exceeded for resources: ['port'].", "detail": ""}}`, driver.Quota},
		{409, `{"NeutronError": {"type": "IpAddressGenerationFailure", "message": "No more IP addresses available on network."}}`, driver.SoldOut},
		{409, `{"NeutronError": {"type": "NetworkInUse", "message": "Unable to complete operation on network."}}`, driver.NotReady},
		{409, `{"faultcode": "Client", "faultstring": "Load Balancer is immutable and cannot be updated."}`, driver.NotReady},
		{413, `{"overLimit": {"code": 413, "message": "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'."}}`, driver.Quota},
		{413, `{"overLimit": {"code": 413, "message": "This request was rate-limited.", "retryAfter": 9}}`, driver.Throttled},
		{429, ``, driver.Throttled},
		{498, ``, driver.Throttled},
		{406, `{"computeFault": {"message": "Version 2.99 is not supported by the API."}}`, driver.Invalid},
		{500, `{"computeFault": {"code": 500, "message": "Unexpected API Error."}}`, driver.InDoubt},
		{502, `<html>Bad Gateway</html>`, driver.InDoubt},
		{503, ``, driver.InDoubt},
		{504, ``, driver.InDoubt},
		{302, ``, driver.InDoubt},
		{200, `not what was promised`, driver.InDoubt},
	} {
		answer := gophercloud.ErrUnexpectedResponseCode{Actual: c.status, Body: []byte(c.body)}
		if got := openstack.Code(fmt.Errorf("wrapped: %w", answer)); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.status, c.body, got, c.want)
		}
	}
}

func TestWhatIsNotDocumentedIsInDoubt(t *testing.T) {
	t.Parallel()
	for _, err := range []error{context.DeadlineExceeded, context.Canceled, io.EOF, io.ErrUnexpectedEOF, errors.New("?")} {
		if got := openstack.Code(err); got != driver.InDoubt {
			t.Errorf("%v: %q", err, got)
		}
	}
	if got := openstack.Code(nil); got != driver.OK {
		t.Errorf("no error: %q", got)
	}
}
