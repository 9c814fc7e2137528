package store

import (
	"bytes"
	"runtime"
	"sync"
)

// nesting knows which goroutines are inside InTx, so that tests find calls that would wait for ever on SQLite and
// exhaust PostgreSQL's connections. A nil nesting checks nothing.
type nesting struct {
	mu     sync.Mutex
	inside map[string]bool
}

func newNesting() *nesting { return &nesting{inside: map[string]bool{}} }

func goroutine() string {
	buf := make([]byte, 64)
	f := bytes.Fields(buf[:runtime.Stack(buf, false)])
	return string(f[1])
}

func (n *nesting) enter() {
	if n == nil {
		return
	}
	n.refuse()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.inside[goroutine()] = true
}

func (n *nesting) leave() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.inside, goroutine())
}

// refuse panics when the calling goroutine is inside InTx.
func (n *nesting) refuse() {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.inside[goroutine()] {
		panic("store: a call inside InTx does not take its transaction")
	}
}
