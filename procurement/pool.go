package procurement

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/duoyun/duoyun"
)

// PoolInput describes a pool 资源池.
type PoolInput struct {
	Code      string
	Name      string
	Supplier  string // id or code
	Driver    string // openstack, workorder
	Site      string
	Region    string
	Zones     []string
	Kinds     []duoyun.Kind
	Level     duoyun.Protection
	Xinchuang duoyun.Xinchuang
	Capacity  map[duoyun.Dimension]int64 // declared; a dimension that is missing is not limited
	Plan      duoyun.AddressPlan
	Simulated bool
	Account   json.RawMessage // driver.Account without its secret; "" is {}
	Secret    string          // write-only: sealed at rest, never returned
}

// PoolUpdate changes a pool; nil fields stay as they are. What a running resource rests on (supplier, driver, site,
// region) does not change.
type PoolUpdate struct {
	Name      *string
	Zones     []string
	Kinds     []duoyun.Kind
	Level     *duoyun.Protection
	Xinchuang *duoyun.Xinchuang
	Capacity  map[duoyun.Dimension]int64 // not nil: replaces what was declared
	Plan      *duoyun.AddressPlan        // only before the first network has been cut from it
	Account   json.RawMessage
	Secret    *string
	Active    *bool // an inactive pool takes no new orders
}

// PoolFilter narrows a listing of pools; zero fields do not.
type PoolFilter struct {
	Supplier string // id or code
	Site     string
}

// CreatePool opens a pool (procurement).
func (s *Service) CreatePool(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in PoolInput) (duoyun.Pool, error) {
	if err := actor.Need(duoyun.RoleProcurement); err != nil {
		return duoyun.Pool{}, err
	}
	if err := s.checkPool(in); err != nil {
		return duoyun.Pool{}, err
	}
	id, err := s.create(ctx, actor, once, "pool.create", "pool", func(tx *sql.Tx) (string, error) {
		supplier, err := s.store.LockSupplier(ctx, tx, in.Supplier)
		if err != nil {
			return "", err
		}
		x := in.pool(duoyun.NewID(s.now()), supplier.ID)
		if err := s.store.InsertPool(ctx, tx, x); err != nil || in.Secret == "" {
			return x.ID, err
		}
		return x.ID, s.store.SealPool(ctx, tx, x.ID, in.Secret)
	})
	if err != nil {
		return duoyun.Pool{}, err
	}
	return s.Pool(ctx, actor, id)
}

func (in PoolInput) pool(id, supplierID string) duoyun.Pool {
	x := duoyun.Pool{ID: id, Code: in.Code, Name: in.Name, SupplierID: supplierID, Driver: in.Driver, Site: in.Site, Region: in.Region,
		Zones: in.Zones, Kinds: in.Kinds, Level: in.Level, Xinchuang: in.Xinchuang, Capacity: in.Capacity, Plan: in.Plan,
		Simulated: in.Simulated, Account: in.Account, Active: true, Version: 1}
	if len(x.Account) == 0 {
		x.Account = json.RawMessage("{}")
	}
	return x
}

// UpdatePool changes a pool (procurement).
func (s *Service) UpdatePool(ctx context.Context, actor duoyun.Actor, key string, in PoolUpdate) (duoyun.Pool, error) {
	if err := actor.Need(duoyun.RoleProcurement); err != nil {
		return duoyun.Pool{}, err
	}
	if err := in.check(); err != nil {
		return duoyun.Pool{}, err
	}
	var id string
	err := s.store.InTx(ctx, func(tx *sql.Tx) error {
		x, err := s.store.LockPool(ctx, tx, key)
		if err != nil {
			return err
		}
		id = x.ID
		if err := s.replan(ctx, tx, x, in.Plan); err != nil {
			return err
		}
		if err := s.reaccount(ctx, tx, x, in.Account); err != nil {
			return err
		}
		if err := s.store.UpdatePool(ctx, tx, in.on(x)); err != nil {
			return err
		}
		if in.Secret != nil {
			if err := s.store.SealPool(ctx, tx, x.ID, *in.Secret); err != nil {
				return err
			}
		}
		if err := s.declare(ctx, tx, x, in.Capacity); err != nil {
			return err
		}
		return s.store.Audit(ctx, tx, entry(ctx, actor, "pool.update", "pool", x.ID))
	})
	if err != nil {
		return duoyun.Pool{}, err
	}
	return s.Pool(ctx, actor, id)
}

// on is the pool with the changes made.
func (in PoolUpdate) on(x duoyun.Pool) duoyun.Pool {
	set(&x.Name, in.Name)
	set(&x.Level, in.Level)
	set(&x.Xinchuang, in.Xinchuang)
	set(&x.Plan, in.Plan)
	set(&x.Active, in.Active)
	if in.Zones != nil {
		x.Zones = in.Zones
	}
	if in.Kinds != nil {
		x.Kinds = in.Kinds
	}
	if len(in.Account) > 0 {
		x.Account = in.Account
	}
	return x
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

// replan refuses another address plan once networks have been cut from the one there is.
func (s *Service) replan(ctx context.Context, tx *sql.Tx, x duoyun.Pool, plan *duoyun.AddressPlan) error {
	if plan == nil || *plan == x.Plan {
		return nil
	}
	n, err := s.store.PoolNetworks(ctx, tx, x.ID)
	if err == nil && n > 0 {
		err = duoyun.Fail(duoyun.CodeConflict, "plan", "已从该地址规划划出 %d 个网络，不能更改", "%d networks have been cut from this address plan: it cannot change", n)
	}
	return err
}

// reaccount refuses to point a pool that holds resources at another account: they would not be seen there, and what is
// not seen would count as gone. Passwords, users, CA, mapping, timeouts and the term of subscriptions may change, and
// the application credential where the account names the project it must be of, which the driver checks.
func (s *Service) reaccount(ctx context.Context, tx *sql.Tx, x duoyun.Pool, account json.RawMessage) error {
	if len(account) == 0 {
		return nil
	}
	was, err1 := accountIdentity(x.Account)
	now, err2 := accountIdentity(account)
	if err := errors.Join(err1, err2); err != nil || was == now {
		return err
	}
	used, err := s.store.PoolInUse(ctx, tx, x.ID)
	if err == nil && used {
		err = duoyun.Fail(duoyun.CodeConflict, "account", "资源池 %s 尚有资源，不能改用另一账号；请另建资源池", "pool %s holds resources and cannot be pointed at another account: make a pool of its own for that", x.Code)
	}
	return err
}

// accountIdentity is the part of an account that says whose resources are seen through it.
func accountIdentity(account json.RawMessage) (string, error) {
	fields := map[string]any{}
	if err := json.Unmarshal(account, &fields); err != nil {
		return "", fmt.Errorf("account: %w", err)
	}
	for _, free := range []string{"user", "ca", "mapping", "timeout", "settling", "subscribe_months"} {
		delete(fields, free)
	}
	if project, _ := fields["project"].(string); project != "" {
		delete(fields, "app_credential_id")
	}
	identity, err := json.Marshal(fields)
	return string(identity), err
}

// declare writes the capacity of every dimension, in lock order.
func (s *Service) declare(ctx context.Context, tx *sql.Tx, x duoyun.Pool, capacity map[duoyun.Dimension]int64) error {
	if capacity == nil {
		return nil
	}
	for _, d := range duoyun.Dimensions() {
		var limit *int64
		if n, declared := capacity[d]; declared {
			limit = &n
		}
		ok, err := s.store.SetCapacity(ctx, tx, x.ID, d, limit)
		if err == nil && !ok {
			err = duoyun.Fail(duoyun.CodeConflict, "capacity."+string(d), "容量 %d 低于已用量", "the capacity %d is below what is used", *limit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Pools lists pools; a supplier sees its own. Account is shown to procurement, the system administrator and the supplier.
func (s *Service) Pools(ctx context.Context, actor duoyun.Actor, f PoolFilter, p duoyun.Page) (duoyun.Listing[duoyun.Pool], error) {
	l, err := s.store.Pools(ctx, sight(actor), f, p)
	for i := range l.Items {
		l.Items[i] = seen(actor, l.Items[i])
	}
	return l, err
}

// Pool reads one pool by id or code.
func (s *Service) Pool(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Pool, error) {
	x, err := s.store.FindPool(ctx, sight(actor), key)
	return seen(actor, x), err
}

// seen leaves the account to those who have to do with it.
func seen(actor duoyun.Actor, x duoyun.Pool) duoyun.Pool {
	own := slices.Contains(actor.ScopeFor(duoyun.RoleSupplier).Suppliers, x.SupplierID)
	if !own && actor.Need(duoyun.RoleProcurement, duoyun.RoleSystemAdmin) != nil {
		x.Account = nil
	}
	x.Sealed = nil
	return x
}
