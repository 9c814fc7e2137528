package openstack

import (
	"context"
	"slices"

	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/listeners"
	"github.com/gophercloud/gophercloud/v2/openstack/loadbalancer/v2/loadbalancers"

	"github.com/duoyun/duoyun"
	"github.com/duoyun/duoyun/providers/driver"
	"github.com/duoyun/duoyun/providers/driver/table"
)

// shelf is the project's balancers; an administrator would be shown every project's.
func (b balancerKind) shelf() table.Shelf {
	view := func(v loadbalancers.LoadBalancer) table.Thing {
		return table.Thing{ID: v.ID, Note: v.Description, State: balancerState(v.ProvisioningStatus), Detail: v.ProvisioningStatus}
	}
	return table.Shelf{Code: Code,
		Get: func(ctx context.Context, id string) (table.Thing, error) {
			v, err := b.existing(ctx, id)
			if err != nil {
				return table.Thing{}, err
			}
			return view(*v), nil
		},
		Page: func(ctx context.Context, cursor string) ([]table.Thing, string, bool, error) {
			all, next, err := b.page(ctx, cursor)
			return table.Things(all, view), next, false, err
		},
	}
}

// existing reads a balancer; Octavia keeps deleted ones on record for days, and some versions show them.
func (b balancerKind) existing(ctx context.Context, id string) (*loadbalancers.LoadBalancer, error) {
	v, err := loadbalancers.Get(ctx, b.balancer, id).Extract()
	if err == nil && v.ProvisioningStatus == "DELETED" {
		return nil, table.Refuse(driver.NotFound, duoyun.NotFound("负载均衡", "load balancer", id))
	}
	return v, err
}

func (b balancerKind) page(ctx context.Context, cursor string) ([]loadbalancers.LoadBalancer, string, error) {
	all, next, err := onePage(ctx, loadbalancers.List(b.balancer, loadbalancers.ListOpts{ProjectID: b.project, Limit: pageSize, Marker: cursor}),
		loadbalancers.ExtractLoadBalancers, func(v loadbalancers.LoadBalancer) string { return v.ID })
	return slices.DeleteFunc(all, func(v loadbalancers.LoadBalancer) bool { return v.ProvisioningStatus == "DELETED" }), next, err
}

// balancerState: PENDING_UPDATE is a balancer that is there and busy.
func balancerState(status string) driver.ObservedState {
	switch status {
	case "PENDING_CREATE":
		return driver.Building
	case "PENDING_DELETE", "DELETED":
		return driver.Deleting
	case "ERROR":
		return driver.Errored
	}
	return driver.Active
}

// observe reads the first listener and all members; a member's name is the vendor id of its server.
func (b balancerKind) observe(ctx context.Context, id string) (driver.Observation, error) {
	v, err := b.existing(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	o := observedBalancer(*v)
	spec := duoyun.LoadBalancerSpec{}
	if len(v.Listeners) > 0 {
		l, err := listeners.Get(ctx, b.balancer, v.Listeners[0].ID).Extract()
		if err != nil {
			return driver.Observation{}, err
		}
		spec.Port = l.ProtocolPort
	}
	all, err := b.poolsOf(ctx, id)
	if err != nil {
		return driver.Observation{}, err
	}
	for _, p := range all {
		have, err := b.members(ctx, p.ID)
		if err != nil {
			return driver.Observation{}, err
		}
		for _, m := range have {
			spec.MemberPort = m.ProtocolPort
			o.Links[duoyun.RelMember] = append(o.Links[duoyun.RelMember], m.Name)
		}
	}
	o.Spec = spec
	return o, nil
}

func observedBalancer(v loadbalancers.LoadBalancer) driver.Observation {
	o := driver.Observation{ID: v.ID, Mark: table.MarkIn(v.Description), Name: v.Name, State: balancerState(v.ProvisioningStatus), Spec: duoyun.LoadBalancerSpec{},
		Addresses: vip(v), Links: map[duoyun.Relation][]string{}, CreatedAt: v.CreatedAt,
		Raw: raw(map[string]any{"provisioning_status": v.ProvisioningStatus, "operating_status": v.OperatingStatus, "provider": v.Provider, "vip_port_id": v.VipPortID})}
	if v.VipNetworkID != "" {
		o.Links[duoyun.RelNetwork] = []string{v.VipNetworkID}
	}
	return o
}

func (b balancerKind) list(ctx context.Context, cursor string) (driver.Page, error) {
	all, next, err := b.page(ctx, cursor)
	p := driver.Page{Next: next}
	for _, v := range all {
		p.Items = append(p.Items, observedBalancer(v))
	}
	return p, err
}
