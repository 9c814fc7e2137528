package aliyun_test

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aliyun"
	"github.com/duoyun/duoyun/providers/aliyun/aliyunfake"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/drivertest"
)

func TestAnAccountThatCannotSignACallIsNotOpened(t *testing.T) {
	t.Parallel()
	whole := driver.Account{Region: "cn-hangzhou", AccessKey: "LTAI", Secret: driver.NewSecret("secret")}
	for name, change := range map[string]func(*driver.Account){
		"no key":                   func(a *driver.Account) { a.AccessKey = "" },
		"no secret":                func(a *driver.Account) { a.Secret = driver.Secret{} },
		"no region":                func(a *driver.Account) { a.Region = "" },
		"a region that is a path":  func(a *driver.Account) { a.Region = "cn.evil.example/" },
		"an unknown platform":      func(a *driver.Account) { a.Platform = "hcs" },
		"a gateway is missing":     func(a *driver.Account) { a.Platform = "apsara" },
		"an endpoint that is none": func(a *driver.Account) { a.Endpoints = map[string]string{"ecs": "http://"} },
		"a CA that is none":        func(a *driver.Account) { a.CA = "x" },
	} {
		a := whole
		change(&a)
		if _, err := aliyun.Open(t.Context(), a); aliyun.Code(err) != driver.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := aliyun.Open(t.Context(), whole); err != nil {
		t.Errorf("the whole account: %v", err)
	}
}

// A proxy hears which hosts are called.
func TestPublicHostsAreTheVendorsAndARootDomainChangesThem(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []string
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				mu.Lock()
				heard = append(heard, r.Host)
				mu.Unlock()
			}
			_ = conn.Close()
		}
	}()
	for _, c := range []struct {
		region, root string
		kind         duoyun.Kind
		want         string
	}{
		{"cn-hangzhou", "", duoyun.KindServer, "ecs-cn-hangzhou.aliyuncs.com:443"}, {"cn-hangzhou", "", duoyun.KindNetwork, "vpc.aliyuncs.com:443"},
		{"cn-wulanchabu", "", duoyun.KindDatabase, "rds.cn-wulanchabu.aliyuncs.com:443"}, {"cn-hangzhou", "", duoyun.KindBucket, "oss-cn-hangzhou.aliyuncs.com:443"},
		{"cn-gov-1", "gov.example", duoyun.KindLoadBalancer, "slb.cn-gov-1.gov.example:443"}, {"cn-gov-1", "gov.example", duoyun.KindBucket, "oss-cn-gov-1.gov.example:443"},
	} {
		cloud, err := aliyun.Open(t.Context(), driver.Account{Region: c.region, Endpoint: c.root, AccessKey: "LTAI", Secret: driver.NewSecret("secret"), Proxy: "http://" + l.Addr().String()})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := list(t, cloud, c.kind); err == nil {
			t.Errorf("%s: no error from a proxy that hangs up", c.want)
		}
		mu.Lock()
		if !slices.Contains(heard, c.want) {
			t.Errorf("called %v, want %s", heard, c.want)
		}
		mu.Unlock()
	}
}

// gateway refuses what does not say for whom it is, as Apsara Stack's does.
func gateway(t *testing.T, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Acs-Action") == "" { // OSS has an address of its own
			next.ServeHTTP(w, r)
			return
		}
		for name, want := range map[string]string{"x-acs-organizationid": "7", "x-acs-resourcegroupid": "12", "x-acs-regionid": region, "RegionId": region, "x-acs-request-version": "v1"} {
			if r.Header.Get(name) != want {
				t.Errorf("%s: header %s is %q", r.Header.Get("X-Acs-Action"), name, r.Header.Get(name))
			}
		}
		product := r.Header.Get("x-acs-asapi-product")
		if product == "" || product != r.Header.Get("x-ascm-product-name") || product == "BssOpenApi" {
			t.Errorf("%s: product %q", r.Header.Get("X-Acs-Action"), product)
		}
		q := r.URL.Query()
		if q.Get("Department") != "7" || q.Get("OrganizationId") != "7" || q.Get("ResourceGroup") != "12" {
			t.Errorf("query %s", r.URL.RawQuery)
		}
		next.ServeHTTP(w, r)
	})
}

func TestTheContractHoldsOnApsaraStackWithPagesOfTwo(t *testing.T) {
	t.Parallel()
	s := simulate(t, aliyunfake.Options{MaxPage: 2})
	front := httptest.NewServer(gateway(t, s.Fake))
	t.Cleanup(front.Close)
	h := s.harness()
	h.Account.Endpoint, h.Account.Platform, h.Account.Organization, h.Account.ResourceGroup = front.URL, "apsara", "7", "12"
	h.Faults, h.Subscribed, h.Crowd = drivertest.Faults{}, nil, nil
	drivertest.Run(t, h)
	c, err := aliyun.Open(t.Context(), h.Account)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := driver.As[driver.BillReader](c); ok {
		t.Error("Apsara Stack has no bills")
	}
	r, _ := c.Kind(duoyun.KindServer)
	if _, err = r.Plan(driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindServer, Mark: "dy-1", Months: 1, After: drivertest.DefaultSamples().Server,
		Links: map[duoyun.Relation][]driver.Link{duoyun.RelNetwork: {{ID: "vpc-1"}}}}); aliyun.Code(err) != driver.Invalid {
		t.Errorf("a subscription on Apsara Stack: %v", err)
	}
}

func TestACheckNamesWhatTheVendorDoesNotKnow(t *testing.T) {
	t.Parallel()
	a := simulate(t, aliyunfake.Options{}).account()
	a.Mapping = driver.Mapping{Images: map[string]string{"kylin-v10": "m-nothing", "uos-20": "uos-20"}, Families: []string{"s2", "gone9"},
		Zones: map[string]string{"extranet_public": region + "-z", "extranet_private": region + "-a"}, Classes: map[string]string{"ssd": "cloud_gone", "standard": "standard"}}
	a.Endpoints["rds"] = "http://127.0.0.1:1"
	c, err := aliyun.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	checker, ok := driver.As[driver.Checker](c)
	if !ok {
		t.Fatal("no check")
	}
	var paths []string
	for _, f := range checker.Check(t.Context()) {
		paths = append(paths, f.Path+" "+f.Given)
	}
	slices.Sort(paths)
	want := "mapping.classes.ssd cloud_gone, mapping.families gone9, mapping.images.kylin-v10 m-nothing, mapping.zones.extranet_public " + region + "-z, permissions.rds unavailable"
	if got := strings.Join(paths, ", "); got != want {
		t.Errorf("found %s\nwant %s", got, want)
	}
}
