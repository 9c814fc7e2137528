package aliyun_test

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aliyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// parrot is a vendor that says what it is told to.
type parrot struct {
	driver.Cloud
	said atomic.Pointer[saying]
}

type saying struct {
	status int
	body   string
}

func newParrot(f *testing.F) *parrot {
	p := &parrot{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		said := p.said.Load()
		w.WriteHeader(said.status)
		_, _ = w.Write([]byte(said.body))
	}))
	f.Cleanup(s.Close)
	c, err := aliyun.Open(f.Context(), driver.Account{Endpoint: s.URL, Region: region, AccessKey: "LTAI", Secret: driver.NewSecret("secret")})
	if err != nil {
		f.Fatal(err)
	}
	p.Cloud = c
	return p
}

// say sets what is answered from now on.
func (p *parrot) say(status int, body string) { p.said.Store(&saying{status, body}) }

func (p *parrot) Unwrap() driver.Cloud { return p.Cloud }

// FuzzListing: whatever the vendor answers, a listing that is taken for whole has been said to be.
func FuzzListing(f *testing.F) {
	for _, body := range []string{
		`{"TotalCount":1,"PageNumber":1,"PageSize":50,"Instances":{"Instance":[{"InstanceId":"i-1","Description":"dy-1","Status":"Running","Cpu":2,"Memory":4096}]}}`,
		`{"TotalCount":3,"Instances":{"Instance":[]}}`, `{"TotalCount":0,"Instances":{"Instance":[]}}`, `{"TotalCount":"1","Instances":{"Instance":[{}]}}`,
		`{"TotalCount":-1,"Instances":{"Instance":[null]}}`, `{"Instances":[]}`, `{}`, `[]`, `null`, `{"Code":{},"Instances":{"Instance":{}}}`, "\xff", `{"TotalCount":1e9,"Instances":{"Instance":[{"Cpu":"2"}]}}`,
	} {
		f.Add(200, body)
	}
	f.Add(400, `{"Code":"Throttling","Message":{"a":1},"RequestId":7}`)
	vendor := newParrot(f)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 || status == 204 || status == 304 {
			return
		}
		vendor.say(status, body)
		p, err := list(t, vendor, duoyun.KindServer)
		if err == nil && (status > 299 || len(p.Items) == 0 && p.Next != "") {
			t.Errorf("%d %q is taken for %+v", status, body, p)
		}
	})
}

// FuzzBill: a line that is read adds up, and money is what the text says.
func FuzzBill(f *testing.F) {
	for _, body := range []string{
		`{"Code":"Success","Success":true,"Data":{"NextToken":"","Items":[{"InstanceID":"i-1","ProductCode":"ecs","BillingItem":"vCPU","Usage":"3.5","UsageUnit":"hour","ListPrice":"0.1","PretaxGrossAmount":0.35,"PretaxAmount":0.35,"Currency":"CNY"}]}}`,
		`{"Success":true,"Data":{"Items":[{"PretaxGrossAmount":1.0E-5,"PretaxAmount":1E-5,"ListPrice":""}]}}`, `{"Data":{"Items":[{"PretaxAmount":"1,234.50","PretaxGrossAmount":"1,234.50"}]}}`,
		`{"Data":{"Items":[{"PretaxAmount":1e400,"PretaxGrossAmount":0}]}}`, `{"Data":{"Items":[{}]}}`, `{"Data":{"Items":null}}`, `{"Data":[]}`, `{"Success":false,"Code":"NotAuthorized"}`, `{}`,
	} {
		f.Add(body)
	}
	vendor := newParrot(f)
	f.Fuzz(func(t *testing.T, body string) {
		vendor.say(200, body)
		b, ok := driver.As[driver.BillReader](vendor)
		if !ok {
			t.Fatal("no bills")
		}
		lines, _, err := b.Bill(t.Context(), duoyun.Month{Year: 2026, Month: time.October}, "")
		if err != nil && len(lines) > 0 {
			t.Errorf("%q: lines beside %v", body, err)
		}
		for _, l := range lines {
			if l.List.Minus(l.Discount).Cmp(l.Payable) != 0 {
				t.Errorf("%q does not add up: %+v", body, l)
			}
		}
	})
}

// FuzzMetrics: points are in order, and a gap is a gap.
func FuzzMetrics(f *testing.F) {
	for _, points := range []string{`[{\"timestamp\":1790000000000,\"Average\":12.5},{\"timestamp\":1790000300000}]`, `[]`, ``, `{}`, `[null]`, `[{\"timestamp\":\"1\"}]`} {
		f.Add(`{"Code":"200","Success":true,"Datapoints":"` + points + `"}`)
	}
	vendor := newParrot(f)
	f.Fuzz(func(t *testing.T, body string) {
		vendor.say(200, body)
		m, ok := driver.As[driver.MetricsReader](vendor)
		if !ok {
			t.Fatal("no metrics")
		}
		all, err := m.Metrics(t.Context(), "i-1", time.Unix(0, 0), time.Unix(600, 0))
		if err != nil {
			return
		}
		for _, series := range all {
			for i, p := range series.Points {
				if i > 0 && p.At.Before(series.Points[i-1].At) {
					t.Errorf("%q: %v", body, series)
				}
			}
		}
	})
}

// FuzzBalance: what is read was said.
func FuzzBalance(f *testing.F) {
	for _, amount := range []string{"10000.00", "1,000,000.12", "", "-3.5", "1e3", "abc", "0x10", "9999999999999999999999.999"} {
		f.Add(`{"Code":"200","Success":true,"Data":{"AvailableAmount":"` + amount + `","Currency":"CNY"}}`)
	}
	vendor := newParrot(f)
	f.Fuzz(func(t *testing.T, body string) {
		vendor.say(200, body)
		b, ok := driver.As[driver.BalanceReader](vendor)
		if !ok {
			t.Fatal("no balance")
		}
		_, _ = b.Balance(t.Context()) // must not panic or hang
	})
}
