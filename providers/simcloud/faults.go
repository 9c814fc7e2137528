package simcloud

import (
	"bytes"
	"context"
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

// Rule is a fault for the calls that match it. One that asks for nothing lets calls pass and counts them.
type Rule struct {
	Method string // "": any
	Path   string // a path.Match pattern in which * stays within one segment, and ** ends it for any rest; "": any
	Body   string // what the request's body must contain
	Skip   int    // so many matching calls pass first
	Times  int    // then so many are struck; 0: all

	When   When          // of Drop, Status and Delay
	Delay  time.Duration // before the act, which is done though the caller may have gone, or before the answer when After
	Drop   bool          // the connection is closed without an answer
	Status int           // answered instead: 429, 500, 503 …
	Retry  int           // seconds of Retry-After with Status
	Twice  bool          // the request arrives twice; the second answer is the one given
	Cut    bool          // the answer breaks off in the middle of its body
	Stale  time.Duration // a list is answered as it was up to so long ago, where such an answer has been seen
	Garble Garble        // the answer's body is another
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

// Faults is a layer over a wire fake, or in front of a real cloud, that spoils calls. The zero value spoils none. It is
// safe for concurrent use.
type Faults struct {
	mu     sync.Mutex
	rules  []*Fault
	plan   *Plan
	calls  uint64
	dealt  map[Trouble]int
	copies copies
}

// Add puts a rule in force, after those there are; the first that strikes a call decides.
func (l *Faults) Add(r Rule) *Fault {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := &Fault{Rule: r, faults: l}
	l.rules = append(l.rules, f)
	return f
}

// Clear ends every rule and the plan.
func (l *Faults) Clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rules, l.plan = nil, nil
	l.copies.keep(0)
}

// Wrap puts the layer over a fake, or over a proxy to a real cloud.
func (l *Faults) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rule, hit := l.strike(r)
		switch {
		case hit && rule.Stale > 0:
			l.stale(w, r, next, rule.Stale)
		case hit:
			rule.spoil(w, r, next)
		default:
			l.copies.pass(w, r, next)
		}
	})
}

// strike finds the rule that strikes a call, the plan's where no other does, and counts.
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
			if f.acts() {
				hit = f
			}
		}
	}
	if hit != nil {
		return hit.Rule, true
	}
	return l.deal(r)
}

// acts reports whether a rule does more than count.
func (r *Rule) acts() bool {
	return r.Drop || r.Status != 0 || r.Delay != 0 || r.Twice || r.Cut || r.Stale != 0 || r.Garble != nil
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

// spoil strikes a call. Whatever is done is done though the caller has gone: a request that arrived is acted on.
func (r *Rule) spoil(w http.ResponseWriter, q *http.Request, next http.Handler) {
	request, err := arrived(q)
	if err != nil {
		panic(http.ErrAbortHandler) // the caller went before it had said all
	}
	if r.When == Before && (r.Drop || r.Status != 0) {
		r.answer(w, q, nil)
		return
	}
	if r.When == Before {
		time.Sleep(r.Delay)
	}
	reply := acted(next, request())
	if r.Twice {
		reply = acted(next, request())
	}
	r.answer(w, q, reply)
}

// answer gives the caller, if it is still there, what the rule leaves of a reply.
func (r *Rule) answer(w http.ResponseWriter, q *http.Request, reply *kept) {
	if (r.When == After || reply == nil) && !pause(q, r.Delay) {
		return
	}
	switch {
	case r.Drop:
		panic(http.ErrAbortHandler) // net/http closes the connection and logs nothing
	case r.Status != 0:
		r.refuse(w)
	case r.Cut:
		reply.cut(w)
	case r.Garble != nil && reply.status < 300:
		reply.garbled(r.Garble).writeTo(w)
	default:
		reply.writeTo(w)
	}
}

// arrived reads a request whole and returns what makes it anew, free of its caller's going.
func arrived(r *http.Request) (func() *http.Request, error) {
	body, err := io.ReadAll(r.Body)
	ctx := context.WithoutCancel(r.Context())
	return func() *http.Request {
		again := r.Clone(ctx)
		again.Body = io.NopCloser(bytes.NewReader(body))
		return again
	}, err
}

// acted lets the cloud act and keeps its answer.
func acted(next http.Handler, r *http.Request) *kept {
	answer := &kept{header: http.Header{}, status: http.StatusOK}
	next.ServeHTTP(answer, r)
	return answer
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
	w.Write(k.body.Bytes()) // fails where the caller has gone
}

// cut gives the first half of an answer and closes the connection.
func (k *kept) cut(w http.ResponseWriter) {
	half := *k
	whole := k.body.Bytes()
	half.body = *bytes.NewBuffer(whole[:len(whole)/2])
	if len(whole) > 0 {
		half.header = k.header.Clone()
		half.header.Set("Content-Length", strconv.Itoa(len(whole)))
		half.writeTo(w)
		_ = http.NewResponseController(w).Flush() // the caller shall see what there is
	}
	panic(http.ErrAbortHandler)
}

// garbled is the same answer with another body.
func (k *kept) garbled(g Garble) *kept {
	other := &kept{header: k.header.Clone(), status: k.status}
	other.header.Del("Content-Length")
	other.body.Write(g(k.body.Bytes()))
	return other
}

// Paced makes each call of a fake take the cloud's call latency.
func (c *Cloud) Paced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if pause(r, c.CallLatency()) {
			next.ServeHTTP(w, r)
		}
	})
}
