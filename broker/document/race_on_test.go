//go:build race

package document_test

import "time"

const slowest = 20 * time.Second // the race detector slows the parser some twenty times
