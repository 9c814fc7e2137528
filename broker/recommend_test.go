package broker_test

import (
	"context"
	"database/sql"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// recommended is the recommendation of a new order.
func (o *office) recommended(doc duoyun.OrderRequest) (duoyun.Order, duoyun.Recommendation) {
	o.Helper()
	order := o.submit(doc)
	o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Approve)
	got := o.order(order.ID)
	return got, *got.Recommended
}

func candidate(c duoyun.Component, pool string) duoyun.Candidate {
	for _, x := range c.Candidates {
		if x.Pool == pool {
			return x
		}
	}
	return duoyun.Candidate{}
}

func TestEveryCandidateIsKeptWithItsScoreOrEveryReason(t *testing.T) {
	inOffice(t, func(o *office) {
		_, rec := o.recommended(o.doc(small))
		if len(rec.Components) != 1 || len(rec.Components[0].Candidates) != 3 {
			o.Fatalf("components: %+v", rec.Components)
		}
		c := rec.Components[0]
		first, people := c.Candidates[0], candidate(c, "people-1")
		if first.Pool != "telecom-1" || first.Score <= c.Candidates[1].Score || first.Monthly == 0 || len(first.Parts) != 3 || len(first.Years) == 0 || first.Prices == "" {
			o.Errorf("first: %+v", first)
		}
		if reasons := joinedReasons(people); !strings.Contains(reasons, "不提供云主机") || !strings.Contains(reasons, "不提供云硬盘") || people.Score != 0 {
			o.Errorf("people-1: %s", reasons)
		}
	})
}

func joinedReasons(c duoyun.Candidate) string {
	var all []string
	for _, r := range c.Dropped {
		all = append(all, r.ZH, r.EN)
	}
	return strings.Join(all, "; ")
}

func TestReasonsForDroppingAreTold(t *testing.T) {
	inOffice(t, func(o *office) {
		o.alter(`UPDATE pools SET level = 2 WHERE code = 'telecom-1'`)
		o.alter(`UPDATE suppliers SET assessment_until = '2026-01-01' WHERE code = 'telecom-suqian'`)
		o.alter(`UPDATE pools SET site = 'nanjing', zones = '["internet_access"]', xinchuang = '{"cpu":["loongson"],"os":["uos-20"]}' WHERE code = 'jd-1'`)
		o.alter(`UPDATE contracts SET end_day = '2026-12-15', lim = 100 WHERE number = 'SQ-C-2'`)
		doc := o.doc(small, "requires: {", "requires: {sites: [suqian], xinchuang: {required: true, cpu: [kunpeng], os: [kylin-v10]}, ")
		_, rec := o.recommended(doc)
		telecom, jd := joinedReasons(candidate(rec.Components[0], "telecom-1")), joinedReasons(candidate(rec.Components[0], "jd-1"))
		for _, words := range []string{"等保第 3 级", "评估已于 2026-01-01 到期"} {
			if !strings.Contains(telecom, words) {
				o.Errorf("telecom-1 lacks %q: %s", words, telecom)
			}
		}
		for _, words := range []string{"位于 nanjing", "没有公用网络区", "信创处理器不符", "信创操作系统不符", "没有信创操作系统 kylin-v10", "2026-12-14 到期", "合同余额"} {
			if !strings.Contains(jd, words) {
				o.Errorf("jd-1 lacks %q: %s", words, jd)
			}
		}
		if kinds := strings.Join(o.findings(), " "); !strings.Contains(kinds, "no_offer") {
			o.Errorf("findings: %s", kinds)
		}
	})
}

func (o *office) alter(query string) {
	o.Helper()
	o.tx(func(tx *sql.Tx) error { _, err := tx.ExecContext(ctx, query); return err })
}

func TestCapacityThatDoesNotSufficeIsTold(t *testing.T) {
	inOffice(t, func(o *office) {
		o.tx(func(tx *sql.Tx) error {
			n := int64(1)
			_, err := o.s.SetCapacity(ctx, tx, o.w.ID("telecom-1"), duoyun.QuotaServers, &n)
			return err
		})
		_, rec := o.recommended(o.doc(small))
		if got := joinedReasons(candidate(rec.Components[0], "telecom-1")); !strings.Contains(got, "容量不足") || !strings.Contains(got, "剩余 1，需要 2") {
			o.Errorf("telecom-1: %s", got)
		}
	})
}

func TestOneSupplierServesAllWhereTheDocumentAsksForIt(t *testing.T) {
	inOffice(t, func(o *office) {
		order, rec := o.recommended(o.doc(example))
		for i, c := range rec.Components {
			if got := c.Candidates[0].Supplier; got != "telecom-suqian" {
				o.Errorf("component %d: %s first", i, got)
			}
			if jd := candidate(c, "jd-1"); len(jd.Dropped) == 0 {
				o.Errorf("component %d: jd sells no people's work and cannot serve all", i)
			}
		}
		t := o.task(order, duoyun.TaskConfirmSupplier, "city-procurement")
		var picks []broker.Pick
		for i := range rec.Components {
			picks = append(picks, broker.Pick{Component: i, Pool: "jd-1", Reason: "想要"})
		}
		_, err := o.svc.ConfirmSupplier(ctx, o.actor("city-procurement"), duoyun.Once{}, t.ID, picks)
		o.refused(err, duoyun.CodeInvalid, "已被排除", "同一云服务商")
	})
}

func TestAChoiceThatIsNotTheFirstStatesItsReason(t *testing.T) {
	inOffice(t, func(o *office) {
		order, _ := o.recommended(o.doc(small))
		t := o.task(order, duoyun.TaskConfirmSupplier, "city-procurement")
		officer := o.actor("city-procurement")
		for name, picks := range map[string][]broker.Pick{
			"none":        nil,
			"no reason":   {{Component: 0, Pool: "jd-1"}},
			"unknown":     {{Component: 0, Pool: "moon-1"}},
			"twice":       {{Component: 0, Pool: "telecom-1"}, {Component: 0, Pool: "telecom-1"}},
			"beyond":      {{Component: 7, Pool: "telecom-1"}},
			"dropped one": {{Component: 0, Pool: "people-1", Reason: "想要"}},
		} {
			_, err := o.svc.ConfirmSupplier(ctx, officer, duoyun.Once{}, t.ID, picks)
			if duoyun.CodeOf(err) != duoyun.CodeInvalid {
				o.Errorf("%s: %v", name, err)
			}
		}
		got, err := o.svc.ConfirmSupplier(ctx, officer, duoyun.Once{}, t.ID, []broker.Pick{{Component: 0, Pool: "jd-1", Reason: "与现有系统同云"}})
		if err != nil || got.State != duoyun.TaskApproved {
			o.Fatal(err)
		}
		if c := o.order(order.ID).Chosen; len(c) != 1 || c[0].Candidate.Pool != "jd-1" || c[0].By != officer.UserID || c[0].Reason != "与现有系统同云" {
			o.Errorf("chosen: %+v", c)
		}
	})
}

func TestTheSameInputsGiveTheSameAnswer(t *testing.T) {
	inOffice(t, func(o *office) {
		frozen := time.Date(2026, 11, 21, 9, 0, 0, 0, duoyun.Civil)
		order := o.submit(o.doc(example))
		o.clock.t = frozen
		o.decide(order, duoyun.TaskReview, "city-reviewer", broker.Approve)
		first := o.order(order.ID).Recommended
		again, err := o.svc.Recommend(ctx, o.actor("city-procurement"), duoyun.Once{}, order.Number)
		if err != nil {
			o.Fatal(err)
		}
		if !reflect.DeepEqual(first.Components, again.Recommended.Components) {
			o.Error("the components differ")
		}
		if first.InputsHash == "" || first.InputsHash == again.Recommended.InputsHash {
			o.Error("another time is another input")
		}
		o.task(order, duoyun.TaskConfirmSupplier, "city-procurement") // one: the first task is void
	})
}

// history is a fixed record of availability.
type history map[string]int64

func (h history) Reliability(context.Context, *sql.Tx, time.Time) (map[string]int64, error) {
	return h, nil
}

func TestAReliablePoolOutweighsASlightlyCheaperOne(t *testing.T) {
	inOffice(t, func(o *office) {
		o.svc = o.service(history{o.w.ID("telecom-1"): 9_900, o.w.ID("jd-1"): 10_000})
		_, rec := o.recommended(o.doc(small))
		if first := rec.Components[0].Candidates[0]; first.Pool != "jd-1" || first.Parts[2].Points != 1000 {
			o.Errorf("first: %s %+v", first.Pool, first.Parts)
		}
	})
}

func TestAComponentTellsItsOwnPriceBesideThatOfTheWhole(t *testing.T) {
	inOffice(t, func(o *office) {
		_, rec := o.recommended(o.doc(example))
		var whole duoyun.Fen
		for _, c := range rec.Components {
			whole += c.Candidates[0].Total
		}
		for _, c := range rec.Components {
			best := c.Candidates[0]
			if got, want := best.Parts[0].Reason.ZH, "期限内 "+best.Total.String()+" 元；由同一云服务商提供全部内容 "+whole.String()+" 元"; !strings.HasPrefix(got, want) {
				o.Errorf("%v: %s, want %s", c.Lines, got, want)
			}
		}
	})
}

func TestASupplierAboveTheMoneyAskedForIsNotConfirmed(t *testing.T) {
	inOffice(t, func(o *office) {
		order, rec := o.recommended(o.doc(small, `limit: "90000"`, `limit: "2000"`))
		if total := rec.Components[0].Candidates[0].Total; total <= 200_000 {
			o.Fatalf("the first candidate costs %s", total)
		}
		task := o.task(order, duoyun.TaskConfirmSupplier, "city-procurement")
		_, err := o.svc.Decide(ctx, o.actor("city-procurement"), duoyun.Once{}, task.ID, broker.Decision{Verdict: broker.Approve})
		o.refused(err, duoyun.CodeShortage, "2026 年度（信息系统运行维护费）", "申报限额 2000.00 元", "核减", "改选", "提高限额")
		o.state(order.ID, duoyun.OrderRecommended)
		if got := o.task(order, duoyun.TaskConfirmSupplier, "city-procurement"); got.State != duoyun.TaskPending {
			o.Errorf("the task is %s", got.State)
		}
		o.decide(order, duoyun.TaskConfirmSupplier, "city-procurement", broker.Return)
		o.state(order.ID, duoyun.OrderReturned)
	})
}

func TestAnOrderThatWasCutToItsMoneyGoesOn(t *testing.T) {
	inOffice(t, func(o *office) {
		order := o.submit(o.doc(small, `limit: "90000"`, `limit: "2000"`))
		task := o.task(order, duoyun.TaskReview, "city-reviewer")
		cuts := []duoyun.Cut{{Line: "app", Approved: 1, Reason: "一台足够"}, {Line: "data", Approved: 1, Reason: "随主机"}}
		if _, err := o.svc.CutBack(ctx, o.actor("city-reviewer"), duoyun.Once{}, task.ID, cuts, ""); err != nil {
			o.Fatal(err)
		}
		o.confirm(order, "telecom-1")
		o.state(order.ID, duoyun.OrderSigning)
	})
}

func TestMoneyOfAYearToComeIsAdvisory(t *testing.T) {
	inOffice(t, func(o *office) {
		doc := o.doc(small, "months: 1", "months: 3", `limit: "90000"}`, `limit: "90000"}, {year: 2027, item: 信息系统运行维护费, limit: "1", status: intent}`)
		order, _ := o.recommended(doc)
		o.confirm(order, "telecom-1")
		o.state(order.ID, duoyun.OrderSigning)
		if kinds := strings.Join(o.findings(), " "); !strings.Contains(kinds, "over_funding") {
			o.Errorf("findings: %s", kinds)
		}
	})
}

func TestAChangeAboveTheMoneyAskedForIsNotSigned(t *testing.T) {
	inOffice(t, func(o *office) {
		bought := o.bought(o.doc(small))
		app := o.one(bought, "app")
		doc := o.doc("form: change\nagency: suqian/hrss\npayer: suqian/data\nfunding: [{year: 2026, item: 信息系统运行维护费, limit: \"1\"}]\nlines:\n" +
			"  - {resource: " + app.Number + ", action: resize, kind: server, spec: {vcpu: 8, ram_gib: 32}}\n")
		order := o.submit(doc)
		task := o.task(order, duoyun.TaskReview, "city-reviewer")
		_, err := o.svc.Decide(ctx, o.actor("city-reviewer"), duoyun.Once{}, task.ID, broker.Decision{Verdict: broker.Approve})
		o.refused(err, duoyun.CodeShortage, "2026 年度", "申报限额 1.00 元")
		o.state(order.ID, duoyun.OrderReviewing)
	})
}
