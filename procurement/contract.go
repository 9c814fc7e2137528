package procurement

import (
	"context"
	"database/sql"
	"slices"

	"github.com/duoyun/duoyun"
)

// The states of a contract.
const (
	StateActive     = "active"
	StateSuspended  = "suspended" // 暂停: nothing new is ordered under it
	StateTerminated = "terminated"
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
	if err := actor.Need(duoyun.RoleProcurement); err != nil {
		return duoyun.Contract{}, err
	}
	in.defaults()
	if err := in.check(); err != nil {
		return duoyun.Contract{}, err
	}
	id, err := s.create(ctx, actor, once, "contract.create", "contract", func(tx *sql.Tx) (string, error) {
		supplier, err := s.store.LockSupplier(ctx, tx, in.Supplier)
		if err != nil {
			return "", err
		}
		c := in.contract(duoyun.NewID(s.now()), supplier.ID)
		if err := s.store.InsertContract(ctx, tx, c); err != nil {
			return "", err
		}
		return c.ID, s.addPrices(ctx, tx, c, in.Items)
	})
	if err != nil {
		return duoyun.Contract{}, err
	}
	return s.store.FindContract(ctx, everything(), id)
}

func (in *ContractInput) defaults() {
	if in.Allocation == "" {
		in.Allocation = "score"
	}
	if in.Rules.Proration == "" {
		in.Rules.Proration = duoyun.ProrateByDay
	}
	in.Items = slices.Clone(in.Items)
	for i := range in.Items {
		if in.Items[i].From.IsZero() {
			in.Items[i].From = in.Start
		}
	}
}

func (in ContractInput) contract(id, supplierID string) duoyun.Contract {
	return duoyun.Contract{ID: id, Number: in.Number, SupplierID: supplierID, Name: in.Name, Start: in.Start, End: in.End,
		Ceiling: in.Ceiling, Rules: in.Rules, SLA: in.SLA, Allocation: in.Allocation, Share: in.Share, State: StateActive}
}

// UpdateContract changes a contract (procurement).
func (s *Service) UpdateContract(ctx context.Context, actor duoyun.Actor, key string, in ContractUpdate) (duoyun.Contract, error) {
	if err := actor.Need(duoyun.RoleProcurement); err != nil {
		return duoyun.Contract{}, err
	}
	var c duoyun.Contract
	err := s.store.InTx(ctx, func(tx *sql.Tx) (err error) {
		if c, err = s.store.LockContract(ctx, tx, key); err != nil {
			return err
		}
		if c.State == StateTerminated {
			return terminated(c)
		}
		if err := in.check(c); err != nil {
			return err
		}
		set(&c.Name, in.Name)
		set(&c.End, in.End)
		set(&c.Ceiling, in.Ceiling)
		set(&c.Allocation, in.Allocation)
		set(&c.Share, in.Share)
		set(&c.State, in.State)
		ok, err := s.store.UpdateContract(ctx, tx, c)
		if err == nil && !ok {
			err = duoyun.Fail(duoyun.CodeConflict, "ceiling", "合同总价 %s 元低于已冻结和已承诺的 %s 元", "the ceiling of %s yuan is below the %s yuan held and committed", c.Ceiling, c.Used)
		}
		if err != nil {
			return err
		}
		return s.store.Audit(ctx, tx, entry(ctx, actor, "contract.update", "contract", c.ID))
	})
	return c, err
}

func terminated(c duoyun.Contract) error {
	return duoyun.Fail(duoyun.CodeConflict, "state", "合同 %s 已终止", "contract %s is terminated", c.Number)
}

// contractReaders see contracts whole; departments see prices through offers.
func contractReaders() []duoyun.Role {
	return []duoyun.Role{duoyun.RoleProcurement, duoyun.RoleFinance, duoyun.RoleReviewer, duoyun.RoleSupplier, duoyun.RoleAuditor,
		duoyun.RoleSystemAdmin, duoyun.RoleAuditAdmin}
}

// contractSight is sight through the roles that read contracts: a supplier's user that is an applicant elsewhere sees
// no more for it.
func contractSight(actor duoyun.Actor) (duoyun.Scope, error) {
	scope := actor.ScopeFor(contractReaders()...)
	if len(scope.Agencies) > 0 {
		scope = everything()
	}
	return scope, actor.Need(contractReaders()...)
}

// Contracts lists contracts (the cloud authority, finance and oversight; a supplier sees its own).
func (s *Service) Contracts(ctx context.Context, actor duoyun.Actor, f ContractFilter, p duoyun.Page) (duoyun.Listing[duoyun.Contract], error) {
	scope, err := contractSight(actor)
	if err != nil {
		return duoyun.Listing[duoyun.Contract]{}, err
	}
	return s.store.Contracts(ctx, scope, f, p)
}

// Contract reads one contract by id or number.
func (s *Service) Contract(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Contract, error) {
	scope, err := contractSight(actor)
	if err != nil {
		return duoyun.Contract{}, err
	}
	return s.store.FindContract(ctx, scope, key)
}

// Prices lists every validity of a contract's price items, by item and time.
func (s *Service) Prices(ctx context.Context, actor duoyun.Actor, key string) ([]duoyun.PriceItem, error) {
	c, err := s.Contract(ctx, actor, key)
	if err != nil {
		return nil, err
	}
	return s.store.ContractPrices(ctx, c.ID)
}
