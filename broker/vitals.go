package broker

import (
	"context"

	"github.com/duoyun/duoyun"
)

// VitalsStore tells what waits in each pool.
type VitalsStore interface {
	// Waiting gives, by pool, when the oldest purchase that is not at its end was placed, and since when the longest due
	// one waits for a worker. Pools in which none waits are left out.
	Waiting(ctx context.Context) (map[string]duoyun.PoolHealth, error)
}

// Circuits tells how a pool's account answers; providers.Directory does.
type Circuits interface {
	Health(ctx context.Context, poolID string) (read, mutate duoyun.Health)
}

// Vitals tells how pools are.
type Vitals struct {
	store    VitalsStore
	circuits Circuits
}

// NewVitals returns Vitals; without circuits every account counts as well.
func NewVitals(store VitalsStore, c Circuits) *Vitals { return &Vitals{store: store, circuits: c} }

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
		if v.circuits != nil {
			h.Read, h.Mutate = v.circuits.Health(ctx, p.ID)
		}
		out[i] = h
	}
	return out, nil
}
