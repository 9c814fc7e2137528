package openstack_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/openstack"
)

// whole opens an account of a cloud that has every service.
func whole(t *testing.T, mapping driver.Mapping) (*keystone, driver.Cloud) {
	t.Helper()
	k := newKeystone(t, httptest.NewServer)
	a := account(k)
	a.Endpoints = map[string]string{"load-balancer": k.URL + "/lb", "object-store": k.URL + "/swift/v1/AUTH_p1"}
	a.Mapping = mapping
	c, err := openstack.Open(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return k, c
}

func TestPlansAreTheStepsOfTheTable(t *testing.T) {
	t.Parallel()
	_, c := whole(t, driver.Mapping{ExternalNetwork: "external", Classes: map[string]string{"ssd": "fast"}})
	network := map[duoyun.Relation][]driver.Link{duoyun.RelNetwork: {{Kind: duoyun.KindNetwork, ID: "n1"}}}
	attached := map[duoyun.Relation][]driver.Link{duoyun.RelAttach: {{Kind: duoyun.KindServer, ID: "s1"}}}
	server := duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10", Ports: []int{443, 22, 443}}
	off, bigger, both, reimaged := server, server, server, server
	off.Stopped, bigger.VCPU, both.VCPU, both.Stopped, reimaged.Image = true, 8, 8, true, "uos-20"
	disk, grown, shrunk, moved := duoyun.DiskSpec{SizeGiB: 10, Class: "ssd"}, duoyun.DiskSpec{SizeGiB: 20, Class: "ssd"},
		duoyun.DiskSpec{SizeGiB: 5, Class: "ssd"}, duoyun.DiskSpec{SizeGiB: 10, Class: "standard"}
	bucket := duoyun.BucketSpec{SizeGiB: 1, Class: "standard"}
	create, update, remove := duoyun.OpCreate, duoyun.OpUpdate, duoyun.OpDelete
	for name, x := range map[string]struct {
		change driver.Change
		want   string // steps; "!" for a refusal
	}{
		"server":                       {driver.Change{Op: create, After: server, Links: network}, "security_group rule:22 rule:443 port server*"},
		"server, off from the start":   {driver.Change{Op: create, After: off, Links: network}, "security_group rule:22 rule:443 port server* stop"},
		"server without a network":     {driver.Change{Op: create, After: server}, "!"},
		"stop":                         {driver.Change{Op: update, Before: server, After: off}, "stop"},
		"start":                        {driver.Change{Op: update, Before: off, After: server}, "start"},
		"resize":                       {driver.Change{Op: update, Before: server, After: bigger}, "resize confirm"},
		"resize and stop":              {driver.Change{Op: update, Before: server, After: both}, "resize confirm stop"},
		"another image":                {driver.Change{Op: update, Before: server, After: reimaged}, "!"},
		"nothing to change":            {driver.Change{Op: update, Before: server, After: server}, ""},
		"server away":                  {driver.Change{Op: remove, Before: server}, "delete-server* delete-port delete-security_group"},
		"disk":                         {driver.Change{Op: create, After: disk}, "volume*"},
		"disk on a server":             {driver.Change{Op: create, After: disk, Links: attached}, "volume* attach"},
		"disk of a class not mapped":   {driver.Change{Op: create, After: duoyun.DiskSpec{SizeGiB: 10, Class: "ultra"}}, "!"},
		"grow":                         {driver.Change{Op: update, Before: disk, After: grown}, "extend"},
		"shrink":                       {driver.Change{Op: update, Before: disk, After: shrunk}, "!"},
		"another class":                {driver.Change{Op: update, Before: disk, After: moved}, "!"},
		"disk away":                    {driver.Change{Op: remove, Before: disk}, "detach delete-volume*"},
		"network":                      {driver.Change{Op: create, After: duoyun.NetworkSpec{CIDR: "10.0.0.0/24"}}, "network* subnet router interface"},
		"network without a range":      {driver.Change{Op: create, After: duoyun.NetworkSpec{}}, "!"},
		"network away":                 {driver.Change{Op: remove, Before: duoyun.NetworkSpec{}}, "delete-interface delete-router delete-subnet delete-network*"},
		"address":                      {driver.Change{Op: create, After: duoyun.AddressSpec{Count: 1}, Links: network}, "address*"},
		"address away":                 {driver.Change{Op: remove, Before: duoyun.AddressSpec{}}, "delete-address*"},
		"public ip":                    {driver.Change{Op: create, After: duoyun.PublicIPSpec{BandwidthMbps: 5}}, "floating_ip*"},
		"public ip on a server":        {driver.Change{Op: create, After: duoyun.PublicIPSpec{BandwidthMbps: 5}, Links: attached}, "floating_ip* associate"},
		"public ip away":               {driver.Change{Op: remove, Before: duoyun.PublicIPSpec{}}, "delete-floating_ip*"},
		"load balancer":                {driver.Change{Op: create, After: duoyun.LoadBalancerSpec{Port: 443}, Links: network}, "load_balancer* listener pool members"},
		"another listener":             {driver.Change{Op: update, Before: duoyun.LoadBalancerSpec{Port: 443}, After: duoyun.LoadBalancerSpec{Port: 80}}, "!"},
		"another member port":          {driver.Change{Op: update, Before: duoyun.LoadBalancerSpec{Port: 443}, After: duoyun.LoadBalancerSpec{Port: 443, MemberPort: 80}}, "members"},
		"load balancer away":           {driver.Change{Op: remove, Before: duoyun.LoadBalancerSpec{}}, "delete-load_balancer*"},
		"bucket":                       {driver.Change{Op: create, After: bucket}, "container*"},
		"bucket of a class not mapped": {driver.Change{Op: create, After: duoyun.BucketSpec{SizeGiB: 1, Class: "cold"}}, "!"},
		"bucket grows":                 {driver.Change{Op: update, Before: bucket, After: duoyun.BucketSpec{SizeGiB: 2, Class: "standard"}}, "quota"},
		"bucket away":                  {driver.Change{Op: remove, Before: bucket}, "delete-container*"},
		"renewal":                      {driver.Change{Op: duoyun.OpRenew, Before: bucket, After: bucket}, ""},
	} {
		x.change.Mark = "dy-1"
		for _, s := range []duoyun.Spec{x.change.Before, x.change.After} {
			if s != nil {
				x.change.Kind = s.Kind()
			}
		}
		r, ok := c.Kind(x.change.Kind)
		if !ok {
			t.Fatalf("%s is not offered", x.change.Kind)
		}
		steps, err := r.Plan(x.change)
		var names []string
		for _, s := range steps {
			if s.Main {
				s.Name += "*"
			}
			names = append(names, s.Name)
		}
		got := strings.Join(names, " ")
		if err != nil {
			got = "!"
			if c.Code(err) != driver.Invalid {
				t.Errorf("%s: code %q: %v", name, c.Code(err), err)
			}
		}
		if got != x.want {
			t.Errorf("%s: %q, want %q (%v)", name, got, x.want, err)
		}
	}
}

// booted runs the step that makes a server and returns what Nova was sent.
func booted(t *testing.T, mapping driver.Mapping, spec duoyun.ServerSpec, secret string) map[string]any {
	t.Helper()
	k, c := whole(t, mapping)
	reply := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	k.routes["GET /south/compute/v2.1/flavors/detail"] = reply(`{"flavors": [{"id": "f1", "name": "c4m16d40", "vcpus": 4, "ram": 16384, "disk": 40, "swap": ""}]}`)
	k.routes["GET /south/image/v2/images"] = reply(`{"images": [{"id": "i1", "name": "kylin-v10", "status": "active", "created_at": "2026-01-01T00:00:00Z"},
		{"id": "i2", "name": "kylin-v10", "status": "active", "created_at": "2026-06-01T00:00:00Z"}]}`)
	var sent struct{ Server map[string]any }
	k.routes["POST /south/compute/v2.1/servers"] = func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		w.Header().Set("X-Openstack-Request-Id", "req-7")
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`{"server": {"id": "s1"}}`))
	}
	r, _ := c.Kind(duoyun.KindServer)
	answer, err := r.Run(t.Context(), driver.Call{Step: "server", Change: driver.Change{Op: duoyun.OpCreate, Kind: duoyun.KindServer, Mark: "dy-1",
		Name: "社保核心-应用1", Zone: duoyun.ZoneExtranetPublic, After: spec, Parts: map[string]string{"port": "p1"}, Secret: driver.NewSecret(secret)}})
	if err != nil || answer.ID != "s1" || answer.RequestID != "req-7" {
		t.Fatalf("%+v, %v", answer, err)
	}
	return sent.Server
}

func TestAServerIsMarkedInTheCallThatMakesIt(t *testing.T) {
	t.Parallel()
	spec := duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 40, Image: "kylin-v10"}
	s := booted(t, driver.Mapping{Zones: map[string]string{duoyun.ZoneExtranetPublic: "az-gy"}}, spec, "")
	if tags, ok := s["tags"].([]any); !ok || len(tags) != 1 || tags[0] != "dy-1" {
		t.Errorf("tags %v", s["tags"])
	}
	if m, ok := s["metadata"].(map[string]any); !ok || m["duoyun_mark"] != "dy-1" || m["duoyun_image"] != "kylin-v10" {
		t.Errorf("metadata %v", s["metadata"])
	}
	if s["name"] != "社保核心-应用1" || s["availability_zone"] != "az-gy" || s["flavorRef"] != "f1" {
		t.Errorf("%v", s)
	}
	if s["imageRef"] != "i2" || s["block_device_mapping_v2"] != nil || s["user_data"] != nil {
		t.Errorf("a local disk of the newest image, and no login: %v", s)
	}
}

func TestASystemDiskThatNoFlavorHasIsAVolumeOfThatSize(t *testing.T) {
	t.Parallel()
	spec := duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 100, Image: "kylin-v10"}
	for _, mapping := range []driver.Mapping{{}, {Classes: map[string]string{"system": "fast"}}} {
		s := booted(t, mapping, spec, "")
		disks, ok := s["block_device_mapping_v2"].([]any)
		if !ok || len(disks) != 1 || s["imageRef"] != "" {
			t.Fatalf("%v", s)
		}
		d := disks[0].(map[string]any)
		kind, _ := d["volume_type"].(string)
		if d["volume_size"] != 100.0 || d["uuid"] != "i2" || d["delete_on_termination"] != true || kind != mapping.Classes["system"] {
			t.Errorf("%v", d)
		}
	}
}

func TestALoginCannotBreakOutOfItsDocument(t *testing.T) {
	t.Parallel()
	spec := duoyun.ServerSpec{VCPU: 4, RAMGiB: 16, SystemDiskGiB: 40, Image: "kylin-v10"}
	for secret, want := range map[string]string{
		"ssh-ed25519 AAAA me":         "#cloud-config\nssh_authorized_keys: [\"ssh-ed25519 AAAA me\"]\n",
		"a\"b\nruncmd: [halt]\n#":     "#cloud-config\npassword: \"a\\\"b\\nruncmd: [halt]\\n#\"\nchpasswd: {expire: true}\nssh_pwauth: true\n",
		"ssh-rsa X\nruncmd: [reboot]": "#cloud-config\nssh_authorized_keys: [\"ssh-rsa X\\nruncmd: [reboot]\"]\n",
	} {
		sent := booted(t, driver.Mapping{}, spec, secret)
		if pass, given := sent["adminPass"]; given == strings.HasPrefix(secret, "ssh-") || given && pass != secret {
			t.Errorf("%q: Nova is told the password %v", secret, pass)
		}
		encoded, _ := sent["user_data"].(string)
		got, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v", secret, got, err)
		}
	}
}
