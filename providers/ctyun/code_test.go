package ctyun_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/ctyun"
	"github.com/duoyun/duoyun/providers/driver"
)

func TestOnlyWhatTheVendorDocumentsAsARefusalIsOne(t *testing.T) {
	t.Parallel()
	vendor := newParrot(t)
	for code, want := range map[string]driver.Code{
		"CTAPI_10002": driver.Auth, "CTAPI_10009": driver.Auth, "CTIAM_0005": driver.Auth, "CTIAM_1044": driver.Auth, "Ecs.IAM.ActionError": driver.Auth,
		"Openapi.Vpc.NoPermission": driver.Auth, "Ecs.Flavor.FlavorSoldOut": driver.SoldOut, "ebs.order.EbsSoldOut": driver.SoldOut,
		"Openapi.Eip.PublicIpSoldOut": driver.SoldOut, "Ecs.Order.OverQuota": driver.Quota, "Ecs.Instance.CpuQuotaLimited": driver.Quota,
		"Openapi.Vpc.QuotaExceed": driver.Quota, "Ecs.Order.UserFrozen": driver.Quota, "Ecs.Instance.NotFound": driver.NotFound,
		"Openapi_Subnet_NotFound": driver.NotFound, "ebs.ebsInfo.notExists": driver.NotFound, "oss.resource.noSuchBucket": driver.NotFound,
		"DCS2_1001": driver.NotFound, "MYSQL_10002": driver.NotFound, "Ecs.Flavor.NotFound": driver.Invalid, "Ecs.Instance.FlavorNotFound": driver.Invalid,
		"Image.ImageCheck.NotFound": driver.Invalid, "Ecs.Instance.StatusNotRunning": driver.NotReady, "ebs.ebsInfo.statusNotValid": driver.NotReady,
		"Openapi.Parameter.Error": driver.Invalid, "Ecs.Instance.ParameterInvalid": driver.Invalid, "Ecs.Order.ProcFailed": driver.InDoubt,
		"Openapi.Eip.AccessFailed": driver.InDoubt, "Ecs.Server.UnknownError": driver.InDoubt, "Openapi.Vpc.NameRepeat": driver.InDoubt, "what.nobody.knows": driver.InDoubt,
	} {
		for _, body := range []string{fmt.Sprintf(`{"statusCode":900,"error":%q,"message":"m"}`, code), fmt.Sprintf(`{"statusCode":"900","errorCode":%q}`, code)} {
			vendor.say(http.StatusOK, body)
			if got := vendor.Code(vendor.mutation(t)); got != want {
				t.Errorf("%s: %q, want %q", body, got, want)
			}
		}
	}
}

func TestWhatTheWireSaysOfACallIsClassified(t *testing.T) {
	t.Parallel()
	vendor := newParrot(t)
	for body, want := range map[string]driver.Code{
		`{"statusCode":800,"returnObj":{"vpcID":"vpc-1"}}`:                                driver.OK,
		`{"statusCode":"800","returnObj":{"vpcID":"vpc-1"}}`:                              driver.OK,
		`{"statusCode":800,"returnObj":[{"vpcID":"vpc-1"}]}`:                              driver.OK,
		`{"statusCode":900,"error":"x.order.inProgress","returnObj":{"masterOrderID":7}}`: driver.OK,
		`{"statusCode":900,"error":"x.order.inProgress"}`:                                 driver.InDoubt,
		`{"statusCode":"CTAPI_10009","message":"m"}`:                                      driver.Auth,
		`{"statusCode":800,"returnObj":{}}`:                                               driver.InDoubt,
		`{"statusCode":800}`:                                                              driver.InDoubt,
		`{"statusCode":200,"returnObj":{"vpcID":"vpc-1"}}`:                                driver.InDoubt,
		`{}`: driver.InDoubt, `[]`: driver.InDoubt, `<html>`: driver.InDoubt, ``: driver.InDoubt,
	} {
		vendor.say(http.StatusOK, body)
		if got := vendor.Code(vendor.mutation(t)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	for status, want := range map[int]driver.Code{http.StatusTooManyRequests: driver.Throttled, http.StatusInternalServerError: driver.InDoubt,
		http.StatusBadGateway: driver.InDoubt, http.StatusForbidden: driver.InDoubt, http.StatusFound: driver.InDoubt} {
		vendor.say(status, "")
		if got := vendor.Code(vendor.mutation(t)); got != want {
			t.Errorf("HTTP %d: %q, want %q", status, got, want)
		}
	}
	if got := ctyun.Code(errors.New("any")); got != driver.InDoubt {
		t.Errorf("any error: %q", got)
	}
}

// mutation makes a network and returns what came of it.
func (p *parrot) mutation(t *testing.T) error {
	r, _ := p.Kind(duoyun.KindNetwork)
	_, err := r.Run(t.Context(), driver.Call{Change: driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindNetwork, Mark: mark,
		After: duoyun.NetworkSpec{CIDR: "10.1.0.0/24"}}, Step: "network", Token: "t"})
	return err
}
