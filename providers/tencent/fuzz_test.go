package tencent_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

// answering serves one body to every call.
func answering(t testing.TB, body *[]byte) driver.Cloud {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(*body) }))
	t.Cleanup(s.Close)
	return (&scripted{Server: s}).open(t)
}

// FuzzListings: whatever a product answers, a listing is read, refused, or an error; it never panics, and what it shows has
// ids.
func FuzzListings(f *testing.F) {
	for _, seed := range []string{
		`{"Response":{"TotalCount":1,"InstanceSet":[{"InstanceId":"ins-1","InstanceState":"RUNNING","Tags":[{"Key":"duoyun-mark","Value":"dy-1"}]}],"RequestId":"r"}}`,
		`{"Response":{"TotalCount":1,"Items":[{"InstanceId":"cdb-1","Status":1,"TagList":null,"DeadlineTime":"0000-00-00 00:00:00"}]}}`,
		`{"Response":{"TotalCount":2,"DBInstanceSet":[{"DBInstanceId":"postgres-1","DBInstanceStatus":"running","DBInstanceNetInfo":[{}]}]}}`,
		`{"Response":{"TotalCount":1,"LoadBalancerSet":[{"LoadBalancerId":"lb-1","Status":1}]}}`, `{"Response":{"Error":{"Code":"RequestLimitExceeded","Message":"m"},"RequestId":"r"}}`,
		`{"Response":{"TotalCount":1,"DiskSet":[{"DiskId":"disk-1","DiskSize":-1}]}}`, `{"code":4000,"message":"m","codeDesc":"InvalidParameter"}`, `{}`, `[]`, `null`, ``,
		`<ListAllMyBucketsResult><Buckets><Bucket><Name>a-1</Name></Bucket></Buckets></ListAllMyBucketsResult>`, `<Error><Code>NoSuchBucket</Code></Error>`,
	} {
		f.Add([]byte(seed))
	}
	var body []byte
	c := answering(f, &body)
	f.Fuzz(func(t *testing.T, answer []byte) {
		body = answer
		for _, k := range kinds() {
			p, err := resource(t, c, k).List(t.Context(), "")
			if code := c.Code(err); err != nil && code == driver.OK {
				t.Errorf("%s: an error without a code: %v", k, err)
			}
			for _, o := range p.Items {
				if err == nil && o.ID == "" && k != duoyun.KindBucket {
					t.Errorf("%s: a thing without an id: %+v", k, o)
				}
			}
		}
	})
}

// FuzzBills: a bill and a balance are exact or an error.
func FuzzBills(f *testing.F) {
	for _, seed := range []string{
		`{"Response":{"Total":1,"DetailSet":[{"ResourceId":"ins-1","ComponentSet":[{"Cost":"1.5","RealCost":"1.2"}]}],"Balance":1,"RealBalance":1.5}}`,
		`{"Response":{"Total":0,"DetailSet":null,"RealBalance":"x"}}`, `{"Response":{"Total":1,"DetailSet":[{"ComponentSet":[{"Cost":1e9}]}],"RealBalance":1e3}}`, `{"Response":{"Error":{"Code":"FailedOperation.SummaryDataNotReady"}}}`,
	} {
		f.Add([]byte(seed))
	}
	var body []byte
	c := answering(f, &body)
	bills, _ := driver.As[driver.BillReader](c)
	balances, _ := driver.As[driver.BalanceReader](c)
	f.Fuzz(func(t *testing.T, answer []byte) {
		body = answer
		lines, _, err := bills.Bill(t.Context(), duoyun.Month{Year: 2026, Month: time.November}, "")
		for _, l := range lines {
			if err == nil && l.List.Minus(l.Discount).Cmp(l.Payable) != 0 {
				t.Errorf("a line does not add up: %+v", l)
			}
		}
		if b, err := balances.Balance(t.Context()); err == nil && b.Currency == "" {
			t.Errorf("a balance of no currency: %+v", b)
		}
	})
}
