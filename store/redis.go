package store

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers"
)

// Redis shares limits and circuits among replicas. It is never a record: without it each replica limits for itself, and
// finds out for itself who does not answer.
type Redis struct {
	client  *redis.Client
	take    *redis.Script
	circuit *redis.Script
	prefix  string
	limits  *providers.MemoryLimiter // while Redis does not answer
	breaker *providers.MemoryBreaker // likewise
	now     duoyun.Clock             // nil: the clock of Redis, which all replicas share

	mu   sync.Mutex
	well map[string]time.Time // keys whose circuit was closed without a blemish, and when that was read
}

// RedisOptions of OpenRedis; the zero value works.
type RedisOptions struct {
	Prefix string       // of every key; default "duoyun:"
	Clock  duoyun.Clock // for tests; nil: the clock of Redis
}

// gcra is the generic cell rate algorithm (ITU-T I.371) as one atomic step, as providers.MemoryLimiter has it. The key
// holds the theoretical arrival time in microseconds and is gone when the burst is whole again. ARGV: microseconds a
// call, burst, and the time in microseconds or -1 for the clock of Redis. It returns the microseconds to wait, 0 when
// the call was counted.
const gcra = `
local every, burst, now = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if now < 0 then
  local t = redis.call('TIME')
  now = tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local due = tonumber(redis.call('GET', KEYS[1]) or now)
if due < now then due = now end
local wait = due + every - burst * every - now
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%.0f', due + every), 'PX', math.ceil((due + every - now) / 1000) + 1000)
return 0
`

// OpenRedis takes a Redis by URL (redis:// or rediss://) or by host:port. It need not answer yet: until it does, the
// in-memory twins serve.
func OpenRedis(url string, o RedisOptions) (*Redis, error) {
	if !strings.Contains(url, "://") {
		url = "redis://" + url
	}
	opts, err := redis.ParseURL(url)
	if err != nil {
		return nil, duoyun.Fail(duoyun.CodeInvalid, "redis", "Redis 地址无效", "the address of Redis is invalid").Because(err)
	}
	opts.ReadTimeout, opts.WriteTimeout, opts.MaxRetries = time.Second, time.Second, -1 // a limit is not worth waiting for
	opts.DialTimeout = time.Second
	r := &Redis{client: redis.NewClient(opts), take: redis.NewScript(gcra), circuit: redis.NewScript(circuit), prefix: o.Prefix,
		limits: providers.NewMemoryLimiter(o.Clock), breaker: providers.NewMemoryBreaker(o.Clock), now: o.Clock, well: map[string]time.Time{}}
	if r.prefix == "" {
		r.prefix = "duoyun:"
	}
	return r, nil
}

// Ready reports whether Redis answers.
func (r *Redis) Ready(ctx context.Context) error { return r.client.Ping(ctx).Err() }

// Close closes the connections.
func (r *Redis) Close() error { return r.client.Close() }

// Take implements providers.Limiter. While Redis does not answer, the in-memory twin counts for this replica alone.
func (r *Redis) Take(ctx context.Context, key string, l providers.Limit) (time.Duration, error) {
	wait, err := r.take.Run(ctx, r.client, []string{r.prefix + key}, l.Every.Microseconds(), max(l.Burst, 1), r.micros()).Int64()
	if err != nil && ctx.Err() == nil {
		return r.limits.Take(ctx, key, l)
	}
	if err != nil {
		return 0, fmt.Errorf("limit %s: %w", key, err)
	}
	return time.Duration(wait) * time.Microsecond, nil
}

// micros is the time that scripts go by: -1 for the clock of Redis.
func (r *Redis) micros() int64 {
	if r.now == nil {
		return -1
	}
	return r.now().UnixMicro()
}
