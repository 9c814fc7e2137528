package huawei_test

import (
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/drivertest"
	"github.com/duoyun/duoyun/providers/huawei"
	"github.com/duoyun/duoyun/providers/huawei/huaweifake"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// looked asks for the effect of a step.
func looked(t *testing.T, c driver.Cloud, call driver.Call) driver.Evidence {
	t.Helper()
	r, _ := c.Kind(call.Kind)
	ev, err := r.Look(t.Context(), call)
	if err != nil {
		t.Fatalf("%s: %v", call.Step, err)
	}
	return ev
}

// ordered runs the main step of a disk's creation, on demand or subscribed, and forgets its id, as a lost answer does.
func ordered(t *testing.T, c driver.Cloud, months int) driver.Call {
	t.Helper()
	ch := driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindDisk, Mark: duoyun.Mark(duoyun.NewID(time.Now())), Months: months,
		Zone: duoyun.ZoneExtranetPublic, After: duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}}
	call := driver.Call{Change: ch, Step: "volume", Token: duoyun.StepToken(ch.Mark, 0, 0)}
	r, _ := c.Kind(ch.Kind)
	reply, err := r.Run(t.Context(), call)
	if err != nil || reply.OrderID == "" {
		t.Fatalf("%+v, %v", reply, err)
	}
	call.OrderID = reply.OrderID
	return call
}

// A listing that does not show what was made yet is not asked alone: the job or the order that makes it says that it is
// under way, or what became of it.
func TestWhatNoListingShowsIsAskedOfItsJobOrOrder(t *testing.T) {
	t.Parallel()
	for name, months := range map[string]int{"a job": 0, "an order": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := simulate(t, huaweifake.Options{})
			c, err := huawei.Open(t.Context(), s.account())
			if err != nil {
				t.Fatal(err)
			}
			s.sim.SetListLag(simcloud.KindVolume, time.Hour)
			call := ordered(t, c, months)
			ev := looked(t, c, call)
			if months == 0 && ev.State != driver.Pending {
				t.Errorf("while it is made: %+v", ev)
			}
			s.pass(time.Minute)
			if ev = looked(t, c, call); ev.State != driver.Absent || ev.Detail == "" {
				t.Errorf("when it is over and not shown: %+v", ev)
			}
			forgotten(t, c, call)
			s.sim.SetListLag(simcloud.KindVolume, 0)
			if ev = looked(t, c, call); ev.State != driver.Done {
				t.Errorf("when it is shown: %+v", ev)
			}
		})
	}
}

// forgotten: a job that is not there any more is over; an order is kept, so that one that nobody knows proves nothing.
func forgotten(t *testing.T, c driver.Cloud, call driver.Call) {
	t.Helper()
	r, _ := c.Kind(call.Kind)
	call.OrderID = "3c1f8b7e-0000-4000-8000-000000000000"
	if ev, err := r.Look(t.Context(), call); err != nil || ev.State != driver.Absent {
		t.Errorf("a job that is forgotten: %+v, %v", ev, err)
	}
	call.OrderID = "CS0"
	if ev, err := r.Look(t.Context(), call); err == nil {
		t.Errorf("an order that nobody knows: %+v", ev)
	}
}

func TestARenewalIsPricedAsTheBillingServiceDoes(t *testing.T) {
	t.Parallel()
	s := simulate(t, huaweifake.Options{})
	c, err := huawei.Open(t.Context(), s.account())
	if err != nil {
		t.Fatal(err)
	}
	call := ordered(t, c, 1)
	s.pass(time.Minute)
	ch := call.Change
	ch.Op, ch.ID, ch.Months = duoyun.OpRenew, looked(t, c, call).ID, 3
	quoter, _ := driver.As[driver.Quoter](c)
	q, err := quoter.Quote(t.Context(), ch)
	if want := simcloud.PriceOf(s.sim, &simcloud.Volume{Type: "ssd", SizeGiB: 10}, 3); err != nil || q.Amount.Cmp(want) != 0 || q.Months != 3 {
		t.Errorf("%+v, %v, want %v", q, err, want)
	}
	ch.ID = "nobody"
	if q, err := quoter.Quote(t.Context(), ch); c.Code(err) != driver.NotFound {
		t.Errorf("what is not there: %+v, %v", q, err)
	}
}

// Members that are no more wanted leave the balancer, in one call.
func TestMembersThatAreNotWantedLeave(t *testing.T) {
	t.Parallel()
	s := simulate(t, huaweifake.Options{})
	c, err := huawei.Open(t.Context(), s.account())
	if err != nil {
		t.Fatal(err)
	}
	spec := duoyun.LoadBalancerSpec{Port: 443}
	ch := onNetwork(t, c, duoyun.KindLoadBalancer, spec)
	server := func(id, address string) driver.Link {
		return driver.Link{Kind: duoyun.KindServer, ID: id, Addresses: []string{address}}
	}
	ch.Links[duoyun.RelMember] = []driver.Link{server("a", "10.9.0.11"), server("b", "10.9.0.12")}
	for _, step := range []string{"load_balancer", "listener", "pool", "members"} {
		id := made(t, c, ch, step)
		if step == "load_balancer" {
			ch.ID = id
		}
		ch.Parts[step] = id
	}
	ch.Op, ch.Before, ch.Links[duoyun.RelMember] = duoyun.OpUpdate, spec, []driver.Link{server("b", "10.9.0.12"), server("c", "10.9.0.13")}
	for _, step := range []string{"members", "drop_members"} {
		call := driver.Call{Change: ch, Step: step, Token: "t"}
		if ev := looked(t, c, call); ev.State != driver.Absent {
			t.Errorf("before %s: %+v", step, ev)
		}
		made(t, c, ch, step)
		if ev := looked(t, c, call); ev.State != driver.Done {
			t.Errorf("after %s: %+v", step, ev)
		}
	}
	all, err := simcloud.List[simcloud.Member](s.sim, simcloud.Query{Owner: s.Owner(), Own: true}, nil)
	if err != nil || len(all) != 2 {
		t.Errorf("%d members, %v", len(all), err)
	}
}

func TestTheContractHoldsForPostgreSQL(t *testing.T) {
	t.Parallel()
	h := simulate(t, huaweifake.Options{}).harness()
	h.Kinds, h.Crowd, h.Subscribed, h.Faults, h.Money = []duoyun.Kind{duoyun.KindNetwork, duoyun.KindDatabase}, nil, []duoyun.Kind{duoyun.KindDatabase}, drivertest.Faults{}, drivertest.Money{}
	d := duoyun.DatabaseSpec{Engine: duoyun.EnginePostgreSQL, Version: "16", VCPU: 2, RAMGiB: 4, StorageGiB: 40}
	grown := d
	grown.StorageGiB = 60
	larger := grown
	larger.VCPU, larger.RAMGiB = 4, 8
	h.Samples.Database, h.Samples.GrownDatabase, h.Samples.ResizedDatabase = d, grown, larger
	h.Account.Mapping.Classes["database"] = "ESSD"
	drivertest.Run(t, h)
}
