package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun/access"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/jobs"
	"github.com/duoyun/duoyun/openapi"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/all"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/sla"
	"github.com/duoyun/duoyun/store"
)

// house is a running Duoyun: everything wired by hand, here only.
type house struct {
	config  config
	store   *store.Store
	clock   *store.BusinessClock
	real    *store.SharedClock
	clouds  *providers.Directory
	access  *access.Service
	levels  *sla.Service
	handler http.Handler
	runner  *jobs.Runner // nil where the role is api
	closers []func() error
}

// build opens the store, brings its schema up to date and wires the services. Close it when done.
func build(ctx context.Context, c config, log *slog.Logger) (*house, error) {
	h := &house{config: c}
	err := h.open(ctx)
	if err == nil {
		err = h.wire(ctx, log)
	}
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *house) open(ctx context.Context) (err error) {
	if h.store, err = h.config.openStore(ctx); err != nil {
		return err
	}
	h.closers = append(h.closers, h.store.Close)
	if err := h.store.Migrate(ctx); err != nil {
		return err
	}
	if h.real, err = h.store.SharedClock(ctx); err != nil {
		return err
	}
	if h.clock, err = h.store.BusinessClock(ctx); err != nil || h.config.StartClock == "" {
		return err
	}
	start, err := time.Parse(time.RFC3339, h.config.StartClock)
	if err != nil {
		return err
	}
	return h.clock.StartAt(ctx, start)
}

func (h *house) wire(ctx context.Context, log *slog.Logger) error {
	s, m := h.store, newMetrics(h.store)
	shared, err := h.shared(ctx, log)
	if err != nil {
		return err
	}
	drivers := all.Drivers(s, h.real.Now)
	h.clouds = providers.NewDirectory(s, drivers, providers.Options{Limiter: shared, Limit: h.config.vendorLimit(), Breaker: shared,
		Workers: jobs.WorkersAPool, Observe: m.vendorCall(log)}, h.real.Now)
	m.house.vitals = broker.NewVitals(s, h.clouds)
	h.access = access.New(s, h.real.Now)
	h.levels = sla.New(s, h.clock.Now, h.clouds)
	bills := billing.New(s, h.clock.Now, h.levels)
	purse := quota.New(s, h.real.Now, h.clock.Now)
	supply := procurement.New(procurement.Deps{Store: s, Now: h.real.Now, Business: h.clock.Now, Drivers: names(drivers)})
	orders := broker.New(broker.Deps{Store: s, Quota: purse, Offers: supply, Meters: bills, History: h.levels, Business: h.clock.Now, Real: h.real.Now})
	buyer := broker.NewPurchaser(s, h.clouds, orders, broker.PurchaseOptions{Now: h.real.Now})
	accounts := broker.NewReconciler(s, h.clouds, h.real.Now)
	h.handler, err = openapi.New(openapi.Services{
		Access: h.access, Ledger: broker.NewLedger(s, h.real.Now), Broker: orders, Findings: broker.NewFindings(s, buyer, h.real.Now),
		Reconciler: accounts, Procurement: supply, Quota: purse, Billing: bills, SLA: h.levels, Vitals: m.house.vitals, Names: s, Clock: h.clock,
	}, openapi.Options{Logger: log, Ready: s.Ready, Metrics: m.handler(), AdvanceClock: h.config.AdvanceClock,
		Observe: func(c openapi.Call) { m.request(c.Operation, c.Status, c.Took) }})
	if err != nil || h.config.Role == "api" {
		return err
	}
	h.runner, err = jobs.Open(ctx, s.DB(), s.Engine == store.SQLite, jobs.Services{Placer: orders, Buyer: buyer, Prober: h.levels, Reconciler: accounts, Renewer: orders},
		jobs.Options{Log: log, ListenerURL: h.listenerURL()})
	return err
}

func names[V any](m map[string]V) []string {
	var all []string
	for name := range m {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// listenerURL is where PostgreSQL tells of new jobs.
func (h *house) listenerURL() string {
	if h.store.Engine == store.PostgreSQL {
		return h.config.Database
	}
	return ""
}

// shared is what replicas share through Redis, or in memory for a single process: limits and circuits.
func (h *house) shared(ctx context.Context, log *slog.Logger) (limiting, error) {
	if h.config.Redis == "" {
		return struct {
			*providers.MemoryLimiter
			*providers.MemoryBreaker
		}{providers.NewMemoryLimiter(time.Now), providers.NewMemoryBreaker(time.Now)}, nil
	}
	r, err := store.OpenRedis(h.config.Redis, store.RedisOptions{})
	if err != nil {
		return nil, err
	}
	h.closers = append(h.closers, r.Close)
	if err := r.Ready(ctx); err != nil { // it is a cache and a limiter: losing it loses nothing, at the start too
		log.Warn("redis does not answer: limits and circuits are this replica's alone until it does", "error", err.Error())
	}
	return r, nil
}

type limiting interface {
	providers.Limiter
	providers.Breaker
}

// Run works jobs and follows the clocks that replicas share until ctx ends.
func (h *house) Run(ctx context.Context) error {
	if h.runner != nil {
		if err := h.runner.Start(ctx); err != nil {
			return err
		}
	}
	const refresh = 2 * time.Second
	t := time.NewTicker(refresh)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			if err := errors.Join(h.clock.Refresh(ctx), h.real.Sync(ctx)); err != nil && ctx.Err() == nil {
				slog.Warn("clocks", "error", err.Error())
			}
		}
	}
}

// Stop lets workers finish what they are at; what does not finish in time is taken up after its lease.
func (h *house) Stop(ctx context.Context) error {
	if h.runner == nil {
		return nil
	}
	return h.runner.Stop(ctx)
}

// Close closes what was opened, last first.
func (h *house) Close() error {
	var errs []error
	for _, c := range slices.Backward(h.closers) {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

func logger(level string, w interface{ Write([]byte) (int, error) }) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}))
}
