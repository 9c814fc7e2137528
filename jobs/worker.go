package jobs

import (
	"context"
	"time"

	"github.com/riverqueue/river"

	"github.com/duoyun/duoyun/broker"
)

const (
	silenceKind   = "silence"
	heldKind      = "held"
	probeKind     = "probe"
	reconcileKind = "reconcile"
	renewKind     = "renew"
)

// silenceJob confirms deliveries whose time for objections has passed.
type silenceJob struct{}

func (silenceJob) Kind() string { return silenceKind }

// heldJob places orders on hold again, in case what was short has come free.
type heldJob struct{}

func (heldJob) Kind() string { return heldKind }

// probeJob probes every target once.
type probeJob struct{}

func (probeJob) Kind() string { return probeKind }

// reconcileJob compares the pools that are due.
type reconcileJob struct{}

func (reconcileJob) Kind() string { return reconcileKind }

// renewJob renews the subscriptions that end soon.
type renewJob struct{}

func (renewJob) Kind() string { return renewKind }

// reconcileWorker may take longer than the others: an account is read page by page.
type reconcileWorker struct {
	river.WorkerDefaults[reconcileJob]
	reconciler Reconciler
}

// Timeout is less than a pool is kept from other workers.
func (reconcileWorker) Timeout(*river.Job[reconcileJob]) time.Duration { return 30 * time.Minute }

func (w reconcileWorker) Work(ctx context.Context, _ *river.Job[reconcileJob]) error {
	if w.reconciler == nil {
		return nil
	}
	_, err := w.reconciler.ReconcileDue(ctx)
	return err
}

func (r *Runner) workers() *river.Workers {
	w := river.NewWorkers()
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[broker.PlaceJob]) error {
		return r.services.Placer.Place(ctx, j.Args.OrderID)
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[broker.PurchaseJob]) error {
		wait, err := r.services.Buyer.Work(ctx, j.Args.IntentID)
		if err == nil && wait > 0 {
			return river.JobSnooze(wait)
		}
		return err
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, _ *river.Job[silenceJob]) error {
		_, err := r.services.Placer.ConfirmSilent(ctx)
		return err
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, _ *river.Job[heldJob]) error {
		_, err := r.services.Placer.RetryHeld(ctx)
		return err
	}))
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, j *river.Job[probeJob]) error {
		if r.services.Prober == nil {
			return nil
		}
		return r.services.Prober.ProbeAll(ctx, j.ScheduledAt.Truncate(time.Minute))
	}))
	river.AddWorker(w, reconcileWorker{reconciler: r.services.Reconciler})
	river.AddWorker(w, river.WorkFunc(func(ctx context.Context, _ *river.Job[renewJob]) error {
		if r.services.Renewer == nil {
			return nil
		}
		_, err := r.services.Renewer.RenewSubscriptions(ctx)
		return err
	}))
	return w
}

// periodic jobs are inserted by the one replica that leads River. Each is tried once: the next comes soon.
func (r *Runner) periodic() []*river.PeriodicJob {
	every := func(d time.Duration, args river.JobArgs) *river.PeriodicJob {
		return river.NewPeriodicJob(river.PeriodicInterval(d), func() (river.JobArgs, *river.InsertOpts) {
			return args, &river.InsertOpts{Queue: args.Kind(), MaxAttempts: 1}
		}, &river.PeriodicJobOpts{RunOnStart: true})
	}
	jobs := []*river.PeriodicJob{every(10*time.Minute, silenceJob{}), every(5*time.Minute, heldJob{})}
	if r.services.Prober != nil {
		jobs = append(jobs, every(time.Minute, probeJob{}))
	}
	if r.services.Reconciler != nil {
		jobs = append(jobs, every(10*time.Minute, reconcileJob{})) // looks for pools that are due: each is once a day
	}
	if r.services.Renewer != nil {
		jobs = append(jobs, every(10*time.Minute, renewJob{}))
	}
	return jobs
}
