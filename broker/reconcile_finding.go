package broker

import (
	"encoding/json"
	"fmt"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
)

func (c *comparison) orphan(k duoyun.Kind, o driver.Observation, r *duoyun.Resource) *duoyun.Finding {
	f := duoyun.Finding{Kind: FindingOrphan, State: duoyun.FindingOpen, Subject: "vendor_resource", SubjectID: string(k) + " " + o.ID,
		SupplierID: c.pool.SupplierID, CreatedAt: c.now(), Evidence: shown(o, duoyun.Resource{})}
	f.Message = duoyun.Text{ZH: fmt.Sprintf("资源池 %s 中有带我方标记而无在用记录的资源：%s %s", c.pool.Name, k, o.ID),
		EN: fmt.Sprintf("pool %s holds a %s with our mark and no live record: %s", c.pool.Code, k, o.ID)}
	if r != nil {
		f.AgencyID, f.Evidence = r.AgencyID, shown(o, *r)
		f.Message.ZH += "（" + called(*r) + " " + duoyun.ResourceLifecycle().Name(r.State) + "）"
	}
	f.Actions = []duoyun.FindingAction{byPeople("核实后请云服务商删除并核销费用", "have the supplier delete it and credit it"),
		byPeople("若为误标，请云服务商去掉标记", "if it bears the mark by mistake, have the mark taken off")}
	return &f
}

func (c *comparison) ghost(r duoyun.Resource) duoyun.Finding {
	f := about(FindingGhost, r, shown(driver.Observation{}, r), c.now())
	f.Message = duoyun.Text{ZH: called(r) + " 在云平台上已不存在", EN: called(r) + " is gone at the cloud"}
	f.Actions = []duoyun.FindingAction{byPeople("请云服务商说明原因并恢复", "have the supplier explain and restore it"),
		byPeople("提交注销单，停止计费", "submit a release order, which stops its billing")}
	return f
}

func (c *comparison) drift(o driver.Observation, r duoyun.Resource) *duoyun.Finding {
	f := about(FindingDrift, r, shown(o, r), c.now())
	f.Message = duoyun.Text{ZH: called(r) + " 的实际规格与记录不符：" + mismatch(r.Spec, o.Spec), EN: called(r) + " differs from its record"}
	f.Actions = []duoyun.FindingAction{byPeople("请云服务商恢复规格", "have the supplier restore its spec"),
		byPeople("提交变更单，使记录与实际一致", "submit a change order that brings both together")}
	return &f
}

// shown is the evidence: both sides, side by side.
func shown(o driver.Observation, r duoyun.Resource) json.RawMessage {
	raw, err := json.Marshal(map[string]any{"vendor_id": o.ID, "mark": o.Mark, "vendor_name": o.Name, "vendor_state": o.State,
		"vendor_spec": o.Spec, "recorded_id": r.VendorID, "recorded_spec": r.Spec, "recorded_state": r.State})
	if err != nil {
		panic(err) // plain values
	}
	return raw
}
