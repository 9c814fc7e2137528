package aliyunfake_test

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun/providers/aliyun/aliyunfake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// bundle is a fake behind a real socket, with a clock that is moved by hand.
type bundle struct {
	fake *aliyunfake.Fake
	sim  *simcloud.Cloud
	url  string
	mu   sync.Mutex
	now  time.Time
}

func setup(t *testing.T, o aliyunfake.Options) *bundle {
	t.Helper()
	b := &bundle{now: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}
	b.sim = simcloud.New(simcloud.Options{Clock: b.clock, Regions: []simcloud.Region{{Name: "cn-a", Zones: []string{"cn-a-1"}}, {Name: "cn-b", Zones: []string{"cn-b-1"}}}})
	b.fake = aliyunfake.New(b.sim, o)
	s := httptest.NewServer(b.fake)
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

// signed is a whole call of VPC, signed after change has had its way with it.
func signed(action string, change func(url.Values), own ...string) url.Values {
	in := url.Values{"AccessKeyId": {aliyunfake.AccessKey}, "Action": {action}, "Format": {"JSON"}, "RegionId": {"cn-a"}, "SignatureMethod": {"HMAC-SHA1"},
		"SignatureNonce": {rand.Text()}, "SignatureVersion": {"1.0"}, "Timestamp": {time.Now().UTC().Format("2006-01-02T15:04:05Z")}, "Version": {"2016-04-28"}}
	for i := 0; i+1 < len(own); i += 2 {
		in.Set(own[i], own[i+1])
	}
	if change != nil {
		change(in)
	}
	in.Set("Signature", aliyunfake.Sign(http.MethodPost, in, aliyunfake.Secret))
	return in
}

// post sends a call, everything in the query, and returns the answer with its code.
func (b *bundle) post(t *testing.T, in url.Values) (int, map[string]any) {
	t.Helper()
	r, err := http.Post(b.url+"/?"+in.Encode(), "application/x-www-form-urlencoded", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Body.Close() }()
	var answer map[string]any
	if err := json.NewDecoder(r.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, answer
}

// The vendor's own example (help.aliyun.com/document_detail/25492.html).
func TestTheSignatureIsTheOneOfTheVendorsDocument(t *testing.T) {
	t.Parallel()
	in := url.Values{"Format": {"XML"}, "SignatureMethod": {"HMAC-SHA1"}, "SignatureVersion": {"1.0"}, "Version": {"2014-05-26"}, "Action": {"DescribeRegions"},
		"AccessKeyId": {"testid"}, "Timestamp": {"2016-02-23T12:46:24Z"}, "SignatureNonce": {"3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"}}
	if got := aliyunfake.Sign(http.MethodGet, in, "testsecret"); got != "OLeaidS1JvxuMvnyHOwuJ+uX5qY=" {
		t.Errorf("%s", got)
	}
}

func TestWhatIsNotSignedOrNotFreshIsRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, aliyunfake.Options{})
	cidr := []string{"CidrBlock", "10.0.0.0/16"}
	at := func(d time.Duration) func(url.Values) {
		return func(in url.Values) { in.Set("Timestamp", time.Now().Add(d).UTC().Format("2006-01-02T15:04:05Z")) }
	}
	once := signed("DescribeVpcs", nil)
	tampered := signed("CreateVpc", nil, cidr...)
	tampered.Set("CidrBlock", "10.1.0.0/16")
	for _, c := range []struct {
		name, code string
		in         url.Values
	}{
		{"a good call", "", once}, {"the same call again", "SignatureNonceUsed", once}, {"a changed parameter", "SignatureDoesNotMatch", tampered},
		{"another's key", "InvalidAccessKeyId.NotFound", signed("DescribeVpcs", func(in url.Values) { in.Set("AccessKeyId", "LTAIother") })},
		{"an old timestamp", "InvalidTimeStamp.Expired", signed("DescribeVpcs", at(-16*time.Minute))},
		{"a timestamp to come", "InvalidTimeStamp.Expired", signed("DescribeVpcs", at(16*time.Minute))},
		{"a timestamp that is none", "InvalidTimeStamp.Expired", signed("DescribeVpcs", func(in url.Values) { in.Set("Timestamp", "now") })},
		{"no nonce", "MissingSignatureNonce", signed("DescribeVpcs", func(in url.Values) { in.Del("SignatureNonce") })},
		{"an unknown action", "InvalidAction.NotFound", signed("DescribeDreams", nil)},
		{"an action of another product", "InvalidAction.NotFound", signed("RunInstances", nil)},
		{"an unknown region", "InvalidRegionId.NotFound", signed("DescribeVpcs", func(in url.Values) { in.Set("RegionId", "cn-z") })},
		{"a missing parameter", "MissingParameter", signed("DeleteVpc", nil)},
		{"a parameter of another type", "InvalidParameter.PageSize", signed("DescribeVpcs", nil, "PageSize", "many")},
		{"a misspelt parameter", "InvalidParameter", signed("CreateVpc", nil, "CIDR", "10.0.0.0/16")},
		{"a description that the vendor refuses", "InvalidParameter.Description", signed("CreateVpc", nil, "CidrBlock", "10.0.0.0/16", "Description", "7")},
		{"too long a token", "InvalidParameter.ClientToken", signed("CreateVpc", nil, "CidrBlock", "10.0.0.0/16", "ClientToken", strings.Repeat("x", 65))},
		{"what is not there", "InvalidVpcId.NotFound", signed("DeleteVpc", nil, "VpcId", "vpc-1")},
	} {
		status, answer := b.post(t, c.in)
		code, _ := answer["Code"].(string)
		if code != c.code || (status == http.StatusOK) != (c.code == "") || answer["RequestId"] == "" {
			t.Errorf("%s: %d %v, want %s", c.name, status, answer, c.code)
		}
	}
	if n := b.sim.Networks(); n != 0 {
		t.Errorf("%d networks were made", n)
	}
}

func TestATokenBringsTheFirstAnswerForItsLifeAndOnlyForTheSameCall(t *testing.T) {
	t.Parallel()
	b := setup(t, aliyunfake.Options{})
	create := func(cidr, token string) map[string]any {
		_, answer := b.post(t, signed("CreateVpc", nil, "CidrBlock", cidr, "ClientToken", token))
		return answer
	}
	first := create("10.0.0.0/16", "a")
	if again := create("10.0.0.0/16", "a"); again["VpcId"] != first["VpcId"] || first["VpcId"] == nil {
		t.Errorf("the same call: %v, then %v", first, again)
	}
	if other := create("10.1.0.0/16", "a"); other["Code"] != "IdempotentParameterMismatch" {
		t.Errorf("another call: %v", other)
	}
	if other := create("10.0.0.0/16", "b"); other["VpcId"] == first["VpcId"] {
		t.Errorf("another token: %v", other)
	}
	if n := b.sim.Networks(); n != 2 {
		t.Errorf("%d networks", n)
	}
	b.pass(2 * time.Hour)
	if late := create("10.0.0.0/16", "a"); late["VpcId"] == first["VpcId"] {
		t.Errorf("after its life: %v", late)
	}
}

func TestPagesHoldNoMoreThanTheirSizeAndTellTheTotal(t *testing.T) {
	t.Parallel()
	b := setup(t, aliyunfake.Options{MaxPage: 3})
	for range 7 {
		b.post(t, signed("CreateVpc", nil, "CidrBlock", "10.0.0.0/16"))
	}
	seen := map[any]bool{}
	for page, want := range map[string]int{"1": 3, "2": 3, "3": 1, "4": 0} {
		_, answer := b.post(t, signed("DescribeVpcs", nil, "PageNumber", page, "PageSize", "50"))
		vpcs, _ := answer["Vpcs"].(map[string]any)["Vpc"].([]any)
		if len(vpcs) != want || answer["TotalCount"] != 7.0 {
			t.Errorf("page %s: %d of %v", page, len(vpcs), answer["TotalCount"])
		}
		for _, v := range vpcs {
			seen[v.(map[string]any)["VpcId"]] = true
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d VPCs on all pages", len(seen))
	}
}

func TestRegionsAreApart(t *testing.T) {
	t.Parallel()
	b := setup(t, aliyunfake.Options{})
	b.post(t, signed("CreateVpc", nil, "CidrBlock", "10.0.0.0/16"))
	_, there := b.post(t, signed("DescribeVpcs", func(in url.Values) { in.Set("RegionId", "cn-b") }))
	if there["TotalCount"] != 0.0 {
		t.Errorf("%v", there)
	}
}

func TestTheFaultLayerSpeaksTheVendorsWords(t *testing.T) {
	t.Parallel()
	b := setup(t, aliyunfake.Options{})
	for status, want := range map[int]struct {
		status int
		code   string
	}{429: {400, "Throttling.User"}, 500: {500, "InternalError"}, 503: {503, "ServiceUnavailable"}, 403: {403, "Forbidden.RAM"}} {
		b.fake.Faults.Add(simcloud.Rule{Method: http.MethodGet, Path: "/Vpc/DescribeVpcs", Status: status})
		got, answer := b.post(t, signed("DescribeVpcs", nil))
		b.fake.Faults.Clear()
		if got != want.status || answer["Code"] != want.code {
			t.Errorf("%d: %d %v", status, got, answer)
		}
	}
}

func TestObjectCallsWithoutAGoodSignatureAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t, aliyunfake.Options{})
	now := time.Now().UTC()
	credential := func(key string, at time.Time) string {
		return key + "/" + at.Format("20060102") + "/cn-a/oss/aliyun_v4_request"
	}
	for _, c := range []struct {
		name, key, code string
		at              time.Time
	}{
		{"a wrong signature", aliyunfake.AccessKey, "SignatureDoesNotMatch", now}, {"another's key", "LTAIother", "InvalidAccessKeyId", now},
		{"an old date", aliyunfake.AccessKey, "RequestTimeTooSkewed", now.Add(-time.Hour)},
	} {
		r, err := http.NewRequest(http.MethodGet, b.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Oss-Date", c.at.Format("20060102T150405Z"))
		r.Header.Set("X-Oss-Content-Sha256", "UNSIGNED-PAYLOAD")
		r.Header.Set("Authorization", "OSS4-HMAC-SHA256 Credential="+credential(c.key, c.at)+",Signature="+strings.Repeat("0", 64))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden || !strings.Contains(string(body), "<Code>"+c.code+"</Code>") {
			t.Errorf("%s: %d %s", c.name, answer.StatusCode, body)
		}
	}
}
