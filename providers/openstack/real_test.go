//go:build openstack

package openstack_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/drivertest"
	"github.com/duoyun/duoyun/providers/openstack"
)

// accountVariable names files, apart by colons, that each hold an account of a real OpenStack: a driver.Account in JSON,
// with its secret. The first is what the suite buys with; the others are checked by reading alone.
const accountVariable = "DUOYUN_TEST_OPENSTACK"

// realAccounts reads the accounts; missing ones are a failure, never a skipped test.
func realAccounts(t *testing.T) []driver.Account {
	t.Helper()
	var all []driver.Account
	for _, path := range filepath.SplitList(os.Getenv(accountVariable)) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			driver.Account
			Secret string `json:"secret"`
		}
		if err := json.Unmarshal(raw, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		file.Account.Secret = driver.NewSecret(file.Secret)
		file.Account.Timeout = time.Minute
		all = append(all, file.Account)
	}
	if len(all) == 0 {
		t.Fatalf("%s is not set: it names the account file of a running OpenStack. `make test-openstack` starts one and sets it.", accountVariable)
	}
	return all
}

// TestRealOpenStackKeepsTheContract buys one of everything on a real OpenStack and takes it away again.
func TestRealOpenStackKeepsTheContract(t *testing.T) {
	drivertest.Run(t, drivertest.Harness{Open: openstack.Open, Account: realAccounts(t)[0], NaturalKeys: []duoyun.Kind{duoyun.KindBucket},
		Kinds: []duoyun.Kind{duoyun.KindServer, duoyun.KindDisk, duoyun.KindNetwork, duoyun.KindAddress, duoyun.KindLoadBalancer,
			duoyun.KindPublicIP, duoyun.KindBucket},
		Looks: 300, Wait: func(ctx context.Context) {
			select {
			case <-time.After(400 * time.Millisecond): // a real cloud has no clock to advance
			case <-ctx.Done():
			}
		}})
}

func TestEveryRealAccountPassesItsCheck(t *testing.T) {
	for _, a := range realAccounts(t) {
		c, err := openstack.Open(t.Context(), a)
		if err != nil {
			t.Errorf("%s: %v", a.User+a.AppCredID, err)
			continue
		}
		checker, _ := driver.As[driver.Checker](c)
		for _, f := range checker.Check(t.Context()) {
			t.Errorf("%s: %v", a.User+a.AppCredID, f)
		}
	}
}
