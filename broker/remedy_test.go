package broker_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/providers/driver"
)

// found returns the one open finding of a kind.
func (x *shop) found(kind string) duoyun.Finding {
	x.t.Helper()
	list, err := broker.NewFindings(x.store, x.purchaser, x.clock.Now).List(context.Background(), duoyun.SystemActor(),
		broker.FindingFilter{State: duoyun.FindingOpen, Kind: kind}, duoyun.Page{})
	if err != nil || len(list.Items) != 1 {
		x.t.Fatalf("want one open finding %s: %+v %v", kind, list.Items, err)
	}
	return list.Items[0]
}

// resolve settles the open finding of a kind as a technical reviewer.
func (x *shop) resolve(kind string, r broker.Resolution) error {
	x.t.Helper()
	r.Note = "已与云服务商核实"
	_, err := broker.NewFindings(x.store, x.purchaser, x.clock.Now).Resolve(context.Background(), x.world.Actor(x.t, "city-reviewer"),
		duoyun.Once{}, x.found(kind).Number, r)
	return err
}

func (x *shop) mustResolve(kind string, r broker.Resolution) {
	x.t.Helper()
	if err := x.resolve(kind, r); err != nil {
		x.t.Fatal(err)
	}
}

func (x *shop) refuses(kind string, r broker.Resolution, code duoyun.Code) {
	x.t.Helper()
	if err := x.resolve(kind, r); duoyun.CodeOf(err) != code {
		x.t.Fatalf("%s %s: %v, want %s", kind, r.Remedy, err, code)
	}
}

// unproven leaves a purchase in doubt, told to a person: its listings are never whole.
func (x *shop) unproven(acted bool) duoyun.Intent {
	x.t.Helper()
	in := x.order("app", aServer, duoyun.IntentIntended)
	x.partial, x.hidden = true, "v-1"
	x.fail("server", map[bool]string{true: "lost", false: "dropped"}[acted])
	x.until(in, time.Hour)
	x.want(in, duoyun.IntentInDoubt)
	return in
}

func TestWhatTheSupplierVouchesForIsBoughtAgain(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.unproven(false)
		x.mustResolve("in_doubt", broker.Resolution{Remedy: duoyun.RemedyBuyAgain})
		x.hidden = ""
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
		x.wantThings(1)
		x.wantSent(2)
		if x.runs[0].Token == x.runs[1].Token {
			t.Error("another generation uses the same token")
		}
	})
}

func TestAPurchaseThatIsGivenUpIsNeverSentAgain(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.unproven(false)
		x.refuses("in_doubt", broker.Resolution{Remedy: duoyun.RemedyClear}, duoyun.CodeInvalid)
		x.refuses("in_doubt", broker.Resolution{Remedy: duoyun.RemedyAdopt, VendorID: "v-1"}, duoyun.CodeInvalid)
		x.mustResolve("in_doubt", broker.Resolution{Remedy: duoyun.RemedyGiveUp})
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentFailed)
		x.wantSent(1)
		x.wantTold("app: create failed")
	})
}

func TestAMismatchThatIsGivenUpIsTakenAway(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.observed = func(duoyun.Spec) duoyun.Spec { return duoyun.ServerSpec{VCPU: 2, RAMGiB: 16} }
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentMismatched)
		x.mustResolve("mismatched", broker.Resolution{Remedy: duoyun.RemedyGiveUp})
		x.until(x.compensation(in), time.Hour)
		x.want(in, duoyun.IntentCompensated)
		x.wantThings(0)
	})
}

func TestAMismatchThatTheSupplierMendedIsSeenAtOnceAndItsFindingCloses(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.observed = func(duoyun.Spec) duoyun.Spec { return duoyun.ServerSpec{VCPU: 2, RAMGiB: 16} }
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Minute)
		x.things[0].spec = aServer
		x.mustResolve("mismatched", broker.Resolution{Remedy: duoyun.RemedyLook})
		x.work(in)
		x.want(in, duoyun.IntentVerified)
	})
}

func TestOneOfTwoThatBearTheMarkIsAdopted(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.kill(in, true)
		twin := *x.things[0]
		twin.id = "v-2"
		stranger := thing{id: "v-3", mark: "somebody else's", kind: duoyun.KindServer, state: driver.Active}
		x.things = append(x.things, &twin, &stranger)
		x.clock.Advance(time.Minute)
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentInDoubt)
		x.refuses("conflict", broker.Resolution{Remedy: duoyun.RemedyAdopt}, duoyun.CodeInvalid)
		x.refuses("conflict", broker.Resolution{Remedy: duoyun.RemedyAdopt, VendorID: "v-3"}, duoyun.CodeInvalid)
		x.refuses("conflict", broker.Resolution{Remedy: duoyun.RemedyAdopt, VendorID: "v-9"}, duoyun.CodeInvalid)
		x.mustResolve("conflict", broker.Resolution{Remedy: duoyun.RemedyAdopt, VendorID: "v-2"})
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
		if got := x.resource(in).VendorID; got != "v-2" {
			t.Fatalf("the unit is %s", got)
		}
		x.wantThings(3) // the other is the supplier's to delete
	})
}

func TestARemedyNeverMeetsAWorker(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.unproven(false)
		x.clock.Advance(time.Hour)
		x.looking = func() { x.refuses("in_doubt", broker.Resolution{Remedy: duoyun.RemedyGiveUp}, duoyun.CodeConflict) }
		x.work(in)
		x.want(in, duoyun.IntentInDoubt)
	})
}

func TestWhatBuysAnewIsNotForTheAdministrator(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		x.unproven(false)
		f := broker.NewFindings(x.store, x.purchaser, x.clock.Now)
		_, err := f.Resolve(context.Background(), x.world.Actor(t, "sysadmin"), duoyun.Once{}, x.found("in_doubt").Number,
			broker.Resolution{Remedy: duoyun.RemedyBuyAgain, Note: "重试"})
		if duoyun.CodeOf(err) != duoyun.CodeForbidden {
			t.Fatal(err)
		}
	})
}

func TestAVendorThatRefusesForAnHourFailsNothingAndIsTold(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.fail("server", slices.Repeat([]string{string(driver.Unavailable)}, 70)...)
		x.until(in, 50*time.Minute)
		x.want(in, duoyun.IntentIntended)
		x.until(in, 40*time.Minute)
		x.want(in, duoyun.IntentVerified)
		x.found("slow")
		if err := x.purchaser.Sweep(context.Background()); err != nil {
			t.Fatal(err)
		}
		if got := x.open(); len(got) != 0 {
			t.Fatalf("findings of a purchase that has come right stay open: %v", got)
		}
	})
}

// open lists the kinds of the open findings.
func (x *shop) open() []string {
	x.t.Helper()
	list, err := broker.NewFindings(x.store, x.purchaser, x.clock.Now).List(context.Background(), duoyun.SystemActor(),
		broker.FindingFilter{State: duoyun.FindingOpen}, duoyun.Page{})
	if err != nil {
		x.t.Fatal(err)
	}
	var kinds []string
	for _, f := range list.Items {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestReadsThatTheLoginIsRefusedForAreTold(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.during = func() { x.lookErr = vendorError{driver.Auth, "401"} }
		x.until(in, 10*time.Minute)
		x.want(in, duoyun.IntentAccepted)
		x.found("auth")
		x.lookErr = nil
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
	})
}

func TestALateReplyWithAnotherIDIsASurplus(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.during = func() { // the network delivered the request twice, and the first answer was lost
			twin := *x.things[0]
			twin.id = "v-0"
			x.things = []*thing{&twin, x.things[0]}
			x.hidden = x.things[1].id
			x.clock.Advance(time.Minute)
			x.until(in, time.Hour)
		}
		x.work(in)
		x.want(in, duoyun.IntentVerified)
		if got := x.resource(in).VendorID; got != "v-0" {
			t.Fatalf("the unit is %s", got)
		}
		x.found("surplus")
	})
}

func TestWhatIsLeftOfAFailedPurchaseIsClearedOnceMore(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("net", duoyun.NetworkSpec{CIDR: "10.0.0.0/24"}, duoyun.IntentIntended)
		x.fail("router", string(driver.Quota))
		x.fail("delete-subnet", string(driver.Invalid))
		x.until(in, time.Hour)
		x.until(x.compensation(in), time.Hour)
		x.want(in, duoyun.IntentFailed)
		x.clock.Advance(time.Second)
		x.mustResolve("leftover", broker.Resolution{Remedy: duoyun.RemedyClear})
		x.until(x.compensation(in), time.Hour)
		x.want(in, duoyun.IntentCompensated)
		x.wantThings(0)
		if got := x.open(); len(got) != 0 {
			t.Fatalf("open findings %v", got)
		}
	})
}

func TestAnAnswerNobodyUnderstandsIsShownToAPersonAndNothingIsGuessed(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.fail("server", "nameless")
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentVerified)
		x.wantThings(1)
		if f := x.found("bad_reply"); !strings.Contains(string(f.Evidence), `"reply":"{\"id\":null}"`) {
			t.Errorf("the evidence lacks the answer: %s", f.Evidence)
		}
	})
}

func TestWhatIsInTheWayOfADeletionIsToldWithinMinutes(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("app", aServer, duoyun.IntentIntended)
		x.until(in, time.Minute)
		x.fail("delete-server", slices.Repeat([]string{string(driver.NotReady)}, 20)...)
		del := x.change(in, duoyun.OpDelete, nil)
		x.until(del, 10*time.Minute)
		x.want(del, duoyun.IntentIntended)
		var offered []duoyun.Remedy
		for _, a := range x.found("slow").Actions {
			offered = append(offered, a.Remedy)
		}
		if !slices.Equal(offered, []duoyun.Remedy{duoyun.RemedyLook, duoyun.RemedyGiveUp}) {
			t.Errorf("offered %v", offered)
		}
	})
}

func TestAFindingOffersOnlyRemediesThatCanBeHad(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		in := x.order("net", duoyun.NetworkSpec{CIDR: "10.32.0.0/24"}, duoyun.IntentIntended)
		x.partial, x.hidden = true, "v-2"
		x.fail("subnet", "lost")
		x.until(in, time.Hour)
		x.want(in, duoyun.IntentInDoubt)
		x.things = append(x.things, &thing{id: "v-9", mark: x.things[1].mark, step: "subnet", kind: duoyun.KindNetwork, state: driver.Active})
		x.hidden = ""
		x.until(in, time.Hour)
		for _, a := range x.found("conflict").Actions {
			if a.Remedy == duoyun.RemedyAdopt {
				t.Error("a part of a unit cannot be adopted, and is offered to be")
			}
		}
	})
}
