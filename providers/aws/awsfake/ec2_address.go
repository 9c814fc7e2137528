package awsfake

import (
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func addressActions() []action {
	return []action{
		{service: "ec2", name: "AllocateAddress", takes: "Domain" + tagging, do: allocate},
		{service: "ec2", name: "DescribeAddresses", takes: "AllocationId.N Filter.N.Name Filter.N.Value.N", do: describeAddresses},
		{service: "ec2", name: "AssociateAddress", needs: "AllocationId InstanceId", takes: "AllowReassociation:bool", do: associate},
		{service: "ec2", name: "DisassociateAddress", needs: "AssociationId", do: disassociate},
		{service: "ec2", name: "ReleaseAddress", needs: "AllocationId", do: release},
	}
}

func allocate(c *call) (object, error) {
	f, err := c.sim.AllocateFloatingIP(simcloud.FloatingInput{Object: simcloud.Object{Owner: c.owner, Meta: c.tags("elastic-ip")}})
	if err != nil {
		return nil, err
	}
	return object{"allocationId": out("eipalloc", f.ID), "publicIp": f.Address, "domain": "vpc"}, nil
}

// describeAddresses has no pages.
func describeAddresses(c *call) (object, error) {
	return described(c, simcloud.KindFloatingIP, "AllocationId", "addressesSet", nil, func(f *simcloud.FloatingIP) object {
		o := object{"allocationId": out("eipalloc", f.ID), "publicIp": f.Address, "domain": "vpc", "tagSet": tagSet(f.Meta)}
		if f.TargetID != "" {
			o["instanceId"], o["associationId"], o["privateIpAddress"] = out("i", f.TargetID), out("eipassoc", f.ID), f.FixedIP
		}
		return o
	})
}

// associate needs an internet gateway at the server's network. What is so already is no error.
func associate(c *call) (object, error) {
	f, err := one[simcloud.FloatingIP](c, simcloud.KindFloatingIP, "AllocationId")
	if err != nil {
		return nil, err
	}
	s, err := one[simcloud.Server](c, simcloud.KindServer, "InstanceId")
	if err != nil {
		return nil, err
	}
	answer := object{"associationId": out("eipassoc", f.ID), "return": true}
	if f.TargetID == s.ID {
		return answer, nil
	}
	if f.TargetID != "" {
		return nil, bad("Resource.AlreadyAssociated", "resource %s is already associated", c.get("AllocationId"))
	}
	var network string
	for _, id := range s.PortIDs {
		if p, err := simcloud.Get[simcloud.Port](c.sim, c.owner, id); err == nil {
			network = p.NetworkID
		}
	}
	g, err := c.attachedTo(network)
	if err == nil && g == nil {
		err = bad("Gateway.NotAttached", "Network %s is not attached to any internet gateway", out("vpc", network))
	}
	if err != nil {
		return nil, err
	}
	_, err = c.sim.BindFloatingIP(c.owner, f.ID, s.ID)
	return answer, err
}

func disassociate(c *call) (object, error) {
	id, err := in(simcloud.KindFloatingIP, strings.Replace(c.get("AssociationId"), "eipassoc-", "eipalloc-", 1))
	if err != nil {
		return nil, bad("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", c.get("AssociationId"))
	}
	_, err = c.sim.BindFloatingIP(c.owner, id, "")
	return object{"return": true}, err
}

func release(c *call) (object, error) {
	f, err := one[simcloud.FloatingIP](c, simcloud.KindFloatingIP, "AllocationId")
	if err == nil && f.TargetID != "" {
		err = bad("InvalidIPAddress.InUse", "Address %s is in use.", f.Address)
	}
	if err != nil {
		return nil, err
	}
	return object{"return": true}, c.sim.DeleteFloatingIP(c.owner, f.ID)
}
