package huawei_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/huawei"
)

// plays tells whether a server can answer with a status and any body.
func plays(status int) bool { return status >= 200 && status <= 599 && status != 204 && status != 304 }

// FuzzListing: whatever a service answers, in whatever kind's place, a listing is read or refused, and an empty one was said
// to be empty.
func FuzzListing(f *testing.F) {
	kinds := []duoyun.Kind{duoyun.KindNetwork, duoyun.KindServer, duoyun.KindDisk, duoyun.KindPublicIP, duoyun.KindLoadBalancer, duoyun.KindDatabase, duoyun.KindCache, duoyun.KindBucket}
	for _, body := range []string{
		`{"vpcs":[{"id":"v-1","name":"a","description":"dy-0123456789abcdef0123456789abcdef","cidr":"10.0.0.0/16","status":"OK","created_at":"2026-01-01T00:00:00"}]}`,
		`{"servers":[{"id":"s-1","status":"ACTIVE","metadata":{"vpc_id":"v"},"flavor":{"vcpus":"2","ram":"4096"},"addresses":{"v":[{"addr":"10.0.0.2","OS-EXT-IPS:type":"fixed"}]}}]}`,
		`{"servers":[{"flavor":{"vcpus":2}}]}`, `{"volumes":[{"id":"d-1","status":"in-use","size":10,"attachments":[{"server_id":"s"}]}]}`, `{"publicips":[{"id":"p","bandwidth_size":"5"}]}`,
		`{"loadbalancers":[{"id":"l"}],"page_info":{"next_marker":"l"}}`, `{"loadbalancers":[],"page_info":null}`, `{"instances":[{"id":"i","instance_id":"i","cpu":"2","mem":"x","capacity":0.5}]}`,
		`{"instances":[null],"total_count":-1}`, `{"vpcs":{},"servers":{},"volumes":{},"publicips":{},"instances":{}}`, `{}`, `[]`, `null`, "\xff", `<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>`,
		`<ListAllMyBucketsResult><Buckets><Bucket><Name>dy-0123456789abcdef0123456789abcdef</Name><CreationDate>x</CreationDate></Bucket></Buckets></ListAllMyBucketsResult>`,
	} {
		for i := range kinds {
			f.Add(uint8(i), 200, body)
		}
	}
	f.Add(uint8(0), 400, `{"error_code":{"a":1},"error":"none","code":7,"message":[]}`)
	f.Fuzz(func(t *testing.T, kind uint8, status int, body string) {
		k := kinds[int(kind)%len(kinds)]
		if !plays(status) {
			return
		}
		p, err := list(t, answering(t, status, body), k)
		if err == nil && (status > 299 || len(p.Items) == 0 && !p.Partial && !strings.ContainsAny(body, "[<")) {
			t.Errorf("%s: %d %q is taken for %+v", k, status, body, p)
		}
	})
}

// FuzzRefusal: no body of an error is taken for a success, and none of a failure inside says that nothing was done.
func FuzzRefusal(f *testing.F) {
	for _, body := range []string{`{"error":{"code":"Ecs.0319","message":"sold out"}}`, `{"code":"VPC.0114","message":"Quota exceeded"}`, `{"error_code":"CBC.0151","error_msg":"no"}`,
		`{"error":{"code":404,"message":7}}`, `{"code":[],"error_code":1}`, `{"error":[]}`, `{`, ``, `null`, `"x"`, "\x00"} {
		f.Add(400, body)
		f.Add(500, body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if !plays(status) || status < 300 {
			return
		}
		c := answering(t, status, body)
		r, _ := c.Kind(duoyun.KindPublicIP)
		change := driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindPublicIP, Mark: duoyun.Mark(duoyun.NewID(time.Unix(0, 0))), After: duoyun.PublicIPSpec{BandwidthMbps: 5}}
		_, err := r.Run(t.Context(), driver.Call{Change: change, Step: "public_ip", Token: "t"})
		if code := c.Code(err); err == nil || status >= 500 && code != driver.InDoubt {
			t.Errorf("%d %q: %q %v", status, body, code, err)
		}
	})
}

// FuzzBill: what is read is exactly what was written, and what cannot be read is no bill.
func FuzzBill(f *testing.F) {
	for _, body := range []string{
		`{"total_count":1,"currency":"CNY","fee_records":[{"resource_id":"s-1","cloud_service_type":"hws.service.type.ec2","usage":3.5,"usage_measure_id":4,"official_amount":1E-7,"discount_amount":0,"amount":1E-7}]}`,
		`{"total_count":2,"fee_records":[{"amount":"1,234.50"}]}`, `{"total_count":1,"fee_records":[{"amount":1e400}]}`, `{"fee_records":[{}]}`, `{"fee_records":null}`, `{"fee_records":[null],"total_count":-5}`,
		`{"total_count":3,"fee_records":[]}`, `{"error_code":"CBC.0151","error_msg":"no"}`, `{}`, `[]`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		b, ok := driver.As[driver.BillReader](answering(t, 200, body))
		if !ok {
			t.Fatal("no bills")
		}
		lines, next, err := b.Bill(t.Context(), duoyun.Month{Year: 2026, Month: time.October}, "")
		if err != nil && (len(lines) > 0 || next != "") || next != "" && len(lines) == 0 {
			t.Errorf("%q: %d lines, next %q, beside %v", body, len(lines), next, err)
		}
	})
}

// FuzzAmount: money is read as text; read again as it is stored it is the same.
func FuzzAmount(f *testing.F) {
	for _, text := range []string{"", "0", "12.34", "-0.01", "1E-7", "1.5e+2", "1e400", "0x10", "NaN", "+1", "1e-31", "99999999999999999.99999999", "1E", "e5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := huawei.Amount(json.Number(text))
		if err != nil || text == "" {
			return
		}
		printed, err := a.MarshalText()
		var again duoyun.Amount
		if err != nil || again.UnmarshalText(printed) != nil || again.Cmp(a) != 0 {
			t.Errorf("%q is %s, then %v", text, printed, again)
		}
		if strings.ContainsAny(text, " ,_xX") {
			t.Errorf("%q is taken for %v", text, a)
		}
	})
}

// FuzzMetrics: points are in order.
func FuzzMetrics(f *testing.F) {
	for _, body := range []string{`{"metrics":[{"metric_name":"cpu_util","unit":"%","datapoints":[{"average":12.5,"timestamp":1790000000000},{"average":0,"timestamp":1790000300000}]}]}`,
		`{"metrics":[{"metric_name":"cpu_util","datapoints":[{"timestamp":5},{"timestamp":1,"average":1}]}]}`, `{"metrics":[null]}`, `{"metrics":[]}`, `{}`, `[]`, `{"metrics":[{"datapoints":{}}]}`} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		m, ok := driver.As[driver.MetricsReader](answering(t, 200, body))
		if !ok {
			t.Fatal("no metrics")
		}
		all, err := m.Metrics(t.Context(), "s-1", time.Unix(0, 0), time.Unix(600, 0))
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
