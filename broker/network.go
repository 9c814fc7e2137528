package broker

import (
	"context"
	"database/sql"
	"net/netip"

	"github.com/duoyun/duoyun"
)

// onNetwork reports whether units of a kind stand in the platform's network of their zone.
func onNetwork(k duoyun.Kind) bool {
	return among(k, duoyun.KindServer, duoyun.KindAddress, duoyun.KindLoadBalancer, duoyun.KindDatabase, duoyun.KindCache)
}

// networked asks for the platform network of a zone, once per pool, agency and zone; a new one is bought with the first
// order that needs it, and is the platform's, not the order's. Departments never choose its range.
func (b *basket) networked(ctx context.Context, tx *sql.Tx, s *Service, p parcel, zone string) error {
	key := placeKey{p.offer.Pool.ID, zone}
	if _, done := b.networks[key]; done {
		return nil
	}
	slot, err := s.store.PlatformNetwork(ctx, tx, p.offer.Pool.ID, b.agency.ID, zone)
	if err != nil {
		return err
	}
	if slot.ResourceID != "" {
		b.networks[key] = parent{id: slot.ResourceID, ready: slot.Verified}
		return nil
	}
	cidr, err := CutNetwork(p.offer.Pool.Plan, slot.Index)
	if err != nil {
		return err
	}
	r := b.resource(p, duoyun.Unit{Kind: duoyun.KindNetwork, Zone: zone, Spec: duoyun.NetworkSpec{CIDR: cidr}})
	r.OrderID, r.ContractID, r.SystemID, r.ProjectID, r.Period = "", "", "", "", duoyun.Period{}
	r.Name = b.agency.Short + "-" + zone
	b.resources, b.fresh = append(b.resources, r), append(b.fresh, r)
	b.networks[key] = parent{id: r.ID}
	b.intend(r, false)
	return nil
}

// CutNetwork gives the index-th network of a pool's address plan; a plan that is used up is a shortage.
func CutNetwork(plan duoyun.AddressPlan, index int64) (string, error) {
	p, err := netip.ParsePrefix(plan.CIDR)
	if err != nil || !p.Addr().Is4() || plan.Prefix < p.Bits() || plan.Prefix > 30 {
		return "", duoyun.Fail(duoyun.CodeConflict, "plan", "资源池的地址规划不可用：%s", "the pool's address plan cannot be used: %s", plan.CIDR)
	}
	if index >= 1<<(plan.Prefix-p.Bits()) {
		return "", duoyun.Fail(duoyun.CodeShortage, "plan", "资源池的地址规划 %s 已用尽", "the pool's address plan %s is used up", plan.CIDR)
	}
	base := p.Masked().Addr().As4()
	n := uint32(base[0])<<24 | uint32(base[1])<<16 | uint32(base[2])<<8 | uint32(base[3])
	n += uint32(index) << (32 - plan.Prefix)
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), plan.Prefix).String(), nil
}
