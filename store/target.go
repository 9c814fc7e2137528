package store

import (
	"context"
	"database/sql"

	"github.com/duoyun/duoyun"
)

// ClaimTargets makes the order the one under way for each resource; the database keeps it to one.
func (s *Store) ClaimTargets(ctx context.Context, tx *sql.Tx, orderID string, resourceIDs []string) error {
	rows := make([][]any, len(resourceIDs))
	for i, id := range resourceIDs {
		rows[i] = []any{orderID, id, true}
	}
	busy := duoyun.Fail(duoyun.CodeConflict, "lines", "其中有资源正在办理另一张单", "one of the resources has another order under way")
	return insertRows(ctx, tx, orDuplicate(busy), `INSERT INTO order_targets (order_id, resource_id, open) VALUES`, rows)
}

// OrderTargets locks and lists the resources the order is about, by id.
func (s *Store) OrderTargets(ctx context.Context, tx *sql.Tx, orderID string) ([]duoyun.Resource, error) {
	return collect(ctx, tx, scanResource, s.lock(`SELECT `+resourceColumns+` FROM resources r
		WHERE r.id IN (SELECT x.resource_id FROM order_targets x WHERE x.order_id = $1) ORDER BY r.id`), orderID)
}

// FreeTargets ends the order's claims on its resources.
func (s *Store) FreeTargets(ctx context.Context, tx *sql.Tx, orderID string) error {
	_, err := exec(ctx, tx, `UPDATE order_targets SET open = $1 WHERE order_id = $2 AND open`, false, orderID)
	return err
}
