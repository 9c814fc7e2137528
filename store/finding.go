package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/broker"
)

const findingColumns = `f.id, f.number, f.kind, f.state, f.subject, f.subject_id, f.agency_id, f.supplier_id, f.message, f.evidence,
	f.actions, f.resolution, f.resolved_by, f.created_at, f.resolved_at`

func scanFinding(r row) (f duoyun.Finding, err error) {
	var evidence string
	err = r.Scan(&f.ID, &f.Number, &f.Kind, &f.State, &f.Subject, &f.SubjectID, opt(&f.AgencyID), opt(&f.SupplierID), into(&f.Message),
		&evidence, into(&f.Actions), &f.Resolution, &f.ResolvedBy, at(&f.CreatedAt), at(&f.ResolvedAt))
	if evidence != "" {
		f.Evidence = []byte(evidence)
	}
	return f, err
}

func noFinding(key string) error { return duoyun.NotFound("督办事项", "finding", key) }

// OpenFinding files a finding and gives it a number 单号, so it comes late in its transaction. The same matter (kind and
// subject) that is open already is returned as it stands. A finding without an agency is the cloud authority's.
func (s *Store) OpenFinding(ctx context.Context, tx *sql.Tx, f duoyun.Finding) (duoyun.Finding, error) {
	open, err := openFindings(ctx, tx, f)
	if err != nil || len(open) > 0 {
		return first(open), err
	}
	if f.CreatedAt.IsZero() {
		f.CreatedAt = s.now()
	}
	if f.ID == "" {
		f.ID = duoyun.NewID(s.now())
	}
	if f.AgencyID == "" {
		if f.AgencyID, err = one(ctx, tx, scanText, noFinding(f.Kind), `SELECT id FROM agencies WHERE depth = 1 ORDER BY id LIMIT 1`); err != nil {
			return f, err
		}
	}
	if f.Number, err = s.NextNumber(ctx, tx, duoyun.NumberFinding, f.AgencyID, f.CreatedAt); err != nil {
		return f, err
	}
	f.State = duoyun.FindingOpen
	n, err := exec(ctx, tx, `INSERT INTO findings (id, number, kind, state, subject, subject_id, agency_id, supplier_id, message, evidence,
		actions, resolution, resolved_by, created_at, resolved_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', '', $12, NULL)
		ON CONFLICT DO NOTHING`,
		f.ID, f.Number, f.Kind, string(f.State), f.Subject, f.SubjectID, null(f.AgencyID), null(f.SupplierID), asJSON(f.Message),
		string(f.Evidence), asJSON(f.Actions), ts(f.CreatedAt))
	if err != nil || n == 1 {
		return f, err
	}
	open, err = openFindings(ctx, tx, f) // another transaction filed it first
	return first(open), err
}

func openFindings(ctx context.Context, tx *sql.Tx, f duoyun.Finding) ([]duoyun.Finding, error) {
	return collect(ctx, tx, scanFinding, `SELECT `+findingColumns+` FROM findings f
		WHERE f.kind = $1 AND f.subject = $2 AND f.subject_id = $3 AND f.state = 'open'`, f.Kind, f.Subject, f.SubjectID)
}

func first[T any](rows []T) (v T) {
	if len(rows) > 0 {
		v = rows[0]
	}
	return v
}

// ResolveFinding closes an open finding.
func (s *Store) ResolveFinding(ctx context.Context, tx *sql.Tx, f duoyun.Finding) error {
	done := duoyun.Fail(duoyun.CodeConflict, "state", "%s 已办结", "%s is resolved already", f.Number)
	return must1(ctx, tx, done, `UPDATE findings SET state = 'resolved', resolution = $1, resolved_by = $2, resolved_at = $3
		WHERE id = $4 AND state = 'open'`, f.Resolution, f.ResolvedBy, ts(f.ResolvedAt), f.ID)
}

// CloseSettled closes open findings of these kinds about resources of whose purchase, change or release nothing is under
// way any more, and nothing is left, and returns their ids.
func (s *Store) CloseSettled(ctx context.Context, tx *sql.Tx, kinds []string, resolution, by string, now time.Time) ([]string, error) {
	return collect(ctx, tx, scanText, `UPDATE findings SET state = 'resolved', resolution = $1, resolved_by = $2, resolved_at = $3
		WHERE state = 'open' AND subject = 'resource' AND `+among("kind", 4, len(kinds))+` AND NOT EXISTS (
			SELECT 1 FROM intents i WHERE i.resource_id = findings.subject_id AND i.state NOT IN ('verified', 'cancelled', 'compensated')
			AND (i.state <> 'failed' OR EXISTS (SELECT 1 FROM intents u WHERE u.resource_id = i.resource_id AND u.compensate = i.id)))
		RETURNING id`, append([]any{resolution, by, ts(now)}, anys(kinds)...)...)
}

const findingsInScope = ` FROM findings f JOIN agencies a ON a.id = f.agency_id`

// FindFinding reads a finding in scope by id or number.
func (s *Store) FindFinding(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Finding, error) {
	w := where{args: []any{key}, conds: []string{"f." + byKey("number", key)}}
	w.scope(scope, "a.", "")
	return one(ctx, s.reader(), scanFinding, noFinding(key), `SELECT `+findingColumns+findingsInScope+w.String(), w.args...)
}

// Findings lists the findings in scope, newest first.
func (s *Store) Findings(ctx context.Context, scope duoyun.Scope, f broker.FindingFilter, p duoyun.Page) (duoyun.Listing[duoyun.Finding], error) {
	var w where
	w.scope(scope, "a.", "")
	if f.State != "" {
		w.and("f.state = $?", string(f.State))
	}
	if f.Kind != "" {
		w.and("f.kind = $?", f.Kind)
	}
	order := w.page("f.id", p)
	rows, err := collect(ctx, s.reader(), scanFinding, `SELECT `+findingColumns+findingsInScope+w.String()+order, w.args...)
	return duoyun.Paged(rows, p, func(f duoyun.Finding) string { return f.ID }), err
}
