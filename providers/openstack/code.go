package openstack

import (
	"bytes"
	"errors"
	"net/http"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/duoyun/duoyun/providers/driver"
)

// Code classifies what the OpenStack APIs answer. What they do not document as a refusal is in doubt: timeouts, broken
// connections, 5xx, and answers that cannot be read.
func Code(err error) driver.Code {
	if err == nil {
		return driver.OK
	}
	var known driver.Coded
	if errors.As(err, &known) {
		return known.DriverCode()
	}
	var answer gophercloud.ErrUnexpectedResponseCode
	if errors.As(err, &answer) {
		return answered(answer.Actual, answer.Body)
	}
	var missing gophercloud.ErrMissingInput
	var invalid gophercloud.ErrInvalidInput
	if errors.As(err, &missing) || errors.As(err, &invalid) {
		return driver.Invalid // the SDK would not even write the request
	}
	return driver.InDoubt
}

// answered reads a refusal. The services share status codes between unlike refusals, and only Neutron names a type, so
// that the words decide: Nova says 403 "Quota exceeded for cores", Cinder 413 "VolumeLimitExceeded … for quota",
// Neutron 409 "OverQuota", Octavia 403 "Quota has been met".
func answered(status int, body []byte) driver.Code {
	says := func(words ...string) bool {
		lower := bytes.ToLower(body)
		for _, w := range words {
			if bytes.Contains(lower, []byte(w)) {
				return true
			}
		}
		return false
	}
	switch {
	case status >= 400 && status < 500 && says("no valid host", "ipaddressgenerationfailure", "externalipaddressexhausted", "no more ip addresses"):
		return driver.SoldOut
	case (status == http.StatusForbidden || status == http.StatusConflict || status == http.StatusRequestEntityTooLarge) && says("quota", "maximum number of"):
		return driver.Quota
	case status == http.StatusBadRequest && says("status must be", "invalid volume:"):
		return driver.NotReady // Cinder and Nova: the volume is in a state that refuses the call
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return driver.Auth
	case http.StatusNotFound, http.StatusGone:
		return driver.NotFound
	case http.StatusConflict:
		return driver.NotReady
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests, 498: // 498 is Swift's rate limit
		return driver.Throttled
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusLengthRequired,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusNotImplemented:
		return driver.Invalid
	}
	return driver.InDoubt
}
