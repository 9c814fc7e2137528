package providers_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
)

// talker is a cloud that tells what it can of its account.
type talker struct {
	*stub
	account driver.Account
	broken  error
}

func (c talker) Check(context.Context) []duoyun.Fault {
	var f duoyun.Faults
	for _, image := range []string{"kylin-v10", "uos-20"} {
		if id := c.account.Mapping.Images[image]; id == image {
			f.Add("mapping.images."+image, id+" hunter2", "云上没有此镜像", "the cloud has no such image")
		}
	}
	return f
}
func (c talker) Quota(context.Context) (map[duoyun.Dimension]driver.Allowance, error) {
	return map[duoyun.Dimension]driver.Allowance{duoyun.QuotaVCPU: {Limit: 100, Used: 7}}, c.broken
}
func (c talker) Flavors(context.Context) ([]driver.Flavor, error) {
	return make([]driver.Flavor, 3), c.broken
}
func (c talker) Balance(context.Context) (duoyun.Balance, error) {
	return duoyun.Balance{Currency: "CNY"}, c.broken
}

// sold is one pool that sells disks too, and two images of which one is mapped.
type sold struct{}

func (sold) PoolAccount(context.Context, string) (duoyun.Pool, string, error) {
	return duoyun.Pool{ID: "p", Driver: "talker", Kinds: []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk},
		Xinchuang: duoyun.Xinchuang{OS: []string{"kylin-v10", "uos-20"}},
		Account:   []byte(`{"mapping":{"images":{"kylin-v10":"img-1"}}}`)}, "hunter2", nil
}

func TestAPoolIsCheckedWithTheKeyItHasNowAndEveryFaultIsNamed(t *testing.T) {
	t.Parallel()
	c, opened, refused := talker{stub: &stub{code: driver.Auth}}, 0, error(nil)
	d := providers.NewDirectory(sold{}, map[string]driver.Opener{"talker": func(_ context.Context, a driver.Account) (driver.Cloud, error) {
		opened++
		c.account = a
		return c, refused
	}}, providers.Options{}, nil)
	check := func(want ...string) duoyun.PoolCheck {
		t.Helper()
		got, err := d.Check(context.Background(), "p")
		if err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, f := range got.Faults {
			paths = append(paths, f.Path)
		}
		if fmt.Sprint(paths) != fmt.Sprint(want) || strings.Contains(fmt.Sprint(got.Faults), "hunter2") {
			t.Errorf("faults %v, want %v", got.Faults, want)
		}
		return got
	}
	got := check("kinds", "mapping.images.uos-20")
	if got.Flavors != 3 || got.Quota[duoyun.QuotaVCPU].Used != 7 || got.Balance == nil || fmt.Sprint(got.Kinds) != "[server]" {
		t.Errorf("told %+v", got)
	}
	c.broken = errors.New("hunter2 may not read this")
	if got = check("kinds", "mapping.images.uos-20", "quota", "flavors", "balance"); got.Balance != nil {
		t.Errorf("a balance that could not be read: %+v", got.Balance)
	}
	refused = errors.New("hunter2 is wrong")
	check("account")
	if opened != 3 {
		t.Errorf("opened %d times: each check tries the key there is now", opened)
	}
}
