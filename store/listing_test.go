package store_test

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/billing"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/procurement"
	"github.com/duoyun/duoyun/quota"
	"github.com/duoyun/duoyun/sla"
)

// forest is two trees of agencies to the deepest level, with rows of every noun that is listed, all made in one
// millisecond, so that their ids are in no order of theirs.
type forest struct {
	*bench
	agencies  []duoyun.Agency
	suppliers []string
	pools     map[string]string            // pool → supplier
	resources map[string]duoyun.Resource   // by id
	owners    map[string]map[string]string // noun → row → agency
	lines     map[string][]duoyun.StatementLine
	parties   map[string]map[string]string // noun → row → supplier
}

func (f *forest) own(noun, id, agency string) {
	if f.owners[noun] == nil {
		f.owners[noun] = map[string]string{}
	}
	f.owners[noun][id] = agency
}

func (f *forest) sell(noun, id, supplier string) {
	if f.parties[noun] == nil {
		f.parties[noun] = map[string]string{}
	}
	f.parties[noun][id] = supplier
}

func plant(b *bench) *forest {
	f := &forest{bench: b, pools: map[string]string{}, resources: map[string]duoyun.Resource{}, owners: map[string]map[string]string{},
		parties: map[string]map[string]string{}, lines: map[string][]duoyun.StatementLine{}}
	for _, table := range []string{"approval_rules", "quotas", "budgets", "projects", "systems", "grants", "price_items", "contracts", "pools", "suppliers"} {
		b.exec(`DELETE FROM ` + table)
	}
	b.exec(`DELETE FROM users WHERE login <> 'hrss-applicant'`)
	b.exec(`DELETE FROM agencies WHERE depth > 1`)
	b.exec(`DELETE FROM agencies`)
	b.tx(func(tx *sql.Tx) error {
		f.grow(tx, nil, 1)
		f.grow(tx, nil, 1)
		f.supply(tx)
		for i, a := range f.agencies {
			f.furnish(tx, a, i)
			ok(f.t, f.InsertIntentBudgets(f.ctx, tx, []quota.BudgetKey{{PayerID: a.ID, Year: 2026, Item: "i"}}))
			_, err := f.QuotaRows(f.ctx, tx, []quota.QuotaKey{{AgencyID: a.ID, Dimension: duoyun.QuotaVCPU}})
			ok(f.t, err)
		}
		f.settle(tx)
		return nil
	})
	return f
}

func (f *forest) grow(tx *sql.Tx, parent *duoyun.Agency, depth int) {
	a := duoyun.Agency{ID: f.newID(), Depth: depth}
	a.Code, a.Short, a.ApproverID, a.PayerID = a.ID[14:], a.ID[14:], a.ID, a.ID
	if parent != nil {
		a.ParentID, a.Ancestors = parent.ID, parent.Ancestors
	}
	a.Ancestors[depth-1] = a.ID
	ok(f.t, f.InsertAgency(f.ctx, tx, a))
	f.agencies = append(f.agencies, a)
	f.own("agency", a.ID, a.ID)
	for range min(2, duoyun.MaxDepth-depth) {
		f.grow(tx, &a, depth+1)
	}
}

func (f *forest) supply(tx *sql.Tx) {
	for i := range 3 {
		s := duoyun.Supplier{ID: f.newID(), Code: fmt.Sprint("s", i)}
		ok(f.t, f.InsertSupplier(f.ctx, tx, s))
		f.suppliers = append(f.suppliers, s.ID)
		f.sell("supplier", s.ID, s.ID)
		c := duoyun.Contract{ID: f.newID(), Number: s.Code, SupplierID: s.ID, State: "active", Start: duoyun.Date{Year: 2026, Month: 1, Day: 1}, End: duoyun.Date{Year: 2028, Month: 1, Day: 1}}
		ok(f.t, f.InsertContract(f.ctx, tx, c))
		f.sell("contract", c.ID, s.ID)
		p := duoyun.PriceItem{ID: f.newID(), ContractID: c.ID, Item: "vcpu", Per: "month", Price: duoyun.MustPrice("1"), From: day.Add(-time.Hour)}
		ok(f.t, f.InsertPriceItems(f.ctx, tx, []duoyun.PriceItem{p}))
		for j := range 2 {
			pool := duoyun.Pool{ID: f.newID(), Code: fmt.Sprint(s.Code, "-", j), SupplierID: s.ID, Active: true, Kinds: []duoyun.Kind{duoyun.KindServer}}
			ok(f.t, f.InsertPool(f.ctx, tx, pool))
			f.pools[pool.ID] = s.ID
			f.sell("pool", pool.ID, s.ID)
			f.sell("offer", p.ID+pool.ID, s.ID)
		}
	}
}

func (f *forest) furnish(tx *sql.Tx, a duoyun.Agency, i int) {
	supplier := f.suppliers[i%3]
	y := duoyun.System{ID: f.newID(), Code: "y" + f.newID(), AgencyID: a.ID, Cloud: []duoyun.CloudState{duoyun.CloudOn, duoyun.CloudNot}[i%2]}
	ok(f.t, f.InsertSystem(f.ctx, tx, y))
	f.own("system", y.ID, a.ID)
	p := duoyun.Project{ID: f.newID(), Number: "p" + f.newID(), AgencyID: a.ID}
	ok(f.t, f.InsertProject(f.ctx, tx, p))
	f.own("project", p.ID, a.ID)
	o := f.anOrder(a.ID)
	ok(f.t, f.InsertOrder(f.ctx, tx, o))
	ok(f.t, f.PlacedWith(f.ctx, tx, o.ID, []string{supplier, supplier}))
	f.own("order", o.ID, a.ID)
	f.sell("order", o.ID, supplier)
	for range 2 {
		f.resource(tx, a, supplier, o.ID)
	}
	finding := duoyun.Finding{ID: f.newID(), Kind: "drift", Subject: "order", SubjectID: o.ID, AgencyID: a.ID}
	_, err := f.OpenFinding(f.ctx, tx, finding)
	ok(f.t, err)
	f.own("finding", finding.ID, a.ID)
}

func (f *forest) resource(tx *sql.Tx, a duoyun.Agency, supplier, order string) {
	var pools []string
	for p, s := range f.pools {
		if s == supplier {
			pools = append(pools, p)
		}
	}
	r := f.aServer(a.ID)
	r.OrderID, r.SupplierID, r.PoolID, r.ContractID = order, supplier, slices.Min(pools), f.contractOf(supplier)
	ok(f.t, f.InsertResources(f.ctx, tx, []duoyun.Resource{r}))
	f.resources[r.ID] = r
	f.own("resource", r.ID, a.ID)
	f.sell("resource", r.ID, supplier)
	u := duoyun.UsageInterval{ID: f.newID(), ResourceID: r.ID, Meter: "vcpu", Quantity: 1, Start: day}
	ok(f.t, f.InsertUsage(f.ctx, tx, u))
	f.own("usage", u.ID, a.ID)
	f.sell("usage", u.ID, supplier)
	n := duoyun.Incident{ID: f.newID(), SupplierID: supplier, PoolID: r.PoolID, ResourceID: r.ID, State: duoyun.IncidentOpen, Start: day}
	n.Number = n.ID
	ok(f.t, f.InsertIncident(f.ctx, tx, n))
	f.own("incident", n.ID, a.ID)
	f.sell("incident", n.ID, supplier)
}

func (f *forest) contractOf(supplier string) string {
	for c, s := range f.parties["contract"] {
		if s == supplier {
			return c
		}
	}
	return ""
}

// settle closes two statements for each supplier: lines of its resources, every third paid for by another agency.
func (f *forest) settle(tx *sql.Tx) {
	ids := slices.Sorted(func(yield func(string) bool) {
		for id := range f.resources {
			if !yield(id) {
				return
			}
		}
	})
	for _, s := range f.suppliers {
		for month := 1; month <= 2; month++ {
			st := duoyun.Statement{ID: f.newID(), ContractID: f.contractOf(s), SupplierID: s, Month: duoyun.Month{Year: 2026, Month: time.Month(month)}, State: duoyun.StatementOpen}
			st.Number = st.ID
			ok(f.t, f.InsertStatement(f.ctx, tx, st))
			for i, id := range ids {
				r := f.resources[id]
				if r.SupplierID != s || i%2 == month-1 {
					continue
				}
				l := duoyun.StatementLine{ID: f.newID(), StatementID: st.ID, Ordinal: int64(i), ResourceID: id, AgencyID: r.AgencyID, PayerID: r.AgencyID,
					Start: day, End: day.Add(time.Hour), Amount: duoyun.Fen(1 << (i % 40))}
				if i%3 == 0 {
					l.PayerID = f.agencies[(i*7)%len(f.agencies)].ID
				}
				f.lines[st.ID] = append(f.lines[st.ID], l)
			}
			ok(f.t, f.InsertLines(f.ctx, tx, f.lines[st.ID]))
			f.sell("statement", st.ID, s)
		}
	}
}

// sees is what a scope covers, told from the tree itself.
func (f *forest) sees(s duoyun.Scope, agency string) bool {
	i := slices.IndexFunc(f.agencies, func(a duoyun.Agency) bool { return a.ID == agency })
	return s.All || i >= 0 && slices.ContainsFunc(s.Agencies, func(g duoyun.Grant) bool { return slices.Contains(f.agencies[i].Ancestors[:], g.AgencyID) })
}

// visible lists the rows of a noun in scope, newest first: those of its agencies, and those of its suppliers.
func (f *forest) visible(noun string, s duoyun.Scope) []string {
	seen := map[string]bool{}
	for id, a := range f.owners[noun] {
		seen[id] = f.sees(s, a)
	}
	for id, supplier := range f.parties[noun] {
		seen[id] = seen[id] || s.All || slices.Contains(s.Suppliers, supplier)
	}
	if noun == "statement" {
		for id, lines := range f.lines {
			seen[id] = seen[id] || slices.ContainsFunc(lines, func(l duoyun.StatementLine) bool { return f.charges(s, l) })
		}
	}
	var ids []string
	for id, in := range seen {
		if in {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Compare(b, a) })
	return ids
}

func (f *forest) charges(s duoyun.Scope, l duoyun.StatementLine) bool {
	return f.sees(s, l.AgencyID) || f.sees(s, l.PayerID)
}

// listing asks for one page, and adds a row that is newer than all others.
type listing struct {
	noun string
	page func(s duoyun.Scope, p duoyun.Page) (ids []string, next string, err error)
	add  func(tx *sql.Tx)
}

func list[T any](noun string, id func(T) string, ask func(duoyun.Scope, duoyun.Page) (duoyun.Listing[T], error)) listing {
	return listing{noun: noun, page: func(s duoyun.Scope, p duoyun.Page) ([]string, string, error) {
		l, err := ask(s, p)
		var ids []string
		for _, x := range l.Items {
			ids = append(ids, id(x))
		}
		return ids, l.Next, err
	}}
}

func (f *forest) listings() []listing {
	ctx, s := f.ctx, f.World.Store
	ls := []listing{
		list("agency", func(x duoyun.Agency) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Agency], error) {
			return s.Agencies(ctx, c, p)
		}),
		list("system", func(x duoyun.System) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.System], error) {
			return s.Systems(ctx, c, "", p)
		}),
		list("project", func(x duoyun.Project) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Project], error) {
			return s.Projects(ctx, c, p)
		}),
		list("supplier", func(x duoyun.Supplier) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Supplier], error) {
			return s.Suppliers(ctx, c, p)
		}),
		list("pool", func(x duoyun.Pool) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Pool], error) {
			return s.Pools(ctx, c, procurement.PoolFilter{}, p)
		}),
		list("contract", func(x duoyun.Contract) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Contract], error) {
			return s.Contracts(ctx, c, procurement.ContractFilter{}, p)
		}),
		list("offer", func(x procurement.OfferPrice) string { return x.Item.ID + x.Pool.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[procurement.OfferPrice], error) {
			return s.OfferPrices(ctx, c, procurement.OfferFilter{}, day, p)
		}),
		list("order", func(x duoyun.Order) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Order], error) {
			return s.Orders(ctx, c, broker.OrderFilter{}, p)
		}),
		list("resource", func(x duoyun.Resource) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Resource], error) {
			return s.Resources(ctx, c, broker.ResourceFilter{}, p)
		}),
		list("resource", func(x sla.Served) string { return x.ResourceID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[sla.Served], error) {
			f.exec(`UPDATE resources SET delivered_at = created_at WHERE delivered_at IS NULL`)
			return s.ServedResources(ctx, c, sla.ReportFilter{}, day.Add(-time.Hour), day.Add(time.Hour), p)
		}),
		list("usage", func(x duoyun.UsageInterval) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.UsageInterval], error) {
			return s.Usage(ctx, c, billing.UsageFilter{}, p)
		}),
		list("incident", func(x duoyun.Incident) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Incident], error) {
			return s.Incidents(ctx, c, sla.IncidentFilter{}, p)
		}),
		list("finding", func(x duoyun.Finding) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Finding], error) {
			return s.Findings(ctx, c, broker.FindingFilter{}, p)
		}),
		list("statement", func(x billing.Account) string { return x.ID }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[billing.Account], error) {
			return s.Statements(ctx, c, billing.StatementFilter{}, p)
		}),
		// Rows that the store makes itself are known by what they belong to: budgets and quotas, one an agency.
		list("budget", func(x duoyun.Budget) string { return f.learn("budget", x.ID, x.Payer) }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Budget], error) {
			return s.Budgets(ctx, c, quota.BudgetFilter{}, p)
		}),
		list("quota", func(x duoyun.Quota) string { return f.learn("quota", x.ID, x.AgencyID) }, func(c duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Quota], error) {
			return s.Quotas(ctx, c, quota.Filter{}, p)
		}),
	}
	for i := range ls {
		switch ls[i].noun {
		case "agency":
			ls[i].add = func(tx *sql.Tx) { f.grow(tx, &f.agencies[0], 2) }
		case "order", "finding":
			ls[i].add = func(tx *sql.Tx) { f.furnish(tx, f.agencies[len(f.agencies)-1], 0) }
		case "resource", "usage", "incident":
			ls[i].add = func(tx *sql.Tx) { f.resource(tx, f.agencies[3], f.suppliers[1], "") }
		}
	}
	return ls
}

// learn notes whose row the store made.
func (f *forest) learn(noun, id, agency string) string {
	f.own(noun, id, agency)
	return id
}

func (f *forest) scope(t *rapid.T) duoyun.Scope {
	if rapid.IntRange(0, 9).Draw(t, "all") == 0 {
		return all()
	}
	var s duoyun.Scope
	for _, a := range rapid.SliceOfN(rapid.SampledFrom(f.agencies), 0, 3).Draw(t, "agencies") {
		s.Agencies = append(s.Agencies, duoyun.Grant{AgencyID: a.ID, Depth: a.Depth})
	}
	s.Suppliers = rapid.SliceOfN(rapid.SampledFrom(f.suppliers), 0, 2).Draw(t, "suppliers")
	return s
}

// Whatever the scope, listing and page size: the pages hold every row in scope exactly once, newest first, though rows
// are added while the reader turns them, and none out of scope.
func TestPagesHoldEveryRowInScopeOnceWhateverIsAddedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		f := plant(b)
		ls := f.listings()
		for _, l := range ls { // budgets and quotas are learnt by one look at all of them
			_, _, err := l.page(all(), duoyun.Page{Limit: 500})
			ok(t, err)
		}
		property(t, func(t *rapid.T) {
			l, scope := rapid.SampledFrom(ls).Draw(t, "listing"), f.scope(t)
			p := duoyun.Page{Limit: rapid.SampledFrom([]int{2, 7, 50, 10_000}).Draw(t, "size")}
			if slices.Contains([]string{"supplier", "pool", "contract", "offer"}, l.noun) {
				scope.Agencies = nil // the market is shown to agencies whole
			}
			want := f.visible(l.noun, scope)
			var got []string
			for turn := 0; ; turn++ {
				ids, next, err := l.page(scope, p)
				ok(t, err)
				if len(ids) > p.Size() || next != "" && len(ids) != p.Size() {
					t.Fatalf("%s: a page of %d holds %d, next %q", l.noun, p.Size(), len(ids), next)
				}
				got = append(got, ids...)
				if p.After = next; next == "" {
					break
				}
				if l.add != nil && turn < 2 {
					f.newer(l.add)
				}
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s in %+v:\n got %d %v\nwant %d %v", l.noun, scope, len(got), got, len(want), want)
			}
		})
	})
}

// newer adds rows with ids above all there are: time goes on by a second for each.
func (f *forest) newer(add func(tx *sql.Tx)) {
	f.at = f.at.Add(time.Second)
	f.tx(func(tx *sql.Tx) error { add(tx); return nil })
}

// What one scope's part of a statement comes to is the sum of the lines it sees, and a reader's lines come in their order.
func TestAScopeIsChargedTheLinesItSees(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		f := plant(b)
		ids := f.visible("statement", all())
		property(t, func(t *rapid.T) {
			scope, id := f.scope(t), rapid.SampledFrom(ids).Draw(t, "statement")
			whole := scope.All || slices.Contains(scope.Suppliers, f.parties["statement"][id])
			var want []duoyun.StatementLine
			var sum duoyun.Fen
			for _, l := range f.lines[id] {
				if whole || f.charges(scope, l) {
					want, sum = append(want, l), sum+l.Amount
				}
			}
			sums, err := f.PartSums(f.ctx, scope, ids)
			if ok(t, err); sums[id] != sum {
				t.Fatalf("part of %s: %d, want %d", id, sums[id], sum)
			}
			var got []duoyun.StatementLine
			for p := (duoyun.Page{Limit: rapid.IntRange(1, 9).Draw(t, "size")}); ; {
				l, err := f.Lines(f.ctx, scope, id, p)
				ok(t, err)
				if got = append(got, l.Items...); l.Next == "" {
					break
				}
				p.After = l.Next
			}
			if !slices.EqualFunc(got, want, func(a, b duoyun.StatementLine) bool { return a.ID == b.ID }) {
				t.Fatalf("%d lines, want %d: %v", len(got), len(want), got)
			}
		})
		_, err := f.Lines(f.ctx, all(), ids[0], duoyun.Page{After: "1; DROP TABLE statements"})
		wantCode(t, err, duoyun.CodeInvalid)
		var total duoyun.Fen
		ok(t, f.EachCharge(f.ctx, all(), duoyun.Month{Year: 2026, Month: 1}, func(billing.Charge) error { total++; return nil }))
		if total != 0 { // open statements charge nobody
			t.Errorf("%d lines of open statements are charged", total)
		}
		stop := errors.New("enough")
		f.exec(`UPDATE statements SET state = 'closed'`)
		err = f.EachCharge(f.ctx, all(), duoyun.Month{Year: 2026, Month: 1}, func(c billing.Charge) error { total += c.Line.Amount; return stop })
		if !errors.Is(err, stop) || total == 0 {
			t.Errorf("a reader that stopped: %v after %d", err, total)
		}
	})
}

// A filter by agency keeps its subtree; an agency out of scope is not there.
func TestAFilterByAgencyKeepsItsSubtreeWithinTheScope(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		f := plant(b)
		property(t, func(t *rapid.T) {
			scope, a := f.scope(t), rapid.SampledFrom(f.agencies).Draw(t, "agency")
			scope.Suppliers = nil
			got, err := f.Resources(f.ctx, scope, broker.ResourceFilter{Agency: rapid.SampledFrom([]string{a.ID, a.Code}).Draw(t, "key")}, duoyun.Page{Limit: 500})
			if !f.sees(scope, a.ID) {
				wantCode(t, err, duoyun.CodeNotFound)
				return
			}
			ok(t, err)
			want := f.visible("resource", duoyun.Scope{Agencies: []duoyun.Grant{{AgencyID: a.ID, Depth: a.Depth}}})
			var ids []string
			for _, r := range got.Items {
				ids = append(ids, r.ID)
			}
			same(t, "resources of "+a.Code, ids, want)
			orders, err := f.Orders(f.ctx, scope, broker.OrderFilter{Agency: a.ID}, duoyun.Page{Limit: 500})
			ok(t, err)
			if n := len(f.visible("order", duoyun.Scope{Agencies: []duoyun.Grant{{AgencyID: a.ID, Depth: a.Depth}}})); len(orders.Items) != n {
				t.Fatalf("%d orders, want %d", len(orders.Items), n)
			}
			for _, o := range orders.Items {
				if found, err := f.FindOrder(f.ctx, scope, o.Number); found.ID != o.ID {
					t.Fatalf("listed and not found: %v", err)
				}
			}
		})
	})
}
