package ctyunfake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/ctyun/ctyunfake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// client signs requests as the vendor's guide says, and may be told to do it wrongly.
type client struct {
	t      *testing.T
	fake   *ctyunfake.Fake
	sim    *simcloud.Cloud
	key    string
	secret string
	id     string // "": another each time
	at     time.Time
	mu     sync.Mutex
	clock  time.Time
}

func newClient(t *testing.T, o ctyunfake.Options) *client {
	c := &client{t: t, key: ctyunfake.AccessKey, secret: ctyunfake.SecretKey, at: time.Now(), clock: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)}
	c.sim = simcloud.New(simcloud.Options{Clock: func() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.clock }})
	c.fake = ctyunfake.New(c.sim, o)
	return c
}

// send makes a request and returns the status, the code that was answered ("" for success), and the result.
func (c *client) send(method, path, query, body string) (status int, code string, result json.RawMessage) {
	c.t.Helper()
	id := c.id
	if id == "" {
		id = duoyun.NewID(time.Now())
	}
	date := c.at.In(time.FixedZone("", 8*60*60)).Format("20060102T150405Z")
	last := []byte(c.secret)
	for _, text := range []string{date, c.key, date[:8], fmt.Sprintf("ctyun-eop-request-id:%s\neop-date:%s\n\n%s\n%x", id, date, query, sha256.Sum256([]byte(body)))} {
		h := hmac.New(sha256.New, last)
		h.Write([]byte(text))
		last = h.Sum(nil)
	}
	r := httptest.NewRequestWithContext(c.t.Context(), method, "http://ctapi.example"+path+"?"+query, strings.NewReader(body))
	r.Header.Set("ctyun-eop-request-id", id)
	r.Header.Set("Eop-date", date)
	r.Header.Set("Eop-Authorization", c.key+" Headers=ctyun-eop-request-id;eop-date Signature="+base64.StdEncoding.EncodeToString(last))
	w := httptest.NewRecorder()
	c.fake.ServeHTTP(w, r)
	var e struct {
		Status any             `json:"statusCode"`
		Error  string          `json:"error"`
		Return json.RawMessage `json:"returnObj"`
	}
	_ = json.Unmarshal(w.Body.Bytes(), &e) // a page of HTML: no code
	if text, ok := e.Status.(string); ok {
		e.Error = text
	}
	return w.Code, e.Error, e.Return
}

const vpc = `{"regionID":"RegionOne","clientToken":"%s","name":"net-%s","CIDR":"10.0.0.0/24"}`

func (c *client) create(token, name string) (code string, result json.RawMessage) {
	c.t.Helper()
	_, code, result = c.send(http.MethodPost, "/v4/vpc/create", "", fmt.Sprintf(vpc, token, name))
	return code, result
}

func TestARequestThatIsNotSignedRightIsRefused(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		spoil func(*client)
		want  string
	}{
		"nothing is wrong":       {func(*client) {}, ""},
		"another key":            {func(c *client) { c.key = "another" }, "CTAPI_10002"},
		"another secret":         {func(c *client) { c.secret = "another" }, "CTAPI_10009"},
		"half an hour ago":       {func(c *client) { c.at = c.at.Add(-30 * time.Minute) }, "CTAPI_EOP_DATE"},
		"half an hour from now":  {func(c *client) { c.at = c.at.Add(30 * time.Minute) }, "CTAPI_EOP_DATE"},
		"the same id as another": {func(c *client) { c.id = "once"; c.create("t", "a") }, "CTAPI_EOP_REQUEST_ID"},
	} {
		c := newClient(t, ctyunfake.Options{})
		x.spoil(c)
		if code, _ := c.create("t", "a"); code != x.want {
			t.Errorf("%s: %q, want %q", name, code, x.want)
		}
	}
}

func TestAClientTokenIsOneRequestForADay(t *testing.T) {
	t.Parallel()
	c := newClient(t, ctyunfake.Options{})
	_, first := c.create("token", "a")
	code, second := c.create("token", "a")
	if code != "" || string(first) != string(second) || len(first) == 0 {
		t.Errorf("the second time: %q %s, then %s", code, first, second)
	}
	if code, _ := c.create("token", "b"); code != "Openapi.ClientToken.ParameterInvalid" {
		t.Errorf("with other parameters: %q", code)
	}
	c.mu.Lock()
	c.clock = c.clock.Add(25 * time.Hour)
	c.mu.Unlock()
	if code, third := c.create("token", "a"); code != "" || string(third) == string(first) {
		t.Errorf("a day later: %q %s", code, third)
	}
}

func TestWhatTheVendorDoesNotTakeIsRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t, ctyunfake.Options{})
	if status, _, _ := c.send(http.MethodPost, "/v4/vpc/invent", "", `{"regionID":"RegionOne"}`); status != http.StatusNotFound {
		t.Errorf("an action that is none: HTTP %d", status)
	}
	if status, _, _ := c.send(http.MethodGet, "/v4/vpc/create", "regionID=RegionOne", ""); status != http.StatusNotFound {
		t.Errorf("another method: HTTP %d", status)
	}
	for body, want := range map[string]string{
		`{"regionID":"RegionOne","name":"net-a","CIDR":"10.0.0.0/24"}`:                                        "clientToken",
		`{"regionID":"RegionOne","clientToken":"1","name":"net-a"}`:                                           "CIDR",
		`{"regionID":"RegionOne","clientToken":"2","name":7,"CIDR":"10.0.0.0/24"}`:                            "name",
		`{"regionID":"RegionOne","clientToken":"3","name":"net a","CIDR":"10.0.0.0/24"}`:                      "name",
		`{"regionID":"RegionOne","clientToken":"4","name":"net-a","CIDR":"10.0.0.0/24","enableIpv6":"false"}`: "enableIpv6",
		`{"regionID":"RegionOne","clientToken":"5","name":"net-a","CIDR":"10.0.0.0/24","colour":"red"}`:       "colour",
		`{"regionID":"Elsewhere","clientToken":"6","name":"net-a","CIDR":"10.0.0.0/24"}`:                      "regionID",
		`{"clientToken":"7"`: "body",
	} {
		if _, code, _ := c.send(http.MethodPost, "/v4/vpc/create", "", body); code != "Openapi.Parameter."+want+"Invalid" {
			t.Errorf("%s: %q, want %s to be refused", body, code, want)
		}
	}
	if _, code, _ := c.send(http.MethodGet, "/v4/vpc/new-list", "pageSize=51&regionID=RegionOne", ""); code != "Openapi.Parameter.pageSizeInvalid" {
		t.Errorf("a page that is too long: %q", code)
	}
}

func TestPagesAreCutAndTellHowManyThereAre(t *testing.T) {
	t.Parallel()
	c := newClient(t, ctyunfake.Options{MaxPage: 2})
	for _, name := range []string{"a", "b", "c"} {
		c.create(name, name)
	}
	for number, want := range map[int]int{1: 2, 2: 1, 3: 0} {
		_, code, result := c.send(http.MethodGet, "/v4/vpc/new-list", fmt.Sprintf("pageNo=%d&pageSize=50&regionID=RegionOne", number), "")
		var page struct {
			Total int   `json:"totalCount"`
			VPCs  []any `json:"vpcs"`
		}
		if err := json.Unmarshal(result, &page); err != nil || code != "" || page.Total != 3 || len(page.VPCs) != want {
			t.Errorf("page %d: %q %s, %v", number, code, result, err)
		}
	}
}

func TestARefusalThatWasAskedForDoesNothing(t *testing.T) {
	t.Parallel()
	c := newClient(t, ctyunfake.Options{})
	end := c.fake.Refuse("/v4/vpc/create", "CTIAM_1044")
	if code, _ := c.create("t", "a"); code != "CTIAM_1044" {
		t.Errorf("%q", code)
	}
	end()
	if code, _ := c.create("t", "a"); code != "" {
		t.Errorf("afterwards: %q", code)
	}
}
