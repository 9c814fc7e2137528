package broker

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/duoyun/duoyun"
)

// The kinds of findings.
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
	FindingBadReply   = "bad_reply"  // the vendor answered what its protocol does not say
	FindingOrphan     = "orphan"     // bears our mark, and we have no live record of it
	FindingGhost      = "ghost"      // recorded as live, and proven gone
	FindingDrift      = "drift"      // exists with another spec than recorded

	FindingExpiring   = "expiring"    // a subscription ends soon and is not renewed: its order's period ends
	FindingExpired    = "expired"     // a subscription has ended
	FindingNotRenewed = "not_renewed" // the vendor refused to renew a subscription, or a person gave it up

	FindingShortage    = "shortage"          // contract, budget, quota or the vendor does not suffice for an order
	FindingNotPlaced   = "not_placed"        // an order cannot be placed as it was signed
	FindingNoOffer     = "no_offer"          // no pool can serve a part of an order
	FindingOverProject = "over_project"      // a project's orders come to more than was approved for it
	FindingOverFunding = "over_funding"      // an order comes to more than the intent of a later year
	FindingDisputed    = "delivery_disputed" // the department objects to a delivery
	FindingUndoStuck   = "undo_stuck"        // not everything of an order could be taken back
)

// FindingKinds names every kind of finding in Chinese; in English the kind is its own name.
func FindingKinds() map[string]string {
	return map[string]string{
		FindingInDoubt: "是否办成存疑", FindingConflict: "互相矛盾",
		FindingBroken: "变更出错", FindingSlow: "办理过久",
		FindingMismatched: "规格不符", FindingHalfway: "变更中断",
		FindingLeftover: "残留未清", FindingAuth: "凭据失效",
		FindingSurplus: "多出一份", FindingBadReply: "答复不合约定",
		FindingOrphan: "无主资源", FindingGhost: "云上已失", FindingDrift: "规格漂移",
		FindingExpiring: "将到期", FindingExpired: "已到期", FindingNotRenewed: "续费未成",
		FindingShortage: "额度不足", FindingNotPlaced: "未能落单",
		FindingNoOffer: "无人可供", FindingOverProject: "超出立项",
		FindingOverFunding: "超出申报资金", FindingDisputed: "开通有异议",
		FindingUndoStuck: "撤销受阻",
	}
}

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
	store  FindingStore
	remedy Remedier
	now    duoyun.Clock
}

// Remedier prepares what a person has chosen to do about a resource's purchase and returns it to be done in the
// transaction that closes the finding. What cannot be done as things stand is CodeConflict, then or there. A Purchaser
// is one.
type Remedier interface {
	Remedy(ctx context.Context, resourceID string, r Resolution) (func(ctx context.Context, tx *sql.Tx) error, error)
}

// Resolution is how a person settles a finding.
type Resolution struct {
	Remedy   duoyun.Remedy // "" where people have done what was to be done
	VendorID string        // of RemedyAdopt: the one that is the unit
	Note     string        // what was done and why, at most 500 characters
}

// NewFindings returns the service; now is the real clock.
func NewFindings(store FindingStore, remedy Remedier, now duoyun.Clock) *Findings {
	if now == nil {
		now = time.Now
	}
	return &Findings{store: store, remedy: remedy, now: now}
}

// List returns the findings in the actor's scope, newest first.
func (f *Findings) List(ctx context.Context, actor duoyun.Actor, filter FindingFilter, p duoyun.Page) (duoyun.Listing[duoyun.Finding], error) {
	return f.store.Findings(ctx, actor.ScopeFor(), filter, p)
}

// Finding returns one finding by id or number.
func (f *Findings) Finding(ctx context.Context, actor duoyun.Actor, key string) (duoyun.Finding, error) {
	return f.store.FindFinding(ctx, actor.ScopeFor(), key)
}

// Resolve settles a finding: it does the remedy that was chosen and closes the finding with what was done about it. A
// finding that is closed already, or a remedy that cannot be had as things stand, is CodeConflict and changes nothing.
// Where the matter still stands, the platform files it anew when it next meets it. What buys anew, gives up or adopts is
// the technical reviewer's and the procurement officer's to decide.
func (f *Findings) Resolve(ctx context.Context, actor duoyun.Actor, once duoyun.Once, key string, r Resolution) (duoyun.Finding, error) {
	x, err := f.store.FindFinding(ctx, actor.ScopeFor(), key)
	if err != nil {
		return x, err
	}
	if err := mayResolve(actor, x, r); err != nil {
		return x, err
	}
	act := func(context.Context, *sql.Tx) error { return nil }
	if r.Remedy != "" && x.State == duoyun.FindingOpen {
		if act, err = f.remedy.Remedy(ctx, x.SubjectID, r); err != nil {
			return x, err
		}
	}
	err = f.store.InTx(ctx, func(tx *sql.Tx) error {
		if done, err := f.store.Recall(ctx, tx, actor, once); err != nil || done != "" {
			return err // x was read as that call left it
		}
		if err := act(ctx, tx); err != nil {
			return err
		}
		x.State, x.Resolution, x.ResolvedBy, x.ResolvedAt = duoyun.FindingResolved, r.Note, actor.Name, f.now()
		if err := f.store.ResolveFinding(ctx, tx, x); err != nil {
			return err
		}
		e := entry(ctx, actor, "finding.resolve", "finding", x.ID)
		e.Detail = detail(map[string]string{"number": x.Number, "kind": x.Kind, "remedy": string(r.Remedy), "vendor_id": r.VendorID, "note": r.Note})
		if err := f.store.Audit(ctx, tx, e); err != nil {
			return err
		}
		return f.store.Remember(ctx, tx, actor, once, x.ID)
	})
	return x, err
}

// mayResolve checks a resolution against the finding's own actions and the actor's roles.
func mayResolve(actor duoyun.Actor, x duoyun.Finding, r Resolution) error {
	roles := []duoyun.Role{duoyun.RoleReviewer, duoyun.RoleProcurement}
	if r.Remedy == "" || r.Remedy == duoyun.RemedyLook || r.Remedy == duoyun.RemedyClear {
		roles = append(roles, duoyun.RoleFinance, duoyun.RoleSystemAdmin)
	}
	if err := actor.Need(roles...); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(r.Note); strings.TrimSpace(r.Note) == "" || n > 500 {
		return duoyun.Fail(duoyun.CodeInvalid, "note", "须写明如何处理，不超过 500 字", "say what was done, in at most 500 characters")
	}
	if (r.Remedy == duoyun.RemedyAdopt) != (r.VendorID != "") {
		return duoyun.Fail(duoyun.CodeInvalid, "vendor_id", "认领（adopt）须写明云平台上的资源标识，其他处置不写", "adopt needs the resource's id at the cloud, and no other remedy takes one")
	}
	offered := []string{}
	for _, a := range x.Actions {
		if a.Remedy == r.Remedy {
			return nil
		}
		if a.Remedy != "" {
			offered = append(offered, string(a.Remedy))
		}
	}
	if r.Remedy == "" {
		return nil
	}
	return duoyun.Fail(duoyun.CodeInvalid, "remedy", "此事项可选的处置：%s，收到 %s", "this finding offers the remedies %s, not %s", strings.Join(offered, ", "), r.Remedy)
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

// finding is about an intent that no rule moves on: it offers the remedies that can be had as the intent stands.
func (w *work) finding(kind string, in duoyun.Intent, r duoyun.Resource, words string) duoyun.Finding {
	f := about(kind, r, w.evidence(words), w.now())
	said := protocolWords(kind, in.Op)
	f.Message = duoyun.Text{ZH: fmt.Sprintf(said.message.ZH, called(r)), EN: fmt.Sprintf(said.message.EN, called(r))}
	if in.Reason != "" {
		f.Message.ZH += "：" + in.Reason
	}
	f.Actions = slices.DeleteFunc(said.actions, func(a duoyun.FindingAction) bool { return a.Remedy != "" && !w.offers(in, a.Remedy) })
	return f
}

// wording is what a kind of finding says, and what may safely be done about it.
type wording struct {
	message duoyun.Text
	actions []duoyun.FindingAction
}

func protocolWords(kind string, op duoyun.Op) wording {
	look := duoyun.FindingAction{Remedy: duoyun.RemedyLook, Text: duoyun.Text{ZH: "请云服务商凭标记核查、处理后，立即重新查询", EN: "have the supplier search for the mark and put it right, then look again at once"}}
	give := duoyun.FindingAction{Remedy: duoyun.RemedyGiveUp, Text: giveUpWords(op)}
	switch kind {
	case FindingInDoubt:
		return wording{duoyun.Text{ZH: "%s 是否已在云平台办成尚不能证实，未再次发出", EN: "whether %s was done at the cloud cannot be proven; it was not sent again"},
			[]duoyun.FindingAction{look, {Remedy: duoyun.RemedyBuyAgain, Text: duoyun.Text{ZH: "云服务商书面确认未建：重新购买",
				EN: "the supplier confirms in writing that nothing was made: buy it again"}}, give}}
	case FindingConflict:
		return wording{duoyun.Text{ZH: "%s 在云平台上的情况互相矛盾", EN: "what the cloud shows of %s is contradictory"},
			[]duoyun.FindingAction{look, {Remedy: duoyun.RemedyAdopt, Text: duoyun.Text{ZH: "认领其中一个（写明标识），其余请云服务商删除",
				EN: "adopt one of them by its id, and have the supplier delete the others"}}, give}}
	case FindingBroken:
		return wording{duoyun.Text{ZH: "%s 在云平台上出错", EN: "%s ended in error at the cloud"}, []duoyun.FindingAction{look, give}}
	case FindingSlow:
		return wording{duoyun.Text{ZH: "%s 在云平台上办理时间过长", EN: "the cloud is at %s for too long"}, []duoyun.FindingAction{look, give}}
	case FindingMismatched:
		return wording{duoyun.Text{ZH: "%s 的实际规格与订购不符，未开始计费", EN: "%s exists with another spec than ordered; it is not billed"}, []duoyun.FindingAction{look, give}}
	case FindingBadReply:
		return wording{duoyun.Text{ZH: "云平台对 %s 的答复不合其接口约定，原文见依据；系统凭标记核查，不作猜测", EN: "the cloud's answer about %s is not what its interface promises, see the evidence; the platform looks by the mark and guesses nothing"},
			[]duoyun.FindingAction{byPeople("请云服务商改正其接口", "have the supplier correct its interface")}}
	case FindingHalfway:
		return wording{duoyun.Text{ZH: "%s 的变更未能完成，可能停在中途", EN: "the change of %s failed and may have stopped half-way"}, []duoyun.FindingAction{
			byPeople("核对云平台上的实际情况后重新提交变更", "compare with the cloud and submit the change again")}}
	case FindingNotRenewed:
		return wording{duoyun.Text{ZH: "%s 包年包月续费未成", EN: "the subscription of %s was not renewed"}, []duoyun.FindingAction{
			byPeople("排除原因（如账户余额不足）后办结本事项，系统即再次续费", "mend the cause, such as the account's balance, and resolve this: the platform then renews again"),
			byPeople("不再需要的，提交注销单", "submit a release order for what is no longer needed")}}
	case FindingLeftover:
		return wording{duoyun.Text{ZH: "%s 开通失败后的残留未能清除", EN: "what stands of %s after its failure could not be taken away"}, []duoyun.FindingAction{
			{Remedy: duoyun.RemedyClear, Text: duoyun.Text{ZH: "再次清除残留", EN: "take it away once more"}},
			byPeople("请云服务商凭标记清除残留", "have the supplier remove what bears the mark")}}
	}
	return wording{duoyun.Text{ZH: "%s 需要人工处理", EN: "%s needs a person"}, []duoyun.FindingAction{look}}
}

func giveUpWords(op duoyun.Op) duoyun.Text {
	switch op {
	case duoyun.OpCreate:
		return duoyun.Text{ZH: "放弃购买：释放占用，已建部分由系统清除", EN: "give the purchase up: its holds are freed and what stands of it is taken away"}
	case duoyun.OpDelete:
		return duoyun.Text{ZH: "放弃此次释放：资源照旧在用、照旧计费", EN: "give the release up: the resource stays, and stays billed"}
	case duoyun.OpRenew:
		return duoyun.Text{ZH: "放弃此次续费：到期日照旧", EN: "give the renewal up: it ends when it would have ended"}
	}
	return duoyun.Text{ZH: "放弃此次变更：记录保持变更前的规格", EN: "give the change up: the record keeps the spec from before it"}
}

// byPeople is an action that the platform has no part in.
func byPeople(zh, en string) duoyun.FindingAction {
	return duoyun.FindingAction{Text: duoyun.Text{ZH: zh, EN: en}}
}

// surplus is a second thing that bears a unit's mark.
func surplus(r duoyun.Resource, evidence json.RawMessage, vendorID string, now time.Time) duoyun.Finding {
	f := about(FindingSurplus, r, evidence, now)
	f.Message = duoyun.Text{ZH: fmt.Sprintf("云平台上出现 %s 的第二份：%s", called(r), vendorID), EN: fmt.Sprintf("a second %s has turned up at the cloud: %s", called(r), vendorID)}
	f.Actions = []duoyun.FindingAction{byPeople("核实后请云服务商删除多余的一份并核销费用", "have the supplier remove the one too many and credit it")}
	return f
}

// authFinding is a pool whose credentials do not serve: its orders wait.
func authFinding(p duoyun.Pool, words string, now time.Time) duoyun.Finding {
	return duoyun.Finding{Kind: FindingAuth, State: duoyun.FindingOpen, Subject: "pool", SubjectID: p.ID, SupplierID: p.SupplierID,
		Message: duoyun.Text{ZH: "资源池 " + p.Name + " 的账号凭据无效，其订单等待中：" + words, EN: "the credentials of pool " + p.Code + " do not serve; its orders wait: " + words},
		Actions: []duoyun.FindingAction{byPeople("更新资源池的账号凭据", "renew the pool's credentials")}, CreatedAt: now}
}

// mismatch names both specs, for people.
func mismatch(asked, seen duoyun.Spec) string {
	return fmt.Sprintf("订购 %s，实际 %s", duoyun.EncodeSpec(asked), duoyun.EncodeSpec(seen))
}
