package aliyunfake

import (
	"strconv"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func addressActions() []action {
	return []action{
		{product: "Vpc", name: "AllocateEipAddress", takes: "Bandwidth:int InternetChargeType InstanceChargeType Name Description", token: "ClientToken", do: allocate},
		{product: "Vpc", name: "DescribeEipAddresses", takes: "AllocationId" + pages, do: describeAddresses},
		{product: "Vpc", name: "AssociateEipAddress", needs: "AllocationId InstanceId", takes: "InstanceType", token: "ClientToken", do: associate},
		{product: "Vpc", name: "UnassociateEipAddress", needs: "AllocationId", takes: "InstanceId InstanceType", token: "ClientToken", do: unassociate},
		{product: "Vpc", name: "ModifyEipAddressAttribute", needs: "AllocationId", takes: "Bandwidth:int Name Description", do: func(c *call) (object, error) {
			_, err := c.sim.SetBandwidth(c.owner, c.get("AllocationId"), c.number("Bandwidth"))
			return object{}, err
		}},
		{product: "Vpc", name: "ReleaseEipAddress", needs: "AllocationId", do: release},
	}
}

func allocate(c *call) (object, error) {
	if err := c.described(); err != nil {
		return nil, err
	}
	if c.get("InstanceChargeType") == "PrePaid" && c.get("Name")+c.get("Description") != "" {
		return nil, invalid("Name", "a subscribed address takes no name when it is bought")
	}
	mbps := max(c.number("Bandwidth"), 1)
	if mbps > 500 {
		return nil, invalid("Bandwidth", "The specified bandwidth is not valid.")
	}
	f, err := c.sim.AllocateFloatingIP(simcloud.FloatingInput{BandwidthMbps: mbps,
		Object: simcloud.Object{Owner: c.owner, Name: c.get("Name"), Description: c.get("Description")}})
	if err != nil {
		return nil, err
	}
	return object{"AllocationId": f.ID, "EipAddress": f.Address, "OrderId": 0, "ResourceGroupId": "rg-default"}, nil
}

func describeAddresses(c *call) (object, error) {
	all, err := find[simcloud.FloatingIP](c, "AllocationId", nil)
	if err != nil {
		return nil, err
	}
	return paged(c, all, "EipAddresses", "EipAddress", func(f *simcloud.FloatingIP) object {
		kind := map[simcloud.Kind]string{simcloud.KindServer: "EcsInstance", simcloud.KindBalancer: "SlbInstance"}[f.TargetKind]
		return object{"AllocationId": f.ID, "IpAddress": f.Address, "Bandwidth": strconv.FormatInt(f.BandwidthMbps, 10), "Name": f.Name, "Descritpion": f.Description,
			"InstanceId": f.TargetID, "InstanceType": kind, "Status": either(f.TargetID == "", "Available", "InUse"), "InternetChargeType": "PayByBandwidth",
			"ChargeType": "PostPaid", "AllocationTime": seconds(f.Created), "RegionId": f.Region}
	})
}

func associate(c *call) (object, error) {
	target := c.get("InstanceId")
	var err error
	switch c.get("InstanceType") {
	case "", "EcsInstance":
		_, err = simcloud.Get[simcloud.Server](c.sim, c.owner, target)
	case "SlbInstance":
		_, err = simcloud.Get[simcloud.Balancer](c.sim, c.owner, target)
	default:
		err = invalid("InstanceType", "The specified instance type is not valid.")
	}
	if err != nil {
		return nil, err
	}
	_, err = c.sim.BindFloatingIP(c.owner, c.get("AllocationId"), target)
	return object{}, err
}

func unassociate(c *call) (object, error) {
	f, err := simcloud.Get[simcloud.FloatingIP](c.sim, c.owner, c.get("AllocationId"))
	if err != nil {
		return nil, err
	}
	if f.TargetID == "" || c.get("InstanceId") != "" && c.get("InstanceId") != f.TargetID {
		return nil, refuse(400, "IncorrectEipStatus", "Current elastic IP status does not support this operation.")
	}
	_, err = c.sim.BindFloatingIP(c.owner, f.ID, "")
	return object{}, err
}

// release refuses an address that is on something.
func release(c *call) (object, error) {
	f, err := simcloud.Get[simcloud.FloatingIP](c.sim, c.owner, c.get("AllocationId"))
	if err != nil {
		return nil, err
	}
	if f.TargetID != "" {
		return nil, refuse(400, "IncorrectEipStatus", "Current elastic IP status does not support this operation.")
	}
	return object{}, c.sim.DeleteFloatingIP(c.owner, f.ID)
}
