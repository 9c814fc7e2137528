package duoyun

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// Unit is one unit of an order line after the cuts: what one purchase intent buys.
type Unit struct {
	Line    string
	Ordinal int // 1-based among the line's units
	Kind    Kind
	Zone    string // "" for buckets and services, and for disks and public addresses that hang on no line
	Spec    Spec
	Parents []Parent // bought and verified before it
}

// Name is what people call the unit and its resource, such as app-3. A line's name may have dashes too; the last one
// parts it from the ordinal.
func (u Unit) Name() string { return UnitName(u.Line, u.Ordinal) }

// UnitName names a unit of a line.
func UnitName(line string, ordinal int) string { return line + "-" + strconv.Itoa(ordinal) }

// Quantity is how much of its line the unit stands for: 1, or the whole quantity of a service.
func (u Unit) Quantity() int64 {
	if s, ok := u.Spec.(ServiceSpec); ok {
		return s.Amount()
	}
	return 1
}

// Parent is what a unit hangs on: a unit of the same order, or a resource that exists.
type Parent struct {
	Relation Relation
	Line     string
	Ordinal  int
	Resource string // number; Line is "" then
}

// Units expands the lines of an open order into what shall be bought, with the reviewer's cuts applied, parents before
// children. A cut's Approved replaces the line's quantity (per unit of the other line under per: each), so that what
// hangs on a cut line shrinks with it. A service is one unit with the quantity in its spec, since one work order is given
// for all of it. Lines about existing resources give one unit each. A cut that does not fit is
// CodeInvalid with paths such as cuts[0].approved. The document must have passed Check.
func (r OrderRequest) Units(cuts []Cut) ([]Unit, error) {
	var f Faults
	lines := r.cutLines(cuts, &f)
	counts := countUnits(lines, &f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	order := make([]int, len(lines))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rank(lines[a].Kind), rank(lines[b].Kind)) })
	e := expansion{lines: lines, counts: counts, index: indexLines(lines)}
	var units []Unit
	for _, i := range order {
		for n := int64(1); n <= counts[i]; n++ {
			units = append(units, e.unit(i, n))
		}
	}
	return units, nil
}

// Components groups the names of the lines that references join; each group goes to one pool, region and zone.
// Requires.SameSupplier joins suppliers, not pools, and is left to the caller.
func (r OrderRequest) Components() [][]string {
	group := map[string]int{} // what is referred to, or a line's own name → group
	var groups [][]string
	for _, l := range r.Lines {
		joined := len(groups)
		groups = append(groups, []string{l.Name})
		for _, key := range append([]Reference{Reference(l.Name)}, l.References()...) {
			if other, seen := group[string(key)]; seen && other != joined {
				from, to := max(other, joined), min(other, joined)
				groups[to], groups[from] = append(groups[to], groups[from]...), nil
				for k, g := range group {
					if g == from {
						group[k] = to
					}
				}
				joined = to
			}
			group[string(key)] = joined
		}
	}
	return r.inOrder(groups)
}

// inOrder drops the groups that were merged away and puts the names as the document has them.
func (r OrderRequest) inOrder(groups [][]string) [][]string {
	at := map[string]int{}
	for i, l := range r.Lines {
		at[l.Name] = i
	}
	var out [][]string
	for _, g := range groups {
		if len(g) > 0 {
			slices.SortFunc(g, func(a, b string) int { return cmp.Compare(at[a], at[b]) })
			out = append(out, g)
		}
	}
	return out
}

// rank orders kinds for purchase: a line may refer only to kinds of a lesser rank, so references cannot form a cycle.
func rank(k Kind) int {
	switch k {
	case KindDisk, KindLoadBalancer:
		return 1
	case KindPublicIP:
		return 2
	}
	return 0
}

// accepts reports whether a line of kind child may refer to a line of kind parent.
func accepts(child, parent Kind) bool {
	switch child {
	case KindDisk, KindLoadBalancer:
		return parent == KindServer
	case KindPublicIP:
		return parent == KindServer || parent == KindAddress || parent == KindLoadBalancer
	}
	return false
}

// HangsOn reports whether a line of this kind may refer to one of kind parent, or to an existing resource of it.
func (k Kind) HangsOn(parent Kind) bool { return accepts(k, parent) }

func (r OrderRequest) checkReferences(f *Faults, index map[string]int) {
	for i, l := range r.Lines {
		if l.Attach != "" {
			r.checkReference(f, fmt.Sprintf("lines[%d].attach", i), l, l.Attach, index)
		}
		seen := map[Reference]bool{}
		for j, m := range l.Members {
			path := fmt.Sprintf("lines[%d].members[%d]", i, j)
			r.checkReference(f, path, l, m, index)
			refuse(f, path, string(m), !seen[m], "成员重复", "the member is listed twice")
			seen[m] = true
		}
	}
	countUnits(r.Lines, f)
}

func (r OrderRequest) checkReference(f *Faults, path string, l Line, ref Reference, index map[string]int) {
	if number, ok := ref.Resource(); ok {
		if number == "" {
			f.Add(path, string(ref), "res: 之后须写资源单号", "res: is followed by the number of a resource")
		}
		resourceNumber(f, path, number)
		return
	}
	i, found := index[string(ref)]
	if !found {
		f.Add(path, string(ref), "本单没有这一行；已有资源请写 res:单号", "no line has this name; an existing resource is res:number")
		return
	}
	to := r.Lines[i]
	if !slices.Contains(Kinds(), to.Kind) {
		return // told already
	}
	if !accepts(l.Kind, to.Kind) {
		f.Add(path, string(ref), fmt.Sprintf("%s 不能引用 %s（%s）", l.Kind, to.Name, to.Kind),
			fmt.Sprintf("a %s cannot refer to %s, a %s", l.Kind, to.Name, to.Kind))
		return
	}
	if l.Zone != "" && to.Zone != "" && l.Zone != to.Zone {
		f.Add(path, string(ref), fmt.Sprintf("两者须在同一网络区：%s、%s", l.Zone, to.Zone),
			fmt.Sprintf("both must be in one zone, not %s and %s", l.Zone, to.Zone))
	}
}

func indexLines(lines []Line) map[string]int {
	index := make(map[string]int, len(lines))
	for i, l := range lines {
		if _, taken := index[l.Name]; !taken {
			index[l.Name] = i
		}
	}
	return index
}

// countUnits gives the units of each line and faults those that neither multiply nor pair with what they refer to.
func countUnits(lines []Line, f *Faults) []int64 {
	counts, index, total := make([]int64, len(lines)), indexLines(lines), int64(0)
	for step := range 3 {
		for i, l := range lines {
			if rank(l.Kind) == step {
				counts[i] = countLine(fmt.Sprintf("lines[%d]", i), l, lines, counts, index, f)
				total += counts[i]
			}
		}
	}
	if total > MaxUnits {
		f.Add("lines", fmt.Sprint(total), fmt.Sprintf("每单最多 %d 个资源", MaxUnits), fmt.Sprintf("at most %d units per order", MaxUnits))
	}
	return counts
}

// clamp keeps absurd quantities countable: anything above MaxUnits is as wrong as MaxUnits+1, and cannot overflow.
func clamp(n int64) int64 { return min(max(n, 0), MaxUnits+1) }

func countLine(path string, l Line, lines []Line, counts []int64, index map[string]int, f *Faults) int64 {
	n := clamp(l.Quantity)
	if s, ok := l.Spec.(AddressSpec); ok {
		n = clamp(n * max(clamp(s.Count), 1))
	}
	if l.Kind == KindService {
		n = min(n, 1) // one work order for the whole quantity
	}
	if l.Kind == KindLoadBalancer && l.Resource == "" && n > 0 {
		checkManned(path, l, counts, index, f)
	}
	if l.Attach == "" {
		return n
	}
	others := int64(1)
	if _, exists := l.Attach.Resource(); !exists {
		i, ok := index[string(l.Attach)]
		if !ok || !accepts(l.Kind, lines[i].Kind) {
			return n // told already
		}
		others = counts[i]
	}
	switch {
	case l.Per == "each":
		return clamp(n * others)
	case n != others:
		f.Add(path+".quantity", fmt.Sprint(n), fmt.Sprintf("%s 有 %d 个：数量须相同（逐个对应），或写 per: each", l.Attach, others),
			fmt.Sprintf("%s has %d units: give as many (they pair by ordinal) or write per: each", l.Attach, others))
	}
	return n
}

// checkManned refuses a load balancer whose every member has been cut away.
func checkManned(path string, l Line, counts []int64, index map[string]int, f *Faults) {
	for _, m := range l.Members {
		if i, ok := index[string(m)]; !ok || counts[i] > 0 {
			return
		}
	}
	f.Add(path+".members", fmt.Sprint(len(l.Members)), "负载均衡已没有成员", "the load balancer has no members left")
}

type expansion struct {
	lines  []Line
	counts []int64
	index  map[string]int
}

func (e expansion) unit(i int, n int64) Unit {
	l := e.lines[i]
	u := Unit{Line: l.Name, Ordinal: int(n), Kind: l.Kind, Zone: l.Zone, Spec: l.Spec}
	switch s := l.Spec.(type) {
	case AddressSpec:
		u.Spec = AddressSpec{Count: 1} // the count has become units
	case ServiceSpec:
		s.Quantity = l.Quantity
		u.Spec = s
	}
	if l.Attach != "" {
		parent := n
		if l.Per == "each" {
			parent = (n-1)/l.Quantity + 1
		}
		u.Parents = append(u.Parents, e.parent(RelAttach, l.Attach, parent))
	}
	for _, m := range l.Members {
		for k := int64(1); k <= e.count(m); k++ {
			u.Parents = append(u.Parents, e.parent(RelMember, m, k))
		}
	}
	return u
}

func (e expansion) count(ref Reference) int64 {
	if i, ok := e.index[string(ref)]; ok {
		return e.counts[i]
	}
	return 1
}

func (e expansion) parent(rel Relation, ref Reference, n int64) Parent {
	if number, ok := ref.Resource(); ok {
		return Parent{Relation: rel, Resource: number}
	}
	return Parent{Relation: rel, Line: string(ref), Ordinal: int(n)}
}

func (r OrderRequest) cutLines(cuts []Cut, f *Faults) []Line {
	lines, index, seen := slices.Clone(r.Lines), indexLines(r.Lines), map[string]bool{}
	for i, c := range cuts {
		path := fmt.Sprintf("cuts[%d]", i)
		at, ok := index[c.Line]
		if !ok || seen[c.Line] {
			f.Add(path+".line", c.Line, "没有这一行，或该行已核定", "no such line, or it has been cut already")
			continue
		}
		seen[c.Line] = true
		c.check(f, path, lines[at])
		lines[at].Quantity = c.Approved
		if c.Spec != nil {
			lines[at].Spec = c.Spec
		}
	}
	return lines
}

// check holds the reviewer to cutting: never more units, never more of any quota dimension, and a reason where it
// bites (核减理由).
func (c Cut) check(f *Faults, path string, l Line) {
	between(f, path+".approved", c.Approved, 0, l.Quantity)
	cut := c.Approved != l.Quantity || c.Spec != nil && l.Spec != nil && !SameSpec(c.Spec, l.Spec)
	if cut && c.Reason == "" {
		f.Add(path+".reason", "", "核减须写明理由", "a cut states its reason")
	}
	prose(f, path+".reason", c.Reason, 200)
	if c.Spec == nil {
		return
	}
	if l.Spec == nil || c.Spec.Kind() != l.Spec.Kind() {
		f.Add(path+".spec", string(c.Spec.Kind()), "核定规格与申报的类型不符", "the spec is not of the line's kind")
		return
	}
	asked := l.Spec.Quota()
	for _, d := range Dimensions() {
		if n := c.Spec.Quota()[d]; n > asked[d] {
			f.Add(path+".spec", fmt.Sprint(n), fmt.Sprintf("%s 不能超过申报的 %d", d, asked[d]), fmt.Sprintf("%s may not exceed the %d asked for", d, asked[d]))
		}
	}
	if _, whole := l.Spec.(AddressSpec); whole {
		between(f, path+".spec.count", c.Spec.(AddressSpec).Count, 0, max(1, l.Spec.(AddressSpec).Count))
	}
	if l.Action == "" {
		c.Spec.Check(path+".spec", f)
	}
}
