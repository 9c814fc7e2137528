package broker

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/duoyun/duoyun"
)

// sealed is what the signatures of an order are over: what was asked for, what was approved, and from whom at what
// price version and amount by fiscal year it is bought.
type sealed struct {
	Requested duoyun.OrderRequest `json:"requested"`
	Approved  []duoyun.Cut        `json:"approved"`
	Chosen    []sealedChoice      `json:"chosen"`
}

type sealedChoice struct {
	Lines    []string         `json:"lines"`
	Units    []string         `json:"units,omitempty"`
	Pool     string           `json:"pool"`
	Contract string           `json:"contract"`
	Prices   string           `json:"prices"`
	Monthly  duoyun.Fen       `json:"monthly"`
	Total    duoyun.Fen       `json:"total"`
	Years    []duoyun.YearFen `json:"years"`
}

// ContentHash gives the SHA-256 of what is signed of an order, in hex. The same order gives the same hash on every
// machine: the JSON of plain structs with sorted maps.
func ContentHash(o duoyun.Order) string {
	c := sealed{Requested: o.Requested, Approved: o.Approved}
	for _, x := range o.Chosen {
		c.Chosen = append(c.Chosen, sealedChoice{Lines: x.Lines, Units: x.Units, Pool: x.Candidate.Pool, Contract: x.Candidate.Contract,
			Prices: x.Candidate.Prices, Monthly: x.Candidate.Monthly, Total: x.Candidate.Total, Years: x.Candidate.Years})
	}
	raw, err := json.Marshal(c)
	if err != nil {
		panic(err) // our nouns always marshal
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// seal fixes what is signed and what it comes to: no more than the money asked for. It files the findings that the amount
// gives rise to.
func (s *Service) seal(ctx context.Context, tx *sql.Tx, o *duoyun.Order) error {
	o.Total = 0
	for _, c := range o.Chosen {
		o.Total += c.Candidate.Total
	}
	o.ContentHash = ContentHash(*o)
	if err := s.save(ctx, tx, o); err != nil {
		return err
	}
	if err := s.withinFunding(ctx, tx, *o); err != nil {
		return err
	}
	return s.overProject(ctx, tx, *o)
}

// overProject files a finding when a project's orders come to more than what was approved for it (practice.md, 2).
func (s *Service) overProject(ctx context.Context, tx *sql.Tx, o duoyun.Order) error {
	if o.ProjectID == "" || o.Total == 0 {
		return nil
	}
	p, err := s.store.Project(ctx, tx, o.ProjectID)
	if err != nil {
		return err
	}
	spent, err := s.store.ProjectSpend(ctx, tx, p.ID)
	if err != nil || spent <= p.Approved {
		return err
	}
	return s.finding(ctx, tx, o, FindingOverProject, duoyun.Text{
		ZH: fmt.Sprintf("立项 %s 批复 %s 元，各单合计 %s 元，超出 %s 元", p.Number, p.Approved, spent, spent-p.Approved),
		EN: fmt.Sprintf("project %s was approved for %s yuan; its orders come to %s, %s too much", p.Number, p.Approved, spent, spent-p.Approved)})
}

// withinFunding refuses an order that comes to more in a year than the money its document names for that year: nobody
// downstream spends more in the department's name than it asked for. Where the year's money is an intent 跨年意向, whose
// budget is not issued yet, it is a finding that the signers see. A year without a line, which only changes may have, is
// the budget's to refuse.
func (s *Service) withinFunding(ctx context.Context, tx *sql.Tx, o duoyun.Order) error {
	var firm, advisory []duoyun.Text
	for _, y := range yearsOf(o) {
		asked := moneyOf(o.Requested.Funding, y.Year)
		if len(asked.items) == 0 || y.Amount <= asked.limit {
			continue
		}
		over := because("%[1]d 年度（%[2]s）需 %[3]s 元，申报限额 %[4]s 元，超出 %[5]s 元",
			"%[1]d (%[2]s) comes to %[3]s yuan, the limit asked for is %[4]s, %[5]s too much",
			y.Year, strings.Join(asked.items, "、"), y.Amount, asked.limit, y.Amount-asked.limit)
		if asked.intent {
			advisory = append(advisory, over)
		} else {
			firm = append(firm, over)
		}
	}
	if len(firm) > 0 {
		return duoyun.Fail(duoyun.CodeShortage, "funding", "超出申报资金：%[1]s。可核减、改选价低的候选，或退回申请单由付费单位提高限额后重新提交",
			"above the funding asked for: %[2]s. Cut back, choose a cheaper candidate, or return the order so that the payer raises the limit and it is handed in again",
			joined(firm, "zh"), joined(firm, "en"))
	}
	if len(advisory) == 0 {
		return nil
	}
	return s.finding(ctx, tx, o, FindingOverFunding, duoyun.Text{ZH: "申请单 " + o.Number + " " + joined(advisory, "zh"),
		EN: "order " + o.Number + ": " + joined(advisory, "en")})
}

// money is what a document names for one year.
type money struct {
	limit  duoyun.Fen
	items  []string
	intent bool // a line of it is one
}

func moneyOf(lines []duoyun.Funding, year int) (m money) {
	for _, l := range lines {
		if l.Year == year {
			m.limit, m.items, m.intent = m.limit+l.Limit, append(m.items, l.Item), m.intent || l.Status == "intent"
		}
	}
	return m
}

// yearsOf gives what an order comes to by fiscal year, over all its choices.
func yearsOf(o duoyun.Order) []duoyun.YearFen {
	var sum []duoyun.YearFen
	for _, c := range o.Chosen {
		sum = addYears(sum, c.Candidate.Years)
	}
	return sum
}

// advance looks for the next signature the agency's rule asks for. Signatures over the present content stand, others
// are void; with all of them there the order is placed.
func (s *Service) advance(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, action, note string) error {
	agency, err := s.store.Agency(ctx, tx, o.AgencyID)
	if err != nil {
		return err
	}
	rule, err := s.store.ApprovalRule(ctx, tx, agency, o.Requested.Form)
	if err != nil {
		return err
	}
	if rule.Signers, err = s.payerSigns(ctx, tx, *o, agency, rule.Signers); err != nil {
		return err
	}
	stale := func(t duoyun.Task) bool { return t.Kind == duoyun.TaskSign && t.Hash != o.ContentHash }
	if err := s.voidTasks(ctx, tx, o.ID, stale); err != nil {
		return err
	}
	missing, there, err := s.nextSignature(ctx, tx, *o, rule)
	if err != nil {
		return err
	}
	if missing == 0 {
		return s.toPlacing(ctx, tx, actor, o, action, note)
	}
	if o.State != duoyun.OrderSigning {
		if err := s.move(ctx, tx, actor, o, duoyun.OrderSigning, action, note); err != nil {
			return err
		}
	} else if err := s.record(ctx, tx, actor, *o, o.State, action, note); err != nil {
		return err
	}
	if there {
		return nil
	}
	return s.askSignature(ctx, tx, *o, agency, rule.Signers[missing-1], missing)
}

// payerSigns adds the payer's finance signature, whatever the rule says, to an order that spends another agency's money
// without a standing arrangement (Agency.PayerID): nobody's budget is charged by others alone. A rule that asks for it
// anyway, of the payer's own finance or that of an agency above it, at any amount, suffices.
func (s *Service) payerSigns(ctx context.Context, tx *sql.Tx, o duoyun.Order, agency duoyun.Agency, signers []duoyun.Sign) ([]duoyun.Sign, error) {
	if o.PayerID == o.AgencyID || o.PayerID == agency.PayerID || o.Total <= 0 {
		return signers, nil
	}
	payer, err := s.store.Agency(ctx, tx, o.PayerID)
	if err != nil {
		return nil, err
	}
	for _, x := range signers {
		if x.Role != duoyun.RoleFinance || x.From > 0 {
			continue
		}
		if x.At == "" {
			return signers, nil
		}
		at, err := s.store.Agency(ctx, tx, x.At)
		if err != nil || slices.Contains(payer.Ancestors[:payer.Depth], at.ID) {
			return signers, err
		}
	}
	return append(slices.Clone(signers), duoyun.Sign{Role: duoyun.RoleFinance, At: payer.Code}), nil
}

// nextSignature gives the 1-based position of the first signature that is not there, 0 when none is missing; there
// tells that its task waits already.
func (s *Service) nextSignature(ctx context.Context, tx *sql.Tx, o duoyun.Order, rule duoyun.ApprovalRule) (position int, there bool, err error) {
	tasks, err := s.store.OrderTasks(ctx, tx, o.ID)
	if err != nil {
		return 0, false, err
	}
	states := map[int]duoyun.TaskState{}
	for _, t := range tasks {
		if t.Kind == duoyun.TaskSign && t.State != duoyun.TaskVoid {
			states[t.Position] = t.State
		}
	}
	for i, sign := range rule.Signers {
		if o.Total < sign.From || states[i+1] == duoyun.TaskApproved {
			continue
		}
		return i + 1, states[i+1] == duoyun.TaskPending, nil
	}
	return 0, false, nil
}

func (s *Service) askSignature(ctx context.Context, tx *sql.Tx, o duoyun.Order, agency duoyun.Agency, sign duoyun.Sign, position int) error {
	at := agency.ApproverID
	switch {
	case sign.At != "":
		a, err := s.store.Agency(ctx, tx, sign.At)
		if err != nil {
			return err
		}
		at = a.ID
	case sign.Role == duoyun.RoleFinance:
		at = o.PayerID
	}
	return s.assign(ctx, tx, o, assignment{kind: duoyun.TaskSign, role: sign.Role, agency: at, position: position, hash: o.ContentHash})
}

// sign is one signature: who, when, and over which content.
func (s *Service) sign(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, t *duoyun.Task, d Decision) error {
	switch {
	case d.Hash == "":
		return duoyun.Fail(duoyun.CodeInvalid, "hash", "签署须写明所签内容的摘要（任务的 hash）", "a signature states the content hash it is over (the task's hash)")
	case d.Hash != o.ContentHash:
		return duoyun.Fail(duoyun.CodeConflict, "hash", "申请单 %s 的内容已变更，请重新查看后签署", "the content of order %s has changed: look again and sign", o.Number)
	}
	if err := s.decided(ctx, tx, actor, t, duoyun.TaskApproved, d.Note, d.Hash); err != nil {
		return err
	}
	return s.advance(ctx, tx, actor, o, "sign", d.Note)
}

// toPlacing commits the decision: the state and one job, nothing slow.
func (s *Service) toPlacing(ctx context.Context, tx *sql.Tx, actor duoyun.Actor, o *duoyun.Order, action, note string) error {
	o.Reason = ""
	if err := s.move(ctx, tx, actor, o, duoyun.OrderPlacing, action, note); err != nil {
		return err
	}
	return s.store.Enqueue(ctx, tx, PlaceJob{OrderID: o.ID})
}
