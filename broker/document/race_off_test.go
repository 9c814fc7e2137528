//go:build !race

package document_test

import "time"

const slowest = time.Second
