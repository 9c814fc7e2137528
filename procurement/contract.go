package procurement

import (
	"context"

	"github.com/duoyun/duoyun"
)

// ContractInput describes a contract 合同 with its price items.
type ContractInput struct {
	Number     string
	Supplier   string // id or code
	Name       string
	Start      duoyun.Date // first day
	End        duoyun.Date // first day after the term
	Ceiling    duoyun.Fen  // 合同总价
	Rules      duoyun.ContractRules
	SLA        duoyun.SLAClause
	Allocation string // score (default) | department | shares
	Share      int64  // per cent
	Items      []PriceInput
}

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

// ContractUpdate changes a contract; nil fields stay as they are. Prices change through SetPrices; money and SLA clauses
// do not change under a running contract.
type ContractUpdate struct {
	Name       *string
	End        *duoyun.Date
	Ceiling    *duoyun.Fen // not below what is held and committed
	Allocation *string
	Share      *int64
	State      *string // active | suspended | terminated; terminated is final
}

// ContractFilter narrows a listing of contracts; zero fields do not.
type ContractFilter struct {
	Supplier string // id or code
	State    string
}

// CreateContract signs a contract with its price items (procurement).
func (s *Service) CreateContract(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in ContractInput) (duoyun.Contract, error) {
	panic("soon")
}

// UpdateContract changes a contract (procurement).
func (s *Service) UpdateContract(ctx context.Context, actor duoyun.Actor, key string, in ContractUpdate) (duoyun.Contract, error) {
	panic("soon")
}

// SetPrices adds prices to a contract (procurement). A price of an item that has an open one supersedes it from its
// first day, which may not lie in the past; any other overlap is refused.
func (s *Service) SetPrices(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string, in []PriceInput) ([]duoyun.PriceItem, error) {
	panic("soon")
}

// Contracts lists contracts (the cloud authority, finance and oversight; a supplier sees its own).
func (s *Service) Contracts(ctx context.Context, actor duoyun.Actor, f ContractFilter, p duoyun.Page) (duoyun.Listing[duoyun.Contract], error) {
	panic("soon")
}

// Contract reads one contract by id or number.
func (s *Service) Contract(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Contract, error) {
	panic("soon")
}

// Prices lists every validity of a contract's price items, by item and time.
func (s *Service) Prices(ctx context.Context, actor duoyun.Actor, key string) ([]duoyun.PriceItem, error) {
	panic("soon")
}
