package aliyun_test

import (
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/aliyun"
	"github.com/duoyun/duoyun/providers/aliyun/aliyunfake"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/drivertest"
)

// walk takes a change through its steps as the protocol does, with the ids it knows, and returns the id of what it made.
func (s *simulated) walk(t *testing.T, c driver.Cloud, x driver.Change) driver.Change {
	t.Helper()
	r, _ := c.Kind(x.Kind)
	steps, err := r.Plan(x)
	if err != nil {
		t.Fatalf("%s %s: %v", x.Op, x.Kind, err)
	}
	x.Parts = map[string]string{}
	for i, step := range steps {
		call := driver.Call{Change: x, Step: step.Name, Token: duoyun.StepToken(x.Mark+string(x.Op), 0, i)}
		reply, err := r.Run(t.Context(), call)
		for tries := 0; tries < 20 && aliyun.Code(err) == driver.NotReady; tries++ {
			s.advance(t.Context())
			reply, err = r.Run(t.Context(), call)
		}
		if err != nil {
			t.Fatalf("%s %s %s: %v", x.Op, x.Kind, step.Name, err)
		}
		if x.Parts[step.Name] = reply.ID; step.Main && reply.ID != "" {
			x.ID = reply.ID
		}
		call.Change = x
		var ev driver.Evidence
		for tries := 0; tries < 50 && ev.State != driver.Done; tries++ {
			if ev, err = r.Look(t.Context(), call); err != nil {
				t.Fatal(err)
			}
			s.advance(t.Context())
		}
		if ev.State != driver.Done {
			t.Fatalf("%s %s %s: %+v", x.Op, x.Kind, step.Name, ev)
		}
	}
	return x
}

func TestASubscribedDiskIsBoughtWithItsServerAndPutOnDemandToBeTakenAway(t *testing.T) {
	t.Parallel()
	s := simulate(t, aliyunfake.Options{})
	c, err := aliyun.Open(t.Context(), s.account())
	if err != nil {
		t.Fatal(err)
	}
	samples := drivertest.DefaultSamples()
	buy := func(mark string, k duoyun.Kind, spec duoyun.Spec, r duoyun.Relation, parent driver.Link) driver.Link {
		x := driver.Change{Op: duoyun.OpCreate, Kind: k, Mark: mark, Name: "（一）号 甲", After: spec, Zone: samples.Zone, Months: 2}
		if k == duoyun.KindNetwork {
			x.Months = 0
		}
		if parent.ID != "" {
			x.Links = map[duoyun.Relation][]driver.Link{r: {parent}}
		}
		x = s.walk(t, c, x)
		return driver.Link{Kind: k, ID: x.ID, Parts: x.Parts}
	}
	network := buy("dy-n", duoyun.KindNetwork, samples.Network, "", driver.Link{})
	server := buy("dy-s", duoyun.KindServer, samples.Server, duoyun.RelNetwork, network)
	disk := buy("dy-d", duoyun.KindDisk, samples.Disk, duoyun.RelAttach, server)
	r, _ := c.Kind(duoyun.KindDisk)
	o, err := r.Observe(t.Context(), disk.ID)
	if err != nil || o.PaidUntil.IsZero() || o.Name != "dy--一-号-甲" {
		t.Errorf("%+v, %v", o, err)
	}
	s.walk(t, c, driver.Change{Op: duoyun.OpDelete, Kind: duoyun.KindDisk, Mark: "dy-d", Before: samples.Disk, ID: disk.ID})
	if _, err := r.Observe(t.Context(), disk.ID); aliyun.Code(err) != driver.NotFound {
		t.Errorf("after its deletion: %v", err)
	}
}
