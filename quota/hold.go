package quota

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"github.com/duoyun/duoyun"
)

// Charge is what one resource shall take. Missing parts take nothing: a renewal has no Quota, a network no money.
type Charge struct {
	ResourceID string
	Agency     duoyun.Agency
	PoolID     string
	ContractID string
	Payer      string // agency id
	Item       string // budget item
	Years      []duoyun.YearFen
	Intent     map[int]bool // years funded as intent 跨年意向
	Quota      map[duoyun.Dimension]int64
}

// maxAmount bounds one amount, so that no sum of an order's amounts leaves int64.
const maxAmount = 1_000_000_000_000_000

// Hold takes what the charges need on contract ceilings, pool capacities, budgets and quotas, all or nothing, in the
// design's lock order; call it last before the transaction ends. CodeShortage names every row that has not enough, with
// what was asked and what is left; the transaction must then be rolled back.
//
// The present budget year is hard: without an issued budget nothing is held. A later year may be an intent: when it is
// funded as such, or the payer's budget of that year is not issued yet, what is held is counted without a limit.
func (s *Service) Hold(ctx context.Context, tx *sql.Tx, orderID string, charges []Charge) error {
	if err := checkCharges(charges); err != nil {
		return err
	}
	l, err := s.ledger(ctx, tx, charges)
	if err != nil {
		return err
	}
	if err := s.missing(ctx, tx, l); err != nil {
		return err
	}
	holds := make([]duoyun.Hold, 0, 16*len(charges))
	sums := map[string]int64{}
	for _, c := range charges {
		l.each(c, func(r Row, amount int64) {
			sums[r.ID] += amount
			holds = append(holds, duoyun.Hold{ID: duoyun.NewID(s.now()), OrderID: orderID, ResourceID: c.ResourceID,
				Kind: r.Kind, RowID: r.ID, Amount: amount, State: duoyun.HoldHeld})
		})
	}
	if err := s.store.InsertHolds(ctx, tx, holds); err != nil {
		return err
	}
	return s.charge(ctx, tx, l.rows(), sums)
}

// charge adds the sums to their rows in lock order; a row that has not enough left makes it a shortage.
func (s *Service) charge(ctx context.Context, tx *sql.Tx, rows []Row, sums map[string]int64) error {
	rows = slices.DeleteFunc(rows, func(r Row) bool { return sums[r.ID] == 0 })
	inLockOrder(rows)
	amounts := make([]Amount, len(rows))
	for i, r := range rows {
		amounts[i] = Amount{Kind: r.Kind, RowID: r.ID, Add: sums[r.ID]}
	}
	short, err := s.store.Charge(ctx, tx, amounts)
	if err != nil || short < 0 {
		return err
	}
	return s.shortage(ctx, tx, rows[short:], sums)
}

func checkCharges(charges []Charge) error {
	var f duoyun.Faults
	for i, c := range charges {
		path := fmt.Sprintf("charges[%d]", i)
		if c.ResourceID == "" {
			f.Add(path+".resource", "", "冻结须写明资源", "a hold names its resource")
		}
		for _, y := range c.Years {
			checkAmount(&f, fmt.Sprintf("%s.years.%d", path, y.Year), int64(y.Amount))
			if y.Amount != 0 && (c.Payer == "" || c.Item == "") {
				f.Add(path+".payer", c.Payer+" "+c.Item, "资金须写明付费单位和预算科目", "money names its payer and budget item")
			}
		}
		if len(c.Quota) > 0 && c.Agency.Ancestors == [duoyun.MaxDepth]string{} {
			f.Add(path+".agency", c.Agency.Code, "配额须写明使用单位", "a quota is charged to an agency")
		}
		for _, d := range slices.Sorted(maps.Keys(c.Quota)) {
			checkAmount(&f, path+".quota."+string(d), c.Quota[d])
			if !slices.Contains(duoyun.Dimensions(), d) {
				f.Add(path+".quota", string(d), "未知的配额维度", "no such quota dimension")
			}
		}
	}
	return f.Err()
}

func checkAmount(f *duoyun.Faults, path string, n int64) {
	if n < 0 || n > maxAmount {
		f.Add(path, fmt.Sprint(n), "冻结数量不能为负，也不能超出上限", "an amount is neither negative nor beyond all bounds")
	}
}

// Commit turns the holds of resources into commitments; repeating it changes nothing.
func (s *Service) Commit(ctx context.Context, tx *sql.Tx, resourceIDs []string) error {
	return s.store.CommitHolds(ctx, tx, resourceIDs)
}
