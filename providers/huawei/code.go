package huawei

import (
	"errors"
	"net/http"
	"strings"

	"github.com/duoyun/duoyun/providers/driver"
)

// documented are the codes whose HTTP status does not say what they mean. Sources: api-ecs ecs_07_0002, api-evs
// evs_04_0038, api-vpc vpc_api_0003, api-eip ErrorCode, api-rds rds_10_0201, api-obs obs_25_1601, api-oce (BSS) error
// codes, devg-apisign api-sign-errorcode. For ELB and DCS no list of codes for quotas and stock was found.
func documented(code string) (driver.Code, bool) {
	c, ok := map[string]driver.Code{
		"APIGW.0101":     driver.Invalid, // 404: no such API; never "no such resource"
		"APIGW.0301":     driver.Auth,    // wrong key or signature
		"APIGW.0302":     driver.Auth,    // not on the gateway's list
		"APIGW.0303":     driver.Auth,    // the clock is off by more than 15 minutes
		"APIGW.0308":     driver.Throttled,
		"APIG.0308":      driver.Throttled,
		"Ecs.0000":       driver.Invalid,
		"Ecs.0001":       driver.Quota,
		"Ecs.0002":       driver.InDoubt, // 400: "failed to submit the task"
		"Ecs.0003":       driver.Auth,    // no permission, or the account is restricted
		"Ecs.0004":       driver.InDoubt, // 400: an exception inside
		"Ecs.0012":       driver.SoldOut, // the subnet has no addresses left
		"Ecs.0114":       driver.NotFound,
		"Ecs.0118":       driver.Invalid,
		"Ecs.0319":       driver.SoldOut,
		"Ecs.0614":       driver.NotFound,
		"EVS.2219":       driver.InDoubt, // the token came with another request before
		"EVS.2220":       driver.InDoubt, // the token is older than 8 hours: its first request may have acted
		"EVS.2221":       driver.InDoubt, // a request with this token is still under way
		"EVS.2222":       driver.InDoubt, // what the token stands for could not be read
		"TooManyBuckets": driver.Quota,
		"VPC.0004":       driver.NotReady,
		"VPC.0114":       driver.Quota,
		"VPC.2701":       driver.Auth,     // no permission, or no money on the account
		"DBS.200046":     driver.Quota,    // 413
		"DBS.200076":     driver.NotReady, // 400: the state does not allow it
		"DBS.200086":     driver.NotReady,
		"CBC.0151":       driver.Auth,
		"CBC.0156":       driver.Auth,
		"CBC.3002":       driver.NotReady, // the resource is locked
		"CBC.3124":       driver.NotFound, // it has been unsubscribed
		"CBC.3144":       driver.NotReady, // an order for it is under way
		"CBC.30050009":   driver.NotFound,
		"CBC.30050010":   driver.NotReady, // it is in an order that is not paid
		"CBC.30050011":   driver.NotReady, // it is being unsubscribed or changed
		"CBC.30050013":   driver.Invalid,
	}[code]
	return c, ok
}

// Code classifies what Huawei Cloud answers. What it does not document as a refusal is in doubt: timeouts, broken
// connections, 5xx, and answers that cannot be read.
func Code(err error) driver.Code {
	if err == nil {
		return driver.OK
	}
	var known driver.Coded
	if errors.As(err, &known) {
		return known.DriverCode()
	}
	var a *answer
	if !errors.As(err, &a) {
		return driver.InDoubt
	}
	if a.status >= 500 {
		return driver.InDoubt
	}
	if c, ok := documented(a.code); ok {
		return c
	}
	return undocumented(a)
}

// undocumented goes by the status: the services say that with 4xx the request itself was refused. ECS says that its
// statuses are not accurate (ecs_07_0002); its codes below 0100 are of the checks before anything is done.
func undocumented(a *answer) driver.Code {
	says := func(words ...string) bool {
		lower := strings.ToLower(a.message)
		for _, w := range words {
			if strings.Contains(lower, w) {
				return true
			}
		}
		return false
	}
	switch {
	case a.status >= 400 && says("quota", "over limit"):
		return driver.Quota
	case a.status >= 400 && says("sold out", "insufficient capacity", "insufficient resource", "no more ip"):
		return driver.SoldOut
	case a.status == http.StatusBadRequest && says("status must be", "in use", "is being used", "not in the expected state"):
		return driver.NotReady
	case strings.HasPrefix(a.code, "Ecs.") && a.status == http.StatusBadRequest && a.code >= "Ecs.0100":
		return driver.InDoubt
	}
	switch a.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return driver.Auth
	case http.StatusNotFound:
		if a.code == "" || strings.HasPrefix(a.code, "APIG") {
			return driver.InDoubt // somebody on the way said it, not the service
		}
		return driver.NotFound
	case http.StatusConflict:
		return driver.NotReady
	case http.StatusTooManyRequests:
		return driver.Throttled
	case http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusUnsupportedMediaType,
		http.StatusUnprocessableEntity:
		return driver.Invalid
	}
	return driver.InDoubt
}
