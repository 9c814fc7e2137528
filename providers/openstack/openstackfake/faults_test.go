package openstackfake_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
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

// full is a cloud with 100,000 servers in one account, each with its own mark.
func full(b *testing.B) *bundle {
	const n = 100_000
	x := setup(b, simcloud.Options{Quota: map[simcloud.Item]int64{
		simcloud.ItemServers: -1, simcloud.ItemVCPU: -1, simcloud.ItemRAMMiB: -1,
	}}, openstackfake.Options{})
	flavor, image := x.flavor(b, 2, 4), x.image(b)
	for i := range n {
		_, err := x.sim.CreateServer(simcloud.ServerInput{
			Object:   simcloud.Object{Owner: x.owner, Name: "s", Tags: []string{"mark-" + strconv.Itoa(i)}},
			FlavorID: flavor, ImageID: image,
		})
		ok(b, err)
	}
	return x
}

// BenchmarkListServers reads pages of 1,000 out of 100,000, each with all that Nova shows of a server.
func BenchmarkListServers(b *testing.B) {
	x := full(b)
	const first = "/compute/v2.1/servers/detail?limit=1000"
	link := first
	for b.Loop() {
		if link = nextPage(b, x, link); link == "" {
			link = first
		}
	}
}

// BenchmarkFindServer looks one out of 100,000 up by its mark, as a driver in doubt does.
func BenchmarkFindServer(b *testing.B) {
	x := full(b)
	i := 0
	for b.Loop() {
		nextPage(b, x, "/compute/v2.1/servers/detail?limit=1000&tags=mark-"+strconv.Itoa(i%100_000))
		i++
	}
}

// nextPage reads one page straight from the handler and returns the link to the next, or "". It does not decode the page,
// so that the figure is the fake's own.
func nextPage(b *testing.B, x *bundle, link string) string {
	r := httptest.NewRequest(http.MethodGet, link, nil)
	r.Header.Set("X-Auth-Token", x.provider.Token())
	r.Header.Set("OpenStack-API-Version", "compute 2.93")
	w := httptest.NewRecorder()
	x.fake.ServeHTTP(w, r)
	_, after, found := bytes.Cut(w.Body.Bytes(), []byte(`"servers_links":[`))
	if w.Code != http.StatusOK {
		b.Fatalf("%d %s", w.Code, w.Body)
	}
	if !found {
		return ""
	}
	var next struct{ Href string }
	ok(b, json.Unmarshal(bytes.TrimSuffix(after, []byte("]}")), &next))
	return next.Href
}
