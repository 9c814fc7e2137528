//go:build !race

package store_test

const propertyRuns = 100 // what rapid does by itself
