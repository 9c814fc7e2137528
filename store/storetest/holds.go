package storetest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/store"
)

// CheckHolds is the auditor's query: Σ holds by state is Σ units by state, to the unit and the fen. Call it at the end of
// a test, or at any moment between transactions: it holds at each of them.
func CheckHolds(t testing.TB, s *store.Store) {
	t.Helper()
	wrong, err := WrongHolds(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	for i, w := range wrong {
		if i == 20 {
			t.Errorf("and %d more", len(wrong)-i)
			return
		}
		t.Error(w)
	}
}

// WrongHolds says what an auditor would object to; nothing is right.
func WrongHolds(ctx context.Context, s *store.Store) ([]string, error) {
	var wrong []string
	rows, err := s.HoldMismatches(ctx)
	if err != nil {
		return nil, err
	}
	for _, m := range rows {
		wrong = append(wrong, fmt.Sprintf("%s row %s says %d is used, its holds add up to %d", m.Kind, m.RowID, m.Used, m.Held))
	}
	err = s.InTx(ctx, func(tx *sql.Tx) error {
		for _, audit := range []func(context.Context, *sql.Tx) ([]string, error){misplaced, uncovered, unlike} {
			more, err := audit(ctx, tx)
			if err != nil {
				return err
			}
			wrong = append(wrong, more...)
		}
		return nil
	})
	return wrong, err
}

const underWay = `EXISTS (SELECT 1 FROM intents i WHERE i.resource_id = r.id AND i.state IN
	('waiting', 'intended', 'sent', 'accepted', 'materialised', 'in_doubt', 'absent', 'mismatched'))`

// misplaced are holds in a state that their unit is not in.
func misplaced(ctx context.Context, tx *sql.Tx) ([]string, error) {
	return complaints(ctx, tx, `SELECT 'a ' || h.state || ' hold on ' || h.kind || ' of a unit that is ' || r.state || ': ' || r.name || ' ' || r.id
		FROM holds h JOIN resources r ON r.id = h.resource_id
		WHERE h.state IN ('held', 'committed') AND r.state IN ('failed', 'cancelled', 'terminated')
			OR h.state = 'accrued' AND (r.state <> 'terminated' OR h.kind IN ('pool', 'quota'))
			OR h.state = 'committed' AND r.confirmed_at IS NULL
			OR h.state = 'held' AND r.confirmed_at IS NOT NULL AND NOT `+underWay)
}

// uncovered are units that hold nothing though they are bought or being bought.
func uncovered(ctx context.Context, tx *sql.Tx) ([]string, error) {
	return complaints(ctx, tx, `SELECT 'a unit that is ' || r.state || ' holds nothing: ' || r.name || ' ' || r.id FROM resources r
		WHERE r.order_id IS NOT NULL AND r.kind <> 'network' AND r.state NOT IN ('failed', 'cancelled', 'terminated')
			AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.resource_id = r.id AND h.state IN ('held', 'committed'))`)
}

// unlike are units at rest that hold another quota, at some level of the tree, than their spec takes.
func unlike(ctx context.Context, tx *sql.Tx) ([]string, error) {
	held, err := quotaHeld(ctx, tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.QueryContext(ctx, `SELECT r.id, r.name, r.kind, r.spec FROM resources r WHERE r.order_id IS NOT NULL
		AND r.state IN ('delivered', 'running', 'stopped') AND NOT `+underWay)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var wrong []string
	for rows.Next() {
		var id, name, spec string
		var kind duoyun.Kind
		if err := rows.Scan(&id, &name, &kind, &spec); err != nil {
			return nil, err
		}
		want, err := duoyun.DecodeSpec(kind, json.RawMessage(spec))
		if err != nil {
			return nil, err
		}
		for agency, dimensions := range held[id] {
			for d, n := range want.Quota() {
				if dimensions[d] != n {
					wrong = append(wrong, fmt.Sprintf("%s %s holds %d %s of agency %s and takes %d", name, id, dimensions[d], d, agency, n))
				}
			}
		}
	}
	return wrong, rows.Err()
}

// quotaHeld sums what units hold, by unit, agency and dimension.
func quotaHeld(ctx context.Context, tx *sql.Tx) (map[string]map[string]map[duoyun.Dimension]int64, error) {
	rows, err := tx.QueryContext(ctx, `SELECT h.resource_id, q.agency_id, q.dimension, CAST(SUM(h.amount) AS BIGINT) FROM holds h
		JOIN quotas q ON q.id = h.row_id WHERE h.kind = 'quota' AND h.state IN ('held', 'committed')
		GROUP BY h.resource_id, q.agency_id, q.dimension`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	held := map[string]map[string]map[duoyun.Dimension]int64{}
	for rows.Next() {
		var resource, agency string
		var d duoyun.Dimension
		var n int64
		if err := rows.Scan(&resource, &agency, &d, &n); err != nil {
			return nil, err
		}
		if held[resource] == nil {
			held[resource] = map[string]map[duoyun.Dimension]int64{}
		}
		if held[resource][agency] == nil {
			held[resource][agency] = map[duoyun.Dimension]int64{}
		}
		held[resource][agency][d] = n
	}
	return held, rows.Err()
}

func complaints(ctx context.Context, tx *sql.Tx, query string) (all []string, err error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, rows.Err()
}
