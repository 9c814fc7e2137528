package tencentfake

import (
	"encoding/json"
	"slices"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func clbActions() map[string]action {
	return map[string]action{
		"clb/CreateLoadBalancer":             on((*call).createBalancer),
		"clb/DescribeLoadBalancers":          on((*call).describeBalancers),
		"clb/DeleteLoadBalancer":             on((*call).deleteBalancer),
		"clb/RenewLoadBalancers":             on((*call).renewBalancers),
		"clb/InquiryPriceCreateLoadBalancer": on((*call).priceBalancer),
		"clb/InquiryPriceRenewLoadBalancer":  on((*call).priceBalancerRenewal),
		"clb/CreateListener":                 on((*call).createListener),
		"clb/DescribeListeners":              on((*call).describeListeners),
		"clb/DescribeTargets":                on((*call).describeTargets),
		"clb/RegisterTargets":                on((*call).registerTargets),
		"clb/DeregisterTargets":              on((*call).deregisterTargets),
	}
}

func clbWords(err error) error {
	return words(err, map[simcloud.Reason]string{simcloud.Missing: "InvalidParameter.LBIdNotFound", simcloud.Busy: "FailedOperation.ResourceInOperating",
		simcloud.Exists: "InvalidParameter.PortCheckFailed"})
}

func (c *call) createBalancer(in struct {
	LoadBalancerType string `need:""`
	VpcId            string
	SubnetId         string
	LoadBalancerName string
	Number           int
	LBChargeType     string
	LBChargePrepaid  *term
	ClientToken      string
	Tags             []otherTag
}) (object, error) {
	n, err := months(in.LBChargeType, in.LBChargePrepaid)
	if err != nil {
		return nil, err
	}
	if in.LoadBalancerType != "INTERNAL" || in.VpcId == "" || in.Number > 1 {
		return nil, refuse("InvalidParameterValue", "one internal balancer in a VPC")
	}
	subnet, err := bare(in.SubnetId, "subnet-", "InvalidParameter.FormatError")
	if err != nil {
		return nil, err
	}
	b, err := c.sim.CreateBalancer(simcloud.Balancer{Object: simcloud.Object{Owner: c.owner, Name: in.LoadBalancerName, Meta: otherMeta(in.Tags)}, Purchase: simcloud.Purchase{Months: n}, SubnetID: subnet})
	if err != nil {
		return nil, words(err, nil)
	}
	return object{"LoadBalancerIds": []string{"lb-" + b.ID}, "DealName": "deal-" + b.ID}, nil
}

func (c *call) describeBalancers(in struct {
	LoadBalancerIds []string
	Offset, Limit   int
}) (object, error) {
	return listed(c, "LoadBalancerSet", in.LoadBalancerIds, "lb-", paging{in.Offset, in.Limit}, nil, func(_ *call, b *simcloud.Balancer) object {
		v := object{"LoadBalancerId": "lb-" + b.ID, "LoadBalancerName": b.Name, "VpcId": "vpc-" + b.NetworkID, "SubnetId": "subnet-" + b.SubnetID, "Status": 1, "Isolation": 0,
			"CreateTime": beijing(b.Created), "ExpireTime": beijing(b.PaidUntil), "ChargeType": "POSTPAID_BY_HOUR", "LoadBalancerVips": []string{b.Address}, "Tags": tags(b.Meta, "TagKey", "TagValue")}
		if b.Months > 0 {
			v["ChargeType"] = "PREPAID"
		}
		if b.State == simcloud.Building {
			v["Status"] = 0
		}
		if b.Meta[binKey] != "" {
			v["Isolation"] = 1
		}
		return v
	})
}

// balancer reads the one balancer an action is about.
func (c *call) balancer(all ...string) (*simcloud.Balancer, error) {
	if len(all) != 1 {
		return nil, refuse("InvalidParameterValue.Length", "one balancer at a time")
	}
	id, err := bare(all[0], "lb-", "InvalidParameter.FormatError")
	if err != nil {
		return nil, err
	}
	b, err := simcloud.Get[simcloud.Balancer](c.sim, c.owner, id)
	return b, clbWords(err)
}

func (c *call) deleteBalancer(in struct {
	LoadBalancerIds []string `need:""`
}) (object, error) {
	b, err := c.balancer(in.LoadBalancerIds...)
	if err == nil && b.Months > 0 && b.Meta[binKey] == "" {
		return object{}, bin[simcloud.Balancer](c, b.ID)
	}
	if err != nil {
		return nil, err
	}
	return object{}, clbWords(c.sim.DeleteBalancer(c.owner, b.ID, true))
}

func (c *call) renewBalancers(in struct {
	LoadBalancerIds []string `need:""`
	LBChargePrepaid *term    `need:""`
}) (object, error) {
	b, err := c.balancer(in.LoadBalancerIds...)
	if err != nil {
		return nil, err
	}
	_, err = simcloud.Renew[simcloud.Balancer](c.sim, c.owner, b.ID, in.LBChargePrepaid.Period)
	return object{}, clbWords(err)
}

func (c *call) priceBalancer(in struct {
	LoadBalancerType          string `need:""`
	LoadBalancerChargeType    string `need:""`
	LoadBalancerChargePrepaid *term
	GoodsNum                  int
}) (object, error) {
	n, err := months(in.LoadBalancerChargeType, in.LoadBalancerChargePrepaid)
	if err != nil {
		return nil, err
	}
	return object{"Price": object{"InstancePrice": price(simcloud.PriceOf(c.sim, &simcloud.Balancer{}, n), n)}}, nil
}

func (c *call) priceBalancerRenewal(in struct {
	LoadBalancerId            string `need:""`
	LoadBalancerChargePrepaid *term  `need:""`
}) (object, error) {
	b, err := c.balancer(in.LoadBalancerId)
	if err != nil {
		return nil, err
	}
	n := in.LoadBalancerChargePrepaid.Period
	return object{"Price": object{"InstancePrice": price(simcloud.PriceOf(c.sim, b, n), n)}}, nil
}

func (c *call) createListener(in struct {
	LoadBalancerId string `need:""`
	Ports          []int  `need:""`
	Protocol       string `need:""`
	ListenerNames  []string
	Scheduler      string
	HealthCheck    struct{ HealthSwitch int }
}) (object, error) {
	b, err := c.balancer(in.LoadBalancerId)
	if err != nil {
		return nil, err
	}
	if len(in.Ports) != 1 || len(in.ListenerNames) != 1 || in.Protocol != "TCP" {
		return nil, refuse("InvalidParameterValue.Length", "one TCP listener with its name")
	}
	l, err := simcloud.CreatePart(c.sim, &simcloud.Listener{Part: simcloud.Part{Object: simcloud.Object{Owner: c.owner, Name: in.ListenerNames[0]}, BalancerID: b.ID}, Protocol: in.Protocol, Port: in.Ports[0]})
	if err != nil {
		return nil, clbWords(err)
	}
	return object{"ListenerIds": []string{"lbl-" + l.ID}}, nil
}

// target is a member of a listener.
type target struct {
	InstanceId string
	Port       int
}

// targetKey is where a listener of the simulated cloud keeps its targets, which know no pools here.
const targetKey = "targets"

func targets(l *simcloud.Listener) []target {
	out := []target{}
	_ = json.Unmarshal([]byte(l.Meta[targetKey]), &out) // nothing yet
	return out
}

func (c *call) listeners(balancer string) ([]*simcloud.Listener, error) {
	b, err := c.balancer(balancer)
	if err != nil {
		return nil, err
	}
	return simcloud.List[simcloud.Listener](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Of(simcloud.KindBalancer, b.ID)}}, nil)
}

// ofBalancer are the parameters of actions that read a balancer's parts.
type ofBalancer struct {
	LoadBalancerId string `need:""`
}

func (c *call) describeListeners(in ofBalancer) (object, error) {
	all, err := c.listeners(in.LoadBalancerId)
	out := []object{}
	for _, l := range all {
		out = append(out, object{"ListenerId": "lbl-" + l.ID, "ListenerName": l.Name, "Protocol": l.Protocol, "Port": l.Port})
	}
	return object{"Listeners": out, "TotalCount": len(out)}, err
}

func (c *call) describeTargets(in ofBalancer) (object, error) {
	all, err := c.listeners(in.LoadBalancerId)
	out := []object{}
	for _, l := range all {
		out = append(out, object{"ListenerId": "lbl-" + l.ID, "Protocol": l.Protocol, "Port": l.Port, "Targets": targets(l)})
	}
	return object{"Listeners": out}, err
}

// change is what registering and deregistering take.
type change struct {
	LoadBalancerId string   `need:""`
	ListenerId     string   `need:""`
	Targets        []target `need:""`
}

func (c *call) registerTargets(in change) (object, error) {
	for _, t := range in.Targets {
		if _, err := c.instance([]string{t.InstanceId}); err != nil {
			return nil, refuse("InvalidParameterValue", "the target %s is no instance", t.InstanceId)
		}
	}
	return c.retarget(in, func(have []target) ([]target, error) {
		for _, t := range in.Targets {
			if slices.Contains(have, t) {
				return nil, refuse("InvalidParameterValue.Duplicate", "the target %s is registered", t.InstanceId)
			}
		}
		return append(have, in.Targets...), nil
	})
}

func (c *call) deregisterTargets(in change) (object, error) {
	return c.retarget(in, func(have []target) ([]target, error) {
		return slices.DeleteFunc(have, func(t target) bool { return slices.Contains(in.Targets, t) }), nil
	})
}

func (c *call) retarget(in change, f func([]target) ([]target, error)) (object, error) {
	id, err := bare(in.ListenerId, "lbl-", "InvalidParameter.FormatError")
	if err != nil {
		return nil, err
	}
	l, err := simcloud.Get[simcloud.Listener](c.sim, c.owner, id)
	if err != nil {
		return nil, refuse("InvalidParameter.ListenerIdNotFound", "there is no listener %s", in.ListenerId)
	}
	all, err := f(targets(l))
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	_, err = simcloud.EditPart(c.sim, c.owner, id, func(l *simcloud.Listener) { l.Meta = map[string]string{targetKey: string(text)} })
	return object{}, clbWords(err)
}
