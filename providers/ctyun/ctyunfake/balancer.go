package ctyunfake

import (
	"slices"

	"github.com/duoyun/duoyun/providers/simcloud"
)

// metaForward is the target group that a listener forwards to.
const metaForward = "targetGroupID"

// targetGroup is a group of targets. It stands for itself, unlike the pools of the simulated cloud, which are a balancer's.
type targetGroup struct {
	id, name, network, check string
	owner                    simcloud.Owner
	targets                  []target
}

type target struct {
	id, server string
	port       int64
}

type healthCheck struct {
	id, name, description string
	owner                 simcloud.Owner
}

func (f *Fake) balancer() {
	f.post("/v4/elb/create-loadbalancer", "clientToken! vpcID! subnetID! name! description slaName! resourceType! projectID", func(c *call) (any, error) {
		o, err := c.described()
		if err != nil || c.named(o.Name) != nil {
			return nil, c.wrong("name")
		}
		same, err := views(c, showBalancer, func(b *simcloud.Balancer) bool { return b.Name == o.Name })
		if err != nil || len(same) > 0 {
			return nil, refuse("Openapi.LoadBalancer.NameRepeat", "the name is taken")
		}
		b, err := c.sim.CreateBalancer(simcloud.Balancer{Object: o, SubnetID: c.text("subnetID")})
		if err != nil {
			return nil, err
		}
		return object{"ID": b.ID}, nil
	})
	f.get("/v4/elb/list-loadbalancer", "", func(c *call) (any, error) { return views(c, showBalancer, nil) })
	f.get("/v4/elb/show-loadbalancer", "elbID!", func(c *call) (any, error) {
		b, err := mine[simcloud.Balancer](c, simcloud.KindBalancer, c.text("elbID"))
		if err != nil {
			return nil, err
		}
		return []object{showBalancer(b)}, nil
	})
	f.post("/v4/elb/delete-loadbalancer", "clientToken! elbID!", func(c *call) (any, error) {
		return object{"ID": c.text("elbID")}, c.sim.DeleteBalancer(c.owner, c.text("elbID"), false)
	})
	f.listener()
	f.healthCheck()
	f.targetGroup()
}

func showBalancer(b *simcloud.Balancer) object {
	return object{"ID": b.ID, "name": b.Name, "description": b.Description, "vpcID": b.NetworkID, "subnetID": b.SubnetID, "privateIpAddress": b.Address,
		"status": "ACTIVE", "adminStatus": "ACTIVE", "createdTime": b.Created.UTC().Format("2006-01-02T15:04:05Z")}
}

func (f *Fake) listener() {
	f.post("/v4/elb/create-listener", "clientToken! loadBalancerID! name! description protocol! protocolPort!:i defaultAction!:o", func(c *call) (any, error) {
		o, err := c.described()
		group, bad := c.forward()
		if err != nil || bad != nil || c.named(o.Name) != nil || c.text("protocol") != "TCP" {
			return nil, c.wrong("name")
		}
		o.Meta = map[string]string{metaForward: group}
		l, err := simcloud.CreatePart(c.sim, &simcloud.Listener{Part: simcloud.Part{Object: o, BalancerID: c.text("loadBalancerID")}, Protocol: "TCP", Port: int(c.number("protocolPort"))})
		if err != nil {
			return nil, err
		}
		return []object{{"ID": l.ID}}, nil
	})
	f.get("/v4/elb/list-listener", "loadBalancerID", func(c *call) (any, error) {
		return views(c, showListener, func(l *simcloud.Listener) bool {
			return c.text("loadBalancerID") == "" || l.BalancerID == c.text("loadBalancerID")
		})
	})
	f.get("/v4/elb/show-listener", "listenerID!", func(c *call) (any, error) {
		l, err := mine[simcloud.Listener](c, simcloud.KindListener, c.text("listenerID"))
		if err != nil {
			return nil, err
		}
		return []object{showListener(l)}, nil
	})
	f.post("/v4/elb/update-listener", "clientToken! listenerID! defaultAction!:o", func(c *call) (any, error) {
		group, err := c.forward()
		if err != nil {
			return nil, err
		}
		l, err := simcloud.EditPart(c.sim, c.owner, c.text("listenerID"), func(l *simcloud.Listener) { l.Meta = note(l.Meta, metaForward, group) })
		if err != nil {
			return nil, err
		}
		return []object{{"ID": l.ID}}, nil
	})
	f.post("/v4/elb/delete-listener", "clientToken! listenerID!", func(c *call) (any, error) {
		return []object{{"ID": c.text("listenerID")}}, simcloud.DeletePart[simcloud.Listener](c.sim, c.owner, c.text("listenerID"))
	})
}

// forward reads the one target group of a listener's action.
func (c *call) forward() (string, error) {
	action, _ := c.in["defaultAction"].(map[string]any)
	config, _ := action["forwardConfig"].(map[string]any)
	groups, _ := config["targetGroups"].([]any)
	if action["type"] != "forward" || len(groups) != 1 {
		return "", c.wrong("defaultAction")
	}
	only, _ := groups[0].(map[string]any)
	_, err := c.group(str(only["targetGroupID"]))
	return str(only["targetGroupID"]), err
}

func showListener(l *simcloud.Listener) object {
	return object{"ID": l.ID, "name": l.Name, "description": l.Description, "loadBalancerID": l.BalancerID, "protocol": l.Protocol, "protocolPort": l.Port,
		"defaultAction": object{"type": "forward", "forwardConfig": object{"targetGroups": []object{{"targetGroupID": l.Meta[metaForward], "weight": 100}}}}}
}

func (f *Fake) healthCheck() {
	show := func(h *healthCheck) object {
		return object{"ID": h.id, "name": h.name, "description": h.description, "protocol": "TCP"}
	}
	f.post("/v4/elb/create-health-check", "clientToken! name! description protocol! timeout:i interval:i maxRetry:i", func(c *call) (any, error) {
		o, err := c.described()
		if err != nil || c.named(o.Name) != nil || c.text("protocol") != "TCP" {
			return nil, c.wrong("name")
		}
		h := &healthCheck{newID(), o.Name, o.Description, c.owner}
		f.held(func() { f.checks[h.id] = h })
		return object{"ID": h.id}, nil
	})
	f.get("/v4/elb/list-health-check", "", func(c *call) (any, error) {
		out := []object{}
		f.held(func() {
			for _, h := range f.checks {
				if h.owner == c.owner {
					out = append(out, show(h))
				}
			}
		})
		return out, nil
	})
	f.get("/v4/elb/show-health-check", "healthCheckID!", func(c *call) (any, error) {
		var h *healthCheck
		f.held(func() { h = f.checks[c.text("healthCheckID")] })
		if h == nil || h.owner != c.owner {
			return nil, refuse("Openapi.HealthCheck.NotFound", "there is no such health check")
		}
		return show(h), nil
	})
	f.post("/v4/elb/delete-health-check", "clientToken! healthCheckID!", func(c *call) (any, error) {
		id, used := c.text("healthCheckID"), false
		f.held(func() {
			for _, g := range f.groups {
				used = used || g.check == id
			}
			if !used {
				delete(f.checks, id)
			}
		})
		if used {
			return nil, refuse("Openapi.HealthCheck.AccessFailed", "a target group uses it")
		}
		return object{"ID": id}, nil
	})
}

// held runs f while the fake's own tables are its own.
func (f *Fake) held(act func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	act()
}

func (c *call) group(id string) (*targetGroup, error) {
	var g *targetGroup
	c.held(func() { g = c.groups[id] })
	if g == nil || g.owner != c.owner {
		return nil, refuse("Openapi.TargetGroup.NotFound", "there is no such target group")
	}
	return g, nil
}

func (f *Fake) targetGroup() {
	show := func(g *targetGroup) object {
		return object{"ID": g.id, "name": g.name, "vpcID": g.network, "healthCheckID": g.check, "algorithm": "rr"}
	}
	f.post("/v4/elb/create-target-group", "clientToken! name! vpcID! healthCheckID protocol! algorithm! projectID", func(c *call) (any, error) {
		if err := c.named(c.text("name")); err != nil {
			return nil, err
		}
		g := &targetGroup{id: newID(), name: c.text("name"), network: c.text("vpcID"), check: c.text("healthCheckID"), owner: c.owner}
		if _, err := mine[simcloud.Network](c, simcloud.KindNetwork, g.network); err != nil {
			return nil, err
		}
		f.held(func() { f.groups[g.id] = g })
		return []object{{"ID": g.id}}, nil
	})
	f.get("/v4/elb/list-target-group", "", func(c *call) (any, error) {
		out := []object{}
		f.held(func() {
			for _, g := range f.groups {
				if g.owner == c.owner {
					out = append(out, show(g))
				}
			}
		})
		return out, nil
	})
	f.post("/v4/elb/delete-target-group", "clientToken! targetGroupID!", func(c *call) (any, error) {
		id := c.text("targetGroupID")
		if _, err := c.group(id); err != nil {
			return nil, err
		}
		used, err := views(c, showListener, func(l *simcloud.Listener) bool { return l.Meta[metaForward] == id })
		if err != nil || len(used) > 0 {
			return nil, refuse("Openapi.TargetGroup.AccessFailed", "a listener uses it")
		}
		f.held(func() { delete(f.groups, id) })
		return []object{{"ID": id}}, nil
	})
	f.target()
}

func (f *Fake) target() {
	f.post("/v4/elb/create-target", "clientToken! targetGroupID! instanceType! instanceID! protocolPort!:i weight:i", func(c *call) (any, error) {
		g, err := c.group(c.text("targetGroupID"))
		if err != nil {
			return nil, err
		}
		t := target{newID(), c.text("instanceID"), c.number("protocolPort")}
		if _, err := mine[simcloud.Server](c, simcloud.KindServer, t.server); err != nil || c.text("instanceType") != "VM" {
			return nil, c.wrong("instanceID")
		}
		there := false
		f.held(func() {
			there = slices.ContainsFunc(g.targets, func(x target) bool { return x.server == t.server && x.port == t.port })
			if !there {
				g.targets = append(slices.Clone(g.targets), t)
			}
		})
		if there {
			return nil, refuse("Openapi.Target.NameRepeat", "it is a member already")
		}
		return []object{{"ID": t.id}}, nil
	})
	f.get("/v4/elb/list-target", "targetGroupID!", func(c *call) (any, error) {
		g, err := c.group(c.text("targetGroupID"))
		if err != nil {
			return nil, err
		}
		out := []object{}
		f.held(func() {
			for _, t := range g.targets {
				out = append(out, object{"ID": t.id, "targetGroupID": g.id, "instanceType": "VM", "instanceID": t.server, "protocolPort": t.port, "weight": 100})
			}
		})
		return out, nil
	})
}
