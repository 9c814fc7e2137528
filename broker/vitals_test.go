package broker_test

import (
	"context"
	"database/sql"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// circuits are what a test says of each verb.
type circuits struct{ read, mutate duoyun.Health }

func (c circuits) Health(context.Context, string) (read, mutate duoyun.Health) {
	return c.read, c.mutate
}

func (c circuits) Check(_ context.Context, pool string) (duoyun.PoolCheck, error) {
	return duoyun.PoolCheck{Pool: duoyun.Pool{ID: pool}}, nil
}

func TestAPoolTellsHowItsAccountAnswersAndHowLongPurchasesHaveWaited(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		ctx, since := context.Background(), time.Now().Add(-time.Hour).UTC()
		pools := []duoyun.Pool{{ID: x.world.ID("jd-1")}, {ID: x.world.ID("telecom-1")}}
		first := x.order("app", aServer, duoyun.IntentIntended)
		x.clock.Advance(time.Minute)
		x.order("db", aServer, duoyun.IntentIntended)
		c := circuits{read: duoyun.Health{State: duoyun.CircuitHalfOpen, Since: since}, mutate: duoyun.Health{State: duoyun.CircuitOpen, Since: since}}
		got, err := broker.NewVitals(x.store, c).Pools(ctx, pools)
		if err != nil || len(got) != 2 {
			t.Fatalf("%v %v", got, err)
		}
		if h := got[0]; !h.OldestWaiting.IsZero() || h.PoolID != pools[0].ID {
			t.Errorf("nothing waits for the first: %+v", h)
		}
		if h := got[1]; !h.OldestWaiting.Equal(first.CreatedAt) || h.Worst() != c.mutate {
			t.Errorf("%+v, want since %v", h, first.CreatedAt)
		}
		x.until(first, time.Minute)
		got, err = broker.NewVitals(x.store, nil).Pools(ctx, pools)
		if err != nil || !got[1].OldestWaiting.Equal(first.CreatedAt.Add(time.Minute)) || got[1].Worst().State != duoyun.CircuitNormal {
			t.Errorf("%+v %v: the first is at its end", got, err)
		}
	})
}

func TestAQueueTellsHowLongItsNextJobHasBeenDue(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		ctx := context.Background()
		if ages, err := x.store.QueueAges(ctx); err != nil || len(ages) != 0 {
			t.Fatalf("%v %v", ages, err)
		}
		x.tx(func(tx *sql.Tx) error {
			return x.store.Enqueue(ctx, tx, broker.PurchaseJob{IntentID: "a"}, broker.PurchaseJob{IntentID: "b"}, broker.PlaceJob{OrderID: "c"})
		})
		time.Sleep(time.Millisecond) // River dates jobs by the real clock
		ages, err := x.store.QueueAges(ctx)
		if err != nil || len(ages) != 2 || ages["purchase"] <= 0 || ages["purchase"] > time.Minute {
			t.Fatalf("%v %v", ages, err)
		}
	})
}

func TestWhoRunsThePlatformOrBuysMayCheckAPool(t *testing.T) {
	each(t, func(t *testing.T, x *shop) {
		v := broker.NewVitals(x.store, circuits{})
		for login, want := range map[string]duoyun.Code{"sysadmin": "", "city-procurement": "", "hrss-applicant": duoyun.CodeForbidden, "city-auditor": duoyun.CodeForbidden} {
			got, err := v.Check(context.Background(), x.world.Actor(t, login), "telecom-1")
			if duoyun.CodeOf(err) != want || err == nil && got.Pool.ID != x.world.ID("telecom-1") {
				t.Errorf("%s: %+v, %v", login, got.Pool, err)
			}
		}
		if _, err := v.Check(context.Background(), x.world.Actor(t, "sysadmin"), "none"); duoyun.CodeOf(err) != duoyun.CodeNotFound {
			t.Errorf("an unknown pool: %v", err)
		}
	})
}
