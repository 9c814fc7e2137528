package procurement_test

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/procurement"
)

func vcpu(price, from, until string) procurement.PriceInput {
	p := procurement.PriceInput{Item: "vcpu", Name: "vCPU", Per: "month", Unit: "核", Price: duoyun.MustPrice(price)}
	if from != "" {
		p.From = date(from)
	}
	if until != "" {
		p.Until = date(until)
	}
	return p
}

func contract(items ...procurement.PriceInput) procurement.ContractInput {
	return procurement.ContractInput{Number: "SQ-C-9", Supplier: "jd-suqian", Name: "京东云 2026", Start: date("2026-06-01"), End: date("2028-06-01"),
		Ceiling: 100_000_000, Rules: duoyun.ContractRules{TaxPercent: duoyun.MustPrice("6")}, Items: items}
}

func TestAContractIsSignedWithItsPrices(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := context.Background()
		c, err := b.svc.CreateContract(ctx, b.officer(t), duoyun.Once{}, contract(vcpu("45", "", "2027-01-01"), vcpu("44", "2027-01-01", "")))
		wantCode(t, err, "")
		if c.State != procurement.StateActive || c.Rules.Proration != duoyun.ProrateByDay || c.Allocation != "score" || c.Ceiling != 100_000_000 {
			t.Fatalf("contract %+v", c)
		}
		prices, err := b.svc.Prices(ctx, b.Actor(t, "sup-jd"), "SQ-C-9")
		wantCode(t, err, "")
		if len(prices) != 2 || prices[0].From != date("2026-06-01").Time().UTC() || prices[0].ListPrice.String() != "45" {
			t.Fatalf("prices %+v", prices)
		}
		for login, code := range map[string]duoyun.Code{"sup-telecom": duoyun.CodeNotFound, "hrss-applicant": duoyun.CodeForbidden, "city-finance": ""} {
			_, err := b.svc.Contract(ctx, b.Actor(t, login), "SQ-C-9")
			wantCode(t, err, code)
		}
		l, err := b.svc.Contracts(ctx, b.Actor(t, "city-auditor"), procurement.ContractFilter{Supplier: "jd-suqian", State: "active"}, duoyun.Page{})
		wantCode(t, err, "")
		if len(l.Items) != 2 {
			t.Fatalf("contracts %+v", l.Items)
		}
	})
}

func TestABadContractIsRefusedWithEveryFault(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		over := vcpu("46", "", "")
		over.Ceiling = duoyun.MustPrice("45.5")
		in := contract(over, vcpu("1", "2026-07-01", "2026-08-01"), vcpu("1", "2020-01-01", "2020-01-01"), procurement.PriceInput{Item: "bad item", Per: "year", Name: "x", Unit: "y", Price: duoyun.MustPrice("1000001")})
		in.End, in.Ceiling, in.Share, in.Allocation, in.Number = date("2026-06-01"), 0, 101, "lottery", ""
		in.Rules = duoyun.ContractRules{Proration: "weekly", TaxPercent: duoyun.MustPrice("101")}
		in.SLA = duoyun.SLAClause{Tiers: []duoyun.SLATier{{Below: duoyun.MustPrice("99"), Credit: duoyun.MustPrice("10")}, {Below: duoyun.MustPrice("99.9"), Credit: duoyun.MustPrice("5")}}}
		_, err := b.svc.CreateContract(context.Background(), b.officer(t), duoyun.Once{}, in)
		wantFaults(t, err, "number", "end", "ceiling", "rules.proration", "rules.tax_percent", "sla.tiers[1]", "allocation", "share",
			"items[0].price", "items[0].from", "items[1].from", "items[1].until", "items[2].from", "items[2].until",
			"items[3].item", "items[3].per", "items[3].price", "items[3].from", "items[1].from")
		_, err = b.svc.CreateContract(context.Background(), b.officer(t), duoyun.Once{}, contract(make([]procurement.PriceInput, 100_000)...))
		wantFaults(t, err, "items")
		_, err = b.svc.Contract(context.Background(), b.officer(t), "SQ-C-9")
		wantCode(t, err, duoyun.CodeNotFound)
	})
}

func TestAPriceIsInTheUnitOfItsMeter(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := context.Background()
		priced := func(item, unit string) procurement.PriceInput {
			return procurement.PriceInput{Item: duoyun.Item(item), Name: item, Per: "month", Unit: unit, Price: duoyun.MustPrice("1")}
		}
		_, err := b.svc.CreateContract(ctx, b.officer(t), duoyun.Once{}, contract(priced("ram_gib", "GB"), priced("disk_ssd_gib", "GiB"), priced("bandwidth_mbps", "GiB"),
			priced("vcpu", "vCPU"), priced("service:数据迁移", "GB"), priced("address", "Mbps")))
		wantFaults(t, err, "items[0].unit", "items[2].unit", "items[5].unit")
		f := err.(*duoyun.Error).Faults[0]
		if f.Given != "GB" || f.Rule.ZH != "计价项 ram_gib 按 GiB 计量，单位应为：GiB" {
			t.Errorf("%+v", f)
		}
		// A contract that was written down in GB, before this was asked, is put right by its next price.
		_, err = b.svc.CreateContract(ctx, b.officer(t), duoyun.Once{}, contract(priced("ram_gib", "GiB")))
		wantCode(t, err, "")
		wantCode(t, b.Store.InTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE price_items SET unit = 'GB' WHERE item = 'ram_gib'`)
			return err
		}), "")
		next := priced("ram_gib", "GiB")
		next.From = date("2027-01-01")
		_, err = b.svc.SetPrices(ctx, b.officer(t), duoyun.Once{}, "SQ-C-9", []procurement.PriceInput{next})
		wantCode(t, err, "")
	})
}

func TestANewPriceSupersedesTheOpenOneFromItsFirstDay(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := context.Background()
		set := func(in ...procurement.PriceInput) ([]duoyun.PriceItem, error) {
			return b.svc.SetPrices(ctx, b.officer(t), duoyun.Once{}, "SQ-C-9", in)
		}
		_, err := b.svc.CreateContract(ctx, b.officer(t), duoyun.Once{}, contract(vcpu("45", "", "")))
		wantCode(t, err, "")
		_, err = set(vcpu("44", "2026-11-24", "")) // yesterday
		wantFaults(t, err, "items[0].from")
		prices, err := set(vcpu("44", "2027-01-01", ""))
		wantCode(t, err, "")
		if len(prices) != 2 || prices[0].Until != prices[1].From || prices[1].Price.String() != "44" {
			t.Fatalf("prices %+v", prices)
		}
		_, err = set(vcpu("43", "2026-12-01", "")) // over what has been agreed
		wantFaults(t, err, "items[0].from", "items[0].from")
		hourly := vcpu("0.06", "2027-06-01", "")
		hourly.Per = "hour"
		_, err = set(hourly)
		wantCode(t, err, duoyun.CodeInvalid)
		_, err = set()
		wantFaults(t, err, "items")
		_, err = b.svc.SetPrices(ctx, b.Actor(t, "sup-jd"), duoyun.Once{}, "SQ-C-9", []procurement.PriceInput{vcpu("1", "2027-02-01", "")})
		wantCode(t, err, duoyun.CodeForbidden)
	})
}

func TestAContractIsSuspendedAndNeverLoweredBelowItsUse(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, suspended, terminated, low, low2 := context.Background(), "suspended", "terminated", duoyun.Fen(99), int64(200)
		wantCode(t, b.Store.InTx(ctx, func(tx *sql.Tx) error {
			_, err := tx.Exec(`UPDATE contracts SET used = 100 WHERE number = 'SQ-C-1'`)
			return err
		}), "")
		_, err := b.svc.UpdateContract(ctx, b.officer(t), "SQ-C-1", procurement.ContractUpdate{Ceiling: &low})
		wantCode(t, err, duoyun.CodeConflict)
		if zh := err.(*duoyun.Error).Message.ZH; !strings.Contains(zh, "0.99 元低于已冻结和已承诺的 1.00 元") {
			t.Fatal(zh)
		}
		_, err = b.svc.UpdateContract(ctx, b.officer(t), "SQ-C-1", procurement.ContractUpdate{Share: &low2, State: new(string)})
		wantFaults(t, err, "share", "state")
		c, err := b.svc.UpdateContract(ctx, b.officer(t), "SQ-C-1", procurement.ContractUpdate{State: &suspended})
		wantCode(t, err, "")
		if c.State != suspended || c.Ceiling != 1_000_000_000 {
			t.Fatalf("contract %+v", c)
		}
		_, err = b.svc.UpdateContract(ctx, b.officer(t), "SQ-C-1", procurement.ContractUpdate{State: &terminated})
		wantCode(t, err, "")
		_, err = b.svc.UpdateContract(ctx, b.officer(t), "SQ-C-1", procurement.ContractUpdate{State: &suspended})
		wantCode(t, err, duoyun.CodeConflict)
	})
}

func (b *bench) offersAt(t *testing.T, day string) (offers []duoyun.Offer) {
	t.Helper()
	wantCode(t, b.Store.InTx(context.Background(), func(tx *sql.Tx) (err error) {
		offers, err = b.svc.OffersAt(context.Background(), tx, date(day).Time())
		return err
	}), "")
	return offers
}

func TestOffersArePoolsUnderContractsInForceInOneOrder(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx, off := context.Background(), false
		offers := b.offersAt(t, "2026-11-25")
		var names []string
		for _, o := range offers {
			names = append(names, o.Pool.Code+" "+o.Contract.Number)
			if len(o.Items) != 17 || o.Supplier.ID != o.Pool.SupplierID || o.Pool.Account != nil {
				t.Errorf("offer %+v", o)
			}
		}
		if got := strings.Join(names, ", "); got != "jd-1 SQ-C-2, people-1 SQ-C-1, telecom-1 SQ-C-1" {
			t.Fatal(got)
		}
		if p, ok := offers[0].PriceAt("vcpu", b.today); !ok || p.Price.String() != "48" {
			t.Fatalf("price %+v", p)
		}
		if len(b.offersAt(t, "2025-12-31")) != 0 || len(b.offersAt(t, "2029-01-01")) != 0 {
			t.Fatal("offers outside the term")
		}
		_, err := b.svc.UpdatePool(ctx, b.officer(t), "jd-1", procurement.PoolUpdate{Active: &off})
		wantCode(t, err, "")
		suspended := procurement.StateSuspended
		_, err = b.svc.UpdateContract(ctx, b.officer(t), "SQ-C-1", procurement.ContractUpdate{State: &suspended})
		wantCode(t, err, "")
		if left := b.offersAt(t, "2026-11-25"); len(left) != 0 {
			t.Fatalf("offers %+v", left)
		}
		for _, pair := range [][2]string{{"jd-1", "SQ-C-2"}, {"telecom-1", "SQ-C-1"}} {
			wantCode(t, b.Store.InTx(ctx, func(tx *sql.Tx) error {
				_, err := b.svc.OfferAt(ctx, tx, b.ID(pair[0]), b.ID(pair[1]), b.today)
				return err
			}), duoyun.CodeConflict)
		}
		wantCode(t, b.Store.InTx(ctx, func(tx *sql.Tx) error {
			_, err := b.svc.OfferAt(ctx, tx, b.ID("jd-1"), b.ID("SQ-C-1"), b.today)
			return err
		}), duoyun.CodeNotFound)
	})
}

func TestDepartmentsSeeWhatCanBeBoughtFromWhomAtWhatPrice(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ctx := context.Background()
		list := func(login string, f procurement.OfferFilter) (out []string) {
			t.Helper()
			for p := (duoyun.Page{Limit: 2}); ; {
				l, err := b.svc.Offers(ctx, b.Actor(t, login), f, p)
				wantCode(t, err, "")
				for _, o := range l.Items {
					out = append(out, o.Pool.Code+" "+string(o.Item.Item)+" "+o.Item.Price.String())
					if o.Pool.Account != nil || o.Contract == "" {
						t.Errorf("offer %+v", o)
					}
				}
				if p.After = l.Next; l.Next == "" {
					return out
				}
			}
		}
		if got := list("hrss-applicant", procurement.OfferFilter{Item: "vcpu"}); len(got) != 2 {
			t.Fatal(got)
		}
		if got := list("hrss-applicant", procurement.OfferFilter{Kind: duoyun.KindService}); len(got) != 1 || got[0] != "people-1 service:迁移服务 1500" {
			t.Fatal(got)
		}
		if got := list("sup-jd", procurement.OfferFilter{Site: "suqian"}); len(got) != 16 {
			t.Fatal(got)
		}
		if got := list("hrss-applicant", procurement.OfferFilter{Site: "' OR 1=1 --"}); len(got) != 0 {
			t.Fatal(got)
		}
		for kind, items := range map[duoyun.Kind]int{duoyun.KindServer: 3, duoyun.KindDatabase: 5, duoyun.KindCache: 1} {
			if got := list("hrss-applicant", procurement.OfferFilter{Kind: kind, Supplier: "jd-suqian"}); len(got) != items {
				t.Fatal(got)
			}
		}
	})
}
