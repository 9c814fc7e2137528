package aws_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aws"
	"github.com/duoyun/duoyun/providers/driver"
)

func TestAnAccountThatCannotServeIsRefused(t *testing.T) {
	t.Parallel()
	good := driver.Account{Region: region, AccessKey: "AKIA", Secret: driver.NewSecret("secret")}
	if _, err := aws.Open(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*driver.Account){
		"no key":                func(a *driver.Account) { a.AccessKey = "" },
		"no secret":             func(a *driver.Account) { a.Secret = driver.Secret{} },
		"no region":             func(a *driver.Account) { a.Region = "" },
		"a region that is none": func(a *driver.Account) { a.Region = "evil.example/" },
		"a private platform":    func(a *driver.Account) { a.Platform = "outposts" },
		"a CA that is none":     func(a *driver.Account) { a.CA = "no PEM" },
		"a proxy that is none":  func(a *driver.Account) { a.Proxy = "://" },
	} {
		a := good
		spoil(&a)
		_, err := aws.Open(t.Context(), a)
		var coded driver.Coded
		if !errors.As(err, &coded) || coded.DriverCode() != driver.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// hosts opens an account behind a proxy and tells which hosts its reads ask for.
func hosts(t *testing.T, a driver.Account) []string {
	t.Helper()
	var mu sync.Mutex
	var asked []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Host)
		w.WriteHeader(http.StatusBadGateway)
	}))
	defer proxy.Close()
	a.Proxy, a.AccessKey, a.Secret = proxy.URL, "AKIA", driver.NewSecret("secret")
	c, err := aws.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []duoyun.Kind{duoyun.KindNetwork, duoyun.KindLoadBalancer, duoyun.KindBucket} {
		if _, err := list(t, c, k); err == nil {
			t.Errorf("%s: a proxy that refuses gave a listing", k)
		}
	}
	bucket, _ := c.Kind(duoyun.KindBucket)
	_, _ = bucket.Observe(t.Context(), "dy-1") // the host alone matters
	bills, _ := driver.As[driver.BillReader](c)
	_, _, _ = bills.Bill(t.Context(), duoyun.Month{Year: 2026, Month: 12}, "") // as above
	return asked
}

func TestEachPartitionHasHostsOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		account driver.Account
		want    []string
	}{
		"China": {driver.Account{Region: "cn-north-1"}, []string{"ec2.cn-north-1.amazonaws.com.cn:443", "elasticloadbalancing.cn-north-1.amazonaws.com.cn:443",
			"s3.cn-north-1.amazonaws.com.cn:443", "dy-1.s3.cn-north-1.amazonaws.com.cn:443", "ce.cn-northwest-1.amazonaws.com.cn:443"}},
		"the rest": {driver.Account{Region: "ap-southeast-1"}, []string{"ec2.ap-southeast-1.amazonaws.com:443", "elasticloadbalancing.ap-southeast-1.amazonaws.com:443",
			"s3.ap-southeast-1.amazonaws.com:443", "dy-1.s3.ap-southeast-1.amazonaws.com:443", "ce.us-east-1.amazonaws.com:443"}},
		"an endpoint for one": {driver.Account{Region: "cn-north-1", Endpoints: map[string]string{"s3": "https://objects.example/"}},
			[]string{"ec2.cn-north-1.amazonaws.com.cn:443", "elasticloadbalancing.cn-north-1.amazonaws.com.cn:443", "objects.example:443", "objects.example:443",
				"ce.cn-northwest-1.amazonaws.com.cn:443"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := hosts(t, c.account); !slices.Equal(got, c.want) {
				t.Errorf("asked %v, want %v", got, c.want)
			}
		})
	}
}

// plan asks a kind for the steps of a change.
func plan(t *testing.T, c driver.Change) error {
	t.Helper()
	a := driver.Account{Region: region, AccessKey: "AKIA", Secret: driver.NewSecret("secret"), Mapping: driver.Mapping{Classes: map[string]string{"ssd": "gp3"}}}
	cloud, err := aws.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	r, _ := cloud.Kind(c.Kind)
	_, err = r.Plan(c)
	if err != nil && cloud.Code(err) != driver.Invalid {
		t.Errorf("code %q: %v", cloud.Code(err), err)
	}
	return err
}

func TestWhatTheVendorDoesNotSellIsRefusedInPlanning(t *testing.T) {
	t.Parallel()
	const mark = "dy-0123456789abcdef0123456789abcdef"
	net := map[duoyun.Relation][]driver.Link{duoyun.RelNetwork: {{Kind: duoyun.KindNetwork, ID: "vpc-1"}}}
	for name, c := range map[string]struct {
		good, bad driver.Change
	}{
		"terms":                              {driver.Change{After: duoyun.DiskSpec{SizeGiB: 1, Class: "ssd"}}, driver.Change{After: duoyun.DiskSpec{SizeGiB: 1, Class: "ssd"}, Months: 1}},
		"classes that are not mapped":        {driver.Change{After: duoyun.DiskSpec{SizeGiB: 1, Class: "ssd"}}, driver.Change{After: duoyun.DiskSpec{SizeGiB: 1, Class: "gold"}}},
		"networks too small for two subnets": {driver.Change{After: duoyun.NetworkSpec{CIDR: "10.0.0.0/27"}}, driver.Change{After: duoyun.NetworkSpec{CIDR: "10.0.0.0/28"}}},
		"networks of odd ranges":             {driver.Change{After: duoyun.NetworkSpec{CIDR: "10.0.0.0/16"}}, driver.Change{After: duoyun.NetworkSpec{CIDR: "10.0.0.1/24"}}},
		"buckets of a class":                 {driver.Change{After: duoyun.BucketSpec{SizeGiB: 1, Class: "standard"}}, driver.Change{After: duoyun.BucketSpec{SizeGiB: 1, Class: "cold"}}},
		"addresses of balancers": {driver.Change{After: duoyun.PublicIPSpec{BandwidthMbps: 1}, Links: map[duoyun.Relation][]driver.Link{duoyun.RelAttach: {{Kind: duoyun.KindServer, ID: "i-1"}}}},
			driver.Change{After: duoyun.PublicIPSpec{BandwidthMbps: 1}, Links: map[duoyun.Relation][]driver.Link{duoyun.RelAttach: {{Kind: duoyun.KindLoadBalancer, ID: "b"}}}}},
		"other engines":               {driver.Change{After: duoyun.DatabaseSpec{Engine: duoyun.EnginePostgreSQL}, Links: net}, driver.Change{After: duoyun.DatabaseSpec{Engine: "oracle"}, Links: net}},
		"caches beyond the largest":   {driver.Change{After: duoyun.CacheSpec{MemoryGiB: 400}, Links: net}, driver.Change{After: duoyun.CacheSpec{MemoryGiB: 1000}, Links: net}},
		"balancers without a network": {driver.Change{After: duoyun.LoadBalancerSpec{Port: 1}, Links: net}, driver.Change{After: duoyun.LoadBalancerSpec{Port: 1}}},
	} {
		for _, change := range []*driver.Change{&c.good, &c.bad} {
			change.Op, change.Kind, change.Mark = duoyun.OpCreate, change.After.Kind(), mark
		}
		if err := plan(t, c.good); err != nil {
			t.Errorf("%s: what is sold is refused: %v", name, err)
		}
		if err := plan(t, c.bad); err == nil {
			t.Errorf("%s are planned", name)
		}
	}
}
