package ctyunfake

import (
	"strings"

	"github.com/duoyun/duoyun/providers/simcloud"
)

func (f *Fake) disk() {
	f.post("/v4/ebs/new-ebs", "clientToken! azName diskName! diskType! diskSize!:i diskMode! multiAttach:b isEncrypt:b onDemand!:b cycleType cycleCount:i projectID", (*call).createDisk)
	f.get("/v4/ebs/list-ebs", "diskName"+pageWords, func(c *call) (any, error) {
		all, err := views(c, showDisk, nil)
		if err != nil {
			return nil, err
		}
		return paged(c, "diskList", 300, all)
	})
	f.get("/v4/ebs/info-ebs", "diskID!", func(c *call) (any, error) {
		v, err := c.volume()
		if err != nil {
			return nil, err
		}
		return showDisk(v), nil
	})
	f.post("/v4/ebs/attach-ebs", "diskID! instanceID!", func(c *call) (any, error) {
		if _, err := c.sim.AttachVolume(c.owner, c.text("instanceID"), c.text("diskID"), "", false); err != nil {
			return nil, err
		}
		return object{"diskJobID": newID()}, nil
	})
	f.post("/v4/ebs/detach-ebs", "diskID! instanceID", func(c *call) (any, error) {
		if err := c.sim.DetachVolume(c.owner, c.text("instanceID"), c.text("diskID")); err != nil {
			return nil, err
		}
		return object{"diskJobID": newID()}, nil
	})
	f.post("/v4/ebs/resize-ebs", "clientToken! diskID! diskSize!:i", func(c *call) (any, error) {
		if _, err := c.sim.ExtendVolume(c.owner, c.text("diskID"), c.number("diskSize")); err != nil {
			return nil, err
		}
		return c.order("upgrade", c.text("diskID"))
	})
	f.post("/v4/ebs/refund-ebs", "clientToken! diskID!", func(c *call) (any, error) {
		if _, err := c.sim.DeleteVolume(c.owner, c.text("diskID")); err != nil {
			return nil, err
		}
		return c.order("refund", c.text("diskID"))
	})
	f.post("/v4/ebs/renew-ebs", "clientToken! diskID! cycleType! cycleCount!:i", func(c *call) (any, error) {
		months, err := c.months(c.text("cycleType"))
		if err != nil {
			return nil, err
		}
		if _, err := simcloud.Renew[simcloud.Volume](c.sim, c.owner, c.text("diskID"), months); err != nil {
			return nil, err
		}
		return c.order("renew", c.text("diskID"))
	})
}

func (c *call) volume() (*simcloud.Volume, error) {
	return mine[simcloud.Volume](c, simcloud.KindVolume, c.text("diskID"))
}

// createDisk answers as the vendor does while the order is being worked at: with an error that names the order.
func (c *call) createDisk() (any, error) {
	months, name := 0, c.text("diskName")
	var err error
	if !c.truth("onDemand") {
		if months, err = c.months(c.text("cycleType")); err != nil {
			return nil, err
		}
	}
	if len(name) < 2 || len(name) > 63 || c.number("diskSize") < 10 || c.text("diskMode") != "VBD" || diskType(c.text("diskType")) == "" {
		return nil, c.wrong("diskName")
	}
	same, err := views(c, showDisk, func(v *simcloud.Volume) bool { return v.Name == name })
	if err != nil || len(same) > 0 {
		return nil, refuse("ebs.ebsInfo.nameExisted", "the name is taken")
	}
	v, err := c.sim.CreateVolume(simcloud.VolumeInput{Object: simcloud.Object{Owner: c.owner, Zone: c.text("azName"), Name: name},
		Purchase: simcloud.Purchase{Months: months}, SizeGiB: c.number("diskSize"), Type: diskType(c.text("diskType"))})
	if err != nil {
		return nil, err
	}
	order, err := c.order("new", v.ID)
	if err != nil {
		return nil, err
	}
	return nil, refusal{"ebs.order.inProgress", "订单处理中", order}
}

func showDisk(v *simcloud.Volume) object {
	status := "unattached"
	if v.ServerID != "" {
		status = "attached"
	}
	switch v.State {
	case simcloud.Active:
	case simcloud.Building:
		status = "creating"
	case simcloud.Failed:
		status = "error"
	default:
		status = strings.ToLower(string(v.State)) // attaching, detaching, extending, deleting
	}
	o := object{"diskID": v.ID, "diskName": v.Name, "diskSize": v.SizeGiB, "diskType": vendorType(v.Type), "diskStatus": status, "azName": v.Zone,
		"createTime": v.Created.UnixMilli(), "isSystemVolume": v.ImageID != "", "instanceID": nil, "onDemand": v.Months == 0, "expireTime": nil}
	if v.ServerID != "" {
		o["instanceID"] = v.ServerID
	}
	if !v.PaidUntil.IsZero() {
		o["expireTime"] = v.PaidUntil.UnixMilli()
	}
	return o
}

func (f *Fake) address() {
	f.post("/v4/eip/create", "clientToken! name! bandwidth!:i cycleType! cycleCount:i demandBillingType projectID", (*call).createAddress)
	f.post("/v4/eip/new-list", "ids:l"+pageWords, func(c *call) (any, error) {
		all, err := views(c, showAddress, nil)
		if err != nil {
			return nil, err
		}
		return paged(c, "eips", 50, all)
	})
	f.get("/v4/eip/show", "eipID!", func(c *call) (any, error) {
		v, err := mine[simcloud.FloatingIP](c, simcloud.KindFloatingIP, c.text("eipID"))
		if err != nil {
			return nil, err
		}
		return showAddress(v), nil
	})
	bind := func(target, status string) func(*call) (any, error) {
		return func(c *call) (any, error) {
			to := ""
			if target != "" {
				to = c.text(target)
			}
			_, err := c.sim.BindFloatingIP(c.owner, c.text("eipID"), to)
			return object{"status": status}, err
		}
	}
	f.post("/v4/eip/associate", "clientToken! eipID! associationID! associationType!:i", bind("associationID", "done"))
	f.post("/v4/eip/disassociate", "clientToken! eipID!", bind("", "done"))
	f.post("/v4/elb/associate-eip-to", "clientToken! elbID! eipID!", bind("elbID", "done"))
	f.post("/v4/elb/disassociate-eip-from", "clientToken! elbID! eipID!", bind("", "done"))
	f.post("/v4/eip/modify-spec", "clientToken! eipID! bandwidth!:i", func(c *call) (any, error) {
		if _, err := c.sim.SetBandwidth(c.owner, c.text("eipID"), c.number("bandwidth")); err != nil {
			return nil, err
		}
		return c.order("upgrade", c.text("eipID"))
	})
	f.post("/v4/eip/renew", "clientToken! eipID! cycleType! cycleCount!:i", func(c *call) (any, error) {
		months, err := c.months(c.text("cycleType"))
		if err != nil {
			return nil, err
		}
		if _, err := simcloud.Renew[simcloud.FloatingIP](c.sim, c.owner, c.text("eipID"), months); err != nil {
			return nil, err
		}
		order, err := c.order("renew", c.text("eipID"))
		return []object{order}, err
	})
	f.post("/v4/eip/delete", "clientToken! eipID!", func(c *call) (any, error) {
		if err := c.sim.DeleteFloatingIP(c.owner, c.text("eipID")); err != nil {
			return nil, err
		}
		return c.order("refund", c.text("eipID"))
	})
}

func (c *call) createAddress() (any, error) {
	months := 0
	var err error
	if unit := c.text("cycleType"); unit != "on_demand" {
		if months, err = c.months(unit); err != nil {
			return nil, err
		}
	}
	if err := c.named(c.text("name")); err != nil || c.number("bandwidth") < 1 {
		return nil, c.wrong("name")
	}
	v, err := c.sim.AllocateFloatingIP(simcloud.FloatingInput{Object: simcloud.Object{Owner: c.owner, Name: c.text("name")},
		Purchase: simcloud.Purchase{Months: months}, BandwidthMbps: c.number("bandwidth")})
	if err != nil {
		return nil, err
	}
	order, err := c.order("new", v.ID)
	if err != nil {
		return nil, err
	}
	order["eipID"] = ""
	return nil, refusal{"Openapi.Order.Inprogress", "订单处理中", order}
}

func showAddress(v *simcloud.FloatingIP) object {
	status, kind, billing := "DOWN", "", "on_demand"
	if v.TargetID != "" {
		status, kind = "ACTIVE", "INSTANCE"
	}
	if v.TargetKind == simcloud.KindBalancer {
		kind = "LOADBALANCER"
	}
	o := object{"ID": v.ID, "name": v.Name, "description": "", "eipAddress": v.Address, "associationID": v.TargetID, "associationType": kind,
		"bandwidth": v.BandwidthMbps, "status": status, "createdAt": v.Created.UTC().Format("2006-01-02T15:04:05Z"), "expiredAt": nil}
	if !v.PaidUntil.IsZero() {
		billing, o["expiredAt"] = "periodic", v.PaidUntil.UTC().Format("2006-01-02T15:04:05Z")
	}
	o["billingMethod"] = billing
	return o
}
