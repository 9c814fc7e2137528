package store

import (
	"context"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
)

// circuit moves a circuit as one atomic step, as providers.MemoryBreaker does. The key is a hash of the same fields, and
// is gone when it says nothing any more. ARGV: allow, report or health; the time in microseconds or -1 for the clock of
// Redis; then the circuit's measures in microseconds; for report whether the call was the trial, and its outcome. It
// returns the leave (allow alone), when the circuit opened, until when it is barred, the time, and the blemishes.
const circuit = `
local op, now = ARGV[1], tonumber(ARGV[2])
local after, open, most, trialTime, forget = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if now < 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local names, c = {'bad', 'last', 'opened', 'till', 'trial', 'trips'}, {}
local kept = redis.call('HMGET', KEYS[1], unpack(names))
for i, name in ipairs(names) do c[name] = tonumber(kept[i] or 0) or 0 end
local function clear() for _, name in ipairs(names) do c[name] = 0 end end
local leave = 0
if op == 'allow' and c.opened > 0 then
  if now < c.till or now < c.trial then
    leave = 2
  else
    leave, c.trial = 1, now + trialTime
  end
elseif op == 'report' then
  local trial, outcome = ARGV[8] == '1', ARGV[9]
  if c.opened == 0 then
    if now - c.last > forget then c.bad = 0 end
    if outcome == 'answered' then c.bad = math.max(0, c.bad - 1) end
    if outcome == 'unanswered' then c.bad = c.bad + 1 end
    c.last = now
    if c.bad >= after then
      clear()
      c.opened, c.till = now, now + open
    end
  elseif trial and outcome == 'answered' then
    clear()
  elseif trial and outcome == 'unanswered' then
    c.trips = c.trips + 1
    c.till, c.trial = now + math.min(open * 2 ^ math.min(c.trips, 16), most), 0
  elseif trial then
    c.trial = 0
  end
end
if op ~= 'health' then
  if c.opened == 0 and c.bad == 0 then
    redis.call('DEL', KEYS[1])
  else
    local fields = {}
    for _, name in ipairs(names) do
      fields[#fields + 1] = name
      fields[#fields + 1] = string.format('%.0f', c[name])
    end
    redis.call('HSET', KEYS[1], unpack(fields))
    redis.call('PEXPIRE', KEYS[1], 86400000)
  end
end
return {leave, string.format('%.0f', c.opened), string.format('%.0f', c.till), string.format('%.0f', now), c.bad}
`

// wellFor is how long a closed circuit without a blemish is believed without asking Redis again: a healthy cloud's calls
// cost nothing, and what other replicas find out is known within this time.
const wellFor = time.Second

// Allow implements providers.Breaker.
func (r *Redis) Allow(ctx context.Context, key string) (providers.Leave, error) {
	if r.isWell(key) {
		return providers.Pass, nil
	}
	c, err := r.move(ctx, key, "allow")
	if err != nil {
		return r.breaker.Allow(ctx, key)
	}
	return c.leave, nil
}

// Report implements providers.Breaker.
func (r *Redis) Report(ctx context.Context, key string, l providers.Leave, o providers.Outcome) error {
	if o != providers.Unanswered && l == providers.Pass && r.isWell(key) {
		return nil
	}
	trial, outcome := 0, map[providers.Outcome]string{providers.Answered: "answered", providers.Unanswered: "unanswered"}[o]
	if l == providers.Trial {
		trial = 1
	}
	if _, err := r.move(ctx, key, "report", trial, outcome); err != nil {
		return r.breaker.Report(ctx, key, l, o)
	}
	return nil
}

// Health implements providers.Breaker.
func (r *Redis) Health(ctx context.Context, key string) (duoyun.Health, error) {
	if r.isWell(key) {
		return duoyun.Health{State: duoyun.CircuitNormal}, nil
	}
	c, err := r.move(ctx, key, "health")
	switch {
	case err != nil:
		return r.breaker.Health(ctx, key)
	case c.opened.IsZero():
		return duoyun.Health{State: duoyun.CircuitNormal}, nil
	case c.now.Before(c.until):
		return duoyun.Health{State: duoyun.CircuitOpen, Since: c.opened}, nil
	}
	return duoyun.Health{State: duoyun.CircuitHalfOpen, Since: c.opened}, nil
}

// moved is what the script returns.
type moved struct {
	leave              providers.Leave
	opened, until, now time.Time
}

func (r *Redis) move(ctx context.Context, key, op string, more ...any) (c moved, err error) {
	args := append([]any{op, r.micros(), providers.OpenAfter, providers.OpenFor.Microseconds(), providers.OpenAtMost.Microseconds(),
		providers.TrialTime.Microseconds(), providers.ForgetIn.Microseconds()}, more...)
	v, err := r.circuit.Run(ctx, r.client, []string{r.prefix + key}, args...).Int64Slice()
	if err != nil {
		r.note(key, false)
		return c, err
	}
	c.leave = providers.Leave(v[0])
	c.opened, c.until, c.now = micros(v[1]), micros(v[2]), micros(v[3])
	r.note(key, v[1] == 0 && v[4] == 0)
	return c, nil
}

// micros is the time that many microseconds after the epoch; the zero time for 0.
func micros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

func (r *Redis) isWell(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	read, ok := r.well[key]
	return ok && r.time().Sub(read) < wellFor
}

func (r *Redis) note(key string, well bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !well {
		delete(r.well, key)
		return
	}
	r.well[key] = r.time()
}

func (r *Redis) time() time.Time {
	if r.now == nil {
		return time.Now()
	}
	return r.now()
}
