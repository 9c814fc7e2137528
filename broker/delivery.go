package broker

import (
	"context"
	"fmt"

	"github.com/duoyun/duoyun"
)

// DeliverySheet is the sheet 资源交付单 that goes with delivered resources: where they are, how to log in, until when, at
// what price. Before anything is delivered it is a conflict.
func (s *Service) DeliverySheet(ctx context.Context, actor duoyun.Actor, orderKey string) (Sheet, error) {
	o, err := s.store.FindOrder(ctx, actor.ScopeFor(), orderKey)
	if err != nil {
		return Sheet{}, err
	}
	sheet := Sheet{Order: shownTo(actor, o)}
	rs, err := s.store.AllOrderResources(ctx, actor.ScopeFor(), o.ID)
	if err != nil {
		return sheet, err
	}
	live := liveOf(rs)
	if len(live) == 0 {
		return sheet, duoyun.Fail(duoyun.CodeConflict, "", "申请单 %s 尚无已交付的资源", "order %s has nothing delivered", o.Number)
	}
	places := places{}
	for _, r := range live {
		p, err := s.placeOf(ctx, places, r)
		if err != nil {
			return sheet, err
		}
		sheet.Items = append(sheet.Items, itemOf(o, r, p))
	}
	return sheet, nil
}

// place is where a resource runs and who runs it.
type place struct {
	pool     duoyun.Pool
	supplier duoyun.Supplier
}

type places map[string]place // by pool id

// placeOf reads pool and supplier once per pool: whoever sees the resource may know its place.
func (s *Service) placeOf(ctx context.Context, known places, r duoyun.Resource) (p place, err error) {
	if p, ok := known[r.PoolID]; ok {
		return p, nil
	}
	if p.pool, err = s.store.FindPool(ctx, duoyun.Scope{All: true}, r.PoolID); err != nil {
		return p, err
	}
	p.supplier, err = s.store.FindSupplier(ctx, duoyun.Scope{All: true}, r.SupplierID)
	known[r.PoolID] = p
	return p, err
}

func itemOf(o duoyun.Order, r duoyun.Resource, p place) SheetItem {
	item := SheetItem{Resource: r, Supplier: p.supplier.Name, Pool: p.pool.Name, Simulated: p.pool.Simulated, Expires: periodEnd(r.Period)}
	switch v := r.Spec.(type) {
	case duoyun.ServerSpec:
		item.OS = v.Image
	case duoyun.ServiceSpec:
		item.Work = fmt.Sprintf("%s %d %s", v.Name, v.Amount(), v.Unit)
	}
	line, _ := o.Requested.Line(r.Line)
	item.Login = loginOf(r.Kind, line.Login)
	return item
}

// loginOf answers the department's first question.
func loginOf(k duoyun.Kind, login string) duoyun.Text {
	switch {
	case among(k, duoyun.KindDatabase, duoyun.KindCache):
		return duoyun.Text{ZH: "在平台网络内连接：管理员口令只显示一次，由经办人以 duoyun login 资源单号 领取",
			EN: "from within the platform's network: the applicant sees the administrator's password once, by duoyun login NUMBER"}
	case k == duoyun.KindServer && login == LoginSecret:
		return duoyun.Text{ZH: "经堡垒机登录：口令只显示一次，由经办人以 duoyun login 资源单号 领取，首次登录须更改",
			EN: "through the bastion: the applicant sees the password once, by duoyun login NUMBER, and it must be changed at the first login"}
	case k == duoyun.KindServer:
		return duoyun.Text{ZH: "经堡垒机登录：使用本单位登记的 SSH 密钥", EN: "through the bastion, with the SSH key your agency has registered"}
	case k == duoyun.KindBucket:
		return duoyun.Text{ZH: "对象存储接口：访问密钥由平台人员交付", EN: "object storage API: the platform's people hand over the access key"}
	case k == duoyun.KindService:
		return duoyun.Text{ZH: "由服务人员联系使用单位", EN: "the supplier's people get in touch"}
	}
	return duoyun.Text{}
}
