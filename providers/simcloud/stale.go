package simcloud

import (
	"bytes"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// copies remember what lists looked like a moment ago, so that they can be answered late, and the last thing made at each
// path, so that it can be taken for another. They hold two answers a list, and only while somebody asks for staleness.
type copies struct {
	mu   sync.Mutex
	age  time.Duration
	of   map[string][]copied
	made map[string]string // id, by path
}

type copied struct {
	at     time.Time
	answer *kept
}

// maxLists is how many lists are remembered before those that are too old are forgotten.
const maxLists = 512

// keep remembers lists for as long as the given time; 0 forgets them all.
func (c *copies) keep(age time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.age = max(c.age, age); age == 0 {
		c.age, c.of, c.made = 0, nil, nil
	}
}

func (c *copies) wanted() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.age > 0
}

// pass lets a call through, and remembers what it brought.
func (c *copies) pass(w http.ResponseWriter, r *http.Request, next http.Handler) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost || !c.wanted() {
		next.ServeHTTP(w, r)
		return
	}
	asOf := time.Now() // a list may be as old as its question
	answer := acted(next, r)
	switch body := answer.body.Bytes(); {
	case answer.status >= 300:
	case r.Method == http.MethodPost:
		c.noteMade(r.URL.Path, idIn(body))
	case isList(body):
		c.noteList(r.URL.String(), answer, asOf)
	}
	answer.writeTo(w)
}

func (c *copies) noteMade(path, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil {
		c.made = map[string]string{}
	}
	if id != "" && len(c.made) < maxLists {
		c.made[path] = id
	}
}

// another is the id of something else that was made at a path, or "".
func (c *copies) another(path string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made[path]
}

func (c *copies) noteList(key string, answer *kept, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[string][]copied{}
	}
	old := c.of[key]
	c.of[key] = append(old[max(0, len(old)-1):], copied{at, answer})
	if len(c.of) > maxLists {
		for k, l := range c.of {
			if l[len(l)-1].at.Before(at.Add(-c.age)) {
				delete(c.of, k)
			}
		}
	}
}

// old returns the oldest answer to a call that is no older than age; nil when there is none.
func (c *copies) old(r *http.Request, age time.Duration) *kept {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.of[r.URL.String()] {
		if time.Since(x.at) <= age {
			return x.answer
		}
	}
	return nil
}

// stale answers a list as it was, and lets pass what is no list or was not seen before.
func (l *Faults) stale(w http.ResponseWriter, r *http.Request, next http.Handler, age time.Duration) {
	l.copies.keep(age)
	if answer := l.copies.old(r, age); r.Method == http.MethodGet && answer != nil {
		answer.writeTo(w)
		return
	}
	l.copies.pass(w, r, next)
}

// isList reports whether a body is a JSON array, or an object with one in it as the APIs of clouds answer lists.
func isList(body []byte) bool {
	body = bytes.TrimSpace(body)
	if len(body) > 0 && body[0] == '[' {
		return true
	}
	var o map[string]json.RawMessage
	if json.Unmarshal(body, &o) != nil {
		return false
	}
	for _, v := range o {
		if len(v) > 0 && v[0] == '[' {
			return true
		}
	}
	return false
}
