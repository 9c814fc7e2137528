package quota_test

import (
	"context"
	"database/sql"
	"math"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/store/storetest"
)

func TestAHoldChargesContractPoolBudgetsAndEveryAgencyUpwards(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		order, rs := b.order(t, storetest.HRSS, 2)
		wantCode(t, b.hold(order, b.server(t, rs[0]), b.server(t, rs[1])), "")
		b.wantUsed(t, map[string]int64{"contract": 200_000, "pool": 242, "2026": 20_000, "2027": 180_000, "quota": 2 * 242})
	})
}

func TestCommittingAndReleasingTwiceIsHarmless(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		order, rs := b.order(t, storetest.HRSS, 2)
		wantCode(t, b.hold(order, b.server(t, rs[0]), b.server(t, rs[1])), "")
		for range 2 {
			b.tx(t, func(tx *sql.Tx) error { return b.svc.Commit(context.Background(), tx, rs) })
		}
		for range 2 {
			b.release(t, quota.Free{ResourceID: rs[0]})
		}
		b.wantUsed(t, map[string]int64{"contract": 100_000, "pool": 121, "2026": 10_000, "2027": 90_000, "quota": 242})
		b.release(t, quota.Free{ResourceID: rs[0]}, quota.Free{ResourceID: rs[1]}, quota.Free{ResourceID: "no such"})
		b.wantUsed(t, map[string]int64{"contract": 0, "pool": 0, "2026": 0, "2027": 0, "quota": 0})
	})
}

func TestMoneyKeepsWhatAccruedAndNeverMoreThanWasHeld(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		order, rs := b.order(t, storetest.HRSS, 2)
		wantCode(t, b.hold(order, b.server(t, rs[0]), b.server(t, rs[1])), "")
		accrued := []duoyun.YearFen{{Year: 2026, Amount: 2_500}, {Year: 2027, Amount: -7}, {Year: 2030, Amount: 1}}
		b.release(t, quota.Free{ResourceID: rs[0], Accrued: accrued})
		b.release(t, quota.Free{ResourceID: rs[0]}) // what accrued stays
		b.wantUsed(t, map[string]int64{"contract": 100_000 + 2_501, "pool": 121, "2026": 12_500, "2027": 90_000, "quota": 242})
		b.release(t, quota.Free{ResourceID: rs[1], Accrued: []duoyun.YearFen{{Year: 2026, Amount: math.MaxInt64 / 4}}})
		b.wantUsed(t, map[string]int64{"contract": 100_000 + 2_501, "pool": 0, "2026": 12_500, "2027": 0, "quota": 0})
	})
}

func TestAShortageNamesEveryRowThatIsShortInBothLanguages(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		setLimit(t, b, storetest.HRSS, duoyun.QuotaVCPU, 3)
		setLimit(t, b, storetest.City, duoyun.QuotaRAMGiB, 10)
		order, rs := b.order(t, storetest.HRSS, 1)
		c := b.server(t, rs[0])
		c.Years[0].Amount = 100_000_001
		err := b.hold(order, c)
		wantCode(t, err, duoyun.CodeShortage)
		m := err.(*duoyun.Error).Message
		for _, want := range []string{"宿迁市数据局 2026 年度预算（信息系统运行维护费）不足：需 1000000.01 元，剩余 1000000.00 元",
			"宿迁市人力资源和社会保障局的配额 vCPU（核）不足：需 4，剩余 3", "宿迁市的配额 内存（GiB）不足：需 16，剩余 10"} {
			if !strings.Contains(m.ZH, want) {
				t.Errorf("%q lacks %q", m.ZH, want)
			}
		}
		if !strings.Contains(m.EN, "2026 budget of") || !strings.Contains(m.EN, "1000000.01 yuan asked") || strings.ContainsAny(m.ZH+m.EN, "%") {
			t.Errorf("English: %q", m.EN)
		}
		b.wantUsed(t, map[string]int64{"contract": 0, "pool": 0, "2026": 0, "2027": 0, "quota": 0})
	})
}

func TestContractCeilingAndPoolCapacityAreLimitsToo(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		order, rs := b.order(t, storetest.HRSS, 1)
		b.tx(t, func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE contracts SET lim = 99999`)
			return err
		})
		err := b.hold(order, b.server(t, rs[0]))
		wantCode(t, err, duoyun.CodeShortage)
		if zh := err.(*duoyun.Error).Message.ZH; !strings.Contains(zh, "合同 SQ-C-1 的总价不足：需 1000.00 元，剩余 999.99 元") {
			t.Error(zh)
		}
		b.tx(t, func(tx *sql.Tx) error {
			if _, err := tx.Exec(`UPDATE contracts SET lim = NULL`); err != nil {
				return err
			}
			three := int64(3)
			_, err := b.Store.SetCapacity(context.Background(), tx, b.ID("telecom-1"), duoyun.QuotaVCPU, &three)
			return err
		})
		err = b.hold(order, b.server(t, rs[0]))
		wantCode(t, err, duoyun.CodeShortage)
		if zh := err.(*duoyun.Error).Message.ZH; !strings.Contains(zh, "资源池 telecom-1 的容量 vCPU（核）不足：需 4，剩余 3") {
			t.Error(zh)
		}
		b.tx(t, func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE contracts SET state = 'suspended'`)
			return err
		})
		err = b.hold(order, b.server(t, rs[0]))
		wantCode(t, err, duoyun.CodeShortage)
		if zh := err.(*duoyun.Error).Message.ZH; !strings.Contains(zh, "合同 SQ-C-1 已暂停或终止") {
			t.Error(zh)
		}
		b.wantUsed(t, map[string]int64{"contract": 0, "pool": 0, "quota": 0})
	})
}

func TestThePresentYearIsHardAndLaterYearsMayBeIntents(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		order, rs := b.order(t, storetest.HRSS, 4)
		c := b.server(t, rs[0])
		c.Item, c.Intent = "写错的科目", map[int]bool{2026: true, 2027: true} // an intent never opens the present year
		err := b.hold(order, c)
		wantCode(t, err, duoyun.CodeShortage)
		if zh := err.(*duoyun.Error).Message.ZH; !strings.Contains(zh, "宿迁市数据局 2026 年度预算（写错的科目）尚未下达：需 100.00 元") {
			t.Error(zh)
		}
		c = b.server(t, rs[0])
		c.Intent = nil // 2027 is not issued at all: an intent by itself
		wantCode(t, b.hold(order, c), "")
		finance := b.Actor(t, "city-finance")
		_, err = b.svc.SetBudget(context.Background(), finance, duoyun.Once{}, quota.BudgetInput{Payer: storetest.Data, Year: 2027, Item: storetest.Item, Limit: 150_000})
		wantCode(t, err, "")
		wantCode(t, b.hold(order, b.server(t, rs[1])), duoyun.CodeShortage) // now it is hard
		c = b.server(t, rs[2])
		c.Item, c.Years, c.Intent = "别的科目", c.Years[1:], nil
		wantCode(t, b.hold(order, c), duoyun.CodeShortage) // the year is issued without this item
		c.Intent = map[int]bool{2027: true}
		wantCode(t, b.hold(order, c), "")
		b.today = duoyun.Date{Year: 2027, Month: 1, Day: 1}.Time()
		c.ResourceID = rs[3]
		wantCode(t, b.hold(order, c), duoyun.CodeShortage) // its year has come, and it is still not issued
		b.wantUsed(t, map[string]int64{"contract": 190_000, "2026": 10_000, "2027": 180_000})
	})
}

func TestAResizeTakesMoreAtOnceAndGivesBackWhenVerified(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := context.Background()
		order, rs := b.order(t, storetest.HRSS, 1)
		wantCode(t, b.hold(order, b.server(t, rs[0])), "")
		change, _ := b.order(t, storetest.HRSS, 0)
		d := b.server(t, rs[0])
		d.Years = []duoyun.YearFen{{Year: 2026, Amount: 500}, {Year: 2027, Amount: -30_000}}
		d.Quota = map[duoyun.Dimension]int64{duoyun.QuotaVCPU: 4, duoyun.QuotaRAMGiB: -8}
		b.tx(t, func(tx *sql.Tx) error { return b.svc.Resize(ctx, tx, change, d) })
		b.wantUsed(t, map[string]int64{"contract": 100_500, "pool": 125, "2026": 10_500, "2027": 90_000, "quota": 250})
		b.tx(t, func(tx *sql.Tx) error { return b.svc.Shrink(ctx, tx, d) })
		b.wantUsed(t, map[string]int64{"contract": 70_500, "pool": 117, "2026": 10_500, "2027": 60_000, "quota": 234})
		for range 2 {
			b.tx(t, func(tx *sql.Tx) error { return b.svc.Undo(ctx, tx, change, rs) })
		}
		b.release(t, quota.Free{ResourceID: rs[0]})
		b.wantUsed(t, map[string]int64{"contract": 0, "pool": 0, "2026": 0, "2027": 0, "quota": 0})
	})
}

func TestAReleaseFreesTheRowsThatWereChargedThoughTheTreeHasChanged(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		order, rs := b.order(t, storetest.HRSS, 1)
		wantCode(t, b.hold(order, b.server(t, rs[0])), "")
		b.tx(t, func(tx *sql.Tx) error { // HRSS becomes a root of its own
			_, err := tx.Exec(`UPDATE agencies SET parent_id = NULL, depth = 1, a1 = id, a2 = '' WHERE id = $1`, b.ID(storetest.HRSS))
			return err
		})
		b.release(t, quota.Free{ResourceID: rs[0]})
		b.wantUsed(t, map[string]int64{"contract": 0, "pool": 0, "quota": 0})
	})
}

func TestHostileChargesAreRefusedAndChangeNothing(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		order, rs := b.order(t, storetest.HRSS, 1)
		for name, spoil := range map[string]func(c *quota.Charge){
			"negative money":    func(c *quota.Charge) { c.Years[0].Amount = -1 },
			"endless money":     func(c *quota.Charge) { c.Years[0].Amount = math.MaxInt64 },
			"negative quota":    func(c *quota.Charge) { c.Quota[duoyun.QuotaVCPU] = -1 },
			"endless quota":     func(c *quota.Charge) { c.Quota[duoyun.QuotaVCPU] = math.MaxInt64 },
			"unknown dimension": func(c *quota.Charge) { c.Quota["vcpu' OR 1=1 --"] = 1 },
			"no resource":       func(c *quota.Charge) { c.ResourceID = "" },
			"no payer":          func(c *quota.Charge) { c.Payer = "" },
			"no agency":         func(c *quota.Charge) { c.Agency = duoyun.Agency{} },
		} {
			c := b.server(t, rs[0])
			spoil(&c)
			if err := b.hold(order, c); duoyun.CodeOf(err) != duoyun.CodeInvalid {
				t.Errorf("%s: %v", name, err)
			}
		}
		wantCode(t, b.hold(order), "")
		b.wantUsed(t, map[string]int64{"contract": 0, "pool": 0, "2026": 0, "quota": 0})
	})
}
