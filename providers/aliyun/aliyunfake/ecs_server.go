package aliyunfake

import (
	"encoding/base64"
	"slices"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func serverActions() []action {
	return []action{
		{product: "Ecs", name: "RunInstances", needs: "ImageId InstanceType SecurityGroupId VSwitchId",
			takes: "Amount:int InstanceName Description SystemDisk.Size:int SystemDisk.Category InstanceChargeType Period:int PeriodUnit AutoRenew:bool AutoPay:bool Password UserData",
			token: "ClientToken", do: runInstances},
		{product: "Ecs", name: "DescribeInstances", takes: "InstanceIds:list" + pages, do: describeInstances},
		{product: "Ecs", name: "StartInstance", needs: "InstanceId", do: turn((*simcloud.Cloud).StartServer)},
		{product: "Ecs", name: "StopInstance", needs: "InstanceId", takes: "StoppedMode ForceStop:bool", do: turn((*simcloud.Cloud).StopServer)},
		{product: "Ecs", name: "ModifyInstanceSpec", needs: "InstanceId InstanceType", token: "ClientToken", do: modifySpec(false)},
		{product: "Ecs", name: "ModifyPrepayInstanceSpec", needs: "InstanceId InstanceType", takes: "OperatorType AutoPay:bool", token: "ClientToken", do: modifySpec(true)},
		{product: "Ecs", name: "RenewInstance", needs: "InstanceId Period:int", takes: "PeriodUnit", token: "ClientToken", do: renewServer},
		{product: "Ecs", name: "DeleteInstance", needs: "InstanceId", takes: "Force:bool TerminateSubscription:bool", do: deleteInstance},
	}
}

// bought reads how something is bought by its charge type; a term needs its unit.
func (c *call) bought(parameter string) (simcloud.Purchase, error) {
	if c.get(parameter) != "PrePaid" && c.get(parameter) != "Prepaid" {
		return simcloud.Purchase{}, nil
	}
	months := c.number("Period")
	if months < 1 || months > 60 {
		return simcloud.Purchase{}, invalid("Period", "The specified period is not valid.")
	}
	return simcloud.Purchase{Months: int(months)}, nil
}

func runInstances(c *call) (object, error) {
	subnet, err := simcloud.Get[simcloud.Subnet](c.sim, c.owner, c.get("VSwitchId"))
	if err != nil {
		return nil, err
	}
	group, err := simcloud.Get[simcloud.Group](c.sim, c.owner, c.get("SecurityGroupId"))
	if err != nil {
		return nil, err
	}
	how, err := c.bought("InstanceChargeType")
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(c.get("UserData"))
	switch {
	case err != nil:
		return nil, invalid("UserData", "it is not base64")
	case group.NetworkID != subnet.NetworkID:
		return nil, refuse(403, "InvalidSecurityGroupId.VPCMismatch", "The security group and the vSwitch are of different VPCs.")
	case c.get("Amount") != "" && c.number("Amount") != 1:
		return nil, invalid("Amount", "one at a time")
	case c.get("InstanceChargeType") == "PrePaid" && c.get("PeriodUnit") != "Month":
		return nil, invalid("PeriodUnit", "a month is what is sold here")
	}
	s, err := c.sim.CreateServer(simcloud.ServerInput{Purchase: how, FlavorID: flavorID(c, c.get("InstanceType")), ImageID: c.get("ImageId"), UserData: string(data),
		Object:   simcloud.Object{Owner: c.owner, Zone: subnet.Zone, Name: c.get("InstanceName"), Description: c.get("Description")},
		GroupIDs: []string{group.ID}, Nics: []simcloud.Nic{{SubnetID: subnet.ID}},
		Disks: []simcloud.Disk{{SizeGiB: max(c.number("SystemDisk.Size"), 40), Type: c.get("SystemDisk.Category"), ImageID: c.get("ImageId"), Owned: true}}})
	if err != nil {
		return nil, err
	}
	return object{"InstanceIdSets": object{"InstanceIdSet": []string{s.ID}}, "OrderId": orderOf(how, s.ID), "TradePrice": 0}, nil
}

// orderOf is the order of a subscription.
func orderOf(p simcloud.Purchase, id string) string {
	if p.Months == 0 {
		return ""
	}
	return "2" + digits(id)
}

// digits makes a number of 14 digits out of an id.
func digits(id string) string {
	out := make([]byte, 14)
	for i := range out {
		out[i] = '0' + id[i]%10
	}
	return string(out)
}

// flavorID finds a type by its name, which is what the vendor calls its id.
func flavorID(c *call, name string) string {
	found, err := simcloud.List[simcloud.Flavor](c.sim, simcloud.Query{Owner: c.owner, Where: []string{simcloud.Named(name)}}, nil)
	if err != nil || len(found) == 0 {
		return name
	}
	return found[0].ID
}

// status words a server's state. What changes its type is stopped meanwhile, as the vendor asks.
func status(s simcloud.State) string {
	switch s {
	case simcloud.Building:
		return "Pending"
	case simcloud.Starting:
		return "Starting"
	case simcloud.Stopping:
		return "Stopping"
	case simcloud.Active, simcloud.Restarting:
		return "Running"
	}
	return "Stopped"
}

// settled ends a change of type: the vendor knows no confirmation.
func (c *call) settled(s *simcloud.Server) *simcloud.Server {
	if s.State != simcloud.Resized {
		return s
	}
	if now, err := c.sim.ConfirmResize(c.owner, s.ID); err == nil {
		return now
	}
	return s
}

func describeInstances(c *call) (object, error) {
	all, err := find[simcloud.Server](c, "InstanceIds", nil)
	if err != nil {
		return nil, err
	}
	return paged(c, all, "Instances", "Instance", func(s *simcloud.Server) object { return instance(c, c.settled(s)) })
}

func instance(c *call, s *simcloud.Server) object {
	name := s.FlavorID
	if f, err := simcloud.Get[simcloud.Flavor](c.sim, c.owner, s.FlavorID); err == nil {
		name = f.Name
	}
	var vpc, subnet string
	groups, addresses := []string{}, []string{}
	for _, id := range s.PortIDs {
		p, err := simcloud.Get[simcloud.Port](c.sim, c.owner, id)
		if err != nil {
			continue
		}
		vpc, groups = p.NetworkID, append(groups, p.GroupIDs...)
		for _, a := range p.Fixed {
			subnet, addresses = a.SubnetID, append(addresses, a.Address)
		}
	}
	return object{"InstanceId": s.ID, "InstanceName": s.Name, "Description": s.Description, "Status": status(s.State), "InstanceType": name, "ImageId": s.ImageID,
		"ZoneId": s.Zone, "RegionId": s.Region, "Cpu": s.Size.VCPU, "Memory": s.Size.RAMMiB, "CreationTime": minutes(s.Created),
		"ExpiredTime": expires(s.Purchase), "InstanceChargeType": charge(s.Purchase), "SecurityGroupIds": object{"SecurityGroupId": groups},
		"VpcAttributes": object{"VpcId": vpc, "VSwitchId": subnet, "PrivateIpAddress": object{"IpAddress": addresses}}}
}

func turn(f func(*simcloud.Cloud, simcloud.Owner, string) (*simcloud.Server, error)) func(*call) (object, error) {
	return func(c *call) (object, error) {
		_, err := f(c.sim, c.owner, c.get("InstanceId"))
		return object{}, err
	}
}

// modifySpec takes a server that is stopped, of the charge type the call is for.
func modifySpec(subscribed bool) func(*call) (object, error) {
	return func(c *call) (object, error) {
		s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, c.get("InstanceId"))
		switch {
		case err != nil:
			return nil, err
		case s.PaidUntil.IsZero() == subscribed:
			return nil, refuse(403, "ChargeTypeViolation", "The operation is not permitted due to charge type of the instance.")
		case s.State != simcloud.Stopped:
			return nil, refuse(403, "IncorrectInstanceStatus", "The current status of the resource does not support this operation.")
		case subscribed && !slices.Contains([]string{"upgrade", "downgrade"}, c.get("OperatorType")):
			return nil, invalid("OperatorType", "The specified operator type is not valid.")
		}
		_, err = c.sim.ResizeServer(c.owner, s.ID, flavorID(c, c.get("InstanceType")))
		return object{"OrderId": orderOf(s.Purchase, s.ID)}, err
	}
}

func renewServer(c *call) (object, error) {
	s, err := simcloud.Renew[simcloud.Server](c.sim, c.owner, c.get("InstanceId"), int(c.number("Period")))
	if err != nil {
		return nil, err
	}
	return object{"OrderId": orderOf(s.Purchase, s.ID)}, nil
}

// deleteInstance refuses a running server unless forced, and a subscription that has not run out.
func deleteInstance(c *call) (object, error) {
	s, err := simcloud.Get[simcloud.Server](c.sim, c.owner, c.get("InstanceId"))
	switch {
	case err != nil:
		return nil, err
	case c.sim.Now().Before(s.PaidUntil):
		return nil, refuse(403, "ChargeTypeViolation", "The operation is not permitted due to charge type of the instance.")
	case s.State != simcloud.Stopped && c.get("Force") != "true":
		return nil, refuse(403, "IncorrectInstanceStatus", "The current status of the resource does not support this operation.")
	}
	_, err = c.sim.DeleteServer(c.owner, s.ID)
	return object{}, err
}
