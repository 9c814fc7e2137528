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
// people instead (procurement or system administrator over the agency). Faults are CodeInvalid, all at once: first those
// the document alone shows, then those of everything it names; a system that may not be here is refused with the article
// quoted. An agency that is not there, or not for this caller, is CodeNotFound.
func (s *Service) Submit(ctx context.Context, actor duoyun.Actor, once duoyun.Once, doc duoyun.OrderRequest) (duoyun.Order, error) {
	if doc.Check() != nil {
		return duoyun.Order{}, s.checkStart(doc).Err()
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

// resolve looks up what the document names. The agency comes first, alone: whether anything else may be named hangs on it.
func (s *Service) resolve(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, doc duoyun.OrderRequest) (in intake, err error) {
	in.doc = doc
	if in.agency, err = s.orderingAgency(ctx, tx, actor, doc); err != nil {
		return in, err
	}
	if in.rule, err = s.store.ApprovalRule(ctx, tx, in.agency, doc.Form); err != nil {
		return in, err
	}
	f := s.checkStart(doc)
	in.payer, err = s.payer(ctx, tx, in.agency, doc.Payer)
	if err = fault(&f, "payer", doc.Payer, err); err != nil {
		return in, err
	}
	in.system, err = s.system(ctx, tx, in.agency, doc)
	if err = fault(&f, "system", doc.System, err); err != nil {
		return in, err
	}
	in.project, err = s.project(ctx, tx, in, doc.Project)
	if err = fault(&f, "project", doc.Project, err); err != nil {
		return in, err
	}
	if doc.Form == duoyun.FormOpen {
		err = s.checkAttachments(ctx, tx, &f, in)
	} else {
		in.targets, err = s.targetsOf(ctx, tx, &f, in)
	}
	if err != nil {
		return in, err
	}
	return in, f.Err()
}

// fault adds to the document's faults what it names and is not there, or may not be named; other errors it returns.
func fault(f *duoyun.Faults, path, given string, err error) error {
	if c := duoyun.CodeOf(err); c != duoyun.CodeNotFound && c != duoyun.CodeInvalid {
		return err
	}
	why := messageOf(err)
	f.Add(path, given, why.ZH, why.EN)
	return nil
}

// checkStart names a start that is over. It is asked at intake alone: an order that waits for its signatures past its
// start keeps the period and the money that are signed, and billing begins with the confirmation whatever the day.
func (s *Service) checkStart(doc duoyun.OrderRequest) duoyun.Faults {
	return doc.CheckOn(duoyun.DateOf(s.now()))
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
	if duoyun.CodeOf(err) == duoyun.CodeNotFound || err == nil && !actor.ScopeFor().Covers(a) {
		e := duoyun.NotFound("单位", "agency", doc.Agency)
		e.Field = "agency"
		return a, e
	}
	if err != nil {
		return a, err
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
	if duoyun.CodeOf(err) == duoyun.CodeNotFound || err == nil && p.Ancestors[0] != agency.Ancestors[0] {
		err = duoyun.NotFound("付费单位", "payer", code) // the same words: whom others have is none of this agency's business
	}
	return p, err
}

// system finds the system of the ledger; it belongs to the agency, or to one above or below it.
func (s *Service) system(ctx context.Context, tx *sql.Tx, agency duoyun.Agency, doc duoyun.OrderRequest) (duoyun.System, error) {
	if doc.System == "" {
		return duoyun.System{}, nil
	}
	y, err := s.store.System(ctx, tx, doc.System)
	if err != nil {
		return y, err
	}
	if related, err := s.related(ctx, tx, agency, y.AgencyID); err != nil {
		return y, err
	} else if !related {
		return y, duoyun.NotFound("信息系统", "system", doc.System)
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
		return p, err
	}
	if related, err := s.related(ctx, tx, in.agency, p.AgencyID); err != nil {
		return p, err
	} else if !related {
		return p, duoyun.NotFound("立项", "project", number)
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
func (s *Service) checkAttachments(ctx context.Context, tx *sql.Tx, f *duoyun.Faults, in intake) error {
	found, err := s.byNumber(ctx, tx, in.agency, referred(in.doc))
	if err != nil {
		return err
	}
	for i, l := range in.doc.Lines {
		for _, ref := range l.References() {
			number, existing := ref.Resource()
			if !existing {
				continue
			}
			r, ok := found[number]
			path := fmt.Sprintf("lines[%d].attach", i)
			if j := slices.Index(l.Members, ref); j >= 0 {
				path = fmt.Sprintf("lines[%d].members[%d]", i, j)
			}
			switch {
			case !ok || !r.State.Live() || r.State == duoyun.ResourceReleasing:
				f.Add(path, string(ref), "没有这个资源，或已不在用", "there is no such resource in use")
			case !l.Kind.HangsOn(r.Kind):
				f.Add(path, string(ref), fmt.Sprintf("%s 不能引用 %s", KindName(l.Kind), KindName(r.Kind)), fmt.Sprintf("a %s cannot refer to a %s", l.Kind, r.Kind))
			}
		}
	}
	return nil
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
