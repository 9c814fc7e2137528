package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/providers"
	"github.com/duoyun/duoyun/store"
	"github.com/duoyun/duoyun/store/storetest"
)

func TestMetricsTellOfEveryPoolHowItAnswersAndWhatWaits(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		w, b := storetest.NewWorld(t, s), providers.NewMemoryBreaker(nil)
		for range providers.OpenAfter {
			if err := b.Report(t.Context(), "circuit:"+w.ID("jd-1")+":mutate", providers.Pass, providers.Unanswered); err != nil {
				t.Fatal(err)
			}
		}
		m := newMetrics(s)
		m.house.vitals = broker.NewVitals(s, providers.NewDirectory(s, nil, providers.Options{Breaker: b}, nil))
		r := httptest.NewRecorder()
		m.handler().ServeHTTP(r, httptest.NewRequest("GET", "/metrics", nil))
		for _, want := range []string{`duoyun_circuit_state{pool="jd-1",verb="mutate"} 2`, `duoyun_circuit_state{pool="telecom-1",verb="read"} 0`,
			`duoyun_purchase_due_seconds{pool="telecom-1"} 0`, `duoyun_purchase_oldest_seconds{pool="telecom-1"} 0`} {
			if !strings.Contains(r.Body.String(), want) {
				t.Errorf("there is no %s", want)
			}
		}
	})
}
