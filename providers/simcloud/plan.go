package simcloud

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// Trouble is a fault that a plan plays.
type Trouble string

// The troubles. What would make a documented refusal a lie (429 or 401 after the fact) is not among them: no client can
// live with that.
const (
	LostRequest  Trouble = "request lost"
	LostReply    Trouble = "reply lost after the act"
	Duplicated   Trouble = "request acted on twice"
	DuplicateGap Trouble = "request acted on twice, reply lost"
	LateAct      Trouble = "acted on after the deadline"
	LateReply    Trouble = "reply after the deadline"
	Throttling   Trouble = "429 before the act"
	Failing      Trouble = "500 before the act"
	FailingLate  Trouble = "500 after the act"
	Unavailable  Trouble = "503 before the act"
	UnavailLate  Trouble = "503 after the act"
	CutOff       Trouble = "cut in the middle of the answer"
	StaleList    Trouble = "stale list"
	Expiring     Trouble = "token expired early"
	Mistyped     Trouble = "answer of another type"
	Emptied      Trouble = "answer with nothing in it"
	Nameless     Trouble = "answer without an id"
	Misnamed     Trouble = "answer with somebody else's id"
)

// Troubles lists them all.
func Troubles() []Trouble {
	return []Trouble{LostRequest, LostReply, Duplicated, DuplicateGap, LateAct, LateReply, Throttling, Failing, FailingLate, Unavailable,
		UnavailLate, CutOff, StaleList, Expiring, Mistyped, Emptied, Nameless, Misnamed}
}

// Plan plays troubles at random. The trouble of the n-th call follows from Seed and n alone; which call is the n-th is for
// the callers to decide, so that a run with several of them replays as far as their timing does.
type Plan struct {
	Seed    uint64
	Odds    map[Trouble]float64 // the chance of each at a call that it can strike; together below 1
	Timeout time.Duration       // how long callers wait: what is late comes after that, within twice as long
	Lag     time.Duration       // how old a stale list may be
}

// Play puts a plan in force in the place of the one before it; calls are counted on.
func (l *Faults) Play(p Plan) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.plan = &p
	l.copies.keep(p.Lag)
}

// Dealt counts what plans have played so far.
func (l *Faults) Dealt() map[Trouble]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.dealt)
}

// deal asks the plan what becomes of the next call. The lock is held.
func (l *Faults) deal(r *http.Request) (Rule, bool) {
	if l.plan == nil {
		return Rule{}, false
	}
	l.calls++
	trouble, rule, ok := l.plan.At(l.calls, r)
	if !ok {
		return rule, false
	}
	if l.dealt == nil {
		l.dealt = map[Trouble]int{}
	}
	l.dealt[trouble]++
	if id := l.copies.another(r.URL.Path); trouble == Misnamed && id != "" {
		rule.Garble = WithID(id)
	}
	return rule, true
}

// At is what the plan does to its n-th call.
func (p *Plan) At(n uint64, r *http.Request) (Trouble, Rule, bool) {
	dice := rand.New(rand.NewPCG(p.Seed, n))
	roll := dice.Float64()
	for _, t := range slices.Sorted(maps.Keys(p.Odds)) {
		if roll -= p.Odds[t]; roll < 0 {
			return t, p.rule(t, dice), t.strikes(r)
		}
	}
	return "", Rule{}, false
}

func (p *Plan) rule(t Trouble, dice *rand.Rand) Rule {
	late := p.Timeout + time.Duration(dice.Int64N(int64(cmp.Or(p.Timeout, 1))))
	return map[Trouble]Rule{
		LostRequest: {Drop: true}, LostReply: {Drop: true, When: After},
		Duplicated: {Twice: true}, DuplicateGap: {Twice: true, Drop: true, When: After},
		LateAct: {Delay: late}, LateReply: {Delay: late, When: After},
		Throttling: {Status: http.StatusTooManyRequests}, Expiring: {Status: http.StatusUnauthorized},
		Failing: {Status: http.StatusInternalServerError}, FailingLate: {Status: http.StatusInternalServerError, When: After},
		Unavailable: {Status: http.StatusServiceUnavailable}, UnavailLate: {Status: http.StatusServiceUnavailable, When: After},
		CutOff: {Cut: true}, StaleList: {Stale: p.Lag},
		Mistyped: {Garble: WrongType}, Emptied: {Garble: Hollow}, Nameless: {Garble: WithoutID}, Misnamed: {Garble: WithID(someID(dice))},
	}[t]
}

// someID is well formed and nobody's.
func someID(dice *rand.Rand) string {
	var b [16]byte
	for i := range b {
		b[i] = byte(dice.Uint32())
	}
	return formatID(b)
}

// strikes reports whether a trouble makes sense for a call: only what acts can be acted on twice, only what bears a token
// can have one that expired, and a login is answered truly.
func (t Trouble) strikes(r *http.Request) bool {
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	bearer := r.Header.Get("X-Auth-Token") != "" || r.Header.Get("Authorization") != ""
	switch t {
	case StaleList:
		return read
	case Expiring, Mistyped, Emptied:
		return bearer
	case Duplicated, DuplicateGap, Nameless, Misnamed:
		return bearer && !read
	}
	return true
}
