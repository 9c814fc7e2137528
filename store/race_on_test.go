//go:build race

package store_test

// The race detector slows modernc's SQLite some thirty times: there a reduced set.
const propertyRuns = 10
