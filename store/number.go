package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/duoyun/duoyun"
)

// NextNumber takes the next number 单号 of a form for an agency and the civil year of now, such as 宿政云申〔2026〕0123号.
// A number is never given twice; one whose transaction is rolled back leaves a gap.
//
// On PostgreSQL a counter row locked until its transaction ends would have an agency's orders, tasks and resources queue
// for one another, so that numbers are taken outside it, by all who wait at once.
func (s *Store) NextNumber(ctx context.Context, tx *sql.Tx, form, agencyID string, now time.Time) (string, error) {
	c := counter{form, agencyID, duoyun.DateOf(now).Year}
	var t taken
	var err error
	if s.numbers != nil {
		t, err = s.numbers.next(ctx, c)
	} else {
		t, err = one(ctx, tx, scanTaken, sql.ErrNoRows, `INSERT INTO counters (form, agency_id, year, last) VALUES ($1, $2, $3, 1)
			ON CONFLICT (form, agency_id, year) DO UPDATE SET last = counters.last + 1
			RETURNING form, agency_id, year, last, (SELECT a.short FROM agencies a WHERE a.id = $2)`, c.form, c.agencyID, c.year)
	}
	if err == nil && t.short == "" { // the agency is new in this very transaction
		t.short, err = one(ctx, tx, scanText, sql.ErrNoRows, `SELECT short FROM agencies WHERE id = $1`, agencyID)
	}
	if err != nil {
		return "", fmt.Errorf("next number: %w", err)
	}
	return fmt.Sprintf("%s政云%s〔%d〕%04d号", t.short, form, c.year, t.last), nil
}

// counter names a row of counters.
type counter struct {
	form, agencyID string
	year           int
}

// taken is the last number taken from a counter.
type taken struct {
	counter
	last  int64
	short string // the agency's, "" where it is not to be seen yet
}

func scanTaken(r row) (t taken, err error) {
	err = r.Scan(&t.form, &t.agencyID, &t.year, &t.last, opt(&t.short))
	return t, err
}

// numbers takes numbers in rounds, one statement each: while one is under way, whoever asks joins the next. It has a
// connection of its own, since those who ask hold theirs.
type numbers struct {
	db   *sql.DB
	turn sync.Mutex // held by the round under way
	mu   sync.Mutex // guards next and what was asked of it
	join *round     // nil: whoever asks begins one
}

type round struct {
	asked map[counter]int64
	done  chan struct{}
	taken map[counter]taken // once done
	err   error
}

func (n *numbers) next(ctx context.Context, c counter) (taken, error) {
	n.mu.Lock()
	r := n.join
	first := r == nil
	if first {
		r = &round{asked: map[counter]int64{}, done: make(chan struct{})}
		n.join = r
	}
	place := r.asked[c]
	r.asked[c]++
	n.mu.Unlock()
	if first {
		n.run(context.WithoutCancel(ctx), r)
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		return taken{}, ctx.Err()
	}
	t := r.taken[c]
	t.last -= r.asked[c] - 1 - place
	return t, r.err
}

// roundTime bounds a round: others wait for it.
const roundTime = 10 * time.Second

func (n *numbers) run(ctx context.Context, r *round) {
	defer close(r.done)
	n.turn.Lock()
	defer n.turn.Unlock()
	n.mu.Lock()
	n.join = nil
	n.mu.Unlock()
	ctx, stop := context.WithTimeout(ctx, roundTime)
	defer stop()
	r.taken, r.err = n.take(ctx, r.asked)
}

// take does not wait for the disk: whatever bears a number is committed later, and what is durable then includes all
// that came before it. The order of keys keeps replicas from waiting for each other in a circle.
func (n *numbers) take(ctx context.Context, asked map[counter]int64) (map[counter]taken, error) {
	var forms, agencies []string
	var years, counts []int64
	for _, c := range slices.SortedFunc(maps.Keys(asked), func(a, b counter) int {
		return cmp.Or(cmp.Compare(a.form, b.form), cmp.Compare(a.agencyID, b.agencyID), cmp.Compare(a.year, b.year))
	}) {
		forms, agencies = append(forms, c.form), append(agencies, c.agencyID)
		years, counts = append(years, int64(c.year)), append(counts, asked[c])
	}
	all := make(map[counter]taken, len(asked))
	err := each(ctx, n.db, func(r row) error {
		t, err := scanTaken(r)
		all[t.counter] = t
		return err
	}, `INSERT INTO counters (form, agency_id, year, last)
		SELECT k.form, k.agency_id, k.year, k.n FROM set_config('synchronous_commit', 'off', true),
			unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[]) WITH ORDINALITY AS k (form, agency_id, year, n, place) ORDER BY k.place
		ON CONFLICT (form, agency_id, year) DO UPDATE SET last = counters.last + excluded.last
		RETURNING form, agency_id, year, last, (SELECT a.short FROM agencies a WHERE a.id = counters.agency_id)`,
		forms, agencies, years, counts)
	return all, err
}
