package broker

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

// retireBatch is how many networks one call takes away.
const retireBatch = 200

// RetireNetworks releases the platform networks of a pool in which nothing stands any more; the next order that needs
// one gets a new network of the address plan. It returns how many it has begun to take away, at most 200 a call.
func (s *Service) RetireNetworks(ctx context.Context, actor duoyun.Actor, poolKey string) (int, error) {
	if err := actor.Need(duoyun.RoleSystemAdmin, duoyun.RoleProcurement); err != nil {
		return 0, err
	}
	var idle []duoyun.Resource
	err := s.store.InTx(ctx, func(tx *sql.Tx) error {
		pool, err := s.store.Pool(ctx, tx, poolKey)
		if err != nil {
			return err
		}
		if idle, err = s.store.IdleNetworks(ctx, tx, pool.ID, retireBatch); err != nil || len(idle) == 0 {
			return err
		}
		return s.retire(ctx, tx, actor, pool, idle)
	})
	return len(idle), err
}

func (s *Service) retire(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, pool duoyun.Pool, idle []duoyun.Resource) error {
	var intents []duoyun.Intent
	for i := range idle {
		r := &idle[i]
		if err := s.moveResource(ctx, tx, r, duoyun.ResourceReleasing); err != nil {
			return err
		}
		in := intentFor(*r, duoyun.OpDelete, s.real())
		in.Before = r.Spec
		intents = append(intents, in)
	}
	if err := s.store.InsertIntents(ctx, tx, intents); err != nil {
		return err
	}
	if err := s.store.Audit(ctx, tx, entry(ctx, actor, "pool.retire_networks", "pool", pool.ID)); err != nil {
		return err
	}
	return s.store.Enqueue(ctx, tx, wakeUps(intents)...)
}
