package broker_test

import (
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

func TestNetworksAreCutFromThePlanUntilItIsUsedUp(t *testing.T) {
	t.Parallel()
	plan := duoyun.AddressPlan{CIDR: "10.32.0.0/12", Prefix: 24}
	for index, want := range map[int64]string{0: "10.32.0.0/24", 1: "10.32.1.0/24", 256: "10.33.0.0/24", 4095: "10.47.255.0/24"} {
		if got, err := broker.CutNetwork(plan, index); err != nil || got != want {
			t.Errorf("network %d: %s %v", index, got, err)
		}
	}
	if _, err := broker.CutNetwork(plan, 4096); duoyun.CodeOf(err) != duoyun.CodeShortage {
		t.Errorf("beyond the plan: %v", err)
	}
	for _, bad := range []duoyun.AddressPlan{{}, {CIDR: "10.0.0.0/24", Prefix: 16}, {CIDR: "10.0.0.0/24", Prefix: 32}, {CIDR: "fd00::/48", Prefix: 64}} {
		if _, err := broker.CutNetwork(bad, 0); duoyun.CodeOf(err) != duoyun.CodeConflict {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

func TestWorkingDaysPassOverWeekends(t *testing.T) {
	t.Parallel()
	friday := duoyun.Date{Year: 2026, Month: time.November, Day: 20}
	for n, want := range map[int]string{1: "2026-11-24", 5: "2026-11-28", 6: "2026-12-01"} {
		if got := duoyun.DateOf(broker.AfterWorkingDays(friday, n)).String(); got != want {
			t.Errorf("%d working days after Friday end before %s, not %s", n, want, got)
		}
	}
}
