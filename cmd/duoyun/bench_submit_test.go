//go:build bench

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	submitClients = 32
	submitTime    = 3 * time.Second
)

// TestBenchSubmit measures POST /v1/orders as departments send it: a bearer token, an idempotency key, a document of
// four lines that is read, checked and resolved; 32 clients on kept connections, first of as many departments, then all
// of one, where every order takes its number from the same counter.
func TestBenchSubmit(t *testing.T) {
	var codes []string
	s := newRig(t, nil, func(city *scenario) { codes = addApplicants(city, submitClients) })
	y := newYardstick(t)
	many := &rates{name: "submit, 32 departments", aim: 0.25}
	single := &rates{name: "submit, one department", aim: 0.25}
	before := y.measure(t)
	for range runs {
		before = many.compare(t, y, before, func() float64 { return s.submitting(t, codes) })
		before = single.compare(t, y, before, func() float64 { return s.submitting(t, codes[:1]) })
	}
	many.report()
	single.report()
}

// addApplicants gives the first n departments an applicant, a system and a project, and returns their short codes.
func addApplicants(city *scenario, n int) []string {
	var codes []string
	for _, d := range city.Departments[:n] {
		code := d["code"].(string)
		short := strings.TrimPrefix(code, city.Root.Code+"/")
		codes = append(codes, short)
		city.People = append(city.People, person{Login: "bench-" + short, Name: "申请人", Role: "applicant", Agency: code})
		city.Systems = append(city.Systems, body{"code": "bench-" + short, "name": "压测系统", "agency": code, "level": 2, "cloud": "not"})
		city.Projects = append(city.Projects, body{"number": "BENCH-" + short, "name": "压测", "agency": code, "approved": "999999999.00",
			"funds": "财政资金", "year": 2026})
	}
	return codes
}

const submitDocument = `form: open
agency: suqian/%[1]s
payer: suqian/data
project: BENCH-%[1]s
system: bench-%[1]s
stage: production
purpose: 业务扩容
period: {start: 2026-12-01, months: 12}
funding:
  - {year: 2026, item: 信息系统运行维护费, limit: "7200.00"}
  - {year: 2027, item: 信息系统运行维护费, limit: "79200.00", status: intent}
lines:
  - {kind: server, name: app, quantity: 3, zone: extranet_public, spec: {vcpu: 4, ram_gib: 16, system_disk_gib: 100, image: kylin-v10}, login: key}
  - {kind: disk, name: data, attach: app, per: each, spec: {size_gib: 500, class: ssd}}
  - {kind: load_balancer, name: entry, members: app, spec: {port: 443}}
  - {kind: bucket, name: archive, spec: {size_gib: 2048, class: standard}}
requires: {sites: [suqian], on_shortage: hold}
`

// submitting returns orders a second, of departments in turn.
func (s *rig) submitting(t *testing.T, departments []string) float64 {
	t.Helper()
	wire := &http.Transport{MaxIdleConnsPerHost: submitClients}
	defer wire.CloseIdleConnections()
	ctx, stop := context.WithTimeout(t.Context(), submitTime)
	defer stop()
	var done atomic.Int64
	var clients sync.WaitGroup
	began := time.Now()
	for i := range submitClients {
		who := departments[i%len(departments)]
		token, document := s.play.tokens["bench-"+who], fmt.Appendf(nil, submitDocument, who)
		clients.Go(func() {
			for ctx.Err() == nil {
				if err := submit(wire, s.base, token, document); err != nil {
					t.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	clients.Wait()
	return float64(done.Load()) / time.Since(began).Seconds()
}

func submit(wire *http.Transport, base, token string, document []byte) error {
	r, err := http.NewRequest(http.MethodPost, base+"/v1/orders", bytes.NewReader(document))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/yaml")
	r.Header.Set("Idempotency-Key", rand.Text())
	reply, err := wire.RoundTrip(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	answer, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusCreated {
		err = fmt.Errorf("%s: %s", reply.Status, answer)
	}
	return err
}
