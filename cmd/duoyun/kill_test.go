package main

import (
	"context"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// A killed server's order is finished by the next one, and nothing is bought twice: the clouds live on in the test.
func TestAServerKilledInTheMiddleOfAnOrderFinishesItWithoutASecondServer(t *testing.T) {
	t.Parallel()
	p := newProcess(t, "DUOYUN_START_CLOCK=2026-11-25T09:00:00+08:00")
	var sims clouds
	story := stage(t, p, func(s *scenario) map[string]account {
		var err error
		if sims, err = startClouds(s.Pools); err != nil {
			t.Fatal(err)
		}
		return sims.accounts()
	})
	t.Cleanup(func() { _ = sims.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()

	chapter := story.scenario.Story.Orders[2] // two servers with a disk each, and a bucket
	number, err := story.submit(ctx, chapter)
	if err != nil {
		t.Fatal(err)
	}
	if err := story.until(ctx, number, chapter, duoyun.OrderProvisioning, duoyun.OrderDelivered); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p.kill()
		p.start()
		story.cast.move(p.url)
		waitForCalls(sims, 3)
	}
	if err := story.until(ctx, number, chapter, duoyun.OrderDelivered); err != nil {
		t.Fatalf("%v\n%s", err, p.log())
	}
	p.kill()
	servers, disks, buckets := 0, 0, 0
	for _, c := range sims {
		n := c.cloud.Inventory().Counts()
		servers, disks, buckets = servers+n[simcloud.KindServer], disks+n[simcloud.KindVolume], buckets+n[simcloud.KindBucket]
	}
	if servers != 2 || disks != 4 || buckets != 1 { // each server boots from a volume of its own
		t.Errorf("bought %d servers, %d volumes and %d buckets", servers, disks, buckets)
	}
}

// move points everyone at the server's new address.
func (c *cast) move(base string) {
	for _, x := range c.clients {
		x.base = base
	}
}

// waitForCalls returns when the clouds hold n more objects than before, or nothing more is coming: kills then fall
// between purchases, wherever the server happens to be.
func waitForCalls(sims clouds, n int) {
	before := held(sims)
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline) && held(sims) < before+n; {
		time.Sleep(5 * time.Millisecond)
	}
}

func held(sims clouds) (n int) {
	for _, c := range sims {
		for _, k := range c.cloud.Inventory().Counts() {
			n += k
		}
	}
	return n
}
