package ctyun_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/ctyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// mark is one of ours.
const mark = "dy-0193a5f2c4e17b3d8a6f5e4d3c2b1a09"

// parrot is a vendor that says what it is told to, and keeps the last request.
type parrot struct {
	driver.Cloud
	said  atomic.Pointer[saying]
	heard atomic.Pointer[http.Request]
}

type saying struct {
	status int
	body   string
}

func newParrot(t testing.TB) *parrot {
	p := &parrot{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.heard.Store(r)
		said := p.said.Load()
		w.WriteHeader(said.status)
		_, _ = w.Write([]byte(said.body)) // the caller may have gone
	}))
	t.Cleanup(s.Close)
	c, err := ctyun.Open(t.Context(), driver.Account{Endpoint: s.URL, Region: region, AccessKey: "ak", Secret: driver.NewSecret("the account's secret")})
	if err != nil {
		t.Fatal(err)
	}
	p.Cloud = c
	return p
}

// say sets what is answered from now on.
func (p *parrot) say(status int, body string) { p.said.Store(&saying{status, body}) }

// status keeps a fuzzed status to those of an answer with a body.
func status(n int) bool {
	return n >= 200 && n <= 599 && n != http.StatusNoContent && n != http.StatusNotModified
}

// FuzzListing: whatever the vendor answers, a listing that is taken for whole has said how many there are.
func FuzzListing(f *testing.F) {
	for _, body := range []string{
		`{"statusCode":800,"returnObj":{"totalCount":1,"results":[{"instanceID":"i-1","instanceName":"dy-1","instanceStatus":"running","flavor":{"flavorCPU":2,"flavorRAM":4096}}]}}`,
		`{"statusCode":800,"returnObj":{"totalCount":3,"results":[]}}`, `{"statusCode":800,"returnObj":{"totalCount":0,"results":null}}`,
		`{"statusCode":800,"returnObj":{"totalCount":2,"results":null}}`, `{"statusCode":800,"returnObj":{"results":[]}}`, `{"statusCode":800,"returnObj":{"totalCount":-1,"results":[]}}`,
		`{"statusCode":800,"returnObj":[]}`, `{"statusCode":800,"returnObj":null}`, `{"statusCode":800}`, `{}`, `[]`, `null`, "\xff",
		`{"statusCode":800,"returnObj":{"totalCount":1e9,"results":[{"flavor":{"flavorCPU":"2"}}]}}`, `{"statusCode":800,"returnObj":{"totalCount":1,"results":[{"expiredTime":{}}]}}`,
	} {
		f.Add(200, body)
	}
	f.Add(429, ``)
	vendor := newParrot(f)
	servers, _ := vendor.Kind(duoyun.KindServer)
	f.Fuzz(func(t *testing.T, code int, body string) {
		if !status(code) {
			return
		}
		vendor.say(code, body)
		p, err := servers.List(t.Context(), "")
		if err == nil && (code != http.StatusOK || !strings.Contains(body, "total") || len(p.Items) == 0 && p.Next != "") {
			t.Errorf("%d %q is taken for %+v", code, body, p)
		}
	})
}

// FuzzErrorBody: what is not said to have succeeded has not, and no error tells the secret.
func FuzzErrorBody(f *testing.F) {
	for _, body := range []string{`{"statusCode":900,"error":"Ecs.Instance.NotFound","description":"x"}`, `{"statusCode":900,"errorCode":7}`, `{"statusCode":{}}`,
		`{"statusCode":"CTAPI_10009"}`, `{"statusCode":800,"returnObj":{"vpcID":{}}}`, `{"statusCode":900,"error":"a.order.inProgress","returnObj":[{"masterOrderID":"o"}]}`, ``, `{`} {
		f.Add(200, body)
	}
	f.Add(502, `<html>`)
	vendor := newParrot(f)
	networks, _ := vendor.Kind(duoyun.KindNetwork)
	f.Fuzz(func(t *testing.T, code int, body string) {
		if !status(code) {
			return
		}
		vendor.say(code, body)
		reply, err := networks.Run(t.Context(), driver.Call{Change: driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindNetwork, Mark: mark,
			After: duoyun.NetworkSpec{CIDR: "10.1.0.0/24"}}, Step: "network"})
		if err == nil && (code != http.StatusOK || reply.ID == "" && reply.OrderID == "") {
			t.Errorf("%d %q is taken for %+v", code, body, reply)
		}
		if err != nil && strings.Contains(err.Error(), "the account's secret") {
			t.Errorf("the secret is told: %v", err)
		}
	})
}

// FuzzPrice: a price that is read is a number in digits.
func FuzzPrice(f *testing.F) {
	for _, body := range []string{`{"statusCode":800,"returnObj":{"finalPrice":0.1}}`, `{"statusCode":800,"returnObj":{"finalPrice":"12.345678"}}`,
		`{"statusCode":800,"returnObj":{"finalPrice":1e400}}`, `{"statusCode":800,"returnObj":{"finalPrice":null}}`, `{"statusCode":800,"returnObj":{}}`, `{"statusCode":800,"returnObj":{"finalPrice":{}}}`} {
		f.Add(body)
	}
	vendor := newParrot(f)
	quoter, _ := driver.As[driver.Quoter](vendor.Cloud)
	f.Fuzz(func(t *testing.T, body string) {
		vendor.say(http.StatusOK, body)
		q, err := quoter.Quote(t.Context(), driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindPublicIP, After: duoyun.PublicIPSpec{BandwidthMbps: 5}})
		if err == nil && (!strings.Contains(strings.ToLower(body), "finalprice") || q.Currency != "CNY") {
			t.Errorf("%q is taken for %+v", body, q)
		}
	})
}

// FuzzMetrics: samples that are no numbers are gaps, and none is an endless listing.
func FuzzMetrics(f *testing.F) {
	for _, body := range []string{`{"statusCode":800,"returnObj":{"result":[{"itemAggregateList":{"cpu_util":[{"value":"1.5","samplingTime":1796086800}]}}],"totalPage":1}}`,
		`{"statusCode":800,"returnObj":{"result":[{"itemAggregateList":{"cpu_util":[{"value":"","samplingTime":"x"}],"a":"b"}}],"totalPage":0}}`,
		`{"statusCode":800,"returnObj":{"result":null}}`, `{"statusCode":800,"returnObj":{"totalPage":1000000000}}`, `{"statusCode":800,"returnObj":[]}`} {
		f.Add(body)
	}
	vendor := newParrot(f)
	reader, _ := driver.As[driver.MetricsReader](vendor.Cloud)
	f.Fuzz(func(t *testing.T, body string) {
		vendor.say(http.StatusOK, body)
		all, err := reader.Metrics(t.Context(), "i-1", time.Unix(1796083200, 0), time.Unix(1796086800, 0))
		for _, m := range all {
			for _, p := range m.Points {
				if err != nil || p.At.IsZero() {
					t.Errorf("%q gives %+v, %v", body, p, err)
				}
			}
		}
	})
}
