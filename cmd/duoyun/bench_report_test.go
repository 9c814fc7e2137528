//go:build bench

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/duoyun/duoyun/store/storetest"
)

// runs is how often everything is measured; the median counts.
const runs = 5

// line prints one result to the person who runs the benchmarks, whether or not tests are verbose.
func line(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }

func median[T int | int64 | float64 | time.Duration](values []T) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// percentile is the smallest value that p per cent of the values do not exceed.
func percentile(values []time.Duration, p int) time.Duration {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

// yardstick is pgbench's simple update (-N) on the server under measurement: the same rows a second that PostgreSQL
// itself can commit on this machine at this moment.
type yardstick struct{ bin, url string }

const (
	yardScale   = 10 // million rows: pgbench_accounts
	yardClients = 32
	yardSeconds = 3
)

func newYardstick(t *testing.T) yardstick {
	t.Helper()
	y := yardstick{url: storetest.Database(t)}
	found, err := exec.LookPath("pgbench")
	if err != nil { // Debian keeps it beside the server
		all, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pgbench")
		if len(all) == 0 {
			t.Fatal("pgbench is missing: apt-get install postgresql")
		}
		found = all[len(all)-1]
	}
	y.bin = found
	y.run(t, "-i", "-q", "-s", strconv.Itoa(yardScale))
	return y
}

func (y yardstick) run(t *testing.T, args ...string) []byte {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), y.bin, append(args, y.url)...).CombinedOutput()
	if err != nil {
		t.Fatalf("pgbench %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

var tpsLine = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

// measure returns transactions a second.
func (y yardstick) measure(t *testing.T) float64 {
	t.Helper()
	out := y.run(t, "-N", "-n", "-c", strconv.Itoa(yardClients), "-j", "2", "-T", strconv.Itoa(yardSeconds))
	m := tpsLine.FindSubmatch(out)
	if m == nil {
		t.Fatalf("pgbench said no tps:\n%s", out)
	}
	tps, err := strconv.ParseFloat(string(bytes.TrimSpace(m[1])), 64)
	must(t, err)
	return tps
}

// rates compares a rate with pgbench, which is run before and after every run of ours.
type rates struct {
	name     string
	aim      float64
	ours     []float64
	yard     []float64
	compared []float64
}

// compare runs ours between two runs of the yardstick; before is the one that is there already.
func (r *rates) compare(t *testing.T, y yardstick, before float64, ours func() float64) (after float64) {
	t.Helper()
	rate := ours()
	after = y.measure(t)
	r.ours, r.yard = append(r.ours, rate), append(r.yard, (before+after)/2)
	r.compared = append(r.compared, rate/((before+after)/2))
	return after
}

func (r *rates) report() {
	line("%-34s %7.0f /s   pgbench -N %6.0f /s   ratio %.3f (%s)   aim ≥ %.2f %s", r.name, median(r.ours), median(r.yard),
		median(r.compared), spread(r.compared, "%.3f"), r.aim, verdict(median(r.compared) >= r.aim))
}

func spread[T float64 | time.Duration](values []T, format string) string {
	return fmt.Sprintf(format+"–"+format, slices.Min(values), slices.Max(values))
}

func verdict(ok bool) string {
	if ok {
		return "met"
	}
	return "MISSED"
}
