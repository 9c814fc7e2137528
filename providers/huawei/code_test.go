package huawei_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/huawei"
	"github.com/duoyun/duoyun/providers/huawei/huaweifake"
)

// answering opens an account whose vendor answers everything alike.
func answering(t testing.TB, status int, body string) driver.Cloud {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return opened(t, driver.Account{Endpoint: s.URL})
}

// opened is an account of the simulated cloud's keys.
func opened(t testing.TB, a driver.Account) driver.Cloud {
	t.Helper()
	a.Region, a.Project, a.AccessKey, a.Secret = "cn-north-4", huaweifake.Project, huaweifake.AccessKey, driver.NewSecret(huaweifake.SecretKey)
	c, err := huawei.Open(t.Context(), a)
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

// balance asks the billing service.
func balance(t testing.TB, c driver.Cloud) (duoyun.Balance, error) {
	t.Helper()
	b, ok := driver.As[driver.BalanceReader](c)
	if !ok {
		t.Fatal("no balance")
	}
	return b.Balance(t.Context())
}

// The codes are those of the services' own lists, named in code.go; the bodies have each service's form.
func TestRefusalsAreClassifiedAsTheServicesMeanThem(t *testing.T) {
	t.Parallel()
	nested, plain, flat := `{"error":{"code":%q,"message":%q}}`, `{"code":%q,"message":%q}`, `{"error_code":%q,"error_msg":%q}`
	for _, c := range []struct {
		kind                duoyun.Kind
		status              int
		form, code, message string
		want                driver.Code
	}{
		{duoyun.KindServer, 401, flat, "APIGW.0301", "Incorrect IAM authentication information: verify aksk signature fail", driver.Auth},
		{duoyun.KindServer, 401, flat, "APIGW.0303", "Incorrect app authentication information", driver.Auth},
		{duoyun.KindServer, 404, flat, "APIGW.0101", "The API does not exist or has not been published", driver.Invalid},
		{duoyun.KindServer, 429, flat, "APIGW.0308", "The throttling threshold has been reached", driver.Throttled},
		{duoyun.KindServer, 400, nested, "Ecs.0000", "Request body is illegal.", driver.Invalid},
		{duoyun.KindServer, 400, nested, "Ecs.0001", "The flavor is over the quota", driver.Quota},
		{duoyun.KindServer, 400, nested, "Ecs.0002", "Failed to submit the task", driver.InDoubt},
		{duoyun.KindServer, 400, nested, "Ecs.0004", "An exception inside", driver.InDoubt},
		{duoyun.KindServer, 400, nested, "Ecs.0319", "The flavor is sold out", driver.SoldOut},
		{duoyun.KindServer, 404, nested, "Ecs.0114", "The server does not exist", driver.NotFound},
		{duoyun.KindServer, 400, nested, "Ecs.0999", "Something that nobody has documented", driver.InDoubt},
		{duoyun.KindDisk, 400, nested, "EVS.2218", "The token is not a UUID", driver.Invalid},
		{duoyun.KindDisk, 400, nested, "EVS.2219", "The token came with another body", driver.InDoubt},
		{duoyun.KindDisk, 400, nested, "EVS.2220", "The token has expired", driver.InDoubt},
		{duoyun.KindDisk, 404, nested, "EVS.5404", "Volume could not be found", driver.NotFound},
		{duoyun.KindNetwork, 409, plain, "VPC.0114", "Quota exceeded for resources: ['router']", driver.Quota},
		{duoyun.KindNetwork, 409, plain, "VPC.0120", "The VPC is in use", driver.NotReady},
		{duoyun.KindNetwork, 403, plain, "VPC.2701", "No permission", driver.Auth},
		{duoyun.KindNetwork, 500, plain, "VPC.0002", "Failed", driver.InDoubt},
		{duoyun.KindDatabase, 404, flat, "DBS.200002", "The instance does not exist", driver.NotFound},
		{duoyun.KindDatabase, 409, flat, "DBS.200019", "Another operation is being performed", driver.NotReady},
		{duoyun.KindDatabase, 413, flat, "DBS.200046", "The number of instances has reached its most", driver.Quota},
		{duoyun.KindDatabase, 400, flat, "DBS.200076", "The state does not allow this", driver.NotReady},
		{duoyun.KindDatabase, 400, flat, "DBS.200001", "Parameter error", driver.Invalid},
		{duoyun.KindLoadBalancer, 500, flat, "ELB.8906", "Internal error", driver.InDoubt},
		{duoyun.KindLoadBalancer, 502, "<html>", "", "", driver.InDoubt},
		{duoyun.KindLoadBalancer, 404, "<html>", "", "", driver.InDoubt},
		{duoyun.KindCache, 302, "", "", "", driver.InDoubt},
	} {
		body := c.form
		if strings.Contains(body, "%q") {
			body = fmt.Sprintf(c.form, c.code, c.message)
		}
		_, err := list(t, answering(t, c.status, body), c.kind)
		if got := huawei.Code(err); got != c.want {
			t.Errorf("%d %s: %q, want %q (%v)", c.status, c.code, got, c.want, err)
		}
		if !strings.Contains(fmt.Sprint(err), c.code) {
			t.Errorf("%v does not tell the vendor's code %s", err, c.code)
		}
	}
}

func TestObjectStorageRefusesInXML(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		want   driver.Code
	}{
		{403, "AccessDenied", driver.Auth}, {403, "SignatureDoesNotMatch", driver.Auth}, {403, "InArrearOrInsufficientBalance", driver.Auth},
		{400, "TooManyBuckets", driver.Quota}, {404, "NoSuchBucket", driver.NotFound}, {409, "BucketNotEmpty", driver.NotReady},
		{500, "InternalError", driver.InDoubt}, {503, "ServiceUnavailable", driver.InDoubt}, {404, "", driver.InDoubt},
	} {
		body := "<Error><Code>" + c.code + "</Code><Message>m</Message></Error>"
		_, err := list(t, answering(t, c.status, body), duoyun.KindBucket)
		if got := huawei.Code(err); got != c.want {
			t.Errorf("%d %s: %q, want %q", c.status, c.code, got, c.want)
		}
	}
}

// The billing service answers business errors with HTTP 200.
func TestRefusalsWithHTTP200AreRefusals(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]driver.Code{"CBC.0151": driver.Auth, "CBC.30050009": driver.NotFound, "CBC.30050010": driver.NotReady, "CBC.30050013": driver.Invalid} {
		if _, err := balance(t, answering(t, 200, fmt.Sprintf(`{"error_code":%q,"error_msg":"m"}`, code))); huawei.Code(err) != want {
			t.Errorf("%s: %q, want %q", code, huawei.Code(err), want)
		}
	}
	if _, err := balance(t, answering(t, 200, `{"error_code":"CBC.0000","account_balances":[]}`)); err != nil {
		t.Errorf("CBC.0000 is success: %v", err)
	}
}

// An answer without its listing must not prove that nothing is there.
func TestAnAnswerWithoutItsListingIsNoEmptyListing(t *testing.T) {
	t.Parallel()
	for _, k := range []duoyun.Kind{duoyun.KindNetwork, duoyun.KindServer, duoyun.KindDisk, duoyun.KindPublicIP, duoyun.KindLoadBalancer,
		duoyun.KindBucket, duoyun.KindDatabase, duoyun.KindCache} {
		for _, body := range []string{`{}`, `null`, `[]`, ``, `{"vpcs":null,"servers":null,"volumes":null,"publicips":null,"loadbalancers":null,"instances":null}`, `<html/>`} {
			p, err := list(t, answering(t, 200, body), k)
			if err == nil || huawei.Code(err) != driver.InDoubt {
				t.Errorf("%s: %q is taken for %+v, %v", k, body, p, err)
			}
		}
	}
}

func TestErrorsDoNotTellTheSecret(t *testing.T) {
	t.Parallel()
	for _, c := range []driver.Cloud{answering(t, 403, `{"error_msg":"no"}`), opened(t, driver.Account{Endpoint: "http://127.0.0.1:1"})} {
		_, err := list(t, c, duoyun.KindNetwork)
		if text := fmt.Sprintf("%v %+v %#v", err, err, err); err == nil || strings.Contains(text, huaweifake.SecretKey) {
			t.Errorf("%v", err)
		}
	}
}

func TestMoneyIsWhatTheTextSays(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "0", "0": "0", "12.34": "12.34", "1E-7": "0.0000001", "1.5E+2": "150", "-0.01": "-0.01", "99999999999999999.99999999": "99999999999999999.99999999"} {
		got, err := huawei.Amount(json.Number(text))
		expected, wrong := duoyun.ParseAmount(want)
		if err != nil || wrong != nil || got.Cmp(expected) != 0 {
			t.Errorf("%q is read as %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"1e400", "E1", "1E", "1E1.5", "ten", "1,234.50"} {
		if got, err := huawei.Amount(json.Number(text)); err == nil {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}
