package duoyun

import "time"

// Circuit 熔断状态 tells whether calls are made to a vendor's account.
type Circuit string

// The states of a circuit.
const (
	CircuitNormal   Circuit = "normal"    // 正常: calls are made
	CircuitHalfOpen Circuit = "half_open" // 试探: one call at a time finds out whether the account answers again
	CircuitOpen     Circuit = "open"      // 熔断: the account did not answer, and no call is made for a while
)

// Health 健康状态 is a circuit's state, and since when its account has not been well; the zero time where it is.
type Health struct {
	State Circuit
	Since time.Time
}

// PoolHealth 资源池健康 is how a pool's account answers, and how long purchases have waited for it.
type PoolHealth struct {
	PoolID        string
	Read, Mutate  Health
	OldestWaiting time.Time // when the oldest purchase that is not at its end was placed; zero: none waits
	OldestDue     time.Time // since when the longest due purchase has waited for a worker; zero: none is due
}

// Worst is the worse of both circuits: what is said of the pool as a whole.
func (h PoolHealth) Worst() Health {
	rank := func(c Circuit) int {
		switch c {
		case CircuitOpen:
			return 2
		case CircuitHalfOpen:
			return 1
		}
		return 0
	}
	if rank(h.Mutate.State) > rank(h.Read.State) {
		return h.Mutate
	}
	return h.Read
}

// PoolCheck 资源池核验 is what read-only calls with a pool's credential find out about its account.
type PoolCheck struct {
	Pool    Pool
	Faults  []Fault // what the key may not do, what a mapping names that is not there, what is sold and not offered
	Kinds   []Kind  // the account offers
	Flavors int     // server sizes it can buy now; 0 where its driver does not tell
	Quota   map[Dimension]Allowance
	Balance *Balance // nil where its driver does not tell
}

// Allowance is a vendor account's own limit for a dimension; Limit < 0 is unlimited.
type Allowance struct {
	Limit int64 `json:"limit"`
	Used  int64 `json:"used"`
}
