package duoyun

import (
	"encoding/json"
	"slices"
)

// SubscriptionTerms lists for how many months a pool may buy subscriptions 包年包月: single months up to nine, and whole
// years up to three, which is what most products of every vendor are sold for.
func SubscriptionTerms() []int { return []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 24, 36} }

// shortTerms are sold for every product there is a driver for: China Telecom's caches end at six months, and go on by the
// year.
func shortTerms() []int { return []int{1, 2, 3, 4, 5, 6, 12, 24} }

// TermMonths is for how many months a subscription is bought, or renewed, that begins on from: most, or where what it is
// for ends before (end is the first day after; zero: open-ended), the longest short term within the months that remain; a
// begun month counts whole. It is one month at least.
func TermMonths(most int, from, end Date) int {
	most = max(most, 1)
	remain := most
	if !end.IsZero() {
		for remain = 1; remain < most && from.AddMonths(remain).Before(end); {
			remain++
		}
	}
	if remain == most {
		return most
	}
	term := 1
	for _, n := range shortTerms() {
		if n <= remain {
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
