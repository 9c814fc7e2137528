// Package jobs runs the River client and every worker. A job is only a wake-up: each worker calls one method of a
// service, and the rows it looks at say what to do.
package jobs

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// Placer places orders whose signatures are complete, places those on hold again, and confirms deliveries nobody objected
// to.
type Placer interface {
	Place(ctx context.Context, orderID string) error
	ConfirmSilent(ctx context.Context) (int, error)
	RetryHeld(ctx context.Context) (int, error)
	Sweep(ctx context.Context) error
}

// Buyer works purchase intents.
type Buyer interface {
	Work(ctx context.Context, intentID string) (wait time.Duration, err error)
	Sweep(ctx context.Context) error
}

// Prober probes every target once, for the minute.
type Prober interface {
	ProbeAll(ctx context.Context, minute time.Time) error
}

// Reconciler compares the pools that are due with our records.
type Reconciler interface {
	ReconcileDue(ctx context.Context) (pools int, err error)
}

// Renewer renews subscriptions that end soon, and tells of those that end.
type Renewer interface {
	RenewSubscriptions(ctx context.Context) (renewals int, err error)
}

// Services are what the workers call; Prober, Reconciler and Renewer may be nil.
type Services struct {
	Placer     Placer
	Buyer      Buyer
	Prober     Prober
	Reconciler Reconciler
	Renewer    Renewer
}

// How many workers buy, and how many of them may be at one pool's calls: while a vendor is silent, each of its workers
// waits for a timeout, and the other three quarters serve the other pools. A quarter is enough for an account's 50 calls
// a second where each takes up to 320 ms.
const (
	PurchaseWorkers = 64
	WorkersAPool    = PurchaseWorkers / 4
)

// Options of Open; the zero value works.
type Options struct {
	PlaceWorkers    int           // default 8: more only wait for the same budget rows
	PurchaseWorkers int           // default PurchaseWorkers; each makes one wire call at a time
	Sweep           time.Duration // default 5 s
	Log             *slog.Logger  // default: discards
	// ListenerURL is a direct postgres:// URL for LISTEN; "": jobs are found by polling. On SQLite it must be "".
	ListenerURL string
}

// Runner works jobs until it is stopped.
type Runner struct {
	client   *river.Client[*sql.Tx]
	listener *pgxpool.Pool // nil without one
	services Services
	options  Options
	stop     context.CancelFunc
	tickers  sync.WaitGroup
}

// Poll intervals: how late a job may start when no notice of it came.
const (
	pollWithNotice = 500 * time.Millisecond
	pollWithout    = 100 * time.Millisecond
	jobTimeout     = time.Minute
	rescueAfter    = 90 * time.Second // for jobs that are about no intent; for the others the sweeper is there long before
)

// Open makes the client over the store's writing connections; sqlite tells which engine they reach. Start begins work.
func Open(ctx context.Context, db *sql.DB, sqlite bool, s Services, o Options) (*Runner, error) {
	o = o.filled()
	r := &Runner{services: s, options: o}
	driver, err := r.driver(ctx, db, sqlite)
	if err != nil {
		return nil, err
	}
	poll := pollWithout
	if r.listener != nil {
		poll = pollWithNotice
	}
	r.client, err = river.NewClient(driver, &river.Config{
		Queues: map[string]river.QueueConfig{
			broker.PlaceJob{}.Kind():    {MaxWorkers: o.PlaceWorkers},
			broker.PurchaseJob{}.Kind(): {MaxWorkers: o.PurchaseWorkers},
			silenceKind:                 {MaxWorkers: 1},
			heldKind:                    {MaxWorkers: 1},
			probeKind:                   {MaxWorkers: 1},
			reconcileKind:               {MaxWorkers: 1},
			renewKind:                   {MaxWorkers: 1},
		},
		Workers:              r.workers(),
		PeriodicJobs:         r.periodic(),
		FetchPollInterval:    poll,
		FetchCooldown:        20 * time.Millisecond,
		JobTimeout:           jobTimeout,
		RescueStuckJobsAfter: rescueAfter,
		Logger:               o.Log,
	})
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (o Options) filled() Options {
	if o.PlaceWorkers == 0 {
		o.PlaceWorkers = 8
	}
	if o.PurchaseWorkers == 0 {
		o.PurchaseWorkers = PurchaseWorkers
	}
	if o.Sweep == 0 {
		o.Sweep = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func (r *Runner) driver(ctx context.Context, db *sql.DB, sqlite bool) (riverdriver.Driver[*sql.Tx], error) {
	if sqlite {
		return riversqlite.New(db), nil
	}
	if r.options.ListenerURL == "" {
		return riverdatabasesql.New(db), nil
	}
	config, err := pgxpool.ParseConfig(r.options.ListenerURL)
	if err != nil {
		return nil, duoyun.Fail(duoyun.CodeInvalid, "database", "数据库地址无效", "the database's address is invalid").Because(err)
	}
	config.MaxConns = 2
	if r.listener, err = pgxpool.NewWithConfig(ctx, config); err != nil {
		return nil, err
	}
	return riverdatabasesql.NewWithPgxListener(db, r.listener), nil
}

// Start begins work and the sweep. It returns once workers are running.
func (r *Runner) Start(ctx context.Context) error {
	if err := r.client.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	sweeping, stop := context.WithCancel(context.WithoutCancel(ctx))
	r.stop = stop
	r.tickers.Go(func() { r.sweep(sweeping) })
	return nil
}

// sweep runs at start and then at its interval, on every replica: what a killed worker held is taken up within seconds,
// whoever leads River.
func (r *Runner) sweep(ctx context.Context) {
	t := time.NewTicker(r.options.Sweep)
	defer t.Stop()
	for {
		if err := errors.Join(r.services.Placer.Sweep(ctx), r.services.Buyer.Sweep(ctx)); err != nil && ctx.Err() == nil {
			r.options.Log.Error("sweep", "error", err.Error())
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// Stop takes no more jobs and waits for those under way; when ctx ends first it cancels them. What is cut off is taken
// up after its lease.
func (r *Runner) Stop(ctx context.Context) error {
	if r.stop != nil {
		r.stop()
		r.tickers.Wait()
	}
	err := r.client.Stop(ctx)
	if err != nil && ctx.Err() != nil {
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		err = r.client.StopAndCancel(last)
	}
	r.close()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (r *Runner) close() {
	if r.listener != nil {
		r.listener.Close()
	}
}
