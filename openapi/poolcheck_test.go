package openapi_test

import (
	"testing"

	"github.com/duoyun/duoyun/openapi"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

func TestAPoolsCheckTellsFaultsAndWhatMayBeBoughtInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := newAPI(t, s, openapi.Options{})
		const want = `{"allowances":[{"dimension":"servers","limit":-1,"used":0},{"dimension":"vcpu","limit":100,"used":7}],"balance":"12.345","currency":"CNY",` +
			`"faults":[{"given":"uos-20","path":"mapping.images.uos-20","rule":"云上没有此镜像"}],"flavors":12,"kinds":["server"],"ok":false,`
		got := a.do(t, request{method: "POST", path: "/v1/pools/telecom-1/check", login: "sysadmin"}).ok(t)
		if body := string(got.body); len(body) < len(want) || body[:len(want)] != want {
			t.Errorf("got  %s\nwant %s", got.body, want)
		}
	})
}
