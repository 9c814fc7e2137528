package simcloud_test

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/simcloud"
)

// TestWhateverIsDoneTheBooksAgree plays random calls and checks after each that the quota books say what is there, that
// no address is held twice, that servers and volumes agree who has whom, and that a reloaded snapshot is the same cloud.
func TestWhateverIsDoneTheBooksAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		latency := simcloud.Latency{Create: 3 * time.Second, Change: 2 * time.Second, Delete: time.Second}
		b := setup(t, simcloud.Options{Latency: latency})
		n, _ := b.network(t, "10.0.0.0/27")
		for range rapid.IntRange(1, 60).Draw(r, "calls") {
			b.play(r, n.ID)
			b.clock.pass(time.Duration(rapid.IntRange(0, 3).Draw(r, "seconds")) * time.Second)
			b.agree(r)
		}
		var file bytes.Buffer
		if err := b.Save(&file); err != nil {
			r.Fatal(err)
		}
		again := simcloud.New(simcloud.Options{Clock: b.clock.now, Latency: latency})
		if err := again.Load(&file); err != nil {
			r.Fatal(err)
		}
		(&bundle{Cloud: again}).agree(r)
		if got, want := again.Servers(), b.Servers(); got != want {
			r.Fatalf("a reloaded cloud has %d servers, want %d", got, want)
		}
		month := duoyun.MonthOf(b.clock.now())
		if got, want := again.Bill(me, month), b.Bill(me, month); !reflect.DeepEqual(text(got), text(want)) {
			r.Fatalf("a reloaded cloud bills %v, want %v", got, want)
		}
	})
}

// play makes one random call; refusals are as good as acceptance.
func (b *bundle) play(r *rapid.T, network string) {
	have := b.Inventory()
	server, volume := pick(r, "server", have.Servers), pick(r, "volume", have.Volumes)
	switch rapid.IntRange(0, 17).Draw(r, "call") {
	case 0, 1:
		b.CreateServer(simcloud.ServerInput{ // may be refused
			Object: simcloud.Object{Owner: me, Name: "s"}, FlavorID: b.flavor, ImageID: b.image,
			Nics:  []simcloud.Nic{{NetworkID: network}},
			Disks: []simcloud.Disk{{SizeGiB: 40, Owned: rapid.Bool().Draw(r, "owned")}},
		})
	case 2:
		b.CreateVolume(simcloud.VolumeInput{Object: simcloud.Object{Owner: me}, SizeGiB: 10}) // as above
	case 3:
		b.AttachVolume(me, server, volume, "", rapid.Bool().Draw(r, "owned")) // as above
	case 4:
		b.DetachVolume(me, server, volume) // as above
	case 5:
		b.DeleteServer(me, server) // as above
	case 6:
		b.DeleteVolume(me, volume) // as above
	case 7:
		b.ResizeServer(me, server, b.bigger) // as above
	case 8:
		b.ConfirmResize(me, server) // as above
	case 9:
		b.RevertResize(me, server) // as above
	case 10:
		b.ExtendVolume(me, volume, 50) // as above
	case 11:
		b.StopServer(me, server) // as above
	case 12:
		simcloud.Renew[simcloud.Server](b.Cloud, me, server, 1) // as above
	default:
		b.playManaged(r, network, server)
	}
}

// playManaged makes one random call about a database, cache or floating IP.
func (b *bundle) playManaged(r *rapid.T, network, server string) {
	have := b.Inventory()
	database, cache, address := pick(r, "database", have.Databases), pick(r, "cache", have.Caches), pick(r, "address", have.Floating)
	bought := simcloud.Purchase{Months: rapid.IntRange(0, 2).Draw(r, "months")}
	at := simcloud.Endpoint{NetworkID: network}
	switch rapid.IntRange(0, 8).Draw(r, "managed call") {
	case 0:
		b.CreateDatabase(simcloud.DatabaseInput{Object: simcloud.Object{Owner: me}, Purchase: bought, Endpoint: at, Engine: "mysql",
			Size: simcloud.DatabaseSize{VCPU: 2, RAMMiB: 4096, StorageGiB: 50}, Standby: rapid.Bool().Draw(r, "standby")}) // may be refused
	case 1:
		b.ResizeDatabase(me, database, simcloud.DatabaseSize{VCPU: 4, StorageGiB: 60}) // as above
	case 2:
		b.DeleteDatabase(me, database) // as above
	case 3:
		b.CreateCache(simcloud.CacheInput{Object: simcloud.Object{Owner: me}, Purchase: bought, Endpoint: at, Size: simcloud.CacheSize{RAMMiB: 1024}}) // as above
	case 4:
		b.ResizeCache(me, cache, simcloud.CacheSize{RAMMiB: 2048}) // as above
	case 5:
		b.DeleteCache(me, cache) // as above
	case 6:
		b.AllocateFloatingIP(simcloud.FloatingInput{Object: simcloud.Object{Owner: me}, Purchase: bought, BandwidthMbps: 5}) // as above
	case 7:
		b.BindFloatingIP(me, address, rapid.SampledFrom([]string{server, database, cache, ""}).Draw(r, "target")) // as above
	case 8:
		b.DeleteFloatingIP(me, address) // as above
	}
}

func pick[T any, P interface {
	*T
	Self() *simcloud.Object
}](r *rapid.T, name string, from []*T) string {
	if len(from) == 0 {
		return "none"
	}
	return P(from[rapid.IntRange(0, len(from)-1).Draw(r, name)]).Self().ID
}

// agree checks the invariants.
func (b *bundle) agree(r *rapid.T) {
	have := b.Inventory()
	_, used := b.Quota(me)
	for item, n := range map[simcloud.Item]int{
		simcloud.ItemServers: len(have.Servers), simcloud.ItemVolumes: len(have.Volumes), simcloud.ItemPorts: len(have.Ports),
		simcloud.ItemDatabases: len(have.Databases), simcloud.ItemCaches: len(have.Caches), simcloud.ItemFloating: len(have.Floating),
	} {
		if used[item] != int64(n) {
			r.Fatalf("%s: the books say %d, there are %d", item, used[item], n)
		}
	}
	held := map[string]bool{}
	for _, p := range have.Ports {
		for _, f := range p.Fixed {
			if held[f.Address] {
				r.Fatalf("%s is held twice", f.Address)
			}
			held[f.Address] = true
		}
	}
	has := map[string]string{}
	for _, s := range have.Servers {
		for _, a := range s.Volumes {
			has[a.VolumeID] = s.ID
		}
	}
	var gib int64
	for _, v := range have.Volumes {
		gib += max(v.SizeGiB, v.NewGiB)
		if has[v.ID] != v.ServerID {
			r.Fatalf("volume %s says it is at %q, servers say %q", v.ID, v.ServerID, has[v.ID])
		}
	}
	if used[simcloud.ItemDiskGiB] != gib {
		r.Fatalf("the books say %d GiB, there are %d", used[simcloud.ItemDiskGiB], gib)
	}
	running(r, b, simcloud.KindServer, have.Servers)
	running(r, b, simcloud.KindVolume, have.Volumes)
	running(r, b, simcloud.KindFloatingIP, have.Floating)
	running(r, b, simcloud.KindDatabase, have.Databases)
	running(r, b, simcloud.KindCache, have.Caches)
}

// running checks that exactly what is there, and has been there since it was built, has a run that is open, and that the
// stretches of every run follow each other.
func running[T any, P interface {
	*T
	Self() *simcloud.Object
}](r *rapid.T, b *bundle, kind simcloud.Kind, have []*T) {
	want := map[string]bool{}
	for _, x := range have {
		if o := P(x).Self(); o.State != simcloud.Building && o.State != simcloud.Failed {
			want[o.ID] = true
		}
	}
	for _, run := range b.Runs(me, kind) {
		at := run.From
		for _, s := range run.Stretches {
			if !s.From.Equal(at) || len(s.Uses) == 0 {
				r.Fatalf("a run of %s has a gap at %s: %+v", kind, at, run)
			}
			at = s.Until
		}
		if !at.Equal(run.Until) {
			r.Fatalf("the last stretch ends at %s: %+v", at, run)
		}
		if open := run.Until.IsZero(); open != want[run.ResourceID] {
			r.Fatalf("run of %s %s: open %v, there: %v", kind, run.ResourceID, open, want[run.ResourceID])
		}
		delete(want, run.ResourceID)
	}
	if len(want) > 0 {
		r.Fatalf("no run of %s: %v", kind, want)
	}
}

// FuzzLoad feeds a snapshot that anybody may have written: it is refused or taken, and never panics.
func FuzzLoad(f *testing.F) {
	var file bytes.Buffer
	if err := simcloud.New(simcloud.Options{}).Save(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte(`{"kind":"server","gone":"x"}` + "\n" + `{"kind":"port","seq":1,"value":{"id":"p","fixed":[{"address":"x"}]}}` + "\n"))
	f.Add([]byte(`{"kind":"nothing"}` + "\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := simcloud.New(simcloud.Options{Bare: true})
		if err := c.Load(bytes.NewReader(raw)); err != nil {
			return
		}
		c.Inventory()
	})
}
