package quota

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
)

// shortage reads the rows as they are, of which the first was short, and names every one that has not enough left.
func (s *Service) shortage(ctx context.Context, tx *sql.Tx, rows []Row, sums map[string]int64) error {
	var lacks duoyun.Faults
	for kind, ids := range byKind(rows) {
		now, err := s.store.Rows(ctx, tx, kind, ids)
		if err != nil {
			return err
		}
		inLockOrder(now)
		for _, r := range now {
			r.lack(&lacks, sums[r.ID])
		}
	}
	if len(lacks) == 0 { // given back between the guard and this reading
		return duoyun.Fail(duoyun.CodeConflict, "", "额度刚刚变动，请重试", "what is left has just changed: try again")
	}
	return short(lacks)
}

// missing is the shortage of budgets that are not there, or not issued.
func (s *Service) missing(ctx context.Context, tx *sql.Tx, l *ledger) error {
	slices.SortFunc(l.hard, func(a, b BudgetKey) int {
		return cmp.Or(cmp.Compare(a.Year, b.Year), cmp.Compare(a.Item, b.Item), cmp.Compare(a.PayerID, b.PayerID))
	})
	var lacks duoyun.Faults
	for _, k := range l.hard {
		payer, err := s.store.Agency(ctx, tx, k.PayerID)
		if err != nil {
			return err
		}
		lacks.Add("budget", l.asked[k].String(),
			fmt.Sprintf("%s %d 年度预算（%s）尚未下达：需 %s 元，剩余 0.00 元", payer.Name, k.Year, k.Item, l.asked[k]),
			fmt.Sprintf("the %d budget of %s (%s) is not issued: %s yuan asked, 0.00 yuan left", k.Year, payer.Name, k.Item, l.asked[k]))
	}
	if len(lacks) == 0 {
		return nil
	}
	return short(lacks)
}

// short is one error whose message is every lack.
func short(lacks duoyun.Faults) error {
	var zh, en []string
	for _, f := range lacks {
		zh, en = append(zh, f.Rule.ZH), append(en, f.Rule.EN)
	}
	return &duoyun.Error{Code: duoyun.CodeShortage, Field: lacks[0].Path, Faults: lacks,
		Message: duoyun.Text{ZH: strings.Join(zh, "；"), EN: strings.Join(en, "; ")}}
}

// lack adds a fault when the row has not got amount left.
func (r Row) lack(lacks *duoyun.Faults, amount int64) {
	if r.Kind == duoyun.HoldContract && !r.Open {
		lacks.Add("contract", r.Owner, "合同 "+r.Owner+" 已暂停或终止", "contract "+r.Owner+" is suspended or terminated")
		return
	}
	if r.Limit == nil || r.Used+amount <= *r.Limit {
		return
	}
	name, asked, left := r.name(), r.say(amount), r.say(*r.Limit-r.Used)
	lacks.Add(string(r.Kind), asked.ZH, fmt.Sprintf("%s不足：需 %s，剩余 %s", name.ZH, asked.ZH, left.ZH),
		fmt.Sprintf("%s: %s asked, %s left", name.EN, asked.EN, left.EN))
}

// name tells what people call the row.
func (r Row) name() duoyun.Text {
	d := r.Dimension.Text()
	switch r.Kind {
	case duoyun.HoldContract:
		return duoyun.Text{ZH: "合同 " + r.Owner + " 的总价", EN: "ceiling of contract " + r.Owner}
	case duoyun.HoldPool:
		return duoyun.Text{ZH: "资源池 " + r.Owner + " 的容量 " + d.ZH, EN: "capacity of pool " + r.Owner + ", " + d.EN}
	case duoyun.HoldBudget:
		return duoyun.Text{ZH: fmt.Sprintf("%s %d 年度预算（%s）", r.Owner, r.Year, r.Item), EN: fmt.Sprintf("%d budget of %s (%s)", r.Year, r.Owner, r.Item)}
	}
	return duoyun.Text{ZH: r.Owner + "的配额 " + d.ZH, EN: "quota of " + r.Owner + ", " + d.EN}
}

// say writes an amount of the row: yuan, or units of its dimension.
func (r Row) say(n int64) duoyun.Text {
	if r.Kind == duoyun.HoldContract || r.Kind == duoyun.HoldBudget {
		return duoyun.Text{ZH: duoyun.Fen(n).String() + " 元", EN: duoyun.Fen(n).String() + " yuan"}
	}
	return duoyun.Text{ZH: fmt.Sprint(n), EN: fmt.Sprint(n)}
}

// kinds lists the kinds of holds in lock order.
func kinds() []duoyun.HoldKind {
	return []duoyun.HoldKind{duoyun.HoldContract, duoyun.HoldPool, duoyun.HoldBudget, duoyun.HoldQuota}
}

func rank(k duoyun.HoldKind) int { return slices.Index(kinds(), k) }

// byKind groups the ids of rows by kind, in lock order.
func byKind(rows []Row) iter.Seq2[duoyun.HoldKind, []string] {
	return func(yield func(duoyun.HoldKind, []string) bool) {
		for _, kind := range kinds() {
			var ids []string
			for _, r := range rows {
				if r.Kind == kind {
					ids = append(ids, r.ID)
				}
			}
			if len(ids) > 0 && !yield(kind, ids) {
				return
			}
		}
	}
}
