package huawei_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/drivertest"
	"github.com/duoyun/duoyun/providers/huawei"
	"github.com/duoyun/duoyun/providers/huawei/huaweifake"
)

func TestAnAccountThatCannotMakeACallIsNotOpened(t *testing.T) {
	t.Parallel()
	whole := driver.Account{Region: "cn-north-4", Project: huaweifake.Project, AccessKey: "AK", Secret: driver.NewSecret("secret")}
	for name, change := range map[string]func(*driver.Account){
		"no key":                  func(a *driver.Account) { a.AccessKey = "" },
		"no secret":               func(a *driver.Account) { a.Secret = driver.Secret{} },
		"no region":               func(a *driver.Account) { a.Region = "" },
		"a region that is a path": func(a *driver.Account) { a.Region = "cn.evil.example/" },
		"no project":              func(a *driver.Account) { a.Project = "" },
		"a project that is a way": func(a *driver.Account) { a.Project = "../" },
		"an unknown platform":     func(a *driver.Account) { a.Platform = "apsara" },
		"a domain is missing":     func(a *driver.Account) { a.Platform = "hcs" },
		"a CA that is none":       func(a *driver.Account) { a.CA = "x" },
	} {
		a := whole
		change(&a)
		if _, err := huawei.Open(t.Context(), a); huawei.Code(err) != driver.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := huawei.Open(t.Context(), whole); err != nil {
		t.Errorf("the whole account: %v", err)
	}
}

// A proxy hears which hosts are called.
func TestHostsAreTheServicesOfTheRegionAndARootDomainChangesThem(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var heard []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, r.Host)
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(proxy.Close)
	for _, c := range []struct {
		root string
		kind duoyun.Kind // "": the balance
		want string
	}{
		{"", duoyun.KindServer, "ecs.cn-north-4.myhuaweicloud.com:443"}, {"", duoyun.KindPublicIP, "vpc.cn-north-4.myhuaweicloud.com:443"},
		{"", duoyun.KindBucket, "obs.cn-north-4.myhuaweicloud.com:443"}, {"", "", "bss.myhuaweicloud.com:443"},
		{"gov.example", duoyun.KindDatabase, "rds.cn-north-4.gov.example:443"}, {"gov.example", "", "bss.gov.example:443"},
	} {
		cloud := opened(t, driver.Account{Endpoint: c.root, Proxy: proxy.URL})
		var err error
		if c.kind == "" {
			_, err = balance(t, cloud)
		} else {
			_, err = list(t, cloud, c.kind)
		}
		mu.Lock()
		if err == nil || !slices.Contains(heard, c.want) {
			t.Errorf("called %v, want %s (%v)", heard, c.want, err)
		}
		mu.Unlock()
	}
}

func TestTheContractHoldsOnHuaweiCloudStackWithoutABillingService(t *testing.T) {
	t.Parallel()
	s := simulate(t, huaweifake.Options{MaxPage: 3})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/v2/orders/") || strings.HasPrefix(r.URL.Path, "/v2/bills/") || strings.HasPrefix(r.URL.Path, "/v2/accounts/") {
			t.Errorf("the billing service is called: %s", r.URL.Path)
		}
		s.Fake.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	h := s.harness()
	h.Account.Endpoint, h.Account.Platform = front.URL, "hcs"
	h.Faults, h.Subscribed, h.Crowd = drivertest.Faults{}, nil, nil
	drivertest.Run(t, h)
	c, err := huawei.Open(t.Context(), h.Account)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := driver.As[driver.BillReader](c); ok {
		t.Error("there are bills without a billing service")
	}
	r, _ := c.Kind(duoyun.KindDisk)
	if _, err := r.Plan(driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindDisk, Months: 1, After: duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}}); c.Code(err) != driver.Invalid {
		t.Errorf("a subscription without a billing service: %v", err)
	}
	h.Account.Endpoints = map[string]string{"bss": front.URL}
	if c, err = huawei.Open(t.Context(), h.Account); err != nil {
		t.Fatal(err)
	}
	if _, ok := driver.As[driver.BillReader](c); !ok {
		t.Error("there are no bills with a billing service")
	}
}
