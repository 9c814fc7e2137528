package quota

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
)

// BudgetFilter narrows a listing of budgets; zero fields do not.
type BudgetFilter struct {
	Payer string // id or code: this payer alone
	Year  int
}

// BudgetInput is one budget 预算指标 to issue or change; Payer is an id or code.
type BudgetInput struct {
	Payer string
	Year  int
	Item  string
	Limit duoyun.Fen
}

// Budgets lists the budgets of the payers in the actor's scope.
func (s *Service) Budgets(ctx context.Context, actor duoyun.Actor, f BudgetFilter, p duoyun.Page) (duoyun.Listing[duoyun.Budget], error) {
	scope, err := readers(actor)
	if err != nil {
		return duoyun.Listing[duoyun.Budget]{}, err
	}
	return s.store.Budgets(ctx, scope, f, p)
}

// SetBudget issues a budget, or changes the limit of an issued one (finance, over the payer). Issuing a year's budget
// turns its intent 跨年意向 into a hard limit. A limit below what is held and committed is CodeConflict: what was never
// oversold shall not become so by a stroke of the pen.
func (s *Service) SetBudget(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in BudgetInput) (duoyun.Budget, error) {
	if err := in.check(); err != nil {
		return duoyun.Budget{}, err
	}
	var id string
	err := s.store.InTx(ctx, func(tx *sql.Tx) (err error) {
		if id, err = s.store.Recall(ctx, tx, actor, once); err != nil || id != "" {
			return err
		}
		payer, err := s.covered(ctx, tx, actor, in.Payer, duoyun.RoleFinance)
		if err != nil {
			return err
		}
		if id, err = s.issue(ctx, tx, payer, in); err != nil {
			return err
		}
		detail := map[string]any{"year": in.Year, "item": in.Item, "limit": in.Limit}
		if err := s.store.Audit(ctx, tx, entry(ctx, actor, "budget.issue", "budget", id, detail)); err != nil {
			return err
		}
		return s.store.Remember(ctx, tx, actor, once, id)
	})
	if err != nil {
		return duoyun.Budget{}, err
	}
	return s.store.FindBudget(ctx, id)
}

func (s *Service) issue(ctx context.Context, tx *sql.Tx, payer duoyun.Agency, in BudgetInput) (string, error) {
	key := []BudgetKey{{payer.ID, in.Year, in.Item}}
	if err := s.store.InsertIntentBudgets(ctx, tx, key); err != nil {
		return "", err
	}
	rows, err := s.store.BudgetRows(ctx, tx, key)
	if err != nil {
		return "", err
	}
	ok, err := s.store.IssueBudget(ctx, tx, rows[0].ID, in.Limit)
	if err == nil && !ok {
		name := rows[0].name()
		err = duoyun.Fail(duoyun.CodeConflict, "limit", name.ZH+"的限额 %s 元低于已冻结和已承诺的金额", name.EN+": the limit of %s yuan is below what is held and committed", in.Limit)
	}
	return rows[0].ID, err
}

// maxBudget is ten thousand million yuan: more on one row is a slip of the pen.
const maxBudget duoyun.Fen = 1_000_000_000_000

func (in BudgetInput) check() error {
	var f duoyun.Faults
	if in.Payer == "" || len(in.Payer) > 200 {
		f.Add("payer", in.Payer, "须写明付费单位", "names the payer")
	}
	if in.Year < 2020 || in.Year > 2070 {
		f.Add("year", fmt.Sprint(in.Year), "年份应在 2020 与 2070 之间", "must be between 2020 and 2070")
	}
	hidden := func(r rune) bool { return !unicode.IsGraphic(r) }
	if n := utf8.RuneCountInString(in.Item); n == 0 || n > 60 || strings.TrimSpace(in.Item) != in.Item || strings.ContainsFunc(in.Item, hidden) || !utf8.ValidString(in.Item) {
		f.Add("item", in.Item, "预算科目应为一行可见文字，首尾无空格，不超过 60 字", "must be one line of visible text without outer spaces, at most 60 characters")
	}
	if in.Limit < 0 || in.Limit > maxBudget {
		f.Add("limit", in.Limit.String(), "限额不能为负，也不能超过 "+maxBudget.String()+" 元", "must be neither negative nor above "+maxBudget.String()+" yuan")
	}
	return f.Err()
}
