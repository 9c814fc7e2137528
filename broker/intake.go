package broker

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/duoyun/duoyun"
)

// intake is a document with what its codes and numbers stand for.
type intake struct {
	doc     duoyun.OrderRequest
	agency  duoyun.Agency
	payer   duoyun.Agency
	system  duoyun.System  // zero: none named
	project duoyun.Project // zero: none named
	rule    duoyun.ApprovalRule
	targets []duoyun.Resource // what a change, renewal or release is about
}

// Submit takes an order document, its defaults filled: the requested layer 申报, a number 单号 and the first task, in
// one transaction. Applicants of the agency may submit; what asks for internet addresses comes from the platform's
// people instead (procurement or system administrator over the agency). Faults are CodeInvalid, all at once where the
// document alone shows them; a system that may not be here is refused with the article quoted.
func (s *Service) Submit(ctx context.Context, actor duoyun.Actor, once duoyun.Once, doc duoyun.OrderRequest) (duoyun.Order, error) {
	if err := doc.Check().Err(); err != nil {
		return duoyun.Order{}, err
	}
	if actor.UserID == "" {
		return duoyun.Order{}, duoyun.Fail(duoyun.CodeForbidden, "", "申请单须由经办人提交", "orders are submitted by people")
	}
	var o duoyun.Order
	err := s.store.InTx(ctx, func(tx *sql.Tx) error {
		id, err := s.store.Recall(ctx, tx, actor, once)
		if err != nil {
			return err
		}
		if id != "" {
			o, err = s.store.LockOrder(ctx, tx, id)
			return err
		}
		in, err := s.resolve(ctx, tx, actor, doc)
		if err != nil {
			return err
		}
		if o, err = s.begin(ctx, tx, actor, in); err != nil {
			return err
		}
		return s.store.Remember(ctx, tx, actor, once, o.ID)
	})
	return o, err
}

// begin writes the order and what it waits for first.
func (s *Service) begin(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, in intake) (duoyun.Order, error) {
	now := s.now()
	o := duoyun.Order{ID: duoyun.NewID(now), State: duoyun.OrderReviewing, Requested: in.doc, AgencyID: in.agency.ID, PayerID: in.payer.ID,
		SystemID: in.system.ID, ProjectID: in.project.ID, ApplicantID: actor.UserID, Version: 1, CreatedAt: now, UpdatedAt: now}
	var err error
	if o.Number, err = s.store.NextNumber(ctx, tx, duoyun.NumberOrder, in.agency.ID, now); err != nil {
		return o, err
	}
	if err := s.store.InsertOrder(ctx, tx, o); err != nil {
		return o, err
	}
	if err := s.store.ClaimTargets(ctx, tx, o.ID, ids(in.targets)); err != nil {
		return o, err
	}
	if err := s.record(ctx, tx, actor, o, "", "submit", ""); err != nil {
		return o, err
	}
	if in.rule.Review {
		return o, s.assign(ctx, tx, o, assignment{kind: duoyun.TaskReview, role: duoyun.RoleReviewer, agency: o.AgencyID})
	}
	o.Approved = uncut(in.doc)
	return o, s.reviewed(ctx, tx, actor, &o, "")
}

func ids(rs []duoyun.Resource) []string {
	out := make([]string, len(rs))
	for i, r := range rs {
		out[i] = r.ID
	}
	return out
}

func (s *Service) resolve(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, doc duoyun.OrderRequest) (in intake, err error) {
	in.doc = doc
	if err = s.checkStart(doc); err != nil {
		return in, err
	}
	if in.agency, err = s.orderingAgency(ctx, tx, actor, doc); err != nil {
		return in, err
	}
	if in.payer, err = s.payer(ctx, tx, in.agency, doc.Payer); err != nil {
		return in, err
	}
	if in.system, err = s.system(ctx, tx, in.agency, doc); err != nil {
		return in, err
	}
	if in.rule, err = s.store.ApprovalRule(ctx, tx, in.agency, doc.Form); err != nil {
		return in, err
	}
	if in.project, err = s.project(ctx, tx, in, doc.Project); err != nil {
		return in, err
	}
	if doc.Form == duoyun.FormOpen {
		return in, s.checkAttachments(ctx, tx, in)
	}
	in.targets, err = s.targetsOf(ctx, tx, in)
	return in, err
}

// checkStart refuses what would be planned on days that are over, and thus on the budget of a year that may be closed. It
// is asked at intake alone: an order that waits for its signatures past its start keeps the period and the money that
// are signed, and billing begins with the confirmation whatever the day. A renewal goes on where its resource ends.
func (s *Service) checkStart(doc duoyun.OrderRequest) error {
	today, start := duoyun.DateOf(s.now()), doc.Period.Start
	if doc.Form != duoyun.FormOpen || !start.Before(today) {
		return nil
	}
	var f duoyun.Faults
	f.Add("period.start", start.String(), "开始日期不能早于今天（"+today.String()+"）", "the start may not be before today ("+today.String()+")")
	return f.Err()
}

// submitters may hand in a document: internet addresses are the platform's people's to ask for (practice.md, 12).
func submitters(doc duoyun.OrderRequest) []duoyun.Role {
	if slices.ContainsFunc(doc.Lines, func(l duoyun.Line) bool { return l.Kind == duoyun.KindPublicIP }) {
		return []duoyun.Role{duoyun.RoleProcurement, duoyun.RoleSystemAdmin}
	}
	return []duoyun.Role{duoyun.RoleApplicant}
}

func (s *Service) orderingAgency(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, doc duoyun.OrderRequest) (duoyun.Agency, error) {
	a, err := s.store.Agency(ctx, tx, doc.Agency)
	if err != nil {
		return a, named404(err, "agency")
	}
	if !actor.ScopeFor().Covers(a) {
		return a, named404(duoyun.NotFound("单位", "agency", doc.Agency), "agency")
	}
	roles := submitters(doc)
	if actor.ScopeFor(roles...).Covers(a) {
		return a, nil
	}
	if roles[0] != duoyun.RoleApplicant {
		return a, duoyun.Fail(duoyun.CodeForbidden, "lines", "公网地址（public_ip）只能由平台人员（采购人员、系统管理员）申请",
			"internet addresses (public_ip) are ordered by the platform's people: procurement or system administrator")
	}
	return a, duoyun.Fail(duoyun.CodeForbidden, "agency", "您不是“%s”的经办人", "you are no applicant of %s", a.Name)
}

// named404 says which field of the document names what is not there.
func named404(err error, field string) error {
	if duoyun.CodeOf(err) != duoyun.CodeNotFound {
		return err
	}
	e := duoyun.Fail(duoyun.CodeNotFound, field, "", "")
	if was, ok := err.(*duoyun.Error); ok {
		e.Message = was.Message
	}
	return e
}

// payer finds who pays: the agency's own payer unless the document names one of the same tree 财政统付. Who
// pays without a standing arrangement signs as well: payerSigns.
func (s *Service) payer(ctx context.Context, tx *sql.Tx, agency duoyun.Agency, code string) (duoyun.Agency, error) {
	if code == "" {
		code = agency.PayerID
	}
	if code == agency.Code || code == agency.ID {
		return agency, nil
	}
	p, err := s.store.Agency(ctx, tx, code)
	if err == nil && p.Ancestors[0] != agency.Ancestors[0] {
		err = duoyun.NotFound("付费单位", "payer", code)
	}
	return p, named404(err, "payer")
}

// system finds the system of the ledger; it belongs to the agency, or to one above or below it.
func (s *Service) system(ctx context.Context, tx *sql.Tx, agency duoyun.Agency, doc duoyun.OrderRequest) (duoyun.System, error) {
	if doc.System == "" {
		return duoyun.System{}, nil
	}
	y, err := s.store.System(ctx, tx, doc.System)
	if err != nil {
		return y, named404(err, "system")
	}
	if related, err := s.related(ctx, tx, agency, y.AgencyID); err != nil {
		return y, err
	} else if !related {
		return y, named404(duoyun.NotFound("信息系统", "system", doc.System), "system")
	}
	if doc.Form == duoyun.FormRelease {
		return y, nil
	}
	return y, s.excluded(y)
}

func (s *Service) project(ctx context.Context, tx *sql.Tx, in intake, number string) (duoyun.Project, error) {
	if number == "" {
		if in.rule.NeedsProject {
			return duoyun.Project{}, duoyun.Fail(duoyun.CodeInvalid, "project", "须写明立项编号", "the rule asks for an approved project")
		}
		return duoyun.Project{}, nil
	}
	p, err := s.store.Project(ctx, tx, number)
	if err != nil {
		return p, named404(err, "project")
	}
	if related, err := s.related(ctx, tx, in.agency, p.AgencyID); err != nil {
		return p, err
	} else if !related {
		return p, named404(duoyun.NotFound("立项", "project", number), "project")
	}
	return p, nil
}

// related reports whether the other agency is a, above it, or below it.
func (s *Service) related(ctx context.Context, tx *sql.Tx, a duoyun.Agency, other string) (bool, error) {
	if slices.Contains(a.Ancestors[:], other) {
		return true, nil
	}
	o, err := s.store.Agency(ctx, tx, other)
	return err == nil && slices.Contains(o.Ancestors[:], a.ID), err
}

// checkAttachments asks that every existing resource the lines hang on is the agency's, there, and of a fitting kind.
func (s *Service) checkAttachments(ctx context.Context, tx *sql.Tx, in intake) error {
	found, err := s.byNumber(ctx, tx, in.agency, referred(in.doc))
	if err != nil {
		return err
	}
	var f duoyun.Faults
	for i, l := range in.doc.Lines {
		for _, ref := range l.References() {
			number, existing := ref.Resource()
			if !existing {
				continue
			}
			r, ok := found[number]
			path := fmt.Sprintf("lines[%d]", i)
			switch {
			case !ok || !r.State.Live() || r.State == duoyun.ResourceReleasing:
				f.Add(path, number, "没有这个资源，或已不在用", "there is no such resource in use")
			case !l.Kind.HangsOn(r.Kind):
				f.Add(path, number, fmt.Sprintf("%s 不能引用 %s", KindName(l.Kind), KindName(r.Kind)), fmt.Sprintf("a %s cannot refer to a %s", l.Kind, r.Kind))
			}
		}
	}
	return f.Err()
}

// referred lists the numbers of the existing resources that the lines of an open order hang on.
func referred(doc duoyun.OrderRequest) []string {
	var numbers []string
	for _, l := range doc.Lines {
		for _, ref := range l.References() {
			if number, ok := ref.Resource(); ok && !slices.Contains(numbers, number) {
				numbers = append(numbers, number)
			}
		}
	}
	return numbers
}

// byNumber holds the agency's resources with these numbers; those of others do not exist for it.
func (s *Service) byNumber(ctx context.Context, tx *sql.Tx, agency duoyun.Agency, numbers []string) (map[string]duoyun.Resource, error) {
	rs, err := s.store.LockResources(ctx, tx, numbers)
	if err != nil {
		return nil, err
	}
	found := map[string]duoyun.Resource{}
	for _, r := range rs {
		if r.AgencyID == agency.ID {
			found[r.Number] = r
		}
	}
	return found, nil
}
