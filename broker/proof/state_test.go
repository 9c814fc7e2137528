package proof_test

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

// state is all there is outside a worker's memory: our database and the vendor's cloud. Values that are shared between
// states are never written to.
type state struct {
	intents   []duoyun.Intent
	steps     []duoyun.IntentStep
	resources []duoyun.Resource
	held      []bool // by resource: whether its holds stand
	links     []duoyun.Link
	findings  []finding
	things    []thing
	flying    []request
	doubled   []int // by resource: how many creations of its the network delivered twice
	serial    int   // of vendor ids
}

type finding struct{ kind, subject string }

func (s *state) clone() *state {
	c := *s
	c.intents, c.steps, c.resources = slices.Clone(s.intents), slices.Clone(s.steps), slices.Clone(s.resources)
	c.held, c.findings, c.things = slices.Clone(s.held), slices.Clone(s.findings), slices.Clone(s.things)
	c.flying, c.doubled = slices.Clone(s.flying), slices.Clone(s.doubled)
	return &c
}

func (s *state) intent(id string) *duoyun.Intent {
	i := slices.IndexFunc(s.intents, func(in duoyun.Intent) bool { return in.ID == id })
	return &s.intents[i]
}

func (s *state) resource(id string) int {
	return slices.IndexFunc(s.resources, func(r duoyun.Resource) bool { return r.ID == id })
}

// told reports whether a person has been told that an intent waits for them.
func (s *state) told(in duoyun.Intent) bool {
	return slices.ContainsFunc(s.findings, func(f finding) bool { return f.subject == in.ResourceID && f.kind != broker.FindingSurplus })
}

// memory is the protocol's store over the state of one run: serialisable transactions, one at a time.
type memory struct {
	run *run
}

func (m memory) InTx(_ context.Context, f func(tx *sql.Tx) error) error {
	return m.run.transaction(func() error { return f(nil) })
}

func (m memory) now() *state { return m.run.scratch }

func (m memory) Intent(_ context.Context, id string) (duoyun.Intent, error) {
	return read(m.run, func(s *state) duoyun.Intent { return *s.intent(id) }), nil
}

func (m memory) LatestIntent(context.Context, string) (duoyun.Intent, error) {
	return duoyun.Intent{}, errUnused
}

func (m memory) LockIntent(_ context.Context, _ *sql.Tx, id string) (duoyun.Intent, error) {
	return *m.now().intent(id), nil
}

// SaveIntent names the worker as owner, whatever id it drew, and wakes on full seconds, whatever the jitter: two runs
// that differ in luck alone are one state.
func (m memory) SaveIntent(_ context.Context, _ *sql.Tx, was broker.Lease, in duoyun.Intent) error {
	mine := func(owner string) string {
		if duoyun.IsID(owner) {
			return m.run.name
		}
		return owner
	}
	row := m.now().intent(in.ID)
	if row.State != was.State || row.Owner != mine(was.Owner) {
		return broker.LostLease{}
	}
	in.Owner = mine(in.Owner)
	in.WakeAt = wholeSecond(in.WakeAt)
	*row = in
	return nil
}

func wholeSecond(t time.Time) time.Time {
	if whole := t.Truncate(time.Second); whole.Before(t) {
		return whole.Add(time.Second)
	}
	return t
}

func (m memory) InsertIntents(_ context.Context, _ *sql.Tx, intents []duoyun.Intent) error {
	for _, in := range intents {
		if slices.ContainsFunc(m.now().intents, func(o duoyun.Intent) bool { return o.ResourceID == in.ResourceID && !o.State.Settled() }) {
			return errors.New("a second open intent for one resource")
		}
	}
	m.now().intents = append(m.now().intents, intents...)
	return nil
}

func (m memory) IntentSteps(_ context.Context, _ *sql.Tx, intentID string) ([]duoyun.IntentStep, error) {
	return m.now().stepsOf(intentID), nil
}

func (s *state) stepsOf(intentID string) (all []duoyun.IntentStep) {
	for _, st := range s.steps {
		if st.IntentID == intentID {
			all = append(all, st)
		}
	}
	slices.SortFunc(all, func(a, b duoyun.IntentStep) int {
		return cmp.Or(a.Ordinal-b.Ordinal, a.Generation-b.Generation)
	})
	return all
}

func (m memory) SaveStep(_ context.Context, _ *sql.Tx, st duoyun.IntentStep) error {
	for i, row := range m.now().steps {
		if row.IntentID == st.IntentID && row.Ordinal == st.Ordinal && row.Generation == st.Generation {
			st.SentAt, st.VendorID = row.SentAt, cmp.Or(st.VendorID, row.VendorID)
			m.now().steps[i] = st
			return nil
		}
	}
	m.now().steps = append(m.now().steps, st)
	return nil
}

func (m memory) Subject(_ context.Context, _ *sql.Tx, resourceID string) (broker.Subject, error) {
	s := m.now()
	sub := broker.Subject{Resource: s.resources[s.resource(resourceID)]}
	for _, l := range s.links {
		if l.ChildID == resourceID {
			sub.Parents = append(sub.Parents, broker.Above{Relation: l.Relation, Resource: s.resources[s.resource(l.ParentID)]})
		}
	}
	return sub, nil
}

func (m memory) Sentinel(_ context.Context, r duoyun.Resource, after string) (string, error) {
	return read(m.run, func(s *state) string {
		first, next := "", ""
		for _, o := range s.resources {
			if o.ID == r.ID || o.Kind != r.Kind || o.VendorID == "" || !o.State.Live() || o.State == duoyun.ResourceReleasing {
				continue
			}
			if first == "" || o.VendorID < first {
				first = o.VendorID
			}
			if o.VendorID > after && (next == "" || o.VendorID < next) {
				next = o.VendorID
			}
		}
		return cmp.Or(next, first)
	}), nil
}

func (m memory) HoldOrder(context.Context, *sql.Tx, string) error { return nil }

func (m memory) RecordVendor(_ context.Context, _ *sql.Tx, r duoyun.Resource) error {
	row := &m.now().resources[m.now().resource(r.ID)]
	row.VendorID, row.Parts, row.PaidUntil = r.VendorID, r.Parts, r.PaidUntil
	return nil
}

func (m memory) WaitingOn(_ context.Context, _ *sql.Tx, resourceID string, op duoyun.Op) (out []duoyun.Intent, _ error) {
	for _, l := range m.now().links {
		next, of := l.ChildID, l.ParentID
		if op == duoyun.OpDelete {
			next, of = of, next
		}
		if of != resourceID {
			continue
		}
		for _, in := range m.now().intents {
			if in.ResourceID == next && in.State == duoyun.IntentWaiting && in.Op == op {
				out = append(out, in)
			}
		}
	}
	return out, nil
}

func (m memory) Hindered(_ context.Context, _ *sql.Tx, in duoyun.Intent) (bool, error) {
	for _, l := range m.now().links {
		before, of := l.ParentID, l.ChildID
		if in.Op == duoyun.OpDelete {
			before, of = of, before
		}
		if of == in.ResourceID && slices.ContainsFunc(m.now().intents, func(o duoyun.Intent) bool {
			return o.ResourceID == before && o.Op == in.Op && !o.State.Settled()
		}) {
			return true, nil
		}
	}
	return false, nil
}

func (m memory) OpenFinding(_ context.Context, _ *sql.Tx, f duoyun.Finding) (duoyun.Finding, error) {
	x := finding{f.Kind, f.SubjectID}
	if !slices.Contains(m.now().findings, x) {
		m.now().findings = append(m.now().findings, x)
	}
	return f, nil
}

// Settled is the order side: it keeps a unit's holds while the unit is wanted or there, and gives them back when it is not.
func (m memory) Settled(_ context.Context, _ *sql.Tx, in duoyun.Intent, _ duoyun.Resource) error {
	i := m.now().resource(in.ResourceID)
	r, held := &m.now().resources[i], &m.now().held[i]
	switch {
	case in.Op == duoyun.OpCreate && in.State == duoyun.IntentVerified:
		r.State, r.Spec = duoyun.ResourceRunning, in.After
	case in.Op == duoyun.OpCreate && in.State == duoyun.IntentCancelled:
		r.State, *held = duoyun.ResourceCancelled, false
	case in.Op == duoyun.OpCreate && in.State == duoyun.IntentFailed:
		r.State, *held = duoyun.ResourceFailed, false
	case in.Op == duoyun.OpCreate && in.State == duoyun.IntentCompensated:
		r.State = duoyun.ResourceTerminated
	case in.Op == duoyun.OpDelete && in.State == duoyun.IntentVerified:
		r.State, *held = duoyun.ResourceTerminated, false
	case in.Op == duoyun.OpUpdate && in.State == duoyun.IntentVerified:
		r.State, r.Spec = duoyun.ResourceRunning, in.After
	case in.State == duoyun.IntentFailed || in.State == duoyun.IntentCancelled:
		r.State = duoyun.ResourceRunning
	}
	return nil
}

// What the workers of this proof never call: every due intent may be woken at any moment, which is all a sweeper does.
var errUnused = errors.New("not part of the proof")

func (m memory) Enqueue(context.Context, *sql.Tx, ...duoyun.Job) error { return nil }
func (m memory) DueIntents(context.Context, *sql.Tx, time.Time, time.Time, int) ([]string, error) {
	return nil, errUnused
}
func (m memory) QueueAges(context.Context) (map[string]time.Duration, error) { return nil, errUnused }
func (m memory) LeftWaiting(context.Context, time.Time, int) ([]duoyun.Intent, error) {
	return nil, errUnused
}
func (m memory) CloseSettled(context.Context, *sql.Tx, []string, string, string, time.Time) ([]string, error) {
	return nil, errUnused
}
func (m memory) WatchPool(context.Context, *sql.Tx, string, time.Time) error { return nil }
func (m memory) Audit(context.Context, *sql.Tx, duoyun.AuditEntry) error     { return nil }
func (m memory) Derive(string) ([]byte, error)                               { return nil, errUnused }
