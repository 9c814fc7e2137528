package simcloud

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"time"

	"github.com/duoyun/duoyun"
)

// The metrics that every resource has.
const (
	MetricCPU        = "cpu"         // %
	MetricMemory     = "memory"      // %
	MetricDiskRead   = "disk_read"   // B/s
	MetricDiskWrite  = "disk_write"  // B/s
	MetricNetworkIn  = "network_in"  // B/s
	MetricNetworkOut = "network_out" // B/s
)

// maxPoints bounds one answer, as vendors bound theirs.
const maxPoints = 20_000

// Metric is what a resource used from one moment until before another, a point each step from the first: a made-up
// working day of the metric's size that depends on the resource, the name and the time alone, so that it is the same
// however it is asked for. While the resource was not there, or stopped, there are no points.
func (c *Cloud) Metric(o Owner, kind Kind, id, name string, from, to time.Time, step time.Duration) (points []duoyun.Point, err error) {
	top, known := map[string]float64{MetricCPU: 100, MetricMemory: 100, MetricDiskRead: 20 << 20, MetricDiskWrite: 10 << 20,
		MetricNetworkIn: 4 << 20, MetricNetworkOut: 8 << 20}[name]
	if !known || step <= 0 || to.Sub(from)/max(step, 1) > maxPoints {
		return nil, invalid(kind, "there is no metric %q of at most %d points each %s", name, maxPoints, step)
	}
	c.locked(func() {
		run := c.runs.get(runID(kind, id))
		if run == nil || run.Owner != o {
			err = missing(kind, id)
			return
		}
		for at := from; at.Before(to) && !at.After(c.time()); at = at.Add(step) {
			if run.works(at) {
				points = append(points, duoyun.Point{At: at, Value: math.Round(top*load(id+"/"+name, at)*100) / 100})
			}
		}
	})
	return points, err
}

// works reports whether what a run is of was there and not stopped.
func (r *Run) works(at time.Time) bool {
	for _, s := range r.Stretches {
		if !at.Before(s.From) && (s.Until.IsZero() || at.Before(s.Until)) {
			return !s.Stopped
		}
	}
	return false
}

// load is between 0 and 1: a level of its own, higher in the early afternoon of Beijing, and a little noise each minute.
func load(name string, at time.Time) float64 {
	day := at.In(duoyun.Civil)
	hour := float64(day.Hour()) + float64(day.Minute())/60
	wave := 0.5 + 0.5*math.Cos((hour-14)/12*math.Pi)
	return 0.05 + 0.35*chance(name) + 0.4*wave + 0.2*chance(name+at.UTC().Format("2006-01-02T15:04"))
}

// chance is a number from 0 to 1 that depends on a text alone.
func chance(text string) float64 {
	sum := sha256.Sum256([]byte(text))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}
