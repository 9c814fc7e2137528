package simcloud

import (
	"bytes"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// When tells on which side of the act a fault strikes.
type When int

// The sides: Before, nothing was done; After, all was done and only the answer suffers.
const (
	Before When = iota
	After
)

// Rule is a fault for the calls that match it. The zero Do lets calls pass and counts them.
type Rule struct {
	Method string        // "": any
	Path   string        // a path.Match pattern in which * stays within one segment, and ** ends it for any rest; "": any
	Body   string        // what the request's body must contain
	Skip   int           // so many matching calls pass first
	Times  int           // then so many are struck; 0: all
	When   When          // of Drop and Status
	Delay  time.Duration // before the act, or before the answer when After
	Drop   bool          // the connection is closed without an answer
	Status int           // answered instead: 429, 500, 503 …
	Retry  int           // seconds of Retry-After with Status
}

// Fault is a rule in force.
type Fault struct {
	Rule
	faults       *Faults
	seen, struck int
}

// Seen counts the calls that matched, struck or not.
func (f *Fault) Seen() int {
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	return f.seen
}

// Struck counts the calls that the rule was applied to.
func (f *Fault) Struck() int {
	f.faults.mu.Lock()
	defer f.faults.mu.Unlock()
	return f.struck
}

// Faults is a layer over a wire fake that spoils calls. The zero value spoils none. It is safe for concurrent use.
type Faults struct {
	mu    sync.Mutex
	rules []*Fault
}

// Add puts a rule in force, after those there are; the first that strikes a call decides.
func (l *Faults) Add(r Rule) *Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &Fault{Rule: r, faults: l}
	l.rules = append(l.rules, f)
	return f
}

// Clear ends every rule.
func (l *Faults) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rules = nil
}

// Wrap puts the layer over a fake.
func (l *Faults) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rule, hit := l.strike(r)
		if !hit {
			next.ServeHTTP(w, r)
			return
		}
		if rule.When == Before {
			rule.spoil(w, r, next)
			return
		}
		rule.spoilAnswer(w, r, next)
	})
}

// strike finds the rule that strikes a call, and counts.
func (l *Faults) strike(r *http.Request) (Rule, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var hit *Fault
	for _, f := range l.rules {
		if !f.matches(r) {
			continue
		}
		f.seen++
		if hit == nil && f.seen > f.Skip && (f.Times == 0 || f.struck < f.Times) {
			f.struck++
			if f.Drop || f.Status != 0 || f.Delay != 0 {
				hit = f
			}
		}
	}
	if hit == nil {
		return Rule{}, false
	}
	return hit.Rule, true
}

func (r *Rule) matches(q *http.Request) bool {
	return (r.Method == "" || r.Method == q.Method) && matchPath(r.Path, q.URL.Path) && matchBody(r.Body, q)
}

func matchPath(pattern, given string) bool {
	if pattern == "" {
		return true
	}
	if head, ok := strings.CutSuffix(pattern, "**"); ok {
		n := strings.Count(head, "/")
		parts := strings.SplitAfterN(given, "/", n+1)
		if len(parts) <= n {
			return false
		}
		pattern, given = head, strings.Join(parts[:n], "")
	}
	ok, err := path.Match(pattern, given)
	return ok && err == nil
}

// maxMatched bounds what of a body a rule looks at.
const maxMatched = 1 << 20

// matchBody looks for text in a body and puts the body back.
func matchBody(text string, r *http.Request) bool {
	if text == "" {
		return true
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxMatched))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(raw), r.Body), r.Body}
	return err == nil && bytes.Contains(raw, []byte(text))
}

// spoil strikes before the act.
func (r *Rule) spoil(w http.ResponseWriter, q *http.Request, next http.Handler) {
	if !pause(q, r.Delay) {
		return
	}
	switch {
	case r.Drop:
		panic(http.ErrAbortHandler) // net/http closes the connection and logs nothing
	case r.Status != 0:
		r.refuse(w)
	default:
		next.ServeHTTP(w, q)
	}
}

// spoilAnswer strikes after the act, of which nobody hears.
func (r *Rule) spoilAnswer(w http.ResponseWriter, q *http.Request, next http.Handler) {
	answer := &kept{header: http.Header{}, status: http.StatusOK}
	next.ServeHTTP(answer, q)
	if !pause(q, r.Delay) {
		return
	}
	switch {
	case r.Drop:
		panic(http.ErrAbortHandler)
	case r.Status != 0:
		r.refuse(w)
	default:
		answer.writeTo(w)
	}
}

func (r *Rule) refuse(w http.ResponseWriter) {
	if r.Retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(r.Retry))
	}
	http.Error(w, http.StatusText(r.Status), r.Status)
}

// pause waits, or until the caller has gone, which it reports as false.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

// kept is an answer that was held back.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }

func (k *kept) writeTo(w http.ResponseWriter) {
	for name, values := range k.header {
		w.Header()[name] = values
	}
	w.WriteHeader(k.status)
	w.Write(k.body.Bytes()) // the caller has gone
}

// Paced makes each call of a fake take the cloud's call latency.
func (c *Cloud) Paced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pause(r, c.CallLatency()) {
			next.ServeHTTP(w, r)
		}
	})
}
