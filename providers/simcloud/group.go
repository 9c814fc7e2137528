package simcloud

// Group is a security group: a port lets through what the rules of its groups allow.
type Group struct {
	Object
	Default   bool   `json:"default,omitempty"`    // every account has one; it is made at first sight and never deleted
	NetworkID string `json:"network_id,omitempty"` // the VPC it is of
}

// GroupRule lets something through.
type GroupRule struct {
	Object
	GroupID     string `json:"group_id"`
	Ingress     bool   `json:"ingress"`
	IPv6        bool   `json:"ipv6,omitempty"`
	Protocol    string `json:"protocol,omitempty"` // "": any
	PortMin     int    `json:"port_min,omitempty"` // 0: any
	PortMax     int    `json:"port_max,omitempty"`
	RemoteCIDR  string `json:"remote_cidr,omitempty"`
	RemoteGroup string `json:"remote_group,omitempty"`
}

func (*Group) in(c *Cloud) *table[Group]         { return c.groups }
func (*GroupRule) in(c *Cloud) *table[GroupRule] { return c.rules }

func (g *Group) takes() []Take { return []Take{{ItemGroups, 1}} }

func (g *Group) index() []string {
	if g.NetworkID == "" {
		return nil
	}
	return []string{Of(KindNetwork, g.NetworkID)}
}

func (r *GroupRule) takes() []Take   { return []Take{{ItemRules, 1}} }
func (r *GroupRule) index() []string { return []string{Of(KindGroup, r.GroupID)} }

// DefaultGroup returns an account's default group.
func (c *Cloud) DefaultGroup(o Owner) *Group {
	g, _ := within(c, func() (*Group, error) { return c.defaultGroup(o), nil })
	return g
}

func (c *Cloud) defaultGroup(o Owner) *Group {
	id := fixedID(c.name + "/default-group/" + o.Region + "/" + o.Tenant)
	if g := c.groups.get(id); g != nil {
		return g
	}
	g := put(c, &Group{Object: Object{ID: id, Owner: o, Name: "default", Description: "Default security group"}, Default: true})
	c.openOutwards(g)
	for _, v6 := range []bool{false, true} {
		put(c, &GroupRule{Object: Object{Owner: o}, GroupID: id, Ingress: true, IPv6: v6, RemoteGroup: id})
	}
	return g
}

// openOutwards gives a new group its two rules that let everything out.
func (c *Cloud) openOutwards(g *Group) {
	for _, v6 := range []bool{false, true} {
		put(c, &GroupRule{Object: Object{Owner: g.Owner}, GroupID: g.ID, IPv6: v6})
	}
}

// CreateGroup makes a security group that lets everything out and nothing in.
func (c *Cloud) CreateGroup(o Object) (*Group, error) {
	return within(c, func() (*Group, error) {
		c.defaultGroup(o.Owner)
		if o.Name == "default" {
			return nil, &Error{Reason: Exists, Kind: KindGroup, ID: o.Name, Detail: "Default security group already exists."}
		}
		if err := c.admit(KindGroup, o.Owner, Take{ItemGroups, 1}, Take{ItemRules, 2}); err != nil {
			return nil, err
		}
		g := put(c, &Group{Object: o})
		c.openOutwards(g)
		return g, nil
	})
}

// CreateRule adds a rule that the group does not have yet.
func (c *Cloud) CreateRule(r GroupRule) (*GroupRule, error) {
	return within(c, func() (*GroupRule, error) {
		if _, err := own[Group](c, r.Owner, r.GroupID); err != nil {
			return nil, err
		}
		if r.RemoteGroup != "" {
			if _, err := see[Group](c, r.Owner, r.RemoteGroup); err != nil {
				return nil, err
			}
		}
		for _, x := range children(c.rules, KindGroup, r.GroupID) {
			if x.same(&r) {
				return nil, &Error{Reason: Exists, Kind: KindRule, ID: x.ID, Detail: "Security group rule already exists. Rule id is " + x.ID + "."}
			}
		}
		if err := c.admit(KindRule, r.Owner, Take{ItemRules, 1}); err != nil {
			return nil, err
		}
		return put(c, &r), nil
	})
}

// same reports whether two rules of one group let the same through.
func (r *GroupRule) same(o *GroupRule) bool {
	return r.Ingress == o.Ingress && r.IPv6 == o.IPv6 && r.Protocol == o.Protocol && r.PortMin == o.PortMin &&
		r.PortMax == o.PortMax && r.RemoteCIDR == o.RemoteCIDR && r.RemoteGroup == o.RemoteGroup
}

// DeleteRule removes a rule.
func (c *Cloud) DeleteRule(o Owner, id string) error {
	_, err := within(c, func() (*GroupRule, error) {
		r, err := own[GroupRule](c, o, id)
		if err == nil {
			drop[GroupRule](c, id)
		}
		return r, err
	})
	return err
}

// DeleteGroup removes a group that no port has, and its rules.
func (c *Cloud) DeleteGroup(o Owner, id string) error {
	_, err := within(c, func() (*Group, error) {
		g, err := own[Group](c, o, id)
		switch {
		case err != nil:
			return nil, err
		case g.Default:
			return nil, inUse(KindGroup, id, "Insufficient rights for removing default security group.")
		case len(children(c.ports, KindGroup, id)) > 0:
			return nil, inUse(KindGroup, id, "Security Group "+id+" in use.")
		}
		for _, r := range children(c.rules, KindGroup, id) {
			drop[GroupRule](c, r.ID)
		}
		drop[Group](c, id)
		return g, nil
	})
	return err
}

// Rules lists the rules of a group.
func (c *Cloud) Rules(groupID string) []*GroupRule {
	var out []*GroupRule
	c.locked(func() { out = children(c.rules, KindGroup, groupID) })
	return out
}
