package billing

import (
	"cmp"
	"slices"

	"github.com/duoyun/duoyun"
)

// Settle gives every line its fen. A line group is what one agency's use costs one payer: its exact sum is rounded once,
// half up, and the difference is spread over its lines by largest remainder, ties to the earlier line, so that they add
// up to it. Lines of one group must be settled together. Only here does an exact amount become fen.
func Settle(lines []Line) {
	groups := map[string][]int{}
	var order []string
	for i, l := range lines {
		if _, seen := groups[l.Group]; !seen {
			order = append(order, l.Group)
		}
		groups[l.Group] = append(groups[l.Group], i)
	}
	for _, g := range order {
		settleGroup(lines, groups[g])
	}
}

func settleGroup(lines []Line, members []int) {
	exact, list := make([]duoyun.Amount, len(members)), make([]duoyun.Amount, len(members))
	for k, i := range members {
		exact[k], list[k] = lines[i].Exact, lines[i].List
	}
	amounts, lists := Spread(exact), Spread(list)
	for k, i := range members {
		lines[i].Amount, lines[i].ListAmount = amounts[k], max(lists[k], amounts[k])
	}
}

// Spread rounds the sum of exact amounts to fen, half up, and gives each its part: its floor, and one fen more to those
// with the largest remainders, ties to the first. The parts add up to the rounded sum.
func Spread(exact []duoyun.Amount) []duoyun.Fen {
	parts, rest := make([]duoyun.Fen, len(exact)), make([]duoyun.Amount, len(exact))
	var sum duoyun.Amount
	var floors duoyun.Fen
	for i, a := range exact {
		parts[i] = a.Floor()
		rest[i] = a.Minus(parts[i].Amount())
		sum, floors = sum.Plus(a), floors+parts[i]
	}
	left := int(sum.HalfUp() - floors)
	if left == 0 {
		return parts
	}
	order := make([]int, len(exact))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Or(rest[b].Cmp(rest[a]), cmp.Compare(a, b)) })
	for _, i := range order[:left] {
		parts[i]++
	}
	return parts
}

// Tax splits the sum of a statement's lines, credits deducted, into what is payable, its net and its tax. Prices are
// tax-inclusive unless the contract says otherwise: agencies cannot deduct VAT (golden cases G22, G24).
func Tax(rules duoyun.ContractRules, sum duoyun.Fen) (total, net, tax duoyun.Fen) {
	percent, hundred := rules.TaxPercent.Amount(), duoyun.Fen(100_00).Amount()
	if rules.TaxExclusive {
		tax = sum.Amount().Scaled(percent, hundred).HalfUp()
		return sum + tax, sum, tax
	}
	net = sum.Amount().Scaled(hundred, hundred.Plus(percent)).HalfUp()
	return sum, net, sum - net
}
