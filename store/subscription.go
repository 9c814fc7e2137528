package store

import (
	"context"
	"time"

	"github.com/duoyun/duoyun/broker"
)

// Expiring lists live subscriptions that end within so long after now, or ended before, by id after the given one.
func (s *Store) Expiring(ctx context.Context, now time.Time, within time.Duration, after string, limit int) ([]broker.Expiry, error) {
	return collect(ctx, s.reader(), scanExpiry, `SELECT `+resourceColumns+`,
		EXISTS (SELECT 1 FROM intents i WHERE i.resource_id = r.id AND i.state IN `+openStates+`),
		EXISTS (SELECT 1 FROM findings f WHERE f.kind = 'not_renewed' AND f.subject = 'resource' AND f.subject_id = r.id AND f.state = 'open'),
		EXISTS (SELECT 1 FROM findings f WHERE f.kind = 'expiring' AND f.subject_id = r.id AND f.created_at >= $1),
		EXISTS (SELECT 1 FROM findings f WHERE f.kind = 'expired' AND f.subject_id = r.id AND f.created_at >= r.paid_until)
		FROM resources r WHERE r.paid_until <= $2 AND r.id > $3 AND r.state IN ('delivered', 'running', 'stopped', 'updating')
		ORDER BY r.id LIMIT $4`, ts(now.Add(-within)), ts(now.Add(within)), after, limit)
}

func scanExpiry(r row) (x broker.Expiry, err error) {
	x.Resource, err = scanResource(withMore{r, []any{&x.Open, &x.Failed, &x.Warned, &x.Told}})
	return x, err
}
