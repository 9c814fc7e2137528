package quota

import (
	"context"

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
	panic("soon")
}

// SetBudget issues a budget, or changes the limit of an issued one (finance, over the payer). Issuing a year's budget
// turns its intent 跨年意向 into a hard limit. A limit below what is held and committed is CodeConflict.
func (s *Service) SetBudget(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in BudgetInput) (duoyun.Budget, error) {
	panic("soon")
}
