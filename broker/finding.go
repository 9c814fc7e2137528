package broker

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
)

// The kinds of findings that the purchase protocol and the reconciler file.
const (
	FindingInDoubt    = "in_doubt"   // neither done nor proven absent for a quarter of an hour
	FindingConflict   = "conflict"   // more than one bears the mark, or what is there is not ours
	FindingBroken     = "broken"     // a change ended in the vendor's error state
	FindingSlow       = "slow"       // the vendor is at it for too long
	FindingMismatched = "mismatched" // exists with another spec
	FindingHalfway    = "halfway"    // a change or deletion failed and may have stopped half-way
	FindingLeftover   = "leftover"   // what stands of a failed creation could not be taken away
	FindingAuth       = "auth"       // a pool's credentials do not serve
	FindingSurplus    = "surplus"    // a second thing bears a mark of ours
	FindingOrphan     = "orphan"     // bears our mark, and we have no live record of it
	FindingGhost      = "ghost"      // recorded as live, and proven gone
	FindingDrift      = "drift"      // exists with another spec than recorded
)

// FindingFilter narrows a listing of findings; zero fields do not.
type FindingFilter struct {
	State duoyun.FindingState
	Kind  string
}

// FindingStore keeps findings.
type FindingStore interface {
	Recorder
	FindFinding(ctx context.Context, scope duoyun.Scope, key string) (duoyun.Finding, error)
	Findings(ctx context.Context, scope duoyun.Scope, f FindingFilter, p duoyun.Page) (duoyun.Listing[duoyun.Finding], error)
	// ResolveFinding closes an open finding; one that is closed already is CodeConflict.
	ResolveFinding(ctx context.Context, tx *sql.Tx, f duoyun.Finding) error
}

// Findings 待处理事项 are what no rule decides. Who may see an agency's rows sees its findings; suppliers see none.
type Findings struct {
	store FindingStore
	now   duoyun.Clock
}

// NewFindings returns the service; now is the real clock.
func NewFindings(store FindingStore, now duoyun.Clock) *Findings {
	if now == nil {
		now = time.Now
	}
	return &Findings{store: store, now: now}
}

// List returns the findings in the actor's scope, newest first.
func (f *Findings) List(ctx context.Context, actor duoyun.Actor, filter FindingFilter, p duoyun.Page) (duoyun.Listing[duoyun.Finding], error) {
	return f.store.Findings(ctx, actor.ScopeFor(), filter, p)
}

// Finding returns one finding by id or number.
func (f *Findings) Finding(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Finding, error) {
	return f.store.FindFinding(ctx, actor.ScopeFor(), key)
}

// Resolve closes a finding with what was done about it. A finding that is closed already is CodeConflict. Where the
// matter still stands, the platform files it anew when it next meets it.
func (f *Findings) Resolve(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key, note string) (duoyun.Finding, error) {
	x, err := f.store.FindFinding(ctx, actor.ScopeFor(), key)
	if err != nil {
		return x, err
	}
	if err := actor.Need(duoyun.RoleReviewer, duoyun.RoleProcurement, duoyun.RoleFinance, duoyun.RoleSystemAdmin); err != nil {
		return x, err
	}
	if n := utf8.RuneCountInString(note); strings.TrimSpace(note) == "" || n > 500 {
		return x, duoyun.Fail(duoyun.CodeInvalid, "note", "须写明如何处理，不超过 500 字", "say what was done, in at most 500 characters")
	}
	err = f.store.InTx(ctx, func(tx *sql.Tx) error {
		if done, err := f.store.Recall(ctx, tx, actor, once); err != nil || done != "" {
			return err // x was read as that call left it
		}
		x.State, x.Resolution, x.ResolvedBy, x.ResolvedAt = duoyun.FindingResolved, note, actor.Name, f.now()
		if err := f.store.ResolveFinding(ctx, tx, x); err != nil {
			return err
		}
		e := entry(ctx, actor, "finding.resolve", "finding", x.ID)
		e.Detail = detail(map[string]string{"number": x.Number, "kind": x.Kind, "note": note})
		if err := f.store.Audit(ctx, tx, e); err != nil {
			return err
		}
		return f.store.Remember(ctx, tx, actor, once, x.ID)
	})
	return x, err
}

// about begins a finding on a resource.
func about(kind string, r duoyun.Resource, evidence json.RawMessage, now time.Time) duoyun.Finding {
	return duoyun.Finding{Kind: kind, State: duoyun.FindingOpen, Subject: "resource", SubjectID: r.ID, AgencyID: r.AgencyID,
		SupplierID: r.SupplierID, Evidence: evidence, CreatedAt: now}
}

// called is how people know a resource.
func called(r duoyun.Resource) string {
	if r.Number != "" {
		return r.Name + "（" + r.Number + "）"
	}
	return r.Name
}

// intentFinding is the finding about an intent that no rule moves on.
func intentFinding(kind string, in duoyun.Intent, r duoyun.Resource, evidence json.RawMessage, now time.Time) duoyun.Finding {
	f := about(kind, r, evidence, now)
	w := protocolWords(kind)
	f.Message = duoyun.Text{ZH: fmt.Sprintf(w.message.ZH, called(r)), EN: fmt.Sprintf(w.message.EN, called(r))}
	if in.Reason != "" {
		f.Message.ZH += "：" + in.Reason
	}
	f.Actions = w.actions
	return f
}

// wording is what a kind of finding says, and what may safely be done about it.
type wording struct {
	message duoyun.Text
	actions []duoyun.Text
}

func protocolWords(kind string) wording {
	look := duoyun.Text{ZH: "请云服务商凭标记查询该资源，并告知结果", EN: "ask the supplier to search for the mark, and note the answer"}
	wait := duoyun.Text{ZH: "等待：系统会继续查询，查到后自动处理", EN: "wait: the platform keeps looking and goes on when it sees a result"}
	switch kind {
	case FindingInDoubt:
		return wording{duoyun.Text{ZH: "%s 是否已在云平台建成尚不能证实，未再次购买", EN: "whether %s exists at the cloud cannot be proven; it was not bought again"}, []duoyun.Text{look, wait}}
	case FindingConflict:
		return wording{duoyun.Text{ZH: "%s 在云平台上的情况互相矛盾", EN: "what the cloud shows of %s is contradictory"}, []duoyun.Text{look,
			{ZH: "核实后在云平台删除多余的一个，系统随后自动继续", EN: "remove the one too many at the cloud once it is certain; the platform then goes on"}}}
	case FindingBroken:
		return wording{duoyun.Text{ZH: "%s 的变更在云平台上出错", EN: "the change of %s ended in error at the cloud"}, []duoyun.Text{
			{ZH: "请云服务商修复该资源，系统随后自动核验", EN: "have the supplier mend it; the platform then verifies it"}, wait}}
	case FindingSlow:
		return wording{duoyun.Text{ZH: "%s 在云平台上办理时间过长", EN: "the cloud is at %s for too long"}, []duoyun.Text{
			{ZH: "催办云服务商", EN: "press the supplier"}, wait}}
	case FindingMismatched:
		return wording{duoyun.Text{ZH: "%s 的实际规格与订购不符，未开始计费", EN: "%s exists with another spec than ordered; it is not billed"}, []duoyun.Text{
			{ZH: "请云服务商改正规格，系统随后自动核验", EN: "have the supplier correct the spec; the platform then verifies it"}, wait}}
	case FindingHalfway:
		return wording{duoyun.Text{ZH: "%s 的变更未能完成，可能停在中途", EN: "the change of %s failed and may have stopped half-way"}, []duoyun.Text{
			{ZH: "核对云平台上的实际情况后重新提交变更", EN: "compare with the cloud and submit the change again"}}}
	case FindingLeftover:
		return wording{duoyun.Text{ZH: "%s 开通失败后的残留未能清除", EN: "what stands of %s after its failure could not be taken away"}, []duoyun.Text{
			{ZH: "请云服务商凭标记清除残留", EN: "have the supplier remove what bears the mark"}}}
	}
	return wording{duoyun.Text{ZH: "%s 需要人工处理", EN: "%s needs a person"}, []duoyun.Text{look}}
}

// surplus is a second thing that bears a unit's mark.
func surplus(r duoyun.Resource, evidence json.RawMessage, vendorID string, now time.Time) duoyun.Finding {
	f := about(FindingSurplus, r, evidence, now)
	f.Message = duoyun.Text{ZH: fmt.Sprintf("云平台上出现 %s 的第二份：%s", called(r), vendorID), EN: fmt.Sprintf("a second %s has turned up at the cloud: %s", called(r), vendorID)}
	f.Actions = []duoyun.Text{{ZH: "核实后请云服务商删除多余的一份并核销费用", EN: "have the supplier remove the one too many and credit it"}}
	return f
}

// authFinding is a pool whose credentials do not serve: its orders wait.
func authFinding(p duoyun.Pool, words string, now time.Time) duoyun.Finding {
	return duoyun.Finding{Kind: FindingAuth, State: duoyun.FindingOpen, Subject: "pool", SubjectID: p.ID, SupplierID: p.SupplierID,
		Message: duoyun.Text{ZH: "资源池 " + p.Name + " 的账号凭据无效，其订单等待中：" + words, EN: "the credentials of pool " + p.Code + " do not serve; its orders wait: " + words},
		Actions: []duoyun.Text{{ZH: "更新资源池的账号凭据", EN: "renew the pool's credentials"}}, CreatedAt: now}
}

// mismatch names both specs, for people.
func mismatch(asked, seen duoyun.Spec) string {
	return fmt.Sprintf("订购 %s，实际 %s", duoyun.EncodeSpec(asked), duoyun.EncodeSpec(seen))
}
