//go:build chaos

package main

import (
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

const (
	chaosTimeout  = 2 * time.Second // of the pools' accounts
	chaosSettling = time.Second     // the vendors' true lag stays below it
	chaosLag      = chaosSettling * 3 / 4
)

// chaosOdds are the chances of each trouble at a call that it can strike. A server takes a dozen calls, so that every
// second meets one.
func chaosOdds() map[simcloud.Trouble]float64 {
	return map[simcloud.Trouble]float64{
		simcloud.LostRequest: .006, simcloud.LostReply: .008, simcloud.LateAct: .003, simcloud.LateReply: .003,
		simcloud.Throttling: .004, simcloud.Expiring: .002, simcloud.Failing: .003, simcloud.FailingLate: .004,
		simcloud.Unavailable: .003, simcloud.UnavailLate: .003, simcloud.CutOff: .005, simcloud.StaleList: .2,
		simcloud.Duplicated: .001, simcloud.DuplicateGap: .001, simcloud.Mistyped: .001, simcloud.Emptied: .001,
		simcloud.Nameless: .001, simcloud.Misnamed: .0005,
	}
}

// stormy is a cloud in the test process that outlives every kill, behind the fault layer.
type stormy struct {
	*simulated
	mu    sync.Mutex
	fates map[string]int // dealt by kind of fate
}

// startStorm opens the cloud of each pool, without limits, with things that take a moment.
func startStorm(t *testing.T, pools []scenePool) []*stormy {
	t.Helper()
	unlimited := map[simcloud.Item]int64{}
	for item := range simcloud.DefaultQuota() {
		unlimited[item] = -1
	}
	const moment = 100 * time.Millisecond
	var all []*stormy
	for _, p := range pools {
		if p.Cloud == "" {
			continue
		}
		c, err := newCloud(p.Cloud, p.driver(), simcloud.Options{Quota: unlimited, Latency: simcloud.Latency{Create: moment, Change: moment, Delete: moment}})
		check(t, err)
		check(t, c.listen("127.0.0.1:0"))
		t.Cleanup(func() { _ = c.server.Close() })
		all = append(all, &stormy{simulated: c, fates: map[string]int{}})
	}
	return all
}

func stormAccounts(all []*stormy) map[string]account {
	m := map[string]account{}
	for _, s := range all {
		a := s.account()
		a.body["settling"], a.body["timeout"] = int64(chaosSettling), int64(chaosTimeout)
		m[s.name] = a
	}
	return m
}

// rage begins the faults of one cloud.
func (s *stormy) rage(seed uint64) {
	s.faults.Play(simcloud.Plan{Seed: seed, Odds: chaosOdds(), Timeout: chaosTimeout, Lag: chaosLag})
	dice := rand.New(rand.NewPCG(seed, 1))
	s.cloud.SetFates(func(k simcloud.Kind) simcloud.Fate { return s.fate(k, dice) })
}

// fate makes one of 250 things late, one in error and one vanish.
func (s *stormy) fate(k simcloud.Kind, dice *rand.Rand) simcloud.Fate {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch dice.IntN(250) {
	case 0:
		s.fates["comes late"]++
		return simcloud.Fate{Late: 3 * time.Second}
	case 1:
		s.fates["ends in error"]++
		return simcloud.Fate{Fault: "No valid host was found."}
	case 2:
		s.fates["is accepted and never comes"]++
		return simcloud.Fate{Never: true}
	}
	return simcloud.Fate{}
}

// sellOut lets a few more servers or volumes be had and then none, until calm or restock.
func (s *stormy) sellOut(dice *rand.Rand) {
	s.mu.Lock()
	s.fates["sold out in the middle of a batch"]++
	s.mu.Unlock()
	s.cloud.SellOut([]simcloud.Kind{simcloud.KindServer, simcloud.KindVolume}[dice.IntN(2)], dice.IntN(5))
}

func (s *stormy) restock() {
	s.cloud.Restock(simcloud.KindServer)
	s.cloud.Restock(simcloud.KindVolume)
}

func (s *stormy) calm() {
	s.faults.Clear()
	s.cloud.SetFates(nil)
	s.restock()
}

// injected counts what all the clouds have played.
func injected(all []*stormy) map[string]int {
	sum := map[string]int{}
	for _, s := range all {
		for trouble, n := range s.faults.Dealt() {
			sum[string(trouble)] += n
		}
		s.mu.Lock()
		for fate, n := range s.fates {
			sum[fate] += n
		}
		s.mu.Unlock()
	}
	return sum
}

// vendorThings are the objects of all clouds that bear a mark of ours: the ids of units' main parts by mark, and of their
// other parts by what their description says.
type vendorThings struct{ units, parts map[string][]string }

func vendorInventory(all []*stormy) vendorThings {
	v := vendorThings{units: map[string][]string{}, parts: map[string][]string{}}
	for _, s := range all {
		i := s.cloud.Inventory()
		if s.driver == "aws" { // whose servers that cannot start are terminated: nothing is there, though the simulation keeps it
			i.Servers = slices.DeleteFunc(i.Servers, func(x *simcloud.Server) bool { return x.State == simcloud.Failed })
		}
		add(v, i.Servers)
		add(v, i.Volumes)
		add(v, i.Networks)
		add(v, i.Subnets)
		add(v, i.Ports)
		add(v, i.Routers)
		add(v, i.Groups)
		add(v, i.Floating)
		add(v, i.Balancers)
		add(v, i.Listeners)
		add(v, i.Pools)
		for _, b := range i.Buckets { // whose name is its id, for Swift
			v.units[b.Name] = append(v.units[b.Name], b.Name)
		}
	}
	return v
}

func add[T interface{ Self() *simcloud.Object }](v vendorThings, things []T) {
	for _, x := range things {
		o := x.Self()
		if d := o.Description; len(d) > 36 && duoyun.IsMark(d[:35]) {
			v.parts[d] = append(v.parts[d], plain(o.ID))
		} else if m := markOf(o); m != "" {
			v.units[m] = append(v.units[m], plain(o.ID))
		}
	}
}

// plain is an id without what its vendor writes around it, such as vpc-.
func plain(id string) string {
	if digits := strings.ReplaceAll(id, "-", ""); len(digits) >= 32 && !duoyun.IsMark(id) {
		return digits[len(digits)-32:]
	}
	return id
}

func markOf(o *simcloud.Object) string {
	for _, s := range append(append([]string{o.Name, o.Description}, o.Tags...), slices.Collect(maps.Values(o.Meta))...) {
		if m := markIn(s); m != "" {
			return m
		}
	}
	return ""
}

// markIn reads a mark as vendors with short names are given it too: CT Cloud in base 32, AWS load balancers its digits.
func markIn(s string) string {
	if raw, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.TrimPrefix(s, "dy-"))); err == nil && len(raw) == 16 && len(s) == 29 {
		s = "dy-" + hex.EncodeToString(raw)
	}
	if duoyun.IsMark("dy-" + s) {
		return "dy-" + s
	}
	if duoyun.IsMark(s) {
		return s
	}
	return ""
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func printed(counts map[string]int) (lines []string) {
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		lines = append(lines, fmt.Sprintf("  %8d  %s", counts[k], k))
	}
	return lines
}
