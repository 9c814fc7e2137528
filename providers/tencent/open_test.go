package tencent_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/tencent"
	"github.com/duoyun/duoyun/providers/tencent/tencentfake"
)

// scripted answers every action with what the test says, and keeps what was asked.
type scripted struct {
	*httptest.Server
	mu      sync.Mutex
	answers map[string]string
	asked   []*http.Request
	bodies  []string
}

func script(t *testing.T, answers map[string]string) *scripted {
	t.Helper()
	s := &scripted{answers: answers}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked, s.bodies = append(s.asked, r), append(s.bodies, string(body))
		answer, ok := s.answers[r.Header.Get("X-TC-Action")]
		if !ok {
			answer = `{"Response":{"Error":{"Code":"InvalidAction","Message":"?"},"RequestId":"r"}}`
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

// open connects an account to the script; the project spares it the question for the APPID.
func (s *scripted) open(t testing.TB) driver.Cloud {
	t.Helper()
	c, err := tencent.Open(t.Context(), driver.Account{Endpoint: s.URL, Region: region, AccessKey: tencentfake.SecretID, Secret: driver.NewSecret(tencentfake.SecretKey),
		Project: tencentfake.AppID, Mapping: driver.Mapping{Zones: map[string]string{duoyun.ZoneExtranetPublic: "ap-nanjing-1"}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func resource(t testing.TB, c driver.Cloud, k duoyun.Kind) driver.Resource {
	t.Helper()
	r, ok := c.Kind(k)
	if !ok {
		t.Fatalf("no %s", k)
	}
	return r
}

func TestAnAccountThatCannotServeIsRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	good := driver.Account{Region: region, AccessKey: "id", Secret: driver.NewSecret("key"), Project: "1"}
	for name, spoil := range map[string]func(*driver.Account){
		"no SecretId": func(a *driver.Account) { a.AccessKey = "" }, "no SecretKey": func(a *driver.Account) { a.Secret = driver.Secret{} },
		"no region": func(a *driver.Account) { a.Region = "" }, "another platform": func(a *driver.Account) { a.Platform = "hcs" },
		"TCE without its root domain": func(a *driver.Account) { a.Platform = "tce" }, "a CA that is no PEM": func(a *driver.Account) { a.CA = "?" },
	} {
		a := good
		spoil(&a)
		if _, err := tencent.Open(t.Context(), a); tencent.Code(err) != driver.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := tencent.Open(t.Context(), good); err != nil {
		t.Errorf("a good account: %v", err)
	}
}

// TestEveryProductIsReachedBelowTheRootDomain sends through a proxy, which is told the host.
func TestEveryProductIsReachedBelowTheRootDomain(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var hosts []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		hosts = append(hosts, r.Host)
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer proxy.Close()
	for _, x := range []struct {
		endpoint, platform string
		want               []string
	}{
		{"", "", []string{"vpc.tencentcloudapi.com:443", "dy-1-1250000001.cos.ap-nanjing.myqcloud.com:443"}},
		{"api.tce.example.cn", "tce", []string{"vpc.api.tce.example.cn:443", "dy-1-1250000001.cos.ap-nanjing.api.tce.example.cn:443"}},
	} {
		hosts = nil
		c, err := tencent.Open(t.Context(), driver.Account{Region: region, AccessKey: "id", Secret: driver.NewSecret("key"), Project: tencentfake.AppID, Endpoint: x.endpoint,
			Platform: x.platform, Proxy: proxy.URL})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := resource(t, c, duoyun.KindNetwork).List(t.Context(), ""); err == nil {
			t.Error("the proxy let it through")
		}
		if _, err := resource(t, c, duoyun.KindBucket).Observe(t.Context(), "dy-1"); err == nil {
			t.Error("the proxy let it through")
		}
		if fmt.Sprint(hosts) != fmt.Sprint(x.want) {
			t.Errorf("%q: %v, want %v", x.endpoint, hosts, x.want)
		}
	}
}

func TestAListingThatMovesBetweenItsPagesIsNotWhole(t *testing.T) {
	t.Parallel()
	first := `{"Response":{"TotalCount":3,"VpcSet":[{"VpcId":"vpc-1"},{"VpcId":"vpc-2"}],"RequestId":"r"}}`
	s := script(t, map[string]string{"DescribeVpcs": first})
	r := resource(t, s.open(t), duoyun.KindNetwork)
	p, err := r.List(t.Context(), "")
	if err != nil || p.Partial || len(p.Items) != 2 || p.Next == "" {
		t.Fatalf("%+v, %v", p, err)
	}
	s.answers["DescribeVpcs"] = `{"Response":{"TotalCount":3,"VpcSet":[{"VpcId":"vpc-2"},{"VpcId":"vpc-3"}],"RequestId":"r"}}`
	if p, err := r.List(t.Context(), p.Next); err != nil || p.Partial || len(p.Items) != 1 || p.Items[0].ID != "vpc-3" || p.Next != "" {
		t.Errorf("the page that follows: %+v, %v", p, err)
	}
	s.answers["DescribeVpcs"] = `{"Response":{"TotalCount":2,"VpcSet":[{"VpcId":"vpc-3"}],"RequestId":"r"}}` // vpc-1 was deleted
	if p, err := r.List(t.Context(), p.Next); err != nil || !p.Partial {
		t.Errorf("a page that has moved: %+v, %v", p, err)
	}
}

func TestAnAnswerThatLacksItsListIsAnError(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{}`, `{"Response":{}}`, `{"Response":null}`, `{"Response":{"TotalCount":0,"RequestId":"r"}}`, `{"Response":{"VpcSet":[],"RequestId":"r"}}`,
		`{"Response":{"TotalCount":1,"VpcSet":null}}`, `{"Response":{"TotalCount":1,"VpcSet":[{}]}}`, `{"Response":{"TotalCount":"1","VpcSet":{}}}`, `[]`, `null`, ` null`, ``} {
		s := script(t, map[string]string{"DescribeVpcs": answer})
		c := s.open(t)
		p, err := resource(t, c, duoyun.KindNetwork).List(t.Context(), "")
		if c.Code(err) != driver.InDoubt {
			t.Errorf("%s: %+v, %v", answer, p, err)
		}
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	reached := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	s := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer s.Close()
	c := (&scripted{Server: s}).open(t)
	if _, err := resource(t, c, duoyun.KindNetwork).List(t.Context(), ""); c.Code(err) != driver.InDoubt {
		t.Errorf("a listing: %v", err)
	}
	if _, err := resource(t, c, duoyun.KindBucket).Observe(t.Context(), "dy-1"); c.Code(err) != driver.InDoubt {
		t.Errorf("a bucket: %v", err)
	}
	if reached {
		t.Error("the redirect was followed")
	}
}

// TestASubscriptionIsBoughtWithoutRenewalByItself looks at the words on the wire.
func TestASubscriptionIsBoughtWithoutRenewalByItself(t *testing.T) {
	t.Parallel()
	s := script(t, map[string]string{"AllocateAddresses": `{"Response":{"AddressSet":["eip-1"],"RequestId":"r"}}`})
	c := driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindPublicIP, Mark: duoyun.Mark(duoyun.NewID(time.Now())), Name: "社保 {R:1}", After: duoyun.PublicIPSpec{BandwidthMbps: 5}, Months: 3}
	reply, err := resource(t, s.open(t), duoyun.KindPublicIP).Run(t.Context(), driver.Call{Change: c, Step: "public_ip", Token: "token-1"})
	if err != nil || reply.ID != "eip-1" || reply.RequestID != "r" {
		t.Fatalf("%+v, %v", reply, err)
	}
	want := map[string]any{"AddressCount": 1, "AddressChargePrepaid": map[string]any{"AutoRenewFlag": 0, "Period": 3}, "AddressName": "社保--R-1-", "ClientToken": "token-1",
		"InternetChargeType": "BANDWIDTH_PREPAID_BY_MONTH", "InternetMaxBandwidthOut": 5, "Tags": []any{map[string]any{"Key": "duoyun-mark", "Value": c.Mark}}}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, []byte(s.bodies[0])) {
		t.Errorf("sent %s, want %s", s.bodies[0], text)
	}
}

// TestPagesOfBillsKeepEveryDigit: what the vendor writes as text or as a number never becomes a float.
func TestPagesOfBillsKeepEveryDigit(t *testing.T) {
	t.Parallel()
	s := script(t, map[string]string{
		"DescribeBillDetail": `{"Response":{"Total":1,"DetailSet":[{"ResourceId":"ins-1","BusinessCode":"p_cvm","FeeBeginTime":"2026-11-01 00:00:00","FeeEndTime":"2026-11-01 01:00:00",
			"ComponentSet":[{"ComponentCode":"v_cvm_compute","ItemCode":"sv_cvm_s5","SinglePrice":"0.10000000000000000001","UsedAmount":"-","UsedAmountUnit":"","Cost":"0.1234567890123456789","RealCost":0.1}]}],"RequestId":"r"}}`,
		"DescribeAccountBalance": `{"Response":{"Balance":123,"RealBalance":123.456789012345678901,"RequestId":"r"}}`,
	})
	c := s.open(t)
	bills, _ := driver.As[driver.BillReader](c)
	lines, next, err := bills.Bill(t.Context(), duoyun.Month{Year: 2026, Month: time.November}, "")
	if err != nil || next != "" || len(lines) != 1 {
		t.Fatalf("%+v, %q, %v", lines, next, err)
	}
	for name, x := range map[string][2]duoyun.Amount{"price": {lines[0].Price, amount(t, "0.10000000000000000001")}, "list": {lines[0].List, amount(t, "0.1234567890123456789")},
		"payable": {lines[0].Payable, amount(t, "0.1")}, "discount": {lines[0].Discount, amount(t, "0.0234567890123456789")}} {
		if x[0].Cmp(x[1]) != 0 {
			t.Errorf("%s: %v", name, x[0])
		}
	}
	if want := time.Date(2026, 10, 31, 16, 0, 0, 0, time.UTC); !lines[0].Start.Equal(want) {
		t.Errorf("begins %s, want %s", lines[0].Start, want)
	}
	balances, _ := driver.As[driver.BalanceReader](c)
	b, err := balances.Balance(t.Context())
	if err != nil || b.Available.Cmp(amount(t, "1.23456789012345678901")) != 0 {
		t.Errorf("balance %v, %v", b, err)
	}
}

// TestRenewalsAreAskedAboutByTheActionOfEachProduct, whose answers differ in form and unit.
func TestRenewalsAreAskedAboutByTheActionOfEachProduct(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		kind       duoyun.Kind
		id, action string
		answer     string
	}{
		{duoyun.KindServer, "ins-1", "InquiryPriceRenewInstances", `"Price":{"InstancePrice":{"OriginalPrice":2.5,"DiscountPrice":1.25}}`},
		{duoyun.KindDisk, "disk-1", "InquiryPriceRenewDisks", `"DiskPrice":{"OriginalPrice":2.5,"DiscountPrice":1.25}`},
		{duoyun.KindPublicIP, "eip-1", "InquiryPriceRenewAddresses", `"Price":{"AddressPrice":{"DiscountPrice":1.25}}`},
		{duoyun.KindLoadBalancer, "lb-1", "InquiryPriceRenewLoadBalancer", `"Price":{"InstancePrice":{"DiscountPrice":1.25}}`},
		{duoyun.KindDatabase, "cdb-1", "DescribeDBPrice", `"Price":125,"OriginalPrice":250,"Currency":"CNY"`},
		{duoyun.KindDatabase, "postgres-1", "InquiryPriceRenewDBInstance", `"Price":125`},
		{duoyun.KindCache, "crs-1", "InquiryPriceRenewInstance", `"Price":125.0`},
	} {
		s := script(t, map[string]string{x.action: `{"Response":{` + x.answer + `,"RequestId":"r"}}`})
		quoter, _ := driver.As[driver.Quoter](s.open(t))
		q, err := quoter.Quote(t.Context(), driver.Change{Op: duoyun.OpRenew, Kind: x.kind, ID: x.id, Months: 2})
		if err != nil || q.Amount.Cmp(amount(t, "1.25")) != 0 || q.Months != 2 || q.Per != "month" {
			t.Errorf("%s %s: %+v, %v", x.kind, x.id, q, err)
		}
		if !strings.Contains(s.bodies[0], x.id) {
			t.Errorf("%s: asked %s", x.kind, s.bodies[0])
		}
	}
}

func amount(t *testing.T, s string) duoyun.Amount {
	t.Helper()
	a, err := duoyun.ParseAmount(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestCheckNamesWhatTheAccountLacks: each wrong entry of a mapping, and each product that the key may not read.
func TestCheckNamesWhatTheAccountLacks(t *testing.T) {
	t.Parallel()
	s := simulate(t, tencentfake.Options{})
	a := s.account()
	a.Mapping.Images = map[string]string{"kylin-v10": "kylin-v10", "uos-20": "no such image"}
	a.Mapping.Classes["gold"], a.Mapping.Zones[duoyun.ZoneInternetAccess], a.Mapping.Families = "CLOUD_GOLD", "ap-nanjing-9", []string{"s1", "X9"}
	c, err := tencent.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	check, _ := driver.As[driver.Checker](c)
	var paths []string
	for _, f := range check.Check(t.Context()) {
		paths = append(paths, fmt.Sprint(f))
	}
	got := strings.Join(paths, "\n")
	for _, want := range []string{"mapping.images.uos-20", "mapping.classes.gold", "mapping.zones.internet_access", "mapping.families"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not named in:\n%s", want, got)
		}
	}
	if len(paths) != 4 {
		t.Errorf("named:\n%s", got)
	}
}
