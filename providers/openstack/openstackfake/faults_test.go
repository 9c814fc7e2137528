package openstackfake_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/duoyun/duoyun/providers/openstack/openstackfake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

func TestFaultsStrikeOnEitherSideOfTheAct(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		rule  simcloud.Rule
		code  int
		made  int // servers after one call
		lost  bool
		after int // servers after a second call
	}{
		{"dropped before", simcloud.Rule{Drop: true, Times: 1}, 0, 0, true, 1},
		{"reply dropped", simcloud.Rule{Drop: true, When: simcloud.After, Times: 1}, 0, 1, true, 2},
		{"503 before", simcloud.Rule{Status: 503, Times: 1}, 503, 0, true, 1},
		{"500 after", simcloud.Rule{Status: 500, When: simcloud.After, Times: 1}, 500, 1, true, 2},
		{"429 after the first", simcloud.Rule{Status: 429, Skip: 1, Retry: 7}, 0, 1, false, 1},
		{"delayed", simcloud.Rule{Delay: time.Millisecond}, 0, 1, false, 2},
		{"counted only", simcloud.Rule{}, 0, 1, false, 2},
		{"another body", simcloud.Rule{Body: "os-stop", Drop: true}, 0, 1, false, 2},
	}
	for _, k := range cases {
		b := setup(t, simcloud.Options{}, openstackfake.Options{})
		c := b.compute(t)
		k.rule.Method, k.rule.Path = http.MethodPost, "/compute/v2.1/**"
		fault := b.fake.Faults.Add(k.rule)
		_, err := b.create(t, c, nil)
		same(t, k.name+": code", code(err), k.code)
		same(t, k.name+": lost", err != nil, k.lost)
		same(t, k.name+": servers", b.sim.Servers(), k.made)
		_, err = b.create(t, c, nil)
		if k.name == "429 after the first" {
			var e gophercloud.ErrUnexpectedResponseCode
			if !errors.As(err, &e) || e.ResponseHeader.Get("Retry-After") != "7" {
				t.Errorf("%s: %v", k.name, err)
			}
		} else {
			ok(t, err)
		}
		same(t, k.name+": servers later", b.sim.Servers(), k.after)
		if k.rule.Body == "" {
			same(t, k.name+": seen", fault.Seen(), 2)
		}
	}
}

func TestAListThatLagsBehind(t *testing.T) {
	t.Parallel()
	b := setup(t, simcloud.Options{}, openstackfake.Options{})
	b.sim.SetListLag(simcloud.KindServer, time.Minute)
	c := b.compute(t)
	s, err := b.create(t, c, func(o *servers.CreateOpts) { o.Tags = []string{"m"} })
	ok(t, err)
	count := func() int {
		p, err := servers.List(c, servers.ListOpts{Tags: "m"}).AllPages(bg)
		ok(t, err)
		l, err := servers.ExtractServers(p)
		ok(t, err)
		return len(l)
	}
	same(t, "at once", count(), 0)
	same(t, "by id", b.status(t, c, s.ID), "ACTIVE")
	b.clock.pass(time.Minute)
	same(t, "a minute later", count(), 1)
}

func BenchmarkListServers(b *testing.B) {
	const n = 100_000
	x := setup(b, simcloud.Options{Quota: map[simcloud.Item]int64{
		simcloud.ItemServers: -1, simcloud.ItemVCPU: -1, simcloud.ItemRAMMiB: -1,
	}}, openstackfake.Options{})
	flavor, image := x.flavor(b, 2, 4), x.image(b)
	for range n {
		_, err := x.sim.CreateServer(simcloud.ServerInput{Object: simcloud.Object{Owner: x.owner, Name: "s", Tags: []string{"mark"}}, FlavorID: flavor, ImageID: image})
		ok(b, err)
	}
	token := x.provider.Token()
	link := "/compute/v2.1/servers/detail?limit=1000"
	b.ResetTimer()
	for b.Loop() {
		link = nextPage(b, x, token, link)
		if link == "" {
			link = "/compute/v2.1/servers/detail?limit=1000"
		}
	}
}

// nextPage reads one page straight from the handler and returns the link to the next; the SDK's own work is left out.
func nextPage(b *testing.B, x *bundle, token, link string) string {
	r := httptest.NewRequest(http.MethodGet, link, nil)
	r.Header.Set("X-Auth-Token", token)
	r.Header.Set("OpenStack-API-Version", "compute 2.93")
	w := httptest.NewRecorder()
	x.fake.ServeHTTP(w, r)
	var page struct {
		Servers []json.RawMessage       `json:"servers"`
		Links   []struct{ Href string } `json:"servers_links"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
		b.Fatalf("%d %v", w.Code, err)
	}
	if len(page.Links) == 0 {
		return ""
	}
	return page.Links[0].Href
}
