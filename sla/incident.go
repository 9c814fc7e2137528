package sla

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/duoyun/duoyun"
)

// Raised is an incident as a person reports it: an outage by work order, or the supplier's notice of maintenance.
type Raised struct {
	ResourceID string // or
	PoolID     string
	Source     string // notice | work_order
	Start      time.Time
	End        time.Time // zero while it lasts
	Announced  time.Time // of a notice; zero: now, and always now when the supplier itself gives it
	Note       string
}

// Raise records an incident. A supplier may raise those of its own pools, a department those of its own resources, the
// cloud authority any. A notice is planned maintenance and says when it was announced; it is no outage by itself.
func (s *Service) Raise(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in Raised) (duoyun.Incident, error) {
	var out duoyun.Incident
	roles := []duoyun.Role{duoyun.RoleSupplier, duoyun.RoleProcurement, duoyun.RoleReviewer, duoyun.RoleApplicant}
	if err := actor.Need(roles...); err != nil {
		return out, err
	}
	if err := in.check(s.now()); err != nil {
		return out, err
	}
	err := s.once(ctx, actor, once, "incident.raise", func(tx *sql.Tx) (string, error) {
		i, err := s.raise(ctx, tx, actor.ScopeFor(roles...), in)
		return i.ID, err
	}, &out)
	return out, err
}

func (in Raised) check(now time.Time) error {
	var f duoyun.Faults
	if (in.ResourceID == "") == (in.PoolID == "") {
		f.Add("resource_id", in.ResourceID, "须写明资源或资源池之一", "either a resource or a pool is named")
	}
	if in.Source != "notice" && in.Source != "work_order" {
		f.Add("source", in.Source, "应为 notice 或 work_order", "must be notice or work_order")
	}
	if in.Start.IsZero() || !in.End.IsZero() && !in.End.After(in.Start) {
		f.Add("end", in.End.Format(time.RFC3339), "须有开始时间，结束须晚于开始", "a start is needed, and the end is after it")
	}
	if in.Source == "notice" && in.End.IsZero() {
		f.Add("end", "", "维护通知须写明结束时间", "a notice of maintenance says when it ends")
	}
	if in.Source == "work_order" && in.Start.After(now) {
		f.Add("start", in.Start.Format(time.RFC3339), "故障不能晚于当前时间", "an outage cannot begin in the future")
	}
	if in.Announced.After(now) {
		f.Add("announced", in.Announced.Format(time.RFC3339), "通知时间不能晚于当前时间", "an announcement cannot lie in the future")
	}
	checkNote(&f, in.Note)
	return f.Err()
}

func checkNote(f *duoyun.Faults, note string) {
	if len(note) > 2000 || strings.ContainsRune(note, 0) {
		f.Add("note", "", "说明不超过 2000 字节", "a note has at most 2000 bytes")
	}
}

func (s *Service) raise(ctx context.Context, tx *sql.Tx, scope duoyun.Scope, in Raised) (i duoyun.Incident, err error) {
	subject, err := s.store.IncidentSubject(ctx, tx, in.ResourceID, in.PoolID)
	if err != nil {
		return i, err
	}
	if !mayRaise(scope, subject) {
		return i, duoyun.NotFound("资源或资源池", "resource or pool", in.ResourceID+in.PoolID)
	}
	i = duoyun.Incident{ID: duoyun.NewID(s.now()), SupplierID: subject.SupplierID, PoolID: subject.PoolID, ResourceID: subject.ResourceID,
		State: duoyun.IncidentOpen, Source: in.Source, Start: in.Start, End: in.End, Note: in.Note}
	if in.Source == "notice" {
		i.Announced = s.now()
		if !in.Announced.IsZero() && !slices.Contains(scope.Suppliers, subject.SupplierID) {
			i.Announced = in.Announced
		}
	}
	if i.Number, err = s.store.NextNumber(ctx, tx, duoyun.NumberIncident, subject.AgencyID, s.now()); err != nil {
		return i, err
	}
	return i, s.store.InsertIncident(ctx, tx, i)
}

// mayRaise: the supplier for its own, agencies for resources of their subtree, the root for pools.
func mayRaise(scope duoyun.Scope, subject Subject) bool {
	if scope.All || slices.Contains(scope.Suppliers, subject.SupplierID) {
		return true
	}
	return slices.ContainsFunc(scope.Agencies, func(g duoyun.Grant) bool {
		return g.Depth == 1 || subject.ResourceID != "" && subject.Within(g)
	})
}

// Answer adds the supplier's defence 申辩 to an incident of its own, while nothing was taken off for it.
func (s *Service) Answer(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key, note string) (duoyun.Incident, error) {
	var out duoyun.Incident
	if err := actor.Need(duoyun.RoleSupplier); err != nil {
		return out, err
	}
	var f duoyun.Faults
	if checkNote(&f, note); note == "" {
		f.Add("note", "", "须写明申辩内容", "an answer says something")
	}
	if err := f.Err(); err != nil {
		return out, err
	}
	err := s.once(ctx, actor, once, "incident.answer", func(tx *sql.Tx) (string, error) {
		i, err := s.store.Incident(ctx, tx, key)
		if err != nil {
			return "", err
		}
		scope := actor.ScopeFor(duoyun.RoleSupplier)
		if !scope.All && !slices.Contains(scope.Suppliers, i.SupplierID) {
			return "", duoyun.NotFound("故障", "incident", key)
		}
		if duoyun.IncidentLifecycle().Final(i.State) {
			return "", duoyun.Fail(duoyun.CodeConflict, "state", "故障已了结，不能再申辩", "the incident is settled and takes no answer")
		}
		i.Note = strings.TrimPrefix(i.Note+"\n"+actor.Name+"："+note, "\n")
		return i.ID, s.store.UpdateIncident(ctx, tx, i, i.State)
	}, &out)
	return out, err
}

// Attribution says whose an incident is.
type Attribution struct {
	To        string    // platform | carrier | upstream | application | department | force_majeure | maintenance
	End       time.Time // of an incident that had none; zero: leave it
	Announced time.Time // for maintenance; zero: leave it
	Note      string
}

// attributions maps to whom an incident may be given to the state that follows: only the platform's own outages and
// maintenance, which the clause's notice decides on, can cost the supplier money.
func attributions() map[string]duoyun.IncidentState {
	return map[string]duoyun.IncidentState{"platform": duoyun.IncidentAttributed, "maintenance": duoyun.IncidentAttributed,
		"carrier": duoyun.IncidentExcused, "upstream": duoyun.IncidentExcused, "application": duoyun.IncidentExcused,
		"department": duoyun.IncidentExcused, "force_majeure": duoyun.IncidentExcused}
}

// Attribute 责任认定: a person of the cloud authority says whose an incident is; attribution comes before money.
func (s *Service) Attribute(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string, in Attribution) (duoyun.Incident, error) {
	var out duoyun.Incident
	roles := []duoyun.Role{duoyun.RoleProcurement, duoyun.RoleReviewer}
	if err := actor.Need(roles...); err != nil {
		return out, err
	}
	var f duoyun.Faults
	to, known := attributions()[in.To]
	if !known {
		f.Add("attribution", in.To, "应为 platform、carrier、upstream、application、department、force_majeure、maintenance 之一",
			"must be platform, carrier, upstream, application, department, force_majeure or maintenance")
	}
	checkNote(&f, in.Note)
	if err := f.Err(); err != nil {
		return out, err
	}
	err := s.once(ctx, actor, once, "incident.attribute", func(tx *sql.Tx) (string, error) {
		i, err := s.store.Incident(ctx, tx, key)
		if err != nil {
			return "", err
		}
		return i.ID, s.attribute(ctx, tx, actor.ScopeFor(roles...), i, to, in)
	}, &out)
	return out, err
}

func (s *Service) attribute(ctx context.Context, tx *sql.Tx, scope duoyun.Scope, i duoyun.Incident, to duoyun.IncidentState, in Attribution) error {
	subject, err := s.store.IncidentSubject(ctx, tx, i.ResourceID, i.PoolID)
	if err != nil {
		return err
	}
	if !mayRaise(scope, subject) {
		return duoyun.NotFound("故障", "incident", i.Number)
	}
	from := i.State
	if i.State, err = duoyun.IncidentLifecycle().Move(from, to); err != nil {
		return err
	}
	i.Attribution = in.To
	if !in.Announced.IsZero() {
		i.Announced = in.Announced
	}
	if !in.End.IsZero() {
		if !i.End.IsZero() || !in.End.After(i.Start) {
			return duoyun.Fail(duoyun.CodeInvalid, "end", "故障已有结束时间，或结束不晚于开始", "the incident has its end already, or the end is not after its start")
		}
		i.End = in.End
	}
	if in.Note != "" {
		i.Note = strings.TrimPrefix(i.Note+"\n"+in.Note, "\n")
	}
	return s.store.UpdateIncident(ctx, tx, i, from)
}

// once runs do unless an earlier call with the same key did, audits it, and loads the incident it returns.
func (s *Service) once(ctx context.Context, actor duoyun.Actor, once duoyun.Once, action string, do func(tx *sql.Tx) (string, error), out *duoyun.Incident) error {
	return s.store.InTx(ctx, func(tx *sql.Tx) error {
		id, err := s.store.Recall(ctx, tx, actor, once)
		if err != nil {
			return err
		}
		if id != "" {
			*out, err = s.store.Incident(ctx, tx, id)
			return err
		}
		if id, err = do(tx); err != nil {
			return err
		}
		if *out, err = s.store.Incident(ctx, tx, id); err != nil {
			return err
		}
		e := s.entry(ctx, actor, action, "incident", id)
		e.Detail, _ = json.Marshal(map[string]string{"number": out.Number, "state": string(out.State), "attribution": out.Attribution})
		if err := s.store.Audit(ctx, tx, e); err != nil {
			return err
		}
		return s.store.Remember(ctx, tx, actor, once, id)
	})
}

// Incidents lists the incidents of resources in scope and of the pools they run in, newest first; a supplier sees its own.
func (s *Service) Incidents(ctx context.Context, actor duoyun.Actor, f IncidentFilter, p duoyun.Page) (duoyun.Listing[duoyun.Incident], error) {
	scope, err := reading(actor)
	if err != nil {
		return duoyun.Listing[duoyun.Incident]{}, err
	}
	return s.store.Incidents(ctx, scope, f, p)
}

// Incident returns one incident by id or number.
func (s *Service) Incident(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Incident, error) {
	scope, err := reading(actor)
	if err != nil {
		return duoyun.Incident{}, err
	}
	return s.store.FindIncident(ctx, scope, key)
}
