package tencentfake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun/providers/simcloud"
	"github.com/duoyun/duoyun/providers/tencent/tencentfake"
)

// request is a call before it is signed.
type request struct {
	service, version, action, body string
	at                             time.Time
	id, key                        string
}

func good(action, body string) request {
	return request{service: "vpc", version: "2017-03-12", action: action, body: body, at: time.Now(), id: tencentfake.SecretID, key: tencentfake.SecretKey}
}

func digest(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

// authorization is TC3-HMAC-SHA256, written here a second time from the document (213/30654).
func (q request) authorization(host string) string {
	date := q.at.UTC().Format(time.DateOnly)
	scope := date + "/" + q.service + "/tc3_request"
	canonical := "POST\n/\n\ncontent-type:application/json\nhost:" + host + "\n\ncontent-type;host\n" + sum(q.body)
	text := fmt.Sprintf("TC3-HMAC-SHA256\n%d\n%s\n%s", q.at.Unix(), scope, sum(canonical))
	key := digest(digest(digest([]byte("TC3"+q.key), date), q.service), "tc3_request")
	return "TC3-HMAC-SHA256 Credential=" + q.id + "/" + scope + ", SignedHeaders=content-type;host, Signature=" + hex.EncodeToString(digest(key, text))
}

// send signs a call and returns the code it was refused with, "" where it was served, and its answer.
func send(t *testing.T, f *tencentfake.Fake, q request, spoil func(*http.Request)) (string, map[string]any) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "http://vpc.simulated/", strings.NewReader(q.body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-TC-Action", q.action)
	r.Header.Set("X-TC-Version", q.version)
	r.Header.Set("X-TC-Region", "RegionOne")
	r.Header.Set("X-TC-Timestamp", fmt.Sprint(q.at.Unix()))
	r.Header.Set("Authorization", q.authorization(r.Host))
	if spoil != nil {
		spoil(r)
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	var out struct{ Response map[string]any }
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	failure, _ := out.Response["Error"].(map[string]any)
	code, _ := failure["Code"].(string)
	return code, out.Response
}

// TestTheSignatureIsThatOfTheDocument holds this file's own steps to the example of the vendor's document, so that the
// fake, which is held to them below, is held to it too. (Document 213/30654; the key there is struck out, so that only what
// precedes it is compared.)
func TestTheSignatureIsThatOfTheDocument(t *testing.T) {
	t.Parallel()
	body := `{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`
	if got, want := sum(body), "35e9c5b0e3ae67532d3c9f17ead6c90222632e5b1ff7f6e89887f1398934f064"; got != want {
		t.Errorf("the payload's hash is %s, want %s", got, want)
	}
	canonical := "POST\n/\n\ncontent-type:application/json; charset=utf-8\nhost:cvm.tencentcloudapi.com\n\ncontent-type;host\n" + sum(body)
	if got, want := sum(canonical), "5ffe6a04c0664d6b969fab9a13bdab201d63ee709638e2749d62a09ca18d7031"; got != want {
		t.Errorf("the canonical request's hash is %s, want %s", got, want)
	}
}

func TestItServesWhatIsSignedAndRefusesWhatIsNot(t *testing.T) {
	t.Parallel()
	f := tencentfake.New(simcloud.New(simcloud.Options{}), tencentfake.Options{})
	list := good("DescribeVpcs", `{"Offset":"0","Limit":"20"}`)
	old, early, unknown, wrong := list, list, list, list
	old.at, early.at, unknown.id, wrong.key = list.at.Add(-6*time.Minute), list.at.Add(6*time.Minute), "AKIDnobody", "another"
	version, action, service := list, list, list
	version.version, action.action, service.service = "2019-01-01", "DescribeNothing", "cvm"
	for name, x := range map[string]struct {
		request
		spoil func(*http.Request)
		want  string
	}{
		"signed": {list, nil, ""}, "twice": {list, nil, ""}, // TC3 has no nonce: a signature serves for five minutes
		"an old timestamp": {old, nil, "AuthFailure.SignatureExpire"}, "an early one": {early, nil, "AuthFailure.SignatureExpire"},
		"an unknown id": {unknown, nil, "AuthFailure.SecretIdNotFound"}, "a wrong key": {wrong, nil, "AuthFailure.SignatureFailure"},
		"another body":     {list, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"Offset":"1"}`)) }, "AuthFailure.SignatureFailure"},
		"another host":     {list, func(r *http.Request) { r.Host = "elsewhere" }, "AuthFailure.SignatureFailure"},
		"no authorization": {list, func(r *http.Request) { r.Header.Del("Authorization") }, "AuthFailure.InvalidAuthorization"},
		"another version":  {version, nil, "NoSuchVersion"}, "an unknown action": {action, nil, "InvalidAction"},
		"an action of another product": {service, nil, "InvalidAction"},
		"an unknown region":            {list, func(r *http.Request) { r.Header.Set("X-TC-Region", "mars") }, "UnsupportedRegion"},
		"an unknown parameter":         {good("DescribeVpcs", `{"Colour":"red"}`), nil, "UnknownParameter"},
		"a parameter of another type":  {good("DescribeVpcs", `{"Limit":20}`), nil, "InvalidParameter"},
		"a missing parameter":          {good("CreateVpc", `{"VpcName":"n"}`), nil, "MissingParameter"},
		"a page that is too long":      {good("DescribeVpcs", `{"Limit":"101"}`), nil, "InvalidParameterValue.LimitExceeded"},
		"nothing that is there":        {good("DeleteVpc", `{"VpcId":"vpc-1"}`), nil, "ResourceNotFound"},
	} {
		if code, answer := send(t, f, x.request, x.spoil); code != x.want {
			t.Errorf("%s: %q, want %q: %v", name, code, x.want, answer)
		}
	}
}

func TestAClientTokenIsAnsweredAsItWasFirstAndServesNoOtherCall(t *testing.T) {
	t.Parallel()
	sim := simcloud.New(simcloud.Options{})
	f := tencentfake.New(sim, tencentfake.Options{})
	allocate := good("AllocateAddresses", `{"InternetChargeType":"BANDWIDTH_POSTPAID_BY_HOUR","InternetMaxBandwidthOut":5,"ClientToken":"t"}`)
	_, first := send(t, f, allocate, nil)
	_, again := send(t, f, allocate, nil)
	if fmt.Sprint(first["AddressSet"]) != fmt.Sprint(again["AddressSet"]) || len(sim.Inventory().Floating) != 1 {
		t.Errorf("%v, then %v", first, again)
	}
	other := good("AllocateAddresses", `{"InternetChargeType":"BANDWIDTH_POSTPAID_BY_HOUR","InternetMaxBandwidthOut":6,"ClientToken":"t"}`)
	if code, _ := send(t, f, other, nil); code != "UnsupportedOperation.IdempotentParameterMismatch" {
		t.Errorf("other parameters: %q", code)
	}
	long := good("AllocateAddresses", `{"InternetChargeType":"BANDWIDTH_POSTPAID_BY_HOUR","InternetMaxBandwidthOut":6,"ClientToken":"`+strings.Repeat("t", 65)+`"}`)
	if code, _ := send(t, f, long, nil); code != "InvalidClientToken.TooLong" {
		t.Errorf("a token of 65 characters: %q", code)
	}
}

func TestFaultsAreToldInTheVendorsWords(t *testing.T) {
	t.Parallel()
	f := tencentfake.New(simcloud.New(simcloud.Options{}), tencentfake.Options{})
	for status, want := range map[int]string{http.StatusTooManyRequests: "RequestLimitExceeded", http.StatusForbidden: "UnauthorizedOperation"} {
		f.Faults.Add(simcloud.Rule{Method: http.MethodGet, Path: "/vpc/DescribeVpcs", Status: status, Times: 1})
		if code, _ := send(t, f, good("DescribeVpcs", `{}`), nil); code != want {
			t.Errorf("%d: %q, want %q", status, code, want)
		}
	}
}
