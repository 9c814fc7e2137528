package quota

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/duoyun/duoyun"
)

// ledger is the rows that a set of charges falls on.
type ledger struct {
	contracts map[string]Row
	pools     map[CapacityKey]Row
	budgets   map[BudgetKey]Row
	quotas    map[QuotaKey]Row
	hard      []BudgetKey // asked for, not there or not issued, and not to be had as an intent
	asked     map[BudgetKey]duoyun.Fen
}

// each gives every row that the charge falls on, with its amount; amounts of nought fall on none.
func (l *ledger) each(c Charge, f func(r Row, amount int64)) {
	var total int64
	for _, y := range c.Years {
		total += int64(y.Amount)
		if y.Amount != 0 {
			f(l.budgets[BudgetKey{c.Payer, y.Year, c.Item}], int64(y.Amount))
		}
	}
	if total != 0 && c.ContractID != "" {
		f(l.contracts[c.ContractID], total)
	}
	for _, d := range duoyun.Dimensions() {
		n := c.Quota[d]
		if n == 0 {
			continue
		}
		if c.PoolID != "" {
			f(l.pools[CapacityKey{c.PoolID, d}], n)
		}
		for _, id := range c.Agency.Ancestors {
			if id != "" {
				f(l.quotas[QuotaKey{id, d}], n)
			}
		}
	}
}

func (l *ledger) rows() []Row {
	rows := slices.Collect(maps.Values(l.contracts))
	rows = slices.AppendSeq(rows, maps.Values(l.pools))
	rows = slices.AppendSeq(rows, maps.Values(l.budgets))
	return slices.AppendSeq(rows, maps.Values(l.quotas))
}

// ledger finds the rows of the charges and makes those that may be missing. Nothing but new rows is locked by it: pools
// first, then budgets, then quotas, each in the order of their keys, as everywhere.
func (s *Service) ledger(ctx context.Context, tx *sql.Tx, charges []Charge) (*ledger, error) {
	l := &ledger{contracts: map[string]Row{}, pools: map[CapacityKey]Row{}, budgets: map[BudgetKey]Row{}, quotas: map[QuotaKey]Row{},
		asked: map[BudgetKey]duoyun.Fen{}}
	intent := map[BudgetKey]bool{}
	for _, c := range charges {
		l.contracts[c.ContractID] = Row{Kind: duoyun.HoldContract, ID: c.ContractID, OwnerID: c.ContractID}
		for _, y := range c.Years {
			key := BudgetKey{c.Payer, y.Year, c.Item}
			l.asked[key] += y.Amount
			intent[key] = intent[key] || c.Intent[y.Year]
		}
		for d, n := range c.Quota {
			if n == 0 {
				continue
			}
			if c.PoolID != "" {
				l.pools[CapacityKey{c.PoolID, d}] = Row{}
			}
			for _, id := range c.Agency.Ancestors {
				if id != "" {
					l.quotas[QuotaKey{id, d}] = Row{}
				}
			}
		}
	}
	delete(l.contracts, "")
	maps.DeleteFunc(l.asked, func(_ BudgetKey, sum duoyun.Fen) bool { return sum == 0 })
	return l, s.load(ctx, tx, l, intent)
}

func (s *Service) load(ctx context.Context, tx *sql.Tx, l *ledger, intent map[BudgetKey]bool) error {
	pools, err := s.store.CapacityRows(ctx, tx, slices.Collect(maps.Keys(l.pools)))
	if err != nil {
		return err
	}
	for _, r := range pools {
		l.pools[CapacityKey{r.OwnerID, r.Dimension}] = r
	}
	if err := s.loadBudgets(ctx, tx, l, intent); err != nil {
		return err
	}
	quotas, err := s.store.QuotaRows(ctx, tx, slices.Collect(maps.Keys(l.quotas)))
	for _, r := range quotas {
		l.quotas[QuotaKey{r.OwnerID, r.Dimension}] = r
	}
	return err
}

func (s *Service) loadBudgets(ctx context.Context, tx *sql.Tx, l *ledger, intent map[BudgetKey]bool) error {
	keys := slices.Collect(maps.Keys(l.asked))
	if err := s.readBudgets(ctx, tx, l, keys); err != nil {
		return err
	}
	thisYear := duoyun.DateOf(s.business()).Year
	var intents []BudgetKey
	for _, k := range keys {
		r, there := l.budgets[k]
		switch {
		case there && (r.Open || k.Year > thisYear):
			continue
		case k.Year > thisYear:
			may, err := s.mayIntend(ctx, tx, k, intent[k])
			if err != nil {
				return err
			}
			if may {
				intents = append(intents, k)
				continue
			}
		}
		l.hard = append(l.hard, k)
	}
	if len(intents) == 0 {
		return nil
	}
	if err := s.store.InsertIntentBudgets(ctx, tx, intents); err != nil {
		return err
	}
	return s.readBudgets(ctx, tx, l, intents)
}

// mayIntend says whether a later year without a budget of this item may be held as an intent.
func (s *Service) mayIntend(ctx context.Context, tx *sql.Tx, k BudgetKey, funded bool) (bool, error) {
	if funded {
		return true, nil
	}
	issued, err := s.store.YearIssued(ctx, tx, k.PayerID, k.Year)
	return !issued, err
}

func (s *Service) readBudgets(ctx context.Context, tx *sql.Tx, l *ledger, keys []BudgetKey) error {
	rows, err := s.store.BudgetRows(ctx, tx, keys)
	for _, r := range rows {
		l.budgets[BudgetKey{r.OwnerID, r.Year, r.Item}] = r
	}
	return err
}
