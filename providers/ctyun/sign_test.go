package ctyun_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/ctyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// eop is the vendor's signature of a request without a body, from its guide.
func eop(key, secret, id, date, query string) string {
	last := []byte(secret)
	digest := fmt.Sprintf("%x", sha256.Sum256(nil))
	for _, text := range []string{date, key, date[:8], "ctyun-eop-request-id:" + id + "\neop-date:" + date + "\n\n" + query + "\n" + digest} {
		h := hmac.New(sha256.New, last)
		h.Write([]byte(text))
		last = h.Sum(nil)
	}
	return base64.StdEncoding.EncodeToString(last)
}

func TestARequestIsSignedAsTheVendorsGuideSays(t *testing.T) {
	t.Parallel()
	// the vector was computed with Python's hmac from the same guide
	const vector = "vpZN9OV3QIAnib0WWWoS4E7W0VFyBXdb/pVPirt/uXs="
	if got := eop("5b1c0a7e4d2f4c6f9a3e8d7b6c5a4f30", "simulated-secret-of-ctyun", "27cfe4dc-e640-45f6-92ca-492ca73e8680", "20260314T093000Z", "regionID=r1&vpcID=vpc-1"); got != vector {
		t.Fatalf("%s, want %s", got, vector)
	}
	vendor := newParrot(t)
	vendor.say(http.StatusOK, `{"statusCode":900,"error":"Openapi.Vpc.NotFound"}`)
	networks, _ := vendor.Kind(duoyun.KindNetwork)
	if _, err := networks.Observe(t.Context(), "vpc-1"); vendor.Code(err) != driver.NotFound {
		t.Fatal(err)
	}
	r := vendor.heard.Load()
	id, date := r.Header.Get("ctyun-eop-request-id"), r.Header.Get("eop-date")
	want := "ak Headers=ctyun-eop-request-id;eop-date Signature=" + eop("ak", "the account's secret", id, date, "regionID="+region+"&vpcID=vpc-1")
	if got := r.Header.Get("Eop-Authorization"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	at, err := time.ParseInLocation("20060102T150405Z", date, time.FixedZone("Beijing", 8*60*60))
	if err != nil || time.Since(at).Abs() > time.Minute {
		t.Errorf("the date is %s: it shall be Beijing's time of day with a Z", date)
	}
	if !regexp.MustCompile(`^[0-9a-f-]{36}$`).MatchString(id) || r.Header.Get("User-Agent") != "duoyun" {
		t.Errorf("id %q, agent %q", id, r.Header.Get("User-Agent"))
	}
}

func TestAnAccountThatCannotBeRightIsRefused(t *testing.T) {
	t.Parallel()
	good := func() driver.Account {
		return driver.Account{Region: region, AccessKey: "ak", Secret: driver.NewSecret("sk")}
	}
	for name, spoil := range map[string]func(*driver.Account){
		"no region":        func(a *driver.Account) { a.Region = "" },
		"no access key":    func(a *driver.Account) { a.AccessKey = "" },
		"no secret":        func(a *driver.Account) { a.Secret = driver.Secret{} },
		"another scheme":   func(a *driver.Account) { a.Endpoint = "ftp://ctapi.ctyun.cn" },
		"a host no more":   func(a *driver.Account) { a.Endpoints = map[string]string{"ctecs": "https://"} },
		"a login in a URL": func(a *driver.Account) { a.Endpoint = "https://u:p@ctapi.ctyun.cn" },
		"a CA of words":    func(a *driver.Account) { a.CA = "no PEM" },
	} {
		a := good()
		spoil(&a)
		_, err := ctyun.Open(t.Context(), a)
		if ctyun.Code(err) != driver.Invalid || err != nil && strings.Contains(err.Error(), "sk") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ctyun.Open(t.Context(), good()); err != nil {
		t.Errorf("the public cloud: %v", err)
	}
}
