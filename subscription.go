package duoyun

import (
	"encoding/json"
	"slices"
)

// SubscriptionTerms lists for how many months a subscription 包年包月 may be bought at once. Every vendor sells these:
// single months up to nine, and whole years up to three (Period of ECS RunInstances, cycleCount of CT ecs, periodNum of
// Huawei and Tencent Cloud); what some sell besides, others do not.
func SubscriptionTerms() []int { return []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24, 36} }

// TermMonths is for how many months a subscription is bought, or renewed, that begins on from: most, or where what it is
// for ends before (end is the first day after; zero: open-ended), the longest term on sale within the months that remain.
// A begun month counts whole, and it is one month at least.
func TermMonths(most int, from, end Date) int {
	if !end.IsZero() {
		remain := 1
		for remain < most && from.AddMonths(remain).Before(end) {
			remain++
		}
		most = remain
	}
	term := 1
	for _, n := range SubscriptionTerms() {
		if n <= most {
			term = n
		}
	}
	return term
}

// Subscribable reports whether things of this kind are bought by subscription where the pool buys so. Networks cost
// nothing by themselves, buckets are charged by what is in them, and services are people's work.
func (k Kind) Subscribable() bool {
	return !slices.Contains([]Kind{KindNetwork, KindBucket, KindService}, k)
}

// SubscribeMonths is the term that the pool buys subscriptions for, in months, as its account says; 0: on demand 按量. The
// account was checked when it was written; nothing can be bought through one that cannot be read.
func (p Pool) SubscribeMonths() int {
	var account struct {
		Months int `json:"subscribe_months"`
	}
	if err := json.Unmarshal(p.Account, &account); err != nil {
		return 0
	}
	return account.Months
}
