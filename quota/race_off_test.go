//go:build !race

package quota_test

const (
	propertyRuns = 100 // what rapid does by itself
	roundsEach   = 4
)
