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

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/store"
)

// metrics carries the house's numbers under the names of its domain.
type metrics struct {
	registry *prometheus.Registry
	house    *houseCollector
	requests *prometheus.HistogramVec
	vendor   *prometheus.HistogramVec
}

func newMetrics(s *store.Store) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		house:    &houseCollector{store: s},
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duoyun_http_request_seconds",
			Help: "API calls by operation and status.", Buckets: prometheus.ExponentialBuckets(0.001, 2.5, 10)}, []string{"operation", "status"}),
		vendor: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "duoyun_vendor_call_seconds",
			Help: "Vendor calls by driver, kind, verb and outcome code.", Buckets: prometheus.ExponentialBuckets(0.002, 2.5, 11)}, []string{"driver", "kind", "verb", "code"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.vendor, m.house)
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
	store  *store.Store
	vitals *broker.Vitals // set before the first scrape
	mu     sync.Mutex
	read   time.Time
	last   []prometheus.Metric
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
		"queue":     prometheus.NewDesc("duoyun_queue_age_seconds", "How long the next job of a queue has been due.", []string{"queue"}, nil),
		"due":       prometheus.NewDesc("duoyun_purchase_due_seconds", "How long the longest due purchase of a pool has waited for a worker.", []string{"pool"}, nil),
		"waiting":   prometheus.NewDesc("duoyun_purchase_oldest_seconds", "Age of a pool's oldest purchase that is not at its end.", []string{"pool"}, nil),
		"circuit":   prometheus.NewDesc("duoyun_circuit_state", "Circuit of a pool's account by verb: 0 normal, 1 half open, 2 open.", []string{"pool", "verb"}, nil),
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
	queues, err := c.store.QueueAges(ctx)
	if err != nil {
		return nil, err
	}
	d := c.descriptions()
	var out []prometheus.Metric
	put := func(name string, value float64, labels ...string) {
		out = append(out, prometheus.MustNewConstMetric(d[name], prometheus.GaugeValue, value, labels...))
	}
	for _, g := range gauges {
		put(g.Name, float64(g.Value), g.State)
	}
	for queue, age := range queues {
		put("queue", age.Seconds(), queue)
	}
	return out, c.pools(ctx, put)
}

// pools tells of every pool how its account answers and what waits for it; a pool in which nothing waits is 0.
func (c *houseCollector) pools(ctx context.Context, put func(name string, value float64, labels ...string)) error {
	const atMost = 500 // pools of a province are dozens
	l, err := c.store.Pools(ctx, duoyun.Scope{All: true}, procurement.PoolFilter{}, duoyun.Page{Limit: atMost})
	if err != nil {
		return err
	}
	health, err := c.vitals.Pools(ctx, l.Items)
	if err != nil {
		return err
	}
	states := map[duoyun.Circuit]float64{duoyun.CircuitHalfOpen: 1, duoyun.CircuitOpen: 2}
	since := func(t time.Time) float64 {
		if t.IsZero() {
			return 0
		}
		return max(0, time.Since(t).Seconds())
	}
	for i, h := range health {
		code := l.Items[i].Code
		put("circuit", states[h.Read.State], code, "read")
		put("circuit", states[h.Mutate.State], code, "mutate")
		put("due", since(h.OldestDue), code)
		put("waiting", since(h.OldestWaiting), code)
	}
	return nil
}
