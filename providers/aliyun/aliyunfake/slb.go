package aliyunfake

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func balancerActions() []action {
	return []action{
		{product: "Slb", name: "CreateLoadBalancer", takes: "LoadBalancerName AddressType VpcId VSwitchId LoadBalancerSpec InstanceChargeType", token: "ClientToken", do: createBalancer},
		{product: "Slb", name: "DescribeLoadBalancers", takes: "LoadBalancerId" + pages, do: describeBalancers},
		{product: "Slb", name: "DescribeLoadBalancerAttribute", needs: "LoadBalancerId", do: describeBalancer},
		{product: "Slb", name: "CreateLoadBalancerTCPListener", needs: "LoadBalancerId ListenerPort:int Bandwidth:int BackendServerPort:int",
			takes: "HealthCheckSwitch HealthCheckType Description", do: createListener},
		{product: "Slb", name: "StartLoadBalancerListener", needs: "LoadBalancerId ListenerPort:int", takes: "ListenerProtocol", do: startListener},
		{product: "Slb", name: "DescribeLoadBalancerTCPListenerAttribute", needs: "LoadBalancerId ListenerPort:int", do: describeListener},
		{product: "Slb", name: "AddBackendServers", needs: "LoadBalancerId BackendServers", do: backends(true)},
		{product: "Slb", name: "RemoveBackendServers", needs: "LoadBalancerId BackendServers", do: backends(false)},
		{product: "Slb", name: "DeleteLoadBalancer", needs: "LoadBalancerId", do: func(c *call) (object, error) {
			return object{}, c.sim.DeleteBalancer(c.owner, c.get("LoadBalancerId"), true)
		}},
	}
}

func createBalancer(c *call) (object, error) {
	if c.get("AddressType") != "intranet" || c.get("VSwitchId") == "" {
		return nil, invalid("AddressType", "only balancers within a VPC are served here")
	}
	b, err := c.sim.CreateBalancer(simcloud.Balancer{Object: simcloud.Object{Owner: c.owner, Name: c.get("LoadBalancerName")}, SubnetID: c.get("VSwitchId")})
	if err != nil {
		return nil, err
	}
	return object{"LoadBalancerId": b.ID, "LoadBalancerName": b.Name, "Address": b.Address, "VpcId": b.NetworkID, "VSwitchId": b.SubnetID, "OrderId": 0}, nil
}

func describeBalancers(c *call) (object, error) {
	all, err := find[simcloud.Balancer](c, "LoadBalancerId", nil)
	if err != nil {
		return nil, err
	}
	return paged(c, all, "LoadBalancers", "LoadBalancer", balancer)
}

func balancer(b *simcloud.Balancer) object {
	return object{"LoadBalancerId": b.ID, "LoadBalancerName": b.Name, "LoadBalancerStatus": "active", "Address": b.Address, "AddressType": "intranet", "VpcId": b.NetworkID,
		"VSwitchId": b.SubnetID, "CreateTime": minutes(b.Created), "RegionId": b.Region, "PayType": "PayOnDemand"}
}

// member begins the names under which a balancer keeps the servers of its default group.
const member = "member:"

func describeBalancer(c *call) (object, error) {
	b, err := simcloud.Get[simcloud.Balancer](c.sim, c.owner, c.get("LoadBalancerId"))
	if err != nil {
		return nil, err
	}
	listeners, err := listenersOf(c, b.ID)
	if err != nil {
		return nil, err
	}
	ports, servers := []int{}, []object{}
	for _, l := range listeners {
		ports = append(ports, l.Port)
	}
	for _, key := range slices.Sorted(maps.Keys(b.Meta)) {
		if id, ok := strings.CutPrefix(key, member); ok {
			servers = append(servers, object{"ServerId": id, "Weight": 100, "Type": "ecs"})
		}
	}
	answer := balancer(b)
	answer["ListenerPorts"], answer["BackendServers"] = object{"ListenerPort": ports}, object{"BackendServer": servers}
	return answer, nil
}

func listenersOf(c *call, id string) ([]*simcloud.Listener, error) {
	return simcloud.List[simcloud.Listener](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Of(simcloud.KindBalancer, id)}}, nil)
}

// listener finds the listener that a call names.
func (c *call) listener() (*simcloud.Listener, error) {
	if _, err := simcloud.Get[simcloud.Balancer](c.sim, c.owner, c.get("LoadBalancerId")); err != nil {
		return nil, err
	}
	all, err := listenersOf(c, c.get("LoadBalancerId"))
	for _, l := range all {
		if int64(l.Port) == c.number("ListenerPort") {
			return l, nil
		}
	}
	if err == nil {
		err = refuse(400, "InvalidParameter", "The specified resource is not found.")
	}
	return nil, err
}

// What a listener keeps beside its port.
const (
	metaBackend = "backend_port"
	metaStatus  = "status"
)

func createListener(c *call) (object, error) {
	_, err := simcloud.CreatePart(c.sim, &simcloud.Listener{Protocol: "TCP", Port: int(c.number("ListenerPort")), Part: simcloud.Part{BalancerID: c.get("LoadBalancerId"),
		Object: simcloud.Object{Owner: c.owner, Description: c.get("Description"), Meta: map[string]string{metaBackend: c.get("BackendServerPort"), metaStatus: "stopped"}}}})
	return object{}, err
}

func startListener(c *call) (object, error) {
	l, err := c.listener()
	if err != nil {
		return nil, err
	}
	_, err = simcloud.EditPart(c.sim, c.owner, l.ID, func(l *simcloud.Listener) {
		l.Meta = maps.Clone(l.Meta)
		l.Meta[metaStatus] = "running"
	})
	return object{}, err
}

func describeListener(c *call) (object, error) {
	l, err := c.listener()
	if err != nil {
		return nil, err
	}
	port, err := strconv.Atoi(l.Meta[metaBackend])
	return object{"ListenerPort": l.Port, "BackendServerPort": port, "Status": l.Meta[metaStatus], "Description": l.Description, "Bandwidth": -1, "HealthCheck": "on"}, err
}

// backends adds servers to the default group, or takes them out; either is the same twice.
func backends(add bool) func(*call) (object, error) {
	return func(c *call) (object, error) {
		var given []struct {
			ServerID string `json:"ServerId"`
			Weight   string
			Type     string
		}
		if json.Unmarshal([]byte(c.get("BackendServers")), &given) != nil || len(given) == 0 || len(given) > 20 {
			return nil, invalid("BackendServers", "The specified BackendServers is not valid.")
		}
		for _, s := range given {
			if _, err := simcloud.Get[simcloud.Server](c.sim, c.owner, s.ServerID); err != nil && add {
				return nil, refuse(400, "InvalidBackendServers.NotFound", "The specified backend server does not exist.")
			}
		}
		_, err := c.sim.EditBalancer(c.owner, c.get("LoadBalancerId"), func(b *simcloud.Balancer) {
			meta := maps.Clone(b.Meta)
			if meta == nil {
				meta = map[string]string{}
			}
			for _, s := range given {
				if add {
					meta[member+s.ServerID] = s.Weight
				} else {
					delete(meta, member+s.ServerID)
				}
			}
			b.Meta = meta
		})
		return object{"LoadBalancerId": c.get("LoadBalancerId"), "BackendServers": object{"BackendServer": []object{}}}, err
	}
}
