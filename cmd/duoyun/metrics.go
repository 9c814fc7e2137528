package main

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/store"
)

// metrics carries the house's numbers under the names of its domain.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	vendor   *prometheus.HistogramVec
}

func newMetrics(s *store.Store) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duoyun_http_request_seconds",
			Help: "API calls by operation and status.", Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 10)}, []string{"operation", "status"}),
		vendor: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duoyun_vendor_call_seconds",
			Help: "Vendor calls by driver, kind, verb and outcome code.", Buckets: prometheus.ExponentialBuckets(0.002, 2.5, 11)}, []string{"driver", "kind", "verb", "code"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.vendor, &houseCollector{store: s})
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *metrics) request(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Observe(took.Seconds())
}

// vendorCall counts a wire call and logs mutations and failures, under the trace id of the API call that led to them.
func (m *metrics) vendorCall(log *slog.Logger) providers.Observer {
	return func(ctx context.Context, e providers.Event) {
		m.vendor.WithLabelValues(e.Pool.Driver, string(e.Kind), e.Op, string(e.Code)).Observe(e.Took.Seconds())
		level := slog.LevelDebug
		if e.Mutation || e.Code != "" && e.Code != driver.NotFound {
			level = slog.LevelInfo
		}
		log.Log(ctx, level, "vendor call", "pool", e.Pool.Code, "kind", e.Kind, "op", e.Op, "step", e.Step, "code", e.Code,
			"took_ms", e.Took.Milliseconds(), "trace_id", e.TraceID)
	}
}

// houseCollector reads counts from the database, at most once in gaugesKept however often it is scraped.
type houseCollector struct {
	store *store.Store
	mu    sync.Mutex
	read  time.Time
	last  []prometheus.Metric
}

const (
	gaugesKept    = 10 * time.Second
	gaugesTimeout = 5 * time.Second
)

func (c *houseCollector) descriptions() map[string]*prometheus.Desc {
	return map[string]*prometheus.Desc{
		"orders":    prometheus.NewDesc("duoyun_orders", "Orders by state.", []string{"state"}, nil),
		"intents":   prometheus.NewDesc("duoyun_intents", "Purchase intents under way by state.", []string{"state"}, nil),
		"holds_fen": prometheus.NewDesc("duoyun_contract_holds_fen", "Money held on contracts by state, in fen.", []string{"state"}, nil),
		"findings":  prometheus.NewDesc("duoyun_findings", "Findings by state.", []string{"state"}, nil),
		"job_lag":   prometheus.NewDesc("duoyun_job_lag_seconds", "How long the longest due purchase intent has waited.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *houseCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descriptions() {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *houseCollector) Collect(ch chan<- prometheus.Metric) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.read) > gaugesKept {
		ctx, cancel := context.WithTimeout(context.Background(), gaugesTimeout)
		defer cancel()
		if fresh, err := c.gather(ctx); err != nil {
			slog.Warn("metrics could not be read", "error", err)
		} else {
			c.last, c.read = fresh, time.Now()
		}
	}
	for _, m := range c.last {
		ch <- m
	}
}

func (c *houseCollector) gather(ctx context.Context) ([]prometheus.Metric, error) {
	gauges, err := c.store.Gauges(ctx)
	if err != nil {
		return nil, err
	}
	lag, err := c.store.JobLag(ctx)
	if err != nil {
		return nil, err
	}
	d := c.descriptions()
	out := []prometheus.Metric{prometheus.MustNewConstMetric(d["job_lag"], prometheus.GaugeValue, lag.Seconds())}
	for _, g := range gauges {
		out = append(out, prometheus.MustNewConstMetric(d[g.Name], prometheus.GaugeValue, float64(g.Value), g.State))
	}
	return out, nil
}
