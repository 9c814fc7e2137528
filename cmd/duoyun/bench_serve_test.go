//go:build bench

package main

import (
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestBenchServe starts the binary as a county would, on SQLite with every default, and measures how long until it says
// it is ready, and its resident memory then and after a minute's worth of people looking at it.
func TestBenchServe(t *testing.T) {
	_, err := binary() // built before anything is timed
	must(t, err)
	var fresh, again []time.Duration
	var idle, used []int
	for range runs {
		p := newProcess(t)
		fresh = append(fresh, p.ready())
		p.kill()
		again = append(again, p.ready())
		idle = append(idle, p.residentKiB())
		p.look(500)
		used = append(used, p.residentKiB())
		p.kill()
	}
	second := float64(time.Second)
	line("%-34s %7.2f s on an empty folder, %.2f s after that   aim ≤ 1 s %s", "serve: ready after", float64(median(fresh))/second,
		float64(median(again))/second, verdict(max(median(fresh), median(again)) <= time.Second))
	line("%-34s %7d MiB when ready, %d MiB after 500 requests   aim ≤ 120 MB %s", "serve: resident memory", median(idle)/1024, median(used)/1024,
		verdict(median(used)*1024 <= 120_000_000))
}

// ready starts the server and returns how long it took until /readyz said so.
func (p *process) ready() time.Duration {
	p.t.Helper()
	began := time.Now()
	p.start()
	for time.Since(began) < time.Minute {
		if reply, err := http.Get(p.url + "/readyz"); err == nil {
			_ = reply.Body.Close()
			if reply.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		time.Sleep(time.Millisecond)
	}
	p.t.Fatalf("not ready within a minute\n%s", p.log())
	return 0
}

// look makes requests that read the database and the specification.
func (p *process) look(n int) {
	p.t.Helper()
	for i := range n {
		path := []string{"/readyz", "/openapi.yaml", "/metrics", "/docs", "/v1/orders"}[i%5]
		reply, err := http.Get(p.url + path)
		if err != nil {
			p.t.Fatal(err)
		}
		_ = reply.Body.Close()
	}
}

// residentKiB is VmRSS of the running server.
func (p *process) residentKiB() int {
	p.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(raw), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(after)[0])
	if err != nil {
		p.t.Fatal(err)
	}
	return kib
}
