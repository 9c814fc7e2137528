package broker

import (
	"context"

	"github.com/duoyun/duoyun"
)

// VitalsStore tells what waits in each pool.
type VitalsStore interface {
	FindPool(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Pool, error)
	// Waiting gives, by pool, when the oldest purchase that is not at its end was placed, and since when the longest due
	// one waits for a worker. Pools in which none waits are left out.
	Waiting(ctx context.Context) (map[string]duoyun.PoolHealth, error)
}

// Accounts tells how a pool's account answers; providers.Directory does.
type Accounts interface {
	Health(ctx context.Context, poolID string) (read, mutate duoyun.Health)
	// Check proves a pool's account with read-only calls; what is amiss is no error.
	Check(ctx context.Context, poolID string) (duoyun.PoolCheck, error)
}

// Vitals tells how pools are.
type Vitals struct {
	store    VitalsStore
	accounts Accounts
}

// NewVitals returns Vitals; without accounts every one counts as well, and none can be checked.
func NewVitals(store VitalsStore, a Accounts) *Vitals { return &Vitals{store: store, accounts: a} }

// Check proves the key of a pool, by id or code, with read-only calls: what it may not do, what the account's mapping names
// that is not there, what the account offers and may still buy.
func (v *Vitals) Check(ctx context.Context, actor duoyun.Actor, poolKey string) (duoyun.PoolCheck, error) {
	if err := actor.Need(duoyun.RoleSystemAdmin, duoyun.RoleProcurement); err != nil {
		return duoyun.PoolCheck{}, err
	}
	pool, err := v.store.FindPool(ctx, duoyun.Scope{All: true}, poolKey) // both roles see every pool
	if err != nil {
		return duoyun.PoolCheck{}, err
	}
	if v.accounts == nil {
		return duoyun.PoolCheck{}, duoyun.Fail(duoyun.CodeUnavailable, "", "本服务不连接云平台", "this server connects to no cloud")
	}
	return v.accounts.Check(ctx, pool.ID)
}

// Pools tells how each of the pools is, in their order. Whoever may see a pool may see this of it.
func (v *Vitals) Pools(ctx context.Context, pools []duoyun.Pool) ([]duoyun.PoolHealth, error) {
	waiting, err := v.store.Waiting(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]duoyun.PoolHealth, len(pools))
	for i, p := range pools {
		h := waiting[p.ID]
		h.PoolID, h.Read.State, h.Mutate.State = p.ID, duoyun.CircuitNormal, duoyun.CircuitNormal
		if v.accounts != nil {
			h.Read, h.Mutate = v.accounts.Health(ctx, p.ID)
		}
		out[i] = h
	}
	return out, nil
}
