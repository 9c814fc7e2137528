package huaweifake_test

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // the signature OBS documents
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun/providers/huawei/huaweifake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// bundle is a fake behind a real socket, with a clock that is moved by hand.
type bundle struct {
	*huaweifake.Fake
	sim *simcloud.Cloud
	url string
	mu  sync.Mutex
	now time.Time
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{now: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}
	b.sim = simcloud.New(simcloud.Options{Clock: b.clock, Regions: []simcloud.Region{{Name: "cn-north-4", Zones: []string{"cn-north-4a"}}}})
	b.Fake = huaweifake.New(b.sim, huaweifake.Options{})
	s := httptest.NewServer(b.Fake)
	t.Cleanup(s.Close)
	b.url = s.URL
	return b
}

func (b *bundle) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bundle) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

// request is a call before it is signed; p stands for the project.
type request struct {
	method, path, query, body, token string
	key, secret                      string        // "": the account's
	late                             time.Duration // how old its date is
	tampered                         string        // another body than was signed
	unsigned                         bool
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// send signs as devg-apisign documents it, and returns the status with the vendor's code.
func (b *bundle) send(t *testing.T, q request) (int, string, map[string]any) {
	t.Helper()
	path := strings.ReplaceAll(q.path, "{p}", huaweifake.Project)
	date := time.Now().Add(-q.late).UTC().Format("20060102T150405Z")
	headers, signed := "", ""
	if q.token != "" {
		headers, signed = "x-client-token:"+q.token+"\n", "x-client-token;"
	}
	headers, signed = headers+"x-sdk-date:"+date+"\n", signed+"x-sdk-date"
	canonical := strings.Join([]string{q.method, path + "/", q.query, headers, signed, hash(q.body)}, "\n")
	h := hmac.New(sha256.New, []byte(or(q.secret, huaweifake.SecretKey)))
	h.Write([]byte("SDK-HMAC-SHA256\n" + date + "\n" + hash(canonical)))
	r, err := http.NewRequest(q.method, b.url+path+"?"+q.query, strings.NewReader(or(q.tampered, q.body)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Sdk-Date", date)
	if q.token != "" {
		r.Header.Set("X-Client-Token", q.token)
	}
	if !q.unsigned {
		r.Header.Set("Authorization", fmt.Sprintf("SDK-HMAC-SHA256 Access=%s, SignedHeaders=%s, Signature=%x", or(q.key, huaweifake.AccessKey), signed, h.Sum(nil)))
	}
	return do(t, r)
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

// do sends a request and finds the code in whichever form it comes.
func do(t *testing.T, r *http.Request) (status int, code string, body map[string]any) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, ok := strings.Cut(string(raw), "<Code>"); ok {
		code, _, _ = strings.Cut(rest, "<")
		return resp.StatusCode, code, nil
	}
	if len(raw) == 0 {
		return resp.StatusCode, "", nil
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatalf("%q: %v", raw, err)
	}
	nested, _ := body["error"].(map[string]any)
	for _, c := range []any{nested["code"], body["error_code"], body["code"]} {
		if text, ok := c.(string); ok {
			code = text
		}
	}
	return resp.StatusCode, code, body
}

const (
	vpcs    = "/v1/{p}/vpcs"
	volumes = "/v2.1/{p}/cloudvolumes"
	vpcBody = `{"vpc":{"name":"a","cidr":"10.0.0.0/16"}}`
	volume  = `{"volume":{"name":"a","availability_zone":"cn-north-4a","volume_type":"SSD","size":%d}}`
	token   = "6f1c9f0e-7d0a-8b1c-9d2e-3f4a5b6c7d8e"
)

func TestWhatIsNotSignedNotFreshOrNotWellFormedIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		request
		status int
		code   string
	}{
		"a good call":                         {request{method: "GET", path: vpcs, query: "limit=5"}, 200, ""},
		"no signature":                        {request{method: "GET", path: vpcs, unsigned: true}, 401, "APIGW.0301"},
		"another's key":                       {request{method: "GET", path: vpcs, key: "ANOTHER"}, 401, "APIGW.0301"},
		"another secret":                      {request{method: "GET", path: vpcs, secret: "another"}, 401, "APIGW.0301"},
		"another body than the signed one":    {request{method: "POST", path: vpcs, body: vpcBody, tampered: `{"vpc":{"name":"b","cidr":"10.0.0.0/16"}}`}, 401, "APIGW.0301"},
		"a date of 16 minutes ago":            {request{method: "GET", path: vpcs, late: 16 * time.Minute}, 401, "APIGW.0303"},
		"a date in 16 minutes":                {request{method: "GET", path: vpcs, late: -16 * time.Minute}, 401, "APIGW.0303"},
		"an unknown API":                      {request{method: "GET", path: "/v1/{p}/dreams"}, 404, "APIGW.0101"},
		"a known path with another method":    {request{method: "PATCH", path: vpcs}, 404, "APIGW.0101"},
		"another project":                     {request{method: "GET", path: "/v1/ffffffffffffffffffffffffffffffff/vpcs"}, 403, "VPC.0101"},
		"a missing parameter":                 {request{method: "POST", path: volumes, body: `{"volume":{"volume_type":"SSD","size":10}}`}, 400, "EVS.5400"},
		"a parameter of another type":         {request{method: "POST", path: volumes, body: `{"volume":{"availability_zone":"a","volume_type":"SSD","size":"10"}}`}, 400, "EVS.5400"},
		"an unknown parameter":                {request{method: "POST", path: vpcs, body: `{"vpc":{"name":"a","cidr":"10.0.0.0/16","mark":"x"}}`}, 400, "VPC.0101"},
		"a name with letters it may not hold": {request{method: "POST", path: vpcs, body: `{"vpc":{"name":"a b","cidr":"10.0.0.0/16"}}`}, 400, "VPC.0101"},
		"a page size that is no number":       {request{method: "GET", path: vpcs, query: "limit=many"}, 400, "VPC.0101"},
		"what is not there":                   {request{method: "GET", path: vpcs + "/" + token}, 404, "VPC.0003"},
		"a token that is no UUID":             {request{method: "POST", path: volumes, body: fmt.Sprintf(volume, 10), token: "dy-1"}, 400, "EVS.2218"},
		"an order of nothing":                 {request{method: "POST", path: "/v2/orders/subscriptions/resources/unsubscribe", body: `{"resource_ids":["x"],"unsubscribe_type":1}`}, 200, "CBC.30050009"},
	} {
		if status, code, body := b.send(t, c.request); status != c.status || code != c.code {
			t.Errorf("%s: %d %s, want %d %s (%v)", name, status, code, c.status, c.code, body)
		}
	}
}

func TestATokenGetsItsFirstAnswerForOneRequestAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := request{method: "POST", path: volumes, body: fmt.Sprintf(volume, 10), token: token}
	other := first
	other.body = fmt.Sprintf(volume, 20)
	status, _, made := b.send(t, first)
	_, _, again := b.send(t, first)
	if status != 202 || fmt.Sprint(made) != fmt.Sprint(again) {
		t.Errorf("%d %v, then %v", status, made, again)
	}
	if status, code, _ := b.send(t, other); status != 400 || code != "EVS.2219" {
		t.Errorf("another request: %d %s", status, code)
	}
	b.pass(9 * time.Hour)
	if status, code, _ := b.send(t, first); status != 400 || code != "EVS.2220" {
		t.Errorf("after 9 hours: %d %s", status, code)
	}
	all, err := simcloud.List[simcloud.Volume](b.sim, simcloud.Query{Owner: b.Owner(), Own: true}, nil)
	if err != nil || len(all) != 1 {
		t.Errorf("%d volumes, %v", len(all), err)
	}
}

// VPCs, public IPs, balancers and caches know no tokens: what comes twice acts twice.
func TestAServiceWithoutTokensActsOnEveryRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, _, one := b.send(t, request{method: "POST", path: vpcs, body: vpcBody, token: token})
	_, _, two := b.send(t, request{method: "POST", path: vpcs, body: vpcBody, token: token})
	if fmt.Sprint(one) == fmt.Sprint(two) {
		t.Errorf("both are %v", one)
	}
}

func TestASubscriptionIsUnsubscribedNotDeleted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bought := `{"volume":{"name":"a","availability_zone":"cn-north-4a","volume_type":"SSD","size":10},"bssParam":{"chargingMode":"prePaid","periodType":"month","periodNum":1,"isAutoPay":"true","isAutoRenew":"false"}}`
	status, _, body := b.send(t, request{method: "POST", path: volumes, body: bought})
	ids, ok := body["volume_ids"].([]any)
	if status != 202 || !ok || body["order_id"] == nil {
		t.Fatalf("%d %v", status, body)
	}
	b.pass(time.Minute)
	if status, code, _ := b.send(t, request{method: "DELETE", path: fmt.Sprintf("/v2/{p}/cloudvolumes/%v", ids[0])}); status != 400 {
		t.Errorf("deleted: %d %s", status, code)
	}
	status, code, body := b.send(t, request{method: "POST", path: "/v2/orders/subscriptions/resources/unsubscribe", body: fmt.Sprintf(`{"resource_ids":["%v"],"unsubscribe_type":1}`, ids[0])})
	if status != 200 || code != "" || body["order_ids"] == nil {
		t.Errorf("unsubscribed: %d %s %v", status, code, body)
	}
}

// bucket signs as api-obs documents it; a creation names the region.
func (b *bundle) bucket(t *testing.T, method, name, secret string, late time.Duration) (int, string) {
	t.Helper()
	date := time.Now().Add(-late).UTC().Format(http.TimeFormat)
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(method + "\n\n\n" + date + "\n/" + name + "/"))
	body := ""
	if method == http.MethodPut {
		body = "<CreateBucketConfiguration><Location>cn-north-4</Location></CreateBucketConfiguration>"
	}
	r, err := http.NewRequest(method, b.url+"/"+name, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Date", date)
	r.Header.Set("Authorization", "OBS "+huaweifake.AccessKey+":"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	status, code, _ := do(t, r)
	return status, code
}

func TestObjectStorageHasASignatureOfItsOwn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const name, secret = "dy-0123456789abcdef0123456789abcdef", huaweifake.SecretKey
	for _, c := range []struct {
		method, secret string
		late           time.Duration
		status         int
		code           string
	}{
		{"PUT", "another", 0, 403, "SignatureDoesNotMatch"}, {"PUT", secret, 16 * time.Minute, 403, "RequestTimeTooSkewed"}, {"HEAD", secret, 0, 404, ""},
		{"PUT", secret, 0, 200, ""}, {"PUT", secret, 0, 409, "BucketAlreadyOwnedByYou"}, {"HEAD", secret, 0, 200, ""},
		{"DELETE", secret, 0, 204, ""}, {"DELETE", secret, 0, 404, "NoSuchBucket"}, {"PATCH", secret, 0, 405, "MethodNotAllowed"},
	} {
		if status, code := b.bucket(t, c.method, name, c.secret, c.late); status != c.status || code != c.code {
			t.Errorf("%s by %s, %v late: %d %s, want %d %s", c.method, c.secret, c.late, status, code, c.status, c.code)
		}
	}
}
