package procurement

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
)

// PriceInput is one price of one item.
type PriceInput struct {
	Item      duoyun.Item
	Name      string
	Per       string // month | hour | once
	Unit      string
	Price     duoyun.Price // yuan per unit and period
	ListPrice duoyun.Price // zero: the same as Price
	Ceiling   duoyun.Price // 最高限价; zero: none
	From      duoyun.Date  // first day; zero: the contract's first, or, for a later price, today
	Until     duoyun.Date  // first day it no longer holds; zero: open
}

// SetPrices adds prices to a contract (procurement). A price of an item that has an open one supersedes it from its
// first day, which may not lie in the past; any other overlap is refused. It returns every price of the contract.
func (s *Service) SetPrices(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string, in []PriceInput) ([]duoyun.PriceItem, error) {
	if err := actor.Need(duoyun.RoleProcurement); err != nil {
		return nil, err
	}
	id, err := s.create(ctx, actor, once, "contract.prices", "contract", func(tx *sql.Tx) (string, error) {
		c, err := s.store.LockContract(ctx, tx, key)
		if err != nil {
			return "", err
		}
		if c.State == StateTerminated {
			return "", terminated(c)
		}
		return c.ID, s.setPrices(ctx, tx, c, slices.Clone(in))
	})
	if err != nil {
		return nil, err
	}
	return s.store.ContractPrices(ctx, id)
}

func (s *Service) setPrices(ctx context.Context, tx *sql.Tx, c duoyun.Contract, in []PriceInput) error {
	today := duoyun.DateOf(s.business())
	for i := range in {
		if in[i].From.IsZero() {
			in[i].From = today
		}
	}
	var f duoyun.Faults
	if len(in) == 0 {
		f.Add("items", "", "须写明至少一个计价项", "at least one price")
	}
	checkPrices(&f, in, c.Start, c.End)
	if err := f.Err(); err != nil {
		return err
	}
	there, err := s.store.PriceItems(ctx, tx, c.ID)
	if err != nil {
		return err
	}
	ended, err := supersede(there, in, today)
	if err != nil {
		return err
	}
	for _, i := range ended {
		if err := s.store.EndPriceItem(ctx, tx, i.ID, i.Until); err != nil {
			return err
		}
	}
	return s.addPrices(ctx, tx, c, in)
}

// supersede ends the open prices that new ones follow, and faults every other overlap.
func supersede(there []duoyun.PriceItem, in []PriceInput, today duoyun.Date) ([]duoyun.PriceItem, error) {
	var f duoyun.Faults
	var ended []duoyun.PriceItem
	for n, p := range in {
		path := fmt.Sprintf("items[%d]", n)
		for i, old := range there {
			if old.Item != p.Item {
				continue
			}
			if old.Per != p.Per || old.Unit != p.Unit && fits(old.Item, old.Unit) { // a unit that never fitted is put right
				f.Add(path+".per", p.Per+" "+clip(p.Unit), "同一计价项的计价周期和单位不能改变："+old.Per+" "+old.Unit, "period and unit of an item do not change: "+old.Per+" "+old.Unit)
			}
			switch {
			case !p.overlaps(old):
			case old.Until.IsZero() && old.From.Before(p.From.Time()):
				if p.From.Before(today) {
					f.Add(path+".from", p.From.String(), "新价格不能从过去的日期起替换现行价格", "a new price does not supersede the present one from a day in the past")
				}
				there[i].Until = p.From.Time()
				ended = append(ended, there[i])
			default:
				f.Add(path+".from", p.From.String(), "与现有价格的有效期重叠", "overlaps the validity of a price there is")
			}
		}
	}
	return ended, f.Err()
}

func (in PriceInput) overlaps(i duoyun.PriceItem) bool {
	return (in.Until.IsZero() || i.From.Before(in.Until.Time())) && (i.Until.IsZero() || in.From.Time().Before(i.Until))
}

func (s *Service) addPrices(ctx context.Context, tx *sql.Tx, c duoyun.Contract, in []PriceInput) error {
	items := make([]duoyun.PriceItem, len(in))
	for n, p := range in {
		i := duoyun.PriceItem{ID: duoyun.NewID(s.now()), ContractID: c.ID, Item: p.Item, Name: p.Name, Per: p.Per, Unit: p.Unit,
			Price: p.Price, ListPrice: p.ListPrice, Ceiling: p.Ceiling, From: p.From.Time()}
		if i.ListPrice.IsZero() {
			i.ListPrice = i.Price
		}
		if !p.Until.IsZero() {
			i.Until = p.Until.Time()
		}
		items[n] = i
	}
	return s.store.InsertPriceItems(ctx, tx, items)
}

// maxPrice is a million yuan a unit: more is a slip of the pen.
func maxPrice() duoyun.Price { return duoyun.MustPrice("1000000") }

// maxPrices is how many prices one call may bring.
const maxPrices = 500

func checkPrices(f *duoyun.Faults, in []PriceInput, start, end duoyun.Date) {
	if len(in) > maxPrices {
		f.Add("items", fmt.Sprint(len(in)), fmt.Sprintf("最多 %d 个计价项", maxPrices), fmt.Sprintf("at most %d prices", maxPrices))
		return
	}
	for n, p := range in {
		p.check(f, fmt.Sprintf("items[%d]", n), start, end)
	}
	checkOverlaps(f, in)
}

// checkOverlaps faults prices of one item that hold at the same time.
func checkOverlaps(f *duoyun.Faults, in []PriceInput) {
	order := make([]int, len(in))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(in[a].Item, in[b].Item), in[a].From.Time().Compare(in[b].From.Time()))
	})
	for k := 1; k < len(order); k++ {
		a, b := in[order[k-1]], in[order[k]]
		if a.Item == b.Item && (a.Until.IsZero() || b.From.Before(a.Until)) {
			f.Add(fmt.Sprintf("items[%d].from", order[k]), b.From.String(), "同一计价项的有效期重叠："+clip(string(b.Item)), "validities of one item overlap: "+clip(string(b.Item)))
		}
	}
}

func (in PriceInput) check(f *duoyun.Faults, path string, start, end duoyun.Date) {
	checkItem(f, path+".item", in.Item)
	line(f, path+".name", in.Name, 1, 60)
	checkUnit(f, path+".unit", in.Item, in.Unit)
	oneOf(f, path+".per", in.Per, "month", "hour", "once")
	if !in.Ceiling.IsZero() && in.Price.Cmp(in.Ceiling) > 0 {
		f.Add(path+".price", in.Price.String(), "不得高于最高限价 "+in.Ceiling.String(), "must not exceed the ceiling of "+in.Ceiling.String())
	}
	for _, p := range []struct {
		name string
		duoyun.Price
	}{{".price", in.Price}, {".list_price", in.ListPrice}, {".ceiling", in.Ceiling}} {
		if p.Cmp(maxPrice()) > 0 {
			f.Add(path+p.name, p.String(), "不能超过 "+maxPrice().String()+" 元", "must not exceed "+maxPrice().String()+" yuan")
		}
	}
	if in.From.Before(start) || !in.From.Before(end) {
		f.Add(path+".from", in.From.String(), "应在合同期内："+start.String()+" 至 "+end.String(), "must lie within the term: "+start.String()+" to "+end.String())
	}
	if !in.Until.IsZero() && (!in.From.Before(in.Until) || end.Before(in.Until)) {
		f.Add(path+".until", in.Until.String(), "应晚于开始日期，且不晚于合同结束 "+end.String(), "must follow the first day and not the end of the contract, "+end.String())
	}
}

// checkItem asks for the code of a price item: vcpu, disk_ssd_gib, or service: and the name of the work.
func checkItem(f *duoyun.Faults, path string, item duoyun.Item) {
	if name, ok := strings.CutPrefix(string(item), "service:"); ok {
		line(f, path, name, 1, 40)
		return
	}
	code(f, path, string(item))
}

// checkUnit asks that an item is priced in what it is metered in, so that quantity times price is what was agreed.
func checkUnit(f *duoyun.Faults, path string, item duoyun.Item, unit string) {
	line(f, path, unit, 1, 20)
	if !fits(item, unit) {
		meter := clip(string(item))
		f.Add(path, clip(unit), "计价项 "+meter+" 按 "+item.Units()[0]+" 计量，单位应为："+strings.Join(item.Units(), "、"),
			meter+" is metered in "+item.Units()[0]+": the unit must be one of "+strings.Join(item.Units(), ", "))
	}
}

func fits(item duoyun.Item, unit string) bool {
	units := item.Units()
	return len(units) == 0 || slices.Contains(units, unit)
}
