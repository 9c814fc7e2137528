//go:build race

package quota_test

// The race detector slows modernc's SQLite some thirty times: there a reduced set.
const (
	propertyRuns = 10
	roundsEach   = 1
)
