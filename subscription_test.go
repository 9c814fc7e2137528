package duoyun_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/duoyun/duoyun"
)

func TestATermIsThePoolsOwnOrTheLongestOnSaleThatThePeriodStillTakes(t *testing.T) {
	t.Parallel()
	from := duoyun.Date{Year: 2027, Month: time.January, Day: 31}
	for _, c := range []struct {
		most int
		end  string
		want int
	}{
		{12, "", 12}, {36, "", 36}, // open-ended
		{12, "2028-01-31", 12}, {12, "2030-01-01", 12},
		{12, "2027-02-28", 1}, {12, "2027-03-01", 2}, // a begun month counts whole
		{12, "2027-12-01", 6}, {12, "2027-09-30", 6}, {9, "2027-12-01", 9}, // what remains is sold by some only
		{36, "2029-06-30", 24},
		{36, "2028-12-31", 12},
		{1, "2027-06-30", 1},
		{12, "2027-01-31", 1}, {12, "2026-01-01", 1}, // it is over, and still paid for a month
		{0, "", 1}, {0, "2028-01-31", 1}, // the pool has gone over to buying on demand
	} {
		var end duoyun.Date
		if err := end.UnmarshalText([]byte(c.end)); err != nil {
			t.Fatal(err)
		}
		if got := duoyun.TermMonths(c.most, from, end); got != c.want {
			t.Errorf("at most %d months from %s until %s: %d, want %d", c.most, from, end, got, c.want)
		}
	}
}

func TestAPoolBuysAsItsAccountSays(t *testing.T) {
	t.Parallel()
	for account, want := range map[string]int{"": 0, "{}": 0, `{"endpoint":"https://c"}`: 0, `{"subscribe_months":12}`: 12, `[`: 0} {
		if got := (duoyun.Pool{Account: json.RawMessage(account)}).SubscribeMonths(); got != want {
			t.Errorf("%s: %d months, want %d", account, got, want)
		}
	}
}
