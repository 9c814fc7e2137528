package broker

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
)

// LedgerStore keeps what orders refer to: the system ledger and the approved projects.
type LedgerStore interface {
	Recorder
	Agency(ctx context.Context, tx *sql.Tx, key string) (duoyun.Agency, error)
	InsertSystem(ctx context.Context, tx *sql.Tx, y duoyun.System) error
	SetCloudState(ctx context.Context, tx *sql.Tx, systemID string, state duoyun.CloudState, reason string) error
	FindSystem(ctx context.Context, scope duoyun.Scope, key string) (duoyun.System, error)
	Systems(ctx context.Context, scope duoyun.Scope, state duoyun.CloudState, p duoyun.Page) (duoyun.Listing[duoyun.System], error)
	CountSystems(ctx context.Context, scope duoyun.Scope) (total, onCloud int64, err error)
	InsertProject(ctx context.Context, tx *sql.Tx, p duoyun.Project) error
	FindProject(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Project, error)
	Projects(ctx context.Context, scope duoyun.Scope, p duoyun.Page) (duoyun.Listing[duoyun.Project], error)
}

// Recorder is how every service of this package writes: one transaction with its idempotency key and audit entry.
type Recorder interface {
	InTx(ctx context.Context, f func(tx *sql.Tx) error) error
	Recall(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once) (string, error)
	Remember(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, once duoyun.Once, id string) error
	Audit(ctx context.Context, tx *sql.Tx, e duoyun.AuditEntry) error
}

// Ledger is the system ledger 信息系统台账 and the projects 立项.
type Ledger struct {
	store LedgerStore
	now   duoyun.Clock
}

// NewLedger returns the ledger; now is the real clock, for ids.
func NewLedger(store LedgerStore, now duoyun.Clock) *Ledger { return &Ledger{store: store, now: now} }

// SystemInput is a new entry of the ledger; Agency is an id or code.
type SystemInput struct {
	duoyun.System
	Agency string
}

func cloudStates() []duoyun.CloudState {
	return []duoyun.CloudState{duoyun.CloudNot, duoyun.CloudMigrating, duoyun.CloudOn, duoyun.CloudUnsuitable}
}

func (in SystemInput) check() error {
	var f duoyun.Faults
	if in.Code == "" || len(in.Code) > 60 || strings.Trim(in.Code, "abcdefghijklmnopqrstuvwxyz0123456789.-_") != "" {
		f.Add("code", in.Code, "应为小写字母、数字、点、横线，不超过 60 个", "must be lower-case letters, digits, dots and dashes, at most 60")
	}
	named(&f, "name", in.Name)
	if in.Level < 0 || in.Level > 5 {
		f.Add("level", string('0'+rune(in.Level)), "等保级别为 0（未定级）至 5", "must be 0 (not graded) to 5")
	}
	checkCloud(&f, in.Cloud, in.Reason)
	return f.Err()
}

func named(f *duoyun.Faults, path, s string) {
	if n := utf8.RuneCountInString(s); n == 0 || n > 80 || strings.TrimSpace(s) != s {
		f.Add(path, s, "须填写名称，不超过 80 字", "needs a name of at most 80 characters")
	}
}

func checkCloud(f *duoyun.Faults, state duoyun.CloudState, reason string) {
	if !slices.Contains(cloudStates(), state) {
		f.Add("cloud", string(state), "应为 not、migrating、on 或 unsuitable", "must be not, migrating, on or unsuitable")
	}
	if state == duoyun.CloudUnsuitable && reason == "" {
		f.Add("reason", "", "不宜上云须写明原因", "a system unsuitable for the cloud states why")
	}
}

// CreateSystem enters a system into the ledger (reviewer or procurement of the cloud authority, over its agency).
func (l *Ledger) CreateSystem(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in SystemInput) (duoyun.System, error) {
	if err := in.check(); err != nil {
		return duoyun.System{}, err
	}
	id, err := l.create(ctx, actor, once, "system", in.Agency, func(tx *sql.Tx, a duoyun.Agency) (string, error) {
		y := in.System
		y.ID, y.AgencyID = duoyun.NewID(l.now()), a.ID
		return y.ID, l.store.InsertSystem(ctx, tx, y)
	})
	if err != nil {
		return duoyun.System{}, err
	}
	return l.store.FindSystem(ctx, duoyun.Scope{All: true}, id)
}

// SetCloudState moves a system on its way to the cloud; the adoption rate 上云率 follows from it.
func (l *Ledger) SetCloudState(ctx context.Context, actor duoyun.Actor, key string, state duoyun.CloudState, reason string) (duoyun.System, error) {
	var f duoyun.Faults
	checkCloud(&f, state, reason)
	if err := f.Err(); err != nil {
		return duoyun.System{}, err
	}
	y, err := l.store.FindSystem(ctx, actor.ScopeFor(keepers()...), key)
	if err != nil {
		return y, err
	}
	err = l.store.InTx(ctx, func(tx *sql.Tx) error {
		if err := l.store.SetCloudState(ctx, tx, y.ID, state, reason); err != nil {
			return err
		}
		return l.store.Audit(ctx, tx, entry(ctx, actor, "system.cloud", "system", y.ID))
	})
	y.Cloud, y.Reason = state, reason
	return y, err
}

// keepers keep the ledger: the cloud authority 主管单位.
func keepers() []duoyun.Role { return []duoyun.Role{duoyun.RoleReviewer, duoyun.RoleProcurement} }

// create makes a row for an agency that a keeper's scope covers.
func (l *Ledger) create(ctx context.Context, actor duoyun.Actor, once duoyun.Once, noun, agency string, insert func(*sql.Tx, duoyun.Agency) (string, error)) (id string, err error) {
	if err := actor.Need(keepers()...); err != nil {
		return "", err
	}
	err = l.store.InTx(ctx, func(tx *sql.Tx) error {
		if id, err = l.store.Recall(ctx, tx, actor, once); err != nil || id != "" {
			return err
		}
		a, err := l.store.Agency(ctx, tx, agency)
		if err != nil {
			return err
		}
		if !actor.ScopeFor(keepers()...).Covers(a) {
			return duoyun.NotFound("单位", "agency", agency)
		}
		if id, err = insert(tx, a); err != nil {
			return err
		}
		if err := l.store.Audit(ctx, tx, entry(ctx, actor, noun+".create", noun, id)); err != nil {
			return err
		}
		return l.store.Remember(ctx, tx, actor, once, id)
	})
	return id, err
}

func entry(ctx context.Context, actor duoyun.Actor, action, subject, key string) duoyun.AuditEntry {
	return duoyun.AuditEntry{ActorID: actor.UserID, Actor: actor.Name, Action: action, Subject: subject, Key: key, TraceID: duoyun.TraceOf(ctx)}
}

// Systems lists the ledger in the actor's scope; state "" is every state.
func (l *Ledger) Systems(ctx context.Context, actor duoyun.Actor, state duoyun.CloudState, p duoyun.Page) (duoyun.Listing[duoyun.System], error) {
	return l.store.Systems(ctx, actor.ScopeFor(), state, p)
}

// System reads one system by id or code.
func (l *Ledger) System(ctx context.Context, actor duoyun.Actor, key string) (duoyun.System, error) {
	return l.store.FindSystem(ctx, actor.ScopeFor(), key)
}

// maxNamed is how many systems that are not on the cloud an adoption report names.
const maxNamed = 500

// Adoption counts the systems of the actor's scope that are on the cloud and names those that are not.
func (l *Ledger) Adoption(ctx context.Context, actor duoyun.Actor) (duoyun.Adoption, error) {
	scope := actor.ScopeFor()
	var a duoyun.Adoption
	var err error
	if a.Total, a.OnCloud, err = l.store.CountSystems(ctx, scope); err != nil {
		return a, err
	}
	for _, state := range cloudStates() {
		if state == duoyun.CloudOn {
			continue
		}
		l, err := l.store.Systems(ctx, scope, state, duoyun.Page{Limit: maxNamed})
		if err != nil {
			return a, err
		}
		a.NotOn = append(a.NotOn, l.Items...)
	}
	return a, nil
}

// ProjectInput is a new project; Agency is an id or code.
type ProjectInput struct {
	duoyun.Project
	Agency string
}

// CreateProject records an approved project (reviewer or procurement of the cloud authority, over its agency).
func (l *Ledger) CreateProject(ctx context.Context, actor duoyun.Actor, once duoyun.Once, in ProjectInput) (duoyun.Project, error) {
	var f duoyun.Faults
	named(&f, "number", in.Number)
	named(&f, "name", in.Name)
	if in.Approved <= 0 {
		f.Add("approved", in.Approved.String(), "批复金额应大于 0", "the approved amount must be above 0")
	}
	if in.Year < 2000 || in.Year > 2100 {
		f.Add("year", duoyun.Date{Year: in.Year, Month: 1, Day: 1}.String(), "年份应在 2000 与 2100 之间", "the year must be between 2000 and 2100")
	}
	if err := f.Err(); err != nil {
		return duoyun.Project{}, err
	}
	id, err := l.create(ctx, actor, once, "project", in.Agency, func(tx *sql.Tx, a duoyun.Agency) (string, error) {
		p := in.Project
		p.ID, p.AgencyID = duoyun.NewID(l.now()), a.ID
		return p.ID, l.store.InsertProject(ctx, tx, p)
	})
	if err != nil {
		return duoyun.Project{}, err
	}
	return l.store.FindProject(ctx, duoyun.Scope{All: true}, id)
}

// Projects lists the projects in the actor's scope.
func (l *Ledger) Projects(ctx context.Context, actor duoyun.Actor, p duoyun.Page) (duoyun.Listing[duoyun.Project], error) {
	return l.store.Projects(ctx, actor.ScopeFor(), p)
}

// Project reads one project by id or number.
func (l *Ledger) Project(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Project, error) {
	return l.store.FindProject(ctx, actor.ScopeFor(), key)
}
