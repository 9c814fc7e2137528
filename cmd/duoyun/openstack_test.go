//go:build openstack

package main

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
)

// The Suqian order on a real OpenStack through a running server: what Nova, Cinder, Neutron, Octavia and Swift hold is
// what Duoyun says, and after its release they hold nothing of it.
func TestTheSuqianOrderOnARealOpenStack(t *testing.T) {
	real := realAccount(t)
	before := inventory(t)
	p := newProcess(t, "DUOYUN_START_CLOCK=2026-11-25T09:00:00+08:00")
	story := stage(t, p, func(s *scenario) map[string]account {
		all := map[string]account{}
		for _, name := range s.cloudNames() {
			all[name] = real
		}
		return all
	})
	defer p.kill()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()

	chapter := story.scenario.Story.Orders[0]
	number, err := story.submit(ctx, chapter)
	if err == nil {
		err = story.until(ctx, number, chapter, duoyun.OrderDelivered)
	}
	if err == nil {
		err = story.confirm(ctx, number, chapter)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, p.log())
	}
	compare(t, ctx, story, before)

	release, err := story.changeOrder(ctx, number, chapter, duoyun.ActionRelease)
	if err == nil {
		err = story.until(ctx, release, chapter, duoyun.OrderConfirmed)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, p.log())
	}
	retire(t, ctx, story)
	if left := inventory(t).since(before); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func realAccount(t *testing.T) account {
	t.Helper()
	path := os.Getenv("DUOYUN_TEST_OPENSTACK")
	raw, err := os.ReadFile(filepath.SplitList(path + ":")[0])
	if err != nil {
		t.Fatalf("DUOYUN_TEST_OPENSTACK names no account of a running OpenStack: run `make test-openstack` (%v)", err)
	}
	a := account{body: body{}}
	if err := json.Unmarshal(raw, &a.body); err != nil {
		t.Fatal(err)
	}
	a.secret, _ = a.body["secret"].(string)
	delete(a.body, "secret")
	return a
}

// holdings is what the services say the project holds, by kind and id.
type holdings map[string]map[string]map[string]any

// inventory asks the services themselves, through the lab, what the account's project holds.
func inventory(t *testing.T) holdings {
	t.Helper()
	project, _ := realAccount(t).body["project"].(string)
	cmd := exec.Command("../../deploy/openstack/lab", "inventory", project)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(out, &raw); err != nil {
		t.Fatal(err)
	}
	h := holdings{}
	for kind, list := range raw {
		var rows []map[string]any
		if json.Unmarshal(list, &rows) != nil { // the project's own name and id
			continue
		}
		h[kind] = map[string]map[string]any{}
		for _, r := range rows {
			h[kind][first(text(r, "id"), text(r, "name"))] = r
		}
	}
	return h
}

// since counts what is there now and was not before, by kind.
func (h holdings) since(before holdings) map[string]int {
	n := map[string]int{}
	for kind, rows := range h {
		for id := range rows {
			if _, was := before[kind][id]; !was {
				n[kind]++
			}
		}
	}
	return n
}

// compare holds every live resource to what its service shows under its vendor id, and their numbers to each other.
func compare(t *testing.T, ctx context.Context, story *play, before holdings) {
	t.Helper()
	resources, err := story.all(ctx, "procurement", "/v1/resources", nil)
	if err != nil {
		t.Fatal(err)
	}
	now, ours := inventory(t), map[string]int{}
	for _, r := range resources {
		kind, bought := realKinds()[duoyun.Kind(text(r, "kind"))]
		if !bought || !duoyun.ResourceState(text(r, "state")).Live() {
			continue
		}
		ours[kind]++
		if _, there := now[kind][text(r, "vendor_id")]; !there {
			t.Errorf("%s %s: %s does not show %s", text(r, "number"), text(r, "name"), kind, text(r, "vendor_id"))
		}
	}
	// The lab's flavors have disks, so that servers boot from those and every volume is one that was ordered.
	theirs := now.since(before)
	for _, kind := range []string{"servers", "volumes", "networks", "load_balancers", "containers"} {
		if ours[kind] != theirs[kind] {
			t.Errorf("%s: the cloud holds %d, Duoyun says %d", kind, theirs[kind], ours[kind])
		}
	}
	if ours["servers"] != 2 || ours["containers"] != 1 {
		t.Errorf("delivered %v", ours)
	}
}

func realKinds() map[duoyun.Kind]string {
	return map[duoyun.Kind]string{duoyun.KindServer: "servers", duoyun.KindDisk: "volumes", duoyun.KindNetwork: "networks",
		duoyun.KindLoadBalancer: "load_balancers", duoyun.KindBucket: "containers", duoyun.KindAddress: "ports"}
}

// retire gives back the platform's networks and waits until they are gone.
func retire(t *testing.T, ctx context.Context, story *play) {
	t.Helper()
	for _, pool := range story.scenario.Pools {
		if pool.Cloud == "" {
			continue
		}
		code, _ := pool.Pool["code"].(string)
		if err := story.as("procurement").post(ctx, "/v1/pools/"+url.PathEscape(code)+"/retire-networks", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	for {
		live, err := story.all(ctx, "procurement", "/v1/resources", url.Values{"state": {string(duoyun.ResourceReleasing)}})
		switch {
		case err != nil:
			t.Fatal(err)
		case len(live) == 0:
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("still releasing: %v", live)
		case <-time.After(time.Second):
		}
	}
}
