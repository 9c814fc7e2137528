package table_test

import (
	"fmt"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

func TestAOneTimeLoginIsAKeyOrAPassword(t *testing.T) {
	t.Parallel()
	for login, want := range map[string][2]string{
		"":                     {"", ""},
		"Secret-1":             {"Secret-1", ""},
		"ssh-ed25519 AAAA me":  {"", "#cloud-config\nssh_authorized_keys: [\"ssh-ed25519 AAAA me\"]\n"},
		"ecdsa-sha2 \"]\nx: y": {"", "#cloud-config\nssh_authorized_keys: [\"ecdsa-sha2 \\\"]\\nx: y\"]\n"},
	} {
		s := driver.NewSecret(login)
		if got := [2]string{table.Password(s), string(table.AuthorizedKey(s))}; got != want {
			t.Errorf("%q: %q, want %q", login, got, want)
		}
	}
}

func TestAServerThatIsResizedOffIsStoppedForItAndLeftAsOrdered(t *testing.T) {
	t.Parallel()
	small := duoyun.ServerSpec{VCPU: 1, RAMGiB: 2, SystemDiskGiB: 40, Image: "kylin-v10", Ports: []int{443, 22, 443}}
	large := small
	large.VCPU, large.RAMGiB = 2, 4
	off := func(s duoyun.ServerSpec) duoyun.ServerSpec { s.Stopped = true; return s }
	for _, c := range []struct {
		before, after duoyun.ServerSpec
		want          string
	}{
		{small, small, "[]"}, {small, large, "[stop resize start]"}, {small, off(large), "[stop resize]"}, {off(small), large, "[resize start]"},
		{off(small), off(large), "[resize]"}, {small, off(small), "[stop]"}, {off(small), small, "[start]"},
	} {
		steps, err := table.ResizedOff(driver.Change{Before: c.before, After: c.after})
		names := []string{}
		for _, s := range steps {
			names = append(names, s.Name)
		}
		if fmt.Sprint(names) != c.want || err != nil {
			t.Errorf("%+v to %+v: %v, %v, want %s", c.before, c.after, names, err, c.want)
		}
	}
	other := small
	other.Image = "uos-20"
	if _, err := table.ResizedOff(driver.Change{Before: small, After: other}); err == nil {
		t.Error("an image is changed")
	}
	if got := table.Rules(small.Ports); len(got) != 2 || got[0].Name != "rule:22" || got[1].Name != "rule:443" {
		t.Errorf("rules %v: each port once, the lowest first", got)
	}
}
