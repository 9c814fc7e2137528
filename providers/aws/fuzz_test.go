package aws_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aws"
	"github.com/duoyun/duoyun/providers/driver"
)

// FuzzListings: whatever a service answers, a listing is read, refused, or an error; it never panics.
func FuzzListings(f *testing.F) {
	for _, seed := range []string{
		`<R><vpcSet><item><vpcId>vpc-1</vpcId><tagSet><item><key>duoyun-mark</key><value>dy-1</value></item></tagSet></item></vpcSet><nextToken>a&amp;b</nextToken></R>`,
		`<R><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState><name>running</name></instanceState></item></instancesSet></item></reservationSet></R>`,
		`<R><volumeSet><item><volumeId>vol-1</volumeId><size>x</size></item></volumeSet></R>`, `<R><addressesSet/></R>`,
		`<R><DescribeLoadBalancersResult><LoadBalancers><member><LoadBalancerName>a</LoadBalancerName></member></LoadBalancers><NextMarker>m</NextMarker></DescribeLoadBalancersResult></R>`,
		`<R><DescribeDBInstancesResult><DBInstances><DBInstance><AllocatedStorage>-1</AllocatedStorage></DBInstance></DBInstances></DescribeDBInstancesResult></R>`,
		`<R><DescribeReplicationGroupsResult><ReplicationGroups><ReplicationGroup><MemberClusters><ClusterId>a</ClusterId></MemberClusters></ReplicationGroup></ReplicationGroups></DescribeReplicationGroupsResult></R>`,
		`<R><Buckets><Bucket><Name>b</Name></Bucket></Buckets></R>`, `<R>`, `{}`, ``, `<a><a><a/></a></a>`, "<R><vpcSet>\x00</vpcSet></R>",
	} {
		f.Add(seed)
	}
	var body string
	c := answering(f, http.StatusOK, &body)
	f.Fuzz(func(t *testing.T, answer string) {
		body = answer
		for _, k := range duoyun.Kinds() {
			if r, ok := c.Kind(k); ok {
				if _, err := r.List(t.Context(), ""); err != nil && c.Code(err) == driver.OK {
					t.Errorf("%s: an error without a code: %v", k, err)
				}
			}
		}
	})
}

// FuzzBills: a bill is exact or an error.
func FuzzBills(f *testing.F) {
	for _, seed := range []string{
		`{"ResultsByTime":[{"TimePeriod":{"Start":"2026-12-01","End":"2027-01-01"},"Groups":[{"Keys":["duoyun-mark$dy-1","BoxUsage"],"Metrics":{"UnblendedCost":{"Amount":"1.2E-7","Unit":"CNY"},"UsageQuantity":{"Amount":"1","Unit":"Hrs"}}}]}]}`,
		`{"ResultsByTime":[]}`, `{"ResultsByTime":[{"Groups":[{}]}]}`, `{}`, `null`, ``, `{"ResultsByTime":[{"Groups":[{"Keys":["a","b"],"Metrics":{"UnblendedCost":{"Amount":"1E999"}}}]}]}`,
	} {
		f.Add(seed)
	}
	const nothing = "<R><reservationSet/><volumeSet/><addressesSet/><DescribeLoadBalancersResult><LoadBalancers/></DescribeLoadBalancersResult></R>"
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "" {
			_, _ = io.WriteString(w, nothing)
			return
		}
		_, _ = io.WriteString(w, body)
	}))
	f.Cleanup(s.Close)
	c, err := aws.Open(f.Context(), driver.Account{Endpoint: s.URL, Region: region, AccessKey: "AKIA", Secret: driver.NewSecret("secret")})
	if err != nil {
		f.Fatal(err)
	}
	bills, _ := driver.As[driver.BillReader](c)
	f.Fuzz(func(t *testing.T, answer string) {
		body = answer
		lines, _, err := bills.Bill(t.Context(), duoyun.Month{Year: 2026, Month: 12}, "")
		for _, l := range lines {
			if err == nil && l.List.Minus(l.Discount).Cmp(l.Payable) != 0 {
				t.Errorf("%+v", l)
			}
		}
	})
}

// FuzzErrors: any error body is a refusal with some code.
func FuzzErrors(f *testing.F) {
	for _, seed := range []string{`<Response><Errors><Error><Code>AuthFailure</Code></Error></Errors></Response>`, `<ErrorResponse><Error><Code>Throttling</Code></Error></ErrorResponse>`,
		`<Error><Code>NoSuchBucket</Code></Error>`, `{"__type":"a#B"}`, `{"__type":1}`, `<html>`, ``, `null`} {
		f.Add(seed)
	}
	var body string
	c := answering(f, http.StatusBadRequest, &body)
	f.Fuzz(func(t *testing.T, answer string) {
		body = answer
		for _, k := range []duoyun.Kind{duoyun.KindNetwork, duoyun.KindBucket, duoyun.KindDatabase} {
			if _, err := list(t, c, k); err == nil || c.Code(err) == driver.OK {
				t.Errorf("%s: HTTP 400 is no error", k)
			}
		}
	})
}

// FuzzPrices: a list price is exact or an error.
func FuzzPrices(f *testing.F) {
	for _, seed := range []string{
		`{"terms":{"OnDemand":{"A":{"priceDimensions":{"B":{"unit":"Hrs","beginRange":"0","pricePerUnit":{"CNY":"0.1225"}}}}}}}`,
		`{"terms":{"OnDemand":{"A":{"priceDimensions":{"B":{"unit":"GB-Mo","beginRange":"0","pricePerUnit":{"CNY":"x"}}}}}}}`, `{}`, `[]`, ``, `{"terms":{"OnDemand":{"A":{}}}}`,
	} {
		f.Add(seed)
	}
	var body string
	c := answering(f, http.StatusOK, &body)
	quotes, _ := driver.As[driver.Quoter](c)
	change := driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindCache, After: duoyun.CacheSpec{Version: "7.0", MemoryGiB: 1}}
	f.Fuzz(func(t *testing.T, product string) {
		quoted, err := json.Marshal(map[string]any{"PriceList": []string{product}})
		if err != nil {
			t.Fatal(err)
		}
		body = string(quoted)
		if q, err := quotes.Quote(t.Context(), change); err == nil && (q.Per != "hour" || q.Currency == "") {
			t.Errorf("%+v", q)
		}
	})
}
