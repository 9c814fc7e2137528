package broker

import (
	"cmp"
	"slices"

	"github.com/duoyun/duoyun"
)

// The weights of a score, 10,000 in all: the price over the term dominates.
const (
	pricePoints = 7000
	sharePoints = 2000
	slaPoints   = 1000
)

// score gives points to the candidates that were not dropped and puts the best first; equals go by pool code and
// contract number; those that failed the order before come after those that did not, dropped ones last. elsewhere is what the other components cost with the same supplier, where one
// supplier has to serve all.
func score(cs []duoyun.Candidate, in inputs, elsewhere map[string]duoyun.Fen) {
	least, first := duoyun.Fen(0), true
	for _, c := range cs {
		if whole := c.Total + elsewhere[c.SupplierID]; len(c.Dropped) == 0 && (first || whole < least) {
			least, first = whole, false
		}
	}
	shares := sharesOf(in.Offers)
	for i := range cs {
		c := &cs[i]
		if len(c.Dropped) > 0 {
			continue
		}
		c.Parts = []duoyun.ScorePart{pricePart(c.Total, elsewhere[c.SupplierID], least), shares.part(c.ContractID), slaPart(in.Reliability, c.PoolID)}
		for _, p := range c.Parts {
			c.Score += p.Points
		}
	}
	slices.SortFunc(cs, func(a, b duoyun.Candidate) int {
		return cmp.Or(cmp.Compare(demerit(a), demerit(b)), cmp.Compare(b.Score, a.Score), cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Contract, b.Contract))
	})
}

func demerit(c duoyun.Candidate) int {
	switch {
	case len(c.Dropped) > 0:
		return 2
	case len(c.Failed) > 0:
		return 1
	}
	return 0
}

// pricePart gives the cheapest all points and the others in proportion; where one supplier has to serve all, by what the
// component costs together with the others.
func pricePart(own, elsewhere, least duoyun.Fen) duoyun.ScorePart {
	whole, points := own+elsewhere, int64(pricePoints)
	if whole > 0 {
		points = int64(least) * pricePoints / int64(whole)
	}
	reason := because("期限内 %s 元，最低 %s 元", "%s yuan over the term, the lowest is %s", own, least)
	if elsewhere > 0 {
		reason = because("期限内 %s 元；由同一云服务商提供全部内容 %s 元，最低 %s 元", "%s yuan over the term; everything from this supplier comes to %s, the lowest is %s", own, whole, least)
	}
	return duoyun.ScorePart{Name: "price", Points: points, Reason: reason}
}

// shares compares what each contract was to have of the framework's volume with what it has.
type shares struct {
	stated map[string]int64 // contract id → per cent
	used   map[string]duoyun.Fen
	sum    duoyun.Fen
}

func sharesOf(offers []duoyun.Offer) shares {
	s := shares{stated: map[string]int64{}, used: map[string]duoyun.Fen{}}
	for _, o := range offers {
		if _, seen := s.stated[o.Contract.ID]; !seen {
			s.stated[o.Contract.ID], s.used[o.Contract.ID] = o.Contract.Share, o.Contract.Used
			s.sum += o.Contract.Used
		}
	}
	return s
}

// part favours a contract that is below its share: each per cent is worth 20 points, half of the points being even.
func (s shares) part(contractID string) duoyun.ScorePart {
	stated := s.stated[contractID]
	if stated == 0 {
		return duoyun.ScorePart{Name: "share", Points: sharePoints / 2, Reason: because("合同未约定份额", "the contract states no share")}
	}
	has := stated
	if s.sum > 0 {
		has = int64(s.used[contractID] * 100 / s.sum)
	}
	points := min(max(sharePoints/2+(stated-has)*20, 0), sharePoints)
	return duoyun.ScorePart{Name: "share", Points: points, Reason: because("约定份额 %d%%，现占 %d%%", "its share is %d %%, it has %d %%", stated, has)}
}

// slaPart values the availability shown so far: every hundredth of a per cent below 100 costs 10 points.
func slaPart(reliability map[string]int64, poolID string) duoyun.ScorePart {
	value, known := reliability[poolID]
	if !known {
		return duoyun.ScorePart{Name: "sla", Points: slaPoints / 2, Reason: because("尚无可用性记录", "no availability on record yet")}
	}
	points := min(max(slaPoints-(10_000-value)*10, 0), slaPoints)
	return duoyun.ScorePart{Name: "sla", Points: points, Reason: because("近一年可用性 %d.%02d%%", "availability of the past year: %d.%02d %%", value/100, value%100)}
}
