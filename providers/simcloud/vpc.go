package simcloud

import "net/netip"

// CreateVPC makes a private network with a range that its subnets lie within; none of them needs a router.
func (c *Cloud) CreateVPC(o Object, cidr netip.Prefix) (*Network, error) {
	return within(c, func() (*Network, error) {
		if !cidr.IsValid() || cidr != cidr.Masked() {
			return nil, invalid(KindNetwork, "%s is not a network's range", cidr)
		}
		if err := c.admit(KindNetwork, o.Owner, Take{ItemNetworks, 1}); err != nil {
			return nil, err
		}
		return put(c, &Network{Object: o, CIDR: cidr}), nil
	})
}

// DeleteVPC removes a VPC that has neither ports nor subnets nor security groups.
func (c *Cloud) DeleteVPC(o Owner, id string) error {
	_, err := within(c, func() (*Network, error) {
		n, err := own[Network](c, o, id)
		switch {
		case err != nil:
			return nil, err
		case len(children(c.ports, KindNetwork, id)) > 0:
			return nil, inUse(KindNetwork, id, "it has ports")
		case len(children(c.subnets, KindNetwork, id)) > 0:
			return nil, inUse(KindNetwork, id, "it has subnets")
		case len(children(c.groups, KindNetwork, id)) > 0:
			return nil, inUse(KindNetwork, id, "it has security groups")
		}
		drop[Network](c, id)
		return n, nil
	})
	return err
}

// CreateVPCGroup makes a security group of a VPC, without rules: what such a group lets out without them is its vendor's
// to say.
func (c *Cloud) CreateVPCGroup(o Object, networkID string) (*Group, error) {
	return within(c, func() (*Group, error) {
		if _, err := own[Network](c, o.Owner, networkID); err != nil {
			return nil, err
		}
		if err := c.admit(KindGroup, o.Owner, Take{ItemGroups, 1}); err != nil {
			return nil, err
		}
		return put(c, &Group{Object: o, NetworkID: networkID}), nil
	})
}
