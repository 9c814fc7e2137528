//go:build chaos

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
	"github.com/duoyun/duoyun/store/storetest"
)

// verdict is what a run comes to.
type verdict struct {
	units      int      // that were ever to be bought
	live       int      // that run
	duplicates []string // more than one for a unit, and nobody was told
	found      int      // more than one for a unit, made by the network, and a finding says so
	losses     []string // recorded and not there, or there and not recorded, and nobody was told
	unresolved []string
	holds      []string
	stray      []string // parts of units (ports, groups, listeners) that hang on nothing, or are there twice
	stuck      []string // orders that stand still with nothing under way
}

// judge compares the clouds' own inventory with the database, and fails the run for whatever no person was told of.
func (s *storm) judge() {
	s.t.Helper()
	s.reconcile()
	v := s.compare()
	v.unresolved = s.unresolved()
	v.stuck = s.texts(`SELECT o.id || ' ' || o.form || ' ' || o.state || ' ' || o.reason FROM orders o WHERE o.state IN ('placing', 'provisioning', 'undoing')
		AND NOT EXISTS (SELECT 1 FROM intents i WHERE i.order_id = o.id AND i.state NOT IN ('verified', 'cancelled', 'failed', 'compensated'))
		AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.subject_id = o.id AND f.state = 'open' AND f.kind <> 'bad_reply')`)
	var err error
	v.holds, err = storetest.WrongHolds(context.Background(), s.house.store)
	check(s.t, err)
	s.print(v)
	for what, all := range map[string][]string{"duplicates": v.duplicates, "losses": v.losses, "unresolved": v.unresolved,
		"wrong holds": v.holds, "orders that stand still": v.stuck, "stray parts": v.stray} {
		if len(all) > 0 {
			s.t.Errorf("seed %d: %d %s:\n%s", s.seed, len(all), what, strings.Join(all[:min(len(all), 15)], "\n"))
		}
	}
}

// reconcile compares every pool, as the platform does once a day, twice: the first call may end a run that a killed server
// began, which tells nothing of what came to be behind it.
func (s *storm) reconcile() {
	s.t.Helper()
	r := broker.NewReconciler(s.house.store, s.house.clouds, time.Now)
	for _, pool := range s.texts(`SELECT code FROM pools WHERE driver <> 'workorder'`) {
		for range 2 {
			_, err := r.Reconcile(context.Background(), duoyun.SystemActor(), pool)
			check(s.t, err)
		}
	}
}

// unitRow is a unit as it is recorded.
type unitRow struct{ id, kind, state, vendorID string }

func (s *storm) compare() verdict {
	s.t.Helper()
	there := vendorInventory(s.clouds)
	told := map[string]bool{}
	for _, subject := range s.texts(`SELECT subject_id FROM findings WHERE state = 'open' AND kind <> 'bad_reply'`) {
		told[subject] = true
		if kind, id, ok := strings.Cut(subject, " "); ok {
			told[kind+" "+plain(id)] = true
		}
	}
	var v verdict
	known := map[string]unitRow{}
	rows, err := s.db.Query(`SELECT id, kind, state, vendor_id FROM resources`)
	check(s.t, err)
	defer rows.Close()
	for rows.Next() {
		var u unitRow
		check(s.t, rows.Scan(&u.id, &u.kind, &u.state, &u.vendorID))
		known[u.id] = u
		v.units++
		s.compareUnit(&v, u, there.units[duoyun.Mark(u.id)], told)
	}
	check(s.t, rows.Err())
	for mark, ids := range there.units {
		if _, ok := known[duoyun.ResourceOfMark(mark)]; !ok {
			v.losses = append(v.losses, fmt.Sprintf("%s bears the mark %s of no record", ids, mark))
		}
	}
	s.compareParts(&v, known, there, told)
	return v
}

func (s *storm) compareUnit(v *verdict, u unitRow, there []string, told map[string]bool) {
	live := duoyun.ResourceState(u.state).Live()
	if live {
		v.live++
	}
	personal := told[u.id]
	for _, id := range there {
		personal = personal || told[u.kind+" "+id]
	}
	switch {
	case len(there) > 1 && personal:
		v.found++
	case len(there) > 1:
		v.duplicates = append(v.duplicates, fmt.Sprintf("%s %s %s: %s", u.kind, u.id, u.state, there))
	case personal:
	case live && len(there) == 0:
		v.losses = append(v.losses, fmt.Sprintf("%s %s is recorded %s as %s and is not there", u.kind, u.id, u.state, u.vendorID))
	case live && there[0] != plain(u.vendorID) && duoyun.Mark(u.id) != markIn(u.vendorID): // some are known by their mark
		v.losses = append(v.losses, fmt.Sprintf("%s %s is recorded as %s, and %s is there", u.kind, u.id, u.vendorID, there))
	case !live && len(there) == 1:
		v.losses = append(v.losses, fmt.Sprintf("%s %s is recorded %s, and %s is there", u.kind, u.id, u.state, there))
	}
}

// compareParts looks for parts that hang on no unit that is there or being seen to, and of which no finding tells.
func (s *storm) compareParts(v *verdict, known map[string]unitRow, there vendorThings, told map[string]bool) {
	for note, ids := range there.parts {
		mark, part, _ := strings.Cut(note, " ")
		u := known[duoyun.ResourceOfMark(mark)]
		gone := !duoyun.ResourceState(u.state).Live()
		stray := 0
		for _, id := range ids {
			if !told[part+" "+id] {
				stray++
			}
		}
		if (gone && stray > 0 || stray > 1) && !told[u.id] {
			v.stray = append(v.stray, fmt.Sprintf("%s of a %s that is %s: %s", note, u.kind, u.state, ids))
		}
	}
}

func (s *storm) print(v verdict) {
	took := time.Since(s.began)
	findings := map[string]int{}
	for _, kind := range s.texts(`SELECT kind || ' (' || state || ')' FROM findings`) {
		findings[kind]++
	}
	states := map[string]int{}
	for _, state := range s.texts(`SELECT form || ' ' || state FROM orders`) {
		states[state]++
	}
	faults := injected(s.clouds)
	total := 0
	for _, n := range faults {
		total += n
	}
	out := []string{
		fmt.Sprintf("seed %d on %s, %d replicas: %d orders handed in and %d changes of theirs, %s in all, %.1f orders a second", s.seed, s.engine, len(s.replicas), s.fed,
			s.count(`SELECT COUNT(*) FROM orders WHERE form <> 'open'`), took.Round(time.Second), float64(s.fed)/took.Seconds()),
		fmt.Sprintf("faults injected: %d", total)}
	out = append(out, printed(faults)...)
	out = append(out, fmt.Sprintf("kills %d, servers that gave up and were started again %d, database connections cut %d, outages of Redis %d", s.kills, s.ended, s.cuts, s.outages), "orders at the end:")
	out = append(out, printed(states)...)
	out = append(out, "findings:")
	out = append(out, printed(findings)...)
	out = append(out,
		fmt.Sprintf("units %d, of which live %d; intents %d, of which sent again after a proof of absence %d", v.units, v.live, s.count(`SELECT COUNT(*) FROM intents`),
			s.count(`SELECT COUNT(*) FROM intents WHERE generation > 0`)),
		fmt.Sprintf("duplicates %d (made by the network and found: %d), losses %d, unresolved %d, wrong holds %d, orders that stand still %d, stray parts %d",
			len(v.duplicates), v.found, len(v.losses), len(v.unresolved), len(v.holds), len(v.stuck), len(v.stray)))
	fmt.Println(strings.Join(out, "\n"))
}
