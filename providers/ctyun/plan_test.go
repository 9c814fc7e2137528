package ctyun_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/ctyun"
	"github.com/duoyun/duoyun/providers/ctyun/ctyunfake"
	"github.com/duoyun/duoyun/providers/driver"
)

func open(t *testing.T, s *simulated) driver.Cloud {
	t.Helper()
	c, err := ctyun.Open(t.Context(), s.account())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func names(steps []driver.Step) string {
	var all []string
	for _, s := range steps {
		all = append(all, s.Name)
	}
	return strings.Join(all, " ")
}

func TestPlansNameTheStepsOfEachChange(t *testing.T) {
	t.Parallel()
	c := open(t, simulate(t, ctyunfake.Options{}))
	on := map[duoyun.Relation][]driver.Link{duoyun.RelNetwork: {{ID: "vpc-1"}}, duoyun.RelMember: {{ID: "b"}, {ID: "a"}, {ID: "b"}}}
	small := duoyun.ServerSpec{VCPU: 1, RAMGiB: 2, SystemDiskGiB: 40, Image: "kylin-v10", Ports: []int{443, 22, 443}}
	large, off := small, small
	large.VCPU, off.Stopped = 2, true
	largeOff := large
	largeOff.Stopped = true
	for name, x := range map[string]struct {
		change driver.Change
		want   string // "!": it is refused
	}{
		"ports are opened once":             {driver.Change{Op: duoyun.OpCreate, After: small, Links: on}, "security_group rule:22 rule:443 server"},
		"ordered off":                       {driver.Change{Op: duoyun.OpCreate, After: off, Links: on}, "security_group rule:22 rule:443 server stop"},
		"a server is resized off":           {driver.Change{Op: duoyun.OpUpdate, Before: small, After: large}, "stop resize start"},
		"resized and left off":              {driver.Change{Op: duoyun.OpUpdate, Before: small, After: largeOff}, "stop resize"},
		"off already":                       {driver.Change{Op: duoyun.OpUpdate, Before: off, After: largeOff}, "resize"},
		"started at another size":           {driver.Change{Op: duoyun.OpUpdate, Before: off, After: large}, "resize start"},
		"thirteen months are not sold":      {driver.Change{Op: duoyun.OpCreate, After: small, Links: on, Months: 13}, "!"},
		"two years are":                     {driver.Change{Op: duoyun.OpRenew, Before: small, After: small, Months: 24}, "renew"},
		"a renewal for no time":             {driver.Change{Op: duoyun.OpRenew, Before: small, After: small}, "!"},
		"a disk below 10 GiB":               {driver.Change{Op: duoyun.OpCreate, After: duoyun.DiskSpec{SizeGiB: 9, Class: "ssd"}}, "!"},
		"a class that is not mapped":        {driver.Change{Op: duoyun.OpCreate, After: duoyun.DiskSpec{SizeGiB: 10, Class: "archive"}}, "!"},
		"members each once":                 {driver.Change{Op: duoyun.OpCreate, After: duoyun.LoadBalancerSpec{Port: 443}, Links: on}, "load_balancer health_check target_group member:a member:b listener"},
		"other members":                     {driver.Change{Op: duoyun.OpUpdate, Before: duoyun.LoadBalancerSpec{Port: 443}, After: duoyun.LoadBalancerSpec{Port: 443}, Links: on}, "target_group member:a member:b listener prune"},
		"another listener":                  {driver.Change{Op: duoyun.OpUpdate, Before: duoyun.LoadBalancerSpec{Port: 443}, After: duoyun.LoadBalancerSpec{Port: 80}, Links: on}, "!"},
		"a balancer for a year":             {driver.Change{Op: duoyun.OpCreate, After: duoyun.LoadBalancerSpec{Port: 443}, Links: on, Months: 12}, "!"},
		"a database for a year":             {driver.Change{Op: duoyun.OpCreate, After: duoyun.DatabaseSpec{Engine: "mysql"}, Links: on, Months: 12}, "!"},
		"PostgreSQL listens elsewhere":      {driver.Change{Op: duoyun.OpCreate, After: duoyun.DatabaseSpec{Engine: "postgresql"}, Links: on}, "security_group rule:5432 database"},
		"Redis is not sold for seven":       {driver.Change{Op: duoyun.OpCreate, After: duoyun.CacheSpec{Version: "6.0", MemoryGiB: 1}, Links: on, Months: 7}, "!"},
		"another bandwidth":                 {driver.Change{Op: duoyun.OpUpdate, Before: duoyun.PublicIPSpec{BandwidthMbps: 1}, After: duoyun.PublicIPSpec{BandwidthMbps: 2}}, "bandwidth"},
		"nothing hangs without its network": {driver.Change{Op: duoyun.OpCreate, After: small}, "!"},
	} {
		x.change.Kind, x.change.Mark = x.change.After.Kind(), mark
		r, _ := c.Kind(x.change.Kind)
		steps, err := r.Plan(x.change)
		if x.want == "!" && c.Code(err) != driver.Invalid || x.want != "!" && (err != nil || names(steps) != x.want) {
			t.Errorf("%s: %s, %v; want %s", name, names(steps), err, x.want)
		}
	}
}

// walk takes a change through its steps as the purchase protocol does, keeping what orders and looks tell.
func walk(t *testing.T, s *simulated, c driver.Cloud, ch driver.Change, generation int) driver.Change {
	t.Helper()
	r, _ := c.Kind(ch.Kind)
	steps, err := r.Plan(ch)
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range steps {
		call := driver.Call{Change: ch, Step: step.Name, Token: duoyun.StepToken(ch.Mark, generation, i)}
		reply, err := r.Run(t.Context(), call)
		if err != nil {
			t.Fatalf("%s: %v", step.Name, err)
		}
		call.OrderID = reply.OrderID
		e := driver.Evidence{State: driver.Pending}
		for n := 0; e.State != driver.Done && n < 50; n++ {
			if e, err = r.Look(t.Context(), call); err != nil || e.State == driver.Broken || e.State == driver.Conflict {
				t.Fatalf("%s: %+v, %v", step.Name, e, err)
			}
			s.pass(time.Second)
		}
		if e.State != driver.Done {
			t.Fatalf("%s is never done: %+v", step.Name, e)
		}
		if step.Main && ch.Op == duoyun.OpCreate {
			ch.ID = e.ID
		}
	}
	return ch
}

// bought makes the parents of a test and what it is about.
func bought(t *testing.T, s *simulated, c driver.Cloud, spec duoyun.Spec, links map[duoyun.Relation][]driver.Link) driver.Change {
	t.Helper()
	ch := driver.Change{Op: duoyun.OpCreate, Kind: spec.Kind(), Mark: duoyun.Mark(duoyun.NewID(time.Now())), Name: "测试", Zone: duoyun.ZoneExtranetPublic,
		After: spec, Links: links, Secret: driver.NewSecret("7Tkz3hcN9sQ2vRpd5JxE")}
	return walk(t, s, c, ch, 0)
}

func update(ch driver.Change, after duoyun.Spec) driver.Change {
	ch.Op, ch.Before, ch.After = duoyun.OpUpdate, ch.After, after
	return ch
}

func observed(t *testing.T, c driver.Cloud, ch driver.Change) driver.Observation {
	t.Helper()
	r, _ := c.Kind(ch.Kind)
	o, err := r.Observe(t.Context(), ch.ID)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestABalancersMembersAreReplacedByAnotherGroupAndTheOldOneGoes(t *testing.T) {
	t.Parallel()
	s := simulate(t, ctyunfake.Options{})
	c := open(t, s)
	net := bought(t, s, c, duoyun.NetworkSpec{CIDR: "10.9.0.0/24"}, nil)
	on := func(members ...string) map[duoyun.Relation][]driver.Link {
		links := map[duoyun.Relation][]driver.Link{duoyun.RelNetwork: {{Kind: duoyun.KindNetwork, ID: net.ID}}}
		for _, m := range members {
			links[duoyun.RelMember] = append(links[duoyun.RelMember], driver.Link{Kind: duoyun.KindServer, ID: m})
		}
		return links
	}
	server := duoyun.ServerSpec{VCPU: 1, RAMGiB: 2, SystemDiskGiB: 40, Image: "kylin-v10"}
	one, two := bought(t, s, c, server, on()), bought(t, s, c, server, on())
	lb := bought(t, s, c, duoyun.LoadBalancerSpec{Port: 443}, on(one.ID))
	for i, members := range [][]string{{one.ID, two.ID}, {two.ID}, {}} {
		ch := update(lb, duoyun.LoadBalancerSpec{Port: 443, MemberPort: 8443 + i})
		ch.Links = on(members...)
		walk(t, s, c, ch, i+1)
		seen := observed(t, c, lb).Links[duoyun.RelMember]
		slices.Sort(seen)
		slices.Sort(members)
		if !slices.Equal(seen, members) {
			t.Errorf("behind it are %v, want %v", seen, members)
		}
	}
	gone := lb
	gone.Op, gone.Before, gone.After = duoyun.OpDelete, lb.After, nil
	walk(t, s, c, gone, 9)
}

func TestAnAddressIsWidenedAndMovesFromAServerToABalancer(t *testing.T) {
	t.Parallel()
	s := simulate(t, ctyunfake.Options{})
	c := open(t, s)
	net := bought(t, s, c, duoyun.NetworkSpec{CIDR: "10.9.0.0/24"}, nil)
	on := map[duoyun.Relation][]driver.Link{duoyun.RelNetwork: {{Kind: duoyun.KindNetwork, ID: net.ID}}}
	lb := bought(t, s, c, duoyun.LoadBalancerSpec{Port: 443}, on)
	ip := bought(t, s, c, duoyun.PublicIPSpec{BandwidthMbps: 5}, map[duoyun.Relation][]driver.Link{duoyun.RelAttach: {{Kind: duoyun.KindLoadBalancer, ID: lb.ID}}})
	walk(t, s, c, update(ip, duoyun.PublicIPSpec{BandwidthMbps: 9}), 1)
	o := observed(t, c, ip)
	if o.Spec != (duoyun.PublicIPSpec{BandwidthMbps: 9}) || !slices.Equal(o.Links[duoyun.RelAttach], []string{lb.ID}) {
		t.Errorf("%+v", o)
	}
	gone := ip
	gone.Op, gone.Before, gone.After = duoyun.OpDelete, ip.After, nil
	walk(t, s, c, gone, 2)
}

func TestPostgreSQLIsBoughtGrownAndGivenBack(t *testing.T) {
	t.Parallel()
	s := simulate(t, ctyunfake.Options{})
	c := open(t, s)
	net := bought(t, s, c, duoyun.NetworkSpec{CIDR: "10.9.0.0/24"}, nil)
	on := map[duoyun.Relation][]driver.Link{duoyun.RelNetwork: {{Kind: duoyun.KindNetwork, ID: net.ID}}}
	spec := duoyun.DatabaseSpec{Engine: duoyun.EnginePostgreSQL, Version: "15", VCPU: 2, RAMGiB: 4, StorageGiB: 100}
	db := bought(t, s, c, spec, on)
	spec.StorageGiB, spec.VCPU, spec.RAMGiB = 200, 4, 8
	walk(t, s, c, update(db, spec), 1)
	if o := observed(t, c, db); o.Spec != spec || len(o.Addresses) != 1 {
		t.Errorf("%+v", o)
	}
	gone := db
	gone.Op, gone.Before, gone.After = duoyun.OpDelete, spec, nil
	walk(t, s, c, gone, 2)
}

func TestASubscriptionsServerGoesThroughTheRecycleBin(t *testing.T) {
	t.Parallel()
	s := simulate(t, ctyunfake.Options{})
	c := open(t, s)
	net := bought(t, s, c, duoyun.NetworkSpec{CIDR: "10.9.0.0/24"}, nil)
	ch := driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindServer, Mark: mark, After: duoyun.ServerSpec{VCPU: 1, RAMGiB: 2, SystemDiskGiB: 40, Image: "kylin-v10"},
		Links: map[duoyun.Relation][]driver.Link{duoyun.RelNetwork: {{ID: net.ID}}}, Months: 12}
	ch = walk(t, s, c, ch, 0)
	gone := ch
	gone.Op, gone.Before, gone.After = duoyun.OpDelete, ch.After, nil
	r, _ := c.Kind(duoyun.KindServer)
	for i, step := range []string{"stop-server", "delete-server"} {
		if _, err := r.Run(t.Context(), driver.Call{Change: gone, Step: step, Token: duoyun.StepToken(mark, 1, i)}); err != nil {
			t.Fatal(err)
		}
		s.pass(5 * time.Second)
	}
	look := driver.Call{Change: gone, Step: "destroy-server"}
	if e, err := r.Look(t.Context(), look); err != nil || e.State == driver.Done {
		t.Errorf("in the recycle bin: %+v, %v", e, err)
	}
	walk(t, s, c, gone, 1)
	if _, err := r.Observe(t.Context(), ch.ID); c.Code(err) != driver.NotFound {
		t.Errorf("after all: %v", err)
	}
}

func TestAnOrderIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	s := simulate(t, ctyunfake.Options{})
	c := open(t, s)
	ch := driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindDisk, Mark: mark, After: duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}}
	r, _ := c.Kind(duoyun.KindDisk)
	call := driver.Call{Change: ch, Step: "volume", Token: "token"}
	reply, err := r.Run(t.Context(), call)
	if err != nil || reply.OrderID == "" {
		t.Fatalf("%+v, %v", reply, err)
	}
	call.OrderID = reply.OrderID
	if e, err := r.Look(t.Context(), call); err != nil || e.State != driver.Pending || e.ID != "" {
		t.Errorf("at once: %+v, %v", e, err)
	}
	s.pass(time.Minute)
	done, err := r.Look(t.Context(), call)
	if err != nil || done.State != driver.Done || done.ID == "" {
		t.Errorf("a minute later: %+v, %v", done, err)
	}
	call.OrderID = "no order of ours"
	if e, err := r.Look(t.Context(), call); err != nil || e.State != driver.Done || e.ID != done.ID {
		t.Errorf("an order that nobody knows: %+v, %v", e, err)
	}
	for state, want := range map[string]driver.EvidenceState{"5": driver.Broken, "4": driver.Broken, "1": driver.Pending, "14": driver.Pending} {
		vendor := newParrot(t)
		vendor.say(200, `{"statusCode":800,"returnObj":{"orderStatus":"`+state+`","resourceUuid":[]}}`)
		disks, _ := vendor.Kind(duoyun.KindDisk)
		if e, err := disks.Look(t.Context(), call); err != nil || e.State != want || e.ID != "" {
			t.Errorf("state %s: %+v, %v", state, e, err)
		}
	}
}

func TestPartsThatBearAMarkAreListed(t *testing.T) {
	t.Parallel()
	s := simulate(t, ctyunfake.Options{MaxPage: 1})
	c := open(t, s)
	nets := []driver.Change{bought(t, s, c, duoyun.NetworkSpec{CIDR: "10.9.0.0/24"}, nil), bought(t, s, c, duoyun.NetworkSpec{CIDR: "10.8.0.0/24"}, nil)}
	r, _ := c.Kind(duoyun.KindNetwork)
	lister, ok := r.(driver.PartLister)
	if !ok {
		t.Fatal("a network lists no parts")
	}
	marks := map[string]string{}
	for cursor := ""; ; {
		parts, next, err := lister.ListParts(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			marks[p.Mark] = p.Step
		}
		if cursor = next; next == "" {
			break
		}
	}
	if len(marks) != 2 || marks[nets[0].Mark] != "subnet" || marks[nets[1].Mark] != "subnet" {
		t.Errorf("%v", marks)
	}
}
